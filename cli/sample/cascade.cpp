#include "cli/sample/cascade.h"

#include <algorithm>

#include "cli/options/open_model.h"
#include "cli/options/output_file.h"
#include "cli/sample/draw_samples.h"
#include "cli/sample/sample_request.h"
#include "iddpm/evaluation/likelihood/chosen_timesteps.h"

namespace iddpm::cli {

namespace fs = std::filesystem;

void draw_cascade(const SampleArguments& arguments, const Model& base) {
  const Model then = open_model(arguments.enlarging.then, arguments.weights, arguments.compute);
  check_cascade(base.settings(), then.settings());
  SampleArguments small = arguments;
  small.out = output_folder(arguments, chosen_edit(arguments.editing, base.settings()));
  SampleArguments large = arguments;
  large.model = arguments.enlarging.then;
  large.out = small.out;
  small.out += "_small";
  if (!fs::exists(large.out)) {  // otherwise looked at when it is gone on with
    check_output_file("--npz", large.npz, large.overwrite);
    check_output_file("--film", large.film, large.overwrite);
  }
  // Refuses steps that only the second model hasn't.
  if (arguments.steps) (void)chosen_timesteps(then, *arguments.steps);
  small.npz.clear();
  small.film.clear();
  small.grid_only = small.json = false;
  SingleProcess alone;
  std::vector<fs::path> drawn = draw_samples(small, base, alone);
  // Number n enlarges image n modulo their number, which is to be its own.
  std::rotate(drawn.rbegin(), drawn.rbegin() + static_cast<std::ptrdiff_t>(arguments.first % drawn.size()),
              drawn.rend());
  large.editing = {};
  large.guidance = {};
  large.start = "noise";
  large.enlarging.low_resolution.clear();
  for (const fs::path& file : drawn) large.enlarging.low_resolution.push_back(file.string());
  if (!then.has_classes()) {
    large.classes.clear();
    large.by_class = false;
  }
  large.count = static_cast<std::int64_t>(drawn.size());
  (void)draw_samples(large, then, alone);
}

}  // namespace iddpm::cli

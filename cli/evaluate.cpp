// iddpm evaluate: what a model is worth.

#include <CLI/CLI.hpp>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/likelihood.h"
#include "iddpm/core/error.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/version.h"

namespace iddpm::cli {
namespace {

struct EvaluateArguments {
  LikelihoodRequest likelihood;
  std::filesystem::path json_file;
  bool json = false;
};

nlohmann::json to_json(const LikelihoodRequest& request, const Likelihood& likelihood) {
  const BitsPerDimension& bits = likelihood.bits;
  return {{"model", likelihood.checkpoint.string()},
          {"step", likelihood.info.step},
          {"weights", likelihood.weights},
          {"data", request.data.path.string()},
          {"split", request.data.split},
          {"seed", request.seed},
          {"seconds", likelihood.seconds},
          {"version", version},
          {"bits_per_dimension",
           {{"total", bits.total},
            {"standard_error", bits.standard_error},
            {"prior", bits.prior},
            {"images", bits.images},
            {"skipped", bits.skipped.size()},
            {"steps", likelihood.steps},
            {"original_steps", likelihood.info.settings.diffusion.steps},
            {"terms", bits.terms},
            {"x_0_error", bits.x_0_error},
            {"epsilon_error", bits.epsilon_error}}}};
}

std::string table(const Likelihood& likelihood) {
  const BitsPerDimension& bits = likelihood.bits;
  double middle = 0;
  for (std::size_t t = 1; t < bits.terms.size(); ++t) middle += bits.terms[t];
  std::string text =
      fmt::format("{:.4f} bits per dimension (standard error {:.4f})\n", bits.total, bits.standard_error);
  text += fmt::format("  L_0, the decoder      {:.4f}\n", bits.terms.front());
  text += fmt::format("  L_1 .. L_{:<12} {:.4f}\n", bits.terms.size() - 1, middle);
  text += fmt::format("  L_T, the prior        {:.6f}\n", bits.prior);
  text += fmt::format("on {} images, {} of {} steps, weights {}, step {}, in {}\n", format_count(bits.images),
                      likelihood.steps, likelihood.info.settings.diffusion.steps, likelihood.weights,
                      likelihood.info.step, format_duration(likelihood.seconds));
  return text;
}

void run_evaluate(const EvaluateArguments& arguments) {
  require(!arguments.likelihood.data.path.empty(), "evaluate needs --data: the images whose likelihood is measured");
  const Likelihood likelihood = measure_likelihood(arguments.likelihood);
  const std::string record = to_json(arguments.likelihood, likelihood).dump(2) + "\n";
  if (!arguments.json_file.empty()) write_file_atomically(arguments.json_file, record);
  print(arguments.json ? record : table(likelihood));
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto arguments = std::make_shared<EvaluateArguments>();
  LikelihoodRequest& request = arguments->likelihood;
  CLI::App* verb = app.add_subcommand("evaluate", "Measure a model's likelihood in bits per dimension");
  verb->footer(
      "Examples:\n"
      "  iddpm evaluate runs/photos --data photos/ --split test\n"
      "      the variational bound on every test image, each at every t: exact, but T network evaluations an image\n"
      "  iddpm evaluate runs/photos --data photos/ --count 500 --steps 100 --json\n"
      "      an upper bound of it from a shortened process on 500 images\n"
      "Noise is drawn per image from --seed: the result doesn't depend on the batch size.");
  verb->add_option("model", request.model, "Run folder or checkpoint file")->required()->type_name("MODEL");
  add_data_options(*verb, request.data);
  verb->add_option("--count", request.count, "Only so many images, evenly spread over the data (default: all)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  verb->add_option("--steps", request.steps, "Shorten the process: '100', '10,15,20' (default: every step)");
  verb->add_option("--batch", request.batch, "Images at a time (64)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20));
  verb->add_option("--seed", request.seed, "Of the noise (0)");
  verb->add_option("--json-file", arguments->json_file, "Also write the result to this file");
  verb->add_flag("--json", arguments->json, "Print the result as JSON");
  add_weight_options(*verb, request.weights);
  add_compute_options(*verb, request.compute);
  verb->callback([arguments] { run_evaluate(*arguments); });
}

}  // namespace iddpm::cli

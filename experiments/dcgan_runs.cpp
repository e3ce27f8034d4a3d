#include "experiments/dcgan_runs.h"

#include <algorithm>
#include <limits>

#include "iddpm/core/error.h"
#include "iddpm/core/processor_time.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/data/batch_loader.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/pixels.h"

namespace iddpm::experiments {
namespace {

namespace fs = std::filesystem;
using baselines::Dcgan;
using baselines::DcganOptions;

constexpr std::int64_t dcgan_batch = 64;
constexpr std::int64_t steps_between_saves = 100;
constexpr std::uint64_t tuning_seed_offset = 1000;  // no seed of a result is this far away

// A name of all that a training depends on.
std::string key_of(const DcganOptions& options, const std::vector<double>& marks) {
  const nlohmann::json json = {{"shape", {options.image_channels, options.image_height, options.image_width}},
                               {"latent", options.latent},
                               {"channels", options.channels},
                               {"learning_rate", options.learning_rate},
                               {"beta_1", options.beta_1},
                               {"average_rate", options.average_rate},
                               {"seed", options.seed},
                               {"batch", dcgan_batch},
                               {"marks", marks}};
  return sha256(json.dump()).substr(0, 12);
}

void train_dcgan_to_marks(Workbench& bench, const DcganOptions& options, const std::vector<double>& marks,
                          const std::vector<fs::path>& files, const fs::path& state) {
  const double start = processor_seconds();
  const auto images = bench.open_training_images();
  Dcgan model = fs::exists(state) ? Dcgan::load(state) : Dcgan(options);
  const double before = model.processor_seconds();
  const auto elapsed = [&] { return before + processor_seconds() - start; };
  BatchLoader loader(images,
                     {.batch = dcgan_batch, .seed = options.seed, .first_example = model.steps_done() * dcgan_batch});
  const auto save = [&](const fs::path& file) {
    model.set_processor_seconds(elapsed());
    model.save(file);
  };
  for (std::size_t k = 0; k < marks.size(); ++k) {
    if (fs::exists(files[k])) continue;
    while (elapsed() < marks[k]) {
      model.step(loader.next().x_0);
      if (model.steps_done() % steps_between_saves != 0) continue;
      save(state);
      bench.tell("Training the GAN", std::min(elapsed() / marks.back(), 1.0),
                 fmt::format("step {}", model.steps_done()));
    }
    save(state);
    save(files[k]);
  }
}

}  // namespace

DcganOptions dcgan_options(Workbench& bench, double learning_rate, std::uint64_t seed_offset) {
  const auto shape = bench.training_images()->image_shape();
  return {.image_height = shape[1],
          .image_width = shape[2],
          .image_channels = shape[0],
          .learning_rate = learning_rate,
          .average_rate = bench.settings().gan.average_rate,
          .seed = bench.settings().seed + seed_offset};
}

std::vector<fs::path> trained_dcgan(Workbench& bench, const DcganOptions& options, const std::vector<double>& marks) {
  const fs::path folder = bench.folder(fmt::format("dcgan/{}", key_of(options, marks)));
  const fs::path diverged = folder / "diverged.json";
  std::vector<fs::path> files;
  for (std::size_t k = 1; k <= marks.size(); ++k) files.push_back(folder / fmt::format("mark_{}.safetensors", k));
  if (fs::exists(diverged)) {
    throw NotFiniteError(parse_json(read_file(diverged), diverged.string()).dump());
  }
  if (!std::all_of(files.begin(), files.end(), [](const fs::path& file) { return fs::exists(file); })) {
    try {
      train_dcgan_to_marks(bench, options, marks, files, folder / "dcgan.safetensors");
    } catch (const NotFiniteError& error) {
      write_file_atomically(diverged, nlohmann::json(error.what()).dump() + "\n");
      throw;
    }
  }
  bench.count(Dcgan::load(files.back()).processor_seconds());
  return files;
}

std::vector<TriedRate> try_learning_rates(Workbench& bench, Judges& judges, double budget, std::int64_t samples) {
  std::vector<TriedRate> tried;
  const std::vector<double>& rates = bench.settings().gan.learning_rates;
  if (rates.size() < 2) return tried;
  for (const double rate : rates) {
    TriedRate result{.learning_rate = rate, .frechet_distance = std::numeric_limits<double>::infinity()};
    try {
      const DcganOptions options = dcgan_options(bench, rate, tuning_seed_offset);
      const Dcgan model = Dcgan::load(trained_dcgan(bench, options, {budget}).back());
      const Tensor images = to_pixels(model.sample(samples, options.seed));
      result.frechet_distance =
          extrapolated_distance(judges.judge(JudgeRole::tuning, fmt::format("DCGAN at a rate of {}", rate), images));
    } catch (const NotFiniteError&) {
    }
    tried.push_back(result);
  }
  return tried;
}

double best_learning_rate(const std::vector<TriedRate>& tried, const GanPlan& plan) {
  if (tried.empty()) return plan.learning_rates.front();
  const auto less = [](const TriedRate& a, const TriedRate& b) { return a.frechet_distance < b.frechet_distance; };
  return std::min_element(tried.begin(), tried.end(), less)->learning_rate;
}

std::string describe(const std::vector<TriedRate>& tried) {
  std::string text;
  for (const TriedRate& rate : tried) {
    text += fmt::format("{}{}: {:.2f}", text.empty() ? "" : ", ", rate.learning_rate, rate.frechet_distance);
  }
  return text;
}

}  // namespace iddpm::experiments

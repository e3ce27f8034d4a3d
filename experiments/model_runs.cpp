// The models of the findings: made, gone on with, or taken as they are.

#include <atomic>

#include "experiments/workbench.h"
#include "iddpm/core/error.h"
#include "iddpm/core/processor_time.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/input_file.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/training/run/run_lock.h"
#include "iddpm/training/run/training_run.h"
#include "iddpm/training/training_state.h"

namespace iddpm::experiments {
namespace {

namespace fs = std::filesystem;

// A trainer where the run stands, new if there is none.
Trainer trainer_at(const fs::path& run, const ModelSettings& model, const TrainingOptions& options, at::Device device) {
  if (!fs::exists(run) || list_checkpoints(run).empty()) return Trainer(model, options, device);
  Trainer trainer = Trainer::resume(find_resumable_checkpoint(run), device);
  require(trainer.settings() == model && trainer.options() == options,
          "'{}' holds a model of other settings; choose another --work folder or delete it", run.string());
  return trainer;
}

// What training has taken, of all cores together.
constexpr const char* time_file = "processor_seconds.json";

// Why training could not go on, in a run that diverged.
constexpr const char* divergence_file = "diverged.json";

void refuse_if_diverged(const fs::path& run) {
  if (!fs::exists(run / divergence_file)) return;
  const auto json = parse_json(read_file(run / divergence_file), (run / divergence_file).string());
  require(json.is_string(), "'{}': expected a sentence", (run / divergence_file).string());
  throw NotFiniteError(json.get<std::string>());
}

double seconds_noted(const fs::path& run) {
  if (!fs::exists(run / time_file)) return 0;
  const auto json = parse_json(read_file(run / time_file), (run / time_file).string());
  require(json.is_number(), "'{}': expected a number of seconds", (run / time_file).string());
  return json.get<double>();
}

std::int64_t checkpoint_interval(const Scale& scale) {
  return std::max<std::int64_t>(1, scale.training_steps / scale.checkpoints);
}

}  // namespace

ModelRecipe model_recipe(const std::string& schedule, Objective objective, TimestepSampling timesteps) {
  ModelRecipe recipe{
      .name = schedule + "_" + name(objective), .schedule = schedule, .objective = objective, .timesteps = timesteps};
  // L_simple teaches no variance: the upper bound, as in Ho et al. 2020.
  if (objective == Objective::simple) recipe.variance = Variance::fixed_large;
  if (timesteps == TimestepSampling::importance) recipe.name += "_importance";
  return recipe;
}

ModelSettings Workbench::model_settings(const ModelRecipe& recipe) {
  const auto shape = training_images()->image_shape();
  ModelSettings model;
  model.network = resolved({.image_height = shape[1],
                            .image_width = shape[2],
                            .image_channels = shape[0],
                            .channels = scale().channels,
                            .residual_blocks = recipe.residual_blocks.value_or(scale().residual_blocks),
                            .channel_multipliers = recipe.channel_multipliers.empty() ? scale().channel_multipliers
                                                                                      : recipe.channel_multipliers,
                            .attention_resolutions = scale().attention_resolutions,
                            .predict_variance = is_learned(recipe.variance)});
  model.diffusion = {.schedule = recipe.schedule,
                     .steps = scale().diffusion_steps,
                     .mean = recipe.mean,
                     .variance = recipe.variance,
                     .objective = recipe.objective,
                     .weighting = recipe.weighting};
  check(model);
  return model;
}

TrainingOptions Workbench::training_options(const ModelRecipe& recipe) const {
  return {.seed = settings_.seed + recipe.seed_offset,
          .batch = scale().batch,
          .learning_rate = scale().learning_rate,
          .warmup_steps = 100,
          .ema_rates = std::vector<double>(1, scale().ema_rate),
          .precision = recipe.precision.value_or(settings_.precision),
          .timesteps = recipe.timesteps};
}

void Workbench::train_in(const fs::path& run, Trainer& trainer, const RunOptions& options) {
  refuse_if_diverged(run);
  // Interrupted work is saved first: the run ends with the step under way, and so does this function.
  std::atomic<bool> stop{false};
  RunObserver observer;
  observer.on_step = [&](const StepResult& result, double images_per_second, double fraction) {
    try {
      tell("Training " + run.filename().string(), fraction,
           fmt::format("step {}  loss {:.4f}  {:.0f} images/s", result.step, result.loss, images_per_second));
    } catch (const Interrupted&) {
      stop = true;
    }
  };
  const double seconds_before = seconds_noted(run);
  const double start = processor_seconds();
  const auto note_time = [&] {
    write_file_atomically(run / time_file, nlohmann::json(seconds_before + processor_seconds() - start).dump() + "\n");
  };
  observer.on_checkpoint = [&](const fs::path&) { note_time(); };  // what is lost after it was in vain
  try {
    const RunEnd end = train(trainer, training_images(), run, options, observer, stop);
    note_time();
    if (end == RunEnd::interrupted) throw Interrupted();
  } catch (const NotFiniteError& error) {
    // It would end there again.
    write_file_atomically(run / divergence_file, nlohmann::json(error.what()).dump() + "\n");
    note_time();
    throw;
  }
}

TrainedModel Workbench::model(const ModelRecipe& recipe) {
  TrainedModel trained{
      .name = recipe.name, .run = settings_.work / "models" / recipe.name, .checkpoints = {}, .steps = {}};
  folder("models");
  Trainer trainer = trainer_at(trained.run, model_settings(recipe), training_options(recipe), settings_.device);
  const std::int64_t interval = checkpoint_interval(scale());
  if (trainer.steps_done() < scale().training_steps) {
    RunRecord record;
    record.data = fs::absolute(settings_.data);
    record.data_options = settings_.data_options;
    const auto shape = training_images()->image_shape();
    record.data_options.image_height = shape[1];
    record.data_options.image_width = shape[2];
    record.data_options.image_channels = shape[0];
    record.preset = "reproduce";
    record.run.steps = scale().training_steps;
    record.run.checkpoint_every = interval;
    record.run.keep_checkpoints = 0;
    record.run.sample_every = 0;
    fs::create_directories(trained.run);
    const RunLock lock(trained.run);
    save_run_record(trained.run, record);
    train_in(trained.run, trainer, record.run);
  }
  for (const RunCheckpoint& checkpoint : list_checkpoints(trained.run)) {
    const bool even = checkpoint.step % interval == 0 || checkpoint.step == scale().training_steps;
    if (!even || checkpoint.step > scale().training_steps) continue;
    trained.checkpoints.push_back(checkpoint.path);
    trained.steps.push_back(checkpoint.step);
  }
  require(!trained.steps.empty() && trained.steps.back() == scale().training_steps,
          "'{}' holds a run longer than {} training steps and no checkpoint of that step; choose another --work folder",
          trained.run.string(), scale().training_steps);
  trained.seconds = seconds_noted(trained.run);
  count(trained.seconds);
  return trained;
}

}  // namespace iddpm::experiments

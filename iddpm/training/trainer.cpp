#include "iddpm/training/trainer.h"

#include <array>
#include <cmath>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/diffusion/density_timesteps.h"
#include "iddpm/diffusion/settings.h"
#include "iddpm/model/low_resolution.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/training/learning_rate.h"
#include "iddpm/training/trainer_state.h"
#include "iddpm/training/training_memory.h"
#include "iddpm/training/training_state.h"
#include "iddpm/training/training_step.h"

namespace iddpm {
namespace {

// A variance learned beside x_0 was seen to run off: at low noise the bound's term is many times the squared error,
// since any error of x_0 is large against beta_tilde there, and v goes far beyond [0, 1] to pay for it.
void check_trainable(const DiffusionSettings& diffusion) {
  require(
      diffusion.mean != Mean::x_0 || !is_learned(diffusion.variance),
      "training x_0 with the variance {}: the bound's term drowns the squared error, and samples end in values that "
      "aren't finite; expected a prediction of v (which is as well conditioned) or a fixed variance",
      name(diffusion.variance));
}

UNet new_network(const ModelSettings& settings, const TrainingOptions& options, at::Device device) {
  check(settings);
  check(options);
  check_augmentation(settings, options);
  if (device.is_cpu()) require_training_memory(settings, options);
  if (settings.network.super_resolution) (void)low_resolution_shape(settings.network);  // refuses what isn't known
  return UNet(settings.network, options.seed);
}

UNet on_device(UNet network, const TrainingOptions& options, at::Device device) {
  network.to(device);
  network.set_compute_type(options.precision == Precision::bfloat16 ? at::kBFloat16 : at::kFloat);
  for (const auto& [name, parameter] : network.parameters()) parameter.set_requires_grad(true);
  return network;
}

void check_batch(const Batch& batch, const UNetOptions& network, std::int64_t first_example) {
  const std::array<std::int64_t, 3> shape = {network.image_channels, network.image_height, network.image_width};
  require(batch.x_0.defined() && batch.x_0.dim() == 4 && batch.x_0.size(0) > 0 &&
              batch.x_0.sizes().slice(1) == at::IntArrayRef(shape),
          "Trainer::step: expected images of shape {}, got a batch of {}", format_shape(shape),
          batch.x_0.defined() ? format_shape(batch.x_0.sizes()) : "nothing");
  require(batch.first_example == first_example,
          "Trainer::step: expected the batch that begins at example {}, got one that begins at {}", first_example,
          batch.first_example);
  require(network.classes == 0 || (batch.y.defined() && batch.y.dim() == 1 && batch.y.size(0) == batch.x_0.size(0)),
          "Trainer::step: the network has {} classes; expected a class for each of {} images", network.classes,
          batch.x_0.size(0));
}

StepImages images_of_step(const Batch& batch, const TrainingOptions& options, const ProcessGroup& group) {
  if (group.size() == 1) return {.all = batch.x_0.defined() ? batch.x_0.size(0) : 0};
  const RowShare share = group.share_of(options.batch);
  require(batch.x_0.defined() && batch.x_0.dim() > 0 && batch.x_0.size(0) == share.count,
          "Trainer::step: expected {} images, rank {}'s share of a batch of {}, got {}", share.count, group.rank(),
          options.batch, batch.x_0.defined() ? format_shape(batch.x_0.sizes()) : "nothing");
  return {.all = options.batch, .first = share.begin};
}

bool is_finite(const StepFigures& figures) {
  return std::isfinite(figures.loss) && std::isfinite(figures.gradient_norm);
}

[[noreturn]] void stop_at(const StepFigures& figures, std::int64_t step) {
  const bool loss_is_finite = std::isfinite(figures.loss);
  throw NotFiniteError(fmt::format("the {} of step {} is {}, and it was not finite in the {} steps before either",
                                   loss_is_finite ? "gradient's norm" : "loss", step,
                                   loss_is_finite ? figures.gradient_norm : figures.loss,
                                   Trainer::most_skipped_in_a_row));
}

}  // namespace

void check_augmentation(const ModelSettings& settings, const TrainingOptions& options) {
  require(options.augmentation == 0 || settings.network.augmentation_condition,
          "--augment: the network isn't told how images are moved, so that its samples would be too; expected 0, or a "
          "new network");
  require(options.augmentation == 0 || !options.random_flip,
          "--augment mirrors images too; expected it without --flip");
}

std::unique_ptr<TimestepSampler> new_timestep_sampler(TimestepSampling kind, const DiffusionSettings& diffusion) {
  const auto by_density = [&](NoiseDensity density) {
    return std::make_unique<DensityTimesteps>(forward_process(diffusion).schedule(), density);
  };
  if (kind == TimestepSampling::importance) return std::make_unique<ImportanceTimesteps>(diffusion.steps);
  if (kind == TimestepSampling::normal) return by_density(NoiseDensity::normal);
  if (kind == TimestepSampling::laplace) return by_density(NoiseDensity::laplace);
  return std::make_unique<UniformTimesteps>(diffusion.steps);
}

Trainer::State::State(ModelSettings model_settings, TrainingOptions training_options, UNet unet, at::Device device)
    : settings(std::move(model_settings)),
      options(std::move(training_options)),
      network(on_device(std::move(unet), options, device)),
      parameters(network.parameters()),
      optimizer(new_optimizer_state(parameters, options.ema_rates.size())),
      gradients(parameters),
      losses(reverse_process(settings.diffusion), settings.diffusion.objective, settings.diffusion.weighting),
      timesteps(new_timestep_sampler(options.timesteps, settings.diffusion)),
      reduction(std::make_unique<GradientReduction>(parameters, gradients, *group)) {}

Trainer::Trainer(ModelSettings settings, TrainingOptions options, at::Device device) {
  check_trainable(settings.diffusion);
  UNet network = new_network(settings, options, device);
  state_ = std::make_unique<State>(std::move(settings), std::move(options), std::move(network), device);
}

Trainer::Trainer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;

StepResult Trainer::step(const Batch& batch) {
  State& state = *state_;
  const UNetOptions& network = state.settings.network;
  const StepImages images = images_of_step(batch, state.options, *state.group);
  check_batch(batch, network, state.examples_seen + images.first);
  const std::int64_t microbatch = state.options.microbatch > 0 ? state.options.microbatch : batch.x_0.size(0);
  const StepDraws draws = draw(batch, state.options, network, *state.timesteps, state.network.device());
  state.gradients.start_anew();
  const ImageLosses losses = backward(batch, draws, state.network, state.losses, microbatch, images, *state.reduction);
  const StepFigures figures =
      reduce(draws, losses, state.losses.p_theta().steps(), state.parameters, images, *state.reduction, *state.group);
  const double learning_rate = learning_rate_at(state.options, state.step, state.seconds_trained);
  const bool skipped = !is_finite(figures);
  if (skipped) {
    if (state.skipped.in_a_row >= most_skipped_in_a_row) stop_at(figures, state.step + 1);
    ++state.skipped.all;
    ++state.skipped.in_a_row;
  } else {
    // AdamW and the averages count their own updates.
    const std::int64_t updates = state.step - state.skipped.all;
    update(state.parameters, state.optimizer, state.options, updates, learning_rate, figures.gradient_norm);
    if (state.shards) state.shards->exchange(state.parameters);
    state.timesteps->record(figures.t, figures.losses);
    state.skipped.in_a_row = 0;
  }
  ++state.step;
  state.examples_seen += figures.t.size();
  if (!skipped) add(state.group->size() == 1 ? state.data_pixels : state.own_pixels, batch.x_0);
  return {.step = state.step,
          .loss = figures.loss,
          .mse = figures.mse,
          .vb = figures.vb,
          .loss_by_quartile = figures.loss_by_quartile,
          .gradient_norm = figures.gradient_norm,
          .learning_rate = learning_rate,
          .images = figures.t.size(),
          .skipped = skipped};
}

Trainer Trainer::from_checkpoint(const Checkpoint& checkpoint, const WeightChoice& choice, TrainingOptions options,
                                 at::Device device) {
  const ModelSettings& settings = checkpoint.info().settings;
  UNet network = new_network(settings, options, device);
  load_parameters(network.parameters(), checkpoint.weights(choice), checkpoint.path().string());
  return Trainer(std::make_unique<State>(settings, std::move(options), std::move(network), device));
}

Trainer Trainer::resume(const std::filesystem::path& path, at::Device device) {
  const Checkpoint checkpoint(path);
  TrainingState saved = read_training_state(checkpoint);
  // How many images at a time is the session's to say: `change_options` looks at what they need.
  TrainingOptions least = saved.options;
  least.microbatch = 1;
  Trainer trainer = from_checkpoint(checkpoint, {.raw = true}, least, device);
  State& state = *trainer.state_;
  state.options = saved.options;
  const std::string where = path.string();
  load_parameters(state.optimizer.exp_avg, saved.exp_avg, where);
  load_parameters(state.optimizer.exp_avg_sq, saved.exp_avg_sq, where);
  for (std::size_t i = 0; i < saved.options.ema_rates.size(); ++i) {
    load_parameters(state.optimizer.emas[i], checkpoint.weights({.ema_rate = saved.options.ema_rates[i]}), where);
  }
  state.timesteps->restore(saved.timestep_history);
  state.step = saved.step;
  state.examples_seen = saved.examples_seen;
  state.skipped = saved.skipped;
  state.seconds_trained = saved.seconds_trained;
  state.data_pixels = checkpoint.info().data_pixels;
  state.origin = checkpoint.info().origin;
  return trainer;
}

void Trainer::save(const std::filesystem::path& path, nlohmann::json origin) {
  State& state = *state_;
  state.share_pixels();
  std::optional<OptimizerState> gathered;
  if (state.shards) gathered = state.shards->gathered(state.optimizer);
  if (!state.group->is_first()) return;
  const OptimizerState& optimizer = gathered ? *gathered : state.optimizer;
  const std::filesystem::path state_path = training_state_path(path);
  std::error_code ignored;
  const bool was_there = std::filesystem::exists(state_path, ignored);
  save_training_state(path,
                      {.options = state.options,
                       .step = state.step,
                       .examples_seen = state.examples_seen,
                       .skipped = state.skipped,
                       .seconds_trained = state.seconds_trained,
                       .exp_avg = optimizer.exp_avg,
                       .exp_avg_sq = optimizer.exp_avg_sq,
                       .timestep_history = state.timesteps->state()},
                      state.parameters);
  try {
    save_checkpoint(path,
                    {.settings = state.settings,
                     .step = state.step,
                     .seed = state.options.seed,
                     .ema_rates = state.options.ema_rates,
                     .origin = origin.is_null() ? state.origin : std::move(origin),
                     .data_pixels = state.data_pixels},
                    {.raw = state.parameters, .emas = optimizer.emas});
  } catch (...) {
    // A full disk: what was just written is of no use alone.
    if (!was_there) std::filesystem::remove(state_path, ignored);
    throw;
  }
}

std::int64_t Trainer::steps_done() const { return state_->step; }
std::int64_t Trainer::examples_seen() const { return state_->examples_seen; }
SkippedSteps Trainer::skipped_steps() const { return state_->skipped; }
void Trainer::set_seconds_trained(double seconds) { state_->seconds_trained = seconds; }
double Trainer::seconds_trained() const { return state_->seconds_trained; }
ProcessGroup& Trainer::group() const { return *state_->group; }

const PixelStatistics& Trainer::data_pixels() {
  state_->share_pixels();
  return state_->data_pixels;
}

const ModelSettings& Trainer::settings() const { return state_->settings; }
const TrainingOptions& Trainer::options() const { return state_->options; }
UNet Trainer::network() const { return state_->network; }

UNet Trainer::ema_network(std::size_t index) const {
  require(index < state_->optimizer.emas.size(), "ema_network: expected an index below the {} EMA rates, got {}",
          state_->optimizer.emas.size(), index);
  UNet network(state_->settings.network);
  network.to(state_->network.device());
  if (state_->shards) {
    state_->shards->gather_into(state_->optimizer.emas[index], network.parameters());
  } else {
    load_parameters(network.parameters(), state_->optimizer.emas[index], "ema_network");
  }
  return network;
}

}  // namespace iddpm

#include "iddpm/training/trainer.h"

#include <utility>

#include "iddpm/diffusion/settings.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/training/trainer_state.h"
#include "iddpm/training/training_state.h"

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

UNet new_network(const ModelSettings& settings, const TrainingOptions& options) {
  check(settings);
  check(options);
  require(!settings.network.super_resolution,
          "training a super-resolution network is not supported: a batch holds no low-resolution images");
  return UNet(settings.network, options.seed);
}

}  // namespace

std::unique_ptr<TimestepSampler> new_timestep_sampler(TimestepSampling kind, std::int64_t steps) {
  if (kind == TimestepSampling::importance) return std::make_unique<ImportanceTimesteps>(steps);
  return std::make_unique<UniformTimesteps>(steps);
}

Trainer::State::State(ModelSettings model_settings, TrainingOptions training_options, UNet unet, at::Device device)
    : settings(std::move(model_settings)),
      options(std::move(training_options)),
      network(std::move(unet)),
      p_theta(reverse_process(settings.diffusion)),
      timesteps(new_timestep_sampler(options.timesteps, settings.diffusion.steps)) {
  network.to(device);
  network.set_compute_type(options.precision == Precision::bfloat16 ? at::kBFloat16 : at::kFloat);
  parameters = network.parameters();
  for (auto& [name, parameter] : parameters) parameter.set_requires_grad(true);
  optimizer = new_optimizer_state(parameters, options.ema_rates.size());
}

Trainer::Trainer(ModelSettings settings, TrainingOptions options, at::Device device) {
  check_trainable(settings.diffusion);
  UNet network = new_network(settings, options);
  state_ = std::make_unique<State>(std::move(settings), std::move(options), std::move(network), device);
}

Trainer::Trainer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;

Trainer Trainer::from_checkpoint(const Checkpoint& checkpoint, const WeightChoice& choice, TrainingOptions options,
                                 at::Device device) {
  const ModelSettings& settings = checkpoint.info().settings;
  UNet network = new_network(settings, options);
  load_parameters(network.parameters(), checkpoint.weights(choice), checkpoint.file().path().string());
  return Trainer(std::make_unique<State>(settings, std::move(options), std::move(network), device));
}

Trainer Trainer::resume(const std::filesystem::path& path, at::Device device) {
  const Checkpoint checkpoint(path);
  TrainingState saved = read_training_state(checkpoint);
  Trainer trainer = from_checkpoint(checkpoint, {.raw = true}, saved.options, device);
  State& state = *trainer.state_;
  const std::string where = path.string();
  load_parameters(state.optimizer.exp_avg, saved.exp_avg, where);
  load_parameters(state.optimizer.exp_avg_sq, saved.exp_avg_sq, where);
  for (std::size_t i = 0; i < saved.options.ema_rates.size(); ++i) {
    load_parameters(state.optimizer.emas[i], checkpoint.weights({.ema_rate = saved.options.ema_rates[i]}), where);
  }
  state.timesteps->restore(saved.timestep_history);
  state.step = saved.step;
  state.examples_seen = saved.examples_seen;
  state.seconds_trained = saved.seconds_trained;
  state.data_pixels = checkpoint.info().data_pixels;
  state.origin = checkpoint.info().origin;
  return trainer;
}

void Trainer::save(const std::filesystem::path& path, nlohmann::json origin) const {
  const State& state = *state_;
  const std::filesystem::path state_path = training_state_path(path);
  std::error_code ignored;
  const bool was_there = std::filesystem::exists(state_path, ignored);
  save_training_state(path,
                      {.options = state.options,
                       .step = state.step,
                       .examples_seen = state.examples_seen,
                       .seconds_trained = state.seconds_trained,
                       .exp_avg = state.optimizer.exp_avg,
                       .exp_avg_sq = state.optimizer.exp_avg_sq,
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
                    {.raw = state.parameters, .emas = state.optimizer.emas});
  } catch (...) {
    // A full disk: what was just written is of no use alone.
    if (!was_there) std::filesystem::remove(state_path, ignored);
    throw;
  }
}

std::int64_t Trainer::steps_done() const { return state_->step; }
std::int64_t Trainer::examples_seen() const { return state_->examples_seen; }
void Trainer::set_seconds_trained(double seconds) { state_->seconds_trained = seconds; }
double Trainer::seconds_trained() const { return state_->seconds_trained; }
const PixelStatistics& Trainer::data_pixels() const { return state_->data_pixels; }
const ModelSettings& Trainer::settings() const { return state_->settings; }
const TrainingOptions& Trainer::options() const { return state_->options; }
UNet Trainer::network() const { return state_->network; }

UNet Trainer::ema_network(std::size_t index) const {
  require(index < state_->optimizer.emas.size(), "ema_network: expected an index below the {} EMA rates, got {}",
          state_->optimizer.emas.size(), index);
  UNet network(state_->settings.network);
  network.to(state_->network.device());
  load_parameters(network.parameters(), state_->optimizer.emas[index], "ema_network");
  return network;
}

}  // namespace iddpm

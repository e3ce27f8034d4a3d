#include "iddpm/training/classifier_trainer.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/core/random_stream.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/diffusion/timestep_sampler.h"
#include "iddpm/model/checkpoint_format.h"
#include "iddpm/training/gradient.h"
#include "iddpm/training/learning_rate.h"

namespace iddpm {
namespace {

using nlohmann::json;

constexpr const char* state_key = "iddpm_classifier_training";
constexpr std::int64_t state_format = 1;
constexpr const char* weights_prefix = "model.";
constexpr const char* exp_avg_prefix = "exp_avg.";
constexpr const char* exp_avg_sq_prefix = "exp_avg_sq.";

// The rate of the step after `steps_done`.
double learning_rate_of(const ClassifierTrainingOptions& options, std::int64_t steps_done) {
  return learning_rate_at({.learning_rate = options.learning_rate,
                           .warmup_steps = options.steps / 20,
                           .decay = LearningRateDecay::cosine,
                           .decay_steps = options.steps},
                          steps_done);
}

std::vector<RandomStream> streams_of_examples(std::uint64_t seed, StreamPurpose purpose, const Batch& batch) {
  std::vector<RandomStream> streams;
  for (std::int64_t i = 0; i < batch.x_0.size(0); ++i) {
    streams.emplace_back(seed, purpose, static_cast<std::uint64_t>(batch.first_example + i));
  }
  return streams;
}

NoisyClassifier new_classifier(const ClassifierInfo& info, const ClassifierTrainingOptions& options,
                               at::Device device) {
  check_fields(options, "classifier training");
  require(info.options.classes >= 2, "classifier: expected at least 2 classes to tell apart, got {}",
          info.options.classes);
  NoisyClassifier network(info.options, options.seed);
  network.to(device);
  for (const auto& [name, parameter] : network.parameters()) Tensor(parameter).set_requires_grad(true);
  return network;
}

NamedTensors tensors_under(const SafetensorsFile& file, const std::string& group, const NamedParameters& parameters) {
  NamedTensors tensors;
  for (const auto& [name, parameter] : parameters) tensors.emplace_back(name, file.tensor(group + name));
  return tensors;
}

}  // namespace

void visit_fields(ClassifierTrainingOptions& options, const FieldVisitor& visit) {
  visit({"steps", "Training steps", "--steps", 1, 1e12}, &options.steps);
  visit({"batch", "Images per step", "--batch", 1, 1 << 20}, &options.batch);
  visit({"learning_rate", "The largest: it rises and falls", "--learning-rate,--lr", 0, 10}, &options.learning_rate);
  visit({"weight_decay", "Of AdamW", "--weight-decay", 0, 1}, &options.weight_decay);
  visit({"seed", "Of everything random", "--seed"}, &options.seed);
  visit({"held_out", "Share of images kept to measure accuracy, without a test set", "--held-out", 0.001, 0.9},
        &options.held_out);
}

ClassifierTrainer::ClassifierTrainer(ClassifierInfo info, ClassifierTrainingOptions options, at::Device device)
    : info_(std::move(info)),
      options_(options),
      network_(new_classifier(info_, options, device)),
      parameters_(network_.parameters()),
      optimizer_(new_optimizer_state(parameters_, 0)),
      process_(reverse_process(info_.diffusion)) {
  info_.options = network_.options();
  info_.seed = options.seed;
}

double ClassifierTrainer::step(const Batch& batch) {
  const std::int64_t images = batch.x_0.size(0);
  require(batch.first_example == examples_seen() && images == options_.batch && batch.y.defined(),
          "classifier: expected {} images with classes from example {} on, got {} from {}", options_.batch,
          examples_seen(), images, batch.first_example);
  const at::Device device = network_.device();
  auto noise_streams = streams_of_examples(options_.seed, StreamPurpose::training_noise, batch);
  auto timestep_streams = streams_of_examples(options_.seed, StreamPurpose::training_timesteps, batch);
  const Timesteps t = UniformTimesteps(process_.steps()).sample(timestep_streams).t;
  const Tensor x_0 = batch.x_0.to(device);
  const Tensor noise = normal_per_image(noise_streams, x_0.sizes().slice(1), device);
  const Tensor x_t = process_.q().sample(x_0, t, noise);

  const GradientScope gradients(parameters_);
  const Tensor loss = at::cross_entropy_loss(network_(x_t, process_.network_timesteps(t, device)), batch.y.to(device));
  loss.backward();
  const double value = loss.item<double>();
  if (!std::isfinite(value)) {
    throw NotFiniteError(
        fmt::format("the classifier's loss became {} at step {}; try a smaller learning rate", value, steps_done_ + 1));
  }
  optimizer_step(parameters_, optimizer_,
                 {.steps_done = steps_done_,
                  .learning_rate = learning_rate_of(options_, steps_done_),
                  .weight_decay = options_.weight_decay});
  ++steps_done_;
  return value;
}

TrainedClassifier ClassifierTrainer::classifier() const {
  NoisyClassifier copy(network_.options());
  copy.to(network_.device());
  load_parameters(copy.parameters(), parameters_, "classifier");
  ClassifierInfo info = info_;
  info.steps = steps_done_;
  return TrainedClassifier(std::move(info), std::move(copy));
}

json ClassifierTrainer::description(const json& data) const {
  return {{"classifier", info_.options},
          {"diffusion", info_.diffusion},
          {"class_names", info_.class_names},
          {"training", fields_to_json(options_)},
          {"data", data}};
}

void ClassifierTrainer::save(const std::filesystem::path& path, const json& data) const {
  NamedTensors tensors;
  std::uint32_t checksum = 0;
  for (const auto& [group, parameters] :
       {std::pair(weights_prefix, &parameters_), std::pair(exp_avg_prefix, &optimizer_.exp_avg),
        std::pair(exp_avg_sq_prefix, &optimizer_.exp_avg_sq)}) {
    for (const auto& [name, tensor] : *parameters) {
      tensors.emplace_back(group + name, checkpoint_format::stored_form(tensor));
      checksum = checkpoint_format::checksum(tensors.back().second, checksum);
    }
  }
  const json state = {
      {"format", state_format}, {"step", steps_done_}, {"checksum", checksum}, {"description", description(data)}};
  write_safetensors(path, tensors, {{state_key, state.dump(-1, ' ', false, json::error_handler_t::replace)}});
}

void ClassifierTrainer::restore(const std::filesystem::path& path, const json& data) {
  const std::string where = path.string();
  const SafetensorsFile file(path);
  require(file.metadata().contains(state_key), "'{}' is no unfinished training of a classifier", where);
  const json state = parse_json(file.metadata().at(state_key), where);
  const JsonRecord record(state, where, {"format", "step", "checksum", "description"});
  require(record.get<std::int64_t>("format") == state_format, ErrorKind::unsupported, "{}: expected format {}, got {}",
          where, state_format, record.get<std::int64_t>("format"));
  // As it reads once written: the characters of a path may have been replaced.
  const json wanted = parse_json(description(data).dump(-1, ' ', false, json::error_handler_t::replace), where);
  const json& there = record.raw("description");
  for (const auto& difference : json::diff(there, wanted)) {
    fail("'{}' is the unfinished training of another classifier (its {} differs)", where,
         difference.at("path").get<std::string>().substr(1));
  }
  const auto step = record.get<std::int64_t>("step");
  require(step >= 0 && step <= options_.steps, "{}: expected 0 to {} steps, got {}", where, options_.steps, step);
  std::uint32_t checksum = 0;
  std::vector<NamedTensors> groups;
  for (const char* group : {weights_prefix, exp_avg_prefix, exp_avg_sq_prefix}) {
    groups.push_back(tensors_under(file, group, parameters_));
    for (const auto& [name, tensor] : groups.back()) checksum = checkpoint_format::checksum(tensor, checksum);
  }
  require(record.get<std::uint64_t>("checksum") == checksum, ErrorKind::damaged_file,
          "{} is damaged: its contents have changed since they were written", where);
  load_parameters(parameters_, groups[0], where);
  load_parameters(optimizer_.exp_avg, groups[1], where);
  load_parameters(optimizer_.exp_avg_sq, groups[2], where);
  steps_done_ = step;
}

}  // namespace iddpm

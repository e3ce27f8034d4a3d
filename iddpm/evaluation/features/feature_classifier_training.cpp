#include "iddpm/evaluation/features/feature_classifier_training.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/data/batch_loader.h"
#include "iddpm/data/held_out.h"
#include "iddpm/evaluation/dataset_images.h"
#include "iddpm/io/pixels.h"
#include "iddpm/kernels/optimizer_step.h"

namespace iddpm {
namespace {

constexpr std::int64_t accuracy_batch = 256;

HeldOutSplit split(const Dataset& dataset, const Dataset* test, const FeatureTrainingOptions& options) {
  const auto borrowed = [](const Dataset& data) {
    return std::shared_ptr<const Dataset>(std::shared_ptr<const Dataset>(), &data);
  };
  if (test != nullptr) return {.training = borrowed(dataset), .held_out = borrowed(*test)};
  return hold_out(borrowed(dataset), options.held_out, options.seed);
}

void check(const Dataset& dataset, const Dataset* test, const FeatureTrainingOptions& options) {
  require(dataset.class_names().size() >= 2,
          "feature classifier: expected data with at least 2 classes to learn from, got {}",
          dataset.class_names().size());
  require(options.steps >= 1, "feature classifier: expected at least 1 training step, got {}", options.steps);
  require(options.batch >= 1, "feature classifier: expected batches of at least 1 image, got {}", options.batch);
  require(options.learning_rate > 0.0 && options.learning_rate <= 1.0,
          "feature classifier: expected a learning rate above 0 and at most 1, got {}", options.learning_rate);
  require(options.weight_decay >= 0.0 && options.weight_decay <= 1.0,
          "feature classifier: expected a weight decay from 0 to 1, got {}", options.weight_decay);
  if (test == nullptr) {
    require(options.held_out > 0.0 && options.held_out < 1.0,
            "feature classifier: expected a share of images held out between 0 and 1, got {}", options.held_out);
    return;
  }
  require(test->class_names() == dataset.class_names(),
          "feature classifier: expected a test set of the same {} classes, got {} ({})", dataset.class_names().size(),
          test->class_names().size(), fmt::join(test->class_names(), ", "));
  require(test->image_shape() == dataset.image_shape(), "feature classifier: expected test images {}, got {}",
          format_shape(dataset.image_shape()), format_shape(test->image_shape()));
}

// Rises linearly over the first twentieth, then falls to 0 along half a cosine (Loshchilov & Hutter 2017).
double learning_rate_at(std::int64_t step, const FeatureTrainingOptions& options) {
  const auto warmup = static_cast<double>(std::max<std::int64_t>(options.steps / 20, 1));
  const auto done = static_cast<double>(step);
  if (done < warmup) return options.learning_rate * (done + 1.0) / warmup;
  const double fraction = (done - warmup) / (static_cast<double>(options.steps) - warmup);
  return options.learning_rate * 0.5 * (1.0 + std::cos(std::numbers::pi * fraction));
}

// One parameter with the optimiser's memory of it.
struct Learner {
  Tensor parameter;
  Tensor exp_avg;
  Tensor exp_avg_sq;
  double weight_decay = 0.0;
};

std::vector<Learner> learners(const FeatureClassifierNetwork& network, double weight_decay) {
  std::vector<Learner> result;
  for (const auto& [name, parameter] : network.parameters()) {
    const Tensor zeros = at::zeros_like(parameter.detach());
    // Scales and biases are left alone by the decay.
    result.push_back({.parameter = parameter,
                      .exp_avg = zeros,
                      .exp_avg_sq = zeros.clone(),
                      .weight_decay = parameter.dim() > 1 ? weight_decay : 0.0});
  }
  return result;
}

double training_step(const FeatureClassifierNetwork& network, std::vector<Learner>& learners, const Batch& batch,
                     std::int64_t step, const FeatureTrainingOptions& options) {
  const Tensor logits = network(batch.x_0.to(options.device)).logits;
  const Tensor loss = at::cross_entropy_loss(logits, batch.y.to(options.device));
  loss.backward();
  const double rate = learning_rate_at(step, options);
  for (Learner& learner : learners) {
    const kernels::AdamWStep adamw = {.step = step + 1, .learning_rate = rate, .weight_decay = learner.weight_decay};
    kernels::adamw_step(learner.parameter, learner.parameter.grad(), learner.exp_avg, learner.exp_avg_sq, {}, adamw);
    learner.parameter.mutable_grad() = Tensor();
  }
  const double value = loss.item<double>();
  require(std::isfinite(value), "feature classifier: the loss became {} at step {}; try a smaller learning rate", value,
          step + 1);
  return value;
}

void measure_accuracy(const FeatureClassifierNetwork& network, const Dataset& test, FeatureClassifierRecord& record,
                      at::Device device) {
  const at::NoGradGuard no_gradients;
  std::vector<std::string> skipped;
  std::int64_t right = 0;
  for_each_batch(test, evenly_spread(test.size(), 0), accuracy_batch, skipped, [&](const DatasetImages& images) {
    const Tensor x = from_pixels(images.pixels.to(device));
    right += network(x).logits.argmax(1).cpu().eq(images.y).sum().item<std::int64_t>();
    record.accuracy_images += images.pixels.size(0);
  });
  record.accuracy = static_cast<double>(right) / static_cast<double>(record.accuracy_images);
}

}  // namespace

FeatureClassifier train_feature_classifier(const Dataset& dataset, const Dataset* test,
                                           const FeatureTrainingOptions& options, const std::string& source_name,
                                           const std::function<bool(const FeatureTrainingProgress&)>& progress) {
  check(dataset, test, options);
  const std::vector<std::int64_t> shape = dataset.image_shape();
  FeatureClassifierNetwork network({.image_height = shape[1],
                                    .image_width = shape[2],
                                    .image_channels = shape[0],
                                    .classes = static_cast<std::int64_t>(dataset.class_names().size()),
                                    .channels = options.channels},
                                   ParameterStore(options.seed));
  move_parameters(network.parameters(), at::kFloat, options.device);
  const HeldOutSplit parts = split(dataset, test, options);
  BatchLoader loader(parts.training, {.batch = options.batch, .seed = options.seed});
  std::vector<Learner> all = learners(network, options.weight_decay);
  FeatureClassifierRecord record = {
      .class_names = dataset.class_names(), .source = source_name, .seed = options.seed, .test_set = test != nullptr};
  double average = 0.0;
  for (bool go_on = true; go_on && record.steps < options.steps;) {
    const double loss = training_step(network, all, loader.next(), record.steps, options);
    ++record.steps;
    const double share = std::max(0.02, 1.0 / static_cast<double>(record.steps));
    average += share * (loss - average);
    if (progress) go_on = progress({.step = record.steps, .steps = options.steps, .loss = average});
  }
  measure_accuracy(network, *parts.held_out, record, options.device);
  return FeatureClassifier(std::move(network), std::move(record));
}

}  // namespace iddpm

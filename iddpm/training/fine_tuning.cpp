#include "iddpm/training/fine_tuning.h"

#include <algorithm>
#include <map>

#include "iddpm/core/error.h"
#include "iddpm/core/quote.h"
#include "iddpm/data/relabelled_dataset.h"

namespace iddpm {
namespace {

constexpr const char* class_embedding = "label_emb.weight";

UNetOptions without_free_choices(UNetOptions network) {
  network.classes = 0;
  network.dropout = 0;
  network.class_dropout = 0;
  network.checkpointing = false;
  return network;
}

// Rows of the classes that both models have, [K, D] from [K', D].
std::int64_t copy_shared_rows(const Tensor& target, const Tensor& source, const std::vector<std::string>& names,
                              const std::vector<std::string>& source_names) {
  std::int64_t copied = 0;
  for (std::size_t row = 0; row < names.size(); ++row) {
    const auto found = std::find(source_names.begin(), source_names.end(), names[row]);
    if (found == source_names.end()) continue;
    target[static_cast<std::int64_t>(row)].copy_(source[found - source_names.begin()]);
    copied += target.size(1);
  }
  return copied;
}

}  // namespace

std::vector<std::string> class_names_of(const ModelSettings& model) {
  if (!model.class_names.empty()) return model.class_names;
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < model.network.classes; ++i) names.push_back(fmt::format("{}", i));
  return names;
}

std::vector<std::string> extended_classes(const ModelSettings& model, const std::vector<std::string>& data) {
  std::vector<std::string> names = class_names_of(model);
  const ClassComparison comparison = compare_classes(names, data);
  names.insert(names.end(), comparison.added.begin(), comparison.added.end());
  return names;
}

Trainer fine_tuned(const Checkpoint& checkpoint, const WeightChoice& choice, ModelSettings settings,
                   TrainingOptions options, at::Device device, TakenOver* taken_over) {
  const at::NoGradGuard no_gradient;
  const ModelSettings& model = checkpoint.info().settings;
  const std::string where = checkpoint.path().string();
  require(without_free_choices(settings.network) == without_free_choices(model.network),
          "{}: its network is another than the run's; expected one of the same architecture", where);
  const NamedTensors weights = checkpoint.weights(choice);
  const std::map<std::string, Tensor> by_name(weights.begin(), weights.end());
  const std::vector<std::string> names = class_names_of(settings), model_names = class_names_of(model);
  Trainer trainer(std::move(settings), std::move(options), device);
  TakenOver taken;
  for (const auto& [name, parameter] : trainer.network().parameters()) {
    const Tensor target = parameter.detach();
    const auto found = by_name.find(name);
    if (name == class_embedding) {
      if (found != by_name.end()) taken.parameters += copy_shared_rows(target, found->second, names, model_names);
      continue;
    }
    require(found != by_name.end() && found->second.sizes() == target.sizes(),
            "{}: the parameter {} is missing or of another shape", where, quote(name));
    target.copy_(found->second);
    taken.parameters += target.numel();
  }
  trainer.restart_averages();
  if (taken_over != nullptr) {
    const ClassComparison comparison = compare_classes(model_names, names);
    taken.new_classes = comparison.added;
    taken.other_classes = comparison.missing;
    *taken_over = std::move(taken);
  }
  return trainer;
}

}  // namespace iddpm

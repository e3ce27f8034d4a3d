#include "iddpm/model/checkpoint.h"

#include <algorithm>
#include <set>

#include "iddpm/core/error.h"
#include "iddpm/core/memory_limit.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/pytorch_checkpoint.h"
#include "iddpm/model/checkpoint_format.h"
#include "iddpm/model/diffusers/model_files.h"

namespace iddpm {
namespace {

namespace format = checkpoint_format;

SafetensorsFile open_model_file(const std::filesystem::path& path) {
  try {
    return SafetensorsFile(path);
  } catch (const Error&) {
    bool is_pytorch = false;
    try {
      is_pytorch = is_pytorch_checkpoint(path);
    } catch (const Error&) {
      // Not readable at all: the first error says why.
    }
    require(!is_pytorch, "{} is a PyTorch checkpoint; expected a model file of this program (iddpm convert makes one)",
            path.string());
    throw;
  }
}

// Whether a file is one of ours, which says so itself wherever it lies.
bool says_what_it_is(const std::filesystem::path& path) {
  try {
    const SafetensorsFile file(path);
    return file.metadata().contains(format::model_key) || file.metadata().contains(format::training_key);
  } catch (const Error&) {
    return false;
  }
}

const std::string& model_metadata(const SafetensorsFile& file) {
  const auto& metadata = file.metadata();
  require(!metadata.contains(format::training_key),
          "{} holds the state of a training; expected the model file beside it (without '.training' in its name)",
          file.path().string());
  const auto found = metadata.find(format::model_key);
  require(found != metadata.end(),
          "{} is a safetensors file but not an iddpm checkpoint: its metadata lack the key '{}'", file.path().string(),
          format::model_key);
  return found->second;
}

// Every group holds the network's parameters, in float32, and there is nothing else.
void check_tensors(const SafetensorsFile& file, const format::Checksums& groups, const NamedShapes& parameters) {
  const std::string path = file.path().string();
  for (const auto& [group, checksum] : groups) {
    for (const auto& [parameter, shape] : parameters) {
      const std::string name = group + "." + parameter;
      require(file.contains(name), "{}: tensor {} is missing; expected shape {}", path, quote(name),
              format_shape(shape));
      require(file.shape(name) == shape, "{}: tensor {} has shape {}; expected {}", path, quote(name),
              format_shape(file.shape(name)), format_shape(shape));
      require(file.type(name) == at::kFloat, "{}: tensor {} has type {}; expected float32", path, quote(name),
              at::toString(file.type(name)));
    }
  }
  if (file.names().size() == groups.size() * parameters.size()) return;
  std::set<std::string> known;
  for (const auto& [group, checksum] : groups) {
    for (const auto& [parameter, shape] : parameters) known.insert(group + "." + parameter);
  }
  for (const std::string& name : file.names()) {
    require(known.contains(name), "{}: tensor {} is unknown to the network that the file describes", path, quote(name));
  }
}

}  // namespace

Checkpoint::Checkpoint(const std::filesystem::path& path) : path_(path) {
  const auto surroundings = says_what_it_is(path) ? std::nullopt : diffusers::surroundings(path);
  if (surroundings) {
    open_of_diffusers(*surroundings);
  } else {
    open_own();
  }
}

void Checkpoint::open_own() {
  file_ = open_model_file(path_);
  std::tie(info_, checksums_) = format::read_metadata(model_metadata(*file_), path_.string());
  const NamedShapes shapes = [&] {
    try {
      return UNet::parameter_shapes(info_.settings.network);
    } catch (const Error& error) {
      fail(error.kind(), "{}: {}", path_.string(), error.what());
    }
  }();
  check_tensors(*file_, checksums_, shapes);
  parameters_ = count(shapes);
}

void Checkpoint::open_of_diffusers(const diffusers::Surroundings& surroundings) {
  diffusers::LoadedModel model = diffusers::load_model(path_, surroundings);
  info_.settings = std::move(model.settings);
  info_.version = std::move(model.program);
  info_.origin = std::move(model.origin);
  held_ = std::move(model.weights);
  std::uint32_t checksum = 0;
  for (const auto& [name, tensor] : held_) {
    checksum = format::checksum(tensor, checksum);
    parameters_ += tensor.numel();
  }
  checksums_.emplace(format::group_name(std::nullopt), checksum);
}

std::uint64_t Checkpoint::file_size() const { return file_ ? file_->file_size() : InputFile(path_).size(); }

std::vector<StoredTensor> Checkpoint::tensors() const {
  std::vector<StoredTensor> tensors;
  const std::string group = format::group_name(std::nullopt);
  for (const auto& [name, tensor] : held_) {
    tensors.push_back({fmt::format("{}.{}", group, name), tensor.scalar_type(), tensor.sizes().vec()});
  }
  if (!file_) return tensors;
  for (const std::string& name : file_->names()) tensors.push_back({name, file_->type(name), file_->shape(name)});
  return tensors;
}

std::optional<double> Checkpoint::chosen_rate(const WeightChoice& choice) const {
  require(!choice.raw || !choice.ema_rate.has_value(), "weights: both the raw ones and an EMA were asked for");
  const std::vector<double>& rates = info_.ema_rates;
  if (choice.raw || (rates.empty() && !choice.ema_rate.has_value())) return std::nullopt;
  if (!choice.ema_rate.has_value()) return rates.front();
  require(std::find(rates.begin(), rates.end(), *choice.ema_rate) != rates.end(), "{} has no EMA of rate {}; it has {}",
          path_.string(), *choice.ema_rate,
          rates.empty() ? "the raw weights only" : fmt::format("{}", fmt::join(rates, ", ")));
  return choice.ema_rate;
}

NamedTensors Checkpoint::weights(const WeightChoice& choice) const {
  const std::string group = format::group_name(chosen_rate(choice));
  if (!file_) return held_;
  require_memory(static_cast<std::uint64_t>(parameters_) * sizeof(float), path_.string());
  NamedTensors weights;
  std::uint32_t checksum = 0;
  for (const std::string& name : file_->names()) {
    if (!name.starts_with(group + ".")) continue;
    weights.emplace_back(name.substr(group.size() + 1), file_->tensor(name));
    checksum = format::checksum(weights.back().second, checksum);
  }
  require(checksum == checksums_.at(group), ErrorKind::damaged_file,
          "{} is damaged: the weights {} have changed since they were written", path_.string(), group);
  return weights;
}

void Checkpoint::verify() const {
  (void)weights({.raw = true});
  for (const double rate : info_.ema_rates) (void)weights({.ema_rate = rate});
}

UNet Checkpoint::load_network(const WeightChoice& choice) const {
  const NamedTensors loaded = weights(choice);
  UNet network(info_.settings.network);
  load_parameters(network.parameters(), loaded, path_.string());
  return network;
}

void save_checkpoint(const std::filesystem::path& path, const CheckpointInfo& info, const CheckpointWeights& weights) {
  check(info.settings);
  require(weights.emas.size() == info.ema_rates.size(),
          "cannot write {}: {} EMA rates, but {} sets of averaged weights", path.string(), info.ema_rates.size(),
          weights.emas.size());
  NamedTensors tensors;
  format::Checksums checksums;
  const auto add = [&](const std::string& group, const NamedParameters& parameters) {
    std::uint32_t checksum = 0;
    for (const auto& [name, tensor] : parameters) {
      const Tensor stored = format::stored_form(tensor);
      checksum = format::checksum(stored, checksum);
      tensors.emplace_back(group + "." + name, stored);
    }
    require(checksums.emplace(group, checksum).second, "cannot write {}: {} twice", path.string(), group);
  };
  add(format::group_name(std::nullopt), weights.raw);
  for (std::size_t i = 0; i < weights.emas.size(); ++i) {
    add(format::group_name(info.ema_rates[i]), weights.emas[i]);
  }
  write_safetensors(path, tensors, {{format::model_key, format::write_metadata(info, checksums)}});
}

}  // namespace iddpm

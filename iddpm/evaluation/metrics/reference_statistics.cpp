#include "iddpm/evaluation/metrics/reference_statistics.h"

#include <map>
#include <string>

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/evaluation/protocol.h"
#include "iddpm/io/safetensors.h"

namespace iddpm {
namespace {

constexpr const char* statistics_format = "iddpm reference statistics 1";
constexpr const char* format_key = "format";
constexpr const char* protocol_key = "protocol";
constexpr double largest_value = 1e16;  // whose products float32 still holds

// A tensor of the file, its type and shape checked before it is read; -1 in the shape stands for any extent.
Tensor checked(const SafetensorsFile& file, const std::string& name, at::ScalarType type,
               const std::vector<std::int64_t>& shape) {
  require(file.contains(name), "reference statistics need the tensor {}", name);
  const std::vector<std::int64_t> found = file.shape(name);
  bool fits = found.size() == shape.size();
  for (std::size_t i = 0; fits && i < shape.size(); ++i) fits = shape[i] < 0 || found[i] == shape[i];
  require(fits && file.type(name) == type, "expected {} of type {} and shape {}, got {} {}", name, at::toString(type),
          format_shape(shape), at::toString(file.type(name)), format_shape(found));
  const Tensor values = file.tensor(name);
  require((values.abs() <= largest_value).all().item<bool>(), "expected finite values of at most {:g} in {}",
          largest_value, name);
  return values;
}

FeatureMoments moments(const SafetensorsFile& file, const std::string& name, std::int64_t dimensions,
                       std::int64_t count) {
  FeatureMoments result{
      .count = count, .mean = checked(file, name + ".mean", at::kDouble, {dimensions}), .covariance = {}};
  const std::int64_t d = result.dimensions();
  require(d > 0, "expected at least one feature in {}.mean", name);
  result.covariance = checked(file, name + ".covariance", at::kDouble, {d, d});
  const double largest = result.covariance.abs().max().item<double>();
  const double asymmetry = (result.covariance - result.covariance.t()).abs().max().item<double>();
  require(asymmetry <= 1e-9 * largest && result.covariance.diagonal().min().item<double>() >= 0.0,
          "expected a symmetric covariance with a diagonal of at least 0 in {}.covariance", name);
  return result;
}

FeatureSet read(const SafetensorsFile& file) {
  const auto text = [&](const char* key) {
    const auto found = file.metadata().find(key);
    return found == file.metadata().end() ? std::string() : found->second;
  };
  require(text(format_key) == statistics_format, "expected the format '{}' in its metadata, got '{}'",
          statistics_format, text(format_key));
  const auto protocol = parse_json(text(protocol_key), protocol_key).get<Protocol>();
  require(protocol.features.has_value(), "expected the feature network in its protocol, got none");
  const std::int64_t count = protocol.images.count;
  require(count >= 2, "expected statistics of at least 2 images, got {}", count);

  FeatureSet set{
      .space = *protocol.features,
      .images = protocol.images,
      .pooled = moments(file, "pooled", protocol.features->dimensions, count),
  };
  if (file.contains("spatial.mean")) set.spatial = moments(file, "spatial", -1, count);
  if (file.contains("features")) set.features = checked(file, "features", at::kFloat, {count, set.space.dimensions});
  return set;
}

}  // namespace

void save_reference_statistics(const std::filesystem::path& path, const FeatureSet& set) {
  NamedTensors tensors = {{"pooled.mean", set.pooled.mean}, {"pooled.covariance", set.pooled.covariance}};
  if (set.spatial) {
    tensors.emplace_back("spatial.mean", set.spatial->mean);
    tensors.emplace_back("spatial.covariance", set.spatial->covariance);
  }
  if (set.features.defined()) tensors.emplace_back("features", set.features);
  for (auto& [name, values] : tensors) values = values.to(at::kCPU).contiguous();
  const Protocol protocol{
      .measurement = Measurement::sample_quality,
      .images = set.images,
      .features = set.space,
  };
  // Names of files need not be UTF-8, which JSON must be.
  const std::string text = nlohmann::json(protocol).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  write_safetensors(path, tensors, {{format_key, statistics_format}, {protocol_key, text}});
}

FeatureSet load_reference_statistics(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  file.require_memory_for_all();
  try {
    return read(file);
  } catch (const Error& error) {
    fail(error.kind(), "{}: no statistics to compare with: {}", path.string(), error.what());
  }
}

}  // namespace iddpm

#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/evaluation/features/feature_network.h"

namespace iddpm {

/// A set of images that took part in a measurement.
struct ImageSetRecord {
  std::string source = {};  ///< for people: a path, "samples of runs/photos"
  std::string sha256 = {};  ///< of the pixels in order (see FeatureSet)
  std::int64_t count = 0;
  std::vector<std::int64_t> image_shape = {};  ///< [C, H, W]

  bool operator==(const ImageSetRecord&) const = default;
};

/// The model and how it was used.
struct ModelRecord {
  std::string checkpoint = {};
  std::string checkpoint_sha256 = {};
  std::string weights = {};         ///< "raw", "ema 0.9999"
  std::string sampler = {};         ///< "ancestral", "ddim eta 0"; empty for a likelihood
  std::int64_t steps = 0;           ///< of the (shortened) process
  std::int64_t original_steps = 0;  ///< of the process that it was trained with
  std::int64_t evaluations = 0;     ///< of networks, for one image; 0: not recorded, as by earlier versions
  std::uint64_t seed = 0;
  std::string precision = {};  ///< "float32", "bfloat16"; empty: not recorded, as by earlier versions
  std::string device = {};     ///< "cpu", "cuda:0"; empty likewise

  bool operator==(const ModelRecord&) const = default;
};

/// What kind of figures a result holds.
enum class Measurement { sample_quality, likelihood };

/// How a result came about: stored and printed with it, so that figures measured in different ways are never taken for
/// one another.
struct Protocol {
  Measurement measurement = Measurement::sample_quality;
  ImageSetRecord images = {};                    ///< what was judged: samples, or images whose likelihood was measured
  std::optional<ImageSetRecord> reference = {};  ///< what samples were compared with
  std::optional<FeatureSpace> features = {};     ///< where
  std::vector<std::int64_t> neighbours = {};     ///< the k of precision, recall, density and coverage
  std::int64_t score_splits = 0;                 ///< of the Inception score; 0: none
  std::optional<ModelRecord> model = {};         ///< unset for images of unknown origin
  std::string software = {};                     ///< "iddpm 0.1.0"

  bool operator==(const Protocol&) const = default;
};

void to_json(nlohmann::json& json, const Protocol& protocol);
/// Strict: throws Error naming a field that is missing, unknown or of another type.
void from_json(const nlohmann::json& json, Protocol& protocol);

/// Twelve hexadecimal digits that stand for how was measured, whatever was: features, reference, number and size of the
/// images judged, k; for a likelihood, the images themselves and the precision. Figures may be compared if theirs are
/// the same.
std::string measurement_id(const Protocol& protocol);

/// The protocol as lines of text, the measurement's id last.
std::string describe(const Protocol& protocol);

/// How two protocols differ, one sentence each.
struct ProtocolComparison {
  std::vector<std::string> obstacles;    ///< in how was measured: figures can't be compared
  std::vector<std::string> differences;  ///< in what was measured: model, sampler, steps, seed, weights
};
ProtocolComparison compare(const Protocol& a, const Protocol& b);

/// Throws Error listing the obstacles if there are any.
void require_comparable(const Protocol& a, const Protocol& b);

}  // namespace iddpm

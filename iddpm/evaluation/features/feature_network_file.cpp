#include "iddpm/evaluation/features/feature_network_file.h"

#include "iddpm/core/error.h"
#include "iddpm/evaluation/features/feature_classifier.h"
#include "iddpm/evaluation/features/inception_features.h"
#include "iddpm/io/pytorch_checkpoint.h"

namespace iddpm {
namespace {

constexpr const char* first_inception_weight = "Conv2d_1a_3x3.conv.weight";

enum class Kind { classifier, inception };

Kind kind_of(const std::filesystem::path& path) {
  if (is_pytorch_checkpoint(path)) return Kind::inception;
  const SafetensorsFile file(path);
  if (FeatureClassifier::is_classifier(file)) return Kind::classifier;
  require(file.contains(first_inception_weight),
          "{}: expected a feature network, which is a classifier that was saved as such or the Inception network of "
          "FID, got neither",
          path.string());
  return Kind::inception;
}

}  // namespace

std::unique_ptr<FeatureNetwork> load_feature_network(const std::filesystem::path& path, at::Device device) {
  const bool move = !device.is_cpu();
  if (kind_of(path) == Kind::classifier) {
    FeatureClassifier classifier = FeatureClassifier::load(path);
    return std::make_unique<FeatureClassifier>(move ? classifier.to(device) : std::move(classifier));
  }
  InceptionNetwork inception = InceptionNetwork::load(path);
  return std::make_unique<InceptionNetwork>(move ? inception.to(device) : std::move(inception));
}

}  // namespace iddpm

#pragma once

#include <string>

#include "iddpm/nn/unet.h"

namespace iddpm {

/// How the half U-Net ends.
enum class ClassifierPool { adaptive, attention, spatial, spatial_v2 };

/// The first half of a U-Net as a classifier of noisy images (Dhariwal & Nichol 2021, arXiv 2105.05233, section 4).
struct ClassifierOptions {
  UNetOptions network;  ///< classes, predict_variance, super_resolution and the upsampling options have no meaning here
  std::int64_t classes = 1000;
  ClassifierPool pool = ClassifierPool::attention;
};

class NoisyClassifier {
 public:
  explicit NoisyClassifier(ClassifierOptions options, std::uint64_t seed = 0);
  /// x_t [N, C, H, W], t [N] -> logits [N, classes].
  Tensor operator()(const Tensor& x_t, const Tensor& t) const;
  const ClassifierOptions& options() const;
  NamedParameters parameters() const;
  void to(at::Device device);

 private:
  struct Layers;
  std::shared_ptr<Layers> layers_;
};

/// grad_{x_t} log p(y | x_t), [N, C, H, W].
Tensor log_probability_gradient(const NoisyClassifier& classifier, const Tensor& x_t, const Tensor& t, const Tensor& y);

}  // namespace iddpm

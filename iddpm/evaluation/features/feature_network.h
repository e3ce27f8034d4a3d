#pragma once

#include <cstdint>
#include <string>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// Where features live. Distances in different spaces have nothing to do with one another, whatever their names.
struct FeatureSpace {
  std::string network = {};     ///< for people: "Inception 2015 (FID)", "fashion-mnist classifier"
  std::string sha256 = {};      ///< of the network's weights (sha256_of_tensors)
  std::int64_t dimensions = 0;  ///< of the pooled features
  bool is_fid = false;          ///< the Inception network with its published weights: its Frechet distance is FID

  bool operator==(const FeatureSpace& other) const = default;
};

/// What a feature network says of a batch of images, float32.
struct Features {
  Tensor pooled = {};         ///< [N, D], what most metrics are computed from
  Tensor spatial = {};        ///< [N, S], for sFID; undefined if the network has none
  Tensor probabilities = {};  ///< [N, classes], for the Inception score; undefined if the network has none
};

/// A network whose features samples are judged by.
class FeatureNetwork {
 public:
  virtual ~FeatureNetwork() = default;
  /// images: uint8 values [N, C, H, W] of any integer or floating-point type, 0 .. 255. Without gradients.
  virtual Features features(const Tensor& images) const = 0;
  virtual FeatureSpace space() const = 0;
};

}  // namespace iddpm

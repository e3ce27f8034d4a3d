#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "iddpm/evaluation/features/feature_network.h"
#include "iddpm/evaluation/features/inception_layout.h"
#include "iddpm/io/safetensors.h"

namespace iddpm {

/// The published weights of FID's Inception network, as ported for pytorch-fid from TensorFlow's graph of 2015-12-05.
/// The name carries the first digits of the SHA-256. Size and SHA-256 are what several independent projects state of
/// their copies of the file, not measured by us.
namespace published_inception_file {
inline constexpr const char* name = "pt_inception-2015-12-05-6726825d.pth";
inline constexpr std::uint64_t size = 95628359;
inline constexpr const char* sha256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2";
}  // namespace published_inception_file

/// Throws Error unless the file is the published one, by its size and SHA-256; it may have been renamed.
void check_published_inception_file(const std::filesystem::path& path);

/// Checks and reads the published file and writes the weights that are needed of it as safetensors, their origin in the
/// metadata.
void convert_inception_weights(const std::filesystem::path& published, const std::filesystem::path& output);

/// FID's Inception network (Heusel et al. 2017, arXiv 1706.08500): 2048 pooled features; for sFID (Nash et al. 2021,
/// arXiv 2103.03841) the first 7 channels of Mixed_6d, 7 * 17 * 17 values; for the Inception score 1008 class
/// probabilities, from the last layer without its bias, as OpenAI's evaluator has it.
class InceptionNetwork : public FeatureNetwork {
 public:
  /// From weights by the names of the published file; what else there is (an auxiliary classifier, counters) is
  /// ignored. Throws Error naming a weight that is missing or of another shape. `published`: they are known to be the
  /// published ones, so that their Frechet distance may be called FID.
  explicit InceptionNetwork(const NamedTensors& weights, bool published = false);

  /// From the published file (checked first) or what convert_inception_weights made of it. Throws Error naming the file
  /// if it is neither; the network of other safetensors weights is not `is_fid`.
  static InceptionNetwork load(const std::filesystem::path& path);

  /// images [N, 1 or 3, H, W] of any size, brought to 299 x 299 bilinearly without antialiasing, as FID was defined.
  /// About 20 MB per image are needed: some tens at a time.
  Features features(const Tensor& images) const override;
  FeatureSpace space() const override { return space_; }

  /// The same network on another device.
  InceptionNetwork to(at::Device device) const;

 private:
  struct Convolution {
    Tensor weight;
    Tensor bias;
  };
  Tensor apply(const InceptionConvolution& layer, const Tensor& x) const;
  Tensor apply(const InceptionBlock& block, const Tensor& x) const;

  std::vector<InceptionBlock> layout_;
  std::map<std::string, Convolution> convolutions_;  // with the batch normalisation folded in
  Tensor classifier_;                                // [1008, 2048]
  FeatureSpace space_;
};

}  // namespace iddpm

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace iddpm {

/// A convolution followed by batch normalisation and ReLU.
struct InceptionConvolution {
  std::string name = {};  ///< of its weights: "Mixed_5b.branch1x1" has .conv.weight and .bn.{weight, bias,
                          ///< running_mean, running_var}
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  std::array<std::int64_t, 2> kernel = {};   ///< height, width
  std::array<std::int64_t, 2> padding = {};  ///< that keeps the size, or 0
  std::int64_t stride = 1;
};

/// 3 x 3 pooling.
enum class InceptionPool {
  none,
  average,        ///< stride 1, the mean over the pixels inside the image only
  largest,        ///< stride 1
  largest_halve,  ///< stride 2, without padding
};

/// One of a block's parallel branches: pooling, then convolutions one after the other, then, where there are any, the
/// `split` ones side by side on the same input, their outputs concatenated.
struct InceptionBranch {
  InceptionPool pool = InceptionPool::none;
  std::vector<InceptionConvolution> chain = {};
  std::vector<InceptionConvolution> split = {};
};

/// Branches on the same input, their outputs concatenated along channels in this order.
struct InceptionBlock {
  std::string name = {};
  std::vector<InceptionBranch> branches = {};
};

/// The blocks of Inception v3 (Szegedy et al. 2015, arXiv 1512.00567) as in the graph of 2015-12-05 that FID is defined
/// by, up to the last one of 2048 channels, under the names of pytorch-fid's port. That port differs from torchvision's
/// network in its pooling: averages leave the padding out, and the last block takes the largest instead.
std::vector<InceptionBlock> fid_inception_layout();

}  // namespace iddpm

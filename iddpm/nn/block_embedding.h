#pragma once

#include <cstdint>
#include <functional>

#include "iddpm/nn/layers.h"

namespace iddpm {

/// SiLU of the time (and class) embedding of every image, for residual blocks to project: a row per image, or one row
/// for all of them.
class BlockEmbedding {
 public:
  /// rows [N, 4 * channels].
  explicit BlockEmbedding(Tensor rows) : rows_(std::move(rows)), images_(rows_.size(0)) {}
  /// A row [1, 4 * channels] that so many images share.
  BlockEmbedding(Tensor row, std::int64_t images) : rows_(std::move(row)), images_(images) {}

  /// [N, 4 * channels].
  Tensor rows() const { return rows_.expand({images_, -1}); }
  /// layer(rows()), [N, out], computed once where the images share a row.
  Tensor projected(const Linear& layer) const { return layer(rows_).expand({images_, -1}); }

 private:
  Tensor rows_;
  std::int64_t images_;
};

/// What an image is told by way of the embedding, [N] each; undefined where the network has none of it.
struct EmbeddingInputs {
  Tensor t = {};
  Tensor y = {};
  Tensor noise = {};  ///< standard deviation of the noise on what is enlarged
};
/// Embeds them, each row by itself.
using Embed = std::function<Tensor(const EmbeddingInputs& inputs)>;

/// The embedding of a batch, of one row where all images are told the same, as in sampling. That is looked at
/// on the CPU only, where looking costs nothing, and where no gradient is recorded. Nothing is kept from one forward
/// pass to the next: it would save little and, between the large tensors that come and go, break up the heap
/// (docs/performance.md).
BlockEmbedding block_embedding(const EmbeddingInputs& inputs, const Embed& embed);

}  // namespace iddpm

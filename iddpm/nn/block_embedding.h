#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "iddpm/nn/layers.h"
#include "iddpm/nn/module.h"

namespace iddpm {

/// Keeps small tensors for long, packed into few large ones: allocated one by one between the large temporary tensors
/// of a forward pass, they would leave gaps that the next pass's tensors no longer fit, and the heap would grow and
/// grow.
class PackedTensors {
 public:
  /// A copy of float32 values. Any thread may ask.
  Tensor keep(const Tensor& values);

 private:
  std::mutex mutex_;
  Tensor block_;
  std::int64_t used_ = 0;
};

/// The embedding of one timestep (and class) with what residual blocks make of it, each computed once.
class SharedEmbedding {
 public:
  /// row [1, 4 * channels].
  SharedEmbedding(const Tensor& row, std::shared_ptr<PackedTensors> storage)
      : storage_(std::move(storage)), row_(storage_->keep(row)) {}

  const Tensor& row() const { return row_; }
  /// layer(row), [1, out]. Any thread may ask.
  Tensor projected(const Linear& layer);
  /// Bytes that the row and the projections made so far take.
  std::size_t bytes();

 private:
  std::shared_ptr<PackedTensors> storage_;
  Tensor row_;
  std::mutex mutex_;
  std::map<const void*, Tensor> projections_;  // by the layer's identity
};

/// SiLU of the time (and class) embedding of every image, for residual blocks to project: a row per image, or one row
/// for all of them.
class BlockEmbedding {
 public:
  /// rows [N, 4 * channels].
  explicit BlockEmbedding(Tensor rows) : rows_(std::move(rows)), images_(rows_.size(0)) {}
  BlockEmbedding(std::shared_ptr<SharedEmbedding> shared, std::int64_t images)
      : shared_(std::move(shared)), images_(images) {}

  /// [N, 4 * channels].
  Tensor rows() const { return shared_ ? shared_->row().expand({images_, -1}) : rows_; }
  /// layer(rows()), [N, out].
  Tensor projected(const Linear& layer) const;

 private:
  Tensor rows_;
  std::shared_ptr<SharedEmbedding> shared_;
  std::int64_t images_;
};

/// Remembers embeddings for sampling, where all images of a batch share t (and often the class) and a run visits the
/// same timesteps batch after batch. It belongs to one network and forgets everything once a parameter has changed, as
/// LibTorch's version counters tell: writing to a parameter behind their back goes unnoticed.
class EmbeddingCache {
 public:
  using Embed = std::function<Tensor(const Tensor& t, const Tensor& y)>;

  /// The embedding of t [N] and y [N] (or undefined) by `embed`, whose result depends on nothing else but the
  /// `parameters`. Remembered only where no gradient is recorded, on the CPU, and where all rows of t and of y are
  /// equal.
  BlockEmbedding operator()(const NamedParameters& parameters, const Tensor& t, const Tensor& y, const Embed& embed);

 private:
  /// Which values a parameter had: the version counter tells them apart, as long as the storage is the same.
  struct Stamp {
    c10::weak_intrusive_ptr<c10::StorageImpl> storage;  // its address isn't used again while this lives
    std::uint32_t version;
  };
  struct Key {
    double t;
    std::int64_t y;
    bool reference_kernels;
    auto operator<=>(const Key&) const = default;
  };

  bool is_current(const NamedParameters& parameters) const;
  void start_anew(const NamedParameters& parameters);

  std::mutex mutex_;
  std::vector<Stamp> stamps_;
  std::map<Key, std::shared_ptr<SharedEmbedding>> embeddings_;
  std::shared_ptr<PackedTensors> storage_ = std::make_shared<PackedTensors>();
};

}  // namespace iddpm

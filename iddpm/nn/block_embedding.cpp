#include "iddpm/nn/block_embedding.h"

#include <algorithm>

#include "iddpm/kernels/kernel_options.h"

namespace iddpm {
namespace {

/// The value of every row, or nothing if they differ.
template <typename T>
std::optional<T> common_value(const Tensor& values) {
  const Tensor dense = values.contiguous();
  const T* data = dense.data_ptr<T>();
  if (!std::all_of(data, data + dense.numel(), [&](T value) { return value == data[0]; })) return std::nullopt;
  return data[0];
}

bool can_be_remembered(const NamedParameters& parameters, const Tensor& t, const Tensor& y) {
  return !at::GradMode::is_enabled() && t.device().is_cpu() && (!y.defined() || y.device().is_cpu()) &&
         std::all_of(parameters.begin(), parameters.end(), [](const auto& parameter) {
           return parameter.second.device().is_cpu() && !parameter.second.is_inference();
         });
}

}  // namespace

Tensor PackedTensors::keep(const Tensor& values) {
  constexpr std::int64_t block_size = std::int64_t{1} << 18;
  const Tensor row = values.reshape(-1);
  if (row.scalar_type() != at::kFloat || row.numel() > block_size) return values;
  const std::lock_guard lock(mutex_);
  if (!block_.defined() || used_ + row.numel() > block_size) {
    block_ = at::empty(block_size, row.options());
    used_ = 0;
  }
  const Tensor place = block_.narrow(0, used_, row.numel());
  place.copy_(row);
  used_ += (row.numel() + 15) / 16 * 16;  // whole cache lines
  return place.view(values.sizes());
}

Tensor SharedEmbedding::projected(const Linear& layer) {
  const std::lock_guard lock(mutex_);
  Tensor& projection = projections_[layer.identity()];
  if (!projection.defined()) projection = storage_->keep(layer(row_));
  return projection;
}

std::size_t SharedEmbedding::bytes() {
  const std::lock_guard lock(mutex_);
  std::size_t total = row_.nbytes();
  for (const auto& [_, projection] : projections_) total += projection.nbytes();
  return total;
}

Tensor BlockEmbedding::projected(const Linear& layer) const {
  return shared_ ? shared_->projected(layer).expand({images_, -1}) : layer(rows_);
}

bool EmbeddingCache::is_current(const NamedParameters& parameters) const {
  return std::equal(parameters.begin(), parameters.end(), stamps_.begin(), stamps_.end(),
                    [](const auto& parameter, const Stamp& stamp) {
                      const Tensor& values = parameter.second;
                      return stamp.storage._unsafe_get_target() == values.storage().unsafeGetStorageImpl() &&
                             stamp.version == static_cast<std::uint32_t>(values._version());
                    });
}

void EmbeddingCache::start_anew(const NamedParameters& parameters) {
  embeddings_.clear();
  storage_ = std::make_shared<PackedTensors>();
  stamps_.clear();
  for (const auto& [_, values] : parameters) {
    stamps_.push_back({values.storage().getWeakStorageImpl(), static_cast<std::uint32_t>(values._version())});
  }
}

BlockEmbedding EmbeddingCache::operator()(const NamedParameters& parameters, const Tensor& t, const Tensor& y,
                                          const Embed& embed) {
  constexpr std::size_t most_bytes = std::size_t{64} << 20;
  if (!can_be_remembered(parameters, t, y)) return BlockEmbedding(embed(t, y));
  const std::optional<double> timestep = common_value<double>(t.to(at::kDouble));
  const std::optional<std::int64_t> label = y.defined() ? common_value<std::int64_t>(y) : 0;  // none has both
  if (!timestep || !label) return BlockEmbedding(embed(t, y));

  const Key key{.t = *timestep,
                .y = *label,
                .reference_kernels = kernels::kernel_options().path == kernels::KernelOptions::Path::reference};
  const std::lock_guard lock(mutex_);
  if (!is_current(parameters)) start_anew(parameters);
  const auto found = embeddings_.find(key);
  if (found != embeddings_.end()) return {found->second, t.size(0)};
  const auto made =
      std::make_shared<SharedEmbedding>(embed(t.narrow(0, 0, 1), y.defined() ? y.narrow(0, 0, 1) : y), storage_);
  // Those made before had their projections made too, and all have as many.
  const std::size_t each = embeddings_.empty() ? 0 : embeddings_.begin()->second->bytes();
  if ((embeddings_.size() + 1) * each <= most_bytes) embeddings_.emplace(key, made);
  return {made, t.size(0)};
}

}  // namespace iddpm

#include "iddpm/kernels/cpu/prepared_weights.h"

#include <map>
#include <mutex>
#include <tuple>

namespace iddpm::kernels::cpu {
namespace {

struct Entry {
  c10::weak_intrusive_ptr<c10::StorageImpl> storage;
  std::uint32_t version;
  Tensor prepared;
};

/// Where the weight lies and in which form it is wanted.
using PreparedKey = std::tuple<const void*, std::vector<std::int64_t>, std::vector<std::int64_t>, WeightForm>;

class Cache {
 public:
  Tensor find(const PreparedKey& key, std::uint32_t version) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.version != version || found->second.storage.expired()) return {};
    return found->second.prepared;
  }

  /// Is there an entry, of whatever version, or room for another?
  bool has_room(const PreparedKey& key, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (entries_.contains(key)) return true;
    forget_the_dead();
    std::size_t total = bytes;
    for (const auto& [_, entry] : entries_) total += entry.prepared.nbytes();
    return total <= most_bytes;
  }

  /// Forgets every form of the weight at that address.
  void erase(const void* weight) {
    const std::lock_guard lock(mutex_);
    const auto first = entries_.lower_bound(PreparedKey{weight, {}, {}, 0});
    auto last = first;
    while (last != entries_.end() && std::get<0>(last->first) == weight) ++last;
    entries_.erase(first, last);
  }

  void insert(const PreparedKey& key, Entry entry) {
    const std::lock_guard lock(mutex_);
    forget_the_dead();
    entries_.insert_or_assign(key, std::move(entry));
  }

 private:
  static constexpr std::size_t most_bytes = std::size_t{3} << 29;  // 1.5 GiB

  void forget_the_dead() {
    std::erase_if(entries_, [](const auto& item) { return item.second.storage.expired(); });
  }

  std::mutex mutex_;
  std::map<PreparedKey, Entry> entries_;
};

/// Never destroyed: tensors may outlive static objects.
Cache& cache() {
  static Cache& instance = *new Cache;
  return instance;
}

PreparedKey key_of(const Tensor& weight, WeightForm form) {
  return {weight.data_ptr(), weight.sizes().vec(), weight.strides().vec(), form};
}

}  // namespace

bool can_keep_weight(const Tensor& weight, WeightForm form, std::size_t bytes) {
  return !weight.is_inference() && cache().has_room(key_of(weight, form), bytes);
}

void forget_prepared(const Tensor& weight) { cache().erase(weight.data_ptr()); }

Tensor prepared_weight(const Tensor& weight, WeightForm form, bool keep, const std::function<Tensor()>& prepare) {
  if (!keep || weight.is_inference()) {
    forget_prepared(weight);
    return prepare();
  }
  const PreparedKey key = key_of(weight, form);
  const auto version = static_cast<std::uint32_t>(weight._version());
  Tensor prepared = cache().find(key, version);
  if (!prepared.defined()) {
    prepared = prepare();
    cache().insert(key, {weight.storage().getWeakStorageImpl(), version, prepared});
  }
  return prepared;
}

}  // namespace iddpm::kernels::cpu

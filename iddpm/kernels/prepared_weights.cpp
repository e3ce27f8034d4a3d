#include "iddpm/kernels/prepared_weights.h"

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
using Key = std::tuple<const void*, std::vector<std::int64_t>, std::vector<std::int64_t>, WeightForm>;

class Cache {
 public:
  Tensor find(const Key& key, std::uint32_t version) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.version != version || found->second.storage.expired()) return {};
    return found->second.prepared;
  }

  void insert(const Key& key, Entry entry) {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [](const auto& item) { return item.second.storage.expired(); });
    entries_.insert_or_assign(key, std::move(entry));
  }

 private:
  std::mutex mutex_;
  std::map<Key, Entry> entries_;
};

/// Never destroyed: tensors may outlive static objects.
Cache& cache() {
  static Cache& instance = *new Cache;
  return instance;
}

}  // namespace

Tensor prepared_weight(const Tensor& weight, WeightForm form, bool keep, const std::function<Tensor()>& prepare) {
  if (!keep || weight.is_inference()) return prepare();
  const Key key{weight.data_ptr(), weight.sizes().vec(), weight.strides().vec(), form};
  const auto version = static_cast<std::uint32_t>(weight._version());
  Tensor prepared = cache().find(key, version);
  if (!prepared.defined()) {
    prepared = prepare();
    cache().insert(key, {weight.storage().getWeakStorageImpl(), version, prepared});
  }
  return prepared;
}

}  // namespace iddpm::kernels::cpu

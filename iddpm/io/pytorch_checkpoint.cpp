#include "iddpm/io/pytorch_checkpoint.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/core/memory_limit.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/pytorch_containers.h"
#include "iddpm/io/tensor_bytes.h"

namespace iddpm {

namespace {

constexpr std::string_view zip_magic = "PK\x03\x04";
constexpr int deepest_pickle_nesting = 32;
constexpr std::size_t most_visits = 4'000'000;
constexpr std::size_t most_tensors = 100'000;
constexpr std::size_t longest_name = 1000;

/// Collects the tensors of nested dictionaries and lists under dotted names. A value may hold itself, or one value many
/// times over: hence the limits.
class Flattener {
 public:
  explicit Flattener(const Pickle& pickle) : pickle_(pickle) { visit(*pickle.root, "", 0); }

  std::vector<std::pair<std::string, const PickleTensor*>> tensors;

 private:
  void visit(const PickleValue& value, const std::string& name, int depth) {
    require(depth <= deepest_pickle_nesting, "{} is nested more than {} deep", pickle_.name, deepest_pickle_nesting);
    require(name.size() <= longest_name, "{} holds a name of {} bytes, expected at most {}", pickle_.name, name.size(),
            longest_name);
    if (const auto* tensor = value.get<PickleTensor>()) {
      require(names_.insert(name).second, "{} holds two tensors named {}", pickle_.name, quote(name));
      require(tensors.size() < most_tensors, "{} holds more than {} tensors", pickle_.name, most_tensors);
      tensors.emplace_back(name, tensor);
    } else if (const auto* dictionary = value.get<PickleDictionary>()) {
      for (const auto& [key, item] : dictionary->items) {
        if (may_hold_tensors(*item)) visit(*item, join(name, text_of(*key)), depth + 1);
      }
    } else if (const auto* sequence = value.get<PickleSequence>()) {
      for (std::size_t i = 0; i < sequence->items.size(); ++i) {
        const PickleValue& item = *sequence->items[i];
        if (may_hold_tensors(item)) visit(item, join(name, std::to_string(i)), depth + 1);
      }
    }
  }

  bool may_hold_tensors(const PickleValue& value) {
    require(++visits_ <= most_visits, "{} holds more than {} values", pickle_.name, most_visits);
    return value.get<PickleTensor>() != nullptr || value.get<PickleDictionary>() != nullptr ||
           value.get<PickleSequence>() != nullptr;
  }

  std::string text_of(const PickleValue& key) const {
    if (const auto* text = key.get<std::string>()) return *text;
    if (const auto* number = key.get<std::int64_t>()) return std::to_string(*number);
    pickle_.fail("a dictionary's key is neither text nor a number");
  }

  static std::string join(const std::string& prefix, const std::string& name) {
    return prefix.empty() ? name : prefix + "." + name;
  }

  const Pickle& pickle_;
  std::size_t visits_ = 0;
  std::set<std::string> names_;
};

/// Whether every element that shape and strides reach lies in the tensor's part of its storage.
bool lies_within(const PickleTensor& tensor) {
  if (tensor.strides.size() != tensor.shape.size() || tensor.offset < 0) return false;
  std::int64_t last = tensor.offset;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    std::int64_t reach = 0;
    if (tensor.strides[i] < 0 || __builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return false;
    }
  }
  return last < tensor.view.size;
}

/// Bytes of a tensor by itself, after checking that it lies in its storage.
std::uint64_t checked_bytes(const std::string& name, const PickleTensor& tensor, const Pickle& pickle) {
  const auto bytes = byte_count(tensor.shape, tensor.view.storage->type);
  require(bytes.has_value(), ErrorKind::damaged_file, "{}: tensor {} claims the impossible shape {}", pickle.name,
          quote(name), format_shape(tensor.shape));
  require(*bytes == 0 || lies_within(tensor),
          "{}: tensor {} of shape {}, strides {} and offset {} reaches beyond its storage of {} elements", pickle.name,
          quote(name), format_shape(tensor.shape), format_shape(tensor.strides), tensor.offset, tensor.view.size);
  return *bytes;
}

/// Strides of 0 let a few bytes be claimed as a tensor of any size, and one storage can be claimed many times.
void check_total(std::uint64_t tensor_bytes, const Pickle& pickle) {
  constexpr std::uint64_t most_repetitions = 16;
  constexpr std::uint64_t always_allowed = 1 << 20;
  std::uint64_t storage_bytes = 0;
  for (const auto& [key, storage] : pickle.storages) {
    storage_bytes += byte_count({storage.size}, storage.type).value();
  }
  require(tensor_bytes <= always_allowed || tensor_bytes / most_repetitions <= storage_bytes,
          "{} claims {} bytes of tensors but holds {}", pickle.name, tensor_bytes, storage_bytes);
}

/// Loads storages when they are first needed, and lets go of them after the last tensor.
class StorageCache {
 public:
  StorageCache(const PytorchContainer& container, const Flattener& flat) : container_(container) {
    for (const auto& [name, tensor] : flat.tensors) ++storages_[tensor->view.storage].uses;
  }

  /// A contiguous tensor of its own.
  Tensor take(const PickleTensor& tensor) {
    const PickleStorage* storage = tensor.view.storage;
    Storage& state = storages_.at(storage);
    ++state.uses_done;
    Tensor result;
    if (std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end()) {
      result = at::empty(tensor.shape, at::TensorOptions(storage->type));
    } else {
      if (!state.elements.defined()) state.elements = container_.load(*storage);
      const Tensor view = state.elements.as_strided(tensor.shape, tensor.strides, tensor.view.offset + tensor.offset);
      const bool is_all_of_it = state.uses == 1 && view.is_contiguous() && view.numel() == storage->size;
      result = is_all_of_it ? view : view.clone(at::MemoryFormat::Contiguous);
    }
    if (state.uses_done == state.uses) state.elements.reset();
    return result;
  }

 private:
  struct Storage {
    std::size_t uses = 0;
    std::size_t uses_done = 0;
    Tensor elements;
  };

  const PytorchContainer& container_;
  std::map<const PickleStorage*, Storage> storages_;
};

bool is_legacy(std::string_view beginning) {
  return beginning.starts_with('\x80') && beginning.find(pytorch_legacy_magic) != std::string_view::npos;
}

std::string first_bytes(const std::filesystem::path& path) {
  constexpr std::uint64_t enough = 32;
  const InputFile file(path);
  return file.read_at(0, std::min(enough, file.size()));
}

}  // namespace

bool is_pytorch_checkpoint(const std::filesystem::path& path) {
  const std::string beginning = first_bytes(path);
  return beginning.starts_with(zip_magic) || is_legacy(beginning);
}

NamedTensors read_pytorch_checkpoint(const std::filesystem::path& path) {
  const std::string beginning = first_bytes(path);
  const bool is_zip = beginning.starts_with(zip_magic);
  require(is_zip || is_legacy(beginning), ErrorKind::damaged_file, "{} is not a PyTorch checkpoint, or is truncated",
          path.string());
  const PytorchContainer container = is_zip ? open_pytorch_zip(path) : open_pytorch_legacy(path);

  const Flattener flat(container.pickle);
  std::uint64_t total = 0;
  for (const auto& [name, tensor] : flat.tensors) {
    require(!__builtin_add_overflow(total, checked_bytes(name, *tensor, container.pickle), &total),
            "{} claims more bytes of tensors than can be", path.string());
  }
  check_total(total, container.pickle);
  require_memory(total, path.string());

  StorageCache storages(container, flat);
  NamedTensors tensors;
  for (const auto& [name, tensor] : flat.tensors) tensors.emplace_back(name, storages.take(*tensor));
  return tensors;
}

}  // namespace iddpm

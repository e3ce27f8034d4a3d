#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// A block of memory that tensors are views of; its data lie elsewhere in the file, under `key`.
struct PickleStorage {
  std::string key;
  at::ScalarType type = at::kFloat;
  std::int64_t size = 0;  ///< elements
};

/// Elements `offset` to `offset + size` of a storage.
struct PickleStorageView {
  const PickleStorage* storage = nullptr;
  std::int64_t offset = 0;
  std::int64_t size = 0;
};

/// A tensor as pickled: where its elements lie in a storage. Nothing of it has been checked.
struct PickleTensor {
  PickleStorageView view;
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

struct PickleValue;

/// None, bytes, a device: values that no state dictionary is read for.
struct PickleOpaque {};

/// An integer beyond 64 bits, least significant byte first, two's complement.
struct PickleBigInteger {
  std::string bytes;
};

/// A list, tuple or set.
struct PickleSequence {
  std::vector<PickleValue*> items;
};

/// A dictionary, in the order of insertion.
struct PickleDictionary {
  std::vector<std::pair<PickleValue*, PickleValue*>> items;
};

/// A function or type by its name, "torch._utils._rebuild_tensor_v2": a word, not something that can be called here.
struct PickleGlobal {
  std::string name;
};

struct PickleValue {
  std::variant<PickleOpaque, bool, std::int64_t, double, std::string, PickleBigInteger, PickleSequence,
               PickleDictionary, PickleGlobal, PickleStorageView, PickleTensor>
      content;

  template <typename T>
  T* get() {
    return std::get_if<T>(&content);
  }
  template <typename T>
  const T* get() const {
    return std::get_if<T>(&content);
  }
};

/// What one pickle holds. Values refer to each other, in cycles too if the file says so; all live as long as this.
struct Pickle {
  std::string name;  ///< of the file, for messages
  std::size_t most_values = 0;
  std::deque<PickleValue> values;
  std::map<std::string, PickleStorage> storages;  ///< by key
  const PickleValue* root = nullptr;

  Pickle(std::string file_name, std::size_t most) : name(std::move(file_name)), most_values(most) {}
  Pickle(Pickle&&) = default;
  Pickle& operator=(Pickle&&) = default;
  Pickle(const Pickle&) = delete;
  Pickle& operator=(const Pickle&) = delete;

  /// A new value. Throws Error if there are more than `most_values`.
  PickleValue* add(PickleValue value);
  /// Throws Error: the file is damaged, for this reason.
  [[noreturn]] void fail(const std::string& reason) const;
};

}  // namespace iddpm

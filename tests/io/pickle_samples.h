#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace iddpm {

/// Pieces of pickles, written out by hand so that tests can say what no well-meaning program writes.
namespace pickle {

inline std::string bytes(std::uint64_t value, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

/// An operation and what follows it in the file.
inline std::string operation(char code, const std::string& argument) { return std::string(1, code) + argument; }

inline std::string put(int index) { return operation('q', bytes(static_cast<std::uint64_t>(index), 1)); }
inline std::string get(int index) { return operation('h', bytes(static_cast<std::uint64_t>(index), 1)); }

inline std::string integer(std::int64_t value) {
  return operation('\x8a', bytes(8, 1) + bytes(static_cast<std::uint64_t>(value), 8));
}
inline std::string text(const std::string& value) { return operation('X', bytes(value.size(), 4) + value); }
inline std::string global(const std::string& module, const std::string& name) {
  return operation('c', module + "\n" + name + "\n");
}

inline std::string tuple(const std::vector<std::string>& items) {
  std::string all = "(";
  for (const std::string& item : items) all += item;
  return all + "t";
}

inline std::string integers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (const std::int64_t value : values) items.push_back(integer(value));
  return tuple(items);
}

inline std::string call(const std::string& function, const std::vector<std::string>& arguments) {
  return function + tuple(arguments) + "R";
}

inline std::string storage(const std::string& key, std::int64_t size, const std::string& type = "FloatStorage",
                           const std::string& view = "") {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), integer(size), view}) + "Q";
}

inline std::string tensor(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& shape,
                          const std::vector<std::int64_t>& strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {storage, integer(offset), integers(shape), integers(strides), "\x89", "N"});
}

inline std::string dictionary(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string all = "}(";
  for (const auto& [key, value] : items) all += text(key) + value;
  return all + "u";
}

/// A whole pickle of protocol 2.
inline std::string whole(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace pickle

}  // namespace iddpm

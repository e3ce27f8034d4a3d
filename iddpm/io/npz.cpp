#include "iddpm/io/npz.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/npy_header.h"
#include "iddpm/io/tensor_bytes.h"
#include "iddpm/io/zip_archive.h"
#include "iddpm/io/zip_writer.h"

namespace iddpm {

namespace {

constexpr std::string_view suffix = ".npy";

/// An entry of the archive that holds an array, opened, its header read and checked against its size.
struct OpenedArray {
  NpyHeader header;
  std::uint64_t bytes = 0;
  ZipEntryReader data;
};

std::string label(const ZipArchive& archive, const ZipEntry& entry) {
  return fmt::format("{}: {}", archive.path().string(), quote(entry.name));
}

OpenedArray open_array(const ZipArchive& archive, const ZipEntry& entry) {
  ZipEntryReader reader(archive, entry);
  std::uint64_t header_size = 0;
  const NpyHeader header = read_npy_header(
      [&](std::uint64_t count) {
        header_size += count;
        return reader.read(count);
      },
      label(archive, entry));
  const auto bytes = byte_count(header.shape, header.type);
  require(bytes.has_value(), ErrorKind::damaged_file, "{} claims the impossible shape {}", label(archive, entry),
          format_shape(header.shape));
  require(*bytes == entry.size - header_size, ErrorKind::damaged_file, "{} of shape {} needs {} bytes but has {}",
          label(archive, entry), format_shape(header.shape), *bytes, entry.size - header_size);
  return {.header = header, .bytes = *bytes, .data = std::move(reader)};
}

/// What tensors have no type for, in the next wider signed one.
at::ScalarType given_type(const NpyHeader& header) {
  if (!header.is_unsigned) return header.type;
  return header.type == at::kShort ? at::kInt : at::kLong;
}

/// Undoes the sign that unsigned numbers were read with.
Tensor widened(const Tensor& tensor, const NpyHeader& header, const std::string& name) {
  if (header.type == at::kLong) {
    require(tensor.numel() == 0 || tensor.min().item<std::int64_t>() >= 0, ErrorKind::unsupported,
            "{} holds unsigned numbers of more than 63 bits", name);
    return tensor;
  }
  const std::int64_t mask = header.type == at::kShort ? 0xFFFF : 0xFFFFFFFF;
  return tensor.to(given_type(header)).bitwise_and(mask);
}

Tensor read_array(OpenedArray array, const std::string& name) {
  std::vector<std::int64_t> stored_shape = array.header.shape;
  if (array.header.is_fortran_order) std::reverse(stored_shape.begin(), stored_shape.end());
  Tensor tensor =
      tensor_from_file(stored_shape, array.header.type, [&](std::span<std::byte> bytes) { array.data.read(bytes); });
  array.data.finish();
  if (array.header.is_unsigned) tensor = widened(tensor, array.header, name);
  if (!array.header.is_fortran_order) return tensor;
  std::vector<std::int64_t> axes;
  for (std::int64_t axis = tensor.dim() - 1; axis >= 0; --axis) axes.push_back(axis);
  return tensor.permute(axes).contiguous();
}

/// The archive's arrays by their names, in its order.
std::vector<std::pair<std::string, const ZipEntry*>> arrays_of(const ZipArchive& archive) {
  std::vector<std::pair<std::string, const ZipEntry*>> arrays;
  std::set<std::string> names;
  for (const ZipEntry& entry : archive.entries()) {
    if (!entry.name.ends_with(suffix)) continue;
    const std::string name = entry.name.substr(0, entry.name.size() - suffix.size());
    require(names.insert(name).second, "{} holds two arrays named {}", archive.path().string(), quote(name));
    arrays.emplace_back(name, &entry);
  }
  return arrays;
}

}  // namespace

NamedTensors read_npz(const std::filesystem::path& path, const std::vector<std::string>& names,
                      std::uint64_t byte_limit) {
  const ZipArchive archive(path);
  const auto arrays = arrays_of(archive);
  for (const std::string& name : names) {
    const bool is_there =
        std::any_of(arrays.begin(), arrays.end(), [&](const auto& array) { return array.first == name; });
    require(is_there, "{} holds no array {}", path.string(), quote(name));
  }
  NamedTensors tensors;
  std::uint64_t total = 0;
  for (const auto& [name, entry] : arrays) {
    if (!names.empty() && std::find(names.begin(), names.end(), name) == names.end()) continue;
    OpenedArray array = open_array(archive, *entry);
    require(array.bytes <= byte_limit - total, ErrorKind::out_of_memory,
            "{} claims {} bytes, more than the {} left of the limit of {}", label(archive, *entry), array.bytes,
            byte_limit - total, byte_limit);
    total += array.bytes;
    tensors.emplace_back(name, read_array(std::move(array), label(archive, *entry)));
  }
  return tensors;
}

std::vector<NpzEntry> list_npz(const std::filesystem::path& path) {
  const ZipArchive archive(path);
  std::vector<NpzEntry> entries;
  for (const auto& [name, entry] : arrays_of(archive)) {
    NpzEntry listed = {.name = name, .type = at::ScalarType::Undefined, .shape = {}, .problem = {}};
    try {
      const NpyHeader header = open_array(archive, *entry).header;
      listed.type = given_type(header);
      listed.shape = header.shape;
    } catch (const Error& error) {
      listed.problem = error.what();
    }
    entries.push_back(std::move(listed));
  }
  return entries;
}

void write_npz(const std::filesystem::path& path, const NamedTensors& arrays) {
  ZipWriter archive(path);
  std::set<std::string> names;
  for (const auto& [name, tensor] : arrays) {
    const std::string label = fmt::format("cannot write {}: array {}", path.string(), quote(name));
    require(tensor.defined(), "{} is undefined", label);
    require(names.insert(name).second, "{} is there twice", label);
    const std::string header = npy_header(tensor.scalar_type(), tensor.sizes().vec(), label);
    const Tensor contiguous = tensor.detach().to(at::kCPU).contiguous();
    archive.add(name + std::string(suffix), {std::as_bytes(std::span(header)), bytes_of(contiguous)});
  }
  archive.commit();
}

}  // namespace iddpm

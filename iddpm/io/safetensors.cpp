#include "iddpm/io/safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/core/memory_limit.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/safetensors_header.h"
#include "iddpm/io/tensor_bytes.h"

namespace iddpm {

namespace {

constexpr std::uint64_t length_bytes = 8;
constexpr std::uint64_t longest_safetensors_header = 100'000'000;

std::uint64_t read_header_size(const InputFile& file) {
  const std::string path = file.path().string();
  require(file.size() >= length_bytes, ErrorKind::damaged_file,
          "{} is not a safetensors file, or truncated: it holds {} bytes", path, file.size());
  std::uint64_t header_size = 0;
  file.read_at(0, std::as_writable_bytes(std::span(&header_size, 1)));
  require(header_size <= longest_safetensors_header, ErrorKind::damaged_file,
          "{} is not a safetensors file: it claims a header of {} bytes", path, header_size);
  require(header_size <= file.size() - length_bytes, ErrorKind::damaged_file,
          "{} is truncated, or not a safetensors file: it claims a header of {} bytes but holds {}", path, header_size,
          file.size() - length_bytes);
  return header_size;
}

}  // namespace

struct SafetensorsFile::Contents {
  explicit Contents(std::filesystem::path path) : file(std::move(path)) {
    const std::uint64_t header_size = read_header_size(file);
    data_begin = length_bytes + header_size;
    header = parse_safetensors_header(file.read_at(length_bytes, header_size), file.size() - data_begin,
                                      file.path().string());
    for (std::size_t i = 0; i < header.entries.size(); ++i) index.emplace(header.entries[i].name, i);
  }

  const SafetensorsEntry& entry(const std::string& name) const {
    const auto found = index.find(name);
    require(found != index.end(), "{} holds no tensor {}", file.path().string(), quote(name));
    return header.entries[found->second];
  }

  InputFile file;
  std::uint64_t data_begin = 0;
  SafetensorsHeader header;
  std::map<std::string, std::size_t> index;
};

SafetensorsFile::SafetensorsFile(std::filesystem::path path) : contents_(std::make_unique<Contents>(std::move(path))) {}
SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

const std::filesystem::path& SafetensorsFile::path() const { return contents_->file.path(); }

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  for (const SafetensorsEntry& entry : contents_->header.entries) names.push_back(entry.name);
  return names;
}

bool SafetensorsFile::contains(const std::string& name) const { return contents_->index.contains(name); }

std::vector<std::int64_t> SafetensorsFile::shape(const std::string& name) const { return contents_->entry(name).shape; }

at::ScalarType SafetensorsFile::type(const std::string& name) const { return contents_->entry(name).type; }

Tensor SafetensorsFile::tensor(const std::string& name) const {
  const SafetensorsEntry& entry = contents_->entry(name);
  require_memory(entry.end - entry.begin, fmt::format("{}: tensor {}", contents_->file.path().string(), quote(name)));
  return tensor_from_file(entry.shape, entry.type, [&](std::span<std::byte> bytes) {
    contents_->file.read_at(contents_->data_begin + entry.begin, bytes);
  });
}

Tensor SafetensorsFile::tensor(const std::string& name, at::ScalarType type,
                               const std::vector<std::int64_t>& shape) const {
  require(contains(name), "expected a tensor {}, which it lacks", name);
  require(this->shape(name) == shape && this->type(name) == type, "expected {} of type {} and shape {}, got {} {}",
          name, at::toString(type), format_shape(shape), at::toString(this->type(name)),
          format_shape(this->shape(name)));
  return tensor(name);
}

const std::map<std::string, std::string>& SafetensorsFile::metadata() const { return contents_->header.metadata; }

void SafetensorsFile::require_memory_for_all() const {
  const auto& entries = contents_->header.entries;  // in the order of the data, without gaps
  require_memory(entries.empty() ? 0 : entries.back().end, contents_->file.path().string());
}

std::uint64_t SafetensorsFile::file_size() const { return contents_->file.size(); }

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  // Wider types first, so that each tensor is aligned for its type, as the format's own implementation orders them.
  std::vector<const NamedTensors::value_type*> order;
  for (const auto& named : tensors) {
    require(named.second.defined(), "cannot write {}: tensor {} is undefined", path.string(), quote(named.first));
    order.push_back(&named);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->second.element_size() > b->second.element_size(); });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::set<std::string> names = {"__metadata__"};
  std::uint64_t position = 0;
  for (const auto* named : order) {
    const auto& [name, tensor] = *named;
    require(names.insert(name).second, "cannot write {}: two tensors are named {}", path.string(), quote(name));
    const char* type = safetensors_type_name(tensor.scalar_type());
    require(type != nullptr, "cannot write {}: tensor {} is of type {}, which safetensors has no name for",
            path.string(), quote(name), at::toString(tensor.scalar_type()));
    const std::uint64_t end = position + static_cast<std::uint64_t>(tensor.numel()) * tensor.element_size();
    header.push_back({name, {{"dtype", type}, {"shape", tensor.sizes().vec()}, {"data_offsets", {position, end}}}});
    position = end;
  }

  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    fail("cannot write {}: names and metadata must be UTF-8", path.string());
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  require(text.size() <= longest_safetensors_header,
          "cannot write {}: a header of {} bytes is longer than the {} allowed", path.string(), text.size(),
          longest_safetensors_header);

  AtomicFile file(path);
  const std::uint64_t header_size = text.size();
  file.write(std::as_bytes(std::span(&header_size, 1)));
  file.write(text);
  for (const auto* named : order) file.write(bytes_of(named->second.detach().to(at::kCPU).contiguous()));
  file.commit();
}

}  // namespace iddpm

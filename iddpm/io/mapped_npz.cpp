#include "iddpm/io/mapped_npz.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/npy_header.h"
#include "iddpm/io/stored_entry.h"
#include "iddpm/io/tensor_bytes.h"

namespace iddpm {

std::optional<Tensor> map_npz_array(const std::filesystem::path& path, const std::string& name) {
  const InputFile file(path);
  const std::optional<std::uint64_t> entry = offset_of_stored_entry(file, name + ".npy");
  if (!entry) return std::nullopt;
  std::uint64_t data = *entry;
  const NpyHeader header = read_npy_header(
      [&](std::uint64_t count) {
        data += count;
        return file.read_at(data - count, count);
      },
      fmt::format("{}: {}", path.string(), name));
  if (header.type != at::kByte || header.is_fortran_order) return std::nullopt;
  const auto bytes = byte_count(header.shape, header.type);
  require(bytes.has_value() && data <= file.size() && *bytes <= file.size() - data, ErrorKind::damaged_file,
          "{}: {} of shape {} reaches beyond the end of the file", path.string(), name, format_shape(header.shape));
  if (*bytes == 0) return at::empty(header.shape, at::kByte);

  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  require(descriptor >= 0, "cannot open {}: {}", path.string(), std::strerror(errno));
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t begin = data / page * page, length = data + *bytes - begin;
  void* mapped = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, descriptor, static_cast<off_t>(begin));
  const int reason = errno;
  ::close(descriptor);
  require(mapped != MAP_FAILED, "cannot map {}: {}", path.string(), std::strerror(reason));
  return at::from_blob(
      static_cast<std::byte*>(mapped) + (data - begin), header.shape,
      [mapped, length](void*) { ::munmap(mapped, length); }, at::kByte);
}

}  // namespace iddpm

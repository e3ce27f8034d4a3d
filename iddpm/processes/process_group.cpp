#include "iddpm/processes/process_group.h"

#include <array>
#include <cstring>

namespace iddpm {
namespace {

constexpr std::array backend_names = {"auto", "gloo", "nccl", "mpi"};

}  // namespace

std::string ProcessGroup::broadcast_text(const std::string& text, const std::string& what) {
  if (size() == 1) return text;
  Tensor length = at::full({1}, static_cast<std::int64_t>(text.size()), at::kLong);
  broadcast(length, 0, what);
  Tensor bytes = at::zeros({*length.data_ptr<std::int64_t>()}, at::kByte);
  if (is_first()) std::memcpy(bytes.data_ptr(), text.data(), text.size());
  if (bytes.numel() > 0) broadcast(bytes, 0, what);
  return {static_cast<const char*>(bytes.data_ptr()), static_cast<std::size_t>(bytes.numel())};
}

std::string name(ProcessBackend backend) { return backend_names.at(static_cast<std::size_t>(backend)); }

ProcessBackend parse_process_backend(const std::string& name) {
  for (std::size_t i = 0; i < backend_names.size(); ++i) {
    if (name == backend_names[i]) return static_cast<ProcessBackend>(i);
  }
  fail("process backend: expected one of {}, got '{}'", fmt::join(backend_names, ", "), name);
}

}  // namespace iddpm

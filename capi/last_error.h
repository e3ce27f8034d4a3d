#pragma once

#include <stdexcept>
#include <string>

#include "capi/iddpm_c.h"

/// How exceptions become an iddpm_status at the C interface.
namespace iddpm::capi {

/// What only the C interface can be told wrongly: handles and sizes.
class CallError : public std::runtime_error {
 public:
  CallError(iddpm_status status, const std::string& sentence) : std::runtime_error(sentence), status_(status) {}
  iddpm_status status() const { return status_; }

 private:
  iddpm_status status_;
};

/// Forgets the calling thread's last error.
void forget_error() noexcept;
/// Remembers the exception being handled as the calling thread's last error and returns its kind.
iddpm_status remember_error() noexcept;

/// Does the work of a function of the interface; nothing passes it.
template <typename Work>
iddpm_status guarded(Work work) noexcept {
  forget_error();
  try {
    work();
    return IDDPM_OK;
  } catch (...) {
    return remember_error();
  }
}

/// Throws CallError of IDDPM_BAD_INPUT, "`argument` is null ...", if it is.
void require_given(const void* pointer, const char* argument);

}  // namespace iddpm::capi

#include "capi/last_error.h"

#include <c10/util/Exception.h>

#include <new>

#include "iddpm/core/error.h"

namespace iddpm::capi {
namespace {

struct LastError {
  iddpm_status status = IDDPM_OK;
  std::string sentence = {};
};

thread_local LastError last_error;

iddpm_status status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_input:
      return IDDPM_BAD_INPUT;
    case ErrorKind::damaged_file:
      return IDDPM_DAMAGED_FILE;
    case ErrorKind::unsupported:
      return IDDPM_UNSUPPORTED;
    case ErrorKind::out_of_memory:
      return IDDPM_OUT_OF_MEMORY;
    case ErrorKind::interrupted:
      return IDDPM_INTERRUPTED;
    case ErrorKind::not_finite:
      return IDDPM_NOT_FINITE;
  }
  return IDDPM_INTERNAL;
}

LastError described() {
  try {
    throw;
  } catch (const CallError& error) {
    return {error.status(), error.what()};
  } catch (const Error& error) {
    return {status_of(error.kind()), error.what()};
  } catch (const c10::Error& error) {
    return {IDDPM_INTERNAL, error.what_without_backtrace()};
  } catch (const std::bad_alloc&) {
    return {IDDPM_OUT_OF_MEMORY, "out of memory; a smaller batch needs less"};
  } catch (const std::exception& error) {
    return {IDDPM_INTERNAL, error.what()};
  } catch (...) {
    return {IDDPM_INTERNAL, "an exception of an unknown kind"};
  }
}

}  // namespace

void forget_error() noexcept {
  last_error.status = IDDPM_OK;
  last_error.sentence.clear();
}

iddpm_status remember_error() noexcept {
  try {
    last_error = described();
  } catch (...) {  // no memory for the sentence
    last_error.status = IDDPM_OUT_OF_MEMORY;
    last_error.sentence.clear();
  }
  return last_error.status;
}

void require_given(const void* pointer, const char* argument) {
  if (pointer == nullptr) throw CallError(IDDPM_BAD_INPUT, std::string(argument) + " is null; expected a pointer");
}

}  // namespace iddpm::capi

const char* iddpm_last_error(void) { return iddpm::capi::last_error.sentence.c_str(); }
iddpm_status iddpm_last_error_kind(void) { return iddpm::capi::last_error.status; }

const char* iddpm_status_name(int status) {
  switch (status) {
    case IDDPM_OK:
      return "ok";
    case IDDPM_BAD_INPUT:
      return "bad input";
    case IDDPM_DAMAGED_FILE:
      return "damaged file";
    case IDDPM_UNSUPPORTED:
      return "unsupported";
    case IDDPM_OUT_OF_MEMORY:
      return "out of memory";
    case IDDPM_INTERRUPTED:
      return "interrupted";
    case IDDPM_NOT_FINITE:
      return "not finite";
    case IDDPM_NO_SUCH_MODEL:
      return "no such model";
    case IDDPM_BUFFER_TOO_SMALL:
      return "buffer too small";
    case IDDPM_INTERNAL:
      return "internal";
    default:
      return "unknown";
  }
}

#include "capi/open_models.h"

#include <cstdint>
#include <map>
#include <mutex>

#include "capi/last_error.h"

namespace iddpm::capi {
namespace {

struct OpenModels {
  std::mutex mutex = {};
  std::map<std::uintptr_t, std::shared_ptr<const OpenModel>> models = {};
  std::uintptr_t last = 0;
};

/// Never destroyed: another thread may still call when the process ends.
OpenModels& open_models() {
  static OpenModels& instance = *new OpenModels;
  return instance;
}

[[noreturn]] void fail_for(const iddpm_model* handle) {
  throw CallError(IDDPM_NO_SUCH_MODEL, handle == nullptr
                                           ? "model is null; expected what iddpm_model_open gave"
                                           : "model is no open model (it was freed, or is none of iddpm_model_open's)");
}

}  // namespace

iddpm_model* add_model(std::shared_ptr<const OpenModel> model) {
  OpenModels& all = open_models();
  const std::lock_guard lock(all.mutex);
  const std::uintptr_t number = all.last + 1;
  all.models.emplace(number, std::move(model));
  all.last = number;
  return reinterpret_cast<iddpm_model*>(number);
}

std::shared_ptr<const OpenModel> find_model(const iddpm_model* handle) {
  OpenModels& all = open_models();
  const std::lock_guard lock(all.mutex);
  const auto found = all.models.find(reinterpret_cast<std::uintptr_t>(handle));
  if (found == all.models.end()) fail_for(handle);
  return found->second;
}

void remove_model(const iddpm_model* handle) {
  OpenModels& all = open_models();
  std::shared_ptr<const OpenModel> model;  // destroyed after the lock is
  const std::lock_guard lock(all.mutex);
  const auto found = all.models.find(reinterpret_cast<std::uintptr_t>(handle));
  if (found == all.models.end()) fail_for(handle);
  model = std::move(found->second);
  all.models.erase(found);
}

}  // namespace iddpm::capi

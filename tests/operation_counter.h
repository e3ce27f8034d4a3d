#pragma once

#include <ATen/record_function.h>

#include <map>
#include <mutex>
#include <string>

namespace iddpm {

/// Counts LibTorch's operations by their names ("aten::copy_"), those inside others too, in all threads while it lives.
/// One at a time.
class OperationCounter {
 public:
  OperationCounter() {
    counts().clear();
    handle_ = at::addGlobalCallback(at::RecordFunctionCallback(&record).scopes({at::RecordScope::FUNCTION}));
  }
  ~OperationCounter() { at::removeCallback(handle_); }
  OperationCounter(const OperationCounter&) = delete;
  OperationCounter& operator=(const OperationCounter&) = delete;

  int count(const std::string& name) const {
    const std::lock_guard lock(mutex());
    const auto found = counts().find(name);
    return found == counts().end() ? 0 : found->second;
  }

 private:
  static std::map<std::string, int>& counts() {
    static std::map<std::string, int> counts;
    return counts;
  }
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }
  static std::unique_ptr<at::ObserverContext> record(const at::RecordFunction& function) {
    const std::lock_guard lock(mutex());
    ++counts()[function.name()];
    return nullptr;
  }

  at::CallbackHandle handle_ = 0;
};

}  // namespace iddpm

#pragma once

namespace iddpm::kernels {

/// While it lives, what this thread asks for is computed by so many threads, itself among them; other threads go on
/// with what they had. For programs that compute in several threads at once, where the pools would otherwise add up.
class ThreadScope {
 public:
  /// 0: `available_threads()`.
  explicit ThreadScope(int threads);
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

}  // namespace iddpm::kernels

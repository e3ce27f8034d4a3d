#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace iddpm {

/// Texts that processes leave for each other at one of them. Throws whatever it meets if that one is gone.
class SharedTexts {
 public:
  virtual ~SharedTexts() = default;
  virtual void put(const std::string& key, const std::string& text) = 0;
  /// At once; nothing if nobody has put one.
  virtual std::optional<std::string> get(const std::string& key) = 0;
};

struct ProcessWatchOptions {
  std::int64_t rank = 0;
  std::int64_t size = 1;
  std::chrono::milliseconds timeout = std::chrono::minutes(5);
  std::function<void(const std::string& sentence)> on_lost = {};  ///< called once, from a thread of the watch
};

/// Sees to it that no process waits for ever. Each tells the others, a few times within the timeout, that it lives and
/// what it is doing. Rank 0, which keeps the texts, finds out who has been silent, or at the same work, for the whole
/// timeout; the others see whether rank 0 still answers. A process that was stopped itself (SIGSTOP) holds that time
/// against nobody.
class ProcessWatch {
 public:
  ProcessWatch(std::unique_ptr<SharedTexts> texts, ProcessWatchOptions options);
  /// Looks no longer.
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  /// What this process does from now on; a sign that it gets on.
  void at_work(const std::string& what);
  /// Something that takes all processes: not to get on there is no fault of this one.
  void waiting_for(const std::string& what);
  /// A connection broke: whoever is silent now is gone. Waits until it is known who; then `on_lost` has been called.
  void connection_broke(const std::string& how);
  /// Says why this process ends, and gives the others some time to hear it.
  void leave(const std::string& reason);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace iddpm

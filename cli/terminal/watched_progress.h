#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "cli/terminal/progress_bar.h"
#include "iddpm/core/progress.h"

namespace iddpm::cli {

/// A progress bar for long work of the library, which stops it by throwing Interrupted once Ctrl-C was pressed. Where
/// the work has stages, each has a bar of its own. Clears its line when it goes.
class WatchedProgress {
 public:
  explicit WatchedProgress(std::string title);

  void operator()(std::int64_t done, std::int64_t total);
  void operator()(std::string_view stage, std::int64_t done, std::int64_t total);

 private:
  std::string title_;
  std::string stage_;
  const std::atomic<bool>& stop_;
  std::unique_ptr<ProgressBar> bar_;
};

}  // namespace iddpm::cli

#include "cli/terminal/watched_progress.h"

#include "cli/terminal/interruption.h"

namespace iddpm::cli {

WatchedProgress::WatchedProgress(std::string title)
    : title_(std::move(title)), stop_(catch_interruption()), bar_(std::make_unique<ProgressBar>(title_)) {}

void WatchedProgress::operator()(std::int64_t done, std::int64_t total) {
  if (stop_) throw Interrupted();
  bar_->update(static_cast<double>(done) / static_cast<double>(total));
}

void WatchedProgress::operator()(std::string_view stage, std::int64_t done, std::int64_t total) {
  if (stage != stage_) {
    stage_ = stage;
    bar_.reset();  // clears its line before the next one draws
    bar_ = std::make_unique<ProgressBar>(title_ + stage_);
  }
  (*this)(done, total);
}

}  // namespace iddpm::cli

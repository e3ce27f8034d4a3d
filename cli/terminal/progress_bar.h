#pragma once

#include <chrono>
#include <string>

namespace iddpm::cli {

/// A line on the terminal with a bar, what is going on and the time left. On anything that isn't a terminal it stays
/// quiet but for a line every half minute.
class ProgressBar {
 public:
  explicit ProgressBar(std::string title);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `fraction` done (0 .. 1) and a few words, "loss 0.053  210 images/s".
  void update(double fraction, const std::string& words = {});
  /// Clears the line so that something else can be printed.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string title_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_;
  Clock::time_point last_;
  double first_fraction_ = -1;
};

}  // namespace iddpm::cli

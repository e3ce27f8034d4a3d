#include "cli/terminal/progress_bar.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "cli/terminal/command_line.h"
#include "cli/terminal/standard_streams.h"

namespace iddpm::cli {
namespace {

int terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

ProgressBar::ProgressBar(std::string title)
    : title_(std::move(title)), terminal_(isatty(STDERR_FILENO) == 1), start_(Clock::now()), last_(start_) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::update(double fraction, const std::string& words) {
  using namespace std::chrono_literals;
  const auto now = Clock::now();
  // A run that goes on begins somewhere; only what is done since then tells the speed.
  if (first_fraction_ < 0) first_fraction_ = fraction;
  if (now - last_ < (terminal_ ? 100ms : 30000ms)) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double progress = fraction - first_fraction_;
  const std::string left =
      progress > 0 ? format_duration(elapsed / progress * std::max(0.0, 1 - fraction)) + " left" : "";
  if (!terminal_) {
    say(fmt::format("{}: {:.0f} %  {}  {}", title_, 100 * fraction, words, left));
    return;
  }
  constexpr int bar_width = 24;
  const int filled = std::clamp(static_cast<int>(fraction * bar_width + 0.5), 0, bar_width);
  std::string bar;
  for (int i = 0; i < bar_width; ++i) bar += i < filled ? "█" : "░";
  const std::string before = fmt::format("{} ", title_);
  std::string after = fmt::format(" {:3.0f} %  {}  {}", 100 * fraction, words, left);
  const int room = terminal_width() - 1 - static_cast<int>(before.size()) - bar_width;
  if (room < 6) return;
  after.resize(std::min<std::size_t>(after.size(), static_cast<std::size_t>(room)));
  write_to_standard_error(fmt::format("\r\033[K{}{}{}", before, bar, after));
  drawn_ = true;
}

void ProgressBar::clear() {
  if (!drawn_) return;
  write_to_standard_error("\r\033[K");
  drawn_ = false;
}

}  // namespace iddpm::cli

#include "cli/terminal/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

namespace iddpm::cli {
namespace {

// 0 where there is only one process.
std::atomic<std::int64_t> rank_of_the_speaker{0};

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDERR_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

void prepare_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest free number is taken, which is that of the stream. Standard output stays one that can't be written:
    // a result that nobody gets is an error, other than what is said besides.
    if (::fcntl(stream, F_GETFD) < 0 && errno == EBADF)
      ::open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
  }
  // What can't be written (nobody reads, RLIMIT_FSIZE) is an error of the write, not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void speak_as(std::int64_t rank) { rank_of_the_speaker = rank; }

void complain(const std::string& sentence) {
  const std::int64_t rank = rank_of_the_speaker;
  const std::string who = rank > 0 ? "iddpm (rank " + std::to_string(rank) + "): " : "iddpm: ";
  write_all(who + sentence + "\n");
}

void write_to_standard_error(std::string_view text) {
  if (rank_of_the_speaker == 0) write_all(text);
}

}  // namespace iddpm::cli

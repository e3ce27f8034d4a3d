#include "cli/launch/launched_processes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"

namespace iddpm::cli {
namespace {

using Clock = std::chrono::steady_clock;

// The others find out within seconds that a connection broke.
constexpr std::chrono::seconds time_to_explain(15);
constexpr std::size_t longest_line = 4096;

// One that nobody uses now.
std::int64_t free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  const bool found =
      descriptor >= 0 && ::bind(descriptor, plain, length) == 0 && ::getsockname(descriptor, plain, &length) == 0;
  if (descriptor >= 0) ::close(descriptor);
  require(found, "launch: no free port on this machine: {}", std::generic_category().message(errno));
  return ntohs(address.sin_port);
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> texts;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const bool replaced = std::any_of(variables.begin(), variables.end(),
                                      [&](const auto& variable) { return text.starts_with(variable.first + "="); });
    if (!replaced) texts.push_back(text);
  }
  for (const auto& [name, value] : variables) texts.push_back(name + "=" + value);
  return texts;
}

// In the new process: only what is safe after fork.
[[noreturn]] void become(const char* program, char* const* arguments, char* const* environment, int output,
                         pid_t launcher) {
  ::setpgid(0, 0);  // Ctrl-C goes to the launcher, which passes it on once
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != launcher) ::_exit(1);
  if (output >= 0) {
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
  }
  ::execve(program, arguments, environment);
  ::_exit(127);
}

int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

std::string how_it_ended(std::int64_t rank, int status) {
  if (WIFEXITED(status)) return fmt::format("rank {} ended with exit code {}", rank, WEXITSTATUS(status));
  return fmt::format("rank {} was ended by signal {} ({})", rank, WTERMSIG(status), ::strsignal(WTERMSIG(status)));
}

}  // namespace

LaunchedProcesses::LaunchedProcesses(const Launch& launch) {
  const std::int64_t port = free_port();
  for (std::int64_t rank = 0; rank < launch.processes; ++rank) start(launch, rank, port);
}

LaunchedProcesses::~LaunchedProcesses() {
  send(SIGKILL);
  for (Process& process : processes_) {
    if (!process.status) ::waitpid(process.id, nullptr, 0);
    if (process.output >= 0) ::close(process.output);
  }
}

void LaunchedProcesses::start(const Launch& launch, std::int64_t rank, std::int64_t port) {
  std::array<int, 2> pipe = {-1, -1};
  require(rank == 0 || ::pipe2(pipe.data(), O_CLOEXEC) == 0, "launch: {}", std::generic_category().message(errno));
  std::vector<std::string> arguments = {"iddpm"};
  arguments.insert(arguments.end(), launch.command.begin(), launch.command.end());
  std::vector<std::string> variables = environment_with({{"RANK", std::to_string(rank)},
                                                         {"LOCAL_RANK", std::to_string(rank)},
                                                         {"WORLD_SIZE", std::to_string(launch.processes)},
                                                         {"MASTER_ADDR", "127.0.0.1"},
                                                         {"MASTER_PORT", std::to_string(port)},
                                                         {"TORCHELASTIC_USE_AGENT_STORE", "False"},
                                                         {"IDDPM_RESTART_COUNT", std::to_string(launch.restarts)},
                                                         {"IDDPM_LAUNCH", launch.name}});
  const std::vector<char*> argument_pointers = pointers_to(arguments), variable_pointers = pointers_to(variables);
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  const pid_t launcher = ::getpid();
  const pid_t id = ::fork();
  if (id == 0) become(program.c_str(), argument_pointers.data(), variable_pointers.data(), pipe[1], launcher);
  if (pipe[1] >= 0) ::close(pipe[1]);
  if (id < 0 && pipe[0] >= 0) ::close(pipe[0]);
  require(id > 0, "launch: process {} can't be started: {}", rank, std::generic_category().message(errno));
  if (pipe[0] >= 0) ::fcntl(pipe[0], F_SETFL, O_NONBLOCK);
  processes_.push_back({.rank = rank, .id = id, .output = pipe[0]});
}

void LaunchedProcesses::relay(int milliseconds) {
  std::vector<pollfd> waiting;
  for (const Process& process : processes_) {
    if (process.output >= 0) waiting.push_back({.fd = process.output, .events = POLLIN, .revents = 0});
  }
  ::poll(waiting.data(), waiting.size(), milliseconds);
  for (Process& process : processes_) {
    if (process.output >= 0) take_output(process);
  }
}

void LaunchedProcesses::take_output(Process& process) {
  std::array<char, 4096> bytes{};
  ssize_t count = 0;
  while ((count = ::read(process.output, bytes.data(), bytes.size())) > 0) {
    process.line.append(bytes.data(), static_cast<std::size_t>(count));
    for (std::size_t end = 0;
         (end = process.line.find('\n')) != std::string::npos || process.line.size() > longest_line;) {
      end = std::min(end, longest_line);
      say(fmt::format("[rank {}] {}", process.rank, process.line.substr(0, end)));
      process.line.erase(0, end + 1);
    }
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (!process.line.empty()) say(fmt::format("[rank {}] {}", process.rank, process.line));
  process.line.clear();
  ::close(process.output);
  process.output = -1;
}

// Whether all have ended.
bool LaunchedProcesses::look_for_ends() {
  bool all = true;
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    Process& process = processes_[i];
    int status = 0;
    if (!process.status && ::waitpid(process.id, &status, WNOHANG) == process.id) {
      process.status = status;
      if (status != 0 && !first_failure_) first_failure_ = i;
    }
    all = all && process.status.has_value();
  }
  return all;
}

void LaunchedProcesses::send(int signal) {
  for (const Process& process : processes_) {
    if (!process.status) ::kill(process.id, signal);
  }
}

LaunchEnd LaunchedProcesses::wait(const std::atomic<bool>& stop) {
  bool asked = false;
  std::optional<Clock::time_point> last_moment;
  while (!look_for_ends()) {
    if (stop && !asked) {
      asked = true;
      send(SIGTERM);
    }
    if (first_failure_ && !last_moment) last_moment = Clock::now() + time_to_explain;
    if (last_moment && Clock::now() >= *last_moment) send(SIGKILL);
    relay(50);
  }
  relay(0);
  if (!first_failure_) return {};
  const Process& failed = processes_[*first_failure_];
  return {.exit_code = exit_code_of(*failed.status), .failure = how_it_ended(failed.rank, *failed.status)};
}

}  // namespace iddpm::cli

#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/cli/background_program.h"

namespace iddpm::test {

/// A port of this machine that nobody uses now.
inline std::string unused_port() {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  bind(descriptor, reinterpret_cast<sockaddr*>(&address), length);
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
  close(descriptor);
  return std::to_string(ntohs(address.sin_port));
}

/// The program in several processes at once, started with torchrun's variables; what rank r says is in "err<r>".
/// `prepare(r)` runs in process r before.
class JoinedPrograms {
 public:
  JoinedPrograms(const std::filesystem::path& folder, int processes, const std::string& arguments,
                 const std::string& address = "127.0.0.1", const std::function<void(int)>& prepare_rank = {})
      : folder_(folder) {
    const std::string port = unused_port();
    for (int rank = 0; rank < processes; ++rank) {
      const auto prepare = [&, rank] {
        setenv("RANK", std::to_string(rank).c_str(), 1);
        setenv("WORLD_SIZE", std::to_string(processes).c_str(), 1);
        setenv("MASTER_ADDR", address.c_str(), 1);
        setenv("MASTER_PORT", port.c_str(), 1);
        if (prepare_rank) prepare_rank(rank);
      };
      programs_.push_back(
          std::make_unique<BackgroundProgram>(folder, arguments, prepare, "err" + std::to_string(rank)));
    }
  }
  BackgroundProgram& rank(int rank) { return *programs_[static_cast<std::size_t>(rank)]; }
  std::string said(int rank) const { return text_of(folder_ / ("err" + std::to_string(rank))); }

  /// Expects that all end well.
  void expect_success() {
    for (std::size_t rank = 0; rank < programs_.size(); ++rank) {
      EXPECT_EQ(programs_[rank]->exit_code(), 0) << "rank " << rank << ": " << said(static_cast<int>(rank));
    }
  }

 private:
  std::filesystem::path folder_;
  std::vector<std::unique_ptr<BackgroundProgram>> programs_;
};

}  // namespace iddpm::test

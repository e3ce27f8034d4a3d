#include "iddpm/processes/network_address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <thread>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses resolve(const std::string& host, std::int64_t port, int kind) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = kind;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  require(error == 0, "MASTER_ADDR: the machine '{}' of rank 0 isn't known here: {}", host, gai_strerror(error));
  return {found, &freeaddrinfo};
}

class Socket {
 public:
  Socket(const addrinfo& address, int flags)
      : descriptor_(::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | flags, address.ai_protocol)) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string text_of(const sockaddr* address, socklen_t length) {
  std::array<char, NI_MAXHOST> text{};
  if (getnameinfo(address, length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "";
  return text.data();
}

bool connects(const addrinfo& address) {
  const Socket socket(address, SOCK_NONBLOCK);
  if (socket.descriptor() < 0) return false;
  if (::connect(socket.descriptor(), address.ai_addr, address.ai_addrlen) == 0) return true;
  pollfd waiting = {.fd = socket.descriptor(), .events = POLLOUT, .revents = 0};
  if (errno != EINPROGRESS || ::poll(&waiting, 1, 500) <= 0) return false;
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

}  // namespace

std::string own_address_towards(const std::string& host, std::int64_t port) {
  const Addresses addresses = resolve(host, port, SOCK_DGRAM);
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    const Socket socket(*address, 0);
    // Nothing is sent: a datagram socket that is connected only knows its way.
    if (socket.descriptor() < 0 || ::connect(socket.descriptor(), address->ai_addr, address->ai_addrlen) != 0) continue;
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    if (::getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&own), &length) != 0) continue;
    const std::string text = text_of(reinterpret_cast<const sockaddr*>(&own), length);
    if (!text.empty()) return text;
  }
  fail("MASTER_ADDR: there is no way to the machine '{}' of rank 0", host);
}

std::string address_of_an_interface() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return "";
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owned(all, &freeifaddrs);
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    const bool usable = one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_INET &&
                        (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_LOOPBACK) == 0;
    if (usable) return text_of(one->ifa_addr, sizeof(sockaddr_in));
  }
  return "";
}

bool is_loopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

bool wait_until_reachable(const std::string& host, std::int64_t port, std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  const Addresses addresses = resolve(host, port, SOCK_STREAM);
  while (true) {
    for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
      if (connects(*address)) return true;
    }
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

std::string machine_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  // Containers of one machine have networks of their own, and may have the same name.
  std::error_code ignored;
  return std::string(host.data()) + " " + std::filesystem::read_symlink("/proc/self/ns/net", ignored).string();
}

}  // namespace iddpm

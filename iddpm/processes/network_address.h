#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace iddpm {

/// The own address from which a host is reached: "127.0.0.1" for this machine itself. Throws Error if the name can't be
/// resolved.
std::string own_address_towards(const std::string& host, std::int64_t port);

/// An own address that other machines may reach: of the first interface that is up and no loopback; empty if there is
/// none.
std::string address_of_an_interface();

bool is_loopback(const std::string& address);

/// Waits until somebody listens there; false if nobody does in time.
bool wait_until_reachable(const std::string& host, std::int64_t port, std::chrono::milliseconds timeout);

/// The name of this machine and of its network, which processes of one machine have in common.
std::string machine_name();

}  // namespace iddpm

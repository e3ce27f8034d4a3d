#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace iddpm {

/// The order of the images in each epoch: a random permutation that is a function of (seed, epoch). Safe to use from
/// several threads; the most recent epochs are kept.
class EpochOrders {
 public:
  using Order = std::shared_ptr<const std::vector<std::int64_t>>;

  EpochOrders(std::uint64_t seed, std::int64_t images) : seed_(seed), images_(images) {}

  Order of(std::int64_t epoch);

 private:
  const std::uint64_t seed_;
  const std::int64_t images_;
  std::mutex mutex_;
  std::map<std::int64_t, Order> orders_;
};

}  // namespace iddpm

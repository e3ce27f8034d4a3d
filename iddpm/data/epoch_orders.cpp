#include "iddpm/data/epoch_orders.h"

#include <cstddef>

#include "iddpm/core/random_stream.h"

namespace iddpm {

namespace {

// The workers of one loader are rarely in more than two epochs at once.
constexpr std::size_t orders_kept = 3;

}  // namespace

EpochOrders::Order EpochOrders::of(std::int64_t epoch) {
  const std::lock_guard lock(mutex_);
  const auto found = orders_.find(epoch);
  if (found != orders_.end()) return found->second;
  const RandomStream stream(seed_, StreamPurpose::data_order, static_cast<std::uint64_t>(epoch));
  const Order order = std::make_shared<const std::vector<std::int64_t>>(permutation(stream, images_));
  orders_.emplace(epoch, order);
  if (orders_.size() > orders_kept) orders_.erase(orders_.begin());
  return order;
}

}  // namespace iddpm

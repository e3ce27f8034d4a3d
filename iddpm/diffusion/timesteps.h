#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// The timesteps of a batch, one per image: integers on the host, where their range is checked and decisions are taken
/// on them without waiting for a device. What a device needs of them is copied there once. Wherever timesteps are
/// asked for, an int64 tensor [N] on the host will do too, and the other way round.
class Timesteps {
 public:
  Timesteps(std::vector<std::int64_t> values);
  /// From an int64 tensor [N]; one on a device is fetched, which waits for the device. Throws Error for others.
  Timesteps(const Tensor& t);
  /// The same one for each of `count` images.
  static Timesteps repeated(std::int64_t t, std::int64_t count);

  std::int64_t size() const { return static_cast<std::int64_t>(values_.size()); }
  const std::vector<std::int64_t>& values() const { return values_; }
  bool contain(std::int64_t t) const;
  /// Whether there are any, and all are equal.
  bool are_the_same() const;
  /// Those of images begin .. begin + count - 1.
  Timesteps rows(std::int64_t begin, std::int64_t count) const;
  /// int64 [N] on the device, kept for the next time. Not for several threads at once.
  const Tensor& on(at::Device device) const;
  /// int64 [N] on the host, a new one.
  operator Tensor() const { return made_for(at::kCPU); }

  bool operator==(const Timesteps& other) const { return values_ == other.values_; }

 private:
  Tensor made_for(at::Device device) const;

  std::vector<std::int64_t> values_;
  mutable Tensor on_device_;
};

/// Throws Error unless all are of 0 .. steps - 1.
void check_timesteps(const Timesteps& t, std::int64_t steps);

/// One number per timestep. Kept on every device and in every type that it was asked for in; copies of the table share
/// them. May be used by several threads.
class TimestepTable {
 public:
  explicit TimestepTable(const std::vector<double>& values);
  /// [T], on the host.
  explicit TimestepTable(Tensor values);

  std::int64_t steps() const;
  /// Entries [N] in the table's own type, at t. Throws Error if one is outside the table.
  Tensor entries(const Timesteps& t, at::Device device) const;
  /// Entries [N, 1, 1, 1] (as many extents as x) of x's type and device. Throws Error if a t is outside the table, or
  /// there isn't one for each image of x.
  Tensor at(const Timesteps& t, const Tensor& x) const;

 private:
  struct Copies;
  std::shared_ptr<Copies> copies_;
};

/// The same of a table that is needed once. One that is needed often is better made a TimestepTable.
Tensor at_timesteps(const std::vector<double>& table, const Timesteps& t, const Tensor& x);

}  // namespace iddpm

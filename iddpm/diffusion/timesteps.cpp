#include "iddpm/diffusion/timesteps.h"

#include <algorithm>
#include <mutex>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// [N, 1, 1, 1] with as many extents as x.
std::vector<std::int64_t> shape_beside(const Timesteps& t, const Tensor& x) {
  require(x.dim() >= 1 && at::isFloatingType(x.scalar_type()),
          "images: expected a floating-point tensor [N, ...], got {} {}", at::toString(x.scalar_type()),
          format_shape(x.sizes()));
  require(t.size() == x.size(0), "timesteps: expected one for each of {} images, got {}", x.size(0), t.size());
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
  shape[0] = t.size();
  return shape;
}

}  // namespace

Timesteps::Timesteps(std::vector<std::int64_t> values) : values_(std::move(values)) {}

Timesteps::Timesteps(const Tensor& t) {
  require(t.defined() && t.dim() == 1 && t.scalar_type() == at::kLong,
          "timesteps: expected an int64 tensor [N], got {}",
          t.defined() ? fmt::format("{} {}", at::toString(t.scalar_type()), format_shape(t.sizes())) : "none");
  const Tensor on_host = t.to(at::kCPU).contiguous();
  const auto* values = on_host.data_ptr<std::int64_t>();
  values_.assign(values, values + on_host.numel());
}

Timesteps Timesteps::repeated(std::int64_t t, std::int64_t count) {
  return Timesteps(std::vector<std::int64_t>(static_cast<std::size_t>(count), t));
}

bool Timesteps::contain(std::int64_t t) const { return std::find(values_.begin(), values_.end(), t) != values_.end(); }

bool Timesteps::are_the_same() const {
  return !values_.empty() && std::all_of(values_.begin(), values_.end(), [&](auto t) { return t == values_.front(); });
}

Timesteps Timesteps::rows(std::int64_t begin, std::int64_t count) const {
  const auto first = values_.begin() + begin;
  Timesteps part(std::vector<std::int64_t>(first, first + count));
  if (on_device_.defined()) part.on_device_ = on_device_.narrow(0, begin, count);
  return part;
}

Tensor Timesteps::made_for(at::Device device) const {
  const at::TensorOptions options = at::TensorOptions(at::kLong);
  // Nothing is copied: the device writes them itself.
  if (are_the_same()) return at::full({size()}, values_.front(), options.device(device));
  const Tensor on_host = at::empty({size()}, options);
  std::copy(values_.begin(), values_.end(), on_host.data_ptr<std::int64_t>());
  return on_host.to(device, /*non_blocking=*/true);
}

const Tensor& Timesteps::on(at::Device device) const {
  if (!on_device_.defined() || on_device_.device() != device) on_device_ = made_for(device);
  return on_device_;
}

void check_timesteps(const Timesteps& t, std::int64_t steps) {
  for (const std::int64_t value : t.values()) {
    require(value >= 0 && value < steps, "timesteps: expected values of 0 to {}, got {}", steps - 1, value);
  }
}

struct TimestepTable::Copies {
  Tensor host;
  std::mutex mutex = {};
  std::vector<Tensor> others = {};

  Tensor in(at::ScalarType type, at::Device device) {
    const auto fits = [&](const Tensor& copy) { return copy.scalar_type() == type && copy.device() == device; };
    if (fits(host)) return host;
    const std::lock_guard lock(mutex);
    const auto found = std::find_if(others.begin(), others.end(), fits);
    if (found != others.end()) return *found;
    return others.emplace_back(host.to(type).to(device));
  }
};

TimestepTable::TimestepTable(const std::vector<double>& values)
    : TimestepTable(at::tensor(at::ArrayRef<double>(values), at::kDouble)) {}

TimestepTable::TimestepTable(Tensor values) : copies_(new Copies{.host = std::move(values)}) {}

std::int64_t TimestepTable::steps() const { return copies_->host.size(0); }

Tensor TimestepTable::entries(const Timesteps& t, at::Device device) const {
  check_timesteps(t, steps());
  return copies_->in(copies_->host.scalar_type(), device).index_select(0, t.on(device));
}

Tensor TimestepTable::at(const Timesteps& t, const Tensor& x) const {
  check_timesteps(t, steps());
  const std::vector<std::int64_t> shape = shape_beside(t, x);
  return copies_->in(x.scalar_type(), x.device()).index_select(0, t.on(x.device())).view(shape);
}

Tensor at_timesteps(const std::vector<double>& table, const Timesteps& t, const Tensor& x) {
  check_timesteps(t, static_cast<std::int64_t>(table.size()));
  const std::vector<std::int64_t> shape = shape_beside(t, x);
  const auto value = [&](std::int64_t timestep) { return table[static_cast<std::size_t>(timestep)]; };
  if (t.are_the_same()) return at::full(shape, value(t.values().front()), x.options());
  const Tensor values = at::empty({t.size()}, at::kDouble);
  std::transform(t.values().begin(), t.values().end(), values.data_ptr<double>(), value);
  return values.to(x.scalar_type()).to(x.device()).view(shape);
}

}  // namespace iddpm

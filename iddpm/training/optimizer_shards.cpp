#include "iddpm/training/optimizer_shards.h"

#include <algorithm>

namespace iddpm {
namespace {

void keep_own_of(NamedParameters& part, const OptimizerShards& shards) {
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (!shards.owns(i)) part[i].second = Tensor();
  }
}

}  // namespace

OptimizerShards::OptimizerShards(const NamedParameters& parameters, ProcessGroup& group) : group_(group) {
  const std::int64_t all = count(parameters);
  std::int64_t before = 0;
  for (const auto& [name, parameter] : parameters) {
    const std::int64_t middle = before + parameter.numel() / 2;
    owners_.push_back(std::min(group.size() - 1, middle * group.size() / std::max<std::int64_t>(all, 1)));
    before += parameter.numel();
    shapes_.push_back(parameter.sizes().vec());
  }
}

void OptimizerShards::keep_own(OptimizerState& state) const {
  keep_own_of(state.exp_avg, *this);
  keep_own_of(state.exp_avg_sq, *this);
  for (NamedParameters& ema : state.emas) keep_own_of(ema, *this);
}

void OptimizerShards::exchange(const NamedParameters& parameters) const {
  const at::NoGradGuard no_gradients;
  for (std::size_t begin = 0; begin < parameters.size();) {
    std::size_t end = begin;
    std::vector<Tensor> pieces;
    for (; end < parameters.size() && owners_[end] == owners_[begin]; ++end) {
      pieces.push_back(parameters[end].second.detach().flatten());
    }
    Tensor row = at::cat(pieces);
    group_.broadcast(row, owners_[begin], "the parameters that another process updated");
    std::int64_t place = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const Tensor parameter = parameters[i].second.detach();
      if (!owns(i)) parameter.copy_(row.narrow(0, place, parameter.numel()).view(parameter.sizes()));
      place += parameter.numel();
    }
    begin = end;
  }
}

OptimizerState OptimizerShards::gathered(const OptimizerState& state) const {
  OptimizerState all = {
      .exp_avg = gathered_part(state.exp_avg), .exp_avg_sq = gathered_part(state.exp_avg_sq), .emas = {}};
  for (const NamedParameters& ema : state.emas) all.emas.push_back(gathered_part(ema));
  return all;
}

NamedParameters OptimizerShards::gathered_part(const NamedParameters& part) const {
  NamedParameters all;
  for (std::size_t i = 0; i < part.size(); ++i) {
    Tensor tensor = from_owner(part, i);
    if (group_.is_first()) all.emplace_back(part[i].first, tensor.to(at::kCPU));
  }
  return all;
}

Tensor OptimizerShards::from_owner(const NamedParameters& part, std::size_t i) const {
  Tensor tensor = owns(i) ? part[i].second.detach().contiguous() : at::empty(shapes_[i], group_.device());
  group_.broadcast(tensor, owners_[i], "moments and averages that another process keeps");
  return tensor;
}

void OptimizerShards::gather_into(const NamedParameters& part, const NamedParameters& target) const {
  const at::NoGradGuard no_gradients;
  for (std::size_t i = 0; i < part.size(); ++i) target[i].second.detach().copy_(from_owner(part, i));
}

}  // namespace iddpm

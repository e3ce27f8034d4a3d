#include "iddpm/training/gradient_reduction.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include <chrono>
#include <utility>
#include <vector>

#include "iddpm/core/error.h"

namespace iddpm {

struct GradientReduction::State {
  struct Bucket {
    Tensor row;
    std::int64_t parameters = 0;
    std::int64_t missing = 0;
  };

  void fill(const NamedParameters& parameters, GradientBuffer& gradients, std::int64_t bucket_bytes) {
    bucket_of.resize(parameters.size());
    const Tensor& row = gradients.row();
    std::int64_t end = row.numel();
    Bucket bucket;
    for (std::size_t i = parameters.size(); i-- > 0;) {
      bucket_of[i] = buckets.size();
      ++bucket.parameters;
      const std::int64_t begin = gradients.begin_of(i);
      if ((end - begin) * row.element_size() < bucket_bytes && i > 0) continue;
      bucket.row = row.narrow(0, begin, end - begin);
      buckets.push_back(std::exchange(bucket, {}));
      end = begin;
    }
  }

  void gradient_is_there(std::size_t parameter) {
    if (!under_way) return;
    Bucket& bucket = buckets[bucket_of[parameter]];
    require(bucket.missing > 0, "gradient reduction: a parameter's gradient came twice in one backward pass");
    --bucket.missing;
    start_those_complete();
  }

  void start_those_complete() {
    for (; next < buckets.size() && buckets[next].missing == 0; ++next) start(buckets[next]);
  }
  void start(const Bucket& bucket) { group->start_sum(bucket.row, "the sum of the gradients"); }

  ProcessGroup* group = nullptr;
  std::vector<Bucket> buckets;  ///< in the order in which backward completes them
  std::vector<std::size_t> bucket_of;
  std::vector<std::shared_ptr<torch::autograd::Node>> accumulators;  ///< which would go without an owner
  bool under_way = false;
  std::size_t next = 0;
  double seconds_waited = 0;
};

namespace {

/// Called by autograd after a parameter's gradient was added to what was there.
class GradientHook : public torch::autograd::FunctionPostHook {
 public:
  explicit GradientHook(std::function<void()> call) : call_(std::move(call)) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list& inputs) override {
    call_();
    return outputs;
  }

 private:
  std::function<void()> call_;
};

}  // namespace

GradientReduction::GradientReduction(const NamedParameters& parameters, GradientBuffer& gradients, ProcessGroup& group,
                                     std::optional<std::int64_t> bucket_bytes)
    : state_(std::make_shared<State>()) {
  state_->group = &group;
  if (group.size() == 1) return;
  state_->fill(parameters, gradients, bucket_bytes.value_or(usual_bucket_bytes(group)));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    auto accumulator = torch::autograd::impl::grad_accumulator(parameters[i].second);
    require(accumulator != nullptr, "gradient reduction: the parameter {} wants no gradient", parameters[i].first);
    accumulator->add_post_hook(std::make_unique<GradientHook>([state = std::weak_ptr(state_), i] {
      if (const auto alive = state.lock()) alive->gradient_is_there(i);
    }));
    state_->accumulators.push_back(std::move(accumulator));
  }
}

GradientReduction::~GradientReduction() = default;

std::int64_t GradientReduction::usual_bucket_bytes(const ProcessGroup& group) {
  return (group.device().is_cuda() ? 25 : 2) << 20;
}

void GradientReduction::start() {
  for (State::Bucket& bucket : state_->buckets) bucket.missing = bucket.parameters;
  state_->next = 0;
  state_->under_way = true;
}

void GradientReduction::finish() {
  // A parameter that the loss doesn't depend on has no gradient to wait for.
  for (; state_->next < state_->buckets.size(); ++state_->next) state_->start(state_->buckets[state_->next]);
  state_->under_way = false;
  const auto start = std::chrono::steady_clock::now();
  state_->group->finish_sums();
  state_->seconds_waited += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::int64_t GradientReduction::buckets() const { return static_cast<std::int64_t>(state_->buckets.size()); }
double GradientReduction::seconds_waited() const { return state_->seconds_waited; }

}  // namespace iddpm

// What of the exchange of gradients backward hides: when each bucket of a preset's network starts, and how long is
// waited for the last. Start it as torchrun would, with the name of a preset and the images of each process
// (docs/scaling.md).

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "iddpm/nn/unet.h"
#include "iddpm/processes/process_group.h"
#include "iddpm/training/gradient_reduction.h"
#include "iddpm/training/presets.h"

namespace {

using namespace iddpm;
using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// A group that writes down when sums start.
class TracedGroup : public ProcessGroup {
 public:
  explicit TracedGroup(std::unique_ptr<ProcessGroup> group) : group_(std::move(group)) {}

  void begin() {
    start_ = Clock::now();
    started_.clear();
  }
  double now() const { return milliseconds_since(start_); }
  const std::vector<double>& started() const { return started_; }

  std::int64_t rank() const override { return group_->rank(); }
  std::int64_t size() const override { return group_->size(); }
  at::Device device() const override { return group_->device(); }
  void start_sum(const Tensor& tensor, const std::string& what) override {
    started_.push_back(now());
    group_->start_sum(tensor, what);
  }
  void finish_sums() override { group_->finish_sums(); }
  Tensor sum(const Tensor& tensor, const std::string& what) override { return group_->sum(tensor, what); }
  void broadcast(Tensor& tensor, std::int64_t from, const std::string& what) override {
    group_->broadcast(tensor, from, what);
  }
  std::vector<std::string> gather_texts(const std::string& text, const std::string& what) override {
    return group_->gather_texts(text, what);
  }
  void at_work(const std::string& what) override { group_->at_work(what); }
  void leave(const std::string& reason) noexcept override { group_->leave(reason); }

 private:
  std::unique_ptr<ProcessGroup> group_;
  Clock::time_point start_;
  std::vector<double> started_;
};

}  // namespace

int main(int argc, char** argv) {
  const Preset preset = find_preset(argc > 1 ? argv[1] : "fashion-mnist");
  const std::int64_t images = argc > 2 ? std::atoll(argv[2]) : 4;
  const std::int64_t bucket_bytes = argc > 3 ? std::atoll(argv[3]) : 2 << 20;
  TracedGroup group(join_processes(process_place(), {}));
  const UNetOptions& options = preset.model.network;
  const UNet network(options, 0);
  const NamedParameters parameters = network.parameters();
  for (const auto& [name, parameter] : parameters) parameter.set_requires_grad(true);
  GradientBuffer gradients(parameters);
  GradientReduction reduction(parameters, gradients, group, bucket_bytes);
  const Tensor x = at::zeros({images, options.image_channels, options.image_height, options.image_width});
  const Tensor y = options.classes > 0 ? at::zeros({images}, at::kLong) : Tensor();
  for (int step = 0; step < 8; ++step) {
    gradients.start_anew();
    Condition condition;
    condition.y = y;
    const Tensor loss = conditioned(network, condition)(x, at::full({images}, 10, at::kLong)).square().mean();
    (void)group.sum(at::zeros({1}), "the others");
    group.begin();
    reduction.start();
    loss.backward();
    const double backward = group.now();
    reduction.finish();
    const double all = group.now();
    if (!group.is_first()) continue;
    fmt::print("backward {:.0f} ms, then waited {:.0f} ms; {} buckets of {:.1f} MB in all, started at {:.0f} ms\n",
               backward, all - backward, reduction.buckets(), 4e-6 * static_cast<double>(count(parameters)),
               fmt::join(group.started(), ", "));
  }
}

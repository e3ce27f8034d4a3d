#include "cli/sample/drawing_in_turns.h"

#include <algorithm>

namespace iddpm::cli {
namespace {

/// The batches of one round: one of each process.
class Rounds {
 public:
  Rounds(const Model& model, const DrawRequest& request, ProcessGroup& group)
      : model_(model), request_(request), group_(group) {}

  std::int64_t count() const {
    const std::int64_t round = request_.batch * group_.size();
    return (request_.count - request_.already_drawn + round - 1) / round;
  }
  std::int64_t done() const { return done_; }

  /// This process's images of the round, undefined if it has none; rank 0 passes on those of all.
  void exchange(const Tensor& images, const std::function<void(const DrawnBatch&)>& on_batch) {
    const UNetOptions& network = model_.settings().network;
    const Tensor all =
        at::zeros({group_.size() * request_.batch, network.image_channels, network.image_height, network.image_width});
    if (images.defined()) all.narrow(0, group_.rank() * request_.batch, images.size(0)).copy_(images);
    const Tensor drawn = group_.sum(all, "the images that the others draw");
    const std::int64_t begin = request_.already_drawn + done_++ * group_.size() * request_.batch;
    for (std::int64_t turn = 0; turn < group_.size() && group_.is_first(); ++turn) {
      const std::int64_t position = begin + turn * request_.batch;
      const std::int64_t size = std::min(request_.batch, request_.count - position);
      if (size <= 0) break;
      on_batch({.position = position,
                .first_number = request_.first + static_cast<std::uint64_t>(position),
                .labels = labels_of(request_, model_.settings(), position, size),
                .images = drawn.narrow(0, turn * request_.batch, size)});
    }
  }

 private:
  const Model& model_;
  const DrawRequest& request_;
  ProcessGroup& group_;
  std::int64_t done_ = 0;
};

}  // namespace

void draw_in_turns(const Model& model, DrawRequest request, ProcessGroup& group,
                   const std::function<void(const DrawnBatch&)>& on_batch, const ProgressCallback& progress,
                   const std::function<void(const DrawingStep&)>& on_step) {
  if (group.size() == 1) return draw(model, request, on_batch, progress, on_step);
  request.turns = {.turn = group.rank(), .of = group.size()};
  Rounds rounds(model, request, group);
  const auto watched = [&](std::int64_t done, std::int64_t total) {
    group.at_work("drawing images");
    if (progress) progress(done, total);
  };
  draw(
      model, request, [&](const DrawnBatch& batch) { rounds.exchange(batch.images, on_batch); }, watched, on_step);
  if (rounds.done() < rounds.count()) rounds.exchange(Tensor(), on_batch);  // the last round has fewer batches
}

}  // namespace iddpm::cli

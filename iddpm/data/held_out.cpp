#include "iddpm/data/held_out.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/core/random_stream.h"

namespace iddpm {
namespace {

// Some images of a data set.
class DatasetPart : public Dataset {
 public:
  DatasetPart(std::shared_ptr<const Dataset> whole, std::vector<std::int64_t> indices)
      : whole_(std::move(whole)), indices_(std::move(indices)) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  std::vector<std::int64_t> image_shape() const override { return whole_->image_shape(); }
  Tensor image(std::int64_t index) const override { return whole_->image(at(index)); }
  std::int64_t label(std::int64_t index) const override { return whole_->label(at(index)); }
  const std::vector<std::string>& class_names() const override { return whole_->class_names(); }
  std::string image_name(std::int64_t index) const override { return whole_->image_name(at(index)); }

 private:
  std::int64_t at(std::int64_t index) const { return indices_.at(static_cast<std::size_t>(index)); }

  std::shared_ptr<const Dataset> whole_;
  std::vector<std::int64_t> indices_;
};

}  // namespace

HeldOutSplit hold_out(const std::shared_ptr<const Dataset>& whole, double share, std::uint64_t seed) {
  const std::int64_t size = whole->size();
  const auto count = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(size)));
  require(count < size, "held-out images: expected images to be left for training, got {} of {} held out", count, size);
  // The purpose sets this order apart from those of the epochs.
  std::vector<std::int64_t> order = permutation(RandomStream(seed, StreamPurpose::evaluation), size);
  const auto middle = order.begin() + count;
  std::sort(order.begin(), middle);
  std::sort(middle, order.end());
  return {.training = std::make_shared<DatasetPart>(whole, std::vector<std::int64_t>(middle, order.end())),
          .held_out = std::make_shared<DatasetPart>(whole, std::vector<std::int64_t>(order.begin(), middle))};
}

}  // namespace iddpm

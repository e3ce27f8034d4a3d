#include "iddpm/data/relabelled_dataset.h"

#include <algorithm>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/core/quote.h"

namespace iddpm {
namespace {

using ClassNames = std::vector<std::string>;

bool names_one(const ClassNames& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class RelabelledDataset : public Dataset {
 public:
  RelabelledDataset(std::shared_ptr<const Dataset> images, ClassNames class_names)
      : images_(std::move(images)), class_names_(std::move(class_names)) {
    for (const std::string& name : images_->class_names()) {
      const auto found = std::find(class_names_.begin(), class_names_.end(), name);
      require(found != class_names_.end(), "the data's class {} is none of the model's", quote(name));
      labels_.push_back(found - class_names_.begin());
    }
  }

  std::int64_t size() const override { return images_->size(); }
  std::vector<std::int64_t> image_shape() const override { return images_->image_shape(); }
  Tensor image(std::int64_t index) const override { return images_->image(index); }
  std::int64_t label(std::int64_t index) const override {
    const std::int64_t label = images_->label(index);
    return label < 0 ? label : labels_.at(static_cast<std::size_t>(label));
  }
  const ClassNames& class_names() const override { return class_names_; }
  std::string image_name(std::int64_t index) const override { return images_->image_name(index); }
  DatasetDescription description() const override { return images_->description(); }
  std::uint64_t contents_hash() const override { return images_->contents_hash(); }

 private:
  std::shared_ptr<const Dataset> images_;
  ClassNames class_names_;
  std::vector<std::int64_t> labels_;  ///< by the data's own
};

}  // namespace

ClassComparison compare_classes(const ClassNames& model, const ClassNames& data) {
  ClassComparison comparison;
  for (const std::string& name : model) {
    (names_one(data, name) ? comparison.shared : comparison.missing).push_back(name);
  }
  for (const std::string& name : data) {
    if (!names_one(model, name)) comparison.added.push_back(name);
  }
  return comparison;
}

std::shared_ptr<const Dataset> relabelled_dataset(std::shared_ptr<const Dataset> dataset, ClassNames class_names) {
  if (dataset->class_names() == class_names) return dataset;
  return std::make_shared<RelabelledDataset>(std::move(dataset), std::move(class_names));
}

}  // namespace iddpm

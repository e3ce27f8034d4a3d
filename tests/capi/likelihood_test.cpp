#include "iddpm/evaluation/likelihood/likelihood.h"

#include <cmath>

#include "iddpm/kernels/cpu/thread_scope.h"
#include "tests/capi/capi_fixtures.h"

namespace iddpm {
namespace {

int stop_at_once(const iddpm_progress*, void*) { return 1; }

}  // namespace

TEST(CInterface, MeasuresTheLikelihoodThatTheLibraryMeasures) {
  const CModel model;
  constexpr std::int64_t count = 3;
  std::vector<std::uint8_t> pixels(count * model.image_bytes());
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 37 % 256);
  std::vector<std::int64_t> labels(count, 0);
  const std::int64_t* given = model.size().classes > 0 ? labels.data() : nullptr;
  std::vector<double> bits(count, NAN);
  ASSERT_EQ(iddpm_likelihood(model.get(), R"({"steps": 3, "seed": 5})", pixels.data(), pixels.size(), given,
                             bits.data(), count, nullptr, nullptr),
            IDDPM_OK)
      << iddpm_last_error();

  const kernels::ThreadScope one(1);
  const Model opened = Model::open(test_run, {.precision = Precision::float32});
  const iddpm_image_size& size = model.size();
  const Tensor bytes = at::from_blob(pixels.data(), {count, size.height, size.width, size.channels}, at::kByte);
  ImagesInMemory contents{.images = bytes.permute({0, 3, 1, 2}).contiguous(), .labels = {}, .class_names = {}};
  if (given != nullptr) {
    contents.labels = at::zeros({count}, at::kLong);
    for (std::int64_t k = 0; k < size.classes; ++k) contents.class_names.push_back(std::to_string(k));
  }
  const auto dataset = in_memory_dataset(std::move(contents));
  const Likelihood expected = measure_likelihood(opened, *dataset, {.steps = "3", .seed = 5});
  EXPECT_EQ(bits, expected.bits.per_image);

  expect_failed(iddpm_likelihood(model.get(), nullptr, pixels.data(), pixels.size(), given, bits.data(), count,
                                 stop_at_once, nullptr),
                IDDPM_INTERRUPTED, {"interrupted"});
  expect_failed(iddpm_likelihood(model.get(), nullptr, pixels.data(), pixels.size() - 1, given, bits.data(), count,
                                 nullptr, nullptr),
                IDDPM_BAD_INPUT, {"pixels", "3 images"});
  expect_failed(iddpm_likelihood(model.get(), nullptr, pixels.data(), pixels.size(),
                                 given != nullptr ? nullptr : labels.data(), bits.data(), count, nullptr, nullptr),
                IDDPM_BAD_INPUT, {"labels"});
  expect_failed(iddpm_likelihood(model.get(), R"({"step": 3})", pixels.data(), pixels.size(), given, bits.data(), count,
                                 nullptr, nullptr),
                IDDPM_BAD_INPUT, {"step"});
}

}  // namespace iddpm

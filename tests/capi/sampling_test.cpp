#include <atomic>
#include <thread>

#include "iddpm/io/pixels.h"
#include "iddpm/kernels/cpu/thread_scope.h"
#include "iddpm/model/draw.h"
#include "tests/capi/capi_fixtures.h"

namespace iddpm {
namespace {

struct Watched {
  std::vector<iddpm_progress> progress = {};
  std::vector<std::size_t> lit = {};  ///< of each preview: bytes that aren't 0
  std::size_t stop_after = 1000;
};

int watch(const iddpm_progress* progress, void* user_data) {
  auto& watched = *static_cast<Watched*>(user_data);
  watched.progress.push_back(*progress);
  if (progress->preview != nullptr) {
    std::size_t lit = 0;
    for (std::size_t i = 0; i < progress->preview_size; ++i) lit += progress->preview[i] != 0 ? 1 : 0;
    watched.lit.push_back(lit);
  }
  return watched.progress.size() >= watched.stop_after ? 1 : 0;
}

}  // namespace

TEST(CInterface, DrawsTheImagesThatTheLibraryDraws) {
  const CModel model;
  const std::vector<std::uint8_t> pixels =
      model.sample(R"({"count": 3, "seed": 7, "first": 2, "steps": 4, "sampler": "ddim", "eta": 0.5})", 3);
  const kernels::ThreadScope one(1);
  const Model opened = Model::open(test_run, {.precision = Precision::float32});
  const Tensor images = draw_at_once(
      opened, {.first = 2, .count = 3, .seed = 7, .sampler = "ddim", .sampler_options = {.eta = 0.5}, .steps = "4"});
  const Tensor expected = to_pixels(images).permute({0, 2, 3, 1}).contiguous();
  ASSERT_EQ(static_cast<std::size_t>(expected.numel()), pixels.size());
  EXPECT_EQ(std::memcmp(expected.data_ptr<std::uint8_t>(), pixels.data(), pixels.size()), 0);
}

TEST(CInterface, SeveralThreadsDrawFromOneModel) {
  const CModel model;
  const auto request = [](int i) { return fmt::format(R"({{"count": 2, "seed": {}, "steps": 3}})", i); };
  std::vector<std::vector<std::uint8_t>> together(3);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] { together[static_cast<std::size_t>(i)] = model.sample(request(i), 2); });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(together[static_cast<std::size_t>(i)], model.sample(request(i), 2)) << i;
}

TEST(CInterface, ShowsProgressWithPreviewsInOrder) {
  const CModel model;
  std::vector<std::uint8_t> pixels(3 * model.image_bytes());
  Watched watched;
  ASSERT_EQ(iddpm_sample(model.get(), R"({"count": 3, "steps": 2, "batch": 2, "preview": true})", pixels.data(),
                         pixels.size(), nullptr, watch, &watched),
            IDDPM_OK)
      << iddpm_last_error();
  ASSERT_EQ(watched.progress.size(), 4u);  // two batches of two steps
  std::vector<std::int64_t> done;
  for (const iddpm_progress& progress : watched.progress) {
    done.push_back(progress.done);
    EXPECT_EQ(progress.total, 6);
    EXPECT_EQ(progress.steps, 2);
    EXPECT_EQ(progress.preview_size, static_cast<std::size_t>(progress.images) * model.image_bytes());
  }
  EXPECT_EQ(done, (std::vector<std::int64_t>{2, 4, 5, 6}));
  EXPECT_EQ(watched.progress[2].first, 2);
  EXPECT_EQ(watched.progress[2].images, 1);
  ASSERT_EQ(watched.lit.size(), 4u);
  EXPECT_GT(watched.lit[0], 0u);
}

TEST(CInterface, IsCancelledByTheCallbackAndKeepsWhatIsFinished) {
  const CModel model;
  const std::string request = R"({"count": 4, "steps": 2, "batch": 2})";
  const std::vector<std::uint8_t> whole = model.sample(request, 4);
  std::vector<std::uint8_t> pixels(whole.size());
  Watched watched{.stop_after = 3};
  std::int64_t drawn = -1;
  expect_failed(iddpm_sample(model.get(), request.c_str(), pixels.data(), pixels.size(), &drawn, watch, &watched),
                IDDPM_INTERRUPTED, {"interrupted"});
  ASSERT_EQ(drawn, 2);
  EXPECT_TRUE(
      std::equal(pixels.begin(), pixels.begin() + static_cast<std::ptrdiff_t>(2 * model.image_bytes()), whole.begin()));
}

TEST(CInterface, AModelFreedWhileItDrawsLivesUntilTheEnd) {
  iddpm_model* model = nullptr;
  ASSERT_EQ(iddpm_model_open(test_run.c_str(), R"({"threads": 1})", &model), IDDPM_OK);
  iddpm_image_size size;
  ASSERT_EQ(iddpm_model_image_size(model, &size), IDDPM_OK);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(size.height * size.width * size.channels));
  const auto free_it = [](const iddpm_progress* progress, void* user_data) {
    return progress->step == 1 && iddpm_model_free(static_cast<iddpm_model*>(user_data)) != IDDPM_OK ? 1 : 0;
  };
  EXPECT_EQ(iddpm_sample(model, R"({"count": 1, "steps": 3})", pixels.data(), pixels.size(), nullptr, free_it, model),
            IDDPM_OK)
      << iddpm_last_error();
  EXPECT_EQ(iddpm_model_free(model), IDDPM_NO_SUCH_MODEL);
}

TEST(CInterface, RefusesARequestBeforeAnythingIsDrawn) {
  const CModel model;
  std::vector<std::uint8_t> pixels(2 * model.image_bytes());
  const auto refused = [&](const std::string& request, iddpm_status status, const std::vector<std::string>& words) {
    const auto never = [](const iddpm_progress*, void*) {
      ADD_FAILURE() << "drawn all the same";
      return 1;
    };
    expect_failed(iddpm_sample(model.get(), request.c_str(), pixels.data(), pixels.size(), nullptr, never, nullptr),
                  status, words);
  };
  refused(R"({"count": 3})", IDDPM_BUFFER_TOO_SMALL, {"pixels", "3 images"});
  refused(R"({"count": 1})", IDDPM_BAD_INPUT, {"pixels", "1 images"});
  refused(R"({"count": 0})", IDDPM_BAD_INPUT, {"'count'", "got 0"});
  refused(R"({"count": 2, "sampler": "guess"})", IDDPM_BAD_INPUT, {"guess"});
  refused(R"({"count": 2, "eta": 0.5})", IDDPM_BAD_INPUT, {"eta"});
  refused(R"({"count": 2, "classes": [9]})", IDDPM_BAD_INPUT, {"9"});
  refused(R"({"count": 2, "stepps": 4})", IDDPM_BAD_INPUT, {"stepps", "Did you mean 'steps'"});
  refused(R"({"count": 2, "steps": [4]})", IDDPM_BAD_INPUT, {"'steps'"});
  refused(R"({"count": 2, "strength": 0.5})", IDDPM_BAD_INPUT, {"strength"});
  refused(R"({"count": 2, "guide": "x"})", IDDPM_BAD_INPUT, {"without 'guidance'"});
  refused(R"({"count": 2, "memory": 1000})", IDDPM_OUT_OF_MEMORY, {"one image at a time"});
  expect_failed(iddpm_sample(model.get(), R"({"count": 2, "preview": true})", pixels.data(), pixels.size(), nullptr,
                             nullptr, nullptr),
                IDDPM_BAD_INPUT, {"preview"});
}

TEST(CInterface, BeginsAtImages) {
  const CModel model;
  const std::vector<std::uint8_t> input(model.image_bytes(), 128);
  std::vector<std::uint8_t> pixels(2 * model.image_bytes());
  const auto from = [&](const char* request, std::size_t size) {
    return iddpm_sample_from(model.get(), request, input.data(), size, pixels.data(), pixels.size(), nullptr, nullptr,
                             nullptr);
  };
  ASSERT_EQ(from(R"({"count": 2, "strength": 0.1, "sampler": "ddim", "steps": 10})", input.size()), IDDPM_OK)
      << iddpm_last_error();
  EXPECT_NE(pixels, model.sample(R"({"count": 2, "sampler": "ddim", "steps": 10})", 2));
  expect_failed(from(R"({"count": 2})", input.size() - 1), IDDPM_BAD_INPUT, {"input", "whole images"});
  expect_failed(from(R"({"count": 2, "strength": 2})", input.size()), IDDPM_BAD_INPUT, {"2"});
}

TEST(CInterface, NamesTheClassesOfARequest) {
  const CModel model;
  std::vector<std::int64_t> labels(5, -1);
  if (model.size().classes == 0) {
    expect_failed(iddpm_sample_labels(model.get(), R"({"count": 5})", labels.data(), 5), IDDPM_BAD_INPUT, {"classes"});
    return;
  }
  ASSERT_EQ(iddpm_sample_labels(model.get(), R"({"count": 5, "classes": [1, 0]})", labels.data(), 5), IDDPM_OK)
      << iddpm_last_error();
  EXPECT_EQ(labels, (std::vector<std::int64_t>{1, 0, 1, 0, 1}));
  expect_failed(iddpm_sample_labels(model.get(), R"({"count": 4})", labels.data(), 5), IDDPM_BAD_INPUT, {"4", "got 5"});
}

}  // namespace iddpm

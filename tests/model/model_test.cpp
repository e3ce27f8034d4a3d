#include "iddpm/model/model.h"

#include "iddpm/model/draw.h"
#include "iddpm/model/inference_memory.h"
#include "iddpm/model/run_folder.h"
#include "tests/io/hostile_files.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

void save_tiny_at(Trainer& trainer, const TemporaryFolder& run, int steps) {
  train_steps(trainer, steps - static_cast<int>(trainer.steps_done()));
  fs::create_directories(run / "checkpoints");
  trainer.save(checkpoint_path(run.path(), steps));
}

Tensor output_of(const UNet& network) {
  const at::NoGradGuard no_gradient;
  return network(at::ones({2, 1, 8, 8}), at::tensor({1, 3}, at::kLong), {.y = at::tensor({0, 2}, at::kLong)});
}

// One image per class and number, so small a request that a test of it takes milliseconds.
DrawRequest tiny_request() { return {.count = 6, .seed = 7, .steps = "3", .batch = 2}; }

Model tiny() {
  Trainer trainer(tiny_model(), tiny_training());
  train_steps(trainer, 1);
  return Model({.settings = trainer.settings()}, trainer.ema_network(), Precision::float32, "ema 0.9");
}

}  // namespace

TEST(Model, OpensAFileWithTheWeightsThatWereAskedFor) {
  const TemporaryFolder folder;
  Trainer trainer(tiny_model(), tiny_training());
  train_steps(trainer, 2);
  trainer.save(folder / "model.safetensors");
  const ModelOptions raw{.weights = {.raw = true}, .precision = Precision::float32};
  const Model model = Model::open(folder / "model.safetensors", raw);
  EXPECT_TRUE(at::equal(output_of(model.network()), output_of(trainer.network())));
  EXPECT_EQ(model.weights(), "raw");
  EXPECT_EQ(model.path(), folder / "model.safetensors");
  EXPECT_EQ(model.info().step, 2);
  EXPECT_TRUE(model.checksum().has_value());
  EXPECT_TRUE(model.skipped().empty());

  const Model averaged = Model::open(folder / "model.safetensors", {.precision = Precision::bfloat16});
  EXPECT_EQ(averaged.weights(), "ema 0.9");
  EXPECT_EQ(averaged.network().compute_type(), at::kBFloat16);
  EXPECT_NE(averaged.checksum(), model.checksum());
}

TEST(Model, OfARunIsTheNewestWholeOneAndNamesThoseItPassedOver) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  for (const int step : {1, 2}) save_tiny_at(trainer, run, step);
  const fs::path newest = checkpoint_path(run.path(), 2);
  fs::resize_file(newest, fs::file_size(newest) - 1);
  const Model model = Model::open(run.path());
  EXPECT_EQ(model.path(), checkpoint_path(run.path(), 1));
  ASSERT_EQ(model.skipped().size(), 1u);
  EXPECT_TRUE(contains(model.skipped()[0], newest.string()));
  EXPECT_TRUE(contains(error_of([&] { Model::open(run / "nothing"); }), "nothing doesn't exist"));
}

TEST(Model, ReadAsAnotherProcessKeepsItsNetwork) {
  const Model model = tiny();
  DiffusionSettings longer = model.settings().diffusion;
  longer.steps = 40;
  const Model other = model.with(longer);
  EXPECT_EQ(other.reverse_process().steps(), 40);
  EXPECT_EQ(model.reverse_process().steps(), 4);
  EXPECT_TRUE(at::equal(output_of(other.network()), output_of(model.network())));
}

TEST(InferenceMemory, MoreThanTheLimitIsRefusedWithABatchThatFits) {
  UNetOptions network;
  network.channels = 32;
  const std::int64_t of_four = estimate_inference_memory(network, Precision::float32, 4);
  const MemoryLimit limit(static_cast<std::uint64_t>(of_four));
  EXPECT_NO_THROW(require_inference_memory(network, Precision::float32, at::kCPU, 4));
  expect_error([&] { require_inference_memory(network, Precision::float32, at::kCPU, 5); },
               {"5 images at a time", "--memory-limit", "--batch 4 or less"});
  EXPECT_NO_THROW(require_inference_memory(network, Precision::bfloat16, at::kCPU, 5));
  EXPECT_NO_THROW(require_inference_memory(network, Precision::float32, at::kCUDA, 1000)) << "not this machine's";
}

TEST(Draw, GivesBatchesAwayInOrderWithNumbersAndClasses) {
  DrawRequest request = tiny_request();
  request.first = 10;
  request.batch = 4;
  std::vector<std::uint64_t> numbers;
  std::vector<std::int64_t> labels;
  draw(tiny(), request, [&](const DrawnBatch& batch) {
    EXPECT_EQ(batch.images.size(0), static_cast<std::int64_t>(batch.labels.size()));
    EXPECT_EQ(batch.first_number, 10 + static_cast<std::uint64_t>(batch.position));
    EXPECT_LE(batch.images.abs().max().item<float>(), 1.0F + 1e-6F);
    numbers.push_back(batch.first_number);
    labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  });
  EXPECT_EQ(numbers, (std::vector<std::uint64_t>{10, 14}));
  EXPECT_EQ(labels, (std::vector<std::int64_t>{0, 1, 2, 0, 1, 2}));
}

TEST(Draw, GoesOnWithTheImagesThatAreMissing) {
  const Model model = tiny();
  const Tensor whole = draw_at_once(model, tiny_request());
  DrawRequest rest = tiny_request();
  rest.already_drawn = 4;
  EXPECT_TRUE(at::equal(draw_at_once(model, rest), whole.slice(0, 4)));
  DrawRequest alone = tiny_request();
  alone.first = 3;
  alone.count = 1;
  EXPECT_TRUE(at::allclose(draw_at_once(model, alone), whole.slice(0, 3, 4), 1e-4, 1e-4)) << "image 3 is of class 0";
}

TEST(Draw, KnowsClassesInTurnInBlocksAndOneForEachImage) {
  const ModelSettings settings = tiny_model();
  DrawRequest request{.count = 6};
  request.classes = {.classes = {2, 0}};
  EXPECT_EQ(labels_of(request, settings, 1, 3), (std::vector<std::int64_t>{0, 2, 0}));
  request.classes.order = ClassOrder::in_blocks;
  EXPECT_EQ(labels_of(request, settings, 0, 6), (std::vector<std::int64_t>{2, 2, 2, 0, 0, 0}));
  request.classes = {.order = ClassOrder::in_blocks};
  EXPECT_EQ(labels_of(request, settings, 0, 6), (std::vector<std::int64_t>{0, 0, 1, 1, 2, 2}));
  request.classes = {.classes = {0, 2, 2, 1, 0, 0}};
  EXPECT_EQ(labels_of(request, settings, 0, 6), (std::vector<std::int64_t>{0, 2, 2, 1, 0, 0}));
}

TEST(Draw, WithoutStepsTakesTheUsualOfTheSamplerOrAllOfFewer) {
  const Model model = tiny();
  EXPECT_EQ(drawn_timesteps(model, {}), (std::vector<std::int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(default_steps("ancestral", 1000), "100");
  EXPECT_EQ(default_steps(default_sampler, 1000), "trailing20");
  EXPECT_EQ(drawn_timesteps(model, {.steps = "1"}), (std::vector<std::int64_t>{3}));
  EXPECT_EQ(drawn_timesteps(model, {.timesteps = {0, 2}}), (std::vector<std::int64_t>{0, 2}));
}

TEST(Draw, RefusesBeforeAnythingIsDrawn) {
  const Model model = tiny();
  const auto refused = [&](const DrawRequest& request) {
    return error_of([&] { draw(model, request, [](const DrawnBatch&) { ADD_FAILURE() << "drawn all the same"; }); });
  };
  EXPECT_TRUE(contains(refused({.count = 0}), "at least 1 image"));
  EXPECT_TRUE(contains(refused({.batch = 0}), "batches"));
  EXPECT_TRUE(contains(refused({.first = ~std::uint64_t{0}, .count = 2}), "range"));
  EXPECT_TRUE(contains(refused({.count = 2, .already_drawn = 3}), "already drawn"));
  EXPECT_TRUE(contains(refused({.classes = {.classes = {3}}}), "0 to 2, got 3"));
  EXPECT_TRUE(contains(refused({.count = 4, .classes = {.order = ClassOrder::in_blocks}}), "3 classes"));
  EXPECT_TRUE(contains(refused({.sampler = "guess"}), "guess"));
  EXPECT_TRUE(contains(refused({.sampler_options = {.eta = 0.5}}), "eta"));
  EXPECT_TRUE(contains(refused({.steps = "5"}), "5"));
  EXPECT_TRUE(contains(refused({.timesteps = {2, 1}}), "ascending"));
  EXPECT_TRUE(contains(refused({.start = DataStart{.mean = {0, 0, 0}, .spread = {1, 1, 1}}}), "1 channels"));
}

TEST(Draw, AnErrorOfACallbackEndsItAndLosesOneBatch) {
  int batches = 0;
  std::int64_t last = 0;
  try {
    draw(
        tiny(), tiny_request(), [&](const DrawnBatch&) { ++batches; },
        [&](std::int64_t done, std::int64_t total) {
          EXPECT_EQ(total, 18);
          EXPECT_GT(done, last);
          last = done;
          if (done > 6) throw Interrupted();
        });
    ADD_FAILURE() << "not interrupted";
  } catch (const Interrupted& interrupted) {
    EXPECT_EQ(interrupted.kind(), ErrorKind::interrupted);
  }
  EXPECT_EQ(batches, 1);
}

TEST(Draw, AWrapperChangesWhatIsPredicted) {
  DrawRequest request = tiny_request();
  request.sampler = "ddim";
  request.wrap = [](const ForwardProcess&, Denoiser denoiser, const Tensor& y) -> Denoiser {
    EXPECT_EQ(y.size(0), 2);
    return [denoiser](const Tensor& x_t, const auto& t) {
      Prediction prediction = denoiser(x_t, t);
      prediction.x_0 = at::full_like(prediction.x_0, 0.25);
      return prediction;
    };
  };
  EXPECT_TRUE(at::allclose(draw_at_once(tiny(), request), at::full({6, 1, 8, 8}, 0.25), 1e-5, 1e-5));
}

TEST(Draw, SaysWhereImagesAreNoLongerFiniteAndKeepsWhatWasGood) {
  DrawRequest request = tiny_request();
  int batches = 0;
  int looks = 0;
  request.wrap = [&](const ForwardProcess&, Denoiser denoiser, const Tensor&) -> Denoiser {
    if (batches == 0) return denoiser;
    return [denoiser, &looks](const Tensor& x_t, const auto& t) {
      Prediction prediction = denoiser(x_t, t);
      if (++looks == 2) prediction.x_0 = prediction.x_0 * std::numeric_limits<double>::quiet_NaN();
      return prediction;
    };
  };
  const std::string sentence = error_of([&] { draw(tiny(), request, [&](const DrawnBatch&) { ++batches; }); });
  EXPECT_EQ(batches, 1);
  EXPECT_TRUE(contains(sentence, "2 of 2 images")) << sentence;
  EXPECT_TRUE(contains(sentence, "after step 2 of 3")) << sentence;
}

}  // namespace iddpm

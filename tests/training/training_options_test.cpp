#include "iddpm/training/training_options.h"

#include "iddpm/training/learning_rate.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {

TEST(TrainingOptions, SurviveJson) {
  const TrainingOptions options = {.seed = UINT64_MAX,
                                   .batch = 3,
                                   .microbatch = 2,
                                   .learning_rate = 0.1,
                                   .warmup_steps = 7,
                                   .decay = LearningRateDecay::cosine,
                                   .decay_steps = 8,
                                   .optimizer = OptimizerKind::muon,
                                   .adam_betas = {0.8, 0.99},
                                   .weight_decay = 0.05,
                                   .gradient_clip = 0.3,
                                   .ema_rates = {0.9, 0.9999},
                                   .ema_warmup = false,
                                   .precision = Precision::bfloat16,
                                   .timesteps = TimestepSampling::importance,
                                   .random_flip = true};
  const nlohmann::json json = options;
  EXPECT_EQ(nlohmann::json::parse(json.dump()).get<TrainingOptions>(), options);
}

TEST(TrainingOptions, OutOfRangeAreErrorsThatNameThem) {
  const auto error = [](auto change) {
    TrainingOptions options;
    change(options);
    return error_of([&] { check(options); });
  };
  EXPECT_EQ(error([](TrainingOptions&) {}), "");
  EXPECT_TRUE(contains(error([](TrainingOptions& o) { o.batch = 0; }), "'batch': expected an integer from 1 to"));
  EXPECT_TRUE(contains(error([](TrainingOptions& o) { o.microbatch = 129; }), "microbatch"));
  EXPECT_TRUE(contains(error([](TrainingOptions& o) { o.learning_rate = NAN; }), "learning_rate"));
  EXPECT_TRUE(contains(error([](TrainingOptions& o) { o.learning_rate = -1; }), "learning_rate"));
  EXPECT_TRUE(contains(error([](TrainingOptions& o) { o.warmup_steps = -1; }), "warmup_steps"));
  EXPECT_TRUE(contains(error([](TrainingOptions& o) { o.decay = LearningRateDecay::linear; }), "decay"));
  EXPECT_TRUE(contains(error([](TrainingOptions& o) { o.gradient_clip = -1; }), "gradient_clip"));
  EXPECT_TRUE(contains(error([](TrainingOptions& o) { o.ema_rates = {1.0}; }), "EMA rates"));
  EXPECT_TRUE(contains(error([](TrainingOptions& o) { o.ema_rates = {0.5, 0.5}; }), "each once"));
}

TEST(TrainingOptions, NamesAreParsedBack) {
  for (const auto decay : {LearningRateDecay::none, LearningRateDecay::linear, LearningRateDecay::cosine}) {
    EXPECT_EQ(parse_learning_rate_decay(name(decay)), decay);
  }
  EXPECT_EQ(parse_precision(name(Precision::bfloat16)), Precision::bfloat16);
  EXPECT_EQ(parse_timestep_sampling(name(TimestepSampling::importance)), TimestepSampling::importance);
  EXPECT_TRUE(contains(error_of([] { parse_precision("half"); }), "float32, bfloat16"));
}

TEST(LearningRate, RisesDuringTheWarmupAndThenStays) {
  const TrainingOptions options = {.learning_rate = 1.0, .warmup_steps = 4};
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 0), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 3), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 1000), 1.0);
}

TEST(LearningRate, FallsToZeroAtTheEndOfTheDecay) {
  TrainingOptions options = {
      .learning_rate = 1.0, .warmup_steps = 2, .decay = LearningRateDecay::linear, .decay_steps = 12};
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 2), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 7), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 12), 0.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 99), 0.0);
  options.decay = LearningRateDecay::cosine;
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 7), 0.5);
  EXPECT_GT(learning_rate_at(options, 4), 0.8);
  EXPECT_NEAR(learning_rate_at(options, 12), 0.0, 1e-15);
}

TEST(LearningRate, FallsToZeroAsTheTimeOfTheDecayRunsOut) {
  TrainingOptions options = {
      .learning_rate = 1.0, .warmup_steps = 2, .decay = LearningRateDecay::linear, .decay_minutes = 10};
  EXPECT_NO_THROW(check(options)) << "a decay by time needs no steps";
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 0, 0), 0.5) << "in the warm-up";
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 5, 150), 0.75);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 5000, 150), 0.75) << "steps don't matter";
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 5, 600), 0.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 5, 9999), 0.0);
  options.decay_steps = 12;
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 7, 150), 0.5) << "whichever is further";
  options.decay = LearningRateDecay::cosine;
  EXPECT_NEAR(learning_rate_at(options, 3, 300), 0.5, 1e-15);
}

TEST(LearningRate, RisesAnewWhereAWarmupWasAskedForLater) {
  const TrainingOptions options = {.learning_rate = 1.0, .warmup_steps = 4, .warmup_from = 100};
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 99), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 100), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 104), 1.0);
}

TEST(LearningRate, TheDecayEndsWithTheRunAfterAllThatWasTrainedBefore) {
  TrainingOptions options = {.decay = LearningRateDecay::linear, .decay_steps = 20};
  end_decay_with_run(options, 40, {}, 600);
  EXPECT_EQ(options.decay_steps, 40);
  EXPECT_EQ(options.decay_minutes, 0);
  EXPECT_DOUBLE_EQ(decay_progress(options, 20, 600), 0.5);
  end_decay_with_run(options, {}, 30, 600);
  EXPECT_EQ(options.decay_steps, 0);
  EXPECT_DOUBLE_EQ(options.decay_minutes, 40);
  EXPECT_DOUBLE_EQ(decay_progress(options, 20, 600), 0.25);
  TrainingOptions constant;
  end_decay_with_run(constant, 40, 30, 600);
  EXPECT_EQ(constant, TrainingOptions()) << "nothing to end";
}

TEST(TrainingOptions, OfFilesWithoutADecayByTimeAreRead) {
  nlohmann::json json = TrainingOptions{.decay = LearningRateDecay::linear, .decay_steps = 7};
  json.erase("decay_minutes");
  EXPECT_EQ(fields_from_json<TrainingOptions>(json, "old", 1).decay_minutes, 0);
  expect_error([&] { fields_from_json<TrainingOptions>(json, "new", 2); }, {"decay_minutes"});
}

}  // namespace iddpm

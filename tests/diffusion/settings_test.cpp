#include "iddpm/diffusion/settings.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/expect_error.h"

namespace iddpm {
namespace {

TEST(DiffusionSettings, SurviveAsJson) {
  const DiffusionSettings settings = {.schedule = "linear",
                                      .steps = 17,
                                      .mean = Mean::previous_x,
                                      .variance = Variance::fixed_large,
                                      .rescale_timesteps = false,
                                      .objective = Objective::vlb_unscaled,
                                      .weighting = {.weight = LossWeight::min_snr, .floor = 0.25, .snr_limit = 3.0}};
  const nlohmann::json json = settings;
  EXPECT_EQ(nlohmann::json::parse(json.dump()).get<DiffusionSettings>(), settings);
}

TEST(DiffusionSettings, MakeTheProcessTheyDescribe) {
  const DiffusionSettings settings = {
      .schedule = "linear", .steps = 17, .mean = Mean::x_0, .variance = Variance::fixed_small};
  const ReverseProcess p_theta = reverse_process(settings);
  EXPECT_EQ(p_theta.q().schedule().beta, linear_schedule({.steps = 17}).beta);
  EXPECT_EQ(p_theta.options().mean, Mean::x_0);
  EXPECT_EQ(p_theta.options().variance, Variance::fixed_small);
  EXPECT_EQ(forward_process({}).schedule().beta, cosine_schedule({.steps = 4000}).beta);
}

TEST(DiffusionSettings, NamesAreReadBack) {
  for (Mean mean : {Mean::epsilon, Mean::x_0, Mean::previous_x, Mean::velocity})
    EXPECT_EQ(parse_mean(name(mean)), mean);
  for (Variance variance : {Variance::fixed_small, Variance::fixed_large, Variance::learned, Variance::learned_range}) {
    EXPECT_EQ(parse_variance(name(variance)), variance);
  }
  for (Objective objective : {Objective::simple, Objective::hybrid, Objective::vlb, Objective::vlb_unscaled}) {
    EXPECT_EQ(parse_objective(name(objective)), objective);
  }
  for (LossWeight weight : {LossWeight::prediction, LossWeight::simple, LossWeight::min_snr, LossWeight::p2}) {
    EXPECT_EQ(parse_loss_weight(name(weight)), weight);
  }
  EXPECT_EQ(name(Mean::velocity), "v");
}

TEST(DiffusionSettings, RefuseUnknownNamesListingTheKnown) {
  expect_error([] { parse_mean("w"); }, {"epsilon", "previous_x", "\"w\""});
  expect_error([] { parse_variance("large"); }, {"fixed_large", "\"large\""});
  expect_error([] { parse_objective("L1"); }, {"hybrid", "\"L1\""});
  expect_error([] { forward_process({.schedule = "sigmoid"}); }, {"linear", "cosine", "'sigmoid'"});
  expect_error([] { forward_process({.steps = 0}); }, {"got 0"});
}

TEST(DiffusionSettings, OfFilesFromBeforeThereWasAChoiceWeighThePrediction) {
  nlohmann::json json = DiffusionSettings{.weighting = {.weight = LossWeight::simple}};
  for (const char* key : {"loss_weight", "loss_weight_floor", "snr_limit"}) json.erase(key);
  EXPECT_EQ(fields_from_json<DiffusionSettings>(json, "old", 1), DiffusionSettings{});
  expect_error([&] { fields_from_json<DiffusionSettings>(json, "new", 2); }, {"new", "loss_weight", "missing"});
  json["snr_limit"] = 3.0;
  EXPECT_EQ(fields_from_json<DiffusionSettings>(json, "old", 1).weighting.snr_limit, 3.0);
}

TEST(DiffusionSettings, ReachNoSignalAtTheEndWhereAskedAndThenNotByEpsilon) {
  const DiffusionSettings settings{.steps = 50, .zero_terminal_snr = true, .mean = Mean::velocity};
  EXPECT_EQ(reverse_process(settings).q().schedule().alpha_bar.back(), 0.0);
  EXPECT_EQ(nlohmann::json(settings).get<DiffusionSettings>(), settings);
  expect_error([] { reverse_process({.steps = 50, .zero_terminal_snr = true}); }, {"epsilon", "alpha_bar"});
  nlohmann::json json = DiffusionSettings{};
  json.erase("zero_terminal_snr");
  EXPECT_FALSE(fields_from_json<DiffusionSettings>(json, "old", 2).zero_terminal_snr);
}

TEST(DiffusionSettings, RefuseAWeightOfNothing) {
  expect_error([] { check_weighting({.objective = Objective::vlb, .weighting = {.weight = LossWeight::simple}}); },
               {"simple", "vlb", "no squared error"});
  EXPECT_NO_THROW(check_weighting({.mean = Mean::velocity, .weighting = {.weight = LossWeight::simple}}));
}

TEST(DiffusionSettings, RefuseForeignJson) {
  nlohmann::json json = DiffusionSettings{};
  json["extra"] = 1;
  expect_error([&] { json.get<DiffusionSettings>(); }, {"unknown field \"extra\""});
  json.erase("extra");
  json.erase("steps");
  expect_error([&] { json.get<DiffusionSettings>(); }, {"steps"});
  json["steps"] = "many";
  expect_error([&] { json.get<DiffusionSettings>(); }, {"diffusion settings"});
  expect_error([] { nlohmann::json(3).get<DiffusionSettings>(); }, {"object"});
}

}  // namespace
}  // namespace iddpm

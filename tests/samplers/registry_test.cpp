#include "iddpm/samplers/registry.h"

#include <gtest/gtest.h>

#include <set>

#include "iddpm/samplers/ancestral.h"
#include "iddpm/samplers/ddim.h"
#include "tests/expect_error.h"
#include "tests/samplers/toy_process.h"

namespace iddpm {
namespace {

Tensor images_of(const Sampler& sampler) {
  const ReverseProcess p_theta = toy_process(5);
  return sampler.run(p_theta.q(), toy_denoiser(p_theta), {.seeds = {1, 2}, .image_shape = {1, 4, 4}});
}

TEST(SamplerRegistry, TellsOfEverySamplerOnce) {
  std::set<std::string> names;
  for (const SamplerEntry& sampler : samplers()) {
    EXPECT_TRUE(names.insert(sampler.name).second) << sampler.name;
    EXPECT_FALSE(sampler.help.empty()) << sampler.name;
    EXPECT_TRUE(contains(sampler.paper, "arXiv")) << sampler.name;
    EXPECT_EQ(&find_sampler(sampler.name), &sampler);
  }
}

TEST(SamplerRegistry, MakesWhatItNames) {
  EXPECT_TRUE(at::equal(images_of(*make_sampler("ancestral")), images_of(AncestralSampler())));
  EXPECT_TRUE(at::equal(images_of(*make_sampler("ddim")), images_of(DdimSampler())));
  EXPECT_TRUE(at::equal(images_of(*make_sampler("ddim", {.eta = 0.5})), images_of(DdimSampler({.eta = 0.5}))));
}

TEST(SamplerRegistry, SuggestsTheNearestName) {
  expect_error([] { find_sampler("ddmi"); }, {"'ddmi'", "Did you mean 'ddim'?", "ancestral, ddim"});
  expect_error([] { find_sampler("dpm+"); }, {"Did you mean 'dpm++'?"});
}

TEST(SamplerRegistry, RefusesAnOptionThatASamplerDoesntKnow) {
  expect_error([] { make_sampler("ancestral", {.eta = 0.0}); },
               {"ancestral knows no eta", "option of ddim, euler-ancestral"});
  expect_error([] { make_sampler("ddim", {.order = 2}); }, {"ddim knows no order", "dpm++, dpm++-sde, unipc"});
  expect_error([] { make_sampler("unipc", {.churn = 1.0}); }, {"unipc knows no churn", "heun, euler"});
  EXPECT_EQ(samplers_with("eta"), (std::vector<std::string>{"ddim", "euler-ancestral"}));
  EXPECT_EQ(samplers_with("threshold"), sampler_names());
  EXPECT_TRUE(samplers_with("no such option").empty());
}

TEST(SamplerRegistry, RefusesAValueOutOfRange) {
  expect_error([] { make_sampler("ddim", {.eta = 2.0}); }, {"ddim", "eta in [0, 1]", "got 2"});
  expect_error([] { make_sampler("dpm++", {.order = 4}); }, {"dpm++", "order in [1, 3]", "got 4"});
  expect_error([] { make_sampler("ipndm", {.order = 0}); }, {"ipndm", "order in [1, 4]", "got 0"});
  expect_error([] { make_sampler("heun", {.churn_min = -1.0}); }, {"churn_min in [0, inf]"});
  expect_error([] { make_sampler("ancestral", {.threshold = 1.5}); }, {"threshold in [0, 1]"});
}

TEST(SamplerRegistry, MakesSamplersByTheirDefaultsAsRecordsTellThem) {
  for (const SamplerEntry& sampler : samplers()) {
    for (const SamplerOption& option : sampler.options) {
      EXPECT_GE(option.otherwise, option.least) << sampler.name;
      EXPECT_LE(option.otherwise, option.greatest) << sampler.name;
      if (option.name != "order") continue;
      const auto order = static_cast<std::int64_t>(option.otherwise);
      EXPECT_TRUE(at::equal(images_of(*sampler.make({})), images_of(*sampler.make({.order = order})))) << sampler.name;
    }
  }
}

TEST(SamplerRegistry, DescribesASamplerForRecords) {
  EXPECT_EQ(describe_sampler("ancestral"), "ancestral");
  EXPECT_EQ(describe_sampler("ddim"), "ddim eta 0");
  EXPECT_EQ(describe_sampler("ddim", {.eta = 0.5}), "ddim eta 0.5");
  EXPECT_EQ(describe_sampler("dpm++", {.order = 3}), "dpm++ order 3");
  EXPECT_EQ(describe_sampler("heun"), "heun");
  EXPECT_EQ(describe_sampler("heun", {.churn = 20.0, .threshold = 0.995}), "heun churn 20 threshold 0.995");
}

}  // namespace
}  // namespace iddpm

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
}

TEST(SamplerRegistry, RefusesAnOptionThatASamplerDoesntKnow) {
  expect_error([] { make_sampler("ancestral", {.eta = 0.0}); }, {"ancestral knows no eta", "option of ddim"});
  expect_error([] { make_sampler("ddim", {.eta = 2.0}); }, {"[0, 1]"});
  EXPECT_EQ(samplers_with("eta"), std::vector<std::string>{"ddim"});
  EXPECT_TRUE(samplers_with("no such option").empty());
}

TEST(SamplerRegistry, DescribesASamplerForRecords) {
  EXPECT_EQ(describe_sampler("ancestral"), "ancestral");
  EXPECT_EQ(describe_sampler("ddim"), "ddim eta 0");
  EXPECT_EQ(describe_sampler("ddim", {.eta = 0.5}), "ddim eta 0.5");
}

}  // namespace
}  // namespace iddpm

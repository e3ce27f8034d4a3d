#include "iddpm/evaluation/likelihood/pairwise_bound_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <limits>
#include <map>

#include "iddpm/io/safetensors.h"
#include "tests/expect_error.h"
#include "tests/io/hostile_files.h"

namespace iddpm {
namespace {

PairwiseBound some_bound(std::int64_t candidates) {
  auto generator = at::detail::createCPUGenerator(1);
  const auto uniform = [&](at::IntArrayRef shape) { return at::rand(shape, generator, at::kDouble); };
  return {.timesteps = respacing_candidates(3 * candidates, candidates),
          .terms = {.prior = uniform({candidates}),
                    .step = uniform({candidates, candidates}),
                    .decoder = uniform({candidates, candidates})},
          .measured = {.source = "images", .sha256 = "ab", .count = 32, .image_shape = {1, 8, 8}},
          .model = {.checkpoint = "model.safetensors",
                    .checkpoint_sha256 = "cd",
                    .weights = "ema 0.999",
                    .steps = 3 * candidates,
                    .original_steps = 3 * candidates,
                    .seed = 4}};
}

class PairwiseBoundFile : public ::testing::Test {
 protected:
  ~PairwiseBoundFile() override { std::filesystem::remove(path_); }

  // Saves a table's file again with something changed, and expects it to be refused.
  void expect_refused(
      const std::function<void(std::map<std::string, Tensor>&, std::map<std::string, std::string>&)>& change,
      const std::string& part) {
    save_pairwise_bound(path_, some_bound(5));
    std::map<std::string, Tensor> tensors;
    std::map<std::string, std::string> metadata;
    {
      const SafetensorsFile file(path_);
      for (const std::string& name : file.names()) tensors[name] = file.tensor(name);
      metadata = file.metadata();
    }
    change(tensors, metadata);
    write_safetensors(path_, NamedTensors(tensors.begin(), tensors.end()), metadata);
    expect_error([&] { load_pairwise_bound(path_); }, {path_.string(), part});
  }

  std::filesystem::path path_ = std::filesystem::temp_directory_path() / "iddpm_pairwise_bound_test.safetensors";
};

}  // namespace

TEST_F(PairwiseBoundFile, IsReadBackAsItWasSaved) {
  for (const std::int64_t candidates : {1, 2, 7}) {
    const PairwiseBound bound = some_bound(candidates);
    save_pairwise_bound(path_, bound);
    const PairwiseBound loaded = load_pairwise_bound(path_);
    EXPECT_EQ(loaded.timesteps, bound.timesteps);
    EXPECT_EQ(loaded.measured, bound.measured);
    EXPECT_EQ(loaded.model, bound.model);
    EXPECT_TRUE(at::equal(loaded.terms.prior, bound.terms.prior));
    EXPECT_TRUE(at::equal(loaded.terms.step, bound.terms.step.triu(1)));
    EXPECT_TRUE(at::equal(loaded.terms.decoder, bound.terms.decoder.triu()));
    EXPECT_EQ(OptimalRespacing(loaded.terms).bounds(), OptimalRespacing(bound.terms).bounds());
  }
}

TEST_F(PairwiseBoundFile, DamagedOnesAreErrors) {
  const TemporaryFolder folder;
  save_pairwise_bound(path_, some_bound(5));
  const auto read = [&](const std::string& contents) {
    (void)load_pairwise_bound(folder.write("damaged.safetensors", contents));
  };
  const std::string contents = contents_of(path_);
  expect_error_at_every_truncation(contents, read, 150);
  EXPECT_GT(errors_of_flipped_bytes(contents, read, 500), 100U);
}

TEST_F(PairwiseBoundFile, IsRefusedIfItIsNoneOrInconsistent) {
  using Tensors = std::map<std::string, Tensor>;
  using Texts = std::map<std::string, std::string>;
  expect_refused([](Tensors&, Texts& texts) { texts["format"] = std::string("other"); }, "'other'");
  expect_refused([](Tensors&, Texts& texts) { texts.clear(); }, "format");
  expect_refused([](Tensors&, Texts& texts) { texts["protocol"] = "{"; }, "protocol");
  expect_refused([](Tensors&, Texts& texts) { texts["protocol"] = std::string(100'000, '['); }, "protocol");
  for (const char* name : {"timesteps", "prior", "step", "decoder"}) {
    expect_refused([name](Tensors& tensors, Texts&) { tensors.erase(name); }, name);
    expect_refused([name](Tensors& tensors, Texts&) { tensors[name] = tensors[name].to(at::kFloat); }, name);
    expect_refused([name](Tensors& tensors, Texts&) { tensors[name] = tensors[name].slice(0, 1).contiguous(); },
                   "expected");
  }
  expect_refused([](Tensors& tensors, Texts&) { tensors["timesteps"][1] = 0; }, "ascending");
  expect_refused([](Tensors& tensors, Texts&) { tensors["timesteps"][4] = 15; }, "15 steps");
  expect_refused([](Tensors& tensors, Texts&) { tensors["timesteps"][0] = -1; }, "-1");
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), 1e200}) {
    expect_refused([value](Tensors& tensors, Texts&) { tensors["step"][3] = value; }, "finite");
  }
}

}  // namespace iddpm

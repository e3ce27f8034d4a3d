#include "iddpm/evaluation/likelihood/pairwise_bound.h"

#include <gtest/gtest.h>

#include <limits>

#include "iddpm/diffusion/settings.h"
#include "tests/expect_error.h"

namespace iddpm {
namespace {

using Kept = std::vector<std::int64_t>;

// 3 images of 2 x 8 x 8 in the 8-bit values of [-1, 1].
Tensor random_images(std::uint64_t seed = 1) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randint(0, 256, {3, 2, 8, 8}, generator, at::TensorOptions(at::kFloat)) / 127.5 - 1.0;
}

NoiseSource noise_of(std::int64_t images, std::vector<std::int64_t> shape) {
  std::vector<RandomStream> streams;
  for (std::int64_t i = 0; i < images; ++i) {
    streams.emplace_back(7, StreamPurpose::evaluation, static_cast<std::uint64_t>(i));
  }
  return noise_from_streams(std::move(streams), std::move(shape));
}

// A process, and a network that knows the images but for an error, and whose v also leaves [0, 1].
struct Model {
  ReverseProcess p_theta;
  Network network;
};

Model model(std::int64_t steps, Mean mean, Variance variance, const Tensor& x_0) {
  const ForwardProcess q(cosine_schedule({.steps = steps}));
  Network network = [q, mean, variance, x_0](const Tensor& x_t, const Tensor& t) {
    const Tensor guess = x_0 + 0.2 * at::sin(3.0 * x_t) * (t.view({-1, 1, 1, 1}) + 1) / q.steps();
    const Tensor epsilon = q.noise_from_x_0(x_t, t, guess);
    const Tensor of_mean = mean == Mean::x_0 ? guess : mean == Mean::velocity ? q.velocity(guess, t, epsilon) : epsilon;
    if (!is_learned(variance)) return of_mean;
    return at::cat({of_mean, variance == Variance::learned ? at::sin(x_t) - 3.0 : 1.2 * at::sin(5.0 * x_t)}, 1);
  };
  return {ReverseProcess(q, {.mean = mean, .variance = variance, .rescale_timesteps = false}), std::move(network)};
}

// The bound of the process shortened to `timesteps`, with the noise of each as the whole process has it.
BoundTerms bound_of(const Model& model, const Tensor& x_0, const NoiseSource& noise, const Kept& timesteps,
                    bool clip_x_0) {
  const auto count = static_cast<std::int64_t>(timesteps.size());
  const NoiseSource of_kept = [&](std::int64_t draw) {
    return noise(model.p_theta.steps() - timesteps[static_cast<std::size_t>(count - draw)]);
  };
  const ReverseProcess shortened = model.p_theta.respaced(timesteps);
  const Denoiser denoiser = [&](const Tensor& x_t, const Timesteps& t) {
    return shortened.predict(model.network, x_t, t, clip_x_0);
  };
  return bound_terms(shortened.q(), denoiser, x_0, of_kept);
}

// Term by term, in bits per dimension; the candidates are all timesteps.
void expect_same_bound(const BoundTable& table, const BoundTerms& bound, const Kept& kept, double decoder_tolerance) {
  constexpr double tolerance = 2e-6;
  const auto at = [](const Tensor& terms, std::int64_t s, std::int64_t t) { return terms[s][t].item<double>(); };
  const Tensor expected = bound.terms.mean(0);
  EXPECT_NEAR(table.prior[kept.back()].item<double>(), bound.prior.mean().item<double>(), tolerance);
  const double decoder = at(table.decoder, kept[0], kept.size() > 1 ? kept[1] : kept[0]);
  EXPECT_NEAR(decoder, expected[0].item<double>(), decoder_tolerance * (1.0 + decoder));
  for (std::size_t i = 1; i < kept.size(); ++i) {
    const double term = expected[static_cast<std::int64_t>(i)].item<double>();
    EXPECT_NEAR(at(table.step, kept[i - 1], kept[i]), term, tolerance * (1.0 + term)) << kept[i - 1] << " " << kept[i];
  }
  const double total = bound.total().mean().item<double>();
  EXPECT_NEAR(respaced_bound(table, kept), total, decoder_tolerance * (1.0 + total));
}

constexpr Variance variances[] = {Variance::fixed_small, Variance::fixed_large, Variance::learned_range,
                                  Variance::learned};

}  // namespace

TEST(PairwiseBound, AddsUpToTheBoundOfTheRespacedProcess) {
  const Tensor x_0 = random_images();
  const NoiseSource noise = noise_of(3, {2, 8, 8});
  for (const Variance variance : variances) {
    for (const Mean mean : {Mean::epsilon, Mean::x_0, Mean::velocity}) {
      for (const bool clip : {true, false}) {
        SCOPED_TRACE(fmt::format("{} {} {}", name(variance), name(mean), clip));
        const Model known = model(25, mean, variance, x_0);
        const BoundTable table =
            pairwise_terms(known.p_theta, known.network, x_0, noise, respaced_timesteps(25, ""), clip);
        for (const Kept& kept : {Kept{0}, {12}, {0, 24}, {0, 5, 12, 23}, {3, 4, 20, 24}, respaced_timesteps(25, "")}) {
          expect_same_bound(table, bound_of(known, x_0, noise, kept, clip), kept, 2e-6);
        }
      }
    }
  }
}

TEST(PairwiseBound, OfManyTimestepsIsInterpolatedWithoutLoss) {
  const Tensor x_0 = random_images(2);
  const NoiseSource noise = noise_of(3, {2, 8, 8});
  for (const Variance variance : variances) {
    SCOPED_TRACE(name(variance));
    const Model known = model(150, Mean::epsilon, variance, x_0);
    const BoundTable table = pairwise_terms(known.p_theta, known.network, x_0, noise, respaced_timesteps(150, ""));
    for (const Kept& kept : {Kept{0}, {0, 149}, {0, 1, 40, 90, 91, 149}, {2, 30, 60, 148}}) {
      expect_same_bound(table, bound_of(known, x_0, noise, kept, true), kept, 1e-4);
    }
  }
}

TEST(PairwiseBound, OfSomeCandidatesIsTheirPartOfTheWholeTable) {
  const Tensor x_0 = random_images(3);
  const NoiseSource noise = noise_of(3, {2, 8, 8});
  const auto [p_theta, network] = model(30, Mean::epsilon, Variance::learned_range, x_0);
  const BoundTable whole = pairwise_terms(p_theta, network, x_0, noise, respaced_timesteps(30, ""));
  const Kept candidates = {1, 4, 17, 29};
  const BoundTable part = pairwise_terms(p_theta, network, x_0, noise, candidates);
  EXPECT_NEAR(respaced_bound(part, {0, 1, 3}), respaced_bound(whole, {1, 4, 29}), 1e-9);
  EXPECT_NEAR(respaced_bound(part, {2}), respaced_bound(whole, {17}), 1e-9);
}

TEST(PairwiseBound, RefusesWhatHasNoPairwiseTerms) {
  const Tensor x_0 = random_images();
  const NoiseSource noise = noise_of(3, {2, 8, 8});
  expect_error(
      [&] {
        const Model of_previous = model(9, Mean::previous_x, Variance::fixed_small, x_0);
        pairwise_terms(of_previous.p_theta, of_previous.network, x_0, noise, {0, 8});
      },
      {"x_{t-1}"});
  const auto [p_theta, network] = model(9, Mean::epsilon, Variance::fixed_small, x_0);
  expect_error([&] { pairwise_terms(p_theta, network, x_0, noise, {4, 4}); }, {"ascending"});
  expect_error([&] { pairwise_terms(p_theta, network, x_0, noise, {0, 9}); }, {"0 to 8"});
}

TEST(RespacingCandidates, AreSpreadEvenlyFromTheFirstToTheLast) {
  EXPECT_EQ(respacing_candidates(5), (Kept{0, 1, 2, 3, 4}));
  EXPECT_EQ(respacing_candidates(9, 3), (Kept{0, 4, 8}));
  const Kept many = respacing_candidates(4000);
  EXPECT_EQ(many.size(), 1000U);
  EXPECT_EQ(many.front(), 0);
  EXPECT_EQ(many.back(), 3999);
  expect_error([] { respacing_candidates(9, 10); }, {"1 to 9", "got 10"});
  expect_error([] { respacing_candidates(9, -1); }, {"got -1"});
  expect_error([] { respacing_candidates(100'000, 6000); }, {"1 to 5000", "got 6000"});
}

namespace {

constexpr std::int64_t steps = 12;

ReverseProcess process() { return ReverseProcess(ForwardProcess(cosine_schedule({.steps = steps}))); }

// A network that is a formula.
Tensor formula(const Tensor& x, const Tensor&) { return at::cat({x * 0.5, at::sin(x)}, 1); }
const Network network = formula;

std::shared_ptr<const Dataset> dataset(std::int64_t count) {
  auto generator = at::detail::createCPUGenerator(5);
  const Tensor pixels = at::randint(0, 256, {count, 1, 4, 4}, generator, at::TensorOptions(at::kByte));
  return in_memory_dataset(
      {.images = pixels, .labels = at::arange(count, at::kLong) % 2, .class_names = {"even", "odd"}, .source = "test"});
}

}  // namespace

TEST(PairwiseBoundOfADataset, IsTheMeanOverItsImagesWhateverTheBatch) {
  const auto images = dataset(7);
  const PairwiseBound whole = pairwise_bound(process(), network, *images, {.count = 0, .batch = 7, .seed = 3});
  EXPECT_EQ(whole.measured.count, 7);
  EXPECT_EQ(whole.timesteps.size(), static_cast<std::size_t>(steps));
  EXPECT_EQ(whole.model.steps, steps);
  EXPECT_EQ(whole.model.seed, 3U);
  const PairwiseBound parts = pairwise_bound(process(), network, *images, {.count = 0, .batch = 3, .seed = 3});
  EXPECT_EQ(parts.measured, whole.measured);
  EXPECT_TRUE(at::allclose(parts.terms.prior, whole.terms.prior, 1e-6, 1e-7));
  EXPECT_TRUE(at::allclose(parts.terms.step, whole.terms.step, 1e-6, 1e-7));
  EXPECT_TRUE(at::allclose(parts.terms.decoder, whole.terms.decoder, 1e-6, 1e-7));
  EXPECT_NE(respaced_bound(pairwise_bound(process(), network, *images, {.count = 0}).terms, {0, 11}),
            respaced_bound(whole.terms, {0, 11}));
}

TEST(PairwiseBoundOfADataset, OfTheWholeProcessIsItsBitsPerDimension) {
  const auto images = dataset(5);
  const PairwiseBound bound = pairwise_bound(process(), network, *images, {.seed = 4});
  EXPECT_NEAR(respaced_bound(bound.terms, bound.timesteps),
              bits_per_dimension(process().q(), process().denoiser(network), *images, {.seed = 4}).total, 1e-5);
}

TEST(PairwiseBoundOfADataset, GivesTimestepsAtLeastAsGoodAsEvenOnes) {
  const PairwiseBound bound = pairwise_bound(process(), network, *dataset(5));
  for (const std::int64_t count : {1, 3, 6, 12}) {
    const Kept best = bound.optimal_timesteps(count);
    ASSERT_EQ(best.size(), static_cast<std::size_t>(count));
    EXPECT_LE(respaced_bound(bound.terms, best),
              respaced_bound(bound.terms, respaced_timesteps(steps, std::to_string(count))) + 1e-12);
  }
  expect_error([&] { bound.optimal_timesteps(13); }, {"1 to 12", "got 13"});
}

TEST(PairwiseBoundOfADataset, NamesTimestepsNotPlaces) {
  const PairwiseBound bound = pairwise_bound(process(), network, *dataset(3), {.candidates = 4});
  EXPECT_EQ(bound.timesteps, (Kept{0, 4, 7, 11}));
  EXPECT_EQ(bound.optimal_timesteps(4), bound.timesteps);
}

TEST(PairwiseBoundOfADataset, TellsTheNetworkTheClassesAndReportsProgress) {
  std::vector<std::int64_t> seen;
  const NetworkOfImages network_of = [&](const DatasetImages& images) {
    for (std::int64_t i = 0; i < images.y.size(0); ++i) seen.push_back(images.y[i].item<std::int64_t>());
    return network;
  };
  std::int64_t last = 0;
  pairwise_bound(process(), network_of, *dataset(5), {.batch = 2}, [&](std::int64_t done, std::int64_t all) {
    EXPECT_GE(done, last);
    EXPECT_EQ(all, 5 * steps);
    last = done;
  });
  EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 1, 0, 1, 0}));
  EXPECT_EQ(last, 5 * steps);
}

}  // namespace iddpm

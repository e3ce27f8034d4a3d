#include "iddpm/nn/classifier.h"

#include <gtest/gtest.h>

#include "tests/nn/small_networks.h"

namespace iddpm {
namespace {

ClassifierOptions small_classifier(ClassifierPool pool) {
  ClassifierOptions options = {.network = small_options(), .classes = 5, .pool = pool};
  options.network.head_channels = 16;
  return options;
}

const Tensor two_timesteps = at::tensor({3, 500}, at::kLong);

class NoisyClassifierPools : public testing::TestWithParam<ClassifierPool> {};

TEST_P(NoisyClassifierPools, GiveLogitsThatDoNotDependOnTheBatch) {
  const at::NoGradGuard no_grad;
  const NoisyClassifier classifier(small_classifier(GetParam()));
  randomise(classifier.parameters());
  const Tensor x_t = random_tensor({2, 3, 8, 8}, 1);
  const Tensor logits = classifier(x_t, two_timesteps);
  ASSERT_EQ(logits.sizes(), at::IntArrayRef({2, 5}));
  for (std::int64_t i = 0; i < 2; ++i) {
    const Tensor alone = classifier(x_t.slice(0, i, i + 1), two_timesteps.slice(0, i, i + 1));
    EXPECT_LT((alone[0] - logits[i]).abs().max().item<double>(), 1e-5);
  }
  EXPECT_GT((logits[0] - logits[1]).abs().max().item<double>(), 1e-3);
}

TEST_P(NoisyClassifierPools, DifferentiateTheLogProbability) {
  NoisyClassifier classifier(small_classifier(GetParam()));
  randomise(classifier.parameters());
  classifier.set_compute_type(at::kDouble);
  const Tensor x_t = random_tensor({2, 3, 8, 8}, 1).to(at::kDouble);
  const Tensor y = at::tensor({4, 0}, at::kLong);
  const Tensor gradient = log_probability_gradient(classifier, x_t, two_timesteps, y);
  const at::NoGradGuard no_grad;
  const Tensor step = random_tensor(x_t.sizes(), 2).to(at::kDouble) * 1e-6;
  const auto log_probability = [&](const Tensor& x) {
    return at::log_softmax(classifier(x, two_timesteps), 1).gather(1, y.unsqueeze(1)).sum().item<double>();
  };
  EXPECT_NEAR((log_probability(x_t + step) - log_probability(x_t - step)) / 2e-6,
              (gradient * step).sum().item<double>() * 1e6, 1e-5);
  EXPECT_FALSE(gradient.requires_grad());
}

TEST_P(NoisyClassifierPools, KeepTheirNamesInJson) { EXPECT_EQ(parse_classifier_pool(name(GetParam())), GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, NoisyClassifierPools,
                         testing::Values(ClassifierPool::adaptive, ClassifierPool::attention, ClassifierPool::spatial,
                                         ClassifierPool::spatial_v2),
                         [](const auto& info) { return name(info.param); });

std::vector<std::string> last_names(ClassifierPool pool, std::size_t count) {
  std::vector<std::string> names;
  for (const auto& [name, shape] : NoisyClassifier::parameter_shapes(small_classifier(pool))) {
    names.push_back(name + " " + format_shape(shape));
  }
  return {names.end() - std::ptrdiff_t(count), names.end()};
}

TEST(NoisyClassifier, NamesTheParametersOfItsPoolsAsPublished) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(last_names(ClassifierPool::adaptive, 4),
            Names({"out.0.weight [64]", "out.0.bias [64]", "out.3.weight [5, 64, 1, 1]", "out.3.bias [5]"}));
  EXPECT_EQ(last_names(ClassifierPool::attention, 5),
            Names({"out.2.positional_embedding [64, 17]", "out.2.qkv_proj.weight [192, 64, 1]",
                   "out.2.qkv_proj.bias [192]", "out.2.c_proj.weight [5, 64, 1]", "out.2.c_proj.bias [5]"}));
  // Features: 32 + 32 + 32 + 64 of the input blocks and 64 of the middle.
  EXPECT_EQ(last_names(ClassifierPool::spatial, 4),
            Names({"out.0.weight [2048, 224]", "out.0.bias [2048]", "out.2.weight [5, 2048]", "out.2.bias [5]"}));
  EXPECT_EQ(last_names(ClassifierPool::spatial_v2, 4),
            Names({"out.1.weight [2048]", "out.1.bias [2048]", "out.3.weight [5, 2048]", "out.3.bias [5]"}));
}

TEST(NoisyClassifier, SaysWhatIsWrong) {
  const NoisyClassifier classifier(small_classifier(ClassifierPool::attention));
  const Tensor x_t = random_tensor({2, 3, 8, 8}, 1);
  EXPECT_EQ(error_of([&] {
              classifier(random_tensor({2, 3, 8, 12}, 1), two_timesteps);
            }),
            "The classifier's attention pool sees 24 places; expected 16: its images must have the options' size.");
  EXPECT_EQ(error_of([&] {
              log_probability_gradient(classifier, x_t, two_timesteps, at::tensor({0, 5}, at::kLong));
            }),
            "The network's y has class 5; expected 0 to 4.");
  EXPECT_EQ(error_of([&] { log_probability_gradient(classifier, x_t, two_timesteps, {}); }),
            "The classifier's y is missing; expected a class for each image.");
  ClassifierOptions options = small_classifier(ClassifierPool::attention);
  options.network.head_channels = 0;
  EXPECT_EQ(error_of([&] { resolved(options); }),
            "Network option head_channels is 0; expected a divisor of the channels, which the classifier's attention "
            "pool needs.");
  options.classes = 0;
  EXPECT_EQ(error_of([&] { resolved(options); }), "Classifier option classes is 0; expected 1 to 1000000.");
}

}  // namespace
}  // namespace iddpm

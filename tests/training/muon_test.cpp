#include "iddpm/training/muon.h"

#include "iddpm/training/optimizer.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

Tensor matrix_of(at::IntArrayRef shape, std::uint64_t seed) {
  const Tensor values = at::empty(shape, at::kFloat);
  RandomStream(seed, StreamPurpose::evaluation).fill_normal({values.data_ptr<float>(), std::size_t(values.numel())});
  return values;
}

NamedParameters one_parameter(const std::string& name, at::IntArrayRef shape) {
  NamedParameters parameters = {{name, matrix_of(shape, 1)}};
  parameters[0].second.mutable_grad() = matrix_of(shape, 2);
  return parameters;
}

// The product with the transpose along the shorter side: its diagonal holds the squares of singular values.
Tensor gram(const Tensor& matrix) {
  return matrix.size(0) > matrix.size(1) ? at::matmul(matrix.t(), matrix) : at::matmul(matrix, matrix.t());
}

}  // namespace

TEST(Orthogonalised, HasSingularValuesNearOneWhateverTheShape) {
  for (const auto& [rows, columns] : {std::pair(8, 72), std::pair(72, 8), std::pair(12, 16)}) {
    const Tensor result = orthogonalised(matrix_of({rows, columns}, 3));
    const Tensor squares = at::linalg_eigvalsh(gram(result).to(at::kDouble));
    EXPECT_GT(squares.min().item<double>(), 0.4) << rows;
    EXPECT_LT(squares.max().item<double>(), 1.5) << rows;
  }
}

TEST(Orthogonalised, KeepsTheDirectionsOfTheMatrix) {
  const Tensor matrix = matrix_of({6, 10}, 4).to(at::kDouble);
  const Tensor exact = [&] {  // (G G^T)^(-1/2) G
    const auto [values, vectors] = at::linalg_eigh(at::matmul(matrix, matrix.t()));
    return at::matmul(at::matmul(vectors / values.sqrt(), vectors.t()), matrix);
  }();
  const Tensor result = orthogonalised(matrix);
  const double cosine = (exact * result).sum().item<double>() / (exact.norm() * result.norm()).item<double>();
  EXPECT_GT(cosine, 0.97);
}

TEST(Orthogonalised, LeavesZerosAlone) { EXPECT_EQ(orthogonalised(at::zeros({4, 6})).abs().max().item<float>(), 0.0f); }

TEST(Muon, TakesMatricesWithinTheNetworkOnly) {
  const Tensor kernel = at::zeros({4, 4, 3, 3});
  EXPECT_TRUE(is_for_muon("input_blocks.1.0.in_layers.2.weight", kernel));
  EXPECT_TRUE(is_for_muon("time_embed.0.weight", at::zeros({4, 4})));
  EXPECT_FALSE(is_for_muon("input_blocks.1.0.in_layers.2.bias", at::zeros({4})));
  EXPECT_FALSE(is_for_muon("input_blocks.0.0.weight", kernel));
  EXPECT_FALSE(is_for_muon("out.2.weight", kernel));
  EXPECT_FALSE(is_for_muon("label_emb.weight", at::zeros({10, 4})));
}

TEST(Muon, AStepHasTheRootMeanSquareOfAdamsAndAveragesFollow) {
  const NamedParameters parameters = one_parameter("middle_block.0.in_layers.2.weight", {16, 8, 3, 3});
  const Tensor before = parameters[0].second.clone();
  OptimizerState state = new_optimizer_state(parameters, 1);
  optimizer_step(parameters, state, {.learning_rate = 0.1, .optimizer = OptimizerKind::muon, .ema_rates = {0.75}});
  const Tensor moved = parameters[0].second - before;
  // 0.2 sqrt(72) times about 1 / sqrt(72), the root mean square of an orthogonal 16 x 72.
  EXPECT_NEAR(moved.pow(2).mean().sqrt().item<double>(), 0.1 * 0.2, 0.1 * 0.05);
  EXPECT_LT((moved * parameters[0].second.grad()).sum().item<double>(), 0.0);
  EXPECT_TRUE(at::allclose(state.emas[0][0].second, before * 0.75 + parameters[0].second * 0.25, 1e-5, 1e-6));
  EXPECT_EQ(state.exp_avg_sq[0].second.abs().max().item<float>(), 0.0f);
}

TEST(Muon, DoesNotDependOnTheGradientsScaleAndDecaysWeights) {
  const auto after = [](double factor, double decay) {
    const NamedParameters parameters = one_parameter("time_embed.0.weight", {6, 9});
    OptimizerState state = new_optimizer_state(parameters, 0);
    optimizer_step(
        parameters, state,
        {.learning_rate = 0.1, .weight_decay = decay, .optimizer = OptimizerKind::muon, .gradient_factor = factor});
    return parameters[0].second.clone();
  };
  EXPECT_TRUE(at::allclose(after(1.0, 0.0), after(1e-3, 0.0), 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(after(1.0, 0.0) - after(1.0, 0.5), matrix_of({6, 9}, 1) * 0.05, 1e-3, 1e-5));
}

TEST(AdamBetas, SayHowFastTheMomentsFollow) {
  const NamedParameters parameters = one_parameter("a", {5});
  const Tensor gradient = parameters[0].second.grad();
  OptimizerState state = new_optimizer_state(parameters, 0);
  optimizer_step(parameters, state, {.learning_rate = 0.1, .betas = {0.5, 0.75}});
  EXPECT_TRUE(at::allclose(state.exp_avg[0].second, gradient * 0.5, 1e-6, 1e-7));
  EXPECT_TRUE(at::allclose(state.exp_avg_sq[0].second, gradient * gradient * 0.25, 1e-6, 1e-7));
}

TEST(AdamBetas, AreTwoNumbersBelowOne) {
  TrainingOptions options;
  options.adam_betas = {0.9};
  EXPECT_EQ(error_of([&] { check(options); }), "adam_betas: expected two numbers of at least 0 and below 1, got 0.9");
  options.adam_betas = {0.9, 1.0};
  EXPECT_EQ(error_of([&] { check(options); }),
            "adam_betas: expected two numbers of at least 0 and below 1, got 0.9, 1");
}

}  // namespace iddpm

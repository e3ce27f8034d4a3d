#include "iddpm/evaluation/likelihood/chebyshev_interpolation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/expect_error.h"

namespace iddpm {
namespace {

Tensor at_every(const std::vector<double>& points, double (*f)(double)) {
  std::vector<double> values;
  for (const double x : points) values.push_back(f(x));
  return at::tensor(values, at::kDouble).unsqueeze(1);
}

std::vector<double> spread(double least, double greatest, int count) {
  std::vector<double> points;
  for (int i = 0; i < count; ++i) points.push_back(least + (greatest - least) * std::pow(i / (count - 1.0), 3));
  return points;
}

double greatest_error(double least, double greatest, double (*f)(double)) {
  const auto points = spread(least, greatest, 500);
  const Tensor values = interpolated(points, 40, [f](double x) { return at::full({1}, f(x), at::kDouble); });
  return (values - at_every(points, f)).abs().max().item<double>();
}

}  // namespace

TEST(ChebyshevInterpolation, OfEntireFunctionsIsExact) {
  EXPECT_LT(greatest_error(0.0, 10.0, [](double x) { return std::exp(-x); }), 1e-13);
  EXPECT_LT(greatest_error(0.0, 10.0, [](double x) { return std::exp(-3.0 * x); }), 1e-12);
  EXPECT_LT(greatest_error(-2.0, 3.0, [](double x) { return std::sin(3.0 * x); }), 1e-13);
}

TEST(ChebyshevInterpolation, EvaluatesAtFewPointsOnly) {
  int calls = 0;
  const auto f = [&](double x) {
    ++calls;
    return at::full({2}, x, at::kDouble);
  };
  EXPECT_EQ(interpolated(spread(0.0, 1.0, 300), 40, f).sizes(), at::IntArrayRef({300, 2}));
  EXPECT_EQ(calls, 40);
  calls = 0;
  const Tensor values = interpolated({0.5, 3.0, 3.0}, 40, f);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(values[1][0].item<double>(), 3.0);
}

TEST(ChebyshevInterpolation, TakesTheValueOfAPointThatIsANode) {
  const auto f = [](double x) { return at::full({1}, std::exp(x), at::kDouble); };
  const Tensor values = interpolated({-1.0, -0.3, 0.0, 0.7, 1.0}, 3, f);
  EXPECT_EQ(values[0].item<double>(), std::exp(-1.0));
  EXPECT_NEAR(values[2].item<double>(), 1.0, 1e-15);
  EXPECT_EQ(values[4].item<double>(), std::exp(1.0));
  // All points the same: one value.
  EXPECT_EQ(interpolated({2.0, 2.0, 2.0, 2.0}, 3, f)[3].item<double>(), std::exp(2.0));
}

TEST(ChebyshevInterpolation, RefusesWhatItCannotInterpolate) {
  const auto f = [](double x) { return at::full({1}, x, at::kDouble); };
  expect_error([&] { interpolated({}, 40, f); }, {"at least one"});
  expect_error([&] { interpolated({0.0, std::numeric_limits<double>::infinity()}, 40, f); }, {"finite"});
  expect_error([&] { interpolated({0.0}, 1, f); }, {"2 nodes", "got 1"});
}

}  // namespace iddpm

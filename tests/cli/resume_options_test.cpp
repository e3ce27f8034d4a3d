// A run that goes on with other options: what is applied, and what is said.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/program.h"

namespace iddpm::test {
namespace {

class ResumeOptions : public ::testing::Test {
 protected:
  void SetUp() override { write_tiny_images(folder_ / "images"); }

  ProgramResult run(const std::string& arguments) const {
    const ProgramResult result = run_program(folder_.path(), arguments);
    EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.errors;
    return result;
  }
  // Of each line of the log, beginning with the first.
  std::vector<double> learning_rates(const std::string& name) const {
    std::istringstream lines(text_of(folder_ / name / "log.jsonl"));
    std::vector<double> rates;
    for (std::string line; std::getline(lines, line);) {
      rates.push_back(nlohmann::json::parse(line)["learning_rate"].get<double>());
    }
    return rates;
  }

  TemporaryFolder folder_;
};

}  // namespace

TEST_F(ResumeOptions, ADecayIsStretchedWhenTheRunGoesOnForLonger) {
  for (const std::string decay : {"linear", "cosine"}) {
    run("train --data images --run " + decay + " --steps 4 --lr 1e-3 --log-every 1 --sample-every 0 --decay " + decay +
        tiny_model);
    const auto result = run("train --resume " + decay + " --steps 8 --threads 1");
    EXPECT_NE(result.errors.find("decay of the learning rate now ends at step 8"), std::string::npos) << result.errors;
    const auto rates = learning_rates(decay);
    ASSERT_EQ(rates.size(), 8U);
    EXPECT_NEAR(rates[4], 0.5e-3, 1e-9) << "half-way";
    EXPECT_GT(rates[7], 0);
  }
}

TEST_F(ResumeOptions, ADecayFollowsTheTime) {
  run("train --data images --run timed --minutes 0.01 --lr 1e-3 --log-every 1 --sample-every 0 --decay linear" +
      tiny_model);
  const auto first = learning_rates("timed");
  EXPECT_GT(first.front(), 0.5e-3);
  EXPECT_LT(first.back(), 0.3e-3);
  // The decay is over: it is stretched over as much time again.
  const auto result = run("train --resume timed --threads 1");
  EXPECT_NE(result.errors.find("decay of the learning rate now ends at 0.02"), std::string::npos) << result.errors;
  const auto rates = learning_rates("timed");
  ASSERT_GT(rates.size(), first.size());
  EXPECT_NEAR(rates[first.size()], 0.5e-3, 0.1e-3);
}

}  // namespace iddpm::test

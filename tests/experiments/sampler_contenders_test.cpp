#include "experiments/sampler_contenders.h"

#include <gtest/gtest.h>

#include <set>

#include "iddpm/core/error.h"
#include "iddpm/samplers/registry.h"

namespace iddpm::experiments {
namespace {

using Counts = std::vector<std::int64_t>;

const Counts all_counts = {5, 8, 10, 15, 20, 30, 50, 100};

bool says(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

// Every contender measured where it is to be, at the same distance.
std::vector<Contender> measured(double distance) {
  std::vector<Contender> contenders = all_contenders();
  for (Contender& contender : contenders) {
    for (const std::int64_t count : counts_of(contender, all_counts)) contender.distances[count] = distance;
  }
  return contenders;
}

Contender& named(std::vector<Contender>& contenders, const std::string& label) {
  for (Contender& contender : contenders) {
    if (contender.label() == label) return contender;
  }
  fail("no contender {}", label);
}

}  // namespace

TEST(SamplerContenders, AreAllSamplersTheDefaultAndTimestepsFoundForIt) {
  const std::vector<Contender> contenders = all_contenders();
  std::set<std::string> labels;
  for (const Contender& contender : contenders) labels.insert(contender.label());
  EXPECT_EQ(labels.size(), contenders.size()) << "each once";
  for (const std::string& name : sampler_names()) EXPECT_TRUE(labels.contains(name)) << name;
  EXPECT_TRUE(labels.contains("unipc, trailing"));
  EXPECT_TRUE(labels.contains("unipc, best"));
  EXPECT_TRUE(labels.contains("dpm++, best"));
  EXPECT_EQ(default_contender(contenders).label(), "unipc, trailing");
}

TEST(SamplerContenders, WithASpacingOfTheirOwnAreMeasuredUpTo30Evaluations) {
  EXPECT_EQ(counts_of({.sampler = "unipc"}, all_counts), all_counts);
  EXPECT_EQ(counts_of({.sampler = "unipc", .spacing = "trailing"}, all_counts), (Counts{5, 8, 10, 15, 20, 30}));
  EXPECT_EQ(evaluation_counts({.most_evaluations = 20}), (Counts{5, 8, 10, 15, 20}));
}

TEST(SamplerContenders, HaveADashInTheTableWhereTheyWereNotMeasured) {
  const std::vector<Contender> contenders = {{.sampler = "ancestral", .distances = {{10, 0.25}, {50, 0.125}}},
                                             {.sampler = "unipc", .spacing = "trailing", .distances = {{10, 0.5}}}};
  EXPECT_EQ(distances_table(contenders, {10, 50}),
            "| evaluations of the network | 10 | 50 |\n|---|---|---|\n"
            "| `ancestral` | 0.250 | 0.125 |\n"
            "| `unipc`, `trailing` | 0.500 | - |\n");
}

TEST(SamplerContenders, AreJudgedByTheBestAndByTheDefault) {
  std::vector<Contender> contenders = measured(1.0);
  EXPECT_EQ(judge_contenders(contenders, all_counts, 7, 0.1).verdict, Verdict::not_shown);
  named(contenders, "dpm++, best").distances[10] = 0.5;
  const SamplerVerdict of_another = judge_contenders(contenders, all_counts, 7, 0.1);
  EXPECT_EQ(of_another.verdict, Verdict::partly);
  EXPECT_TRUE(says(of_another.found, "the best is dpm++, best 0.500")) << of_another.found;
  EXPECT_TRUE(says(of_another.found, "Not shown: that 10 of the default")) << of_another.found;
  named(contenders, "unipc, trailing").distances[10] = 0.75;
  const SamplerVerdict of_both = judge_contenders(contenders, all_counts, 7, 0.1);
  EXPECT_EQ(of_both.verdict, Verdict::shown);
  EXPECT_TRUE(says(of_both.found, "default, unipc, trailing, comes to 0.750 with 10 and 1.000 with 20"))
      << of_both.found;
  named(contenders, "dpm++").distances[50] = 0.25;
  EXPECT_TRUE(says(judge_contenders(contenders, all_counts, 7, 0.1).found, "with 50 dpm++ 0.250")) << "of those there";
}

TEST(SamplerContenders, AreJudgedAtFewerEvaluationsWhereTheScaleHasNoMore) {
  std::vector<Contender> contenders = all_contenders();
  for (Contender& contender : contenders) contender.distances = {{5, 1.0}, {8, 0.5}};
  EXPECT_EQ(judge_contenders(contenders, {5, 8}, 7, 0.1).verdict, Verdict::not_shown);
}

}  // namespace iddpm::experiments

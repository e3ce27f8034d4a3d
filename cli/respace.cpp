// iddpm respace: the timesteps that a model needs most.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>

#include "cli/commands.h"
#include "cli/options/data_options.h"
#include "cli/options/effect.h"
#include "cli/options/open_model.h"
#include "cli/options/output_file.h"
#include "cli/options/values.h"
#include "cli/respace_by_trajectories.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/printed_json.h"
#include "cli/terminal/watched_progress.h"
#include "iddpm/core/error.h"
#include "iddpm/diffusion/respacing.h"
#include "iddpm/evaluation/likelihood/chosen_timesteps.h"
#include "iddpm/evaluation/likelihood/likelihood.h"
#include "iddpm/evaluation/likelihood/pairwise_bound_file.h"
#include "iddpm/model/inference_memory.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/version.h"

namespace iddpm::cli {
namespace {

struct RespaceArguments {
  std::filesystem::path model;
  WeightOptions weights;
  ComputeOptions compute;
  DataOptions data;
  std::string by = "bound";
  std::optional<std::int64_t> count, candidates;
  std::int64_t batch = 32;
  std::uint64_t seed = 0;
  std::vector<std::int64_t> steps;
  bool overwrite = false;
  bool json = false;
};

// A number of steps, and what the two ways to choose them come to.
struct Comparison {
  std::int64_t steps = 0;
  double even = 0.0;
  double optimal = 0.0;
  std::vector<std::int64_t> even_timesteps = {};
  std::vector<std::int64_t> optimal_timesteps = {};
};

PairwiseBoundOptions bound_options(const RespaceArguments& arguments) {
  PairwiseBoundOptions options{.batch = arguments.batch, .seed = arguments.seed};
  options.count = arguments.count.value_or(options.count);
  options.candidates = arguments.candidates.value_or(options.candidates);
  return options;
}

PairwiseBound measure(const RespaceArguments& arguments, const Model& model) {
  const std::filesystem::path& data = arguments.data.path;
  const auto dataset = open_fitting_dataset(model.settings(), data, dataset_options(arguments.data));
  describe_data(*dataset);
  require_inference_memory(model.settings().network, model.precision(), model.device(),
                           std::min(arguments.batch, dataset->size()));
  // "photos/" ends in an empty name.
  const std::string source = (data.has_filename() ? data : data.parent_path()).filename().string();
  PairwiseBound bound;
  {
    WatchedProgress progress("Measuring the bound's terms");
    bound = measure_pairwise_bound(model, *dataset, bound_options(arguments), source, std::ref(progress));
  }
  for (const std::string& name : bound.skipped) say(fmt::format("Skipped a broken image: {}", name));
  return bound;
}

std::vector<Comparison> compare_spacings(const PairwiseBound& bound, const OptimalRespacing& optimal,
                                         std::vector<std::int64_t> steps) {
  const std::int64_t candidates = bound.terms.candidates();
  if (steps.empty()) {
    for (const std::int64_t count : {5, 10, 25, 50, 100}) {
      if (count <= candidates) steps.push_back(count);
    }
  }
  std::vector<Comparison> comparisons;
  for (const std::int64_t count : steps) {
    require(count >= 1 && count <= candidates, "--steps {}: expected 1 to {}, as many timesteps as were measured",
            count, candidates);
    const std::vector<std::int64_t> even = respaced_timesteps(candidates, std::to_string(count));
    comparisons.push_back({.steps = count,
                           .even = respaced_bound(bound.terms, even),
                           .optimal = optimal.bounds()[static_cast<std::size_t>(count - 1)],
                           .even_timesteps = bound.timesteps_at(even),
                           .optimal_timesteps = bound.timesteps_at(optimal.kept(count))});
  }
  return comparisons;
}

std::string shortened(const std::vector<std::int64_t>& timesteps) {
  constexpr std::size_t shown = 12;
  if (timesteps.size() <= shown) return fmt::format("{}", fmt::join(timesteps, " "));
  return fmt::format("{} ... {}", fmt::join(timesteps.begin(), timesteps.begin() + shown - 2, " "), timesteps.back());
}

std::string table(const PairwiseBound& bound, const std::vector<Comparison>& comparisons) {
  std::string text = fmt::format(
      "Bits per dimension of {} ({}) on {} images of {}, choosing from {} of {} timesteps:\n"
      "  steps      even   optimal   optimal timesteps\n",
      bound.model.checkpoint, bound.model.weights, bound.measured.count, bound.measured.source, bound.timesteps.size(),
      bound.model.steps);
  for (const Comparison& comparison : comparisons) {
    text += fmt::format("  {:5} {:9.4f} {:9.4f}   {}\n", comparison.steps, comparison.even, comparison.optimal,
                        shortened(comparison.optimal_timesteps));
  }
  return text;
}

nlohmann::json to_json(const PairwiseBound& bound, const std::vector<double>& optimal_bounds,
                       const std::vector<Comparison>& comparisons, const std::filesystem::path& table_file) {
  nlohmann::json spacings = nlohmann::json::array();
  for (const Comparison& comparison : comparisons) {
    spacings.push_back(
        {{"steps", comparison.steps},
         {"even", {{"bits_per_dimension", comparison.even}, {"timesteps", comparison.even_timesteps}}},
         {"optimal", {{"bits_per_dimension", comparison.optimal}, {"timesteps", comparison.optimal_timesteps}}}});
  }
  return {{"model", bound.model.checkpoint},
          {"weights", bound.model.weights},
          {"data", bound.measured.source},
          {"images", bound.measured.count},
          {"seed", bound.model.seed},
          {"original_steps", bound.model.steps},
          {"candidates", bound.timesteps.size()},
          {"table", table_file.string()},
          {"spacings", spacings},
          {"optimal_bits_per_dimension", optimal_bounds},
          {"version", version}};
}

// The steps asked for are known to be possible before anything is measured.
void check_steps(const RespaceArguments& arguments, std::int64_t process_steps) {
  const std::int64_t most = std::min(process_steps, max_respacing_candidates);
  const std::int64_t candidates = arguments.candidates.value_or(most);
  require(candidates <= most, "--candidates {}: expected at most {}, as many timesteps as there are", candidates, most);
  for (const std::int64_t count : arguments.steps) {
    require(count <= candidates, "--steps {}: expected 1 to {}, as many timesteps as are measured", count, candidates);
  }
}

void run_by_trajectories(const CLI::App& verb, const RespaceArguments& arguments) {
  refuse_idle(verb, {"--data", "--labels", "--csv", "--split", "--background"},
              "with --by trajectories, which are the model's own");
  TrajectoryTableOptions options{.batch = arguments.batch, .seed = arguments.seed};
  options.count = arguments.count.value_or(options.count);
  options.candidates = arguments.candidates.value_or(options.candidates);
  respace_by_trajectories(verb, arguments.model, arguments.weights, arguments.compute, options, arguments.steps,
                          arguments.overwrite, arguments.json);
}

void run_respace(const CLI::App& verb, const RespaceArguments& arguments) {
  if (arguments.by == "trajectories") return run_by_trajectories(verb, arguments);
  if (arguments.data.path.empty()) {
    refuse_idle(verb,
                {"--count", "--candidates", "--batch", "--seed", "--labels", "--csv", "--split", "--background",
                 "--device", "--precision", "--threads", "--overwrite"},
                "without --data, since nothing is measured");
  }
  apply_threads(arguments.compute);
  const std::filesystem::path path = find_model(arguments.model);
  const Checkpoint checkpoint(path);
  const std::filesystem::path table_file = pairwise_bound_path(path);
  PairwiseBound bound;
  std::optional<Error> obstacle;
  if (arguments.data.path.empty()) {
    bound = load_measured_bound(path, weights_name(checkpoint, weight_choice(arguments.weights)));
  } else {
    check_steps(arguments, checkpoint.info().settings.diffusion.steps);
    require(arguments.overwrite || !std::filesystem::exists(table_file),
            "'{}' holds what was measured before; leave out --data to use it, or replace it with --overwrite",
            table_file.string());
    check_output_file("the table", table_file, true);
    const auto start = std::chrono::steady_clock::now();
    bound = measure(arguments, open_model(path, arguments.weights, arguments.compute));
    try {
      save_pairwise_bound(table_file, bound);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      say(fmt::format("Measured in {}, kept in {}", format_duration(seconds.count()), display_path(table_file)));
    } catch (const Error& error) {
      obstacle = error;  // thrown once what was found is told
    }
  }
  const OptimalRespacing optimal(bound.terms);
  const std::vector<Comparison> comparisons = compare_spacings(bound, optimal, arguments.steps);
  print(arguments.json ? printed_json(to_json(bound, optimal.bounds(), comparisons, table_file))
                       : table(bound, comparisons));
  if (obstacle) throw *obstacle;
}

}  // namespace

void add_respace(CLI::App& app) {
  auto arguments = std::make_shared<RespaceArguments>();
  CLI::App* verb = app.add_subcommand("respace", "Find the timesteps that a model needs most when steps are few");
  verb->footer(
      "Examples:\n"
      "  iddpm respace runs/photos --data photos/\n"
      "      measures what a step between any two timesteps adds to the bound, keeps that beside the checkpoint, and\n"
      "      prints the bound of the best timesteps beside that of evenly spaced ones\n"
      "  iddpm sample runs/photos --steps optimal25\n"
      "  iddpm evaluate runs/photos --data photos/ --split test --steps optimal25\n"
      "      what it is good for\n"
      "  iddpm respace runs/photos --steps 8,16,32\n"
      "      without --data: for other numbers of steps, from what was measured before\n"
      "  iddpm respace runs/photos --by trajectories\n"
      "  iddpm sample runs/photos --sampler dpm++ --steps best10\n"
      "      by how far few steps stray from the model's own fine trajectories: no data needed, and good for looks\n"
      "Timesteps are chosen by dynamic programming (by the bound: Watson et al. 2021, arXiv 2106.03802; by\n"
      "trajectories: Chen et al. 2024, arXiv 2405.11326). The best likelihood need not give the best looks.");
  verb->add_option("model", arguments->model, "Run folder or checkpoint file")->required()->type_name("MODEL");
  add_data_options(*verb, arguments->data);
  verb->add_option("--by", arguments->by, "What to choose them by: bound, for likelihoods, or trajectories (bound)")
      ->check(one_of({"bound", "trajectories"}));
  verb->add_option("--count", arguments->count, "Images: of the data (32), or trajectories (256)")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 40));
  verb->add_option("--candidates", arguments->candidates,
                   "Timesteps to choose from (bound: all, at most 1000; trajectories: 100)")
      ->check(between(std::int64_t{1}, max_respacing_candidates));
  verb->add_option("--batch", arguments->batch, "Images at a time (32)")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 20));
  verb->add_option("--seed", arguments->seed, "Of the noise (0)");
  verb->add_option("--steps", arguments->steps, "Numbers of steps to print (5,10,25,50,100)")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(at_least(std::int64_t{1}));
  verb->add_flag("--overwrite", arguments->overwrite, "Replace what was measured before");
  verb->add_flag("--json", arguments->json, "Print the result as JSON");
  add_weight_options(*verb, arguments->weights);
  add_compute_options(*verb, arguments->compute);
  verb->callback([verb, arguments] { run_respace(*verb, *arguments); });
}

}  // namespace iddpm::cli

// iddpm evaluate: what a model or its samples are worth.

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/evaluation.h"
#include "cli/evaluation_record.h"
#include "cli/options/effect.h"
#include "cli/options/output_file.h"
#include "cli/options/respacing_option.h"
#include "cli/options/sampler_options.h"
#include "cli/options/start_option.h"
#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/printed_json.h"
#include "iddpm/core/error.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/samplers/registry.h"

namespace iddpm::cli {
namespace {

struct EvaluateArguments {
  EvaluationRequest request;
  std::filesystem::path compare;
  std::filesystem::path json_file;
  bool overwrite = false;
  bool json = false;
};

// What was given and would be ignored.
void refuse_idle_options(const CLI::App& verb, const EvaluationRequest& request) {
  const EvaluationInput kind = kind_of_input(request.what);
  const bool has_reference = !request.reference.path.empty();
  const bool judging = has_reference || !request.save_reference.empty();
  if (kind == EvaluationInput::result) {
    refuse_idle_but(verb, {"--compare", "--json-file", "--json", "--overwrite", "--memory-limit"},
                    "on a stored result");
    return;
  }
  if (verb.get_option("--json-file")->count() == 0 && request.save_reference.empty()) {
    refuse_idle(verb, {"--overwrite"}, "without --json-file or --save-reference");
  }
  if (!has_reference)
    refuse_idle(verb, {"--reference-split", "--reference-count", "--neighbours"}, "without --reference");
  if (kind == EvaluationInput::images) {
    const std::string why = fmt::format("on images, as '{}' holds", request.what.string());
    refuse_idle(verb,
                {"--labels", "--csv", "--steps", "--seed", "--samples", "--sample-steps", "--start", "--ema", "--raw",
                 "--precision"},
                why);
    refuse_idle(verb, sampler_option_names(), why);
    refuse_idle(verb, guidance_option_names(), why);
    return;
  }
  refuse_idle_guidance(verb, request.guidance);
  if (!judging) {
    const std::string why = "without --reference or --save-reference";
    refuse_idle(verb, {"--features", "--samples", "--sample-steps", "--start"}, why);
    refuse_idle(verb, sampler_option_names(), why);
    refuse_idle(verb, guidance_option_names(), why);
  }
  if (request.data.path.empty()) refuse_idle(verb, {"--labels", "--csv", "--split"}, "without --data");
}

void run_evaluate(const CLI::App& verb, const EvaluateArguments& arguments) {
  refuse_idle_options(verb, arguments.request);
  EvaluationRequest request = arguments.request;
  request.reference.background = request.data.background;

  // What can't be read or done is found out before hours of work.
  (void)make_sampler(request.samples.sampler, request.samples.sampler_options);
  check_output_file("--json-file", arguments.json_file, arguments.overwrite);
  check_output_file("--save-reference", request.save_reference, arguments.overwrite);
  std::vector<EvaluationResult> others;
  if (!arguments.compare.empty()) others = load_results(arguments.compare);
  Findings findings = evaluate(request);
  std::optional<Error> obstacle = findings.obstacle;  // thrown once the result, which stands by itself, is safe
  if (!arguments.compare.empty()) {
    try {
      findings.text += compare_results(findings.results, arguments.compare, others, findings.record);
    } catch (const Error& error) {
      obstacle = error;
    }
  }
  const std::string record = printed_json(findings.record);
  if (!arguments.json_file.empty()) {
    try {
      write_file_atomically(arguments.json_file, record);
    } catch (const Error& error) {
      obstacle = error;
    }
  }
  print(arguments.json ? record : findings.text);
  if (obstacle) throw *obstacle;
}

void add_sample_options(CLI::App& verb, EvaluationRequest& request) {
  constexpr const char* group = "Sample quality";
  const auto option = [&](const char* name, auto& value, const char* help) {
    return verb.add_option(name, value, help)->group(group);
  };
  option("--reference", request.reference.path,
         "What samples are compared with: a data set as for --data, or statistics made by --save-reference");
  option("--reference-split", request.reference.split, "train or test, where it has both")
      ->check(one_of({"train", "test"}));
  option("--reference-count", request.reference.count, "Only so many of its images, evenly spread (default: all)")
      ->check(between(std::int64_t{2}, std::int64_t{1} << 40));
  option("--features", request.features,
         "Feature network: a classifier of 'iddpm train-features', or FID's Inception network");
  option("--neighbours", request.neighbours, "k of precision, recall, density and coverage (3,5)")
      ->delimiter(',')
      ->allow_extra_args(false)  // so that WHAT may follow
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(between(std::int64_t{1}, std::int64_t{1000}));
  option("--save-reference", request.save_reference, "Write the statistics of what is evaluated, as a --reference");
  option("--image-size", request.size.image_size, "Fit images that are judged to SIZE or HEIGHTxWIDTH first")
      ->check(understood_by(check_image_size));
  option("--image-channels", request.size.image_channels, "And to 1 grey, 3 RGB or 4 RGBA")
      ->check(one_of({"1", "3", "4"}));
  DrawRequest& samples = request.samples;
  samples.count = 1000;
  option("--samples", samples.count, "Images drawn from a model (1000)")
      ->check(between(std::int64_t{2}, std::int64_t{100'000'000}));
  option("--sample-steps", samples.steps,
         "In so many steps, as --steps of 'iddpm sample' (the usual of the sampler, or all of fewer)")
      ->check(understood_by(check_respacing));
  add_sampler_options(verb, samples.sampler, samples.sampler_options, group);
  add_guidance_options(verb, request.guidance, group);
  option("--start", request.start, start_help);
}

constexpr const char* examples =
    "Examples:\n"
    "  iddpm evaluate runs/photos --data photos/ --split test\n"
    "      the variational bound on every test image, each at every t: exact, but T network evaluations an image\n"
    "  iddpm evaluate runs/photos --data photos/ --count 500 --steps 100 --json\n"
    "      an upper bound of it from a shortened process on 500 images\n"
    "  iddpm evaluate runs/photos --reference photos/ --features features.safetensors --samples 5000\n"
    "      draws samples and compares them with the photos: Frechet and kernel distance, precision, recall, ...\n"
    "  iddpm evaluate samples.npz --reference photos/ --features inception.safetensors\n"
    "      FID and its relatives, from images that any program made\n"
    "  iddpm evaluate photos/ --features features.safetensors --save-reference photos-statistics.safetensors\n"
    "      so that the reference's images are needed no more\n"
    "  iddpm evaluate a.json --compare b.json\n"
    "      two results side by side, if they were measured in the same way\n"
    "Noise is drawn per image from --seed: results don't depend on the batch size. docs/evaluation.md explains all.";

}  // namespace

void add_evaluate(CLI::App& app) {
  auto arguments = std::make_shared<EvaluateArguments>();
  EvaluationRequest& request = arguments->request;
  LikelihoodOptions& likelihood = request.likelihood;
  CLI::App* verb = app.add_subcommand("evaluate", "Measure a model's likelihood or the quality of samples");
  verb->footer(examples);
  verb->add_option("what", request.what,
                   "Run folder or checkpoint; images (a folder, an .npz, ...); a stored result (.json)")
      ->required()
      ->type_name("WHAT");
  add_data_options(*verb, request.data);
  verb->add_option("--count", likelihood.count, "Only so many images, evenly spread over the data (default: all)")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 40));
  verb->add_option("--steps", likelihood.steps,
                   "Shorten the process for the likelihood: '100', '10,15,20' (default: every step)")
      ->check(understood_by(check_respacing));
  verb->add_option("--batch", likelihood.batch, "Images at a time (64)")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 20));
  verb->add_option("--seed", likelihood.seed, "Of the noise (0)");
  add_sample_options(*verb, request);
  verb->add_option("--compare", arguments->compare, "Set the result beside this one, if it was measured alike");
  verb->add_option("--json-file", arguments->json_file, "Also write the result to this file");
  verb->add_flag("--overwrite", arguments->overwrite, "Replace files that exist");
  verb->add_flag("--json", arguments->json, "Print the result as JSON");
  add_weight_options(*verb, request.weights);
  add_compute_options(*verb, request.compute);
  verb->callback([verb, arguments] { run_evaluate(*verb, *arguments); });
}

}  // namespace iddpm::cli

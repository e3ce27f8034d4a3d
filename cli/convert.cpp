// iddpm convert: models of other programs to ours, and ours to theirs.

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/options/effect.h"
#include "cli/options/open_model.h"
#include "cli/options/output_file.h"
#include "cli/options/values.h"
#include "cli/options/weight_options.h"
#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"
#include "iddpm/evaluation/features/inception_features.h"
#include "iddpm/interchange/diffusers_export.h"
#include "iddpm/interchange/reference_conversion.h"
#include "iddpm/model/trained_classifier.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

struct ConvertArguments {
  ReferenceCheckpoint reference;
  fs::path ema;
  std::string family;
  std::string flags;
  fs::path out;
  std::string to;
  fs::path folder;
  WeightOptions weights;
  bool inception = false;
  bool overwrite = false;
};

// The published file by its name or, if it was renamed, by its size; whether it really is the one, its hash will tell.
bool seems_inception(const fs::path& path) {
  std::error_code error;
  return path.filename() == published_inception_file::name ||
         (fs::is_regular_file(path, error) && fs::file_size(path, error) == published_inception_file::size);
}

void run_convert_inception(const fs::path& published, const fs::path& out) {
  convert_inception_weights(published, out);
  const FeatureSpace space = InceptionNetwork::load(out).space();
  print(fmt::format("{}, {} dimensions, SHA-256 {}\n", space.network, space.dimensions, space.sha256));
  say(fmt::format("Written: {}", display_path(out)));
}

void check_output_folder(const fs::path& folder, bool overwrite) {
  std::error_code error;
  require(!fs::exists(folder, error) || fs::is_directory(folder, error),
          "convert --to: '{}' is a file; expected a folder to write", folder.string());
  require(overwrite || !fs::exists(folder, error) || fs::is_empty(folder, error),
          "convert --to: the folder '{}' holds files; --overwrite replaces those of the same names", folder.string());
}

void run_convert_to_diffusers(const CLI::App& verb, const ConvertArguments& arguments) {
  refuse_idle(verb, {"--flags", "--family", "--ema-file", "--ema-rate", "--step", "--inception"}, "with --to");
  require(arguments.folder.empty() || arguments.out.empty(), "convert --to: the folder is named twice, by --out too");
  const fs::path folder = arguments.folder.empty() ? arguments.out : arguments.folder;
  require(!folder.empty(), "convert --to {} needs the folder to write", arguments.to);
  check_output_folder(folder, arguments.overwrite);
  export_to_diffusers(Checkpoint(find_model(arguments.reference.weights)), weight_choice(arguments.weights), folder);
  say(fmt::format("Written: {}", display_path(folder)));
}

void say_family(const ReferenceReading& reading, const fs::path& file) {
  if (reading.published) {
    say(fmt::format("Known by its name: {}, with the flags of its README", file.filename().string()));
    return;
  }
  const bool of_improved = name(reading.family).starts_with("improved");
  say(fmt::format("Flags not given have the defaults of {} (--family {})",
                  of_improved ? "improved-diffusion" : "guided-diffusion", name(reading.family)));
}

void run_convert(const CLI::App& verb, ConvertArguments arguments) {
  if (!arguments.to.empty()) return run_convert_to_diffusers(verb, arguments);
  refuse_idle(verb, {"folder", "--ema", "--raw"}, "without --to");
  fs::path out = arguments.out;
  if (out.empty()) out = fs::path(arguments.reference.weights).replace_extension(".safetensors");
  check_output_file("--out", out, arguments.overwrite);
  if (arguments.inception || seems_inception(arguments.reference.weights)) {
    refuse_idle(verb, {"--flags", "--family", "--ema-file", "--ema-rate", "--step"}, "on FID's Inception network");
    run_convert_inception(arguments.reference.weights, out);
    return;
  }
  if (arguments.ema.empty()) refuse_idle(verb, {"--ema-rate"}, "without --ema-file");
  if (!arguments.ema.empty()) arguments.reference.ema = arguments.ema;
  if (!arguments.family.empty()) arguments.reference.family = parse_reference_family(arguments.family);
  arguments.reference.flags = parse_reference_flags(arguments.flags);
  const ReferenceReading reading = convert_reference_checkpoint(arguments.reference, out);
  say_family(reading, arguments.reference.weights);
  print(reading.family == ReferenceFamily::classifier ? describe(TrainedClassifier::open(out))
                                                      : describe(Checkpoint(out)));
  say(fmt::format("Written: {}", display_path(out)));
}

}  // namespace

void add_convert(CLI::App& app) {
  auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* verb = app.add_subcommand("convert", "Models of other programs to ours, and ours to theirs");
  verb->footer(
      "Examples:\n"
      "  iddpm convert 64x64_diffusion.pt\n"
      "      a checkpoint that OpenAI publishes, known by its name\n"
      "  iddpm convert cifar10_uncond_50M_500K.pt \\\n"
      "    --flags \"--image_size 32 --num_channels 128 --num_res_blocks 3 --learn_sigma True --dropout 0.3\n"
      "             --diffusion_steps 4000 --noise_schedule cosine\"\n"
      "      flags are those of the program that trained it, as its README lists them; what is left out has its "
      "default\n"
      "  iddpm convert model500000.pt --ema-file ema_0.9999_500000.pt --flags \"...\" --out model.safetensors\n"
      "      raw weights and their average together\n"
      "  iddpm convert runs/photos --to diffusers exported\n"
      "      a folder for Hugging Face's diffusers, with a model card\n"
      "  iddpm convert pt_inception-2015-12-05-6726825d.pth --out inception.safetensors\n"
      "      the Inception network that FID is defined by, for 'iddpm evaluate --features'\n"
      "Both of torch.save's formats are read, by a reader that executes nothing. What doesn't fit is named. Folders "
      "of\n"
      "diffusers need no conversion: every verb takes one as its model.");
  verb->add_option("checkpoint", arguments->reference.weights, "The .pt or .pth file; with --to, a model of ours")
      ->required()
      ->type_name("FILE");
  verb->add_option("folder", arguments->folder, "With --to: the folder to write")->type_name("FOLDER");
  verb->add_option("--to", arguments->to, "What to write: diffusers")->check(understood_by([](const std::string& to) {
    require(to == "diffusers", "expected diffusers, got '{}'", to);
  }));
  add_weight_options(*verb, arguments->weights);
  verb->add_option("--flags", arguments->flags, "The command-line flags it was trained with")
      ->check(understood_by([](const std::string& flags) { (void)parse_reference_flags(flags); }));
  verb->add_option(
          "--family", arguments->family,
          "Whose flags, whose defaults differ: improved, improved_sr, guided, guided_sr or classifier (told by the\n"
          "flags and the weights)")
      ->check(understood_by([](const std::string& name) { (void)parse_reference_family(name); }));
  verb->add_option("--ema-file", arguments->ema, "The .pt file of the average of its weights");
  verb->add_option("--ema-rate", arguments->reference.ema_rate, "Its rate (0.9999)")->check(between(0.0, 1.0));
  verb->add_option("--step", arguments->reference.step, "Steps it was trained for (default: as its name ends)")
      ->check(at_least(std::int64_t{0}));
  verb->add_flag("--inception", arguments->inception,
                 "The file holds FID's Inception network (known by itself from the published name or size)");
  verb->add_option("--out", arguments->out, "Model file to write (default: the name with .safetensors)");
  verb->add_flag("--overwrite", arguments->overwrite, "Replace a file that exists");
  verb->callback([verb, arguments] { run_convert(*verb, *arguments); });
}

}  // namespace iddpm::cli

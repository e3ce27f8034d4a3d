// iddpm convert: checkpoints of the published programs, and the Inception network of FID.

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/options/effect.h"
#include "cli/options/output_file.h"
#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"
#include "iddpm/evaluation/features/inception_features.h"
#include "iddpm/interchange/reference_conversion.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

struct ConvertArguments {
  ReferenceCheckpoint reference;
  fs::path ema;
  std::string family = "improved";
  std::string flags;
  fs::path out;
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

void run_convert(const CLI::App& verb, ConvertArguments arguments) {
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
  arguments.reference.family = parse_reference_family(arguments.family);
  arguments.reference.flags = parse_reference_flags(arguments.flags);
  convert_reference_checkpoint(arguments.reference, out);
  print(describe(Checkpoint(out)));
  say(fmt::format("Written: {}", display_path(out)));
}

}  // namespace

void add_convert(CLI::App& app) {
  auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* verb = app.add_subcommand("convert", "Read a checkpoint of the published PyTorch programs");
  verb->footer(
      "Examples:\n"
      "  iddpm convert cifar10_uncond_50M_500K.pt \\\n"
      "    --flags \"--image_size 32 --num_channels 128 --num_res_blocks 3 --learn_sigma True --dropout 0.3\n"
      "             --diffusion_steps 4000 --noise_schedule cosine\"\n"
      "      flags are those of the program that trained it, as its README lists them; what is left out has its "
      "default\n"
      "  iddpm convert model500000.pt --ema-file ema_0.9999_500000.pt --flags \"...\" --out model.safetensors\n"
      "      raw weights and their average together\n"
      "  iddpm convert pt_inception-2015-12-05-6726825d.pth --out inception.safetensors\n"
      "      the Inception network that FID is defined by, for 'iddpm evaluate --features'\n"
      "Both of torch.save's formats are read, by a reader that executes nothing. What doesn't fit is named.");
  verb->add_option("checkpoint", arguments->reference.weights, "The .pt or .pth file")->required()->type_name("FILE");
  verb->add_option("--flags", arguments->flags, "The command-line flags it was trained with")
      ->check(understood_by([](const std::string& flags) { (void)parse_reference_flags(flags); }));
  verb->add_option("--family", arguments->family,
                   "Whose flags: improved, improved_sr, guided or guided_sr (the defaults differ) (improved)")
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

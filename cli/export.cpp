// iddpm export: a model's network for other programs to run.

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/options/open_model.h"
#include "cli/options/output_file.h"
#include "cli/options/values.h"
#include "cli/options/weight_options.h"
#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"
#include "iddpm/interchange/onnx_export.h"

namespace iddpm::cli {
namespace {

struct ExportArguments {
  std::filesystem::path model;
  std::string to = "onnx";
  std::filesystem::path out;
  WeightOptions weights;
  bool overwrite = false;
};

void run_export(const ExportArguments& arguments) {
  const std::filesystem::path model = find_model(arguments.model);
  std::filesystem::path out = arguments.out;
  if (out.empty()) out = std::filesystem::path(model.filename()).replace_extension(".onnx");
  check_output_file("--out", out, arguments.overwrite);
  export_to_onnx(Checkpoint(model), weight_choice(arguments.weights), out);
  say(fmt::format("Written: {}", display_path(out)));
}

}  // namespace

void add_export(CLI::App& app) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* verb = app.add_subcommand("export", "Write a model's network for other programs to run");
  verb->footer(
      "Example:\n"
      "  iddpm export runs/photos --to onnx --out photos.onnx\n"
      "The file takes x [batch, C, H, W] and t [batch] (float32; t * 1000 / T where the model rescales timesteps), "
      "with\n"
      "classes y [batch] (int64, -1: none), and gives the network's output. Which noise it was trained on is written "
      "in\n"
      "its metadata under 'iddpm'. For Hugging Face's diffusers: iddpm convert --to diffusers.");
  verb->add_option("model", arguments->model, "Run folder, checkpoint file or folder of diffusers")
      ->required()
      ->type_name("MODEL");
  verb->add_option("--to", arguments->to, "What to write: onnx (onnx)")->check(understood_by([](const std::string& to) {
    require(to == "onnx", "expected onnx, got '{}'", to);
  }));
  verb->add_option("--out", arguments->out, "File to write (default: the model's name with .onnx, here)");
  add_weight_options(*verb, arguments->weights);
  verb->add_flag("--overwrite", arguments->overwrite, "Replace a file that exists");
  verb->callback([arguments] { run_export(*arguments); });
}

}  // namespace iddpm::cli

// iddpm info: what a checkpoint is.

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/options/open_model.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/printed_json.h"
#include "iddpm/model/checkpoint.h"

namespace iddpm::cli {
namespace {

struct InfoArguments {
  std::filesystem::path model;
  bool tensors = false;
  bool json = false;
};

void run_info(const InfoArguments& arguments) {
  const Checkpoint checkpoint(find_model(arguments.model));
  const SafetensorsFile& file = checkpoint.file();
  if (arguments.json) {
    nlohmann::json description = describe_json(checkpoint);
    if (arguments.tensors) {
      for (const std::string& name : file.names()) description["tensors"][name] = file.shape(name);
    }
    print(printed_json(description));
    return;
  }
  std::string text = describe(checkpoint);
  if (arguments.tensors) {
    text += "\nTensors\n";
    for (const std::string& name : file.names()) {
      text += fmt::format("  {:<64} {:<10} [{}]\n", name, c10::toString(file.type(name)),
                          fmt::join(file.shape(name), ", "));
    }
  }
  print(text);
}

}  // namespace

void add_info(CLI::App& app) {
  auto arguments = std::make_shared<InfoArguments>();
  CLI::App* verb = app.add_subcommand("info", "Explain a checkpoint");
  verb->footer(
      "Examples:\n"
      "  iddpm info runs/photos\n"
      "  iddpm info model.safetensors --tensors\n"
      "  iddpm info model.safetensors --json");
  verb->add_option("model", arguments->model, "Run folder or checkpoint file")->required()->type_name("MODEL");
  verb->add_flag("--tensors", arguments->tensors, "List every tensor with its type and shape");
  verb->add_flag("--json", arguments->json, "For scripts");
  verb->callback([arguments] { run_info(*arguments); });
}

}  // namespace iddpm::cli

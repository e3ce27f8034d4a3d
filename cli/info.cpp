// iddpm info: what a checkpoint is.

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/options/open_model.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/printed_json.h"
#include "iddpm/core/error.h"
#include "iddpm/model/checkpoint.h"
#include "iddpm/model/trained_classifier.h"

namespace iddpm::cli {
namespace {

struct InfoArguments {
  std::filesystem::path model;
  bool tensors = false;
  bool json = false;
};

bool is_classifier(const std::filesystem::path& path) {
  try {
    return is_trained_classifier(SafetensorsFile(path));
  } catch (const Error&) {
    return false;  // whatever it is, no classifier
  }
}

std::vector<StoredTensor> tensors_of(const SafetensorsFile& file) {
  std::vector<StoredTensor> tensors;
  for (const std::string& name : file.names()) tensors.push_back({name, file.type(name), file.shape(name)});
  return tensors;
}

// A model or a classifier, with its file's tensors.
template <typename Described>
void describe_for(const InfoArguments& arguments, const Described& described,
                  const std::vector<StoredTensor>& tensors) {
  if (arguments.json) {
    nlohmann::json description = describe_json(described);
    if (arguments.tensors) {
      for (const StoredTensor& tensor : tensors) description["tensors"][tensor.name] = tensor.shape;
    }
    print(printed_json(description));
    return;
  }
  std::string text = describe(described);
  if (arguments.tensors) {
    text += "\nTensors\n";
    for (const StoredTensor& tensor : tensors) {
      text +=
          fmt::format("  {:<64} {:<10} [{}]\n", tensor.name, c10::toString(tensor.type), fmt::join(tensor.shape, ", "));
    }
  }
  print(text);
}

void run_info(const InfoArguments& arguments) {
  const std::filesystem::path path = find_model(arguments.model);
  if (is_classifier(path)) {
    return describe_for(arguments, TrainedClassifier::open(path), tensors_of(SafetensorsFile(path)));
  }
  const Checkpoint checkpoint(path);
  describe_for(arguments, checkpoint, checkpoint.tensors());
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
  verb->add_option("model", arguments->model,
                   "Run folder, checkpoint file, folder of diffusers or classifier of noisy images")
      ->required()
      ->type_name("MODEL");
  verb->add_flag("--tensors", arguments->tensors, "List every tensor with its type and shape");
  verb->add_flag("--json", arguments->json, "For scripts");
  verb->callback([arguments] { run_info(*arguments); });
}

}  // namespace iddpm::cli

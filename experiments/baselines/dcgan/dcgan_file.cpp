// A Dcgan as a file: safetensors with everything that `step` reads and changes.

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "experiments/baselines/dcgan/dcgan_state.h"
#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/safetensors.h"

namespace iddpm::baselines {
namespace {

constexpr const char* metadata_key = "iddpm_dcgan";
// Format 2 knows the average's rate, which was 0.995 before, and the time.
constexpr std::int64_t format_version = 2;

nlohmann::json to_json(const DcganOptions& options) {
  return {{"image_height", options.image_height},
          {"image_width", options.image_width},
          {"image_channels", options.image_channels},
          {"latent", options.latent},
          {"channels", options.channels},
          {"learning_rate", options.learning_rate},
          {"beta_1", options.beta_1},
          {"average_rate", options.average_rate},
          {"seed", options.seed}};
}

DcganOptions options_from_json(const nlohmann::json& json, std::int64_t format, const std::string& where) {
  const JsonRecord record(json, where,
                          {"image_height", "image_width", "image_channels", "latent", "channels", "learning_rate",
                           "beta_1", "average_rate", "seed"});
  DcganOptions options;
  record.read("image_height", options.image_height);
  record.read("image_width", options.image_width);
  record.read("image_channels", options.image_channels);
  record.read("latent", options.latent);
  record.read("channels", options.channels);
  record.read("learning_rate", options.learning_rate);
  record.read("beta_1", options.beta_1);
  if (format >= 2) record.read("average_rate", options.average_rate);
  record.read("seed", options.seed);
  return options;
}

// The tensors that a state of these options has, checked before anything is read.
void check_tensors(const SafetensorsFile& file, const NamedShapes& expected) {
  for (const auto& [name, shape] : expected) {
    require(file.contains(name) && file.shape(name) == shape && file.type(name) == at::kFloat,
            "expected a float32 tensor {} of shape {}, got {}", name, format_shape(shape),
            file.contains(name) ? fmt::format("{} {}", at::toString(file.type(name)), format_shape(file.shape(name)))
                                : "none");
  }
  require(file.names().size() == expected.size(), "expected {} tensors, got {}", expected.size(), file.names().size());
}

}  // namespace

void Dcgan::save(const std::filesystem::path& path) const {
  NamedTensors tensors;
  for (const auto& [name, tensor] : state_->tensors()) tensors.emplace_back(name, tensor.detach().contiguous());
  const nlohmann::json metadata = {{"format", format_version},
                                   {"options", to_json(state_->options)},
                                   {"steps_done", state_->steps_done},
                                   {"examples_seen", state_->examples_seen},
                                   {"processor_seconds", state_->processor_seconds}};
  write_safetensors(path, tensors, {{metadata_key, metadata.dump()}});
}

Dcgan Dcgan::load(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  const auto found = file.metadata().find(metadata_key);
  require(found != file.metadata().end(), "{} holds no DCGAN: its metadata lack the key '{}'", path.string(),
          metadata_key);
  try {
    const nlohmann::json json = parse_json(found->second, metadata_key);
    const JsonRecord record(json, metadata_key,
                            {"format", "options", "steps_done", "examples_seen", "processor_seconds"});
    const auto format = record.get<std::int64_t>("format");
    require(format >= 1 && format <= format_version, "its format is {}; this program reads 1 to {}", format,
            format_version);
    const DcganOptions options = options_from_json(record.raw("options"), format, metadata_key);
    check(options);
    check_tensors(file, State::tensor_shapes(options));
    file.require_memory_for_all();

    auto state = std::make_unique<State>(options);
    NamedParameters loaded;
    for (const std::string& name : file.names()) loaded.emplace_back(name, file.tensor(name));
    load_parameters(state->tensors(), loaded, "its tensors");
    state->steps_done = record.get<std::int64_t>("steps_done");
    state->examples_seen = record.get<std::int64_t>("examples_seen");
    if (format >= 2) record.read("processor_seconds", state->processor_seconds);
    require(state->processor_seconds >= 0, "expected at least 0 seconds, got {}", state->processor_seconds);
    require(state->steps_done >= 0 && state->examples_seen >= 0, "expected counts of at least 0, got {} and {}",
            state->steps_done, state->examples_seen);
    return Dcgan(std::move(state));
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}", path.string(), error.what());
  }
}

}  // namespace iddpm::baselines

#include "iddpm/evaluation/likelihood/pairwise_bound_file.h"

#include <algorithm>
#include <string>

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/safetensors.h"
#include "iddpm/version.h"

namespace iddpm {
namespace {

constexpr const char* bound_format = "iddpm pairwise bound 1";
constexpr const char* format_key = "format";
constexpr const char* protocol_key = "protocol";

// The part of a square matrix from `diagonal` above the main one upwards, row after row, and back.
Tensor packed(const Tensor& square, std::int64_t diagonal) {
  const std::int64_t size = square.size(0);
  std::vector<Tensor> rows;
  for (std::int64_t s = 0; s < size; ++s) rows.push_back(square[s].slice(0, std::min(s + diagonal, size)));
  return at::cat(rows);
}

Tensor unpacked(const Tensor& rows, std::int64_t size, std::int64_t diagonal) {
  Tensor square = at::zeros({size, size}, rows.options());
  std::int64_t begin = 0;
  for (std::int64_t s = 0; s + diagonal < size; ++s) {
    const std::int64_t length = size - s - diagonal;
    square[s].slice(0, s + diagonal).copy_(rows.narrow(0, begin, length));
    begin += length;
  }
  return square;
}

std::int64_t count_candidates(const SafetensorsFile& file) {
  require(file.contains("timesteps"), "expected a tensor timesteps, which it lacks");
  const std::vector<std::int64_t> shape = file.shape("timesteps");
  require(shape.size() == 1 && shape[0] >= 1 && shape[0] <= max_respacing_candidates,
          "expected 1 to {} timesteps, got {}", max_respacing_candidates, format_shape(shape));
  return shape[0];
}

PairwiseBound read(const SafetensorsFile& file) {
  const auto text = [&](const char* key) {
    const auto found = file.metadata().find(key);
    return found == file.metadata().end() ? std::string() : found->second;
  };
  require(text(format_key) == bound_format, "expected the format '{}' in its metadata, got '{}'", bound_format,
          text(format_key));
  const auto protocol = parse_json(text(protocol_key), protocol_key).get<Protocol>();
  require(protocol.model.has_value(), "expected a model in its protocol, got none");

  PairwiseBound bound{.measured = protocol.images, .model = *protocol.model};
  const std::int64_t candidates = count_candidates(file);
  const Tensor timesteps = file.tensor("timesteps", at::kLong, {candidates}).contiguous();
  bound.timesteps.assign(timesteps.data_ptr<std::int64_t>(), timesteps.data_ptr<std::int64_t>() + candidates);
  std::int64_t least = 0;
  for (const std::int64_t t : bound.timesteps) {
    require(t >= least && t < bound.model.steps, "expected ascending timesteps of a process of {} steps, got {}",
            bound.model.steps, t);
    least = t + 1;
  }
  const std::int64_t pairs = candidates * (candidates - 1) / 2;
  bound.terms = {
      .prior = file.tensor("prior", at::kDouble, {candidates}),
      .step = unpacked(file.tensor("step", at::kDouble, {pairs}), candidates, 1),
      .decoder = unpacked(file.tensor("decoder", at::kDouble, {pairs + candidates}), candidates, 0),
  };
  check(bound.terms);
  return bound;
}

}  // namespace

void save_pairwise_bound(const std::filesystem::path& path, const PairwiseBound& bound) {
  check(bound.terms);
  const NamedTensors tensors = {
      {"timesteps", at::tensor(bound.timesteps, at::kLong)},
      {"prior", bound.terms.prior.contiguous()},
      {"step", packed(bound.terms.step, 1)},
      {"decoder", packed(bound.terms.decoder, 0)},
  };
  const Protocol protocol{
      .measurement = Measurement::likelihood,
      .images = bound.measured,
      .model = bound.model,
      .software = fmt::format("iddpm {}", version),
  };
  // Names of files need not be UTF-8, which JSON must be.
  const std::string text = nlohmann::json(protocol).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  write_safetensors(path, tensors, {{format_key, bound_format}, {protocol_key, text}});
}

PairwiseBound load_pairwise_bound(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  file.require_memory_for_all();
  try {
    return read(file);
  } catch (const Error& error) {
    fail(error.kind(), "{}: no table of the bound's terms: {}", path.string(), error.what());
  }
}

}  // namespace iddpm

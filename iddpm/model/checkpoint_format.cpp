#include "iddpm/model/checkpoint_format.h"

#include <set>

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/crc32c.h"
#include "iddpm/version.h"

namespace iddpm::checkpoint_format {

std::string group_name(std::optional<double> ema_rate) {
  return ema_rate.has_value() ? fmt::format("ema_{}", *ema_rate) : "model";
}

std::string write_metadata(const CheckpointInfo& info, const Checksums& checksums) {
  const nlohmann::json json = {{"format", version},
                               {"version", info.version.empty() ? iddpm::version : info.version},
                               {"model", info.settings},
                               {"step", info.step},
                               {"seed", info.seed},
                               {"ema_rates", info.ema_rates},
                               {"checksums", checksums},
                               {"origin", info.origin},
                               {"data_pixels", info.data_pixels}};
  // Paths of the origin need not be UTF-8.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::pair<CheckpointInfo, Checksums> read_metadata(const std::string& json, const std::string& where) {
  const nlohmann::json parsed = parse_json(json, where);
  // A later format may have other fields, so its number is looked at first.
  const bool has_format = parsed.is_object() && parsed.contains("format") && parsed["format"].is_number_integer();
  require(has_format, "{}: its description names no format; expected {}", where, version);
  require(parsed["format"] >= 1 && parsed["format"] <= version, ErrorKind::unsupported,
          "{}: its format is {}; this program reads formats 1 to {} (a newer program wrote it?)", where,
          parsed["format"].dump(), version);
  const JsonRecord record(
      parsed, where, {"format", "version", "model", "step", "seed", "ema_rates", "checksums", "origin", "data_pixels"});
  CheckpointInfo info;
  record.read("step", info.step);
  record.read("seed", info.seed);
  record.read("version", info.version);
  record.read("ema_rates", info.ema_rates);
  info.origin = record.raw("origin");
  const auto format = record.get<std::int64_t>("format");
  const nlohmann::json& model = record.raw("model");
  const nlohmann::json* data_pixels = format > 1 ? &record.raw("data_pixels") : nullptr;
  try {
    info.settings = model_settings_of(model, format);
    if (data_pixels != nullptr) info.data_pixels = data_pixels->get<PixelStatistics>();
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}", where, error.what());
  }
  require(info.data_pixels.empty() ||
              static_cast<std::int64_t>(info.data_pixels.channels.size()) == info.settings.network.image_channels,
          "{}: its images have {} channels, but the pixels that it was trained on {}", where,
          info.settings.network.image_channels, info.data_pixels.channels.size());
  require(info.step >= 0, "{}: expected a step of at least 0, got {}", where, info.step);
  Checksums checksums;
  const JsonRecord sums(record.raw("checksums"), where + ", checksums");
  for (const auto& [group, sum] : record.raw("checksums").items()) {
    const auto value = sums.get<std::uint64_t>(group.c_str());
    require(value <= UINT32_MAX, "{}: expected checksums of 32 bits, got {}", where, value);
    checksums.emplace(group, static_cast<std::uint32_t>(value));
  }
  require(std::set<double>(info.ema_rates.begin(), info.ema_rates.end()).size() == info.ema_rates.size(),
          "{}: expected each EMA rate once", where);
  require(checksums.size() == info.ema_rates.size() + 1 && checksums.contains(group_name(std::nullopt)),
          "{}: expected a checksum for the raw weights and each of {} EMA rates, got {}", where, info.ema_rates.size(),
          checksums.size());
  for (const double rate : info.ema_rates) {
    require(rate > 0 && rate < 1, "{}: expected EMA rates between 0 and 1, got {}", where, rate);
    require(checksums.contains(group_name(rate)), "{}: no checksum for the EMA rate {}", where, rate);
  }
  return {std::move(info), std::move(checksums)};
}

Tensor stored_form(const Tensor& tensor) { return tensor.detach().to(at::kCPU, at::kFloat).contiguous(); }

std::uint32_t checksum(const Tensor& stored, std::uint32_t previous) {
  return crc32c({static_cast<const std::byte*>(stored.data_ptr()), stored.nbytes()}, previous);
}

}  // namespace iddpm::checkpoint_format

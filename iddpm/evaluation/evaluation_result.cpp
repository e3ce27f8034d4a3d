#include "iddpm/evaluation/evaluation_result.h"

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/atomic_file.h"

namespace iddpm {
namespace {

constexpr const char* evaluation_format = "iddpm evaluation 1";
constexpr std::uintmax_t largest_file = std::uintmax_t{64} << 20;  // figures per image of a large data set

}  // namespace

void to_json(nlohmann::json& json, const EvaluationResult& result) {
  json = {{"format", evaluation_format},
          {"measurement_id", measurement_id(result.protocol)},
          {"protocol", result.protocol},
          {"figures", result.figures}};
}

void save_result(const std::filesystem::path& path, const EvaluationResult& result) {
  // Names of files need not be UTF-8, which JSON must be.
  const auto replace = nlohmann::json::error_handler_t::replace;
  write_file_atomically(path, nlohmann::json(result).dump(2, ' ', false, replace) + "\n");
}

EvaluationResult load_result(const std::filesystem::path& path) {
  const std::string where = path.string();
  const nlohmann::json json = parse_json(read_file(path, largest_file), where);
  try {
    const JsonRecord record(json, "result", {"format", "measurement_id", "protocol", "figures"});
    require(record.get<std::string>("format") == evaluation_format, "expected a result of the format '{}', got '{}'",
            evaluation_format, record.get<std::string>("format"));
    EvaluationResult result;
    result.protocol = record.raw("protocol").get<Protocol>();
    result.figures = record.raw("figures");
    require(result.figures.is_object(), "expected an object of figures, got {}", result.figures.type_name());
    require(record.get<std::string>("measurement_id") == measurement_id(result.protocol),
            "expected the measurement id {} that its protocol gives, got {}", measurement_id(result.protocol),
            record.get<std::string>("measurement_id"));
    return result;
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}", where, error.what());
  }
}

}  // namespace iddpm

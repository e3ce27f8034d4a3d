#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace iddpm::cli {

/// JSON as it is printed and stored. Names of files, which it may hold, need not be UTF-8; what isn't is replaced.
inline std::string printed_json(const nlohmann::json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace iddpm::cli

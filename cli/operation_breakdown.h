#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace iddpm::cli {

/// Runs the work `repetitions` times and says which operations its time went to: an array of {operation, calls,
/// seconds, share}, of one run on average, the largest first. Calls and seconds of the whole process's first run, which
/// sets things up, should be behind.
nlohmann::json operation_breakdown(int repetitions, const std::function<void()>& work);

/// The array for people: one line an operation.
std::string breakdown_table(const nlohmann::json& breakdown);

}  // namespace iddpm::cli

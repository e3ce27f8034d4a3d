#pragma once

#include <span>
#include <string>
#include <vector>

namespace iddpm {

/// The candidate that `name` was probably meant to be: the one of least edit distance (insertions, deletions,
/// replacements, swaps of neighbours), or empty if none is near.
std::string nearest_name(const std::string& name, std::span<const std::string> candidates);

/// " Did you mean 'x'?" or nothing: the end of an error sentence.
std::string did_you_mean(const std::string& name, std::span<const std::string> candidates);

}  // namespace iddpm

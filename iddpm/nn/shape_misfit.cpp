#include "iddpm/nn/shape_misfit.h"

#include <algorithm>
#include <map>

#include "iddpm/core/error.h"
#include "iddpm/core/quote.h"

namespace iddpm {
namespace {

template <typename List, typename Text>
std::string first_few(const List& list, Text text) {
  constexpr std::size_t most_named = 3;
  std::vector<std::string> named;
  for (std::size_t i = 0; i < std::min(list.size(), most_named); ++i) named.push_back(text(list[i]));
  return fmt::format("{}{}", fmt::join(named, ", "), list.size() > most_named ? " ..." : "");
}

}  // namespace

ShapeMisfit compare_shapes(const NamedShapes& expected_shapes, const NamedShapes& found_shapes) {
  const std::map<std::string, std::vector<std::int64_t>> expected(expected_shapes.begin(), expected_shapes.end());
  const std::map<std::string, std::vector<std::int64_t>> found(found_shapes.begin(), found_shapes.end());
  ShapeMisfit misfit;
  misfit.expected = expected.size();
  for (const auto& [name, shape] : expected) {
    const auto place = found.find(name);
    if (place == found.end()) {
      misfit.missing.push_back(name);
    } else if (place->second != shape) {
      misfit.mismatched.push_back({name, place->second, shape});
    }
  }
  for (const auto& [name, shape] : found) {
    if (!expected.contains(name)) misfit.unexpected.push_back(name);
  }
  return misfit;
}

std::string describe(const ShapeMisfit& misfit) {
  if (misfit.empty()) return {};
  std::vector<std::string> parts;
  const auto quoted = [](const std::string& name) { return quote(name); };
  if (!misfit.missing.empty()) {
    parts.push_back(fmt::format("{} missing ({})", misfit.missing.size(), first_few(misfit.missing, quoted)));
  }
  if (!misfit.unexpected.empty()) {
    parts.push_back(fmt::format("{} unexpected ({})", misfit.unexpected.size(), first_few(misfit.unexpected, quoted)));
  }
  if (!misfit.mismatched.empty()) {
    const auto text = [](const ShapeMismatch& mismatch) {
      return fmt::format("{}: {} instead of {}", quote(mismatch.name), format_shape(mismatch.found),
                         format_shape(mismatch.expected));
    };
    parts.push_back(
        fmt::format("{} of another shape ({})", misfit.mismatched.size(), first_few(misfit.mismatched, text)));
  }
  return fmt::format("of {} parameters, {}", misfit.expected, fmt::join(parts, ", "));
}

}  // namespace iddpm

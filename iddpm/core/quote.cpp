#include "iddpm/core/quote.h"

#include <fmt/format.h>

namespace iddpm {

std::string quote(std::string_view text) {
  constexpr std::size_t longest = 120;
  if (text.size() <= longest) return fmt::format("{:?}", text);
  return fmt::format("{:?}...", text.substr(0, longest));
}

}  // namespace iddpm

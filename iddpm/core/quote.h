#pragma once

#include <string>
#include <string_view>

namespace iddpm {

/// Text found in a file, for messages: in quotes, shortened, control characters escaped.
std::string quote(std::string_view text);

}  // namespace iddpm

#pragma once

#include <string>
#include <string_view>

namespace iddpm {

/// The code points of a UTF-8 text. Each byte that doesn't belong to a valid sequence becomes U+FFFD.
std::u32string decode_utf8(std::string_view text);

/// The UTF-8 text of code points.
std::string encode_utf8(std::u32string_view text);

/// Text made safe inside HTML and XML, in element content and in quoted attributes: & < > " ' become entities, control
/// characters that XML forbids and invalid UTF-8 become U+FFFD.
std::string escape_markup(std::string_view text);

}  // namespace iddpm

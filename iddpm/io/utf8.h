#pragma once

#include <string>
#include <string_view>

namespace iddpm {

/// Whether the bytes are UTF-8 (RFC 3629: no surrogates, nothing overlong).
bool is_utf8(std::string_view bytes);

/// Names of files are bytes; JSON takes only UTF-8. UTF-8 stays as it is; each byte that isn't becomes a character of
/// its own in the private range U+F700 to U+F7FF, so that utf8_bytes can give it back.
std::string utf8_text(std::string_view bytes);

/// The bytes that utf8_text was given. Text that it doesn't make comes back as it is.
std::string utf8_bytes(std::string_view text);

}  // namespace iddpm

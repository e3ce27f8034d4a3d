#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "iddpm/io/input_file.h"

namespace iddpm {

/// Where the contents of a zip archive's entry of this name lie, if it is stored as it is (PKWARE's APPNOTE.TXT,
/// sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16 and 4.5.3): the offset of its first byte. Nothing if it is deflated or
/// isn't there. Throws Error naming the file if its directory is damaged or places the entry beyond the end.
std::optional<std::uint64_t> offset_of_stored_entry(const InputFile& file, const std::string& name);

}  // namespace iddpm

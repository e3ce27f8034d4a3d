#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace iddpm::cli {

/// To be called first of all. Opens /dev/null in place of a standard stream that is closed, so that no file of ours
/// gets its number and what is said to it. A reader that goes away (a broken pipe) or a limit on the size of files is
/// an error of the write from now on, not the end of the program.
void prepare_standard_streams();

/// One of several processes that work together on one terminal: all but the first only complain from now on.
void speak_as(std::int64_t rank);

/// Why the program ends: "iddpm: ...", with the rank where it is one of several processes that isn't the first.
void complain(const std::string& sentence);

/// Writes text to standard error, unless only the first of several processes speaks. Whether that succeeds doesn't
/// matter: nothing said is worth ending the work for (a closed terminal, a full disk, a broken pipe).
void write_to_standard_error(std::string_view text);

}  // namespace iddpm::cli

#pragma once

#include <string_view>

namespace iddpm::cli {

/// To be called first of all. Opens /dev/null in place of a standard stream that is closed, so that no file of ours
/// gets its number and what is said to it. A reader that goes away (a broken pipe) or a limit on the size of files is
/// an error of the write from now on, not the end of the program.
void prepare_standard_streams();

/// Writes text to standard error. Whether that succeeds doesn't matter: nothing said is worth ending the work for (a
/// closed terminal, a full disk, a broken pipe).
void write_to_standard_error(std::string_view text);

}  // namespace iddpm::cli

#pragma once

#include "iddpm/io/pickle_input.h"
#include "iddpm/io/pickle_value.h"

namespace iddpm {

/// Reads one pickle (protocols 2 to 5) up to its end. The stack machine of Python's pickle module, reduced to building
/// plain values: globals are names checked against a list (pickle_globals.h), "calls" are looked up there, and no
/// object's code exists. Memory is bounded by a constant times the bytes read. Throws Error naming the file if it is
/// damaged or asks for anything else.
Pickle read_pickle(PickleInput& input);

}  // namespace iddpm

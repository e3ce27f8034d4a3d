#pragma once

namespace iddpm {

/// Seconds of processor time that this process has had, user and system, of all threads together.
double processor_seconds();

}  // namespace iddpm

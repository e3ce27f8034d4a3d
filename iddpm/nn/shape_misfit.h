#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "iddpm/nn/module.h"

namespace iddpm {

/// A parameter of another shape than the network's.
struct ShapeMismatch {
  std::string name;
  std::vector<std::int64_t> found;
  std::vector<std::int64_t> expected;
};

/// How a file's weights differ from what a network needs.
struct ShapeMisfit {
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
  std::vector<ShapeMismatch> mismatched;
  std::size_t expected = 0;  ///< parameters that the network has

  bool empty() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
};

ShapeMisfit compare_shapes(const NamedShapes& expected, const NamedShapes& found);

/// "of 220 parameters, 3 missing ("a", "b", "c"), 1 of another shape ("d": [3] instead of [6])": counts, and the first
/// three names of each kind; empty if nothing differs.
std::string describe(const ShapeMisfit& misfit);

}  // namespace iddpm

#pragma once

#include <algorithm>
#include <array>
#include <string>

namespace iddpm::cli {

/// The verbs that several processes can do together; the others work in one.
inline constexpr std::array verbs_that_work_together = {"train", "sample"};

inline bool works_together(const std::string& verb) {
  return std::find(verbs_that_work_together.begin(), verbs_that_work_together.end(), verb) !=
         verbs_that_work_together.end();
}

}  // namespace iddpm::cli

#pragma once

#include "iddpm/core/error.h"

namespace iddpm {

/// Images that were there when their data set was opened are gone, all that were looked for: a folder that was deleted,
/// a disk or network that went away. Not to be taken for broken images, which are left out one by one.
class VanishedData : public Error {
 public:
  using Error::Error;
};

}  // namespace iddpm

#pragma once

#include <memory>

#include "capi/iddpm_c.h"
#include "iddpm/model/model.h"

namespace iddpm::capi {

/// A model that a caller holds, and how its calls compute.
struct OpenModel {
  Model model;
  ModelOptions options;  ///< as it was opened: guides are opened alike
  int threads = 0;       ///< 0: `kernels::available_threads`
};

/// A handle for it. Handles are numbers and never used again, so that one that was freed is known to be none. The table
/// of them is the one thing that this library keeps for its process.
iddpm_model* add_model(std::shared_ptr<const OpenModel> model);

/// The model of a handle, which lives as long as it is held here. Throws CallError of IDDPM_NO_SUCH_MODEL.
std::shared_ptr<const OpenModel> find_model(const iddpm_model* handle);

/// Forgets a handle. Throws as above.
void remove_model(const iddpm_model* handle);

}  // namespace iddpm::capi

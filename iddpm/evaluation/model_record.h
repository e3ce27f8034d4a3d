#pragma once

#include <cstdint>
#include <string>

#include "iddpm/evaluation/protocol.h"
#include "iddpm/model/draw.h"
#include "iddpm/model/model.h"

namespace iddpm {

/// The record of a model: the file with its hash, weights, precision and device, the seed and the steps of its process,
/// all of which it takes until it is said otherwise.
ModelRecord model_record(const Model& model, std::uint64_t seed);

/// The same of samples: how they are drawn, "ddim eta 0.5, guidance 2, start data, respacing trailing20". `start`: what
/// the start is called; "noise" is left out.
ModelRecord model_record(const Model& model, const DrawRequest& request, const std::string& start = "noise");

/// What records say of a respacing specification whose number of steps does not tell it: nothing of "" and "100",
/// "respacing 10,15,20" of that.
std::string respacing_note(const std::string& specification);

}  // namespace iddpm

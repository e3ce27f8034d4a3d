#pragma once

#include <string>

#include "iddpm/io/pickle_value.h"

namespace iddpm {

// Everything a pickle may name, and what becomes of it. This list is all that a checkpoint can "call".

/// Throws Error naming the file and the global unless it is one that state dictionaries need.
void check_global(const std::string& global, const Pickle& pickle);

/// The value of "calling" a global, one of those above, with arguments.
PickleValue* call_global(const std::string& global, const PickleSequence& arguments, Pickle& pickle);

/// The storage that a persistent id ("storage", type, key, device, size[, view]) stands for; entered into
/// `pickle.storages`.
PickleStorageView storage_of(const PickleValue& persistent_id, Pickle& pickle);

}  // namespace iddpm

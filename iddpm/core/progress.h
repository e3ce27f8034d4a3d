#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "iddpm/core/error.h"

namespace iddpm {

/// Long work that was stopped because somebody asked for it. What had been finished by then stays.
class Interrupted : public Error {
 public:
  explicit Interrupted(const std::string& sentence = "interrupted") : Error(sentence, ErrorKind::interrupted) {}
};

/// Told, now and then, how much of a long work is done. May throw to stop it: Interrupted, where a person wants that.
using ProgressCallback = std::function<void(std::int64_t done, std::int64_t total)>;

/// The same for work in stages, each with a name for people.
using StageProgress = std::function<void(std::string_view stage, std::int64_t done, std::int64_t total)>;

}  // namespace iddpm

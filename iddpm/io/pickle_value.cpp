#include "iddpm/io/pickle_value.h"

#include <utility>

#include "iddpm/core/error.h"

namespace iddpm {

PickleValue* Pickle::add(PickleValue value) {
  require(values.size() < most_values, ErrorKind::damaged_file, "{} holds more than {} values", name, most_values);
  return &values.emplace_back(std::move(value));
}

void Pickle::fail(const std::string& reason) const {
  iddpm::fail(ErrorKind::damaged_file, "{} is damaged or not a PyTorch checkpoint: {}", name, reason);
}

}  // namespace iddpm

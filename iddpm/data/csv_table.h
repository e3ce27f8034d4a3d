#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace iddpm {

/// A row of a table, with the number of the line it begins on.
struct CsvRow {
  std::int64_t line = 1;
  std::vector<std::string> fields;
};

/// Rows between `delimiter`s as RFC 4180 has them: fields may stand in double quotes, with delimiters, line ends and
/// doubled quotes inside. Spaces around fields don't count; empty lines are left out. A quote that isn't closed takes
/// in no more than its own line.
std::vector<CsvRow> parse_csv(std::string_view text, char delimiter);

/// A table's text as UTF-8 without byte order mark: UTF-16 (by its mark) is converted, all else stays as it is.
std::string table_text(std::string bytes);

}  // namespace iddpm

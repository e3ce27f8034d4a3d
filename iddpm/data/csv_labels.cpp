#include "iddpm/data/csv_labels.h"

#include <cstdint>
#include <string_view>
#include <unordered_set>

#include "iddpm/core/error.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/input_file.h"

namespace iddpm {

namespace {

constexpr std::uintmax_t largest_table = std::uintmax_t{1} << 30;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// Takes the first field off `line` and, if there is one, the comma behind it. `more` tells whether there was.
std::string take_field(std::string_view& line, bool& more, std::string_view place) {
  line = trimmed(line);
  std::string field;
  if (line.starts_with('"')) {
    std::size_t i = 1;
    while (true) {
      require(i < line.size(), "{}: a double quote isn't closed", place);
      if (line[i] != '"') {
        field += line[i++];
      } else if (i + 1 < line.size() && line[i + 1] == '"') {
        field += '"';
        i += 2;
      } else {
        break;
      }
    }
    line = trimmed(line.substr(i + 1));
    require(line.empty() || line.front() == ',', "{}: expected a comma after a closing double quote, found {}", place,
            quote(line));
  } else {
    const std::size_t comma = line.find(',');
    field = trimmed(line.substr(0, comma));
    line = comma == std::string_view::npos ? std::string_view{} : line.substr(comma);
  }
  more = !line.empty();
  if (more) line.remove_prefix(1);
  return field;
}

struct Row {
  std::string file;
  std::string label;
};

Row read_row(std::string_view line, std::string_view place) {
  const std::string_view whole = line;
  bool more = false;
  Row row;
  row.file = take_field(line, more, place);
  require(more, "{}: expected \"file,label\", found no comma in {}", place, quote(whole));
  row.label = take_field(line, more, place);
  require(!more, "{}: expected two fields, \"file,label\", found more in {} (a label with a comma needs double quotes)",
          place, quote(whole));
  require(!row.file.empty() && !row.label.empty(), "{}: expected \"file,label\", found an empty field in {}", place,
          quote(whole));
  while (row.file.starts_with("./")) row.file.erase(0, 2);
  return row;
}

}  // namespace

std::unordered_map<std::string, std::string> read_csv_labels(const std::filesystem::path& csv,
                                                             const std::vector<std::string>& images) {
  const std::unordered_set<std::string_view> known(images.begin(), images.end());
  const std::string text = read_file(csv, largest_table);
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);  // the byte order mark that spreadsheets write

  std::unordered_map<std::string, std::string> labels;
  for (std::int64_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = trimmed(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (line.empty()) continue;
    Row row = read_row(line, fmt::format("{}, line {}", csv.string(), number));
    if (!known.contains(row.file)) continue;
    const auto [place, is_new] = labels.try_emplace(row.file, row.label);
    require(is_new || place->second == row.label, "{}, line {}: {} has already got the label {}, now {}", csv.string(),
            number, quote(row.file), quote(place->second), quote(row.label));
  }
  return labels;
}

}  // namespace iddpm

#include "iddpm/data/csv_labels.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/core/memory_limit.h"
#include "iddpm/data/csv_table.h"
#include "iddpm/data/lower_case.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/input_file.h"

namespace iddpm {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t largest_table = std::uintmax_t{1} << 30;
constexpr std::size_t rows_looked_at = 1000;
constexpr std::string_view label_headers[] = {"label", "labels",     "class",      "classes", "category", "target",
                                              "breed", "class_name", "label_name", "species", "class_id", "y"};

std::string without_ending(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos || name.find('/', dot) != std::string::npos ? name : name.substr(0, dot);
}

/// Finds the image that a table means.
class ImageFinder {
 public:
  ImageFinder(const std::vector<std::string>& images, const fs::path& folder) : images_(images) {
    std::error_code ignored;
    const fs::path whole = fs::absolute(folder, ignored).lexically_normal();
    folder_name_ = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
    for (std::size_t i = 0; i < images.size(); ++i) {
      exact_.emplace(images[i], i);
      longest_name_ = std::max(longest_name_, images[i].size());
    }
  }

  std::optional<std::size_t> find(std::string file) {
    std::replace(file.begin(), file.end(), '\\', '/');
    std::size_t begin = 0;
    while (file.compare(begin, 2, "./") == 0) begin += 2;
    file.erase(0, begin);
    if (file.empty()) return std::nullopt;
    if (const auto found = find_name(file)) return found;
    // With the folder's own name before it, from wherever the table was written.
    const std::string own = folder_name_ + '/';
    for (std::size_t place = file.find(own); place != std::string::npos; place = file.find(own, place + 1)) {
      const bool is_whole_name = place == 0 || file[place - 1] == '/';
      if (!is_whole_name || file.size() - place - own.size() > longest_name_) continue;
      if (const auto found = find_name(file.substr(place + own.size()))) return found;
    }
    return std::nullopt;
  }

 private:
  std::optional<std::size_t> find_name(const std::string& name) {
    if (name.size() > longest_name_) return std::nullopt;
    if (const auto found = exact_.find(name); found != exact_.end()) return found->second;
    index_other_spellings();
    const std::string lower = lower_case(name);
    for (const auto* spellings : {&lower_, &stems_}) {
      const auto found = spellings->find(lower);
      if (found != spellings->end() && found->second != ambiguous) return found->second;
    }
    return std::nullopt;
  }

  void index_other_spellings() {
    if (indexed_) return;
    indexed_ = true;
    for (std::size_t i = 0; i < images_.size(); ++i) {
      const std::string lower = lower_case(images_[i]);
      add(lower_, lower, i);
      add(stems_, without_ending(lower), i);
    }
  }

  static void add(std::unordered_map<std::string, std::size_t>& spellings, const std::string& name, std::size_t image) {
    const auto [place, is_new] = spellings.emplace(name, image);
    if (!is_new) place->second = ambiguous;
  }

  static constexpr std::size_t ambiguous = static_cast<std::size_t>(-1);

  const std::vector<std::string>& images_;
  std::string folder_name_;
  std::size_t longest_name_ = 0;  // a field of a hostile table may be as long as the table
  std::unordered_map<std::string, std::size_t> exact_;
  bool indexed_ = false;
  std::unordered_map<std::string, std::size_t> lower_;
  std::unordered_map<std::string, std::size_t> stems_;
};

struct Column {
  std::size_t index = 0;
  std::size_t images = 0;  ///< how many of its fields name one
};

/// The column that names the most images.
Column file_column(const std::vector<CsvRow>& rows, std::size_t looked_at, ImageFinder& finder) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < std::min(looked_at, rows.size()); ++i) {
    const std::vector<std::string>& fields = rows[i].fields;
    if (found.size() < fields.size()) found.resize(fields.size());
    for (std::size_t c = 0; c < fields.size(); ++c) found[c] += finder.find(fields[c]) ? 1 : 0;
  }
  Column best;
  for (std::size_t c = 0; c < found.size(); ++c) {
    if (found[c] > best.images) best = {c, found[c]};
  }
  return best;
}

/// Fields of a byte each take many times that in memory.
void require_memory_for_fields(const std::string& text, char delimiter, const fs::path& csv) {
  const auto fields =
      std::count_if(text.begin(), text.end(), [&](char c) { return c == delimiter || c == '\n' || c == '\r'; });
  constexpr std::uint64_t bytes_per_field = 2 * (sizeof(std::string) + sizeof(CsvRow));  // vectors double as they grow
  require_memory(2 * (text.size() + static_cast<std::uint64_t>(fields) * bytes_per_field), csv.string());
}

struct Table {
  std::vector<CsvRow> rows;
  Column file;
};

Table read_table(const fs::path& csv, ImageFinder& finder) {
  const std::string text = table_text(read_file(csv, largest_table));
  Table best;
  // A table for several folders may name other images first.
  for (const std::size_t looked_at : {rows_looked_at, static_cast<std::size_t>(-1)}) {
    for (const char delimiter : {',', ';', '\t'}) {
      require_memory_for_fields(text, delimiter, csv);
      Table table = {parse_csv(text, delimiter), {}};
      table.file = file_column(table.rows, looked_at, finder);
      const auto width = [](const Table& t) { return t.rows.empty() ? 0 : t.rows.front().fields.size(); };
      if (table.file.images > best.file.images ||
          (table.file.images == best.file.images && table.file.images > 0 && width(table) > width(best))) {
        best = std::move(table);
      }
    }
    if (best.file.images > 0) return best;
  }
  fail("{} names none of the images: expected lines \"file,label\", with files as in their folder", csv.string());
}

std::size_t label_column(const Table& table, const fs::path& csv, ImageFinder& finder) {
  const std::vector<std::string>& first = table.rows.front().fields;
  const bool has_header = table.file.index < first.size() && !finder.find(first[table.file.index]);
  std::vector<std::size_t> candidates;
  for (std::size_t c = 0; c < first.size(); ++c) {
    if (c == table.file.index) continue;
    const std::string name = lower_case(first[c]);
    if (has_header && std::find(std::begin(label_headers), std::end(label_headers), name) != std::end(label_headers)) {
      return c;
    }
    // Numbers of lines, as some programs write them, have no name.
    if (!has_header || !name.empty()) candidates.push_back(c);
  }
  require(candidates.size() == 1,
          "{} has the columns {}: expected a file and a label, or one that is called label or class", csv.string(),
          quote(fmt::format("{}", fmt::join(first, ", "))));
  return candidates.front();
}

}  // namespace

CsvLabels read_csv_labels(const fs::path& csv, const fs::path& folder, const std::vector<std::string>& images) {
  ImageFinder finder(images, folder);
  const Table table = read_table(csv, finder);
  const std::size_t label = label_column(table, csv, finder);
  CsvLabels result;
  std::vector<bool> contradicted(images.size(), false);
  const std::string name = csv.filename().string();
  for (const CsvRow& row : table.rows) {
    const bool has_file = table.file.index < row.fields.size();
    const auto image = has_file ? finder.find(row.fields[table.file.index]) : std::nullopt;
    if (!image || contradicted[*image]) continue;
    const std::string place = fmt::format("{}, line {}", name, row.line);
    if (label >= row.fields.size() || row.fields[label].empty()) {
      leave_out(result.left_out, "lines without a label", place);
      continue;
    }
    const auto [known, is_new] = result.labels.try_emplace(images[*image], row.fields[label]);
    if (is_new || known->second == row.fields[label]) continue;
    leave_out(result.left_out, "lines that contradict another", place);
    contradicted[*image] = true;
    result.labels.erase(known);
  }
  return result;
}

}  // namespace iddpm

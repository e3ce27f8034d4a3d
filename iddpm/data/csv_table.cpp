#include "iddpm/data/csv_table.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace iddpm {

namespace {

using namespace std::string_view_literals;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

void append_utf8(std::string& text, std::uint32_t code) {
  const auto push = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xC0 | code >> 6);
    push(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    push(0xE0 | code >> 12);
    push(0x80 | (code >> 6 & 0x3F));
    push(0x80 | (code & 0x3F));
  } else {
    push(0xF0 | code >> 18);
    push(0x80 | (code >> 12 & 0x3F));
    push(0x80 | (code >> 6 & 0x3F));
    push(0x80 | (code & 0x3F));
  }
}

std::string utf8_from_utf16(std::string_view bytes, bool big_endian) {
  const auto unit = [&](std::size_t i) {
    const auto low = static_cast<unsigned char>(bytes[i + (big_endian ? 1 : 0)]);
    const auto high = static_cast<unsigned char>(bytes[i + (big_endian ? 0 : 1)]);
    return static_cast<std::uint32_t>(high << 8 | low);
  };
  std::string text;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    std::uint32_t code = unit(i);
    const bool is_pair =
        code >= 0xD800 && code < 0xDC00 && i + 3 < bytes.size() && unit(i + 2) >= 0xDC00 && unit(i + 2) < 0xE000;
    if (is_pair) {
      code = 0x10000 + ((code - 0xD800) << 10) + (unit(i + 2) - 0xDC00);
      i += 2;
    }
    append_utf8(text, code);
  }
  return text;
}

/// Takes fields off a text one by one.
class Reader {
 public:
  Reader(std::string_view text, char delimiter) : rest_(text), delimiter_(delimiter) {}

  bool at_end() const { return rest_.empty(); }
  std::int64_t line() const { return line_; }

  /// The next field, and whether the row goes on after it.
  std::pair<std::string, bool> field() {
    skip_spaces();
    std::string value;
    if (!rest_.empty() && rest_.front() == '"' && closing_quote() != std::string_view::npos) {
      value = quoted();
    }
    // What follows a closing quote belongs to the field too.
    const std::size_t end = std::min(rest_.find_first_of(std::string{delimiter_, '\n', '\r'}), rest_.size());
    value += trimmed(rest_.substr(0, end));
    rest_.remove_prefix(end);
    if (!rest_.empty() && rest_.front() == delimiter_) {
      rest_.remove_prefix(1);
      return {std::move(value), true};
    }
    if (rest_.starts_with("\r\n")) rest_.remove_prefix(1);
    if (!rest_.empty()) {
      rest_.remove_prefix(1);
      ++line_;
    }
    return {std::move(value), false};
  }

 private:
  void skip_spaces() {
    while (!rest_.empty() && (rest_.front() == ' ' || (rest_.front() == '\t' && delimiter_ != '\t'))) {
      rest_.remove_prefix(1);
    }
  }

  /// Of the quoted field that begins here; none if what it would take in isn't a field.
  std::size_t closing_quote() const {
    constexpr std::size_t longest_field = 1 << 16;
    for (std::size_t i = 1; i < rest_.size() && i < longest_field; ++i) {
      if (rest_[i] != '"') continue;
      if (i + 1 < rest_.size() && rest_[i + 1] == '"') {
        ++i;
        continue;
      }
      const std::size_t after = rest_.find_first_not_of(" \t", i + 1);
      const bool is_end = after == std::string_view::npos || rest_[after] == '\r' || rest_[after] == '\n' ||
                          rest_[after] == delimiter_ || delimiter_ == '\t';
      return is_end ? i : std::string_view::npos;
    }
    return std::string_view::npos;
  }

  std::string quoted() {
    const std::size_t end = closing_quote();
    std::string value;
    for (std::size_t i = 1; i < end; ++i) {
      if (rest_[i] == '"') ++i;
      if (rest_[i] == '\n') ++line_;
      value += rest_[i];
    }
    rest_.remove_prefix(end + 1);
    return value;
  }

  std::string_view rest_;
  char delimiter_;
  std::int64_t line_ = 1;
};

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, char delimiter) {
  std::vector<CsvRow> rows;
  Reader reader(text, delimiter);
  while (!reader.at_end()) {
    CsvRow row = {reader.line(), {}};
    for (bool more = true; more;) {
      auto [field, goes_on] = reader.field();
      row.fields.push_back(std::move(field));
      more = goes_on;
    }
    if (row.fields.size() > 1 || !row.fields.front().empty()) rows.push_back(std::move(row));
  }
  return rows;
}

std::string table_text(std::string bytes) {
  const std::string_view view = bytes;
  if (view.starts_with("\xFF\xFE"sv)) return utf8_from_utf16(view.substr(2), false);
  if (view.starts_with("\xFE\xFF"sv)) return utf8_from_utf16(view.substr(2), true);
  if (view.starts_with("\xEF\xBB\xBF"sv)) bytes.erase(0, 3);
  return bytes;
}

}  // namespace iddpm

#include "iddpm/io/npy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <tuple>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/tensor_bytes.h"

namespace iddpm {

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::uint64_t longest_npy_header = 1 << 16;

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 9> npy_types = {{{"<f8", at::kDouble},
                                                                                   {"<f4", at::kFloat},
                                                                                   {"<f2", at::kHalf},
                                                                                   {"<i8", at::kLong},
                                                                                   {"<i4", at::kInt},
                                                                                   {"<i2", at::kShort},
                                                                                   {"|i1", at::kChar},
                                                                                   {"|u1", at::kByte},
                                                                                   {"|b1", at::kBool}}};
constexpr std::array<std::pair<std::string_view, at::ScalarType>, 3> unsigned_npy_types = {
    {{"<u8", at::kLong}, {"<u4", at::kInt}, {"<u2", at::kShort}}};

/// Reads the header's text: a Python dictionary such as {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
class DictionaryReader {
 public:
  DictionaryReader(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  NpyHeader read() {
    NpyHeader header;
    bool has_type = false;
    bool has_order = false;
    bool has_shape = false;
    expect("{");
    while (!accept("}")) {
      const std::string_view key = quoted_text();
      expect(":");
      if (key == "descr" && !std::exchange(has_type, true)) {
        std::tie(header.type, header.is_unsigned) = type();
      } else if (key == "fortran_order" && !std::exchange(has_order, true)) {
        header.is_fortran_order = accept("True");
        if (!header.is_fortran_order) expect("False");
      } else if (key == "shape" && !std::exchange(has_shape, true)) {
        header.shape = shape();
      } else {
        broken();
      }
      if (!accept(",")) {
        expect("}");
        break;
      }
    }
    skip_space();
    if (!rest_.empty() || !has_type || !has_order || !has_shape) broken();
    return header;
  }

 private:
  [[noreturn]] void broken() const {
    fail(ErrorKind::damaged_file, "{} is not a valid array: its header is damaged", name_);
  }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }

  bool accept(std::string_view token) {
    skip_space();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  void expect(std::string_view token) {
    if (!accept(token)) broken();
  }

  std::string_view quoted_text() {
    skip_space();
    if (rest_.empty() || (rest_.front() != '\'' && rest_.front() != '"')) broken();
    const std::size_t end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) broken();
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }

  /// The type, and whether it is an unsigned one.
  std::pair<at::ScalarType, bool> type() {
    if (accept("[")) fail(ErrorKind::unsupported, "{} is an array of records, expected numbers or bools", name_);
    const std::string_view text = quoted_text();
    for (const auto& [name, signed_type] : unsigned_npy_types) {
      if (name == text) return {signed_type, true};
    }
    const auto found =
        std::find_if(npy_types.begin(), npy_types.end(), [&](const auto& pair) { return pair.first == text; });
    require(found != npy_types.end(), ErrorKind::unsupported,
            "{} is an array of type {}, expected one of <f8, <f4, <f2, <i8, <i4, <i2, |i1, <u8, <u4, <u2, |u1, |b1",
            name_, quote(text));
    return {found->second, false};
  }

  std::vector<std::int64_t> shape() {
    std::vector<std::int64_t> sizes;
    expect("(");
    while (!accept(")")) {
      skip_space();
      std::int64_t size = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (error != std::errc() || size < 0 || sizes.size() == most_dimensions) broken();
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      accept("L");  // as Python 2 wrote long integers
      sizes.push_back(size);
      if (!accept(",")) {
        expect(")");
        break;
      }
    }
    return sizes;
  }

  std::string_view rest_;
  const std::string& name_;
};

}  // namespace

NpyHeader read_npy_header(const std::function<std::string(std::uint64_t)>& read, const std::string& name) {
  const std::string beginning = read(magic.size() + 2);
  require(beginning.starts_with(magic), ErrorKind::damaged_file, "{} is not an array in NumPy's format", name);
  const int version = static_cast<unsigned char>(beginning[magic.size()]);
  require(version >= 1 && version <= 3, ErrorKind::unsupported,
          "{} is an array in version {} of NumPy's format, expected 1 to 3", name, version);
  const std::string length_bytes = read(version == 1 ? 2 : 4);
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < length_bytes.size(); ++i) {
    length |= static_cast<std::uint64_t>(static_cast<unsigned char>(length_bytes[i])) << (8 * i);
  }
  require(length <= longest_npy_header, ErrorKind::damaged_file, "{} claims a header of {} bytes, expected at most {}",
          name, length, longest_npy_header);
  const std::string text = read(length);
  return DictionaryReader(text, name).read();
}

std::string npy_header(at::ScalarType type, const std::vector<std::int64_t>& shape, const std::string& name) {
  const auto found =
      std::find_if(npy_types.begin(), npy_types.end(), [&](const auto& pair) { return pair.second == type; });
  require(found != npy_types.end(), "{} is of type {}, which NumPy has no name for", name, at::toString(type));
  // A tuple of one element needs its comma.
  const std::string sizes = fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", found->first, sizes);
  constexpr std::size_t alignment = 64;
  const std::size_t before = magic.size() + 4;
  text.resize((before + text.size() + 1 + alignment - 1) / alignment * alignment - before - 1, ' ');
  text += '\n';
  const auto length = static_cast<std::uint16_t>(text.size());
  return std::string(magic) + '\1' + '\0' + static_cast<char>(length) + static_cast<char>(length >> 8) + text;
}

}  // namespace iddpm

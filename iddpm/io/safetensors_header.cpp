#include "iddpm/io/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/tensor_bytes.h"

namespace iddpm {

namespace {

constexpr std::array<std::pair<const char*, at::ScalarType>, 10> safetensors_types = {{{"F64", at::kDouble},
                                                                                       {"F32", at::kFloat},
                                                                                       {"F16", at::kHalf},
                                                                                       {"BF16", at::kBFloat16},
                                                                                       {"I64", at::kLong},
                                                                                       {"I32", at::kInt},
                                                                                       {"I16", at::kShort},
                                                                                       {"I8", at::kChar},
                                                                                       {"U8", at::kByte},
                                                                                       {"BOOL", at::kBool}}};

/// Follows the parser through the header's fixed grammar (an object of tensors, each an object of three fields, and an
/// object of strings), so that nothing of another form is ever stored.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& path) : path_(path) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(std::size_t) override {
    if (place_ == Place::start) {
      place_ = Place::names;
    } else if (place_ == Place::value_of_name) {
      place_ = in_metadata_ ? Place::metadata_keys : Place::fields;
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(string_t& text) override {
    if (place_ == Place::names) {
      if (!names_.insert(text).second) broken(fmt::format("it holds {} twice", quote(text)));
      in_metadata_ = text == "__metadata__";
      if (!in_metadata_) {
        header_.entries.emplace_back().name = text;
        has_type_ = has_shape_ = has_offsets_ = false;
      }
      place_ = Place::value_of_name;
    } else if (place_ == Place::metadata_keys) {
      if (header_.metadata.contains(text)) broken(fmt::format("its metadata holds {} twice", quote(text)));
      metadata_key_ = text;
      place_ = Place::metadata_value;
    } else {
      if (text == "dtype") {
        begin_field(has_type_, Place::type_value, text);
      } else if (text == "shape") {
        begin_field(has_shape_, Place::shape_value, text);
      } else if (text == "data_offsets") {
        begin_field(has_offsets_, Place::offsets_value, text);
      } else {
        broken(fmt::format("tensor {} has an unknown field {}", quote(entry().name), quote(text)));
      }
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::fields && !(has_type_ && has_shape_ && has_offsets_)) {
      broken(fmt::format("tensor {} lacks dtype, shape or data_offsets", quote(entry().name)));
    }
    place_ = place_ == Place::names ? Place::start : Place::names;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::shape_value) {
      place_ = Place::shape_numbers;
    } else if (place_ == Place::offsets_value) {
      place_ = Place::offset_numbers;
      offsets_.clear();
    } else {
      unexpected("a list");
    }
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offset_numbers) {
      if (offsets_.size() != 2 || offsets_[0] > offsets_[1]) {
        broken(fmt::format("tensor {} has data_offsets that are not a begin and an end", quote(entry().name)));
      }
      entry().begin = offsets_[0];
      entry().end = offsets_[1];
    }
    place_ = Place::fields;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape_numbers) {
      if (entry().shape.size() == most_dimensions) {
        broken(fmt::format("tensor {} has more than {} dimensions", quote(entry().name), most_dimensions));
      }
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        broken(fmt::format("tensor {} has a dimension of {}", quote(entry().name), value));
      }
      entry().shape.push_back(static_cast<std::int64_t>(value));
    } else if (place_ == Place::offset_numbers && offsets_.size() < 3) {
      offsets_.push_back(value);
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool string(string_t& text) override {
    if (place_ == Place::metadata_value) {
      header_.metadata.emplace(std::move(metadata_key_), std::move(text));
      place_ = Place::metadata_keys;
    } else if (place_ == Place::type_value) {
      const auto found = std::find_if(safetensors_types.begin(), safetensors_types.end(),
                                      [&](const auto& pair) { return text == pair.first; });
      require(found != safetensors_types.end(), ErrorKind::unsupported,
              "{}: tensor {} is of type {}, expected one of F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL", path_,
              quote(entry().name), quote(text));
      entry().type = found->second;
      place_ = Place::fields;
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return unexpected("a fraction"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    fail(ErrorKind::damaged_file, "{} is not a safetensors file: its header is not JSON (at byte {})", path_, position);
  }

 private:
  enum class Place {
    start,
    names,
    value_of_name,
    metadata_keys,
    metadata_value,
    fields,
    type_value,
    shape_value,
    shape_numbers,
    offsets_value,
    offset_numbers,
  };

  SafetensorsEntry& entry() { return header_.entries.back(); }

  void begin_field(bool& seen, Place place, const std::string& name) {
    if (std::exchange(seen, true)) broken(fmt::format("tensor {} has {} twice", quote(entry().name), name));
    place_ = place;
  }

  [[noreturn]] void broken(const std::string& reason) const {
    fail(ErrorKind::damaged_file, "{} is not a valid safetensors file: {}", path_, reason);
  }

  [[noreturn]] bool unexpected(const char* what) const {
    broken(fmt::format("its header holds {} where the format has none", what));
  }

  const std::string& path_;
  SafetensorsHeader header_;
  Place place_ = Place::start;
  std::set<std::string> names_;
  bool in_metadata_ = false;
  std::string metadata_key_;
  bool has_type_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
  std::vector<std::uint64_t> offsets_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_size, const std::string& path) {
  require(!json.empty() && json.front() == '{', ErrorKind::damaged_file,
          "{} is not a safetensors file: its header does not begin with {{", path);
  // The parser takes a zero byte for the end and would not look at what follows.
  require(json.find('\0') == std::string_view::npos, ErrorKind::damaged_file,
          "{} is not a safetensors file: its header is not JSON (a zero byte in it)", path);
  HeaderReader reader(path);
  nlohmann::json::sax_parse(json, &reader);
  SafetensorsHeader header = reader.take();

  std::stable_sort(header.entries.begin(), header.entries.end(),
                   [](const auto& a, const auto& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
  std::uint64_t position = 0;
  for (const SafetensorsEntry& entry : header.entries) {
    const auto bytes = byte_count(entry.shape, entry.type);
    require(bytes.has_value(), ErrorKind::damaged_file,
            "{} is not a valid safetensors file: tensor {} claims the impossible shape {}", path, quote(entry.name),
            format_shape(entry.shape));
    require(entry.begin == position, ErrorKind::damaged_file,
            "{} is not a valid safetensors file: tensor {} begins at byte {}, expected {}", path, quote(entry.name),
            entry.begin, position);
    require(entry.end - entry.begin == *bytes, ErrorKind::damaged_file,
            "{} is not a valid safetensors file: tensor {} of shape {} needs {} bytes but has {}", path,
            quote(entry.name), format_shape(entry.shape), *bytes, entry.end - entry.begin);
    position = entry.end;
  }
  require(position <= data_size, ErrorKind::damaged_file, "{} is truncated: it claims {} bytes of tensors but holds {}",
          path, position, data_size);
  require(position == data_size, ErrorKind::damaged_file,
          "{} is not a valid safetensors file: it claims {} bytes of tensors but holds {}", path, position, data_size);
  return header;
}

bool looks_like_safetensors(const std::filesystem::path& path) {
  if (!std::filesystem::is_regular_file(path)) return false;
  const InputFile file(path);
  if (file.size() < 10) return false;
  // The header's length, 8 bytes with the least first, then the header, a JSON object.
  const std::string start = file.read_at(0, 9);
  std::uint64_t length = 0;
  for (std::size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(start[i]);
  return start[8] == '{' && length <= file.size() - 8;
}

const char* safetensors_type_name(at::ScalarType type) {
  for (const auto& [name, known] : safetensors_types) {
    if (known == type) return name;
  }
  return nullptr;
}

}  // namespace iddpm

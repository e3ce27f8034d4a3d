#include "iddpm/io/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/io/atomic_file.h"

namespace iddpm {

namespace {

/// zlib's decompressor, set to gzip members.
class Inflater {
 public:
  explicit Inflater(std::string_view input) {
    constexpr int gzip_only = 16;
    initialised_ = inflateInit2(&stream, MAX_WBITS + gzip_only) == Z_OK;
    require(initialised_, ErrorKind::out_of_memory, "cannot decompress: out of memory");
    rest = input;
  }
  ~Inflater() {
    if (initialised_) inflateEnd(&stream);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Decompresses some of `rest` into `output`; zlib's status. `written` is how much.
  int step(std::vector<char>& output, std::size_t& written) {
    const std::size_t offered = std::min<std::size_t>(rest.size(), std::numeric_limits<uInt>::max());
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
    stream.avail_in = static_cast<uInt>(offered);
    stream.next_out = reinterpret_cast<Bytef*>(output.data());
    stream.avail_out = static_cast<uInt>(output.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    rest.remove_prefix(offered - stream.avail_in);
    written = output.size() - stream.avail_out;
    return status;
  }

  z_stream stream = {};
  std::string_view rest;

 private:
  bool initialised_ = false;
};

bool is_padding(std::string_view text) { return text.find_first_not_of('\0') == std::string_view::npos; }

}  // namespace

std::string read_maybe_gzip(const std::filesystem::path& path, std::uint64_t limit) {
  std::string packed = read_file(path, limit);
  if (!packed.starts_with("\x1f\x8b")) return packed;

  Inflater inflater(packed);
  std::vector<char> buffer(std::size_t{1} << 18);
  std::string contents;
  for (;;) {
    std::size_t written = 0;
    const int status = inflater.step(buffer, written);
    require(written <= limit - contents.size(), "{} would unpack to more than the {} bytes expected at most",
            path.string(), limit);
    contents.append(buffer.data(), written);
    if (status == Z_STREAM_END) {
      // A gzip file may be several members in a row, and be padded with zeros.
      if (is_padding(inflater.rest)) return contents;
      require(inflater.rest.starts_with("\x1f\x8b"), ErrorKind::damaged_file,
              "{} is a broken gzip file: something else follows its data", path.string());
      inflateReset(&inflater.stream);
      continue;
    }
    require(status != Z_BUF_ERROR && !(status == Z_OK && written == 0 && inflater.rest.empty()),
            ErrorKind::damaged_file, "{} is a truncated gzip file", path.string());
    require(status == Z_OK, ErrorKind::damaged_file, "{} is a broken gzip file: {}", path.string(),
            inflater.stream.msg != nullptr ? inflater.stream.msg : "its data are damaged");
  }
}

}  // namespace iddpm

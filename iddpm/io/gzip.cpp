#include "iddpm/io/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"

namespace iddpm {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view gzip_magic = "\x1f\x8b"sv;
constexpr std::uint64_t highest_gzip_ratio = 1032;
constexpr std::size_t buffer_bytes = std::size_t{1} << 18;

}  // namespace

struct MaybeGzipFile::State {
  explicit State(const std::filesystem::path& path) : file(path) {
    const std::string beginning = file.read_at(0, std::min<std::uint64_t>(file.size(), gzip_magic.size()));
    packed = beginning == gzip_magic;
    if (!packed) return;
    buffer.resize(buffer_bytes);
    constexpr int gzip_only = 16;
    initialised = inflateInit2(&stream, MAX_WBITS + gzip_only) == Z_OK;
    require(initialised, ErrorKind::out_of_memory, "cannot decompress {}: out of memory", path.string());
  }
  ~State() {
    if (initialised) inflateEnd(&stream);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::string name() const { return file.path().string(); }

  /// Makes at least one packed byte available, unless the file is at its end.
  void refill() {
    if (stream.avail_in > 0 || offset == file.size()) return;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), file.size() - offset));
    file.read_at(offset, std::span(buffer).first(count));
    offset += count;
    stream.next_in = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_in = static_cast<uInt>(count);
  }

  bool at_end() const { return stream.avail_in == 0 && offset == file.size(); }

  /// After a member: another one may follow, or zeros. Whether there is another.
  bool begin_next_member() {
    while (refill(), stream.avail_in > 0 && *stream.next_in == 0) {
      ++stream.next_in;
      --stream.avail_in;
      padded = true;
    }
    if (at_end()) return false;
    require(!padded && *stream.next_in == static_cast<Bytef>(gzip_magic[0]), ErrorKind::damaged_file,
            "{} is a broken gzip file: something else follows its data", name());
    inflateReset(&stream);
    return true;
  }

  std::size_t unpack(std::span<std::byte> bytes) {
    std::size_t done = 0;
    while (done < bytes.size() && !finished) {
      refill();
      const auto offered = static_cast<uInt>(std::min<std::size_t>(bytes.size() - done, std::size_t{1} << 30));
      stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + done);
      stream.avail_out = offered;
      const uInt packed_before = stream.avail_in;
      const int status = inflate(&stream, Z_NO_FLUSH);
      const std::size_t written = offered - stream.avail_out;
      done += written;
      if (status == Z_STREAM_END) {
        finished = !begin_next_member();
        continue;
      }
      require(status != Z_BUF_ERROR && !(status == Z_OK && written == 0 && packed_before == 0), ErrorKind::damaged_file,
              "{} is a truncated gzip file", name());
      require(status == Z_OK, ErrorKind::damaged_file, "{} is a broken gzip file: {}", name(),
              stream.msg != nullptr ? stream.msg : "its data are damaged");
    }
    return done;
  }

  std::size_t copy(std::span<std::byte> bytes) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), file.size() - offset));
    file.read_at(offset, bytes.first(count));
    offset += count;
    return count;
  }

  InputFile file;
  std::uint64_t offset = 0;  ///< of what is to be read next
  bool packed = false;
  std::vector<std::byte> buffer;
  z_stream stream = {};
  bool initialised = false;
  bool finished = false;  ///< the last member has been unpacked
  bool padded = false;
};

MaybeGzipFile::MaybeGzipFile(const std::filesystem::path& path) : state_(std::make_unique<State>(path)) {}
MaybeGzipFile::~MaybeGzipFile() = default;
MaybeGzipFile::MaybeGzipFile(MaybeGzipFile&&) noexcept = default;

std::uint64_t MaybeGzipFile::most_bytes() const {
  return state_->packed ? state_->file.size() * highest_gzip_ratio : state_->file.size();
}

bool MaybeGzipFile::is_packed() const { return state_->packed; }

std::size_t MaybeGzipFile::read_some(std::span<std::byte> bytes) {
  return state_->packed ? state_->unpack(bytes) : state_->copy(bytes);
}

std::string read_maybe_gzip(const std::filesystem::path& path, std::uint64_t limit) {
  MaybeGzipFile file(path);
  require(file.is_packed() || file.most_bytes() <= limit, "{} has {} bytes, more than the {} expected at most",
          path.string(), file.most_bytes(), limit);
  std::vector<std::byte> buffer(buffer_bytes);
  std::string contents;
  while (const std::size_t count = file.read_some(buffer)) {
    require(count <= limit - contents.size(), "{} would unpack to more than the {} bytes expected at most",
            path.string(), limit);
    contents.append(reinterpret_cast<const char*>(buffer.data()), count);
  }
  return contents;
}

}  // namespace iddpm

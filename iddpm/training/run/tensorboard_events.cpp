#include "iddpm/training/run/tensorboard_events.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "iddpm/core/error.h"
#include "iddpm/io/crc32c.h"

namespace iddpm {
namespace {

// Wire types of the protocol buffer encoding.
enum class Wire : std::uint32_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

template <typename Integer>
std::string little_endian(Integer value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xFF);
  return bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  bytes += static_cast<char>(value);
  return bytes;
}

std::string key(std::uint32_t field, Wire wire) { return varint((field << 3) | static_cast<std::uint32_t>(wire)); }

std::string integer_field(std::uint32_t field, std::int64_t value) {
  return key(field, Wire::varint) + varint(static_cast<std::uint64_t>(value));
}
std::string double_field(std::uint32_t field, double value) {
  return key(field, Wire::fixed64) + little_endian(std::bit_cast<std::uint64_t>(value));
}
std::string float_field(std::uint32_t field, float value) {
  return key(field, Wire::fixed32) + little_endian(std::bit_cast<std::uint32_t>(value));
}
std::string bytes_field(std::uint32_t field, std::string_view value) {
  return key(field, Wire::bytes) + varint(value.size()) + std::string(value);
}

// Field numbers of event.proto and summary.proto.
std::string event(double wall_time, std::int64_t step, const std::string& what) {
  return double_field(1, wall_time) + integer_field(2, step) + what;
}
std::string file_version(std::string_view version) { return bytes_field(3, version); }
std::string summary(const std::string& values) { return bytes_field(5, values); }
std::string session_start() { return bytes_field(7, integer_field(1, 1)); }
std::string summary_value(std::string_view tag, const std::string& value) {
  return bytes_field(1, bytes_field(1, tag) + value);
}
std::string simple_value(double value) { return float_field(2, static_cast<float>(value)); }
std::string image_value(const Image& image) {
  return bytes_field(4, integer_field(1, image.height) + integer_field(2, image.width) +
                            integer_field(3, image.channels) + bytes_field(4, encode_png(image)));
}

std::uint32_t masked_crc(std::string_view data) {
  const std::uint32_t crc = crc32c(std::as_bytes(std::span(data)));
  return std::rotr(crc, 15) + 0xA282EAD8;
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "localhost";
}

// TensorBoard finds files by ".tfevents." and reads them in the order of their names.
std::filesystem::path new_event_file(const std::filesystem::path& folder) {
  for (int number = 0;; ++number) {
    const auto path = folder / fmt::format("events.out.tfevents.{:010}.{}.{}.{}", static_cast<std::int64_t>(now()),
                                           host_name(), ::getpid(), number);
    if (!std::filesystem::exists(path)) return path;
  }
}

}  // namespace

std::string tfrecord(std::string_view data) {
  const std::string length = little_endian(static_cast<std::uint64_t>(data.size()));
  return length + little_endian(masked_crc(length)) + std::string(data) + little_endian(masked_crc(data));
}

std::string file_version_event(double wall_time) { return event(wall_time, 0, file_version("brain.Event:2")); }

std::string restart_event(double wall_time, std::int64_t step) { return event(wall_time, step, session_start()); }

std::string scalars_event(double wall_time, std::int64_t step,
                          const std::vector<std::pair<std::string, double>>& scalars) {
  std::string values;
  for (const auto& [tag, value] : scalars) values += summary_value(tag, simple_value(value));
  return event(wall_time, step, summary(values));
}

std::string image_event(double wall_time, std::int64_t step, const std::string& tag, const Image& image) {
  return event(wall_time, step, summary(summary_value(tag, image_value(image))));
}

TensorboardWriter::TensorboardWriter(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  require(!error, "cannot make the folder {}: {}", folder.string(), error.message());
  path_ = new_event_file(folder);
  file_ = std::fopen(path_.c_str(), "wbxe");
  require(file_ != nullptr, "cannot write {}: {}", path_.string(), std::generic_category().message(errno));
  write(file_version_event(now()));
}

TensorboardWriter::~TensorboardWriter() {
  if (file_ != nullptr) std::fclose(file_);
}

void TensorboardWriter::restart(std::int64_t step) { write(restart_event(now(), step)); }

void TensorboardWriter::write_scalars(std::int64_t step, const std::vector<std::pair<std::string, double>>& scalars) {
  write(scalars_event(now(), step, scalars));
}

void TensorboardWriter::write_image(std::int64_t step, const std::string& tag, const Image& image) {
  write(image_event(now(), step, tag, image));
}

void TensorboardWriter::write(const std::string& event) {
  const std::string record = tfrecord(event);
  const bool written = std::fwrite(record.data(), 1, record.size(), file_) == record.size();
  require(written && std::fflush(file_) == 0, "cannot write {}: {}", path_.string(),
          std::generic_category().message(errno));
}

}  // namespace iddpm

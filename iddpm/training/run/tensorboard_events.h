#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "iddpm/io/image_file.h"

namespace iddpm {

/// A record of the TFRecord format: length, its masked CRC-32C, the data, theirs
/// (https://www.tensorflow.org/tutorials/load_data/tfrecord).
std::string tfrecord(std::string_view data);

/// Protocol buffer messages of TensorBoard's event.proto and summary.proto, encoded; times in seconds since 1970.
std::string file_version_event(double wall_time);
/// "What was logged from `step` on is void": a run was resumed there.
std::string restart_event(double wall_time, std::int64_t step);
std::string scalars_event(double wall_time, std::int64_t step,
                          const std::vector<std::pair<std::string, double>>& scalars);
std::string image_event(double wall_time, std::int64_t step, const std::string& tag, const Image& image);

/// An event file that TensorBoard reads while it grows.
class TensorboardWriter {
 public:
  /// A new file in `folder` (made if need be). Throws Error if it can't be written; so does each write.
  explicit TensorboardWriter(const std::filesystem::path& folder);
  ~TensorboardWriter();
  TensorboardWriter(const TensorboardWriter&) = delete;
  TensorboardWriter& operator=(const TensorboardWriter&) = delete;

  void restart(std::int64_t step);
  void write_scalars(std::int64_t step, const std::vector<std::pair<std::string, double>>& scalars);
  void write_image(std::int64_t step, const std::string& tag, const Image& image);

 private:
  void write(const std::string& event);

  std::filesystem::path path_;
  std::FILE* file_ = nullptr;
};

}  // namespace iddpm

#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/image_file.h"

namespace iddpm {

/// A folder that is removed at the end of its test.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& name = "data") {
    std::string pattern = (std::filesystem::temp_directory_path() / ("iddpm_" + name + "_XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) fail("cannot make a temporary folder {}", pattern);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  /// Writes a file, and the folders it is in.
  std::filesystem::path write(const std::string& name, std::string_view contents) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    write_file_atomically(path, contents);
    return path;
  }

  std::filesystem::path write_image(const std::string& name, const Image& image) const {
    return write(name, encode_png(image));
  }

 private:
  std::filesystem::path path_;
};

/// Every pixel the same.
inline Image plain_image(std::int64_t width, std::int64_t height, const std::vector<std::uint8_t>& pixel) {
  Image image = {width, height, static_cast<std::int64_t>(pixel.size()), {}};
  for (std::int64_t i = 0; i < width * height; ++i) {
    for (const std::uint8_t value : pixel) image.pixels.push_back(value);
  }
  return image;
}

/// Pixels without any regularity that a mistake could hide behind.
inline Image patterned_image(std::int64_t width, std::int64_t height, std::int64_t channels) {
  Image image = {width, height, channels, {}};
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t c = 0; c < channels; ++c) {
        image.pixels.push_back(static_cast<std::uint8_t>((x * 37 + y * 91 + c * 53 + x * y * 7) % 256));
      }
    }
  }
  return image;
}

/// `count` images [1, 2, 3] in memory that can be told apart: the first pixel of image i is i, the last 100 + i, with
/// classes i % 2.
inline std::shared_ptr<const Dataset> numbered_dataset(std::int64_t count) {
  const Tensor images = at::zeros({count, 1, 2, 3}, at::kByte);
  const Tensor labels = at::empty({count}, at::kLong);
  for (std::int64_t i = 0; i < count; ++i) {
    images[i][0][0][0] = i;
    images[i][0][1][2] = 100 + i;
    labels[i] = i % 2;
  }
  return in_memory_dataset({images, labels, {"even", "odd"}, "numbers"});
}

/// Expects an Error whose text holds every one of `parts`.
template <typename Function>
void expect_error(const Function& function, const std::vector<std::string>& parts) {
  try {
    function();
    ADD_FAILURE() << "expected an Error";
  } catch (const Error& error) {
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what() << "\nlacks: " << part;
    }
  }
}

}  // namespace iddpm

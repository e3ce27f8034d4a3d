#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset.h"
#include "iddpm/io/image_file.h"
#include "tests/expect_error.h"
#include "tests/temporary_folder.h"

namespace iddpm {

/// Writes a PNG file, and the folders it is in, and returns its path.
inline std::filesystem::path write_image(const TemporaryFolder& folder, const std::string& name, const Image& image) {
  return folder.write(name, encode_png(image));
}

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

}  // namespace iddpm

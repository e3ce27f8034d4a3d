#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "capi/iddpm_c.h"
#include "iddpm/core/strict_json.h"

namespace iddpm {

/// The run in the tests' data: 4 x 4 grey images of two classes.
inline const std::string test_run = std::string(IDDPM_SOURCE_DIR) + "/tests/cli/data/run_of_format_2";

/// A model that is open as long as this lives, computing with one thread.
class CModel {
 public:
  explicit CModel(const char* options = R"({"precision": "float32", "threads": 1})") {
    EXPECT_EQ(iddpm_model_open(test_run.c_str(), options, &model_), IDDPM_OK) << iddpm_last_error();
    EXPECT_EQ(iddpm_model_image_size(model_, &size_), IDDPM_OK);
  }
  ~CModel() { iddpm_model_free(model_); }
  CModel(const CModel&) = delete;
  CModel& operator=(const CModel&) = delete;

  iddpm_model* get() const { return model_; }
  const iddpm_image_size& size() const { return size_; }
  std::size_t image_bytes() const { return static_cast<std::size_t>(size_.height * size_.width * size_.channels); }

  /// Expects success.
  std::vector<std::uint8_t> sample(const std::string& request, std::int64_t count) const {
    std::vector<std::uint8_t> pixels(image_bytes() * static_cast<std::size_t>(count));
    std::int64_t drawn = -1;
    EXPECT_EQ(iddpm_sample(model_, request.c_str(), pixels.data(), pixels.size(), &drawn, nullptr, nullptr), IDDPM_OK)
        << iddpm_last_error();
    EXPECT_EQ(drawn, count);
    return pixels;
  }

 private:
  iddpm_model* model_ = nullptr;
  iddpm_image_size size_ = {};
};

/// Expects that a call failed so, with all `words` in its sentence.
inline void expect_failed(iddpm_status got, iddpm_status expected, const std::vector<std::string>& words) {
  EXPECT_EQ(got, expected) << iddpm_last_error();
  EXPECT_EQ(iddpm_last_error_kind(), expected);
  for (const std::string& word : words) {
    EXPECT_NE(std::string(iddpm_last_error()).find(word), std::string::npos)
        << "'" << word << "' is not in: " << iddpm_last_error();
  }
}

}  // namespace iddpm

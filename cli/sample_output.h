#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/data/pixel_statistics.h"
#include "iddpm/io/image_file.h"
#include "iddpm/io/npz_stream.h"
#include "iddpm/model/draw.h"

namespace iddpm::cli {

/// Where the samples go.
struct SampleTargets {
  std::filesystem::path folder = {};
  std::filesystem::path npz = {};  ///< empty: none
  std::filesystem::path film =
      {};                    ///< of the first batch; written by others, but missed if it isn't there; empty: none
  bool images = true;        ///< a PNG file each
  std::int64_t columns = 0;  ///< of the preview; 0: about square
  bool overwrite = false;
};

/// What `iddpm sample` leaves in a folder, written batch by batch, so that a killed process loses a batch and memory
/// does not grow: samples.json with the settings (state "unfinished" until all is there), a PNG file per image, an .npz
/// and at the end a preview, grid.png. Given the same settings again it goes on with the images that are missing.
class SampleOutput {
 public:
  /// `settings`: all that the images depend on, an object. Throws Error, touching nothing, for a folder that holds
  /// samples of other settings or other files, an .npz that exists, and what can't be written.
  SampleOutput(SampleTargets targets, nlohmann::json settings, const DrawRequest& request, const Model& model);
  ~SampleOutput();

  /// Images at the beginning that an earlier process drew: whole batches.
  std::int64_t already_drawn() const { return drawn_; }
  /// Whether an earlier process did everything; then there is nothing left to do.
  bool was_finished() const { return finished_; }
  /// What samples.json holds.
  const nlohmann::json& record() const { return record_; }
  const PixelStatistics& pixels() const { return pixels_; }

  /// The file of each image, in the order of drawing, once they are there.
  std::vector<std::filesystem::path> image_paths() const;

  void add(const DrawnBatch& batch);
  /// Images drawn so far.
  std::int64_t drawn() const { return drawn_; }
  /// What is left of them, and what the same command does; for people.
  std::string kept() const;
  /// Lets everything appear that takes all images; `more` goes into samples.json.
  void finish(const nlohmann::json& more);
  /// A picture of what there is so far, for people. Says why if there is none.
  void write_preview();

 private:
  enum class Found { nothing, same_settings, other };
  Found look_into_folder();
  void refuse_what_is_there(Found found) const;
  void lock_folder();
  void remove_files_of_the_same_names() const;
  bool film_is_missing() const;
  void write_record() const;
  std::filesystem::path image_path(std::int64_t position) const;
  std::int64_t image_files_there(std::int64_t images) const;
  void take_over(std::int64_t images);
  void keep(const Tensor& pixels, std::int64_t position);
  void sync(bool at_once);

  SampleTargets targets_;
  nlohmann::json settings_;
  const DrawRequest& request_;
  const Model& model_;
  nlohmann::json record_ = nlohmann::json::object();
  std::optional<NpzStream> npz_ = {};
  std::string difference_ = {};  ///< from the settings of the samples that are there
  bool finished_ = false;
  int folder_lock_ = -1;
  std::int64_t drawn_ = 0;
  PixelStatistics pixels_ = {};
  std::vector<std::int64_t> preview_positions_ = {};
  Tensor preview_ = {};  ///< uint8 [positions, C, H, W], at once: small tensors of each batch break up the heap
  std::int64_t previewed_ = 0;
  bool preview_by_class_ = false;
  std::chrono::steady_clock::time_point synced_ = std::chrono::steady_clock::now();
};

}  // namespace iddpm::cli

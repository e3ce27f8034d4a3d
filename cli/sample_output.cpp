#include "cli/sample_output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "cli/options/output_file.h"
#include "cli/sample_grid.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/printed_json.h"
#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/pixels.h"
#include "iddpm/version.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* record_name = "samples.json";
constexpr const char* grid_name = "grid.png";
constexpr const char* state_unfinished = "unfinished";
constexpr const char* state_finished = "finished";
constexpr std::int64_t most_in_preview = 100;

// A class name as the beginning of a file name, which `--labels prefix` reads back.
std::string file_prefix(const ModelSettings& settings, std::int64_t label) {
  if (settings.class_names.empty()) return fmt::format("{}_", label);
  std::string name = settings.class_names[static_cast<std::size_t>(label)];
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') c = '-';
  }
  return name + "_";
}

std::optional<json> read_record(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / record_name, error)) return std::nullopt;
  try {
    json record = parse_json(read_file(folder / record_name), record_name);
    if (record.is_object() && record.contains("state")) return record;
  } catch (const Error&) {
    // Whatever it is, it is no record of ours.
  }
  return std::nullopt;
}

// The first setting that differs, for people; empty if none does.
std::string difference(const json& settings, const json& record) {
  // As it reads once written: the characters of a path may have been replaced.
  const json wanted = parse_json(printed_json(settings), record_name);
  for (const auto& [key, value] : wanted.items()) {
    const json there = record.contains(key) ? record[key] : json();
    if (there != value) return fmt::format("{}: {} there, {} asked for", key, there.dump(), value.dump());
  }
  return {};
}

// Files, but for those that a killed process left on the way.
bool holds_files(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!(name.starts_with(".iddpm-") && name.ends_with(".tmp"))) return true;
  }
  require(!error, "--out: cannot read the folder '{}': {}", folder.string(), error.message());
  return false;
}

// Which images a preview shows: all, or the first; by class, some of each.
std::vector<std::int64_t> chosen_for_preview(std::int64_t count, std::int64_t classes) {
  std::vector<std::int64_t> positions;
  if (classes == 0) {
    for (std::int64_t k = 0; k < std::min(count, most_in_preview); ++k) positions.push_back(k);
    return positions;
  }
  const std::int64_t of_each = count / classes;
  const std::int64_t shown = std::min(of_each, std::max<std::int64_t>(1, most_in_preview / classes));
  for (std::int64_t label = 0; label < classes; ++label) {
    for (std::int64_t k = 0; k < shown; ++k) positions.push_back(label * of_each + k);
  }
  return positions;
}

}  // namespace

SampleOutput::SampleOutput(SampleTargets targets, json settings, const DrawRequest& request, const Model& model)
    : targets_(std::move(targets)), settings_(std::move(settings)), request_(request), model_(model) {
  const std::int64_t classes = model.settings().network.classes;
  preview_by_class_ = request.classes.order == ClassOrder::in_blocks && classes <= most_in_preview;
  preview_positions_ = chosen_for_preview(request.count, preview_by_class_ ? classes : 0);
  std::vector<std::int64_t> shape = model.image_shape();
  shape.insert(shape.begin(), static_cast<std::int64_t>(preview_positions_.size()));
  preview_ = at::empty(shape, at::kByte);

  const Found found = look_into_folder();
  refuse_what_is_there(found);
  if (finished_) return;
  const bool go_on = found == Found::same_settings;
  if (!targets_.npz.empty()) {
    const std::vector<std::int64_t> shape = model.image_shape();
    try {
      // [N, H, W, C], the layout of the published evaluation's files.
      npz_.emplace(targets_.npz, NpzRows{.rows = request.count, .row_shape = {shape[1], shape[2], shape[0]}}, go_on);
    } catch (const Error& error) {
      fail(error.kind(), "--npz: {}", error.what());
    }
  }
  std::error_code error;
  fs::create_directories(targets_.folder, error);
  require(!error, "--out: cannot make the folder '{}': {}", targets_.folder.string(), error.message());
  lock_folder();
  sweep_temporary_files(targets_.folder);
  if (go_on) {
    // Of a preview alone nothing can be taken over, and a film shows the first images being drawn.
    const std::int64_t written = npz_ ? npz_->rows() : targets_.images ? request_.count : 0;
    take_over(film_is_missing() ? 0 : image_files_there(written));
  } else {
    if (found == Found::other) remove_files_of_the_same_names();
    record_ = settings_;
    record_.update({{"state", state_unfinished}, {"folder", targets_.folder.string()}, {"version", version}});
    write_record();
  }
}

SampleOutput::~SampleOutput() {
  if (folder_lock_ >= 0) ::close(folder_lock_);
}

SampleOutput::Found SampleOutput::look_into_folder() {
  std::error_code error;
  require(!fs::exists(targets_.folder, error) || fs::is_directory(targets_.folder, error),
          "--out: '{}' is a file; expected a folder", targets_.folder.string());
  if (!fs::exists(targets_.folder, error) || !holds_files(targets_.folder)) return Found::nothing;
  const std::optional<json> record = read_record(targets_.folder);
  if (!record) return Found::other;
  difference_ = difference(settings_, *record);
  if (!difference_.empty()) return Found::other;
  const bool all_there = record->value("state", "") == state_finished;
  if (all_there && targets_.overwrite) return Found::other;  // asked to be drawn anew
  record_ = *record;
  const bool npz_there = targets_.npz.empty() || (fs::exists(targets_.npz, error) &&
                                                  !fs::exists(NpzStream::unfinished_path(targets_.npz), error));
  finished_ = all_there && npz_there && !film_is_missing() && image_files_there(request_.count) == request_.count;
  return Found::same_settings;
}

void SampleOutput::refuse_what_is_there(Found found) const {
  require(found != Found::other || targets_.overwrite,
          "--out: '{}' already holds {}; choose another folder, or add to it and replace files of the same names with "
          "--overwrite",
          targets_.folder.string(),
          difference_.empty() ? std::string("files") : fmt::format("samples of other settings ({})", difference_));
  if (found == Found::same_settings) return;
  check_output_file("--film", targets_.film, targets_.overwrite);
  if (targets_.npz.empty()) return;
  std::error_code error;
  const fs::path folder = targets_.npz.has_parent_path() ? targets_.npz.parent_path() : fs::path(".");
  require(fs::is_directory(folder, error), "--npz: '{}' can't be written, since there is no folder '{}'",
          targets_.npz.string(), folder.string());
  require(!fs::is_directory(targets_.npz, error) && targets_.npz.has_filename(), "--npz: '{}' is a folder",
          targets_.npz.string());
  for (const fs::path& path : {targets_.npz, NpzStream::unfinished_path(targets_.npz)}) {
    require(targets_.overwrite || !fs::exists(path, error),
            "--npz: '{}' exists; choose another name, or replace it with --overwrite", path.string());
  }
}

void SampleOutput::lock_folder() {
  folder_lock_ = ::open(targets_.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  require(folder_lock_ >= 0 && ::flock(folder_lock_, LOCK_EX | LOCK_NB) == 0,
          "--out: another process is writing samples into '{}'", targets_.folder.string());
}

bool SampleOutput::film_is_missing() const {
  std::error_code error;
  return !targets_.film.empty() && !fs::exists(targets_.film, error);
}

void SampleOutput::remove_files_of_the_same_names() const {
  std::error_code error;
  if (!targets_.film.empty()) fs::remove(targets_.film, error);
  fs::remove(targets_.folder / grid_name, error);
  if (!targets_.images) return;
  for (std::int64_t position = 0; position < request_.count; ++position) fs::remove(image_path(position), error);
}

void SampleOutput::write_record() const { write_file_atomically(targets_.folder / record_name, printed_json(record_)); }

fs::path SampleOutput::image_path(std::int64_t position) const {
  const auto labels = labels_of(request_, model_.settings(), position, 1);
  const std::string prefix = labels.empty() ? "" : file_prefix(model_.settings(), labels.front());
  return targets_.folder / fmt::format("{}{:06}.png", prefix, request_.first + static_cast<std::uint64_t>(position));
}

std::vector<fs::path> SampleOutput::image_paths() const {
  std::vector<fs::path> paths;
  for (std::int64_t position = 0; position < request_.count; ++position) paths.push_back(image_path(position));
  return paths;
}

// How many of so many images, from the first on, have their file, if they should.
std::int64_t SampleOutput::image_files_there(std::int64_t images) const {
  if (!targets_.images) return images;
  std::error_code error;
  for (std::int64_t position = 0; position < images; ++position) {
    const auto size = fs::file_size(image_path(position), error);
    if (error || size == 0) return position;
  }
  return images;
}

void SampleOutput::take_over(std::int64_t images) {
  const auto pixels_of = [&](std::int64_t position) {
    if (npz_) return npz_->read(position, 1).permute({0, 3, 1, 2}).contiguous();
    return to_pixels(tensor_from_image(read_image(image_path(position)))).unsqueeze(0);
  };
  // Whole batches, so that those that follow are the same as if nothing had happened.
  if (images < request_.count) images -= images % request_.batch;
  for (std::int64_t position = 0; position < images; ++position) {
    try {
      keep(pixels_of(position), position);
    } catch (const Error&) {  // cut short by a crash of the machine
      images = position - position % request_.batch;
      pixels_ = {};
      previewed_ = 0;
      position = -1;
    }
  }
  if (npz_) npz_->shorten(images);
  drawn_ = images;
}

void SampleOutput::keep(const Tensor& pixels, std::int64_t position) {
  iddpm::add(pixels_, pixels);
  for (std::int64_t i = 0; i < pixels.size(0); ++i) {
    if (std::binary_search(preview_positions_.begin(), preview_positions_.end(), position + i)) {
      preview_[previewed_++].copy_(pixels[i]);
    }
  }
}

void SampleOutput::sync(bool at_once) {
  using namespace std::chrono_literals;
  const auto now = std::chrono::steady_clock::now();
  if (!at_once && now - synced_ < 1s) return;
  if (npz_) npz_->sync();
  if (targets_.images) sync_file_system(targets_.folder);
  synced_ = now;
}

void SampleOutput::add(const DrawnBatch& batch) {
  const Tensor pixels = to_pixels(batch.images);
  if (targets_.images) {
    for (std::int64_t i = 0; i < pixels.size(0); ++i) {
      AtomicFile file(image_path(batch.position + i));
      file.write(encode_png(image_from_tensor(batch.images[i])));
      file.commit_unsynced();
    }
  }
  if (npz_) npz_->append(pixels.permute({0, 2, 3, 1}));
  keep(pixels, batch.position);
  drawn_ = batch.position + pixels.size(0);
  sync(false);
}

std::string SampleOutput::kept() const {
  if (!targets_.images && !npz_) {
    return fmt::format("of {} images that were drawn only a preview is kept, and the same command begins anew", drawn_);
  }
  return fmt::format("{} of {} images are kept, and the same command goes on with the rest", drawn_, request_.count);
}

void SampleOutput::write_preview() {
  if (previewed_ == 0) return;
  try {
    const bool whole = previewed_ == preview_.size(0);
    write_png(targets_.folder / grid_name,
              sample_grid(from_pixels(preview_.narrow(0, 0, previewed_)), model_.settings(),
                          {.by_class = preview_by_class_ && whole, .columns = targets_.columns}));
  } catch (const Error& error) {
    say(fmt::format("No preview: {}", error.what()));
  }
}

void SampleOutput::finish(const json& more) {
  sync(true);
  write_preview();
  record_.update(more);
  record_["state"] = state_finished;
  std::error_code error;
  const fs::path grid = targets_.folder / grid_name;
  record_["grid"] = fs::exists(grid, error) ? json(grid.string()) : json();
  write_record();
  if (!npz_) return;
  NamedTensors further;
  if (model_.has_classes()) {
    further.emplace_back("arr_1", at::tensor(labels_of(request_, model_.settings(), 0, request_.count), at::kLong));
  }
  npz_->finish(further);
}

}  // namespace iddpm::cli

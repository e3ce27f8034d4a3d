// Writes what the fuzzers begin with: FOLDER/TARGET/NAME, a few small files of each kind.
//   fuzz_seeds FOLDER

#include <tiffio.h>

#include <cstdio>
#include <fstream>

#include "iddpm/core/fields.h"
#include "iddpm/evaluation/evaluation_result.h"
#include "iddpm/evaluation/likelihood/pairwise_bound_file.h"
#include "iddpm/evaluation/metrics/reference_statistics.h"
#include "iddpm/io/npy_header.h"
#include "iddpm/io/npz.h"
#include "iddpm/io/safetensors.h"
#include "iddpm/model/checkpoint_format.h"
#include "iddpm/model/trajectory_table.h"
#include "iddpm/training/run/log_lines.h"
#include "iddpm/training/run/run_record.h"
#include "tests/io/image_samples.h"
#include "tests/io/packed_zip.h"
#include "tests/io/pickle_samples.h"
#include "tests/io/profiled_images.h"
#include "tests/io/tar_samples.h"

namespace {

using namespace iddpm;
namespace fs = std::filesystem;
using namespace std::string_literals;

class Seeds {
 public:
  explicit Seeds(fs::path folder) : folder_(std::move(folder)) {}

  /// Where the next seed of a target is to be written.
  fs::path next(const std::string& target) {
    const fs::path folder = folder_ / target;
    fs::create_directories(folder);
    return folder / fmt::format("seed_{}", ++count_);
  }
  void add(const std::string& target, const std::string& bytes) {
    const fs::path path = next(target);
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

 private:
  fs::path folder_;
  int count_ = 0;
};

void add_images(Seeds& seeds) {
  const TemporaryFolder scratch;
  const std::string profile = icc_profile("RGB ", "Display P3", display_p3);
  for (const std::int64_t channels : {1, 2, 3, 4}) seeds.add("png", encode_png(gradient(5, 4, channels), "a comment"));
  seeds.add("png", png_bytes({.width = 2,
                              .bit_depth = 4,
                              .color_type = 3,
                              .rows = {"\x01"},
                              .palette = "rgbRGB",
                              .transparency = "\x80"}));
  seeds.add("png", png_bytes({.bit_depth = 16, .color_type = 2, .rows = {"sixteen"s.substr(0, 6)}}));
  seeds.add("png", in_png(profile));
  for (const std::int64_t channels : {1, 3, 4}) {
    for (const bool progressive : {false, true}) seeds.add("jpeg", jpeg_bytes(gradient(9, 8, channels), progressive));
  }
  seeds.add("jpeg", in_jpeg(profile));
  for (const std::int64_t channels : {3, 4}) {
    for (const bool lossless : {false, true}) seeds.add("webp", webp_bytes(gradient(6, 5, channels), lossless));
  }
  seeds.add("webp", in_webp(profile));
  for (const bool two_frames : {false, true}) {
    for (const int transparent : {-1, 1}) seeds.add("gif", gif_bytes(scratch, transparent, two_frames));
  }
  const std::string palette(4 * 16, 'p');
  seeds.add("bmp", bmp_bytes(2, 2, 24, "", std::string(16, 'b')));
  seeds.add("bmp", bmp_bytes(2, -2, 32, "", std::string(16, 'b')));
  seeds.add("bmp", bmp_bytes(3, 1, 4, palette, "\x12\x30\0\0"s));
  seeds.add("bmp", bmp_bytes(3, 2, 8, std::string(1024, 'p'), "\x03\x05\0\0\0\x03\x01\x02\x03\0\0\x01"s, 1));
  seeds.add("bmp", bmp_bytes(5, 1, 4, palette, "\x05\x12\0\0\0\x01"s, 2));
  for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS}) {
    for (const std::int64_t channels : {1, 3, 4}) {
      seeds.add("tiff", tiff_bytes(scratch, gradient(5, 4, channels), compression, 6));
    }
  }
  seeds.add("tiff", in_tiff(profile));
}

void add_tensors(Seeds& seeds) {
  const Tensor matrix = at::arange(6, at::kFloat).reshape({2, 3});
  write_safetensors(seeds.next("safetensors"), {{"a", matrix}, {"b.c", at::ones({}, at::kLong)}}, {{"key", "value"}});
  write_safetensors(seeds.next("safetensors"), {{"half", matrix.to(at::kHalf)}, {"empty", at::zeros({0, 3})}});
  for (const auto& entry : fs::directory_iterator(fs::path(IDDPM_SOURCE_DIR) / "tests/io/data")) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".npz")) fs::copy_file(entry.path(), seeds.next("npz"));
    if (name.ends_with(".pt")) fs::copy_file(entry.path(), seeds.next("pytorch"));
  }
  namespace p = pickle;
  const std::string weight = p::tensor(p::storage("0", 16), 0, {2, 3}, {3, 1});
  seeds.add("pickle", p::whole(p::dictionary({{"weight", weight}, {"step", p::integer(3)}})));
  const std::string shared = p::tensor(p::storage("1", 8, "DoubleStorage"), 2, {2}, {1});
  seeds.add("pickle",
            p::whole(p::dictionary({{"state", p::dictionary({{"0", shared + p::put(1)}})}, {"k", p::get(1)}})));
  seeds.add("pickle",
            p::whole(p::call(p::global("collections", "OrderedDict"), {}) + "(" + p::text("w") + weight + "u"));

  const Tensor images = at::arange(12, at::kByte).reshape({3, 2, 2, 1});
  const Tensor labels = at::tensor({0, 1, 1}, at::kLong);
  write_npz(seeds.next("npz"), {{"images", images}, {"labels", labels}});
  const std::string header = npy_header(at::kByte, {3, 2, 2, 1}, "images");
  write_packed_zip(seeds.next("npz"), "arr_0.npy"s, header + "pixels of 3!");
  seeds.add("npy", '\0' + header + "pixels of 3!");
  seeds.add("npy", '\0' + npy_header(at::kByte, {2, 12}, "images") + std::string(24, 'p'));
  seeds.add("npy", '\1' + npy_header(at::kLong, {3}, "labels") + "\1\0\0\0\0\0\0\0"s + std::string(16, '\0'));
  seeds.add("npy", '\1' + npy_header(at::kByte, {3}, "labels") + "\0\1\2"s);
}

void add_data_sets(Seeds& seeds) {
  seeds.add("idx", "\0\0\0\x8\3\0\0\0\3\0\0\0\1\0\0\0\2pixels"s);
  seeds.add("idx", "\1\0\0\x8\1\0\0\0\3\0\1\2"s);
  seeds.add("cifar", "\0\3pixels"s);
  seeds.add("cifar", "\2\3\7pixels"s);
  seeds.add("cifar", "\4\3pixels"s);
  seeds.add("cifar", "\6cat\ndog\n3\n4\r\n5\n6\n7\n8\n9\n10\n"s);
  seeds.add("csv_labels", "file,label\na.png,cat\nb/a.png,\"a \"\"dog\"\"\"\n");
  seeds.add("csv_labels",
            "\xef\xbb\xbf"
            "id;name;species\r\n1;b\\c 1.jpg;cat\r\n2;./d;dog\r\n");
  seeds.add("csv_labels", "\xff\xfe"s + "a\0.\0p\0n\0g\0\t\0x\0\n\0"s);
}

void add_archives(Seeds& seeds) {
  const std::string dark = encode_png(gradient(4, 3, 1)), light = encode_png(gradient(4, 3, 1));
  seeds.add("tar", tar_entry("a/1.png", dark) + tar_entry("a/1.cls", "cat") + tar_entry("a/2.png", light) +
                       tar_entry("a/2.json", R"({"label": "dog"})") + tar_end());
  seeds.add("tar", pax_header("path", "cats/" + std::string(120, 'n') + ".png") + tar_entry("n", dark) +
                       tar_entry("dogs/2.png", light) + tar_end());
  seeds.add("tar", tar_entry("././@LongLink", "train/long.png", 'L') + tar_entry("n", dark) +
                       tar_entry("test/2.png", light) + tar_end());
  write_packed_zip(seeds.next("zip"), "a/1.png"s, dark, "a/1.cls"s, "cat"s, "a/2.png"s, light, "a/2.cls"s, "dog"s);
  write_packed_zip(seeds.next("zip"), "x/train/cat/1.png"s, dark, "x/test/dog/1.png"s, light);
}

void add_records(Seeds& seeds) {
  CheckpointInfo info;
  info.step = 3;
  info.ema_rates = {0.99};
  seeds.add("model_settings", checkpoint_format::write_metadata(info, {{"model", 1}, {"ema_0.99", 2}}));
  info.settings.network.image_channels = 1;
  info.data_pixels = {};
  seeds.add("model_settings", checkpoint_format::write_metadata(info, {{"model", 1}, {"ema_0.99", 2}}));

  const TemporaryFolder scratch;
  RunRecord record = {
      .data = "images", .data_options = {}, .run = {.steps = 10, .sample_at = {1, 2}}, .preset = "tiny"};
  for (const bool with_training : {false, true}) {
    if (with_training) record.training = TrainingOptions{};
    save_run_record(scratch.path(), record);
    fs::copy_file(run_record_path(scratch.path()), seeds.next("run_record"));
  }
  const std::string line =
      log_line({.step = 2, .loss = 0.5, .mse = 0.25, .loss_by_quartile = {0.5, 0.25}, .skipped = 1});
  seeds.add("log_lines", line + log_line({.step = 4, .loss = 0.25}) + line.substr(0, line.size() / 2));
}

void add_measurements(Seeds& seeds) {
  const ImageSetRecord images = {.source = "images", .sha256 = "ab", .count = 3, .image_shape = {1, 8, 8}};
  const ModelRecord model = {.checkpoint = "m.safetensors", .weights = "raw", .steps = 20, .original_steps = 20};
  const FeatureSpace space = {.network = "toy", .sha256 = "cd", .dimensions = 2};
  const Protocol protocol = {.images = images,
                             .reference = images,
                             .features = space,
                             .neighbours = {3, 5},
                             .model = model,
                             .software = "iddpm 0.1.0"};
  save_result(seeds.next("evaluation_result"), {.protocol = protocol, .figures = {{"fid", 1.5}}});
  const Tensor features = at::arange(6, at::kFloat).reshape({3, 2});
  FeatureSet set = {.space = space, .images = images, .pooled = feature_moments(features)};
  save_reference_statistics(seeds.next("reference_statistics"), set);
  set.features = features;
  set.spatial = set.pooled;
  save_reference_statistics(seeds.next("reference_statistics"), set);

  const auto some = [](at::IntArrayRef shape) { return at::ones(shape, at::kDouble); };
  save_pairwise_bound(seeds.next("pairwise_bound"),
                      {.timesteps = {0, 4, 19},
                       .terms = {.prior = some({3}), .step = some({3, 3}), .decoder = some({3, 3})},
                       .measured = images,
                       .model = model});
  save_trajectory_table(seeds.next("trajectory_table"), {.timesteps = {0, 9, 19},
                                                         .trajectories = {3, 5, std::vector<double>(12, 0.5)},
                                                         .process_steps = 20,
                                                         .weights = "raw"});
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "Usage: fuzz_seeds FOLDER\n");
    return 2;
  }
  Seeds seeds(arguments[1]);
  add_images(seeds);
  add_tensors(seeds);
  add_data_sets(seeds);
  add_archives(seeds);
  add_records(seeds);
  add_measurements(seeds);
}

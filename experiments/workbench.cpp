#include "experiments/workbench.h"

#include <ctime>
#include <map>

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/evaluation/features/feature_classifier_training.h"
#include "iddpm/evaluation/features/feature_network_file.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/io/input_file.h"

namespace iddpm::experiments {

namespace fs = std::filesystem;

namespace {

std::string name_of(const fs::path& data) {
  return data.has_filename() ? data.filename().string() : data.parent_path().filename().string();
}

}  // namespace

Workbench::Workbench(Settings settings, WorkProgress progress)
    : settings_(std::move(settings)), progress_(std::move(progress)) {
  if (settings_.work.empty()) settings_.work = fs::path("runs") / "reproduce" / data_name();
  if (settings_.page.empty()) settings_.page = settings_.out / "results.md";
}

std::string Workbench::data_name() const { return name_of(settings_.data); }

void Workbench::tell(const std::string& work, double fraction, const std::string& words) const {
  if (progress_) progress_(work, fraction, words);
}

ProgressCallback Workbench::counter(const std::string& work) const {
  return [this, work](std::int64_t done, std::int64_t total) {
    tell(work, static_cast<double>(done) / static_cast<double>(total));
  };
}

fs::path Workbench::folder(const std::string& name) const {
  const fs::path path = settings_.work / name;
  std::error_code error;
  fs::create_directories(path, error);
  require(!error, "can't make the folder '{}': {}", path.string(), error.message());
  return path;
}

std::shared_ptr<const Dataset> Workbench::open(const std::string& split) const {
  DatasetOptions options = settings_.data_options;
  if (!split.empty()) options.split = split;
  return open_dataset(settings_.data, options);
}

const std::shared_ptr<const Dataset>& Workbench::training_images() {
  if (!training_) training_ = open_training_images();
  return training_;
}

std::shared_ptr<const Dataset> Workbench::open_training_images() const {
  return open(has_test_images() ? "train" : "");
}

bool Workbench::has_test_images() const { return has_test_split(settings_.data); }

const std::shared_ptr<const Dataset>& Workbench::test_images() {
  if (!test_) test_ = has_test_images() ? open("test") : training_images();
  return test_;
}

nlohmann::json Workbench::measured(const std::string& label, const nlohmann::json& depends_on,
                                   const std::function<nlohmann::json()>& measure) {
  const std::string key = sha256(nlohmann::json{{"label", label}, {"depends_on", depends_on}}.dump()).substr(0, 12);
  const fs::path path = folder("measurements") / fmt::format("{}-{}.json", label, key);
  if (!fs::exists(path)) {
    const std::clock_t start = std::clock();
    const nlohmann::json result = measure();
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    write_file_atomically(path, nlohmann::json{{"result", result}, {"seconds", seconds}}.dump() + "\n");
  }
  const auto kept = parse_json(read_file(path), path.string());
  require(kept.is_object() && kept.contains("result") && kept.contains("seconds") && kept["seconds"].is_number(),
          "'{}' is not a measurement of iddpm reproduce; delete it", path.string());
  count(kept["seconds"].get<double>());
  return kept["result"];
}

const FeatureNetwork& Workbench::feature_network() {
  if (features_) return *features_;
  features_ = load_feature_network(settings_.features.empty() ? feature_classifier("classifier", settings_.seed)
                                                              : settings_.features);
  return *features_;
}

fs::path Workbench::feature_classifier(const std::string& name, std::uint64_t seed) {
  const fs::path path = folder("features") / (name + ".safetensors");
  if (fs::exists(path)) return path;
  const std::shared_ptr<const Dataset> test = has_test_images() ? test_images() : nullptr;
  const FeatureTrainingOptions options{.steps = scale().feature_steps, .seed = seed};
  const auto classifier = train_feature_classifier(
      *training_images(), test.get(), options, data_name(), [&](const FeatureTrainingProgress& progress) {
        tell("Training the feature classifier",
             static_cast<double>(progress.step) / static_cast<double>(progress.steps),
             fmt::format("loss {:.3f}", progress.loss));
        return true;
      });
  classifier.save(path);
  return path;
}

std::string identity(const fs::path& checkpoint) {
  static std::map<std::string, std::string> known;
  std::string& hash = known[checkpoint.string()];
  if (hash.empty()) hash = sha256_of_file(checkpoint);
  return hash;
}

}  // namespace iddpm::experiments

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "experiments/settings.h"
#include "iddpm/core/progress.h"
#include "iddpm/data/dataset.h"
#include "iddpm/evaluation/features/feature_set.h"
#include "iddpm/model/model_settings.h"
#include "iddpm/training/run/run_record.h"
#include "iddpm/training/trainer.h"

namespace iddpm::experiments {

/// One of the models that findings share.
struct ModelRecipe {
  std::string name;  ///< of its folder
  std::string schedule = "cosine";
  Mean mean = Mean::epsilon;
  Objective objective = Objective::hybrid;
  Variance variance = Variance::learned_range;
  LossWeighting weighting = {};  ///< with its default floor and limit
  TimestepSampling timesteps = TimestepSampling::uniform;
  std::optional<Precision> precision = {};           ///< unset: the program's choice
  std::uint64_t seed_offset = 0;                     ///< added to the settings' seed
  std::optional<std::int64_t> residual_blocks = {};  ///< unset: the scale's
  std::vector<double> channel_multipliers = {};      ///< empty: the scale's
};

/// The models that findings share, so that each is trained once: cosine_hybrid, linear_vlb_importance ...
ModelRecipe model_recipe(const std::string& schedule, Objective objective,
                         TimestepSampling timesteps = TimestepSampling::uniform);

/// A model that stands in the work folder, trained as far as the scale asks.
struct TrainedModel {
  std::string name;
  std::filesystem::path run;
  std::vector<std::filesystem::path> checkpoints;  ///< at the scale's even steps, the last one included
  std::vector<std::int64_t> steps;                 ///< of each
  double seconds = 0;                              ///< of processor time that training took, all cores together
  const std::filesystem::path& last() const { return checkpoints.back(); }
};

/// Samples of a checkpoint: how many, and how they are drawn.
struct SampleRecipe {
  std::filesystem::path checkpoint;
  std::int64_t count = 0;
  std::string sampler = "ancestral";
  std::string steps = {};                    ///< a respacing specification
  std::vector<std::int64_t> timesteps = {};  ///< or the timesteps themselves
  std::optional<Variance> variance = {};     ///< another fixed one than the checkpoint says
  std::uint64_t seed_offset = 0;             ///< added to the settings' seed
  double guidance = 1;                       ///< its scale; 1: none
  std::filesystem::path guide = {};          ///< a weaker checkpoint; empty: the model itself without the class
};

/// Told what is being done, how much of it is done (0 .. 1) and a few words on it. May throw Interrupted to stop the
/// work: what is finished stays, and a model in training is saved.
using WorkProgress = std::function<void(const std::string& work, double fraction, const std::string& words)>;

/// Where the findings are made: data, models, samples and measurements, each kept in the work folder under a name that
/// stands for all it depends on. What is there is taken; what isn't is made.
class Workbench {
 public:
  explicit Workbench(Settings settings, WorkProgress progress = {});

  const Settings& settings() const { return settings_; }
  const Scale& scale() const { return settings_.scale; }
  /// The data set's name: its folder's.
  std::string data_name() const;
  const std::shared_ptr<const Dataset>& training_images();
  /// Opened anew, for who counts what that takes.
  std::shared_ptr<const Dataset> open_training_images() const;
  /// The test split; the training images themselves where there is none.
  const std::shared_ptr<const Dataset>& test_images();
  bool has_test_images() const;
  /// A classifier of the data with such a seed, whose features judge samples; trained where there is none yet.
  std::filesystem::path feature_classifier(const std::string& name, std::uint64_t seed);

  ModelSettings model_settings(const ModelRecipe& recipe);
  TrainingOptions training_options(const ModelRecipe& recipe) const;
  /// Trains it, or goes on with it, if need be. Throws NotFiniteError, at once if it did before, if training diverges.
  TrainedModel model(const ModelRecipe& recipe);

  /// uint8 [N, C, H, W]. Throws NotFiniteError, at once if they were drawn before, if some have no pixels.
  Tensor samples(const SampleRecipe& recipe);
  /// What drawing them costs: "evaluations" of the network for an image, a guided step counting two, and "milliseconds"
  /// of processor time for an image.
  nlohmann::json sampling_cost(const SampleRecipe& recipe);
  /// Metrics against the training images in the feature space (sample_metrics.h's names), with "protocol".
  /// `reference_images` of them; 0: the scale's number.
  nlohmann::json judge(const SampleRecipe& recipe, std::int64_t reference_images = 0);
  /// The same for images from elsewhere, uint8 [N, C, H, W].
  nlohmann::json judge(const std::string& source, const Tensor& images, std::int64_t reference_images = 0);
  /// The metrics of as many real images that aren't in the reference: how good a perfect model would look.
  nlohmann::json judge_real_images(std::int64_t count, std::int64_t reference_images = 0);

  /// Bits per dimension on test images and its terms: "total", "standard_error", "prior", "terms", ...
  nlohmann::json likelihood(const std::filesystem::path& checkpoint, const std::string& steps = {},
                            const std::vector<std::int64_t>& timesteps = {}, std::optional<Variance> variance = {});

  /// A measurement kept under `label` and all that it depends on. Its time is counted where it was made.
  nlohmann::json measured(const std::string& label, const nlohmann::json& depends_on,
                          const std::function<nlohmann::json()>& measure);

  /// Starts to count the time that a finding takes, work that is taken from the folder included.
  void start_counting() { seconds_ = 0; }
  /// Seconds of processor time, of all cores together.
  double seconds() const { return seconds_; }
  void count(double seconds) { seconds_ += seconds; }

  /// Says how far some work is; throws what the caller's progress does.
  void tell(const std::string& work, double fraction, const std::string& words = {}) const;
  /// The same for work that counts.
  ProgressCallback counter(const std::string& work) const;
  std::filesystem::path folder(const std::string& name) const;

 private:
  std::shared_ptr<const Dataset> open(const std::string& split) const;
  const FeatureNetwork& feature_network();
  const FeatureSet& reference(std::int64_t count);
  /// Trains to the end of `options`, keeping count of the time.
  void train_in(const std::filesystem::path& run, Trainer& trainer, const RunOptions& options);
  nlohmann::json metrics(const std::string& source, const Tensor& images, const FeatureSet& real);

  Settings settings_;
  WorkProgress progress_;
  std::shared_ptr<const Dataset> training_, test_;
  std::unique_ptr<FeatureNetwork> features_;
  std::map<std::int64_t, FeatureSet> references_;  // by their number of images
  double seconds_ = 0;
};

/// `count` images evenly spread over a data set (all if it has fewer), uint8 [N, C, H, W]; broken ones are left out.
Tensor images_of(const Dataset& dataset, std::int64_t count);

/// Identity of a model file: SHA-256 of its bytes.
std::string identity(const std::filesystem::path& checkpoint);

}  // namespace iddpm::experiments

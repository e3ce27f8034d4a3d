#include "experiments/training_arm.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "iddpm/core/error.h"
#include "iddpm/core/nearest_name.h"
#include "iddpm/diffusion/respacing.h"
#include "iddpm/model/draw.h"
#include "iddpm/samplers/registry.h"
#include "iddpm/training/learning_rate.h"

namespace iddpm::experiments {
namespace {

std::vector<std::string> split_at(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

// Whether a field's option "--learning-rate,--lr" is called so.
bool is_called(const Field& field, const std::string& option) {
  if (field.option == nullptr) return false;
  const auto names = split_at(field.option, ',');
  return std::find(names.begin(), names.end(), option) != names.end();
}

bool takes_several(const FieldMember& member) {
  return std::holds_alternative<std::vector<double>*>(member) ||
         std::holds_alternative<std::vector<std::int64_t>*>(member);
}

/// The words of an arm's options, one after the other.
class Words {
 public:
  explicit Words(std::vector<std::string> words) : words_(std::move(words)) {}
  bool empty() const { return next_ == words_.size(); }
  std::string take() { return words_[next_++]; }
  std::string value_of(const std::string& option) {
    require(!empty(), "{}: expected a value after it", option);
    return take();
  }
  double number_of(const std::string& option) {
    const std::string word = value_of(option);
    std::size_t used = 0;
    double value = 0;
    try {
      value = std::stod(word, &used);
    } catch (const std::logic_error&) {
      used = 0;
    }
    require(used == word.size(), "{}: expected a number, got '{}'", option, word);
    return value;
  }

 private:
  std::vector<std::string> words_;
  std::size_t next_ = 0;
};

// Sets the field that has this option, if one has.
template <typename Settings>
bool set_by_option(Settings& settings, const std::string& option, Words& words, std::vector<std::string>& names) {
  bool found = false;
  visit_fields(settings, [&](const Field& field, const FieldMember& member) {
    if (field.option == nullptr) return;
    for (const std::string& name : split_at(field.option, ',')) names.push_back(name);
    if (found || !is_called(field, option)) return;
    found = true;
    const std::string value = words.value_of(option);
    set_field(field, member, takes_several(member) ? split_at(value, ',') : std::vector<std::string>{value}, option);
  });
  return found;
}

bool set_sampling(TrainingArm& arm, const std::string& option, Words& words) {
  if (option == "--sampler") {
    arm.sampling.sampler = words.value_of(option);
    (void)make_sampler(arm.sampling.sampler, {});
  } else if (option == "--sample-steps") {
    arm.sampling.steps = words.value_of(option);
  } else if (option == "--guidance") {
    arm.sampling.guidance = words.number_of(option);
  } else if (option == "--guide") {
    const double mark = words.number_of(option);
    require(mark >= 1 && mark == std::floor(mark), "--guide: expected the number of a mark, 1 or more, got {}", mark);
    arm.guide = static_cast<std::int64_t>(mark);
  } else {
    return false;
  }
  return true;
}

struct ClassWish {
  bool unconditional = false;
  bool conditional = false;
};

void set_option(TrainingArm& arm, ClassWish& classes, const std::string& option, Words& words) {
  Preset& preset = arm.preset;
  if (option == "--flip") {
    preset.training.random_flip = true;
  } else if (option == "--unconditional") {
    classes.unconditional = true;
  } else if (option == "--class-conditional") {
    classes.conditional = true;
  } else if (!set_sampling(arm, option, words)) {
    require(option != "--seed", "--seed: all arms have the same seeds, of --seed and --seeds");
    std::vector<std::string> names = {"--preset",  "--flip",         "--unconditional", "--class-conditional",
                                      "--sampler", "--sample-steps", "--guidance",      "--guide"};
    const bool known = set_by_option(preset.model.network, option, words, names) ||
                       set_by_option(preset.model.diffusion, option, words, names) ||
                       set_by_option(preset.training, option, words, names);
    require(known, "there is no option '{}' of an arm.{}", option, did_you_mean(option, names));
  }
}

void fit_to_data(TrainingArm& arm, const ClassWish& wish, Workbench& bench) {
  UNetOptions& network = arm.preset.model.network;
  const Dataset& data = *bench.training_images();
  const auto shape = data.image_shape();
  require(shape[1] == network.image_height && shape[2] == network.image_width,
          "the preset '{}' is of {} x {} pixels, the data are {} x {}; expected the same (--image-size brings data to "
          "a size)",
          arm.preset.name, network.image_height, network.image_width, shape[1], shape[2]);
  network.image_channels = shape[0];
  const auto& names = data.class_names();
  require(!wish.conditional || !names.empty(), "--class-conditional: the data have no classes");
  const bool wanted = wish.conditional || network.classes > 0 || arm.preset.classes_from_data;
  const bool with_classes = wanted && !wish.unconditional && !names.empty();
  network.classes = with_classes ? static_cast<std::int64_t>(names.size()) : 0;
  arm.preset.model.class_names = with_classes ? names : std::vector<std::string>();
  network.predict_variance = is_learned(arm.preset.model.diffusion.variance);
  network = resolved(network);
}

void check_arm(const TrainingArm& arm, const Scale& scale) {
  check(arm.preset.model);
  TrainingOptions training = arm.preset.training;
  end_decay_with_run(training, {}, 1, 0);  // as it will end with the budget
  check(training);
  require(arm.guide == 0 || arm.sampling.guidance != 1, "--guide has no effect without --guidance");
  require(arm.guide < scale.checkpoints, "--guide: expected a mark before the last of {}, got {}", scale.checkpoints,
          arm.guide);
  (void)respaced_timesteps(forward_process(arm.preset.model.diffusion).schedule(), arm.sampling.steps);
}

}  // namespace

TrainingArm parse_arm(const std::string& text, const std::string& preset, Workbench& bench) {
  const std::size_t colon = text.find(':');
  require(colon != std::string::npos && colon > 0, "--arm '{}': expected NAME: OPTIONS", text);
  TrainingArm arm{.name = text.substr(0, colon), .options = text.substr(colon + 1), .preset = {}, .sampling = {}};
  require(arm.name.find_first_of("/\\|\n\"") == std::string::npos,
          "--arm: a name can't hold one of / \\ | \", got '{}'", arm.name);
  arm.options.erase(0, arm.options.find_first_not_of(' '));
  arm.sampling.sampler = default_sampler;
  try {
    std::vector<std::string> words = split_at(arm.options, ' ');
    std::string base = preset;
    // The preset first, wherever it stands: the others change it.
    if (const auto named = std::find(words.begin(), words.end(), "--preset"); named != words.end()) {
      require(named + 1 != words.end(), "--preset: expected a name after it");
      base = named[1];
      words.erase(named, named + 2);
    }
    arm.preset = find_preset(base);
    arm.preset.training.precision = bench.settings().precision;
    ClassWish classes;
    Words rest(std::move(words));
    while (!rest.empty()) set_option(arm, classes, rest.take(), rest);
    if (arm.sampling.steps.empty()) {
      arm.sampling.steps = default_steps(arm.sampling.sampler, arm.preset.model.diffusion.steps);
    }
    fit_to_data(arm, classes, bench);
    check_arm(arm, bench.scale());
  } catch (const Error& error) {
    fail(error.kind(), "arm '{}': {}", arm.name, error.what());
  }
  return arm;
}

}  // namespace iddpm::experiments

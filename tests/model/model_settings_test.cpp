#include "iddpm/model/model_settings.h"

#include "iddpm/training/presets.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {

TEST(ModelSettings, SurviveJson) {
  for (const Preset& preset : presets()) {
    const nlohmann::json json = preset.model;
    EXPECT_EQ(nlohmann::json::parse(json.dump()).get<ModelSettings>(), preset.model) << preset.name;
  }
}

TEST(ModelSettings, RefuseUnknownAndMissingFields) {
  nlohmann::json json = tiny_model();
  json["colour"] = 1;
  EXPECT_TRUE(contains(error_of([&] { json.get<ModelSettings>(); }), "unknown field \"colour\""));
  json.erase("colour");
  json.erase("class_names");
  EXPECT_TRUE(contains(error_of([&] { json.get<ModelSettings>(); }), "'class_names' is missing"));
}

TEST(ModelSettings, RefusePartsThatContradictEachOther) {
  ModelSettings settings = tiny_model();
  settings.network.predict_variance = false;
  EXPECT_TRUE(contains(error_of([&] { check(settings); }), "doesn't predict one"));
  settings.diffusion.variance = Variance::fixed_large;
  EXPECT_TRUE(contains(error_of([&] { check(settings); }), "hybrid needs a learned variance"));
  settings.diffusion.objective = Objective::simple;
  EXPECT_EQ(error_of([&] { check(settings); }), "");
  settings.class_names.pop_back();
  EXPECT_TRUE(contains(error_of([&] { check(settings); }), "3 classes, but there are 2 class names"));
}

TEST(ClassIndex, IsFoundByNameThenByCaseThenByNumber) {
  const ModelSettings settings = tiny_model();
  EXPECT_EQ(class_index(settings, "circle"), 0);
  EXPECT_EQ(class_index(settings, "square"), 1);
  EXPECT_EQ(class_index(settings, "7"), 2) << "a name, though it looks like a number";
  EXPECT_EQ(class_index(settings, "1"), 1);
}

TEST(ClassIndex, OfAnUnknownNameSuggestsTheNearest) {
  const std::string error = error_of([] { class_index(tiny_model(), "cirlce"); });
  EXPECT_TRUE(contains(error, "Did you mean 'circle'?")) << error;
  EXPECT_TRUE(contains(error, "Square")) << error;
  EXPECT_NE(error_of([] { class_index(tiny_model(), "3"); }), "");
  EXPECT_NE(error_of([] { class_index(tiny_model(), ""); }), "");
}

TEST(ClassIndex, OfAModelWithoutClassesIsAnError) {
  ModelSettings settings = tiny_model();
  settings.network.classes = 0;
  settings.class_names.clear();
  EXPECT_TRUE(contains(error_of([&] { class_index(settings, "0"); }), "no classes"));
}

}  // namespace iddpm

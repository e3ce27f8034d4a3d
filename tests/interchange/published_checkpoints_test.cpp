#include "iddpm/interchange/published_checkpoints.h"

#include "iddpm/interchange/other_programs.h"
#include "iddpm/interchange/reference_conversion.h"
#include "iddpm/io/zip_writer.h"
#include "iddpm/model/trained_classifier.h"
#include "iddpm/nn/classifier.h"
#include "tests/golden_case.h"
#include "tests/io/pickle_samples.h"
#include "tests/nn/small_networks.h"
#include "tests/temporary_folder.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

NamedShapes shapes_of_published(const PublishedCheckpoint& checkpoint) {
  const nlohmann::json flags = parse_reference_flags(checkpoint.flags);
  if (checkpoint.family == ReferenceFamily::classifier) {
    return NoisyClassifier::parameter_shapes(reference_classifier(flags).classifier);
  }
  return UNet::parameter_shapes(reference_unet(checkpoint.family, flags).network);
}

// Millions of parameters, as the projects' papers and file names have them.
double millions(const char* file) {
  return static_cast<double>(count(shapes_of_published(*find_published_checkpoint(file)))) / 1e6;
}

// A state dictionary as torch.save writes it.
fs::path write_state_dictionary(const fs::path& path, const NamedTensors& tensors) {
  std::vector<std::pair<std::string, std::string>> items;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = tensors[i];
    const std::string storage = pickle::storage(std::to_string(i), tensor.numel());
    items.emplace_back(name, pickle::tensor(storage, 0, tensor.sizes().vec(), tensor.strides().vec()));
  }
  const std::string pickled = pickle::whole(pickle::dictionary(items));
  ZipWriter writer(path);
  writer.add("archive/data.pkl", {std::as_bytes(std::span(pickled))});
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i].second;
    const auto* bytes = static_cast<const std::byte*>(tensor.data_ptr());
    writer.add(fmt::format("archive/data/{}", i), {std::span(bytes, tensor.nbytes())});
  }
  writer.commit();
  return path;
}

}  // namespace

TEST(ParityClassifierConversion, AConvertedClassifierHasThePublishedOutputs) {
  const TemporaryFolder folder("classifier");
  for (const GoldenCase& golden : golden_cases("network")) {
    if (golden.settings.at("family") != "classifier") continue;
    SCOPED_TRACE(golden.name());
    NamedTensors weights;
    for (const nlohmann::json& entry : golden.settings.at("weights")) {
      weights.emplace_back(entry.at("name").get<std::string>(), recipe_weight(entry));
    }
    const fs::path file = write_state_dictionary(folder / "model003000.pt", weights);
    const ReferenceReading reading =
        convert_reference_checkpoint({.weights = file, .flags = golden.settings.at("flags")}, folder / "out");
    EXPECT_EQ(reading.family, ReferenceFamily::classifier) << "told by its weights";
    const TrainedClassifier classifier = TrainedClassifier::open(folder / "out");
    EXPECT_EQ(classifier.info().steps, 3000);
    EXPECT_TRUE(all_close(classifier.network()(golden["x"], golden["t"]), golden["output"], 1e-4, 1e-4));
  }
}

TEST(PublishedCheckpoints, TheirFlagsDescribeNetworksOfThePublishedSizes) {
  EXPECT_NEAR(millions("cifar10_uncond_50M_500K.pt"), 52.5, 0.1);
  EXPECT_NEAR(millions("imagenet64_uncond_100M_1500K.pt"), 121, 1);
  EXPECT_NEAR(millions("imagenet64_cond_270M_250K.pt"), 273, 0.1);  // 270 in its name
  EXPECT_NEAR(millions("64x64_diffusion.pt"), 296, 1);
  EXPECT_NEAR(millions("128x128_diffusion.pt"), 422, 1);
  EXPECT_NEAR(millions("256x256_diffusion.pt"), 554, 1);
  EXPECT_NEAR(millions("512x512_diffusion.pt"), 559, 1);
}

TEST(PublishedCheckpoints, AllAreUnderstoodAndTheirFamiliesAreToldByTheirWeightsToo) {
  for (const PublishedCheckpoint& checkpoint : published_checkpoints()) {
    SCOPED_TRACE(checkpoint.file);
    const NamedShapes shapes = shapes_of_published(checkpoint);
    EXPECT_EQ(told_family(parse_reference_flags(checkpoint.flags), shapes), checkpoint.family);
    EXPECT_EQ(told_family(nlohmann::json::object(), shapes), checkpoint.family);
  }
}

TEST(PublishedCheckpoints, FamiliesAreToldByFlagsThatOneProjectHas) {
  const auto family = [](const std::string& flags) { return family_of_flags(parse_reference_flags(flags)); };
  EXPECT_EQ(family("--num_channels 128 --num_head_channels 64"), ReferenceFamily::guided);
  EXPECT_EQ(family("--large_size 256 --resblock_updown True"), ReferenceFamily::guided_sr);
  EXPECT_EQ(family("--large_size 256"), ReferenceFamily::improved_sr);
  EXPECT_EQ(family("--sigma_small True"), ReferenceFamily::improved);
  EXPECT_EQ(family("--image_size 64 --classifier_depth 4"), ReferenceFamily::classifier);
  EXPECT_EQ(family("--image_size 64"), std::nullopt);
}

TEST(OtherPrograms, AreNamedWithWhatReadingThemWouldTake) {
  const auto named = [](const NamedShapes& shapes) { return other_program(shapes).value_or(""); };
  EXPECT_TRUE(
      contains(named({{"model.init_conv.weight", {}}, {"model.downs.0.0.block1.proj.weight", {}}}), "lucidrains"));
  EXPECT_TRUE(contains(named({{"model.map_layer0.weight", {}}, {"model.enc.32x32_conv.weight", {}}}), "EDM"));
  EXPECT_EQ(named({{"input_blocks.0.0.weight", {}}}), "");
}

TEST(OtherPrograms, APickleOfEdmIsNamedAndNothingOfItIsExecuted) {
  const TemporaryFolder folder("edm");
  const std::string code = pickle::whole(
      pickle::call(pickle::global("torch_utils.persistence", "_reconstruct_persistent_obj"), {pickle::text("code")}));
  const fs::path file = folder.write("edm-cifar10-32x32-uncond-vp.pkl", code);
  expect_error([&] { convert_reference_checkpoint({.weights = file}, folder / "model.safetensors"); },
               {"edm-cifar10", "NVlabs' EDM", "never executed"});
  EXPECT_FALSE(fs::exists(folder / "model.safetensors"));
}

}  // namespace iddpm

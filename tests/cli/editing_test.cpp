// iddpm sample from images: variations, inpainting, interpolation, films.

#include <nlohmann/json.hpp>

#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

class Editing : public TinyRunTest {
 protected:
  static void SetUpTestSuite() {
    TinyRunTest::SetUpTestSuite();
    write("large.png", 16, 12, 3);
    write("small.png", 8, 8, 1);
    Image mask{.width = 8, .height = 8, .channels = 1, .pixels = std::vector<std::uint8_t>(64)};
    write_png(at("black.png"), mask);
    for (std::size_t p = 0; p < 32; ++p) mask.pixels[p] = 255;
    write_png(at("mask.png"), mask);
  }

  static void write(const std::string& name, std::int64_t width, std::int64_t height, std::int64_t channels) {
    Image image{.width = width, .height = height, .channels = channels};
    for (std::int64_t i = 0; i < width * height * channels; ++i) {
      image.pixels.push_back(static_cast<std::uint8_t>(i * 37 % 256));
    }
    write_png(at(name), image);
  }

  static constexpr const char* how = " --threads 1 --precision float32 --class dark ";
  // What was said while drawing.
  static std::string drawn(const std::string& arguments) {
    const auto result = run_program(folder(), "sample run" + std::string(how) + arguments);
    EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.errors;
    return result.errors;
  }
  static std::string refused(const std::string& arguments) {
    return refusal_in(folder(), "sample run --out refused " + arguments);
  }
  static void expect_words(const std::string& text, const std::vector<std::string>& words) {
    for (const std::string& word : words) EXPECT_NE(text.find(word), std::string::npos) << word << " in " << text;
  }
  static nlohmann::json record(const std::string& folder) {
    return nlohmann::json::parse(text_of(at(folder) / "samples.json"));
  }
  static int count(const std::string& text, const std::string& word) {
    int times = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++times;
    return times;
  }
};

}  // namespace

TEST_F(Editing, BeginsAtAnImageThatIsFittedToTheModelAndSaysSo) {
  const std::string said = drawn("--from-image large.png --strength 0.5 --count 2 --out from");
  expect_words(said, {"large.png", "16 x 12, RGB", "8 x 8, grey", "t = 9", "10 of 20 steps"});
  EXPECT_EQ(said.find("training images"), std::string::npos) << "nothing to compare its brightness with";
  EXPECT_EQ(record("from")["strength"], 0.5);
  EXPECT_EQ(record("from")["from_image"], std::vector<std::string>{"large.png"});
  EXPECT_EQ(record("from")["timesteps"].size(), 10U);
  EXPECT_EQ(drawn("--from-image small.png --count 1 --out small").find("fitted"), std::string::npos);
  EXPECT_EQ(record("small")["strength"], 0.6);
}

TEST_F(Editing, TakesSeveralImagesInTurnOneOfEachUnlessToldOtherwise) {
  drawn("--from-image images --strength 0.05 --out several");
  EXPECT_EQ(record("several")["count"], 12);
  // The files are sorted by name: six dark ones, then light ones.
  const Image drawn_seventh = read_image(at("several/dark_000006.png")), seventh = read_image(at("images/light_1.png"));
  int difference = 0;
  for (std::size_t p = 0; p < 64; ++p) difference += std::abs(drawn_seventh.pixels[p] - seventh.pixels[p]);
  EXPECT_LT(difference / 64, 40) << "with little strength it stays near its own image";
  expect_words(refused("--from-image nothing.png"), {"--from-image", "nothing.png"});
}

TEST_F(Editing, KeepsTheBytesThatTheMaskKeeps) {
  const std::string said = drawn("--from-image small.png --mask mask.png --count 3 --resample 2 --jump 5 --out masked");
  expect_words(said, {"50 % of the pixels", "5 steps 2 times"});
  const Image image = read_image(at("small.png"));
  for (int i = 0; i < 3; ++i) {
    const Image result = read_image(at("masked/dark_00000" + std::to_string(i) + ".png"));
    EXPECT_TRUE(std::equal(result.pixels.begin() + 32, result.pixels.end(), image.pixels.begin() + 32)) << i;
    EXPECT_NE(result.pixels, image.pixels) << i;
  }
  EXPECT_EQ(record("masked")["strength"], 1.0);
  EXPECT_EQ(record("masked")["resample"], 2);
  EXPECT_EQ(record("masked")["mask_sha256"].get<std::string>().size(), 64U);
}

TEST_F(Editing, RefusesWhatDoesNotFitBeforeAnythingIsWritten) {
  expect_words(refused("--from-image large.png --mask mask.png"), {"--mask", "8 x 8", "16 x 12", "same size"});
  expect_words(refused("--from-image small.png --mask black.png"), {"--mask", "black"});
  expect_words(refused("--from-image small.png --mask mask.png --sampler dpm++"), {"dpm++", "ancestral"});
  expect_words(refused("--interpolate 1 --interpolate 2 --class dark --sampler heun"), {"ddim", "heun"});
  expect_words(refused("--interpolate 1 --interpolate 2"), {"one class"});
  expect_words(refused("--interpolate 1 --interpolate images --class dark"), {"--interpolate", "folder"});
  expect_words(refused("--interpolate 1"), {"--interpolate", "twice"});
  for (const char* strength : {"0", "1.5", "-0.1", "much"}) {
    expect_words(refused(std::string("--from-image small.png --strength=") + strength), {"--strength", strength});
  }
  EXPECT_FALSE(exists("refused"));
}

TEST_F(Editing, RefusesOptionsWithoutEffect) {
  const auto idle = [](const std::string& arguments, const std::string& option, const std::string& why) {
    expect_words(refused(arguments.empty() ? option : arguments + " " + option),
                 {option.substr(0, option.find(' ')) + " has no effect " + why});
  };
  for (const char* option : {"--strength 0.5", "--mask mask.png", "--resample 2", "--jump 3"}) {
    idle("", option, "without --from-image");
  }
  idle("--from-image small.png", "--resample 2", "without --mask");
  idle("--from-image small.png", "--jump 2", "without --mask");
  idle("--from-image small.png --mask mask.png --resample 1", "--jump 2", "with --resample 1");
  idle("--from-image small.png", "--start data", "with --from-image");
  for (const char* option : {"--from-image small.png", "--strength 0.5", "--seed 3", "--start data"}) {
    idle("--interpolate 1 --interpolate 2", option, "with --interpolate");
  }
}

TEST_F(Editing, InterpolatesBetweenASeedAndAnImageInARow) {
  drawn("--interpolate 3 --interpolate small.png --batch 1 --out between");
  EXPECT_EQ(record("between")["count"], 9);
  EXPECT_EQ(record("between")["sampler"], "ddim");
  EXPECT_EQ(record("between")["interpolate"], (std::vector<std::string>{"3", "small.png"}));
  const Image row = read_image(at("between/grid.png"));
  EXPECT_GT(row.width, 8 * row.height) << "nine beside each other";
  drawn("--seed 3 --sampler ddim --count 1 --out alone");
  EXPECT_EQ(read_image(at("between/dark_000000.png")).pixels, read_image(at("alone/dark_000000.png")).pixels);
}

TEST_F(Editing, AKilledEditGoesOnAndOneOfAnotherImageIsRefused) {
  const std::string edit = "--from-image small.png --mask mask.png --count 4 --batch 2 --resample 1 --out parts";
  drawn(edit);
  const std::string last = text_of(at("parts/dark_000003.png"));
  auto unfinished = record("parts");
  unfinished["state"] = "unfinished";
  std::ofstream(at("parts/samples.json")) << unfinished;
  std::filesystem::remove(at("parts/dark_000003.png"));
  expect_words(drawn(edit), {"Going on after 2 images"});
  EXPECT_EQ(text_of(at("parts/dark_000003.png")), last);
  std::filesystem::copy(at("small.png"), at("before.png"));
  std::filesystem::copy(at("images/dark_0.png"), at("small.png"), std::filesystem::copy_options::overwrite_existing);
  const auto result = run_program(folder(), "sample run" + std::string(how) + edit);
  expect_words(result.errors, {"parts", "from_image_sha256", "--overwrite"});
  std::filesystem::rename(at("before.png"), at("small.png"));
  expect_words(run_program(folder(), "sample run --class dark --count 4 --batch 2 --out parts").errors,
               {"--overwrite"});
}

TEST_F(Editing, AFilmShowsTheFirstImagesBeingDrawn) {
  drawn("--count 3 --batch 2 --steps 7 --film film.webp --out filmed");
  const std::string film = text_of(at("film.webp"));
  EXPECT_EQ(film.substr(8, 4), "WEBP");
  EXPECT_EQ(count(film, "ANMF"), 7) << "a frame for each step of the first batch";
  EXPECT_EQ(record("filmed")["film"], "film.webp");
  expect_words(refused("--film film.webp"), {"--film", "exists", "--overwrite"});
  expect_words(refused("--film film.gif"), {"--film", ".webp", "film.gif"});
  expect_words(refused("--film nowhere/film.webp"), {"--film", "nowhere"});
  // A film that went missing is made again, and the images with it.
  std::filesystem::remove(at("film.webp"));
  drawn("--count 3 --batch 2 --steps 7 --film film.webp --out filmed");
  EXPECT_EQ(text_of(at("film.webp")), film);
}

TEST_F(Editing, TheReportShowsEditsAndFilms) {
  drawn("--from-image small.png --count 2 --steps 3 --film run/film.webp --out run/samples/edit");
  drawn("--count 2 --steps 3 --out run/samples/plain");
  std::filesystem::create_directories(at("run/samples/odd"));
  std::ofstream(at("run/samples/odd/samples.json")) << R"({"state": "finished", "from_image": 3})";
  run("report run");
  const std::string report = text_of(at("run/report.html"));
  expect_words(report, {"edit: 2 images from small.png, strength 0.6", "data:image/webp;base64,"});
  EXPECT_EQ(report.find("plain:"), std::string::npos);
}

TEST_F(Editing, AFilmHasAtMostSixtyFrames) {
  drawn("--from-image small.png --mask mask.png --resample 10 --jump 9 --count 1 --film long.webp --out long");
  EXPECT_EQ(count(text_of(at("long.webp")), "ANMF"), 60);
}

}  // namespace iddpm::test

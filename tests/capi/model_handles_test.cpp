#include <thread>

#include "tests/capi/capi_fixtures.h"
#include "tests/temporary_folder.h"

namespace iddpm {

TEST(CInterface, DescribesAModelInABufferOfTheCallers) {
  const CModel model;
  std::size_t needed = 0;
  ASSERT_EQ(iddpm_model_describe(model.get(), nullptr, 0, &needed), IDDPM_OK) << iddpm_last_error();
  std::string text(needed, '#');
  ASSERT_EQ(iddpm_model_describe(model.get(), text.data(), needed, nullptr), IDDPM_OK);
  ASSERT_EQ(std::strlen(text.c_str()) + 1, needed);
  const nlohmann::json description = parse_json(text.c_str(), "description");
  EXPECT_EQ(description.at("model").at("network").at("image_height"), model.size().height);
  EXPECT_EQ(description.at("precision"), "float32");
  EXPECT_EQ(description.at("device"), "cpu");

  std::string part(10, '#');
  expect_failed(iddpm_model_describe(model.get(), part.data(), 5, &needed), IDDPM_BUFFER_TOO_SMALL, {"got 5"});
  EXPECT_EQ(part, text.substr(0, 4) + std::string(1, '\0') + "#####");
}

TEST(CInterface, NullAndFreedHandlesAreErrors) {
  iddpm_image_size size;
  std::uint8_t pixel = 0;
  expect_failed(iddpm_model_image_size(nullptr, &size), IDDPM_NO_SUCH_MODEL, {"model is null"});
  expect_failed(iddpm_model_open(nullptr, nullptr, nullptr), IDDPM_BAD_INPUT, {"model is null"});
  iddpm_model* model = reinterpret_cast<iddpm_model*>(1);
  expect_failed(iddpm_model_open(nullptr, nullptr, &model), IDDPM_BAD_INPUT, {"path is null"});
  EXPECT_EQ(model, nullptr);
  EXPECT_EQ(iddpm_model_free(nullptr), IDDPM_OK);

  ASSERT_EQ(iddpm_model_open(test_run.c_str(), nullptr, &model), IDDPM_OK) << iddpm_last_error();
  iddpm_model* const freed = model;
  EXPECT_EQ(iddpm_model_free(model), IDDPM_OK);
  expect_failed(iddpm_model_free(freed), IDDPM_NO_SUCH_MODEL, {"freed"});
  expect_failed(iddpm_sample(freed, nullptr, &pixel, 1, nullptr, nullptr, nullptr), IDDPM_NO_SUCH_MODEL, {"freed"});
  const CModel another;
  EXPECT_NE(another.get(), freed) << "a handle is never used again";
  expect_failed(iddpm_sample(another.get(), nullptr, nullptr, 0, nullptr, nullptr, nullptr), IDDPM_BAD_INPUT,
                {"pixels is null"});
}

TEST(CInterface, RefusesWhatIsNoModelAndOptionsThatItDoesNotKnow) {
  const TemporaryFolder folder;
  const auto open = [](const std::string& path, const char* options) {
    iddpm_model* model = nullptr;
    const iddpm_status status = iddpm_model_open(path.c_str(), options, &model);
    EXPECT_EQ(model, nullptr);
    return status;
  };
  expect_failed(open((folder / "nothing").string(), nullptr), IDDPM_BAD_INPUT, {"nothing doesn't exist"});
  EXPECT_NE(open(folder.write("text.safetensors", "no model").string(), nullptr), IDDPM_OK);
  expect_failed(open(test_run, R"({"presicion": "float32"})"), IDDPM_BAD_INPUT,
                {"presicion", "Did you mean 'precision'"});
  expect_failed(open(test_run, R"({"precision": 32})"), IDDPM_BAD_INPUT, {"options, 'precision'", "32"});
  expect_failed(open(test_run, R"({"threads": 0})"), IDDPM_BAD_INPUT, {"'threads'", "1 to 1024, got 0"});
  expect_failed(open(test_run, R"({"device": "tpu"})"), IDDPM_BAD_INPUT, {"tpu"});
  expect_failed(open(test_run, "["), IDDPM_DAMAGED_FILE, {"options"});
  expect_failed(open(test_run, "[]"), IDDPM_BAD_INPUT, {"JSON object"});
}

TEST(CInterface, KeepsErrorsForEachThreadApart) {
  EXPECT_EQ(iddpm_model_image_size(nullptr, nullptr), IDDPM_BAD_INPUT);
  const std::string mine = iddpm_last_error();
  std::thread([&] {
    EXPECT_STREQ(iddpm_last_error(), "");
    EXPECT_EQ(iddpm_last_error_kind(), IDDPM_OK);
    EXPECT_EQ(iddpm_model_free(reinterpret_cast<iddpm_model*>(12345)), IDDPM_NO_SUCH_MODEL);
  }).join();
  EXPECT_EQ(iddpm_last_error(), mine);
  EXPECT_EQ(iddpm_model_free(nullptr), IDDPM_OK);
  EXPECT_STREQ(iddpm_last_error(), "") << "a call that succeeds forgets the error";
}

TEST(CInterface, NamesEveryStatus) {
  for (int status = IDDPM_OK; status <= IDDPM_INTERNAL; ++status) EXPECT_STRNE(iddpm_status_name(status), "unknown");
  EXPECT_STREQ(iddpm_status_name(IDDPM_INTERNAL + 1), "unknown");
  EXPECT_STREQ(iddpm_status_name(-1), "unknown");
}

}  // namespace iddpm

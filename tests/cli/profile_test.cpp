// tideline profile: networks measured on this machine, as a catalog.
#include "tests/support/program.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace tideline {
namespace {

using namespace test;
using Json = nlohmann::json;
using ::testing::HasSubstr;

/// So quick that times mean little.
const std::vector<std::string> quick{"profile",       "--backend", "eigen",   "--seconds", "0.05",
                                     "--repetitions", "10",        "--loads", "2",         "--quiet"};

std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Profile, makes_a_catalog_that_others_read) {
  const Folder folder;
  const Outcome done = tideline(folder, with(quick, {"--models", "yolov5t-32,yolov5t-64", "--batches", "1,2,4", "--out", "here.json"}));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("random weights"));
  EXPECT_THAT(done.out, HasSubstr("residuals are relative"));

  const Json catalog = Json::parse(read_file(folder / "here.json"));
  ASSERT_EQ(catalog.at("variants").size(), 2U);
  EXPECT_EQ(catalog.at("hardware")[0].at("sharing"), "exclusive");
  const Json& small = catalog["variants"][0];
  const Json& large = catalog["variants"][1];
  EXPECT_EQ(small.at("kernel"), Json::parse(R"({"network": "yolov5", "depth": 0.33, "width": 0.125, "resolution": 32, "precision": "f32",
                                                "backend": "eigen", "threads": 1, "seed": 1})"));
  EXPECT_EQ(small.at("origin").at("latency"), "measured");
  EXPECT_EQ(small.at("origin").at("load"), "measured");
  EXPECT_EQ(small.at("origin").at("accuracy"), "assumed");
  EXPECT_LT(small.at("accuracy"), large.at("accuracy"));
  EXPECT_EQ(small.at("artefact_bytes"), large.at("artefact_bytes"));
  EXPECT_LT(small.at("memory_per_item_bytes"), large.at("memory_per_item_bytes"));
  EXPECT_EQ(small.at("service").at("law"), "quantiles");
  EXPECT_GT(small.at("load").at("first_run_s").get<double>(), 0);
  const Json& times = large.at("profile").at("latency_s");
  EXPECT_EQ(times.size(), 3U);
  EXPECT_LE(times.at("1").get<double>(), times.at("4").get<double>());

  const Outcome show = tideline(folder, {"catalog", "show", "here.json"});
  EXPECT_EQ(show.code, 0) << show.err;
  EXPECT_THAT(show.out, HasSubstr("yolov5t-64@"));
}

TEST(Profile, accuracies_of_a_table_are_taken_instead) {
  const Folder folder;
  folder.write("a.csv", "model,accuracy\nyolov5t,0.42\n");
  const Outcome done =
      tideline(folder, with(quick, {"--models", "yolov5t-32", "--batches", "1", "--accuracy", "a.csv", "--out", "here.json"}));
  ASSERT_EQ(done.code, 0) << done.err;
  const Json variant = Json::parse(read_file(folder / "here.json"))["variants"][0];
  EXPECT_EQ(variant.at("accuracy"), 0.42);
  EXPECT_EQ(variant.at("origin").at("accuracy"), "measured");
}

TEST(Profile, what_is_wrong_is_said_before_anything_is_measured) {
  const Folder folder;
  folder.write("a.csv", "model,accuracy\nother,0.42\n");
  struct Wrong {
    std::vector<std::string> words;
    int code;
    std::string says;
  };
  for (const auto& [words, code, says] :
       std::vector<Wrong>{{{"--models", "yolov5q-64"}, 2, "unknown model 'yolov5q'; did you mean"},
                          {{"--models", "yolov5n"}, 2, "say its resolution too, as in yolov5n-320"},
                          {{"--models", "yolov5n-330"}, 2, "must be a multiple of 32"},
                          {{"--models", "yolov5n-64-bf61"}, 2, "unknown precision 'bf61'; did you mean \"bf16\"?"},
                          {{"--models", "yolov5t-64,yolov5t-64"}, 2, "yolov5t-64 is there twice"},
                          {{"--models", "yolov5t-64-bf16"}, 3, "the backend eigen has f32 alone"},
                          {{"--batches", "0,1"}, 2, "has '0'"},
                          {{"--batches", "1,"}, 2, "a name or number is missing"},
                          {{"--batches", "2"}, 2, "a catalog needs batch 1"},
                          {{"--cores", "100000"}, 2, "--cores 100000"},
                          {{"--interval", "0"}, 2, "--interval must be above 0"},
                          {{"--accuracy", "a.csv"}, 2, "has no yolov5n-160"},
                          {{"--accuracy", "none.csv"}, 3, "cannot read 'none.csv'"},
                          {{"--accuracy", "a.csv", "--models", "other-64"}, 2, "unknown model 'other'"}}) {
    const Outcome done = tideline(folder, with(quick, with(words, {"--out", "here.json"})));
    EXPECT_EQ(done.code, code) << says << '\n' << done.err;
    EXPECT_THAT(done.err, HasSubstr(says));
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "here.json")) << says;
  }
  EXPECT_THAT(tideline(folder, {"profile"}).err, HasSubstr("needs --out"));
  EXPECT_THAT(tideline(folder, {"profile", "--backend", "cup", "--out", "here.json"}).err, HasSubstr("did you mean \"cpu\"?"));
  EXPECT_EQ(tideline(folder, {"profile", "--out", "/proc/no/here.json"}).code, 3);
}

}  // namespace
}  // namespace tideline

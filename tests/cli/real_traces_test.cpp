// The scenarios of published traces, where their files are.
#include "tests/support/program.h"
#include "tests/support/published.h"
#include "tests/support/sanitized.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace tideline {
namespace {

using namespace test;
using testing::HasSubstr;

std::vector<std::string> trace_scenarios() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(fs::path(TIDELINE_SOURCE_DIR) / "scenarios" / "traces"))
    if (entry.path().extension() == ".json") out.push_back(entry.path().stem().string());
  std::sort(out.begin(), out.end());
  return out;
}

class RealTraces : public testing::TestWithParam<std::string> {};

TEST_P(RealTraces, are_replayed_with_a_passing_audit) {
  TIDELINE_NEEDS_PUBLISHED_TRACES();
  const fs::path scenario = fs::path(TIDELINE_SOURCE_DIR) / "scenarios" / "traces" / (GetParam() + ".json");
  std::ifstream in(scenario);
  const auto j = nlohmann::json::parse(in, nullptr, true, true);
  const std::string file = j["workload"][0]["params"]["file"];
  ASSERT_TRUE(file.starts_with("data/")) << file;
  const fs::path there = published_traces() / file.substr(5);
  ASSERT_TRUE(fs::exists(there)) << there;
  const Folder folder;
  std::vector<std::string> words{
      "run", scenario.string(), "--no-results", "--summary", "json", "--set", "/workload/replay/params/file=" + there.string()};
  if (is_sanitized)  // whole windows take minutes
    words.insert(words.end(), {"--set", "/measure/duration_s=" + std::to_string(j["measure"]["duration_s"].get<double>() / 8)});
  const Outcome done = tideline(folder, words);
  EXPECT_EQ(done.code, 0) << done.err;
  const auto summary = nlohmann::json::parse(done.out);
  EXPECT_GT(summary["total"]["queries_arrived"], is_sanitized ? 10 : 100);
  EXPECT_EQ(summary["audit"]["passed"], true) << summary["audit"];
}

INSTANTIATE_TEST_SUITE_P(All, RealTraces, testing::ValuesIn(trace_scenarios()), [](const auto& each) { return each.param; });

TEST(RealTraces, name_a_file_that_can_be_another) {
  const Folder folder;
  const std::string scenario = std::string(TIDELINE_SOURCE_DIR) + "/scenarios/traces/azure_llm_code.json";
  const Outcome missing = tideline(folder, {"run", scenario, "--no-results", "--set", "/workload/replay/params/file=none.csv"});
  EXPECT_EQ(missing.code, 3);
  EXPECT_THAT(missing.err, HasSubstr("none.csv"));
  const std::string sample = std::string(TIDELINE_SOURCE_DIR) + "/traces/samples/formats/azure_llm.csv";
  EXPECT_THAT(tideline(folder, {"run", scenario, "--no-results", "--set", "/workload/replay/params/file=" + sample}).out,
              HasSubstr("audit: passed"));
}

}  // namespace
}  // namespace tideline

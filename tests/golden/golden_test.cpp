// Did anything change? Every scenario in scenarios/ is run and its summary compared with expected/NAME.json: counts and texts exactly,
// other numbers to 1e-9. scripts/accept_golden.sh accepts changes.
#include "policies/builtin.h"
#include "tests/support/program.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

namespace tideline {
namespace {

using namespace test;
using Json = nlohmann::json;

const fs::path golden = fs::path(TIDELINE_SOURCE_DIR) / "tests" / "golden";

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".json") out.push_back(entry.path().stem().string());
  std::sort(out.begin(), out.end());
  return out;
}

std::string exactly(const Json& value) {
  if (!value.is_number_float()) return value.dump();
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.17g", value.get<double>());
  return text.data();
}

/// One line for each difference: where, what was expected, what there is. What is new and has no value is none: a metric that was added since.
void compare(const std::string& where, const Json& expected, const Json& got, std::string& out) {
  const auto differs = [&](const std::string& note = {}) {
    out += "  " + where + ": expected " + exactly(expected) + ", got " + exactly(got) + note + '\n';
  };
  if (expected.is_object() && got.is_object()) {
    for (const auto& [key, value] : expected.items()) {
      if (got.contains(key))
        compare(where + "/" + key, value, got[key], out);
      else
        out += "  " + where + "/" + key + ": expected " + exactly(value) + ", is not there any more\n";
    }
    for (const auto& [key, value] : got.items())
      if (!expected.contains(key) && !value.is_null()) out += "  " + where + "/" + key + ": is new: " + exactly(value) + '\n';
  } else if (expected.is_array() && got.is_array() && expected.size() == got.size()) {
    for (std::size_t k = 0; k < expected.size(); ++k) {
      const bool named = expected[k].is_object() && expected[k].contains("name") && expected[k]["name"].is_string();
      compare(where + "/" + (named ? expected[k]["name"].get<std::string>() : std::to_string(k)), expected[k], got[k], out);
    }
  } else if (expected.is_number_float() && got.is_number_float()) {
    const double a = expected, b = got, scale = std::max(std::abs(a), std::abs(b));
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), " (relative %.2g)", scale > 0 ? std::abs(a - b) / scale : 0.0);
    // Differences of sums that cancel, such as an idle cost of nothing, have no relative size.
    if (!(std::abs(a - b) <= 1e-9 * scale) && !(scale <= 1e-12)) differs(text.data());
  } else if (expected != got) {
    differs();
  }
}

/// What is compared: without the texts of the audit, which are for people.
Json comparable(Json summary) {
  if (summary.contains("audit")) summary["audit"].erase("checks");
  return summary;
}

TEST(Compare, counts_exactly_and_reals_to_a_billionth) {
  const auto text = [](const char* a, const char* b) {
    std::string out;
    compare("", Json::parse(a), Json::parse(b), out);
    return out;
  };
  EXPECT_EQ(text(R"({"a": 1.0, "n": 3})", R"({"a": 1.0000000001, "n": 3})"), "");
  EXPECT_EQ(text(R"({"n": 1000000000000})", R"({"n": 1000000000001})"), "  /n: expected 1000000000000, got 1000000000001\n");
  EXPECT_EQ(text(R"({"a": 1.0})", R"({"a": 1.00000001})"), "  /a: expected 1, got 1.0000000099999999 (relative 1e-08)\n");
  EXPECT_EQ(text(R"({"a": null})", R"({"a": 0.5})"), "  /a: expected null, got 0.5\n");
  EXPECT_EQ(text(R"({"a": 0.0})", R"({"a": 1e-18})"), "");
  EXPECT_EQ(text(R"({"l": [{"name": "x", "n": 1}]})", R"({"l": [{"name": "x", "n": 2}]})"), "  /l/x/n: expected 1, got 2\n");
  EXPECT_EQ(text(R"({"a": 1})", R"({"b": 2})"), "  /a: expected 1, is not there any more\n  /b: is new: 2\n");
  EXPECT_EQ(text(R"({"a": 1})", R"({"a": 1, "b": null})"), "");
  EXPECT_EQ(text("[1]", "[1, 2]"), "  : expected [1], got [1,2]\n");
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, summary_is_as_accepted) {
  const Folder folder;
  const fs::path expected_file = golden / "expected" / (GetParam() + ".json");
  ASSERT_TRUE(fs::exists(expected_file)) << "nothing is accepted for " << GetParam()
                                         << " yet: look at its numbers, then run scripts/accept_golden.sh";
  const Outcome done =
      tideline(folder, {"run", (golden / "scenarios" / (GetParam() + ".json")).string(), "--summary", "json", "--no-results", "--quiet"});
  ASSERT_EQ(done.code, 0) << done.err;
  std::string differences;
  compare("", comparable(Json::parse(read_file(expected_file))), comparable(Json::parse(done.out)), differences);
  EXPECT_EQ(differences, "") << "tests/golden/scenarios/" << GetParam() << ".json has other results:\n"
                             << differences << "If that is intended: scripts/accept_golden.sh " << GetParam()
                             << ", a commit that starts with \"results:\", and a line in CHANGES.md.";
}

TEST_P(Golden, has_some_thousand_queries) {
  const fs::path expected_file = golden / "expected" / (GetParam() + ".json");
  ASSERT_TRUE(fs::exists(expected_file));
  const Json total = Json::parse(read_file(expected_file)).at("total");
  EXPECT_GE(total.at("queries_arrived"), 1000);
  EXPECT_GE(total.at("queries_served").get<double>(), 0.5 * total.at("queries_arrived").get<double>())
      << "it tests refusals more than service";
}

INSTANTIATE_TEST_SUITE_P(, Golden, testing::ValuesIn(names_in(golden / "scenarios")), [](const auto& one) { return one.param; });

TEST(GoldenScenarios, are_those_that_something_is_expected_of) { EXPECT_EQ(names_in(golden / "scenarios"), names_in(golden / "expected")); }

TEST(GoldenScenarios, use_every_builtin_policy) {
  PolicyRegistry registry;
  add_builtin_policies(registry);
  std::set<std::string> unused;
  for (const auto& d : registry.list())
    if (!d.is_default) unused.insert(d.name);
  for (const auto& name : names_in(golden / "scenarios")) {
    const Json scenario = Json::parse(read_file(golden / "scenarios" / (name + ".json")), nullptr, true, true);
    for (const auto& [kind, policy] : scenario.at("policies").items())
      if (!policy.is_null()) unused.erase(policy.is_string() ? policy.get<std::string>() : policy.at("name").get<std::string>());
  }
  EXPECT_EQ(unused, std::set<std::string>{}) << "no scenario of tests/golden/scenarios uses them";
}

}  // namespace
}  // namespace tideline

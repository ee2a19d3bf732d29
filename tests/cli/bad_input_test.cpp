// Bad input: one clear message at the place of the mistake, the right exit code, and nothing under the name of the results.
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tideline {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

/// `find` is replaced by `by` in the small scenario; the sign ^ in `by` stands before what the message must point at.
struct Edit {
  const char* name;
  const char* find;
  const char* by;
  std::vector<std::string> says;
  int code = 2;
};

void PrintTo(const Edit& e, std::ostream* out) { *out << e.name; }

std::string place_of(const std::string& text, std::size_t offset) {
  const auto begin = text.begin(), end = begin + static_cast<std::ptrdiff_t>(offset);
  const auto line = 1 + std::count(begin, end, '\n');
  const auto last = offset == 0 ? std::string::npos : text.rfind('\n', offset - 1);
  return "s.json:" + std::to_string(line) + ":" + std::to_string(last == std::string::npos ? offset + 1 : offset - last) + ": ";
}

/// The small scenario with the edit, and the place that was marked.
std::pair<std::string, std::string> edited(const Edit& e) {
  std::string text = small_scenario, by = e.by, place;
  const auto at = text.find(e.find);
  if (at == std::string::npos) throw std::logic_error("the small scenario has no " + std::string(e.find));
  const auto mark = by.find('^');
  if (mark != std::string::npos) by.erase(mark, 1);
  text.replace(at, std::string(e.find).size(), by);
  if (mark != std::string::npos) place = place_of(text, at + mark);
  return {text, place};
}

std::size_t count_lines(const std::string& text) { return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')); }

class WrongScenario : public testing::TestWithParam<Edit> {};

TEST_P(WrongScenario, is_refused_at_its_place) {
  const Edit& e = GetParam();
  const auto [text, place] = edited(e);
  const Folder folder;
  folder.write("s.json", text);
  const Outcome done = tideline(folder, {"run", "s.json"});
  EXPECT_EQ(done.code, e.code) << done.err;
  EXPECT_EQ(done.out, "");
  for (const auto& s : e.says) EXPECT_THAT(done.err, HasSubstr(s));
  EXPECT_THAT(done.err, HasSubstr(place));
  EXPECT_EQ(count_lines(done.err), 1U) << "one mistake, one line: " << done.err;
  EXPECT_THAT(folder.files(), testing::ElementsAre("s.json"));
  EXPECT_EQ(tideline(folder, {"validate", "s.json"}).err, done.err) << "validate says the same";
}

const std::vector<Edit> edits{
    // Syntax and types.
    {"unknown_key", "\"seed\": 1", "^\"sede\": 1", {"unknown key \"sede\"", "\"seed\""}},
    {"unknown_key_deep_down", "\"share\": 0.8", "^\"shar\": 0.8", {"/workload/0/classes/0/shar", "\"share\""}},
    {"duplicate_key", "\"seed\": 1", "\"seed\": 1,\n  ^\"seed\": 2", {"duplicate key \"seed\""}},
    {"missing_comma", "\"schema\": 1,", "\"schema\": 1", {"s.json:3:3: "}},
    {"wrong_schema", "\"schema\": 1", "\"schema\": ^2", {"/schema"}},
    {"no_schema", "\"schema\": 1,", "", {"\"schema\""}},
    {"change_of_an_unknown_kind",
     "\"seed\": 1",
     "\"environment\": [ { \"change\": ^\"failur\", \"pool\": \"a\", \"at_s\": 1 } ], \"seed\": 1",
     {"/environment/0/change", "did you mean \"failure\"?"}},
    {"change_of_an_unknown_pool",
     "\"seed\": 1",
     "\"environment\": [ { \"change\": \"failure\", \"pool\": ^\"nowhere\", \"at_s\": 1 } ], \"seed\": 1",
     {"/environment/0/pool", "unknown pool \"nowhere\""}},
    {"change_without_a_time",
     "\"seed\": 1",
     "\"environment\": [ ^{ \"change\": \"link\", \"from\": \"edge\", \"to\": \"core\" } ], \"seed\": 1",
     {"/environment/0", "needs either at_s"}},
    {"change_by_a_negative_factor",
     "\"seed\": 1",
     "\"environment\": [ { \"change\": \"link\", \"from\": \"edge\", \"to\": \"core\", \"at_s\": 1, \"delay_factor\": ^-1 } ], \"seed\": 1",
     {"/environment/0/delay_factor", "must be between 0 and"}},
    {"control_of_an_unknown_mode",
     "\"seed\": 1",
     "\"control\": { \"mode\": ^\"per_sight\" }, \"seed\": 1",
     {"/control/mode", "did you mean \"per_site\"?"}},
    {"gossip_without_a_period",
     "\"seed\": 1",
     "\"control\": { \"mode\": \"gossip\", \"snapshot_s\": ^0 }, \"seed\": 1",
     {"/control/snapshot_s", "needs more than 0"}},
    {"snapshots_a_nanosecond_apart",
     "\"seed\": 1",
     "\"control\": { \"mode\": \"per_site\", \"snapshot_s\": ^1e-9 }, \"seed\": 1",
     {"/control/snapshot_s", "0.001 and more"}},
    {"decision_that_takes_a_word", "\"seed\": 1", "\"control\": { \"decision_s\": ^\"long\" }, \"seed\": 1", {"/control/decision_s"}},
    {"old_view_of_live_boards",
     "\"seed\": 1",
     "\"control\": { \"compensated\": ^true }, \"seed\": 1",
     {"/control/compensated", "needs snapshot_s above 0"}},
    {"jitter_without_a_mean",
     "\"delay_s\": 0.005",
     "\"delay_s\": 0.005, \"jitter\": ^{ \"law\": \"exponential\" }",
     {"/cluster/links/0/jitter/mean_s", "required"}},
    {"jitter_of_an_unknown_law",
     "\"delay_s\": 0.005",
     "\"delay_s\": 0.005, \"jitter\": { \"mean_s\": 0.01, \"law\": ^\"gama\" }",
     {"/cluster/links/0/jitter/law", "did you mean \"gamma\"?"}},
    {"jitter_without_its_shape",
     "\"delay_s\": 0.005",
     "\"delay_s\": 0.005, \"jitter\": ^{ \"mean_s\": 0.01, \"law\": \"gamma\" }",
     {"/cluster/links/0/jitter/cv2", "is needed by the law \"gamma\""}},
    {"change_of_no_link",
     "\"seed\": 1",
     "\"environment\": [ ^{ \"change\": \"link\", \"from\": \"edge\", \"to\": \"edge\", \"at_s\": 1 } ], \"seed\": 1",
     {"/environment/0", "no link joins"}},
    {"text_for_a_number", "\"rate_qps\": 20", "\"rate_qps\": ^\"many\"", {"/workload/0/params/rate_qps", "number", "\"many\""}},
    {"number_for_a_text", "\"site\": \"core\"", "\"site\": ^7", {"/cluster/pools/0/site", "must be a text"}},
    {"number_for_an_object",
     "\"measure\": { \"warmup_s\": 1, \"duration_s\": 30, \"drain_s\": 10, \"sample_s\": 1 }",
     "\"measure\": ^7",
     {"/measure", "object"}},
    {"text_for_a_list",
     "\"sites\": [ { \"name\": \"edge\" }, { \"name\": \"core\" } ]",
     "\"sites\": ^\"edge\"",
     {"/cluster/sites", "list"}},
    {"number_for_a_list_element", "{ \"name\": \"core\" } ],", "{ \"name\": \"core\" }, ^5 ],", {"/cluster/sites/2", "object"}},
    {"number_for_policies", "\"dispatch\": \"least_expected_latency\"", "\"dispatch\": ^5", {"/policies/dispatch"}},
    {"wrong_dimension", "\"latency_slo_s\": 0.1", "\"latency_slo_s\": ^\"5MB\"", {"/workload/0/classes/0/latency_slo_s"}},
    {"number_too_large", "\"seed\": 1", "\"seed\": ^1e999", {"too large"}},
    {"nan", "\"rate_qps\": 20", "\"rate_qps\": ^NaN", {"not a number that JSON has"}},
    {"null_for_a_required_text", "\"hardware\": \"cpu\", \"count\": 1", "\"hardware\": ^null, \"count\": 1", {"/cluster/pools/1/hardware"}},
    // Values.
    {"zero_rate", "\"rate_qps\": 20", "\"rate_qps\": ^0", {"/workload/0/params/rate_qps"}},
    {"negative_rate", "\"rate_qps\": 20", "\"rate_qps\": ^-20", {"/workload/0/params/rate_qps"}},
    {"no_rate", "\"params\": { \"rate_qps\": 20 }", "\"params\": ^{}", {"/workload/0/params", "rate_qps"}},
    {"no_params", "\"params\": { \"rate_qps\": 20 },", "", {"/workload/0", "rate_qps"}},
    {"zero_slo", "\"latency_slo_s\": 0.1", "\"latency_slo_s\": ^0", {"/workload/0/classes/0/latency_slo_s"}},
    {"negative_time", "\"warmup_s\": 1", "\"warmup_s\": ^-1", {"/measure/warmup_s"}},
    {"zero_duration", "\"duration_s\": 30", "\"duration_s\": ^0", {"/measure/duration_s"}},
    {"floor_above_one", "\"accuracy_floor\": 0.5", "\"accuracy_floor\": ^50", {"/workload/0/classes/0/accuracy_floor"}},
    {"zero_share", "\"share\": 0.8", "\"share\": ^0", {"/workload/0/classes/0/share"}},
    {"negative_seed", "\"seed\": 1", "\"seed\": ^-1", {"/seed"}},
    {"fraction_of_a_seed", "\"seed\": 1", "\"seed\": ^1.5", {"/seed", "1.5"}},
    {"text_for_a_seed", "\"seed\": 1", "\"seed\": ^\"x\"", {"/seed"}},
    {"count_below_zero", "\"hardware\": \"cpu\", \"count\": 1", "\"hardware\": \"cpu\", \"count\": ^-1", {"/cluster/pools/1/count"}},
    {"count_of_a_fraction", "\"hardware\": \"cpu\", \"count\": 1", "\"hardware\": \"cpu\", \"count\": ^1.5", {"/cluster/pools/1/count"}},
    {"count_zero",
     "\"hardware\": \"cpu\", \"count\": 1",
     "\"hardware\": \"cpu\", \"count\": ^0",
     {"/cluster/pools/1/count", "at least one node"}},
    {"min_above_count",
     "\"hardware\": \"cpu\", \"count\": 1",
     "\"hardware\": \"cpu\", \"min\": 2, \"count\": 1",
     {"/cluster/pools/1", "min <= count <= max"}},
    {"max_below_count",
     "\"hardware\": \"gpu\", \"count\": 2",
     "\"hardware\": \"gpu\", \"max\": 1, \"count\": 2",
     {"/cluster/pools/0", "min <= count <= max"}},
    {"trace_scaled_up", "\"schema\": 1,", "\"schema\": 1, \"load\": ^0,", {"/load"}},
    {"accuracy_above_one", "\"accuracy\": 0.8", "\"accuracy\": ^80", {"/catalog/variants/0/accuracy"}},
    {"zero_latency", "{ \"1\": 0.02, ", "{ \"1\": ^0, ", {"/catalog/variants/0/profile/latency_s/1"}},
    {"negative_memory", "\"memory_bytes\": 600", "\"memory_bytes\": ^-600", {"/catalog/variants/0/memory_bytes"}},
    {"margin_above_one", "\"margin\": 0.1", "\"margin\": ^7", {"/policies/selection/params/margin"}},
    // Things that are missing or do not fit together.
    {"variant_larger_than_any_device", "\"memory_bytes\": 600", "\"memory_bytes\": 6000", {"\"big\"", "6000", "1000"}},
    {"task_without_a_variant",
     "\"task\": \"find\", \"hardware\": \"gpu\"",
     "\"task\": \"see\", \"hardware\": \"gpu\"",
     {"/catalog/tasks/1", "no variant answers this task"}},
    {"task_that_no_pool_can_run",
     "\"hardware\": \"gpu\", \"count\": 2",
     "\"hardware\": \"cpu\", \"count\": 2",
     {"no variant of task \"find\" runs on the hardware of this cluster", "/workload/1/task"}},
    {"no_link",
     "\"links\": [ { \"from\": \"edge\", \"to\": \"core\", \"delay_s\": 0.005, \"bandwidth_bytes_per_s\": 1e9 } ],",
     "",
     {"no link leads from site \"edge\" to site \"core\"", "/cluster"}},
    {"link_to_itself", "\"to\": \"core\"", "\"to\": \"edge\"", {"/cluster/links/0", "two different sites"}},
    {"initial_that_does_not_fit",
     "{ \"variant\": \"little\", \"pool\": \"cpus\", \"per_device\": 1",
     "^{ \"variant\": \"little\", \"pool\": \"cpus\", \"per_device\": 3",
     {"/initial/0", "only 2 of 3 instances of \"little\" fit", "\"cpus\""}},
    {"initial_on_other_hardware", "\"pool\": \"cpus\"", "\"pool\": \"gpus\"", {"/initial/0", "\"little\" is made for \"cpu\""}},
    {"initial_without_a_number", ", \"per_device\": 1", "", {"/initial/0", "one of per_device and count"}},
    {"initial_word",
     "[ { \"variant\": \"little\", \"pool\": \"cpus\", \"per_device\": 1 } ]",
     "^\"warm\"",
     {"/initial", "\"cold\"", "\"planned\""}},
    {"two_entries_of_one_name", "\"name\": \"finders\"", "\"name\": ^\"cameras\"", {"two entries of the workload are named \"cameras\""}},
    {"two_classes_of_one_name", "\"name\": \"good\"", "\"name\": ^\"fast\"", {"two classes of this entry are named \"fast\""}},
    {"a_window_beyond_a_century", "\"duration_s\": 30", "\"duration_s\": ^4e9", {"must be between 1e-09 and 3000000000, is 4000000000"}},
    {"two_pools_of_one_name", "\"name\": \"cpus\", \"site\"", "\"name\": ^\"gpus\", \"site\"", {"two pools are named \"gpus\""}},
    {"two_sites_of_one_name",
     "{ \"name\": \"core\" } ]",
     "{ \"name\": \"core\" }, { \"name\": \"core\" } ]",
     {"/cluster/sites/2/name", "two sites are named \"core\""}},
    {"two_variants_of_one_name", "\"name\": \"little\"", "\"name\": ^\"big\"", {"/catalog/variants/1/name"}},
    {"name_that_is_empty", "{ \"name\": \"core\" } ]", "{ \"name\": \"core\" }, { \"name\": ^\"\" } ]", {"/cluster/sites/2/name", "empty"}},
    // Unknown names.
    {"unknown_site", "\"site\": \"edge\"", "\"site\": ^\"edeg\"", {"unknown site \"edeg\"; did you mean \"edge\"?"}},
    {"unknown_site_of_a_link", "\"to\": \"core\"", "\"to\": ^\"cor\"", {"unknown site \"cor\"; did you mean \"core\"?"}},
    {"unknown_origin", "\"origin\": \"edge\"", "\"origin\": ^\"egde\"", {"unknown site \"egde\"; did you mean \"edge\"?"}},
    {"unknown_hardware",
     "\"hardware\": \"cpu\", \"count\"",
     "\"hardware\": ^\"cpuu\", \"count\"",
     {"unknown hardware \"cpuu\"; did you mean \"cpu\"?"}},
    {"unknown_hardware_of_a_variant",
     "\"task\": \"find\", \"hardware\": \"gpu\"",
     "\"task\": \"find\", \"hardware\": ^\"gpuu\"",
     {"\"gpuu\"", "did you mean \"gpu\"?"}},
    {"unknown_task",
     "\"task\": \"find\", \"source\"",
     "\"task\": ^\"fidn\", \"source\"",
     {"unknown task \"fidn\"; did you mean \"find\"?"}},
    {"unknown_source", "\"source\": \"poisson\"", "\"source\": ^\"poison\"", {"unknown source \"poison\"; did you mean \"poisson\"?"}},
    {"unknown_policy",
     "\"dispatch\": \"least_expected_latency\"",
     "\"dispatch\": ^\"join_shortest_queu\"",
     {"unknown dispatch policy", "did you mean \"join_shortest_queue\"?"}},
    {"policy_of_another_kind",
     "\"dispatch\": \"least_expected_latency\"",
     "\"dispatch\": ^\"slo_aware\"",
     {"\"slo_aware\" is no dispatch policy but one of batching; known: \"accuracy_scaling\", \"accuracy_scaling_greedy\", \"clockwork\", "
      "\"deficit_round_robin\""}},
    {"unknown_kind", "\"dispatch\":", "^\"dispach\":", {"unknown kind of policy \"dispach\"; did you mean \"dispatch\"?"}},
    {"unknown_parameter", "\"margin\": 0.1", "^\"margn\": 0.1", {"/policies/selection/params/margn", "\"margin\""}},
    {"parameter_beside_params", "\"params\": { \"margin\": 0.1 }", "^\"margin\": 0.1", {"/policies/selection/margin", "\"params\""}},
    {"unknown_variant_of_initial",
     "\"variant\": \"little\"",
     "\"variant\": ^\"litle\"",
     {"unknown variant \"litle\"; did you mean \"little\"?"}},
    {"unknown_pool_of_initial", "\"pool\": \"cpus\"", "\"pool\": ^\"cpu\"", {"unknown pool \"cpu\"; did you mean \"cpus\"?"}},
    {"unknown_pin", "\"latency_slo_s\": 0.1", "\"pin\": { \"variant\": ^\"bigg\" }", {"unknown variant \"bigg\"; did you mean \"big\"?"}},
    {"pin_of_another_task", "\"latency_slo_s\": 0.1", "\"pin\": { \"variant\": ^\"finder\" }", {"unknown variant \"finder\""}},
    {"unknown_billing", "\"seed\": 1", "\"seed\": 1, \"billing\": ^\"hold\"", {"/billing", "\"held\""}},
    {"unknown_choice", "\"seed\": 1", "\"seed\": 1, \"on_lost\": { \"action\": ^\"retyr\" }", {"/on_lost/action", "\"retry\""}},
    {"unknown_variant_of_a_policy",
     "{ \"name\": \"cheapest_feasible\", \"params\": { \"margin\": 0.1 } }",
     "^{ \"name\": \"fixed_variant\", \"params\": { \"variants\": [ \"bigg\" ] } }",
     {"/policies/selection: ", "\"fixed_variant\"", "\"bigg\"; did you mean \"big\"?"}},
    {"policy_without_a_required_parameter",
     "{ \"name\": \"cheapest_feasible\", \"params\": { \"margin\": 0.1 } }",
     "^\"fixed_variant\"",
     {"/policies/selection", "variants"}},
    {"planned_without_a_planner",
     "[ { \"variant\": \"little\", \"pool\": \"cpus\", \"per_device\": 1 } ]",
     "^\"plannd\"",
     {"/initial", "\"planned\""}},
    // Files.
    {"missing_trace",
     "\"source\": \"poisson\", \"params\": { \"rate_qps\": 5 }",
     "\"source\": \"csv\", \"params\": { \"file\": ^\"none.csv\" }",
     {"/workload/1/params/file", "none.csv"},
     3},
    {"trace_that_is_a_folder",
     "\"source\": \"poisson\", \"params\": { \"rate_qps\": 5 }",
     "\"source\": \"csv\", \"params\": { \"file\": ^\".\" }",
     {"/workload/1/params/file", "folder"},
     3},
    {"source_without_a_file",
     "\"source\": \"poisson\", \"params\": { \"rate_qps\": 5 }",
     "\"source\": \"csv\", \"params\": ^{}",
     {"/workload/1/params", "\"file\""}},
    {"file_that_is_no_text",
     "\"source\": \"poisson\", \"params\": { \"rate_qps\": 5 }",
     "\"source\": \"csv\", \"params\": { \"file\": ^5 }",
     {"/workload/1/params/file"}},
};

INSTANTIATE_TEST_SUITE_P(, WrongScenario, testing::ValuesIn(edits), [](const auto& one) { return std::string(one.param.name); });

TEST(SeveralMistakes, are_reported_at_once_in_order_of_place) {
  std::string text = small_scenario;
  const auto replace = [&](const std::string& from, const std::string& to) { text.replace(text.find(from), from.size(), to); };
  replace("\"origin\": \"edge\"", "\"origin\": \"egde\"");
  replace("\"rate_qps\": 20", "\"rate_qps\": -1");
  replace("\"dispatch\": \"least_expected_latency\"", "\"dispatch\": \"random_\"");
  replace("\"variant\": \"little\"", "\"variant\": \"litle\"");
  replace("\"drain_s\": 10", "\"drain_s\": \"10MB\"");
  const Folder folder;
  folder.write("s.json", text);
  const Outcome done = tideline(folder, {"run", "s.json"});
  EXPECT_EQ(done.code, 2);
  EXPECT_EQ(count_lines(done.err), 5U) << done.err;
  std::size_t last = 0;
  for (const char* pointer :
       {"/workload/0/origin", "/workload/0/params/rate_qps", "/policies/dispatch", "/initial/0/variant", "/measure/drain_s"}) {
    const auto at = done.err.find(std::string(": ") + pointer);
    ASSERT_NE(at, std::string::npos) << pointer << "\n" << done.err;
    EXPECT_GE(at, last) << done.err;
    last = at;
  }
}

TEST(SeveralMistakes, of_the_catalog_and_of_the_rest_are_reported_together) {
  std::string text = small_scenario;
  const auto replace = [&](const std::string& from, const std::string& to) { text.replace(text.find(from), from.size(), to); };
  replace("\"accuracy\": 0.8", "\"accuracy\": 8");
  replace("\"memory_bytes\": 200", "\"memory_bytes\": -2");
  replace("\"schema\": 1", "\"schema\": 1, \"sede\": 1");
  const Folder folder;
  folder.write("s.json", text);
  const Outcome done = tideline(folder, {"run", "s.json"});
  EXPECT_EQ(done.code, 2);
  EXPECT_EQ(count_lines(done.err), 3U) << done.err;
}

/// What a scenario file holds, and what is said of it.
struct Whole {
  const char* name;
  std::string text;
  int code;
  std::vector<std::string> says;
};
void PrintTo(const Whole& w, std::ostream* out) { *out << w.name; }

class WrongFile : public testing::TestWithParam<Whole> {};

TEST_P(WrongFile, is_refused) {
  const Whole& w = GetParam();
  const Folder folder;
  folder.write("s.json", w.text);
  const Outcome done = tideline(folder, {"run", "s.json"});
  EXPECT_EQ(done.code, w.code) << done.err;
  for (const auto& s : w.says) EXPECT_THAT(done.err, HasSubstr(s));
  EXPECT_THAT(folder.files(), testing::ElementsAre("s.json"));
}

std::string repeated(const std::string& text, std::size_t n) {
  std::string out;
  for (std::size_t k = 0; k < n; ++k) out += text;
  return out;
}

INSTANTIATE_TEST_SUITE_P(
    , WrongFile,
    testing::Values(Whole{"empty", "", 2, {"s.json:1:1: ", "empty"}}, Whole{"blank", " \n// nothing\n", 2, {"s.json:", "empty"}},
                    Whole{"binary", std::string("\x7f\x45\x4c\x46\x02\x00\xff\xfe", 8), 2, {"s.json:1:", "not text in UTF-8"}},
                    Whole{"truncated", std::string(small_scenario).substr(0, 700), 2, {"s.json:", "is not closed"}},
                    Whole{"deeply_nested_lists", repeated("[", 200000), 2, {"s.json:1:101: ", "nested deeper than 100"}},
                    Whole{"deeply_nested_objects", repeated("{\"a\":", 200000), 2, {"s.json:1:", "nested deeper than 100"}},
                    Whole{"a_number", "5", 2, {"s.json:1:1: ", "a scenario is a JSON object"}},
                    Whole{"a_list", "[]", 2, {"s.json:1:1: ", "a scenario is a JSON object"}},
                    Whole{"an_empty_object", "{}", 2, {"\"schema\"", "\"catalog\"", "\"cluster\"", "\"workload\""}},
                    Whole{"null", "null", 2, {"s.json:1:1: ", "a scenario is a JSON object"}},
                    Whole{"two_values", "{} {}", 2, {"s.json:1:4: "}}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(WrongPath, of_a_scenario_is_said) {
  const Folder folder;
  folder.write("folder/x", "");
  Outcome done = tideline(folder, {"run", "none.json"});
  EXPECT_EQ(done.code, 3);
  EXPECT_EQ(done.err, "tideline: cannot read none.json: No such file or directory\n");
  done = tideline(folder, {"run", "folder"});
  EXPECT_EQ(done.code, 3);
  EXPECT_EQ(done.err, "tideline: cannot read folder: it is a folder\n");
  EXPECT_EQ(tideline(folder, {"validate", "none.json"}).code, 3);
}

/// The small scenario with its catalog in a file of its own: `begin` is where the inline one starts and `end` behind it.
void write_with_catalog(const Folder& folder, const std::string& from, const std::string& to) {
  std::string text = small_scenario;
  const auto begin = text.find("{\n    \"name\": \"small\""), end = text.find(",\n  \"cluster\"");
  std::string catalog = text.substr(begin, end - begin);
  text.replace(begin, end - begin, "\"catalogs/small.json\"");
  if (!from.empty()) catalog.replace(catalog.find(from), from.size(), to);
  folder.write("s.json", text);
  if (from != "none") folder.write("catalogs/small.json", catalog + "\n");
}

TEST(CatalogFile, is_read_and_its_mistakes_are_shown_in_it) {
  const Folder folder;
  write_with_catalog(folder, "", "");
  EXPECT_EQ(tideline(folder, {"validate", "s.json"}).code, 0);
  write_with_catalog(folder, "\"accuracy\": 0.8", "\"acuracy\": 0.8");
  Outcome done = tideline(folder, {"run", "s.json"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("catalogs/small.json:12:58: /variants/0/acuracy: unknown key \"acuracy\"; did you mean \"accuracy\"?"));
  EXPECT_THAT(done.err, Not(HasSubstr("s.json:4")));
  write_with_catalog(folder, "\"accuracy\": 0.8", "\"accuracy\" 0.8");
  done = tideline(folder, {"run", "s.json"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("catalogs/small.json:12:69: "));
}

TEST(CatalogFile, that_is_missing_is_said_where_it_is_named) {
  const Folder folder;
  write_with_catalog(folder, "", "");
  fs::remove(folder / "catalogs/small.json");
  Outcome done = tideline(folder, {"run", "s.json"});
  EXPECT_EQ(done.code, 3);
  EXPECT_EQ(done.err, "tideline: s.json:4:14: /catalog: cannot read catalogs/small.json: No such file or directory\n");
  fs::create_directory(folder / "catalogs/small.json");
  done = tideline(folder, {"run", "s.json"});
  EXPECT_EQ(done.code, 3);
  EXPECT_EQ(done.err, "tideline: s.json:4:14: /catalog: cannot read catalogs/small.json: it is a folder\n");
}

/// A trace and what is said of it.
struct Trace {
  const char* name;
  const char* source;
  std::string text;
  std::vector<std::string> says;
};
void PrintTo(const Trace& t, std::ostream* out) { *out << t.name; }

class WrongTrace : public testing::TestWithParam<Trace> {};

TEST_P(WrongTrace, is_refused_with_its_row) {
  const Trace& t = GetParam();
  std::string text = small_scenario;
  const std::string from = "\"source\": \"poisson\", \"params\": { \"rate_qps\": 5 }";
  text.replace(text.find(from), from.size(), "\"source\": \"" + std::string(t.source) + "\", \"params\": { \"file\": \"t.csv\" }");
  const Folder folder;
  folder.write("s.json", text);
  folder.write("t.csv", t.text);
  const Outcome done = tideline(folder, {"run", "s.json"});
  EXPECT_EQ(done.code, 2) << done.err;
  EXPECT_EQ(done.out, "");
  EXPECT_THAT(done.err, testing::StartsWith("tideline: t.csv: "));
  for (const auto& s : t.says) EXPECT_THAT(done.err, HasSubstr(s));
  EXPECT_EQ(count_lines(done.err), 1U) << done.err;
  EXPECT_THAT(folder.files(), testing::ElementsAre("s.json", "t.csv"));
}

INSTANTIATE_TEST_SUITE_P(
    , WrongTrace,
    testing::Values(Trace{"truncated_row", "csv", "timestamp,bytes,items\n0,5,1\n1,5\n2,5,1\n", {"row 3", "2 columns, expected 3"}},
                    Trace{"binary", "csv", std::string("\x7f\x45\x4c\x46\x00\x01\xff", 7), {"row 1"}},
                    Trace{"negative_time", "csv", "timestamp\n-1\n", {"row 2", "timestamp", "-1"}},
                    Trace{"nan_time", "csv", "timestamp\n0\nnan\n", {"row 3", "timestamp", "nan"}},
                    Trace{"infinite_time", "csv", "timestamp\n0\ninf\n", {"row 3", "timestamp", "inf"}},
                    Trace{"unsorted_times", "csv", "timestamp\n5\n4\n", {"row 3", "before"}},
                    Trace{"unknown_column", "csv", "timestamp,byts\n5,1\n", {"row 1", "byts"}},
                    Trace{"no_timestamp", "csv", "bytes\n5\n", {"row 1", "timestamp"}},
                    Trace{"task_that_is_not_the_entrys", "csv", "timestamp,task\n0,zzz\n", {"row 2", "zzz"}},
                    Trace{"zero_items", "csv", "timestamp,items\n5,0\n", {"row 2", "items"}},
                    Trace{"negative_count", "counts", "3\n-4\n", {"row 2", "-4"}},
                    Trace{"text_for_a_count", "counts", "3\nmany\n", {"row 2", "many"}},
                    Trace{"binary_counts", "counts", std::string("3\n\x00\x01\xff", 5), {"row 2"}}),
    [](const auto& one) { return std::string(one.param.name); });

/// Words behind `run s.json`.
struct Words {
  const char* name;
  std::vector<std::string> words;
  std::vector<std::string> says;
};
void PrintTo(const Words& w, std::ostream* out) { *out << w.name; }

class WrongOption : public testing::TestWithParam<Words> {};

TEST_P(WrongOption, is_refused) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  std::vector<std::string> words{"run", "s.json"};
  words.insert(words.end(), GetParam().words.begin(), GetParam().words.end());
  const Outcome done = tideline(folder, words);
  EXPECT_EQ(done.code, 2) << done.err;
  EXPECT_EQ(done.out, "");
  for (const auto& s : GetParam().says) EXPECT_THAT(done.err, HasSubstr(s));
  EXPECT_EQ(count_lines(done.err), 1U) << done.err;
  EXPECT_THAT(folder.files(), testing::ElementsAre("s.json"));
}

INSTANTIATE_TEST_SUITE_P(
    , WrongOption,
    testing::Values(
        Words{"set_without_equals", {"--set", "/load"}, {"--set /load: expected POINTER=VALUE"}},
        Words{"set_without_slash", {"--set", "load=2"}, {"--set load=2: expected POINTER=VALUE"}},
        Words{"set_to_a_missing_section",
              {"--set", "/clustr/pools/0/count=4"},
              {"--set /clustr/pools/0/count=4: ", "no key \"clustr\"; did you mean \"cluster\"?"}},
        Words{"set_to_a_missing_key", {"--set", "/laod=2"}, {"--set /laod=2: ", "unknown key \"laod\"; did you mean \"load\"?"}},
        Words{"set_to_a_missing_element", {"--set", "/cluster/pools/7/count=4"}, {"--set /cluster/pools/7/count=4: ", "no element 7"}},
        Words{"set_to_a_missing_name",
              {"--set", "/cluster/pools/gpu/count=4"},
              {"--set /cluster/pools/gpu/count=4: ", "no element with the name \"gpu\"; did you mean \"gpus\"?"}},
        Words{"set_below_a_number", {"--set", "/seed/x=4"}, {"--set /seed/x=4: ", "has no members"}},
        Words{"set_to_a_wrong_type", {"--set", "/cluster/pools/gpus/count=many"}, {"--set /cluster/pools/gpus/count=many: ", "\"many\""}},
        Words{"set_to_a_wrong_policy",
              {"--set", "/policies/dispatch=randon"},
              {"--set /policies/dispatch=randon: ", "unknown dispatch policy \"randon\"; did you mean \"random\"?"}},
        Words{"negative_seed", {"--seed", "-1"}, {"--seed -1"}}, Words{"fraction_of_a_seed", {"--seed=1.5"}, {"--seed 1.5"}},
        Words{"text_for_a_seed", {"--seed", "x"}, {"--seed x"}}, Words{"empty_seed", {"--seed="}, {"--seed"}},
        Words{"unknown_summary", {"--summary", "jsn"}, {"--summary jsn: expected table or json"}},
        Words{"unknown_records",
              {"--records", "visits"},
              {"--records visits: expected none, all, or some of queries, instances and decisions"}},
        Words{"unknown_option", {"--summry", "json"}, {"unknown option --summry; did you mean \"summary\"?"}},
        Words{"unknown_short_option", {"-x"}, {"x"}}, Words{"option_without_its_value", {"--set"}, {"set"}},
        Words{"records_without_results", {"--records", "queries", "--no-results"}, {"--no-results"}},
        Words{"out_that_is_no_results_file", {"--out", "x.json"}, {"--out x.json: expected a file that ends in .h5"}},
        Words{"json_of_two_scenarios", {"s.json", "--summary", "json"}, {"give one scenario"}},
        Words{"one_scenario_twice", {"s.json"}, {"two scenarios would write"}}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(WrongWorld, full_disk_leaves_no_results) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  const Outcome done = tideline(folder, {"run", "s.json", "--records", "queries", "--out", "out.h5"}, 8192);
  EXPECT_EQ(done.code, 3) << done.err;
  EXPECT_THAT(done.err, HasSubstr("out.h5"));
  EXPECT_THAT(done.err, HasSubstr("File too large"));
  EXPECT_EQ(count_lines(done.err), 1U) << done.err;
  EXPECT_THAT(folder.files(), testing::ElementsAre("s.json"));
}

TEST(WrongWorld, full_disk_keeps_older_results) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  folder.write("out.h5", "older");
  const Outcome done = tideline(folder, {"run", "s.json", "--out", "out.h5"}, 8192);
  EXPECT_EQ(done.code, 3) << done.err;
  EXPECT_EQ(read_file(folder / "out.h5"), "older");
}

TEST(WrongWorld, a_folder_that_cannot_be_made_is_said) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  folder.write("results", "a file");
  const Outcome done = tideline(folder, {"run", "s.json"});
  EXPECT_EQ(done.code, 3) << done.err;
  EXPECT_THAT(done.err, HasSubstr("results"));
  EXPECT_EQ(count_lines(done.err), 1U) << done.err;
  EXPECT_THAT(folder.files(), testing::ElementsAre("results", "s.json"));
}

TEST(WrongWorld, a_folder_that_cannot_be_written_is_said) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  // /proc refuses new files to everybody, also where tests run as root.
  Outcome done = tideline(folder, {"run", "s.json", "--out", "/proc/out.h5"});
  EXPECT_EQ(done.code, 3) << done.err;
  EXPECT_THAT(done.err, HasSubstr("/proc/out.h5"));
  EXPECT_EQ(count_lines(done.err), 1U) << done.err;
  done = tideline(folder, {"run", "s.json", "--no-results", "--timing", "/proc/timing.json"});
  EXPECT_EQ(done.code, 3) << done.err;
  EXPECT_THAT(done.err, HasSubstr("cannot write /proc/timing.json"));
}

}  // namespace
}  // namespace tideline

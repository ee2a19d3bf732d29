#include "src/results.h"

#include "src/records.h"
#include "src/results_reader.h"
#include "src/table.h"
#include "tests/support/list_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>

namespace tideline {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

/// A small run: ten queries on one device, the first of them a cold start. Its node may fail.
struct SmallRun {
  explicit SmallRun(const fs::path& path = {}, Time fails = never) {
    test::WorldBuilder b;
    const SiteId site = b.site("here");
    const HardwareId gpu = b.hardware("gpu", 1000);
    const TaskId task = b.task("see");
    b.variant("low", task, gpu, 0.6, 10ms, 500, 50ms);
    b.variant("idle", task, gpu, 0.8, 20ms, 500);
    b.pool("gpus", site, gpu, 1, 3.6);
    b.add_class(task, 40ms);
    b.add_class(task);
    world = b.build();
    RunOptions o;
    o.duration = 10s;
    o.sample = 1s;
    SummaryRecorder summary_recorder(*world, Billing::held);
    SeriesRecorder series(*world, Billing::held);
    AuditRecorder auditor(*world);
    std::vector<Recorder*> recorders{&summary_recorder, &series, &auditor};
    std::unique_ptr<ResultsFile> file;
    std::unique_ptr<Records> records;
    if (!path.empty()) {
      file = std::make_unique<ResultsFile>(path);
      RunFacts facts;
      facts.scenario = "small";
      facts.program_version = "0.1.0";
      facts.compiler = compiler_name();
      facts.seed = 7;
      facts.configuration_json = "{\"seed\": 7}";
      facts.overrides = {"--set /seed=7", "--load 2"};
      facts.hashes = {{"catalog.json", "abc"}};
      facts.warnings = {"measures less than a day"};
      write_run(*file, facts);
      records = std::make_unique<Records>(*file, *world, RecordWishes{true, true, true});
      for (Recorder* r : records->recorders()) recorders.push_back(r);
    }
    std::vector<Duration> arrivals{500ms};
    for (int k = 0; k < 9; ++k) arrivals.emplace_back(2s);
    test::run_list(*world, ClassId{0}, arrivals, o, forever, recorders, [&](Simulation& simulation) {
      if (records) records->write_names(simulation.controllers());
      while (fails != never && simulation.now() < fails && simulation.step()) {
      }
      if (fails != never) simulation.fail_node(NodeId{0});
      simulation.run();
      if (records) records->finish();
      summary = summary_recorder.summary();
      audit = auditor.audit(simulation.cluster(), simulation.now(), summary);
    });
    if (file == nullptr) return;
    write_series(*file, series.rows());
    write_summary(*file, summary);
    write_audit(*file, audit);
    file->commit();
  }
  std::unique_ptr<World> world;
  Summary summary;
  AuditResult audit;
};

class ResultsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "tideline-results-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// What a Python program prints that gets the file as `f`.
  std::string python(const fs::path& path, const std::string& program) const {
    const fs::path script = folder_ / "read.py", out = folder_ / "out.txt";
    std::ofstream(script) << "import h5py\nf = h5py.File('" << path.string() << "', 'r')\n" << program;
    const std::string command = std::string(TIDELINE_PYTHON) + " " + script.string() + " > " + out.string() + " 2>&1";
    const int status = std::system(command.c_str());
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    std::ifstream file(out);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder_;
};

std::string bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Two searches: one proven to 1 %, one that proves nothing.
TEST_F(ResultsTest, searches_of_planners_are_a_table_and_totals) {
  const fs::path path = folder_ / "planner.h5";
  using Status = PlanSolution::Status;
  const std::vector<SearchRow> rows{{1'000'000'000, 0, {Status::optimal, false, 1, 100, 101, 7}},
                                    {2'000'000'000, 1, {Status::feasible, true, 0.95, 50, std::numeric_limits<double>::infinity(), 0}}};
  {
    ResultsFile file(path);
    write_searches(file, rows);
    file.commit();
  }
  EXPECT_EQ(python(path, R"(
t = f['planner']
print(t['time'][:], t['controller'][:], t['status'].asstr()[:], t['kept'][:], t['target'][:], t['objective'][:], t['bound'][:], t['gap'][:].round(6), t['nodes'][:])
)"),
            "[1000000000 2000000000] [0 1] ['optimal' 'feasible'] [0 1] [1.   0.95] [100.  50.] [101.  inf] [0.01  nan] [7 0]\n");
  SearchTotals totals;
  for (const SearchRow& r : rows) totals.add(r.solution);
  EXPECT_EQ(totals.searches, 2U);
  EXPECT_EQ(totals.optimal, 1U);
  EXPECT_EQ(totals.kept, 1U);
  EXPECT_EQ(totals.with_gap, 1U);
  EXPECT_DOUBLE_EQ(totals.gap_max, 101.0 / 100 - 1);
  EXPECT_EQ(gap_of({Status::optimal, false, 1, 100, 100 - 1e-9, 0}), 0) << "rounding";
  EXPECT_TRUE(std::isnan(gap_of({Status::short_of, false, 1, 0, 5, 0})));
  Summary summary;
  EXPECT_FALSE(summary_json(summary, {}).contains("planner"));
  summary.searches = totals;
  const Json planner = summary_json(summary, {}).at("planner");
  EXPECT_EQ(planner.at("searches"), 2);
  EXPECT_EQ(planner.at("short_of_demand"), 0);
  EXPECT_NEAR(planner.at("gap_mean").get<double>(), 0.01, 1e-12);
}

TEST_F(ResultsTest, h5py_reads_what_was_written) {
  const fs::path path = folder_ / "run.h5";
  const SmallRun run(path);
  ASSERT_TRUE(run.audit.passed);
  EXPECT_EQ(python(path, R"(
print(f['run'].attrs['schema_version'], f['run'].attrs['seed'], f['run'].attrs['program_version'], f['run'].attrs['interrupted'])
print(f['run/configuration'][()].decode(), repr(f['run/overrides'][()].decode()), repr(f['run/hashes'][()].decode()), repr(f['run/warnings'][()].decode()))
print(f['summary'].attrs['window_end_ns'], f['summary'].attrs['billing'])
t = f['summary/total']
print(t['queries_arrived'][0], t['queries_late'][0], t['misses_queue'][0], t['misses_load'][0], t['cold_starts'][0], t['accuracy_floor_attainment'][0])
print(t['latency_max_s'].attrs['unit'], t['latency_max_s'][0], t['queries_arrived'].dtype, t['latency_max_s'].attrs['description'])
print(f['summary/classes/name'].asstr()[:], f['summary/classes/queries_arrived'][:], 'cost_usd' in f['summary/classes'], 'loads' in f['summary/tasks'])
print(f['summary/variants/name'].asstr()[:], f['summary/variants/queries_served'][:], f['summary/variants/origin_latency'].asstr()[:])
print(f['audit'].attrs['passed'], all(f['audit/passed'][:]), len(f['audit/name']))
print(len(f['series/time']), f['series/time'][0], f['series/time'].attrs['unit'], f['series/arrived'][:3], f['series/time'].dtype)
)"),
            "2 7 0.1.0 0\n"
            "{\"seed\": 7} '--set /seed=7\\n--load 2\\n' 'abc  catalog.json\\n' 'measures less than a day\\n'\n"
            "10000000000 held\n"
            "10 6 5 1 1 nan\n"
            "s 0.09 uint64 Largest latency.\n"
            "['class0' 'class1'] [10  0] False True\n"
            "['low'] [10] ['assumed']\n"
            "1 True 8\n"
            "10 1000000000 ns [1 9 0] int64\n");
}

TEST_F(ResultsTest, records_of_queries_add_up) {
  const fs::path path = folder_ / "run.h5";
  const SmallRun run(path);
  const ResultsReader reader(path);
  RecordTable q(reader, "queries");
  ASSERT_EQ(q.rows(), 10U);
  const auto value = [&](const char* column) { return q.integer(q.column(column)); };
  double cost = 0;
  for (std::uint64_t k = 0; k < q.rows(); ++k) {
    q.go_to(k);
    EXPECT_EQ(value("serial"), static_cast<std::int64_t>(k));
    const std::int64_t arrival = 500'000'000 + (k == 0 ? 0 : 1'500'000'000);
    EXPECT_EQ(value("arrival"), arrival);
    // The first waits 50 ms for its load; the others stand in line, 10 ms each.
    EXPECT_EQ(value("load"), k == 0 ? 50'000'000 : 0);
    EXPECT_EQ(value("queue"), k == 0 ? 0 : static_cast<std::int64_t>(k - 1) * 10'000'000);
    EXPECT_EQ(value("service"), 10'000'000);
    EXPECT_EQ(value("network"), 0);
    EXPECT_EQ(value("flags"), (k == 0 ? 1 : 0) + (k == 0 || k > 4 ? 4 : 0));
    EXPECT_EQ(q.name(q.column("class")), "class0");
    EXPECT_EQ(q.name(q.column("variant")), "low");
    EXPECT_EQ(q.name(q.column("ending")), "answered");
    EXPECT_EQ(value("instance"), 0);
    EXPECT_EQ(value("batch"), 1);
    EXPECT_DOUBLE_EQ(q.real(q.column("accuracy")), 0.6);
    EXPECT_THAT(q.name(q.column("outcome")), testing::AnyOf("wrong", "right"));
    EXPECT_EQ(q.real(q.column("score")), 0);
    cost += q.real(q.column("cost"));
  }
  EXPECT_NEAR(cost, 100e-6, 1e-11);
}

TEST_F(ResultsTest, records_of_instances_batches_and_decisions_tell_the_same_story) {
  const fs::path path = folder_ / "run.h5";
  const SmallRun run(path);
  const ResultsReader reader(path);
  RecordTable instances(reader, "instances"), batches(reader, "batches"), decisions(reader, "decisions");
  ASSERT_EQ(instances.rows(), 1U);
  instances.go_to(0);
  const auto of_instance = [&](const char* column) { return instances.integer(instances.column(column)); };
  EXPECT_EQ(of_instance("started"), 500'000'000);
  EXPECT_EQ(of_instance("warm"), 550'000'000);
  EXPECT_EQ(of_instance("draining"), -1);
  EXPECT_EQ(of_instance("stopped"), -1);
  EXPECT_EQ(of_instance("batches"), 10);
  EXPECT_EQ(of_instance("visits"), 10);
  EXPECT_EQ(of_instance("memory"), 500);
  EXPECT_EQ(instances.name(instances.column("start_cause")), "held");
  EXPECT_EQ(instances.name(instances.column("stop_cause")), "");
  EXPECT_EQ(instances.name(instances.column("device")), "gpus/0");
  ASSERT_EQ(batches.rows(), 10U);
  for (std::uint64_t k = 0; k < 10; ++k) {
    batches.go_to(k);
    EXPECT_EQ(batches.integer(batches.column("began")),
              k == 0 ? 550'000'000 : 2'000'000'000 + static_cast<std::int64_t>(k - 1) * 10'000'000);
    EXPECT_EQ(batches.integer(batches.column("took")), 10'000'000);
    EXPECT_EQ(batches.integer(batches.column("visits")), 1);
    EXPECT_EQ(batches.integer(batches.column("wasted_items")), 0);
  }
  // The first query, step by step; then what the policies were asked in all.
  const DecisionNames names(reader);
  std::map<std::string, int> counts;
  std::vector<std::string> first;
  for (std::uint64_t k = 0; k < decisions.rows(); ++k) {
    decisions.go_to(k);
    const auto at = [&](const char* column) { return decisions.integer(decisions.column(column)); };
    const std::string answer(decisions.name(decisions.column("answer")));
    ++counts[answer];
    if (k < 7)
      first.push_back(answer + " " + names.subject(static_cast<std::size_t>(at("answer")), at("chosen")) + " " +
                      std::to_string(at("amount")));
  }
  EXPECT_THAT(first, testing::ElementsAre("admitted  0", "selected low 1", "held low 0", "starts for held low 1", "placed gpus/0 500",
                                          "to instance #0 0", "started batch #0 1"));
  EXPECT_EQ(counts, (std::map<std::string, int>{{"admitted", 10},
                                                {"selected", 10},
                                                {"held", 1},
                                                {"to instance", 10},
                                                {"started batch", 10},
                                                {"starts for held", 1},
                                                {"placed", 1},
                                                {"keeps", 2}}));
}

TEST_F(ResultsTest, a_batch_that_was_lost_with_its_node_is_marked) {
  const fs::path path = folder_ / "run.h5";
  const SmallRun run(path, Time{} + 2010ms);  // as the second query of the rush begins
  ASSERT_TRUE(run.audit.passed);
  const ResultsReader reader(path);
  RecordTable instances(reader, "instances"), batches(reader, "batches"), queries(reader, "queries");
  ASSERT_EQ(batches.rows(), 3U);
  for (std::uint64_t k = 0; k < 3; ++k) {
    batches.go_to(k);
    EXPECT_EQ(batches.integer(batches.column("lost")), k == 2 ? 1 : 0);
    EXPECT_EQ(batches.integer(batches.column("wasted_items")), k == 2 ? 1 : 0);
  }
  EXPECT_EQ(batches.integer(batches.column("began")), 2'010'000'000);
  EXPECT_EQ(batches.integer(batches.column("took")), 0);
  ASSERT_EQ(instances.rows(), 1U);
  instances.go_to(0);
  EXPECT_EQ(instances.integer(instances.column("batches")), 2);
  EXPECT_EQ(instances.name(instances.column("stop_cause")), "failed");
  std::map<std::string, int> endings;
  for (std::uint64_t k = 0; k < queries.rows(); ++k) {
    queries.go_to(k);
    ++endings[std::string(queries.name(queries.column("ending")))];
  }
  EXPECT_EQ(endings, (std::map<std::string, int>{{"answered", 2}, {"lost", 8}}));
}

TEST_F(ResultsTest, two_equal_runs_leave_equal_bytes) {
  const SmallRun a(folder_ / "a.h5"), b(folder_ / "b.h5");
  EXPECT_EQ(bytes(folder_ / "a.h5"), bytes(folder_ / "b.h5"));
  EXPECT_EQ(summary_json(a.summary, a.audit).dump(), summary_json(b.summary, b.audit).dump());
}

TEST(SummaryJson, it_has_every_name_that_programs_read) {
  const SmallRun run;
  const Json json = summary_json(run.summary, run.audit);
  for (const char* name : {"queries_arrived",
                           "queries_served",
                           "queries_dropped",
                           "queries_late",
                           "queries_rejected",
                           "queries_lost",
                           "queries_unfinished",
                           "queries_delayed_by_load",
                           "throughput_qps",
                           "goodput_qps",
                           "slo_attainment",
                           "slo_attainment_worst_hour",
                           "accuracy_weighted_attainment",
                           "effective_accuracy",
                           "realised_accuracy",
                           "accuracy_floor_attainment",
                           "accuracy_drop_max",
                           "latency_mean_s",
                           "latency_p50_s",
                           "latency_p90_s",
                           "latency_p95_s",
                           "latency_p99_s",
                           "latency_max_s",
                           "wait_mean_s",
                           "service_mean_s",
                           "network_mean_s",
                           "cost_usd",
                           "cost_attributed_usd",
                           "cost_idle_usd",
                           "energy_j",
                           "cold_starts",
                           "loads",
                           "loads_by_cause",
                           "evictions",
                           "misses",
                           "wasted_work_s",
                           "utilization",
                           "batch_mean",
                           "queries_by_origin"})
    EXPECT_TRUE(json["total"].contains(name)) << name;
  for (const char* cause : {"rejected", "no_feasible_variant", "dropped", "lost", "unfinished", "load", "queue", "network", "service"})
    EXPECT_TRUE(json["total"]["misses"].contains(cause)) << cause;
  for (const char* cause : {"held", "plan", "prewarm", "preload"}) EXPECT_TRUE(json["total"]["loads_by_cause"].contains(cause)) << cause;
  for (const char* origin : {"measured", "computed", "derived", "assumed"})
    EXPECT_TRUE(json["total"]["queries_by_origin"].contains(origin)) << origin;
  ASSERT_EQ(json["classes"].size(), 2U);
  EXPECT_EQ(json["classes"][0]["name"], "class0");
  EXPECT_EQ(json["classes"][0]["task"], "see");
  EXPECT_EQ(json["classes"][0]["queries_arrived"], 10);
  EXPECT_EQ(json["classes"][0]["misses"]["load"], 1);
  EXPECT_FALSE(json["classes"][0].contains("cost_usd"));
  EXPECT_EQ(json["tasks"][0]["name"], "see");
  EXPECT_EQ(json["tasks"][0]["loads"], 1);
  for (const char* name : {"name", "queries_served", "queries_late", "share", "latency_mean_s", "latency_max_s", "effective_accuracy",
                           "realised_accuracy", "cost_attributed_usd", "origin_latency"})
    EXPECT_TRUE(json["variants"][0].contains(name)) << name;
  EXPECT_EQ(json["audit"]["passed"], true);
  EXPECT_EQ(json["audit"]["checks"].size(), 8U);
  EXPECT_EQ(json["window"]["end_s"], 10.0);
}

TEST(SummaryJson, what_has_no_value_is_null) {
  const SmallRun run;
  const Json json = summary_json(run.summary, run.audit);
  EXPECT_TRUE(json["total"]["slo_attainment_worst_hour"].is_null());
  EXPECT_TRUE(json["total"]["accuracy_floor_attainment"].is_null());
  EXPECT_TRUE(json["classes"][1]["slo_attainment"].is_null());
  EXPECT_TRUE(json["classes"][1]["latency_p99_s"].is_null());
  const std::string text = summary_json(Summary{}, AuditResult{}).dump();
  EXPECT_THAT(text, Not(HasSubstr("nan")));
  EXPECT_THAT(text, Not(HasSubstr("inf\"")));
}

TEST(ComparisonTable, three_runs_fit_a_hundred_columns_and_line_up) {
  SmallRun a, b, c;
  b.summary.total.energy_j = 1234.5;
  c.audit.passed = false;
  c.audit.checks[3].passed = false;
  c.audit.checks[3].detail = "off by one";
  const std::array<TableRun, 3> runs{{{"cheapest", &a.summary, &a.audit},
                                      {"fastest", &b.summary, &b.audit},
                                      {"a name that is much too long for its column", &c.summary, &c.audit}}};
  const std::string table = comparison_table(runs);
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);
  const std::size_t width = line.size();
  EXPECT_LE(width, 100U);
  std::size_t rows = 0;
  while (std::getline(lines, line) && !line.starts_with("audit")) {
    EXPECT_TRUE(line.size() == width) << line;
    ++rows;
  }
  EXPECT_GT(rows, 20U);
  EXPECT_THAT(table, HasSubstr("40.00 %"));
  EXPECT_THAT(table, HasSubstr("90.00 ms"));
  EXPECT_THAT(table, HasSubstr("1.234 kJ"));
  EXPECT_THAT(table, HasSubstr("audit: passed (cheapest)\n"));
  EXPECT_THAT(table, HasSubstr("audit: FAILED; cost: off by one (a name"));
  EXPECT_THAT(table, Not(HasSubstr("nan")));
}

TEST(ComparisonTable, one_run_ends_in_its_audit) {
  const SmallRun run;
  const TableRun only{"run", &run.summary, &run.audit};
  const std::string table = comparison_table({&only, 1});
  EXPECT_TRUE(table.ends_with("audit: passed\n"));
}

}  // namespace
}  // namespace tideline

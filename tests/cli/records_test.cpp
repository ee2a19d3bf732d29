// Records of a run, what reads them, and what a killed or interrupted run leaves of them.
#include "src/hdf5_file.h"
#include "src/results_reader.h"
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cmath>
#include <random>
#include <thread>

namespace tideline {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

const std::string scripts = std::string(TIDELINE_SOURCE_DIR) + "/scripts/";

class RecordsTest : public testing::Test {
 protected:
  RecordsTest() { folder.write("s.json", small_scenario); }
  void run(std::vector<std::string> options) {
    options.insert(options.begin(), {"run", "s.json"});
    const Outcome done = tideline(folder, options);
    ASSERT_EQ(done.code, 0) << done.err;
  }
  std::vector<std::string> groups(const std::string& file) const {
    std::vector<std::string> out;
    for (const auto& [name, is_dataset] : ResultsReader(folder / file).members("/")) out.push_back(name);
    return out;
  }
  bool python_has(const std::string& modules) { return run_command(folder, {TIDELINE_PYTHON, "-c", "import " + modules}).code == 0; }
  /// What a Python program prints that has the reader of results at hand.
  std::string python(const std::string& program) {
    folder.write("p.py", "import sys\nsys.path.insert(0, " + Json(scripts).dump() + ")\nimport tideline_results as tr\n" + program);
    const Outcome done = run_command(folder, {TIDELINE_PYTHON, "p.py"});
    EXPECT_EQ(done.code, 0) << done.err;
    return done.out;
  }
  Folder folder;
};

void wait_for(const fs::path& path) {
  for (int k = 0; k < 6000 && !fs::exists(path); ++k) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

/// Before its first flush a file is empty; before it has two megabytes, records have been flushed.
void wait_for_size(const fs::path& path, std::uintmax_t bytes) {
  wait_for(path);
  std::error_code none_yet;
  for (int k = 0; k < 60'000 && fs::file_size(path, none_yet) < bytes; ++k) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// --- what is recorded ---

TEST_F(RecordsTest, only_what_was_asked_for_is_in_the_file) {
  run({"--out", "none.h5"});
  run({"--records", "queries", "--out", "q.h5"});
  run({"--records", "instances,decisions", "--out", "id.h5"});
  run({"--records", "all", "--out", "all.h5"});
  EXPECT_THAT(groups("none.h5"), ElementsAre("audit", "run", "series", "summary"));
  EXPECT_THAT(groups("q.h5"), ElementsAre("audit", "queries", "run", "series", "summary"));
  EXPECT_THAT(groups("id.h5"), ElementsAre("audit", "batches", "decisions", "instances", "run", "series", "summary"));
  EXPECT_THAT(groups("all.h5"), ElementsAre("audit", "batches", "decisions", "instances", "queries", "run", "series", "summary"));
}

TEST_F(RecordsTest, a_word_that_is_wrong_gets_the_nearest_one) {
  const Outcome done = tideline(folder, {"run", "s.json", "--records", "queries,decisons"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("--records queries,decisons: expected none, all, or some of queries, instances and decisions"));
  EXPECT_THAT(done.err, HasSubstr("did you mean \"decisions\"?"));
  EXPECT_EQ(tideline(folder, {"run", "s.json", "--records", "none,queries"}).code, 2);
  EXPECT_EQ(tideline(folder, {"run", "s.json", "--records", ""}).code, 2);
  EXPECT_EQ(tideline(folder, {"run", "s.json", "--records", "all", "--no-results"}).code, 2);
}

TEST_F(RecordsTest, add_up_to_the_summary) {
  run({"--records", "all", "--out", "x.h5"});
  const ResultsReader reader(folder / "x.h5");
  const auto total = [&](const char* name) { return reader.doubles("/summary/total/" + std::string(name)).at(0); };
  RecordTable queries(reader, "queries"), instances(reader, "instances"), batches(reader, "batches");
  EXPECT_EQ(static_cast<double>(queries.rows()), total("queries_arrived"));
  double served = 0, latency = 0, accuracy = 0, realised = 0, late = 0;
  for (std::uint64_t k = 0; k < queries.rows(); ++k) {
    queries.go_to(k);
    if (queries.name(queries.column("ending")) != "answered") continue;
    ++served;
    for (const char* part : {"network", "load", "queue", "service"})
      latency += 1e-9 * static_cast<double>(queries.integer(queries.column(part)));
    // Relative to the best of each task, as in the total of two tasks.
    const double best = queries.name(queries.column("class")) == "finders" ? 0.5 : 0.8;
    accuracy += queries.real(queries.column("accuracy")) / best;
    const std::string_view outcome = queries.name(queries.column("outcome"));
    const double drawn = outcome == "wrong"      ? 0
                         : outcome == "right"    ? 1
                         : outcome == "accuracy" ? queries.real(queries.column("accuracy"))
                                                 : queries.real(queries.column("score"));
    realised += drawn / best;
    late += (queries.integer(queries.column("flags")) & 4) != 0 ? 1 : 0;
  }
  EXPECT_EQ(served, total("queries_served"));
  EXPECT_EQ(late, total("queries_late"));
  EXPECT_NEAR(latency / served, total("latency_mean_s"), 1e-9);
  EXPECT_NEAR(accuracy / served, total("effective_accuracy"), 1e-9);
  EXPECT_NEAR(realised / served, total("realised_accuracy"), 1e-6);
  // Each batch belongs to an instance that was warm meanwhile.
  std::map<std::int64_t, std::array<std::int64_t, 3>> lives;
  std::int64_t batches_of_all = 0;
  for (std::uint64_t k = 0; k < instances.rows(); ++k) {
    instances.go_to(k);
    const std::int64_t stopped = instances.integer(instances.column("stopped"));
    lives[instances.integer(instances.column("serial"))] = {instances.integer(instances.column("warm")),
                                                            stopped < 0 ? std::int64_t{1} << 60 : stopped,
                                                            instances.integer(instances.column("device"))};
    batches_of_all += instances.integer(instances.column("batches"));
  }
  EXPECT_EQ(lives.size(), instances.rows());
  EXPECT_EQ(batches_of_all, static_cast<std::int64_t>(batches.rows()));
  for (std::uint64_t k = 0; k < batches.rows(); ++k) {
    batches.go_to(k);
    const auto& life = lives.at(batches.integer(batches.column("instance")));
    const std::int64_t began = batches.integer(batches.column("began"));
    ASSERT_GE(began, life[0]);
    ASSERT_LE(began + batches.integer(batches.column("took")), life[1]);
    ASSERT_EQ(batches.integer(batches.column("device")), life[2]);
  }
}

// --- kills and interrupts ---

TEST_F(RecordsTest, a_kill_at_any_time_leaves_what_was_flushed) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> when(0, 300);
  int with_rows = 0, early = 0;
  std::vector<std::string> left;
  for (int k = 0; k < 20; ++k) {
    const std::string name = std::to_string(k) + ".h5";
    const fs::path part = folder / (name + ".part");
    fs::remove(part);
    Process run(folder.path(),
                {TIDELINE_PROGRAM, "run", "s.json", "--records", "queries", "--set", "/measure/duration_s=4e6", "--out", name});
    wait_for_size(part, k % 4 == 0 ? 2'000'000 : 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(when(random)));
    run.signal(SIGKILL);
    EXPECT_EQ(run.wait().code, -SIGKILL);
    EXPECT_FALSE(fs::exists(folder / name));
    (void)recover_results(part);
    const Outcome seen = tideline(folder, {"inspect", name + ".part"});
    if (seen.code == 2 && seen.err.find("before it had written anything") != std::string::npos) {
      // Amid the very first flush, on a slow machine: there is nothing to read yet.
      ASSERT_LT(++early, 20);
      --k;
      continue;
    }
    ASSERT_EQ(seen.code, 0) << seen.err;
    EXPECT_THAT(seen.out, HasSubstr("killed: records up to the last flush"));
    left.push_back(name + ".part");
    const ResultsReader reader(part);
    const auto columns = reader.columns("/queries");
    for (const ColumnFacts& c : columns) EXPECT_EQ(c.rows, columns[0].rows) << c.name;
    if (columns.empty()) continue;
    RecordTable queries(reader, "queries");
    EXPECT_EQ(queries.rows() % block_rows, 0U);
    with_rows += queries.rows() > 0 ? 1 : 0;
    const std::size_t serial = queries.column("serial"), arrival = queries.column("arrival"), service = queries.column("service"),
                      ending = queries.column("ending");
    std::vector<bool> seen_serials;
    for (std::uint64_t n = 0; n < queries.rows(); ++n) {
      queries.go_to(n);
      const auto s = static_cast<std::size_t>(queries.integer(serial));
      if (s >= seen_serials.size()) seen_serials.resize(2 * s + 1);
      ASSERT_FALSE(seen_serials[s]) << "query " << s << " is there twice";
      seen_serials[s] = true;
      ASSERT_GE(queries.integer(arrival), 1'000'000'000);
      ASSERT_EQ(queries.integer(service) > 0, queries.name(ending) == "answered");
    }
  }
  EXPECT_EQ(left.size(), 20U);
  EXPECT_GE(with_rows, 5);
  if (!python_has("h5py, pandas")) GTEST_SKIP() << "there is no h5py or pandas for " << TIDELINE_PYTHON << ": read without it";
  std::string files;
  for (const std::string& l : left) files += "'" + l + "', ";
  python("for name in [" + files + R"py(]:
    run = tr.load(name)
    assert run.facts["scenario"] == "s" and run.facts["interrupted"] and run.config["seed"] == 1
    try:
        q = run.queries
    except tr.ResultsError as e:
        assert "has no records of queries yet" in str(e), e
        continue
    assert q["serial"].is_unique and (q["finish_s"] >= q["arrival_s"]).all() and set(q["class"]) <= {"fast", "good", "finders"}
)py");
}

TEST_F(RecordsTest, an_interrupted_run_has_records_and_summary_of_the_same_queries) {
  for (const int number : {SIGINT, SIGTERM}) {
    const Folder own;
    own.write("s.json", small_scenario);
    Process run(own.path(), {TIDELINE_PROGRAM, "run", "s.json", "--records", "all", "--set", "/measure/duration_s=4e6"});
    wait_for(own / "results/s.h5.part");
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    run.signal(number);
    const Outcome done = run.wait();
    EXPECT_EQ(done.code, 130) << done.err;
    EXPECT_THAT(own.files(), ElementsAre("results/s.incomplete.h5", "s.json"));
    const ResultsReader reader(own / "results/s.incomplete.h5");
    EXPECT_EQ(reader.integer_attribute("/run", "interrupted"), 1);
    EXPECT_EQ(static_cast<double>(RecordTable(reader, "queries").rows()), reader.doubles("/summary/total/queries_arrived").at(0));
    EXPECT_GT(RecordTable(reader, "instances").rows(), 0U);
    const Outcome seen = tideline(own, {"inspect", "results/s.incomplete.h5"});
    EXPECT_EQ(seen.code, 0) << seen.err;
    EXPECT_THAT(seen.out, HasSubstr("interrupted: everything up to the interrupt"));
    EXPECT_THAT(seen.out, HasSubstr("queries_arrived"));
  }
}

TEST_F(RecordsTest, a_second_run_into_one_file_is_refused) {
  Process first(folder.path(), {TIDELINE_PROGRAM, "run", "s.json", "--set", "/measure/duration_s=4e6", "--out", "x.h5"});
  wait_for(folder / "x.h5.part");
  const Outcome second = tideline(folder, {"run", "s.json", "--out", "x.h5"});
  EXPECT_EQ(second.code, 3);
  EXPECT_THAT(second.err, HasSubstr("cannot write 'x.h5.part': another run is writing it"));
  const Outcome read = tideline(folder, {"inspect", "x.h5.part", "--recover"});
  EXPECT_EQ(read.code, 3);
  EXPECT_THAT(read.err, HasSubstr("a run is writing it"));
  first.signal(SIGINT);
  EXPECT_EQ(first.wait().code, 130);
  EXPECT_THAT(folder.files(), ElementsAre("s.json", "x.incomplete.h5"));
}

// --- inspect ---

TEST_F(RecordsTest, inspect_shows_the_run_its_summary_and_its_tables) {
  run({"--records", "all", "--set", "/load=2", "--out", "x.h5"});
  const Outcome done = tideline(folder, {"inspect", "x.h5"});
  ASSERT_EQ(done.code, 0) << done.err;
  for (const char* text :
       {"x.h5: s, seed 1", "state      complete", "written by tideline ", "overrides  --set /load=2", "Summary of 1 s to 31 s",
        "slo_attainment", "Audit passed, 8 checks", "\nTables\n", "\n  queries ", "\n  summary/classes "})
    EXPECT_THAT(done.out, HasSubstr(text));
  const Outcome json = tideline(folder, {"inspect", "x.h5", "--json"});
  ASSERT_EQ(json.code, 0) << json.err;
  const Json all = Json::parse(json.out);
  EXPECT_EQ(all.at("seed"), 1);
  EXPECT_EQ(all.at("audit").at("passed"), true);
  const auto queries = std::find_if(all.at("tables").begin(), all.at("tables").end(), [](const Json& t) { return t["name"] == "queries"; });
  ASSERT_NE(queries, all.at("tables").end());
  EXPECT_EQ((*queries)["rows"], all.at("summary").at("queries_arrived"));
  EXPECT_EQ((*queries)["columns"][0]["name"], "serial");
  const Json& accuracy = (*queries)["columns"][14];
  EXPECT_EQ(accuracy["name"], "accuracy");
  EXPECT_EQ(accuracy["coding"], "above variant");
}

TEST_F(RecordsTest, inspect_shows_rows_with_names_and_seconds) {
  run({"--records", "all", "--out", "x.h5"});
  const auto rows = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"inspect", "x.h5", "--json", "--table"});
    const Outcome done = tideline(folder, more);
    EXPECT_EQ(done.code, 0) << done.err;
    return Json::parse(done.out);
  };
  const Json first = rows({"queries", "--rows", "3"});
  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(first[0]["ending"], "answered");
  EXPECT_GE(first[0]["arrival_s"], 1.0);
  EXPECT_LT(first[0]["arrival_s"], 2.0);
  EXPECT_EQ(first[0]["serial"].type(), Json::value_t::number_unsigned);
  EXPECT_THAT((std::vector<std::string>{"fast", "good", "finders"}), testing::Contains(first[0]["class"].get<std::string>()));
  const Json last = rows({"batches", "--rows", "2", "--last"});
  ASSERT_EQ(last.size(), 2U);
  EXPECT_THAT(last[1]["device"].get<std::string>(), testing::MatchesRegex("(gpus|cpus)/[01]"));
  const Json decisions = rows({"decisions", "--rows", "100000"});
  bool found = false;
  for (const Json& d : decisions)
    if (d["answer"] == "selected" && d["chosen"] == "little") found = d["query"].is_number();
  EXPECT_TRUE(found);
  for (const Json& d : decisions) EXPECT_TRUE(d["chosen"].is_string() || d["chosen"].is_null()) << d;
  EXPECT_EQ(last[1]["lost"], false);
  const Json instances = rows({"instances"});
  EXPECT_TRUE(instances[0]["warm_s"].is_number());
  // All digits: the nanoseconds of the file.
  const ResultsReader reader(folder / "x.h5");
  EXPECT_EQ(std::llround(first[0]["arrival_s"].get<double>() * 1e9), reader.integers("/queries/arrival", 0, 1).at(0));
  EXPECT_EQ(rows({"summary/classes"})[0]["latency_mean_s"], reader.doubles("/summary/classes/latency_mean_s").at(0));
  const Outcome text = tideline(folder, {"inspect", "x.h5", "--table", "summary/classes"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("finders"));
}

TEST_F(RecordsTest, inspect_shows_no_outcome_without_an_answer) {
  run({"--records", "queries", "--load", "30", "--out", "x.h5"});
  const Json rows = Json::parse(tideline(folder, {"inspect", "x.h5", "--json", "--table", "queries", "--rows", "1000000"}).out);
  std::size_t without = 0;
  for (const Json& q : rows) {
    const bool answered = q["ending"] == "answered";
    EXPECT_EQ(q["outcome"].is_null(), !answered) << q;
    EXPECT_EQ(q["variant"].is_null(), !answered) << q;
    without += answered ? 0U : 1U;
  }
  EXPECT_GT(without, 0U);
}

TEST_F(RecordsTest, inspect_says_that_a_file_is_cut_short) {
  run({"--records", "queries", "--out", "x.h5"});
  const auto whole = fs::file_size(folder / "x.h5");
  for (const std::uintmax_t size : {whole - 1, whole / 2, std::uintmax_t{100}}) {
    fs::resize_file(folder / "x.h5", size);
    for (const std::vector<std::string>& more : {std::vector<std::string>{}, std::vector<std::string>{"--recover"}}) {
      std::vector<std::string> words{"inspect", "x.h5"};
      words.insert(words.end(), more.begin(), more.end());
      const Outcome done = tideline(folder, words);
      EXPECT_EQ(done.code, 3);
      EXPECT_THAT(done.err, HasSubstr("cannot read 'x.h5': the file is cut short, at " + std::to_string(size) + " of " +
                                      std::to_string(whole) + " bytes"));
      EXPECT_THAT(done.err, Not(HasSubstr("try tideline")));
    }
  }
}

TEST_F(RecordsTest, inspect_names_the_tables_and_refuses_no_number) {
  run({"--records", "queries", "--out", "x.h5"});
  Outcome done = tideline(folder, {"inspect", "x.h5", "--table", "querys"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("there is no table querys in it; did you mean \"queries\"? Its tables:"));
  EXPECT_THAT(done.err, HasSubstr(" summary/classes"));
  done = tideline(folder, {"inspect", "x.h5", "--table", "queries", "--rows", "-1"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("--rows -1: expected a whole number, 0 or more"));
}

TEST_F(RecordsTest, rows_that_name_what_is_not_there_are_said) {
  const auto write = [&](const std::string& name, std::uint32_t batch_device, std::uint32_t instance_device) {
    ResultsFile file(folder / name);
    file.group("/run");
    file.attribute("/run", "schema_version", 2);
    const auto names = [&](const std::string& path, const std::vector<std::string>& list) {
      file.dataset(path, std::span<const std::string>(list), "", "");
    };
    const auto numbers = [&](const std::string& path, const std::vector<std::uint32_t>& list, const std::string& table) {
      file.dataset(path, std::span<const std::uint32_t>(list), "1", "");
      if (!table.empty()) file.attribute(path, "names", table);
    };
    names("/run/names/variants/name", {"v"});
    names("/run/names/pools/name", {"p"});
    names("/run/names/start_causes/name", {"a"});
    names("/run/names/stop_causes/name", {"a"});
    for (const char* c : {"pool", "node", "number"}) numbers(std::string("/run/names/devices/") + c, {0}, "");
    numbers("/batches/device", {0, batch_device}, "devices");
    numbers("/batches/variant", {0, 0}, "variants");
    for (const char* c : {"began", "took", "visits", "items", "wasted_items", "instance", "lost"})
      numbers(std::string("/batches/") + c, {1, 1}, "");
    numbers("/instances/device", {instance_device}, "devices");
    numbers("/instances/variant", {0}, "variants");
    numbers("/instances/start_cause", {0}, "start_causes");
    numbers("/instances/stop_cause", {0}, "stop_causes");
    for (const char* c : {"serial", "started", "warm", "draining", "stopped", "batches"}) numbers(std::string("/instances/") + c, {1}, "");
    file.commit();
  };
  write("fine.h5", 0, 0);
  write("batch.h5", 7, 0);
  write("instance.h5", 0, 4000000000U);
  EXPECT_EQ(tideline(folder, {"timeline", "fine.h5", "--out", "t.json"}).code, 0);
  for (const auto& [file, table, message] :
       {std::tuple{"batch.h5", "batches", "/batches/device, row 1: it names row 7 of /run/names/devices, which has 1: the file is damaged"},
        std::tuple{"instance.h5", "instances", "/instances/device, row 0: it names row 4000000000 of /run/names/devices"}}) {
    for (const auto& words :
         {std::vector<std::string>{"timeline", file, "--out", "u.json"}, std::vector<std::string>{"inspect", file, "--table", table}}) {
      const Outcome done = tideline(folder, words);
      EXPECT_EQ(done.code, 3) << done.err;
      EXPECT_THAT(done.err, HasSubstr(message));
    }
  }
  EXPECT_THAT(folder.files(), ElementsAre("batch.h5", "fine.h5", "instance.h5", "s.json", "t.json"));
}

TEST_F(RecordsTest, inspect_says_what_is_wrong_with_a_file) {
  folder.write("text.h5", "not HDF5");
  folder.write("x.h5.part", "");
  Outcome done = tideline(folder, {"inspect", "text.h5"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("'text.h5' is not an HDF5 file"));
  done = tideline(folder, {"inspect", "none.h5"});
  EXPECT_EQ(done.code, 3);
  EXPECT_THAT(done.err, HasSubstr("cannot read 'none.h5': there is no such file"));
  done = tideline(folder, {"inspect", "x.h5.part"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("killed before it had written anything"));
  {
    ResultsFile file(folder / "other.h5");
    file.group("/else");
    file.commit();
    ResultsFile newer(folder / "newer.h5");
    newer.group("/run");
    newer.attribute("/run", "schema_version", 99);
    newer.commit();
  }
  done = tideline(folder, {"inspect", "other.h5"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("'other.h5' is an HDF5 file, but not one of tideline"));
  done = tideline(folder, {"inspect", "newer.h5"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("'newer.h5' was written by a newer tideline (schema 99"));
  run({"--out", "plain.h5"});
  done = tideline(folder, {"inspect", "plain.h5", "--table", "queries"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("it has no records of queries: run with --records queries"));
  EXPECT_EQ(tideline(folder, {"inspect", "plain.h5", "--table", "nothing"}).code, 2);
  EXPECT_EQ(tideline(folder, {"inspect"}).code, 2);
}

// --- timeline ---

TEST_F(RecordsTest, a_timeline_nests_and_pairs) {
  run({"--records", "all", "--set", "/load=3", "--out", "x.h5"});
  const Outcome drawn = tideline(folder, {"timeline", "x.h5", "--out", "t.json"});
  ASSERT_EQ(drawn.code, 0) << drawn.err;
  const Outcome checked = run_command(folder, {TIDELINE_PYTHON, scripts + "check_timeline.py", "t.json"});
  EXPECT_EQ(checked.code, 0) << checked.out << checked.err;
  const ResultsReader reader(folder / "x.h5");
  std::map<std::string, std::uint64_t> kinds;
  std::uint64_t outer = 0;
  double last = 0;
  const Json timeline = Json::parse(read_file(folder / "t.json"));
  for (const Json& e : timeline.at("traceEvents")) {
    ++kinds[e["ph"]];
    outer += e["ph"] == "b" && e["name"].get<std::string>().starts_with("query ") ? 1U : 0U;
    if (e.contains("ts")) last = std::max(last, e["ts"].get<double>() + e.value("dur", 0.0));
  }
  EXPECT_EQ(outer, RecordTable(reader, "queries").rows());
  EXPECT_GT(kinds["X"], RecordTable(reader, "batches").rows() + RecordTable(reader, "instances").rows());
  EXPECT_EQ(kinds["b"], kinds["e"]);
  EXPECT_LE(last, 41e6);  // warm-up, window and drain
  EXPECT_THAT(drawn.out, HasSubstr(std::to_string(outer) + " queries"));
}

TEST_F(RecordsTest, a_timeline_can_be_cut_out) {
  run({"--records", "instances,queries", "--out", "x.h5"});
  ASSERT_EQ(tideline(folder, {"timeline", "x.h5", "--out", "t.json", "--from", "10", "--to", "11.5"}).code, 0);
  const Json timeline = Json::parse(read_file(folder / "t.json"));
  int batches = 0;
  for (const Json& e : timeline.at("traceEvents")) {
    if (e["ph"] != "X" || e["pid"] != 1) continue;
    ++batches;
    EXPECT_GE(e["ts"].get<double>() + e["dur"].get<double>(), 10e6);
    EXPECT_LE(e["ts"].get<double>(), 11.5e6);
  }
  EXPECT_GT(batches, 10);
  EXPECT_EQ(tideline(folder, {"timeline", "x.h5", "--out", "t.json", "--from", "12", "--to", "11"}).code, 2);
  EXPECT_EQ(tideline(folder, {"timeline", "x.h5", "--out", "t.json", "--from", "noon"}).code, 2);
  const std::string drawn = read_file(folder / "t.json");
  ASSERT_EQ(tideline(folder, {"timeline", "x.h5", "--out", "u.json", "--from", "10000ms", "--to", "11.5s"}).code, 0);
  EXPECT_EQ(read_file(folder / "u.json"), drawn);
  const Outcome beyond = tideline(folder, {"timeline", "x.h5", "--out", "t.json", "--from", "1h"});
  EXPECT_EQ(beyond.code, 2);
  EXPECT_THAT(beyond.err, testing::ContainsRegex("--from 1h is after the end of the run, which is [34][0-9.]+ s long"));
}

TEST_F(RecordsTest, a_timeline_says_which_records_it_needs) {
  run({"--out", "x.h5"});
  const Outcome done = tideline(folder, {"timeline", "x.h5", "--out", "t.json"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("run with --records instances, queries, or both as queries,instances"));
  EXPECT_FALSE(fs::exists(folder / "t.json"));
}

TEST_F(RecordsTest, a_timeline_of_a_run_that_has_just_begun_is_not_made) {
  {
    ResultsFile file(folder / "x.h5");
    file.group("/run");
    file.attribute("/run", "schema_version", 2);
    ColumnGroup(file, "/queries", {{"serial", ColumnType::uint64, "1", ""}});
    file.flush();
    fs::copy(folder / "x.h5.part", folder / "killed.h5.part");
  }
  const Outcome done = tideline(folder, {"timeline", "killed.h5.part", "--out", "t.json"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("'killed.h5.part' has nothing to draw yet"));
  EXPECT_THAT(folder.files(), ElementsAre("killed.h5.part", "s.json"));
}

TEST_F(RecordsTest, faults_of_a_timeline_are_found) {
  const auto faults = [&](const std::string& events) {
    folder.write("t.json", "{\"traceEvents\": [" + events + "]}");
    return run_command(folder, {TIDELINE_PYTHON, scripts + "check_timeline.py", "t.json"}).out;
  };
  const std::string name = R"({"ph": "M", "pid": 1, "tid": 1, "name": "thread_name", "args": {"name": "a"}})";
  const std::string slice = R"({"ph": "X", "pid": 1, "tid": 1, "name": "a", "ts": 1.000, "dur": 2.000})";
  const auto edge = [](const std::string& phase, const std::string& what, const std::string& at) {
    return R"({"ph": ")" + phase + R"(", "pid": 3, "tid": 0, "cat": "query", "id": "1", "name": ")" + what + R"(", "ts": )" + at + "}";
  };
  EXPECT_THAT(faults(name + "," + slice), HasSubstr("all nested and paired"));
  EXPECT_THAT(faults(name + "," + slice + R"(,{"ph": "X", "pid": 1, "tid": 1, "name": "b", "ts": 2.0, "dur": 2})"),
              HasSubstr("overlaps a"));
  EXPECT_THAT(faults(slice), HasSubstr("has no name"));
  EXPECT_THAT(faults(edge("b", "q", "1")), HasSubstr("never ends"));
  EXPECT_THAT(faults(edge("e", "q", "1")), HasSubstr("without having begun"));
  EXPECT_THAT(faults(edge("b", "q", "1") + "," + edge("b", "r", "2") + "," + edge("e", "q", "3") + "," + edge("e", "r", "3")),
              HasSubstr("without having begun last"));
  EXPECT_THAT(faults(edge("b", "q", "1") + "," + edge("b", "r", "2") + "," + edge("e", "r", "4") + "," + edge("e", "q", "3")),
              HasSubstr("before what is inside it"));
}

// --- the reader in Python, and plots ---

TEST_F(RecordsTest, the_python_reader_gives_tables_with_names_and_seconds) {
  if (!python_has("h5py, pandas")) GTEST_SKIP() << "there is no h5py or pandas for " << TIDELINE_PYTHON;
  run({"--records", "all", "--out", "x.h5"});
  run({"--out", "plain.h5"});
  EXPECT_EQ(python(R"py(
run = tr.load("x.h5")
s, q, i, b, d = run.summary, run.queries, run.instances, run.batches, run.decisions
answered = q[q["ending"] == "answered"]
assert len(q) == s["queries_arrived"] and len(answered) == s["queries_served"]
assert abs(answered["latency_s"].mean() - s["latency_mean_s"]) < 1e-9
assert answered["late"].sum() == s["queries_late"]
by_class = run.classes.set_index("name")
for name, rows in q.groupby("class", observed=True):
    assert len(rows) == by_class.loc[name, "queries_arrived"]
    assert abs(rows.loc[rows["ending"] == "answered", "accuracy"].mean() - by_class.loc[name, "effective_accuracy"]) < 1e-9
assert set(q["variant"].dropna()) <= {"big", "little", "finder"}
joined = answered.merge(i, left_on="instance", right_on="serial", suffixes=("", "_of_instance"))
assert len(joined) == len(answered) and (joined["variant"].astype(str) == joined["variant_of_instance"].astype(str)).all()
assert (joined["finish_s"] >= joined["warm_s"]).all()
assert b.groupby("instance").size().sum() == i["batches"].sum() == len(b)
assert set(i["start_cause"]) == {"initial", "held"} and i["serial"].tolist() == list(range(len(i)))
assert set(d["kind"]) >= {"admission", "selection", "dispatch", "batching", "coldstart", "placement"}
chosen = d[(d["answer"] == "selected") & (d["query"] >= 0)].set_index("query")["chosen"]
mine = answered.set_index("serial")
assert (chosen.loc[mine.index].to_numpy(str) == mine["variant"].to_numpy(str)).all()
assert d.loc[d["kind"] == "dispatch", "policy"].astype(str).unique().tolist() == ["least_expected_latency"]
assert sum(len(block) for block in run.blocks("decisions")) == len(d)
assert run.config["workload"][0]["name"] == "cameras" and run.audit["passed"].all() and run.window == (1.0, 31.0)
assert run.series["time_s"].iloc[0] == 1.0 and run.series["arrived"].sum() >= len(q)
try:
    tr.load("plain.h5").queries
except tr.ResultsError as e:
    print(e)
for name in ("none.h5", "s.json"):
    try:
        tr.load(name)
    except tr.ResultsError as e:
        print(e)
)py"),
            "plain.h5: has no records of queries: run with --records queries\n"
            "none.h5: there is no such file\n"
            "s.json: not an HDF5 file\n");
}

TEST_F(RecordsTest, the_python_reader_can_be_installed_with_pip) {
  if (!python_has("setuptools, pip, h5py, pandas")) GTEST_SKIP() << "there is no setuptools, pip, h5py or pandas for " << TIDELINE_PYTHON;
  // A copy: setuptools builds in the folder that it installs from.
  fs::create_directory(folder / "scripts");
  for (const char* name : {"pyproject.toml", "tideline_results.py"}) fs::copy(scripts + name, folder / "scripts");
  const Outcome done = run_command(folder, {TIDELINE_PYTHON, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps",
                                            "--no-index", "--target", "there", "./scripts"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Outcome used =
      run_command(folder, {"env", "PYTHONPATH=there", TIDELINE_PYTHON, "-c", "import tideline_results; print(tideline_results.__file__)"});
  EXPECT_THAT(used.out, HasSubstr("there/tideline_results.py"));
}

TEST_F(RecordsTest, plots_are_drawn_of_one_run_and_of_several) {
  if (!python_has("h5py, pandas, matplotlib")) GTEST_SKIP() << "there is no h5py, pandas or matplotlib for " << TIDELINE_PYTHON;
  run({"--out", "a.h5"});
  run({"--seed", "2", "--out", "b.h5"});
  const auto plot = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {TIDELINE_PYTHON, scripts + "plot_run.py"});
    return run_command(folder, words);
  };
  Outcome done = plot({"a.h5", "--out", "one.png"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(read_file(folder / "one.png").substr(1, 3), "PNG");
  done = plot({"a.h5", "b.h5", "--out", "two.pdf"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(read_file(folder / "two.pdf").substr(0, 5), "%PDF-");
  done = plot({"a.h5", "--points", "7", "--out", "few.png"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(plot({"a.h5", "--points", "1", "--out", "x.png"}).code, 2);
  EXPECT_EQ(plot({"a.h5", "--out", "x.txt"}).code, 2);
  done = plot({"s.json", "--out", "x.png"});
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(done.err, "plot_run.py: s.json: not an HDF5 file\n");
}

// --- progress ---

TEST_F(RecordsTest, a_terminal_sees_how_far_the_run_is) {
  if (run_command(folder, {"sh", "-c", "command -v script"}).code != 0) GTEST_SKIP() << "there is no program script";
  const std::string command = "timeout --signal INT 3 " TIDELINE_PROGRAM " run s.json --no-results --set /measure/duration_s=4e6";
  (void)run_command(folder, {"script", "--quiet", "--command", command, "typescript"});
  EXPECT_THAT(read_file(folder / "typescript"),
              testing::ContainsRegex("s: [0-9.]+ h simulated \\([0-9]+ %\\), [0-9.]+ M queries, [0-9.]+ M/s, [0-9]+ s left"));
}

}  // namespace
}  // namespace tideline

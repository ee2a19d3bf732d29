// tideline trace, and runs of source trace.
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cctype>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tideline {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::StartsWith;
using Json = nlohmann::json;

const std::string samples = std::string(TIDELINE_SOURCE_DIR) + "/traces/samples/formats/";

std::string with_trace(const std::string& params) {
  std::string text = small_scenario;
  const std::string from = "\"source\": \"poisson\", \"params\": { \"rate_qps\": 5 }";
  return text.replace(text.find(from), from.size(), "\"source\": \"trace\", \"params\": " + params);
}

TEST(Trace, stats_say_what_a_trace_is_like) {
  const Folder folder;
  const Outcome text = tideline(folder, {"trace", "stats", samples + "alibaba_lora_2026.csv"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, StartsWith("format: alibaba_lora_2026, 4 rows, 1 dropped, 1 out of order by up to 2000 ms\n"
                                   "dropped: 1 for predict_status FAILED, first in row 4\n"));
  const Outcome json = tideline(folder, {"trace", "stats", samples + "servegen", "--json"});
  EXPECT_EQ(json.code, 0) << json.err;
  const Json j = Json::parse(json.out);
  EXPECT_EQ(j["queries"], 1500);
  EXPECT_EQ(j["span_s"], 1800);
  EXPECT_EQ(j["keys"][0]["name"], "chunk-1");
  EXPECT_TRUE(j["gap_cv"].is_null());
}

TEST(Trace, stats_give_the_counts_of_bins) {
  const Folder folder;
  folder.write("t.csv", "timestamp\n0\n1\n2\n25\n");
  const Json j = Json::parse(tideline(folder, {"trace", "stats", "t.csv", "--unit", "s", "--json", "--bins", "10"}).out);
  EXPECT_EQ(j["bins"]["queries"], (Json{3, 0})) << "the third bin is not whole";
  folder.write("c.csv", "second,count\n0,4\n1,0\n2,2\n3,0\n4,7\n");
  EXPECT_EQ(Json::parse(tideline(folder, {"trace", "stats", "c.csv", "--json", "--bins", "2"}).out)["bins"]["queries"], (Json{4, 2}));
  EXPECT_EQ(tideline(folder, {"trace", "stats", "t.csv", "--unit", "s", "--bins", "10"}).code, 2);
  EXPECT_EQ(tideline(folder, {"trace", "stats", "t.csv", "--unit", "s", "--json", "--bins", "0"}).code, 2);
}

TEST(Trace, stats_print_what_tells_apart) {
  const Folder folder;
  folder.write("t.csv", "timestamp,task\n0," + std::string(64, 'a') + "/f\n100000," + std::string(64, 'a') + "/g\n");
  const std::string said = tideline(folder, {"trace", "stats", "t.csv", "--unit", "s"}).out;
  EXPECT_THAT(said, testing::AllOf(HasSubstr(" 2.00e-05 /s\n"), HasSubstr("aaa...aaa"), HasSubstr("a/f "), HasSubstr("a/g ")));
}

TEST(Trace, formats_are_listed) {
  EXPECT_THAT(tideline(Folder(), {"trace", "formats"}).out, testing::AllOf(HasSubstr("azure_functions_2019"), HasSubstr("\nproteus ")));
}

TEST(Trace, what_convert_writes_is_read_again) {
  const Folder folder;
  const Outcome done = tideline(folder, {"trace", "convert", samples + "servegen", "--param", "rate_scale=0.5", "--out", "a.csv"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("written: a.csv\n"));
  const Json j = Json::parse(tideline(folder, {"trace", "stats", "a.csv", "--json"}).out);
  EXPECT_NEAR(j["queries"].get<double>(), 750, 120);  // six standard deviations
  EXPECT_EQ(j["unsorted"], 0);
  EXPECT_EQ(j["keys"].size(), 2U);
  const Outcome again = tideline(folder, {"trace", "convert", samples + "servegen", "--param", "rate_scale=0.5", "--out", "b.csv"});
  EXPECT_EQ(again.code, 0);
  std::ifstream a(folder / "a.csv"), b(folder / "b.csv");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(a), {}), std::string(std::istreambuf_iterator<char>(b), {}));
  EXPECT_EQ(tideline(folder, {"trace", "convert", samples + "proteus", "--out", "p.csv"}).code, 0);
  std::ifstream p(folder / "p.csv");
  std::string line;
  std::getline(p, line);
  EXPECT_EQ(line, "timestamp,task,tenant,slo,accuracy");
  std::getline(p, line);
  EXPECT_THAT(line, StartsWith("0,mobilenet,"));
  EXPECT_EQ(tideline(folder, {"trace", "convert", samples + "proteus", "--out", "p.h5"}).code, 0);
  EXPECT_GT(fs::file_size(folder / "p.h5"), 0U);
}

TEST(Trace, what_convert_writes_has_the_bytes_of_queries) {
  const Folder folder;
  folder.write("t.csv", "timestamp,task,payload\n0,a,100\n1,b,\n2,a,4000000000\n");
  for (const char* out : {"o.csv", "o.h5"}) {
    const Outcome done = tideline(folder, {"trace", "convert", "t.csv", "--unit", "s", "--param", "bytes_column=payload", "--out", out});
    EXPECT_EQ(done.code, 0) << done.err;
  }
  EXPECT_EQ(read_file(folder / "o.csv"), "timestamp,task,tenant,bytes\n0,a,0,100\n1,b,1,\n2,a,0,4000000000\n");
  const Outcome again = tideline(folder, {"trace", "convert", "o.csv", "--param", "bytes_column=bytes", "--out", "p.csv"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(read_file(folder / "p.csv"), read_file(folder / "o.csv"));
}

TEST(Trace, convert_says_what_holes_its_file_cannot_hold) {
  const Folder folder;
  folder.write("t.csv", "second,count\n0,5\n1,4\n500,5\n501,3\n900,3\n");
  EXPECT_THAT(tideline(folder, {"trace", "convert", "t.csv", "--param", "gaps=missing", "--out", "o.csv"}).out,
              HasSubstr("note: 2 holes of the trace, 896.0 s in all, were not recorded; what is written has no queries there"));
  EXPECT_THAT(tideline(folder, {"trace", "convert", "t.csv", "--out", "o.csv"}).out, testing::Not(HasSubstr("not recorded")));
}

TEST(Trace, an_interrupted_convert_leaves_nothing) {
  const Folder folder;
  std::string text = "second,count\n";
  for (int s = 0; s < 1000; ++s) text += std::to_string(s) + ",1000000\n";
  folder.write("t.csv", text);
  Process run(folder.path(), {TIDELINE_PROGRAM, "trace", "convert", "t.csv", "--out", "o.csv"});
  for (int k = 0; k < 1000 && folder.files().size() < 2; ++k) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  run.signal(SIGTERM);
  const Outcome done = run.wait();
  EXPECT_EQ(done.code, 130);
  EXPECT_EQ(done.err, "tideline: interrupted: nothing was written\n");
  EXPECT_THAT(folder.files(), testing::ElementsAre("t.csv"));
}

TEST(Trace, that_gets_too_long_is_refused_however_far) {
  const Folder folder;
  folder.write("t.csv", "timestamp\n0\n1\n2\n3600\n");
  folder.write("s.json", with_trace("{ \"file\": \"t.csv\", \"unit\": \"s\", \"time_scale\": 1e9 }"));
  for (const char* scale : {"time_scale=1e7", "time_scale=1e8", "time_scale=1e9"}) {
    const Outcome done = tideline(folder, {"trace", "convert", "t.csv", "--unit", "s", "--param", scale, "--out", "o.csv"});
    EXPECT_EQ(done.code, 2) << scale;
    EXPECT_THAT(done.err, HasSubstr("t.csv: with time_scale it is longer than 292 years")) << scale;
  }
  const Outcome run = tideline(folder, {"run", "s.json", "--no-results"});
  EXPECT_EQ(run.code, 0) << run.err;
  folder.write("short.csv", "timestamp\n0\n1\n2\n");
  EXPECT_EQ(tideline(folder, {"trace", "convert", "short.csv", "--unit", "s", "--param", "time_scale=1e9", "--out", "o.csv"}).code, 0);
}

TEST(Trace, a_format_that_assumes_a_unit_says_which) {
  const Folder folder;
  folder.write("t.csv", "0.5,1,20\n3,1,30\n");
  const char* const note = "note: times are taken as milliseconds, as format proteus has them and unit does not say otherwise";
  EXPECT_THAT(tideline(folder, {"trace", "stats", "t.csv"}).out, HasSubstr(note));
  EXPECT_THAT(tideline(folder, {"trace", "stats", "t.csv", "--unit", "s"}).out, testing::Not(HasSubstr("taken as milliseconds")));
}

TEST(PlotTrace, refuses_in_one_line_what_it_cannot_write) {
  const Folder folder;
  folder.write("t.csv", "second,count\n0,4\n");
  const std::string script = std::string(TIDELINE_SOURCE_DIR) + "/scripts/plot_trace.py";
  const Outcome form = run_command(folder, {"python3", script, "t.csv", "--out", "p.xyz"});
  EXPECT_EQ(form.code, 2);
  EXPECT_EQ(form.err, "plot_trace.py: --out p.xyz: expected a name that ends in .png, .pdf, .svg\n");
  const Outcome place = run_command(folder, {"python3", script, "t.csv", "--out", "none/p.png"});
  EXPECT_EQ(place.code, 3);
  EXPECT_EQ(place.err, "plot_trace.py: cannot write none/p.png: none is no folder that can be written\n");
}

TEST(Trace, windows_whose_laws_are_not_used_are_told) {
  const Folder folder;
  const auto convert = [&](const std::string& placement) {
    return tideline(folder, {"trace", "convert", samples + "servegen", "--param", "placement=" + placement, "--out", "a.csv"}).out;
  };
  const char* note = "note: the laws and CVs of gaps that its windows name are not used: placement=law uses them\n";
  EXPECT_THAT(convert("uniform"), HasSubstr(note));
  EXPECT_THAT(convert("law"), testing::Not(HasSubstr(note)));
}

TEST(Trace, what_is_wrong_is_said_with_the_exit_code_of_its_kind) {
  const Folder folder;
  folder.write("t.csv", "timestamp,x\n5,1\n");
  folder.write("cut.csv.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03\x2b", 11));
  const auto refused = [&](std::vector<std::string> words, int code, const char* says) {
    words.insert(words.begin(), "trace");
    const Outcome done = tideline(folder, words);
    EXPECT_EQ(done.code, code) << done.err;
    EXPECT_EQ(done.out, "");
    EXPECT_THAT(done.err, HasSubstr(says));
  };
  refused({}, 2, "needs an action");
  refused({"stat", "t.csv"}, 2, "unknown action 'stat'; did you mean \"stats\"?");
  refused({"stats"}, 2, "no trace given");
  refused({"stats", "missing.csv"}, 3, "cannot read trace missing.csv: No such file or directory");
  refused({"stats", "t.csv"}, 2, "t.csv: row 2, column 'timestamp': '5' can be of any unit: declare the unit");
  refused({"stats", "t.csv", "--param", "gap=3"}, 2, "--param gap: unknown key \"gap\"");
  refused({"stats", "t.csv", "--format", "burst"}, 2, "format: unknown 'burst'");
  refused({"stats", "cut.csv.gz"}, 2, "cut.csv.gz: row 1: the compressed data end early: the file is truncated");
  refused({"convert", "t.csv", "--unit", "s"}, 2, "convert needs --out");
  refused({"convert", "t.csv", "--unit", "s", "--out", "t.csv"}, 2, "it is an input");
  folder.write("failed.csv", "Timestamp,Model,Request tokens,Response tokens\n1,a,1,0\n2,a,1,0\n");
  refused({"convert", "failed.csv", "--out", "o.csv"}, 2, "failed.csv: all 2 rows are dropped, the first for Response tokens 0");
  refused({"convert", "t.csv", "--unit", "s", "--param", "from_s=100", "--out", "o.csv"}, 2, "t.csv: no query is left of it");
  EXPECT_FALSE(fs::exists(folder / "o.csv"));
  folder.write("azure.csv", "HashOwner,HashApp,HashFunction,Trigger,1\n");
  const Outcome azure = tideline(folder, {"trace", "stats", "azure.csv"});
  EXPECT_EQ(azure.err.find("azure.csv"), azure.err.rfind("azure.csv")) << azure.err;
  refused({"convert", "t.csv", "--unit", "s", "--out", "o.csv", "--tasks", "a,b", "--param", "map=weights"}, 2,
          "weights: expected one for each task, 2");
  refused({"stats", "t.csv", "--unit", "s", "--param", "rate_scale=2"}, 2,
          "--param rate_scale: stats looks at the trace as it is; convert and runs of source trace take rate_scale");
  refused({"fit", "t.csv", "--unit", "s", "--param", "map=zipf", "--out", "o.json"}, 2, "--param map: fit looks at the trace as it is");
  refused({"stats", "t.csv", "--unit", "s", "--out", "o.csv"}, 2, "--out: stats does not take it; convert and fit do");
  refused({"stats", "t.csv", "--unit", "s", "--tasks", "a"}, 2, "--tasks: stats does not take it; convert does");
  refused({"convert", "t.csv", "--unit", "s", "--json", "--out", "o.csv"}, 2, "--json: convert does not take it; stats and workload do");
  refused({"formats", "--bins", "3"}, 2, "--bins: formats does not take it; stats does");
  folder.write("near.csv", "TIMESTMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,2\n");
  refused({"stats", "near.csv"}, 2, "with a column 'TIMESTAMP' in place of 'TIMESTMP' it would be azure_llm: did you mean that?");
  folder.write("nearer.csv", "timstamp,task\n0,a\n");
  refused({"stats", "nearer.csv"}, 2, "with a column 'timestamp' in place of 'timstamp' it would be csv: did you mean that?");
  folder.write("folder/LICENSE.txt", "MIT License\n");
  folder.write("folder/t.csv", "timestamp\n0\n");
  refused({"stats", "folder"}, 2, "folder: LICENSE.txt: its first row 'MIT License' tells no format");
}

TEST(Trace, what_fit_writes_is_a_layer_of_a_scenario) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  const Outcome done = tideline(folder, {"trace", "fit", samples + "servegen", "--entry", "finders", "--out", "source.json"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, testing::AllOf(HasSubstr("fitted source"), HasSubstr("dispersion at 60 s"), HasSubstr("\nchunk-1  70.00 %  "),
                                       HasSubstr("\nchunk-0  30.00 %  "),
                                       HasSubstr("written: source.json (tideline run SCENARIO --with source.json")));
  const Outcome effective = tideline(folder, {"validate", "s.json", "--effective", "--with", "source.json"});
  EXPECT_EQ(effective.code, 0) << effective.err;
  EXPECT_THAT(effective.out, testing::AllOf(HasSubstr("\"modulated\""), HasSubstr("\"chunk-1\"")));
  EXPECT_THAT(tideline(folder, {"run", "s.json", "--no-results", "--with", "source.json"}).out, HasSubstr("audit: passed"));
  EXPECT_EQ(tideline(folder, {"trace", "fit", samples + "servegen"}).code, 2);
  folder.write("few.csv", "timestamp\n0\n1\n");
  EXPECT_THAT(tideline(folder, {"trace", "fit", "few.csv", "--unit", "s", "--out", "x.json"}).err, HasSubstr("fewer than 100 queries"));
}

TEST(Trace, workload_tells_what_a_scenario_asks_by_task) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  const Json j = Json::parse(tideline(folder, {"trace", "workload", "s.json", "--json"}).out);
  ASSERT_EQ(j.size(), 2U);
  EXPECT_EQ(j[0]["workload"]["tasks"][0]["task"], "see");
  EXPECT_NEAR(j[0]["workload"]["tasks"][0]["gap_cv"].get<double>(), 1, 0.1);
  const Outcome text = tideline(folder, {"trace", "workload", "s.json"});
  EXPECT_THAT(text.out, testing::AllOf(StartsWith("cameras: 1 task\n"), HasSubstr("finders: 1 task\n")));
}

TEST(Trace, workload_takes_the_options_that_change_scenarios) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  folder.write("t.csv", "timestamp\n0\n1\n2\n");
  const Outcome set = tideline(folder, {"trace", "workload", "s.json", "--json", "--set", "/workload/cameras/params/rate_qps=40"});
  EXPECT_EQ(set.code, 0) << set.err;
  EXPECT_NEAR(Json::parse(set.out)[0]["workload"]["tasks"][0]["rate_qps"].get<double>(), 40, 8);
  const Outcome trace =
      tideline(folder, {"trace", "workload", "s.json", "--trace", "finders=t.csv", "--set", "/workload/finders/params/unit=s"});
  EXPECT_EQ(trace.code, 0) << trace.err;
  EXPECT_EQ(tideline(folder, {"trace", "stats", "t.csv", "--unit", "s", "--set", "/measure/duration_s=1"}).code, 2);
}

TEST(SourceTrace, a_run_says_how_a_mapped_trace_asks_for_tasks) {
  const Folder folder;
  std::string text = with_trace("{ \"file\": \"t.csv\", \"unit\": \"s\", \"map\": \"stripe\" }");
  const std::string task = "{ \"name\": \"finders\", \"task\": \"find\"";
  text.replace(text.find(task), task.size(), "{ \"name\": \"finders\"");
  folder.write("s.json", text);
  folder.write("t.csv", "timestamp,task\n0,a\n0.5,b\n1,a\n1.5,a\n");
  const Outcome done = tideline(folder, {"run", "s.json", "--no-results"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, testing::AllOf(HasSubstr("queries by task, as far as they were read: 2 tasks\n"), HasSubstr("peak/mean"),
                                       HasSubstr("75.00 %"), HasSubstr("find")));
  EXPECT_THAT(tideline(folder, {"run", "s.json", "--no-results", "--quiet"}).err, testing::Not(HasSubstr("queries by task")));
}

TEST(SourceTrace, replays_a_folder_and_is_reproduced) {
  const Folder folder;
  folder.write("s.json", with_trace("{ \"file\": \"clients\", \"rate_scale\": 0.5, \"from_s\": 600, \"to_s\": 660 }"));
  folder.write("clients/chunk-0.csv", "0,1,1,Gamma,1,1\n600,2,1,Gamma,1,1\n");
  folder.write("clients/chunk-1.csv", "0,0,0,,0,0\n600,4,1,Gamma,1,1\n");
  const Outcome done = tideline(folder, {"run", "s.json", "--quiet"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("audit: passed"));
  EXPECT_THAT(tideline(folder, {"rerun", "results/s.h5"}).out, HasSubstr("reproduced"));
  folder.write("clients/chunk-2.csv", "600,4,1,Gamma,1,1\n");
  EXPECT_NE(tideline(folder, {"rerun", "results/s.h5"}).code, 0);
}

TEST(SourceTrace, a_trace_of_another_format_takes_the_place_of_a_source) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  const Outcome done = tideline(folder, {"run", "s.json", "--no-results", "--trace", "finders=" + samples + "azure_llm.csv"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("azure_llm.csv was read as azure_llm; ignored columns: 'ContextTokens', 'GeneratedTokens'\n"));
  const Outcome effective = tideline(folder, {"validate", "s.json", "--effective", "--trace", "finders=" + samples + "azure_llm.csv"});
  EXPECT_THAT(effective.out, HasSubstr("\"trace\""));
}

TEST(SourceTrace, rows_may_say_what_their_queries_ask_for) {
  const Folder folder;
  folder.write("s.json", with_trace("{ \"file\": \"asks\", \"asks\": \"rows\", \"format\": \"proteus\" }"));
  // The first second is warm-up. Then 10 queries that nothing can answer in time, 30 that ask for more accuracy than there is, 50 that are content.
  std::string rows;
  for (int k = 0; k < 100; ++k) rows += std::to_string(k * 100) + ",0," + (k < 20 ? "2,0.4" : k < 50 ? "200,0.9" : "200,0.5") + "\n";
  folder.write("asks/find.txt", rows);
  const Outcome done = tideline(folder, {"run", "s.json", "--summary", "json", "--no-results"});
  EXPECT_EQ(done.code, 0) << done.err;
  const Json j = Json::parse(done.out);
  std::map<std::string, Json> classes;
  for (const Json& c : j["classes"]) classes[c["name"].get<std::string>()] = c;
  ASSERT_TRUE(classes.contains("finders/0.002s@0.4")) << done.out;
  EXPECT_EQ(classes["finders/0.002s@0.4"]["queries_arrived"], 10);
  EXPECT_EQ(classes["finders/0.002s@0.4"]["queries_on_time"], 0);
  EXPECT_EQ(classes["finders/0.2s@0.9"]["queries_arrived"], 30);
  EXPECT_EQ(classes["finders/0.2s@0.5"]["queries_arrived"], 50);
  EXPECT_EQ(classes["finders/0.2s@0.5"]["accuracy_floor_attainment"], 1);
  folder.write("asks/find.txt", "0,0,200,80\n");
  const Outcome percent = tideline(folder, {"run", "s.json", "--no-results"});
  EXPECT_EQ(percent.code, 2);
  EXPECT_THAT(percent.err, HasSubstr("column 'accuracy': '80' is above 1: an accuracy is a share, 0 .. 1"));
  folder.write("asks/find.txt", "0,0\n");
  EXPECT_THAT(tideline(folder, {"run", "s.json", "--no-results"}).err, HasSubstr("no row of the trace asks for a latency or an accuracy"));
}

TEST(SourceTrace, a_compressed_trace_says_its_hours_and_may_scale_control) {
  const Folder folder;
  folder.write("t.csv", "timestamp\n0\n1000\n5000\n");
  folder.write("s.json", with_trace("{ \"file\": \"t.csv\", \"unit\": \"s\", \"time_scale\": 0.01 }"));
  const std::vector<std::string> words{"validate", "s.json", "--policy", "autoscaling=kubernetes_hpa,interval_s=36"};
  const Outcome plain = tideline(folder, words);
  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_THAT(plain.err,
              testing::AllOf(HasSubstr("time_scale 0.01; in hours of the trace: control intervals autoscaling kubernetes_hpa 36 s = 1 h"),
                             HasSubstr("first loads, each alone on its way, big "), HasSubstr(", little ")));
  const Outcome keep_alive = tideline(folder, {"validate", "s.json", "--policy", "coldstart=fixed_keep_alive,keep_alive_s=72", "--set",
                                               "/workload/finders/params/time_scale=0.02"});
  EXPECT_EQ(keep_alive.code, 0) << keep_alive.err;
  EXPECT_THAT(keep_alive.err, HasSubstr("; other times of policies coldstart fixed_keep_alive keep_alive_s 72 s = 1 h; first loads"));
  auto scaled = words;
  scaled.insert(scaled.end(), {"--set", "/workload/finders/params/scale_control=true", "--effective"});
  const Outcome done = tideline(folder, scaled);
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, testing::AllOf(HasSubstr("\"interval_s\": 0.36"), HasSubstr("\"scale_control\": false")));
}

TEST(SourceTrace, a_run_says_what_scaling_did_to_the_statistics) {
  const Folder folder;
  std::string rows = "timestamp\n";
  for (int s = 0; s < 400; s += 2)
    for (int k = 0; k < 20; ++k) rows += std::to_string(s) + "\n";
  folder.write("t.csv", rows);
  folder.write("s.json", with_trace("{ \"file\": \"t.csv\", \"unit\": \"s\" }"));
  const std::vector<std::string> words{"run", "s.json", "--no-results"};
  EXPECT_THAT(tideline(folder, words).err, testing::Not(HasSubstr("what scaling did")));
  auto scaled = words;
  scaled.insert(scaled.end(), {"--set", "/workload/finders/params/rate_scale=3"});
  const std::string said = tideline(folder, scaled).err;
  // 0 and 20 by turns have dispersion 10; three copies have three times that.
  const auto row = said.find("dispersion at 1 s ");
  ASSERT_NE(row, std::string::npos) << said;
  std::istringstream figures(said.substr(row + 17));
  double before = 0, after = 0;
  figures >> before >> after;
  EXPECT_NEAR(before, 10, 0.3);
  EXPECT_NEAR(after / before, 3, 0.1);
  for (const char* name : {"rate ", "peak/mean per minute", "dispersion at 60 s", "autocorrelation at 24 h"})
    EXPECT_THAT(said, HasSubstr(name));
  const Outcome workload = tideline(folder, {"trace", "workload", "s.json"});
  EXPECT_EQ(workload.code, 0) << workload.err;
  EXPECT_THAT(workload.out, testing::AllOf(HasSubstr("t.csv was read as csv"), testing::Not(HasSubstr("what scaling did"))));
}

TEST(Workload, classes_popularity_and_payloads_are_drawn) {
  const Folder folder;
  std::string text = small_scenario;
  const std::string entry =
      "{ \"name\": \"finders\", \"task\": \"find\", \"source\": \"poisson\", \"params\": { \"rate_qps\": 5 }, \"classes\": [ { "
      "\"latency_slo_s\": 0.2 } ] }";
  ASSERT_NE(text.find(entry), std::string::npos);
  text.replace(
      text.find(entry), entry.size(),
      "{ \"name\": \"mixed\", \"source\": \"gamma\", \"params\": { \"rate_qps\": 50, \"cv\": 2 }, \"payload_bytes\": 5000,"
      " \"payload_law\": { \"law\": \"lognormal\", \"cv2\": 1 }, \"popularity\": { \"tasks\": [\"find\", \"see\"], \"swap_s\": 30 },"
      " \"classes\": [ { \"name\": \"c\", \"latency_slo_s\": { \"law\": \"lognormal\", \"mean_s\": 0.2, \"cv\": 0.5, \"classes\": 4 } } ] "
      "}");
  folder.write("s.json", text);
  const Outcome done = tideline(folder, {"run", "s.json", "--summary", "json", "--no-results"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json j = Json::parse(done.out);
  std::map<std::string, double> arrived;
  for (const Json& c : j["classes"]) arrived[c["name"].get<std::string>()] = c["queries_arrived"].get<double>();
  ASSERT_EQ(arrived.size(), 10U) << done.out;
  double all = 0, first = 0;
  for (const auto& [name, n] : arrived) {
    if (name.ends_with("/c/q1")) first += n;
    if (name.find("/c/q") != std::string::npos) all += n;
  }
  EXPECT_NEAR(first / all, 0.25, 0.05);
  EXPECT_EQ(tideline(folder, {"run", "s.json", "--no-results", "--set", "/workload/mixed/popularity/tasks=[\"finds\"]"}).code, 2);
  EXPECT_EQ(tideline(folder, {"run", "s.json", "--no-results", "--set", "/workload/mixed/payload_bytes=0"}).code, 2);
}

TEST(Trace, figures_of_queries_that_cannot_be_are_refused) {
  const Folder folder;
  folder.write("t.csv", "timestamp,huge,none\n0,1e30,0\n");
  const auto refused = [&](const char* param, const char* says) {
    const Outcome done = tideline(folder, {"trace", "stats", "t.csv", "--unit", "s", "--param", param});
    EXPECT_EQ(done.code, 2) << done.out;
    EXPECT_THAT(done.err, HasSubstr(says));
  };
  refused("bytes_column=huge", "row 2, column 'huge': '1e30' is above 4e9 bytes");
  refused("work_column=huge", "row 2, column 'huge': '1e30' is above 1e12");
  refused("work_column=none", "row 2, column 'none': '0' is not above 0; keep_failed=true takes such rows");
  const std::vector<std::string> kept{"trace",   "stats",           "t.csv", "--unit", "s", "--param", "work_column=none",
                                      "--param", "keep_failed=true"};
  EXPECT_EQ(tideline(folder, kept).code, 0);
  folder.write("w.csv", "timestamp,tokens\n0,5e6\n");
  const Outcome unit = tideline(
      folder, {"trace", "convert", "w.csv", "--unit", "s", "--param", "work_column=tokens", "--param", "work_mean=1", "--out", "o.csv"});
  EXPECT_EQ(unit.code, 2);
  EXPECT_THAT(unit.err, HasSubstr("w.csv: a query has work 5000000, more than 1e6 times work_mean (1): is it right?"));
}

TEST(SourceTrace, keys_that_are_no_tasks_are_refused_unless_they_are_mapped) {
  const Folder folder;
  std::string text = with_trace("{ \"file\": \"t.csv\", \"unit\": \"s\" }");
  const std::string task = "{ \"name\": \"finders\", \"task\": \"find\"";
  text.replace(text.find(task), task.size(), "{ \"name\": \"finders\"");
  folder.write("s.json", text);
  folder.write("t.csv", "timestamp,task\n0,see\n1,finds\n");
  const Outcome done = tideline(folder, {"run", "s.json", "--no-results"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("t.csv: key 'finds' is none of the tasks that may occur; did you mean \"find\"?"));
  EXPECT_EQ(tideline(folder, {"run", "s.json", "--no-results", "--set", "/workload/finders/params/map=stripe"}).code, 0);
}

TEST(Trace, what_was_not_recorded_is_missing_before_and_after) {
  const Folder folder;
  std::string counts;
  for (int s = 0; s < 1200; ++s) counts += s < 300 || s >= 900 ? "4 " : "0 ";
  for (int s = 0; s < 300; ++s) counts += "0 ";
  folder.write("c.txt", counts);
  std::string seconds;
  for (int s = 0; s < 60; ++s) seconds += s < 10 || s >= 20 ? "40 " : "0 ";
  folder.write("short.txt", seconds);
  folder.write("s.json", with_trace("{ \"file\": \"short.txt\", \"gaps\": \"missing\", \"gap_s\": 5, \"rate_scale\": 2 }"));
  const auto rates_of = [](const std::string& said, const char* name) {
    const auto row = said.find(name);
    EXPECT_NE(row, std::string::npos) << said;
    double before = 0, after = 0;
    if (row != std::string::npos) {
      std::istringstream figures(said.substr(row + std::string(name).size()));
      std::string unit;
      figures >> before;
      if (!std::isdigit(figures.peek())) figures >> std::ws;
      while (figures.good() && !std::isdigit(figures.peek())) figures.get();
      figures >> after;
    }
    return std::pair(before, after);
  };
  const std::vector<std::string> words{"trace", "convert", "c.txt", "--param", "gaps=missing", "--out", "o.csv", "--param"};
  auto once = words, faster = words;
  once.push_back("rate_scale=1");
  faster.push_back("time_scale=0.5");
  const Outcome same = tideline(folder, once);
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_EQ(rates_of(same.out, "\nrate "), std::pair(4.0, 4.0)) << same.out;
  EXPECT_EQ(rates_of(same.out, "\npeak/mean per minute "), std::pair(1.0, 1.0)) << same.out;
  EXPECT_EQ(rates_of(tideline(folder, faster).out, "\nrate "), std::pair(4.0, 8.0));
  const Outcome run = tideline(folder, {"run", "s.json", "--no-results"});
  EXPECT_EQ(run.code, 0) << run.err;
  // As far as it was read, which is to within a second.
  const auto [read, replayed] = rates_of(run.err, "\nrate ");
  EXPECT_EQ(read, 40) << run.err;
  EXPECT_NEAR(replayed, 80, 10) << run.err;
}

struct BadTrace {
  const char* name;
  std::string text;
  std::vector<const char*> says;
  const char* file = "t.csv";
};
void PrintTo(const BadTrace& b, std::ostream* out) { *out << b.name; }

class BadTraces : public testing::TestWithParam<BadTrace> {};

TEST_P(BadTraces, are_refused_with_their_row_by_all_who_read_them) {
  const BadTrace& bad = GetParam();
  const Folder folder;
  folder.write(bad.file, bad.text);
  folder.write("s.json", with_trace(std::string("{ \"file\": \"") + bad.file + "\", \"unit\": \"s\" }"));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"trace", "stats", bad.file, "--unit", "s"},
                                                {"trace", "convert", bad.file, "--unit", "s", "--out", "o.csv"},
                                                {"trace", "fit", bad.file, "--unit", "s", "--out", "o.json"},
                                                {"run", "s.json", "--no-results"}}) {
    const Outcome done = tideline(folder, words);
    EXPECT_EQ(done.code, 2) << words[0] << ' ' << words[1] << ": " << done.err;
    for (const char* text : bad.says) EXPECT_THAT(done.err, HasSubstr(text)) << words[0] << ' ' << words[1];
  }
  EXPECT_FALSE(fs::exists(folder / "o.csv"));
  EXPECT_FALSE(fs::exists(folder / "o.json"));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadTraces,
    testing::Values(
        BadTrace{"wrong_unit", "timestamp\n0\n1000\n2000000000\n", {"row 4", "63 years from the first row: is the unit right?"}},
        BadTrace{"negative_duration", "app,func,end_timestamp,duration\na,f,5,1\na,f,6,-1\n", {"row 3", "negative"}},
        BadTrace{"negative_count", "second,count\n0,5\n1,-5\n", {"row 3", "column 'count'", "negative"}},
        BadTrace{"bin_twice", "second,count\n0,5\n0,5\n1,5\n", {"row 3", "begins before that of row 2 ends"}},
        BadTrace{"windows_that_overlap",
                 "0,1,1,Gamma,1,1\n300,1,1,Gamma,1,1\n600,1,1,Gamma,1,1\n",
                 {"row 2: the window at 300 s begins before that of row 1 ends"}},
        BadTrace{"accuracy_in_percent", "timestamp,accuracy\n0,0.9\n1,90\n", {"row 3", "column 'accuracy'", "is above 1"}},
        BadTrace{"member_twice", "{\"timestamp\":0,\"timestamp\":1}\n", {"row 1: member 'timestamp' comes twice"}},
        BadTrace{"not_a_number", "timestamp\n0\nnan\n", {"row 3", "not a finite number"}},
        BadTrace{"overflow", "timestamp\n0\n1e300\n", {"row 3"}}, BadTrace{"empty", "", {"t.csv"}},
        BadTrace{"only_a_header", "timestamp,task\n", {"row 1", "only a header"}},
        BadTrace{"mixed_zones",
                 "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.1+00:00,1,2\n2024-05-10 00:00:01.1,1,2\n",
                 {"row 3", "zone"}},
        BadTrace{"binary", std::string("timestamp\n0\n\x7f\x45\x4c\x46\x00\x01\xff\n", 20), {"row 3"}},
        BadTrace{"truncated_gzip", std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03\x2b", 11), {"truncated"}, "t.csv.gz"}),
    [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace tideline

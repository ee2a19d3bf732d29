// Readers of the formats of published traces, on small texts that have the quirks of the real files.
#include "sim/model/arrival.h"
#include "tests/support/trace_texts.h"
#include "traces/formats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tideline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using trace_texts::files;
using trace_texts::Read;
using trace_texts::read;
using trace_texts::refusal;

std::string recognised(const std::string& text, const std::string& name = "trace.csv") {
  return std::string(recognise_format(files({{name, text}})).name);
}

TEST(AzureLlm, dates_of_seven_digits_end_in_crlf_and_the_last_in_nothing) {
  const Read r =
      read("\xEF\xBB\xBFTIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50,396,109");
  EXPECT_EQ(r.report.format, "azure_llm");
  ASSERT_EQ(r.rows.size(), 2U);
  EXPECT_EQ(r.rows[0].start_ns, (18 * 3600 + 15 * 60 + 46) * 1'000'000'000LL + 680'590'000);
  EXPECT_EQ(r.rows[1].start_ns, (18 * 3600 + 15 * 60 + 50) * 1'000'000'000LL);
  EXPECT_THAT(r.report.notes, ElementsAre("ignored columns: 'ContextTokens', 'GeneratedTokens'"));
}

TEST(AzureLlm, zones_and_inserted_columns_are_read) {
  const Read r = read(
      "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,0,374,44\n2024-05-10 02:00:00+02:00,1,1,1\n",
      {.work_column = "GeneratedTokens"});
  ASSERT_EQ(r.rows.size(), 2U);
  // The second one is earlier: both are at the same hour of UTC.
  EXPECT_EQ(r.rows[0].start_ns, 0);
  EXPECT_EQ(r.rows[1].start_ns, 9'930'000);
  EXPECT_EQ(r.rows[1].work, 44);
  EXPECT_EQ(r.report.unsorted, 1U);
  EXPECT_EQ(r.report.furthest_ns, 9'930'000);
}

TEST(AzureLlm, files_are_merged_by_time) {
  const std::string header = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  const Read r = read(files({{"code.csv", header + "2023-11-16 10:00:00,1,1\n2023-11-16 10:00:10,1,1\n"},
                             {"conv.csv", header + "2023-11-15 23:59:59,1,1\n2023-11-16 10:00:05,1,1\n"}}),
                      {.sort_rows = 0});
  std::vector<std::int64_t> seconds;
  for (const TraceRow& row : r.rows) seconds.push_back(row.start_ns / 1'000'000'000);
  EXPECT_THAT(seconds, ElementsAre(-1, 36000, 36005, 36010));
  EXPECT_EQ(r.report.unsorted, 0U);
  EXPECT_EQ(r.report.rows, 4U);
  EXPECT_THAT(refusal(files({{"code.csv", header + "2023-11-16 10:00:00,1,1\n"}, {"conv.csv", header + "soon,1,1\n"}})),
              testing::StartsWith("conv.csv: row 2, column 'TIMESTAMP': 'soon' "));
}

TEST(AzureLlm, mixed_zones_are_refused_with_their_row) {
  EXPECT_THAT(refusal("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00+00:00,1,1\n2024-05-10 00:00:01,1,1\n"),
              HasSubstr("row 3, column 'TIMESTAMP': '2024-05-10 00:00:01' has no zone, but the rows before have one"));
}

TEST(AzureFunctions2021, a_query_arrives_its_duration_before_its_end) {
  const Read r = read("app,func,end_timestamp,duration\na,f,10.0,9.000\nb,f,10.5,0.25\na,f,11.0,9.5\n");
  EXPECT_EQ(r.report.format, "azure_functions_2021");
  ASSERT_EQ(r.rows.size(), 3U);
  EXPECT_EQ(r.rows[0].start_ns, 1'000'000'000);
  EXPECT_EQ(r.rows[1].start_ns, 1'500'000'000);
  EXPECT_EQ(r.rows[2].start_ns, 10'250'000'000);
  EXPECT_THAT(r.keys, ElementsAre("a/f", "b/f"));
  EXPECT_EQ(r.rows[2].key, 1U);
  EXPECT_EQ(r.report.unsorted, 1U);
}

TEST(BurstGpt, versions_differ_in_columns_and_failures_are_dropped) {
  const std::string v1 =
      "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n"
      "45,GPT-4,1087,0,1087,Conversation log\n118,GPT-4,417,276,693,API log\n";
  const std::string v3 =
      "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
      "5.5,x,1.0,GPT-4,1,2,3,API log\n";
  const Read r = read(v1);
  EXPECT_EQ(r.report.format, "burstgpt");
  EXPECT_EQ(r.rows.size(), 2U);
  EXPECT_EQ(r.report.rows, 3U);
  ASSERT_EQ(r.report.dropped.size(), 1U);
  EXPECT_EQ(r.report.dropped[0].reason, "Response tokens 0");
  EXPECT_EQ(r.report.dropped[0].rows, 1U);
  EXPECT_EQ(r.report.dropped[0].first_row, 3U);
  EXPECT_EQ(read(v1, {.keep_failed = true}).rows.size(), 3U);
  const Read spelled = read("Timestamp,Model,Request tokens,Response tokens\n1,a,1,0.00\n2,a,1,\n3,a,1,nan\n4,a,1,0.5\n");
  ASSERT_EQ(spelled.rows.size(), 1U);
  EXPECT_EQ(spelled.rows[0].start_ns, 4'000'000'000);
  EXPECT_EQ(spelled.report.dropped_rows(), 3U);
  const Read third = read(v3);
  EXPECT_EQ(third.rows[0].start_ns, 5'500'000'000);
  EXPECT_THAT(third.keys, ElementsAre("GPT-4"));
}

TEST(AlibabaLora, failures_are_counted_by_their_status) {
  const Read r = read(
      "gmt_create,predict_type,predict_status,exec_time_seconds,checkpoint_model_version_id\n"
      "2024-11-15 16:57:50,TXT_2_IMG,SUCCEED,32.0,M0000\n2024-11-15 16:57:51,TXT_2_IMG,FAILED,,M0001\n"
      "2024-11-15 16:57:52,TXT_2_IMG,PENDING,,\n2024-11-15 16:57:53,TXT_2_IMG,FAILED,,\n2024-11-15 16:57:49,TXT_2_IMG,SUCCEED,1.5,\n",
      {.work_column = "exec_time_seconds"});
  EXPECT_EQ(r.report.format, "alibaba_lora_2026");
  ASSERT_EQ(r.rows.size(), 2U);
  EXPECT_EQ(r.rows[0].key, TraceRow::no_key);
  EXPECT_EQ(r.rows[1].work, 32);
  ASSERT_EQ(r.report.dropped.size(), 2U);
  EXPECT_EQ(r.report.dropped[0].reason, "predict_status FAILED");
  EXPECT_EQ(r.report.dropped[0].rows, 2U);
  EXPECT_EQ(r.report.dropped[1].reason, "predict_status PENDING");
}

/// A day of `azure_functions_2019`: rows of a name and a count in one minute.
std::string day(const std::vector<std::tuple<std::string, std::size_t, int>>& rows) {
  std::string text = "HashOwner,HashApp,HashFunction,Trigger";
  for (int k = 1; k <= 1440; ++k) text += "," + std::to_string(k);
  for (const auto& [name, minute, count] : rows) {
    text += "\r\no,a," + name + ",timer";
    for (std::size_t k = 1; k <= 1440; ++k) text += "," + std::to_string(k == minute ? count : 0);
  }
  return text;
}

TEST(AzureFunctions2019, days_are_one_trace_and_functions_come_and_go) {
  const TraceFiles days =
      files({{"d01.csv", day({{"f", 1, 7}, {"g", 2, 300}})},
             {"d02.csv", day({{"h", 1440, 1}, {"g", 1, 2}})},
             {"durations.csv", "HashOwner,HashApp,HashFunction,Average,Count,Minimum,Maximum\no,a,g,100,2,1,1\no,a,g,400,1,1,1\n"},
             {"memory.csv", "HashOwner,HashApp,HashFunction,SampleCount,AverageAllocatedMb\n"}});
  const Read r = read(days);
  EXPECT_EQ(r.report.format, "azure_functions_2019");
  std::vector<std::tuple<std::int64_t, double, std::string>> seen;
  for (const TraceRow& row : r.rows)
    if (row.queries > 0) seen.emplace_back(row.start_ns / 60'000'000'000, row.queries, r.keys[row.key]);
  EXPECT_THAT(seen, ElementsAre(std::tuple(0, 7, "o/a/f"), std::tuple(1, 300, "o/a/g"), std::tuple(1440, 2, "o/a/g"),
                                std::tuple(2879, 1, "o/a/h")));
  EXPECT_EQ(r.rows[2].work, 200);
  EXPECT_EQ(r.rows[0].length_ns, 86'400'000'000'000);
  EXPECT_THAT(r.report.notes, testing::Contains(HasSubstr("1 file of memory left out: bytes_column or work_column")));
  const Read by_trigger = read(days[0], {.key_column = "Trigger"});
  EXPECT_THAT(by_trigger.keys, ElementsAre("timer"));
}

TEST(AzureFunctions2019, days_without_a_file_are_gaps) {
  const auto named = [](const char* number) { return std::string("invocations_per_function_md.anon.d") + number + ".csv"; };
  const TraceFiles days = files({{named("10"), day({{"f", 1, 3}})}, {named("01"), day({{"f", 1, 1}})}, {named("03"), day({{"f", 1, 2}})}});
  const auto starts = [](const Read& r) {
    std::vector<std::pair<std::int64_t, double>> out;
    for (const TraceRow& row : r.rows)
      if (row.queries > 0) out.emplace_back(row.start_ns / 86'400'000'000'000, row.queries);
    return out;
  };
  const Read silent = read(days);
  EXPECT_THAT(starts(silent), ElementsAre(std::pair(0, 1), std::pair(2, 2), std::pair(9, 3)));
  EXPECT_THAT(silent.report.notes, testing::Contains("7 days have no file (2, 4 to 9), taken as silence (gaps=missing leaves them out)"));
  const Read missing = read(days, {.gaps = GapPolicy::missing});
  std::int64_t days_missing = 0;
  for (const TraceRow& row : missing.rows) days_missing += row.missing ? row.length_ns / 86'400'000'000'000 : 0;
  EXPECT_EQ(days_missing, 7);
  EXPECT_THAT(refusal(files({{named("01"), day({})}, {"again.d1.csv", day({})}})), HasSubstr("again.d1.csv: day 1 comes twice"));
  EXPECT_THROW((void)read(days, {.gaps = GapPolicy::interpolate}), std::invalid_argument);
}

TEST(AzureFunctions2019, memory_is_of_apps_and_used_where_it_is_named) {
  const TraceFiles trace = files({{"d01.csv", day({{"f", 1, 1}, {"g", 2, 1}})},
                                  {"memory.csv",
                                   "HashOwner,HashApp,HashFunction,SampleCount,AverageAllocatedMb,AverageAllocatedMb_pct1\n"
                                   "o,a,f,3,100,1\no,a,g,1,300,1\no,b,h,1,7,1\n"}});
  const Read bytes = read(trace, {.bytes_column = "AverageAllocatedMb"});
  EXPECT_EQ(bytes.rows[1].bytes, 150e6F);
  EXPECT_TRUE(std::isnan(bytes.rows[1].work));
  EXPECT_EQ(read(trace, {.work_column = "AverageAllocatedMb"}).rows[2].work, 150);
  EXPECT_THROW((void)read(trace, {.work_column = "Average"}), std::invalid_argument);
  EXPECT_THROW((void)read(trace, {.work_column = "Trigger"}), std::invalid_argument);
}

TEST(AzureFunctions2019, durations_alone_carry_no_arrivals) {
  EXPECT_THAT(refusal("HashOwner,HashApp,HashFunction,Average,Count,Minimum,Maximum\no,a,g,100,2,1,1\n"),
              HasSubstr("no file of invocations"));
}

TEST(ServeGen, clients_are_merged_and_name_their_law) {
  const Read r = read(files(
      {{"chunk-0-trace.csv", "0,0.5,1.2,Gamma,0.8,2\n600,0,0,,0,0\n"}, {"chunk-7-trace.csv", "0,0,0,,0,0\n600,2,1.5,Weibull,0.7,2"}}));
  EXPECT_EQ(r.report.format, "servegen");
  ASSERT_EQ(r.rows.size(), 4U);
  EXPECT_EQ(r.rows[0].queries, 300);
  EXPECT_EQ(r.rows[0].law, GapLaw::gamma);
  EXPECT_FLOAT_EQ(r.rows[0].cv, 1.2F);
  EXPECT_EQ(r.rows[3].queries, 1200);
  EXPECT_EQ(r.rows[3].law, GapLaw::weibull);
  EXPECT_EQ(r.rows[3].start_ns, 600'000'000'000);
  EXPECT_THAT(r.keys, ElementsAre("chunk-0", "chunk-7"));
  EXPECT_THAT(refusal(files({{"chunk-0-trace.csv", "0,0.5,1.2,Gamma,0.8,2\n600,1,1,Pareto,1,1\n"}})),
              testing::StartsWith("row 2: 'Pareto' is neither Gamma nor Weibull"));
  EXPECT_THAT(refusal(files({{"a.csv", "0,1,1,Gamma,1,1\n"}, {"b.csv", "0,x,1,Gamma,1,1\n"}})), testing::StartsWith("b.csv: row 1: 'x'"));
}

TEST(Proteus, files_are_tasks_and_queries_ask_for_latency_and_accuracy) {
  const Read r = read(files({{"mobilenet.txt", "# comment\n1.5,0,120.5,0.85\n3,0,80,0.9\n"}, {"bert.txt", "2,1\n"}}));
  EXPECT_EQ(r.report.format, "proteus");
  ASSERT_EQ(r.rows.size(), 3U);
  EXPECT_EQ(r.rows[0].start_ns, 1'500'000);
  EXPECT_FLOAT_EQ(r.rows[0].slo_s, 0.1205F);
  EXPECT_FLOAT_EQ(r.rows[0].accuracy, 0.85F);
  EXPECT_EQ(r.keys[r.rows[1].key], "bert");
  EXPECT_TRUE(std::isnan(r.rows[1].slo_s));
}

TEST(Counts, spellings_give_the_same_bins) {
  for (const char* text : {"3 0 2\n", "[3, 0, 2]", "second,count\n0,3\n1,0\n2,2\n", "second,count\n2,2\n0,3\n",
                           "timestamp,value\n2014-07-01 00:00:00,3\n2014-07-01 00:00:01,0\n2014-07-01 00:00:02,2"}) {
    const Read r = read(text);
    EXPECT_EQ(r.report.format, "counts") << text;
    double sum = 0;
    for (const TraceRow& row : r.rows) sum += row.queries;
    EXPECT_EQ(sum, 5) << text;
    EXPECT_EQ(r.rows.front().queries, 3) << text;
    EXPECT_EQ(r.rows.back().queries, 2) << text;
    EXPECT_EQ(r.rows.back().start_ns, 2'000'000'000) << text;
  }
}

TEST(Counts, bins_have_the_length_between_rows) {
  const Read r = read("timestamp,value\n2014-07-01 00:00:00,10844\n2014-07-01 00:30:00,8127\n");
  EXPECT_EQ(r.rows[0].length_ns, 1'800'000'000'000);
  EXPECT_THAT(r.report.notes, testing::Contains("a bin is 1800 s, the time between the first two rows"));
  const Read mark = read("time,tweets\n07-01-13-05,60\n07-01-13-06,61.5\n");
  EXPECT_EQ(mark.rows[1].start_ns, (13 * 60 + 6) * 60'000'000'000LL);
  EXPECT_EQ(mark.rows[1].queries, 61.5);
  const Read turn = read("time,tweets\n12-31-23-59,1\n01-01-00-00,2\n");
  ASSERT_EQ(turn.rows.size(), 2U);
  EXPECT_EQ(turn.rows[1].start_ns - turn.rows[0].start_ns, 60'000'000'000);
  EXPECT_EQ(turn.rows[1].queries, 2);
  const Read rates = read("window_start_s,rate_rps\n0,2.5\n600,1\n");
  EXPECT_EQ(rates.rows[0].queries, 1500);
  EXPECT_EQ(rates.rows[1].queries, 600);
}

TEST(Counts, a_column_that_goes_up_by_one_counts_bins) {
  const Read r = read(",hour,invocations\n0,0,120\n1,1,240\n2,3,60\n", {.bin_s = 249, .count_s = 60});
  ASSERT_EQ(r.rows.size(), 4U);
  EXPECT_EQ(r.rows[1].start_ns, 249'000'000'000);
  EXPECT_EQ(r.rows[3].start_ns, 3 * 249'000'000'000);
  EXPECT_DOUBLE_EQ(r.rows[1].queries, 240 * 249 / 60.0);
  EXPECT_THAT(r.report.notes, testing::Contains("column 'hour' counts bins of 249 s, as its first two rows are one apart"));
  // These are times: bins of 10 s.
  EXPECT_EQ(read("second,count\n0,1\n10,2\n", {.bin_s = 10}).rows[1].start_ns, 10'000'000'000);
  EXPECT_EQ(read("6 6", {.bin_s = 10, .count_s = 60}).rows[0].queries, 1);
}

TEST(Counts, a_bin_that_comes_twice_is_refused) {
  EXPECT_THAT(refusal("second,count\n0,1\n1,1\n0,2\n"),
              HasSubstr("row 4: the bin at 0 s begins before that of row 2 ends: it comes twice, or bin_s (1 s) is wrong"));
}

TEST(Counts, gaps_are_silence_or_missing_or_filled) {
  const std::string text = "4 4 0 0 0 0 8 8 0 2";
  ReadParams params{.gap_s = 3};
  const Read zero = read(text, params);
  ASSERT_EQ(zero.rows.size(), 7U);
  EXPECT_EQ(zero.rows[2].queries, 0);
  EXPECT_EQ(zero.rows[2].length_ns, 4'000'000'000);
  EXPECT_FALSE(zero.rows[2].missing);
  EXPECT_THAT(zero.report.notes,
              testing::Contains("1 gap of 4 s in all, the longest 4 s, taken as silence (gaps=missing leaves them out of statistics)"));
  params.gaps = GapPolicy::missing;
  const Read missing = read(text, params);
  EXPECT_TRUE(missing.rows[2].missing);
  EXPECT_FALSE(missing.rows[5].missing);  // too short
  params.gaps = GapPolicy::interpolate;
  const Read filled = read(text, params);
  // From 4 before to (8 + 8 + 0 + 2) / 4 after.
  ASSERT_EQ(filled.rows.size(), 10U);
  EXPECT_NEAR(filled.rows[2].queries, 4 + 0.5 / 8, 1e-9);
  EXPECT_NEAR(filled.rows[5].queries, 4 + 0.5 * 7 / 8, 1e-9);
  EXPECT_EQ(filled.rows[6].queries, 8);
}

TEST(Generic, columns_are_named_and_units_declared) {
  const Read r = read("id,when,app,tokens\n1,1500,x,3\n2,1000,y,\n",
                      {.format = "csv", .unit = TraceUnit::ms, .time_column = "when", .key_column = "app", .work_column = "tokens"});
  ASSERT_EQ(r.rows.size(), 2U);
  EXPECT_EQ(r.rows[0].start_ns, 1'000'000'000);
  EXPECT_TRUE(std::isnan(r.rows[0].work));
  EXPECT_THAT(r.keys, ElementsAre("x", "y"));
  EXPECT_THAT(r.report.notes, ElementsAre("ignored columns: 'id'"));
}

TEST(Generic, lines_of_json_are_rows) {
  const Read r =
      read("{\"timestamp\": 3000, \"input_length\": 6758, \"hash_ids\": [0, {\"a\": \"}\"}]}\n{\"hash_ids\":[],\"timestamp\":\"6000\"}\n",
           {.unit = TraceUnit::ms});
  EXPECT_EQ(r.report.format, "jsonl");
  ASSERT_EQ(r.rows.size(), 2U);
  EXPECT_EQ(r.rows[0].start_ns, 3'000'000'000);
  EXPECT_EQ(r.rows[1].start_ns, 6'000'000'000);
  EXPECT_THAT(refusal("{\"timestamp\": 1\n"), HasSubstr("row 1"));
}

TEST(Generic, a_unit_is_guessed_only_where_the_magnitude_tells_it) {
  const Read r = read("timestamp,x\n1700000000123,1\n1700000000223,1\n");
  EXPECT_EQ(r.rows[1].start_ns - r.rows[0].start_ns, 100'000'000);
  EXPECT_THAT(r.report.notes, testing::Contains("times are milliseconds since 1970, by their magnitude"));
  EXPECT_THAT(refusal("timestamp,x\n27482,1\n"), HasSubstr("declare the unit"));
}

TEST(Generic, a_trace_of_fifty_years_is_a_wrong_unit) {
  EXPECT_THAT(refusal("timestamp,x\n0,1\n1600000000,1\n", {.unit = TraceUnit::s}),
              HasSubstr("row 3, column 'timestamp': '1600000000' is 50 years from the first row: is the unit right?"));
  EXPECT_THAT(refusal("timestamp,x\n1700000000000,1\n", {.unit = TraceUnit::s}), HasSubstr("is beyond 292 years: is the unit right?"));
}

TEST(Recognise, each_format_by_its_header) {
  EXPECT_EQ(recognised("TIMESTAMP,ContextTokens,GeneratedTokens\n"), "azure_llm");
  EXPECT_EQ(recognised("app,func,end_timestamp,duration\n"), "azure_functions_2021");
  EXPECT_EQ(recognised(day({})), "azure_functions_2019");
  EXPECT_EQ(recognised("0,1.5,1.1,Gamma,0.8,2\n"), "servegen");
  EXPECT_EQ(recognised("600,0,0,,0,0\n"), "servegen");
  EXPECT_EQ(recognised("1.5,0,120,0.9\n"), "proteus");
  EXPECT_EQ(recognised("1 2 3"), "counts");
  EXPECT_EQ(recognised("[1, 2]"), "counts");
  EXPECT_EQ(recognised("second,count\n"), "counts");
  EXPECT_EQ(recognised("arrived_at,num_prefill_tokens,num_decode_tokens\n"), "csv");
  EXPECT_EQ(recognised("{\"timestamp\":1}"), "jsonl");
}

TEST(Recognise, several_formats_or_none_are_refused_with_their_names) {
  const auto why = [](const std::string& text) {
    try {
      return recognised(text);
    } catch (const SourceError& e) {
      return std::string(e.what());
    }
  };
  EXPECT_THAT(why("0.5,3\n"), testing::AllOf(HasSubstr("declare which"), HasSubstr("proteus ("), HasSubstr("csv (")));
  EXPECT_THAT(why("12\n13\n"), testing::AllOf(HasSubstr("counts ("), HasSubstr("csv (")));
  EXPECT_THAT(why("a,b\n1,2\n"), testing::AllOf(HasSubstr("tells no format"), HasSubstr("burstgpt, ")));
  EXPECT_EQ(why(""), "it has no rows");
  EXPECT_THROW((void)read("1 2", {.format = "count"}), std::invalid_argument);
}

TEST(Parameters, that_a_format_has_no_use_for_are_refused) {
  const auto why = [](const std::string& text, const ReadParams& params) {
    try {
      (void)read(text, params);
    } catch (const std::invalid_argument& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_EQ(why("1 2 3", {.key_column = "k"}), "key_column: format counts has no such column to choose");
  EXPECT_THAT(why("1 2 3", {.unit = TraceUnit::ms}), HasSubstr("unit: counts without a column of times have none"));
  EXPECT_THAT(why("1 2 3", {.time_column = "t"}), HasSubstr("time_column: counts without a header have no columns"));
  EXPECT_THAT(why("second,count\n0,1\n", {.unit = TraceUnit::ms}), HasSubstr("unit: column 'second' says itself"));
  EXPECT_EQ(why("timestamp,x\n", {.bin_s = 60}), "bin_s: format csv has no bins whose length could be declared");
  EXPECT_EQ(why("timestamp,x\n", {.count_s = 60}), "count_s: format csv has no counts");
  EXPECT_EQ(why("timestamp,x\n", {.gaps = GapPolicy::missing}), "gaps: format csv has no bins that could be missing");
  EXPECT_EQ(why("0,1,1,Gamma,1,1\n", {.work_column = "w"}), "work_column: format servegen has no such column to choose");
}

TEST(Order, rows_beyond_the_window_are_refused) {
  std::string text = "timestamp,x\n";
  for (int k = 1; k <= 5000; ++k) text += std::to_string(k) + ",0\n";
  ReadParams params{.unit = TraceUnit::s, .sort_rows = 100};
  EXPECT_EQ(read(text + "4901,1\n", params).report.unsorted, 1U);
  EXPECT_THAT(refusal(text + "3,1\n", params), HasSubstr("sort the file, or raise sort_rows"));
  params.sort_rows = 0;
  EXPECT_THAT(refusal(text + "4999,1\n", params),
              HasSubstr("row 5002: it is at 4999 s, before 5000 s of an earlier row: rows must be sorted by time where sort_rows is 0"));
}

TEST(Order, any_order_within_the_window_comes_out_sorted) {
  std::string text = "timestamp,x\n";
  for (int k = 0; k < 6000; ++k) text += std::to_string((k / 64) * 64 + (k * 37) % 64) + ",0\n";
  const Read r = read(text, {.unit = TraceUnit::s, .sort_rows = 64});
  ASSERT_EQ(r.rows.size(), 6000U);
  for (std::size_t k = 0; k + 1 < r.rows.size(); ++k) EXPECT_LE(r.rows[k].start_ns, r.rows[k + 1].start_ns);
}

TEST(Bad, values_of_plain_counts_are_refused_with_row_and_value) {
  EXPECT_THAT(refusal("1 2 -3 4"), HasSubstr("row 1, value 3: '-3' is negative"));
  EXPECT_THAT(refusal("1 2 nan 4"), HasSubstr("row 1, value 3: 'nan' is not a finite number"));
  EXPECT_THAT(refusal("1 2.5 3 4"), HasSubstr("row 1, value 2: '2.5' is not a whole number"));
  EXPECT_THAT(refusal("1 2 3\n4 many 5"), HasSubstr("row 2, value 5: 'many' is not a number"));
  EXPECT_THAT(refusal("1 many 3 4"), HasSubstr("row 1, value 2: 'many' is not a number"));
}

TEST(Bad, lists_of_objects_and_other_separators_are_named) {
  EXPECT_THAT(refusal("[{\"timestamp\": 1}, {\"timestamp\": 2}]"), HasSubstr("one object a line is expected"));
  EXPECT_THAT(refusal("[\n  {\"timestamp\": 1}\n]"), HasSubstr("row 2, value 1: a list of objects of JSON: one object a line is expected"));
  EXPECT_THAT(refusal("[{\"timestamp\": 1}]", {.format = "jsonl"}), HasSubstr("but a list: one object a line is expected"));
  EXPECT_THAT(refusal("timestamp\ttask\n0\ta\n"), HasSubstr("its columns are separated by tabs: commas are expected"));
  EXPECT_THAT(refusal("timestamp;task\n0;a\n"), HasSubstr("its columns are separated by semicolons: commas are expected"));
  EXPECT_EQ(read("1\t2\t3\n").rows.size(), 3U);
}

TEST(Bad, what_is_suspicious_is_noted) {
  const auto notes = [](const std::string& text, const ReadParams& params) { return read(text, params).report.notes; };
  EXPECT_THAT(notes("timestamp,x\n0,1\n100000000,1\n", {.unit = TraceUnit::s}),
              testing::Contains("times go over 3 years, taken as seconds: is the unit right?"));
  EXPECT_THAT(notes("timestamp,x\n0,1\n60000000,1\n", {.unit = TraceUnit::s}), testing::Not(testing::Contains(HasSubstr("years"))));
  EXPECT_THAT(notes("timestamp,value\n0,1\n300,1\n", {}), testing::Contains("times are taken as seconds, as unit does not say otherwise"));
  EXPECT_THAT(notes("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00Z,1,1\n2024-05-10 02:00:01+02:00,1,1\n", {}),
              testing::Contains("zones differ between rows: times are in UTC"));
}

TEST(Bad, texts_are_refused_with_their_rows) {
  EXPECT_EQ(refusal(""), "it has no rows");
  EXPECT_THAT(refusal("timestamp,x\n-1,0\n", {.unit = TraceUnit::s}), HasSubstr("row 2, column 'timestamp': '-1' is negative"));
  EXPECT_THAT(refusal("timestamp,x\nnan,0\n", {.unit = TraceUnit::s}), HasSubstr("is not a finite number"));
  EXPECT_THAT(refusal("timestamp,x\n1,0\n2\n", {.unit = TraceUnit::s}), HasSubstr("row 3 has 1 column, expected 2"));
  EXPECT_THAT(refusal("timestamp,x\n1,0\n2024-05-10 00:00:00,1\n", {.unit = TraceUnit::s}),
              HasSubstr("is a date, but the rows before have numbers"));
  EXPECT_THAT(refusal("second,count\n0,1e10\n"), HasSubstr("is above 1e9"));
  EXPECT_THAT(refusal(std::string("timestamp,x\n1,\0\n", 16), {.unit = TraceUnit::s}), HasSubstr("NUL byte"));
  EXPECT_TRUE(read("timestamp,x\n", {.unit = TraceUnit::s}).rows.empty());
}

TEST(Gzip, is_read_directly_and_damage_is_named) {
  const std::string text = "second,count\n0,3\n1,4\n";
  const std::string packed = trace_texts::gzip(text);
  EXPECT_EQ(read(packed).rows.size(), 2U);
  EXPECT_EQ(read(packed + trace_texts::gzip("2,5\n")).rows.size(), 3U);
  EXPECT_THAT(refusal(packed.substr(0, packed.size() - 9)), HasSubstr("truncated"));
  std::string long_text = "timestamp,x\n";
  for (int k = 0; k < 200'000; ++k) long_text += std::to_string(k * 7919 % 1'000'003) + ",0\n";
  const std::string long_packed = trace_texts::gzip(long_text);
  const std::string why = refusal(long_packed.substr(0, long_packed.size() / 2), {.unit = TraceUnit::s, .sort_rows = 2'000'000});
  ASSERT_THAT(why, testing::AllOf(testing::StartsWith("row "), HasSubstr(": the compressed data end early: the file is truncated")));
  EXPECT_NEAR(std::stod(why.substr(4)), 100'000, 20'000);
  std::string damaged = packed;
  damaged[12] = static_cast<char>(damaged[12] ^ 0x7f);
  EXPECT_THAT(refusal(damaged), HasSubstr("damaged"));
  EXPECT_THAT(refusal(std::string("BZh91AY&SY")), HasSubstr("it is packed with bzip2, and only gzip is unpacked"));
  EXPECT_THAT(refusal(std::string("PK\x03\x04\x14")), HasSubstr("packed with zip"));
  EXPECT_THAT(refusal(std::string("\x28\xb5\x2f\xfd\x24")), HasSubstr("packed with zstd"));
  EXPECT_EQ(read("PK,timestamp\n0,1\n", {.unit = TraceUnit::s}).rows.size(), 1U);
}

}  // namespace
}  // namespace tideline

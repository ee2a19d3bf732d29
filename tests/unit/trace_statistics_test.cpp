// Statistics of traces: closed forms on made ones, and the figures of published ones where they lie beside the project.
#include "traces/trace_statistics.h"

#include "sim/core/random.h"
#include "src/trace_files.h"
#include "tests/support/published.h"

#include <boost/random/exponential_distribution.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

namespace tideline {
namespace {

TraceRow stretch(double start_s, double length_s, double queries) {
  TraceRow row;
  row.start_ns = static_cast<std::int64_t>(start_s * 1e9);
  row.length_ns = static_cast<std::int64_t>(length_s * 1e9);
  row.queries = queries;
  return row;
}

TEST(TraceStatistics, counts_that_alternate) {
  TraceStatistics s;
  constexpr int n = 7200;
  for (int k = 0; k < n; ++k) s.add(stretch(k, 1, k % 2 == 0 ? 3 : 1));
  const TraceFigures f = s.figures({});
  EXPECT_EQ(f.queries, 2 * n);
  EXPECT_DOUBLE_EQ(f.rate_qps, 2);
  EXPECT_DOUBLE_EQ(f.second.dispersion, 0.5);  // variance 1, mean 2
  EXPECT_DOUBLE_EQ(f.second.peak_to_mean, 1.5);
  EXPECT_NEAR(f.second.lag1_autocorrelation, -(n - 1.0) / n, 1e-12);
  EXPECT_DOUBLE_EQ(f.minute.dispersion, 0);
  EXPECT_DOUBLE_EQ(f.minute.peak_to_mean, 1);
  EXPECT_TRUE(std::isnan(f.minute.lag1_autocorrelation));  // 0 / 0
  EXPECT_TRUE(std::isnan(f.gap_cv));
}

TEST(TraceStatistics, a_sine_of_a_day_is_like_itself_after_a_day) {
  TraceStatistics s;
  constexpr int days = 10, n = days * 1440;
  const double omega = 2 * std::numbers::pi / 1440;
  for (int k = 0; k < n; ++k) s.add(stretch(60.0 * k, 60, 1000 + 500 * std::sin(omega * (k + 0.5))));
  const TraceFigures f = s.figures({});
  EXPECT_NEAR(f.autocorrelation_24h, (days - 1.0) / days, 1e-6);
  // Over whole days the products at lag h have the mean cos(omega h); those of the last lag are missing.
  EXPECT_NEAR(f.autocorrelation_1h, std::cos(omega * 60), 2.0 / (24 * days));
  EXPECT_NEAR(f.minute.dispersion, 500.0 * 500 / 2 / 1000, 1e-6);
  EXPECT_NEAR(f.hour.peak_to_mean, 1.5, 0.01);
  EXPECT_TRUE(std::isnan(f.second.dispersion));  // finer than the trace
}

// A day in a minute: its hours are those of the trace.
TEST(TraceStatistics, a_compressed_day_is_like_itself_after_a_day_of_the_trace) {
  constexpr double scale = 1.0 / 1440;
  TraceStatistics s(scale);
  constexpr int days = 10, n = days * 1440;
  const double omega = 2 * std::numbers::pi / 1440;
  for (int k = 0; k < n; ++k) {
    const int arrivals = static_cast<int>(std::lround(20 + 10 * std::sin(omega * (k + 0.5))));
    for (int a = 0; a < arrivals; ++a) s.add(stretch((k + (a + 0.5) / arrivals) * 60 * scale, 0, 1));
  }
  const TraceFigures f = s.figures({});
  EXPECT_NEAR(f.series.bin_s, 600 * scale, 1e-9);
  EXPECT_NEAR(f.autocorrelation_24h, (days - 1.0) / days, 0.01);
  EXPECT_NEAR(f.autocorrelation_1h, std::cos(omega * 60), 0.02);
}

TEST(TraceStatistics, a_poisson_process_has_dispersion_and_cv_of_1) {
  TraceStatistics s;
  Stream stream(5);
  boost::random::exponential_distribution<double> gap(20);
  double t = 0;
  constexpr int n = 400'000;
  for (int k = 0; k < n; ++k) s.add(stretch(t += gap(stream), 0, 1));
  const TraceFigures f = s.figures({});
  // Six standard deviations: of a variance sqrt(2 / bins), of a correlation 1 / sqrt(bins), of a CV about 1 / sqrt(n).
  const double bins = n / 20.0;
  EXPECT_NEAR(f.rate_qps, 20, 6 * 20 / std::sqrt(n));
  EXPECT_NEAR(f.second.dispersion, 1, 6 * std::sqrt(2 / bins));
  EXPECT_NEAR(f.second.lag1_autocorrelation, 0, 6 / std::sqrt(bins));
  EXPECT_NEAR(f.minute.dispersion, 1, 6 * std::sqrt(2 * 60 / bins));
  EXPECT_NEAR(f.gap_cv, 1, 6 / std::sqrt(n));
}

TEST(TraceStatistics, what_is_missing_counts_nowhere) {
  TraceStatistics whole, holes;
  for (int k = 0; k < 14400; ++k) {
    const double queries = k % 3;
    whole.add(stretch(k, 1, queries));
    if (k < 3600 || k >= 7200) holes.add(stretch(k, 1, queries));
    if (k == 3600) {
      TraceRow gap = stretch(k, 3600, 0);
      gap.missing = true;
      holes.add(gap);
    }
  }
  const TraceFigures f = holes.figures({}), g = whole.figures({});
  EXPECT_EQ(f.missing_s, 3600);
  EXPECT_EQ(f.missing_stretches, 1U);
  EXPECT_DOUBLE_EQ(f.rate_qps, g.rate_qps);
  EXPECT_DOUBLE_EQ(f.second.dispersion, g.second.dispersion);
  EXPECT_EQ(f.second.bins, 10800U);
  EXPECT_EQ(f.hour.bins, 3U);
  EXPECT_NEAR(f.second.lag1_autocorrelation, g.second.lag1_autocorrelation, 2e-4);
  EXPECT_EQ(f.longest_silence_s, 1);
}

TEST(TraceStatistics, long_silence_is_counted_as_bins_without_queries) {
  TraceStatistics s;
  // 1 query in the first second and 1 in the last of 1e6.
  s.add(stretch(0, 1, 1));
  s.add(stretch(999'999, 1, 1));
  const TraceFigures f = s.figures({});
  EXPECT_EQ(f.second.bins, 1'000'000U);
  EXPECT_NEAR(f.second.dispersion, 1 - 2e-6, 1e-12);
  EXPECT_DOUBLE_EQ(f.longest_silence_s, 999'998);
}

TEST(TraceStatistics, keys_are_shared_and_ranked) {
  TraceStatistics s;
  const std::vector<std::string> keys{"a", "b", "c", "unused"};
  for (std::uint32_t k = 0; k < 3; ++k) {
    TraceRow row = stretch(0, 10, 1200.0 / (3 - k));
    row.key = k;
    row.work = static_cast<float>(k);
    s.add(row);
  }
  const TraceFigures f = s.figures(keys);
  ASSERT_EQ(f.keys.size(), 3U);
  EXPECT_EQ(f.keys[0].name, "c");
  EXPECT_DOUBLE_EQ(f.keys[0].share, 6.0 / 11);
  EXPECT_NEAR(f.zipf_exponent, 1, 1e-12);  // 1200 / rank
  EXPECT_DOUBLE_EQ(f.work_mean, (600 * 1 + 1200 * 2) / 2200.0);
}

/// A figure as it was published: by its digits.
struct Published {
  const char* digits = nullptr;  ///< null: not published
};
/// Within `tolerance` of the published one, or within what its last digit leaves open.
void expect(double value, Published published, double tolerance, const std::string& what) {
  if (published.digits == nullptr) return;
  const std::string digits = published.digits;
  const auto point = digits.find('.');
  // A last zero before the point is none that was measured: 1460 is to tens.
  const std::size_t zeros = point == std::string::npos ? digits.size() - 1 - digits.find_last_not_of('0') : 0;
  const double last = point == std::string::npos ? std::pow(10.0, zeros) : std::pow(10.0, -static_cast<double>(digits.size() - point - 1));
  const double expected = std::stod(digits);
  EXPECT_NEAR(value, expected, std::max(tolerance * expected, 0.5000001 * last)) << what;
}

struct PublishedTrace {
  const char* path;
  ReadParams params = {};
  Published rate = {}, minute_peak = {}, series_peak = {}, hour_peak = {}, second_dispersion = {}, minute_dispersion = {}, second_lag1 = {},
            minute_lag1 = {}, day = {}, gap_cv = {}, window_cv = {}, window_cv_p90 = {};
};

class PublishedTraces : public testing::TestWithParam<PublishedTrace> {};

TEST_P(PublishedTraces, have_the_figures_that_are_known_of_them) {
  const PublishedTrace& p = GetParam();
  TIDELINE_NEEDS_PUBLISHED_TRACES();
  const std::filesystem::path path = test::published_traces() / p.path;
  ASSERT_TRUE(std::filesystem::exists(path)) << path;
  const auto reader = open_trace_files(p.path, {path}, p.params);
  TraceStatistics statistics;
  for (TraceRow row; reader->next(row);) statistics.add(row);
  const TraceFigures f = statistics.figures(reader->keys());
  expect(f.rate_qps, p.rate, 0.01, "rate");
  expect(f.minute.peak_to_mean, p.minute_peak, 0.02, "peak/mean per minute");
  expect(f.series.peak_to_mean, p.series_peak, 0.02, "peak/mean per 10 minutes");
  expect(f.hour.peak_to_mean, p.hour_peak, 0.02, "peak/mean per hour");
  expect(f.second.dispersion, p.second_dispersion, 0.02, "dispersion at 1 s");
  expect(f.minute.dispersion, p.minute_dispersion, 0.02, "dispersion at 60 s");
  expect(f.second.lag1_autocorrelation, p.second_lag1, 0.02, "autocorrelation at 1 s");
  expect(f.minute.lag1_autocorrelation, p.minute_lag1, 0.02, "autocorrelation at 60 s");
  expect(f.autocorrelation_24h, p.day, 0.02, "autocorrelation at 24 h");
  expect(f.gap_cv, p.gap_cv, 0.02, "CV of gaps");
  expect(f.window_cv_median, p.window_cv, 0.02, "median CV of windows");
  expect(f.window_cv_p90, p.window_cv_p90, 0.02, "CV of windows that 90 % are below");
}

/// Counts of the bins of a trace, with the time of day at which each begins, in hours.
std::vector<std::pair<double, double>> counts_of(const char* path, const ReadParams& params) {
  const auto reader = open_trace_files(path, {test::published_traces() / path}, params);
  std::vector<std::pair<double, double>> out;
  for (TraceRow row; reader->next(row);) out.emplace_back(static_cast<double>(row.start_ns) / 3.6e12, row.queries);
  return out;
}
bool fewer(const std::pair<double, double>& a, const std::pair<double, double>& b) { return a.second < b.second; }

TEST(PublishedShapes, azure_functions_2019_is_one_day_that_peaks_in_the_afternoon) {
  TIDELINE_NEEDS_PUBLISHED_TRACES();
  const auto bins = counts_of("azure_functions_2019_shape/original_invocations.csv", {.bin_s = 249, .count_s = 60});
  ASSERT_EQ(bins.size(), 347U);
  EXPECT_NEAR(bins.back().first + 249 / 3600.0, 24, 0.01);
  const auto [least, most] = std::minmax_element(bins.begin(), bins.end(), fewer);
  EXPECT_NEAR(most->first, 14, 0.1);
  EXPECT_NEAR(least->first, 0.5, 0.1);
  EXPECT_NEAR(most->second / least->second, 1.33, 0.01);
}

TEST(PublishedShapes, burstgpt_has_its_days_and_its_hours) {
  TIDELINE_NEEDS_PUBLISHED_TRACES();
  const auto days = counts_of("burstgpt_derived/burstgpt_1_daily.csv", {});
  ASSERT_EQ(days.size(), 61U);
  double sum = 0;
  for (const auto& [at, queries] : days) sum += queries;
  EXPECT_EQ(sum, 1'429'737);
  const auto [least, most] = std::minmax_element(days.begin(), days.end(), fewer);
  EXPECT_NEAR(least->second, 1600, 50);
  EXPECT_NEAR(most->second, 149e3, 1000);
  const auto hours =
      counts_of("burstgpt_derived/burstgpt_1_hour_of_day.csv", {.format = "counts", .count_column = "mean_requests_per_hour"});
  ASSERT_EQ(hours.size(), 24U);
  const auto [low, high] = std::minmax_element(hours.begin(), hours.end(), fewer);
  EXPECT_NEAR(high->second / low->second, 11.7, 0.05);
}

INSTANTIATE_TEST_SUITE_P(
    All, PublishedTraces,
    testing::Values(PublishedTrace{.path = "servegen/language/m-small",
                                   .rate = {"1174"},
                                   .series_peak = {"3.3"},
                                   .hour_peak = {"2.06"},
                                   .day = {"0.49"},
                                   .window_cv = {"1.21"},
                                   .window_cv_p90 = {"5.5"}},
                    PublishedTrace{.path = "servegen/language/m-mid",
                                   .rate = {"1790"},
                                   .series_peak = {"1.9"},
                                   .hour_peak = {"1.83"},
                                   .day = {"0.31"},
                                   .window_cv = {"1.32"},
                                   .window_cv_p90 = {"5.1"}},
                    PublishedTrace{.path = "servegen/language/m-large",
                                   .rate = {"196"},
                                   .series_peak = {"3.0"},
                                   .hour_peak = {"1.86"},
                                   .day = {"0.07"},
                                   .window_cv = {"1.17"},
                                   .window_cv_p90 = {"4.3"}},
                    PublishedTrace{.path = "servegen/reason/deepseek-r1", .rate = {"16"}, .hour_peak = {"2.2"}, .window_cv = {"1.03"}},
                    PublishedTrace{.path = "servegen/multimodal/mm-image", .rate = {"9.5"}, .hour_peak = {"1.35"}, .window_cv = {"1.37"}},
                    // Its daily hole is missing in what is known of seconds and minutes, and silence in what is of hours and days.
                    PublishedTrace{.path = "twitter_2021_08/workload.txt",
                                   .params = {.gaps = GapPolicy::missing},
                                   .rate = {"64.9"},
                                   .minute_peak = {"4.6"},
                                   .second_dispersion = {"26"},
                                   .minute_dispersion = {"1460"},
                                   .second_lag1 = {"0.96"},
                                   .minute_lag1 = {"0.94"}},
                    PublishedTrace{.path = "twitter_2021_08/workload.txt", .rate = {"63.6"}, .hour_peak = {"2.8"}, .day = {"0.37"}},
                    PublishedTrace{.path = "azure_llm_2023/AzureLLMInferenceTrace_code.csv",
                                   .rate = {"2.57"},
                                   .minute_peak = {"4.2"},
                                   .second_dispersion = {"13.2"},
                                   .minute_dispersion = {"164"},
                                   .second_lag1 = {"0.76"},
                                   .minute_lag1 = {"0.16"},
                                   .gap_cv = {"13.2"}},
                    PublishedTrace{.path = "azure_llm_2023/AzureLLMInferenceTrace_conv.csv",
                                   .rate = {"5.53"},
                                   .minute_peak = {"1.5"},
                                   .second_dispersion = {"1.39"},
                                   .minute_dispersion = {"16"},
                                   .second_lag1 = {"0.22"},
                                   .minute_lag1 = {"0.81"},
                                   .gap_cv = {"1.09"}},
                    PublishedTrace{.path = "alibaba_genai_2026/lora_request_trace.csv",
                                   .params = {.keep_failed = true},
                                   .rate = {"0.0135"},
                                   .minute_peak = {"80"},
                                   .hour_peak = {"9.2"},
                                   .second_dispersion = {"1.06"},
                                   .minute_dispersion = {"3.75"},
                                   .second_lag1 = {"0.04"},
                                   .minute_lag1 = {"0.78"},
                                   .day = {"0.61"},
                                   .gap_cv = {"12"}},
                    PublishedTrace{.path = "nasa_http_1995/workload.txt",
                                   .rate = {"0.68"},
                                   .minute_peak = {"10"},
                                   .hour_peak = {"6.1"},
                                   .second_dispersion = {"1.67"},
                                   .minute_dispersion = {"21"},
                                   .second_lag1 = {"0.30"},
                                   .minute_lag1 = {"0.84"},
                                   .day = {"0.59"}},
                    PublishedTrace{.path = "mooncake_fast25/conversation_trace.jsonl",
                                   .params = {.unit = TraceUnit::ms},
                                   .rate = {"3.4"},
                                   .minute_peak = {"1.2"},
                                   .minute_dispersion = {"2.9"},
                                   .minute_lag1 = {"0.30"}},
                    // Counts are per minute, and what the file calls an hour is 249 s: one day in all.
                    PublishedTrace{.path = "azure_functions_2019_shape/original_invocations.csv",
                                   .params = {.bin_s = 249, .count_s = 60},
                                   .rate = {"10573"},
                                   .series_peak = {"1.13"},
                                   .hour_peak = {"1.13"}},
                    PublishedTrace{.path = "nab/nyc_taxi.csv", .rate = {"8.4"}, .hour_peak = {"2.5"}, .day = {"0.80"}},
                    PublishedTrace{.path = "nab/elb_request_count_8c0756.csv", .hour_peak = {"3.4"}, .day = {"0.14"}},
                    PublishedTrace{.path = "burstgpt_derived/burstgpt_1_daily.csv", .rate = {"0.27"}},
                    PublishedTrace{.path = "burstgpt_derived/burstgpt_1_hour_of_day.csv",
                                   .params = {.format = "counts", .count_column = "mean_requests_per_hour"},
                                   .rate = {"0.27"}},
                    // Of these four what is known is from where to where they go; that of GOOG and FB was counted by another program.
                    PublishedTrace{.path = "nab/Twitter_volume_AAPL.csv", .rate = {"0.3"}, .hour_peak = {"72"}, .day = {"0.01"}},
                    PublishedTrace{.path = "nab/Twitter_volume_AMZN.csv", .hour_peak = {"5"}, .day = {"0.34"}},
                    PublishedTrace{.path = "nab/Twitter_volume_GOOG.csv", .rate = {"0.069"}, .hour_peak = {"8.04"}, .day = {"0.18"}},
                    PublishedTrace{.path = "nab/Twitter_volume_FB.csv", .rate = {"0.06"}, .hour_peak = {"13.8"}, .day = {"0.16"}}));

}  // namespace
}  // namespace tideline

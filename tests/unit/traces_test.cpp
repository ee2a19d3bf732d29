#include "tests/support/published.h"
#include "traces/counts.h"
#include "traces/csv.h"
#include "traces/diurnal.h"
#include "traces/poisson.h"
#include "traces/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <numbers>
#include <sstream>
#include <stdexcept>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace tideline {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr Time day_end{24h};

std::int64_t ns_of(const Arrival& a) { return a.at.time_since_epoch().count(); }

/// All arrivals, checked to be in order.
std::vector<Arrival> drain(ArrivalSource& source) {
  std::vector<Arrival> all;
  for (Arrival a; source.next(a);) {
    if (!all.empty() && a.at < all.back().at) ADD_FAILURE() << "arrival " << all.size() << " is before the previous one";
    all.push_back(a);
  }
  return all;
}

/// Arrivals per bin over [0, bins * bin).
std::vector<double> count_bins(ArrivalSource& source, Duration bin, std::size_t bins) {
  std::vector<double> counts(bins);
  Time last{};
  for (Arrival a; source.next(a);) {
    if (a.at < last) ADD_FAILURE() << "not in order";
    last = a.at;
    const auto k = static_cast<std::size_t>(a.at.time_since_epoch() / bin);
    if (k >= bins) break;
    ++counts[k];
  }
  return counts;
}

/// Standard score of a chi-square sum over its degrees of freedom.
double chi_square_z(const std::vector<double>& seen, const std::vector<double>& expected) {
  double sum = 0;
  for (std::size_t k = 0; k < seen.size(); ++k) sum += (seen[k] - expected[k]) * (seen[k] - expected[k]) / expected[k];
  const double n = static_cast<double>(seen.size());
  return (sum - n) / std::sqrt(2 * n);
}

std::vector<Arrival> csv(const std::string& text, const CsvParams& params = {}) {
  std::istringstream in(text);
  const auto source = make_csv(params, in, Stream(1));
  return drain(*source);
}
std::vector<std::int64_t> csv_times(const std::string& text, const CsvParams& params = {}) {
  std::vector<std::int64_t> times;
  for (const Arrival& a : csv(text, params)) times.push_back(ns_of(a));
  return times;
}
std::vector<Arrival> counts(const std::string& text, const CountsParams& params = {}, std::uint64_t seed = 1) {
  std::istringstream in(text);
  const auto source = make_counts(params, in, Stream(seed));
  return drain(*source);
}
std::vector<int> counts_per_bin(const std::string& text, const CountsParams& params = {}) {
  std::vector<int> out;
  for (const Arrival& a : counts(text, params)) {
    const auto k = static_cast<std::size_t>(ns_of(a) / from_seconds(params.bin_s).count());
    if (out.size() <= k) out.resize(k + 1);
    ++out[k];
  }
  return out;
}
std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const SourceError& error) {
    return error.what();
  }
  return "no error";
}
std::string csv_error(const std::string& text, const CsvParams& params = {}) {
  return error_of([&] { csv(text, params); });
}
std::string counts_error(const std::string& text, const CountsParams& params = {}) {
  return error_of([&] { counts(text, params); });
}

/// Repeats one row pattern without end or memory.
class EndlessText : public std::streambuf {
 public:
  explicit EndlessText(std::function<std::string(std::uint64_t)> row) : row_(std::move(row)) {}

 private:
  int_type underflow() override {
    text_ = row_(number_++);
    setg(text_.data(), text_.data(), text_.data() + text_.size());
    return traits_type::to_int_type(text_[0]);
  }
  std::function<std::string(std::uint64_t)> row_;
  std::string text_;
  std::uint64_t number_ = 0;
};

std::size_t heap_in_use() {
#if defined(__GLIBC__)
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

// ---- poisson

TEST(Poisson, CountsHaveThePoissonMeanAndVariance) {
  const auto source = make_poisson({.rate_qps = 50}, Stream(7, "arrivals", 0));
  constexpr std::size_t n = 20'000;
  const auto seen = count_bins(*source, 1s, n);
  double mean = 0, variance = 0;
  for (const double c : seen) mean += c / n;
  for (const double c : seen) variance += (c - mean) * (c - mean) / (n - 1);
  EXPECT_LT(std::abs(mean - 50) / std::sqrt(50.0 / n), 3.5);
  EXPECT_LT(std::abs(variance / mean - 1) / std::sqrt(2.0 / n), 3.5);
}

TEST(Poisson, CountsFollowThePoissonLaw) {
  const auto source = make_poisson({.rate_qps = 2, .rate_scale = 2}, Stream(8, "arrivals", 0));
  constexpr std::size_t n = 50'000;
  std::vector<double> seen(12), expected(12);
  for (const double c : count_bins(*source, 1s, n)) ++seen[std::min<std::size_t>(static_cast<std::size_t>(c), 11)];
  double p = std::exp(-4.0), rest = 1;
  for (std::size_t k = 0; k < 11; ++k) {
    expected[k] = n * p;
    rest -= p;
    p *= 4 / static_cast<double>(k + 1);
  }
  expected[11] = n * rest;
  EXPECT_LT(chi_square_z(seen, expected), 3.5);
}

TEST(Poisson, FastRatesKeepTheirMeanInWholeNanoseconds) {
  const auto source = make_poisson({.rate_qps = 3e8}, Stream(9));
  Arrival a;
  constexpr int n = 1'000'000;
  for (int k = 0; k < n; ++k) ASSERT_TRUE(source->next(a));
  const double mean_gap = static_cast<double>(ns_of(a)) / n;
  EXPECT_LT(std::abs(mean_gap / (10.0 / 3) - 1) * std::sqrt(n), 3.5);
}

TEST(Poisson, IsAFunctionOfItsStream) {
  const auto times = [](std::uint64_t seed) {
    const auto source = make_poisson({.rate_qps = 10}, Stream(seed));
    std::vector<std::int64_t> out;
    Arrival a;
    for (int k = 0; k < 100 && source->next(a); ++k) out.push_back(ns_of(a));
    return out;
  };
  EXPECT_EQ(times(3), times(3));
  EXPECT_NE(times(3), times(4));
}

TEST(Poisson, ArrivalKnowsOnlyItsTimeAndTheSourceItsRate) {
  const auto source = make_poisson({.rate_qps = 10, .rate_scale = 0.5}, Stream(1));
  Arrival a;
  a.task = 3;
  a.items = 9;
  ASSERT_TRUE(source->next(a));
  EXPECT_EQ(a.task, Arrival::unknown);
  EXPECT_EQ(a.items, 1);
  EXPECT_TRUE(source->task_names().empty());
  EXPECT_DOUBLE_EQ(source->mean_qps(Time{}, day_end), 5);
  EXPECT_EQ(source->mean_qps(day_end, day_end), 0);
}

TEST(Poisson, EndsWhereTimeEnds) {
  const auto source = make_poisson({.rate_qps = 1e-9}, Stream(1));
  Arrival a;
  int n = 0;
  while (n < 1000 && source->next(a)) ++n;
  EXPECT_LT(n, 100);
}

TEST(Poisson, RefusesRatesOutOfRange) {
  for (const double rate : {0.0, -1.0, std::nan(""), 2e9}) {
    EXPECT_THROW(make_poisson({.rate_qps = rate}, Stream()), std::invalid_argument) << rate;
  }
  EXPECT_THROW(make_poisson({.rate_qps = 1, .rate_scale = 0}, Stream()), std::invalid_argument);
}

// ---- diurnal

/// Hourly counts over days against the integral that the source reports, and the total of those integrals against the mean.
void expect_hourly_counts_follow_integral(const DiurnalParams& params, std::uint64_t seed) {
  const auto source = make_diurnal(params, Stream(seed, "arrivals", 0));
  constexpr std::size_t hours = 72;
  const auto seen = count_bins(*source, 1h, hours);
  std::vector<double> s, e;
  double total = 0;
  for (std::size_t k = 0; k < hours; ++k) {
    const Time from{static_cast<int>(k) * 1h};
    const double expected = source->mean_qps(from, from + 1h) * 3600;
    total += expected;
    if (expected < 5) {
      EXPECT_LT(seen[k], 25);
      continue;
    }
    s.push_back(seen[k]);
    e.push_back(expected);
  }
  EXPECT_LT(chi_square_z(s, e), 3.5);
  EXPECT_GT(chi_square_z(s, e), -3.5);
  EXPECT_NEAR(total / (hours * 3600.0), params.mean_qps * params.rate_scale, 1e-9 * params.mean_qps);
}

TEST(Diurnal, HourlyCountsFollowTheIntegral) {
  expect_hourly_counts_follow_integral({.mean_qps = 20}, 1);
  expect_hourly_counts_follow_integral({.mean_qps = 10, .peak_to_trough = 1, .rate_scale = 2}, 2);
  expect_hourly_counts_follow_integral({.mean_qps = 20, .peak_to_trough = 1e6, .peak_hour = 0}, 3);
  DiurnalParams uneven{.mean_qps = 20};
  for (int k = 0; k < 24; ++k) uneven.hourly.push_back(k % 5 == 0 ? 0 : k);
  expect_hourly_counts_follow_integral(uneven, 4);
  DiurnalParams one{.mean_qps = 20, .hourly = std::vector<double>(24)};
  one.hourly[0] = 1;
  expect_hourly_counts_follow_integral(one, 5);
}

TEST(Diurnal, RareArrivalsSpanDays) {
  DiurnalParams params{.mean_qps = 1e-6};
  for (int shape = 0; shape < 2; ++shape) {
    const auto source = make_diurnal(params, Stream(5));
    Arrival a;
    constexpr int n = 4000;
    for (int k = 0; k < n; ++k) ASSERT_TRUE(source->next(a));
    EXPECT_LT(std::abs(to_seconds(a.at) * 1e-6 / n - 1) * std::sqrt(n), 3.5);
    params.hourly = std::vector<double>(24);
    params.hourly[7] = 1;
  }
}

TEST(Diurnal, WithinAnHourArrivalsArePoisson) {
  // Times mapped through the integrated rate are a unit Poisson process: counts in equal areas have index of dispersion 1.
  const auto source = make_diurnal({.mean_qps = 5, .peak_to_trough = 4, .peak_hour = 3}, Stream(6));
  constexpr std::size_t n = 20'000;
  std::vector<double> seen(n);
  for (Arrival a; source->next(a);) {
    const double area = source->mean_qps(Time{}, a.at) * to_seconds(a.at);
    const auto k = static_cast<std::size_t>(area / 10);
    if (k >= n) break;
    ++seen[k];
  }
  EXPECT_LT(std::abs(chi_square_z(seen, std::vector<double>(n, 10))), 3.5);
}

TEST(Diurnal, PeakAndTroughOfTheSinusoid) {
  const auto source = make_diurnal({.mean_qps = 400, .peak_to_trough = 2.2, .peak_hour = 20}, Stream(1));
  const auto rate = [&](Duration at) { return source->mean_qps(Time{at - 1ms}, Time{at + 1ms}); };
  EXPECT_NEAR(rate(20h) / rate(8h), 2.2, 1e-5);
  EXPECT_NEAR(rate(20h), 400 * (1 + 1.2 / 3.2), 1e-3);
  for (int m = 0; m < 1440; ++m) EXPECT_LE(rate(m * 1min + 30s), rate(20h) + 1e-3);
  EXPECT_NEAR(rate(14h), 400, 1e-3);
  // By hand: between a and b the sinusoid holds b - a + A/w (sin w(b - p) - sin w(a - p)).
  const double w = 2 * std::numbers::pi / 24, area = 6 + 0.375 / w * (std::sin(w * (23 - 20)) - std::sin(w * (17 - 20)));
  EXPECT_NEAR(source->mean_qps(Time{17h}, Time{23h}), 400 * area / 6, 1e-9);
  EXPECT_NEAR(source->mean_qps(Time{17h + 240h}, Time{23h + 240h}), 400 * area / 6, 1e-9);
  EXPECT_NEAR(source->mean_qps(Time{5h}, Time{29h}), 400, 1e-9);
}

TEST(Diurnal, HourlyRatesAreLinearBetweenHourCentres) {
  DiurnalParams params{.mean_qps = 10};
  for (int k = 0; k < 24; ++k) params.hourly.push_back(k + 1);  // mean 12.5
  const auto source = make_diurnal(params, Stream(1));
  const auto rate = [&](Duration at) { return source->mean_qps(Time{at - 1ms}, Time{at + 1ms}); };
  for (int k = 0; k < 24; ++k) EXPECT_NEAR(rate(k * 1h + 45min), 10 * (k == 23 ? 24 - 23 * 0.25 : k + 1.25) / 12.5, 1e-6) << k;
  EXPECT_NEAR(rate(24h), 10 * 12.5 / 12.5, 1e-6);  // half-way from 24 to 1
  EXPECT_NEAR(source->mean_qps(Time{}, day_end), 10, 1e-12);
  EXPECT_NEAR(source->mean_qps(Time{90min}, Time{150min}), 10 * 2.5 / 12.5, 1e-12);
}

TEST(Diurnal, ALevelDayEqualsPoissonWithTheSameStream) {
  const auto level = make_diurnal({.mean_qps = 100, .peak_to_trough = 1}, Stream(11));
  const auto by_hour = make_diurnal({.mean_qps = 100, .hourly = std::vector<double>(24, 3.0)}, Stream(11));
  const auto poisson = make_poisson({.rate_qps = 100}, Stream(11));
  for (int k = 0; k < 10'000; ++k) {
    Arrival a, b, c;
    ASSERT_TRUE(level->next(a) && by_hour->next(b) && poisson->next(c));
    ASSERT_NEAR(static_cast<double>(ns_of(a)), static_cast<double>(ns_of(c)), 2);
    ASSERT_NEAR(static_cast<double>(ns_of(b)), static_cast<double>(ns_of(c)), 2);
  }
}

TEST(Diurnal, RefusesParametersOutOfRange) {
  EXPECT_THROW(make_diurnal({}, Stream()), std::invalid_argument);
  EXPECT_THROW(make_diurnal({.mean_qps = 1, .peak_to_trough = 0.5}, Stream()), std::invalid_argument);
  EXPECT_THROW(make_diurnal({.mean_qps = 1, .peak_hour = 25}, Stream()), std::invalid_argument);
  EXPECT_THROW(make_diurnal({.mean_qps = 1, .hourly = {1, 2}}, Stream()), std::invalid_argument);
  EXPECT_THROW(make_diurnal({.mean_qps = 1, .hourly = std::vector<double>(24)}, Stream()), std::invalid_argument);
  EXPECT_THROW(make_diurnal({.mean_qps = 1, .hourly = std::vector<double>(24, -1)}, Stream()), std::invalid_argument);
  EXPECT_THROW(make_diurnal({.mean_qps = 1, .rate_scale = -1}, Stream()), std::invalid_argument);
}

// ---- csv

TEST(Csv, ReadsTimesExactlyInEveryUnit) {
  using Times = std::vector<std::int64_t>;
  const auto zero = [](TimeUnit unit) { return CsvParams{.unit = unit, .start = TraceStart::zero}; };
  EXPECT_EQ(csv_times("0\n0.1\n0.123456789\n1\n1627776000.123456789\n", zero(TimeUnit::s)),
            (Times{0, 100'000'000, 123'456'789, second_ns, 1'627'776'000'123'456'789}));
  EXPECT_EQ(csv_times("0.5\n12.000001\n13\n", zero(TimeUnit::ms)), (Times{500'000, 12'000'001, 13'000'000}));
  EXPECT_EQ(csv_times("0.5\n12.001\n", zero(TimeUnit::us)), (Times{500, 12'001}));
  EXPECT_EQ(csv_times("5\n9223372036854775806\n", zero(TimeUnit::ns)), (Times{5, 9'223'372'036'854'775'806}));
  EXPECT_EQ(csv_times(".25\n1e0\n1.5E+1\n12345e-2\n", zero(TimeUnit::s)), (Times{250'000'000, second_ns, 15 * second_ns, 123'450'000'000}));
  // Beyond a nanosecond: rounded, halves up.
  EXPECT_EQ(csv_times("0.0000000014999\n0.0000000015\n000000000000000000000002.00000000049\n", zero(TimeUnit::s)),
            (Times{1, 2, 2 * second_ns}));
}

TEST(Csv, FastAndGeneralNumbersAgree) {
  Stream stream(3);
  for (int k = 0; k < 20'000; ++k) {
    const auto value = static_cast<std::int64_t>(stream() >> (stream() % 50 + 1));
    for (const int decimals : {0, 3, 6, 9}) {
      std::string digits = std::to_string(value);
      const auto places = static_cast<std::size_t>(decimals);
      if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
      digits.insert(digits.end() - decimals, '.');
      std::int64_t fast = -1, slow = -1;
      const NumberFault fault = parse_ns(digits, decimals, fast);
      ASSERT_EQ(parse_ns(digits + "e0", decimals, slow), fault) << digits;
      if (value == forever.count()) continue;
      ASSERT_EQ(fault, NumberFault::none) << digits;
      ASSERT_EQ(fast, value) << digits;
      ASSERT_EQ(slow, value) << digits;
    }
  }
}

TEST(Csv, StartsAtTheFirstRowOrAtZero) {
  EXPECT_EQ(csv_times("100.5\n101\n"), (std::vector<std::int64_t>{0, 500'000'000}));
  EXPECT_EQ(csv_times("100.5\n101\n", {.start = TraceStart::zero}), (std::vector<std::int64_t>{100'500'000'000, 101'000'000'000}));
}

TEST(Csv, ReadsAllColumnsByName) {
  std::istringstream in("tenant, bytes ,timestamp,\"task\",work,items\n7,512,0,\"a, b\",2.5,3\n,,1,c,,\n0,0,1,c,1,1\n2,1,2,\"a, b\",1,1\n");
  const auto source = make_csv({}, in, Stream(1));
  const auto all = drain(*source);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].tenant, 7u);
  EXPECT_EQ(all[0].payload_bytes, 512u);
  EXPECT_EQ(all[0].task, 0u);
  EXPECT_EQ(all[0].work, 2.5f);
  EXPECT_EQ(all[0].items, 3);
  EXPECT_EQ(all[1].task, 1u);
  EXPECT_EQ(all[1].payload_bytes, Arrival::unknown);
  EXPECT_EQ(all[1].items, 1);
  EXPECT_EQ(all[1].work, 1.0f);
  EXPECT_EQ(all[1].tenant, 0u);
  EXPECT_EQ(all[2].payload_bytes, 0u);
  EXPECT_EQ(all[3].task, 0u);
  EXPECT_EQ(std::vector<std::string>(source->task_names().begin(), source->task_names().end()), (std::vector<std::string>{"a, b", "c"}));
  EXPECT_EQ(source->mean_qps(Time{}, day_end), 0);
}

TEST(Csv, HeaderIsOptionalInTheDefaultOrder) {
  EXPECT_EQ(csv("1\n2\n").size(), 2u);
  const auto all = csv("1,x,10\n2,y,20\n");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].task, 1u);
  EXPECT_EQ(all[1].payload_bytes, 20u);
  EXPECT_TRUE(csv("").empty());
  EXPECT_TRUE(csv("timestamp\n").empty());
  EXPECT_TRUE(csv("\n# nothing\n\n").empty());
}

TEST(Csv, AcceptsWhatFilesOftenHave) {
  const std::vector<std::int64_t> expected{0, second_ns, 2 * second_ns};
  EXPECT_EQ(csv_times("timestamp\r\n0\r\n1\r\n2"), expected);
  EXPECT_EQ(csv_times("\xEF\xBB\xBFtimestamp\n0\n1\n2\n"), expected);
  EXPECT_EQ(csv_times("\xEF\xBB\xBF"
                      "0\n1\n2\n"),
            expected);
  EXPECT_EQ(csv_times("# made by hand\n\n  # more\ntimestamp\n\n0\n\t\n# between\n 1 \n2\t\r\n\r\n"), expected);
}

TEST(Csv, RowsAcrossTheReadBufferAreWhole) {
  std::string text = "timestamp,task\n";
  constexpr std::size_t n = 60'000;
  for (std::size_t k = 0; k < n; ++k) text += std::to_string(k) + ".5,task_" + std::to_string(k * k % 997) + (k % 3 ? "\n" : "\r\n");
  const auto all = csv(text, {.start = TraceStart::zero});
  ASSERT_GT(text.size(), 3 * TextReader::row_limit);
  ASSERT_EQ(all.size(), n);
  std::map<std::size_t, std::uint32_t> seen;
  for (std::size_t k = 0; k < n; ++k) {
    ASSERT_EQ(ns_of(all[k]), static_cast<std::int64_t>(k) * second_ns + second_ns / 2);
    ASSERT_EQ(all[k].task, seen.emplace(k * k % 997, static_cast<std::uint32_t>(seen.size())).first->second);
  }
}

TEST(Csv, RefusesWrongTimesWithRowColumnAndText) {
  EXPECT_EQ(csv_error("timestamp\n0\n-1.5\n"), "row 3, column timestamp: '-1.5' is negative");
  EXPECT_EQ(csv_error("0\nnan\n"), "row 2, column timestamp: 'nan' is not a finite number");
  EXPECT_EQ(csv_error("NaN\n"), "row 1, column timestamp: 'NaN' is not a finite number");
  EXPECT_EQ(csv_error("# c\n0\n\n-Infinity\n"), "row 4, column timestamp: '-Infinity' is not a finite number");
  EXPECT_EQ(csv_error("0,a\n,b\n"), "row 2, column timestamp: '' is empty");
  EXPECT_EQ(csv_error("0\n1x\n"), "row 2, column timestamp: '1x' is not a number");
  EXPECT_EQ(csv_error("0\n2023-11-16 18:15:46\n"), "row 2, column timestamp: '2023-11-16 18:15:46' is not a number");
  EXPECT_EQ(csv_error("2023-11-16 18:15:46\n"), "row 1, column timestamp: '2023-11-16 18:15:46' is not a number");
  EXPECT_EQ(csv_error("0\n1e\n"), "row 2, column timestamp: '1e' is not a number");
  EXPECT_EQ(csv_error("0\n1.2.3\n"), "row 2, column timestamp: '1.2.3' is not a number");
  EXPECT_EQ(csv_error("0\n1627776000000\n"), "row 2, column timestamp: '1627776000000' is beyond 292 years: is the unit right?");
  EXPECT_EQ(csv_error("0\n1e99999999999\n"), "row 2, column timestamp: '1e99999999999' is beyond 292 years: is the unit right?");
}

TEST(Csv, RefusesUnsortedRowsWithBothTimes) {
  EXPECT_EQ(csv_error("timestamp\n100.5\n102\n# c\n101.25\n"),
            "row 5: time 101.25 s is before 102 s of row 3; rows must be sorted by time");
  EXPECT_EQ(csv_times("1\n1\n1\n").size(), 3u);  // equal times are in order
}

TEST(Csv, RefusesWrongHeaders) {
  EXPECT_EQ(csv_error("timestamp,tasks\n"),
            "row 1 (header): unknown column 'tasks', the nearest valid name is 'task' (valid: timestamp, "
            "task, bytes, items, work, tenant; list it in 'ignore' to skip it)");
  EXPECT_NE(csv_error("# c\nTIMESTAMP,task\n").find("row 2 (header): unknown column 'TIMESTAMP', the nearest valid name is 'timestamp'"),
            std::string::npos);
  EXPECT_EQ(csv_error("timestamp,task,task\n"), "row 1 (header): column 'task' comes twice");
  EXPECT_EQ(csv_error("task,bytes\n"), "row 1 (header): there is no column 'timestamp'");
  EXPECT_EQ(csv("timestamp,model,task\n0,x,a\n", {.ignore = {"model"}}).size(), 1u);
}

TEST(Csv, RefusesRowsOfTheWrongWidth) {
  EXPECT_EQ(csv_error("timestamp,task\n0,a\n1\n"), "row 3 has 1 column, expected 2: '1'");
  EXPECT_EQ(csv_error("timestamp,task\n0,a\n1,b,\n"), "row 3 has 3 columns, expected 2: '1,b,'");
  EXPECT_EQ(csv_error("0,a,1,2\n"),
            "row 1: without a header there are at most the columns timestamp, task, bytes; name the columns in a header");
  EXPECT_EQ(csv_error("0,17\n"),
            "row 1: without a header the second column is the task, but '17' is a number; name the columns in a header such as "
            "'timestamp,bytes'");
}

TEST(Csv, RefusesWrongValuesOfOtherColumns) {
  const std::string header = "timestamp,bytes,items,work,tenant\n0,1,1,1,1\n";
  EXPECT_EQ(csv_error(header + "0,4294967295,1,1,1\n"), "row 3, column bytes: '4294967295' is above 4294967294");
  EXPECT_EQ(csv_error(header + "0,-1,1,1,1\n"), "row 3, column bytes: '-1' is negative");
  EXPECT_EQ(csv_error(header + "0,1.5,1,1,1\n"), "row 3, column bytes: '1.5' is not a whole number");
  EXPECT_EQ(csv_error(header + "0,1,0,1,1\n"), "row 3, column items: '0' is below 1");
  EXPECT_EQ(csv_error(header + "0,1,70000,1,1\n"), "row 3, column items: '70000' is above 65535");
  EXPECT_EQ(csv_error(header + "0,1,1,0,1\n"), "row 3, column work: '0' is not above 0");
  EXPECT_EQ(csv_error(header + "0,1,1,-2,1\n"), "row 3, column work: '-2' is not above 0");
  EXPECT_EQ(csv_error(header + "0,1,1,1e12,1\n"), "row 3, column work: '1e12' is above 1e6");
  EXPECT_EQ(csv_error(header + "0,1,1,inf,1\n"), "row 3, column work: 'inf' is not a finite number");
  EXPECT_EQ(csv_error(header + "0,1,1,heavy,1\n"), "row 3, column work: 'heavy' is not a number");
  EXPECT_EQ(csv_error(header + "0,1,1,1e99,1\n"), "row 3, column work: '1e99' is too large or too small");
  EXPECT_EQ(csv_error(header + "0,1,1,1,x\n"), "row 3, column tenant: 'x' is not a number");
}

TEST(Csv, RefusesBinaryAndDamagedContent) {
  EXPECT_EQ(csv_error(std::string("timestamp\n0\n1\0\n", 14)), "row 3 holds a NUL byte: this is not a text file, or it is damaged");
  EXPECT_EQ(csv_error(std::string("timestamp,task\n0,a\n1,\0", 22)), "row 3 holds a NUL byte: this is not a text file, or it is damaged");
  EXPECT_EQ(csv_error("0\n\x01\x02\xff\n"), "row 2, column timestamp: '\\x01\\x02\\xff' is not a number");
  EXPECT_EQ(csv_error("timestamp,task\n0,\"a\n1,b\n"), "row 2: a quote is not closed: '\"a'");
  EXPECT_EQ(csv_error("timestamp,task\n0,\"a\"\"b\"\n"), "row 2: text after a closing quote: '\"a\"\"b\"'");
  EXPECT_EQ(csv_error("0\n" + std::string(300'000, '1')), "row 2 is longer than 262144 bytes: is this a text file with one entry a row?");
  // Any bytes at all: an error or arrivals, never a crash.
  Stream stream(1);
  for (int round = 0; round < 500; ++round) {
    std::string text = "timestamp,task,work\n";
    for (int k = 0; k < 200; ++k) {
      text += stream() % 4 ? "0123456789.,\n-e\"#\r"[stream() % 18] : static_cast<char>(stream() % (round % 2 ? 256 : 128));
    }
    csv_error(text);
    csv_error(text.substr(20));
    counts_error(text.substr(20));
    counts_error(std::string(1, '[').append(text, 20));
    counts_error(std::string("index,count\n").append(text, 20));
  }
}

TEST(Csv, RefusesAStreamThatFails) {
  struct Failing : std::streambuf {
    int_type underflow() override { throw std::runtime_error("disk"); }
  } buffer;
  std::istream in(&buffer);
  EXPECT_EQ(error_of([&] { make_csv({}, in, Stream(1)); }), "reading failed at row 1");
}

TEST(Csv, GivenTasksFixTheIndexes) {
  const auto all = csv("0,b\n1,a\n", {.tasks = {"a", "b"}});
  EXPECT_EQ(all[0].task, 1u);
  EXPECT_EQ(all[1].task, 0u);
  EXPECT_EQ(csv_error("0,b\n1,c\n", {.tasks = {"a", "b"}}), "row 2, column task: 'c' is none of the tasks that may occur: 'a', 'b'");
  EXPECT_EQ(csv_error("0,detect\n1,detct\n", {.tasks = {"classify", "detect"}}),
            "row 2, column task: 'detct' is none of the tasks that may occur: 'classify', 'detect'; did you mean 'detect'?");
  std::vector<std::string> many;
  for (int k = 0; k < 25; ++k) many.push_back("task" + std::to_string(10 + k));
  EXPECT_TRUE(csv_error("0,x\n", {.tasks = many}).ends_with(", 'task29' and 5 more"));
  EXPECT_THROW(csv("", {.tasks = {"a", "a"}}), std::invalid_argument);
}

TEST(Csv, ScaleThinsEachArrival) {
  EndlessText rows([](std::uint64_t k) { return std::to_string(k) + "\n"; });
  std::istream in(&rows);
  const auto source = make_csv({.scale = 0.3}, in, Stream(5));
  double n = 0;
  for (Arrival a; source->next(a) && ns_of(a) < 100'000 * second_ns;) ++n;
  EXPECT_LT(std::abs(n - 30'000) / std::sqrt(100'000 * 0.3 * 0.7), 3.5);
  EXPECT_THROW(csv("", {.scale = 1.5}), std::invalid_argument);
  EXPECT_THROW(csv("", {.scale = 0}), std::invalid_argument);
  EXPECT_THROW(csv("", {.scale = std::nan("")}), std::invalid_argument);
}

// ---- counts

TEST(Counts, ReadsEveryFormat) {
  const std::vector<int> expected{3, 0, 5, 1};
  for (const char* text : {"second,count\n0,3\n1,0\n2,5\n3,1\n", "index,value\n0,3\n2,5\n3,1", "count,time\r\n3,0\r\n5,2.0\r\n1,3\r\n",
                           "\xEF\xBB\xBF# c\n\nwindow_start_s,count\n0,3\n2,5\n3,1\n", "3 0 5 1", "3\n0\n5\n1\n", "  3 0\r\n# c\n5\t1\r\n",
                           "[3, 0, 5, 1]", "[3,0,\n5,1]\n", " [ 3 , 0 , 5 , 1 ] "}) {
    EXPECT_EQ(counts_per_bin(text), expected) << text;
  }
  const std::vector<int> late{0, 0, 4};
  EXPECT_EQ(counts_per_bin("second,count\n2,4\n"), late);
  EXPECT_EQ(counts_per_bin("second,count\n2,4\n", {.start = TraceStart::first}), (std::vector<int>{4}));
  EXPECT_EQ(counts_per_bin("minute,count,gap\n0,2,0\n2,4,1\n", {.bin_s = 60, .ignore = {"gap"}}), (std::vector<int>{2, 0, 4}));
  EXPECT_EQ(counts_per_bin("1 2", {.bin_s = 0.5}), (std::vector<int>{1, 2}));
  for (const char* text : {"", "\n", "# c", "[]", "[ ]\n", "second,count\n", "second,count", "0 0 0"}) {
    EXPECT_TRUE(counts(text).empty()) << text;
  }
}

TEST(Counts, UniformTimesAreUniform) {
  constexpr double total = 500'000;
  const auto all = counts("500000", {.bin_s = 10});
  ASSERT_EQ(all.size(), static_cast<std::size_t>(total));
  std::vector<double> seen(1000);
  for (const Arrival& a : all) ++seen.at(static_cast<std::size_t>(ns_of(a) / 10'000'000));
  EXPECT_LT(std::abs(chi_square_z(seen, std::vector<double>(1000, total / 1000))), 3.5);
  // Small counts too: the k-th smallest of 3 uniforms has mean k / 4 and variance k (4 - k) / 80.
  std::string text;
  constexpr int bins = 20'000;
  for (int k = 0; k < bins; ++k) text += "3 ";
  const auto threes = counts(text);
  ASSERT_EQ(threes.size(), 3u * bins);
  for (std::size_t k = 1; k <= 3; ++k) {
    double mean = 0;
    for (std::size_t b = 0; b < bins; ++b) mean += to_seconds(threes[3 * b + k - 1].at) - static_cast<double>(b);
    mean /= bins;
    const double kd = static_cast<double>(k);
    EXPECT_LT(std::abs(mean - kd / 4) / std::sqrt(kd * (4 - kd) / 80 / bins), 3.5) << k;
  }
}

TEST(Counts, EvenTimesHaveEqualGaps) {
  std::vector<std::int64_t> times;
  for (const Arrival& a : counts("4 1", {.placement = BinPlacement::even})) times.push_back(ns_of(a));
  EXPECT_EQ(times, (std::vector<std::int64_t>{125'000'000, 375'000'000, 625'000'000, 875'000'000, 1'500'000'000}));
  const auto many = counts("7777777", {.placement = BinPlacement::even});
  ASSERT_EQ(many.size(), 7'777'777u);
  for (std::size_t k = 1; k < many.size(); ++k) {
    const auto gap = ns_of(many[k]) - ns_of(many[k - 1]);
    ASSERT_TRUE(gap == 128 || gap == 129) << k;
  }
  EXPECT_LT(ns_of(many.back()), second_ns);
}

TEST(Counts, PoissonPlacementHasTheCountAsMean) {
  std::string text;
  constexpr int bins = 20'000;
  for (int k = 0; k < bins; ++k) text += "8 ";
  std::vector<double> seen(bins);
  for (const Arrival& a : counts(text, {.placement = BinPlacement::poisson})) ++seen.at(static_cast<std::size_t>(ns_of(a) / second_ns));
  double total = 0;
  for (const double c : seen) total += c;
  EXPECT_LT(std::abs(total - 8.0 * bins) / std::sqrt(8.0 * bins), 3.5);
  EXPECT_LT(std::abs(chi_square_z(seen, std::vector<double>(bins, 8))), 3.5);
}

TEST(Counts, PlacementIsAFunctionOfTheStream) {
  const auto times = [](std::uint64_t seed) {
    std::vector<std::int64_t> out;
    for (const Arrival& a : counts("5 6 7", {}, seed)) out.push_back(ns_of(a));
    return out;
  };
  EXPECT_EQ(times(1), times(1));
  EXPECT_NE(times(1), times(2));
}

TEST(Counts, ScaleThinsEachArrival) {
  const double n = static_cast<double>(counts("200000", {.scale = 0.25}).size());
  EXPECT_LT(std::abs(n - 50'000) / std::sqrt(200'000 * 0.25 * 0.75), 3.5);
  EXPECT_THROW(counts("", {.scale = 2}), std::invalid_argument);
  EXPECT_THROW(counts("", {.bin_s = 0}), std::invalid_argument);
}

TEST(Counts, RefusesWrongCountsWithTheirPlace) {
  EXPECT_EQ(counts_error("second,count\n0,1\n1,-2\n"), "row 3, column count: '-2' is negative");
  EXPECT_EQ(counts_error("second,value\n0,1\n1,2.5\n"), "row 3, column value: '2.5' is not a whole number");
  EXPECT_EQ(counts_error("second,count\n0,\n"), "row 2, column count: '' is empty");
  EXPECT_EQ(counts_error("second,count\n0,many\n"), "row 2, column count: 'many' is not a number");
  EXPECT_EQ(counts_error("second,count\n0,1000000001\n"), "row 2, column count: '1000000001' is above 1e9");
  EXPECT_EQ(counts_error("1 2\n3 -4"), "row 2, value 4: '-4' is negative");
  EXPECT_EQ(counts_error("1 2.0"), "row 1, value 2: '2.0' is not a whole number");
  EXPECT_EQ(counts_error("1 nan"), "row 1, value 2: 'nan' is not a finite number");
  EXPECT_EQ(counts_error("1 two"), "row 1, value 2: 'two' is not a number");
  EXPECT_EQ(counts_error("1,2\n"), "row 1, value 1: ',' found; a file with columns needs a header such as 'second,count'");
  EXPECT_EQ(counts_error("[1, -2]"), "row 1, value 2: '-2' is negative");
  EXPECT_EQ(counts_error("[1,\nnull]"), "row 2, value 2: 'null' is not a number");
  EXPECT_EQ(counts_error("[1, 2"), "row 1, value 3: the list ends without ']'");
  EXPECT_EQ(counts_error("[1, "), "row 1, value 2: the list ends without ']'");
  EXPECT_EQ(counts_error("[1,, 2]"), "row 1, value 2: expected a count, not ','");
  EXPECT_EQ(counts_error("[1 2]"), "row 1, value 2: expected ',' or ']', not '2'");
  EXPECT_EQ(counts_error("[1] x"), "row 1, value 2: text after the list: 'x'");
  EXPECT_EQ(counts_error(std::string("1 2\n3 \0 4", 9)), "row 2 holds a NUL byte: this is not a text file, or it is damaged");
}

TEST(Counts, RefusesWrongBins) {
  EXPECT_EQ(counts_error("second,count\n0,1\n5,1\n3,1\n"), "row 4: bin start 3 s is not after 5 s of row 3; rows must be sorted by time");
  EXPECT_EQ(counts_error("second,count\n0,1\n0,1\n"), "row 3: bin start 0 s is not after 0 s of row 2; rows must be sorted by time");
  EXPECT_EQ(counts_error("second,count\n0,1\n1,1\n", {.bin_s = 60}), "row 3: bin start 1 s is less than bin_s (60 s) after 0 s of row 2");
  EXPECT_EQ(counts_error("second,count\n-1,1\n"), "row 2, column second: '-1' is negative");
  EXPECT_EQ(counts_error("index,count\n1.5,1\n"), "row 2, column index: '1.5' is not a whole number");
  EXPECT_EQ(counts_error("second,count\n1e12,1\n"), "row 2, column second: '1e12' is beyond 292 years: is the unit right?");
  EXPECT_EQ(counts_error("second,count\n0,1\n1\n"), "row 3 has another number of columns than the header (2): '1'");
  EXPECT_EQ(counts_error("minute,count\n0,1\n"), "row 1 (header): column 'minute' needs a bin_s that is a multiple of 60, not 1 s");
  std::string minutes = "window_start_s,count\n";
  for (int k = 0; k < 20; ++k) minutes += std::to_string(60 * k) + ",5\n";
  EXPECT_EQ(counts_error(minutes),
            "row 10: all rows so far are 60 s apart, but bin_s is 1 s (if bins are empty, give their rows with count 0)");
  EXPECT_EQ(counts_error(minutes, {.bin_s = 60}), "no error");
}

TEST(Counts, RefusesWrongHeaders) {
  EXPECT_NE(counts_error("second,counts\n").find("unknown column 'counts', the nearest valid name is 'count'"), std::string::npos);
  EXPECT_EQ(counts_error("count\n"),
            "row 1 (header): no column says which bin a row is: one of second, minute, time, window_start_s, index");
  EXPECT_EQ(counts_error("\nsecond\n"), "row 2 (header): there is no column 'count' or 'value'");
  EXPECT_EQ(counts_error("second,minute,count\n"),
            "row 1 (header): columns 'second' and 'minute' mean the same; list one of them in 'ignore'");
}

// ---- all

TEST(Sources, MemoryIsConstant) {
  EndlessText rows(
      [](std::uint64_t k) { return std::to_string(k) + ".125,a_task_with_a_long_name_" + std::to_string(k % 10) + ",1000\n"; });
  EndlessText numbers([](std::uint64_t k) { return std::to_string(k % 50) + " "; });
  std::istream csv_in(&rows), counts_in(&numbers);
  std::vector<std::unique_ptr<ArrivalSource>> sources;
  sources.push_back(make_poisson({.rate_qps = 100}, Stream(1)));
  sources.push_back(make_diurnal({.mean_qps = 100}, Stream(1)));
  sources.push_back(make_diurnal({.mean_qps = 100, .hourly = std::vector<double>(24, 1.0)}, Stream(1)));
  sources.push_back(make_csv({}, csv_in, Stream(1)));
  sources.push_back(make_counts({}, counts_in, Stream(1)));
  for (const auto& source : sources) {
    Arrival a;
    for (int k = 0; k < 1000; ++k) ASSERT_TRUE(source->next(a));
    const std::size_t before = heap_in_use();
    for (int k = 0; k < 300'000; ++k) ASSERT_TRUE(source->next(a));
    EXPECT_NEAR(static_cast<double>(heap_in_use()), static_cast<double>(before), 256);  // the test's own rows vary in length
  }
}

TEST(Samples, AreRead) {
  const std::filesystem::path folder = std::filesystem::path(TIDELINE_SOURCE_DIR) / "traces" / "samples";
  const auto open = [&](const char* name) {
    std::ifstream in(folder / name);
    EXPECT_TRUE(in) << name;
    return in;
  };
  {
    auto in = open("arrivals.csv");
    const auto source = make_csv({}, in, Stream(1));
    const auto all = drain(*source);
    ASSERT_EQ(all.size(), 10u);
    EXPECT_EQ(ns_of(all[5]), 555'000'001);
    EXPECT_EQ(all[8].items, 8);
    EXPECT_EQ(source->task_names().size(), 2u);
  }
  {
    auto in = open("arrivals_plain_ms.csv");
    const auto source = make_csv({.unit = TimeUnit::ms}, in, Stream(1));
    EXPECT_EQ(ns_of(drain(*source).back()), 100'000'000);
  }
  {
    auto in = open("per_second.csv");
    EXPECT_EQ(drain(*make_counts({}, in, Stream(1))).size(), 25u);
  }
  {
    auto in = open("per_minute.txt");
    EXPECT_EQ(drain(*make_counts({.bin_s = 60}, in, Stream(1))).size(), 134u);
  }
  {
    auto in = open("per_second_list.json");
    EXPECT_EQ(drain(*make_counts({}, in, Stream(1))).size(), 16u);
  }
}

/// A file of the folder of public traces beside the project, where there is one.
class PublicTraces : public testing::Test {
 protected:
  std::ifstream open(const char* name) const { return std::ifstream(test::published_traces() / "ready" / name); }
};

TEST_F(PublicTraces, TwitterDayPerSecondKeepsItsTotal) {
  TIDELINE_NEEDS_PUBLISHED_TRACES();
  auto in = open("twitter_2021_08_day1_per_second.csv");
  ASSERT_TRUE(in);
  const auto source = make_counts({}, in, Stream(1, "arrivals", 0));
  std::uint64_t n = 0;
  Arrival last;
  for (Arrival a; source->next(a); last = a) {
    ++n;
    ASSERT_GE(a.at, last.at);
  }
  EXPECT_EQ(n, 5'531'778u);  // awk -F, 'NR > 1 { n += $2 } END { print n }'
  EXPECT_LT(last.at, day_end);
}

TEST_F(PublicTraces, TwitterPerMinuteIsRead) {
  TIDELINE_NEEDS_PUBLISHED_TRACES();
  auto in = open("twitter_2021_08_per_minute.csv");
  ASSERT_TRUE(in);
  const auto source = make_counts({.bin_s = 60, .ignore = {"gap"}}, in, Stream(1, "arrivals", 0));
  std::uint64_t n = 0;
  for (Arrival a; n < 6000 && source->next(a); ++n) {
    const std::int64_t minute = n < 2786 ? 0 : n < 2786 + 2711 ? 1 : 2;
    ASSERT_EQ(ns_of(a) / (60 * second_ns), minute) << n;
  }
  EXPECT_EQ(n, 6000u);
}

TEST(Counts, expects_bins_instead_of_drawing_their_queries) {
  std::istringstream in("minute,count\n3,40\n4,0\n7,60\n");
  const auto source = make_counts({.bin_s = 60, .start = TraceStart::first, .scale = 0.5}, in, Stream(1));
  Expected x;
  ASSERT_TRUE(source->next_expected(x));
  EXPECT_EQ(x.like.at, Time{});
  EXPECT_EQ(x.length, 60s);
  EXPECT_EQ(x.queries, 20);
  ASSERT_TRUE(source->next_expected(x));  // an empty bin is passed over
  EXPECT_EQ(x.like.at, Time{} + 4min);
  EXPECT_EQ(x.queries, 30);
  EXPECT_FALSE(source->next_expected(x));
}

}  // namespace
}  // namespace tideline

// Generators of arrivals against what is known of their processes.
#include "traces/mmpp.h"
#include "traces/modulated.h"
#include "traces/poisson.h"
#include "traces/popularity.h"
#include "traces/renewal.h"
#include "traces/task_table.h"
#include "traces/trace_fit.h"
#include "traces/trace_statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <list>
#include <memory>
#include <set>
#include <stdexcept>
#include <vector>

namespace tideline {
namespace {

TraceFigures figures(ArrivalSource& source, double span_s) {
  TraceStatistics statistics;
  TraceRow row;
  row.queries = 0;
  statistics.add(row);
  row.queries = 1;
  Time last{};
  for (Arrival a; source.next(a) && to_seconds(a.at) < span_s;) {
    EXPECT_GE(a.at, last);
    last = a.at;
    row.start_ns = a.at.time_since_epoch().count();
    statistics.add(row);
  }
  row.start_ns = 0;
  row.length_ns = from_seconds(span_s).count();
  row.queries = 0;
  statistics.add(row);
  return statistics.figures({});
}

double gap_cv(ArrivalSource& source, int n) {
  double sum = 0, squares = 0, last = 0;
  Arrival a;
  source.next(a);
  last = to_seconds(a.at);
  for (int k = 0; k < n && source.next(a); ++k) {
    const double gap = to_seconds(a.at) - last;
    last += gap;
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / n;
  return std::sqrt(squares / n - mean * mean) / mean;
}

TEST(Renewals, have_the_rate_and_the_cv_that_they_are_given) {
  for (const double cv : {0.2, 1.0, 3.0}) {
    const auto gamma = make_gamma({{.rate_qps = 50, .cv = cv}}, Stream(3));
    EXPECT_NEAR(gap_cv(*gamma, 400000), cv, 0.03 * cv) << cv;
    const auto weibull = make_weibull({{.rate_qps = 50, .cv = cv}}, Stream(4));
    EXPECT_NEAR(gap_cv(*weibull, 400000), cv, 0.05 * cv) << cv;
    EXPECT_EQ(gamma->mean_qps(Time{}, Time{} + 1s), 50);
    const auto again = make_weibull({{.rate_qps = 50, .cv = cv}}, Stream(5));
    EXPECT_NEAR(figures(*again, 10000).rate_qps, 50, 4 * cv * std::sqrt(50 / 10000.0) + 0.05) << cv;
  }
}

// Counts in long bins have the dispersion cv^2, from the first bin on: time 0 is no special instant.
TEST(Renewals, are_stationary_from_the_start) {
  double first = 0, later = 0;
  constexpr int runs = 4000;
  for (int k = 0; k < runs; ++k) {
    const auto source = make_gamma({{.rate_qps = 1, .cv = 3}}, Stream(1, "runs", static_cast<std::uint64_t>(k)));
    for (Arrival a; source->next(a) && a.at < Time{} + 20s;) (a.at < Time{} + 2s ? first : later) += 1;
  }
  EXPECT_NEAR(first / runs / 2, 1, 0.12);
  EXPECT_NEAR(later / runs / 18, 1, 0.06);
}

TEST(Curves, follow_their_rate) {
  const auto count = [](ArrivalSource& source, double from_s, double to_s) {
    double n = 0;
    for (Arrival a; source.next(a) && to_seconds(a.at) < to_s;) n += to_seconds(a.at) >= from_s;
    return n;
  };
  const RampParams ramp{.from_qps = 10, .to_qps = 110, .at = 100s, .over = 200s};
  auto source = make_ramp(ramp, Stream(1));
  EXPECT_NEAR(source->mean_qps(Time{}, Time{} + 400s), (10 * 100 + 60 * 200 + 110 * 100) / 400.0, 1e-9);
  EXPECT_NEAR(count(*source, 100, 300), 12000, 5 * std::sqrt(12000.0));
  SpikeParams spike{.base_qps = 10, .peak_qps = 500, .at = 50s, .length = 10s, .every = 100s};
  source = make_spike(spike, Stream(2));
  EXPECT_NEAR(source->mean_qps(Time{} + 150s, Time{} + 160s), 500, 1e-9);
  EXPECT_NEAR(count(*source, 150, 160), 5000, 5 * std::sqrt(5000.0));
  source = make_spike(spike, Stream(2));
  EXPECT_NEAR(count(*source, 160, 250), 900, 5 * std::sqrt(900.0));
  source = make_flash_crowd({.base_qps = 20, .peak_qps = 220, .at = 100s, .rise = 50s, .hold = 10s, .decay = 100s}, Stream(3));
  // Above the base: a triangle, a rectangle, and an exponential of 200 x 100 queries.
  const double all = 20 * 2000 + 200 * 50 / 2 + 200 * 10 + 200 * 100;
  EXPECT_NEAR(source->mean_qps(Time{}, Time{} + 2000s) * 2000, all, 0.003 * all);
  EXPECT_NEAR(count(*source, 0, 2000), all, 5 * std::sqrt(all));
  source = make_ramp({.from_qps = 5, .to_qps = 0, .at = 10s, .over = 0s}, Stream(4));
  EXPECT_NEAR(count(*source, 0, 1e9), 50, 36);
  EXPECT_THROW(make_ramp({}, Stream(1)), std::invalid_argument);
}

// For two states with rates a, b and switching rates r, s the dispersion of counts tends to 1 + 2 r s (a - b)^2 / ((r + s)^2 (a s + b r))
// (Fischer and Meier-Hellstern 1993, doi:10.1016/0166-5316(93)90035-S).
TEST(Mmpp, of_two_states_has_the_rate_and_dispersion_of_theory) {
  const double a = 200, b = 20, r = 0.5, s = 0.25;
  const auto source = make_mmpp({.rates_qps = {a, b}, .stays_s = {1 / r, 1 / s}}, Stream(7));
  const double mean = (a * s + b * r) / (r + s);
  EXPECT_NEAR(source->mean_qps(Time{}, Time{} + 1s), mean, 1e-6);
  const TraceFigures f = figures(*source, 200000);
  EXPECT_NEAR(f.rate_qps, mean, 0.01 * mean);
  const double dispersion = 1 + 2 * r * s * (a - b) * (a - b) / ((r + s) * (r + s) * (a * s + b * r));
  // A minute is long beside 1 / (r + s): what is cut off is (1 - e^-x) / x of it.
  const double x = (r + s) * 60;
  EXPECT_NEAR(f.minute.dispersion, 1 + (dispersion - 1) * (1 - (1 - std::exp(-x)) / x), 0.06 * dispersion);
}

TEST(Mmpp, goes_where_its_transitions_say) {
  // 0 -> 1 -> 2 -> 0: equal visits, and the time in each is its stay.
  const auto source = make_mmpp({.rates_qps = {0, 30, 60}, .stays_s = {3, 2, 1}, .transitions = {0, 1, 0, 0, 0, 1, 1, 0, 0}}, Stream(1));
  EXPECT_NEAR(source->mean_qps(Time{}, Time{} + 1s), (30 * 2 + 60) / 6.0, 1e-6);
  EXPECT_NEAR(figures(*source, 50000).rate_qps, 20, 0.6);
  EXPECT_THROW(make_mmpp({.rates_qps = {1, 2}, .stays_s = {1}}, Stream(1)), std::invalid_argument);
  EXPECT_THROW(make_mmpp({.rates_qps = {1, 2}, .stays_s = {1, 1}, .transitions = {0, 0, 1, 0}}, Stream(1)), std::invalid_argument);
}

ModulatedParams busy_week() {
  ModulatedParams p;
  p.mean_qps = 2;
  for (int h = 0; h < 24; ++h) p.hourly.push_back(1 + 0.5 * std::cos((h - 20) * 0.2618));
  p.weekdays = {1, 1, 1, 1, 1, 0.5, 0.5};
  p.fast_cv = 0.3;
  p.fast_s = 100;
  p.slow_cv = 0.4;
  p.slow_s = 3000;
  p.tenant_shares = {3, 1};
  p.tenant_cvs = {1, 3};
  return p;
}

TEST(Modulated, has_its_rate_shape_and_tenants) {
  const auto source = make_modulated(busy_week(), Stream(2));
  double tenants[2] = {}, days[7] = {}, hours[24] = {};
  for (Arrival a; source->next(a) && to_seconds(a.at) < 28 * 86400;) {
    tenants[a.tenant] += 1;
    days[static_cast<int>(to_seconds(a.at) / 86400) % 7] += 1;
    hours[static_cast<int>(to_seconds(a.at) / 3600) % 24] += 1;
  }
  const double all = tenants[0] + tenants[1];
  EXPECT_NEAR(all / (28 * 86400), 2, 0.08);
  EXPECT_NEAR(tenants[0] / all, 0.75, 0.01);
  EXPECT_NEAR((days[5] + days[6]) / (days[0] + days[1]), 0.5, 0.05);
  EXPECT_NEAR(hours[20] / hours[8], 3, 0.4);
  EXPECT_NEAR(source->mean_qps(Time{}, Time{} + 7 * 24h), 2, 0.01);
  EXPECT_NEAR(source->mean_qps(Time{} + 20h, Time{} + 21h), 2 * 1.5 * 7 / 6, 0.05);
}

// What is fitted to a trace of a known process is that process.
TEST(Fit, finds_the_source_of_a_trace_again) {
  const ModulatedParams truth = busy_week();
  const auto source = make_modulated(truth, Stream(11));
  TraceStatistics statistics;
  TraceFit fit;
  const std::vector<std::string> keys{"a", "b"};
  for (Arrival a; source->next(a) && to_seconds(a.at) < 28 * 86400;) {
    TraceRow row;
    row.start_ns = a.at.time_since_epoch().count();
    row.key = a.tenant;
    statistics.add(row);
    fit.add(row);
  }
  const TraceFigures f = statistics.figures(keys);
  const ModulatedParams p = fit.fit(f, keys).params;
  EXPECT_NEAR(p.mean_qps, 2, 0.1);
  EXPECT_EQ(p.tenants, keys);
  EXPECT_NEAR(p.tenant_shares[0], 0.75, 0.01);
  EXPECT_NEAR(p.tenant_cvs[0], 1, 0.05);
  EXPECT_NEAR(p.tenant_cvs[1], 3, 0.2);
  ASSERT_EQ(p.hourly.size(), 24U);
  EXPECT_NEAR(p.hourly[20] / p.hourly[8], 3, 1);
  ASSERT_EQ(p.weekdays.size(), 7U);
  EXPECT_NEAR(p.weekdays[6] / p.weekdays[0], 0.5, 0.06);
  EXPECT_NEAR(std::hypot(p.fast_cv, p.slow_cv), 0.5, 0.1);
  const TraceFigures again = figures(*make_modulated(p, Stream(12)), 28 * 86400);
  EXPECT_NEAR(again.second.dispersion, f.second.dispersion, 0.1 * f.second.dispersion);
  EXPECT_NEAR(again.minute.dispersion, f.minute.dispersion, 0.15 * f.minute.dispersion);
  EXPECT_NEAR(again.autocorrelation_1h, f.autocorrelation_1h, 0.1);
  EXPECT_NEAR(again.autocorrelation_24h, f.autocorrelation_24h, 0.1);
  EXPECT_THROW(TraceFit().fit(TraceFigures{}, {}), std::invalid_argument);
}

std::unique_ptr<ArrivalSource> popular(const PopularityParams& p, std::size_t tasks, double qps = 100) {
  return with_popularity(make_poisson({.rate_qps = qps}, Stream(1, "arrivals", 0)), p, tasks, Stream(1, "tasks", 0), Stream(1, "ranks", 0));
}

TEST(Popularity, drift_changes_who_is_asked_and_neither_when_nor_how_unevenly) {
  constexpr std::size_t tasks = 50;
  const auto still = popular({}, tasks), drifting = popular({.swap = 600s}, tasks);
  TaskTable by_hour, still_whole, whole;
  double exponent = 0;
  int hours = 0;
  Arrival a, b;
  Time hour = Time{} + 1h;
  while (still->next(a) && drifting->next(b) && a.at < Time{} + 24h) {
    ASSERT_EQ(a.at, b.at);
    if (b.at >= hour) {
      exponent += by_hour.figures(hour).zipf_exponent;
      ++hours;
      by_hour = TaskTable();
      hour += 1h;
    }
    by_hour.add(b.task, b.at);
    still_whole.add(a.task, a.at);
    whole.add(b.task, b.at);
  }
  EXPECT_NEAR(still_whole.figures(Time{} + 24h).zipf_exponent, 1, 0.02);
  // Within an hour some 12 of 50 ranks change hands: the exponent of its counts is a little below that of the ranks.
  EXPECT_NEAR(exponent / hours, 1, 0.08);
  EXPECT_LT(whole.figures(Time{} + 24h).zipf_exponent, 0.8);
}

TEST(Popularity, phases_shift_shares_over_the_day_and_not_the_rate) {
  const auto source = popular({.zipf_exponent = 0, .phase_spread_h = 24, .peak_to_trough = 3}, 2);
  double early[2] = {}, late[2] = {};
  for (Arrival a; source->next(a) && a.at < Time{} + 13h;) {
    if (a.at < Time{} + 1h) early[a.task] += 1;
    if (a.at >= Time{} + 12h) late[a.task] += 1;
  }
  EXPECT_NEAR(early[0] / early[1], 3, 0.1);
  EXPECT_NEAR(late[1] / late[0], 3, 0.1);
  EXPECT_NEAR(early[0] + early[1], late[0] + late[1], 5 * std::sqrt(360000.0));
}

TEST(Popularity, expected_queries_are_split_by_the_shares_of_the_time) {
  const auto source = popular({.zipf_exponent = 1}, 4);
  double sum = 0;
  Expected x;
  for (std::uint32_t k = 0; k < 4; ++k) {
    ASSERT_TRUE(source->next_expected(x));
    EXPECT_EQ(x.like.task, k);
    EXPECT_NEAR(x.queries, 1 / (k + 1.0) / (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0), 1e-12);
    sum += x.queries;
  }
  EXPECT_NEAR(sum, 1, 1e-12);
}

/// Shares of a day's queries that find their task among `room` that are kept: the most popular of time 0, or the last that were asked.
std::pair<double, double> hits_of(const PopularityParams& p, std::size_t tasks, std::size_t room) {
  const auto source = popular(p, tasks, 20);
  std::list<std::uint32_t> recent;
  double pinned = 0, lru = 0, all = 0;
  for (Arrival a; source->next(a) && a.at < Time{} + 24h;) {
    all += 1;
    pinned += a.task < room;
    const auto at = std::find(recent.begin(), recent.end(), a.task);
    if (at != recent.end()) {
      lru += 1;
      recent.erase(at);
    } else if (recent.size() == room) {
      recent.pop_back();
    }
    recent.push_front(a.task);
  }
  return {pinned / all, lru / all};
}

TEST(Popularity, at_some_drift_keeping_what_was_popular_loses_to_keeping_what_is_recent) {
  constexpr std::size_t tasks = 50, room = 10;
  const auto [pinned, lru] = hits_of({}, tasks, room);
  EXPECT_GT(pinned, lru + 0.1) << "without drift the most popular are the best that can be kept";
  // The longest time between swaps, on a grid of sqrt(2), at which the order has turned.
  Duration turned{};
  for (double s = 100000; s > 10 && turned == Duration{}; s /= std::sqrt(2.0)) {
    const auto [fixed, moving] = hits_of({.swap = from_seconds(s)}, tasks, room);
    if (moving > fixed) {
      turned = from_seconds(s);
      std::cout << "50 tasks, Zipf 1, room for 10: over a day LRU (" << moving << ") beats what was popular at its start (" << fixed
                << ") where two ranks swap every " << s << " s or faster; without drift " << lru << " and " << pinned << '\n';
    }
  }
  EXPECT_GT(turned, 60s);
  EXPECT_LT(turned, 24h);
  const auto [fixed, moving] = hits_of({.swap = turned / 10}, tasks, room);
  EXPECT_GT(moving, fixed + 0.05);
}

}  // namespace
}  // namespace tideline

// Traces whose numbers of queries are changed by what a first reading says.
#include "traces/rescale.h"

#include "src/trace_files.h"
#include "tests/support/published.h"
#include "tests/support/trace_arrivals.h"
#include "tests/support/trace_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/random/poisson_distribution.hpp>

#include <cmath>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>

namespace tideline {
namespace {

using testing::HasSubstr;
using trace_arrivals::rescaled_arrivals;
using trace_arrivals::with;

std::map<int, int> per_bin(const std::vector<Arrival>& list, double bin_s) {
  std::map<int, int> out;
  for (const Arrival& a : list) ++out[static_cast<int>(to_seconds(a.at) / bin_s)];
  return out;
}

TEST(Rescale, maps_the_rates_of_bins_onto_a_range) {
  const auto counts = trace_texts::files({{"c.txt", "10 20 40 10 110"}});
  const auto bins = per_bin(rescaled_arrivals(counts, with([](auto& p) {
                                                p.bin_s = 10;
                                                p.min_qps = 2;
                                                p.max_qps = 12;
                                              })),
                            10);
  // 10 .. 110 in a bin becomes 20 .. 120: on a straight line.
  EXPECT_EQ(bins, (std::map<int, int>{{0, 20}, {1, 30}, {2, 50}, {3, 20}, {4, 120}}));
}

TEST(Rescale, gives_bins_without_queries_theirs) {
  const auto events = trace_texts::files({{"t.csv", "timestamp,task\n0,a\n1,a\n2,b\n31,a\n"}});
  const auto list = rescaled_arrivals(events, with([](auto& p) {
                                        p.rescale_bin_s = 10;
                                        p.min_qps = 1;
                                        p.max_qps = 4;
                                      }));
  // 3, 0, 0, 1 queries: 40, 10, 10, and 20 of the last, which is a copy of one.
  EXPECT_EQ(per_bin(list, 10), (std::map<int, int>{{0, 40}, {1, 10}, {2, 10}, {3, 20}}));
}

TEST(Rescale, gives_silence_at_the_end_its_queries_too) {
  const auto counts = trace_texts::files({{"c.txt", "110 10 60 0 0 0"}});
  const auto set = [](auto& p) {
    p.bin_s = 10;
    p.min_qps = 1;
    p.max_qps = 12;
  };
  EXPECT_EQ(per_bin(rescaled_arrivals(counts, with(set)), 10), (std::map<int, int>{{0, 120}, {1, 20}, {2, 70}, {3, 10}, {4, 10}, {5, 10}}));
  EXPECT_EQ(per_bin(rescaled_arrivals(counts, with([&](auto& p) {
                                        set(p);
                                        p.to_s = 50;
                                      })),
                    10),
            (std::map<int, int>{{0, 120}, {1, 20}, {2, 70}, {3, 10}, {4, 10}}));
  // The last bin before the end of the part is not lost where the trace goes on.
  EXPECT_EQ(per_bin(rescaled_arrivals(counts, with([&](auto& p) {
                                        set(p);
                                        p.to_s = 20;
                                      })),
                    10),
            (std::map<int, int>{{0, 120}, {1, 10}}));
}

TEST(Rescale, work_1_is_the_mean_of_the_column_where_no_other_is_declared) {
  const auto trace = trace_texts::files({{"t.csv", "timestamp,tokens\n0,4\n1,\n2,8\n3,12\n9,100\n"}});
  const TraceParams params = with([](auto& p) {
    p.work_column = "tokens";
    p.to_s = 5;
  });
  const auto source = shaped([&] { return open_trace(trace, params); }, params, Stream(1));
  std::vector<float> work;
  for (Arrival a; source->next(a);) work.push_back(a.work);
  EXPECT_THAT(work, testing::ElementsAre(0.5F, 1, 1, 1.5F));
  EXPECT_THAT(source->reader().report().notes, testing::Contains("work 1 is 8, the mean of column 'tokens'"));
  EXPECT_THROW((void)trace_arrivals::source_of(trace, params), std::invalid_argument);
  const auto none = trace_texts::files({{"t.csv", "timestamp,tokens\n0,0\n1,\n"}});
  EXPECT_THROW((void)rescaled_arrivals(none, params), SourceError);
}

TEST(Rescale, is_told_what_does_not_go_together) {
  const auto counts = trace_texts::files({{"c.txt", "10 20 40"}});
  const auto refused = [&](auto set, const char* says) {
    const TraceParams params = with(set);
    try {
      (void)rescaled_arrivals(counts, params);
      ADD_FAILURE() << "was taken";
    } catch (const std::invalid_argument& e) {
      EXPECT_THAT(e.what(), HasSubstr(says));
    }
  };
  refused([](auto& p) { p.bin_s = 1, p.max_qps = 5, p.resample_s = 60; }, "only one of them");
  refused([](auto& p) { p.bin_s = 1, p.max_qps = 5, p.min_qps = 6; }, "max_qps must be at least min_qps");
  refused([](auto& p) { p.bin_s = 60, p.max_qps = 5, p.rescale_bin_s = 1; }, "shorter than the bins");
  const auto flat = trace_texts::files({{"c.txt", "10 10 10"}});
  const TraceParams params = with([](auto& p) { p.bin_s = 1, p.max_qps = 5; });
  EXPECT_THROW(rescaled_arrivals(flat, params), std::invalid_argument);
}

struct Dispersion {
  double rate, second, minute;
};
Dispersion dispersion_of(const TraceFiles& trace, const TraceParams& params, double span_s) {
  const TraceFigures f = trace_arrivals::figures_of(trace_arrivals::rescaled_arrivals(trace, params, 5), span_s);
  return {f.rate_qps, f.second.dispersion, f.minute.dispersion};
}

/// Checks all laws of scaling on a trace of counts per second.
void check_laws(const TraceFiles& trace, TraceParams params, double span_s, double tolerance) {
  const Dispersion i = dispersion_of(trace, params, span_s);
  const auto expect = [&](const TraceParams& p, double rate, double second, double minute, const char* what, double slack = 1) {
    const Dispersion d = dispersion_of(trace, p, span_s);
    EXPECT_NEAR(d.rate, rate, slack * 0.02 * rate) << what;
    EXPECT_NEAR(d.second, second, slack * tolerance * second) << what;
    EXPECT_NEAR(d.minute, minute, slack * tolerance * minute) << what;
  };
  TraceParams p = params;
  p.rate_scale = 0.1;
  expect(p, 0.1 * i.rate, 1 + 0.1 * (i.second - 1), 1 + 0.1 * (i.minute - 1), "thinned");
  p.keep_dispersion = true;
  expect(p, 0.1 * i.rate, i.second, i.minute, "thinned, with its dispersion", 3);
  p = params;
  p.rate_scale = 3;
  expect(p, 3 * i.rate, 3 * i.second, 3 * i.minute, "three copies");
  p.keep_dispersion = true;
  expect(p, 3 * i.rate, i.second, i.minute, "three times, with its dispersion");
  p = params;
  p.rate_scale = 3;
  p.resample_s = 10;
  expect(p, 3 * i.rate, 1 + 3 * (i.second - 1), 1 + 3 * (i.minute - 1), "resampled");
}

TEST(Scaling, does_to_dispersion_what_theory_says) {
  // Poisson counts whose rate changes every two minutes.
  std::string text;
  Stream stream(9);
  double rate = 0;
  constexpr int seconds = 40000;
  for (int s = 0; s < seconds; ++s) {
    if (s % 120 == 0) rate = 20 + 60 * uniform01(stream);
    text += std::to_string(boost::random::poisson_distribution<int, double>(rate)(stream)) + " ";
  }
  check_laws(trace_texts::files({{"c.txt", text}}), with([](auto& p) { p.bin_s = 1; }), seconds, 0.05);
}

TEST(Scaling, does_to_a_day_of_twitter_what_theory_says) {
  TIDELINE_NEEDS_PUBLISHED_TRACES();
  const std::filesystem::path path = test::published_traces() / "ready" / "twitter_2021_08_day1_per_second.csv";
  ASSERT_TRUE(std::filesystem::exists(path)) << path;
  check_laws(trace_files({path}), with([](auto& p) { p.to_s = 84600; }), 84600, 0.05);
}

TEST(Scaling, keeps_the_dispersion_of_a_day_of_twitter_that_ends_in_silence) {
  TIDELINE_NEEDS_PUBLISHED_TRACES();
  const std::filesystem::path path = test::published_traces() / "ready" / "twitter_2021_08_day1_per_second.csv";
  ASSERT_TRUE(std::filesystem::exists(path)) << path;
  const TraceFiles trace = trace_files({path});
  const Dispersion before = dispersion_of(trace, with([](auto&) {}), 86400), after = dispersion_of(trace, with([](auto&p) {
                                                                                                     p.rate_scale = 20;
                                                                                                     p.keep_dispersion = true;
                                                                                                   }),
                                                                                                   86400);
  EXPECT_NEAR(after.rate, 20 * before.rate, 0.01 * after.rate);
  EXPECT_NEAR(after.second, before.second, 0.05 * before.second);
  EXPECT_NEAR(after.minute, before.minute, 0.05 * before.minute);
}

}  // namespace
}  // namespace tideline

// Arrivals that are made of the rows of a trace.
#include "traces/shape.h"

#include "tests/support/trace_arrivals.h"
#include "tests/support/trace_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/math/special_functions/beta.hpp>

#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using trace_arrivals::arrivals;
using trace_arrivals::figures_of;
using trace_arrivals::source_of;
using trace_arrivals::with;
using trace_texts::files;

std::vector<double> times(const std::vector<Arrival>& list) {
  std::vector<double> out;
  for (const Arrival& a : list) out.push_back(to_seconds(a.at));
  return out;
}
const TraceFiles events = files({{"t.csv", "timestamp,task,tokens\n10,a,4\n11.5,b,8\n13,a,12\n20,c,\n"}});

TEST(Shape, the_first_row_is_time_0_or_the_zero_of_the_trace) {
  EXPECT_THAT(times(arrivals(events, with([](auto&) {}))), ElementsAre(0, 1.5, 3, 10));
  EXPECT_THAT(times(arrivals(events, with([](auto& p) { p.start = TraceStart::zero; }))), ElementsAre(10, 11.5, 13, 20));
}

TEST(Shape, a_window_and_a_scale_of_time) {
  EXPECT_THAT(times(arrivals(events, with([](auto& p) {
                               p.from_s = 1.5;
                               p.to_s = 10;
                               p.time_scale = 0.5;
                             }))),
              ElementsAre(0, 0.75));
  // Half of the first bin and a quarter of the last.
  const auto expected = arrivals(files({{"c", "8 8 8"}}), with([](auto& p) {
                                   p.bin_s = 60;
                                   p.from_s = 30;
                                   p.to_s = 135;
                                   p.placement = TracePlacement::even;
                                 }));
  ASSERT_EQ(expected.size(), 4U + 8U + 2U);
  EXPECT_DOUBLE_EQ(to_seconds(expected.front().at), 3.75);
  EXPECT_DOUBLE_EQ(to_seconds(expected.back().at), 90 + 11.25);
}

TEST(Shape, work_is_relative_to_its_mean) {
  const auto list = arrivals(events, with([](auto& p) {
                               p.work_column = "tokens";
                               p.work_mean = 8;
                             }));
  EXPECT_EQ(list[0].work, 0.5F);
  EXPECT_EQ(list[2].work, 1.5F);
  EXPECT_EQ(list[3].work, 1);
}

/// Counts that are 0 and 40 by turns: mean 20, variance 400, dispersion 20.
TraceFiles bursts(int bins) {
  std::string text;
  for (int k = 0; k < bins; ++k) text += k % 2 == 0 ? "40 " : "0 ";
  return files({{"c", text}});
}
double dispersion_with(const TraceFiles& trace, const TraceParams& params) { return figures_of(arrivals(trace, params)).second.dispersion; }

TEST(Shape, thinning_and_copies_change_the_dispersion_as_they_must) {
  const TraceFiles trace = bursts(20'000);
  // The variance of the sample is known to about a hundredth.
  for (const double p : {0.5, 0.1})
    EXPECT_NEAR(dispersion_with(trace, with([&](auto& q) { q.rate_scale = p; })), 1 + p * 19, 0.03 * (1 + p * 19)) << p;
  EXPECT_NEAR(dispersion_with(trace, with([](auto& q) { q.rate_scale = 3; })), 60, 0.1);
  EXPECT_NEAR(dispersion_with(trace, with([](auto& q) { q.placement = TracePlacement::poisson; })), 21, 0.6);
}

TEST(Shape, instants_are_copied_at_their_time) {
  EXPECT_THAT(times(arrivals(events, with([](auto& p) { p.rate_scale = 2; }))), ElementsAre(0, 0, 1.5, 1.5, 3, 3, 10, 10));
}

TEST(Shape, gaps_have_the_cv_of_the_trace) {
  for (const double cv : {0.5, 1.0, 3.0}) {
    const std::string shape = std::to_string(1 / (cv * cv));
    const auto list = arrivals(files({{"chunk-0-trace.csv", "0,50," + std::to_string(cv) + ",Gamma," + shape + ",1\n600,50," +
                                                                std::to_string(cv) + ",Weibull,1,1\n"}}),
                               with([](auto& p) { p.placement = TracePlacement::law; }));
    ASSERT_EQ(list.size(), 60'000U);
    // The standard error of a CV of gamma gaps is about cv sqrt((1 + 2 cv^2) / 2n); six of them.
    EXPECT_NEAR(figures_of(list).gap_cv, cv, 6 * cv * std::sqrt((1 + 3 * cv * cv) / 60'000));
  }
}

/// Windows of 600 s with 3 queries each, whose gaps have a gamma law of this shape.
std::vector<Arrival> arrivals_of_shape(const std::string& shape, int windows) {
  std::string text;
  for (int w = 0; w < windows; ++w) text += std::to_string(600 * w) + ",0.005,1,Gamma," + shape + ",1\n";
  return arrivals(files({{"chunk-0-trace.csv", text}}), with([](auto& p) { p.placement = TracePlacement::law; }));
}

TEST(Shape, gaps_of_any_shape_leave_no_time_of_a_window_special) {
  constexpr int windows = 150'000;
  constexpr double queries = 3, length = 600;
  for (const char* text : {"0.001", "0.1", "1", "1000000"}) {
    const auto list = arrivals_of_shape(text, windows);
    ASSERT_NEAR(static_cast<double>(list.size()), queries * windows, 10) << text;
    double early = 0, squares = 0, whole = 0, wide = 0;
    std::vector<double> here;
    double window = 0;
    const auto close = [&] {
      if (here.size() != 3) return;
      whole += 1;
      wide += here.back() - here.front() > 0.01 ? 1 : 0;
      for (std::size_t k = 0; k < here.size(); ++k) {
        const double gap = (k + 1 < here.size() ? here[k + 1] : here[0] + 1) - here[k];
        squares += gap * gap;
      }
    };
    for (const Arrival& a : list) {
      const double at = to_seconds(a.at) / length, of = std::floor(at);
      if (of != window) {
        close();
        here.clear();
        window = of;
      }
      here.push_back(at - of);
      early += at - of < 0.25 ? 1 : 0;
    }
    close();
    // All queries of a window may be at one time: the share has the deviation of so many windows. Five of them.
    EXPECT_NEAR(early / static_cast<double>(list.size()), 0.25, 5 * std::sqrt(0.25 * 0.75 / windows)) << text;
    // Gaps around a circle have a Dirichlet law: E sum of squares = (a + 1) / (n a + 1).
    const double a = std::stod(text), expected = (a + 1) / (queries * a + 1);
    EXPECT_NEAR(squares / whole, expected, 5 * std::sqrt(expected * (1 - expected) / whole)) << text;
    // From the first to the last query is all but the gap that the start is in, which it is by its length: 1 - Beta(a + 1, (n - 1) a).
    const double share = boost::math::ibetac((queries - 1) * a, a + 1, 0.01);
    EXPECT_NEAR(wide / whole, share, 5 * std::sqrt(share * (1 - share) / whole) + 1e-12) << text;
  }
}

TEST(Shape, keys_are_tasks_or_mapped_to_tasks) {
  const auto by_key = source_of(events, with([](auto&) {}));
  for (Arrival a; by_key->next(a);) {
  }
  EXPECT_THAT(std::vector<std::string>(by_key->task_names().begin(), by_key->task_names().end()), ElementsAre("a", "b", "c"));
  const auto tasks_with = [&](auto set) {
    std::vector<std::uint32_t> out;
    for (const Arrival& a : arrivals(events, with([&](auto& p) {
                                       p.tasks = {"x", "y"};
                                       set(p);
                                     })))
      out.push_back(a.task);
    return out;
  };
  EXPECT_THAT(tasks_with([](auto& p) { p.map = TaskMap::stripe; }), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(tasks_with([](auto& p) {
                p.map = TaskMap::round_robin;
                p.map_keys = 3;
              }),
              ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(tasks_with([](auto& p) { p.tasks = {"x"}; }), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(tasks_with([](auto& p) { p.tasks = {"c", "b", "a"}; }), ElementsAre(2, 1, 2, 0));
  try {
    tasks_with([](auto& p) { p.tasks = {"a", "bb"}; });
    FAIL();
  } catch (const SourceError& e) {
    EXPECT_THAT(e.what(), HasSubstr("key 'b' is none of the tasks that may occur"));
  }
}

TEST(Shape, drawn_tasks_have_their_shares) {
  const TraceFiles trace = bursts(4000);
  const auto share_of_first = [&](auto set) {
    std::map<std::uint32_t, int> counts;
    int n = 0;
    for (const Arrival& a : arrivals(trace, with([&](auto& p) {
                                       p.tasks = {"x", "y", "z"};
                                       set(p);
                                     }))) {
      ++counts[a.task];
      ++n;
    }
    return static_cast<double>(counts[0]) / n;
  };
  // Six standard deviations of a share of 80,000.
  EXPECT_NEAR(share_of_first([](auto& p) { p.map = TaskMap::equal; }), 1.0 / 3, 0.01);
  EXPECT_NEAR(share_of_first([](auto& p) { p.map = TaskMap::zipf; }), 6.0 / 11, 0.011);
  EXPECT_NEAR(share_of_first([](auto& p) {
                p.map = TaskMap::weights;
                p.weights = {1, 0, 3};
              }),
              0.25, 0.01);
}

TEST(Shape, what_is_expected_sums_up_to_what_comes) {
  const auto source = source_of(bursts(100), with([](auto& p) {
                                  p.tasks = {"x", "y"};
                                  p.map = TaskMap::zipf;
                                  p.rate_scale = 0.5;
                                }));
  double sum = 0, first = 0;
  for (Expected x; source->next_expected(x);) {
    EXPECT_EQ(x.length, 1s);
    sum += x.queries;
    if (x.like.task == 0) first += x.queries;
  }
  EXPECT_NEAR(sum, 1000, 1e-9);
  EXPECT_NEAR(first, 1000 * 2.0 / 3, 1e-9);
}

TEST(Shape, the_same_stream_gives_the_same_arrivals) {
  const TraceParams params = with([](auto& p) { p.rate_scale = 0.7; });
  EXPECT_EQ(times(arrivals(bursts(100), params, 3)), times(arrivals(bursts(100), params, 3)));
  EXPECT_NE(times(arrivals(bursts(100), params, 3)), times(arrivals(bursts(100), params, 4)));
}

TEST(Shape, parameters_that_do_not_fit_are_refused) {
  const auto why = [](auto set) -> std::string {
    try {
      (void)source_of(events, with(set));
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(why([](auto& p) { p.from_s = 5, p.to_s = 4; }), "to_s must be after from_s");
  EXPECT_EQ(why([](auto& p) { p.map = TaskMap::zipf; }), "map: there are no tasks to map keys to");
  EXPECT_EQ(why([](auto& p) {
              p.map = TaskMap::weights, p.tasks = {"a", "b"}, p.weights = {1};
            }),
            "weights: expected one for each task, 2");
  EXPECT_EQ(why([](auto& p) {
              p.map = TaskMap::round_robin, p.tasks = {"a", "b"};
            }),
            "map_keys: map round_robin needs the number of keys of the trace");
}

}  // namespace
}  // namespace tideline

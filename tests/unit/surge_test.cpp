// Surges over sources: how many queries, when, in order, the same again.
#include "traces/surge.h"
#include "traces/poisson.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace tideline {
namespace {

Time at(Duration d) { return Time{} + d; }

std::unique_ptr<ArrivalSource> poisson(double rate) {
  PoissonParams p;
  p.rate_qps = rate;
  return make_poisson(p, Stream(7));
}

std::vector<Time> arrivals(std::vector<Surge> surges, Duration until, double rate = 100) {
  const auto source = with_surges(poisson(rate), std::move(surges), Stream(3));
  std::vector<Time> out;
  Arrival a;
  while (source->next(a) && a.at < at(until)) out.push_back(a.at);
  return out;
}
double rate(const std::vector<Time>& list, Duration from, Duration to) {
  double n = 0;
  for (const Time t : list) n += t >= at(from) && t < at(to) ? 1 : 0;
  return n / to_seconds(to - from);
}

TEST(surge, multiplies_the_rate_while_it_lasts_and_keeps_the_order) {
  const auto list = arrivals({{at(100s), at(300s), 2.5, never}}, 400s);
  EXPECT_TRUE(std::is_sorted(list.begin(), list.end()));
  EXPECT_NEAR(rate(list, 0s, 100s), 100, 4);
  EXPECT_NEAR(rate(list, 110s, 290s), 250, 4 * std::sqrt(2.5 * 2.5 * 100 / 180.0));
  EXPECT_NEAR(rate(list, 300s, 400s), 100, 4) << "copies end with the surge";
}

TEST(surge, below_one_thins) {
  const auto list = arrivals({{at(100s), at(300s), .25, never}}, 400s);
  EXPECT_NEAR(rate(list, 100s, 300s), 25, 4 * std::sqrt(25 / 200.0));
}

TEST(surge, of_factor_one_leaves_the_source_as_it_is) {
  const auto plain = poisson(100);
  std::vector<Time> list;
  Arrival a;
  while (plain->next(a) && a.at < at(100s)) list.push_back(a.at);
  EXPECT_EQ(arrivals({{at(10s), at(50s), 1, never}}, 100s), list);
}

TEST(surge, says_its_mean_rate) {
  const auto source = with_surges(poisson(10), {{at(10s), at(20s), 3, never}, {at(15s), at(30s), 2, never}}, Stream(3));
  EXPECT_DOUBLE_EQ(source->mean_qps(at(0s), at(10s)), 10);
  EXPECT_DOUBLE_EQ(source->mean_qps(at(10s), at(30s)), 10 * (3 * 5 + 6 * 5 + 2 * 10) / 20.0);
}

}  // namespace
}  // namespace tideline

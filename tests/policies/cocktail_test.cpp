// Cocktail (S8): an ensemble that shrinks and grows, and the votes that it goes by.
//
// Whose examples these are:
//   cocktail: Gunasekaran et al., NSDI 2022
#include "policies/builtin.h"
#include "policies/components/majority.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace tideline {
namespace {

using namespace test;

// Independent voters at 0.7, ties to one fixed voter, N = 1 .. 8; and others of the same table.
TEST(expected_vote, is_that_of_the_table) {
  const std::vector<double> at_7(16, 0.7), at_8(3, 0.8);
  const double right[] = {.7, .7, .784, .784, .83692, .83692, .873964, .873964};
  for (std::size_t n = 1; n <= 8; ++n) EXPECT_NEAR(expected_vote(std::span(at_7).first(n)).right, right[n - 1], 1e-9) << n;
  EXPECT_NEAR(expected_vote(at_8).right, .896, 1e-9);
  EXPECT_EQ(expected_vote({}).right, 0);
  // By hand: of two at 0.7, 0.58 agree.
  EXPECT_NEAR(expected_vote(std::span(at_7).first(2)).strength, 2 * .58 + .42, 1e-9);
  // A tie goes as the first says: of voters 0.9 and 0.6 the answer is that of the first.
  EXPECT_NEAR(expected_vote(std::vector{.9, .6}).right, .9, 1e-9);
}

TEST(pivotal_voters, are_those_without_whom_it_would_come_out_otherwise) {
  const std::vector<double> one_each{1, 1, 1}, trust{.9, .8, .7};
  EXPECT_TRUE(is_pivotal(0, 0b001, std::vector{1.0}, std::vector{.9}));
  for (const std::size_t k : {0U, 1U, 2U}) EXPECT_FALSE(is_pivotal(k, 0b111, one_each, trust)) << k;
  // Two against one: without one of the two it is a tie, which goes as the most trusted left says.
  EXPECT_FALSE(is_pivotal(0, 0b011, one_each, trust)) << "1 is more trusted than 2";
  EXPECT_TRUE(is_pivotal(1, 0b110, one_each, trust)) << "0 is more trusted than 2";
  EXPECT_FALSE(is_pivotal(0, 0b110, one_each, trust)) << "who lost changed nothing";
  EXPECT_TRUE(is_pivotal(0, 0b001, std::vector{3.0, 1.0, 1.0}, trust));
}

/// Equal members of accuracy 0.7 on hardware of the given prices an hour.
WorldBuilder equals(std::size_t n, double accuracy = 0.7) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  for (std::size_t k = 0; k < n; ++k) {
    const HardwareId h = b.hardware("h" + std::to_string(k));
    b.variant("v" + std::to_string(k), t, h, accuracy, 10ms);
    b.pool("p" + std::to_string(k), s, h, 1, 1);
  }
  b.catalog.tasks[0].correlation = 0;
  b.add_class(t, 100ms);
  return b;
}

std::vector<int> sizes(int first, double margin, int rounds) {
  ClusterBench bench(equals(12));
  const auto p = make<SelectionPolicy>(cocktail(), bench.setup(), {{"target", 0.8}, {"margin", margin}, {"initial_members", first}});
  std::vector<int> out;
  for (int k = 0; k < rounds; ++k) {
    p->round(bench.view(Time{} + k * 30s));
    const Selection s = p->select(bench.query(bench.admit(ClassId{0})), bench.view(Time{} + k * 30s));
    EXPECT_EQ(s.quorum, s.count);
    out.push_back(s.count);
  }
  return out;
}

// Target .80. Margin .05, as in the code: from 3 it settles at 5, from 9 at 6. Margin .02 has no fixed point.
TEST(cocktail, settles_as_worked_out) {
  EXPECT_EQ(sizes(3, .05, 5), (std::vector{3, 4, 5, 5, 5}));
  EXPECT_EQ(sizes(9, .05, 6), (std::vector{9, 8, 7, 6, 6, 6}));
  EXPECT_EQ(sizes(5, .02, 5), (std::vector{5, 4, 5, 4, 5}));
}

TEST(cocktail, takes_of_a_model_the_hardware_that_costs_least_per_item_it_holds) {
  WorldBuilder b = equals(2);
  b.catalog.variants[0].model = b.catalog.variants[1].model = "same";
  b.topology.pools[0].price_per_hour_usd = 3;
  b.topology.pools[1].price_per_hour_usd = 4;
  // The dearer one runs batches of two within half the SLO.
  b.catalog.variants[1].profile = Profile({1}, {{0ms, 20ms, 40ms, 90ms}});
  ClusterBench bench(b);
  const auto p = make<SelectionPolicy>(cocktail(), bench.setup());
  const Selection s = p->select(bench.query(bench.admit(ClassId{0})), bench.view());
  ASSERT_EQ(s.count, 1);
  EXPECT_EQ(s.variants[0], VariantId{1});
}

TEST(cocktail, refuses_labels_that_nobody_gives) {
  ClusterBench bench(equals(2));
  try {
    make<SelectionPolicy>(cocktail(), bench.setup(), {{"accuracy", "labels"}});
    FAIL();
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "\"accuracy\": \"labels\" needs labels: the scenario has \"feedback\" of no share of the answers");
  }
}

TEST(cocktail, where_answers_cannot_vote_the_cheapest_that_reaches_the_target_answers) {
  WorldBuilder b = equals(3);
  b.catalog.tasks[0].hit_rate = false;
  b.catalog.variants[0].accuracy = 0.8;
  b.catalog.variants[2].accuracy = 0.6;
  b.topology.pools[0].price_per_hour_usd = 3;
  b.topology.pools[1].price_per_hour_usd = 2;
  for (const auto& [target, chosen] : {std::pair{0.75, 0U}, {0.7, 1U}, {0.5, 2U}, {0.95, 0U}}) {
    ClusterBench bench(b);
    const auto p = make<SelectionPolicy>(cocktail(), bench.setup(), {{"target", target}});
    for (int k = 0; k < 3; ++k) {
      p->round(bench.view(Time{} + k * 30s));
      const Selection s = p->select(bench.query(bench.admit(ClassId{0})), bench.view());
      ASSERT_EQ(s.count, 1) << target;
      EXPECT_EQ(s.variants[0], VariantId{chosen}) << target;
      EXPECT_EQ(s.combine, Combine::best);
    }
  }
}

/// Members asked by each query in a run of 300 s with five variants, a query each 50 ms.
std::vector<std::uint8_t> visits_in_a_run(const WorldBuilder& b, const param::Object& params, double labels,
                                          std::vector<Change> changes = {}) {
  RunBench r(b);
  r.use(cocktail(), params);
  r.options.environment.feedback = {labels, 1s};
  r.options.environment.changes = std::move(changes);
  for (std::size_t k = 0; k < b.catalog.variants.size(); ++k) r.warm_at_start(VariantId{k}, k);
  auto source = std::make_unique<PlainSource>();
  for (int k = 0; k < 6000; ++k) source->list.emplace_back(Time{} + k * 50ms, 0);
  r.arrivals(std::move(source));
  r.run();
  std::vector<std::uint8_t> out;
  for (const QueryEnd& e : r.notes.ends) out.push_back(e.visits);
  return out;
}

// In a run the votes are counted: of five at 0.9, which have .99, three have .972, and two as one .9.
TEST(cocktail, shrinks_in_a_run_as_far_as_its_target_lets_it) {
  for (const char* accuracy : {"profile", "labels"}) {
    const auto visits = visits_in_a_run(equals(5, 0.9), {{"target", 0.92}, {"margin", 0.03}, {"accuracy", accuracy}}, 1);
    EXPECT_EQ(visits.front(), 5) << accuracy;
    // 5 and 4 have more than .95, 3 too, then 2 have .9: below the target, and one joins again.
    EXPECT_EQ(*std::min_element(visits.begin(), visits.end()), 2) << accuracy;
    EXPECT_EQ(*std::max_element(visits.begin() + 3000, visits.end()), 3) << accuracy;
  }
}

// Labels tell what profiles do not: when all members become worse, more are asked.
TEST(cocktail, grows_again_when_labels_are_worse_than_profiles) {
  std::vector<Change> worse;
  for (std::size_t k = 0; k < 5; ++k)
    worse.push_back({.kind = Change::Kind::accuracy, .from = Time{} + 150s, .variant = VariantId{k}, .amount = -.2});
  const param::Object by_labels{{"target", 0.85}, {"margin", 0.03}, {"accuracy", "labels"}};
  const auto visits = visits_in_a_run(equals(5, 0.9), by_labels, .5, worse);
  EXPECT_LE(visits[2800], 2);
  EXPECT_EQ(visits.back(), 5);
  const param::Object by_profile{{"target", 0.85}, {"margin", 0.03}};
  EXPECT_EQ(visits_in_a_run(equals(5, 0.9), by_profile, .5, worse).back(), 2) << "two do not always agree: neither goes";
}

// The member of least importance for its cost goes: v0 costs ten times as much.
TEST(cocktail, who_costs_much_for_what_its_vote_does_goes_first) {
  WorldBuilder b = equals(3, 0.8);
  b.topology.pools[0].price_per_hour_usd = 10;
  RunBench r(b);
  r.use(cocktail(), {{"target", 0.75}, {"margin", 0.05}, {"interval_s", 100}});
  for (std::size_t k = 0; k < 3; ++k) r.warm_at_start(VariantId{k}, k);
  auto source = std::make_unique<PlainSource>();
  for (int k = 0; k < 1900; ++k) source->list.emplace_back(Time{} + k * 100ms, 0);
  r.arrivals(std::move(source));
  r.run();
  EXPECT_EQ(r.notes.ends.front().visits, 3);
  EXPECT_EQ(r.notes.ends.front().variant, VariantId{0});
  EXPECT_EQ(r.notes.ends.back().visits, 2);
  EXPECT_EQ(r.notes.ends.back().variant, VariantId{1});
}

}  // namespace
}  // namespace tideline

// Bandits (S12): what is known of arms, by worked examples; rewards that come late; whole runs.
//
// Whose examples these are:
//   epsilon_greedy: Sutton and Barto, "Reinforcement learning: an introduction", MIT Press 2018
//   exp3: doi:10.1137/S0097539701398375
//   lin_ucb: doi:10.1145/1772690.1772758
//   thompson: Agrawal and Goyal, "Analysis of Thompson sampling for the multi-armed bandit problem", COLT 2012
//   ucb1: doi:10.1023/A:1013689704352
#include "policies/components/bandit.h"
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

namespace tideline {
namespace {

using namespace test;

// --- arms ---

TEST(bandit_arms, ucb1_bounds_are_the_worked_ones) {
  ArmMeans arms(3, 1);
  const int n[] = {10, 5, 2};
  const double mean[] = {.6, .7, .5};
  for (std::size_t k = 0; k < 3; ++k)
    for (int j = 0; j < n[k]; ++j) {
      arms.pull(k);
      arms.learn(k, mean[k]);
    }
  EXPECT_EQ(arms.all_pulls(), 17);
  const double bound[] = {1.3528, 1.7646, 2.1832};
  const auto bound_of = [&](std::size_t k) { return arms.upper_bound(k, arms.all_pulls()); };
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(bound_of(k), bound[k], 5e-5);
  EXPECT_EQ(best_arm(std::array<char, 3>{1, 1, 1}, bound_of), 2U);
}

TEST(bandit_arms, pulls_count_before_their_rewards_come) {
  ArmMeans arms(2, 1);
  EXPECT_EQ(arms.upper_bound(0, 0), HUGE_VAL);
  arms.pull(0);
  EXPECT_LT(arms.upper_bound(0, arms.all_pulls()), HUGE_VAL);
  arms.forget(0);
  EXPECT_EQ(arms.upper_bound(0, arms.all_pulls()), HUGE_VAL);
}

TEST(bandit_arms, discounts_forget) {
  ArmMeans arms(1, 0.5);
  for (const double r : {1.0, 0.0, 0.0}) {
    arms.pull(0);
    arms.learn(0, r);
  }
  EXPECT_DOUBLE_EQ(arms.mean(0), .25 / 1.75);
}

// Eta .1, three arms: arm 0 loses 1, then arm 1 loses .25.
TEST(bandit_arms, exp3_weights_are_the_worked_ones) {
  ExponentialWeights w(3, 0.1, 1);
  const std::array<char, 3> all{1, 1, 1};
  w.learn(0, 1, w.probability(0, all));
  EXPECT_NEAR(w.weight(0), .740818, 1e-6);
  EXPECT_NEAR(w.probability(0, all), .270291, 1e-6);
  EXPECT_NEAR(w.probability(1, all), .364855, 1e-6);
  w.learn(1, .25, w.probability(1, all));
  EXPECT_NEAR(w.weight(1), .933774, 1e-6);
  EXPECT_EQ(w.weight(2), 1);
}

// What an arm of probability p loses counts as loss / p, but for p below a thousandth.
TEST(bandit_arms, exp3_bounds_what_an_improbable_arm_loses) {
  for (const double p : {1e-3, 1e-9}) {
    ExponentialWeights w(2, 1e-4, 1);
    w.learn(0, 1, p);
    EXPECT_DOUBLE_EQ(w.weight(0), std::exp(-.1)) << p;
  }
}

TEST(bandit_arms, exp3_weights_outlive_long_runs) {
  ExponentialWeights w(2, 10, 1);
  const std::array<char, 2> all{1, 1};
  for (int k = 0; k < 1000; ++k) w.learn(k % 2 == 0 ? 0 : 1, 1, w.probability(k % 2 == 0 ? 0 : 1, all));
  EXPECT_TRUE(std::isfinite(w.probability(0, all)));
  EXPECT_NEAR(w.probability(0, all) + w.probability(1, all), 1, 1e-12);
}

// Exp4: all arms are pulled, and each loses by itself.
TEST(bandit_arms, exp4_weights_follow_the_losses_of_each) {
  ExponentialWeights w(3, 0.1, 1);
  const std::array<std::uint8_t, 3> all{0, 1, 2};
  w.learn(all, std::array{1.0, 0.0, 0.25});
  w.learn(std::span(all).subspan(1), std::array{1.0, 1.0});
  EXPECT_DOUBLE_EQ(w.weight(0), std::exp(-.1));
  EXPECT_DOUBLE_EQ(w.weight(1), std::exp(-.1));
  EXPECT_DOUBLE_EQ(w.weight(2), std::exp(-.025) * std::exp(-.1));
}

// d = 2, x = (1, .5): the first bonus; after R = 1 mean and bonus; after R = 0 both again.
TEST(bandit_arms, lin_ucb_estimates_are_the_worked_ones) {
  const LinearArms::Context x{1, .5};
  LinearArms arms(2, 1), dear(2, 0.9999999999);
  for (LinearArms* a : {&arms, &dear}) {
    EXPECT_NEAR(a->at(0, x).width, 1.118034, 1e-6);
    a->learn(0, x, 1);
    EXPECT_NEAR(a->at(0, x).mean, .555556, 1e-6);
    EXPECT_NEAR(a->at(0, x).width, .745356, 1e-6);
    a->learn(0, x, 0);
    EXPECT_NEAR(a->at(0, x).mean, .357143, 1e-6);
    EXPECT_NEAR(a->at(0, x).width, .597614, 1e-6);
    EXPECT_NEAR(a->at(1, x).width, 1.118034, 1e-6) << "each arm has a model of its own";
  }
}

TEST(open_pulls, are_found_until_they_are_erased) {
  OpenQueries<Pull> open;
  std::map<std::uint64_t, std::uint32_t> known;
  Stream s(1);
  for (int k = 0; k < 50'000; ++k) {
    const std::uint64_t q = below(s, 3000);
    if (below(s, 2) == 0) {
      open.insert(q).arm = static_cast<std::uint32_t>(k);
      known[q] = static_cast<std::uint32_t>(k);
    } else {
      open.erase(q);
      known.erase(q);
    }
  }
  EXPECT_EQ(open.size(), known.size());
  for (std::uint64_t q = 0; q < 3000; ++q) {
    const Pull* p = open.find(q);
    ASSERT_EQ(p != nullptr, known.contains(q)) << q;
    if (p != nullptr) {
      EXPECT_EQ(p->arm, known[q]);
    }
  }
}

// --- policies ---

using Make = PolicyDefinition (*)();
struct Bandit {
  Make make;
  param::Object params;
};
std::vector<Bandit> bandits() {
  return {{epsilon_greedy, {}}, {ucb1, {}}, {thompson, {}}, {thompson, {{"form", "linear"}}}, {lin_ucb, {}}, {exp3, {{"eta", 0.1}}}};
}

struct TwoArms {
  WorldBuilder b;
  VariantId a, z;
  TwoArms() {
    const SiteId s = b.site("s");
    const TaskId t = b.task("t");
    const HardwareId gpu = b.hardware("gpu");
    z = b.variant("z", t, gpu, 0.6, 10ms);
    a = b.variant("a", t, gpu, 0.9, 10ms);
    b.pool("p", s, gpu, 2);
    b.add_class(t, 100ms);
  }
};

/// Share of pulls of the better arm in 5000, the rewards Bernoulli at .9 and .6, heard as labels.
double best_share(const Bandit& bandit, std::uint64_t seed) {
  TwoArms w;
  w.b.catalog.variants[w.a.index()].accuracy = w.b.catalog.variants[w.z.index()].accuracy = 0.5;  // profiles tell nothing
  ClusterBench bench(w.b);
  tideline::Setup setup = bench.setup(seed);
  setup.label_share = 1;
  param::Object params = bandit.params;
  params.emplace_back("accuracy", "labels");
  const auto p = make<SelectionPolicy>(bandit.make(), setup, params);
  auto& o = dynamic_cast<Observer&>(*p);
  Stream rewards(seed + 1000);
  const VisitId v = bench.admit(ClassId{0});
  int best = 0;
  for (std::uint64_t k = 0; k < 5000; ++k) {
    bench.cluster.visit(v).serial = k;
    const Selection s = p->select(bench.query(v), bench.view());
    const VariantId arm = s.variants[0];
    best += arm == w.a ? 1 : 0;
    o.ended({k, ClassId{0}, arm, 10ms, 0, true}, bench.view());
    o.feedback({k, ClassId{0}, arm, uniform01(rewards) < (arm == w.a ? .9 : .6) ? 1.0 : 0.0}, bench.view());
  }
  return best / 5000.0;
}

// Published and recomputed: UCB1 and Beta sampling find the better arm in every run; linear ones lock into the worse in one or two of a
// hundred, so of them the median counts.
TEST(bandits, find_the_better_of_two_arms) {
  const auto all = bandits();
  for (const std::size_t k : {1U, 2U})
    for (std::uint64_t seed = 1; seed <= 40; ++seed) EXPECT_GT(best_share(all[k], seed), .9) << all[k].make().name << ' ' << seed;
  for (const std::size_t k : {3U, 4U}) {
    std::vector<double> shares;
    for (std::uint64_t seed = 1; seed <= 21; ++seed) shares.push_back(best_share(all[k], seed));
    std::nth_element(shares.begin(), shares.begin() + 10, shares.end());
    EXPECT_GT(shares[10], .99) << all[k].make().name;
  }
  EXPECT_NEAR(best_share(all[0], 1), .95, .02) << "a tenth goes anywhere";
  EXPECT_GT(best_share(all[5], 1), .8);
}

// Seven right and three wrong answers of one arm, four and four of the other: Beta(8, 4) is the larger in .7951 of all draws.
TEST(bandits, thompson_chooses_an_arm_as_often_as_its_belief_is_the_largest) {
  TwoArms w;
  ClusterBench bench(w.b);
  tideline::Setup setup = bench.setup();
  setup.label_share = 1;
  const auto p = make<SelectionPolicy>(thompson(), setup, {{"accuracy", "labels"}});
  auto& o = dynamic_cast<Observer&>(*p);
  std::map<VariantId, std::vector<double>> labels{{w.a, {1, 1, 1, 1, 1, 1, 1, 0, 0, 0}}, {w.z, {1, 1, 1, 1, 0, 0, 0, 0}}};
  const VisitId v = bench.admit(ClassId{0});
  std::uint64_t query = 0;
  // Answers beyond the labels have none, and teach nothing.
  const auto pull = [&] {
    bench.cluster.visit(v).serial = query;
    const VariantId arm = p->select(bench.query(v), bench.view()).variants[0];
    auto& left = labels[arm];
    o.ended({query, ClassId{0}, arm, 10ms, 0, !left.empty()}, bench.view());
    if (!left.empty()) {
      o.feedback({query, ClassId{0}, arm, left.back()}, bench.view());
      left.pop_back();
    }
    ++query;
    return arm;
  };
  while (!labels[w.a].empty() || !labels[w.z].empty()) pull();
  constexpr int n = 50'000;
  int better = 0;
  for (int k = 0; k < n; ++k) better += pull() == w.a ? 1 : 0;
  EXPECT_NEAR(better / static_cast<double>(n), .7951, 4 * std::sqrt(.7951 * .2049 / n));
}

// A query that is late or dropped is worth nothing; cost is taken off.
TEST(bandits, a_reward_is_accuracy_in_time_less_cost) {
  TwoArms w;
  ClusterBench bench(w.b);
  const auto p = make<SelectionPolicy>(epsilon_greedy(), bench.setup(), {{"epsilon", 0}, {"cost_weight", 100}});
  auto& o = dynamic_cast<Observer&>(*p);
  std::uint64_t number = 0;
  const auto ask = [&](const Ended& end) {
    const VisitId v = bench.admit(ClassId{0});
    number = bench.query(v).number();
    const VariantId arm = p->select(bench.query(v), bench.view()).variants[0];
    Ended e = end;
    e.query = number;
    e.cls = ClassId{0};
    if (e.variant) e.variant = arm;
    o.ended(e, bench.view());
    return arm;
  };
  const Ended late{0, {}, w.a, 101ms, 0, false}, dropped{}, dear{0, {}, w.a, 99ms, 0.005, false}, cheap{0, {}, w.a, 99ms, 0.001, false};
  EXPECT_EQ(ask(late), w.a) << "at first the most accurate";
  EXPECT_EQ(ask(cheap), w.z) << "the other one was worth nothing; this one .5";
  EXPECT_EQ(ask(dear), w.z);     // .1, mean .3
  EXPECT_EQ(ask(dropped), w.z);  // mean .2
  EXPECT_EQ(ask(dropped), w.z);
  for (int k = 0; k < 100; ++k) EXPECT_EQ(ask(cheap), w.z) << "a is at 0 still";
}

TEST(bandits, keep_cost_caps_and_the_largest_batch) {
  TwoArms w;
  w.b.topology.pools[0].price_per_hour_usd = 3600;
  w.b.catalog.variants[w.a.index()].profile = Profile({1}, {{0ms, 20ms}});
  w.b.classes[0].cost_cap_usd = 0.015;
  w.b.add_class(TaskId{0}, 100ms);
  w.b.classes[1].cost_cap_usd = 0.001;
  for (const Bandit& bandit : bandits()) {
    ClusterBench bench(w.b);
    const auto p = make<SelectionPolicy>(bandit.make(), bench.setup(), bandit.params);
    for (int k = 0; k < 20; ++k)
      EXPECT_EQ(p->select(bench.query(bench.admit(bench.world->class_of(0))), bench.view()).variants[0], w.z) << bandit.make().name;
    const auto why = [&](VisitId v) { return p->reasons()[p->select(bench.query(v), bench.view()).reason]; };
    EXPECT_EQ(why(bench.admit(bench.world->class_of(1))), "above_cost_cap");
    EXPECT_EQ(why(bench.admit(bench.world->class_of(1), {}, 2)), "too_large");
  }
}

TEST(bandits, may_keep_to_what_is_warm) {
  TwoArms w;
  for (const Bandit& bandit : bandits()) {
    ClusterBench bench(w.b);
    param::Object params = bandit.params;
    params.emplace_back("only_warm", true);
    const auto p = make<SelectionPolicy>(bandit.make(), bench.setup(), params);
    const auto select = [&] { return p->select(bench.query(bench.admit(ClassId{0})), bench.view()); };
    EXPECT_EQ(select().answer, Selection::Answer::variants) << "nothing is";
    bench.warm(w.z, 0);
    for (int k = 0; k < 20; ++k) EXPECT_EQ(select().variants[0], w.z) << bandit.make().name;
  }
}

TEST(bandits, refuse_labels_that_nobody_gives) {
  TwoArms w;
  ClusterBench bench(w.b);
  for (const Bandit& bandit : bandits())
    EXPECT_THROW(make<SelectionPolicy>(bandit.make(), bench.setup(), {{"accuracy", "labels"}}), std::invalid_argument);
}

/// A run in which arm a becomes bad at half time; labels of a share come after a while. The share of z in each half's last third.
std::array<double, 2> drifting_run(const Bandit& bandit, const param::Object& more, double labels, Duration delay) {
  TwoArms w;
  RunBench r(w.b);
  param::Object params = bandit.params;
  for (const auto& p : more) params.push_back(p);
  r.use(bandit.make(), params);
  r.options.environment.feedback = {labels, delay};
  r.options.environment.changes = {{.kind = Change::Kind::accuracy, .from = Time{} + 600s, .variant = w.a, .amount = -.8}};
  r.warm_at_start(w.z, 0);
  r.warm_at_start(w.a, 1);
  auto source = std::make_unique<PlainSource>();
  for (int k = 0; k < 12'000; ++k) source->list.emplace_back(Time{} + k * 100ms, 0);
  r.arrivals(std::move(source));
  r.run();
  std::array<double, 2> z{}, all{};
  for (const QueryEnd& e : r.notes.ends) {
    const std::size_t half = e.finish < Time{} + 600s ? 0 : 1;
    if (e.finish < Time{} + 400s || (half == 1 && e.finish < Time{} + 1000s)) continue;
    ++all[half];
    z[half] += e.variant == w.z ? 1 : 0;
  }
  return {z[0] / all[0], z[1] / all[1]};
}

// Labels are late and rare, and what they say changes: who forgets follows.
TEST(bandits, with_a_discount_follow_a_drift_that_only_labels_tell_of) {
  for (const Bandit& bandit : bandits()) {
    const auto z = drifting_run(bandit, {{"accuracy", "labels"}, {"discount", 0.99}}, .5, 5s);
    EXPECT_LT(z[0], .4) << bandit.make().name;
    EXPECT_GT(z[1], .6) << bandit.make().name;
  }
  const auto by_profile = drifting_run(bandits()[1], {}, .5, 5s);
  EXPECT_LT(by_profile[1], .4) << "profiles do not tell";
}

TEST(bandits, repeat_themselves) {
  for (const Bandit& bandit : bandits()) {
    const auto once = drifting_run(bandit, {{"accuracy", "labels"}}, .2, 5s),
               twice = drifting_run(bandit, {{"accuracy", "labels"}}, .2, 5s);
    EXPECT_EQ(once, twice);
  }
}

}  // namespace
}  // namespace tideline

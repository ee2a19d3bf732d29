// Model switching (S9), and the small simulation of a variant alone that it goes by.
//
// Whose examples these are:
//   model_switching: Zhang et al., HotCloud 2020
#include "policies/builtin.h"
#include "policies/components/on_time_share.h"
#include "tests/support/make_policy.h"
#include "tests/support/small_world.h"

#include <cmath>

namespace tideline::test {
namespace {

Profile constant(Duration l) { return Profile({1}, {{Duration{}, l}}); }

// M/D/1: P(wait <= t) = (1 - rho) sum over k <= t/D of (-u)^k / k! e^u with u = lambda (t - kD) (Erlang 1909).
double md1_on_time(double rho, double t_over_d) {
  double sum = 0;
  for (int k = 0; k <= static_cast<int>(t_over_d); ++k) {
    const double u = rho * (t_over_d - k);
    double term = std::exp(u);
    for (int j = 1; j <= k; ++j) term *= -u / j;
    sum += term;
  }
  return (1 - rho) * sum;
}

TEST(OnTimeShare, of_one_device_is_that_of_the_formula) {
  const Profile p = constant(10ms);
  for (const double rho : {0.3, 0.6, 0.8})
    for (const int slo_ms : {15, 25, 45}) {
      const AloneQueue q{&p, 1, 1, slo_ms * 1ms};
      EXPECT_NEAR(q.on_time_share(rho * 100, 400'000, Stream(5)), md1_on_time(rho, slo_ms / 10.0 - 1), 0.01) << rho << ' ' << slo_ms;
    }
}

TEST(OnTimeShare, is_all_or_nothing_without_load_and_falls_with_it) {
  const Profile p({1}, {{0ms, 10ms, 12ms, 14ms, 16ms}});
  EXPECT_EQ((AloneQueue{&p, 1, 4, 10ms}.on_time_share(0, 100, Stream(1))), 1);
  EXPECT_EQ((AloneQueue{&p, 1, 4, 9ms}.on_time_share(0, 100, Stream(1))), 0);
  EXPECT_DOUBLE_EQ((AloneQueue{&p, 2, 4, 9ms}.capacity_qps()), 2 * 4 / 0.016);
  const OnTimeTable table(AloneQueue{&p, 2, 4, 40ms}, 20'000, Stream(1));
  double before = 1;
  for (double qps = 0; qps < 700; qps += 7) {
    const double share = table.at(qps);
    EXPECT_LE(share, before + 0.01) << qps;
    before = share;
  }
  EXPECT_LT(before, 0.3);
  EXPECT_EQ(table.at(1e9), table.at(600));
}

struct HeavyAndLight {
  WorldBuilder b;
  VariantId heavy, light;
  HeavyAndLight() {
    const SiteId s = b.site("s");
    const TaskId t = b.task("t");
    const HardwareId gpu = b.hardware("gpu");
    heavy = b.variant("heavy", t, gpu, 0.9, 40ms);
    light = b.variant("light", t, gpu, 0.6, 10ms);
    b.variant("worse", t, gpu, 0.55, 12ms);
    b.pool("p", s, gpu, 1, 3600);
    b.add_class(t, 100ms);
    b.add_class(t, 100ms);
    b.classes.back().cost_cap_usd = 0.02;
  }
};

/// The load where heavy and light are worth the same, by the same tables.
double crossing(const World& world, const HeavyAndLight& w) {
  const auto share = [&](VariantId v, double qps) {
    const AloneQueue q{&world[v].profile, 1, 1, 100ms};
    return OnTimeTable(q, 4000, Stream(1)).at(qps);
  };
  double low = 0, high = 25;
  for (int k = 0; k < 40; ++k) {
    const double middle = (low + high) / 2;
    (0.9 * share(w.heavy, middle) >= 0.6 * share(w.light, middle) ? low : high) = middle;
  }
  return low;
}

// Effective accuracies cross where on-time(heavy) / on-time(light) = A(light) / A(heavy): the switch comes within a window of that.
TEST(ModelSwitching, switches_within_a_window_of_where_effective_accuracies_cross) {
  HeavyAndLight w;
  ClusterBench bench(w.b);
  const auto p = make_policy<SelectionPolicy>(model_switching(), bench.setup());
  const double at_load = crossing(*bench.world, w);
  EXPECT_GT(at_load, 15) << "heavy alone has room up to 25 a second";
  EXPECT_LT(at_load, 22);
  Time now{};
  EXPECT_EQ(p->round(bench.view()), now + 1s);
  const auto second = [&](int queries) {
    for (int k = 0; k < queries; ++k) bench.admit(ClassId{0}, now + k * 10ms);
    now += 1s;
    p->round(bench.view(now));
    return p->select(bench.query(VisitId{0}), bench.view(now)).variants[0];
  };
  EXPECT_EQ(second(1), w.heavy);
  for (int qps = 2; qps < 40; ++qps) EXPECT_EQ(second(qps), qps < at_load ? w.heavy : w.light) << qps;
  EXPECT_EQ(second(static_cast<int>(at_load)), w.heavy) << "and back";
}

TEST(ModelSwitching, hysteresis_keeps_what_is_nearly_as_good) {
  HeavyAndLight w;
  ClusterBench bench(w.b);
  const auto p = make_policy<SelectionPolicy>(model_switching(), bench.setup(), {{"hysteresis", 0.2}});
  Time now{};
  p->round(bench.view());
  int switched = 0;
  for (int qps = 1; qps < 40; ++qps) {
    for (int k = 0; k < qps; ++k) bench.admit(ClassId{0}, now);
    now += 1s;
    p->round(bench.view(now));
    if (switched == 0 && p->select(bench.query(VisitId{0}), bench.view(now)).variants[0] == w.light) switched = qps;
  }
  EXPECT_GT(switched, crossing(*bench.world, w) + 1);
}

TEST(ModelSwitching, more_warm_instances_carry_more_load) {
  HeavyAndLight w;
  w.b.topology.pools[0].count = w.b.topology.pools[0].max = 4;
  ClusterBench bench(w.b);
  const auto p = make_policy<SelectionPolicy>(model_switching(), bench.setup());
  const auto chosen_at = [&](int qps, Time from) {
    for (int k = 0; k < qps; ++k) bench.admit(ClassId{0}, from);
    p->round(bench.view(from + 1s));
    return p->select(bench.query(VisitId{0}), bench.view(from + 1s)).variants[0];
  };
  p->round(bench.view());
  bench.warm(w.heavy, 0);
  EXPECT_EQ(chosen_at(40, Time{}), w.light) << "one of the four devices has it";
  for (std::size_t d = 1; d < 4; ++d) bench.warm(w.heavy, d);
  EXPECT_EQ(chosen_at(40, Time{} + 1s), w.heavy);
}

TEST(ModelSwitching, a_cost_cap_leaves_the_next_best) {
  HeavyAndLight w;
  ClusterBench bench(w.b);
  const auto p = make_policy<SelectionPolicy>(model_switching(), bench.setup());
  p->round(bench.view());
  const Selection s = p->select(bench.query(bench.admit(bench.world->class_of(1))), bench.view());
  EXPECT_EQ(s.variants[0], w.light) << "0.04 USD are above the cap";
  EXPECT_EQ(p.why(s.reason), "next_most_effective");
  EXPECT_EQ(s.runner_up, w.heavy);
}

}  // namespace
}  // namespace tideline::test

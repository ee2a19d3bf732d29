// S10: Jellyfish's two searches, and what they plan in a run.
//
// Whose examples these are:
//   jellyfish: Nigade et al., "Jellyfish: timely inference serving for dynamic edge networks", RTSS 2022
#include "policies/builtin.h"
#include "policies/components/client_mapping.h"
#include "tests/support/affine.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace tideline::test {
namespace {

// 4 + b ms: in 32 ms of budget batches of 12; in 20 ms of 6; with 9.9 ms none.
TEST(ClientMapping, a_batch_takes_at_most_half_the_budget_and_twelve_items) {
  const auto table = affine(0.004, 0.001, 16);
  EXPECT_EQ(admissible_batch(table, 32ms, {}), 12U);
  EXPECT_EQ(admissible_batch(table, forever, {}), 12U);
  EXPECT_EQ(admissible_batch(table, 20ms, {}), 6U);
  EXPECT_EQ(admissible_batch(table, 10ms, {}), 1U);
  EXPECT_EQ(admissible_batch(table, from_seconds(0.0099), {}), 0U);
  // 10, 12, 20 ms: the third serves no more in a second than two in 12.
  const std::vector<Duration> knee{Duration{}, 10ms, 12ms, 20ms, 21ms};
  EXPECT_EQ(admissible_batch(knee, 1s, {}), 2U);
}

// Against all subsets: the rates of each in steps of 5, rounded up, within those of the batch that its tightest client admits.
TEST(ClientMapping, a_device_takes_what_exhaustive_search_gives_it) {
  Stream draw(8);
  const MappingRules rules;
  int some = 0, all = 0;
  for (int k = 0; k < 300; ++k) {
    const auto table = affine(0.002 + 0.01 * uniform01(draw), 0.002 + 0.006 * uniform01(draw), 12);
    MappingProblem p;
    p.devices = {1};
    p.models = {{0, 0.7, table, 1}};
    const std::uint32_t n = 1 + below(draw, 10);
    std::vector<std::uint32_t> clients(n);
    std::iota(clients.begin(), clients.end(), 0U);
    for (std::uint32_t c = 0; c < n; ++c) {
      p.rates.push_back(1 + 40 * uniform01(draw));
      p.budgets.push_back(from_seconds(0.005 + 0.1 * uniform01(draw)));
    }
    double best = 0;
    for (std::uint32_t set = 1; set < 1U << n; ++set) {
      Duration least = forever;
      double steps = 0, rate = 0;
      for (std::uint32_t c = 0; c < n; ++c)
        if ((set >> c & 1) != 0) {
          least = std::min(least, p.budgets[c]);
          steps += std::ceil(p.rates[c] / 5);
          rate += p.rates[c];
        }
      const std::uint32_t b = admissible_batch(table, least, rules);
      if (b > 0 && steps <= std::floor(b / to_seconds(table[b]) / 5)) best = std::max(best, rate);
    }
    const DeviceLoad load = load_device(p, 0, clients, rules);
    EXPECT_NEAR(load.rate, best, 1e-9);
    double sum = 0;
    for (const std::uint32_t c : load.clients) sum += p.rates[c];
    EXPECT_NEAR(sum, load.rate, 1e-9);
    some += best > 0 ? 1 : 0;
    all += load.clients.size() == n ? 1 : 0;
  }
  EXPECT_GT(some, 250);
  EXPECT_LT(all, 250);
}

TEST(ClientMapping, the_most_accurate_devices_are_filled_first) {
  const auto slow = affine(0.01, 0.01, 1), fast = affine(0, 0.005, 1);  // 50 and 200 a second
  MappingProblem p;
  p.devices = {2};
  p.models = {{0, 0.6, fast, 1}, {0, 0.8, slow, 1}};
  p.rates = {30, 30, 20};
  for (const Duration budget : {100ms, 30ms, 100ms}) p.budgets.insert(p.budgets.end(), {budget, budget});
  const std::vector<std::uint32_t> held{1, 1};
  const ClientMapping m = map_clients(p, held, {});
  EXPECT_EQ(m.model, (std::vector<std::uint32_t>{1, 0, 1}));  // the second has no time for the slow one
  EXPECT_DOUBLE_EQ(m.share, 1);
  EXPECT_NEAR(m.accuracy, (50 * 0.8 + 30 * 0.6) / 80, 1e-12);
}

/// Models of 100, 50 and 25 a second, more accurate the slower, on devices of one type.
struct Family {
  std::vector<std::vector<Duration>> tables{affine(0, 0.01, 1), affine(0, 0.02, 1), affine(0, 0.04, 1)};
  MappingProblem p;
  explicit Family(std::uint32_t devices, std::vector<double> rates, Duration budget = 1s) {
    p.devices = {devices};
    p.models = {{0, 0.5, tables[0], 1}, {0, 0.6, tables[1], 1}, {0, 0.7, tables[2], 1}};
    p.rates = std::move(rates);
    p.budgets.assign(3 * p.rates.size(), budget);
  }
  std::vector<std::uint32_t> adapt(std::vector<std::uint32_t> held = {0, 0, 0}, std::uint64_t seed = 1) {
    Stream draw(seed);
    ModelAdaptation a(p, {}, {});
    held = a.adapt(held, draw);
    share = a.mapping(held).share;
    accuracy = a.mapping(held).accuracy;
    return held;
  }
  double share = 0, accuracy = 0;
};

// The check of the specification: clients of 5 a second on one device.
TEST(ModelAdaptation, steps_down_exactly_when_less_than_the_threshold_is_mapped) {
  using Held = std::vector<std::uint32_t>;
  for (std::size_t clients = 1; clients <= 24; ++clients) {
    Family f(1, std::vector<double>(clients, 5.0));
    const Held held = f.adapt(), expected = clients <= 5 ? Held{0, 0, 1} : clients <= 10 ? Held{0, 1, 0} : Held{1, 0, 0};
    EXPECT_EQ(held, expected) << clients;
    EXPECT_NEAR(f.share, std::min(1.0, 20.0 / static_cast<double>(clients)), 1e-12);
  }
  // A threshold of 0.99 of unlike clients: what is left out is a hundredth, or more.
  EXPECT_EQ(Family(1, {24.8, 0.2}).adapt(), (Held{0, 0, 1}));
  EXPECT_EQ(Family(1, {24.5, 0.5}).adapt(), (Held{0, 1, 0}));
  // A device that could not be in time with it does not hold it, whatever the load.
  EXPECT_EQ(Family(1, {5}, 50ms).adapt(), (Held{0, 1, 0}));
}

// Clients that may use the most accurate model only, where devices hold others.
TEST(ModelAdaptation, steps_up_again_where_what_is_held_is_below_the_floors) {
  Family f(2, {20, 20});
  for (std::uint32_t c = 0; c < 2; ++c)
    for (std::uint32_t m = 0; m < 2; ++m) f.p.budgets[c * 3 + m] = Duration{-1};
  EXPECT_EQ(f.adapt({2, 0, 0}), (std::vector<std::uint32_t>{0, 0, 2}));
  EXPECT_EQ(f.share, 1);
}

TEST(ModelAdaptation, finds_what_exhaustive_search_finds_on_a_few_devices) {
  Stream draw(4);
  for (int k = 0; k < 60; ++k) {
    std::vector<double> rates(2 + below(draw, 10));
    for (double& r : rates) r = 5 * (1 + below(draw, 5));
    Family f(3, rates);
    double best = 0;
    bool any = false;
    for (std::uint32_t a = 0; a <= 3; ++a)
      for (std::uint32_t b = 0; a + b <= 3; ++b) {
        const std::vector<std::uint32_t> held{a, b, 3 - a - b};
        const ClientMapping m = map_clients(f.p, held, {});
        if (m.share >= 0.99) any = true, best = std::max(best, m.accuracy);
      }
    const auto held = f.adapt();
    EXPECT_EQ(std::accumulate(held.begin(), held.end(), 0U), 3U);
    EXPECT_EQ(f.share >= 0.99, any);
    EXPECT_TRUE(!any || std::abs(f.accuracy - best) < 1e-9) << f.accuracy << " of " << best;
    EXPECT_EQ(f.adapt(), held) << "the same stream";
  }
}

/// A GPU of three models, from a site that is away.
struct Bench {
  WorldBuilder b;
  SiteId here = b.site("here"), away = b.site("away");
  TaskId task = b.task("task");
  HardwareId gpu = b.hardware("gpu");
  VariantId quick = add("quick", 0.5, 10ms), middle = add("middle", 0.6, 20ms), exact = add("exact", 0.7, 40ms);
  std::unique_ptr<ClusterBench> bench;
  std::unique_ptr<Policy> made;
  Time now{};
  double owed = 0;

  VariantId add(const char* name, double accuracy, Duration latency) { return b.variant(name, task, gpu, accuracy, latency); }
  explicit Bench(std::uint32_t devices, Duration slo = 1s, const param::Object& params = {{"weight", 1}, {"interval_s", 1}}) {
    b.link(here, away, 30ms);
    b.pool("gpus", here, gpu, devices);
    b.add_class(task, slo);
    bench = std::make_unique<ClusterBench>(b);
    made = make_policy(jellyfish(), params, bench->setup());
  }
  /// A second of so many arrivals at a site, then a plan; answers the wishes by name.
  std::map<std::string, std::uint32_t> second(double rate, SiteId origin) {
    const VisitId v = bench->admit(ClassId{0}, now, 1, origin);
    for (owed += rate; owed >= 1; --owed) dynamic_cast<Observer&>(*made).arrived(bench->query(v), bench->view(now));
    now += 1s;
    plan.clear();
    dynamic_cast<AutoscalingPolicy&>(*made).plan(bench->view(now), plan);
    std::map<std::string, std::uint32_t> out;
    for (const Plan::Wish& w : plan.wishes) {
      if (w.instances > 0) out[(*bench->world)[(*bench->world)[w.group].variant].name] = w.instances;
      bench->cluster.set_wish(w.group, w.instances);
    }
    return out;
  }
  VariantId chosen(SiteId origin) {
    return dynamic_cast<SelectionPolicy&>(*made)
        .select(bench->query(bench->admit(ClassId{0}, now, 1, origin)), bench->view(now))
        .variants[0];
  }
  Plan plan;
};

using Wishes = std::map<std::string, std::uint32_t>;

TEST(Jellyfish, holds_what_the_load_has_room_for) {
  Bench x(1);
  EXPECT_EQ(x.second(10, x.here), (Wishes{{"exact", 1}}));
  EXPECT_EQ(x.chosen(x.here), x.exact);
  ASSERT_TRUE(x.plan.solution);
  EXPECT_EQ(x.plan.solution->status, PlanSolution::Status::feasible);
  EXPECT_NEAR(x.plan.solution->objective, 10, 1e-6);  // over the best of the task
  EXPECT_EQ(x.second(45, x.here), (Wishes{{"middle", 1}}));
  EXPECT_EQ(x.chosen(x.here), x.middle);
  EXPECT_EQ(x.second(150, x.here), (Wishes{{"quick", 1}}));
  EXPECT_EQ(x.plan.solution->status, PlanSolution::Status::short_of);
  EXPECT_NEAR(x.plan.solution->target, 100.0 / 150, 1e-9);
  EXPECT_EQ(x.second(10, x.here), (Wishes{{"exact", 1}}));
}

// Of 140 ms the way takes 60: twice 40 ms are left.
TEST(Jellyfish, the_way_counts_for_clients_that_are_away) {
  Bench far(1, 140ms), too_far(1, 139ms);
  EXPECT_EQ(far.second(10, far.away), (Wishes{{"exact", 1}}));
  EXPECT_EQ(too_far.second(10, too_far.away), (Wishes{{"middle", 1}}));
  EXPECT_EQ(too_far.chosen(too_far.away), too_far.middle);
  Bench near(1, 139ms);
  EXPECT_EQ(near.second(10, near.here), (Wishes{{"exact", 1}}));
}

TEST(Jellyfish, plans_the_same_for_the_same_stream) {
  Bench a(5), b(5);
  for (const double rate : {30.0, 120.0, 260.0, 90.0, 400.0}) EXPECT_EQ(a.second(rate, a.here), b.second(rate, b.here));
}

// Twice 60 of 100 a second, and 50: devices go where they are needed, and each task has one.
TEST(Jellyfish, divides_the_devices_that_tasks_share) {
  WorldBuilder b;
  const SiteId here = b.site("here");
  const HardwareId gpu = b.hardware("gpu");
  for (const char* name : {"find", "read"}) {
    const TaskId t = b.task(name);
    b.variant(name, t, gpu, 0.7, 10ms);
    b.add_class(t, 1s);
  }
  b.pool("gpus", here, gpu, 3);
  ClusterBench bench(b);
  const std::vector<double> rates{120, 50};
  tideline::Setup setup = bench.setup();
  setup.first_hour_qps = rates;
  const auto made = make_policy(jellyfish(), {}, setup);
  Plan plan;
  dynamic_cast<AutoscalingPolicy&>(*made).plan(bench.view(), plan);
  ASSERT_EQ(plan.wishes.size(), 2U);
  EXPECT_EQ(plan.wishes[0].instances, 2U);
  EXPECT_EQ(plan.wishes[1].instances, 1U);
}

// One of 150 a second, of which the fastest serves 100.
TEST(Jellyfish, a_client_that_no_device_can_take_is_served_on_demand) {
  Bench x(1, 1s, {{"weight", 1}, {"interval_s", 1}, {"client_qps", 1000}});
  EXPECT_TRUE(x.second(150, x.here).empty());  // one client that no device takes, and nothing is held
  EXPECT_EQ(x.chosen(x.here), x.quick);
  EXPECT_EQ(x.second(90, x.here), (Wishes{{"quick", 1}}));
}

// Four devices of which the most accurate models serve 100 a second, and the quickest 400: at 120 some of the load gets less.
TEST(Jellyfish, a_run_ends_between_the_extremes_and_in_time) {
  Bench x(4, 500ms);
  const auto run = [&](std::uint64_t seed) {
    RunBench r(x.b);
    r.options.seed = seed;
    r.options.duration = 200s;
    r.options.drain = 10s;
    r.use(jellyfish(), {{"interval_s", 5}, {"headroom", 0.3}});
    r.use(slo_aware());
    r.arrivals(std::make_unique<PoissonSource>(3, 120, 20'000));
    r.run();
    double accuracy = 0, answered = 0, in_time = 0;
    for (const QueryEnd& e : r.notes.ends)
      if (e.ending == Ending::answered) ++answered, accuracy += e.accuracy;
    in_time = answered / static_cast<double>(r.notes.ends.size());
    return std::pair{accuracy / answered, in_time};
  };
  const auto [accuracy, answered] = run(1);
  EXPECT_GT(accuracy, 0.52);
  EXPECT_LT(accuracy, 0.68);
  EXPECT_GT(answered, 0.98);  // who would be late is dropped
  EXPECT_EQ(run(1), run(1));
}

}  // namespace
}  // namespace tideline::test

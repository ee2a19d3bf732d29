// X4 and X8: more to choose from never lowers an optimum, and no registered policy exceeds the optimum of a clairvoyant.
#include "policies/components/accuracy_scaler.h"
#include "src/bound.h"
#include "tests/support/every_policy.h"
#include "tests/support/sanitized.h"
#include "tests/support/tiny_cluster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tideline::test {
namespace {

constexpr std::array objectives{BoundObjective::on_time, BoundObjective::worth};

/// What a run reaches of both objectives.
struct Reached final : Recorder {
  Duration slo{};
  std::array<double, 2> sums{};
  Facts facts() const override { return {.arrivals = false, .batches = false}; }
  void ended(const Visit& v, const QueryEnd& e) override {
    if (e.ending != Ending::answered || e.finish - v.arrival > slo) return;
    sums[0] += 1;
    sums[1] += e.accuracy;
  }
};

// X8. What any policy reaches <= the optimum <= the bound.
TEST(Bounds, nobody_exceeds_the_optimum_of_tiny_clusters) {
  struct Case {
    TinyCluster tiny;
    std::array<double, 2> optimum{};
  };
  Stream draw(8);
  std::vector<Case> cases;
  int strict = 0;
  for (int k = 0; k < (is_sanitized ? 30 : 200); ++k) {
    Case& c = cases.emplace_back(Case{TinyCluster(draw)});
    const auto world = WorldBuilder(c.tiny.b).build();
    const auto queries = c.tiny.queries();
    ASSERT_TRUE(is_tiny(*world, queries));
    for (std::size_t o = 0; o < objectives.size(); ++o) {
      c.optimum[o] = exact_optimum(*world, queries, objectives[o]);
      EXPECT_LE(c.optimum[o], clairvoyant_bound(*world, queries, objectives[o], bound_window(*world, queries)) + 1e-6);
    }
    strict += c.optimum[0] < static_cast<double>(queries.size()) ? 1 : 0;
  }
  EXPECT_GT(strict, 2);
  const auto reached_by = [&](const PolicyDefinition& d) {
    std::vector<std::array<double, 2>> out;
    for (const Case& c : cases) {
      RunBench r(c.tiny.b);
      r.use(d, parameters_of(d.name, {}, {{"v0"}, {"v0@s"}, {}}));
      for (std::size_t k = 0; k < policy_kinds; ++k)
        if (const auto kind = static_cast<PolicyKind>(k); !d.has(kind)) r.use(*all().default_of(kind));
      for (std::size_t v = 0; v < r.world().catalog().variants.size(); ++v)
        for (std::size_t k = 0; k < r.world().topology().devices.size(); ++k) r.warm_at_start(VariantId{v}, k);
      r.options.duration = r.options.drain = 2s;
      Reached reached;
      reached.slo = r.world().classes()[0].slo;
      r.also = &reached;
      auto source = std::make_unique<PlainSource>();
      for (const Time t : c.tiny.at) source->list.emplace_back(t, 0);
      r.arrivals(std::move(source));
      r.run();
      out.push_back(reached.sums);
    }
    return out;
  };
  const auto exceeds = [&](const std::vector<std::array<double, 2>>& sums, std::size_t objective) {
    std::string wrong;
    for (std::size_t k = 0; k < cases.size(); ++k)
      if (const double most = cases[k].optimum[objective]; sums[k][objective] > most + 1e-9)
        wrong += std::to_string(sums[k][objective]) + " of " + std::to_string(most) + " in case " + std::to_string(k) + ". ";
    return wrong;
  };
  std::map<std::string, std::vector<std::array<double, 2>>> reached;
  for (const PolicyDefinition& d : all().list()) reached[d.name] = reached_by(d);
  double optima = 0;
  for (const Case& c : cases) optima += c.optimum[0];
  each({}, [&](const PolicyDefinition& d) {
    std::string wrong = exceeds(reached.at(d.name), 0);
    double sum = 0;
    for (const auto& sums : reached.at(d.name)) sum += sums[0];
    if (sum < 0.2 * optima) wrong += "Hardly anybody is answered in time, which exceeds nothing.";
    return wrong;
  });
  const Exceptions votes{{"cocktail", "a vote is worth more than its best member, and the optimum is of single answers"},
                         {"ensemble", "a vote is worth more than its best member, and the optimum is of single answers"},
                         {"exp4", "a vote is worth more than its best member, and the optimum is of single answers"}};
  each(votes, [&](const PolicyDefinition& d) { return exceeds(reached.at(d.name), 1); });
}

// X4 of S15: the optimum of tiny clusters and its bound, with another device and with twice the SLO.
TEST(Bounds, another_device_or_a_longer_slo_never_lowers_an_optimum) {
  Stream draw(21);
  int gained = 0;
  for (int k = 0; k < 100; ++k) {
    const TinyCluster tiny(draw);
    const auto queries = tiny.queries();
    const auto both = [&](std::uint32_t devices, std::int64_t slo_factor) {
      TinyCluster t = tiny;
      t.devices(devices);
      t.b.classes[0].slo *= slo_factor;
      const auto world = t.b.build();
      std::array<double, 4> out{};
      for (std::size_t o = 0; o < objectives.size(); ++o) {
        out[o] = exact_optimum(*world, queries, objectives[o]);
        out[2 + o] = clairvoyant_bound(*world, queries, objectives[o], tiny.b.classes[0].slo);
      }
      return out;
    };
    const auto before = both(1, 1), wider = both(2, 1), longer = both(1, 2);
    for (std::size_t o = 0; o < before.size(); ++o) {
      EXPECT_GE(wider[o], before[o] - 1e-6) << "case " << k << " value " << o;
      EXPECT_GE(longer[o], before[o] - 1e-6) << "case " << k << " value " << o;
    }
    gained += wider[0] > before[0] && longer[0] > before[0] ? 1 : 0;
  }
  EXPECT_GT(gained, 5);
}

// X4 of S7: what the planner of a whole cluster finds, with more devices and with longer SLOs. Latencies are affine, so that a larger batch
// is never slower for each item.
TEST(Bounds, another_device_or_a_longer_slo_never_lowers_what_accuracy_scaling_plans) {
  struct Found {
    double target = 0, objective = 0;
  };
  Stream draw(17);
  int gained = 0;
  for (int k = 0; k < 20; ++k) {
    std::vector<std::array<int, 3>> variants;  // base, item, accuracy
    for (int v = 0; v < 4; ++v)
      variants.push_back(
          {1 + static_cast<int>(below(draw, 10)), 1 + static_cast<int>(below(draw, 6)), 50 + static_cast<int>(below(draw, 45))});
    const std::vector<double> first_hour{100 + 900 * uniform01(draw), 100 + 900 * uniform01(draw)};
    const auto plan = [&](std::uint32_t devices, Duration slo) {
      WorldBuilder b;
      const SiteId s = b.site("s");
      const HardwareId gpu = b.hardware("gpu", 100), fast = b.hardware("fast", 100);
      const std::array tasks{b.task("t"), b.task("u")};
      for (std::size_t v = 0; v < variants.size(); ++v)
        for (const std::int64_t twice : {1, 2})
          b.variant(
              "v" + std::to_string(v) + std::to_string(twice), tasks[v % 2], twice == 1 ? gpu : fast, variants[v][2] / 100.0,
              [=](std::uint32_t n) { return Duration{1ms * variants[v][0] + 1ms * variants[v][1] * n} / twice; }, 16);
      b.pool("p", s, gpu, devices);
      b.pool("q", s, fast, 1);
      for (const TaskId t : tasks) b.add_class(t, slo);
      const ClusterBench bench(b);
      tideline::Setup setup = bench.setup();
      setup.first_hour_qps = first_hour;
      const auto made = make_policy(accuracy_scaling(), {{"gap", 0}, {"nodes", 100'000}, {"relative", false}}, setup);
      auto& planner = dynamic_cast<AccuracyScaler&>(*made);
      Plan wishes;
      planner.plan(bench.view(), wishes);
      return Found{planner.last_plan().target, planner.last_plan().objective};
    };
    const auto not_lower = [&](const Found& a, const Found& b, const char* what) {
      EXPECT_GE(b.target, a.target - 1e-12) << what << ", case " << k;
      if (b.target == a.target) {
        EXPECT_GE(b.objective, a.objective * (1 - 1e-9)) << what << ", case " << k;
      }
      gained += b.target > a.target || b.objective > a.objective * (1 + 1e-6) ? 1 : 0;
    };
    Found before = plan(2, 60ms);
    for (const Duration slo : {90ms, 120ms, 240ms}) {
      const Found now = plan(2, slo);
      not_lower(before, now, "a longer SLO");
      before = now;
    }
    before = plan(1, 60ms);
    for (const std::uint32_t devices : {2U, 3U, 5U}) {
      const Found now = plan(devices, 60ms);
      not_lower(before, now, "another device");
      before = now;
    }
  }
  EXPECT_GT(gained, 20);
}

// X4: a longer SLO never lowers the accuracy that is chosen, on clusters where everything is warm and some of it is busy.
TEST(Bounds, a_longer_slo_never_lowers_the_accuracy_that_is_chosen) {
  const std::array slos{5ms, 10ms, 20ms, 40ms, 80ms, 160ms, 320ms, 1000ms};
  const auto falls = [&](const PolicyDefinition& d, const param::Object& parameters) {
    Stream draw(3);
    std::string found;
    int rises = 0;
    for (int k = 0; k < 20; ++k) {
      WorldBuilder b;
      const SiteId s = b.site("s");
      const HardwareId gpu = b.hardware("gpu", 100);
      const TaskId t = b.task("t");
      for (int v = 0; v < 6; ++v) {
        const auto base = 1ms * static_cast<int>(1 + below(draw, 30)), item = 1ms * static_cast<int>(1 + below(draw, 20));
        b.variant(
            "v" + std::to_string(v), t, gpu, 0.5 + 0.4 * uniform01(draw), [=](std::uint32_t n) { return base + n * item; }, 4);
      }
      b.pool("p", s, gpu, 6, 1);
      for (const Duration slo : slos) b.add_class(t, slo);
      ClusterBench bench(b);
      for (std::size_t v = 0; v < 6; ++v) {
        const InstanceId i = bench.warm(VariantId{v}, v);
        for (std::uint32_t n = below(draw, 6); n > 0; --n) bench.wait_at(i, bench.world->class_of(slos.size() - 1));
      }
      // Each class has a policy of its own, so that none goes by what it chose for another.
      double before = 0;
      for (std::size_t c = 0; c < slos.size(); ++c) {
        const auto policy = make<SelectionPolicy>(d, bench.setup(100 * static_cast<std::uint64_t>(k) + c), parameters);
        if (auto* o = dynamic_cast<Observer*>(policy.get()); o != nullptr && o->facts().instances)
          for (std::size_t v = 0; v < 6; ++v)
            for (const InstanceId i : bench.view().group(bench.group(VariantId{v})).members) {
              o->instance_changed(i, Phase::starting, bench.view());
              o->instance_changed(i, Phase::warm, bench.view());
            }
        policy->round(bench.view());
        const Selection chosen = policy->select(bench.query(bench.admit(bench.world->class_of(c))), bench.view());
        double accuracy = 0;
        for (std::size_t v = 0; v < chosen.count; ++v) accuracy = std::max(accuracy, (*bench.world)[chosen.variants[v]].accuracy);
        if (accuracy < before && found.empty())
          found = "from " + std::to_string(before) + " to " + std::to_string(accuracy) + " in cluster " + std::to_string(k);
        rises += accuracy > before && c > 0 ? 1 : 0;
        before = std::max(before, accuracy);
      }
    }
    return std::pair{found, rises};
  };
  const Exceptions exceptions{{"cheapest_feasible", "seeks the cheapest: a slower variant that is less accurate may be"},
                              {"infaas", "seeks the cheapest: the slowest that will do may be less accurate"},
                              {"epsilon_greedy", "explores"},
                              {"lin_ucb", "is optimistic about what it knows little of, by the slack too"},
                              {"thompson", "draws"},
                              {"exp3", "draws"}};
  each(
      exceptions,
      [&](const PolicyDefinition& d) {
        return falls(d, parameters_of(d.name, {}, {{"v0"}, {"v0@s"}, {}})).first;
      },
      [](const PolicyDefinition& d) { return d.has(PolicyKind::selection); });
  // Of those that seek accuracy it rises too.
  const std::vector<std::pair<PolicyDefinition, param::Object>> seekers{
      {accuracy_max(), {}},
      {accuracy_max(), {{"margin", 0}, {"on_infeasible", "reject"}}},
      {infaas(), {{"objective", "accuracy"}, {"memory_reserve_bytes", 0}}},
      {model_switching(), {{"table_queries", 100}}}};
  for (const auto& [d, parameters] : seekers) {
    const auto [found, rises] = falls(d, parameters);
    EXPECT_EQ(found, "") << d.name;
    EXPECT_GT(rises, 20) << d.name;
  }
}

}  // namespace
}  // namespace tideline::test

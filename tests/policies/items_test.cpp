// Queries of several items: who plans for a load plans for its items.
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace tideline::test {
namespace {

/// Queries of so many items at equal gaps for two minutes.
struct Even final : ArrivalSource {
  std::uint16_t items;
  double rate;
  int next_one = 0;
  Even(std::uint16_t n, double qps) : items(n), rate(qps) {}
  bool next(Arrival& out) override {
    out = {};
    out.at = Time{} + from_seconds(next_one / rate);
    out.items = items;
    return next_one++ < 120 * rate;
  }
  std::span<const std::string> task_names() const override { return {}; }
  double mean_qps(Time, Time) const override { return rate; }
};

struct Planner {
  PolicyDefinition definition;
  param::Object params;
};

/// Instances that there are after two minutes of 800 items a second, of which an instance takes 100.
std::uint32_t instances(const Planner& planner, std::uint16_t items) {
  WorldBuilder b;
  const SiteId here = b.site("here");
  const HardwareId gpu = b.hardware("gpu", 1);
  const TaskId task = b.task("task");
  const VariantId model = b.variant(
      "model", task, gpu, 0.7, [](std::uint32_t n) { return n * 10ms; }, 8, 1, 100ms);
  b.pool("p", here, gpu, 40);
  b.add_class(task, 1s);
  RunBench r(b);
  r.options.duration = 120s;
  r.options.drain = Duration{};
  r.use(planner.definition, planner.params);
  if (planner.definition.name != "nexus" && planner.definition.name != "clockwork") {
    r.use(slo_aware());
    r.use(least_expected_latency());
  }
  r.warm_at_start(model, 0);
  r.arrivals(std::make_unique<Even>(items, 800.0 / items));
  r.run();
  const GroupRow& g = r.simulation().cluster().row(r.world().group(model, here));
  return g.warm() + g.starting();
}

TEST(queries_of_several_items, are_planned_for_by_their_items) {
  const std::vector<Planner> planners{{predictive(), {{"interval_s", 10}, {"method", "peak"}}},
                                      {swayam(), {{"interval_s", 10}}},
                                      {infaas_scaling(), {{"memory_reserve_bytes", 0}}},
                                      {inferline_tuner(), {}},
                                      {forecast_prewarm(), {{"interval_s", 10}}},
                                      {nexus(), {}},
                                      {clockwork(), {{"longest_batch_s", 1}}},
                                      {mark(), {}},
                                      {target_utilization(), {{"interval_s", 5}}}};
  for (const Planner& p : planners) {
    const std::uint32_t one = instances(p, 1), eight = instances(p, 8);
    EXPECT_GE(one, 8U) << p.definition.name;
    EXPECT_NEAR(one, eight, 0.25 * one) << p.definition.name;
  }
}

}  // namespace
}  // namespace tideline::test

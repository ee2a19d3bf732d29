// Placement that shares instances among devices.
//
// Whose examples these are:
//   cheapest: Kubernetes cluster autoscaler documentation, "Expanders"
//   spread: Kubernetes documentation, "Scheduler configuration"
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

struct Three {
  WorldBuilder b;
  VariantId big, small;
  std::unique_ptr<ClusterBench> bench;
  std::vector<DeviceId> all{DeviceId{0}, DeviceId{1}, DeviceId{2}};
  Three() {
    const SiteId s = b.site("s");
    const HardwareId h = b.hardware("device", 10);
    const TaskId t = b.task("classify");
    big = b.variant("big", t, h, 0.7, 1ms, 6);
    small = b.variant("small", t, h, 0.7, 1ms, 2);
    b.pool("p", s, h, 3);
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
  }
  DeviceId chosen(const char* by, std::span<const DeviceId> fits) const {
    const auto p = make<PlacementPolicy>(spread(), bench->setup(), {{"by", by}});
    return p->choose(small, 2, fits, {}, bench->view()).device;
  }
};

TEST(placement_spread, takes_the_device_with_the_fewest_instances_or_least_in_use) {
  Three x;
  EXPECT_EQ(x.chosen("instances", x.all), DeviceId{0});
  x.bench->warm(x.small, 0);
  x.bench->warm(x.small, 0);  // 2 instances, both of the variant, 4 bytes
  x.bench->warm(x.big, 1);    // 1 instance, 6 bytes
  x.bench->warm(x.small, 2);
  x.bench->warm(x.small, 2);
  x.bench->warm(x.small, 2);  // 3 instances, 6 bytes
  EXPECT_EQ(x.chosen("instances", x.all), DeviceId{1});
  EXPECT_EQ(x.chosen("variant", x.all), DeviceId{1});
  EXPECT_EQ(x.chosen("memory", x.all), DeviceId{0});
  const std::vector<DeviceId> two{DeviceId{0}, DeviceId{2}};
  EXPECT_EQ(x.chosen("instances", two), DeviceId{0});
  // Of equally many instances the one with most memory free.
  x.bench->warm(x.small, 1);
  EXPECT_EQ(x.chosen("instances", x.all), DeviceId{0});
  EXPECT_EQ(x.chosen("variant", x.all), DeviceId{1});
}

TEST(placement_spread, where_it_fits_nowhere_the_emptiest_device_needs_least_eviction) {
  Three x;
  x.bench->warm(x.big, 0);
  x.bench->warm(x.small, 1);
  x.bench->warm(x.small, 1);
  const auto p = make<PlacementPolicy>(spread(), x.bench->setup());
  const Placement choice = p->choose(x.big, 7, {}, std::vector<DeviceId>{DeviceId{0}, DeviceId{1}}, x.bench->view());
  EXPECT_EQ(choice.device, DeviceId{1});
  EXPECT_EQ(p->reasons()[choice.reason], "least_to_evict");
  EXPECT_FALSE(p->choose(x.big, 7, {}, {}, x.bench->view()).device);
}

TEST(placement_cheapest, takes_the_lowest_price_then_the_tightest) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId h = b.hardware("device", 10);
  const TaskId t = b.task("classify");
  const VariantId v = b.variant("v", t, h, 0.7, 1ms, 2), big = b.variant("big", t, h, 0.7, 1ms, 5);
  b.pool("dear", s, h, 1, 3);
  b.pool("cheap", s, h, 3, 2);
  b.add_class(t);
  ClusterBench bench(b);
  const auto p = make<PlacementPolicy>(cheapest(), bench.setup());
  const std::vector<DeviceId> all{DeviceId{0}, DeviceId{1}, DeviceId{2}, DeviceId{3}};
  EXPECT_EQ(p->choose(v, 2, all, {}, bench.view()).device, DeviceId{1});
  bench.warm(v, 2);
  EXPECT_EQ(p->choose(v, 2, all, {}, bench.view()).device, DeviceId{2});
  EXPECT_EQ(p->choose(v, 2, std::vector<DeviceId>{DeviceId{0}}, {}, bench.view()).device, DeviceId{0});
  bench.warm(big, 3);
  const Placement choice = p->choose(v, 2, {}, all, bench.view());
  EXPECT_EQ(choice.device, DeviceId{1});  // to evict from, the emptiest of the cheap ones
  EXPECT_EQ(p->reasons()[choice.reason], "cheapest_to_evict");
  EXPECT_FALSE(p->choose(v, 2, {}, {}, bench.view()).device);
}

// What is started for queries comes to stand on the cheap pool until that is full.
TEST(placement_cheapest, a_run_fills_the_cheap_pool_first) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId h = b.hardware("device", 10);
  const TaskId t = b.task("classify");
  std::vector<VariantId> v;
  auto source = std::make_unique<PlainSource>();
  for (const char* name : {"a", "b", "c"}) {
    v.push_back(b.variant(name, t, h, 0.7, 1ms, 5, 1s));
    const std::size_t c = b.add_class(t);
    b.classes[c].pin_level = PinLevel::variant;
    b.classes[c].pin = name;
    source->names.emplace_back(name);
    source->list.emplace_back(Time{} + static_cast<int>(c) * 10s, static_cast<std::uint32_t>(c));
  }
  b.pool("dear", s, h, 1, 3);
  b.pool("cheap", s, h, 1, 2);
  RunBench r(b);
  r.use(cheapest());
  r.classes = 3;
  r.arrivals(std::move(source));
  r.run();
  const auto on = [&](std::size_t d) { return r.simulation().cluster()[DeviceId{d}].instances.size(); };
  EXPECT_EQ(on(1), 2U);
  EXPECT_EQ(on(0), 1U);
}

}  // namespace
}  // namespace tideline

// Placement by least free memory left.
//
// Whose examples these are:
//   best_fit: Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

struct Shelf {
  WorldBuilder b;
  VariantId big, middle, small;
  explicit Shelf(Sharing sharing) {
    const SiteId s = b.site("s");
    const HardwareId h = b.hardware("device", 10, sharing, 4);
    const TaskId t = b.task("classify");
    const auto one = [](std::uint32_t) { return Duration{1ms}; };
    big = b.variant("big", t, h, 0.7, one, 1, 6, 0s, 1);
    middle = b.variant("middle", t, h, 0.7, one, 1, 3, 0s, 2);
    small = b.variant("small", t, h, 0.7, one, 1, 2, 0s, 1);
    b.pool("p", s, h, 3);
    b.add_class(t);
  }
};

TEST(placement_best_fit, leaves_least_memory_free) {
  Shelf x(Sharing::exclusive);
  ClusterBench bench(x.b);
  const auto p = make<PlacementPolicy>(best_fit(), bench.setup());
  const std::vector<DeviceId> all{DeviceId{0}, DeviceId{1}, DeviceId{2}};
  EXPECT_EQ(p->choose(x.small, 2, all, {}, bench.view()).device, DeviceId{0});  // all alike: the lowest id
  bench.warm(x.big, 1);
  bench.warm(x.middle, 2);
  EXPECT_EQ(p->choose(x.small, 2, all, {}, bench.view()).device, DeviceId{1});
  const std::vector<DeviceId> two{DeviceId{0}, DeviceId{2}};
  EXPECT_EQ(p->choose(x.small, 2, two, {}, bench.view()).device, DeviceId{2});
}

TEST(placement_best_fit, replicas_on_exclusive_devices_are_spread_unless_told_otherwise) {
  Shelf x(Sharing::exclusive);
  ClusterBench bench(x.b);
  const std::vector<DeviceId> all{DeviceId{0}, DeviceId{1}, DeviceId{2}};
  bench.warm(x.small, 0);
  EXPECT_EQ(make<PlacementPolicy>(best_fit(), bench.setup())->choose(x.small, 2, all, {}, bench.view()).device, DeviceId{1});
  EXPECT_EQ(make<PlacementPolicy>(best_fit(), bench.setup(), {{"spread", false}})->choose(x.small, 2, all, {}, bench.view()).device,
            DeviceId{0});
}

TEST(placement_best_fit, partitioned_devices_are_filled_by_memory_then_cores) {
  Shelf x(Sharing::partitioned);
  ClusterBench bench(x.b);
  const auto p = make<PlacementPolicy>(best_fit(), bench.setup());
  const std::vector<DeviceId> all{DeviceId{0}, DeviceId{1}, DeviceId{2}};
  bench.warm(x.big, 0);     // 4 bytes and 3 cores left
  bench.warm(x.middle, 1);  // 4 bytes and 1 core left
  bench.warm(x.middle, 1);
  EXPECT_EQ(bench.view().device(DeviceId{0}).memory_free, bench.view().device(DeviceId{1}).memory_free);
  EXPECT_EQ(p->choose(x.small, 2, all, {}, bench.view()).device, DeviceId{1});
}

TEST(placement_best_fit, where_it_fits_nowhere_the_emptiest_device_needs_least_eviction) {
  Shelf x(Sharing::exclusive);
  ClusterBench bench(x.b);
  const auto p = make<PlacementPolicy>(best_fit(), bench.setup());
  bench.warm(x.big, 0);
  bench.warm(x.middle, 0);
  bench.warm(x.big, 1);
  const Placement choice = p->choose(x.big, 6, {}, std::vector<DeviceId>{DeviceId{0}, DeviceId{1}}, bench.view());
  EXPECT_EQ(choice.device, DeviceId{1});
  EXPECT_EQ(p->reasons()[choice.reason], "least_to_evict");
  EXPECT_FALSE(p->choose(x.big, 6, {}, {}, bench.view()).device);
}

}  // namespace
}  // namespace tideline

// INFaaS's choice of a worker (policies.md D9): best fit with memory to spare on devices that are not busy; away from neighbours.
//
// Whose examples these are:
//   infaas_placement: Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

constexpr std::int64_t gib = std::int64_t{1} << 30;

/// Four accelerators of 16 GiB; what a device did can be set.
struct Rack {
  WorldBuilder b;
  VariantId big, small;
  std::unique_ptr<ClusterBench> bench;
  Board board;
  std::vector<DeviceId> all{DeviceId{0}, DeviceId{1}, DeviceId{2}, DeviceId{3}};
  std::unique_ptr<PlacementPolicy> p;

  Rack() {
    const SiteId s = b.site("s");
    const HardwareId h = b.hardware("gpu", 16 * gib);
    const TaskId t = b.task("classify");
    big = b.variant("big", t, h, 0.8, 10ms, 6 * gib);
    small = b.variant("small", t, h, 0.7, 10ms, 2 * gib);
    b.pool("p", s, h, 4);
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
  }
  /// From now on the board is a copy whose counters can be written.
  void make(param::Object parameters = {}, bool spread = false) {
    parameters.emplace_back("spread", spread);
    board = *bench->knowledge.boards[0];
    bench->knowledge.look_at(*bench->world, {&board});
    p = test::make<PlacementPolicy>(infaas_placement(), bench->setup(), parameters);
    EXPECT_EQ(p->round(bench->view()), Time{} + 2s);
  }
  /// In the window of 2 s that ends: so much of it busy, and what was answered took so long.
  void did(InstanceId i, double busy, std::uint64_t answered = 1, Duration there = 10ms) {
    Counters& c = board.counters[i.index()];
    c.sent += answered;
    c.answered += answered;
    c.time_there += static_cast<std::int64_t>(answered) * there;
    c.busy += from_seconds(2 * busy);
  }
  std::pair<DeviceId, std::string_view> choose(VariantId v, std::span<const DeviceId> fits, std::span<const DeviceId> after = {}) {
    const Placement at = p->choose(v, bench->world->operator[](v).memory_bytes, fits, after, bench->view(Time{} + 2s));
    return {at.device, p->reasons()[at.reason]};
  }
  void end_window() { p->round(bench->view(Time{} + 2s)); }
};

using Choice = std::pair<DeviceId, std::string_view>;

// Free: 10, 4, 2.5 and 16 GiB. Of 2 GiB with 1 to spare there is room on the first two and the last, least of it on the second.
TEST(placement_infaas_placement, best_fit_keeps_a_gibibyte_to_spare) {
  Rack x;
  x.bench->warm(x.big, 0);
  for (int k = 0; k < 2; ++k) x.bench->warm(x.big, 1);
  for (int k = 0; k < 2; ++k) x.bench->warm(x.big, 2);
  x.make();
  x.board.devices[2].memory_free = 5 * gib / 2;
  EXPECT_EQ(x.choose(x.small, x.all), Choice(DeviceId{1}, "tightest"));
  x.board.devices[2].memory_free = 3 * gib;  // just enough
  EXPECT_EQ(x.choose(x.small, x.all), Choice(DeviceId{2}, "tightest"));
  EXPECT_EQ(x.choose(x.big, std::vector{DeviceId{0}, DeviceId{3}}), Choice(DeviceId{0}, "tightest"));
}

TEST(placement_infaas_placement, devices_that_are_busy_are_left_out) {
  Rack x;
  std::vector<InstanceId> there;
  for (std::size_t d = 0; d < 3; ++d) there.push_back(x.bench->warm(d == 1 ? x.big : x.small, d));
  x.make();
  EXPECT_EQ(x.choose(x.big, x.all).first, DeviceId{1}) << "10 GiB are free there";
  x.did(there[1], 0.8);
  x.did(there[0], 0.79);
  x.end_window();
  EXPECT_EQ(x.choose(x.big, x.all), Choice(DeviceId{0}, "tightest")) << "14 GiB are free there, and it is below 80 %";
}

// Where all are busy or full: the least used on which it fits at all, and where it fits nowhere, the least used to evict from.
TEST(placement_infaas_placement, otherwise_the_least_used_device_or_none) {
  for (const bool nowhere : {false, true}) {
    Rack x;
    std::vector<InstanceId> there;
    for (std::size_t d = 0; d < 4; ++d) there.push_back(x.bench->warm(x.small, d));
    x.make(nowhere ? param::Object{{"otherwise", "nowhere"}} : param::Object{});
    const double busy[] = {0.95, 0.9, 0.85, 0.9};
    for (std::size_t d = 0; d < 4; ++d) x.did(there[d], busy[d]);
    x.end_window();
    const auto expect = [&](const Choice& got, std::size_t d, std::string_view why) {
      EXPECT_EQ(got, nowhere ? Choice(DeviceId{}, "no_slack") : Choice(DeviceId{d}, why));
    };
    expect(x.choose(x.small, x.all), 2, "least_used");
    expect(x.choose(x.small, {}, std::vector{DeviceId{0}, DeviceId{1}}), 1, "least_used_to_evict");
    x.board.devices[3].memory_free = 15 * gib;
    expect(x.choose(x.small, {}, std::vector{DeviceId{1}, DeviceId{3}}), 3, "least_used_to_evict");
  }
}

// Interfered: half of the peak of 100 queries per second, at more than 1.5 x the profile.
TEST(placement_infaas_placement, more_of_an_interfered_variant_goes_to_the_least_used_device) {
  Rack x;
  const InstanceId suffers = x.bench->warm(x.small, 0), neighbour = x.bench->warm(x.big, 0), other = x.bench->warm(x.big, 1);
  x.bench->warm(x.big, 2);
  x.make();
  EXPECT_EQ(x.choose(x.small, x.all), Choice(DeviceId{0}, "tightest"));
  x.did(suffers, 0.3, 100, 16ms);
  x.did(neighbour, 0.3);
  x.did(other, 0.2);
  x.end_window();
  EXPECT_EQ(x.choose(x.small, x.all), Choice(DeviceId{3}, "away_from_neighbours")) << "of two that are idle that with most memory free";
  EXPECT_EQ(x.choose(x.small, std::vector{DeviceId{0}, DeviceId{1}}), Choice(DeviceId{1}, "away_from_neighbours"));
  EXPECT_EQ(x.choose(x.big, std::vector{DeviceId{0}, DeviceId{1}}), Choice(DeviceId{0}, "tightest")) << "that one does not suffer";
}

// Instances of one variant take turns on an exclusive device: one on a device of its own comes before a tight fit, slack or not.
TEST(placement_infaas_placement, replicas_on_exclusive_devices_are_spread_unless_told_otherwise) {
  for (const bool spread : {false, true}) {
    Rack x;
    x.bench->warm(x.small, 0);
    const InstanceId busy = x.bench->warm(x.big, 1);
    x.make({}, spread);
    EXPECT_EQ(x.choose(x.small, std::vector{DeviceId{0}, DeviceId{3}}), Choice(DeviceId{spread ? 3U : 0U}, "tightest"));
    x.did(busy, 0.9);
    x.end_window();
    EXPECT_EQ(x.choose(x.small, std::vector{DeviceId{0}, DeviceId{1}}),
              spread ? Choice(DeviceId{1}, "least_used") : Choice(DeviceId{0}, "tightest"));
  }
}

}  // namespace
}  // namespace tideline

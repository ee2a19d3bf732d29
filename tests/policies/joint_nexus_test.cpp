// D8: squishy bin packing, and the policy that runs by it.
//
// Whose examples these are:
//   nexus: doi:10.1145/3341301.3359658
#include "policies/builtin.h"
#include "policies/components/squishy_packing.h"
#include "sim/core/random.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace tideline::test {
namespace {

/// A profile that is known at some sizes: those between cost the next larger.
std::vector<Duration> profile(const std::vector<std::pair<std::uint32_t, int>>& known) {
  std::vector<Duration> table{Duration{}};
  for (const auto& [size, ms] : known)
    while (table.size() <= size) table.push_back(ms * 1ms);
  return table;
}

const std::vector<Duration> profile_a = profile({{4, 50}, {8, 75}, {16, 100}}), profile_b = profile({{4, 50}, {8, 90}, {16, 125}}),
                            profile_c = profile({{4, 60}, {8, 95}, {16, 125}});

std::vector<PackingSession> sessions(double rate_a, double rate_b, double rate_c) {
  return {{rate_a, 200ms, profile_a, 1}, {rate_b, 250ms, profile_b, 1}, {rate_c, 250ms, profile_c, 1}};
}

// SOSP 2019, section 6.1: saturated, a device serves 160, 128 and 128 requests a second.
TEST(SquishyPacking, gives_whole_devices_to_what_saturates_them) {
  const auto devices = pack_squishily(sessions(320, 128, 128), 10);
  ASSERT_EQ(devices.size(), 4U);
  for (const PackedDevice& d : devices) {
    ASSERT_EQ(d.parts.size(), 1U);
    EXPECT_EQ(d.parts[0].batch, 16U);
    EXPECT_NEAR(d.parts[0].rate, d.parts[0].session == 0 ? 160 : 128, 1e-9);
    EXPECT_EQ(d.occupancy, 1);
  }
}

// The same, with 64, 32 and 32: A and B share one in a cycle of 125 ms, batches of 8 and 4; C has the other, since 60 + 75 > 125.
TEST(SquishyPacking, lets_residual_loads_share_a_device) {
  const auto devices = pack_squishily(sessions(64, 32, 32), 10);
  ASSERT_EQ(devices.size(), 2U);
  ASSERT_EQ(devices[0].parts.size(), 2U);
  EXPECT_EQ(devices[0].parts[0].session, 0U);
  EXPECT_EQ(devices[0].parts[0].batch, 8U);
  EXPECT_EQ(devices[0].parts[1].session, 1U);
  EXPECT_EQ(devices[0].parts[1].batch, 4U);
  EXPECT_NEAR(devices[0].cycle_s, 0.125, 1e-12);
  EXPECT_NEAR(devices[0].occupancy, 1, 1e-12);
  ASSERT_EQ(devices[1].parts.size(), 1U);
  EXPECT_EQ(devices[1].parts[0].session, 2U);
  EXPECT_EQ(devices[1].parts[0].batch, 4U);
  EXPECT_NEAR(devices[1].occupancy, 0.48, 1e-12);
}

TEST(SquishyPacking, what_does_not_fit_in_memory_is_kept_apart_and_what_is_never_in_time_left_out) {
  auto both = sessions(64, 32, 0);
  EXPECT_EQ(pack_squishily(both, 10).size(), 1U);
  both[0].memory_bytes = 6;
  both[1].memory_bytes = 6;
  EXPECT_EQ(pack_squishily(both, 10).size(), 2U);
  both[0].slo = 49ms;
  const auto one = pack_squishily(both, 10);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].parts[0].session, 1U);
}

TEST(SquishyPacking, every_device_keeps_its_cycle_its_memory_and_all_slos) {
  Stream draw(2);
  for (int k = 0; k < 200; ++k) {
    std::vector<std::vector<Duration>> profiles;
    std::vector<PackingSession> list;
    for (int n = 0; n < 12; ++n) {
      std::vector<Duration> table{Duration{}};
      const double base = 0.002 + 0.02 * uniform01(draw), item = 0.0005 + 0.004 * uniform01(draw);
      for (int size = 1; size <= 16; ++size) table.push_back(from_seconds(base + size * item));
      profiles.push_back(table);
    }
    for (const auto& table : profiles)
      list.push_back(
          {std::exp(6 * uniform01(draw)), from_seconds(0.05 + 0.3 * uniform01(draw)), table, 1 + static_cast<int>(below(draw, 5))});
    std::vector<double> served(list.size());
    for (const PackedDevice& d : pack_squishily(list, 10)) {
      double busy = 0;
      std::int64_t bytes = 0;
      for (const auto& p : d.parts) {
        const PackingSession& s = list[p.session];
        const double latency = to_seconds(s.latency[p.batch]);
        busy += latency;
        bytes += s.memory_bytes;
        served[p.session] += p.rate;
        EXPECT_LE(p.rate * d.cycle_s, p.batch + 2e-3) << "its batch a cycle carries its rate";
        if (2 * s.latency[1] > s.slo) continue;
        EXPECT_LE(d.cycle_s + latency, to_seconds(s.slo) * (1 + 1e-9)) << "who just misses a batch is in the next in time";
      }
      EXPECT_LE(busy, d.cycle_s * (1 + 1e-9));
      EXPECT_LE(bytes, 10);
    }
    for (std::size_t n = 0; n < list.size(); ++n)
      if (served[n] > 0) {
        EXPECT_NEAR(served[n], list[n].rate, 1e-6 * list[n].rate);
      }
  }
}

/// Three variants on two devices, as in the example.
struct Cluster3 {
  WorldBuilder b;
  SiteId here = b.site("here");
  HardwareId gpu = b.hardware("gpu");
  std::vector<VariantId> v;
  std::unique_ptr<ClusterBench> bench;
  std::unique_ptr<Policy> made;
  Time now{};

  Cluster3() {
    const auto add = [&](const char* name, const std::vector<Duration>& table, Duration slo) {
      const TaskId t = b.task(name);
      v.push_back(b.variant(
          name, t, gpu, 0.7, [&](std::uint32_t n) { return table[n]; }, 16));
      QueryClass k;
      k.task = t;
      k.slo = slo;
      b.classes.push_back(k);
    };
    add("a", profile_a, 200ms);
    add("b", profile_b, 250ms);
    add("c", profile_c, 250ms);
    b.pool("p", here, gpu, 2);
    bench = std::make_unique<ClusterBench>(b);
    for (const VariantId k : v) bench->cluster.set_batch_cap(bench->group(k), 16);
    made = make_policy(nexus(), {}, bench->setup());
  }
  Plan plan(const std::vector<InstanceId>& to, const std::vector<int>& per_s) {
    auto& planner = dynamic_cast<AutoscalingPolicy&>(*made);
    for (std::size_t k = 0; k < to.size(); ++k)
      for (int n = 0; n < 5 * per_s[k]; ++n) bench->cluster.send(bench->admit(ClassId{k}, now), bench->cluster.own_line(to[k]));
    now += 5s;
    Plan p;
    planner.plan(bench->view(now), p);
    return p;
  }
};

TEST(Nexus, wishes_places_and_batches_as_packed) {
  Cluster3 x;
  const std::vector<InstanceId> warm{x.bench->warm(x.v[0], 0), x.bench->warm(x.v[1], 1), x.bench->warm(x.v[2], 1)};
  const Plan plan = x.plan(warm, {64, 32, 32});
  ASSERT_EQ(plan.wishes.size(), 3U);
  for (const Plan::Wish& w : plan.wishes) EXPECT_EQ(w.instances, 1U);
  // {A, B} is the fuller part: it goes to the device that A holds (or B: the first of those that hold as much); C to the other.
  auto& placement = dynamic_cast<PlacementPolicy&>(*x.made);
  const std::vector<DeviceId> both{DeviceId{0}, DeviceId{1}};
  EXPECT_EQ(placement.choose(x.v[1], 1, both, {}, x.bench->view(x.now)).device, DeviceId{0});
  // A runs in eights though more wait.
  auto& batching = dynamic_cast<BatchingPolicy&>(*x.made);
  for (int k = 0; k < 12; ++k) x.bench->wait_at(warm[0], ClassId{0}, x.now);
  EXPECT_EQ(batching.form(warm[0], x.bench->line(warm[0]), x.bench->view(x.now)).take, 8U);
  const Batch late = batching.form(warm[0], x.bench->line(warm[0]), x.bench->view(x.now + 140ms));  // eight are late, four not
  EXPECT_EQ(late.drop, 8U);
  EXPECT_EQ(late.take, 4U);
}

TEST(Nexus, devices_run_their_models_in_turn) {
  Cluster3 x;
  const std::vector<InstanceId> warm{x.bench->warm(x.v[0], 0), x.bench->warm(x.v[1], 0), x.bench->warm(x.v[2], 0)};
  std::vector<QueryView> heads;
  std::vector<VisitId> visits;
  for (std::size_t k = 0; k < 3; ++k) visits.push_back(x.bench->wait_at(warm[k], ClassId{k}));
  for (const VisitId k : visits) heads.push_back(x.bench->query(k));
  auto& sharing = dynamic_cast<SharingPolicy&>(*x.made);
  std::vector<InstanceId> turns;
  for (int k = 0; k < 6; ++k) turns.push_back(warm[sharing.next(DeviceId{0}, warm, heads, x.bench->view())]);
  EXPECT_EQ(std::set<InstanceId>(turns.begin(), turns.begin() + 3).size(), 3U);
  EXPECT_TRUE(std::equal(turns.begin(), turns.begin() + 3, turns.begin() + 3));
}

TEST(Nexus, queries_go_by_planned_rates) {
  // 200 a second of A: a whole device takes 160, the other 40.
  Cluster3 x;
  const InstanceId first = x.bench->warm(x.v[0], 0), second = x.bench->warm(x.v[0], 1);
  const Plan plan = x.plan({first}, {200});
  ASSERT_EQ(plan.wishes.size(), 1U);
  EXPECT_EQ(plan.wishes[0].instances, 2U);
  auto& dispatch = dynamic_cast<DispatchPolicy&>(*x.made);
  const QueryView q = x.bench->query(x.bench->admit(ClassId{0}, x.now));
  int to_first = 0;
  for (int k = 0; k < 10'000; ++k) to_first += dispatch.place(q, x.v[0], x.bench->view(x.now)).instance == first ? 1 : 0;
  EXPECT_NEAR(to_first, 8000, 250);
  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace tideline::test

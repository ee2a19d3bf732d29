// A5 and A6: INFaaS's autoscalers.
//
// Whose examples these are:
//   infaas_scaling: Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <map>

namespace tideline::test {
namespace {

using Wishes = std::map<std::string, std::uint32_t>;

/// small (cost 1, 50 queries per second, load 2 s) and big (cost 2, 200, 4 s) of one model, on hardware of their own.
struct Worker {
  WorldBuilder b;
  SiteId here = b.site("here");
  TaskId task = b.task("task");
  HardwareId cheap = b.hardware("cheap"), dear = b.hardware("dear");
  VariantId small = b.variant("small", task, cheap, 0.7, 20ms, 1, 2s), big = b.variant("big", task, dear, 0.7, 5ms, 1, 4s);
  std::unique_ptr<ClusterBench> bench;
  std::unique_ptr<AutoscalingPolicy> p;
  Observer* observer = nullptr;
  Time now{};
  std::vector<InstanceId> warm;
  std::string why;

  Worker(std::size_t cheap_devices, std::size_t dear_devices, param::Object params = {}, Duration slo = 1s) {
    for (Variant& v : b.catalog.variants) v.model = "net";
    for (Hardware& h : b.catalog.hardware) h.memory_bytes = 1;  // an instance takes a device whole
    b.pool("cheap", here, cheap, static_cast<std::uint32_t>(cheap_devices), 3600);
    b.pool("dear", here, dear, static_cast<std::uint32_t>(dear_devices), 7200);
    b.add_class(task, slo);
    bench = std::make_unique<ClusterBench>(b);
    params.emplace_back("memory_reserve_bytes", 0);
    p = make<AutoscalingPolicy>(infaas_scaling(), bench->setup(), params);
    observer = dynamic_cast<Observer*>(p.get());
  }
  void add(VariantId v, std::size_t device) { warm.push_back(bench->warm(v, device)); }
  /// A second in which so many queries are sent to the first instance; answers what is wished for.
  Wishes second(int queries) {
    for (int k = 0; k < queries; ++k) {
      const VisitId v = bench->admit(ClassId{0}, now);
      observer->arrived(bench->query(v), bench->view(now));
      bench->cluster.send(v, bench->cluster.own_line(warm.front()));
    }
    now += 1s;
    Plan plan;
    p->plan(bench->view(now), plan);
    Wishes out;
    why.clear();
    for (const Plan::Wish& w : plan.wishes) {
      out[(*bench->world)[(*bench->world)[w.group].variant].name] = w.instances;
      why = p->reasons()[w.reason];
    }
    nodes = plan.nodes;
    return out;
  }
  std::vector<Plan::Nodes> nodes;
};

// Load 60: another small costs 1.2, a big in its place 2.8 - 1. Load 180: three small cost 3.6, a big 1.8.
TEST(InfaasScaling, replicates_or_upgrades_as_costs_say) {
  Worker w(8, 4, {{"load_weight_per_s", 0.1}});
  w.add(w.small, 0);
  EXPECT_EQ(w.second(47), Wishes{});  // 1.05 x 47 < 50
  EXPECT_EQ(w.second(60), (Wishes{{"small", 2}}));
  EXPECT_EQ(w.why, "replicated");
  EXPECT_EQ(w.second(180), (Wishes{{"small", 0}, {"big", 1}}));
  EXPECT_EQ(w.why, "upgraded");
}

TEST(InfaasScaling, upgrades_only_where_it_may_where_there_is_room_and_within_the_slo) {
  Worker only(8, 4, {{"models", "individual"}});
  only.add(only.small, 0);
  EXPECT_EQ(only.second(180), (Wishes{{"small", 4}}));
  Worker fixed(8, 4, {{"models", "fixed"}});
  fixed.add(fixed.small, 0);
  EXPECT_EQ(fixed.second(180), Wishes{});
  Worker full(8, 1);
  full.add(full.small, 0);
  full.add(full.big, 8);
  full.warm.pop_back();
  EXPECT_EQ(full.second(480), Wishes{});  // 11 small or 3 big: no room; with the idle big it is no lack of 1.05 either
  Worker tight(8, 4, {}, 3ms);            // nothing of the model is that fast
  tight.add(tight.small, 0);
  EXPECT_EQ(tight.second(180), (Wishes{{"small", 4}}));
}

TEST(InfaasScaling, removes_or_downgrades_once_that_has_been_right_for_the_load_time) {
  Worker w(8, 4);
  w.add(w.small, 0);
  w.add(w.small, 1);
  EXPECT_EQ(w.second(40), Wishes{});
  EXPECT_EQ(w.second(60), Wishes{});  // not any more: begins anew
  EXPECT_EQ(w.second(40), Wishes{});
  EXPECT_EQ(w.second(40), Wishes{});
  EXPECT_EQ(w.second(40), (Wishes{{"small", 1}}));
  EXPECT_EQ(w.why, "removed");

  Worker down(8, 4, {{"load_weight_per_s", 0.1}});
  down.add(down.big, 8);
  for (int k = 0; k < 4; ++k) EXPECT_EQ(down.second(30), Wishes{});
  EXPECT_EQ(down.second(30), (Wishes{{"big", 0}, {"small", 1}}));  // 1.2 - 2 < 0
  EXPECT_EQ(down.why, "downgraded");
  Worker no_gain(8, 4, {{"load_weight_per_s", 1}});
  no_gain.add(no_gain.big, 8);
  for (int k = 0; k < 8; ++k) EXPECT_EQ(no_gain.second(30), Wishes{});  // 3 - 2 > 0
}

/// Two pools that may grow from one node to three.
struct Machines : Worker {
  static param::Object parameters(param::Object more) {
    more.emplace_back("models", "fixed");
    return more;
  }
  explicit Machines(param::Object more = {}) : Worker(1, 1, parameters(std::move(more))) {
    for (Pool& pool : b.topology.pools) pool.max = 3;
    for (std::size_t k = 0; k < b.topology.pools.size(); ++k) b.topology.pools[k].count = b.topology.pools[k].min = 1;
    bench = std::make_unique<ClusterBench>(b);
    p = make<AutoscalingPolicy>(infaas_scaling(), bench->setup(), parameters({{"memory_reserve_bytes", 0}}));
    observer = dynamic_cast<Observer*>(p.get());
  }
  /// A second in which the instance was busy for so long.
  void busy(InstanceId i, Duration d) {
    if (d > Duration{}) {
      bench->wait_at(i, ClassId{0}, now);
      bench->run(i, 1, now, d);
      bench->end(i, now + d);
    }
    second(0);
  }
};

TEST(InfaasScaling, a_pool_whose_devices_are_all_busy_grows_once_in_a_while) {
  Machines m;
  m.add(m.small, 0);
  int orders = 0;
  Time first{}, next{};
  for (int k = 0; k < 40; ++k) {
    m.busy(m.warm[0], 900ms);
    if (m.nodes.empty()) continue;
    ASSERT_EQ(m.nodes.size(), 1U);
    EXPECT_EQ(m.nodes[0].pool, PoolId{0});
    EXPECT_EQ(m.nodes[0].count, 2U);
    if (++orders == 1) first = m.now;
    if (orders == 2) next = m.now;
  }
  EXPECT_EQ(orders, 2);
  EXPECT_EQ(next - first, 32s);  // 15 rounds of 2 s between
}

TEST(InfaasScaling, a_pool_never_shrinks_below_what_it_began_with) {
  Machines m;
  for (int k = 0; k < 80; ++k) {
    m.second(0);
    EXPECT_TRUE(m.nodes.empty());
  }
}

}  // namespace
}  // namespace tideline::test

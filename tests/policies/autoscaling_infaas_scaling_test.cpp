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

// Where a second of loading weighs as much as one of holding, both ways to carry 180 cost 9: 3 (1 + 2 w) and 2 (1 + 4 w) - 1.
TEST(InfaasScaling, weighs_loading_against_holding) {
  for (const auto& [weight, wishes] : {std::pair{0.99, Wishes{{"small", 0}, {"big", 1}}}, {1.01, Wishes{{"small", 4}}}}) {
    Worker w(8, 4, {{"load_weight_per_s", weight}});
    w.add(w.small, 0);
    EXPECT_EQ(w.second(180), wishes) << weight;
  }
}

// The rule of the released code for GPUs: slope 2 ms and intercept 10 ms at batch 4 are 18 ms and 222.2 items/s; with one instance, 300/s and a
// load of 2 s it adds ceil((300 - 222.2 + 0.2 x 2 x 222.2) / 222.2) = ceil(.75), with one of 4 s ceil(1.15).
TEST(InfaasScaling, replicates_for_what_queues_during_a_load_as_the_released_code_does) {
  for (const auto& [load, wished] : {std::pair<Duration, std::uint32_t>{2s, 2}, {4s, 3}}) {
    WorldBuilder b;
    const SiteId here = b.site("here");
    const TaskId task = b.task("task");
    const HardwareId gpu = b.hardware("gpu");
    const VariantId v = b.variant(
        "v", task, gpu, 0.7, [](std::uint32_t items) { return 10ms + items * 2ms; }, 4, 1, load);
    b.catalog.hardware[0].memory_bytes = 1;
    b.pool("gpus", here, gpu, 8, 3600);
    b.add_class(task, 1s);
    ClusterBench bench(b);
    const auto p =
        make<AutoscalingPolicy>(infaas_scaling(), bench.setup(),
                                {{"headroom", 1}, {"load_allowance_per_s", 0.2}, {"reference_batch", 4}, {"memory_reserve_bytes", 0}});
    auto* observer = dynamic_cast<Observer*>(p.get());
    const InstanceId warm = bench.warm(v, 0);
    for (int k = 0; k < 300; ++k) {
      const VisitId visit = bench.admit(ClassId{0}, Time{});
      observer->arrived(bench.query(visit), bench.view(Time{}));
      bench.cluster.send(visit, bench.cluster.own_line(warm));
    }
    Plan plan;
    p->plan(bench.view(Time{} + 1s), plan);
    ASSERT_EQ(plan.wishes.size(), 1U);
    EXPECT_EQ(plan.wishes[0].instances, wished);
  }
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

using Orders = std::map<std::string, std::uint32_t>;

/// The same on pools that may grow from the nodes that they begin with, one for each instance, and shrink to none; a third one is of the
/// dear hardware at a higher price, where it has any nodes.
struct Machines : Worker {
  struct Nodes {
    std::uint32_t count, most;
  };
  /// Instances that are busy with so many queries a second, one after the other.
  struct Load {
    std::vector<InstanceId> instances;
    int queries = 0;
    Duration each{};
  };
  explicit Machines(param::Object params = {{"models", "fixed"}}, Nodes cheap_nodes = {1, 3}, Nodes dear_nodes = {1, 3},
                    Nodes dearest_nodes = {0, 0}, bool cpu = false)
      : Worker(1, 1) {
    b.pool("dearest", here, dear, 0, 9000);
    const Nodes nodes_of[] = {cheap_nodes, dear_nodes, dearest_nodes};
    for (std::size_t k = 0; k < b.topology.pools.size(); ++k) {
      b.topology.pools[k].count = nodes_of[k].count;
      b.topology.pools[k].min = 0;
      b.topology.pools[k].max = nodes_of[k].most;
    }
    if (cpu) b.catalog.hardware[cheap.index()].accelerator = false;
    bench = std::make_unique<ClusterBench>(b);
    params.emplace_back("memory_reserve_bytes", 0);
    p = make<AutoscalingPolicy>(infaas_scaling(), bench->setup(), params);
    observer = dynamic_cast<Observer*>(p.get());
    second(0);  // the first window begins
  }
  /// A second in which the instance was busy for so long.
  void busy(InstanceId i, Duration d) {
    if (d > Duration{}) serve({{i}, 1, d});
    second(0);
  }
  void serve(const Load& load) {
    for (int k = 0; k < load.queries; ++k) {
      const Time at = now + k * load.each;
      for (const InstanceId i : load.instances) {
        bench->wait_at(i, ClassId{0}, at);
        bench->run(i, 1, at, load.each);
      }
      for (const InstanceId i : load.instances) bench->end(i, at + load.each);
    }
  }
  void send(InstanceId i, int queries) {
    for (int k = 0; k < queries; ++k) bench->cluster.send(bench->admit(ClassId{0}, now), bench->cluster.own_line(i));
  }
  /// A round of the machines: two seconds with a load each; the nodes that it orders.
  Orders round(const Load& first, const Load& then) {
    Orders out;
    for (const Load& load : {first, then}) {
      serve(load);
      second(0);
      for (const Plan::Nodes& n : nodes) out[bench->world->topology()[n.pool].name] = n.count;
    }
    return out;
  }
  Orders round(const Load& both) { return round(both, both); }
  Orders round() { return round({}, {}); }
  void node(std::size_t n, NodePhase phase) { bench->cluster.node_phase(NodeId{n}, phase, now); }
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

// Of 35 ms where 20 are profiled, 20 a second where 50 would be the peak: interfered. Busy for 70 % of the time they are no reason by that.
TEST(InfaasScaling, a_pool_grows_where_every_device_has_an_interfered_variant) {
  Machines m({{"models", "fixed"}}, {2, 3});
  m.add(m.small, 0);
  m.add(m.small, 1);
  EXPECT_EQ(m.round({{m.warm[0]}, 20, 35ms}), Orders{}) << "one of two";
  EXPECT_EQ(m.round({m.warm, 20, 25ms}), Orders{}) << "25 ms are not 1.5 times the profile";
  EXPECT_EQ(m.round({m.warm, 20, 35ms}), (Orders{{"cheap", 3}}));
}

// 50 a second overload a small one, 200 a big one.
TEST(InfaasScaling, where_more_than_four_fifths_are_overloaded_the_type_with_most_of_them_grows) {
  Machines m({{"models", "fixed"}}, {3, 4}, {2, 3});
  for (const std::size_t device : {0U, 1U, 2U}) m.add(m.small, device);
  for (const std::size_t device : {4U, 5U}) m.add(m.big, device);
  const auto overload = [&](std::size_t big) {
    for (std::size_t k = 0; k < 3; ++k) m.send(m.warm[k], 100);
    for (std::size_t k = 3; k < 3 + big; ++k) m.send(m.warm[k], 400);
    return m.round();
  };
  EXPECT_EQ(overload(1), Orders{}) << "four of five";
  EXPECT_EQ(overload(2), (Orders{{"cheap", 4}}));
}

// Five of six are overloaded, and their pool has no node left to add.
TEST(InfaasScaling, where_the_overloaded_type_cannot_grow_the_dearest_does) {
  Machines m({{"models", "fixed"}}, {5, 5}, {1, 3}, {0, 1});
  for (std::size_t device = 0; device < 5; ++device) m.add(m.small, device);
  m.add(m.big, 5);
  for (std::size_t k = 0; k < 5; ++k) m.send(m.warm[k], 100);
  EXPECT_EQ(m.round(), (Orders{{"dearest", 1}}));
}

// Load 480 takes ten more small ones or three big ones in the place of the one: the cheaper change, that finds one device of three.
TEST(InfaasScaling, a_change_of_models_that_finds_no_room_asks_for_a_machine) {
  Machines m(param::Object{{"models", "all"}});
  m.add(m.small, 0);
  const auto two_seconds = [&](int queries) {
    m.second(queries);
    EXPECT_TRUE(m.nodes.empty()) << "machines are looked at every other second";
    m.second(queries);
    Orders out;
    for (const Plan::Nodes& n : m.nodes) out[m.bench->world->topology()[n.pool].name] = n.count;
    return out;
  };
  EXPECT_EQ(two_seconds(60), Orders{}) << "a big one has room";
  EXPECT_EQ(two_seconds(480), (Orders{{"dear", 2}}));
  for (int k = 0; k < 15; ++k) EXPECT_EQ(two_seconds(480), Orders{}) << "round " << k << " after it";
  EXPECT_EQ(two_seconds(480), (Orders{{"dear", 2}})) << "it has not come";
}

/// A pool that began with one node and has two, an instance on each.
struct Grown : Machines {
  explicit Grown(bool cpu = false) : Machines({{"models", "fixed"}, {"back_off", 0}}, {1, 3}, {1, 3}, {0, 0}, cpu) {
    add(small, 0);
    EXPECT_EQ(round({warm, 9, 100ms}), (Orders{{"cheap", 2}}));
    node(1, NodePhase::up);
    add(small, 1);
    EXPECT_EQ(round({warm, 5, 100ms}), Orders{}) << "neither busy nor idle";
  }
  /// Rounds like this one until a node is given back, at most 20.
  int rounds_until_it_goes(const Load& first, const Load& then) {
    for (int k = 1; k <= 20; ++k)
      if (const Orders orders = round(first, then); !orders.empty()) {
        EXPECT_EQ(orders, (Orders{{"cheap", 1}}));
        return k;
      }
    return -1;
  }
};

TEST(InfaasScaling, a_node_goes_after_fifteen_low_rounds_and_never_one_that_was_there_at_first) {
  Grown m;
  for (int k = 0; k < 14; ++k) EXPECT_EQ(m.round(), Orders{}) << k;
  EXPECT_EQ(m.round({m.warm, 5, 100ms}), Orders{}) << "it begins anew";
  for (int k = 0; k < 14; ++k) EXPECT_EQ(m.round(), Orders{}) << k;
  EXPECT_EQ(m.round(), (Orders{{"cheap", 1}}));
  m.bench->cluster.stop(m.warm[1], m.now);
  m.node(1, NodePhase::off);
  for (int k = 0; k < 40; ++k) EXPECT_EQ(m.round(), Orders{}) << k;
}

// Busy shares of two devices: the least of them at most 8 %, or 5 % of CPUs; or their mean at most 8 %, or 30 % of CPUs.
TEST(InfaasScaling, a_round_is_low_by_its_least_used_device_or_by_the_mean) {
  const auto rounds = [](bool cpu, int tenths_of_first, int hundredths_of_second) {
    Grown m(cpu);
    return m.rounds_until_it_goes({{m.warm[0]}, tenths_of_first, 200ms}, {{m.warm[1]}, 1, hundredths_of_second * 20ms});
  };
  EXPECT_EQ(rounds(false, 3, 8), 15);
  EXPECT_EQ(rounds(false, 3, 9), -1);
  EXPECT_EQ(rounds(true, 4, 25), -1);
  EXPECT_EQ(rounds(true, 3, 25), 15);
  EXPECT_EQ(rounds(true, 5, 11), -1) << "a mean of 30.5 %";
  EXPECT_EQ(rounds(true, 5, 5), 15);
}

// An order, then idle: the fifteen rounds without another change are those after it, whatever the load of these says.
TEST(InfaasScaling, nothing_is_given_back_during_the_rounds_after_an_order) {
  Machines m;
  m.add(m.small, 0);
  EXPECT_EQ(m.round({m.warm, 9, 100ms}), (Orders{{"cheap", 2}}));
  m.node(1, NodePhase::up);
  for (int k = 0; k < 15; ++k) EXPECT_EQ(m.round(), Orders{}) << k;
  EXPECT_EQ(m.round(), (Orders{{"cheap", 1}}));
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

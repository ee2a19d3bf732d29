// Loads: what each part takes, who shares what, what waits for whom.
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

Time at(Duration d) { return Time{} + d; }

/// Instances of variants `a`, `b`, ... at times, whole multiples of 10 s, by plan; and when they were warm.
struct Loads {
  WorldBuilder b;
  SiteId site = b.site("s");
  TaskId task = b.task("t");
  HardwareId hw = b.hardware("gpu", 100);
  std::vector<VariantId> variants;
  struct Wish {
    Duration at;
    std::size_t variant;
    std::uint32_t instances;
  };
  std::vector<Wish> wishes;

  Hardware& hardware() { return b.catalog.hardware[0]; }
  VariantId variant(const std::string& name, std::int64_t bytes, Duration first_run = {}, Duration build = {}) {
    variants.push_back(b.variant(name, task, hw, 0.7, 100ms, 1, first_run));
    b.catalog.variants.back().artefact_bytes = bytes;
    b.catalog.variants.back().load.build = build;
    return variants.back();
  }

  struct Planned final : AutoscalingPolicy {
    using Params = NoParams;
    static inline const Loads* of = nullptr;
    Planned(const Params&, const tideline::Setup&) {}
    Duration interval() const override { return 10s; }
    void plan(ClusterView view, Plan& plan) override {
      for (const Wish& w : of->wishes)
        if (at(w.at) == view.now()) plan.wishes.push_back({view.world().group(of->variants[w.variant], SiteId{0}), w.instances, 0});
    }
  };
  struct Unkept final : ColdstartPolicy {
    using Params = NoParams;
    Unkept(const Params&, const tideline::Setup&) {}
    KeepAlive became_idle(InstanceId, ClusterView) override { return {}; }
  };

  struct WarmTimes final : Recorder {
    std::vector<Time> warm;
    std::vector<LoadParts> parts;
    void instance_warm(InstanceId, Time now) override { warm.push_back(now); }
    void load_began(InstanceId, const LoadParts& p, double, Time) override { parts.push_back(p); }
  };

  /// When they were warm, in that order.
  std::vector<Time> run(std::uint32_t nodes = 1, std::uint32_t devices = 1) {
    b.add_class(task);
    b.pool("p", site, hw, nodes);
    b.topology.pools.back().devices_per_node = devices;
    of_run();
    return record.warm;
  }
  void of_run() {
    Planned::of = this;
    const auto world = b.build();
    ProfiledExecutor executor(world->catalog(), 1);
    RunOptions options;
    options.environment = environment;
    options.sample = forever;
    options.duration = 1000s;
    options.drain = 0s;
    std::vector<Controller> controllers(1);
    PolicySet& set = controllers[0].policies;
    const auto own = [&]<class P>(std::unique_ptr<P> p) {
      P* raw = p.get();
      set.objects.push_back(std::move(p));
      return raw;
    };
    set.admission = own(std::make_unique<PlainAdmission>());
    set.selection = own(std::make_unique<PlainSelection>());
    set.dispatch = own(std::make_unique<PlainDispatch>());
    set.sharing = own(std::make_unique<PlainSharing>());
    set.batching = own(std::make_unique<PlainBatching>());
    set.autoscaling = own(std::make_unique<Planned>(NoParams{}, tideline::Setup{}));
    set.placement = own(std::make_unique<PlainPlacement>());
    set.coldstart = own(std::make_unique<Unkept>(NoParams{}, tideline::Setup{}));
    set.eviction = own(std::make_unique<PlainEviction>());
    std::vector<WorkloadEntry> entries(1);
    auto source = std::make_unique<PlainSource>();
    source->list = arrivals;
    entries[0].source = std::move(source);
    entries[0].classes = {{{ClassId{0}, 1}}};
    entries[0].payload_bytes = payload;
    Simulation s(*world, options, std::move(controllers), Workload(std::move(entries), 1), executor, {&record, &notes});
    notes.cluster = &s.cluster();
    s.run();
  }

  Environment environment;
  std::vector<std::pair<Time, std::uint32_t>> arrivals;
  std::uint32_t payload = 0;
  WarmTimes record;
  Notes notes;
};

TEST(a_load, takes_the_sum_of_its_parts_and_the_second_what_is_left_of_them) {
  Loads x;
  x.hardware().store_bytes_per_s = 100;
  x.hardware().disk_bytes_per_s = 200;
  x.hardware().copy_bytes_per_s = 1000;
  x.variant("a", 1000, 3s, 7s);
  x.b.catalog.variants[0].load.runtime_init = 2s;
  x.wishes = {{10s, 0, 1}, {50s, 0, 0}, {60s, 0, 1}, {90s, 0, 2}};
  const auto warm = x.run();
  ASSERT_EQ(warm.size(), 3U);
  EXPECT_EQ(warm[0], at(10s + 10s + 1s + 7s + 2s + 3s)) << "store, copy, build, runtime, first run";
  EXPECT_EQ(warm[1], at(60s + 5s + 1s + 2s + 3s)) << "disk, copy, runtime, first run";
  EXPECT_EQ(warm[2], at(90s + 5s + 1s + 3s)) << "the runtime is there";
}

TEST(a_load, from_host_memory_is_only_copied) {
  Loads x;
  x.hardware().store_bytes_per_s = 100;
  x.hardware().disk_bytes_per_s = 200;
  x.hardware().copy_bytes_per_s = 1000;
  x.hardware().host_bytes = 1500;
  x.variant("a", 1000, 3s);
  x.variant("b", 1000, 3s);
  x.wishes = {{10s, 0, 1}, {30s, 0, 0}, {40s, 0, 1}, {50s, 0, 0}, {60s, 1, 1}, {90s, 0, 1}};
  const auto warm = x.run();
  ASSERT_EQ(warm.size(), 4U);
  EXPECT_EQ(warm[1], at(40s + 1s + 3s));
  EXPECT_TRUE(x.record.parts[1].from_host);
  EXPECT_EQ(warm[3], at(90s + 5s + 1s + 3s)) << "b has taken its place in host memory";
}

TEST(a_node, has_its_disk_after_a_failure_and_another_after_a_reclaim) {
  for (const bool reclaimed : {false, true}) {
    Loads x;
    x.hardware().store_bytes_per_s = 100;
    x.hardware().disk_bytes_per_s = 200;
    x.variant("a", 1000, 3s, 7s);
    x.wishes = {{10s, 0, 1}, {60s, 0, 1}};
    const NodeRange node{NodeId{0}, 1};
    if (reclaimed) x.environment.changes = {{.kind = Change::Kind::notice, .from = at(40s), .to = at(45s), .nodes = node}};
    x.environment.changes.push_back({.kind = Change::Kind::failure, .from = at(45s), .to = at(50s), .nodes = node});
    const auto warm = x.run();
    ASSERT_EQ(warm.size(), 2U);
    EXPECT_EQ(warm[1], reclaimed ? at(60s + 10s + 7s + 3s) : at(60s + 5s + 3s));
    EXPECT_EQ(x.record.parts[1].from_store, reclaimed);
    EXPECT_EQ(x.record.parts[1].build, reclaimed);
  }
}

TEST(a_load, on_unified_memory_has_one_tier) {
  Loads x;
  x.hardware().unified_memory = true;
  x.hardware().store_bytes_per_s = 100;
  x.hardware().disk_bytes_per_s = 200;
  x.variant("a", 1000, 3s);
  x.wishes = {{10s, 0, 1}, {30s, 0, 0}, {40s, 0, 1}};
  const auto warm = x.run();
  EXPECT_EQ(warm[0], at(10s + 10s + 3s));
  EXPECT_EQ(warm[1], at(40s + 5s + 3s));
}

TEST(a_full_disk, loses_what_was_used_longest_ago_and_what_was_built_from_it) {
  Loads x;
  x.hardware().store_bytes_per_s = 100;
  x.hardware().disk_bytes = 2500;
  for (const char* name : {"a", "b", "c"}) x.variant(name, 1000, {}, 5s);
  x.wishes = {{0s, 0, 1}, {20s, 0, 0}, {20s, 1, 1}, {40s, 1, 0}, {40s, 0, 1}, {60s, 0, 0}, {60s, 2, 1}, {80s, 1, 1}, {100s, 0, 1}};
  const auto warm = x.run();
  ASSERT_EQ(warm.size(), 6U);
  EXPECT_EQ(warm[2], at(40s)) << "a is there, and built";
  EXPECT_EQ(warm[4], at(80s + 10s + 5s)) << "b went for c";
  EXPECT_EQ(warm[5], at(100s + 10s + 5s)) << "a went for b";
}

TEST(loads, on_one_device_go_one_after_the_other) {
  Loads x;
  x.variant("a", 0, 5s);
  x.wishes = {{10s, 0, 3}};
  EXPECT_EQ(x.run(), (std::vector{at(15s), at(20s), at(25s)}));
  Loads y;
  y.hardware().concurrent_loads = 2;
  y.variant("a", 0, 5s);
  y.wishes = {{10s, 0, 3}};
  EXPECT_EQ(y.run(), (std::vector{at(15s), at(15s), at(20s)}));
}

TEST(loads, of_two_devices_share_the_disk_of_their_node) {
  Loads x;
  x.hardware().disk_bytes_per_s = 100;
  x.variant("a", 1000);
  x.variant("b", 1000);
  x.wishes = {{0s, 0, 1}, {10s, 0, 0}, {10s, 1, 1}, {30s, 1, 0}, {40s, 0, 1}, {40s, 1, 1}};
  // Each device takes one: memory for one.
  x.b.catalog.variants[0].memory_bytes = x.b.catalog.variants[1].memory_bytes = 100;
  const auto warm = x.run(1, 2);
  ASSERT_EQ(warm.size(), 4U);
  EXPECT_EQ(warm[2], at(60s)) << "10 s alone, 20 s together";
  EXPECT_EQ(warm[3], at(60s));
}

TEST(loads, of_one_artefact_on_one_node_fetch_and_build_once_for_all_who_wait) {
  Loads x;
  x.hardware().store_bytes_per_s = 100;
  x.hardware().disk_bytes_per_s = 1000;
  x.variant("a", 1000, 1s, 4s);
  x.b.catalog.variants[0].memory_bytes = 100;
  x.wishes = {{10s, 0, 2}};
  const auto warm = x.run(1, 2);
  ASSERT_EQ(warm.size(), 2U);
  EXPECT_EQ(warm[0], at(10s + 10s + 4s + 1s));
  EXPECT_EQ(warm[1], at(10s + 10s + 4s + 1s)) << "its 1 s from the disk passes while the first builds";
}

TEST(loads, from_a_store_at_a_site_share_the_links_with_queries) {
  Loads x;
  const SiteId core = x.b.site("core");
  x.b.link(core, x.site, 1s, 100);
  x.b.topology.store = core;
  x.b.topology.links[0].price_per_byte_usd = 0.001;
  x.variant("a", 1000, 2s);
  x.wishes = {{10s, 0, 1}};
  EXPECT_EQ(x.run(), (std::vector{at(10s + 10s + 1s + 2s)}));
}

TEST(a_load, that_its_node_does_not_survive_leaves_nothing_behind) {
  Loads x;
  x.hardware().store_bytes_per_s = 100;
  x.variant("a", 1000, 2s);
  x.environment.changes = {{.kind = Change::Kind::failure, .from = at(15s), .to = at(30s), .nodes = {NodeId{0}, 1}}};
  x.wishes = {{10s, 0, 2}, {40s, 0, 1}};
  EXPECT_EQ(x.run(), (std::vector{at(40s + 10s + 2s)})) << "fetched anew, all by itself";
}

TEST(loads, that_find_the_artefact_in_host_memory_wait_for_what_is_built_from_it) {
  Loads x;
  x.hardware().store_bytes_per_s = 100;
  x.hardware().host_bytes = 10000;
  x.variant("a", 1000, 1s, 4s);
  x.b.catalog.variants[0].memory_bytes = 100;
  x.wishes = {{10s, 0, 2}};
  EXPECT_EQ(x.run(1, 2), (std::vector{at(10s + 10s + 4s + 1s), at(10s + 10s + 4s + 1s)}));
}

TEST(loads, that_wait_for_their_turn_leave_the_runtime_to_the_first) {
  Loads x;
  x.variant("a", 0, 5s);
  x.variant("b", 0, 5s);
  for (Variant& v : x.b.catalog.variants) v.load.runtime_init = 2s;
  x.b.catalog.variants[0].framework = "f";
  x.b.catalog.variants[1].framework = "g";
  x.wishes = {{10s, 0, 1}, {10s, 1, 2}};
  EXPECT_EQ(x.run(), (std::vector{at(10s + 7s), at(10s + 7s + 7s), at(10s + 7s + 7s + 5s)}));
}

TEST(a_load, slows_batches_that_start_meanwhile_where_the_hardware_says_so) {
  Loads x;
  x.hardware().load_slowdown = 1.5;
  x.variant("a", 0, 5s);
  x.wishes = {{0s, 0, 1}, {10s, 0, 2}};
  x.arrivals = {{at(4900ms), 0}, {at(9s), 0}, {at(12s), 0}, {at(16s), 0}};
  x.run();
  ASSERT_EQ(x.notes.ends.size(), 4U);
  EXPECT_EQ(x.notes.ends[0].service, 100ms) << "it begins as its own load ends";
  x.notes.ends.erase(x.notes.ends.begin());
  EXPECT_EQ(x.notes.ends[0].service, 100ms);
  EXPECT_EQ(x.notes.ends[1].service, 150ms) << "an exclusive device goes on serving";
  EXPECT_EQ(x.notes.ends[2].service, 100ms);
}

}  // namespace
}  // namespace tideline

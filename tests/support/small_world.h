// Small worlds for tests, in code: hardware, variants, pools, classes, and a cluster with views on it.
#pragma once

#include "sim/executor/profiled.h"
#include "sim/policy/policy.h"
#include "sim/serving/simulation.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tideline::test {

/// Builds a world step by step; every name is looked up, so order matters: sites, hardware, tasks, variants, pools, classes.
struct WorldBuilder {
  Catalog catalog;
  Topology topology;
  std::vector<QueryClass> classes;

  SiteId site(const std::string& name) {
    topology.sites.push_back(name);
    return SiteId{topology.sites.size() - 1};
  }
  void link(SiteId a, SiteId b, Duration delay, double bytes_per_s = 0) { topology.links.push_back({a, b, delay, bytes_per_s, 0, {}, {}}); }
  TaskId task(const std::string& name, bool hit_rate = true) {
    Task t;
    t.name = name;
    t.metric = hit_rate ? "top-1" : "mAP";
    t.hit_rate = hit_rate;
    catalog.tasks.push_back(t);
    return TaskId{catalog.tasks.size() - 1};
  }
  HardwareId hardware(const std::string& name, std::int64_t memory = 1'000'000, Sharing sharing = Sharing::exclusive,
                      std::uint32_t cores = 1) {
    Hardware h;
    h.name = name;
    h.kind = sharing == Sharing::partitioned ? "cpu" : "gpu";
    h.accelerator = sharing == Sharing::exclusive;
    h.sharing = sharing;
    h.cores = cores;
    h.memory_bytes = memory;
    catalog.hardware.push_back(h);
    return HardwareId{catalog.hardware.size() - 1};
  }
  /// `latency(b)` for b = 1 .. max_batch; one core option of `cores` cores.
  VariantId variant(const std::string& name, TaskId task, HardwareId hardware, double accuracy,
                    std::function<Duration(std::uint32_t)> latency, std::uint32_t max_batch = 1, std::int64_t memory = 1,
                    Duration load = {}, std::uint32_t cores = 1) {
    Variant v;
    v.name = v.model = v.base_model = name;
    v.task = task;
    v.hardware = hardware;
    v.accuracy = accuracy;
    v.max_batch = max_batch;
    v.memory_bytes = memory;
    v.load.first_run = load;
    std::vector<Duration> table(max_batch + 1);
    for (std::uint32_t b = 1; b <= max_batch; ++b) table[b] = latency(b);
    v.profile = Profile({cores}, {table});
    catalog.variants.push_back(v);
    return VariantId{catalog.variants.size() - 1};
  }
  VariantId variant(const std::string& name, TaskId t, HardwareId h, double accuracy, Duration latency, std::int64_t memory = 1,
                    Duration load = {}) {
    return variant(
        name, t, h, accuracy, [latency](std::uint32_t) { return latency; }, 1, memory, load);
  }
  PoolId pool(const std::string& name, SiteId site, HardwareId hardware, std::uint32_t count, double price_per_hour = 0) {
    topology.pools.push_back({name, site, hardware, count, count, count, 1, {}, price_per_hour});
    return PoolId{topology.pools.size() - 1};
  }
  /// Index of the declaration; `World::class_of` gives the id.
  std::size_t add_class(TaskId task, Duration slo = forever, double floor = 0) {
    QueryClass c;
    c.task = task;
    c.slo = slo;
    c.floor = floor;
    c.has_floor = floor > 0;
    c.name = "class" + std::to_string(classes.size());
    classes.push_back(c);
    return classes.size() - 1;
  }
  std::unique_ptr<World> build() {
    catalog.complete();
    topology.complete();
    return std::make_unique<World>(catalog, topology, classes);
  }
};

/// A cluster whose transitions a test makes by hand, and the views that policies get of it.
struct ClusterBench {
  explicit ClusterBench(WorldBuilder builder) : world(builder.build()), cluster(*world, Indexes{true, true}) {
    std::vector<const Board*> boards;
    for (std::size_t s = 0; s < world->site_count(); ++s) boards.push_back(&cluster.board(SiteId{s}));
    knowledge.look_at(*world, boards);
  }
  ClusterView view(Time now = {}) const { return {knowledge, now}; }
  Setup setup(std::uint64_t seed = 1) const {
    Setup s;
    s.world = world.get();
    s.stream = Stream(seed);
    return s;
  }
  GroupId group(VariantId v, SiteId s = SiteId{0}) const { return world->group(v, s); }
  /// A warm instance on a device (by index), started and warm at `at`.
  InstanceId warm(VariantId v, std::size_t device, Time at = {}) {
    const SiteId s = world->topology().devices[device].site;
    const InstanceId i = cluster.start(world->group(v, s), DeviceId{device}, 0, world->operator[](v).max_batch, StartCause::initial, at);
    cluster.warm(i, at);
    return i;
  }
  InstanceId starting(VariantId v, std::size_t device, Time at, Time expected) {
    const SiteId s = world->topology().devices[device].site;
    const InstanceId i = cluster.start(world->group(v, s), DeviceId{device}, 0, world->operator[](v).max_batch, StartCause::held, at);
    cluster.expect_warm(i, expected);
    return i;
  }
  VisitId admit(ClassId cls, Time at = {}, std::uint16_t items = 1, SiteId origin = SiteId{0}) {
    Visit q;
    q.arrival = at;
    q.serial = serial++;
    q.cls = cls;
    q.items = items;
    q.origin = static_cast<std::uint16_t>(origin.index());
    return cluster.admit(q);
  }
  /// Admits a query and lets it wait at an instance.
  VisitId wait_at(InstanceId i, ClassId cls, Time at = {}) {
    const VisitId v = admit(cls, at);
    cluster.send(v, cluster.own_line(i));
    cluster.join(v, at);
    return v;
  }
  /// The instance starts `take` of its line at `at`, done by profile after `took`.
  void run(InstanceId i, std::uint32_t take, Time at, Duration took) {
    cluster.begin(i, cluster.own_line(i), take, at);
    cluster.run(i, at, at + took);
  }
  /// Its batch is done; the visits are closed.
  void end(InstanceId i, Time at) {
    VisitId v = cluster.end(i, at);
    while (v) {
      const VisitId next = cluster[v].next;
      cluster.query_done(v);
      cluster.close(v);
      v = next;
    }
  }
  QueryView query(VisitId v) const { return {cluster[v], *world}; }
  LineView line(InstanceId i) const { return {cluster, cluster.own_line(i)}; }

  std::unique_ptr<World> world;
  Cluster cluster;
  Knowledge knowledge;
  std::uint64_t serial = 0;
};

}  // namespace tideline::test

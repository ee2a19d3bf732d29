// Runs whose every query is written down by hand, under the plainest policies there are.
#pragma once

#include "tests/support/small_world.h"

#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace tideline::test {

/// Yields the arrivals that it was given.
class ListSource final : public ArrivalSource {
 public:
  explicit ListSource(std::vector<Duration> at) : at_(std::move(at)) {}
  bool next(Arrival& out) override {
    if (next_ == at_.size()) return false;
    out = Arrival{};
    out.at = Time{} + at_[next_++];
    return true;
  }
  double mean_qps(Time, Time) const override { return 0; }

 private:
  std::vector<Duration> at_;
  std::size_t next_ = 0;
};

/// Every kind at its plainest: the first variant of the task, one instance started where there is none, batches of one, first come first
/// served, instances kept for `keep`.
class PlainPolicies final : public AdmissionPolicy,
                            public SelectionPolicy,
                            public DispatchPolicy,
                            public SharingPolicy,
                            public BatchingPolicy,
                            public AutoscalingPolicy,
                            public PlacementPolicy,
                            public ColdstartPolicy,
                            public EvictionPolicy {
 public:
  explicit PlainPolicies(Duration keep) : keep_(keep) {}
  Needs needs() const override {
    Needs n;
    n.indexes.by_load = true;
    return n;
  }
  Admission admit(const QueryView&, ClusterView) override { return {}; }
  Selection select(const QueryView& q, ClusterView view) override {
    return Selection::one(view.world().catalog()[q.task()].variants.front());
  }
  Dispatch place(const QueryView& q, VariantId v, ClusterView view) override {
    for (const GroupId g : view.groups_of(v, q.origin()))
      if (view.warm(g) > 0) return Dispatch::to(view.least_loaded(g)[0]);
    return Dispatch::hold();
  }
  std::size_t next(DeviceId, std::span<const InstanceId>, std::span<const QueryView>, ClusterView) override { return 0; }
  Batch form(InstanceId, const LineView&, ClusterView) override {
    Batch b;
    b.take = 1;
    return b;
  }
  Placement choose(VariantId, std::int64_t, std::span<const DeviceId> fits, std::span<const DeviceId> after, ClusterView) override {
    return {fits.empty() ? (after.empty() ? DeviceId{} : after[0]) : fits[0], 0};
  }
  KeepAlive became_idle(InstanceId, ClusterView) override {
    KeepAlive k;
    k.keep = keep_;
    return k;
  }
  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView) override { return {idle[0], 0}; }

 private:
  Duration keep_;
};

inline Controller plain_controller(Duration keep) {
  Controller c;
  auto all = std::make_unique<PlainPolicies>(keep);
  PolicySet& p = c.policies;
  p.names.fill("plain");
  p.admission = all.get();
  p.selection = all.get();
  p.dispatch = all.get();
  p.sharing = all.get();
  p.batching = all.get();
  p.autoscaling = all.get();
  p.placement = all.get();
  p.coldstart = all.get();
  p.eviction = all.get();
  p.objects.push_back(std::move(all));
  return c;
}

/// Runs queries of `cls` that arrive at `arrivals` at site 0, with 1000 bytes there and 500 back. `drive` runs the simulation.
template <class Drive>
void run_list(const World& world, ClassId cls, std::vector<Duration> arrivals, RunOptions options, Duration keep,
              std::vector<Recorder*> recorders, Drive drive) {
  std::vector<WorkloadEntry> entries(1);
  entries[0].name = "list";
  entries[0].payload_bytes = 1000;
  entries[0].answer_bytes = 500;
  entries[0].source = std::make_unique<ListSource>(std::move(arrivals));
  entries[0].classes = {{{cls, 1}}};
  ProfiledExecutor executor(world.catalog(), options.seed);
  std::vector<Controller> controllers;
  controllers.push_back(plain_controller(keep));
  const std::uint64_t seed = options.seed;
  Simulation simulation(world, std::move(options), std::move(controllers), Workload(std::move(entries), seed), executor,
                        std::move(recorders));
  drive(simulation);
}

}  // namespace tideline::test

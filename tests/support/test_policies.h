// Tiny policies whose answers a test writes as functions, a recorder that keeps what happened, sources of arrivals, and a
// simulation around them.
#pragma once

#include "tests/support/small_world.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace tideline::test {

/// What the nine kinds answer. The defaults are the plainest policies that serve: first candidate, least loaded or hold,
/// oldest first, one at a time, one start for what is held, first device that fits, kept for ever, first idle instance goes.
struct Script {
  bool indexes = true;
  std::function<Admission(const QueryView&, ClusterView)> admit = [](const QueryView&, ClusterView) { return Admission{}; };
  std::function<Selection(const QueryView&, ClusterView)> select = [](const QueryView& q, ClusterView view) {
    const auto list = view.candidates(q.class_id(), CandidateOrder::by_latency);
    return list.empty() ? Selection::reject() : Selection::one(list.front());
  };
  std::function<Selection(const QueryView&, const StageResult&, ClusterView)> escalate = [](const QueryView&, const StageResult&,
                                                                                            ClusterView) { return Selection::reject(); };
  std::function<Dispatch(const QueryView&, VariantId, ClusterView)> place = [](const QueryView& q, VariantId v, ClusterView view) {
    for (const GroupId g : view.groups_of(v, q.origin()))
      if (view.warm(g) > 0) return Dispatch::to(view.least_loaded(g)[0]);
    return Dispatch::hold();
  };
  std::function<std::size_t(DeviceId, std::span<const InstanceId>, std::span<const QueryView>, ClusterView)> share =
      [](DeviceId, std::span<const InstanceId>, std::span<const QueryView> heads, ClusterView) {
        std::size_t oldest = 0;
        for (std::size_t k = 1; k < heads.size(); ++k)
          if (heads[k].arrival() < heads[oldest].arrival()) oldest = k;
        return oldest;
      };
  std::function<Batch(InstanceId, const LineView&, ClusterView)> form = [](InstanceId, const LineView&, ClusterView) {
    Batch b;
    b.take = 1;
    return b;
  };
  LineOrder order = LineOrder::by_arrival;
  std::uint32_t line_bound = unbounded;
  Duration interval = forever;
  std::function<void(ClusterView, Plan&)> plan = [](ClusterView, Plan&) {};
  std::function<HeldAnswer(const QueryView&, VariantId, std::uint32_t, ClusterView)> on_held = [](const QueryView&, VariantId,
                                                                                                  std::uint32_t starting, ClusterView) {
    return HeldAnswer{starting == 0 ? 1U : 0U, 0};
  };
  std::function<Placement(VariantId, std::int64_t, std::span<const DeviceId>, std::span<const DeviceId>, ClusterView)> choose =
      [](VariantId, std::int64_t, std::span<const DeviceId> fits, std::span<const DeviceId> after_eviction, ClusterView) {
        Placement p;
        if (!fits.empty())
          p.device = fits.front();
        else if (!after_eviction.empty())
          p.device = after_eviction.front();
        return p;
      };
  std::function<KeepAlive(InstanceId, ClusterView)> became_idle = [](InstanceId, ClusterView) { return KeepAlive{}; };
  std::function<void(ClusterView, std::vector<Prewarm>&, std::vector<GroupId>&)> prewarm = [](ClusterView, std::vector<Prewarm>&,
                                                                                              std::vector<GroupId>&) {};
  std::function<Victim(DeviceId, std::span<const InstanceId>, std::int64_t, ClusterView)> victim =
      [](DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView) {
        return Victim{idle.front(), 0};
      };
  std::function<void(InstanceId, ClusterView)> evicted = [](InstanceId, ClusterView) {};
  std::function<Time(ClusterView)> round = [](ClusterView) { return never; };
  Needs needs{};
};

/// One object of all nine kinds that answers as its script says.
class Scripted : public AdmissionPolicy,
                 public SelectionPolicy,
                 public DispatchPolicy,
                 public SharingPolicy,
                 public BatchingPolicy,
                 public AutoscalingPolicy,
                 public PlacementPolicy,
                 public ColdstartPolicy,
                 public EvictionPolicy {
 public:
  explicit Scripted(const Script& script) : script_(script) {}
  Needs needs() const override {
    Needs n = script_.needs;
    n.indexes = Indexes{script_.indexes, script_.indexes};
    return n;
  }
  Time round(ClusterView view) override { return script_.round(view); }
  Admission admit(const QueryView& q, ClusterView view) override { return script_.admit(q, view); }
  Selection select(const QueryView& q, ClusterView view) override { return script_.select(q, view); }
  Selection escalate(const QueryView& q, const StageResult& s, ClusterView view) override { return script_.escalate(q, s, view); }
  Dispatch place(const QueryView& q, VariantId v, ClusterView view) override { return script_.place(q, v, view); }
  std::size_t next(DeviceId d, std::span<const InstanceId> ready, std::span<const QueryView> heads, ClusterView view) override {
    return script_.share(d, ready, heads, view);
  }
  Batch form(InstanceId i, const LineView& line, ClusterView view) override { return script_.form(i, line, view); }
  LineOrder order() const override { return script_.order; }
  std::uint32_t line_bound(VariantId, const World&) const override { return script_.line_bound; }
  Duration interval() const override { return script_.interval; }
  void plan(ClusterView view, Plan& plan) override { script_.plan(view, plan); }
  HeldAnswer on_held(const QueryView& q, VariantId v, std::uint32_t starting, ClusterView view) override {
    return script_.on_held(q, v, starting, view);
  }
  Placement choose(VariantId v, std::int64_t bytes, std::span<const DeviceId> fits, std::span<const DeviceId> after,
                   ClusterView view) override {
    return script_.choose(v, bytes, fits, after, view);
  }
  KeepAlive became_idle(InstanceId i, ClusterView view) override { return script_.became_idle(i, view); }
  void prewarm(ClusterView view, std::vector<Prewarm>& start, std::vector<GroupId>& pin) override { script_.prewarm(view, start, pin); }
  Victim choose(DeviceId d, std::span<const InstanceId> idle, std::int64_t bytes_short, ClusterView view) override {
    return script_.victim(d, idle, bytes_short, view);
  }
  void evicted(InstanceId i, ClusterView view) override { script_.evicted(i, view); }

 private:
  const Script& script_;
};

/// Counts what an observer hears.
class Listener : public virtual Policy, public Observer {
 public:
  struct Heard {
    std::uint32_t arrivals = 0, began = 0, done = 0, starting = 0, warm = 0, draining = 0, gone = 0, visits = 0;
    std::uint32_t visits_when_batch_began = 0;
    Time last_arrival{};
  };
  Listener(Facts facts, Heard& heard) : facts_(facts), heard_(heard) {}
  Facts facts() const override { return facts_; }
  void arrived(const QueryView&, ClusterView) override { ++heard_.arrivals; }
  void visit_began(const QueryView& q, InstanceId, ClusterView) override {
    ++heard_.visits;
    heard_.last_arrival = q.arrival();
  }
  void batch_began(InstanceId, std::uint32_t, ClusterView) override {
    ++heard_.began;
    heard_.visits_when_batch_began = heard_.visits;
  }
  void batch_done(InstanceId, std::uint32_t, Duration, ClusterView) override { ++heard_.done; }
  void instance_changed(InstanceId, Phase phase, ClusterView) override {
    if (phase == Phase::starting) ++heard_.starting;
    if (phase == Phase::warm) ++heard_.warm;
    if (phase == Phase::draining) ++heard_.draining;
    if (phase == Phase::gone) ++heard_.gone;
  }

 private:
  Facts facts_;
  Heard& heard_;
};

/// Takes `most` of the line, or all of it.
inline auto take_up_to(std::uint32_t most) {
  return [most](InstanceId, const LineView& line, ClusterView) {
    Batch b;
    b.take = std::min(most, line.size());
    return b;
  };
}

class ListSource final : public ArrivalSource {
 public:
  explicit ListSource(std::vector<Arrival> list) : list_(std::move(list)) {}
  bool next(Arrival& out) override {
    if (at_ == list_.size()) return false;
    out = list_[at_++];
    return true;
  }
  double mean_qps(Time, Time) const override { return 0; }

 private:
  std::vector<Arrival> list_;
  std::size_t at_ = 0;
};

/// `count` arrivals with exponential gaps.
class RandomSource final : public ArrivalSource {
 public:
  RandomSource(double qps, std::uint64_t count, std::uint64_t seed) : qps_(qps), left_(count), stream_(seed) {}
  bool next(Arrival& out) override {
    if (left_ == 0) return false;
    --left_;
    at_ += from_seconds(-std::log1p(-uniform01(stream_)) / qps_);
    out = Arrival{};
    out.at = at_;
    return true;
  }
  double mean_qps(Time, Time) const override { return qps_; }

 private:
  double qps_;
  std::uint64_t left_;
  Stream stream_;
  Time at_{};
};

/// Keeps all ends and counts the rest.
struct Recorded : Recorder {
  struct End {
    std::uint64_t serial;
    Time arrival;
    bool measured;
    QueryEnd end;
  };
  struct Stop {
    InstanceId instance;
    StopCause cause;
    Time at;
  };
  struct Start {
    InstanceId instance;
    StartCause cause;
    Time at;
  };
  bool keep_ends = true;
  std::uint64_t arrivals = 0, ended_count = 0, batches = 0, items = 0, wasted = 0, triggered = 0, delayed = 0, stale = 0, samples = 0;
  std::vector<End> ends;
  std::vector<Start> starts;
  std::vector<std::pair<InstanceId, Time>> warmed;
  std::vector<Stop> stops;
  std::vector<std::pair<bool, Time>> windows;
  std::vector<std::pair<Time, std::function<void()>>> looks;  ///< what a test does at a sample
  Duration service{};
  std::vector<Duration> lost_batches;  ///< of batches: how long they had run

  void arrived(const Visit&) override { ++arrivals; }
  void ended(const Visit& v, const QueryEnd& e) override {
    ++ended_count;
    if (keep_ends) ends.push_back({v.serial, v.arrival, v.flags.measured, e});
  }
  void batch_done(InstanceId, DeviceId, VariantId, std::uint32_t n, std::uint32_t lost, Duration took, Time) override {
    ++batches;
    items += n;
    wasted += lost;
    service += took;
  }
  void batch_lost(InstanceId, DeviceId, VariantId, std::uint32_t, Duration took, Time) override { lost_batches.push_back(took); }
  void instance_started(InstanceId i, StartCause cause, Time at) override { starts.push_back({i, cause, at}); }
  void instance_warm(InstanceId i, Time at) override { warmed.emplace_back(i, at); }
  void instance_stopped(InstanceId i, StopCause cause, Time at) override { stops.push_back({i, cause, at}); }
  void load_triggered(const Visit&) override { ++triggered; }
  void delayed_by_load(const Visit&) override { ++delayed; }
  void stale_answer(std::uint8_t, Time) override { ++stale; }
  void window(bool begins, const Cluster&, Time at) override { windows.emplace_back(begins, at); }
  void sample(const Cluster&, Time now) override {
    ++samples;
    for (const auto& [t, f] : looks)
      if (t == now) f();
  }

  /// The end of the query with this serial; fails by returning an unfinished one where there is none.
  const QueryEnd& of(std::uint64_t serial) const {
    static const QueryEnd missing = [] {
      QueryEnd e;
      e.ending = Ending::unfinished;
      e.finish = never;
      return e;
    }();
    for (const End& e : ends)
      if (e.serial == serial) return e.end;
    return missing;
  }
  std::uint64_t count(Ending ending) const {
    return static_cast<std::uint64_t>(std::count_if(ends.begin(), ends.end(), [&](const End& e) { return e.end.ending == ending; }));
  }
};

/// A world, a script and what is needed to run them.
struct ServingBench {
  explicit ServingBench(WorldBuilder builder) : world(builder.build()) {
    options.duration = 1000s;
    options.drain = 1000s;
    options.sample = forever;
  }
  ServingBench(const ServingBench&) = delete;
  ServingBench& operator=(const ServingBench&) = delete;

  /// Queries of a declared class at these times.
  void arrive(std::size_t declaration, const std::vector<Time>& at, SiteId origin = SiteId{0}, std::uint32_t payload = 0,
              std::uint32_t answer = 0) {
    std::vector<Arrival> list;
    for (const Time t : at) {
      Arrival a;
      a.at = t;
      list.push_back(a);
    }
    arrive(declaration, std::make_unique<ListSource>(std::move(list)), origin, payload, answer);
  }
  void arrive(std::size_t declaration, std::unique_ptr<ArrivalSource> source, SiteId origin = SiteId{0}, std::uint32_t payload = 0,
              std::uint32_t answer = 0) {
    WorkloadEntry e;
    e.name = "entry";
    e.source = std::move(source);
    e.classes = {{{world->class_of(declaration), 1.0}}};
    e.origin = origin;
    e.payload_bytes = payload;
    e.answer_bytes = answer;
    entries.push_back(std::move(e));
  }
  void warm_at_start(VariantId v, std::size_t device) {
    options.initial.push_back({world->group(v, world->topology().devices[device].site), DeviceId{device}, 0});
  }
  GroupId group(VariantId v, SiteId s = SiteId{0}) const { return world->group(v, s); }
  void listen(Facts facts) { listeners.push_back(facts); }

  Simulation& make() {
    Controller c;
    auto all = std::make_unique<Scripted>(script);
    PolicySet& p = c.policies;
    p.admission = all.get();
    p.selection = all.get();
    p.dispatch = all.get();
    p.sharing = all.get();
    p.batching = all.get();
    p.autoscaling = all.get();
    p.placement = all.get();
    p.coldstart = all.get();
    p.eviction = all.get();
    for (auto& n : p.names) n = "scripted";
    p.objects.push_back(std::move(all));
    for (const Facts f : listeners) p.objects.push_back(std::make_unique<Listener>(f, heard));
    std::vector<Controller> controllers;
    controllers.push_back(std::move(c));
    if (!executor) executor = std::make_unique<ProfiledExecutor>(world->catalog(), options.seed);
    std::vector<Recorder*> all_recorders{&record};
    all_recorders.insert(all_recorders.end(), recorders.begin(), recorders.end());
    simulation = std::make_unique<Simulation>(*world, options, std::move(controllers), Workload(std::move(entries), options.seed),
                                              *executor, std::move(all_recorders));
    return *simulation;
  }
  Simulation& run() {
    make().run();
    return *simulation;
  }
  /// Calls `f` at `t`, after all else that happens at that instant. `t` is a multiple of a tenth of a second.
  void look(Time t, std::function<void()> f) {
    options.sample = 100ms;
    record.looks.emplace_back(t, std::move(f));
  }
  const Cluster& cluster() const { return simulation->cluster(); }
  const QueryEnd& end(std::uint64_t serial) const { return record.of(serial); }

  std::unique_ptr<World> world;
  Script script;
  RunOptions options;
  std::vector<WorkloadEntry> entries;
  std::vector<Recorder*> recorders;  ///< beside `record`; must outlive the run
  std::vector<Facts> listeners;
  Listener::Heard heard;
  Recorded record;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<Simulation> simulation;
};

inline Time at(Duration d) { return Time{} + d; }

}  // namespace tideline::test

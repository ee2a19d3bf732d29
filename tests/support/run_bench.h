// Whole runs in a few lines for tests: a list of arrivals, policies by definition, plain ones where a test does not care, and a
// recorder that keeps what happened.
#pragma once

#include "sim/policy/future.h"
#include "sim/policy/registry.h"
#include "tests/support/small_world.h"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tideline::test {

/// A policy made from its definition and parameters; throws std::invalid_argument with the problems of the parameters.
inline std::unique_ptr<Policy> make_policy(const PolicyDefinition& definition, const param::Object& parameters, const Setup& setup) {
  Problems problems;
  const BoundPolicy bound = definition.bind(param::Value(parameters), "/params", problems);
  if (!problems.empty()) throw std::invalid_argument(problems.list().front().pointer + ": " + problems.list().front().message);
  return bound.make(setup);
}

/// The same as an object of one kind.
template <class Kind>
std::unique_ptr<Kind> make(const PolicyDefinition& definition, const Setup& setup, const param::Object& parameters = {}) {
  auto made = make_policy(definition, parameters, setup);
  auto* kind = dynamic_cast<Kind*>(made.get());
  if (kind == nullptr) throw std::invalid_argument(definition.name + " is not of that kind");
  made.release();
  return std::unique_ptr<Kind>(kind);
}

// Plain policies for kinds that a test does not look at.

struct PlainAdmission final : AdmissionPolicy {
  Admission admit(const QueryView&, ClusterView) override { return {}; }
};
/// The most accurate candidate: with a pinned class, the pinned variant.
struct PlainSelection final : SelectionPolicy {
  Selection select(const QueryView& q, ClusterView view) override {
    const auto c = view.candidates(q.class_id(), CandidateOrder::by_accuracy_descending);
    return c.empty() ? Selection::reject() : Selection::one(c.front());
  }
};
struct PlainBatching final : BatchingPolicy {
  Batch form(InstanceId, const LineView&, ClusterView) override { return {0, 1, never, 0}; }
};
struct PlainDispatch final : DispatchPolicy {
  Dispatch place(const QueryView& q, VariantId v, ClusterView view) override {
    for (const GroupId g : view.groups_of(v, q.origin()))
      for (const InstanceId i : view.group(g).members)
        if (view.instance(i).phase == Phase::warm) return Dispatch::to(i);
    return Dispatch::hold();
  }
};
struct PlainSharing final : SharingPolicy {
  std::size_t next(DeviceId, std::span<const InstanceId>, std::span<const QueryView>, ClusterView) override { return 0; }
};
struct PlainAutoscaling final : AutoscalingPolicy {};
struct PlainPlacement final : PlacementPolicy {
  Placement choose(VariantId, std::int64_t, std::span<const DeviceId> fits, std::span<const DeviceId> after, ClusterView) override {
    return {fits.empty() ? after.front() : fits.front(), 0};
  }
};
struct PlainColdstart final : ColdstartPolicy {
  KeepAlive became_idle(InstanceId, ClusterView) override { return {}; }
};
struct PlainEviction final : EvictionPolicy {
  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView) override { return {idle.front(), 0}; }
};

/// Arrivals from a list of (time, index of the declared class).
struct PlainSource final : ArrivalSource {
  std::vector<std::pair<Time, std::uint32_t>> list;
  std::vector<std::string> names;
  std::size_t at = 0;
  bool next(Arrival& out) override {
    if (at == list.size()) return false;
    out = {};
    out.at = list[at].first;
    out.task = list[at++].second;
    return true;
  }
  std::span<const std::string> task_names() const override { return names; }
  double mean_qps(Time, Time) const override { return 0; }
};

/// Poisson arrivals of the first declared class.
struct PoissonSource final : ArrivalSource {
  Stream stream;
  double rate;
  std::uint64_t left;
  Time now{};
  PoissonSource(std::uint64_t seed, double qps, std::uint64_t count) : stream(seed), rate(qps), left(count) {}
  bool next(Arrival& out) override {
    if (left-- == 0) return left = 0, false;
    now += from_seconds(-std::log1p(-uniform01(stream)) / rate);
    out = {};
    out.at = now;
    return true;
  }
  double mean_qps(Time, Time) const override { return rate; }
};

/// What happened in a run.
struct Notes final : Recorder {
  struct Stopped {
    VariantId variant;
    StopCause cause;
    Time at;
  };
  const Cluster* cluster = nullptr;
  std::vector<QueryEnd> ends;
  std::vector<Stopped> stopped;
  std::vector<std::pair<VariantId, Time>> started;
  std::uint64_t cold_starts = 0, delayed = 0, stale = 0;
  double sum_s = 0;  ///< of the times from arrival to answer

  void ended(const Visit& v, const QueryEnd& e) override {
    ends.push_back(e);
    sum_s += to_seconds(e.finish - v.arrival);
  }
  void instance_started(InstanceId i, StartCause, Time at) override { started.emplace_back(variant(i), at); }
  void instance_stopped(InstanceId i, StopCause cause, Time at) override { stopped.push_back({variant(i), cause, at}); }
  void load_triggered(const Visit&) override { ++cold_starts; }
  void delayed_by_load(const Visit&) override { ++delayed; }
  void stale_answer(std::uint8_t, Time) override { ++stale; }

  VariantId variant(InstanceId i) const { return cluster->world()[cluster->row(i).group].variant; }
  /// Names of the variants that were evicted, in order.
  std::string evicted() const {
    std::string out;
    for (const Stopped& s : stopped)
      if (s.cause == StopCause::evicted) out += cluster->world()[s.variant].name;
    return out;
  }
};

/// A run: policies by definition, the rest plain; one controller, or one for each site where `options.control` says so.
class RunBench {
 public:
  explicit RunBench(WorldBuilder builder) : world_(builder.build()), executor_(world_->catalog(), 1) {
    options.sample = forever;
    options.drain = 1000h;
    options.duration = 24h * 365;
  }

  const World& world() const { return *world_; }
  void use(const PolicyDefinition& definition, const param::Object& parameters = {}) { chosen_.emplace_back(definition, parameters); }
  void warm_at_start(VariantId v, std::size_t device) {
    options.initial.push_back({world_->group(v, world_->topology().devices[device].site), DeviceId{device}, 0});
  }
  /// All arrivals are of entry 0; `PlainSource` numbers the declared classes.
  void arrivals(std::unique_ptr<ArrivalSource> source, SiteId origin = SiteId{0}) { entries_.push_back(entry(std::move(source), origin)); }
  /// What `arrivals` adds, for those who read it a second time.
  WorkloadEntry entry(std::unique_ptr<ArrivalSource> source, SiteId origin = SiteId{0}) const {
    WorkloadEntry e;
    e.source = std::move(source);
    e.origin = origin;
    const std::size_t declared = classes;
    if (drawn_classes) e.classes.emplace_back();
    for (std::size_t k = 0; k < declared; ++k) {
      if (!drawn_classes) e.classes.emplace_back();
      e.classes.back().push_back({world_->class_of(k), 1});
    }
    return e;
  }
  void run() {
    make_simulation();
    simulation_->run();
  }
  /// For tests that step or inject failures.
  Simulation& make_simulation() {
    std::vector<std::uint32_t> initial(world_->groups().size());
    for (const InitialInstance& k : options.initial) ++initial[k.group.index()];
    std::vector<Controller> controllers(options.control.mode == Control::Mode::central ? 1 : world_->site_count());
    for (std::size_t k = 0; k < controllers.size(); ++k) {
      controllers[k].id = ControllerId{k};
      PolicySet& set = controllers[k].policies;
      std::uint64_t index = 0;
      for (const auto& [definition, parameters] : chosen_) {
        Setup setup;
        setup.world = world_.get();
        setup.stream = Stream(options.seed, "policy", 100 * k + index++);
        setup.controller = ControllerId{k};
        setup.initial = initial;
        setup.label_share = options.environment.feedback.share;
        take(set, make_policy(definition, parameters, setup), definition.name);
        if (auto* oracle = dynamic_cast<Clairvoyant*>(set.objects.back().get()); oracle != nullptr && future) oracle->foresee(future());
      }
      fill<PlainAdmission>(set, set.admission);
      fill<PlainSelection>(set, set.selection);
      fill<PlainDispatch>(set, set.dispatch);
      fill<PlainSharing>(set, set.sharing);
      fill<PlainBatching>(set, set.batching);
      fill<PlainAutoscaling>(set, set.autoscaling);
      fill<PlainPlacement>(set, set.placement);
      fill<PlainColdstart>(set, set.coldstart);
      fill<PlainEviction>(set, set.eviction);
    }
    simulation_ =
        std::make_unique<Simulation>(*world_, options, std::move(controllers), Workload(std::move(entries_), options.seed), executor_,
                                     also == nullptr ? std::vector<Recorder*>{&notes} : std::vector<Recorder*>{&notes, also});
    notes.cluster = &simulation_->cluster();
    return *simulation_;
  }
  const Simulation& simulation() const { return *simulation_; }

  RunOptions options;
  Notes notes;
  Recorder* also = nullptr;                         ///< hears what happens beside `notes`
  std::function<std::unique_ptr<Future>()> future;  ///< for policies that ask for it
  std::size_t classes = 1;                          ///< declared, by index
  bool drawn_classes = false;                       ///< all arrivals are of task 0, and each class is as likely as the others

 private:
  template <class Plain, class Kind>
  static void fill(PolicySet& set, Kind*& slot) {
    if (slot != nullptr) return;
    auto plain = std::make_unique<Plain>();
    slot = plain.get();
    set.objects.push_back(std::move(plain));
  }
  static void take(PolicySet& set, std::unique_ptr<Policy> p, const std::string& name) {
    const auto note = [&]<class Kind>(Kind*& slot) {
      if (auto* k = dynamic_cast<Kind*>(p.get())) {
        slot = k;
        set.names[static_cast<std::size_t>(Kind::kind)] = name;
      }
    };
    note(set.admission);
    note(set.selection);
    note(set.dispatch);
    note(set.sharing);
    note(set.batching);
    note(set.autoscaling);
    note(set.placement);
    note(set.coldstart);
    note(set.eviction);
    set.objects.push_back(std::move(p));
  }

  std::unique_ptr<World> world_;
  ProfiledExecutor executor_;
  std::vector<std::pair<PolicyDefinition, param::Object>> chosen_;
  std::vector<WorkloadEntry> entries_;
  std::unique_ptr<Simulation> simulation_;
};

}  // namespace tideline::test

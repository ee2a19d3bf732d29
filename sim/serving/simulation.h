// A run: events of our domain. It asks policies and applies their answers to the cluster; it decides nothing that a policy
// could decide and stores nothing that the cluster should store. The parts: simulation.cpp (a query's way), gatherings.cpp
// (queries with several visits), network.cpp (between sites), environment.cpp, batches.cpp (who starts what), scaling.cpp (instances), nodes.cpp, decisions.cpp.
#pragma once

#include "sim/engine/engine.h"
#include "sim/executor/executor.h"
#include "sim/model/channel.h"
#include "sim/model/environment.h"
#include "sim/model/outcome.h"
#include "sim/model/recorder.h"
#include "sim/policy/decision.h"
#include "sim/serving/controller.h"
#include "sim/serving/workload.h"

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tideline {

/// Kinds of events, in the order in which they come at one instant.
enum class EventKind : unsigned {
  batch_done,
  returned,  // an answer reaches its origin
  warm,
  node_up,
  change,   // a transfer over a link ends, or the environment changes
  arrival,  // merged, never in the heap
  joins,    // a visit reaches the site of its target
  batch_retry,
  keep_alive,
  hedge,
  prewarm,
  policy_round,
  plan_effect,
  control_round,
  sample,
  boundary  // of the measured window
};

/// An instance that is warm at time 0, or started then.
struct InitialInstance {
  GroupId group;
  DeviceId device;
};

struct RunOptions {
  std::uint64_t seed = 1;
  Duration warmup{}, duration = 24h, drain = 600s;
  Duration sample = 60s;                 ///< between two samples; `forever`: none
  std::vector<InitialInstance> initial;  ///< warm at time 0, free of charge
  bool planned = false;                  ///< the first plan is carried out before time 0: its loads are free and done
  bool retry_lost = false;
  std::uint8_t retry_budget = 1;  ///< per query
  Environment environment;
  /// Called about every 2^16 events with the present time; returns false to stop (an interrupted run).
  std::function<bool(Time)> progress;
};

class Simulation {
 public:
  /// All references must outlive the simulation. Throws PolicyError where a policy set contradicts itself.
  Simulation(const World& world, RunOptions options, std::vector<Controller> controllers, Workload workload, Executor& executor,
             std::vector<Recorder*> recorders);

  /// Runs to the end. `pacer` null: virtual time.
  void run(Pacer* pacer = nullptr);

  const Cluster& cluster() const { return cluster_; }
  std::span<const Controller> controllers() const { return controllers_; }
  Time now() const { return engine_.now(); }
  bool interrupted() const { return interrupted_; }
  std::uint64_t events() const { return engine_.events(); }
  /// Queries that arrived so far, measured or not.
  std::uint64_t queries() const { return workload_.taken(); }
  const Workload& workload() const { return workload_; }
  /// Starts that were asked for and fit nowhere so far, by variant.
  std::vector<std::pair<VariantId, std::uint32_t>> pending_starts() const;

  // What the engine calls.
  static constexpr unsigned arrival_kind = static_cast<unsigned>(EventKind::arrival);
  Time next_arrival() const { return workload_.next(); }
  void arrive();
  void handle(unsigned kind, std::uint32_t slot, bool failed);
  void expect(unsigned kind, std::uint32_t slot) const {
    if (static_cast<EventKind>(kind) == EventKind::batch_done) cluster_.expect_end(InstanceId{slot});
  }
  bool finished() const { return finished_; }

  // What tests (and the environment) may do to a running system.
  /// The node goes down at once: its batches and lines are lost.
  void fail_node(NodeId n);
  /// The node comes up again, empty.
  void restore_node(NodeId n);
  /// Sets time 0 up: initial instances, first rounds. `run` calls it; a test that steps event by event does so itself.
  void begin();
  /// One event; false when there is none left or the run is finished.
  bool step();

 private:
  // A query's way (simulation.cpp).
  void schedule(Time at, EventKind kind, std::uint32_t slot) { engine_.schedule(at, static_cast<unsigned>(kind), slot); }
  Controller& controller_of(SiteId) { return controllers_.front(); }
  ClusterView view(const Controller& c) const { return {c.knowledge, engine_.now()}; }
  ClusterView live_view(const Controller& c) const { return {c.live, engine_.now()}; }
  QueryView query(VisitId v) const { return {cluster_[v], world_}; }
  void decide(VisitId v);
  Selection ask_selection(Controller& c, VisitId v) {
    const Selection s = c.policies.selection->select(query(v), view(c));
    if (decisions_heard_) [[unlikely]]
      tell_selection(c, v, s);
    return s;
  }
  Dispatch ask_dispatch(Controller& c, VisitId v, VariantId variant) {
    const Dispatch d = c.policies.dispatch->place(query(v), variant, view(c));
    if (decisions_heard_) [[unlikely]]
      tell_dispatch(c, v, variant, d);
    return d;
  }
  // `from`: the site where the visit is; none: its origin.
  void place(VisitId v, VariantId variant, SiteId from = {});
  void apply(VisitId v, VariantId variant, const Dispatch& d, SiteId from = {});
  void carry_out(VisitId v, VariantId variant, const Dispatch& d, SiteId from);
  void send(VisitId v, LineId line, SiteId to, SiteId from = {});
  void joins(VisitId v);
  void reached(VisitId v);  // the same, for other files
  bool is_full(const Line& line) const;
  void turned_away(VisitId v);
  void placed_in_vain(VisitId v, VariantId variant, PolicyKind kind, SiteId from);
  /// A chosen variant has to exist, to be of the query's task and to have a group in reach of its origin.
  void check_variant(VisitId v, VariantId variant, PolicyKind kind) const {
    if (variant.index() >= world_.catalog().variants.size() || world_[variant].task != world_[cluster_[v].cls].task ||
        world_.groups_of(variant, SiteId{cluster_[v].origin}).empty()) [[unlikely]]
      wrong_variant(v, variant, kind);
  }
  [[noreturn]] void wrong_variant(VisitId v, VariantId variant, PolicyKind kind) const;
  [[noreturn]] void wrong_answer(PolicyKind kind, const std::string& what) const;
  /// What the visits of one batch have in common.
  struct BatchEnd {
    InstanceId instance;
    VariantId variant;
    SiteId site;
    Time began{}, warm_at{};
    Duration took{};
    std::uint32_t visits = 0, instance_serial = 0;
    double cost_per_item = 0, accuracy = 0;
    bool drawn = false;  ///< what an answer is worth is drawn, not the accuracy itself
  };
  void answered(VisitId v, const BatchEnd& batch);
  void returned(VisitId v);
  /// The query ended; frees the visit's slot.
  void finish(VisitId v, const QueryEnd& end);
  void end_unserved(VisitId v, Ending ending);
  void after_transition();

  // Between sites (network.cpp), where links share their bandwidth.
  /// What is known of a visit on its way.
  struct Trip {
    Time left{};       // for where it goes
    Duration there{};  // on its ways to sites, so far
    SiteId at, to;     // the site that it is at, or that it comes to next; where it goes
    bool told = true;  // recorders know how its query ended
  };
  Trip& trip(VisitId v);
  Duration propagation(std::uint32_t channel, const Visit& visit) const;
  void depart(VisitId v, SiteId from, SiteId to, bool first);
  void travel(VisitId v, Duration delay);
  void arrived_at(VisitId v);
  void channel_event(std::uint32_t channel);
  void arm_channel(std::uint32_t channel);
  void set_out_back(VisitId v, SiteId site, const QueryEnd& end);
  void came_back(VisitId v);

  // The environment (environment.cpp).
  struct NodeFate {
    const FailureProcess* process;
    NodeId node;
    Stream draws;
    bool down;
  };
  void begin_environment();
  void schedule_fate(std::uint32_t k);
  void change(std::uint32_t slot);
  void node_is_down(NodeId n, bool down);
  void slow_down(NodeId n);
  void change_link(std::uint32_t link);

  // Queries with several visits (gatherings.cpp).
  struct Answer {
    VariantId variant;
    InstanceId instance;
    std::uint32_t instance_serial = 0, batch = 0;
    Duration network{}, load{}, queue{}, service{};
  };
  struct GatheringNotes {
    std::array<Answer, Gathering::most_visits> answers;  // in order of return
    double cost = 0, transfer = 0;
    bool may_escalate = false;
    VariantId hedged;
  };
  void gather(VisitId first, const Selection& s);
  void add_stage(GatheringId g, VisitId like, const Selection& s);
  VisitId add_visit(GatheringId g, VisitId like, VariantId variant);
  GatheringNotes& notes(GatheringId g);
  void note_return(VisitId v);
  void visit_gone(VisitId v, Ending ending);
  void resolve(GatheringId g, VisitId last, Ending if_empty);
  void forget(GatheringId g, VisitId v);
  void release_if_done(GatheringId g);
  void hedge_due(GatheringId g);
  void ask_again(VisitId v, VariantId variant, Time when);

  // What recorders hear of decisions (decisions.cpp).
  void tell(const Controller& c, const Decision& d) const;
  void tell_selection(const Controller& c, VisitId v, const Selection& s) const;
  void tell_dispatch(const Controller& c, VisitId v, VariantId variant, const Dispatch& d) const;
  void tell_plan(const Controller& c) const;

  // Batches (batches.cpp).
  void offer(InstanceId i);
  bool try_start(InstanceId i);
  void start_ready(DeviceId d);
  LineId line_to_serve(InstanceId i) const {
    // Its own line; else one that it shares, where any line was ever shared.
    const LineId own = cluster_.own_line(i);
    return (!any_shared_ && !any_late_) || cluster_[own].count > 0 ? own : shared_line_to_serve(i, own);
  }
  LineId shared_line_to_serve(InstanceId i, LineId own) const;
  bool has_work(InstanceId i) const { return cluster_[line_to_serve(i)].count > 0; }
  void offer_shared(LineId line);
  void offer_group(LineId line, GroupId g);
  void start_batch(InstanceId i, LineId line, std::uint32_t take);
  void batch_done(InstanceId i, bool failed);
  void batch_retry(std::uint32_t instance);
  void arm_retry(InstanceId i, Time due);
  void drop_head(LineId line, VariantId by);
  void wait_for_line(InstanceId i);
  void line_emptied(LineId line);

  // Instances (scaling.cpp).
  void held(VisitId v, VariantId variant, GroupId only);
  bool held_late(VisitId v);
  InstanceId start_instance(VariantId variant, GroupId only, StartCause cause);
  DeviceId find_device(VariantId variant, GroupId only, StartCause cause);
  bool evictable(InstanceId i, StartCause cause, std::uint32_t going) const;
  bool evict_for(DeviceId d, std::int64_t memory, std::uint32_t cores, StartCause cause);
  void warm(InstanceId i);
  void place_held(ControllerId c, VariantId variant);
  void place_all_held(Controller& c);
  bool is_idle(InstanceId i) const;
  void became_idle(InstanceId i);
  void arm_keep_alive(InstanceId i, Time due);
  void keep_alive_due(std::uint32_t instance);
  void stop_instance(InstanceId i, StopCause cause);
  void drain_instance(InstanceId i);
  void try_pending();
  void control_round(Controller& c);
  void apply_plan(Controller& c);
  void scale_down(GroupId g, std::uint32_t excess);
  void policy_round(std::uint32_t object);
  void prewarm_due(GroupId g);
  void apply_prewarms(Controller& c);
  void lose(VisitId v, VariantId variant);
  void start_for_stranded(VariantId variant, GroupId g);
  void no_longer_idle(InstanceId i) {
    Instance& x = cluster_.instance(i);
    x.keep_due = never;
    x.idle_told = false;
  }

  // Nodes (nodes.cpp).
  void scale_pool(PoolId p, std::uint32_t wished);
  void order_node(NodeId n);
  void node_up(NodeId n);
  void drain_node(NodeId n);
  void off_if_empty(NodeId n);

  // The window (simulation.cpp).
  void boundary();
  bool measured_open() const { return measured_open_ > 0; }
  void close_run();

  struct PendingStart {
    VariantId variant;
    GroupId group;  // none: any site
    StartCause cause;
  };

  const World& world_;
  RunOptions options_;
  std::vector<Controller> controllers_;
  Workload workload_;
  Executor& executor_;
  std::vector<Recorder*> recorders_, hear_arrivals_, hear_batches_, hear_decisions_;
  bool decisions_heard_ = false;  // asked at every decision
  bool asks_admission_ = true;
  Cluster cluster_;
  OutcomeModel outcome_;
  Engine engine_;
  Time window_begin_{}, window_end_{}, run_end_{};
  std::uint64_t measured_open_ = 0;
  std::uint64_t handled_ = 0;
  bool finished_ = false, interrupted_ = false, drained_ = false, began_ = false, planning_ = false;
  std::vector<Policy*> rounds_;  // slot of policy_round events: each object once
  std::vector<Time> round_due_, round_scheduled_;
  std::vector<PendingStart> pending_;
  std::vector<bool> pinned_groups_;
  std::vector<Time> prewarm_at_;             // by group: when the last answer of coldstart starts one again
  std::vector<GatheringNotes> notes_;        // by gathering slot
  std::vector<bool> going_on_;               // by change of the environment
  std::vector<std::uint32_t> reasons_down_;  // by node
  std::vector<NodeFate> fates_;
  std::vector<Duration> delays_;   // by channel, as the environment leaves them
  bool links_shared_ = false;      // a link has a bandwidth
  std::vector<Channel> channels_;  // by link and direction, as in Hop
  std::vector<Time> channel_scheduled_;
  std::vector<Trip> trips_;           // by visit slot
  std::vector<QueryEnd> ends_;        // by visit slot: of answers on their way back
  std::vector<bool> visible_shared_;  // groups whose shared line was ever used
  std::vector<bool> visible_late_;    // by late line
  bool any_shared_ = false, any_late_ = false, any_held_ = false;
  // Scratch: reused, so that rounds and starts allocate nothing in the steady state.
  std::vector<DeviceId> fits_, after_eviction_;
  std::vector<InstanceId> victims_, idle_, ranking_, members_;
  std::vector<InstanceId> wait_for_line_, emptied_;  // idle but for the work of a shared line
  std::vector<QueryView> heads_;
  std::vector<Prewarm> prewarms_;
  std::vector<GroupId> pins_, unpinned_;
};

}  // namespace tideline

// A run: events of our domain. It asks policies and applies their answers to the cluster; it decides nothing that a policy
// could decide and stores nothing that the cluster should store. The parts: simulation.cpp (a query's way), gatherings.cpp
// (queries with several visits), network.cpp (between sites), environment.cpp, control.cpp (who knows what), batches.cpp
// (who starts what), scaling.cpp (instances), resizing.cpp (their cores), loading.cpp, nodes.cpp, feedback.cpp, decisions.cpp.
#pragma once

#include "sim/core/random.h"
#include "sim/engine/engine.h"
#include "sim/executor/executor.h"
#include "sim/model/channel.h"
#include "sim/model/control.h"
#include "sim/model/environment.h"
#include "sim/model/outcome.h"
#include "sim/model/recorder.h"
#include "sim/model/snapshots.h"
#include "sim/policy/decision.h"
#include "sim/serving/controller.h"
#include "sim/serving/workload.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
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
  change,   // a transfer over a link ends, the environment changes, controllers hear of each other or have decided
  arrival,  // merged, never in the heap
  joins,    // a visit reaches the site of its target
  batch_retry,
  keep_alive,
  gathering_due,  // a hedge, or an answer of what has come
  prewarm,
  policy_round,
  plan_effect,
  control_round,
  sample,
  boundary  // of the measured window
};
static_assert(static_cast<unsigned>(EventKind::boundary) < 16, "an event has 4 bits for its kind");

/// An instance that is warm at time 0, or started then.
struct InitialInstance {
  GroupId group;
  DeviceId device;
  std::uint8_t option = 0;  ///< core option, of the group's instances to come too
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
  std::shared_ptr<const OutcomeTable> outcomes;  ///< measured ones; null: all are modelled
  Control control;                               ///< per_site and gossip: a controller for each site, in their order
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
  Controller& controller_of(SiteId s) { return controllers_[by_site_ ? s.index() : 0]; }
  const Controller& controller_of(SiteId s) const { return controllers_[by_site_ ? s.index() : 0]; }
  /// Whether what is at the site is the controller's to change.
  bool owns(const Controller& c, SiteId s) const { return !by_site_ || c.id.index() == s.index(); }
  /// The world as the links that are up leave it.
  const World& reach() const { return *reach_; }
  ClusterView view(const Controller& c) const { return {c.knowledge, engine_.now()}; }
  /// Where each site decides for itself, it sees others only as they told.
  ClusterView live_view(const Controller& c) const { return {by_site_ ? c.knowledge : c.live, engine_.now()}; }
  QueryView query(VisitId v) const { return {cluster_[v], world_}; }
  void decide(VisitId v);
  void came_in(VisitId v);
  /// What the links between a query's client and its origin take; there: from when it arrived, with the bytes that it has there.
  Duration access_there(const Visit& v) const {
    const auto& access = world_.topology().access;
    return access.empty() ? Duration{} : access[v.origin].time(v.payload_bytes);
  }
  Duration access_back(const Visit& v) const {
    const auto& access = world_.topology().access;
    return access.empty() ? Duration{} : access[v.origin].time(workload_.answer_bytes(v.entry));
  }
  void take_decision(VisitId v);  // the same, for other files
  [[gnu::always_inline]] Selection ask_selection(Controller& c, VisitId v) {
    const Selection s = c.policies.selection->select(query(v), view(c));
    if (decisions_heard_) [[unlikely]]
      tell_selection(c, v, s);
    return s;
  }
  [[gnu::always_inline]] Dispatch ask_dispatch(Controller& c, VisitId v, VariantId variant) {
    const Dispatch d = c.policies.dispatch->place(query(v), variant, view(c));
    if (decisions_heard_) [[unlikely]]
      tell_dispatch(c, v, variant, d);
    if (old_views_) [[unlikely]]
      note_view(c, d);
    return d;
  }
  // `from`: the site where the visit is; none: its origin.
  void place(VisitId v, VariantId variant, SiteId from = {});
  void pass_on(VisitId v, VariantId variant, SiteId from);
  void apply(VisitId v, VariantId variant, const Dispatch& d, SiteId from = {});
  void carry_out(VisitId v, VariantId variant, const Dispatch& d, SiteId from);
  void send(VisitId v, LineId line, SiteId to, SiteId from = {});
  void resume(VisitId v, VariantId variant, DeviceId device);
  float rest_after_exit(VariantId v) const { return static_cast<float>(world_[v].share_after(world_[world_[v].resumes])); }
  void joins(VisitId v);
  void reached(VisitId v);  // the same, for other files
  [[gnu::always_inline]] bool is_full(const Line& line) const { return line.count >= line.bound && turns_away(line); }
  bool turns_away(const Line& line) const;
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
    Time left{};             // for where it goes
    Duration there{};        // on its ways to sites, so far
    SiteId at, to;           // the site that it is at, or that it comes to next; where it goes
    bool told = true;        // recorders know how its query ended
    bool handed_on = false;  // of an answer: on its way from the origin to its client
  };
  Trip& trip(VisitId v);
  Duration propagation(std::uint32_t channel, const Visit& visit) const;
  /// What it takes along to the variant whose line it is bound for, or came from.
  std::uint32_t payload_of(const Visit& visit) const {
    const VariantId v = cluster_[visit.line].variant;
    return v ? world_.payload_bytes(v, visit.payload_bytes, visit.items) : visit.payload_bytes;
  }
  /// What is done to it at its origin before it leaves.
  Duration prepares(const Visit& visit) const {
    const VariantId v = cluster_[visit.line].variant;
    return v ? world_[v].pre_at_origin * static_cast<std::int64_t>(visit.items) : Duration{};
  }
  void depart(VisitId v, SiteId from, SiteId to, bool first);
  void travel(VisitId v, Duration delay);
  const Hop& next_hop(SiteId at, SiteId to) const;
  void arrived_at(VisitId v);
  /// What passes a channel is a visit, by its id, or one of these with a number of its own.
  static constexpr std::uint32_t of_load = 0x80000000U, of_batch = 0x40000000U;
  static_assert(most_in_flight <= of_batch);
  void channel_event(std::uint32_t channel);
  void arm_channel(std::uint32_t channel);
  void set_out_back(VisitId v, SiteId site, const QueryEnd& end);
  void came_back(VisitId v);

  // The environment (environment.cpp).
  enum class Fate : std::uint8_t { up, noticed, down };
  struct NodeFate {
    const FailureProcess* process;
    NodeId node;
    Stream draws;
    Fate fate;
  };
  void begin_environment();
  void schedule_fate(std::uint32_t k);
  void change(std::uint32_t slot);
  void node_is_down(NodeId n, bool down);
  void notice(NodeId n);
  void reclaim(NodeId n);
  void slow_down(NodeId n);
  void change_prices();
  void change_accuracy(VariantId v);
  void take_from(NodeId n);
  template <class Takes>
  void each_going_on(Change::Kind kind, Takes takes) const {
    for (const std::uint32_t k : going_on_)
      if (const Change& c = options_.environment.changes[k]; c.kind == kind) takes(c);
  }
  void change_link(std::uint32_t link);
  void find_reach();

  // Who decides for whom (control.cpp).
  /// A visit that a controller sent by an old board.
  struct OwnDecision {
    std::uint64_t number = 0;
    InstanceId instance;
    Duration work{};
    Time at{};
  };
  struct Desk {
    std::vector<VisitId> line;  ///< queries to decide about, from `first` on; that one is being decided about
    std::size_t first = 0;
    Duration measured{};                 ///< what the last decision took by the clock
    std::vector<OwnDecision> decisions;  ///< by number: those that some board does not have yet, and perhaps others
  };
  struct Mail {
    Time due{};
    std::uint64_t sequence = 0;
    ControllerId to;
    std::vector<Snapshot*> carried;
  };
  static bool later_mail(const Mail& a, const Mail& b) { return a.due != b.due ? a.due > b.due : a.sequence > b.sequence; }
  enum ControlSlot : std::uint32_t { exchange_slot, mail_slot, told_slot, desk_slot };  // the last for the first controller
  std::uint32_t control_slots() const { return desk_slot + static_cast<std::uint32_t>(controllers_.size()); }
  std::uint32_t control_slot(std::uint32_t k) const;
  void begin_control();
  void control_event(std::uint32_t k);
  Snapshot& take_snapshot(SiteId s);
  bool sees_live(const Controller& c, SiteId s) const;
  void exchange();
  void deliver();
  void learn(Controller& c, Snapshot& heard);
  void forget_site(Controller& c, SiteId site);
  void add_own(const OwnDecision& d, Board& copy) const;
  void count_own(Controller& c, InstanceId i, const Visit& v);
  void note_view(const Controller& c, const Dispatch& d);
  void queue_decision(VisitId v);
  void begin_decision(const Controller& c);
  void decision_done(std::uint32_t controller);

  // What policies hear of how queries ended, and labels of answers (feedback.cpp).
  struct Told {
    Time due{};
    ControllerId to;
    bool is_label = false;
    double realised = 0;
    Ended ended;
  };
  void tell_end(const Visit& v, const QueryEnd& end);
  void tell_later(const Told& told);
  void tell_now(const Told& told);
  void told_due();
  void tell_votes(const Visit& v, std::span<const VariantId> answers, bool right);

  // Queries with several visits (gatherings.cpp).
  /// What a query's time went to up to now: of a cascade the stages that led here, one after the other.
  struct Parts {
    Duration network{}, load{}, service{};
  };
  struct Answer {
    VariantId variant;
    InstanceId instance;
    std::uint32_t instance_serial = 0, batch = 0;
    DeviceId device;
    Time asked{};  // when the stage of its visit began
    Parts parts;
  };
  struct GatheringNotes {
    std::array<Answer, Gathering::most_visits> answers;  // by slot of the visit, what it brings back
    Answer last;                                         // that returned
    double cost = 0, transfer = 0;
    bool may_escalate = false;
    bool confidence_asked = false;  // whether an answer stands depended on the confidence in it
    VariantId hedged;
    Time answer_by = never;
    Time stage_began{};  // of a cascade; before the arrival: the first
    Parts earlier;       // of the stages before
  };
  void gather(VisitId first, const Selection& s);
  void add_stage(GatheringId g, VisitId like, const Selection& s);
  VisitId add_visit(GatheringId g, VisitId like, VariantId variant);
  GatheringNotes& notes(GatheringId g);
  void note_return(VisitId v);
  void visit_gone(VisitId v, Ending ending);
  // `over`: what is asked of ended with `last`; otherwise that is called off as the others are.
  void resolve(GatheringId g, VisitId last, Ending if_empty, bool over = true);
  void forget(GatheringId g, VisitId v);
  void release_if_done(GatheringId g);
  void hedge_due(GatheringId g);
  void answer_due(GatheringId g);
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
  void ready_for_late(DeviceId d);
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
  std::uint32_t compute_channel(DeviceId d) const;
  void share_device(InstanceId i, Duration work);
  void shared_batch_done(std::uint32_t payload);
  void stop_sharing(InstanceId i);
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
  void start_for_held(Controller& c);
  bool is_idle(InstanceId i) const;
  void became_idle(InstanceId i);
  void arm_keep_alive(InstanceId i, Time due);
  void keep_alive_due(std::uint32_t instance);
  void stop_instance(InstanceId i, StopCause cause);
  void drain_instance(InstanceId i);
  /// Memory or cores may be free that somebody waits for.
  void room_freed() {
    if (!growing_.empty()) [[unlikely]]
      grow_waiting();
    if (!pending_.empty()) try_pending();
  }
  void try_pending();
  void control_round(Controller& c);
  void apply_plan(Controller& c);
  void scale_down(GroupId g, std::uint32_t excess);
  void policy_round(std::uint32_t object);
  void give_up_unserved(const Controller& c);
  void prewarm_due(GroupId g);
  void apply_prewarms(Controller& c);
  void lose(VisitId v, VariantId variant);
  void start_for_stranded(VariantId variant, GroupId g);
  [[gnu::always_inline]] void no_longer_idle(InstanceId i) {
    Instance& x = cluster_.instance(i);
    x.keep_due = never;
    x.idle_told = false;
  }

  // Vertical scaling (resizing.cpp).
  void set_cores(const Plan::Cores& k);
  void try_resize(InstanceId i);
  void grow_waiting();
  void restart_next(GroupId g);
  void restart_stopped(GroupId g);

  // Loads (loading.cpp).
  enum class LoadStep : std::uint8_t { begins, comes, fetches, waits_for_fetch, reads, copies, builds, waits_for_build };
  struct Load {
    InstanceId instance;  ///< none: a free slot
    LoadParts parts;
    Duration fixed{};   ///< after all that is shared
    double factor = 1;  ///< on every part
    LoadStep step = LoadStep::begins;
    SiteId at;                           ///< of the artefact, on its way over links
    std::uint32_t channel = no_channel;  ///< where it is under way
    Time due = never;                    ///< when the step is over, where no channel says so
  };
  struct DeviceLoads {
    std::uint32_t loading = 0;
    Time until{};                     ///< when, by profile, all that loads or waits is warm
    std::vector<InstanceId> waiting;  ///< first to last
  };
  static constexpr std::uint32_t no_channel = ~std::uint32_t{0};
  static constexpr Time not_known = Time{} - Duration{1};  // when a load ends
  std::uint32_t node_channel(NodeId n, bool store) const;
  std::uint32_t device_channel(DeviceId d) const;
  std::uint32_t load_slot(std::uint32_t k) const;
  void make_load_channels();
  using LostVisits = std::vector<std::pair<VisitId, VariantId>>;  // with what they were sent to
  void fail_instance(InstanceId i, LostVisits& lost);
  void lose_all(const LostVisits& lost);
  void load_failed(InstanceId i);
  LoadRun load_run(InstanceId i);
  void begin_load(InstanceId i);
  void start_load(InstanceId i);
  void end_load_at(InstanceId i, Duration after);
  void go_on_loading(std::uint32_t k);
  void finish_load(std::uint32_t k);
  void wake_loads(LoadStep step, const LoadParts& parts);
  bool transfer_for_load(std::uint32_t k, std::uint32_t channel);
  void schedule_load(std::uint32_t k, Duration after);
  void travel_load(std::uint32_t k);
  void load_passed(std::uint32_t payload, std::uint32_t channel);
  void load_due(std::uint32_t k);
  void load_over(DeviceId d);
  void load_next(DeviceId d);
  void cancel_load(InstanceId i);

  // Nodes (nodes.cpp).
  void scale_pool(PoolId p, std::uint32_t wished);
  void order_node(NodeId n);
  void node_up(NodeId n);
  void comes_up(NodeId n);
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
  std::vector<Recorder*> recorders_, hear_arrivals_, hear_batches_, hear_ends_, hear_decisions_;
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
  std::vector<ControllerId> round_of_;
  std::vector<Time> round_due_, round_scheduled_;
  std::vector<PendingStart> pending_;
  std::vector<InstanceId> growing_;        // wait for cores; perhaps no more
  std::vector<bool> restarts_;             // groups whose instances restart, one after the other
  std::vector<std::uint32_t> restart_to_;  // by group: instances that it had when the last of them went to restart
  std::vector<bool> pinned_groups_;
  std::vector<Time> prewarm_at_;             // by group: when the last answer of coldstart starts one again
  std::vector<GatheringNotes> notes_;        // by gathering slot
  std::vector<std::uint32_t> going_on_;      // changes of the environment, in the order of their beginning
  std::vector<std::uint32_t> nodes_before_;  // by change of capacity: what its pool had
  std::vector<bool> given_back_;             // by node: drained by a plan or a capacity, and not ordered since
  std::vector<std::uint32_t> noticed_;       // by node: reclaims that it has notice of
  Prices prices_;                            // empty until they change
  std::vector<std::uint32_t> reasons_down_;  // by node
  std::vector<NodeFate> fates_;
  std::vector<Duration> delays_;                                               // by channel, as the environment leaves them
  std::vector<char> links_down_;                                               // by link
  const World* reach_;                                                         // one of the worlds below, or that of the run
  std::vector<std::pair<std::vector<char>, std::unique_ptr<World>>> reaches_;  // by the links that are down, as they came up
  // What few runs have, asked for every query: one look here tells that there is none.
  bool clients_away_ = false, resizes_queries_ = false, has_exits_ = false, resizes_instances_ = false;
  bool by_site_ = false, old_views_ = false, compensates_ = false, decides_late_ = false;
  bool decides_at_once_ = true, notes_placements_ = false;  // of the above: one look on the path of nearly every query
  Snapshots snapshots_;
  std::vector<Snapshot*> known_, nothing_;  // by controller and site: what it knows; by site: of which nothing is known
  std::vector<Board> own_copies_;           // by controller and site
  std::vector<std::uint64_t> versions_;     // by site
  std::vector<Mail> mail_;                  // a heap, the next to arrive in front
  std::vector<Desk> desks_;                 // by controller
  std::vector<std::uint32_t> peers_;
  std::uint64_t mail_sequence_ = 0, own_decisions_ = 0;
  Time mail_scheduled_ = never;
  std::vector<Told> told_;  // in the order of when they are due, from `first_told_` on
  std::size_t first_told_ = 0;
  bool ends_heard_ = false;
  Stream gossip_draws_;
  bool links_shared_ = false;      // a link has a bandwidth
  std::vector<Channel> channels_;  // by link and direction, as in Hop; then of nodes and devices (loading.cpp)
  std::vector<Load> loads_;
  std::vector<std::uint32_t> free_loads_;
  std::vector<DeviceLoads> device_loads_;
  std::uint32_t first_compute_channel_ = 0;  // of shared devices
  bool loads_move_ = false;                  // some load has bytes to move
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

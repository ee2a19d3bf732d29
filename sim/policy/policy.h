// The interfaces of the nine kinds of policies: when each is asked, what it may answer.
#pragma once

#include "sim/core/id.h"
#include "sim/core/random.h"
#include "sim/core/time.h"
#include "sim/policy/view.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tideline {

enum class PolicyKind : std::uint8_t { admission, selection, dispatch, sharing, batching, autoscaling, placement, coldstart, eviction };
inline constexpr std::size_t policy_kinds = 9;
std::string_view to_string(PolicyKind kind);

/// Why a policy answered as it did: index into the names that it declares. 0 is "no particular reason".
using Reason = std::uint8_t;

/// Fields of a plan: a policy declares those that it writes and those that it reads.
struct PlanFields {
  bool wish = false, cores = false, nodes = false, shares = false, batch_caps = false;
};

/// What a policy needs kept for it and what it writes.
struct Needs {
  Indexes indexes;
  PlanFields writes, reads;
  bool plans_from_use_only = false;  ///< an autoscaler that only reacts to use: cannot plan before time 0
};

/// The load of a task is to be `factor` times what it would be otherwise.
struct AnnouncedSurge {
  Time announced{}, from{}, to{};
  double factor = 1;
  TaskId task;
};

/// What a policy is made with. The world outlives it; the spans do not: they are for its constructor.
struct Setup {
  const World* world = nullptr;
  Stream stream{};  ///< its own sequence of random numbers
  ControllerId controller{0};
  std::span<const std::uint32_t> initial;  ///< instances that `initial` lists, by group; may be empty
  /// Surges of demand that are announced; a policy may look at one from `announced` on.
  std::span<const AnnouncedSurge> surges{};
  double label_share = 0;                  ///< of the answered queries, those that get labels: see `Observer::feedback`
  std::span<const double> first_hour_qps;  ///< mean offered rate of the first hour, by task, as far as sources know it; may be empty
};

/// What all kinds share.
class Policy {
 public:
  Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  virtual ~Policy() = default;
  virtual Needs needs() const { return {}; }
  /// Names of its reasons; element 0 names reason 0.
  virtual std::span<const std::string_view> reasons() const { return {}; }
  /// A round of its own: called at time 0 and whenever the last answer is due. Answers when it is next due; `never`: no more.
  virtual Time round(ClusterView) { return never; }
};

// --- admission ---

struct Admission {
  bool admit = true;
  Reason reason = 0;
};
/// Decides whether a query enters the system at all.
class AdmissionPolicy : public virtual Policy {
 public:
  static constexpr PolicyKind kind = PolicyKind::admission;
  /// Asked when a query arrives. It is already counted as arrived and in flight.
  virtual Admission admit(const QueryView& query, ClusterView view) = 0;
  /// False: it never will, and is asked only where somebody records its answers.
  virtual bool may_refuse() const { return true; }
};

// --- selection ---

/// Variants that shall answer a query.
struct Selection {
  static constexpr std::size_t most = Gathering::most_visits;
  enum class Answer : std::uint8_t { variants, late, none };
  Answer answer = Answer::none;
  std::uint8_t count = 0;
  std::uint8_t quorum = 1;  ///< answers that resolve the query, 1 .. count
  Combine combine = Combine::best;
  bool may_escalate = false;  ///< ask `escalate` when the quorum has answered
  Time answer_by = never;     ///< what has answered by then makes the answer; where nothing has, the first to come does
  Reason reason = 0;
  VariantId runner_up;
  std::array<VariantId, most> variants;

  /// Reject: no variant will do.
  static Selection reject(Reason reason = 0) {
    Selection s;
    s.reason = reason;
    return s;
  }
  static Selection one(VariantId v, Reason reason = 0, VariantId runner_up = {}) {
    Selection s;
    s.answer = Answer::variants;
    s.count = 1;
    s.variants[0] = v;
    s.reason = reason;
    s.runner_up = runner_up;
    return s;
  }
  /// Bind late: the visit waits in the line of its task, and whatever instance of the task is free takes it.
  static Selection bind_late(Reason reason = 0) {
    Selection s;
    s.answer = Answer::late;
    s.reason = reason;
    return s;
  }
};

/// What a stage of a cascade brought.
struct StageResult {
  VariantId variant;
  std::uint8_t stage = 0;  ///< 0: the first
  double confidence = 1;   ///< of design.md section 5, in (0, 1)
};

/// Chooses the variant or variants for a query.
class SelectionPolicy : public virtual Policy {
 public:
  static constexpr PolicyKind kind = PolicyKind::selection;
  /// Asked when a query is admitted. Variants must be of the query's task and have instances' groups in the cluster.
  virtual Selection select(const QueryView& query, ClusterView view) = 0;
  /// Asked when a stage returned and `may_escalate` was set; none: the answer stands.
  virtual Selection escalate(const QueryView&, const StageResult&, ClusterView) { return Selection::reject(); }
  /// Asked when answers that combine as `learnt` are put to a vote: what the vote of each weighs, 0 or more, not all 0. Their ratios count.
  virtual void vote_weights(const QueryView&, std::span<const VariantId> /*answers*/, std::span<double> weights) const {
    std::fill(weights.begin(), weights.end(), 1.0);
  }
};

// --- dispatch ---

/// Where a visit goes.
struct Dispatch {
  enum class Answer : std::uint8_t { instance, site, hold, none };
  Answer answer = Answer::hold;
  Reason reason = 0;
  InstanceId instance;
  SiteId site;
  InstanceId runner_up;
  Time ask_again = never;  ///< hedging: asked once more then, unless the query is resolved or may escalate

  static Dispatch to(InstanceId i, Reason reason = 0, InstanceId runner_up = {}) {
    Dispatch d;
    d.answer = Answer::instance;
    d.instance = i;
    d.reason = reason;
    d.runner_up = runner_up;
    return d;
  }
  /// To the line that all instances of the variant at the site share.
  static Dispatch to(SiteId s, Reason reason = 0) {
    Dispatch d;
    d.answer = Answer::site;
    d.site = s;
    d.reason = reason;
    return d;
  }
  /// Held by the controller until an instance of the variant is warm; then asked again.
  static Dispatch hold(Reason reason = 0) {
    Dispatch d;
    d.reason = reason;
    return d;
  }
  /// No place will ever do: the query ends as one that no variant can answer.
  static Dispatch reject(Reason reason = 0) {
    Dispatch d;
    d.answer = Answer::none;
    d.reason = reason;
    return d;
  }
};

/// Chooses the place of a visit whose variant is chosen.
class DispatchPolicy : public virtual Policy {
 public:
  static constexpr PolicyKind kind = PolicyKind::dispatch;
  /// Asked when a visit needs a place. An instance must be starting or warm and of this variant.
  virtual Dispatch place(const QueryView& query, VariantId variant, ClusterView view) = 0;
};

// --- sharing ---

/// Chooses among instances with work on a device that can start one more batch.
class SharingPolicy : public virtual Policy {
 public:
  static constexpr PolicyKind kind = PolicyKind::sharing;
  /// `ready` (at least two) have work that batching has not put off; `heads[k]` is the visit that `ready[k]` would start with.
  /// Answers an index into `ready`.
  virtual std::size_t next(DeviceId device, std::span<const InstanceId> ready, std::span<const QueryView> heads, ClusterView view) = 0;
};

// --- batching ---

struct Batch {
  std::uint32_t drop = 0;  ///< give up this many from the head first
  std::uint32_t take = 0;  ///< then start this many; 0 means wait
  Time retry = never;      ///< when waiting: ask again no later than this
  Reason reason = 0;
};
inline constexpr std::uint32_t unbounded = ~std::uint32_t{0};

/// Chooses when an instance starts a batch, and of how many.
class BatchingPolicy : public virtual Policy {
 public:
  static constexpr PolicyKind kind = PolicyKind::batching;
  /// Asked once, before the run: the order in which visits leave the lines of instances, groups and tasks.
  virtual LineOrder order() const { return LineOrder::by_arrival; }
  /// Asked once for each variant, before the run: how many visits may wait in the line of an instance of the variant, and in the
  /// line that its instances at a site share. Who would be one more is rejected, unless it can start at once.
  virtual std::uint32_t line_bound(VariantId, const World&) const { return unbounded; }
  /// Asked when `i` can start and its line changed, or its retry time came. The items of what it takes must not exceed the
  /// `batch_cap` of its group.
  virtual Batch form(InstanceId i, const LineView& line, ClusterView view) = 0;
  /// Asked after each round of its own about every line that the instances of a group share, while it has visits and none of them is
  /// warm: how many to give up from the head. `form` cannot: nobody asks it about such a line.
  virtual std::uint32_t give_up(GroupId, const LineView&, ClusterView) { return 0; }
};

// --- autoscaling ---

/// How the search behind a plan ended, for planners that optimise.
struct PlanSolution {
  enum class Status : std::uint8_t {
    optimal,   ///< proven to within the planner's gap
    feasible,  ///< the search met its limits, or proves nothing
    short_of   ///< the demand cannot be met: as much of it as was found
  };
  Status status = Status::feasible;
  bool kept = false;        ///< what was there before stays, since the new plan is hardly better
  double target = 1;        ///< share of the demand that is planned for
  double objective = 0;     ///< of the plan
  double bound = 0;         ///< of any plan with this target; infinity: not known
  std::uint32_t nodes = 0;  ///< of the search tree
};
std::string_view to_string(PlanSolution::Status status);

/// What an autoscaler wants. What it does not name is left alone. One object is reused: rounds allocate nothing.
class Plan {
 public:
  struct Wish {
    GroupId group;
    std::uint32_t instances = 0;
    Reason reason = 0;
  };
  struct Nodes {
    PoolId pool;
    std::uint32_t count = 0;  ///< to have, up and booting: min .. max of the pool
  };
  struct Share {
    GroupId group;
    double share = 0;
  };
  struct Cap {
    GroupId group;
    std::uint32_t items = 1;
  };
  /// What becomes of the instances that a group has when its core option changes.
  enum class Resize : std::uint8_t {
    none,      ///< they keep theirs
    in_place,  ///< each changes when its batch is done; one that grows waits until its device has the cores free
    restart    ///< one after the other drains, stops and is started anew
  };
  struct Cores {
    GroupId group;
    std::uint8_t option = 0;  ///< index into `Profile::cores`, for instances to come
    Resize resize = Resize::none;
    Reason reason = 0;
  };
  void clear() {
    wishes.clear();
    nodes.clear();
    shares.clear();
    batch_caps.clear();
    cores.clear();
    takes_effect = {};
    solution.reset();
  }
  std::vector<Wish> wishes;
  std::vector<Nodes> nodes;
  std::vector<Share> shares;
  std::vector<Cap> batch_caps;
  std::vector<Cores> cores;
  Duration takes_effect{};               ///< after the round: the time it took to decide
  std::optional<PlanSolution> solution;  ///< of the search, in the round that made it
};

/// How many instances to start for a held visit, now.
struct HeldAnswer {
  std::uint32_t start = 0;
  Reason reason = 0;
};

/// Plans capacity: instances per group, cores, nodes, routing shares, batch caps. Nodes come first: those that are ordered boot for
/// the pool's time; those given back take no more instances, drain, and go off when empty.
class AutoscalingPolicy : public virtual Policy {
 public:
  static constexpr PolicyKind kind = PolicyKind::autoscaling;
  /// Time between two rounds; `forever`: no rounds.
  virtual Duration interval() const { return forever; }
  /// A control round: fills the (empty) plan.
  virtual void plan(ClusterView, Plan&) {}
  /// Asked when a visit joins a line that no warm instance serves; `starting` instances of the variant are on their way.
  /// Of a line that is bound late, the variant is the class's candidate that is on its way there, or else the fastest.
  virtual HeldAnswer on_held(const QueryView&, VariantId, std::uint32_t starting, ClusterView) { return {starting == 0 ? 1U : 0U, 0}; }
};

// --- placement ---

struct Placement {
  DeviceId device;  ///< none: nowhere
  Reason reason = 0;
};
/// Chooses the device for an instance that must start.
class PlacementPolicy : public virtual Policy {
 public:
  static constexpr PolicyKind kind = PolicyKind::placement;
  /// `fits` are devices with room now, in order of ids; `after_eviction` those that would have room if idle instances
  /// went (only filled where `fits` is empty). One of them, or none.
  virtual Placement choose(VariantId variant, std::int64_t memory_bytes, std::span<const DeviceId> fits,
                           std::span<const DeviceId> after_eviction, ClusterView view) = 0;
};

// --- coldstart ---

struct KeepAlive {
  Duration keep = forever;         ///< from now; 0: stop at once
  Duration start_again = forever;  ///< after it was stopped: prewarm this long after now; the last answer of a group counts
  Reason reason = 0;
};
struct Prewarm {
  GroupId group;
  std::uint32_t instances = 1;  ///< to have, starting and warm
};
/// Decides how long an idle instance is kept, and what is started before it is asked for.
class ColdstartPolicy : public virtual Policy {
 public:
  static constexpr PolicyKind kind = PolicyKind::coldstart;
  /// Asked when an instance becomes idle: warm, nothing running, no line that it serves has work.
  virtual KeepAlive became_idle(InstanceId i, ClusterView view) = 0;
  /// Asked after its round: groups to start, and groups whose instances are pinned (never stopped when idle, never evicted).
  virtual void prewarm(ClusterView, std::vector<Prewarm>& /*start*/, std::vector<GroupId>& /*pin*/) {}
};

// --- eviction ---

struct Victim {
  InstanceId instance;  ///< none: refuse
  Reason reason = 0;
};
/// Chooses what goes when memory or cores are short on a device.
class EvictionPolicy : public virtual Policy {
 public:
  static constexpr PolicyKind kind = PolicyKind::eviction;
  /// `idle` are the device's instances that may go, in order of ids. Asked again until enough is free; if that cannot
  /// be reached nothing is evicted.
  virtual Victim choose(DeviceId device, std::span<const InstanceId> idle, std::int64_t bytes_short, ClusterView view) = 0;
  /// An instance was stopped as a victim (after all victims of one start are known).
  virtual void evicted(InstanceId, ClusterView) {}
};

// --- observers ---

/// What an observer may hear of its controller's sites.
struct Facts {
  bool arrivals = false;
  bool batches = false;       ///< begin and end of each
  bool batch_starts = false;  ///< the begin only
  bool instances = false, visits = false;
  bool feedback = false;  ///< labels of answers, as late and as rarely as the scenario has them
  bool ends = false;      ///< how the queries that its controller decided about ended
  bool votes = false;     ///< who agreed where answers were put to a vote
};
/// What the client of a query has seen of it.
struct Ended {
  std::uint64_t query = 0;  ///< its number
  ClassId cls;
  VariantId variant;      ///< that answered, of several the one that counts; none: there was no answer
  Duration latency{};     ///< from its arrival until the answer was there, or was given up
  double cost_usd = 0;    ///< attributed to it
  bool labelled = false;  ///< among those that the scenario has labels for: if there was an answer, `feedback` on it follows
};
/// How good an answer was.
struct Label {
  std::uint64_t query = 0;  ///< its number
  ClassId cls;
  VariantId variant;    ///< of a vote, the most accurate member
  double realised = 0;  ///< right (1) or wrong (0), or the score
};
/// For policies that need single facts rather than counters. Never tells outcomes or sampled times of the future.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual Facts facts() const = 0;
  /// A query arrived and was admitted.
  virtual void arrived(const QueryView&, ClusterView) {}
  /// A visit is in a batch that begins at a warm instance; told of each, in the order of the batch, before `batch_began`.
  virtual void visit_began(const QueryView&, InstanceId, ClusterView) {}
  /// A batch of `visits` began at a warm instance.
  virtual void batch_began(InstanceId, std::uint32_t /*visits*/, ClusterView) {}
  /// A batch is done.
  virtual void batch_done(InstanceId, std::uint32_t /*visits*/, Duration /*took*/, ClusterView) {}
  /// How good an answer was. Only of the share of the queries that the scenario has labels for, and so much later than the answer.
  virtual void feedback(const Label&, ClusterView) {}
  /// A query of its sites ended: its answer is back at the origin, or there will be none. Not told of those that the run leaves open.
  virtual void ended(const Ended&, ClusterView) {}
  /// Answers to a query were put to a vote. Bit k of `agreed`: the k-th of them says what the vote came to.
  virtual void voted(const QueryView&, std::span<const VariantId> /*answers*/, std::uint32_t /*agreed*/, ClusterView) {}
  /// An instance was started, became warm, was told to drain, or is about to be gone.
  virtual void instance_changed(InstanceId, Phase, ClusterView) {}
};

}  // namespace tideline

#include "policies/builtin.h"
#include "policies/components/group_windows.h"
#include "policies/components/instance_states.h"
#include "policies/components/latency.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace tideline {

namespace {

/// INFaaS's autoscalers: of models, which replicates, upgrades, removes or downgrades by what each would cost, and of machines (policies A5
/// and A6).
/// Source: Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021, section 4.2; constants of the machines' part
/// from the released code. Our reading where they leave it open, as follows.
///
/// Models. Variants of a task at a site make up what the paper calls a worker. Where they take less than `headroom` x the load of the last
/// window, each that is short of room is replicated, or one of its instances makes place for another variant of the same model that takes
/// more and meets the least SLO of late: the cheapest change that there is room for. A change by d instances of cost C and load time T costs
/// C (d + `load_weight_per_s` T max(d, 0)); C is the price of what an instance holds. An instance goes where the others carry `headroom` x
/// the load, or where a cheaper variant of the same model takes its place, once that has been so for its load time. An instance takes what
/// the reference batch of `infaas` makes. The rule of the released code for GPUs, which replicates what queues up while instances load too,
/// is had by `headroom` 1 and `load_allowance_per_s` 0.2.
///
/// Machines. To a pool, at its site, a node is added where all its devices are busy more than `most_utilisation`; or all have an interfered
/// instance; or where, of all devices of the site, more than `overloaded_share` have an overloaded one, to the pool with most of them, or
/// else the dearest; or where a change of models found no room. A node goes when the pool was idle for `low_rounds` rounds; never below
/// what the pool began with.
class InfaasScaling final : public AutoscalingPolicy, public Observer {
 public:
  enum class Models : std::uint8_t { all, individual, fixed };
  struct Params {
    Models models = Models::all;
    bool machines = true;
    Duration interval = 1s;
    double headroom = 1.05, load_allowance = 0, load_weight = 0.1;
    std::int64_t memory_reserve = std::int64_t{1} << 30;
    Duration recent = 30s;
    std::optional<Duration> persistence;
    std::uint32_t min = 0;
    std::uint32_t reference_batch = 32;
    Duration machine_interval = 2s;
    double most_utilisation = 0.8, overloaded_share = 0.8;
    std::uint32_t back_off = 15, low_rounds = 15;
    double low_least = 0.08, low_mean = 0.08, cpu_low_least = 0.05, cpu_low_mean = 0.3;
    static constexpr auto declare() {
      return param::fields(
          param::choice("models", &Params::models, "What may be done to instances: all, only replicate and remove, or nothing.",
                        {{"all", Models::all}, {"individual", Models::individual}, {"fixed", Models::fixed}}),
          param::field("machines", &Params::machines, "Order and give back nodes too."),
          param::field("interval_s", &Params::interval, "Time between two looks at the models: one window.", {0.001, 86400}),
          param::field("headroom", &Params::headroom, "What instances must take, over the load.", {1, 100}),
          param::field("load_allowance_per_s", &Params::load_allowance,
                       "Share of what instances take that is replicated on top for each second of loading.", {0, 100}),
          param::field("load_weight_per_s", &Params::load_weight, "Cost of a second of loading, over that of holding.", {0, 1e6}),
          param::field("memory_reserve_bytes", &Params::memory_reserve, "Memory that must stay free on a device after a load."),
          param::field("recent_s", &Params::recent, "How long ago a class was last seen whose SLO counts.", {0.001, 86400}),
          param::field("persistence_s", &Params::persistence, "How long there must be less to do before an instance goes; none: its load.",
                       {0, 86400}),
          param::field("min", &Params::min, "Least instances of a group that has any.", {0, 1e6}),
          param::field("reference_batch", &Params::reference_batch, "Batch at which accelerators are judged.", {1, 1e6}),
          param::field("machine_interval_s", &Params::machine_interval, "Time between two looks at the machines.", {0.001, 86400}),
          param::field("most_utilisation", &Params::most_utilisation, "Share of the window that all devices must be busy to add one.",
                       {0, 1}),
          param::field("overloaded_share", &Params::overloaded_share, "Share of devices with an overloaded instance to add one.", {0, 1}),
          param::field("back_off", &Params::back_off, "Rounds without another change of the machines after one.", {0, 1e6}),
          param::field("low_rounds", &Params::low_rounds, "Rounds in a row that a pool must be idle.", {1, 1e6}),
          param::field("low_least", &Params::low_least, "Busy share up to which a device is idle.", {0, 1}),
          param::field("low_mean", &Params::low_mean, "Mean busy share up to which a pool is idle.", {0, 1}),
          param::field("cpu_low_least", &Params::cpu_low_least, "The same of CPUs.", {0, 1}),
          param::field("cpu_low_mean", &Params::cpu_low_mean, "The same of CPUs.", {0, 1}));
    }
  };

  InfaasScaling(const Params& params, const Setup& setup)
      : params_(params),
        world_(*setup.world),
        windows_(world_),
        states_(world_, rules(params)),
        groups_(world_.groups().size()),
        seen_(world_.classes().size(), Time::min()),
        pools_(world_.topology().pools.size()),
        taken_(world_.topology().devices.size()) {}

  Needs needs() const override {
    return {.indexes = {}, .writes = {.wish = params_.models != Models::fixed, .nodes = params_.machines}, .reads = {}};
  }
  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = true, .batches = false, .instances = false, .visits = false}; }
  Duration interval() const override { return params_.interval; }
  void arrived(const QueryView& query, ClusterView view) override { seen_[query.class_id().index()] = view.now(); }

  void plan(ClusterView view, Plan& plan) override {
    for (std::size_t k = 0; k < groups_.size(); ++k) {
      GroupState& g = groups_[k];
      const GroupWindows::Window window = windows_.end(view, GroupId{k});
      if (window.length > Duration{}) g.load = window.sent_items / to_seconds(window.length);
      g.wish = instances_in_use(view.group(GroupId{k}));
      g.why = nothing;
    }
    if (params_.models != Models::fixed) {
      for (std::size_t s = 0; s < world_.site_count(); ++s)
        for (std::size_t t = 0; t < world_.catalog().tasks.size(); ++t) plan_task(TaskId{t}, SiteId{s}, view);
      for (std::size_t k = 0; k < groups_.size(); ++k)
        if (groups_[k].why != nothing) plan.wishes.push_back({GroupId{k}, groups_[k].wish, groups_[k].why});
    }
    if (!params_.machines || (machines_seen_ && view.now() - machines_at_ < params_.machine_interval)) return;
    machines_at_ = view.now();
    plan_machines(view, plan);
    for (Pool& p : pools_) p.asked_for = false;
    machines_seen_ = true;
  }

 private:
  enum : Reason { nothing, replicated, upgraded, removed, downgraded };
  static constexpr std::array<std::string_view, 5> names{"unchanged", "replicated", "upgraded", "removed", "downgraded"};

  struct GroupState {
    double load = 0;  ///< items per second of the last window
    std::uint32_t wish = 0;
    Reason why = nothing;
    Time less_since = never;  ///< since when an instance could go
  };
  struct Pool {
    std::uint32_t low = 0;       ///< rounds in a row
    std::uint32_t back_off = 0;  ///< rounds left
    bool asked_for = false;      ///< a change of models found no room on its devices since the machines were last looked at
  };
  struct Change {
    double cost = std::numeric_limits<double>::infinity();
    GroupId other;  ///< takes the place of one instance; none: more of the same
    std::uint32_t count = 0;
  };

  static InstanceStateRules rules(const Params& params) {
    InstanceStateRules r;
    r.reference_batch = params.reference_batch;
    return r;
  }

  double rate(GroupId g) const { return states_.peak_rate(world_[g].variant); }

  /// Price of what an instance holds of a device; where nothing has a price, its share.
  double cost_of(GroupId g, ClusterView view) const {
    const Variant& v = world_[world_[g].variant];
    const Hardware& h = world_.catalog()[v.hardware];
    double share =
        h.memory_bytes > 0 ? static_cast<double>(v.memory_for(view.group(g).batch_cap)) / static_cast<double>(h.memory_bytes) : 1;
    if (h.sharing == Sharing::partitioned) share = v.profile.cores()[view.group(g).option] / static_cast<double>(std::max(h.cores, 1U));
    const double price = world_.hardware_price_per_s(v.hardware);
    return share * (price > 0 ? price : 1);
  }
  double cost_of_change(GroupId g, double count, ClusterView view) const {
    const double load_s = to_seconds(first_load_time(world_, world_[g].variant));
    return cost_of(g, view) * (count + params_.load_weight * load_s * std::max(count, 0.0));
  }

  void plan_task(TaskId t, SiteId s, ClusterView view) {
    double takes = 0, load = 0;
    for (const VariantId v : world_.catalog()[t].variants)
      if (const GroupId g = world_.group(v, s); g && groups_[g.index()].wish > 0) {
        takes += groups_[g.index()].wish * rate(g);
        load += groups_[g.index()].load;
      }
    const bool is_short = takes < params_.headroom * load;
    for (const VariantId v : world_.catalog()[t].variants) {
      const GroupId g = world_.group(v, s);
      if (!g || groups_[g.index()].wish == 0 || groups_[g.index()].why != nothing) continue;
      GroupState& state = groups_[g.index()];
      if (state.wish * rate(g) < params_.headroom * state.load) {
        state.less_since = never;
        if (is_short) grow(g, view);
      } else {
        shrink(g, view);
      }
    }
  }

  void grow(GroupId g, ClusterView view) {
    const GroupState& state = groups_[g.index()];
    const double wanted = params_.headroom * state.load;
    Change best, cheapest;
    const auto consider = [&](const Change& c, bool fits) {
      if (fits && c.cost < best.cost) best = c;
      if (c.cost < cheapest.cost) cheapest = c;
    };
    const double allowance = params_.load_allowance * to_seconds(first_load_time(world_, world_[g].variant));
    const std::uint32_t more = whole(wanted / rate(g) + (allowance - 1) * state.wish);
    consider({cost_of_change(g, more, view), {}, more}, room_for(g, more, view));
    if (params_.models == Models::all)
      for_same_model(g, [&](GroupId u) {
        if (rate(u) <= rate(g) || !meets_recent_slo(u)) return;
        const std::uint32_t count = std::max(whole((wanted - (state.wish - 1) * rate(g)) / rate(u)), 1U);
        consider({cost_of_change(u, count, view) + cost_of_change(g, -1, view), u, count}, room_for(u, count, view));
      });
    if (best.count > 0) return make(g, best, replicated, upgraded);
    const HardwareId h = world_[world_[cheapest.other ? cheapest.other : g].variant].hardware;
    for (std::size_t p = 0; p < pools_.size(); ++p)
      if (const auto& pool = world_.topology()[PoolId{p}]; pool.hardware == h && pool.site == world_[g].site) pools_[p].asked_for = true;
  }

  void shrink(GroupId g, ClusterView view) {
    GroupState& state = groups_[g.index()];
    const double wanted = params_.headroom * state.load, rest = (state.wish - 1) * rate(g);
    Change best;
    if (state.wish > params_.min && rest >= wanted) best = {cost_of_change(g, -1, view), {}, 1};
    if (params_.models == Models::all && state.wish > params_.min)
      for_same_model(g, [&](GroupId u) {
        if (cost_of(u, view) >= cost_of(g, view) || !meets_recent_slo(u)) return;
        const std::uint32_t count = whole((wanted - rest) / rate(u));
        if (count == 0) return;
        const double cost = cost_of_change(u, count, view) + cost_of_change(g, -1, view);
        if (cost < 0 && cost < best.cost && room_for(u, count, view)) best = {cost, u, count};
      });
    if (best.count == 0) {
      state.less_since = never;
      return;
    }
    if (state.less_since == never) state.less_since = view.now();
    const Duration must_last = params_.persistence.value_or(first_load_time(world_, world_[g].variant));
    if (view.now() - state.less_since < must_last) return;
    state.less_since = never;
    make(g, best, removed, downgraded);
  }

  /// More, or without `other` one less, of the same, or one of it for others.
  void make(GroupId g, const Change& c, Reason same, Reason other) {
    GroupState& state = groups_[g.index()];
    state.why = c.other ? other : same;
    if (!c.other) {
      state.wish = same == removed ? state.wish - 1 : state.wish + c.count;
      return;
    }
    --state.wish;
    groups_[c.other.index()].wish += c.count;
    groups_[c.other.index()].why = other;
  }

  template <class F>
  void for_same_model(GroupId g, F&& f) const {
    const Variant& v = world_[world_[g].variant];
    for (const VariantId k : world_.catalog()[v.task].variants)
      if (const GroupId u = world_.group(k, world_[g].site); u && u != g && world_[k].model == v.model) f(u);
  }

  bool meets_recent_slo(GroupId u) const {
    const VariantId v = world_[u].variant;
    const Duration latency = world_[v].profile.latency(1);
    for (std::size_t c = 0; c < seen_.size(); ++c) {
      if (seen_[c] == Time::min() || seen_[c] + params_.recent < now_seen()) continue;
      if (world_[ClassId{c}].task == world_[v].task && world_[ClassId{c}].slo < latency) return false;
    }
    return true;
  }
  Time now_seen() const { return *std::max_element(seen_.begin(), seen_.end()); }

  /// Whether the site's devices have room for so many more. A second instance on an exclusive device adds nothing.
  bool room_for(GroupId g, std::uint32_t count, ClusterView view) {
    const Variant& v = world_[world_[g].variant];
    const Hardware& h = world_.catalog()[v.hardware];
    const std::int64_t bytes = v.memory_for(view.group(g).batch_cap);
    const std::uint32_t cores = h.sharing == Sharing::partitioned ? v.profile.cores()[view.group(g).option] : 0;
    std::fill(taken_.begin(), taken_.end(), char{0});
    if (h.sharing != Sharing::partitioned)
      for (const InstanceId i : view.group(g).members) taken_[view.instance(i).device.index()] = 1;
    std::uint32_t found = 0;
    const auto& first = world_.topology().first_device_of_site;
    const SiteId s = world_[g].site;
    for (std::size_t d = first[s.index()].index(); d < first[s.index() + 1].index() && found < count; ++d) {
      const DeviceRow& row = view.device(DeviceId{d});
      if (world_.topology()[DeviceId{d}].hardware != v.hardware || !row.up || taken_[d] != 0) continue;
      std::int64_t memory = row.memory_free - params_.memory_reserve;
      if (cores == 0) {
        found += memory >= bytes ? 1U : 0U;
        continue;
      }
      for (std::uint32_t left = row.cores_free; left >= cores && memory >= bytes; left -= cores, memory -= bytes) ++found;
    }
    return found >= count;
  }

  static std::uint32_t whole(double x) { return static_cast<std::uint32_t>(std::clamp(std::ceil(x - 1e-9), 0.0, 1e6)); }

  // --- machines ---

  struct Seen {
    std::uint32_t devices = 0, interfered = 0, overloaded = 0;
    double least = 1, sum = 0;
  };

  void plan_machines(ClusterView view, Plan& plan) {
    states_.observe(view);
    if (!machines_seen_) return;  // the first window begins
    std::vector<char> interfered(taken_.size()), overloaded(taken_.size());
    for (std::size_t k = 0; k < groups_.size(); ++k)
      for (const InstanceId i : view.group(GroupId{k}).members) {
        if (view.instance(i).phase != Phase::warm) continue;
        const InstanceState state = states_.state(i);
        if (state == InstanceState::interfered) interfered[view.instance(i).device.index()] = 1;
        if (state == InstanceState::overloaded) overloaded[view.instance(i).device.index()] = 1;
      }
    std::vector<Seen> seen(pools_.size());
    for (std::size_t d = 0; d < taken_.size(); ++d) {
      if (!view.device(DeviceId{d}).up) continue;
      Seen& s = seen[world_.topology()[DeviceId{d}].pool.index()];
      ++s.devices;
      s.interfered += interfered[d] != 0 ? 1U : 0U;
      s.overloaded += overloaded[d] != 0 ? 1U : 0U;
      s.least = std::min(s.least, states_.utilisation(DeviceId{d}));
      s.sum += states_.utilisation(DeviceId{d});
    }
    for (std::size_t s = 0; s < world_.site_count(); ++s) {
      const PoolId most = most_overloaded(SiteId{s}, seen, view);
      for (std::size_t p = 0; p < pools_.size(); ++p)
        if (world_.topology()[PoolId{p}].site == SiteId{s}) plan_pool(PoolId{p}, seen[p], PoolId{p} == most, view, plan);
    }
  }

  /// The pool to which a node is added where too many devices of the site are overloaded; none where they are not.
  PoolId most_overloaded(SiteId s, const std::vector<Seen>& seen, ClusterView view) const {
    std::uint32_t devices = 0, overloaded = 0;
    PoolId most, dearest;
    for (std::size_t p = 0; p < pools_.size(); ++p) {
      const auto& pool = world_.topology()[PoolId{p}];
      if (pool.site != s) continue;
      devices += seen[p].devices;
      overloaded += seen[p].overloaded;
      if (!can_grow(PoolId{p}, view)) continue;
      if (seen[p].overloaded > 0 && (!most || seen[p].overloaded > seen[most.index()].overloaded)) most = PoolId{p};
      if (!dearest || pool.price_per_hour_usd > world_.topology()[dearest].price_per_hour_usd) dearest = PoolId{p};
    }
    if (devices == 0 || overloaded <= params_.overloaded_share * devices) return {};
    return most ? most : dearest;
  }

  std::uint32_t nodes_of(PoolId p, ClusterView view) const { return view.pool(p).up + view.pool(p).booting; }
  bool can_grow(PoolId p, ClusterView view) const { return nodes_of(p, view) < world_.topology()[p].max; }

  void plan_pool(PoolId p, const Seen& seen, bool is_most_overloaded, ClusterView view, Plan& plan) {
    const auto& pool = world_.topology()[p];
    Pool& state = pools_[p.index()];
    const bool cpu = !world_.catalog()[pool.hardware].accelerator;
    const double mean = seen.devices > 0 ? seen.sum / seen.devices : 0;
    const bool is_low = seen.devices > 0 && ((seen.least <= (cpu ? params_.cpu_low_least : params_.low_least)) ||
                                             mean <= (cpu ? params_.cpu_low_mean : params_.low_mean));
    state.low = is_low ? state.low + 1 : 0;
    if (state.back_off > 0) {
      --state.back_off;
      return;
    }
    const bool busy = seen.devices > 0 && seen.least > params_.most_utilisation;
    const bool all_interfered = seen.devices > 0 && seen.interfered == seen.devices;
    const std::uint32_t nodes = nodes_of(p, view);
    if ((busy || all_interfered || is_most_overloaded || state.asked_for) && can_grow(p, view)) {
      plan.nodes.push_back({p, nodes + 1});
    } else if (state.low >= params_.low_rounds && nodes > std::max(pool.min, pool.count)) {
      plan.nodes.push_back({p, nodes - 1});
    } else {
      return;
    }
    state.back_off = params_.back_off;
    state.low = 0;
  }

  Params params_;
  const World& world_;
  GroupWindows windows_;
  InstanceStates states_;
  std::vector<GroupState> groups_;
  std::vector<Time> seen_;  // by class: when it last arrived
  std::vector<Pool> pools_;
  std::vector<char> taken_;  // by device, scratch
  Time machines_at_{};
  bool machines_seen_ = false;
};

}  // namespace

PolicyDefinition infaas_scaling() {
  return define<InfaasScaling>(
      "infaas_scaling", "INFaaS's autoscalers: replicates, upgrades, downgrades by cost; orders machines.",
      {Provenance::our_reading, R"(Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021)"});
}

}  // namespace tideline

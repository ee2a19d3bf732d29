#include "policies/builtin.h"
#include "policies/components/instance_states.h"
#include "policies/components/latency.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

namespace tideline {

namespace {

/// INFaaS's heuristic (Romero et al., USENIX ATC'21, section 4.1, algorithm 1; constants of the released code): of the variants that
/// meet floor and SLO alone, the slowest (the cheapest) that has an active instance; else one that is loading; else one that can be
/// loaded; else the least used that runs. It knows no network, no cap on cost and no line: whether an instance copes shows once a window in its rate
/// and mean latency. Which instance is dispatch's business (least loaded, or the best fit of section 4.2.3). The flag with which step 4
/// asks for another machine of a type is left out: it speaks to the machine autoscaler (A6) only.
class Infaas final : public SelectionPolicy {
 public:
  enum class Objective : std::uint8_t { cost, accuracy };
  enum class Mode : std::uint8_t { reject, best_effort };
  struct Params {
    Objective objective = Objective::cost;
    Mode mode = Mode::reject;
    Duration window = 2s;
    std::uint32_t reference_batch = 32;
    double overloaded = 1;
    std::optional<double> fill = 1 / 1.05;
    double interfered_slowdown = 1.5, interfered_load = 0.3, recovered_slowdown = 1.25, decay = 1.5;
    Duration short_profile = 10ms, short_allowance = 15ms;
    double short_most = 5;
    double cpu_interfered_slowdown = 2.5, cpu_interfered_load = 0.5, cpu_recovered_slowdown = 1.5, cpu_decay = 15;
    double cpu_single_slowdown = 4, cpu_single_load = 1;
    std::int64_t memory_reserve = std::int64_t{1} << 30;
    double most_utilisation = 0.8;
    Duration look_up = 4ms;
    std::uint32_t least_look_ups = 3;
    std::uint32_t recent_picks = 5;
    std::optional<Duration> cpu_gpu_boundary;
    static constexpr auto declare() {
      using P = Params;
      constexpr param::Range share{0, 1}, factor{0, 1e6}, divisor{1, 1e6};
      return param::fields(
          param::choice("objective", &P::objective, "What is sought: the cheapest that will do, or the most accurate.",
                        {{"cost", Objective::cost}, {"accuracy", Objective::accuracy}}),
          param::choice("mode", &P::mode, "Where no variant will do: reject, or the fastest that meets the floor all the same.",
                        {{"reject", Mode::reject}, {"best_effort", Mode::best_effort}}),
          param::field("window_s", &P::window, "Time between two judgements of the instances.", {0.001, 86400}),
          param::field("reference_batch", &P::reference_batch, "Batch at which accelerators are judged; CPUs at the query alone.",
                       {1, 1e6}),
          param::field("overloaded", &P::overloaded, "Share of its peak rate from which an instance is overloaded.", factor),
          param::field("fill", &P::fill,
                       "Share of their peak rate up to which the active instances of a variant are filled within a window; none: no bound.",
                       {0, 1e6}),
          param::field("interfered_slowdown", &P::interfered_slowdown, "Time there over profile above which it is interfered.", factor),
          param::field("interfered_load", &P::interfered_load, "Share of its peak rate above which it can be interfered.", factor),
          param::field("recovered_slowdown", &P::recovered_slowdown, "Time there over profile below which that ends.", factor),
          param::field("decay", &P::decay, "Divisor of its known time there in a window without an answer.", divisor),
          param::field("short_profile_s", &P::short_profile, "Profile below which accelerators are judged by the allowance.", {0, 3600}),
          param::field("short_allowance_s", &P::short_allowance, "Time there above which a short profile is interfered.", {0, 3600}),
          param::field("short_most", &P::short_most, "Most slowdown that the allowance may come to.", factor),
          param::field("cpu_interfered_slowdown", &P::cpu_interfered_slowdown, "The same of CPUs.", factor),
          param::field("cpu_interfered_load", &P::cpu_interfered_load, "The same of CPUs.", factor),
          param::field("cpu_recovered_slowdown", &P::cpu_recovered_slowdown, "The same of CPUs.", factor),
          param::field("cpu_decay", &P::cpu_decay, "The same of CPUs.", divisor),
          param::field("cpu_single_slowdown", &P::cpu_single_slowdown, "The same of a CPU instance that is alone in its group.", factor),
          param::field("cpu_single_load", &P::cpu_single_load, "The same of a CPU instance that is alone in its group.", factor),
          param::field("memory_reserve_bytes", &P::memory_reserve, "Memory that must stay free on a device after a load.", {0, 1e15}),
          param::field("most_utilisation", &P::most_utilisation, "Share of the window a device may be busy and still take a load.", share),
          param::field("look_up_s", &P::look_up, "Of its SLO, a query that names no model is worth one look-up of a variant per so much.",
                       {1e-9, 3600}),
          param::field("least_look_ups", &P::least_look_ups, "Look-ups that such a query is worth in any case.", {1, 1e6}),
          param::field("recent_picks", &P::recent_picks, "Last picks of a task that are looked at beyond that.", {0, most_recent}),
          param::field("cpu_gpu_boundary_s", &P::cpu_gpu_boundary,
                       "Variants faster than this are not for SLOs above it (0.1 in the released code); none: no such rule."));
    }
  };

  Infaas(const Params& params, const Setup& setup)
      : params_(params),
        world_(*setup.world),
        states_(world_, rules(params)),
        recent_(world_.catalog().tasks.size()),
        rooms_(world_.site_count() * world_.catalog().hardware.size()),
        idle_memory_(world_.topology().devices.size()),
        idle_cores_(world_.topology().devices.size()) {
    const Topology& topology = world_.topology();
    for (std::size_t d = 0; d < topology.devices.size(); ++d)
      room(topology.devices[d].site, topology.devices[d].hardware).devices.emplace_back(d);
    for (std::size_t c = 0; c < world_.classes().size(); ++c) add_class(ClassId{c});
  }

  std::span<const std::string_view> reasons() const override {
    static constexpr std::array<std::string_view, 7> names{"active",      "loading",      "load",        "running",
                                                           "best_effort", "nothing_fits", "no_candidate"};
    return names;
  }

  Time round(ClusterView view) override {
    states_.observe(view);
    measure_room(view);
    return view.now() + params_.window;
  }

  Selection select(const QueryView& query, ClusterView view) override {
    Class& cls = classes_[query.class_id().index()];
    look(cls);
    if (const VariantId v = active(cls, query, view)) {
      const Recent& recent = recent_[cls.task.index()];
      if (!recent.matters || recent.picks.front() == v) return Selection::one(v, step_active);  // nothing to remember: the usual case
      return picked(cls, v, step_active);
    }
    if (const VariantId v = loading(cls, query, view)) return picked(cls, v, step_loading);
    if (const VariantId v = loadable(cls, query, view)) return picked(cls, v, step_load);
    if (const VariantId v = running(cls, query, view)) return picked(cls, v, step_running);
    if (params_.mode == Mode::best_effort && cls.closest && query.items() <= world_[cls.closest].profile.max_items() &&
        !view.groups_of(cls.closest, query.origin()).empty())
      return Selection::one(cls.closest, step_best_effort);
    Selection none = Selection::reject(cls.by_fit.empty() ? no_candidate : nothing_fits);
    none.runner_up = cls.closest;
    return none;
  }

 private:
  enum : Reason { step_active, step_loading, step_load, step_running, step_best_effort, nothing_fits, no_candidate };
  static constexpr std::uint32_t most_recent = 16;

  struct Candidate {
    VariantId variant;
    Duration latency{};   ///< of its reference batch
    Duration to_start{};  ///< load and that
    double accuracy = 0, price = 0;
    std::uint32_t rank = 0;  ///< in the order of look-ups
    GroupId only;            ///< its group, where there is one and every site reaches it
  };
  struct Class {
    TaskId task;
    Duration slo{};
    std::vector<Candidate> by_fit;    ///< order of step 1
    std::vector<Candidate> by_start;  ///< order of steps 2 to 4
    std::vector<Candidate> fit;       ///< those of `by_fit` that a query looks at now
    std::vector<Candidate> start;     ///< the same of `by_start`
    std::uint64_t looked = 0;         ///< at which membership of the recent picks; 0: not yet
    std::uint32_t look_ups = ~std::uint32_t{0};
    VariantId closest;  ///< the fastest that meets the floor
  };
  struct Recent {
    std::array<VariantId, most_recent> picks;
    std::uint32_t count = 0;
    std::uint64_t members = 1;  ///< counts changes of who is among them
    bool matters = false;       ///< some class of the task is worth fewer look-ups than it has candidates
  };
  /// Devices of one type at one site, and what is known of their room.
  struct Room {
    std::vector<DeviceId> devices;
    std::size_t hint = 0;                                                    ///< the last that had room
    std::int64_t refused_memory = std::numeric_limits<std::int64_t>::max();  ///< no device had so much in this window
    std::uint32_t refused_cores = 0;
    std::int64_t after_eviction = 0;  ///< most memory on a device if its idle instances went
    std::uint32_t cores_after_eviction = 0;
  };

  static InstanceStateRules rules(const Params& p) {
    InstanceStateRules r;
    r.reference_batch = p.reference_batch;
    r.overloaded = p.overloaded;
    r.fill = p.fill.value_or(1e9);  // no bound that a queue could reach
    r.accelerator = {p.interfered_slowdown, p.interfered_load, p.recovered_slowdown, p.decay};
    r.short_profile = p.short_profile;
    r.short_allowance = p.short_allowance;
    r.short_most = p.short_most;
    r.cpu = {p.cpu_interfered_slowdown, p.cpu_interfered_load, p.cpu_recovered_slowdown, p.cpu_decay};
    r.cpu_single_slowdown = p.cpu_single_slowdown;
    r.cpu_single_load = p.cpu_single_load;
    return r;
  }

  // --- before the run: the candidates of each class ---

  void add_class(ClassId id) {
    const QueryClass& c = world_[id];
    Class& cls = classes_.emplace_back();
    cls.task = c.task;
    cls.slo = c.slo;
    if (c.pin_level == PinLevel::none && c.has_slo()) {
      const auto affordable = static_cast<std::uint32_t>(std::min<std::int64_t>(c.slo / params_.look_up, ~std::uint32_t{0}));
      cls.look_ups = std::max(params_.least_look_ups, affordable);
    }
    // All that meet floor and pin: a look-up is spent on those that then prove too slow, too.
    std::vector<Candidate> all;
    for (const VariantId v : world_.catalog()[c.task].variants) {
      const Variant& variant = world_[v];
      if (variant.accuracy < c.floor || !pinned_to(c, variant) || !in_cluster(v)) continue;
      const Duration latency = states_.reference_latency(v);
      all.push_back({v, latency, first_load_time(world_, v) + latency, variant.accuracy, world_.item_price_usd(v, 1), 0, only_group(v)});
    }
    const bool by_accuracy = params_.objective == Objective::accuracy;
    // Look-ups go through the index of accuracies from the floor up; from the top where accuracy is the objective.
    std::stable_sort(all.begin(), all.end(), [&](const Candidate& a, const Candidate& b) {
      return by_accuracy ? a.accuracy > b.accuracy : a.accuracy < b.accuracy;
    });
    for (std::size_t k = 0; k < all.size(); ++k) {
      all[k].rank = static_cast<std::uint32_t>(k);
      if (!cls.closest || std::tuple(all[k].latency, all[k].variant) < std::tuple(states_.reference_latency(cls.closest), cls.closest))
        cls.closest = all[k].variant;
    }
    std::sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) { return a.variant < b.variant; });
    for (const Candidate& k : all) {
      if (k.latency > c.slo) continue;
      if (params_.cpu_gpu_boundary && c.slo > *params_.cpu_gpu_boundary && k.latency < *params_.cpu_gpu_boundary) continue;
      cls.by_fit.push_back(k);
    }
    cls.by_start = cls.by_fit;
    cls.fit.reserve(cls.by_fit.size());
    cls.start.reserve(cls.by_start.size());
    if (cls.look_ups < all.size()) recent_[c.task.index()].matters = true;
    std::stable_sort(cls.by_fit.begin(), cls.by_fit.end(), [&](const Candidate& a, const Candidate& b) { return fits_better(a, b); });
    std::stable_sort(cls.by_start.begin(), cls.by_start.end(), [&](const Candidate& a, const Candidate& b) {
      if (by_accuracy && a.accuracy != b.accuracy) return a.accuracy > b.accuracy;
      return a.to_start < b.to_start;
    });
  }

  GroupId only_group(VariantId v) const {
    GroupId only;
    for (std::size_t s = 0; s < world_.site_count(); ++s) {
      const auto groups = world_.groups_of(v, SiteId{s});
      if (groups.size() != 1 || (only && groups.front() != only)) return {};
      only = groups.front();
    }
    return only;
  }

  bool in_cluster(VariantId v) const {
    for (std::size_t s = 0; s < world_.site_count(); ++s)
      if (world_.group(v, SiteId{s})) return true;
    return false;
  }

  /// Least time to spare, ties the cheaper hardware; by accuracy first where that is the objective.
  bool fits_better(const Candidate& a, const Candidate& b) const {
    if (params_.objective == Objective::accuracy && a.accuracy != b.accuracy) return a.accuracy > b.accuracy;
    return a.latency != b.latency ? a.latency > b.latency : a.price < b.price;
  }

  // --- the steps ---

  /// Brings up to date which variants a query of the class looks at: the first ones, and the recent picks.
  void look(Class& cls) const {
    const Recent& recent = recent_[cls.task.index()];
    if (cls.looked == recent.members) return;
    cls.looked = recent.members;
    const auto end = recent.picks.begin() + recent.count;
    const auto is_seen = [&](const Candidate& k) {
      return k.rank < cls.look_ups || std::find(recent.picks.begin(), end, k.variant) != end;
    };
    const auto filter = [&](const std::vector<Candidate>& from, std::vector<Candidate>& to) {
      to.clear();
      std::copy_if(from.begin(), from.end(), std::back_inserter(to), is_seen);
    };
    filter(cls.by_fit, cls.fit);
    filter(cls.by_start, cls.start);
  }

  /// Whether the query could be answered by the variant in time. The latency of several items is not the one that the orders were made
  /// with: it is put into `k`.
  bool considered(const Class& cls, const QueryView& query, Candidate& k) const {
    const std::uint32_t items = query.items();
    if (items == 1) return true;
    const Profile& profile = world_[k.variant].profile;
    if (items > profile.max_items()) return false;
    k.latency = profile.latency(std::max(items, states_.reference_batch(k.variant)));
    return k.latency <= cls.slo;
  }

  VariantId active(const Class& cls, const QueryView& query, ClusterView view) const {
    if (query.items() == 1) {  // the usual case: the order made before the run holds
      for (const Candidate& k : cls.fit) {
        if (k.only) {
          if (states_.has_active(view, k.only)) return k.variant;
          continue;
        }
        for (const GroupId g : view.groups_of(k.variant, query.origin()))
          if (states_.has_active(view, g)) return k.variant;
      }
      return {};
    }
    Candidate best;
    for (Candidate k : cls.fit) {
      if (!considered(cls, query, k) || (best.variant && !fits_better(k, best))) continue;
      for (const GroupId g : view.groups_of(k.variant, query.origin())) {
        if (!states_.has_active(view, g)) continue;
        best = k;
        break;
      }
    }
    return best.variant;
  }

  VariantId loading(const Class& cls, const QueryView& query, ClusterView view) const {
    VariantId best;
    Duration least = forever;
    for (Candidate k : cls.start) {
      if (!considered(cls, query, k)) continue;
      for (const GroupId g : view.groups_of(k.variant, query.origin())) {
        if (view.starting(g) == 0) continue;
        if (params_.objective == Objective::accuracy) return k.variant;
        const Duration latency = next_warm(view, g) - view.now() + k.latency;
        if (latency < least) {
          least = latency;
          best = k.variant;
        }
      }
    }
    return best;
  }

  VariantId loadable(const Class& cls, const QueryView& query, ClusterView view) {
    for (Candidate k : cls.start) {
      if (!considered(cls, query, k)) continue;
      // Inactive is the variant, not the group: one that runs anywhere is for step 4.
      bool inactive = true;
      const auto groups = view.groups_of(k.variant, query.origin());
      for (const GroupId g : groups) inactive = inactive && view.warm(g) == 0;
      if (!inactive) continue;
      for (const GroupId g : groups)
        if (has_room(view, g)) return k.variant;
    }
    return {};
  }

  VariantId running(const Class& cls, const QueryView& query, ClusterView view) const {
    // By what was sent in this window, so that a window does not flood one variant; at its start by the last window.
    VariantId best;
    std::pair<double, double> least;
    for (Candidate k : cls.start) {
      if (!considered(cls, query, k)) continue;
      for (const GroupId g : view.groups_of(k.variant, query.origin())) {
        if (view.warm(g) == 0) continue;
        if (params_.objective == Objective::accuracy) return k.variant;
        const std::pair use{states_.use_so_far(view, g), states_.last_use(g)};
        if (!best || use < least || (use == least && k.variant < best)) {
          least = use;
          best = k.variant;
        }
      }
    }
    return best;
  }

  Selection picked(const Class& cls, VariantId v, Reason step) {
    Recent& recent = recent_[cls.task.index()];
    if (!recent.matters || recent.picks.front() == v) return Selection::one(v, step);
    const auto begin = recent.picks.begin();
    auto at = std::find(begin, begin + recent.count, v);
    if (at == begin + recent.count) {
      if (recent.count < params_.recent_picks)
        ++recent.count;
      else if (recent.count == 0)
        return Selection::one(v, step);
      else
        --at;
      *at = v;
      ++recent.members;
    }
    std::rotate(begin, at, at + 1);
    return Selection::one(v, step);
  }

  // --- room for a load ---

  Room& room(SiteId s, HardwareId h) { return rooms_[s.index() * world_.catalog().hardware.size() + h.index()]; }

  bool usable(ClusterView view, DeviceId d) const { return view.device(d).up && states_.utilisation(d) < params_.most_utilisation; }

  /// Whether some device has room for an instance of the group, now or after idle ones went. What was refused once is refused until
  /// the window ends, and so is what idle instances hold known as of its begin: a query costs a look at one device, rarely a search.
  bool has_room(ClusterView view, GroupId g) {
    const Variant& variant = world_[world_[g].variant];
    const Hardware& hardware = world_.catalog()[variant.hardware];
    Room& r = room(world_[g].site, variant.hardware);
    const std::int64_t memory = variant.memory_for(view.group(g).batch_cap) + params_.memory_reserve;
    const std::uint32_t cores = hardware.sharing == Sharing::partitioned ? variant.profile.cores()[view.group(g).option] : 0;
    if (memory < r.refused_memory || cores < r.refused_cores) {
      for (std::size_t k = 0; k < r.devices.size(); ++k) {
        const std::size_t at = r.hint + k < r.devices.size() ? r.hint + k : r.hint + k - r.devices.size();
        const DeviceRow& d = view.device(r.devices[at]);
        if (d.memory_free < memory || d.cores_free < cores || !usable(view, r.devices[at])) continue;
        r.hint = at;
        return true;
      }
      r.refused_memory = memory;
      r.refused_cores = cores;
    }
    return memory <= r.after_eviction && cores <= r.cores_after_eviction;
  }

  void measure_room(ClusterView view) {
    std::fill(idle_memory_.begin(), idle_memory_.end(), 0);
    std::fill(idle_cores_.begin(), idle_cores_.end(), 0);
    for (std::size_t k = 0; k < world_.groups().size(); ++k) {
      const GroupRow& group = view.group(GroupId{k});
      if (group.warm() == 0 || group.waiting > 0) continue;
      const std::int64_t memory = world_[world_.groups()[k].variant].memory_for(group.batch_cap);
      for (const InstanceId i : group.members) {
        const InstanceRow& row = view.instance(i);
        if (row.phase != Phase::warm || row.load > 0) continue;
        idle_memory_[row.device.index()] += memory;
        idle_cores_[row.device.index()] += row.cores;
      }
    }
    for (Room& r : rooms_) {
      r.refused_memory = std::numeric_limits<std::int64_t>::max();
      r.refused_cores = 0;
      r.after_eviction = 0;
      r.cores_after_eviction = 0;
      for (const DeviceId d : r.devices) {
        if (idle_memory_[d.index()] == 0 || !usable(view, d)) continue;
        r.after_eviction = std::max(r.after_eviction, view.device(d).memory_free + idle_memory_[d.index()]);
        r.cores_after_eviction = std::max(r.cores_after_eviction, view.device(d).cores_free + idle_cores_[d.index()]);
      }
    }
  }

  Params params_;
  const World& world_;
  InstanceStates states_;
  std::vector<Class> classes_;
  std::vector<Recent> recent_;             // by task
  std::vector<Room> rooms_;                // by site and hardware
  std::vector<std::int64_t> idle_memory_;  // by device
  std::vector<std::uint32_t> idle_cores_;  // by device
};

}  // namespace

PolicyDefinition infaas() {
  return define<Infaas>(
      "infaas",
      "INFaaS's heuristic: the cheapest variant with an instance that copes, else the one soonest loaded. Sees no network and no cost cap.",
      {Provenance::our_reading, R"(Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021)"});
}

}  // namespace tideline

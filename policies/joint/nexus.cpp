#include "policies/builtin.h"
#include "policies/components/deadlines.h"
#include "policies/components/group_windows.h"
#include "policies/components/instance_counts.h"
#include "policies/components/squishy_packing.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// Nexus's planner with the batching and sharing that its plan needs (policies D8 and B7): models are packed on devices by what is sent to
/// them, each device runs its models in turn, each in batches of its planned size, and who would be late in one is dropped early.
/// Source: Shen et al., "Nexus: a GPU cluster engine for accelerating DNN-based video analysis", SOSP 2019,
/// doi:10.1145/3341301.3359658, section 6; the packing is in components/squishy_packing.h.
///
/// Our reading. A session is a group: a variant at a site, with the least SLO of the classes that it is a candidate of, less the way from
/// the farthest site that queries came from. Each plan packs anew, and each device is then given that part of the packing which has most of
/// what it holds; the released code changes the last packing instead. Where there are more parts than devices, those of least occupancy
/// wait. An instance that the plan has elsewhere keeps the largest batch that half its SLO has room for. Devices cut into slices are not
/// planned. Splitting an SLO over the stages of a query is left out: queries here have one stage.
class Nexus final : public AutoscalingPolicy,
                    public PlacementPolicy,
                    public BatchingPolicy,
                    public SharingPolicy,
                    public DispatchPolicy,
                    public Observer {
 public:
  struct Params {
    Duration interval = 30s, least_pause = 10s, count = 5s;
    double weight = 0.5, headroom = 0;
    static constexpr auto declare() {
      return param::fields(param::field("interval_s", &Params::interval, "Time between two plans.", {0.001, 86400}),
                           param::field("least_pause_s", &Params::least_pause,
                                        "Least time between two where more is sent than is planned for.", {0.001, 86400}),
                           param::field("count_s", &Params::count, "Time over which what is sent is counted.", {0.001, 86400}),
                           param::field("weight", &Params::weight, "Of the last count in the average.", {1e-6, 1}),
                           param::field("headroom", &Params::headroom, "Share by which more is planned for than the average.", {0, 100}));
    }
  };

  Nexus(const Params& params, const Setup& setup)
      : params_(params),
        world_(*setup.world),
        stream_(setup.stream),
        windows_(world_),
        groups_(world_.groups().size()),
        devices_(world_.topology().devices.size()),
        asked_(world_.site_count()),
        there_(world_) {
    for (std::size_t k = 0; k < groups_.size(); ++k) groups_[k].batch = world_[world_.groups()[k].variant].profile.max_items();
  }

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true}, .reads = {}, .plans_from_use_only = true}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = true, .batches = false, .instances = true, .visits = false}; }
  void arrived(const QueryView& query, ClusterView) override { asked_[query.origin().index()] = 1; }
  void instance_changed(InstanceId i, Phase, ClusterView view) override {
    const GroupId g = view.instance(i).group;
    groups_[g.index()].is_stale = true;
    // So that who is placed next finds room for all choices.
    groups_[g.index()].choices.reserve(view.group(g).members.size());
  }

  // --- planning ---

  Duration interval() const override { return params_.count; }

  void plan(ClusterView view, Plan& plan) override {
    bool is_short = false;
    for (std::size_t k = 0; k < groups_.size(); ++k) {
      GroupState& g = groups_[k];
      const GroupWindows::Window window = windows_.end(view, GroupId{k});
      if (window.length <= Duration{}) continue;
      const double rate = window.sent_items / to_seconds(window.length);
      g.rate = g.rate > 0 ? g.rate + params_.weight * (rate - g.rate) : rate;
      if (g.rate < 1e-6) g.rate = 0;
      is_short = is_short || g.rate > g.planned;
    }
    const Duration since = view.now() - planned_;
    if (any_plan_ && since < params_.interval && !(is_short && since >= params_.least_pause)) return;
    if (view.now() == Time{}) return;  // nothing was counted
    planned_ = view.now();
    any_plan_ = true;
    for (GroupState& g : groups_) {
      g.wish = 0;
      g.planned = 0;
      g.is_stale = true;
    }
    is_partial_ = false;
    for (std::size_t s = 0; s < world_.site_count(); ++s)
      for (std::size_t h = 0; h < world_.catalog().hardware.size(); ++h) plan_devices(SiteId{s}, HardwareId{h}, view);
    for (std::size_t k = 0; k < groups_.size(); ++k) {
      const GroupRow& row = view.group(GroupId{k});
      if (world_.catalog()[world_[world_.groups()[k].variant].hardware].sharing == Sharing::partitioned) continue;
      if (groups_[k].wish > 0)
        plan.wishes.push_back({GroupId{k}, groups_[k].wish, is_partial_ ? packed_in_part : packed});
      else if (row.wish > 0 || row.warm() + row.starting() > 0)
        plan.wishes.push_back({GroupId{k}, 0, not_sent_to});
    }
  }

  // --- placement ---

  Placement choose(VariantId variant, std::int64_t, std::span<const DeviceId> fits, std::span<const DeviceId> after_eviction,
                   ClusterView view) override {
    // To a device whose part has the variant but does not hold it yet; else to one that holds least.
    const auto& all = fits.empty() ? after_eviction : fits;
    there_.clear();
    for (std::size_t k = 0; k < groups_.size(); ++k) {
      const bool is_own = world_.groups()[k].variant == variant;
      for (const InstanceId i : view.group(GroupId{k}).members)
        if (view.instance(i).phase != Phase::draining) there_.add_to(view.instance(i).device, is_own ? 1'000'000 : 1);
    }
    DeviceId best;
    std::uint32_t least = 0;
    for (const DeviceId d : all) {
      const bool is_planned = part_of(world_.group(variant, world_.topology()[d].site), d) != nullptr;
      const std::uint32_t key = there_[d] + (is_planned ? 0U : 1000U);
      if (!best || key < least) best = d, least = key;
    }
    return {best, placed_by_plan};
  }

  // --- dispatch ---

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    for (const GroupId g : view.groups_of(variant, query.origin())) {
      if (view.warm(g) == 0) continue;
      GroupState& state = groups_[g.index()];
      if (state.is_stale) weigh(g, view);
      if (state.choices.empty()) continue;
      const double at = state.choices.size() == 1 ? 0 : uniform01(stream_) * state.choices.back().upto;
      const auto found =
          std::upper_bound(state.choices.begin(), state.choices.end(), at, [](double x, const Choice& c) { return x < c.upto; });
      const InstanceId i = found == state.choices.end() ? state.choices.back().instance : found->instance;
      if (view.instance(i).phase == Phase::warm) return Dispatch::to(i, by_rate);
      state.is_stale = true;
    }
    return Dispatch::hold(nothing_warm);
  }

  // --- batching and sharing ---

  LineOrder order() const override { return LineOrder::by_deadline; }

  Batch form(InstanceId i, const LineView& line, ClusterView view) override {
    const InstanceRow& row = view.instance(i);
    const PackedDevice::Part* part = part_of(row.group, row.device);
    const std::uint32_t wanted = part != nullptr ? part->batch : groups_[row.group.index()].batch;
    const std::uint32_t target = std::min(std::max(wanted, 1U), batch_cap(view, i));
    const PunctualBatch batch = drop_late(line, target, i, view);
    return {batch.drop, batch.size.visits, never, batch.size.visits == 0 ? too_late : batch.size.items >= target ? full : all_that_wait};
  }

  /// The next in the circle of the device's instances, by ids.
  std::size_t next(DeviceId device, std::span<const InstanceId> ready, std::span<const QueryView>, ClusterView) override {
    InstanceId& last = devices_[device.index()].last;
    std::size_t above = ready.size(), least = 0;
    for (std::size_t k = 0; k < ready.size(); ++k) {
      if (ready[k] < ready[least]) least = k;
      if (last && ready[k] > last && (above == ready.size() || ready[k] < ready[above])) above = k;
    }
    const std::size_t chosen = above < ready.size() ? above : least;
    last = ready[chosen];
    return chosen;
  }

 private:
  enum : Reason { packed, packed_in_part, not_sent_to, placed_by_plan, by_rate, nothing_warm, all_that_wait, full, too_late };
  static constexpr std::array<std::string_view, 9> names{
      "packed", "packed_in_part", "not_sent_to", "placed_by_plan", "by_rate", "nothing_warm", "all", "target", "too_late"};

  struct Choice {
    InstanceId instance;
    double upto = 0;  ///< sum of the rates up to this one
  };
  struct GroupState {
    double rate = 0;     ///< sent per second, averaged
    double planned = 0;  ///< per second
    std::uint32_t wish = 0;
    std::uint32_t batch = 1;  ///< the largest by its SLO
    bool is_stale = true;     ///< its choices
    std::vector<Choice> choices;
  };
  struct DeviceState {
    std::vector<PackedDevice::Part> parts;  ///< sessions are groups
    InstanceId last;                        ///< whose turn was last
  };

  const PackedDevice::Part* part_of(GroupId g, DeviceId d) const {
    for (const PackedDevice::Part& p : devices_[d.index()].parts)
      if (g && p.session == g.index()) return &p;
    return nullptr;
  }

  Duration slo_of(GroupId g) const {
    Duration least = forever, way{};
    for (std::size_t c = 0; c < world_.classes().size(); ++c)
      if (world_.is_candidate(ClassId{c}, world_[g].variant)) least = std::min(least, world_[ClassId{c}].slo);
    for (std::size_t o = 0; o < asked_.size(); ++o)
      if (const SiteId s = world_[g].site; asked_[o] != 0 && s != SiteId{o})
        way = std::max(way, world_.topology().route(SiteId{o}, s).delay + world_.topology().route(s, SiteId{o}).delay);
    // Without an SLO anything is in time.
    return least == forever ? 3600s : least - way;
  }

  void plan_devices(SiteId s, HardwareId h, ClusterView view) {
    const Hardware& hardware = world_.catalog()[h];
    if (hardware.sharing == Sharing::partitioned) return;
    std::vector<PackingSession> sessions;
    std::vector<GroupId> groups;
    for (std::size_t k = world_.first_group(s).index(); k < world_.first_group(s).index() + world_.group_count(s); ++k) {
      const GroupId g{k};
      const Variant& v = world_[world_[g].variant];
      if (v.hardware != h || groups_[k].rate <= 0) continue;
      const GroupRow& row = view.group(g);
      const std::uint32_t cap = std::clamp(row.batch_cap, 1U, v.profile.max_items());
      sessions.push_back({groups_[k].rate * (1 + params_.headroom), slo_of(g), {v.profile.table(row.option), cap + 1}, v.memory_for(cap)});
      groups_[k].batch = std::max(saturating_batch(sessions.back()), 1U);
      groups.push_back(g);
    }
    std::vector<PackedDevice> parts = pack_squishily(sessions, hardware.memory_bytes);
    for (PackedDevice& d : parts)
      for (PackedDevice::Part& p : d.parts) p.session = groups[p.session].index();
    std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.occupancy > b.occupancy; });
    give(parts, s, h, view);
  }

  /// Gives each device the part that has most of what it holds, the fullest parts first.
  void give(const std::vector<PackedDevice>& parts, SiteId s, HardwareId h, ClusterView view) {
    std::vector<DeviceId> free;
    const auto& first = world_.topology().first_device_of_site;
    for (std::size_t d = first[s.index()].index(); d < first[s.index() + 1].index(); ++d) {
      if (world_.topology()[DeviceId{d}].hardware != h) continue;
      devices_[d].parts.clear();
      if (view.device(DeviceId{d}).up) free.emplace_back(d);
    }
    for (const PackedDevice& part : parts) {
      if (free.empty()) {
        is_partial_ = true;
        return;
      }
      there_.clear();
      for (const PackedDevice::Part& p : part.parts)
        for (const InstanceId i : view.group(GroupId{p.session}).members)
          if (view.instance(i).phase != Phase::draining) there_.add_to(view.instance(i).device, 1);
      const auto best = std::max_element(free.begin(), free.end(), [&](DeviceId a, DeviceId b) { return there_[a] < there_[b]; });
      devices_[best->index()].parts = part.parts;
      for (const PackedDevice::Part& p : part.parts) {
        ++groups_[p.session].wish;
        groups_[p.session].planned += p.rate;
      }
      free.erase(best);
    }
  }

  /// Makes the choices of a group: its warm instances by their planned rates; alike where none has one.
  void weigh(GroupId g, ClusterView view) {
    GroupState& state = groups_[g.index()];
    state.choices.clear();
    double sum = 0;
    for (const bool planned : {true, false}) {
      for (const InstanceId i : view.group(g).members) {
        if (view.instance(i).phase != Phase::warm) continue;
        const PackedDevice::Part* part = part_of(g, view.instance(i).device);
        if (planned && part == nullptr) continue;
        state.choices.push_back({i, sum += planned ? part->rate : 1});
      }
      if (!state.choices.empty()) break;
    }
    state.is_stale = false;
  }

  Params params_;
  const World& world_;
  Stream stream_;
  GroupWindows windows_;
  std::vector<GroupState> groups_;
  std::vector<DeviceState> devices_;
  std::vector<char> asked_;  // by site: a query came from there
  InstanceCounts there_;
  Time planned_{};
  bool any_plan_ = false, is_partial_ = false;
};

}  // namespace

PolicyDefinition nexus() {
  return define<Nexus>(
      "nexus", "Packs models on devices that run them in turn, in batches as planned; drops early.",
      {Provenance::our_reading,
       R"(Shen et al., "Nexus: a GPU cluster engine for accelerating DNN-based video analysis", SOSP 2019, doi:10.1145/3341301.3359658)"});
}

}  // namespace tideline

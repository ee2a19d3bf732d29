#include "policies/builtin.h"
#include "policies/components/deadlines.h"
#include "policies/components/group_windows.h"
#include "policies/components/latency.h"
#include "policies/components/residents.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace tideline {

namespace {

/// Clockwork's controller (policy D7): queries wait in the line of their model; a device that is free runs the model whose batch is due to
/// start first, in the largest batch that there is demand for at every smaller size too; who cannot be in time any more is given up before
/// it costs anything. Models are loaded where their work outweighs what the devices that hold them can give.
/// Source: Gujarati et al., "Serving DNNs like Clockwork: performance predictability from the bottom up", OSDI 2020, arXiv:2006.02464; the
/// rules are those of the released scheduler.
///
/// Our reading. A batch starts when its device is free; the plan ahead of that, and the windows in which a worker may start, are left
/// out: here nothing comes between decision and start. Lines are in order of deadlines. Which model goes first is judged by the first of
/// its line and the largest batch that the line could fill. More copies of a model are started in rounds; the first is started by the first
/// query that waits for it. Who waits for a model that is not loaded is given up in the round after it was too late. As everywhere only idle
/// instances make room, where the source evicts any model that does not run. Instances are kept until memory is short: with eviction `lru` as published.
/// A model of which ten queries in a row were given up that would be in time by its profile is judged by that again: who runs nothing measures
/// nothing, and the source would never find out that a slow time is over.
class Clockwork final : public DispatchPolicy, public SharingPolicy, public BatchingPolicy, public ColdstartPolicy, public Observer {
 public:
  struct Params {
    std::uint32_t max_batch = 16;
    Duration longest = 25ms, buffer = 5ms, ahead = 10ms, interval = 100ms, share = 100ms;
    static constexpr auto declare() {
      return param::fields(
          param::field("max_batch_size", &Params::max_batch, "Items of the largest batch.", {1, 1'000'000}),
          param::field("longest_batch_s", &Params::longest, "Most time that a batch of more than one may take.", {0, 3600}),
          param::field("buffer_s", &Params::buffer, "Time before its deadline at which a query shall be answered.", {0, 3600}),
          param::field("schedule_ahead_s", &Params::ahead,
                       "With the buffer, the least time that a query is given, however short its SLO; the planning horizon of the source.",
                       {0, 3600}),
          param::field("interval_s", &Params::interval, "Time between two looks at what to load.", {0.001, 86400}),
          param::field("device_time_s", &Params::share, "Work that a device is counted on to take off the models that it holds.",
                       {0, 3600}));
    }
  };

  Clockwork(const Params& params, const Setup& setup)
      : params_(params),
        world_(*setup.world),
        variants_(world_.catalog().variants.size()),
        demand_(world_.groups().size()),
        running_(world_),
        on_device_(world_.topology().devices.size()) {
    for (std::size_t k = 0; k < variants_.size(); ++k) {
      const Variant& v = world_[VariantId{k}];
      const std::uint32_t most = std::min(params.max_batch, v.profile.max_items());
      const auto add = [&](std::uint32_t size) {
        if (size > most || (size > 1 && !variants_[k].sizes.empty() && v.profile.latency(size) > params_.longest)) return;
        variants_[k].sizes.push_back({size, {}, 0, v.profile.latency(size)});
      };
      if (v.batch_sizes.empty())
        for (std::uint32_t size = 1; size <= most; size *= 2) add(size);
      for (const std::uint32_t size : v.batch_sizes) add(size);
      auto& sizes = variants_[k].sizes;
      if (sizes.empty()) sizes.push_back({v.profile.max_items(), {}, 0, v.profile.latency(v.profile.max_items())});
    }
  }

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = false, .batches = true, .instances = true, .visits = false}; }

  // --- where a query waits ---

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const auto groups = view.groups_of(variant, query.origin());
    if (groups.empty()) return Dispatch::hold(no_site);
    for (const GroupId g : groups)
      if (view.warm(g) + view.starting(g) > 0) return Dispatch::to(view.world()[g].site, in_line);
    return Dispatch::to(view.world()[groups.front()].site, in_line);
  }

  // --- which model, and how many ---

  LineOrder order() const override { return LineOrder::by_deadline; }

  std::size_t next(DeviceId, std::span<const InstanceId> ready, std::span<const QueryView> heads, ClusterView view) override {
    std::size_t best = 0;
    Time least = never;
    for (std::size_t k = 0; k < ready.size(); ++k) {
      const GroupRow& group = view.group(view.instance(ready[k]).group);
      const double waiting = std::max(group.waiting, 1U) * items_per_visit(group.counters);
      const auto& sizes = variants_[view.variant_of(ready[k]).index()].sizes;
      Duration longest = sizes.front().estimate;
      for (const Size& s : sizes)
        if (s.items <= waiting + 1e-9) longest = s.estimate;
      const Time due = due_of(heads[k], view.site_of(ready[k]), view);
      const Time start_by = due == never ? never : due - longest;
      if (k > 0 && (start_by > least || (start_by == least && ready[k] > ready[best]))) continue;
      best = k;
      least = start_by;
    }
    return best;
  }

  Batch form(InstanceId i, const LineView& line, ClusterView view) override {
    Batch b;
    b.reason = too_late;
    if (line.front().items() > most_items(view, i)) {
      b.drop = 1;
      return b;
    }
    Model& model = variants_[view.variant_of(i).index()];
    const auto& sizes = model.sizes;
    const SiteId site = view.site_of(i);
    // For each size, who could not be in time in a batch of it; the longer the batch, the more they are.
    std::uint32_t late = 0, late_items = 0;
    std::size_t fits = 0;
    auto at = line.begin();
    const auto end = line.end();
    for (const Size& s : sizes) {
      while (at != end && due_of(*at, site, view) < view.now() + s.estimate) {
        ++late;
        late_items += (*at).items();
        ++at;
      }
      if (fits == 0) b.drop = late;  // not even the smallest batch would do
      const std::uint32_t left = line.items() - late_items;
      if (left < s.items && !(fits == 0 && left > 0)) break;
      ++fits;
      b.drop = late;
      if (left < s.items) break;  // the smallest that this variant runs is padded
    }
    if (fits == 0) {
      count_given_up(view.variant_of(i), line, b.drop, site, view);
      return b;
    }
    const auto taken = longest_batch(line, std::min(sizes[fits - 1].items, batch_cap(view, i)), b.drop);
    b.take = taken.visits;
    running_[i] = taken.items;
    model.given_up = 0;
    b.reason = b.drop > 0 ? gave_up_some : in_time;
    return b;
  }

  std::uint32_t give_up(GroupId g, const LineView& line, ClusterView view) override {
    const VariantId variant = view.world()[g].variant;
    const Duration least = variants_[variant.index()].sizes.front().estimate;
    std::uint32_t late = 0;
    for (auto at = line.begin(); at != line.end() && due_of(*at, view.world()[g].site, view) < view.now() + least; ++at) ++late;
    count_given_up(variant, line, late, view.world()[g].site, view);
    return late;
  }

  void instance_changed(InstanceId i, Phase phase, ClusterView) override {
    if (phase == Phase::starting) running_[i] = 0;
  }

  void batch_done(InstanceId i, std::uint32_t visits, Duration took, ClusterView view) override {
    const std::uint32_t formed = std::exchange(running_[i], 0), items = formed > 0 ? formed : visits;  // none: another policy formed it
    for (Size& s : variants_[view.variant_of(i).index()].sizes) {
      if (items > s.items) continue;
      s.seen[s.count++ % measurements] = took;
      s.estimate = *std::max_element(s.seen.begin(), s.seen.begin() + static_cast<std::ptrdiff_t>(std::min(s.count, measurements)));
      return;
    }
  }

  // --- what is loaded ---

  KeepAlive became_idle(InstanceId, ClusterView) override { return {forever, forever, until_evicted}; }
  Time round(ClusterView view) override { return view.now() + params_.interval; }

  void prewarm(ClusterView view, std::vector<Prewarm>& start, std::vector<GroupId>&) override {
    for (std::size_t s = 0; s < world_.site_count(); ++s)
      for (std::size_t h = 0; h < world_.catalog().hardware.size(); ++h) load_one(SiteId{s}, HardwareId{h}, view, start);
  }

 private:
  enum : Reason { in_line, no_site, too_late, gave_up_some, in_time, until_evicted };
  static constexpr std::array<std::string_view, 6> names{"in_line", "no_site", "too_late", "gave_up_some", "in_time", "until_evicted"};
  static constexpr std::size_t measurements = 10;

  /// A batch size of a variant, and how long its last batches took.
  struct Size {
    std::uint32_t items = 1;
    std::array<Duration, measurements> seen{};  // a ring
    std::size_t count = 0;
    Duration estimate{};  ///< the most of them; before there is one, by profile
  };
  struct Model {
    std::vector<Size> sizes;     ///< ascending
    std::uint32_t given_up = 0;  ///< queries since its last batch, on account of measurements alone
  };

  /// The first `late` of the line are given up.
  void count_given_up(VariantId v, const LineView& line, std::uint32_t late, SiteId site, ClusterView view) {
    Model& model = variants_[v.index()];
    const Duration by_profile = world_[v].profile.latency(model.sizes.front().items);
    if (model.sizes.front().estimate <= by_profile) return;
    auto at = line.begin();
    for (std::uint32_t k = 0; k < late; ++k, ++at)
      if (due_of(*at, site, view) >= view.now() + by_profile) ++model.given_up;
    if (model.given_up < measurements) return;
    model.given_up = 0;
    for (Size& s : model.sizes) {
      s.count = 0;
      s.estimate = world_[v].profile.latency(s.items);
    }
  }

  Time due_of(const QueryView& query, SiteId site, ClusterView view) const {
    const Time due = due_at(query, site, view);
    if (due == never) return never;
    return std::max(due - params_.buffer, query.arrival() + params_.ahead + params_.buffer);
  }

  /// Starts one more copy of the model whose waiting work is most above what the devices that hold it are counted on for.
  void load_one(SiteId s, HardwareId h, ClusterView view, std::vector<Prewarm>& start) {
    const std::size_t first = world_.first_group(s).index(), last = first + world_.group_count(s);
    std::fill(on_device_.begin(), on_device_.end(), 0.0);
    std::uint32_t loading = 0, devices = 0;
    const auto& first_device = world_.topology().first_device_of_site;
    for (std::size_t d = first_device[s.index()].index(); d < first_device[s.index() + 1].index(); ++d)
      if (world_.topology()[DeviceId{d}].hardware == h && view.device(DeviceId{d}).up) ++devices;
    const auto each_holder = [&](std::size_t k, auto&& f) {
      for (const InstanceId i : view.group(GroupId{k}).members)
        if (view.instance(i).phase != Phase::draining) f(view.instance(i).device.index());
    };
    for (std::size_t k = first; k < last; ++k) {
      const VariantId v = world_.groups()[k].variant;
      if (world_[v].hardware != h) continue;
      const GroupRow& row = view.group(GroupId{k});
      const std::uint32_t holders = row.warm() + row.starting();
      loading += row.starting();
      demand_[k] = to_seconds(variants_[v.index()].sizes.front().estimate) * row.waiting * items_per_visit(row.counters);
      if (holders > 0 && demand_[k] > 0) each_holder(k, [&](std::size_t d) { on_device_[d] += demand_[k] / holders; });
    }
    if (loading >= devices) return;  // each loads one at a time
    GroupId best;
    double most = 0;
    for (std::size_t k = first; k < last; ++k) {
      if (world_[world_.groups()[k].variant].hardware != h || demand_[k] <= 0) continue;
      const GroupRow& row = view.group(GroupId{k});
      const std::uint32_t holders = row.warm() + row.starting();
      if (holders >= devices) continue;
      double priority = demand_[k];
      each_holder(k, [&](std::size_t d) { priority -= to_seconds(params_.share) * (demand_[k] / holders) / on_device_[d]; });
      if (priority > most) most = priority, best = GroupId{k};
    }
    if (best) start.push_back({best, view.warm(best) + view.starting(best) + 1});
  }

  Params params_;
  const World& world_;
  std::vector<Model> variants_;           // by variant
  std::vector<double> demand_;            // by group, seconds of work that waits
  InstanceTable<std::uint32_t> running_;  // items of the batch that runs
  std::vector<double> on_device_;         // by device: of that, what its models' copies there are to take
};

}  // namespace

PolicyDefinition clockwork() {
  return define<Clockwork>(
      "clockwork", "Runs what is due to start first in batches that are in time; loads by the work that waits.",
      {Provenance::our_reading,
       R"(Gujarati et al., "Serving DNNs like Clockwork: performance predictability from the bottom up", OSDI 2020, arXiv:2006.02464)"});
}

}  // namespace tideline

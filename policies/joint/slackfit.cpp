#include "policies/builtin.h"
#include "policies/components/batch_size.h"
#include "policies/components/deadlines.h"
#include "policies/components/pareto.h"
#include "policies/components/variant_lists.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tideline {

namespace {

/// The variant is bound to the batch: when a device is free, the slack of the earliest deadline says which of the variants warm on it runs,
/// and how many queries (policy S11). Source: SlackFit with its comparators MaxAcc and MaxBatch, Khare et al., "SuperServe: fine-grained
/// inference serving for unpredictable workloads", NSDI 2025 (arXiv 2312.16733). Our reading in the bucket width, which the paper leaves open, and in
/// what is left out below.
///
/// Before the run the latencies of the variants of a task on a type of hardware, for batches up to `largest_batch`, are cut into buckets of
/// `bucket_width_s` from the shortest on; what another variant does more accurately, as fast and for as many queries is left out, which in
/// the paper no variant can do with a batch of its own. A bucket keeps the largest batch whose latency lies in it, of the most accurate
/// variant that has it. Queries wait in one line of their task at the nearest site, earliest deadline first. The highest bucket that the slack
/// allows, of a variant that is warm there, says what runs; fewer queries than its batch run all the same.
/// `max_accuracy`: the most accurate variant that could run the first query alone in time, with its largest batch in time; `max_batch`: the
/// largest batch that any could run in time, of the most accurate that can.
///
/// The paper's variants are subnetworks of one that is loaded once; here each is an instance of its own, on devices that hold all of them.
/// What a switch between them takes is not charged. Variants that are slow for what they answer spoil the policy: under load it sinks to the
/// shortest batches, which in the paper's nets are those of most throughput; `variants` leaves such out. Cost caps are not looked at, and CPUs count with their first core option.
class Slackfit final : public SelectionPolicy, public SharingPolicy, public BatchingPolicy {
 public:
  enum class Rule : std::uint8_t { slackfit, max_accuracy, max_batch };
  enum class OnInfeasible : std::uint8_t { drop, fastest };
  struct Params {
    std::vector<std::string> variants;
    Rule rule = Rule::slackfit;
    std::optional<Duration> bucket_width;
    std::uint32_t largest_batch = 16;
    OnInfeasible on_infeasible = OnInfeasible::drop;
    static constexpr auto declare() {
      return param::fields(
          param::field("variants", &Params::variants, "Names of the variants to choose among; empty: all."),
          param::choice("rule", &Params::rule, "How a slack becomes a variant and a batch.",
                        {{"slackfit", Rule::slackfit}, {"max_accuracy", Rule::max_accuracy}, {"max_batch", Rule::max_batch}}),
          param::field(
              "bucket_width_s", &Params::bucket_width,
              "Width of a bucket; none: a 20th of the way from the shortest latency to that of the slowest variant's largest batch.",
              {1e-9, 3600}),
          param::field("largest_batch", &Params::largest_batch, "Queries of a batch at most; 16 in the paper.", {1, 100'000}),
          param::choice("on_infeasible", &Params::on_infeasible,
                        "A query that no variant warm there can answer in time is dropped, or run by the fastest.",
                        {{"drop", OnInfeasible::drop}, {"fastest", OnInfeasible::fastest}}));
    }
  };

  Slackfit(const Params& params, const Setup& setup) : params_(params), hardware_(setup.world->catalog().hardware.size()) {
    const World& world = *setup.world;
    const auto named = variants_by_task(world, params.variants);
    for (std::size_t k = 0; k < named.size(); ++k)
      for (std::size_t h = 0; h < hardware_; ++h) {
        const auto& list = params.variants.empty() ? world.catalog().tasks[k].variants : named[k];
        Table& t = tables_.emplace_back();
        for (const VariantId v : list)
          if (world[v].hardware == HardwareId{h} && !is_beaten(world, list, v)) t.by_accuracy.push_back(v);
        std::stable_sort(t.by_accuracy.begin(), t.by_accuracy.end(),
                         [&](VariantId a, VariantId b) { return world[a].accuracy > world[b].accuracy; });
        if (!t.by_accuracy.empty()) fill_buckets(world, t);
      }
    offered_.loaded.reserve(world.catalog().variants.size());
  }

  std::span<const std::string_view> reasons() const override { return names; }
  LineOrder order() const override { return LineOrder::by_deadline; }

  Selection select(const QueryView& query, ClusterView view) override {
    const auto list = view.candidates(query.class_id(), CandidateOrder::by_latency);
    if (list.empty()) return Selection::reject(no_candidate);
    const auto takes = [&](VariantId v) { return query.items() <= view.world()[v].profile.max_items(); };
    if (std::none_of(list.begin(), list.end(), takes)) return Selection::reject(too_large);
    return Selection::bind_late(late);
  }

  std::size_t next(DeviceId device, std::span<const InstanceId> ready, std::span<const QueryView> heads, ClusterView view) override {
    const SiteId site = view.world().topology()[device].site;
    std::size_t first = 0;
    for (std::size_t k = 1; k < heads.size(); ++k)
      if (earlier(heads[k], heads[first], site, view)) first = k;
    offered_.loaded.clear();
    for (std::size_t k = 0; k < ready.size(); ++k)
      if (heads[k].number() == heads[first].number()) offered_.loaded.push_back(view.variant_of(ready[k]));
    const Choice c = choose(offered_.loaded, heads[first], site, view);
    std::size_t pick = first;
    for (std::size_t k = 0; k < ready.size(); ++k)
      if (heads[k].number() == heads[first].number() && view.variant_of(ready[k]) == c.variant) {
        pick = k;
        break;
      }
    offered_.picked = ready[pick];
    offered_.at = view.now();
    return pick;
  }

  Batch form(InstanceId i, const LineView& line, ClusterView view) override {
    const VariantId own = view.variant_of(i);
    const std::span<const VariantId> loaded =
        offered_.picked == i && offered_.at == view.now() ? std::span<const VariantId>(offered_.loaded) : std::span(&own, 1);
    Batch b;
    Choice c;
    for (const QueryView query : line) {
      c = choose(loaded, query, view.site_of(i), view);
      if (c.variant && (c.in_time || params_.on_infeasible == OnInfeasible::fastest)) break;
      ++b.drop;
    }
    b.reason = b.drop > 0 ? out_of_time : c.in_time ? fits : runs_late;
    if (b.drop == line.size()) return b;
    if (c.variant != own) {  // of what is left another variant should run: asked anew
      b.retry = view.now();
      return b;
    }
    b.take = longest_batch(line, std::min(c.items, batch_cap(view, i)), b.drop).visits;
    return b;
  }

 private:
  enum : Reason { late, no_candidate, too_large, fits, out_of_time, runs_late };
  static constexpr std::array<std::string_view, 6> names{"late", "no_candidate", "too_large", "fits", "out_of_time", "runs_late"};

  struct Bucket {
    Duration latency{};
    VariantId variant;
    std::uint32_t items = 0;
  };
  struct Table {
    std::vector<VariantId> by_accuracy;
    std::vector<Bucket> buckets;  // that are not empty, longest first
  };
  struct Choice {
    VariantId variant;  // the fastest where none is in time; none where no variant takes the query
    std::uint32_t items = 0;
    bool in_time = false;
  };
  /// What `next` was asked about last: `form` is asked of its pick.
  struct Offered {
    Time at = never;
    InstanceId picked;
    std::vector<VariantId> loaded;
  };

  std::uint32_t largest(const World& world, VariantId v) const { return std::min(params_.largest_batch, world[v].profile.max_items()); }

  void fill_buckets(const World& world, Table& t) const {
    Duration shortest = forever, longest{};
    for (const VariantId v : t.by_accuracy) {
      const Profile& p = world[v].profile;
      shortest = std::min(shortest, p.latency(1));
      longest = std::max(longest, p.latency(largest(world, v)));
    }
    const Duration width = std::max(params_.bucket_width.value_or((longest - shortest) / 20), Duration{1});
    // The last is closed: it holds the longest too.
    const std::int64_t last = std::max<std::int64_t>((longest - shortest - Duration{1}) / width, 0);
    std::vector<std::pair<std::int64_t, Bucket>> all;        // by bucket
    const auto better = [&](VariantId v, std::uint32_t n) {  // listed before it
      for (const VariantId other : t.by_accuracy) {
        if (other == v) return false;
        if (n <= largest(world, other) && world[other].profile.latency(n) <= world[v].profile.latency(n)) return true;
      }
      return false;
    };
    for (const VariantId v : t.by_accuracy)
      for (std::uint32_t n = 1; n <= largest(world, v); ++n)
        if (!better(v, n))
          all.push_back({std::min((world[v].profile.latency(n) - shortest) / width, last), {world[v].profile.latency(n), v, n}});
    // Longest bucket first; in it the largest batch, then the most accurate.
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second.items > b.second.items; });
    for (std::size_t k = 0; k < all.size(); ++k)
      if (k == 0 || all[k].first != all[k - 1].first) t.buckets.push_back(all[k].second);
  }

  static bool earlier(const QueryView& a, const QueryView& b, SiteId site, ClusterView view) {
    const Time x = due_at(a, site, view), y = due_at(b, site, view);
    return x != y ? x < y : a.number() < b.number();
  }

  Choice choose(std::span<const VariantId> loaded, const QueryView& query, SiteId site, ClusterView view) const {
    const World& world = view.world();
    const Time due = due_at(query, site, view);
    const Duration slack = due == never ? forever : due - view.now();
    const std::uint32_t items = query.items();
    const auto is_loaded = [&](VariantId v) { return std::find(loaded.begin(), loaded.end(), v) != loaded.end(); };
    const auto takes = [&](VariantId v) { return items <= world[v].profile.max_items(); };
    const Table& t = tables_[world[loaded.front()].task.index() * hardware_ + world[loaded.front()].hardware.index()];
    Choice best;
    if (params_.rule == Rule::slackfit) {
      for (const Bucket& b : t.buckets)
        if (b.latency <= slack && b.items >= items && is_loaded(b.variant)) return {b.variant, b.items, true};
    } else {
      for (const VariantId v : t.by_accuracy) {
        if (!takes(v) || !is_loaded(v) || world[v].profile.latency(items) > slack) continue;
        const Choice c{v, std::max(items, largest_within(world[v].profile, 0, largest(world, v), slack)), true};
        if (!best.variant || c.items > best.items) best = c;
        if (params_.rule == Rule::max_accuracy) break;
      }
      if (best.variant) return best;
    }
    // None is in time, or none of those with a bucket: what is left is the fastest, of others only where nothing else is loaded.
    const auto consider = [&](VariantId v) {
      const Duration latency = takes(v) ? world[v].profile.latency(items) : forever;
      if (latency != forever && (!best.variant || latency < world[best.variant].profile.latency(items)))
        best = {v, items, latency <= slack};
    };
    for (const VariantId v : t.by_accuracy)
      if (is_loaded(v)) consider(v);
    if (!best.variant)
      for (const VariantId v : loaded) consider(v);
    return best;
  }

  Params params_;
  std::size_t hardware_;
  std::vector<Table> tables_;  // by task and hardware
  Offered offered_;
};

}  // namespace

PolicyDefinition slackfit() {
  return define<Slackfit>(
      "slackfit", "The slack of the earliest deadline says which variant runs, and how many queries: late binding.",
      {Provenance::our_reading,
       R"(Khare et al., "SuperServe: fine-grained inference serving for unpredictable workloads", NSDI 2025, arXiv:2312.16733)"});
}

}  // namespace tideline

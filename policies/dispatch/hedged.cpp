#include "policies/builtin.h"
#include "policies/components/observed_times.h"
#include "policies/components/open_queries.h"
#include "policies/components/shortest_queues.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace tideline {

namespace {

/// Hedged requests: a query that has waited for longer than most do is sent to a second instance too. The first answer counts, what the
/// other copy has not begun is called off, and what it has begun ends as waste (policy D12).
/// Source: Dean and Barroso, "The tail at scale", Communications of the ACM 56(2), 2013, doi:10.1145/2408776.2408794: a second request once
/// the first has been outstanding for longer than the 95th percentile of its class. Where they go and what is observed is our reading.
///
/// Both copies join the shortest queue, ties at random, the second one that of another instance; where no other is warm there is none.
/// Times are observed by class and variant, from when the first copy was sent until the answer was back, so a query that was held for a load
/// is not hedged for that. The percentile is that of the last `recent` to twice as many times. Hedging does not make it shorter, since only
/// what exceeds it gets shorter, but where queues grow most soon wait for longer than most did, and copies of all of them would make the
/// queues grow further: so there are at most as many copies as the percentile leaves, on average over about the last `recent` queries.
/// Before `least_observed` times nothing is hedged. A copy at once is sent a nanosecond later.
///
/// Queries that are asked of several variants, as by an ensemble, and those that may escalate are not hedged: a second answer of one variant
/// would count as that of another. Neither does a site hedge what was placed in vain elsewhere and is on its way there.
class Hedged final : public DispatchPolicy, public Observer {
 public:
  struct Params {
    double percentile = 0.95;
    std::optional<Duration> after;
    std::optional<double> most_copies;
    std::uint32_t least_observed = 100, recent = 1000;
    static constexpr auto declare() {
      return param::fields(
          param::field("percentile", &Params::percentile, "Share of the observed times after which a query is hedged.", {0.01, 0.9999}),
          param::field("after_s", &Params::after, "Time after which it is hedged instead; 0: both copies at once.", {0, 86400}),
          param::field("most_copies", &Params::most_copies,
                       "Copies per query at most; none: what the percentile leaves, and any by after_s.", {0.0001, 1}),
          param::field("least_observed", &Params::least_observed, "Times to observe of a class and variant before.", {1, 30'000}),
          param::field("recent", &Params::recent, "Observed times that count; twice as many weigh half each.", {10, 30'000}));
    }
  };

  Hedged(const Params& params, const Setup& setup)
      : params_(params), stream_(setup.stream), position_(setup.world->catalog().variants.size()) {
    const World& world = *setup.world;
    for (const Task& task : world.catalog().tasks)
      for (std::uint32_t k = 0; k < task.variants.size(); ++k) position_[task.variants[k].index()] = k;
    std::size_t pairs = 0;
    for (const QueryClass& c : world.classes()) {
      first_.push_back(pairs);
      pairs += world.catalog()[c.task].variants.size();
    }
    times_.resize(pairs);
    params_.recent = std::max(params_.recent, params_.least_observed);
    if (!params_.most_copies) params_.most_copies = params_.after ? 1 : 1 - params_.percentile;
    most_saved_ = saved_ = std::max(*params_.most_copies * params_.recent, 1.0);
  }

  Needs needs() const override { return {.indexes = {.by_load = true}, .writes = {}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.ends = true}; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const auto groups = view.groups_of(variant, query.origin());
    Sent* sent = open_.find(query.number());
    if (sent != nullptr && sent->variant != variant) sent->several = true;
    if (sent != nullptr && sent->variant == variant && sent->due == view.now() && !sent->hedged) return hedge(*sent, groups, view);
    // A copy that was placed in vain goes to another instance than the first all the same.
    const InstanceId first = sent != nullptr && sent->hedged ? sent->first : InstanceId{};
    InstanceId i = draw({groups, view, first});
    if (!i && first) i = draw({groups, view});
    if (!i) return Dispatch::hold(nothing_warm);
    Dispatch d = Dispatch::to(i, placed);
    if (sent == nullptr) {
      // Where sites decide for themselves it is another's query: of its end that one hears.
      if (query.earlier_tries() > 0) return d;
      sent = &open_.insert(query.number());
      sent->variant = variant;
      saved_ = std::min(saved_ + *params_.most_copies, most_saved_);
    }
    if (sent->several || sent->hedged) return d;
    sent->first = i;
    sent->before = view.now() - query.arrival();
    const Duration wait = wait_of(query.class_id(), variant);
    if (wait == forever) return d;
    d.ask_again = sent->due = view.now() + wait;
    return d;
  }

  void ended(const Ended& end, ClusterView) override {
    const Sent* sent = open_.find(end.query);
    if (sent == nullptr) return;
    if (end.variant && end.variant == sent->variant && !sent->several && !params_.after) {
      auto& times = times_[pair(end.cls, end.variant)];
      if (times == nullptr) times = std::make_unique<ObservedTimes>(params_.percentile, params_.recent);
      times->add(end.latency - sent->before);
    }
    open_.erase(end.query);
  }

 private:
  enum : Reason { placed, hedges, nothing_warm, no_other, several_variants, too_many };
  static constexpr std::array<std::string_view, 6> names{"placed", "hedges", "nothing_warm", "no_other", "several_variants", "too_many"};
  /// Parts of a copy that were saved one by one make a whole one.
  static constexpr double one_copy = 1 - 1e-9;

  /// A query whose end is not known yet.
  struct Sent {
    std::uint64_t query = no_query;
    InstanceId first;  ///< where it was sent first
    VariantId variant;
    Duration before{};  ///< from its arrival until then
    Time due = never;   ///< when it is to be hedged
    bool hedged = false;
    bool several = false;  ///< it was asked of other variants too
  };

  std::size_t pair(ClassId cls, VariantId variant) const { return first_[cls.index()] + position_[variant.index()]; }

  /// `forever`: it is not known.
  Duration wait_of(ClassId cls, VariantId variant) const {
    if (params_.after) return std::max(*params_.after, Duration{1});
    const auto& times = times_[pair(cls, variant)];
    return times != nullptr && times->size() >= params_.least_observed ? times->percentile() : forever;
  }

  /// None, and nobody is sent, where there is no place for a second copy.
  Dispatch hedge(Sent& sent, std::span<const GroupId> groups, ClusterView view) {
    if (sent.several) return Dispatch::hold(several_variants);
    const InstanceId i = draw({groups, view, sent.first});
    if (!i) return Dispatch::hold(no_other);
    if (saved_ < one_copy) return Dispatch::hold(too_many);
    saved_ -= 1;
    sent.hedged = true;
    return Dispatch::to(i, hedges, sent.first);
  }

  InstanceId draw(const ShortestQueues& shortest) {
    if (shortest.empty()) return {};
    return shortest[shortest.size() == 1 ? 0 : below(stream_, static_cast<std::uint32_t>(shortest.size()))];
  }

  Params params_;
  Stream stream_;
  double saved_ = 0, most_saved_ = 0;  // copies that may be sent
  OpenQueries<Sent> open_;
  std::vector<std::uint32_t> position_;                // of a variant among those of its task
  std::vector<std::size_t> first_;                     // of the pairs of a class
  std::vector<std::unique_ptr<ObservedTimes>> times_;  // by class and variant; none until there is one
};

}  // namespace

PolicyDefinition hedged() {
  return define<Hedged>("hedged", "The shortest queue, and once a query has waited for long the shortest of another instance too.",
                        {Provenance::our_reading,
                         R"(Dean and Barroso, "The tail at scale", Communications of the ACM 56(2), 2013, doi:10.1145/2408776.2408794)"});
}

}  // namespace tideline

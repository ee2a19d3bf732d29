#include "policies/builtin.h"
#include "policies/components/batch_size.h"
#include "policies/components/deadlines.h"

#include <array>

namespace tideline {

namespace {

/// The largest batch with which the oldest query is still in time, at once (policy B6): greedy and work conserving, as Nexus (SOSP'19)
/// describes it as the baseline of its early drop. In the order of deadlines the first that can be in time sets the size. What cannot be in time any more is dropped. A query without an SLO is never late.
class SloAware final : public BatchingPolicy {
 public:
  struct Params {
    bool drop = true;
    Duration margin{};
    LineOrder order = LineOrder::by_arrival;
    static constexpr auto declare() {
      return param::fields(
          param::field("drop", &Params::drop, "Give up queries that would be late even alone; otherwise serve them late."),
          param::field("margin_s", &Params::margin, "Time before its deadline at which a query shall be answered.", {0, 3600}),
          param::choice("order", &Params::order, "Order of a line: who arrived first, or whose deadline is first, comes first.",
                        {{"arrival", LineOrder::by_arrival}, {"deadline", LineOrder::by_deadline}}));
    }
  };
  SloAware(const Params& params, const Setup&) : params_(params) {}

  std::span<const std::string_view> reasons() const override {
    static constexpr std::array<std::string_view, 4> names{"all", "cap", "deadline", "too_late"};
    return names;
  }

  LineOrder order() const override { return params_.order; }

  Batch form(InstanceId i, const LineView& line, ClusterView view) override {
    const InstanceRow& row = view.instance(i);
    const Profile& profile = view.world()[view.variant_of(i)].profile;
    const SiteId site = view.site_of(i);
    const std::uint32_t cap = batch_cap(view, i);

    // By when a batch with this query must be done so that its answer is back in time.
    const auto due = [&](const QueryView& q) {
      const Time at = due_at(q, site, view);
      return at == never ? never : at - params_.margin;
    };
    const auto in_time = [&](std::uint32_t items, Time due_at) {
      return due_at == never || view.now() + profile.latency(items, row.option) <= due_at;
    };

    // The oldest that can be in time sets the pace. Where nothing is dropped those that cannot stay, but hold nobody up.
    Batch b;
    Time pace = never;
    std::uint32_t passed = 0;
    for (const QueryView q : line) {
      const Time due_at = due(q);
      const bool too_large = q.items() > profile.max_items(), can_be = !too_large && in_time(q.items(), due_at);
      if (passed == 0 && (too_large || (params_.drop && !can_be))) {
        ++b.drop;
      } else if (can_be) {
        pace = due_at;
        break;
      } else if (++passed == cap) {
        break;
      }
    }
    const std::uint32_t kept = line.size() - b.drop;
    b.reason = too_late;
    if (kept == 0) return b;

    const std::uint32_t longest = longest_in_time(
        line, b.drop, cap, [&](std::uint32_t items) { return in_time(items, pace); }, b.take);
    b.reason = b.take == kept ? all : b.take == longest ? capped : deadline;
    return b;
  }

 private:
  enum : Reason { all, capped, deadline, too_late };

  /// Into `take` the longest start of the line after `skip` visits that `fits` says is in time, at least one visit; answers the
  /// longest by the cap alone.
  template <class Fits>
  static std::uint32_t longest_in_time(const LineView& line, std::uint32_t skip, std::uint32_t cap, Fits fits, std::uint32_t& take) {
    if (line.items() == line.size()) {  // one item each
      const std::uint32_t longest = std::min(line.size() - skip, cap);
      take = longest;
      while (take > 1 && !fits(take)) --take;
      return longest;
    }
    std::uint32_t visits = 0, items = 0;
    for (const QueryView q : line) {
      if (skip > 0) {
        --skip;
        continue;
      }
      if (visits > 0 && items + q.items() > cap) break;
      ++visits;
      items += q.items();
      if (visits == 1 || fits(items)) take = visits;
      if (items >= cap) break;
    }
    return visits;
  }

  Params params_;
};

}  // namespace

PolicyDefinition slo_aware() {
  return define<SloAware>(
      "slo_aware", "Starts the largest batch with which the oldest query is in time; drops what is too late.",
      {Provenance::textbook,
       R"(Shen et al., "Nexus: a GPU cluster engine for accelerating DNN-based video analysis", SOSP 2019, doi:10.1145/3341301.3359658)"},
      DefaultPolicy::yes);
}

}  // namespace tideline

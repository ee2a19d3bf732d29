#include "policies/builtin.h"
#include "policies/components/keep_alive.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// Keeps the k variants of each site that are asked for most loaded and pinned: never stopped when idle, never evicted. The others come
/// on demand and have a fixed keep-alive.
/// Source: ours, of known parts. For independent references the most popular in all places but one, and that one for the others, is the
/// optimum (Aho, Denning and Ullman, "Principles of optimal page replacement", JACM 18(1), 1971, doi:10.1145/321623.321632).
///
/// Popularity is the rate of visits sent to the variant at the site, averaged over rounds with falling weights; one that was never sent a
/// visit is not pinned. One takes the place of a pinned one only where its rate is higher by more than `hysteresis`. What finds no room
/// is tried again in the next round; a `k` that fills the memory leaves none for the others, whose queries then wait for ever.
class PinnedTopK final : public ColdstartPolicy {
 public:
  struct Params {
    std::uint32_t k = 1;
    Duration interval = 60s;
    double weight = 0.3;
    double hysteresis = 0.1;
    Duration keep_alive = 600s;
    static constexpr auto declare() {
      return param::fields(
          param::field("k", &Params::k, "Variants to pin at each site.", {1, 1e6}, param::required),
          param::field("interval_s", &Params::interval, "Time between two rankings.", {0.001, 31536000}),
          param::field("weight", &Params::weight, "Of the rate since the last ranking in the average.", {1e-6, 1}),
          param::field("hysteresis", &Params::hysteresis, "Share by which a rate must be above that of a pinned variant to take its place.",
                       {0, 1000}),
          param::field("keep_alive_s", &Params::keep_alive, "Time from the end of the last execution until one not pinned is stopped."));
    }
  };
  PinnedTopK(const Params& params, const Setup& setup) : params_(params), rows_(setup.world->groups().size()) {
    for (std::size_t s = 0; s < setup.world->site_count(); ++s) {
      std::vector<GroupId> here;
      for (std::uint32_t k = 0; k < setup.world->group_count(SiteId{s}); ++k)
        here.emplace_back(setup.world->first_group(SiteId{s}).index() + k);
      sites_.push_back(std::move(here));
    }
  }

  std::span<const std::string_view> reasons() const override { return names; }

  KeepAlive became_idle(InstanceId i, ClusterView view) override {
    return {keep_from_last_end(view, i, params_.keep_alive), forever, rows_[view.instance(i).group.index()].pinned ? pinned : not_pinned};
  }

  Time round(ClusterView view) override {
    const double passed_s = to_seconds(view.now() - ranked_);
    for (std::size_t g = 0; g < rows_.size(); ++g) {
      Row& row = rows_[g];
      const std::uint64_t sent = view.group(GroupId{g}).counters.sent;
      if (passed_s > 0) row.rate += params_.weight * (static_cast<double>(sent - row.sent) / passed_s - row.rate);
      row.sent = sent;
    }
    ranked_ = view.now();
    for (auto& groups : sites_) rank(groups);
    return view.now() + params_.interval;
  }

  void prewarm(ClusterView, std::vector<Prewarm>& start, std::vector<GroupId>& pin) override {
    for (const auto& groups : sites_)
      for (const GroupId g : groups)
        if (rows_[g.index()].pinned) {
          start.push_back({g, 1});
          pin.push_back(g);
        }
  }

 private:
  enum : Reason { not_pinned, pinned };
  static constexpr std::array<std::string_view, 2> names{"not_pinned", "pinned"};

  struct Row {
    double rate = 0;  // per second
    std::uint64_t sent = 0;
    bool pinned = false;
  };

  /// Sorts the groups of a site by rate, what a pinned one has already counting more, and pins the first k.
  void rank(std::vector<GroupId>& groups) {
    const auto standing = [&](GroupId g) {
      const Row& row = rows_[g.index()];
      return row.pinned ? row.rate * (1 + params_.hysteresis) : row.rate;
    };
    std::sort(groups.begin(), groups.end(), [&](GroupId a, GroupId b) {
      const double x = standing(a), y = standing(b);
      if (x != y) return x > y;
      if (rows_[a.index()].pinned != rows_[b.index()].pinned) return rows_[a.index()].pinned;
      return a < b;
    });
    for (std::size_t k = 0; k < groups.size(); ++k) {
      Row& row = rows_[groups[k].index()];
      row.pinned = k < params_.k && row.rate > 0;
    }
  }

  Params params_;
  std::vector<Row> rows_;                    // by group
  std::vector<std::vector<GroupId>> sites_;  // its groups, as ranked last
  Time ranked_{};
};

}  // namespace

PolicyDefinition pinned_top_k() {
  return define<PinnedTopK>(
      "pinned_top_k", "Pins the variants asked for most; the others have a fixed keep-alive.",
      {Provenance::ours,
       R"(Aho, Denning and Ullman, "Principles of optimal page replacement", Journal of the ACM 18(1), 1971, doi:10.1145/321623.321632)"});
}

}  // namespace tideline

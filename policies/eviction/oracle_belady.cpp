#include "policies/builtin.h"
#include "policies/components/residents.h"
#include "sim/policy/future.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace tideline {

namespace {

/// The instance whose variant will be asked for last goes (policy E12): a reference that knows the arrivals to come, not a policy that could
/// be run. Source: Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966
/// (doi:10.1147/sj.52.0078). Most hits where all instances have one size and one load time; otherwise a reference and no bound: `weight`
/// size multiplies the time until then by the memory held, a heuristic of ours.
///
/// What it is told is when queries of each class will arrive at each site, never where they will be sent. An instance is taken to be asked
/// for by the next query of any class that its variant is a candidate of: exact where a class has one candidate. It reads ahead no further
/// than it must to tell its candidates apart, at most `lookahead_s`, and keeps in memory 8 bytes for each query that it has read and that
/// has not arrived; who is not asked for until then counts as never, ties: least recently used, then lowest id.
class OracleBelady final : public EvictionPolicy, public Clairvoyant {
 public:
  enum class Weight : std::uint8_t { none, size };
  struct Params {
    Duration lookahead = 24h;
    Weight weight = Weight::none;
    static constexpr auto declare() {
      return param::fields(param::field("lookahead_s", &Params::lookahead, "How far ahead it reads at most.", {0.001, 31536000}),
                           param::choice("weight", &Params::weight, "What the time until an instance is next asked for is multiplied by.",
                                         {{"none", Weight::none}, {"size", Weight::size}}));
    }
  };
  OracleBelady(const Params& params, const Setup& setup)
      : params_(params),
        classes_of_(setup.world->catalog().variants.size()),
        coming_(setup.world->classes().size() * setup.world->site_count()) {
    const World& world = *setup.world;
    for (std::size_t v = 0; v < classes_of_.size(); ++v)
      for (std::size_t c = 0; c < world.classes().size(); ++c)
        if (world.is_candidate(ClassId{c}, VariantId{v})) classes_of_[v].emplace_back(c);
    next_use_.reserve(64);
  }

  std::span<const std::string_view> reasons() const override { return names; }
  void foresee(std::unique_ptr<Future> future) override {
    future_ = std::move(future);
    more_ = future_->next(ahead_);
  }

  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView view) override {
    // One after the other is found, the soonest first; the last need not be.
    next_use_.assign(idle.size(), never);
    std::size_t unknown = 0;
    for (std::size_t k = 0; k < idle.size(); ++k) unknown += (next_use_[k] = known_use(idle[k], view)) == never ? 1 : 0;
    const Time end = later(view.now(), params_.lookahead);
    const std::size_t may_stay_unknown = params_.weight == Weight::none ? 1 : 0;
    while (unknown > may_stay_unknown && more_ && ahead_.at <= end) {
      const FutureQuery q = ahead_;
      more_ = future_->next(ahead_);
      if (q.at <= view.now()) continue;
      coming_[q.cls.index() * view.world().site_count() + q.origin.index()].push_back(q.at);
      for (std::size_t k = 0; k < idle.size(); ++k)
        if (next_use_[k] == never && may_use(q, idle[k], view)) {
          next_use_[k] = q.at;
          --unknown;
        }
    }
    const auto soonness = [&](InstanceId i) {
      const Time at = next_use_[static_cast<std::size_t>(std::lower_bound(idle.begin(), idle.end(), i) - idle.begin())];
      if (at == never) return -HUGE_VAL;
      const double size = params_.weight == Weight::size ? static_cast<double>(memory_of_new(view, view.instance(i).group)) : 1;
      return -to_seconds(at - view.now()) * size;
    };
    return {least_of(idle, view, soonness), asked_for_last};
  }

 private:
  enum : Reason { asked_for_last };
  static constexpr std::array<std::string_view, 1> names{"asked_for_last"};

  /// Arrivals of one class at one site that were read and, as far as anybody asked, have not come; a queue in one piece.
  struct Coming {
    std::vector<Time> at;
    std::size_t first = 0;
    void push_back(Time t) {
      if (first > 1024 && 2 * first > at.size()) {
        at.erase(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(first));
        first = 0;
      }
      at.push_back(t);
    }
    Time after(Time now) {
      while (first < at.size() && at[first] <= now) ++first;
      return first < at.size() ? at[first] : never;
    }
  };

  static bool may_use(const FutureQuery& q, InstanceId i, ClusterView view) {
    const SiteId site = view.site_of(i);
    return view.world().is_candidate(q.cls, view.variant_of(i)) && (q.origin == site || view.route(q.origin, site).reachable);
  }

  /// The first arrival that was read already and may use it; `never`: none.
  Time known_use(InstanceId i, ClusterView view) {
    const SiteId site = view.site_of(i);
    Time first = never;
    for (const ClassId c : classes_of_[view.variant_of(i).index()])
      for (std::size_t s = 0; s < view.world().site_count(); ++s)
        if (SiteId{s} == site || view.route(SiteId{s}, site).reachable)
          first = std::min(first, coming_[c.index() * view.world().site_count() + s].after(view.now()));
    return first;
  }

  Params params_;
  std::unique_ptr<Future> future_;
  FutureQuery ahead_;  // the next to read
  bool more_ = false;
  std::vector<std::vector<ClassId>> classes_of_;  // by variant
  std::vector<Coming> coming_;                    // by class and site
  std::vector<Time> next_use_;                    // of the instances being decided about
};

}  // namespace

PolicyDefinition oracle_belady() {
  return define<OracleBelady>(
      "oracle_belady", "The instance that will be asked for last, by the arrivals to come: a reference.",
      {Provenance::as_published,
       R"(Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966, doi:10.1147/sj.52.0078)"});
}

}  // namespace tideline

#include "policies/builtin.h"
#include "policies/components/expected_latency.h"
#include "sim/core/nearest.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {

namespace {

/// The instance of least expected latency plus what moving the payload is worth, in seconds; the query's own site is preferred while the
/// rest gains little, and data stays at the sites where it is allowed (policy D6).
/// Source: data locality against queueing as in delay scheduling (Zaharia et al., EuroSys 2010), with the cost of the wide area as in
/// Geode (Vulimiri et al., NSDI 2015); the score in seconds is ours. The payload counts, the answer does not: its size is not known.
///
/// Where nothing is warm the query is held, as by `least_expected_latency`. With `allowed_sites` an instance has to start at one of them,
/// so the query goes to the line of the nearest that has the hardware unless one of them is starting an instance already.
class Locality final : public DispatchPolicy {
 public:
  struct Params {
    double extra_weight = 0;
    double price_weight = 0;
    Duration stickiness{};
    std::vector<std::string> allowed_sites;
    static constexpr auto declare() {
      return param::fields(
          param::field("extra_weight", &Params::extra_weight,
                       "Weight of payload / bandwidth of the way there, beyond the once that the latency has.", {0, 1e6}),
          param::field("price_weight", &Params::price_weight, "Seconds that a US dollar of transfer counts as.", {0, 1e12}),
          param::field("stickiness_s", &Params::stickiness, "The query's own site is taken while the best is better by less than this.",
                       {0, 3600}),
          param::field("allowed_sites", &Params::allowed_sites,
                       "Sites that queries may be sent to; empty: all. A query whose variant has no hardware there is rejected."));
    }
  };

  Locality(const Params& params, const Setup& setup)
      : params_(params), least_(*setup.world), allowed_(setup.world->site_count(), params.allowed_sites.empty() ? 1 : 0) {
    const auto& sites = setup.world->topology().sites;
    for (const std::string& name : params.allowed_sites) {
      const auto at = std::find(sites.begin(), sites.end(), name);
      if (at == sites.end()) throw std::invalid_argument("there is no site \"" + name + "\"" + suggestion(name, sites));
      allowed_[static_cast<std::size_t>(at - sites.begin())] = 1;
    }
  }

  Needs needs() const override { return {.indexes = {.by_free = true}, .writes = {}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const double bytes = query.payload_bytes(variant);
    const auto found = least_.search(query, variant, view, [&](SiteId site, const Route& route) {
      if (allowed_[site.index()] == 0) return forever;
      return from_seconds((params_.extra_weight * route.seconds_per_byte + params_.price_weight * route.price_per_byte_usd) * bytes);
    });
    if (!found.best) return nothing_warm_at_allowed(query, variant, view);
    if (found.best == found.nearest) return Dispatch::to(found.best, nearest, found.second);
    if (view.site_of(found.nearest) == query.origin() && found.nearest_score - found.best_score < params_.stickiness)
      return Dispatch::to(found.nearest, kept_local, found.best);
    return Dispatch::to(found.best, farther, found.second);
  }

 private:
  enum : Reason { nearest, farther, kept_local, nothing_warm, starts_at_allowed, no_allowed_site };
  static constexpr std::array<std::string_view, 6> names{"nearest",      "farther",           "kept_local",
                                                         "nothing_warm", "starts_at_allowed", "no_allowed_site"};

  Dispatch nothing_warm_at_allowed(const QueryView& query, VariantId variant, ClusterView view) const {
    if (params_.allowed_sites.empty()) return Dispatch::hold(nothing_warm);
    SiteId first;
    for (const GroupId g : view.groups_of(variant, query.origin())) {
      const SiteId site = view.world()[g].site;
      if (allowed_[site.index()] == 0) continue;
      if (view.starting(g) > 0) return Dispatch::hold(nothing_warm);
      if (!first) first = site;
    }
    return first ? Dispatch::to(first, starts_at_allowed) : Dispatch::reject(no_allowed_site);
  }

  Params params_;
  LeastScore least_;
  std::vector<char> allowed_;  // by site
};

}  // namespace

PolicyDefinition locality() {
  return define<Locality>(
      "locality", "The instance of least expected latency and transfer; prefers the query's own site.",
      {Provenance::ours,
       R"(Zaharia et al., "Delay scheduling: a simple technique for achieving locality and fairness in cluster scheduling", EuroSys 2010, doi:10.1145/1755913.1755940)"});
}

}  // namespace tideline

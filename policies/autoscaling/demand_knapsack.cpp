#include "policies/builtin.h"
#include "policies/components/knapsack.h"
#include "policies/components/latency.h"
#include "policies/components/peak_rates.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

namespace tideline {

namespace {

/// Keeps loaded at each site, of each task at most one variant, what its own demand gains most from under the site's memory; the rest
/// is reached over links.
/// Source: ours. A multiple-choice knapsack (components/knapsack.h) whose values are rates x gain.
///
/// The gain of a query is the time that it saves against the next site, the nearest other one with a candidate of its class, or
/// the accuracy that it gains over what is in time there. Where there is no other site, time is saved against a load on demand. Both by
/// profile, one query alone, payload included. Demand is what was admitted, by class and site, averaged over epochs with falling
/// weights; during the first epoch it is the first hour's rates, spread evenly over sites and over the task's classes.
///
/// A variant takes the larger of its shares of the memory and of the cores of its hardware at the site. That all of them together fit
/// does not say that they fit on single devices: a start that does not waits for room. A site at which no query has arrived yet
/// is left alone; so it serves what others send it with what is loaded on demand.
class DemandKnapsack final : public AutoscalingPolicy, public Observer {
 public:
  enum class Gain : std::uint8_t { latency, accuracy };
  struct Params {
    Gain gain = Gain::latency;
    Duration interval = 60s;
    double weight = 0.3;
    double least_rate_qps = 1e-4;
    std::optional<double> utilization;
    static constexpr auto declare() {
      return param::fields(
          param::choice("gain", &Params::gain, "What a query gains at its own site: time, or accuracy within its SLO.",
                        {{"latency", Gain::latency}, {"accuracy", Gain::accuracy}}),
          param::field("interval_s", &Params::interval, "Time between two plans: one epoch.", {0.001, 31536000}),
          param::field("weight", &Params::weight, "Of the last epoch's rate in the average.", {1e-6, 1}),
          param::field("least_rate_qps", &Params::least_rate_qps, "Average rate of a class below which it counts as 0.", {0, 1e6}),
          param::field("utilization", &Params::utilization,
                       "Share of its peak rate up to which an instance is filled; none: one instance, whatever the rate.", {0.01, 1}));
    }
  };

  DemandKnapsack(const Params& params, const Setup& setup)
      : params_(params),
        world_(*setup.world),
        peak_(*setup.world),
        demand_(setup.world->classes().size() * setup.world->site_count()),
        sites_(setup.world->site_count()),
        elsewhere_(setup.world->classes().size()),
        devices_up_(setup.world->catalog().hardware.size()) {
    if (setup.first_hour_qps.empty()) return;
    for (std::size_t c = 0; c < world_.classes().size(); ++c) {
      const TaskId t = world_[ClassId{c}].task;
      double classes = 0;
      for (const QueryClass& other : world_.classes()) classes += other.task == t ? 1 : 0;
      const double rate = setup.first_hour_qps[t.index()] / classes / static_cast<double>(world_.site_count());
      for (std::size_t s = 0; s < world_.site_count(); ++s) {
        demand(ClassId{c}, SiteId{s}).rate = rate;
        if (rate > 0) sites_[s].assumed = true;
      }
    }
  }

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = true, .batches = false, .instances = false, .visits = false}; }
  Duration interval() const override { return params_.interval; }

  void arrived(const QueryView& query, ClusterView) override {
    Demand& d = demand(query.class_id(), query.origin());
    ++d.arrived;
    d.bytes += query.payload_bytes();
    sites_[query.origin().index()].asked = true;
  }

  void plan(ClusterView view, Plan& plan) override {
    const double passed_s = to_seconds(view.now() - planned_);
    if (passed_s > 0)
      for (Demand& d : demand_) end_epoch(d, passed_s);
    const bool is_known = passed_s > 0;
    planned_ = view.now();
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      if (!sites_[s].asked && !sites_[s].assumed) continue;
      plan_site(SiteId{s}, view, plan);
      // Where nothing came of what was assumed, what was loaded for it is let go of, once.
      if (is_known) sites_[s].assumed = false;
    }
    if (is_known) first_ = false;
  }

 private:
  enum : Reason { worth_it, left_out };
  static constexpr std::array<std::string_view, 2> names{"worth_it", "left_out"};

  /// Of a class at a site.
  struct Demand {
    std::uint64_t arrived = 0, bytes = 0;  // in this epoch
    double rate = 0;                       // per second, averaged
    double mean_bytes = 0;                 // of the last epoch with an arrival
  };

  /// What a query of the class gets if it is not served at its own site.
  struct Elsewhere {
    double latency_s = 0;
    double accuracy = 0;  // the best in time
  };
  struct Site {
    bool asked = false;    // a query has arrived there
    bool assumed = false;  // one was expected by the first hour's rates
  };

  bool counts(const Demand& d) const { return d.rate > 0 && d.rate >= params_.least_rate_qps; }
  Demand& demand(ClassId c, SiteId s) { return demand_[c.index() * world_.site_count() + s.index()]; }

  void end_epoch(Demand& d, double passed_s) const {
    const double rate = static_cast<double>(d.arrived) / passed_s;
    d.rate = first_ ? rate : d.rate + params_.weight * (rate - d.rate);
    if (d.arrived > 0) d.mean_bytes = static_cast<double>(d.bytes) / static_cast<double>(d.arrived);
    d.arrived = d.bytes = 0;
  }

  void plan_site(SiteId s, ClusterView view, Plan& plan) {
    knapsack_.clear();
    groups_.clear();
    instances_.clear();
    std::fill(devices_up_.begin(), devices_up_.end(), 0U);
    const auto& first = world_.topology().first_device_of_site;
    for (std::size_t d = first[s.index()].index(); d < first[s.index() + 1].index(); ++d)
      if (view.device(DeviceId{d}).up) ++devices_up_[world_.topology()[DeviceId{d}].hardware.index()];
    for (std::size_t c = 0; c < elsewhere_.size(); ++c)
      if (const Demand& d = demand(ClassId{c}, s); counts(d)) elsewhere_[c] = elsewhere(ClassId{c}, s, d.mean_bytes);
    for (std::size_t t = 0; t < world_.catalog().tasks.size(); ++t)
      for (const VariantId v : world_.catalog()[TaskId{t}].variants)
        if (const GroupId g = world_.group(v, s)) add_option(g, view);
    const std::vector<char>& taken = knapsack_.solve();
    for (std::size_t k = 0; k < groups_.size(); ++k) {
      const GroupRow& row = view.group(groups_[k]);
      if (taken[k] != 0)
        plan.wishes.push_back({groups_[k], instances_[k], worth_it});
      else if (row.wish > 0 || row.warm() + row.starting() > 0)
        plan.wishes.push_back({groups_[k], 0, left_out});
    }
  }

  void add_option(GroupId g, ClusterView view) {
    const VariantId v = world_[g].variant;
    const SiteId s = world_[g].site;
    double value = 0, rate = 0;
    for (std::size_t c = 0; c < world_.classes().size(); ++c) {
      const Demand& d = demand(ClassId{c}, s);
      if (!counts(d) || !world_.is_candidate(ClassId{c}, v)) continue;
      const double gained = gain(v, elsewhere_[c]);
      if (gained <= 0) continue;
      value += d.rate * gained;
      rate += d.rate;
    }
    std::uint32_t instances = 1;
    if (params_.utilization) {
      const double needed = std::ceil(rate / (*params_.utilization * peak_.of(v, view.group(g).option)) - 1e-9);
      instances = static_cast<std::uint32_t>(std::clamp(needed, 1.0, 1e6));
    }
    groups_.push_back(g);
    instances_.push_back(instances);
    knapsack_.add({world_[v].task.index(), world_[v].hardware.index(), instances * share(g, view), value});
  }

  /// Of what the site's devices of its hardware have, by memory or by cores, what an instance takes; more than 1 where it fits on none.
  double share(GroupId g, ClusterView view) const {
    const VariantId v = world_[g].variant;
    const Hardware& hardware = world_.catalog()[world_[v].hardware];
    const GroupRow& row = view.group(g);
    const auto bytes = static_cast<double>(world_[v].memory_for(row.batch_cap));
    const double cores = hardware.sharing == Sharing::partitioned ? world_[v].profile.cores()[row.option] : 0;
    const double devices = devices_up_[world_[v].hardware.index()];
    const auto memory = static_cast<double>(hardware.memory_bytes);
    if (devices == 0 || bytes > memory || cores > hardware.cores) return 2;
    return std::max(memory > 0 ? bytes / memory : 0, cores / std::max(hardware.cores, 1U)) / devices;
  }

  /// Of a query; a candidate is in time at its own site, by profile.
  double gain(VariantId v, const Elsewhere& other) const {
    if (params_.gain == Gain::accuracy) return world_[v].accuracy - other.accuracy;
    return other.latency_s - to_seconds(world_[v].profile.latency(1));
  }

  Elsewhere elsewhere(ClassId c, SiteId from, double bytes) const {
    const auto candidates = world_.candidates(c, CandidateOrder::by_latency);
    const Route* next = nullptr;
    SiteId there;
    for (const VariantId v : candidates)
      for (const GroupId g : world_.groups_of(v, from)) {  // nearest first
        const SiteId site = world_[g].site;
        if (site == from) continue;
        const Route& route = world_.topology().route(from, site);
        if (next == nullptr || route.delay < next->delay || (route.delay == next->delay && site < there)) {
          next = &route;
          there = site;
        }
        break;
      }
    Elsewhere found;
    bool any = false;
    for (const VariantId v : candidates) {
      if (next == nullptr && !world_.group(v, from)) continue;
      if (next != nullptr && !world_.group(v, there)) continue;
      double latency_s = to_seconds(world_[v].profile.latency(1));
      if (next == nullptr) {
        latency_s += to_seconds(first_load_time(world_, v));
      } else {
        // The mean of what its queries took along so far; where they are made smaller, what an item of the variant is.
        const auto original = static_cast<std::uint32_t>(std::llround(bytes));
        const double way_s = to_seconds(next->time(world_.payload_bytes(v, original, 1)) + world_[v].pre_at_origin);
        latency_s += way_s + to_seconds(world_.topology().route(there, from).delay);
      }
      if (!any || latency_s < found.latency_s) found.latency_s = latency_s;
      any = true;
      if (next != nullptr && latency_s <= to_seconds(world_[c].slo)) found.accuracy = std::max(found.accuracy, world_[v].accuracy);
    }
    return found;
  }

  Params params_;
  const World& world_;
  PeakRates peak_;
  std::vector<Demand> demand_;  // by class and site
  std::vector<Site> sites_;
  Time planned_{};
  bool first_ = true;  // no epoch is over yet

  // Scratch, of one site.
  std::vector<Elsewhere> elsewhere_;       // by class
  std::vector<std::uint32_t> devices_up_;  // by hardware type
  Knapsack knapsack_;
  std::vector<GroupId> groups_;  // by option
  std::vector<std::uint32_t> instances_;
};

}  // namespace

PolicyDefinition demand_knapsack() {
  return define<DemandKnapsack>(
      "demand_knapsack", "Loads at each site what its demand gains most from under its memory.",
      {Provenance::ours,
       R"(Sinha and Zoltners, "The multiple-choice knapsack problem", Operations Research 27(3), 1979, doi:10.1287/opre.27.3.503)"});
}

}  // namespace tideline

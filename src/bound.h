// What no policy can exceed on the arrivals of a run: bounds of a clairvoyant, and the exact optimum of tiny instances.
#pragma once

#include "sim/metrics/accounts.h"
#include "sim/model/recorder.h"
#include "sim/model/world.h"

#include <cstdint>
#include <vector>

namespace tideline {

/// A query with an SLO, as it came.
struct BoundQuery {
  Time at{};
  ClassId cls;
  SiteId origin;
  double load = 1;  ///< items x work
};

/// The measured queries of a run that have an SLO, and what became of them.
class BoundRecorder final : public Recorder {
 public:
  Facts facts() const override { return {.arrivals = true, .batches = false}; }
  void run_begins(const Cluster& cluster) override { cluster_ = &cluster; }
  void arrived(const Visit& v) override;
  void ended(const Visit& v, const QueryEnd& end) override;

  const std::vector<BoundQuery>& queries() const { return queries_; }
  std::uint64_t on_time() const { return on_time_; }
  /// Sum of the profiled accuracies of answers in time at or above their floor.
  double worth() const { return worth_; }

 private:
  const Cluster* cluster_ = nullptr;
  std::vector<BoundQuery> queries_;
  std::uint64_t on_time_ = 0;
  double worth_ = 0;
};

enum class BoundObjective : std::uint8_t {
  on_time,  ///< answers in time, by any variant that the class may have
  worth,    ///< the sum of their accuracies, those at or above the floor
  cost      ///< what they cost; see `least_cost_bound`
};

/// No policy that answers each query by one variant exceeds this, by profile: a linear programme over windows, in which loads take no time,
/// every device of the topology is on, is divided among variants at any instant and runs the batch of the highest rate that alone is in time,
/// and a query is served in its own window or in one that begins before its deadline. Solved in blocks of windows, each with all devices to
/// itself up to the last deadline in it, which raises the bound a little.
/// Source of the programme that it relaxes: Khare et al., "SuperServe", NSDI 2025.
double clairvoyant_bound(const World& world, const std::vector<BoundQuery>& queries, BoundObjective objective, Duration window);

/// No policy that answers so many of the queries in time, each by one variant, pays less, in US dollars, by profile and at the prices of the
/// start: the same programme with the time that batches take as costs. Billing `held`: of the share of memory (where devices are cut
/// into slices: of cores) that an instance of the variant holds, while it runs; `nodes`: of the device. Idle time, loads and transfer cost
/// nothing.
double least_cost_bound(const World& world, const std::vector<BoundQuery>& queries, double answers, Billing billing, Duration window);

/// The windows that it is solved with unless told otherwise: the least SLO, at most 1 s, and at least a ten-thousandth of the time between
/// the first and the last query.
Duration bound_window(const World& world, const std::vector<BoundQuery>& queries);

/// Whether `exact_optimum` is for it: at most 12 queries of one item each, 2 devices that run one batch at a time, 3 variants, one site.
bool is_tiny(const World& world, const std::vector<BoundQuery>& queries);

/// The most that any schedule reaches, by exhaustive search: which batches run in what order on which device. Every variant is loaded
/// everywhere. What SuperServe's zero-one programme maximises.
double exact_optimum(const World& world, const std::vector<BoundQuery>& queries, BoundObjective objective);

}  // namespace tideline

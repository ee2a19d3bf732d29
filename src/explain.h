// What can be said of a scenario before it runs: which variants can serve whom, and whether the devices can do it. Numbers only; their
// text is made in explain_report.h.
#pragma once

#include "sim/model/world.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tideline {

/// The queries of one class that one entry of the workload sends.
struct Demand {
  std::string entry, name;  ///< of the entry, and of the class as declared there
  ClassId cls;
  SiteId origin{0};
  std::uint32_t payload_bytes = 0, answer_bytes = 0, items = 1;  ///< of a query; the least where a trace varies them
  double mean_payload_bytes = 0;
  double mean_work = 1;     ///< items x work of a query
  std::vector<double> qps;  ///< mean rate in each of equal parts of the measured window; empty: not known
};

/// Over the measured window: the mean, and the highest of its parts.
struct Level {
  double mean = 0, peak = 0;
};

/// A feasible variant at a site, as a query would meet it that is alone in its batch.
struct Pick {
  VariantId variant;
  SiteId site;
  Duration latency{};    ///< from arrival to the answer at the origin; nothing waits
  double price_usd = 0;  ///< attributed, transfer included
};

/// What the devices of one hardware type at one site can do for one demand.
struct Offer {
  SiteId site;
  HardwareId hardware;
  std::uint32_t devices = 0;              ///< with all nodes that may be ordered
  std::uint32_t variants = 0;             ///< of the task
  std::uint32_t feasible = 0;             ///< of them; the rest has meaning where there is one
  Pick fastest, cheapest, most_accurate;  ///< ties: the lowest id
  double alone_qps = 0, batched_qps = 0;  ///< if all devices did only this: a query a batch; in the best batch
  std::uint32_t batch = 0;                ///< items of the best batch: the one with most items per second that is in time
  double device_s = 0;                    ///< least device time of a query, however batches are formed
};

enum class Constraint : std::uint8_t { hardware, pin, memory, items, floor, slo, cost_cap };

/// One constraint of a demand that no variant meets together with the others.
struct Hindrance {
  Constraint constraint{};
  std::uint32_t met = 0;     ///< variants at sites that meet it, of `Prospect::options`
  double wanted = 0;         ///< accuracy, seconds, US dollars, bytes or items; 0 for hardware and pin
  std::optional<Pick> best;  ///< comes nearest to it, whatever the other constraints say; none for hardware and pin
  double best_value = 0;
  std::optional<Pick> relaxed;  ///< would be feasible if this constraint alone were relaxed to `relaxed_value`
  double relaxed_value = 0;
};

/// How a query fares that triggers the load it waits for, at most expected times.
struct ColdStart {
  Pick pick;
  Duration bytes{}, build{}, runtime_init{}, first_run{};  ///< the first load on a node
  Duration load{}, answer{};                               ///< their sum; from arrival to answer
  Duration answer_again{};                                 ///< where the node has loaded it before
};

enum class Verdict : std::uint8_t { fits, tight, impossible, unknown };

/// Utilisation from which a demand is called tight: what target_utilization aims at by default.
inline constexpr double tight_utilisation = 0.7;

/// What awaits one demand.
struct Prospect {
  std::uint32_t options = 0;          ///< variants of its task, each at each site that is reachable and has its hardware
  std::vector<Offer> offers;          ///< of those options
  std::vector<Hindrance> hindrances;  ///< where no option is feasible; else empty
  bool within_cap_alone = true;       ///< some feasible variant meets the cost cap without others in its batch
  std::optional<Level> offered_qps;
  double alone_qps = 0, batched_qps = 0;  ///< over all places
  std::optional<Level> utilisation;       ///< at least, of the devices that can serve it
  Verdict verdict = Verdict::unknown;
  /// Of the fastest, the cheapest, and the one that answers first from nothing loaded, each once.
  std::vector<ColdStart> cold_starts;
  bool survives_first_load = false, survives_load = false;  ///< some feasible variant is in time though it is loaded (again)

  bool feasible() const { return hindrances.empty(); }
};

/// Several demands on the same devices.
struct Together {
  TaskId task;                       ///< none: of all tasks
  std::optional<Level> utilisation;  ///< at least, of the fullest place; of those demands whose rate is known
  bool all_known = true;
  Verdict verdict = Verdict::unknown;
};

/// The devices of one hardware type at one site, for all demands.
struct DeviceFacts {
  SiteId site;
  HardwareId hardware;
  std::uint32_t devices = 0, devices_at_start = 0;
  std::optional<Level> only_here;            ///< utilisation at least: by demands that no other place can serve; none: a rate is not known
  std::uint32_t variants = 0;                ///< feasible for some demand
  std::int64_t device_bytes = 0, bytes = 0;  ///< memory of a device; of an instance of each of these variants
  std::optional<VariantId> largest;
  std::int64_t largest_bytes = 0;
  std::uint32_t at_once = 0;         ///< of these variants, how many can be loaded at a time
  std::vector<VariantId> too_large;  ///< variants of tasks asked for that no device holds
};

struct LinkFacts {
  std::size_t link = 0;
  /// Bytes per second one way and the other, if every query went over it that can be served beyond.
  std::optional<Level> forward, backward;
  std::optional<Level> forced_forward, forced_backward;  ///< by queries that cannot be served without it
  /// Largest share of an SLO that the way there and back takes, and the demand (index) that has it; none: no SLO on this link.
  std::optional<std::pair<double, std::size_t>> slo_share;
};

/// Shares of feasible variants by origin of the figure: measured, computed, derived, assumed.
using OriginShares = std::array<double, 4>;

struct Explanation {
  std::vector<Prospect> prospects;   ///< by demand
  std::vector<Together> together;    ///< of tasks with several demands; the last: of all
  std::vector<DeviceFacts> devices;  ///< by site and hardware
  std::vector<LinkFacts> links;
  std::uint32_t feasible_variants = 0;
  OriginShares latency{}, accuracy{}, load{}, memory{};

  bool feasible() const {
    return std::all_of(prospects.begin(), prospects.end(), [](const Prospect& p) { return p.feasible(); });
  }
};

/// Judges what is asked of a world. Lower bounds on utilisation hold for any policies that answer every query in time and at or above its
/// floor: they assume that batches take what the profile says with its first number of cores, as large as is best in time, that the work is
/// split over devices as well as can be, and that nothing loads, waits or interferes.
Explanation explain(const World& world, std::span<const Demand> demands);

/// The least utilisation of the fullest of several places: `share[d][p]` is what demand d alone would make of place p if all of it
/// went there, infinite where it cannot. The optimum of a linear programme, by the simplex method on its dual: where that is stopped
/// early the result is smaller, so it is a lower bound in any case.
double least_utilisation(const std::vector<std::vector<double>>& share);

}  // namespace tideline

// How far a simulated run is from the same run on this machine, by load band: the same scenario, policies and arrivals in both modes.
#pragma once

#include "sim/statistics/paired.h"
#include "src/json_document.h"
#include "src/run_once.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tideline {

struct FidelityWishes {
  std::string scenario;
  std::vector<Layer> layers;
  std::vector<double> bands{0.2, 0.5, 0.8, 0.95, 1.1};  ///< offered work / what the devices can do (`offered_share` of src/demand.h)
  std::uint32_t replications = 5;                       ///< seeds from that of the scenario on
  double confidence = 0.95;
  std::function<Json()> catalog_now = {};  ///< the catalog of the next pair of runs; none: that of the scenario
};

/// What simulated runs are off by, in pairs of (simulated, real), one for each replication.
struct FidelityError {
  double simulated = 0;                          ///< mean
  double error = 0;                              ///< mean of simulated - real
  double relative = 0;                           ///< `error` / mean of the real; NaN where that is 0
  std::optional<statistics::Interval> interval;  ///< Student's, of the error; none for one replication or equal errors
};

/// One metric in one band.
struct FidelityMetric {
  std::string name, unit;
  double real = 0;          ///< mean
  double real_sd = 0;       ///< of the real runs among themselves; NaN for one
  FidelityError predicted;  ///< by the catalog
  FidelityError
      with_times;  ///< by simulated runs whose batches and loads took what they took in the real one: what is left is not the machine's
};

/// The queries of a band that both modes answered, paired one by one.
struct FidelityPairs {
  std::uint64_t queries = 0;       ///< that arrived in both
  std::uint64_t same_ending = 0;   ///< answered in both, or in neither
  std::uint64_t same_in_time = 0;  ///< both in time, or both not
  std::uint64_t same_variant = 0;  ///< of those answered in both
  std::uint64_t answered = 0;      ///< in both
  double median_difference_s = 0;  ///< of simulated - real latency
  double p95_absolute_difference_s = 0;
};

/// What made a batch longer than its profile, in seconds a batch.
struct FidelityCauses {
  std::uint64_t batches = 0;
  double profile_s = 0;       ///< mean of the profiles of the batches
  double kernels_s = 0;       ///< kernels that ran alone were so much longer (or shorter: negative)
  double interference_s = 0;  ///< kernels beside others were so much longer than those alone
  double dispatch_s = 0;      ///< from the start of a batch to its kernel, and from the end of the kernel to that of the batch
  double lateness_s = 0;      ///< mean lateness of the loop's events
};

struct FidelityBand {
  double band = 0, load = 0;  ///< of `--load`
  std::vector<FidelityMetric> metrics;
  FidelityPairs pairs;
  FidelityCauses causes;
  std::string cause;          ///< the likely one, in words
  std::vector<Json> reports;  ///< of the real runs
};

struct Fidelity {
  std::vector<FidelityBand> bands;
  double share = 0;  ///< offered share of the scenario as it is
  bool is_interrupted = false;
};

/// Runs each band. Throws what runs throw, and InputError where the offered share is not known.
Fidelity judge_fidelity(const FidelityWishes& wishes, const PolicyRegistry& registry, const std::atomic<bool>& stop,
                        const std::function<void(const std::string&, double done)>& progress,
                        const std::function<void(const std::string&)>& warn);

Json fidelity_json(const Fidelity& f, const FidelityWishes& wishes);
/// As Markdown.
std::string fidelity_text(const Fidelity& f, const FidelityWishes& wishes);

/// A catalog that says what was seen: times of variants as their kernels took, and what dispatching adds to each batch. `catalog` is the
/// JSON of the one that ran.
Json fitted_catalog(Json catalog, const Fidelity& f);

}  // namespace tideline

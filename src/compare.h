// A comparison: alternatives that meet the same queries, replicated until their differences are known well enough.
#pragma once

#include "sim/metrics/summary.h"
#include "sim/statistics/paired.h"
#include "sim/statistics/sequential.h"
#include "sim/statistics/verdict.h"
#include "src/axis.h"
#include "src/json_document.h"
#include "src/perturb.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tideline {

/// One metric that is compared: of the total, or a share that is judged by what it leaves (1 - attainment).
struct ComparedMetric {
  std::string name;
  std::string unit;
  const Metric* of = nullptr;
  bool complement = false;  ///< 1 - the metric
  bool quantile = false;    ///< its interval is a bootstrap interval
  statistics::Direction direction = statistics::Direction::neutral;
  double margin = 0;             ///< of equivalence; 0: not asked
  bool relative_margin = false;  ///< of the baseline's mean
  std::optional<statistics::Precision> precision;

  double value(const Metrics& total) const;
};

/// Which way the metric is good.
statistics::Direction direction_of(const Metric& metric);
/// A metric of `tideline run --summary json`, or `1-NAME` for one minus it. Throws InputError with the nearest name.
ComparedMetric compared_metric(const std::string& name);

struct CompareWishes {
  std::string scenario;
  std::vector<Layer> layers;  ///< below the axes
  std::vector<Axis> axes;
  std::string baseline;  ///< label of a value of the first axis; empty: its first
  std::vector<ComparedMetric> metrics;
  std::uint32_t least = 10, most = 10;                          ///< replications
  std::optional<std::pair<std::uint32_t, std::uint32_t>> days;  ///< replications are days of the traces, from 1
  Duration block{};                     ///< replications put the traces together anew from stretches of this length; 0: they do not
  std::optional<ProfileSpread> spread;  ///< replications draw the figures of the catalog anew
  double confidence = 0.95;
  unsigned jobs = 1;
  std::vector<std::filesystem::path> outputs;  ///< what will be written: no file that a run reads
};

struct Alternative {
  std::string label;
  Point point;
  std::vector<std::vector<double>> values;  ///< by metric and replication; NaN where it has none
  std::vector<std::string> notes;           ///< what qualifies its figures: saturated, unfinished, not audited
};

/// One metric of one alternative against the baseline.
struct Effect {
  std::size_t alternative = 0, against = 0, metric = 0;
  double baseline_mean = 0, mean = 0;
  statistics::Finding finding;
  std::optional<statistics::Interval> interval;           ///< of the difference: Student's, or of the bootstrap for quantiles
  std::optional<statistics::Interval> relative_interval;  ///< of mean / baseline mean - 1, by the bootstrap
  double margin = 0;                                      ///< in the unit of the metric
  std::size_t better = 0;                                 ///< replications in which the alternative is better (neutral metrics: larger)
};

/// What a replication draws anew.
struct Replication {
  std::string kind;  ///< seeds, placement, draws, days, none
  std::string text;  ///< what it is, and what the intervals speak of
};

struct Comparison {
  std::string scenario, file;
  std::uint64_t seed = 1;
  std::vector<Axis> axes;
  std::vector<ComparedMetric> metrics;
  std::vector<Alternative> alternatives;
  std::size_t baseline = 0;  ///< value of the first axis; further axes are conditions under which its values are compared
  std::uint32_t replications = 0;
  Replication replication;
  bool perturbed = false;  ///< every replication has other profiles
  bool random = true;      ///< false: all replications are alike, so there are no intervals
  double confidence = 0.95;
  std::vector<Effect> effects;  ///< by alternative, then metric
  std::vector<std::string> warnings, text;
  bool interrupted = false;
};

/// The value of the first axis that `wished` names. Throws InputError with the nearest one.
std::size_t baseline_of(const Comparison& c, const std::string& wished);
/// The alternative that this one is compared with: the baseline under the same conditions, or itself.
std::size_t baseline_for(const Comparison& c, std::size_t alternative);

/// Makes the runs and judges. `progress` hears how many runs are done, and how many there will be as far as is known.
Comparison compare(const CompareWishes& wishes, const PolicyRegistry& registry, const std::atomic<bool>& stop,
                   const std::function<void(std::size_t done, std::size_t all)>& progress);

/// The same of the runs that a sweep made: its first axis is compared. Throws InputError where the folder holds no finished replication.
Comparison compare_sweep(const std::string& folder, const CompareWishes& wishes);

/// Fills in `effects`, and the parts of `text` that follow from them, from the alternatives' values. `sequential`: the number of
/// replications was not fixed beforehand.
void judge_effects(Comparison& c, std::optional<statistics::StoppingRule> sequential);

/// As others read it: format tideline-compare.
Json compare_json(const Comparison& c);
/// The effect table, for people, LaTeX or programs.
std::string effect_table(const Comparison& c);
std::string effect_latex(const Comparison& c);
std::string effect_csv(const Comparison& c);

}  // namespace tideline

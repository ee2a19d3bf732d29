// Arrivals from a trace: window, scales, places within bins, and which task a row is of.
#pragma once

#include "sim/core/param.h"
#include "sim/core/random.h"
#include "sim/model/arrival.h"
#include "traces/csv.h"
#include "traces/formats.h"
#include "traces/trace.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tideline {

/// Where in its stretch a query arrives.
enum class TracePlacement : std::uint8_t {
  uniform,  ///< independent and uniform: a Poisson process given its counts
  even,     ///< with equal gaps, half a gap from either end
  poisson,  ///< a Poisson process whose mean number is the count
  law,      ///< with gaps of the law or the coefficient of variation that the trace gives, stretched to fill the stretch; else uniform
};

/// Which task a query asks for.
enum class TaskMap : std::uint8_t {
  automatic,    ///< `one` where there is one task, else `by_key`
  one,          ///< the only task
  by_key,       ///< the key is a task's name
  equal,        ///< each query draws one, all alike
  zipf,         ///< each query draws one, the k-th task with weight k^-zipf_exponent
  weights,      ///< each query draws one, with `weights`
  stripe,       ///< the k-th key is of task k mod n (AlpaServe's name)
  round_robin,  ///< blocks of keys, the k-th of K of task floor(k n / K) (AlpaServe's name)
};

/// What a row asks for: latencies to whole steps, accuracies to thousandths.
struct Ask {
  std::int64_t slo_ns = 0;  ///< 0: does not say
  double accuracy = -1;     ///< below 0: does not say
  friend bool operator==(const Ask&, const Ask&) = default;
};

/// What the row asks for; all unknown where it says nothing. Throws `SourceError` for an accuracy above 1.
Ask ask_of(const TraceRow& row, double step_s);

/// Opens a trace at its beginning, as often as it is called.
using OpenTrace = std::function<std::unique_ptr<TraceReader>()>;

/// All that the rows of a trace ask for, in order of their first. Throws `SourceError` where there are more than `most`.
std::vector<Ask> asks_in(const OpenTrace& open, double step_s, std::size_t most);

/// Parameters of source `trace`.
struct TraceParams : ReadParams {
  TraceStart start = TraceStart::first;
  double from_s = 0, to_s = 0;  ///< the part that is replayed, in seconds of the trace; to_s 0: to its end
  double time_scale = 1;        ///< on all times
  double rate_scale = 1;        ///< on the number of queries
  TracePlacement placement = TracePlacement::uniform;
  TaskMap map = TaskMap::automatic;
  double zipf_exponent = 1;
  std::vector<double> weights = {};
  std::uint32_t map_keys = 0;
  double work_mean = 0;
  double min_qps = 0, max_qps = 0;  ///< if max_qps is above 0, the rates of bins are mapped onto this range
  double rescale_bin_s = 0;         ///< of these bins; 0: those of the trace, or a minute
  double resample_s = 0;            ///< if above 0, only the rates of windows of this length are kept
  bool keep_dispersion = false;
  bool scale_control = false;  ///< whether control intervals of the scenario are scaled as the times of the trace
  bool asks_by_row = false;
  double ask_step_s = 1e-3;
  std::vector<Ask> asks = {};           ///< what rows may ask for, by `Arrival::asks`; no parameter
  std::vector<std::string> tasks = {};  ///< that may occur, in the order of their indexes; empty: the keys are tasks; no parameter

  static constexpr auto declare() {
    return std::tuple_cat(
        ReadParams::declare(),
        param::fields(
            param::choice("start", &TraceParams::start, "Whether the first row is time 0, or the zero of the trace (for dates: midnight).",
                          {{"first", TraceStart::first}, {"zero", TraceStart::zero}}),
            param::field("from_s", &TraceParams::from_s, "Start of what is replayed, in seconds of the trace; it becomes time 0.",
                         {0, 3e9}),
            param::field("to_s", &TraceParams::to_s, "End of what is replayed, in seconds of the trace; 0: the end of the trace.",
                         {0, 3e9}),
            param::field("time_scale", &TraceParams::time_scale, "Factor on all times: 0.01 makes a day of 864 s.", {1e-9, 1e9}),
            param::field("rate_scale", &TraceParams::rate_scale,
                         "Factor on the number of queries: below 1 each is kept with that chance, above 1 each comes as often at its time.",
                         {1e-9, 1e6}),
            param::choice("placement", &TraceParams::placement, "Where in its bin or window a query arrives.",
                          {{"uniform", TracePlacement::uniform},
                           {"even", TracePlacement::even},
                           {"poisson", TracePlacement::poisson},
                           {"law", TracePlacement::law}}),
            param::choice("map", &TraceParams::map, "Which task a query asks for; auto: the only one, or the one that its key names.",
                          {{"auto", TaskMap::automatic},
                           {"one", TaskMap::one},
                           {"by_key", TaskMap::by_key},
                           {"equal", TaskMap::equal},
                           {"zipf", TaskMap::zipf},
                           {"weights", TaskMap::weights},
                           {"stripe", TaskMap::stripe},
                           {"round_robin", TaskMap::round_robin}}),
            param::field("zipf_exponent", &TraceParams::zipf_exponent, "Of map zipf.", {0, 20}),
            param::field("weights", &TraceParams::weights, "Of map weights: one for each task.", {0, 1e12}),
            param::field("map_keys", &TraceParams::map_keys, "Of map round_robin: how many keys the trace has.", {0, 1048576}),
            param::field("work_mean", &TraceParams::work_mean, "What in the work column is work 1; 0: its mean over what is replayed.",
                         {0, 1e12}),
            param::field("min_qps", &TraceParams::min_qps, "With max_qps: the rate that the weakest bin gets.", {0, 1e9}),
            param::field("max_qps", &TraceParams::max_qps,
                         "Rate that the strongest bin gets, others on a straight line between; 0: rates stay as they are.", {0, 1e9}),
            param::field("rescale_bin_s", &TraceParams::rescale_bin_s,
                         "Bins of min_qps and max_qps; 0: those of the trace, or 60 s where it has single queries.", {0, 604800}),
            param::field("resample_s", &TraceParams::resample_s,
                         "Keeps the rates of windows of that length only, and draws new queries of a Poisson process; 0: keeps queries.",
                         {0, 604800}),
            param::field("keep_dispersion", &TraceParams::keep_dispersion,
                         "Whether rate_scale leaves the dispersion of counts at 1 s and 60 s as it is."),
            param::field("scale_control", &TraceParams::scale_control,
                         "Whether control intervals of the scenario have time_scale as a factor too."),
            param::choice("asks", &TraceParams::asks_by_row, "Who says what a query asks for: the classes of the entry, or the rows.",
                          {{"classes", false}, {"rows", true}}),
            param::field("ask_step_s", &TraceParams::ask_step_s, "With asks rows: latencies are rounded to whole steps.", {1e-6, 3600})));
  }
};

/// Arrivals of a trace, with the row that the last one came from.
class TraceSource : public ArrivalSource {
 public:
  virtual const TraceRow& row() const = 0;
  virtual const TraceReader& reader() const = 0;
};

/// Shapes the rows of `reader`, which are sorted. Tenants of arrivals are keys. Memory: the stretches that overlap at one time.
///
/// `rate_scale` p < 1 thins independently: the dispersion I of counts becomes 1 + p (I - 1). A whole factor k makes k copies of a query at
/// its instant, and k independent queries of each in a stretch; dispersion becomes k I at bins no shorter than stretches. Between them the
/// whole part is copied, and the fraction is a chance.
/// Throws `std::invalid_argument` naming a parameter; `next` throws `SourceError`.
std::unique_ptr<TraceSource> shaped(std::unique_ptr<TraceReader> reader, const TraceParams& params, Stream stream);

/// The same for parameters that need to read the trace before: `max_qps`, `keep_dispersion`, of which one may be given, and `resample_s`.
///
/// - a `work_column` without `work_mean` makes the mean of what is replayed work 1.
/// - `max_qps` maps the number c of queries in a bin to min + (c - least) / (largest - least) x (max - min), the shape-preserving rescale
///   of Loki's published scripts (HPDC 2024); bins without queries get theirs spread over the bin. `rate_scale` is applied on top.
/// - `resample_s` replaces the queries of a window by a Poisson process of their rate times `rate_scale`: where the window is short beside
///   what the rate does, dispersion becomes 1 + k (I - 1).
/// - `keep_dispersion` with a factor below 1 thins with a chance that varies at random from second to second and from minute to minute
///   (gamma factors of mean 1), as much as brings dispersion at 1 s and 60 s back; the daily shape stays. Above 1 no copies are made: a bin
///   (1 s, or that of the trace) of c queries gets sqrt(k) c + (k - sqrt(k)) mean, which flattens the shape.
std::unique_ptr<TraceSource> shaped(const OpenTrace& open, const TraceParams& params, Stream stream);

}  // namespace tideline

// Arrivals from a trace: window, scales, places within bins, and which task a row is of.
#pragma once

#include "sim/core/param.h"
#include "sim/core/random.h"
#include "sim/model/arrival.h"
#include "traces/csv.h"
#include "traces/formats.h"
#include "traces/trace.h"

#include <cstdint>
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
            param::field("work_mean", &TraceParams::work_mean, "What in the work column is work 1; 0: the column is not used.",
                         {0, 1e12})));
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

}  // namespace tideline

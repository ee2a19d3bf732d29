// The steady state of one long run of a stationary load: how much of its beginning to leave out, and an interval on the mean of the rest.
#pragma once

#include "sim/statistics/stationary.h"
#include "src/json_document.h"
#include "src/results_reader.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tideline {

struct SteadyState {
  std::string column, unit;
  bool of_queries = false;  ///< observations are answers, in order of their ends; otherwise samples of the series
  std::size_t observations = 0;
  statistics::Truncation beginning;
  double begins_s = 0;                          ///< when what is left out ends, since the start of the run
  std::optional<statistics::BatchMeans> means;  ///< of the rest; none where there is too little of it
};

/// `column`: latency_s, wait_s or service_s of the answers, which takes records of queries, or a column of the series, of samples within the
/// window. Throws InputError, with the nearest name, where there is none of that name, it has samples without a value, or the run's load
/// follows a day or a trace: it has no steady state.
SteadyState steady_state(const ResultsReader& reader, const std::string& column, double confidence);

std::string steady_text(const SteadyState& s, double confidence);
Json steady_json(const SteadyState& s, double confidence);

}  // namespace tideline

#include "src/steady_state.h"

#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "src/errors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <vector>

namespace tideline {

namespace {

/// What is known of a query, as the parts of /queries that make it up.
struct OfQueries {
  std::string_view name;
  std::vector<std::string_view> parts;
};
const std::array<OfQueries, 3> of_queries{
    {{"latency_s", {"network", "load", "queue", "service"}}, {"wait_s", {"load", "queue"}}, {"service_s", {"service"}}}};

/// A steady state needs a load that does not change.
void require_stationary(const ResultsReader& reader) {
  Problems ignored;
  const Json configuration = parse_json(reader.text("/run/configuration"), "/run/configuration", ignored).root;
  for (const Json& entry : configuration.value("workload", Json::array())) {
    const auto source = entry.value("source", "");
    if (source == "poisson" || source == "gamma" || source == "weibull" || source == "mmpp") continue;
    throw InputError("'" + reader.path().string() + "': the load of " + in_quotes(entry.value("name", source)) + " is " +
                     in_quotes(source) + (source == "diurnal" ? ", which follows the day" : ", which is not known to be stationary") +
                     ": such a run has no steady state; replicate it over days or seeds instead (tideline compare)");
  }
}

struct Observations {
  std::vector<double> values, ends_s;  ///< when each was made
};

Observations read_queries(const ResultsReader& reader, const OfQueries& what) {
  if (!reader.has("/queries"))
    throw InputError("'" + reader.path().string() + "' has no records of queries, which " + std::string(what.name) +
                     " is made of: run it with --records queries, or name a column of the series, such as latency_mean_s");
  const auto& endings = reader.names("endings");
  const auto answered = std::find(endings.begin(), endings.end(), "answered") - endings.begin();
  std::uint64_t rows = ~std::uint64_t{0};
  for (const ColumnFacts& c : reader.columns("/queries")) rows = std::min(rows, c.rows);
  const auto ending = reader.integers("/queries/ending", 0, rows);
  auto end = reader.integers("/queries/arrival", 0, rows);
  std::vector<std::int64_t> sum(rows);
  for (const std::string_view part : of_queries[0].parts) {
    const auto values = reader.integers("/queries/" + std::string(part), 0, rows);
    const bool wanted = std::find(what.parts.begin(), what.parts.end(), part) != what.parts.end();
    for (std::size_t k = 0; k < rows; ++k) {
      end[k] += values[k];
      if (wanted) sum[k] += values[k];
    }
  }
  Observations out;
  for (std::size_t k = 0; k < rows; ++k) {
    if (ending[k] != answered) continue;
    out.values.push_back(static_cast<double>(sum[k]) * 1e-9);
    out.ends_s.push_back(static_cast<double>(end[k]) * 1e-9);
  }
  return out;
}

Observations read_series(const ResultsReader& reader, const ColumnFacts& column) {
  const std::int64_t begin = reader.integer_attribute("/summary", "window_begin_ns"),
                     end = reader.integer_attribute("/summary", "window_end_ns");
  const auto time = reader.integers("/series/time");
  const auto values = reader.doubles("/series/" + column.name);
  Observations out;
  for (std::size_t k = 0; k < std::min(time.size(), values.size()); ++k) {
    if (time[k] <= begin || time[k] > end) continue;
    if (!std::isfinite(values[k]))
      throw InputError("'" + reader.path().string() + "': " + column.name + " has samples without a value, the first at " +
                       to_text(static_cast<double>(time[k]) * 1e-9) + " s: make them longer, with /measure/sample_s");
    out.values.push_back(values[k]);
    out.ends_s.push_back(static_cast<double>(time[k]) * 1e-9);
  }
  return out;
}

std::string number(double x) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", x);
  return text.data();
}

}  // namespace

SteadyState steady_state(const ResultsReader& reader, const std::string& column, double confidence) {
  if (!reader.has("/summary/total") || !reader.has("/series"))
    throw InputError("'" + reader.path().string() + "': its run was killed: it has no results of a whole run");
  require_stationary(reader);
  SteadyState out;
  out.column = column;
  Observations seen;
  const auto named = std::find_if(of_queries.begin(), of_queries.end(), [&](const OfQueries& q) { return q.name == column; });
  if (named != of_queries.end()) {
    out.of_queries = true;
    out.unit = "s";
    seen = read_queries(reader, *named);
  } else {
    std::vector<std::string> known;
    for (const OfQueries& q : of_queries) known.emplace_back(q.name);
    const auto columns = reader.columns("/series");
    for (const ColumnFacts& c : columns)
      if (c.name != "time" && c.name != "cost_usd") known.push_back(c.name);
    const auto at = std::find_if(columns.begin(), columns.end(), [&](const ColumnFacts& c) { return c.name == column; });
    if (at == columns.end() || std::find(known.begin(), known.end(), column) == known.end())
      throw InputError("--steady " + column + ": expected latency_s, wait_s, service_s or a column of the series" +
                       suggestion(column, known));
    out.unit = at->unit == "1" ? "" : at->unit;
    seen = read_series(reader, *at);
  }
  out.observations = seen.values.size();
  out.beginning = statistics::mser5(seen.values);
  const std::size_t left_out = std::min(out.beginning.discard, seen.values.size());
  if (left_out > 0) out.begins_s = seen.ends_s[left_out - 1];
  out.means = statistics::batch_means(std::span<const double>(seen.values).subspan(left_out), confidence);
  return out;
}

std::string steady_text(const SteadyState& s, double confidence) {
  const std::string what = s.of_queries ? "answers" : "samples of the series", unit = s.unit.empty() ? "" : " " + s.unit;
  std::string out = s.column + ", " + std::to_string(s.observations) + " " + what + " within the window\n";
  out += "  beginning  ";
  if (!s.beginning.settled)
    out += "MSER-5 finds no end of it in the first half: run longer\n";
  else if (s.beginning.discard == 0)
    out += "MSER-5 leaves nothing out: the warm-up was long enough\n";
  else
    out += "MSER-5 leaves out the first " + std::to_string(s.beginning.discard) + ", until " + number(s.begins_s) +
           " s since the start of the run: the warm-up was too short, or it is chance\n";
  if (!s.means) return out + "  mean       none: fewer than 160 " + what + ", or all alike\n";
  const auto& m = *s.means;
  out += "  mean       " + number(m.mean) + unit + ", " + to_text(100 * confidence) + " % interval [" + number(m.interval.low) + ", " +
         number(m.interval.high) + "], by " + std::to_string(m.batches) + " batches of " + std::to_string(m.batch_size) + "\n";
  if (m.trusted())
    out += "  batches    long enough: means of " + std::to_string(m.uncorrelated_size) + " are not correlated (von Neumann's ratio)\n";
  else
    out +=
        "  batches    too short, neighbours are correlated (lag 1: " + number(m.check.lag1) + "): the interval is too narrow; run longer\n";
  if (!s.of_queries) out += "  A mean over samples of equal length: not weighted by how many queries each has.\n";
  return out;
}

Json steady_json(const SteadyState& s, double confidence) {
  Json out{{"column", s.column},
           {"unit", s.unit},
           {"of", s.of_queries ? "queries" : "series"},
           {"observations", s.observations},
           {"mser5", {{"discard", s.beginning.discard}, {"until_s", s.begins_s}, {"settled", s.beginning.settled}}},
           {"confidence", confidence},
           {"mean", nullptr}};
  if (!s.means) return out;
  out["mean"] = s.means->mean;
  out["low"] = s.means->interval.low;
  out["high"] = s.means->interval.high;
  out["batches"] = s.means->batches;
  out["batch_size"] = s.means->batch_size;
  out["uncorrelated_size"] = s.means->uncorrelated_size;
  out["trusted"] = s.means->trusted();
  return out;
}

}  // namespace tideline

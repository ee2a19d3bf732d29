#include "sim/metrics/histogram.h"
#include "src/commands.h"
#include "src/report.h"
#include "src/report_json.h"
#include "src/results_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <sstream>

namespace tideline {

namespace {

using Columns = std::vector<std::vector<double>>;

Json lines_of(const std::string& text) {
  Json out = Json::array();
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

/// Columns side by side, as the file has them.
Json table_json(const ResultsReader& reader, const std::string& group) {
  Json columns = Json::array();
  if (!reader.has(group)) return columns;
  for (const ColumnFacts& c : reader.columns(group)) {
    const std::string path = group + "/" + c.name;
    Json values = Json::array();
    if (c.type == "text") {
      values = reader.strings(path);
    } else if (c.type.starts_with("float")) {
      values = rounded(reader.doubles(path), 9);
    } else {
      values = reader.integers(path);
    }
    columns.push_back({{"name", c.name}, {"unit", c.unit}, {"help", c.description}, {"values", std::move(values)}});
  }
  return columns;
}

// --- series ---

/// Samples over time, as columns that are drawn together.
class Series {
 public:
  explicit Series(const ResultsReader& reader) : reader_(reader) {
    if (!reader.has("/series/time")) return;
    time_ = reader.doubles("/series/time");
    for (double& t : time_) t /= 1e9;
  }

  Json json() {
    if (time_.empty()) return nullptr;
    const auto column = [&](const char* name) { return values(name); };
    const auto rate = [&](const char* name) { return per_second(values(name)); };
    add("load", {"arrived", "good", "failed"}, {rate("arrived"), rate("good"), per_second(sum({"dropped", "rejected", "lost"}))});
    add("latency", {"p50", "p95", "p99"}, {column("latency_p50_s"), column("latency_p95_s"), column("latency_p99_s")});
    add("attainment", {"attainment"}, {attainment()});
    add("accuracy", {"effective", "floor"}, {column("effective_accuracy"), column("accuracy_floor")});
    add("instances", {"warm", "starting", "draining"},
        {column("instances_warm"), column("instances_starting"), column("instances_draining")});
    add("cost", {"usd_per_hour"}, {cost_per_hour()});
    add("starts", {"cold_starts", "loads", "evictions"}, {so_far("cold_starts"), so_far("loads"), so_far("evictions")});
    add("queue", {"in_flight", "devices_busy"}, {column("in_flight"), column("devices_busy")});
    const double step = time_.size() > 1 ? time_[1] - time_[0] : time_[0];
    return {{"samples", time_.size()}, {"sample_s", rounded(step)}, {"begin_s", rounded(time_[0] - step)}, {"groups", std::move(groups_)}};
  }

 private:
  std::vector<double> values(const std::string& name) const {
    const std::string path = "/series/" + name;
    auto out = reader_.has(path) ? reader_.doubles(path) : std::vector<double>();
    out.resize(time_.size(), std::numeric_limits<double>::quiet_NaN());
    return out;
  }
  std::vector<double> sum(std::initializer_list<const char*> names) const {
    std::vector<double> out(time_.size());
    for (const char* name : names) {
      const auto more = values(name);
      for (std::size_t k = 0; k < out.size(); ++k) out[k] += more[k];
    }
    return out;
  }
  double interval(std::size_t k) const { return k > 0 ? time_[k] - time_[k - 1] : time_[0]; }
  std::vector<double> per_second(std::vector<double> counts) const {
    for (std::size_t k = 0; k < counts.size(); ++k) counts[k] /= interval(k);
    return counts;
  }
  std::vector<double> cost_per_hour() const {
    const auto cost = values("cost_usd");
    std::vector<double> out(cost.size());
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = (cost[k] - (k > 0 ? cost[k - 1] : 0)) / interval(k) * 3600;
    return out;
  }
  std::vector<double> so_far(const char* name) const {
    auto out = values(name);
    for (std::size_t k = 1; k < out.size(); ++k) out[k] += out[k - 1];
    return out;
  }
  std::vector<double> attainment() const {
    const auto met = values("on_time"), missed = values("missed");
    std::vector<double> out(met.size());
    for (std::size_t k = 0; k < out.size(); ++k)
      out[k] = met[k] + missed[k] > 0 ? met[k] / (met[k] + missed[k]) : std::numeric_limits<double>::quiet_NaN();
    return out;
  }

  void add(const char* name, const std::vector<const char*>& names, const Columns& columns) {
    const auto rows = thinned_rows(columns, time_.size());
    const auto chosen = [&](const std::vector<double>& all, int digits) {
      std::vector<double> some;
      some.reserve(rows.size());
      for (const std::size_t k : rows) some.push_back(all[k]);
      return rounded(some, digits);
    };
    Json group{{"name", name}, {"time", chosen(time_, 9)}, {"columns", Json::object()}};
    for (std::size_t k = 0; k < columns.size(); ++k) group["columns"][names[k]] = chosen(columns[k], 5);
    groups_.push_back(std::move(group));
  }

  const ResultsReader& reader_;
  std::vector<double> time_;  // s
  Json groups_ = Json::array();
};

// --- latencies ---

constexpr std::size_t most_classes = 8;

struct Curve {
  std::string name;
  DurationHistogram latency;
};

/// Latencies of the answers by class, from the rows of queries.
std::vector<Curve> read_latencies(const ResultsReader& reader) {
  const auto& classes = reader.names("classes");
  const auto& endings = reader.names("endings");
  const auto answered = std::find(endings.begin(), endings.end(), "answered") - endings.begin();
  std::vector<Curve> curves;
  for (const std::string& name : classes) curves.push_back({name, {}});
  constexpr std::uint64_t block = std::uint64_t{1} << 18;
  const std::array<std::string, 4> parts{"network", "load", "queue", "service"};
  std::uint64_t rows = std::numeric_limits<std::uint64_t>::max();
  for (const ColumnFacts& c : reader.columns("/queries")) rows = std::min(rows, c.rows);
  for (std::uint64_t begin = 0; begin < rows; begin += block) {
    const std::uint64_t end = std::min(begin + block, rows);
    const auto of_class = reader.integers("/queries/class", begin, end), ending = reader.integers("/queries/ending", begin, end);
    std::vector<std::int64_t> latency(end - begin);
    for (const auto& part : parts) {
      const auto values = reader.integers("/queries/" + part, begin, end);
      for (std::size_t k = 0; k < values.size(); ++k) latency[k] += values[k];
    }
    for (std::size_t k = 0; k < latency.size(); ++k)
      if (const auto c = static_cast<std::size_t>(of_class[k]); ending[k] == answered && c < curves.size())
        curves[c].latency.record(Duration{latency[k]});
  }
  return curves;
}

/// Shares of the answers that took at most as long, at latencies where the curves bend.
Json cdf_of_queries(const ResultsReader& reader) {
  std::vector<Curve> curves = read_latencies(reader);
  std::stable_sort(curves.begin(), curves.end(), [](const Curve& a, const Curve& b) { return a.latency.count() > b.latency.count(); });
  while (!curves.empty() && curves.back().latency.count() == 0) curves.pop_back();
  if (curves.empty()) return {{"source", nullptr}, {"why", "No query was answered."}, {"curves", Json::array()}};
  if (curves.size() > 1) {
    Curve all{"all", {}};
    for (const Curve& c : curves) all.latency.merge(c.latency);
    curves.insert(curves.begin(), std::move(all));
  }
  const std::size_t left_out = curves.size() > most_classes + 1 ? curves.size() - most_classes - 1 : 0;
  curves.resize(curves.size() - left_out);
  std::vector<double> places;
  for (const Curve& c : curves) {
    constexpr int even = 200;
    for (int k = 0; k <= even; ++k) places.push_back(c.latency.percentile_s(std::max(1e-12, static_cast<double>(k) / even)));
    for (double tail = 0.005; tail * static_cast<double>(c.latency.count()) > 0.5; tail *= 0.8)
      places.push_back(c.latency.percentile_s(1 - tail));
  }
  std::sort(places.begin(), places.end());
  std::vector<double> at;
  for (const double x : places)
    if (at.empty() || x > at.back() * 1.002) at.push_back(x);
  if (at.back() < places.back()) at.push_back(places.back());
  Json out{{"source", "queries"}, {"left_out", left_out}, {"latency", rounded(at)}, {"curves", Json::array()}};
  for (const Curve& c : curves) {
    std::vector<double> share;
    // A nanosecond more: seconds are rounded.
    for (const double x : at)
      share.push_back(c.latency.count_up_to(Duration{std::llround(x * 1e9) + 1}) / static_cast<double>(c.latency.count()));
    out["curves"].push_back({{"name", c.name}, {"count", c.latency.count()}, {"share", rounded(share, 9)}});
  }
  return out;
}

/// What a summary has of the same.
Json cdf_of_summary(const ResultsReader& reader) {
  constexpr std::array<std::pair<const char*, double>, 5> known{
      {{"latency_p50_s", 0.5}, {"latency_p90_s", 0.9}, {"latency_p95_s", 0.95}, {"latency_p99_s", 0.99}, {"latency_max_s", 1}}};
  std::vector<double> at;
  std::vector<std::vector<double>> points;  // by curve, in the order of `known`
  std::vector<std::string> names;
  std::vector<std::int64_t> counts;
  const auto add = [&](const std::string& group, std::vector<std::string> rows) {
    const auto served = reader.integers(group + "/queries_served");
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (row >= served.size() || served[row] == 0 || names.size() > most_classes) continue;
      names.push_back(rows[row]);
      counts.push_back(served[row]);
      auto& curve = points.emplace_back();
      for (const auto& [column, share] : known) {
        const auto values = reader.doubles(group + "/" + column);
        curve.push_back(row < values.size() ? values[row] : std::numeric_limits<double>::quiet_NaN());
        at.push_back(curve.back());
      }
    }
  };
  const auto classes = reader.has("/summary/classes/name") ? reader.strings("/summary/classes/name") : std::vector<std::string>();
  if (classes.size() != 1) add("/summary/total", {"all"});
  if (!classes.empty()) add("/summary/classes", classes);
  if (names.empty()) return {{"source", nullptr}, {"why", "No query was answered."}, {"curves", Json::array()}};
  std::sort(at.begin(), at.end());
  at.erase(std::unique(at.begin(), at.end()), at.end());
  Json out{{"source", "summary"}, {"left_out", 0}, {"latency", rounded(at, 9)}, {"curves", Json::array()}};
  for (std::size_t c = 0; c < names.size(); ++c) {
    std::vector<double> share(at.size(), std::numeric_limits<double>::quiet_NaN());
    for (std::size_t k = 0; k < known.size(); ++k)
      if (const auto found = std::find(at.begin(), at.end(), points[c][k]); found != at.end())
        share[static_cast<std::size_t>(found - at.begin())] = known[k].second;
    out["curves"].push_back({{"name", names[c]}, {"count", counts[c]}, {"share", rounded(share)}});
  }
  return out;
}

Json cdf_json(const ResultsReader& reader) {
  if (reader.has("/queries") && !reader.columns("/queries").empty() && reader.has("/run/names/endings")) return cdf_of_queries(reader);
  if (reader.has("/summary/total")) return cdf_of_summary(reader);
  return {{"source", nullptr}, {"why", "The run was killed before it had a summary, and recorded no queries."}, {"curves", Json::array()}};
}

Json slos_json(const ResultsReader& reader) {
  Json out = Json::array();
  if (!reader.has("/run/names/classes/slo")) return out;
  const auto names = reader.strings("/run/names/classes/name");
  const auto slos = reader.integers("/run/names/classes/slo");
  for (std::size_t k = 0; k < std::min(names.size(), slos.size()); ++k)
    if (slos[k] > 0) out.push_back({{"class", names[k]}, {"slo_s", rounded(static_cast<double>(slos[k]) / 1e9, 9)}});
  return out;
}

Json summary_json(const ResultsReader& reader) {
  if (!reader.has("/summary/total")) return nullptr;
  const auto edge = [&](const char* name) { return rounded(static_cast<double>(reader.integer_attribute("/summary", name)) / 1e9, 12); };
  return {{"window", {edge("window_begin_ns"), edge("window_end_ns")}},
          {"billing", reader.text_attribute("/summary", "billing")},
          {"total", table_json(reader, "/summary/total")},
          {"tasks", table_json(reader, "/summary/tasks")},
          {"classes", table_json(reader, "/summary/classes")},
          {"variants", table_json(reader, "/summary/variants")}};
}

Json audit_json(const ResultsReader& reader) {
  if (!reader.has("/audit")) return nullptr;
  return {{"passed", reader.integer_attribute("/audit", "passed") != 0}, {"checks", table_json(reader, "/audit")}};
}

}  // namespace

Json report_of_run(const std::filesystem::path& file) {
  const ResultsReader reader(file);
  Json out{{"kind", "run"}, {"title", ""}, {"file", file.filename().string()}, {"written_by", version_text()}};
  for (const char* name : {"scenario", "program_version", "compiler"}) out[name] = reader.text_attribute("/run", name);
  out["seed"] = reader.integer_attribute("/run", "seed");
  out["title"] = out["scenario"].get<std::string>() + ", seed " + out["seed"].dump();
  out["complete"] = reader.integer_attribute("/run", "interrupted") == 0;
  out["state"] = state_text(reader);
  for (const char* name : {"overrides", "warnings", "hashes"}) out[name] = lines_of(reader.text("/run/" + std::string(name)));
  out["configuration"] = reader.text("/run/configuration");
  out["summary"] = summary_json(reader);
  out["slos"] = slos_json(reader);
  out["series"] = Series(reader).json();
  out["cdf"] = cdf_json(reader);
  out["audit"] = audit_json(reader);
  return out;
}

}  // namespace tideline

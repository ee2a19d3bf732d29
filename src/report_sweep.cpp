#include "sim/metrics/summary.h"
#include "sim/statistics/student.h"
#include "src/commands.h"
#include "src/errors.h"
#include "src/report.h"
#include "src/report_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

namespace tideline {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t sweep_version = 1;
constexpr double confidence = 0.95;
/// A page lists no more failed tasks than this.
constexpr std::size_t most_problems = 200;
/// Of tasks and of classes; fewer where a page would have more numbers than it can well hold.
constexpr std::size_t most_parts = 8, most_numbers = 500'000;
constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// Metrics that a page has of tasks and classes too, where there are several.
constexpr std::array<std::string_view, 7> of_parts{
    "slo_attainment", "effective_accuracy", "accuracy_floor_attainment", "latency_mean_s", "latency_p50_s", "latency_p99_s", "goodput_qps"};

struct Axis {
  std::string name;
  std::vector<std::string> values;

  /// All values as numbers, or none.
  std::vector<double> numbers() const {
    std::vector<double> out;
    for (const std::string& v : values) {
      double x = 0;
      const auto end = std::from_chars(v.data(), v.data() + v.size(), x);
      if (end.ec != std::errc() || end.ptr != v.data() + v.size() || !std::isfinite(x)) return {};
      out.push_back(x);
    }
    return out;
  }
};

/// Values of axes are texts; what was written as a number or else is one as well.
std::string value_text(const JsonPart& part) { return part.json().is_string() ? part.text() : part.json().dump(); }

/// A metric of all tasks of the sweep.
struct Column {
  const Metric* metric = nullptr;
  std::string list, part;  ///< of this row of `classes` or `tasks`; empty: of the total
  std::vector<double> values;
};

double value_of(const Json& row, const Metric& metric) {
  const Json* object = &row;
  if (!metric.object.empty()) {
    const auto found = row.find(metric.object);
    if (found == row.end()) return none;
    object = &*found;
  }
  if (!object->is_object()) return none;
  const auto found = object->find(metric.member());
  return found != object->end() && found->is_number() ? found->get<double>() : none;
}

const Json* named_row(const Json& summary, const std::string& list, const std::string& name) {
  const auto rows = summary.find(list);
  if (rows == summary.end() || !rows->is_array()) return nullptr;
  for (const Json& row : *rows)
    if (row.is_object() && row.value("name", Json()) == name) return &row;
  return nullptr;
}

class Sweep {
 public:
  explicit Sweep(const fs::path& folder) : folder_(folder), file_((folder / "manifest.json").string()) {
    manifest_ = read_own_json(file_, "tideline-sweep", "the manifest of a sweep", sweep_version);
    for (const JsonPart& a : JsonPart(file_, manifest_).member("axes").elements()) {
      Axis axis{a.member("name").text(), {}};
      for (const JsonPart& v : a.member("values").elements()) axis.values.push_back(value_text(v));
      axes_.push_back(std::move(axis));
    }
    points_.resize(axes_.size());
    for (const JsonPart& task : JsonPart(file_, manifest_).member("tasks").elements()) read(task);
  }

  Json json() {
    const JsonPart manifest(file_, manifest_);
    Json out{{"kind", "sweep"},
             {"title", manifest.member("name").text() + ", a sweep of " + manifest.member("scenario").text()},
             {"file", folder_.filename().string()},
             {"written_by", version_text()},
             {"program_version", manifest.member("program").text()},
             {"name", manifest.member("name").json()},
             {"scenario", manifest.member("scenario").json()},
             {"replications", manifest.member("replications").count()},
             {"tasks", tasks_},
             {"done", task_.size()},
             {"failed", failed_},
             {"missing", missing_},
             {"stale", stale_},
             {"problems", std::move(problems_)},
             {"audit", {{"failed", audits_failed_}, {"checks", std::move(audit_problems_)}}},
             {"axes", Json::array()},
             {"metrics", Json::array()}};
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      const auto numbers = axes_[a].numbers();
      out["axes"].push_back({{"name", axes_[a].name},
                             {"values", axes_[a].values},
                             {"numbers", numbers.empty() ? Json(nullptr) : rounded(numbers, 12)},
                             {"at", points_[a]}});
    }
    out["task"] = task_;
    out["replication"] = replication_;
    out["seed"] = seed_;
    for (const Column& c : columns_) {
      if (std::none_of(c.values.begin(), c.values.end(), [](double x) { return std::isfinite(x); })) continue;
      // What is the same everywhere stands once.
      const bool same = std::all_of(c.values.begin(), c.values.end(), [&](double x) { return x == c.values.front(); });
      out["metrics"].push_back({{"name", c.metric->name},
                                {"of", c.part},
                                {"unit", c.metric->unit},
                                {"help", c.metric->help},
                                {"values", same ? rounded(c.values.front()) : rounded(c.values)}});
    }
    out["parts_left_out"] = std::move(parts_left_out_);
    out["confidence"] = confidence;
    out["quantiles"] = quantiles();
    return out;
  }

 private:
  void read(const JsonPart& task) {
    const std::size_t number = task.member("task").count();
    std::vector<std::size_t> at;
    for (const Axis& axis : axes_) {
      const JsonPart value = task.member("point").member(axis.name);
      const auto found = std::find(axis.values.begin(), axis.values.end(), value_text(value));
      if (found == axis.values.end()) value.fail("no value of the axis " + axis.name);
      at.push_back(static_cast<std::size_t>(found - axis.values.begin()));
    }
    const std::size_t replication = task.member("replication").count();
    const std::string& key = task.member("key").text();
    const Json seed = task.member("seed").json();
    ++tasks_;
    std::array<char, 32> name{};
    std::snprintf(name.data(), name.size(), "%06zu.json", number);
    const fs::path path = folder_ / "tasks" / name.data();
    std::error_code error;
    if (!fs::exists(path, error)) {
      ++missing_;
      return;
    }
    Json read;
    try {
      Problems ignored;
      read = std::move(read_json_file(path.string(), ignored).root);
    } catch (const InputError& e) {
      // Where the sweep lies says nothing to who reads the page.
      const std::string why = e.what(), place = (folder_ / "").string();
      return failed(number, at, replication, why.starts_with(place) ? why.substr(place.size()) : why);
    }
    if (!read.is_object()) return failed(number, at, replication, "its file is not what a task leaves");
    if (read.value("key", Json()) != key) {
      ++stale_;
      return;
    }
    if (const auto why = read.find("error"); why != read.end())
      return failed(number, at, replication, why->is_string() ? why->get<std::string>() : why->dump());
    const auto summary = read.find("summary");
    if (summary == read.end() || !summary->is_object() || !summary->contains("total"))
      return failed(number, at, replication, "its file has no summary");
    add(number, at, replication, seed, *summary);
  }

  std::string point_text(const std::vector<std::size_t>& at) const {
    std::string out;
    for (std::size_t a = 0; a < at.size(); ++a) out += (a == 0 ? "" : ", ") + axes_[a].name + "=" + axes_[a].values[at[a]];
    return out;
  }

  void failed(std::size_t number, const std::vector<std::size_t>& at, std::size_t replication, const std::string& why) {
    ++failed_;
    if (problems_.size() < most_problems)
      problems_.push_back({{"task", number}, {"point", point_text(at)}, {"replication", replication}, {"error", why}});
  }

  void add(std::size_t number, const std::vector<std::size_t>& at, std::size_t replication, const Json& seed, const Json& summary) {
    if (columns_.empty()) declare(summary);
    task_.push_back(number);
    replication_.push_back(replication);
    seed_.push_back(seed);
    for (std::size_t a = 0; a < at.size(); ++a) points_[a].push_back(at[a]);
    ++per_point_[at];
    for (Column& c : columns_) {
      const Json* row = c.list.empty() ? &summary["total"] : named_row(summary, c.list, c.part);
      c.values.push_back(row == nullptr ? none : value_of(*row, *c.metric));
    }
    const auto audit = summary.find("audit");
    if (audit == summary.end() || !audit->is_object() || audit->value("passed", Json()) != false) return;
    ++audits_failed_;
    const auto checks = audit->find("checks");
    if (checks == audit->end() || !checks->is_array()) return;
    for (const Json& c : *checks)
      if (c.is_object() && c.value("passed", Json()) == false && audit_problems_.size() < most_problems)
        audit_problems_.push_back(
            {{"task", number}, {"name", c.value("name", Json())}, {"passed", false}, {"detail", c.value("detail", Json())}});
  }

  /// Columns by what the first summary has.
  void declare(const Json& summary) {
    for (const Metric& m : metrics()) columns_.push_back({&m, "", "", {}});
    const std::size_t planned = manifest_["tasks"].size();
    for (const char* list : {"tasks", "classes"}) {
      const auto rows = summary.find(list);
      if (rows == summary.end() || !rows->is_array() || rows->size() < 2) continue;
      for (std::size_t k = 0; k < rows->size(); ++k) {
        const Json& row = (*rows)[k];
        if (!row.is_object() || !row.value("name", Json()).is_string()) continue;
        if (k >= most_parts || (columns_.size() + of_parts.size()) * planned > most_numbers) {
          parts_left_out_.push_back(row["name"]);
          continue;
        }
        for (const Metric& m : metrics())
          if (std::find(of_parts.begin(), of_parts.end(), m.name) != of_parts.end())
            columns_.push_back({&m, list, row["name"].get<std::string>(), {}});
      }
    }
  }

  /// Of Student's t by the number of replications, for the intervals.
  Json quantiles() const {
    std::size_t most = 0;
    for (const auto& [point, count] : per_point_) most = std::max(most, count);
    Json out = Json::object();
    for (std::size_t n = 2; n <= most; ++n)
      out[std::to_string(n)] = rounded(statistics::student_quantile(static_cast<double>(n - 1), 0.5 + confidence / 2));
    return out;
  }

  fs::path folder_;
  std::string file_;
  Json manifest_;
  std::vector<Axis> axes_;
  std::size_t tasks_ = 0, failed_ = 0, missing_ = 0, stale_ = 0, audits_failed_ = 0;
  Json problems_ = Json::array(), audit_problems_ = Json::array(), seed_ = Json::array(), parts_left_out_ = Json::array();
  std::vector<std::size_t> task_, replication_;   // of those done
  std::vector<std::vector<std::size_t>> points_;  // by axis, then task: which value
  std::map<std::vector<std::size_t>, std::size_t> per_point_;
  std::vector<Column> columns_;
};

}  // namespace

Json report_of_sweep(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / "manifest.json", error))
    throw InputError("'" + folder.string() + "' is not the folder of a sweep: there is no manifest.json in it");
  return Sweep(folder).json();
}

}  // namespace tideline

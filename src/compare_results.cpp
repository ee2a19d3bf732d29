#include "src/compare_results.h"

#include "sim/core/pointer.h"
#include "sim/core/text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>

namespace tideline {

namespace {

constexpr std::array<const char*, 6> groups{"/summary/total",    "/summary/classes", "/summary/tasks",
                                            "/summary/variants", "/audit",           "/series"};

using Texts = std::vector<std::string>;

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

std::optional<double> some(double x) { return std::isnan(x) ? std::nullopt : std::optional(x); }

std::string number_text(double x) { return value_text(some(x)); }
std::string number_text(std::int64_t x) { return std::to_string(x); }
const std::string& number_text(const std::string& x) { return x; }

bool same(std::int64_t a, std::int64_t b) { return a == b; }
bool same(const std::string& a, const std::string& b) { return a == b; }

/// `3 (fast)`, `12 (720 s)`.
std::string row_text(const ResultsReader& reader, const std::string& group, std::size_t row) {
  std::string out = std::to_string(row);
  if (reader.has(group + "/name")) {
    const Texts names = reader.strings(group + "/name");
    if (row < names.size()) out += " (" + names[row] + ")";
  } else if (reader.has(group + "/time")) {
    const auto times = reader.integers(group + "/time", row, row + 1);
    if (!times.empty()) out += " (" + to_text(static_cast<double>(times[0]) / 1e9) + " s)";
  }
  return out;
}

template <class T>
std::optional<std::size_t> first_row(const std::vector<T>& a, const std::vector<T>& b) {
  for (std::size_t k = 0; k < std::max(a.size(), b.size()); ++k)
    if (k >= a.size() || k >= b.size() || !same(a[k], b[k])) return k;
  return {};
}

class Comparer {
 public:
  Comparer(const ResultsReader& a, const ResultsReader& b) : a_(a), b_(b) {}

  ResultsComparison compare() {
    attributes();
    for (const std::string group : groups) {
      const bool in_a = a_.has(group), in_b = b_.has(group);
      if (in_a != in_b) (in_a ? out_.only_a : out_.only_b).push_back(group);
      if (!in_a || !in_b) continue;
      const auto columns = b_.columns(group);
      for (const ColumnFacts& c : a_.columns(group)) {
        const std::string path = group + "/" + c.name;
        const auto other = std::find_if(columns.begin(), columns.end(), [&](const ColumnFacts& x) { return x.name == c.name; });
        if (other == columns.end())
          out_.only_a.push_back(path);
        else if (path != "/audit/detail" && !out_.first)
          column(group, path, c, *other);
      }
      for (const ColumnFacts& c : columns)
        if (!a_.has(group + "/" + c.name)) out_.only_b.push_back(group + "/" + c.name);
    }
    return std::move(out_);
  }

 private:
  void attributes() {
    for (const char* name : {"window_begin_ns", "window_end_ns"})
      if (const auto x = a_.integer_attribute("/summary", name), y = b_.integer_attribute("/summary", name); x != y)
        return differs("/summary", name, std::to_string(x), std::to_string(y));
    if (const auto x = a_.text_attribute("/summary", "billing"), y = b_.text_attribute("/summary", "billing"); x != y)
      differs("/summary", "billing", x, y);
  }

  void column(const std::string& group, const std::string& path, const ColumnFacts& a, const ColumnFacts& b) {
    const auto real = [](const ColumnFacts& c) { return c.type.starts_with("float"); };
    if ((a.type == "text") != (b.type == "text") || real(a) != real(b)) return differs(path, "-", a.type, b.type);
    if (a.type == "text")
      rows(group, path, a_.strings(path), b_.strings(path));
    else if (real(a))
      rows(group, path, a_.doubles(path), b_.doubles(path));
    else
      rows(group, path, a_.integers(path), b_.integers(path));
  }

  template <class T>
  void rows(const std::string& group, const std::string& path, const std::vector<T>& a, const std::vector<T>& b) {
    const auto row = first_row(a, b);
    if (!row) return;
    const std::string end = "no row";
    differs(path, row_text(*row < a.size() ? a_ : b_, group, *row), *row < a.size() ? number_text(a[*row]) : end,
            *row < b.size() ? number_text(b[*row]) : end);
  }

  void differs(std::string dataset, std::string row, std::string a, std::string b) {
    if (!out_.first) out_.first = ValueDifference{std::move(dataset), std::move(row), std::move(a), std::move(b)};
  }

  const ResultsReader& a_;
  const ResultsReader& b_;
  ResultsComparison out_;
};

std::string scalar(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

void differences(const std::string& at, const Json& a, const Json& b, std::vector<JsonDifference>& out) {
  if (a.is_object() && b.is_object()) {
    for (const auto& [key, value] : a.items())
      if (b.contains(key))
        differences(child(at, key), value, b[key], out);
      else
        out.push_back({child(at, key), scalar(value), "-"});
    for (const auto& [key, value] : b.items())
      if (!a.contains(key)) out.push_back({child(at, key), "-", scalar(value)});
    return;
  }
  if (a.is_array() && b.is_array() && a.size() == b.size()) {
    for (std::size_t k = 0; k < a.size(); ++k) {
      const auto name = name_of(a[k]);
      differences(name.empty() ? child(at, k) : child(at, name), a[k], b[k], out);
    }
    return;
  }
  if (a != b) out.push_back({at, scalar(a), scalar(b)});
}

}  // namespace

ResultsComparison compare_results(const ResultsReader& a, const ResultsReader& b) { return Comparer(a, b).compare(); }

std::optional<double> MetricDifference::difference() const { return a && b ? std::optional(*b - *a) : std::nullopt; }

std::optional<double> MetricDifference::relative() const {
  return a && b && *a != 0 ? std::optional((*b - *a) / std::abs(*a)) : std::nullopt;
}

std::vector<MetricDifference> metric_differences(const ResultsReader& a, const ResultsReader& b) {
  std::vector<MetricDifference> out;
  const auto names_in = [](const ResultsReader& r, const std::string& group) {
    return r.has(group + "/name") ? r.strings(group + "/name") : Texts();
  };
  const std::array<std::pair<const char*, const char*>, 4> tables{
      {{"total", ""}, {"classes", "class "}, {"tasks", "task "}, {"variants", "variant "}}};
  for (const auto& [table, sort] : tables) {
    const std::string group = std::string("/summary/") + table;
    if (!a.has(group) || !b.has(group)) continue;
    const bool total = *sort == '\0';
    const Texts in_a = total ? Texts{"total"} : names_in(a, group), in_b = total ? Texts{"total"} : names_in(b, group);
    for (const ColumnFacts& c : a.columns(group)) {
      const std::string path = group + "/" + c.name;
      if (c.type == "text" || !b.has(path)) continue;
      const auto x = a.doubles(path), y = b.doubles(path);
      for (std::size_t k = 0; k < in_a.size() && k < x.size(); ++k) {
        const auto other = static_cast<std::size_t>(std::find(in_b.begin(), in_b.end(), in_a[k]) - in_b.begin());
        if (other < y.size() && !same(x[k], y[other])) out.push_back({sort + in_a[k], c.name, c.unit, some(x[k]), some(y[other])});
      }
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const MetricDifference& x, const MetricDifference& y) {
    return std::abs(x.relative().value_or(INFINITY)) > std::abs(y.relative().value_or(INFINITY));
  });
  return out;
}

std::vector<JsonDifference> json_differences(const Json& a, const Json& b) {
  std::vector<JsonDifference> out;
  differences("", a, b, out);
  return out;
}

std::string value_text(const std::optional<double>& value) { return value ? to_text(*value) : "-"; }

}  // namespace tideline

// A comparison as others read it: JSON for the report and for Python, the effect table for people, papers and programs.
#include "src/commands.h"
#include "src/compare.h"
#include "src/figures.h"
#include "src/text_table.h"

#include "sim/core/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace tideline {

namespace {

std::string_view better_text(statistics::Direction d) {
  using enum statistics::Direction;
  return d == higher_is_better ? "higher" : d == lower_is_better ? "lower" : "neither";
}

/// A value of the metric with its unit.
std::string shown(const ComparedMetric& m, double x) {
  if (!std::isfinite(x)) return "-";
  const auto with_sign = [&](std::string (*text)(double)) { return (x < 0 ? "-" : "") + text(std::abs(x)); };
  if (m.name.find("attainment") != std::string::npos || m.name == "utilization")
    return (x < 0 ? "-" : "") + figure::plain(100 * std::abs(x)) + " %";  // figure::percent hides small differences
  if (m.unit == "s") return with_sign(figure::time);
  if (m.unit == "USD") return with_sign(figure::dollars);
  if (m.unit == "J") return with_sign(figure::energy);
  if (m.unit == "1/s") return with_sign(figure::rate);
  if (m.name.find("accuracy") != std::string::npos) return with_sign(figure::accuracy);
  return with_sign(figure::plain);
}

std::string with_plus(std::string text, double x) { return (x > 0 ? "+" : "") + std::move(text); }

std::string relative_text(double x) {
  if (!std::isfinite(x)) return "-";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%+.*f %%", std::abs(x) < 0.1 ? 2 : 1, 100 * x);
  return text.data();
}

double relative(const Effect& e) { return e.baseline_mean != 0 ? e.finding.difference / std::abs(e.baseline_mean) : no_value; }

/// The effects of one alternative, in order of metrics.
std::vector<const Effect*> effects_of(const Comparison& c, std::size_t alternative) {
  std::vector<const Effect*> out;
  for (const Effect& e : c.effects)
    if (e.alternative == alternative) out.push_back(&e);
  return out;
}

std::string verdict_text(const Comparison& c, const Effect& e) {
  using enum statistics::Verdict;
  const ComparedMetric& m = c.metrics[e.metric];
  const std::string word(to_string(e.finding.verdict));
  switch (e.finding.verdict) {
    case no_difference_shown:
      return word + " (would have shown " + shown(m, e.finding.smallest_detectable) + ")";
    case equivalent:
      return word + " within " + shown(m, e.margin);
    case no_interval:
      return e.finding.exact || !c.random ? "exact difference" : word;
    default:
      return word;
  }
}

std::string interval_text(const ComparedMetric& m, const std::optional<statistics::Interval>& i) {
  return i ? "[" + shown(m, i->low) + ", " + shown(m, i->high) + "]" : "";
}

std::string latex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '_' || c == '%' || c == '$' || c == '&' || c == '#' || c == '{' || c == '}') out += '\\';
    out += c;
  }
  return out;
}

std::string csv_number(double x) { return std::isfinite(x) ? to_text(x) : ""; }

}  // namespace

Json compare_json(const Comparison& c) {
  Json out{{"format", "tideline-compare"},
           {"version", 1},
           {"program", version_text()},
           {"scenario", {{"name", c.scenario}, {"file", c.file}, {"seed", c.seed}}}};
  Json& axes = out["axes"] = Json::array();
  for (const Axis& a : c.axes) {
    Json values = Json::array();
    for (const AxisValue& v : a.values) values.push_back(v.label);
    axes.push_back({{"name", a.name}, {"values", values}});
  }
  out["baseline"] = c.axes[0].name + "=" + c.axes[0].values[c.baseline].label;
  out["replication"] = {{"kind", c.replication.kind}, {"text", c.replication.text}};
  out["replications"] = c.replications;
  out["confidence"] = c.confidence;
  out["correction"] = "holm";
  Json& alternatives = out["alternatives"] = Json::array();
  for (const Alternative& a : c.alternatives) {
    Json point = Json::object(), metrics = Json::object();
    for (std::size_t k = 0; k < c.axes.size(); ++k) point[c.axes[k].name] = c.axes[k].values[a.point[k]].label;
    for (std::size_t m = 0; m < c.metrics.size(); ++m) {
      Json values = Json::array();
      double sum = 0;
      std::size_t n = 0;
      for (const double x : a.values[m]) {
        values.push_back(to_json(x));
        if (std::isfinite(x)) sum += x, ++n;
      }
      metrics[c.metrics[m].name] = {{"mean", to_json(sum / static_cast<double>(n))}, {"values", values}};
    }
    alternatives.push_back({{"label", a.label}, {"point", point}, {"metrics", metrics}, {"notes", a.notes}});
  }
  Json& metrics = out["metrics"] = Json::array();
  for (const ComparedMetric& m : c.metrics) metrics.push_back({{"name", m.name}, {"unit", m.unit}, {"better", better_text(m.direction)}});
  Json& effects = out["effects"] = Json::array();
  for (const Effect& e : c.effects) {
    Json x{{"alternative", c.alternatives[e.alternative].label},
           {"against", c.alternatives[e.against].label},
           {"metric", c.metrics[e.metric].name},
           {"baseline_mean", to_json(e.baseline_mean)},
           {"mean", to_json(e.mean)},
           {"difference", to_json(e.finding.difference)},
           {"relative", to_json(relative(e))},
           {"low", e.interval ? Json(e.interval->low) : Json()},
           {"high", e.interval ? Json(e.interval->high) : Json()},
           {"interval", e.interval ? (c.metrics[e.metric].quantile ? "bootstrap" : "t") : "none"},
           {"relative_low", e.relative_interval ? Json(e.relative_interval->low) : Json()},
           {"relative_high", e.relative_interval ? Json(e.relative_interval->high) : Json()},
           {"p", to_json(e.finding.p)},
           {"p_adjusted", to_json(e.finding.adjusted_p)},
           {"p_equivalence", to_json(e.finding.equivalence_p)},
           {"verdict", to_string(e.finding.verdict)},
           {"smallest_difference", to_json(e.finding.smallest_detectable)},
           {"margin", e.margin > 0 ? Json(e.margin) : Json()},
           {"replications_better", e.better}};
    effects.push_back(std::move(x));
  }
  out["warnings"] = c.warnings;
  out["text"] = c.text;
  return out;
}

std::string effect_table(const Comparison& c) {
  std::string out;
  for (std::size_t a = 0; a < c.alternatives.size(); ++a) {
    const auto list = effects_of(c, a);
    if (list.empty()) continue;
    const std::string& label = c.alternatives[a].label;
    const std::string& against = c.alternatives[list.front()->against].label;
    out += label + " against " + against + "\n";
    std::vector<std::vector<std::string>> rows{{"metric", "baseline", "alternative", "difference", "", "relative", "verdict"}};
    if (c.perturbed) rows[0].insert(rows[0].end() - 1, "better in");
    for (const Effect* e : list) {
      const ComparedMetric& m = c.metrics[e->metric];
      const double d = e->finding.difference;
      rows.push_back({m.name, shown(m, e->baseline_mean), shown(m, e->mean), with_plus(shown(m, d), d), interval_text(m, e->interval),
                      relative_text(relative(*e)), verdict_text(c, *e)});
      if (c.perturbed) rows.back().insert(rows.back().end() - 1, std::to_string(e->better) + " of " + std::to_string(c.replications));
    }
    out += in_columns(rows, "  ", true);
    for (const std::size_t k : {list.front()->against, a})
      for (const auto& note : c.alternatives[k].notes) out += "  note: " + c.alternatives[k].label + ": " + note + "\n";
    out += "\n";
  }
  for (const auto& line : c.text) out += line + "\n";
  return out;
}

std::string effect_latex(const Comparison& c) {
  std::string out =
      "% needs \\usepackage{booktabs}\n\\begin{tabular}{llrrrl}\n\\toprule\n"
      "Alternative & Metric & Baseline & Alternative & Difference (interval) & Verdict \\\\\n\\midrule\n";
  std::size_t last = c.alternatives.size();
  for (const Effect& e : c.effects) {
    const ComparedMetric& m = c.metrics[e.metric];
    if (last != e.alternative && last != c.alternatives.size()) out += "\\midrule\n";
    out += (last == e.alternative ? "" : latex(c.alternatives[e.alternative].label)) + " & " + latex(m.name) + " & " +
           latex(shown(m, e.baseline_mean)) + " & " + latex(shown(m, e.mean)) + " & " +
           latex(with_plus(shown(m, e.finding.difference), e.finding.difference)) +
           (e.interval ? " " + latex(interval_text(m, e.interval)) : "") + " & " + std::string(to_string(e.finding.verdict)) + " \\\\\n";
    last = e.alternative;
  }
  out += "\\bottomrule\n\\end{tabular}\n";
  for (const auto& line : c.text) out += "% " + line + "\n";
  return out;
}

std::string effect_csv(const Comparison& c) {
  std::string out =
      "alternative,against,metric,unit,baseline_mean,mean,difference,low,high,relative,relative_low,relative_high,p,p_adjusted,"
      "p_equivalence,verdict,smallest_difference,margin,replications\n";
  for (const Effect& e : c.effects) {
    const ComparedMetric& m = c.metrics[e.metric];
    const auto ends = [](const std::optional<statistics::Interval>& i) {
      return i ? to_text(i->low) + "," + to_text(i->high) : std::string(",");
    };
    out += csv_field(c.alternatives[e.alternative].label) + "," + csv_field(c.alternatives[e.against].label) + "," + m.name + "," + m.unit +
           "," + csv_number(e.baseline_mean) + "," + csv_number(e.mean) + "," + csv_number(e.finding.difference) + "," + ends(e.interval) +
           "," + csv_number(relative(e)) + "," + ends(e.relative_interval) + "," + csv_number(e.finding.p) + "," +
           csv_number(e.finding.adjusted_p) + "," + csv_number(e.finding.equivalence_p) + "," + std::string(to_string(e.finding.verdict)) +
           "," + csv_number(e.finding.smallest_detectable) + "," + (e.margin > 0 ? to_text(e.margin) : "") + "," +
           std::to_string(c.replications) + "\n";
  }
  return out;
}

}  // namespace tideline

#include "src/check_report.h"

#include "sim/core/text.h"
#include "src/commands.h"
#include "src/compare_results.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <sstream>

namespace tideline {

namespace {

constexpr std::size_t most_decisions = 8;

std::string rounded(double x) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.6g", x);
  return text.data();
}

std::string percent(double share) { return to_text(100 * share) + " %"; }

std::string rule_text(const Judged& j) {
  const CheckedMetric& m = *j.metric;
  switch (m.rule) {
    case ToleranceRule::exact:
      return "exactly";
    case ToleranceRule::absolute:
      return "within " + to_text(m.tolerance);
    case ToleranceRule::relative:
      return "within " + percent(m.tolerance);
    default:
      return "within the " + percent(m.confidence) + " prediction interval";
  }
}

/// `expected 0.1 within 2 % (0.098 .. 0.102), got 0.2`.
std::string judged_text(const Judged& j) {
  std::string out = "expected " + value_text(j.expected) + " " + rule_text(j);
  if (j.low && j.metric->rule != ToleranceRule::exact) out += " (" + rounded(*j.low) + " .. " + rounded(*j.high) + ")";
  return out + ", got " + value_text(j.got);
}

bool exact(const Parting& p) { return p.from == p.to; }

/// Lines without indentation.
std::vector<std::string> parting_lines(const Parting& p, std::uint64_t decisions) {
  std::vector<std::string> out;
  const std::string of = " of " + std::to_string(decisions);
  if (exact(p)) {
    out.push_back("first diverging decision: number " + std::to_string(p.from + 1) + of);
    if (!p.was.empty()) out.push_back("  was: " + p.was);
    out.push_back("  is:  " + (p.is ? to_text(*p.is) : std::string("nothing any more")));
    return out;
  }
  out.push_back("first diverging decision: one of numbers " + std::to_string(p.from + 1) + " to " + std::to_string(p.to + 1) + of + ", " +
                (p.from_ns == 0 ? std::string("up to ") : "after " + seconds_of(p.from_ns) + " and up to ") + seconds_of(p.to_ns));
  out.emplace_back("  decided there now:");
  for (std::size_t k = 0; k < std::min(p.now.size(), most_decisions); ++k) out.push_back("    " + to_text(p.now[k].text));
  if (p.now.size() > most_decisions) out.push_back("    and " + std::to_string(p.now.size() - most_decisions) + " more");
  return out;
}

std::vector<std::string> failure_lines(const CaseReport& c) {
  std::vector<std::string> out;
  for (const Judged& j : c.metrics)
    if (!j.passed) out.push_back(j.metric->key() + ": " + judged_text(j));
  if (!c.audit.empty()) out.push_back("the audit failed:\n" + c.audit);
  if (c.parting)
    for (auto& line : parting_lines(*c.parting, c.decisions)) out.push_back(std::move(line));
  else
    out.emplace_back("all " + std::to_string(c.decisions) + " decisions are the same");
  out.push_back("since it was accepted (" + c.accepted.date + " by " + c.accepted.by + ", " + c.accepted.program + ": " +
                c.accepted.reason + ")" + (c.changed.empty() ? ", neither scenario nor policies changed: the program did" : ":"));
  for (const auto& text : c.changed) out.push_back("  " + text);
  return out;
}

/// XML cannot hold most control characters, not even escaped.
std::string xml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      default:
        out += static_cast<unsigned char>(c) < ' ' ? '?' : c;
    }
  }
  return out;
}

std::string fixed(double seconds) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.3f", seconds);
  return text.data();
}

Json json_of(const std::optional<double>& x) { return x ? Json(*x) : Json(nullptr); }

Json json_of(const DecisionText& d) {
  const auto text = [](const std::string& s) { return s.empty() ? Json(nullptr) : Json(s); };
  return {{"number", d.row + 1},      {"time_s", static_cast<double>(d.time_ns) / 1e9},
          {"query", text(d.query)},   {"kind", d.kind},
          {"policy", d.policy},       {"answer", d.answer},
          {"chosen", text(d.chosen)}, {"runner_up", text(d.runner_up)},
          {"reason", text(d.reason)}, {"amount", text(d.amount)}};
}

Json json_of(const CaseReport& c) {
  Json out{{"name", c.of->name}, {"passed", c.passed()}, {"audit", c.audit.empty() ? Json(nullptr) : Json(c.audit)}};
  out["accepted"] = {{"by", c.accepted.by}, {"date", c.accepted.date}, {"reason", c.accepted.reason}, {"program", c.accepted.program}};
  Json& metrics = out["metrics"] = Json::array();
  for (const Judged& j : c.metrics) {
    Json m{{"metric", j.metric->metric->name}, {"of", j.metric->row}, {"rule", to_string(j.metric->rule)}};
    if (j.metric->rule == ToleranceRule::statistical)
      m["confidence"] = j.metric->confidence;
    else
      m["tolerance"] = j.metric->tolerance;
    m["expected"] = json_of(j.expected);
    m["low"] = json_of(j.low);
    m["high"] = json_of(j.high);
    m["got"] = json_of(j.got);
    m["passed"] = j.passed;
    metrics.push_back(std::move(m));
  }
  out["changed"] = c.changed;
  Json& d = out["decisions"] = {{"count", c.decisions}, {"same", !c.parting}};
  if (!c.parting) return out;
  const Parting& p = *c.parting;
  d["first"] = p.from + 1;
  d["last"] = p.to + 1;
  d["after_s"] = static_cast<double>(p.from_ns) / 1e9;
  d["until_s"] = static_cast<double>(p.to_ns) / 1e9;
  d["was"] = p.was.empty() ? Json(nullptr) : Json(p.was);
  d["is"] = p.is ? json_of(*p.is) : Json(nullptr);
  Json& now = d["now"] = Json::array();
  for (std::size_t k = 0; k < std::min(p.now.size(), most_decisions); ++k) now.push_back(json_of(p.now[k].text));
  return out;
}

}  // namespace

bool CaseReport::passed() const {
  return audit.empty() && std::all_of(metrics.begin(), metrics.end(), [](const Judged& j) { return j.passed; });
}

bool CheckReport::passed() const {
  return std::all_of(cases.begin(), cases.end(), [](const CaseReport& c) { return c.passed(); });
}

std::string report_text(const CheckReport& report) {
  std::size_t width = 0, passed = 0;
  for (const CaseReport& c : report.cases) width = std::max(width, c.of->name.size());
  std::string out;
  for (const CaseReport& c : report.cases) {
    passed += c.passed() ? 1 : 0;
    out += c.of->name + std::string(width - c.of->name.size(), ' ') + (c.passed() ? "  passed  " : "  FAILED  ");
    const auto bad = std::count_if(c.metrics.begin(), c.metrics.end(), [](const Judged& j) { return !j.passed; });
    out += bad > 0 ? std::to_string(bad) + " of " + std::to_string(c.metrics.size()) + " metrics"
                   : std::to_string(c.metrics.size()) + " metrics";
    if (c.passed() && c.parting) out += ", though decisions differ from number " + std::to_string(c.parting->from + 1) + " on";
    out += '\n';
    if (c.passed()) continue;
    for (const auto& line : failure_lines(c)) out += "    " + line + "\n";
  }
  return out + report.suite->name + ": " + std::to_string(passed) + " of " + std::to_string(report.cases.size()) + " cases passed\n";
}

Json report_json(const CheckReport& report) {
  Json out{{"format", "tideline-check"}, {"version", 1},          {"suite", report.suite->name}, {"program", version_text()},
           {"passed", report.passed()},  {"cases", Json::array()}};
  for (const CaseReport& c : report.cases) out["cases"].push_back(json_of(c));
  return out;
}

std::string report_junit(const CheckReport& report) {
  std::size_t tests = 0, failures = 0;
  double seconds = 0;
  std::string cases;
  for (const CaseReport& c : report.cases) {
    seconds += c.seconds;
    std::string details;  // once: with the first failure of the case
    if (!c.passed())
      for (const auto& line : failure_lines(c)) details += line + "\n";
    const auto add = [&](const std::string& name, bool passed, const std::string& message, double took) {
      ++tests;
      failures += passed ? 0 : 1;
      cases += "    <testcase classname=\"" + xml(report.suite->name + "." + c.of->name) + "\" name=\"" + xml(name) + "\" time=\"" +
               fixed(took) + "\"";
      cases += passed ? "/>\n" : ">\n      <failure message=\"" + xml(message) + "\">" + xml(details) + "</failure>\n    </testcase>\n";
      if (!passed) details.clear();
    };
    add("audit", c.audit.empty(), "the audit failed", c.seconds);
    for (const Judged& j : c.metrics) add(j.metric->key(), j.passed, j.metric->key() + ": " + judged_text(j), 0);
  }
  const std::string counts =
      " tests=\"" + std::to_string(tests) + "\" failures=\"" + std::to_string(failures) + "\" errors=\"0\" time=\"" + fixed(seconds) + "\"";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + counts + ">\n  <testsuite name=\"" + xml(report.suite->name) + "\"" +
         counts + ">\n" + cases + "  </testsuite>\n</testsuites>\n";
}

}  // namespace tideline

// tideline diff: where two runs part.
#include "sim/core/text.h"
#include "src/compare_results.h"
#include "src/decision_diff.h"
#include "src/errors.h"
#include "src/options.h"
#include "src/recorded_run.h"
#include "src/text_table.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <set>

namespace tideline {

namespace {

constexpr std::size_t most_rows = 20, most_settings = 20;

/// All that is different between two files.
struct FilesDifference {
  std::vector<JsonDifference> configuration;
  std::string why_no_decisions;  ///< empty: they were compared
  DecisionDifference decisions;
  std::vector<MetricDifference> metrics;
  ResultsComparison results;

  bool same_decisions() const { return decisions.same && !decisions.other_reason; }
  bool same() const { return same_decisions() && metrics.empty() && !results.first; }
};

FilesDifference compare(const ResultsReader& a, const ResultsReader& b) {
  FilesDifference out;
  out.configuration = json_differences(configuration_of(a), configuration_of(b));
  const bool in_a = has_decisions(a), in_b = has_decisions(b);
  if (in_a && in_b)
    out.decisions = compare_decisions(a, b);
  else
    out.why_no_decisions =
        in_a || in_b ? (in_a ? b : a).path().string() + " has no records of decisions" : "neither file has records of decisions";
  out.metrics = metric_differences(a, b);
  out.results = compare_results(a, b);
  return out;
}

// --- JSON ---

Json json_of(const std::optional<double>& x) { return x && std::isfinite(*x) ? Json(*x) : Json(nullptr); }

Json json_of(const DecisionText& d) {
  const auto text = [](const std::string& s) { return s.empty() ? Json(nullptr) : Json(s); };
  return {{"row", d.row},
          {"time_s", static_cast<double>(d.time_ns) / 1e9},
          {"query", text(d.query)},
          {"kind", d.kind},
          {"policy", d.policy},
          {"answer", d.answer},
          {"chosen", text(d.chosen)},
          {"runner_up", text(d.runner_up)},
          {"reason", text(d.reason)},
          {"amount", text(d.amount)}};
}

Json json_of(const std::vector<DecisionText>& list) {
  Json out = Json::array();
  for (const auto& d : list) out.push_back(json_of(d));
  return out;
}

Json json_of(const DecisionSide& side) {
  Json out{{"decisions", side.rows},
           {"decision", side.decision ? json_of(*side.decision) : Json(nullptr)},
           {"earlier_of_query", json_of(side.of_query)}};
  out["instances"] = nullptr;
  if (!side.has_instances) return out;
  out["instances"] = Json::object();
  for (const auto& [group, s] : side.instances)
    out["instances"][group] = {{"starting", s.starting}, {"warm", s.warm}, {"draining", s.draining}, {"busy", s.busy}};
  return out;
}

Json json_of(const ResultsReader& r) {
  return {{"file", r.path().string()},
          {"scenario", r.text_attribute("/run", "scenario")},
          {"seed", r.integer_attribute("/run", "seed")},
          {"program_version", r.text_attribute("/run", "program_version")}};
}

Json json_of(const FilesDifference& d, const ResultsReader& a, const ResultsReader& b) {
  Json out{{"format", "tideline-diff"}, {"version", 1}, {"a", json_of(a)}, {"b", json_of(b)}, {"same", d.same()}};
  Json& configuration = out["configuration"] = Json::array();
  for (const auto& c : d.configuration) configuration.push_back({{"pointer", c.pointer}, {"a", c.a}, {"b", c.b}});
  if (!d.why_no_decisions.empty()) {
    out["decisions"] = {{"compared", false}, {"why", d.why_no_decisions}};
  } else {
    Json& decisions = out["decisions"] = {{"compared", true}, {"same", d.decisions.same}};
    if (!d.decisions.same) {
      decisions["first"] = d.decisions.row;
      decisions["before"] = json_of(d.decisions.before);
    }
    decisions["a"] = json_of(d.decisions.a);
    decisions["b"] = json_of(d.decisions.b);
    decisions["other_reason"] = nullptr;
    if (const auto& other = d.decisions.other_reason)
      decisions["other_reason"] = {{"a", json_of(other->first)}, {"b", json_of(other->second)}};
  }
  Json& metrics = out["metrics"] = Json::array();
  for (const auto& m : d.metrics)
    metrics.push_back({{"row", m.row},
                       {"metric", m.metric},
                       {"unit", m.unit},
                       {"a", json_of(m.a)},
                       {"b", json_of(m.b)},
                       {"difference", json_of(m.difference())},
                       {"relative", json_of(m.relative())}});
  out["first_value"] = nullptr;
  if (const auto& v = d.results.first) out["first_value"] = {{"dataset", v->dataset}, {"row", v->row}, {"a", v->a}, {"b", v->b}};
  return out;
}

// --- text ---

using Cells = std::vector<std::string>;

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string short_number(const std::optional<double>& x, const char* format) {
  if (!x) return "-";
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), format, *x);
  return text.data();
}

void print_sides(const DecisionSide& a, const DecisionSide& b) {
  const auto field = [](const DecisionSide& side, std::string DecisionText::*member) {
    return side.decision ? or_dash((*side.decision).*member) : std::string("-");
  };
  const auto time = [](const DecisionSide& side) {
    return side.decision ? seconds_of(side.decision->time_ns) : std::string("no decision any more");
  };
  std::vector<Cells> lines{{"", "A", "B"}, {"time", time(a), time(b)}};
  const std::array<std::pair<const char*, std::string DecisionText::*>, 8> fields{{{"query", &DecisionText::query},
                                                                                   {"kind", &DecisionText::kind},
                                                                                   {"policy", &DecisionText::policy},
                                                                                   {"answer", &DecisionText::answer},
                                                                                   {"chosen", &DecisionText::chosen},
                                                                                   {"runner-up", &DecisionText::runner_up},
                                                                                   {"reason", &DecisionText::reason},
                                                                                   {"amount", &DecisionText::amount}}};
  for (const auto& [name, member] : fields) lines.push_back({name, field(a, member), field(b, member)});
  std::cout << in_columns(lines, "  ");
}

std::string state_text(const GroupState& s) {
  std::string out;
  const auto add = [&](std::uint32_t n, const char* what) {
    if (n > 0) out += (out.empty() ? "" : ", ") + std::to_string(n) + " " + what;
  };
  add(s.warm, "warm");
  add(s.busy, "busy");
  add(s.starting, "starting");
  add(s.draining, "draining");
  return out.empty() ? "none" : out;
}

void print_instances(const DecisionSide& a, const DecisionSide& b) {
  if (!a.has_instances || !b.has_instances) {
    std::cout << "Instances then: not recorded in "
              << (a.has_instances   ? "B"
                  : b.has_instances ? "A"
                                    : "either")
              << " (--records instances,decisions)\n";
    return;
  }
  std::set<std::string> groups;
  for (const auto* side : {&a, &b})
    for (const auto& [group, s] : side->instances) groups.insert(group);
  std::cout << "Instances just before" << (a.instances == b.instances ? ", the same in both" : "") << ":\n";
  std::vector<Cells> lines;
  if (a.instances != b.instances) lines.push_back({"", "A", "B"});
  const auto of = [](const DecisionSide& side, const std::string& group) {
    const auto found = side.instances.find(group);
    return state_text(found == side.instances.end() ? GroupState{} : found->second);
  };
  for (const auto& group : groups) {
    lines.push_back({group, of(a, group)});
    if (a.instances != b.instances) lines.back().push_back(of(b, group));
  }
  if (lines.empty()) lines.push_back({"none"});
  std::cout << in_columns(lines, "  ");
}

void print_list(const std::string& title, const std::vector<DecisionText>& list) {
  if (list.empty()) return;
  std::cout << title << '\n';
  for (const auto& d : list) std::cout << "  " << to_text(d) << '\n';
}

void print_decisions(const DecisionDifference& d) {
  const std::string counts = std::to_string(d.a.rows) + " in A, " + std::to_string(d.b.rows) + " in B";
  if (d.same) {
    std::cout << "Decisions are the same: " << d.a.rows << '\n';
    if (!d.other_reason) return;
    std::cout << "The first for another reason, or with another runner-up:\n  A " << to_text(d.other_reason->first) << "\n  B "
              << to_text(d.other_reason->second) << '\n';
    return;
  }
  std::cout << "The first decision that differs is number " << d.row + 1 << " (" << counts << "):\n";
  print_sides(d.a, d.b);
  const bool same_query = d.a.decision && d.b.decision && d.a.decision->query == d.b.decision->query;
  if (same_query) {
    print_list("Earlier decisions about query " + d.a.decision->query + ":", d.a.of_query);
  } else {
    if (d.a.decision) print_list("Earlier decisions about query " + d.a.decision->query + " (A):", d.a.of_query);
    if (d.b.decision) print_list("Earlier decisions about query " + d.b.decision->query + " (B):", d.b.of_query);
  }
  print_list("Just before, in both:", d.before);
  print_instances(d.a, d.b);
}

void print_metrics(const std::vector<MetricDifference>& metrics, bool all) {
  std::vector<Cells> lines{{"metric", "A", "B", "difference", "relative"}};
  std::size_t left = 0;
  for (const bool total : {true, false})
    for (const auto& m : metrics) {
      if ((m.row == "total") != total) continue;
      if (!all && !total && lines.size() > most_rows) {
        ++left;
        continue;
      }
      const double percent = 100 * m.relative().value_or(0);
      lines.push_back({(total ? "" : m.row + ": ") + m.metric, value_text(m.a), value_text(m.b), short_number(m.difference(), "%+.6g"),
                       m.relative() ? short_number(percent, "%+.3g") + " %" : "-"});
    }
  std::cout << "Metrics of the summary that differ, largest relative difference first:\n";
  std::cout << in_columns(lines, "  ");
  if (left > 0) std::cout << "  and " << left << " of classes, tasks and variants: --all\n";
}

void print(const FilesDifference& d, const ResultsReader& a, const ResultsReader& b, bool all) {
  const auto head = [](const char* which, const ResultsReader& r) {
    std::cout << which << "  " << r.path().string() << ": " << r.text_attribute("/run", "scenario") << ", seed "
              << r.integer_attribute("/run", "seed") << ", " << r.text_attribute("/run", "program_version") << '\n';
  };
  head("A", a);
  head("B", b);
  if (!d.configuration.empty()) {
    std::cout << "\nConfigurations differ in " << d.configuration.size() << (d.configuration.size() == 1 ? " value:\n" : " values:\n");
    std::vector<Cells> lines{{"", "A", "B"}};
    const auto cut = [](const std::string& s) { return s.size() > 60 ? s.substr(0, 57) + "..." : s; };
    for (const auto& c : d.configuration)
      if (lines.size() <= most_settings) lines.push_back({c.pointer, cut(c.a), cut(c.b)});
    std::cout << in_columns(lines, "  ");
    if (d.configuration.size() > most_settings) std::cout << "  and " << d.configuration.size() - most_settings << " more: --json\n";
  }
  std::cout << '\n';
  if (d.why_no_decisions.empty())
    print_decisions(d.decisions);
  else
    std::cout << "Decisions are not compared: " << d.why_no_decisions << " (tideline run --records decisions)\n";
  std::cout << '\n';
  if (!d.metrics.empty()) print_metrics(d.metrics, all);
  if (d.metrics.empty() && d.results.first)
    std::cout << "The first value that differs: " << d.results.first->dataset << ", row " << d.results.first->row << ": "
              << d.results.first->a << " in A, " << d.results.first->b << " in B\n";
  if (d.same()) std::cout << "no difference\n";
}

}  // namespace

int command_diff(const Arguments& arguments, const PolicyRegistry&) {
  cxxopts::Options options("tideline diff",
                           "Show where two runs part: the first decision that differs, with its context, and all metrics.\n");
  options.add_options()("results", "Results files; for decisions both with --records decisions", cxxopts::value<std::vector<std::string>>(),
                        "A.h5 B.h5")("all", "All metrics of classes, tasks and variants too")("json", "Print JSON");
  options.parse_positional("results");
  options.positional_help("A.h5 B.h5");
  const auto parsed =
      parse_options(options, arguments,
                    "  tideline run quickstart --records instances,decisions --out a.h5\n"
                    "  tideline run quickstart --records instances,decisions --set /policies/autoscaling/params/target=0.8 --out b.h5\n"
                    "  tideline diff a.h5 b.h5\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("results") != 2) throw InputError("expected two results files (see tideline diff --help)");
  const auto paths = o["results"].as<std::vector<std::string>>();
  const ResultsReader a(paths[0]), b(paths[1]);
  require_complete(a);
  require_complete(b);
  const FilesDifference d = compare(a, b);
  if (o.count("json") > 0)
    std::cout << json_of(d, a, b).dump(2) << '\n';
  else
    print(d, a, b, o.count("all") > 0);
  return d.same() ? 0 : 1;
}

}  // namespace tideline

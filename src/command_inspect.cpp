// tideline inspect: what is in a results file.
#include "sim/core/nearest.h"
#include "src/errors.h"
#include "src/json_document.h"
#include "src/options.h"
#include "src/results_reader.h"
#include "src/steady_state.h"
#include "src/text_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iomanip>
#include <iostream>
#include <sstream>

namespace tideline {

namespace {

/// Metrics of the total that say most of a run.
constexpr std::array<std::string_view, 11> headline{"queries_arrived",    "queries_served", "slo_attainment", "goodput_qps",
                                                    "effective_accuracy", "latency_p50_s",  "latency_p99_s",  "cost_usd",
                                                    "utilization",        "cold_starts",    "evictions"};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

std::string number_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

std::string bytes_text(std::uint64_t bytes) {
  std::array<char, 32> text{};
  const auto b = static_cast<double>(bytes);
  if (bytes < 10'000)
    std::snprintf(text.data(), text.size(), "%.0f B", b);
  else if (bytes < 10'000'000)
    std::snprintf(text.data(), text.size(), "%.1f kB", b * 1e-3);
  else
    std::snprintf(text.data(), text.size(), "%.1f MB", b * 1e-6);
  return text.data();
}

/// Seconds with all digits of the nanoseconds that count.
std::string seconds_text(std::int64_t ns) {
  std::string text =
      std::to_string(std::abs(ns) / 1'000'000'000) + "." + std::to_string(std::abs(ns) % 1'000'000'000 + 1'000'000'000).substr(1);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return (ns < 0 ? "-" : "") + text;
}

/// Where tables are: columns of equal length side by side.
std::vector<std::string> tables_of(const ResultsReader& reader) {
  std::vector<std::string> out;
  const std::vector<std::string> groups{"", "/summary", "/run/names"};
  for (const std::string& group : groups) {
    if (!group.empty() && !reader.has(group)) continue;
    for (const auto& [name, is_dataset] : reader.members(group.empty() ? "/" : group))
      if (const std::string path = group + "/" + name; !is_dataset && path != "/run" && path != "/summary") out.push_back(path.substr(1));
  }
  return out;
}

Json facts_json(const ResultsReader& reader) {
  Json facts;
  facts["file"] = reader.path().string();
  for (const char* name : {"scenario", "program_version", "compiler"}) facts[name] = reader.text_attribute("/run", name);
  facts["seed"] = reader.integer_attribute("/run", "seed");
  facts["state"] = state_text(reader);
  for (const char* name : {"overrides", "warnings", "hashes"}) facts[name] = lines_of(reader.text("/run/" + std::string(name)));
  return facts;
}

Json summary_json(const ResultsReader& reader) {
  Json out = Json::object();
  if (!reader.has("/summary/total")) return nullptr;
  for (const char* edge : {"window_begin_ns", "window_end_ns"}) out[edge] = reader.integer_attribute("/summary", edge);
  for (const ColumnFacts& c : reader.columns("/summary/total")) {
    const std::string path = "/summary/total/" + c.name;
    if (c.rows == 0) reader.damaged(path + " has no row");
    const double value = reader.doubles(path).at(0);
    if (!c.type.starts_with("float"))
      out[c.name] = reader.integers(path).at(0);
    else
      out[c.name] = std::isfinite(value) ? Json(value) : Json(nullptr);
  }
  return out;
}

Json audit_json(const ResultsReader& reader) {
  if (!reader.has("/audit")) return nullptr;
  Json out{{"passed", reader.integer_attribute("/audit", "passed") != 0}, {"checks", Json::array()}};
  if (!reader.has("/audit/name")) return out;
  const auto names = reader.strings("/audit/name"), details = reader.strings("/audit/detail");
  const auto passed = reader.integers("/audit/passed");
  if (details.size() != names.size() || passed.size() != names.size()) reader.damaged("/audit has columns of different lengths");
  for (std::size_t k = 0; k < names.size(); ++k)
    out["checks"].push_back({{"name", names[k]}, {"passed", passed[k] != 0}, {"detail", details[k]}});
  return out;
}

Json tables_json(const ResultsReader& reader) {
  Json out = Json::array();
  for (const std::string& name : tables_of(reader)) {
    const auto columns = reader.columns("/" + name);
    std::uint64_t bytes = 0, rows = columns.empty() ? 0 : columns.front().rows;
    Json list = Json::array();
    for (const ColumnFacts& c : columns) {
      rows = std::min(rows, c.rows);
      bytes += c.stored;
      list.push_back({{"name", c.name},
                      {"type", c.type},
                      {"unit", c.unit},
                      {"coding", c.coding},
                      {"names", c.names},
                      {"bytes", c.stored},
                      {"description", c.description}});
    }
    out.push_back({{"name", name}, {"rows", rows}, {"bytes", bytes}, {"columns", std::move(list)}});
  }
  return out;
}

/// Rows of a table with names in place of numbers and seconds in place of nanoseconds.
class RowPrinter {
 public:
  RowPrinter(const ResultsReader& reader, const std::string& name) : table_(reader, name), path_("/" + name) {
    if (name == "decisions") decisions_.emplace(reader);
    if (name == "queries") ending_ = table_.integer_column("ending");
    for (const ColumnFacts& c : table_.columns()) {
      const std::string unit = c.unit == "ns" ? "s" : c.unit == "USD" ? "usd" : c.unit == "bytes" ? "bytes" : "";
      heads_.push_back(c.name + (unit.empty() || c.name.ends_with("_" + unit) ? "" : "_" + unit));
      texts_.push_back(c.type == "text" ? reader.strings(path_ + "/" + c.name) : std::vector<std::string>());
    }
  }

  const std::vector<std::string>& heads() const { return heads_; }
  std::uint64_t rows() const { return table_.rows(); }
  std::vector<Json> row(std::uint64_t k) {
    table_.go_to(k);
    std::vector<Json> out;
    for (std::size_t c = 0; c < heads_.size(); ++c) out.push_back(cell(c, k));
    return out;
  }
  /// As it stands in a table for people.
  std::string text(std::size_t c, const Json& cell) const {
    const ColumnFacts& facts = table_.columns()[c];
    if (cell.is_null()) return table_.is_real(c) ? "nan" : "-";
    if (cell.is_boolean()) return cell.get<bool>() ? "1" : "0";
    if (cell.is_string()) return cell.get<std::string>();
    if (table_.is_real(c)) return number_text(cell.get<double>());
    return facts.unit == "ns" ? seconds_text(std::llround(cell.get<double>() * 1e9)) : cell.dump();
  }

 private:
  /// Numbers as numbers, with all digits that they have; null: none.
  Json cell(std::size_t c, std::uint64_t k) {
    const ColumnFacts& facts = table_.columns()[c];
    if (facts.type == "text") return texts_[c][k];
    if (table_.is_real(c)) {
      const double value = table_.real(c);
      if (!std::isfinite(value)) return nullptr;
      return facts.type == "float32" ? shortest(static_cast<float>(value)) : value;
    }
    // What was drawn for an answer that there is not.
    if (ending_ && facts.name == "outcome" && table_.name(*ending_) != "answered") return nullptr;
    if (!facts.names.empty()) return table_.name(c).empty() ? Json() : Json(std::string(table_.name(c)));
    const std::int64_t value = table_.integer(c);
    if (decisions_) {
      const auto answer = static_cast<std::size_t>(table_.integer(table_.column("answer")));
      std::string text;
      if (facts.name == "query") return decisions_->of_query(answer) ? Json(static_cast<std::uint64_t>(value)) : Json();
      if (facts.name == "chosen" || facts.name == "runner_up")
        text = decisions_->subject(answer, value);
      else if (facts.name == "reason")
        text = decisions_->reason(table_.integer(table_.column("controller")), answer, value);
      if (!text.empty()) return text;
      if (facts.name == "chosen" || facts.name == "runner_up" || facts.name == "reason") return nullptr;
    }
    if (facts.unit == "ns") return value == -1 ? Json() : Json(static_cast<double>(value) / 1e9);
    if (facts.type == "int32" && value < 0) return nullptr;
    if (facts.type == "uint8" && (facts.name == "lost" || facts.name == "passed" || facts.name == "of_query")) return value != 0;
    return facts.type == "uint64" ? Json(static_cast<std::uint64_t>(value)) : Json(value);
  }
  /// The double that has no more digits than the float.
  static double shortest(float value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    double out = value;
    std::from_chars(text.data(), end, out);
    return out;
  }

  RecordTable table_;
  std::string path_;
  std::optional<DecisionNames> decisions_;
  std::optional<std::size_t> ending_;  // column of queries
  std::vector<std::string> heads_;
  std::vector<std::vector<std::string>> texts_;
};

std::vector<std::vector<Json>> chosen_rows(RowPrinter& printer, std::uint64_t count, bool last) {
  const std::uint64_t n = std::min(count, printer.rows()), begin = last ? printer.rows() - n : 0;
  std::vector<std::vector<Json>> out;
  for (std::uint64_t k = begin; k < begin + n; ++k) out.push_back(printer.row(k));
  return out;
}

void print(const ResultsReader& reader) {
  const Json facts = facts_json(reader), summary = summary_json(reader), audit = audit_json(reader);
  const auto text = [&](const char* name) { return facts[name].get<std::string>(); };
  std::cout << text("file") << ": " << text("scenario") << ", seed " << facts["seed"] << '\n'
            << "state      " << text("state") << '\n'
            << "written by " << text("program_version") << ", " << text("compiler") << '\n';
  for (const char* name : {"overrides", "warnings", "hashes"})
    for (std::size_t k = 0; k < facts[name].size(); ++k)
      std::cout << std::left << std::setw(11) << (k == 0 ? name : "") << facts[name][k].get<std::string>() << '\n';
  if (!summary.is_null()) {
    const auto edge = [&](const char* name) { return seconds_text(summary[name].get<std::int64_t>()); };
    std::cout << "\nSummary of " << edge("window_begin_ns") << " s to " << edge("window_end_ns") << " s\n";
    std::vector<std::vector<std::string>> lines;
    for (const ColumnFacts& c : reader.columns("/summary/total"))
      if (std::find(headline.begin(), headline.end(), c.name) != headline.end()) {
        const Json& value = summary[c.name];
        lines.push_back({"  " + c.name,
                         value.is_null()           ? "-"
                         : value.is_number_float() ? number_text(value)
                                                   : value.dump(),
                         c.unit == "1" ? "" : c.unit, c.description});
      }
    std::cout << in_columns(lines);
  }
  if (!audit.is_null()) {
    std::cout << "\nAudit " << (audit["passed"] == true ? "passed" : "FAILED") << ", " << audit["checks"].size() << " checks\n";
    for (const Json& c : audit["checks"])
      if (c["passed"] == false) std::cout << "  " << c["name"].get<std::string>() << ": " << c["detail"].get<std::string>() << '\n';
  }
  std::cout << "\nTables\n";
  std::vector<std::vector<std::string>> lines{{"  name", "rows", "columns", "on disk", "a row"}};
  const Json tables = tables_json(reader);
  for (const Json& t : tables) {
    const std::uint64_t rows = t["rows"], bytes = t["bytes"];
    lines.push_back(
        {"  " + t["name"].get<std::string>(), std::to_string(rows), std::to_string(t["columns"].size()), bytes_text(bytes),
         rows == 0 ? "" : number_text(std::round(100.0 * static_cast<double>(bytes) / static_cast<double>(rows)) / 100) + " B"});
  }
  std::cout << in_columns(lines);
  std::cout << "\nColumns and rows of a table: --table NAME [--rows N] [--last]\n";
}

void print_table(const ResultsReader& reader, const std::string& name, std::uint64_t count, bool last) {
  RowPrinter printer(reader, name);
  std::vector<std::vector<std::string>> lines{{"column", "type", "unit", "coding", "on disk", "what"}};
  for (const ColumnFacts& c : reader.columns("/" + name))
    lines.push_back({c.name, c.type, c.unit, c.coding.empty() ? "-" : c.coding, bytes_text(c.stored), c.description});
  std::cout << in_columns(lines);
  std::cout << '\n' << printer.rows() << " rows, the " << (last ? "last" : "first") << ' ' << std::min(count, printer.rows()) << ":\n";
  lines.assign({printer.heads()});
  for (const auto& row : chosen_rows(printer, count, last)) {
    lines.emplace_back();
    for (std::size_t c = 0; c < row.size(); ++c) lines.back().push_back(printer.text(c, row[c]));
  }
  std::cout << in_columns(lines);
}

Json rows_json(const ResultsReader& reader, const std::string& name, std::uint64_t count, bool last) {
  RowPrinter printer(reader, name);
  Json rows = Json::array();
  for (const auto& row : chosen_rows(printer, count, last)) {
    Json object;
    for (std::size_t c = 0; c < row.size(); ++c) object[printer.heads()[c]] = row[c];
    rows.push_back(std::move(object));
  }
  return rows;
}

/// What `--rows` says.
std::uint64_t count_of(const std::string& text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size()) throw InputError("--rows " + text + ": expected a whole number, 0 or more");
  return count;
}

/// Tables of records that are not there are for RecordTable, which says how to get them.
void require_table(const ResultsReader& reader, const std::string& name) {
  const auto tables = tables_of(reader);
  for (const std::string_view record : {"queries", "instances", "batches", "decisions"})
    if (name == record) return;
  if (std::find(tables.begin(), tables.end(), name) != tables.end()) return;
  const std::string_view near = nearest(name, tables);
  std::string message = "'" + reader.path().string() + "': there is no table " + name + " in it";
  if (!near.empty()) message += "; did you mean \"" + std::string(near) + "\"?";
  message += " Its tables:";
  for (const auto& t : tables) message += " " + t;
  throw InputError(message);
}

}  // namespace

int command_inspect(const Arguments& arguments, const PolicyRegistry&) {
  cxxopts::Options options("tideline inspect", "Show what is in a results file, also one that a killed (.part) or interrupted run left.\n");
  options.add_options()("results", "Results file", cxxopts::value<std::string>(), "RESULT.h5")(
      "table", "Show columns and rows of this table, with names and seconds", cxxopts::value<std::string>(), "NAME")(
      "steady",
      "Of a stationary load: the mean of a column of the series, or of latency_s, wait_s or service_s of the answers, by batch means, "
      "and whether the warm-up was long enough (MSER-5)",
      cxxopts::value<std::string>(), "COLUMN")("confidence", "Of its interval", cxxopts::value<double>()->default_value("0.95"), "P")(
      "rows", "How many rows", cxxopts::value<std::string>()->default_value("10"), "N")("last", "The last rows in place of the first")(
      "json", "Print JSON")("recover", "First finish a flush that a kill cut short");
  options.parse_positional("results");
  options.positional_help("RESULT.h5");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline inspect results/quickstart.h5\n"
                                    "  tideline inspect results/quickstart.h5 --table queries --rows 5 --last\n"
                                    "  tideline inspect results/mm1.h5 --steady wait_s\n"
                                    "  tideline inspect results/quickstart.h5.part --recover\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("results") == 0) throw InputError("no results file given (see tideline inspect --help)");
  const auto path = o["results"].as<std::string>();
  const std::uint64_t count = count_of(o["rows"].as<std::string>());
  if (o.count("recover") > 0) std::cerr << path << (recover_results(path) ? ": recovered\n" : ": nothing to recover\n");
  const ResultsReader reader(path);
  const bool last = o.count("last") > 0;
  if (o.count("steady") > 0) {
    if (o.count("table") > 0) throw InputError("--steady and --table: one at a time");
    const double confidence = o["confidence"].as<double>();
    if (!(confidence >= 0.5 && confidence < 1)) throw InputError("--confidence: expected a number from 0.5 to below 1");
    const SteadyState s = steady_state(reader, o["steady"].as<std::string>(), confidence);
    std::cout << (o.count("json") > 0 ? steady_json(s, confidence).dump(2) + "\n" : steady_text(s, confidence));
    return 0;
  }
  if (o.count("table") == 0) {
    if (o.count("json") == 0) {
      print(reader);
      return 0;
    }
    Json all = facts_json(reader);
    all["summary"] = summary_json(reader);
    all["audit"] = audit_json(reader);
    all["tables"] = tables_json(reader);
    std::cout << all.dump(2) << '\n';
    return 0;
  }
  const auto name = o["table"].as<std::string>();
  require_table(reader, name);
  if (o.count("json") > 0)
    std::cout << rows_json(reader, name, count, last).dump(2) << '\n';
  else
    print_table(reader, name, count, last);
  return 0;
}

}  // namespace tideline

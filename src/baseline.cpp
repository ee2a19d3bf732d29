#include "src/baseline.h"

#include "sim/core/random.h"
#include "sim/core/text.h"
#include "sim/statistics/prediction.h"
#include "src/compare_results.h"
#include "src/errors.h"
#include "src/file_hash.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace tideline {

namespace fs = std::filesystem;

namespace {

constexpr const char* format = "tideline-baseline";
constexpr std::int64_t version = 1;

/// The configuration without what is kept or compared apart, and without paths: those depend on where a suite lies.
Json rest_of(Json configuration) {
  configuration.erase("policies");
  configuration.erase("about");
  if (configuration.contains("catalog") && configuration["catalog"].is_string()) configuration["catalog"] = "file";
  if (configuration.contains("workload") && configuration["workload"].is_array())
    for (Json& entry : configuration["workload"])
      if (entry.is_object() && entry.contains("params") && entry["params"].is_object() && entry["params"].contains("file"))
        entry["params"]["file"] = "file";
  return configuration;
}

class Reader {
 public:
  Reader(const fs::path& path, const SuiteCase& c) : path_(path), case_(c) {
    Problems problems;
    json_ = read_json_file(path.string(), problems).root;
  }

  Baseline read() {
    if (!json_.is_object() || !json_.contains("format") || json_["format"] != format) fail("is not a baseline of tideline");
    const Json is = json_.contains("version") ? json_["version"] : Json();
    if (is != version)
      fail("was written in version " + is.dump() + " of the format, this program reads " + std::to_string(version) +
           ": accept it anew by " + "--update --reason TEXT");
    Baseline out;
    const Json& accepted = member("accepted", Json::value_t::object);
    for (auto [key, text] : {std::pair("by", &out.accepted.by), std::pair("date", &out.accepted.date),
                             std::pair("reason", &out.accepted.reason), std::pair("program", &out.accepted.program)})
      if (accepted.contains(key) && accepted[key].is_string()) *text = accepted[key].get<std::string>();
    out.configuration = member("configuration", Json::value_t::string).get<std::string>();
    out.policies = member("policies", Json::value_t::object);
    for (const auto& [name, content] : member("hashes", Json::value_t::object).items())
      if (content.is_string()) out.hashes[name] = content.get<std::string>();
    seeds(out);
    values(out);
    const auto print = decision_print(member("decisions", Json::value_t::object));
    if (!print) fail("has no print of decisions that can be read");
    out.decisions = *print;
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw InputError(path_.string() + " " + what); }

  const Json& member(const char* key, Json::value_t type) const {
    if (!json_.contains(key) || json_.at(key).type() != type) fail("is damaged: it has no " + in_quotes(key) + " as baselines have");
    return json_.at(key);
  }

  void seeds(Baseline& out) const {
    for (const Json& s : member("seeds", Json::value_t::array)) {
      if (!s.is_number_unsigned()) fail("is damaged: a seed is no number");
      out.seeds.push_back(s.get<std::uint64_t>());
    }
    if (out.seeds != case_.seeds) {
      const bool fewer = out.seeds.size() != case_.seeds.size();
      fail("was made with " +
           (fewer ? std::to_string(out.seeds.size()) + " replications, the case has " + std::to_string(case_.seeds.size())
                  : std::string("other seeds than the case has")) +
           ": accept it anew by --update --reason TEXT");
    }
  }

  void values(Baseline& out) const {
    for (const auto& [key, list] : member("values", Json::value_t::object).items()) {
      auto& values = out.values[key];
      if (!list.is_array() || list.size() != out.seeds.size()) fail("is damaged: " + in_quotes(key) + " needs a value for each seed");
      for (const Json& x : list) {
        if (!x.is_null() && !x.is_number()) fail("is damaged: a value of " + in_quotes(key) + " is no number");
        values.push_back(x.is_null() ? std::nullopt : std::optional(x.get<double>()));
      }
    }
    for (const CheckedMetric& m : case_.metrics)
      if (!out.values.contains(m.key()))
        fail("has no values of " + m.key() + ", which the suite checks by now: accept it anew by --update --reason TEXT");
  }

  fs::path path_;
  const SuiteCase& case_;
  Json json_;
};

}  // namespace

fs::path baseline_file(const Suite& suite, const SuiteCase& c) { return suite.baselines / (c.name + ".json"); }

Baseline baseline_of(const SuiteCase& c) {
  Baseline out;
  out.configuration = hex(hash(rest_of(c.configuration).dump(-1, ' ', false, Json::error_handler_t::replace)));
  out.policies = c.configuration.value("policies", Json::object());
  out.hashes = {c.hashes.begin(), c.hashes.end()};
  out.seeds = c.seeds;
  return out;
}

std::string to_text(const Baseline& b, const SuiteCase& c) {
  Json values = Json::object();
  for (const CheckedMetric& m : c.metrics) {
    Json& list = values[m.key()] = Json::array();
    for (const auto& x : b.values.at(m.key())) {
      // Counts stay counts: 12, not 12.0.
      if (x && std::abs(*x) < 1e15 && *x == std::floor(*x))
        list.push_back(static_cast<std::int64_t>(*x));
      else
        list.push_back(x ? Json(*x) : Json(nullptr));
    }
  }
  Json hashes = Json::object();
  for (const auto& [name, h] : b.hashes) hashes[name] = h;
  const Json out{
      {"format", format},
      {"version", version},
      {"case", c.name},
      {"accepted", {{"by", b.accepted.by}, {"date", b.accepted.date}, {"reason", b.accepted.reason}, {"program", b.accepted.program}}},
      {"scenario", c.configuration.value("about", std::string())},
      {"configuration", b.configuration},
      {"hashes", hashes},
      {"policies", b.policies},
      {"seeds", b.seeds},
      {"values", values},
      {"decisions", to_json(b.decisions)}};
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Baseline read_baseline(const Suite& suite, const SuiteCase& c) { return Reader(baseline_file(suite, c), c).read(); }

std::vector<std::string> changed_since(const Baseline& b, const SuiteCase& c) {
  const Baseline now = baseline_of(c);
  std::vector<std::string> out;
  if (now.configuration != b.configuration) out.emplace_back("the scenario (not its policies) changed");
  std::set<std::string> names;
  for (const auto* hashes : {&b.hashes, &now.hashes})
    for (const auto& [name, h] : *hashes) names.insert(name);
  for (const auto& name : names)
    if (!b.hashes.contains(name) || !now.hashes.contains(name) || b.hashes.at(name) != now.hashes.at(name))
      out.push_back(name + " changed");
  for (const auto& d : json_differences(b.policies, now.policies)) out.push_back("/policies" + d.pointer + ": was " + d.a + ", is " + d.b);
  return out;
}

Judged judge(const CheckedMetric& metric, const std::vector<std::optional<double>>& accepted, std::optional<double> got) {
  Judged j;
  j.metric = &metric;
  j.expected = accepted.empty() ? std::nullopt : accepted.front();
  j.got = got;
  const bool same = j.expected == got;
  if (metric.rule == ToleranceRule::statistical) {
    std::vector<double> values;
    for (const auto& x : accepted)
      if (x) values.push_back(*x);
    const auto interval = values.size() == accepted.size() ? statistics::prediction_interval(values, metric.confidence) : std::nullopt;
    if (interval) {
      j.low = interval->low;
      j.high = interval->high;
      j.expected = interval->low + 0.5 * (interval->high - interval->low);
    }
  } else if (j.expected) {
    const double room = metric.rule == ToleranceRule::exact      ? 0
                        : metric.rule == ToleranceRule::absolute ? metric.tolerance
                                                                 : metric.tolerance * std::abs(*j.expected);
    j.low = *j.expected - room;
    j.high = *j.expected + room;
  }
  j.passed = same || (got && j.low && *j.low <= *got && *got <= *j.high);
  return j;
}

}  // namespace tideline

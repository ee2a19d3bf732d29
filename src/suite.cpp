#include "src/suite.h"

#include "sim/core/nearest.h"
#include "sim/core/pointer.h"
#include "sim/core/text.h"
#include "src/assemble.h"
#include "src/axis.h"
#include "src/errors.h"
#include "src/layer_section.h"
#include "src/scenario.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tideline {

namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t least_replications = 3;

constexpr std::array<std::string_view, 4> rules{"exact", "absolute", "relative", "statistical"};

struct SuiteSection {
  std::int64_t schema = 1;
  std::string about, baselines = "baselines";
  param::Value metrics, cases, set;
  static constexpr auto declare() {
    return param::fields(param::field("schema", &SuiteSection::schema, "Version of the format.", {1, 1}, param::required),
                         param::field("about", &SuiteSection::about, "What the suite is for."),
                         param::field("baselines", &SuiteSection::baselines, "Folder of what was accepted, relative to this file."),
                         param::field("set", &SuiteSection::set, "Values that hold in all cases, by JSON pointer, as --set."),
                         param::field("metrics", &SuiteSection::metrics, "What is checked in all cases: a list."),
                         param::field("cases", &SuiteSection::cases, "What is run: a list.", param::required));
  }
};

struct CaseSection : LayerSection {
  std::string name, about, scenario;
  std::optional<std::int64_t> seed;
  std::uint32_t replications = 1;
  param::Value metrics;
  static constexpr auto declare() {
    return std::tuple_cat(
        param::fields(
            param::field("name", &CaseSection::name, "What the case is called: letters, digits, _, - and points.", param::required),
            param::field("about", &CaseSection::about, "What it is for."),
            param::field("scenario", &CaseSection::scenario, "The scenario: a path relative to this file, or a name.", param::required),
            param::field("seed", &CaseSection::seed, "Seed of the first replication; default: that of the scenario.", {0, 9e15}),
            param::field("replications", &CaseSection::replications, "Runs that a baseline is made of, each with a seed of its own.",
                         {1, 1000}),
            param::field("metrics", &CaseSection::metrics, "What is checked besides, or otherwise than, in all cases: a list.")),
        LayerSection::declare());
  }
};

struct MetricSection {
  std::string metric;
  std::optional<std::string> cls, task;
  ToleranceRule rule = ToleranceRule::exact;
  std::optional<double> tolerance, confidence;
  static constexpr auto declare() {
    return param::fields(
        param::field("metric", &MetricSection::metric, "A metric of the summary.", param::required),
        param::field("class", &MetricSection::cls, "Of this class; default: of the total."),
        param::field("task", &MetricSection::task, "Of this task; default: of the total."),
        param::choice("rule", &MetricSection::rule,
                      "How the new value is judged: exact (the same), absolute or relative (within the tolerance of what was accepted), "
                      "statistical (within the prediction interval of the accepted replications).",
                      {{rules[0], ToleranceRule::exact},
                       {rules[1], ToleranceRule::absolute},
                       {rules[2], ToleranceRule::relative},
                       {rules[3], ToleranceRule::statistical}},
                      param::required),
        param::field("tolerance", &MetricSection::tolerance, "How far the value may be off; relative: a share of what was accepted.",
                     {0, 1e300}),
        param::field("confidence", &MetricSection::confidence, "Of the prediction interval; default 0.99.", {0.5, 0.999999}));
  }
};

class Reader {
 public:
  explicit Reader(const std::string& path) : document_(read_json_file(path, problems_)), folder_(fs::path(path).parent_path()) {
    out_.name = fs::path(path).stem().string();
    out_.file = path;
  }

  Suite read(const PolicyRegistry& registry) {
    const Json& root = document_.root;
    const auto s = param::bind<SuiteSection>(to_value(root), "", problems_);
    out_.baselines = (folder_ / s.baselines).lexically_normal();
    common_layers_ = set_layers(root, "/set", problems_);
    common_ = metrics_of(root, "");
    if (const Json* cases = list(root, "", "cases")) {
      if (cases->empty()) problems_.add("/cases", "the suite is empty: it needs at least one case");
      for (std::size_t k = 0; k < cases->size(); ++k) add_case((*cases)[k], child("/cases", k));
    }
    finish();
    for (std::size_t k = 0; k < out_.cases.size(); ++k) complete(out_.cases[k], child("/cases", k), registry);
    if (!missing_.empty()) throw WorldError(wrong_ + missing_);
    finish();
    return std::move(out_);
  }

 private:
  void finish() const {
    if (!problems_.empty() || !wrong_.empty()) throw InputError(render(problems_, document_) + wrong_);
  }

  const Json* list(const Json& object, const std::string& at, const char* key) {
    if (!object.is_object() || !object.contains(key) || object[key].is_null()) return nullptr;
    if (object[key].is_array()) return &object[key];
    problems_.add(child(at, key), "expected a list");
    return nullptr;
  }

  /// A metric and the place where it stands.
  struct Placed {
    CheckedMetric metric;
    std::string at;
  };

  std::vector<Placed> metrics_of(const Json& object, const std::string& at) {
    std::vector<Placed> out;
    const Json* found = list(object, at, "metrics");
    for (std::size_t k = 0; found != nullptr && k < found->size(); ++k) {
      const std::string here = child(child(at, "metrics"), k);
      const std::size_t before = problems_.list().size();
      const auto s = param::bind<MetricSection>(to_value((*found)[k]), here, problems_);
      if (problems_.list().size() > before) continue;
      CheckedMetric m;
      m.rule = s.rule;
      m.tolerance = s.tolerance.value_or(0);
      m.confidence = s.confidence.value_or(m.confidence);
      if (s.cls) m.row = "class " + *s.cls;
      if (s.task) m.row = "task " + *s.task;
      if (s.cls && s.task) problems_.add(here, "a metric is of a class or of a task");
      const bool within = s.rule == ToleranceRule::absolute || s.rule == ToleranceRule::relative;
      if (within && !s.tolerance) problems_.add(here, "the rule " + std::string(to_string(s.rule)) + " needs a \"tolerance\"");
      if (!within && s.tolerance)
        problems_.add_key(child(here, "tolerance"), "the rule " + std::string(to_string(s.rule)) + " has no tolerance");
      if (s.rule != ToleranceRule::statistical && s.confidence)
        problems_.add_key(child(here, "confidence"), "only the rule statistical has a confidence");
      m.metric = find(s, here);
      if (m.metric == nullptr) continue;
      for (const Placed& other : out)
        if (other.metric.key() == m.key()) problems_.add(here, in_quotes(m.key()) + " is there twice");
      out.push_back({m, here});
    }
    return out;
  }

  const Metric* find(const MetricSection& s, const std::string& at) {
    std::vector<std::string_view> names;
    for (const Metric& m : metrics()) {
      names.push_back(m.name);
      if (m.name != s.metric) continue;
      if (s.cls && m.scope != MetricScope::all)
        problems_.add(child(at, "class"), in_quotes(s.metric) + " is no metric of classes");
      else if (s.task && m.scope == MetricScope::total)
        problems_.add(child(at, "task"), in_quotes(s.metric) + " is a metric of the total alone");
      return &m;
    }
    problems_.add(child(at, "metric"), "unknown metric " + in_quotes(s.metric) + suggestion(s.metric, names));
    return nullptr;
  }

  void add_case(const Json& value, const std::string& at) {
    const std::size_t before = problems_.list().size();
    const auto s = param::bind<CaseSection>(to_value(value), at, problems_);
    SuiteCase c;
    c.name = s.name;
    c.about = s.about;
    c.replications = s.replications;
    c.layers = common_layers_;
    for (auto& l : layers_of(s, value, at, folder_, problems_)) c.layers.push_back(std::move(l));
    if (s.seed) c.layers.push_back({LayerKind::seed, std::to_string(*s.seed)});
    const bool named = problems_.list().size() == before;
    // The name of a file too.
    const bool plain = std::all_of(s.name.begin(), s.name.end(), [](char x) {
      return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') || (x >= '0' && x <= '9') || x == '_' || x == '-' || x == '.';
    });
    if (named && (s.name.empty() || s.name.starts_with('.') || !plain || s.name.size() > 100))
      problems_.add(child(at, "name"), in_quotes(s.name) + " is no name of a case: letters, digits, _, - and points");
    for (const SuiteCase& other : out_.cases)
      if (named && other.name == s.name) problems_.add(child(at, "name"), "two cases are called " + in_quotes(s.name));
    std::vector<Placed> all = common_;
    for (Placed& m : metrics_of(value, at)) {
      std::erase_if(all, [&](const Placed& other) { return other.metric.key() == m.metric.key(); });
      all.push_back(std::move(m));
    }
    if (named && all.empty() && problems_.empty())
      problems_.add(at, "checks no metric: \"metrics\" of the suite or of the case names some");
    for (const Placed& m : all) {
      if (m.metric.rule == ToleranceRule::statistical && s.replications < least_replications && named)
        problems_.add(at, in_quotes(m.metric.key()) + " is judged statistically: that needs at least " +
                              std::to_string(least_replications) + " \"replications\"");
      c.metrics.push_back(m.metric);
    }
    if (named) {
      try {
        c.scenario = scenario_beside(folder_, s.scenario);
      } catch (const InputError& e) {
        problems_.add(child(at, "scenario"), e.what());
      }
    }
    placed_.push_back(std::move(all));
    out_.cases.push_back(std::move(c));
  }

  /// What only shows with the scenario.
  void complete(SuiteCase& c, const std::string& at, const PolicyRegistry& registry) {
    const auto add = [&](std::string& to, const std::string& text) {
      to += document_.place_text(at) + ": case " + c.name + ": " + text + (text.ends_with('\n') ? "" : "\n");
    };
    try {
      const Run run =
          assemble(read_scenario(c.scenario, c.layers, registry), [](const Scenario&, const World&) { return std::vector<Recorder*>{}; });
      const Scenario& s = run.scenario;
      c.configuration = s.effective;
      c.hashes = s.hashes;
      for (std::uint32_t r = 0; r < c.replications; ++r) c.seeds.push_back(replication_seed(s.options.seed, r));
      std::vector<std::string> rows;
      for (const QueryClass& q : run.world->classes()) {
        rows.push_back("class " + q.name);
        rows.push_back("task " + run.world->catalog()[q.task].name);
      }
      for (const Placed& m : placed_[static_cast<std::size_t>(&c - out_.cases.data())])
        if (m.metric.row != "total" && std::find(rows.begin(), rows.end(), m.metric.row) == rows.end())
          problems_.add(m.at, "case " + in_quotes(c.name) + " has no " + m.metric.row + suggestion(m.metric.row, rows));
    } catch (const InputError& e) {
      add(wrong_, e.what());
    } catch (const WorldError& e) {
      add(missing_, e.what());
    }
  }

  Problems problems_;
  JsonDocument document_;
  fs::path folder_;
  std::vector<Layer> common_layers_;
  std::vector<Placed> common_;
  std::vector<std::vector<Placed>> placed_;  // by case
  std::string wrong_, missing_;              // in scenarios
  Suite out_;
};

}  // namespace

std::string_view to_string(ToleranceRule rule) { return rules[static_cast<std::size_t>(rule)]; }

std::string CheckedMetric::key() const { return std::string(metric->name) + (row == "total" ? "" : " of " + row); }

std::optional<double> CheckedMetric::value(const Summary& summary) const {
  const auto of = [&](const Metrics& m) -> std::optional<double> {
    const double x = std::visit([](auto v) { return static_cast<double>(v); }, metric->value(m));
    return std::isfinite(x) ? std::optional(x) : std::nullopt;
  };
  if (row == "total") return of(summary.total);
  for (const SummaryRow& r : summary.classes)
    if (row == "class " + r.name) return of(r.metrics);
  for (const SummaryRow& r : summary.tasks)
    if (row == "task " + r.name) return of(r.metrics);
  throw InputError("the run has no " + row + " for " + std::string(metric->name));
}

std::vector<Layer> SuiteCase::layers_of(std::size_t replication) const {
  std::vector<Layer> out = layers;
  out.push_back({LayerKind::seed, std::to_string(seeds[replication])});
  return out;
}

Suite read_suite(const std::string& path, const PolicyRegistry& registry) { return Reader(path).read(registry); }

}  // namespace tideline

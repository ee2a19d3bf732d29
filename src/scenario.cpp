#include "src/scenario.h"

#include "sim/core/text.h"
#include "src/errors.h"
#include "src/file_hash.h"
#include "src/outcomes_reader.h"
#include "src/scenario_reader.h"
#include "src/trace_files.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace tideline {

using namespace scenario_format;

ScenarioReader::ScenarioReader(const std::string& path, const std::vector<Layer>& layers, const PolicyRegistry& registry)
    : registry_(registry), folder_(std::filesystem::path(path).parent_path()) {
  LayeredScenario layered = read_layers(path, layers, registry);
  document_ = std::move(layered.document);
  in_other_files_ = std::move(layered.wrong);
  out_.name = std::filesystem::path(path).stem().string();
  out_.file = path;
  for (const Layer& layer : layers) out_.overrides.push_back(to_text(layer));
}

Scenario ScenarioReader::read() {
  top();
  find_control_scale();
  policies();
  rest();
  // What is named in a part that is wrong cannot be looked up: the parts that build on it are not checked.
  if (is_right([&] { catalog(); }) && is_right([&] { cluster(); })) {
    environment();
    outcomes();
    workload();
    initial();
    whole();
  }
  throw_if_wrong();
  effective();
  compress();
  out_.document = std::move(document_);
  return std::move(out_);
}

const Json* ScenarioReader::list(const Json& object, std::string_view pointer, std::string_view key, bool needed) {
  const Json* a = member(object, key);
  if (a == nullptr) return nullptr;  // where it is required, that is said
  if (!a->is_array()) {
    problems_.add(child(pointer, key), "expected a list");
    return nullptr;
  }
  if (needed && a->empty()) problems_.add(child(pointer, key), "the list is empty");
  return a;
}

std::optional<std::size_t> ScenarioReader::find(std::string_view what, const std::string& name, const std::vector<std::string_view>& names,
                                                const std::string& pointer) {
  return find_named(what, name, names, pointer, problems_);
}

bool ScenarioReader::has_problem(std::string_view pointer) const {
  const auto& found = problems_.list();
  return std::any_of(found.begin(), found.end(), [&](const Problem& p) { return p.pointer == pointer; });
}

bool ScenarioReader::has_problem_in(const std::string& pointer) const {
  const auto& found = problems_.list();
  return std::any_of(found.begin(), found.end(), [&](const Problem& p) { return (p.pointer + '/').starts_with(pointer + '/'); });
}

void ScenarioReader::throw_if_wrong() const {
  if (!problems_.empty() || !in_other_files_.empty()) throw InputError(render(problems_, document_) + in_other_files_ + missing_files_);
  if (!missing_files_.empty()) throw WorldError(missing_files_);
}

std::filesystem::path ScenarioReader::resolve(const std::string& pointer, const std::string& path) {
  const Place& place = document_.place(pointer);
  const std::filesystem::path file =
      place.line == 0 ? std::filesystem::path(path) : std::filesystem::path(document_.source(place)).parent_path() / path;
  out_.paths.emplace_back(pointer, file);
  return file;
}

void ScenarioReader::top() {
  const auto t = param::bind<TopSection>(to_value(root()), "", problems_);
  load_ = t.load;
  speedup_ = t.speedup;
  out_.options.seed = static_cast<std::uint64_t>(t.seed);
  out_.billing = t.billing;
  extrapolated_ = t.extrapolated_batches;
}

void ScenarioReader::outcomes() {
  const Json* o = member(root(), "outcomes");
  if (o == nullptr || o->is_null()) return;
  const auto s = param::bind<OutcomesSection>(to_value(*o), "/outcomes", problems_);
  if (s.file.empty()) return;
  const std::string at = "/outcomes/file";
  const auto file = input_file(s.file, at, "outcomes");
  if (!file) return;
  try {
    out_.options.outcomes = std::make_shared<const OutcomeTable>(read_outcomes(*file, out_.catalog));
  } catch (const InputError& e) {
    problems_.add(at, e.what());
  } catch (const WorldError& e) {
    missing_files_ += document_.place_text(at) + ": " + at + ": " + e.what() + '\n';
  }
}

void ScenarioReader::environment() {
  const Json* e = member(root(), "environment");
  if (e == nullptr || out_.topology.nodes.empty()) return;
  auto read = read_environment(
      *e, out_.topology, out_.catalog, out_.options.seed,
      later(later(later(Time{}, out_.options.warmup), out_.options.duration), out_.options.drain),
      [&](const std::string& at, const std::string& path) {
        const std::string number = at.substr(13, at.find('/', 13) - 13);  // of /environment/NUMBER/file
        return input_file(path, at, "environment " + number);
      },
      problems_);
  read.environment.feedback = out_.options.environment.feedback;
  read.environment.carbon_per_kwh = out_.options.environment.carbon_per_kwh;
  out_.options.environment = std::move(read.environment);
  surges_ = std::move(read.surges);
}

std::optional<std::filesystem::path> ScenarioReader::input_file(const std::string& path, const std::string& at, const std::string& name,
                                                                bool or_folder) {
  const std::filesystem::path file = resolve(at, path);
  const std::string here = document_.place_text(at) + ": " + at + ": ";
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (std::filesystem::is_directory(status) && !or_folder)
    missing_files_ += here + "cannot read " + file.string() + ": it is a folder\n";
  else if (!std::filesystem::exists(status))
    missing_files_ += here + "cannot read " + file.string() + ": " + error.message() + '\n';
  else {
    if (std::filesystem::is_regular_file(status) || std::filesystem::is_directory(status)) out_.hashes.emplace_back(name, hash_file(file));
    return file;
  }
  return {};
}

void ScenarioReader::control() {
  const auto s = section<ControlSection>("control");
  Control& c = out_.options.control;
  c.mode = s.mode;
  c.snapshot = s.snapshot.value_or(s.mode == Control::Mode::central ? Duration{} : 2s);
  if (c.snapshot > Duration{} && c.snapshot < least_snapshot)
    problems_.add("/control/snapshot_s", "boards are told every millisecond at most: has to be 0, for live boards, or 0.001 and more");
  if (control_scale_ != 1 && c.snapshot > Duration{}) {
    c.snapshot = std::max(Duration{1us}, from_seconds(to_seconds(c.snapshot) * control_scale_));
    sections_["control"]["snapshot_s"] = to_seconds(c.snapshot);
  }
  c.delay = s.delay;
  c.fanout = s.fanout.value_or(1);
  c.compensated = s.compensated;
  const auto* word = std::get_if<std::string>(&s.decision.data);
  if (word != nullptr && *word == decision_measured) {
    c.decision_measured = true;
    out_.warnings.push_back("\"decision_s\": \"measured\" takes times by the clock of this machine: no other run has the same results");
  } else if (!s.decision.is_null()) {
    c.decision = param::bind<DecisionSection>(param::Object{{"decision_s", s.decision}}, "/control", problems_).time;
  }
  if (c.mode == Control::Mode::gossip && c.snapshot == Duration{})
    problems_.add("/control/snapshot_s", "gossip tells from time to time: needs more than 0");
  if (!c.old_views()) {
    for (const auto& [given, key] :
         {std::pair{c.delay > Duration{}, "delay_s"}, {c.compensated, "compensated"}, {s.forget.has_value(), "forget_s"}})
      if (given) problems_.add(child("/control", key), "says nothing where boards are live: needs snapshot_s above 0");
  }
  forget_ = s.forget;
}

void ScenarioReader::rest() {
  control();
  const auto feedback = section<FeedbackSection>("feedback");
  out_.options.environment.feedback = {feedback.share, feedback.delay};
  const auto lost = section<LostSection>("on_lost");
  out_.options.retry_lost = lost.action == LostAction::retry;
  out_.options.retry_budget = static_cast<std::uint8_t>(lost.budget);
  const auto m = section<MeasureSection>("measure");
  out_.options.warmup = m.warmup;
  out_.options.duration = m.duration;
  out_.options.drain = m.drain;
  out_.options.sample = m.sample;
  // Each is a row of the series, kept in memory: 5 million are about a gigabyte.
  const double samples = to_seconds(m.warmup) / to_seconds(m.sample) + to_seconds(m.duration) / to_seconds(m.sample);
  if (samples > 5e6)
    problems_.add("/measure/sample_s",
                  "makes a series of " + to_text(std::round(samples)) + " samples in warmup_s and duration_s; at most 5000000");
}

void ScenarioReader::whole() {
  std::vector<std::string_view> entries;
  for (const EntrySpec& e : out_.entries) entries.push_back(e.name);
  for (const ReadSurge& s : surges_) {
    if (s.entry.empty()) {
      for (EntrySpec& e : out_.entries) e.surges.push_back(s.surge);
    } else if (const auto k = find("entry of the workload", s.entry, entries, child(s.pointer, "entry"))) {
      out_.entries[*k].surges.push_back(s.surge);
    }
  }
  Control& c = out_.options.control;
  double periods = 3;
  if (c.mode == Control::Mode::gossip)
    for (std::size_t n = 1; n < out_.topology.sites.size(); n *= 2) periods += 3;
  if (c.mode != Control::Mode::central) c.forget = from_seconds(periods * to_seconds(c.snapshot) + to_seconds(c.delay));
  if (forget_) c.forget = *forget_;
  if (daily_ && out_.options.duration > 24h && out_.options.duration % 24h != Duration{})
    out_.warnings.push_back("the source is daily but the measured window is not whole days (" + to_text(to_seconds(out_.options.duration)) +
                            " s)");
  say_hours_of_trace();
}

void ScenarioReader::effective() {
  Json e = root();
  e["load"] = load_;
  if (speedup_ != 1) e["speedup"] = speedup_;
  e["seed"] = out_.options.seed;
  e["billing"] = out_.billing == Billing::nodes ? "nodes" : "held";
  e["extrapolated_batches"] = extrapolated_;
  if (!e.contains("initial")) e["initial"] = initial_cold;
  Json policies = Json::object();
  for (const auto& [key, p] : out_.joint) policies[key] = Json{{"name", p.name}, {"params", to_json(p.effective)}};
  for (const auto& [kind, p] : out_.policies)
    policies[std::string(to_string(kind))] = Json{{"name", p.name}, {"params", to_json(p.effective)}};
  e["policies"] = policies;
  for (const auto& [key, value] : sections_.items()) e[key] = value;
  for (const auto& [pointer, value] : resolved_) e[Json::json_pointer(pointer)] = value;
  for (const auto& [pointer, file] : out_.paths) e[Json::json_pointer(pointer)] = from_folder(pointer, file);
  out_.effective = std::move(e);
}

void ScenarioReader::compress() {
  if (speedup_ == 1) return;
  for (Duration* d : {&out_.options.warmup, &out_.options.duration, &out_.options.sample})
    if (*d != forever) *d = std::max(Duration{1}, from_seconds(to_seconds(*d) / speedup_));
  for (EntrySpec& e : out_.entries) e.speedup = speedup_;
}

std::string ScenarioReader::from_folder(const std::string& pointer, const std::filesystem::path& file) const {
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error), from = (here / folder_).lexically_normal(),
                              to = (here / file).lexically_normal();
  // Only what was written as an absolute path stays one: the scenario's own folder may be one without anybody having written it.
  const Json::json_pointer at(pointer);
  const bool absolute = root().contains(at) && root()[at].is_string() && std::filesystem::path(root()[at].get<std::string>()).is_absolute();
  const std::filesystem::path relative = absolute ? std::filesystem::path() : to.lexically_relative(from);
  return relative.empty() ? file.string() : relative.string();
}

Scenario read_scenario(const std::string& path, const std::vector<Layer>& layers, const PolicyRegistry& registry) {
  return ScenarioReader(path, layers, registry).read();
}

std::vector<std::string> files_of(const Scenario& scenario) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& source : scenario.document.sources())
    if (std::filesystem::is_regular_file(source, ignored)) out.push_back(std::filesystem::path(source).lexically_normal().string());
  for (const auto& [pointer, path] : scenario.paths) {
    if (!std::filesystem::is_directory(path, ignored)) {
      out.push_back(path.lexically_normal().string());
      continue;
    }
    for (const std::filesystem::path& file : files_in(path)) out.push_back(file.lexically_normal().string());
  }
  return out;
}

}  // namespace tideline

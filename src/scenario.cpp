#include "src/scenario.h"

#include "sim/core/nearest.h"
#include "sim/core/normal.h"
#include "sim/core/pointer.h"
#include "sim/core/text.h"
#include "src/catalog_json.h"
#include "src/environment_reader.h"
#include "src/errors.h"
#include "src/file_hash.h"
#include "src/outcomes_reader.h"
#include "src/scenario_sections.h"
#include "src/trace_files.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <optional>

namespace tideline {

namespace {

namespace fs = std::filesystem;
using namespace scenario_format;

/// The parts of a scenario while it is bound: document, problems, and the scenario that grows.
class Reader {
 public:
  Reader(const std::string& path, const std::vector<Layer>& layers, const PolicyRegistry& registry)
      : registry_(registry), folder_(fs::path(path).parent_path()) {
    LayeredScenario layered = read_layers(path, layers, registry);
    document_ = std::move(layered.document);
    in_other_files_ = std::move(layered.wrong);
    out_.name = fs::path(path).stem().string();
    out_.file = path;
    for (const Layer& layer : layers) out_.overrides.push_back(to_text(layer));
  }

  Scenario read() {
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

 private:
  const Json& root() const { return document_.root; }
  static const Json* member(const Json& object, std::string_view key) {
    if (!object.is_object()) return nullptr;
    const auto at = object.find(std::string(key));
    return at == object.end() ? nullptr : &*at;
  }
  /// A section of objects: the list that is there, or nothing; a problem where it is no list, or must not be empty.
  const Json* list(const Json& object, std::string_view pointer, std::string_view key, bool needed) {
    const Json* a = member(object, key);
    if (a == nullptr) return nullptr;  // where it is required, that is said
    if (!a->is_array()) {
      problems_.add(child(pointer, key), "expected a list");
      return nullptr;
    }
    if (needed && a->empty()) problems_.add(child(pointer, key), "the list is empty");
    return a;
  }
  static std::string element(std::string_view pointer, std::size_t k) { return child(pointer, std::to_string(k)); }
  /// The index of `name` among `names`, or nothing and a problem.
  std::optional<std::size_t> find(std::string_view what, const std::string& name, const std::vector<std::string_view>& names,
                                  const std::string& pointer) {
    return find_named(what, name, names, pointer, problems_);
  }
  bool has_problem(std::string_view pointer) const {
    const auto& found = problems_.list();
    return std::any_of(found.begin(), found.end(), [&](const Problem& p) { return p.pointer == pointer; });
  }
  /// Whether there is one at `pointer` or below.
  bool has_problem_in(const std::string& pointer) const {
    const auto& found = problems_.list();
    return std::any_of(found.begin(), found.end(), [&](const Problem& p) { return (p.pointer + '/').starts_with(pointer + '/'); });
  }
  /// Whether `read` found what it reads, and no problem.
  template <class F>
  bool is_right(F read) {
    const std::size_t before = problems_.list().size(), before_files = in_other_files_.size();
    read();
    return problems_.list().size() == before && in_other_files_.size() == before_files && !incomplete_;
  }
  void throw_if_wrong() const {
    if (!problems_.empty() || !in_other_files_.empty()) throw InputError(render(problems_, document_) + in_other_files_ + missing_files_);
    if (!missing_files_.empty()) throw WorldError(missing_files_);
  }
  template <class List, class F>
  static std::vector<std::string_view> names_of(const List& list, F name) {
    std::vector<std::string_view> out;
    for (const auto& x : list) out.push_back(name(x));
    return out;
  }

  /// The file that the path at `pointer` means: relative to the file that names it, or to the current folder where an option does.
  fs::path resolve(const std::string& pointer, const std::string& path) {
    const Place& place = document_.place(pointer);
    const fs::path file = place.line == 0 ? fs::path(path) : fs::path(document_.source(place)).parent_path() / path;
    out_.paths.emplace_back(pointer, file);
    return file;
  }

  void top() {
    const auto t = param::bind<TopSection>(to_value(root()), "", problems_);
    load_ = t.load;
    speedup_ = t.speedup;
    out_.options.seed = static_cast<std::uint64_t>(t.seed);
    out_.billing = t.billing;
    extrapolated_ = t.extrapolated_batches;
  }

  void catalog() {
    const Json* c = member(root(), "catalog");
    if (c == nullptr) {
      incomplete_ = true;
      return;
    }
    if (!c->is_string()) {
      out_.catalog = read_catalog(*c, "/catalog", problems_, extrapolated_);
      out_.hashes.emplace_back("catalog", hex(hash(c->dump())));
      return;
    }
    const fs::path path = resolve("/catalog", c->get<std::string>());
    Problems in_catalog;
    const JsonDocument file = [&] {
      try {
        return read_json_file(path.string(), in_catalog);
      } catch (const WorldError& e) {
        throw WorldError(document_.place_text("/catalog") + ": /catalog: " + e.what());
      }
    }();
    out_.catalog = read_catalog(file.root, "", in_catalog, extrapolated_);
    in_other_files_ += render(in_catalog, file);
    out_.hashes.emplace_back("catalog", hash_file(path));
  }

  void cluster() {
    const Json* c = member(root(), "cluster");
    if (c == nullptr) {
      incomplete_ = true;
      return;
    }
    const auto cluster = param::bind<ClusterSection>(to_value(*c), "/cluster", problems_);
    Topology& t = out_.topology;
    if (const Json* sites = list(*c, "/cluster", "sites", true)) {
      for (std::size_t k = 0; k < sites->size(); ++k) {
        const std::string at = element("/cluster/sites", k);
        const auto s = param::bind<SiteSection>(to_value((*sites)[k]), at, problems_);
        if (s.name.empty()) {
          if (!has_problem(at) && !has_problem(child(at, "name"))) problems_.add(child(at, "name"), "must not be empty");
          continue;
        }
        if (std::find(t.sites.begin(), t.sites.end(), s.name) != t.sites.end())
          problems_.add(child(at, "name"), "two sites are named " + in_quotes(s.name));
        t.sites.push_back(s.name);
        carbon_.push_back(s.carbon);
        t.access.push_back({s.access_delay, s.access_bandwidth});
      }
    }
    if (t.sites.empty()) return;  // nothing below can be found
    if (std::all_of(t.access.begin(), t.access.end(), [](const AccessLink& a) { return a.delay == Duration{} && a.bytes_per_s == 0; }))
      t.access.clear();
    const auto site_names = names_of(t.sites, [](const std::string& s) { return std::string_view(s); });
    if (const Json* links = list(*c, "/cluster", "links", false)) {
      for (std::size_t k = 0; k < links->size(); ++k) {
        const std::string at = element("/cluster/links", k);
        const auto l = param::bind<LinkSection>(to_value((*links)[k]), at, problems_);
        const auto from = find("site", l.from, site_names, child(at, "from")), to = find("site", l.to, site_names, child(at, "to"));
        if (from && to && from == to) problems_.add(at, "a link joins two different sites");
        Duration mean_jitter{};
        Law jitter;
        if (const Json* j = member((*links)[k], "jitter"); j != nullptr && !j->is_null()) {
          const auto s = param::bind<JitterSection>(to_value(*j), child(at, "jitter"), problems_);
          mean_jitter = s.mean;
          jitter = read_law(s, child(at, "jitter"), problems_);
        }
        if (from && to) t.links.push_back({SiteId{*from}, SiteId{*to}, l.delay, l.bandwidth, l.price, mean_jitter, std::move(jitter)});
      }
    }
    const auto hardware_names = names_of(out_.catalog.hardware, [](const Hardware& h) { return std::string_view(h.name); });
    if (const Json* pools = list(*c, "/cluster", "pools", true)) {
      for (std::size_t k = 0; k < pools->size(); ++k) {
        const std::string at = element("/cluster/pools", k);
        const auto p = param::bind<PoolSection>(to_value((*pools)[k]), at, problems_);
        const auto site = find("site", p.site, site_names, child(at, "site"));
        const auto hardware = find("hardware", p.hardware, hardware_names, child(at, "hardware"));
        if (p.name.empty() && !has_problem(at) && !has_problem(child(at, "name"))) problems_.add(child(at, "name"), "must not be empty");
        for (const auto& other : t.pools)
          if (other.name == p.name && !p.name.empty()) problems_.add(child(at, "name"), "two pools are named " + in_quotes(p.name));
        const std::uint32_t min = p.min.value_or(p.count), max = p.max.value_or(p.count);
        if (min > p.count || p.count > max) problems_.add(at, "needs min <= count <= max");
        if (max == 0) problems_.add(child(at, "count"), "a pool needs at least one node");
        if (!site || !hardware) continue;
        const Hardware& h = out_.catalog.hardware[*hardware];
        if (p.price && p.purchase) problems_.add(at, "has price_per_hour_usd or purchase_usd, not both");
        const double bought =
            p.purchase.value_or(0) / (to_seconds(p.lifetime) / 3600 * p.utilization) + h.busy_watts / 1000 * p.power_price;
        t.pools.push_back({p.name, SiteId{*site}, HardwareId{*hardware}, p.count, min, max, p.devices_per_node, p.boot.value_or(h.boot),
                           p.price.value_or(p.purchase ? bought : h.price_per_hour_usd * p.devices_per_node)});
      }
    }
    t.billing_granularity = cluster.billing_granularity;
    t.transport = cluster.transport;
    if (cluster.payload == ClusterSection::Payload::resized) {
      t.bytes_per_pixel = cluster.bytes_per_pixel;
      for (Variant& v : out_.catalog.variants) {
        if (v.resolution == 0) continue;
        v.pre_at_origin = v.pre;
        v.profile.shorten(v.pre);
      }
    }
    if (std::any_of(carbon_.begin(), carbon_.end(), [](double g) { return g > 0; })) out_.options.environment.carbon_per_kwh = carbon_;
    if (!cluster.artefact_store.empty())
      if (const auto store = find("site", cluster.artefact_store, site_names, "/cluster/artefact_store")) t.store = SiteId{*store};
    if (!problems_.empty()) return;
    t.complete();
    if (t.devices.empty()) problems_.add("/cluster/pools", "the cluster is empty: no pool has a node");
    if (t.devices.size() > Event::max_slots) problems_.add("/cluster/pools", "more devices than the simulator has room for");
    for (std::size_t s = 1; s < t.sites.size(); ++s)
      if (!t.route(SiteId{0}, SiteId{s}).reachable)
        problems_.add("/cluster",
                      "no link leads from site " + in_quotes(t.sites[0]) + " to site " + in_quotes(t.sites[s]) + ": add one to \"links\"");
    for (const Pool& p : t.pools)
      for (const Variant& v : out_.catalog.variants)
        if (v.hardware == p.hardware && v.memory_for(v.max_batch) > out_.catalog[p.hardware].memory_bytes) {
          problems_.add("/cluster/pools/" + std::to_string(&p - t.pools.data()) + "/hardware",
                        "variant " + in_quotes(v.name) + " needs " + std::to_string(v.memory_for(v.max_batch)) +
                            " bytes for its largest batch, more than a device of " + in_quotes(out_.catalog[p.hardware].name) + " has (" +
                            std::to_string(out_.catalog[p.hardware].memory_bytes) + ")");
          break;
        }
  }

  void outcomes() {
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

  void environment() {
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

  bool cluster_runs(TaskId task) const {
    for (const VariantId v : out_.catalog[task].variants)
      for (const Pool& p : out_.topology.pools)
        if (p.hardware == out_.catalog[v].hardware) return true;
    return false;
  }

  /// The number of seconds that {"times_fastest", "hardware"} means for a task, or null and a problem.
  Json relative_slo(const Json& value, const std::string& at, TaskId task) {
    const std::size_t before = problems_.list().size();
    const auto relative = param::bind<RelativeSloSection>(to_value(value), at, problems_);
    std::optional<std::size_t> hardware;
    if (relative.hardware) {
      const auto names = names_of(out_.catalog.hardware, [](const Hardware& h) { return std::string_view(h.name); });
      hardware = find("hardware", *relative.hardware, names, child(at, "hardware"));
    }
    if (problems_.list().size() != before) return nullptr;
    Duration fastest = forever;
    for (const VariantId v : out_.catalog[task].variants) {
      const Variant& variant = out_.catalog[v];
      if (hardware && variant.hardware.index() != *hardware) continue;
      for (std::uint32_t option = 0; option < variant.profile.cores().size(); ++option)
        fastest = std::min(fastest, variant.profile.latency(1, option) + variant.pre_at_origin);
    }
    if (fastest == forever) {
      problems_.add(child(at, "hardware"),
                    "no variant of task " + in_quotes(out_.catalog[task].name) + " is made for " + in_quotes(*relative.hardware));
      return nullptr;
    }
    return std::round(relative.times_fastest * static_cast<double>(fastest.count())) / 1e9;
  }

  /// The floor that {"of_best"} means for a task, or null and a problem.
  Json relative_floor(const Json& value, const std::string& at, TaskId task) {
    const std::size_t before = problems_.list().size();
    const auto relative = param::bind<RelativeFloorSection>(to_value(value), at, problems_);
    if (problems_.list().size() != before) return nullptr;
    return relative.of_best * out_.catalog[task].best_accuracy;
  }

  /// A class with numbers in place of what is relative to the catalog. `is_only`: the class has no other task, so that the
  /// effective configuration can say the number.
  Json in_numbers(Json value, const std::string& at, TaskId task, bool is_only) {
    for (const char* key : {"latency_slo_s", "accuracy_floor"}) {
      const Json* relative = member(value, key);
      if (relative == nullptr || !relative->is_object()) continue;
      const std::string where = child(at, key);
      const bool slo = key == std::string_view("latency_slo_s");
      value[key] = has_problem_in(where) ? Json() : slo ? relative_slo(*relative, where, task) : relative_floor(*relative, where, task);
      if (is_only) resolved_.emplace_back(where, value[key]);
    }
    return value;
  }

  QueryClass read_class(const Json& value, const std::string& at, TaskId task, double& share) {
    const auto c = param::bind<ClassSection>(to_value(value), at, problems_);
    QueryClass q;
    q.task = task;
    q.name = c.name;
    q.slo = c.slo.value_or(forever);
    q.has_floor = c.floor.has_value();
    q.floor = c.floor.value_or(0);
    if (c.cost_cap) q.cost_cap_usd = *c.cost_cap;
    q.priority = c.priority;
    share = c.share;
    if (const Json* pin = member(value, "pin")) read_pin(*pin, child(at, "pin"), q);
    return q;
  }

  void read_pin(const Json& value, const std::string& at, QueryClass& q) {
    const auto p = param::bind<PinSection>(to_value(value), at, problems_);
    const int given = p.base_model.has_value() + p.model.has_value() + p.variant.has_value();
    if (given != 1) return problems_.add(at, "a pin names one of base_model, model, variant");
    const auto level = p.base_model ? PinLevel::base_model : p.model ? PinLevel::model : PinLevel::variant;
    q.pin_level = level;
    q.pin = p.base_model ? *p.base_model : p.model ? *p.model : *p.variant;
    std::vector<std::string_view> known;
    for (const VariantId v : out_.catalog[q.task].variants) {
      const Variant& variant = out_.catalog[v];
      known.push_back(level == PinLevel::base_model ? variant.base_model : level == PinLevel::model ? variant.model : variant.name);
    }
    const std::string key = p.base_model ? "base_model" : p.model ? "model" : "variant";
    find(key, q.pin, known, child(at, key));
  }

  void workload() {
    const Json* entries = list(root(), "", "workload", true);
    if (entries == nullptr) return;
    const auto task_names = names_of(out_.catalog.tasks, [](const Task& t) { return std::string_view(t.name); });
    const auto site_names = names_of(out_.topology.sites, [](const std::string& s) { return std::string_view(s); });
    if (entries->size() > 65535) problems_.add("/workload", "at most 65535 entries");
    for (std::size_t k = 0; k < entries->size(); ++k) {
      const std::string at = element("/workload", k);
      const Json& value = (*entries)[k];
      const auto w = param::bind<WorkloadSection>(to_value(value), at, problems_);
      EntrySpec e;
      e.name = !w.name.empty() ? w.name : w.task.value_or("entry" + std::to_string(k));
      for (const EntrySpec& other : out_.entries)
        if (other.name == e.name)
          problems_.add(w.name.empty() ? at : child(at, "name"), "two entries of the workload are named " + in_quotes(e.name));
      e.source = w.source;
      e.payload_bytes = w.payload_bytes;
      e.answer_bytes = w.answer_bytes;
      e.items = static_cast<std::uint16_t>(w.items);
      e.tenant = static_cast<std::uint16_t>(w.tenant);
      if (w.origin)
        if (const auto s = find("site", *w.origin, site_names, child(at, "origin"))) e.origin = SiteId{*s};
      std::vector<TaskId> tasks;
      if (w.task) {
        if (const auto t = find("task", *w.task, task_names, child(at, "task"))) tasks.emplace_back(*t);
      } else if (!w.popularity.is_null()) {
        tasks = read_popularity(*member(value, "popularity"), child(at, "popularity"), task_names, e);
      } else if (names_tasks(w.source)) {
        for (std::size_t t = 0; t < task_names.size(); ++t) tasks.emplace_back(t);
      } else if (task_names.size() == 1) {
        tasks.emplace_back(std::size_t{0});
      } else {
        problems_.add(at, "missing \"task\": the catalog has several");
      }
      if (w.task && !w.popularity.is_null())
        problems_.add(child(at, "popularity"), "is of several tasks, but the entry has one \"task\": give one or the other");
      if (w.task || !w.popularity.is_null() || !names_tasks(w.source))
        for (const TaskId t : tasks)
          if (!cluster_runs(t))
            problems_.add(child(at, "task"),
                          "no variant of task " + in_quotes(out_.catalog[t].name) + " runs on the hardware of this cluster");
      if (const Json* law = member(value, "payload_law")) {
        const auto p = param::bind<LawParams>(to_value(*law), child(at, "payload_law"), problems_);
        e.payload_law = read_law(p, child(at, "payload_law"), problems_);
        if (w.payload_bytes == 0) problems_.add(child(at, "payload_law"), "is of payload_bytes: give those too");
      }
      read_source(value, at, w.task.has_value(), task_names, e);
      read_classes(value, at, tasks, e);
      if (const auto* p = std::get_if<TraceParams>(&e.params); p != nullptr && p->asks_by_row) read_asks(at, tasks, e);
      out_.entries.push_back(std::move(e));
    }
  }

  std::vector<TaskId> read_popularity(const Json& value, const std::string& at, const std::vector<std::string_view>& task_names,
                                      EntrySpec& e) {
    const std::size_t before = problems_.list().size();
    e.popularity = param::bind<PopularityParams>(to_value(value), at, problems_);
    std::vector<TaskId> out;
    if (problems_.list().size() != before) return out;
    for (const std::string& name : e.popularity->tasks) {
      const auto t = find("task", name, task_names, child(at, "tasks"));
      if (!t) continue;
      if (std::find(out.begin(), out.end(), TaskId{*t}) != out.end())
        problems_.add(child(at, "tasks"), "task " + in_quotes(name) + " comes twice");
      out.emplace_back(*t);
    }
    if (e.popularity->tasks.empty())
      for (std::size_t t = 0; t < task_names.size(); ++t) out.emplace_back(t);
    const auto& weights = e.popularity->weights;
    if (!weights.empty() && weights.size() != out.size())
      problems_.add(child(at, "weights"), "expected one for each task, " + std::to_string(out.size()));
    if (!weights.empty() && std::none_of(weights.begin(), weights.end(), [](double w) { return w > 0; }))
      problems_.add(child(at, "weights"), "at least one must be above 0");
    return out;
  }

  /// Classes of what the rows of a trace ask for: the SLO and the floor of the entry's class are theirs where they say one.
  void read_asks(const std::string& at, const std::vector<TaskId>& tasks, EntrySpec& e) {
    auto& params = std::get<TraceParams>(e.params);
    const std::string where = child(child(at, "params"), "asks");
    if (e.file.empty() || e.classes.empty()) return;
    if (e.classes.front().size() != 1)
      return problems_.add(where, "rows say what queries ask for: the entry may have one class, for what rows leave open");
    constexpr std::size_t most_classes = 16384;
    try {
      const std::string path = e.file.string();
      params.asks = asks_in([&] { return open_trace_files(path, {e.file}, params); }, params.ask_step_s, most_classes / tasks.size());
    } catch (const std::exception& error) {
      return problems_.add(where, error.what());
    }
    if (params.asks.empty()) return problems_.add(where, "no row of the trace asks for a latency or an accuracy");
    for (std::size_t t = 0; t < tasks.size(); ++t) {
      auto& asked = e.asked.emplace_back();
      for (const Ask& ask : params.asks) {
        QueryClass q = out_.classes[e.classes[t][0].cls.index()];
        if (ask.slo_ns > 0) q.slo = Duration{ask.slo_ns};
        if (ask.accuracy >= 0) {
          q.has_floor = true;
          q.floor = ask.accuracy;
        }
        q.name += "/";
        if (ask.slo_ns > 0) q.name += to_text(to_seconds(q.slo)) + "s";
        if (ask.accuracy >= 0) q.name += "@" + to_text(q.floor);
        asked.emplace_back(out_.classes.size());
        out_.classes.push_back(std::move(q));
      }
    }
  }

  /// Whether the rows of a source can be of several tasks.
  static bool names_tasks(const std::string& source) { return source == "csv" || source == "trace"; }

  /// A class as it was declared, or a part of one whose SLO is a law.
  struct Declared {
    Json value;
    std::size_t index;
    std::string part;
  };

  void declare(const Json& value, std::size_t index, const std::string& at, std::vector<Declared>& out) {
    const Json* slo = value.is_object() ? member(value, "latency_slo_s") : nullptr;
    if (slo == nullptr || !slo->is_object() || member(*slo, "law") == nullptr) return out.push_back({value, index, {}});
    const std::string where = child(at, "latency_slo_s");
    const std::size_t before = problems_.list().size();
    const auto s = param::bind<SloLawSection>(to_value(*slo), where, problems_);
    if (s.law == SloLaw::uniform && s.cv > 0.577)
      problems_.add(child(where, "cv"), "of uniform is at most 0.577: latencies would be below 0");
    Json part = value;
    part.erase("latency_slo_s");
    if (problems_.list().size() != before) return out.push_back({part, index, {}});
    part["share"] = (member(value, "share") != nullptr && value["share"].is_number() ? value["share"].get<double>() : 1.0) / s.classes;
    const double sigma = std::sqrt(std::log1p(s.cv * s.cv));
    for (std::uint32_t k = 0; k < s.classes; ++k) {
      const double u = (k + 0.5) / s.classes;
      double slo_s = s.mean;
      if (s.law == SloLaw::lognormal) slo_s *= std::exp(sigma * (normal_quantile(u) - 0.5 * sigma));
      if (s.law == SloLaw::uniform) slo_s *= 1 + s.cv * std::sqrt(3.0) * (2 * u - 1);
      if (s.law == SloLaw::exponential) slo_s *= -std::log1p(-u);
      part["latency_slo_s"] = std::max(1.0, std::round(slo_s * 1e9)) / 1e9;
      out.push_back({part, index, "q" + std::to_string(k + 1)});
    }
  }

  void read_classes(const Json& value, const std::string& at, const std::vector<TaskId>& tasks, EntrySpec& e) {
    static const Json one = Json::array({Json::object()});
    const Json* classes = member(value, "classes");
    if (classes != nullptr && (!classes->is_array() || classes->empty()))
      return problems_.add(child(at, "classes"), "expected a list of at least one class");
    if (classes == nullptr) classes = &one;
    std::vector<Declared> declared;
    for (std::size_t c = 0; c < classes->size(); ++c) declare((*classes)[c], c, element(child(at, "classes"), c), declared);
    for (const TaskId t : tasks) {
      auto& choices = e.classes.emplace_back();
      for (const auto& [value_of_class, c, part] : declared) {
        double share = 1;
        const std::string where = element(child(at, "classes"), c);
        const Json given = in_numbers(value_of_class, where, t, tasks.size() == 1);
        // The problems of a class are the same for each task of a trace: they are reported for the first.
        Problems again;
        if (t != tasks.front()) std::swap(again, problems_);
        QueryClass q = read_class(given, where, t, share);
        if (t != tasks.front()) std::swap(again, problems_);
        if (t == tasks.front() && !q.name.empty() && (part.empty() || part == "q1"))
          for (std::size_t other = 0; other < c; ++other)
            if (member((*classes)[other], "name") != nullptr && (*classes)[other]["name"] == q.name)
              problems_.add(child(element(child(at, "classes"), c), "name"), "two classes of this entry are named " + in_quotes(q.name));
        if (q.name.empty()) q.name = e.name + (classes->size() > 1 ? "/" + std::to_string(c) : "");
        if (!part.empty()) q.name += "/" + part;
        if (tasks.size() > 1) q.name = out_.catalog[t].name + "/" + q.name;
        choices.push_back({ClassId{out_.classes.size()}, share});
        out_.classes.push_back(std::move(q));
      }
    }
  }

  void read_source(const Json& value, const std::string& at, bool one_task, const std::vector<std::string_view>& task_names, EntrySpec& e) {
    const auto kind = find("source", e.source, names_of(sources, [](const SourceDefinition& d) { return d.name; }), child(at, "source"));
    if (!kind) return;
    const Json* params = member(value, "params");
    const std::string where = child(at, "params");
    const param::Value v = params != nullptr ? to_value(*params) : param::Value{};
    const auto has = [&](const char* key) { return params != nullptr && member(*params, key) != nullptr; };
    switch (*kind) {
      case source_poisson: {
        auto p = param::bind<PoissonParams>(v, where, problems_);
        p.rate_scale = load_;
        e.params = p;
        break;
      }
      case source_diurnal: {
        auto p = param::bind<DiurnalParams>(v, where, problems_);
        if (!p.hourly.empty() && p.hourly.size() != 24) problems_.add(child(where, "hourly"), "expected 24 rates, one per hour");
        if (!p.hourly.empty() && std::all_of(p.hourly.begin(), p.hourly.end(), [](double rate) { return rate == 0; }))
          problems_.add(child(where, "hourly"), "at least one rate must be above 0");
        if (!p.hourly.empty() && (has("peak_hour") || has("peak_to_trough")))
          problems_.add(child(where, "hourly"), "replaces peak_to_trough and peak_hour: give one or the other");
        p.rate_scale = load_;
        e.params = p;
        daily_ = true;
        break;
      }
      case source_csv: {
        auto p = param::bind<Replay<CsvParams>>(v, where, problems_);
        p.scale *= load_;
        // Where the entry names a task, a row that names another is refused.
        if (one_task)
          p.tasks = {value.at("task").get<std::string>()};
        else
          p.tasks.assign(task_names.begin(), task_names.end());
        e.params = static_cast<const CsvParams&>(p);
        e.skip = p.skip;
        trace(p.file, child(where, "file"), e);
        break;
      }
      case source_trace: {
        auto p = param::bind<TraceSection>(v, where, problems_);
        p.rate_scale *= load_;
        if (one_task)
          p.tasks = {value.at("task").get<std::string>()};
        else
          p.tasks.assign(task_names.begin(), task_names.end());
        if (e.popularity) {
          p.tasks.clear();
          p.map = TaskMap::one;
        }
        if (p.to_s != 0 && p.to_s <= p.from_s) problems_.add(child(where, "to_s"), "must be after from_s");
        compressed(p, where);
        e.params = static_cast<const TraceParams&>(p);
        trace(p.file, child(where, "file"), e);
        break;
      }
      case source_gamma:
        return generator<GammaParams>(v, where, e);
      case source_weibull:
        return generator<WeibullParams>(v, where, e);
      case source_mmpp:
        return generator<MmppParams>(v, where, e);
      case source_ramp:
        return generator<RampParams>(v, where, e);
      case source_spike:
        return generator<SpikeParams>(v, where, e);
      case source_flash_crowd:
        return generator<FlashCrowdParams>(v, where, e);
      case source_modulated:
        return generator<ModulatedParams>(v, where, e);
      default: {
        auto p = param::bind<Replay<CountsParams>>(v, where, problems_);
        p.scale *= load_;
        e.params = static_cast<const CountsParams&>(p);
        e.skip = p.skip;
        trace(p.file, child(where, "file"), e);
      }
    }
  }

  template <class Params>
  void generator(const param::Value& value, const std::string& where, EntrySpec& e) {
    auto p = param::bind<Params>(value, where, problems_);
    p.rate_scale = load_;
    e.params = p;
  }

  void trace(const std::string& path, const std::string& at, EntrySpec& e) {
    const bool any_format = std::holds_alternative<TraceParams>(e.params);
    if (load_ > 1 && !any_format) problems_.add("/load", "a replayed trace cannot be scaled up by \"load\"; at most 1");
    if (has_problem(at)) return;
    if (const auto file = input_file(path, at, "trace " + e.name, any_format)) e.file = *file;
  }

  /// The file that the path at `at` means, if it is there; its hash is kept under `name`.
  std::optional<fs::path> input_file(const std::string& path, const std::string& at, const std::string& name, bool or_folder = false) {
    const fs::path file = resolve(at, path);
    const std::string here = document_.place_text(at) + ": " + at + ": ";
    std::error_code error;
    const auto status = fs::status(file, error);
    if (fs::is_directory(status) && !or_folder)
      missing_files_ += here + "cannot read " + file.string() + ": it is a folder\n";
    else if (!fs::exists(status))
      missing_files_ += here + "cannot read " + file.string() + ": " + error.message() + '\n';
    else {
      if (fs::is_regular_file(status) || fs::is_directory(status)) out_.hashes.emplace_back(name, hash_file(file));
      return file;
    }
    return {};
  }

  /// Policies are read before the workload that says how their intervals are scaled.
  void find_control_scale() {
    const Json* entries = member(root(), "workload");
    if (entries == nullptr || !entries->is_array()) return;
    for (const Json& entry : *entries) {
      const Json* params = entry.is_object() ? member(entry, "params") : nullptr;
      const Json* wish = params != nullptr ? member(*params, "scale_control") : nullptr;
      const Json* scale = wish != nullptr && *wish == true ? member(*params, "time_scale") : nullptr;
      if (scale != nullptr && scale->is_number() && scale->get<double>() > 0) control_scale_ = scale->get<double>();
    }
  }

  /// Notes by how much a trace is compressed.
  void compressed(const TraceParams& p, const std::string& where) {
    if (p.time_scale != 1 && std::find(time_scales_.begin(), time_scales_.end(), p.time_scale) == time_scales_.end())
      time_scales_.push_back(p.time_scale);
    if (!p.scale_control) return;
    if (control_scale_ != p.time_scale)
      problems_.add(child(where, "scale_control"), "two traces scale control intervals, by different factors");
    // What is said of the intervals is what they are: read again, it is not scaled again.
    resolved_.emplace_back(child(where, "scale_control"), Json(false));
  }

  /// Parameters of a policy with its intervals scaled as a trace is.
  param::Value with_scaled_intervals(const PolicyDefinition& d, param::Value value) const {
    if (control_scale_ == 1 || !(value.is_null() || std::holds_alternative<param::Object>(value.data))) return value;
    auto object = value.is_null() ? param::Object{} : std::get<param::Object>(value.data);
    for (const param::FieldInfo& f : d.parameters()) {
      if (f.name != interval_key) continue;
      const param::Value* given = param::find(object, f.name);
      Problems ignored;
      const double interval_s = seconds_of(given != nullptr && !given->is_null() ? *given : f.default_value);
      if (std::isnan(interval_s)) continue;
      std::erase_if(object, [&](const auto& member_of) { return member_of.first == f.name; });
      object.emplace_back(f.name, param::Value(interval_s * control_scale_));
    }
    return object;
  }
  /// A duration as a number or a text with its unit; NaN where it is neither.
  static double seconds_of(const param::Value& value) {
    Problems problems;
    const auto d = param::bind<DecisionSection>(param::Object{{"decision_s", value}}, "", problems);
    return problems.empty() ? to_seconds(d.time) : std::numeric_limits<double>::quiet_NaN();
  }

  /// Says what a compressed trace makes of times that are not compressed with it.
  void say_hours_of_trace() {
    for (const double scale : time_scales_) {
      const auto hours = [&](double s) {
        std::array<char, 64> text{};
        std::snprintf(text.data(), text.size(), "%.6g s = %.3g h", s, s / scale / 3600);
        return std::string(text.data());
      };
      std::string intervals;
      const auto add = [&](const std::string& what, double s) { intervals += (intervals.empty() ? "" : ", ") + what + " " + hours(s); };
      const auto of_policy = [&](const std::string& what, const BoundPolicy& p) {
        const auto* object = std::get_if<param::Object>(&p.effective.data);
        const param::Value* interval = object != nullptr ? param::find(*object, interval_key) : nullptr;
        if (interval != nullptr)
          if (const double s = seconds_of(*interval); !std::isnan(s)) add(what + " " + p.name, s);
      };
      for (const auto& [kind, p] : out_.policies) of_policy(std::string(to_string(kind)), p);
      for (const auto& [key, p] : out_.joint) of_policy("joint", p);
      if (out_.options.control.snapshot > Duration{}) add("snapshots", to_seconds(out_.options.control.snapshot));
      std::string loads, boots;
      double least = std::numeric_limits<double>::infinity(), most = 0;
      for (const Variant& v : out_.catalog.variants) {
        const double s = to_seconds(v.load.build + v.load.runtime_init + v.load.first_run);
        least = std::min(least, s);
        most = std::max(most, s);
      }
      if (!out_.catalog.variants.empty()) loads = hours(least) + (most > least ? " to " + hours(most) : "");
      double boot_least = std::numeric_limits<double>::infinity(), boot_most = 0;
      for (const Pool& p : out_.topology.pools) {
        boot_least = std::min(boot_least, to_seconds(p.boot));
        boot_most = std::max(boot_most, to_seconds(p.boot));
      }
      if (!out_.topology.pools.empty()) boots = hours(boot_least) + (boot_most > boot_least ? " to " + hours(boot_most) : "");
      out_.warnings.push_back("a trace is replayed with time_scale " + to_text(scale) + "; in hours of the trace: control intervals " +
                              (intervals.empty() ? "none" : intervals) + "; loads without their bytes " + loads + "; boots " + boots +
                              (control_scale_ == 1 ? " (scale_control scales the intervals too)" : ""));
    }
  }

  void policies() {
    static const Json none = Json::object();
    const Json* section = member(root(), "policies");
    if (section == nullptr) section = &none;
    if (!section->is_object()) return problems_.add("/policies", "expected an object: a policy for each kind");
    std::vector<std::string_view> kinds;
    for (std::size_t k = 0; k < policy_kinds; ++k) kinds.push_back(to_string(static_cast<PolicyKind>(k)));
    for (const auto& [key, value] : section->items())
      if (key != "joint" && std::find(kinds.begin(), kinds.end(), key) == kinds.end())
        problems_.add_key(child("/policies", key), "unknown kind of policy " + in_quotes(key) + suggestion(key, kinds));
    const PolicyDefinition* joint = nullptr;
    if (const Json* j = member(*section, "joint")) {
      std::vector<std::string_view> joint_names;
      for (const auto& d : registry_.list())
        if (d.kinds.size() > 1) joint_names.push_back(d.name);
      if (const auto* d = choose(*j, "/policies/joint", "joint policy", joint_names)) {
        joint = d;
        out_.joint.emplace_back("joint", bind(*d, *j, "/policies/joint"));
      }
    }
    for (std::size_t k = 0; k < policy_kinds; ++k) {
      const auto kind = static_cast<PolicyKind>(k);
      const std::string at = "/policies/" + std::string(kinds[k]);
      const Json* p = member(*section, kinds[k]);
      if (p == nullptr && joint != nullptr && joint->has(kind)) continue;
      if (p == nullptr) {
        const PolicyDefinition* d = registry_.default_of(kind);
        if (d == nullptr) {
          problems_.add("/policies", "no policy of kind " + std::string(kinds[k]) + " is named and there is no default");
          continue;
        }
        out_.policies.emplace_back(kind, bind(*d, none, at));
      } else if (const auto* d = choose(*p, at, std::string(kinds[k]) + " policy", registry_.names(kind),
                                        joint != nullptr && joint->has(kind) ? nullptr : registry_.default_of(kind))) {
        out_.policies.emplace_back(kind, bind(*d, *p, at));
        if (d->kinds.size() > 1)
          out_.warnings.push_back("policy " + in_quotes(d->name) + " decides about several kinds together, but as " +
                                  std::string(kinds[k]) + " it is an object of its own: name it once, as \"joint\"");
      }
    }
    if (joint != nullptr) check_joint(*joint, *section);
  }

  /// What is named beside a joint policy takes a kind from it.
  void check_joint(const PolicyDefinition& joint, const Json& section) {
    std::string taken;
    std::size_t count = 0;
    for (const PolicyKind kind : joint.kinds)
      if (member(section, to_string(kind)) != nullptr) {
        taken += (count == 0 ? "" : ", ") + std::string(to_string(kind));
        ++count;
      }
    if (count == 0) return;
    if (count == joint.kinds.size())
      return problems_.add("/policies/joint",
                           in_quotes(joint.name) + " would decide about nothing: " + taken + " are each named beside it; set them to null");
    out_.warnings.push_back("joint policy " + in_quotes(joint.name) + " does not decide about " + taken + ", named beside it");
  }

  /// `unnamed`: the policy that is meant where no name is given, if any.
  const PolicyDefinition* choose(const Json& value, const std::string& at, const std::string& what,
                                 const std::vector<std::string_view>& names, const PolicyDefinition* unnamed = nullptr) {
    if (!value.is_object() || (unnamed == nullptr && !value.contains("name"))) {
      problems_.add(at, "expected the name of a policy, or {\"name\": ..., \"params\": {...}}");
      return nullptr;
    }
    const std::string name = param::bind<PolicySection>(to_value(value), at, problems_).name;
    if (!value.contains("name")) return unnamed;
    const PolicyDefinition* d = registry_.find(name);
    if (d != nullptr && std::find(names.begin(), names.end(), name) == names.end()) {
      problems_.add(child(at, "name"),
                    in_quotes(name) + " is no " + what + " but one of " + std::string(to_string(d->kinds.front())) + suggestion("", names));
      return nullptr;
    }
    return find(what, name, names, child(at, "name")) ? d : nullptr;
  }

  BoundPolicy bind(const PolicyDefinition& d, const Json& value, const std::string& at) {
    const Json* params = member(value, "params");
    return d.bind(with_scaled_intervals(d, params != nullptr ? to_value(*params) : param::Value{}), child(at, "params"), problems_);
  }

  void initial() {
    const Json* i = member(root(), "initial");
    if (i == nullptr || *i == initial_cold) return;
    if (*i == initial_planned) {
      out_.planned = true;
      return;
    }
    if (!i->is_array())
      return problems_.add("/initial", "expected \"cold\", \"planned\", or a list of {variant, pool, per_device or count}");
    const auto variants = names_of(out_.catalog.variants, [](const Variant& v) { return std::string_view(v.name); });
    const auto pools = names_of(out_.topology.pools, [](const Pool& p) { return std::string_view(p.name); });
    for (std::size_t k = 0; k < i->size(); ++k) {
      const std::string at = element("/initial", k);
      const auto s = param::bind<InitialSection>(to_value((*i)[k]), at, problems_);
      if (s.per_device.has_value() == s.count.has_value()) problems_.add(at, "needs one of per_device and count");
      const auto v = find("variant", s.variant, variants, child(at, "variant"));
      const auto p = find("pool", s.pool, pools, child(at, "pool"));
      if (!v || !p) continue;
      if (out_.catalog.variants[*v].hardware != out_.topology.pools[*p].hardware)
        problems_.add(at, "variant " + in_quotes(s.variant) + " is made for " +
                              in_quotes(out_.catalog[out_.catalog.variants[*v].hardware].name) + ", not for the devices of pool " +
                              in_quotes(s.pool));
      out_.initial.push_back(
          {VariantId{*v}, PoolId{*p}, s.per_device.value_or(0), s.count.value_or(0), core_option(out_.catalog.variants[*v], s.cores, at)});
      const auto same = std::find_if(out_.initial.begin(), out_.initial.end(), [&](const InitialSpec& other) {
        return other.variant.index() == *v && out_.topology.pools[other.pool.index()].site == out_.topology.pools[*p].site;
      });
      if (same->option != out_.initial.back().option)
        problems_.add(child(at, "cores"), "the instances of a variant at one site start with the same number of cores; another entry has " +
                                              std::to_string(out_.catalog.variants[*v].profile.cores()[same->option]));
    }
  }

  std::uint8_t core_option(const Variant& variant, std::optional<std::uint32_t> cores, const std::string& at) {
    const auto& options = variant.profile.cores();
    if (!cores || options.empty()) return 0;
    const auto found = std::find(options.begin(), options.end(), *cores);
    if (found != options.end()) return static_cast<std::uint8_t>(found - options.begin());
    std::string list;
    for (const std::uint32_t n : options) list += (list.empty() ? "" : ", ") + std::to_string(n);
    problems_.add(child(at, "cores"), "variant " + in_quotes(variant.name) + " is profiled with " + list + " cores");
    return 0;
  }

  template <class Section>
  Section section(std::string_view key) {
    const Json* s = member(root(), key);
    const auto bound = param::bind<Section>(s != nullptr ? to_value(*s) : param::Value{}, child("", key), problems_);
    sections_[std::string(key)] = to_json(param::effective(bound));
    return bound;
  }

  void control() {
    const auto s = section<ControlSection>("control");
    Control& c = out_.options.control;
    c.mode = s.mode;
    c.snapshot = s.snapshot.value_or(s.mode == Control::Mode::central ? Duration{} : 2s);
    if (control_scale_ != 1 && c.snapshot > Duration{}) {
      c.snapshot = std::max(Duration{1}, from_seconds(to_seconds(c.snapshot) * control_scale_));
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

  void rest() {
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

  /// What takes all parts to say.
  void whole() {
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
      out_.warnings.push_back("the source is daily but the measured window is not whole days (" +
                              to_text(to_seconds(out_.options.duration)) + " s)");
    say_hours_of_trace();
  }

  void effective() {
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

  /// Last: what is effective is said in the time of the workload.
  void compress() {
    if (speedup_ == 1) return;
    for (Duration* d : {&out_.options.warmup, &out_.options.duration, &out_.options.sample})
      if (*d != forever) *d = std::max(Duration{1}, from_seconds(to_seconds(*d) / speedup_));
    for (EntrySpec& e : out_.entries) e.speedup = speedup_;
  }

  /// A path as the scenario's own file would say it: short, and the same wherever the current folder is.
  std::string from_folder(const std::string& pointer, const fs::path& file) const {
    std::error_code error;
    const fs::path here = fs::current_path(error), from = (here / folder_).lexically_normal(), to = (here / file).lexically_normal();
    // Only what was written as an absolute path stays one: the scenario's own folder may be one without anybody having written it.
    const Json::json_pointer at(pointer);
    const bool absolute = root().contains(at) && root()[at].is_string() && fs::path(root()[at].get<std::string>()).is_absolute();
    const fs::path relative = absolute ? fs::path() : to.lexically_relative(from);
    return relative.empty() ? file.string() : relative.string();
  }

  const PolicyRegistry& registry_;
  fs::path folder_;
  Problems problems_;
  JsonDocument document_;
  Scenario out_;
  Json sections_ = Json::object();
  std::vector<std::pair<std::string, Json>> resolved_;  // what was relative, and the number that it is
  std::string in_other_files_;                          // what is wrong in files other than the scenario's, with its places
  std::string missing_files_;                           // what cannot be read
  static constexpr std::string_view interval_key = "interval_s";
  std::vector<double> time_scales_;  // of traces, where they are not 1
  double control_scale_ = 1;
  double load_ = 1, speedup_ = 1;
  bool extrapolated_ = false, daily_ = false;
  std::optional<Duration> forget_;
  std::vector<double> carbon_;  // by site
  std::vector<ReadSurge> surges_;
  bool incomplete_ = false;  // a section is missing
};

}  // namespace

Scenario read_scenario(const std::string& path, const std::vector<Layer>& layers, const PolicyRegistry& registry) {
  return Reader(path, layers, registry).read();
}

std::vector<std::string> files_of(const Scenario& scenario) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& source : scenario.document.sources())
    if (fs::is_regular_file(source, ignored)) out.push_back(fs::path(source).lexically_normal().string());
  for (const auto& [pointer, path] : scenario.paths) {
    if (!fs::is_directory(path, ignored)) {
      out.push_back(path.lexically_normal().string());
      continue;
    }
    for (const fs::path& file : files_in(path)) out.push_back(file.lexically_normal().string());
  }
  return out;
}

}  // namespace tideline

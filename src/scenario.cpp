#include "src/scenario.h"

#include "sim/core/nearest.h"
#include "sim/core/pointer.h"
#include "sim/core/text.h"
#include "src/catalog_json.h"
#include "src/errors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>

namespace tideline {

namespace {

namespace fs = std::filesystem;

// --- the sections of a scenario file, each declared once ---

struct TopSection {
  std::int64_t schema = 1;
  std::string about;
  double load = 1;
  std::int64_t seed = 1;
  Billing billing = Billing::nodes;
  bool extrapolated_batches = false;
  static constexpr auto declare() {
    return param::fields(
        param::field("schema", &TopSection::schema, "Version of the format.", {1, 1}, param::required),
        param::field("about", &TopSection::about, "What the scenario is for."),
        param::field("load", &TopSection::load, "Factor on every rate of the workload.", {1e-9, 1e9}),
        param::field("seed", &TopSection::seed, "Seed of every random draw.", {0, 9e15}),
        param::choice("billing", &TopSection::billing, "Whether nodes that are on are billed, or what instances hold of them.",
                      {{"nodes", Billing::nodes}, {"held", Billing::held}}),
        param::field("extrapolated_batches", &TopSection::extrapolated_batches, "Allow batches beyond the measured ones."));
  }
};

struct SiteSection {
  std::string name;
  static constexpr auto declare() { return param::fields(param::field("name", &SiteSection::name, "Name of the site.", param::required)); }
};

struct LinkSection {
  std::string from, to;
  Duration delay{};
  double bandwidth = 0;
  double price = 0;
  static constexpr auto declare() {
    return param::fields(param::field("from", &LinkSection::from, "A site.", param::required),
                         param::field("to", &LinkSection::to, "The other site; links carry both ways.", param::required),
                         param::field("delay_s", &LinkSection::delay, "Propagation delay one way.", {0, 3600}, param::required),
                         param::field("bandwidth_bytes_per_s", &LinkSection::bandwidth, "Bandwidth; 0: payloads take no time.", {0, 1e15}),
                         param::field("price_per_byte_usd", &LinkSection::price, "Price of a byte in US dollars.", {0, 1}));
  }
};

struct PoolSection {
  std::string name, site, hardware;
  std::uint32_t count = 1;
  std::optional<std::uint32_t> min, max;
  std::uint32_t devices_per_node = 1;
  std::optional<Duration> boot;
  std::optional<double> price;
  static constexpr auto declare() {
    return param::fields(
        param::field("name", &PoolSection::name, "Name of the pool.", param::required),
        param::field("site", &PoolSection::site, "Site where its nodes stand.", param::required),
        param::field("hardware", &PoolSection::hardware, "Hardware type of its devices.", param::required),
        param::field("count", &PoolSection::count, "Nodes that are on at time 0.", {0, 1e6}),
        param::field("min", &PoolSection::min, "Least number of nodes; default: count.", {0, 1e6}),
        param::field("max", &PoolSection::max, "Greatest number of nodes; default: count.", {0, 1e6}),
        param::field("devices_per_node", &PoolSection::devices_per_node, "Devices of a node.", {1, 64}),
        param::field("boot_s", &PoolSection::boot, "Time from order to a node that is up; default: of the hardware type.", {0, 86400}),
        param::field("price_per_hour_usd", &PoolSection::price, "Price of a node; default: that of its devices.", {0, 1e6}));
  }
};

struct WorkloadSection {
  std::string name;
  std::optional<std::string> task;
  std::optional<std::string> origin;
  std::string source;
  std::uint32_t payload_bytes = 0, answer_bytes = 0;
  std::uint32_t items = 1, tenant = 0;
  static constexpr auto declare() {
    return param::fields(
        param::field("name", &WorkloadSection::name, "Name of the entry; default: its task."),
        param::field("task", &WorkloadSection::task, "Task of its queries; left out where a trace names tasks."),
        param::field("origin", &WorkloadSection::origin, "Site where its queries arrive; default: the first site."),
        param::field("source", &WorkloadSection::source, "Where its arrivals come from: poisson, diurnal, csv, counts.", param::required),
        param::field("payload_bytes", &WorkloadSection::payload_bytes, "Bytes of a query.", {0, 4e9}),
        param::field("answer_bytes", &WorkloadSection::answer_bytes, "Bytes of an answer.", {0, 4e9}),
        param::field("items", &WorkloadSection::items, "Items, such as images, in a query.", {1, 65535}),
        param::field("tenant", &WorkloadSection::tenant, "Number of the tenant.", {0, 65535}));
  }
};

struct ClassSection {
  std::string name;
  double share = 1;
  std::optional<Duration> slo;
  std::optional<double> floor;
  std::optional<double> cost_cap;
  std::int32_t priority = 0;
  static constexpr auto declare() {
    return param::fields(
        param::field("name", &ClassSection::name, "Name of the class."),
        param::field("share", &ClassSection::share, "Share of the entry's queries; shares are scaled to sum 1.", {1e-9, 1e9}),
        param::field("latency_slo_s", &ClassSection::slo, "Latency bound from arrival to answer; none: no SLO.", {1e-9, 1e9}),
        param::field("accuracy_floor", &ClassSection::floor, "Least profiled accuracy of an answer.", {0, 1}),
        param::field("cost_cap_usd", &ClassSection::cost_cap, "Greatest attributed cost of a query.", {0, 1e9}),
        param::field("priority", &ClassSection::priority, "Higher goes first where a policy looks at it.", {-1000, 1000}));
  }
};

struct PinSection {
  std::optional<std::string> base_model, model, variant;
  static constexpr auto declare() {
    return param::fields(param::field("base_model", &PinSection::base_model, "Only variants of this base model."),
                         param::field("model", &PinSection::model, "Only variants of this model."),
                         param::field("variant", &PinSection::variant, "Only this variant."));
  }
};

struct InitialSection {
  std::string variant, pool;
  std::optional<std::uint32_t> per_device, count;
  static constexpr auto declare() {
    return param::fields(param::field("variant", &InitialSection::variant, "Variant of the instances.", param::required),
                         param::field("pool", &InitialSection::pool, "Pool whose devices they are on.", param::required),
                         param::field("per_device", &InitialSection::per_device, "Instances on each device of the pool.", {1, 1000}),
                         param::field("count", &InitialSection::count, "Instances in all, spread over the devices in turn.", {1, 1e6}));
  }
};

enum class ControlMode : std::uint8_t { central };
struct ControlSection {
  ControlMode mode = ControlMode::central;
  static constexpr auto declare() {
    return param::fields(param::choice("mode", &ControlSection::mode, "Who decides: one controller with a fresh view.",
                                       {{"central", ControlMode::central}}));
  }
};

enum class LostAction : std::uint8_t { drop, retry };
struct LostSection {
  LostAction action = LostAction::drop;
  std::uint32_t budget = 1;
  static constexpr auto declare() {
    return param::fields(param::choice("action", &LostSection::action, "What happens to queries whose node failed.",
                                       {{"drop", LostAction::drop}, {"retry", LostAction::retry}}),
                         param::field("budget", &LostSection::budget, "Retries of a query.", {0, 15}));
  }
};

struct MeasureSection {
  Duration warmup{}, duration = 24h, drain = 600s;
  Duration sample = 60s;
  static constexpr auto declare() {
    return param::fields(
        param::field("warmup_s", &MeasureSection::warmup, "Time before the measured window.", {0, 9e9}),
        param::field("duration_s", &MeasureSection::duration, "Length of the measured window.", {1e-9, 9e9}),
        param::field("drain_s", &MeasureSection::drain, "How long after the window its queries may take to end.", {0, 9e9}),
        param::field("sample_s", &MeasureSection::sample, "Time between two samples of the series.", {1e-3, 9e9}));
  }
};

// --- reading ---

std::string hex(std::uint64_t x) {
  std::array<char, 16> digits{};
  for (int k = 15; k >= 0; --k, x >>= 4) digits[static_cast<std::size_t>(k)] = "0123456789abcdef"[x & 15];
  return {digits.begin(), digits.end()};
}

std::string hash_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw WorldError("cannot read " + path.string());
  std::uint64_t h = 0xcbf29ce484222325ULL;
  std::array<char, 65536> block{};
  while (in.read(block.data(), block.size()) || in.gcount() > 0)
    for (std::streamsize k = 0; k < in.gcount(); ++k)
      h = (h ^ static_cast<unsigned char>(block[static_cast<std::size_t>(k)])) * 0x100000001b3ULL;
  return hex(h);
}

/// The parts of a scenario while it is read: document, problems, and the scenario that grows.
class Reader {
 public:
  Reader(const std::string& path, const std::vector<std::string>& overrides, const PolicyRegistry& registry)
      : registry_(registry), folder_(fs::path(path).parent_path()), document_(read_json_file(path, problems_)) {
    out_.name = fs::path(path).stem().string();
    out_.file = path;
    out_.overrides = overrides;
  }

  Scenario read() {
    if (!document_.root.is_object()) throw InputError(document_.place_text("") + ": a scenario is a JSON object");
    expand_short_forms();
    for (const auto& o : out_.overrides) {
      const auto eq = o.find('=');
      if (eq == std::string::npos || !o.starts_with('/'))
        throw InputError("--set " + o + ": expected POINTER=VALUE with a JSON pointer such as /cluster/pools/0/count=4");
      const std::string pointer = o.substr(0, eq);
      if (!set_pointer(document_, pointer, std::string_view(o).substr(eq + 1), problems_)) continue;
      expand_short_forms();
      naming_replaces(pointer);
    }
    top();
    policies();
    rest();
    // What is named in a part that is wrong cannot be looked up: the parts that build on it are not checked.
    if (is_right([&] { catalog(); }) && is_right([&] { cluster(); })) {
      workload();
      initial();
    } else {
      for (const std::string_view key : {"cluster", "workload"})
        if (member(root(), key) == nullptr && !has_problem("", "missing " + in_quotes(key))) problems_.add("", "missing " + in_quotes(key));
    }
    throw_if_wrong();
    effective();
    out_.document = std::move(document_);
    return std::move(out_);
  }

 private:
  const Json& root() const { return document_.root; }
  const Json* member(const Json& object, std::string_view key) const {
    if (!object.is_object()) return nullptr;
    const auto at = object.find(std::string(key));
    return at == object.end() ? nullptr : &*at;
  }
  /// A section of objects: the array at `pointer`, or nothing and a problem.
  const Json* array(const Json& object, std::string_view pointer, std::string_view key, bool needed) {
    const Json* a = member(object, key);
    const std::string at = child(pointer, key);
    if (a == nullptr) {
      if (needed) problems_.add(std::string(pointer), "missing " + in_quotes(key));
      return nullptr;
    }
    if (!a->is_array()) {
      problems_.add(at, "expected a list");
      return nullptr;
    }
    if (needed && a->empty()) problems_.add(at, "the list is empty");
    return a;
  }
  static std::string element(std::string_view pointer, std::size_t k) { return child(pointer, std::to_string(k)); }
  /// The index of `name` among `names`, or nothing and a problem.
  std::optional<std::size_t> find(std::string_view what, const std::string& name, const std::vector<std::string_view>& names,
                                  std::string pointer) {
    if (name.empty() && has_problem(pointer)) return {};  // it is missing or no text, which is said already
    const auto at = std::find(names.begin(), names.end(), name);
    if (at != names.end()) return static_cast<std::size_t>(at - names.begin());
    problems_.add(std::move(pointer), "unknown " + std::string(what) + " " + in_quotes(name) + suggestion(name, names));
    return {};
  }
  bool has_problem(std::string_view pointer, std::string_view message = {}) const {
    const auto& list = problems_.list();
    return std::any_of(list.begin(), list.end(),
                       [&](const Problem& p) { return p.pointer == pointer && (message.empty() || p.message.starts_with(message)); });
  }
  /// Whether `read` found no problem.
  template <class F>
  bool is_right(F read) {
    const std::size_t before = problems_.list().size();
    read();
    return problems_.list().size() == before && in_catalog_.empty();
  }
  void throw_if_wrong() const {
    if (!problems_.empty() || !in_catalog_.empty()) throw InputError(render(problems_, document_) + in_catalog_ + missing_files_);
    if (!missing_files_.empty()) throw WorldError(missing_files_);
  }
  template <class List, class F>
  static std::vector<std::string_view> names_of(const List& list, F name) {
    std::vector<std::string_view> out;
    for (const auto& x : list) out.push_back(name(x));
    return out;
  }

  /// Naming a policy, a source or a law anew discards the parameters that were meant for the old one.
  void naming_replaces(const std::string& option) {
    const std::string pointer = by_number(option), owner{parent(pointer)};
    const auto t = tokens(pointer);
    if (t.size() == 3 && ((t[0] == "policies" && t[2] == "name") || (t[0] == "workload" && t[2] == "source"))) {
      document_.root.at(Json::json_pointer(owner))["params"] = Json::object();  // there, for a later option to reach into
      document_.forget_places(child(owner, "params"));
    }
    if (t.size() == 5 && t[0] == "catalog" && t[1] == "variants" && (t[3] == "service" || t[3] == "load") && t[4] == "law") {
      Problems wrong;  // the catalog's reader will say what
      const Json named{{"law", document_.root.at(Json::json_pointer(pointer))}};
      const auto law = param::bind<catalog_format::LawParams>(to_value(named), "", wrong).law;
      if (!wrong.empty()) return;
      // What the new law takes too means the same there: it stays, and options may come in any order.
      for (const std::string_view key : {"cv2", "k", "points"}) {
        if (catalog_format::law_takes(law, key)) continue;
        document_.root.at(Json::json_pointer(owner)).erase(std::string(key));
        document_.forget_places(child(owner, key));
      }
    }
  }

  /// A pointer that leads somewhere, with elements of lists by number where they were chosen by name.
  std::string by_number(const std::string& pointer) const {
    std::string out;
    const Json* at = &document_.root;
    for (const std::string& token : tokens(pointer)) {
      std::string key = token;
      if (at->is_array() && token.find_first_not_of("0123456789") != std::string::npos) {
        const auto named =
            std::find_if(at->begin(), at->end(), [&](const Json& x) { return x.is_object() && x.contains("name") && x["name"] == token; });
        if (named != at->end()) key = std::to_string(named - at->begin());
      }
      out = child(out, key);
      at = &document_.root.at(Json::json_pointer(out));
    }
    return out;
  }

  /// The long form, which pointers see: every kind of policy with name and params, every entry with params, every section.
  void expand_short_forms() {
    Json& r = document_.root;
    for (const char* key : {"policies", "control", "measure", "on_lost"})
      if (!r.contains(key)) r[key] = Json::object();
    if (r["policies"].is_object()) {
      for (auto& [kind, value] : r["policies"].items()) {
        if (value.is_string()) {
          const Place place = document_.place("/policies/" + kind);
          value = Json{{"name", value}};
          document_.set_place("/policies/" + kind + "/name", place);
        }
        if (value.is_object() && !value.contains("params")) value["params"] = Json::object();
      }
      for (std::size_t k = 0; k < policy_kinds; ++k) {
        const auto kind = static_cast<PolicyKind>(k);
        const PolicyDefinition* d = registry_.default_of(kind);
        if (d != nullptr && !r["policies"].contains(std::string(to_string(kind))) && !r["policies"].contains("joint"))
          r["policies"][std::string(to_string(kind))] = Json{{"name", d->name}, {"params", Json::object()}};
      }
    }
    if (r.contains("workload") && r["workload"].is_array())
      for (auto& entry : r["workload"])
        if (entry.is_object() && !entry.contains("params")) entry["params"] = Json::object();
  }

  /// A path is relative to the file that names it, or to the current folder where an option set it.
  fs::path resolve(const std::string& pointer, const std::string& path) const {
    const Place* place = document_.find_place(pointer);
    return place != nullptr && place->line == 0 ? fs::path(path) : folder_ / path;
  }

  void top() {
    const auto t = param::bind<TopSection>(to_value(root()), "", problems_,
                                           {"catalog", "cluster", "workload", "policies", "initial", "control", "measure", "on_lost"});
    load_ = t.load;
    out_.options.seed = static_cast<std::uint64_t>(t.seed);
    out_.billing = t.billing;
    extrapolated_ = t.extrapolated_batches;
  }

  void catalog() {
    const Json* c = member(root(), "catalog");
    if (c == nullptr) return problems_.add("", "missing \"catalog\": a path, or the catalog itself");
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
    in_catalog_ = render(in_catalog, file);
    out_.hashes.emplace_back("catalog", hash_file(path));
  }

  void cluster() {
    const Json* c = member(root(), "cluster");
    if (c == nullptr || !c->is_object()) return problems_.add(c == nullptr ? "" : "/cluster", "missing \"cluster\" with sites and pools");
    for (const auto& [key, value] : c->items())
      if (key != "sites" && key != "links" && key != "pools") {
        static const std::vector<std::string_view> known{"sites", "links", "pools"};
        problems_.add_key(child("/cluster", key), "unknown key " + in_quotes(key) + suggestion(key, known));
      }
    Topology& t = out_.topology;
    if (const Json* sites = array(*c, "/cluster", "sites", true)) {
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
      }
    }
    if (t.sites.empty()) return;  // nothing below can be found
    const auto site_names = names_of(t.sites, [](const std::string& s) { return std::string_view(s); });
    if (const Json* links = array(*c, "/cluster", "links", false)) {
      for (std::size_t k = 0; k < links->size(); ++k) {
        const std::string at = element("/cluster/links", k);
        const auto l = param::bind<LinkSection>(to_value((*links)[k]), at, problems_);
        const auto from = find("site", l.from, site_names, child(at, "from")), to = find("site", l.to, site_names, child(at, "to"));
        if (from && to && from == to) problems_.add(at, "a link joins two different sites");
        if (from && to) t.links.push_back({SiteId{*from}, SiteId{*to}, l.delay, l.bandwidth, l.price});
      }
    }
    const auto hardware_names = names_of(out_.catalog.hardware, [](const Hardware& h) { return std::string_view(h.name); });
    if (const Json* pools = array(*c, "/cluster", "pools", true)) {
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
        t.pools.push_back({p.name, SiteId{*site}, HardwareId{*hardware}, p.count, min, max, p.devices_per_node, p.boot.value_or(h.boot),
                           p.price.value_or(h.price_per_hour_usd * p.devices_per_node)});
      }
    }
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

  bool cluster_runs(TaskId task) const {
    for (const VariantId v : out_.catalog[task].variants)
      for (const Pool& p : out_.topology.pools)
        if (p.hardware == out_.catalog[v].hardware) return true;
    return false;
  }

  QueryClass read_class(const Json& value, const std::string& at, TaskId task, double& share) {
    const auto c = param::bind<ClassSection>(to_value(value), at, problems_, {"pin"});
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
    const Json* list = array(root(), "", "workload", true);
    if (list == nullptr) return;
    const auto task_names = names_of(out_.catalog.tasks, [](const Task& t) { return std::string_view(t.name); });
    const auto site_names = names_of(out_.topology.sites, [](const std::string& s) { return std::string_view(s); });
    if (list->size() > 65535) problems_.add("/workload", "at most 65535 entries");
    for (std::size_t k = 0; k < list->size(); ++k) {
      const std::string at = element("/workload", k);
      const Json& value = (*list)[k];
      const auto w = param::bind<WorkloadSection>(to_value(value), at, problems_, {"params", "classes"});
      EntrySpec e;
      e.name = !w.name.empty() ? w.name : w.task.value_or("entry" + std::to_string(k));
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
      } else if (w.source == "csv") {
        for (std::size_t t = 0; t < task_names.size(); ++t) tasks.emplace_back(t);
      } else if (task_names.size() == 1) {
        tasks.emplace_back(std::size_t{0});
      } else {
        problems_.add(at, "missing \"task\": the catalog has several");
      }
      if (w.task || w.source != "csv")
        for (const TaskId t : tasks)
          if (!cluster_runs(t))
            problems_.add(child(at, "task"),
                          "no variant of task " + in_quotes(out_.catalog[t].name) + " runs on the hardware of this cluster");
      read_source(value, at, w.task.has_value(), task_names, e);
      read_classes(value, at, tasks, e);
      out_.entries.push_back(std::move(e));
    }
  }

  void read_classes(const Json& value, const std::string& at, const std::vector<TaskId>& tasks, EntrySpec& e) {
    static const Json one = Json::array({Json::object()});
    const Json* classes = member(value, "classes");
    if (classes != nullptr && (!classes->is_array() || classes->empty()))
      return problems_.add(child(at, "classes"), "expected a list of at least one class");
    if (classes == nullptr) classes = &one;
    for (const TaskId t : tasks) {
      auto& choices = e.classes.emplace_back();
      for (std::size_t c = 0; c < classes->size(); ++c) {
        double share = 1;
        // The problems of a class are the same for each task of a trace: they are reported for the first.
        Problems again;
        if (t != tasks.front()) std::swap(again, problems_);
        QueryClass q = read_class((*classes)[c], element(child(at, "classes"), c), t, share);
        if (t != tasks.front()) std::swap(again, problems_);
        if (q.name.empty()) q.name = e.name + (classes->size() > 1 ? "/" + std::to_string(c) : "");
        if (tasks.size() > 1) q.name = out_.catalog[t].name + "/" + q.name;
        choices.push_back({ClassId{out_.classes.size()}, share});
        out_.classes.push_back(std::move(q));
      }
    }
  }

  void read_source(const Json& value, const std::string& at, bool one_task, const std::vector<std::string_view>& task_names, EntrySpec& e) {
    static const std::vector<std::string_view> sources{"poisson", "diurnal", "csv", "counts"};
    const auto kind = find("source", e.source, sources, child(at, "source"));
    if (!kind) return;
    static const Json none = Json::object();
    const Json* params = member(value, "params");
    const std::string where = params != nullptr ? child(at, "params") : at;
    const param::Value v = to_value(params != nullptr ? *params : none);
    const auto file = [&] {
      const Json* f = params != nullptr ? member(*params, "file") : nullptr;
      if (f == nullptr) return problems_.add(where, "source " + in_quotes(e.source) + " needs a \"file\"");
      if (!f->is_string()) return problems_.add(child(where, "file"), "must be the path of a file, a text in quotes");
      e.file = resolve(child(where, "file"), f->get<std::string>());
      const std::string here = document_.place_text(child(where, "file")) + ": " + child(where, "file") + ": ";
      std::error_code error;
      const auto status = fs::status(e.file, error);
      if (fs::is_directory(status))
        missing_files_ += here + "cannot read " + e.file.string() + ": it is a folder\n";
      else if (!fs::exists(status))
        missing_files_ += here + "cannot read " + e.file.string() + ": " + error.message() + '\n';
      else if (fs::is_regular_file(status))
        out_.hashes.emplace_back("trace " + e.name, hash_file(e.file));
      if (load_ > 1) problems_.add("/load", "a replayed trace cannot be scaled up by \"load\"; at most 1");
    };
    switch (*kind) {
      case 0: {
        auto p = param::bind<PoissonParams>(v, where, problems_);
        p.rate_scale = load_;
        e.params = p;
        break;
      }
      case 1: {
        auto p = param::bind<DiurnalParams>(v, where, problems_);
        if (!p.hourly.empty() && p.hourly.size() != 24) problems_.add(child(where, "hourly"), "expected 24 rates, one per hour");
        if (!p.hourly.empty() && params != nullptr && (params->contains("peak_hour") || params->contains("peak_to_trough")))
          problems_.add(child(where, "hourly"), "replaces peak_to_trough and peak_hour: give one or the other");
        p.rate_scale = load_;
        e.params = p;
        daily_ = true;
        break;
      }
      case 2: {
        auto p = param::bind<CsvParams>(v, where, problems_, {"file"});
        p.scale *= load_;
        // Where the entry names a task, a row that names another is refused.
        if (one_task)
          p.tasks = {value.at("task").get<std::string>()};
        else
          p.tasks.assign(task_names.begin(), task_names.end());
        e.params = p;
        file();
        break;
      }
      default: {
        auto p = param::bind<CountsParams>(v, where, problems_, {"file"});
        p.scale *= load_;
        e.params = p;
        file();
      }
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
      } else if (const auto* d = choose(*p, at, std::string(kinds[k]) + " policy", registry_.names(kind))) {
        out_.policies.emplace_back(kind, bind(*d, *p, at));
      }
    }
  }

  const PolicyDefinition* choose(const Json& value, const std::string& at, const std::string& what,
                                 const std::vector<std::string_view>& names) {
    if (!value.is_object() || !value.contains("name") || !value["name"].is_string()) {
      problems_.add(at, "expected the name of a policy, or {\"name\": ..., \"params\": {...}}");
      return nullptr;
    }
    for (const auto& [key, v] : value.items())
      if (key != "name" && key != "params")
        problems_.add_key(child(at, key), "unknown key " + in_quotes(key) + "; parameters stand in \"params\"");
    const auto name = value["name"].get<std::string>();
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
    return d.bind(params != nullptr ? to_value(*params) : param::Value{}, child(at, "params"), problems_);
  }

  void initial() {
    const Json* i = member(root(), "initial");
    if (i == nullptr || *i == "cold") return;
    if (*i == "planned") {
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
      out_.initial.push_back({VariantId{*v}, PoolId{*p}, s.per_device.value_or(0), s.count.value_or(0)});
    }
  }

  template <class Section>
  Section section(std::string_view key) {
    const Json* s = member(root(), key);
    const auto bound = param::bind<Section>(s != nullptr ? to_value(*s) : param::Value{}, child("", key), problems_);
    sections_[std::string(key)] = to_json(param::effective(bound));
    return bound;
  }

  void rest() {
    section<ControlSection>("control");
    const auto lost = section<LostSection>("on_lost");
    out_.options.retry_lost = lost.action == LostAction::retry;
    out_.options.retry_budget = static_cast<std::uint8_t>(lost.budget);
    const auto m = section<MeasureSection>("measure");
    out_.options.warmup = m.warmup;
    out_.options.duration = m.duration;
    out_.options.drain = m.drain;
    out_.options.sample = m.sample;
    if (daily_ && m.duration % 24h != Duration{})
      out_.warnings.push_back("the source is daily but the measured window is not whole days (" + to_text(to_seconds(m.duration)) + " s)");
  }

  void effective() {
    Json e = root();
    e["load"] = load_;
    e["seed"] = out_.options.seed;
    e["billing"] = out_.billing == Billing::nodes ? "nodes" : "held";
    e["extrapolated_batches"] = extrapolated_;
    if (!e.contains("initial")) e["initial"] = "cold";
    Json policies = Json::object();
    for (const auto& [key, p] : out_.joint) policies[key] = Json{{"name", p.name}, {"params", to_json(p.effective)}};
    for (const auto& [kind, p] : out_.policies)
      policies[std::string(to_string(kind))] = Json{{"name", p.name}, {"params", to_json(p.effective)}};
    e["policies"] = policies;
    for (const auto& [key, value] : sections_.items()) e[key] = value;
    out_.effective = std::move(e);
  }

  const PolicyRegistry& registry_;
  fs::path folder_;
  Problems problems_;
  JsonDocument document_;
  Scenario out_;
  Json sections_ = Json::object();
  std::string in_catalog_;     // what is wrong in the catalog's own file, with its places
  std::string missing_files_;  // what cannot be read
  double load_ = 1;
  bool extrapolated_ = false, daily_ = false;
};

}  // namespace

Scenario read_scenario(const std::string& path, const std::vector<std::string>& overrides, const PolicyRegistry& registry) {
  return Reader(path, overrides, registry).read();
}

}  // namespace tideline

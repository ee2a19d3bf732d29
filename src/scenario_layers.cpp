#include "src/scenario_layers.h"

#include "sim/core/nearest.h"
#include "sim/core/pointer.h"
#include "sim/core/text.h"
#include "src/catalog_json.h"
#include "src/errors.h"
#include "src/json_merge.h"
#include "src/scenario_files.h"
#include "src/scenario_sections.h"
#include "src/trace_files.h"
#include "traces/recognise.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <utility>

namespace tideline {

namespace {

namespace fs = std::filesystem;
using namespace scenario_format;

constexpr std::size_t most_extended = 32;

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(key);
  return at == object.end() ? nullptr : &*at;
}

/// What goes when `layer` names anew what `below` has: the parameters of another policy, source or law mean nothing to it.
std::vector<std::string> discards(std::string_view at, const Json& below, const Json& layer) {
  const auto t = tokens(at);
  if (t.size() == 2 && t[0] == "policies" && layer.contains("name")) return {"params"};
  if (t.size() == 2 && t[0] == "workload" && layer.contains("source")) return {"params"};
  const bool law_of_variant = t.size() == 4 && t[0] == "catalog" && t[1] == "variants" && (t[3] == "service" || t[3] == "load");
  const bool law_of_link = t.size() == 4 && t[0] == "cluster" && t[1] == "links" && t[3] == "jitter";
  if ((law_of_variant || law_of_link) && layer.contains("law")) {
    Problems wrong;  // the catalog's reader will say what
    const auto law = param::bind<LawParams>(to_value(Json{{"law", layer["law"]}}), "", wrong).law;
    std::vector<std::string> out;
    // What the new law takes too means the same there: it stays, and options may come in any order.
    for (const char* key : {"cv2", "k", "points"})
      if (wrong.empty() && below.contains(key) && !law_takes(law, key)) out.emplace_back(key);
    return out;
  }
  return {};
}

MergeRules rules_for(const PolicyRegistry& registry) {
  MergeRules rules;
  rules.discards = discards;
  // Where null says "none" and the default is something else, deleting would say something else.
  for (const auto& d : registry.list())
    for (const auto& f : d.parameters())
      if (f.optional && !f.default_value.is_null()) {
        for (const PolicyKind kind : d.kinds) rules.null_values.insert("/policies/" + std::string(to_string(kind)) + "/params/" + f.name);
        rules.null_values.insert("/policies/joint/params/" + f.name);
      }
  return rules;
}

/// A policy in short form becomes {"name": ...}.
void lengthen(JsonDocument& document, const std::string& policies) {
  Json& kinds = document.root[Json::json_pointer(policies)];
  if (!kinds.is_object()) return;
  for (auto& [kind, value] : kinds.get_ref<Json::object_t&>()) {
    if (!value.is_string()) continue;
    const std::string at = child(policies, kind);
    value = Json{{"name", value}};
    document.set_place(child(at, "name"), document.place(at));
  }
}

class Stack {
 public:
  explicit Stack(const PolicyRegistry& registry) : registry_(registry), rules_(rules_for(registry)) {
    for (std::size_t k = 0; k < policy_kinds; ++k) kinds_.push_back(to_string(static_cast<PolicyKind>(k)));
    kinds_.emplace_back("joint");
  }

  LayeredScenario read(const std::string& file, const std::vector<Layer>& layers) {
    scenario_folder_ = fs::path(file).parent_path();
    document_ = read_file(file, {}).document;
    for (const bool files : {true, false})
      for (const Layer& layer : layers) {
        complete();
        if ((layer.kind == LayerKind::with) == files) apply(layer);
      }
    complete();
    return {std::move(document_), std::move(wrong_)};
  }

 private:
  /// What one layer says, in long form, before it is put on those below.
  struct Part {
    JsonDocument document;
    bool names_system = false;
  };

  // --- files ---

  /// A file on top of those that it extends. `chain`: the files that led here.
  Part read_file(const std::string& path, std::vector<std::string> chain) {
    Problems problems;
    Part own{read_json_file(path, problems)};
    JsonDocument& document = own.document;
    if (!document.root.is_object()) throw InputError(document.place_text("") + ": a scenario is a JSON object");
    Part out{JsonDocument(path)};
    out.document.root = Json::object();
    const fs::path folder = fs::path(path).parent_path();
    if (const Json* extends = member(document.root, "extends"); extends != nullptr && extends->is_string()) {
      chain.push_back(path);
      const Part base = read_base((folder / extends->get<std::string>()).lexically_normal().string(), std::move(chain),
                                  document.place_text("/extends") + ": /extends: ");
      out.document.root = base.document.root;
      out.document.take_places(base.document, "", "");
      out.names_system = base.names_system;
    } else if (extends != nullptr) {
      problems.add("/extends", "must be the path of a scenario file, a text in quotes");
    }
    wrong_ += render(problems, document);
    document.root.erase("extends");
    expand(own, folder, folder);
    put(out.document, own);
    out.document.take_place(document, "", "");
    out.names_system = out.names_system || own.names_system;
    return out;
  }

  Part read_base(const std::string& path, std::vector<std::string> chain, const std::string& here) {
    std::error_code ignored;
    std::string ring;
    for (const auto& file : chain) {
      if (!ring.empty() || fs::equivalent(file, path, ignored)) ring += file + " extends ";
    }
    if (!ring.empty()) throw InputError(here + "files extend each other in a ring: " + ring + path);
    if (chain.size() == most_extended) throw InputError(here + "more than " + std::to_string(most_extended) + " files extend each other");
    require_file(path, here);
    return read_file(path, std::move(chain));
  }

  /// Says where a file was named that cannot be read.
  static void require_file(const std::string& path, const std::string& here) {
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) return;
    try {
      Problems none;
      (void)read_json_file(path, none);
    } catch (const WorldError& e) {
      throw WorldError(here + e.what());
    }
  }

  /// Puts a layer on top. Naming a system replaces all policies, and what another system said of `initial`.
  void put(JsonDocument& below, const Part& layer) {
    if (layer.names_system && below.root.contains("policies")) {
      below.root["policies"] = Json::object();
      below.take_places(layer.document, "/policies", "/policies");
    }
    if (layer.names_system && system_files_.contains(below.source(below.place("/initial")))) below.erase("/initial");
    Problems problems;
    merge(below, "", layer.document, "", rules_, problems);
    wrong_ += render(problems, layer.document);
  }

  // --- the long form ---

  /// Brings the policies of a layer into long form. A path is relative to `folder`; a name is looked for around `names_from`.
  void expand(Part& part, const fs::path& folder, const fs::path& names_from) {
    const Json* policies = member(part.document.root, "policies");
    if (policies == nullptr || !policies->is_object()) return;
    const JsonDocument said = part.document;
    Problems problems;
    if (policies->contains("system")) {
      for (const auto& [key, value] : policies->items())
        if (key != "system" && key != "override")
          problems.add_key(child("/policies", key), "stands in \"override\" where a \"system\" is named");
      part.document.root["policies"] = Json::object();
      part.names_system = expand_system(part.document, said, folder, names_from, problems);
    } else if (policies->contains("override")) {
      problems.add_key("/policies/override", "stands beside \"system\"; name the kinds themselves");
      part.document.root["policies"].erase("override");
    }
    wrong_ += render(problems, said);
    lengthen(part.document, "/policies");
  }

  /// Puts into `out` the policies of the system that `said` names, with the changes of `said` on top; false where there are none.
  bool expand_system(JsonDocument& out, const JsonDocument& said, const fs::path& folder, const fs::path& names_from, Problems& problems) {
    const Json& policies = said.root["policies"];
    if (!policies["system"].is_string()) {
      problems.add("/policies/system", "must be the name of a system, a text in quotes");
      return false;
    }
    std::string path;
    try {
      path = find_system(policies["system"].get<std::string>(), folder, names_from);
    } catch (const InputError& e) {
      problems.add("/policies/system", e.what());
      return false;
    }
    std::error_code ignored;
    if (std::any_of(systems_.begin(), systems_.end(), [&](const auto& other) { return fs::equivalent(other, path, ignored); })) {
      problems.add("/policies/system", "systems name each other in a ring, by " + path);
      return false;
    }
    require_file(path, said.place_text("/policies/system") + ": /policies/system: ");
    systems_.push_back(path);
    system_files_.insert(path);
    JsonDocument system = read_system(path);
    systems_.pop_back();
    if (policies.contains("override")) {
      JsonDocument changes = said;
      lengthen(changes, "/policies/override");
      if (changes.root["policies"]["override"].is_object())
        merge(system, "/policies", changes, "/policies/override", rules_, problems);
      else
        problems.add("/policies/override", "expected an object: changes of policies by kind");
    }
    for (const char* key : {"policies", "initial"}) {
      if (!system.root.contains(key) || (out.root.contains(key) && key == std::string_view("initial"))) continue;
      out.root[key] = system.root[key];
      out.take_places(system, child("", key), child("", key));
    }
    return true;
  }

  /// A file of scenarios/systems, in long form and with an object of policies, whatever is wrong with it.
  JsonDocument read_system(const std::string& path) {
    Problems problems;
    Part part{read_json_file(path, problems)};
    Json& root = part.document.root;
    param::bind<SystemSection>(to_value(root), "", problems);
    if (!root.is_object()) root = Json::object();
    Json& policies = root["policies"];
    if (!policies.is_object() && !policies.is_null()) problems.add("/policies", "expected an object: a policy for each kind");
    wrong_ += render(problems, part.document);
    if (!policies.is_object()) policies = Json::object();
    const fs::path folder = fs::path(path).parent_path();
    expand(part, folder, folder);
    return std::move(part.document);
  }

  /// Every section, and the parameters of each policy and source: there, for options to reach into.
  void complete() {
    Json& root = document_.root;
    for (const char* key : {"policies", "control", "feedback", "measure", "on_lost"})
      if (!root.contains(key)) root[key] = Json::object();
    const auto add_params = [](Json& list) {
      for (auto& x : list)
        if (x.is_object() && !x.contains("params")) x["params"] = Json::object();
    };
    if (root["policies"].is_object()) add_params(root["policies"]);
    if (root.contains("workload") && root["workload"].is_array()) add_params(root["workload"]);
  }

  // --- options ---

  void apply(const Layer& layer) {
    Part part{JsonDocument(to_text(layer))};
    Json& root = part.document.root = Json::object();
    Problems problems;
    std::string message;
    const auto value = read_value(layer.value, message);
    if (!value)
      problems.add("", message);
    else if (layer.kind == LayerKind::with)
      part = with(layer);
    else if (layer.kind == LayerKind::system)
      root["policies"]["system"] = layer.value;
    else if (layer.kind == LayerKind::policy) {
      root = policy(layer.value, problems);
      if (problems.empty()) make_room_for_joint(root);
    } else if (layer.kind == LayerKind::load || layer.kind == LayerKind::speedup || layer.kind == LayerKind::seed)
      root[layer.kind == LayerKind::load ? "load" : layer.kind == LayerKind::speedup ? "speedup" : "seed"] = *value;
    else if (layer.kind == LayerKind::trace)
      trace(layer.value, part.document, problems);
    else
      set(layer.value, part.document, problems);
    wrong_ += render(problems, part.document);
    if (!problems.empty()) return;
    if (layer.kind != LayerKind::with) expand(part, {}, scenario_folder_);
    put(document_, part);
  }

  Part with(const Layer& layer) {
    require_file(layer.value, to_text(layer) + ": ");
    return read_file(layer.value, {});
  }

  static Json policy(const std::string& text, Problems& problems) {
    const std::vector<std::string> parts = split_at_commas(text);
    const auto split = [](const std::string& part) {
      const auto equals = part.find('=');
      return equals == 0 || equals == std::string::npos ? std::pair<std::string, std::string>()
                                                        : std::pair(part.substr(0, equals), part.substr(equals + 1));
    };
    Json params = Json::object();
    for (const auto& part : parts) {
      const auto [key, value] = split(part);
      std::string message;
      if (key.empty() || (&part == &parts.front() && value.empty()))
        problems.add("", "expected KIND=NAME[,PARAM=VALUE]..., such as dispatch=power_of_d,d=3");
      else if (&part != &parts.front() && params.contains(key))
        problems.add("", "the parameter " + in_quotes(key) + " is given twice");
      else if (&part != &parts.front())
        params[key] = read_value(value, message).value_or(nullptr);
      if (!message.empty()) problems.add("", message);
      if (!problems.empty()) return Json::object();
    }
    const auto [kind, name] = split(parts.front());
    return Json{{"policies", Json{{kind, Json{{"name", name}, {"params", params}}}}}};
  }

  /// A joint policy from the command line takes over its kinds, whatever is below says of them; in a file it has those that nothing else names.
  void make_room_for_joint(const Json& option) {
    const Json* joint = member(option["policies"], "joint");
    if (joint == nullptr || !joint->contains("name") || !(*joint)["name"].is_string()) return;
    const PolicyDefinition* d = registry_.find((*joint)["name"].get<std::string>());
    if (d == nullptr) return;
    for (const PolicyKind kind : d->kinds) document_.erase(child("/policies", std::string(to_string(kind))));
  }

  /// Replaces the source of an entry of the workload.
  void trace(const std::string& text, const JsonDocument& option, Problems& problems) {
    const auto equals = text.find('=');
    const std::string entry = equals == std::string::npos ? "" : text.substr(0, equals), file = text.substr(equals + 1);
    const Json* workload = member(document_.root, "workload");
    if (workload == nullptr || !workload->is_array() || workload->empty())
      return problems.add("", "the scenario has no entry of a workload");
    std::vector<std::string_view> names;
    for (const Json& e : *workload) names.push_back(name_of(e));
    const auto count = std::count(names.begin(), names.end(), entry);
    if (equals == std::string::npos && names.size() > 1)
      return problems.add("", "the workload has several entries: expected ENTRY=FILE" + suggestion("", names));
    if (equals != std::string::npos && count != 1)
      return problems.add("", count == 0 ? "unknown entry " + in_quotes(entry) + suggestion(entry, names)
                                         : "two entries have the name " + in_quotes(entry));
    const auto k = equals == std::string::npos ? 0 : std::find(names.begin(), names.end(), entry) - names.begin();
    const std::string at = "/workload/" + std::to_string(k);
    JsonDocument source = option;
    try {
      std::ifstream in(file, std::ios::binary);
      std::error_code ignored;
      // That a file cannot be read is said with everything else that is wrong.
      std::string name(sources[source_csv].name);
      if (fs::is_directory(file, ignored)) {
        if (is_known(file)) name = sources[source_trace].name;
      } else if (in) {
        name = source_for(in, file);
      }
      source.root = Json{{"source", name}, {"params", Json{{"file", file}}}};
    } catch (const SourceError& e) {
      return problems.add("", file + ": " + e.what() + "; set " + at + "/source and " + at + "/params/file instead");
    }
    merge(document_, at, source, "", rules_, problems);
  }

  /// The simple sources where the file is theirs, else the one that reads any format. Throws SourceError.
  static std::string source_for(std::istream& in, const std::string& file) {
    try {
      return std::string(sources[recognise_trace(in) == TraceFormat::csv ? source_csv : source_counts].name);
    } catch (const SourceError&) {
      if (!is_known(file)) throw;
      return std::string(sources[source_trace].name);
    }
  }
  static bool is_known(const std::string& file) {
    try {
      (void)recognise_format(trace_files({file}));
      return true;
    } catch (const SourceError&) {
      return false;
    } catch (const WorldError&) {
      return false;
    }
  }

  void set(const std::string& text, JsonDocument& option, Problems& problems) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || !text.starts_with('/'))
      return problems.add("", "expected POINTER=VALUE with a JSON pointer such as /cluster/pools/0/count=4");
    const std::string pointer = text.substr(0, equals), value = text.substr(equals + 1);
    const auto t = tokens(pointer);
    if (t[0] == "extends") return problems.add("", "\"extends\" is for files: put a file on top by --with");
    if (pointer == "/policies/system") {
      option.root["policies"]["system"] = value;
      return;
    }
    if (t.size() > 1 && t[0] == "catalog") take_in_catalog();
    if (t.size() > 2 && t[0] == "policies" && document_.root["policies"].is_object()) {
      if (std::find(kinds_.begin(), kinds_.end(), t[1]) == kinds_.end())
        return problems.add_key(child("/policies", t[1]), "unknown kind of policy " + in_quotes(t[1]) + suggestion(t[1], kinds_));
      // One that is not named has its default's parameters.
      Json& policy = document_.root["policies"][t[1]];
      if (policy.is_null()) policy = Json{{"params", Json::object()}};
    }
    Problems leads_nowhere;
    bool added = false;
    const std::string reached = set_pointer(document_, pointer, value, leads_nowhere, &added);
    wrong_ += render(leads_nowhere, document_);
    if (reached.empty()) return;
    const Json& container = document_.root[Json::json_pointer(std::string(parent(reached)))];
    if (added && container[tokens(reached).back()].is_null() && !rules_.null_values.contains(reached)) {
      // A mistyped key that null should delete would stay as it is, without a word.
      const std::string key = tokens(reached).back();
      std::vector<std::string> keys;
      for (const auto& [name, ignored] : container.items())
        if (name != key) keys.push_back(name);
      problems.add_key(reached, "null deletes what is said, and nothing says " + in_quotes(key) + suggestion(key, keys));
      document_.root[Json::json_pointer(std::string(parent(reached)))].erase(key);
      document_.forget_places(reached);
      return;
    }
    set_done(reached);
  }

  /// A catalog that is named by its path becomes part of the document, so that values in it can be set. One that cannot be read stays a
  /// path: its reader says why.
  void take_in_catalog() {
    const Json* named = member(document_.root, "catalog");
    if (named == nullptr || !named->is_string()) return;
    const Place& place = document_.place("/catalog");
    const fs::path folder = place.line == 0 ? fs::path() : fs::path(document_.source(place)).parent_path();
    try {
      Problems problems;
      const JsonDocument catalog = read_json_file((folder / named->get<std::string>()).string(), problems);
      if (!problems.empty()) return;
      document_.root["catalog"] = catalog.root;
      document_.take_places(catalog, "", "/catalog");
    } catch (const WorldError&) {
      return;
    }
  }

  /// What follows from a value that was set: short forms, names that replace, null that deletes.
  void set_done(const std::string& at) {
    const Place place = *document_.find_place(at);
    const std::string owner(parent(at));
    const Json& below = document_.root[Json::json_pointer(owner)];
    if (below.is_object()) {
      const std::string key = tokens(at).back();
      for (const std::string& other : discards(owner, below, Json{{key, below[key]}})) {
        document_.erase(child(owner, other));
        document_.set_place(child(owner, other), place);
      }
    }
    if (document_.root[Json::json_pointer(at)].is_null() && !rules_.null_values.contains(at)) {
      const bool is_element = below.is_array();
      document_.erase(at);
      if (!is_element) document_.set_place(at, place);
    } else if (at == "/policies") {
      Part whole{std::move(document_)};
      expand(whole, {}, scenario_folder_);
      document_ = std::move(whole.document);
    } else if (document_.root["policies"].is_object()) {
      lengthen(document_, "/policies");
    }
  }

  const PolicyRegistry& registry_;
  const MergeRules rules_;
  std::vector<std::string_view> kinds_;
  fs::path scenario_folder_;
  std::vector<std::string> systems_;  // being read, each named by the one before
  std::set<std::string> system_files_;
  JsonDocument document_;
  std::string wrong_;
};

}  // namespace

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> out(1);
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      out.back() += c;
      out.back() += text[++i];
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (!quoted) depth += (c == '[' || c == '{') - (c == ']' || c == '}');
    if (c == ',' && depth == 0 && !quoted)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

std::string to_text(const Layer& layer) {
  for (const LayerOption& o : layer_options)
    if (o.kind == layer.kind) return "--" + std::string(o.name) + " " + layer.value;
  return layer.value;
}

LayeredScenario read_layers(const std::string& file, const std::vector<Layer>& layers, const PolicyRegistry& registry) {
  return Stack(registry).read(file, layers);
}

}  // namespace tideline

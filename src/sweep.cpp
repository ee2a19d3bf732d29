#include "src/sweep.h"

#include "sim/core/nearest.h"
#include "sim/core/random.h"
#include "sim/core/text.h"
#include "src/errors.h"
#include "src/file_hash.h"
#include "src/json_document.h"
#include "src/layer_section.h"
#include "src/scenario.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace tideline {

namespace {

namespace fs = std::filesystem;

enum class Combine : std::uint8_t { cartesian, zip };

struct SweepSection {
  std::int64_t schema = 1;
  std::string about;
  std::string scenario;
  param::Value set, axes, exclude;
  Combine combine = Combine::cartesian;
  std::uint32_t replications = 1;
  std::optional<std::int64_t> seed;
  static constexpr auto declare() {
    return param::fields(
        param::field("schema", &SweepSection::schema, "Version of the format.", {1, 1}, param::required),
        param::field("about", &SweepSection::about, "What the sweep is for."),
        param::field("scenario", &SweepSection::scenario, "The scenario that it varies: a path relative to this file.", param::required),
        param::field("set", &SweepSection::set, "Values that hold in all tasks, by JSON pointer, as --set."),
        param::field("axes", &SweepSection::axes, "What it varies: a list.", param::required),
        param::choice("combine", &SweepSection::combine, "All combinations of values, or the k-th values of all axes together.",
                      {{"cartesian", Combine::cartesian}, {"zip", Combine::zip}}),
        param::field("exclude", &SweepSection::exclude, "Points to leave out: a list of objects of axis and value; all must match."),
        param::field("replications", &SweepSection::replications, "Runs of each point, each with a seed of its own.", {1, 100000}),
        param::field("seed", &SweepSection::seed, "Seed of the first replication; default: that of the scenario.", {0, 9e15}));
  }
};

struct AxisSection {
  std::string axis;
  param::Value values, range, alternatives;
  static constexpr auto declare() {
    return param::fields(
        param::field("axis", &AxisSection::axis,
                     "system, load, trace, with, a kind of policy, a JSON pointer; with alternatives: any name.", param::required),
        param::field("values", &AxisSection::values, "Its values: a list."),
        param::field("range", &AxisSection::range, "Its values as [first, last, step]."),
        param::field("alternatives", &AxisSection::alternatives, "Named values that change several things: a list."));
  }
};

struct AlternativeSection : LayerSection {
  std::string name;
  static constexpr auto declare() {
    return std::tuple_cat(param::fields(param::field("name", &AlternativeSection::name, "What the value is called.", param::required)),
                          LayerSection::declare());
  }
};

class Reader {
 public:
  Reader(const std::string& path, const std::vector<Layer>& layers)
      : document_(read_json_file(path, problems_)), folder_(fs::path(path).parent_path()) {
    out_.name = fs::path(path).stem().string();
    out_.file = path;
    given_ = layers;
  }

  /// Everything but keys and inputs.
  Sweep read() {
    section_ = param::bind<SweepSection>(to_value(document_.root), "", problems_);
    if (!section_.scenario.empty()) out_.scenario = scenario_beside(folder_, section_.scenario);
    out_.replications = section_.replications;
    out_.layers = set_layers(document_.root, "/set", problems_);
    out_.layers.insert(out_.layers.end(), given_.begin(), given_.end());
    const Json* axes = list("/axes", "what the sweep varies");
    for (std::size_t k = 0; axes != nullptr && k < axes->size(); ++k) axis((*axes)[k], child("/axes", k));
    if (axes != nullptr && axes->empty()) problems_.add("/axes", "a sweep needs at least one axis");
    finish();
    std::vector<Point> points;
    try {
      points = points_of(out_.axes, section_.combine == Combine::zip);
    } catch (const InputError& e) {
      problems_.add("/axes", e.what());
    }
    finish();
    exclude(points);
    if (points.empty() && problems_.empty()) problems_.add("/exclude", "leaves no point");
    if (points.size() * out_.replications > 1'000'000) problems_.add("/replications", "more than a million runs");
    finish();
    for (const Point& p : points)
      for (std::uint32_t r = 0; r < out_.replications; ++r) out_.tasks.push_back({out_.tasks.size(), p, r, 0, {}});
    return std::move(out_);
  }
  std::optional<std::int64_t> seed() const { return section_.seed; }

 private:
  void finish() {
    if (!problems_.empty()) throw InputError(render(problems_, document_));
  }

  /// A member that has to be a list, or null where it is left out.
  const Json* list(const std::string& pointer, const std::string& what) {
    const Json::json_pointer at(pointer);
    if (!document_.root.is_object() || !document_.root.contains(at) || document_.root[at].is_null()) return nullptr;
    if (!document_.root[at].is_array()) {
      problems_.add(pointer, "expected a list: " + what);
      return nullptr;
    }
    return &document_.root[at];
  }

  static std::string text_of(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_float()) return to_text(value.get<double>());
    return value.dump();
  }

  void axis(const Json& value, const std::string& at) {
    const std::size_t before = problems_.list().size();
    const auto s = param::bind<AxisSection>(to_value(value), at, problems_);
    if (problems_.list().size() > before) return;
    const int given = static_cast<int>(value.contains("values")) + static_cast<int>(value.contains("range")) +
                      static_cast<int>(value.contains("alternatives"));
    if (given != 1) return problems_.add(at, "an axis has one of \"values\", \"range\" and \"alternatives\"");
    try {
      if (value.contains("alternatives")) return alternatives(value["alternatives"], s.axis, child(at, "alternatives"));
      if (value.contains("range")) {
        const Json& r = value["range"];
        if (!r.is_array() || r.size() != 3 || !std::all_of(r.begin(), r.end(), [](const Json& x) { return x.is_number(); }))
          return problems_.add(child(at, "range"), "expected three numbers: first, last, step");
        out_.axes.push_back(make_axis(s.axis, range_of(r[0].get<double>(), r[1].get<double>(), r[2].get<double>())));
        return;
      }
      if (!value["values"].is_array()) return problems_.add(child(at, "values"), "expected a list of values");
      std::vector<std::string> texts;
      for (const Json& x : value["values"]) texts.push_back(text_of(x));
      Axis axis = make_axis(s.axis, texts);
      for (std::size_t k = 0; k < axis.values.size(); ++k)
        for (Layer& layer : axis.values[k].layers) {
          if (layer.kind == LayerKind::set) layer = set_layer(s.axis, value["values"][k]);
          layer = relative_to(folder_, std::move(layer));
        }
      out_.axes.push_back(std::move(axis));
    } catch (const InputError& e) {
      problems_.add(at, e.what());
    }
  }

  void alternatives(const Json& value, const std::string& name, const std::string& at) {
    if (!value.is_array() || value.empty()) return problems_.add(at, "expected a list of alternatives, each with a name");
    Axis axis{name, {}};
    for (std::size_t k = 0; k < value.size(); ++k) {
      const std::string here = child(at, k);
      const auto s = param::bind<AlternativeSection>(to_value(value[k]), here, problems_);
      AxisValue v{s.name, layers_of(s, value[k], here, folder_, problems_)};
      for (const AxisValue& other : axis.values)
        if (other.label == v.label) problems_.add(child(here, "name"), "two alternatives are called " + in_quotes(v.label));
      axis.values.push_back(std::move(v));
    }
    out_.axes.push_back(std::move(axis));
  }

  void exclude(std::vector<Point>& points) {
    const Json* rules = list("/exclude", "points to leave out");
    for (std::size_t k = 0; rules != nullptr && k < rules->size(); ++k) {
      const std::string at = child("/exclude", k);
      const Json& rule = (*rules)[k];
      if (!rule.is_object() || rule.empty()) {
        problems_.add(at, "expected an object of axis and value");
        continue;
      }
      std::vector<std::pair<std::size_t, std::set<std::size_t>>> wanted;
      for (const auto& [name, value] : rule.items()) {
        std::vector<std::string> names;
        std::size_t a = 0;
        for (; a < out_.axes.size() && out_.axes[a].name != name; ++a) names.push_back(out_.axes[a].name);
        if (a == out_.axes.size()) {
          problems_.add_key(child(at, name), "unknown axis " + in_quotes(name) + suggestion(name, names));
          continue;
        }
        std::set<std::size_t>& match = wanted.emplace_back(a, std::set<std::size_t>{}).second;
        for (const Json& one : value.is_array() ? value : Json::array({value})) {
          std::vector<std::string> labels;
          for (const AxisValue& v : out_.axes[a].values) labels.push_back(v.label);
          const auto found = std::find(labels.begin(), labels.end(), text_of(one));
          if (found == labels.end())
            problems_.add(child(at, name), "the axis has no value " + in_quotes(text_of(one)) + suggestion(text_of(one), labels));
          else
            match.insert(static_cast<std::size_t>(found - labels.begin()));
        }
      }
      std::erase_if(points, [&](const Point& p) {
        return std::all_of(wanted.begin(), wanted.end(), [&](const auto& w) { return w.second.contains(p[w.first]); });
      });
    }
  }

  Problems problems_;
  JsonDocument document_;
  fs::path folder_;
  SweepSection section_;
  Sweep out_;
  std::vector<Layer> given_;
};

}  // namespace

std::vector<Layer> layers_of(const Sweep& sweep, const SweepTask& task) {
  std::vector<Layer> out = sweep.layers;
  for (auto& l : layers_of(sweep.axes, task.point)) out.push_back(std::move(l));
  out.push_back({LayerKind::seed, std::to_string(task.seed)});
  return out;
}

Sweep read_sweep(const std::string& path, const std::vector<Layer>& layers, const PolicyRegistry& registry) {
  Reader reader(path, layers);
  Sweep sweep = reader.read();
  std::map<std::string, std::string> hashes;
  const auto hash_of = [&](const std::vector<std::string>& files) {
    std::set<std::string> all(files.begin(), files.end());
    std::uint64_t h = 0;
    for (const auto& f : all) {
      auto [at, is_new] = hashes.try_emplace(f);
      if (is_new) at->second = hash_file(f);
      h = hash(h, hash(at->second));
    }
    return h;
  };
  const std::uint64_t of_program = hash_of({"/proc/self/exe"});
  const bool seed_given = std::any_of(layers.begin(), layers.end(), [](const Layer& l) { return l.kind == LayerKind::seed; });
  std::optional<std::uint64_t> seed;
  if (reader.seed() && !seed_given) seed = static_cast<std::uint64_t>(*reader.seed());
  std::map<Point, std::uint64_t> of_files;  // by what a point reads: one look at each is enough
  for (SweepTask& t : sweep.tasks) {
    auto [at, is_new] = of_files.try_emplace(reading_of(sweep.axes, t.point));
    if (is_new) {
      std::vector<Layer> all = sweep.layers;
      for (auto& l : layers_of(sweep.axes, t.point)) all.push_back(std::move(l));
      const Scenario scenario = read_scenario(sweep.scenario, all, registry);
      at->second = hash_of(files_of(scenario));
      if (!seed) seed = scenario.options.seed;
    }
    t.seed = replication_seed(*seed, t.replication);
    std::uint64_t h = hash(of_program, at->second);
    for (const Layer& l : layers_of(sweep, t)) h = hash(h, hash(to_text(l)));
    t.key = hex(h);
  }
  for (auto& [file, h] : hashes) sweep.inputs.push_back({file == "/proc/self/exe" ? "program" : file, h});
  return sweep;
}

}  // namespace tideline

#include "src/pack.h"

#include "sim/core/text.h"
#include "src/commands.h"
#include "src/errors.h"
#include "src/output_file.h"
#include "src/recipe.h"
#include "src/recorded_run.h"
#include "src/results.h"
#include "src/sweep_folder.h"
#include "src/sweep_table.h"
#include "src/text_table.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace tideline {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t version = 1;

/// Absolute, without `.` and `..`; links are not followed: what is named is what is packed.
fs::path plain(const fs::path& path) { return fs::absolute(path).lexically_normal(); }

bool inside(const fs::path& path, const fs::path& folder) {
  const auto [p, f] = std::mismatch(path.begin(), path.end(), folder.begin(), folder.end());
  return f == folder.end() || (std::next(f) == folder.end() && f->empty());
}

/// The folder that holds both.
fs::path common_folder(const fs::path& a, const fs::path& b) {
  fs::path out;
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end() && *x == *y; ++x, ++y) out /= *x;
  return out;
}

class PlaceChange {
 public:
  explicit PlaceChange(const fs::path& to) : back_(fs::current_path()) { fs::current_path(to); }
  ~PlaceChange() {
    std::error_code ignored;
    fs::current_path(back_, ignored);
  }
  PlaceChange(const PlaceChange&) = delete;
  PlaceChange& operator=(const PlaceChange&) = delete;

 private:
  fs::path back_;
};

/// One thing of results/.
enum class Kind : std::uint8_t { none, run, sweep, recipe };
struct Item {
  Kind kind = Kind::none;
  fs::path path;  ///< as it was named
  fs::path name;  ///< in results/
};

bool has_recipe(const Json& json) {
  const auto format = json.is_object() ? json.value("format", "") : std::string();
  return format == "tideline-compare" || format == "tideline-capacity";
}

std::string quoted(const std::string& path) { return "'" + path + "'"; }

/// A value of /etc/os-release; empty where there is none.
std::string of_system(const std::string& key) {
  std::ifstream in("/etc/os-release");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key + "=")) continue;
    std::string value = line.substr(key.size() + 1);
    if (value.size() > 1 && value.front() == '"') value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

constexpr const char* run_script = R"sh(#!/bin/sh
# Makes every result of this pack again, and says how many came out the same. Options go to tideline rerun, as --jobs 4.
# TIDELINE=PROGRAM takes another program than the one in program/.
set -eu
cd "$(dirname "$0")"
program=${TIDELINE:-}
if [ -z "$program" ]; then
  if [ -x program/tideline ] && program/tideline --version > /dev/null 2>&1; then
    program=program/tideline
  elif command -v tideline > /dev/null; then
    program=tideline
  else
    echo "run.sh: program/tideline is not there or does not run on this system. Run it in a container (see README.md)," >&2
    echo "  or build Tideline and run: TIDELINE=PATH/TO/tideline ./run.sh" >&2
    exit 3
  fi
fi
exec "$program" rerun . "$@"
)sh";

class Packer {
 public:
  Packer(fs::path folder, const std::vector<LeftOut>& left_out, const PolicyRegistry& registry)
      : folder_(std::move(folder)), left_out_(left_out), registry_(registry) {}

  PackList pack(const std::vector<std::string>& results, bool with_program) {
    for (const auto& r : results) find(r);
    std::set<fs::path> names;
    for (const Item& i : items_)
      if (!names.insert(i.name).second)
        throw InputError("two results are called " + i.name.string() + ": pack a folder that holds both, or rename one");
    for (const Item& i : items_) collect(i);
    for (const LeftOut& l : left_out_)
      if (std::none_of(inputs_.begin(), inputs_.end(), [&](const auto& i) { return same_file(i.first, l.file); }))
        throw InputError("--leave-out " + l.file.string() + ": no result was made from it");
    lay_inputs();
    for (const Item& i : items_) lay(i);
    check_places();
    remove_left_out();
    write_whole(folder_ / "expected.csv", expected_);
    write_rest(with_program);
    return list_;
  }

 private:
  static Kind kind_of(const fs::path& path, bool named) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return fs::is_regular_file(path / "manifest.json", ignored) ? Kind::sweep : Kind::none;
    if (path.extension() == ".h5") return Kind::run;
    if (path.extension() != ".json") return Kind::none;
    const Json json = read_json(path.string());
    // A comparison of a sweep's runs is what the sweep says; by itself it cannot be made again.
    return has_recipe(json) && (named || (json.contains("recipe") && !json.value("interrupted", false))) ? Kind::recipe : Kind::none;
  }

  void find(const std::string& word) {
    const fs::path path = fs::path(word).lexically_normal();
    std::error_code error;
    if (!fs::exists(path, error)) throw WorldError("cannot pack " + quoted(word) + ": there is no such file or folder");
    const fs::path name = plain(path).has_filename() ? plain(path).filename() : plain(path).parent_path().filename();
    if (const Kind kind = kind_of(path, true); kind != Kind::none) {
      items_.push_back({kind, path, name});
      return;
    }
    const std::size_t before = items_.size();
    if (fs::is_directory(path, error)) find_in(path, name);
    if (items_.size() == before)
      throw InputError("cannot pack " + quoted(word) +
                       ": it is no results file, no folder of a sweep, no comparison and no capacity, and holds none");
  }

  /// Tables of sweeps and what interrupted runs left are passed over where nobody named them.
  static bool whole_run(const fs::path& path) {
    try {
      require_complete(ResultsReader(path));
      return true;
    } catch (const InputError&) {
      return false;
    }
  }

  void find_in(const fs::path& folder, const fs::path& name) {
    std::vector<fs::path> entries;
    for (const auto& e : fs::directory_iterator(folder)) entries.push_back(e.path());
    std::sort(entries.begin(), entries.end());
    for (const auto& e : entries) {
      const Kind kind = kind_of(e, false);
      if (kind == Kind::run && !whole_run(e)) continue;
      if (kind != Kind::none)
        items_.push_back({kind, e, name / e.filename()});
      else if (std::error_code ignored; fs::is_directory(e, ignored) && !fs::is_symlink(e))
        find_in(e, name / e.filename());
    }
  }

  void add_input(const std::string& path, const std::string& hash, const std::string& of) {
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored))
      throw WorldError(of + ": " + path + " is not there: paths are relative to the folder in which the command was run");
    if (hash_file(path) != hash) throw InputError(of + ": " + path + " has changed since: run it again before it is packed");
    inputs_[plain(path)] = hash;
  }

  /// A line of expected.csv.
  void expect(const Item& item, const std::string& run, const std::string& metric, const Json& value) {
    if (value.is_number()) expected_ += csv_field(item.name.string()) + "," + csv_field(run) + "," + metric + "," + value.dump() + "\n";
  }

  void collect(const Item& item) {
    const std::string of = quoted(item.path.string());
    if (item.kind == Kind::run) {
      const ResultsReader reader(item.path);
      const RecordedRun run = read_recorded_run(reader);
      if (!run.changed.empty()) throw InputError(of + ": " + run.changed.front() + ": run it again before it is packed");
      for (const InputFile& f : run.files) inputs_[f.path] = f.hash;
      for (const Metric& m : metrics())
        if (const std::string at = "/summary/total/" + std::string(m.name); reader.has(at))
          for (const double x : reader.doubles(at)) expect(item, "", std::string(m.name), std::isfinite(x) ? Json(x) : Json());
      return;
    }
    if (item.kind == Kind::sweep) {
      const auto manifest = read_manifest(item.path);
      for (const Json& i : (*manifest)["inputs"])
        if (const auto path = i.value("path", ""); path != "program") add_input(path, i.value("hash", ""), of);
      // Without results files the tasks are made again from the sweep file; with them it is there to be read.
      const auto file = manifest->value("sweep", "");
      if (std::error_code ignored; fs::is_regular_file(file, ignored))
        inputs_[plain(file)] = hash_file(file);
      else if (std::any_of((*manifest)["tasks"].begin(), (*manifest)["tasks"].end(), [&](const Json& t) {
                 const auto number = t["task"].get<std::size_t>();
                 return fs::is_regular_file(task_file(item.path, number, ".json"), ignored) &&
                        !fs::is_regular_file(task_file(item.path, number, ".h5"), ignored);
               }))
        throw WorldError(of + ": its sweep file " + file + " is not there: paths are relative to the folder in which it was run");
      const SweepTable table = read_sweep_table(item.path);
      if (table.tasks.empty()) throw InputError(of + ": no task of the sweep is finished");
      for (std::size_t r = 0; r < table.tasks.size(); ++r)
        for (const auto& m : table.metrics)
          expect(item, "task " + std::to_string(table.tasks[r]), m.name, std::isfinite(m.values[r]) ? Json(m.values[r]) : Json());
      return;
    }
    const Json json = read_json(item.path.string());
    if (json.value("interrupted", false)) throw InputError(of + " was interrupted: it is no whole comparison or capacity");
    for (const InputFile& i : read_recipe(json, item.path.string()).inputs) add_input(i.path, i.hash, of);
    for (const Json& a : json.value("alternatives", Json::array())) {
      const auto label = a.value("label", "");
      if (a.contains("capacity")) expect(item, label, "capacity", a["capacity"]);
      if (a.contains("metrics"))
        for (const auto& [metric, values] : a["metrics"].items()) expect(item, label, metric, values["mean"]);
    }
  }

  bool left_out(const fs::path& path) const {
    return std::any_of(left_out_.begin(), left_out_.end(), [&](const LeftOut& l) { return same_file(l.file, path); });
  }

  void lay_inputs() {
    const fs::path here = plain(".");
    root_ = here;
    for (const auto& [path, hash] : inputs_) root_ = common_folder(root_, path.parent_path());
    list_.folder = (fs::path("inputs") / here.lexically_relative(root_)).lexically_normal().string();
    if (list_.folder.ends_with('/')) list_.folder.pop_back();
    fs::create_directories(folder_ / list_.folder);
    for (const auto& [path, hash] : inputs_) {
      const fs::path to = fs::path("inputs") / path.lexically_relative(root_);
      fs::create_directories((folder_ / to).parent_path());
      fs::create_symlink(path, folder_ / to);
      PackedFile file{{to.string(), hash}, {}, left_out(path)};
      for (const LeftOut& l : left_out_)
        if (same_file(l.file, path)) file.where = l.where;
      list_.files.push_back(std::move(file));
    }
  }

  void lay(const Item& item) {
    const fs::path to = fs::path("results") / item.name;
    fs::create_directories((folder_ / to).parent_path());
    list_.results.push_back(to.string());
    if (item.kind != Kind::sweep) {
      fs::create_symlink(plain(item.path), folder_ / to);
      if (item.kind == Kind::run) lay_scenario(item);
      return;
    }
    fs::create_directories(folder_ / to / "tasks");
    Json manifest = *read_manifest(item.path);
    for (const char* key : {"sweep", "scenario"})
      if (manifest.contains(key)) manifest[key] = fs::proximate(manifest.value(key, "")).string();
    for (Json& i : manifest["inputs"])
      if (const auto path = i.value("path", ""); path != "program") i["path"] = fs::proximate(path).string();
    write_whole(folder_ / to / "manifest.json", manifest.dump(1) + "\n");
    for (const Json& t : manifest["tasks"]) {
      const auto number = t["task"].get<std::size_t>();
      if (read_task(item.path, number, t["key"].get<std::string>()).state != TaskState::finished) continue;
      for (const char* suffix : {".json", ".h5"}) {
        std::error_code ignored;
        if (const fs::path file = task_file(item.path, number, suffix); fs::is_regular_file(file, ignored))
          fs::create_symlink(plain(file), task_file(folder_ / to, number, suffix));
      }
    }
  }

  /// The effective configuration, to read and to run.
  void lay_scenario(const Item& item) {
    const RecordedRun run = read_recorded_run(ResultsReader(item.path));
    const fs::path to = (folder_ / "scenarios" / item.name).replace_extension(".json");
    fs::create_directories(to.parent_path());
    std::string text = run.configuration.dump(1) + "\n";
    for (const InputFile& f : run.files) {
      const fs::path packed = folder_ / "inputs" / fs::path(f.path).lexically_relative(root_);
      const std::string from = Json(f.path).dump(), relative = Json(packed.lexically_relative(to.parent_path()).string()).dump();
      for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += relative.size())
        text.replace(at, from.size(), relative);
    }
    write_whole(to, text);
  }

  /// What is made again from files has to find them in the pack.
  void check_places() const {
    const fs::path place = plain(folder_);
    const PlaceChange there(folder_ / list_.folder);
    for (const std::string& result : list_.results) {
      std::vector<InputFile> inputs;
      const fs::path path = place / result;
      try {
        if (fs::is_directory(path)) {
          const auto manifest = read_manifest(path);
          const auto file = manifest->value("sweep", "");
          if (fs::is_regular_file(file))
            inputs = read_sweep(file, layers_in(manifest->value("layers", Json::array()), result), registry_).inputs;
        } else if (path.extension() == ".json") {
          Recipe recipe = read_recipe(read_json(path.string()), result);
          find_inputs(recipe, registry_);
          inputs = recipe.inputs;
        }
      } catch (const std::exception& e) {
        throw InputError(result + " cannot be made again from the files that it was made from alone:\n" + e.what());
      }
      for (const InputFile& i : inputs)
        if (i.path != "program" && !inside(plain(i.path), place))
          throw InputError(result + " reads " + i.path + " by an absolute path, which means nothing elsewhere: name it relative to " +
                           "the scenario, run again and pack that");
    }
  }

  void remove_left_out() {
    for (const PackedFile& f : list_.files)
      if (f.left_out) fs::remove(folder_ / f.file.path);
  }

  void write_rest(bool with_program) {
    list_.program = version_text();
    list_.compiler = compiler_name();
    list_.system = of_system("PRETTY_NAME");
    if (with_program) {
      fs::create_directories(folder_ / "program");
      fs::create_symlink(fs::read_symlink("/proc/self/exe"), folder_ / "program" / "tideline");
    }
    Json json{{"format", "tideline-pack"}, {"version", version},     {"program", list_.program}, {"compiler", list_.compiler},
              {"system", list_.system},    {"folder", list_.folder}, {"results", list_.results}, {"files", Json::array()}};
    std::string missing;
    for (const PackedFile& f : list_.files) {
      Json entry{{"path", f.file.path}, {"hash", f.file.hash}};
      if (f.left_out) {
        entry["left_out"] = true;
        entry["where"] = f.where;
        missing += "- `" + f.file.path + "`, FNV-1a hash " + f.file.hash + (f.where.empty() ? "" : ": " + f.where) + "\n";
      }
      json["files"].push_back(std::move(entry));
    }
    write_whole(folder_ / "pack.json", json.dump(1) + "\n");
    write_whole(folder_ / "run.sh", run_script);
    fs::permissions(folder_ / "run.sh", fs::perms(0755));
    // The program runs where its libraries are: on the system that it was built on.
    const std::string id = of_system("ID"), number = of_system("VERSION_ID");
    const bool known = (id == "debian" || id == "ubuntu") && !number.empty();
    write_whole(folder_ / "Dockerfile", "FROM " + (known ? id + ":" + number : std::string("debian:12")) +
                                            "\nRUN apt-get update && apt-get install -y --no-install-recommends libhdf5-dev \\\n"
                                            "  && rm -rf /var/lib/apt/lists/*\nCOPY . /pack\nWORKDIR /pack\nCMD [\"./run.sh\"]\n");
    std::string readme =
        "# Results of Tideline, to be made again\n\n`./run.sh` makes every result again and ends in \"n of n reproduced\"; "
        "in a container: `docker build -t pack . && docker run --rm pack`.\n\n- `results/`: what was found; `expected.csv`: "
        "the same in numbers\n- `inputs/`: scenarios, catalogs and traces that it was found with\n- `pack.json`: what is "
        "here, with hashes\n";
    if (with_program) readme += "- `program/tideline`: the program, for " + list_.system + "\n";
    readme += "\nWritten by " + list_.program + ", compiled with " + list_.compiler + ".\n";
    if (!missing.empty()) readme += "\nNot here, and to be put in their places first:\n\n" + missing;
    write_whole(folder_ / "README.md", readme);
  }

  fs::path folder_, root_;
  const std::vector<LeftOut>& left_out_;
  const PolicyRegistry& registry_;
  std::vector<Item> items_;
  std::map<fs::path, std::string> inputs_;  ///< hash by absolute path
  std::string expected_ = "result,run,metric,value\n";
  PackList list_;
};

}  // namespace

bool is_pack(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "pack.json", ignored);
}

PackList read_pack(const fs::path& folder) {
  const std::string path = (folder / "pack.json").string();
  const Json json = read_json(path);
  if (json.value("format", "") != "tideline-pack") throw InputError(path + " is not the list of a pack");
  if (!json.contains("version") || json["version"] != version)
    throw InputError(path + " is of another version of the format; this program reads " + std::to_string(version));
  for (const char* member : {"files", "results"})
    if (!json.contains(member) || !json[member].is_array()) throw InputError(path + ": the list \"" + member + "\" is missing");
  PackList out;
  out.program = json.value("program", "");
  out.compiler = json.value("compiler", "");
  out.system = json.value("system", "");
  out.folder = json.value("folder", "inputs");
  for (const Json& f : json["files"]) {
    if (!f.is_object() || !f.contains("path") || !f.contains("hash")) throw InputError(path + ": a file without path or hash");
    out.files.push_back({{f.value("path", ""), f.value("hash", "")}, f.value("where", ""), f.value("left_out", false)});
  }
  for (const Json& r : json["results"]) {
    if (!r.is_string()) throw InputError(path + ": a result that is no text");
    out.results.push_back(r.get<std::string>());
  }
  return out;
}

PackList lay_out_pack(const fs::path& folder, const std::vector<std::string>& results, const std::vector<LeftOut>& left_out,
                      bool with_program, const PolicyRegistry& registry) {
  return Packer(folder, left_out, registry).pack(results, with_program);
}

}  // namespace tideline

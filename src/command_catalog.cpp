// tideline catalog: makes catalogs of tables, shows them, puts them together, fits curves.
#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "src/catalog_fit.h"
#include "src/catalog_json.h"
#include "src/catalog_show.h"
#include "src/commands.h"
#include "src/csv_table.h"
#include "src/errors.h"
#include "src/options.h"
#include "src/output_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

namespace {

constexpr std::array<std::string_view, 4> actions{"import", "show", "merge", "fit"};

struct ReadCatalog {
  Json json;
  Catalog catalog;
};

/// Throws InputError with a line for each problem.
ReadCatalog read(const std::string& path) {
  Problems problems;
  const JsonDocument document = read_json_file(path, problems);
  ReadCatalog out;
  out.json = document.root;
  if (problems.empty()) out.catalog = read_catalog(document.root, "", problems);
  if (!problems.empty()) throw InputError(render(problems, document));
  return out;
}

/// The elements of all lists of one name, in order; the same element twice is once, two of one name are refused.
Json merged(const std::vector<ReadCatalog>& parts, const std::vector<std::string>& paths, const char* key) {
  Json out = Json::array();
  std::map<std::string, std::pair<Json, std::size_t>> known;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    if (!parts[k].json.contains(key)) continue;
    for (const Json& element : parts[k].json[key]) {
      const std::string name = element.contains("name") ? element["name"].get<std::string>() : element.dump();
      const auto [at, is_new] = known.try_emplace(name, element, k);
      if (is_new) {
        out.push_back(element);
        // Who reads them together should see that they come from two places.
        if (std::string_view(key) == "variants" && !element.contains("source")) out.back()["source"] = parts[k].catalog.name;
      } else if (at->second.first != element)
        throw InputError(paths[at->second.second] + " and " + paths[k] + " say different things of " + in_quotes(name) + " in \"" + key +
                         "\": rename one of them");
    }
  }
  return out;
}

std::string list(const char* name, const Json& elements) {
  std::string out = ",\n \"" + std::string(name) + "\": [";
  for (std::size_t k = 0; k < elements.size(); ++k) out += (k == 0 ? "\n  " : ",\n  ") + elements[k].dump();
  return out + "\n ]";
}

void merge_files(const std::vector<std::string>& paths, const cxxopts::ParseResult& o) {
  if (paths.size() < 2) throw InputError("merge takes at least two catalogs (see tideline catalog merge --help)");
  if (o.count("out") == 0) throw InputError("merge needs --out FILE.json (see tideline catalog merge --help)");
  const auto out = output_file(o["out"].as<std::string>(), {paths.begin(), paths.end()});
  std::vector<ReadCatalog> parts;
  std::string name, about;
  for (const std::string& path : paths) {
    parts.push_back(read(path));
    name += (name.empty() ? "" : "+") + parts.back().catalog.name;
    about += (about.empty() ? "Merged from " : ", ") + std::filesystem::path(path).filename().string();
  }
  std::string text = Json{{"name", name}, {"about", about + "."}}.dump(1);
  text.resize(text.rfind('\n'));
  for (const char* key : {"tasks", "hardware", "variants", "colocation"}) {
    const Json elements = merged(parts, paths, key);
    if (!elements.empty()) text += list(key, elements);
  }
  write_whole(out, text + "\n}\n");
  const Catalog whole = read(out.string()).catalog;
  std::cout << whole.variants.size() << " variants, " << whole.tasks.size() << (whole.tasks.size() == 1 ? " task, " : " tasks, ")
            << whole.hardware.size() << " hardware types\ncatalog: " << out.string() << '\n';
}

void show(const std::string& path, const cxxopts::ParseResult& o) {
  ReadCatalog c = read(path);
  if (o.count("framework") > 0) keep_framework(o["framework"].as<std::string>(), c.catalog, c.json);
  std::optional<CsvTable> published;
  if (o.count("fronts") > 0) {
    const auto name = o["fronts"].as<std::string>();
    const auto in = open_table(name);
    published.emplace(*in, name);
  }
  const CsvTable* const fronts = published ? &*published : nullptr;
  if (o.count("json") > 0)
    std::cout << show_json(c.catalog, c.json, fronts).dump(2) << '\n';
  else
    std::cout << show_text(c.catalog, c.json, fronts);
}

void fit(const std::string& path, const cxxopts::ParseResult& o) {
  std::vector<VariantPoints> points = points_of(read(path).json);
  if (o.count("variant") > 0) {
    const auto part = o["variant"].as<std::string>();
    std::erase_if(points, [&](const VariantPoints& p) { return p.name.find(part) == std::string::npos; });
    if (points.empty()) throw InputError("--variant " + part + ": no variant has this in its name");
  }
  const auto at = o.count("at") > 0 ? std::optional(o["at"].as<std::uint32_t>()) : std::nullopt;
  if (at == 0U) throw InputError("--at 0: expected a number of items, at least 1");
  if (o.count("json") > 0)
    std::cout << fit_json(points, at).dump(2) << '\n';
  else
    std::cout << fit_text(points, at);
}

/// What the verb does; an action of its own, with options and help of its own.
struct Action {
  std::string_view name, help, files, examples;
};
constexpr std::array<Action, 3> own_actions{
    {{"show",
      "Show what a catalog offers: by task and hardware type the Pareto front of latency and accuracy, and of each field how many figures "
      "were measured, computed, derived, assumed. It says of which fronts the variants are not comparable as they stand.",
      "CATALOG",
      "  tideline catalog show scenarios/catalogs/vision.json\n"
      "  tideline catalog show yolobench.json --fronts pareto_indices.csv\n"
      "  tideline catalog show yolobench.json --framework tflite --json\n"},
     {"merge",
      "Put catalogs together. What is the same in two is once in the result; two things of one name are refused. Variants without a source "
      "get the name of their catalog as one.",
      "CATALOG...", "  tideline catalog merge scenarios/catalogs/vision.json own.json --out both.json\n"},
     {"fit",
      "Fit curves to the batches and cores that were measured, with what they miss, and say of the other variants why they have none. "
      "Nothing is said beyond twice the largest batch that was measured.",
      "CATALOG",
      "  tideline catalog fit scenarios/catalogs/vision.json --variant @v100\n"
      "  tideline catalog fit scenarios/catalogs/vision.json --variant @v100 --at 512\n"}}};

/// `alone`: in the help of the action itself.
void add_options_of(std::string_view action, cxxopts::Options& options, bool alone) {
  const auto text = [&](std::string of) {
    if (!alone) return "Of " + std::string(action) + ": " + of;
    of.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(of.front())));
    return of;
  };
  if (action == "show" || (action == "fit" && alone)) options.add_options()("json", "Print JSON");
  if (action == "show")
    options.add_options()("framework", text("variants of this framework alone"), cxxopts::value<std::string>(), "NAME")(
        "fronts", text("pareto_indices.csv of YOLOBench: says which of its fronts are those of the catalog, and which cannot be compared"),
        cxxopts::value<std::string>(), "CSV");
  if (action == "fit")
    options.add_options()("variant", text("variants whose name has this in it"), cxxopts::value<std::string>(), "TEXT")(
        "at", text("the time of so many items too, at most twice the largest batch that was measured"), cxxopts::value<std::uint32_t>(),
        "ITEMS");
  if (action == "merge") options.add_options()("out", text("the catalog to write"), cxxopts::value<std::string>(), "FILE.json");
}

void act(const std::string& action, const std::vector<std::string>& paths, const cxxopts::ParseResult& o) {
  if (action == "merge") {
    merge_files(paths, o);
    return;
  }
  if (paths.size() > 1) throw InputError(action + " takes one catalog, not " + std::to_string(paths.size()));
  if (action == "show")
    show(paths.front(), o);
  else
    fit(paths.front(), o);
}

/// `arguments` without the action itself.
void run_action(const Action& action, const Arguments& arguments) {
  const std::string name = "tideline catalog " + std::string(action.name);
  cxxopts::Options options(name, std::string(action.help) + "\n");
  options.add_options()("files", "Catalogs", cxxopts::value<std::vector<std::string>>(), "FILE...");
  add_options_of(action.name, options, true);
  options.parse_positional({"files"});
  options.positional_help(std::string(action.files));
  const auto parsed = parse_options(options, arguments, std::string(action.examples));
  if (!parsed) return;
  if (parsed->count("files") == 0) throw InputError("no catalog given (see " + name + " --help)");
  act(std::string(action.name), (*parsed)["files"].as<std::vector<std::string>>(), *parsed);
}

}  // namespace

int command_catalog(const Arguments& arguments, const PolicyRegistry& registry) {
  if (!arguments.empty() && arguments.front() == "import") return command_import({arguments.begin() + 1, arguments.end()}, registry);
  for (const Action& action : own_actions)
    if (!arguments.empty() && arguments.front() == action.name) {
      run_action(action, {arguments.begin() + 1, arguments.end()});
      return 0;
    }
  cxxopts::Options options(
      "tideline catalog",
      "Make, show and put together catalogs of variants. Each action has a help of its own: tideline catalog show --help.\n"
      "  import FORMAT FILE...  make a catalog of a table of measurements\n"
      "  show CATALOG           Pareto front of each task and hardware type, and where figures come from\n"
      "  merge CATALOG...       one catalog of several\n"
      "  fit CATALOG            curves of batches and cores, and what they miss\n");
  options.add_options()("action", "What to do: import, show, merge, fit", cxxopts::value<std::string>(), "ACTION")(
      "files", "Catalogs", cxxopts::value<std::vector<std::string>>(), "FILE...");
  for (const Action& action : own_actions) add_options_of(action.name, options, false);
  options.parse_positional({"action", "files"});
  options.positional_help("show|merge|fit CATALOG...");
  std::string examples;
  for (const Action& action : own_actions) examples += action.examples;
  const auto parsed = parse_options(options, arguments, examples);
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("action") == 0) throw InputError("needs an action: import, show, merge or fit (see tideline catalog --help)");
  const auto action = o["action"].as<std::string>();
  if (std::find(actions.begin(), actions.end(), action) == actions.end())
    throw InputError("unknown action '" + action + "'" + suggestion(action, actions) + " (see tideline catalog --help)");
  if (action == "import") throw InputError("import comes first: tideline catalog import FORMAT FILE... (see tideline import --help)");
  if (o.count("files") == 0) throw InputError("no catalog given (see tideline catalog --help)");
  act(action, o["files"].as<std::vector<std::string>>(), o);
  return 0;
}

}  // namespace tideline

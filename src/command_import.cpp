// tideline import: makes catalogs of other people's tables.
#include "sim/core/nearest.h"
#include "src/errors.h"
#include "src/import_yolobench.h"
#include "src/options.h"
#include "src/output_file.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace tideline {

namespace {

std::ifstream open(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw WorldError("cannot read " + path + ": it is a folder");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw WorldError("cannot read " + path + ": " + std::strerror(errno));
  return in;
}

double share(const std::string& option, const std::string& text) {
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc{} || end != text.data() + text.size() || !(x >= 0 && x <= 1))
    throw InputError(option + " " + text + ": expected a share in 0 .. 1");
  return x;
}

}  // namespace

int command_import(const Arguments& arguments, const PolicyRegistry&) {
  cxxopts::Options options("tideline import", "Make a catalog of a table of measurements.\n");
  options.add_options()("format", "Format: yolobench", cxxopts::value<std::string>(), "FORMAT")(
      "table", "The table: YOLOBench's merged_results.csv", cxxopts::value<std::string>(), "CSV")(
      "params", "Table of parameter counts, with columns model_name and params_deploy_computed", cxxopts::value<std::string>(), "CSV")(
      "tasks", "Data sets, each a task, separated by commas: voc, sku, wider, coco", cxxopts::value<std::string>()->default_value("voc"),
      "LIST")("affine", "Batches by l(b) = l(1) (X + (1-X) b), assumed, in place of the derived tables", cxxopts::value<std::string>(),
              "X")("out", "The catalog to write", cxxopts::value<std::string>(), "FILE.json");
  options.parse_positional({"format", "table"});
  options.positional_help("yolobench CSV");
  const auto parsed = parse_options(
      options, arguments,
      "  tideline import yolobench merged_results.csv --out yolobench.json\n"
      "  tideline import yolobench merged_results.csv --params COMPUTED_params_macs.csv --tasks voc,coco --out yolobench.json\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  const auto format = o.count("format") > 0 ? o["format"].as<std::string>() : "";
  if (!format.empty() && format != "yolobench")
    throw InputError("unknown format '" + format + "'" + suggestion(format, std::vector<std::string_view>{"yolobench"}) +
                     " (see tideline import --help)");
  if (format.empty() || o.count("table") == 0 || o.count("out") == 0)
    throw InputError("needs a format, a table and --out (see tideline import --help)");
  const auto table = o["table"].as<std::string>();
  std::vector<std::filesystem::path> inputs{table};
  if (o.count("params") > 0) inputs.emplace_back(o["params"].as<std::string>());
  const std::filesystem::path out_path = output_file(o["out"].as<std::string>(), inputs);
  YoloBenchOptions wishes;
  wishes.csv_name = table;
  wishes.tasks.clear();
  std::istringstream list(o["tasks"].as<std::string>());
  for (std::string name; std::getline(list, name, ',');) {
    if (name == "voc")
      wishes.tasks.push_back(YoloBenchTask::voc);
    else if (name == "sku")
      wishes.tasks.push_back(YoloBenchTask::sku);
    else if (name == "wider")
      wishes.tasks.push_back(YoloBenchTask::wider);
    else if (name == "coco")
      wishes.tasks.push_back(YoloBenchTask::coco);
    else
      throw InputError("--tasks: unknown data set '" + name + "'" +
                       suggestion(name, std::vector<std::string_view>{"voc", "sku", "wider", "coco"}));
  }
  if (wishes.tasks.empty()) throw InputError("--tasks: names no data set");
  if (o.count("affine") > 0) wishes.affine_share = share("--affine", o["affine"].as<std::string>());
  std::ifstream csv = open(table), params;
  if (o.count("params") > 0) {
    wishes.params_name = o["params"].as<std::string>();
    params = open(wishes.params_name);
  }
  std::ostringstream text;
  const ImportReport report = import_yolobench(csv, o.count("params") > 0 ? &params : nullptr, text, wishes);
  write_whole(out_path, text.str());
  std::cout << to_text(report) << "catalog: " << out_path.string() << '\n';
  return 0;
}

}  // namespace tideline

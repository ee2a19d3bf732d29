// tideline catalog import, and tideline import: makes catalogs of other people's tables.
#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "src/csv_table.h"
#include "src/errors.h"
#include "src/import_tables.h"
#include "src/import_yolobench.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/scenario_files.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>

namespace tideline {

namespace {

double share(const std::string& option, const std::string& text) {
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc{} || end != text.data() + text.size() || !(x >= 0 && x <= 1))
    throw InputError(option + " " + text + ": expected a share in 0 .. 1");
  return x;
}

std::vector<std::string_view> formats() {
  std::vector<std::string_view> out{"yolobench"};
  for (const TableImporter& i : table_importers()) out.push_back(i.name);
  return out;
}

std::string formats_help() {
  std::string out =
      "Make a catalog of a table of measurements.\n  yolobench     YOLOBench's merged_results.csv, or its wider "
      "VOC_scratch_100epochs.csv\n";
  for (const TableImporter& i : table_importers())
    out += "  " + std::string(i.name) + std::string(14 - i.name.size(), ' ') + std::string(i.help) + "\n";
  return out;
}

/// Refuses options that a format does not look at.
void refuse(const cxxopts::ParseResult& o, const std::string& format, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (o.count(name) > 0) throw InputError(std::string("--") + name + ": format " + format + " does not take it");
}

void import_table(const TableImporter& importer, const std::vector<std::string>& files, const std::filesystem::path& out,
                  const cxxopts::ParseResult& o) {
  refuse(o, std::string(importer.name), {"params", "tasks", "affine", "latencies"});
  TableWishes wishes;
  if (o.count("task") > 0) wishes.task = o["task"].as<std::string>();
  if (o.count("hardware") > 0) wishes.hardware = o["hardware"].as<std::string>();
  if (o.count("accuracy") > 0) {
    const auto name = o["accuracy"].as<std::string>();
    const auto in = open_table(name);
    wishes.accuracies = AccuracyTable(*in, name);
  }
  // The file that ships is used where it is there.
  const std::string types = o.count("hardware-file") > 0 ? o["hardware-file"].as<std::string>() : find_catalog("hardware");
  if (!types.empty()) wishes.hardware_types = HardwareTable(read_json(types), types);
  std::vector<std::unique_ptr<std::istream>> streams;
  std::vector<NamedStream> named;
  for (const std::string& file : files) named.push_back({file, streams.emplace_back(open_table(file)).get()});
  DraftReport report;
  const std::string text = importer.read(named, wishes, report);
  write_whole(out, text);
  std::cout << to_text(report) << "catalog: " << out.string() << '\n';
}

void import_yolobench_table(const std::string& table, const std::filesystem::path& out, const cxxopts::ParseResult& o) {
  refuse(o, "yolobench", {"task", "hardware", "hardware-file"});
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
  const std::unique_ptr<std::istream> csv = open_table(table);
  std::unique_ptr<std::istream> params, latencies;
  if (o.count("params") > 0) {
    wishes.params_name = o["params"].as<std::string>();
    params = open_table(wishes.params_name);
  }
  if (o.count("latencies") > 0) {
    wishes.latencies_name = o["latencies"].as<std::string>();
    latencies = open_table(wishes.latencies_name);
    wishes.latencies = latencies.get();
  }
  if (o.count("accuracy") > 0) {
    const auto name = o["accuracy"].as<std::string>();
    const auto in = open_table(name);
    const CsvTable t(*in, name);
    const std::size_t model = t.column("model"), precision = t.column("precision"), accuracy = t.column("accuracy");
    for (std::size_t row = 0; row < t.size(); ++row) {
      if (t.cell(row, precision) != "int8") t.fail(row, precision, "is not int8: other accuracies are in the table");
      const auto a = t.number(row, accuracy);
      if (!a || !(*a >= 0 && *a <= 1)) t.fail(row, accuracy, "is not between 0 and 1");
      const auto [known, is_new] = wishes.int8_accuracies.emplace(t.cell(row, model), *a);
      if (!is_new && known->second != *a)
        t.fail(row, accuracy,
               "of " + in_quotes(known->first) + ": a row before says " + to_text(known->second) + " of the same model: leave one of them");
    }
  }
  std::ostringstream text;
  const ImportReport report = import_yolobench(*csv, params.get(), text, wishes);
  write_whole(out, text.str());
  std::cout << to_text(report) << "catalog: " << out.string() << '\n';
}

}  // namespace

int command_import(const Arguments& arguments, const PolicyRegistry&) {
  cxxopts::Options options("tideline import", formats_help());
  options.add_options()("format", "Format: one of those above", cxxopts::value<std::string>(), "FORMAT")(
      "table", "The tables of the format, also packed with gzip", cxxopts::value<std::vector<std::string>>(), "FILE...")(
      "params", "Of yolobench: parameter counts, with columns model_name and params_deploy_computed", cxxopts::value<std::string>(), "CSV")(
      "tasks", "Of yolobench: data sets, each a task, separated by commas: voc, sku, wider, coco",
      cxxopts::value<std::string>()->default_value("voc"),
      "LIST")("affine", "Of yolobench: batches by l(b) = l(1) (X + (1-X) b), assumed, in place of the derived tables",
              cxxopts::value<std::string>(),
              "X")("latencies", "Of yolobench's wider table: YOLO_latency.csv, for two more platforms", cxxopts::value<std::string>(),
                   "CSV")("accuracy",
                          "Accuracies: columns model and accuracy (0 .. 1) or top1 (percent), perhaps precision and img_size; such as "
                          "resnet50v1.5,fp32,0.761 below model,precision,accuracy",
                          cxxopts::value<std::string>(),
                          "CSV")("hardware", "What was measured on, where the table does not say", cxxopts::value<std::string>(), "NAME")(
      "hardware-file", "Hardware types; default: scenarios/catalogs/hardware.json", cxxopts::value<std::string>(), "FILE.json")(
      "task", "Name of the task, in place of that of the format", cxxopts::value<std::string>(), "NAME")(
      "out", "The catalog to write", cxxopts::value<std::string>(), "FILE.json");
  options.parse_positional({"format", "table"});
  options.positional_help("FORMAT FILE...");
  const auto parsed = parse_options(
      options, arguments,
      "  tideline import yolobench merged_results.csv --out yolobench.json\n"
      "  tideline import yolobench merged_results.csv --params COMPUTED_params_macs.csv --tasks voc,coco --out yolobench.json\n"
      "  tideline import timm benchmark.csv --accuracy results-imagenet.csv --hardware rtx4090 --out timm.json\n"
      "  tideline import nvidia convnets_inference.csv --accuracy accuracies.csv --out nvidia.json\n"
      "  tideline import neuron aws_neuron/*.csv --accuracy accuracies.csv --out neuron.json\n"
      "  tideline import measurements own.csv --out own.json\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  const auto format = o.count("format") > 0 ? o["format"].as<std::string>() : "";
  const auto known = formats();
  if (!format.empty() && std::find(known.begin(), known.end(), format) == known.end())
    throw InputError("unknown format '" + format + "'" + suggestion(format, known) + " (see tideline import --help)");
  if (format.empty() || o.count("table") == 0 || o.count("out") == 0)
    throw InputError("needs a format, a table and --out (see tideline import --help)");
  const auto files = o["table"].as<std::vector<std::string>>();
  std::vector<std::filesystem::path> inputs{files.begin(), files.end()};
  for (const char* name : {"params", "accuracy", "latencies"})
    if (o.count(name) > 0) inputs.emplace_back(o[name].as<std::string>());
  const std::filesystem::path out = output_file(o["out"].as<std::string>(), inputs);
  if (format == "yolobench") {
    if (files.size() > 1) throw InputError("unexpected argument '" + files[1] + "' (see tideline import --help)");
    import_yolobench_table(files.front(), out, o);
    return 0;
  }
  for (const TableImporter& importer : table_importers())
    if (importer.name == format) import_table(importer, files, out, o);
  return 0;
}

}  // namespace tideline

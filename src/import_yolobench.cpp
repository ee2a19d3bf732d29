#include "src/import_yolobench.h"

#include "sim/core/text.h"
#include "src/csv_table.h"
#include "src/errors.h"
#include "src/json_document.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <istream>
#include <ostream>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace tideline {
namespace {

struct DataSet {
  YoloBenchTask task;
  std::string_view accuracy_column, task_name, suffix;
};
constexpr DataSet data_sets[] = {{YoloBenchTask::voc, "mAP_0.5:0.95_voc", "detect-voc", ""},
                                 {YoloBenchTask::sku, "mAP_0.5:0.95_sku", "detect-sku", "-sku"},
                                 {YoloBenchTask::wider, "mAP_0.5:0.95_wider", "detect-wider", "-wider"},
                                 {YoloBenchTask::coco, "mAP_0.5:0.95_coco", "detect-coco", "-coco"}};

/// A platform of the table: a framework on a hardware type. Load times and memory are assumed.
struct Platform {
  std::string_view column, hardware, suffix, framework, precision;
  double bytes_per_weight;
  bool any_batch;  // else the runtime fixes it at 1
  double runtime_init_s;
  double first_run_extra_s;        // over the time of a batch
  double runtime_mib;              // of the process and its buffers, in an instance
  double shortest_ms, longest_ms;  // of what was published: a table whose median is ten times beyond has another unit
};
constexpr Platform platforms[] = {
    {"nano_gpu_latency", "jetson_nano", "", "onnxruntime", "fp32", 4, true, 3, 0.8, 256, 16, 618},
    {"openvino_latency", "core_i7", "", "openvino", "fp32", 4, true, 0.2, 0.3, 128, 1.5, 145},
    {"vim3_latency", "vim3", "", "npu_sdk", "int16", 2, false, 0.5, 0.1, 64, 6, 466},
    {"raspi4_tflite_latency", "raspberry_pi_4", "-tflite", "tflite", "fp32", 4, true, 0.2, 0.1, 64, 18, 4955},
    {"orange_pi_latency", "orange_pi_5", "", "rknn", "fp16", 2, false, 0.5, 0.1, 64, 4, 278},
    {"a40_trt_latency", "a40", "", "tensorrt", "not stated", 4, true, 2, 0.1, 512, 0.86, 6.3},
    {"pi5_ort_latency", "raspberry_pi_5", "", "onnxruntime", "fp32", 4, true, 0.3, 0.1, 96, 9, 1229},
    {"pi4_ort_latency", "raspberry_pi_4", "-onnxruntime", "onnxruntime", "fp32", 4, true, 0.5, 0.2, 96, 29, 4162},
};

/// The platforms of the wider table, whose times are in seconds; those of the last two are in a table of their own.
struct WidePlatform {
  std::string_view column, platform;  ///< the second as in `platforms`
  bool elsewhere;
};
constexpr WidePlatform wide_platforms[] = {
    {"nano_gpu_latency", "nano_gpu_latency", false},  {"ov_latency", "openvino_latency", false},
    {"vim3_latency", "vim3_latency", false},          {"pi4_tflite_fp32_latency", "raspi4_tflite_latency", false},
    {"pi4_tflite_int8_latency", "", false},           {"pi4_ort_latency", "pi4_ort_latency", false},
    {"orange_pi_latency", "orange_pi_latency", true}, {"a40_trt_latency", "a40_trt_latency", true},
};
constexpr Platform int8_platform{
    "pi4_tflite_int8_latency", "raspberry_pi_4", "-tflite-int8", "tflite", "int8", 1, true, 0.2, 0.1, 64, 5, 2500};
constexpr DataSet wide_set{YoloBenchTask::voc, "mAP_0.5:0.95", "detect-voc", "-scratch"};

struct Board {
  std::string_view name, kind;
  std::uint32_t cores;  // > 0: partitioned, and an instance holds them all, as the measurements did
  std::string_view memory;
  bool unified;
  std::string_view store, disk, copy;  // bytes/s
  double price_usd;                    // of the board, or by the hour
  bool by_hour;
  double idle_watts, busy_watts, boot_s;
  std::string_view what, price_source, busy_source;  // all else is assumed, but for the copy
};
constexpr Board boards[] = {
    {"jetson_nano", "gpu", 0, "3GiB", true, "100Mb/s", "80MB/s", "", 99, false, 2, 10, 30, "Jetson Nano GPU", "assumed", "10 W mode"},
    {"core_i7", "cpu", 8, "12GiB", true, "1Gb/s", "1.5GB/s", "", 1000, false, 10, 45, 30, "Intel i7-10875H", "assumed", "45 W TDP"},
    {"vim3", "npu", 0, "2GiB", true, "100Mb/s", "100MB/s", "", 140, false, 2, 7, 30, "Khadas VIM3 NPU", "assumed", "assumed"},
    {"raspberry_pi_4", "cpu", 4, "3GiB", true, "100Mb/s", "40MB/s", "", 55, false, 3, 8, 30, "Raspberry Pi 4B 4 GB", "shops' listings",
     "up to 8 W, shops' listings"},
    {"orange_pi_5", "npu", 0, "3GiB", true, "100Mb/s", "100MB/s", "", 100, false, 3, 15, 30, "Orange Pi 5 NPU", "assumed", "assumed"},
    {"a40", "gpu", 0, "44GiB", false, "1Gb/s", "1.5GB/s", "12.3GB/s", 0.69, true, 30, 300, 60, "NVIDIA A40",
     "RunPod community cloud, as listed in skypilot-catalog 02d7ef67", "assumed"},
    {"raspberry_pi_5", "cpu", 4, "3GiB", true, "100Mb/s", "80MB/s", "", 60, false, 4, 12, 30, "Raspberry Pi 5 4 GB", "shops' listings",
     "up to 12 W, shops' listings"},
};

constexpr double assumed_weights = 8e6;  // parameters, where no count is given
constexpr std::string_view table_source =
    "YOLOBench, Deeplite/deeplite-torch-zoo commit e4c8ea68, results/yolobench/merged_results.csv, Apache-2.0";

constexpr std::string_view wide_source =
    "YOLOBench, Deeplite/deeplite-torch-zoo commit e4c8ea68, results/yolobench/VOC_scratch_100epochs.csv, Apache-2.0";

struct Model {
  std::size_t row = 0;
  std::string name, architecture;
  std::uint32_t resolution = 0;
  double pixels() const { return static_cast<double>(resolution) * resolution; }
};

/// "yolo5n_320" is yolo5n at 320 px.
Model read_model(const CsvTable& csv, std::size_t row, std::size_t column) {
  Model out{row, csv.cell(row, column), {}, 0};
  const auto split = out.name.rfind('_');
  if (split == std::string::npos || split == 0) csv.fail(row, column, "is not NAME_RESOLUTION");
  out.architecture = out.name.substr(0, split);
  const char *begin = out.name.data() + split + 1, *stop = out.name.data() + out.name.size();
  const auto [end, error] = std::from_chars(begin, stop, out.resolution);
  if (error != std::errc{} || end != stop || out.resolution == 0 || out.resolution > 65536) {
    csv.fail(row, column, "is not NAME_RESOLUTION");
  }
  return out;
}

/// Seconds without the noise of the division: whole nanoseconds, as the catalog keeps them.
double seconds(double ms) { return std::round(ms * 1e6) / 1e9; }

/// What an architecture takes on a platform by pixels: its resolutions, ascending.
using Curve = std::vector<std::pair<double, double>>;

double at(const Curve& curve, double pixels) {
  std::size_t i = 1;
  while (i + 1 < curve.size() && curve[i].first < pixels) ++i;
  const auto& [p0, t0] = curve[i - 1];
  const auto& [p1, t1] = curve[i];
  return t0 + (t1 - t0) * (pixels - p0) / (p1 - p0);
}

/// The largest power of two of items whose pixels are at most twice the largest that were measured.
std::uint32_t largest_batch(const Curve& curve, double pixels) {
  if (curve.size() < 2) return 1;
  std::uint32_t out = 1;
  while (2 * out * pixels <= 2 * curve.back().first) out *= 2;
  return out;
}

/// The price of an hour with the board, to six digits.
double price_per_hour(const Board& board, const YoloBenchOptions& options) {
  if (board.by_hour) return board.price_usd;
  const double usd = board.price_usd / (options.lifetime_years * 365 * 24) + board.busy_watts / 1000 * options.usd_per_kwh;
  return std::round(usd * 1e6) / 1e6;
}

Json hardware_json(const Board& board, const YoloBenchOptions& options) {
  Json out;
  out["name"] = board.name;
  out["kind"] = board.kind;
  out["sharing"] = board.cores > 0 ? "partitioned" : "exclusive";
  if (board.cores > 0) out["cores"] = board.cores;
  out["memory_bytes"] = board.memory;
  out["unified_memory"] = board.unified;
  out["store_bytes_per_s"] = board.store;
  out["disk_bytes_per_s"] = board.disk;
  if (!board.copy.empty()) out["copy_bytes_per_s"] = board.copy;
  out["price_per_hour_usd"] = price_per_hour(board, options);
  out["idle_watts"] = board.idle_watts;
  out["busy_watts"] = board.busy_watts;
  out["boot_s"] = board.boot_s;
  std::string price(board.price_source);
  if (!board.by_hour) {
    price = to_text(board.price_usd) + " USD (" + price + ") / (" + to_text(options.lifetime_years) + " years x 8760 h) + " +
            to_text(board.busy_watts) + " W x " + to_text(options.usd_per_kwh) + " USD/kWh, life and tariff assumed";
  }
  std::string source = std::string(board.what) + ". price_per_hour_usd: " + price +
                       "; idle_watts: assumed; busy_watts: " + std::string(board.busy_source) +
                       "; boot_s: assumed; memory_bytes: assumed; store_bytes_per_s: assumed; disk_bytes_per_s: assumed";
  if (!board.copy.empty()) source += "; copy_bytes_per_s: 102 MB in 8.31 ms on a V100 (Clockwork's documentation)";
  if (board.cores > 0) source += "; cores: of the type";
  out["source"] = source;
  return out;
}

/// Parameters by model.
std::unordered_map<std::string, double> read_params(std::istream& in, const std::string& name) {
  const CsvTable csv(in, name);
  const std::size_t model = csv.column("model_name"), count = csv.column("params_deploy_computed");
  std::unordered_map<std::string, double> out;
  for (std::size_t row = 0; row < csv.size(); ++row) {
    const auto params = csv.number(row, count);
    if (!params) continue;
    if (*params <= 0 || *params > 1e12) csv.fail(row, count, "is no number of parameters");
    if (!out.try_emplace(csv.cell(row, model), *params).second) csv.fail(row, model, "has a row above already");
  }
  return out;
}

class Importer {
 public:
  Importer(std::istream& csv, std::istream* params, const YoloBenchOptions& options) : options_(options), csv_(csv, options.csv_name) {
    if (csv_.find_column(wide_set.accuracy_column)) {
      read_wide();
      if (params) params_ = read_params(*params, options.params_name);
      return;
    }
    if (!options.int8_accuracies.empty())
      throw InputError(options.csv_name + ": has no latencies in INT8 that --accuracy would be for: VOC_scratch_100epochs.csv has");
    if (options.latencies != nullptr)
      throw InputError(options.csv_name + ": has the latencies of all platforms: --latencies is for VOC_scratch_100epochs.csv");
    for (const auto& set : data_sets) {
      if (std::find(options.tasks.begin(), options.tasks.end(), set.task) == options.tasks.end()) continue;
      sets_.push_back(&set);
      accuracies_.push_back(read_column(
          set.accuracy_column, [](double x) { return x >= 0 && x <= 1; }, "is not between 0 and 1"));
    }
    for (const auto& platform : platforms) {
      platforms_.push_back(&platform);
      latencies_.push_back(read_column(
          platform.column, [](double x) { return x > 0 && x < 1e7; }, "is no latency in milliseconds"));
    }
    read_models();
    if (params) params_ = read_params(*params, options.params_name);
  }

  /// Pieces of the file: all of it exists before any is written.
  std::string write() {
    Json head;
    head["name"] = "yolobench";
    head["about"] =
        "Imported by `tideline import yolobench` from " + std::string(wide_ ? wide_source : table_source) +
        ". Latencies of single images are measured, those of batches derived: the same architecture at as many pixels. Weights are "
        "computed from parameter counts; memory beyond them, load times, bandwidths, power and most prices are assumed. Accuracy was "
        "measured in FP32; that in the precisions of the NPUs and the A40 is assumed to be the same. The i7 and Raspberry Pi measurements "
        "used all cores: an instance "
        "there holds them all.";
    std::string out = head.dump(1);
    out.resize(out.rfind('\n'));  // the closing brace comes last
    std::vector<Json> tasks, hardware;
    for (const auto* set : sets_) {
      tasks.push_back(Json{{"name", set->task_name}, {"metric", "mAP@0.5:0.95"}, {"kind", "score"}});
    }
    for (const auto& board : boards) hardware.push_back(hardware_json(board, options_));
    out += list("tasks", tasks) + list("hardware", hardware) + list("variants", variants()) + "\n}\n";
    report_.rows = csv_.size();
    report_.columns = platforms_.size();
    report_.hardware_types = std::size(boards);
    report_.tasks = sets_.size();
    return out;
  }

  const ImportReport& report() const { return report_; }

 private:
  using Column = std::vector<std::optional<double>>;

  void read_wide() {
    if (options_.tasks != std::vector{YoloBenchTask::voc})
      throw InputError(options_.csv_name + ": has models trained on VOC from scratch: its only task is voc");
    wide_ = true;
    sets_.push_back(&wide_set);
    accuracies_.push_back(read_column(
        wide_set.accuracy_column, [](double x) { return x >= 0 && x <= 1; }, "is not between 0 and 1"));
    read_models();
    std::optional<CsvTable> other;
    std::unordered_map<std::string, std::size_t> other_rows;
    if (options_.latencies != nullptr) {
      other.emplace(*options_.latencies, options_.latencies_name);
      const std::size_t model = other->column("model_name");
      for (std::size_t row = 0; row < other->size(); ++row) other_rows.emplace(other->cell(row, model), row);
    }
    for (const WidePlatform& wide : wide_platforms) {
      if (wide.elsewhere && !other) continue;
      const Platform* platform = &int8_platform;
      for (const Platform& p : platforms)
        if (p.column == wide.platform) platform = &p;
      const CsvTable& table = wide.elsewhere ? *other : csv_;
      const std::size_t column = table.column(wide.column);
      Column out(csv_.size());
      for (const Model& m : models_) {
        const auto there = wide.elsewhere ? other_rows.find(m.name) : other_rows.end();
        if (wide.elsewhere && there == other_rows.end()) continue;
        const std::size_t row = wide.elsewhere ? there->second : m.row;
        const auto s = table.number(row, column);
        if (s && !(*s > 0 && *s < 1e4)) table.fail(row, column, "is no latency in seconds");
        if (s) out[m.row] = *s * 1e3;
      }
      platforms_.push_back(platform);
      latencies_.push_back(std::move(out));
    }
  }
  bool is_int8(std::size_t platform) const { return platforms_[platform] == &int8_platform; }

  template <class Check>
  Column read_column(std::string_view name, Check check, const char* message) {
    const std::size_t column = csv_.column(name);
    Column out;
    for (std::size_t row = 0; row < csv_.size(); ++row) {
      out.push_back(csv_.number(row, column));
      if (out.back() && !check(*out.back())) csv_.fail(row, column, message);
    }
    return out;
  }

  void read_models() {
    const std::size_t column = csv_.column("model_name");
    std::unordered_map<std::string, std::size_t> rows;
    std::set<std::string> architectures;
    for (std::size_t row = 0; row < csv_.size(); ++row) {
      models_.push_back(read_model(csv_, row, column));
      const auto [found, is_new] = rows.try_emplace(models_.back().name, row);
      if (!is_new) csv_.fail(row, column, "is in row " + std::to_string(csv_.line(found->second)) + " already");
      architectures.insert(models_.back().architecture);
    }
    report_.architectures = architectures.size();
  }

  void suspect_unit(const Platform& platform, const Column& latencies) {
    std::vector<double> known;
    for (const auto& ms : latencies)
      if (ms) known.push_back(*ms);
    if (known.empty()) return;
    const auto middle = known.begin() + static_cast<std::ptrdiff_t>(known.size() / 2);
    std::nth_element(known.begin(), middle, known.end());
    if (*middle >= platform.shortest_ms / 10 && *middle <= platform.longest_ms * 10) return;
    report_.notes.push_back("suspicious: the median of " + std::string(platform.column) + " is " + to_text(*middle) + " ms; " +
                            to_text(platform.shortest_ms) + " .. " + to_text(platform.longest_ms) +
                            " ms were published: is it in another unit?");
  }

  std::unordered_map<std::string, Curve> curves(const Column& latencies) const {
    std::unordered_map<std::string, Curve> out;
    for (const auto& model : models_) {
      if (const auto& ms = latencies[model.row]) out[model.architecture].emplace_back(model.pixels(), *ms);
    }
    for (auto& [architecture, curve] : out) std::sort(curve.begin(), curve.end());
    return out;
  }

  std::vector<Json> variants() {
    std::vector<Json> out;
    for (std::size_t c = 0; c < platforms_.size(); ++c) {
      suspect_unit(*platforms_[c], latencies_[c]);
      const auto by_architecture = curves(latencies_[c]);
      for (std::size_t s = 0; s < sets_.size(); ++s) {
        for (const auto& model : models_) {
          const auto& ms = latencies_[c][model.row];
          auto accuracy = accuracies_[s][model.row];
          if (is_int8(c)) {
            const auto known = options_.int8_accuracies.find(model.name);
            accuracy = known != options_.int8_accuracies.end() ? std::optional(known->second) : std::nullopt;
          }
          if (!ms || !accuracy) {
            ++report_.dropped[!ms          ? "no " + std::string(platforms_[c]->column)
                              : is_int8(c) ? "no accuracy was measured in INT8"
                                           : "no " + std::string(sets_[s]->accuracy_column)];
            continue;
          }
          out.push_back(variant(model, *platforms_[c], *sets_[s], *ms, *accuracy, by_architecture.at(model.architecture)));
        }
      }
    }
    report_.variants = out.size();
    return out;
  }

  Json variant(const Model& model, const Platform& platform, const DataSet& set, double ms, double accuracy, const Curve& curve) {
    const auto board = std::find_if(std::begin(boards), std::end(boards), [&](const Board& b) { return b.name == platform.hardware; });
    const std::string name = model.name + std::string(set.suffix);
    Json out;
    out["name"] = name + "@" + std::string(platform.hardware) + std::string(platform.suffix);
    out["task"] = set.task_name;
    out["hardware"] = platform.hardware;
    out["base_model"] = model.architecture;
    out["model"] = name;
    out["framework"] = platform.framework;
    out["precision"] = platform.precision;
    if (platform.precision == "int8") out["transformation"] = "quantised";
    out["resolution"] = model.resolution;
    out["accuracy"] = accuracy;
    const auto params = params_.find(model.name);
    const bool counted = params != params_.end();
    if (!counted) ++report_.assumed_sizes;
    const auto weights = static_cast<std::int64_t>((counted ? params->second : assumed_weights) * platform.bytes_per_weight);
    out["artefact_bytes"] = weights;
    out["memory_bytes"] = weights + static_cast<std::int64_t>(platform.runtime_mib * 1024 * 1024);
    if (board->cores > 0) out["instance_cores"] = board->cores;
    const Json latency = add_profile(out, platform, ms, model.pixels(), curve);
    out["load"] = {{"runtime_init_s", platform.runtime_init_s}, {"first_run_s", seconds(platform.first_run_extra_s * 1e3 + ms)}};
    // Weights are computed, but the larger part of an instance's memory is not. Accuracies are those of FP32: in another precision
    // they are taken to be the same, but for INT8, which has its own.
    out["origin"] = latency;
    out["origin"]["accuracy"] = platform.precision == "fp32" || platform.precision == "int8" ? "measured" : "assumed";
    out["origin"]["artefact"] = counted ? "computed" : "assumed";
    out["origin"]["load"] = out["origin"]["memory"] = "assumed";
    return out;
  }

  /// Adds the profile and what it needs; gives the origin of its times.
  Json add_profile(Json& out, const Platform& platform, double ms, double pixels, const Curve& curve) {
    Json table{{"1", seconds(ms)}};
    if (!platform.any_batch) {
      out["batch_sizes"] = Json::array({1});
      out["profile"] = {{"latency_s", table}};
      return {{"latency", "measured"}};
    }
    if (options_.affine_share) {
      ++report_.batched_variants;
      out["max_batch"] = options_.affine_max_batch;
      const double share = *options_.affine_share;
      out["profile"] = {{"affine", {{"base_s", seconds(share * ms)}, {"per_item_s", seconds((1 - share) * ms)}}}};
      return {{"latency", "assumed"}};
    }
    const std::uint32_t most = largest_batch(curve, pixels);
    double latency = ms;
    for (std::uint32_t items = 2; items <= most; ++items) {
      const double next = at(curve, items * pixels);
      if (next < latency) ++report_.raised_latencies;
      latency = std::max(latency, next);
      table[std::to_string(items)] = seconds(latency);
    }
    out["profile"] = {{"latency_s", table}};
    if (most > 1) ++report_.batched_variants;
    if (most == 1) return {{"latency", "measured"}};
    return {{"latency", "derived"}, {"measured_batches", Json::array({1})}};
  }

  /// A member of the catalog with an element on each line.
  static std::string list(std::string_view name, const std::vector<Json>& elements) {
    std::string out = ",\n \"" + std::string(name) + "\": [";
    for (const auto& element : elements) out += (&element == &elements.front() ? "\n  " : ",\n  ") + element.dump();
    return out + "\n ]";
  }

  const YoloBenchOptions& options_;
  CsvTable csv_;
  std::vector<const DataSet*> sets_;
  std::vector<Column> accuracies_;  // by set
  std::vector<const Platform*> platforms_;
  std::vector<Column> latencies_;  // by platform
  bool wide_ = false;
  std::vector<Model> models_;  // by row
  std::unordered_map<std::string, double> params_;
  ImportReport report_;
};

}  // namespace

std::string to_text(const ImportReport& report) {
  const auto line = [](std::size_t n, const std::string& what) { return std::to_string(n) + " " + what + "\n"; };
  std::string out =
      line(report.rows, "rows, " + std::to_string(report.architectures) + " architectures, " + std::to_string(report.columns) +
                            " columns of latencies on " + std::to_string(report.hardware_types) + " hardware types, " +
                            std::to_string(report.tasks) + (report.tasks == 1 ? " task" : " tasks"));
  out += line(report.variants, "variants written, " + std::to_string(report.batched_variants) + " of them with batches");
  out += line(report.raised_latencies, "derived latencies raised to that of the batch before");
  out += line(report.assumed_sizes, "variants with an assumed size of weights (no parameter count)");
  std::size_t dropped = 0;
  for (const auto& [reason, count] : report.dropped) dropped += count;
  out += line(dropped, "variants left out");
  for (const auto& [reason, count] : report.dropped) out += "  " + line(count, reason);
  for (const auto& note : report.notes) out += "note: " + note + "\n";
  return out;
}

std::optional<YoloBenchPlatform> yolobench_platform(std::string_view column) {
  for (const Platform& p : platforms)
    if (p.column == column) return YoloBenchPlatform{p.hardware, p.framework};
  return {};
}

std::string_view yolobench_task(std::string_view column) {
  for (const DataSet& set : data_sets)
    if (set.accuracy_column == column) return set.task_name;
  return {};
}

ImportReport import_yolobench(std::istream& csv, std::istream* params, std::ostream& out, const YoloBenchOptions& options) {
  if (options.tasks.empty()) throw InputError("no task is chosen");
  if (!(options.lifetime_years > 0)) throw InputError("the lifetime of boards must be above 0 years");
  if (!(options.usd_per_kwh >= 0)) throw InputError("the tariff must be at least 0");
  if (options.affine_share && !(*options.affine_share >= 0 && *options.affine_share <= 1)) {
    throw InputError("the affine share must be between 0 and 1");
  }
  if (options.affine_max_batch < 1 || options.affine_max_batch > 65536) {
    throw InputError("the largest batch of affine profiles must be between 1 and 65536");
  }
  Importer importer(csv, params, options);
  const std::string text = importer.write();
  if (importer.report().variants == 0) throw InputError(options.csv_name + ": every variant lacks a latency or an accuracy");
  out << text;
  return importer.report();
}

}  // namespace tideline

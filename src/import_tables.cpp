#include "src/import_tables.h"

#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "src/csv_table.h"
#include "src/errors.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <istream>
#include <set>
#include <tuple>
#include <utility>

namespace tideline {
namespace {

std::string or_else(const std::string& given, const char* other) { return given.empty() ? std::string(other) : given; }

/// "Snapdragon X Elite CRD" as snapdragon_x_elite_crd.
std::string slug(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0)
      out += static_cast<char>(std::tolower(byte));
    else if (!out.empty() && out.back() != '_')
      out += '_';
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

/// Seconds of a cell in milliseconds. Another unit is refused where the cell names it.
double latency(const CsvTable& t, std::size_t row, std::size_t column) {
  constexpr double most = 1e7;
  const auto ms = t.quantity(row, column, {{"ms", 1}});
  if (!ms || !(*ms > 0 && *ms <= most)) t.fail(row, column, "is not above 0 and at most " + to_text(most) + " ms");
  return *ms / 1e3;
}

/// Says where a table's own rates and times do not belong together: one of them is in another unit than the format has.
class RateCheck {
 public:
  /// Of a row: items, seconds of their batch, items a second.
  void add(double items, double s, std::optional<double> rate) {
    if (!rate || !(*rate > 0)) return;
    const double at_once = *rate * s / items;
    ++(at_once < 1.0 / 30 ? short_ : at_once > 30 ? long_ : fit_);
  }
  void tell(const std::string& name, DraftReport& report) const {
    if (short_ + long_ <= fit_) return;
    report.notes.push_back("suspicious: in most rows of " + name + " the latency is far too " + (short_ > long_ ? "short" : "long") +
                           " for the rate beside it: is it in milliseconds?");
  }

 private:
  std::size_t fit_ = 0, short_ = 0, long_ = 0;
};

std::uint32_t batch_of(const CsvTable& t, std::size_t row, std::size_t column) {
  const auto n = t.number(row, column);
  if (!n || *n < 1 || *n > 65536 || *n != std::floor(*n)) t.fail(row, column, "is no number of items, 1 .. 65536");
  return static_cast<std::uint32_t>(*n);
}

/// Variants that rows of several batches make up together, in the order of their first rows.
class Grouped {
 public:
  MeasuredVariant& of(const std::string& key, const MeasuredVariant& first) {
    const auto [at, is_new] = index_.emplace(key, list_.size());
    if (is_new) list_.push_back(first);
    return list_[at->second];
  }
  std::vector<MeasuredVariant>& list() { return list_; }

 private:
  std::map<std::string, std::size_t> index_;
  std::vector<MeasuredVariant> list_;
};

/// timm's benchmark tables (huggingface/pytorch-image-models, results/benchmark-infer-*.csv): one row a model at one batch, the time of
/// a step in ms, parameters in millions. GPU tables have one large batch a model: a variant runs at that size only. Accuracies are those
/// of results-imagenet.csv, at the same input size; of several weights of an architecture those that stand first, which are the best.
std::string import_timm(std::span<const NamedStream> files, const TableWishes& w, DraftReport& report) {
  if (w.hardware.empty()) throw InputError("timm: the table does not say what it was measured on: give --hardware NAME");
  if (w.accuracies.empty()) throw InputError("timm: the table has no accuracies: give --accuracy results-imagenet.csv");
  std::vector<MeasuredVariant> out;
  const std::string task = or_else(w.task, "classify-imagenet");
  for (const NamedStream& f : files) {
    const CsvTable t(*f.in, f.name);
    const std::size_t model = t.column("model"), size = t.column("infer_img_size"), step = t.column("infer_step_time"),
                      batch = t.column("infer_batch_size"), params = t.column("param_count");
    const auto rate = t.find_column("infer_samples_per_sec");
    RateCheck check;
    const std::string precision = f.name.find("-amp-") != std::string::npos    ? "amp"
                                  : f.name.find("-fp32-") != std::string::npos ? "fp32"
                                                                               : "";
    for (std::size_t row = 0; row < t.size(); ++row) {
      ++report.rows;
      MeasuredVariant v;
      v.task = task;
      v.model = t.cell(row, model);
      v.base_model = v.model.substr(0, v.model.find('.'));
      v.hardware = w.hardware;
      v.framework = "pytorch";
      v.precision = precision;
      v.resolution = t.side(row, size).value_or(0);
      v.accuracy = w.accuracies.of(v.model, precision, v.resolution);
      const std::uint32_t items = batch_of(t, row, batch);
      const double s = v.latency_s[items] = latency(t, row, step);
      check.add(items, s, rate ? t.number(row, *rate) : std::nullopt);
      if (const auto millions = t.number(row, params); millions && *millions > 0) {
        v.artefact_bytes = *millions * 1e6 * 4;
        v.computed_artefact = true;
      }
      out.push_back(std::move(v));
    }
    check.tell(f.name, report);
  }
  return write_draft("timm", "Imported from timm's benchmarks of inference: a model at one batch size.",
                     "huggingface/pytorch-image-models, results/, Apache-2.0", {{task, "top-1", true}}, out, w.hardware_types,
                     w.hardware.find("i7") != std::string::npos || w.hardware.find("i9") != std::string::npos ? "cpu" : "gpu", report);
}

/// Tables of NVIDIA/DeepLearningExamples (PyTorch/Classification/ConvNets, README.md) as CSV: `model,section,subsection,batch_size,
/// throughput_avg,latency_avg,...` with units in the cells; the section names the GPU, the subsection the precision. Eager PyTorch:
/// small batches take as long as their launches, and some a little less than smaller ones.
std::string import_nvidia(std::span<const NamedStream> files, const TableWishes& w, DraftReport& report) {
  if (w.accuracies.empty())
    throw InputError("nvidia: the tables have no accuracies: give --accuracy CSV with columns model, precision, accuracy");
  const std::string task = or_else(w.task, "classify-imagenet");
  Grouped groups;
  for (const NamedStream& f : files) {
    const CsvTable t(*f.in, f.name);
    const std::size_t model = t.column("model"), section = t.column("section"), sub = t.column("subsection"),
                      batch = t.column("batch_size"), average = t.column("latency_avg");
    const auto rate = t.find_column("throughput_avg");
    RateCheck check;
    for (std::size_t row = 0; row < t.size(); ++row) {
      ++report.rows;
      MeasuredVariant v;
      v.task = task;
      v.model = v.base_model = t.cell(row, model);
      const std::string& on = t.cell(row, section);
      v.hardware = w.hardware;
      for (const auto& [text, name] : {std::pair{"V100", "v100"}, {"T4", "t4"}, {"A100", "a100"}, {"A40", "a40"}})
        if (v.hardware.empty() && on.find(text) != std::string::npos) v.hardware = name;
      if (v.hardware.empty()) t.fail(row, section, "names no GPU that is known (V100, T4, A100, A40): give --hardware NAME");
      v.precision = t.cell(row, sub).find("FP32") != std::string::npos    ? "fp32"
                    : t.cell(row, sub).find("Mixed") != std::string::npos ? "amp"
                                                                          : "";
      if (v.precision.empty()) t.fail(row, sub, "names no precision: expected FP32 or Mixed Precision");
      v.framework = "pytorch";
      v.accuracy = w.accuracies.of(v.model, v.precision, 0);
      const std::uint32_t items = batch_of(t, row, batch);
      const double s = latency(t, row, average);
      groups.of(v.model + '\n' + v.hardware + '\n' + v.precision, v).latency_s[items] = s;
      check.add(items, s, rate ? t.quantity(row, *rate, {{"img/s", 1}, {"images/s", 1}}) : std::nullopt);
    }
    check.tell(f.name, report);
  }
  return write_draft("nvidia_dle", "Imported from the batch tables of NVIDIA's DeepLearningExamples.",
                     "NVIDIA/DeepLearningExamples, PyTorch/Classification/ConvNets, BSD-3-Clause", {{task, "top-1", true}}, groups.list(),
                     w.hardware_types, "gpu", report);
}

/// Hailo's model zoo (hailo-ai/hailo_model_zoo, docs/public_models) as CSV, in either of its layouts: float accuracy with a degradation on
/// the chip, or with the accuracy on the chip, in percent; frames/s at batch 1 and 8. They are rates of a pipeline: a latency of b / rate is
/// derived, and a lower bound of one.
std::string import_hailo(std::span<const NamedStream> files, const TableWishes& w, DraftReport& report) {
  std::vector<MeasuredVariant> out;
  std::vector<DraftTask> tasks;
  for (const NamedStream& f : files) {
    const CsvTable t(*f.in, f.name);
    const bool detects = t.find_column("Hardware mAP").has_value();
    const std::string task = or_else(w.task, detects ? "detect-coco" : "classify-imagenet");
    if (std::none_of(tasks.begin(), tasks.end(), [&](const DraftTask& d) { return d.name == task; }))
      tasks.push_back({task, detects ? "mAP@0.5:0.95" : "top-1", !detects});
    const std::size_t device = t.column("device"), name = t.column("Network Name"), before = t.column("float"),
                      loss = t.column("Hardware Degradation"), one = t.column("FPS (Batch Size=1)"), eight = t.column("FPS (Batch Size=8)"),
                      params = t.column("Params (M)"), input = t.column("Input Resolution (HxWxC)"),
                      on_chip = t.column(detects ? "Hardware mAP" : "Hardware Accuracy (top1)");
    for (std::size_t row = 0; row < t.size(); ++row) {
      ++report.rows;
      MeasuredVariant v;
      v.task = task;
      v.model = v.base_model = t.cell(row, name);
      v.hardware = w.hardware.empty() ? slug(t.cell(row, device)) : w.hardware;
      v.framework = "hailort";
      v.precision = "int8";
      v.resolution = t.side(row, input).value_or(0);
      const auto chip = t.number(row, on_chip), in_float = t.number(row, before), degraded = t.number(row, loss);
      const double percent = chip ? *chip : in_float && degraded ? *in_float - *degraded : -1;
      if (percent >= 0 && percent <= 100) v.accuracy = percent / 100;
      const auto add = [&](std::uint32_t items, std::size_t column) {
        if (const auto rate = t.number(row, column); rate && *rate > 0) v.latency_s[items] = items / *rate;
      };
      add(1, one);
      add(8, eight);
      v.derived_latency = true;
      v.only_these_batches = true;
      if (const auto millions = t.number(row, params); millions && *millions > 0) {
        v.artefact_bytes = *millions * 1e6;
        v.computed_artefact = true;
      }
      out.push_back(std::move(v));
    }
  }
  return write_draft("hailo",
                     "Imported from Hailo's model zoo: rates of frames through the chip, as latencies; accuracies are those on the chip.",
                     "hailo-ai/hailo_model_zoo, docs/public_models, MIT", tasks, out, w.hardware_types, "npu", report);
}

/// Qualcomm's AI Hub (quic/ai-hub-models, perf.yaml and info.yaml of each model) as CSV: `model,precision,component,device,runtime,
/// inference_time_ms,peak_mem_mb_min,peak_mem_mb_max,...` at batch 1, and in a second file `model,field,value` with sizes by precision.
/// Models of several components are left out: what they take together depends on how they are used. It has no accuracies.
std::string import_aihub(std::span<const NamedStream> files, const TableWishes& w, DraftReport& report) {
  if (w.accuracies.empty())
    throw InputError("aihub: the table has no accuracies: give --accuracy CSV with columns model, precision, accuracy");
  const std::string task = or_else(w.task, "classify-imagenet");
  std::map<std::pair<std::string, std::string>, double> sizes;
  std::vector<MeasuredVariant> out;
  std::map<std::string, std::set<std::string>> components;
  for (const NamedStream& f : files) {
    const CsvTable t(*f.in, f.name);
    if (const auto field = t.find_column("field")) {
      const std::size_t model = t.column("model"), value = t.column("value");
      for (std::size_t row = 0; row < t.size(); ++row) {
        const std::string& what = t.cell(row, *field);
        const std::string begin = "Model size (";
        if (!what.starts_with(begin)) continue;
        if (const auto bytes = t.quantity(row, value, {{"MB", 1e6}, {"KB", 1e3}, {"GB", 1e9}}))
          sizes[{t.cell(row, model), what.substr(begin.size(), what.size() - begin.size() - 1)}] = *bytes;
      }
      continue;
    }
    const std::size_t model = t.column("model"), precision = t.column("precision"), component = t.column("component"),
                      device = t.column("device"), runtime = t.column("runtime"), time = t.column("inference_time_ms"),
                      memory = t.column("peak_mem_mb_max");
    for (std::size_t row = 0; row < t.size(); ++row) {
      ++report.rows;
      components[t.cell(row, model)].insert(t.cell(row, component));
      MeasuredVariant v;
      v.task = task;
      v.model = v.base_model = t.cell(row, model);
      v.hardware = w.hardware.empty() ? slug(t.cell(row, device)) : w.hardware;
      v.framework = t.cell(row, runtime);
      v.precision = t.cell(row, precision);
      v.suffix = "-" + v.framework;
      v.accuracy = w.accuracies.of(v.model, v.precision, 0);
      if (t.cell(row, time).empty()) {
        ++report.dropped["no time"];
        continue;
      }
      v.latency_s[1] = latency(t, row, time);
      v.only_these_batches = true;
      if (const auto mb = t.number(row, memory); mb && *mb > 0) v.memory_bytes = *mb * 1024 * 1024;
      out.push_back(std::move(v));
    }
  }
  std::erase_if(out, [&](const MeasuredVariant& v) {
    const bool several = components[v.model].size() > 1;
    if (several) ++report.dropped["a component of a model of several"];
    return several;
  });
  for (MeasuredVariant& v : out)
    if (const auto size = sizes.find({v.model, v.precision}); size != sizes.end()) v.artefact_bytes = size->second;
  return write_draft("aihub", "Imported from Qualcomm's AI Hub: single inferences on devices of its farm.",
                     "quic/ai-hub-models, BSD-3-Clause", {{task, "top-1", true}}, out, w.hardware_types, "npu", report);
}

/// Benchmarks of AWS Neuron (aws-neuron/aws-neuron-sdk, about-neuron/benchmarks), inf1 and inf2: the median latency of a batch with all
/// cores of the instance type busy, each row at one batch size; sizes are compiled in. Rows whose latencies are of several models or
/// workers on a core are left out: they are not the time of a batch.
std::string import_neuron(std::span<const NamedStream> files, const TableWishes& w, DraftReport& report) {
  if (w.accuracies.empty()) throw InputError("neuron: the tables have no accuracies: give --accuracy CSV with columns model, accuracy");
  const std::string task = or_else(w.task, "classify-imagenet");
  Grouped groups;
  for (const NamedStream& f : files) {
    const CsvTable t(*f.in, f.name);
    if (t.find_column("RI-Effective hourly rate")) {
      report.notes.push_back(f.name + ": prices of reserved instances are not read: those of the hardware file hold");
      continue;
    }
    const std::size_t model = t.column("Model"), type = t.column("Inst. Type"), batch = t.column("Batch Size"),
                      median = t.column("Latency P50 (ms)");
    const auto details = t.find_column("Model details"), data = t.find_column("Model Data Type"),
               workers = t.find_column("Workers per Model"), image = t.find_column("Image Size"), length = t.find_column("Sequence Length");
    for (std::size_t row = 0; row < t.size(); ++row) {
      ++report.rows;
      if (workers && t.number(row, *workers).value_or(1) > 1) {
        ++report.dropped["several workers on a core"];
        continue;
      }
      MeasuredVariant v;
      v.task = task;
      v.model = v.base_model = t.cell(row, model);
      v.hardware = w.hardware.empty() ? slug(t.cell(row, type)) : w.hardware;
      v.framework = "neuron";
      std::string precision = slug(data      ? t.cell(row, *data)
                                   : details ? t.cell(row, *details).substr(0, t.cell(row, *details).find(','))
                                             : "");
      v.precision = precision;
      if (image) v.resolution = t.side(row, *image).value_or(0);
      if (length && !t.cell(row, *length).empty()) v.suffix = "-length" + t.cell(row, *length);
      v.accuracy = w.accuracies.of(v.model, v.precision, 0);
      v.only_these_batches = true;
      const double s = latency(t, row, median);
      auto& table = groups.of(v.model + '\n' + v.hardware + '\n' + v.precision + v.suffix + std::to_string(v.resolution), v).latency_s;
      const std::uint32_t items = batch_of(t, row, batch);
      if (!table.emplace(items, s).second) ++report.dropped["another row of the same batch size"];
    }
  }
  return write_draft("neuron", "Imported from the benchmarks of AWS Neuron: median latencies of batches whose size is compiled in.",
                     "aws-neuron/aws-neuron-sdk, about-neuron/benchmarks, CC BY-SA 4.0", {{task, "accuracy", true}}, groups.list(),
                     w.hardware_types, "npu", report);
}

/// Records of INFaaS's profiler (stanford-mast/INFaaS, src/profiler/model_profile.config.template), a file a variant, lines of `key value`:
/// load latency and latencies at batch 1, 4, 8, 16, 32, 64 in ms up to `maxbatch`, accuracy in percent or 0 .. 1, sizes in bytes.
std::string import_infaas(std::span<const NamedStream> files, const TableWishes& w, DraftReport& report) {
  std::vector<MeasuredVariant> out;
  std::vector<DraftTask> tasks;
  constexpr std::array<std::uint32_t, 6> batches{1, 4, 8, 16, 32, 64};
  for (const NamedStream& f : files) {
    ++report.rows;
    std::map<std::string, std::string> record;
    std::string line;
    for (std::size_t number = 1; std::getline(*f.in, line); ++number) {
      if (line.ends_with('\r')) line.pop_back();
      if (line.find_first_not_of(" \t") == std::string::npos) continue;
      if (!is_text(line)) throw InputError(f.name + ": row " + std::to_string(number) + ": is not text in UTF-8");
      const auto blank = line.find(' ');
      const std::string key = line.substr(0, blank);
      if (!record
               .emplace(key, blank == std::string::npos ? ""
                                                        : line.substr(line.find_first_not_of(' ', blank) == std::string::npos
                                                                          ? blank + 1
                                                                          : line.find_first_not_of(' ', blank)))
               .second)
        throw InputError(f.name + ": row " + std::to_string(number) + ": " + in_quotes(key) + " comes twice");
    }
    const auto text = [&](const char* key) {
      const auto found = record.find(key);
      if (found == record.end()) throw InputError(f.name + ": the record has no " + in_quotes(key));
      return found->second;
    };
    const auto number = [&](const std::string& key) {
      const std::string given = text(key.c_str());
      std::size_t used = 0;
      double x = -1;
      try {
        x = std::stod(given, &used);
      } catch (const std::exception&) {
        used = 0;
      }
      if (used != given.size() || given.empty() || !(x >= 0 && x < 1e15))
        throw InputError(f.name + ": " + in_quotes(key) + ": " + in_quotes(given) + " is no number");
      return x;
    };
    MeasuredVariant v;
    v.task = or_else(w.task, text("task").c_str());
    v.model = text("varname");
    v.base_model = text("parname");
    v.framework = text("framework");
    if (w.hardware.empty()) throw InputError("infaas: records do not say what they were measured on: give --hardware NAME");
    v.hardware = w.hardware;
    const double accuracy = number("accuracy");
    if (accuracy > 100) throw InputError(f.name + ": \"accuracy\": " + to_text(accuracy) + " is neither a share nor percent");
    v.accuracy = accuracy > 1 ? accuracy / 100 : accuracy;
    const double most = number("maxbatch");
    for (const std::uint32_t b : batches)
      if (b <= std::max(1.0, most))
        if (const double ms = number("inflatb" + std::to_string(b)); ms > 0) v.latency_s[b] = ms / 1e3;
    v.load_s = number("loadlat") / 1e3;
    v.artefact_bytes = number("compsize");
    if (const double peak = number("peakmemory"); peak > 0) v.memory_bytes = peak;
    if (std::none_of(tasks.begin(), tasks.end(), [&](const DraftTask& d) { return d.name == v.task; }))
      tasks.push_back({v.task, "accuracy", true});
    out.push_back(std::move(v));
  }
  return write_draft("infaas", "Imported from records of INFaaS's profiler.", "stanford-mast/INFaaS, src/profiler", tasks, out,
                     w.hardware_types, "gpu", report);
}

/// One's own measurements, as scenarios/catalogs/README.md describes them: a row for each batch size (and number of cores) of a variant.
std::string import_measurements(std::span<const NamedStream> files, const TableWishes& w, DraftReport& report) {
  Grouped groups;
  std::vector<DraftTask> tasks;
  for (const NamedStream& f : files) {
    const CsvTable t(*f.in, f.name);
    const std::size_t task = t.column("task"), model = t.column("model"), hardware = t.column("hardware"), accuracy = t.column("accuracy"),
                      batch = t.column("batch"), time = t.column("latency_ms");
    const auto metric = t.find_column("metric"), kind = t.find_column("kind"), base = t.find_column("base_model"),
               framework = t.find_column("framework"), precision = t.find_column("precision"), resolution = t.find_column("resolution"),
               cores = t.find_column("cores"), artefact = t.find_column("artefact_mb"), memory = t.find_column("memory_mb"),
               load = t.find_column("load_s");
    constexpr std::array<std::string_view, 16> known{"task",   "model",       "hardware",   "accuracy",  "batch",     "latency_ms",
                                                     "metric", "kind",        "base_model", "framework", "precision", "resolution",
                                                     "cores",  "artefact_mb", "memory_mb",  "load_s"};
    std::string ignored;
    for (const std::string& name : t.header())
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        const std::string_view meant = nearest(name, known);
        ignored += (ignored.empty() ? "" : ", ") + in_quotes(name) + (meant.empty() ? "" : " (did you mean " + in_quotes(meant) + "?)");
      }
    if (!ignored.empty()) report.notes.push_back(f.name + ": columns that are not looked at: " + ignored);
    const auto text = [&](std::size_t row, std::optional<std::size_t> column) { return column ? t.cell(row, *column) : std::string(); };
    const auto number = [&](std::size_t row, std::optional<std::size_t> column, double factor) -> std::optional<double> {
      if (!column) return {};
      const auto x = t.number(row, *column);
      if (x && !(*x >= 0 && *x < 1e12)) t.fail(row, *column, "is negative or too large");
      return x ? std::optional(*x * factor) : std::nullopt;
    };
    for (std::size_t row = 0; row < t.size(); ++row) {
      ++report.rows;
      MeasuredVariant v;
      v.task = w.task.empty() ? t.cell(row, task) : w.task;
      v.model = t.cell(row, model);
      v.base_model = text(row, base);
      v.hardware = t.cell(row, hardware);
      v.framework = text(row, framework);
      v.precision = text(row, precision);
      for (const auto& [cell, column] : {std::pair{&v.task, task}, {&v.model, model}, {&v.hardware, hardware}})
        if (cell->empty()) t.fail(row, column, "is empty");
      const std::string said = text(row, kind);
      if (!said.empty() && said != "hit_rate" && said != "score") t.fail(row, *kind, "is neither hit_rate nor score");
      if (std::none_of(tasks.begin(), tasks.end(), [&](const DraftTask& d) { return d.name == v.task; }))
        tasks.push_back({v.task, or_else(text(row, metric), "accuracy"), said != "score"});
      if (const auto side = number(row, resolution, 1)) v.resolution = static_cast<std::uint32_t>(std::min(*side, 65536.0));
      v.accuracy = t.number(row, accuracy);
      if (v.accuracy && !(*v.accuracy >= 0 && *v.accuracy <= 1)) t.fail(row, accuracy, "is not between 0 and 1");
      v.artefact_bytes = number(row, artefact, 1e6);
      v.memory_bytes = number(row, memory, 1e6);
      v.load_s = number(row, load, 1);
      const std::string key =
          v.task + '\n' + v.model + '\n' + v.hardware + '\n' + v.framework + '\n' + v.precision + '\n' + std::to_string(v.resolution);
      MeasuredVariant& whole = groups.of(key, v);
      for (const auto& [mine, other] :
           {std::pair{&whole.accuracy, &v.accuracy}, {&whole.memory_bytes, &v.memory_bytes}, {&whole.load_s, &v.load_s}})
        if (*mine != *other) t.fail(row, accuracy, "of the same variant: rows do not agree on its accuracy, memory or load");
      const std::uint32_t items = batch_of(t, row, batch);
      (void)t.number(row, time);  // no unit: the column says it
      const double s = latency(t, row, time);
      const auto n = number(row, cores, 1);
      const bool is_new = n ? whole.by_cores[static_cast<std::uint32_t>(std::clamp(*n, 1.0, 4096.0))].emplace(items, s).second
                            : whole.latency_s.emplace(items, s).second;
      if (!is_new) t.fail(row, batch, "has a row before for this variant");
    }
  }
  return write_draft("measurements", "Imported from measurements.", "own", tasks, groups.list(), w.hardware_types, "gpu", report);
}

constexpr std::array<TableImporter, 7> importers{
    {{"timm", "timm's benchmarks of inference, with --hardware and --accuracy results-imagenet.csv", "huggingface/pytorch-image-models",
      "benchmark-infer-*.csv", &import_timm},
     {"nvidia", "batch tables of NVIDIA's DeepLearningExamples, with --accuracy", "NVIDIA/DeepLearningExamples", "tables as CSV",
      &import_nvidia},
     {"hailo", "Hailo's model zoo: rates at batch 1 and 8", "hailo-ai/hailo_model_zoo", "tables as CSV", &import_hailo},
     {"aihub", "Qualcomm's AI Hub, with --accuracy", "quic/ai-hub-models", "times, and sizes of models", &import_aihub},
     {"neuron", "benchmarks of AWS Neuron, with --accuracy", "aws-neuron/aws-neuron-sdk", "latency and throughput tables", &import_neuron},
     {"infaas", "records of INFaaS's profiler, with --hardware", "stanford-mast/INFaaS", "a file a variant", &import_infaas},
     {"measurements", "one's own measurements", "own", "columns task, model, hardware, accuracy, batch, latency_ms and more",
      &import_measurements}}};

}  // namespace

std::span<const TableImporter> table_importers() { return importers; }

}  // namespace tideline

// tideline profile: measures networks on this machine and writes a catalog of them.
#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "src/catalog_draft.h"
#include "src/catalog_fit.h"
#include "src/catalog_json.h"
#include "src/commands.h"
#include "src/errors.h"
#include "src/figures.h"
#include "src/measured_times.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/real/machine.h"
#include "src/real/measure.h"
#include "src/real/shape.h"
#include "src/text_table.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {
namespace {

// More than this, and somebody else computes: what is measured is then not what the machine can do.
constexpr double busy_load_per_core = 0.3;
constexpr double busy_spread = 1.1;  // p90 / median
constexpr std::uint32_t largest_batch = 256;

struct ProfiledModel {
  std::string name;  ///< "yolov5n"
  real::NetworkSpec spec;
  double coco_map = -1;
  std::string label() const {
    return name + "-" + std::to_string(spec.resolution) + (spec.precision == real::Precision::bf16 ? "-bf16" : "");
  }
};

std::vector<std::string> words_at_commas(const std::string& text, const char* option) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  for (std::size_t end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find(',', begin);
    out.push_back(text.substr(begin, end == std::string::npos ? end : end - begin));
    if (out.back().empty()) throw InputError(std::string("--") + option + " " + text + ": a name or number is missing");
  }
  return out;
}

std::optional<std::uint32_t> whole_number(std::string_view text) {
  std::uint32_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return out;
}

/// Ascending, each once.
std::vector<std::uint32_t> numbers(const std::string& text, const char* option, std::uint32_t most) {
  std::set<std::uint32_t> out;
  for (const std::string& word : words_at_commas(text, option)) {
    const auto n = whole_number(word);
    if (!n || *n == 0 || *n > most)
      throw InputError(std::string("--") + option + " " + text + ": must be whole numbers from 1 to " + std::to_string(most) + ", has '" +
                       word + "'");
    out.insert(*n);
  }
  return {out.begin(), out.end()};
}

/// NAME-RESOLUTION or NAME-RESOLUTION-PRECISION.
ProfiledModel model_of(const std::string& word) {
  const auto dash = word.find('-'), second = word.find('-', dash == std::string::npos ? dash : dash + 1);
  ProfiledModel out;
  out.name = word.substr(0, dash);
  std::vector<std::string> names;
  for (const auto& m : real::named_models()) {
    names.emplace_back(m.name);
    if (out.name != m.name) continue;
    out.spec = {"yolov5", m.depth, m.width, 0, real::Precision::f32, 1};
    out.coco_map = m.coco_map;
  }
  if (out.spec.network.empty())
    throw InputError("--models: unknown model '" + out.name + "'" + suggestion(out.name, std::span<const std::string>(names)));
  const std::string at = "--models: '" + word + "': ";
  if (dash == std::string::npos) throw InputError(at + "say its resolution too, as in " + out.name + "-320");
  const auto resolution = whole_number(std::string_view(word).substr(dash + 1, second == std::string::npos ? second : second - dash - 1));
  if (!resolution || *resolution % 32 != 0 || *resolution < 32 || *resolution > 4096)
    throw InputError(at + "its resolution must be a multiple of 32 from 32 to 4096, as in " + out.name + "-320");
  out.spec.resolution = *resolution;
  if (second != std::string::npos) {
    const std::string precision = word.substr(second + 1);
    const std::vector<std::string> known{"f32", "bf16"};
    if (precision == "bf16")
      out.spec.precision = real::Precision::bf16;
    else if (precision != "f32")
      throw InputError(at + "unknown precision '" + precision + "'" + suggestion(precision, std::span(known)));
  }
  return out;
}

/// Random weights have no accuracy. That of the published model at 640 pixels stands for it; at fewer it is assumed to fall with the
/// resolution to the power of 0.3 (halving costs 19 %), at more to stay.
double assumed_accuracy(const ProfiledModel& m) {
  const double at_640 = m.coco_map > 0 ? m.coco_map : 0.2;
  return std::round(at_640 * std::pow(std::min(1.0, m.spec.resolution / 640.0), 0.3) * 1e4) / 1e4;
}

/// Lower case, with _ for all that is no letter or digit.
std::string as_name(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const char d = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : plain ? c : '_';
    if (d != '_' || (!out.empty() && out.back() != '_')) out += d;
  }
  while (out.ends_with('_')) out.pop_back();
  return out.empty() ? "processor" : out;
}

std::string ms(double s) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", s * 1e3);
  return text;
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

struct Profiled {
  ProfiledModel model;
  unsigned threads = 1;
  real::MeasuredNetwork measured;
  double spread() const {
    double out = 1;
    for (const auto& b : measured.batches) out = std::max(out, b.quantile(0.9) / b.median());
    return out;
  }
};

/// A variant, of which `raised` batches took less time than a smaller one and got that of it.
Json variant_json(const Profiled& p, const std::string& hardware, const std::string& backend, double accuracy, bool measured_accuracy,
                  std::size_t& raised) {
  const MeasuredTimes times = measured_times(p.measured);
  raised += times.raised;
  std::string text = "Random weights. Batches in ms, min/median/p90/p99 of n:";
  for (const auto& b : p.measured.batches)
    text += " " + std::to_string(b.items) + ": " + ms(b.sorted.front()) + "/" + ms(b.median()) + "/" + ms(b.quantile(0.9)) + "/" +
            ms(b.quantile(0.99)) + " of " + std::to_string(b.sorted.size()) + (b.narrow ? ";" : " (interval not reached);");
  std::vector<double> sums, parts[4];
  for (const auto& l : p.measured.loads) {
    sums.push_back(l.sum());
    parts[0].push_back(l.read_s);
    parts[1].push_back(l.build_s);
    parts[2].push_back(l.copy_s);
    parts[3].push_back(l.first_run_s);
  }
  text += " load in ms, medians of " + std::to_string(sums.size()) + ": weights made " + ms(median_of(parts[0])) + ", kernels built " +
          ms(median_of(parts[1])) + ", copied " + ms(median_of(parts[2])) + ", first run " + ms(median_of(parts[3])) +
          "; the process grew by " + std::to_string(p.measured.resident_bytes / 1000) + " kB with the first";
  if (!p.measured.joules_per_item) text += backend == "cuda" ? "; energy: that of a GPU is not read" : "; energy: this machine shows none";
  if (!p.measured.kernels.empty()) text += "; kernels: " + p.measured.kernels;

  const bool bf16 = p.model.spec.precision == real::Precision::bf16;
  Json out{{"name", p.model.label() + (p.threads > 1 ? "-" + std::to_string(p.threads) + "t" : "") + "@" + hardware},
           {"task", "detect"},
           {"hardware", hardware},
           {"base_model", "yolov5"},
           {"model", p.model.name},
           {"framework", backend == "cpu"    ? "onednn"
                         : backend == "cuda" ? "cudnn"
                                             : backend},
           {"precision", bf16 ? "bf16" : "fp32"},
           {"resolution", p.model.spec.resolution},
           {"accuracy", accuracy},
           {"artefact_bytes", p.measured.weight_bytes},
           {"memory_bytes", p.measured.base_bytes},
           {"memory_per_item_bytes", p.measured.item_bytes}};
  if (p.measured.joules_per_item) out["energy_per_item_j"] = *p.measured.joules_per_item;
  out["profile"] = {{"latency_s", times.latencies}};
  out["service"] = times.service;
  out["load"] = times.load;
  out["kernel"] = {{"network", p.model.spec.network},
                   {"depth", p.model.spec.depth},
                   {"width", p.model.spec.width},
                   {"resolution", p.model.spec.resolution},
                   {"precision", bf16 ? "bf16" : "f32"},
                   {"backend", backend},
                   {"threads", p.threads},
                   {"seed", p.model.spec.seed}};
  out["origin"] = {{"latency", "measured"},
                   {"accuracy", measured_accuracy ? "measured" : "assumed"},
                   {"artefact", "computed"},
                   {"load", "measured"},
                   {"memory", "computed"}};
  out["source"] = text + ".";
  return out;
}

Json processor_json(const std::string& name, const real::Machine& machine, unsigned device_cores) {
  return {{"name", name},
          {"kind", "cpu"},
          {"sharing", "exclusive"},
          {"cores", device_cores},
          {"memory_bytes", std::max<std::int64_t>(machine.free_bytes, 1 << 20)},
          {"unified_memory", true},
          {"source",
           machine.processor + " of " + std::to_string(machine.cores) +
               " cores, of which real mode keeps one; instances take turns on the others. memory_bytes: what was available. Price, power "
               "and bandwidths: none are known."}};
}

Json gpu_json(const std::string& name, const real::DeviceMemory& device) {
  return {{"name", name},
          {"kind", "gpu"},
          {"sharing", "exclusive"},
          {"memory_bytes", device.free},
          {"source", device.device + ", on which instances take turns. memory_bytes: what was free before anything was loaded, of " +
                         std::to_string(device.whole) +
                         ". Copies of weights to it are part of the loads. Price, power and bandwidths: " + "none are known."}};
}

std::string table_of(const std::vector<Profiled>& all) {
  std::vector<std::vector<std::string>> lines{{"network", "threads", "batch", "min", "median", "p90", "p99, ms", "runs", "+-", ""}};
  for (const Profiled& p : all)
    for (const auto& b : p.measured.batches)
      lines.push_back({p.model.label(), std::to_string(p.threads), std::to_string(b.items), ms(b.sorted.front()), ms(b.median()),
                       ms(b.quantile(0.9)), ms(b.quantile(0.99)), std::to_string(b.sorted.size()),
                       figure::percent(real::interval_of_median(b.sorted)), b.narrow ? "" : "interval not reached"});
  return in_columns(lines, "", true);
}

/// What more threads gain, by batch of one and the largest.
std::string threads_text(const std::vector<Profiled>& all) {
  std::string out;
  std::vector<VariantPoints> curves;
  for (const Profiled& p : all) {
    if (p.threads > 1) {
      for (const Profiled& one : all) {
        if (one.model.label() != p.model.label() || one.threads != 1) continue;
        const auto gain = [&](std::size_t k) {
          char text[32];
          std::snprintf(text, sizeof text, "%.2f", one.measured.batches[k].median() / p.measured.batches[k].median());
          return std::string(text);
        };
        const std::size_t most = p.measured.batches.size() - 1;
        out += p.model.label() + ": " + std::to_string(p.threads) + " threads are " + gain(0) + " times as fast as one at batch 1, " +
               gain(most) + " at batch " + std::to_string(p.measured.batches[most].items) + "\n";
      }
    }
    auto found = std::find_if(curves.begin(), curves.end(), [&](const VariantPoints& v) { return v.name == p.model.label(); });
    if (found == curves.end()) found = curves.insert(found, {p.model.label(), {}, {}});
    found->cores.emplace_back(p.threads, p.measured.batches.front().median());
  }
  std::erase_if(curves, [](const VariantPoints& v) { return v.cores.size() < 3; });
  for (VariantPoints& v : curves) {
    const CurveFit fit = fit_cores(v.cores);
    out += v.name + " at batch 1: " + figure::time(fit.base) + " + " + figure::time(fit.slope) + " / threads, residuals " +
           figure::percent(fit.rms) + " (rms), " + figure::percent(fit.largest) + " at most\n";
  }
  return out;
}

/// Ends with what is wrong with the machine for measurements, or is empty.
std::string busy_before(const real::Machine& machine) {
  if (!machine.load || *machine.load <= busy_load_per_core * machine.cores) return {};
  char text[160];
  std::snprintf(text, sizeof text, "the load average is %.2f on %u cores, above %.2g a core: others compute here", *machine.load,
                machine.cores, busy_load_per_core);
  return text;
}

std::string busy_after(const std::vector<Profiled>& all) {
  std::string out;
  for (const Profiled& p : all) {
    if (p.spread() <= busy_spread) continue;
    char text[200];
    std::snprintf(text, sizeof text, "%s: the p90 of a batch is %.2f times its median, above %.2f: others disturb it",
                  p.model.label().c_str(), p.spread(), busy_spread);
    out += (out.empty() ? "" : "\n") + std::string(text);
  }
  return out;
}

}  // namespace

int command_profile(const Arguments& arguments, const PolicyRegistry&) {
  cxxopts::Options options("tideline profile",
                           "Measure networks on this machine and write a catalog of them, which real mode can run.\n"
                           "Their weights are random: latency, loads and memory are real, accuracy is not measured.\n");
  options.add_options()("backend", "Library that runs them: cpu (oneDNN), eigen (one thread, f32, slower), cuda (cuDNN on an NVIDIA GPU)",
                        cxxopts::value<std::string>()->default_value(real::backend_names().front()), "NAME")(
      "models", "yolov5t, n, s, m, l, x with the pixels of a side, and perhaps a precision, as in yolov5n-320-bf16",
      cxxopts::value<std::string>()->default_value("yolov5n-160,yolov5n-320,yolov5s-160,yolov5s-320"),
      "LIST")("batches", "Sizes of batches, with 1 among them", cxxopts::value<std::string>()->default_value("1,2,4,8"), "LIST")(
      "cores", "Numbers of threads; where not given all cores but one, which real mode keeps for itself", cxxopts::value<std::string>(),
      "LIST")("interval", "Repeat until half of the 95 % interval of the median is at most this share of it",
              cxxopts::value<double>()->default_value("0.01"),
              "SHARE")("repetitions", "At most so many of a batch", cxxopts::value<std::uint32_t>()->default_value("2000"), "COUNT")(
      "seconds", "At most so long for a batch size", cxxopts::value<double>()->default_value("5"), "S")(
      "hardware", "Name of the hardware type: the same for all machines, so that a scenario finds it",
      cxxopts::value<std::string>()->default_value("host"),
      "NAME")("loads", "Loads of each network", cxxopts::value<std::uint32_t>()->default_value("5"), "COUNT")(
      "accuracy", "CSV with model and accuracy (0 .. 1), perhaps img_size; without it accuracies are assumed",
      cxxopts::value<std::string>(), "FILE.csv")("strict", "Refuse a busy machine instead of flagging it")(
      "quiet", "No lines about what is measured")("out", "The catalog", cxxopts::value<std::string>(), "FILE.json");
  const auto parsed =
      parse_options(options, arguments,
                    "  tideline profile --out here.json\n"
                    "  tideline profile --models yolov5n-320,yolov5n-320-bf16 --batches 1,2,4,8,16 --strict --out here.json\n"
                    "  tideline profile --backend cuda --models yolov5s-640,yolov5s-640-bf16 --hardware gpu --out gpu.json\n"
                    "  tideline profile --backend eigen --models yolov5t-64 --batches 1 --seconds 1 --out here.json\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("out") == 0) throw InputError("needs --out FILE.json (see tideline profile --help)");

  const auto backend_name = o["backend"].as<std::string>();
  const std::vector<std::string> known{"cpu", "eigen", "cuda"};
  if (std::find(known.begin(), known.end(), backend_name) == known.end())
    throw InputError("--backend: unknown backend '" + backend_name + "'" + suggestion(backend_name, std::span(known)));
  std::vector<ProfiledModel> models;
  for (const std::string& word : words_at_commas(o["models"].as<std::string>(), "models")) {
    models.push_back(model_of(word));
    for (std::size_t k = 0; k + 1 < models.size(); ++k)
      if (models[k].label() == models.back().label()) throw InputError("--models: " + models.back().label() + " is there twice");
  }
  const auto batches = numbers(o["batches"].as<std::string>(), "batches", largest_batch);
  if (batches.front() != 1) throw InputError("--batches " + o["batches"].as<std::string>() + ": a catalog needs batch 1");
  const real::Machine machine = real::this_machine();
  const unsigned device_cores = std::max(1U, machine.cores - 1);
  std::vector<std::uint32_t> threads{backend_name == "cpu" ? device_cores : 1};
  if (o.count("cores") > 0) threads = numbers(o["cores"].as<std::string>(), "cores", machine.cores);
  if (threads.front() > device_cores)
    throw InputError("--cores " + o["cores"].as<std::string>() + ": one of them must be at most " + std::to_string(device_cores) +
                     ": real mode keeps one of the " + std::to_string(machine.cores) + " cores");
  if (backend_name != "cpu" && threads.back() > 1) throw InputError("--cores: the backend " + backend_name + " has one thread");
  real::MeasureRules rules;
  rules.interval = o["interval"].as<double>();
  rules.most = o["repetitions"].as<std::uint32_t>();
  rules.seconds = o["seconds"].as<double>();
  rules.loads = o["loads"].as<std::uint32_t>();
  if (!(rules.interval > 0 && rules.interval < 1)) throw InputError("--interval must be above 0 and below 1");
  if (rules.most < 3 || rules.most > 1'000'000) throw InputError("--repetitions must be from 3 to 1000000");
  if (!(rules.seconds > 0 && rules.seconds <= 3600)) throw InputError("--seconds must be above 0 and at most 3600");
  if (rules.loads < 1 || rules.loads > 1000) throw InputError("--loads must be from 1 to 1000");
  rules.least = std::min(rules.least, rules.most);

  AccuracyTable accuracies;
  std::vector<std::filesystem::path> inputs;
  if (o.count("accuracy") > 0) {
    const auto path = o["accuracy"].as<std::string>();
    inputs.emplace_back(path);
    std::ifstream in(path);
    if (!in) throw WorldError("cannot read '" + path + "'");
    accuracies = AccuracyTable(in, path);
    for (const ProfiledModel& m : models)
      if (!accuracies.of(m.name, "fp32", m.spec.resolution)) throw InputError("--accuracy " + path + ": has no " + m.label());
  }
  const auto out = output_file(o["out"].as<std::string>(), inputs);

  std::string busy = busy_before(machine);
  if (!busy.empty() && o.count("strict") > 0) throw WorldError("--strict: " + busy);
  if (!busy.empty()) std::cerr << "tideline: warning: " << busy << '\n';

  std::vector<Profiled> all;
  std::string version;
  std::optional<real::DeviceMemory> device;
  try {
    const auto backend = real::make_backend(backend_name);
    version = backend->version();
    device = backend->device_memory();
    // What this machine cannot do at all is said before minutes are spent on the rest.
    for (const ProfiledModel& m : models) backend->check(m.spec);
    const std::size_t whole = models.size() * threads.size();
    for (const ProfiledModel& m : models) {
      for (const std::uint32_t t : threads) {
        const std::string head = std::to_string(all.size() + 1) + "/" + std::to_string(whole) + " " + m.label() + ", " + std::to_string(t) +
                                 (t == 1 ? " thread: " : " threads: ");
        all.push_back({m, t, real::measure(*backend, m.spec, batches, t, rules, [&](const std::string& text) {
                         if (o.count("quiet") == 0) std::cerr << head << text << '\n';
                       })});
      }
    }
  } catch (const real::CannotRun& e) {
    throw WorldError(e.what());
  }
  if (const std::string disturbed = busy_after(all); !disturbed.empty()) {
    if (o.count("strict") > 0) throw WorldError("--strict: " + disturbed);
    std::cerr << "tideline: warning: " << disturbed << '\n';
    busy += (busy.empty() ? "" : "; ") + disturbed;
  }

  const auto hardware = o["hardware"].as<std::string>();
  char date[32];
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm calendar{};
  gmtime_r(&now, &calendar);
  std::strftime(date, sizeof date, "%Y-%m-%d", &calendar);
  Json catalog{
      {"name", as_name(device ? device->device : machine.processor) + "-" + backend_name},
      {"about", "Measured by tideline profile on " + std::string(date) + ": " + machine.processor + ", " + std::to_string(machine.cores) +
                    " cores, " + version + ", " + version_text() + ". Networks in YOLOv5's shape " +
                    "with random weights: times and memory are real, accuracies are " +
                    (accuracies.empty() ? "assumed: those published for YOLOv5 on COCO at 640 pixels, times (pixels / 640)^0.3 below."
                                        : "those of " + o["accuracy"].as<std::string>() + ".") +
                    (machine.load ? " Load average before: " + figure::plain(*machine.load) + "." : "") +
                    (busy.empty() ? "" : " The machine was busy: " + busy + ".")},
      {"tasks", Json::array({Json{{"name", "detect"}, {"metric", "mAP@0.5:0.95"}, {"kind", "score"}}})}};
  catalog["hardware"] = Json::array({device ? gpu_json(hardware, *device) : processor_json(hardware, machine, device_cores)});
  catalog["variants"] = Json::array();
  std::size_t raised = 0, left_out = 0;
  for (const Profiled& p : all) {
    if (p.threads > device_cores) {
      ++left_out;
      continue;
    }
    const auto known_accuracy = accuracies.empty() ? std::nullopt : accuracies.of(p.model.name, "fp32", p.model.spec.resolution);
    catalog["variants"].push_back(
        variant_json(p, hardware, backend_name, known_accuracy.value_or(assumed_accuracy(p.model)), known_accuracy.has_value(), raised));
  }
  Problems problems;
  (void)read_catalog(catalog, "", problems);
  if (!problems.empty()) throw std::logic_error("profile made no catalog: " + problems.list().front().message);
  write_whole(out, catalog.dump(1) + "\n");

  std::cout << version << ", " << machine.processor << ", random weights\n"
            << table_of(all) << threads_text(all) << fit_text(points_of(catalog), {});
  if (std::none_of(all.begin(), all.end(), [](const Profiled& p) { return p.measured.joules_per_item.has_value(); }))
    std::cout << (device ? "energy: none, that of a GPU is not read\n"
                         : "energy: none, /sys/class/powercap has no counter here that can be read\n");
  if (raised > 0) std::cout << raised << " batches took less time than a smaller one and got its time\n";
  if (left_out > 0)
    std::cout << left_out << " networks with more than " << device_cores << " threads are not in the catalog: real mode has no more\n";
  std::cout << catalog["variants"].size() << " variants\ncatalog: " << out.string() << '\n';
  return 0;
}

}  // namespace tideline

// Catalogs in JSON: inline in a scenario, or a file of their own. The reference of the format is scenarios/catalogs/README.md.
#pragma once

#include "sim/core/param.h"
#include "sim/core/problem.h"
#include "sim/model/catalog.h"
#include "src/json_document.h"
#include "src/law_params.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// Largest batch that a catalog may name: profiles are dense tables.
inline constexpr std::uint32_t max_catalog_batch = 65536;

/// Reads a catalog that stands at `pointer`. Everything wrong is added to `problems`; the catalog is fit for use only where nothing
/// was. A batch beyond the largest of a variant's table is a problem, unless `extrapolated_batches`: then the last slope goes on.
/// Texts about sources are checked and not kept. Latencies are rounded to nanoseconds.
Catalog read_catalog(const Json& value, std::string_view pointer, Problems& problems, bool extrapolated_batches = false);

/// The sections of the format, for the reader and for listings of it. Members of type `Value` are sections or tables of their own.
namespace catalog_format {

struct CatalogParams {
  std::string name;
  std::string about;
  param::Value tasks, hardware, variants, colocation;
  static constexpr auto declare() {
    return param::fields(param::field("name", &CatalogParams::name, "Name in results."),
                         param::field("about", &CatalogParams::about, "What the catalog is for, and where its figures are from."),
                         param::field("tasks", &CatalogParams::tasks, "What clients may ask for: a list.", param::required),
                         param::field("hardware", &CatalogParams::hardware, "Types of devices: a list.", param::required),
                         param::field("variants", &CatalogParams::variants, "What answers tasks: a list, not empty.", param::required),
                         param::field("colocation", &CatalogParams::colocation, "Which variants slow which: a list."));
  }
};

struct ColocationParams {
  std::string variant, beside;
  double factor = 1;
  static constexpr auto declare() {
    return param::fields(param::field("variant", &ColocationParams::variant, "The variant that is slowed.", param::required),
                         param::field("beside", &ColocationParams::beside, "By another that runs on the same device.", param::required),
                         param::field("factor", &ColocationParams::factor, "On the time of its batches that start meanwhile.", {1e-3, 1000},
                                      param::required));
  }
};

struct TaskParams {
  std::string name;
  std::string metric = "accuracy";
  bool hit_rate = false;
  double correlation = 0.5;
  double information = 0.8;
  double concentration = 0;
  static constexpr auto declare() {
    return param::fields(
        param::field("name", &TaskParams::name, "Name that workloads ask for.", param::required),
        param::field("metric", &TaskParams::metric, "What accuracy means here, such as top-1 or mAP@0.5:0.95."),
        param::choice("kind", &TaskParams::hit_rate, "hit_rate: an answer is right or wrong; score: it has a score from 0 to 1.",
                      {{"score", false}, {"hit_rate", true}}),
        param::field("correlation", &TaskParams::correlation, "Latent correlation of the variants' answers to one query.", {0, 1}),
        param::field("information", &TaskParams::information, "How much the confidence of an answer knows.", {0, 0.9999}),
        param::field("concentration", &TaskParams::concentration,
                     "Concentration of a score's Beta distribution about the accuracy; 0: the score is the accuracy.", {0, 1e6}));
  }
};

struct HardwareParams {
  std::string name;
  std::string kind = "cpu";
  Sharing sharing = Sharing::exclusive;
  std::optional<std::uint32_t> concurrent_batches;
  std::optional<double> sharing_exponent;
  std::uint32_t cores = 1;
  std::int64_t memory_bytes = 0;
  bool unified_memory = false;
  double store_bytes_per_s = 0, disk_bytes_per_s = 0, copy_bytes_per_s = 0;
  std::int64_t disk_bytes = 0, host_bytes = 0;
  TierEviction tier_eviction = TierEviction::lru;
  std::uint32_t concurrent_loads = 1;
  double load_slowdown = 1;
  double price_per_hour_usd = 0;
  double idle_watts = 0, busy_watts = 0;
  Duration boot{};
  std::vector<double> interference;
  std::string source;
  static constexpr auto declare() {
    return param::fields(
        param::field("name", &HardwareParams::name, "Name that pools and variants use.", param::required),
        param::field("kind", &HardwareParams::kind, "Such as cpu, gpu, npu; everything but cpu is an accelerator."),
        param::choice("sharing", &HardwareParams::sharing,
                      "exclusive: batches take turns on the device; shared: those of different instances run at once, the slower; "
                      "partitioned: an instance holds cores of it while it lives.",
                      {{"exclusive", Sharing::exclusive}, {"shared", Sharing::shared}, {"partitioned", Sharing::partitioned}}),
        param::field("concurrent_batches", &HardwareParams::concurrent_batches,
                     "Batches that run at once on an exclusive device (1 where not given) or a shared one (1024).", {1, 1024}),
        param::field("sharing_exponent", &HardwareParams::sharing_exponent,
                     "g of a shared device: k batches run at rate k^-g each; 1 where not given: they share what it can do.", {0, 4}),
        param::field("cores", &HardwareParams::cores, "Cores, or slices, of a device.", {1, 4096}),
        param::field("memory_bytes", &HardwareParams::memory_bytes, "Memory of a device for instances.", {0, 1e15}),
        param::field("unified_memory", &HardwareParams::unified_memory, "Host and device memory are the same bytes: nothing is copied."),
        param::field("store_bytes_per_s", &HardwareParams::store_bytes_per_s,
                     "Bandwidth from the artefact store to a node, shared by its loads; 0: takes no time.", {0}),
        param::field("disk_bytes_per_s", &HardwareParams::disk_bytes_per_s,
                     "Bandwidth from the disk of a node to memory, shared by its loads; 0: takes no time.", {0}),
        param::field("copy_bytes_per_s", &HardwareParams::copy_bytes_per_s, "Bandwidth from host to device memory; 0: takes no time.", {0}),
        param::field("disk_bytes", &HardwareParams::disk_bytes, "Room for artefacts on the disk of a node; 0: no bound.", {0, 1e18}),
        param::field("host_bytes", &HardwareParams::host_bytes,
                     "Host memory of a node that keeps artefacts, so that they need not be read from disk again; 0: none.", {0, 1e18}),
        param::choice("tier_eviction", &HardwareParams::tier_eviction, "Which artefact goes where disk or host memory is full.",
                      {{"lru", TierEviction::lru}, {"greedy_dual_size_frequency", TierEviction::greedy_dual_size_frequency}}),
        param::field("concurrent_loads", &HardwareParams::concurrent_loads, "Instances that load on a device at once; others wait.",
                     {1, 1024}),
        param::field("load_slowdown", &HardwareParams::load_slowdown,
                     "Factor on the time of batches that start on a device while an instance loads on it.", {1, 1000}),
        param::field("price_per_hour_usd", &HardwareParams::price_per_hour_usd, "Price of a node with one such device.", {0}),
        param::field("idle_watts", &HardwareParams::idle_watts, "Power of a node that is on and computes nothing.", {0}),
        param::field("busy_watts", &HardwareParams::busy_watts, "Power of a node while a batch runs.", {0}),
        param::field("boot_s", &HardwareParams::boot, "Time from switching a node on to its first load.", {0, 86400}),
        param::field("interference", &HardwareParams::interference,
                     "Factors on service time while 1, 2, ... batches run side by side on a partitioned device; the last goes on.",
                     {1, 1000}),
        param::field("source", &HardwareParams::source, "Where the figures come from."));
  }
};

struct VariantParams {
  std::string name, task, hardware;
  std::string base_model, model;
  std::string_view transformation = "none";
  std::string framework, precision;
  std::uint32_t resolution = 0;
  double accuracy = 0;
  std::optional<std::uint32_t> max_batch;
  std::vector<std::uint32_t> batch_sizes;
  std::int64_t artefact_bytes = 0, memory_bytes = 0, memory_per_item_bytes = 0;
  Duration pre{}, post{};
  std::optional<double> energy_per_item_j;
  std::optional<std::uint32_t> instance_cores;
  std::string resumes;
  param::Value profile, service, load, origin, kernel;
  std::string source;
  static constexpr auto declare() {
    return param::fields(
        param::field("name", &VariantParams::name, "Its name, the only one of that name.", param::required),
        param::field("task", &VariantParams::task, "Name of the task that it answers.", param::required),
        param::field("hardware", &VariantParams::hardware, "Name of the hardware type that it is made for.", param::required),
        param::field("base_model", &VariantParams::base_model, "Such as resnet50; that of `model` where not given."),
        param::field("model", &VariantParams::model, "Trained model; the variant's name where not given."),
        param::choice("transformation", &VariantParams::transformation, "What made the model from its base model.",
                      {{"none", "none"},
                       {"pruned", "pruned"},
                       {"quantised", "quantised"},
                       {"distilled", "distilled"},
                       {"compiled", "compiled"},
                       {"early_exit", "early_exit"}}),
        param::field("framework", &VariantParams::framework, "Such as onnxruntime; a process of it is set up once per device."),
        param::field("precision", &VariantParams::precision, "Such as fp32 or int8."),
        param::field("resolution", &VariantParams::resolution, "Side of the input in pixels; 0: has none."),
        param::field("accuracy", &VariantParams::accuracy, "Profiled accuracy in the task's metric.", {0, 1}, param::required),
        param::field("max_batch", &VariantParams::max_batch, "Most items in a batch; the profile's largest batch where not given.",
                     {1, max_catalog_batch}),
        param::field("batch_sizes", &VariantParams::batch_sizes,
                     "If any, the only sizes that run; a smaller batch is padded to the next and pays for it.", {1, max_catalog_batch}),
        param::field("artefact_bytes", &VariantParams::artefact_bytes, "What is fetched and copied to load it.", {0, 1e15}),
        param::field("memory_bytes", &VariantParams::memory_bytes, "Memory of an instance without the part per item.", {0, 1e15}),
        param::field("memory_per_item_bytes", &VariantParams::memory_per_item_bytes,
                     "More memory for each item of the largest batch that an instance is started for.", {0, 1e12}),
        param::field("pre_s", &VariantParams::pre, "Work before the batch on each item.", {0, 3600}),
        param::field("post_s", &VariantParams::post, "Work after the batch on each item.", {0, 3600}),
        param::field("energy_per_item_j", &VariantParams::energy_per_item_j, "Energy of an item; from the device's watts where not given.",
                     {0}),
        param::field("instance_cores", &VariantParams::instance_cores,
                     "Cores that an instance holds for `latency_s` or `affine` on a partitioned device; 1 where not given.", {1, 4096}),
        param::field("resumes", &VariantParams::resumes,
                     "The variant that is this network up to an early exit. A query that a cascade sends from there to here, on the same "
                     "device, goes on where it left off: its time is what this profile has more, for one item."),
        param::field("profile", &VariantParams::profile, "Time of a batch: exactly one of latency_s, cores, affine.", param::required),
        param::field("service", &VariantParams::service, "Law of a batch's time about the profile; deterministic where not given."),
        param::field("load", &VariantParams::load, "Times to start an instance, besides moving its bytes."),
        param::field("origin", &VariantParams::origin, "Which figures are measured, computed, derived, assumed."),
        param::field("kernel", &VariantParams::kernel, "The network that stands for it in real mode; none: it cannot run there."),
        param::field("source", &VariantParams::source, "Where the figures come from."));
  }
};

/// The network that stands for a variant in real mode. Its weights are random: latency is real, answers are not.
struct KernelParams {
  std::string_view network = "yolov5";
  double depth = 1, width = 1;
  std::uint32_t resolution = 0;
  std::string_view precision = "f32", backend = "cpu";
  std::uint32_t threads = 1, seed = 1;
  static constexpr auto declare() {
    return param::fields(
        param::choice("network", &KernelParams::network, "Its shape.", {{"yolov5", "yolov5"}}),
        param::field("depth", &KernelParams::depth, "Multiple of the repeats of a block: 0.33 in YOLOv5n and YOLOv5s.", {0.01, 4}),
        param::field("width", &KernelParams::width, "Multiple of the channels: 0.25 in YOLOv5n, 0.5 in YOLOv5s.", {0.05, 4}),
        param::field("resolution", &KernelParams::resolution, "Side of the input in pixels, a multiple of 32.", {32, 4096},
                     param::required),
        param::choice("precision", &KernelParams::precision, "bf16 needs a processor or GPU that has it.",
                      {{"f32", "f32"}, {"bf16", "bf16"}}),
        param::choice("backend", &KernelParams::backend,
                      "Library that runs it: cpu is oneDNN, eigen is Eigen, which is slower, cuda is cuDNN on an NVIDIA GPU.",
                      {{"cpu", "cpu"}, {"eigen", "eigen"}, {"cuda", "cuda"}}),
        param::field("threads", &KernelParams::threads, "That an instance runs its batches with.", {1, 4096}),
        param::field("seed", &KernelParams::seed, "Of its random weights."));
  }
};

/// One number of a profile's table.
struct BatchTimeParams {
  Duration latency{};
  static constexpr auto declare() {
    return param::fields(param::field("latency_s", &BatchTimeParams::latency, "Time of a batch.", {0, 86400}));
  }
};

struct ProfileParams {
  param::Value latency, cores, affine;
  static constexpr auto declare() {
    return param::fields(
        param::field("latency_s", &ProfileParams::latency, "Time of a batch by its number of items: {\"1\": 0.02, \"4\": 0.05}."),
        param::field("cores", &ProfileParams::cores, "Such a table for each number of cores, on a partitioned device."),
        param::field("affine", &ProfileParams::affine, "Time as a straight line in the number of items: an assumption."));
  }
};

struct AffineParams {
  Duration base{}, per_item{};
  static constexpr auto declare() {
    return param::fields(param::field("base_s", &AffineParams::base, "Time of a batch, whatever its size.", {0, 86400}, param::required),
                         param::field("per_item_s", &AffineParams::per_item, "Time of each item.", {0, 3600}, param::required));
  }
};

struct LoadParams : LawParams {
  Duration build{}, runtime_init{}, first_run{};
  static constexpr auto declare() {
    return std::tuple_cat(
        param::fields(param::field("build_s", &LoadParams::build, "Building an engine: once per variant and node.", {0, 86400}),
                      param::field("runtime_init_s", &LoadParams::runtime_init, "Setting up the framework: once per process on a device.",
                                   {0, 86400}),
                      param::field("first_run_s", &LoadParams::first_run, "The first batch, before the instance is warm.", {0, 86400})),
        LawParams::declare());
  }
};

struct OriginParams {
  Origin latency = Origin::assumed, accuracy = Origin::assumed, artefact = Origin::assumed, load = Origin::assumed,
         memory = Origin::assumed;
  std::vector<std::uint32_t> measured_batches;
  static constexpr param::Option<Origin> origins[] = {
      {"measured", Origin::measured}, {"computed", Origin::computed}, {"derived", Origin::derived}, {"assumed", Origin::assumed}};
  static constexpr auto declare() {
    return param::fields(
        param::choice("latency", &OriginParams::latency, "Of the profile.", origins),
        param::choice("accuracy", &OriginParams::accuracy, "Of the accuracy.", origins),
        param::choice("artefact", &OriginParams::artefact, "Of the artefact bytes.", origins),
        param::choice("load", &OriginParams::load, "Of the load times.", origins),
        param::choice("memory", &OriginParams::memory, "Of the memory of an instance.", origins),
        param::field("measured_batches", &OriginParams::measured_batches,
                     "Batches of the profile whose time was measured, where the others are of `latency`.", {1, max_catalog_batch}));
  }
};

}  // namespace catalog_format
}  // namespace tideline

// The sections of a scenario file, each declared once: what may stand in it, with defaults, ranges and explanations. Read by the binder
// (scenario.cpp), the layers and the schema. Members of type `Value` are sections of their own.
#pragma once

#include "sim/core/param.h"
#include "sim/metrics/accounts.h"
#include "sim/model/control.h"
#include "src/law_params.h"
#include "traces/counts.h"
#include "traces/csv.h"
#include "traces/diurnal.h"
#include "traces/mmpp.h"
#include "traces/modulated.h"
#include "traces/poisson.h"
#include "traces/popularity.h"
#include "traces/renewal.h"
#include "traces/shape.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace tideline::scenario_format {

struct TopSection {
  std::int64_t schema = 1;
  std::string about;
  double load = 1, speedup = 1;
  std::int64_t seed = 1;
  Billing billing = Billing::nodes;
  bool extrapolated_batches = false;
  std::string extends;
  param::Value catalog, cluster, environment, workload, policies, initial, control, feedback, outcomes, on_lost, measure;
  static constexpr auto declare() {
    return param::fields(
        param::field("schema", &TopSection::schema, "Version of the format.", {1, 1}, param::required),
        param::field("about", &TopSection::about, "What the scenario is for."),
        param::field("load", &TopSection::load, "Factor on every rate of the workload.", {1e-9, 1e9}),
        param::field(
            "speedup", &TopSection::speedup,
            "Compress the workload in time: its arrivals, the measured window and samples; not loads, service, SLOs and intervals.",
            {1e-6, 1e6}),
        param::field("seed", &TopSection::seed, "Seed of every random draw.", {0, 9e15}),
        param::choice("billing", &TopSection::billing, "Whether nodes that are on are billed, or what instances hold of them.",
                      {{"nodes", Billing::nodes}, {"held", Billing::held}}),
        param::field("extrapolated_batches", &TopSection::extrapolated_batches, "Allow batches beyond the measured ones."),
        param::field("extends", &TopSection::extends, "Path of the scenario that this one changes, relative to this file."),
        param::field("catalog", &TopSection::catalog, "What exists: the path of a catalog, relative to this file, or the catalog itself.",
                     param::required),
        param::field("cluster", &TopSection::cluster, "What is there.", param::required),
        param::field("environment", &TopSection::environment, "What changes during a run: a list of changes."),
        param::field("workload", &TopSection::workload, "What is asked: a list of entries.", param::required),
        param::field("policies", &TopSection::policies, "Who decides; a kind that is not named has its default."),
        param::field("initial", &TopSection::initial,
                     "What is loaded at time 0: cold (nothing), planned (the autoscaler's first plan), or a list of instances."),
        param::field("control", &TopSection::control, "How decisions are spread over controllers."),
        param::field("feedback", &TopSection::feedback, "Labels of answers that policies may learn from."),
        param::field("outcomes", &TopSection::outcomes, "Measured outcomes, in place of the model of what answers are worth."),
        param::field("on_lost", &TopSection::on_lost, "What happens to queries whose node failed."),
        param::field("measure", &TopSection::measure, "What is measured, and for how long."));
  }
};

/// The words of "initial".
inline constexpr std::string_view initial_cold = "cold", initial_planned = "planned";

struct ClusterSection {
  param::Value sites, links, pools;
  enum class Payload : std::uint8_t { original, resized };
  std::string artefact_store;
  Duration billing_granularity{};
  Transport transport = Transport::open_connection;
  Payload payload = Payload::original;
  double bytes_per_pixel = 1;
  static constexpr auto declare() {
    return param::fields(
        param::field("sites", &ClusterSection::sites, "Places: a list.", param::required),
        param::field("links", &ClusterSection::links, "What joins sites: a list."),
        param::field("pools", &ClusterSection::pools, "Groups of identical nodes: a list.", param::required),
        param::field("billing_granularity_s", &ClusterSection::billing_granularity,
                     "A node is paid for in whole multiples of this, each time that it is on; 0: exactly.", {0, 86400}),
        param::field("artefact_store", &ClusterSection::artefact_store,
                     "Site where artefacts come from, over the links that queries use; default: nodes have them from "
                     "outside."),
        param::choice("transport", &ClusterSection::transport,
                      "How queries come to another site: over connections that stay open, or each over a new one, with a "
                      "round trip to open it and slow start from 14,600 bytes.",
                      {{"open_connection", Transport::open_connection}, {"new_connection", Transport::new_connection}}),
        param::choice("payload", &ClusterSection::payload,
                      "What queries take along: what they came with, or an image that their origin, after the variant's "
                      "`pre_s`, made as large as the variant wants it: 3 x resolution^2 x bytes_per_pixel for an item.",
                      {{"original", Payload::original}, {"resized", Payload::resized}}),
        param::field("bytes_per_pixel", &ClusterSection::bytes_per_pixel, "Of resized images, for each of three channels.", {0.001, 8}));
  }
};

struct SiteSection {
  std::string name;
  double carbon = 0;
  Duration access_delay{};
  double access_bandwidth = 0;
  static constexpr auto declare() {
    return param::fields(
        param::field("name", &SiteSection::name, "Name of the site.", param::required),
        param::field("carbon_g_per_kwh", &SiteSection::carbon, "CO2 of its power.", {0, 1e5}),
        param::field("access_delay_s", &SiteSection::access_delay,
                     "Propagation delay, one way, between the site and its clients, who each have a link of their own.", {0, 3600}),
        param::field("access_bytes_per_s", &SiteSection::access_bandwidth, "Bandwidth of such a link each way; 0: payloads take no time.",
                     {0, 1e15}));
  }
};

struct LinkSection {
  std::string from, to;
  Duration delay{};
  double bandwidth = 0;
  double price = 0;
  param::Value jitter;
  static constexpr auto declare() {
    return param::fields(param::field("from", &LinkSection::from, "A site.", param::required),
                         param::field("to", &LinkSection::to, "The other site; links carry both ways.", param::required),
                         param::field("delay_s", &LinkSection::delay, "Propagation delay one way.", {0, 3600}, param::required),
                         param::field("bandwidth_bytes_per_s", &LinkSection::bandwidth,
                                      "Bandwidth each way, shared equally by what is under way; 0: payloads take no time.", {0, 1e15}),
                         param::field("price_per_byte_usd", &LinkSection::price, "Price of a byte in US dollars.", {0, 1}),
                         param::field("jitter", &LinkSection::jitter, "What comes on top of the delay, anew for each crossing."));
  }
};

struct JitterSection : LawParams {
  Duration mean{};
  static constexpr auto declare() {
    return std::tuple_cat(param::fields(param::field("mean_s", &JitterSection::mean, "Mean of the jitter.", {0, 3600}, param::required)),
                          LawParams::declare());
  }
};

struct PoolSection {
  std::string name, site, hardware;
  std::uint32_t count = 1;
  std::optional<std::uint32_t> min, max;
  std::uint32_t devices_per_node = 1;
  std::optional<Duration> boot;
  std::optional<double> price, purchase;
  Duration lifetime = 4 * 8766h;
  double utilization = 1, power_price = 0;
  static constexpr auto declare() {
    return param::fields(
        param::field("name", &PoolSection::name, "Name of the pool.", param::required),
        param::field("site", &PoolSection::site, "Site where its nodes stand.", param::required),
        param::field("hardware", &PoolSection::hardware, "Hardware type of its devices.", param::required),
        param::field("count", &PoolSection::count, "Nodes that are on at time 0.", {0, 1e6}),
        param::field("min", &PoolSection::min, "Least number of nodes; default: count.", {0, 1e6}),
        param::field("max", &PoolSection::max, "Greatest number of nodes; default: count.", {0, 1e6}),
        param::field("devices_per_node", &PoolSection::devices_per_node, "Devices of a node.", {1, 64}),
        param::field("boot_s", &PoolSection::boot, "Time from order to a node that is up; default: of the hardware type.", {0, 86400}),
        param::field("price_per_hour_usd", &PoolSection::price, "Price of a node; default: that of its devices.", {0, 1e6}),
        param::field("purchase_usd", &PoolSection::purchase,
                     "What a node was bought for: its price per hour is this / (lifetime_s x utilization), and its busy watts x "
                     "usd_per_kwh.",
                     {0, 1e9}),
        param::field("lifetime_s", &PoolSection::lifetime, "How long a bought node lasts; default: four years.", {3600, 3.2e9}),
        param::field("utilization", &PoolSection::utilization, "Share of its lifetime that a bought node is used.", {1e-3, 1}),
        param::field("usd_per_kwh", &PoolSection::power_price, "Price of its power.", {0, 100}));
  }
};

struct WorkloadSection {
  std::string name;
  std::optional<std::string> task;
  std::optional<std::string> origin;
  std::string source;
  std::uint32_t payload_bytes = 0, answer_bytes = 0;
  std::uint32_t items = 1, tenant = 0;
  param::Value params, classes, popularity, payload_law;
  static constexpr auto declare() {
    return param::fields(
        param::field("name", &WorkloadSection::name, "Name of the entry; default: its task."),
        param::field("task", &WorkloadSection::task, "Task of its queries; left out where a trace names tasks."),
        param::field("origin", &WorkloadSection::origin, "Site where its queries arrive; default: the first site."),
        param::field("source", &WorkloadSection::source, "Where its arrivals come from.", param::required),
        param::field("params", &WorkloadSection::params, "Parameters of the source."),
        param::field("classes", &WorkloadSection::classes, "What its queries ask for: a list, of one class where it is left out."),
        param::field("popularity", &WorkloadSection::popularity,
                     "In place of a task: several tasks, by ranks of popularity that may drift."),
        param::field("payload_bytes", &WorkloadSection::payload_bytes, "Bytes of a query.", {0, 4e9}),
        param::field("payload_law", &WorkloadSection::payload_law, "Law of a factor on payload_bytes, drawn for each query; none: 1."),
        param::field("answer_bytes", &WorkloadSection::answer_bytes, "Bytes of an answer.", {0, 4e9}),
        param::field("items", &WorkloadSection::items, "Items, such as images, in a query.", {1, 65535}),
        param::field("tenant", &WorkloadSection::tenant, "Number of the tenant.", {0, 65535}));
  }
};

struct ClassSection {
  std::string name;
  double share = 1;
  std::optional<Duration> slo;
  std::optional<double> floor;
  std::optional<double> cost_cap;
  std::int32_t priority = 0;
  param::Value pin;
  static constexpr auto declare() {
    return param::fields(
        param::field("name", &ClassSection::name, "Name of the class."),
        param::field("share", &ClassSection::share, "Share of the entry's queries; shares are scaled to sum 1.", {1e-9, 1e9}),
        param::field("latency_slo_s", &ClassSection::slo, "Latency bound from arrival to answer; none: no SLO.", {1e-9, 1e9}),
        param::field("accuracy_floor", &ClassSection::floor, "Least profiled accuracy of an answer.", {0, 1}),
        param::field("cost_cap_usd", &ClassSection::cost_cap, "Greatest attributed cost of a query.", {0, 1e9}),
        param::field("priority", &ClassSection::priority, "Higher goes first where a policy looks at it.", {-1000, 1000}),
        param::field("pin", &ClassSection::pin, "Which variants may answer: those of one base model, of one model, or one variant."));
  }
};

/// In place of a number in "latency_slo_s".
struct RelativeSloSection {
  double times_fastest = 1;
  std::optional<std::string> hardware;
  static constexpr auto declare() {
    return param::fields(param::field("times_fastest", &RelativeSloSection::times_fastest,
                                      "Times the latency of the task's fastest variant for one item.", {1e-6, 1e6}, param::required),
                         param::field("hardware", &RelativeSloSection::hardware,
                                      "Hardware type whose fastest variant counts; default: all of the catalog."));
  }
};

enum class SloLaw : std::uint8_t { lognormal, uniform, exponential };
/// In place of a number in "latency_slo_s": a class becomes several, each with a quantile of the law.
struct SloLawSection {
  SloLaw law = SloLaw::lognormal;
  double mean = 0, cv = 0.5;
  std::uint32_t classes = 8;
  static constexpr auto declare() {
    return param::fields(
        param::choice("law", &SloLawSection::law, "Law of the latency that queries ask for.",
                      {{"lognormal", SloLaw::lognormal}, {"uniform", SloLaw::uniform}, {"exponential", SloLaw::exponential}},
                      param::required),
        param::field("mean_s", &SloLawSection::mean, "Its mean.", {1e-9, 1e9}, param::required),
        param::field("cv", &SloLawSection::cv, "Its coefficient of variation, except of exponential; of uniform at most 0.577.", {0, 10}),
        param::field("classes", &SloLawSection::classes,
                     "Equal parts that it is cut into: a part is a class that asks for the middle one of its latencies.", {2, 64}));
  }
};

/// In place of a number in "accuracy_floor".
struct RelativeFloorSection {
  double of_best = 1;
  static constexpr auto declare() {
    return param::fields(param::field("of_best", &RelativeFloorSection::of_best,
                                      "Share of the accuracy of the task's most accurate variant in the catalog.", {0, 1},
                                      param::required));
  }
};

struct PinSection {
  std::optional<std::string> base_model, model, variant;
  static constexpr auto declare() {
    return param::fields(param::field("base_model", &PinSection::base_model, "Only variants of this base model."),
                         param::field("model", &PinSection::model, "Only variants of this model."),
                         param::field("variant", &PinSection::variant, "Only this variant."));
  }
};

/// Beside the kinds of policies.
struct PoliciesSection {
  param::Value joint;
  std::string system;
  param::Value changes;
  static constexpr auto declare() {
    return param::fields(
        param::field("joint", &PoliciesSection::joint, "A policy of several kinds, for those that are not named beside it."),
        param::field("system", &PoliciesSection::system,
                     "A named bundle of policies, in place of kinds: NAME of systems/NAME.json, or a path relative to this file."),
        param::field("override", &PoliciesSection::changes, "Kinds that change those of the system."));
  }
};

struct PolicySection {
  std::string name;
  param::Value params;
  static constexpr auto declare() {
    return param::fields(param::field("name", &PolicySection::name, "Name of the policy; default: the one that `tideline policies` marks."),
                         param::field("params", &PolicySection::params, "Parameters of the policy."));
  }
};

/// A file of scenarios/systems.
struct SystemSection {
  std::string about;
  param::Value policies, initial;
  static constexpr auto declare() {
    return param::fields(param::field("about", &SystemSection::about, "What the system is."),
                         param::field("policies", &SystemSection::policies, "The policies of the system by kind.", param::required),
                         param::field("initial", &SystemSection::initial,
                                      "What is loaded at time 0, where the scenario that names the system does not say."));
  }
};

struct InitialSection {
  std::string variant, pool;
  std::optional<std::uint32_t> per_device, count, cores;
  static constexpr auto declare() {
    return param::fields(
        param::field("variant", &InitialSection::variant, "Variant of the instances.", param::required),
        param::field("pool", &InitialSection::pool, "Pool whose devices they are on.", param::required),
        param::field("per_device", &InitialSection::per_device, "Instances on each device of the pool.", {1, 1000}),
        param::field("count", &InitialSection::count, "Instances in all, spread over the devices in turn.", {1, 1e6}),
        param::field("cores", &InitialSection::cores,
                     "Cores that each holds, of those that the variant is profiled with; those started later at the site hold "
                     "as many. None: the fewest.",
                     {1, 4096}));
  }
};

/// The word of "decision_s"; otherwise it is a time.
inline constexpr std::string_view decision_measured = "measured";
struct DecisionSection {
  Duration time{};
  static constexpr auto declare() {
    return param::fields(param::field("decision_s", &DecisionSection::time, "Time that a decision takes, or \"measured\".", {0, 3600}));
  }
};

/// What makes a run of days endless is a slip of the unit.
inline constexpr Duration least_snapshot = 1ms;
struct ControlSection {
  Control::Mode mode = Control::Mode::central;
  std::optional<Duration> snapshot;
  Duration delay{};
  param::Value decision;
  std::optional<std::uint32_t> fanout;
  bool compensated = false;
  std::optional<Duration> forget;
  static constexpr auto declare() {
    return param::fields(
        param::choice("mode", &ControlSection::mode,
                      "Who decides: one controller; each site for itself, and it tells all others what it has; or it tells a few at random "
                      "all that it knows.",
                      {{"central", Control::Mode::central}, {"per_site", Control::Mode::per_site}, {"gossip", Control::Mode::gossip}}),
        param::field("snapshot_s", &ControlSection::snapshot,
                     "Between two times that boards are told, 1 ms or more; 0: boards of other sites are live. Default: 0 with central, "
                     "else 2 s.",
                     {0, 86400}),
        param::field("delay_s", &ControlSection::delay, "Until what is told arrives, beyond the delay of the route between the sites.",
                     {0, 3600}),
        param::field("decision_s", &ControlSection::decision,
                     "Time that a decision about a query takes, one after the other; \"measured\": what the last one took by the clock, "
                     "which no other run repeats. Default: 0."),
        param::field("fanout", &ControlSection::fanout, "Sites that a site tells at a time, with gossip; default: 1.", {1, 1000}),
        param::field("compensated", &ControlSection::compensated, "Add a controller's own decisions to boards that do not have them yet."),
        param::field(
            "forget_s", &ControlSection::forget,
            "Age from which on what is known of a site counts as nothing. Default: three times snapshot_s, and delay_s; with gossip "
            "as many times more as it takes rounds to double up to all sites.",
            {1e-3, 3e9}));
  }
};

struct FeedbackSection {
  double share = 0;
  Duration delay{};
  static constexpr auto declare() {
    return param::fields(param::field("share", &FeedbackSection::share, "Share of the answers whose quality becomes known.", {0, 1}),
                         param::field("delay_s", &FeedbackSection::delay, "Time from an answer until then.", {0, 3.2e9}));
  }
};

struct OutcomesSection {
  std::string file;
  static constexpr auto declare() {
    return param::fields(param::field(
        "file", &OutcomesSection::file,
        "HDF5 file with `variants` (names), `right` or `score`, and perhaps `confidence`: samples x variants.", param::required));
  }
};

enum class LostAction : std::uint8_t { drop, retry };
struct LostSection {
  LostAction action = LostAction::drop;
  std::uint32_t budget = 1;
  static constexpr auto declare() {
    return param::fields(param::choice("action", &LostSection::action, "What happens to queries whose node failed.",
                                       {{"drop", LostAction::drop}, {"retry", LostAction::retry}}),
                         param::field("budget", &LostSection::budget, "Retries of a query.", {0, 15}));
  }
};

struct MeasureSection {
  Duration warmup{}, duration = 24h, drain = 600s;
  Duration sample = 60s;
  static constexpr auto declare() {
    return param::fields(
        param::field("warmup_s", &MeasureSection::warmup, "Time before the measured window.", {0, 3e9}),
        param::field("duration_s", &MeasureSection::duration, "Length of the measured window.", {1e-9, 3e9}),
        param::field("drain_s", &MeasureSection::drain, "How long after the window its queries may take to end.", {0, 3e9}),
        param::field("sample_s", &MeasureSection::sample, "Time between two samples of the series.", {1e-3, 9e9}));
  }
};

/// Parameters of a source that replays a file.
template <class Params>
struct Replay : Params {
  std::string file;
  Duration skip{};
  static constexpr auto declare() {
    return std::tuple_cat(
        param::fields(param::field("file", &Replay::file, "Path of the trace, relative to the file that names it.", param::required),
                      param::field("skip_s", &Replay::skip, "How much of the trace to leave out: what comes then is time 0.", {0, 3e9})),
        Params::declare());
  }
};

/// Parameters of source `trace`.
struct TraceSection : TraceParams {
  std::string file;
  static constexpr auto declare() {
    return std::tuple_cat(
        param::fields(param::field("file", &TraceSection::file,
                                   "Path of the trace, or of a folder of its files, relative to the file that names it.", param::required)),
        TraceParams::declare());
  }
};

/// A source that an entry of the workload may name.
struct SourceDefinition {
  std::string_view name;
  std::vector<param::FieldInfo> (*parameters)();
};
enum : std::size_t {
  source_poisson,
  source_diurnal,
  source_csv,
  source_counts,
  source_trace,
  source_gamma,
  source_weibull,
  source_mmpp,
  source_ramp,
  source_spike,
  source_flash_crowd,
  source_modulated
};
inline constexpr std::array<SourceDefinition, 12> sources{{{"poisson", &param::describe<PoissonParams>},
                                                           {"diurnal", &param::describe<DiurnalParams>},
                                                           {"csv", &param::describe<Replay<CsvParams>>},
                                                           {"counts", &param::describe<Replay<CountsParams>>},
                                                           {"trace", &param::describe<TraceSection>},
                                                           {"gamma", &param::describe<GammaParams>},
                                                           {"weibull", &param::describe<WeibullParams>},
                                                           {"mmpp", &param::describe<MmppParams>},
                                                           {"ramp", &param::describe<RampParams>},
                                                           {"spike", &param::describe<SpikeParams>},
                                                           {"flash_crowd", &param::describe<FlashCrowdParams>},
                                                           {"modulated", &param::describe<ModulatedParams>}}};

}  // namespace tideline::scenario_format

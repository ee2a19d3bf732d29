// What may stand in "environment", each kind of change declared once. An entry has the fields of its kind.
#pragma once

#include "sim/core/param.h"

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

namespace tideline::scenario_format {

enum class ChangeKind : std::uint8_t {
  failure,
  failures,
  reclaim,
  reclaims,
  slowdown,
  link,
  capacity,
  taken,
  surge,
  price,
  carbon,
  accuracy,
  replay
};
struct ChangeSection {
  ChangeKind change = ChangeKind::failure;
  static constexpr auto declare() {
    return param::fields(param::choice("change", &ChangeSection::change,
                                       "What changes: nodes fail (failure, or failures by chance) or are reclaimed after a notice "
                                       "(reclaim, reclaims); batches take longer; a "
                                       "link gets worse; a pool gets another capacity; others take memory or cores; demand surges; prices, "
                                       "carbon or accuracies move; or a "
                                       "file says what and when (replay).",
                                       {{"failure", ChangeKind::failure},
                                        {"failures", ChangeKind::failures},
                                        {"reclaim", ChangeKind::reclaim},
                                        {"reclaims", ChangeKind::reclaims},
                                        {"slowdown", ChangeKind::slowdown},
                                        {"link", ChangeKind::link},
                                        {"capacity", ChangeKind::capacity},
                                        {"taken", ChangeKind::taken},
                                        {"surge", ChangeKind::surge},
                                        {"price", ChangeKind::price},
                                        {"carbon", ChangeKind::carbon},
                                        {"accuracy", ChangeKind::accuracy},
                                        {"replay", ChangeKind::replay}},
                                       param::required));
  }
};

/// When a change is.
struct SpanSection : ChangeSection {
  std::optional<Duration> at;
  std::optional<Duration> length;
  std::optional<Duration> mean_every, mean_for;
  static constexpr auto declare() {
    return std::tuple_cat(
        ChangeSection::declare(),
        param::fields(
            param::field("at_s", &SpanSection::at, "When it begins, since the start of the run.", {0, 3.2e9}),
            param::field("for_s", &SpanSection::length, "How long it lasts; null: for good.", {1e-9, 3.2e9}),
            param::field("mean_every_s", &SpanSection::mean_every,
                         "In place of at_s: again and again by chance; mean time (exponential) from the end of one to the next.",
                         {1e-3, 3.2e9}),
            param::field("mean_for_s", &SpanSection::mean_for, "Mean length (exponential) of those that come by chance.", {1e-3, 3.2e9})));
  }
};

/// The nodes of a pool, or one.
template <class Base>
struct NodesSection : Base {
  std::string pool;
  std::optional<std::uint32_t> node;
  static constexpr auto declare() {
    return std::tuple_cat(Base::declare(),
                          param::fields(param::field("pool", &NodesSection::pool, "The pool whose nodes change.", param::required),
                                        param::field("node", &NodesSection::node, "One of them, from 0; null: all.", {0, 1e9})));
  }
};

using FailureSection = NodesSection<SpanSection>;

struct SlowdownSection : NodesSection<SpanSection> {
  double factor = 1;
  static constexpr auto declare() {
    return std::tuple_cat(NodesSection<SpanSection>::declare(),
                          param::fields(param::field("factor", &SlowdownSection::factor,
                                                     "On the time of batches that start meanwhile; what overlaps multiplies.", {1e-3, 1e6},
                                                     param::required)));
  }
};

struct FailuresSection : NodesSection<ChangeSection> {
  Duration mean_up{}, mean_down{};
  static constexpr auto declare() {
    return std::tuple_cat(NodesSection<ChangeSection>::declare(),
                          param::fields(param::field("mean_up_s", &FailuresSection::mean_up,
                                                     "Mean time of a node until it fails (exponential).", {1e-3, 3.2e9}, param::required),
                                        param::field("mean_down_s", &FailuresSection::mean_down,
                                                     "Mean time until it is up again (exponential).", {1e-3, 3.2e9}, param::required)));
  }
};

struct LinkChangeSection : SpanSection {
  std::string from, to;
  double bandwidth_factor = 1, delay_factor = 1;
  static constexpr auto declare() {
    return std::tuple_cat(
        SpanSection::declare(),
        param::fields(param::field("from", &LinkChangeSection::from, "A site of the link.", param::required),
                      param::field("to", &LinkChangeSection::to, "Its other site; both ways change.", param::required),
                      param::field("bandwidth_factor", &LinkChangeSection::bandwidth_factor,
                                   "On its bandwidth; 0: it is out, and what is under way on it stands still until it is back.", {0, 1e6}),
                      param::field("delay_factor", &LinkChangeSection::delay_factor, "On its delay.", {0, 1e6})));
  }
};

/// Of reclaim and reclaims.
struct NoticeSection {
  Duration notice = 120s;
  static constexpr auto declare() {
    return param::fields(param::field("notice_s", &NoticeSection::notice,
                                      "Time from the notice, when the nodes begin to drain, until they are gone.", {1e-3, 86400}));
  }
};
struct ReclaimSection : NodesSection<SpanSection>, NoticeSection {
  static constexpr auto declare() { return std::tuple_cat(NodesSection<SpanSection>::declare(), NoticeSection::declare()); }
};
struct ReclaimsSection : FailuresSection, NoticeSection {
  static constexpr auto declare() { return std::tuple_cat(FailuresSection::declare(), NoticeSection::declare()); }
};

struct CapacitySection : SpanSection {
  std::string pool;
  std::uint32_t count = 0;
  static constexpr auto declare() {
    return std::tuple_cat(SpanSection::declare(),
                          param::fields(param::field("pool", &CapacitySection::pool, "The pool.", param::required),
                                        param::field("count", &CapacitySection::count,
                                                     "Nodes that it has meanwhile, within its min and max; then what it had again.",
                                                     {0, 1e6}, param::required)));
  }
};

struct TakenSection : NodesSection<SpanSection> {
  std::int64_t memory_bytes = 0;
  std::uint32_t cores = 0;
  static constexpr auto declare() {
    return std::tuple_cat(
        NodesSection<SpanSection>::declare(),
        param::fields(param::field("memory_bytes", &TakenSection::memory_bytes,
                                   "Memory of each device that others hold; idle instances go for it, busy ones keep theirs.", {0, 1e15}),
                      param::field("cores", &TakenSection::cores, "Cores of each partitioned device, likewise.", {0, 4096})));
  }
};

struct SurgeSection : SpanSection {
  std::string entry;
  double factor = 1;
  std::optional<Duration> announced;
  static constexpr auto declare() {
    return std::tuple_cat(SpanSection::declare(),
                          param::fields(param::field("entry", &SurgeSection::entry, "The entry of the workload; default: all."),
                                        param::field("factor", &SurgeSection::factor,
                                                     "On its rate: queries are there so many times, copies within 10 s after them.",
                                                     {0, 1000}, param::required),
                                        param::field("announced_s", &SurgeSection::announced,
                                                     "How long before it begins policies may know of it; null: not at all.", {0, 3.2e9})));
  }
};

struct PriceSection : SpanSection {
  std::string pool;
  double factor = 1;
  static constexpr auto declare() {
    return std::tuple_cat(SpanSection::declare(),
                          param::fields(param::field("pool", &PriceSection::pool, "The pool.", param::required),
                                        param::field("factor", &PriceSection::factor,
                                                     "On the price of its nodes; what overlaps multiplies.", {0, 1e6}, param::required)));
  }
};

struct CarbonSection : SpanSection {
  std::string site;
  double g_per_kwh = 0;
  static constexpr auto declare() {
    return std::tuple_cat(SpanSection::declare(),
                          param::fields(param::field("site", &CarbonSection::site, "The site.", param::required),
                                        param::field("g_per_kwh", &CarbonSection::g_per_kwh,
                                                     "CO2 of its power meanwhile; of those that overlap the one that began last.", {0, 1e5},
                                                     param::required)));
  }
};

struct AccuracySection : SpanSection {
  std::string variant;
  double by = 0;
  static constexpr auto declare() {
    return std::tuple_cat(SpanSection::declare(),
                          param::fields(param::field("variant", &AccuracySection::variant, "The variant.", param::required),
                                        param::field("by", &AccuracySection::by,
                                                     "Added to how good its answers are, 0 .. 1 in the end; its profile and its confidence "
                                                     "stay; what overlaps adds.",
                                                     {-1, 1}, param::required)));
  }
};

struct ReplaySection : ChangeSection {
  std::string file;
  static constexpr auto declare() {
    return std::tuple_cat(ChangeSection::declare(),
                          param::fields(param::field(
                              "file", &ReplaySection::file,
                              "CSV with columns time_s, target, factor. Targets: slowdown:POOL, slowdown:POOL/NODE, link:FROM-TO (its "
                              "bandwidth), price:POOL, carbon:SITE (g per kWh). A row holds until the next of its target, the last on.",
                              param::required)));
  }
};

}  // namespace tideline::scenario_format

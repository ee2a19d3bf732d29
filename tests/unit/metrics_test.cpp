// Every metric on cases small enough to do by hand; README.md of sim/metrics has the formulas.
#include "sim/metrics/audit.h"
#include "sim/metrics/series.h"
#include "sim/metrics/summary.h"

#include "tests/support/list_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>

namespace tideline {
namespace {

using test::ClusterBench;
using test::WorldBuilder;

constexpr Time at(Duration d) { return Time{} + d; }

/// One site; "gpu" of 1000 bytes, 10 W idle and 110 W busy, two nodes at 3.6 USD an hour, that is 0.001 USD a second.
WorldBuilder one_gpu_kind(std::uint32_t nodes = 2) {
  WorldBuilder b;
  const SiteId s = b.site("here");
  const HardwareId gpu = b.hardware("gpu", 1000);
  b.catalog.hardware[gpu.index()].idle_watts = 10;
  b.catalog.hardware[gpu.index()].busy_watts = 110;
  const TaskId t = b.task("see");
  b.variant("low", t, gpu, 0.6, 10ms, 500, 50ms);
  b.variant("high", t, gpu, 0.8, 20ms, 250, 50ms);
  b.catalog.variants[1].origin_latency = Origin::measured;
  b.pool("gpus", s, gpu, nodes, 3.6);
  b.add_class(t, 100ms, 0.7);
  b.add_class(t);
  return b;
}

/// A recorder driven by hand, over the window [10 s, 20 s).
struct Driven {
  explicit Driven(const WorldBuilder& b, Billing billing = Billing::nodes) : bench(b), recorder(*bench.world, billing) {
    recorder.run_begins(bench.cluster);
  }
  void begin(Duration t = 10s) {
    bench.cluster.settle(at(t));
    recorder.window(true, bench.cluster, at(t));
  }
  Summary end(Duration t = 20s) {
    bench.cluster.settle(at(t));
    recorder.window(false, bench.cluster, at(t));
    return recorder.summary();
  }
  Visit query(Duration arrival, std::size_t cls = 0) {
    Visit v;
    v.arrival = at(arrival);
    v.serial = serial++;
    v.cls = ClassId{cls};
    v.flags.measured = true;
    recorder.arrived(v);
    return v;
  }
  void answer(Duration arrival, QueryEnd e, std::size_t cls = 0) {
    const Visit v = query(arrival, cls);
    e.finish = v.arrival + e.network + e.load + e.queue + e.service;
    if (!e.variant) e.variant = VariantId{1};
    e.accuracy = bench.world->operator[](e.variant).accuracy;
    recorder.ended(v, e);
  }
  void fail(Duration arrival, Ending how, std::size_t cls = 0) {
    const Visit v = query(arrival, cls);
    QueryEnd e;
    e.ending = how;
    e.finish = v.arrival + 1s;
    recorder.ended(v, e);
  }
  /// A batch that ends at `done`.
  void batch(InstanceId i, Duration done, Duration took, std::uint32_t items = 1, std::uint32_t wasted = 0) {
    const InstanceRow& row = bench.cluster.row(i);
    bench.wait_at(i, ClassId{0}, at(done - took));
    bench.run(i, 1, at(done - took), took);
    recorder.batch_done(i, row.device, bench.world->operator[](row.group).variant, items, wasted, took, at(done));
    bench.end(i, at(done));
  }

  ClusterBench bench;
  SummaryRecorder recorder;
  std::uint64_t serial = 0;
};

QueryEnd parts(Duration network, Duration load, Duration queue, Duration service, std::size_t variant = 1) {
  QueryEnd e;
  e.network = network;
  e.load = load;
  e.queue = queue;
  e.service = service;
  e.variant = VariantId{variant};
  return e;
}

std::uint64_t misses(const Metrics& m, Miss cause) { return m.misses[static_cast<std::size_t>(cause)]; }

TEST(Metrics, each_is_declared_once_and_has_its_formula_in_the_readme) {
  std::ifstream file(std::string(TIDELINE_SOURCE_DIR) + "/sim/metrics/README.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::set<std::string_view> names;
  for (const Metric& m : metrics()) {
    EXPECT_TRUE(names.insert(m.name).second) << m.name;
    EXPECT_NE(text.find("`" + std::string(m.name) + "`"), std::string::npos) << m.name;
  }
}

TEST(Metrics, a_window_without_queries_has_counts_of_nothing_and_no_shares) {
  Driven d(one_gpu_kind());
  d.begin();
  const Summary s = d.end();
  EXPECT_EQ(s.total.queries_arrived, 0U);
  EXPECT_EQ(s.total.throughput_qps, 0);
  for (const double x : {s.total.slo_attainment, s.total.slo_attainment_worst_hour, s.total.effective_accuracy, s.total.latency_mean_s,
                         s.total.latency_p99_s, s.total.latency_max_s, s.total.accuracy_drop_max, s.total.batch_mean, s.total.wait_mean_s})
    EXPECT_TRUE(std::isnan(x));
  EXPECT_TRUE(s.variants.empty());
  EXPECT_EQ(s.classes.size(), 2U);
  EXPECT_EQ(s.tasks.size(), 1U);
}

TEST(Metrics, endings_are_counted_and_every_miss_has_one_cause) {
  Driven d(one_gpu_kind());
  d.begin();
  d.answer(10s, parts(0ms, 0ms, 0ms, 100ms));    // on time to the nanosecond
  d.answer(10s, parts(0ms, 0ms, 1ns, 100ms));    // late, mostly in service
  d.answer(11s, parts(0ms, 90ms, 10ms, 20ms));   // load
  d.answer(12s, parts(0ms, 10ms, 90ms, 20ms));   // queue
  d.answer(13s, parts(90ms, 0ms, 10ms, 20ms));   // network
  d.answer(13s, parts(50ms, 50ms, 50ms, 50ms));  // equal parts: load
  d.fail(14s, Ending::rejected);
  d.fail(14s, Ending::infeasible);
  d.fail(14s, Ending::dropped);
  d.fail(14s, Ending::lost);
  d.fail(14s, Ending::unfinished);
  d.answer(15s, parts(0ms, 0ms, 900s, 20ms), 1);  // no SLO: never late, never a miss
  d.fail(15s, Ending::dropped, 1);
  const Summary s = d.end();
  const Metrics& m = s.total;
  EXPECT_EQ(m.queries_arrived, 13U);
  EXPECT_EQ(m.queries_served, 7U);
  EXPECT_EQ(m.queries_late, 5U);
  EXPECT_EQ(m.queries_dropped, 2U);
  EXPECT_EQ(m.queries_rejected, 2U);
  EXPECT_EQ(m.queries_infeasible, 1U);
  EXPECT_EQ(m.queries_lost, 1U);
  EXPECT_EQ(m.queries_unfinished, 1U);
  EXPECT_EQ(m.queries_with_slo, 11U);
  EXPECT_EQ(m.queries_on_time, 1U);
  EXPECT_EQ(m.queries_missed, 10U);
  EXPECT_DOUBLE_EQ(m.slo_attainment, 1.0 / 11);
  EXPECT_EQ(misses(m, Miss::service), 1U);
  EXPECT_EQ(misses(m, Miss::load), 2U);
  EXPECT_EQ(misses(m, Miss::queue), 1U);
  EXPECT_EQ(misses(m, Miss::network), 1U);
  for (const Miss k : {Miss::rejected, Miss::no_feasible_variant, Miss::dropped, Miss::lost, Miss::unfinished}) EXPECT_EQ(misses(m, k), 1U);
  EXPECT_EQ(s.classes[0].metrics.queries_missed, 10U);
  EXPECT_EQ(s.classes[1].metrics.queries_missed, 0U);
  EXPECT_TRUE(std::isnan(s.classes[1].metrics.slo_attainment));
  EXPECT_EQ(s.tasks[0].metrics.queries_arrived, 13U);
}

TEST(Metrics, queries_outside_the_window_count_for_nothing) {
  Driven d(one_gpu_kind());
  d.begin();
  Visit v = d.query(11s);
  v.flags.measured = false;
  d.recorder.arrived(v);
  d.recorder.ended(v, parts(0ms, 0ms, 0ms, 1ms));
  d.recorder.load_triggered(v);
  d.recorder.delayed_by_load(v);
  const Summary s = d.end();
  EXPECT_EQ(s.total.queries_arrived, 1U);
  EXPECT_EQ(s.total.queries_served, 0U);
  EXPECT_EQ(s.total.cold_starts, 0U);
  EXPECT_EQ(s.total.queries_delayed_by_load, 0U);
}

TEST(Metrics, rates_are_per_second_of_the_window_and_goodput_needs_slo_and_floor) {
  Driven d(one_gpu_kind());
  d.begin();
  d.answer(10s, parts(0ms, 0ms, 0ms, 20ms));          // good
  d.answer(11s, parts(0ms, 0ms, 0ms, 10ms, 0));       // below its floor of 0.7
  d.answer(12s, parts(0ms, 0ms, 200ms, 20ms));        // late
  d.answer(13s, parts(0ms, 0ms, 200ms, 10ms, 0), 1);  // wants nothing: good
  d.fail(14s, Ending::dropped);
  const Metrics m = d.end().total;
  EXPECT_DOUBLE_EQ(m.throughput_qps, 0.4);
  EXPECT_DOUBLE_EQ(m.goodput_qps, 0.2);
}

// What a vote or a cascade is worth for one query says nothing about the floor: the profile of what answered does.
TEST(Metrics, a_floor_is_met_by_the_profile_of_what_answered_whatever_is_expected_of_the_query) {
  Driven d(one_gpu_kind());
  d.begin();
  for (const auto& [variant, expected] : {std::pair{1U, 0.1}, {1U, 0.9}, {0U, 0.9}}) {
    const Visit v = d.query(11s);
    QueryEnd e = parts(0ms, 0ms, 0ms, 20ms, variant);
    e.finish = v.arrival + e.service;
    e.accuracy = expected;
    d.recorder.ended(v, e);
  }
  const Metrics m = d.end().total;
  EXPECT_DOUBLE_EQ(m.accuracy_floor_attainment, 2.0 / 3);
  EXPECT_DOUBLE_EQ(m.goodput_qps, 0.2);
  EXPECT_DOUBLE_EQ(m.effective_accuracy, 1.9 / 3);
}

TEST(Metrics, caps_are_kept_by_answers_that_cost_no_more) {
  WorldBuilder b = one_gpu_kind();
  b.classes[0].cost_cap_usd = 0.002;
  Driven d(b);
  d.begin();
  for (const double cost : {0.001, 0.002, 0.003}) {
    QueryEnd e = parts(0ms, 0ms, 0ms, 20ms);
    e.cost_usd = cost;
    d.answer(11s, e);
    d.answer(11s, e, 1);
  }
  d.fail(14s, Ending::infeasible);
  const Summary s = d.end();
  EXPECT_DOUBLE_EQ(s.total.cost_cap_attainment, 2.0 / 3);
  EXPECT_DOUBLE_EQ(s.classes[0].metrics.cost_cap_attainment, 2.0 / 3);
  EXPECT_TRUE(std::isnan(s.classes[1].metrics.cost_cap_attainment));
}

TEST(Metrics, accuracies_are_means_over_answers) {
  Driven d(one_gpu_kind());
  d.begin();
  QueryEnd right = parts(0ms, 0ms, 0ms, 20ms);
  right.realised = 1;
  d.answer(10s, right);                             // 0.8
  d.answer(11s, parts(0ms, 0ms, 0ms, 10ms, 0));     // 0.6, below the floor
  d.answer(12s, parts(0ms, 0ms, 200ms, 20ms));      // 0.8, late
  d.answer(13s, parts(0ms, 0ms, 0ms, 10ms, 0), 1);  // 0.6, no SLO and no floor
  d.fail(14s, Ending::dropped);
  const Summary s = d.end();
  EXPECT_DOUBLE_EQ(s.total.effective_accuracy, 2.8 / 4);
  EXPECT_DOUBLE_EQ(s.total.realised_accuracy, 1.0 / 4);
  EXPECT_DOUBLE_EQ(s.total.accuracy_weighted_attainment, 0.8 / 4);  // one of four queries with an SLO
  EXPECT_DOUBLE_EQ(s.total.accuracy_floor_attainment, 2.0 / 3);
  EXPECT_TRUE(std::isnan(s.classes[1].metrics.accuracy_floor_attainment));
  ASSERT_EQ(s.variants.size(), 2U);
  EXPECT_EQ(s.variants[0].name, "low");
  EXPECT_EQ(s.variants[0].queries_served, 2U);
  EXPECT_DOUBLE_EQ(s.variants[0].effective_accuracy, 0.6);
  EXPECT_DOUBLE_EQ(s.variants[0].latency_max_s, 0.01);
  EXPECT_EQ(s.variants[1].queries_late, 1U);
  EXPECT_DOUBLE_EQ(s.variants[1].share, 0.5);
  EXPECT_DOUBLE_EQ(s.variants[1].latency_mean_s, 0.12);
  EXPECT_DOUBLE_EQ(s.variants[1].latency_max_s, 0.22);
  EXPECT_DOUBLE_EQ(s.variants[1].realised_accuracy, 0.5);
  EXPECT_EQ(s.total.queries_by_origin[static_cast<std::size_t>(Origin::measured)], 2U);
  EXPECT_EQ(s.total.queries_by_origin[static_cast<std::size_t>(Origin::assumed)], 2U);
}

TEST(Metrics, accuracies_of_several_tasks_are_relative_in_the_total) {
  WorldBuilder b = one_gpu_kind();
  const TaskId other = b.task("hear", false);
  b.variant("small", other, HardwareId{0}, 0.2, 10ms, 100);
  b.variant("large", other, HardwareId{0}, 0.4, 20ms, 100);
  b.add_class(other, 100ms);
  Driven d(b);
  d.begin();
  d.answer(10s, parts(0ms, 0ms, 0ms, 20ms, 1));     // 0.8 of 0.8
  d.answer(10s, parts(0ms, 0ms, 0ms, 20ms, 2), 2);  // 0.2 of 0.4
  const Summary s = d.end();
  EXPECT_DOUBLE_EQ(s.total.effective_accuracy, (1 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(s.total.accuracy_weighted_attainment, (1 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(s.tasks[0].metrics.effective_accuracy, 0.8);
  EXPECT_DOUBLE_EQ(s.tasks[1].metrics.effective_accuracy, 0.2);
  EXPECT_DOUBLE_EQ(s.classes[2].metrics.effective_accuracy, 0.2);
  EXPECT_DOUBLE_EQ(s.tasks[0].metrics.accuracy_drop_max, 0);
  EXPECT_DOUBLE_EQ(s.tasks[1].metrics.accuracy_drop_max, 0.2);
  EXPECT_DOUBLE_EQ(s.total.accuracy_drop_max, 0.2);
}

TEST(Metrics, the_accuracy_drop_is_that_of_the_worst_whole_minute) {
  Driven d(one_gpu_kind());
  d.begin(10s);
  d.answer(10s, parts(0ms, 0ms, 0ms, 20ms));  // minute 0: 0.8
  d.answer(70s, parts(0ms, 0ms, 0ms, 20ms));  // minute 1: (0.8 + 0.6) / 2
  d.answer(129s, parts(0ms, 0ms, 0ms, 20ms, 0));
  d.answer(130s, parts(0ms, 0ms, 0ms, 20ms, 0));  // minute 2 is not whole
  EXPECT_NEAR(d.end(160s).total.accuracy_drop_max, 0.1, 1e-12);
}

TEST(Metrics, the_worst_hour_is_a_whole_one_by_arrival) {
  Driven d(one_gpu_kind());
  d.begin(10s);
  const auto hour = [](int k) { return 10s + k * 3600s; };
  d.answer(hour(0), parts(0ms, 0ms, 0ms, 20ms));
  d.answer(hour(1) - 1ns, parts(0ms, 0ms, 900ms, 20ms));  // hour 0: 1 of 2
  d.answer(hour(1), parts(0ms, 0ms, 0ms, 20ms));
  d.answer(hour(1), parts(0ms, 0ms, 0ms, 20ms));
  d.fail(hour(1), Ending::dropped);     // hour 1: 2 of 3
  d.fail(hour(1), Ending::dropped, 1);  // no SLO
  d.fail(hour(2), Ending::dropped);     // hour 2 is not whole
  const Summary s = d.end(hour(2) + 30min);
  EXPECT_DOUBLE_EQ(s.total.slo_attainment_worst_hour, 0.5);
  EXPECT_DOUBLE_EQ(s.tasks[0].metrics.slo_attainment_worst_hour, 0.5);
  EXPECT_DOUBLE_EQ(s.classes[0].metrics.slo_attainment_worst_hour, 0.5);
  EXPECT_TRUE(std::isnan(s.classes[1].metrics.slo_attainment_worst_hour));
}

TEST(Metrics, latencies_and_their_parts_are_over_what_was_served) {
  Driven d(one_gpu_kind());
  d.begin();
  for (int k = 1; k <= 100; ++k) d.answer(10s, parts(1ms, 2ms, k * 1ms, 20ms), static_cast<std::size_t>(k % 2));
  d.fail(10s, Ending::dropped);
  const Summary s = d.end();
  const Metrics& m = s.total;
  EXPECT_DOUBLE_EQ(m.latency_mean_s, 0.0735);
  EXPECT_NEAR(m.latency_p50_s, 0.073, 0.073 * 0.004);
  EXPECT_NEAR(m.latency_p90_s, 0.113, 0.113 * 0.004);
  EXPECT_NEAR(m.latency_p95_s, 0.118, 0.118 * 0.004);
  EXPECT_NEAR(m.latency_p99_s, 0.122, 0.122 * 0.004);
  EXPECT_DOUBLE_EQ(m.latency_max_s, 0.123);
  EXPECT_DOUBLE_EQ(m.wait_mean_s, 0.0525);
  EXPECT_DOUBLE_EQ(m.service_mean_s, 0.02);
  EXPECT_DOUBLE_EQ(m.network_mean_s, 0.001);
  EXPECT_DOUBLE_EQ(s.classes[0].metrics.latency_max_s, 0.123);
  EXPECT_DOUBLE_EQ(s.classes[1].metrics.latency_max_s, 0.122);
}

TEST(Metrics, nodes_are_billed_while_on_and_idle_is_the_rest) {
  Driven d(one_gpu_kind());
  const InstanceId i = d.bench.warm(VariantId{0}, 0);
  d.begin();
  d.batch(i, 12s, 1s, 4, 1);
  QueryEnd e = parts(0ms, 0ms, 0ms, 20ms);
  e.cost_usd = 0.005;
  e.transfer_usd = 0.004;
  d.answer(12s, e);
  const Summary s = d.end();
  EXPECT_NEAR(s.total.cost_usd, 2 * 10 * 0.001 + 0.004, 1e-15);
  EXPECT_NEAR(s.total.cost_attributed_usd, 0.75 * 0.001, 1e-15);
  EXPECT_NEAR(s.total.cost_wasted_usd, 0.25 * 0.001, 1e-15);
  EXPECT_NEAR(s.total.cost_transfer_usd, 0.004, 1e-15);
  EXPECT_NEAR(s.total.cost_idle_usd, 19 * 0.001, 1e-15);
  EXPECT_NEAR(s.classes[0].metrics.cost_attributed_usd, 0.001, 1e-15);
  EXPECT_NEAR(s.tasks[0].metrics.cost_attributed_usd, 0.75 * 0.001, 1e-15);
  EXPECT_NEAR(s.variants[0].cost_attributed_usd, 0.75 * 0.001, 1e-15);
  EXPECT_NEAR(s.total.wasted_work_s, 0.25, 1e-12);
  EXPECT_NEAR(s.total.utilization, 1.0 / 20, 1e-12);
  EXPECT_NEAR(s.total.batch_mean, 4, 1e-12);
}

TEST(Metrics, a_node_that_is_off_costs_nothing) {
  Driven d(one_gpu_kind());
  d.begin();
  d.bench.cluster.node_phase(NodeId{1}, NodePhase::off, at(13s));
  const Metrics m = d.end().total;
  EXPECT_NEAR(m.cost_usd, (10 + 3) * 0.001, 1e-15);
  EXPECT_NEAR(m.energy_j, 10 * (10 + 3), 1e-9);
}

TEST(Metrics, held_memory_is_billed_by_its_share_and_time) {
  Driven d(one_gpu_kind(), Billing::held);
  const InstanceId i = d.bench.warm(VariantId{0}, 0, at(5s));  // 500 of 1000 bytes
  d.begin();
  d.batch(i, 12s, 1s);
  d.bench.cluster.stop(i, at(14s));
  const InstanceId j = d.bench.warm(VariantId{1}, 1, at(18s));  // 250 of 1000 bytes
  EXPECT_TRUE(static_cast<bool>(j));
  const Metrics m = d.end().total;
  EXPECT_NEAR(m.cost_usd, (4 * 0.5 + 2 * 0.25) * 0.001, 1e-15);
  EXPECT_NEAR(m.cost_idle_usd, (3 * 0.5 + 2 * 0.25) * 0.001, 1e-15);
  EXPECT_NEAR(m.cost_attributed_usd, 0.001, 1e-15);
}

TEST(Metrics, partitioned_devices_are_billed_by_cores) {
  WorldBuilder b;
  const SiteId s = b.site("here");
  const HardwareId cpu = b.hardware("cpu", 1000, Sharing::partitioned, 8);
  const TaskId t = b.task("see");
  b.variant(
      "v", t, cpu, 0.5, [](std::uint32_t) { return Duration{10ms}; }, 1, 900, {}, 2);
  b.pool("cpus", s, cpu, 1, 3.6);
  b.add_class(t, 100ms);
  Driven d(b, Billing::held);
  d.begin();
  const InstanceId i = d.bench.warm(VariantId{0}, 0, at(10s));
  d.batch(i, 12s, 1s);
  const Metrics m = d.end().total;
  EXPECT_NEAR(m.cost_usd, 10 * 0.25 * 0.001, 1e-15);
  EXPECT_NEAR(m.cost_attributed_usd, 1 * 0.25 * 0.001, 1e-15);
  EXPECT_NEAR(m.cost_idle_usd, 9 * 0.25 * 0.001, 1e-15);
}

TEST(Metrics, batches_across_the_edges_count_for_their_part_inside) {
  Driven d(one_gpu_kind(1));
  const InstanceId i = d.bench.warm(VariantId{0}, 0);
  d.bench.wait_at(i, ClassId{0}, at(9s));
  d.bench.run(i, 1, at(9s), 2s);
  d.begin();
  d.recorder.batch_done(i, DeviceId{0}, VariantId{0}, 1, 0, 2s, at(11s));
  d.bench.end(i, at(11s));
  d.bench.wait_at(i, ClassId{0}, at(19s));
  d.bench.run(i, 1, at(19s), 4s);
  d.end();
  d.recorder.batch_done(i, DeviceId{0}, VariantId{0}, 1, 0, 4s, at(23s));
  d.bench.end(i, at(23s));
  const Summary s = d.recorder.summary();
  EXPECT_NEAR(s.total.cost_attributed_usd, (1 + 1) * 0.001, 1e-15);
  EXPECT_NEAR(s.total.utilization, 0.2, 1e-12);
  EXPECT_EQ(s.variants[0].batches, 1U);
  EXPECT_NEAR(s.total.energy_j, 10 * 10 + 100 * 2, 1e-9);
}

TEST(Metrics, a_variants_own_energy_takes_the_place_of_the_busy_part) {
  WorldBuilder b = one_gpu_kind(1);
  b.catalog.variants[1].energy_per_item_j = 7;
  Driven d(b);
  const InstanceId low = d.bench.warm(VariantId{0}, 0), high = d.bench.warm(VariantId{1}, 0);
  d.begin();
  d.batch(low, 12s, 1s, 2);
  d.batch(high, 14s, 1s, 3);
  EXPECT_NEAR(d.end().total.energy_j, 10 * 10 + 100 * 1 + 3 * 7, 1e-9);
}

TEST(Metrics, loads_and_evictions_at_the_instants_of_the_edges_belong_to_the_window_they_begin) {
  Driven d(one_gpu_kind());
  const InstanceId i = d.bench.warm(VariantId{0}, 0), j = d.bench.warm(VariantId{1}, 0);
  const auto load = [&](InstanceId k, StartCause cause, Duration t) { d.recorder.instance_started(k, cause, at(t)); };
  load(i, StartCause::held, 9s);      // before
  load(i, StartCause::initial, 10s);  // free of charge
  load(j, StartCause::plan, 10s);     // at the instant of the beginning, before the window is told
  d.recorder.instance_stopped(j, StopCause::evicted, at(10s));
  d.begin();
  load(i, StartCause::held, 10s);
  load(i, StartCause::held, 15s);
  load(i, StartCause::prewarm, 16s);
  load(i, StartCause::preload, 16s);
  d.recorder.instance_stopped(i, StopCause::keep_alive, at(17s));
  d.recorder.instance_stopped(i, StopCause::evicted, at(18s));
  load(i, StartCause::held, 20s);  // at the instant of the end
  const Summary s = d.end();
  const Metrics& m = s.total;
  EXPECT_EQ(m.loads, 5U);
  EXPECT_EQ(m.loads_by_cause[static_cast<std::size_t>(StartCause::held)], 2U);
  EXPECT_EQ(m.loads_by_cause[static_cast<std::size_t>(StartCause::plan)], 1U);
  EXPECT_EQ(m.loads_by_cause[static_cast<std::size_t>(StartCause::prewarm)], 1U);
  EXPECT_EQ(m.loads_by_cause[static_cast<std::size_t>(StartCause::preload)], 1U);
  EXPECT_EQ(m.evictions, 2U);
  EXPECT_EQ(s.variants[0].loads, 4U);
  EXPECT_EQ(s.variants[1].loads, 1U);
}

TEST(Metrics, a_query_with_several_visits_is_one_cold_start) {
  Driven d(one_gpu_kind());
  d.begin();
  const Visit a = d.query(11s), b = d.query(12s), c = d.query(13s, 1);
  for (const Visit& v : {a, a, b}) d.recorder.load_triggered(v);
  d.recorder.delayed_by_load(c);
  d.recorder.delayed_by_load(c);
  const Summary s = d.end();
  EXPECT_EQ(s.total.cold_starts, 2U);
  EXPECT_EQ(s.classes[0].metrics.cold_starts, 2U);
  EXPECT_EQ(s.total.queries_delayed_by_load, 1U);
  EXPECT_EQ(s.classes[1].metrics.queries_delayed_by_load, 1U);
}

// --- whole runs ---

struct MeasuredRun {
  using Drive = std::function<void(Simulation&)>;
  MeasuredRun(
      const World& world, std::vector<Duration> arrivals, RunOptions options, Duration keep, Billing billing = Billing::held,
      const Drive& drive = [](Simulation& s) { s.run(); })
      : summary_recorder(world, billing), series(world, billing), auditor(world) {
    test::run_list(world, ClassId{0}, std::move(arrivals), std::move(options), keep, {&summary_recorder, &series, &auditor},
                   [&](Simulation& simulation) {
                     drive(simulation);
                     summary = summary_recorder.summary();
                     audit = auditor.audit(simulation.cluster(), simulation.now(), summary);
                   });
  }
  SummaryRecorder summary_recorder;
  SeriesRecorder series;
  AuditRecorder auditor;
  Summary summary;
  AuditResult audit;
};

void expect_passed(const AuditResult& audit) {
  for (const Check& c : audit.checks) EXPECT_TRUE(c.passed) << c.name << ": " << c.detail;
  EXPECT_TRUE(audit.passed);
  EXPECT_EQ(audit.checks.size(), 8U);
}

RunOptions ten_seconds_from_one() {
  RunOptions o;
  o.warmup = 1s;
  o.duration = 10s;
  o.drain = 60s;
  o.sample = 1s;
  return o;
}

TEST(WholeRun, a_line_of_queries_is_measured_as_done_by_hand) {
  WorldBuilder b = one_gpu_kind(1);
  b.classes[0].slo = 35ms;
  const auto world = b.build();
  // The first loads the instance, unmeasured; then three and five at once, 10 ms each.
  const MeasuredRun run(*world, {500ms, 2s, 2s, 2s, 3s, 3s, 3s, 3s, 3s}, ten_seconds_from_one(), forever);
  const Metrics& m = run.summary.total;
  EXPECT_EQ(m.queries_arrived, 8U);
  EXPECT_EQ(m.queries_served, 8U);
  EXPECT_EQ(m.queries_late, 2U);
  EXPECT_EQ(misses(m, Miss::queue), 2U);
  EXPECT_DOUBLE_EQ(m.slo_attainment, 0.75);
  EXPECT_NEAR(m.latency_mean_s, (10 + 20 + 30 + 10 + 20 + 30 + 40 + 50) * 1e-3 / 8, 1e-12);
  EXPECT_DOUBLE_EQ(m.latency_max_s, 0.05);
  EXPECT_NEAR(m.wait_mean_s, (0 + 10 + 20 + 0 + 10 + 20 + 30 + 40) * 1e-3 / 8, 1e-12);
  EXPECT_NEAR(m.utilization, 0.008, 1e-12);
  EXPECT_NEAR(m.energy_j, 10 * 10 + 100 * 0.08, 1e-9);
  EXPECT_NEAR(m.cost_usd, 10 * 0.5 * 0.001, 1e-15);
  EXPECT_NEAR(m.cost_attributed_usd, 0.08 * 0.001, 1e-15);
  EXPECT_NEAR(m.cost_idle_usd, (10 - 0.08) * 0.5 * 0.001, 1e-15);
  EXPECT_EQ(m.loads, 0U);
  EXPECT_EQ(m.cold_starts, 0U);
  EXPECT_NEAR(m.goodput_qps, 0, 1e-15);  // 0.6 is below the floor of 0.7
  expect_passed(run.audit);
}

TEST(WholeRun, its_series_says_interval_by_interval_what_was_answered) {
  WorldBuilder b = one_gpu_kind(1);
  b.classes[0].slo = 35ms;
  const auto world = b.build();
  const MeasuredRun run(*world, {500ms, 2s, 2s, 2s, 3s, 3s, 3s, 3s, 3s}, ten_seconds_from_one(), forever);
  ASSERT_GT(run.series.rows().size(), 4U);
  // What arrives at the instant of a sample is before it, what is answered then after it.
  const SeriesRow& three = run.series.rows()[2];
  EXPECT_EQ(three.time_ns, 3'000'000'000);
  EXPECT_EQ(three.arrived, 5U);
  EXPECT_EQ(three.served, 3U);
  EXPECT_EQ(three.on_time, 3U);
  EXPECT_EQ(three.missed, 0U);
  EXPECT_EQ(three.good, 0U);  // 0.6 is below the floor of 0.7
  EXPECT_NEAR(three.latency_p50_s, 0.02, 1e-4);
  EXPECT_DOUBLE_EQ(three.effective_accuracy, 0.6);
  EXPECT_DOUBLE_EQ(three.accuracy_floor, 0.7);
  const SeriesRow& four = run.series.rows()[3];
  EXPECT_EQ(four.served, 5U);
  EXPECT_EQ(four.late, 2U);
  EXPECT_EQ(four.on_time, 3U);
  EXPECT_EQ(four.missed, 2U);
  EXPECT_NEAR(four.latency_p50_s, 0.03, 2e-4);
  EXPECT_NEAR(four.latency_p95_s, 0.05, 2e-4);
  EXPECT_EQ(four.instances_warm, 1U);
  EXPECT_EQ(four.instances_draining, 0U);
}

TEST(WholeRun, a_cold_start_and_those_that_wait_for_its_load_are_told_apart) {
  WorldBuilder b = [] {
    WorldBuilder w = one_gpu_kind(1);
    w.classes[0].slo = 55ms;
    return w;
  }();
  const auto world = b.build();
  // Load 50 ms, service 10 ms: 60 ms for the first, which triggers it; 50 + 10 + 10 - 5 ms for the one 5 ms after it.
  const MeasuredRun run(*world, {2s, 2005ms, 4s}, ten_seconds_from_one(), Duration{});
  const Metrics& m = run.summary.total;
  EXPECT_EQ(m.cold_starts, 2U);
  EXPECT_EQ(m.queries_delayed_by_load, 1U);
  EXPECT_EQ(m.loads, 2U);
  EXPECT_EQ(m.loads_by_cause[static_cast<std::size_t>(StartCause::held)], 2U);
  EXPECT_EQ(misses(m, Miss::load), 3U);
  EXPECT_NEAR(m.latency_mean_s, (60 + 65 + 60) * 1e-3 / 3, 1e-12);
  EXPECT_NEAR(m.cost_usd, (0.07 + 0.06) * 0.5 * 0.001, 1e-15);
  expect_passed(run.audit);
}

TEST(WholeRun, what_is_open_at_the_end_is_unfinished_and_a_miss) {
  const auto world = one_gpu_kind(1).build();
  RunOptions o = ten_seconds_from_one();
  o.drain = 30ms;
  const MeasuredRun run(*world, {500ms, 10'999ms, 10'999ms, 10'999ms, 10'999ms, 10'999ms}, o, forever);
  const Metrics& m = run.summary.total;
  EXPECT_EQ(m.queries_arrived, 5U);
  EXPECT_EQ(m.queries_served, 3U);  // ending 11.009, 11.019, 11.029; the run ends at 11.030
  EXPECT_EQ(m.queries_unfinished, 2U);
  EXPECT_EQ(misses(m, Miss::unfinished), 2U);
  expect_passed(run.audit);
}

TEST(WholeRun, nodes_are_billed_alike_with_or_without_use) {
  const auto world = one_gpu_kind(2).build();
  const MeasuredRun run(*world, {2s}, ten_seconds_from_one(), forever, Billing::nodes);
  EXPECT_NEAR(run.summary.total.cost_usd, 2 * 10 * 0.001, 1e-15);
  expect_passed(run.audit);
}

TEST(WholeRun, the_series_has_a_row_a_sample) {
  const auto world = one_gpu_kind(1).build();
  const MeasuredRun run(*world, {500ms, 2100ms, 2100ms, 2995ms}, ten_seconds_from_one(), forever);
  const auto& rows = run.series.rows();
  ASSERT_EQ(rows.size(), 11U);
  EXPECT_EQ(rows[0].time_ns, 1'000'000'000);
  EXPECT_EQ(rows[0].arrived, 1U);
  EXPECT_EQ(rows[0].cold_starts, 1U);
  EXPECT_EQ(rows[0].loads, 1U);
  EXPECT_EQ(rows[0].instances_warm, 1U);
  EXPECT_EQ(rows[0].memory_bytes, 500U);
  EXPECT_NEAR(rows[0].cost_usd, 0.5 * 0.5 * 0.001, 1e-15);
  EXPECT_TRUE(std::isnan(rows[1].latency_mean_s));
  EXPECT_TRUE(std::isnan(rows[1].effective_accuracy));
  EXPECT_EQ(rows[2].arrived, 3U);
  EXPECT_EQ(rows[2].served, 2U);
  EXPECT_EQ(rows[2].in_flight, 1U);
  EXPECT_EQ(rows[2].devices_busy, 1U);
  EXPECT_NEAR(rows[2].latency_mean_s, 0.015, 1e-12);
  EXPECT_DOUBLE_EQ(rows[2].latency_p99_s, 0.02);
  EXPECT_DOUBLE_EQ(rows[2].effective_accuracy, 0.6);
  EXPECT_EQ(rows[3].served, 1U);
  EXPECT_EQ(rows[3].in_flight, 0U);
}

TEST(WholeRun, links_cost_time_and_money) {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 5ms);
  b.topology.links[0].price_per_byte_usd = 1e-6;
  const HardwareId gpu = b.hardware("gpu", 1000);
  const TaskId t = b.task("see");
  b.variant("v", t, gpu, 0.6, 10ms, 500, 50ms);
  b.pool("gpus", core, gpu, 1, 3.6);
  b.add_class(t, 15ms);
  const auto world = b.build();
  const MeasuredRun run(*world, {500ms, 2s, 3s, 10'999ms}, ten_seconds_from_one(), forever);
  const Metrics& m = run.summary.total;
  EXPECT_EQ(m.queries_served, 3U);
  EXPECT_DOUBLE_EQ(m.latency_max_s, 0.02);
  EXPECT_DOUBLE_EQ(m.network_mean_s, 0.01);
  EXPECT_DOUBLE_EQ(m.wait_mean_s, 0);
  EXPECT_EQ(misses(m, Miss::network), 3U);  // as long as the service: the first of the two
  EXPECT_NEAR(m.cost_transfer_usd, 3 * 1500e-6, 1e-15);
  EXPECT_NEAR(m.cost_usd, 10 * 0.5 * 0.001 + 3 * 1500e-6, 1e-15);
  expect_passed(run.audit);
}

TEST(WholeRun, what_a_failed_node_takes_along_is_lost_and_the_books_balance) {
  const auto world = one_gpu_kind(2).build();
  for (const Billing billing : {Billing::nodes, Billing::held}) {
    // Four wait or run on the first node as it fails at 2.010 s; the query at 4 s loads an instance on the second.
    const MeasuredRun run(*world, {500ms, 2s, 2s, 2s, 2s, 2s, 4s}, ten_seconds_from_one(), forever, billing, [](Simulation& s) {
      while (s.now() < at(2010ms) && s.step()) {
      }
      s.fail_node(NodeId{0});
      while (s.now() < at(6s) && s.step()) {
      }
      s.restore_node(NodeId{0});
      s.run();
    });
    const Metrics& m = run.summary.total;
    EXPECT_EQ(m.queries_arrived, 6U);
    EXPECT_EQ(m.queries_served, 2U);
    EXPECT_EQ(m.queries_lost, 4U);
    EXPECT_EQ(misses(m, Miss::lost), 4U);
    EXPECT_EQ(m.loads, 1U);
    if (billing == Billing::held)
      EXPECT_NEAR(m.cost_usd, (1.01 + 7) * 0.5 * 0.001, 1e-15);
    else
      EXPECT_NEAR(m.cost_usd, (10 + 1.01 + 5) * 0.001, 1e-15);
    expect_passed(run.audit);
  }
}

TEST(WholeRun, an_interrupted_one_is_measured_up_to_then) {
  const auto world = one_gpu_kind(1).build();
  std::vector<Duration> arrivals;
  for (int k = 0; k < 60'000; ++k) arrivals.emplace_back(k * 20ms);
  RunOptions o = ten_seconds_from_one();
  o.duration = 24h;
  o.progress = [](Time) { return false; };
  const MeasuredRun run(*world, arrivals, o, forever);
  EXPECT_LT(to_seconds(run.summary.window_end), 1200);
  EXPECT_GT(run.summary.total.queries_arrived, 10'000U);
  EXPECT_NEAR(run.summary.total.throughput_qps, 50, 0.1);
  expect_passed(run.audit);
}

TEST(WholeRun, one_that_never_reaches_its_window_has_an_empty_summary) {
  const auto world = one_gpu_kind(1).build();
  RunOptions o = ten_seconds_from_one();
  const MeasuredRun run(*world, {500ms}, o, forever, Billing::held, [](Simulation& s) {
    while (s.now() < at(500ms) && s.step()) {
    }
  });
  EXPECT_EQ(run.summary.total.queries_arrived, 0U);
  EXPECT_EQ(run.summary.window_begin, run.summary.window_end);
  EXPECT_EQ(run.summary.total.cost_usd, 0);
  EXPECT_TRUE(std::isnan(run.summary.total.throughput_qps));
}

// --- the audit finds what is wrong ---

bool passed(const AuditResult& a, std::string_view name) {
  for (const Check& c : a.checks)
    if (c.name == name) return c.passed;
  ADD_FAILURE() << "no check " << name;
  return false;
}

TEST(Audit, it_finds_a_query_that_never_ended) {
  Driven d(one_gpu_kind());
  AuditRecorder auditor(*d.bench.world);
  auditor.run_begins(d.bench.cluster);
  d.bench.admit(ClassId{0}, at(11s));
  d.bench.cluster.settle(at(20s));
  const AuditResult a = auditor.audit(d.bench.cluster, at(20s), Summary{});
  EXPECT_FALSE(a.passed);
  EXPECT_FALSE(passed(a, "queries"));
  EXPECT_TRUE(passed(a, "boards"));
}

TEST(Audit, it_finds_an_instance_that_nobody_told_of) {
  Driven d(one_gpu_kind());
  AuditRecorder auditor(*d.bench.world);
  auditor.run_begins(d.bench.cluster);
  auditor.instance_started(d.bench.warm(VariantId{0}, 0), StartCause::initial, Time{});
  d.bench.cluster.settle(at(20s));
  EXPECT_TRUE(auditor.audit(d.bench.cluster, at(20s), Summary{}).passed);
  d.bench.warm(VariantId{1}, 1, at(20s));
  d.bench.cluster.settle(at(21s));
  EXPECT_FALSE(passed(auditor.audit(d.bench.cluster, at(21s), Summary{}), "held"));
}

TEST(Audit, it_finds_memory_above_capacity) {
  Driven d(one_gpu_kind());
  AuditRecorder auditor(*d.bench.world);
  auditor.run_begins(d.bench.cluster);
  const InstanceId i = d.bench.warm(VariantId{0}, 0);
  for (int k = 0; k < 3; ++k) auditor.instance_started(i, StartCause::initial, Time{});
  d.bench.cluster.settle(at(1s));
  EXPECT_FALSE(passed(auditor.audit(d.bench.cluster, at(1s), Summary{}), "memory"));
}

TEST(Audit, it_finds_misses_and_costs_that_do_not_add_up) {
  Driven d(one_gpu_kind());
  AuditRecorder auditor(*d.bench.world);
  auditor.run_begins(d.bench.cluster);
  d.begin();
  auditor.window(true, d.bench.cluster, at(10s));
  d.fail(11s, Ending::dropped);
  Summary s = d.end();
  auditor.window(false, d.bench.cluster, at(20s));
  EXPECT_TRUE(passed(auditor.audit(d.bench.cluster, at(20s), s), "misses"));
  EXPECT_TRUE(passed(auditor.audit(d.bench.cluster, at(20s), s), "cost"));
  ++s.classes[0].metrics.misses[0];
  s.total.cost_usd *= 1.001;
  EXPECT_FALSE(passed(auditor.audit(d.bench.cluster, at(20s), s), "misses"));
  EXPECT_FALSE(passed(auditor.audit(d.bench.cluster, at(20s), s), "cost"));
}

}  // namespace
}  // namespace tideline

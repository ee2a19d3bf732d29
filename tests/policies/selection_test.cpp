// Selection: S1, S3, S5, S6.
//
// Whose examples these are:
//   accuracy_max: doi:10.1145/3317550.3321443
//   cheapest_feasible: doi:10.1145/3317550.3321443
//   fixed_variant: arXiv:1712.06139
//   infaas: Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021
//   static_hardware: Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021
#include "policies/builtin.h"
#include "policies/components/instance_states.h"
#include "policies/components/latency.h"
#include "sim/policy/decision.h"
#include "tests/support/make_policy.h"
#include "tests/support/run_bench.h"
#include "tests/support/small_world.h"

#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tideline::test {
namespace {

Time at(Duration d) { return Time{} + d; }

// --- fixed_variant (S1) ---

struct TwoVariants {
  WorldBuilder b;
  TaskId t, other;
  HardwareId absent;
  TwoVariants() {
    const SiteId s = b.site("s"), island = b.site("island");
    (void)island;  // no link leads there
    t = b.task("t");
    other = b.task("other");
    const HardwareId h = b.hardware("gpu");
    absent = b.hardware("tpu");
    b.variant("slow", t, h, 0.9, 100ms);
    b.variant("fast", t, h, 0.5, 10ms);
    b.variant("far", t, absent, 0.95, 10ms);
    b.variant("else", other, h, 0.5, 10ms);
    b.pool("p", s, h, 2);
  }
};

// "with two variants registered, 100 % of requests use the configured one whatever the SLO".
TEST(FixedVariant, uses_the_variant_that_is_named_whatever_the_slo_and_the_floor) {
  TwoVariants w;
  for (const Duration slo : {1ms, 20ms, 500ms}) w.b.add_class(w.t, slo, 0.8);
  const std::size_t elsewhere = w.b.add_class(w.other);
  ClusterBench bench(w.b);
  const auto p = make_policy<SelectionPolicy>(fixed_variant(), bench.setup(), {{"variants", param::List{"fast"}}});
  for (std::size_t c = 0; c < 3; ++c) {
    const Selection s = p->select(bench.query(bench.admit(bench.world->class_of(c))), bench.view());
    ASSERT_EQ(s.answer, Selection::Answer::variants);
    EXPECT_EQ(s.variants[0], VariantId{1});
  }
  const Selection none = p->select(bench.query(bench.admit(bench.world->class_of(elsewhere))), bench.view());
  EXPECT_EQ(none.answer, Selection::Answer::none);
  EXPECT_EQ(p.why(none.reason), "task_not_listed");
  const Selection cut_off = p->select(bench.query(bench.admit(ClassId{0}, {}, 1, SiteId{1})), bench.view());
  EXPECT_EQ(p.why(cut_off.reason), "unreachable");
  const Selection many = p->select(bench.query(bench.admit(ClassId{0}, {}, 2)), bench.view());
  EXPECT_EQ(p.why(many.reason), "too_large");
}

/// Every decision of a run.
struct DecisionLog final : Recorder {
  using Row = std::tuple<Time, DecisionAnswer, Reason, std::uint64_t, std::uint32_t, std::uint32_t, std::int64_t>;
  std::vector<Row> rows;
  Facts facts() const override { return {.decisions = true}; }
  void decided(ControllerId, const Decision& d, Time now) override {
    rows.emplace_back(now, d.answer, d.reason, d.query, d.chosen, d.runner_up, d.amount);
  }
};

// S1 and S2: changing the SLO changes no decision; a variant that is not loaded is loaded and waited for, never substituted.
TEST(FixedVariant, decides_the_same_in_a_run_whatever_the_slo) {
  for (const auto& [definition, parameters] :
       {std::pair{fixed_variant(), param::Object{{"variants", param::List{"fast"}}}},
        std::pair{static_hardware(), param::Object{{"hardware", param::List{"gpu"}}, {"defaults", param::List{"fast"}}}}}) {
    std::vector<DecisionLog::Row> first;
    for (const Duration slo : {1ms, 20ms, 10000ms}) {
      TwoVariants w;
      w.b.catalog.variants[1].load.first_run = 2s;
      w.b.add_class(w.t, slo, 0.8);
      RunBench r(w.b);
      r.use(definition, parameters);
      r.warm_at_start(VariantId{0}, 0);
      DecisionLog log;
      r.also = &log;
      r.arrivals(std::make_unique<PoissonSource>(4, 20, 200));
      r.run();
      ASSERT_EQ(r.notes.ends.size(), 200U);
      for (const QueryEnd& e : r.notes.ends) {
        EXPECT_EQ(e.ending, Ending::answered);
        EXPECT_EQ(e.variant, VariantId{1});
      }
      EXPECT_EQ(r.notes.cold_starts, 1U);
      EXPECT_GT(r.notes.delayed, 10U);
      if (first.empty()) first = log.rows;
      EXPECT_GT(log.rows.size(), 600U);
      EXPECT_EQ(log.rows, first) << definition.name << ' ' << to_seconds(slo);
    }
  }
}

TEST(FixedVariant, refuses_wrong_names_before_the_run) {
  TwoVariants w;
  ClusterBench bench(w.b);
  const auto message = [&](param::List names) -> std::string {
    try {
      make_policy<SelectionPolicy>(fixed_variant(), bench.setup(), {{"variants", std::move(names)}});
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(message({"fsat"}), "there is no variant \"fsat\"; did you mean \"fast\"?");
  EXPECT_EQ(message({"fast", "slow"}), "\"fast\" and \"slow\" both answer task \"t\"; one per task is enough");
  EXPECT_EQ(message({"far"}), "no pool has the hardware of variant \"far\", \"tpu\"");
  EXPECT_EQ(message({"fast", "else"}), "");
}

// --- the shared prediction ---

TEST(PredictedLatency, adds_network_waiting_and_the_batch_that_forms) {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 20ms, 1e6);
  const TaskId t = b.task("t");
  const HardwareId h = b.hardware("gpu");
  const VariantId v = b.variant(
      "v", t, h, 0.7, [](std::uint32_t n) { return 10ms + n * 1ms; }, 4, 1, 500ms);
  b.pool("p", core, h, 2);
  b.add_class(t);
  ClusterBench bench(b);
  const ClassId c{0};
  const GroupId g = bench.group(v, core);
  const auto predicted = [&](SiteId from, Duration now) {
    return predict(bench.view(at(now)), bench.query(bench.admit(c, at(now), 1, from)), g);
  };
  EXPECT_EQ(predicted(core, 0ms), 511ms) << "nothing loaded: a first load";
  EXPECT_EQ(predicted(edge, 0ms), 531ms) << "the query travels while it loads";
  const InstanceId i = bench.starting(v, 0, at(0ms), at(400ms));
  EXPECT_EQ(predicted(core, 100ms), 311ms) << "what is left of the load";
  bench.cluster.warm(i, at(400ms));
  EXPECT_EQ(predicted(core, 400ms), 11ms);
  EXPECT_EQ(predicted(edge, 400ms), 51ms) << "there and back";
  bench.cluster.visit(VisitId{0}).payload_bytes = 10'000;
  for (int k = 0; k < 2; ++k) bench.wait_at(i, c, at(400ms));
  bench.run(i, 2, at(400ms), 12ms);
  EXPECT_EQ(predicted(core, 405ms), 18ms) << "7 ms of the batch, then alone";
  for (int k = 0; k < 5; ++k) bench.wait_at(i, c, at(405ms));
  EXPECT_EQ(predicted(core, 405ms), 7ms + 14ms + 12ms) << "a full batch, then with the one left over";
  EXPECT_EQ(predict_at(bench.view(at(405ms)), bench.query(bench.admit(c, at(405ms), 1, core)), i), 33ms);
  for (int k = 0; k < 3; ++k) bench.wait_at(i, c, at(405ms));
  EXPECT_EQ(predicted(core, 405ms), 7ms + 14ms + 14ms + 11ms);
  const VisitId large = bench.admit(c, at(405ms), 1, edge);
  bench.cluster.visit(large).payload_bytes = 100'000;  // 0.1 s on the way: the line is over by then
  EXPECT_EQ(predict(bench.view(at(405ms)), bench.query(large), g), 120ms + 11ms + 20ms);
  const VisitId too_large = bench.admit(c, at(405ms), 5, core);
  EXPECT_EQ(predict(bench.view(at(405ms)), bench.query(too_large), g), forever);
}

TEST(PredictedLatency, takes_the_core_option_of_the_group_for_instances_to_come_and_for_a_shared_line) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId h = b.hardware("cpu", 1'000'000, Sharing::partitioned, 4);
  const VariantId v = b.variant(
      "v", t, h, 0.7, [](std::uint32_t n) { return n * 40ms; }, 2, 1, 500ms);
  b.catalog.variants[0].profile = Profile({1, 4}, {{0ms, 40ms, 80ms}, {0ms, 10ms, 20ms}});
  b.pool("p", s, h, 1);
  b.add_class(t);
  ClusterBench bench(b);
  const GroupId g = bench.group(v);
  const auto predicted = [&](Duration now) { return predict(bench.view(at(now)), bench.query(bench.admit(ClassId{0}, at(now))), g); };
  EXPECT_EQ(predicted(0ms), 540ms);
  bench.cluster.set_option(g, 1);
  EXPECT_EQ(predicted(0ms), 510ms) << "nothing loaded";
  const InstanceId i = bench.cluster.start(g, DeviceId{0}, 1, 2, StartCause::held, at(0ms));
  bench.cluster.expect_warm(i, at(400ms));
  EXPECT_EQ(predicted(100ms), 310ms) << "none warm";
  bench.cluster.warm(i, at(400ms));
  EXPECT_EQ(predicted(400ms), 10ms);
  for (int k = 0; k < 4; ++k) {
    const VisitId q = bench.admit(ClassId{0}, at(400ms));
    bench.cluster.send(q, bench.cluster.shared_line(g));
    bench.cluster.join(q, at(400ms));
  }
  EXPECT_EQ(predicted(400ms), 2 * 20ms + 10ms) << "two full batches are ahead";
}

// --- cheapest_feasible (S5) ---

struct CpuAndGpu {
  WorldBuilder b;
  TaskId t;
  VariantId cpu, gpu;
  explicit CpuAndGpu(double cpu_price, double gpu_price) {
    const SiteId s = b.site("s");
    t = b.task("t");
    const HardwareId c = b.hardware("cpu", 1'000'000, Sharing::partitioned, 1), g = b.hardware("gpu");
    cpu = b.variant("cpu", t, c, 0.7, 80ms);
    gpu = b.variant(
        "gpu", t, g, 0.7, [](std::uint32_t n) { return 9ms + n * 1ms; }, 8);
    b.pool("cpus", s, c, 1, cpu_price);
    b.pool("gpus", s, g, 1, gpu_price);
  }
};

// "equal prices -> picks highest throughput feasible; price of GPU x100 -> switches to CPU as soon as CPU meets S".
TEST(CheapestFeasible, follows_the_price_as_far_as_the_slo_allows) {
  const auto pick = [](double gpu_price, Duration slo) {
    CpuAndGpu w(1, gpu_price);
    w.b.add_class(w.t, slo);
    ClusterBench bench(w.b);
    bench.warm(w.cpu, 0);
    bench.warm(w.gpu, 1);
    const auto p = make_policy<SelectionPolicy>(cheapest_feasible(), bench.setup());
    const Selection s = p->select(bench.query(bench.admit(ClassId{0})), bench.view());
    EXPECT_EQ(s.answer, Selection::Answer::variants);
    return bench.world->operator[](s.variants[0]).name;
  };
  for (const Duration slo : {20ms, 79ms, 80ms, 200ms}) EXPECT_EQ(pick(1, slo), "gpu");
  EXPECT_EQ(pick(7.9, 200ms), "gpu") << "eight times the throughput";
  EXPECT_EQ(pick(8.1, 200ms), "cpu");
  EXPECT_EQ(pick(100, 79ms), "gpu") << "the CPU is too slow";
  EXPECT_EQ(pick(100, 80ms), "cpu");
}

TEST(CheapestFeasible, shares_the_price_among_the_queue) {
  CpuAndGpu w(1, 20);
  w.b.add_class(w.t, 400ms);
  ClusterBench bench(w.b);
  bench.warm(w.cpu, 0);
  const InstanceId gpu = bench.warm(w.gpu, 1);
  bench.wait_at(gpu, ClassId{0});
  bench.run(gpu, 1, {}, 10ms);
  const auto queue = make_policy<SelectionPolicy>(cheapest_feasible(), bench.setup());
  const auto one = make_policy<SelectionPolicy>(cheapest_feasible(), bench.setup(), {{"batch_estimate", "one"}});
  const auto pick = [&](const auto& p) { return p->select(bench.query(bench.admit(ClassId{0})), bench.view()).variants[0]; };
  EXPECT_EQ(pick(queue), w.cpu);
  for (int k = 0; k < 7; ++k) bench.wait_at(gpu, ClassId{0});
  EXPECT_EQ(pick(queue), w.gpu) << "20 x 17 ms / 8 is less than 80 ms";
  EXPECT_EQ(pick(one), w.cpu);
}

TEST(CheapestFeasible, sees_the_line_and_names_the_runner_up) {
  CpuAndGpu w(1, 1);
  w.b.add_class(w.t, 100ms);
  ClusterBench bench(w.b);
  bench.warm(w.cpu, 0);
  const InstanceId gpu = bench.warm(w.gpu, 1);
  const auto p = make_policy<SelectionPolicy>(cheapest_feasible(), bench.setup());
  const auto select = [&] { return p->select(bench.query(bench.admit(ClassId{0})), bench.view()); };
  EXPECT_EQ(select().variants[0], w.gpu);
  bench.wait_at(gpu, ClassId{0});
  bench.run(gpu, 1, {}, 95ms);
  EXPECT_EQ(select().variants[0], w.cpu) << "95 + 10 ms are too many";
}

TEST(CheapestFeasible, respects_the_cost_cap) {
  for (const bool above_all : {false, true}) {
    CpuAndGpu w(1, 100);
    QueryClass c;
    c.task = w.t;
    c.slo = 20ms;
    c.cost_cap_usd = above_all ? 1e-9 : 100 * 0.010 / 3600 * 1.001;
    w.b.classes.push_back(c);
    ClusterBench bench(w.b);
    bench.warm(w.gpu, 1);
    const auto p = make_policy<SelectionPolicy>(cheapest_feasible(), bench.setup());
    const Selection s = p->select(bench.query(bench.admit(ClassId{0})), bench.view());
    EXPECT_EQ(s.answer, above_all ? Selection::Answer::none : Selection::Answer::variants);
    EXPECT_EQ(p.why(s.reason), above_all ? "above_cost_cap" : "cheapest");
  }
}

TEST(CheapestFeasible, where_nothing_is_in_time_takes_the_fastest_or_none) {
  CpuAndGpu w(1, 100);
  w.b.add_class(w.t, 100ms);
  w.b.add_class(w.t, 5ms);
  ClusterBench bench(w.b);
  const InstanceId cpu = bench.warm(w.cpu, 0), gpu = bench.warm(w.gpu, 1);
  for (const InstanceId i : {cpu, gpu}) {
    bench.wait_at(i, ClassId{0});
    bench.run(i, 1, {}, i == cpu ? Duration{200ms} : Duration{300ms});
  }
  const auto fastest = make_policy<SelectionPolicy>(cheapest_feasible(), bench.setup());
  const auto none = make_policy<SelectionPolicy>(cheapest_feasible(), bench.setup(), {{"on_infeasible", "reject"}});
  const QueryView q = bench.query(bench.admit(ClassId{0}));
  EXPECT_EQ(fastest->select(q, bench.view()).variants[0], w.cpu);
  EXPECT_EQ(fastest.why(fastest->select(q, bench.view()).reason), "least_violation");
  EXPECT_EQ(none->select(q, bench.view()).answer, Selection::Answer::none);
  EXPECT_EQ(none.why(none->select(q, bench.view()).reason), "none_in_time");
  EXPECT_EQ(none->select(q, bench.view()).runner_up, w.cpu);
  const Selection hopeless = fastest->select(bench.query(bench.admit(ClassId{1})), bench.view());
  EXPECT_EQ(fastest.why(hopeless.reason), "no_candidate");
}

TEST(CheapestFeasible, an_idle_instance_may_count_as_free) {
  CpuAndGpu w(1, 100);
  w.b.add_class(w.t, 200ms);
  ClusterBench bench(w.b);
  bench.warm(w.gpu, 1);
  const auto p = make_policy<SelectionPolicy>(cheapest_feasible(), bench.setup(), {{"idle_is_free", true}});
  const auto q = make_policy<SelectionPolicy>(cheapest_feasible(), bench.setup());
  EXPECT_EQ(p->select(bench.query(bench.admit(ClassId{0})), bench.view()).variants[0], w.gpu);
  EXPECT_EQ(q->select(bench.query(bench.admit(ClassId{0})), bench.view()).variants[0], w.cpu) << "its load takes no time";
}

// The early stop must not change the answer: against a search through all.
TEST(CheapestFeasible, finds_what_a_full_search_finds) {
  Stream draw(7);
  for (int world = 0; world < 200; ++world) {
    WorldBuilder b;
    const SiteId s = b.site("s");
    const TaskId t = b.task("t");
    std::vector<VariantId> variants;
    for (int k = 0; k < 6; ++k) {
      const HardwareId h = b.hardware("h" + std::to_string(k));
      const Duration fixed = 1ms * below(draw, 40), each = 1ms * (1 + below(draw, 20));
      variants.push_back(b.variant(
          "v" + std::to_string(k), t, h, 0.5 + 0.01 * below(draw, 40), [=](std::uint32_t n) { return fixed + n * each; }, 8));
      b.pool("p" + std::to_string(k), s, h, 1, 1 + below(draw, 50));
    }
    b.add_class(t, 80ms);
    ClusterBench bench(b);
    const ClassId c{0};
    for (std::size_t k = 0; k < variants.size(); ++k) {
      const InstanceId i = bench.warm(variants[k], k);
      for (std::uint32_t n = below(draw, 12); n > 0; --n) bench.wait_at(i, c);
    }
    const auto p = make_policy<SelectionPolicy>(cheapest_feasible(), bench.setup(), {{"on_infeasible", "reject"}});
    const QueryView q = bench.query(bench.admit(c));
    double least = std::numeric_limits<double>::infinity();
    for (const VariantId v : bench.view().candidates(c, CandidateOrder::by_price)) {
      const GroupId g = bench.group(v);
      if (predict(bench.view(), q, g) > 80ms) continue;
      std::uint32_t limit = 8;
      while (limit > 1 && bench.view().profile(v, limit) > 40ms) --limit;
      least = std::min(least, query_price_usd(bench.view(), q, g, std::min(limit, shortest_queue(bench.view(), q, g))));
    }
    const Selection found = p->select(q, bench.view());
    ASSERT_EQ(found.answer == Selection::Answer::none, least == std::numeric_limits<double>::infinity());
    if (found.answer == Selection::Answer::none) continue;
    std::uint32_t limit = 8;
    while (limit > 1 && bench.view().profile(found.variants[0], limit) > 40ms) --limit;
    const GroupId g = bench.group(found.variants[0]);
    EXPECT_EQ(query_price_usd(bench.view(), q, g, std::min(limit, shortest_queue(bench.view(), q, g))), least) << "world " << world;
  }
}

// --- accuracy_max (S6) ---

// "SLO sweep up => chosen accuracy non-decreasing; with load 0 and S=inf picks the most accurate".
TEST(AccuracyMax, a_larger_slo_never_chooses_less_accuracy) {
  Stream draw(11);
  for (int world = 0; world < 50; ++world) {
    WorldBuilder b;
    const SiteId s = b.site("s");
    const TaskId t = b.task("t");
    const HardwareId h = b.hardware("gpu");
    std::vector<VariantId> variants;
    for (int k = 0; k < 8; ++k)
      variants.push_back(b.variant("v" + std::to_string(k), t, h, 0.5 + 0.005 * below(draw, 100), 1ms * (1 + below(draw, 100))));
    b.pool("p", s, h, 8);
    for (int k = 1; k <= 30; ++k) b.add_class(t, 10ms * k);
    const std::size_t unbounded = b.add_class(t);
    ClusterBench bench(b);
    for (std::size_t k = 0; k < variants.size(); ++k) {
      const InstanceId i = bench.warm(variants[k], k);
      if (world % 2 == 0)
        for (std::uint32_t n = below(draw, 4); n > 0; --n) bench.wait_at(i, ClassId{29});
    }
    const auto p = make_policy<SelectionPolicy>(accuracy_max(), bench.setup(), {{"on_infeasible", "reject"}});
    double last = 0;
    for (std::size_t c = 0; c <= unbounded; ++c) {
      const Selection x = p->select(bench.query(bench.admit(bench.world->class_of(c))), bench.view());
      const double accuracy = x.answer == Selection::Answer::none ? 0 : bench.world->operator[](x.variants[0]).accuracy;
      EXPECT_GE(accuracy, last);
      last = accuracy;
    }
    EXPECT_EQ(last, bench.world->catalog().tasks[0].best_accuracy);
  }
}

struct Accurate {
  WorldBuilder b;
  TaskId t;
  VariantId low, high;
  Accurate() {
    const SiteId s = b.site("s");
    t = b.task("t");
    const HardwareId h = b.hardware("gpu");
    low = b.variant("low", t, h, 0.70, 10ms);
    high = b.variant("high", t, h, 0.72, 95ms);
    b.pool("p", s, h, 2, 3600);
  }
};

TEST(AccuracyMax, leaves_its_margin) {
  Accurate w;
  w.b.add_class(w.t, 100ms);
  w.b.add_class(w.t, 99ms);
  ClusterBench bench(w.b);
  bench.warm(w.low, 0);
  bench.warm(w.high, 1);
  const auto p = make_policy<SelectionPolicy>(accuracy_max(), bench.setup());
  EXPECT_EQ(p->select(bench.query(bench.admit(ClassId{0})), bench.view()).variants[0], w.high);
  EXPECT_EQ(p->select(bench.query(bench.admit(ClassId{1})), bench.view()).variants[0], w.low);
}

TEST(AccuracyMax, keeps_its_last_choice_unless_the_gain_is_worth_it) {
  Accurate w;
  w.b.add_class(w.t, 200ms);
  for (const double eps : {0.0, 0.01, 0.03}) {
    ClusterBench bench(w.b);
    bench.warm(w.low, 0);
    const InstanceId high = bench.warm(w.high, 1);
    const auto p = make_policy<SelectionPolicy>(accuracy_max(), bench.setup(), {{"hysteresis", eps}});
    const auto pick = [&](Time now) { return p->select(bench.query(bench.admit(ClassId{0}, now)), bench.view(now)); };
    bench.wait_at(high, ClassId{0});
    bench.run(high, 1, {}, 150ms);
    EXPECT_EQ(pick({}).variants[0], w.low);
    bench.end(high, at(150ms));
    const Selection then = pick(at(150ms));
    EXPECT_EQ(then.variants[0], eps > 0.02 ? w.low : w.high);
    EXPECT_EQ(p.why(then.reason), eps > 0.02 ? "kept" : "most_accurate");
  }
}

TEST(AccuracyMax, respects_the_cost_cap) {
  Accurate w;
  QueryClass c;
  c.task = w.t;
  c.slo = 200ms;
  c.cost_cap_usd = 0.05;  // 1 USD a second: 50 ms
  w.b.classes.push_back(c);
  c.cost_cap_usd = 0.001;
  w.b.classes.push_back(c);
  ClusterBench bench(w.b);
  bench.warm(w.low, 0);
  bench.warm(w.high, 1);
  const auto p = make_policy<SelectionPolicy>(accuracy_max(), bench.setup());
  EXPECT_EQ(p->select(bench.query(bench.admit(ClassId{0})), bench.view()).variants[0], w.low);
  EXPECT_EQ(p.why(p->select(bench.query(bench.admit(ClassId{1})), bench.view()).reason), "above_cost_cap");
}

// --- infaas (S3) ---

struct InfaasWorld {
  WorldBuilder b;
  TaskId t;
  VariantId cpu, gpu1, gpu8;
  explicit InfaasWorld(std::uint32_t gpus = 2) {
    const SiteId s = b.site("s");
    t = b.task("t");
    const HardwareId c = b.hardware("cpu", 100, Sharing::partitioned, 1), g = b.hardware("gpu", 100);
    cpu = b.variant("cpu", t, c, 0.6, 80ms, 60);
    gpu1 = b.variant("gpu1", t, g, 0.7, 10ms, 60);
    gpu8 = b.variant(
        "gpu8", t, g, 0.8, [](std::uint32_t n) { return 9ms + n * 2ms; }, 8, 60, 1s);
    b.pool("cpus", s, c, 1, 1);
    b.pool("gpus", s, g, gpus, 4);
    for (const Duration slo : {100ms, 20ms, 5ms}) b.add_class(t, slo);
  }
};

/// A cluster whose counters a test sets: it goes by a copy of the board.
struct InfaasBench : ClusterBench {
  explicit InfaasBench(const InfaasWorld& w, param::Object params = {})
      : ClusterBench(w.b), board(*knowledge.boards[0]), policy(make(std::move(params))) {
    knowledge.look_at(*world, {&board});
  }
  Made<SelectionPolicy> make(param::Object params) {
    params.emplace_back("memory_reserve_bytes", 0);
    return make_policy<SelectionPolicy>(infaas(), setup(), params);
  }
  void renew() { board = cluster.board(SiteId{0}); }
  /// Ends a window of 2 s in which `queries` were sent to and answered by `i`, each in `time_there`.
  void add(InstanceId i, std::uint64_t queries, Duration time_there) {
    Counters& c = board.counters[i.index()];
    c.sent += queries;
    c.answered += queries;
    c.time_there += time_there * static_cast<std::int64_t>(queries);
    board.groups[board.instances[i.index()].group.index()].counters.sent += queries;
  }
  void round() {
    policy.operator->()->round(view(now));
    now += 2s;
  }
  Selection select(std::size_t cls) { return policy->select(query(admit(world->class_of(cls), now)), view(now)); }
  std::string_view why(const Selection& s) const { return policy.why(s.reason); }

  Board board;
  Made<SelectionPolicy> policy;
  Time now{};
};

// "CPU l=80 ACTIVE, GPU1 l=10 ACTIVE, GPU8 l=25 INACTIVE. S=100 -> CPU; CPU OVERLOADED -> GPU1; both OVERLOADED -> load GPU8; S=20 ->
// GPU1; S=5 -> reject with suggestion GPU1."
TEST(Infaas, decides_the_worked_example) {
  InfaasWorld w;
  InfaasBench bench(w);
  const InstanceId cpu = bench.warm(w.cpu, 0), gpu1 = bench.warm(w.gpu1, 1);
  bench.renew();
  bench.round();
  EXPECT_EQ(bench.select(0).variants[0], w.cpu);
  EXPECT_EQ(bench.why(bench.select(0)), "active");
  EXPECT_EQ(bench.select(1).variants[0], w.gpu1);
  const Selection none = bench.select(2);
  EXPECT_EQ(none.answer, Selection::Answer::none);
  EXPECT_EQ(none.runner_up, w.gpu1);
  EXPECT_EQ(bench.why(none), "no_candidate");

  bench.add(cpu, 25, 80ms);  // 12.5 a second: its peak
  bench.round();
  EXPECT_EQ(bench.select(0).variants[0], w.gpu1);
  EXPECT_EQ(bench.why(bench.select(0)), "active");

  bench.add(cpu, 25, 80ms);
  bench.add(gpu1, 200, 10ms);
  bench.round();
  EXPECT_EQ(bench.select(0).variants[0], w.gpu8);
  EXPECT_EQ(bench.why(bench.select(0)), "load");

  bench.round();  // a quiet window
  EXPECT_EQ(bench.select(0).variants[0], w.cpu);
}

TEST(Infaas, suggests_the_fastest_or_takes_it) {
  InfaasWorld w;
  InfaasBench bench(w, {{"mode", "best_effort"}});
  const Selection s = bench.select(2);
  EXPECT_EQ(s.variants[0], w.gpu1);
  EXPECT_EQ(bench.why(s), "best_effort");
}

// Step 2: "else if a cand is LOADING: join it". Step 4: "least qps/sat instance".
TEST(Infaas, joins_a_load_and_else_takes_the_least_used_that_runs) {
  InfaasWorld w(1);
  InfaasBench bench(w);
  const InstanceId cpu = bench.warm(w.cpu, 0), gpu1 = bench.warm(w.gpu1, 1);
  bench.cluster.send(bench.admit(ClassId{0}), bench.cluster.own_line(gpu1));  // not idle: GPU8 must not push it out
  bench.renew();
  bench.round();
  bench.add(cpu, 30, 80ms);
  bench.add(gpu1, 220, 10ms);
  bench.round();
  const Selection busiest = bench.select(0);  // 15 / 12.5 against 110 / 100
  EXPECT_EQ(busiest.variants[0], w.gpu1);
  EXPECT_EQ(bench.why(busiest), "running");

  InfaasWorld two(2);
  InfaasBench loading(two);
  EXPECT_EQ(loading.why(loading.select(0)), "load");
  EXPECT_EQ(loading.select(0).variants[0], w.gpu1) << "least load and inference: 10 ms against 80 ms and 1.025 s";
  loading.starting(w.gpu8, 1, {}, at(900ms));
  loading.renew();
  EXPECT_EQ(loading.select(0).variants[0], w.gpu8);
  EXPECT_EQ(loading.why(loading.select(0)), "loading");
  loading.starting(w.cpu, 0, {}, at(700ms));
  loading.renew();
  EXPECT_EQ(loading.select(0).variants[0], w.cpu) << "780 ms against 925 ms";
}

TEST(Infaas, loads_where_memory_is_free_or_an_idle_instance_could_go) {
  InfaasWorld w(1);
  InfaasBench full(w);
  const InstanceId i = full.warm(w.gpu8, 1);  // of another task, say: S = 20 ms has no use for it
  full.cluster.send(full.admit(ClassId{0}), full.cluster.own_line(i));
  full.renew();
  full.round();
  const Selection s = full.select(1);
  EXPECT_EQ(s.answer, Selection::Answer::none);
  EXPECT_EQ(full.why(s), "nothing_fits");
  EXPECT_EQ(s.runner_up, w.gpu1);

  InfaasBench idle(w);
  idle.warm(w.gpu8, 1);
  idle.renew();
  idle.round();
  EXPECT_EQ(idle.select(1).variants[0], w.gpu1);

  InfaasBench reserve(w);
  const auto p = make_policy<SelectionPolicy>(infaas(), reserve.setup());
  EXPECT_EQ(p->select(reserve.query(reserve.admit(ClassId{1})), reserve.view()).answer, Selection::Answer::none) << "1 GiB must stay free";

  InfaasBench busy(w, {{"most_utilisation", 0.8}});
  const InstanceId worker = busy.warm(w.gpu8, 1);
  busy.renew();
  busy.round();
  busy.cluster.stop(worker, at(1s));
  const InstanceId again = busy.warm(w.gpu8, 1, at(1s));
  busy.renew();
  busy.board.counters[again.index()].busy = 1700ms;  // 85 % of the window
  busy.round();
  EXPECT_EQ(busy.select(1).answer, Selection::Answer::none);
}

TEST(Infaas, accuracy_first_takes_the_most_accurate_in_each_step) {
  InfaasWorld w;
  InfaasBench bench(w, {{"objective", "accuracy"}});
  EXPECT_EQ(bench.select(0).variants[0], w.gpu8) << "to load";
  bench.warm(w.cpu, 0);
  bench.warm(w.gpu1, 1);
  bench.renew();
  bench.round();
  EXPECT_EQ(bench.select(0).variants[0], w.gpu1) << "that is active";
}

TEST(Infaas, keeps_fast_variants_from_loose_queries_if_told_so) {
  InfaasWorld w;
  const std::size_t loose = w.b.add_class(w.t, 200ms);
  InfaasBench bench(w, {{"cpu_gpu_boundary_s", 0.05}});
  bench.warm(w.gpu1, 1);
  bench.renew();
  EXPECT_EQ(bench.select(loose).variants[0], w.cpu) << "to load, though a faster one is active";
  EXPECT_EQ(bench.select(1).variants[0], w.gpu1);
}

// "look at most k = max(3, floor(S_ms/4)) variants in accuracy order, after an LRU cache of the last 5 picks".
TEST(Infaas, a_query_that_names_no_model_looks_at_few_variants) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId h = b.hardware("gpu", 1000);
  std::vector<VariantId> v;
  for (int k = 0; k < 12; ++k) v.push_back(b.variant("v" + std::to_string(k), t, h, 0.5 + 0.01 * k, 1ms + k * 100us));
  b.pool("p", s, h, 1);
  b.add_class(t, 8ms);   // 3 look-ups, not 2
  b.add_class(t, 31ms);  // 7
  QueryClass pinned;
  pinned.task = t;
  pinned.slo = 8ms;
  pinned.pin_level = PinLevel::variant;
  pinned.pin = "v11";
  b.classes.push_back(pinned);
  ClusterBench bench(b);
  for (const VariantId k : v) bench.warm(k, 0);
  const auto p = make_policy<SelectionPolicy>(infaas(), bench.setup());
  const auto pick = [&](std::size_t c) { return p->select(bench.query(bench.admit(ClassId{c})), bench.view()).variants[0]; };
  EXPECT_EQ(pick(0), v[2]);
  EXPECT_EQ(pick(1), v[6]);
  EXPECT_EQ(pick(2), v[11]) << "named";
  EXPECT_EQ(pick(0), v[11]) << "among the last picks of the task";
  const auto q = make_policy<SelectionPolicy>(infaas(), bench.setup(), {{"recent_picks", 0}});
  for (const std::size_t c : {0U, 1U, 2U, 0U}) {
    const Selection x = q->select(bench.query(bench.admit(ClassId{c})), bench.view());
    EXPECT_EQ(x.variants[0], c == 0 ? v[2] : c == 1 ? v[6] : v[11]);
  }
}

// One look-up for every 4 ms, which 15 % over 0.6 ms in floating point misses by one at some of these.
TEST(Infaas, look_ups_are_counted_in_whole_numbers) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId h = b.hardware("gpu", 1000);
  std::vector<VariantId> v;
  for (int k = 0; k < 70; ++k) v.push_back(b.variant("v" + std::to_string(k), t, h, 0.2 + 0.01 * k, 1ms + k * 100us));
  b.pool("p", s, h, 1);
  for (const Duration slo : {124ms, 228ms, 248ms}) b.add_class(t, slo);
  ClusterBench bench(b);
  for (const VariantId k : v) bench.warm(k, 0);
  const auto p = make_policy<SelectionPolicy>(infaas(), bench.setup(), {{"recent_picks", 0}});
  const auto pick = [&](std::size_t c) { return p->select(bench.query(bench.admit(bench.world->class_of(c))), bench.view()).variants[0]; };
  EXPECT_EQ(pick(0), v[30]);
  EXPECT_EQ(pick(1), v[56]);
  EXPECT_EQ(pick(2), v[61]);
}

TEST(Infaas, several_items_count_on_a_cpu) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId c = b.hardware("cpu", 100, Sharing::partitioned, 1), g = b.hardware("gpu", 100);
  const VariantId cpu = b.variant(
      "cpu", t, c, 0.6, [](std::uint32_t n) { return n * 30ms; }, 8);
  const VariantId gpu = b.variant(
      "gpu", t, g, 0.6, [](std::uint32_t n) { return 20ms + n * 1ms; }, 4);
  b.pool("cpus", s, c, 1);
  b.pool("gpus", s, g, 1);
  b.add_class(t, 100ms);
  ClusterBench bench(b);
  bench.warm(cpu, 0);
  bench.warm(gpu, 1);
  const auto p = make_policy<SelectionPolicy>(infaas(), bench.setup());
  const auto pick = [&](std::uint16_t items) { return p->select(bench.query(bench.admit(ClassId{0}, {}, items)), bench.view()); };
  EXPECT_EQ(pick(1).variants[0], cpu);
  EXPECT_EQ(pick(3).variants[0], cpu);
  EXPECT_EQ(pick(4).variants[0], gpu);
  EXPECT_EQ(pick(5).answer, Selection::Answer::none);
}

// "sat 30, prof 40 ms: (qps30,lat40)->OVERLOADED; (20,61)->INTERFERED; (5,61)->ACTIVE; from INTERFERED (20,55) stays, (20,49)->ACTIVE."
TEST(InstanceStates, follow_the_table) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId g = b.hardware("gpu"), c = b.hardware("cpu", 100, Sharing::partitioned, 1);
  const VariantId v = b.variant("v", t, g, 0.7, 40ms), short5 = b.variant("5", t, g, 0.7, 5ms), short2 = b.variant("2", t, g, 0.7, 2ms);
  const VariantId cpu = b.variant("cpu", t, c, 0.7, 100ms);
  b.pool("p", s, g, 1);
  b.pool("q", s, c, 1);
  b.add_class(t);
  ClusterBench bench(b);
  InstanceStateRules rules;
  rules.overloaded = 1.2;  // the peak of 40 ms is 25 a second
  const InstanceStates x(*bench.world, rules);
  using enum InstanceState;
  EXPECT_EQ(x.next(active, 30, 40ms, v, false), overloaded);
  EXPECT_EQ(x.next(active, 29.9, 40ms, v, false), active);
  EXPECT_EQ(x.next(active, 20, 61ms, v, false), interfered);
  EXPECT_EQ(x.next(active, 20, 60ms, v, false), active);
  EXPECT_EQ(x.next(active, 5, 61ms, v, false), active);
  EXPECT_EQ(x.next(interfered, 20, 55ms, v, false), interfered);
  EXPECT_EQ(x.next(interfered, 20, 49ms, v, false), active);
  EXPECT_EQ(x.next(interfered, 30, 49ms, v, false), overloaded);
  EXPECT_EQ(x.next(overloaded, 20, 55ms, v, false), active);
  EXPECT_EQ(x.next(overloaded, 20, 61ms, v, false), interfered);
  // "prof 5 ms -> f=3; 2 ms -> f=5": 15 / 5 and at most 5.
  EXPECT_EQ(x.next(active, 100, 15ms, short5, false), active);
  EXPECT_EQ(x.next(active, 100, 15100us, short5, false), interfered);
  EXPECT_EQ(x.next(active, 300, 10ms, short2, false), active);
  EXPECT_EQ(x.next(active, 300, 10100us, short2, false), interfered);
  // CPUs: 2.5 and half the peak rate, which is 10 a second; alone 4 and all of it; left below 1.5.
  EXPECT_EQ(x.next(active, 6, 251ms, cpu, false), interfered);
  EXPECT_EQ(x.next(active, 5, 251ms, cpu, false), active);
  EXPECT_EQ(x.next(active, 6, 401ms, cpu, true), active);
  EXPECT_EQ(x.next(active, 11, 401ms, cpu, true), interfered);
  EXPECT_EQ(x.next(interfered, 6, 150ms, cpu, false), interfered);
  EXPECT_EQ(x.next(interfered, 6, 149ms, cpu, false), active);
}

TEST(InstanceStates, fill_a_group_at_its_peak_rate_within_a_window) {
  InfaasWorld w;
  ClusterBench bench(w.b);
  bench.warm(w.gpu1, 1);
  Board board = *bench.knowledge.boards[0];
  bench.knowledge.look_at(*bench.world, {&board});
  InstanceStateRules rules;
  rules.fill = 0.5;
  InstanceStates x(*bench.world, rules);
  const GroupId g = bench.group(w.gpu1);
  x.observe(bench.view());
  const double peak = x.peak_rate(w.gpu1);
  EXPECT_TRUE(x.has_active(bench.view(), g));
  std::uint64_t& sent = board.groups[g.index()].counters.sent;
  sent = 1;  // one is ahead of the rate: the group is full until time has passed
  EXPECT_FALSE(x.has_active(bench.view(), g));
  EXPECT_TRUE(x.has_active(bench.view(at(1s)), g));
  sent = static_cast<std::uint64_t>(1 + 0.5 * peak) + 1;
  EXPECT_FALSE(x.has_active(bench.view(at(1s)), g));
  EXPECT_NEAR(x.use_so_far(bench.view(at(1s)), g), static_cast<double>(sent) / (1 + peak), 1e-12);
  x.observe(bench.view(at(2s)));  // a new window
  EXPECT_DOUBLE_EQ(x.use_so_far(bench.view(at(2s)), g), 0);
  EXPECT_NEAR(x.last_use(g), static_cast<double>(sent) / (2 * peak), 1e-12);
}

TEST(InstanceStates, take_differences_and_forget_without_answers) {
  InfaasWorld w;
  ClusterBench bench(w.b);
  const InstanceId i = bench.warm(w.gpu1, 1);
  Board board = *bench.knowledge.boards[0];
  bench.knowledge.look_at(*bench.world, {&board});
  InstanceStates x(*bench.world, {});
  const GroupId g = bench.group(w.gpu1);
  x.observe(bench.view());
  board.counters[i.index()] = {100, 100, 100, 100, 100 * 20ms, 1s};  // 50 a second, 20 ms each: 15 ms are too long
  x.observe(bench.view(at(2s)));
  EXPECT_EQ(x.state(i), InstanceState::interfered);
  EXPECT_FALSE(x.has_active(bench.view(at(2s)), g));
  EXPECT_DOUBLE_EQ(x.use(i), 0.5);
  EXPECT_DOUBLE_EQ(x.utilisation(DeviceId{1}), 0.5);
  x.observe(bench.view(at(4s)));  // nothing happened: 20 / 1.5 = 13.3 ms, not yet below 12.5
  EXPECT_EQ(x.state(i), InstanceState::interfered);
  x.observe(bench.view(at(6s)));
  EXPECT_EQ(x.state(i), InstanceState::active);
  EXPECT_TRUE(x.has_active(bench.view(at(6s)), g));
}

// --- all ---

/// Every registered one, and forms that are not the default.
std::vector<std::pair<PolicyDefinition, param::Object>> all_selections() {
  PolicyRegistry registry;
  add_builtin_policies(registry);
  const std::map<std::string, param::Object> given{{"fixed_variant", {{"variants", param::List{"v"}}}},
                                                   {"static_hardware", {{"hardware", param::List{"gpu"}}}},
                                                   {"proportional", {{"shares", param::List{"v@s=1"}}}},
                                                   {"infaas", {{"memory_reserve_bytes", 0}}}};
  std::vector<std::pair<PolicyDefinition, param::Object>> all{{thompson(), {{"form", "linear"}}},
                                                              {infaas(), {{"memory_reserve_bytes", 0}, {"objective", "accuracy"}}},
                                                              {ensemble(), {{"combine", "best"}, {"quorum", 2}}}};
  for (const PolicyDefinition& d : registry.list())
    if (d.has(PolicyKind::selection)) all.emplace_back(d, given.contains(d.name) ? given.at(d.name) : param::Object{});
  return all;
}

// Property X5: with one variant that meets SLO and floor all are equal. On an empty, a warm and a full cluster of one device.
TEST(Selections, agree_where_there_is_one_variant) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId h = b.hardware("gpu", 100);
  const VariantId v = b.variant("v", t, h, 0.7, 10ms, 60);
  b.pool("p", s, h, 1);
  b.add_class(t, 100ms, 0.5);
  for (const auto& [definition, params] : all_selections()) {
    ClusterBench bench(b);
    const auto p = make_policy<SelectionPolicy>(definition, bench.setup(), params);
    const auto takes_it = [&, &name = definition.name] {
      const Selection chosen = p->select(bench.query(bench.admit(ClassId{0})), bench.view());
      // Bound late, it is whatever instance of the task is free.
      if (name == "slackfit") return chosen.answer == Selection::Answer::late;
      return chosen.answer == Selection::Answer::variants && chosen.count == 1 && chosen.variants[0] == v;
    };
    p->round(bench.view());
    EXPECT_TRUE(takes_it()) << definition.name << ", nothing loaded";
    const InstanceId i = bench.warm(v, 0);
    EXPECT_TRUE(takes_it()) << definition.name << ", warm";
    for (int k = 0; k < 100; ++k) bench.wait_at(i, ClassId{0});
    EXPECT_TRUE(takes_it()) << definition.name << ", busy";
  }
}

TEST(Selections, survive_a_cluster_without_hardware_for_the_task) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t"), other = b.task("other");
  const HardwareId h = b.hardware("gpu"), absent = b.hardware("tpu");
  b.variant("v", other, h, 0.7, 10ms);
  b.variant("w", t, absent, 0.7, 10ms);
  b.pool("p", s, h, 1);
  b.add_class(t, 100ms);
  b.add_class(other, 100ms, 0.9);
  ClusterBench bench(b);
  for (const auto& [definition, params] : all_selections()) {
    const auto p = make_policy<SelectionPolicy>(definition, bench.setup(), params);
    p->round(bench.view());
    EXPECT_EQ(p->select(bench.query(bench.admit(ClassId{0})), bench.view()).answer, Selection::Answer::none) << definition.name;
  }
}

TEST(Builtin, has_each_of_these_once_and_one_default_a_kind) {
  PolicyRegistry r;
  add_builtin_policies(r);
  EXPECT_EQ(r.default_of(PolicyKind::admission)->name, "accept_all");
  EXPECT_EQ(r.default_of(PolicyKind::selection)->name, "cheapest_feasible");
  EXPECT_EQ(r.default_of(PolicyKind::batching)->name, "slo_aware");
  EXPECT_NE(r.find(PolicyKind::selection, "infaas"), nullptr);
}

}  // namespace
}  // namespace tideline::test

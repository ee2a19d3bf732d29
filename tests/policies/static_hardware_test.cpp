// Hardware that was chosen beforehand (S2), and cost caps by the batches of late (N1).
//
// Whose examples these are:
//   static_hardware: Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021
#include "policies/builtin.h"
#include "policies/components/cost_cap.h"
#include "tests/support/make_policy.h"
#include "tests/support/small_world.h"

#include <cmath>
#include <stdexcept>

namespace tideline::test {
namespace {

struct Deployed {
  WorldBuilder b;
  VariantId big_cpu, small_cpu, big_gpu, small_gpu, other;
  Deployed() {
    const SiteId s = b.site("s"), island = b.site("island");
    (void)island;
    const TaskId t = b.task("t"), u = b.task("u");
    const HardwareId cpu = b.hardware("cpu"), gpu = b.hardware("gpu");
    b.hardware("tpu");
    big_cpu = b.variant("big-cpu", t, cpu, 0.9, 100ms);
    small_cpu = b.variant("small-cpu", t, cpu, 0.5, 20ms);
    big_gpu = b.variant("big-gpu", t, gpu, 0.9, 10ms);
    small_gpu = b.variant("small-gpu", t, gpu, 0.5, 5ms);
    other = b.variant("other", u, gpu, 0.5, 5ms);
    for (Variant& v : b.catalog.variants) v.base_model = v.name.substr(0, v.name.find('-'));
    b.pool("cpus", s, cpu, 1);
    b.pool("gpus", s, gpu, 1);
    b.add_class(t, 1ms, 0.95);
    b.add_class(t, 1s);
    b.add_class(t, 1s, 0.8);
    for (const char* pin : {"big", "small"}) {
      b.classes[b.add_class(t)].pin_level = PinLevel::base_model;
      b.classes.back().pin = pin;
    }
    b.classes[b.add_class(t)].pin_level = PinLevel::variant;
    b.classes.back().pin = "big-gpu";
    b.add_class(u);
  }
};

// S2: the variant is that of the hardware, by default or as the query names it; neither SLO nor floor changes a decision.
TEST(StaticHardware, decides_by_hardware_and_name_alone) {
  Deployed w;
  ClusterBench bench(w.b);
  const auto chosen = [&](const param::Object& params) {
    const auto p = make_policy<SelectionPolicy>(static_hardware(), bench.setup(), params);
    std::vector<VariantId> out;
    for (std::size_t c = 0; c < w.b.classes.size(); ++c)
      out.push_back(p->select(bench.query(bench.admit(bench.world->class_of(c))), bench.view()).variants[0]);
    return out;
  };
  EXPECT_EQ(chosen({{"hardware", param::List{"cpu", "gpu"}}}),
            (std::vector{w.big_cpu, w.big_cpu, w.big_cpu, w.big_cpu, w.small_cpu, w.big_gpu, w.other}))
      << "task u has nothing for a CPU";
  EXPECT_EQ(chosen({{"hardware", param::List{"gpu"}}, {"defaults", param::List{"small-gpu"}}}),
            (std::vector{w.small_gpu, w.small_gpu, w.small_gpu, w.big_gpu, w.small_gpu, w.big_gpu, w.other}));
}

TEST(StaticHardware, rejects_what_is_not_there) {
  Deployed w;
  ClusterBench bench(w.b);
  const auto p = make_policy<SelectionPolicy>(static_hardware(), bench.setup(), {{"hardware", param::List{"cpu"}}});
  const auto why = [&](VisitId v) { return p.why(p->select(bench.query(v), bench.view()).reason); };
  EXPECT_EQ(why(bench.admit(bench.world->class_of(6))), "not_deployed");
  EXPECT_EQ(why(bench.admit(ClassId{0}, {}, 2)), "too_large");
  EXPECT_EQ(why(bench.admit(ClassId{0}, {}, 1, SiteId{1})), "unreachable");
}

TEST(StaticHardware, refuses_wrong_names_before_the_run) {
  Deployed w;
  ClusterBench bench(w.b);
  const auto message = [&](param::Object params) -> std::string {
    try {
      make_policy<SelectionPolicy>(static_hardware(), bench.setup(), params);
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(message({{"hardware", param::List{"gpuu"}}}), "there is no hardware type \"gpuu\"; did you mean \"gpu\"?");
  EXPECT_EQ(message({{"hardware", param::List{"tpu"}}}), "no pool has hardware \"tpu\"");
  EXPECT_EQ(message({{"hardware", param::List{"gpu"}}, {"defaults", param::List{"big-cpu"}}}),
            "default \"big-cpu\" is for \"cpu\", but task \"t\" runs on \"gpu\"");
  EXPECT_EQ(message({{"hardware", param::List{"gpu"}}, {"defaults", param::List{"big-gpu", "small-gpu"}}}),
            "\"defaults\" names 2 variants of task \"t\"; one per task is enough");
}

// --- N1 ---

// 3600 USD an hour: 1 USD a second. l(b) = 8 + 2b ms, so an item costs 0.010 alone, 0.0045 of 3 or 4 (0.00467, 0.004) and so on.
struct Capped {
  WorldBuilder b;
  VariantId low, high;
  explicit Capped(const std::vector<double>& caps) {
    const SiteId s = b.site("s");
    const TaskId t = b.task("t");
    const HardwareId h = b.hardware("gpu");
    low = b.variant(
        "low", t, h, 0.5, [](std::uint32_t n) { return 8ms + n * 2ms; }, 8);
    high = b.variant(
        "high", t, h, 0.9, [](std::uint32_t n) { return 80ms + n * 20ms; }, 8);
    b.pool("p", s, h, 2, 3600);
    for (const double cap : caps) {
      b.add_class(t, 10s);
      b.classes.back().cost_cap_usd = cap;
    }
  }
};

TEST(CostCap, goes_by_the_mean_batch_of_the_last_ten) {
  Capped w({1});
  ClusterBench bench(w.b);
  CostCap cost(*bench.world);
  const QueryView q = bench.query(bench.admit(ClassId{0}));
  const GroupId g = bench.group(w.low);
  EXPECT_DOUBLE_EQ(cost.price_usd(bench.view(), q, g), 0.010) << "nothing ran yet: alone";
  for (const std::uint32_t visits : {2U, 6U}) cost.batch_began(w.low, visits);
  EXPECT_DOUBLE_EQ(cost.mean(w.low), 4);
  EXPECT_DOUBLE_EQ(cost.price_usd(bench.view(), q, g), 0.016 / 4);
  EXPECT_DOUBLE_EQ(cost.mean(w.high), 1);
  for (int k = 0; k < 10; ++k) cost.batch_began(w.low, 8);
  EXPECT_DOUBLE_EQ(cost.price_usd(bench.view(), q, g), 0.024 / 8) << "the first two are forgotten";
  EXPECT_DOUBLE_EQ(cost.price_usd(bench.view(), bench.query(bench.admit(ClassId{0}, {}, 2)), g), 2 * 0.024 / 8) << "of 16, as many as fit";
  EXPECT_TRUE(std::isinf(cost.price_usd(bench.view(), bench.query(bench.admit(ClassId{0}, {}, 9)), g)));
}

// "A cap below every variant rejects with a reason; raising the cap never lowers the attainable accuracy."
TEST(CostCap, a_higher_cap_never_lowers_the_accuracy) {
  std::vector<double> caps;
  for (double cap = 0.0001; cap < 1; cap *= 1.3) caps.push_back(cap);
  Capped w(caps);
  for (const auto& definition : {accuracy_max(), cheapest_feasible()}) {
    ClusterBench bench(w.b);
    const auto p = make_policy<SelectionPolicy>(definition, bench.setup(), {{"batch_estimate", "recent"}});
    const InstanceId low = bench.warm(w.low, 0), high = bench.warm(w.high, 1);
    auto* observer = dynamic_cast<Observer*>(p.operator->());
    ASSERT_TRUE(observer != nullptr && observer->facts().batch_starts);
    for (int k = 0; k < 10; ++k) {
      observer->batch_began(low, 4, bench.view());
      observer->batch_began(high, 2, bench.view());
    }
    double before = 0;
    for (std::size_t c = 0; c < caps.size(); ++c) {
      const Selection s = p->select(bench.query(bench.admit(bench.world->class_of(c))), bench.view());
      if (caps[c] < 0.004) {
        EXPECT_EQ(p.why(s.reason), "above_cost_cap") << caps[c];
        continue;
      }
      ASSERT_EQ(s.answer, Selection::Answer::variants) << definition.name << ' ' << caps[c];
      const double accuracy = (*bench.world)[s.variants[0]].accuracy;
      if (definition.name == "accuracy_max") {
        EXPECT_EQ(s.variants[0], caps[c] < 0.060 ? w.low : w.high) << caps[c];
        EXPECT_GE(accuracy, before);
      }
      before = accuracy;
    }
  }
}

}  // namespace
}  // namespace tideline::test

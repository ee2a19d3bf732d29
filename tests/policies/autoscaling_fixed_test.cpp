// A1: a fixed number of instances.
//
// Whose examples these are:
//   fixed: Romero et al., "INFaaS: automated model-less inference serving", USENIX ATC 2021
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

struct Two {
  WorldBuilder b;
  VariantId v, w;
  Two() {
    const SiteId s = b.site("edge"), core = b.site("core");
    b.link(s, core, 1ms);
    const HardwareId gpu = b.hardware("gpu"), npu = b.hardware("npu");
    const TaskId t = b.task("classify");
    v = b.variant("net", t, gpu, 0.7, 1ms, 1, 5s);
    w = b.variant("small", t, npu, 0.6, 1ms, 1, 5s);
    b.pool("p", s, gpu, 3);
    b.pool("q", core, npu, 2);
    b.add_class(t);
  }
};

std::string message_of(const WorldBuilder& b, const std::string& text) {
  ClusterBench bench(b);
  try {
    make<AutoscalingPolicy>(fixed(), bench.setup(), {{"instances", param::List{text}}});
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "accepted";
}

TEST(autoscaling_fixed, wishes_what_initial_lists) {
  Two x;
  ClusterBench bench(x.b);
  const std::vector<std::uint32_t> initial{2, 0};
  tideline::Setup setup = bench.setup();
  setup.initial = initial;
  const auto p = make<AutoscalingPolicy>(fixed(), setup);
  Plan plan;
  p->plan(bench.view(), plan);
  ASSERT_EQ(plan.wishes.size(), 1U);
  EXPECT_EQ(plan.wishes[0].group, bench.group(x.v));
  EXPECT_EQ(plan.wishes[0].instances, 2U);
}

TEST(autoscaling_fixed, wishes_for_nothing_when_initial_is_cold) {
  Two x;
  ClusterBench bench(x.b);
  const auto p = make<AutoscalingPolicy>(fixed(), bench.setup());
  Plan plan;
  p->plan(bench.view(), plan);
  EXPECT_TRUE(plan.wishes.empty());
  EXPECT_EQ(p->interval(), forever);
  const VisitId q = bench.admit(ClassId{0});
  EXPECT_EQ(p->on_held(bench.query(q), x.v, 0, bench.view()).start, 1U);
  EXPECT_EQ(p->on_held(bench.query(q), x.v, 1, bench.view()).start, 0U);
}

TEST(autoscaling_fixed, the_parameter_names_variants_and_sites) {
  Two x;
  EXPECT_EQ(message_of(x.b, "small@core=2"), "accepted");
  EXPECT_EQ(message_of(x.b, "smal@core=2"), "instances: \"smal@core=2\": no variant \"smal\"; did you mean \"small\"?");
  EXPECT_NE(message_of(x.b, "small@cor=2").find("did you mean \"core\"?"), std::string::npos);
  EXPECT_NE(message_of(x.b, "small@edge=2").find("has no \"npu\""), std::string::npos);
  EXPECT_NE(message_of(x.b, "small@core").find("expected"), std::string::npos);
  EXPECT_NE(message_of(x.b, "small@core=two").find("whole number"), std::string::npos);
  EXPECT_NE(message_of(x.b, "small@core=-1").find("whole number"), std::string::npos);
}

TEST(autoscaling_fixed, a_run_starts_holds_and_replaces_them) {
  Two x;
  RunBench r(x.b);
  r.use(fixed(), {{"instances", param::List{"net@edge=2"}}, {"interval_s", 10}});
  r.use(best_fit());
  r.use(fixed_keep_alive(), {{"keep_alive_s", 0}});
  r.options.duration = 100s;
  r.options.drain = 0s;
  Simulation& s = r.make_simulation();
  while (s.now() < Time{} + 25s && s.step()) {
  }
  const GroupId g = r.world().group(x.v, SiteId{0});
  EXPECT_EQ(s.cluster().row(g).warm(), 2U);  // the wish is a floor for keep-alive
  s.fail_node(r.world().topology().devices[s.cluster().row(s.cluster().row(g).members[0]).device.index()].node);
  EXPECT_EQ(s.cluster().row(g).warm(), 1U);
  while (s.step()) {
  }
  EXPECT_EQ(s.cluster().row(g).warm(), 2U);
}

}  // namespace
}  // namespace tideline

// S7 and D10 as policies: what is planned from the demand that they see, and where queries go.
//
// Whose examples these are:
//   accuracy_scaling: doi:10.1145/3617232.3624849
//   accuracy_scaling_greedy: doi:10.1145/3617232.3624849
//   proportional: doi:10.1145/3617232.3624849
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>

namespace tideline::test {
namespace {

/// Two devices, F and S, each of a type of its own; hi (accuracy 1; 100 and 40 queries per second), lo (0.9; 300 and 120), one at a time.
struct Proteus {
  WorldBuilder b;
  SiteId here = b.site("here");
  TaskId task = b.task("task");
  HardwareId fast = b.hardware("fast"), slow = b.hardware("slow");
  VariantId fast_hi = b.variant("fast_hi", task, fast, 1.0, 10ms), fast_lo = b.variant("fast_lo", task, fast, 0.9, from_seconds(1.0 / 300)),
            slow_hi = b.variant("slow_hi", task, slow, 1.0, 25ms), slow_lo = b.variant("slow_lo", task, slow, 0.9, from_seconds(1.0 / 120));
  std::unique_ptr<ClusterBench> bench;
  std::unique_ptr<Policy> made;
  SelectionPolicy* selection = nullptr;
  DispatchPolicy* dispatch = nullptr;
  AutoscalingPolicy* planner = nullptr;
  Observer* observer = nullptr;
  Time now{};
  double owed = 0;

  explicit Proteus(const PolicyDefinition& d, const param::Object& params = {}, Duration slo = 1s) {
    b.pool("f", here, fast, 1);
    b.pool("s", here, slow, 1);
    b.add_class(task, slo);
    bench = std::make_unique<ClusterBench>(b);
    made = make_policy(d, params, bench->setup());
    selection = dynamic_cast<SelectionPolicy*>(made.get());
    dispatch = dynamic_cast<DispatchPolicy*>(made.get());
    planner = dynamic_cast<AutoscalingPolicy*>(made.get());
    observer = dynamic_cast<Observer*>(made.get());
  }
  /// A second of so many arrivals, then the count; answers the wishes by name where there is a plan.
  std::map<std::string, std::uint32_t> second(double rate, Duration* effect = nullptr) {
    for (owed += rate; owed >= 1; --owed) observer->arrived(bench->query(query()), bench->view(now));
    now += 1s;
    Plan plan;
    planner->plan(bench->view(now), plan);
    if (effect != nullptr) *effect = plan.takes_effect;
    solution = plan.solution;
    std::map<std::string, std::uint32_t> out;
    for (const Plan::Wish& w : plan.wishes) {
      out[(*bench->world)[(*bench->world)[w.group].variant].name] = w.instances;
      bench->cluster.set_wish(w.group, w.instances);
    }
    return out;
  }
  VisitId query() {
    if (!any) any = bench->admit(ClassId{0});
    return any;
  }
  VisitId any;
  std::optional<PlanSolution> solution;  ///< of the last round
};

using Wishes = std::map<std::string, std::uint32_t>;

TEST(AccuracyScaling, plans_the_worked_example_from_what_arrives) {
  for (const PolicyDefinition& d : {accuracy_scaling(), accuracy_scaling_greedy()}) {
    SCOPED_TRACE(d.name);
    const param::Object params{{"solve_s", 0}, {"use_spare", false}, {"weight", 1}, {"interval_s", 1}};
    Proteus p(d, params);
    EXPECT_EQ(p.second(200), (Wishes{{"fast_hi", 1}, {"slow_lo", 1}}));
    EXPECT_EQ(p.second(250), (Wishes{{"fast_hi", 0}, {"fast_lo", 1}, {"slow_hi", 1}, {"slow_lo", 0}}));
    EXPECT_EQ(p.second(430), (Wishes{{"fast_lo", 1}, {"slow_hi", 0}, {"slow_lo", 1}}));
    EXPECT_EQ(p.second(30).at("slow_lo"), 0U);
  }
}

TEST(AccuracyScaling, says_how_each_search_ended) {
  const param::Object params{{"solve_s", 0}, {"use_spare", false}, {"weight", 1}, {"interval_s", 2}};
  Proteus p(accuracy_scaling(), params);
  (void)p.second(250);
  ASSERT_TRUE(p.solution);
  EXPECT_EQ(p.solution->status, PlanSolution::Status::optimal);
  EXPECT_NEAR(p.solution->objective, 250 * 0.916, 0.1);
  EXPECT_GE(p.solution->bound, p.solution->objective * (1 - 1e-9));
  EXPECT_LE(p.solution->bound, p.solution->objective * (1 + 1e-3));
  EXPECT_EQ(p.solution->target, 1);
  (void)p.second(250);
  EXPECT_FALSE(p.solution) << "no search in this round";
  Proteus q(accuracy_scaling(), params);
  (void)q.second(430);
  ASSERT_TRUE(q.solution);
  EXPECT_EQ(q.solution->target, 0.95);
  Proteus greedy(accuracy_scaling_greedy(), params);
  (void)greedy.second(250);
  ASSERT_TRUE(greedy.solution);
  EXPECT_EQ(greedy.solution->status, PlanSolution::Status::feasible);
  EXPECT_TRUE(std::isinf(greedy.solution->bound));
}

TEST(AccuracyScaling, a_variant_that_takes_more_than_its_share_of_the_slo_is_not_planned) {
  // slow_hi takes 25 ms: with half of 40 ms it is out.
  Proteus p(accuracy_scaling(), {{"solve_s", 0}, {"use_spare", false}, {"weight", 1}}, 40ms);
  EXPECT_EQ(p.second(20), (Wishes{{"fast_hi", 1}}));
  Proteus q(accuracy_scaling(), {{"solve_s", 0}, {"use_spare", false}, {"weight", 1}}, 15ms);
  EXPECT_EQ(q.second(20), (Wishes{{"fast_lo", 1}}));
}

TEST(AccuracyScaling, a_plan_holds_when_it_is_solved_and_routes_change_with_it) {
  Proteus p(accuracy_scaling(), {{"solve_s", 2.5}, {"weight", 1}, {"use_spare", false}});
  const InstanceId slow = p.bench->warm(p.slow_lo, 1), fast = p.bench->warm(p.fast_hi, 0);
  Duration effect{};
  EXPECT_TRUE(p.second(200).empty());  // decided at 1 s, for 3.5 s
  EXPECT_TRUE(p.second(200).empty());
  EXPECT_FALSE(p.second(200, &effect).empty());
  EXPECT_EQ(effect, 500ms);
  const QueryView q = p.bench->query(p.query());
  EXPECT_EQ(p.selection->select(q, p.bench->view(p.now)).variants[0], p.fast_lo);  // nothing holds: the fastest
  const ClusterView then = p.bench->view(p.now + 500ms);
  std::map<VariantId, int> drawn;
  for (int k = 0; k < 10'000; ++k) ++drawn[p.selection->select(q, then).variants[0]];
  EXPECT_EQ(drawn.size(), 2U);
  EXPECT_NEAR(drawn[p.fast_hi], 5000, 300);  // 100 of 200 each: 6 standard deviations
  EXPECT_EQ(p.dispatch->place(q, p.fast_hi, then).instance, fast);
  EXPECT_EQ(p.dispatch->place(q, p.slow_lo, then).instance, slow);
  EXPECT_EQ(p.dispatch->place(q, p.slow_hi, then).answer, Dispatch::Answer::hold);
}

TEST(AccuracyScaling, more_than_is_planned_for_brings_the_next_plan_forward) {
  Proteus p(accuracy_scaling(), {{"solve_s", 0}, {"weight", 0.3}, {"use_spare", false}, {"interval_s", 30}, {"least_pause_s", 5}});
  EXPECT_EQ(p.second(200), (Wishes{{"fast_hi", 1}}));  // of the first count 0.3: 60
  for (int k = 0; k < 4; ++k) EXPECT_TRUE(p.second(200).empty());
  EXPECT_EQ(p.second(200), (Wishes{{"fast_hi", 1}, {"slow_lo", 1}}));  // 5 s after the first, for the last count
  for (int k = 0; k < 29; ++k) EXPECT_TRUE(p.second(190).empty());
  EXPECT_FALSE(p.second(190).empty());
}

TEST(AccuracyScaling, what_is_loaded_stays_where_another_plan_is_as_good) {
  // Two types alike: what is wished for on one is not moved to the other.
  WorldBuilder b;
  const SiteId here = b.site("here");
  const TaskId task = b.task("task");
  std::vector<VariantId> v;
  for (const char* name : {"a", "b", "c", "d"}) {
    const HardwareId h = b.hardware(name);
    v.push_back(b.variant(std::string("on_") + name, task, h, 0.8, 10ms));
    b.pool(name, here, h, 1);
  }
  b.add_class(task, 1s);
  ClusterBench bench(b);
  const double rate = 90;
  tideline::Setup setup = bench.setup();
  setup.first_hour_qps = {&rate, 1};
  const auto made = make_policy(accuracy_scaling(), {{"solve_s", 0}, {"weight", 1e-6}, {"interval_s", 1}}, setup);
  auto& planner = dynamic_cast<AutoscalingPolicy&>(*made);
  Plan first, later;
  planner.plan(bench.view(), first);
  ASSERT_EQ(first.wishes.size(), 1U);
  for (int k = 1; k < 20; ++k) {
    later.clear();
    planner.plan(bench.view(Time{} + k * 1s), later);
    ASSERT_EQ(later.wishes.size(), 1U);
    EXPECT_EQ(later.wishes[0].group, first.wishes[0].group);
    EXPECT_EQ(made->reasons()[later.wishes[0].reason], "kept");
  }
}

TEST(Proportional, draws_variants_and_sites_by_their_shares) {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 1ms);
  const TaskId task = b.task("task");
  const HardwareId gpu = b.hardware("gpu");
  const VariantId old_one = b.variant("old", task, gpu, 0.7, 1ms), new_one = b.variant("new", task, gpu, 0.8, 1ms);
  b.pool("e", edge, gpu, 1);
  b.pool("c", core, gpu, 2);
  b.add_class(task);
  b.add_class(task, forever, 0.75);
  ClusterBench bench(b);
  const param::Object params{{"shares", param::List{"old@edge=5", "old@core=3", "new@core=2"}}};
  auto made = make_policy(proportional(), params, bench.setup());
  auto& selection = dynamic_cast<SelectionPolicy&>(*made);
  auto& dispatch = dynamic_cast<DispatchPolicy&>(*made);
  const VisitId any = bench.admit(ClassId{0}), good = bench.admit(ClassId{1});
  EXPECT_EQ(dispatch.place(bench.query(any), old_one, bench.view()).answer, Dispatch::Answer::hold);
  const std::vector<InstanceId> warm{bench.warm(old_one, 0), bench.warm(old_one, 1), bench.warm(new_one, 2)};
  std::map<InstanceId, double> count;
  const int n = 100'000;
  for (int k = 0; k < n; ++k) {
    const VariantId v = selection.select(bench.query(any), bench.view()).variants[0];
    ++count[dispatch.place(bench.query(any), v, bench.view()).instance];
  }
  double chi_square = 0;
  const std::vector<double> expected{0.5 * n, 0.3 * n, 0.2 * n};
  for (std::size_t k = 0; k < 3; ++k) chi_square += (count[warm[k]] - expected[k]) * (count[warm[k]] - expected[k]) / expected[k];
  EXPECT_LT(chi_square, 13.8);  // 2 degrees of freedom: 0.1 %
  for (int k = 0; k < 100; ++k) EXPECT_EQ(selection.select(bench.query(good), bench.view()).variants[0], new_one);
}

TEST(Proportional, what_has_no_instance_is_drawn_anew_waited_for_or_rejected) {
  WorldBuilder b;
  const SiteId here = b.site("here");
  const TaskId task = b.task("task");
  const HardwareId gpu = b.hardware("gpu");
  const VariantId x = b.variant("x", task, gpu, 0.7, 1ms), y = b.variant("y", task, gpu, 0.8, 1ms);
  b.pool("p", here, gpu, 1);
  b.add_class(task);
  ClusterBench bench(b);
  bench.warm(x, 0);
  const QueryView q = bench.query(bench.admit(ClassId{0}));
  const auto drawn = [&](const char* on_absent) {
    auto made = make_policy(proportional(), {{"shares", param::List{"x@here=1", "y@here=3"}}, {"on_absent", on_absent}}, bench.setup());
    std::map<VariantId, int> count;
    for (int k = 0; k < 1000; ++k) ++count[dynamic_cast<SelectionPolicy&>(*made).select(q, bench.view()).variants[0]];
    return count;
  };
  EXPECT_EQ(drawn("renormalise"), (std::map<VariantId, int>{{x, 1000}}));
  EXPECT_NEAR(drawn("wait")[y], 750, 70);
  EXPECT_NEAR(drawn("reject")[VariantId{}], 750, 70);
}

TEST(Proportional, says_what_is_wrong_with_a_share) {
  WorldBuilder b;
  const SiteId here = b.site("here");
  const HardwareId gpu = b.hardware("gpu");
  b.variant("net", b.task("task"), gpu, 0.7, 1ms);
  b.pool("p", here, gpu, 1);
  b.add_class(TaskId{0});
  ClusterBench bench(b);
  const auto problem = [&](const char* text, const char* more = "net@here=1") -> std::string {
    try {
      make_policy(proportional(), {{"shares", param::List{text, more}}}, bench.setup());
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "none";
  };
  EXPECT_EQ(problem("net=1"), "shares: \"net=1\": expected \"variant@site=SHARE\"");
  EXPECT_EQ(problem("net@here=-1"), "shares: \"net@here=-1\": a share is 0 or more");
  EXPECT_EQ(problem("net@here=a"), "shares: \"net@here=a\": expected a number after \"=\"");
  EXPECT_NE(problem("nett@here=1").find("did you mean \"net\""), std::string::npos) << problem("nett@here=1");
  EXPECT_EQ(problem("net@here=0.5"), "shares: \"net@here=1\": the variant is there twice for this site");
}

}  // namespace
}  // namespace tideline::test

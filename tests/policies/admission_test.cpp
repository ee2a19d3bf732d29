// Admission.
//
// Whose examples these are:
//   accept_all: Kleinrock, "Queueing systems, volume 1: theory", Wiley 1975
//   bounded_in_flight: Kleinrock, "Queueing systems, volume 1: theory", Wiley 1975
//   deadline_feasible: arXiv:2006.02464
//   token_bucket: doi:10.1109/MCOM.1986.1092946
#include "policies/builtin.h"
#include "tests/support/make_policy.h"
#include "tests/support/run_bench.h"
#include "tests/support/small_world.h"

namespace tideline::test {
namespace {

struct TwoTasks {
  WorldBuilder b;
  std::size_t first, second;
  TwoTasks() {
    const SiteId s = b.site("s");
    const TaskId t = b.task("t"), u = b.task("u");
    const HardwareId h = b.hardware("gpu");
    b.variant("a", t, h, 0.7, 10ms);
    b.variant("b", u, h, 0.7, 10ms);
    b.pool("p", s, h, 1);
    first = b.add_class(t);
    second = b.add_class(u);
  }
};

TEST(AcceptAll, admits_every_query) {
  TwoTasks w;
  ClusterBench bench(w.b);
  const auto p = make_policy<AdmissionPolicy>(accept_all(), bench.setup());
  for (int k = 0; k < 100; ++k) EXPECT_TRUE(p->admit(bench.query(bench.admit(ClassId{0})), bench.view()).admit);
}

// AC1: "at most K queries of the task in flight, the ones in service included"; the query that asks is one of them.
TEST(BoundedInFlight, admits_up_to_its_limit_by_task) {
  TwoTasks w;
  ClusterBench bench(w.b);
  const auto p = make_policy<AdmissionPolicy>(bounded_in_flight(), bench.setup(), {{"limit", 2}});
  const ClassId first = bench.world->class_of(w.first), second = bench.world->class_of(w.second);
  const auto asks = [&](VisitId v) { return p->admit(bench.query(v), bench.view()); };
  const VisitId one = bench.admit(first);
  EXPECT_TRUE(asks(one).admit);
  EXPECT_TRUE(asks(bench.admit(first)).admit);
  const VisitId third = bench.admit(first);
  EXPECT_FALSE(asks(third).admit);
  EXPECT_EQ(p.why(asks(third).reason), "full");
  bench.cluster.query_done(third);  // rejected
  bench.cluster.close(third);
  EXPECT_TRUE(asks(bench.admit(second)).admit) << "another task";
  bench.cluster.query_done(one);  // served
  bench.cluster.close(one);
  EXPECT_TRUE(asks(bench.admit(first)).admit);
}

TEST(BoundedInFlight, needs_a_limit) {
  Problems problems;
  bounded_in_flight().bind(param::Object{}, "", problems);
  EXPECT_FALSE(problems.empty());
}

// A rate of 10/s and room for 5: of 7 queries at 0, 2 at 0.1 s and 8 at 1 s it admits 5, 1 and 5.
TEST(TokenBucket, starts_full_and_fills_up_to_its_burst) {
  TwoTasks w;
  ClusterBench bench(w.b);
  const auto p = make_policy<AdmissionPolicy>(token_bucket(), bench.setup(), {{"rate_qps", 10}, {"burst", 5}});
  const auto admitted = [&](int n, Time now) {
    int count = 0;
    for (int k = 0; k < n; ++k) {
      const Admission a = p->admit(bench.query(bench.admit(ClassId{0}, now)), bench.view(now));
      EXPECT_EQ(p.why(a.reason), a.admit ? "admitted" : "no_token");
      count += a.admit ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(admitted(7, Time{}), 5);
  EXPECT_EQ(admitted(2, Time{} + 100ms), 1);
  EXPECT_EQ(admitted(8, Time{} + 1s), 5);
  // Filled in ten parts: rounding takes nothing away.
  for (int k = 1; k < 10; ++k) EXPECT_EQ(admitted(1, Time{} + 1s + k * 10ms), 0) << k;
  EXPECT_EQ(admitted(1, Time{} + 1100ms), 1);
}

TEST(TokenBucket, has_one_for_each_tenant) {
  TwoTasks w;
  ClusterBench bench(w.b);
  const auto p = make_policy<AdmissionPolicy>(token_bucket(), bench.setup(), {{"rate_qps", 1}, {"burst", 1}});
  const auto admits = [&](std::uint16_t tenant, Time now) {
    Visit q;
    q.arrival = now;
    q.cls = ClassId{0};
    q.tenant = tenant;
    return p->admit(bench.query(bench.cluster.admit(q)), bench.view(now)).admit;
  };
  EXPECT_TRUE(admits(0, Time{}));
  EXPECT_FALSE(admits(0, Time{}));
  EXPECT_TRUE(admits(3, Time{}));
  EXPECT_TRUE(admits(1, Time{} + 1h));  // first seen late: full, not fuller
  EXPECT_FALSE(admits(1, Time{} + 1h));
}

// Over a long run it admits its rate: of 50 evenly spaced queries a second, 20.
TEST(TokenBucket, admits_its_rate_in_the_long_run) {
  TwoTasks w;
  RunBench r(w.b);
  r.use(token_bucket(), {{"rate_qps", 20}, {"burst", 3}});
  r.warm_at_start(VariantId{0}, 0);
  auto source = std::make_unique<PlainSource>();
  source->names = {"t"};
  for (int k = 0; k < 5000; ++k) source->list.emplace_back(Time{} + k * 20ms, 0);
  r.arrivals(std::move(source));
  r.run();
  std::size_t answered = 0;
  for (const QueryEnd& e : r.notes.ends) answered += e.ending == Ending::answered ? 1U : 0U;
  EXPECT_NEAR(static_cast<double>(answered), 20 * 100 + 2, 1.5);
}

struct Deadlines {
  WorldBuilder b;
  VariantId fast, slow;
  Deadlines() {
    const SiteId edge = b.site("edge"), core = b.site("core");
    b.link(edge, core, 30ms);
    const TaskId t = b.task("t");
    const HardwareId cpu = b.hardware("cpu"), gpu = b.hardware("gpu");
    slow = b.variant("slow", t, cpu, 0.6, 50ms, 1, 1s);
    fast = b.variant("fast", t, gpu, 0.7, 10ms, 1, 2s);
    b.pool("cpus", edge, cpu, 1);
    b.pool("gpus", core, gpu, 1);
    b.add_class(t, 100ms);
    b.add_class(t);
    b.add_class(t, 5ms);
    b.add_class(t, 3s);
  }
};

TEST(DeadlineFeasible, rejects_what_nobody_is_predicted_to_answer_in_time) {
  Deadlines w;
  ClusterBench bench(w.b);
  const auto p = make_policy<AdmissionPolicy>(deadline_feasible(), bench.setup());
  const auto asks = [&](std::size_t declared, Time arrival, Time now) {
    return p->admit(bench.query(bench.admit(bench.world->class_of(declared), arrival)), bench.view(now));
  };
  EXPECT_EQ(p.why(asks(0, Time{}, Time{}).reason), "too_late");  // nothing is loaded
  EXPECT_EQ(p.why(asks(1, Time{}, Time{}).reason), "no_slo");
  EXPECT_EQ(p.why(asks(2, Time{}, Time{}).reason), "no_candidate");
  EXPECT_TRUE(asks(3, Time{}, Time{}).admit);  // a load of 1 s and 50 ms
  const InstanceId near = bench.warm(w.slow, 0), far = bench.warm(w.fast, 1);
  EXPECT_EQ(p.why(asks(0, Time{}, Time{}).reason), "in_time");
  EXPECT_TRUE(asks(0, Time{}, Time{} + 50ms).admit);  // 50 ms at the edge
  EXPECT_FALSE(asks(0, Time{}, Time{} + 51ms).admit);
  // With one query each ahead, that are done in 50 and in 10 ms: 100 ms at the edge, and the way there and back with 10 at the core.
  bench.wait_at(near, ClassId{1});
  bench.wait_at(far, ClassId{1});
  EXPECT_TRUE(asks(0, Time{}, Time{}).admit);
  bench.wait_at(near, ClassId{1});
  EXPECT_TRUE(asks(0, Time{}, Time{} + 30ms).admit);  // 30 + 10 + 30 ms by way of the core
  EXPECT_FALSE(asks(0, Time{}, Time{} + 31ms).admit);
}

// One instance, 10 ms each, in order of arrival: what is predicted is what happens. Who is rejected would have been late, and nobody who
// is admitted is.
TEST(DeadlineFeasible, is_exact_where_the_prediction_is) {
  for (const bool asked : {true, false}) {
    WorldBuilder b;
    const SiteId s = b.site("s");
    const TaskId t = b.task("t");
    const HardwareId gpu = b.hardware("gpu");
    const VariantId v = b.variant("net", t, gpu, 0.7, 10ms);
    b.pool("p", s, gpu, 1);
    b.add_class(t, 45ms);
    RunBench r(b);
    if (asked) r.use(deadline_feasible());
    r.warm_at_start(v, 0);
    r.arrivals(std::make_unique<PoissonSource>(3, 150, 3000));
    r.run();
    std::size_t rejected = 0, late = 0;
    for (const QueryEnd& e : r.notes.ends) {
      rejected += e.ending == Ending::rejected ? 1U : 0U;
      late += e.ending == Ending::answered && e.queue + e.service > 45ms ? 1U : 0U;
    }
    if (asked) {
      EXPECT_EQ(late, 0U);
      EXPECT_GT(rejected, 900U);  // at 1.5 times what it can do
      EXPECT_LT(rejected, 1200U);
    } else {
      EXPECT_GT(late, 2500U);
    }
  }
}

}  // namespace
}  // namespace tideline::test

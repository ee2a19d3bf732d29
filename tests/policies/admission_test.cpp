// Admission: AC0, AC1.
#include "policies/builtin.h"
#include "tests/support/make_policy.h"
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

}  // namespace
}  // namespace tideline::test

// Which of several instances of an exclusive device is next: the one with the most urgent query.
//
// Whose examples these are:
//   earliest_deadline: doi:10.1145/321738.321743
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

/// One exclusive device with two instances that serve classes of a tight and a loose SLO, 10 ms a query.
struct Shared {
  WorldBuilder b;
  SiteId site = b.site("s");
  HardwareId gpu = b.hardware("gpu");
  TaskId urgent = b.task("urgent"), patient = b.task("patient");
  VariantId u = b.variant("u", urgent, gpu, 0.7, 10ms), p = b.variant("p", patient, gpu, 0.7, 10ms);
  Shared() {
    b.pool("pool", site, gpu, 1);
    b.add_class(urgent, 25ms);
    b.add_class(patient, 100ms);
  }
};

TEST(sharing_earliest_deadline, takes_the_head_that_is_due_first_and_one_without_an_slo_last) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu");
  const TaskId t = b.task("classify");
  const VariantId v = b.variant("net", t, gpu, 0.7, 1ms);
  b.pool("p", s, gpu, 1);
  b.add_class(t, 100ms);
  b.add_class(t, 20ms);
  b.add_class(t);
  ClusterBench bench(b);
  const std::vector<InstanceId> i{bench.warm(v, 0), bench.warm(v, 0), bench.warm(v, 0)};
  const auto p = make<SharingPolicy>(earliest_deadline(), bench.setup());
  const auto next = [&](std::vector<InstanceId> ready, std::vector<std::pair<std::size_t, Duration>> queries) {
    std::vector<VisitId> visits;
    std::vector<QueryView> heads;
    for (const auto& [cls, arrival] : queries) visits.push_back(bench.admit(bench.world->class_of(cls), Time{} + arrival));
    for (const VisitId q : visits) heads.push_back(bench.query(q));
    return ready[p->next(DeviceId{0}, ready, heads, bench.view())];
  };
  EXPECT_EQ(next({i[0], i[1]}, {{0, 1s}, {1, 1050ms}}), i[1]) << "1.07 s before 1.1 s";
  EXPECT_EQ(next({i[0], i[1], i[2]}, {{2, 0s}, {0, 1s}, {1, 1090ms}}), i[1]);
  EXPECT_EQ(next({i[0], i[1]}, {{1, 1080ms}, {0, 1s}}), i[1]) << "equally urgent: the older one";
  EXPECT_EQ(next({i[1], i[0]}, {{2, 1s}, {2, 1s}}), i[0]) << "alike: the lowest id";
}

/// When the urgent query is answered: a patient one runs from 0, another comes at 1 ms, the urgent one at 2 ms.
Time urgent_done(const PolicyDefinition& sharing) {
  Shared x;
  RunBench r(x.b);
  r.classes = 2;
  r.use(sharing);
  r.warm_at_start(x.u, 0);
  r.warm_at_start(x.p, 0);
  auto source = std::make_unique<PlainSource>();
  source->names = {"urgent", "patient"};
  source->list.emplace_back(Time{}, 1);
  source->list.emplace_back(Time{} + 1ms, 1);
  source->list.emplace_back(Time{} + 2ms, 0);
  r.arrivals(std::move(source));
  r.run();
  EXPECT_EQ(r.notes.ends.size(), 3U);
  for (const QueryEnd& e : r.notes.ends)
    if (e.variant == x.u) return e.finish;
  return never;
}

TEST(sharing_earliest_deadline, answers_in_time_what_order_of_arrival_answers_late) {
  EXPECT_EQ(urgent_done(earliest_deadline()), Time{} + 20ms) << "due at 27 ms; the patient one is done at 30 ms, due at 101 ms";
  EXPECT_EQ(urgent_done(oldest_first()), Time{} + 30ms) << "too late";
}

}  // namespace
}  // namespace tideline

// Which of several instances of an exclusive device is next.
//
// Whose examples these are:
//   oldest_first: Kleinrock, "Queueing systems, volume 1: theory", Wiley 1975
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

TEST(sharing_oldest_first, takes_the_head_that_arrived_first_and_the_lowest_id_of_equals) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu");
  const TaskId t = b.task("classify");
  const VariantId v = b.variant("net", t, gpu, 0.7, 1ms);
  b.pool("p", s, gpu, 1);
  b.add_class(t);
  ClusterBench bench(b);
  const std::vector<InstanceId> i{bench.warm(v, 0), bench.warm(v, 0), bench.warm(v, 0)};
  const auto p = make<SharingPolicy>(oldest_first(), bench.setup());
  const auto next = [&](std::vector<InstanceId> ready, std::vector<Duration> arrivals) {
    std::vector<VisitId> visits;
    std::vector<QueryView> heads;
    for (const Duration a : arrivals) visits.push_back(bench.admit(ClassId{0}, Time{} + a));
    for (const VisitId q : visits) heads.push_back(bench.query(q));
    return ready[p->next(DeviceId{0}, ready, heads, bench.view())];
  };
  EXPECT_EQ(next({i[0], i[1], i[2]}, {3s, 1s, 2s}), i[1]);
  EXPECT_EQ(next({i[2], i[0], i[1]}, {1s, 2s, 1s}), i[1]);  // `ready` is in no order
  EXPECT_EQ(next({i[2], i[1]}, {0s, 0s}), i[1]);
}

// Two instances of one variant on an exclusive device have the throughput of one (design.md section 5).
TEST(sharing_oldest_first, two_instances_of_an_exclusive_device_serve_in_order_of_arrival) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu");
  const TaskId t = b.task("classify");
  const VariantId v = b.variant("net", t, gpu, 0.7, 1s);
  b.pool("p", s, gpu, 1);
  b.add_class(t);
  RunBench r(b);
  r.use(oldest_first());
  r.use(round_robin());
  r.warm_at_start(v, 0);
  r.warm_at_start(v, 0);
  auto source = std::make_unique<PlainSource>();
  source->names = {"classify"};
  for (int k = 0; k < 10; ++k) source->list.emplace_back(Time{} + k * 1ms, 0);
  r.arrivals(std::move(source));
  r.run();
  ASSERT_EQ(r.notes.ends.size(), 10U);
  for (int k = 0; k < 10; ++k) EXPECT_EQ(r.notes.ends[static_cast<std::size_t>(k)].finish, Time{} + (k + 1) * 1s);
}

}  // namespace
}  // namespace tideline

// Every transition of the cluster: phases, memory, lines, loads, indexes, accounts and boards after each.
#include "sim/model/cluster.h"

#include "tests/support/small_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tideline {
namespace {

using namespace test;

Time at(Duration d) { return Time{} + d; }

/// Two exclusive devices and one partitioned of four cores; v and w on the first type, c on the second.
struct Three {
  WorldBuilder b;
  SiteId site = b.site("core");
  TaskId task = b.task("t");
  HardwareId gpu = b.hardware("gpu", 100), cpu = b.hardware("cpu", 100, Sharing::partitioned, 4);
  VariantId v, w, c;
  std::size_t plain, second, urgent, high;
  Three() {
    v = b.variant(
        "v", task, gpu, 0.7, [](std::uint32_t n) { return Duration{n * 10ms}; }, 4, 30);
    w = b.variant(
        "w", task, gpu, 0.9, [](std::uint32_t n) { return Duration{n * 20ms}; }, 2, 40);
    c = b.variant(
        "c", task, cpu, 0.6, [](std::uint32_t n) { return Duration{n * 50ms}; }, 1, 10, {}, 2);
    b.pool("gpus", site, gpu, 2);
    b.pool("cpus", site, cpu, 1);
    plain = b.add_class(task);
    second = b.add_class(task, 5s);
    urgent = b.add_class(task, 1s);
    high = b.add_class(task);
    b.classes.back().priority = 5;
  }
};

struct Bench : Three, ClusterBench {
  Bench() : ClusterBench(b) {}
  ClassId cls(std::size_t declaration) const { return world->class_of(declaration); }
  const GroupRow& row(VariantId x) const { return cluster.row(group(x)); }
  std::vector<InstanceId> least(VariantId x) const {
    std::vector<InstanceId> list;
    for (const InstanceId i : view().least_loaded(group(x))) list.push_back(i);
    std::sort(list.begin(), list.end());
    return list;
  }
  /// A query that arrived at its origin at `arrival` joins a line at `now`.
  VisitId join(LineId line, std::size_t declaration, Time arrival, Time now) {
    const VisitId q = admit(cls(declaration), arrival);
    cluster.send(q, line);
    cluster.join(q, now);
    cluster.check_boards();
    return q;
  }
  std::vector<std::uint64_t> line_order(LineId l) const {
    std::vector<std::uint64_t> serials;
    for (VisitId k = cluster.first_in(l); k; k = cluster.next_in(l, k)) serials.push_back(cluster[k].serial);
    return serials;
  }
  void audit(Time now) {
    cluster.settle(now);
    cluster.check_boards();
    for (const auto& fault : cluster.audit_accounts(now)) ADD_FAILURE() << fault;
  }
};

TEST(a_new_cluster, has_all_nodes_up_and_nothing_loaded) {
  Bench s;
  s.cluster.check_boards();
  EXPECT_TRUE(s.cluster.row(DeviceId{0}).up);
  EXPECT_EQ(s.cluster.row(DeviceId{0}).memory_free, 100);
  EXPECT_EQ(s.cluster.row(DeviceId{2}).cores_free, 4U);
  EXPECT_TRUE(s.least(s.v).empty());
  EXPECT_FALSE(s.view().earliest_free(s.group(s.v)));
  s.audit(at(10s));
  EXPECT_EQ(s.cluster[DeviceId{0}].idle, 10'000'000'000);
}

TEST(starting_an_instance, takes_memory_and_cores_and_it_is_not_in_the_indexes) {
  Bench s;
  const InstanceId i = s.starting(s.v, 0, at(1s), at(3s));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).phase, Phase::starting);
  EXPECT_EQ(s.cluster.row(DeviceId{0}).memory_free, 70);
  EXPECT_EQ(s.row(s.v).starting(), 1U);
  EXPECT_EQ(s.row(s.v).warm(), 0U);
  EXPECT_TRUE(s.least(s.v).empty());
  EXPECT_EQ(s.cluster.row(i).free_at, at(3s));
  EXPECT_EQ(s.cluster[DeviceId{0}].starting, 1U);
  const InstanceId k = s.starting(s.c, 2, at(1s), at(2s));
  EXPECT_EQ(s.cluster.row(DeviceId{2}).cores_free, 2U);
  EXPECT_EQ(s.cluster.row(k).cores, 2U);
  s.audit(at(2s));
  EXPECT_EQ(s.cluster[DeviceId{0}].loading, 1'000'000'000);
  EXPECT_EQ(s.cluster[DeviceId{0}].idle, 1'000'000'000);
}

TEST(an_instance_that_becomes_warm, enters_the_indexes_with_the_load_it_has) {
  Bench s;
  const InstanceId i = s.starting(s.v, 0, at(0s), at(2s));
  s.wait_at(i, s.cls(s.plain), at(1s));
  EXPECT_EQ(s.cluster.row(i).free_at, at(2010ms));
  s.cluster.warm(i, at(2s));
  s.cluster.check_boards();
  EXPECT_EQ(s.row(s.v).starting(), 0U);
  EXPECT_EQ(s.row(s.v).warm(), 1U);
  EXPECT_EQ(s.row(s.v).by_load.least_load(), 1U);
  EXPECT_EQ(s.least(s.v), std::vector<InstanceId>{i});
  EXPECT_EQ(s.view().earliest_free(s.group(s.v)), i);
  EXPECT_EQ(s.cluster.row(i).free_at, at(2010ms));
  EXPECT_EQ(s.cluster[i].warm_at, at(2s));
  s.audit(at(3s));
  EXPECT_EQ(s.cluster[DeviceId{0}].loading, 2'000'000'000);
}

TEST(an_admitted_query, is_in_flight_until_it_is_done) {
  Bench s;
  const VisitId q = s.admit(s.cls(s.plain), at(1s));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster[q].state, VisitState::deciding);
  EXPECT_EQ(s.cluster.board(s.site).tasks[0].arrived, 1U);
  EXPECT_EQ(s.cluster.board(s.site).tasks[0].in_flight, 1U);
  EXPECT_EQ(s.view().in_flight(s.task), 1U);
  s.cluster.query_done(q);
  s.cluster.close(q);
  s.cluster.check_boards();
  EXPECT_EQ(s.view().in_flight(s.task), 0U);
  EXPECT_EQ(s.view().arrived(s.task), 1U);
  EXPECT_EQ(s.cluster.visits_open(), 0U);
  EXPECT_EQ(s.admit(s.cls(s.plain)), q) << "its slot is used again";
}

TEST(a_visit_that_is_sent, counts_as_load_before_it_joins) {
  Bench s;
  const InstanceId i = s.warm(s.v, 0), k = s.warm(s.v, 1);
  EXPECT_EQ(s.least(s.v), (std::vector<InstanceId>{i, k})) << "ties are one span";
  const VisitId q = s.admit(s.cls(s.plain), at(1s));
  s.cluster.send(q, s.cluster.own_line(i));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster[q].state, VisitState::travelling);
  EXPECT_EQ(s.cluster.row(i).load, 1U);
  EXPECT_EQ(s.cluster[s.cluster.own_line(i)].count, 0U);
  EXPECT_EQ(s.least(s.v), std::vector<InstanceId>{k});
  EXPECT_EQ(s.view().counters(i).sent, 1U);
  EXPECT_EQ(s.row(s.v).counters.sent, 1U);
  EXPECT_EQ(s.cluster.row(i).free_at, at(10ms));
  EXPECT_EQ(s.view().earliest_free(s.group(s.v)), k);

  s.cluster.join(q, at(2s));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster[q].state, VisitState::waiting);
  EXPECT_EQ(s.cluster[q].joined, at(2s));
  EXPECT_EQ(s.cluster.row(i).load, 1U);
  EXPECT_EQ(s.cluster[s.cluster.own_line(i)].count, 1U);
  EXPECT_EQ(s.cluster.head(s.cluster.own_line(i)), q);
  s.audit(at(4s));
  EXPECT_EQ(s.cluster[s.cluster.own_line(i)].area, Area{2'000'000'000});
}

TEST(a_batch, takes_the_head_of_the_line_and_what_is_known_of_it_follows_the_profile) {
  Bench s;
  const InstanceId i = s.warm(s.v, 0);
  for (int k = 0; k < 6; ++k) s.wait_at(i, s.cls(s.plain), at(1s));
  EXPECT_EQ(s.cluster.row(i).free_at, at(60ms)) << "a full batch of four, then two, from when it was idle";
  s.run(i, 4, at(2s), 40ms);
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).load, 6U);
  EXPECT_EQ(s.cluster.row(i).in_service, 4U);
  EXPECT_EQ(s.cluster[s.cluster.own_line(i)].count, 2U);
  EXPECT_EQ(s.cluster.row(DeviceId{0}).running, 1U);
  EXPECT_EQ(s.cluster.row(i).free_at, at(2060ms));
  EXPECT_EQ(s.cluster.row(DeviceId{0}).free_at(), at(2060ms));
  EXPECT_EQ(s.cluster[i].batch_items, 4U);
  std::uint64_t serial = 0;
  for (VisitId v = s.cluster[i].batch_head; v; v = s.cluster[v].next) {
    EXPECT_EQ(s.cluster[v].state, VisitState::in_service);
    EXPECT_EQ(s.cluster[v].serial, serial++);
  }
  s.end(i, at(2050ms));  // longer than by profile
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).load, 2U);
  EXPECT_EQ(s.cluster.row(i).in_service, 0U);
  EXPECT_EQ(s.cluster.row(DeviceId{0}).running, 0U);
  EXPECT_EQ(s.cluster.row(i).free_at, at(2070ms));
  EXPECT_EQ(s.cluster.row(i).idle_since, at(2050ms));
  const Counters& c = s.view().counters(i);
  EXPECT_EQ(c.answered, 4U);
  EXPECT_EQ(c.batches, 1U);
  EXPECT_EQ(c.busy, 50ms);
  EXPECT_EQ(c.time_there, 4 * 1050ms);
  EXPECT_EQ(s.row(s.v).counters.answered, 4U);
  EXPECT_EQ(s.view().in_flight(s.task), 2U);
  s.audit(at(3s));
  EXPECT_EQ(s.cluster[DeviceId{0}].busy, 50'000'000);
}

TEST(the_items_of_a_batch, are_summed_and_their_work_weighed) {
  Bench s;
  const InstanceId i = s.warm(s.v, 0);
  for (const auto& [items, work] : {std::pair{std::uint16_t{1}, 1.F}, {std::uint16_t{3}, 2.F}}) {
    const VisitId q = s.admit(s.cls(s.plain), {}, items);
    s.cluster.visit(q).work = work;
    s.cluster.send(q, s.cluster.own_line(i));
    s.cluster.join(q, {});
  }
  EXPECT_EQ(s.cluster[s.cluster.own_line(i)].items, 4U);
  EXPECT_EQ(s.line(i).items(), 4U);
  s.run(i, 2, at(1s), 40ms);
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster[i].batch_items, 4U);
  EXPECT_DOUBLE_EQ(s.cluster[i].batch_work, 7.0 / 4);
  EXPECT_EQ(s.cluster[s.cluster.own_line(i)].items, 0U);
}

TEST(a_visit_that_leaves, uncounts_itself_waiting_or_travelling) {
  Bench s;
  const InstanceId i = s.warm(s.v, 0);
  std::vector<VisitId> q;
  for (int k = 0; k < 3; ++k) q.push_back(s.wait_at(i, s.cls(s.plain), at(1s)));
  q.push_back(s.admit(s.cls(s.plain), at(1s)));
  s.cluster.send(q[3], s.cluster.own_line(i));
  EXPECT_EQ(s.cluster.row(i).load, 4U);
  s.cluster.leave(q[1], at(2s));  // from the middle
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster[q[1]].state, VisitState::deciding);
  EXPECT_EQ(s.line_order(s.cluster.own_line(i)), (std::vector<std::uint64_t>{0, 2}));
  s.cluster.leave(q[3], at(2s));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).load, 2U);
  s.cluster.leave(q[0], at(2s));
  s.cluster.leave(q[2], at(3s));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).load, 0U);
  EXPECT_EQ(s.least(s.v), std::vector<InstanceId>{i});
  s.audit(at(4s));
  const Line& l = s.cluster[s.cluster.own_line(i)];
  EXPECT_EQ(l.joined, 3U);
  EXPECT_EQ(l.left, 3U);
  EXPECT_EQ(l.area, Area{4'000'000'000});
  EXPECT_EQ(l.waits, l.area);
}

TEST(a_draining_instance, leaves_the_indexes_and_stops_when_it_has_nothing) {
  Bench s;
  const InstanceId i = s.warm(s.v, 0), k = s.warm(s.v, 1);
  s.wait_at(i, s.cls(s.plain), at(1s));
  s.cluster.drain(i, at(2s));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).phase, Phase::draining);
  EXPECT_EQ(s.row(s.v).warm(), 1U);
  EXPECT_EQ(s.least(s.v), std::vector<InstanceId>{k});
  EXPECT_EQ(s.view().earliest_free(s.group(s.v)), k);
  s.run(i, 1, at(2s), 10ms);
  s.cluster.check_boards();
  s.end(i, at(2010ms));
  s.cluster.stop(i, at(3s));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).phase, Phase::gone);
  EXPECT_EQ(s.cluster.row(DeviceId{0}).memory_free, 100);
  EXPECT_EQ(s.row(s.v).members, std::vector<InstanceId>{k});
  const InstanceId again = s.warm(s.w, 1, at(3s));
  s.cluster.check_boards();
  EXPECT_EQ(again, i) << "its slot is used again";
  EXPECT_EQ(s.view().counters(again).answered, 0U);
  EXPECT_EQ(s.row(s.v).counters.answered, 1U) << "the group remembers";
  s.audit(at(5s));
}

TEST(a_failed_instance, keeps_its_slot_until_the_last_visit_on_its_way_has_arrived) {
  Bench s;
  const InstanceId i = s.warm(s.v, 0);
  const VisitId q = s.admit(s.cls(s.plain), at(1s));
  s.cluster.send(q, s.cluster.own_line(i));
  const VisitId waiting = s.wait_at(i, s.cls(s.plain), at(1s));
  s.cluster.leave(waiting, at(2s));
  s.cluster.fail(i, at(2s));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).phase, Phase::gone);
  EXPECT_EQ(s.cluster.row(i).load, 1U);
  EXPECT_EQ(s.cluster.row(DeviceId{0}).memory_free, 100);
  const InstanceId other = s.warm(s.v, 1, at(2s));
  EXPECT_NE(other, i);
  s.cluster.leave(q, at(3s));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).load, 0U);
  EXPECT_EQ(s.warm(s.v, 0, at(3s)), i);
  s.cluster.check_boards();
  s.audit(at(4s));
}

TEST(a_starting_instance_that_fails, ends_its_load) {
  Bench s;
  const InstanceId i = s.starting(s.v, 0, at(0s), at(5s));
  s.cluster.fail(i, at(2s));
  s.cluster.check_boards();
  EXPECT_EQ(s.row(s.v).starting(), 0U);
  s.audit(at(10s));
  EXPECT_EQ(s.cluster[DeviceId{0}].loading, 2'000'000'000);
  EXPECT_EQ(s.cluster[DeviceId{0}].idle, 8'000'000'000);
}

TEST(an_exclusive_device, makes_its_instances_wait_for_each_other) {
  Bench s;
  const InstanceId i = s.warm(s.v, 0), k = s.warm(s.w, 0);
  s.wait_at(i, s.cls(s.plain), at(1s));
  s.wait_at(k, s.cls(s.plain), at(1s));
  s.cluster.check_boards();
  // 10 ms of v and 20 ms of w wait: both are free after both.
  EXPECT_EQ(s.cluster.row(i).free_at, at(30ms));
  EXPECT_EQ(s.cluster.row(k).free_at, at(30ms));
  EXPECT_EQ(s.cluster.row(DeviceId{0}).free_at(), at(30ms));
  s.run(i, 1, at(1s), 10ms);
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(k).free_at, at(1030ms));
  s.end(i, at(1010ms));
  s.run(k, 1, at(1010ms), 20ms);
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).free_at, at(1030ms));
  s.end(k, at(1030ms));
  s.cluster.check_boards();
  s.cluster.stop(k, at(2s));
  s.cluster.check_boards();
  s.wait_at(i, s.cls(s.plain), at(3s));
  s.cluster.check_boards();
  EXPECT_EQ(s.view(at(3s)).device(DeviceId{0}).pending, 10ms);
  s.audit(at(4s));
}

TEST(a_partitioned_device, keeps_the_times_of_its_instances_apart) {
  Bench s;
  const InstanceId i = s.warm(s.c, 2), k = s.warm(s.c, 2);
  EXPECT_EQ(s.cluster.row(DeviceId{2}).cores_free, 0U);
  EXPECT_FALSE(s.cluster.fits(s.group(s.c), DeviceId{2})) << "no cores left";
  for (int n = 0; n < 2; ++n) s.wait_at(i, s.cls(s.plain), at(1s));
  s.wait_at(k, s.cls(s.plain), at(1s));
  s.run(i, 1, at(1s), 50ms);
  s.run(k, 1, at(1s), 50ms);
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(DeviceId{2}).running, 2U);
  EXPECT_EQ(s.cluster.row(i).free_at, at(1100ms));
  EXPECT_EQ(s.cluster.row(k).free_at, at(1050ms));
  EXPECT_EQ(s.view().earliest_free(s.group(s.c)), k);
  s.end(k, at(1040ms));
  s.end(i, at(1060ms));
  s.cluster.check_boards();
  s.audit(at(2s));
  EXPECT_EQ(s.cluster[DeviceId{2}].busy, 60'000'000);
  EXPECT_EQ(s.cluster[DeviceId{2}].concurrent, 100'000'000);
}

TEST(a_smaller_batch_cap, lengthens_what_is_known_to_wait) {
  Three three;
  three.b.catalog.variants[three.w.index()].profile = Profile({1}, {{0ms, 20ms, 30ms}});
  ClusterBench s(three.b);
  const InstanceId i = s.warm(three.w, 0);
  for (int n = 0; n < 4; ++n) s.wait_at(i, s.world->class_of(three.plain));
  EXPECT_EQ(s.cluster.row(i).free_at, at(60ms));
  s.cluster.set_batch_cap(s.group(three.w), 1);
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).free_at, at(80ms));
  EXPECT_EQ(s.cluster.row(s.group(three.w)).by_free.earliest_time(), at(80ms));
}

TEST(a_shared_line, is_no_ones_load_until_a_batch_is_taken_from_it) {
  Bench s;
  const InstanceId i = s.warm(s.v, 0);
  const LineId line = s.cluster.shared_line(s.group(s.v));
  for (int k = 0; k < 3; ++k) s.join(line, s.plain, at(1s), at(1s));
  EXPECT_EQ(s.row(s.v).waiting, 3U);
  EXPECT_EQ(s.row(s.v).counters.sent, 3U);
  EXPECT_EQ(s.cluster.row(i).load, 0U);
  s.cluster.begin(i, line, 2, at(2s));
  s.cluster.run(i, at(2s), at(2020ms));
  s.cluster.check_boards();
  EXPECT_EQ(s.row(s.v).waiting, 1U);
  EXPECT_EQ(s.cluster.row(i).load, 2U);
  EXPECT_EQ(s.cluster.row(i).free_at, at(2020ms));
  s.end(i, at(2020ms));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).load, 0U);
  const VisitId last = s.cluster.head(line);
  s.cluster.leave(last, at(3s));
  s.cluster.check_boards();
  EXPECT_EQ(s.row(s.v).waiting, 0U);
  s.audit(at(3s));
}

TEST(a_held_visit, waits_in_the_line_of_its_variant) {
  Bench s;
  const LineId line = s.cluster.held_line(ControllerId{0}, s.w);
  const VisitId q = s.join(line, s.plain, at(1s), at(1s));
  EXPECT_EQ(s.cluster[q].state, VisitState::held);
  EXPECT_EQ(s.cluster.head(line), q);
  s.cluster.leave(q, at(2s));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster[line].count, 0U);
}

TEST(a_line_of_several_classes, is_in_order_of_arrival_over_all_of_them) {
  Bench s;
  const InstanceId i = s.warm(s.v, 0);
  const LineId line = s.cluster.own_line(i);
  const std::size_t classes[] = {s.plain, s.second, s.urgent};
  std::vector<VisitId> q;
  // They join out of order of arrival: a visit that travelled far arrived at its origin earlier.
  const Duration arrivals[] = {50ms, 10ms, 30ms, 20ms, 60ms, 40ms, 70ms};
  for (std::size_t k = 0; k < std::size(arrivals); ++k) q.push_back(s.join(line, classes[k % 3], at(arrivals[k]), at(100ms)));
  EXPECT_EQ(s.line_order(line), (std::vector<std::uint64_t>{1, 3, 2, 5, 0, 4, 6}));
  EXPECT_EQ(s.cluster.head(line), q[1]);
  std::vector<Time> seen;
  for (const QueryView v : s.line(i)) seen.push_back(v.arrival());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.size(), 7U);
  s.cluster.leave(q[5], at(200ms));  // from the middle of a lane
  s.cluster.check_boards();
  EXPECT_EQ(s.line_order(line), (std::vector<std::uint64_t>{1, 3, 2, 0, 4, 6}));
  s.run(i, 4, at(300ms), 40ms);  // over three lanes
  s.cluster.check_boards();
  EXPECT_EQ(s.line_order(line), (std::vector<std::uint64_t>{4, 6}));
  s.end(i, at(340ms));
  // Lanes are used again by other classes.
  s.run(i, 2, at(400ms), 20ms);
  s.end(i, at(420ms));
  for (int k = 0; k < 3; ++k) s.wait_at(i, s.cls(classes[k]), at(500ms));
  s.cluster.check_boards();
  EXPECT_EQ(s.line_order(line).size(), 3U);
  s.audit(at(1s));
}

TEST(a_line_by_deadline, puts_the_earliest_deadline_first) {
  Bench s;
  s.cluster.set_line_rules(SiteId{0}, LineOrder::by_deadline, {});
  const InstanceId i = s.warm(s.v, 0);
  const LineId line = s.cluster.own_line(i);
  s.join(line, s.plain, at(0s), at(10s));       // never due
  s.join(line, s.second, at(1s), at(10s));      // due at 6 s
  s.join(line, s.urgent, at(2s), at(10s));      // due at 3 s
  s.join(line, s.second, at(500ms), at(10s));   // due at 5.5 s
  s.join(line, s.urgent, at(4500ms), at(10s));  // due at 5.5 s too: the earlier arrival first
  EXPECT_EQ(s.line_order(line), (std::vector<std::uint64_t>{2, 3, 4, 1, 0}));
  s.run(i, 3, at(10s), 30ms);
  EXPECT_EQ(s.line_order(line), (std::vector<std::uint64_t>{1, 0}));
}

TEST(a_line_by_priority, puts_the_highest_first_and_equal_ones_by_arrival) {
  Bench s;
  s.cluster.set_line_rules(SiteId{0}, LineOrder::by_priority, {});
  const InstanceId i = s.warm(s.v, 0);
  const LineId line = s.cluster.own_line(i);
  for (const auto& [declaration, arrival] : {std::pair{s.plain, 0s}, {s.high, 3s}, {s.plain, 1s}, {s.high, 2s}})
    s.join(line, declaration, at(arrival), at(10s));
  EXPECT_EQ(s.line_order(line), (std::vector<std::uint64_t>{3, 1, 0, 2}));
  s.run(i, 3, at(10s), 30ms);
  EXPECT_EQ(s.line_order(line), (std::vector<std::uint64_t>{2}));
  s.end(i, at(11s));
  s.audit(at(12s));
}

TEST(a_line_of_the_newest_first, is_in_reverse_order_of_arrival_also_of_those_that_travelled_longer) {
  Bench s;
  s.cluster.set_line_rules(SiteId{0}, LineOrder::newest, {});
  const InstanceId i = s.warm(s.v, 0);
  const LineId line = s.cluster.own_line(i);
  for (const auto& [declaration, arrival] : {std::pair{s.plain, 1s}, {s.plain, 3s}, {s.second, 2s}, {s.plain, 0s}, {s.plain, 4s}})
    s.join(line, declaration, at(arrival), at(10s));
  EXPECT_EQ(s.line_order(line), (std::vector<std::uint64_t>{4, 1, 2, 0, 3}));
  s.run(i, 2, at(10s), 20ms);
  EXPECT_EQ(s.line_order(line), (std::vector<std::uint64_t>{2, 0, 3}));
  s.end(i, at(11s));
  s.audit(at(12s));
}

TEST(rules_of_lines, hold_for_own_and_shared_lines_of_their_site) {
  Bench s;
  s.cluster.set_line_rules(SiteId{0}, LineOrder::by_deadline, {7, 8, 9});
  const InstanceId i = s.warm(s.w, 0);
  EXPECT_EQ(s.cluster[s.cluster.own_line(i)].bound, 8U);
  EXPECT_EQ(s.cluster[s.cluster.own_line(i)].order, LineOrder::by_deadline);
  EXPECT_EQ(s.cluster[s.cluster.shared_line(s.group(s.c))].bound, 9U);
  EXPECT_EQ(s.cluster[s.cluster.late_line(s.task, s.site)].order, LineOrder::by_deadline);
  EXPECT_EQ(s.cluster[s.cluster.held_line(ControllerId{0}, s.v)].bound, unbounded);
}

TEST(a_gathering, is_in_flight_once) {
  Bench s;
  const InstanceId i = s.warm(s.v, 0);
  const VisitId first = s.admit(s.cls(s.plain), at(1s));
  const GatheringId g = s.cluster.gather(first);
  EXPECT_EQ(s.cluster[first].gathering, g);
  EXPECT_EQ(s.cluster[g].open, 1U);
  s.cluster.visit(first).flags.measured = true;
  s.cluster.visit(first).flags.triggered_load = true;
  s.cluster.visit(first).stale = 2;
  const VisitId again = s.cluster.add_visit(first);
  s.cluster.gathering(g).visits[1] = again;
  s.cluster.check_boards();
  EXPECT_EQ(s.view().in_flight(s.task), 1U);
  EXPECT_EQ(s.view().arrived(s.task), 1U);
  EXPECT_EQ(s.cluster[again].serial, s.cluster[first].serial);
  EXPECT_EQ(s.cluster[again].arrival, at(1s));
  EXPECT_EQ(s.cluster[again].gathering, g);
  EXPECT_EQ(s.cluster[again].stale, 0);
  EXPECT_TRUE(s.cluster[again].flags.measured);
  EXPECT_FALSE(s.cluster[again].flags.triggered_load);
  s.cluster.send(again, s.cluster.own_line(i));
  s.cluster.join(again, at(1s));
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.row(i).load, 1U);
  s.cluster.gathering(g).resolved = true;
  s.cluster.query_done(first);
  s.cluster.leave(again, at(2s));
  s.cluster.close(again);
  s.cluster.close(first);
  s.cluster.release(g);
  s.cluster.check_boards();
  EXPECT_EQ(s.cluster.gatherings_open(), 0U);
  EXPECT_EQ(s.cluster.visits_open(), 0U);
}

TEST(a_load, pays_for_what_node_and_device_have_not_seen) {
  Bench s;
  const auto load = [&](VariantId v, std::size_t device) {
    const InstanceId i = s.cluster.start(s.group(v), DeviceId{device}, 0, 1, StartCause::held, {});
    return s.cluster.pay_load(i);
  };
  LoadParts p = load(s.v, 0);
  EXPECT_TRUE(p.from_store && p.build && p.runtime_init);
  EXPECT_EQ(p.nth, 0U);
  p = load(s.v, 0);
  EXPECT_FALSE(p.from_store || p.build || p.runtime_init);
  EXPECT_EQ(p.nth, 1U);
  p = load(s.w, 0);
  EXPECT_TRUE(p.from_store && p.build);
  EXPECT_FALSE(p.runtime_init) << "a process of its framework is there";
  p = load(s.v, 1);
  EXPECT_TRUE(p.from_store && p.build && p.runtime_init) << "another node";
}

TEST(a_node_that_goes_down, is_off_in_the_accounts) {
  Bench s;
  s.cluster.node_phase(NodeId{0}, NodePhase::off, at(2s));
  s.cluster.check_boards();
  EXPECT_FALSE(s.cluster.row(DeviceId{0}).up);
  EXPECT_FALSE(s.cluster.fits(s.group(s.v), DeviceId{0}));
  s.cluster.node_phase(NodeId{0}, NodePhase::up, at(5s));
  s.audit(at(10s));
  EXPECT_EQ(s.cluster[DeviceId{0}].off, 3'000'000'000);
  EXPECT_EQ(s.cluster[NodeId{0}].on, 7'000'000'000);
  EXPECT_EQ(s.cluster[NodeId{1}].on, 10'000'000'000);
}

TEST(a_node, is_counted_by_phase_in_its_pool_and_takes_instances_only_when_up) {
  Bench s;
  const auto pool = [&] { return s.view().pool(PoolId{0}); };
  EXPECT_EQ(pool().up, 2U);
  s.cluster.node_phase(NodeId{0}, NodePhase::draining, at(1s));
  EXPECT_TRUE(s.cluster.row(DeviceId{0}).up) << "what it has is still served";
  EXPECT_FALSE(s.cluster.accepts(DeviceId{0}));
  EXPECT_FALSE(s.cluster.fits(s.group(s.v), DeviceId{0}));
  EXPECT_EQ(pool().up, 1U);
  EXPECT_EQ(pool().draining, 1U);
  s.cluster.check_boards();
  s.cluster.node_phase(NodeId{0}, NodePhase::off, at(2s));
  s.cluster.boot(NodeId{0}, at(7s), at(4s));
  EXPECT_EQ(s.cluster[NodeId{0}].boot_ends, at(7s));
  EXPECT_FALSE(s.cluster.row(DeviceId{0}).up);
  EXPECT_EQ(pool().booting, 1U);
  s.cluster.check_boards();
  s.cluster.node_phase(NodeId{0}, NodePhase::up, at(7s));
  EXPECT_EQ(s.cluster[NodeId{0}].boot_ends, never);
  EXPECT_EQ(pool().up, 2U);
  s.cluster.node_phase(NodeId{1}, NodePhase::failed, at(8s));
  EXPECT_EQ(pool().up, 1U);
  s.audit(at(10s));
  EXPECT_EQ(s.cluster[NodeId{0}].on, 8'000'000'000) << "booting, up and draining are paid for";
  EXPECT_EQ(s.cluster[NodeId{1}].on, 8'000'000'000);
  EXPECT_EQ(s.cluster[DeviceId{0}].off, 5'000'000'000);
}

TEST(a_node_that_was_off, comes_up_with_an_empty_disk_and_one_that_failed_does_not) {
  Bench s;
  const auto load = [&](std::size_t device) {
    const InstanceId i = s.cluster.start(s.group(s.v), DeviceId{device}, 0, 1, StartCause::held, {});
    const LoadParts parts = s.cluster.pay_load(i);
    s.cluster.warm(i, {});
    s.cluster.stop(i, {});
    return parts;
  };
  load(0);
  load(1);
  s.cluster.node_phase(NodeId{0}, NodePhase::off, at(1s));
  s.cluster.node_phase(NodeId{1}, NodePhase::failed, at(1s));
  s.cluster.node_phase(NodeId{0}, NodePhase::up, at(2s));
  s.cluster.node_phase(NodeId{1}, NodePhase::up, at(2s));
  const LoadParts ordered = load(0), restored = load(1);
  EXPECT_TRUE(ordered.from_store && ordered.build);
  EXPECT_EQ(ordered.nth, 1U) << "the draw of a load time is keyed by all loads there";
  EXPECT_FALSE(restored.from_store || restored.build);
}

TEST(the_core_option_of_a_group, is_that_of_its_instances_to_come) {
  Three b;
  b.b.catalog.variants[b.c.index()].profile = Profile({1, 3}, {{0ms, 60ms}, {0ms, 20ms}});
  ClusterBench s(b.b);
  const GroupId g = s.group(b.c);
  const auto start = [&](Time now) {
    const InstanceId i = s.cluster.start(g, DeviceId{2}, s.cluster.row(g).option, 1, StartCause::plan, now);
    s.cluster.warm(i, now);
    s.cluster.check_boards();
    return i;
  };
  const InstanceId small = start({});
  s.cluster.set_option(g, 1);
  EXPECT_EQ(s.cluster.cores_of(g), 3U);
  EXPECT_TRUE(s.cluster.fits(g, DeviceId{2}));
  const InstanceId large = start({});
  EXPECT_FALSE(s.cluster.fits(g, DeviceId{2})) << "no core left";
  EXPECT_EQ(s.cluster.row(small).cores, 1U);
  EXPECT_EQ(s.cluster.row(large).cores, 3U);
  EXPECT_EQ(s.cluster.row(DeviceId{2}).cores_free, 0U);
  const ClassId cls = s.world->class_of(b.plain);
  s.wait_at(small, cls, at(1s));
  s.wait_at(large, cls, at(1s));
  EXPECT_EQ(s.cluster.row(small).free_at - s.cluster.row(large).free_at, 40ms) << "what waits is known by the table of the option";
}

TEST(held_memory, is_the_sum_over_instances) {
  Bench s;
  const InstanceId i = s.warm(s.v, 0, at(1s));
  s.warm(s.w, 0, at(2s));
  s.cluster.stop(i, at(4s));
  s.audit(at(10s));
  EXPECT_EQ(s.cluster[DeviceId{0}].memory_area, Area{30} * 3'000'000'000 + Area{40} * 8'000'000'000);
}

TEST(a_copy_of_a_board, is_an_old_view) {
  Bench s;
  const InstanceId i = s.warm(s.v, 0), k = s.warm(s.v, 1);
  s.wait_at(i, s.cls(s.plain));
  const Board copy = s.cluster.board(s.site);
  Knowledge old = s.knowledge;
  old.look_at(*s.world, {&copy});
  s.wait_at(k, s.cls(s.plain));
  s.wait_at(k, s.cls(s.plain));
  const ClusterView then{old, at(1s)}, now = s.view(at(1s));
  EXPECT_EQ(then.least_loaded(s.group(s.v))[0], k);
  EXPECT_EQ(now.least_loaded(s.group(s.v))[0], i);
}

}  // namespace
}  // namespace tideline

// What a query's way takes beside links: access links, new connections, images made smaller at their origin; and networks that go on
// after an early exit.
#include "tests/support/test_policies.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace tideline {
namespace {

using namespace test;

/// Clients at "edge", a variant of 100 ms at "core", 10 ms and `bytes_per_s` away.
struct Far {
  WorldBuilder b;
  SiteId edge = b.site("edge"), core = b.site("core");
  TaskId task = b.task("t");
  HardwareId gpu = b.hardware("gpu");
  VariantId v = b.variant("v", task, gpu, 0.7, 100ms);
  std::size_t cls;
  explicit Far(double bytes_per_s = 0, Duration slo = forever) : cls(b.add_class(task, slo)) {
    b.link(edge, core, 10ms, bytes_per_s);
    b.pool("gpus", core, gpu, 1);
  }
  /// The only query's end: it has 100,000 bytes, its answer 50,000.
  QueryEnd end() {
    ServingBench s(b);
    s.warm_at_start(v, 0);
    s.arrive(cls, {at(1s)}, edge, 100'000, 50'000);
    s.run();
    EXPECT_TRUE(s.cluster().audit_accounts(s.simulation->now()).empty());
    return s.end(0);
  }
};

TEST(an_access_link, is_crossed_by_the_query_and_by_its_answer) {
  for (const double link : {0.0, 1e7}) {  // delays alone, and transfers that share a bandwidth
    Far p(link);
    p.b.topology.access = {{3ms, 1e6}, {}};
    const Duration ways = link > 0 ? 20ms + 10ms + 5ms : 20ms, access = 3ms + 100ms + 3ms + 50ms;
    const QueryEnd e = p.end();
    EXPECT_EQ(e.finish, at(1s) + 100ms + ways + access);
    EXPECT_EQ(e.network, ways + access);
    EXPECT_EQ(e.queue, 0s);
  }
}

TEST(an_access_link, of_a_query_that_is_served_at_its_site) {
  Far p(1e7);
  p.b.topology.access = {{}, {3ms, 0}};
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.arrive(p.cls, {at(1s), at(1s)}, p.core);
  s.run();
  EXPECT_EQ(s.end(0).finish, at(1106ms));
  EXPECT_EQ(s.end(1).finish, at(1206ms));
  EXPECT_EQ(s.end(1).network, 6ms);
  EXPECT_EQ(s.end(1).queue, 100ms);
}

TEST(an_access_link, leaves_policies_the_time_that_it_does_not_take) {
  Far p(0, 200ms);
  p.b.topology.access = {{3ms, 1e6}, {}};
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  Time now{}, deadline{};
  s.script.select = [&](const QueryView& q, ClusterView view) {
    now = view.now();
    deadline = q.deadline();
    return Selection::one(VariantId{0});
  };
  s.arrive(p.cls, {at(1s)}, p.edge, 100'000);
  s.run();
  EXPECT_EQ(now, at(1103ms));
  EXPECT_EQ(deadline, at(1197ms));
}

TEST(an_access_link, counts_once_for_an_answer_that_several_visits_make) {
  Far p(1e7);
  p.b.topology.access = {{3ms, 0}, {}};
  const VariantId w = p.b.variant("w", p.task, p.gpu, 0.6, 100ms);
  p.b.pool("more", p.core, p.gpu, 1);
  ServingBench s(p.b);
  s.warm_at_start(p.v, 0);
  s.warm_at_start(w, 1);
  s.script.select = [&](const QueryView&, ClusterView) {
    Selection both = Selection::one(p.v);
    both.variants[both.count++] = w;
    both.quorum = 2;
    return both;
  };
  s.arrive(p.cls, {at(1s)}, p.edge);
  s.run();
  EXPECT_EQ(s.end(0).finish, at(1126ms));
  EXPECT_EQ(s.end(0).network, 26ms);
  EXPECT_EQ(s.end(0).queue, 0s);
}

/// Kurose and Ross, Computer Networking, section on TCP latency, with segments of no size: of K windows that hold the bytes all but the
/// last may stall, and of those the first Q whose sending takes less than a round trip: P (rtt + 0) - (2^P - 1) window / rate.
double slow_start_s(double bytes, double rtt_s, double rate) {
  const double window = 14'600;
  const double k = std::ceil(std::log2(bytes / window + 1)), q = rate > 0 ? std::ceil(std::log2(rtt_s * rate / window)) : 1e9;
  const double p = std::max(0.0, std::min(q, k - 1));
  return p * rtt_s - (rate > 0 ? (std::exp2(p) - 1) * window / rate : 0);
}

TEST(a_new_connection, takes_a_round_trip_and_the_stalls_of_slow_start) {
  for (const double rate : {0.0, 1e5, 1e6, 1e7, 1e9})
    for (const double bytes : {1.0, 14'600.0, 14'601.0, 43'800.0, 43'801.0, 1e6, 3e7}) {
      Far p(rate);
      p.b.topology.transport = Transport::new_connection;
      const auto world = p.b.build();
      const Route& r = world->topology().route(p.edge, p.core);
      const double plain = 0.01 + (rate > 0 ? bytes / rate : 0), stalls = slow_start_s(bytes, 0.02, rate);
      EXPECT_NEAR(to_seconds(r.time(static_cast<std::uint64_t>(bytes))), plain + 0.02 + stalls, 1e-8) << rate << ' ' << bytes;
      EXPECT_NEAR(to_seconds(r.time_back(static_cast<std::uint64_t>(bytes))), plain + stalls, 1e-8) << rate << ' ' << bytes;
    }
}

TEST(a_new_connection, is_paid_for_by_a_query_and_slow_start_by_its_answer_too) {
  for (const double link : {0.0, 1e7}) {
    Far p(link);
    p.b.topology.transport = Transport::new_connection;
    const QueryEnd e = p.end();
    const double stalls = slow_start_s(100'000, 0.02, link) + slow_start_s(50'000, 0.02, link);
    const double ways = 0.02 + (link > 0 ? 0.015 : 0);
    EXPECT_NEAR(to_seconds(e.network), ways + 0.02 + stalls, 1e-8);
    EXPECT_EQ(e.finish, at(1100ms) + e.network);
  }
}

TEST(an_image_made_smaller, travels_with_the_bytes_that_the_variant_wants) {
  for (const double link : {0.0, 1e6}) {
    Far p(link);
    Variant& v = p.b.catalog.variants[0];
    v.resolution = 100;  // 30,000 bytes
    v.pre = v.pre_at_origin = 7ms;
    v.profile.shorten(7ms);
    p.b.topology.bytes_per_pixel = 1;
    const QueryEnd e = p.end();
    EXPECT_EQ(e.service, 93ms);
    EXPECT_EQ(e.network, 7ms + 20ms + (link > 0 ? 30ms + 50ms : 0ms));
    EXPECT_EQ(e.finish, at(1093ms) + e.network);
  }
}

TEST(an_image_made_smaller, is_made_so_for_a_variant_at_its_site_too) {
  for (const double link : {0.0, 1e6}) {
    Far p(link);
    Variant& v = p.b.catalog.variants[0];
    v.resolution = 100;
    v.pre = v.pre_at_origin = 7ms;
    v.profile.shorten(7ms);
    p.b.topology.bytes_per_pixel = 1;
    ServingBench s(p.b);
    s.warm_at_start(p.v, 0);
    s.arrive(p.cls, {at(1s)}, p.core, 100'000);
    s.run();
    EXPECT_EQ(s.end(0).finish, at(1100ms));
    EXPECT_EQ(s.end(0).network, 7ms);
    EXPECT_EQ(s.end(0).service, 93ms);
  }
}

/// Two devices at one site; "exit" is "whole" up to an exit at 40 of 100 ms. Every query runs both; `second` says on which device the
/// whole network runs.
QueryEnd after_exit(std::size_t second, bool resumes = true) {
  WorldBuilder b;
  const SiteId site = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  const VariantId exit = b.variant("exit", t, gpu, 0.6, 40ms), whole = b.variant("whole", t, gpu, 0.8, 100ms);
  if (resumes) b.catalog.variants.back().resumes = exit;
  b.pool("p", site, gpu, 2);
  const std::size_t cls = b.add_class(t);
  ServingBench s(b);
  s.warm_at_start(exit, 0);
  s.warm_at_start(whole, second);
  s.script.select = [&](const QueryView&, ClusterView) {
    Selection first = Selection::one(exit);
    first.may_escalate = true;
    first.combine = Combine::last;
    return first;
  };
  s.script.escalate = [&](const QueryView&, const StageResult& r, ClusterView) {
    if (r.variant != exit) return Selection::reject();
    Selection next = Selection::one(whole);
    next.combine = Combine::last;
    return next;
  };
  s.arrive(cls, {at(1s)});
  s.run();
  return s.end(0);
}

TEST(a_network_after_its_early_exit, does_only_the_rest_on_the_same_device) {
  EXPECT_NEAR(to_seconds(after_exit(0).finish), 1.1, 1e-8);
  EXPECT_NEAR(to_seconds(after_exit(0).service), 0.1, 1e-8);
}

TEST(a_network_after_its_early_exit, begins_anew_on_another_device) { EXPECT_EQ(after_exit(1).finish, at(1140ms)); }

TEST(a_network_after_its_early_exit, is_another_network_unless_the_catalog_says_so) { EXPECT_EQ(after_exit(0, false).finish, at(1140ms)); }

}  // namespace
}  // namespace tideline

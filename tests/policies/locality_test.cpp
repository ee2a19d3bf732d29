// Dispatch by expected latency and by what moving the payload costs (policies.md D6).
//
// Whose examples these are:
//   locality: doi:10.1145/1755913.1755940
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {
namespace {

using namespace test;

/// A site where queries come from and two others behind links of 10 ms: one instance of 1 ms at each; payloads of 1 MB.
struct Sites {
  static constexpr double bytes = 1e6;
  WorldBuilder b;
  VariantId v;
  std::unique_ptr<ClusterBench> bench;
  InstanceId local, near, far;

  explicit Sites(double bytes_per_s, double price_per_byte = 0, bool warm = true) {
    const HardwareId gpu = b.hardware("gpu");
    const TaskId t = b.task("classify");
    v = b.variant("net", t, gpu, 0.7, 1ms);
    for (const char* name : {"edge", "metro", "core"}) {
      const SiteId site = b.site(name);
      if (site.index() > 0) {
        b.link(SiteId{site.index() - 1U}, site, 10ms, bytes_per_s);
        b.topology.links.back().price_per_byte_usd = price_per_byte;
      }
      b.pool(name, site, gpu, 1);
    }
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
    if (!warm) return;
    local = bench->warm(v, 0);
    near = bench->warm(v, 1);
    far = bench->warm(v, 2);
  }
  std::unique_ptr<DispatchPolicy> make(const param::Object& parameters = {}) const {
    return test::make<DispatchPolicy>(locality(), bench->setup(), parameters);
  }
  Dispatch ask(DispatchPolicy& p, SiteId origin = SiteId{0}) {
    const VisitId q = bench->admit(ClassId{0}, {}, 1, origin);
    bench->cluster.visit(q).payload_bytes = static_cast<std::uint32_t>(bytes);
    const Dispatch d = p.place(bench->query(q), v, bench->view());
    bench->cluster.query_done(q);
    bench->cluster.close(q);
    return d;
  }
  /// The least work at the edge, in ns, with which the query goes elsewhere.
  Duration crossing(const param::Object& parameters = {}) {
    const auto p = make(parameters);
    bench->wait_at(local, ClassId{0});
    bench->run(local, 1, {}, 0ns);
    std::int64_t stays = 0, goes = 100'000'000'000;
    while (goes - stays > 1) {
      const std::int64_t work = (stays + goes) / 2;
      bench->cluster.run(local, {}, Time{} + Duration{work});
      (ask(*p).instance == local ? stays : goes) = work;
    }
    return Duration{goes};
  }
};

// "bandwidth halved -> crossing point of local vs remote moves by bytes/bw exactly".
TEST(Locality, the_work_at_which_a_query_leaves_grows_by_bytes_over_bandwidth_when_the_bandwidth_is_halved) {
  // There 10 ms + 1 MB / 100 MB/s, back 10 ms: with more work than that at the edge the query goes.
  EXPECT_EQ(Sites(100e6).crossing(), 30ms + 1ns);
  EXPECT_EQ(Sites(50e6).crossing(), 30ms + 10ms + 1ns);
  // Counted once more by its weight, it moves twice as far.
  EXPECT_EQ(Sites(100e6).crossing({{"extra_weight", 1}}), 40ms + 1ns);
  EXPECT_EQ(Sites(50e6).crossing({{"extra_weight", 1}}), 40ms + 20ms + 1ns);
}

TEST(Locality, a_dollar_of_transfer_counts_as_so_many_seconds) {
  // 1 MB at 1e-9 USD a byte is 0.001 USD: at 5 s a dollar, 5 ms.
  EXPECT_EQ(Sites(100e6, 1e-9).crossing({{"price_weight", 5}}), 35ms + 1ns);
  EXPECT_EQ(Sites(100e6, 1e-9).crossing(), 30ms + 1ns) << "which is nothing by default";
}

TEST(Locality, stays_local_while_it_would_gain_less_than_its_stickiness) {
  // It goes once the gain is the stickiness.
  EXPECT_EQ(Sites(100e6).crossing({{"stickiness_s", 0.007}}), 37ms);
  Sites s(100e6);
  s.bench->wait_at(s.local, ClassId{0});
  s.bench->run(s.local, 1, {}, 33ms);
  const auto sticky = s.make({{"stickiness_s", 0.007}});
  const Dispatch kept = s.ask(*sticky);
  EXPECT_EQ(kept.instance, s.local);
  EXPECT_EQ(kept.runner_up, s.near);
  EXPECT_EQ(sticky->reasons()[kept.reason], "kept_local");
  // A query from the core, whose own site is as loaded, stays there; what is near but not its own site is not preferred.
  s.bench->cluster.stop(s.far, {});
  const Dispatch elsewhere = s.ask(*sticky, SiteId{2});
  EXPECT_EQ(elsewhere.instance, s.near);
  EXPECT_EQ(sticky->reasons()[elsewhere.reason], "nearest");
}

TEST(Locality, with_its_defaults_answers_as_least_expected_latency_does) {
  Sites s(100e6, 1e-9);
  const auto p = s.make();
  const auto plain = make<DispatchPolicy>(least_expected_latency(), s.bench->setup());
  Stream draw(3);
  int elsewhere = 0;
  for (int k = 0; k < 400; ++k) {
    const SiteId origin{below(draw, 3)};
    const Dispatch d = s.ask(*p, origin), e = s.ask(*plain, origin);
    ASSERT_EQ(d.instance, e.instance);
    ASSERT_EQ(d.runner_up, e.runner_up);
    if (s.bench->view().site_of(d.instance) != origin) ++elsewhere;
    const std::vector<InstanceId> all{s.local, s.near, s.far};
    s.bench->wait_at(all[below(draw, 10) < 7 ? 0 : below(draw, 3)], ClassId{0});
  }
  EXPECT_GT(elsewhere, 50);
}

TEST(Locality, goes_to_allowed_sites_only) {
  Sites s(100e6);
  const auto p = s.make({{"allowed_sites", param::List{"edge", "core"}}});
  EXPECT_EQ(s.ask(*p, SiteId{1}).instance, s.local) << "not even where the query comes from: the lowest site of two as near";
  for (int k = 0; k < 200; ++k) {
    const InstanceId i = s.ask(*p).instance;
    ASSERT_NE(i, s.near);
    s.bench->wait_at(i, ClassId{0});
  }
  EXPECT_GT(s.bench->view().instance(s.far).load, 0U);
}

/// Queries come from the edge, and the only hardware is at the core.
struct OnlyAtTheCore {
  WorldBuilder b;
  VariantId v;
  OnlyAtTheCore() {
    const SiteId edge = b.site("edge"), core = b.site("core");
    b.link(edge, core, 10ms);
    const TaskId t = b.task("classify");
    const HardwareId gpu = b.hardware("gpu");
    v = b.variant("net", t, gpu, 0.7, 1ms);
    b.pool("gpus", core, gpu, 1);
    b.add_class(t);
  }
};

TEST(Locality, starts_an_instance_at_an_allowed_site_or_rejects) {
  Sites s(100e6, 0, false);
  const auto p = s.make({{"allowed_sites", param::List{"core"}}});
  s.bench->warm(s.v, 0);
  const Dispatch first = s.ask(*p);
  EXPECT_EQ(first.answer, Dispatch::Answer::site);
  EXPECT_EQ(first.site, SiteId{2});
  s.bench->starting(s.v, 2, {}, Time{} + 1s);
  EXPECT_EQ(s.ask(*p).answer, Dispatch::Answer::hold) << "one is on its way there";
  const OnlyAtTheCore w;
  ClusterBench bench(w.b);
  bench.warm(w.v, 0);
  const auto at_the_edge = make<DispatchPolicy>(locality(), bench.setup(), {{"allowed_sites", param::List{"edge"}}});
  const Dispatch none = at_the_edge->place(bench.query(bench.admit(ClassId{0})), w.v, bench.view());
  EXPECT_EQ(none.answer, Dispatch::Answer::none);
  EXPECT_EQ(at_the_edge->reasons()[none.reason], "no_allowed_site");
}

TEST(Locality, refuses_a_site_that_does_not_exist) {
  const Sites s(100e6);
  try {
    s.make({{"allowed_sites", param::List{"croe"}}});
    ADD_FAILURE() << "accepted";
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "there is no site \"croe\"; did you mean \"core\"?");
  }
}

// A whole run, cold, with more load than the allowed site takes: nothing is answered elsewhere, and nothing is lost.
TEST(Locality, keeps_data_where_it_is_allowed_through_a_run) {
  for (const bool confined : {false, true}) {
    const Sites s(100e6);
    RunBench r(s.b);
    if (confined)
      r.use(locality(), {{"allowed_sites", param::List{"edge"}}});
    else
      r.use(locality());
    r.arrivals(std::make_unique<PoissonSource>(5, 900, 5000));
    r.warm_at_start(s.v, 1);
    r.warm_at_start(s.v, 2);
    r.run();
    ASSERT_EQ(r.notes.ends.size(), 5000U);
    std::size_t outside = 0;
    for (const QueryEnd& e : r.notes.ends) {
      EXPECT_EQ(e.ending, Ending::answered);
      outside += r.simulation().cluster().site_id(e.instance) != SiteId{0} ? 1U : 0U;
    }
    EXPECT_EQ(outside == 0, confined);
  }
}

// A variant without hardware at an allowed site: the query ends at once as one that nothing can answer.
TEST(Locality, rejects_in_a_run_what_no_allowed_site_can_answer) {
  const OnlyAtTheCore w;
  RunBench r(w.b);
  r.use(locality(), {{"allowed_sites", param::List{"edge"}}});
  r.warm_at_start(w.v, 0);
  r.arrivals(std::make_unique<PoissonSource>(5, 1, 10));
  r.run();
  ASSERT_EQ(r.notes.ends.size(), 10U);
  for (const QueryEnd& e : r.notes.ends) EXPECT_EQ(e.ending, Ending::infeasible);
}

}  // namespace
}  // namespace tideline

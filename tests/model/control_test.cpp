// Who decides for whom, by what knowledge: one controller, one for each site, gossip, and what a cut does to them.
#include "policies/builtin.h"
#include "tests/support/run_bench.h"
#include "tests/support/test_policies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tideline {
namespace {

using namespace test;

/// Sites in a ring of links, each with a device of its own, 100 ms a query.
struct Ring {
  WorldBuilder b;
  std::vector<SiteId> sites;
  VariantId v;
  explicit Ring(std::size_t n, Duration delay = 1ms) {
    const TaskId t = b.task("t");
    const HardwareId gpu = b.hardware("gpu");
    v = b.variant("v", t, gpu, 0.7, 100ms, 1, Duration{});
    for (std::size_t k = 0; k < n; ++k) {
      sites.push_back(b.site("s" + std::to_string(k)));
      b.pool("p" + std::to_string(k), sites.back(), gpu, 1);
    }
    for (std::size_t k = 0; k < n && n > 1; ++k)
      for (std::size_t j = k + 1; j < n; ++j) b.link(sites[k], sites[j], delay);
    b.add_class(t);
  }
};

Control control(Control::Mode mode, Duration snapshot, Duration forget = forever) {
  Control c;
  c.mode = mode;
  c.snapshot = snapshot;
  c.forget = forget;
  return c;
}

/// Rounds until all sites know what one said in the first, by run.
std::vector<double> rounds_to_tell_all(std::size_t sites, std::uint32_t fanout, int runs) {
  std::vector<double> out;
  for (int run = 0; run < runs; ++run) {
    Ring ring(sites, Duration{});
    RunBench x(ring.b);
    x.options.seed = static_cast<std::uint64_t>(run) + 1;
    x.options.control = control(Control::Mode::gossip, 1s);
    x.options.control.fanout = fanout;
    x.arrivals(std::make_unique<PlainSource>());
    Simulation& s = x.make_simulation();
    // The board of site 0 at time 0 is version 1 and known to all; version 2 is told from round 1 on.
    const auto all_know = [&] {
      for (std::size_t c = 1; c < sites; ++c)
        if (s.controllers()[c].knowledge.boards[0]->version < 2) return false;
      return true;
    };
    while (!all_know()) s.step();
    out.push_back(to_seconds(s.now() - Time{}));
  }
  return out;
}

/// Pushed to one other site a round: mean and 99th percentile of the exact chain. To two: the mean, simulated elsewhere, with two digits.
TEST(gossip, tells_all_in_as_many_rounds_as_the_chain_says) {
  struct Row {
    std::size_t sites;
    std::uint32_t fanout;
    int runs;
    double mean, most = 0;  ///< rounds; that 99 in a hundred do not exceed
  };
  const Row rows[] = {{8, 1, 3000, 5.378, 9}, {16, 1, 1000, 7.414, 11}, {64, 1, 100, 11.158, 15},
                      {8, 2, 1000, 3.23},     {16, 2, 1000, 4.44},      {64, 2, 100, 6.66}};
  for (const Row& row : rows) {
    SCOPED_TRACE(std::to_string(row.sites) + " sites, to " + std::to_string(row.fanout));
    const std::vector<double> rounds = rounds_to_tell_all(row.sites, row.fanout, row.runs);
    // Standard deviations of the rounds are below 1.7 and, to two, below 1; four standard errors.
    EXPECT_NEAR(std::accumulate(rounds.begin(), rounds.end(), 0.0) / row.runs, row.mean,
                4 * (row.fanout == 1 ? 1.7 : 1.0) / std::sqrt(row.runs) + 0.005);
    if (row.most == 0) continue;
    const auto more_than = [&](double n) {
      return static_cast<double>(std::count_if(rounds.begin(), rounds.end(), [&](double r) { return r > n; })) / row.runs;
    };
    const double error = 4 * std::sqrt(.01 * .99 / row.runs);
    EXPECT_LE(more_than(row.most), .01 + error);
    if (row.runs >= 1000) {
      EXPECT_GT(more_than(row.most - 1), .01) << "a round fewer is not enough";
    }
  }
}

std::vector<QueryEnd> ends_under(const Control& c, std::size_t sites) {
  Ring ring(sites);
  RunBench x(ring.b);
  x.options.control = c;
  x.options.duration = 300s;
  x.use(join_shortest_queue());
  x.use(target_utilization());
  x.arrivals(std::make_unique<PoissonSource>(3, 8.0, 2000));
  x.run();
  return x.notes.ends;
}

TEST(per_site, with_one_site_is_central) {
  const auto central = ends_under({}, 1), alone = ends_under(control(Control::Mode::per_site, 2s), 1);
  ASSERT_EQ(central.size(), 2000U);
  ASSERT_EQ(alone.size(), central.size());
  for (std::size_t k = 0; k < central.size(); ++k) {
    ASSERT_EQ(alone[k].finish, central[k].finish) << k;
    ASSERT_EQ(alone[k].instance, central[k].instance) << k;
  }
}

TEST(central, with_views_that_are_told_at_every_moment_decides_as_with_fresh_ones) {
  // All times of the scenario are whole milliseconds, so boards told every millisecond, before the arrivals of that instant, are fresh.
  const auto run = [](const Control& c) {
    Ring ring(3, 5ms);
    RunBench x(ring.b);
    x.options.control = c;
    x.options.duration = 60s;
    x.use(join_shortest_queue());
    auto source = std::make_unique<PlainSource>();
    Stream draws(5);
    Time at{};
    for (int k = 0; k < 500; ++k) source->list.emplace_back(at += std::chrono::milliseconds(1 + below(draws, 90)), 0);
    x.arrivals(std::move(source));
    for (std::size_t d = 0; d < 3; ++d) x.warm_at_start(ring.v, d);
    x.run();
    return x.notes.ends;
  };
  const auto fresh = run({}), told = run(control(Control::Mode::central, 1ms));
  ASSERT_EQ(fresh.size(), 500U);
  for (std::size_t k = 0; k < fresh.size(); ++k) {
    ASSERT_EQ(told[k].finish, fresh[k].finish) << k;
    ASSERT_EQ(told[k].instance, fresh[k].instance) << k;
  }
}

TEST(per_site, starts_instances_at_home_and_sees_others_as_they_were_told) {
  Ring ring(2, 10ms);
  RunBench x(ring.b);
  x.options.control = control(Control::Mode::per_site, 5s);
  x.use(join_shortest_queue());
  auto source = std::make_unique<PlainSource>();
  source->list = {{at(1s), 0}};
  x.arrivals(std::move(source), SiteId{1});
  Simulation& s = x.make_simulation();
  while (s.now() < at(4s)) s.step();
  const auto warm_at = [&](std::size_t who, std::size_t site) {
    const Controller& c = s.controllers()[who];
    return ClusterView(c.knowledge, s.now()).warm(s.cluster().world().group(ring.v, SiteId{site}));
  };
  EXPECT_EQ(warm_at(1, 1), 1U) << "its own board is live";
  EXPECT_EQ(warm_at(0, 1), 0U) << "it was told nothing yet";
  while (s.now() <= at(5s + 10ms)) s.step();
  EXPECT_EQ(warm_at(0, 1), 1U) << "told, and the message has arrived";
  EXPECT_EQ(warm_at(1, 0), 0U);
}

TEST(per_site, cut_off_goes_on_alone_forgets_the_other_and_meets_it_again) {
  Ring ring(2, 10ms);
  RunBench x(ring.b);
  x.options.control = control(Control::Mode::per_site, 1s, 3s);
  x.options.environment.changes = {{.kind = Change::Kind::link, .from = at(10s), .to = at(30s), .link = 0, .bandwidth_factor = 0}};
  x.use(join_shortest_queue());
  auto source = std::make_unique<PlainSource>();
  for (int k = 0; k < 400; ++k) source->list.emplace_back(at(k * 100ms), 0);  // as much as one device can do
  x.arrivals(std::move(source));
  x.warm_at_start(ring.v, 0);
  x.warm_at_start(ring.v, 1);
  Simulation& s = x.make_simulation();
  const auto sees_other = [&] {
    return ClusterView(s.controllers()[0].knowledge, s.now()).warm(s.cluster().world().group(ring.v, SiteId{1})) > 0;
  };
  const auto until = [&](Duration t) {
    while (s.now() < at(t)) s.step();
  };
  until(9s);
  EXPECT_TRUE(sees_other());
  until(20s);
  EXPECT_FALSE(sees_other());
  until(32s);
  EXPECT_TRUE(sees_other());
  while (x.notes.ends.size() < 400 && s.step()) {
  }
  ASSERT_EQ(x.notes.ends.size(), 400U);
  std::uint32_t there_meanwhile = 0, there_after = 0;
  for (const QueryEnd& e : x.notes.ends) {
    EXPECT_EQ(e.ending, Ending::answered);
    const bool other = s.cluster().site_id(e.instance) == SiteId{1};
    if (e.finish > at(11s) && e.finish < at(30s)) there_meanwhile += other ? 1U : 0U;
    if (e.finish > at(32s)) there_after += other ? 1U : 0U;
  }
  EXPECT_EQ(there_meanwhile, 0U);
  EXPECT_GT(there_after, 0U);
}

/// Sends all to one instance, wherever it is.
struct Stubborn final : DispatchPolicy {
  using Params = NoParams;
  Stubborn(const Params&, const Setup&) {}
  Dispatch place(const QueryView&, VariantId, ClusterView view) override { return Dispatch::to(view.group(GroupId{0}).members.front()); }
};

TEST(a_site_out_of_reach, that_a_policy_sends_to_is_a_failure_that_counts) {
  // Fixed on a place: the only device is at the other side of the link.
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 10ms);
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  const VariantId v = b.variant("v", t, gpu, 0.7, 10ms, 1, Duration{});
  b.pool("p", core, gpu, 1);
  b.add_class(t);
  RunBench x(b);
  x.options.environment.changes = {{.kind = Change::Kind::link, .from = at(1s), .to = at(2s), .link = 0, .bandwidth_factor = 0}};
  x.use(define<Stubborn>("stubborn", "Always there."));
  auto source = std::make_unique<PlainSource>();
  source->list = {{at(500ms), 0}, {at(1500ms), 0}, {at(2500ms), 0}};
  x.arrivals(std::move(source));
  x.warm_at_start(v, 0);
  x.run();
  ASSERT_EQ(x.notes.ends.size(), 3U);
  EXPECT_EQ(x.notes.ends[0].ending, Ending::answered);
  EXPECT_EQ(x.notes.ends[1].ending, Ending::dropped);
  EXPECT_EQ(x.notes.ends[2].ending, Ending::answered);
  EXPECT_EQ(x.notes.stale, 4U) << "it was asked again three times";
}

TEST(a_site_out_of_reach, is_started_for_who_waits_when_the_link_is_back_and_not_before) {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 10ms);
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu", 4);
  b.variant("v", t, gpu, 0.7, 10ms, 1, 100ms);
  b.pool("p", core, gpu, 1);
  b.add_class(t);
  RunBench x(b);
  x.options.environment.changes = {{.kind = Change::Kind::link, .from = at(1s), .to = at(2s), .link = 0, .bandwidth_factor = 0}};
  auto source = std::make_unique<PlainSource>();
  source->list = {{at(1500ms), 0}, {at(1600ms), 0}};
  x.arrivals(std::move(source));
  x.run();
  ASSERT_EQ(x.notes.started.size(), 1U);
  EXPECT_EQ(x.notes.started[0].second, at(2s));
  ASSERT_EQ(x.notes.ends.size(), 2U);
  for (const QueryEnd& e : x.notes.ends) EXPECT_EQ(e.ending, Ending::answered);
}

TEST(an_answer, under_way_when_the_link_goes_out_waits_until_it_is_back) {
  WorldBuilder b;
  const SiteId edge = b.site("edge"), core = b.site("core");
  b.link(edge, core, 10ms);
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  const VariantId v = b.variant("v", t, gpu, 0.7, 100ms, 1, Duration{});
  b.pool("p", core, gpu, 1);
  b.add_class(t);
  RunBench x(b);
  x.options.environment.changes = {{.kind = Change::Kind::link, .from = at(1050ms), .to = at(3s), .link = 0, .bandwidth_factor = 0}};
  auto source = std::make_unique<PlainSource>();
  source->list = {{at(1s), 0}};
  x.arrivals(std::move(source));
  x.warm_at_start(v, 0);
  x.run();
  ASSERT_EQ(x.notes.ends.size(), 1U);
  EXPECT_NEAR(to_seconds(x.notes.ends[0].finish - Time{}), 3.01, 1e-8);
}

}  // namespace
}  // namespace tideline

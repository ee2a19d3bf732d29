// Hedged requests (policies.md D12): what is observed, where copies go, and what they are worth.
//
// Whose examples these are:
//   hedged: doi:10.1145/2408776.2408794
#include "policies/builtin.h"
#include "policies/components/observed_times.h"
#include "policies/components/shortest_queues.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

namespace tideline {
namespace {

using namespace test;

// --- observed times ---

TEST(observed_times, the_percentile_is_the_end_of_its_bucket) {
  ObservedTimes t(0.95, 1000);
  for (int k = 1; k <= 100; ++k) t.add(k * 1ms);
  EXPECT_EQ(t.size(), 100U);
  EXPECT_GT(t.percentile(), 95ms);
  EXPECT_LE(to_seconds(t.percentile()), 0.095 * (1 + 1 / 64.0));
  ObservedTimes same(0.5, 1000);
  for (int k = 0; k < 10; ++k) same.add(20ms);
  EXPECT_GT(same.percentile(), 20ms) << "what took as long as all did has not waited for long";
}

TEST(observed_times, follow_each_observation_as_if_sorted_anew) {
  Stream s(3);
  for (const double p : {0.05, 0.5, 0.95}) {
    ObservedTimes t(p, 30'000);
    std::multiset<std::int64_t> all;
    for (int k = 0; k < 2000; ++k) {
      const auto ns = static_cast<std::int64_t>(std::exp(25 * uniform01(s)));
      t.add(Duration{ns});
      all.insert(ns);
      auto at = all.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(std::ceil(p * static_cast<double>(all.size()) - 1e-9)) - 1);
      ASSERT_GT(t.percentile().count(), *at);
      ASSERT_LE(static_cast<double>(t.percentile().count()), static_cast<double>(*at) * (1 + 1 / 64.0) + 1);
    }
  }
}

TEST(observed_times, what_was_long_ago_is_forgotten_and_the_rest_keeps_its_shape) {
  ObservedTimes t(0.95, 100);
  Stream s(5);
  // Few of these buckets have more than one: halved one by one, all would be gone.
  for (int k = 0; k < 199; ++k) t.add(1ms + Duration{below(s, 1'000'000'000)});
  const Duration before = t.percentile();
  t.add(1ms);
  EXPECT_EQ(t.size(), 100U);
  EXPECT_NEAR(to_seconds(t.percentile()), to_seconds(before), 0.05);
  for (int k = 0; k < 1000; ++k) t.add(5ms);
  EXPECT_LT(t.percentile(), 6ms);
}

// Times that are twice as long make a percentile that is.
TEST(observed_times, have_no_scale_of_their_own) {
  ObservedTimes once(0.9, 1000), twice(0.9, 1000);
  Stream s(7);
  for (int k = 0; k < 500; ++k) {
    const Duration d{1000 + below(s, 1'000'000)};
    once.add(d);
    twice.add(2 * d);
    ASSERT_EQ(2 * once.percentile(), twice.percentile());
  }
}

// --- shortest queues ---

struct Farm {
  WorldBuilder b;
  VariantId v, other;
  std::unique_ptr<ClusterBench> bench;
  std::vector<InstanceId> instances;
  explicit Farm(std::size_t devices, std::size_t sites = 1) {
    const HardwareId gpu = b.hardware("gpu");
    const TaskId t = b.task("classify");
    v = b.variant("net", t, gpu, 0.7, 1ms);
    other = b.variant("other", t, gpu, 0.8, 1ms);
    for (std::size_t s = 0; s < sites; ++s) {
      const SiteId site = b.site("site" + std::to_string(s));
      if (s > 0) b.link(SiteId{s - 1}, site, 10ms);
      b.pool("pool" + std::to_string(s), site, gpu, static_cast<std::uint32_t>(devices));
    }
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
    for (std::size_t d = 0; d < devices * sites; ++d) instances.push_back(bench->warm(v, d));
  }
};

TEST(shortest_queues, are_those_of_least_load_without_one_and_with_longer_ones) {
  Stream s(11);
  for (int round = 0; round < 200; ++round) {
    Farm f(1 + below(s, 4), 1 + below(s, 3));
    for (std::uint32_t n = below(s, 20); n > 0; --n)
      f.bench->wait_at(f.instances[below(s, static_cast<std::uint32_t>(f.instances.size()))], ClassId{0});
    const ClusterView view = f.bench->view();
    const auto groups = view.groups_of(f.v, SiteId{0});
    for (const bool without_one : {false, true})
      for (const std::uint32_t longer_by : {0U, 1U, 3U}) {
        const InstanceId without = without_one ? f.instances[below(s, static_cast<std::uint32_t>(f.instances.size()))] : InstanceId{};
        std::uint32_t least = 1000;
        for (const InstanceId i : f.instances)
          if (i != without) least = std::min(least, view.instance(i).load);
        std::set<InstanceId> expected, got;
        for (const InstanceId i : f.instances)
          if (i != without && view.instance(i).load <= least + longer_by) expected.insert(i);
        const ShortestQueues queues(groups, view, without, longer_by);
        for (std::size_t k = 0; k < queues.size(); ++k) got.insert(queues[k]);
        EXPECT_EQ(queues.size(), expected.size());
        EXPECT_EQ(got, expected);
      }
  }
}

// --- decisions ---

struct Hedging {
  Farm f;
  std::unique_ptr<DispatchPolicy> p;
  explicit Hedging(std::size_t devices, std::size_t sites = 1, const param::Object& parameters = {})
      : f(devices, sites), p(make<DispatchPolicy>(hedged(), f.bench->setup(), parameters)) {}
  Dispatch ask(VisitId q, Time now = {}, VariantId v = {}) { return p->place(f.bench->query(q), v ? v : f.v, f.bench->view(now)); }
  void end(VisitId q, Duration latency, VariantId v = {}) {
    dynamic_cast<Observer&>(*p).ended({f.bench->query(q).number(), ClassId{0}, v, latency, 0, false}, f.bench->view());
  }
  std::string_view why(const Dispatch& d) const { return p->reasons()[d.reason]; }
};

TEST(dispatch_hedged, the_second_copy_goes_to_the_shortest_queue_of_another_instance) {
  Hedging x(3, 1, {{"after_s", 0.1}});
  x.f.bench->wait_at(x.f.instances[0], ClassId{0});
  for (int k = 0; k < 2; ++k) x.f.bench->wait_at(x.f.instances[2], ClassId{0});
  const VisitId q = x.f.bench->admit(ClassId{0});
  const Dispatch first = x.ask(q);
  EXPECT_EQ(first.instance, x.f.instances[1]);
  EXPECT_EQ(first.ask_again, Time{} + 100ms);
  const Dispatch second = x.ask(q, Time{} + 100ms);
  EXPECT_EQ(second.instance, x.f.instances[0]) << "the first has fewer, and has the query";
  EXPECT_EQ(second.runner_up, x.f.instances[1]);
  EXPECT_EQ(second.ask_again, never) << "there are two copies and no more";
  EXPECT_EQ(x.why(second), "hedges");
  // Placed in vain, a copy does not join the other, nor is it hedged.
  const Dispatch again = x.ask(q, Time{} + 150ms);
  EXPECT_NE(again.instance, x.f.instances[1]);
  EXPECT_EQ(again.ask_again, never);
}

TEST(dispatch_hedged, of_equally_short_queues_any_is_drawn) {
  Hedging x(5, 2, {{"after_s", 0}});
  std::map<InstanceId, int> first, second;
  constexpr int n = 20'000;
  for (int k = 0; k < n; ++k) {
    const VisitId q = x.f.bench->admit(ClassId{0});
    const Dispatch d = x.ask(q), e = x.ask(q, d.ask_again);
    EXPECT_EQ(d.ask_again, Time{} + 1ns);
    ASSERT_NE(d.instance, e.instance);
    ++first[d.instance];
    ++second[e.instance];
    x.end(q, 1ms, x.f.v);
    x.f.bench->cluster.query_done(q);
    x.f.bench->cluster.close(q);
  }
  for (const auto& counts : {first, second}) {
    double chi_square = 0;
    for (const InstanceId i : x.f.instances) chi_square += std::pow(counts.at(i) - n / 10.0, 2) / (n / 10.0);
    EXPECT_LT(chi_square, 27.88) << "99.9 % at 9 degrees of freedom";
  }
}

TEST(dispatch_hedged, there_is_no_second_copy_where_there_is_one_instance) {
  Hedging x(1, 1, {{"after_s", 0.1}});
  const VisitId q = x.f.bench->admit(ClassId{0});
  EXPECT_EQ(x.ask(q).instance, x.f.instances[0]);
  const Dispatch second = x.ask(q, Time{} + 100ms);
  EXPECT_EQ(second.answer, Dispatch::Answer::hold);
  EXPECT_EQ(x.why(second), "no_other");
}

TEST(dispatch_hedged, waits_for_the_percentile_of_its_class_and_variant_once_it_is_known) {
  Hedging x(3, 1, {{"percentile", 0.9}, {"least_observed", 10}});
  for (int k = 1; k <= 10; ++k) {
    const VisitId q = x.f.bench->admit(ClassId{0});
    EXPECT_EQ(x.ask(q, Time{} + 1s).ask_again, never) << k;  // held for a second before it was sent: that does not count
    x.end(q, 1s + k * 10ms, x.f.v);
  }
  const VisitId q = x.f.bench->admit(ClassId{0}, Time{} + 1s);
  const Duration wait = x.ask(q, Time{} + 2s).ask_again - (Time{} + 2s);
  EXPECT_GT(wait, 90ms);
  EXPECT_LE(wait, 92ms);
  x.f.bench->warm(x.f.other, 0);
  EXPECT_EQ(x.ask(x.f.bench->admit(ClassId{0}), Time{}, x.f.other).ask_again, never) << "nothing is known of the other variant";
}

TEST(dispatch_hedged, a_query_that_ended_without_an_answer_says_nothing) {
  Hedging x(3, 1, {{"least_observed", 1}});
  const VisitId q = x.f.bench->admit(ClassId{0});
  x.ask(q);
  x.end(q, 1s);
  const VisitId next = x.f.bench->admit(ClassId{0});
  EXPECT_EQ(x.ask(next).ask_again, never);
  x.end(next, 1s, x.f.v);
  EXPECT_NE(x.ask(x.f.bench->admit(ClassId{0})).ask_again, never);
}

TEST(dispatch_hedged, queries_that_are_asked_of_several_variants_are_not_hedged) {
  Hedging x(3, 1, {{"after_s", 0.1}});
  x.f.bench->warm(x.f.other, 0);
  x.f.bench->warm(x.f.other, 1);
  const VisitId q = x.f.bench->admit(ClassId{0});
  EXPECT_EQ(x.ask(q).ask_again, Time{} + 100ms) << "it cannot know yet";
  EXPECT_EQ(x.ask(q, Time{}, x.f.other).ask_again, never);
  const Dispatch due = x.ask(q, Time{} + 100ms);
  EXPECT_EQ(due.answer, Dispatch::Answer::hold);
  EXPECT_EQ(x.why(due), "several_variants");
}

// Where all wait for longer than most did, there are as many copies as were saved, of 50 queries, and from then on one in ten.
TEST(dispatch_hedged, there_are_no_more_copies_than_the_percentile_leaves) {
  Hedging x(3, 1, {{"percentile", 0.9}, {"least_observed", 10}, {"recent", 50}});
  const auto copies_of = [&](int queries) {
    int copies = 0;
    for (int k = 0; k < queries; ++k) {
      const VisitId q = x.f.bench->admit(ClassId{0});
      const Dispatch first = x.ask(q);
      if (first.ask_again == never) {
        x.end(q, 10ms, x.f.v);
        continue;
      }
      const Dispatch second = x.ask(q, first.ask_again);
      copies += second.answer == Dispatch::Answer::instance ? 1 : 0;
      if (second.answer != Dispatch::Answer::instance) {
        EXPECT_EQ(x.why(second), "too_many");
      }
    }
    return copies;
  };
  EXPECT_EQ(copies_of(10), 0) << "nothing is known yet";
  EXPECT_NEAR(copies_of(50), 10, 1) << "five that were saved, and one in ten";
  EXPECT_EQ(copies_of(100), 10);
}

TEST(dispatch_hedged, decides_without_allocating) {
  Hedging x(4, 3, {{"percentile", 0.5}, {"least_observed", 1}, {"recent", 10}, {"most_copies", 1}});
  std::vector<VisitId> queries;
  for (int k = 0; k < 64; ++k) queries.push_back(x.f.bench->admit(ClassId{0}));
  const auto all = [&] {
    for (std::size_t k = 0; k < queries.size(); ++k) {
      const Dispatch d = x.ask(queries[k]);
      if (d.ask_again != never) x.ask(queries[k], d.ask_again);
      x.end(queries[k], (1 + k) * 1ms, x.f.v);
    }
  };
  all();
  EXPECT_EQ(allocations_of(all), 0U);
}

// --- runs ---

/// Exponential service of mean 1 s, one query a second: with so many instances none ever waits behind another.
std::unique_ptr<RunBench> without_queues(const param::Object& parameters, std::uint64_t queries, std::uint32_t instances = 60) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu");
  const TaskId t = b.task("classify");
  const VariantId v = b.variant("net", t, gpu, 0.7, 1s);
  b.catalog.variants[v.index()].service = Law::exponential();
  b.pool("p", s, gpu, instances);
  b.add_class(t);
  auto r = std::make_unique<RunBench>(b);
  r->use(hedged(), parameters);
  for (std::uint32_t d = 0; d < instances; ++d) r->warm_at_start(v, d);
  r->arrivals(std::make_unique<PoissonSource>(5, 1, queries));
  r->run();
  EXPECT_EQ(r->notes.ends.size(), queries);
  return r;
}

double share_hedged(const RunBench& r) {
  double n = 0;
  for (const QueryEnd& e : r.notes.ends) n += e.visits > 1 ? 1 : 0;
  return n / static_cast<double>(r.notes.ends.size());
}

// The worked check of D12. The least of two exponential times of mean 1 has mean and deviation 1/2: four standard errors.
TEST(dispatch_hedged_run, two_copies_at_once_halve_the_mean) {
  constexpr std::uint64_t n = 20'000;
  const auto r = without_queues({{"after_s", 0}}, n);
  EXPECT_EQ(share_hedged(*r), 1);
  EXPECT_NEAR(r->notes.sum_s / n, 0.5, 4 * 0.5 / std::sqrt(n));
}

// After the median half are hedged. Of them the rest is the least of two exponential times: 1 - 1/2 x 1/2 in all. The variance is that of
// min(S, ln 2) + 1(S > ln 2) x rest: E[T^2] = int 2 t P(T > t) dt = 0.9034 with P(T > t) = exp(-t) before ln 2 and exp(-2 t) x 2 after.
TEST(dispatch_hedged_run, after_the_median_half_are_hedged_and_wait_half_as_long) {
  constexpr std::uint64_t n = 20'000;
  const auto r = without_queues({{"after_s", std::log(2.0)}}, n);
  EXPECT_NEAR(share_hedged(*r), 0.5, 4 * 0.5 / std::sqrt(n));
  const double l = std::log(2.0), second_moment = (1 - l) + (l / 2 + 0.25);
  EXPECT_NEAR(r->notes.sum_s / n, 0.75, 4 * std::sqrt((second_moment - 0.75 * 0.75) / n));
}

// Whether the k-th time is among the longest twentieth of the first k is independent of all before: so hedged are a binomial number, of
// probability .05 to .05 + .95 / k. One more query of about one that is under way is not among the k. The end of a bucket is at most 1/64 of
// ln 20 late, where the density is .05. Before 100 are observed none is hedged.
TEST(dispatch_hedged_run, by_the_percentile_only_that_share_is_hedged) {
  constexpr double n = 20'000;
  for (const bool bounded : {false, true}) {
    param::Object parameters{{"recent", 20'000}};
    if (!bounded) parameters.emplace_back("most_copies", 1);
    const auto r = without_queues(parameters, 20'000);
    const double four_errors = 4 * std::sqrt(0.05 * 0.95 / n), late = 0.05 * std::log(20.0) / 64;
    EXPECT_GT(share_hedged(*r), 0.05 * (1 - 100 / n) - late - four_errors);
    EXPECT_LT(share_hedged(*r), 0.05 + 1.95 * std::log(n / 100) / n + four_errors);
  }
}

TEST(dispatch_hedged_run, one_instance_is_not_hedged) {
  const auto r = without_queues({{"after_s", 0.01}}, 200, 1);
  EXPECT_EQ(share_hedged(*r), 0);
}

// A second answer of one stage would count as that of the next.
TEST(dispatch_hedged_run, stages_that_may_escalate_are_not_hedged) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu");
  const TaskId t = b.task("classify");
  const VariantId small = b.variant("small", t, gpu, 0.6, 1s), large = b.variant("large", t, gpu, 0.9, 1s);
  for (auto& v : b.catalog.variants) v.service = Law::exponential();
  b.pool("p", s, gpu, 8);
  b.add_class(t);
  RunBench r(b);
  r.use(hedged(), {{"after_s", 0.1}});
  r.use(cascade(), {{"stages", param::List{"small", "large"}}, {"thresholds", param::List{0.7}}, {"skip_late", false}});
  for (std::size_t d = 0; d < 8; ++d) r.warm_at_start(d < 4 ? small : large, d);
  r.arrivals(std::make_unique<PoissonSource>(5, 1, 500));
  r.run();
  ASSERT_EQ(r.notes.ends.size(), 500U);
  std::uint64_t escalated = 0;
  for (const QueryEnd& e : r.notes.ends) {
    ASSERT_EQ(e.ending, Ending::answered);
    EXPECT_EQ(e.visits, e.variant == large ? 2 : 1);
    escalated += e.variant == large ? 1 : 0;
  }
  EXPECT_GT(escalated, 50U);
  EXPECT_TRUE(r.simulation().cluster().audit_accounts(r.simulation().now()).empty());
}

}  // namespace
}  // namespace tideline

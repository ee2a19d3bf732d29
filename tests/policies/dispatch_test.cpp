// Dispatch as published: D1 to D5, and the shared line.
//
// Whose examples these are:
//   deficit_round_robin: doi:10.1145/217391.217453
//   join_shortest_queue: Winston, "Optimality of the shortest line discipline", Journal of Applied Probability 14(1), 1977
//   least_expected_latency: arXiv:2006.02464
//   power_of_d: doi:10.1109/71.963420
//   random: doi:10.1109/71.963420
//   round_robin: Kleinrock, "Queueing systems, volume 1: theory", Wiley 1975
//   shared_line: doi:10.1145/2517349.2522716
//   weighted_round_robin: doi:10.1109/49.105173
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace tideline {
namespace {

using namespace test;

/// One task and class, one variant of 1 ms on exclusive devices: `devices` at each site, sites in a row 10 ms apart.
struct Farm {
  WorldBuilder b;
  VariantId v;
  std::unique_ptr<ClusterBench> bench;
  std::vector<InstanceId> instances;

  explicit Farm(std::size_t devices, std::size_t sites = 1, bool warm = true, std::uint32_t max_batch = 1) {
    const HardwareId gpu = b.hardware("gpu");
    const TaskId t = b.task("classify");
    v = b.variant(
        "net", t, gpu, 0.7, [](std::uint32_t n) { return 1ms * n; }, max_batch);
    for (std::size_t s = 0; s < sites; ++s) {
      const SiteId site = b.site("site" + std::to_string(s));
      if (s > 0) b.link(SiteId{s - 1}, site, 10ms);
      b.pool("pool" + std::to_string(s), site, gpu, static_cast<std::uint32_t>(devices));
    }
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
    if (warm)
      for (std::size_t d = 0; d < devices * sites; ++d) instances.push_back(bench->warm(v, d));
  }
  Dispatch ask(DispatchPolicy& p, Time now = {}, SiteId origin = SiteId{0}) {
    const VisitId q = bench->admit(ClassId{0}, now, 1, origin);
    const Dispatch d = p.place(bench->query(q), v, bench->view(now));
    bench->cluster.query_done(q);
    bench->cluster.close(q);
    return d;
  }
  /// Asks, and lets a query wait there.
  InstanceId send(DispatchPolicy& p) {
    const InstanceId i = ask(p).instance;
    bench->wait_at(i, ClassId{0});
    return i;
  }
  std::unique_ptr<DispatchPolicy> make(const PolicyDefinition& d, const param::Object& parameters = {}, std::uint64_t seed = 1) {
    return test::make<DispatchPolicy>(d, bench->setup(seed), parameters);
  }
  std::map<InstanceId, int> tally(DispatchPolicy& p, int n) {
    std::map<InstanceId, int> out;
    for (int k = 0; k < n; ++k) ++out[ask(p).instance];
    return out;
  }
};

double chi_square(const std::map<InstanceId, int>& counts, std::size_t cells, int n) {
  const double expected = static_cast<double>(n) / static_cast<double>(cells);
  double sum = static_cast<double>(cells - counts.size()) * expected;
  for (const auto& [i, k] : counts) sum += (k - expected) * (k - expected) / expected;
  return sum;
}
// 99.9 % of the chi-square distribution at 9, 4 and 2 degrees of freedom.
constexpr double bound_of_10 = 27.88, bound_of_5 = 18.47, bound_of_3 = 13.82;

const std::vector<PolicyDefinition>& all() {
  static const std::vector<PolicyDefinition> list{
      random(),   round_robin(), join_shortest_queue(),  power_of_d(),          least_expected_latency(),
      locality(), shared_line(), weighted_round_robin(), deficit_round_robin(), hedged()};
  return list;
}

TEST(dispatch, no_policy_places_a_query_on_an_instance_while_none_is_warm) {
  for (const auto& d : all()) {
    Farm empty(2, 1, false);
    const Dispatch cold = empty.ask(*empty.make(d));
    EXPECT_EQ(cold.answer, d.name == "shared_line" ? Dispatch::Answer::site : Dispatch::Answer::hold) << d.name;
    empty.bench->starting(empty.v, 0, Time{}, Time{} + 5s);
    EXPECT_NE(empty.ask(*empty.make(d)).answer, Dispatch::Answer::instance) << d.name;
  }
}

TEST(dispatch, a_single_node_gets_every_query_also_when_it_is_full) {
  for (const auto& d : all()) {
    if (d.name == "shared_line") continue;
    Farm one(1);
    const auto p = one.make(d);
    for (int k = 0; k < 20; ++k) EXPECT_EQ(one.send(*p), one.instances[0]) << d.name;
  }
}

TEST(dispatch, a_draining_instance_gets_nothing) {
  for (const auto& d : all()) {
    if (d.name == "shared_line") continue;
    Farm f(2);
    f.bench->cluster.drain(f.instances[0], Time{});
    const auto p = f.make(d);
    for (int k = 0; k < 20; ++k) EXPECT_EQ(f.ask(*p).instance, f.instances[1]) << d.name;
  }
}

TEST(dispatch, every_reason_given_is_declared) {
  for (const auto& d : all()) {
    Farm f(3, 2);
    const auto p = f.make(d);
    for (int k = 0; k < 20; ++k) EXPECT_LT(f.ask(*p).reason, p->reasons().size()) << d.name;
    Farm cold(3, 2, false);
    EXPECT_LT(cold.ask(*cold.make(d)).reason, p->reasons().size()) << d.name;
  }
}

/// Three instances of one variant on CPUs: 5 cores, 1 and 1, of which each is good for a query per second.
struct Unequal {
  WorldBuilder b;
  VariantId v;
  std::unique_ptr<ClusterBench> bench;
  std::vector<InstanceId> instances;
  Unequal() {
    const SiteId s = b.site("s");
    const HardwareId cpu = b.hardware("cpu", 100, Sharing::partitioned, 8);
    const TaskId t = b.task("classify");
    v = b.variant("net", t, cpu, 0.7, 1s);
    b.catalog.variants.back().profile = Profile({1, 5}, {{0s, 1s}, {0s, 200ms}});
    b.pool("p", s, cpu, 2);
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
    for (const bool fast : {true, false, false}) {
      const InstanceId i = bench->cluster.start(bench->group(v), DeviceId{0}, fast ? 1 : 0, 1, StartCause::initial, Time{});
      bench->cluster.warm(i, Time{});
      instances.push_back(i);
    }
  }
  std::string order(DispatchPolicy& p, int n) {
    std::string out;
    const VisitId q = bench->admit(ClassId{0});
    for (int k = 0; k < n; ++k) {
      const InstanceId i = p.place(bench->query(q), v, bench->view()).instance;
      out += static_cast<char>('a' + std::distance(instances.begin(), std::find(instances.begin(), instances.end(), i)));
    }
    return out;
  }
};

TEST(dispatch_weighted_round_robin, spreads_the_turns_of_the_fast) {
  Unequal x;
  const auto p = make<DispatchPolicy>(weighted_round_robin(), x.bench->setup());
  EXPECT_EQ(x.order(*p, 14), "aabacaaaabacaa");
}

// Quanta 15/7, 3/7 and 3/7. The deficit of a after its turns is 1/7, 2/7, 3/7 .. 6/7, then it can send three; b and c have their first
// whole one in the third round.
TEST(dispatch_deficit_round_robin, sends_while_the_quantum_lasts) {
  Unequal x;
  const auto p = make<DispatchPolicy>(deficit_round_robin(), x.bench->setup());
  EXPECT_EQ(x.order(*p, 21), "aaaaaabcaaaabcaaaaabc");
  EXPECT_EQ(x.order(*p, 21), "aaaaaabcaaaabcaaaaabc");
}

TEST(dispatch_turns, of_equals_are_those_of_round_robin) {
  for (const auto& d : {weighted_round_robin(), deficit_round_robin()}) {
    Farm f(5, 2), g(5, 2);
    const auto p = f.make(d), plain = g.make(round_robin());
    for (int k = 0; k < 12; ++k) EXPECT_EQ(f.ask(*p).instance, g.ask(*plain).instance) << d.name;
    f.bench->cluster.stop(f.instances[3], Time{});
    g.bench->cluster.stop(g.instances[3], Time{});
    std::map<InstanceId, int> counts;
    for (int k = 0; k < 90; ++k) ++counts[f.ask(*p).instance];
    EXPECT_EQ(counts.size(), 9U) << d.name;
    for (const auto& [i, n] : counts) EXPECT_NEAR(n, 10, 1) << d.name;
  }
}

// Who comes later, in the slot of another, has no claims of the one before and does not have to catch up with the others.
TEST(dispatch_turns, a_newcomer_gets_its_share_from_then_on) {
  for (const auto& d : {weighted_round_robin(), deficit_round_robin()}) {
    Unequal x;
    const auto p = make<DispatchPolicy>(d, x.bench->setup());
    auto* o = dynamic_cast<Observer*>(p.get());
    x.order(*p, 10);
    x.bench->cluster.stop(x.instances[0], Time{});
    EXPECT_EQ(x.order(*p, 40).find('a'), std::string::npos) << d.name;
    x.instances[0] = InstanceId{};
    const InstanceId next = x.bench->cluster.start(x.bench->group(x.v), DeviceId{0}, 1, 1, StartCause::held, Time{});
    o->instance_changed(next, Phase::starting, x.bench->view());
    EXPECT_EQ(x.order(*p, 10).find('d'), std::string::npos) << d.name << ": it is not warm";
    x.bench->cluster.warm(next, Time{});
    x.instances.push_back(next);
    const std::string order = x.order(*p, 70);
    EXPECT_NEAR(static_cast<double>(std::count(order.begin(), order.end(), 'd')), 50, 2) << d.name << ' ' << order;
  }
}

// policies.md D1.
TEST(dispatch_random, draws_all_warm_instances_of_all_sites_alike) {
  Farm f(5, 2);
  const auto p = f.make(random());
  f.bench->wait_at(f.instances[3], ClassId{0});  // load does not matter
  EXPECT_LT(chi_square(f.tally(*p, 20000), 10, 20000), bound_of_10);
}

// policies.md D1, weighted: P(i) = rate / sum of rates, 5/7, 1/7 and 1/7 here.
TEST(dispatch_random, draws_by_speed_where_it_is_to) {
  Unequal x;
  const int n = 20'000;
  for (const bool weighted : {false, true}) {
    const auto p = make<DispatchPolicy>(random(), x.bench->setup(), weighted ? param::Object{{"weights", "speed"}} : param::Object{});
    const std::string order = x.order(*p, n);
    double sum = 0;
    for (const char c : {'a', 'b', 'c'}) {
      const double expected = !weighted ? n / 3.0 : c == 'a' ? n * 5 / 7.0 : n / 7.0;
      sum += std::pow(static_cast<double>(std::count(order.begin(), order.end(), c)) - expected, 2) / expected;
    }
    EXPECT_LT(sum, bound_of_3) << weighted;
  }
}

TEST(dispatch_random, by_speed_is_as_without_among_equals) {
  Farm f(5, 2);
  const auto p = f.make(random(), {{"weights", "speed"}}), plain = f.make(random());
  for (int k = 0; k < 100; ++k) EXPECT_EQ(f.ask(*p).instance, f.ask(*plain).instance);
}

// policies.md D2, plain form.
TEST(dispatch_round_robin, takes_turns_in_order_of_ids_over_all_sites) {
  Farm f(3, 2);
  const auto p = f.make(round_robin());
  for (int round = 0; round < 3; ++round)
    for (const InstanceId i : f.instances) EXPECT_EQ(f.ask(*p).instance, i);
}

TEST(dispatch_round_robin, goes_on_with_the_next_larger_id_when_instances_come_and_go) {
  Farm f(40);
  const auto p = f.make(round_robin());
  EXPECT_EQ(f.ask(*p).instance, f.instances[0]);
  for (std::size_t k : {0U, 1U}) f.bench->cluster.stop(f.instances[k], Time{});
  EXPECT_EQ(f.ask(*p).instance, f.instances[2]);
  for (std::size_t k = 3; k < 30; ++k) f.bench->cluster.stop(f.instances[k], Time{});  // a gap wider than it probes
  EXPECT_EQ(f.ask(*p).instance, f.instances[30]);
  for (std::size_t k = 31; k < 40; ++k) EXPECT_EQ(f.ask(*p).instance, f.instances[k]);
  const InstanceId again = f.bench->warm(f.v, 29);  // takes the slot that was freed last
  EXPECT_EQ(again, f.instances[29]);
  EXPECT_EQ(f.ask(*p).instance, f.instances[2]);
  EXPECT_EQ(f.ask(*p).instance, again);
  EXPECT_EQ(f.ask(*p).instance, f.instances[30]);
}

// policies.md D3: ties uniformly at random, drawn afresh for every request.
TEST(dispatch_jsq, ties_are_uniform_and_drawn_afresh) {
  Farm f(5, 2);
  const auto p = f.make(join_shortest_queue());
  EXPECT_LT(chi_square(f.tally(*p, 20000), 10, 20000), bound_of_10);
  for (const std::size_t k : {0U, 1U, 5U, 6U, 7U}) f.bench->wait_at(f.instances[k], ClassId{0});
  const auto rest = f.tally(*p, 20000);
  EXPECT_EQ(rest.size(), 5U);
  for (const std::size_t k : {0U, 1U, 5U, 6U, 7U}) EXPECT_EQ(rest.count(f.instances[k]), 0U);
  EXPECT_LT(chi_square(rest, 5, 20000), bound_of_5);
}

TEST(dispatch_jsq, picks_the_least_load_whatever_site_it_is_at) {
  Farm f(2, 3);
  const auto p = f.make(join_shortest_queue());
  for (std::size_t k = 0; k < 6; ++k)
    if (k != 5) f.bench->wait_at(f.instances[k], ClassId{0});
  EXPECT_EQ(f.ask(*p).instance, f.instances[5]);
  EXPECT_FALSE(f.ask(*p).runner_up);
}

// policies.md D3, option: uniform among instances of length at most the least + 1.
TEST(dispatch_jsq, with_slack_any_of_at_most_one_more_is_drawn) {
  Farm f(5, 2);
  const auto p = f.make(join_shortest_queue(), {{"slack_choice", true}});
  for (std::size_t k = 0; k < 10; ++k)  // 1, 2, 3, 1, 2, 3 ..
    for (std::size_t n = 0; n <= k % 3; ++n) f.bench->wait_at(f.instances[k], ClassId{0});
  const auto counts = f.tally(*p, 20000);
  EXPECT_EQ(counts.size(), 7U);
  for (const std::size_t k : {2U, 5U, 8U}) EXPECT_EQ(counts.count(f.instances[k]), 0U);
  EXPECT_LT(chi_square(counts, 7, 20000), 22.46) << "99.9 % at 6 degrees of freedom";
  EXPECT_THROW(f.make(join_shortest_queue(), {{"slack_choice", true}, {"length", "work"}}), std::invalid_argument);
}

// policies.md D3 and D4, option: outstanding work in seconds. Four visits at 200 ms each are less than one of a second.
TEST(dispatch_by_work, a_fast_instance_with_more_visits_is_shorter) {
  for (const auto& d : {join_shortest_queue(), power_of_d()}) {
    Unequal x;
    param::Object parameters{{"length", "work"}};
    if (d.name == "power_of_d") parameters.emplace_back("d", 3);
    const auto p = make<DispatchPolicy>(d, x.bench->setup(), parameters), by_visits = make<DispatchPolicy>(d, x.bench->setup(), {});
    for (int k = 0; k < 4; ++k) x.bench->wait_at(x.instances[0], ClassId{0});
    x.bench->wait_at(x.instances[1], ClassId{0});
    EXPECT_EQ(x.order(*p, 20), std::string(20, 'c')) << d.name << ": it has nothing to do";
    x.bench->wait_at(x.instances[2], ClassId{0});
    EXPECT_EQ(x.order(*p, 20), std::string(20, 'a')) << d.name;
    if (d.name == "join_shortest_queue") {
      EXPECT_EQ(x.order(*by_visits, 20).find('a'), std::string::npos);
    }
    // 1.2 s at a: the others tie.
    for (int k = 0; k < 2; ++k) x.bench->wait_at(x.instances[0], ClassId{0});
    EXPECT_EQ(x.order(*p, 20).find('a'), std::string::npos) << d.name;
  }
}

TEST(dispatch_by_work, ties_of_the_idle_are_uniform) {
  for (const auto& d : {join_shortest_queue(), power_of_d()}) {
    Farm f(5, 2);
    for (const std::size_t k : {0U, 1U, 5U, 6U, 7U}) f.bench->wait_at(f.instances[k], ClassId{0});
    param::Object parameters{{"length", "work"}};
    if (d.name == "power_of_d") parameters.emplace_back("d", 10);
    const auto p = f.make(d, parameters);
    const auto counts = f.tally(*p, 20000);
    EXPECT_EQ(counts.size(), 5U) << d.name;
    EXPECT_LT(chi_square(counts, 5, 20000), bound_of_5) << d.name;
  }
}

// policies.md D4.
TEST(dispatch_power_of_d, ties_are_uniform) {
  Farm f(5, 2);
  for (const int d : {1, 2, 3, 9}) {
    const auto p = f.make(power_of_d(), {{"d", d}});
    EXPECT_LT(chi_square(f.tally(*p, 20000), 10, 20000), bound_of_10) << d;
  }
}

TEST(dispatch_power_of_d, the_samples_differ) {
  Farm f(2);
  f.bench->wait_at(f.instances[0], ClassId{0});
  const auto p = f.make(power_of_d(), {{"d", 2}});
  for (int k = 0; k < 100; ++k) {
    const Dispatch d = f.ask(*p);
    EXPECT_EQ(d.instance, f.instances[1]);  // both are always seen
    EXPECT_EQ(d.runner_up, f.instances[0]);
  }
}

TEST(dispatch_power_of_d, the_best_of_d_of_n_is_found_as_often_as_it_is_drawn) {
  Farm f(10);
  for (std::size_t k = 1; k < 10; ++k) f.bench->wait_at(f.instances[k], ClassId{0});
  const auto p = f.make(power_of_d(), {{"d", 3}});
  // P(the idle one is among 3 of 10) = 0.3; 20000 draws: sd 0.0032.
  EXPECT_NEAR(f.tally(*p, 20000)[f.instances[0]] / 20000.0, 0.3, 0.013);
}

// policies.md X5: d = n power-of-d is JSQ in distribution; and always one of the instances of least load.
TEST(dispatch_power_of_d, with_d_of_all_instances_is_join_shortest_queue) {
  Farm f(5, 2);
  const auto p = f.make(power_of_d(), {{"d", 10}});
  const auto jsq = f.make(join_shortest_queue(), {}, 7);
  Stream s(3);
  for (int k = 0; k < 500; ++k) {
    const auto load = [&](InstanceId i) { return f.bench->view().instance(i).load; };
    EXPECT_EQ(load(f.ask(*p).instance), load(f.ask(*jsq).instance));
    f.bench->wait_at(f.instances[below(s, 10)], ClassId{0});
  }
  Farm even(5, 2);
  for (const std::size_t k : {0U, 1U, 5U, 6U, 7U}) even.bench->wait_at(even.instances[k], ClassId{0});
  const auto p2 = even.make(power_of_d(), {{"d", 64}});
  const auto counts = even.tally(*p2, 20000);
  EXPECT_EQ(counts.size(), 5U);
  EXPECT_LT(chi_square(counts, 5, 20000), bound_of_5);
}

// policies.md D5: two empty instances, id 0 of 1 ms and id 1 of 2 ms, nine queries at once: 0,0,1,0,0,1,0,0,1.
// Both are of one variant: a partitioned device at each of two sites without delay between them, the first instance holding two
// cores (1 ms), the second one core (2 ms).
TEST(dispatch_d5, sends_nine_queries_to_a_fast_and_a_slow_instance_as_worked) {
  WorldBuilder b;
  const SiteId a = b.site("a"), c = b.site("c");
  b.link(a, c, 0s);
  const HardwareId cpu = b.hardware("cpu", 1000, Sharing::partitioned, 2);
  const TaskId t = b.task("classify");
  const VariantId v = b.variant("net", t, cpu, 0.7, 2ms);
  b.catalog.variants[v.index()].profile = Profile({1, 2}, {{Duration{}, Duration{2ms}}, {Duration{}, Duration{1ms}}});
  b.pool("pa", a, cpu, 1);
  b.pool("pc", c, cpu, 1);
  b.add_class(t);
  ClusterBench bench(b);
  std::vector<InstanceId> instances;
  for (const auto& [device, option] : {std::pair<std::size_t, std::uint8_t>{0, 1}, {1, 0}}) {
    const SiteId s{device};
    instances.push_back(bench.cluster.start(bench.group(v, s), DeviceId{device}, option, 1, StartCause::initial, Time{}));
    bench.cluster.warm(instances.back(), Time{});
  }
  const auto p = make<DispatchPolicy>(least_expected_latency(), bench.setup());
  std::string order;
  for (int k = 0; k < 9; ++k) {
    const VisitId q = bench.admit(ClassId{0});
    const InstanceId i = p->place(bench.query(q), v, bench.view()).instance;
    order += i == instances[0] ? '0' : '1';
    bench.cluster.send(q, bench.cluster.own_line(i));
    bench.cluster.join(q, Time{});
  }
  EXPECT_EQ(order, "001001001");
}

// policies.md D5: on homogeneous deterministic service, batch 1, it always picks a member of JSQ's argmin set, and among these
// one with the least residual.
TEST(dispatch_d5, picks_among_the_shortest_queues_when_service_is_deterministic) {
  Farm f(6);
  const auto p = f.make(least_expected_latency());
  Stream s(11);
  Time now{};
  std::map<InstanceId, Time> ends;
  for (int k = 0; k < 3000; ++k) {
    now += Duration{below(s, 400'000)};
    for (auto& [i, end] : ends)
      while (end != never && end <= now) {
        f.bench->end(i, end);
        if (f.bench->line(i).empty()) {
          end = never;
        } else {
          f.bench->run(i, 1, end, 1ms);
          end += 1ms;
        }
      }
    const InstanceId i = f.ask(*p, now).instance;
    const ClusterView view = f.bench->view(now);
    for (const InstanceId o : f.instances) {
      ASSERT_LE(view.instance(i).load, view.instance(o).load);
      if (view.instance(i).load == view.instance(o).load) {
        ASSERT_LE(view.free_at(i), view.free_at(o));
      }
    }
    f.bench->wait_at(i, ClassId{0}, now);
    if (f.bench->view(now).instance(i).in_service == 0) {
      f.bench->run(i, 1, now, 1ms);
      ends[i] = now + 1ms;
    }
  }
}

TEST(dispatch_d5, stays_near_until_the_wait_outweighs_the_way_there_and_back) {
  Farm f(1, 2);  // 10 ms each way, 1 ms of service
  const auto p = f.make(least_expected_latency());
  for (int k = 0; k < 20; ++k) {
    EXPECT_EQ(f.ask(*p).instance, f.instances[0]);
    f.bench->wait_at(f.instances[0], ClassId{0});
  }
  // 20 ms wait + 1 ms here, 20 ms + 1 ms there: the nearer one still.
  const Dispatch even = f.ask(*p);
  EXPECT_EQ(even.instance, f.instances[0]);
  f.bench->wait_at(f.instances[0], ClassId{0});
  const Dispatch far = f.ask(*p);
  EXPECT_EQ(far.instance, f.instances[1]);
  EXPECT_EQ(far.runner_up, f.instances[0]);
  EXPECT_EQ(p->reasons()[far.reason], "farther");
  // Work that is done while the query travels costs it nothing: 10 ms of it are over when it gets there.
  for (int k = 0; k < 10; ++k) f.bench->wait_at(f.instances[1], ClassId{0});
  EXPECT_EQ(f.ask(*p).instance, f.instances[1]);
  f.bench->wait_at(f.instances[1], ClassId{0});
  EXPECT_EQ(f.ask(*p).instance, f.instances[0]);
}

TEST(dispatch_d5, counts_the_batch_that_the_query_will_be_in) {
  // Batches of up to 4 take 1 ms an item. With 3 waiting the query joins them: done after 4 ms. With 4 waiting it needs a batch
  // of its own: after 5 ms. Sites are 10 ms apart, so the far one (1 ms + 20 ms) never wins; what is looked at is the runner-up.
  Farm f(2, 1, true, 4);
  const auto p = f.make(least_expected_latency());
  for (int k = 0; k < 4; ++k) f.bench->wait_at(f.instances[0], ClassId{0});
  for (int k = 0; k < 3; ++k) f.bench->wait_at(f.instances[1], ClassId{0});
  EXPECT_EQ(f.ask(*p).instance, f.instances[1]);
}

TEST(dispatch_shared_line, names_the_nearest_site_that_has_an_instance) {
  Farm f(1, 3, false);
  const auto p = f.make(shared_line());
  EXPECT_EQ(f.ask(*p, Time{}, SiteId{1}).site, SiteId{1});  // hardware only
  f.bench->starting(f.v, 2, Time{}, Time{} + 1s);
  EXPECT_EQ(f.ask(*p, Time{}, SiteId{1}).site, SiteId{2});
  EXPECT_EQ(f.ask(*p, Time{}, SiteId{0}).site, SiteId{2});
  f.bench->warm(f.v, 0);
  EXPECT_EQ(f.ask(*p, Time{}, SiteId{0}).site, SiteId{0});
}

// The whole way, against queueing theory (validation.md V1): one M/M/1 queue at load 0.7 has mean time 1 / (1 - 0.7).
TEST(dispatch_run, one_instance_under_poisson_load_is_an_mm1_queue) {
  for (const auto& d : {join_shortest_queue(), least_expected_latency(), locality(), shared_line()}) {
    WorldBuilder b;
    const SiteId s = b.site("s");
    const HardwareId gpu = b.hardware("gpu");
    const TaskId t = b.task("classify");
    const VariantId v = b.variant("net", t, gpu, 0.7, 1s);
    b.catalog.variants[v.index()].service = Law::exponential();
    b.pool("p", s, gpu, 1);
    b.add_class(t);
    RunBench r(b);
    r.use(d);
    r.warm_at_start(v, 0);
    r.arrivals(std::make_unique<PoissonSource>(5, 0.7, 200'000));
    r.run();
    ASSERT_EQ(r.notes.ends.size(), 200'000U) << d.name;
    // One run of this length: standard error about 0.04.
    EXPECT_NEAR(r.notes.sum_s / 200'000, 1 / 0.3, 0.15) << d.name;
    EXPECT_EQ(r.notes.cold_starts, 0U);
  }
}

}  // namespace
}  // namespace tideline

// Several variants answer each query: votes, quorum, deadline (policies.md S4).
//
// Whose examples these are:
//   ensemble: Crankshaw et al., "Clipper: a low-latency online prediction serving system", NSDI 2017
//   exp4: doi:10.1137/S0097539701398375
#include "policies/builtin.h"
#include "sim/model/outcome.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {
namespace {

using namespace test;

/// Members on a device each, in one class of one task; queries 100 s apart, so that none waits.
struct Members {
  WorldBuilder b;
  std::vector<VariantId> variants;
  explicit Members(const std::vector<double>& accuracies, double rho = 0.5, Duration slo = forever, bool hit_rate = true,
                   const std::vector<Duration>& latencies = {}) {
    const SiteId site = b.site("s");
    const HardwareId gpu = b.hardware("gpu");
    const TaskId t = b.task("t", hit_rate);
    b.catalog.tasks[0].correlation = rho;
    for (std::size_t k = 0; k < accuracies.size(); ++k)
      variants.push_back(b.variant("v" + std::to_string(k), t, gpu, accuracies[k], latencies.empty() ? Duration{10ms} : latencies[k]));
    b.pool("p", site, gpu, static_cast<std::uint32_t>(accuracies.size()));
    b.add_class(t, slo);
  }
  std::unique_ptr<RunBench> run(int queries, const param::Object& parameters, const PolicyDefinition& policy = ensemble(),
                                const Environment& environment = {}) const {
    auto r = std::make_unique<RunBench>(b);
    r->use(policy, parameters);
    r->options.environment = environment;
    for (std::size_t k = 0; k < variants.size(); ++k) r->warm_at_start(variants[k], k);
    auto source = std::make_unique<PlainSource>();
    source->names = {"class0"};
    for (int k = 0; k < queries; ++k) source->list.emplace_back(Time{} + k * 100s, 0);
    r->arrivals(std::move(source));
    r->run();
    EXPECT_EQ(r->notes.ends.size(), static_cast<std::size_t>(queries));
    EXPECT_EQ(r->simulation().cluster().visits_open(), 0U);
    EXPECT_EQ(r->simulation().cluster().gatherings_open(), 0U);
    return r;
  }
};

struct Mean {
  double mean = 0, error = 0;  // standard error
};
template <class F>
Mean mean_of(const std::vector<QueryEnd>& ends, F value) {
  double sum = 0, squares = 0;
  for (const QueryEnd& e : ends) {
    sum += value(e);
    squares += value(e) * value(e);
  }
  const auto n = static_cast<double>(ends.size());
  return {sum / n, std::sqrt(std::max(0.0, squares / n - sum * sum / n / n) / n)};
}
Mean realised(const RunBench& r) {
  return mean_of(r.notes.ends, [](const QueryEnd& e) { return e.realised; });
}
Mean expected(const RunBench& r) {
  return mean_of(r.notes.ends, [](const QueryEnd& e) { return e.accuracy; });
}

TEST(Ensemble, votes_are_right_as_often_as_the_model_says) {
  const double rhos[] = {0, 0.25, 0.5, 0.75};
  const std::vector<std::vector<double>> worked{{.78400, .75352, .73118, .71390}, {.83692, .77919, .74340, .71854}};
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t k = 0; k < 4; ++k) {
      const Members m(std::vector<double>(n == 0 ? 3 : 5, 0.7), rhos[k]);
      const auto r = m.run(20000, {});
      EXPECT_NEAR(realised(*r).mean, worked[n][k], 4 * realised(*r).error) << m.variants.size() << " voters, rho " << rhos[k];
      EXPECT_NEAR(expected(*r).mean, worked[n][k], 4 * expected(*r).error + 6e-6) << m.variants.size() << " voters, rho " << rhos[k];
    }
  }
  EXPECT_NEAR(expected(*Members(std::vector<double>(7, 0.7), 0).run(10, {})).mean, .873964, 5e-7);
  EXPECT_NEAR(expected(*Members(std::vector<double>(3, 0.8), 0).run(10, {})).mean, .896, 1e-12);
}

// By enumeration: among .9, .6 and .6 the first outweighs both others; among .9, .8, .8, .7, .7 it takes more.
TEST(Ensemble, weighted_votes_count_by_the_log_odds_of_their_accuracy) {
  const auto combined = [](const std::vector<double>& accuracies, const char* combine) {
    return expected(*Members(accuracies, 0).run(3, {{"combine", combine}})).mean;
  };
  EXPECT_NEAR(combined({.9, .6, .6}, "majority"), .792, 1e-12);
  EXPECT_NEAR(combined({.9, .6, .6}, "weighted"), .9, 1e-12);
  EXPECT_NEAR(combined({.9, .8, .8, .7, .7}, "majority"), .92964, 1e-12);
  EXPECT_NEAR(combined({.9, .8, .8, .7, .7}, "weighted"), .93988, 1e-12);
  EXPECT_NEAR(combined({.7, .7, .7, .7}, "weighted"), combined({.7, .7, .7, .7}, "majority"), 1e-12) << "ties too";
}

TEST(Ensemble, the_best_answer_is_that_of_the_most_accurate_member) {
  const auto r = Members({.6, .9, .7}).run(5, {{"combine", "best"}});
  for (const QueryEnd& e : r->notes.ends) {
    EXPECT_EQ(e.variant, VariantId{1});
    EXPECT_DOUBLE_EQ(e.accuracy, .9);
    EXPECT_EQ(e.visits, 3U);
  }
}

// "Latency with iid Exp(1) members, no queueing: k=1 0.3333, k=2 0.8333, k=3 1.8333".
TEST(Ensemble, waits_for_its_quorum) {
  const double worked[] = {1 / 3.0, 1 / 3.0 + 1 / 2.0, 1 / 3.0 + 1 / 2.0 + 1};
  const double variance[] = {1 / 9.0, 1 / 9.0 + 1 / 4.0, 1 / 9.0 + 1 / 4.0 + 1};
  const int queries = 20000;
  for (const int quorum : {1, 2, 3}) {
    Members m({.7, .7, .7}, 0.5, forever, true, {1s, 1s, 1s});
    for (Variant& v : m.b.catalog.variants) v.service = Law::exponential();
    const auto r = m.run(queries, {{"quorum", quorum}});
    const auto k = static_cast<std::size_t>(quorum - 1);
    EXPECT_NEAR(r->notes.sum_s / queries, worked[k], 4 * std::sqrt(variance[k] / queries)) << "quorum " << quorum;
  }
}

TEST(Ensemble, a_quorum_above_the_members_in_reach_is_all_of_them) {
  WorldBuilder b;
  const SiteId here = b.site("here"), island = b.site("island");
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu"), tpu = b.hardware("tpu");
  const VariantId quick = b.variant("quick", t, gpu, .7, 10ms), slow = b.variant("slow", t, gpu, .8, 30ms);
  b.variant("far", t, tpu, .9, 1ms);
  b.pool("p", here, gpu, 2);
  b.pool("q", island, tpu, 1);
  b.add_class(t);
  RunBench r(b);
  r.use(ensemble(), {{"quorum", 3}});
  r.warm_at_start(quick, 0);
  r.warm_at_start(slow, 1);
  r.arrivals(std::make_unique<PoissonSource>(1, 0.1, 20));
  r.run();
  ASSERT_EQ(r.notes.ends.size(), 20U);
  for (const QueryEnd& e : r.notes.ends) {
    EXPECT_EQ(e.ending, Ending::answered);
    EXPECT_EQ(e.visits, 2U);
    EXPECT_EQ(e.service, 30ms) << "the slower was waited for";
  }
  ClusterBench bench(b);
  const auto p = make<SelectionPolicy>(ensemble(), bench.setup(), {{"quorum", 3}});
  const Selection s = p->select(bench.query(bench.admit(ClassId{0})), bench.view());
  EXPECT_EQ(s.count, 2U);
  EXPECT_EQ(s.quorum, 2U);
  EXPECT_EQ(p->reasons()[s.reason], "fewer_than_the_quorum");
  const Selection there = p->select(bench.query(bench.admit(ClassId{0}, {}, 1, island)), bench.view());
  EXPECT_EQ(there.count, 1U);
  EXPECT_EQ(p->reasons()[p->select(bench.query(bench.admit(ClassId{0}, {}, 2)), bench.view()).reason], "too_large");
}

TEST(Ensemble, asks_the_candidates_of_the_class_or_whom_it_is_told) {
  Members m({.6, .9, .7}, .5, 20ms, true, {10ms, 30ms, 10ms});
  m.b.add_class(TaskId{0}, 40ms, .65);
  ClusterBench bench(m.b);
  const auto asked = [&](std::size_t cls, const param::Object& parameters) {
    const Selection s = make<SelectionPolicy>(ensemble(), bench.setup(), parameters)
                            ->select(bench.query(bench.admit(bench.world->class_of(cls))), bench.view());
    EXPECT_EQ(s.quorum, s.count);
    return std::vector<VariantId>(s.variants.begin(), s.variants.begin() + s.count);
  };
  const auto& v = m.variants;
  EXPECT_EQ(asked(0, {}), (std::vector{v[2], v[0]})) << "what is within the SLO, the most accurate first";
  EXPECT_EQ(asked(1, {}), (std::vector{v[1], v[2]})) << "what meets the floor";
  const param::Object named{{"members", param::List{"v0", "v1"}}};
  for (const std::size_t cls : {0U, 1U}) EXPECT_EQ(asked(cls, named), (std::vector{v[0], v[1]}));
}

// Members of 10, 20 and 50 ms: at the deadline two have answered, or one, or none.
TEST(Ensemble, may_answer_at_the_deadline_with_what_has_come) {
  const auto end = [](Duration slo, bool at_deadline) {
    const Members m({.7, .8, .9}, .5, slo, true, {10ms, 20ms, 50ms});
    const auto r = m.run(1, {{"at_deadline", at_deadline}, {"members", param::List{"v0", "v1", "v2"}}});
    const QueryEnd e = r->notes.ends.front();
    const OutcomeModel outcome(r->world().catalog(), r->options.seed);
    const std::vector<VariantId> two{m.variants[0], m.variants[1]}, all{m.variants[0], m.variants[1], m.variants[2]};
    if (e.finish == Time{} + 30ms) {
      EXPECT_DOUBLE_EQ(e.accuracy, outcome.majority_expected(0, two));
    }
    if (e.finish == Time{} + 50ms) {
      EXPECT_DOUBLE_EQ(e.accuracy, outcome.majority_expected(0, all));
    }
    EXPECT_EQ(e.visits, 3U);
    return e.finish - Time{};
  };
  EXPECT_EQ(end(30ms, false), 50ms);
  EXPECT_EQ(end(30ms, true), 30ms);
  EXPECT_EQ(end(20ms, true), 20ms) << "what comes at that instant is there";
  EXPECT_EQ(end(5ms, true), 10ms) << "the first to come";
  EXPECT_EQ(end(60ms, true), 50ms) << "the quorum was there before";
  EXPECT_EQ(end(forever, true), 50ms);
}

std::string refusal(const Members& m, const param::Object& parameters) {
  const ClusterBench bench(m.b);
  try {
    make<SelectionPolicy>(ensemble(), bench.setup(), parameters);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

TEST(Ensemble, refuses_before_the_run_to_vote_on_scores) {
  const Members scores({.7, .8}, .5, forever, false);
  const std::string message =
      "task \"t\" is measured by a score, \"mAP\": its answers are not right or wrong, and cannot vote; \"combine\": \"best\" can";
  EXPECT_EQ(refusal(scores, {}), message);
  EXPECT_EQ(refusal(scores, {{"combine", "weighted"}, {"members", param::List{"v0"}}}), message);
  EXPECT_EQ(refusal(scores, {{"combine", "best"}}), "");
  EXPECT_DOUBLE_EQ(expected(*scores.run(2, {{"combine", "best"}})).mean, .8);
}

TEST(Ensemble, refuses_wrong_members_before_the_run) {
  const Members m({.7, .8});
  EXPECT_EQ(refusal(m, {{"members", param::List{"v0", "w1"}}}), "there is no variant \"w1\"; did you mean \"v1\"?");
  EXPECT_EQ(refusal(m, {{"members", param::List{"v0", "v0"}}}), "variant \"v0\" is listed twice: it would give the same answer again");
  const Members many(std::vector<double>(17, .7));
  param::List names;
  for (int k = 0; k < 17; ++k) names.push_back("v" + std::to_string(k));
  EXPECT_EQ(refusal(many, {{"members", names}}), "task \"t\" has 17 members; at most 16 may answer");
  EXPECT_EQ(refusal(many, {}), "") << "of candidates it takes the most accurate 16";
}

// --- weights that are learnt ---

// Of three answers with a right vote the one that differs loses; with a wrong one those that agreed do. Others' weights stay.
TEST(exp4, a_label_is_what_each_vote_was_worth) {
  Members m({.8, .7, .6, .5});
  m.b.add_class(TaskId{0}, 1s);
  ClusterBench bench(m.b);
  tideline::Setup setup = bench.setup();
  setup.label_share = 0.5;
  const auto p = make<SelectionPolicy>(exp4(), setup, {{"eta", 0.1}, {"accuracy", "labels"}});
  auto& o = dynamic_cast<Observer&>(*p);
  const ClassId cls = bench.world->class_of(0);
  const VisitId one = bench.admit(cls), two = bench.admit(cls), three = bench.admit(cls), other = bench.admit(bench.world->class_of(1));
  const auto weights = [&](VisitId v) {
    std::vector<double> w(4);
    p->vote_weights(bench.query(v), m.variants, w);
    return w;
  };
  const auto vote = [&](VisitId v, const std::vector<VariantId>& answers, std::uint32_t agreed, bool labelled) {
    o.voted(bench.query(v), answers, agreed, bench.view());
    o.ended({bench.query(v).number(), cls, answers[0], 10ms, 0, labelled}, bench.view());
  };
  EXPECT_EQ(weights(one), (std::vector<double>{1, 1, 1, 1}));
  vote(one, {m.variants[2], m.variants[0], m.variants[1]}, 0b101, true);
  vote(two, m.variants, 0b0111, true);
  vote(three, m.variants, 0b0111, false);
  EXPECT_EQ(weights(one), (std::vector<double>{1, 1, 1, 1})) << "no label has come";
  o.feedback({bench.query(three).number(), cls, m.variants[0], 0}, bench.view());
  EXPECT_EQ(weights(one), (std::vector<double>{1, 1, 1, 1})) << "of a query that was to have none";
  o.feedback({bench.query(two).number(), cls, m.variants[0], 0}, bench.view());
  const double e = std::exp(-.1);
  EXPECT_EQ(weights(one), (std::vector<double>{e, e, e, 1}));
  o.feedback({bench.query(one).number(), cls, m.variants[0], 1}, bench.view());
  EXPECT_EQ(weights(one), (std::vector<double>{e * e, e, e, 1}));
  EXPECT_EQ(weights(other), (std::vector<double>{1, 1, 1, 1})) << "each class has its own";
}

// Five members of which profiles say the same: one is right 95 times in a hundred, the others 55. Each counting one, the vote is right when the
// good one and two of four are, or three of four: .740. Weights that follow labels make the good one's answer the vote: .95.
TEST(exp4, finds_by_labels_whose_vote_to_trust) {
  const Members m({.7, .7, .7, .7, .7}, 0);
  Environment e;
  e.feedback = {1, 1s};
  for (std::size_t k = 0; k < 5; ++k)
    e.changes.push_back({.kind = Change::Kind::accuracy, .from = Time{}, .variant = m.variants[k], .amount = k == 0 ? .25 : -.15});
  const auto late = [](const RunBench& r) {
    const auto& ends = r.notes.ends;
    return mean_of(std::vector<QueryEnd>(ends.begin() + 1000, ends.end()), [](const QueryEnd& q) { return q.realised; });
  };
  const double p = .55, q = 1 - p, three = 4 * p * p * p * q + p * p * p * p, two = three + 6 * p * p * q * q;
  const Mean equal = late(*m.run(5000, {}, ensemble(), e));
  EXPECT_NEAR(equal.mean, .95 * two + .05 * three, 4 * equal.error);
  const Mean learnt = late(*m.run(5000, {{"eta", 0.1}, {"accuracy", "labels"}}, exp4(), e));
  EXPECT_NEAR(learnt.mean, .95, 4 * learnt.error);
}

// Profiles alone make the most accurate one decide in the end.
TEST(exp4, goes_by_profiles_where_there_are_no_labels) {
  const Members m({.6, .9, .6, .6}, 0);
  const auto r = m.run(1500, {{"eta", 0.1}}, exp4());
  const auto& ends = r->notes.ends;
  for (std::size_t k = 1000; k < ends.size(); ++k) EXPECT_NEAR(ends[k].accuracy, .9, 1e-9);
  // At first all count alike and it breaks ties: it is right and so is one of three, or it is not and all three are.
  EXPECT_NEAR(ends[0].accuracy, .9 * (1 - .4 * .4 * .4) + .1 * .6 * .6 * .6, 1e-9);
}

TEST(exp4, refuses_labels_that_nobody_gives_and_answers_that_have_scores) {
  const Members m({.6, .9});
  ClusterBench bench(m.b);
  EXPECT_THROW(make<SelectionPolicy>(exp4(), bench.setup(), {{"accuracy", "labels"}}), std::invalid_argument);
  const Members scores({.6, .9}, 0.5, forever, false);
  ClusterBench other(scores.b);
  EXPECT_THROW(make<SelectionPolicy>(exp4(), other.setup(), {}), std::invalid_argument);
}

}  // namespace
}  // namespace tideline

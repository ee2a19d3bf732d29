// Labels of answers, and a policy that learns from them which variant is better.
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace tideline {
namespace {

using namespace test;

Time at(Duration d) { return Time{} + d; }

struct Heard {
  VariantId variant;
  double realised;
  Time at;
};

/// Asks the variant whose recent answers were better, each tenth query the other one; forgets by a twentieth with each label.
struct Learner final : SelectionPolicy, Observer {
  using Params = NoParams;
  static inline std::vector<Heard> heard;
  std::array<double, 2> mean{.5, .5};
  std::uint64_t asked = 0;
  Learner(const Params&, const Setup&) {}
  Facts facts() const override { return {.feedback = true}; }
  Selection select(const QueryView& q, ClusterView view) override {
    const auto& variants = view.world().catalog()[q.task()].variants;
    const std::size_t better = mean[1] > mean[0] ? 1 : 0;
    return Selection::one(variants[++asked % 10 == 0 ? 1 - better : better]);
  }
  void feedback(const Label& l, ClusterView view) override {
    heard.push_back({l.variant, l.realised, view.now()});
    mean[l.variant.index()] += .05 * (l.realised - mean[l.variant.index()]);
  }
};

/// Asks both variants for a vote, and hears of ends and votes.
struct Listener final : SelectionPolicy, Observer {
  struct Vote {
    std::uint64_t query;
    std::vector<VariantId> answers;
    std::uint32_t agreed;
  };
  using Params = NoParams;
  static inline std::vector<std::pair<Ended, Time>> ends;
  static inline std::vector<Vote> votes;
  static inline std::size_t asks = 1;  // 0: rejects
  Listener(const Params&, const Setup&) {
    ends.clear();
    votes.clear();
  }
  Facts facts() const override { return {.ends = true, .votes = true}; }
  Selection select(const QueryView& q, ClusterView view) override {
    const auto& variants = view.world().catalog()[q.task()].variants;
    Selection s = Selection::one(variants[0]);
    if (asks == 0) return Selection::reject();
    for (std::size_t k = 1; k < asks; ++k) s.variants[s.count++] = variants[k];
    s.quorum = s.count;
    s.combine = asks > 1 ? Combine::majority : Combine::best;
    return s;
  }
  void ended(const Ended& e, ClusterView view) override { ends.emplace_back(e, view.now()); }
  void voted(const QueryView& q, std::span<const VariantId> answers, std::uint32_t agreed, ClusterView) override {
    votes.push_back({q.number(), {answers.begin(), answers.end()}, agreed});
  }
};

struct Two {
  WorldBuilder b;
  std::array<VariantId, 2> v;
  RunBench make(double share, Duration delay, int queries) {
    const SiteId s = b.site("s");
    const TaskId t = b.task("t");
    const HardwareId gpu = b.hardware("gpu");
    v = {b.variant("a", t, gpu, 0.8, 10ms, 1, Duration{}), b.variant("b", t, gpu, 0.6, 10ms, 1, Duration{})};
    b.pool("p", s, gpu, 2);
    b.add_class(t);
    RunBench x(b);
    Learner::heard.clear();
    x.use(define<Learner>("learner", "Learns."));
    x.options.environment.feedback = {share, delay};
    auto source = std::make_unique<PlainSource>();
    for (int k = 0; k < queries; ++k) source->list.emplace_back(at(k * 100ms), 0);
    x.arrivals(std::move(source));
    x.warm_at_start(v[0], 0);
    x.warm_at_start(v[1], 1);
    return x;
  }
};

TEST(feedback, comes_for_the_share_of_answers_and_as_late_as_it_is_said) {
  Two two;
  RunBench x = two.make(.25, 3s, 4000);
  x.run();
  ASSERT_EQ(x.notes.ends.size(), 4000U);
  EXPECT_NEAR(static_cast<double>(Learner::heard.size()) / 4000, .25, 4 * std::sqrt(.25 * .75 / 4000));
  // Each label is that of an answer just so long ago.
  std::size_t k = 0;
  for (const Heard& h : Learner::heard) {
    while (k < x.notes.ends.size() && x.notes.ends[k].finish + 3s < h.at) ++k;
    ASSERT_LT(k, x.notes.ends.size());
    EXPECT_EQ(x.notes.ends[k].finish + 3s, h.at);
    EXPECT_EQ(x.notes.ends[k].variant, h.variant);
    EXPECT_EQ(x.notes.ends[k].realised, h.realised);
  }
}

TEST(feedback, is_not_there_unless_the_scenario_has_it) {
  Two two;
  RunBench x = two.make(0, Duration{}, 100);
  x.run();
  EXPECT_TRUE(Learner::heard.empty());
}

// Site "far" is 30 ms away: the answer is heard of when it is back, 10 + 60 ms after the query; who is turned away at once.
TEST(ends, are_heard_when_the_client_sees_them) {
  WorldBuilder b;
  const SiteId here = b.site("here"), far = b.site("far");
  b.link(here, far, 30ms);
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  const VariantId v = b.variant("a", t, gpu, 0.8, 10ms, 1, Duration{});
  b.pool("p", far, gpu, 1, 3600);
  b.add_class(t);
  Listener::asks = 1;
  RunBench r(b);
  r.use(define<Listener>("listener", "Listens."));
  r.options.environment.feedback = {.5, 1s};
  auto source = std::make_unique<PlainSource>();
  for (int k = 0; k < 200; ++k) source->list.emplace_back(at(k * 100ms), 0);
  r.warm_at_start(v, 0);
  r.arrivals(std::move(source));
  r.run();
  ASSERT_EQ(Listener::ends.size(), 200U);
  std::size_t labelled = 0;
  for (std::size_t k = 0; k < 200; ++k) {
    const auto& [end, when] = Listener::ends[k];
    EXPECT_EQ(end.query, k);
    EXPECT_EQ(end.variant, v);
    EXPECT_EQ(end.latency, 70ms);
    EXPECT_EQ(when, at(k * 100ms + 70ms));
    EXPECT_DOUBLE_EQ(end.cost_usd, r.notes.ends[k].cost_usd);
    labelled += end.labelled ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(labelled), 100, 4 * std::sqrt(50));
}

TEST(ends, tell_of_queries_without_an_answer) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  b.variant("a", t, gpu, 0.8, 10ms, 1, Duration{});
  b.pool("p", s, gpu, 1);
  b.add_class(t);
  Listener::asks = 0;
  RunBench r(b);
  r.use(define<Listener>("listener", "Listens."));
  auto source = std::make_unique<PlainSource>();
  source->list.emplace_back(at(1s), 0);
  r.arrivals(std::move(source));
  r.run();
  ASSERT_EQ(Listener::ends.size(), 1U);
  EXPECT_FALSE(Listener::ends[0].first.variant);
  EXPECT_EQ(Listener::ends[0].first.latency, 0ms);
  EXPECT_EQ(Listener::ends[0].second, at(1s));
}

// Who agreed is told, never who was right: but all wrong answers agree, so of two at .8 and .6 one stands alone in .44 of the votes where
// their outcomes have no correlation, and the vote goes as the more accurate one says.
TEST(votes, tell_who_agreed_with_what_came_of_it) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const TaskId t = b.task("t");
  const HardwareId gpu = b.hardware("gpu");
  const VariantId a = b.variant("a", t, gpu, 0.8, 10ms, 1, Duration{}), z = b.variant("b", t, gpu, 0.6, 10ms, 1, Duration{});
  b.catalog.tasks[0].correlation = 0;
  b.pool("p", s, gpu, 2);
  b.add_class(t);
  RunBench r(b);
  Listener::asks = 2;
  r.use(define<Listener>("listener", "Listens."));
  auto source = std::make_unique<PlainSource>();
  for (int k = 0; k < 5000; ++k) source->list.emplace_back(at(k * 100ms), 0);
  r.warm_at_start(a, 0);
  r.warm_at_start(z, 1);
  r.arrivals(std::move(source));
  r.run();
  ASSERT_EQ(Listener::votes.size(), 5000U);
  double alone = 0;
  for (const auto& v : Listener::votes) {
    ASSERT_EQ(v.answers.size(), 2U);
    const std::size_t first = v.answers[0] == a ? 0 : 1;
    EXPECT_TRUE(v.agreed >> first & 1U) << "the more accurate one decides";
    alone += v.agreed == 3 ? 0 : 1;
  }
  EXPECT_NEAR(alone / 5000, .44, 4 * std::sqrt(.44 * .56 / 5000));
}

TEST(a_policy_that_learns_from_feedback, finds_the_better_variant_after_a_drift) {
  Two two;
  RunBench x = two.make(.5, 5s, 8000);
  x.options.environment.changes = {{.kind = Change::Kind::accuracy, .from = at(400s), .variant = VariantId{0}, .amount = -.6}};
  x.run();
  const auto share_of_b = [&](Duration from, Duration to) {
    double b = 0, all = 0;
    for (const QueryEnd& e : x.notes.ends)
      if (e.finish >= at(from) && e.finish < at(to)) {
        ++all;
        b += e.variant == two.v[1] ? 1 : 0;
      }
    return b / all;
  };
  EXPECT_LT(share_of_b(200s, 400s), .3) << "a is better by its profile and in fact";
  EXPECT_GT(share_of_b(500s, 800s), .7) << "b is better now, whatever the profiles say";
}

}  // namespace
}  // namespace tideline

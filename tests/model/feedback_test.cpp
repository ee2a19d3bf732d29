// Labels of answers, and a policy that learns from them which variant is better.
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <array>

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
  void feedback(ClassId, VariantId v, double realised, ClusterView view) override {
    heard.push_back({v, realised, view.now()});
    mean[v.index()] += .05 * (realised - mean[v.index()]);
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

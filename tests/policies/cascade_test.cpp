// A small variant nearby first, the next where it is not confident (policies.md S13).
//
// Whose examples these are:
//   cascade: doi:10.1109/ICDCS.2017.226
#include "policies/builtin.h"
#include "sim/core/normal.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {
namespace {

using namespace test;

constexpr double a_edge = .6, a_core = .8;

/// 20 ms at the edge, 60 ms at a core 20 ms away; queries 1 s apart, so that none waits.
struct EdgeAndCore {
  WorldBuilder b;
  VariantId small, large;
  explicit EdgeAndCore(double kappa = .8, Duration slo = forever, Duration load = {}, bool linked = true) {
    const SiteId edge = b.site("edge"), core = b.site("core");
    if (linked) b.link(edge, core, 20ms);
    const TaskId t = b.task("t");
    b.catalog.tasks[0].correlation = .5;
    b.catalog.tasks[0].information = kappa;
    const HardwareId npu = b.hardware("npu"), gpu = b.hardware("gpu");
    small = b.variant("small", t, npu, a_edge, 20ms);
    large = b.variant("large", t, gpu, a_core, 60ms, 1, load);
    b.pool("npus", edge, npu, 1);
    b.pool("gpus", core, gpu, 1);
    b.add_class(t, slo);
  }
  std::unique_ptr<RunBench> run(int queries, const param::Object& parameters, bool warm = true) const {
    auto r = std::make_unique<RunBench>(b);
    r->use(cascade(), parameters);
    r->warm_at_start(small, 0);
    if (warm) r->warm_at_start(large, 1);
    auto source = std::make_unique<PlainSource>();
    source->names = {"class0"};
    for (int k = 0; k < queries; ++k) source->list.emplace_back(Time{} + k * 1s, 0);
    r->arrivals(std::move(source));
    r->run();
    EXPECT_EQ(r->notes.ends.size(), static_cast<std::size_t>(queries));
    for (const QueryEnd& e : r->notes.ends) EXPECT_EQ(e.ending, Ending::answered);
    EXPECT_EQ(r->simulation().cluster().gatherings_open(), 0U);
    return r;
  }
};

/// The threshold that a share of the confidences of accuracy `a` reaches: s is standard normal, and confidence falls with it.
double threshold_for(double share, double a, double kappa) {
  return normal_cdf((normal_quantile(a) - kappa * normal_quantile(share)) / std::sqrt(1 - kappa * kappa));
}
param::Object thresholds(double theta) { return {{"stages", param::List{"small", "large"}}, {"thresholds", param::List{theta}}}; }

struct Means {
  double sent_on = 0, realised = 0, expected = 0, expected_error = 0;
};
Means means_of(const RunBench& r) {
  Means m;
  double squares = 0;
  const auto n = static_cast<double>(r.notes.ends.size());
  for (const QueryEnd& e : r.notes.ends) {
    m.sent_on += (e.visits - 1) / n;
    m.realised += e.realised / n;
    m.expected += e.accuracy / n;
    squares += e.accuracy * e.accuracy / n;
  }
  m.expected_error = std::sqrt(std::max(0.0, squares - m.expected * m.expected) / n);
  return m;
}

// "edge 20 ms, exit prob .7, rtt 40, core 60 -> E[L]=20+.3*(40+60)=50 ms".
TEST(Cascade, takes_the_edge_and_for_some_the_way_and_the_core_on_top) {
  const int queries = 20000;
  const auto r = EdgeAndCore().run(queries, thresholds(threshold_for(.7, a_edge, .8)));
  for (const QueryEnd& e : r->notes.ends) {
    const bool sent_on = e.visits == 2;
    ASSERT_EQ(e.variant, VariantId{sent_on ? 1U : 0U});
    ASSERT_EQ(e.network, sent_on ? 40ms : 0ms);
    ASSERT_EQ(e.service, sent_on ? 80ms : 20ms) << "both stages are service";
    ASSERT_EQ(e.queue, 0ms);
    ASSERT_EQ(e.load, 0ms);
  }
  const double error = std::sqrt(.3 * .7 / queries);
  EXPECT_NEAR(means_of(*r).sent_on, .3, 4 * error);
  EXPECT_NEAR(r->notes.sum_s / queries, .050, 4 * .100 * error);
}

TEST(Cascade, at_threshold_0_all_stay_and_above_1_all_go_on) {
  const int queries = 20000;
  const Means edge = means_of(*EdgeAndCore().run(queries, thresholds(0)));
  EXPECT_EQ(edge.sent_on, 0);
  EXPECT_NEAR(edge.realised, a_edge, 4 * std::sqrt(a_edge * (1 - a_edge) / queries));
  EXPECT_NEAR(edge.expected, a_edge, 4 * edge.expected_error);
  const Means core = means_of(*EdgeAndCore().run(queries, thresholds(1.01)));
  EXPECT_NEAR(core.sent_on, 1, 1e-9);
  EXPECT_NEAR(core.realised, a_core, 4 * std::sqrt(a_core * (1 - a_core) / queries));
  EXPECT_NEAR(core.expected, a_core, 4 * core.expected_error);
}

// "Variants .6 -> .8, rho .5, least confident 30 % sent on: accuracy .659, .706, .744, .775 (+-.002) at kappa 0, .5, .8, .95".
// At kappa 0 all confidences are equal: a millionth orders them without telling anything.
TEST(Cascade, gains_as_much_as_the_confidence_knows) {
  const double kappas[] = {1e-6, .5, .8, .95}, worked[] = {.659, .706, .744, .775};
  const int queries = 40000;
  for (std::size_t k = 0; k < 4; ++k) {
    const Means m = means_of(*EdgeAndCore(kappas[k]).run(queries, thresholds(threshold_for(.7, a_edge, kappas[k]))));
    EXPECT_NEAR(m.sent_on, .3, 4 * std::sqrt(.3 * .7 / queries)) << "kappa " << kappas[k];
    EXPECT_NEAR(m.realised, worked[k], .002 + 4 * std::sqrt(worked[k] * (1 - worked[k]) / queries)) << "kappa " << kappas[k];
    EXPECT_NEAR(m.expected, worked[k], .002 + 4 * m.expected_error) << "kappa " << kappas[k];
  }
}

// More go on with a higher threshold. That is worth something up to the confidence at which the core is right as often as the edge:
// Phi((Phi^-1(.6) - .8 s) / .6) = Phi((Phi^-1(.8) - .4 s) / sqrt(1 - .4^2)) at s = -.553, where it is .877. There the cascade is better
// than the core alone; beyond, it loses again.
TEST(Cascade, a_higher_threshold_sends_more_on_and_is_more_accurate_as_long_as_the_core_knows_better) {
  Means last;
  for (const double theta : {0., .2, .4, .5, .6, .7, .8, .877}) {
    const Means m = means_of(*EdgeAndCore().run(5000, thresholds(theta)));
    EXPECT_GE(m.sent_on, last.sent_on) << theta;
    EXPECT_GE(m.expected, last.expected) << theta;
    last = m;
  }
  EXPECT_GT(last.expected, a_core + .01);
  const Means all = means_of(*EdgeAndCore().run(5000, thresholds(1.01)));
  EXPECT_GT(all.sent_on, last.sent_on);
  EXPECT_LT(all.expected, last.expected);
}

// After 20 ms at the edge, way and core take 100 ms more.
TEST(Cascade, serves_what_is_there_where_the_next_stage_would_be_late) {
  for (const auto& [slo, skip, sent_on] : {std::tuple{119ms, true, 0}, {120ms, true, 1}, {119ms, false, 1}}) {
    param::Object parameters = thresholds(1.01);
    parameters.emplace_back("skip_late", skip);
    const auto r = EdgeAndCore(.8, slo).run(3, parameters);
    for (const QueryEnd& e : r->notes.ends) {
      EXPECT_EQ(e.visits, 1 + sent_on) << slo.count() << " ms";
      EXPECT_EQ(e.variant, VariantId{sent_on == 1 ? 1U : 0U});
    }
  }
}

TEST(Cascade, a_stage_that_is_not_loaded_counts_with_its_load) {
  const auto started = [](Duration slo) { return EdgeAndCore(.8, slo, 500ms).run(1, thresholds(1.01), false)->notes.started.size(); };
  // 20 ms, then 500 ms of load in which the query travels, 60 ms and 20 ms back.
  EXPECT_EQ(started(599ms), 1U);
  EXPECT_EQ(started(600ms), 2U);
  const auto r = EdgeAndCore(.8, 600ms, 500ms).run(1, thresholds(1.01), false);
  const QueryEnd& e = r->notes.ends.front();
  EXPECT_EQ(e.load, 500ms) << "without the time at the edge";
  EXPECT_EQ(e.network + e.load + e.queue + e.service, e.finish - Time{});
}

TEST(Cascade, a_stage_out_of_reach_is_left_out) {
  const EdgeAndCore cut(.8, forever, {}, false);
  const auto r = cut.run(3, thresholds(1.01));
  for (const QueryEnd& e : r->notes.ends) EXPECT_EQ(e.visits, 1U);
  ClusterBench bench(cut.b);
  const auto p = make<SelectionPolicy>(cascade(), bench.setup(), thresholds(1.01));
  const Selection s = p->select(bench.query(bench.admit(ClassId{0})), bench.view());
  EXPECT_EQ(s.variants[0], cut.small);
  EXPECT_FALSE(s.may_escalate);
  EXPECT_EQ(p->select(bench.query(bench.admit(ClassId{0}, {}, 1, SiteId{1})), bench.view()).variants[0], cut.large);
  EXPECT_EQ(p->reasons()[p->select(bench.query(bench.admit(ClassId{0}, {}, 2)), bench.view()).reason], "too_large");
}

/// Three sites in a row, one variant on the hardware of each: 60, 70 and 80 %, and one of 55 % beside the last.
struct Row {
  WorldBuilder b;
  std::vector<VariantId> v;
  Row() {
    const TaskId t = b.task("t");
    for (int k = 0; k < 3; ++k) {
      const SiteId s = b.site("s" + std::to_string(k));
      const HardwareId h = b.hardware("h" + std::to_string(k));
      v.push_back(b.variant("v" + std::to_string(k), t, h, .6 + .1 * k, 10ms));
      if (k == 2) b.variant("worse", t, h, .55, 1ms);
      b.pool("p" + std::to_string(k), s, h, 1);
      if (k > 0) b.link(SiteId{s.index() - 1U}, s, 10ms);
    }
    b.add_class(t);
  }
};
/// The stages that a query goes through whose answers have these confidences, then none.
std::vector<VariantId> way(ClusterBench& bench, SelectionPolicy& p, SiteId origin, std::vector<double> confidences = {}) {
  confidences.resize(Selection::most);
  const QueryView q = bench.query(bench.admit(ClassId{0}, {}, 1, origin));
  std::vector<VariantId> out;
  Selection s = p.select(q, bench.view());
  while (s.answer == Selection::Answer::variants) {
    out.push_back(s.variants[0]);
    if (!s.may_escalate) break;
    const std::size_t stage = out.size() - 1;
    s = p.escalate(q, {s.variants[0], static_cast<std::uint8_t>(stage), confidences[stage]}, bench.view());
  }
  return out;
}

TEST(Cascade, finds_its_stages_site_by_site_as_long_as_they_gain_accuracy) {
  const Row row;
  ClusterBench bench(row.b);
  const auto p = make<SelectionPolicy>(cascade(), bench.setup());
  EXPECT_EQ(way(bench, *p, SiteId{0}), row.v);
  EXPECT_EQ(way(bench, *p, SiteId{1}), (std::vector{row.v[1], row.v[2]}));
  EXPECT_EQ(way(bench, *p, SiteId{2}), (std::vector{row.v[2]}));
}

TEST(Cascade, each_stage_has_its_threshold_and_the_last_is_that_of_all_further) {
  Row row;
  const SiteId island = row.b.site("island");
  const HardwareId h = row.b.hardware("h3");
  row.b.variant("alone", TaskId{0}, h, .5, 10ms);
  row.b.pool("p3", island, h, 1);
  ClusterBench bench(row.b);
  const auto stages = [&](const std::vector<double>& confidences, const param::List& names) {
    const auto p = make<SelectionPolicy>(cascade(), bench.setup(), {{"stages", names}, {"thresholds", param::List{.5, .7}}});
    return way(bench, *p, SiteId{0}, confidences).size();
  };
  const param::List all{"worse", "v0", "v1", "v2"};
  EXPECT_EQ(stages({.5}, all), 1U);
  EXPECT_EQ(stages({.49, .7}, all), 2U);
  EXPECT_EQ(stages({.49, .69, .7}, all), 3U);
  EXPECT_EQ(stages({.49, .69, .69}, all), 4U);
  EXPECT_EQ(stages({.69}, {"alone", "v0", "v1"}), 2U) << "the threshold of v0 is the second though the first stage is out of reach";
}

TEST(Cascade, refuses_wrong_stages_and_no_threshold_before_the_run) {
  const Row row;
  ClusterBench bench(row.b);
  const auto refusal = [&](const param::Object& parameters) -> std::string {
    try {
      make<SelectionPolicy>(cascade(), bench.setup(), parameters);
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(refusal({{"stages", param::List{"v0", "v9"}}}), "there is no variant \"v9\"; did you mean \"v0\"?");
  EXPECT_EQ(refusal({{"stages", param::List{"v0", "v0"}}}), "variant \"v0\" is listed twice: it would give the same answer again");
  EXPECT_EQ(refusal({{"thresholds", param::List{}}}), "\"thresholds\" is empty: no stage would know when its answer stands");
}

}  // namespace
}  // namespace tideline

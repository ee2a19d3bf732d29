// No decision allocates (design.md section 7.2): dispatch, sharing, autoscaling, placement, cold start, eviction.
#include "policies/builtin.h"
#include "policies/components/forecasters.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

namespace tideline {
namespace {

using namespace test;

struct Bench {
  WorldBuilder b;
  VariantId v;
  std::unique_ptr<ClusterBench> bench;
  std::vector<InstanceId> warm;
  std::vector<VisitId> queries;

  Bench() {
    const HardwareId gpu = b.hardware("gpu", 100);
    const TaskId t = b.task("classify");
    v = b.variant(
        "net", t, gpu, 0.7, [](std::uint32_t n) { return 1ms * n; }, 4, 1, 1s);
    for (const char* name : {"a", "b", "c"}) {
      const SiteId s = b.site(name);
      b.pool(name, s, gpu, 4);
      if (s.index() > 0) b.link(SiteId{s.index() - 1U}, s, 1ms);
    }
    b.add_class(t);
    bench = std::make_unique<ClusterBench>(b);
    for (std::size_t d = 0; d < 12; ++d) warm.push_back(bench->warm(v, d));
    for (std::size_t k = 0; k < 30; ++k) bench->wait_at(warm[k * k % 12], ClassId{0});
    for (int k = 0; k < 4; ++k) queries.push_back(bench->admit(ClassId{0}));
  }
};

/// Every registered policy of the kind.
std::vector<PolicyDefinition> all_of(PolicyKind kind) {
  PolicyRegistry registry;
  add_builtin_policies(registry);
  std::vector<PolicyDefinition> out;
  for (const PolicyDefinition& d : registry.list())
    if (d.has(kind)) out.push_back(d);
  return out;
}

TEST(no_allocation, the_counter_counts) {
  // Called by name: a compiler may leave out a new expression that nobody needs.
  EXPECT_EQ(allocations_of([] { ::operator delete(::operator new(8)); }), 1U);
  EXPECT_EQ(allocations_of([] { ::operator delete[](::operator new[](8)); }), 1U);
  EXPECT_EQ(allocations_of([] {}), 0U);
}

TEST(no_allocation, dispatch) {
  for (const auto& d : all_of(PolicyKind::dispatch)) {
    Bench x;
    const auto p = make<DispatchPolicy>(
        d, x.bench->setup(), d.name == "proportional" ? param::Object{{"shares", param::List{"net@a=1", "net@b=1"}}} : param::Object{});
    if (auto* o = dynamic_cast<Observer*>(p.get()))
      for (const InstanceId i : x.warm) o->instance_changed(i, Phase::starting, x.bench->view());
    const QueryView q = x.bench->query(x.queries[0]);
    EXPECT_EQ(allocations_of([&] {
                for (int k = 0; k < 100; ++k) p->place(q, x.v, x.bench->view());
              }),
              0U)
        << d.name;
  }
}

TEST(no_allocation, dispatch_by_speed_and_work) {
  const std::vector<std::pair<PolicyDefinition, param::Object>> policies{{random(), {{"weights", "speed"}}},
                                                                         {join_shortest_queue(), {{"slack_choice", true}}},
                                                                         {join_shortest_queue(), {{"length", "work"}}},
                                                                         {power_of_d(), {{"length", "work"}}}};
  for (const auto& [d, parameters] : policies) {
    Bench x;
    const auto p = make<DispatchPolicy>(d, x.bench->setup(), parameters);
    const QueryView q = x.bench->query(x.queries[0]);
    EXPECT_EQ(allocations_of([&] {
                for (int k = 0; k < 100; ++k) p->place(q, x.v, x.bench->view());
              }),
              0U)
        << d.name;
  }
}

TEST(no_allocation, sharing) {
  for (const auto& d : all_of(PolicyKind::sharing)) {
    Bench x;
    const auto p = make<SharingPolicy>(d, x.bench->setup());
    std::vector<QueryView> heads;
    for (const VisitId v : x.queries) heads.push_back(x.bench->query(v));
    const std::span<const InstanceId> ready = std::span(x.warm).first(4);
    EXPECT_EQ(allocations_of([&] { p->next(DeviceId{0}, ready, heads, x.bench->view()); }), 0U) << d.name;
  }
}

TEST(no_allocation, autoscaling_once_the_plan_has_its_size) {
  for (const auto& d : {fixed(), target_utilization(), demand_knapsack(), kubernetes_hpa(), knative_kpa(), predictive(), swayam()}) {
    Bench x;
    const std::vector<std::uint32_t> initial{4, 6, 4};
    tideline::Setup setup = x.bench->setup();
    setup.initial = initial;
    const auto p = make<AutoscalingPolicy>(d, setup);
    if (auto* o = dynamic_cast<Observer*>(p.get())) o->arrived(x.bench->query(x.queries[0]), x.bench->view());
    Plan plan;
    for (int k = 0; k < 2; ++k) {
      p->round(x.bench->view(Time{} + k * 5s));
      p->plan(x.bench->view(Time{} + k * 5s), plan);
    }
    EXPECT_EQ(allocations_of([&] {
                for (int k = 1; k < 100; ++k) {
                  plan.clear();
                  p->round(x.bench->view(Time{} + k * 10s));
                  p->plan(x.bench->view(Time{} + k * 10s), plan);
                  p->on_held(x.bench->query(x.queries[0]), x.v, 0, x.bench->view());
                }
              }),
              0U)
        << d.name;
    EXPECT_FALSE(plan.wishes.empty()) << d.name;
  }
}

TEST(no_allocation, forecasts) {
  for (const ForecastMethod m : {ForecastMethod::seasonal_naive, ForecastMethod::ewma, ForecastMethod::holt, ForecastMethod::holt_winters,
                                 ForecastMethod::autoregression, ForecastMethod::peak}) {
    const auto f = make_forecaster({.method = m, .season = 5, .window = 20});
    EXPECT_EQ(allocations_of([&] {
                for (int k = 0; k < 50; ++k) {
                  f->add(k * k % 7);
                  (void)f->forecast(3);
                }
              }),
              0U);
  }
}

TEST(no_allocation, placement) {
  for (const auto& d : all_of(PolicyKind::placement)) {
    Bench x;
    const auto p = make<PlacementPolicy>(d, x.bench->setup());
    const std::vector<DeviceId> devices{DeviceId{0}, DeviceId{3}, DeviceId{7}};
    EXPECT_EQ(allocations_of([&] {
                p->choose(x.v, 1, devices, {}, x.bench->view());
                p->choose(x.v, 1, {}, devices, x.bench->view());
              }),
              0U)
        << d.name;
  }
}

TEST(no_allocation, coldstart) {
  for (const auto& d : all_of(PolicyKind::coldstart)) {
    Bench x;
    const auto p = make<ColdstartPolicy>(d, x.bench->setup(), d.name == "pinned_top_k" ? param::Object{{"k", 2}} : param::Object{});
    std::vector<Prewarm> start;
    std::vector<GroupId> pin;
    p->round(x.bench->view(Time{} + 1s));
    p->prewarm(x.bench->view(), start, pin);
    auto* o = dynamic_cast<Observer*>(p.get());
    if (o != nullptr) o->instance_changed(x.warm[0], Phase::starting, x.bench->view());
    EXPECT_EQ(allocations_of([&] {
                p->became_idle(x.warm[0], x.bench->view(Time{} + 1s));
                start.clear();
                pin.clear();
                p->round(x.bench->view(Time{} + 2s));
                p->prewarm(x.bench->view(), start, pin);
                if (o == nullptr) return;
                o->visit_began(x.bench->query(x.queries[0]), x.warm[0], x.bench->view());
                o->batch_began(x.warm[0], 1, x.bench->view());
                o->batch_done(x.warm[0], 1, 1ms, x.bench->view());
              }),
              0U)
        << d.name;
  }
}

TEST(no_allocation, eviction) {
  for (const auto& d : all_of(PolicyKind::eviction)) {
    Bench x;
    const auto p = make<EvictionPolicy>(d, x.bench->setup());
    auto* o = dynamic_cast<Observer*>(p.get());
    if (o != nullptr)
      for (const InstanceId i : x.warm) o->instance_changed(i, Phase::starting, x.bench->view());
    EXPECT_EQ(allocations_of([&] {
                p->choose(DeviceId{0}, x.warm, 1, x.bench->view());
                p->evicted(x.warm[0], x.bench->view());
                if (o == nullptr) return;
                o->batch_began(x.warm[1], 1, x.bench->view());
                o->instance_changed(x.warm[0], Phase::gone, x.bench->view());
                o->instance_changed(x.warm[0], Phase::starting, x.bench->view());
              }),
              0U)
        << d.name;
  }
}

}  // namespace
}  // namespace tideline

// What has to hold in the limit and by symmetry, to the nanosecond.
#include "sim/core/random.h"
#include "tests/support/trace_file.h"
#include "tests/theory/judge.h"

namespace tideline::test {
namespace {

std::vector<QueryRecord> log_of(const std::string& file, std::vector<std::string> settings, const std::vector<std::string>& more = {}) {
  settings.insert(settings.end(), more.begin(), more.end());
  QueryLog log;
  const Ran ran = run_scenario("theory/" + file, settings, {&log});
  EXPECT_TRUE(ran.audit.passed) << failed_checks(ran.audit);
  return log.records();
}

std::vector<std::string> window(double seconds) { return {set("/measure/warmup_s", 0), set("/measure/duration_s", seconds)}; }

/// So far apart that none meets another.
std::vector<std::int64_t> rare(int n) {
  std::vector<std::int64_t> out;
  for (int k = 0; k < n; ++k) out.push_back(k * std::int64_t{100'000'000'000});
  return out;
}

TEST(LightLoad, costs_the_service_of_one_and_the_network) {
  const TraceFile trace(rare(50));
  auto settings = trace.settings();
  settings.push_back(
      R"(/cluster={"sites":[{"name":"edge"},{"name":"core"}],"links":[{"from":"edge","to":"core","delay_s":0.25,"bandwidth_bytes_per_s":10000}],)"
      R"("pools":[{"name":"servers","site":"core","hardware":"server","count":3}]})");
  for (const auto& s : {"/workload/0/origin=edge", "/workload/0/payload_bytes=1000", "/workload/0/answer_bytes=500"}) settings.push_back(s);
  for (const std::string dispatch : {"shared_line", "join_shortest_queue", "least_expected_latency", "random"}) {
    const auto log = log_of("mdc.json", settings, {window(5000)[0], window(5000)[1], "/policies/dispatch/name=" + dispatch});
    ASSERT_EQ(log.size(), 50u);
    for (const auto& q : log) {
      EXPECT_EQ(q.finish - q.arrival, 1650ms) << dispatch;
      EXPECT_EQ(q.network, 650ms) << dispatch;
      EXPECT_EQ(q.service, 1s) << dispatch;
    }
  }
}

TEST(LightLoad, costs_a_batch_its_timeout) {
  const TraceFile trace(rare(50));
  auto settings = trace.settings();
  settings.push_back("/policies/batching/params/timeout_s=0.02");
  const auto log = log_of("batch.json", settings, window(5000));
  ASSERT_EQ(log.size(), 50u);
  for (const auto& q : log) {
    EXPECT_EQ(q.finish - q.arrival, 25ms);
    EXPECT_EQ(q.batch, 1u);
  }
}

/// Irregular arrivals at whole 100 ns, `mean` apart; the same in units `scale` times as long.
std::vector<std::int64_t> irregular(int n, double mean_ns, std::int64_t scale) {
  Stream stream(7);
  std::vector<std::int64_t> out;
  std::int64_t at = 0;
  for (int k = 0; k < n; ++k) {
    at += static_cast<std::int64_t>(-std::log(1 - uniform01(stream)) * mean_ns) / 100 * 100;
    out.push_back(at * scale);
  }
  return out;
}

/// Everything that is a time, `k` times as long.
std::vector<QueryRecord> scaled(int k, const std::string& batching, double keep_s) {
  const TraceFile trace(irregular(20000, 2e6, k), "_" + std::to_string(k));
  auto settings = trace.settings();
  const std::string params =
      batching == "timeout" ? set("/policies/batching/params/timeout_s", k * .005) : set("/policies/batching/params/margin_s", k * .001);
  for (const auto& s :
       {set("/catalog/variants/0/profile/affine/base_s", k * .004), set("/catalog/variants/0/profile/affine/per_item_s", k * .001),
        set("/catalog/variants/0/load", R"({"first_run_s": )" + std::to_string(k * .03125) + "}"),
        set("/policies/coldstart/params/keep_alive_s", k * keep_s),
        set("/workload/0/classes", R"([{"latency_slo_s":)" + std::to_string(k * .0625) + "}]"), std::string("/cluster/pools/0/count=3"),
        std::string("/initial=cold"), set("/policies/batching/name", batching), params, set("/measure/warmup_s", 0),
        set("/measure/duration_s", k * 30)})
    settings.push_back(s);
  return log_of("batch.json", settings);
}

class TimeScaling : public testing::TestWithParam<std::string> {};
TEST_P(TimeScaling, by_two_doubles_every_time_exactly) {
  for (const double keep_s : {.0, .008, 5.0}) {
    const auto one = scaled(1, GetParam(), keep_s), two = scaled(2, GetParam(), keep_s);
    ASSERT_GT(one.size(), 10000u);
    ASSERT_EQ(one.size(), two.size());
    std::size_t loaded = 0, batched = 0;
    for (std::size_t k = 0; k < one.size(); ++k) {
      ASSERT_EQ(two[k].ending, one[k].ending) << "query " << k;
      ASSERT_EQ(two[k].finish.time_since_epoch(), 2 * one[k].finish.time_since_epoch()) << "query " << k;
      ASSERT_EQ(two[k].queue, 2 * one[k].queue) << "query " << k;
      ASSERT_EQ(two[k].load, 2 * one[k].load) << "query " << k;
      ASSERT_EQ(two[k].service, 2 * one[k].service) << "query " << k;
      ASSERT_EQ(two[k].batch, one[k].batch) << "query " << k;
      loaded += one[k].load > Duration{};
      batched += one[k].batch > 1;
    }
    EXPECT_GT(batched, 0u);
    EXPECT_GT(loaded, 0u);
  }
}
INSTANTIATE_TEST_SUITE_P(Batching, TimeScaling, testing::Values("timeout", "slo_aware"), [](const auto& test) { return test.param; });

void expect_equal(const std::vector<QueryRecord>& a, const std::vector<QueryRecord>& b, const std::string& what) {
  ASSERT_GT(a.size(), 1000u);
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t k = 0; k < a.size(); ++k) {
    ASSERT_EQ(a[k].ending, b[k].ending) << what << ", query " << k;
    ASSERT_EQ(a[k].finish, b[k].finish) << what << ", query " << k;
  }
}

TEST(OneVariant, makes_selection_policies_equal) {
  const auto reference = log_of("mmc.json", window(2000), {"/policies/selection=cheapest_feasible"});
  for (const std::string selection : {R"("accuracy_max")", R"("infaas")", R"({"name":"fixed_variant","params":{"variants":["v"]}})"})
    expect_equal(reference, log_of("mmc.json", window(2000), {"/policies/selection=" + selection}), selection);
}

TEST(OneDevice, makes_dispatch_policies_equal) {
  const auto reference = log_of("mm1.json", window(5000));
  for (const std::string dispatch : {"shared_line", "random", "round_robin", "power_of_d", "least_expected_latency"})
    expect_equal(reference, log_of("mm1.json", window(5000), {"/policies/dispatch/name=" + dispatch}), dispatch);
}

TEST(BatchesOfOne, make_batching_policies_equal) {
  const auto reference = log_of("mm1.json", window(5000));
  for (const std::string batching : {"slo_aware", "timeout"})
    expect_equal(reference, log_of("mm1.json", window(5000), {"/policies/batching/name=" + batching}), batching);
}

}  // namespace
}  // namespace tideline::test

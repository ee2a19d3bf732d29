// Every pointer that scenarios/theory/README.md offers, with values that no other test uses.
#include "src/errors.h"
#include "tests/theory/judge.h"

namespace tideline::test {
namespace {

void expect_read(const std::string& file, const std::vector<std::string>& settings) {
  std::string all;
  for (const auto& s : settings) all += " " + s;
  EXPECT_NO_THROW(read_scenario(scenario_path("theory/" + file), as_layers(settings), builtin_registry())) << file << all;
}
Scenario read(const std::string& file, const std::vector<std::string>& settings) {
  return read_scenario(scenario_path("theory/" + file), as_layers(settings), builtin_registry());
}

const std::string service = "/catalog/variants/0/service/", load = "/catalog/variants/0/load/";

TEST(Settings, name_any_law_without_saying_what_the_old_one_had) {
  for (const std::string law : {"deterministic", "exponential", "gamma", "lognormal"}) expect_read("mg1.json", {service + "law=" + law});
  expect_read("mg1.json", {service + "law=erlang", service + "k=3"});
  expect_read("mg1.json", {service + "k=3", service + "law=erlang"});
  expect_read("mg1.json", {service + "law=gamma", service + "cv2=0.3"});
  expect_read("mg1.json", {service + "cv2=0.3", service + "law=gamma"});
  expect_read("mg1.json", {service + "law=quantiles", service + "points=[[0,0],[1,2]]"});
  expect_read("mg1.json", {"/catalog/variants/v/service/law=exponential"});
  for (const std::string file : {"mm1.json", "mmc.json", "mdc.json", "mm1k.json", "separate_queues.json", "keep_alive.json"}) {
    expect_read(file, {service + "law=hyperexponential", service + "cv2=2.5"});
    expect_read(file, {service + "law=deterministic"});
  }
  expect_read("keep_alive.json", {load + "law=deterministic"});
  expect_read("keep_alive.json", {load + "law=lognormal", load + "cv2=0.7"});
  expect_read("keep_alive.json", {load + "cv2=0.7", load + "law=gamma"});
}

TEST(Settings, keep_what_both_laws_take_and_the_rest_of_the_section) {
  const auto gamma = read("mg1.json", {service + "law=gamma"});
  EXPECT_DOUBLE_EQ(gamma.catalog.variants[0].service.cv2(), 4);
  const auto constant = read("keep_alive.json", {load + "law=deterministic"});
  EXPECT_EQ(constant.catalog.variants[0].load.first_run, 10s);
}

TEST(Settings, refuse_what_a_law_does_not_take) {
  EXPECT_THROW(read("mm1.json", {service + "cv2=2"}), InputError);
  EXPECT_THROW(read("mg1.json", {service + "law=erlang"}), InputError) << "k is needed";
  EXPECT_THROW(read("mg1.json", {service + "law=hyperexponental"}), InputError) << "misspelt";
  EXPECT_THROW(read("mg1.json", {service + "cv2=0.5"}), InputError) << "below 1";
}

TEST(Settings, reach_the_parameters_of_a_policy_that_was_just_named) {
  expect_read("separate_queues.json", {"/policies/dispatch/name=random"});
  expect_read("separate_queues.json", {"/policies/dispatch/params/d=7"});
  expect_read("mmc.json", {"/policies/dispatch=power_of_d", "/policies/dispatch/params/d=3"});
  expect_read("mmc.json", {"/policies/dispatch/name=power_of_d", "/policies/dispatch/params/d=3"});
  expect_read("mm1.json", {"/policies/batching=timeout", "/policies/batching/params/timeout_s=0.5"});
  expect_read("batch.json", {"/policies/batching/params/timeout_s=0.003", "/catalog/variants/0/max_batch=300"});
  expect_read("batch.json", {"/catalog/variants/0/profile/affine/base_s=0.01", "/catalog/variants/0/profile/affine/per_item_s=0.0002"});
  expect_read("mm1k.json", {"/policies/admission/params/limit=3"});
  expect_read("keep_alive.json", {"/policies/coldstart/params/keep_alive_s=3600", load + "first_run_s=4"});
  EXPECT_THROW(read("mmc.json", {"/policies/dispatch=random", "/policies/dispatch/params/d=3"}), InputError);
}

TEST(Settings, scale_the_mean_service) {
  const auto s = read("mmc.json", {"/catalog/variants/0/profile/latency_s/1=0.25", "/cluster/pools/servers/count=3"});
  EXPECT_EQ(s.catalog.variants[0].profile.latency(1, 0), 250ms);
  EXPECT_EQ(s.topology.pools[0].count, 3u);
}

TEST(Settings, name_a_source_by_the_name_of_its_entry) {
  const auto s = read("mm1.json", {"/workload/w/source=poisson", "/workload/w/params/rate_qps=0.25"});
  EXPECT_DOUBLE_EQ(std::get<PoissonParams>(s.entries[0].params).rate_qps, 0.25);
}

}  // namespace
}  // namespace tideline::test

// M/G/1 for every law of service, against Pollaczek and Khinchine; M/D/c.
#include "tests/theory/closed_forms.h"
#include "tests/theory/judge.h"

namespace tideline::test {
namespace {

struct LawCase {
  std::string name;
  double cv2;
  std::vector<std::string> settings;
};

const std::string service = "/catalog/variants/0/service/";

LawCase with_cv2(const std::string& law, double cv2) {
  return {law + std::to_string(static_cast<int>(cv2 * 100)), cv2, {set(service + "law", law), set(service + "cv2", cv2)}};
}
LawCase erlang(int k) { return {"erlang" + std::to_string(k), 1.0 / k, {set(service + "law", "erlang"), set(service + "k", k)}}; }
LawCase plain(const std::string& law, double cv2) { return {law, cv2, {set(service + "law", law)}}; }
LawCase quantiles(const std::string& name, double cv2, const std::string& points) {
  return {name, cv2, {set(service + "law", "quantiles"), set(service + "points", points)}};
}

Cell mg1(double rho, const LawCase& law, double millions, double quick_millions, double quick_factor = 1) {
  return {law.name + "_rho" + std::to_string(static_cast<int>(std::lround(rho * 100))),
          "mg1.json",
          law.settings,
          rho,
          warmup(rho),
          millions,
          {{"mean wait", measure::wait, mg1_wait(rho, law.cv2)}, {"utilization", measure::utilization, rho}},
          quick_millions,
          quick_factor};
}

std::vector<Cell> mg1_cells() {
  // Even from 0 to 2; half of it even from 0 to 4/3, the other half 4/3.
  const auto uniform = quantiles("uniform", 1.0 / 3, "[[0,0],[1,2]]");
  const auto kinked = quantiles("kinked", 5.0 / 27, "[[0,0],[0.5,1],[1,1]]");
  return {mg1(.5, plain("deterministic", 0), 1, 1),
          mg1(.5, erlang(4), 1.5, 0),
          mg1(.5, erlang(2), 1.5, 1.5),
          mg1(.5, plain("exponential", 1), 2.5, 0),
          mg1(.5, with_cv2("gamma", .5), 1.5, 1.5),
          mg1(.5, with_cv2("gamma", 4), 12, 5, 2),
          mg1(.5, with_cv2("lognormal", .5), 2, 2),
          mg1(.5, with_cv2("lognormal", 4), 60, 15, 4),
          mg1(.5, with_cv2("hyperexponential", 4), 10, 4, 2),
          mg1(.5, with_cv2("hyperexponential", 8), 20, 0),
          mg1(.5, uniform, 1.5, 1.5),
          mg1(.5, kinked, 1.5, 1.5),
          mg1(.8, plain("deterministic", 0), 4, 4),
          mg1(.8, erlang(4), 5, 5),
          mg1(.8, erlang(2), 6, 0),
          mg1(.8, plain("exponential", 1), 10, 0),
          mg1(.8, with_cv2("gamma", 4), 40, 0),
          mg1(.8, with_cv2("lognormal", .5), 8, 0),
          mg1(.8, with_cv2("hyperexponential", 4), 36, 8, 2),
          mg1(.8, with_cv2("hyperexponential", 8), 50, 0),
          mg1(.9, plain("deterministic", 0), 15, 0),
          mg1(.9, erlang(4), 20, 0),
          mg1(.9, erlang(2), 24, 0),
          mg1(.9, plain("exponential", 1), 40, 0),
          mg1(.9, with_cv2("hyperexponential", 4), 150, 0)};
}

Cell mdc(int c, double rho, double wait, double millions, double quick_millions, double quick_factor = 1) {
  return {"c" + std::to_string(c) + "_rho" + std::to_string(static_cast<int>(std::lround(rho * 100))),
          "mdc.json",
          {set("/cluster/pools/0/count", c)},
          c * rho,
          warmup(rho),
          millions,
          {{"mean wait", measure::wait, wait}},
          quick_millions,
          quick_factor};
}

std::vector<Cell> mdc_cells() {
  return {mdc(1, .5, .5, 1, 0),           mdc(1, .8, 2, 4, 0),        mdc(1, .9, 4.5, 15, 0),
          mdc(2, .5, .176741, 1.5, 1.5),  mdc(2, .8, .903284, 5, 5),  mdc(2, .9, 2.146923, 20, 5, 2),
          mdc(4, .8, .386095, 6, 3, 1.5), mdc(4, .9, .999966, 18, 0), mdc(8, .8, .151954, 8, 3, 2),
          mdc(8, .9, .449973, 20, 0)};
}

class Mg1 : public testing::TestWithParam<Cell> {};
TEST_P(Mg1, waits_as_pollaczek_and_khinchine_say) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, Mg1, testing::ValuesIn(quick(mg1_cells())), CellName());
TEST(Mg1Table, full) { check_full_table(mg1_cells()); }

class Mdc : public testing::TestWithParam<Cell> {};
TEST_P(Mdc, waits_as_it_should) { check(GetParam(), false); }
INSTANTIATE_TEST_SUITE_P(Cells, Mdc, testing::ValuesIn(quick(mdc_cells())), CellName());
TEST(MdcTable, full) { check_full_table(mdc_cells()); }

}  // namespace
}  // namespace tideline::test

#include "src/axis.h"

#include "src/errors.h"

#include <gmock/gmock.h>

#include <set>

namespace tideline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<std::string> labels(const Axis& a) {
  std::vector<std::string> out;
  for (const auto& v : a.values) out.push_back(v.label);
  return out;
}

std::vector<std::string> layers(const Axis& a) {
  std::vector<std::string> out;
  for (const auto& v : a.values)
    for (const auto& l : v.layers) out.push_back(to_text(l));
  return out;
}

TEST(Axis, values_are_layers_of_the_option_that_the_axis_names) {
  EXPECT_THAT(layers(parse_axis("system=infaas,persist_all")), ElementsAre("--system infaas", "--system persist_all"));
  EXPECT_THAT(layers(parse_axis("load=0.5,2")), ElementsAre("--load 0.5", "--load 2"));
  EXPECT_THAT(layers(parse_axis("selection=infaas,accuracy_max")),
              ElementsAre("--policy selection=infaas", "--policy selection=accuracy_max"));
  EXPECT_THAT(layers(parse_axis("/a/b=1,\"x,y\",[1,2]")), ElementsAre("--set /a/b=1", "--set /a/b=\"x,y\"", "--set /a/b=[1,2]"));
}

TEST(Axis, a_parameter_belongs_to_the_policy_before_it) {
  EXPECT_THAT(labels(parse_axis("dispatch=power_of_d,d=3,round_robin")), ElementsAre("power_of_d,d=3", "round_robin"));
}

TEST(Axis, a_range_ends_at_its_last_value_in_spite_of_rounding) {
  EXPECT_THAT(labels(parse_axis("load=0.4:1.2:0.1")), ElementsAre("0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1", "1.1", "1.2"));
  EXPECT_THAT(labels(parse_axis("load=3:1:-1,7")), ElementsAre("3", "2", "1", "7"));
  EXPECT_THAT(range_of(0.1, 0.3, 0.1), ElementsAre("0.1", "0.2", "0.3"));
  EXPECT_THAT(range_of(-1, 1, 1), ElementsAre("-1", "0", "1"));
  EXPECT_THAT(range_of(1e6, 1e6, 5), ElementsAre("1000000"));
}

TEST(Axis, what_makes_no_sense_is_refused_with_the_nearest_name) {
  const auto refused = [](const std::string& text, const std::string& why) {
    EXPECT_THAT([&] { (void)parse_axis(text); }, ThrowsMessage<InputError>(HasSubstr(why))) << text;
  };
  refused("selektion=a,b", "selection");
  refused("seed=1,2", "seeds are drawn");
  refused("load=", "has no values");
  refused("load", "expected NAME=VALUE");
  refused("=a,b", "expected NAME=VALUE");
  refused("load=1,1", "twice");
  refused("load=1,,2", "empty value");
  refused("load=1:2:0", "has no end");
  refused("load=1:2:-1", "has no end");
  refused("load=0:1:1e-9", "at most 10000");
}

TEST(Axis, points_are_all_combinations_the_last_axis_fastest) {
  const std::vector<Axis> axes{parse_axis("system=a,b"), parse_axis("load=1,2,3")};
  const auto points = points_of(axes, false);
  ASSERT_EQ(points.size(), 6U);
  EXPECT_EQ(label_of(axes, points[1]), "system=a load=2");
  EXPECT_EQ(label_of(axes, points[3]), "system=b load=1");
  EXPECT_EQ(points_of({}, false).size(), 1U);
}

TEST(Axis, zipped_axes_go_together) {
  const std::vector<Axis> axes{parse_axis("system=a,b"), parse_axis("load=1,2")};
  const auto points = points_of(axes, true);
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(label_of(axes, points[1]), "system=b load=2");
  EXPECT_THROW((void)points_of(std::vector<Axis>{parse_axis("system=a,b"), parse_axis("load=1,2,3")}, true), InputError);
  EXPECT_THROW((void)points_of(std::vector<Axis>{parse_axis("load=1"), parse_axis("load=2")}, false), InputError);
}

TEST(Axis, replications_have_different_seeds_that_a_scenario_may_hold_and_the_first_has_its_own) {
  EXPECT_EQ(replication_seed(17, 0), 17U);
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed)
    for (std::uint64_t r = 1; r < 100; ++r) {
      const std::uint64_t s = replication_seed(seed, r);
      EXPECT_LT(s, 9'000'000'000'000'000U);
      EXPECT_TRUE(seen.insert(s).second);
    }
}

}  // namespace
}  // namespace tideline

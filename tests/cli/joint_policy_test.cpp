// Joint policies and the kinds that are named beside them.
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>

namespace tideline {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;

Outcome validated(const Folder& folder, const std::string& policies) {
  folder.write("s.json", small_scenario);
  return tideline(folder, {"validate", "s.json", "--set", "/policies=" + policies});
}

TEST(JointPolicy, that_would_decide_about_nothing_is_refused) {
  const Folder folder;
  const Outcome done = validated(folder, R"({"joint": "cheapest_plan", "selection": "accuracy_max", "autoscaling": "fixed"})");
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err,
              HasSubstr(R"(/policies/joint: "cheapest_plan" would decide about nothing: selection, autoscaling are each named beside it)"));
}

TEST(JointPolicy, is_said_what_is_taken_from_it) {
  const Folder folder;
  const Outcome done = validated(folder, R"({"joint": "cheapest_plan", "autoscaling": "fixed"})");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out + done.err, HasSubstr(R"(joint policy "cheapest_plan" does not decide about autoscaling, named beside it)"));
}

TEST(JointPolicy, named_as_one_kind_is_an_object_of_its_own) {
  const Folder folder;
  const Outcome done = validated(folder, R"({"selection": "cheapest_plan"})");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out + done.err,
              AllOf(HasSubstr(R"(policy "cheapest_plan" decides about several kinds together)"), HasSubstr(R"(name it once, as "joint")")));
}

TEST(JointPolicy, of_the_command_line_takes_over_its_kinds) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  const std::vector<std::string> run{
      "run", "s.json", "--no-results", "--policy", "selection=accuracy_max", "--policy", "autoscaling=target_utilization"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), run.begin(), run.end());
    return tideline(folder, more);
  };
  const Outcome joint = with({"--policy", "joint=cheapest_plan"});
  EXPECT_EQ(joint.code, 0) << joint.err;
  EXPECT_THAT(joint.err, testing::Not(HasSubstr("named beside it")));
  const Outcome alone =
      tideline(folder, {"run", "s.json", "--no-results", "--set", "/policies/selection=null", "--set", "/policies/joint=cheapest_plan"});
  EXPECT_EQ(joint.out, alone.out);
  const Outcome after = tideline(folder, {"validate", "s.json", "--policy", "joint=cheapest_plan", "--policy", "autoscaling=fixed"});
  EXPECT_THAT(after.err + after.out, HasSubstr("does not decide about autoscaling, named beside it")) << "options act in their order";
}

TEST(JointPolicy, is_listed_as_one) {
  const Folder folder;
  EXPECT_THAT(tideline(folder, {"policies"}).out, testing::ContainsRegex("\njoint: of several kinds together\n  accuracy_scaling .*\n"));
  const Outcome kind = tideline(folder, {"policies", "joint"});
  EXPECT_EQ(kind.code, 2);
  EXPECT_THAT(kind.err, HasSubstr("accuracy_scaling"));
}

}  // namespace
}  // namespace tideline

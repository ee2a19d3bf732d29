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

}  // namespace
}  // namespace tideline

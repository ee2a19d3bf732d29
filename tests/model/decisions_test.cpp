// Decisions as recorders hear them: as many as what came of them.
#include "sim/policy/decision.h"

#include "tests/support/program.h"
#include "tests/support/run_scenario.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>

#include <map>

namespace tideline::test {
namespace {

/// Counts decisions and what happened.
class Counter final : public Recorder {
 public:
  explicit Counter(bool hears) : hears_(hears) {}
  Facts facts() const override { return {.decisions = hears_}; }
  void decided(ControllerId, const Decision& d, Time now) override {
    ++decisions[d.answer];
    amounts[d.answer] += d.amount;
    EXPECT_GE(now, last);
    last = now;
    if (form_of(d.answer).chosen != DecisionSubject::nothing && d.answer != DecisionAnswer::evicts_none) {
      EXPECT_NE(d.chosen, Decision::none) << form_of(d.answer).name;
    }
  }
  void arrived(const Visit&) override { ++arrivals; }
  void batch_done(InstanceId, DeviceId, VariantId, std::uint32_t, std::uint32_t, Duration, Time) override { ++batches; }
  void instance_started(InstanceId, StartCause cause, Time) override { starts += cause != StartCause::initial ? 1 : 0; }
  void instance_stopped(InstanceId, StopCause cause, Time) override { evictions += cause == StopCause::evicted ? 1 : 0; }
  void ended(const Visit&, const QueryEnd& end) override { ++endings[end.ending]; }

  std::map<DecisionAnswer, std::int64_t> decisions, amounts;
  std::map<Ending, std::int64_t> endings;
  std::int64_t arrivals = 0, batches = 0, starts = 0, evictions = 0;
  Time last{};

 private:
  bool hears_;
};

/// Three variants of two tasks on little memory, so that instances come and go.
Counter count(bool hears) {
  const Folder folder;
  folder.write("s.json", small_scenario);
  Counter counter(hears);
  Run run = assemble(read_scenario((folder / "s.json").string(), as_layers({"/load=4", "/cluster/pools/gpus/count=1"}), builtin_registry()),
                     [&](const Scenario&, const World&) { return std::vector<Recorder*>{&counter}; });
  run.simulation->run();
  return counter;
}

TEST(Decisions, are_as_many_as_what_came_of_them) {
  Counter c = count(true);
  using enum DecisionAnswer;
  EXPECT_GT(c.arrivals, 1000);
  EXPECT_EQ(c.decisions[admitted] + c.decisions[refused], c.arrivals);
  EXPECT_EQ(c.decisions[selected] + c.decisions[found_none], c.decisions[admitted]);
  EXPECT_EQ(c.decisions[found_none], c.endings[Ending::infeasible]);
  EXPECT_GE(c.decisions[started_batch], c.batches);
  EXPECT_LE(c.decisions[started_batch], c.batches + 2);  // those that ran when the run ended
  EXPECT_EQ(c.amounts[dropped], c.endings[Ending::dropped]);
  EXPECT_GE(c.decisions[to_instance] + c.decisions[held], c.decisions[selected]);
  EXPECT_GE(c.decisions[placed], c.starts);
  EXPECT_GE(c.decisions[evicts], c.evictions);
  for (const DecisionAnswer answer : {starts_for_held, placed, keeps, evicts, held})
    EXPECT_GT(c.decisions[answer], 0) << form_of(answer).name;
}

TEST(Decisions, are_told_only_to_those_who_listen) {
  const Counter deaf = count(false), hearing = count(true);
  EXPECT_TRUE(deaf.decisions.empty());
  EXPECT_EQ(deaf.endings, hearing.endings);
  EXPECT_EQ(deaf.batches, hearing.batches);
}

}  // namespace
}  // namespace tideline::test

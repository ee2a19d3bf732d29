// The event set against a sorted list, and what happens at one instant.
#include "sim/engine/engine.h"

#include "sim/core/random.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace tideline {
namespace {

TEST(the_event_queue, agrees_with_a_sorted_list_after_any_pushes_and_pops) {
  Stream random(1);
  for (int round = 0; round < 50; ++round) {
    EventQueue queue;
    std::set<std::pair<Time, std::uint64_t>> list;
    std::uint64_t sequence = 0;
    const std::uint32_t span = 1 + below(random, 50);
    for (int step = 0; step < 500; ++step) {
      ASSERT_EQ(queue.size(), list.size());
      ASSERT_EQ(queue.empty(), list.empty());
      if (list.empty() || below(random, 100) < (step < 250 ? 60U : 40U)) {
        const Event e = Event::make(Time{} + Duration{below(random, span)}, below(random, 16), sequence++, below(random, 1000));
        queue.push(e);
        list.emplace(e.at, e.key);
      } else {
        if (below(random, 2) == 0) {
          ASSERT_EQ(queue.top().key, list.begin()->second);
        }
        const Event e = queue.pop();
        ASSERT_EQ(e.at, list.begin()->first);
        ASSERT_EQ(e.key, list.begin()->second);
        list.erase(list.begin());
      }
    }
    while (!queue.empty()) {
      ASSERT_EQ(queue.pop().key, list.begin()->second);
      list.erase(list.begin());
    }
  }
}

TEST(the_event_queue, fills_the_hole_of_a_pop_with_the_next_push) {
  EventQueue queue;
  for (std::uint64_t k = 0; k < 3; ++k) queue.push(Event::make(Time{} + Duration{static_cast<std::int64_t>(k)}, 0, k, 0));
  EXPECT_EQ(queue.pop().at, Time{});
  EXPECT_EQ(queue.size(), 2U);
  queue.push(Event::make(Time{} + 10ns, 0, 3, 0));
  EXPECT_EQ(queue.size(), 3U);
  EXPECT_EQ(queue.pop().at, Time{} + 1ns);
  EXPECT_EQ(queue.pop().at, Time{} + 2ns);
  EXPECT_EQ(queue.pop().at, Time{} + 10ns);
  EXPECT_TRUE(queue.empty());
  queue.push(Event::make(Time{} + 1ns, 0, 4, 0));  // into an empty queue with a hole
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue.top().at, Time{} + 1ns);
}

TEST(an_event, keeps_its_kind_and_slot) {
  const Event e = Event::make(Time{} + 5s, 15, (std::uint64_t{1} << 34) - 1, (1U << 26) - 1);
  EXPECT_EQ(e.kind(), 15U);
  EXPECT_EQ(e.slot(), (1U << 26) - 1);
  EXPECT_LT(Event::make(Time{}, 3, 100, 7), Event::make(Time{}, 4, 0, 0)) << "kinds first";
  EXPECT_LT(Event::make(Time{}, 3, 1, 9), Event::make(Time{}, 3, 2, 0)) << "then the order of scheduling";
}

/// Writes down what it is called with; may schedule more.
struct Script {
  static constexpr unsigned arrival_kind = 5;
  Engine engine;
  std::vector<Time> arrivals;
  std::size_t next = 0;
  std::vector<std::pair<unsigned, std::uint32_t>> seen;
  std::vector<Time> when;
  std::vector<bool> failures;
  std::size_t most = ~std::size_t{0};

  Time next_arrival() const { return next < arrivals.size() ? arrivals[next] : never; }
  void arrive() {
    ++next;
    handle(arrival_kind, static_cast<std::uint32_t>(next), false);
  }
  void handle(unsigned kind, std::uint32_t slot, bool failed) {
    seen.emplace_back(kind, slot);
    when.push_back(engine.now());
    failures.push_back(failed);
  }
  bool finished() const { return seen.size() >= most; }
};

TEST(the_engine, takes_kinds_in_their_order_and_arrivals_between_them) {
  Script s;
  const Time t = Time{} + 1s;
  s.arrivals = {t, t};
  for (const unsigned kind : {9U, 6U, 4U, 5U, 0U, 4U}) s.engine.schedule(t, kind, 100 + kind);
  s.engine.run(s, nullptr);
  const std::vector<std::pair<unsigned, std::uint32_t>> expected{{0, 100}, {4, 104}, {4, 104}, {5, 1},
                                                                 {5, 2},   {5, 105}, {6, 106}, {9, 109}};
  EXPECT_EQ(s.seen, expected);
  EXPECT_EQ(s.engine.now(), t);
  EXPECT_EQ(s.engine.events(), 6U);
}

TEST(the_engine, steps_one_event_at_a_time_and_stops_when_nothing_is_left) {
  Script s;
  s.arrivals = {Time{} + 2s};
  s.engine.schedule(Time{} + 1s, 1, 7);
  s.engine.schedule(Time{} + 3s, 1, 8);
  EXPECT_TRUE(s.engine.step(s, nullptr));
  EXPECT_EQ(s.engine.now(), Time{} + 1s);
  EXPECT_TRUE(s.engine.step(s, nullptr));
  EXPECT_EQ(s.engine.now(), Time{} + 2s);
  EXPECT_TRUE(s.engine.step(s, nullptr));
  EXPECT_FALSE(s.engine.step(s, nullptr));
  EXPECT_EQ(s.seen.size(), 3U);
}

TEST(the_engine, stops_when_its_handler_is_finished) {
  Script s;
  s.most = 2;
  for (int k = 0; k < 5; ++k) s.engine.schedule(Time{} + 1s, 1, 7);
  s.engine.run(s, nullptr);
  EXPECT_EQ(s.seen.size(), 2U);
}

/// Posts completions at given times.
class Posts final : public Pacer {
 public:
  explicit Posts(std::vector<std::pair<Time, Completion>> list) : list_(std::move(list)) {}
  std::optional<Completion> wait_until(Time next, Time& now) override {
    waits.push_back(next);
    if (at_ < list_.size() && list_[at_].first < next) {
      now = list_[at_].first;
      return list_[at_++].second;
    }
    return std::nullopt;
  }
  std::vector<Time> waits;

 private:
  std::vector<std::pair<Time, Completion>> list_;
  std::size_t at_ = 0;
};

TEST(a_completion, becomes_an_event_at_the_time_at_which_it_is_posted) {
  Script s;
  s.engine.schedule(Time{} + 1s, 1, 7);
  s.engine.schedule(Time{} + 5s, 1, 8);
  Posts pacer({{Time{} + 2s, {0, 42, false}}, {Time{} + 3s, {2, 43, true}}, {Time{} + 9s, {0, 44, false}}});
  s.engine.run(s, &pacer);
  const std::vector<std::pair<unsigned, std::uint32_t>> expected{{1, 7}, {0, 42}, {2, 43}, {1, 8}, {0, 44}};
  EXPECT_EQ(s.seen, expected) << "also after the last event";
  EXPECT_EQ(s.when, (std::vector<Time>{Time{} + 1s, Time{} + 2s, Time{} + 3s, Time{} + 5s, Time{} + 9s}));
  EXPECT_EQ(s.failures, (std::vector<bool>{false, false, true, false, false}));
  EXPECT_EQ(pacer.waits.back(), never) << "then it waits for ever, and an answer of nothing ends the loop";
}

}  // namespace
}  // namespace tideline

// Fair sharing of a channel: by hand, and against processor sharing in theory.
#include "sim/model/channel.h"

#include "sim/core/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace tideline {
namespace {

Time at(double s) { return Time{} + from_seconds(s); }

/// Ends the next transfer: when, and whose it was.
std::pair<Duration, std::uint32_t> next(Channel& c) {
  const Time when = c.next_end();
  const std::uint32_t payload = c.end();
  return {when - Time{}, payload};
}

TEST(Channel, one_transfer_takes_its_bytes_over_the_bandwidth) {
  Channel c(1e6);
  EXPECT_EQ(c.next_end(), never);
  c.begin(at(3), 2.5e6, 7);
  EXPECT_EQ(next(c), std::pair(from_seconds(5.5), 7U));
  EXPECT_EQ(c.next_end(), never);
  EXPECT_EQ(c.count(), 0U);
  EXPECT_EQ(c.carried_bytes(at(9)), 2.5e6);
  EXPECT_EQ(c.busy(at(9)), from_seconds(2.5));
}

TEST(Channel, two_at_once_take_twice_the_time) {
  Channel c(1000);
  c.begin(at(0), 500, 1);
  c.begin(at(0), 500, 2);
  EXPECT_EQ(next(c), std::pair(from_seconds(1.0), 1U));
  EXPECT_EQ(next(c), std::pair(from_seconds(1.0), 2U));
}

TEST(Channel, those_that_share_a_while_take_longer_by_what_the_other_got) {
  // 1000 bytes from 0 s; 200 from 0.5 s: both at half the rate until the short one has its 200, at 0.9 s. The long one has then got 700.
  Channel c(1000);
  c.begin(at(0), 1000, 1);
  c.begin(at(0.5), 200, 2);
  EXPECT_EQ(next(c), std::pair(from_seconds(0.9), 2U));
  EXPECT_EQ(next(c), std::pair(from_seconds(1.2), 1U));
  EXPECT_NEAR(c.carried_bytes(at(2)), 1200, 1e-9);
}

TEST(Channel, follows_its_bandwidth) {
  Channel c(1000);
  c.begin(at(0), 1000, 1);
  c.set_bandwidth(at(0.5), 0);
  EXPECT_EQ(c.next_end(), never);
  EXPECT_EQ(c.count(), 1U);
  c.set_bandwidth(at(10), 250);
  EXPECT_EQ(next(c), std::pair(from_seconds(12.0), 1U));
}

TEST(Channel, keeps_nanoseconds_after_a_long_time) {
  Channel c(1.25e8);
  Time now{};
  for (int k = 0; k < 100'000; ++k) {
    now += 1s;
    c.begin(now, 100'000, 1);
    ASSERT_EQ(c.next_end(), now + 800us);
    (void)c.end();
  }
}

/// Mean time of transfers of a Poisson stream whose sizes have mean 1 byte, over a channel of 1 byte a second.
template <class Size>
double mean_time(double load, Size size, std::uint64_t seed) {
  Stream random(seed);
  Channel c(1);
  std::vector<Time> began;
  Time arrival{};
  double sum = 0;
  std::uint64_t ended = 0;
  constexpr std::uint64_t warmup = 20'000, count = 1'000'000;
  while (ended < warmup + count) {
    if (arrival <= c.next_end()) {
      c.begin(arrival, size(random), static_cast<std::uint32_t>(began.size()));
      began.push_back(arrival);
      arrival += from_seconds(-std::log(1 - uniform01(random)) / load);
    } else {
      const Time now = c.next_end();
      const std::uint32_t k = c.end();
      if (++ended > warmup) sum += to_seconds(now - began[k]);
    }
  }
  return sum / count;
}

TEST(Channel, is_a_processor_sharing_queue_whatever_the_sizes) {
  // M/G/1-PS: 1 / (1 - load), insensitive to the law of sizes (Sakata, Noguchi and Oizumi 1971; Kleinrock 1976, sec. 4.4).
  const auto equal = [](Stream&) { return 1.0; };
  const auto exponential = [](Stream& r) { return -std::log(1 - uniform01(r)); };
  const auto two_sorts = [](Stream& r) { return uniform01(r) < 0.1 ? 5.5 : 0.5; };
  EXPECT_NEAR(mean_time(0.5, equal, 1), 2, 0.02);
  EXPECT_NEAR(mean_time(0.5, exponential, 2), 2, 0.02);
  EXPECT_NEAR(mean_time(0.5, two_sorts, 3), 2, 0.02);
  EXPECT_NEAR(mean_time(0.8, equal, 4), 5, 0.15);
  EXPECT_NEAR(mean_time(0.8, two_sorts, 5), 5, 0.2);
}

}  // namespace
}  // namespace tideline

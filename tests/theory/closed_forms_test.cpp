// The closed forms themselves, against printed values.
#include "tests/theory/closed_forms.h"

#include <gtest/gtest.h>

namespace tideline::test {
namespace {

TEST(ClosedForms, erlang) {
  EXPECT_NEAR(erlang_b(5, 3), .110054, 1e-6);
  EXPECT_NEAR(erlang_b(10, 8), .121661, 1e-6);
  EXPECT_NEAR(erlang_b(20, 15), .045593, 1e-6);
  EXPECT_NEAR(erlang_c(5, 3), .236152, 1e-6);
  EXPECT_NEAR(erlang_c(20, 15), .160429, 1e-6);
  EXPECT_NEAR(mmc_wait(2, .5), .333333, 1e-6);
  EXPECT_NEAR(mmc_wait(16, .9), .369590, 1e-6);
  EXPECT_NEAR(mmc_wait(64, .95), .183753, 1e-6);
  EXPECT_NEAR(mmc_wait_quantile(2, .8, .99), 10.6606, 1e-4);
  EXPECT_NEAR(mmc_wait_quantile(8, .9, .99), 5.3134, 1e-4);
}

TEST(ClosedForms, single_server) {
  EXPECT_DOUBLE_EQ(mg1_wait(.8, 4), 10);
  EXPECT_NEAR(mg1_wait(.9, .25), 5.625, 1e-12);
  EXPECT_NEAR(mm1k_block(.8, 5), .088819, 1e-6);
  EXPECT_NEAR(mm1k_block(1, 10), .090909, 1e-6);
  EXPECT_NEAR(mm1k_block(2, 4), .516129, 1e-6);
  EXPECT_NEAR(mm1k_in_system(1.2, 10), 6.7107, 1e-4);
}

TEST(ClosedForms, round_robin) {
  EXPECT_NEAR(round_robin_latency(2, .5), 1.6180, 1e-4);
  EXPECT_NEAR(round_robin_latency(2, .8), 3.8440, 1e-4);
  EXPECT_NEAR(round_robin_latency(10, .8), 2.9223, 1e-4);
  EXPECT_NEAR(round_robin_latency(100, .95), 10.2707, 1e-4);
}

TEST(ClosedForms, delayed_shutdown) {
  const DelayedShutdown at_once{.5, 0, 10, 200, 1}, later{.1, 10, 20, 400, 0}, mixed{.3, 3, 5, 50, 1};
  EXPECT_NEAR(at_once.latency(), 12, 1e-9);
  EXPECT_NEAR(at_once.share_cold(), .08333, 1e-5);
  EXPECT_NEAR(at_once.share_delayed(), .41664, 1e-4);
  EXPECT_NEAR(later.latency(), 9.5332, 1e-4);
  EXPECT_NEAR(later.share_cold(), .19075, 1e-5);
  EXPECT_NEAR(mixed.latency(), 4.5855, 1e-4);
  EXPECT_NEAR(mixed.share_delayed(), .26511, 1e-4);
}

TEST(ClosedForms, gathering) {
  EXPECT_NEAR(gathering_wait(.1, 1), .95455, 1e-5);
  EXPECT_NEAR(gathering_wait(5, 1), .58333, 1e-5);
}

}  // namespace
}  // namespace tideline::test

// The print of a run's decisions: small whatever their number, and it finds where another run parts from it.
#include "src/decision_print.h"

#include <gmock/gmock.h>

#include <functional>

namespace tideline {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

/// The k-th decision of a run that nobody changed.
Decision decision(std::uint64_t k) { return {.answer = DecisionAnswer::admitted, .query = k}; }

void play(DecisionWatch& watch, std::uint64_t count, const std::function<void(std::uint64_t, Decision&)>& change = {}) {
  for (std::uint64_t k = 0; k < count; ++k) {
    Decision d = decision(k);
    if (change) change(k, d);
    watch.decided(ControllerId{0}, d, Time{} + std::chrono::milliseconds(k));
  }
}

DecisionPrint print_of(std::uint64_t count) {
  DecisionWatch watch;
  play(watch, count);
  return watch.print();
}

std::optional<Parting> parting(const DecisionPrint& expected, std::uint64_t count, std::uint64_t changed) {
  DecisionWatch watch(&expected);
  play(watch, count, [&](std::uint64_t k, Decision& d) {
    if (k == changed) d.answer = DecisionAnswer::refused;
  });
  return watch.parting();
}

constexpr std::uint64_t nowhere = ~std::uint64_t{0};

TEST(DecisionPrint, is_of_few_kilobytes_whatever_the_number) {
  for (const std::uint64_t count : {0u, 1u, 100u, 2048u, 2049u, 100'000u}) {
    const DecisionPrint p = print_of(count);
    EXPECT_EQ(p.count, count);
    EXPECT_LE(p.marks.size(), DecisionPrint::most_marks);
    EXPECT_EQ(p.marks.size(), count / p.stride);
    EXPECT_GT(p.stride == 1 ? DecisionPrint::most_marks : 2 * p.marks.size(), DecisionPrint::most_marks - 2);
    const std::string text = to_json(p).dump();
    EXPECT_LT(text.size(), 7'000U);
    EXPECT_EQ(decision_print(Json::parse(text)), p);
  }
}

TEST(DecisionPrint, that_is_damaged_is_refused) {
  const Json whole = to_json(print_of(50));
  for (const char* key : {"count", "hash", "stride", "marks", "first_marks", "first"}) {
    Json damaged = whole;
    damaged.erase(key);
    EXPECT_FALSE(decision_print(damaged)) << key;
    damaged[key] = nullptr;
    EXPECT_FALSE(decision_print(damaged)) << key;
  }
  Json damaged = whole;
  damaged["marks"] = "A?";
  EXPECT_FALSE(decision_print(damaged));
  damaged["marks"] = "AAAA";
  EXPECT_FALSE(decision_print(damaged)) << "as many marks as decisions";
  damaged = whole;
  damaged["stride"] = 0;
  EXPECT_FALSE(decision_print(damaged));
}

TEST(DecisionPrint, the_same_decisions_do_not_part) {
  for (const std::uint64_t count : {0u, 1u, 30u, 5'000u}) EXPECT_FALSE(parting(print_of(count), count, nowhere)) << count;
}

TEST(DecisionPrint, few_decisions_are_found_exactly) {
  const DecisionPrint p = print_of(2000);
  for (const std::uint64_t k : {0u, 1u, 23u, 24u, 500u, 1999u}) {
    const auto found = parting(p, 2000, k);
    ASSERT_TRUE(found) << k;
    EXPECT_EQ(found->from, k);
    EXPECT_EQ(found->to, k);
    ASSERT_TRUE(found->is);
    EXPECT_EQ(found->is->answer, "refused");
    EXPECT_EQ(found->to_ns, static_cast<std::int64_t>(k) * 1'000'000);
    if (k < DecisionPrint::most_first)
      EXPECT_THAT(found->was, HasSubstr("admitted"));
    else
      EXPECT_EQ(found->was, "");
  }
}

TEST(DecisionPrint, many_are_narrowed_to_a_stride) {
  const DecisionPrint p = print_of(50'000);
  EXPECT_EQ(p.stride, 32U);
  for (const std::uint64_t k : {7u, 1'000u, 31'999u, 32'000u, 49'990u, 49'999u}) {
    const auto found = parting(p, 50'000, k);
    ASSERT_TRUE(found) << k;
    EXPECT_LE(found->from, k);
    EXPECT_GE(found->to, k);
    EXPECT_LT(found->to - found->from, p.stride);
    ASSERT_THAT(found->now, SizeIs(found->to - found->from + 1));
    EXPECT_EQ(found->now[k - found->from].text.answer, "refused");
    EXPECT_LE(found->from_ns, static_cast<std::int64_t>(k) * 1'000'000);
    EXPECT_GE(found->to_ns, static_cast<std::int64_t>(k) * 1'000'000);
  }
}

TEST(DecisionPrint, a_run_that_ends_sooner_or_later_parts_there) {
  const DecisionPrint p = print_of(20);
  const auto sooner = parting(p, 12, nowhere), later = parting(p, 30, nowhere);
  ASSERT_TRUE(sooner && later);
  EXPECT_EQ(sooner->from, 12U);
  EXPECT_EQ(sooner->to, 12U);
  EXPECT_THAT(sooner->was, HasSubstr("query 12"));
  EXPECT_FALSE(sooner->is);
  EXPECT_EQ(later->from, 20U);
  EXPECT_EQ(later->to, 20U);
  EXPECT_EQ(later->was, "nothing any more");
  ASSERT_TRUE(later->is);
  const auto at_once = parting(p, 0, nowhere);
  ASSERT_TRUE(at_once);
  EXPECT_EQ(at_once->from, 0U);
}

TEST(DecisionPrint, the_earlier_decisions_make_it_exact) {
  const DecisionPrint p = print_of(50'000);
  auto found = parting(p, 50'000, 31'990);
  ASSERT_TRUE(found);
  DecisionWatch again(&p);
  again.keep(found->from, found->to);
  play(again, 50'000);
  ASSERT_FALSE(again.parting());
  make_exact(*found, again.kept());
  EXPECT_EQ(found->from, 31'990U);
  EXPECT_EQ(found->to, 31'990U);
  EXPECT_THAT(found->was, HasSubstr("query 31990: admission () admitted"));
  ASSERT_TRUE(found->is);
  EXPECT_EQ(found->is->answer, "refused");
}

TEST(DecisionText, reads_as_a_sentence) {
  EXPECT_EQ(to_text(DecisionText{0, 12'500'000'000, "7", "selection", "infaas", "selected", "yolo", "resnet", "cheapest", "2 visits"}),
            "12.5 s, query 7: selection (infaas) selected yolo before resnet, 2 visits (cheapest)");
  EXPECT_EQ(amount_text(30'000'000, "until it is asked again; -1: until its line changes", "ns"), "0.03 s until it is asked again");
  EXPECT_EQ(amount_text(-1, "until it is asked again; -1: until its line changes", "ns"), "until its line changes");
  EXPECT_EQ(amount_text(5, "memory short", "bytes"), "5 bytes of memory short");
  EXPECT_EQ(amount_text(5, "", ""), "");
}

}  // namespace
}  // namespace tideline

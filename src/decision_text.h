// A decision of a policy as people read it: names in place of numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tideline {

/// What it has not got is empty.
struct DecisionText {
  std::uint64_t row = 0;  ///< its number in the run, from 0
  std::int64_t time_ns = 0;
  std::string query, kind, policy, answer, chosen, runner_up, reason, amount;
};

/// `12.5 s, query 7: selection (infaas) selected yolo before resnet, 2 visits (cheapest)`.
std::string to_text(const DecisionText& d);

/// `2 visits`. `what` and `unit` as in decision_forms(): what an amount of -1 means stands behind `; -1: `.
std::string amount_text(std::int64_t amount, std::string_view what, std::string_view unit);

/// Seconds with all digits of the nanoseconds that count.
std::string seconds_of(std::int64_t ns);

}  // namespace tideline

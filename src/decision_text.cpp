#include "src/decision_text.h"

#include "sim/core/text.h"

namespace tideline {

std::string seconds_of(std::int64_t ns) { return to_text(static_cast<double>(ns) / 1e9) + " s"; }

std::string to_text(const DecisionText& d) {
  std::string out = seconds_of(d.time_ns);
  if (!d.query.empty()) out += ", query " + d.query;
  out += ": " + d.kind + " (" + d.policy + ") " + d.answer;
  if (!d.chosen.empty()) out += " " + d.chosen;
  if (!d.runner_up.empty()) out += " before " + d.runner_up;
  if (!d.amount.empty()) out += ", " + d.amount;
  if (!d.reason.empty()) out += " (" + d.reason + ")";
  return out;
}

std::string amount_text(std::int64_t amount, std::string_view what, std::string_view unit) {
  if (what.empty()) return {};
  constexpr std::string_view none = "; -1: ";
  const auto at = what.find(none);
  if (at != std::string_view::npos && amount == -1) return std::string(what.substr(at + none.size()));
  const std::string name(what.substr(0, at));
  if (unit == "ns") return seconds_of(amount) + " " + name;
  return std::to_string(amount) + (unit == "1" ? " " : " " + std::string(unit) + " of ") + name;
}

}  // namespace tideline

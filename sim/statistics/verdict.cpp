#include "sim/statistics/verdict.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tideline::statistics {
namespace {

double adjusted_or(double adjusted, double own) {
  if (std::isnan(adjusted) || std::isnan(own)) return own;
  if (adjusted < 0 || adjusted > 1) throw std::invalid_argument("a p value is between 0 and 1");
  return adjusted;
}

Verdict of_difference(double difference, Direction direction) {
  if (direction == Direction::neutral) return Verdict::different;
  return (difference > 0) == (direction == Direction::higher_is_better) ? Verdict::better : Verdict::worse;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::better:
      return "better";
    case Verdict::worse:
      return "worse";
    case Verdict::equivalent:
      return "equivalent";
    case Verdict::no_difference_shown:
      return "no difference shown";
    case Verdict::identical:
      return "identical";
    case Verdict::different:
      return "different";
    case Verdict::no_interval:
      break;
  }
  return "no interval";
}

Finding judge(const PairedSample& sample, const Question& question, const Adjusted& adjusted) {
  if (!(question.margin >= 0) || !std::isfinite(question.margin))
    throw std::invalid_argument("a margin of equivalence is finite and not negative");
  const double alpha = 1 - question.confidence;

  Finding f;
  f.exact = sample.spread() == Spread::constant;
  f.difference = sample.mean();
  f.interval = sample.interval(question.confidence);
  f.p = sample.p_value();
  f.adjusted_p = adjusted_or(adjusted.p, f.p);
  f.equivalence_p = question.margin > 0 ? adjusted_or(adjusted.equivalence_p, sample.equivalence_p(question.margin)) : std::nan("");
  f.smallest_detectable =
      sample.smallest_detectable(alpha / static_cast<double>(std::max<std::size_t>(1, adjusted.comparisons)), question.power);
  f.pairs = sample.count();
  f.missing = sample.missing();

  if (sample.identical())
    f.verdict = Verdict::identical;
  else if (!f.interval)
    f.verdict = Verdict::no_interval;
  else if (f.equivalence_p <= alpha)
    f.verdict = Verdict::equivalent;
  else if (f.adjusted_p <= alpha)
    f.verdict = of_difference(f.difference, question.direction);
  else
    f.verdict = Verdict::no_difference_shown;
  return f;
}

}  // namespace tideline::statistics

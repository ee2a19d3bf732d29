#include "sim/statistics/sequential.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tideline::statistics {
namespace {

void check(const StoppingRule& rule, std::span<const Watched> watched) {
  if (rule.least < 3 || rule.most < rule.least) throw std::invalid_argument("a stopping rule takes 3 <= least <= most replications");
  if (!(rule.confidence > 0 && rule.confidence < 1)) throw std::invalid_argument("a confidence is between 0 and 1");
  if (!(rule.growth >= 0) || !std::isfinite(rule.growth)) throw std::invalid_argument("the growth of batches is finite and not negative");
  for (const Watched& w : watched)
    if (!(w.target.half_width > 0) || !std::isfinite(w.target.half_width))
      throw std::invalid_argument("a target of precision is above 0 and finite");
}

bool met(const StoppingRule& rule, const Watched& watched) {
  const PairedSample& sample = *watched.sample;
  if (sample.count() < rule.least) return false;
  return sample.spread() == Spread::constant || sample.half_width(rule.confidence) <= watched.target.limit(sample);
}

std::size_t after_batch(const StoppingRule& rule, std::size_t replications) {
  if (replications < rule.least) return rule.least;
  // A growth beyond `most` must not overflow.
  const double batch = std::min(std::ceil(rule.growth * static_cast<double>(replications)), static_cast<double>(rule.most));
  return std::min(rule.most, replications + std::max<std::size_t>(1, static_cast<std::size_t>(batch)));
}

}  // namespace

double Precision::limit(const PairedSample& sample) const {
  return kind == Kind::absolute ? half_width : half_width * std::abs(sample.mean_b());
}

Look StoppingRule::look(std::size_t replications, std::span<const Watched> watched) const {
  check(*this, watched);
  Look result;
  for (const Watched& w : watched) {
    if (w.sample->count() == 0)
      ++result.undefined;
    else if (!met(*this, w))
      ++result.unmet;
  }
  if (replications >= least && result.unmet == 0)
    result.cause = StopCause::precise;
  else if (replications >= most)
    result.cause = StopCause::at_most;
  result.next = result.stop() ? replications : after_batch(*this, replications);
  return result;
}

}  // namespace tideline::statistics

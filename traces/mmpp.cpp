#include "traces/mmpp.h"

#include "traces/fine_time.h"

#include <boost/random/exponential_distribution.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

namespace tideline {
namespace {

class MmppSource final : public ArrivalSource {
 public:
  MmppSource(const MmppParams& p, Stream stream) : rates_(p.rates_qps), stays_(p.stays_s), stream_(stream) {
    const std::size_t n = rates_.size();
    for (double& r : rates_) r *= p.rate_scale;
    following_.assign(n, std::vector<double>(n));
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = 0; b < n; ++b)
        if (a != b) following_[a][b] = p.transitions.empty() ? 1 : p.transitions[a * n + b];
      const double sum = std::accumulate(following_[a].begin(), following_[a].end(), 0.0);
      if (!(sum > 0) || !std::isfinite(sum))
        throw std::invalid_argument("transitions: row " + std::to_string(a + 1) + " has no other state to go to");
      for (double& w : following_[a]) w /= sum;
    }
    const std::vector<double> share = shares();
    for (std::size_t k = 0; k < n; ++k) mean_qps_ += share[k] * rates_[k];
    if (!(mean_qps_ > 0 && mean_qps_ <= 1e9)) throw std::invalid_argument("the mean rate must be above 0 and at most 1e9");
    state_ = pick(share);
    left_s_ = exponential_(stream_) * stays_[state_];
  }

  bool next(Arrival& out) override {
    double waited_s = 0;
    for (;;) {
      const double gap_s = rates_[state_] > 0 ? exponential_(stream_) / rates_[state_] : left_s_;
      // What is left of the gap after a jump is exponential again: nothing of the old rate is kept.
      if (gap_s < left_s_) {
        left_s_ -= gap_s;
        waited_s += gap_s;
        break;
      }
      waited_s += left_s_;
      if (waited_s > 9.2e9) return false;
      state_ = pick(following_[state_]);
      left_s_ = exponential_(stream_) * stays_[state_];
    }
    if (!clock_.advance(waited_s * 1e9)) return false;
    out = Arrival{};
    out.at = clock_.time();
    return true;
  }
  double mean_qps(Time from, Time to) const override { return from < to ? mean_qps_ : 0; }

 private:
  /// Shares of time: how often each state comes, times how long it stays.
  std::vector<double> shares() const {
    const std::size_t n = rates_.size();
    std::vector<double> often(n, 1.0 / static_cast<double>(n)), then(n);
    // Half of it stays at each round, so that a chain with a period settles too.
    for (int round = 0; round < 20000; ++round) {
      double change = 0;
      for (std::size_t b = 0; b < n; ++b) {
        then[b] = 0.5 * often[b];
        for (std::size_t a = 0; a < n; ++a) then[b] += 0.5 * often[a] * following_[a][b];
        change = std::max(change, std::abs(then[b] - often[b]));
      }
      often.swap(then);
      if (change < 1e-14) break;
    }
    double sum = 0;
    for (std::size_t k = 0; k < n; ++k) sum += often[k] *= stays_[k];
    for (double& x : often) x /= sum;
    return often;
  }
  std::size_t pick(const std::vector<double>& weights) {
    double u = uniform01(stream_);
    std::size_t last = 0;
    for (std::size_t k = 0; k < weights.size(); ++k) {
      if (weights[k] == 0) continue;
      last = k;
      if (u < weights[k]) return k;
      u -= weights[k];
    }
    return last;
  }

  std::vector<double> rates_, stays_;
  std::vector<std::vector<double>> following_;
  Stream stream_;
  boost::random::exponential_distribution<double> exponential_;
  double mean_qps_ = 0, left_s_ = 0;
  std::size_t state_ = 0;
  FineTime clock_;
};

}  // namespace

std::unique_ptr<ArrivalSource> make_mmpp(const MmppParams& params, Stream stream) {
  const std::size_t n = params.rates_qps.size();
  if (n < 2 || n > 256) throw std::invalid_argument("rates_qps must have 2 .. 256 rates, not " + std::to_string(n));
  if (params.stays_s.size() != n)
    throw std::invalid_argument("stays_s must have one for each rate, " + std::to_string(n) + ", not " +
                                std::to_string(params.stays_s.size()));
  if (!params.transitions.empty() && params.transitions.size() != n * n)
    throw std::invalid_argument("transitions must have " + std::to_string(n * n) + " weights, not " +
                                std::to_string(params.transitions.size()));
  if (!(params.rate_scale > 0)) throw std::invalid_argument("rate_scale must be above 0");
  for (const double r : params.rates_qps)
    if (!(r >= 0 && r <= 1e9)) throw std::invalid_argument("rates_qps must be 0 .. 1e9");
  for (const double s : params.stays_s)
    if (!(s > 0 && s <= 3e9)) throw std::invalid_argument("stays_s must be above 0 and at most 3e9");
  return std::make_unique<MmppSource>(params, stream);
}

}  // namespace tideline

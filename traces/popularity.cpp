#include "traces/popularity.h"

#include <boost/random/exponential_distribution.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace tideline {
namespace {

constexpr Duration phase_step = 60s;

class Popular final : public ArrivalSource {
 public:
  Popular(std::unique_ptr<ArrivalSource> source, const PopularityParams& p, std::size_t tasks, Stream draws, Stream swaps)
      : source_(std::move(source)),
        params_(p),
        weight_(p.weights),
        draws_(draws),
        swaps_(swaps),
        factor_(tasks, 1),
        task_of_(tasks),
        sums_(tasks) {
    if (weight_.empty())
      for (std::size_t k = 0; k < tasks; ++k) weight_.push_back(std::pow(static_cast<double>(k + 1), -p.zipf_exponent));
    std::iota(task_of_.begin(), task_of_.end(), 0U);
    if (p.swap > Duration{} && tasks > 1) next_swap_ = Time{} + gap();
    phase(Time{});
    sum();
  }

  bool next(Arrival& out) override {
    if (!source_->next(out)) return false;
    move_to(out.at);
    const double u = uniform01(draws_) * sums_.back();
    const auto rank = static_cast<std::size_t>(std::upper_bound(sums_.begin(), sums_.end(), u) - sums_.begin());
    out.task = task_of_[std::min(rank, task_of_.size() - 1)];
    return true;
  }
  bool next_expected(Expected& out) override {
    if (rank_ >= task_of_.size()) {
      if (!source_->next_expected(whole_)) return false;
      move_to(whole_.like.at);
      rank_ = 0;
    }
    out = whole_;
    out.queries *= (sums_[rank_] - (rank_ > 0 ? sums_[rank_ - 1] : 0)) / sums_.back();
    out.like.task = task_of_[rank_++];
    return true;
  }
  /// Of all tasks together nothing can be said of one.
  double mean_qps(Time from, Time to) const override { return task_of_.size() == 1 ? source_->mean_qps(from, to) : 0; }
  std::string remark() const override { return source_->remark(); }

 private:
  Duration gap() { return from_seconds(exponential_(swaps_) * to_seconds(params_.swap)); }

  void move_to(Time now) {
    bool changed = false;
    for (; next_swap_ <= now; next_swap_ += std::max(gap(), Duration{1})) {
      const auto n = static_cast<std::uint32_t>(task_of_.size());
      const std::uint32_t a = params_.neighbours ? below(swaps_, n - 1) : below(swaps_, n);
      std::uint32_t b = a + 1;
      if (!params_.neighbours && (b = below(swaps_, n - 1)) >= a) ++b;
      std::swap(task_of_[a], task_of_[b]);
      changed = true;
    }
    if (params_.phase_spread_h > 0 && now >= next_phase_) changed = phase(now);
    if (changed) sum();
  }
  /// Factors of the time of day.
  bool phase(Time now) {
    if (!(params_.phase_spread_h > 0)) return false;
    const double amplitude = (params_.peak_to_trough - 1) / (params_.peak_to_trough + 1);
    const double hours = to_seconds(now - Time{}) / 3600, n = static_cast<double>(factor_.size());
    for (std::size_t k = 0; k < factor_.size(); ++k)
      factor_[k] = 1 + amplitude * std::cos(2 * std::numbers::pi / 24 * (hours - static_cast<double>(k) * params_.phase_spread_h / n));
    next_phase_ = now + phase_step;
    return true;
  }
  void sum() {
    double so_far = 0;
    for (std::size_t rank = 0; rank < sums_.size(); ++rank) sums_[rank] = so_far += weight_[rank] * factor_[task_of_[rank]];
  }

  std::unique_ptr<ArrivalSource> source_;
  PopularityParams params_;
  std::vector<double> weight_;  // by rank
  Stream draws_, swaps_;
  boost::random::exponential_distribution<double> exponential_;
  std::vector<double> factor_;          // by task
  std::vector<std::uint32_t> task_of_;  // by rank
  std::vector<double> sums_;            // of weights up to each rank
  Time next_swap_ = never, next_phase_{};
  Expected whole_;
  std::size_t rank_ = ~std::size_t{0};
};

}  // namespace

std::unique_ptr<ArrivalSource> with_popularity(std::unique_ptr<ArrivalSource> source, const PopularityParams& params, std::size_t tasks,
                                               Stream draws, Stream swaps) {
  if (tasks == 0) throw std::invalid_argument("popularity: there are no tasks");
  if (params.swap > Duration{} && params.swap < 1ms)
    throw std::invalid_argument("popularity: swap_s: has to be 0, for ranks that stay, or 0.001 and more");
  if (!params.weights.empty() && params.weights.size() != tasks)
    throw std::invalid_argument("popularity: weights: expected one for each task, " + std::to_string(tasks));
  if (!params.weights.empty() && std::none_of(params.weights.begin(), params.weights.end(), [](double w) { return w > 0; }))
    throw std::invalid_argument("popularity: weights: one must be above 0");
  return std::make_unique<Popular>(std::move(source), params, tasks, draws, swaps);
}

}  // namespace tideline

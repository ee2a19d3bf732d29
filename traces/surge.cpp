#include "traces/surge.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tideline {

namespace {

class Surged final : public ArrivalSource {
 public:
  Surged(std::unique_ptr<ArrivalSource> source, std::vector<Surge> surges, Stream draws)
      : source_(std::move(source)), surges_(std::move(surges)), draws_(draws) {}

  bool next(Arrival& out) override {
    for (;;) {
      if (!ahead_known_ && !ended_) {
        ended_ = !source_->next(ahead_);
        ahead_known_ = !ended_;
        if (ahead_known_ && !surge(ahead_)) {
          ahead_known_ = false;
          continue;
        }
      }
      if (!copies_.empty() && (!ahead_known_ || copies_.front().at < ahead_.at)) {
        std::pop_heap(copies_.begin(), copies_.end(), later_copy);
        out = copies_.back();
        copies_.pop_back();
        return true;
      }
      if (!ahead_known_) return false;
      out = ahead_;
      ahead_known_ = false;
      return true;
    }
  }
  bool next_expected(Expected& out) override {
    if (!source_->next_expected(out)) return false;
    out.queries *= mean_factor(out.like.at, out.like.at + out.length);
    return true;
  }
  std::span<const std::string> task_names() const override { return source_->task_names(); }
  std::string remark() const override { return source_->remark(); }
  double mean_qps(Time from, Time to) const override { return source_->mean_qps(from, to) * mean_factor(from, to); }

 private:
  static bool later_copy(const Arrival& a, const Arrival& b) { return a.at > b.at; }

  /// Makes the copies of a query; false where it does not come at all.
  bool surge(const Arrival& a) {
    double factor = 1;
    Time end = never;
    for (const Surge& s : surges_)
      if (s.from <= a.at && a.at < s.to) {
        factor *= s.factor;
        end = std::min(end, s.to);
      }
    if (factor == 1) return true;
    if (factor < 1) return uniform01(draws_) < factor;
    const auto copies = static_cast<std::uint32_t>(std::floor(factor - 1 + uniform01(draws_)));
    const double within = std::min(10.0, to_seconds(end - a.at));
    for (std::uint32_t k = 0; k < copies; ++k) {
      Arrival copy = a;
      copy.at += from_seconds(within * uniform01(draws_));
      copies_.push_back(copy);
      std::push_heap(copies_.begin(), copies_.end(), later_copy);
    }
    return true;
  }
  double factor_at(Time t) const {
    double factor = 1;
    for (const Surge& s : surges_)
      if (s.from <= t && t < s.to) factor *= s.factor;
    return factor;
  }
  double mean_factor(Time from, Time to) const {
    if (to <= from) return factor_at(from);
    std::vector<Time> borders{from, to};
    for (const Surge& s : surges_)
      for (const Time t : {s.from, s.to})
        if (from < t && t < to) borders.push_back(t);
    std::sort(borders.begin(), borders.end());
    double sum = 0;
    for (std::size_t k = 0; k + 1 < borders.size(); ++k) sum += factor_at(borders[k]) * to_seconds(borders[k + 1] - borders[k]);
    return sum / to_seconds(to - from);
  }

  std::unique_ptr<ArrivalSource> source_;
  std::vector<Surge> surges_;
  Stream draws_;
  Arrival ahead_;
  bool ahead_known_ = false, ended_ = false;
  std::vector<Arrival> copies_;  // a heap, the next in front
};

}  // namespace

std::unique_ptr<ArrivalSource> with_surges(std::unique_ptr<ArrivalSource> source, std::vector<Surge> surges, Stream draws) {
  return std::make_unique<Surged>(std::move(source), std::move(surges), draws);
}

}  // namespace tideline

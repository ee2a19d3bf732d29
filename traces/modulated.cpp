#include "traces/modulated.h"

#include "traces/renewal.h"

#include <boost/random/normal_distribution.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace tideline {
namespace {

constexpr double day_length_s = 86400, hour_length_s = 3600;

/// A factor on the rate, of mean 1.
class RandomFactor {
 public:
  RandomFactor(double cv, double memory_s, double step_s, Stream& stream) {
    sigma_ = std::sqrt(std::log1p(cv * cv));
    keep_ = std::exp(-step_s / memory_s);
    renew_ = std::sqrt(1 - keep_ * keep_);
    if (sigma_ > 0) x_ = normal_(stream);
  }
  void step(Stream& stream) {
    if (sigma_ > 0) x_ = keep_ * x_ + renew_ * normal_(stream);
  }
  double value() const { return sigma_ > 0 ? std::exp(sigma_ * (x_ - 0.5 * sigma_)) : 1; }

 private:
  double sigma_, keep_, renew_, x_ = 0;
  boost::random::normal_distribution<double> normal_;
};

/// Relative rate over the week, of mean 1.
class WeeklyShape {
 public:
  explicit WeeklyShape(const ModulatedParams& p) : phase_s_(p.phase_s) {
    hours_.fill(1);
    days_.fill(1);
    std::copy(p.hourly.begin(), p.hourly.end(), hours_.begin());
    std::copy(p.weekdays.begin(), p.weekdays.end(), days_.begin());
    const double hours = std::accumulate(hours_.begin(), hours_.end(), 0.0) / 24,
                 days = std::accumulate(days_.begin(), days_.end(), 0.0) / 7;
    for (double& h : hours_) h /= hours;
    for (double& d : days_) d /= days;
    flat_ = p.hourly.empty() && p.weekdays.empty();
  }
  bool flat() const { return flat_; }
  /// `at_s` >= 0.
  double at(double at_s) const {
    at_s += phase_s_;
    const double day = std::floor(at_s / day_length_s), hours = (at_s - day * day_length_s) / hour_length_s + 23.5;
    const auto k = static_cast<std::size_t>(hours);
    const double x = hours - static_cast<double>(k);
    const double level = hours_[k % 24] * (1 - x) + hours_[(k + 1) % 24] * x;
    return level * days_[static_cast<std::size_t>(std::fmod(day, 7))];
  }

 private:
  double phase_s_;
  std::array<double, 24> hours_{};
  std::array<double, 7> days_{};
  bool flat_ = true;
};

class ModulatedSource final : public ArrivalSource {
 public:
  ModulatedSource(const ModulatedParams& p, Stream stream)
      : mean_qps_(p.mean_qps * p.rate_scale),
        shape_(p),
        step_s_(step_of(p)),
        stream_(stream),
        fast_(p.fast_cv, p.fast_s, step_s_, stream_),
        slow_(p.slow_cv, p.slow_s, step_s_, stream_) {
    const double sum = std::accumulate(p.tenant_shares.begin(), p.tenant_shares.end(), 0.0);
    if (p.tenant_shares.empty())
      tenants_.push_back({1, UnitGaps(GapFamily::gamma, p.cv)});
    else
      for (std::size_t k = 0; k < p.tenant_shares.size(); ++k)
        tenants_.push_back({p.tenant_shares[k] / sum, UnitGaps(GapFamily::gamma, p.tenant_cvs[k])});
    for (std::uint32_t k = 0; k < tenants_.size(); ++k)
      if (tenants_[k].share > 0) next_.push_back({tenants_[k].gaps.first(stream_) / tenants_[k].share, k});
    std::make_heap(next_.begin(), next_.end(), later);
    rate_qps_ = mean_qps_ * shape_.at(0.5 * step_s_) * fast_.value() * slow_.value();
  }

  bool next(Arrival& out) override {
    std::pop_heap(next_.begin(), next_.end(), later);
    auto& [area, tenant] = next_.back();
    while (area > area_ + rate_qps_ * step_s_) {
      area_ += rate_qps_ * step_s_;
      if (static_cast<double>(++steps_) * step_s_ > 9e9) return false;
      fast_.step(stream_);
      slow_.step(stream_);
      rate_qps_ = mean_qps_ * shape_.at((static_cast<double>(steps_) + 0.5) * step_s_) * fast_.value() * slow_.value();
    }
    const double within = rate_qps_ > 0 ? std::clamp((area - area_) / rate_qps_, 0.0, step_s_) : 0;
    out = Arrival{};
    last_ =
        std::max(last_, static_cast<std::int64_t>(static_cast<double>(steps_) * step_s_ * 1e9) + static_cast<std::int64_t>(within * 1e9));
    out.at = Time{Duration{last_}};
    out.tenant = tenant;
    // Areas are counted from now and then anew: they would lose digits over a long run.
    area += tenants_[tenant].gaps.next(stream_) / tenants_[tenant].share;
    std::push_heap(next_.begin(), next_.end(), later);
    if (area_ > 1e9) {
      for (auto& n : next_) n.area -= area_;
      area_ = 0;
    }
    return true;
  }

  double mean_qps(Time from, Time to) const override {
    from = std::max(from, Time{});
    if (from >= to) return 0;
    if (shape_.flat()) return mean_qps_;
    const double a = to_seconds(from - Time{}), length = std::min(to_seconds(to - from), 28 * day_length_s);
    const auto parts = static_cast<int>(std::clamp(std::ceil(length / 600), 1.0, 4032.0));
    double sum = 0;
    for (int k = 0; k < parts; ++k) sum += shape_.at(a + (k + 0.5) * length / parts);
    return mean_qps_ * sum / parts;
  }

 private:
  struct Tenant {
    double share;
    UnitGaps gaps;
  };
  struct Next {
    double area;
    std::uint32_t tenant;
  };
  static bool later(const Next& a, const Next& b) { return a.area != b.area ? a.area > b.area : a.tenant > b.tenant; }

  static double step_of(const ModulatedParams& p) {
    double step = 60;
    if (p.fast_cv > 0) step = std::min(step, p.fast_s / 8);
    if (p.slow_cv > 0) step = std::min(step, p.slow_s / 8);
    return std::max(step, 0.01);
  }

  double mean_qps_;
  WeeklyShape shape_;
  double step_s_;
  Stream stream_;
  RandomFactor fast_, slow_;
  std::vector<Tenant> tenants_;
  std::vector<Next> next_;  // a heap by area, the integral of the rate
  double area_ = 0, rate_qps_ = 0;
  std::uint64_t steps_ = 0;
  std::int64_t last_ = 0;
};

}  // namespace

std::unique_ptr<ArrivalSource> make_modulated(const ModulatedParams& p, Stream stream) {
  const auto some = [](const std::vector<double>& list) { return std::any_of(list.begin(), list.end(), [](double x) { return x > 0; }); };
  if (!p.hourly.empty() && (p.hourly.size() != 24 || !some(p.hourly)))
    throw std::invalid_argument("hourly must have 24 rates, one of them above 0");
  if (!p.weekdays.empty() && (p.weekdays.size() != 7 || !some(p.weekdays)))
    throw std::invalid_argument("weekdays must have 7 rates, one of them above 0");
  if (!p.tenant_shares.empty() && !some(p.tenant_shares)) throw std::invalid_argument("tenant_shares: one must be above 0");
  if (p.tenant_cvs.size() != p.tenant_shares.size()) throw std::invalid_argument("tenant_cvs must have one for each of tenant_shares");
  if (!p.tenants.empty() && p.tenants.size() != p.tenant_shares.size())
    throw std::invalid_argument("tenants must have one for each of tenant_shares");
  if (p.tenant_shares.size() > 65536) throw std::invalid_argument("tenant_shares: at most 65536 tenants");
  if (!(p.rate_scale > 0)) throw std::invalid_argument("rate_scale must be above 0");
  const double mean = p.mean_qps * p.rate_scale;
  if (!(mean > 0 && mean <= 1e9)) throw std::invalid_argument("mean_qps times rate_scale must be above 0 and at most 1e9");
  return std::make_unique<ModulatedSource>(p, stream);
}

}  // namespace tideline

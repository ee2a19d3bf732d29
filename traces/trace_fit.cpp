#include "traces/trace_fit.h"

#include "sim/core/descent.h"
#include "traces/nanoseconds.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace tideline {
namespace {

constexpr std::size_t most_tenants = 64;
constexpr double fit_day_s = 86400;
constexpr double most_steps = 2e7;
constexpr std::int64_t week_ns = 7 * day_ns;

/// Variance of the mean over a bin, and covariance of the means of a bin and the next, of a process of variance 1 that forgets
/// exponentially. `x`: bin over memory.
double within_bin(double x) { return x < 1e-4 ? 1 - x / 3 : 2 * (x - 1 + std::exp(-x)) / (x * x); }
double next_bin(double x) {
  const double rest = x < 1e-8 ? 1 - x / 2 : (1 - std::exp(-x)) / x;
  return rest * rest;
}

/// What is to be met: the relative covariance of the rate in bins, beyond the shape.
struct Target {
  double bin_s, lag_s;  ///< lag 0: variance
  double value, weight;
};

struct Factors {
  double fast_v = 0, fast_s = 10, slow_v = 0, slow_s = 3600;
};

double basis(const Target& t, double memory_s) {
  const double x = t.bin_s / memory_s;
  return t.lag_s == 0 ? within_bin(x) : next_bin(x) * std::exp(-(t.lag_s - t.bin_s) / memory_s);
}

/// Relative covariance of the product of two log-normal factors.
double covariance(const Target& t, const Factors& f) {
  // Within a bin the memory acts on the logarithm; its mean effect stands for it.
  const double fast = std::expm1(std::log1p(f.fast_v) * basis(t, f.fast_s)), slow = std::expm1(std::log1p(f.slow_v) * basis(t, f.slow_s));
  return (1 + fast) * (1 + slow) - 1;
}

double misfit(const std::vector<Target>& targets, const Factors& f) {
  double sum = 0;
  for (const Target& t : targets) {
    const double off = (covariance(t, f) - t.value) * t.weight;
    sum += off * off;
  }
  return sum;
}

/// The best spreads for two memories: a search that halves its steps, from several starts.
Factors best_spreads(const std::vector<Target>& targets, Factors f) {
  Factors best = f;
  double least = -1;
  const double most =
      std::max_element(targets.begin(), targets.end(), [](const auto& a, const auto& b) { return a.value < b.value; })->value;
  for (const double part : {0.05, 0.5, 0.95}) {
    f.fast_v = most * part;
    f.slow_v = most * (1 - part);
    f = descend(f, {&Factors::fast_v, &Factors::slow_v}, [&](const Factors& x) { return misfit(targets, x); }, {2, 1.001, 1e-9});
    if (const double now = misfit(targets, f); least < 0 || now < least) {
      least = now;
      best = f;
    }
  }
  return best;
}

/// `shortest`: of the memories.
Factors best_factors(const std::vector<Target>& targets, double shortest) {
  Factors best;
  double least = -1;
  constexpr double memories[] = {1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000, 300000, 1000000};
  for (const double fast : memories)
    for (const double slow : memories) {
      if (slow <= fast || fast < shortest) continue;
      const Factors f = best_spreads(targets, {0, fast, 0, slow});
      if (const double now = misfit(targets, f); least < 0 || now < least) {
        least = now;
        best = f;
      }
    }
  return best;
}

double digits(double x) { return x == 0 ? 0 : std::stod(std::to_string(std::round(x * 1e6) / 1e6)); }

}  // namespace

TraceFit::TraceFit() : tenants_(1) {}

void TraceFit::spread(std::array<double, hours>& to, std::int64_t from_ns, std::int64_t length_ns, double amount) {
  // Whole weeks at once: a gap may be long.
  if (const std::int64_t weeks = length_ns / week_ns; weeks > 0) {
    for (double& x : to) x += amount * static_cast<double>(weeks) * static_cast<double>(hour_ns);
    from_ns += weeks * week_ns;
    length_ns -= weeks * week_ns;
  }
  std::int64_t at = ((from_ns % week_ns) + week_ns) % week_ns;
  while (length_ns > 0) {
    const std::int64_t hour = at / hour_ns, here = std::min(length_ns, (hour + 1) * hour_ns - at);
    to[static_cast<std::size_t>(hour)] += amount * static_cast<double>(here);
    length_ns -= here;
    at = (at + here) % week_ns;
  }
}

void TraceFit::add(const TraceRow& row) {
  if (!started_) first_ns_ = end_ns_ = row.start_ns;
  started_ = true;
  end_ns_ = std::max(end_ns_, row.start_ns + row.length_ns);
  if (row.missing) {
    spread(missing_, row.start_ns, row.length_ns, 1);
    for (Tenant& t : tenants_) t.last_ns = t.last_gap_ns = -1;
    return;
  }
  if (row.queries == 0) return;
  const std::size_t k = row.key == TraceRow::no_key ? 0 : row.key + std::size_t{1};
  if (k >= tenants_.size()) tenants_.resize(k + 1);
  Tenant& t = tenants_[k];
  t.queries += row.queries;
  if (row.length_ns > 0) {
    bins_ = true;
    spread(queries_, row.start_ns, row.length_ns, row.queries / static_cast<double>(row.length_ns));
    if (row.cv > 0) {
      t.cv_weight += row.queries;
      t.cv_sum += row.queries * static_cast<double>(row.cv);
    }
    return;
  }
  const std::int64_t at = ((row.start_ns % week_ns) + week_ns) % week_ns;
  queries_[static_cast<std::size_t>(at / hour_ns)] += row.queries;
  if (t.last_ns >= 0) {
    const std::int64_t gap = row.start_ns - t.last_ns;
    if (t.last_gap_ns >= 0 && gap + t.last_gap_ns > 0) {
      const double off = static_cast<double>(gap - t.last_gap_ns) / static_cast<double>(gap + t.last_gap_ns);
      t.variation += off * off;
      ++t.pairs;
    }
    t.last_gap_ns = gap;
  }
  t.last_ns = row.start_ns;
}

double TraceFit::cv_of(const Tenant& t) const {
  double cv = 1;
  if (t.cv_weight > 0)
    cv = t.cv_sum / t.cv_weight;
  else if (!bins_ && t.pairs >= 30) {
    const double variation = std::min(2.99, 3 * t.variation / static_cast<double>(t.pairs));
    cv = std::sqrt(2 * variation / (3 - variation));
  }
  return std::clamp(digits(cv), 0.05, 20.0);
}

FittedSource TraceFit::fit(const TraceFigures& figures, std::span<const std::string> keys) const {
  if (!(figures.queries >= 100) || !(figures.rate_qps > 0))
    throw std::invalid_argument("a trace of fewer than 100 queries cannot be fitted");
  FittedSource out;
  ModulatedParams& p = out.params;

  // The shape.
  std::array<double, hours> recorded{};
  spread(recorded, first_ns_, end_ns_ - first_ns_, 1);
  for (std::size_t k = 0; k < hours; ++k) recorded[k] = std::max(0.0, recorded[k] - missing_[k]);
  std::array<double, 24> by_hour{}, hour_time{};
  std::array<double, 7> by_day{}, day_time{};
  for (std::size_t k = 0; k < hours; ++k) {
    by_hour[k % 24] += queries_[k];
    hour_time[k % 24] += recorded[k];
  }
  const double span_days = static_cast<double>(end_ns_ - first_ns_) / static_cast<double>(day_ns);
  // A last row at 23:59 belongs to a whole day.
  const bool has_days = span_days > 0.99 && std::all_of(hour_time.begin(), hour_time.end(), [](double t) { return t > 0; });
  std::array<double, 24> hourly{};
  hourly.fill(1);
  std::array<double, 7> weekly{};
  weekly.fill(1);
  if (has_days) {
    for (std::size_t h = 0; h < 24; ++h) hourly[h] = by_hour[h] / hour_time[h] * static_cast<double>(second_ns);
    const double mean = std::accumulate(hourly.begin(), hourly.end(), 0.0) / 24;
    for (double& h : hourly) p.hourly.push_back(digits(h /= mean));
    if (span_days > 13.9) {
      // A day is held against what its hours would have without it: days that miss some are not taken for weak ones.
      for (std::size_t k = 0; k < hours; ++k) {
        by_day[k / 24] += queries_[k];
        day_time[k / 24] += recorded[k] * hourly[k % 24];
      }
      for (std::size_t d = 0; d < 7; ++d) weekly[d] = day_time[d] > 0 ? by_day[d] / day_time[d] : 0;
      const double days = std::accumulate(weekly.begin(), weekly.end(), 0.0) / 7;
      for (double& d : weekly) p.weekdays.push_back(digits(d /= days));
    }
  } else {
    out.notes.push_back("it is shorter than a day: no daily shape");
  }
  const auto level = [&](std::size_t k) { return hourly[k % 24] * weekly[k / 24 % 7]; };
  double time = 0, mean = 0;
  for (std::size_t k = 0; k < hours; ++k) {
    time += recorded[k];
    mean += recorded[k] * level(k);
  }
  mean /= time;
  // The trace may have seen more of some hours than of others.
  p.mean_qps = figures.rate_qps / (mean > 0 ? mean : 1);
  // Relative covariance of the shape at a lag in hours.
  const auto shape_covariance = [&](std::size_t lag) {
    double products = 0, pairs = 0;
    for (std::size_t k = 0; k < hours && has_days; ++k) {
      const double weight = recorded[k] > 0 ? std::min(recorded[k], recorded[(k + lag) % hours]) : 0;
      products += weight * level(k) * level(k + lag);
      pairs += weight;
    }
    return pairs > 0 ? std::max(-0.9, products / pairs / (mean * mean) - 1) : 0;
  };

  // Tenants.
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < tenants_.size(); ++k)
    if (tenants_[k].queries > 0) order.push_back(k);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return tenants_[a].queries > tenants_[b].queries; });
  double small_scale = 0;  // dispersion of the renewals
  if (order.size() == 1) {
    p.cv = cv_of(tenants_[order[0]]);
    small_scale = p.cv * p.cv;
  } else {
    const std::size_t own = order.size() > most_tenants ? most_tenants - 1 : order.size();
    double rest = figures.queries, with_others = 0;
    for (std::size_t k = 0; k < own; ++k) {
      const Tenant& t = tenants_[order[k]];
      p.tenant_shares.push_back(digits(t.queries / figures.queries));
      p.tenant_cvs.push_back(cv_of(t));
      p.tenants.push_back(order[k] == 0 ? "" : std::string(keys[order[k] - 1]));
      rest -= t.queries;
      with_others += t.queries * p.tenant_cvs.back() * p.tenant_cvs.back();
    }
    if (own < order.size()) {
      // Those of many are close to a Poisson process, whatever each is.
      p.tenant_shares.push_back(digits(rest / figures.queries));
      p.tenant_cvs.push_back(1);
      p.tenants.emplace_back("others");
      with_others += rest;
      out.notes.push_back(std::to_string(order.size() - own) + " small tenants are put together");
    }
    small_scale = with_others / figures.queries;
  }
  if (bins_ && std::none_of(tenants_.begin(), tenants_.end(), [](const Tenant& t) { return t.cv_weight > 0; }))
    out.notes.push_back("counts do not tell how gaps vary: those of a Poisson process are taken");

  out.gap_dispersion = small_scale;

  // What is left of the dispersion.
  std::vector<Target> targets;
  const auto add = [&](const BinFigures& bins) {
    if (std::isnan(bins.dispersion) || bins.bins < 8) return;
    const double counted = figures.rate_qps * bins.bin_s, all = bins.dispersion / counted;
    // A renewal process has the dispersion of its gaps in bins that hold many, and 1 in those that hold few.
    const double own = counted > 1 ? small_scale : 1 + counted * (small_scale - 1);
    const auto beyond = [&](double covariance_of_rate, double lag_s) {
      return std::max(0.0, (1 + covariance_of_rate) / (1 + shape_covariance(static_cast<std::size_t>(std::lround(lag_s / 3600)))) - 1);
    };
    targets.push_back({bins.bin_s, 0, beyond(std::max(0.0, bins.dispersion - own) / counted, 0), 1 / all});
    const auto lagged = [&](double lag_s, double autocorrelation) {
      if (!std::isnan(autocorrelation)) targets.push_back({bins.bin_s, lag_s, beyond(autocorrelation * all, lag_s), 0.5 / all});
    };
    lagged(bins.bin_s, bins.lag1_autocorrelation);
    if (&bins != &figures.series) return;
    if (bins.bin_s < 3600) lagged(3600, figures.autocorrelation_1h);
    if (bins.bin_s < fit_day_s) lagged(fit_day_s, figures.autocorrelation_24h);
  };
  add(figures.second);
  add(figures.minute);
  if (figures.series.bin_s != figures.hour.bin_s) add(figures.series);
  add(figures.hour);
  if (targets.empty()) {
    out.notes.push_back("it is too short to tell its burstiness");
    return out;
  }
  // A source draws its factors eight times a memory, whatever its rate: a trace of decades would take hours.
  const Factors f = best_factors(targets, std::min(300000.0, figures.span_s * 8 / most_steps));
  p.fast_cv = std::min(20.0, digits(std::sqrt(f.fast_v)));
  p.slow_cv = std::min(20.0, digits(std::sqrt(f.slow_v)));
  p.fast_s = f.fast_s;
  p.slow_s = f.slow_s;
  // A factor that does nothing would cost its draws.
  if (p.fast_cv < 0.005) p.fast_cv = 0;
  if (p.slow_cv < 0.005) p.slow_cv = 0;
  return out;
}

}  // namespace tideline

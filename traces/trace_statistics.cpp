#include "traces/trace_statistics.h"

#include "traces/nanoseconds.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tideline {
namespace {

constexpr std::int64_t series_ns = 10 * minute_ns;
constexpr std::size_t ranks_fitted = 30;

double to_s(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

/// Half of all time: the end of the bin after one of that length still is a time.
constexpr std::int64_t longest_ns = std::numeric_limits<std::int64_t>::max() / 2;

std::int64_t scaled(std::int64_t ns, double by) {
  if (by == 1) return ns;
  const double wanted = static_cast<double>(ns) * by;
  return wanted < static_cast<double>(longest_ns) ? std::llround(wanted) : longest_ns;
}

}  // namespace

void TraceStatistics::Bins::add(std::int64_t from_ns, std::int64_t length_ns, double queries) {
  if (!known_ || queries == 0) return;
  if (from_ns + length_ns < open_until_ns_) {  // mostly in the bin of the one before
    open_.front().queries += queries;
    return;
  }
  if (length_ns > length_ns_) {
    known_ = false;
    open_.clear();
    return;
  }
  const std::int64_t bin = from_ns / length_ns_;
  close_until(bin);
  const std::int64_t end = from_ns + length_ns, boundary = (bin + 1) * length_ns_;
  open_until_ns_ = boundary;
  if (end <= boundary) {
    at(bin).queries += queries;
    return;
  }
  const double before = static_cast<double>(boundary - from_ns) / static_cast<double>(length_ns);
  at(bin).queries += queries * before;
  at(bin + 1).queries += queries * (1 - before);
}

void TraceStatistics::Bins::mask(std::int64_t from_ns, std::int64_t length_ns) {
  if (!known_) return;
  open_until_ns_ = 0;
  const std::int64_t bin = from_ns / length_ns_, last = (from_ns + length_ns - 1) / length_ns_;
  close_until(bin);
  at(bin).masked = true;
  // Those between are closed at once: a gap may be long.
  if (last > bin) {
    const Open first = open_.front();
    take(first);
    open_.clear();
    if (keeps_series_) series_.insert(series_.end(), static_cast<std::size_t>(last - bin - 1), TraceRow::unknown);
    first_open_ = last;
    at(last).masked = true;
  }
}

TraceStatistics::Bins::Open& TraceStatistics::Bins::at(std::int64_t bin) {
  while (static_cast<std::int64_t>(open_.size()) <= bin - first_open_) open_.emplace_back();
  return open_[static_cast<std::size_t>(bin - first_open_)];
}

void TraceStatistics::Bins::close_until(std::int64_t bin) {
  while (first_open_ < bin && !open_.empty()) {
    take(open_.front());
    open_.pop_front();
    ++first_open_;
  }
  if (first_open_ < bin) take_zeros(bin - first_open_);
  first_open_ = std::max(first_open_, bin);
}

void TraceStatistics::Bins::take(const Open& bin) {
  if (keeps_series_) series_.push_back(bin.masked ? TraceRow::unknown : static_cast<float>(bin.queries));
  if (bin.masked) {
    last_counts_ = false;
    return;
  }
  ++bins_;
  sum_ += bin.queries;
  squares_ += static_cast<long double>(bin.queries) * bin.queries;
  largest_ = std::max(largest_, bin.queries);
  if (last_counts_) {
    ++pairs_;
    products_ += static_cast<long double>(last_) * bin.queries;
    of_pairs_ += static_cast<long double>(last_) + bin.queries;
  }
  last_ = bin.queries;
  last_counts_ = true;
}

void TraceStatistics::Bins::take_zeros(std::int64_t bins) {
  take({});
  if (bins == 1) return;
  const auto rest = static_cast<std::uint64_t>(bins - 1);
  bins_ += rest;
  pairs_ += rest;
  if (keeps_series_) series_.insert(series_.end(), rest, 0.0F);
}

BinFigures TraceStatistics::Bins::close(std::int64_t end_ns) {
  BinFigures out;
  out.bin_s = to_s(length_ns_);
  const std::int64_t whole = end_ns / length_ns_;
  if (!known_) return out;
  while (!open_.empty() && first_open_ < whole) {
    take(open_.front());
    open_.pop_front();
    ++first_open_;
  }
  if (first_open_ < whole) take_zeros(whole - first_open_);
  first_open_ = whole;
  out.bins = bins_;
  if (bins_ == 0) return out;
  const long double n = static_cast<long double>(bins_), mean = sum_ / n, squares = squares_ - sum_ * mean;
  mean_ = static_cast<double>(mean);
  if (!(mean > 0)) return out;
  out.peak_to_mean = static_cast<double>(largest_ / mean);
  if (bins_ < 2) return out;
  out.dispersion = static_cast<double>(squares / n / mean);
  if (pairs_ == 0 || !(squares > 1e-12L * squares_)) return out;
  const long double pairs = static_cast<long double>(pairs_);
  const long double covariance = (products_ - mean * of_pairs_ + pairs * mean * mean) / pairs;
  out.lag1_autocorrelation = static_cast<double>(covariance / (squares / n) * (n - 1) / n);
  return out;
}

double TraceStatistics::Bins::autocorrelation(std::int64_t lag_ns) const {
  if (!known_ || lag_ns % length_ns_ != 0) return BinFigures::unknown;
  const auto lag = static_cast<std::size_t>(lag_ns / length_ns_);
  // A lag that the trace holds less than twice is told by nothing.
  if (series_.size() < 2 * lag || bins_ < 2) return BinFigures::unknown;
  double squares = 0, products = 0;
  std::size_t pairs = 0;
  for (std::size_t k = 0; k < series_.size(); ++k) {
    const double here = static_cast<double>(series_[k]) - mean_;
    if (std::isnan(here)) continue;
    squares += here * here;
    if (k < lag || std::isnan(series_[k - lag])) continue;
    products += here * (static_cast<double>(series_[k - lag]) - mean_);
    ++pairs;
  }
  if (pairs == 0 || !(squares > 0)) return BinFigures::unknown;
  const double n = static_cast<double>(bins_), all = static_cast<double>(series_.size());
  return products / static_cast<double>(pairs) / (squares / n) * (all - static_cast<double>(lag)) / all;
}

TraceStatistics::TraceStatistics(double time_scale) : time_scale_(time_scale), second_(second_ns), minute_(minute_ns), hour_(hour_ns) {}

void TraceStatistics::add(const TraceRow& row) {
  if (!started_) {
    started_ = true;
    first_ns_ = row.start_ns;
  }
  const std::int64_t at = row.start_ns - first_ns_;
  end_ns_ = std::max(end_ns_, at + row.length_ns);
  if (row.length_ns > 0) only_instants_ = false;
  if (row.missing) {
    missing_ns_ += row.length_ns;
    ++missing_stretches_;
    for (Bins* bins : {&second_, &minute_, &hour_}) bins->mask(at, row.length_ns);
    if (series_) series_->mask(at, row.length_ns);
    busy_until_ns_ = at + row.length_ns;
    gap_counts_ = false;
    return;
  }
  if (row.queries == 0) return;
  if (!series_) series_.emplace(std::max({row.length_ns, scaled(series_ns, time_scale_), std::int64_t{1}}), true);
  for (Bins* bins : {&second_, &minute_, &hour_}) bins->add(at, row.length_ns, row.queries);
  series_->add(at, row.length_ns, row.queries);
  queries_ += row.queries;
  if (busy_until_ns_ >= 0 || at > 0) longest_silence_ns_ = std::max(longest_silence_ns_, at - std::max<std::int64_t>(busy_until_ns_, 0));
  busy_until_ns_ = std::max(busy_until_ns_, at + row.length_ns);
  if (row.length_ns == 0) {
    if (gap_counts_) {
      const double gap = to_s(at - last_query_ns_), off = gap - gap_mean_;
      gap_mean_ += off / static_cast<double>(++gaps_);
      gap_squares_ += off * (gap - gap_mean_);
    }
    last_query_ns_ = at;
    gap_counts_ = true;
  }
  if (!std::isnan(row.cv)) cvs_.push_back(row.cv);
  if (row.key == TraceRow::no_key) {
    without_key_ += row.queries;
  } else {
    if (row.key >= by_key_.size()) by_key_.resize(row.key + 1);
    by_key_[row.key] += row.queries;
  }
  if (!std::isnan(row.work)) {
    work_weight_ += row.queries;
    work_sum_ += row.queries * static_cast<double>(row.work);
    work_squares_ += row.queries * static_cast<double>(row.work) * static_cast<double>(row.work);
  }
  if (!std::isnan(row.slo_s)) {
    slo_weight_ += row.queries;
    slo_sum_ += row.queries * static_cast<double>(row.slo_s);
  }
  if (!std::isnan(row.accuracy)) {
    accuracy_weight_ += row.queries;
    accuracy_sum_ += row.queries * static_cast<double>(row.accuracy);
  }
}

TraceFigures TraceStatistics::figures(std::span<const std::string> keys) {
  TraceFigures out;
  out.queries = queries_;
  out.span_s = to_s(end_ns_);
  out.missing_s = to_s(missing_ns_);
  out.missing_stretches = missing_stretches_;
  if (end_ns_ > missing_ns_) out.rate_qps = queries_ / to_s(end_ns_ - missing_ns_);
  out.second = second_.close(end_ns_);
  out.minute = minute_.close(end_ns_);
  out.hour = hour_.close(end_ns_);
  if (only_instants_ && gaps_ > 1 && gap_mean_ > 0) out.gap_cv = std::sqrt(gap_squares_ / static_cast<double>(gaps_)) / gap_mean_;
  if (series_) {
    out.series = series_->close(end_ns_);
    // So many of its bins, whose length is rounded where time is scaled.
    const std::int64_t unit = scaled(series_ns, time_scale_), length = series_->length_ns();
    const auto lag = [&](std::int64_t ns) { return length == unit ? ns / series_ns * length : scaled(ns, time_scale_); };
    // A trace that lasts no two such hours tells nothing of them; and times end before the longest lags.
    const auto is_time = [&](std::int64_t ns) { return static_cast<double>(ns) * time_scale_ < static_cast<double>(longest_ns); };
    if (is_time(hour_ns)) out.autocorrelation_1h = series_->autocorrelation(lag(hour_ns));
    if (is_time(24 * hour_ns)) out.autocorrelation_24h = series_->autocorrelation(lag(24 * hour_ns));
  }
  out.longest_silence_s = to_s(std::max(longest_silence_ns_, end_ns_ - std::max<std::int64_t>(busy_until_ns_, 0)));
  for (std::size_t k = 0; k < by_key_.size() && k < keys.size(); ++k)
    if (by_key_[k] > 0) out.keys.push_back({keys[k], by_key_[k], by_key_[k] / queries_});
  if (!out.keys.empty() && without_key_ > 0) out.keys.push_back({"", without_key_, without_key_ / queries_});
  std::stable_sort(out.keys.begin(), out.keys.end(), [](const KeyFigures& a, const KeyFigures& b) { return a.queries > b.queries; });
  if (const std::size_t n = std::min(out.keys.size(), ranks_fitted); n >= 3) {
    double x = 0, y = 0, xx = 0, xy = 0;
    for (std::size_t k = 0; k < n; ++k) {
      const double rank = std::log(static_cast<double>(k + 1)), queries = std::log(out.keys[k].queries);
      x += rank;
      y += queries;
      xx += rank * rank;
      xy += rank * queries;
    }
    const double count = static_cast<double>(n);
    out.zipf_exponent = -(count * xy - x * y) / (count * xx - x * x);
  }
  if (!cvs_.empty()) {
    std::sort(cvs_.begin(), cvs_.end());
    const auto quantile = [&](double p) {
      const double at = p * static_cast<double>(cvs_.size() - 1), below = std::floor(at);
      const auto k = static_cast<std::size_t>(below);
      const double low = static_cast<double>(cvs_[k]), high = static_cast<double>(cvs_[std::min(k + 1, cvs_.size() - 1)]);
      return low + (high - low) * (at - below);
    };
    out.window_cv_median = quantile(0.5);
    out.window_cv_p90 = quantile(0.9);
  }
  if (work_weight_ > 0) {
    out.work_mean = work_sum_ / work_weight_;
    if (out.work_mean > 0)
      out.work_cv = std::sqrt(std::max(0.0, work_squares_ / work_weight_ - out.work_mean * out.work_mean)) / out.work_mean;
  }
  if (slo_weight_ > 0) out.slo_mean_s = slo_sum_ / slo_weight_;
  if (accuracy_weight_ > 0) out.accuracy_mean = accuracy_sum_ / accuracy_weight_;
  return out;
}

}  // namespace tideline

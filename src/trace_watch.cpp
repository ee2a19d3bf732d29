#include "src/trace_watch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace tideline {
namespace {

class WatchedTrace final : public TraceReader {
 public:
  WatchedTrace(std::unique_ptr<TraceReader> reader, const TraceParams& params, TraceWatch& watch)
      : reader_(std::move(reader)),
        from_ns_(from_seconds(params.from_s).count()),
        to_ns_(params.to_s > 0 ? from_seconds(params.to_s).count() : forever.count()),
        from_zero_(params.start == TraceStart::zero),
        time_scale_(params.time_scale),
        watch_(watch) {
    watch_.before = TraceStatistics();
    watch_.holes.clear();
  }
  bool next(TraceRow& out) override {
    if (!reader_->next(out)) return false;
    if (!started_) origin_ns_ = from_zero_ ? 0 : out.start_ns;
    started_ = true;
    TraceRow part = out;
    if (!cut(part)) return true;
    watch_.before.add(part);
    if (part.missing) watch_.holes.push_back({scaled(part.start_ns - origin_ns_ - from_ns_), scaled(part.length_ns)});
    return true;
  }
  std::span<const std::string> keys() const override { return reader_->keys(); }
  const TraceReport& report() const override { return reader_->report(); }

 private:
  /// Leaves what is in the part that is replayed; false: nothing.
  bool cut(TraceRow& row) const {
    const std::int64_t at = row.start_ns - origin_ns_;
    if (row.length_ns == 0) return at >= from_ns_ && at < to_ns_;
    const std::int64_t begin = std::max(at, from_ns_), end = std::min(at + row.length_ns, to_ns_);
    if (begin >= end) return false;
    if (end - begin < row.length_ns) row.queries *= static_cast<double>(end - begin) / static_cast<double>(row.length_ns);
    row.start_ns += begin - at;
    row.length_ns = end - begin;
    return true;
  }
  std::int64_t scaled(std::int64_t ns) const {
    if (time_scale_ == 1) return ns;
    // Of a trace that is too long by far, which its next row refuses.
    constexpr std::int64_t longest = std::numeric_limits<std::int64_t>::max() / 2;
    const double wanted = std::floor(static_cast<double>(ns) * time_scale_);
    return wanted < static_cast<double>(longest) ? static_cast<std::int64_t>(wanted) : longest;
  }

  std::unique_ptr<TraceReader> reader_;
  std::int64_t from_ns_, to_ns_, origin_ns_ = 0;
  bool from_zero_, started_ = false;
  double time_scale_;
  TraceWatch& watch_;
};

void add_hole(TraceStatistics& statistics, const TraceWatch::Hole& hole) {
  TraceRow row;
  row.start_ns = hole.start_ns;
  row.length_ns = hole.length_ns;
  row.queries = 0;
  row.missing = true;
  statistics.add(row);
}

}  // namespace

bool is_scaled(const TraceParams& p) { return p.time_scale != 1 || p.rate_scale != 1 || p.max_qps > 0 || p.resample_s > 0; }

std::unique_ptr<TraceReader> watched(std::unique_ptr<TraceReader> reader, const TraceParams& params, TraceWatch& watch) {
  return std::make_unique<WatchedTrace>(std::move(reader), params, watch);
}

ArrivalStatistics::ArrivalStatistics(double time_scale, const TraceWatch& watch)
    : time_scale_(time_scale), watch_(watch), statistics_(time_scale) {
  row_.queries = 0;
  statistics_.add(row_);
  row_.queries = 1;
}

void ArrivalStatistics::add(const Arrival& arrival) {
  row_.start_ns = arrival.at.time_since_epoch().count();
  // The reader has met a hole before the first query after it arrives.
  while (holes_ < watch_.holes.size() && watch_.holes[holes_].start_ns <= row_.start_ns) add_hole(statistics_, watch_.holes[holes_++]);
  statistics_.add(row_);
}

TraceFigures ArrivalStatistics::figures(const TraceFigures& before) const {
  TraceStatistics all = statistics_;
  for (std::size_t k = holes_; k < watch_.holes.size(); ++k) add_hole(all, watch_.holes[k]);
  if (std::isnan(before.gap_cv)) {
    TraceRow silence;
    silence.length_ns = from_seconds(before.span_s * time_scale_).count();
    silence.queries = 0;
    all.add(silence);
  }
  return all.figures({});
}

}  // namespace tideline

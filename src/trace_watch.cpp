#include "src/trace_watch.h"

#include <cmath>
#include <utility>

namespace tideline {
namespace {

class WatchedTrace final : public TraceReader {
 public:
  WatchedTrace(std::unique_ptr<TraceReader> reader, const TraceParams& params, TraceStatistics& statistics)
      : reader_(std::move(reader)),
        from_ns_(from_seconds(params.from_s).count()),
        to_ns_(params.to_s > 0 ? from_seconds(params.to_s).count() : forever.count()),
        from_zero_(params.start == TraceStart::zero),
        statistics_(statistics) {
    statistics_ = TraceStatistics();
  }
  bool next(TraceRow& out) override {
    if (!reader_->next(out)) return false;
    if (!started_) origin_ns_ = from_zero_ ? 0 : out.start_ns;
    started_ = true;
    if (const std::int64_t at = out.start_ns - origin_ns_; at >= from_ns_ && at < to_ns_) statistics_.add(out);
    return true;
  }
  std::span<const std::string> keys() const override { return reader_->keys(); }
  const TraceReport& report() const override { return reader_->report(); }

 private:
  std::unique_ptr<TraceReader> reader_;
  std::int64_t from_ns_, to_ns_, origin_ns_ = 0;
  bool from_zero_, started_ = false;
  TraceStatistics& statistics_;
};

}  // namespace

bool is_scaled(const TraceParams& p) { return p.time_scale != 1 || p.rate_scale != 1 || p.max_qps > 0 || p.resample_s > 0; }

std::unique_ptr<TraceReader> watched(std::unique_ptr<TraceReader> reader, const TraceParams& params, TraceStatistics& statistics) {
  return std::make_unique<WatchedTrace>(std::move(reader), params, statistics);
}

ArrivalStatistics::ArrivalStatistics(double time_scale) : time_scale_(time_scale), statistics_(time_scale) {
  row_.queries = 0;
  statistics_.add(row_);
  row_.queries = 1;
}

void ArrivalStatistics::add(const Arrival& arrival) {
  row_.start_ns = arrival.at.time_since_epoch().count();
  statistics_.add(row_);
}

TraceFigures ArrivalStatistics::figures(const TraceFigures& before) const {
  TraceStatistics all = statistics_;
  if (std::isnan(before.gap_cv)) {
    TraceRow silence;
    silence.length_ns = from_seconds(before.span_s * time_scale_).count();
    silence.queries = 0;
    all.add(silence);
  }
  return all.figures({});
}

}  // namespace tideline

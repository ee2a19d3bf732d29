#include "traces/gaps.h"

#include "sim/core/time.h"
#include "traces/text.h"

#include <algorithm>
#include <deque>
#include <string>

namespace tideline {
namespace {

constexpr std::size_t looked_at = 60;  // bins on either side of a gap

class WithGaps final : public TraceReader {
 public:
  WithGaps(std::unique_ptr<TraceReader> reader, const ReadParams& params)
      : reader_(std::move(reader)), policy_(params.gaps), gap_ns_(from_seconds(params.gap_s).count()) {}

  bool next(TraceRow& out) override {
    while (ready_.empty())
      if (!advance()) return false;
    out = ready_.front();
    ready_.pop_front();
    return true;
  }
  std::span<const std::string> keys() const override { return reader_->keys(); }
  const TraceReport& report() const override {
    report_ = reader_->report();
    if (gaps_ > 0) {
      const char* const made = policy_ == GapPolicy::zero      ? "taken as silence (gaps=missing leaves them out of statistics)"
                               : policy_ == GapPolicy::missing ? "taken as missing"
                                                               : "filled on straight lines";
      report_.note(std::to_string(gaps_) + (gaps_ == 1 ? " gap" : " gaps") + " of " + seconds_text(in_gaps_ns_) + " in all, the longest " +
                   seconds_text(longest_ns_) + ", " + made);
    }
    return report_;
  }

 private:
  static double rate(const std::deque<TraceRow>& rows) {
    double queries = 0, ns = 0;
    for (const TraceRow& r : rows) {
      queries += r.queries;
      ns += static_cast<double>(r.length_ns);
    }
    return ns > 0 ? queries / ns : 0;
  }

  bool pull(TraceRow& out) {
    if (!ahead_.empty()) {
      out = ahead_.front();
      ahead_.pop_front();
      return true;
    }
    return reader_->next(out);
  }

  bool advance() {
    TraceRow row;
    if (!pull(row)) {
      if (silent_ns_ > 0) end_silence(false);
      return !ready_.empty();
    }
    if (started_ && row.start_ns > end_ns_) {
      left_out_ns_ += row.start_ns - end_ns_;
      silent_ns_ += row.start_ns - end_ns_;
    }
    started_ = true;
    end_ns_ = row.start_ns + row.length_ns;
    bin_ns_ = row.length_ns;
    if (row.queries == 0) {
      silent_ns_ += row.length_ns;
      silence_end_ns_ = end_ns_;
      return true;
    }
    silence_end_ns_ = row.start_ns;
    if (silent_ns_ > 0) {
      // The line needs what comes after.
      if (policy_ == GapPolicy::interpolate && is_gap()) {
        ahead_.push_front(row);
        for (TraceRow more; ahead_.size() < looked_at && reader_->next(more);) ahead_.push_back(more);
        ahead_.pop_front();
        after_ = {row};
        for (const TraceRow& r : ahead_) after_.push_back(r);
      }
      end_silence(true);
    }
    before_.push_back(row);
    if (before_.size() > looked_at) before_.pop_front();
    ready_.push_back(row);
    return true;
  }

  bool is_gap() const { return silent_ns_ >= gap_ns_ || left_out_ns_ > 0; }

  /// `inside`: something came before and comes after.
  void end_silence(bool inside) {
    TraceRow row;
    row.start_ns = silence_end_ns_ - silent_ns_;
    row.length_ns = silent_ns_;
    row.queries = 0;
    if (is_gap()) {
      ++gaps_;
      in_gaps_ns_ += silent_ns_;
      longest_ns_ = std::max(longest_ns_, silent_ns_);
      row.missing = policy_ != GapPolicy::zero;
    }
    if (row.missing && policy_ == GapPolicy::interpolate && inside && !before_.empty()) {
      fill(row);
    } else {
      ready_.push_back(row);
    }
    silent_ns_ = left_out_ns_ = 0;
  }

  void fill(const TraceRow& gap) {
    const double from = rate(before_), to = rate(after_), length = static_cast<double>(gap.length_ns);
    const std::int64_t step = std::max<std::int64_t>(bin_ns_, gap.length_ns / 1'000'000);  // bounds the memory of a huge gap
    for (std::int64_t at = 0; at < gap.length_ns; at += step) {
      TraceRow bin;
      bin.start_ns = gap.start_ns + at;
      bin.length_ns = std::min(step, gap.length_ns - at);
      const double middle = (static_cast<double>(at) + static_cast<double>(bin.length_ns) / 2) / length;
      bin.queries = (from + (to - from) * middle) * static_cast<double>(bin.length_ns);
      ready_.push_back(bin);
    }
  }

  std::unique_ptr<TraceReader> reader_;
  GapPolicy policy_;
  std::int64_t gap_ns_;
  std::deque<TraceRow> ready_, ahead_, before_, after_;
  bool started_ = false;
  std::int64_t end_ns_ = 0, bin_ns_ = 0, silent_ns_ = 0, left_out_ns_ = 0, silence_end_ns_ = 0;
  std::uint64_t gaps_ = 0;
  std::int64_t in_gaps_ns_ = 0, longest_ns_ = 0;
  mutable TraceReport report_;
};

}  // namespace

std::unique_ptr<TraceReader> with_gaps(std::unique_ptr<TraceReader> reader, const ReadParams& params) {
  return std::make_unique<WithGaps>(std::move(reader), params);
}

}  // namespace tideline

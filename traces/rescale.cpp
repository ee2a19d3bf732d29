#include "traces/rescale.h"

#include "sim/core/text.h"
#include "sim/model/arrival.h"
#include "traces/nanoseconds.h"
#include "traces/text.h"
#include "traces/trace_statistics.h"

#include <boost/random/gamma_distribution.hpp>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <stdexcept>

namespace tideline {
namespace {

/// Passes rows on, and knows where the part that is replayed begins.
class Part {
 public:
  explicit Part(const TraceParams& p)
      : from_ns_(from_seconds(p.from_s).count()),
        to_ns_(p.to_s > 0 ? from_seconds(p.to_s).count() : std::numeric_limits<std::int64_t>::max()),
        first_(p.start == TraceStart::first) {}
  /// Nanoseconds from the start of the part to that of the row.
  std::int64_t offset(const TraceRow& row) {
    if (!started_) origin_ns_ = first_ ? row.start_ns : 0;
    started_ = true;
    return row.start_ns - origin_ns_ - from_ns_;
  }
  bool holds(std::int64_t offset) const { return offset >= 0 && !is_past(offset); }
  bool is_past(std::int64_t offset) const { return offset >= to_ns_ - from_ns_; }
  /// Offset of the end of the row, or of the part where that is earlier.
  std::int64_t end_of(const TraceRow& row, std::int64_t offset) const { return std::min(offset + row.length_ns, to_ns_ - from_ns_); }
  std::int64_t zero_ns() const { return origin_ns_ + from_ns_; }

 private:
  std::int64_t from_ns_, to_ns_, origin_ns_ = 0;
  bool first_, started_ = false;
};

/// Counts of whole bins.
struct Extent {
  double least = 0, largest = 0;
  std::int64_t bins = 0;
};

/// The least and the largest count of the bins of a part of a trace that were recorded throughout. Where queries are single ones the last
/// bin is left out: it may be cut.
Extent extent_of(TraceReader& reader, const TraceParams& params, std::int64_t bin_ns) {
  Part part(params);
  Extent out;
  double count = 0;
  std::int64_t bin = -1, masked_until = -1, end = 0;
  const auto take = [&](double c) {
    out.least = out.bins == 0 ? c : std::min(out.least, c);
    out.largest = std::max(out.largest, c);
    ++out.bins;
  };
  for (TraceRow row; reader.next(row);) {
    const std::int64_t at = part.offset(row);
    if (!part.holds(at)) continue;
    const std::int64_t here = at / bin_ns;
    if (here != bin) {
      if (bin >= 0 && bin > masked_until) take(count);
      if (bin >= 0 && here > std::max(bin, masked_until) + 1) take(0);
      bin = here;
      count = 0;
    }
    if (row.missing)
      masked_until = std::max(masked_until, (at + row.length_ns - 1) / bin_ns);
    else
      count += row.queries;
    end = std::max(end, part.end_of(row, at));
  }
  if (bin > masked_until && end >= (bin + 1) * bin_ns) take(count);
  if (bin >= 0 && end >= (std::max(bin, masked_until) + 2) * bin_ns) take(0);
  return out;
}

/// Rows of a bin together, with other numbers of queries.
class Binned : public TraceReader {
 public:
  Binned(std::unique_ptr<TraceReader> reader, const TraceParams& params, std::int64_t bin_ns)
      : reader_(std::move(reader)), part_(params), bin_ns_(bin_ns) {}

  bool next(TraceRow& out) override {
    while (ready_.empty()) {
      if (ended_) return false;
      advance();
    }
    out = ready_.front();
    ready_.pop_front();
    return true;
  }
  std::span<const std::string> keys() const override { return reader_->keys(); }
  const TraceReport& report() const override { return reader_->report(); }

 protected:
  /// Gives the rows of a bin that begins at `start_ns`, which may be none, through `give`. `length_ns` is shorter than that of bins where
  /// the trace ends within it.
  virtual void close(std::vector<TraceRow>& rows, std::int64_t start_ns, std::int64_t length_ns) = 0;
  void give(const TraceRow& row) { ready_.push_back(row); }
  std::int64_t bin_ns() const { return bin_ns_; }

 private:
  void advance() {
    TraceRow row;
    if (!reader_->next(row)) {
      finish_all();
      ended_ = true;
      return;
    }
    const std::int64_t at = part_.offset(row);
    if (!part_.holds(at)) {
      if (part_.is_past(at)) finish_all();
      if (row.missing && at < 0) mask(row, at);
      give(row);  // is left out later
      return;
    }
    end_ = std::max(end_, part_.end_of(row, at));
    const std::int64_t bin = at / bin_ns_;
    if (bin != bin_) {
      if (bin_ >= 0) finish();
      for (std::int64_t k = bin_ + 1; k < bin; ++k) {
        if (k > masked_until_) close(rows_, part_.zero_ns() + k * bin_ns_, bin_ns_);
        rows_.clear();
      }
      bin_ = bin;
    }
    if (row.missing) {
      mask(row, at);
      give(row);
    } else {
      rows_.push_back(row);
    }
  }
  void finish() {
    if (bin_ > masked_until_ || !rows_.empty()) close(rows_, part_.zero_ns() + bin_ * bin_ns_, bin_ns_);
    rows_.clear();
  }
  /// A trace of bins may end in silence, which is bins too.
  void finish_all() {
    if (bin_ < 0) return;
    finish();
    for (++bin_; bin_ * bin_ns_ < end_; ++bin_)
      if (bin_ > masked_until_) close(rows_, part_.zero_ns() + bin_ * bin_ns_, std::min(bin_ns_, end_ - bin_ * bin_ns_));
    bin_ = -1;
  }
  void mask(const TraceRow& row, std::int64_t at) {
    if (at + row.length_ns > 0) masked_until_ = std::max(masked_until_, (at + row.length_ns - 1) / bin_ns_);
  }

  std::unique_ptr<TraceReader> reader_;
  Part part_;
  std::int64_t bin_ns_, bin_ = -1, masked_until_ = -1, end_ = 0;
  std::vector<TraceRow> rows_;
  std::deque<TraceRow> ready_;
  bool ended_ = false;
};

/// A bin of c queries gets factor x c + more, from `least` to `most`.
class Affine final : public Binned {
 public:
  Affine(std::unique_ptr<TraceReader> reader, const TraceParams& params, std::int64_t bin_ns, double factor, double more, double least = 0,
         double most = std::numeric_limits<double>::infinity())
      : Binned(std::move(reader), params, bin_ns), factor_(factor), more_(more), least_(least), most_(most) {}

 private:
  void close(std::vector<TraceRow>& rows, std::int64_t start_ns, std::int64_t length_ns) override {
    double count = 0;
    for (const TraceRow& row : rows) count += row.queries;
    const double wanted = std::clamp(factor_ * count + more_, least_, most_);
    if (count > 0) {
      for (TraceRow& row : rows) {
        row.queries *= wanted / count;
        give(row);
      }
      like_ = rows.back();
      return;
    }
    TraceRow filler;
    filler.key = like_.key;
    filler.start_ns = start_ns;
    filler.length_ns = length_ns;
    filler.queries = wanted * static_cast<double>(length_ns) / static_cast<double>(bin_ns());
    give(filler);
  }

  double factor_, more_, least_, most_;
  TraceRow like_;  // what queries are like that come of nothing
};

/// The queries of a window as a mean, by key.
class Windows final : public Binned {
 public:
  using Binned::Binned;

 private:
  void close(std::vector<TraceRow>& rows, std::int64_t start_ns, std::int64_t) override {
    by_key_.clear();
    for (const TraceRow& row : rows) {
      const auto [at, is_new] = by_key_.try_emplace(row.key, row);
      if (!is_new) at->second.queries += row.queries;
    }
    for (auto& [key, row] : by_key_) {
      row.start_ns = start_ns;
      row.length_ns = bin_ns();
      row.is_mean = true;
      give(row);
    }
  }

  std::map<std::uint32_t, TraceRow> by_key_;
};

/// Rows with a chance that varies from block to block.
class Uneven final : public TraceReader {
 public:
  struct Block {
    std::int64_t length_ns;
    double variance;  // of the factor, whose mean is 1
  };
  Uneven(std::unique_ptr<TraceReader> reader, std::vector<Block> blocks, Stream stream)
      : reader_(std::move(reader)),
        blocks_(std::move(blocks)),
        block_(blocks_.size(), std::numeric_limits<std::int64_t>::min()),
        factor_(blocks_.size(), 1),
        stream_(stream) {}
  bool next(TraceRow& out) override {
    if (!reader_->next(out)) return false;
    double scale = 1;
    for (std::size_t k = 0; k < blocks_.size(); ++k) {
      const std::int64_t block = (out.start_ns + out.length_ns / 2) / blocks_[k].length_ns;
      if (block != block_[k]) {
        block_[k] = block;
        factor_[k] =
            blocks_[k].variance > 0 ? boost::random::gamma_distribution<double>(1 / blocks_[k].variance, blocks_[k].variance)(stream_) : 1;
      }
      scale *= factor_[k];
    }
    out.scale *= static_cast<float>(scale);
    return true;
  }
  std::span<const std::string> keys() const override { return reader_->keys(); }
  const TraceReport& report() const override { return reader_->report(); }

 private:
  std::unique_ptr<TraceReader> reader_;
  std::vector<Block> blocks_;
  std::vector<std::int64_t> block_;
  std::vector<double> factor_;
  Stream stream_;
};

/// Length of the first stretch of a trace that has queries, or 0.
std::int64_t bin_of(TraceReader& reader) {
  for (TraceRow row; reader.next(row);)
    if (!row.missing && row.queries > 0) return row.length_ns;
  return 0;
}

TraceFigures figures_of(TraceReader& reader, const TraceParams& params) {
  Part part(params);
  TraceStatistics statistics;
  for (TraceRow row; reader.next(row);) {
    const std::int64_t at = part.offset(row);
    if (!part.holds(at)) continue;
    if (row.queries == 0) row.length_ns = part.end_of(row, at) - at;  // long silence may go beyond the part
    statistics.add(row);
  }
  return statistics.figures({});
}

std::unique_ptr<TraceReader> with_dispersion(const OpenTrace& open, TraceParams& params, Stream stream) {
  const double scale = std::exchange(params.rate_scale, 1);
  const std::int64_t bin = bin_of(*open());
  const TraceFigures f = figures_of(*open(), params);
  if (!(f.rate_qps > 0)) throw std::invalid_argument("keep_dispersion: the trace has no rate");
  if (scale >= 1) {
    const std::int64_t length = std::max(bin, second_ns);
    const double mean = f.rate_qps * static_cast<double>(length) * 1e-9;
    return std::make_unique<Affine>(open(), params, length, std::sqrt(scale), (scale - std::sqrt(scale)) * mean);
  }
  // Thinning leaves 1 + p (I - 1). A factor of variance v on blocks of b adds p v (m + I), m and I of blocks, to the dispersion of bins
  // of at least b, and p v (m + I), m and I of bins, to that of shorter bins.
  params.rate_scale = scale;
  std::vector<Uneven::Block> blocks;
  const auto gap = [&](const BinFigures& bins) { return (1 - scale) * std::max(0.0, bins.dispersion - 1) / scale; };
  const auto size = [&](const BinFigures& bins) { return f.rate_qps * bins.bin_s + bins.dispersion; };
  const bool seconds = !std::isnan(f.second.dispersion), minutes = !std::isnan(f.minute.dispersion);
  if (seconds && minutes) {
    const double slow = std::max(0.0, (gap(f.minute) - gap(f.second)) / (size(f.minute) - size(f.second)));
    const double fast = std::max(0.0, gap(f.second) / size(f.second) - slow);
    // Both together are a product.
    blocks = {{second_ns, fast / (1 + slow)}, {minute_ns, slow}};
  } else if (seconds || minutes) {
    const BinFigures& bins = seconds ? f.second : f.minute;
    blocks = {{seconds ? second_ns : minute_ns, gap(bins) / size(bins)}};
  } else if (!std::isnan(f.series.dispersion)) {
    blocks = {{from_seconds(f.series.bin_s).count(), gap(f.series) / size(f.series)}};
  }
  return std::make_unique<Uneven>(open(), std::move(blocks), stream);
}

bool is_rescaled(const TraceParams& params) {
  return params.max_qps > 0 || params.resample_s > 0 || (params.keep_dispersion && params.rate_scale != 1);
}

bool asks_for_mean_work(const TraceParams& params) { return !params.work_column.empty() && params.work_mean == 0; }

/// Mean work of the queries of the part that is replayed.
double mean_work(TraceReader& reader, const TraceParams& params) {
  Part part(params);
  double queries = 0, work = 0;
  for (TraceRow row; reader.next(row);) {
    if (!part.holds(part.offset(row)) || std::isnan(row.work)) continue;
    queries += row.queries;
    work += row.queries * static_cast<double>(row.work);
  }
  if (!(work > 0)) throw SourceError("column " + quoted(params.work_column) + " has no work above 0 in what is replayed");
  return work / queries;
}

/// Says one thing more of a trace.
class Noted final : public TraceReader {
 public:
  Noted(std::unique_ptr<TraceReader> reader, std::string note) : reader_(std::move(reader)), note_(std::move(note)) {}
  bool next(TraceRow& out) override { return reader_->next(out); }
  std::span<const std::string> keys() const override { return reader_->keys(); }
  const TraceReport& report() const override {
    report_ = reader_->report();
    report_.note(note_);
    return report_;
  }
  std::uint64_t row() const override { return reader_->row(); }

 private:
  std::unique_ptr<TraceReader> reader_;
  std::string note_;
  mutable TraceReport report_;
};

}  // namespace

bool needs_first_reading(const TraceParams& params) { return is_rescaled(params) || asks_for_mean_work(params); }

std::unique_ptr<TraceReader> rescaled(const OpenTrace& open, TraceParams& params, Stream stream) {
  if ((params.max_qps > 0) + (params.resample_s > 0) + params.keep_dispersion > 1)
    throw std::invalid_argument("max_qps, resample_s, keep_dispersion: only one of them can be");
  if (params.resample_s > 0) return std::make_unique<Windows>(open(), params, from_seconds(params.resample_s).count());
  if (params.max_qps > 0) {
    if (params.max_qps < params.min_qps) throw std::invalid_argument("max_qps must be at least min_qps");
    const std::int64_t own = bin_of(*open());
    const std::int64_t wanted = params.rescale_bin_s > 0 ? from_seconds(params.rescale_bin_s).count() : own > 0 ? own : minute_ns;
    if (wanted < own) throw std::invalid_argument("rescale_bin_s is shorter than the bins of the trace");
    const Extent extent = extent_of(*open(), params, wanted);
    if (!(extent.largest > extent.least)) throw std::invalid_argument("max_qps: all bins of the trace have the same number of queries");
    const double bin_s = static_cast<double>(wanted) * 1e-9;
    const double factor = (params.max_qps - params.min_qps) * bin_s / (extent.largest - extent.least);
    return std::make_unique<Affine>(open(), params, wanted, factor, params.min_qps * bin_s - factor * extent.least, params.min_qps * bin_s,
                                    params.max_qps * bin_s);
  }
  return with_dispersion(open, params, stream);
}

std::unique_ptr<TraceSource> shaped(const OpenTrace& open, const TraceParams& params, Stream stream) {
  TraceParams rest = params;
  std::string note;
  if (asks_for_mean_work(params)) {
    rest.work_mean = mean_work(*open(), params);
    note = "work 1 is " + to_text(rest.work_mean) + ", the mean of column " + quoted(params.work_column);
  }
  std::unique_ptr<TraceReader> reader;
  if (is_rescaled(params)) {
    const Stream shaping(stream());
    reader = rescaled(open, rest, shaping);
  } else {
    reader = open();
  }
  if (!note.empty()) reader = std::make_unique<Noted>(std::move(reader), std::move(note));
  if (params.placement != TracePlacement::law && params.resample_s == 0 && reader->report().format == "servegen")
    reader =
        std::make_unique<Noted>(std::move(reader), "the laws and CVs of gaps that its windows name are not used: placement=law uses them");
  return shaped(std::move(reader), rest, stream);
}

}  // namespace tideline

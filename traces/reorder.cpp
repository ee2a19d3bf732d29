#include "traces/reorder.h"

#include "sim/model/arrival.h"
#include "traces/names.h"
#include "traces/text.h"

#include <algorithm>
#include <limits>

namespace tideline {
namespace {

constexpr std::int64_t before_all = std::numeric_limits<std::int64_t>::min();

bool earlier(const TraceRow& a, const TraceRow& b) { return a.start_ns < b.start_ns; }

std::string signed_seconds(std::int64_t ns) { return ns < 0 ? "-" + seconds_text(-ns) : seconds_text(ns); }

class Sorted final : public TraceReader {
 public:
  Sorted(std::unique_ptr<TraceReader> reader, std::uint32_t window) : reader_(std::move(reader)), window_(window) {}

  bool next(TraceRow& out) override {
    if (given_ == ready_ && !refill()) return false;
    out = rows_[given_++];
    return true;
  }
  std::span<const std::string> keys() const override { return reader_->keys(); }
  const TraceReport& report() const override {
    report_ = reader_->report();
    report_.unsorted += unsorted_;
    report_.furthest_ns = std::max(report_.furthest_ns, furthest_ns_);
    return report_;
  }

 private:
  /// Makes `rows_[given_, ready_)` the next rows in order. Those behind `ready_` are sorted too but wait for what may come before them.
  bool refill() {
    rows_.erase(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(given_));
    given_ = ready_ = 0;
    // Few at first: most traces are short, and most are sorted.
    const std::size_t chunk = std::max<std::size_t>(1, std::min(window_, chunk_));
    chunk_ = 2 * chunk;
    const std::size_t held = rows_.size();
    bool in_order = true;
    TraceRow row;
    while (rows_.size() < std::max<std::size_t>(window_, 1) + chunk && !ended_) {
      if (!reader_->next(row)) {
        ended_ = true;
        break;
      }
      if (row.start_ns < latest_ns_) {
        if (window_ == 0)
          throw SourceError(here() + "it is at " + signed_seconds(row.start_ns) + ", before " + signed_seconds(latest_ns_) +
                            " of an earlier row: rows must be sorted by time where sort_rows is 0");
        if (row.start_ns < passed_ns_)
          throw SourceError(here() + "it is at " + signed_seconds(row.start_ns) + ", before " + signed_seconds(passed_ns_) +
                            " of one more than " + std::to_string(window_) + " rows earlier: sort the file, or raise sort_rows");
        in_order = false;
        ++unsorted_;
        furthest_ns_ = std::max(furthest_ns_, latest_ns_ - row.start_ns);
      }
      latest_ns_ = std::max(latest_ns_, row.start_ns);
      rows_.push_back(row);
    }
    if (!in_order) {
      const auto middle = rows_.begin() + static_cast<std::ptrdiff_t>(held);
      std::stable_sort(middle, rows_.end(), earlier);
      std::inplace_merge(rows_.begin(), middle, rows_.end(), earlier);
    }
    ready_ = ended_ || window_ == 0 ? rows_.size() : rows_.size() - std::min<std::size_t>(window_, rows_.size());
    if (ready_ > 0) passed_ns_ = rows_[ready_ - 1].start_ns;
    return ready_ > 0;
  }

  std::string here() const { return reader_->row() > 0 ? "row " + std::to_string(reader_->row()) + ": " : std::string(); }

  std::unique_ptr<TraceReader> reader_;
  std::size_t window_;
  std::size_t chunk_ = 1024;
  std::vector<TraceRow> rows_;
  std::size_t given_ = 0, ready_ = 0;
  bool ended_ = false;
  std::int64_t latest_ns_ = before_all, passed_ns_ = before_all;
  std::uint64_t unsorted_ = 0;
  std::int64_t furthest_ns_ = 0;
  mutable TraceReport report_;
};

class Merged final : public TraceReader {
 public:
  Merged(std::vector<std::unique_ptr<TraceReader>> readers, std::string format) : readers_(std::move(readers)), format_(std::move(format)) {
    keys_of_.resize(readers_.size());
    heads_.resize(readers_.size());
    for (std::size_t k = 0; k < readers_.size(); ++k)
      if (readers_[k]->next(heads_[k])) heap_.push_back(k);
    std::make_heap(heap_.begin(), heap_.end(), Later{heads_});
  }

  bool next(TraceRow& out) override {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), Later{heads_});
    const std::size_t k = heap_.back();
    out = heads_[k];
    if (out.key != TraceRow::no_key) out.key = key_of(k, out.key);
    if (readers_[k]->next(heads_[k]))
      std::push_heap(heap_.begin(), heap_.end(), Later{heads_});
    else
      heap_.pop_back();
    return true;
  }
  std::span<const std::string> keys() const override { return keys_.names(); }
  const TraceReport& report() const override {
    report_ = {};
    report_.format = format_;
    for (const auto& reader : readers_) report_.add(reader->report());
    return report_;
  }

 private:
  struct Later {
    const std::vector<TraceRow>& heads;
    bool operator()(std::size_t a, std::size_t b) const {
      return heads[a].start_ns != heads[b].start_ns ? heads[a].start_ns > heads[b].start_ns : a > b;
    }
  };

  std::uint32_t key_of(std::size_t reader, std::uint32_t key) {
    auto& known = keys_of_[reader];
    while (known.size() <= key) known.push_back(keys_.find_or_add(readers_[reader]->keys()[known.size()]));
    return known[key];
  }

  std::vector<std::unique_ptr<TraceReader>> readers_;
  std::string format_;
  std::vector<std::vector<std::uint32_t>> keys_of_;  // of the whole, by the keys of each reader
  std::vector<TraceRow> heads_;
  std::vector<std::size_t> heap_;
  NameTable keys_;
  mutable TraceReport report_;
};

class Apart final : public TraceReader {
 public:
  Apart(std::unique_ptr<TraceReader> reader, std::string what, std::string where)
      : reader_(std::move(reader)), what_(std::move(what)), where_(std::move(where)) {}
  bool next(TraceRow& out) override {
    if (!reader_->next(out)) return false;
    if (started_ && out.start_ns < end_ns_)
      throw SourceError(where_ + "row " + std::to_string(std::max(out.row, row_)) + ": the " + what_ + " at " +
                        seconds_text(std::max<std::int64_t>(out.start_ns, 0)) + " begins before that of row " +
                        std::to_string(std::min(out.row, row_)) + " ends: it comes twice, or bin_s (" + seconds_text(out.length_ns) +
                        ") is wrong");
    started_ = true;
    row_ = out.row;
    end_ns_ = out.start_ns + out.length_ns;
    return true;
  }
  std::span<const std::string> keys() const override { return reader_->keys(); }
  const TraceReport& report() const override { return reader_->report(); }

 private:
  std::unique_ptr<TraceReader> reader_;
  std::string what_, where_;
  bool started_ = false;
  std::int64_t end_ns_ = 0;
  std::uint32_t row_ = 0;
};

}  // namespace

std::unique_ptr<TraceReader> apart(std::unique_ptr<TraceReader> reader, std::string what, std::string where) {
  return std::make_unique<Apart>(std::move(reader), std::move(what), std::move(where));
}

std::unique_ptr<TraceReader> sorted(std::unique_ptr<TraceReader> reader, std::uint32_t window) {
  return std::make_unique<Sorted>(std::move(reader), window);
}

std::unique_ptr<TraceReader> merged(std::vector<std::unique_ptr<TraceReader>> readers, std::string format) {
  return std::make_unique<Merged>(std::move(readers), std::move(format));
}

}  // namespace tideline

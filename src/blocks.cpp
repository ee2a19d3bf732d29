#include "src/blocks.h"

#include "sim/core/random.h"

#include <algorithm>
#include <vector>

namespace tideline {

namespace {

class BlockSource final : public ArrivalSource {
 public:
  BlockSource(std::unique_ptr<ArrivalSource> source, Duration block, Duration length, std::uint64_t draw)
      : source_(std::move(source)), block_(block), length_(length), stream_(draw, "blocks", 0) {}

  bool next(Arrival& out) override {
    if (!read_) read();
    for (;;) {
      if (began_ && at_ < all_.size() && all_[at_].at < from_ + block_) {
        out = all_[at_++];
        out.at += offset_ - (from_ - Time{});
        return true;
      }
      if (began_) offset_ += block_;
      began_ = true;
      if (all_.empty() || offset_ >= length_) return false;
      from_ = Time{} + Duration{static_cast<std::int64_t>(uniform01(stream_) * static_cast<double>((length_ - block_).count()))};
      const auto first = std::lower_bound(all_.begin(), all_.end(), from_, [](const Arrival& a, Time t) { return a.at < t; });
      at_ = static_cast<std::size_t>(first - all_.begin());
    }
  }
  std::span<const std::string> task_names() const override { return source_->task_names(); }
  double mean_qps(Time from, Time to) const override { return source_->mean_qps(from, to); }
  std::string remark() const override { return source_->remark(); }

 private:
  void read() {
    read_ = true;
    Arrival a;
    while (source_->next(a) && a.at < Time{} + length_) all_.push_back(a);
  }

  std::unique_ptr<ArrivalSource> source_;
  Duration block_, length_;
  Stream stream_;
  std::vector<Arrival> all_;
  bool read_ = false, began_ = false;
  Duration offset_{};  // where the present block lies
  Time from_{};        // and what it repeats
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<ArrivalSource> in_blocks(std::unique_ptr<ArrivalSource> source, Duration block, Duration length, std::uint64_t draw) {
  if (block >= length) return source;
  return std::make_unique<BlockSource>(std::move(source), block, length, draw);
}

}  // namespace tideline

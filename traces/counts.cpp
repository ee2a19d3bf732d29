#include "traces/counts.h"

#include "traces/bin_filler.h"
#include "traces/bin_reader.h"

#include <stdexcept>

namespace tideline {
namespace {

class CountsSource final : public ArrivalSource {
 public:
  CountsSource(const CountsParams& params, std::int64_t bin_ns, std::istream& in, Stream stream)
      : bins_(read_bins(in, bin_ns, params.ignore)),
        bin_ns_(bin_ns),
        filler_(params.placement, bin_ns),
        start_(params.start),
        scale_(params.scale),
        stream_(stream) {}

  bool next(Arrival& out) override {
    while (true) {
      const std::int64_t offset = filler_.next(stream_);
      if (offset < 0) {
        Bin bin;
        if (!next_bin(bin)) return false;
        filler_.begin(bin.count);
      } else if (scale_ == 1 || uniform01(stream_) < scale_) {
        out = Arrival{};
        out.at = Time{Duration{start_ns_ + offset}};
        return true;
      }
    }
  }
  bool next_expected(Expected& out) override {
    Bin bin;
    do {
      if (!next_bin(bin)) return false;
    } while (bin.count == 0);
    out = Expected{};
    out.like.at = Time{Duration{start_ns_}};
    out.length = Duration{bin_ns_};
    out.queries = static_cast<double>(bin.count) * scale_;
    return true;
  }
  double mean_qps(Time, Time) const override { return 0; }

 private:
  /// Reads a bin and sets `start_ns_`.
  bool next_bin(Bin& bin) {
    if (!bins_->next(bin)) return false;
    if (!started_ && start_ == TraceStart::first) origin_ns_ = bin.start_ns;
    started_ = true;
    start_ns_ = bin.start_ns - origin_ns_;
    return true;
  }

  std::unique_ptr<BinSource> bins_;
  std::int64_t bin_ns_;
  BinFiller filler_;
  TraceStart start_;
  double scale_;
  Stream stream_;
  bool started_ = false;
  std::int64_t origin_ns_ = 0;
  std::int64_t start_ns_ = 0;
};

}  // namespace

std::unique_ptr<ArrivalSource> make_counts(const CountsParams& params, std::istream& in, Stream stream) {
  if (!(params.bin_s >= 1e-6 && params.bin_s <= 604800)) throw std::invalid_argument("bin_s must be 1e-6 .. 604800");
  if (params.scale > 1) throw std::invalid_argument("scale must be at most 1: a file can be thinned, not yet multiplied");
  if (!(params.scale > 0)) throw std::invalid_argument("scale must be above 0");
  return std::make_unique<CountsSource>(params, from_seconds(params.bin_s).count(), in, stream);
}

}  // namespace tideline

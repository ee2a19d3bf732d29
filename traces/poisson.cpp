#include "traces/poisson.h"

#include "traces/fine_time.h"

#include <boost/random/exponential_distribution.hpp>

#include <stdexcept>

namespace tideline {
namespace {

class PoissonSource final : public ArrivalSource {
 public:
  PoissonSource(double rate_qps, Stream stream) : rate_qps_(rate_qps), mean_gap_ns_(1e9 / rate_qps), stream_(stream) {}

  bool next(Arrival& out) override {
    if (!clock_.advance(exponential_(stream_) * mean_gap_ns_)) return false;
    out = Arrival{};
    out.at = clock_.time();
    return true;
  }
  double mean_qps(Time from, Time to) const override { return from < to ? rate_qps_ : 0; }

 private:
  double rate_qps_;
  double mean_gap_ns_;
  Stream stream_;
  boost::random::exponential_distribution<double> exponential_;
  FineTime clock_;
};

}  // namespace

std::unique_ptr<ArrivalSource> make_poisson(const PoissonParams& params, Stream stream) {
  if (!(params.rate_qps > 0)) throw std::invalid_argument("rate_qps must be above 0");
  if (!(params.rate_scale > 0)) throw std::invalid_argument("rate_scale must be above 0");
  const double rate = params.rate_qps * params.rate_scale;
  if (!(rate > 0 && rate <= 1e9)) throw std::invalid_argument("rate_qps times rate_scale must be above 0 and at most 1e9");
  return std::make_unique<PoissonSource>(rate, stream);
}

}  // namespace tideline

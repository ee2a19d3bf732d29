#include "policies/builtin.h"
#include "policies/components/full_batch.h"

#include <optional>

namespace tideline {

namespace {

/// Full batches, or what is there when the oldest has waited long enough: batching as TensorFlow Serving does it (policy B3; its
/// documentation, session batching guide: max_batch_size, batch_timeout_micros, max_enqueued_batches). Padding to allowed sizes is the
/// catalog's `batch_sizes`.
class Timeout final : public BatchingPolicy {
 public:
  struct Params {
    std::uint32_t max_batch_size = 1000;
    Duration timeout = 10ms;
    std::optional<std::uint32_t> max_enqueued_batches;
    static constexpr auto declare() {
      return param::fields(param::field("max_batch_size", &Params::max_batch_size,
                                        "Most items of a batch; the largest batch of the instance is a bound too.", {1, 1'000'000}),
                           param::field("timeout_s", &Params::timeout,
                                        "Time from when the first of a line joined it until it leaves in a batch not full.", {0, 3600}),
                           param::field("max_enqueued_batches", &Params::max_enqueued_batches,
                                        "Full batches that may wait in a line; who comes beyond is rejected. None: no bound.", {0, 1e6}));
    }
  };
  Timeout(const Params& params, const Setup&) : params_(params) {}

  std::span<const std::string_view> reasons() const override { return full_batch_reasons; }

  std::uint32_t line_bound(VariantId v, const World& world) const override {
    if (!params_.max_enqueued_batches) return unbounded;
    const std::uint64_t items = std::uint64_t{*params_.max_enqueued_batches} * std::min(params_.max_batch_size, world[v].max_batch);
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(items, unbounded));
  }

  Batch form(InstanceId i, const LineView& line, ClusterView view) override {
    return full_or_due(i, line, view, params_.max_batch_size, params_.timeout);
  }

 private:
  Params params_;
};

}  // namespace

PolicyDefinition timeout() {
  return define<Timeout>("timeout", "Starts a batch when it is full or when its oldest query has waited a given time.",
                         {Provenance::our_reading, R"(TensorFlow Serving documentation, "Batching guide")"});
}

}  // namespace tideline

#include "policies/builtin.h"
#include "policies/components/batch_size.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace tideline {

namespace {

/// Batches of preferred sizes, or after a delay what is there: the dynamic batcher of NVIDIA Triton Inference Server (policy B4; its user
/// guide, chapter "Batchers", and model_config.proto: preferred_batch_size, max_queue_delay_microseconds, max_queue_size,
/// default_timeout_microseconds, priority_levels).
///
/// A free instance takes the largest preferred size that can be made up. Where none can, it waits until the first of the line has waited
/// the delay, then takes what is there. A visit that has waited its timeout is dropped when it is at the head (timeout_action REJECT).
/// Not there: timeout_action DELAY, timeouts and queue sizes by level, timeouts of single queries, preserve_ordering.
class DynamicBatcher final : public BatchingPolicy {
 public:
  struct Params {
    std::vector<std::uint32_t> preferred_batch_sizes;
    Duration max_queue_delay{};
    std::uint32_t max_queue_size = 0;
    std::optional<Duration> default_timeout;
    LineOrder order = LineOrder::by_arrival;
    static constexpr auto declare() {
      return param::fields(param::field("preferred_batch_sizes", &Params::preferred_batch_sizes,
                                        "Items of batches that start at once; empty: the largest only.", {1, 1'000'000}),
                           param::field("max_queue_delay_s", &Params::max_queue_delay,
                                        "Longest wait of the first of a line for a batch of a preferred size.", {0, 3600}),
                           param::field("max_queue_size", &Params::max_queue_size,
                                        "Visits that may wait in a line; who comes beyond is rejected. 0: no bound.", {0, 1e9}),
                           param::field("default_timeout_s", &Params::default_timeout,
                                        "Wait in a line after which a visit is dropped; none: never.", {0, 3600}),
                           param::choice("order", &Params::order, "Order of a line: by arrival, or by priority and then arrival.",
                                         {{"arrival", LineOrder::by_arrival}, {"priority", LineOrder::by_priority}}));
    }
  };
  DynamicBatcher(const Params& params, const Setup&) : params_(params) {
    std::sort(params_.preferred_batch_sizes.begin(), params_.preferred_batch_sizes.end());
  }

  std::span<const std::string_view> reasons() const override { return names; }
  LineOrder order() const override { return params_.order; }
  std::uint32_t line_bound(VariantId, const World&) const override {
    return params_.max_queue_size == 0 ? unbounded : params_.max_queue_size;
  }

  Batch form(InstanceId i, const LineView& line, ClusterView view) override {
    Batch b;
    const bool too_large = line.front().items() > most_items(view, i);
    const Time joined = line.head_joined();
    if (too_large || (params_.default_timeout && view.now() - joined >= *params_.default_timeout)) {
      b.drop = 1;
      b.reason = too_large ? larger_than_any : timed_out;
      return b;
    }
    const std::uint32_t cap = batch_cap(view, i);
    const BatchSize all = longest_batch(line, cap);
    const Time due = later(joined, params_.max_queue_delay);
    if (all.items >= cap || all.visits < line.size()) b.reason = largest;
    if (const std::uint32_t size = preferred(std::min(all.items, cap)); size > 0) {
      b.take = longest_batch(line, size).visits;
      b.reason = preferred_size;
    } else if (b.reason == largest || view.now() >= due) {
      b.take = all.visits;
      if (b.reason != largest) b.reason = delayed;
    } else {
      b.retry = std::min(due, later(joined, params_.default_timeout.value_or(forever)));
    }
    return b;
  }

 private:
  enum : Reason { waits, preferred_size, largest, delayed, timed_out, larger_than_any };
  static constexpr std::array<std::string_view, 6> names{"waits", "preferred", "largest", "delayed", "timed_out", "too_large"};

  /// The largest preferred size of at most so many items; 0: none.
  std::uint32_t preferred(std::uint32_t items) const {
    const auto& sizes = params_.preferred_batch_sizes;
    const auto above = std::upper_bound(sizes.begin(), sizes.end(), items);
    return above == sizes.begin() ? 0 : *(above - 1);
  }

  Params params_;
};

}  // namespace

PolicyDefinition dynamic_batcher() {
  return define<DynamicBatcher>("dynamic_batcher", "Starts batches of preferred sizes; after a delay what is there, as Triton does.",
                                {Provenance::our_reading, R"(NVIDIA Triton Inference Server documentation, "Batchers")"});
}

}  // namespace tideline

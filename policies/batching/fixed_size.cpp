#include "policies/builtin.h"
#include "policies/components/full_batch.h"

#include <algorithm>
#include <optional>

namespace tideline {

namespace {

/// Batches of a fixed size only: a batch waits until it is full, with a timeout if one is given (policy B2). The bulk service of queueing
/// theory: one server with full batches is M/D^B/1 (N. T. J. Bailey, "On queueing processes with bulk service", JRSS B 16(1), 1954).
///
/// Without a timeout the last queries of a run may wait for ever. An instance that drains starts what is left in its line, since hardly
/// anybody joins it any more: a line that waits is looked at once a second to see that.
class FixedSize final : public BatchingPolicy {
 public:
  struct Params {
    std::uint32_t batch_size = 1;
    std::optional<Duration> timeout;
    static constexpr auto declare() {
      return param::fields(
          param::field("batch_size", &Params::batch_size, "Items of a batch; where the largest batch of the instance is less, that.",
                       {1, 1'000'000}, param::required),
          param::field("timeout_s", &Params::timeout,
                       "Time from when the first of a line joined it until it leaves all the same; none: never.", {0, 31536000}));
    }
  };
  FixedSize(const Params& params, const Setup&) : params_(params) {}

  std::span<const std::string_view> reasons() const override { return full_batch_reasons; }

  Batch form(InstanceId i, const LineView& line, ClusterView view) override {
    const bool drains = view.instance(i).phase == Phase::draining;
    Batch b = full_or_due(i, line, view, params_.batch_size, drains ? Duration{} : params_.timeout.value_or(forever));
    if (b.take == 0 && b.drop == 0) b.retry = std::min(b.retry, view.now() + look_again);
    return b;
  }

 private:
  static constexpr Duration look_again = 1s;

  Params params_;
};

}  // namespace

PolicyDefinition fixed_size() {
  return define<FixedSize>(
      "fixed_size", "Starts a batch only when it has a given size.",
      {Provenance::textbook,
       R"(Bailey, "On queueing processes with bulk service", Journal of the Royal Statistical Society B 16(1), 1954)"});
}

}  // namespace tideline

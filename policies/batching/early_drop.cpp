#include "policies/builtin.h"
#include "policies/components/deadlines.h"

#include <array>
#include <optional>

namespace tideline {

namespace {

/// Keeps batches large by giving up, in the order of deadlines, who would be late in a batch of the target size, though some of them
/// could be in time alone: Nexus's early drop (policy B7; Shen et al., "Nexus: a GPU cluster engine for accelerating DNN-based video
/// analysis", SOSP 2019, section 6.3). Work conserving.
///
/// A window of the target size slides over the line: who is due before the batch would be done is dropped. Where fewer are left than make
/// up the target, it shrinks to them, and who was dropped before stays so. The rule that it is compared with there, the first that can be in time sets the size, is
/// slo_aware with order deadline.
class EarlyDrop final : public BatchingPolicy {
 public:
  struct Params {
    std::optional<std::uint32_t> batch_size;
    static constexpr auto declare() {
      return param::fields(param::field("batch_size", &Params::batch_size,
                                        "Items of the target batch; none: the largest batch of the instance, which a planner may set.",
                                        {1, 1'000'000}));
    }
  };
  EarlyDrop(const Params& params, const Setup&) : params_(params) {}

  std::span<const std::string_view> reasons() const override { return names; }
  LineOrder order() const override { return LineOrder::by_deadline; }

  Batch form(InstanceId i, const LineView& line, ClusterView view) override {
    const std::uint32_t cap = batch_cap(view, i), target = std::min(params_.batch_size.value_or(cap), cap);
    const PunctualBatch batch = drop_late(line, target, i, view);
    Batch b;
    b.drop = batch.drop;
    b.take = batch.size.visits;
    b.reason = b.take == 0 ? too_late : batch.size.items >= target ? full : all;
    return b;
  }

 private:
  enum : Reason { all, full, too_late };
  static constexpr std::array<std::string_view, 3> names{"all", "target", "too_late"};

  Params params_;
};

}  // namespace

PolicyDefinition early_drop() {
  return define<EarlyDrop>(
      "early_drop", "Gives up who would be late in a batch of the target size, as Nexus does.",
      {Provenance::as_published,
       R"(Shen et al., "Nexus: a GPU cluster engine for accelerating DNN-based video analysis", SOSP 2019, doi:10.1145/3341301.3359658)"});
}

}  // namespace tideline

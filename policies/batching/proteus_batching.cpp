#include "policies/builtin.h"
#include "policies/components/deadlines.h"

#include <algorithm>
#include <array>
#include <optional>

namespace tideline {

namespace {

/// Waits as long as one more query would still be in time with the first: Proteus's adaptive batching (policy B9; Ahmad et al., "Proteus: a
/// high-throughput inference-serving system with accuracy scaling", ASPLOS 2024, doi:10.1145/3617232.3624849). Not work conserving.
///
/// With q items in the line whose first is due at D, it waits until D - l(q + 1), or until the next arrival; then q start. The largest batch
/// starts at once; it is the largest that takes at most `slo_share` of the first's SLO, since a query that just misses a batch
/// waits for all of it and is served by the next. Before that, who would be late in the batch is dropped. Queries without an SLO do not
/// wait.
class ProteusBatching final : public BatchingPolicy {
 public:
  struct Params {
    std::optional<std::uint32_t> max_batch_size;
    double slo_share = 0.5;
    Duration margin{};
    static constexpr auto declare() {
      return param::fields(
          param::field("max_batch_size", &Params::max_batch_size, "Items that start at once; none: by `slo_share`.", {1, 1'000'000}),
          param::field("slo_share", &Params::slo_share, "Share of the first query's SLO that the largest batch may take.", {0, 1}),
          param::field("margin_s", &Params::margin, "Time before its deadline at which a query shall be answered.", {0, 3600}));
    }
  };
  ProteusBatching(const Params& params, const Setup&) : params_(params) {}

  std::span<const std::string_view> reasons() const override { return names; }
  LineOrder order() const override { return LineOrder::by_deadline; }

  Batch form(InstanceId i, const LineView& line, ClusterView view) override {
    const std::uint32_t largest = largest_batch(i, line.front(), view);
    const PunctualBatch batch = drop_late(line, largest, i, view, params_.margin);
    Batch b;
    b.drop = batch.drop;
    b.reason = too_late;
    if (batch.size.visits == 0) return b;
    b.reason = waits;
    const bool is_full = batch.size.items >= largest || batch.drop + batch.size.visits < line.size();
    if (!is_full && batch.due != never) {
      const Profile& profile = view.world()[view.variant_of(i)].profile;
      const Time until = batch.due - profile.latency(batch.size.items + 1, view.instance(i).option);
      if (view.now() < until) {
        b.retry = until;
        return b;
      }
    }
    b.take = batch.size.visits;
    b.reason = is_full ? full : batch.due == never ? no_slo : due;
    return b;
  }

 private:
  enum : Reason { waits, full, due, no_slo, too_late };
  static constexpr std::array<std::string_view, 5> names{"waits", "full", "due", "no_slo", "too_late"};

  std::uint32_t largest_batch(InstanceId i, const QueryView& first, ClusterView view) const {
    const std::uint32_t cap = batch_cap(view, i);
    if (params_.max_batch_size) return std::min(*params_.max_batch_size, cap);
    const Duration slo = first.attributes().slo;
    if (slo == forever) return cap;
    const Duration most = from_seconds(to_seconds(slo) * params_.slo_share);
    return largest_within(view.world()[view.variant_of(i)].profile, view.instance(i).option, cap, most);
  }

  Params params_;
};

}  // namespace

PolicyDefinition proteus_batching() {
  return define<ProteusBatching>(
      "proteus_batching", "Waits as long as one more query would be in time with the first, as Proteus does.",
      {Provenance::as_published,
       R"(Ahmad et al., "Proteus: a high-throughput inference-serving system with accuracy scaling", ASPLOS 2024, doi:10.1145/3617232.3624849)"});
}

}  // namespace tideline

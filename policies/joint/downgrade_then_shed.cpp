#include "policies/builtin.h"
#include "policies/components/cost_cap.h"
#include "policies/components/overload.h"
#include "policies/components/pareto.h"
#include "policies/components/variant_lists.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <tuple>

namespace tideline {

namespace {

/// Under load answers become less accurate first, down to the floors, and only then are queries rejected, the lowest priority first
/// (policy AC7). Our reading: one number follows how busy the devices are, as in `priority_shedding`, but within 0 .. 2. Up to 1 it is how
/// far down the ladder of a class's variants queries are sent, from the most accurate to the fastest; what is above 1 is the share that is
/// shed. Accuracy before availability is the order of Proteus (Ahmad et al., ASPLOS 2024, doi:10.1145/3617232.3624849).
///
/// The ladder has the variants that no other of their hardware beats in accuracy and latency, in order of accuracy, each faster than the one
/// before it. Variants that are not loaded are on it too. Cost caps are kept (policy N1): the next rung within the cap counts.
class DowngradeThenShed final : public AdmissionPolicy, public SelectionPolicy, public Observer {
 public:
  struct Params : OverloadParams {
    static constexpr auto declare() { return declare_overload(); }
  };
  DowngradeThenShed(const Params& params, const Setup& setup)
      : interval_(params.interval),
        busy_(*setup.world, params.utilization),
        controller_(params, 2),
        whom_(*setup.world),
        stream_(setup.stream),
        cost_(*setup.world),
        ladders_(make_ladders(*setup.world)) {}

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.batch_starts = true}; }
  void batch_began(InstanceId i, std::uint32_t visits, ClusterView view) override { cost_.batch_began(view.variant_of(i), visits); }

  Time round(ClusterView view) override {
    if (began_) {
      controller_.measure(busy_.end_window(view));
      whom_.shed(std::max(0.0, controller_.value() - 1));
    }
    began_ = true;
    return view.now() + interval_;
  }

  Admission admit(const QueryView& query, ClusterView) override {
    const double p = whom_.probability(query.attributes());
    return p > 0 && uniform01(stream_) < p ? Admission{false, shed} : Admission{true, admitted};
  }

  Selection select(const QueryView& query, ClusterView view) override {
    const auto ladder = ladders_.of(query.class_id(), query.origin());
    if (ladder.empty()) return Selection::reject(no_candidate);
    const double down = std::min(1.0, controller_.value());
    const auto rung = static_cast<std::size_t>(std::lround(down * static_cast<double>(ladder.size() - 1)));
    const auto will_do = [&](std::size_t k) {
      return query.items() <= view.world()[ladder[k]].profile.max_items() && cost_.allows(view, query, ladder[k]);
    };
    for (std::size_t k = rung; k < ladder.size(); ++k)
      if (will_do(k)) return Selection::one(ladder[k], k == 0 ? most_accurate : downgraded);
    for (std::size_t k = rung; k-- > 0;)
      if (will_do(k)) return Selection::one(ladder[k], k == 0 ? most_accurate : downgraded);
    return Selection::reject(none_allowed);
  }

 private:
  enum : Reason { admitted, shed, most_accurate, downgraded, no_candidate, none_allowed };
  static constexpr std::array<std::string_view, 6> names{"admitted", "shed", "most_accurate", "downgraded", "no_candidate", "none_allowed"};

  static VariantLists make_ladders(const World& world) {
    return {world, [&](ClassId c, SiteId origin, std::vector<VariantId>& list) {
              const auto all = world.candidates(c, CandidateOrder::by_accuracy_descending);
              for (const VariantId v : all) {
                if (world.groups_of(v, origin).empty() || is_beaten(world, all, v)) continue;
                if (list.empty() || world[v].profile.latency(1) < world[list.back()].profile.latency(1)) list.push_back(v);
              }
            }};
  }

  Duration interval_;
  BusyShare busy_;
  OverloadController controller_;
  LowestFirst whom_;
  Stream stream_;
  CostCap cost_;
  VariantLists ladders_;
  bool began_ = false;
};

}  // namespace

PolicyDefinition downgrade_then_shed() {
  return define<DowngradeThenShed>(
      "downgrade_then_shed", "Under load less accurate variants answer; where that is not enough, queries are rejected.",
      {Provenance::ours,
       R"(Ahmad et al., "Proteus: a high-throughput inference-serving system with accuracy scaling", ASPLOS 2024, doi:10.1145/3617232.3624849)"});
}

}  // namespace tideline

#include "policies/builtin.h"
#include "policies/components/overload.h"
#include "sim/policy/policy.h"

#include <array>
#include <tuple>

namespace tideline {

namespace {

/// Rejects a share of the queries that follows how busy the devices are, the lowest priority first (policy AC4): load shedding by a
/// controller. Source: the scheme of Welsh and Culler, "Adaptive overload control for busy Internet servers", USITS 2003, with utilization in
/// place of response time; gains and target are ours.
///
/// Each `interval_s` the share p becomes p + proportional e + difference (e - e before), within 0 .. 1, where e is what the utilization of
/// the devices in the interval is above `target`. Queries of one priority are shed by chance, and those of the next only where the ones
/// below did not suffice in the last interval.
class PriorityShedding final : public AdmissionPolicy {
 public:
  struct Params : OverloadParams {
    static constexpr auto declare() { return declare_overload(); }
  };
  PriorityShedding(const Params& params, const Setup& setup)
      : interval_(params.interval),
        busy_(*setup.world, params.utilization),
        controller_(params, 1),
        whom_(*setup.world),
        stream_(setup.stream) {}

  std::span<const std::string_view> reasons() const override { return names; }

  Time round(ClusterView view) override {
    if (began_) {
      controller_.measure(busy_.end_window(view));
      whom_.shed(controller_.value());
    }
    began_ = true;
    return view.now() + interval_;
  }

  Admission admit(const QueryView& query, ClusterView) override {
    const double p = whom_.probability(query.attributes());
    return p > 0 && uniform01(stream_) < p ? Admission{false, shed} : Admission{true, admitted};
  }

 private:
  enum : Reason { admitted, shed };
  static constexpr std::array<std::string_view, 2> names{"admitted", "shed"};

  Duration interval_;
  BusyShare busy_;
  OverloadController controller_;
  LowestFirst whom_;
  Stream stream_;
  bool began_ = false;
};

}  // namespace

PolicyDefinition priority_shedding() {
  return define<PriorityShedding>(
      "priority_shedding", "Rejects as many queries as keep the devices at a utilization, lowest priority first.",
      {Provenance::our_reading, R"(Welsh and Culler, "Adaptive overload control for busy Internet servers", USITS 2003)"});
}

}  // namespace tideline

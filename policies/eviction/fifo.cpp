#include "policies/builtin.h"
#include "policies/components/residents.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>

namespace tideline {

namespace {

/// The instance that was started first, however often it was used since.
/// Source: first in, first out; Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal
/// 5(2), 1966. More memory can mean more loads: Belady, Nelson and Shedler, CACM 12(6), 1969, doi:10.1145/363011.363155.
class Fifo final : public EvictionPolicy, public Observer {
 public:
  using Params = NoParams;
  Fifo(const Params&, const Setup& setup) : started_(*setup.world) {}

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = false, .batches = false, .instances = true}; }

  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView view) override {
    return {least_of(idle, view, [&](InstanceId i) { return started_[i]; }), first_in};
  }

  void instance_changed(InstanceId i, Phase phase, ClusterView) override {
    if (phase == Phase::starting) started_[i] = ++starts_;
  }

 private:
  enum : Reason { first_in };
  static constexpr std::array<std::string_view, 1> names{"first_in"};

  InstanceTable<std::uint64_t> started_;  // as which of all
  std::uint64_t starts_ = 0;
};

}  // namespace

PolicyDefinition fifo() {
  return define<Fifo>(
      "fifo", "The instance that was started first.",
      {Provenance::textbook,
       R"(Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966, doi:10.1147/sj.52.0078)"});
}

}  // namespace tideline

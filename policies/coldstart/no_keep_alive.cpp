#include "policies/builtin.h"
#include "sim/policy/policy.h"

#include <array>

namespace tideline {

namespace {

/// Stops an instance as soon as it is idle: nothing is kept for a query to come. What the wish of a plan asks for stays.
/// Source: the lower end of keep-alive times, Welch, "On a generalized M/G/1 queuing process in which the first customer of each busy
/// period receives exceptional service", Operations Research 12(5), 1964, doi:10.1287/opre.12.5.736.
class NoKeepAlive final : public ColdstartPolicy {
 public:
  using Params = NoParams;
  NoKeepAlive(const Params&, const Setup&) {}

  std::span<const std::string_view> reasons() const override { return names; }
  KeepAlive became_idle(InstanceId, ClusterView) override { return {Duration{}, forever, idle}; }

 private:
  enum : Reason { none, idle };
  static constexpr std::array<std::string_view, 2> names{"none", "idle"};
};

}  // namespace

PolicyDefinition no_keep_alive() {
  return define<NoKeepAlive>(
      "no_keep_alive", "Stops an instance as soon as it is idle.",
      {Provenance::textbook,
       R"(Welch, "On a generalized M/G/1 queuing process in which the first customer of each busy period receives exceptional service", Operations Research 12(5), 1964, doi:10.1287/opre.12.5.736)"});
}

}  // namespace tideline

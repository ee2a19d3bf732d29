#include "policies/builtin.h"
#include "policies/components/keep_alive.h"
#include "sim/policy/policy.h"

#include <array>

namespace tideline {

namespace {

/// Keeps an idle instance for a fixed time after the end of its last execution; 0: not at all.
/// Source: the fixed keep-alive of FaaS providers, as described by Shahrad et al. (ATC 2020): AWS 10 min, Azure 20 min.
class FixedKeepAlive final : public ColdstartPolicy {
 public:
  struct Params {
    Duration keep_alive = 600s;
    static constexpr auto declare() {
      return param::fields(
          param::field("keep_alive_s", &Params::keep_alive, "Time from the end of the last execution until it is stopped."));
    }
  };
  FixedKeepAlive(const Params& params, const Setup&) : params_(params) {}

  std::span<const std::string_view> reasons() const override { return names; }

  KeepAlive became_idle(InstanceId i, ClusterView view) override {
    if (params_.keep_alive == forever) return {};
    return {keep_from_last_end(view, i, params_.keep_alive), forever, keep_alive_over};
  }

 private:
  enum : Reason { kept, keep_alive_over };
  static constexpr std::array<std::string_view, 2> names{"kept", "keep_alive_over"};
  Params params_;
};

}  // namespace

PolicyDefinition fixed_keep_alive() {
  return define<FixedKeepAlive>(
      "fixed_keep_alive", "Stops an instance a fixed time after its last execution.",
      {Provenance::textbook,
       R"(Shahrad et al., "Serverless in the wild: characterizing and optimizing the serverless workload at a large cloud provider", USENIX ATC 2020, arXiv:2003.03423)"},
      DefaultPolicy::yes);
}

}  // namespace tideline

#include "policies/builtin.h"
#include "policies/components/residents.h"
#include "sim/policy/policy.h"

#include <array>

namespace tideline {

namespace {

/// The instance whose last execution ended (or, unused, that became warm) longest ago; ties: lowest id.
/// Source: least recently used, the keep-alive order of FaaS providers; baseline LRU of FaasCache (ASPLOS 2021).
class Lru final : public EvictionPolicy {
 public:
  using Params = NoParams;
  Lru(const Params&, const Setup&) {}

  std::span<const std::string_view> reasons() const override { return names; }

  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView view) override {
    return {least_of(idle, view, [&](InstanceId i) { return view.instance(i).idle_since; }), least_recently_used};
  }

 private:
  enum : Reason { least_recently_used };
  static constexpr std::array<std::string_view, 1> names{"least_recently_used"};
};

}  // namespace

PolicyDefinition lru() {
  return define<Lru>(
      "lru", "The instance that was used longest ago.",
      {Provenance::textbook,
       R"(Fuerst and Sharma, "FaasCache: keeping serverless computing alive with greedy-dual caching", ASPLOS 2021, doi:10.1145/3445814.3446757)"});
}

}  // namespace tideline

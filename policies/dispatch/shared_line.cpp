#include "policies/builtin.h"
#include "sim/policy/policy.h"

#include <array>

namespace tideline {

namespace {

/// The one line that all instances of the variant at a site share (a central queue): at the nearest site where one is warm or
/// starting, else at the nearest that has hardware for the variant.
/// Source: the M/M/c queue (Erlang 1917); binding work to an instance only when one is free, as Sparrow (SOSP 2013) does.
class SharedLine final : public DispatchPolicy {
 public:
  using Params = NoParams;
  SharedLine(const Params&, const Setup&) {}

  std::span<const std::string_view> reasons() const override { return names; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const auto groups = view.groups_of(variant, query.origin());
    if (groups.empty()) return Dispatch::hold(no_site);
    for (const GroupId g : groups)
      if (view.warm(g) + view.starting(g) > 0) return Dispatch::to(view.world()[g].site, nearest_with_instance);
    return Dispatch::to(view.world()[groups.front()].site, nearest_with_hardware);
  }

 private:
  enum : Reason { nearest_with_instance, nearest_with_hardware, no_site };
  static constexpr std::array<std::string_view, 3> names{"nearest_with_instance", "nearest_with_hardware", "no_site"};
};

}  // namespace

PolicyDefinition shared_line() {
  return define<SharedLine>(
      "shared_line", "The line that all instances of the variant share at the nearest site with one.",
      {Provenance::textbook,
       R"(Ousterhout et al., "Sparrow: distributed, low latency scheduling", SOSP 2013, doi:10.1145/2517349.2522716)"});
}

}  // namespace tideline

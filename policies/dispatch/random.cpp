#include "policies/builtin.h"
#include "policies/components/warm.h"
#include "sim/policy/policy.h"

#include <array>

namespace tideline {

namespace {

/// Any warm instance of the variant within reach, each as likely as the other; holds where there is none.
/// Source: folklore; with Poisson arrivals and exponential service each instance is an M/M/1 queue.
class Random final : public DispatchPolicy {
 public:
  using Params = NoParams;
  Random(const Params&, const Setup& setup) : stream_(setup.stream) {}

  Needs needs() const override { return {.indexes = {.by_load = true}, .writes = {}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const auto groups = view.groups_of(variant, query.origin());
    const std::uint32_t n = warm_count(groups, view);
    if (n == 0) return Dispatch::hold(nothing_warm);
    return Dispatch::to(warm_at(groups, n == 1 ? 0 : below(stream_, n), view), drawn);
  }

 private:
  enum : Reason { drawn, nothing_warm };
  static constexpr std::array<std::string_view, 2> names{"drawn", "nothing_warm"};
  Stream stream_;
};

}  // namespace

PolicyDefinition random() {
  return define<Random>(
      "random", "Any warm instance of the variant, each as likely as the other.",
      {Provenance::textbook,
       R"(Mitzenmacher, "The power of two choices in randomized load balancing", IEEE Transactions on Parallel and Distributed Systems 12(10), 2001, doi:10.1109/71.963420)"});
}

}  // namespace tideline

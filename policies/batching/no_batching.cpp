#include "policies/builtin.h"
#include "policies/components/batch_size.h"

#include <array>

namespace tideline {

namespace {

/// One query at a time, first come first served: the baseline of every comparison of batching (policy B1).
class NoBatching final : public BatchingPolicy {
 public:
  using Params = NoParams;
  NoBatching(const Params&, const Setup&) {}

  std::span<const std::string_view> reasons() const override {
    static constexpr std::array<std::string_view, 2> names{"next", "too_large"};
    return names;
  }

  Batch form(InstanceId i, const LineView& line, ClusterView view) override {
    Batch b;
    // No instance of the variant could ever run it.
    if (line.front().items() > most_items(view, i)) {
      b.drop = 1;
      b.reason = 1;
    } else {
      b.take = 1;
    }
    return b;
  }
};

}  // namespace

PolicyDefinition no_batching() {
  return define<NoBatching>(
      "no_batching", "Starts one query at a time, in the order of the line.",
      {Provenance::textbook, R"(Crankshaw et al., "Clipper: a low-latency online prediction serving system", NSDI 2017)"});
}

}  // namespace tideline

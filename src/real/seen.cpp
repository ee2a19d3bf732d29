#include "src/real/seen.h"

#include <algorithm>

namespace tideline::real {

void Seen::sort() {
  for (auto& of_variant : batches)
    std::stable_sort(of_variant.begin(), of_variant.end(), [](const Batch& a, const Batch& b) { return a.first_serial < b.first_serial; });
}

SeenExecutor::SeenExecutor(const World& world, std::uint64_t seed, const Seen& seen)
    : profiled_(world.catalog(), seed), seen_(seen), loaded_(seen.loads.size()) {}

std::optional<double> SeenExecutor::load(const LoadRun& run) {
  const std::vector<double>& factors = seen_.loads[run.parts.variant.index()];
  if (factors.empty()) return profiled_.load(run);
  std::size_t& next = loaded_[run.parts.variant.index()];
  return factors[std::min(next++, factors.size() - 1)];
}

Duration SeenExecutor::run(InstanceId i, const BatchRun& run) {
  const std::vector<Seen::Batch>& batches = seen_.batches[run.variant.index()];
  if (batches.empty()) return profiled_.run(i, run);
  auto at = std::lower_bound(batches.begin(), batches.end(), run.first_serial,
                             [](const Seen::Batch& b, std::uint64_t serial) { return b.first_serial < serial; });
  const auto before = at == batches.begin() ? at : at - 1;
  if (at == batches.end() || run.first_serial - before->first_serial < at->first_serial - run.first_serial) at = before;
  return scaled(profiled_.expected_run(run), at->factor);
}

}  // namespace tideline::real

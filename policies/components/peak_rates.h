// The most that an instance can do.
#pragma once

#include "sim/policy/view.h"

#include <algorithm>
#include <vector>

namespace tideline {

/// Items per second of an instance that runs its best batches one after the other, by profile and its cores.
class PeakRates {
 public:
  explicit PeakRates(const World& world) {
    for (const Variant& v : world.catalog().variants) {
      auto& options = rates_.emplace_back();
      for (std::uint32_t o = 0; o < v.profile.cores().size(); ++o) {
        double most = 0;
        for (std::uint32_t b = 1; b <= v.profile.max_items(); ++b)
          most = std::max(most, b / std::max(to_seconds(v.profile.latency(b, o)), 1e-9));
        options.push_back(most);
      }
      varies_.push_back(std::any_of(options.begin(), options.end(), [&](double r) { return r != options.front(); }) ? 1 : 0);
      most_.push_back(*std::max_element(options.begin(), options.end()));
    }
  }
  /// Whether instances of the variant may differ in it.
  bool varies(VariantId v) const { return varies_[v.index()] != 0; }
  /// Of the fastest that there may be.
  double most(VariantId v) const { return most_[v.index()]; }
  double operator()(ClusterView view, InstanceId i) const { return of(view.variant_of(i), view.instance(i).option); }
  double of(VariantId v, std::uint8_t option) const { return rates_[v.index()][option]; }

 private:
  std::vector<std::vector<double>> rates_;  // by variant and core option
  std::vector<char> varies_;                // by variant
  std::vector<double> most_;                // by variant
};

}  // namespace tideline

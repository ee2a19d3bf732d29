// MArk's planning step: which types of instances to add or give back for a forecast of some steps.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tideline {

/// A type of instance.
struct HorizonOption {
  double rate = 0;         ///< items per second
  double price = 0;        ///< per second
  double launch = 0;       ///< price of starting one
  std::uint32_t have = 0;  ///< instances now
  std::uint32_t most = 0;  ///< that there can be
};

/// Adds, as long as a step of the forecast is not met, the type that costs least for what it serves over the steps that follow the first
/// unmet one in a row: (price x time + launch) / items, where an instance serves at most what is unmet. Where every step has more than it
/// needs, gives back the dearest type per item whose whole rate no step needs. Answers instances by option.
/// Source: Zhang et al., "MArk: exploiting cloud services for cost-effective, SLO-aware machine learning inference serving", USENIX ATC 2019,
/// section 4.2 and its released controller.
std::vector<std::uint32_t> plan_horizon(std::span<const HorizonOption> options, std::span<const double> forecast, double step_s);

}  // namespace tideline

// Accuracy scaling as an optimisation: what to load on which devices so that all demand is met as accurately as it can be.
#pragma once

#include "policies/components/linear_program.h"

#include <cstdint>
#include <vector>

namespace tideline {

/// Devices of a type are alike, each holds one option (a variant, as often as it fits), and demands share what the devices can take.
/// Source: Ahmad et al., "Proteus: a high-throughput inference-serving system with accuracy scaling", ASPLOS 2024,
/// doi:10.1145/3617232.3624849, section 4. There a 0/1 variable says what a device holds; since devices of a type are interchangeable, here
/// a whole number says how many hold an option, which leaves the optimum as it is.
struct AccuracyProblem {
  /// What a device of a type can hold. Options of different tasks serve no demand in common.
  struct Option {
    std::uint32_t type = 0, task = 0;
    double rate = 0;  ///< items per second of one device
  };
  /// An option that may serve a demand. Those of a demand follow each other.
  struct Way {
    std::uint32_t demand = 0, option = 0;
    double accuracy = 0;  ///< worth of an item
  };
  struct Demand {
    std::uint32_t task = 0;
    double rate = 0;  ///< items per second
  };
  std::vector<std::uint32_t> devices;  ///< by type
  std::vector<Option> options;
  std::vector<Demand> demands;
  std::vector<Way> ways;
};

/// How much of the demand is planned for: all of it, times `first`; as long as that cannot be met, less by a step.
struct AccuracyTargets {
  double first = 1, step = 0.05, least = 0.2;
};

struct AccuracyPlan {
  enum class Status : std::uint8_t {
    optimal,   ///< to within the gap
    feasible,  ///< the search met its limit; or the greedy plan
    short_of   ///< not even the least share of each demand can be met: as much accuracy-weighted load as found
  };
  Status status = Status::short_of;
  double target = 0;                   ///< share of the demand that is planned for
  double objective = 0;                ///< accuracy-weighted items per second
  double bound = 0;                    ///< of any plan with this target; the greedy plan has none: infinity
  std::uint32_t nodes = 0;             ///< of the search tree
  std::vector<std::uint32_t> devices;  ///< by option
  std::vector<double> flow;            ///< by way, items per second

  double gap() const { return objective > 0 ? bound / objective - 1 : 0; }
};

/// Begins with the most accurate option everywhere; while demand is unmet, changes the device that costs least accuracy for each item per
/// second gained; then changes devices as long as that gains accuracy and loses no load. Our own.
AccuracyPlan plan_greedily(const AccuracyProblem& problem, const AccuracyTargets& targets);

/// The optimum, as far as the limits allow. Never worse than the greedy plan, with which it begins.
AccuracyPlan plan_exactly(const AccuracyProblem& problem, const AccuracyTargets& targets, const LinearProgram::Limits& limits);

/// The flows that these devices can carry at `target`: the demands with the fewest options first, each to its most accurate options. Status
/// feasible where that meets all demand. The most accurate flows if the options that demands may use are nested.
AccuracyPlan flows_of(const AccuracyProblem& problem, const std::vector<std::uint32_t>& devices, double target);

/// Gives devices that hold nothing to the option of their type that is filled most, one by one.
void use_spare_devices(const AccuracyProblem& problem, AccuracyPlan& plan);

}  // namespace tideline

// From a scenario to a run: builds the world, makes the policies, opens the sources.
#pragma once

#include "sim/executor/executor.h"
#include "sim/serving/simulation.h"
#include "src/scenario.h"

#include <memory>
#include <string>
#include <vector>

namespace tideline {

/// Everything that a run owns, in the order in which it must live.
struct Run {
  Scenario scenario;
  std::unique_ptr<World> world;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<Simulation> simulation;
};

/// What carries out loads and batches in simulated time: the catalog's profiles.
std::unique_ptr<Executor> profiled_executor(const Scenario& scenario, const World& world);

/// Builds a run whose events go to `recorders`, which are made by `make_recorders` once the world is there.
/// `make_executor` makes what carries out loads and batches; none: the catalog's profiles do. Throws InputError, WorldError, or PolicyError where policies contradict each other.
Run assemble(Scenario scenario, const std::function<std::vector<Recorder*>(const Scenario&, const World&)>& make_recorders,
             std::function<bool(Time)> progress = {},
             const std::function<std::unique_ptr<Executor>(const Scenario&, const World&)>& make_executor = {});

}  // namespace tideline

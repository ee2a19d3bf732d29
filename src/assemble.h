// From a scenario to a run: builds the world, makes the policies, opens the sources.
#pragma once

#include "sim/executor/profiled.h"
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
  std::unique_ptr<ProfiledExecutor> executor;
  std::unique_ptr<Simulation> simulation;
};

/// Builds a run whose events go to `recorders`, which are made by `make_recorders` once the world is there.
/// Throws InputError, WorldError, or PolicyError where policies contradict each other.
Run assemble(Scenario scenario, const std::function<std::vector<Recorder*>(const Scenario&, const World&)>& make_recorders,
             std::function<bool(Time)> progress = {});

}  // namespace tideline

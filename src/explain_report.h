// What `tideline explain` says of a judged scenario, as text and as JSON.
#pragma once

#include "src/explain.h"
#include "src/json_document.h"
#include "src/scenario.h"

#include <span>
#include <string>

namespace tideline {

/// For people. `demands` are those of the scenario, `explanation` what was found of them.
std::string explain_text(const Scenario& scenario, const World& world, std::span<const Demand> demands, const Explanation& explanation);

/// For programs: one object with all figures.
Json explain_json(const Scenario& scenario, const World& world, std::span<const Demand> demands, const Explanation& explanation);

}  // namespace tideline

// The JSON schema of scenario files, made from the declarations of their sections, of policies and of sources.
#pragma once

#include "sim/policy/registry.h"
#include "src/json_document.h"

namespace tideline {

/// Draft 2020-12. A scenario; `$defs/system` is a file of scenarios/systems, `$defs/catalog_file` a catalog. What a file needs is asked of
/// scenarios that extend no other: in the others it may be below.
Json scenario_schema(const PolicyRegistry& registry);

}  // namespace tideline

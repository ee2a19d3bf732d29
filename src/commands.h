// The verbs of the program. Each gets what follows its name and returns the exit code; errors leave as exceptions.
#pragma once

#include "sim/policy/registry.h"

#include <string>
#include <vector>

namespace tideline {

using Arguments = std::vector<std::string>;

int command_run(const Arguments& arguments, const PolicyRegistry& registry);
int command_validate(const Arguments& arguments, const PolicyRegistry& registry);
int command_explain(const Arguments& arguments, const PolicyRegistry& registry);
int command_bound(const Arguments& arguments, const PolicyRegistry& registry);
int command_schema(const Arguments& arguments, const PolicyRegistry& registry);
int command_policies(const Arguments& arguments, const PolicyRegistry& registry);
int command_catalog(const Arguments& arguments, const PolicyRegistry& registry);
int command_import(const Arguments& arguments, const PolicyRegistry& registry);
int command_inspect(const Arguments& arguments, const PolicyRegistry& registry);
int command_sweep(const Arguments& arguments, const PolicyRegistry& registry);
int command_compare(const Arguments& arguments, const PolicyRegistry& registry);
int command_capacity(const Arguments& arguments, const PolicyRegistry& registry);
int command_fidelity(const Arguments& arguments, const PolicyRegistry& registry);
int command_merge(const Arguments& arguments, const PolicyRegistry& registry);
int command_rerun(const Arguments& arguments, const PolicyRegistry& registry);
int command_pack(const Arguments& arguments, const PolicyRegistry& registry);
int command_diff(const Arguments& arguments, const PolicyRegistry& registry);
int command_check(const Arguments& arguments, const PolicyRegistry& registry);
int command_timeline(const Arguments& arguments, const PolicyRegistry& registry);
int command_trace(const Arguments& arguments, const PolicyRegistry& registry);
int command_profile(const Arguments& arguments, const PolicyRegistry& registry);
int command_report(const Arguments& arguments, const PolicyRegistry& registry);

/// Version of the program, and the commit it was built from where that is known.
std::string version_text();

}  // namespace tideline

// Reads "environment": what changes during a run, from a scenario and the CSV files that it names.
#pragma once

#include "sim/core/problem.h"
#include "sim/model/catalog.h"
#include "sim/model/environment.h"
#include "sim/model/topology.h"
#include "src/json_document.h"
#include "traces/surge.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// The index of `name` among `names`, or nothing and a problem at `pointer`; a name that is missing, which is said already, is passed over.
std::optional<std::size_t> find_named(std::string_view what, const std::string& name, const std::vector<std::string_view>& names,
                                      const std::string& pointer, Problems& problems);

struct ReadSurge {
  std::string pointer;
  std::string entry;  ///< empty: all
  Surge surge;
};
struct ReadEnvironment {
  Environment environment;
  std::vector<ReadSurge> surges;
};

/// `list` is the value of "environment". What comes by chance is drawn from `seed`, until `end`. `open` gives the file that the path at a pointer means, or nothing where that cannot be read, which
/// it says itself.
ReadEnvironment read_environment(const Json& list, const Topology& topology, const Catalog& catalog, std::uint64_t seed, Time end,
                                 const std::function<std::optional<std::filesystem::path>(const std::string&, const std::string&)>& open,
                                 Problems& problems);

}  // namespace tideline

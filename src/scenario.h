// A scenario file, read and checked: everything a run needs, as values. All problems are reported at once, each with its place.
#pragma once

#include "sim/core/law.h"
#include "sim/metrics/accounts.h"
#include "sim/model/world.h"
#include "sim/policy/registry.h"
#include "sim/serving/simulation.h"
#include "src/json_document.h"
#include "src/scenario_layers.h"
#include "traces/counts.h"
#include "traces/csv.h"
#include "traces/diurnal.h"
#include "traces/mmpp.h"
#include "traces/modulated.h"
#include "traces/poisson.h"
#include "traces/popularity.h"
#include "traces/renewal.h"
#include "traces/shape.h"
#include "traces/surge.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tideline {

/// One entry of the workload, before its source is opened.
struct EntrySpec {
  std::string name;
  std::string source;  ///< a name of `sources`
  std::variant<PoissonParams, DiurnalParams, CsvParams, CountsParams, TraceParams, GammaParams, WeibullParams, MmppParams, RampParams,
               SpikeParams, FlashCrowdParams, ModulatedParams>
      params;
  std::filesystem::path file;  ///< csv, counts and trace; of trace perhaps a folder
  Duration skip{};             ///< of the trace, before what becomes time 0
  std::vector<Surge> surges;
  double speedup = 1;          ///< how much faster all of that goes by
  bool tells_scaling = false;  ///< whether a trace that is scaled keeps statistics of what that did, for its remark; they cost time
  std::vector<std::string> told_tasks = {};  ///< names of the source's tasks, where its remark says how queries are spread over them
  Duration block{};                          ///< length of stretches that the trace is put together from anew (blocks.h); 0: as it is
  Duration block_of{};                       ///< how much of the trace they are drawn from
  std::uint64_t block_draw = 0;
  std::vector<std::vector<WorkloadEntry::Choice>>
      classes;                                 ///< by task of the source; class ids are declarations until `classes_of` maps them
  std::vector<std::vector<ClassId>> asked;     ///< by task of the source and by what a row asks for; none: no row does. As `classes`
  std::optional<PopularityParams> popularity;  ///< of the tasks of `classes`
  std::optional<Law> payload_law;              ///< of a factor on `payload_bytes`
  std::size_t first_class = 0;
  SiteId origin{0};
  std::uint32_t payload_bytes = 0, answer_bytes = 0;
  std::uint16_t items = 1, tenant = 0;
};

/// A list entry of `initial`.
struct InitialSpec {
  VariantId variant;
  PoolId pool;
  std::uint32_t per_device = 0, count = 0;
  std::uint8_t option = 0;  ///< core option
};

struct Scenario {
  std::string name;  ///< of the file, without folder and suffix
  std::string file;
  Catalog catalog;
  Topology topology;
  std::vector<QueryClass> classes;  ///< as declared
  std::vector<EntrySpec> entries;
  std::vector<std::pair<PolicyKind, BoundPolicy>> policies;  ///< one per kind, in order of kinds
  std::vector<std::pair<std::string, BoundPolicy>> joint;
  std::vector<InitialSpec> initial;
  bool planned = false;
  RunOptions options;  ///< without `initial`
  Billing billing = Billing::nodes;
  Json effective;
  std::vector<std::pair<std::string, std::string>> hashes;           ///< of catalog and traces: what, 16 hex digits
  std::vector<std::string> overrides;                                ///< the layers of the command line, as they were given
  std::vector<std::pair<std::string, std::filesystem::path>> paths;  ///< files that were named: pointer, and what it means from here
  std::vector<std::string> warnings;
  JsonDocument document;  ///< what was read, with places: for problems that show only when a run is assembled
};

/// Reads a scenario with `layers` on top, and checks it. Throws InputError with one line per problem, or WorldError where a file
/// cannot be read.
Scenario read_scenario(const std::string& path, const std::vector<Layer>& layers, const PolicyRegistry& registry);

/// The files that it was read from: scenarios, systems, catalog, traces.
std::vector<std::string> files_of(const Scenario& scenario);

/// Opens the source of an entry. Throws InputError or WorldError.
std::unique_ptr<ArrivalSource> open_source(const EntrySpec& entry, std::uint64_t seed, std::size_t index);

}  // namespace tideline

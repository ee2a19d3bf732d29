// A suite of regression checks, read and checked: runs, and how far each metric may be from what was accepted.
#pragma once

#include "sim/metrics/summary.h"
#include "src/json_document.h"
#include "src/scenario_layers.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tideline {

enum class ToleranceRule : std::uint8_t { exact, absolute, relative, statistical };
std::string_view to_string(ToleranceRule rule);

struct CheckedMetric {
  const Metric* metric = nullptr;
  std::string row = "total";  ///< or `class NAME`, `task NAME`
  ToleranceRule rule = ToleranceRule::exact;
  double tolerance = 0;      ///< of absolute and relative
  double confidence = 0.99;  ///< of statistical

  /// `latency_p99_s`, `latency_p99_s of class fast`.
  std::string key() const;
  /// Of a run; nothing where the run has no value. Throws InputError where it has no such row.
  std::optional<double> value(const Summary& summary) const;
};

struct SuiteCase {
  std::string name, about;
  std::string scenario;  ///< path of its file
  std::vector<Layer> layers;
  std::uint32_t replications = 1;
  std::vector<CheckedMetric> metrics;
  std::vector<std::uint64_t> seeds;                         ///< of the replications; the first is that of the scenario
  Json configuration;                                       ///< the effective one
  std::vector<std::pair<std::string, std::string>> hashes;  ///< of catalog and traces: what, 16 hex digits

  /// With the seed of a replication on top.
  std::vector<Layer> layers_of(std::size_t replication) const;
};

struct Suite {
  std::string name, file;
  std::filesystem::path baselines;  ///< folder
  std::vector<SuiteCase> cases;
};

/// Reads it, and reads and assembles each scenario without running it. Throws InputError with one line per problem, WorldError where a file
/// cannot be read.
Suite read_suite(const std::string& path, const PolicyRegistry& registry);

}  // namespace tideline

// Runs scenario files in the process of a test, as `tideline run` does, without files of results.
#pragma once

#include "policies/builtin.h"
#include "sim/metrics/audit.h"
#include "sim/metrics/summary.h"
#include "src/assemble.h"
#include "src/scenario.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tideline::test {

/// What a run left behind.
struct Ran {
  Summary summary;
  AuditResult audit;
  std::uint64_t queries = 0;  ///< all, not only the measured
};

inline const PolicyRegistry& builtin_registry() {
  static const PolicyRegistry registry = [] {
    PolicyRegistry r;
    add_builtin_policies(r);
    return r;
  }();
  return registry;
}

/// A scenario file by its path in the repository.
inline std::string scenario_path(const std::string& file) { return std::string(TIDELINE_SOURCE_DIR) + "/scenarios/" + file; }

/// As `--set` takes them.
inline std::vector<Layer> as_layers(const std::vector<std::string>& settings) {
  std::vector<Layer> out;
  for (const auto& s : settings) out.push_back({LayerKind::set, s});
  return out;
}

/// Runs `file` (a path below scenarios/) with `overrides` as `--set` takes them; `more` hear the run beside summary and audit.
inline Ran run_scenario(const std::string& file, const std::vector<std::string>& overrides, const std::vector<Recorder*>& more = {}) {
  std::unique_ptr<SummaryRecorder> summary;
  std::unique_ptr<AuditRecorder> audit;
  Run run =
      assemble(read_scenario(scenario_path(file), as_layers(overrides), builtin_registry()), [&](const Scenario& s, const World& world) {
        summary = std::make_unique<SummaryRecorder>(world, s.billing);
        audit = std::make_unique<AuditRecorder>(world);
        std::vector<Recorder*> all{summary.get(), audit.get()};
        all.insert(all.end(), more.begin(), more.end());
        return all;
      });
  run.simulation->run();
  Ran out;
  out.summary = summary->summary();
  out.audit = audit->audit(run.simulation->cluster(), run.simulation->now(), out.summary);
  out.queries = run.simulation->queries();
  return out;
}

/// The failed checks of an audit, one a line; empty where it passed.
inline std::string failed_checks(const AuditResult& audit) {
  std::string text;
  for (const Check& c : audit.checks)
    if (!c.passed) text += c.name + ": " + c.detail + "\n";
  return text;
}

/// `POINTER=VALUE`, the number with all of its digits.
inline std::string set(const std::string& pointer, double value) {
  std::string digits(32, '\0');
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  digits.resize(static_cast<std::size_t>(end - digits.data()));
  return pointer + "=" + digits;
}
inline std::string set(const std::string& pointer, const std::string& value) { return pointer + "=" + value; }

/// Each measured query as it ended, by serial.
struct QueryRecord {
  std::uint64_t serial = 0;
  Time arrival{}, finish{};
  ClassId cls;
  Ending ending = Ending::answered;
  InstanceId instance;
  std::uint32_t batch = 0;
  Duration network{}, load{}, queue{}, service{};
};

/// Keeps all measured queries in memory.
class QueryLog final : public Recorder {
 public:
  void ended(const Visit& v, const QueryEnd& end) override {
    if (!v.flags.measured) return;
    records_.push_back(
        {v.serial, v.arrival, end.finish, v.cls, end.ending, end.instance, end.batch, end.network, end.load, end.queue, end.service});
  }
  /// In order of arrival.
  std::vector<QueryRecord> records() const {
    auto out = records_;
    std::sort(out.begin(), out.end(), [](const QueryRecord& a, const QueryRecord& b) { return a.serial < b.serial; });
    return out;
  }

 private:
  std::vector<QueryRecord> records_;
};

}  // namespace tideline::test

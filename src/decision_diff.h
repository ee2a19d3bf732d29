// Where the decisions of two runs part, and what is known of the state that they were made in.
#pragma once

#include "src/decision_text.h"
#include "src/results_reader.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tideline {

/// Instances of one variant at one site.
struct GroupState {
  std::uint32_t starting = 0, warm = 0, draining = 0, busy = 0;  ///< busy: batches that run on them
  friend bool operator==(const GroupState&, const GroupState&) = default;
};

/// One run where decisions part.
struct DecisionSide {
  std::uint64_t rows = 0;                       ///< decisions that it recorded
  std::optional<DecisionText> decision;         ///< none: it has made all of its own before
  std::vector<DecisionText> of_query;           ///< the last earlier ones about the same query, oldest first
  bool has_instances = false;                   ///< whether `instances` is known
  std::map<std::string, GroupState> instances;  ///< just before the earlier of the two decisions, by group; those without any are left out
};

struct DecisionDifference {
  bool same = true;       ///< all decisions, whatever their reasons
  std::uint64_t row = 0;  ///< the first that is not the same; before it all are
  DecisionSide a, b;
  std::vector<DecisionText> before;  ///< the last ones that both made, oldest first
  std::optional<std::pair<DecisionText, DecisionText>>
      other_reason;  ///< of the same decision, the first one with another reason or runner-up
};

/// Whether the file has decisions.
bool has_decisions(const ResultsReader& reader);

/// Decisions are the same where time, controller, answer, query, choice and amount are: things are compared by name, instances by serial.
DecisionDifference compare_decisions(const ResultsReader& a, const ResultsReader& b);

}  // namespace tideline

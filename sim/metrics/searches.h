// Searches of planners: how each ended, and what it proved.
#pragma once

#include "sim/model/recorder.h"
#include "sim/policy/policy.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace tideline {

/// One search.
struct SearchRow {
  std::int64_t time_ns = 0;
  std::uint64_t controller = 0;
  PlanSolution solution;
};

/// (bound - objective) / objective; NaN where the planner has no bound, or the plan is worth nothing.
double gap_of(const PlanSolution& solution);

/// One column of the table of searches, but for the status, which is a text: its declaration for every output.
struct SearchColumn {
  std::string_view name, unit, help;
  std::variant<std::int64_t, std::uint64_t, double> (*value)(const SearchRow&);
};
std::span<const SearchColumn> search_columns();

/// Of the searches that ended in the measured window.
struct SearchTotals {
  std::uint64_t searches = 0;
  std::uint64_t optimal = 0, feasible = 0, short_of_demand = 0;
  std::uint64_t kept = 0;
  std::uint64_t with_gap = 0;
  double gap_sum = 0, gap_max = 0;  ///< over those with a gap

  void add(const PlanSolution& solution);
};

/// Takes a row at every search of the run.
class SearchRecorder final : public Recorder {
 public:
  Facts facts() const override { return {.arrivals = false, .batches = false, .ends = false}; }
  void solved(ControllerId c, const PlanSolution& solution, Time now) override {
    rows_.push_back({now.time_since_epoch().count(), c.index(), solution});
  }
  const std::vector<SearchRow>& rows() const { return rows_; }

 private:
  std::vector<SearchRow> rows_;
};

}  // namespace tideline

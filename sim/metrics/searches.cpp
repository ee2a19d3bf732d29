#include "sim/metrics/searches.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tideline {

namespace {

using SearchValue = std::variant<std::int64_t, std::uint64_t, double>;

constexpr SearchColumn all_search_columns[] = {
    {"time", "ns", "When the search began, since the start of the run.", [](const SearchRow& r) -> SearchValue { return r.time_ns; }},
    {"controller", "1", "Controller that planned.", [](const SearchRow& r) -> SearchValue { return r.controller; }},
    {"kept", "1", "1: what was there before stays, since the new plan is hardly better.",
     [](const SearchRow& r) -> SearchValue { return std::uint64_t{r.solution.kept}; }},
    {"target", "1", "Share of the demand that is planned for.", [](const SearchRow& r) -> SearchValue { return r.solution.target; }},
    {"objective", "1", "Objective of the plan, in the planner's unit.",
     [](const SearchRow& r) -> SearchValue { return r.solution.objective; }},
    {"bound", "1", "Of any plan with this target; infinity where the planner proves none.",
     [](const SearchRow& r) -> SearchValue { return r.solution.bound; }},
    {"gap", "1", "(bound - objective) / objective; NaN where there is no bound.",
     [](const SearchRow& r) -> SearchValue { return gap_of(r.solution); }},
    {"nodes", "1", "Nodes of the search tree.", [](const SearchRow& r) -> SearchValue { return std::uint64_t{r.solution.nodes}; }},
};

}  // namespace

double gap_of(const PlanSolution& s) {
  if (!std::isfinite(s.bound) || s.objective <= 0) return std::numeric_limits<double>::quiet_NaN();
  return std::max(s.bound / s.objective - 1, 0.0);
}

std::span<const SearchColumn> search_columns() { return all_search_columns; }

void SearchTotals::add(const PlanSolution& s) {
  ++searches;
  if (s.status == PlanSolution::Status::optimal) ++optimal;
  if (s.status == PlanSolution::Status::feasible) ++feasible;
  if (s.status == PlanSolution::Status::short_of) ++short_of_demand;
  if (s.kept) ++kept;
  const double gap = gap_of(s);
  if (std::isnan(gap)) return;
  ++with_gap;
  gap_sum += gap;
  gap_max = std::max(gap_max, gap);
}

}  // namespace tideline

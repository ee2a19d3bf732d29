#include "policies/components/linear_program.h"

#include <CbcHeuristic.hpp>
#include <CbcHeuristicFPump.hpp>
#include <CbcModel.hpp>
#include <CglKnapsackCover.hpp>
#include <CglMixedIntegerRounding2.hpp>
#include <CglProbing.hpp>
#include <ClpSimplex.hpp>
#include <ClpSolve.hpp>
#include <CoinPackedMatrix.hpp>
#include <OsiClpSolverInterface.hpp>

#include <algorithm>
#include <cassert>
#include <cmath>

namespace tideline {

std::uint32_t LinearProgram::add_variable(double objective, double upper, bool whole) {
  objective_.push_back(objective);
  upper_.push_back(upper);
  whole_.push_back(whole ? 1 : 0);
  return static_cast<std::uint32_t>(objective_.size() - 1);
}

std::uint32_t LinearProgram::add_row(double least, double most) {
  least_.push_back(least);
  most_.push_back(most);
  return static_cast<std::uint32_t>(least_.size() - 1);
}

void LinearProgram::set(std::uint32_t row, std::uint32_t variable, double coefficient) {
  assert(row < rows() && variable < variables());
  row_of_.push_back(static_cast<int>(row));
  variable_of_.push_back(static_cast<int>(variable));
  coefficients_.push_back(coefficient);
}

double LinearProgram::Solution::gap() const {
  const double above = bound - objective;
  if (above <= 0) return 0;
  return above / std::max(std::abs(objective), 1e-12);
}

LinearProgram::Solution LinearProgram::relaxation() const {
  LinearProgram relaxed = *this;
  std::fill(relaxed.whole_.begin(), relaxed.whole_.end(), char{0});
  return relaxed.solve();
}

LinearProgram::Solution LinearProgram::solve(const Limits& limits, std::span<const double> start) const {
  Solution out;
  // The solver minimises.
  std::vector<double> costs(objective_);
  for (double& c : costs) c = -c;
  const std::vector<double> zeros(variables());
  CoinPackedMatrix matrix(true, row_of_.data(), variable_of_.data(), coefficients_.data(), static_cast<int>(coefficients_.size()));
  matrix.setDimensions(static_cast<int>(rows()), static_cast<int>(variables()));

  OsiClpSolverInterface clp;
  clp.messageHandler()->setLogLevel(0);
  clp.getModelPtr()->setLogLevel(0);
  // It would put a handler of its own in the place of the program's while it solves.
  ClpSolve options;
  options.setSpecialOption(2, 1);
  clp.setSolveOptions(options);
  const double far = clp.getInfinity();
  const auto bounded = [&](std::vector<double> values) {
    for (double& v : values) v = std::clamp(v, -far, far);
    return values;
  };
  clp.loadProblem(matrix, zeros.data(), bounded(upper_).data(), costs.data(), bounded(least_).data(), bounded(most_).data());
  const bool any_whole = std::find(whole_.begin(), whole_.end(), char{1}) != whole_.end();
  for (std::size_t k = 0; k < whole_.size(); ++k)
    if (whole_[k] != 0) clp.setInteger(static_cast<int>(k));
  clp.setHintParam(OsiDoReducePrint, true, OsiHintTry);
  clp.initialSolve();
  if (clp.isProvenPrimalInfeasible()) {
    out.status = Status::infeasible;
    return out;
  }
  if (!clp.isProvenOptimal()) return out;
  out.bound = -clp.getObjValue();
  const auto take = [&](const double* x, double cost) {
    out.x.assign(x, x + variables());
    for (std::size_t k = 0; k < out.x.size(); ++k) {
      if (whole_[k] != 0) out.x[k] = std::round(out.x[k]);
      if (out.x[k] < 1e-9) out.x[k] = 0;
    }
    out.objective = -cost;
  };
  if (!any_whole) {
    out.status = Status::optimal;
    take(clp.getColSolution(), clp.getObjValue());
    return out;
  }

  CbcModel search(clp);
  search.setLogLevel(0);
  search.solver()->setHintParam(OsiDoReducePrint, true, OsiHintTry);
  search.setNumberThreads(0);
  search.setRandomSeed(1);
  search.setMaximumNodes(static_cast<int>(std::min<std::uint32_t>(limits.nodes, 1'000'000'000)));
  if (limits.most_s < infinity) search.setMaximumSeconds(limits.most_s);
  search.setAllowableFractionGap(limits.gap);
  search.setAllowableGap(0);
  if (!start.empty()) {
    double cost = 0;
    for (std::size_t k = 0; k < variables(); ++k) cost += costs[k] * start[k];
    search.setBestSolution(start.data(), static_cast<int>(variables()), cost, true);
  }
  CglProbing probing;
  CglKnapsackCover covers;
  CglMixedIntegerRounding2 rounding;
  search.addCutGenerator(&probing, -1, "probing");
  search.addCutGenerator(&covers, -1, "covers");
  search.addCutGenerator(&rounding, -1, "rounding");
  CbcRounding round(search);
  CbcHeuristicFPump pump(search);
  search.addHeuristic(&round);
  search.addHeuristic(&pump);
  search.branchAndBound();

  out.nodes = static_cast<std::uint32_t>(search.getNodeCount());
  if (search.isProvenInfeasible()) {
    out.status = Status::infeasible;
    return out;
  }
  out.bound = std::min(out.bound, -search.getBestPossibleObjValue());
  if (search.bestSolution() == nullptr) return out;
  take(search.bestSolution(), search.getObjValue());
  out.bound = std::max(out.bound, out.objective);
  out.status = search.isProvenOptimal() ? Status::optimal : Status::feasible;
  return out;
}

}  // namespace tideline

#include "policies/components/accuracy_plan.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

namespace tideline {

namespace {

using Option = AccuracyProblem::Option;
using Way = AccuracyProblem::Way;

/// Load served and its worth.
struct Carried {
  double items = 0, worth = 0;
};

/// The problem by task, and the flows of a task for any devices.
class Flows {
 public:
  explicit Flows(const AccuracyProblem& problem) : problem_(problem) {
    for (const Option& o : problem.options) tasks_ = std::max(tasks_, o.task + 1);
    for (const AccuracyProblem::Demand& d : problem.demands) tasks_ = std::max(tasks_, d.task + 1);
    demands_.resize(tasks_);
    options_.resize(tasks_);
    ways_.resize(problem.demands.size());
    for (std::size_t k = 0; k < problem.options.size(); ++k) options_[problem.options[k].task].push_back(k);
    for (std::size_t k = 0; k < problem.ways.size(); ++k) ways_[problem.ways[k].demand].push_back(k);
    for (std::size_t d = 0; d < ways_.size(); ++d) {
      std::stable_sort(ways_[d].begin(), ways_[d].end(),
                       [&](std::size_t a, std::size_t b) { return problem.ways[a].accuracy > problem.ways[b].accuracy; });
      demands_[problem.demands[d].task].push_back(d);
    }
    for (auto& list : demands_)
      std::stable_sort(list.begin(), list.end(), [&](std::size_t a, std::size_t b) { return ways_[a].size() < ways_[b].size(); });
    left_.resize(problem.options.size());
  }

  std::uint32_t tasks() const { return tasks_; }
  const std::vector<std::size_t>& options(std::uint32_t task) const { return options_[task]; }

  /// What the devices carry of a task's demand x target; `flow`: where to, by way.
  Carried carried(std::uint32_t task, const std::vector<std::uint32_t>& devices, double target, std::vector<double>* flow = nullptr) {
    for (const std::size_t o : options_[task]) left_[o] = devices[o] * problem_.options[o].rate;
    Carried sum;
    for (const std::size_t d : demands_[task]) {
      double unmet = problem_.demands[d].rate * target;
      for (const std::size_t w : ways_[d]) {
        const Way& way = problem_.ways[w];
        const double here = std::min(unmet, left_[way.option]);
        left_[way.option] -= here;
        unmet -= here;
        sum.items += here;
        sum.worth += here * way.accuracy;
        if (flow != nullptr) (*flow)[w] = here;
      }
    }
    return sum;
  }
  double wanted(std::uint32_t task, double target) const {
    double sum = 0;
    for (const std::size_t d : demands_[task]) sum += problem_.demands[d].rate * target;
    return sum;
  }

 private:
  const AccuracyProblem& problem_;
  std::uint32_t tasks_ = 0;
  std::vector<std::vector<std::size_t>> demands_, options_;  // by task
  std::vector<std::vector<std::size_t>> ways_;               // by demand, most accurate first
  std::vector<double> left_;                                 // by option
};

bool is_met(double items, double wanted) { return items >= wanted - 1e-9 * std::max(1.0, wanted); }

constexpr std::size_t nothing = ~std::size_t{0};

/// The greedy plan for one target.
class Greedy {
 public:
  Greedy(const AccuracyProblem& problem, Flows& flows, double target)
      : problem_(problem), flows_(flows), target_(target), devices_(problem.options.size()), by_type_(problem.devices.size()) {
    for (std::size_t k = 0; k < problem.options.size(); ++k) by_type_[problem.options[k].type].push_back(k);
    spare_ = problem.devices;
    now_.resize(flows.tasks());
    for (const Way& w : problem.ways) best_accuracy_of(w.option) = std::max(best_accuracy_of(w.option), w.accuracy);
  }

  /// True if all demand is met.
  bool solve() {
    begin();
    std::size_t changes = 0;
    const std::size_t most = 50 * std::max<std::size_t>(1, std::accumulate(spare_.begin(), spare_.end(), std::size_t{0}) + total());
    while (unmet() && changes++ < most)
      if (!change(Aim::load)) break;
    const bool met = !unmet();
    // Where not all can be met, less load that is worth more is better.
    while (changes++ < most && change(met ? Aim::accuracy : Aim::worth)) {
    }
    return met;
  }
  const std::vector<std::uint32_t>& devices() const { return devices_; }

 private:
  enum class Aim : std::uint8_t {
    load,      ///< more is served, with the most worth for each item gained
    accuracy,  ///< no less is served, and it is worth more
    worth
  };

  double& best_accuracy_of(std::size_t option) {
    if (accuracy_.empty()) accuracy_.resize(problem_.options.size());
    return accuracy_[option];
  }
  std::size_t total() const { return std::accumulate(devices_.begin(), devices_.end(), std::size_t{0}); }

  void begin() {
    for (std::uint32_t t = 0; t < flows_.tasks(); ++t) now_[t] = flows_.carried(t, devices_, target_);
    for (std::size_t type = 0; type < by_type_.size(); ++type) {
      while (spare_[type] > 0) {
        std::size_t best = nothing;
        double most_unmet = 0;
        for (const std::size_t o : by_type_[type]) {
          const std::uint32_t task = problem_.options[o].task;
          const double missing = flows_.wanted(task, target_) - now_[task].items;
          if (is_met(now_[task].items, flows_.wanted(task, target_)) || with(o).items <= now_[task].items) continue;
          if (best == nothing || missing > most_unmet || (problem_.options[best].task == task && accuracy_[o] > accuracy_[best])) {
            best = o;
            most_unmet = missing;
          }
        }
        if (best == nothing) break;
        add(best);
      }
    }
  }

  bool unmet() const {
    for (std::uint32_t t = 0; t < now_.size(); ++t)
      if (!is_met(now_[t].items, flows_.wanted(t, target_))) return true;
    return false;
  }

  Carried with(std::size_t option, std::size_t without = nothing) {
    if (without != nothing) --devices_[without];
    ++devices_[option];
    const Carried c = flows_.carried(problem_.options[option].task, devices_, target_);
    --devices_[option];
    if (without != nothing) ++devices_[without];
    return c;
  }
  Carried less(std::size_t option) {
    --devices_[option];
    const Carried c = flows_.carried(problem_.options[option].task, devices_, target_);
    ++devices_[option];
    return c;
  }
  void add(std::size_t option) {
    ++devices_[option];
    --spare_[problem_.options[option].type];
    const std::uint32_t task = problem_.options[option].task;
    now_[task] = flows_.carried(task, devices_, target_);
  }
  void remove(std::size_t option) {
    --devices_[option];
    ++spare_[problem_.options[option].type];
    const std::uint32_t task = problem_.options[option].task;
    now_[task] = flows_.carried(task, devices_, target_);
  }

  /// Makes the best change of what one device holds; false if there is none.
  bool change(Aim aim) {
    std::size_t from = nothing, to = nothing;
    double best = aim == Aim::load ? -std::numeric_limits<double>::infinity() : 0;
    const auto consider = [&](std::size_t a, std::size_t b, double items, double worth) {
      double score = worth;
      if (aim == Aim::load) {
        if (items <= 1e-9) return;
        score = worth / items;
      } else if ((aim == Aim::accuracy && items < -1e-9) || worth <= 1e-9) {
        return;
      }
      if (score > best) {
        best = score;
        from = a;
        to = b;
      }
    };
    const auto gain_of = [&](Carried after, std::uint32_t task) {
      return Carried{after.items - now_[task].items, after.worth - now_[task].worth};
    };
    more_.assign(devices_.size(), {});
    for (std::size_t k = 0; k < devices_.size(); ++k)
      if (problem_.devices[problem_.options[k].type] > 0) more_[k] = gain_of(with(k), problem_.options[k].task);
    for (std::size_t type = 0; type < by_type_.size(); ++type) {
      if (spare_[type] > 0)
        for (const std::size_t b : by_type_[type]) consider(nothing, b, more_[b].items, more_[b].worth);
      for (const std::size_t a : by_type_[type]) {
        if (devices_[a] == 0) continue;
        const std::uint32_t task = problem_.options[a].task;
        const Carried lost = gain_of(less(a), task);
        for (const std::size_t b : by_type_[type]) {
          if (a == b) continue;
          Carried sum{lost.items + more_[b].items, lost.worth + more_[b].worth};
          if (problem_.options[b].task == task) sum = gain_of(with(b, a), task);
          consider(a, b, sum.items, sum.worth);
        }
      }
    }
    if (to == nothing) return false;
    if (from != nothing) remove(from);
    add(to);
    return true;
  }

  const AccuracyProblem& problem_;
  Flows& flows_;
  double target_;
  std::vector<std::uint32_t> devices_;             // by option
  std::vector<std::vector<std::size_t>> by_type_;  // options
  std::vector<std::uint32_t> spare_;               // by type
  std::vector<Carried> now_;                       // by task
  std::vector<Carried> more_;                      // by option: what one more device gains
  std::vector<double> accuracy_;                   // by option
};

AccuracyPlan plan_of(const AccuracyProblem& problem, Flows& flows, const std::vector<std::uint32_t>& devices, double target) {
  AccuracyPlan plan;
  plan.status = AccuracyPlan::Status::feasible;
  plan.target = target;
  plan.bound = LinearProgram::infinity;
  plan.devices = devices;
  plan.flow.resize(problem.ways.size());
  for (std::uint32_t t = 0; t < flows.tasks(); ++t) {
    const Carried c = flows.carried(t, devices, target, &plan.flow);
    plan.objective += c.worth;
    if (!is_met(c.items, flows.wanted(t, target))) plan.status = AccuracyPlan::Status::short_of;
  }
  return plan;
}

/// Targets in turn: whole steps, so that rounding does not add one.
std::size_t target_count(const AccuracyTargets& t) {
  if (t.step <= 0 || t.first <= t.least) return 1;
  return static_cast<std::size_t>(std::floor((t.first - t.least) / t.step + 1e-9)) + 1;
}
double target_at(const AccuracyTargets& t, std::size_t k) { return t.first - static_cast<double>(k) * t.step; }

struct Program {
  LinearProgram program;
  std::vector<std::uint32_t> devices, flow;  // variables by option, by way
};

/// `all`: each demand is met, otherwise it is the most that may be served.
Program program_of(const AccuracyProblem& problem, double target, bool all) {
  Program p;
  const double none = -LinearProgram::infinity;
  std::vector<std::uint32_t> type_rows, demand_rows;
  for (const std::uint32_t n : problem.devices) type_rows.push_back(p.program.add_row(none, n));
  for (const AccuracyProblem::Demand& d : problem.demands) {
    const double rate = d.rate * target;
    demand_rows.push_back(p.program.add_row(all ? rate : none, rate));
  }
  // A device that could serve more than all that may come to it counts with that: the same whole numbers, a tighter relaxation.
  std::vector<double> wanted(problem.options.size());
  for (const Way& w : problem.ways) wanted[w.option] += problem.demands[w.demand].rate * target;
  std::vector<std::uint32_t> option_rows;
  for (const Option& o : problem.options) {
    p.devices.push_back(p.program.add_variable(0, problem.devices[o.type], true));
    p.program.set(type_rows[o.type], p.devices.back(), 1);
    option_rows.push_back(p.program.add_row(none, 0));
    p.program.set(option_rows.back(), p.devices.back(), -std::min(o.rate, wanted[option_rows.size() - 1]));
  }
  for (const Way& w : problem.ways) {
    p.flow.push_back(p.program.add_variable(w.accuracy));
    p.program.set(demand_rows[w.demand], p.flow.back(), 1);
    p.program.set(option_rows[w.option], p.flow.back(), 1);
  }
  return p;
}

/// Nothing to plan for, or nothing to plan with.
bool is_empty(const AccuracyProblem& problem) { return problem.options.empty() || problem.ways.empty(); }
AccuracyPlan empty_plan(const AccuracyProblem& problem, double target) {
  AccuracyPlan plan;
  plan.status = problem.demands.empty() ? AccuracyPlan::Status::optimal : AccuracyPlan::Status::short_of;
  plan.target = target;
  plan.devices.resize(problem.options.size());
  plan.flow.resize(problem.ways.size());
  return plan;
}

AccuracyPlan search(const AccuracyProblem& problem, const AccuracyPlan& greedy, double target, bool all,
                    const LinearProgram::Limits& limits) {
  const Program p = program_of(problem, target, all);
  std::vector<double> start;
  if (!all || greedy.status == AccuracyPlan::Status::feasible) {
    start.resize(p.program.variables());
    for (std::size_t k = 0; k < p.devices.size(); ++k) start[p.devices[k]] = greedy.devices[k];
    for (std::size_t k = 0; k < p.flow.size(); ++k) start[p.flow[k]] = greedy.flow[k];
  }
  const LinearProgram::Solution s = p.program.solve(limits, start);
  AccuracyPlan plan = greedy;
  plan.nodes = s.nodes;
  plan.bound = s.bound;
  if (!s.found() || (!start.empty() && s.objective < greedy.objective)) return plan;
  plan.status = s.status == LinearProgram::Status::optimal ? AccuracyPlan::Status::optimal : AccuracyPlan::Status::feasible;
  if (!all) plan.status = AccuracyPlan::Status::short_of;
  plan.objective = s.objective;
  for (std::size_t k = 0; k < p.devices.size(); ++k) plan.devices[k] = static_cast<std::uint32_t>(s.x[p.devices[k]] + 0.5);
  for (std::size_t k = 0; k < p.flow.size(); ++k) plan.flow[k] = s.x[p.flow[k]];
  return plan;
}

}  // namespace

AccuracyPlan plan_greedily(const AccuracyProblem& problem, const AccuracyTargets& targets) {
  if (is_empty(problem)) return empty_plan(problem, targets.first);
  Flows flows(problem);
  for (std::size_t k = 0; k < target_count(targets); ++k) {
    Greedy greedy(problem, flows, target_at(targets, k));
    if (greedy.solve()) return plan_of(problem, flows, greedy.devices(), target_at(targets, k));
  }
  Greedy most(problem, flows, targets.first);
  most.solve();
  AccuracyPlan plan = plan_of(problem, flows, most.devices(), targets.first);
  plan.status = AccuracyPlan::Status::short_of;
  return plan;
}

AccuracyPlan plan_exactly(const AccuracyProblem& problem, const AccuracyTargets& targets, const LinearProgram::Limits& limits) {
  if (is_empty(problem)) return empty_plan(problem, targets.first);
  Flows flows(problem);
  for (std::size_t k = 0; k < target_count(targets); ++k) {
    const double target = target_at(targets, k);
    Greedy greedy(problem, flows, target);
    greedy.solve();
    const AccuracyPlan start = plan_of(problem, flows, greedy.devices(), target);
    // Where even with divisible devices it cannot be met there is nothing to search.
    if (start.status == AccuracyPlan::Status::short_of && !program_of(problem, target, true).program.relaxation().found()) continue;
    AccuracyPlan plan = search(problem, start, target, true, limits);
    if (plan.status != AccuracyPlan::Status::short_of) return plan;
  }
  Greedy most(problem, flows, targets.first);
  most.solve();
  AccuracyPlan plan = search(problem, plan_of(problem, flows, most.devices(), targets.first), targets.first, false, limits);
  plan.status = AccuracyPlan::Status::short_of;
  return plan;
}

AccuracyPlan flows_of(const AccuracyProblem& problem, const std::vector<std::uint32_t>& devices, double target) {
  Flows flows(problem);
  return plan_of(problem, flows, devices, target);
}

void use_spare_devices(const AccuracyProblem& problem, AccuracyPlan& plan) {
  std::vector<double> load(problem.options.size());
  for (std::size_t k = 0; k < problem.ways.size(); ++k) load[problem.ways[k].option] += plan.flow[k];
  for (std::uint32_t type = 0; type < problem.devices.size(); ++type) {
    std::uint32_t used = 0;
    for (std::size_t k = 0; k < problem.options.size(); ++k)
      if (problem.options[k].type == type) used += plan.devices[k];
    for (; used < problem.devices[type]; ++used) {
      std::size_t fullest = nothing;
      double most = 0;
      for (std::size_t k = 0; k < problem.options.size(); ++k) {
        if (problem.options[k].type != type || plan.devices[k] == 0) continue;
        const double filled = load[k] / (plan.devices[k] * problem.options[k].rate);
        if (filled > most) {
          most = filled;
          fullest = k;
        }
      }
      if (fullest == nothing) break;
      ++plan.devices[fullest];
    }
  }
}

}  // namespace tideline

#include "policies/components/knapsack.h"

#include <algorithm>
#include <limits>

namespace tideline {

namespace {

// Weights are shares: what fills a bin exactly may come to a hair more than 1.
constexpr double full_capacity = 1 + 1e-12;

}  // namespace

const std::vector<char>& Knapsack::solve() {
  find_steps();
  taken_.assign(options_.size(), 0);
  const double value = fill(taken_);
  std::size_t best = options_.size();
  for (std::size_t k = 0; k < options_.size(); ++k)
    if (options_[k].weight <= full_capacity && options_[k].value > (best == options_.size() ? value : options_[best].value)) best = k;
  if (best == options_.size()) return taken_;
  single_.assign(options_.size(), 0);
  single_[best] = 1;
  fill(single_);
  return single_;
}

void Knapsack::find_steps() {
  steps_.clear();
  for (std::size_t first = 0, last = 0; first < options_.size(); first = last) {
    while (last < options_.size() && options_[last].set == options_[first].set) ++last;
    add_steps_of_set(first, last);
  }
  std::sort(steps_.begin(), steps_.end(),
            [](const Step& a, const Step& b) { return a.ratio != b.ratio ? a.ratio > b.ratio : a.option < b.option; });
}

void Knapsack::add_steps_of_set(std::size_t first, std::size_t last) {
  hull_.clear();
  for (std::size_t k = first; k < last; ++k)
    if (options_[k].value > 0 && options_[k].weight <= full_capacity) hull_.push_back(static_cast<std::uint32_t>(k));
  std::sort(hull_.begin(), hull_.end(), [&](std::uint32_t a, std::uint32_t b) {
    const Option &x = options_[a], &y = options_[b];
    return x.weight != y.weight ? x.weight < y.weight : x.value != y.value ? x.value > y.value : a < b;
  });
  const auto ratio = [&](const Option& from, const Option& to) {
    const double weight = to.weight - from.weight, value = to.value - from.value;
    return weight > 0 ? value / weight : std::numeric_limits<double>::infinity();
  };
  constexpr Option nothing{};
  std::size_t kept = 0;
  for (const std::uint32_t k : hull_) {
    const auto below = [&](std::size_t back) -> const Option& { return kept < back ? nothing : options_[hull_[kept - back]]; };
    if (options_[k].value <= below(1).value) continue;
    while (kept > 0 && ratio(below(1), options_[k]) >= ratio(below(2), below(1))) --kept;
    hull_[kept++] = k;
  }
  for (std::size_t k = 0; k < kept; ++k) steps_.push_back({hull_[k], ratio(k == 0 ? nothing : options_[hull_[k - 1]], options_[hull_[k]])});
}

double Knapsack::fill(std::vector<char>& taken) {
  double added = 0;
  for (const Step& step : steps_) {
    const Option& to = options_[step.option];
    std::size_t from = options_.size();
    for (std::size_t k = 0; k < options_.size(); ++k)
      if (taken[k] != 0 && options_[k].set == to.set) from = k;
    const bool replaces = from < options_.size();
    if (replaces && options_[from].value >= to.value) continue;
    const double room = full_capacity - used(taken, to.bin) + (replaces && options_[from].bin == to.bin ? options_[from].weight : 0);
    if (to.weight > room) continue;
    if (replaces) taken[from] = 0;
    taken[step.option] = 1;
    added += to.value - (replaces ? options_[from].value : 0);
  }
  return added;
}

double Knapsack::used(const std::vector<char>& taken, std::uint32_t bin) const {
  double sum = 0;
  for (std::size_t k = 0; k < options_.size(); ++k)
    if (taken[k] != 0 && options_[k].bin == bin) sum += options_[k].weight;
  return sum;
}

}  // namespace tideline

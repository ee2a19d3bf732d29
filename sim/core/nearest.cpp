#include "sim/core/nearest.h"

#include "sim/core/text.h"

#include <algorithm>
#include <vector>

namespace tideline {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Optimal string alignment distance, without regard to case.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0U : 1U)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::vector<std::string_view> views(std::span<const std::string> names) { return {names.begin(), names.end()}; }

}  // namespace

std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates) {
  const std::size_t most = std::max<std::size_t>(1, name.size() / 3);
  std::size_t best = most + 1;
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    const std::size_t gap = std::max(name.size(), candidate.size()) - std::min(name.size(), candidate.size());
    if (gap >= best) continue;  // also keeps a name of a megabyte from costing its square
    const std::size_t distance = edits(name, candidate);
    if (distance < best && distance < std::max(name.size(), candidate.size())) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string_view nearest(std::string_view name, std::span<const std::string> candidates) {
  return nearest(name, std::span<const std::string_view>(views(candidates)));
}

std::string suggestion(std::string_view name, std::span<const std::string_view> candidates) {
  constexpr std::size_t most_listed = 24;
  if (const auto near = nearest(name, candidates); !near.empty()) return "; did you mean " + in_quotes(near) + "?";
  if (candidates.empty() || candidates.size() > most_listed) return {};
  std::string out = "; known: ";
  for (const auto& candidate : candidates) {
    if (&candidate != &candidates.front()) out += ", ";
    out += in_quotes(candidate);
  }
  return out;
}

std::string suggestion(std::string_view name, std::span<const std::string> candidates) {
  return suggestion(name, std::span<const std::string_view>(views(candidates)));
}

}  // namespace tideline

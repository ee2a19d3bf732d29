#include "src/report.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tideline {

std::vector<std::size_t> thinned_rows(const std::vector<std::vector<double>>& columns, std::size_t rows, std::size_t most) {
  std::vector<std::size_t> out(rows);
  std::iota(out.begin(), out.end(), std::size_t{0});
  if (rows <= most || columns.empty()) return out;
  const std::size_t parts = std::max<std::size_t>(1, (most - std::min<std::size_t>(most, 2)) / (2 * columns.size()));
  out.assign({0, rows - 1});
  for (std::size_t part = 0; part < parts; ++part) {
    const std::size_t begin = rows * part / parts, end = rows * (part + 1) / parts;
    bool empty = true;
    for (const auto& column : columns) {
      std::size_t least = end, greatest = end;
      for (std::size_t k = begin; k < end; ++k) {
        if (!std::isfinite(column[k])) continue;
        if (least == end || column[k] < column[least]) least = k;
        if (greatest == end || column[k] > column[greatest]) greatest = k;
      }
      if (least == end) continue;
      empty = false;
      out.push_back(least);
      out.push_back(greatest);
    }
    if (empty && begin < end) out.push_back(begin);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace tideline

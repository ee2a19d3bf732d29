#include "sim/model/catalog.h"

#include "sim/core/normal.h"

#include <algorithm>

namespace tideline {

Profile::Profile(std::vector<std::uint32_t> cores, std::vector<std::vector<Duration>> tables)
    : stride_(tables.empty() ? 0 : tables.front().size()), cores_(std::move(cores)) {
  table_.reserve(stride_ * tables.size());
  for (const auto& t : tables) table_.insert(table_.end(), t.begin(), t.end());
}

void Profile::shorten(Duration per_item) {
  for (std::size_t k = 0; k < table_.size(); ++k) table_[k] -= per_item * static_cast<std::int64_t>(k % stride_);
}

void Catalog::complete() {
  for (auto& t : tasks) {
    t.variants.clear();
    t.best_accuracy = 0;
  }
  for (std::size_t i = 0; i < variants.size(); ++i) {
    Variant& v = variants[i];
    v.accuracy_quantile = normal_quantile(v.accuracy);
    Task& t = tasks[v.task.index()];
    t.variants.emplace_back(i);
    t.best_accuracy = std::max(t.best_accuracy, v.accuracy);
  }
}

}  // namespace tideline

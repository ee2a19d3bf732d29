#include "sim/policy/view.h"

namespace tideline {

std::uint32_t ClusterView::in_flight(TaskId t) const {
  std::uint32_t sum = 0;
  for (const Board* b : knowledge_->boards) sum += b->tasks[t.index()].in_flight;
  return sum;
}

std::uint64_t ClusterView::arrived(TaskId t) const {
  std::uint64_t sum = 0;
  for (const Board* b : knowledge_->boards) sum += b->tasks[t.index()].arrived;
  return sum;
}

}  // namespace tideline

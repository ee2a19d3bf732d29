#include "sim/serving/controller.h"

namespace tideline {

Needs PolicySet::needs() const {
  Needs all;
  for (const auto& p : objects) {
    const Needs n = p->needs();
    all.indexes = all.indexes | n.indexes;
    all.plans_from_use_only = all.plans_from_use_only || n.plans_from_use_only;
    const auto join = [](PlanFields a, PlanFields b) {
      return PlanFields{a.wish || b.wish, a.cores || b.cores, a.nodes || b.nodes, a.shares || b.shares, a.batch_caps || b.batch_caps};
    };
    all.writes = join(all.writes, n.writes);
    all.reads = join(all.reads, n.reads);
  }
  return all;
}

}  // namespace tideline

// What batching goes by of deadlines: when an answer is due where it is made, and who can no longer be in time.
#pragma once

#include "policies/components/batch_size.h"
#include "sim/policy/view.h"

#include <cstdint>

namespace tideline {

/// When a batch with this query must be done at the site so that its answer is at the query's origin in time; `never` without an SLO.
inline Time due_at(const QueryView& query, SiteId site, ClusterView view) {
  const Time by = query.deadline();
  if (by == never) return never;
  return by - (query.origin() == site ? Duration{} : view.route(site, query.origin()).delay);
}

/// A batch after late ones at the head of the line are given up.
struct PunctualBatch {
  std::uint32_t drop = 0;
  BatchSize size;    ///< none if nobody is left
  Time due = never;  ///< of the first in it
};

/// Early drop: who would be late in a batch of `cap` items that starts now, or of all who are left where they are fewer, is given up, from
/// the head on, as far as each is late. What is left makes the batch. What no instance of the variant could run is given up too. Each must
/// be in time `margin` early.
inline PunctualBatch drop_late(const LineView& line, std::uint32_t cap, InstanceId i, ClusterView view, Duration margin = {}) {
  const std::uint8_t option = view.instance(i).option;
  const Profile& profile = view.world()[view.variant_of(i)].profile;
  const SiteId site = view.site_of(i);
  PunctualBatch batch;
  std::uint32_t left = line.items();
  for (const QueryView query : line) {
    if (query.items() <= profile.max_items()) {
      const std::uint32_t items = std::max(query.items(), std::min(cap, left));
      const Time due = due_at(query, site, view);
      batch.due = due == never ? never : due - margin;
      if (view.now() + profile.latency(items, option) <= batch.due) break;
    }
    ++batch.drop;
    left -= query.items();
  }
  if (batch.drop < line.size()) batch.size = longest_batch(line, cap, batch.drop);
  return batch;
}

}  // namespace tideline

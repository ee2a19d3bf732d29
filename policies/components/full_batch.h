// Batches that wait until they are full, or until the first of the line has waited long enough.
#pragma once

#include "policies/components/batch_size.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tideline {

enum FullBatchReason : Reason { batch_waits, batch_full, batch_timeout, batch_too_large };
inline constexpr std::array<std::string_view, 4> full_batch_reasons{"waits", "full", "timeout", "too_large"};

/// A batch of `most` items, or of as many as fit; fewer when the first of the line joined it `timeout` ago. Who is too large for the
/// variant is dropped.
inline Batch full_or_due(InstanceId i, const LineView& line, ClusterView view, std::uint32_t most, Duration timeout) {
  Batch b;
  if (line.front().items() > most_items(view, i)) {
    b.drop = 1;
    b.reason = batch_too_large;
    return b;
  }
  const std::uint32_t cap = std::min(most, batch_cap(view, i));
  const BatchSize size = longest_batch(line, cap);
  const Time due = later(line.head_joined(), timeout);
  // Full is also a batch that the next of the line does not fit into.
  if (size.items >= cap || size.visits < line.size()) {
    b.take = size.visits;
    b.reason = batch_full;
  } else if (view.now() >= due) {
    b.take = size.visits;
    b.reason = batch_timeout;
  } else {
    b.retry = due;
    b.reason = batch_waits;
  }
  return b;
}

}  // namespace tideline

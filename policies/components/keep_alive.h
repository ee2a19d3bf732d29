// How long an idle instance is kept, counted from the end of its last execution.
#pragma once

#include "sim/policy/view.h"

#include <algorithm>

namespace tideline {

/// From now until `keep` is over since the instance's last execution ended (or, unused, since it became warm). It may be told later
/// than that: a visit on its way to it may have been called off.
inline Duration keep_from_last_end(ClusterView view, InstanceId i, Duration keep) {
  if (keep == forever) return forever;
  return std::max(Duration{}, later(view.instance(i).idle_since, keep) - view.now());
}

}  // namespace tideline

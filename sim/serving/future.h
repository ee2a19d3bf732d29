// The queries of a run, read a second time for policies that are told what is to come.
#pragma once

#include "sim/policy/future.h"
#include "sim/serving/workload.h"

#include <memory>

namespace tideline {

/// Yields the queries of a workload of its own, made from the same sources and seed as that of the run.
std::unique_ptr<Future> read_ahead(Workload workload);

}  // namespace tideline

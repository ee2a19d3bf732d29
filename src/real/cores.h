// The cores of this machine that the program may use, and which thread runs where.
#pragma once

#include <string>
#include <vector>

namespace tideline::real {

/// Numbers of logical cores, ascending.
using CoreSet = std::vector<int>;

/// Those that this process may run on (its affinity, so that `taskset` and containers count).
CoreSet usable_cores();
/// Binds the calling thread to the cores. Throws CannotRun where the machine refuses.
void pin(const CoreSet& cores);
/// One turn of a loop that waits for another thread: leaves the core's units to whoever shares them.
void spin_once();
std::string core_list(const CoreSet& cores);  ///< "1-3,6"

}  // namespace tideline::real

// What is known of the machine that kernels run on, as Linux says it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tideline::real {

struct Machine {
  std::string processor;        ///< "AMD EPYC", from /proc/cpuinfo; "processor" where that is not there
  unsigned cores = 1;           ///< that this process may use
  std::int64_t free_bytes = 0;  ///< memory that is available; 0: not known
  std::optional<double> load;   ///< average of a minute
};
Machine this_machine();

/// Energy that the processor's packages have used so far, in J, through RAPL (/sys/class/powercap); nothing where it cannot be read.
std::optional<double> package_joules();

/// Memory of this process that is resident, in bytes; 0: not known.
std::int64_t resident_bytes();

}  // namespace tideline::real

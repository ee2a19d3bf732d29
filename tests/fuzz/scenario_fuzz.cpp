// Any bytes as a scenario file, through layers, sections and names of policies. What it refers to by file is mostly not there.
#include "policies/builtin.h"
#include "sim/policy/registry.h"
#include "src/scenario.h"
#include "tests/fuzz/refused.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tideline;
  static const PolicyRegistry registry = [] {
    PolicyRegistry r;
    add_builtin_policies(r);
    return r;
  }();
  static const int file = memfd_create("scenario.json", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) return 0;
  fuzz::may_refuse([&] { (void)read_scenario(path, {}, registry); });
  return 0;
}

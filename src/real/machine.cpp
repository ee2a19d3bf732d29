#include "src/real/machine.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <unistd.h>

namespace tideline::real {
namespace {

/// What stands after `key` and a colon in a file of such lines.
std::string line_of(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

}  // namespace

Machine this_machine() {
  Machine out;
  out.processor = line_of("/proc/cpuinfo", "model name");
  if (out.processor.empty()) out.processor = "processor";
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) out.cores = static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  const std::string available = line_of("/proc/meminfo", "MemAvailable");
  if (!available.empty()) out.free_bytes = std::atoll(available.c_str()) * 1024;
  double load = 0;
  if (getloadavg(&load, 1) == 1) out.load = load;
  return out;
}

std::optional<double> package_joules() {
  std::optional<double> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/class/powercap", error)) {
    // intel-rapl:0 is a package; intel-rapl:0:0 is a part of it.
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("intel-rapl:") || std::count(name.begin(), name.end(), ':') != 1) continue;
    std::ifstream in(entry.path() / "energy_uj");
    double microjoules = 0;
    if (in >> microjoules) out = out.value_or(0) + microjoules / 1e6;
  }
  return out;
}

std::int64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::int64_t whole = 0, resident = 0;
  if (!(in >> whole >> resident)) return 0;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace tideline::real

#include "src/real/real_mode.h"

#include "sim/core/text.h"
#include "src/demand.h"
#include "src/errors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <unistd.h>

namespace tideline::real {

namespace {

/// More offered work than this, in times of what the devices can do, is no run but a queue that grows.
constexpr double most_offered = 10;

bool is_used(const World& world, const Variant& v) {
  const auto& devices = world.topology().devices;
  return std::any_of(devices.begin(), devices.end(), [&](const Device& d) { return d.hardware == v.hardware; });
}

void check_kernels(const World& world) {
  for (const Variant& v : world.catalog().variants)
    if (is_used(world, v) && !v.kernel)
      throw InputError("real mode: variant '" + v.name +
                       "' names no \"kernel\", so there is nothing to run: `tideline profile` writes a catalog of " +
                       "variants that have one, measured on this machine");
}

void check_environment(const Scenario& scenario) {
  for (const Change& c : scenario.options.environment.changes) {
    const std::string what = c.kind == Change::Kind::slowdown ? "slowdown" : c.kind == Change::Kind::taken ? "taken" : "";
    if (!what.empty())
      throw InputError("real mode: \"environment\" has a \"" + what + "\", which cannot be done to a real machine: leave it out");
  }
}

/// Work that a trace brings shows beforehand; other sources tell it query by query, and the executor refuses it then.
void check_work(const Scenario& scenario) {
  for (const EntrySpec& e : scenario.entries)
    if (const auto* t = std::get_if<TraceParams>(&e.params); t != nullptr && t->work_mean > 0)
      throw InputError("real mode: workload '" + e.name + "' has queries with work (\"work_mean\"), which no kernel can do: leave it out");
}

void check_load(const Scenario& scenario, const World& world) {
  const double share = offered_share(scenario, world);
  if (share > most_offered)
    throw InputError("real mode: the workload offers " + to_text(std::round(share * 10) / 10) +
                     " times the work that the devices of the cluster can do: it cannot be run in real time; a factor of " +
                     to_text(std::round(1000 / share) / 1000) + " on its rates (--load) is as much as they can do");
}

/// Of each variant by itself, in the memory where its backend has its networks.
void check_memory(const Variant& v, const Backend& backend) {
  const auto device = backend.device_memory();
  const std::int64_t available =
      device ? device->free : static_cast<std::int64_t>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<std::int64_t>(sysconf(_SC_PAGESIZE));
  if (v.memory_for(v.max_batch) > available)
    throw CannotRun("variant '" + v.name + "' needs " + std::to_string(v.memory_for(v.max_batch)) + " bytes, and " +
                    (device ? device->device : std::string("this machine")) + " has " + std::to_string(available) + " free");
}

/// A processor is shared out core by core; of a GPU there is the one that the backend has.
void check_devices(const World& world, const std::string& name, const Backend& backend) {
  const auto device = backend.device_memory();
  if (!device) return;
  const auto& variants = world.catalog().variants;
  const auto runs_on_it = [&](const Device& d) {
    return std::any_of(variants.begin(), variants.end(),
                       [&](const Variant& v) { return v.hardware == d.hardware && v.kernel && v.kernel->backend == name; });
  };
  const auto& devices = world.topology().devices;
  if (const auto n = std::count_if(devices.begin(), devices.end(), runs_on_it); n > 1)
    throw CannotRun("the cluster has " + std::to_string(n) + " devices for the backend " + name + ", and it runs on one, " +
                    device->device + "; make the cluster smaller");
}

Json times(const DurationHistogram& h) {
  if (h.count() == 0) return Json{{"count", 0}};
  return Json{{"count", h.count()},
              {"mean_s", h.mean_s()},
              {"p50_s", h.percentile_s(0.5)},
              {"p99_s", h.percentile_s(0.99)},
              {"max_s", to_seconds(h.max())}};
}

std::string micros(const Json& t, const char* key) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f us", t.value(key, 0.0) * 1e6);
  return text.data();
}

}  // namespace

NetworkSpec spec_of(const tideline::Kernel& k) {
  NetworkSpec spec;
  spec.network = k.network;
  spec.depth = k.depth;
  spec.width = k.width;
  spec.resolution = k.resolution;
  spec.precision = k.precision == "bf16" ? Precision::bf16 : Precision::f32;
  spec.seed = k.seed;
  return spec;
}

RealMode::RealMode(const Scenario& scenario, const World& world) {
  check_kernels(world);
  check_environment(scenario);
  check_work(scenario);
  check_load(scenario, world);
  try {
    std::vector<std::optional<Runnable>> kernels;
    for (const Variant& v : world.catalog().variants) {
      kernels.emplace_back();
      if (!is_used(world, v)) continue;
      auto& backend = backends_[v.kernel->backend];
      if (!backend) backend = make_backend(v.kernel->backend);
      kernels.back() = Runnable{backend.get(), spec_of(*v.kernel)};
      backend->check(kernels.back()->spec);
      check_memory(v, *backend);
    }
    for (const auto& [name, backend] : backends_) check_devices(world, name, *backend);
    owned_ = std::make_unique<RealExecutor>(world, scenario.options.seed, plan_cores(world, usable_cores()), std::move(kernels));
    executor_ = owned_.get();
  } catch (const CannotRun& e) {
    throw WorldError(std::string("real mode: ") + e.what());
  }
}

LoopThread::LoopThread(RealMode& mode) : before_(usable_cores()) {
  try {
    pin(mode.executor().placement().loop);
  } catch (const CannotRun& e) {
    throw WorldError(std::string("real mode: ") + e.what());
  }
}

LoopThread::~LoopThread() {
  try {
    pin(before_);
  } catch (const CannotRun&) {  // then it stays where it is
  }
}

Json RealMode::report(const World& world) const {
  const RealFacts& f = executor_->facts();
  Json out;
  out["backends"] = Json::object();
  for (const auto& [name, b] : backends_) out["backends"][name] = b->version();
  out["loop_cores"] = core_list(executor_->placement().loop);
  out["device_cores"] = Json::array();
  for (const CoreSet& c : executor_->placement().devices) out["device_cores"].push_back(core_list(c));
  out["lateness"] = times(f.late);
  out["dispatch"] = times(f.dispatch);
  out["returned"] = times(f.returned);
  out["failed_batches"] = f.failed_batches;
  out["failed_loads"] = f.failed_loads;
  if (!f.first_failure.empty()) out["first_failure"] = f.first_failure;
  out["resident_bytes_max"] = f.most_resident_bytes;
  out["kernels"] = Json::array();
  for (const KernelTimes& k : f.kernels)
    out["kernels"].push_back(Json{{"variant", world[k.variant].name},
                                  {"items", k.items},
                                  {"cores", world[k.variant].profile.cores()[k.option]},
                                  {"profile_s", to_seconds(world[k.variant].profile.latency(k.items, k.option))},
                                  {"alone", times(k.alone)},
                                  {"beside", times(k.beside)}});
  out["loads"] = Json::array();
  for (const RealFacts::Load& l : f.loads)
    out["loads"].push_back(Json{{"variant", world[l.variant].name},
                                {"before_start", l.before_start},
                                {"took_s", to_seconds(l.took)},
                                {"read_s", l.parts.read_s},
                                {"build_s", l.parts.build_s},
                                {"copy_s", l.parts.copy_s},
                                {"first_run_s", l.parts.first_run_s}});
  return out;
}

std::string report_text(const Json& r) {
  std::string out = "real mode: events late by " + micros(r["lateness"], "p50_s") + " (median), " + micros(r["lateness"], "p99_s") +
                    " (p99), at most " + micros(r["lateness"], "max_s") + "; kernels began " + micros(r["dispatch"], "p50_s") + " (p99 " +
                    micros(r["dispatch"], "p99_s") + ") after their batch, batches ended " + micros(r["returned"], "p50_s") + " (p99 " +
                    micros(r["returned"], "p99_s") + ") after their kernel\n";
  for (const auto& [name, version] : r["backends"].items()) out += "real mode: backend " + name + ": " + version.get<std::string>() + '\n';
  const auto batches = r["failed_batches"].get<std::uint64_t>(), loads = r["failed_loads"].get<std::uint64_t>();
  if (batches + loads > 0)
    out += "real mode: " + std::to_string(batches) + " batches and " + std::to_string(loads) +
           " loads failed; the first said: " + r["first_failure"].get<std::string>() + '\n';
  return out;
}

}  // namespace tideline::real

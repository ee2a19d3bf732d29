#include "sim/executor/profiled.h"

namespace tideline {

namespace {

Duration transfer(std::int64_t bytes, double bytes_per_s) {
  return bytes_per_s > 0 ? from_seconds(static_cast<double>(bytes) / bytes_per_s) : Duration{};
}

}  // namespace

Duration ProfiledExecutor::expected_load(const LoadParts& parts) const {
  const Variant& v = catalog_[parts.variant];
  const Hardware& h = catalog_[v.hardware];
  Duration sum{};
  if (!parts.from_host) sum = transfer(v.artefact_bytes, parts.from_store ? h.store_bytes_per_s : h.disk_bytes_per_s);
  if (!h.unified_memory) sum += transfer(v.artefact_bytes, h.copy_bytes_per_s);
  if (parts.build) sum += v.load.build;
  if (parts.runtime_init) sum += v.load.runtime_init;
  return sum + v.load.first_run;
}

std::optional<double> ProfiledExecutor::load(const LoadRun& run) {
  const LoadParts& parts = run.parts;
  const Law& law = catalog_[parts.variant].load.law;
  if (law.is_deterministic()) return 1;
  KeyedDraw draw(seed_, Purpose::load, hash(parts.node.index(), parts.variant.index()), parts.nth);
  return law.sample(draw);
}

Duration ProfiledExecutor::expected_run(const BatchRun& run) const {
  return scaled(catalog_[run.variant].profile.latency(run.items, run.option), run.work * run.slowdown);
}

Duration ProfiledExecutor::run(InstanceId, const BatchRun& run) {
  const Law& law = catalog_[run.variant].service;
  if (law.is_deterministic()) return expected_run(run);
  KeyedDraw draw(seed_, Purpose::service, run.first_serial, (std::uint64_t{run.variant.index()} << 8) | run.first_attempt);
  return scaled(catalog_[run.variant].profile.latency(run.items, run.option), run.work * run.slowdown * law.sample(draw));
}

}  // namespace tideline

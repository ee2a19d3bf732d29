#include "policies/components/squishy_packing.h"

#include <algorithm>
#include <cmath>

namespace tideline {

namespace {

constexpr double rounding = 1e-3;  // of a query, as in the released code

double latency_s(const PackingSession& s, std::uint32_t batch) { return to_seconds(s.latency[batch]); }

/// Both on one device, or nothing where they do not fit.
PackedDevice joined(const PackedDevice& device, const PackedDevice& more, std::span<const PackingSession> sessions,
                    std::int64_t device_bytes) {
  PackedDevice out;
  out.cycle_s = std::min(device.cycle_s, more.cycle_s);
  double busy_s = 0;
  std::int64_t bytes = 0;
  for (const PackedDevice* part_of : {&device, &more})
    for (PackedDevice::Part p : part_of->parts) {
      const PackingSession& s = sessions[p.session];
      p.batch = std::max(1U, static_cast<std::uint32_t>(std::ceil(out.cycle_s * p.rate - rounding)));
      if (p.batch > saturating_batch(s)) return {};
      busy_s += latency_s(s, p.batch);
      bytes += s.memory_bytes;
      out.parts.push_back(p);
    }
  if (busy_s > out.cycle_s * (1 + 1e-9) || bytes > device_bytes) return {};
  out.occupancy = busy_s / out.cycle_s;
  return out;
}

}  // namespace

std::uint32_t saturating_batch(const PackingSession& s) {
  const auto largest = static_cast<std::uint32_t>(s.latency.size()) - 1;
  std::uint32_t b = largest;
  while (b > 0 && 2 * s.latency[b] > s.slo) --b;
  if (b == 0 && largest > 0 && s.latency[1] <= s.slo) return 1;
  return b;
}

std::vector<PackedDevice> pack_squishily(std::span<const PackingSession> sessions, std::int64_t device_bytes) {
  std::vector<PackedDevice> devices, residual;
  for (std::uint32_t k = 0; k < sessions.size(); ++k) {
    const PackingSession& s = sessions[k];
    const std::uint32_t full = saturating_batch(s);
    if (full == 0 || s.rate <= 0 || s.memory_bytes > device_bytes) continue;
    const double most = full / latency_s(s, full);
    const double whole = std::floor(s.rate / most + 1e-9);
    for (double n = 0; n < whole; ++n) devices.push_back({{{k, full, most}}, latency_s(s, full), 1});
    const double rate = s.rate - whole * most;
    if (rate <= 1e-9 * most) continue;
    const double slo_s = to_seconds(s.slo);
    std::uint32_t batch = full;
    while (batch > 0 && latency_s(s, batch) + batch / rate > slo_s) --batch;
    PackedDevice d;
    d.cycle_s = batch / rate;
    if (batch > 0 && latency_s(s, batch) > d.cycle_s) {
      // So small a batch does not carry the rate; the full one, one after the other, does.
      devices.push_back({{{k, full, rate}}, latency_s(s, full), 1});
      continue;
    }
    if (batch == 0) {
      batch = 1;
      d.cycle_s = std::max(slo_s - latency_s(s, 1), latency_s(s, 1));
    }
    d.parts.push_back({k, batch, rate});
    d.occupancy = latency_s(s, batch) / d.cycle_s;
    residual.push_back(std::move(d));
  }
  std::stable_sort(residual.begin(), residual.end(), [](const auto& a, const auto& b) { return a.occupancy > b.occupancy; });
  const std::size_t first_shared = devices.size();
  for (PackedDevice& r : residual) {
    PackedDevice best;
    std::size_t at = devices.size();
    for (std::size_t k = first_shared; k < devices.size(); ++k) {
      PackedDevice both = joined(devices[k], r, sessions, device_bytes);
      if (both.parts.empty() || both.occupancy <= best.occupancy) continue;
      best = std::move(both);
      at = k;
    }
    if (at < devices.size())
      devices[at] = std::move(best);
    else
      devices.push_back(std::move(r));
  }
  return devices;
}

}  // namespace tideline

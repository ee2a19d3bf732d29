// Device time, node time and what was held, as the cluster's accounts stand at an instant; differences give money and use.
#pragma once

#include "sim/model/cluster.h"
#include "sim/model/environment.h"

#include <cstdint>
#include <vector>

namespace tideline {

/// What `cost_usd` pays for: nodes while they are on, or the share of memory or cores that instances hold.
enum class Billing : std::uint8_t { nodes, held };

/// The accounts at one instant.
struct Accounts {
  struct Device {
    std::int64_t busy = 0, loading = 0, idle = 0;  ///< ns
    Area memory = 0, cores = 0;                    ///< bytes x ns and cores x ns held
  };
  Time at{};
  std::vector<Device> devices;
  std::vector<std::int64_t> node_on;     ///< ns, as billed
  std::vector<std::int64_t> node_power;  ///< ns that it draws power

  /// Before anything happened.
  explicit Accounts(const World& world)
      : devices(world.topology().devices.size()), node_on(world.topology().nodes.size()), node_power(world.topology().nodes.size()) {}
  /// Reads the accounts, which must be settled at `now`. Reuses the memory.
  void read(const Cluster& cluster, Time now);
};

/// The share of a device, 0 .. 1, that `held` bills: of memory, on partitioned devices of cores.
double held_share(const Hardware& hardware, double memory_bytes, double cores);
/// What provisioning cost between two instants, in US dollars, without transfer, while the prices of pools have these factors (empty: 1).
double provisioning_cost_usd(const World& world, Billing billing, const Accounts& from, const Accounts& to,
                             const std::vector<double>& pool_factor = {});

/// The same while prices change: sums up what each time of equal prices cost.
class Provisioning {
 public:
  Provisioning(const World& world, Billing billing) : world_(world), billing_(billing), since_(world) {}
  /// Counts from here on.
  void begin(const Accounts& at) { since_ = at, past_usd_ = 0; }
  /// Prices change.
  void change(const Accounts& at, const std::vector<double>& pool_factor) {
    past_usd_ = cost_usd(at);
    since_ = at;
    pool_factor_ = pool_factor;
  }
  double cost_usd(const Accounts& to) const { return past_usd_ + provisioning_cost_usd(world_, billing_, since_, to, pool_factor_); }

 private:
  const World& world_;
  Billing billing_;
  Accounts since_;
  double past_usd_ = 0;
  std::vector<double> pool_factor_;
};

}  // namespace tideline

// Jellyfish's two searches: which clients each device serves with the model that it holds, and which models devices hold.
#pragma once

#include "sim/core/random.h"
#include "sim/core/time.h"

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace tideline {

/// Clients of one task, and the models that devices can hold for it.
struct MappingProblem {
  /// A variant on a type of device.
  struct Model {
    std::uint32_t type = 0;
    double accuracy = 0;
    std::span<const Duration> latency{};  ///< of a batch, by items: 0 .. largest
    std::uint32_t copies = 1;             ///< on a device, at once
  };
  std::vector<std::uint32_t> devices;  ///< by type
  std::vector<Model> models;
  std::vector<double> rates;      ///< by client, items per second
  std::vector<Duration> budgets;  ///< by client and model: what the way leaves of the SLO; below 0: it may not use the model

  Duration budget(std::uint32_t client, std::uint32_t model) const { return budgets[client * models.size() + model]; }
};

struct MappingRules {
  std::uint32_t most_items = 12;  ///< of a batch
  double step = 5;                ///< items per second that rates are counted in
};

/// The largest batch that takes at most half the budget: a query may just miss one, and wait for all of it. No larger than where rates stop
/// to rise; 0: not even one item is in time.
std::uint32_t admissible_batch(std::span<const Duration> latency, Duration budget, const MappingRules& rules);

/// What one device takes of the clients that are left.
struct DeviceLoad {
  std::vector<std::uint32_t> clients;
  std::uint32_t batch = 0;
  double rate = 0;
};
/// A 0/1 knapsack: of all sets of clients one of the greatest rate that the device can serve in the batch that is admissible for all of
/// them. Rates are counted in steps, rounded up; the capacity is rounded down. A device of less than ten steps is counted in tenths of its
/// rate, which is ours.
DeviceLoad load_device(const MappingProblem& problem, std::uint32_t model, std::span<const std::uint32_t> clients,
                       const MappingRules& rules);

struct ClientMapping {
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  std::vector<std::uint32_t> model;    ///< by client; none: no device has room
  std::vector<std::uint32_t> batch;    ///< by model: the largest of its devices; 0: nobody is sent to it
  std::vector<std::uint32_t> devices;  ///< by model: with clients
  double share = 0;                    ///< of the load
  double accuracy = 0;                 ///< of what is mapped, on average
};
/// Devices in order of falling accuracy of what they hold, each filled in its turn. `held`: devices by model.
ClientMapping map_clients(const MappingProblem& problem, std::span<const std::uint32_t> held, const MappingRules& rules);

struct AdaptationRules {
  double threshold = 0.99;  ///< share of the load to map
  double hottest = 0.0125, coldest = 0.0005, cooling = 0.99;
};

/// Which models to hold, by simulated annealing: devices step down to less accurate models until enough of the load is mapped; then up and
/// down to where the mapped load is most accurate and no less than enough.
/// Source: Nigade et al., "Jellyfish: timely inference serving for dynamic edge networks", RTSS 2022.
class ModelAdaptation {
 public:
  ModelAdaptation(const MappingProblem& problem, const MappingRules& mapping, const AdaptationRules& rules);

  /// From what devices hold, by model; of a type those that hold nothing yet begin with the most accurate. Where stepping
  /// down from there does not map enough, it is tried from the most accurate everywhere too, and then with steps up, which is ours: clients
  /// may have floors. Answers devices by model.
  std::vector<std::uint32_t> adapt(std::span<const std::uint32_t> held, Stream& stream);
  /// The mapping of what `adapt` answered.
  ClientMapping mapping(std::span<const std::uint32_t> held) const { return map_clients(problem_, held, mapping_); }
  /// Different sets of models that were mapped.
  std::uint32_t mapped() const { return static_cast<std::uint32_t>(known_.size()); }
  bool is_enough(double share) const { return share >= rules_.threshold - 1e-12; }

 private:
  struct Worth {
    double share = 0, accuracy = 0;
  };
  struct Device {
    std::uint32_t type = 0, level = 0;  ///< place among the models of its type, the least accurate first
  };
  using State = std::vector<Device>;

  std::vector<std::uint32_t> models_of(const State& state) const;
  Worth worth(const State& state);
  /// Steps down, and up by at most `most_up`, until enough is mapped; where that never is, to where most was.
  State make_room(State now, int most_up, Stream& stream);
  State propose(const State& state, int most_up, Stream& stream) const;
  bool accepts_loss(double loss, double temperature, Stream& stream) const;

  const MappingProblem& problem_;
  MappingRules mapping_;
  AdaptationRules rules_;
  std::vector<std::vector<std::uint32_t>> ladder_;     // models by type, the least accurate first
  std::map<std::vector<std::uint32_t>, Worth> known_;  // by devices of each model
};

}  // namespace tideline

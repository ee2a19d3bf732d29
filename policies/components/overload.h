// How much of the load to shed, by how busy the devices were, and whom first.
#pragma once

#include "sim/core/param.h"
#include "sim/policy/view.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tideline {

/// The parameters of policies that follow utilization. Their own derive from it and declare these too, with std::tuple_cat.
struct OverloadParams {
  enum class Utilization : std::uint8_t { busy, capacity };
  Utilization utilization = Utilization::busy;
  double target = 0.9;
  double proportional = 0.5, difference = 0.1;
  Duration interval = 1s;

  static constexpr auto declare_overload() {
    return param::fields(
        param::choice("utilization", &OverloadParams::utilization,
                      "Share of the devices' time that batches took, or would have taken had they been the largest: where batches are not "
                      "full, busy devices could serve more.",
                      {{"busy", Utilization::busy}, {"capacity", Utilization::capacity}}),
        param::field("target", &OverloadParams::target, "Utilization to hold.", {0.01, 1}),
        param::field("proportional", &OverloadParams::proportional, "Share of the error that is added each interval.", {0, 10}),
        param::field("difference", &OverloadParams::difference, "Share of the error's change that is added each interval.", {0, 10}),
        param::field("interval_s", &OverloadParams::interval, "Time between two measurements.", {0.001, 3600}));
  }
};

/// p = clamp(p + proportional e + difference (e - e before), 0, most), e = utilization - target.
class OverloadController {
 public:
  OverloadController(const OverloadParams& params, double most) : params_(params), most_(most) {}
  void measure(double utilization) {
    const double e = utilization - params_.target;
    value_ = std::clamp(value_ + params_.proportional * e + params_.difference * (e - before_), 0.0, most_);
    before_ = e;
  }
  double value() const { return value_; }

 private:
  OverloadParams params_;
  double most_, before_ = 0, value_ = 0;
};

/// Share of the time of the devices that hold warm instances that batches took which ended between two rounds, or would have taken: instances
/// of partitioned devices count by the cores that they hold. A device without instances serves nobody, so that it has
/// nothing to do says nothing of those that others wait for.
class BusyShare {
 public:
  BusyShare(const World& world, OverloadParams::Utilization utilization)
      : utilization_(utilization), last_(world.groups().size()), holds_(world.topology().devices.size()) {}
  double end_window(ClusterView view) {
    const World& world = view.world();
    double busy = 0, up = 0;
    std::fill(holds_.begin(), holds_.end(), char{0});
    for (std::size_t k = 0; k < last_.size(); ++k) {
      const GroupId g{k};
      const GroupRow& row = view.group(g);
      for (const InstanceId i : row.members)
        if (view.instance(i).phase != Phase::starting) holds_[view.instance(i).device.index()] = 1;
      const Time at = view.now() - view.age(world[g].site);
      State& last = last_[k];
      if (at <= last.at) continue;  // the board is still the same
      const Variant& v = world[world[g].variant];
      const double cores = world.catalog()[v.hardware].sharing == Sharing::partitioned ? v.profile.cores()[row.option] : 1;
      const std::uint32_t largest = std::clamp(row.batch_cap, 1U, v.profile.max_items());
      const double took =
          utilization_ == OverloadParams::Utilization::busy
              ? to_seconds(row.counters.busy - last.busy)
              : static_cast<double>(row.counters.items - last.items) * to_seconds(v.profile.latency(largest, row.option)) / largest;
      busy += took * cores / to_seconds(at - last.at);
      last = {at, row.counters.busy, row.counters.items};
    }
    for (std::size_t d = 0; d < world.topology().devices.size(); ++d) {
      const Hardware& h = world.catalog()[world.topology().devices[d].hardware];
      if (holds_[d] != 0 && view.device(DeviceId{d}).up) up += h.sharing == Sharing::partitioned ? h.cores : h.concurrent_batches;
    }
    return up > 0 ? busy / up : 0;
  }

 private:
  struct State {
    Time at{};
    Duration busy{};
    std::uint64_t items = 0;
  };
  OverloadParams::Utilization utilization_;
  std::vector<State> last_;  // by group
  std::vector<char> holds_;  // by device: warm instances
};

/// Sheds a share of the queries, those of the lowest priority first, by how many of each came in the last interval.
class LowestFirst {
 public:
  explicit LowestFirst(const World& world) {
    for (const QueryClass& c : world.classes())
      if (std::find(priorities_.begin(), priorities_.end(), c.priority) == priorities_.end()) priorities_.push_back(c.priority);
    std::sort(priorities_.begin(), priorities_.end());
    counts_.resize(priorities_.size());
    probabilities_.resize(priorities_.size());
  }
  /// Counts a query; the probability with which it is to be shed.
  double probability(const QueryClass& c) {
    const auto k = static_cast<std::size_t>(std::lower_bound(priorities_.begin(), priorities_.end(), c.priority) - priorities_.begin());
    ++counts_[k];
    return probabilities_[k];
  }
  /// The interval is over: from now on `share` of all is to be shed.
  void shed(double share) {
    std::uint64_t all = 0;
    for (const std::uint64_t n : counts_) all += n;
    double left = share * static_cast<double>(all);
    for (std::size_t k = 0; k < counts_.size(); ++k) {
      const auto n = static_cast<double>(counts_[k]);
      // Nobody of it came: those who come now are few.
      probabilities_[k] = n > 0 ? std::clamp(left / n, 0.0, 1.0) : left > 0 || (all == 0 && share > 0) ? 1.0 : 0.0;
      left = std::max(0.0, left - n);
      counts_[k] = 0;
    }
  }

 private:
  std::vector<std::int32_t> priorities_;  // ascending
  std::vector<std::uint64_t> counts_;
  std::vector<double> probabilities_;
};

}  // namespace tideline

#include "policies/builtin.h"
#include "policies/components/batch_size.h"
#include "policies/components/residents.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace tideline {

namespace {

/// Learns for each instance the largest batch that takes at most a target: by additive increase and multiplicative decrease, or from a line
/// through what its batches took. Clipper's adaptive batching (policy B5; Crankshaw et al., "Clipper: a low-latency online prediction
/// serving system", NSDI 2017, section 4.3.1). Work conserving, unless `wait_s` lets a batch wait for others (delayed batching there).
///
/// A free instance starts what is there, up to its cap, which begins at 1. Form aimd: a full batch in time adds `increase`, one too late
/// multiplies by `decrease`, rounded down; a batch below the cap tells nothing about it. Form estimator: least squares of time over items
/// in the last 64 batches, raised by the 99th percentile (nearest rank) of what they took beyond the line; the cap is the largest batch
/// below the target, at most twice the largest seen. Until two sizes are known it goes as aimd does. The paper fits the percentile itself
/// (quantile regression); the window and the bound are ours.
class Aimd final : public BatchingPolicy, public Observer {
 public:
  enum class Form : std::uint8_t { aimd, estimator };
  struct Params {
    Duration target = 100ms;
    Form form = Form::aimd;
    std::uint32_t increase = 1;
    double decrease = 0.9;
    Duration wait{};
    static constexpr auto declare() {
      return param::fields(
          param::field("target_s", &Params::target, "Longest time that a batch may take.", {1e-9, 3600}, param::required),
          param::choice("form", &Params::form, "How the cap is found.", {{"aimd", Form::aimd}, {"estimator", Form::estimator}}),
          param::field("increase", &Params::increase, "Items that a full batch in time adds to the cap.", {1, 1e6}),
          param::field("decrease", &Params::decrease, "Factor of the cap after a batch that took too long.", {0, 1}),
          param::field("wait_s", &Params::wait, "Longest wait of the first of a line for a batch of the cap.", {0, 3600}));
    }
  };
  Aimd(const Params& params, const Setup& setup) : params_(params), states_(*setup.world) {}

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = false, .batches = true, .instances = true, .visits = false}; }

  Batch form(InstanceId i, const LineView& line, ClusterView view) override {
    Batch b;
    if (line.front().items() > most_items(view, i)) {
      b.drop = 1;
      b.reason = too_large;
      return b;
    }
    State& s = states_[i];
    const std::uint32_t cap = std::min(s.cap, batch_cap(view, i));
    const BatchSize size = longest_batch(line, cap);
    const bool full = size.items >= cap || size.visits < line.size();
    if (!full && params_.wait > Duration{}) {
      const Time due = later(line.head_joined(), params_.wait);
      if (view.now() < due) {
        b.retry = due;
        return b;
      }
    }
    s.items = size.items;
    s.full = size.items >= cap;
    b.take = size.visits;
    b.reason = full ? at_cap : all;
    return b;
  }

  void batch_done(InstanceId i, std::uint32_t, Duration took, ClusterView view) override {
    State& s = states_[i];
    if (s.items == 0) return;
    const std::uint32_t most = batch_cap(view, i);
    s.cap = std::min(s.cap, most);
    if (params_.form == Form::estimator) {
      s.seen[s.batches++ % window] = {static_cast<double>(s.items), to_seconds(took)};
      if (const double cap = estimate(s); cap >= 0) {
        s.cap = static_cast<std::uint32_t>(std::clamp(cap, 1.0, static_cast<double>(most)));
        return;
      }
    }
    if (!s.full) return;
    if (took <= params_.target)
      s.cap = std::min(s.cap + params_.increase, most);
    else
      s.cap = std::max(1U, static_cast<std::uint32_t>(params_.decrease * s.cap + 1e-9));
  }

  void instance_changed(InstanceId i, Phase phase, ClusterView) override {
    if (phase == Phase::starting) states_[i] = State{};
  }

 private:
  enum : Reason { waits, at_cap, all, too_large };
  static constexpr std::array<std::string_view, 4> names{"waits", "cap", "all", "too_large"};
  static constexpr std::size_t window = 64;

  struct Sample {
    double items = 0, seconds = 0;
  };
  /// Of an instance.
  struct State {
    std::uint32_t cap = 1;
    std::uint32_t items = 0;  // of the batch that runs
    bool full = false;        // it is as large as the cap allowed
    std::size_t batches = 0;
    std::array<Sample, window> seen{};  // a ring
  };

  /// The largest batch that would take at most the target; below 0: not known yet.
  double estimate(const State& s) const {
    const auto samples = std::span(s.seen).first(std::min(s.batches, window));
    const auto n = static_cast<double>(samples.size());
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0, largest = 0;
    for (const Sample& k : samples) {
      mean_x += k.items / n;
      mean_y += k.seconds / n;
      largest = std::max(largest, k.items);
    }
    for (const Sample& k : samples) {
      xx += (k.items - mean_x) * (k.items - mean_x);
      xy += (k.items - mean_x) * (k.seconds - mean_y);
    }
    if (xx < 1e-9) return -1;
    const double slope = xy / xx, start = mean_y - slope * mean_x;
    std::array<double, window> beyond;
    for (std::size_t k = 0; k < samples.size(); ++k) beyond[k] = samples[k].seconds - start - slope * samples[k].items;
    const auto rank = static_cast<std::ptrdiff_t>(std::ceil(0.99 * n)) - 1;
    std::nth_element(beyond.begin(), beyond.begin() + rank, beyond.begin() + static_cast<std::ptrdiff_t>(samples.size()));
    // In whole nanoseconds the target may be met exactly.
    const double left = to_seconds(params_.target) - start - beyond[static_cast<std::size_t>(rank)] + 1e-9;
    if (slope <= 0) return left >= 0 ? 2 * largest : 1;
    return std::max(1.0, std::floor(std::min(left / slope, 2 * largest)));
  }

  Params params_;
  InstanceTable<State> states_;
};

}  // namespace

PolicyDefinition aimd() {
  return define<Aimd>(
      "aimd", "Learns the largest batch that meets a target from what batches took, as Clipper does.",
      {Provenance::our_reading, R"(Crankshaw et al., "Clipper: a low-latency online prediction serving system", NSDI 2017)"});
}

}  // namespace tideline

// Renewal arrivals: gaps of a law with a coefficient of variation, at a constant rate or at one that ramps, spikes or follows a crowd.
#pragma once

#include "sim/core/param.h"
#include "sim/core/random.h"
#include "sim/model/arrival.h"

#include <memory>
#include <utility>
#include <vector>

namespace tideline {

enum class GapFamily : std::uint8_t { gamma, weibull };

/// Gaps with mean 1 and a coefficient of variation; 1 is the exponential law in both families.
class UnitGaps {
 public:
  /// `cv` in 0.05 .. 50.
  UnitGaps(GapFamily family, double cv);
  double next(Stream& stream) const;
  /// From an instant that knows nothing of the gaps to the end of the one around it.
  double first(Stream& stream) const;

 private:
  double draw(double shape, Stream& stream) const;

  GapFamily family_;
  double shape_, scale_;
};

/// Parameters of sources `gamma` and `weibull`.
struct RenewalParams {
  double rate_qps = 0;    ///< mean rate; required
  double cv = 1;          ///< standard deviation over mean of the gaps
  double rate_scale = 1;  ///< factor on rate_qps, > 0

  static constexpr auto declare() {
    return param::fields(
        param::field("rate_qps", &RenewalParams::rate_qps, "Mean rate in queries per second.", {1e-9, 1e9}, param::required),
        param::field("cv", &RenewalParams::cv, "Coefficient of variation of the gaps; 1: Poisson arrivals.", {0.05, 50}));
  }
};
struct GammaParams : RenewalParams {};
struct WeibullParams : RenewalParams {};

/// Parameters of source `ramp`: the rate goes from one level to another on a straight line and stays there.
struct RampParams {
  double from_qps = 0, to_qps = 0;
  Duration at{}, over{};
  double cv = 1;
  double rate_scale = 1;

  static constexpr auto declare() {
    return param::fields(
        param::field("from_qps", &RampParams::from_qps, "Rate before the ramp in queries per second.", {0, 1e9}, param::required),
        param::field("to_qps", &RampParams::to_qps, "Rate after the ramp in queries per second.", {0, 1e9}, param::required),
        param::field("at_s", &RampParams::at, "When the ramp begins.", {0, 3e9}),
        param::field("over_s", &RampParams::over, "How long it takes; 0: a step.", {0, 3e9}),
        param::field("cv", &RampParams::cv, "Coefficient of variation of the gaps at a constant rate.", {0.05, 50}));
  }
};

/// Parameters of source `spike`: for a time the rate is another one; perhaps again and again.
struct SpikeParams {
  double base_qps = 0, peak_qps = 0;
  Duration at{}, length{60s}, every{};
  double cv = 1;
  double rate_scale = 1;

  static constexpr auto declare() {
    return param::fields(
        param::field("base_qps", &SpikeParams::base_qps, "Rate outside of spikes in queries per second.", {0, 1e9}, param::required),
        param::field("peak_qps", &SpikeParams::peak_qps, "Rate in a spike in queries per second.", {0, 1e9}, param::required),
        param::field("at_s", &SpikeParams::at, "When the first spike begins.", {0, 3e9}),
        param::field("for_s", &SpikeParams::length, "Length of a spike.", {1e-3, 3e9}),
        param::field("every_s", &SpikeParams::every, "From the start of a spike to that of the next; 0: there is one.", {0, 3e9}),
        param::field("cv", &SpikeParams::cv, "Coefficient of variation of the gaps at a constant rate.", {0.05, 50}));
  }
};

/// Parameters of source `flash_crowd`: a steep rise on a straight line, a plateau, and an exponential decay, the phases of the model of
/// Ari, Hong, Miller, Brandt and Long (Managing flash crowds on the Internet, MASCOTS 2003, doi:10.1109/MASCOT.2003.1240667).
struct FlashCrowdParams {
  double base_qps = 0, peak_qps = 0;
  Duration at{}, rise{60s}, hold{}, decay{600s};
  double cv = 1;
  double rate_scale = 1;

  static constexpr auto declare() {
    return param::fields(
        param::field("base_qps", &FlashCrowdParams::base_qps, "Rate before the crowd in queries per second.", {0, 1e9}, param::required),
        param::field("peak_qps", &FlashCrowdParams::peak_qps, "Highest rate in queries per second.", {0, 1e9}, param::required),
        param::field("at_s", &FlashCrowdParams::at, "When the rise begins.", {0, 3e9}),
        param::field("rise_s", &FlashCrowdParams::rise, "How long the rise takes.", {0, 3e9}),
        param::field("hold_s", &FlashCrowdParams::hold, "How long the highest rate lasts.", {0, 3e9}),
        param::field("decay_s", &FlashCrowdParams::decay, "Time in which what is above the base falls to 1/e.", {1e-3, 3e9}),
        param::field("cv", &FlashCrowdParams::cv, "Coefficient of variation of the gaps at a constant rate.", {0.05, 50}));
  }
};

// Each never ends, unless its rate stays 0, and throws `std::invalid_argument` naming a parameter out of range. Where the rate is not
// constant, a renewal process of mean gap 1 runs on a clock that goes as fast as the rate. The process is stationary: time 0 is no
// arrival.
std::unique_ptr<ArrivalSource> make_gamma(const GammaParams& params, Stream stream);
std::unique_ptr<ArrivalSource> make_weibull(const WeibullParams& params, Stream stream);
std::unique_ptr<ArrivalSource> make_ramp(const RampParams& params, Stream stream);
std::unique_ptr<ArrivalSource> make_spike(const SpikeParams& params, Stream stream);
std::unique_ptr<ArrivalSource> make_flash_crowd(const FlashCrowdParams& params, Stream stream);

}  // namespace tideline

// Poisson arrivals whose rate follows the hours of the day.
#pragma once

#include "sim/core/param.h"
#include "sim/core/random.h"
#include "sim/model/arrival.h"

#include <memory>
#include <vector>

namespace tideline {

/// Parameters of source `diurnal`. The default shape is that of ServeGen's m-small clients: highest rate 2.2 times the lowest, at 20 h.
struct DiurnalParams {
  double mean_qps = 0;          ///< mean rate over a day in queries per second; required; product with rate_scale in (0, 1e9]
  double peak_to_trough = 2.2;  ///< highest rate over lowest rate of the sinusoid, 1 .. 1e6; 1 is a constant rate
  double peak_hour = 20;        ///< hour of the highest rate of the sinusoid, 0 .. 24; time 0 is local midnight
  /// Empty, or 24 relative rates >= 0, not all 0, that replace the sinusoid (peak_to_trough and peak_hour are then not used).
  /// Entry k is the rate at the middle of hour k, k:30; between the middles the rate is linear, also from 23:30 to 00:30.
  /// They are scaled to mean 1.
  std::vector<double> hourly = {};
  double rate_scale = 1;  ///< factor on mean_qps, > 0

  static constexpr auto declare() {
    return param::fields(
        param::field("mean_qps", &DiurnalParams::mean_qps, "Mean rate over a day in queries per second.", {1e-9, 1e9}, param::required),
        param::field("peak_to_trough", &DiurnalParams::peak_to_trough, "Highest rate of the day over the lowest.", {1, 1e6}),
        param::field("peak_hour", &DiurnalParams::peak_hour, "Hour of the highest rate; time 0 is local midnight.", {0, 24}),
        param::field("hourly", &DiurnalParams::hourly,
                     "24 relative rates at the middles of the hours, linear between, in place of the sinusoid.", {0, 1e12}));
  }
};

/// Non-homogeneous Poisson arrivals, every day alike; never ends. Made by inversion of the integrated rate, so that with the same
/// stream a higher mean_qps meets the same fate faster. Throws `std::invalid_argument` naming a parameter out of range.
std::unique_ptr<ArrivalSource> make_diurnal(const DiurnalParams& params, Stream stream);

}  // namespace tideline

// Arrivals of one or several tenants whose rate follows the day and the week and varies at random: what `tideline trace fit` writes.
#pragma once

#include "sim/core/param.h"
#include "sim/core/random.h"
#include "sim/model/arrival.h"

#include <memory>
#include <string>
#include <vector>

namespace tideline {

/// Parameters of source `modulated`.
struct ModulatedParams {
  double mean_qps = 0;
  std::vector<double> hourly = {};    ///< empty, or 24 relative rates at k:30, linear between
  std::vector<double> weekdays = {};  ///< empty, or 7 factors, of the first day and on
  double phase_s = 0;                 ///< what the time of day is at time 0
  double fast_cv = 0, fast_s = 10;    ///< of a factor on the rate: its spread, and how long it remembers
  double slow_cv = 0, slow_s = 3600;  ///< of another
  double cv = 1;                      ///< of the gaps, where there are no tenants
  std::vector<double> tenant_shares = {}, tenant_cvs = {};
  std::vector<std::string> tenants = {};  ///< names, for people
  double rate_scale = 1;

  static constexpr auto declare() {
    return param::fields(
        param::field("mean_qps", &ModulatedParams::mean_qps, "Mean rate over a week in queries per second.", {1e-9, 1e9}, param::required),
        param::field("hourly", &ModulatedParams::hourly,
                     "24 relative rates at the middles of the hours, linear between; none: the same all day.", {0, 1e12}),
        param::field("weekdays", &ModulatedParams::weekdays, "7 relative rates of days, from that of time 0 on; none: all days alike.",
                     {0, 1e12}),
        param::field("phase_s", &ModulatedParams::phase_s, "Time of day at time 0: shifts the daily shape.", {0, 86400}),
        param::field("fast_cv", &ModulatedParams::fast_cv, "Coefficient of variation of a random factor on the rate that changes fast.",
                     {0, 20}),
        param::field("fast_s", &ModulatedParams::fast_s, "Time in which it forgets: its autocorrelation falls to about 1/e.", {0.01, 1e8}),
        param::field("slow_cv", &ModulatedParams::slow_cv, "Coefficient of variation of a second factor, which changes slowly.", {0, 20}),
        param::field("slow_s", &ModulatedParams::slow_s, "Time in which it forgets.", {0.01, 1e8}),
        param::field("cv", &ModulatedParams::cv, "Coefficient of variation of gaps at a constant rate, where there are no tenants.",
                     {0.05, 50}),
        param::field("tenant_shares", &ModulatedParams::tenant_shares, "Share of the rate of each tenant; none: there is one tenant.",
                     {0, 1e12}),
        param::field("tenant_cvs", &ModulatedParams::tenant_cvs, "Coefficient of variation of the gaps of each tenant.", {0.05, 50}),
        param::field("tenants", &ModulatedParams::tenants, "Names of the tenants, in the order of their shares."));
  }
};

/// Never ends. The rate at t is mean_qps x shape(t) x two independent log-normal factors of mean 1, each exp of a stationary Gaussian
/// process of first order, held for an eighth of its memory (at least 10 ms, and both in common steps). Queries of a tenant are gamma
/// renewals on a clock that goes as fast as the rate. The random factors cost a draw a step, whatever the rate.
/// Throws `std::invalid_argument` naming a parameter.
std::unique_ptr<ArrivalSource> make_modulated(const ModulatedParams& params, Stream stream);

}  // namespace tideline

// The standard normal distribution function and its inverse.
#pragma once

namespace tideline {

/// P(Z <= x) for a standard normal Z.
double normal_cdf(double x);
/// x with P(Z <= x) = p; -infinity at p <= 0 and +infinity at p >= 1.
double normal_quantile(double p);

}  // namespace tideline

#include "sim/core/normal.h"

#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <limits>

namespace tideline {

double normal_cdf(double x) { return 0.5 * std::erfc(-x * 0.70710678118654752440); }

double normal_quantile(double p) {
  if (p <= 0) return -std::numeric_limits<double>::infinity();
  if (p >= 1) return std::numeric_limits<double>::infinity();
  // Without promotion to long double, which not every machine (or emulator) has in full.
  using Doubles = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  return -1.41421356237309504880 * boost::math::erfc_inv(2 * p, Doubles{});
}

}  // namespace tideline

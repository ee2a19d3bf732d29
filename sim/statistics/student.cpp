#include "sim/statistics/student.h"

#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace tideline::statistics {
namespace {

// Without promotion to long double, which not every machine (or emulator) has in full.
using Doubles = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
using Central = boost::math::students_t_distribution<double, Doubles>;
using Noncentral = boost::math::non_central_t_distribution<double, Doubles>;

}  // namespace

double student_cdf(double df, double t) { return boost::math::cdf(Central(df), t); }

double student_quantile(double df, double p) { return boost::math::quantile(Central(df), p); }

double student_power(double df, double shift, double t) {
  if (shift == 0) return 2 * student_cdf(df, -t);
  const Noncentral law(df, shift);
  return boost::math::cdf(boost::math::complement(law, t)) + boost::math::cdf(law, -t);
}

}  // namespace tideline::statistics

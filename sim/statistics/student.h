// Student's t distribution, central and not.
#pragma once

namespace tideline::statistics {

/// P(T <= t) with `df` > 0 degrees of freedom.
double student_cdf(double df, double t);
/// t with P(T <= t) = p, 0 < p < 1.
double student_quantile(double df, double p);
/// P(|T| > t) of a noncentral t with noncentrality `shift` >= 0.
double student_power(double df, double shift, double t);

}  // namespace tideline::statistics

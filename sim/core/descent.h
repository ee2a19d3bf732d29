// A minimum of few positive numbers, without derivatives.
#pragma once

#include <cmath>
#include <initializer_list>

namespace tideline {

/// How far a descent steps, and when it ends.
struct DescentSteps {
  double first = 2;     ///< factor, above 1
  double last = 1.001;  ///< it ends when the step is no larger
  double gain = 1e-9;   ///< least relative decrease that counts
};

/// Coordinate descent on the logarithms of positive members of `x` (Hooke and Jeeves's exploratory moves, doi:10.1145/321062.321069): each is
/// multiplied and divided by the step as long as `misfit(x)` falls, then the step becomes its square root. Ends in a local minimum; a
/// member that is 0 stays 0.
template <class T, class Misfit>
T descend(T x, std::initializer_list<double T::*> members, const Misfit& misfit, const DescentSteps& steps) {
  double least = misfit(x);
  for (double step = steps.first; step > steps.last; step = std::sqrt(step))
    for (bool moved = true; moved;) {
      moved = false;
      for (double T::*member : members)
        for (const double by : {step, 1 / step}) {
          T other = x;
          other.*member *= by;
          if (const double now = misfit(other); now < least * (1 - steps.gain)) {
            x = other;
            least = now;
            moved = true;
          }
        }
    }
  return x;
}

}  // namespace tideline

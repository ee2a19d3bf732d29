// METRIC=VALUE of a command line.
#pragma once

#include <string>

namespace tideline {

struct MetricValue {
  std::string metric;
  double value = 0;
  bool relative = false;  ///< it was given in percent, and is a share
};
/// `METRIC=VALUE` or `METRIC=VALUE%` with a value above 0. Throws InputError that names `option`.
MetricValue read_metric_value(const std::string& option, const std::string& text);

}  // namespace tideline

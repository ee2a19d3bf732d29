// What an experiment varies: axes, each with values that are layers on a scenario; points that take one value of each axis; seeds of
// replications. Shared by sweep, compare and capacity.
#pragma once

#include "sim/policy/registry.h"
#include "src/scenario_layers.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// What one value of an axis is called, and what it puts on a scenario.
struct AxisValue {
  std::string label;
  std::vector<Layer> layers;
};

struct Axis {
  std::string name;
  std::vector<AxisValue> values;  ///< at least one; no two with the same label
};

/// The axis `name` over `values` as texts. `name` is `system`, `load`, `trace`, `with`, a kind of policy (`selection`, ..., `joint`), or a
/// JSON pointer as of `--set`. Throws InputError, with the nearest name.
Axis make_axis(const std::string& name, const std::vector<std::string>& values);

/// `NAME=VALUE,VALUE,...` or `NAME=FIRST:LAST:STEP` of a command line. Of a kind of policy a part `PARAM=VALUE` belongs to the policy
/// before it: `dispatch=power_of_d,d=3,round_robin` has two values. Throws InputError.
Axis parse_axis(const std::string& text);

/// FIRST, FIRST + STEP, ... up to LAST, as shortest texts. Throws InputError where there are none or more than 10,000.
std::vector<std::string> range_of(double first, double last, double step);

/// One value of each axis, by position.
using Point = std::vector<std::size_t>;

/// All points, the last axis fastest; `zipped`: the k-th values of all axes together. Throws InputError where axes that are zipped have
/// different lengths, two axes have one name, or the points are more than a million.
std::vector<Point> points_of(std::span<const Axis> axes, bool zipped);

/// `selection=infaas load=0.5`; of no axes `base`.
std::string label_of(std::span<const Axis> axes, const Point& point);
std::vector<Layer> layers_of(std::span<const Axis> axes, const Point& point);
/// The point that reads the same files: axes whose values name none are at their first value.
Point reading_of(std::span<const Axis> axes, const Point& point);

/// The seed of a replication, from 0; the first has the scenario's own, so that it is the run that `tideline run` makes.
std::uint64_t replication_seed(std::uint64_t seed, std::uint64_t replication);

}  // namespace tideline

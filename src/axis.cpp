#include "src/axis.h"

#include "sim/core/nearest.h"
#include "sim/core/random.h"
#include "sim/core/text.h"
#include "src/errors.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

namespace tideline {

namespace {

constexpr std::size_t most_values = 10'000, most_points = 1'000'000;

bool is_policy_kind(std::string_view name) {
  if (name == "joint") return true;
  for (std::size_t k = 0; k < policy_kinds; ++k)
    if (name == to_string(static_cast<PolicyKind>(k))) return true;
  return false;
}

Layer layer_of(const std::string& axis, const std::string& value) {
  if (axis.starts_with('/')) return {LayerKind::set, axis + "=" + value};
  if (is_policy_kind(axis)) return {LayerKind::policy, axis + "=" + value};
  for (const LayerOption& o : layer_options)
    if (axis == o.name && o.kind != LayerKind::set && o.kind != LayerKind::policy && o.kind != LayerKind::seed) return {o.kind, value};
  std::vector<std::string> names{"system", "load", "trace", "with", "joint"};
  for (std::size_t k = 0; k < policy_kinds; ++k) names.emplace_back(to_string(static_cast<PolicyKind>(k)));
  throw InputError("unknown axis " + in_quotes(axis) + suggestion(axis, names) +
                   (axis == "seed" ? " (seeds are drawn: one for each replication)" : " (a JSON pointer begins with /)"));
}

std::optional<double> number(std::string_view text) {
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(x)) return std::nullopt;
  return x;
}

/// Whether a value may name a file, or change which files are named.
bool names_files(const AxisValue& value) {
  return std::any_of(value.layers.begin(), value.layers.end(), [](const Layer& l) {
    return l.kind == LayerKind::with || l.kind == LayerKind::system || l.kind == LayerKind::trace ||
           (l.kind == LayerKind::set && l.value.find('"') != std::string::npos);
  });
}
}  // namespace

std::vector<std::string> range_of(double first, double last, double step) {
  const double steps = (last - first) / step;
  if (!(step != 0) || !std::isfinite(steps) || steps < 0)
    throw InputError("the range from " + to_text(first) + " to " + to_text(last) + " in steps of " + to_text(step) + " has no end");
  // The last value is meant to be in it, whatever rounding makes of it.
  const double count = std::floor(steps + 1e-9) + 1;
  if (count > static_cast<double>(most_values)) throw InputError("a range of " + to_text(count) + " values: at most 10000");
  std::vector<std::string> out;
  for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) {
    // To 12 digits: 0.1 * 3 is called 0.3.
    const double x = first + static_cast<double>(k) * step, scale = std::pow(10, 12 - std::ceil(std::log10(std::max(std::abs(x), 1e-300))));
    out.push_back(to_text(x == 0 || !std::isfinite(scale) ? x : std::round(x * scale) / scale));
  }
  return out;
}

Axis make_axis(const std::string& name, const std::vector<std::string>& values) {
  Axis axis{name, {}};
  std::set<std::string> seen;
  for (const std::string& v : values) {
    AxisValue value{v, {layer_of(name, v)}};
    if (v.empty()) throw InputError("axis " + in_quotes(name) + " has an empty value");
    if (!seen.insert(v).second) throw InputError("axis " + in_quotes(name) + " has the value " + in_quotes(v) + " twice");
    axis.values.push_back(std::move(value));
  }
  if (axis.values.empty()) {
    (void)layer_of(name, "");
    throw InputError("axis " + in_quotes(name) + " has no values");
  }
  return axis;
}

Axis parse_axis(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    throw InputError("--axis " + text + ": expected NAME=VALUE,VALUE,... or NAME=FIRST:LAST:STEP, such as system=infaas,persist_all");
  const std::string name = text.substr(0, equals), values = text.substr(equals + 1);
  try {
    if (values.empty()) return make_axis(name, {});
    std::vector<std::string> list;
    for (const std::string& part : split_at_commas(values)) {
      if (is_policy_kind(name) && !list.empty() && part.find('=') != std::string::npos) {
        list.back() += "," + part;
        continue;
      }
      const auto one = part.find(':'), two = one == std::string::npos ? one : part.find(':', one + 1);
      if (two != std::string::npos) {
        const auto first = number(part.substr(0, one)), last = number(part.substr(one + 1, two - one - 1)),
                   step = number(part.substr(two + 1));
        if (first && last && step) {
          for (auto& x : range_of(*first, *last, *step)) list.push_back(std::move(x));
          continue;
        }
      }
      list.push_back(part);
    }
    return make_axis(name, list);
  } catch (const InputError& e) {
    throw InputError("--axis " + text + ": " + e.what());
  }
}

std::vector<Point> points_of(std::span<const Axis> axes, bool zipped) {
  std::set<std::string_view> names;
  std::size_t count = 1;
  for (const Axis& a : axes) {
    if (!names.insert(a.name).second) throw InputError("two axes are called " + in_quotes(a.name));
    if (zipped && a.values.size() != axes[0].values.size())
      throw InputError("zipped axes need as many values each: " + in_quotes(axes[0].name) + " has " +
                       std::to_string(axes[0].values.size()) + ", " + in_quotes(a.name) + " has " + std::to_string(a.values.size()));
    count = zipped ? a.values.size() : count * a.values.size();
    if (count > most_points) throw InputError("the axes have more than a million points");
  }
  std::vector<Point> out(count, Point(axes.size()));
  for (std::size_t p = 0; p < count; ++p) {
    std::size_t rest = p;
    for (std::size_t a = axes.size(); a-- > 0;) {
      out[p][a] = zipped ? p : rest % axes[a].values.size();
      rest /= axes[a].values.size();
    }
  }
  return out;
}

std::string label_of(std::span<const Axis> axes, const Point& point) {
  std::string out;
  for (std::size_t a = 0; a < axes.size(); ++a) out += (a > 0 ? " " : "") + axes[a].name + "=" + axes[a].values[point[a]].label;
  return axes.empty() ? "base" : out;
}

std::vector<Layer> layers_of(std::span<const Axis> axes, const Point& point) {
  std::vector<Layer> out;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const auto& layers = axes[a].values[point[a]].layers;
    out.insert(out.end(), layers.begin(), layers.end());
  }
  return out;
}

Point reading_of(std::span<const Axis> axes, const Point& point) {
  Point out = point;
  for (std::size_t k = 0; k < out.size(); ++k)
    if (std::none_of(axes[k].values.begin(), axes[k].values.end(), names_files)) out[k] = 0;
  return out;
}

std::uint64_t replication_seed(std::uint64_t seed, std::uint64_t replication) {
  // 52 bits: a seed in a scenario is a JSON number below 9e15.
  return replication == 0 ? seed : hash(hash(seed, hash("replication")), replication) >> 12;
}

}  // namespace tideline

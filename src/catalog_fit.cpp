#include "src/catalog_fit.h"

#include "sim/core/descent.h"
#include "sim/core/text.h"
#include "sim/core/time.h"
#include "src/errors.h"
#include "src/figures.h"
#include "src/text_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tideline {
namespace {

constexpr std::size_t least_points = 3;

double squares(const CurveFit& f, const std::vector<std::pair<double, double>>& points) {
  double sum = 0;
  for (const auto& [x, t] : points) {
    const double off = f.at(x) / t - 1;
    sum += off * off;
  }
  return sum;
}

void refuse_beyond(const VariantPoints& v, std::uint32_t at) {
  const double most = v.batches.empty() ? 0 : v.batches.back().first;
  if (at <= 2 * most) return;
  throw InputError("variant " + in_quotes(v.name) + ": " +
                   (most == 0 ? "none of its batches was measured (" + v.latency + "): nothing is known of " + std::to_string(at) + " items"
                              : std::to_string(at) + " items are beyond twice the largest batch that was measured, " + to_text(most) +
                                    ": nothing is known of them") +
                   "; --variant TEXT chooses variants");
}

/// Seconds of a number or a text with a unit; nothing where it is neither.
std::optional<double> seconds_of(const Json& value) {
  Problems problems;
  struct One {
    Duration time{};
    static constexpr auto declare() { return param::fields(param::field("time_s", &One::time, "A time.", {0, 1e6})); }
  };
  const auto one = param::bind<One>(param::Object{{"time_s", to_value(value)}}, "", problems);
  return problems.empty() ? std::optional(to_seconds(one.time)) : std::nullopt;
}

/// The batch sizes that were measured where the latencies are said to be something else.
std::vector<double> measured_batches(const Json& origin) {
  std::vector<double> out;
  const auto list = origin.find("measured_batches");
  if (list == origin.end() || !list->is_array()) return out;
  for (const Json& items : *list)
    if (items.is_number()) out.push_back(items.get<double>());
  return out;
}

std::vector<std::pair<double, double>> table_of(const Json& table) {
  std::vector<std::pair<double, double>> out;
  for (const auto& [key, value] : table.items()) {
    std::uint32_t n = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), n);
    const auto s = seconds_of(value);
    if (error == std::errc{} && end == key.data() + key.size() && n > 0 && s && *s > 0) out.emplace_back(n, *s);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

double CurveFit::at(double x) const {
  if (!smooth_maximum) return base + slope * x;
  return std::pow(std::pow(base, 4) + std::pow(slope * x, 4), 0.25);
}

CurveFit fit_curve(const std::vector<std::pair<double, double>>& points, bool smooth_maximum) {
  CurveFit best;
  best.smooth_maximum = smooth_maximum;
  for (const auto& [x, t] : points) best.most = std::max(best.most, x);
  if (!smooth_maximum) {
    // Least squares of relative residuals, weights 1 / t^2.
    double w = 0, wx = 0, wt = 0, wxx = 0, wxt = 0;
    for (const auto& [x, t] : points) {
      const double weight = 1 / (t * t);
      w += weight;
      wx += weight * x;
      wt += weight * t;
      wxx += weight * x * x;
      wxt += weight * x * t;
    }
    const double det = w * wxx - wx * wx;
    best.slope = det > 0 ? (w * wxt - wx * wt) / det : 0;
    best.base = (wt - best.slope * wx) / w;
    if (best.base < 0) {
      best.base = 0;
      best.slope = wxt / wxx;
    }
    if (best.slope < 0) {
      best.slope = 0;
      best.base = wt / w;
    }
  } else {
    best.base = points.front().second;
    best.slope = points.back().second / points.back().first;
    best =
        descend(best, {&CurveFit::base, &CurveFit::slope}, [&](const CurveFit& f) { return squares(f, points); }, {1.5, 1 + 1e-7, 1e-12});
  }
  best.rms = std::sqrt(squares(best, points) / static_cast<double>(points.size()));
  for (const auto& [x, t] : points) best.largest = std::max(best.largest, std::abs(best.at(x) / t - 1));
  return best;
}

CurveFit fit_cores(const std::vector<std::pair<double, double>>& cores) {
  std::vector<std::pair<double, double>> inverse;
  double most = 0;
  for (const auto& [n, t] : cores) {
    inverse.emplace_back(1 / n, t);
    most = std::max(most, n);
  }
  CurveFit out = fit_curve(inverse, false);
  out.most = most;
  return out;
}

std::vector<VariantPoints> points_of(const Json& catalog) {
  std::vector<VariantPoints> out;
  const auto variants = catalog.find("variants");
  if (variants == catalog.end() || !variants->is_array()) return out;
  for (const Json& v : *variants) {
    if (!v.is_object() || !v.contains("profile") || !v["profile"].is_object()) continue;
    const Json said = v.value("origin", Json::object());
    const Json origin = said.is_object() ? said : Json::object();
    VariantPoints p;
    p.name = v.value("name", "");
    p.latency = origin.value("latency", "assumed");
    const Json& profile = v["profile"];
    if (profile.contains("latency_s") && profile["latency_s"].is_object()) p.batches = table_of(profile["latency_s"]);
    if (profile.contains("cores") && profile["cores"].is_object()) {
      double most = 0;
      for (const auto& [key, table] : profile["cores"].items()) {
        const auto rows = table.is_object() ? table_of(table) : std::vector<std::pair<double, double>>{};
        const double n = std::atof(key.c_str());
        if (rows.empty() || !(n > 0)) continue;
        if (rows.front().first == 1) p.cores.emplace_back(n, rows.front().second);
        if (n > most) {
          most = n;
          p.batches = rows;
        }
      }
      std::sort(p.cores.begin(), p.cores.end());
    }
    if (p.latency != "measured") {
      // What was derived from a curve already would be fitted to itself.
      const std::vector<double> measured = measured_batches(origin);
      std::erase_if(p.batches,
                    [&](const auto& point) { return std::find(measured.begin(), measured.end(), point.first) == measured.end(); });
      if (std::find(measured.begin(), measured.end(), 1) == measured.end()) p.cores.clear();
    }
    out.push_back(std::move(p));
  }
  return out;
}

std::string no_curve(const VariantPoints& v) {
  if (v.batches.size() >= least_points) return {};
  std::string sizes;
  for (const auto& [items, s] : v.batches) sizes += (sizes.empty() ? "" : ", ") + to_text(items);
  const std::string others = v.latency == "measured" ? "" : (v.batches.empty() ? "all are " : "the others are ") + v.latency;
  if (v.batches.empty()) return "no batch was measured" + (others.empty() ? "" : ": " + others);
  return "measured " + std::string(v.batches.size() == 1 ? "is batch " : "are batches ") + sizes + " alone" +
         (others.empty() ? "" : ", " + others) + "; a curve takes 3";
}

std::string fit_text(const std::vector<VariantPoints>& variants, std::optional<std::uint32_t> at) {
  std::vector<std::vector<std::string>> lines{{"variant", "batches", "line: base", "per item", "rms", "largest", "bend: base", "per item",
                                               "rms", "largest", at ? "time of " + std::to_string(*at) : "", ""}};
  std::vector<std::vector<std::string>> cores{{"variant", "cores", "serial", "parallel", "rms", "largest", ""}};
  std::vector<std::vector<std::string>> none{{"no curve of", "why"}};
  for (const VariantPoints& v : variants) {
    if (at) refuse_beyond(v, *at);
    if (v.cores.size() >= least_points) {
      const CurveFit f = fit_cores(v.cores);
      cores.push_back({v.name, "1 .. " + figure::plain(f.most), figure::time(f.base), figure::time(f.slope), figure::percent(f.rms),
                       figure::percent(f.largest), ""});
    }
    if (const std::string why = no_curve(v); !why.empty()) {
      none.push_back({v.name, why});
      continue;
    }
    const CurveFit line = fit_curve(v.batches, false), bend = fit_curve(v.batches, true);
    const CurveFit& better = bend.rms < line.rms ? bend : line;
    lines.push_back({v.name, figure::plain(v.batches.front().first) + " .. " + figure::plain(line.most), figure::time(line.base),
                     figure::time(line.slope), figure::percent(line.rms), figure::percent(line.largest), figure::time(bend.base),
                     figure::time(bend.slope), figure::percent(bend.rms), figure::percent(bend.largest),
                     at ? figure::time(better.at(*at)) : "", ""});
  }
  std::string out;
  if (lines.size() > 1)
    out += "Batch latency as a line base + b x item, and as (base^4 + (b x item)^4)^(1/4); residuals are relative.\n" +
           in_columns(lines, "", true);
  if (cores.size() > 1) out += "\nOne item by cores as serial + parallel / cores (Amdahl).\n" + in_columns(cores, "", true);
  if (none.size() > 1)
    out += (out.empty() ? "" : "\n") + in_columns(none, "") + std::to_string(none.size() - 1) + " variants without a curve\n";
  return out;
}

Json fit_json(const std::vector<VariantPoints>& variants, std::optional<std::uint32_t> at) {
  const auto json = [](const CurveFit& f) {
    return Json{{"base_s", f.base}, {"slope_s", f.slope}, {"rms", f.rms}, {"largest", f.largest}, {"most", f.most}};
  };
  Json out = Json::array();
  for (const VariantPoints& v : variants) {
    if (at) refuse_beyond(v, *at);
    Json one{{"variant", v.name}};
    if (const std::string why = no_curve(v); !why.empty()) {
      one["no_curve"] = why;
    } else {
      const CurveFit line = fit_curve(v.batches, false), bend = fit_curve(v.batches, true);
      one["line"] = json(line);
      one["bend"] = json(bend);
      if (at) one["at"] = {{"items", *at}, {"latency_s", (bend.rms < line.rms ? bend : line).at(*at)}};
    }
    if (v.cores.size() >= least_points) one["cores"] = json(fit_cores(v.cores));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace tideline

#include "src/real/measure.h"

#include "src/real/backends.h"
#include "src/real/machine.h"

#include <algorithm>
#include <cmath>

namespace tideline::real {
namespace {

double quantile_of(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  if (below + 1 >= sorted.size()) return sorted.back();
  return sorted[below] + (sorted[below + 1] - sorted[below]) * (at - static_cast<double>(below));
}

BatchTimes repeat(Network& network, std::uint32_t items, const MeasureRules& rules) {
  Stopwatch watch;
  double warm = 0;
  for (int k = 0; k < 3 || warm < 0.05; ++k) {
    network.run(items);
    warm += watch.lap();
  }
  BatchTimes out;
  out.items = items;
  double spent = 0;
  std::uint32_t next = rules.least;
  while (out.sorted.size() < rules.most && (spent < rules.seconds || out.sorted.size() < 3)) {
    watch.lap();
    network.run(items);
    out.sorted.push_back(watch.lap());
    spent += out.sorted.back();
    if (out.sorted.size() < next) continue;
    // Sorting what was sorted but for the last tenth; the order of observation is not needed again.
    std::sort(out.sorted.begin(), out.sorted.end());
    out.narrow = interval_of_median(out.sorted) <= rules.interval;
    if (out.narrow) break;
    next += std::max(10U, next / 10);
  }
  std::sort(out.sorted.begin(), out.sorted.end());
  return out;
}

}  // namespace

double BatchTimes::quantile(double q) const { return quantile_of(sorted, q); }

double interval_of_median(const std::vector<double>& sorted) {
  const double n = static_cast<double>(sorted.size()), reach = 0.98 * std::sqrt(n);
  const auto low = static_cast<std::size_t>(std::max(0.0, std::floor(n / 2 - reach)));
  const auto high = std::min(sorted.size() - 1, static_cast<std::size_t>(std::ceil(n / 2 + reach)));
  return (sorted[high] - sorted[low]) / 2 / quantile_of(sorted, 0.5);
}

MeasuredNetwork measure(Backend& backend, const NetworkSpec& spec, const std::vector<std::uint32_t>& batches, unsigned threads,
                        const MeasureRules& rules, const std::function<void(const std::string&)>& say) {
  MeasuredNetwork out;
  const std::uint32_t most = batches.back();
  const bool on_processor = !backend.device_memory();
  say(std::to_string(rules.loads) + " loads");
  const std::int64_t before = resident_bytes();
  std::unique_ptr<Network> network;
  for (std::uint32_t k = 0; k < std::max(1U, rules.loads); ++k) {
    network.reset();
    network = backend.load(spec, most, threads);
    out.loads.push_back(network->load_parts());
    if (k == 0) out.resident_bytes = resident_bytes() - before;
  }
  out.weight_bytes = network->weight_bytes();
  out.kernels = network->kernels();
  const std::int64_t whole = network->resident_bytes();
  out.item_bytes = most == 1 ? 0 : (whole - backend.load(spec, 1, threads)->resident_bytes()) / (most - 1);
  out.base_bytes = whole - out.item_bytes * most;
  for (const std::uint32_t items : batches) {
    say("batches of " + std::to_string(items));
    const auto joules = package_joules();
    out.batches.push_back(repeat(*network, items, rules));
    // A counter that went round says nothing. The batches that do not count are in it too: energy is a bound from above.
    // The counter is the processor's: what a GPU uses is not in it.
    if (const auto after = package_joules(); on_processor && items == most && joules && after && *after > *joules)
      out.joules_per_item = (*after - *joules) / static_cast<double>(out.batches.back().sorted.size() * items);
  }
  return out;
}

RatioLaw ratio_law(std::vector<double> ratios) {
  std::sort(ratios.begin(), ratios.end());
  RatioLaw out;
  for (const double q : {0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0}) out.points.emplace_back(q, quantile_of(ratios, q));
  out.mean = 0;
  for (std::size_t i = 1; i < out.points.size(); ++i)
    out.mean += (out.points[i].first - out.points[i - 1].first) * (out.points[i].second + out.points[i - 1].second) / 2;
  return out;
}

}  // namespace tideline::real

#include "src/capacity.h"

#include "sim/core/text.h"
#include "sim/statistics/paired.h"
#include "src/errors.h"
#include "src/run_once.h"
#include "src/task_pool.h"

#include <algorithm>
#include <cmath>
#include <mutex>

namespace tideline {

namespace {

constexpr int most_doublings = 10;  // a thousand times; a run takes as many times longer

/// How far the metric is on the right side of the target; NaN where it has no value.
double slack(const CapacityWishes& w, double value) { return w.at_most ? w.target - value : value - w.target; }

/// Where a line through the two points crosses zero.
double crossing(double x0, double y0, double x1, double y1) { return y0 == y1 ? 0.5 * (x0 + x1) : x0 + (x1 - x0) * y0 / (y0 - y1); }

/// Where the slack of one replication crosses zero nearest to `answer`, by the points tried; NaN where it does not.
double own_crossing(const Capacity& c, const CapacityWishes& w, std::size_t replication, double answer) {
  double best = no_value;
  for (std::size_t k = 0; k + 1 < c.points.size(); ++k) {
    const double y0 = slack(w, c.points[k].values[replication]), y1 = slack(w, c.points[k + 1].values[replication]);
    if (!std::isfinite(y0) || !std::isfinite(y1) || (y0 >= 0) == (y1 >= 0)) continue;
    const double x = crossing(c.points[k].x, y0, c.points[k + 1].x, y1);
    if (std::isnan(best) || std::abs(x - answer) < std::abs(best - answer)) best = x;
  }
  return best;
}

}  // namespace

void conclude(Capacity& c, const CapacityWishes& w) {
  std::sort(c.points.begin(), c.points.end(), [](const auto& a, const auto& b) { return a.x < b.x; });
  c.answer.reset();
  c.interval.reset();
  c.last_met = no_value;
  // Met on the easy side, not met on the hard side.
  const auto easy_first = [&](std::size_t k) -> const CapacityPoint& { return w.least ? c.points[c.points.size() - 1 - k] : c.points[k]; };
  std::size_t fails = c.points.size();
  bool monotone = true;
  for (std::size_t k = 0; k < c.points.size(); ++k) {
    if (!easy_first(k).met)
      fails = std::min(fails, k);
    else if (fails < c.points.size())
      monotone = false;
  }
  if (fails == 0) {
    c.remark = "the target is met nowhere: not even at " + to_text(easy_first(0).x);
    return;
  }
  c.last_met = easy_first(fails - 1).x;
  if (fails == c.points.size()) {
    c.remark = "the target is met everywhere: even at " + to_text(easy_first(fails - 1).x) + "; --from and --to look elsewhere";
    return;
  }
  if (!monotone)
    c.remark = "the metric is not monotone: beyond a value that missed the target another met it again; the first crossing counts";
  const CapacityPoint &good = easy_first(fails - 1), &bad = easy_first(fails);
  c.answer = w.whole || std::isnan(bad.mean) ? good.x : crossing(good.x, slack(w, good.mean), bad.x, slack(w, bad.mean));
  // How far replications disagree about it.
  statistics::PairedSample sample(statistics::Correction{0, w.replications, true});
  std::size_t lost = 0;
  for (std::size_t r = 0; r < good.values.size(); ++r) {
    const double x = own_crossing(c, w, r, *c.answer);
    std::isnan(x) ? void(++lost) : sample.add(x, 0);
  }
  if (lost == 0) {
    c.interval = sample.interval(w.confidence);
    if (c.interval) c.interval->low = std::max(0.0, c.interval->low);  // loads and counts are not below 0
  } else if (c.remark.empty()) {
    c.remark = std::to_string(lost) + " replications did not cross the target between the values tried: no interval";
  }
}

std::vector<Capacity> find_capacity(const CapacityWishes& w, const PolicyRegistry& registry, const std::atomic<bool>& stop,
                                    const std::function<void(std::size_t)>& progress) {
  std::vector<Capacity> out;
  std::size_t runs = 0;
  const std::vector<Point> points = points_of(w.axes, false);
  const auto layers_at = [&](const Point& p, double x) {
    std::vector<Layer> layers = w.layers;
    for (auto& l : layers_of(w.axes, p)) layers.push_back(std::move(l));
    layers.push_back(w.vary == "load" ? Layer{LayerKind::load, to_text(x)} : Layer{LayerKind::set, w.vary + "=" + to_text(x)});
    return layers;
  };
  const double start = w.from > 0 ? w.from : 1;
  for (const Point& p : points) check_runs(w.scenario, layers_at(p, start), registry, w.outputs);
  for (const Point& p : points) {
    Capacity c;
    c.label = label_of(w.axes, p);
    const std::uint64_t seed = read_scenario(w.scenario, layers_at(p, start), registry).options.seed;
    bool interrupted_here = false;
    const auto try_at = [&](double x) {
      for (const CapacityPoint& tried : c.points)
        if (tried.x == x) return tried.met;
      CapacityPoint point{x, std::vector<double>(w.replications, no_value), 0, false};
      std::mutex mutex;
      run_tasks(w.replications, w.jobs, stop, [&](std::size_t r) {
        RunRequest request;
        request.scenario = w.scenario;
        request.layers = layers_at(p, x);
        request.layers.push_back({LayerKind::seed, std::to_string(replication_seed(seed, r))});
        const RunResult run = run_once(request, registry, stop);
        if (!run.interrupted) point.values[r] = w.metric.value(run.summary.total);
        const std::lock_guard lock(mutex);
        progress(++runs);
      });
      if (stop) {
        interrupted_here = true;
        return false;
      }
      for (const double v : point.values) point.mean += v / w.replications;
      point.met = slack(w, point.mean) >= 0;
      c.points.push_back(point);
      return point.met;
    };
    // Outwards by factors of two until one value meets the target and one does not.
    double good = no_value, bad = no_value;
    const auto look = [&](double x) { (try_at(x) ? good : bad) = x; };
    look(start);
    if (w.to > 0) look(w.to);
    const double harder = w.least ? 0.5 : 2;
    for (int k = 0; k < most_doublings && w.to <= 0 && !interrupted_here && (std::isnan(good) || std::isnan(bad)); ++k) {
      const double x = std::isnan(bad) ? good * harder : bad / harder, tried = w.whole ? std::floor(x) : x;
      if (tried < 1 && w.whole) break;
      look(tried);
    }
    while (!interrupted_here && !std::isnan(good) && !std::isnan(bad)) {
      const double gap = std::abs(bad - good);
      if (w.whole ? gap <= 1 : gap <= w.tolerance * std::max(std::abs(good), std::abs(bad))) break;
      const double middle = 0.5 * (good + bad);
      look(w.whole ? std::floor(middle) : middle);
    }
    if (interrupted_here) break;
    conclude(c, w);
    out.push_back(std::move(c));
  }
  return out;
}

}  // namespace tideline

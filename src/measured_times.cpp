#include "src/measured_times.h"

#include "src/errors.h"
#include "src/real/cores.h"
#include "src/real/real_mode.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tideline {

namespace {

double rounded(double x, double to) { return std::round(x / to) * to; }

Json points_json(const real::RatioLaw& law) {
  Json out = Json::array();
  for (const auto& [q, value] : law.points) out.push_back(Json::array({q, rounded(value, 1e-6)}));
  return out;
}

/// Sizes of the batches of a variant's profile, ascending.
std::vector<std::uint32_t> batches_of(const Json& variant, const std::string& name) {
  std::vector<std::uint32_t> out;
  const Json& profile = variant.at("profile");
  if (profile.contains("latency_s") && profile["latency_s"].is_object())
    for (const auto& [items, seconds] : profile["latency_s"].items())
      if (seconds.is_number() && items.find_first_not_of("0123456789") == std::string::npos)
        out.push_back(static_cast<std::uint32_t>(std::stoul(items)));
  std::sort(out.begin(), out.end());
  if (out.empty() || out.front() != 1)
    throw InputError("--profile: the profile of variant '" + name +
                     "' is no list of times by batch, from 1 on, as those are that `tideline profile` writes");
  return out;
}

/// Runs `f` by a thread on these cores while this one keeps that of the loop busy.
void run_beside_a_busy_loop(const real::CorePlan& plan, const real::CoreSet& cores, const std::function<void()>& f) {
  const real::CoreSet before = real::usable_cores();
  std::exception_ptr failed;
  std::atomic<bool> done = false;
  std::thread measuring([&] {
    try {
      real::pin(cores);
      f();
    } catch (...) {
      failed = std::current_exception();
    }
    done = true;
  });
  const auto back_to = [](const real::CoreSet& to) {
    try {
      real::pin(to);
    } catch (const real::CannotRun&) {  // then this thread stays where it is
    }
  };
  back_to(plan.loop);
  while (!done) real::spin_once();
  measuring.join();
  back_to(before);
  if (failed) std::rethrow_exception(failed);
}

}  // namespace

MeasuredTimes measured_times(const real::MeasuredNetwork& network) {
  MeasuredTimes out;
  std::vector<double> ratios;
  for (const auto& b : network.batches)
    for (const double t : b.sorted) ratios.push_back(t / b.median());
  const real::RatioLaw law = real::ratio_law(std::move(ratios));
  out.latencies = Json::object();
  double last = 0;
  for (const auto& b : network.batches) {
    const double time = b.median() * law.mean;
    if (time < last) ++out.raised;
    last = std::max(last, time);
    out.latencies[std::to_string(b.items)] = rounded(last, 1e-9);
  }
  out.service = {{"law", "quantiles"}, {"points", points_json(law)}};

  std::vector<double> sums;
  for (const auto& l : network.loads) sums.push_back(l.sum());
  std::sort(sums.begin(), sums.end());
  const double load = (sums[(sums.size() - 1) / 2] + sums[sums.size() / 2]) / 2;
  for (double& s : sums) s /= load;
  const bool one = sums.size() == 1;
  const real::RatioLaw load_law = real::ratio_law(std::move(sums));
  out.load = {{"first_run_s", rounded(load * load_law.mean, 1e-9)}};
  if (!one) {
    out.load["law"] = "quantiles";
    out.load["points"] = points_json(load_law);
  }
  return out;
}

Json measured_again(Json catalog, const World& world, const real::MeasureRules& rules) {
  try {
    const real::CorePlan plan = real::plan_cores(world, real::usable_cores());
    std::map<std::string, std::unique_ptr<real::Backend>> backends;
    for (const Variant& v : world.catalog().variants) {
      const auto& devices = world.topology().devices;
      const auto device = std::find_if(devices.begin(), devices.end(), [&](const Device& d) { return d.hardware == v.hardware; });
      if (device == devices.end()) continue;
      if (!v.kernel) throw InputError("--profile: variant '" + v.name + "' names no \"kernel\", so there is nothing to measure");
      auto& list = catalog.at("variants");
      const auto at = std::find_if(list.begin(), list.end(), [&](const Json& x) { return x.value("name", "") == v.name; });
      const std::vector<std::uint32_t> batches = batches_of(*at, v.name);
      auto& backend = backends[v.kernel->backend];
      if (!backend) backend = real::make_backend(v.kernel->backend);
      const real::NetworkSpec spec = real::spec_of(*v.kernel);
      backend->check(spec);
      real::MeasuredNetwork network;
      run_beside_a_busy_loop(plan, plan.devices[static_cast<std::size_t>(device - devices.begin())], [&] {
        network = real::measure(*backend, spec, batches, v.kernel->threads, rules, [](const std::string&) {});
      });
      const MeasuredTimes times = measured_times(network);
      (*at)["profile"] = {{"latency_s", times.latencies}};
      (*at)["service"] = times.service;
      (*at)["load"] = times.load;
    }
  } catch (const real::CannotRun& e) {
    throw WorldError(std::string("--profile: ") + e.what());
  }
  return catalog;
}

}  // namespace tideline

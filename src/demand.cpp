#include "src/demand.h"

#include <algorithm>
#include <limits>

namespace tideline {

namespace {

/// The measured window in equal parts.
struct Window {
  Time from, to;
  std::size_t parts = 1;

  explicit Window(const RunOptions& o) : from(Time{} + o.warmup), to(from + o.duration) {
    parts = static_cast<std::size_t>(std::clamp<std::int64_t>((o.duration + least_part - 1ns) / least_part, 1, most_parts));
  }
  double part_s() const { return to_seconds(to - from) / static_cast<double>(parts); }
  Time border(std::size_t k) const { return k == parts ? to : from + from_seconds(part_s() * static_cast<double>(k)); }
  std::size_t part_of(Time at) const { return std::min(parts - 1, static_cast<std::size_t>(to_seconds(at - from) / part_s())); }
};

/// What one entry of the workload sends for one of the tasks of its source.
struct Asked {
  std::vector<double> counts;  // queries by part of the window
  double queries = 0;
  std::uint32_t payload_bytes = Arrival::unknown, items = Arrival::unknown;  // the least
  double payload_sum = 0, work_sum = 0;

  /// Counts what lies in the window.
  void add(const Expected& x, const EntrySpec& e, const Window& window) {
    const Time first = std::max(x.like.at, window.from), last = std::min(later(x.like.at, x.length), window.to);
    if (x.length == Duration{} ? x.like.at < window.from : first >= last) return;
    double inside = 0;
    if (x.length == Duration{}) {
      counts[window.part_of(first)] += inside = x.queries;
    } else {
      for (std::size_t k = window.part_of(first); k < window.parts && window.border(k) < last; ++k) {
        const Duration here = std::min(last, window.border(k + 1)) - std::max(first, window.border(k));
        const double n = x.queries * to_seconds(std::max(here, Duration{})) / to_seconds(x.length);
        counts[k] += n;
        inside += n;
      }
    }
    const std::uint32_t bytes = x.like.payload_bytes == Arrival::unknown ? e.payload_bytes : x.like.payload_bytes;
    const std::uint32_t n = x.like.items != 1 ? x.like.items : e.items;
    payload_bytes = std::min(payload_bytes, bytes);
    items = std::min(items, n);
    queries += inside;
    payload_sum += inside * bytes;
    work_sum += inside * n * static_cast<double>(x.like.work);
  }
};

/// Reads the source to the end of the window: what it asks by task. Nothing where that would be too much to read.
std::vector<Asked> read_source(ArrivalSource& source, const EntrySpec& e, const Window& window) {
  std::vector<Asked> by_task(e.classes.size());
  for (Asked& a : by_task) a.counts.resize(window.parts);
  Expected x;
  for (std::uint64_t n = 0; source.next_expected(x) && x.like.at < window.to; ++n) {
    if (n == most_read) return {};
    by_task[x.like.task == Arrival::unknown ? 0 : x.like.task].add(x, e, window);
  }
  return by_task;
}

}  // namespace

std::vector<Demand> demands_of(const Scenario& scenario, const World& world) {
  const Window window(scenario.options);
  std::vector<Demand> out;
  for (std::size_t k = 0; k < scenario.entries.size(); ++k) {
    const EntrySpec& e = scenario.entries[k];
    const auto source = open_source(e, scenario.options.seed, k);
    const bool knows = source->mean_qps(window.from, window.to) > 0;
    const std::vector<Asked> asked = knows ? std::vector<Asked>{} : read_source(*source, e, window);
    for (std::size_t t = 0; t < e.classes.size(); ++t) {
      Demand d;
      d.entry = e.name;
      d.origin = e.origin;
      d.payload_bytes = e.payload_bytes;
      d.answer_bytes = e.answer_bytes;
      d.items = e.items;
      d.mean_payload_bytes = e.payload_bytes;
      d.mean_work = e.items;
      if (knows) {
        for (std::size_t i = 0; i < window.parts; ++i) d.qps.push_back(source->mean_qps(window.border(i), window.border(i + 1)));
      } else if (!asked.empty()) {
        const Asked& a = asked[t];
        if (a.queries == 0 && e.classes.size() > 1) continue;
        for (const double n : a.counts) d.qps.push_back(n / window.part_s());
        if (a.queries > 0) {
          d.payload_bytes = a.payload_bytes;
          d.items = a.items;
          d.mean_payload_bytes = a.payload_sum / a.queries;
          d.mean_work = a.work_sum / a.queries;
        }
      }
      double shares = 0;
      for (const auto& choice : e.classes[t]) shares += choice.share;
      for (const auto& choice : e.classes[t]) {
        Demand one = d;
        one.name = scenario.classes[choice.cls.index()].name;
        one.cls = world.class_of(choice.cls.index());
        for (double& q : one.qps) q *= choice.share / shares;
        out.push_back(std::move(one));
      }
    }
  }
  return out;
}

double offered_share(const Scenario& scenario, const World& world) {
  double offered = 0;
  for (const Demand& d : demands_of(scenario, world)) {
    if (d.qps.empty()) return 0;
    double rate = 0;
    for (const double q : d.qps) rate += q / static_cast<double>(d.qps.size());
    double least = std::numeric_limits<double>::infinity();
    for (const VariantId v : world.candidates(d.cls, CandidateOrder::by_latency))
      for (std::uint32_t b = 1; b <= world[v].profile.max_items(); ++b)
        least = std::min(least, to_seconds(world[v].profile.latency(b)) / b);
    if (least < std::numeric_limits<double>::infinity()) offered += rate * d.mean_work * least;
  }
  return offered / static_cast<double>(world.topology().devices.size());
}

}  // namespace tideline

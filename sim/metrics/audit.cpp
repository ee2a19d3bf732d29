#include "sim/metrics/audit.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace tideline {

namespace {

Area times(std::int64_t n, Duration d) { return Area{static_cast<std::uint64_t>(n)} * static_cast<std::uint64_t>(d.count()); }

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.12g", x);
  return text;
}

}  // namespace

AuditRecorder::AuditRecorder(const World& world) : world_(world), held_(world.topology().devices.size()), begin_(world), end_(world) {
  for (const QueryClass& c : world.classes()) slo_.push_back(c.slo);
}

void AuditRecorder::ended(const Visit& v, const QueryEnd& end) {
  ++endings_[static_cast<std::size_t>(end.ending)];
  if (end.ending == Ending::answered) ++(end.finish - v.arrival > slo_[v.cls.index()] ? late_ : in_time_);
}

void AuditRecorder::change(DeviceId d, std::int64_t memory, std::int64_t cores, Time now) {
  Held& h = held_[d.index()];
  h.memory_area += times(h.memory, now - h.changed);
  h.core_area += times(h.cores, now - h.changed);
  h.changed = now;
  h.memory += memory;
  h.cores += cores;
  const Hardware& hardware = world_.catalog()[world_.topology()[d].hardware];
  if (over_capacity_.empty() && (h.memory > hardware.memory_bytes || h.cores > hardware.cores || h.memory < 0 || h.cores < 0))
    over_capacity_ = "device " + std::to_string(d.index()) + " at " + number(to_seconds(now)) + " s: " + std::to_string(h.memory) + " of " +
                     std::to_string(hardware.memory_bytes) + " bytes and " + std::to_string(h.cores) + " of " +
                     std::to_string(hardware.cores) + " cores held";
}

void AuditRecorder::instance_started(InstanceId i, StartCause, Time now) {
  ++starts_;
  const Instance& x = (*cluster_)[i];
  change(cluster_->row(i).device, x.memory_bytes, x.cores, now);
}

void AuditRecorder::instance_resized(InstanceId i, std::uint32_t before, Time now) {
  change(cluster_->row(i).device, 0, std::int64_t{(*cluster_)[i].cores} - before, now);
}

void AuditRecorder::instance_stopped(InstanceId i, StopCause, Time now) {
  const Instance& x = (*cluster_)[i];
  change(cluster_->row(i).device, -x.memory_bytes, -std::int64_t{x.cores}, now);
}

Accounts AuditRecorder::held_at(Time now) const {
  Accounts a(world_);
  a.at = now;
  for (std::size_t d = 0; d < held_.size(); ++d) {
    const Held& h = held_[d];
    a.devices[d].memory = h.memory_area + times(h.memory, now - h.changed);
    a.devices[d].cores = h.core_area + times(h.cores, now - h.changed);
  }
  return a;
}

void AuditRecorder::prices(const Cluster& cluster, const Prices& p, Time now) {
  if (!open_) {
    if (!ended_) factor_before_ = p.pool_factor;
    return;
  }
  Accounts a = held_at(now);
  for (std::size_t n = 0; n < a.node_on.size(); ++n) a.node_on[n] = cluster[NodeId{n}].on + cluster[NodeId{n}].rounded_up;
  price_changes_.emplace_back(std::move(a), p.pool_factor);
}

void AuditRecorder::window(bool begins, const Cluster& cluster, Time now) {
  open_ = begins;
  ended_ = !begins;
  Accounts& a = begins ? begin_ : end_;
  a = held_at(now);
  for (std::size_t n = 0; n < a.node_on.size(); ++n) a.node_on[n] = cluster[NodeId{n}].on + cluster[NodeId{n}].rounded_up;
}

Check AuditRecorder::check_queries(const Cluster& cluster) const {
  std::uint64_t arrived = 0;  // as the cluster admitted them; how they ended was told to this recorder
  for (std::size_t s = 0; s < world_.site_count(); ++s)
    for (const TaskRow& t : cluster.board(SiteId{s}).tasks) arrived += t.arrived;
  const auto ended = [&](Ending e) { return endings_[static_cast<std::size_t>(e)]; };
  const std::uint64_t sum = in_time_ + late_ + std::accumulate(endings_.begin() + 1, endings_.end(), std::uint64_t{0});
  std::string text =
      std::to_string(arrived) + " arrived, " + std::to_string(in_time_) + " served in time, " + std::to_string(late_) + " late, ";
  text += std::to_string(ended(Ending::dropped)) + " dropped, " + std::to_string(ended(Ending::rejected)) + " rejected, " +
          std::to_string(ended(Ending::infeasible)) + " infeasible, " + std::to_string(ended(Ending::lost)) + " lost, " +
          std::to_string(ended(Ending::unfinished)) + " unfinished";
  return {"queries", sum == arrived, std::move(text)};
}

Check AuditRecorder::check_held(const Cluster& cluster, Time now) const {
  const Accounts a = held_at(now);
  for (std::size_t d = 0; d < held_.size(); ++d) {
    const DeviceState& s = cluster[DeviceId{d}];
    if (a.devices[d].memory != s.memory_area || a.devices[d].cores != s.core_area)
      return {"held", false, "device " + std::to_string(d) + ": what its instances held differs from the integral of the cluster"};
  }
  return {"held", true, std::to_string(starts_) + " instances on " + std::to_string(held_.size()) + " devices"};
}

Check AuditRecorder::check_cost(const Summary& summary) const {
  if (summary.window_end == summary.window_begin) return {"cost", true, "no window"};
  double again = summary.total.cost_transfer_usd + summary.total.cost_fetch_usd;
  // From one change of prices to the next.
  const Accounts* from = &begin_;
  const std::vector<double>* factor = &factor_before_;
  for (const auto& [at, next] : price_changes_) {
    again += provisioning_cost_usd(world_, summary.billing, *from, at, *factor);
    from = &at;
    factor = &next;
  }
  again += provisioning_cost_usd(world_, summary.billing, *from, end_, *factor);
  const double error = std::abs(again - summary.total.cost_usd);
  return {"cost", error <= 1e-9 * std::max(1e-9, std::abs(again)),
          number(summary.total.cost_usd) + " USD, recomputed " + number(again) + " USD"};
}

Check AuditRecorder::check_node_time(const Cluster& cluster, Time now) {
  const Topology& topology = cluster.world().topology();
  for (std::size_t d = 0; d < topology.devices.size(); ++d) {
    const DeviceState& s = cluster[DeviceId{d}];
    const std::int64_t on = cluster[topology.devices[d].node].on;
    if (s.busy + s.loading + s.idle > on || on > now.time_since_epoch().count())
      return {"node_time", false,
              "device " + std::to_string(d) + " was up for longer than its node was on, or that for longer than the run"};
  }
  return {"node_time", true, std::to_string(topology.nodes.size()) + " nodes"};
}

Check AuditRecorder::check_misses(const Summary& summary) {
  const auto fails = [](const Metrics& m) {
    return std::accumulate(m.misses.begin(), m.misses.end(), std::uint64_t{0}) != m.queries_missed ||
           m.queries_arrived != m.queries_served + m.queries_dropped + m.queries_rejected + m.queries_lost + m.queries_unfinished;
  };
  Check c{"misses", true, std::to_string(summary.total.queries_missed) + " missed"};
  const auto fault = [&](const std::string& where) {
    if (c.passed) c = {"misses", false, "the causes or endings of " + where + " do not sum up"};
  };
  if (fails(summary.total)) fault("the total");
  for (const SummaryRow& r : summary.tasks)
    if (fails(r.metrics)) fault("task '" + r.name + "'");
  for (const SummaryRow& r : summary.classes)
    if (fails(r.metrics)) fault("class '" + r.name + "'");
  return c;
}

AuditResult AuditRecorder::audit(const Cluster& cluster, Time now, const Summary& summary) const {
  AuditResult out;
  out.checks.push_back(check_queries(cluster));
  const std::vector<std::string> faults = cluster.audit_accounts(now);
  const std::string more = faults.size() > 1 ? " (and " + std::to_string(faults.size() - 1) + " more)" : "";
  out.checks.push_back({"device_accounts", faults.empty(),
                        faults.empty() ? std::to_string(held_.size()) + " devices, " + std::to_string(cluster.lines().size()) + " lines"
                                       : faults.front() + more});
  out.checks.push_back(check_held(cluster, now));
  out.checks.push_back(check_cost(summary));
  out.checks.push_back(check_node_time(cluster, now));
  out.checks.push_back(check_misses(summary));
  out.checks.push_back({"memory", over_capacity_.empty(), over_capacity_.empty() ? "within capacity at every start" : over_capacity_});
  Check boards{"boards", true, std::to_string(world_.site_count()) + " boards"};
  try {
    cluster.check_boards();
  } catch (const InternalError& e) {
    boards = {"boards", false, e.what()};
  }
  out.checks.push_back(std::move(boards));
  for (const Check& c : out.checks) out.passed = out.passed && c.passed;
  return out;
}

}  // namespace tideline

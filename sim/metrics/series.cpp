#include "sim/metrics/series.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tideline {

namespace {

using Value = std::variant<std::int64_t, std::uint64_t, double>;

template <auto Member>
Value read(const SeriesRow& r) {
  return r.*Member;
}

constexpr SeriesColumn all_columns[] = {
    {"time", "ns", "End of the interval, since the start of the run.", read<&SeriesRow::time_ns>},
    {"arrived", "1", "Queries that arrived in the interval.", read<&SeriesRow::arrived>},
    {"served", "1", "Queries answered in the interval, in time or late.", read<&SeriesRow::served>},
    {"late", "1", "Those answered after their SLO.", read<&SeriesRow::late>},
    {"dropped", "1", "Queries dropped in the interval.", read<&SeriesRow::dropped>},
    {"rejected", "1", "Queries rejected in the interval, by admission or for want of a variant.", read<&SeriesRow::rejected>},
    {"lost", "1", "Queries lost in the interval.", read<&SeriesRow::lost>},
    {"good", "1", "Answers of the interval that met SLO and floor.", read<&SeriesRow::good>},
    {"on_time", "1", "Queries with an SLO that were answered within it in the interval.", read<&SeriesRow::on_time>},
    {"missed", "1", "Queries with an SLO that were answered late, or ended without an answer, in the interval.", read<&SeriesRow::missed>},
    {"in_flight", "1", "Queries in flight.", read<&SeriesRow::in_flight>},
    {"latency_mean_s", "s", "Mean latency of the answers of the interval.", read<&SeriesRow::latency_mean_s>},
    {"latency_p50_s", "s", "Median of the latency of the answers of the interval.", read<&SeriesRow::latency_p50_s>},
    {"latency_p95_s", "s", "95th percentile of the latency of the answers of the interval.", read<&SeriesRow::latency_p95_s>},
    {"latency_p99_s", "s", "99th percentile of the latency of the answers of the interval.", read<&SeriesRow::latency_p99_s>},
    {"effective_accuracy", "1", "Mean profiled accuracy of the answers of the interval.", read<&SeriesRow::effective_accuracy>},
    {"accuracy_floor", "1", "Mean accuracy floor of the queries answered in the interval; 0 for those without.",
     read<&SeriesRow::accuracy_floor>},
    {"instances_starting", "1", "Instances that load.", read<&SeriesRow::instances_starting>},
    {"instances_warm", "1", "Instances that are warm.", read<&SeriesRow::instances_warm>},
    {"instances_draining", "1", "Instances that serve what they have and then go.", read<&SeriesRow::instances_draining>},
    {"memory", "bytes", "Device memory that instances hold.", read<&SeriesRow::memory_bytes>},
    {"devices_busy", "1", "Devices that run a batch.", read<&SeriesRow::devices_busy>},
    {"cost_usd", "USD", "Cost since the start of the run.", read<&SeriesRow::cost_usd>},
    {"cold_starts", "1", "Queries that triggered a load in the interval.", read<&SeriesRow::cold_starts>},
    {"loads", "1", "Instances started in the interval.", read<&SeriesRow::loads>},
    {"evictions", "1", "Instances stopped in the interval to make room.", read<&SeriesRow::evictions>},
};

}  // namespace

std::span<const SeriesColumn> series_columns() { return all_columns; }

SeriesRecorder::SeriesRecorder(const World& world, Billing billing) : world_(world), now_(world), provisioning_(world, billing) {
  std::vector<bool> asked(world.catalog().tasks.size());
  for (const QueryClass& q : world.classes()) asked[q.task.index()] = true;
  const bool several = std::count(asked.begin(), asked.end(), true) > 1;
  for (const QueryClass& q : world.classes()) {
    const double best = world.catalog()[q.task].best_accuracy;
    classes_.push_back({q.slo, q.floor, several && best > 0 ? 1 / best : 1});
  }
}

void SeriesRecorder::ended(const Visit& v, const QueryEnd& end) {
  transfer_ += end.transfer_usd;
  const OfClass& c = classes_[v.cls.index()];
  const bool has_slo = c.slo != forever;
  if (end.ending == Ending::answered) [[likely]] {
    const Duration latency = end.finish - v.arrival;
    const bool late = latency > c.slo;
    ++row_.served;
    row_.late += late ? 1U : 0U;
    const double profiled = world_[end.variant].accuracy;
    row_.good += !late && profiled >= c.floor ? 1U : 0U;
    row_.on_time += has_slo ? 1U : 0U;  // those that are late are taken off in the end
    latency_.record(latency);
    accuracy_ += end.accuracy * c.scale;
    floor_ += c.floor * c.scale;
    return;
  }
  if (has_slo && end.ending != Ending::unfinished) ++row_.missed;
  switch (end.ending) {
    case Ending::dropped:
      ++row_.dropped;
      break;
    case Ending::rejected:
    case Ending::infeasible:
      ++row_.rejected;
      break;
    case Ending::lost:
      ++row_.lost;
      break;
    case Ending::answered:
    case Ending::unfinished:
      break;
  }
}

void SeriesRecorder::load_triggered(const Visit& v) {
  if (v.serial == last_trigger_) return;  // another visit of the same query
  last_trigger_ = v.serial;
  ++row_.cold_starts;
}

void SeriesRecorder::prices(const Cluster& cluster, const Prices& p, Time now) {
  now_.read(cluster, now);
  provisioning_.change(now_, p.pool_factor);
}

void SeriesRecorder::sample(const Cluster& cluster, Time now) {
  row_.time_ns = now.time_since_epoch().count();
  row_.on_time -= row_.late;
  row_.missed += row_.late;
  row_.latency_mean_s = latency_.mean_s();
  row_.latency_p50_s = latency_.percentile_s(0.5);
  row_.latency_p95_s = latency_.percentile_s(0.95);
  row_.latency_p99_s = latency_.percentile_s(0.99);
  const double served = row_.served > 0 ? static_cast<double>(row_.served) : std::numeric_limits<double>::quiet_NaN();
  row_.effective_accuracy = accuracy_ / served;
  row_.accuracy_floor = floor_ / served;
  for (std::size_t s = 0; s < world_.site_count(); ++s) {
    const Board& board = cluster.board(SiteId{s});
    for (const TaskRow& t : board.tasks) {
      row_.in_flight += t.in_flight;
      row_.arrived += t.arrived;
    }
    for (const GroupRow& g : board.groups) {
      row_.instances_starting += g.starting();
      row_.instances_warm += g.warm();
      row_.instances_draining += g.draining();
    }
  }
  row_.arrived -= std::exchange(arrived_, row_.arrived);
  for (std::size_t d = 0; d < world_.topology().devices.size(); ++d) {
    const DeviceRow& r = cluster.row(DeviceId{d});
    const Hardware& hardware = world_.catalog()[world_.topology().devices[d].hardware];
    row_.memory_bytes += static_cast<std::uint64_t>(hardware.memory_bytes - r.memory_free - cluster[DeviceId{d}].taken_bytes);
    row_.devices_busy += r.running > 0 ? 1U : 0U;
  }
  now_.read(cluster, now);
  row_.cost_usd = provisioning_.cost_usd(now_) + transfer_;
  rows_.push_back(row_);
  row_ = {};
  latency_.clear();
  accuracy_ = floor_ = 0;
}

}  // namespace tideline

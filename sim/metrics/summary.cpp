#include "sim/metrics/summary.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tideline {

namespace {

constexpr Duration minute = 60s;
constexpr std::size_t minutes_per_hour = 60;

double ratio(double part, double whole) { return whole > 0 ? part / whole : no_value; }
double ratio(std::uint64_t part, std::uint64_t whole) { return ratio(static_cast<double>(part), static_cast<double>(whole)); }
Area ns(Duration d) { return d.count() > 0 ? static_cast<std::uint64_t>(d.count()) : 0; }
double mean_s(Area sum, std::uint64_t n) { return ratio(static_cast<double>(sum) / 1e9, static_cast<double>(n)); }
/// Divided, not multiplied by 1e-9: a round number of milliseconds prints as one.
double rounded_s(Duration d) { return static_cast<double>(d.count()) / 1e9; }
double greater(double a, double b) { return std::isnan(a) || b > a ? b : a; }

template <auto Member>
std::variant<std::uint64_t, double> read(const Metrics& m) {
  return m.*Member;
}
template <auto Array, std::size_t K>
std::variant<std::uint64_t, double> read_element(const Metrics& m) {
  return (m.*Array)[K];
}
template <Miss M>
constexpr auto read_miss = read_element<&Metrics::misses, static_cast<std::size_t>(M)>;
template <StartCause C>
constexpr auto read_loads = read_element<&Metrics::loads_by_cause, static_cast<std::size_t>(C)>;
template <Origin O>
constexpr auto read_origin = read_element<&Metrics::queries_by_origin, static_cast<std::size_t>(O)>;

constexpr auto all = MetricScope::all, task = MetricScope::task, total = MetricScope::total;

constexpr Metric all_metrics[] = {
    {"queries_arrived", "1", "Queries that arrived in the window.", all, "", read<&Metrics::queries_arrived>},
    {"queries_served", "1", "Queries answered, in time or late.", all, "", read<&Metrics::queries_served>},
    {"queries_dropped", "1", "Queries that joined a line and left it unserved.", all, "", read<&Metrics::queries_dropped>},
    {"queries_late", "1", "Queries answered after their SLO.", all, "", read<&Metrics::queries_late>},
    {"queries_rejected", "1", "Queries that never joined a line.", all, "", read<&Metrics::queries_rejected>},
    {"queries_infeasible", "1", "Rejected queries for which no variant or no place was found.", all, "",
     read<&Metrics::queries_infeasible>},
    {"queries_lost", "1", "Queries whose instance failed and that had no retry left.", all, "", read<&Metrics::queries_lost>},
    {"queries_unfinished", "1", "Queries still open when the run ended.", all, "", read<&Metrics::queries_unfinished>},
    {"queries_with_slo", "1", "Queries that arrived with an SLO.", all, "", read<&Metrics::queries_with_slo>},
    {"queries_on_time", "1", "Queries with an SLO that were answered within it.", all, "", read<&Metrics::queries_on_time>},
    {"queries_missed", "1", "Queries with an SLO that were not answered within it.", all, "", read<&Metrics::queries_missed>},
    {"queries_delayed_by_load", "1", "Queries that waited for a load they did not trigger.", all, "",
     read<&Metrics::queries_delayed_by_load>},
    {"throughput_qps", "1/s", "Queries served per second of the window.", all, "", read<&Metrics::throughput_qps>},
    {"goodput_qps", "1/s", "Answers that met SLO and floor per second of the window.", all, "", read<&Metrics::goodput_qps>},
    {"slo_attainment", "1", "On time / arrived with an SLO.", all, "", read<&Metrics::slo_attainment>},
    {"slo_attainment_worst_hour", "1", "Least of the whole hours by arrival.", all, "", read<&Metrics::slo_attainment_worst_hour>},
    {"accuracy_weighted_attainment", "1", "Accuracy of answers that met SLO and floor / arrived with an SLO.", all, "",
     read<&Metrics::accuracy_weighted_attainment>},
    {"effective_accuracy", "1", "Mean profiled accuracy of answers.", all, "", read<&Metrics::effective_accuracy>},
    {"profiled_accuracy", "1", "Mean profiled accuracy of the variants that answered.", all, "", read<&Metrics::profiled_accuracy>},
    {"realised_accuracy", "1", "Mean of what was drawn for the answers.", all, "", read<&Metrics::realised_accuracy>},
    {"accuracy_floor_attainment", "1", "Answers at or above their floor / answers with a floor.", all, "",
     read<&Metrics::accuracy_floor_attainment>},
    {"cost_cap_attainment", "1", "Answers at or below their cost cap / answers with a cap.", all, "", read<&Metrics::cost_cap_attainment>},
    {"accuracy_drop_max", "1", "Best accuracy of the task - least mean of a minute.", all, "", read<&Metrics::accuracy_drop_max>},
    {"latency_mean_s", "s", "Mean latency.", all, "", read<&Metrics::latency_mean_s>},
    {"latency_p50_s", "s", "Median latency.", all, "", read<&Metrics::latency_p50_s>},
    {"latency_p90_s", "s", "90th percentile of the latency.", all, "", read<&Metrics::latency_p90_s>},
    {"latency_p95_s", "s", "95th percentile of the latency.", all, "", read<&Metrics::latency_p95_s>},
    {"latency_p99_s", "s", "99th percentile of the latency.", all, "", read<&Metrics::latency_p99_s>},
    {"latency_max_s", "s", "Largest latency.", all, "", read<&Metrics::latency_max_s>},
    {"wait_mean_s", "s", "Mean time from arrival to start of service, less network.", all, "", read<&Metrics::wait_mean_s>},
    {"service_mean_s", "s", "Mean time of the query's batch.", all, "", read<&Metrics::service_mean_s>},
    {"network_mean_s", "s", "Mean time on links, both ways, and of preparing images at their origin.", all, "",
     read<&Metrics::network_mean_s>},
    {"cost_usd", "USD", "What nodes or held shares cost, and transfer.", total, "", read<&Metrics::cost_usd>},
    {"cost_attributed_usd", "USD", "Price x share x busy time, transfer apart.", all, "", read<&Metrics::cost_attributed_usd>},
    {"cost_wasted_usd", "USD", "The same of cancelled visits.", total, "", read<&Metrics::cost_wasted_usd>},
    {"cost_transfer_usd", "USD", "Transfer over links.", all, "", read<&Metrics::cost_transfer_usd>},
    {"cost_fetch_usd", "USD", "Price of links that artefacts cross from the store.", total, "", read<&Metrics::cost_fetch_usd>},
    {"cost_idle_usd", "USD", "Paid for what ran no batch.", total, "", read<&Metrics::cost_idle_usd>},
    {"energy_j", "J", "Energy of devices whose nodes are on.", total, "", read<&Metrics::energy_j>},
    {"cold_starts", "1", "Queries that triggered a load.", all, "", read<&Metrics::cold_starts>},
    {"loads", "1", "Instances started.", task, "", read<&Metrics::loads>},
    {"loads_by_cause_held", "1", "Instances started for a held visit.", task, "loads_by_cause", read_loads<StartCause::held>},
    {"loads_by_cause_plan", "1", "Instances started by a plan.", task, "loads_by_cause", read_loads<StartCause::plan>},
    {"loads_by_cause_prewarm", "1", "Instances started ahead of a query.", task, "loads_by_cause", read_loads<StartCause::prewarm>},
    {"loads_by_cause_preload", "1", "Instances started at time 0.", task, "loads_by_cause", read_loads<StartCause::preload>},
    {"carbon_g", "g", "CO2 of the energy, where sites have a carbon intensity.", total, "", read<&Metrics::carbon_g>},
    {"loads_by_source_store", "1", "Loads of artefacts that came from the store.", total, "loads_by_source",
     read_element<&Metrics::loads_by_source, 0>},
    {"loads_by_source_disk", "1", "Loads of artefacts on the node's disk.", total, "loads_by_source",
     read_element<&Metrics::loads_by_source, 1>},
    {"loads_by_source_host", "1", "Loads of artefacts in the node's host memory.", total, "loads_by_source",
     read_element<&Metrics::loads_by_source, 2>},
    {"fetched_bytes", "bytes", "Bytes of artefacts that came from the store.", total, "", read<&Metrics::fetched_bytes>},
    {"evictions", "1", "Instances stopped to make room.", total, "", read<&Metrics::evictions>},
    {"resizes", "1", "Instances whose cores changed in place.", total, "", read<&Metrics::resizes>},
    {"misses_rejected", "1", "Missed: admission refused, or the line was full.", all, "misses", read_miss<Miss::rejected>},
    {"misses_no_feasible_variant", "1", "Missed: no variant or no place was found.", all, "misses", read_miss<Miss::no_feasible_variant>},
    {"misses_dropped", "1", "Missed: dropped from a line.", all, "misses", read_miss<Miss::dropped>},
    {"misses_lost", "1", "Missed: its instance failed.", all, "misses", read_miss<Miss::lost>},
    {"misses_unfinished", "1", "Missed: open when the run ended.", all, "misses", read_miss<Miss::unfinished>},
    {"misses_load", "1", "Late, mostly by loading.", all, "misses", read_miss<Miss::load>},
    {"misses_queue", "1", "Late, mostly by waiting.", all, "misses", read_miss<Miss::queue>},
    {"misses_network", "1", "Late, mostly on links.", all, "misses", read_miss<Miss::network>},
    {"misses_service", "1", "Late, mostly in service.", all, "misses", read_miss<Miss::service>},
    {"wasted_work_s", "s", "Time of batches spent on cancelled visits.", total, "", read<&Metrics::wasted_work_s>},
    {"utilization", "1", "Device time with a batch running / device time up.", total, "", read<&Metrics::utilization>},
    {"batch_mean", "1", "Items per batch.", task, "", read<&Metrics::batch_mean>},
    {"stale_answers", "1", "Answers of policies that were overtaken by events.", total, "", read<&Metrics::stale_answers>},
    {"control_messages", "1", "Messages that tell of boards.", total, "", read<&Metrics::control_messages>},
    {"control_bytes", "1", "Bytes of those.", total, "", read<&Metrics::control_bytes>},
    {"view_age_mean_s", "s", "Mean age of the boards that dispatch chose by.", total, "", read<&Metrics::view_age_mean_s>},
    {"view_age_p50_s", "s", "50th percentile of that.", total, "", read<&Metrics::view_age_p50_s>},
    {"view_age_p99_s", "s", "99th percentile of that.", total, "", read<&Metrics::view_age_p99_s>},
    {"view_age_max_s", "s", "Greatest of that.", total, "", read<&Metrics::view_age_max_s>},
    {"decision_mean_s", "s", "Mean time from arrival until decided, where that takes time.", total, "", read<&Metrics::decision_mean_s>},
    {"decision_p99_s", "s", "99th percentile of that.", total, "", read<&Metrics::decision_p99_s>},
    {"queries_by_origin_measured", "1", "Served by a measured profile.", task, "queries_by_origin", read_origin<Origin::measured>},
    {"queries_by_origin_computed", "1", "Served by a computed profile.", task, "queries_by_origin", read_origin<Origin::computed>},
    {"queries_by_origin_derived", "1", "Served by a derived profile.", task, "queries_by_origin", read_origin<Origin::derived>},
    {"queries_by_origin_assumed", "1", "Served by an assumed profile.", task, "queries_by_origin", read_origin<Origin::assumed>},
};

}  // namespace

std::span<const Metric> metrics() { return all_metrics; }

std::string_view to_string(Origin origin) {
  constexpr std::array<std::string_view, 4> names{"measured", "computed", "derived", "assumed"};
  return names[static_cast<std::size_t>(origin)];
}

std::string_view to_string(Billing billing) { return billing == Billing::nodes ? "nodes" : "held"; }

SummaryRecorder::SummaryRecorder(const World& world, Billing billing)
    : world_(world),
      billing_(billing),
      begin_(world),
      end_(world),
      classes_(world.classes().size()),
      variants_(world.catalog().variants.size()),
      own_energy_busy_s_(world.topology().devices.size()),
      provisioning_(world, billing),
      since_(world),
      own_energy_j_by_device_(world.topology().devices.size()),
      own_energy_before_j_(world.topology().devices.size()),
      own_busy_before_s_(world.topology().devices.size()) {
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    const QueryClass& q = world.classes()[c];
    classes_[c].slo = q.slo;
    classes_[c].has_slo = q.has_slo();
    classes_[c].floor = q.floor;
    classes_[c].has_floor = q.has_floor;
    classes_[c].has_cap = q.cost_cap_usd < std::numeric_limits<double>::infinity();
  }
  happenings_.loads.resize(variants_.size());
}

// --- while the run goes on ---

void SummaryRecorder::arrived(const Visit& v) {
  if (!v.flags.measured) return;
  ClassSums& c = classes_[v.cls.index()];
  ++c.sums.arrived;
  c.sums.with_slo += c.has_slo ? 1U : 0U;
}

void SummaryRecorder::ended(const Visit& v, const QueryEnd& end) {
  if (!v.flags.measured) return;
  ClassSums& c = classes_[v.cls.index()];
  Sums& s = c.sums;
  ++s.endings[static_cast<std::size_t>(end.ending)];
  s.cost += end.cost_usd;
  s.transfer += end.transfer_usd;
  // A query that arrives at the very instant the window begins may come before the window does.
  const auto at = static_cast<std::size_t>(began_ ? (v.arrival - begin_.at) / minute : 0);
  if (at >= s.minutes.size()) [[unlikely]]
    s.minutes.resize(at + 1);
  Minute& m = s.minutes[at];
  ++m.ended;
  if (end.ending != Ending::answered) {
    if (!c.has_slo) return;
    constexpr std::array<Miss, 6> causes{Miss::queue,   Miss::rejected, Miss::no_feasible_variant,
                                         Miss::dropped, Miss::lost,     Miss::unfinished};  // by Ending
    ++s.misses[static_cast<std::size_t>(causes[static_cast<std::size_t>(end.ending)])];
    return;
  }
  const Duration latency = end.finish - v.arrival;
  s.latency.record(latency);
  s.wait += static_cast<std::uint64_t>((end.load + end.queue).count());
  s.service += static_cast<std::uint64_t>(end.service.count());
  s.network += static_cast<std::uint64_t>(end.network.count());
  s.accuracy += end.accuracy;
  s.profiled += world_[end.variant].accuracy;
  s.realised += end.realised;
  ++m.served;
  m.accuracy += end.accuracy;
  const bool late = latency > c.slo, met = world_[end.variant].accuracy >= c.floor;
  if (c.has_floor) {
    ++s.with_floor;
    s.floor_met += met ? 1U : 0U;
  }
  if (c.has_cap) [[unlikely]] {
    ++s.with_cap;
    s.cap_met += end.cost_usd <= world_[v.cls].cost_cap_usd ? 1U : 0U;
  }
  if (late) {
    ++s.late;
    Miss cause = Miss::load;
    Duration longest = end.load;
    if (end.queue > longest) longest = end.queue, cause = Miss::queue;
    if (end.network > longest) longest = end.network, cause = Miss::network;
    if (end.service > longest) cause = Miss::service;
    ++s.misses[static_cast<std::size_t>(cause)];
  } else {
    s.good += met ? 1U : 0U;
    if (c.has_slo) {
      ++s.on_time;
      ++m.on_time;
      s.accuracy_on_time += met ? end.accuracy : 0;
    }
  }
  VariantSums& x = variants_[end.variant.index()];
  ++x.served;
  x.late += late ? 1U : 0U;
  x.latency += ns(latency);
  x.latency_max = std::max(x.latency_max, latency);
  x.accuracy += end.accuracy;
  x.realised += end.realised;
}

double SummaryRecorder::seconds_inside(Duration took, Time now) const {
  if (!began_) return 0;
  const Time from = std::max(begin_.at, now - took), to = ended_ ? std::min(end_.at, now) : now;
  return to > from ? to_seconds(to - from) : 0;
}

void SummaryRecorder::batch_done(InstanceId i, DeviceId d, VariantId v, std::uint32_t items, std::uint32_t wasted, Duration took,
                                 Time now) {
  VariantSums& x = variants_[v.index()];
  if (open()) {
    ++x.batches;
    x.items += items;
  }
  const double inside = seconds_inside(took, now);
  if (inside <= 0) return;
  const Hardware& hardware = world_.catalog()[world_.topology()[d].hardware];
  const Instance& instance = (*cluster_)[i];
  const double factor = prices_.pool_factor.empty() ? 1 : prices_.pool_factor[world_.topology()[d].pool.index()];
  const double price = world_.device_price_per_s(d) * factor, lost = static_cast<double>(wasted) / items;
  const double share = cluster_->share_used(i, took);
  x.attributed += price * share * inside * (1 - lost);
  wasted_usd_ += price * share * inside * lost;
  wasted_s_ += inside * lost;
  held_running_usd_ += price * held_share(hardware, static_cast<double>(instance.memory_bytes), instance.cores) * inside;
  if (const double energy = world_[v].energy_per_item_j; energy >= 0) {
    own_energy_j_ += energy * items * inside / to_seconds(took);
    own_energy_j_by_device_[d.index()] += energy * items * inside / to_seconds(took);
    own_energy_busy_s_[d.index()] += hardware.sharing == Sharing::shared ? inside * share : inside;
  }
}

void SummaryRecorder::happened(Happening what, Time now) {
  if (now != instant_) {
    count_happenings();
    instant_ = now;
  }
  this_instant_.push_back(what);
}

void SummaryRecorder::count_happenings() {
  if (open()) {
    for (const Happening& h : this_instant_) {
      if (h.source >= 0) {
        ++loads_by_source_[static_cast<std::size_t>(h.source)];
        fetched_bytes_ += h.bytes;
        fetch_usd_ += h.usd;
        continue;
      }
      if (h.variant)
        ++happenings_.loads[h.variant.index()][static_cast<std::size_t>(h.cause)];
      else
        ++(h.resize ? happenings_.resizes : happenings_.evictions);
    }
  }
  this_instant_.clear();
}

void SummaryRecorder::instance_started(InstanceId i, StartCause cause, Time now) {
  if (cause == StartCause::initial) return;
  Happening h;
  h.variant = world_[cluster_->row(i).group].variant;
  h.cause = cause;
  happened(h, now);
}

void SummaryRecorder::instance_resized(InstanceId, std::uint32_t, Time now) {
  happened({VariantId{}, StartCause::plan, true, -1, 0, 0}, now);
}

void SummaryRecorder::instance_stopped(InstanceId, StopCause cause, Time now) {
  if (cause == StopCause::evicted) happened(Happening{}, now);
}

void SummaryRecorder::load_triggered(const Visit& v) {
  if (!v.flags.measured || v.serial == last_trigger_) return;
  last_trigger_ = v.serial;
  ++classes_[v.cls.index()].sums.cold_starts;
}

void SummaryRecorder::delayed_by_load(const Visit& v) {
  if (!v.flags.measured || v.serial == last_delayed_) return;
  last_delayed_ = v.serial;
  ++classes_[v.cls.index()].sums.delayed;
}

void SummaryRecorder::prices(const Cluster& cluster, const Prices& p, Time now) {
  Accounts at(world_);
  at.read(cluster, now);
  if (began_ && !ended_) past_carbon_g_ += carbon_g(at);
  if (!ended_) {
    provisioning_.change(at, p.pool_factor);
    if (!began_) provisioning_.begin(at);
    prices_ = p;
    prices_from(at);
  }
}

void SummaryRecorder::prices_from(const Accounts& at) {
  since_ = at;
  own_energy_before_j_ = own_energy_j_by_device_;
  own_busy_before_s_ = own_energy_busy_s_;
}

double SummaryRecorder::carbon_g(const Accounts& to) const {
  double sum = 0;
  for (std::size_t d = 0; d < to.devices.size() && !prices_.carbon_per_kwh.empty(); ++d) {
    const double own_s = own_energy_busy_s_[d] - own_busy_before_s_[d], own_j = own_energy_j_by_device_[d] - own_energy_before_j_[d];
    sum += (energy_j(d, since_, to, own_s) + own_j) / 3.6e6 * prices_.carbon_per_kwh[world_.topology().devices[d].site.index()];
  }
  return sum;
}

/// Of a device between two instants, without what variants with an energy of their own took while busy for `own_s`.
double SummaryRecorder::energy_j(std::size_t d, const Accounts& from, const Accounts& to, double own_s) const {
  const Device& device = world_.topology().devices[d];
  const Hardware& hardware = world_.catalog()[device.hardware];
  const double busy = to_seconds(Duration{to.devices[d].busy - from.devices[d].busy});
  const double on = to_seconds(Duration{to.node_power[device.node.index()] - from.node_power[device.node.index()]});
  return hardware.idle_watts * on + (hardware.busy_watts - hardware.idle_watts) * std::max(0.0, busy - own_s);
}

void SummaryRecorder::load_began(InstanceId /*i*/, const LoadParts& parts, double usd, Time now) {
  Happening h;
  h.source = parts.from_store ? 0 : parts.from_host ? 2 : 1;
  if (parts.from_store) h.bytes = static_cast<double>(world_[parts.variant].artefact_bytes);
  h.usd = usd;
  happened(h, now);
}

void SummaryRecorder::stale_answer(std::uint8_t /*kind*/, Time /*now*/) {
  if (open()) ++stale_answers_;
}

void SummaryRecorder::solved(ControllerId /*c*/, const PlanSolution& solution, Time /*now*/) {
  if (open()) searches_.add(solution);
}

void SummaryRecorder::boards_sent(std::uint64_t messages, std::uint64_t bytes, Time /*now*/) {
  if (!open()) return;
  control_messages_ += messages;
  control_bytes_ += bytes;
}

void SummaryRecorder::went_by(Duration age, Time /*now*/) {
  if (open()) view_age_.record(age);
}

void SummaryRecorder::decision_taken(Duration after) { decision_.record(after); }

void SummaryRecorder::window(bool begins, const Cluster& cluster, Time now) {
  if (begins) {
    if (instant_ != now) this_instant_.clear();
    began_ = true;
    begin_.read(cluster, now);
    provisioning_.begin(begin_);
    prices_from(begin_);
    return;
  }
  // What happens at the instant of the end is after the window.
  if (instant_ < now) count_happenings();
  this_instant_.clear();
  ended_ = true;
  end_.read(cluster, now);
  if (!began_) begin_ = end_;
}

// --- at the end ---

void SummaryRecorder::Sums::add(const Sums& o, double scale) {
  arrived += o.arrived;
  with_slo += o.with_slo;
  late += o.late;
  on_time += o.on_time;
  good += o.good;
  with_floor += o.with_floor;
  floor_met += o.floor_met;
  with_cap += o.with_cap;
  cap_met += o.cap_met;
  cold_starts += o.cold_starts;
  delayed += o.delayed;
  for (std::size_t k = 0; k < endings.size(); ++k) endings[k] += o.endings[k];
  for (std::size_t k = 0; k < misses.size(); ++k) misses[k] += o.misses[k];
  accuracy += o.accuracy * scale;
  profiled += o.profiled * scale;
  realised += o.realised * scale;
  accuracy_on_time += o.accuracy_on_time * scale;
  cost += o.cost;
  transfer += o.transfer;
  wait += o.wait;
  service += o.service;
  network += o.network;
  latency.merge(o.latency);
  if (minutes.size() < o.minutes.size()) minutes.resize(o.minutes.size());
  for (std::size_t k = 0; k < o.minutes.size(); ++k) {
    minutes[k].ended += o.minutes[k].ended;
    minutes[k].on_time += o.minutes[k].on_time;
    minutes[k].served += o.minutes[k].served;
    minutes[k].accuracy += o.minutes[k].accuracy;
  }
}

double SummaryRecorder::worst_hour(const Sums& s) const {
  // `s` holds the minutes of queries with an SLO only.
  const auto hours = static_cast<std::size_t>((window_end() - window_begin()) / (60 * minute));
  double worst = no_value;
  for (std::size_t h = 0; h < hours && h * minutes_per_hour < s.minutes.size(); ++h) {
    std::uint64_t ended = 0, on_time = 0;
    for (std::size_t k = h * minutes_per_hour; k < std::min((h + 1) * minutes_per_hour, s.minutes.size()); ++k) {
      ended += s.minutes[k].ended;
      on_time += s.minutes[k].on_time;
    }
    if (ended > 0) worst = -greater(-worst, -ratio(on_time, ended));
  }
  return worst;
}

double SummaryRecorder::accuracy_drop(const Sums& s, double best) const {
  const auto whole = static_cast<std::size_t>((window_end() - window_begin()) / minute);
  double drop = no_value;
  for (std::size_t k = 0; k < s.minutes.size() && (k < whole || whole == 0); ++k)
    if (s.minutes[k].served > 0) drop = greater(drop, best - s.minutes[k].accuracy / s.minutes[k].served);
  // The mean of many equal accuracies is off by rounding: no drop is none.
  return std::abs(drop) < 1e-12 ? 0 : drop;
}

void SummaryRecorder::fill(Metrics& m, const Sums& s) const {
  const auto ended = [&](Ending e) { return s.endings[static_cast<std::size_t>(e)]; };
  m.queries_arrived = s.arrived;
  m.queries_served = ended(Ending::answered);
  m.queries_late = s.late;
  m.queries_dropped = ended(Ending::dropped);
  m.queries_infeasible = ended(Ending::infeasible);
  m.queries_rejected = ended(Ending::rejected) + m.queries_infeasible;
  m.queries_lost = ended(Ending::lost);
  m.queries_unfinished = ended(Ending::unfinished);
  m.queries_with_slo = s.with_slo;
  m.queries_on_time = s.on_time;
  m.queries_missed = s.with_slo - s.on_time;
  m.queries_delayed_by_load = s.delayed;
  m.cold_starts = s.cold_starts;
  m.misses = s.misses;
  const auto served = static_cast<double>(m.queries_served);
  m.throughput_qps = ratio(served, seconds());
  m.goodput_qps = ratio(static_cast<double>(s.good), seconds());
  m.slo_attainment = ratio(s.on_time, s.with_slo);
  m.accuracy_weighted_attainment = ratio(s.accuracy_on_time, static_cast<double>(s.with_slo));
  m.effective_accuracy = ratio(s.accuracy, served);
  m.profiled_accuracy = ratio(s.profiled, served);
  m.realised_accuracy = ratio(s.realised, served);
  m.accuracy_floor_attainment = ratio(s.floor_met, s.with_floor);
  m.cost_cap_attainment = ratio(s.cap_met, s.with_cap);
  m.latency_mean_s = s.latency.mean_s();
  m.latency_p50_s = s.latency.percentile_s(0.5);
  m.latency_p90_s = s.latency.percentile_s(0.9);
  m.latency_p95_s = s.latency.percentile_s(0.95);
  m.latency_p99_s = s.latency.percentile_s(0.99);
  m.latency_max_s = m.queries_served > 0 ? rounded_s(s.latency.max()) : no_value;
  m.wait_mean_s = mean_s(s.wait, m.queries_served);
  m.service_mean_s = mean_s(s.service, m.queries_served);
  m.network_mean_s = mean_s(s.network, m.queries_served);
  m.cost_attributed_usd = s.cost - s.transfer;
  m.cost_transfer_usd = s.transfer;
}

void SummaryRecorder::fill_batches(Metrics& m, TaskId only) const {
  std::uint64_t batches = 0, items = 0;
  m.cost_attributed_usd = 0;
  for (std::size_t v = 0; v < variants_.size(); ++v) {
    const Variant& variant = world_.catalog().variants[v];
    if (only && variant.task != only) continue;
    const VariantSums& x = variants_[v];
    batches += x.batches;
    items += x.items;
    m.cost_attributed_usd += x.attributed;
    m.queries_by_origin[static_cast<std::size_t>(variant.origin_latency)] += x.served;
    for (std::size_t cause = 0; cause < m.loads_by_cause.size(); ++cause) {
      m.loads_by_cause[cause] += happenings_.loads[v][cause];
      m.loads += happenings_.loads[v][cause];
    }
  }
  m.batch_mean = ratio(items, batches);
}

void SummaryRecorder::fill_total(Metrics& m) const {
  fill_batches(m, TaskId{});
  const Accounts& to = ended_ ? end_ : begin_;
  const double provisioning = provisioning_.cost_usd(to);
  if (!prices_.carbon_per_kwh.empty()) m.carbon_g = past_carbon_g_ + carbon_g(to);
  m.cost_fetch_usd = fetch_usd_;
  m.cost_usd = provisioning + m.cost_transfer_usd + fetch_usd_;
  m.loads_by_source = loads_by_source_;
  m.fetched_bytes = fetched_bytes_;
  m.cost_wasted_usd = wasted_usd_;
  const double used = billing_ == Billing::nodes ? m.cost_attributed_usd + wasted_usd_ : held_running_usd_;
  m.cost_idle_usd = std::max(0.0, provisioning - used);
  m.evictions = happenings_.evictions;
  m.resizes = happenings_.resizes;
  m.stale_answers = stale_answers_;
  m.control_messages = control_messages_;
  m.control_bytes = control_bytes_;
  m.view_age_mean_s = view_age_.mean_s();
  m.view_age_p50_s = view_age_.percentile_s(0.5);
  m.view_age_p99_s = view_age_.percentile_s(0.99);
  m.view_age_max_s = view_age_.count() > 0 ? rounded_s(view_age_.max()) : no_value;
  m.decision_mean_s = decision_.mean_s();
  m.decision_p99_s = decision_.percentile_s(0.99);
  m.wasted_work_s = wasted_s_;
  m.energy_j = own_energy_j_;
  double busy_s = 0, up_s = 0;
  for (std::size_t d = 0; d < to.devices.size(); ++d) {
    const Accounts::Device &a = begin_.devices[d], &b = to.devices[d];
    const double busy = to_seconds(Duration{b.busy - a.busy});
    busy_s += busy;
    up_s += busy + to_seconds(Duration{b.loading - a.loading + b.idle - a.idle});
    m.energy_j += energy_j(d, begin_, to, own_energy_busy_s_[d]);
  }
  m.utilization = ratio(busy_s, up_s);
}

Summary SummaryRecorder::summary() const {
  Summary out;
  out.window_begin = window_begin();
  out.window_end = window_end();
  out.billing = billing_;
  out.searches = searches_;
  const Catalog& catalog = world_.catalog();

  std::vector<Sums> tasks(catalog.tasks.size()), tasks_with_slo(catalog.tasks.size());
  std::vector<bool> asked(catalog.tasks.size());
  for (const QueryClass& q : world_.classes()) asked[q.task.index()] = true;
  const bool several = std::count(asked.begin(), asked.end(), true) > 1;
  Sums all_sums, all_with_slo;
  double largest_drop = no_value;
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    const QueryClass& q = world_.classes()[c];
    const Sums& s = classes_[c].sums;
    const double best = catalog[q.task].best_accuracy;
    SummaryRow row{q.name, catalog[q.task].name, {}};
    fill(row.metrics, s);
    if (classes_[c].has_slo) row.metrics.slo_attainment_worst_hour = worst_hour(s);
    row.metrics.accuracy_drop_max = accuracy_drop(s, best);
    out.classes.push_back(std::move(row));
    tasks[q.task.index()].add(s, 1);
    all_sums.add(s, several && best > 0 ? 1 / best : 1);
    if (classes_[c].has_slo) {
      tasks_with_slo[q.task.index()].add(s, 1);
      all_with_slo.add(s, 1);
    }
  }
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    if (!asked[t]) continue;
    SummaryRow row{catalog.tasks[t].name, {}, {}};
    fill(row.metrics, tasks[t]);
    fill_batches(row.metrics, TaskId{t});
    row.metrics.slo_attainment_worst_hour = worst_hour(tasks_with_slo[t]);
    row.metrics.accuracy_drop_max = accuracy_drop(tasks[t], catalog.tasks[t].best_accuracy);
    largest_drop = greater(largest_drop, row.metrics.accuracy_drop_max);
    out.tasks.push_back(std::move(row));
  }
  fill(out.total, all_sums);
  fill_total(out.total);
  out.total.slo_attainment_worst_hour = worst_hour(all_with_slo);
  out.total.accuracy_drop_max = largest_drop;

  for (std::size_t v = 0; v < variants_.size(); ++v) {
    const VariantSums& x = variants_[v];
    const Variant& variant = catalog.variants[v];
    VariantRow row;
    for (const std::uint32_t n : happenings_.loads[v]) row.loads += n;
    if (x.served == 0 && x.batches == 0 && row.loads == 0) continue;
    row.name = variant.name;
    row.task = catalog[variant.task].name;
    row.queries_served = x.served;
    row.queries_late = x.late;
    row.share = ratio(x.served, out.total.queries_served);
    row.latency_mean_s = mean_s(x.latency, x.served);
    row.latency_max_s = x.served > 0 ? rounded_s(x.latency_max) : no_value;
    row.effective_accuracy = ratio(x.accuracy, static_cast<double>(x.served));
    row.realised_accuracy = ratio(x.realised, static_cast<double>(x.served));
    row.batches = x.batches;
    row.batch_mean = ratio(x.items, x.batches);
    row.cost_attributed_usd = x.attributed;
    row.origin_latency = variant.origin_latency;
    row.origin_accuracy = variant.origin_accuracy;
    out.variants.push_back(std::move(row));
  }
  return out;
}

}  // namespace tideline

#include "src/bound.h"

#include "policies/components/linear_program.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace tideline {

void BoundRecorder::arrived(const Visit& v) {
  if (!v.flags.measured || !cluster_->world()[v.cls].has_slo()) return;
  queries_.push_back({v.arrival, v.cls, SiteId{v.origin}, static_cast<double>(v.items) * static_cast<double>(v.work)});
}

void BoundRecorder::ended(const Visit& v, const QueryEnd& end) {
  const QueryClass& c = cluster_->world()[v.cls];
  if (!v.flags.measured || !c.has_slo() || end.ending != Ending::answered || end.finish > later(v.arrival, c.slo)) return;
  ++on_time_;
  if (cluster_->world()[end.variant].accuracy >= c.floor) worth_ += end.accuracy;
}

namespace {

/// Queries of a class from a site.
struct Cell {
  ClassId cls;
  SiteId origin;
  double least_load = std::numeric_limits<double>::infinity();
  std::vector<std::uint32_t> count;  // by window
};

/// How a cell's queries may be served.
struct ServedBy {
  std::uint32_t type = 0;  // of devices: site x hardware type
  double device_s = 0;     // of a query of load 1
  double value = 1;
};

/// Batches that a device runs at once, over how much each is slower: at most.
double speed_up(const Hardware& h) {
  if (h.sharing == Sharing::partitioned) return 1;  // counted by instances
  const double k = std::max(h.concurrent_batches, 1U);
  return h.sharing == Sharing::exclusive ? k : std::max(1.0, std::pow(k, 1 - h.sharing_exponent));
}

/// What answers are worth.
struct Worth {
  BoundObjective objective = BoundObjective::on_time;
  double answer_usd = 0;  ///< of an answer in time, for `cost`: less what it costs is its worth
  Billing billing = Billing::nodes;
  double unit_usd = 1;  ///< in which values are: solvers take what is far below 1 for nothing
};

/// Share of a device that an instance is paid for.
double paid_share(const Hardware& h, const Variant& v, std::uint32_t option, Billing billing) {
  if (h.sharing == Sharing::partitioned) return h.cores > 0 ? static_cast<double>(v.profile.cores()[option]) / h.cores : 1;
  if (billing == Billing::nodes) return 1 / speed_up(h);
  return h.memory_bytes > 0 ? static_cast<double>(v.memory_for(1)) / static_cast<double>(h.memory_bytes) : 1;
}

double worth_of(const World& world, ClassId c, VariantId v, BoundObjective objective) {
  if (!pinned_to(world[c], world[v])) return 0;
  if (objective != BoundObjective::worth) return 1;
  return world[v].accuracy >= world[c].floor ? world[v].accuracy : 0;
}

std::vector<ServedBy> served_by(const World& world, const Cell& cell, const Worth& worth) {
  std::vector<ServedBy> all;
  for (const VariantId v : world.catalog()[world[cell.cls].task].variants) {
    const double value = worth_of(world, cell.cls, v, worth.objective);
    if (value <= 0) continue;
    for (std::size_t s = 0; s < world.site_count(); ++s) {
      const Route &there = world.topology().route(cell.origin, SiteId{s}), &back = world.topology().route(SiteId{s}, cell.origin);
      if (!world.group(v, SiteId{s}) || !there.reachable) continue;
      const Duration left = world[cell.cls].slo - (cell.origin == SiteId{s} ? Duration{} : there.delay + back.delay);
      const Hardware& h = world.catalog()[world[v].hardware];
      const Profile& profile = world[v].profile;
      double least = std::numeric_limits<double>::infinity(), least_usd = least;
      for (std::uint32_t o = 0; o < profile.cores().size(); ++o) {
        const double at_once = h.sharing == Sharing::partitioned
                                   ? std::max(1.0, std::floor(h.cores / static_cast<double>(std::max(profile.cores()[o], 1U))))
                                   : speed_up(h);
        const double usd_per_s = world.hardware_price_per_s(world[v].hardware) * paid_share(h, world[v], o, worth.billing);
        for (std::uint32_t b = 1; b <= profile.max_items(); ++b) {
          if (profile.latency(b, o) > left) continue;
          const double each_s = to_seconds(profile.latency(b, o)) / b;
          least = std::min(least, each_s / at_once);
          least_usd = std::min(least_usd, each_s * usd_per_s);
        }
      }
      if (least == std::numeric_limits<double>::infinity()) continue;
      const double net =
          worth.objective == BoundObjective::cost ? (worth.answer_usd - least_usd * cell.least_load) / worth.unit_usd : value;
      if (net <= 0) continue;
      all.push_back({static_cast<std::uint32_t>(s * world.catalog().hardware.size() + world[v].hardware.index()), least, net});
    }
  }
  // On one type of devices only what is worth more for more time.
  std::sort(all.begin(), all.end(), [](const ServedBy& a, const ServedBy& b) {
    if (a.type != b.type) return a.type < b.type;
    return a.device_s != b.device_s ? a.device_s < b.device_s : a.value > b.value;
  });
  std::vector<ServedBy> out;
  for (const ServedBy& k : all)
    if (out.empty() || out.back().type != k.type || k.value > out.back().value) out.push_back(k);
  return out;
}

/// One block: windows [first, first + windows) of arrivals, served in these and in those up to their last deadlines.
double block_bound(const std::vector<Cell>& cells, const std::vector<std::vector<ServedBy>>& ways, const std::vector<std::size_t>& reach,
                   const std::vector<double>& device_s, std::size_t first, std::size_t windows) {
  LinearProgram p;
  const double none = -LinearProgram::infinity;
  std::size_t last = windows;
  for (const std::size_t r : reach) last = std::max(last, windows + r);
  std::vector<std::uint32_t> device_rows;
  for (std::size_t w = 0; w < last; ++w)
    for (const double s : device_s) device_rows.push_back(p.add_row(none, s));
  for (std::size_t c = 0; c < cells.size(); ++c) {
    if (ways[c].empty()) continue;
    // What arrived in a window and is served in another flows through a row for each window and cell.
    std::vector<std::uint32_t> served_rows(last, ~std::uint32_t{0});
    for (std::size_t w = 0; w < windows; ++w) {
      const std::uint32_t n = first + w < cells[c].count.size() ? cells[c].count[first + w] : 0;
      if (n == 0) continue;
      const std::uint32_t arrived = p.add_row(none, n);
      for (std::size_t at = w; at <= w + reach[c]; ++at) {
        if (served_rows[at] == ~std::uint32_t{0}) served_rows[at] = p.add_row(none, 0);
        const std::uint32_t flow = p.add_variable(0);
        p.set(arrived, flow, 1);
        p.set(served_rows[at], flow, -1);
      }
    }
    for (std::size_t at = 0; at < last; ++at) {
      if (served_rows[at] == ~std::uint32_t{0}) continue;
      for (const ServedBy& way : ways[c]) {
        const std::uint32_t served = p.add_variable(way.value);
        p.set(served_rows[at], served, 1);
        p.set(device_rows[at * device_s.size() + way.type], served, way.device_s * cells[c].least_load);
      }
    }
  }
  return p.variables() == 0 ? 0 : p.solve().bound;
}

}  // namespace

Duration bound_window(const World& world, const std::vector<BoundQuery>& queries) {
  Duration window = 1s;
  Time first = never, last{};
  for (const BoundQuery& q : queries) {
    window = std::min(window, world[q.cls].slo);
    first = std::min(first, q.at);
    last = std::max(last, q.at);
  }
  if (queries.empty()) return window;
  const Duration least = (last - first) / 10'000;
  if (window >= least) return std::max(window, Duration{1us});
  return (least + 1ms - Duration{1}) / 1ms * Duration{1ms};
}

namespace {

/// Queries by class and origin, in windows.
struct Windows {
  std::vector<Cell> cells;
  std::size_t count = 0;
  std::vector<std::size_t> reach;  ///< by cell: windows until the deadline
  std::vector<double> device_s;    ///< in a window, by type

  Windows(const World& world, const std::vector<BoundQuery>& queries, Duration window) {
    Time first = never;
    for (const BoundQuery& q : queries) first = std::min(first, q.at);
    std::map<std::pair<std::size_t, std::size_t>, std::size_t> number;
    for (const BoundQuery& q : queries) {
      const auto [at, is_new] = number.try_emplace({q.cls.index(), q.origin.index()}, cells.size());
      if (is_new) cells.push_back({q.cls, q.origin, q.load, {}});
      Cell& cell = cells[at->second];
      const auto w = static_cast<std::size_t>((q.at - first) / window);
      if (cell.count.size() <= w) cell.count.resize(w + 1);
      ++cell.count[w];
      cell.least_load = std::min(cell.least_load, q.load);
      count = std::max(count, w + 1);
    }
    for (const Cell& c : cells) reach.push_back(static_cast<std::size_t>((world[c.cls].slo + window - Duration{1}) / window));
    device_s.resize(world.site_count() * world.catalog().hardware.size());
    for (const Device& d : world.topology().devices)
      device_s[d.site.index() * world.catalog().hardware.size() + d.hardware.index()] += to_seconds(window);
  }

  /// The most that answers can be worth.
  double most(const World& world, const Worth& worth) const {
    std::vector<std::vector<ServedBy>> ways;
    for (const Cell& c : cells) ways.push_back(served_by(world, c, worth));
    constexpr std::size_t block = 100;
    double sum = 0;
    for (std::size_t w = 0; w < count; w += block) sum += block_bound(cells, ways, reach, device_s, w, std::min(block, count - w));
    // No more than all of the best; what rounding added goes.
    double all = 0;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      double best = 0;
      for (const ServedBy& way : ways[c]) best = std::max(best, way.value);
      for (const std::uint32_t n : cells[c].count) all += n * best;
    }
    return std::min(sum, all);
  }
};

}  // namespace

double clairvoyant_bound(const World& world, const std::vector<BoundQuery>& queries, BoundObjective objective, Duration window) {
  if (queries.empty()) return 0;
  return Windows(world, queries, window).most(world, {objective, 0, Billing::nodes, 1});
}

double least_cost_bound(const World& world, const std::vector<BoundQuery>& queries, double answers, Billing billing, Duration window) {
  if (queries.empty() || answers <= 0) return 0;
  const Windows windows(world, queries, window);
  // The most that any answer may cost: what one more may be worth, if it is to be looked for below that.
  double dearest = 0;
  for (const Cell& c : windows.cells)
    for (const ServedBy& way : served_by(world, c, {BoundObjective::cost, 1000, billing, 1})) dearest = std::max(dearest, 1000 - way.value);
  // By duality any price of an answer gives a bound; the best of those looked at is taken. It is concave in the price.
  if (dearest <= 0) return 0;
  const auto bound_at = [&](double price) {
    return answers * price - dearest * windows.most(world, {BoundObjective::cost, price, billing, dearest});
  };
  double low = 0, high = 4 * dearest, best = 0;
  const double golden = (std::sqrt(5.0) - 1) / 2;
  double a = high - golden * (high - low), b = low + golden * (high - low), at_a = bound_at(a), at_b = bound_at(b);
  for (int k = 0; k < 20; ++k) {
    best = std::max({best, at_a, at_b});
    if (at_a < at_b) {
      low = a, a = b, at_a = at_b;
      b = low + golden * (high - low), at_b = bound_at(b);
    } else {
      high = b, b = a, at_b = at_a;
      a = high - golden * (high - low), at_a = bound_at(a);
    }
  }
  return best;
}

bool is_tiny(const World& world, const std::vector<BoundQuery>& queries) {
  if (queries.size() > 12 || world.site_count() != 1 || world.topology().devices.size() > 2 || world.catalog().variants.size() > 3)
    return false;
  for (const BoundQuery& q : queries)
    if (q.load != 1) return false;
  for (const Device& d : world.topology().devices)
    if (const Hardware& h = world.catalog()[d.hardware]; h.sharing != Sharing::exclusive || h.concurrent_batches != 1) return false;
  return true;
}

namespace {

/// Exhaustive search over batches: each state is who is left and when the devices are free.
class ExactSearch {
 public:
  ExactSearch(const World& world, const std::vector<BoundQuery>& queries, BoundObjective objective)
      : world_(world), queries_(queries), objective_(objective) {}

  double best() { return from((1U << queries_.size()) - 1, {}); }

 private:
  using Free = std::array<Time, 2>;

  double from(std::uint32_t left, const Free& free) {
    if (left == 0) return 0;
    const auto [at, is_new] = known_.try_emplace({left, free}, 0);
    if (!is_new) return at->second;
    double most = 0;
    const auto& devices = world_.topology().devices;
    for (std::size_t d = 0; d < devices.size(); ++d) {
      if (d == 1 && free[0] == free[1] && devices[0].hardware == devices[1].hardware) continue;  // alike
      for (std::size_t v = 0; v < world_.catalog().variants.size(); ++v)
        if (world_[VariantId{v}].hardware == devices[d].hardware)
          for (std::uint32_t batch = left; batch > 0; batch = (batch - 1) & left)
            most = std::max(most, run(left, free, d, VariantId{v}, batch));
    }
    return known_[{left, free}] = most;
  }

  double run(std::uint32_t left, const Free& free, std::size_t device, VariantId v, std::uint32_t batch) {
    Time start = free[device], due = never;
    double worth = 0;
    std::uint32_t size = 0;
    for (std::size_t k = 0; k < queries_.size(); ++k) {
      if ((batch >> k & 1U) == 0) continue;
      const BoundQuery& q = queries_[k];
      if (world_[q.cls].task != world_[v].task) return 0;
      const double value = worth_of(world_, q.cls, v, objective_);
      if (value <= 0) return 0;
      worth += value;
      start = std::max(start, q.at);
      due = std::min(due, later(q.at, world_[q.cls].slo));
      ++size;
    }
    if (size > world_[v].profile.max_items() || start + world_[v].profile.latency(size) > due) return 0;
    Free then = free;
    then[device] = start + world_[v].profile.latency(size);
    return worth + from(left & ~batch, then);
  }

  const World& world_;
  const std::vector<BoundQuery>& queries_;
  BoundObjective objective_;
  std::map<std::pair<std::uint32_t, Free>, double> known_;
};

}  // namespace

double exact_optimum(const World& world, const std::vector<BoundQuery>& queries, BoundObjective objective) {
  return ExactSearch(world, queries, objective).best();
}

}  // namespace tideline

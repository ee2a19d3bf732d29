#include "src/explain.h"

#include "sim/executor/profiled.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

namespace tideline {

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// Devices of one hardware type at one site, whoever asks.
struct DeviceSet {
  SiteId site;
  HardwareId hardware;
  std::uint32_t devices = 0, at_start = 0;
};

/// By site, then in order of pools.
std::vector<DeviceSet> device_sets(const Topology& topology) {
  std::vector<DeviceSet> out;
  for (std::size_t s = 0; s < topology.sites.size(); ++s)
    for (const Pool& p : topology.pools) {
      if (p.site != SiteId{s}) continue;
      auto at = std::find_if(out.begin(), out.end(), [&](const DeviceSet& d) { return d.site == p.site && d.hardware == p.hardware; });
      if (at == out.end()) at = out.insert(out.end(), DeviceSet{p.site, p.hardware, 0, 0});
      at->devices += std::max(p.max, p.count) * p.devices_per_node;
      at->at_start += p.count * p.devices_per_node;
    }
  return out;
}

/// The part of a device that a batch of the variant occupies: batches run side by side.
double share_of_device(const Variant& v, const Hardware& h) {
  if (h.sharing == Sharing::shared) return 1;
  if (h.sharing == Sharing::exclusive) return 1.0 / h.concurrent_batches;
  return static_cast<double>(v.profile.cores().front()) / h.cores;
}

/// How many times the throughput of one instance a device has that runs instances of this variant only, each started for `cap` items.
double throughput_factor(const Variant& v, const Hardware& h, std::uint32_t cap) {
  // What shares a device does together what it does alone.
  if (h.sharing == Sharing::shared) return 1;
  const std::uint32_t slots = h.sharing == Sharing::exclusive ? h.concurrent_batches : h.cores / v.profile.cores().front();
  const std::int64_t bytes = v.memory_for(cap);
  const std::int64_t fit = bytes > 0 ? h.memory_bytes / bytes : slots;
  double best = 0;
  for (std::uint32_t k = 1; k <= slots && k <= fit; ++k) {
    const double slower = h.interference.empty() ? 1 : h.interference[std::min<std::size_t>(k, h.interference.size()) - 1];
    best = std::max(best, k / slower);
  }
  return best;
}

/// A variant at a site, as one demand meets it.
struct Option {
  const Variant* variant = nullptr;
  const Hardware* hardware = nullptr;
  VariantId id;
  SiteId site;
  std::uint32_t cap = 1;  // most items of a batch
  Duration there{}, back{};
  double transfer_usd = 0, price_per_s = 0;  // of the part of the device that it occupies

  bool holds(std::uint32_t items) const { return items <= variant->profile.max_items(); }
  bool fits() const { return variant->memory_for(cap) <= hardware->memory_bytes; }
  std::uint32_t most_items(std::uint32_t items) const { return std::max(items, cap); }
  /// Of a query of `items` in a batch of `batch`.
  Duration latency(std::uint32_t batch) const { return there + variant->profile.latency(batch) + back; }
  double price(std::uint32_t items, std::uint32_t batch) const {
    return price_per_s * to_seconds(variant->profile.latency(batch)) * items / batch + transfer_usd;
  }
  Pick pick(std::uint32_t items) const { return {id, site, latency(items), price(items, items)}; }

  /// The shortest latency of a batch that costs at most `cap_usd` a query; `forever` if none does.
  Duration least_latency(std::uint32_t items, double cap_usd) const {
    Duration out = forever;
    for (std::uint32_t b = items; b <= most_items(items); ++b)
      if (price(items, b) <= cap_usd) out = std::min(out, latency(b));
    return out;
  }
  /// The lowest price of a query in a batch that is in time; infinite if none is.
  double least_price(std::uint32_t items, Duration slo) const {
    double out = infinite;
    for (std::uint32_t b = items; b <= most_items(items); ++b)
      if (latency(b) <= slo) out = std::min(out, price(items, b));
    return out;
  }
};

/// Device time of an item in the best batch that is in time, and that batch; 0: none is.
std::pair<double, std::uint32_t> best_batch(const Option& o, std::uint32_t items, Duration slo) {
  std::pair<double, std::uint32_t> best{infinite, 0};
  for (std::uint32_t b = items; b <= o.most_items(items); ++b) {
    const double each = to_seconds(o.variant->profile.latency(b)) / b;
    if (o.latency(b) <= slo && each < best.first) best = {each, b};
  }
  return best;
}

Level mean_and_peak(const std::vector<double>& qps) {
  return {std::accumulate(qps.begin(), qps.end(), 0.0) / static_cast<double>(qps.size()), *std::max_element(qps.begin(), qps.end())};
}

Level operator*(const Level& l, double factor) { return {l.mean * factor, l.peak * factor}; }

/// `bound` is of utilisation; `peaks_matter`: someone has an SLO.
Verdict verdict_of(const Level& bound, bool peaks_matter) {
  if (bound.mean > 1 || (peaks_matter && bound.peak > 1)) return Verdict::impossible;
  return bound.peak > tight_utilisation ? Verdict::tight : Verdict::fits;
}

class Explainer {
 public:
  Explainer(const World& world, std::span<const Demand> demands)
      : world_(world),
        demands_(demands),
        executor_(world.catalog(), 0),
        sets_(device_sets(world.topology())),
        feasible_(world.groups().size()) {}

  Explanation explain() {
    for (const Demand& d : demands_) out_.prospects.push_back(judge(d));
    together();
    devices();
    links();
    quality();
    return std::move(out_);
  }

 private:
  const QueryClass& cls(const Demand& d) const { return world_[d.cls]; }
  const Topology& topology() const { return world_.topology(); }

  Option option(const Demand& d, VariantId v, SiteId site) const {
    Option o;
    o.id = v;
    o.site = site;
    o.variant = &world_[v];
    o.hardware = &world_.catalog()[o.variant->hardware];
    const GroupId g = world_.group(v, site);
    o.cap = g ? world_[g].batch_cap : o.variant->max_batch;
    o.there = o.variant->pre_at_origin;
    if (!topology().access.empty()) {
      const AccessLink& access = topology().access[d.origin.index()];
      o.there += access.time(d.payload_bytes);
      o.back = access.time(d.answer_bytes);
    }
    if (site != d.origin) {
      const Route& route = topology().route(d.origin, site);
      const std::uint32_t payload = world_.payload_bytes(v, d.payload_bytes, 1);
      o.there += route.time(payload);
      o.back += route.time_back(d.answer_bytes);
      o.transfer_usd = route.price_per_byte_usd * (static_cast<double>(payload) + d.answer_bytes);
    }
    double price = world_.hardware_price_per_s(o.variant->hardware);
    if (!g) price = o.hardware->price_per_hour_usd / 3600;  // not in this cluster: as the catalog says
    o.price_per_s = o.hardware->sharing == Sharing::partitioned ? price * share_of_device(*o.variant, *o.hardware) : price;
    return o;
  }

  Prospect judge(const Demand& d) {
    Prospect p;
    const QueryClass& c = cls(d);
    std::vector<Option> options, feasible;
    for (const VariantId v : world_.catalog()[c.task].variants)
      for (const GroupId g : world_.groups_of(v, d.origin)) options.push_back(option(d, v, world_[g].site));
    p.options = static_cast<std::uint32_t>(options.size());
    for (const Option& o : options) {
      if (!meets(d, o, {})) continue;
      feasible.push_back(o);
      feasible_[world_.group(o.id, o.site).index()] = 1;
    }
    for (const DeviceSet& set : sets_) offer(d, set, options, feasible, p);
    if (!d.qps.empty()) p.offered_qps = mean_and_peak(d.qps);
    if (feasible.empty()) {
      p.hindrances = hindrances(d, options);
      p.verdict = Verdict::impossible;
      return p;
    }
    p.within_cap_alone =
        std::any_of(feasible.begin(), feasible.end(), [&](const Option& o) { return o.price(d.items, d.items) <= c.cost_cap_usd; });
    cold_starts(d, feasible, p);
    if (p.offered_qps) {
      p.utilisation = *p.offered_qps * least_utilisation({shares(p, 1)});
      p.verdict = verdict_of(*p.utilisation, c.has_slo());
      // The bound knows no interference and no memory; what the devices reach does.
      if (p.verdict == Verdict::fits && p.offered_qps->peak > tight_utilisation * p.batched_qps) p.verdict = Verdict::tight;
    }
    return p;
  }

  /// Whether the option serves the demand; `without`: as if it had not this constraint.
  bool meets(const Demand& d, const Option& o, std::optional<Constraint> without) const {
    const QueryClass& c = cls(d);
    if (without != Constraint::pin && !pinned_to(c, *o.variant)) return false;
    if (without != Constraint::memory && !o.fits()) return false;
    if (!o.holds(d.items)) return false;
    if (without != Constraint::floor && o.variant->accuracy < c.floor) return false;
    const double least = o.least_price(d.items, without == Constraint::slo ? forever : c.slo);
    return least < infinite && (without == Constraint::cost_cap || least <= c.cost_cap_usd);
  }

  void offer(const Demand& d, const DeviceSet& set, const std::vector<Option>& options, const std::vector<Option>& feasible, Prospect& p) {
    const auto here = [&](const Option& o) { return o.site == set.site && o.variant->hardware == set.hardware; };
    Offer out;
    out.site = set.site;
    out.hardware = set.hardware;
    out.devices = set.devices;
    out.variants = static_cast<std::uint32_t>(std::count_if(options.begin(), options.end(), here));
    if (out.variants == 0) return;
    double best_accuracy = -1, batched = 0;
    out.device_s = infinite;
    for (const Option& o : feasible) {
      if (!here(o)) continue;
      const Pick pick = o.pick(d.items);
      if (out.feasible == 0 || pick.latency < out.fastest.latency) out.fastest = pick;
      if (out.feasible == 0 || pick.price_usd < out.cheapest.price_usd) out.cheapest = pick;
      if (o.variant->accuracy > best_accuracy) {
        best_accuracy = o.variant->accuracy;
        out.most_accurate = pick;
      }
      ++out.feasible;
      const double device_rate = throughput_factor(*o.variant, *o.hardware, o.cap) / d.mean_work;  // in items of work per busy second
      const double alone_s = to_seconds(o.variant->profile.latency(d.items)) / d.items;
      out.alone_qps = std::max(out.alone_qps, set.devices * device_rate / alone_s);
      const auto [each, batch] = best_batch(o, d.items, cls(d).slo);
      if (set.devices * device_rate / each > batched) {
        batched = set.devices * device_rate / each;
        out.batch = batch;
      }
      out.device_s = std::min(out.device_s, share_of_device(*o.variant, *o.hardware) * each * d.mean_work);
    }
    out.batched_qps = batched;
    p.alone_qps += out.alone_qps;
    p.batched_qps += out.batched_qps;
    p.offers.push_back(out);
  }

  /// What `qps` of the demand would make of each device set if all of it went there.
  std::vector<double> shares(const Prospect& p, double qps) const {
    std::vector<double> out(sets_.size(), infinite);
    for (const Offer& offer : p.offers)
      for (std::size_t k = 0; k < sets_.size(); ++k)
        if (offer.feasible > 0 && sets_[k].site == offer.site && sets_[k].hardware == offer.hardware)
          out[k] = qps * offer.device_s / offer.devices;
    return out;
  }

  // --- why nothing is feasible ---

  std::vector<Hindrance> hindrances(const Demand& d, const std::vector<Option>& options) const {
    const QueryClass& c = cls(d);
    std::vector<Hindrance> out;
    out.push_back(missing_hardware(d, options));
    if (c.pin_level != PinLevel::none) {
      Hindrance h;
      h.constraint = Constraint::pin;
      for (const Option& o : options) {
        if (pinned_to(c, *o.variant)) ++h.met;
        if (meets(d, o, Constraint::pin) && (!h.relaxed || o.latency(d.items) < h.relaxed->latency)) h.relaxed = o.pick(d.items);
      }
      out.push_back(h);
    }
    out.push_back(hindrance(d, options, Constraint::memory, 0, [](const Option& o) {
      return std::pair{o.fits(), static_cast<double>(o.variant->memory_for(o.cap))};
    }));
    out.push_back(largest_batch(d, options));
    out.push_back(hindrance(d, options, Constraint::floor, c.floor, [&](const Option& o) {
      return std::pair{o.variant->accuracy >= c.floor, -o.variant->accuracy};
    }));
    if (c.has_slo())
      out.push_back(hindrance(d, options, Constraint::slo, to_seconds(c.slo), [&](const Option& o) {
        return std::pair{o.latency(d.items) <= c.slo, to_seconds(o.latency(d.items))};
      }));
    if (c.cost_cap_usd < infinite)
      out.push_back(hindrance(d, options, Constraint::cost_cap, c.cost_cap_usd, [&](const Option& o) {
        const double least = o.least_price(d.items, forever);
        return std::pair{least <= c.cost_cap_usd, least};
      }));
    // What all meet hinders nobody, except together with another constraint.
    std::erase_if(out, [&](const Hindrance& h) { return h.constraint != Constraint::hardware && h.met == options.size() && !h.relaxed; });
    return out;
  }

  /// `judge` says whether an option meets the constraint and how far it is, less being better.
  template <class Judge>
  Hindrance hindrance(const Demand& d, const std::vector<Option>& options, Constraint constraint, double wanted, Judge judge) const {
    Hindrance h;
    h.constraint = constraint;
    h.wanted = wanted;
    for (const Option& o : options) {
      if (!o.holds(d.items)) continue;
      const auto [met, value] = judge(o);
      h.met += met ? 1 : 0;
      if (!h.best || value < h.best_value) {
        h.best = o.pick(d.items);
        h.best_value = value;
      }
      if (!meets(d, o, constraint)) continue;
      const double relaxed = relaxed_value(d, o, constraint, value);
      if (!h.relaxed || relaxed < h.relaxed_value) {
        h.relaxed = o.pick(d.items);
        h.relaxed_value = relaxed;
      }
    }
    if (constraint == Constraint::floor) {
      h.best_value = -h.best_value;
      h.relaxed_value = -h.relaxed_value;
    }
    return h;
  }

  /// Latency and price depend on the batch: what the other constraint leaves of it.
  double relaxed_value(const Demand& d, const Option& o, Constraint constraint, double value) const {
    if (constraint == Constraint::slo) return to_seconds(o.least_latency(d.items, cls(d).cost_cap_usd));
    if (constraint == Constraint::cost_cap) return o.least_price(d.items, cls(d).slo);
    return value;
  }

  Hindrance largest_batch(const Demand& d, const std::vector<Option>& options) const {
    Hindrance h;
    h.constraint = Constraint::items;
    h.wanted = d.items;
    for (const Option& o : options) {
      if (o.holds(d.items)) ++h.met;
      const double most = o.variant->profile.max_items();
      if (!h.best || most > h.best_value) {
        h.best = o.pick(1);
        h.best_value = most;
      }
      Demand smaller = d;
      smaller.items = std::min(d.items, o.variant->profile.max_items());
      if (smaller.items < d.items && meets(smaller, o, {}) && (!h.relaxed || most > h.relaxed_value)) {
        h.relaxed = o.pick(smaller.items);
        h.relaxed_value = most;
      }
    }
    return h;
  }

  /// Whether hardware of the catalog that the cluster lacks would serve it, standing at the origin.
  Hindrance missing_hardware(const Demand& d, const std::vector<Option>& options) const {
    Hindrance h;
    h.constraint = Constraint::hardware;
    h.met = static_cast<std::uint32_t>(options.size());
    for (const VariantId v : world_.catalog()[cls(d).task].variants) {
      if (!world_.groups_of(v, d.origin).empty()) continue;
      const Option o = option(d, v, d.origin);
      if (meets(d, o, {}) && (!h.relaxed || o.latency(d.items) < h.relaxed->latency)) h.relaxed = o.pick(d.items);
    }
    return h;
  }

  // --- loads ---

  ColdStart cold_start(const Demand& d, const Option& o) const {
    ColdStart c;
    c.pick = o.pick(d.items);
    LoadParts parts;
    parts.variant = o.id;
    parts.from_store = parts.build = parts.runtime_init = true;
    c.load = executor_.expected_load(parts);
    c.build = o.variant->load.build;
    c.runtime_init = o.variant->load.runtime_init;
    c.first_run = o.variant->load.first_run;
    c.bytes = c.load - c.build - c.runtime_init - c.first_run;
    // The query may travel while the variant loads.
    const Duration rest = o.variant->profile.latency(d.items) + o.back;
    c.answer = std::max(c.load, o.there) + rest;
    parts.from_store = parts.build = false;
    c.answer_again = std::max(executor_.expected_load(parts), o.there) + rest;
    return c;
  }

  void cold_starts(const Demand& d, const std::vector<Option>& feasible, Prospect& p) const {
    std::optional<ColdStart> fastest, cheapest, first;
    for (const Option& o : feasible) {
      const ColdStart c = cold_start(d, o);
      p.survives_first_load = p.survives_first_load || c.answer <= cls(d).slo;
      p.survives_load = p.survives_load || std::min(c.answer, c.answer_again) <= cls(d).slo;
      if (!fastest || c.pick.latency < fastest->pick.latency) fastest = c;
      if (!cheapest || c.pick.price_usd < cheapest->pick.price_usd) cheapest = c;
      if (!first || c.answer < first->answer) first = c;
    }
    for (const auto& c : {fastest, cheapest, first}) {
      const auto same = [&](const ColdStart& k) { return k.pick.variant == c->pick.variant && k.pick.site == c->pick.site; };
      if (std::none_of(p.cold_starts.begin(), p.cold_starts.end(), same)) p.cold_starts.push_back(*c);
    }
  }

  // --- all demands on the same devices ---

  /// Of the demands that `among` names: at mean rates, and in the part of the window where it is worst by a simple measure.
  Together together(TaskId task, const std::vector<std::size_t>& among) const {
    Together t;
    t.task = task;
    std::vector<std::size_t> known;
    bool any_slo = false;
    for (const std::size_t k : among) {
      const Prospect& p = out_.prospects[k];
      if (!p.offered_qps) t.all_known = false;
      if (!p.offered_qps || !p.feasible()) continue;
      known.push_back(k);
      any_slo = any_slo || cls(demands_[k]).has_slo();
    }
    if (known.empty()) return t;
    std::vector<double> alone(demands_[known.front()].qps.size());
    for (const std::size_t k : known) {
      const double each = least_utilisation({shares(out_.prospects[k], 1)});
      for (std::size_t i = 0; i < alone.size(); ++i) alone[i] += each * demands_[k].qps[i];
    }
    const auto worst = static_cast<std::size_t>(std::max_element(alone.begin(), alone.end()) - alone.begin());
    const auto bound = [&](auto rate) {
      std::vector<std::vector<double>> share;
      for (const std::size_t k : known)
        if (rate(k) > 0) share.push_back(shares(out_.prospects[k], rate(k)));
      return least_utilisation(share);
    };
    t.utilisation = Level{bound([&](std::size_t k) { return out_.prospects[k].offered_qps->mean; }),
                          bound([&](std::size_t k) { return demands_[k].qps[worst]; })};
    // What some of them need at another time bounds the peak too.
    for (const std::size_t k : known) t.utilisation->peak = std::max(t.utilisation->peak, out_.prospects[k].utilisation->peak);
    for (const Together& part : out_.together)
      if (!task && part.utilisation) t.utilisation->peak = std::max(t.utilisation->peak, part.utilisation->peak);
    t.verdict = verdict_of(*t.utilisation, any_slo);
    if (!t.all_known && t.verdict != Verdict::impossible) t.verdict = Verdict::unknown;
    return t;
  }

  void together() {
    std::vector<std::size_t> all(demands_.size());
    std::iota(all.begin(), all.end(), 0);
    for (std::size_t t = 0; t < world_.catalog().tasks.size(); ++t) {
      std::vector<std::size_t> of_task;
      std::copy_if(all.begin(), all.end(), std::back_inserter(of_task), [&](std::size_t k) { return cls(demands_[k]).task == TaskId{t}; });
      if (of_task.size() > 1 && of_task.size() < all.size()) out_.together.push_back(together(TaskId{t}, of_task));
    }
    out_.together.push_back(together(TaskId{}, all));
  }

  void devices() {
    for (std::size_t k = 0; k < sets_.size(); ++k) {
      const DeviceSet& set = sets_[k];
      DeviceFacts f;
      f.site = set.site;
      f.hardware = set.hardware;
      f.devices = set.devices;
      f.devices_at_start = set.at_start;
      f.device_bytes = world_.catalog()[set.hardware].memory_bytes;
      only_here(k, f);
      memory(set, f);
      out_.devices.push_back(std::move(f));
    }
  }

  void only_here(std::size_t set, DeviceFacts& f) const {
    std::vector<double> sums;
    for (std::size_t k = 0; k < demands_.size(); ++k) {
      const auto share = shares(out_.prospects[k], 1);
      if (std::count_if(share.begin(), share.end(), [](double x) { return x < infinite; }) != 1 || share[set] == infinite) continue;
      if (demands_[k].qps.empty()) return;
      sums.resize(demands_[k].qps.size());
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += share[set] * demands_[k].qps[i];
    }
    f.only_here = sums.empty() ? Level{} : mean_and_peak(sums);
  }

  void memory(const DeviceSet& set, DeviceFacts& f) const {
    struct Need {
      std::int64_t bytes;
      std::uint32_t cores;  // of a partitioned device, at least
    };
    std::vector<Need> needs;
    const Hardware& h = world_.catalog()[set.hardware];
    const bool holds_cores = h.sharing == Sharing::partitioned;
    std::set<TaskId> asked;
    for (const Demand& d : demands_) asked.insert(cls(d).task);
    for (std::size_t g = world_.first_group(set.site).index(), n = g + world_.group_count(set.site); g < n; ++g) {
      const Group& group = world_.groups()[g];
      const Variant& v = world_[group.variant];
      if (v.hardware != set.hardware) continue;
      const std::int64_t bytes = v.memory_for(group.batch_cap);
      if (bytes > f.device_bytes && asked.contains(v.task)) f.too_large.push_back(group.variant);
      if (feasible_[g] == 0) continue;
      ++f.variants;
      f.bytes += bytes;
      if (!f.largest || bytes > f.largest_bytes) {
        f.largest = group.variant;
        f.largest_bytes = bytes;
      }
      needs.push_back({bytes, holds_cores ? v.profile.cores().front() : 0});
    }
    // Those of fewest cores first, then the smallest, device by device: none that was passed over fits later.
    std::sort(needs.begin(), needs.end(),
              [](const Need& a, const Need& b) { return std::pair(a.cores, a.bytes) < std::pair(b.cores, b.bytes); });
    Need free{0, 0};
    std::uint32_t devices = set.devices;
    for (const Need& need : needs) {
      if (need.bytes > f.device_bytes) continue;
      if (need.bytes > free.bytes || need.cores > free.cores) {
        if (devices == 0) break;
        --devices;
        free = {f.device_bytes, holds_cores ? h.cores : 0};
      }
      free.bytes -= need.bytes;
      free.cores -= need.cores;
      ++f.at_once;
    }
  }

  // --- links ---

  /// Whether the least-delay route leads over the link, from its end `a` to its end `b`.
  bool leads_over(SiteId from, SiteId to, const Link& l, SiteId a, SiteId b) const {
    const Route &whole = topology().route(from, to), &before = topology().route(from, a), &after = topology().route(b, to);
    if (from == to || !whole.reachable || !before.reachable || !after.reachable) return false;
    const double per_byte = (l.bytes_per_s > 0 ? 1 / l.bytes_per_s : 0) + before.seconds_per_byte + after.seconds_per_byte;
    return before.delay + l.delay + after.delay == whole.delay && std::abs(per_byte - whole.seconds_per_byte) <= 1e-9 * per_byte;
  }

  void links() {
    for (std::size_t l = 0; l < topology().links.size(); ++l) {
      const Link& link = topology().links[l];
      LinkFacts f;
      f.link = l;
      std::array<std::array<std::vector<double>, 2>, 2> bytes;  // any or forced; forward or backward
      std::array<bool, 2> known{true, true};                    // any or forced
      for (std::size_t k = 0; k < demands_.size(); ++k) cross(k, link, bytes, known, f);
      const auto level = [&](std::size_t forced, std::size_t way) -> std::optional<Level> {
        if (!known[forced]) return {};
        return bytes[forced][way].empty() ? Level{} : mean_and_peak(bytes[forced][way]);
      };
      f.forward = level(0, 0);
      f.backward = level(0, 1);
      f.forced_forward = level(1, 0);
      f.forced_backward = level(1, 1);
      out_.links.push_back(f);
    }
  }

  void cross(std::size_t k, const Link& link, std::array<std::array<std::vector<double>, 2>, 2>& bytes, std::array<bool, 2>& known,
             LinkFacts& f) const {
    const Demand& d = demands_[k];
    bool beyond = false, without = false, forward = false;
    for (const Offer& p : out_.prospects[k].offers) {
      if (p.feasible == 0) continue;
      const bool there = leads_over(d.origin, p.site, link, link.from, link.to),
                 back = leads_over(d.origin, p.site, link, link.to, link.from);
      (there || back ? beyond : without) = true;
      if (!there && !back) continue;
      forward = there;
      const Route& route = topology().route(d.origin, p.site);
      if (!cls(d).has_slo()) continue;
      const double share = to_seconds(route.time(d.payload_bytes) + route.time_back(d.answer_bytes)) / to_seconds(cls(d).slo);
      if (!f.slo_share || share > f.slo_share->first) f.slo_share = {share, k};
    }
    if (!beyond) return;
    for (const std::size_t forced : {0U, 1U}) {
      if (forced == 1 && without) continue;
      known[forced] = known[forced] && !d.qps.empty();
      const std::array<double, 2> per_query{forward ? d.mean_payload_bytes : d.answer_bytes,
                                            forward ? d.answer_bytes : d.mean_payload_bytes};
      for (const std::size_t way : {0U, 1U}) {
        bytes[forced][way].resize(std::max(bytes[forced][way].size(), d.qps.size()));
        for (std::size_t i = 0; i < d.qps.size(); ++i) bytes[forced][way][i] += per_query[way] * d.qps[i];
      }
    }
  }

  void quality() {
    std::vector<char> counted(world_.catalog().variants.size());
    for (std::size_t g = 0; g < feasible_.size(); ++g) {
      const VariantId id = world_.groups()[g].variant;
      if (feasible_[g] == 0 || counted[id.index()] != 0) continue;
      counted[id.index()] = 1;
      ++out_.feasible_variants;
      const Variant& v = world_[id];
      ++out_.latency[static_cast<std::size_t>(v.origin_latency)];
      ++out_.accuracy[static_cast<std::size_t>(v.origin_accuracy)];
      ++out_.load[static_cast<std::size_t>(v.origin_load)];
      ++out_.memory[static_cast<std::size_t>(v.origin_memory)];
    }
    for (OriginShares* shares : {&out_.latency, &out_.accuracy, &out_.load, &out_.memory})
      for (double& s : *shares) s /= std::max(out_.feasible_variants, 1U);
  }

  const World& world_;
  std::span<const Demand> demands_;
  ProfiledExecutor executor_;
  std::vector<DeviceSet> sets_;
  std::vector<char> feasible_;  // by group: for some demand
  Explanation out_;
};

}  // namespace

Explanation explain(const World& world, std::span<const Demand> demands) { return Explainer(world, demands).explain(); }

double least_utilisation(const std::vector<std::vector<double>>& share) {
  if (share.empty()) return 0;
  const std::size_t places = share.front().size();
  // Primal: spread the demands so that the fullest place is least full. Dual: maximise the sum of y over prices u of the places that
  // sum to at most 1, where y_d <= u_p share_dp for each place p that serves d. Demands of one place are the objective of its price.
  std::vector<double> base(places);
  std::vector<const std::vector<double>*> free;
  for (const auto& s : share) {
    const auto finite = [](double x) { return x < infinite; };
    if (std::count_if(s.begin(), s.end(), finite) > 1) {
      free.push_back(&s);
      continue;
    }
    const auto only = std::find_if(s.begin(), s.end(), finite);
    if (only == s.end()) return infinite;
    base[static_cast<std::size_t>(only - s.begin())] += *only;
  }
  // A tableau with slack basis; a row per inequality, its last column the right side; the objective in the last row.
  const std::size_t columns = free.size() + places;
  std::vector<std::vector<double>> rows;
  for (std::size_t d = 0; d < free.size(); ++d)
    for (std::size_t p = 0; p < places; ++p) {
      if ((*free[d])[p] == infinite) continue;
      auto& row = rows.emplace_back(columns + 1);
      row[d] = 1;
      row[free.size() + p] = -(*free[d])[p];
    }
  auto& sum = rows.emplace_back(columns + 1);
  std::fill(sum.begin() + static_cast<std::ptrdiff_t>(free.size()), sum.end(), 1.0);
  auto& objective = rows.emplace_back(columns + 1);
  for (std::size_t d = 0; d < free.size(); ++d) objective[d] = -1;
  for (std::size_t p = 0; p < places; ++p) objective[free.size() + p] = -base[p];

  const std::size_t last = rows.size() - 1;
  std::vector<std::size_t> basic(last), outside(columns);  // variables by row and by column; slacks are numbered after the others
  std::iota(basic.begin(), basic.end(), columns);
  std::iota(outside.begin(), outside.end(), 0);
  for (std::size_t steps = 50 * (last + columns); steps > 0; --steps) {
    // Bland's rule: the lowest numbers, so that it ends.
    std::size_t enter = columns;
    for (std::size_t j = 0; j < columns; ++j)
      if (rows[last][j] < -1e-12 && (enter == columns || outside[j] < outside[enter])) enter = j;
    if (enter == columns) break;
    std::size_t leave = last;
    double least = infinite;
    for (std::size_t i = 0; i < last; ++i) {
      if (rows[i][enter] <= 1e-12) continue;
      const double ratio = rows[i][columns] / rows[i][enter];
      if (ratio < least || (ratio == least && basic[i] < basic[leave])) {
        least = ratio;
        leave = i;
      }
    }
    if (leave == last) break;
    std::swap(basic[leave], outside[enter]);
    const double pivot = rows[leave][enter];
    rows[leave][enter] = 1;
    for (double& x : rows[leave]) x /= pivot;
    for (std::size_t i = 0; i <= last; ++i) {
      if (i == leave) continue;
      const double factor = rows[i][enter];
      if (factor == 0) continue;
      rows[i][enter] = 0;
      for (std::size_t j = 0; j <= columns; ++j) rows[i][j] -= factor * rows[leave][j];
    }
  }
  return rows[last][columns];
}

}  // namespace tideline

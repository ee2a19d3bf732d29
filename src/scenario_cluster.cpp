// Sections "catalog", "cluster" and "initial" of a scenario.
#include "src/scenario_reader.h"

#include "sim/core/text.h"
#include "src/catalog_json.h"
#include "src/errors.h"
#include "src/file_hash.h"

#include <algorithm>
#include <optional>

namespace tideline {

using namespace scenario_format;

void ScenarioReader::catalog() {
  const Json* c = member(root(), "catalog");
  if (c == nullptr) {
    incomplete_ = true;
    return;
  }
  if (!c->is_string()) {
    out_.catalog = read_catalog(*c, "/catalog", problems_, extrapolated_);
    out_.hashes.emplace_back("catalog", hex(hash(c->dump())));
    return;
  }
  const std::filesystem::path path = resolve("/catalog", c->get<std::string>());
  Problems in_catalog;
  const JsonDocument file = [&] {
    try {
      return read_json_file(path.string(), in_catalog);
    } catch (const WorldError& e) {
      throw WorldError(document_.place_text("/catalog") + ": /catalog: " + e.what());
    }
  }();
  out_.catalog = read_catalog(file.root, "", in_catalog, extrapolated_);
  in_other_files_ += render(in_catalog, file);
  out_.hashes.emplace_back("catalog", hash_file(path));
}

void ScenarioReader::cluster() {
  const Json* c = member(root(), "cluster");
  if (c == nullptr) {
    incomplete_ = true;
    return;
  }
  const auto cluster = param::bind<ClusterSection>(to_value(*c), "/cluster", problems_);
  Topology& t = out_.topology;
  if (const Json* sites = list(*c, "/cluster", "sites", true)) {
    for (std::size_t k = 0; k < sites->size(); ++k) {
      const std::string at = element("/cluster/sites", k);
      const auto s = param::bind<SiteSection>(to_value((*sites)[k]), at, problems_);
      if (s.name.empty()) {
        if (!has_problem(at) && !has_problem(child(at, "name"))) problems_.add(child(at, "name"), "must not be empty");
        continue;
      }
      if (std::find(t.sites.begin(), t.sites.end(), s.name) != t.sites.end())
        problems_.add(child(at, "name"), "two sites are named " + in_quotes(s.name));
      t.sites.push_back(s.name);
      carbon_.push_back(s.carbon);
      t.access.push_back({s.access_delay, s.access_bandwidth});
    }
  }
  if (t.sites.empty()) return;  // nothing below can be found
  if (std::all_of(t.access.begin(), t.access.end(), [](const AccessLink& a) { return a.delay == Duration{} && a.bytes_per_s == 0; }))
    t.access.clear();
  const auto site_names = names_of(t.sites, [](const std::string& s) { return std::string_view(s); });
  if (const Json* links = list(*c, "/cluster", "links", false)) {
    for (std::size_t k = 0; k < links->size(); ++k) {
      const std::string at = element("/cluster/links", k);
      const auto l = param::bind<LinkSection>(to_value((*links)[k]), at, problems_);
      const auto from = find("site", l.from, site_names, child(at, "from")), to = find("site", l.to, site_names, child(at, "to"));
      if (from && to && from == to) problems_.add(at, "a link joins two different sites");
      Duration mean_jitter{};
      Law jitter;
      if (const Json* j = member((*links)[k], "jitter"); j != nullptr && !j->is_null()) {
        const auto s = param::bind<JitterSection>(to_value(*j), child(at, "jitter"), problems_);
        mean_jitter = s.mean;
        jitter = read_law(s, child(at, "jitter"), problems_);
      }
      if (from && to) t.links.push_back({SiteId{*from}, SiteId{*to}, l.delay, l.bandwidth, l.price, mean_jitter, std::move(jitter)});
    }
  }
  const auto hardware_names = names_of(out_.catalog.hardware, [](const Hardware& h) { return std::string_view(h.name); });
  if (const Json* pools = list(*c, "/cluster", "pools", true)) {
    for (std::size_t k = 0; k < pools->size(); ++k) {
      const std::string at = element("/cluster/pools", k);
      const auto p = param::bind<PoolSection>(to_value((*pools)[k]), at, problems_);
      const auto site = find("site", p.site, site_names, child(at, "site"));
      const auto hardware = find("hardware", p.hardware, hardware_names, child(at, "hardware"));
      if (p.name.empty() && !has_problem(at) && !has_problem(child(at, "name"))) problems_.add(child(at, "name"), "must not be empty");
      for (const auto& other : t.pools)
        if (other.name == p.name && !p.name.empty()) problems_.add(child(at, "name"), "two pools are named " + in_quotes(p.name));
      const std::uint32_t min = p.min.value_or(p.count), max = p.max.value_or(p.count);
      if (min > p.count || p.count > max) problems_.add(at, "needs min <= count <= max");
      if (max == 0) problems_.add(child(at, "count"), "a pool needs at least one node");
      if (!site || !hardware) continue;
      const Hardware& h = out_.catalog.hardware[*hardware];
      if (p.price && p.purchase) problems_.add(at, "has price_per_hour_usd or purchase_usd, not both");
      const double bought = p.purchase.value_or(0) / (to_seconds(p.lifetime) / 3600 * p.utilization) + h.busy_watts / 1000 * p.power_price;
      t.pools.push_back({p.name, SiteId{*site}, HardwareId{*hardware}, p.count, min, max, p.devices_per_node, p.boot.value_or(h.boot),
                         p.price.value_or(p.purchase ? bought : h.price_per_hour_usd * p.devices_per_node)});
    }
  }
  t.billing_granularity = cluster.billing_granularity;
  t.transport = cluster.transport;
  if (cluster.payload == ClusterSection::Payload::resized) {
    t.bytes_per_pixel = cluster.bytes_per_pixel;
    for (Variant& v : out_.catalog.variants) {
      if (v.resolution == 0) continue;
      v.pre_at_origin = v.pre;
      v.profile.shorten(v.pre);
    }
  }
  if (std::any_of(carbon_.begin(), carbon_.end(), [](double g) { return g > 0; })) out_.options.environment.carbon_per_kwh = carbon_;
  if (!cluster.artefact_store.empty())
    if (const auto store = find("site", cluster.artefact_store, site_names, "/cluster/artefact_store")) t.store = SiteId{*store};
  if (!problems_.empty()) return;
  t.complete();
  if (t.devices.empty()) problems_.add("/cluster/pools", "the cluster is empty: no pool has a node");
  if (t.devices.size() > Event::max_slots) problems_.add("/cluster/pools", "more devices than the simulator has room for");
  for (std::size_t s = 1; s < t.sites.size(); ++s)
    if (!t.route(SiteId{0}, SiteId{s}).reachable)
      problems_.add("/cluster",
                    "no link leads from site " + in_quotes(t.sites[0]) + " to site " + in_quotes(t.sites[s]) + ": add one to \"links\"");
  for (const Pool& p : t.pools)
    for (const Variant& v : out_.catalog.variants)
      if (v.hardware == p.hardware && v.memory_for(v.max_batch) > out_.catalog[p.hardware].memory_bytes) {
        problems_.add("/cluster/pools/" + std::to_string(&p - t.pools.data()) + "/hardware",
                      "variant " + in_quotes(v.name) + " needs " + std::to_string(v.memory_for(v.max_batch)) +
                          " bytes for its largest batch, more than a device of " + in_quotes(out_.catalog[p.hardware].name) + " has (" +
                          std::to_string(out_.catalog[p.hardware].memory_bytes) + ")");
        break;
      }
}

void ScenarioReader::initial() {
  const Json* i = member(root(), "initial");
  if (i == nullptr || *i == initial_cold) return;
  if (*i == initial_planned) {
    out_.planned = true;
    return;
  }
  if (!i->is_array()) return problems_.add("/initial", "expected \"cold\", \"planned\", or a list of {variant, pool, per_device or count}");
  const auto variants = names_of(out_.catalog.variants, [](const Variant& v) { return std::string_view(v.name); });
  const auto pools = names_of(out_.topology.pools, [](const Pool& p) { return std::string_view(p.name); });
  for (std::size_t k = 0; k < i->size(); ++k) {
    const std::string at = element("/initial", k);
    const auto s = param::bind<InitialSection>(to_value((*i)[k]), at, problems_);
    if (s.per_device.has_value() == s.count.has_value()) problems_.add(at, "needs one of per_device and count");
    const auto v = find("variant", s.variant, variants, child(at, "variant"));
    const auto p = find("pool", s.pool, pools, child(at, "pool"));
    if (!v || !p) continue;
    if (out_.catalog.variants[*v].hardware != out_.topology.pools[*p].hardware)
      problems_.add(at, "variant " + in_quotes(s.variant) + " is made for " +
                            in_quotes(out_.catalog[out_.catalog.variants[*v].hardware].name) + ", not for the devices of pool " +
                            in_quotes(s.pool));
    out_.initial.push_back(
        {VariantId{*v}, PoolId{*p}, s.per_device.value_or(0), s.count.value_or(0), core_option(out_.catalog.variants[*v], s.cores, at)});
    const auto same = std::find_if(out_.initial.begin(), out_.initial.end(), [&](const InitialSpec& other) {
      return other.variant.index() == *v && out_.topology.pools[other.pool.index()].site == out_.topology.pools[*p].site;
    });
    if (same->option != out_.initial.back().option)
      problems_.add(child(at, "cores"), "the instances of a variant at one site start with the same number of cores; another entry has " +
                                            std::to_string(out_.catalog.variants[*v].profile.cores()[same->option]));
  }
}

std::uint8_t ScenarioReader::core_option(const Variant& variant, std::optional<std::uint32_t> cores, const std::string& at) {
  const auto& options = variant.profile.cores();
  if (!cores || options.empty()) return 0;
  const auto found = std::find(options.begin(), options.end(), *cores);
  if (found != options.end()) return static_cast<std::uint8_t>(found - options.begin());
  std::string list;
  for (const std::uint32_t n : options) list += (list.empty() ? "" : ", ") + std::to_string(n);
  problems_.add(child(at, "cores"), "variant " + in_quotes(variant.name) + " is profiled with " + list + " cores");
  return 0;
}

}  // namespace tideline

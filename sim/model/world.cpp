#include "sim/model/world.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

namespace tideline {

namespace {

bool same(const QueryClass& a, const QueryClass& b) {
  return a.task == b.task && a.slo == b.slo && a.floor == b.floor && a.has_floor == b.has_floor && a.cost_cap_usd == b.cost_cap_usd &&
         a.pin_level == b.pin_level && a.pin == b.pin && a.priority == b.priority;
}

}  // namespace

bool pinned_to(const QueryClass& c, const Variant& v) {
  switch (c.pin_level) {
    case PinLevel::none:
      return true;
    case PinLevel::base_model:
      return v.base_model == c.pin;
    case PinLevel::model:
      return v.model == c.pin;
    case PinLevel::variant:
      return v.name == c.pin;
  }
  return true;
}

World::World(Catalog catalog, Topology topology, std::vector<QueryClass> classes, std::uint32_t batch_cap)
    : catalog_(std::move(catalog)), topology_(std::move(topology)) {
  const std::size_t sites = site_count(), variants = catalog_.variants.size();
  for (auto& c : classes) {
    const auto at = std::find_if(classes_.begin(), classes_.end(), [&](const QueryClass& k) { return same(k, c); });
    class_of_.emplace_back(static_cast<std::size_t>(at - classes_.begin()));
    if (at == classes_.end()) classes_.push_back(std::move(c));
  }

  std::vector<char> has(sites * catalog_.hardware.size());
  for (const Pool& p : topology_.pools) has[p.site.index() * catalog_.hardware.size() + p.hardware.index()] = 1;
  group_of_.resize(sites * variants);
  for (std::size_t s = 0; s < sites; ++s) {
    first_group_.emplace_back(groups_.size());
    for (std::size_t v = 0; v < variants; ++v) {
      const Variant& variant = catalog_.variants[v];
      if (has[s * catalog_.hardware.size() + variant.hardware.index()] == 0) continue;
      group_of_[s * variants + v] = GroupId{groups_.size()};
      groups_.push_back({VariantId{v}, SiteId{s}, batch_cap == 0 ? variant.max_batch : std::min(batch_cap, variant.max_batch)});
    }
  }
  first_group_.emplace_back(groups_.size());

  list_groups_by_delay();

  device_price_per_s_.reserve(topology_.devices.size());
  hardware_price_per_s_.assign(catalog_.hardware.size(), std::numeric_limits<double>::infinity());
  for (const Device& d : topology_.devices) {
    const Pool& pool = topology_[d.pool];
    const double price = pool.price_per_hour_usd / pool.devices_per_node / 3600;
    device_price_per_s_.push_back(price);
    hardware_price_per_s_[d.hardware.index()] = std::min(hardware_price_per_s_[d.hardware.index()], price);
  }

  candidates_.resize(classes_.size() * candidate_orders);
  is_candidate_.resize(classes_.size() * variants);
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    const QueryClass& k = classes_[c];
    std::vector<VariantId> list;
    for (const VariantId v : catalog_[k.task].variants) {
      const Variant& variant = catalog_[v];
      const bool here =
          std::any_of(topology_.pools.begin(), topology_.pools.end(), [&](const Pool& p) { return p.hardware == variant.hardware; });
      if (here && variant.accuracy >= k.floor && pinned_to(k, variant) && variant.profile.latency(1) + variant.pre_at_origin <= k.slo)
        list.push_back(v);
    }
    for (const VariantId v : list) is_candidate_[c * variants + v.index()] = 1;
    const auto latency = [&](VariantId v) { return catalog_[v].profile.latency(1) + catalog_[v].pre_at_origin; };
    auto* lists = &candidates_[c * candidate_orders];
    for (std::size_t o = 0; o < candidate_orders; ++o) lists[o] = list;
    const auto sort_by = [&](CandidateOrder o, auto key) {
      auto& l = lists[static_cast<std::size_t>(o)];
      std::stable_sort(l.begin(), l.end(), [&](VariantId a, VariantId b) { return key(a) < key(b); });
    };
    sort_by(CandidateOrder::by_latency, latency);
    sort_by(CandidateOrder::by_latency_descending, [&](VariantId v) { return -latency(v); });
    sort_by(CandidateOrder::by_accuracy_descending, [&](VariantId v) { return -catalog_[v].accuracy; });
    sort_by(CandidateOrder::by_price, [&](VariantId v) { return item_price_usd(v, 1); });
  }

  if (sites > 1) instance_slot_bits_ = 26 - static_cast<unsigned>(std::bit_width(sites - 1));
}

void World::list_groups_by_delay() {
  const std::size_t sites = site_count(), variants = catalog_.variants.size();
  group_lists_.clear();
  std::vector<SiteId> near;
  groups_by_delay_.resize(sites * variants);
  for (std::size_t s = 0; s < sites; ++s) {
    near.clear();
    for (std::size_t t = 0; t < sites; ++t)
      if (topology_.route(SiteId{s}, SiteId{t}).reachable) near.emplace_back(t);
    std::stable_sort(near.begin(), near.end(),
                     [&](SiteId a, SiteId b) { return topology_.route(SiteId{s}, a).delay < topology_.route(SiteId{s}, b).delay; });
    for (std::size_t v = 0; v < variants; ++v) {
      Range& r = groups_by_delay_[s * variants + v];
      r.first = static_cast<std::uint32_t>(group_lists_.size());
      for (const SiteId t : near)
        if (const GroupId g = group(VariantId{v}, t)) group_lists_.push_back(g);
      r.count = static_cast<std::uint32_t>(group_lists_.size()) - r.first;
    }
  }
}

World World::without_links(std::span<const char> down) const {
  World w = *this;
  w.topology_.find_routes(down);
  w.list_groups_by_delay();
  return w;
}

std::uint32_t World::resized_bytes(std::uint32_t side, std::uint32_t items) const {
  const double bytes = 3.0 * side * side * topology_.bytes_per_pixel * items;
  return static_cast<std::uint32_t>(std::min(std::ceil(bytes), 4294967295.0));
}

double World::item_price_usd(VariantId v, std::uint32_t items) const {
  const Variant& variant = catalog_[v];
  const Hardware& hardware = catalog_[variant.hardware];
  double share = 1;
  if (hardware.sharing == Sharing::partitioned && hardware.cores > 0)
    share = static_cast<double>(variant.profile.cores().front()) / hardware.cores;
  return hardware_price_per_s(variant.hardware) * share * to_seconds(variant.profile.latency(items)) / items;
}

}  // namespace tideline

#include "policies/components/latency.h"

#include <algorithm>

namespace tideline {

namespace {

/// Members of a group that a decision looks at in search of one that is starting: a scan of all would grow with the cluster.
constexpr std::size_t most_members = 16;

Duration transfer(std::int64_t bytes, double bytes_per_s) {
  return bytes_per_s > 0 ? from_seconds(static_cast<double>(bytes) / bytes_per_s) : Duration{};
}

struct Way {
  bool reachable = true;
  Duration there{}, back{};
};

Way way(ClusterView view, const QueryView& query, VariantId v, SiteId site) {
  if (site == query.origin()) return {true, query.prepares(v), Duration{}};
  const Route& route = view.route(query.origin(), site);
  // How large the answer will be is not known: its way back counts as propagation only.
  return {route.reachable, query.prepares(v) + route.time(query.payload_bytes(v)), route.delay};
}

std::uint32_t batch_cap(const GroupRow& group, const Profile& profile) { return std::clamp(group.batch_cap, 1U, profile.max_items()); }

/// `wait`: before what is known to be ahead at the instance.
Duration predict_at(ClusterView view, const QueryView& query, InstanceId i, Duration wait) {
  const InstanceRow& row = view.instance(i);
  if (row.phase != Phase::warm && row.phase != Phase::starting) return forever;
  const Profile& profile = view.world()[view.variant_of(i)].profile;
  const Way net = way(view, query, view.variant_of(i), view.site_of(i));
  const std::uint32_t items = query.items();
  if (!net.reachable || items > profile.max_items()) return forever;
  // `free_at` ends with what is left over after full batches. The query joins that batch if there is room in it.
  const std::uint32_t cap = batch_cap(view.group(row.group), profile);
  const std::uint32_t left_over = (row.load - row.in_service) % cap;
  Time begins = row.free_at;
  std::uint32_t batch = items;
  if (left_over > 0 && left_over + items <= cap) {
    begins -= profile.latency(left_over, row.option);
    batch += left_over;
  }
  const Time at_once = view.now() + net.there;
  return std::max(std::max(begins, view.now()) + wait, at_once) - view.now() + profile.latency(batch, row.option) + net.back;
}

}  // namespace

Duration first_load_time(const World& world, VariantId v) { return first_load_time(world[v], world.catalog()[world[v].hardware]); }

Duration first_load_time(const Variant& variant, const Hardware& hardware) {
  Duration sum = variant.load.build + variant.load.runtime_init + variant.load.first_run;
  sum += transfer(variant.artefact_bytes, hardware.store_bytes_per_s);
  if (!hardware.unified_memory) sum += transfer(variant.artefact_bytes, hardware.copy_bytes_per_s);
  return sum;
}

double reload_time_s(const World& world, VariantId v) {
  const Variant& variant = world[v];
  const Hardware& hardware = world.catalog()[variant.hardware];
  const auto over = [&](double bytes_per_s) { return bytes_per_s > 0 ? static_cast<double>(variant.artefact_bytes) / bytes_per_s : 0; };
  return over(hardware.disk_bytes_per_s) + (hardware.unified_memory ? 0 : over(hardware.copy_bytes_per_s)) +
         to_seconds(variant.load.runtime_init + variant.load.first_run);
}

Time next_warm(ClusterView view, GroupId g) {
  const GroupRow& group = view.group(g);
  if (group.starting() == 0) return never;
  Time first = never;
  const std::size_t looked_at = std::min(group.members.size(), most_members);
  for (std::size_t k = 0; k < looked_at; ++k) {
    const InstanceRow& row = view.instance(group.members[k]);
    if (row.phase == Phase::starting) first = std::min(first, row.free_at);
  }
  return first == never ? view.now() + first_load_time(view.world(), view.world()[g].variant) : std::max(first, view.now());
}

Duration predict_at(ClusterView view, const QueryView& query, InstanceId i) { return predict_at(view, query, i, Duration{}); }

Duration predict(ClusterView view, const QueryView& query, GroupId g) {
  const World& world = view.world();
  const Group& fixed = world[g];
  const GroupRow& group = view.group(g);
  const Profile& profile = world[fixed.variant].profile;
  if (const InstanceId i = view.earliest_free(g)) {
    Duration wait{};
    if (group.waiting > 0) {  // a shared line is ahead of all: its full batches, spread over the instances
      const std::uint32_t cap = batch_cap(group, profile);
      wait = (group.waiting / cap) * profile.latency(cap, group.option) / std::max(group.warm(), 1U);
    }
    return predict_at(view, query, i, wait);
  }
  const Way net = way(view, query, fixed.variant, fixed.site);
  if (!net.reachable || query.items() > profile.max_items()) return forever;
  const Time warm = next_warm(view, g);
  const Duration load = warm == never ? first_load_time(world, fixed.variant) : warm - view.now();
  return std::max(load, net.there) + profile.latency(query.items(), group.option) + net.back;
}

std::uint32_t shortest_queue(ClusterView view, const QueryView& query, GroupId g) {
  std::uint32_t waiting = view.group(g).waiting;
  const InstanceSpan least = view.least_loaded(g);
  if (!least.empty()) {
    const InstanceRow& row = view.instance(least[0]);
    waiting += row.load - row.in_service;
  }
  return waiting + query.items();
}

double query_price_usd(ClusterView view, const QueryView& query, GroupId g, std::uint32_t items) {
  const Group& group = view.world()[g];
  const double price = view.world().item_price_usd(group.variant, items) * query.items();
  if (group.site == query.origin()) return price;
  return price + view.route(query.origin(), group.site).price_per_byte_usd * query.payload_bytes(group.variant);
}

}  // namespace tideline

#include "sim/model/artefacts.h"

#include <algorithm>

namespace tideline {

const Artefacts::Entry* Artefacts::find(VariantId v, NodeId n) const {
  const auto& entries = nodes_[n.index()].entries;
  const auto at = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.variant == v; });
  return at == entries.end() ? nullptr : &*at;
}

LoadParts Artefacts::parts(VariantId v, NodeId n) const {
  LoadParts p;
  p.variant = v;
  p.node = n;
  p.from_store = p.build = true;
  if (const Entry* e = find(v, n)) {
    p.nth = e->loads;
    p.from_store = !e->on_disk && !e->in_host;
    p.from_host = e->in_host;
    p.build = !e->built;
  }
  return p;
}

LoadParts Artefacts::pay(VariantId v, NodeId n) {
  const LoadParts p = parts(v, n);
  NodeTiers& node = nodes_[n.index()];
  auto at = std::find_if(node.entries.begin(), node.entries.end(), [&](const Entry& e) { return e.variant == v; });
  if (at == node.entries.end()) at = node.entries.insert(at, Entry{.variant = v});
  ++at->loads;
  ++at->uses;
  at->used = ++clock_;
  at->built = true;
  const auto k = static_cast<std::size_t>(at - node.entries.begin());
  keep(node, k, false);
  keep(node, k, true);
  return p;
}

/// Puts the artefact into a tier, or has it there used once more.
void Artefacts::keep(NodeTiers& node, std::size_t entry, bool host) {
  Entry& e = node.entries[entry];
  const Variant& variant = world_[e.variant];
  const Hardware& h = hardware(e.variant);
  if (host && (h.host_bytes == 0 || h.unified_memory)) return;  // no such tier
  bool& there = host ? e.in_host : e.on_disk;
  std::int64_t& taken = host ? node.host_bytes : node.disk_bytes;
  double& clock = host ? node.host_clock : node.disk_clock;
  const std::int64_t capacity = host ? h.host_bytes : h.disk_bytes;
  const bool bounded = host || capacity > 0;
  const std::int64_t bytes = variant.artefact_bytes;
  if (!there) {
    if (bounded && bytes > capacity) {
      if (!host && h.host_bytes == 0) e.built = false;
      return;
    }
    while (bounded && taken + bytes > capacity) {
      Entry* least = nullptr;
      for (Entry& k : node.entries) {
        if (!(host ? k.in_host : k.on_disk)) continue;
        const auto rank = [&](const Entry& x) {
          return h.tier_eviction == TierEviction::lru ? static_cast<double>(x.used) : host ? x.host_value : x.disk_value;
        };
        if (least == nullptr || rank(k) < rank(*least)) least = &k;
      }
      taken -= world_[least->variant].artefact_bytes;
      clock = host ? least->host_value : least->disk_value;
      if (host) {
        least->in_host = false;
        if (!least->on_disk) least->built = false;
      } else {
        least->on_disk = least->built = false;
        least->uses = 0;
      }
    }
    there = true;
    taken += bytes;
  }
  // GreedyDual-Size-Frequency (Cherkasova 1998): uses x time to have it again / bytes, above what went last.
  const double above = host ? h.disk_bytes_per_s : h.store_bytes_per_s;
  const double again = (above > 0 ? static_cast<double>(bytes) / above : 0) + (host ? 0 : to_seconds(variant.load.build));
  (host ? e.host_value : e.disk_value) = clock + e.uses * again / static_cast<double>(std::max<std::int64_t>(bytes, 1));
}

void Artefacts::call_off(const LoadParts& parts, bool came) {
  NodeTiers& node = nodes_[parts.node.index()];
  const auto e = std::find_if(node.entries.begin(), node.entries.end(), [&](const Entry& k) { return k.variant == parts.variant; });
  if (e == node.entries.end()) return;
  if (parts.build) e->built = false;
  if (came) return;
  const std::int64_t bytes = world_[parts.variant].artefact_bytes;
  if (e->on_disk) node.disk_bytes -= bytes;
  if (e->in_host) node.host_bytes -= bytes;
  e->on_disk = e->in_host = false;
}

void Artefacts::lose_host(NodeId n) {
  NodeTiers& node = nodes_[n.index()];
  for (Entry& e : node.entries) {
    e.in_host = false;
    if (!e.on_disk) e.built = false;
  }
  node.host_bytes = 0;
  node.host_clock = 0;
}

void Artefacts::lose_all(NodeId n) {
  lose_host(n);
  NodeTiers& node = nodes_[n.index()];
  for (Entry& e : node.entries) e.on_disk = e.built = false;
  node.disk_bytes = 0;
  node.disk_clock = 0;
}

}  // namespace tideline

// Where the artefacts of variants lie: on the disks of nodes and in the host memory of nodes, each with a capacity.
#pragma once

#include "sim/core/id.h"
#include "sim/model/world.h"

#include <cstdint>
#include <vector>

namespace tideline {

/// Which parts a load pays for: what the node and the device have seen before.
struct LoadParts {
  VariantId variant;
  NodeId node;
  std::uint32_t nth = 0;    ///< loads of this variant on this node before
  bool from_store = false;  ///< the artefact is not on the node's disk yet
  bool from_host = false;   ///< it is in the node's host memory
  bool build = false;
  bool runtime_init = false;
};

/// The tiers above device memory. What is fetched from the store goes to the disk and, as it passes, to host memory; what is read from the
/// disk to host memory. Where a tier is full, artefacts go by the rule of the hardware type (`Hardware::tier_eviction`); with an artefact
/// that leaves the disk goes what was built from it. One larger than a tier passes through it.
class Artefacts {
 public:
  explicit Artefacts(const World& world) : world_(world), nodes_(world.topology().nodes.size()) {}

  /// What a load of the variant on the node would pay for, but for `runtime_init`.
  LoadParts parts(VariantId v, NodeId n) const;
  /// The same for one that begins now: from now on the artefact, and what is built from it, are there.
  LoadParts pay(VariantId v, NodeId n);
  /// A load that was paid ended before it was done: what it built is not there, and, unless the artefact `came`, that neither.
  void call_off(const LoadParts& parts, bool came);
  /// The node lost what it had in host memory, or, switched off for another machine, all.
  void lose_host(NodeId n);
  void lose_all(NodeId n);

 private:
  struct Entry {
    VariantId variant;
    std::uint32_t loads = 0;
    bool on_disk = false, in_host = false, built = false;
    std::uint64_t used = 0;                 // when, as a number
    std::uint32_t uses = 0;                 // since it came to the node's disk
    double disk_value = 0, host_value = 0;  // GreedyDual
  };
  struct NodeTiers {
    std::vector<Entry> entries;
    std::int64_t disk_bytes = 0, host_bytes = 0;  // taken
    double disk_clock = 0, host_clock = 0;        // of GreedyDual: the value of what went last
  };
  const Entry* find(VariantId v, NodeId n) const;
  void keep(NodeTiers& node, std::size_t entry, bool host);
  const Hardware& hardware(VariantId v) const { return world_.catalog()[world_[v].hardware]; }

  const World& world_;
  std::vector<NodeTiers> nodes_;
  std::uint64_t clock_ = 0;
};

}  // namespace tideline

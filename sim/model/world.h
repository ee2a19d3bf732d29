// All that stands fixed during a run: catalog, topology, interned classes, groups, and the candidates of each class.
#pragma once

#include "sim/core/id.h"
#include "sim/core/time.h"
#include "sim/model/catalog.h"
#include "sim/model/entities.h"
#include "sim/model/topology.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tideline {

/// What a query may be pinned to: the three levels of a model-less interface below "any".
enum class PinLevel : std::uint8_t { none, base_model, model, variant };

/// Interned query attributes: equal ones are one class.
struct QueryClass {
  TaskId task;
  Duration slo = forever;  ///< from arrival to answer at the origin; `forever`: no SLO
  double floor = 0;        ///< least profiled accuracy, 0 .. 1
  bool has_floor = false;
  double cost_cap_usd = std::numeric_limits<double>::infinity();
  PinLevel pin_level = PinLevel::none;
  std::string pin;
  std::int32_t priority = 0;
  std::string name;  ///< of the first declaration, for output

  bool has_slo() const { return slo != forever; }
};

/// Whether the class's pin, if it has one, allows the variant.
bool pinned_to(const QueryClass& c, const Variant& v);

/// How candidates are ordered; ties: lowest id.
enum class CandidateOrder : std::uint8_t { by_latency, by_latency_descending, by_accuracy_descending, by_price };
inline constexpr std::size_t candidate_orders = 4;

/// A variant at a site: the unit of all indexes.
struct Group {
  VariantId variant;
  SiteId site;
  std::uint32_t batch_cap = 1;  ///< at the start: the largest batch an instance is started for
};

class World {
 public:
  /// Takes what was read and derives groups, orders and candidates. `classes` may repeat; equal ones are interned and
  /// `class_of[k]` is the id of the k-th. `batch_cap` bounds the batches of every variant (0: no bound).
  World(Catalog catalog, Topology topology, std::vector<QueryClass> classes, std::uint32_t batch_cap = 0);

  /// The same world while the links with an entry other than 0 in `down` are out: ids stay what they are.
  World without_links(std::span<const char> down) const;

  const Catalog& catalog() const { return catalog_; }
  const Topology& topology() const { return topology_; }
  std::span<const QueryClass> classes() const { return classes_; }
  const QueryClass& operator[](ClassId id) const { return classes_[id.index()]; }
  const Variant& operator[](VariantId id) const { return catalog_.variants[id.index()]; }
  const Group& operator[](GroupId id) const { return groups_[id.index()]; }
  std::span<const Group> groups() const { return groups_; }
  /// Groups of one site are contiguous: [first, last).
  GroupId first_group(SiteId s) const { return first_group_[s.index()]; }
  std::uint32_t group_count(SiteId s) const { return first_group_[s.index() + 1].index() - first_group_[s.index()].index(); }
  std::size_t site_count() const { return topology_.sites.size(); }

  /// The group of a variant at a site, or none where the site lacks its hardware.
  GroupId group(VariantId v, SiteId s) const { return group_of_[s.index() * catalog_.variants.size() + v.index()]; }
  /// The groups of a variant that `from` can reach, nearest first.
  std::span<const GroupId> groups_of(VariantId v, SiteId from) const {
    const auto& r = groups_by_delay_[from.index() * catalog_.variants.size() + v.index()];
    return {group_lists_.data() + r.first, r.count};
  }
  /// Variants of the class's task that the cluster can run, that meet the floor and the pin and, alone in a batch, the SLO.
  std::span<const VariantId> candidates(ClassId c, CandidateOrder order) const {
    return candidates_[c.index() * candidate_orders + static_cast<std::size_t>(order)];
  }
  /// Whether the variant is among the candidates of the class.
  bool is_candidate(ClassId c, VariantId v) const { return is_candidate_[c.index() * catalog_.variants.size() + v.index()] != 0; }
  /// Attributed price of one item of a batch of `items`: price of the device x l(b)/b, in US dollars.
  double item_price_usd(VariantId v, std::uint32_t items) const;
  /// Price of a device (its share of a node) per second, in US dollars.
  double device_price_per_s(DeviceId d) const { return device_price_per_s_[d.index()]; }
  /// Lowest device price per second of a hardware type in this cluster.
  double hardware_price_per_s(HardwareId h) const { return hardware_price_per_s_[h.index()]; }
  /// Ids that an instance slot of a site may have are packed as site x 2^bits + slot.
  unsigned instance_slot_bits() const { return instance_slot_bits_; }
  /// Whether queries are made smaller at their origin.
  bool resizes() const { return topology_.bytes_per_pixel > 0; }
  /// What a query of so many items, with `original` bytes, takes along to the variant.
  std::uint32_t payload_bytes(VariantId v, std::uint32_t original, std::uint32_t items) const {
    const std::uint32_t side = catalog_.variants[v.index()].resolution;
    return resizes() && side > 0 ? resized_bytes(side, items) : original;
  }
  /// When the answer has to leave its origin to be in time: later than that it only gets later on the way to its client. As large as
  /// the answer is nobody knows before: propagation only.
  Time deadline(const Visit& v) const {
    const Time by = later(v.arrival, classes_[v.cls.index()].slo);
    return topology_.access.empty() || by == never ? by : by - topology_.access[v.origin].delay;
  }
  ClassId class_of(std::size_t declaration) const { return class_of_[declaration]; }

 private:
  struct Range {
    std::uint32_t first = 0, count = 0;
  };
  void list_groups_by_delay();
  std::uint32_t resized_bytes(std::uint32_t side, std::uint32_t items) const;

  Catalog catalog_;
  Topology topology_;
  std::vector<QueryClass> classes_;
  std::vector<ClassId> class_of_;
  std::vector<Group> groups_;
  std::vector<GroupId> first_group_, group_of_, group_lists_;
  std::vector<Range> groups_by_delay_;
  std::vector<std::vector<VariantId>> candidates_;
  std::vector<char> is_candidate_;  // by class and variant
  std::vector<double> device_price_per_s_, hardware_price_per_s_;
  unsigned instance_slot_bits_ = 26;
};

}  // namespace tideline

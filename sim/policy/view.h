// What a policy sees: knowledge (one board per site, live or old) and the time. Two words, passed by value. Every question
// is answered from the boards, so an old board gives an old answer.
#pragma once

#include "sim/model/board.h"
#include "sim/model/cluster.h"
#include "sim/model/world.h"

#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

namespace tideline {

/// What a controller goes by: its boards and the world.
struct Knowledge {
  const World* world = nullptr;
  std::vector<const Board*> boards;     ///< by site
  std::vector<const GroupRow*> groups;  ///< by group: the rows of these boards
  unsigned slot_bits = 26;

  /// Goes by these boards. Their rows of groups must not move from now on.
  void look_at(const World& w, std::vector<const Board*> by_site) {
    world = &w;
    boards = std::move(by_site);
    slot_bits = w.instance_slot_bits();
    groups.clear();
    for (const Board* b : boards)
      for (const GroupRow& row : b->groups) groups.push_back(&row);
  }
  /// From now on goes by this board of its site.
  void look_at(const Board& b) {
    boards[b.site.index()] = &b;
    const std::size_t first = world->first_group(b.site).index();
    for (std::size_t k = 0; k < b.groups.size(); ++k) groups[first + k] = &b.groups[k];
  }
};

/// Instances of one group as ids, made from board slots on the fly.
class InstanceSpan {
 public:
  class iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = InstanceId;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = InstanceId;
    iterator() = default;
    iterator(const std::uint32_t* at, std::uint32_t base) : at_(at), base_(base) {}
    InstanceId operator*() const { return InstanceId{base_ | *at_}; }
    iterator& operator++() {
      ++at_;
      return *this;
    }
    iterator operator++(int) {
      iterator old = *this;
      ++at_;
      return old;
    }
    friend bool operator==(const iterator& a, const iterator& b) { return a.at_ == b.at_; }

   private:
    const std::uint32_t* at_ = nullptr;
    std::uint32_t base_ = 0;
  };
  InstanceSpan(std::span<const std::uint32_t> slots, std::uint32_t base) : slots_(slots), base_(base) {}
  std::size_t size() const { return slots_.size(); }
  bool empty() const { return slots_.empty(); }
  InstanceId operator[](std::size_t k) const { return InstanceId{base_ | slots_[k]}; }
  iterator begin() const { return {slots_.data(), base_}; }
  iterator end() const { return {slots_.data() + slots_.size(), base_}; }

 private:
  std::span<const std::uint32_t> slots_;
  std::uint32_t base_;
};

class ClusterView {
 public:
  ClusterView(const Knowledge& knowledge, Time now) : knowledge_(&knowledge), now_(now) {}

  Time now() const { return now_; }
  const World& world() const { return *knowledge_->world; }
  const Board& board(SiteId s) const { return *knowledge_->boards[s.index()]; }
  /// Age of what is known of a site; 0 on a live board.
  Duration age(SiteId s) const { return board(s).version == 0 ? Duration{} : now_ - board(s).taken_at; }

  // Groups.
  const GroupRow& group(GroupId g) const { return *knowledge_->groups[g.index()]; }
  std::uint32_t warm(GroupId g) const { return group(g).warm(); }
  std::uint32_t starting(GroupId g) const { return group(g).starting(); }
  /// All warm instances of least load; needs the index `by_load`. Ties are the caller's to break, at random from its stream.
  InstanceSpan least_loaded(GroupId g) const { return {group(g).by_load.least(), base(g)}; }
  /// All warm instances, least load first; needs the index `by_load`.
  InstanceSpan warm_instances(GroupId g) const { return {group(g).by_load.all(), base(g)}; }
  /// The warm instance whose work is done first by profile, ties to the lowest slot, or none; needs the index `by_free`.
  InstanceId earliest_free(GroupId g) const {
    const FreeIndex& f = group(g).by_free;
    return f.empty() ? InstanceId{} : InstanceId{base(g) | f.earliest()};
  }
  /// Groups of a variant that `from` can reach, nearest first.
  std::span<const GroupId> groups_of(VariantId v, SiteId from) const { return world().groups_of(v, from); }

  // Instances.
  const InstanceRow& instance(InstanceId i) const { return board(site_of(i)).instances[slot(i)]; }
  const Counters& counters(InstanceId i) const { return board(site_of(i)).counters[slot(i)]; }
  SiteId site_of(InstanceId i) const { return SiteId{i.index() >> knowledge_->slot_bits}; }
  [[gnu::always_inline]] VariantId variant_of(InstanceId i) const { return world()[instance(i).group].variant; }
  /// When what is there now would be done, by profile: never before now; needs the index `by_free`.
  Time free_at(InstanceId i) const { return std::max(now_, instance(i).free_at); }

  // Devices.
  const DeviceRow& device(DeviceId d) const {
    const SiteId s = world().topology()[d].site;
    return board(s).devices[d.index() - world().topology().first_device_of_site[s.index()].index()];
  }

  /// Nodes of a pool by phase.
  const PoolRow& pool(PoolId p) const { return board(world().topology()[p].site).pools[p.index()]; }

  // Tasks: queries of the task in flight and arrived so far, over all sites.
  std::uint32_t in_flight(TaskId t) const;
  std::uint64_t arrived(TaskId t) const;

  // Static.
  Duration profile(VariantId v, std::uint32_t items, std::uint8_t option = 0) const { return world()[v].profile.latency(items, option); }
  std::span<const VariantId> candidates(ClassId c, CandidateOrder order) const { return world().candidates(c, order); }
  const Route& route(SiteId from, SiteId to) const { return world().topology().route(from, to); }

 private:
  std::uint32_t base(GroupId g) const { return world()[g].site.index() << knowledge_->slot_bits; }
  std::uint32_t slot(InstanceId i) const { return i.index() & ((std::uint32_t{1} << knowledge_->slot_bits) - 1); }

  const Knowledge* knowledge_;
  Time now_;
};

/// What a policy sees of a query.
class QueryView {
 public:
  QueryView(const Visit& visit, const World& world) : visit_(&visit), world_(&world) {}
  /// From 0 on, in the order in which queries arrive; its visits have it in common.
  std::uint64_t number() const { return visit_->serial; }
  ClassId class_id() const { return visit_->cls; }
  const QueryClass& attributes() const { return (*world_)[visit_->cls]; }
  TaskId task() const { return attributes().task; }
  /// When it left its client.
  Time arrival() const { return visit_->arrival; }
  /// When the answer has to be at the query's origin.
  Time deadline() const { return world_->deadline(*visit_); }
  SiteId origin() const { return SiteId{visit_->origin}; }
  std::uint32_t items() const { return visit_->items; }
  /// As it came; on its way to a variant it may be less.
  std::uint32_t payload_bytes() const { return visit_->payload_bytes; }
  std::uint32_t payload_bytes(VariantId v) const { return world_->payload_bytes(v, visit_->payload_bytes, visit_->items); }
  /// What is done to it at its origin before it leaves for an instance of the variant.
  Duration prepares(VariantId v) const { return (*world_)[v].pre_at_origin * static_cast<std::int64_t>(visit_->items); }
  std::uint32_t tenant() const { return visit_->tenant; }
  /// How often the query was placed in vain or lost before.
  std::uint32_t earlier_tries() const { return visit_->stale; }

 private:
  const Visit* visit_;
  const World* world_;
};

/// The visits that wait in a line, first to last; always fresh. One iteration at a time.
class LineView {
 public:
  class iterator {
   public:
    iterator(const LineView* line, VisitId at) : line_(line), at_(at) {}
    QueryView operator*() const { return {(*line_->cluster_)[at_], line_->cluster_->world()}; }
    iterator& operator++() {
      at_ = line_->cluster_->next_in(line_->line_, at_);
      return *this;
    }
    friend bool operator==(const iterator& a, const iterator& b) { return a.at_ == b.at_; }

   private:
    const LineView* line_;
    VisitId at_;
  };
  /// As an instance of `by` sees it: see `Cluster::head`.
  LineView(const Cluster& cluster, LineId line, VariantId by = {}) : cluster_(&cluster), line_(line), by_(by) {}
  [[gnu::always_inline]] std::uint32_t size() const { return cluster_->visits_for(line_, by_); }
  bool empty() const { return size() == 0; }
  /// Sum of the items of all that wait.
  std::uint32_t items() const { return cluster_->items_for(line_, by_); }
  QueryView front() const { return {(*cluster_)[cluster_->head(line_, by_)], cluster_->world()}; }
  /// When the visit at the head joined.
  Time head_joined() const { return (*cluster_)[cluster_->head(line_, by_)].joined; }
  iterator begin() const { return {this, cluster_->first_in(line_, by_)}; }
  iterator end() const { return {this, {}}; }

 private:
  const Cluster* cluster_;
  LineId line_;
  VariantId by_;
};

}  // namespace tideline

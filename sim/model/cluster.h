// The cluster's state and the only code that changes it. Serving decides which transition; each one here keeps lines,
// loads, indexes, memory, accounts and the live boards right. Nothing here asks a policy or schedules an event.
#pragma once

#include "sim/core/prefetch.h"
#include "sim/core/slots.h"
#include "sim/model/artefacts.h"
#include "sim/model/board.h"
#include "sim/model/entities.h"
#include "sim/model/world.h"

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {

/// A state that the simulator must never reach: a bug of ours.
struct InternalError : std::logic_error {
  using std::logic_error::logic_error;
};

class Cluster {
 public:
  /// `controllers`: one held line per controller and variant.
  Cluster(const World& world, Indexes indexes, std::uint32_t controllers = 1);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // --- reading ---
  const World& world() const { return world_; }
  const Board& board(SiteId s) const { return sites_[s.index()].board; }
  const Visit& operator[](VisitId id) const { return visits_[id]; }
  const Gathering& operator[](GatheringId id) const { return gatherings_[id]; }
  const Line& operator[](LineId id) const { return lines_[id.index()]; }
  [[gnu::always_inline]] const Instance& operator[](InstanceId id) const { return site_of(id).instances[slot_of(id)]; }
  const DeviceState& operator[](DeviceId id) const { return devices_[id.index()]; }
  const NodeState& operator[](NodeId id) const { return nodes_[id.index()]; }
  [[gnu::always_inline]] const InstanceRow& row(InstanceId id) const { return site_of(id).board.instances[slot_of(id)]; }
  const GroupRow& row(GroupId id) const { return *group_rows_[id.index()]; }
  const DeviceRow& row(DeviceId id) const { return *device_rows_[id.index()]; }
  Indexes indexes() const { return indexes_; }
  InstanceId instance_at(GroupId g, std::uint32_t slot) const { return InstanceId{(world_[g].site.index() << slot_bits_) | slot}; }
  std::uint32_t slot_of(InstanceId id) const { return id.index() & slot_mask_; }
  /// Whether the id is, or once was, that of an instance. No site is as large as that of no id.
  [[gnu::always_inline]] bool exists(InstanceId id) const {
    return site_id(id).index() < sites_.size() && slot_of(id) < site_of(id).instances.size();
  }
  SiteId site_id(InstanceId id) const { return SiteId{id.index() >> slot_bits_}; }
  LineId own_line(InstanceId i) const { return site_of(i).own_lines[slot_of(i)]; }
  LineId shared_line(GroupId g) const { return shared_lines_[g.index()]; }
  LineId late_line(TaskId t, SiteId s) const { return late_lines_[s.index() * world_.catalog().tasks.size() + t.index()]; }
  LineId held_line(ControllerId c, VariantId v) const { return held_lines_[c.index() * world_.catalog().variants.size() + v.index()]; }
  std::span<const Line> lines() const { return lines_; }
  std::size_t visits_open() const { return visits_.used(); }
  std::size_t visit_slots() const { return visits_.size(); }
  std::size_t gatherings_open() const { return gatherings_.used(); }
  /// The visit that leaves the line next, or none.
  VisitId head(LineId line) const { return head(lines_[line.index()], {}); }
  /// The same for an instance of `by`: of a line that is bound late it sees only the classes that it is a candidate for.
  VisitId head(LineId id, VariantId by) const {
    const Line& line = lines_[id.index()];
    return plain(line) ? line.lane.head : head(line, by);
  }
  std::uint32_t visits_for(LineId id, VariantId by) const {
    const Line& line = lines_[id.index()];
    return line.kind != LineKind::late ? line.count : visits_seen(line, by);
  }
  std::uint32_t items_for(LineId id, VariantId by) const {
    const Line& line = lines_[id.index()];
    return line.kind != LineKind::late ? line.items : items_seen(line, by);
  }
  /// The visit after `v` in its line's order. Iterating starts with `first_in`; one iteration at a time.
  VisitId first_in(LineId id, VariantId by = {}) const {
    const Line& line = lines_[id.index()];
    return plain(line) ? line.lane.head : first_of(line, by);
  }
  VisitId next_in(LineId id, VisitId v) const {
    const Line& line = lines_[id.index()];
    return line.more == no_lane ? visits_[v].next : next_of(line, v);
  }
  Time deadline(const Visit& v) const { return world_.deadline(v); }

  /// How visits wait in the own and shared lines of a site, from its first instance on: the order, and by variant how many may.
  void set_line_rules(SiteId s, LineOrder order, std::vector<std::uint32_t> bounds);

  // --- visits ---
  /// A slot whose fields the caller fills; then `admit`.
  VisitId open_visit() { return visits_.take(); }
  /// The query of this slot arrived: state deciding, counted in flight at its origin.
  void admit(VisitId v);
  VisitId admit(const Visit& query);
  /// A second visit of a query whose first is `like`; not counted in flight again.
  VisitId add_visit(VisitId like);
  GatheringId gather(VisitId first);
  void release(GatheringId g) { gatherings_.release(g); }
  Gathering& gathering(GatheringId g) { return gatherings_[g]; }
  Visit& visit(VisitId v) { return visits_[v]; }
  /// The visit is on its way to `line` and counts as load of the instance that owns it, if one does.
  void send(VisitId v, LineId line);
  /// It arrives and waits. `now` >= its send.
  [[gnu::always_inline]] void join(VisitId id, Time now) {
    Visit& v = visits_[id];
    Line& l = line(v.line);
    v.state = l.kind == LineKind::held ? VisitState::held : VisitState::waiting;
    // Nearly every visit is that of the query that arrived last: nobody in its lane goes after it.
    if (l.order == LineOrder::by_arrival && l.lane.cls == v.cls && v.serial == newest_) [[likely]]
      append(l, id, now);
    else
      insert(l, id, now);
    if (l.kind == LineKind::shared) ++group_row(l.group).waiting;
  }
  /// It leaves its line unserved (drop, cancel, placed elsewhere) or is called off while travelling. State becomes deciding.
  void leave(VisitId v, Time now);
  /// Its query is no longer in flight.
  void query_done(VisitId id) {
    const Visit& v = visits_[id];
    --sites_[v.origin].board.tasks[world_[v.cls].task.index()].in_flight;
  }
  /// The visit ended: its slot is free.
  void close(VisitId v) {
    visits_[v].state = VisitState::free;
    visits_.release(v);
  }

  // --- batches ---
  /// Takes the first `take` visits of `line` into service at `i`; fills the instance's batch fields. Call `run` next.
  VisitId begin(InstanceId i, LineId line, std::uint32_t take, Time now);
  /// The batch that `begin` formed runs until, by profile, `until`.
  void run(InstanceId i, Time now, Time until);
  /// The batch of `i` is done. Returns its first visit; `returning` leads on.
  /// `served` false: its kernel failed; the time was used, but nothing was answered.
  VisitId end(InstanceId i, Time now, bool served = true);
  /// The same where its instance fails.
  VisitId cut_short(InstanceId i, Time now);
  /// A visit of an ended batch is on its way back. Returns the next of the batch, or none.
  VisitId returning(VisitId v) {
    visits_[v].state = VisitState::returning;
    return visits_[v].next;
  }

  // --- instances ---
  /// Takes memory and cores on the device; phase starting. `largest_batch`: items it is started for.
  InstanceId start(GroupId g, DeviceId d, std::uint8_t option, std::uint32_t largest_batch, StartCause cause, Time now);
  /// What the load of an instance that is starting would have to pay.
  LoadParts load_parts(InstanceId i) const;
  /// The same for a load that begins now; marks artefact and build as present on the node.
  LoadParts pay_load(InstanceId i);
  /// It ended before it was done: what it built is not there, and, unless the artefact `came`, that neither.
  void load_called_off(const LoadParts& parts, bool came) { artefacts_.call_off(parts, came); }
  /// When, by profile, the instance that is starting will be warm.
  void expect_warm(InstanceId i, Time expected);
  void warm(InstanceId i, Time now);
  /// It takes no more visits; what it has is served.
  void drain(InstanceId i, Time now);
  /// Whether the device has the cores free that it would take more with this core option.
  bool can_resize(InstanceId i, std::uint8_t option) const;
  /// From now on it has this core option. No batch may run in it.
  void resize(InstanceId i, std::uint8_t option, Time now);
  /// Frees its memory; it must have no load. Its slot is free again.
  void stop(InstanceId i, Time now);
  /// It failed: like `stop`, but visits may still be travelling to it. Its slot is free when the last of them has arrived.
  void fail(InstanceId i, Time now);
  /// Whether its batching is put off, and its place in the device's list of instances that could start.
  void put_off(InstanceId i, bool off);
  void set_ready(InstanceId i, bool ready);
  [[gnu::always_inline]] Instance& instance(InstanceId i) { return site_of(i).instances[slot_of(i)]; }
  /// Share of its device that its last batch, which took so long, is charged: its cores; of a shared device the time that it would have
  /// taken alone, so that batches side by side are not charged the device each.
  double share_used(InstanceId i, Duration took) const {
    const Hardware& h = world_.catalog()[world_.topology()[row(i).device].hardware];
    if (h.sharing == Sharing::exclusive) return 1;
    if (h.sharing == Sharing::partitioned) return h.cores > 0 ? static_cast<double>((*this)[i].cores) / h.cores : 1;
    return took > Duration{} ? to_seconds((*this)[i].batch_alone) / to_seconds(took) : 1;
  }
  void set_wish(GroupId g, std::uint32_t wish) { group_row(g).wish = wish; }
  void set_share(GroupId g, double share) { group_row(g).share = share; }
  void set_batch_cap(GroupId g, std::uint32_t cap);
  /// Core option of the group's instances to come.
  void set_option(GroupId g, std::uint8_t option) { group_row(g).option = option; }

  // --- nodes and devices ---
  void node_phase(NodeId n, NodePhase phase, Time now);
  /// Another machine takes its place: nothing is on its disk.
  void lose_artefacts(NodeId n) { artefacts_.lose_all(n); }
  void set_slowdown(DeviceId d, double factor) { devices_[d.index()].slowdown = factor; }
  /// Others hold so much of the device from now on, at most what is free beside what they hold already.
  void take(DeviceId d, std::int64_t bytes, std::uint32_t cores, Time now);
  /// The node is on its way: up at `ends`.
  void boot(NodeId n, Time ends, Time now);
  /// Whether the device takes instances at all: its node is up and not draining.
  bool accepts(DeviceId d) const { return nodes_[world_.topology()[d].node.index()].phase == NodePhase::up; }
  bool fits(GroupId g, DeviceId d) const;
  /// What an instance of the group that starts now takes: bytes for the largest batch; cores on partitioned devices, else 0.
  std::int64_t memory_of(GroupId g) const;
  std::uint32_t cores_of(GroupId g) const;

  // What follows only asks for memory early (prefetch.h).
  /// A visit will probably be sent to this instance soon.
  void expect_visit(InstanceId i) const {
    const Site& s = site_of(i);
    const std::uint32_t slot = slot_of(i);
    prefetch(&s.board.instances[slot]);
    prefetch(&s.board.counters[slot]);
    prefetch(&s.instances[slot]);
    prefetch(&lines_[s.own_lines[slot].index()]);
  }
  /// Its batch will be done soon.
  void expect_end(InstanceId i) const {
    const Site& s = site_of(i);
    const std::uint32_t slot = slot_of(i);
    prefetch(&s.board.instances[slot]);
    prefetch(&s.board.counters[slot]);
    prefetch(&s.instances[slot]);
    prefetch(&s.instances[slot].batch_began);
  }

  /// Closes all accounts at `now`: call before reading them.
  void settle(Time now);
  /// Recomputes every board from the entities; throws InternalError that names the first difference.
  void check_boards() const;
  /// Checks the accounts (call after settle); returns one line per fault.
  std::vector<std::string> audit_accounts(Time now) const;

 private:
  struct Site {
    Board board;
    std::vector<Instance> instances;
    std::vector<LineId> own_lines;  // by slot: found without a look at the instance
    std::vector<std::uint32_t> free_slots;
    LineOrder order = LineOrder::by_arrival;
    std::vector<std::uint32_t> bounds;  // by variant; empty: none
  };

  InstanceId id_of(const Site& s, std::uint32_t slot) const { return InstanceId{(s.board.site.index() << slot_bits_) | slot}; }
  Site& site_of(InstanceId i) { return sites_[i.index() >> slot_bits_]; }
  const Site& site_of(InstanceId i) const { return sites_[i.index() >> slot_bits_]; }
  InstanceRow& instance_row(InstanceId i) { return site_of(i).board.instances[slot_of(i)]; }
  GroupRow& group_row(GroupId g) { return *group_rows_[g.index()]; }
  DeviceRow& device_row(DeviceId d) { return *device_rows_[d.index()]; }
  Line& line(LineId l) { return lines_[l.index()]; }

  bool before(const Line& line, const Visit& a, const Visit& b) const;
  VisitId head(const Line& line, VariantId by) const;
  bool sees(VariantId by, const Line& line, const Lane& lane) const {
    return line.kind != LineKind::late || !by || (lane.cls && world_.is_candidate(lane.cls, by));
  }
  /// All that wait in the line are of one class, and every instance that may serve it sees them.
  static bool plain(const Line& line) { return line.more == no_lane && line.kind != LineKind::late; }
  std::uint32_t visits_seen(const Line& line, VariantId by) const;
  std::uint32_t items_seen(const Line& line, VariantId by) const;
  VisitId first_of(const Line& line, VariantId by) const;
  VisitId next_of(const Line& line, VisitId v) const;
  Lane& lane_for(Line& line, ClassId cls);
  void insert(Line& line, VisitId v, Time now);
  /// The same at the end of the line's first lane, where the visit belongs.
  [[gnu::always_inline]] void append(Line& line, VisitId id, Time now) {
    line.area += Area{line.count} * static_cast<std::uint64_t>((now - line.changed).count());
    line.changed = now;
    ++line.count;
    ++line.joined;
    Visit& v = visits_[id];
    v.joined = now;
    line.items += v.items;
    ++line.lane.count;
    const VisitId last = line.lane.tail;
    v.prev = last;
    v.next = {};
    (last ? visits_[last].next : line.lane.head) = id;
    line.lane.tail = id;
  }
  void remove(Line& line, VisitId v, Time now);
  void drop_empty_lanes(Line& line);
  void change_load(Site& s, std::uint32_t slot, std::uint32_t load);
  void update_free_at(Site& s, std::uint32_t slot);
  void update_free_at(InstanceId i);
  Duration pending_work(InstanceId i) const { return pending_work((*this)[i], row(i)); }
  Duration pending_work(const Instance& x, const InstanceRow& r) const;
  bool runtime_to_init(InstanceId i) const;
  void free_at_of_device(InstanceId i);
  void note_sharers(DeviceId d);
  VisitId end_batch(InstanceId i, Time now, bool served);
  void set_phase(InstanceId i, Phase phase);
  void account_time(DeviceId d, Time now);
  void account_holding(DeviceId d, Time now);

  const World& world_;
  Indexes indexes_;
  unsigned slot_bits_;
  std::uint32_t slot_mask_;
  std::vector<Site> sites_;
  std::vector<GroupRow*> group_rows_;  // into the boards, whose rows never move
  std::vector<DeviceRow*> device_rows_;
  std::vector<DeviceState> devices_;
  std::vector<NodeState> nodes_;
  Artefacts artefacts_;
  std::vector<Line> lines_;
  std::vector<Lane> lanes_;  // further lanes of lines with several classes
  std::vector<std::uint32_t> free_lanes_;
  std::vector<LineId> shared_lines_, late_lines_, held_lines_;
  Slots<Visit, VisitId, most_in_flight> visits_;
  Slots<Gathering, GatheringId, most_in_flight> gatherings_;
  std::uint32_t starts_ = 0;  // instances so far
  Time newest_arrival_{};     // of the query that arrived last, and its serial
  std::uint64_t newest_ = ~std::uint64_t{0};
  mutable std::vector<VisitId> cursor_;  // of the one iteration over a line with several lanes
};

}  // namespace tideline

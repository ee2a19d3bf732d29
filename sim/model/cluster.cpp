#include "sim/model/cluster.h"

#include <algorithm>
#include <cassert>

namespace tideline {

namespace {

std::int64_t count(Duration d) { return d.count(); }
bool is_on(NodePhase p) { return p != NodePhase::off && p != NodePhase::failed; }
Area area(std::uint64_t n, Duration d) { return Area{n} * static_cast<std::uint64_t>(d.count()); }

}  // namespace

Cluster::Cluster(const World& world, Indexes indexes, std::uint32_t controllers)
    : world_(world),
      indexes_(indexes),
      slot_bits_(world.instance_slot_bits()),
      slot_mask_((std::uint32_t{1} << slot_bits_) - 1),
      artefacts_(world) {
  const Topology& topology = world.topology();
  const Catalog& catalog = world.catalog();
  const auto new_line = [&](LineKind kind) {
    lines_.emplace_back();
    lines_.back().kind = kind;
    return LineId{lines_.size() - 1};
  };
  sites_.resize(topology.sites.size());
  for (std::size_t s = 0; s < sites_.size(); ++s) {
    Board& board = sites_[s].board;
    const SiteId site{s};
    board.site = site;
    board.tasks.resize(catalog.tasks.size());
    board.pools.resize(topology.pools.size());
    board.groups.resize(world.group_count(site));
    for (std::size_t k = 0; k < board.groups.size(); ++k) {
      const GroupId g{world.first_group(site).index() + k};
      board.groups[k].batch_cap = world[g].batch_cap;
      const LineId id = new_line(LineKind::shared);
      Line& l = lines_[id.index()];
      l.group = g;
      l.variant = world[g].variant;
      l.site = site;
      shared_lines_.push_back(id);
    }
    const std::size_t first = topology.first_device_of_site[s].index(), last = topology.first_device_of_site[s + 1].index();
    board.devices.resize(last - first);
    for (std::size_t d = first; d < last; ++d) {
      const Hardware& h = catalog[topology.devices[d].hardware];
      board.devices[d - first].memory_free = h.memory_bytes;
      board.devices[d - first].cores_free = h.cores;
    }
    for (std::size_t t = 0; t < catalog.tasks.size(); ++t) {
      const LineId id = new_line(LineKind::late);
      lines_[id.index()].task = TaskId{t};
      lines_[id.index()].site = site;
      late_lines_.push_back(id);
    }
  }
  for (Site& site : sites_) {
    for (GroupRow& r : site.board.groups) group_rows_.push_back(&r);
    for (DeviceRow& r : site.board.devices) device_rows_.push_back(&r);
  }
  for (std::uint32_t c = 0; c < controllers; ++c)
    for (std::size_t v = 0; v < catalog.variants.size(); ++v) {
      const LineId id = new_line(LineKind::held);
      lines_[id.index()].variant = VariantId{v};
      held_lines_.push_back(id);
    }
  devices_.resize(topology.devices.size());
  nodes_.resize(topology.nodes.size());
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    const Node& node = topology.nodes[n];
    if (node.index_in_pool < topology[node.pool].count) node_phase(NodeId{n}, NodePhase::up, Time{});
  }
}

// --- lines ---

void Cluster::set_line_rules(SiteId s, LineOrder order, std::vector<std::uint32_t> bounds) {
  Site& site = sites_[s.index()];
  assert(site.instances.empty());
  site.order = order;
  site.bounds = std::move(bounds);
  for (Line& l : lines_) {
    if (l.site != s || (l.kind != LineKind::shared && l.kind != LineKind::late)) continue;
    l.order = order;
    if (l.kind == LineKind::shared && !site.bounds.empty()) l.bound = site.bounds[l.variant.index()];
  }
}

bool Cluster::before(const Line& line, const Visit& a, const Visit& b) const {
  switch (line.order) {
    case LineOrder::by_arrival:
      break;
    case LineOrder::by_deadline:
      if (const Time x = deadline(a), y = deadline(b); x != y) return x < y;
      break;
    case LineOrder::by_priority:
      if (const auto x = world_[a.cls].priority, y = world_[b.cls].priority; x != y) return x > y;
      break;
    case LineOrder::newest:
      return a.arrival != b.arrival ? a.arrival > b.arrival : a.serial > b.serial;
  }
  return a.arrival != b.arrival ? a.arrival < b.arrival : a.serial < b.serial;
}

VisitId Cluster::head(const Line& line, VariantId by) const {
  VisitId best = sees(by, line, line.lane) ? line.lane.head : VisitId{};
  for (std::uint32_t k = line.more; k != no_lane; k = lanes_[k].next) {
    const VisitId h = sees(by, line, lanes_[k]) ? lanes_[k].head : VisitId{};
    if (h && (!best || before(line, visits_[h], visits_[best]))) best = h;
  }
  return best;
}

std::uint32_t Cluster::visits_seen(const Line& line, VariantId by) const {
  std::uint32_t sum = sees(by, line, line.lane) ? line.lane.count : 0;
  for (std::uint32_t k = line.more; k != no_lane; k = lanes_[k].next)
    if (sees(by, line, lanes_[k])) sum += lanes_[k].count;
  return sum;
}

std::uint32_t Cluster::items_seen(const Line& line, VariantId by) const {
  std::uint32_t sum = 0;
  const auto add = [&](const Lane& lane) {
    if (!sees(by, line, lane)) return;
    for (VisitId v = lane.head; v; v = visits_[v].next) sum += visits_[v].items;
  };
  add(line.lane);
  for (std::uint32_t k = line.more; k != no_lane; k = lanes_[k].next) add(lanes_[k]);
  return sum;
}

VisitId Cluster::first_of(const Line& line, VariantId by) const {
  if (line.more == no_lane) return head(line, by);
  cursor_.clear();
  if (sees(by, line, line.lane)) cursor_.push_back(line.lane.head);
  for (std::uint32_t k = line.more; k != no_lane; k = lanes_[k].next)
    if (sees(by, line, lanes_[k])) cursor_.push_back(lanes_[k].head);
  return head(line, by);
}

VisitId Cluster::next_of(const Line& line, VisitId v) const {
  VisitId best;
  for (VisitId& c : cursor_) {
    if (c == v) c = visits_[v].next;
    if (c && (!best || before(line, visits_[c], visits_[best]))) best = c;
  }
  return best;
}

Lane& Cluster::lane_for(Line& line, ClassId cls) {
  if (line.lane.cls == cls) return line.lane;
  for (std::uint32_t k = line.more; k != no_lane; k = lanes_[k].next)
    if (lanes_[k].cls == cls) return lanes_[k];
  if (line.lane.count == 0) {
    line.lane.cls = cls;
    return line.lane;
  }
  std::uint32_t k;
  if (free_lanes_.empty()) {
    k = static_cast<std::uint32_t>(lanes_.size());
    lanes_.emplace_back();
    if (free_lanes_.capacity() < lanes_.capacity()) free_lanes_.reserve(lanes_.capacity());
    if (cursor_.capacity() < lanes_.size() + 1) cursor_.reserve(lanes_.capacity() + 1);
  } else {
    k = free_lanes_.back();
    free_lanes_.pop_back();
  }
  lanes_[k] = Lane{cls, {}, {}, 0, line.more};
  line.more = k;
  return lanes_[k];
}

void Cluster::drop_empty_lanes(Line& line) {
  std::uint32_t* link = &line.more;
  while (*link != no_lane) {
    Lane& lane = lanes_[*link];
    if (lane.count == 0) {
      free_lanes_.push_back(*link);
      *link = lane.next;
    } else {
      link = &lane.next;
    }
  }
}

void Cluster::insert(Line& line, VisitId id, Time now) {
  line.area += area(line.count, now - line.changed);
  line.changed = now;
  ++line.count;
  ++line.joined;
  Visit& v = visits_[id];
  v.joined = now;
  line.items += v.items;
  Lane& lane = lane_for(line, v.cls);
  ++lane.count;
  // Nearly all belong at the end where the newest go.
  VisitId after;
  if (line.order == LineOrder::newest) {
    for (VisitId ahead = lane.head; ahead && before(line, visits_[ahead], v); ahead = visits_[ahead].next) after = ahead;
  } else {
    after = lane.tail;
    while (after && before(line, v, visits_[after])) after = visits_[after].prev;
  }
  v.prev = after;
  v.next = after ? visits_[after].next : lane.head;
  (after ? visits_[after].next : lane.head) = id;
  (v.next ? visits_[v.next].prev : lane.tail) = id;
}

void Cluster::remove(Line& line, VisitId id, Time now) {
  line.area += area(line.count, now - line.changed);
  line.changed = now;
  --line.count;
  ++line.left;
  const Visit& v = visits_[id];
  line.waits += static_cast<std::uint64_t>(count(now - v.joined));
  line.items -= v.items;
  Lane& lane = lane_for(line, v.cls);
  --lane.count;
  (v.prev ? visits_[v.prev].next : lane.head) = v.next;
  (v.next ? visits_[v.next].prev : lane.tail) = v.prev;
  if (lane.count == 0 && line.more != no_lane) drop_empty_lanes(line);
}

// --- load and work ---

[[gnu::always_inline]] inline Duration Cluster::pending_work(const Instance& x, const InstanceRow& r) const {
  const std::uint32_t ahead = r.load - r.in_service;
  if (ahead == 0) return {};
  const std::uint32_t cap = row(r.group).batch_cap;
  if (ahead <= cap) return x.work[ahead];
  const std::uint32_t rest = ahead % cap;
  return (ahead / cap) * x.work[cap] + (rest != 0 ? x.work[rest] : Duration{});
}

/// free_at of an instance: when its batch is done, plus what waits, in full batches.
[[gnu::always_inline]] inline void Cluster::update_free_at(Site& s, std::uint32_t slot) {
  const Instance& x = s.instances[slot];
  if (x.waits_for_others) return free_at_of_device(id_of(s, slot));
  InstanceRow& r = s.board.instances[slot];
  const Duration pending = pending_work(x, r);
  if (x.exclusive) device_row(r.device).pending = pending;
  r.free_at = x.batch_until + pending;
  if (r.phase != Phase::warm) return;
  FreeIndex& index = group_row(r.group).by_free;
  const std::uint32_t first = index.earliest();
  index.change(slot, r.free_at, s.board.by_free_positions);
  if (index.earliest() != first) expect_visit(id_of(s, index.earliest()));
}

void Cluster::update_free_at(InstanceId i) { update_free_at(site_of(i), slot_of(i)); }

[[gnu::always_inline]] inline void Cluster::change_load(Site& s, std::uint32_t slot, std::uint32_t load) {
  InstanceRow& r = s.board.instances[slot];
  r.load = load;
  if (r.phase == Phase::gone) {  // the last visit that travelled to a failed instance has arrived
    if (load == 0) s.free_slots.push_back(slot);
    return;
  }
  if (indexes_.by_load && r.phase == Phase::warm) group_row(r.group).by_load.change(slot, load, s.board.by_load_places);
  if (indexes_.by_free) update_free_at(s, slot);
}

/// On an exclusive device all its instances wait for each other, so the device's sum is the time of each.
void Cluster::free_at_of_device(InstanceId i) {
  Site& s = site_of(i);
  DeviceRow& d = device_row(row(i).device);
  const DeviceState& state = devices_[row(i).device.index()];
  d.pending = {};
  for (const InstanceId k : state.instances)
    if (row(k).phase == Phase::warm || row(k).phase == Phase::draining) d.pending += pending_work(k);
  for (const InstanceId k : state.instances) {
    InstanceRow& o = s.board.instances[slot_of(k)];
    const Instance& ox = s.instances[slot_of(k)];
    if (o.phase == Phase::starting) {
      o.free_at = std::max(ox.batch_until, d.free_at()) + pending_work(k);
    } else {
      o.free_at = d.free_at();
      if (o.phase == Phase::warm) group_row(o.group).by_free.change(slot_of(k), o.free_at, s.board.by_free_positions);
    }
  }
}

void Cluster::note_sharers(DeviceId d) {
  const DeviceState& state = devices_[d.index()];
  for (const InstanceId k : state.instances) {
    Instance& x = instance(k);
    x.waits_for_others = x.exclusive && state.instances.size() > 1;
  }
}

// --- visits ---

VisitId Cluster::admit(const Visit& query) {
  const VisitId id = open_visit();
  visits_[id] = query;
  admit(id);
  return id;
}

void Cluster::admit(VisitId id) {
  Visit& v = visits_[id];
  v.state = VisitState::deciding;
  if (v.arrival >= newest_arrival_) {
    newest_arrival_ = v.arrival;
    newest_ = v.serial;
  }
  TaskRow& t = sites_[v.origin].board.tasks[world_[v.cls].task.index()];
  ++t.arrived;
  ++t.in_flight;
}

VisitId Cluster::add_visit(VisitId like) {
  const VisitId id = visits_.take();
  Visit& v = visits_[id];
  v = visits_[like];
  v.next = v.prev = {};
  v.line = {};
  v.attempt = v.stale = 0;
  v.state = VisitState::deciding;
  const bool measured = v.flags.measured;
  v.flags = {};
  v.flags.measured = measured;
  return id;
}

GatheringId Cluster::gather(VisitId first) {
  const GatheringId id = gatherings_.take();
  Gathering& g = gatherings_[id];
  const Time scheduled = g.scheduled;  // a timer of the slot's last user may still be pending
  g = Gathering{};
  g.scheduled = scheduled;
  g.open = g.made = 1;
  g.visits[0] = first;
  visits_[first].gathering = id;
  return id;
}

void Cluster::send(VisitId id, LineId to) {
  Visit& v = visits_[id];
  v.line = to;
  v.state = VisitState::travelling;
  const Line& l = lines_[to.index()];
  if (l.kind == LineKind::own) {
    Site& s = site_of(l.instance);
    const std::uint32_t slot = slot_of(l.instance);
    ++s.board.counters[slot].sent;
    ++group_row(l.group).counters.sent;
    change_load(s, slot, s.board.instances[slot].load + 1);
  } else if (l.kind == LineKind::shared) {
    ++group_row(l.group).counters.sent;
  }
}

void Cluster::leave(VisitId id, Time now) {
  Visit& v = visits_[id];
  Line& l = line(v.line);
  if (v.state != VisitState::travelling) {
    remove(l, id, now);
    if (l.kind == LineKind::shared) --group_row(l.group).waiting;
  }
  if (l.kind == LineKind::own) change_load(site_of(l.instance), slot_of(l.instance), instance_row(l.instance).load - 1);
  v.state = VisitState::deciding;
  v.next = v.prev = {};
}

// --- batches ---

VisitId Cluster::begin(InstanceId i, LineId id, std::uint32_t take, Time now) {
  Site& s = site_of(i);
  Instance& x = s.instances[slot_of(i)];
  InstanceRow& r = s.board.instances[slot_of(i)];
  Line& l = line(id);
  assert(x.batch_count == 0 && take > 0 && take <= l.count);
  VisitId first, last;
  std::uint32_t items = 0;
  double work = 0;
  Area joined = 0;
  if (l.more == no_lane) {  // one class: cut the batch off the front
    l.area += area(l.count, now - l.changed);
    l.changed = now;
    first = l.lane.head;
    VisitId at = first;
    for (std::uint32_t k = 0; k < take; ++k) {
      Visit& v = visits_[at];
      v.state = VisitState::in_service;
      joined += static_cast<std::uint64_t>(v.joined.time_since_epoch().count());
      items += v.items;
      work += static_cast<double>(v.work) * v.items;
      last = at;
      at = v.next;
    }
    visits_[last].next = {};
    l.lane.head = at;
    if (at)
      visits_[at].prev = {};
    else
      l.lane.tail = {};
    l.lane.count -= take;
    l.count -= take;
    l.left += take;
    l.items -= items;
    l.waits += area(take, now.time_since_epoch()) - joined;
  } else {
    for (std::uint32_t k = 0; k < take; ++k) {
      const VisitId v = head(l, world_[r.group].variant);
      remove(l, v, now);
      visits_[v].state = VisitState::in_service;
      visits_[v].next = {};
      joined += static_cast<std::uint64_t>(visits_[v].joined.time_since_epoch().count());
      items += visits_[v].items;
      work += static_cast<double>(visits_[v].work) * visits_[v].items;
      if (last)
        visits_[last].next = v;
      else
        first = v;
      last = v;
    }
  }
  x.batch_head = first;
  x.batch_count = take;
  x.batch_items = items;
  x.batch_work = work / items;
  x.batch_joined = joined;
  r.in_service = take;
  x.batch_of_own_line = l.kind == LineKind::own;
  if (l.kind == LineKind::shared) group_row(l.group).waiting -= take;
  return first;
}

void Cluster::run(InstanceId i, Time now, Time until) {
  Instance& x = instance(i);
  InstanceRow& r = instance_row(i);
  x.batch_began = now;
  x.batch_until = until;
  account_time(r.device, now);
  DeviceRow& d = device_row(r.device);
  ++d.running;
  d.run_until = std::max(d.run_until, until);
  if (!x.batch_of_own_line)
    change_load(site_of(i), slot_of(i), r.load + x.batch_count);  // from a shared line: load of the instance from now on
  else if (indexes_.by_free)
    update_free_at(i);
}

/// Compiled into both of those below.
[[gnu::always_inline]] inline VisitId Cluster::end_batch(InstanceId i, Time now, bool served) {
  Site& s = site_of(i);
  Instance& x = s.instances[slot_of(i)];
  InstanceRow& r = s.board.instances[slot_of(i)];
  assert(x.batch_count > 0);
  const VisitId first = x.batch_head;
  const Duration there{static_cast<std::int64_t>(area(x.batch_count, now.time_since_epoch()) - x.batch_joined)};
  const Duration busy = now - x.batch_began;
  for (Counters* c : {&s.board.counters[slot_of(i)], &group_row(r.group).counters}) {
    c->busy += busy;
    if (!served) continue;
    c->answered += x.batch_count;
    c->items += x.batch_items;
    ++c->batches;
    c->time_there += there;
  }
  account_time(r.device, now);
  DeviceState& device = devices_[r.device.index()];
  device.served += count(busy);
  DeviceRow& d = device_row(r.device);
  --d.running;
  if (d.running == 0) d.run_until = now;
  r.idle_since = now;
  r.in_service = 0;
  const std::uint32_t taken = x.batch_count;
  x.batch_head = {};
  x.batch_count = x.batch_items = 0;
  x.batch_until = now;
  x.batch_ends = never;
  change_load(s, slot_of(i), r.load - taken);
  return first;
}

VisitId Cluster::end(InstanceId i, Time now, bool served) { return end_batch(i, now, served); }
VisitId Cluster::cut_short(InstanceId i, Time now) { return end_batch(i, now, false); }

// --- instances ---

InstanceId Cluster::start(GroupId g, DeviceId d, std::uint8_t option, std::uint32_t largest_batch, StartCause cause, Time now) {
  const SiteId site = world_[g].site;
  Site& s = sites_[site.index()];
  std::uint32_t slot;
  if (s.free_slots.empty()) {
    slot = static_cast<std::uint32_t>(s.instances.size());
    if (slot > slot_mask_) throw InternalError("more instances at one site than ids have room for");
    s.instances.emplace_back();
    s.board.instances.emplace_back();
    s.board.counters.emplace_back();
    s.board.by_load_places.emplace_back();
    s.board.by_free_positions.emplace_back();
    s.free_slots.reserve(s.instances.capacity());
    lines_.emplace_back();
    s.own_lines.emplace_back(lines_.size() - 1);
  } else {
    slot = s.free_slots.back();
    s.free_slots.pop_back();
  }
  const InstanceId id{(site.index() << slot_bits_) | slot};
  const Variant& variant = world_[world_[g].variant];
  const Hardware& hardware = world_.catalog()[variant.hardware];

  Instance& x = s.instances[slot];
  const LineId own = s.own_lines[slot];
  const Time retry_scheduled = x.retry_scheduled, keep_scheduled = x.keep_scheduled;  // timers of the slot's last user may be pending
  x = Instance{};
  x.retry_scheduled = retry_scheduled;
  x.keep_scheduled = keep_scheduled;
  x.serial = starts_++;
  x.cause = cause;
  x.started = x.cores_since = now;
  x.wished_option = option;
  x.batch_until = now;
  x.largest_batch = largest_batch;
  x.memory_bytes = variant.memory_for(largest_batch);
  x.cores = hardware.sharing == Sharing::partitioned ? variant.profile.cores()[option] : 0;
  x.exclusive = hardware.sharing != Sharing::partitioned;
  x.work = variant.profile.table(option);

  Line& l = line(own);
  l.kind = LineKind::own;
  l.instance = id;
  l.group = g;
  l.variant = world_[g].variant;
  l.site = site;
  l.order = s.order;
  if (!s.bounds.empty()) l.bound = s.bounds[l.variant.index()];

  InstanceRow& r = s.board.instances[slot];
  r = InstanceRow{};
  r.group = g;
  r.device = d;
  r.option = option;
  r.cores = x.cores;
  r.idle_since = now;
  r.free_at = now;
  s.board.counters[slot] = {};

  account_time(d, now);
  account_holding(d, now);
  DeviceState& device = devices_[d.index()];
  x.position_on_device = static_cast<std::uint32_t>(device.instances.size());
  device.instances.push_back(id);
  note_sharers(d);
  if (device.ready.capacity() < device.instances.size()) device.ready.reserve(device.instances.capacity());
  ++device.starting;
  DeviceRow& row = device_row(d);
  row.memory_free -= x.memory_bytes;
  row.cores_free -= x.cores;
  GroupRow& group = group_row(g);
  x.position_in_group = static_cast<std::uint32_t>(group.members.size());
  group.members.push_back(id);
  ++group.count[static_cast<std::size_t>(Phase::starting)];
  r.phase = Phase::starting;
  return id;
}

void Cluster::expect_warm(InstanceId i, Time expected) {
  instance(i).batch_until = expected;
  instance_row(i).free_at = expected;
  if (indexes_.by_free) update_free_at(i);
}

bool Cluster::runtime_to_init(InstanceId i) const {
  const InstanceRow& r = row(i);
  const std::string& framework = world_[world_[r.group].variant].framework;
  const auto& on_device = devices_[r.device.index()].instances;
  return std::none_of(on_device.begin(), on_device.end(), [&](InstanceId k) {
    return k != i && !(*this)[k].waits_to_load && world_[world_[row(k).group].variant].framework == framework;
  });
}

LoadParts Cluster::load_parts(InstanceId i) const {
  LoadParts parts = artefacts_.parts(world_[row(i).group].variant, world_.topology()[row(i).device].node);
  parts.runtime_init = runtime_to_init(i);
  return parts;
}

LoadParts Cluster::pay_load(InstanceId i) {
  LoadParts parts = artefacts_.pay(world_[row(i).group].variant, world_.topology()[row(i).device].node);
  parts.runtime_init = runtime_to_init(i);
  return parts;
}

void Cluster::set_phase(InstanceId i, Phase phase) {
  Site& s = site_of(i);
  const std::uint32_t slot = slot_of(i);
  InstanceRow& r = s.board.instances[slot];
  GroupRow& g = group_row(r.group);
  if (r.phase == Phase::warm) {
    if (indexes_.by_load) g.by_load.remove(slot, s.board.by_load_places);
    if (indexes_.by_free) g.by_free.remove(slot, s.board.by_free_positions);
  }
  --g.count[static_cast<std::size_t>(r.phase)];
  r.phase = phase;
  if (phase != Phase::gone) ++g.count[static_cast<std::size_t>(phase)];
  if (phase == Phase::warm) {
    if (indexes_.by_load) g.by_load.insert(slot, r.load, s.board.by_load_places);
    if (indexes_.by_free) g.by_free.insert(slot, r.free_at, s.board.by_free_positions);
  }
}

void Cluster::warm(InstanceId i, Time now) {
  Instance& x = instance(i);
  InstanceRow& r = instance_row(i);
  account_time(r.device, now);
  --devices_[r.device.index()].starting;
  x.warm_at = now;
  x.batch_until = now;
  x.load_ends = never;
  r.idle_since = now;
  DeviceRow& d = device_row(r.device);
  if (d.running == 0) d.run_until = std::max(d.run_until, now);
  set_phase(i, Phase::warm);
  if (indexes_.by_free) update_free_at(i);
}

void Cluster::drain(InstanceId i, Time) { set_phase(i, Phase::draining); }

void Cluster::stop(InstanceId i, Time now) {
  assert(row(i).load == 0);
  fail(i, now);
}

void Cluster::fail(InstanceId i, Time now) {
  Site& s = site_of(i);
  const std::uint32_t slot = slot_of(i);
  Instance& x = s.instances[slot];
  InstanceRow& r = s.board.instances[slot];
  assert(x.batch_count == 0);
  if (x.in_ready) set_ready(i, false);
  account_time(r.device, now);
  account_holding(r.device, now);
  DeviceState& device = devices_[r.device.index()];
  if (r.phase == Phase::starting) --device.starting;
  set_phase(i, Phase::gone);
  const InstanceId moved = device.instances.back();
  device.instances[x.position_on_device] = moved;
  instance(moved).position_on_device = x.position_on_device;
  device.instances.pop_back();
  note_sharers(r.device);
  GroupRow& g = group_row(r.group);
  const InstanceId member = g.members.back();
  g.members[x.position_in_group] = member;
  instance(member).position_in_group = x.position_in_group;
  g.members.pop_back();
  DeviceRow& d = device_row(r.device);
  d.memory_free += x.memory_bytes;
  d.cores_free += x.cores;
  const Duration held = now - x.started;
  device.memory_held += area(static_cast<std::uint64_t>(x.memory_bytes), held);
  device.cores_held += area(x.cores, now - x.cores_since);
  if (indexes_.by_free && !device.instances.empty()) update_free_at(device.instances.front());
  if (device.instances.empty()) d.pending = {};
  if (r.load == 0) s.free_slots.push_back(slot);
}

bool Cluster::can_resize(InstanceId i, std::uint8_t option) const {
  const Profile& profile = world_[world_[row(i).group].variant].profile;
  const bool holds = world_.catalog()[world_.topology()[row(i).device].hardware].sharing == Sharing::partitioned;
  return !holds || profile.cores()[option] <= row(row(i).device).cores_free + (*this)[i].cores;
}

void Cluster::resize(InstanceId i, std::uint8_t option, Time now) {
  Instance& x = instance(i);
  InstanceRow& r = instance_row(i);
  assert(x.batch_count == 0 && can_resize(i, option));
  const Profile& profile = world_[world_[r.group].variant].profile;
  account_holding(r.device, now);
  if (world_.catalog()[world_.topology()[r.device].hardware].sharing == Sharing::partitioned) {
    devices_[r.device.index()].cores_held += area(x.cores, now - x.cores_since);
    x.cores_since = now;
    DeviceRow& d = device_row(r.device);
    d.cores_free = d.cores_free + x.cores - profile.cores()[option];
    x.cores = r.cores = profile.cores()[option];
  }
  r.option = option;
  x.work = profile.table(option);
  if (indexes_.by_free) update_free_at(i);
}

void Cluster::put_off(InstanceId i, bool off) { instance(i).put_off = off; }

void Cluster::set_batch_cap(GroupId g, std::uint32_t cap) {
  GroupRow& group = group_row(g);
  if (group.batch_cap == cap) return;
  group.batch_cap = cap;
  if (!indexes_.by_free) return;
  for (const InstanceId i : group.members) update_free_at(i);  // what waits now takes other batches
}

void Cluster::set_ready(InstanceId i, bool ready) {
  Instance& x = instance(i);
  if (x.in_ready == ready) return;
  x.in_ready = ready;
  auto& list = devices_[row(i).device.index()].ready;
  if (ready) {
    list.push_back(i);
    return;
  }
  const auto at = std::find(list.begin(), list.end(), i);
  *at = list.back();
  list.pop_back();
}

// --- nodes, devices, accounts ---

void Cluster::node_phase(NodeId n, NodePhase phase, Time now) {
  NodeState& node = nodes_[n.index()];
  const Node& fixed = world_.topology()[n];
  if (is_on(node.phase)) node.on += count(now - node.since);
  if (!is_on(node.phase) && is_on(phase)) node.on_since = now;
  if (const std::int64_t unit = count(world_.topology().billing_granularity); unit > 0 && is_on(node.phase) && !is_on(phase)) {
    const std::int64_t was_on = count(now - node.on_since);
    node.rounded_up += (was_on + unit - 1) / unit * unit - was_on;
  }
  PoolRow& pool = sites_[fixed.site.index()].board.pools[fixed.pool.index()];
  const auto count_of = [&](NodePhase p) -> std::uint32_t* {
    return p == NodePhase::up ? &pool.up : p == NodePhase::booting ? &pool.booting : p == NodePhase::draining ? &pool.draining : nullptr;
  };
  if (auto* left = count_of(node.phase)) --*left;
  if (auto* entered = count_of(phase)) ++*entered;
  if (phase == NodePhase::off)  // what is ordered next time is another machine with an empty disk
    artefacts_.lose_all(n);
  else if (phase == NodePhase::failed)
    artefacts_.lose_host(n);
  for (std::uint32_t k = 0; k < fixed.devices; ++k) {
    const DeviceId d{fixed.first_device.index() + k};
    account_time(d, now);
    device_row(d).up = phase == NodePhase::up || phase == NodePhase::draining;
  }
  node.phase = phase;
  node.since = now;
  node.boot_ends = never;
}

void Cluster::boot(NodeId n, Time ends, Time now) {
  node_phase(n, NodePhase::booting, now);
  nodes_[n.index()].boot_ends = ends;
}

bool Cluster::fits(GroupId g, DeviceId d) const {
  const DeviceRow& r = row(d);
  return accepts(d) && r.memory_free >= memory_of(g) && r.cores_free >= cores_of(g);
}

std::uint32_t Cluster::cores_of(GroupId g) const {
  const Variant& v = world_[world_[g].variant];
  return world_.catalog()[v.hardware].sharing == Sharing::partitioned ? v.profile.cores()[row(g).option] : 0;
}

std::int64_t Cluster::memory_of(GroupId g) const { return world_[world_[g].variant].memory_for(row(g).batch_cap); }

void Cluster::account_time(DeviceId d, Time now) {
  DeviceState& s = devices_[d.index()];
  const std::int64_t dt = count(now - s.changed);
  s.changed = now;
  const DeviceRow& r = device_row(d);
  if (r.running > 0) {
    s.busy += dt;
    s.concurrent += dt * r.running;
  } else if (!r.up) {
    s.off += dt;
  } else if (s.starting > 0) {
    s.loading += dt;
  } else {
    s.idle += dt;
  }
}

void Cluster::account_holding(DeviceId d, Time now) {
  DeviceState& s = devices_[d.index()];
  const Duration dt = now - s.holding_changed;
  s.holding_changed = now;
  const DeviceRow& r = device_row(d);
  const Hardware& h = world_.catalog()[world_.topology()[d].hardware];
  s.memory_area += area(static_cast<std::uint64_t>(h.memory_bytes - r.memory_free - s.taken_bytes), dt);
  s.core_area += area(h.cores - r.cores_free - s.taken_cores, dt);
}

void Cluster::take(DeviceId d, std::int64_t bytes, std::uint32_t cores, Time now) {
  account_holding(d, now);
  DeviceState& s = devices_[d.index()];
  DeviceRow& r = device_row(d);
  bytes = std::min(bytes, s.taken_bytes + r.memory_free);
  cores = std::min(cores, s.taken_cores + r.cores_free);
  r.memory_free += s.taken_bytes - bytes;
  r.cores_free = r.cores_free + s.taken_cores - cores;
  s.taken_bytes = bytes;
  s.taken_cores = cores;
}

void Cluster::settle(Time now) {
  for (std::size_t d = 0; d < devices_.size(); ++d) {
    account_time(DeviceId{d}, now);
    account_holding(DeviceId{d}, now);
  }
  for (auto& n : nodes_) {
    if (is_on(n.phase)) n.on += count(now - n.since);
    n.since = now;
  }
  for (auto& l : lines_) {
    l.area += area(l.count, now - l.changed);
    l.changed = now;
  }
}

// --- checks ---

void Cluster::check_boards() const {
  const auto fault = [](const std::string& what) { throw InternalError("board differs from the entities: " + what); };
  // Visits by where they are.
  std::vector<std::uint32_t> in_line(lines_.size()), travelling(lines_.size());
  std::vector<std::vector<std::uint32_t>> in_flight(sites_.size(), std::vector<std::uint32_t>(world_.catalog().tasks.size()));
  for (std::size_t k = 0; k < visits_.size(); ++k) {
    const Visit& v = visits_[VisitId{k}];
    if (v.state == VisitState::free) continue;
    if (!v.gathering) ++in_flight[v.origin][world_[v.cls].task.index()];
    if (v.state == VisitState::travelling) ++travelling[v.line.index()];
    if (v.state == VisitState::waiting || v.state == VisitState::held) ++in_line[v.line.index()];
  }
  for (std::size_t k = 0; k < gatherings_.size(); ++k) {
    const Gathering& g = gatherings_[GatheringId{k}];
    if (g.resolved) continue;
    for (const VisitId v : g.visits)
      if (v && visits_[v].state != VisitState::free && visits_[v].gathering == GatheringId{k}) {
        ++in_flight[visits_[v].origin][world_[visits_[v].cls].task.index()];
        break;
      }
  }
  for (std::size_t k = 0; k < lines_.size(); ++k) {
    const Line& l = lines_[k];
    std::uint32_t lanes = l.lane.count, items = 0;
    for (std::uint32_t n = l.more; n != no_lane; n = lanes_[n].next) lanes += lanes_[n].count;
    if (lanes != l.count || in_line[k] != l.count) fault("count of line " + std::to_string(k));
    VisitId last;
    std::uint32_t seen = 0;
    for (VisitId v = first_in(LineId{k}); v; v = next_in(LineId{k}, v), ++seen) {
      items += visits_[v].items;
      if (last && before(l, visits_[v], visits_[last])) fault("order of line " + std::to_string(k));
      last = v;
    }
    if (seen != l.count || items != l.items) fault("visits of line " + std::to_string(k));
    if (l.joined - l.left != l.count) fault("joined and left of line " + std::to_string(k));
  }
  std::vector<PoolRow> pools(world_.topology().pools.size());
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    PoolRow& pool = pools[world_.topology().nodes[n].pool.index()];
    pool.up += nodes_[n].phase == NodePhase::up ? 1U : 0U;
    pool.booting += nodes_[n].phase == NodePhase::booting ? 1U : 0U;
    pool.draining += nodes_[n].phase == NodePhase::draining ? 1U : 0U;
  }
  for (std::size_t s = 0; s < sites_.size(); ++s) {
    const Site& site = sites_[s];
    const Board& b = site.board;
    for (std::size_t p = 0; p < pools.size(); ++p) {
      const PoolRow expected = world_.topology().pools[p].site == b.site ? pools[p] : PoolRow{};
      if (b.pools[p].up != expected.up || b.pools[p].booting != expected.booting || b.pools[p].draining != expected.draining)
        fault("nodes of pool " + world_.topology().pools[p].name);
    }
    for (std::size_t t = 0; t < b.tasks.size(); ++t)
      if (b.tasks[t].in_flight != in_flight[s][t]) fault("queries in flight of task " + world_.catalog().tasks[t].name);
    std::vector<std::array<std::uint32_t, phases>> by_phase(b.groups.size());
    std::vector<std::int64_t> memory(b.devices.size());
    std::vector<std::uint32_t> cores(b.devices.size()), running(b.devices.size()), starting(b.devices.size());
    const std::uint32_t first_device = world_.topology().first_device_of_site[s].index(),
                        first_group = world_.first_group(SiteId{s}).index();
    for (std::uint32_t k = 0; k < b.instances.size(); ++k) {
      const InstanceRow& r = b.instances[k];
      const Instance& x = site.instances[k];
      const std::string name = "instance " + std::to_string((s << slot_bits_) | k);
      std::uint32_t in_batch = 0;
      for (VisitId v = x.batch_head; v; v = visits_[v].next) ++in_batch;
      if (in_batch != x.batch_count || in_batch != r.in_service) fault("batch of " + name);
      const std::uint32_t own = site.own_lines[k].index();
      if (r.load != in_line[own] + travelling[own] + in_batch) fault("load of " + name);
      if (r.phase == Phase::gone) continue;
      const std::uint32_t g = r.group.index() - first_group, d = r.device.index() - first_device;
      ++by_phase[g][static_cast<std::size_t>(r.phase)];
      memory[d] += x.memory_bytes;
      cores[d] += x.cores;
      if (x.batch_count > 0) ++running[d];
      if (r.phase == Phase::starting) ++starting[d];
      if (b.groups[g].members[x.position_in_group] != InstanceId{(s << slot_bits_) | k}) fault("members of the group of " + name);
      if (devices_[r.device.index()].instances[x.position_on_device] != InstanceId{(s << slot_bits_) | k}) fault("device of " + name);
      if (r.phase == Phase::warm) {
        if (indexes_.by_load && b.groups[g].by_load.load_of(k, b.by_load_places) != r.load) fault("index by load of " + name);
        if (indexes_.by_free && b.groups[g].by_free.time_of(k, b.by_free_positions) != r.free_at) fault("index by time of " + name);
      }
      if (indexes_.by_free && r.phase != Phase::starting) {
        const DeviceState& device = devices_[r.device.index()];
        const bool alone =
            world_.catalog()[world_.topology()[r.device].hardware].sharing == Sharing::partitioned || device.instances.size() == 1;
        Duration pending = pending_work(InstanceId{(s << slot_bits_) | k});
        Time base = r.in_service > 0 ? x.batch_until : std::max(x.batch_until, r.idle_since);
        if (!alone) {
          base = b.devices[d].run_until;
          pending = {};
          for (const InstanceId o : device.instances)
            if (row(o).phase != Phase::starting) pending += pending_work(o);
        }
        if (r.free_at != base + pending) fault("free_at of " + name);
      }
    }
    for (std::size_t g = 0; g < b.groups.size(); ++g) {
      const GroupRow& r = b.groups[g];
      const std::string name = "group of '" + world_[world_.groups()[first_group + g].variant].name + "'";
      for (std::size_t p = 1; p < phases; ++p)
        if (r.count[p] != by_phase[g][p]) fault("phases of " + name);
      if (indexes_.by_load) {
        if (r.by_load.size() != r.warm()) fault("size of the index by load of " + name);
        std::uint32_t least = ~std::uint32_t{0}, ties = 0, last = 0;
        for (const std::uint32_t k : r.by_load.all()) {
          const std::uint32_t load = b.instances[k].load;
          if (load < last) fault("order of the index by load of " + name);
          last = load;
          if (load < least) least = load, ties = 0;
          ties += load == least ? 1U : 0U;
        }
        if (r.by_load.least().size() != ties) fault("ties of the index by load of " + name);
      }
      if (indexes_.by_free && r.by_free.size() != r.warm()) fault("size of the index by time of " + name);
      if (r.waiting != in_line[shared_lines_[first_group + g].index()]) fault("shared line of " + name);
    }
    for (std::size_t d = 0; d < b.devices.size(); ++d) {
      const Hardware& h = world_.catalog()[world_.topology().devices[first_device + d].hardware];
      const std::string name = "device " + std::to_string(first_device + d);
      const DeviceState& state = devices_[first_device + d];
      if (b.devices[d].memory_free != h.memory_bytes - memory[d] - state.taken_bytes) fault("memory of " + name);
      if (b.devices[d].memory_free < 0) fault("memory above capacity on " + name);
      if (b.devices[d].cores_free != h.cores - cores[d] - state.taken_cores) fault("cores of " + name);
      if (b.devices[d].running != running[d]) fault("running batches of " + name);
      if (devices_[first_device + d].starting != starting[d]) fault("loads of " + name);
    }
  }
}

std::vector<std::string> Cluster::audit_accounts(Time now) const {
  std::vector<std::string> faults;
  const auto fault = [&](std::string what) { faults.push_back(std::move(what)); };
  for (std::size_t k = 0; k < lines_.size(); ++k) {
    // Little's law, exactly: the integral of the count is the sum of the waits.
    const Line& l = lines_[k];
    Area waits = l.waits;
    for (VisitId v = first_in(LineId{k}); v; v = next_in(LineId{k}, v)) waits += static_cast<std::uint64_t>(count(now - visits_[v].joined));
    if (waits != l.area) fault("Little's law fails on line " + std::to_string(k));
  }
  for (std::size_t d = 0; d < devices_.size(); ++d) {
    const DeviceState& s = devices_[d];
    const Hardware& h = world_.catalog()[world_.topology().devices[d].hardware];
    const std::string name = "device " + std::to_string(d);
    if (s.busy + s.loading + s.idle + s.off != count(now.time_since_epoch()))
      fault("busy + loading + idle + off is not the time of " + name);
    std::int64_t batches = s.served;
    Area memory = s.memory_held, cores = s.cores_held;
    for (const InstanceId i : s.instances) {
      const Instance& x = (*this)[i];
      if (x.batch_count > 0) batches += count(now - x.batch_began);
      memory += area(static_cast<std::uint64_t>(x.memory_bytes), now - x.started);
      cores += area(x.cores, now - x.cores_since);
    }
    if (s.concurrent != batches) fault("the times of its batches are not the busy time of " + name);
    if (h.sharing == Sharing::exclusive && h.concurrent_batches == 1 && s.busy != batches)
      fault("two batches at once on exclusive " + name);
    if (memory != s.memory_area || cores != s.core_area) fault("what instances held is not what was held on " + name);
  }
  return faults;
}

}  // namespace tideline

#include "policies/components/instance_states.h"

#include "policies/components/group_windows.h"

#include <algorithm>
#include <limits>

namespace tideline {

InstanceStates::InstanceStates(const World& world, const InstanceStateRules& rules)
    : world_(world),
      rules_(rules),
      slot_mask_((std::uint32_t{1} << world.instance_slot_bits()) - 1),
      references_(world.catalog().variants.size()),
      records_(world.site_count()),
      observed_(world.site_count()),
      groups_(world.groups().size()),
      utilisation_(world.topology().devices.size()) {
  for (std::size_t v = 0; v < references_.size(); ++v) {
    const Variant& variant = world[VariantId{v}];
    Reference& r = references_[v];
    if (world.catalog()[variant.hardware].accelerator) r.batch = std::min(rules.reference_batch, variant.profile.max_items());
    // A scenario may bound batches.
    for (const Group& g : world.groups())
      if (g.variant == VariantId{v}) r.batch = std::min(r.batch, std::max(g.batch_cap, 1U));
    r.latency = variant.profile.latency(r.batch);
  }
}

const InstanceStates::Record& InstanceStates::record(InstanceId i) const {
  static const Record unknown;
  const auto& site = records_[i.index() >> world_.instance_slot_bits()];
  const std::uint32_t slot = i.index() & slot_mask_;
  return slot < site.size() ? site[slot] : unknown;
}

InstanceState InstanceStates::next(InstanceState state, double rate, Duration time_there, VariantId v, bool single) const {
  const double peak = peak_rate(v);
  if (rate >= rules_.overloaded * peak) return InstanceState::overloaded;
  const bool accelerator = world_.catalog()[world_[v].hardware].accelerator;
  InstanceStateRules::Interference rule = accelerator ? rules_.accelerator : rules_.cpu;
  // In nanoseconds, which are whole: the borders of the table are met exactly.
  const auto profile = static_cast<double>(reference_latency(v).count());
  if (accelerator && reference_latency(v) < rules_.short_profile)
    rule.slowdown = std::min(rules_.short_most, static_cast<double>(rules_.short_allowance.count()) / profile);
  if (!accelerator && single) {
    rule.slowdown = rules_.cpu_single_slowdown;
    rule.load = rules_.cpu_single_load;
  }
  const auto there = static_cast<double>(time_there.count());
  if (there > rule.slowdown * profile && rate > rule.load * peak) return InstanceState::interfered;
  if (state == InstanceState::interfered && !(there < rule.recovered * profile)) return state;
  return InstanceState::active;
}

void InstanceStates::observe(ClusterView view) {
  for (std::size_t s = 0; s < world_.site_count(); ++s) {
    const SiteId site{s};
    const Time now = view.now() - view.age(site);
    const double window = to_seconds(now - observed_[s]);
    if (window <= 0 && now != Time{}) continue;  // the same board again
    observed_[s] = now;
    const Board& board = view.board(site);
    auto& records = records_[s];
    records.resize(std::max(records.size(), board.instances.size()));
    const std::size_t first_device = world_.topology().first_device_of_site[s].index();
    for (std::size_t d = 0; d < board.devices.size(); ++d) utilisation_[first_device + d] = 0;

    const GroupId first_group = world_.first_group(site);
    for (std::size_t k = 0; k < board.groups.size(); ++k) {
      const GroupId g{first_group.index() + k};
      const VariantId v = world_[g].variant;
      const Hardware& hardware = world_.catalog()[world_[v].hardware];
      GroupRecord& group = groups_[g.index()];
      const GroupRow& row_of_group = board.groups[k];
      const Counters& of_group = row_of_group.counters;
      group.items = items_per_visit(of_group, group.answered, group.served);
      const double room = peak_rate(v) * window * row_of_group.warm(), last_use = room > 0 ? group.items_sent(row_of_group) / room : 0;
      group = {0, rules_.fill * peak_rate(v), of_group.sent, now, last_use, group.items, of_group.answered, of_group.items};
      for (const InstanceId i : board.groups[k].members) {
        const std::uint32_t slot = i.index() & slot_mask_;
        const InstanceRow& row = board.instances[slot];
        const Counters& counters = board.counters[slot];
        Record& r = records[slot];
        // Another instance has the slot now: its counters began at zero.
        if (r.group != g || counters.sent < r.sent || counters.answered < r.answered) {
          r = Record{};
          r.group = g;
        }
        const std::uint64_t answered = counters.answered - r.answered;
        // What was sent shows overload at once; what comes out of a shared line was not sent to the instance.
        const std::uint64_t visits = std::max(answered, counters.sent - r.sent);
        const Duration busy = counters.busy - r.busy;
        const double rate = window > 0 ? static_cast<double>(visits) * group.items / window : 0;
        if (answered > 0) {
          r.average = (counters.time_there - r.time_there) / static_cast<std::int64_t>(answered);
        } else {
          const double decay = hardware.accelerator ? rules_.accelerator.decay : rules_.cpu.decay;
          r.average = from_seconds(to_seconds(r.average) / decay);
        }
        r.sent = counters.sent;
        r.answered = counters.answered;
        r.time_there = counters.time_there;
        r.busy = counters.busy;
        const double share = hardware.sharing == Sharing::partitioned ? static_cast<double>(row.cores) / std::max(hardware.cores, 1U)
                                                                      : 1.0 / std::max(hardware.concurrent_batches, 1U);
        if (window > 0) utilisation_[row.device.index()] += share * to_seconds(busy) / window;
        if (row.phase != Phase::warm) {
          r.state = InstanceState::active;
          continue;
        }
        r.use = rate / peak_rate(v);
        r.state = next(r.state, rate, r.average, v, board.groups[k].warm() == 1);
        if (r.state != InstanceState::active) ++group.blocked;
      }
    }
  }
}

}  // namespace tideline

#include "src/assemble.h"

#include "sim/core/text.h"
#include "sim/executor/profiled.h"
#include "sim/serving/future.h"
#include "src/errors.h"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace tideline {

namespace {

/// What is wrong with the part of the scenario at `pointer`, which only shows now that the parts are put together.
InputError wrong(const Scenario& scenario, const std::string& pointer, const std::string& message) {
  return InputError(scenario.document.place_text(pointer) + ": " + pointer + ": " + message);
}

/// Spreads what `initial` lists over the devices; throws where it does not fit.
std::vector<InitialInstance> place_initial(const Scenario& scenario, const World& world) {
  std::vector<InitialInstance> out;
  std::vector<std::int64_t> memory;
  std::vector<std::uint32_t> cores;
  // Devices of each pool that are there at the start, by instances and id. They are kept over all entries: sorting them for each would
  // take longer than all else in a large cluster with many variants.
  std::vector<std::set<std::pair<std::size_t, std::size_t>>> devices_of(world.topology().pools.size());
  for (const Device& device : world.topology().devices) {
    auto& devices = devices_of[device.pool.index()];
    if (world.topology()[device.node].index_in_pool < world.topology()[device.pool].count)
      devices.emplace_hint(devices.end(), 0, memory.size());
    memory.push_back(world.catalog()[device.hardware].memory_bytes);
    cores.push_back(world.catalog()[device.hardware].cores);
  }
  for (std::size_t k = 0; k < scenario.initial.size(); ++k) {
    const InitialSpec& spec = scenario.initial[k];
    const Variant& variant = world[spec.variant];
    const bool partitioned = world.catalog()[variant.hardware].sharing == Sharing::partitioned;
    const std::uint32_t cores_held = partitioned ? variant.profile.cores()[spec.option] : 0;
    const Pool& pool = world.topology()[spec.pool];
    const GroupId g = world.group(spec.variant, pool.site);
    const std::int64_t memory_held = variant.memory_for(world[g].batch_cap);
    auto& devices = devices_of[spec.pool.index()];
    const std::size_t n = spec.per_device > 0 ? spec.per_device * devices.size() : spec.count;
    // The device with fewest instances that has room, ties the lowest id. One without room for this variant stays without: what is
    // before `next` has none.
    auto next = devices.begin();
    for (std::size_t i = 0; i < n; ++i) {
      const auto fits = [&](std::size_t d) { return memory[d] >= memory_held && cores[d] >= cores_held; };
      while (next != devices.end() && !fits(next->second)) ++next;
      if (next == devices.end())
        throw wrong(scenario, "/initial/" + std::to_string(k),
                    "only " + std::to_string(i) + " of " + std::to_string(n) + " instances of " + in_quotes(variant.name) +
                        " fit on the devices of pool " + in_quotes(pool.name));
      auto device = devices.extract(next++);
      const std::size_t d = device.value().second;
      memory[d] -= memory_held;
      cores[d] -= cores_held;
      ++device.value().first;
      const auto again = devices.insert(std::move(device)).position;
      if (next == devices.end() || *again < *next) next = again;
      out.push_back({g, DeviceId{d}, spec.option});
    }
  }
  return out;
}

template <class Kind>
void point(Kind*& slot, Policy& object) {
  slot = dynamic_cast<Kind*>(&object);
}

void point_kind(PolicySet& set, PolicyKind kind, Policy& object) {
  switch (kind) {
    case PolicyKind::admission:
      return point(set.admission, object);
    case PolicyKind::selection:
      return point(set.selection, object);
    case PolicyKind::dispatch:
      return point(set.dispatch, object);
    case PolicyKind::sharing:
      return point(set.sharing, object);
    case PolicyKind::batching:
      return point(set.batching, object);
    case PolicyKind::autoscaling:
      return point(set.autoscaling, object);
    case PolicyKind::placement:
      return point(set.placement, object);
    case PolicyKind::coldstart:
      return point(set.coldstart, object);
    case PolicyKind::eviction:
      return point(set.eviction, object);
  }
}

/// Makes the objects of one controller; a joint policy is one object for all kinds that are not named beside it.
PolicySet make_policies(const Scenario& scenario, Setup setup, const std::function<std::unique_ptr<Future>()>& future) {
  PolicySet set;
  std::array<bool, policy_kinds> done{};
  const auto make = [&](const BoundPolicy& p, const std::string& purpose, const std::string& pointer) -> Policy& {
    setup.stream = Stream(scenario.options.seed, purpose, setup.controller.index());
    try {
      set.objects.push_back(p.make(setup));
    } catch (const std::invalid_argument& e) {
      throw wrong(scenario, pointer, "policy " + in_quotes(p.name) + ": " + e.what());
    }
    if (auto* oracle = dynamic_cast<Clairvoyant*>(set.objects.back().get())) oracle->foresee(future());
    return *set.objects.back();
  };
  for (const auto& [kind, p] : scenario.policies) {
    Policy& object = make(p, "policy/" + std::string(to_string(kind)), "/policies/" + std::string(to_string(kind)));
    point_kind(set, kind, object);
    set.names[static_cast<std::size_t>(kind)] = p.name;
    done[static_cast<std::size_t>(kind)] = true;
  }
  for (const auto& [key, p] : scenario.joint) {
    Policy& object = make(p, "policy/joint", "/policies/joint");
    for (std::size_t k = 0; k < policy_kinds; ++k)
      if (!done[k]) {
        point_kind(set, static_cast<PolicyKind>(k), object);
        set.names[k] = p.name;
      }
  }
  return set;
}

/// The workload as it is at the start of the run. Each call opens its sources anew.
std::vector<WorkloadEntry> open_entries(const Scenario& scenario, const World& world) {
  std::vector<WorkloadEntry> entries;
  for (std::size_t k = 0; k < scenario.entries.size(); ++k) {
    const EntrySpec& e = scenario.entries[k];
    WorkloadEntry w;
    w.name = e.name;
    w.source = open_source(e, scenario.options.seed, k);
    w.classes = e.classes;
    for (auto& choices : w.classes)
      for (auto& c : choices) c.cls = world.class_of(c.cls.index());
    w.asked = e.asked;
    for (auto& classes : w.asked)
      for (ClassId& c : classes) c = world.class_of(c.index());
    w.origin = e.origin;
    w.payload_bytes = e.payload_bytes;
    w.answer_bytes = e.answer_bytes;
    w.items = e.items;
    w.tenant = e.tenant;
    entries.push_back(std::move(w));
  }
  return entries;
}

}  // namespace

std::unique_ptr<Executor> profiled_executor(const Scenario& scenario, const World& world) {
  return std::make_unique<ProfiledExecutor>(world.catalog(), scenario.options.seed);
}

Run assemble(Scenario scenario, const std::function<std::vector<Recorder*>(const Scenario&, const World&)>& make_recorders,
             std::function<bool(Time)> progress,
             const std::function<std::unique_ptr<Executor>(const Scenario&, const World&)>& make_executor) {
  Run run;
  run.world = std::make_unique<World>(scenario.catalog, scenario.topology, scenario.classes);
  const World& world = *run.world;
  RunOptions options = scenario.options;
  options.initial = place_initial(scenario, world);
  options.planned = scenario.planned;
  options.progress = std::move(progress);

  std::vector<WorkloadEntry> entries = open_entries(scenario, world);
  // By controller.
  const bool by_site = options.control.mode != Control::Mode::central;
  std::vector<std::vector<double>> first_hour(by_site ? world.site_count() : 1, std::vector<double>(world.catalog().tasks.size()));
  for (const WorkloadEntry& w : entries)
    if (w.classes.size() == 1)
      first_hour[by_site ? w.origin.index() : 0][world[w.classes[0][0].cls].task.index()] += w.source->mean_qps(Time{}, Time{} + 1h);

  std::vector<std::uint32_t> initial_by_group(world.groups().size());
  for (const InitialInstance& i : options.initial) ++initial_by_group[i.group.index()];
  Setup setup;
  setup.world = &world;
  setup.initial = initial_by_group;
  setup.label_share = options.environment.feedback.share;
  std::vector<AnnouncedSurge> announced;
  for (const EntrySpec& e : scenario.entries)
    for (const Surge& s : e.surges) {
      if (s.announced == never) continue;
      std::vector<TaskId> tasks;
      for (const auto& choices : e.classes)
        for (const auto& c : choices)
          if (const TaskId t = world[world.class_of(c.cls.index())].task; std::find(tasks.begin(), tasks.end(), t) == tasks.end())
            tasks.push_back(t);
      const auto sooner = [&](Time t) { return t == never ? never : Time{} + from_seconds(to_seconds(t) / e.speedup); };
      for (const TaskId t : tasks) announced.push_back({sooner(s.announced), sooner(s.from), sooner(s.to), s.factor, t});
    }
  setup.surges = announced;
  std::vector<Controller> controllers;
  for (std::size_t k = 0; k < first_hour.size(); ++k) {
    setup.controller = ControllerId{k};
    setup.first_hour_qps = first_hour[k];
    Controller c;
    c.id = setup.controller;
    c.policies = make_policies(scenario, setup, [&] { return read_ahead(Workload(open_entries(scenario, world), scenario.options.seed)); });
    controllers.push_back(std::move(c));
  }
  const Controller& controller = controllers.front();
  if (options.planned && controller.policies.needs().plans_from_use_only)
    throw wrong(scenario, "/initial",
                "\"planned\" needs an autoscaler that can plan ahead; " +
                    in_quotes(controller.policies.names[static_cast<std::size_t>(PolicyKind::autoscaling)]) +
                    " only reacts to use: list the instances, or start cold");

  for (std::size_t c = 0; c < world.classes().size(); ++c)
    if (world.candidates(ClassId{c}, CandidateOrder::by_latency).empty())
      scenario.warnings.push_back("class " + in_quotes(world.classes()[c].name) + " of task " +
                                  in_quotes(world.catalog()[world.classes()[c].task].name) +
                                  ": no variant of this cluster meets its accuracy floor, pin and, at batch 1, its SLO");

  run.executor = make_executor ? make_executor(scenario, world) : profiled_executor(scenario, world);
  auto recorders = make_recorders(scenario, world);
  const std::uint64_t seed = options.seed;
  Workload workload(std::move(entries), seed);
  for (std::size_t k = 0; k < scenario.entries.size(); ++k)
    if (workload.exhausted(k))
      scenario.warnings.push_back("workload " + in_quotes(scenario.entries[k].name) + " has no queries: its trace is empty");
  run.simulation = std::make_unique<Simulation>(world, std::move(options), std::move(controllers), std::move(workload), *run.executor,
                                                std::move(recorders));
  run.scenario = std::move(scenario);
  return run;
}

}  // namespace tideline

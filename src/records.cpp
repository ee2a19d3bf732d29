#include "src/records.h"

#include "sim/core/nearest.h"
#include "src/errors.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

namespace tideline {

namespace {

constexpr std::uint8_t still_there = std::numeric_limits<std::uint8_t>::max();

constexpr std::array<std::string_view, 6> endings{"answered", "rejected", "infeasible", "dropped", "lost", "unfinished"};
constexpr std::array<std::string_view, 4> outcomes{"wrong", "right", "accuracy", "score"};
constexpr std::array<std::string_view, 5> start_causes{"initial", "held", "plan", "prewarm", "preload"};
constexpr std::array<std::string_view, 4> stop_causes{"keep-alive", "plan", "evicted", "failed"};

std::int64_t ns(Time t) { return t.time_since_epoch().count(); }
/// Of an answer: 0 (of no answer too), 1, its accuracy, or else.
enum class Outcome : std::uint8_t { wrong, right, accuracy, score };

/// An index, or -1 for none.
std::int32_t or_minus_1(std::uint32_t index) { return static_cast<std::int32_t>(index); }
std::int64_t ns_or_minus_1(Time t) { return t == never ? -1 : ns(t); }

/// A table of few rows, for what numbers stand for.
class NameTable {
 public:
  NameTable(ResultsFile& file, const std::string& name) : file_(file), path_("/run/names/" + name + "/") {}

  template <class Rows, class Text>
  void text(const std::string& column, const Rows& rows, const std::string& help, Text&& of) {
    std::vector<std::string> values;
    for (const auto& r : rows) values.emplace_back(of(r));
    file_.dataset(path_ + column, std::span<const std::string>(values), "", help);
  }
  template <class T, class Rows, class Number>
  void number(const std::string& column, const Rows& rows, const std::string& unit, const std::string& help, Number&& of) {
    std::vector<T> values;
    for (const auto& r : rows) values.push_back(static_cast<T>(of(r)));
    file_.dataset(path_ + column, std::span<const T>(values), unit, help);
  }
  /// `name` alone.
  template <class Names>
  void names(const Names& rows) {
    text("name", rows, "Name.", [](std::string_view s) { return s; });
  }

 private:
  ResultsFile& file_;
  std::string path_;
};

void write_class_names(ResultsFile& file, const World& world) {
  NameTable(file, "tasks").text("name", world.catalog().tasks, "Name.", [](const Task& t) { return t.name; });
  NameTable classes(file, "classes");
  classes.text("name", world.classes(), "Name.", [](const QueryClass& c) { return c.name; });
  classes.number<std::uint32_t>("task", world.classes(), "1", "Row of tasks.", [](const QueryClass& c) { return c.task.index(); });
  classes.number<std::int64_t>("slo", world.classes(), "ns", "From arrival to answer; -1: none.",
                               [](const QueryClass& c) { return c.has_slo() ? c.slo.count() : -1; });
  classes.number<double>("floor", world.classes(), "1", "Accuracy floor; NaN: none.",
                         [](const QueryClass& c) { return c.has_floor ? c.floor : std::numeric_limits<double>::quiet_NaN(); });
}

void write_world_names(ResultsFile& file, const World& world) {
  const Catalog& catalog = world.catalog();
  const Topology& topology = world.topology();
  NameTable(file, "sites").names(topology.sites);

  NameTable variants(file, "variants");
  variants.text("name", catalog.variants, "Name.", [](const Variant& v) { return v.name; });
  variants.number<std::uint32_t>("task", catalog.variants, "1", "Row of tasks.", [](const Variant& v) { return v.task.index(); });
  variants.text("hardware", catalog.variants, "Type of hardware.", [&](const Variant& v) { return catalog[v.hardware].name; });
  variants.number<double>("accuracy", catalog.variants, "1", "Profiled accuracy.", [](const Variant& v) { return v.accuracy; });

  NameTable pools(file, "pools");
  pools.text("name", topology.pools, "Name.", [](const Pool& p) { return p.name; });
  pools.number<std::uint32_t>("site", topology.pools, "1", "Row of sites.", [](const Pool& p) { return p.site.index(); });
  pools.text("hardware", topology.pools, "Type of hardware.", [&](const Pool& p) { return catalog[p.hardware].name; });

  NameTable devices(file, "devices");
  devices.number<std::uint32_t>("pool", topology.devices, "1", "Row of pools.", [](const Device& d) { return d.pool.index(); });
  devices.number<std::uint32_t>("node", topology.devices, "1", "Number of the node in its pool.",
                                [&](const Device& d) { return topology[d.node].index_in_pool; });
  devices.number<std::uint32_t>("number", topology.devices, "1", "Number of the device in its node.", [&](const Device& d) {
    return static_cast<std::size_t>(&d - topology.devices.data()) - topology[d.node].first_device.index();
  });

  NameTable groups(file, "groups");
  groups.number<std::uint32_t>("variant", world.groups(), "1", "Row of variants.", [](const Group& g) { return g.variant.index(); });
  groups.number<std::uint32_t>("site", world.groups(), "1", "Row of sites.", [](const Group& g) { return g.site.index(); });
}

void write_policy_names(ResultsFile& file, std::span<const Controller> controllers) {
  struct Named {
    std::uint32_t controller;
    PolicyKind kind;
    std::size_t reason;
    std::string name;
  };
  std::vector<Named> policies, reasons;
  for (const Controller& c : controllers) {
    const PolicySet& set = c.policies;
    const std::array<const Policy*, policy_kinds> objects{set.admission,   set.selection, set.dispatch,  set.sharing, set.batching,
                                                          set.autoscaling, set.placement, set.coldstart, set.eviction};
    for (std::size_t k = 0; k < policy_kinds; ++k) {
      policies.push_back({c.id.index(), static_cast<PolicyKind>(k), 0, set.names[k]});
      const auto names = objects[k]->reasons();
      for (std::size_t r = 0; r < names.size(); ++r)
        reasons.push_back({c.id.index(), static_cast<PolicyKind>(k), r, std::string(names[r])});
    }
  }
  const auto write = [](NameTable table, const std::vector<Named>& rows) {
    table.number<std::uint32_t>("controller", rows, "1", "Number of the controller.", [](const Named& n) { return n.controller; });
    table.text("kind", rows, "Kind of policy.", [](const Named& n) { return to_string(n.kind); });
    table.text("name", rows, "Name.", [](const Named& n) { return n.name; });
  };
  write(NameTable(file, "policies"), policies);
  NameTable table(file, "reasons");
  write(table, reasons);
  table.number<std::uint32_t>("reason", reasons, "1", "Number of the reason.", [](const Named& n) { return n.reason; });

  NameTable answers(file, "answers");
  answers.text("name", decision_forms(), "Name.", [](const DecisionForm& f) { return f.name; });
  answers.text("kind", decision_forms(), "Kind of policy.", [](const DecisionForm& f) { return to_string(f.kind); });
  answers.number<std::uint8_t>("of_query", decision_forms(), "1", "Whether it is about one query.",
                               [](const DecisionForm& f) { return f.of_query; });
  answers.text("chosen", decision_forms(), "What `chosen` is.", [](const DecisionForm& f) { return to_string(f.chosen); });
  answers.text("amount", decision_forms(), "What `amount` counts.", [](const DecisionForm& f) { return f.amount; });
  answers.text("unit", decision_forms(), "Unit of `amount`.", [](const DecisionForm& f) { return f.unit; });
}

}  // namespace

RecordWishes parse_records(const std::string& text) {
  static constexpr std::array<std::string_view, 5> words{"none", "queries", "instances", "decisions", "all"};
  RecordWishes wishes;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    begin = end + 1;
    if (word == "none" && text == word) return {};
    if (word == "all")
      wishes = {true, true, true};
    else if (word == "queries")
      wishes.queries = true;
    else if (word == "instances")
      wishes.instances = true;
    else if (word == "decisions")
      wishes.decisions = true;
    else
      throw InputError("--records " + text + ": expected none, all, or some of queries, instances and decisions with commas between them" +
                       suggestion(word, words));
  }
  return wishes;
}

// --- queries ---

QueryRecorder::QueryRecorder(ResultsFile& file, const World& world)
    : world_(world),
      group_(file, "/queries",
             {{"serial", ColumnType::uint64, "1", "Number of the query, from 0 in order of arrival."},
              {"arrival", ColumnType::int64, "ns", "At its origin, since the start of the run."},
              {"network", ColumnType::int64, "ns", "On links, both ways."},
              {"load", ColumnType::int64, "ns", "Waiting for a load."},
              {"queue", ColumnType::int64, "ns", "Waiting otherwise; without an answer, all the time until the end."},
              {"service", ColumnType::int64, "ns", "Time of its batch."},
              {"class", ColumnType::uint32, "1", "Its class.", "classes"},
              {"tenant", ColumnType::uint16, "1", "Tenant."},
              {"variant", ColumnType::int32, "1", "That answered; -1: none.", "variants"},
              {"instance", ColumnType::int32, "1", "That answered: serial of /instances; -1: none."},
              {"ending", ColumnType::uint8, "1", "How it ended.", "endings"},
              {"flags", ColumnType::uint8, "1", "Sum of 1 triggered a load, 2 delayed by a load, 4 late."},
              {"visits", ColumnType::uint8, "1", "Visits made for it."},
              {"batch", ColumnType::uint32, "1", "Visits in the batch that answered."},
              {"accuracy", ColumnType::float64, "1", "Profiled accuracy of the answer; 0 without one.", "", above_variant},
              {"outcome", ColumnType::uint8, "1", "What was drawn for the answer.", "outcomes"},
              {"score", ColumnType::float32, "1", "What was drawn, where the outcome says so."},
              {"cost", ColumnType::float32, "USD", "Attributed to it, with transfer."}}),
      serial_(group_.column<std::uint64_t>("serial")),
      arrival_(group_.column<std::int64_t>("arrival")),
      network_(group_.column<std::int64_t>("network")),
      load_(group_.column<std::int64_t>("load")),
      queue_(group_.column<std::int64_t>("queue")),
      service_(group_.column<std::int64_t>("service")),
      class_(group_.column<std::uint32_t>("class")),
      tenant_(group_.column<std::uint16_t>("tenant")),
      variant_(group_.column<std::int32_t>("variant")),
      instance_(group_.column<std::int32_t>("instance")),
      ending_(group_.column<std::uint8_t>("ending")),
      flags_(group_.column<std::uint8_t>("flags")),
      visits_(group_.column<std::uint8_t>("visits")),
      batch_(group_.column<std::uint32_t>("batch")),
      accuracy_(group_.column<double>("accuracy")),
      outcome_(group_.column<std::uint8_t>("outcome")),
      score_(group_.column<float>("score")),
      cost_(group_.column<float>("cost")) {}

void QueryRecorder::ended(const Visit& v, const QueryEnd& end) {
  if (!v.flags.measured) return;
  const bool answered = end.ending == Ending::answered;
  const bool late = answered && end.finish - v.arrival > world_[v.cls].slo;
  serial_.push(v.serial);
  arrival_.push(ns(v.arrival));
  network_.push(end.network.count());
  load_.push(end.load.count());
  queue_.push((answered ? end.queue : end.finish - v.arrival).count());
  service_.push(end.service.count());
  class_.push(v.cls.index());
  tenant_.push(v.tenant);
  variant_.push(or_minus_1(end.variant.index()));
  instance_.push(end.instance ? or_minus_1(end.instance_serial) : -1);
  ending_.push(static_cast<std::uint8_t>(end.ending));
  flags_.push(static_cast<std::uint8_t>((v.flags.triggered_load ? 1 : 0) + (v.flags.delayed_by_load ? 2 : 0) + (late ? 4 : 0)));
  visits_.push(end.visits);
  batch_.push(end.batch);
  accuracy_.push(end.variant ? end.accuracy - world_[end.variant].accuracy : end.accuracy);
  const Outcome outcome = end.realised == 0              ? Outcome::wrong
                          : end.realised == 1            ? Outcome::right
                          : end.realised == end.accuracy ? Outcome::accuracy
                                                         : Outcome::score;
  outcome_.push(static_cast<std::uint8_t>(outcome));
  score_.push(outcome == Outcome::score ? static_cast<float>(end.realised) : 0.0F);
  cost_.push(static_cast<float>(end.cost_usd));
  group_.end_row();
}

// --- instances and batches ---

InstanceRecorder::InstanceRecorder(ResultsFile& file, const World& world)
    : world_(world),
      lives_(world.site_count()),
      instances_(file, "/instances",
                 {{"serial", ColumnType::uint32, "1", "Number of the instance, from 0 in order of start."},
                  {"variant", ColumnType::uint32, "1", "What it answers with.", "variants"},
                  {"site", ColumnType::uint32, "1", "Where it is.", "sites"},
                  {"device", ColumnType::uint32, "1", "That it is on.", "devices"},
                  {"started", ColumnType::int64, "ns", "When its load began."},
                  {"warm", ColumnType::int64, "ns", "When it was loaded; -1: never."},
                  {"draining", ColumnType::int64, "ns", "When it was told to drain; -1: never."},
                  {"stopped", ColumnType::int64, "ns", "When it was gone; -1: it was there when the run ended."},
                  {"start_cause", ColumnType::uint8, "1", "Why it was started.", "start_causes"},
                  {"stop_cause", ColumnType::uint8, "1", "Why it went; none: it was there when the run ended.", "stop_causes"},
                  {"batches", ColumnType::uint32, "1", "Batches that it ended."},
                  {"items", ColumnType::uint64, "1", "Items in them."},
                  {"visits", ColumnType::uint64, "1", "Visits in them, cancelled ones included."},
                  {"memory", ColumnType::int64, "bytes", "Memory that it held."},
                  {"cores", ColumnType::uint32, "1", "Cores that it held."}}),
      batches_(file, "/batches",
               {{"instance", ColumnType::uint32, "1", "Serial of /instances."},
                {"device", ColumnType::uint32, "1", "That ran it.", "devices"},
                {"variant", ColumnType::uint32, "1", "Of its instance.", "variants"},
                {"began", ColumnType::int64, "ns", "When it began, since the start of the run."},
                {"took", ColumnType::int64, "ns", "Until it was done or lost."},
                {"visits", ColumnType::uint32, "1", "Visits in it."},
                {"items", ColumnType::uint32, "1", "Items in it."},
                {"wasted_items", ColumnType::uint32, "1", "Those of cancelled visits; of a lost batch all."},
                {"lost", ColumnType::uint8, "1", "Whether it ended with its node, without answers."}}),
      serial_(instances_.column<std::uint32_t>("serial")),
      variant_(instances_.column<std::uint32_t>("variant")),
      site_(instances_.column<std::uint32_t>("site")),
      device_(instances_.column<std::uint32_t>("device")),
      started_(instances_.column<std::int64_t>("started")),
      warm_(instances_.column<std::int64_t>("warm")),
      draining_(instances_.column<std::int64_t>("draining")),
      stopped_(instances_.column<std::int64_t>("stopped")),
      start_cause_(instances_.column<std::uint8_t>("start_cause")),
      stop_cause_(instances_.column<std::uint8_t>("stop_cause")),
      batch_count_(instances_.column<std::uint32_t>("batches")),
      item_count_(instances_.column<std::uint64_t>("items")),
      visit_count_(instances_.column<std::uint64_t>("visits")),
      memory_(instances_.column<std::int64_t>("memory")),
      cores_(instances_.column<std::uint32_t>("cores")),
      batch_instance_(batches_.column<std::uint32_t>("instance")),
      batch_device_(batches_.column<std::uint32_t>("device")),
      batch_variant_(batches_.column<std::uint32_t>("variant")),
      batch_began_(batches_.column<std::int64_t>("began")),
      batch_took_(batches_.column<std::int64_t>("took")),
      batch_visits_(batches_.column<std::uint32_t>("visits")),
      batch_items_(batches_.column<std::uint32_t>("items")),
      batch_wasted_(batches_.column<std::uint32_t>("wasted_items")),
      batch_lost_(batches_.column<std::uint8_t>("lost")) {}

InstanceRecorder::Life& InstanceRecorder::life(InstanceId i) {
  auto& of_site = lives_[cluster_->site_id(i).index()];
  const std::size_t slot = cluster_->slot_of(i);
  if (slot >= of_site.size()) of_site.resize(slot + 1);
  return of_site[slot];
}

void InstanceRecorder::batch_done(InstanceId i, DeviceId d, VariantId v, std::uint32_t items, std::uint32_t wasted, Duration took,
                                  Time now) {
  Life& x = life(i);
  ++x.batches;
  x.items += items;
  x.visits += (*cluster_)[i].batch_count;
  write_batch(i, d, v, items, wasted, took, now, false);
}

void InstanceRecorder::batch_lost(InstanceId i, DeviceId d, VariantId v, std::uint32_t items, Duration took, Time now) {
  write_batch(i, d, v, items, items, took, now, true);
}

void InstanceRecorder::write_batch(InstanceId i, DeviceId d, VariantId v, std::uint32_t items, std::uint32_t wasted, Duration took,
                                   Time now, bool lost) {
  batch_instance_.push((*cluster_)[i].serial);
  batch_device_.push(d.index());
  batch_variant_.push(v.index());
  batch_began_.push(ns(now - took));
  batch_took_.push(took.count());
  batch_visits_.push((*cluster_)[i].batch_count);
  batch_items_.push(items);
  batch_wasted_.push(wasted);
  batch_lost_.push(lost ? 1 : 0);
  batches_.end_row();
}

void InstanceRecorder::instance_started(InstanceId i, StartCause, Time now) {
  Life& x = life(i);
  x = {};
  x.instance = i;
  x.started = now;
}

void InstanceRecorder::instance_warm(InstanceId i, Time now) { life(i).warm = now; }

void InstanceRecorder::instance_draining(InstanceId i, Time now) { life(i).draining = now; }

void InstanceRecorder::instance_stopped(InstanceId i, StopCause cause, Time now) { write(life(i), static_cast<std::uint8_t>(cause), now); }

void InstanceRecorder::finish() {
  std::vector<Life*> left;
  for (auto& of_site : lives_)
    for (Life& x : of_site)
      if (x.instance) left.push_back(&x);
  const auto serial = [this](const Life* x) { return (*cluster_)[x->instance].serial; };
  std::sort(left.begin(), left.end(), [&](const Life* a, const Life* b) { return serial(a) < serial(b); });
  for (Life* x : left) write(*x, still_there, never);
}

void InstanceRecorder::write(Life& x, std::uint8_t stop_cause, Time stopped) {
  const Instance& instance = (*cluster_)[x.instance];
  const InstanceRow& row = cluster_->row(x.instance);
  serial_.push(instance.serial);
  variant_.push(world_[row.group].variant.index());
  site_.push(world_[row.group].site.index());
  device_.push(row.device.index());
  started_.push(ns(x.started));
  warm_.push(ns_or_minus_1(x.warm));
  draining_.push(ns_or_minus_1(x.draining));
  stopped_.push(ns_or_minus_1(stopped));
  start_cause_.push(static_cast<std::uint8_t>(instance.cause));
  stop_cause_.push(stop_cause);
  batch_count_.push(x.batches);
  item_count_.push(x.items);
  visit_count_.push(x.visits);
  memory_.push(instance.memory_bytes);
  cores_.push(instance.cores);
  instances_.end_row();
  x.instance = {};
}

// --- decisions ---

DecisionRecorder::DecisionRecorder(ResultsFile& file)
    : group_(file, "/decisions",
             {{"time", ColumnType::int64, "ns", "Since the start of the run."},
              {"controller", ColumnType::uint32, "1", "Number of the controller that asked."},
              {"answer", ColumnType::uint8, "1", "What was answered; says what the other columns mean.", "answers"},
              {"reason", ColumnType::uint8, "1", "The policy's: see /run/names/reasons."},
              {"query", ColumnType::uint64, "1", "Serial of the query, where the answer is about one."},
              {"chosen", ColumnType::int32, "1", "What the answer names; -1: nothing."},
              {"runner_up", ColumnType::int32, "1", "The second best of the same sort; -1: none."},
              {"amount", ColumnType::int64, "1", "A number, in the unit of the answer."}}),
      time_(group_.column<std::int64_t>("time")),
      controller_(group_.column<std::uint32_t>("controller")),
      answer_(group_.column<std::uint8_t>("answer")),
      reason_(group_.column<std::uint8_t>("reason")),
      query_(group_.column<std::uint64_t>("query")),
      chosen_(group_.column<std::int32_t>("chosen")),
      runner_up_(group_.column<std::int32_t>("runner_up")),
      amount_(group_.column<std::int64_t>("amount")) {}

void DecisionRecorder::decided(ControllerId controller, const Decision& d, Time now) {
  const DecisionForm& form = form_of(d.answer);
  const auto serial_of = [&](std::uint32_t index) {
    if (form.chosen != DecisionSubject::instance) return index;
    const InstanceId i = index == Decision::none ? InstanceId{} : InstanceId{index};
    return cluster_->exists(i) ? (*cluster_)[i].serial : Decision::none;
  };
  if (form.of_query) last_query_ = d.query;
  time_.push(ns(now));
  controller_.push(controller.index());
  answer_.push(static_cast<std::uint8_t>(d.answer));
  reason_.push(d.reason);
  query_.push(last_query_);
  chosen_.push(or_minus_1(serial_of(d.chosen)));
  runner_up_.push(or_minus_1(serial_of(d.runner_up)));
  amount_.push(d.amount);
  group_.end_row();
}

// --- all of a run ---

Records::Records(ResultsFile& file, const World& world, RecordWishes wishes) : file_(file), world_(world), wishes_(wishes) {
  if (wishes.queries) queries_.emplace(file, world);
  if (wishes.instances) instances_.emplace(file, world);
  if (wishes.decisions) decisions_.emplace(file);
}

std::vector<Recorder*> Records::recorders() {
  std::vector<Recorder*> all;
  if (queries_) all.push_back(&*queries_);
  if (instances_) all.push_back(&*instances_);
  if (decisions_) all.push_back(&*decisions_);
  return all;
}

void Records::write_names(std::span<const Controller> controllers) {
  write_class_names(file_, world_);
  if (!wishes_.any()) return;
  write_world_names(file_, world_);
  NameTable(file_, "endings").names(endings);
  NameTable(file_, "outcomes").names(outcomes);
  NameTable(file_, "start_causes").names(start_causes);
  NameTable(file_, "stop_causes").names(stop_causes);
  if (wishes_.decisions) write_policy_names(file_, controllers);
}

void Records::finish() {
  if (instances_) instances_->finish();
}

}  // namespace tideline

#include "policies/builtin.h"
#include "policies/components/client_mapping.h"
#include "policies/components/routed_planner.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace tideline {

namespace {

/// Jellyfish's model adaptation and client mapping: each epoch, which model each device holds, as accurate as leaves nearly all load a place,
/// and which clients it serves (policy S10).
/// Source: Nigade et al., "Jellyfish: timely inference serving for dynamic edge networks", RTSS 2022, and
/// its released code; the two searches are in components/client_mapping.h.
///
/// Our reading. A client is a class at a site, or an equal part of it where it asks for more than `client_qps`: a client has one device, and
/// a class may need many. Its budget is what the way leaves of the SLO. Devices are those of the pools that the task's variants run on;
/// those that several tasks could use are divided by what each asks for, over what its fastest variant serves, and what one does not need
/// goes to those that are short. A device that is cut into slices holds one variant, as often as it fits. A variant is left out where
/// another on the same devices is no less accurate and no slower. A client without a place goes to the fastest for it of what is held.
/// Devices that nobody is mapped to take more of what is filled most on their type, or nothing. Instances of a variant at a site share what
/// is sent to it, in batches up to the largest that is admissible for one of them: the batching beside it sees to those that leave less.
/// What is loaded stays, since a plan says how many devices hold a variant. Clients are not told of what size to send: the way is that of
/// what they send. Floors are not in the paper: with them, less accurate models do not always have more room, and steps of all devices at
/// once may miss a plan for all load.
class Jellyfish final : public RoutedPlanner {
 public:
  struct Params : RoutedPlannerParams {
    double headroom = 0, threshold = 0.99, step_qps = 5, client_qps = 5;
    std::uint32_t max_batch = 12;
    Params() { least_pause = forever; }
    static constexpr auto declare() {
      return param::fields(
          param::field("interval_s", &Params::interval, "Time between two plans; half a second in the released code.", {0.001, 86400}),
          param::field("count_s", &Params::count, "Time over which arrivals are counted.", {0.001, 3600}),
          param::field("weight", &Params::weight, "Of the last count in the average that is planned for.", {1e-6, 1}),
          param::field("headroom", &Params::headroom, "Share by which more is planned for.", {0, 100}),
          param::field("threshold", &Params::threshold, "Share of the load that has to have a place before accuracy counts.", {0, 1}),
          param::field("step_qps", &Params::step_qps, "Items per second that rates are counted in.", {1e-6, 1e6}),
          param::field("client_qps", &Params::client_qps,
                       "Items per second of a client, at most: a class at a site that asks for more is several, up to 100.", {1e-6, 1e9}),
          param::field("max_batch_size", &Params::max_batch, "Items of the largest batch.", {1, 1'000'000}),
          param::field("to_loading", &Params::to_loading, "A query may be sent to an instance that is loading while others are warm."),
          param::field("solve_s", &Params::solve, "Time until a plan takes effect.", {0, 3600}));
    }
  };
  Jellyfish(const Params& params, const Setup& setup)
      : RoutedPlanner(params, setup, Shares::by_class_and_site),
        params_(params),
        mapping_{params.max_batch, params.step_qps},
        draw_(hash(Stream(setup.stream)(), 1)) {}

  Needs needs() const override { return {.indexes = {}, .writes = {.wish = true, .batch_caps = true}, .reads = {}}; }

 private:
  static constexpr std::uint32_t most_parts = 100;

  /// A class at a site.
  struct Client {
    ClassId cls;
    SiteId origin;  ///< none: it is not known where its queries come from
    double rate = 0;
  };
  /// What a task is planned with.
  struct TaskProblem {
    MappingProblem mapping;
    std::vector<Client> clients;
    std::vector<std::uint32_t> client_of;  ///< by client of the mapping, which are parts
    std::vector<GroupId> groups;           ///< by model
    ClientMapping result;
    bool is_enough = true;  ///< has a place
  };

  void decide(ClusterView view, bool) override {
    count_devices(world_, view, devices_);
    const std::vector<std::uint32_t> before = wishes_;
    std::fill(wishes_.begin(), wishes_.end(), 0U);
    std::fill(batches_.begin(), batches_.end(), 0U);
    std::fill(capacity_.begin(), capacity_.end(), 0.0);
    next_routes_.clear();
    std::vector<TaskProblem> problems;
    for (std::size_t t = 0; t < capacity_.size(); ++t) problems.push_back(problem_of(TaskId{t}, view));
    divide_devices(problems);
    solution_ = {PlanSolution::Status::feasible, false, 0, 0, std::numeric_limits<double>::infinity(), 0};
    double asked = 0, mapped = 0;
    for (TaskProblem& p : problems) adapt(p, before);
    pass_on_devices(problems, before);
    for (std::size_t t = 0; t < problems.size(); ++t)
      if (!problems[t].mapping.rates.empty()) take(TaskId{t}, problems[t], asked, mapped);
    solution_.target = asked > 0 ? mapped / asked : 1;
    why_ = solution_.status == PlanSolution::Status::short_of ? in_part : planned;
  }

  TaskProblem problem_of(TaskId t, ClusterView view) const {
    TaskProblem p;
    for (std::size_t c = 0; c < demand_.classes(); ++c) {
      if (world_[ClassId{c}].task != t || world_.candidates(ClassId{c}, CandidateOrder::by_latency).empty()) continue;
      const double more = 1 + params_.headroom;
      if (!demand_.knows_origins(ClassId{c})) {
        p.clients.push_back({ClassId{c}, {}, demand_.average(ClassId{c}) * more});
        continue;
      }
      for (std::size_t o = 0; o < world_.site_count(); ++o)
        p.clients.push_back({ClassId{c}, SiteId{o}, demand_.average(ClassId{c}, SiteId{o}) * more});
    }
    std::erase_if(p.clients, [](const Client& c) { return c.rate <= 1e-9; });
    MappingProblem& m = p.mapping;
    m.devices.assign(devices_.size(), 0);
    for (std::size_t k = 0; k < p.clients.size(); ++k) {
      // Parts alike but for the last.
      const double part = std::max(params_.client_qps, p.clients[k].rate / most_parts);
      for (double left = p.clients[k].rate; left > 1e-9; left -= part) {
        m.rates.push_back(std::min(left, part));
        p.client_of.push_back(static_cast<std::uint32_t>(k));
      }
    }
    if (p.clients.empty()) return p;
    std::vector<MappingProblem::Model> models;
    std::vector<GroupId> groups;
    for (const VariantId v : world_.catalog()[t].variants)
      for (std::size_t s = 0; s < world_.site_count(); ++s) {
        const GroupId g = world_.group(v, SiteId{s});
        if (!g) continue;
        const auto type = static_cast<std::uint32_t>(s * world_.catalog().hardware.size() + world_[v].hardware.index());
        const std::uint32_t copies = instances_per_device(world_, g, view);
        if (copies == 0 || devices_[type] == 0) continue;
        models.push_back(
            {type, world_[v].accuracy, {world_[v].profile.table(view.group(g).option), world_[v].profile.max_items() + 1}, copies});
        groups.push_back(g);
      }
    for (std::size_t k = 0; k < models.size(); ++k) {
      const auto is_over = [&](std::size_t a, std::size_t b) { return covers(models[a], groups[a], models[b], groups[b], p.clients); };
      bool needed = serves_any(models[k], groups[k], p.clients);
      for (std::size_t o = 0; o < models.size() && needed; ++o)
        if (o != k && is_over(o, k) && (o < k || !is_over(k, o))) needed = false;
      if (!needed) continue;
      m.models.push_back(models[k]);
      p.groups.push_back(groups[k]);
    }
    for (const std::uint32_t c : p.client_of)
      for (const GroupId g : p.groups) m.budgets.push_back(budget(p.clients[c], g));
    return p;
  }

  /// Below 0: it may not be served there.
  Duration budget(const Client& c, GroupId g) const {
    if (!world_.is_candidate(c.cls, world_[g].variant)) return Duration{-1};
    return c.origin ? demand_.left_of_slo(c.cls, c.origin, world_[g].site) : world_[c.cls].slo;
  }
  std::uint32_t batch_of(const MappingProblem::Model& m, Duration budget) const {
    return budget < Duration{} ? 0 : admissible_batch(m.latency, budget, mapping_);
  }
  bool serves_any(const MappingProblem::Model& m, GroupId g, const std::vector<Client>& clients) const {
    return std::any_of(clients.begin(), clients.end(), [&](const Client& c) { return batch_of(m, budget(c, g)) > 0; });
  }
  double rate_of(const MappingProblem::Model& m, std::uint32_t batch) const {
    return batch == 0 ? 0 : m.copies * batch / std::max(to_seconds(m.latency[batch]), 1e-9);
  }
  /// The first is no less accurate, and serves each client at no less a rate.
  bool covers(const MappingProblem::Model& a, GroupId of_a, const MappingProblem::Model& b, GroupId of_b,
              const std::vector<Client>& clients) const {
    return a.type == b.type && a.accuracy >= b.accuracy && std::all_of(clients.begin(), clients.end(), [&](const Client& c) {
             return rate_of(a, batch_of(a, budget(c, of_a))) >= rate_of(b, batch_of(b, budget(c, of_b)));
           });
  }

  /// Gives each task its part of each type: one device each as far as there are so many, the rest by largest remainders.
  void divide_devices(std::vector<TaskProblem>& problems) const {
    for (std::size_t type = 0; type < devices_.size(); ++type) {
      std::vector<std::size_t> tasks;
      std::vector<double> wanted;
      for (std::size_t t = 0; t < problems.size(); ++t) {
        const TaskProblem& p = problems[t];
        double most = 0;
        for (std::size_t m = 0; m < p.groups.size(); ++m) {
          if (p.mapping.models[m].type != type) continue;
          for (const Client& c : p.clients)
            most = std::max(most, rate_of(p.mapping.models[m], batch_of(p.mapping.models[m], budget(c, p.groups[m]))));
        }
        if (most <= 0) continue;
        tasks.push_back(t);
        wanted.push_back(std::accumulate(p.mapping.rates.begin(), p.mapping.rates.end(), 0.0) / most);
      }
      if (tasks.empty()) continue;
      const double all = std::accumulate(wanted.begin(), wanted.end(), 0.0);
      std::vector<double> fair(tasks.size());
      for (std::size_t k = 0; k < tasks.size(); ++k) fair[k] = devices_[type] * wanted[k] / all;
      std::vector<std::uint32_t> given(tasks.size());
      // The next device goes to who has none, and then to who is farthest below its fair part.
      for (std::uint32_t n = 0; n < devices_[type]; ++n) {
        const auto before = [&](std::size_t a, std::size_t b) {
          if ((given[a] == 0) != (given[b] == 0)) return given[a] == 0;
          return fair[a] - given[a] > fair[b] - given[b];
        };
        std::size_t next = 0;
        for (std::size_t k = 1; k < tasks.size(); ++k)
          if (before(k, next)) next = k;
        ++given[next];
      }
      for (std::size_t k = 0; k < tasks.size(); ++k) problems[tasks[k]].mapping.devices[type] = given[k];
    }
  }

  void adapt(TaskProblem& p, const std::vector<std::uint32_t>& before) {
    if (p.mapping.rates.empty()) return;
    std::vector<std::uint32_t> held(p.groups.size());
    for (std::size_t k = 0; k < held.size(); ++k) held[k] = before[p.groups[k].index()] / p.mapping.models[k].copies;
    ModelAdaptation adaptation(p.mapping, mapping_, {.threshold = params_.threshold});
    p.result = adaptation.mapping(adaptation.adapt(held, draw_));
    p.is_enough = adaptation.is_enough(p.result.share);
    solution_.nodes += adaptation.mapped();
  }

  /// Devices by type that somebody is mapped to.
  std::vector<std::uint32_t> used_of(const TaskProblem& p, const std::vector<std::uint32_t>& by_model) const {
    std::vector<std::uint32_t> used(devices_.size());
    for (std::size_t k = 0; k < by_model.size(); ++k) used[p.mapping.models[k].type] += by_model[k];
    return used;
  }

  /// What tasks whose load has its place do not use goes to those whose load has not.
  void pass_on_devices(std::vector<TaskProblem>& problems, const std::vector<std::uint32_t>& before) {
    for (TaskProblem& to : problems) {
      if (to.is_enough) continue;
      bool any = false;
      for (TaskProblem& from : problems) {
        if (!from.is_enough || from.mapping.rates.empty()) continue;
        const std::vector<std::uint32_t> used = used_of(from, from.result.devices);
        for (const MappingProblem::Model& m : to.mapping.models) {
          any = any || from.mapping.devices[m.type] > used[m.type];
          to.mapping.devices[m.type] += from.mapping.devices[m.type] - used[m.type];
          from.mapping.devices[m.type] = used[m.type];
        }
      }
      if (any) adapt(to, before);
    }
  }

  void take(TaskId t, const TaskProblem& p, double& asked, double& mapped) {
    const MappingProblem& m = p.mapping;
    const ClientMapping& mapping = p.result;
    const double all = std::accumulate(m.rates.begin(), m.rates.end(), 0.0), best = std::max(world_.catalog()[t].best_accuracy, 1e-9);
    asked += all;
    mapped += all * mapping.share;
    solution_.objective += all * mapping.share * mapping.accuracy / best;
    if (!p.is_enough) solution_.status = PlanSolution::Status::short_of;

    std::vector<double> load(p.groups.size());
    std::vector<double> sent(p.clients.size() * p.groups.size());
    for (std::size_t k = 0; k < m.rates.size(); ++k) {
      if (mapping.model[k] == ClientMapping::none) continue;
      load[mapping.model[k]] += m.rates[k];
      sent[p.client_of[k] * p.groups.size() + mapping.model[k]] += m.rates[k];
    }
    std::vector<std::uint32_t> devices = mapping.devices;
    use_spare_devices(p, load, devices);
    for (std::size_t k = 0; k < p.groups.size(); ++k) {
      wishes_[p.groups[k].index()] = devices[k] * m.models[k].copies;
      batches_[p.groups[k].index()] = mapping.batch[k];
      capacity_[t.index()] += devices[k] * rate_of(m.models[k], mapping.batch[k]);
    }
    for (std::size_t c = 0; c < p.clients.size(); ++c) send(p, c, {sent.data() + c * p.groups.size(), p.groups.size()}, devices);
  }

  void use_spare_devices(const TaskProblem& p, const std::vector<double>& load, std::vector<std::uint32_t>& devices) const {
    const MappingProblem& m = p.mapping;
    std::vector<std::uint32_t> used = used_of(p, devices);
    for (std::size_t type = 0; type < used.size(); ++type)
      for (; used[type] < m.devices[type]; ++used[type]) {
        std::size_t fullest = devices.size();
        double most = 0;
        for (std::size_t k = 0; k < devices.size(); ++k) {
          if (m.models[k].type != type || devices[k] == 0) continue;
          const double filled = load[k] / (devices[k] * rate_of(m.models[k], p.result.batch[k]));
          if (filled > most) most = filled, fullest = k;
        }
        if (fullest == devices.size()) break;
        ++devices[fullest];
      }
  }

  /// The routes of a client: by what is sent where, or else to the fastest that is held.
  void send(const TaskProblem& p, std::size_t client, std::span<const double> sent, const std::vector<std::uint32_t>& devices) {
    const Client& c = p.clients[client];
    const auto add = [&](std::size_t model, double weight) {
      const GroupId g = p.groups[model];
      for (std::size_t o = 0; o < world_.site_count(); ++o)
        if ((!c.origin || c.origin == SiteId{o}) && world_.topology().route(SiteId{o}, world_[g].site).reachable)
          next_routes_.add(route_key(c.cls, SiteId{o}), {g, world_[g].variant, weight});
    };
    bool any = false;
    std::size_t fastest = sent.size();
    for (std::size_t k = 0; k < sent.size(); ++k) {
      if (sent[k] > 0) add(k, sent[k]), any = true;
      if (devices[k] == 0 || budget(c, p.groups[k]) < Duration{}) continue;
      if (fastest == sent.size() || p.mapping.models[k].latency[1] < p.mapping.models[fastest].latency[1]) fastest = k;
    }
    if (!any && fastest < sent.size()) add(fastest, 1);
  }

  Params params_;
  MappingRules mapping_;
  Stream draw_;
  std::vector<std::uint32_t> devices_;  // by site and hardware type
};

}  // namespace

PolicyDefinition jellyfish() {
  return define<Jellyfish>(
      "jellyfish",
      "Holds the most accurate models with which nearly all load has a place in time, by two nested searches; routes by the plan.",
      {Provenance::our_reading, R"(Nigade et al., "Jellyfish: timely inference serving for dynamic edge networks", RTSS 2022)"});
}

}  // namespace tideline

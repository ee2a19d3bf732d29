// How long a policy takes for one decision about a query: every registered policy that is asked on the path of queries, in clusters of 100
// and of 10,000 instances, and with a catalog of the size of YOLOBench. Prints a table in Markdown, nanoseconds per call.
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <time.h>
#include <vector>

namespace {

using namespace tideline;
using namespace tideline::test;

/// A cluster with warm instances of which some have work, and queries to decide about.
struct Field {
  WorldBuilder b;
  std::unique_ptr<ClusterBench> bench;
  std::vector<InstanceId> warm;
  std::vector<QueryView> queries;
  std::vector<VariantId> variants;  ///< by query: one that it may go to
  std::vector<DeviceId> devices;
  std::string first_variant;

  /// `models` variants on each of `types` types of hardware, `devices_of_type` devices of each, `instances` in all.
  Field(std::uint32_t models, std::uint32_t types, std::uint32_t devices_of_type, std::uint32_t instances) {
    const SiteId site = b.site("here");
    const TaskId task = b.task("task");
    Stream draw(5);
    std::vector<HardwareId> hardware;
    for (std::uint32_t h = 0; h < types; ++h) hardware.push_back(b.hardware("hardware" + std::to_string(h), 1'000'000));
    for (std::uint32_t m = 0; m < models; ++m)
      for (std::uint32_t h = 0; h < types; ++h) {
        // Larger models are slower and better; hardware types lie a factor of ten apart from first to last.
        const double size = (m + uniform01(draw)) / models, speed = std::pow(10.0, -static_cast<double>(h) / std::max(types - 1, 1U));
        const double base_s = 0.002 + 0.05 * size * speed;
        b.variant(
            "v" + std::to_string(m) + "@" + std::to_string(h), task, hardware[h], 0.3 + 0.45 * size,
            [=](std::uint32_t n) { return from_seconds(base_s * (0.4 + 0.6 * n)); }, 8, 100, 1s);
      }
    for (std::uint32_t h = 0; h < types; ++h) b.pool("pool" + std::to_string(h), site, hardware[h], devices_of_type, 0.1 * (types - h));
    for (const Duration slo : {50ms, 100ms, 300ms})
      for (const double floor : {0.0, 0.4, 0.6}) b.add_class(task, slo, floor);
    const std::size_t classes = b.classes.size();
    bench = std::make_unique<ClusterBench>(b);
    const std::size_t all = bench->world->catalog().variants.size();
    for (std::uint32_t k = 0; k < instances; ++k) {
      // Spread over variants; each on a device of its type.
      const VariantId v{static_cast<std::size_t>(k) * all / instances};
      const std::size_t h = bench->world->operator[](v).hardware.index();
      warm.push_back(bench->warm(v, h * devices_of_type + k % devices_of_type));
    }
    first_variant = bench->world->operator[](VariantId{0}).name;
    for (std::size_t k = 0; k < warm.size(); ++k)
      for (std::uint32_t n = below(draw, 4); n > 0; --n) bench->wait_at(warm[k], ClassId{0});
    std::vector<VisitId> visits;
    for (std::size_t k = 0; k < 512; ++k) visits.push_back(bench->admit(ClassId{k % classes}));
    for (std::size_t k = 0; k < 512; ++k) {
      const ClassId c{k % classes};
      queries.push_back(bench->query(visits[k]));  // only now: visits move while they are made
      const auto candidates = bench->world->candidates(c, CandidateOrder::by_latency);
      VariantId chosen = candidates.empty() ? VariantId{0} : candidates[below(draw, static_cast<std::uint32_t>(candidates.size()))];
      for (const VariantId v : candidates)
        if (bench->cluster.row(bench->group(v)).warm() > 0) chosen = v;
      variants.push_back(chosen);
    }
    for (std::size_t d = 0; d < 16; ++d) devices.emplace_back(d);
  }
};

param::Object parameters_of(const std::string& name, const Field& f) {
  if (name == "bounded_in_flight") return {{"limit", 1'000'000}};
  if (name == "token_bucket") return {{"rate_qps", 1e9}, {"burst", 1e9}};
  if (name == "aimd") return {{"target_s", 0.05}};
  if (name == "fixed_size") return {{"batch_size", 2}, {"timeout_s", 0.05}};
  if (name == "pinned_top_k") return {{"k", 2}};
  if (name == "target_tracking") return {{"target_per_min", 300}};
  if (name == "fixed_variant") return {{"variants", param::List{f.first_variant}}};
  if (name == "scheduled") return {{"schedule", param::List{"00:01 " + f.first_variant + "@here=1"}}};
  if (name == "proportional") return {{"shares", param::List{f.first_variant + "@here=1"}}};
  return {};
}

/// Time that this thread had a processor for.
double cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return 1e9 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec);
}

/// Nanoseconds of one call, the median of seven series.
double nanoseconds_of(const std::function<void(std::size_t)>& call) {
  std::size_t n = 16;
  const auto series = [&](std::size_t calls) {
    const double began = cpu_ns();
    for (std::size_t k = 0; k < calls; ++k) call(k);
    return cpu_ns() - began;
  };
  while (series(n) < 2e6 && n < 1U << 22) n *= 2;
  std::vector<double> all;
  for (int k = 0; k < 7; ++k) all.push_back(series(n) / static_cast<double>(n));
  std::nth_element(all.begin(), all.begin() + 3, all.end());
  return all[3];
}

/// What it is asked, and how long that takes; nothing where it is of no such kind. Planners over a whole catalog take minutes and are left
/// out there (-1).
std::vector<std::pair<std::string, double>> measure(const PolicyDefinition& d, Field& f) {
  const auto made = make_policy(d, parameters_of(d.name, f), f.bench->setup());
  Policy* p = made.get();
  auto* observer = dynamic_cast<Observer*>(p);
  const Facts facts = observer != nullptr ? observer->facts() : Facts{};
  Time now{};
  if (facts.instances)
    for (const InstanceId i : f.warm) {
      observer->instance_changed(i, Phase::starting, f.bench->view());
      observer->instance_changed(i, Phase::warm, f.bench->view());
    }
  const auto view = [&] { return f.bench->view(now += 1us); };
  // A planner is given one round about known demand; its own time is in the table of planners.
  if (facts.arrivals)
    for (const QueryView& q : f.queries) observer->arrived(q, view());
  p->round(view());
  const bool plans = d.has(PolicyKind::autoscaling) && (d.has(PolicyKind::dispatch) || d.has(PolicyKind::selection));
  const bool is_large = f.bench->world->catalog().variants.size() > 1000;
  if (plans && !is_large) {
    Plan plan;
    dynamic_cast<AutoscalingPolicy&>(*p).plan(view(), plan);
  }
  std::vector<std::pair<std::string, double>> out;
  const std::size_t queries = f.queries.size();
  const auto nanoseconds = [&](const std::function<void(std::size_t)>& call) { return plans && is_large ? -1 : nanoseconds_of(call); };
  if (auto* k = dynamic_cast<AdmissionPolicy*>(p); k != nullptr)
    out.emplace_back("admit", nanoseconds([&](std::size_t n) { k->admit(f.queries[n % queries], view()); }));
  if (auto* k = dynamic_cast<SelectionPolicy*>(p); k != nullptr)
    out.emplace_back("select", nanoseconds([&](std::size_t n) { k->select(f.queries[n % queries], view()); }));
  if (auto* k = dynamic_cast<DispatchPolicy*>(p); k != nullptr)
    out.emplace_back("place", nanoseconds([&](std::size_t n) { k->place(f.queries[n % queries], f.variants[n % queries], view()); }));
  const std::vector<InstanceId> ready(f.warm.begin(), f.warm.begin() + 4);
  const std::vector<QueryView> heads(f.queries.begin(), f.queries.begin() + 4);
  if (auto* k = dynamic_cast<SharingPolicy*>(p); k != nullptr)
    out.emplace_back("next of 4", nanoseconds([&](std::size_t) { k->next(DeviceId{0}, ready, heads, view()); }));
  if (auto* k = dynamic_cast<BatchingPolicy*>(p); k != nullptr) {
    std::vector<InstanceId> with_work;
    for (const InstanceId i : f.warm)
      if (!f.bench->line(i).empty()) with_work.push_back(i);
    out.emplace_back("form", nanoseconds([&](std::size_t n) {
                       const InstanceId i = with_work[n % with_work.size()];
                       k->form(i, f.bench->line(i), view());
                     }));
  }
  if (auto* k = dynamic_cast<PlacementPolicy*>(p); k != nullptr)
    out.emplace_back("choose of 16", nanoseconds([&](std::size_t n) { k->choose(f.variants[n % queries], 100, f.devices, {}, view()); }));
  if (auto* k = dynamic_cast<ColdstartPolicy*>(p); k != nullptr)
    out.emplace_back("became idle", nanoseconds([&](std::size_t n) { k->became_idle(f.warm[n % f.warm.size()], view()); }));
  if (auto* k = dynamic_cast<EvictionPolicy*>(p); k != nullptr)
    out.emplace_back("victim of 4", nanoseconds([&](std::size_t) { k->choose(DeviceId{0}, ready, 1, view()); }));
  return out;
}

}  // namespace

int main() {
  PolicyRegistry registry;
  add_builtin_policies(registry);
  std::vector<std::unique_ptr<Field>> fields;
  fields.push_back(std::make_unique<Field>(5, 2, 50, 100));
  fields.push_back(std::make_unique<Field>(5, 2, 5'000, 10'000));
  fields.push_back(std::make_unique<Field>(572, 8, 20, 800));
  std::printf("| policy | asked | 100 instances | 10,000 instances | 572 variants on each of 8 types |\n|---|---|---|---|---|\n");
  for (const PolicyDefinition& d : registry.list()) {
    std::vector<std::vector<std::pair<std::string, double>>> columns;
    for (const auto& f : fields) columns.push_back(measure(d, *f));
    for (std::size_t row = 0; row < columns[0].size(); ++row) {
      std::printf("| `%s` | %s |", d.name.c_str(), columns[0][row].first.c_str());
      for (const auto& c : columns)
        if (c[row].second < 0)
          std::printf(" |");
        else
          std::printf(" %.0f |", c[row].second);
      std::printf("\n");
    }
    std::fflush(stdout);
  }
  return 0;
}

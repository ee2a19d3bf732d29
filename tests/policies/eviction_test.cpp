// E1 and E5 on the worked traces of policies.md section E: as decisions of the policy alone and in whole runs.
#include "policies/builtin.h"
#include "tests/support/run_bench.h"

#include <gtest/gtest.h>

#include <map>

namespace tideline {
namespace {

using namespace test;

struct Item {
  std::int64_t size;
  Duration cost;
};

/// A variant per letter, on one exclusive device with memory `capacity`; a class per letter, pinned to it.
WorldBuilder cache(const std::map<char, Item>& items, std::int64_t capacity) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu", capacity);
  const TaskId t = b.task("classify");
  for (const auto& [name, item] : items) {
    b.variant(std::string(1, name), t, gpu, 0.7, 1ms, item.size, item.cost);
    const std::size_t c = b.add_class(t);
    b.classes[c].pin_level = PinLevel::variant;
    b.classes[c].pin = std::string(1, name);
  }
  b.pool("p", s, gpu, 1);
  return b;
}

std::map<char, Item> alike(const std::string& trace) {
  std::map<char, Item> out;
  for (const char c : trace) out[c] = {1, 1s};
  return out;
}

struct Result {
  int hits = 0;
  std::string evicted;
  bool operator==(const Result&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Result& r) { return out << r.hits << " hits, evicted " << r.evicted; }

/// The policy alone: what the simulator would ask and tell it, without the simulator.
class Alone {
 public:
  Alone(const PolicyDefinition& d, const param::Object& parameters, const std::map<char, Item>& items, std::int64_t capacity)
      : bench_(cache(items, capacity)), policy_(make<EvictionPolicy>(d, bench_.setup(), parameters)) {
    observer_ = dynamic_cast<Observer*>(policy_.get());
    for (const auto& [name, item] : items) variants_[name] = VariantId{variants_.size()};
  }
  void access(char name) {
    now_ += 1000s;
    const VariantId v = variants_.at(name);
    const auto& members = bench_.view().group(bench_.group(v)).members;
    if (!members.empty()) ++result.hits;
    use(members.empty() ? insert(v) : members.front());
  }
  InstanceId insert(VariantId v) {
    const std::int64_t size = (*bench_.world)[v].memory_bytes;
    while (free_memory() < size) evict();
    const InstanceId i = bench_.starting(v, 0, now_, now_);
    if (observer_ != nullptr) observer_->instance_changed(i, Phase::starting, bench_.view(now_));
    bench_.cluster.warm(i, now_);
    if (observer_ != nullptr) observer_->instance_changed(i, Phase::warm, bench_.view(now_));
    return i;
  }
  void use(InstanceId i) {
    bench_.wait_at(i, ClassId{0}, now_);
    bench_.run(i, 1, now_, 1ms);
    if (observer_ != nullptr) observer_->batch_began(i, 1, bench_.view(now_));
    bench_.end(i, now_ + 1ms);
  }
  char evict() {
    std::vector<InstanceId> idle(bench_.cluster[DeviceId{0}].instances);
    std::sort(idle.begin(), idle.end());
    const Victim victim = policy_->choose(DeviceId{0}, idle, 1, bench_.view(now_));
    EXPECT_LT(victim.reason, policy_->reasons().size());
    policy_->evicted(victim.instance, bench_.view(now_));
    const char name = (*bench_.world)[bench_.view().variant_of(victim.instance)].name[0];
    if (observer_ != nullptr) observer_->instance_changed(victim.instance, Phase::gone, bench_.view(now_));
    bench_.cluster.stop(victim.instance, now_);
    result.evicted += name;
    return name;
  }
  VariantId variant(char name) const { return variants_.at(name); }
  void pass() { now_ += 1s; }

  Result result;

 private:
  std::int64_t free_memory() const { return bench_.view().device(DeviceId{0}).memory_free; }
  ClusterBench bench_;
  std::unique_ptr<EvictionPolicy> policy_;
  Observer* observer_ = nullptr;
  std::map<char, VariantId> variants_;
  Time now_{};
};

Result alone(const PolicyDefinition& d, const std::string& trace, const std::map<char, Item>& items, std::int64_t capacity) {
  Alone x(d, {}, items, capacity);
  for (const char c : trace) x.access(c);
  return x.result;
}

/// A run with a query every 1000 s, instances kept for ever. A hit is a query without a cold start.
Result in_a_run(const PolicyDefinition& d, const std::string& trace, const std::map<char, Item>& items, std::int64_t capacity) {
  RunBench r(cache(items, capacity));
  r.use(d);
  r.use(best_fit());
  r.use(least_expected_latency());
  r.classes = items.size();
  auto source = std::make_unique<PlainSource>();
  for (const auto& [name, item] : items) source->names.emplace_back(1, name);
  for (std::size_t k = 0; k < trace.size(); ++k)
    source->list.emplace_back(Time{} + (k + 1) * 1000s, static_cast<std::uint32_t>(std::distance(items.begin(), items.find(trace[k]))));
  r.arrivals(std::move(source));
  r.run();
  EXPECT_EQ(r.notes.ends.size(), trace.size());
  for (const QueryEnd& e : r.notes.ends) EXPECT_EQ(e.ending, Ending::answered);
  return {static_cast<int>(trace.size() - r.notes.cold_starts), r.notes.evicted()};
}

void expect_both(const PolicyDefinition& d, const std::string& trace, const std::map<char, Item>& items, std::int64_t capacity,
                 const Result& result) {
  EXPECT_EQ(alone(d, trace, items, capacity), result);
  EXPECT_EQ(in_a_run(d, trace, items, capacity), result);
}

const std::string belady = "ABCDABEABCDE";
const std::string mixed = "AABCADBEABFABGA";
const std::string weighted = "ABCADCBAD";
const std::map<char, Item> weights{{'A', {4, 8s}}, {'B', {2, 1s}}, {'C', {6, 3s}}, {'D', {3, 6s}}};

TEST(eviction_lru, keeps_the_recently_used) {
  EXPECT_EQ(in_a_run(lru(), belady, alike(belady), 3).hits, 2);
  EXPECT_EQ(in_a_run(lru(), belady, alike(belady), 4).hits, 4);
  EXPECT_EQ(alone(lru(), belady, alike(belady), 3).hits, 2);
  EXPECT_EQ(alone(lru(), belady, alike(belady), 4).hits, 4);
  expect_both(lru(), mixed, alike(mixed), 3, {6, "BCADEF"});
  expect_both(lru(), weighted, weights, 12, {1, "BCADC"});
}

TEST(eviction_gdsf, evicts_by_frequency_cost_and_size_as_worked) {
  expect_both(greedy_dual_size_frequency(), weighted, weights, 12, {2, "BCDC"});
}

TEST(eviction_gdsf, the_worked_priorities_order_what_is_left) {
  // A 8.5, B 3.0, D 5.0.
  Alone x(greedy_dual_size_frequency(), {}, weights, 12);
  for (const char c : weighted) x.access(c);
  EXPECT_EQ(x.evict(), 'B');
  EXPECT_EQ(x.evict(), 'D');
  EXPECT_EQ(x.evict(), 'A');
}

TEST(eviction_gdsf, equal_priorities_go_by_least_recent_use) {
  Alone x(greedy_dual_size_frequency(), {}, alike("ABC"), 3);
  for (const char c : {'C', 'A', 'B'}) x.access(c);
  EXPECT_EQ(x.evict(), 'C');
}

// FaasCache: instances of a variant share their frequency, each keeps its own clock; the count starts anew when the last is gone.
TEST(eviction_gdsf, instances_of_a_variant_share_their_frequency) {
  const std::map<char, Item> items{{'A', {1, 1s}}, {'B', {1, 1s}}};
  const auto built = [&](const param::Object& parameters) {
    auto x = std::make_unique<Alone>(greedy_dual_size_frequency(), parameters, items, 4);
    x->access('B');
    x->access('B');  // B: 2
    const InstanceId a = x->insert(x->variant('A')), other = x->insert(x->variant('A'));
    x->use(a);
    x->use(other);
    x->pass();
    x->use(other);  // A: 1 and 2; together 3
    return x;
  };
  EXPECT_EQ(built({})->evict(), 'B');
  EXPECT_EQ(built({{"frequency", "own"}})->evict(), 'A');
  const auto x = built({});
  for (int k = 0; k < 3; ++k) x->evict();  // all gone: B, and the two As at 3, which is the clock now
  EXPECT_EQ(x->result.evicted, "BAA");
  x->access('B');
  x->access('A');
  x->access('B');
  EXPECT_EQ(x->evict(), 'A');  // its earlier uses are forgotten
}

// policies.md section E: all policies are equal where everything fits.
TEST(eviction, nothing_goes_while_everything_fits) {
  for (const auto& d : {lru(), greedy_dual_size_frequency()}) {
    expect_both(d, mixed, alike(mixed), 7, {8, ""});
    expect_both(d, "AAAA", alike("A"), 1, {3, ""});
  }
}

TEST(eviction, a_single_place_changes_hands) {
  for (const auto& d : {lru(), greedy_dual_size_frequency()}) expect_both(d, "ABAB", alike("AB"), 1, {0, "ABA"});
}

}  // namespace
}  // namespace tideline

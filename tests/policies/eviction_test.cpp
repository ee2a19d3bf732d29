// Eviction on worked traces, as decisions of the policy alone and in whole runs; and against closed forms of caches.
//
// Whose examples these are:
//   cost_to_reload: Scheuermann, Shim and Vingralek, Computer Networks 29(8-13), 1997
//   fifo: doi:10.1147/sj.52.0078
//   greedy_dual_size_frequency: Cherkasova, HP Labs report HPL-98-69R1, 1998
//   landlord: doi:10.1007/s00453-001-0124-5
//   lfu: doi:10.1109/INFCOM.1999.749260
//   lru: doi:10.1145/3445814.3446757
//   oracle_belady: doi:10.1147/sj.52.0078
//   predicted_use: doi:10.1109/TC.2007.70816
//   sieve: Zhang et al., NSDI 2024
//   size_aware: Williams et al., "Removal policies in network caches for World-Wide Web documents", SIGCOMM 1996
#include "policies/builtin.h"
#include "sim/serving/future.h"
#include "tests/support/run_bench.h"
#include "tests/support/sanitized.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>

namespace tideline {
namespace {

using namespace test;

struct Item {
  std::int64_t size;
  Duration cost;
};

/// A variant per name, on one exclusive device with memory `capacity`; a class per letter, pinned to it.
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
      : Alone(d, parameters, cache(items, capacity)) {
    for (const auto& [name, item] : items) variants_[name] = VariantId{variants_.size()};
  }
  Alone(const PolicyDefinition& d, const param::Object& parameters, const WorldBuilder& b)
      : bench_(b), policy_(make<EvictionPolicy>(d, bench_.setup(), parameters)) {
    observer_ = dynamic_cast<Observer*>(policy_.get());
  }
  void foresee(std::unique_ptr<Future> future) {
    if (auto* oracle = dynamic_cast<Clairvoyant*>(policy_.get())) oracle->foresee(std::move(future));
  }
  void access(char name, Duration after = 1000s) { access(variants_.at(name), after); }
  void access(VariantId v, Duration after) {
    now_ += after;
    const auto& members = bench_.view().group(bench_.group(v)).members;
    if (!members.empty()) ++result.hits;
    use(members.empty() ? insert(v) : members.front());
  }
  InstanceId insert(VariantId v) {
    const std::int64_t size = (*bench_.world)[v].memory_bytes;
    while (free_memory() < size) evict(size - free_memory());
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
  char evict(std::int64_t bytes_short = 1) {
    const char name = choose(bytes_short);
    policy_->evicted(chosen_, bench_.view(now_));
    stop(chosen_);
    result.evicted += name;
    return name;
  }
  /// It is stopped for another reason.
  void stop(char name) { stop(bench_.view().group(bench_.group(variant(name))).members.front()); }
  void stop(InstanceId i) {
    if (observer_ != nullptr) observer_->instance_changed(i, Phase::gone, bench_.view(now_));
    bench_.cluster.stop(i, now_);
  }
  /// These may not go until the next call.
  void keep(const std::string& names) { kept_ = names; }
  char choose(std::int64_t bytes_short = 1) {
    std::vector<InstanceId> idle;
    for (const InstanceId i : bench_.cluster[DeviceId{0}].instances)
      if (kept_.find(name_of(i)) == std::string::npos) idle.push_back(i);
    std::sort(idle.begin(), idle.end());
    const Victim victim = policy_->choose(DeviceId{0}, idle, bytes_short, bench_.view(now_));
    EXPECT_LT(victim.reason, policy_->reasons().size());
    chosen_ = victim.instance;
    return name_of(victim.instance);
  }
  VariantId variant(char name) const { return variants_.at(name); }
  void pass(Duration time = 1s) { now_ += time; }

  Result result;

 private:
  char name_of(InstanceId i) const { return (*bench_.world)[bench_.view().variant_of(i)].name[0]; }
  std::int64_t free_memory() const { return bench_.view().device(DeviceId{0}).memory_free; }
  ClusterBench bench_;
  std::unique_ptr<EvictionPolicy> policy_;
  Observer* observer_ = nullptr;
  std::map<char, VariantId> variants_;
  Time now_{};
  InstanceId chosen_;
  std::string kept_;
};

/// A letter every 1000 s.
std::unique_ptr<PlainSource> source_of(const std::string& trace, const std::map<char, Item>& items) {
  auto source = std::make_unique<PlainSource>();
  for (const auto& [name, item] : items) source->names.emplace_back(1, name);
  for (std::size_t k = 0; k < trace.size(); ++k)
    source->list.emplace_back(Time{} + (k + 1) * 1000s, static_cast<std::uint32_t>(std::distance(items.begin(), items.find(trace[k]))));
  return source;
}

/// The same read a second time, by who asks to know what is to come.
std::unique_ptr<Future> future_of(const std::string& trace, const std::map<char, Item>& items) {
  std::vector<WorkloadEntry> entries(1);
  entries[0].source = source_of(trace, items);
  for (std::size_t k = 0; k < items.size(); ++k) entries[0].classes.push_back({{ClassId{k}, 1}});
  return read_ahead(Workload(std::move(entries), 1));
}

Result alone(const PolicyDefinition& d, const std::string& trace, const std::map<char, Item>& items, std::int64_t capacity,
             const param::Object& parameters = {}) {
  Alone x(d, parameters, items, capacity);
  x.foresee(future_of(trace, items));
  for (const char c : trace) x.access(c);
  return x.result;
}

/// A run with a query every 1000 s, instances kept for ever. A hit is a query without a cold start.
Result in_a_run(const PolicyDefinition& d, const std::string& trace, const std::map<char, Item>& items, std::int64_t capacity,
                const param::Object& parameters = {}) {
  RunBench r(cache(items, capacity));
  r.use(d, parameters);
  r.use(best_fit());
  r.use(least_expected_latency());
  r.classes = items.size();
  r.future = [&] { return future_of(trace, items); };
  r.arrivals(source_of(trace, items));
  r.run();
  EXPECT_EQ(r.notes.ends.size(), trace.size());
  for (const QueryEnd& e : r.notes.ends) EXPECT_EQ(e.ending, Ending::answered);
  return {static_cast<int>(trace.size() - r.notes.cold_starts), r.notes.evicted()};
}

void expect_both(const PolicyDefinition& d, const std::string& trace, const std::map<char, Item>& items, std::int64_t capacity,
                 const Result& result, const param::Object& parameters = {}) {
  EXPECT_EQ(alone(d, trace, items, capacity, parameters), result) << d.name;
  EXPECT_EQ(in_a_run(d, trace, items, capacity, parameters), result) << d.name;
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

// The worked priorities themselves, .5, .5, 2.5 and 3.0 of those evicted and 8.5, 3.0 and 5.0 of those left: a witness of one byte in one
// byte more, used once before all others, has its cost as its priority for good, and goes just before what has more.
TEST(eviction_gdsf, priorities_are_the_worked_ones) {
  const auto order_with = [](double priority) {
    std::map<char, Item> items = weights;
    items['W'] = {1, from_seconds(priority)};
    Alone x(greedy_dual_size_frequency(), {}, items, 13);
    for (const char c : "W" + weighted) x.access(c);
    const std::size_t during = x.result.evicted.size();
    while (x.result.evicted.find('W') == std::string::npos) x.evict();
    return x.result.evicted.substr(0, during) + '|' + x.result.evicted.substr(during);
  };
  // What happens after the witness went during the trace is another matter.
  EXPECT_EQ(order_with(0.49).substr(0, 1), "W");
  EXPECT_EQ(order_with(0.51).substr(0, 3), "BCW");
  EXPECT_EQ(order_with(2.49).substr(0, 3), "BCW");
  EXPECT_EQ(order_with(2.51).substr(0, 4), "BCDW");
  EXPECT_EQ(order_with(2.99).substr(0, 4), "BCDW");
  EXPECT_EQ(order_with(3.01), "BCDC|BW");
  EXPECT_EQ(order_with(4.99), "BCDC|BW");
  EXPECT_EQ(order_with(5.01), "BCDC|BDW");
  EXPECT_EQ(order_with(8.49), "BCDC|BDW");
  EXPECT_EQ(order_with(8.51), "BCDC|BDAW");
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

// More memory, fewer hits: Belady's anomaly.
TEST(eviction_fifo, sends_off_in_the_order_of_starts) {
  expect_both(fifo(), belady, alike(belady), 3, {3, "ABCDAB"});
  expect_both(fifo(), belady, alike(belady), 4, {2, "ABCDEA"});
  expect_both(fifo(), mixed, alike(mixed), 3, {5, "ABCDEAB"});
}

TEST(eviction_fifo, a_new_start_in_an_old_slot_is_the_newest) {
  Alone x(fifo(), {}, alike("ABC"), 2);
  for (const char c : {'A', 'B', 'C'}) x.access(c);  // C in the place of A
  EXPECT_EQ(x.evict(), 'B');
  EXPECT_EQ(x.evict(), 'C');
}

TEST(eviction_lfu, counts_uses_while_loaded) {
  expect_both(lfu(), mixed, alike(mixed), 3, {7, "BCDEF"});
  // B was used three times before it went. Forgotten, it goes next; remembered, it has as many uses as C, which was used before it.
  const std::string trace = "BBBAAAACCCCBD";
  expect_both(lfu(), trace, alike(trace), 2, {8, "BAB"});
  expect_both(lfu(), trace, alike(trace), 2, {8, "BAC"}, {{"counts", "perfect"}});
}

// What was popular once: A 5 uses, then only B and C. In-cache counts let them push each other out for ever; with ageing
// the newcomers have 2, 3, 4 and 5, and A goes.
TEST(eviction_lfu, with_ageing_what_was_popular_once_goes) {
  const std::string trace = "AAAAABCBCBCBCB";
  expect_both(lfu(), trace, alike(trace), 2, {4, "BCBCBCBC"});
  expect_both(lfu(), trace, alike(trace), 2, {7, "BCBCA"}, {{"counts", "dynamic_ageing"}});
}

TEST(eviction_size_aware, the_largest_goes_first) {
  expect_both(size_aware(), weighted, weights, 12, {3, "CAC"});
  Alone x(size_aware(), {}, weights, 12);
  for (const char c : {'B', 'A', 'D'}) x.access(c);
  for (const char c : {'A', 'D', 'B'}) EXPECT_EQ(x.evict(), c);
}

TEST(eviction_size_aware, lru_min_spares_what_is_too_small_alone) {
  const auto built = [] {
    auto x = std::make_unique<Alone>(size_aware(), param::Object{{"rule", "lru_min"}}, weights, 20);
    for (const char c : {'B', 'D', 'A', 'C'}) x->access(c);  // 2, 3, 4, 6 bytes
    return x;
  };
  EXPECT_EQ(built()->evict(1), 'B');
  EXPECT_EQ(built()->evict(3), 'D');
  EXPECT_EQ(built()->evict(4), 'A');
  EXPECT_EQ(built()->evict(6), 'C');
  EXPECT_EQ(built()->evict(9), 'A');   // none has 9, A and C have 4
  EXPECT_EQ(built()->evict(11), 'C');  // only C has 5
}

TEST(eviction_size_aware, the_largest_of_equal_size_is_the_least_recently_used) {
  Alone x(size_aware(), {}, alike("ABC"), 3);
  for (const char c : {'C', 'A', 'B', 'C'}) x.access(c);
  EXPECT_EQ(x.evict(), 'A');
}

TEST(eviction_sieve, passes_what_was_used_since) {
  expect_both(sieve(), mixed, alike(mixed), 3, {7, "BCDEF"});
  expect_both(sieve(), mixed, alike(mixed), 4, {8, "CDE"});
}

TEST(eviction_sieve, the_hand_stays_where_it_stopped) {
  // A is passed and loses its mark, B goes; the hand is at C, so E takes C's place although A has no mark any more.
  expect_both(sieve(), "ABCADE", alike("ABCDE"), 3, {1, "BC"});
  // The hand passes A and B, takes C, the newest, and so is at A again: it does not meet D, which comes after.
  expect_both(sieve(), "ABCABDE", alike("ABCDE"), 3, {2, "CA"});
}

/// SIEVE once more, on a list, newest first, as the paper puts it.
Result sieve_on_a_list(const std::string& trace, std::size_t capacity) {
  struct Node {
    char name;
    bool visited;
  };
  std::list<Node> list;
  auto hand = list.end();  // none
  Result out;
  for (const char c : trace) {
    const auto at = std::find_if(list.begin(), list.end(), [&](const Node& n) { return n.name == c; });
    if (at != list.end()) {
      at->visited = true;
      ++out.hits;
      continue;
    }
    if (list.size() == capacity) {
      auto o = hand == list.end() ? std::prev(list.end()) : hand;
      while (o->visited) {
        o->visited = false;
        o = o == list.begin() ? std::prev(list.end()) : std::prev(o);
      }
      hand = o == list.begin() ? list.end() : std::prev(o);
      out.evicted += o->name;
      list.erase(o);
    }
    list.push_front({c, false});
  }
  return out;
}

TEST(eviction_sieve, agrees_with_a_list_on_random_traces) {
  EXPECT_EQ(sieve_on_a_list(mixed, 3), (Result{7, "BCDEF"}));
  Stream s(17);
  for (int k = 0; k < 20; ++k) {
    std::string trace;
    for (int n = 0; n < 150; ++n) trace += static_cast<char>('A' + std::min(below(s, 12), below(s, 12)));
    for (const std::int64_t capacity : {1, 2, 3, 5, 8})
      EXPECT_EQ(alone(sieve(), trace, alike(trace), capacity), sieve_on_a_list(trace, static_cast<std::size_t>(capacity))) << trace;
  }
}

TEST(eviction_sieve, an_instance_that_goes_otherwise_moves_the_hand_with_the_rest) {
  Alone x(sieve(), {}, alike("ABCDE"), 4);
  for (const char c : {'A', 'B', 'C', 'D', 'A', 'B'}) x.access(c);
  EXPECT_EQ(x.evict(), 'C');  // A and B lost their marks; the hand is at D
  x.stop('A');
  x.access('E');
  EXPECT_EQ(x.evict(), 'D');
  EXPECT_EQ(x.evict(), 'E');
  EXPECT_EQ(x.evict(), 'B');
}

TEST(eviction_sieve, what_may_not_go_keeps_its_mark) {
  Alone x(sieve(), {}, alike("ABCDE"), 3);
  for (const char c : {'A', 'B', 'C', 'A', 'B'}) x.access(c);
  x.keep("B");
  EXPECT_EQ(x.evict(), 'C');
  x.keep("");
  EXPECT_EQ(x.evict(), 'A');
  x.access('D');
  x.access('E');
  EXPECT_EQ(x.evict(), 'D');  // B is passed, for its mark
  EXPECT_EQ(x.evict(), 'E');
  EXPECT_EQ(x.evict(), 'B');
}

// A visit of A at 0, of B at 600 s, half life 600 s, now 600 s: A weighs 1/2, B 1. Load times over memory: A 4 s / 1, B 1 s / 1, so A costs 2
// and B 1. At a load time of 1 s for both, A goes.
TEST(eviction_cost_to_reload, weighs_rate_load_time_and_memory) {
  const auto victim = [](const Item& a, const Item& b, int uses_of_a, const param::Object& parameters = {}) {
    Alone x(cost_to_reload(), parameters, {{'A', a}, {'B', b}}, 20);
    for (int k = 0; k < uses_of_a; ++k) x.access('A', 0s);
    x.access('B', 600s);
    return x.evict();
  };
  EXPECT_EQ(victim({1, 4s}, {1, 1s}, 1), 'B');
  EXPECT_EQ(victim({1, 1s}, {1, 1s}, 1), 'A');
  EXPECT_EQ(victim({3, 4s}, {1, 1s}, 1), 'A');                          // 1/2 * 4 / 3 < 1
  EXPECT_EQ(victim({1, 1s}, {1, 1s}, 3), 'B');                          // 3/2
  EXPECT_EQ(victim({1, 1s}, {1, 1s}, 3, {{"half_life_s", 300}}), 'A');  // 3/4
}

TEST(eviction_cost_to_reload, equal_costs_go_by_least_recent_use) {
  expect_both(cost_to_reload(), "ABA", {{'A', {1, 0s}}, {'B', {1, 0s}}, {'C', {1, 0s}}}, 2, {1, ""});
  Alone x(cost_to_reload(), {}, {{'A', {1, 0s}}, {'B', {1, 0s}}}, 2);
  for (const char c : {'A', 'B', 'A'}) x.access(c);
  EXPECT_EQ(x.evict(), 'B');
}

// The rate is that of the variant: it is still known when the instance comes again.
TEST(eviction_cost_to_reload, the_rate_outlasts_the_instance) {
  Alone x(cost_to_reload(), {}, alike("ABC"), 2);
  for (int k = 0; k < 4; ++k) x.access('A', 1s);
  x.access('B', 1s);
  x.stop('A');
  x.access('C', 1s);
  x.access('C', 1s);
  x.access('A', 1s);
  EXPECT_EQ(x.result.evicted, "B");
  EXPECT_EQ(x.evict(), 'C');  // 2 uses against 5, most of them of an earlier instance
}

// Credits 6, 8 and 3 for sizes 2, 4 and 3: rent of 1 a byte, C goes, A and B have 4 left each. D comes with 1.5 for size 1. Of A 2, B 1 and D 1.5
// a byte B goes first; had they their first credits, it would be D.
TEST(eviction_landlord, takes_rent_as_worked) {
  const std::map<char, Item> items{{'A', {2, 6s}}, {'B', {4, 8s}}, {'C', {3, 3s}}, {'D', {1, 1500ms}}};
  Alone x(landlord(), {}, items, 9);
  for (const char c : {'A', 'B', 'C', 'D'}) x.access(c);
  EXPECT_EQ(x.result.evicted, "C");
  EXPECT_EQ(x.evict(), 'B');
  EXPECT_EQ(x.evict(), 'D');
  EXPECT_EQ(x.evict(), 'A');
}

TEST(eviction_landlord, a_use_restores_the_credit) {
  const std::map<char, Item> items{{'A', {2, 6s}}, {'B', {4, 8s}}, {'C', {3, 3s}}, {'D', {1, 1500ms}}};
  Alone x(landlord(), {}, items, 9);
  for (const char c : {'A', 'B', 'C', 'D', 'B'}) x.access(c);
  EXPECT_EQ(x.evict(), 'D') << "B has 2 a byte again";
  EXPECT_EQ(x.evict(), 'A') << "as much as B, used before it";
}

// A is used each 100 s, B each 300 s; 10 s after both were used A is expected in 90 s, B in 290 s.
TEST(eviction_predicted_use, who_is_expected_last_goes) {
  const auto victim = [](Duration cost_of_b, const param::Object& params) {
    Alone x(predicted_use(), params, {{'A', {1, 1s}}, {'B', {1, cost_of_b}}, {'C', {1, 1s}}}, 3);
    x.access('A', 0s);
    x.access('B', 0s);
    for (int k = 0; k < 3; ++k) x.access('A', 100s);
    x.access('B', 0s);
    x.access('C', 10s);
    x.keep("C");
    return x.evict();
  };
  for (const char* method : {"mean", "histogram"}) {
    EXPECT_EQ(victim(1s, {{"method", method}, {"weight", "none"}}), 'B') << method;
    EXPECT_EQ(victim(10s, {{"method", method}}), 'A') << method << ": 290 s over ten times the load time";
  }
}

// Gaps of A: 10, 10, 10 and 1000 s, on average 257.5; of B: 500 s. 50 s after both were used A is expected in 950 s by those of its gaps that
// were longer, in 207.5 s by their mean; B in 450 s.
TEST(eviction_predicted_use, histograms_know_what_is_left_of_long_gaps) {
  const auto victim = [](const char* method) {
    Alone x(predicted_use(), {{"method", method}, {"weight", "none"}}, alike("ABC"), 3);
    for (const Duration gap : {0s, 10s, 10s, 10s}) x.access('A', gap);
    x.access('B', 500s);
    x.access('B', 500s);
    x.access('A', 0s);
    x.pass(50s);
    return x.evict();
  };
  EXPECT_EQ(victim("mean"), 'B');
  EXPECT_EQ(victim("histogram"), 'A');
}

TEST(eviction_predicted_use, who_was_used_once_is_not_expected_again) {
  Alone x(predicted_use(), {}, alike("AB"), 2);
  for (const char c : {'A', 'A', 'B'}) x.access(c);
  EXPECT_EQ(x.evict(), 'B');
}

// Optimal: 5 and 6 hits of the first trace; of the other 8, who goes is who is asked for last.
TEST(eviction_oracle_belady, who_is_asked_for_last_goes) {
  EXPECT_EQ(alone(oracle_belady(), belady, alike(belady), 3).hits, 5);
  EXPECT_EQ(alone(oracle_belady(), belady, alike(belady), 4).hits, 6);
  EXPECT_EQ(in_a_run(oracle_belady(), belady, alike(belady), 3).hits, 5);
  EXPECT_EQ(in_a_run(oracle_belady(), belady, alike(belady), 4).hits, 6);
  expect_both(oracle_belady(), mixed, alike(mixed), 3, {8, "CDEF"});
}

// When C comes, A is asked for in 3000 s and holds 1 byte, B in 2000 s and holds 2.
TEST(eviction_oracle_belady, size_may_weigh) {
  const std::map<char, Item> items{{'A', {1, 1s}}, {'B', {2, 1s}}, {'C', {1, 1s}}};
  expect_both(oracle_belady(), "ABCCBA", items, 3, {2, "AC"});
  expect_both(oracle_belady(), "ABCCBA", items, 3, {2, "BC"}, {{"weight", "size"}});
}

// Beyond its lookahead it knows nothing: when C comes both others are asked for never, and the least recently used goes.
TEST(eviction_oracle_belady, does_not_look_beyond_its_lookahead) {
  expect_both(oracle_belady(), "ABCCCCCAB", alike("ABC"), 2, {5, "BC"});
  expect_both(oracle_belady(), "ABCCCCCAB", alike("ABC"), 2, {5, "AC"}, {{"lookahead_s", 3000}});
}

const std::vector<PolicyDefinition>& all_policies() {
  static const std::vector<PolicyDefinition> all = [] {
    PolicyRegistry registry;
    add_builtin_policies(registry);
    std::vector<PolicyDefinition> evictions;
    for (const auto& d : registry.list())
      if (d.has(PolicyKind::eviction)) evictions.push_back(d);
    return evictions;
  }();
  return all;
}

// All are equal where everything fits.
TEST(eviction, nothing_goes_while_everything_fits) {
  for (const auto& d : all_policies()) {
    expect_both(d, mixed, alike(mixed), 7, {8, ""});
    expect_both(d, "AAAA", alike("A"), 1, {3, ""});
  }
}

TEST(eviction, a_single_place_changes_hands) {
  for (const auto& d : all_policies()) expect_both(d, "ABAB", alike("AB"), 1, {0, "ABA"});
}

// Most hits that any policy can have where all have one size: who is needed last goes (Belady 1966).
int optimal_hits(const std::string& trace, std::size_t capacity) {
  std::string here;
  int hits = 0;
  for (std::size_t k = 0; k < trace.size(); ++k) {
    if (here.find(trace[k]) != std::string::npos) {
      ++hits;
      continue;
    }
    if (here.size() == capacity) {
      const auto next = [&](char c) { return std::min(trace.find(c, k), trace.size()); };
      here.erase(std::max_element(here.begin(), here.end(), [&](char a, char b) { return next(a) < next(b); }));
    }
    here += trace[k];
  }
  return hits;
}

TEST(eviction, none_has_more_hits_than_who_knows_the_future) {
  EXPECT_EQ(optimal_hits(belady, 3), 5);
  EXPECT_EQ(optimal_hits(belady, 4), 6);
  EXPECT_EQ(optimal_hits(mixed, 3), 8);
  Stream s(7);
  for (int k = 0; k < 30; ++k) {
    std::string trace;
    for (int n = 0; n < 40; ++n) trace += static_cast<char>('A' + std::min(below(s, 8), below(s, 8)));
    for (const std::int64_t capacity : {1, 2, 3, 5})
      for (const auto& d : all_policies())
        if (const int hits = alone(d, trace, alike(trace), capacity).hits, most = optimal_hits(trace, static_cast<std::size_t>(capacity));
            d.name == "oracle_belady") {
          EXPECT_EQ(hits, most) << trace << ' ' << capacity;
        } else {
          EXPECT_LE(hits, most) << d.name << ' ' << trace << ' ' << capacity;
        }
  }
}

/// Independent references to items of one size, the k-th with weight k^-exponent.
struct References {
  int items = 100, capacity = 10;
  double exponent = 1;
};

/// Share of hits in `n` references, after half as many.
double zipf_hits(const PolicyDefinition& d, const param::Object& parameters, int n, const References& r = {}) {
  WorldBuilder b;
  const SiteId s = b.site("s");
  const HardwareId gpu = b.hardware("gpu", r.capacity);
  const TaskId t = b.task("classify");
  std::vector<double> upto;
  for (int k = 1; k <= r.items; ++k) {
    b.variant("v" + std::to_string(k), t, gpu, 0.7, 1ms, 1, 1s);
    upto.push_back((upto.empty() ? 0 : upto.back()) + std::pow(k, -r.exponent));
  }
  b.pool("p", s, gpu, 1);
  b.add_class(t);
  Alone x(d, parameters, b);
  Stream stream(11);
  const auto draw = [&] {
    const double u = uniform01(stream) * upto.back();
    return VariantId{static_cast<std::size_t>(std::upper_bound(upto.begin(), upto.end(), u) - upto.begin())};
  };
  for (int k = 0; k < n / 2; ++k) x.access(draw(), 1s);
  const int before = x.result.hits;
  for (int k = 0; k < n; ++k) x.access(draw(), 1s);
  return static_cast<double>(x.result.hits - before) / n;
}

// Exact: LRU by King's formula (1971), FIFO from the product form of its stationary law (Gelenbe 1973); of 10,000 items LRU by the
// approximation of Che, Tung and Wang (IEEE JSAC 20(7), 2002), which is within half a percent.
TEST(eviction, hits_of_zipf_references_are_those_of_the_formulas) {
  struct Row {
    References references;
    double lru, fifo;
  };
  std::vector<Row> rows{{{100, 10, 1}, 0.397802, 0.350044}, {{1000, 10, 1}, 0.210416, 0.182208}};
  if (!is_sanitized) {
    rows.push_back({{1000, 100, 0.8}, 0.377796, 0.334111});
    rows.push_back({{1000, 100, 1}, 0.576500, 0.520813});
    rows.push_back({{10000, 1000, 0.9}, 0.55649, 0.510113});
  }
  for (const Row& row : rows) {
    EXPECT_NEAR(zipf_hits(lru(), {}, 30'000, row.references), row.lru, 0.01) << row.references.items << ' ' << row.references.capacity;
    EXPECT_NEAR(zipf_hits(fifo(), {}, 30'000, row.references), row.fifo, 0.01) << row.references.items << ' ' << row.references.capacity;
  }
}

// Perfect counts keep the 9 that are used most; the tenth place is the last other one's: hits are sum of p over the 9, and for each other
// its share p among the others.
TEST(eviction_lfu, perfect_counts_keep_the_most_popular_but_one_place) {
  double all = 0, top = 0, rest = 0;
  for (int k = 1; k <= 100; ++k) {
    all += 1.0 / k;
    (k <= 9 ? top : rest) += k <= 9 ? 1.0 / k : 1.0 / k / k;
  }
  const double expected = top / all + rest / all / all / (1 - top / all);
  EXPECT_NEAR(expected, 0.5531, 1e-4);
  EXPECT_NEAR(zipf_hits(lfu(), {{"counts", "perfect"}}, 30'000), expected, 0.01);
}

}  // namespace
}  // namespace tideline

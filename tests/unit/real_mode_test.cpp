// The parts of real mode that need no kernels: the loop that follows a clock, and the threads that are told what to run.
#include "sim/serving/simulation.h"
#include "src/fidelity.h"
#include "src/real/executor.h"
#include "src/real/wall_pacer.h"
#include "tests/support/small_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace tideline {
namespace {

using namespace real;
using namespace test;
using testing::HasSubstr;

Time at(Duration d) { return Time{} + d; }

/// A clock that only waits move, and a list of what is done when.
struct FakeWall {
  WallClock::time_point now{WallClock::time_point{} + std::chrono::hours(5)};
  WallClock::time_point start = now;
  std::vector<std::pair<Duration, Completion>> comes;
  Duration oversleeps{};
  std::vector<Duration> waits;

  Wall wall() {
    return {.now = [this] { return now; },
            .wait =
                [this](WallClock::time_point until) {
                  waits.push_back(until - now);
                  if (!comes.empty() && start + comes.front().first < until) until = std::max(now, start + comes.front().first);
                  now = until + oversleeps;
                },
            .take = [this]() -> std::optional<Completion> {
              if (comes.empty() || start + comes.front().first > now) return {};
              const Completion c = comes.front().second;
              comes.erase(comes.begin());
              return c;
            }};
  }
};

TEST(the_wall_pacer, waits_until_an_event_is_due_and_records_by_how_much_it_was_late) {
  FakeWall fake;
  fake.oversleeps = 3us;
  std::atomic<bool> stop = false;
  DurationHistogram late;
  WallPacer pacer(fake.wall(), stop, late, {});
  Time now{};
  EXPECT_FALSE(pacer.wait_until(at(120ms), now));
  EXPECT_EQ(fake.now - fake.start, 120ms + 3us);
  EXPECT_EQ(late.count(), 1U);
  EXPECT_EQ(late.max(), 3us);
  for (const Duration w : fake.waits) EXPECT_LE(w, WallPacer::longest_wait) << "so that a stop is heard";
  // One that was due long ago is not put off: it keeps its time, and its lateness is told.
  fake.now += 1s;
  EXPECT_FALSE(pacer.wait_until(at(130ms), now));
  EXPECT_EQ(late.max(), 120ms + 3us + 1s - 130ms);
}

TEST(the_wall_pacer, hands_over_what_is_done_at_the_time_of_the_clock_after_what_was_due_before) {
  FakeWall fake;
  fake.comes = {{30ms, {0, 7, false}}, {45ms, {2, 8, true}}};
  std::atomic<bool> stop = false;
  DurationHistogram late;
  WallPacer pacer(fake.wall(), stop, late, {});
  Time now{};
  const auto first = pacer.wait_until(at(100ms), now);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->slot, 7U);
  EXPECT_EQ(now, at(30ms));
  fake.now += 40ms;  // the loop was busy until 70 ms: an event of 60 ms comes before what was done at 45
  EXPECT_FALSE(pacer.wait_until(at(60ms), now));
  const auto second = pacer.wait_until(at(100ms), now);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->failed);
  EXPECT_EQ(now, at(70ms));
}

TEST(the_wall_pacer, stops_when_it_is_told_and_says_so) {
  FakeWall fake;
  std::atomic<bool> stop = false;
  DurationHistogram late;
  int ticks = 0;
  WallPacer pacer(fake.wall(), stop, late, [&](Time) { ++ticks; });
  Time now{};
  EXPECT_FALSE(pacer.wait_until(at(2s), now));
  EXPECT_FALSE(pacer.stopped());
  EXPECT_GE(ticks, 3);
  stop = true;
  EXPECT_FALSE(pacer.wait_until(at(5s), now));
  EXPECT_TRUE(pacer.stopped());
  EXPECT_EQ(now, at(2s));
}

TEST(the_wall_pacer, refuses_a_clock_that_went_on_without_it) {
  FakeWall fake;
  fake.oversleeps = 4s;
  std::atomic<bool> stop = false;
  DurationHistogram late;
  WallPacer pacer(fake.wall(), stop, late, {});
  Time now{};
  EXPECT_THROW(pacer.wait_until(at(1s), now), ClockJumped);
}

// --- workers ---

/// A network that takes its time and counts itself.
class Sleeper final : public Network {
 public:
  struct Watched {
    std::atomic<int> alive = 0;
    std::mutex mutex;
    std::set<std::thread::id> ran_on;
    std::atomic<Duration> takes = Duration{2ms};
  };
  Sleeper(Watched& watched, bool fails) : watched_(watched), fails_(fails) { ++watched_.alive; }
  ~Sleeper() override { --watched_.alive; }
  void run(std::uint32_t items) override {
    {
      const std::lock_guard lock(watched_.mutex);
      watched_.ran_on.insert(std::this_thread::get_id());
    }
    std::this_thread::sleep_for(watched_.takes.load() * items);
    if (fails_) throw std::runtime_error("kernel 3 failed");
  }
  void set_input(std::uint32_t, std::span<const float>) override {}
  std::vector<float> output(std::uint32_t) const override { return {}; }
  const real::LoadParts& load_parts() const override { return parts_; }
  std::int64_t weight_bytes() const override { return 10; }
  std::int64_t resident_bytes() const override { return 1000; }

 private:
  Watched& watched_;
  bool fails_;
  real::LoadParts parts_{0.001, 0.002, 0.003, 0.004};
};

struct Sleepers final : Backend, Sleeper::Watched {
  bool fails = false, cannot_load = false;
  std::string name() const override { return "sleepers"; }
  std::string version() const override { return "1"; }
  void check(const NetworkSpec&) const override {}
  std::unique_ptr<Network> load(const NetworkSpec&, std::uint32_t, unsigned) override {
    if (cannot_load) throw CannotRun("no memory left");
    return std::make_unique<Sleeper>(*this, fails);
  }
};

struct Machine {
  WorldBuilder b;
  VariantId v;
  std::unique_ptr<World> world;
  Sleepers backend;
  std::unique_ptr<RealExecutor> executor;

  Machine() {
    const SiteId s = b.site("edge");
    const TaskId t = b.task("t");
    const HardwareId cpu = b.hardware("cpu");
    v = b.variant(
        "v", t, cpu, 0.7, [](std::uint32_t items) { return items * 10ms; }, 4);
    b.pool("p", s, cpu, 1);
    b.add_class(t);
    world = b.build();
    CorePlan p;
    const CoreSet cores = usable_cores();
    p.loop = {cores.front()};
    p.devices = {{cores.back()}};
    executor = std::make_unique<RealExecutor>(*world, 1, p, std::vector<std::optional<Runnable>>{Runnable{&backend, {}}});
  }
  LoadRun load(std::uint32_t instance) const {
    LoadRun run;
    run.instance = InstanceId{instance};
    run.device = DeviceId{0};
    run.parts.variant = v;
    return run;
  }
  BatchRun batch(std::uint32_t items) const {
    BatchRun run;
    run.variant = v;
    run.items = items;
    return run;
  }
  /// Waits for the next completion, at most a second.
  std::optional<Completion> next() const {
    const auto until = WallClock::now() + 1s;
    while (WallClock::now() < until) {
      if (const auto c = executor->take()) return c;
      executor->wait_until(WallClock::now() + 10ms);
    }
    return {};
  }
};

TEST(a_real_executor, loads_runs_and_frees) {
  Machine m;
  EXPECT_FALSE(m.executor->load(m.load(3)));
  const auto warm = m.next();
  ASSERT_TRUE(warm);
  EXPECT_EQ(warm->kind, static_cast<unsigned>(EventKind::warm));
  EXPECT_EQ(warm->slot, 3U);
  EXPECT_EQ(m.backend.alive, 1);
  EXPECT_EQ(m.executor->run(InstanceId{3}, m.batch(2)), forever);
  const auto done = m.next();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->kind, static_cast<unsigned>(EventKind::batch_done));
  EXPECT_FALSE(done->failed);
  const RealFacts& facts = m.executor->facts();
  ASSERT_EQ(facts.kernels.size(), 1U);
  EXPECT_EQ(facts.kernels[0].items, 2U);
  EXPECT_GE(facts.kernels[0].alone.min(), 4ms);
  ASSERT_EQ(facts.loads.size(), 1U);
  EXPECT_DOUBLE_EQ(facts.loads[0].parts.sum(), 0.01);
  EXPECT_EQ(facts.most_resident_bytes, 1000);
  m.executor->unload(InstanceId{3});
  for (int k = 0; k < 100 && m.backend.alive > 0; ++k) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(m.backend.alive, 0) << "an eviction frees the network";
}

TEST(a_real_executor, tells_of_a_kernel_that_throws_and_goes_on) {
  Machine m;
  m.backend.fails = true;
  m.executor->load_before_start(m.load(1));
  for (int k = 0; k < 2; ++k) {
    (void)m.executor->run(InstanceId{1}, m.batch(1));
    const auto done = m.next();
    ASSERT_TRUE(done);
    EXPECT_TRUE(done->failed);
  }
  EXPECT_EQ(m.executor->facts().failed_batches, 2U);
  EXPECT_THAT(m.executor->facts().first_failure, HasSubstr("kernel 3 failed"));
}

TEST(a_real_executor, says_that_a_load_failed) {
  Machine m;
  m.backend.cannot_load = true;
  (void)m.executor->load(m.load(1));
  const auto done = m.next();
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->failed);
  EXPECT_THROW(m.executor->load_before_start(m.load(2)), CannotRun);
  EXPECT_EQ(m.backend.alive, 0);
}

TEST(a_real_executor, posts_nothing_for_an_instance_that_is_gone) {
  Machine m;
  m.backend.takes = 20ms;
  m.executor->load_before_start(m.load(1));
  (void)m.executor->run(InstanceId{1}, m.batch(1));
  m.executor->unload(InstanceId{1});
  // The slot is used again while the kernel of the one before still runs.
  (void)m.executor->load(m.load(1));
  const auto warm = m.next();
  ASSERT_TRUE(warm);
  EXPECT_EQ(warm->kind, static_cast<unsigned>(EventKind::warm));
  std::this_thread::sleep_for(60ms);
  EXPECT_FALSE(m.executor->take());
  EXPECT_EQ(m.backend.alive, 1);
}

TEST(a_real_executor, refuses_what_no_kernel_does) {
  Machine m;
  m.executor->load_before_start(m.load(1));
  BatchRun run = m.batch(1);
  run.work = 1.5;
  EXPECT_THROW((void)m.executor->run(InstanceId{1}, run), CannotRun);
  run.work = 1;
  run.option = 1;
  EXPECT_THROW((void)m.executor->run(InstanceId{1}, run), CannotRun);
  run.option = 0;
  (void)m.executor->run(InstanceId{1}, run);
  EXPECT_TRUE(m.next()) << "it was not left half begun";
}

TEST(a_real_executor, has_no_more_threads_than_are_busy_at_once) {
  Machine m;
  m.backend.takes = 100us;
  m.executor->load_before_start(m.load(1));
  m.executor->load_before_start(m.load(2));
  m.backend.ran_on.clear();
  for (std::uint32_t k = 0; k < 200; ++k) {
    (void)m.executor->run(InstanceId{1 + k % 2}, m.batch(1));
    ASSERT_TRUE(m.next());
  }
  EXPECT_EQ(m.backend.ran_on.size(), 1U) << "who ran the one before waits awake for the next, of whichever instance";
  m.backend.ran_on.clear();
  m.backend.takes = 20ms;
  (void)m.executor->run(InstanceId{1}, m.batch(1));
  (void)m.executor->run(InstanceId{2}, m.batch(1));
  ASSERT_TRUE(m.next());
  ASSERT_TRUE(m.next());
  EXPECT_EQ(m.backend.ran_on.size(), 2U) << "batches at once have a thread each";
}

TEST(a_simulated_run_with_times_that_were_seen, takes_the_factor_of_the_batch_that_is_nearest) {
  Machine m;
  Seen seen(*m.world);
  SeenExecutor nothing(*m.world, 1, seen);
  BatchRun run = m.batch(2);
  EXPECT_EQ(nothing.run(InstanceId{1}, run), nothing.expected_run(run));
  seen.batches[m.v.index()] = {{90, 3}, {10, 2}, {20, 1.5}};
  seen.loads[m.v.index()] = {2, 4};
  seen.sort();
  SeenExecutor executor(*m.world, 1, seen);
  const std::vector<std::pair<std::uint64_t, double>> expected{{0, 2},    {10, 2},   {14, 2}, {16, 1.5},
                                                               {20, 1.5}, {54, 1.5}, {56, 3}, {1000, 3}};
  for (const auto& [serial, factor] : expected) {
    run.first_serial = serial;
    EXPECT_EQ(executor.run(InstanceId{1}, run), scaled(executor.expected_run(run), factor)) << serial;
  }
  EXPECT_EQ(executor.load(m.load(1)), 2);
  EXPECT_EQ(executor.load(m.load(1)), 4);
  EXPECT_EQ(executor.load(m.load(1)), 4) << "beyond what was seen like the last";
}

TEST(a_real_executor, tells_what_batches_and_loads_took) {
  Machine m;
  Seen seen(*m.world);
  m.executor->watch(seen);
  m.executor->load_before_start(m.load(1));
  BatchRun run = m.batch(2);
  run.first_serial = 77;
  (void)m.executor->run(InstanceId{1}, run);
  ASSERT_TRUE(m.next());
  ASSERT_EQ(seen.batches[m.v.index()].size(), 1U);
  EXPECT_EQ(seen.batches[m.v.index()][0].first_serial, 77U);
  EXPECT_GE(seen.batches[m.v.index()][0].factor, 0.2) << "4 ms of the 20 that the profile says";
  EXPECT_TRUE(seen.loads[m.v.index()].empty()) << "it was there before the start";
}

TEST(a_fitted_catalog, has_the_times_that_were_seen_and_interference_where_batches_run_side_by_side) {
  const auto report = nlohmann::ordered_json::parse(R"({"dispatch": {"mean_s": 0.001}, "returned": {"mean_s": 0.002},
    "kernels": [{"variant": "v", "profile_s": 0.01, "alone": {"count": 4, "mean_s": 0.02}, "beside": {"count": 4, "mean_s": 0.03}}]})");
  Fidelity f;
  f.bands.emplace_back().reports.push_back(report);
  const auto fitted = fitted_catalog(nlohmann::ordered_json::parse(R"({"hardware": [{"name": "a"}, {"name": "b", "sharing": "partitioned"}],
    "variants": [{"name": "v", "profile": {"latency_s": {"1": 0.01, "4": 0.03}}}, {"name": "w", "profile": {"latency_s": {"1": 0.5}}}]})"),
                                     f);
  EXPECT_NEAR(fitted["variants"][0]["profile"]["latency_s"]["4"].get<double>(), 0.03 * 2 + 0.003, 1e-12);
  EXPECT_NEAR(fitted["variants"][1]["profile"]["latency_s"]["1"].get<double>(), 0.503, 1e-12) << "what was not seen has the overhead alone";
  EXPECT_FALSE(fitted["hardware"][0].contains("interference"));
  EXPECT_NEAR(fitted["hardware"][1]["interference"][1].get<double>(), 1.5, 1e-12);
}

TEST(a_real_executor, knows_which_kernels_ran_beside_others) {
  Machine m;
  m.backend.takes = 10ms;
  m.executor->load_before_start(m.load(1));
  m.executor->load_before_start(m.load(2));
  (void)m.executor->run(InstanceId{1}, m.batch(1));
  (void)m.executor->run(InstanceId{2}, m.batch(1));
  ASSERT_TRUE(m.next());
  ASSERT_TRUE(m.next());
  (void)m.executor->run(InstanceId{1}, m.batch(1));
  ASSERT_TRUE(m.next());
  ASSERT_EQ(m.executor->facts().kernels.size(), 1U);
  EXPECT_EQ(m.executor->facts().kernels[0].beside.count(), 2U);
  EXPECT_EQ(m.executor->facts().kernels[0].alone.count(), 1U);
}

TEST(devices, get_cores_of_their_own_or_the_numbers_that_are_missing) {
  Machine m;
  const CorePlan p = plan_cores(*m.world, {2, 5});
  EXPECT_EQ(p.loop, CoreSet{2});
  ASSERT_EQ(p.devices.size(), 1U);
  EXPECT_EQ(p.devices[0], CoreSet{5});
  try {
    (void)plan_cores(*m.world, {4});
    FAIL();
  } catch (const CannotRun& e) {
    EXPECT_THAT(e.what(), HasSubstr("need 1 cores and the event loop one"));
  }
  EXPECT_EQ(core_list({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
}

}  // namespace
}  // namespace tideline

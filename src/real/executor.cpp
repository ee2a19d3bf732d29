#include "src/real/executor.h"

#include "sim/core/text.h"
#include "sim/serving/simulation.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace tideline::real {

namespace {

Duration between(WallClock::time_point from, WallClock::time_point to) { return std::chrono::duration_cast<Duration>(to - from); }

/// One core option says nothing of threads: then the kernel does.
unsigned threads_of(const Variant& v, std::uint8_t option) {
  return v.profile.cores().size() > 1 ? v.profile.cores()[option] : v.kernel ? v.kernel->threads : 1;
}

std::size_t most_threads(const Variant& v) {
  return v.profile.cores().size() > 1 ? v.profile.cores().back() : v.kernel ? v.kernel->threads : 1;
}

}  // namespace

CorePlan plan_cores(const World& world, const CoreSet& usable) {
  const Topology& topology = world.topology();
  std::vector<std::size_t> needs;
  std::size_t sum = 0;
  for (const Device& d : topology.devices) {
    const Hardware& h = world.catalog()[d.hardware];
    std::size_t cores = h.sharing == Sharing::partitioned ? h.cores : 1;
    if (h.sharing != Sharing::partitioned)
      for (const Variant& v : world.catalog().variants)
        if (v.hardware == d.hardware) cores = std::max(cores, most_threads(v));
    needs.push_back(cores);
    sum += cores;
  }
  if (sum + 1 > usable.size())
    throw CannotRun("the " + std::to_string(needs.size()) + " devices of the cluster need " + std::to_string(sum) +
                    " cores and the event loop one: this process may use " + std::to_string(usable.size()) + " (" + core_list(usable) +
                    "); make the cluster smaller");
  CorePlan p;
  p.loop = {usable.front()};
  std::size_t next = 1;
  for (const std::size_t n : needs) {
    p.devices.emplace_back(usable.begin() + static_cast<std::ptrdiff_t>(next), usable.begin() + static_cast<std::ptrdiff_t>(next + n));
    next += n;
  }
  return p;
}

RealExecutor::RealExecutor(const World& world, std::uint64_t seed, CorePlan placement, std::vector<std::optional<Runnable>> kernels)
    : world_(world),
      profiled_(world.catalog(), seed),
      placement_(std::move(placement)),
      kernels_(std::move(kernels)),
      free_cores_(placement_.devices) {}

RealExecutor::~RealExecutor() = default;

/// Of a partitioned device as many as the option says, while it lives; any other device runs all its instances on all its cores.
CoreSet RealExecutor::cores_for(const LoadRun& run) {
  const DeviceId d = run.device;
  if (world_.catalog()[world_.topology()[d].hardware].sharing != Sharing::partitioned) return placement_.devices[d.index()];
  CoreSet& free = free_cores_[d.index()];
  const auto n = static_cast<std::ptrdiff_t>(world_[run.parts.variant].profile.cores()[run.option]);
  assert(static_cast<std::ptrdiff_t>(free.size()) >= n);
  CoreSet out(free.begin(), free.begin() + n);
  free.erase(free.begin(), free.begin() + n);
  return out;
}

Workers& RealExecutor::workers_on(const CoreSet& cores) {
  for (const auto& w : workers_)
    if (w->cores() == cores) return *w;
  return *workers_.emplace_back(std::make_unique<Workers>(cores, mailbox_));
}

RealExecutor::Instance& RealExecutor::begin_load(const LoadRun& run) {
  Instance& x = instances_[run.instance.index()];
  x.variant = run.parts.variant;
  x.device = run.device;
  x.option = run.option;
  const CoreSet cores = cores_for(run);
  if (world_.catalog()[world_.topology()[run.device].hardware].sharing == Sharing::partitioned) x.cores = cores;
  x.workers = &workers_on(cores);
  x.workers->attach();
  x.slot = std::make_shared<NetworkSlot>();
  x.ticket = next_ticket_++;
  x.wished = WallClock::now();
  x.expected = profiled_.expected_load(run.parts);
  doing_[x.ticket] = run.instance.index();
  const Runnable& kernel = *kernels_[x.variant.index()];
  const Variant& v = world_[x.variant];
  Job job;
  job.kind = Job::Kind::load;
  job.ticket = x.ticket;
  job.items = v.profile.max_items();
  job.threads = threads_of(v, run.option);
  job.backend = kernel.backend;
  job.spec = kernel.spec;
  job.slot = x.slot;
  x.workers->tell(std::move(job));
  return x;
}

std::optional<double> RealExecutor::load(const LoadRun& run) {
  begin_load(run);
  return {};
}

void RealExecutor::load_before_start(const LoadRun& run) {
  Instance& x = begin_load(run);
  while (true) {
    mailbox_.wait_until(WallClock::now() + std::chrono::hours(1));
    const auto done = mailbox_.take();
    if (!done || done->ticket != x.ticket) continue;
    doing_.erase(x.ticket);
    if (done->failed) throw CannotRun("variant '" + world_[x.variant].name + "' cannot be loaded: " + done->error);
    loaded(x, *done, true);
    return;
  }
}

void RealExecutor::loaded(Instance& x, const Done& done, bool before_start) {
  x.ticket = 0;
  x.resident_bytes = done.resident_bytes;
  resident_bytes_ += x.resident_bytes;
  facts_.most_resident_bytes = std::max(facts_.most_resident_bytes, resident_bytes_);
  facts_.loads.push_back({x.variant, done.parts, between(x.wished, WallClock::now()), before_start});
  if (seen_ != nullptr && !before_start && x.expected > Duration{})
    seen_->loads[x.variant.index()].push_back(to_seconds(facts_.loads.back().took) / to_seconds(x.expected));
}

void RealExecutor::unload(InstanceId i) {
  const auto at = instances_.find(i.index());
  if (at == instances_.end()) return;
  Instance& x = at->second;
  if (x.ticket != 0) {
    doing_.erase(x.ticket);
    if (x.items > 0) --running_;
  }
  resident_bytes_ -= x.resident_bytes;
  CoreSet& free = free_cores_[x.device.index()];
  free.insert(free.end(), x.cores.begin(), x.cores.end());
  Job job;
  job.kind = Job::Kind::unload;
  job.ticket = next_ticket_++;
  job.slot = std::move(x.slot);
  x.workers->tell(std::move(job));
  x.workers->detach();
  instances_.erase(at);
}

Duration RealExecutor::run(InstanceId i, const BatchRun& run) {
  Instance& x = instances_.at(i.index());
  assert(x.ticket == 0);
  const std::string at = "a batch of variant '" + world_[x.variant].name + "' ";
  if (std::abs(run.work - 1) > 1e-6)
    throw CannotRun(at + "has work " + to_text(run.work) +
                    ": a kernel takes what it takes, so queries with work and early exits that are " + "resumed can only be simulated");
  if (run.option != x.option)
    throw CannotRun(at + "runs on other cores than its network was loaded for: instances are resized by restarts here, not in place");
  x.ticket = next_ticket_++;
  x.items = run.items;
  x.expected = profiled_.expected_run(run);
  x.first_serial = run.first_serial;
  doing_[x.ticket] = i.index();
  x.was_beside = running_ > 0;
  if (running_ > 0)
    for (auto& [slot, other] : instances_)
      if (other.items > 0) other.was_beside = true;
  ++running_;
  Job job;
  job.kind = Job::Kind::run;
  job.ticket = x.ticket;
  job.items = run.items;
  job.slot = x.slot;
  x.workers->tell(std::move(job));
  return forever;
}

KernelTimes& RealExecutor::times_of(const Instance& x) {
  const auto [at, is_new] = times_.try_emplace({x.variant.index(), x.items, x.option}, facts_.kernels.size());
  if (is_new) facts_.kernels.push_back({x.variant, x.items, x.option, {}, {}});
  return facts_.kernels[at->second];
}

std::optional<Completion> RealExecutor::take() {
  while (const auto done = mailbox_.take()) {
    if (done->kind == Job::Kind::unload) continue;
    const auto at = doing_.find(done->ticket);
    if (at == doing_.end()) continue;  // its instance is gone
    const std::uint32_t slot = at->second;
    doing_.erase(at);
    Instance& x = instances_.at(slot);
    if (done->failed && facts_.first_failure.empty()) facts_.first_failure = "variant '" + world_[x.variant].name + "': " + done->error;
    if (done->kind == Job::Kind::load) {
      if (done->failed)
        ++facts_.failed_loads, x.ticket = 0;
      else
        loaded(x, *done, false);
      return Completion{static_cast<unsigned>(EventKind::warm), slot, done->failed};
    }
    --running_;
    facts_.dispatch.record(between(done->told, done->began));
    const auto now = WallClock::now();
    facts_.returned.record(between(done->ended, now));
    if (done->failed) {
      ++facts_.failed_batches;
    } else {
      KernelTimes& times = times_of(x);
      (x.was_beside ? times.beside : times.alone).record(between(done->began, done->ended));
      if (seen_ != nullptr)
        seen_->batches[x.variant.index()].push_back({x.first_serial, to_seconds(between(done->told, now)) / to_seconds(x.expected)});
    }
    x.ticket = 0;
    x.items = 0;
    return Completion{static_cast<unsigned>(EventKind::batch_done), slot, done->failed};
  }
  return {};
}

}  // namespace tideline::real

#include "src/real/worker.h"

#include <exception>
#include <new>
#include <utility>

namespace tideline::real {

void Mailbox::post(Done done) {
  const std::lock_guard lock(mutex_);
  done_.push_back(std::move(done));
  posted_.store(done_.size(), std::memory_order_release);
}

std::optional<Done> Mailbox::take() {
  if (posted_.load(std::memory_order_acquire) == 0) return {};
  const std::lock_guard lock(mutex_);
  Done done = std::move(done_.front());
  done_.pop_front();
  posted_.store(done_.size(), std::memory_order_release);
  return done;
}

void Mailbox::wait_until(WallClock::time_point until) const {
  while (posted_.load(std::memory_order_acquire) == 0 && WallClock::now() < until) spin_once();
}

Workers::Workers(CoreSet cores, Mailbox& mailbox) : cores_(std::move(cores)), mailbox_(mailbox) {}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    look_.store(true, std::memory_order_release);
  }
  came_.notify_all();
  for (std::thread& t : threads_) t.join();
}

void Workers::tell(Job job) {
  const auto now = WallClock::now();
  const std::lock_guard lock(mutex_);
  jobs_.push_back({std::move(job), now});
  if (is_awake_) look_.store(true, std::memory_order_release);
  // Who waits awake or is about to look takes one; for any more there has to be a thread each.
  const std::size_t looking = threads_.size() - busy_ - asleep_;
  if (jobs_.size() <= looking) return;
  if (jobs_.size() > looking + asleep_)
    threads_.emplace_back([this] { loop(); });
  else
    came_.notify_one();
}

void Workers::attach() {
  const std::lock_guard lock(mutex_);
  ++instances_;
}

void Workers::detach() {
  const std::lock_guard lock(mutex_);
  --instances_;
  if (instances_ == 0) look_.store(true, std::memory_order_release);
}

std::optional<Workers::Told> Workers::next() {
  std::unique_lock lock(mutex_);
  while (jobs_.empty()) {
    if (stop_) return {};
    if (!is_awake_ && busy_ == 0 && instances_ > 0) {
      is_awake_ = true;
      look_.store(false, std::memory_order_relaxed);
      lock.unlock();
      while (!look_.load(std::memory_order_acquire)) spin_once();
      lock.lock();
      is_awake_ = false;
    } else {
      ++asleep_;
      came_.wait(lock);
      --asleep_;
    }
  }
  Told told = std::move(jobs_.front());
  jobs_.pop_front();
  ++busy_;
  return told;
}

Done Workers::carry_out(const Told& told, const std::string& cannot_pin) {
  const Job& job = told.job;
  Done done;
  done.kind = job.kind;
  done.ticket = job.ticket;
  done.told = told.at;
  done.began = WallClock::now();
  try {
    switch (job.kind) {
      case Job::Kind::load:
        if (!cannot_pin.empty()) throw CannotRun(cannot_pin);
        job.slot->network = job.backend->load(job.spec, job.items, job.threads);
        done.parts = job.slot->network->load_parts();
        done.resident_bytes = job.slot->network->resident_bytes();
        break;
      case Job::Kind::run:
        if (!job.slot->network) throw CannotRun("nothing is loaded");
        job.slot->network->run(job.items);
        break;
      case Job::Kind::unload:
        break;
    }
  } catch (const std::bad_alloc&) {
    done.failed = true;
    done.error = "out of memory";
  } catch (const std::exception& e) {
    done.failed = true;
    done.error = e.what();
  } catch (...) {
    done.failed = true;
    done.error = "an exception that is no std::exception";
  }
  done.ended = WallClock::now();
  return done;
}

void Workers::loop() {
  std::string cannot_pin;
  try {
    pin(cores_);
  } catch (const CannotRun& e) {
    cannot_pin = e.what();
  }
  while (auto told = next()) {
    Done done = carry_out(*told, cannot_pin);
    told.reset();  // lets go of the network before anybody hears of it
    {
      const std::lock_guard lock(mutex_);
      --busy_;
    }
    mailbox_.post(std::move(done));
  }
}

}  // namespace tideline::real

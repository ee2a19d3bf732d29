#include "src/real/worker.h"

#include <new>
#include <utility>

namespace tideline::real {

void Mailbox::post(Done done) {
  {
    const std::lock_guard lock(mutex_);
    done_.push_back(std::move(done));
  }
  came_.notify_one();
}

std::optional<Done> Mailbox::take() {
  const std::lock_guard lock(mutex_);
  if (done_.empty()) return {};
  Done done = std::move(done_.front());
  done_.pop_front();
  return done;
}

void Mailbox::wait_until(WallClock::time_point until) {
  std::unique_lock lock(mutex_);
  came_.wait_until(lock, until, [&] { return !done_.empty(); });
}

Worker::Worker(CoreSet cores, Mailbox& mailbox) : cores_(std::move(cores)), mailbox_(mailbox), thread_([this] { loop(); }) {}

Worker::~Worker() {
  Job stop;
  stop.kind = Job::Kind::stop;
  tell(stop);
  thread_.join();
}

void Worker::tell(Job job) {
  const auto now = WallClock::now();
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(job), now});
  }
  came_.notify_one();
}

void Worker::loop() {
  std::string cannot_pin;
  try {
    pin(cores_);
  } catch (const CannotRun& e) {
    cannot_pin = e.what();
  }
  std::unique_ptr<Network> network;
  while (true) {
    Told next;
    {
      std::unique_lock lock(mutex_);
      came_.wait(lock, [&] { return !jobs_.empty(); });
      next = std::move(jobs_.front());
      jobs_.pop_front();
    }
    const Job& job = next.job;
    if (job.kind == Job::Kind::stop) return;
    Done done;
    done.kind = job.kind;
    done.ticket = job.ticket;
    done.told = next.at;
    done.began = WallClock::now();
    try {
      switch (job.kind) {
        case Job::Kind::load:
          network.reset();
          if (!cannot_pin.empty()) throw CannotRun(cannot_pin);
          network = job.backend->load(job.spec, job.items, job.threads);
          done.parts = network->load_parts();
          done.resident_bytes = network->resident_bytes();
          break;
        case Job::Kind::run:
          if (!network) throw CannotRun("nothing is loaded");
          network->run(job.items);
          break;
        case Job::Kind::unload:
          network.reset();
          break;
        case Job::Kind::stop:
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
    mailbox_.post(std::move(done));
  }
}

}  // namespace tideline::real

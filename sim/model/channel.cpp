#include "sim/model/channel.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace tideline {

double Channel::sharers() const {
  const auto k = static_cast<double>(transfers_.size());
  return gamma_ == 1 ? k : std::pow(k, gamma_);
}

double Channel::virtual_at(Time now) const {
  return transfers_.empty() ? virtual_ : virtual_ + to_seconds(now - changed_) * bytes_per_s_ / sharers();
}

double Channel::carried_bytes(Time now) const { return carried_ + (virtual_at(now) - virtual_) * static_cast<double>(transfers_.size()); }

void Channel::settle(Time now) {
  assert(now >= changed_);
  carried_ = carried_bytes(now);
  busy_ = busy(now);
  virtual_ = virtual_at(now);
  changed_ = now;
}

void Channel::look_ahead() {
  if (transfers_.empty() || bytes_per_s_ <= 0) {
    next_end_ = never;
    return;
  }
  const double left = std::max(0.0, transfers_.front().ends_at - virtual_);
  next_end_ = later(changed_, from_seconds(left * sharers() / bytes_per_s_));
}

void Channel::begin(Time now, double bytes, std::uint32_t payload) {
  assert(bytes > 0);
  settle(now);
  if (transfers_.empty()) virtual_ = 0;  // small numbers keep their digits
  transfers_.push_back({virtual_ + bytes, sequence_++, payload});
  std::push_heap(transfers_.begin(), transfers_.end(), later_end);
  look_ahead();
}

std::uint32_t Channel::end() {
  assert(!transfers_.empty() && next_end_ != never);
  const double ends_at = transfers_.front().ends_at;
  const std::uint32_t payload = transfers_.front().payload;
  const Time now = next_end_;
  settle(now);
  // Times are whole nanoseconds: what each got since is what the first needed, no more and no less.
  carried_ += (ends_at - virtual_) * static_cast<double>(transfers_.size());
  virtual_ = ends_at;
  std::pop_heap(transfers_.begin(), transfers_.end(), later_end);
  transfers_.pop_back();
  look_ahead();
  return payload;
}

void Channel::cancel(Time now, std::uint32_t payload) {
  settle(now);
  const auto at = std::find_if(transfers_.begin(), transfers_.end(), [&](const Transfer& t) { return t.payload == payload; });
  if (at == transfers_.end()) return;
  transfers_.erase(at);
  std::make_heap(transfers_.begin(), transfers_.end(), later_end);
  look_ahead();
}

void Channel::set_bandwidth(Time now, double bytes_per_s) {
  settle(now);
  bytes_per_s_ = bytes_per_s;
  look_ahead();
}

}  // namespace tideline

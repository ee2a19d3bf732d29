// A link in one direction, a disk, a bus or a shared device: what is under way shares it equally (processor sharing), in virtual time.
#pragma once

#include "sim/core/time.h"

#include <cstdint>
#include <vector>

namespace tideline {

/// Virtual time is how many bytes each transfer has got since the channel was last idle: a transfer ends when that reaches what it was when
/// it began plus its size. So a beginning or an end changes nothing about the others but when they will end, and costs O(log transfers)
/// (as in generalised processor sharing, Parekh and Gallager 1993).
class Channel {
 public:
  /// Of k transfers each gets bytes_per_s x k^-gamma: with 1 they share what there is, with 0 each has it for itself.
  explicit Channel(double bytes_per_s, double gamma = 1) : bytes_per_s_(bytes_per_s), gamma_(gamma) {}

  /// Whether it has a bandwidth at present.
  bool carries() const { return bytes_per_s_ > 0; }
  /// Transfers under way.
  std::size_t count() const { return transfers_.size(); }
  /// When the next transfer ends if nothing changes until then; `never` if there is none, or no bandwidth.
  Time next_end() const { return next_end_; }

  /// A transfer of `bytes` above 0 begins. `now` may not go back from call to call.
  void begin(Time now, double bytes, std::uint32_t payload);
  /// The payload of the transfer that ends at `next_end()`, which is now. Of equal ends the one that began first.
  std::uint32_t end();
  /// The transfer of this payload, if there is one, is called off. O(transfers).
  void cancel(Time now, std::uint32_t payload);
  /// From now on: 0 or more bytes a second; with 0 all stand still.
  void set_bandwidth(Time now, double bytes_per_s);

  /// Bytes that it carried until `now`.
  double carried_bytes(Time now) const;
  /// Time until `now` in which it had transfers.
  Duration busy(Time now) const { return busy_ + (transfers_.empty() ? Duration{} : now - changed_); }

 private:
  struct Transfer {
    double ends_at = 0;  // in virtual time
    std::uint64_t sequence = 0;
    std::uint32_t payload = 0;
  };
  static bool later_end(const Transfer& a, const Transfer& b) {
    return a.ends_at != b.ends_at ? a.ends_at > b.ends_at : a.sequence > b.sequence;
  }
  double sharers() const;  // by how much the bandwidth is divided
  double virtual_at(Time now) const;
  void settle(Time now);
  void look_ahead();

  double bytes_per_s_, gamma_;
  double virtual_ = 0;  // bytes that each transfer got, at changed_
  double carried_ = 0;
  Time changed_{}, next_end_ = never;
  Duration busy_{};
  std::uint64_t sequence_ = 0;
  std::vector<Transfer> transfers_;  // a heap, the next to end in front
};

}  // namespace tideline

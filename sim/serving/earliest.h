// The earliest of a fixed set of times that change one at a time: a tournament.
#pragma once

#include "sim/core/time.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tideline {

/// Times by index 0 .. n-1, `never` at first. The earliest is known at once, ties to the lowest index; a change replays the
/// matches on its way up, without a branch that depends on the times.
class Earliest {
 public:
  explicit Earliest(std::size_t n) : leaves_(std::bit_ceil(std::max<std::size_t>(n, 2))), nodes_(2 * leaves_) {
    for (std::size_t k = 0; k < leaves_; ++k) nodes_[leaves_ + k] = {never, static_cast<std::uint32_t>(k)};
    for (std::size_t k = leaves_ - 1; k > 0; --k) nodes_[k] = winner(k);
  }
  Time time() const { return nodes_[1].at; }
  std::uint32_t index() const { return nodes_[1].index; }
  Time at(std::size_t index) const { return nodes_[leaves_ + index].at; }
  void set(std::size_t index, Time at) {
    std::size_t k = leaves_ + index;
    nodes_[k].at = at;
    for (k /= 2; k > 0; k /= 2) nodes_[k] = winner(k);
  }

 private:
  struct Node {
    Time at;
    std::uint32_t index = 0;
  };
  const Node& winner(std::size_t k) const {
    const Node &left = nodes_[2 * k], &right = nodes_[2 * k + 1];
    return right.at < left.at ? right : left;
  }

  std::size_t leaves_;
  std::vector<Node> nodes_;
};

}  // namespace tideline

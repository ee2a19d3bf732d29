// Nexus's squishy bin packing: which models share a device, in what batches, and how often each has its turn.
#pragma once

#include "sim/core/time.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tideline {

/// Queries of one kind for one model. Batches of `largest` at most are run; `latency[b]` is the time of b.
struct PackingSession {
  double rate = 0;  ///< items per second
  Duration slo{};
  std::span<const Duration> latency{};  ///< 0 .. largest
  std::int64_t memory_bytes = 0;
};

/// What a device shall run: in each cycle one batch of each of its sessions.
struct PackedDevice {
  struct Part {
    std::uint32_t session = 0;
    std::uint32_t batch = 1;
    double rate = 0;  ///< items per second that come here
  };
  std::vector<Part> parts;
  double cycle_s = 0;
  double occupancy = 0;  ///< share of the cycle in which it runs
};

/// Source: Shen et al., "Nexus: a GPU cluster engine for accelerating DNN-based video analysis", SOSP 2019, doi:10.1145/3341301.3359658,
/// section 6.1. A session that fills devices gets them whole, with the largest batch that takes at most half its SLO. What is left of
/// each gets the largest batch b with l(b) + b / rate <= SLO, or 1 where there is none, and shares devices: those of the highest occupancy
/// first, each put where the occupancy becomes highest, with batches as small as the shorter cycle makes them. A session that cannot
/// meet its SLO alone is left out. Our reading: what is left of one has a device whole where that batch does not carry it.
std::vector<PackedDevice> pack_squishily(std::span<const PackingSession> sessions, std::int64_t device_bytes);

/// The largest batch that takes at most half the SLO: who just misses one waits for all of it. 0 where not even one query is in time.
std::uint32_t saturating_batch(const PackingSession& session);

}  // namespace tideline

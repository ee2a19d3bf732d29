// The cheapest way to serve one class: variant, hardware, batch and number of instances together.
#pragma once

#include "sim/core/time.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tideline {

/// What could serve it.
struct VariantOption {
  std::span<const Duration> latency{};  ///< of one instance, by items: 0 .. largest batch
  double price = 0;                     ///< of an instance, per second
  double accuracy = 0;
  Duration left = forever;         ///< of the SLO, less the way there and back; `forever`: no SLO
  std::uint32_t most = 1'000'000;  ///< instances that there is room for
};

struct VariantPlan {
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  std::uint32_t option = none;  ///< none: no option meets the SLO
  std::uint32_t batch = 1, instances = 0;
  double needed = 0;  ///< instances, before rounding up
  double cost = 0;    ///< per second
};

struct VariantPlanRules {
  double headroom = 0;         ///< share by which more is planned for
  double utilization = 0.8;    ///< of an instance, at most
  double accuracy_weight = 0;  ///< price per second that full accuracy is worth
  double percentile = 0;       ///< of the latency, that has to be within the SLO; 0: the mean
};

/// Of all options and batches the one of least cost - weight x accuracy; ties: most accurate, then smallest batch, then first. n instances =
/// ceil(rate (1 + headroom) / (utilization x b / l(b))), and the latency, its mean or a percentile, has to be within the SLO: the wait until a
/// batch is full, on average (b - 1) / (2 rate / n); the wait in an M/D/1 queue of batches; and l(b).
/// Source: the search over variant, hardware and batch of InferLine (Crankshaw et al., SoCC 2020, doi:10.1145/3419111.3421285) and INFaaS
/// (ATC 2021), for one stage, by closed form; exhaustive.
VariantPlan plan_cheaply(std::span<const VariantOption> options, double rate, const VariantPlanRules& rules);

/// The mean latency that it reckons with, in seconds; infinite where the load is too much. With a percentile above 0 that one: of a batch the
/// first, who waits for all of it to form; in the queue, P(wait > t) = u exp(-u t / mean wait) at a utilisation of u, as in M/M/1 but with
/// the mean of M/D/1.
double planned_latency_s(double rate, std::uint32_t instances, std::uint32_t batch, double latency_s, double percentile = 0);

}  // namespace tideline

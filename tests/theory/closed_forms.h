// Closed forms of queueing theory that the tests compare with. Times in mean services.
#pragma once

#include <cmath>

namespace tideline::test {

/// Share lost of c servers without a line under an offered load of a (Erlang 1917); holds for any law of service.
inline double erlang_b(int c, double a) {
  double b = 1;
  for (int k = 1; k <= c; ++k) b = a * b / (k + a * b);
  return b;
}
/// Share that waits in M/M/c.
inline double erlang_c(int c, double a) {
  const double b = erlang_b(c, a);
  return b / (1 - a / c * (1 - b));
}
/// Mean wait in M/M/c.
inline double mmc_wait(int c, double rho) { return erlang_c(c, c * rho) / (c - c * rho); }
/// Quantile of the wait in M/M/c, where more than 1 - q wait.
inline double mmc_wait_quantile(int c, double rho, double q) { return std::log(erlang_c(c, c * rho) / (1 - q)) / (c - c * rho); }

/// Mean wait in M/G/1 (Pollaczek, Khinchine).
inline double mg1_wait(double rho, double cv2) { return rho * (1 + cv2) / (2 * (1 - rho)); }

/// Share refused of M/M/1 with room for K, the one in service included.
inline double mm1k_block(double rho, int room) {
  if (rho == 1) return 1.0 / (room + 1);
  return (1 - rho) * std::pow(rho, room) / (1 - std::pow(rho, room + 1));
}
/// Mean number in M/M/1/K.
inline double mm1k_in_system(double rho, int room) {
  double sum = 0, weighted = 0;
  for (int k = 0; k <= room; ++k) sum += std::pow(rho, k), weighted += k * std::pow(rho, k);
  return weighted / sum;
}

/// Mean time in each of n lines that are served in turn: E_n/M/1, by the root of its characteristic equation.
inline double round_robin_latency(int n, double rho) {
  double sigma = rho;
  for (int k = 0; k < 100000; ++k) sigma = std::pow(n * rho / (n * rho + 1 - sigma), n);
  return 1 / (1 - sigma);
}

/// M/G/1 whose server is switched off `keep` after it becomes idle and takes a set-up of moments i1, i2 (Welch 1964 at keep = 0).
struct DelayedShutdown {
  double rate, keep, i1, i2, cv2;
  double p() const { return std::exp(-rate * keep); }
  double latency() const { return 1 + mg1_wait(rate, cv2) + (2 * p() * i1 + rate * p() * i2) / (2 * (1 + rate * p() * i1)); }
  double share_cold() const { return (1 - rate) * p() / (1 + rate * p() * i1); }
  /// Those who arrive while the set-up that another triggered goes on.
  double share_delayed() const { return rate * i1 * share_cold(); }
};

/// Mean wait for a batch that leaves `timeout` after its first query, as soon as it is due: unlimited servers, no largest batch.
inline double gathering_wait(double rate, double timeout) { return (timeout + rate * timeout * timeout / 2) / (1 + rate * timeout); }

}  // namespace tideline::test

// Random numbers of two sorts: sequences, for what no policy can influence, and draws keyed by query, which are the same
// whatever any policy did to other queries.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <string_view>

namespace tideline {

/// Finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection of 64 bits that mixes well.
constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}
constexpr std::uint64_t hash(std::uint64_t a, std::uint64_t b) { return mix(a + 0x9e3779b97f4a7c15ULL * (b + 1)); }
constexpr std::uint64_t hash(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325ULL;  // FNV-1a
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mix(h);
}

/// Uniform on [0, 1) with 53 bits.
template <class Generator>
double uniform01(Generator& g) {
  return static_cast<double>(g() >> 11) * 0x1p-53;
}
/// Uniform on 0 .. n-1 (Lemire's multiplication, without rejection: bias below n / 2^64). n > 0.
template <class Generator>
std::uint32_t below(Generator& g, std::uint32_t n) {
  return static_cast<std::uint32_t>(((g() >> 32) * n) >> 32);
}

/// A sequence: xoshiro256++ (Blackman and Vigna 2019), one per purpose and index.
class Stream {
 public:
  using result_type = std::uint64_t;
  explicit Stream(std::uint64_t seed = 1) {
    for (auto& x : state_) x = mix(seed += 0x9e3779b97f4a7c15ULL);
  }
  /// The stream of a purpose, e.g. `Stream(run_seed, "arrivals", 0)`.
  Stream(std::uint64_t run_seed, std::string_view purpose, std::uint64_t index) : Stream(hash(hash(run_seed, hash(purpose)), index)) {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()() {
    const std::uint64_t r = std::rotl(state_[0] + state_[3], 23) + state_[0], t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return r;
  }

 private:
  std::uint64_t state_[4];
};

/// What a keyed draw is for. Part of the key: appending is safe, reordering changes results.
enum class Purpose : std::uint8_t { difficulty = 1, answer, confidence, work, service, jitter, load, feedback, row };

/// A small generator (splitmix64) for the draws of one key.
class KeyedDraw {
 public:
  using result_type = std::uint64_t;
  KeyedDraw(std::uint64_t run_seed, Purpose purpose, std::uint64_t serial, std::uint64_t detail = 0)
      : state_(hash(hash(run_seed ^ (static_cast<std::uint64_t>(purpose) << 56), serial), detail)) {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }

 private:
  std::uint64_t state_;
};

}  // namespace tideline

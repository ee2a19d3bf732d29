// bfloat16: the upper half of a float. On the processor, and in kernels for a GPU.
#pragma once

#include <bit>
#include <cstdint>

#ifdef __CUDACC__
#define TIDELINE_HOST_DEVICE __host__ __device__
#else
#define TIDELINE_HOST_DEVICE
#endif

namespace tideline::real {

struct Bf16 {
  std::uint16_t bits = 0;
};

TIDELINE_HOST_DEVICE inline float get(float x) { return x; }
TIDELINE_HOST_DEVICE inline float get(Bf16 x) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(static_cast<unsigned>(x.bits) << 16);
#else
  return std::bit_cast<float>(std::uint32_t{x.bits} << 16);
#endif
}

TIDELINE_HOST_DEVICE inline void put(float& to, float x) { to = x; }
/// To the nearest, ties to even.
TIDELINE_HOST_DEVICE inline void put(Bf16& to, float x) {
#ifdef __CUDA_ARCH__
  const std::uint32_t bits = __float_as_uint(x);
#else
  const auto bits = std::bit_cast<std::uint32_t>(x);
#endif
  const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
  to.bits = is_nan ? std::uint16_t{0x7fc0} : static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

}  // namespace tideline::real

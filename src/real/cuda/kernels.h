// What networks need beside convolutions, as functions that put one kernel on a stream. All pointers are to memory of the GPU; values are
// f32 or bf16, sums and exponentials are made in f32. Each returns what the launch did, not what the kernel did: that shows later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cuda_runtime_api.h>

namespace tideline::real {
enum class Precision : std::uint8_t;
}

namespace tideline::real::cuda {

/// How the values of a batch lie: planes of side x side pixels, each of `inner` values. Channels first: a plane for each item and channel
/// and one value in a pixel; channels last: a plane for each item and a value for each channel.
struct Planes {
  std::size_t planes = 0;
  std::uint32_t side = 0;
  std::uint32_t inner = 1;
  std::size_t values() const { return planes * side * side * inner; }
};

/// values[i] = f(values[i] + bias[channel]); f is x / (1 + e^-x) or nothing. A channel's values stand in runs of `run`, channel by channel.
cudaError_t add_bias(Precision precision, void* values, std::size_t count, const float* bias, std::uint32_t run, std::uint32_t channels,
                     bool silu, cudaStream_t stream);
/// to[i] = a[i] + b[i].
cudaError_t add(Precision precision, void* to, const void* a, const void* b, std::size_t count, cudaStream_t stream);
/// Rows of `width` values that stand close together in `from` and are `pitch` values apart in `to`.
cudaError_t copy_rows(Precision precision, void* to, std::size_t pitch, const void* from, std::size_t width, std::size_t rows,
                      cudaStream_t stream);
/// The greatest value within `reach` pixels up, down, left and right; the image ends at its edges.
cudaError_t max_pool(Precision precision, void* to, const void* from, Planes planes, std::uint32_t reach, cudaStream_t stream);
/// Each pixel of `from` four times. `planes` are those of `to`, whose side is even.
cudaError_t upsample(Precision precision, void* to, const void* from, Planes planes, cudaStream_t stream);

}  // namespace tideline::real::cuda

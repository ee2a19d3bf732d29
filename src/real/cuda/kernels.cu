#include "src/real/cuda/kernels.h"

#include "src/real/backend.h"
#include "src/real/cuda/kernel_bodies.h"

#include <algorithm>

namespace tideline::real::cuda {
namespace {

constexpr unsigned threads = 256;
constexpr std::size_t most_blocks = 1 << 20;

/// A thread for each index, or for several where there are too many blocks of them.
template <class Index, class F>
__global__ void each(Index count, F f) {
  const Index step = static_cast<Index>(gridDim.x) * blockDim.x;
  for (Index i = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) f(i);
}

template <class F>
cudaError_t launch(std::size_t count, F f, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>(std::min(most_blocks, (count + threads - 1) / threads));
  // Divisions of 64 bits take several times as long. Half of the range: the index after the last one must not begin again.
  if (count < (std::size_t{1} << 31))
    each<std::uint32_t><<<blocks, threads, 0, stream>>>(static_cast<std::uint32_t>(count), f);
  else
    each<std::size_t><<<blocks, threads, 0, stream>>>(count, f);
  return cudaGetLastError();
}

/// `f` with values of the precision.
template <class F>
cudaError_t typed(Precision precision, void* values, F f) {
  return precision == Precision::bf16 ? f(static_cast<Bf16*>(values)) : f(static_cast<float*>(values));
}

}  // namespace

cudaError_t add_bias(Precision precision, void* values, std::size_t count, const float* bias, std::uint32_t run, std::uint32_t channels,
                     bool silu, cudaStream_t stream) {
  return typed(precision, values, [&]<class T>(T* v) { return launch(count, AddBias<T>{v, bias, run, channels, silu}, stream); });
}

cudaError_t add(Precision precision, void* to, const void* a, const void* b, std::size_t count, cudaStream_t stream) {
  return typed(precision, to, [&]<class T>(T* t) {
    return launch(count, Add<T>{t, static_cast<const T*>(a), static_cast<const T*>(b)}, stream);
  });
}

cudaError_t copy_rows(Precision precision, void* to, std::size_t pitch, const void* from, std::size_t width, std::size_t rows,
                      cudaStream_t stream) {
  return typed(precision, to, [&]<class T>(T* t) {
    return launch(width * rows, CopyRows<T>{t, pitch, static_cast<const T*>(from), width}, stream);
  });
}

cudaError_t max_pool(Precision precision, void* to, const void* from, Planes planes, std::uint32_t reach, cudaStream_t stream) {
  return typed(precision, to, [&]<class T>(T* t) {
    return launch(planes.values(), MaxPool<T>{t, static_cast<const T*>(from), planes.side, planes.inner, reach}, stream);
  });
}

cudaError_t upsample(Precision precision, void* to, const void* from, Planes planes, cudaStream_t stream) {
  return typed(precision, to, [&]<class T>(T* t) {
    return launch(planes.values(), Upsample<T>{t, static_cast<const T*>(from), planes.side, planes.inner}, stream);
  });
}

}  // namespace tideline::real::cuda

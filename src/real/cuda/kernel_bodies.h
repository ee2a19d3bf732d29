// What a thread of each kernel does for one index of its output, or of its input where each value of that goes one way. The GPU runs them
// through kernels.cu; tests run the same ones on the processor (tests/support/cuda_stand_in.cpp). T is float or Bf16, Index is std::uint32_t
// or, where that is too narrow for the values of a batch, std::size_t.
#pragma once

#include "src/real/bf16.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace tideline::real::cuda {

template <class T>
struct AddBias {
  T* values;
  const float* bias;
  std::uint32_t run, channels;
  bool silu;
  template <class Index>
  TIDELINE_HOST_DEVICE void operator()(Index i) const {
    const float x = get(values[i]) + bias[i / run % channels];
    put(values[i], silu ? x / (1.0F + expf(-x)) : x);
  }
};

template <class T>
struct Add {
  T* to;
  const T *a, *b;
  template <class Index>
  TIDELINE_HOST_DEVICE void operator()(Index i) const {
    put(to[i], get(a[i]) + get(b[i]));
  }
};

template <class T>
struct CopyRows {
  T* to;
  std::size_t pitch;
  const T* from;
  std::size_t width;
  template <class Index>
  TIDELINE_HOST_DEVICE void operator()(Index i) const {
    const auto w = static_cast<Index>(width);
    to[static_cast<std::size_t>(i / w) * pitch + i % w] = from[i];
  }
};

/// An index of values in planes of side x side pixels with `inner` values each.
struct Place {
  std::size_t plane;
  std::uint32_t y, x, k;
  template <class Index>
  TIDELINE_HOST_DEVICE static Place of(Index i, std::uint32_t side, std::uint32_t inner) {
    const Index pixel = i / inner, row = pixel / side;
    return {static_cast<std::size_t>(row / side), static_cast<std::uint32_t>(row % side), static_cast<std::uint32_t>(pixel % side),
            static_cast<std::uint32_t>(i % inner)};
  }
};

template <class T>
struct MaxPool {
  T* to;
  const T* from;
  std::uint32_t side, inner, reach;
  template <class Index>
  TIDELINE_HOST_DEVICE void operator()(Index i) const {
    const Place at = Place::of(i, side, inner);
    const T* plane = from + at.plane * side * side * inner;
    const std::uint32_t left = at.x < reach ? 0 : at.x - reach, right = at.x + reach < side ? at.x + reach : side - 1;
    const std::uint32_t top = at.y < reach ? 0 : at.y - reach, bottom = at.y + reach < side ? at.y + reach : side - 1;
    float most = get(from[i]);
    for (std::uint32_t v = top; v <= bottom; ++v)
      for (std::uint32_t u = left; u <= right; ++u) most = fmaxf(most, get(plane[(static_cast<std::size_t>(v) * side + u) * inner + at.k]));
    put(to[i], most);
  }
};

/// Index of `to`, whose side and inner these are.
template <class T>
struct Upsample {
  T* to;
  const T* from;
  std::uint32_t side, inner;
  template <class Index>
  TIDELINE_HOST_DEVICE void operator()(Index i) const {
    const Place at = Place::of(i, side, inner);
    const std::uint32_t half = side / 2;
    to[i] = from[((at.plane * half + at.y / 2) * half + at.x / 2) * inner + at.k];
  }
};

}  // namespace tideline::real::cuda

// CUDA and cuDNN as the backend uses them: calls that throw, and owners that free. What is called has two implementations: the real one
// (the CUDA runtime, cudnn_library.cpp and kernels.cu), and one on the processor that tests put in its place, so that the wiring is checked
// where there is no GPU (tests/support/cuda_stand_in.cpp).
#pragma once

#include "src/real/backend.h"

#include <cstddef>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <memory>

namespace tideline::real::cuda {

// cuDNN is opened at run time: a machine that lacks it is told so, and whoever builds this needs its headers alone.
#define TIDELINE_CUDNN_FUNCTIONS(X)          \
  X(cudnnGetVersion)                         \
  X(cudnnGetErrorString)                     \
  X(cudnnCreate)                             \
  X(cudnnDestroy)                            \
  X(cudnnSetStream)                          \
  X(cudnnCreateTensorDescriptor)             \
  X(cudnnDestroyTensorDescriptor)            \
  X(cudnnSetTensor4dDescriptor)              \
  X(cudnnCreateFilterDescriptor)             \
  X(cudnnDestroyFilterDescriptor)            \
  X(cudnnSetFilter4dDescriptor)              \
  X(cudnnCreateConvolutionDescriptor)        \
  X(cudnnDestroyConvolutionDescriptor)       \
  X(cudnnSetConvolution2dDescriptor)         \
  X(cudnnSetConvolutionMathType)             \
  X(cudnnGetConvolutionForwardAlgorithm_v7)  \
  X(cudnnGetConvolutionForwardWorkspaceSize) \
  X(cudnnConvolutionForward)

struct Cudnn {
#define TIDELINE_CUDNN_MEMBER(name) decltype(&::name) name = nullptr;
  TIDELINE_CUDNN_FUNCTIONS(TIDELINE_CUDNN_MEMBER)
#undef TIDELINE_CUDNN_MEMBER
};

/// Throws CannotRun where cuDNN is not there.
const Cudnn& cudnn();

/// Throw std::runtime_error with `what` and what the library says.
void check(cudaError_t status, const char* what);
void check(cudnnStatus_t status, const char* what);

/// Memory of the GPU.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  /// Throws CannotRun, with the bytes that are needed and free, where there is too little memory for `what`.
  DeviceBuffer(std::size_t bytes, const char* what);
  char* data() const { return static_cast<char*>(data_.get()); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(void* p) const { cudaFree(p); }
  };
  std::size_t bytes_ = 0;
  std::unique_ptr<void, Free> data_;
};

/// Memory of the host that the GPU reads and writes by itself, all zero at first.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  /// Throws CannotRun, with the bytes, where they cannot be pinned.
  explicit PinnedBuffer(std::size_t bytes);
  char* data() const { return static_cast<char*>(data_.get()); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(void* p) const { cudaFreeHost(p); }
  };
  std::size_t bytes_ = 0;
  std::unique_ptr<void, Free> data_;
};

struct DestroyStream {
  void operator()(cudaStream_t s) const { cudaStreamDestroy(s); }
};
using Stream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, DestroyStream>;
/// One that waits for no other.
Stream make_stream();

/// Something of cuDNN, by its handle.
template <class Handle>
struct Destroy {
  using pointer = Handle;
  cudnnStatus_t (*destroy)(Handle) = nullptr;
  void operator()(Handle h) const { destroy(h); }
};
template <class Handle>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<Handle>>;

template <class Handle>
Owned<Handle> make_owned(cudnnStatus_t (*create)(Handle*), cudnnStatus_t (*destroy)(Handle), const char* what) {
  Handle h = nullptr;
  check(create(&h), what);
  return Owned<Handle>(h, Destroy<Handle>{destroy});
}

}  // namespace tideline::real::cuda

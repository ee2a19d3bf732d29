#include "src/real/cuda/device.h"

#include <cstring>
#include <stdexcept>
#include <string>

namespace tideline::real::cuda {

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // or the next call that asks would be told of this failure
  throw std::runtime_error(std::string("CUDA: ") + what + ": " + cudaGetErrorString(status));
}

void check(cudnnStatus_t status, const char* what) {
  if (status != CUDNN_STATUS_SUCCESS) throw std::runtime_error(std::string("cuDNN: ") + what + ": " + cudnn().cudnnGetErrorString(status));
}

DeviceBuffer::DeviceBuffer(std::size_t bytes, const char* what) : bytes_(bytes) {
  if (bytes == 0) return;
  void* p = nullptr;
  const cudaError_t status = cudaMalloc(&p, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t free = 0, whole = 0;
    check(cudaMemGetInfo(&free, &whole), "memory of the GPU");
    throw CannotRun("the GPU has too little memory: " + std::to_string(bytes) + " bytes are needed for " + what + ", and " +
                    std::to_string(free) + " of " + std::to_string(whole) +
                    " are free; smaller batches, a smaller network or fewer of them may fit");
  }
  check(status, "memory of the GPU");
  data_.reset(p);
}

PinnedBuffer::PinnedBuffer(std::size_t bytes) : bytes_(bytes) {
  void* p = nullptr;
  const cudaError_t status = cudaMallocHost(&p, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw CannotRun("this machine has too little memory to pin " + std::to_string(bytes) + " bytes of it for inputs and outputs");
  }
  check(status, "pinned memory");
  data_.reset(p);
  std::memset(p, 0, bytes);
}

Stream make_stream() {
  cudaStream_t s = nullptr;
  check(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking), "a stream");
  return Stream(s);
}

}  // namespace tideline::real::cuda

// A stand-in for a GPU, for tests alone: the functions of CUDA and cuDNN that src/real/cuda uses, on the processor, in a module that is
// opened like the real one. It shows that layers, layouts, batches, lifetimes and errors are wired as they should be where there is no GPU.
// It says nothing of how fast a GPU is, nor that the real libraries accept what they are given.
#pragma once

#include <atomic>
#include <cstdint>

namespace tideline::test {

/// What the stand-in was told and has counted. Set by the test, while nothing runs.
struct CudaStandIn {
  // The machine that it pretends to be.
  std::int64_t memory = std::int64_t{1} << 30;  ///< of its GPU, in bytes
  int devices = 1, driver = 13000, major = 9, minor = 0;
  bool has_winograd_nonfused_alone = false;  ///< cuDNN recommends the algorithm that is not to be used, and no other
  bool has_no_algorithm = false;             ///< cuDNN has none that works
  std::int64_t fail_at = -1;                 ///< the number of the call that fails; < 0: none does
  // What it has counted.
  std::atomic<std::int64_t> calls{0};                          ///< that could have failed, since somebody set it to 0
  std::atomic<std::int64_t> device_bytes{0}, pinned_bytes{0};  ///< that are allocated
  std::atomic<std::int64_t> objects{0};                        ///< streams, handles and descriptors that live
  std::atomic<std::int64_t> misuses{0};                        ///< what a real GPU would perhaps not have survived

  bool is_empty() const { return device_bytes == 0 && pinned_bytes == 0 && objects == 0; }
};

/// The function of the module that gives it, and its type.
inline constexpr const char* cuda_stand_in_function = "tideline_cuda_stand_in";
using CudaStandInFunction = CudaStandIn* (*)();

}  // namespace tideline::test

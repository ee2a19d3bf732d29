// What the module of the backend cuda, libtideline_cuda.so, shows to the program that opens it. Nothing of CUDA is in here.
#pragma once

#include "src/real/backend.h"

#include <cstdint>

namespace tideline::real {

/// Made by the module. `layout` and `version` are compared with those of the program before anything else is used: classes of
/// src/real/backend.h go through this door, and both sides have to mean the same by them.
struct CudaModule {
  std::int32_t layout;  ///< `backend_layout` of its build
  const char* version;  ///< of the project
  Backend* (*make)();   ///< a new backend, which the caller owns; throws CannotRun where there is no GPU, driver or cuDNN
};

/// Name of the one function that the module exports, and its type.
inline constexpr const char* cuda_module_function = "tideline_cuda_module";
using CudaModuleFunction = const CudaModule* (*)();

}  // namespace tideline::real

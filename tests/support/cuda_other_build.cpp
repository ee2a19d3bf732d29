// A module like that of the backend cuda, of a build whose classes are others.
#include "src/real/cuda/module.h"

extern "C" __attribute__((visibility("default"))) const tideline::real::CudaModule* tideline_cuda_module();

const tideline::real::CudaModule* tideline_cuda_module() {
  static const tideline::real::CudaModule module{tideline::real::backend_layout + 1, "9.9.9", nullptr};
  return &module;
}

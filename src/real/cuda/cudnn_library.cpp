#include "src/real/cuda/device.h"

#include <dlfcn.h>
#include <string>

namespace tideline::real::cuda {
namespace {

Cudnn open_cudnn() {
  const std::string name = "libcudnn.so." + std::to_string(CUDNN_MAJOR);
  // Never closed: networks use it as long as the program lives.
  void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  std::string said = library ? "" : dlerror();
  // Toolkits install here, where not every machine's loader looks.
  if (!library) library = dlopen(("/usr/local/cuda/lib64/" + name).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw CannotRun("the backend cuda needs cuDNN " + std::to_string(CUDNN_MAJOR) + ", which cannot be opened (" + said +
                    "): install it, or add its folder to LD_LIBRARY_PATH");
  Cudnn out;
#define TIDELINE_CUDNN_LOOK_UP(name)                                      \
  out.name = reinterpret_cast<decltype(out.name)>(dlsym(library, #name)); \
  if (!out.name) throw CannotRun("this cuDNN has no function " #name ": the backend cuda needs version " + std::to_string(CUDNN_MAJOR));
  TIDELINE_CUDNN_FUNCTIONS(TIDELINE_CUDNN_LOOK_UP)
#undef TIDELINE_CUDNN_LOOK_UP
  return out;
}

}  // namespace

const Cudnn& cudnn() {
  static const Cudnn table = open_cudnn();
  return table;
}

}  // namespace tideline::real::cuda

// Opens the module of the backend cuda. The program itself links nothing of CUDA: it starts on machines that have none of it.
#include "src/real/cuda/module.h"

#include "src/real/backends.h"

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <string>
#include <vector>

namespace tideline::real {
namespace {

constexpr const char* file_name = "libtideline_cuda.so";

/// Where the module may be: where TIDELINE_CUDA_MODULE says, or beside the program, or in the folder of the installed libraries.
std::vector<std::filesystem::path> places() {
  if (const char* named = std::getenv("TIDELINE_CUDA_MODULE"); named != nullptr && *named != '\0')
    return {std::filesystem::absolute(named)};
  std::error_code error;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  if (error) return {};
  return {folder / file_name, (folder / TIDELINE_MODULE_FOLDER / file_name).lexically_normal()};
}

std::string module_path() {
  std::string tried;
  for (const auto& path : places()) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) return path.string();
    tried += (tried.empty() ? "" : " and ") + path.string();
  }
  if (!has_cuda_module())
    throw CannotRun(
        "this build has no backend cuda: nvcc or the headers of cuDNN were not found when it was built, so that there is no "
        "libtideline_cuda.so (looked for as " +
        tried + "); install both and build again, or name the module of another build in TIDELINE_CUDA_MODULE");
  throw CannotRun("the backend cuda is in libtideline_cuda.so, which is not there (looked for as " + tried +
                  "); put it beside the program, or say in TIDELINE_CUDA_MODULE where it is");
}

/// What the module shows. It stays open: exceptions and networks that come out of it need its code.
const CudaModule& open_module(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw CannotRun(std::string("the module of the backend cuda cannot be opened: ") + dlerror());
  const auto function = reinterpret_cast<CudaModuleFunction>(dlsym(library, cuda_module_function));
  const CudaModule* module = function ? function() : nullptr;
  const bool agrees = module && module->layout == backend_layout && std::string(module->version) == TIDELINE_VERSION;
  if (agrees) return *module;
  const std::string what = module ? "of version " + std::string(module->version) + ", layout " + std::to_string(module->layout)
                                  : std::string("no module of this program");
  dlclose(library);
  throw CannotRun("'" + path + "' is " + what + "; this program is of version " + TIDELINE_VERSION + ", layout " +
                  std::to_string(backend_layout) + ": build and install both together");
}

}  // namespace

#ifdef TIDELINE_CUDA
bool has_cuda_module() { return true; }
#else
bool has_cuda_module() { return false; }
#endif

std::unique_ptr<Backend> make_cuda_backend() { return std::unique_ptr<Backend>(open_module(module_path()).make()); }

}  // namespace tideline::real

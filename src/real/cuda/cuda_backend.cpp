// The backend "cuda": cuDNN's convolutions and kernels of its own on the first GPU that the process sees. Each network has a stream, a handle
// of cuDNN, weights, outputs of layers and work space on the GPU, and pinned memory for inputs and outputs; all of it is allocated at its load
// and freed when it is destroyed. A batch is copied to the GPU, run, and its heads copied back.
#include "src/real/backends.h"
#include "src/real/cuda/device.h"
#include "src/real/cuda/module.h"
#include "src/real/cuda/network.h"
#include "src/real/shape.h"

#include <string>

namespace tideline::real::cuda {
namespace {

/// 13020 is 13.2.
std::string cuda_version(int v) { return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10); }

std::string cudnn_version(std::size_t v) {
  const std::size_t major = v >= 90000 ? 10000 : 1000;  // 8907 is 8.9.7, 90100 is 9.1.0
  return std::to_string(v / major) + "." + std::to_string(v % major / 100) + "." + std::to_string(v % 100);
}

/// Throws CannotRun where there is no driver or no GPU.
void find_gpu() {
  const std::string wanted = "; the backend cuda needs an NVIDIA GPU and a driver for CUDA " + cuda_version(CUDART_VERSION / 1000 * 1000) +
                             " or later (nvidia-smi shows both)";
  int driver = 0, count = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
    cudaGetLastError();
    throw CannotRun("no NVIDIA driver is installed here" + wanted);
  }
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver) {
    cudaGetLastError();
    throw CannotRun("the NVIDIA driver here is one for CUDA " + cuda_version(driver) + wanted);
  }
  if (status != cudaSuccess || count == 0) {
    cudaGetLastError();
    throw CannotRun("no GPU can be used here" + (status == cudaSuccess ? "" : std::string(" (") + cudaGetErrorString(status) + ")") +
                    wanted);
  }
}

/// What `f` returns; what CUDA and cuDNN say of a failure becomes a CannotRun that begins with `what`.
template <class F>
auto or_cannot_run(const char* what, F f) {
  try {
    return f();
  } catch (const CannotRun&) {
    throw;
  } catch (const std::runtime_error& e) {
    throw CannotRun(std::string(what) + ": " + e.what());
  }
}

constexpr const char* cannot_use = "the GPU cannot be used";

class CudaBackend final : public Backend {
 public:
  CudaBackend() {
    find_gpu();
    const auto properties = or_cannot_run(cannot_use, [&] {
      cudaDeviceProp out{};
      cuda::check(cudaGetDeviceProperties(&out, 0), "what it is");
      cuda::check(cudaDriverGetVersion(&driver_), "its driver");
      cuda::check(cudaRuntimeGetVersion(&runtime_), "the runtime");
      return out;
    });
    name_ = properties.name;
    major_ = properties.major;
    minor_ = properties.minor;
    if (major_ * 10 + minor_ < 75)
      throw CannotRun("the backend cuda needs a GPU of compute capability 7.5 or later, and " + name_ + " has " + capability());
    cudnn_ = cudnn().cudnnGetVersion();
    // Makes the context of the process on the GPU, which takes tenths of a second: no load is to be charged for it.
    (void)device_memory();
  }

  std::string name() const override { return "cuda"; }
  std::string version() const override {
    return "CUDA " + cuda_version(runtime_) + ", driver for CUDA " + cuda_version(driver_) + ", cuDNN " + cudnn_version(cudnn_) + ", " +
           name_ + " (compute capability " + capability() + ")";
  }
  void check(const NetworkSpec& spec) const override {
    if (spec.precision == Precision::bf16 && major_ < 8)
      throw CannotRun("this GPU has no bf16 (" + name_ + ", compute capability " + capability() + "; 8.0 has it); use f32");
    (void)make_shape(spec);
  }
  std::unique_ptr<Network> load(const NetworkSpec& spec, std::uint32_t max_items, unsigned threads) override {
    if (max_items == 0) throw CannotRun("a network is loaded for at least one item");
    if (threads != 1)
      throw CannotRun("a network of the backend cuda is run by one thread, not " + std::to_string(threads) + ": the GPU does the work");
    check(spec);
    return or_cannot_run("the GPU cannot run this network", [&] { return load_network(spec, max_items); });
  }
  std::optional<DeviceMemory> device_memory() const override {
    return or_cannot_run(cannot_use, [&] {
      std::size_t free = 0, whole = 0;
      cuda::check(cudaMemGetInfo(&free, &whole), "its memory");
      return DeviceMemory{name_, static_cast<std::int64_t>(whole), static_cast<std::int64_t>(free)};
    });
  }

 private:
  std::string capability() const { return std::to_string(major_) + "." + std::to_string(minor_); }

  std::string name_;
  int major_ = 0, minor_ = 0, driver_ = 0, runtime_ = 0;
  std::size_t cudnn_ = 0;
};

}  // namespace
}  // namespace tideline::real::cuda

extern "C" __attribute__((visibility("default"))) const tideline::real::CudaModule* tideline_cuda_module();

const tideline::real::CudaModule* tideline_cuda_module() {
  static const tideline::real::CudaModule module{tideline::real::backend_layout, TIDELINE_VERSION,
                                                 []() -> tideline::real::Backend* { return new tideline::real::cuda::CudaBackend(); }};
  return &module;
}

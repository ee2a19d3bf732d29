// What the backends share.
#pragma once

#include "src/real/backend.h"

#include <chrono>
#include <memory>

namespace tideline::real {

std::unique_ptr<Backend> make_eigen_backend();
/// oneDNN. Only in builds that found it.
std::unique_ptr<Backend> make_dnnl_backend();
/// CUDA and cuDNN, from the module that is opened for it. Throws CannotRun where the module, a GPU or cuDNN is missing.
std::unique_ptr<Backend> make_cuda_backend();
/// Whether this build made that module; another one may be there all the same.
bool has_cuda_module();

/// Throws std::runtime_error unless 1 <= items <= most.
void check_items(std::uint32_t items, std::uint32_t most);
/// Throws std::runtime_error unless there is such an item and it has so many values.
void check_input(std::uint32_t item, std::uint32_t items, std::size_t values, std::size_t wanted);

/// Seconds since it was made or last asked.
class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double out = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return out;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace tideline::real

// A network in the memory of a GPU.
#pragma once

#include "src/real/backend.h"

#include <memory>

namespace tideline::real::cuda {

/// Loads it for batches of up to `max_items`. Throws CannotRun, or std::runtime_error where CUDA or cuDNN fail; nothing stays allocated.
std::unique_ptr<Network> load_network(const NetworkSpec& spec, std::uint32_t max_items);

}  // namespace tideline::real::cuda

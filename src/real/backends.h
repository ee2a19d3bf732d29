// The backends that this build may have, each made by its own file.
#pragma once

#include "src/real/backend.h"

#include <memory>

namespace tideline::real {

std::unique_ptr<Backend> make_eigen_backend();
#ifdef TIDELINE_ONEDNN
std::unique_ptr<Backend> make_onednn_backend();
#endif

}  // namespace tideline::real

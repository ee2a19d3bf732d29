#include "src/real/backend.h"

#include "sim/core/nearest.h"
#include "src/real/backends.h"

#include <algorithm>
#include <span>

namespace tideline::real {

#ifdef TIDELINE_DNNL
constexpr bool has_dnnl = true;
#else
constexpr bool has_dnnl = false;
std::unique_ptr<Backend> make_dnnl_backend() { return {}; }
#endif

std::vector<std::string> backend_names() {
  std::vector<std::string> out{"eigen"};
  if (has_dnnl) out.insert(out.begin(), "cpu");
  if (has_cuda_module()) out.emplace_back("cuda");
  return out;
}

std::unique_ptr<Backend> make_backend(const std::string& name) {
  if (name == "eigen") return make_eigen_backend();
  if (name == "cpu" && has_dnnl) return make_dnnl_backend();
  if (name == "cuda") return make_cuda_backend();
  if (name == "cpu")
    throw CannotRun("this build has no backend cpu: oneDNN (libdnnl-dev) was not found when it was built; the backend eigen is there");
  const std::vector<std::string> known{"cpu", "eigen", "cuda"};
  throw CannotRun("unknown backend '" + name + "'" + suggestion(name, std::span(known)));
}

}  // namespace tideline::real

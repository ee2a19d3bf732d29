#include "src/real/backends.h"

#include "sim/core/nearest.h"

#include <string_view>

namespace tideline::real {

std::vector<std::string> backend_names() {
#ifdef TIDELINE_ONEDNN
  return {"cpu", "eigen"};
#else
  return {"eigen"};
#endif
}

std::unique_ptr<Backend> make_backend(const std::string& name) {
#ifdef TIDELINE_ONEDNN
  if (name == "cpu") return make_onednn_backend();
#else
  if (name == "cpu")
    throw CannotRun(
        "this build has no oneDNN, which the backend \"cpu\" is: install libdnnl-dev and build again, or use the backend \"eigen\"");
#endif
  if (name == "eigen") return make_eigen_backend();
  const auto names = backend_names();
  const std::vector<std::string_view> views(names.begin(), names.end());
  throw CannotRun("no backend is named '" + name + "'" + suggestion(name, views));
}

}  // namespace tideline::real

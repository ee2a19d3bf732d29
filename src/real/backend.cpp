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

std::vector<std::string> backend_names() { return has_dnnl ? std::vector<std::string>{"cpu", "eigen"} : std::vector<std::string>{"eigen"}; }

std::unique_ptr<Backend> make_backend(const std::string& name) {
  if (name == "eigen") return make_eigen_backend();
  if (name == "cpu" && has_dnnl) return make_dnnl_backend();
  if (name == "cpu")
    throw CannotRun("this build has no backend cpu: oneDNN (libdnnl-dev) was not found when it was built; the backend eigen is there");
  const std::vector<std::string> known{"cpu", "eigen"};
  throw CannotRun("unknown backend '" + name + "'" + suggestion(name, std::span(known)));
}

void check_items(std::uint32_t items, std::uint32_t most) {
  if (items == 0 || items > most)
    throw std::runtime_error("a batch of " + std::to_string(items) + " items on a network that was loaded for 1 to " +
                             std::to_string(most));
}

void check_input(std::uint32_t item, std::uint32_t items, std::size_t values, std::size_t wanted) {
  check_items(item + 1, items);
  if (values != wanted)
    throw std::runtime_error("an input of " + std::to_string(values) + " values where the network has " + std::to_string(wanted));
}

}  // namespace tideline::real

#include "src/real/backends.h"

#include <stdexcept>
#include <string>

namespace tideline::real {

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

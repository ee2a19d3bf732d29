// A number of instances of a variant at a site, as parameters give it: "variant@site=N".
#pragma once

#include "sim/model/world.h"

#include <cstdint>
#include <string_view>

namespace tideline {

struct GroupCount {
  GroupId group;
  std::uint32_t instances = 0;
};

/// Throws std::invalid_argument, beginning with the parameter's name, where the text is none or names what this cluster does not have.
GroupCount group_count(std::string_view text, const World& world, std::string_view parameter);

}  // namespace tideline

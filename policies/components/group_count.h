// A number for a variant at a site, as parameters give it: "variant@site=N".
#pragma once

#include "sim/model/world.h"

#include <cstdint>
#include <string_view>

namespace tideline {

struct GroupCount {
  GroupId group;
  std::uint32_t instances = 0;
};
struct GroupShare {
  GroupId group;
  double share = 0;
};

/// A number of instances. Throws std::invalid_argument, beginning with the parameter's name, where the text is none or names what this
/// cluster does not have.
GroupCount group_count(std::string_view text, const World& world, std::string_view parameter);

/// A share, 0 or more, "variant@site=0.5"; throws in the same way.
GroupShare group_share(std::string_view text, const World& world, std::string_view parameter);

}  // namespace tideline

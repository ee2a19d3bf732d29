// Who decides, by what knowledge of the others, and how long deciding takes.
#pragma once

#include "sim/core/time.h"

#include <cstdint>

namespace tideline {

struct Control {
  enum class Mode : std::uint8_t {
    central,   ///< one controller decides for all sites
    per_site,  ///< each site decides about its own queries and instances; it tells all others what it has
    gossip     ///< the same, but it tells a few others, drawn anew each time, all that it knows
  };
  Mode mode = Mode::central;
  Duration snapshot{};             ///< between two exchanges of boards; 0: boards of other sites are live
  Duration delay{};                ///< of what is exchanged, beyond that of the route between the sites
  Duration decision{};             ///< that a decision takes at its controller, where they are taken one after the other
  bool decision_measured = false;  ///< instead, each takes what the one before it took by the clock of this machine
  std::uint32_t fanout = 1;        ///< sites that a site tells at a time (gossip)
  bool compensated = false;        ///< a controller adds its own decisions to boards that do not have them yet
  Duration forget = forever;       ///< a site whose board is older counts as having nothing

  bool old_views() const { return snapshot > Duration{}; }
  bool decides_late() const { return decision > Duration{} || decision_measured; }
};

}  // namespace tideline

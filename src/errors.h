// What ends the program early, by exit code.
#pragma once

#include <stdexcept>

namespace tideline {

/// The scenario, another input or the command line is wrong. Exit code 2; the message is complete and names the place.
struct InputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The world is wrong: a file is missing or unreadable, the disk is full. Exit code 3; the message names file and reason.
struct WorldError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace tideline

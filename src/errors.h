// Errors that end the program, each with its exit code.
#pragma once

#include <stdexcept>

namespace tideline {

/// What the user gave is wrong: exit code 2.
struct InputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The world around the program failed, such as a full disk or a missing file: exit code 3.
struct WorldError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace tideline

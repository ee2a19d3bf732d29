// What a reader may do with bad input: throw one of these, with a message. Anything else ends the fuzzer.
#pragma once

#include "sim/model/arrival.h"
#include "src/errors.h"

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string_view>

namespace tideline::fuzz {

/// Runs `read`; an error without a message is a fault too.
template <class Read>
void may_refuse(Read read) {
  const auto look_at = [](std::string_view message) {
    if (!message.empty()) return;
    std::cerr << "refused without a message\n";
    std::abort();
  };
  try {
    read();
  } catch (const InputError& e) {
    look_at(e.what());
  } catch (const WorldError& e) {
    look_at(e.what());
  } catch (const SourceError& e) {
    look_at(e.what());
  } catch (const std::invalid_argument& e) {
    look_at(e.what());
  }
}

}  // namespace tideline::fuzz

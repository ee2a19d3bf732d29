// What all verbs do with their command line: cxxopts, with errors that name the nearest option and help that ends in examples.
#pragma once

// A comma in a value, as in --set /a=[1,2], is part of it.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include "src/commands.h"

#include <cxxopts.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tideline {

/// Parses; nothing if `--help` was asked for (the help is then printed). Throws InputError.
std::optional<cxxopts::ParseResult> parse_options(cxxopts::Options& options, const Arguments& arguments, const std::string& examples);

}  // namespace tideline

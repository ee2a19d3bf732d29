// What all verbs do with their command line: cxxopts, with errors that name the nearest option and help that ends in examples.
#pragma once

// A comma in a value, as in --set /a=[1,2], is part of it.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include "src/commands.h"
#include "src/scenario_layers.h"

// Its regular expressions, made anew for every file that includes it, cost 4 ms at each start of the program.
#define CXXOPTS_NO_REGEX true
#include <cxxopts.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tideline {

/// Parses; nothing if `--help` was asked for (the help is then printed). Throws InputError.
std::optional<cxxopts::ParseResult> parse_options(cxxopts::Options& options, const Arguments& arguments, const std::string& examples);

/// Declares the scenarios that a verb takes, and the options that change them.
void add_scenario_options(cxxopts::Options& options);

/// Declares only the options that change scenarios.
void add_layer_options(cxxopts::Options& options);

/// The scenario files that were named, found where they were named without folder. Throws InputError where there are none.
std::vector<std::string> scenarios_of(const cxxopts::ParseResult& parsed, const cxxopts::Options& options);

/// What was given, as words that mean the same in any folder that has the scenario at `scenario`, a path relative to the current one:
/// without the options of `without`, and with the scenario's path in place of its name.
Arguments words_of(const cxxopts::ParseResult& parsed, const std::string& scenario, const std::vector<std::string>& without);

/// The layers that were given, in the order of the command line.
std::vector<Layer> layers_of(const cxxopts::ParseResult& parsed);

}  // namespace tideline

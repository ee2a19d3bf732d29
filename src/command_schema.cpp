// tideline schema: writes the JSON schema of scenario files, for editors and validators.
#include "src/options.h"
#include "src/output_file.h"
#include "src/schema.h"

#include <iostream>

namespace tideline {

int command_schema(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline schema", "Write the JSON schema of scenario files.\n");
  options.add_options()("out", "The file to write; default: standard output", cxxopts::value<std::string>(), "FILE");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline schema --out scenarios/schema.json\n"
                                    "  tideline schema | python3 -m json.tool\n");
  if (!parsed) return 0;
  const std::string text = scenario_schema(registry).dump(1) + '\n';
  if (parsed->count("out") == 0)
    std::cout << text;
  else
    write_whole(output_file((*parsed)["out"].as<std::string>()), text);
  return 0;
}

}  // namespace tideline

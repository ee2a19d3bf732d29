// tideline timeline: draws a run for Perfetto.
#include "src/errors.h"
#include "src/options.h"
#include "src/timeline.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

namespace tideline {

namespace {

Time time_option(const cxxopts::ParseResult& o, const char* name, Time otherwise) {
  if (o.count(name) == 0) return otherwise;
  const auto text = o[name].as<std::string>();
  double seconds = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || !(seconds >= 0))
    throw InputError("--" + std::string(name) + " " + text + ": expected seconds since the start of the run, 0 or more");
  return later(Time{}, from_seconds(seconds));
}

/// Leaves no half of a drawing.
TimelineCounts write_file(const std::string& path, const ResultsReader& reader, Time from, Time to) {
  std::ofstream out(path);
  if (!out) throw WorldError("cannot write '" + path + "'");
  try {
    const TimelineCounts drawn = write_timeline(reader, from, to, out);
    if (!out.flush()) throw WorldError("cannot write '" + path + "': the disk may be full");
    return drawn;
  } catch (...) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(path, ignored)) std::filesystem::remove(path, ignored);
    throw;
  }
}

}  // namespace

int command_timeline(const Arguments& arguments, const PolicyRegistry&) {
  cxxopts::Options options("tideline timeline",
                           "Draw a run as trace events, for ui.perfetto.dev or chrome://tracing. Needs a run with --records instances "
                           "(batches and instances), queries, or both.\n");
  options.add_options()("results", "Results file", cxxopts::value<std::string>(), "RESULT.h5")(
      "out", "File to write", cxxopts::value<std::string>(), "T.json")("from", "Leave out what ended before", cxxopts::value<std::string>(),
                                                                       "S")("to", "Leave out what began after",
                                                                            cxxopts::value<std::string>(), "S");
  options.parse_positional("results");
  options.positional_help("RESULT.h5");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline run scenarios/quickstart.json --records queries,instances --out day.h5\n"
                                    "  tideline timeline day.h5 --out day.json --from 43200 --to 43260\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("results") == 0) throw InputError("no results file given (see tideline timeline --help)");
  if (o.count("out") == 0) throw InputError("no file to write given: --out T.json (see tideline timeline --help)");
  const Time from = time_option(o, "from", Time{}), to = time_option(o, "to", never);
  if (from > to) throw InputError("--from is after --to");
  const ResultsReader reader(o["results"].as<std::string>());
  require_records(reader);
  const auto path = o["out"].as<std::string>();
  const TimelineCounts drawn = write_file(path, reader, from, to);
  std::cout << path << ": " << drawn.batches << " batches, " << drawn.instances << " instances, " << drawn.queries << " queries\n";
  return 0;
}

}  // namespace tideline

// tideline timeline: draws a run for Perfetto.
#include "sim/core/text.h"
#include "sim/core/unit.h"
#include "src/errors.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/run_once.h"
#include "src/timeline.h"

#include <charconv>
#include <filesystem>
#include <iostream>
#include <system_error>

namespace tideline {

namespace {

namespace fs = std::filesystem;

Time time_option(const cxxopts::ParseResult& o, const char* name, Time otherwise) {
  if (o.count(name) == 0) return otherwise;
  const auto text = o[name].as<std::string>();
  double seconds = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) seconds = param::measured(text, param::dimension_of("s")).value_or(-1);
  if (!(seconds >= 0))
    throw InputError("--" + std::string(name) + " " + text +
                     ": expected a time since the start of the run, 0 or more: seconds, or with a unit as in 90min");
  return later(Time{}, from_seconds(seconds));
}

}  // namespace

int command_timeline(const Arguments& arguments, const PolicyRegistry&) {
  cxxopts::Options options("tideline timeline",
                           "Draw a run as trace events, for ui.perfetto.dev or chrome://tracing. Needs a run with --records instances "
                           "(batches and instances), queries, or both.\n");
  options.add_options()("results", "Results file", cxxopts::value<std::string>(), "RESULT.h5")(
      "out", "File to write", cxxopts::value<std::string>(), "T.json")("from", "Leave out what ended before", cxxopts::value<std::string>(),
                                                                       "TIME")("to", "Leave out what began after",
                                                                               cxxopts::value<std::string>(), "TIME");
  options.parse_positional("results");
  options.positional_help("RESULT.h5");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline run scenarios/quickstart.json --records queries,instances --out day.h5\n"
                                    "  tideline timeline day.h5 --out day.json --from 12h --to 721min\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("results") == 0) throw InputError("no results file given (see tideline timeline --help)");
  if (o.count("out") == 0) throw InputError("no file to write given: --out T.json (see tideline timeline --help)");
  const Time from = time_option(o, "from", Time{}), to = time_option(o, "to", never);
  if (from > to) throw InputError("--from is after --to");
  const fs::path input = o["results"].as<std::string>(), wished = o["out"].as<std::string>();
  const ResultsReader reader(input);
  require_records(reader);
  catch_interrupts();  // before anything is made that an interrupt would leave behind
  const fs::path out = output_file(wished, {input});
  if (from > Time{}) {
    const Duration length = length_of(reader);
    if (from > Time{} + length)
      throw InputError("--from " + o["from"].as<std::string>() + " is after the end of the run, which is " + to_text(to_seconds(length)) +
                       " s long");
  }
  PartFile file(out);
  const TimelineCounts drawn = write_timeline(reader, from, to, file.out(), interrupted);
  if (drawn.interrupted) {
    std::cerr << "tideline: interrupted: nothing was written\n";
    return 130;
  }
  file.publish();
  std::cout << wished.string() << ": " << drawn.batches << " batches, " << drawn.instances << " instances, " << drawn.queries
            << " queries\n";
  return 0;
}

}  // namespace tideline

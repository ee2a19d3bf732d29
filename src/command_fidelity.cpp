// tideline fidelity: how far simulated runs are from the same runs on this machine.
#include "sim/core/text.h"
#include "src/errors.h"
#include "src/fidelity.h"
#include "src/measured_times.h"
#include "src/options.h"
#include "src/output_file.h"

#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <unistd.h>

namespace tideline {

namespace {

namespace fs = std::filesystem;

std::vector<double> read_bands(const std::string& text) {
  std::vector<double> out;
  for (const std::string& part : split_at_commas(text)) {
    double value = 0;
    std::size_t used = 0;
    try {
      value = std::stod(part, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used != part.size() || part.empty() || !(value > 0 && value <= 5))
      throw InputError("--bands " + text + ": expected numbers above 0 and up to 5, such as 0.2,0.5,0.8; \"" + part + "\" is none");
    out.push_back(value);
  }
  return out;
}

}  // namespace

int command_fidelity(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline fidelity", "Compare simulated runs with the same runs on this machine, by load band.\n");
  options.add_options()("bands", "Offered work over what the devices can do",
                        cxxopts::value<std::string>()->default_value("0.2,0.5,0.8,0.95,1.1"), "SHARE,...")(
      "replications", "Pairs of runs in each band, each with a seed of its own", cxxopts::value<std::uint32_t>()->default_value("5"), "N")(
      "duration", "Measured window of each run in seconds; default: that of the scenario", cxxopts::value<double>(), "S")(
      "out", "Write OUT.json and OUT.md", cxxopts::value<std::string>(), "OUT")(
      "profile", "Measure the networks before each pair of runs, each batch for so many seconds at most, and simulate with those times",
      cxxopts::value<double>()->implicit_value("0.3"),
      "S")("fit", "Write a catalog with the times that were seen, to predict another run with: --set /catalog=FILE",
           cxxopts::value<std::string>(), "CATALOG.json")("quiet", "No progress, no warnings");
  add_scenario_options(options);
  options.positional_help("SCENARIO");
  const auto parsed =
      parse_options(options, arguments,
                    "  tideline fidelity scenarios/real/two_instances.json --profile --out report\n"
                    "  tideline profile --backend cpu --out here.json\n"
                    "  tideline fidelity scenarios/real/two_instances.json --set /catalog=here.json --bands 0.5,0.8 --replications 3\n"
                    "  tideline fidelity scenarios/real/one_instance.json --bands 0.5 --fit fitted.json\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  FidelityWishes w;
  const auto scenarios = scenarios_of(o, options);
  if (scenarios.size() != 1) throw InputError("expected one scenario (see tideline fidelity --help)");
  w.scenario = scenarios.front();
  w.layers = layers_of(o);
  w.bands = read_bands(o["bands"].as<std::string>());
  w.replications = o["replications"].as<std::uint32_t>();
  if (w.replications == 0) throw InputError("--replications 0: expected at least 1");
  if (o.count("duration") > 0) {
    const double s = o["duration"].as<double>();
    if (!(s > 0 && s <= 86400)) throw InputError("--duration: expected seconds above 0, at most a day");
    w.layers.push_back({LayerKind::set, "/measure/duration_s=" + to_text(s)});
  }
  const bool quiet = o.count("quiet") > 0;
  catch_interrupts();
  fs::path json_file, text_file, fit_file;
  if (o.count("out") > 0) {
    json_file = output_file(o["out"].as<std::string>() + ".json", {w.scenario});
    text_file = output_file(o["out"].as<std::string>() + ".md", {w.scenario});
  }
  Json catalog;
  if (o.count("fit") > 0) fit_file = output_file(o["fit"].as<std::string>(), {w.scenario});
  real::MeasureRules rules;
  std::unique_ptr<World> world;
  if (o.count("profile") > 0) {
    rules.seconds = o["profile"].as<double>();
    if (!(rules.seconds > 0 && rules.seconds <= 3600)) throw InputError("--profile: expected seconds above 0, at most an hour");
  }
  if (o.count("fit") + o.count("profile") > 0) {
    const Scenario scenario = read_scenario(w.scenario, w.layers, registry);
    // A catalog that --set reached into is part of the document: its file is no path of the scenario any more.
    for (const std::string& file : scenario.document.sources())
      if (!fit_file.empty() && fs::exists(file)) refuse_inputs(fit_file, {file});
    const Json& c = scenario.document.root["catalog"];
    catalog = c;
    for (const auto& [pointer, path] : scenario.paths) {
      if (pointer != "/catalog") continue;
      if (!fit_file.empty()) refuse_inputs(fit_file, {path});
      Problems ignored;
      catalog = read_json_file(path.string(), ignored).root;
    }
    if (o.count("profile") > 0) {
      world = std::make_unique<World>(scenario.catalog, scenario.topology, scenario.classes);
      // A machine that is shared keeps no pace: what is measured minutes before a run says little about it.
      w.catalog_now = [&] { return catalog = measured_again(std::move(catalog), *world, rules); };
    }
  }
  const bool terminal = isatty(STDERR_FILENO) != 0 && !quiet;
  const auto began = std::chrono::steady_clock::now();
  const Fidelity f = judge_fidelity(
      w, registry, interrupted,
      [&](const std::string& what, double done) {
        if (!terminal) return;
        const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        std::fprintf(stderr, "\r\033[K%s: %.0f %% done, %.0f s left", what.c_str(), 100 * done,
                     done > 0 ? passed / done * (1 - done) : 0.0);
      },
      [&](const std::string& text) {
        if (!quiet) std::cerr << text << '\n';
      });
  if (terminal) std::fputs("\r\033[K", stderr);
  std::cout << fidelity_text(f, w);
  if (!json_file.empty()) {
    write_whole(json_file, fidelity_json(f, w).dump(1) + "\n");
    write_whole(text_file, fidelity_text(f, w));
    std::cout << "\nwritten: " << json_file.string() << ", " << text_file.string() << '\n';
  }
  if (!fit_file.empty() && !f.bands.empty()) {
    write_whole(fit_file, fitted_catalog(catalog, f).dump(1) + "\n");
    std::cout << "written: " << fit_file.string() << "; use it with --set /catalog=" << fit_file.string() << '\n';
  }
  if (f.is_interrupted) {
    std::cerr << "tideline: interrupted: what was measured until then is shown\n";
    return 130;
  }
  return 0;
}

}  // namespace tideline

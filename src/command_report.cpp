// tideline report: a page that shows a run, a sweep or a comparison.
#include "src/errors.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/report.h"
#include "src/report_page.h"

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace tideline {

namespace {

namespace fs = std::filesystem;

/// Files of results are HDF5; one that begins as an object of JSON is taken for a comparison, whatever its name.
bool is_json(const fs::path& path) {
  if (path.extension() == ".json") return true;
  std::ifstream in(path, std::ios::binary);
  int c = in.get();
  while (c != std::ifstream::traits_type::eof() && std::isspace(c) != 0) c = in.get();
  return c == '{';
}

/// Beside the input, NAME.html.
fs::path default_out(fs::path input) {
  if (input.extension() == ".part") input.replace_extension();
  if (input.extension() == ".h5" || input.extension() == ".json") input.replace_extension();
  input += ".html";
  return input;
}

}  // namespace

int command_report(const Arguments& arguments, const PolicyRegistry&) {
  cxxopts::Options options("tideline report",
                           "Make one HTML page, which needs no network, of a run (with --records queries it also has the whole curves of "
                           "latencies), of a sweep, finished or not, or of a comparison.\n");
  options.add_options()("input", "Results file, folder of a sweep, or file of a comparison", cxxopts::value<std::string>(),
                        "RESULT.h5|SWEEP_DIR|COMPARE.json")("out", "Page to write; default: NAME.html beside the input",
                                                            cxxopts::value<std::string>(), "PAGE.html");
  options.parse_positional("input");
  options.positional_help("RESULT.h5|SWEEP_DIR|COMPARE.json");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline report results/quickstart.h5\n"
                                    "  tideline report results/selection_by_load --out selection.html\n"
                                    "  tideline report results/compare.json\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("input") == 0) throw InputError("nothing to report on given (see tideline report --help)");
  fs::path input = o["input"].as<std::string>();
  std::error_code error;
  if (input.filename() == "manifest.json") input = input.has_parent_path() ? input.parent_path() : fs::path(".");
  const bool is_sweep = fs::is_directory(input, error);
  // The folder `.` has a name as well, and `a/` is `a`.
  if (is_sweep && !input.has_filename()) input = input.parent_path();
  if (is_sweep && (input.filename() == "." || input.filename() == "..")) input = fs::canonical(input, error);
  const fs::path wished = o.count("out") > 0 ? fs::path(o["out"].as<std::string>()) : default_out(input);
  // No input ends so: what is replaced is a page.
  if (wished.extension() != ".html" && wished.extension() != ".htm")
    throw InputError("--out " + wished.string() + ": expected a file that ends in .html");
  const fs::path out = output_file(wished, is_sweep ? std::vector<fs::path>{input / "manifest.json"} : std::vector<fs::path>{input});
  const Json data = is_sweep ? report_of_sweep(input) : is_json(input) ? report_of_comparison(input) : report_of_run(input);
  write_whole(out, report_page(data));
  std::cout << "report: " << wished.string() << '\n';
  return 0;
}

}  // namespace tideline

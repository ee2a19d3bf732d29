// tideline pack: one archive of results and of all that is needed to make them again.
#include "src/errors.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/pack.h"
#include "src/recorded_run.h"
#include "src/run_once.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <iostream>

namespace tideline {

namespace {

namespace fs = std::filesystem;

/// How tar is told to compress, by suffix of the archive.
struct Compression {
  std::string_view suffix;
  const char* option;
};
constexpr std::array<Compression, 6> compressions{
    {{".tar.zst", "--zstd"}, {".tar.gz", "--gzip"}, {".tgz", "--gzip"}, {".tar.xz", "--xz"}, {".tar.bz2", "--bzip2"}, {".tar", ""}}};

const Compression& compression_of(const std::string& out) {
  for (const Compression& c : compressions)
    if (out.size() > c.suffix.size() && out.ends_with(c.suffix)) return c;
  throw InputError("--out " + out + ": expected a name that ends in .tar.zst, .tar.gz, .tar.xz, .tar.bz2 or .tar");
}

/// Runs a program of the system with its error output on ours. Throws WorldError where it is missing or fails.
void run_tool(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const auto& w : words) argv.push_back(const_cast<char*>(w.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  if (const int error = posix_spawnp(&child, argv[0], nullptr, nullptr, argv.data(), environ); error != 0)
    throw WorldError("cannot run " + words.front() + ": " + std::strerror(error) + "; install it (Debian: packages tar and zstd)");
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw WorldError(words.front() + " failed: no archive was written");
}

LeftOut read_left_out(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == 0) throw InputError("--leave-out " + text + ": expected FILE=WHERE, such as traces/day.csv=https://...");
  return {text.substr(0, equals), equals == std::string::npos ? std::string() : text.substr(equals + 1)};
}

}  // namespace

int command_pack(const Arguments& arguments, const PolicyRegistry& registry) {
  cxxopts::Options options("tideline pack", "Pack results with all that is needed to make them again elsewhere.\n");
  using Texts = std::vector<std::string>;
  options.add_options()("results", "Results files, folders of sweeps, JSON files of compare and capacity, or folders of these",
                        cxxopts::value<Texts>(), "RESULT...")("out", "The archive; its suffix says how it is compressed",
                                                              cxxopts::value<std::string>(), "NAME.tar.zst")(
      "leave-out", "A file that may not be passed on: its hash is packed, and where to get it", cxxopts::value<Texts>(), "FILE[=WHERE]")(
      "no-program", "Leave this program out of it")("quiet", "Say nothing");
  options.parse_positional("results");
  options.positional_help("RESULT.h5|SWEEP_DIR|COMPARE.json|DIR...");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline pack results/quickstart.h5 --out quickstart.tar.zst\n"
                                    "  tideline pack results/selection_by_load compare.json --out paper.tar.zst\n"
                                    "  tideline pack results --out all.tar.gz --leave-out traces/day.csv=https://example.org/day.csv\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("results") == 0) throw InputError("nothing to pack was given (see tideline pack --help)");
  if (o.count("out") == 0) throw InputError("--out is missing: the archive to write, such as results.tar.zst (see tideline pack --help)");
  const auto results = o["results"].as<Texts>();
  const std::string wished = o["out"].as<std::string>();
  const Compression& compression = compression_of(wished);
  std::vector<LeftOut> left_out;
  if (o.count("leave-out") > 0)
    for (const auto& text : o["leave-out"].as<Texts>()) left_out.push_back(read_left_out(text));
  const fs::path out = output_file(wished, {results.begin(), results.end()});
  const std::string base = out.filename().string(), name = base.substr(0, base.size() - compression.suffix.size());
  catch_interrupts();  // tar hears of them too, and ends; then what it left is taken away
  const TemporaryFolder temporary;
  fs::create_directories(temporary.path() / name);
  const PackList list = lay_out_pack(temporary.path() / name, results, left_out, o.count("no-program") == 0, registry);
  // Nothing of this machine or user, and no times: the same results make the same archive.
  const fs::path archive = out.string() + "." + std::to_string(getpid()) + ".part";
  std::vector<std::string> words{"tar",
                                 "--create",
                                 "--dereference",
                                 "--sort=name",
                                 "--mtime=@0",
                                 "--owner=0",
                                 "--group=0",
                                 "--numeric-owner",
                                 "--mode=u+rw,a+rX,go-w",
                                 "--file",
                                 archive.string(),
                                 "--directory",
                                 temporary.path().string()};
  if (*compression.option != '\0') words.emplace_back(compression.option);
  words.push_back(name);
  std::error_code error;
  try {
    run_tool(words);
    fs::rename(archive, out);
  } catch (...) {
    fs::remove(archive, error);
    if (!interrupted) throw;
    std::cerr << "tideline: interrupted: no archive was written\n";
    return 130;
  }
  if (o.count("quiet") == 0) {
    std::cout << wished << ": " << list.results.size() << (list.results.size() == 1 ? " result, " : " results, ") << list.files.size()
              << (list.files.size() == 1 ? " input, " : " inputs, ") << fs::file_size(out) << " bytes\n"
              << "unpack it anywhere and run " << name << "/run.sh\n";
    for (const PackedFile& f : list.files)
      if (f.left_out) std::cout << "left out: " << f.file.path << '\n';
  }
  return 0;
}

}  // namespace tideline

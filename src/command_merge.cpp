// tideline merge: one table of all finished tasks of a sweep.
#include "sim/core/text.h"
#include "src/errors.h"
#include "src/hdf5_file.h"
#include "src/options.h"
#include "src/output_file.h"
#include "src/sweep_folder.h"
#include "src/sweep_table.h"
#include "src/text_table.h"

#include <cmath>
#include <iostream>

namespace tideline {

namespace {

namespace fs = std::filesystem;

std::string csv_of(const SweepTable& t) {
  std::string out = "task,replication,seed";
  for (const auto& a : t.axes) out += "," + csv_field(a.name);
  for (const auto& m : t.metrics) out += "," + m.name;
  out += '\n';
  for (std::size_t r = 0; r < t.tasks.size(); ++r) {
    out += std::to_string(t.tasks[r]) + "," + std::to_string(t.replications[r]) + "," + std::to_string(t.seeds[r]);
    for (const auto& a : t.axes) out += "," + csv_field(a.values[r]);
    for (const auto& m : t.metrics) out += "," + (std::isnan(m.values[r]) ? std::string() : to_text(m.values[r]));
    out += '\n';
  }
  return out;
}

void write_hdf5(const fs::path& path, const SweepTable& t) {
  ResultsFile file(path);
  file.group("/sweep");
  file.attribute("/sweep", "format", std::string("tideline-sweep-table"));
  file.attribute("/sweep", "name", t.name);
  file.attribute("/sweep", "program", t.program);
  file.group("/table");
  using Text = std::span<const std::string>;
  file.dataset("/table/task", t.tasks, "1", "Number of the task.");
  file.dataset("/table/replication", t.replications, "1", "Replication of its point, from 0.");
  file.dataset("/table/seed", t.seeds, "1", "Seed of every random draw.");
  for (std::size_t a = 0; a < t.axes.size(); ++a) {
    // A name of an axis may be a pointer, whose slashes would be groups.
    const std::string at = "/axes/" + std::to_string(a);
    file.dataset(at, Text(t.axes[a].values), "1", "Value of the axis that the attribute `name` names.");
    file.attribute(at, "name", t.axes[a].name);
  }
  for (const auto& m : t.metrics) file.dataset("/table/" + m.name, m.values, m.unit, m.help);
  file.commit();
}

}  // namespace

int command_merge(const Arguments& arguments, const PolicyRegistry&) {
  cxxopts::Options options("tideline merge", "Write one table of a sweep: a row per finished task, in DIR/table.csv and DIR/table.h5.\n");
  options.add_options()("dir", "Folder of a sweep", cxxopts::value<std::vector<std::string>>(), "DIR")(
      "out", "Where to write, without suffix; default: DIR/table", cxxopts::value<std::string>(), "PATH")("quiet", "No warnings");
  options.parse_positional("dir");
  options.positional_help("DIR");
  const auto parsed = parse_options(options, arguments,
                                    "  tideline merge results/selection_by_load\n"
                                    "  tideline merge results/selection_by_load --out tables/load\n");
  if (!parsed) return 0;
  const auto& o = *parsed;
  if (o.count("dir") != 1) throw InputError("expected the folder of one sweep (see tideline merge --help)");
  const fs::path folder = o["dir"].as<std::vector<std::string>>().front();
  const std::string out = o.count("out") > 0 ? o["out"].as<std::string>() : (folder / "table").string();
  refuse_in_tasks(out, folder);
  const SweepTable table = read_sweep_table(folder);
  const std::vector<fs::path> inputs{folder / "manifest.json"};
  const fs::path hdf5 = output_file(out + ".h5", inputs), csv = output_file(out + ".csv", inputs);
  write_hdf5(hdf5, table);
  write_whole(csv, csv_of(table));
  if (o.count("quiet") == 0) {
    if (table.missing > 0) std::cerr << "tideline: " << table.missing << " tasks have not run yet: sweep --resume runs them\n";
    if (table.failed > 0) std::cerr << "tideline: " << table.failed << " tasks failed\n";
  }
  std::cout << table.tasks.size() << " rows: " << out << ".csv, " << out << ".h5\n";
  return table.missing + table.failed > 0 ? 1 : 0;
}

}  // namespace tideline

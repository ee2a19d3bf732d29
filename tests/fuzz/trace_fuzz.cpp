// Any bytes as a trace or a table: by the first byte a CSV of arrivals, counts per bin, what `recognise_trace` takes it for, the table of
// YOLOBench or of another importer of catalogs, or any format of published traces, shaped, with its statistics and a source fitted to it.
// Times of a source never go back; what an importer writes is a catalog.
#include "sim/core/random.h"
#include "src/catalog_json.h"
#include "src/import_tables.h"
#include "src/import_yolobench.h"
#include "tests/fuzz/refused.h"
#include "traces/counts.h"
#include "traces/csv.h"
#include "traces/recognise.h"
#include "traces/rescale.h"
#include "traces/shape.h"
#include "traces/trace_fit.h"
#include "traces/trace_statistics.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <memory>
#include <sstream>
#include <string>

namespace {

using namespace tideline;

void replay(ArrivalSource& source, int most = 2000) {
  Arrival a;
  Time last{};
  for (int k = 0; k < most && source.next(a); ++k) {
    if (a.at < last || a.items < 1 || !(a.work > 0)) {
      std::cerr << "an arrival before the one before it, or without items or work\n";
      std::abort();
    }
    last = a.at;
  }
}

/// `choice` picks the format, and what is made of gaps.
void read_any(const std::string& text, unsigned choice) {
  const TraceFile file{"chunk-0.csv", [&] { return std::make_unique<std::istringstream>(text); }};
  TraceParams params;
  const auto formats = trace_formats();
  const unsigned k = choice % static_cast<unsigned>(formats.size() + 1);
  if (k < formats.size()) params.format = formats[k]->name;
  constexpr GapPolicy policies[] = {GapPolicy::zero, GapPolicy::missing, GapPolicy::interpolate};
  constexpr TracePlacement placements[] = {TracePlacement::uniform, TracePlacement::even, TracePlacement::poisson, TracePlacement::law};
  params.gaps = policies[choice % 3];
  params.placement = placements[choice % 4];
  params.unit = choice % 2 == 0 ? TraceUnit::s : TraceUnit::automatic;
  params.sort_rows = choice % 5 == 0 ? 0 : 64;
  if (choice % 7 == 1) params.max_qps = 50, params.rescale_bin_s = 600;
  if (choice % 7 == 2) params.resample_s = 60;
  if (choice % 7 == 3) params.keep_dispersion = true, params.rate_scale = choice % 2 == 0 ? 0.25 : 2.5;
  // A first reading of a trace that spans decades has a bin for each minute of them.
  const auto is_short = [&] {
    const auto reader = open_trace({file}, params);
    std::int64_t first = 0, last = 0;
    TraceRow row;
    for (int n = 0; n < 4000 && reader->next(row); ++n) {
      if (n == 0) first = row.start_ns;
      last = std::max(last, row.start_ns - first + row.length_ns);
    }
    return last < 86400LL * 1000000000LL;
  };
  fuzz::may_refuse([&] {
    if (needs_first_reading(params) && !is_short()) return;
    replay(*shaped([&] { return open_trace({file}, params); }, params, Stream(1)));
  });
  const auto reader = open_trace({file}, params);
  TraceStatistics statistics;
  TraceFit fit;
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  TraceRow row;
  for (int n = 0; n < 2000 && reader->next(row); ++n) {
    if (row.start_ns < last || row.length_ns < 0 || !(row.queries >= 0)) {
      std::cerr << "a row before the one before it, or without a number of queries\n";
      std::abort();
    }
    last = row.start_ns;
    statistics.add(row);
    fit.add(row);
  }
  const TraceFigures figures = statistics.figures(reader->keys());
  fuzz::may_refuse([&] { replay(*make_modulated(fit.fit(figures, reader->keys()).params, Stream(1)), 100); });
}

/// Each importer, with accuracies for what the table may name.
void import_any(std::istream& in, unsigned choice) {
  const auto importers = table_importers();
  TableWishes wishes;
  wishes.hardware = choice % 3 == 0 ? "" : "a40";
  std::istringstream accuracies("model,accuracy\nx,0.5\nresnet50,0.7\nn,0.6\n");
  wishes.accuracies = AccuracyTable(accuracies, "accuracies");
  const NamedStream file{"table", &in};
  DraftReport report;
  const std::string text = importers[choice % importers.size()].read({&file, 1}, wishes, report);
  Problems problems;
  const JsonDocument document = parse_json(text, "catalog", problems);
  (void)read_catalog(document.root, "", problems);
  if (!problems.empty()) {
    std::cerr << render(problems, document);
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::istringstream in(std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  fuzz::may_refuse([&] {
    switch (data[0] % 5) {
      case 0:
        return replay(*make_csv({}, in, Stream(1)));
      case 1:
        return replay(*make_counts({}, in, Stream(1)));
      case 2:
        (void)recognise_trace(in);
        return;
      case 4:
        return read_any(in.str(), data[0] / 5);
      default: {
        if (data[0] >= 15) return import_any(in, data[0] / 5U);
        std::ostringstream out;
        (void)import_yolobench(in, nullptr, out);
      }
    }
  });
  return 0;
}

// Any bytes as a trace or a table: by the first byte a CSV of arrivals, counts per bin, what `recognise_trace` takes it for, the table of
// YOLOBench, or any format of published traces, shaped and with its statistics. Times of a source never go back.
#include "sim/core/random.h"
#include "src/import_yolobench.h"
#include "tests/fuzz/refused.h"
#include "traces/counts.h"
#include "traces/csv.h"
#include "traces/recognise.h"
#include "traces/shape.h"
#include "traces/trace_statistics.h"

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

void replay(ArrivalSource& source) {
  Arrival a;
  Time last{};
  for (int k = 0; k < 2000 && source.next(a); ++k) {
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
  fuzz::may_refuse([&] { replay(*shaped(open_trace({file}, params), params, Stream(1))); });
  const auto reader = open_trace({file}, params);
  TraceStatistics statistics;
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  TraceRow row;
  for (int n = 0; n < 2000 && reader->next(row); ++n) {
    if (row.start_ns < last || row.length_ns < 0 || !(row.queries >= 0)) {
      std::cerr << "a row before the one before it, or without a number of queries\n";
      std::abort();
    }
    last = row.start_ns;
    statistics.add(row);
  }
  (void)statistics.figures(reader->keys());
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
        std::ostringstream out;
        (void)import_yolobench(in, nullptr, out);
      }
    }
  });
  return 0;
}

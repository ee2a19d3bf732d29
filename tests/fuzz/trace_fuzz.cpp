// Any bytes as a trace or a table: by the first byte a CSV of arrivals, counts per bin, what `recognise_trace` takes it for, or the
// table of YOLOBench. Times of a source never go back.
#include "sim/core/random.h"
#include "src/import_yolobench.h"
#include "tests/fuzz/refused.h"
#include "traces/counts.h"
#include "traces/csv.h"
#include "traces/recognise.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::istringstream in(std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  fuzz::may_refuse([&] {
    switch (data[0] % 4) {
      case 0:
        return replay(*make_csv({}, in, Stream(1)));
      case 1:
        return replay(*make_counts({}, in, Stream(1)));
      case 2:
        (void)recognise_trace(in);
        return;
      default: {
        std::ostringstream out;
        (void)import_yolobench(in, nullptr, out);
      }
    }
  });
  return 0;
}

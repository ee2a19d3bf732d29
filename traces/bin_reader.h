// Bins of counts from a text.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

namespace tideline {

/// A bin as a file gives it.
struct Bin {
  std::int64_t start_ns = 0;
  std::uint64_t count = 0;
};

/// A stream of bins in order.
class BinSource {
 public:
  virtual ~BinSource() = default;
  /// False at the end. Throws `SourceError`.
  virtual bool next(Bin& bin) = 0;
};

/// Reads any of the three formats that `make_counts` (counts.h) describes. `in` must outlive it.
std::unique_ptr<BinSource> read_bins(std::istream& in, std::int64_t bin_ns, const std::vector<std::string>& ignore);

}  // namespace tideline

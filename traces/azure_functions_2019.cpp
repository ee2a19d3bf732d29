// Format `azure_functions_2019`: invocations of Azure Functions per minute (AzurePublicDataset; Shahrad and others, "Serverless in the
// Wild", ATC 2020).
//
//   HashOwner,HashApp,HashFunction,Trigger,1,2,...,1440      invocations_per_function_md.anon.d01.csv .. d14.csv
//   HashOwner,HashApp,HashFunction,Average,Count,...         function_durations_percentiles.anon.d01.csv ..
//   HashOwner,HashApp,SampleCount,AverageAllocatedMb,...     app_memory_percentiles.anon.d01.csv .. d12
//
// A row a function and a file a day, in the order of their names; column k is minute k - 1. Functions come and go between days: where one
// has no row it had no invocations. A function's name is unique only within its app, hence the key owner/app/function; `key_column` makes
// it one of HashOwner, HashApp, HashFunction, Trigger. Counts were logged after execution; the date and zone of the first day are not
// published. Files of durations (milliseconds, without cold starts) may stand beside: the Average of a function is then the work of its
// queries, the mean over its days weighted by Count. Files of memory are recognised and left out; other copies insert columns in them.
//
// A file has its minutes across, so a day is read as a whole, each minute as bytes that say how far the next function is and how often
// it ran: about three bytes a function and minute with invocations.
#include "sim/model/arrival.h"
#include "traces/format_list.h"
#include "traces/gzip.h"
#include "traces/named_rows.h"
#include "traces/names.h"
#include "traces/nanoseconds.h"
#include "traces/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <istream>
#include <stdexcept>

namespace tideline {
namespace {

constexpr std::size_t minutes_a_day = 1440;
static_assert(static_cast<std::int64_t>(minutes_a_day) * minute_ns == day_ns);
constexpr std::uint64_t most_invocations = 1'000'000'000;
constexpr std::size_t most_functions = std::size_t{1} << 20, most_bytes = std::size_t{1} << 27;  // of a day
constexpr std::array<std::string_view, 4> key_columns{"HashOwner", "HashApp", "HashFunction", "Trigger"};

void put(std::string& bytes, std::uint64_t value) {
  for (; value >= 128; value >>= 7) bytes += static_cast<char>(value | 128);
  bytes += static_cast<char>(value);
}
std::uint64_t take(const std::string& bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= std::uint64_t{byte & 127U} << shift;
    if (byte < 128) return value;
  }
}

class AzureFunctions2019 final : public TraceReader {
 public:
  AzureFunctions2019(TraceFiles files, const ReadParams& params) : chosen_(params.key_column) {
    report_.format = "azure_functions_2019";
    refuse_columns(params, report_.format, {"key_column"});
    refuse_bins(params, report_.format);
    if (!chosen_.empty() && std::find(key_columns.begin(), key_columns.end(), chosen_) == key_columns.end())
      throw std::invalid_argument("key_column: format azure_functions_2019 has HashOwner, HashApp, HashFunction, Trigger");
    TraceFiles durations;
    std::size_t memory = 0;
    for (TraceFile& file : files) {
      const TraceHead head = head_of({file});
      if (head.has("Trigger"))
        days_.push_back(std::move(file));
      else if (head.has("Average") && head.has("Count"))
        durations.push_back(std::move(file));
      else if (head.has("AverageAllocatedMb"))
        ++memory;
      else
        throw SourceError(file.name + ": its header is none of a file of invocations, durations or memory");
    }
    if (days_.empty())
      throw SourceError("there is no file of invocations (HashOwner,HashApp,HashFunction,Trigger,1,...), only of durations or memory");
    if (memory > 0) report_.note(std::to_string(memory) + (memory == 1 ? " file" : " files") + " of memory left out");
    const bool by_function = chosen_.empty() || chosen_ == "HashFunction";
    if (!durations.empty() && !by_function) throw std::invalid_argument("key_column: durations are of functions, not of " + chosen_);
    for (const TraceFile& file : durations) read_durations(file);
    if (!durations.empty()) report_.note("the work of a query is the average duration of its function, in ms");
  }

  bool next(TraceRow& out) override {
    for (;;) {
      while (minute_ < minutes_a_day) {
        const std::string& bytes = bins_[minute_];
        if (at_ < bytes.size()) {
          local_ += static_cast<std::uint32_t>(take(bytes, at_));
          out = TraceRow{};
          out.start_ns = static_cast<std::int64_t>(day_ - 1) * day_ns + static_cast<std::int64_t>(minute_) * minute_ns;
          out.length_ns = minute_ns;
          out.queries = static_cast<double>(take(bytes, at_));
          out.key = key_of_row_[local_];
          if (out.key < work_.size()) out.work = work_[out.key];
          return true;
        }
        ++minute_;
        at_ = 0;
        local_ = 0;
      }
      if (day_ == days_.size()) return false;
      read_day(days_[day_++]);
      minute_ = at_ = 0;
      local_ = 0;
      // Says how long the day is, also where its last minutes are silent.
      out = TraceRow{};
      out.start_ns = static_cast<std::int64_t>(day_ - 1) * day_ns;
      out.length_ns = day_ns;
      out.queries = 0;
      return true;
    }
  }
  std::span<const std::string> keys() const override { return keys_.names(); }
  const TraceReport& report() const override { return report_; }

 private:
  std::string_view name_of(std::span<const std::string_view> cells) {
    if (!chosen_.empty()) {
      const auto at = std::find(key_columns.begin(), key_columns.end(), chosen_) - key_columns.begin();
      return cells[static_cast<std::size_t>(at)];
    }
    name_.assign(cells[0]).append("/").append(cells[1]).append("/").append(cells[2]);
    return name_;
  }

  void read_day(const TraceFile& file) {
    for (std::string& bytes : bins_) bytes.clear();
    key_of_row_.clear();
    const auto in = unpacked(file.open());
    static const std::vector<std::string> wanted = [] {
      std::vector<std::string> names(key_columns.begin(), key_columns.end());
      for (std::size_t k = 1; k <= minutes_a_day; ++k) names.push_back(std::to_string(k));
      return names;
    }();
    try {
      TableRows rows(*in, wanted, wanted.size(), TableRows::Header::required, std::size_t{1} << 16);
      std::vector<std::string_view> cells(wanted.size());
      std::vector<std::uint32_t> last(minutes_a_day);
      std::size_t bytes = 0;
      while (rows.next(cells)) {
        ++report_.rows;
        const auto row = static_cast<std::uint32_t>(key_of_row_.size());
        key_of_row_.push_back(keys_.find_or_add(name_of(cells)));
        if (keys_.names().size() > most_functions || key_of_row_.size() > most_functions)
          throw SourceError("row " + std::to_string(rows.row()) + ": more functions than the 1048576 supported");
        for (std::size_t m = 0; m < minutes_a_day; ++m) {
          const std::string_view cell = cells[key_columns.size() + m];
          if (cell == "0") continue;
          std::uint64_t count = 0;
          const NumberFault fault = parse_whole(cell, most_invocations, count);
          if (fault != NumberFault::none)
            throw SourceError("row " + std::to_string(rows.row()) + ", column '" + std::to_string(m + 1) + "': " + quoted(cell) + " " +
                              std::string(fault == NumberFault::too_large ? "is above 1e9" : describe(fault)));
          if (count == 0) continue;
          bytes -= bins_[m].size();
          put(bins_[m], row - last[m]);
          put(bins_[m], count);
          bytes += bins_[m].size();
          last[m] = row;
        }
        if (bytes > most_bytes) throw SourceError("row " + std::to_string(rows.row()) + ": a day with more invocations than 128 MiB hold");
      }
    } catch (const SourceError& e) {
      throw SourceError(file.name + ": " + e.what());
    }
  }

  void read_durations(const TraceFile& file) {
    const auto in = unpacked(file.open());
    const std::array<std::string, 6> wanted{"HashOwner", "HashApp", "HashFunction", "Average", "Count", "Trigger"};
    try {
      TableRows rows(*in, wanted, 5, TableRows::Header::required, std::size_t{1} << 16);
      std::array<std::string_view, 6> cells;
      while (rows.next(cells)) {
        double average = 0, count = 0;
        for (const auto& [at, value] : {std::pair{3U, &average}, std::pair{4U, &count}}) {
          const std::string_view cell = cells[at];
          const auto [after, error] = std::from_chars(cell.data(), cell.data() + cell.size(), *value);
          if (cell.empty() || after != cell.data() + cell.size() || error != std::errc{} || !std::isfinite(*value))
            throw SourceError("row " + std::to_string(rows.row()) + ", column " + quoted(wanted[at]) + ": " + quoted(cell) +
                              " is not a finite number");
        }
        if (average < 0 || count <= 0) {
          // The publishers say that some of these are wrong.
          report_.drop("duration without invocations, or negative", rows.row());
          continue;
        }
        const std::array<std::string_view, 4> parts{cells[0], cells[1], cells[2], cells[5]};
        const std::uint32_t key = keys_.find_or_add(name_of(parts));
        if (key >= most_functions) throw SourceError("row " + std::to_string(rows.row()) + ": more functions than the 1048576 supported");
        if (key >= work_.size()) {
          work_.resize(key + 1, TraceRow::unknown);
          weight_.resize(key + 1, 0.0);
        }
        const double before = weight_[key] > 0 ? static_cast<double>(work_[key]) * weight_[key] : 0;
        weight_[key] += count;
        work_[key] = static_cast<float>((before + average * count) / weight_[key]);
      }
    } catch (const SourceError& e) {
      throw SourceError(file.name + ": " + e.what());
    }
  }

  std::string chosen_, name_;
  TraceFiles days_;
  std::size_t day_ = 0;  // those read so far
  std::array<std::string, minutes_a_day> bins_;
  std::vector<std::uint32_t> key_of_row_;
  std::size_t minute_ = minutes_a_day, at_ = 0;
  std::uint32_t local_ = 0;
  NameTable keys_;
  std::vector<float> work_;  // by key
  std::vector<double> weight_;
  TraceReport report_;
};

}  // namespace

const TraceFormatDefinition azure_functions_2019_format{
    "azure_functions_2019",
    "Azure Functions 2019: HashOwner,HashApp,HashFunction,Trigger,1,...,1440, a file a day",
    false,
    [](const TraceHead& head) { return head.has("HashOwner") && head.has("HashApp"); },
    [](TraceFiles files, const ReadParams& params) -> std::unique_ptr<TraceReader> {
      return std::make_unique<AzureFunctions2019>(std::move(files), params);
    },
    true};

}  // namespace tideline

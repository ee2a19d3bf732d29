// Format `azure_functions_2019`: invocations of Azure Functions per minute (AzurePublicDataset; Shahrad and others, "Serverless in the
// Wild", ATC 2020).
//
//   HashOwner,HashApp,HashFunction,Trigger,1,2,...,1440      invocations_per_function_md.anon.d01.csv .. d14.csv
//   HashOwner,HashApp,HashFunction,Average,Count,...         function_durations_percentiles.anon.d01.csv ..
//   HashOwner,HashApp,SampleCount,AverageAllocatedMb,...     app_memory_percentiles.anon.d01.csv .. d12
//
// A row a function and a file a day; column k is minute k - 1. The number of the day is in the name of its file (d07), else files are the
// days in the order of their names. A day between two others that has no file is a gap: silence, or missing where `gaps` says so.
// Functions come and go between days: where one has no row it had no invocations. A function's name is unique only within its app, hence the key owner/app/function; `key_column` makes
// it one of HashOwner, HashApp, HashFunction, Trigger. Counts were logged after execution; the date and zone of the first day are not
// published. Files of durations (milliseconds, without cold starts) may stand beside: the Average of a function is then the work of its
// queries, the mean over its days weighted by Count. Files of memory are of apps: AverageAllocatedMb, weighted by SampleCount, is the work
// of the queries of an app where `work_column` names it, or, as bytes, their payload where `bytes_column` does (what a function keeps in
// memory, for want of what it is sent); else they are left out. Other copies insert columns in them.
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
#include <utility>

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
  AzureFunctions2019(TraceFiles files, const ReadParams& params)
      : chosen_(params.key_column),
        memory_is_work_(params.work_column == memory_column),
        memory_is_bytes_(params.bytes_column == memory_column),
        is_missing_(params.gaps == GapPolicy::missing) {
    report_.format = "azure_functions_2019";
    refuse_columns(params, report_.format, {"key_column", "work_column", "bytes_column"});
    if (params.gaps == GapPolicy::interpolate)
      throw std::invalid_argument("gaps: a day that is missing of format azure_functions_2019 can be silence or missing, not interpolated");
    ReadParams bins = params;
    bins.gaps = GapPolicy::zero;
    refuse_bins(bins, report_.format);
    if (!params.work_column.empty() && params.work_column != duration_column && !memory_is_work_)
      throw std::invalid_argument("work_column: format azure_functions_2019 has Average (ms, of durations) and AverageAllocatedMb");
    if (!params.bytes_column.empty() && !memory_is_bytes_)
      throw std::invalid_argument("bytes_column: format azure_functions_2019 has AverageAllocatedMb");
    if (!chosen_.empty() && std::find(key_columns.begin(), key_columns.end(), chosen_) == key_columns.end())
      throw std::invalid_argument("key_column: format azure_functions_2019 has HashOwner, HashApp, HashFunction, Trigger");
    one_of_many_ = files.size() > 1;
    TraceFiles durations, memory;
    for (TraceFile& file : files) {
      const TraceHead head = head_of({file});
      if (head.has("Trigger"))
        days_.push_back(std::move(file));
      else if (head.has("Average") && head.has("Count"))
        durations.push_back(std::move(file));
      else if (head.has("AverageAllocatedMb"))
        memory.push_back(std::move(file));
      else
        throw SourceError(file.name + ": its header is none of a file of invocations, durations or memory");
    }
    if (days_.empty())
      throw SourceError("there is no file of invocations (HashOwner,HashApp,HashFunction,Trigger,1,...), only of durations or memory");
    number_days();
    const bool by_function = chosen_.empty() || chosen_ == "HashFunction";
    if (!durations.empty() && !by_function) throw std::invalid_argument("key_column: durations are of functions, not of " + chosen_);
    const auto files_of = [](const TraceFiles& list, const char* what) {
      return std::to_string(list.size()) + (list.size() == 1 ? " file" : " files") + " of " + what;
    };
    if (params.work_column == duration_column && durations.empty())
      throw std::invalid_argument("work_column: there is no file of durations, which has Average");
    if (memory_is_work_ || memory_is_bytes_) {
      if (memory.empty()) throw std::invalid_argument("there is no file of memory, which has AverageAllocatedMb");
      if (!chosen_.empty()) throw std::invalid_argument("key_column: memory is of apps, which only the usual key names");
      for (const TraceFile& file : memory) read_memory(file);
      if (memory_is_bytes_) report_.note("the payload of a query is the memory of its app");
    } else if (!memory.empty()) {
      report_.note(files_of(memory, "memory") + " left out: bytes_column or work_column AverageAllocatedMb uses them");
    }
    if (memory_is_work_) {
      report_.note("the work of a query is the memory of its app, in MB");
      if (!durations.empty()) report_.note(files_of(durations, "durations") + " left out");
      return;
    }
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
          out.start_ns = numbers_[day_ - 1] * day_ns + static_cast<std::int64_t>(minute_) * minute_ns;
          out.length_ns = minute_ns;
          out.queries = static_cast<double>(take(bytes, at_));
          out.key = key_of_row_[local_];
          if (out.key < work_.size()) out.work = work_[out.key];
          if (memory_is_work_ || memory_is_bytes_) {
            const float mb = memory_of(out.key);
            if (memory_is_work_) out.work = mb;
            if (memory_is_bytes_) out.bytes = mb * 1e6F;
          }
          return true;
        }
        ++minute_;
        at_ = 0;
        local_ = 0;
      }
      if (day_ == days_.size()) return false;
      if (day_ > 0 && !told_ && numbers_[day_] > numbers_[day_ - 1] + 1) {
        told_ = true;
        out = TraceRow{};
        out.start_ns = (numbers_[day_ - 1] + 1) * day_ns;
        out.length_ns = (numbers_[day_] - numbers_[day_ - 1] - 1) * day_ns;
        out.queries = 0;
        out.missing = is_missing_;
        return true;
      }
      told_ = false;
      read_day(days_[day_++]);
      minute_ = at_ = 0;
      local_ = 0;
      // Says how long the day is, also where its last minutes are silent.
      out = TraceRow{};
      out.start_ns = numbers_[day_ - 1] * day_ns;
      out.length_ns = day_ns;
      out.queries = 0;
      return true;
    }
  }
  std::span<const std::string> keys() const override { return keys_.names(); }
  const TraceReport& report() const override { return report_; }

 private:
  static constexpr std::string_view duration_column = "Average", memory_column = "AverageAllocatedMb";

  /// The number in "invocations_per_function_md.anon.d07.csv"; -1: there is none.
  static std::int64_t day_in(std::string_view name) {
    for (std::size_t at = name.find('d'); at != std::string_view::npos; at = name.find('d', at + 1)) {
      if (at > 0 && name[at - 1] != '.') continue;
      std::int64_t number = 0;
      const char* const begin = name.data() + at + 1;
      const auto [after, error] = std::from_chars(begin, std::min(name.data() + name.size(), begin + 4), number);
      const bool ends = after == name.data() + name.size() || *after == '.';
      if (error == std::errc{} && after != begin && ends && number >= 0) return number;
    }
    return -1;
  }
  /// Puts files in the order of their days.
  void number_days() {
    std::vector<std::pair<std::int64_t, std::size_t>> order;
    for (std::size_t k = 0; k < days_.size(); ++k) order.emplace_back(day_in(days_[k].name), k);
    std::sort(order.begin(), order.end());
    if (order.front().first < 0) {
      for (std::size_t k = 0; k < days_.size(); ++k) numbers_.push_back(static_cast<std::int64_t>(k));
      if (order.back().first >= 0) report_.note("not all files name their day (d01): they are days in the order of their names");
      return;
    }
    TraceFiles files;
    std::string missing;
    std::int64_t days = 0;
    for (std::size_t k = 0; k < order.size(); ++k) {
      const std::int64_t number = order[k].first, before = k > 0 ? order[k - 1].first : number - 1;
      if (number == before) throw SourceError(days_[order[k].second].name + ": day " + std::to_string(number) + " comes twice");
      if (number > before + 1) {
        days += number - before - 1;
        missing += (missing.empty() ? "" : ", ") + std::to_string(before + 1);
        if (number > before + 2) missing += " to " + std::to_string(number - 1);
      }
      numbers_.push_back(number - std::min<std::int64_t>(1, order.front().first));
      files.push_back(std::move(days_[order[k].second]));
    }
    days_ = std::move(files);
    if (days > 0)
      report_.note(std::to_string(days) + (days == 1 ? " day has no file (" : " days have no file (") + missing + "), taken as " +
                   (is_missing_ ? "missing" : "silence (gaps=missing leaves them out)"));
  }

  SourceError with_name(const TraceFile& file, const SourceError& e) const {
    return one_of_many_ ? SourceError(file.name + ": " + e.what()) : e;
  }

  float memory_of(std::uint32_t key) {
    if (key >= app_of_key_.size()) app_of_key_.resize(keys_.names().size(), NameTable::none - 1);
    std::uint32_t& app = app_of_key_[key];
    if (app == NameTable::none - 1) {
      // owner/app/function, or what key_column chose
      const std::string& name = keys_.names()[key];
      app = apps_.find(name.substr(0, name.rfind('/')));
    }
    return app == NameTable::none ? TraceRow::unknown : memory_[app];
  }

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
      throw with_name(file, e);
    }
  }

  void read_memory(const TraceFile& file) {
    const auto in = unpacked(file.open());
    const std::array<std::string, 4> wanted{"HashOwner", "HashApp", std::string(memory_column), "SampleCount"};
    try {
      TableRows rows(*in, wanted, wanted.size(), TableRows::Header::required, std::size_t{1} << 16);
      std::array<std::string_view, 4> cells;
      while (rows.next(cells)) {
        double average = 0, count = 0;
        for (const auto& [at, value] : {std::pair{2U, &average}, std::pair{3U, &count}}) number_in(cells[at], wanted[at], rows, *value);
        if (average < 0 || count <= 0) {
          report_.drop("memory without samples, or negative", rows.row());
          continue;
        }
        name_.assign(cells[0]).append("/").append(cells[1]);
        const std::uint32_t app = apps_.find_or_add(name_);
        if (app >= most_functions) throw SourceError("row " + std::to_string(rows.row()) + ": more apps than the 1048576 supported");
        if (app >= memory_.size()) {
          memory_.resize(app + 1, TraceRow::unknown);
          samples_.resize(app + 1, 0.0);
        }
        const double before = samples_[app] > 0 ? static_cast<double>(memory_[app]) * samples_[app] : 0;
        samples_[app] += count;
        memory_[app] = static_cast<float>((before + average * count) / samples_[app]);
      }
    } catch (const SourceError& e) {
      throw with_name(file, e);
    }
  }
  static void number_in(std::string_view cell, const std::string& column, const TableRows& rows, double& value) {
    const auto [after, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (cell.empty() || after != cell.data() + cell.size() || error != std::errc{} || !std::isfinite(value))
      throw SourceError("row " + std::to_string(rows.row()) + ", column " + quoted(column) + ": " + quoted(cell) +
                        " is not a finite number");
  }

  void read_durations(const TraceFile& file) {
    const auto in = unpacked(file.open());
    const std::array<std::string, 6> wanted{"HashOwner", "HashApp", "HashFunction", "Average", "Count", "Trigger"};
    try {
      TableRows rows(*in, wanted, 5, TableRows::Header::required, std::size_t{1} << 16);
      std::array<std::string_view, 6> cells;
      while (rows.next(cells)) {
        double average = 0, count = 0;
        for (const auto& [at, value] : {std::pair{3U, &average}, std::pair{4U, &count}}) number_in(cells[at], wanted[at], rows, *value);
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
      throw with_name(file, e);
    }
  }

  std::string chosen_, name_;
  bool memory_is_work_, memory_is_bytes_, is_missing_, one_of_many_ = false;
  TraceFiles days_;
  std::vector<std::int64_t> numbers_;  // of the days, from 0
  std::size_t day_ = 0;                // those read so far
  bool told_ = false;                  // that there is no file of the days before the next one
  std::array<std::string, minutes_a_day> bins_;
  std::vector<std::uint32_t> key_of_row_;
  std::size_t minute_ = minutes_a_day, at_ = 0;
  std::uint32_t local_ = 0;
  NameTable keys_;
  std::vector<float> work_;  // by key
  std::vector<double> weight_;
  NameTable apps_;
  std::vector<float> memory_;  // by app
  std::vector<double> samples_;
  std::vector<std::uint32_t> app_of_key_;
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

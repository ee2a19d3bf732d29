// Format `servegen`: rates of the clients of a language-model service, in windows (Xiang and others, "ServeGen: Workload Characterization
// and Generation of Large Language Model Serving in Production", 2025; alibaba/ServeGen).
//
//   600,1.25,1.1,Gamma,0.80,0.99        window start in s, rate per s, CV of gaps, law of gaps, its shape and scale
//
// No header; one file a client (chunk-12-trace.csv), which is the key. Windows are 600 s; time 0 is local midnight. An empty law, or a
// rate of 0, is a window without that client. The files name a Gamma or Weibull law for the gaps, whose scale does not quite match the
// rate: the rate counts, as the authors' own generator has it.
#include "sim/core/time.h"
#include "sim/model/arrival.h"
#include "traces/format_list.h"
#include "traces/gzip.h"
#include "traces/named_rows.h"
#include "traces/reorder.h"
#include "traces/text.h"
#include "traces/timestamp.h"

#include <array>
#include <charconv>
#include <cmath>
#include <istream>
#include <stdexcept>

namespace tideline {
namespace {

constexpr std::int64_t window_ns = 600'000'000'000;
constexpr double most_rate = 1e9;
enum WindowColumn : std::size_t { window_t, window_rate, window_cv, window_law, window_shape, window_scale, window_columns };

class ServeGenClient final : public TraceReader {
 public:
  /// `one_of_many`: errors begin with the name of the file.
  ServeGenClient(const TraceFile& file, const ReadParams& params, bool one_of_many)
      : window_ns_(params.bin_s > 0 ? from_seconds(params.bin_s).count() : window_ns),
        name_(file.name),
        where_(one_of_many ? file.name + ": " : ""),
        in_(unpacked(file.open())) {
    static const std::array<std::string, window_columns> names{"t", "rate", "cv", "dist", "p1", "p2"};
    try {
      rows_ = std::make_unique<TableRows>(*in_, names, names.size(), TableRows::Header::none, std::size_t{1} << 14);
    } catch (const SourceError& e) {
      throw SourceError(where_ + e.what());
    }
    std::string key = name_.substr(0, name_.find(".csv"));
    if (key.ends_with("-trace")) key.resize(key.size() - std::string_view("-trace").size());
    keys_.push_back(key);
    report_.format = "servegen";
  }

  bool next(TraceRow& out) override {
    std::array<std::string_view, window_columns> cells;
    try {
      if (!rows_->next(cells)) return false;
    } catch (const SourceError& e) {
      throw SourceError(where_ + e.what());
    }
    ++report_.rows;
    out = TraceRow{};
    out.row = static_cast<std::uint32_t>(rows_->row());
    const auto at = time_.parse(cells[window_t]);
    if (!at) refuse(cells[window_t], std::string(time_.fault()));
    out.start_ns = *at;
    out.length_ns = window_ns_;
    out.key = 0;
    const double rate = number(cells[window_rate]);
    if (rate > most_rate) refuse(cells[window_rate], "is a rate above 1e9");
    const std::string_view law = cells[window_law];
    if (law == "Gamma")
      out.law = GapLaw::gamma;
    else if (law == "Weibull")
      out.law = GapLaw::weibull;
    else if (!law.empty())
      refuse(law, "is neither Gamma nor Weibull");
    out.queries = law.empty() ? 0 : rate * static_cast<double>(window_ns_) * 1e-9;
    out.cv = static_cast<float>(number(cells[window_cv]));
    out.shape = static_cast<float>(number(cells[window_shape]));
    return true;
  }
  std::span<const std::string> keys() const override { return keys_; }
  const TraceReport& report() const override { return report_; }
  std::uint64_t row() const override { return rows_->row(); }

 private:
  double number(std::string_view cell) const {
    if (cell.empty()) return 0;
    double value = 0;
    const char* const end = cell.data() + cell.size();
    const auto [after, error] = std::from_chars(cell.data(), end, value);
    if (after != end || error != std::errc{} || !std::isfinite(value)) refuse(cell, "is not a finite number");
    if (value < 0) refuse(cell, "is negative");
    return value;
  }
  [[noreturn]] void refuse(std::string_view cell, const std::string& what) const {
    throw SourceError(where_ + "row " + std::to_string(rows_->row()) + ": " + quoted(cell) + " " + what);
  }

  std::int64_t window_ns_;
  std::string name_, where_;
  std::unique_ptr<std::istream> in_;
  std::unique_ptr<NamedRows> rows_;
  TimeColumn time_{TraceUnit::s};
  std::vector<std::string> keys_;
  TraceReport report_;
};

}  // namespace

const TraceFormatDefinition servegen_format{
    "servegen",
    "ServeGen: windows t,rate,cv,dist,p1,p2 without a header, a file a client",
    false,
    [](const TraceHead& head) {
      return !head.json && !head.has_header && head.cells.size() == window_columns &&
             (head.cells[window_law].empty() || head.cells[window_law] == "Gamma" || head.cells[window_law] == "Weibull");
    },
    [](TraceFiles files, const ReadParams& params) {
      refuse_columns(params, "servegen", {});
      if (params.count_s > 0) throw std::invalid_argument("count_s: format servegen has rates, not counts");
      if (params.gaps != GapPolicy::zero) throw std::invalid_argument("gaps: format servegen says itself which windows are silent");
      if (params.unit != TraceUnit::automatic && params.unit != TraceUnit::s)
        throw std::invalid_argument("unit: times of format servegen are seconds");
      std::vector<std::unique_ptr<TraceReader>> clients;
      for (const TraceFile& file : files)
        clients.push_back(
            apart(sorted(std::make_unique<ServeGenClient>(file, params, files.size() > 1), std::min<std::uint32_t>(params.sort_rows, 1024)),
                  "window", files.size() > 1 ? file.name + ": " : ""));
      return merged(std::move(clients), "servegen");
    },
    true};

}  // namespace tideline

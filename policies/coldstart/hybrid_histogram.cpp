#include "policies/builtin.h"
#include "policies/components/arima.h"
#include "policies/components/residents.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

namespace tideline {

namespace {

/// Learns from the idle times of each variant at a site, from the end of an execution to the next arrival, when to stop it, when to
/// start it again before it is asked for, and until when to keep it.
/// Source: Shahrad et al., "Serverless in the wild", ATC 2020, section 4 (arXiv:2003.03423).
///
/// Idle times are counted in bins. Where the counts are concentrated (the coefficient of variation over all bins is high enough), the
/// instance is wanted from `head_margin` x the head to `tail_margin` x the tail after the end of an execution: it is stopped at once if
/// the head is above 0, and started again when the first is over. Where they are not, or there are few, it is kept for the range. Where
/// most idle times are out of range, an ARIMA model predicts the next, of which `arima_margin` either way are allowed.
///
/// Ours, where the paper gives no number: how few are few, and what share of out of range is most. Quantiles are nearest ranks of what is
/// in range. Executions that overlap are one: idle is who has no batch running. A visit that arrives while one runs has no idle time.
class HybridHistogram final : public ColdstartPolicy, public Observer {
 public:
  struct Params {
    Duration bin = 60s, range = 4h;
    std::uint32_t few = 10;
    double variation = 2;
    double head = 0.05, tail = 0.99;
    double head_margin = 0.9, tail_margin = 1.1;
    double out_of_range = 0.5;
    double arima_margin = 0.15;
    static constexpr auto declare() {
      return param::fields(
          param::field("bin_s", &Params::bin, "Width of a bin.", {0.001, 86400}),
          param::field("range_s", &Params::range, "Idle time up to which bins go; also how long an instance is kept for want of a pattern.",
                       {0.001, 31536000}),
          param::field("few", &Params::few, "Idle times below which no pattern is looked for.", {1, 1e6}),
          param::field("variation", &Params::variation, "Least coefficient of variation of the counts that is a pattern.", {0, 1e6}),
          param::field("head", &Params::head, "Quantile of the idle times that is the head.", {0, 1}),
          param::field("tail", &Params::tail, "Quantile of the idle times that is the tail.", {0, 1}),
          param::field("head_margin", &Params::head_margin, "Factor of the head.", {0, 1}),
          param::field("tail_margin", &Params::tail_margin, "Factor of the tail.", {1, 1000}),
          param::field("out_of_range", &Params::out_of_range, "Share of idle times out of range above which the next is predicted.",
                       {0, 1}),
          param::field("arima_margin", &Params::arima_margin, "Share of the prediction that is allowed either way.", {0, 1}));
    }
  };

  /// Throws std::invalid_argument where the bins do not make up the range or are too many.
  HybridHistogram(const Params& params, const Setup& setup) : params_(params), rows_(setup.world->groups().size()), running_(*setup.world) {
    bins_ = static_cast<std::size_t>(params.range / params.bin);
    if (params.range % params.bin != Duration{}) throw std::invalid_argument("range_s: not a multiple of bin_s");
    if (bins_ > most_bins) throw std::invalid_argument("range_s: more than 100000 bins");
    counts_.assign(bins_ * rows_.size(), 0);
  }

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.arrivals = false, .batches = true, .instances = true, .visits = true}; }

  KeepAlive became_idle(InstanceId i, ClusterView view) override {
    const GroupId g = view.instance(i).group;
    const Row& row = rows_[g.index()];
    const Window window = window_of(g);
    // An instance that was started again has not run anything itself.
    const Time end = row.ended == never ? view.instance(i).idle_since : row.ended;
    const Duration idle = view.now() - end;
    if (window.from > idle) return {Duration{}, window.from - idle, window.reason};
    return {std::max(Duration{}, window.until - idle), forever, window.reason};
  }

  void visit_began(const QueryView& query, InstanceId i, ClusterView view) override {
    Row& row = rows_[view.instance(i).group.index()];
    row.arrival = std::min(row.arrival, query.arrival());
  }

  void batch_began(InstanceId i, std::uint32_t, ClusterView view) override {
    const GroupId g = view.instance(i).group;
    Row& row = rows_[g.index()];
    if (row.running == 0 && row.ended != never && row.arrival >= row.ended) count(g, row.arrival - row.ended);
    row.arrival = never;
    ++row.running;
    running_[i] = true;
  }

  void batch_done(InstanceId i, std::uint32_t, Duration, ClusterView view) override { end(i, view); }

  void instance_changed(InstanceId i, Phase phase, ClusterView view) override {
    if (phase == Phase::starting) running_[i] = false;
    if (phase == Phase::gone && running_[i]) end(i, view);  // with its node: its batch is never done
  }

 private:
  enum : Reason { few_idle_times, histogram, no_pattern, predicted };
  static constexpr std::array<std::string_view, 4> names{"few_idle_times", "histogram", "no_pattern", "predicted"};
  static constexpr std::size_t most_bins = 100'000;

  struct Row {
    Time ended = never;    // end of its last execution; never: none yet
    Time arrival = never;  // first of the visits whose batch is about to begin
    std::uint32_t running = 0;
    std::uint64_t in_range = 0, beyond = 0;
    double squares = 0;                         // of the counts
    std::array<double, arima_window> recent{};  // idle times in seconds, a ring
    std::size_t recorded = 0;
  };
  struct Window {
    Duration from{}, until{};  // after the end of an execution
    Reason reason = few_idle_times;
  };

  void end(InstanceId i, ClusterView view) {
    Row& row = rows_[view.instance(i).group.index()];
    running_[i] = false;
    if (row.running > 0) --row.running;
    row.ended = view.now();
  }

  void count(GroupId g, Duration idle) {
    Row& row = rows_[g.index()];
    row.recent[row.recorded++ % arima_window] = to_seconds(idle);
    const auto bin = static_cast<std::size_t>(idle / params_.bin);
    if (bin >= bins_) {
      ++row.beyond;
      return;
    }
    std::uint32_t& c = counts_[g.index() * bins_ + bin];
    row.squares += 2.0 * c + 1;
    ++c;
    ++row.in_range;
  }

  Window window_of(GroupId g) const {
    const Row& row = rows_[g.index()];
    const std::uint64_t all = row.in_range + row.beyond;
    if (all < params_.few) return {{}, params_.range, few_idle_times};
    if (static_cast<double>(row.beyond) > params_.out_of_range * static_cast<double>(all)) {
      const double next = predict(row);
      return {from_seconds((1 - params_.arima_margin) * next), from_seconds((1 + params_.arima_margin) * next), predicted};
    }
    const auto bins = static_cast<double>(bins_);
    const double mean = static_cast<double>(row.in_range) / bins;
    const double variance = std::max(0.0, row.squares / bins - mean * mean);
    if (row.in_range == 0 || std::sqrt(variance) < params_.variation * mean) return {{}, params_.range, no_pattern};
    const Duration head = bin_of(g, params_.head) * params_.bin, tail = (bin_of(g, params_.tail) + 1) * params_.bin;
    return {scaled(head, params_.head_margin), scaled(tail, params_.tail_margin), histogram};
  }

  /// The bin of a quantile of the idle times in range, of which there are some.
  std::int64_t bin_of(GroupId g, double quantile) const {
    const auto n = static_cast<double>(rows_[g.index()].in_range);
    // A product that is a whole number but for rounding is that number.
    auto rank = static_cast<std::uint64_t>(std::max(1.0, std::ceil(quantile * n - 1e-9)));
    const auto counts = std::span(counts_).subspan(g.index() * bins_, bins_);
    std::size_t k = 0;
    while (counts[k] < rank) rank -= counts[k++];
    return static_cast<std::int64_t>(k);
  }

  /// In seconds, 0 or more.
  static double predict(const Row& row) {
    std::array<double, arima_window> ordered;
    const std::size_t n = std::min(row.recorded, arima_window);
    double mean = 0;
    for (std::size_t k = 0; k < n; ++k) {
      ordered[k] = row.recent[(row.recorded - n + k) % arima_window];
      mean += ordered[k] / static_cast<double>(n);
    }
    const std::optional<double> next = arima_forecast(std::span(ordered).first(n));
    return next && *next > 0 ? *next : mean;
  }

  static Duration scaled(Duration d, double factor) { return from_seconds(to_seconds(d) * factor); }

  Params params_;
  std::size_t bins_ = 0;
  std::vector<Row> rows_;              // by group
  std::vector<std::uint32_t> counts_;  // by group and bin
  InstanceTable<char> running_;        // a batch is running there
};

}  // namespace

PolicyDefinition hybrid_histogram() {
  return define<HybridHistogram>(
      "hybrid_histogram", "Stops and prewarms by the histogram of each variant's idle times.",
      {Provenance::our_reading,
       R"(Shahrad et al., "Serverless in the wild: characterizing and optimizing the serverless workload at a large cloud provider", USENIX ATC 2020, arXiv:2003.03423)"});
}

}  // namespace tideline

#include "traces/shape.h"

#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "traces/bin_filler.h"
#include "traces/names.h"
#include "traces/text.h"

#include <boost/random/beta_distribution.hpp>
#include <boost/random/binomial_distribution.hpp>
#include <boost/random/poisson_distribution.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <utility>

namespace tideline {
namespace {

constexpr double most_in_stretch = 1e9;

/// Arrivals of one stretch, in order.
class Filler {
 public:
  /// `gap_shape`: of gamma gaps between the queries; 0: placed as `placement` says.
  Filler(BinPlacement placement, std::int64_t length_ns, std::uint64_t count, double gap_shape)
      : filler_(placement, length_ns), length_ns_(length_ns), left_(count), shape_(gap_shape) {
    if (shape_ == 0) filler_.begin(count);
  }
  /// Nanoseconds since the start, or -1.
  std::int64_t next(Stream& stream) {
    if (shape_ == 0) return filler_.next(stream);
    if (left_ == 0) return -1;
    // The stretch is a circle with as many gaps as queries, so that none of its times is special. Of gamma gaps that fill a whole together
    // one has the share Beta(shape, shape x number of the others); the one that covers the start of the stretch is chosen by its length,
    // which adds 1 to its shape.
    if (is_first_) {
      is_first_ = false;
      const double covering = left_ == 1 ? 1 : share(shape_ + 1, shape_ * static_cast<double>(left_ - 1), stream);
      rest_ = 1 - covering;
      at_ = uniform01(stream) * covering;
    } else {
      const double gap = left_ == 1 ? rest_ : rest_ * share(shape_, shape_ * static_cast<double>(left_ - 1), stream);
      at_ += gap;
      rest_ -= gap;
    }
    --left_;
    const auto at = static_cast<std::int64_t>(at_ * static_cast<double>(length_ns_));
    last_ = std::clamp(at, last_, length_ns_ - 1);
    return last_;
  }

 private:
  static double share(double mine, double others, Stream& stream) {
    const double drawn = boost::random::beta_distribution<double>(mine, others)(stream);
    // Small shapes leave both gammas that it divides at 0: there Beta is all or nothing.
    return std::isnan(drawn) ? (uniform01(stream) * (mine + others) < mine ? 1 : 0) : drawn;
  }

  BinFiller filler_;
  std::int64_t length_ns_;
  std::uint64_t left_;
  bool is_first_ = true;
  double shape_, at_ = 0, rest_ = 1;  // of the whole
  std::int64_t last_ = 0;
};

class Shaped final : public TraceSource {
 public:
  Shaped(std::unique_ptr<TraceReader> reader, const TraceParams& params, Stream stream)
      : reader_(std::move(reader)), params_(params), stream_(stream) {
    if (params.to_s != 0 && params.to_s <= params.from_s) throw std::invalid_argument("to_s must be after from_s");
    if (!(params.rate_scale > 0)) throw std::invalid_argument("rate_scale must be above 0");
    if (!(params.time_scale > 0)) throw std::invalid_argument("time_scale must be above 0");
    from_ns_ = from_seconds(params.from_s).count();
    to_ns_ = params.to_s > 0 ? from_seconds(params.to_s).count() : std::numeric_limits<std::int64_t>::max();
    map_ = params.map != TaskMap::automatic ? params.map : params.tasks.size() == 1 ? TaskMap::one : TaskMap::by_key;
    const std::size_t tasks = params.tasks.size();
    const bool needs_tasks = map_ != TaskMap::by_key && map_ != TaskMap::one;
    if (needs_tasks && tasks == 0) throw std::invalid_argument("map: there are no tasks to map keys to");
    if (map_ == TaskMap::one && tasks > 1) throw std::invalid_argument("map: one, but there are several tasks");
    if (map_ == TaskMap::weights && params.weights.size() != tasks)
      throw std::invalid_argument("weights: expected one for each task, " + std::to_string(tasks));
    if (map_ != TaskMap::weights && !params.weights.empty()) throw std::invalid_argument("weights: only map weights has them");
    if (map_ == TaskMap::round_robin && params.map_keys == 0)
      throw std::invalid_argument("map_keys: map round_robin needs the number of keys of the trace");
    if (params.work_mean == 0 && !params.work_column.empty())
      throw std::invalid_argument("work_mean: has to be declared where the trace cannot be read before");
    if (params.work_mean > 0 && params.work_column.empty() && reader_->report().format != "azure_functions_2019")
      throw std::invalid_argument("work_mean: needs a work_column");
    std::vector<double> weights = params.weights;
    if (map_ == TaskMap::equal) weights.assign(tasks, 1.0);
    if (map_ == TaskMap::zipf)
      for (std::size_t k = 0; k < tasks; ++k) weights.push_back(std::pow(static_cast<double>(k + 1), -params.zipf_exponent));
    if (!weights.empty()) {
      const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
      if (!(sum > 0) || !std::isfinite(sum)) throw std::invalid_argument("weights: their sum must be above 0");
      for (const double w : weights) shares_.push_back(w / sum);
      std::partial_sum(shares_.begin(), shares_.end(), std::back_inserter(cumulated_));
    }
    for (const std::string& task : params.tasks) names_.find_or_add(task);
    for (std::uint32_t k = 0; k < params.asks.size(); ++k) asks_.emplace(key_of(params.asks[k]), k);
  }

  bool next(Arrival& out) override {
    for (;;) {
      if (copies_ > 0) {
        --copies_;
        give(pending_, at_ns_, out);
        return true;
      }
      if (!has_pending_ && !ended_) read();
      if (!active_.empty() && (ended_ || active_.front().at_ns <= start_ns_)) {
        std::pop_heap(active_.begin(), active_.end(), later);
        Active& a = active_.back();
        give(a.row, a.at_ns, out);
        if (advance(a))
          std::push_heap(active_.begin(), active_.end(), later);
        else
          active_.pop_back();
        return true;
      }
      if (ended_) return false;
      has_pending_ = false;
      if (pending_.length_ns == 0) {
        copies_ = times(pending_);
        at_ns_ = start_ns_;
      } else {
        begin();
      }
    }
  }

  bool next_expected(Expected& out) override {
    while (!has_pending_ || expected_task_ >= std::max<std::size_t>(1, shares_.size())) {
      expected_task_ = 0;
      do {
        if (ended_) return false;
        read();
      } while (!ended_ && pending_.queries == 0);
      if (ended_) return false;
    }
    out = Expected{};
    const std::size_t k = expected_task_++;
    out.queries = pending_.queries * params_.rate_scale * static_cast<double>(pending_.scale) * (shares_.empty() ? 1 : shares_[k]);
    out.length = Duration{length_ns_};
    fill(pending_, start_ns_, shares_.empty() ? task_of(pending_.key) : static_cast<std::uint32_t>(k), out.like);
    return true;
  }

  std::span<const std::string> task_names() const override {
    return names_.names().empty() && map_ == TaskMap::by_key ? reader_->keys() : std::span<const std::string>(names_.names());
  }
  double mean_qps(Time, Time) const override { return 0; }
  const TraceRow& row() const override { return given_; }
  const TraceReader& reader() const override { return *reader_; }

 private:
  struct Active {
    std::int64_t at_ns;
    std::uint64_t serial;
    std::int64_t start_ns;
    Filler filler;
    TraceRow row;
  };
  static bool later(const Active& a, const Active& b) { return a.at_ns != b.at_ns ? a.at_ns > b.at_ns : a.serial > b.serial; }

  std::int64_t scaled(std::int64_t ns) const {
    if (params_.time_scale == 1) return ns;
    return static_cast<std::int64_t>(std::floor(static_cast<long double>(ns) * static_cast<long double>(params_.time_scale)));
  }

  /// The next row in the window becomes `pending_`, from `start_ns_` over `length_ns_`.
  void read() {
    for (;;) {
      if (!reader_->next(pending_)) break;
      if (!started_) {
        started_ = true;
        origin_ns_ = params_.start == TraceStart::first ? pending_.start_ns : 0;
      }
      if (pending_.missing) continue;
      std::int64_t from = pending_.start_ns - origin_ns_;
      if (from >= to_ns_) break;
      if (pending_.length_ns == 0) {
        if (from < from_ns_) continue;
      } else {
        const std::int64_t begin = std::max(from, from_ns_), end = std::min(from + pending_.length_ns, to_ns_);
        if (begin >= end) continue;
        if (end - begin < pending_.length_ns) {
          pending_.queries *= static_cast<double>(end - begin) / static_cast<double>(pending_.length_ns);
          pending_.length_ns = end - begin;
        }
        from = begin;
      }
      const long double last =
          static_cast<long double>(from - from_ns_ + pending_.length_ns) * static_cast<long double>(params_.time_scale);
      if (last > 9.2e18L) throw SourceError("with time_scale it is longer than 292 years");
      start_ns_ = scaled(from - from_ns_);
      length_ns_ = pending_.length_ns == 0 ? 0 : std::max<std::int64_t>(1, scaled(from - from_ns_ + pending_.length_ns) - start_ns_);
      has_pending_ = true;
      return;
    }
    ended_ = true;
    has_pending_ = false;
  }

  /// How often a query comes.
  std::uint64_t times(const TraceRow& row) {
    const double expected = params_.rate_scale * static_cast<double>(row.scale) * row.queries;
    if (expected == 1) return 1;
    const double whole = std::floor(expected);
    return static_cast<std::uint64_t>(whole) + (uniform01(stream_) < expected - whole);
  }

  /// Draws how many queries `pending_` has, and puts them among the active ones.
  void begin() {
    const double scale = params_.rate_scale * static_cast<double>(pending_.scale), expected = pending_.queries * scale;
    if (!(expected > 0)) return;
    if (expected > most_in_stretch) throw SourceError("a bin or window has more than 1e9 queries: is the unit right?");
    std::uint64_t count = 0;
    if (params_.placement == TracePlacement::poisson || pending_.is_mean) {
      count = static_cast<std::uint64_t>(boost::random::poisson_distribution<std::int64_t, double>(expected)(stream_));
    } else {
      const double whole = std::floor(pending_.queries), rest = pending_.queries - whole;
      count = static_cast<std::uint64_t>(whole) + (rest > 0 && uniform01(stream_) < rest);
      if (scale != 1) {
        const double copies = std::floor(scale), chance = scale - copies;
        std::uint64_t thinned = 0;
        if (chance > 0 && count > 0)
          thinned = static_cast<std::uint64_t>(
              boost::random::binomial_distribution<std::int64_t, double>(static_cast<std::int64_t>(count), chance)(stream_));
        count = count * static_cast<std::uint64_t>(copies) + thinned;
      }
    }
    if (count == 0) return;
    double shape = 0;
    if (params_.placement == TracePlacement::law && pending_.cv > 0) {
      const double cv = static_cast<double>(pending_.cv);
      // Where the law is a Weibull, gamma gaps of the same coefficient of variation stand for it: only theirs stay of one law when they
      // are stretched to fill a window.
      shape = pending_.law == GapLaw::gamma && pending_.shape > 0 ? static_cast<double>(pending_.shape) : 1 / (cv * cv);
      shape = std::clamp(shape, 1e-3, 1e6);
    }
    const BinPlacement placement = params_.placement == TracePlacement::even ? BinPlacement::even : BinPlacement::uniform;
    Active a{0, serial_++, start_ns_, Filler(placement, length_ns_, count, shape), pending_};
    if (!advance(a)) return;
    active_.push_back(std::move(a));
    std::push_heap(active_.begin(), active_.end(), later);
  }

  bool advance(Active& a) {
    const std::int64_t offset = a.filler.next(stream_);
    if (offset < 0) return false;
    a.at_ns = a.start_ns + offset;
    return true;
  }

  std::uint32_t task_of(std::uint32_t key) {
    switch (map_) {
      case TaskMap::stripe:
        return key == TraceRow::no_key ? 0 : key % static_cast<std::uint32_t>(params_.tasks.size());
      case TaskMap::round_robin: {
        if (key == TraceRow::no_key) return 0;
        if (key >= params_.map_keys)
          throw SourceError("it has more keys than map_keys (" + std::to_string(params_.map_keys) +
                            ") says; `tideline trace stats` counts them");
        return static_cast<std::uint32_t>(std::uint64_t{key} * params_.tasks.size() / params_.map_keys);
      }
      case TaskMap::by_key:
        return by_key(key);
      case TaskMap::one:
        return params_.tasks.empty() ? Arrival::unknown : 0;
      default:
        return draw();
    }
  }
  std::uint32_t draw() {
    const double u = uniform01(stream_) * cumulated_.back();
    const auto at = std::upper_bound(cumulated_.begin(), cumulated_.end(), u) - cumulated_.begin();
    return static_cast<std::uint32_t>(std::min<std::size_t>(static_cast<std::size_t>(at), cumulated_.size() - 1));
  }
  std::uint32_t by_key(std::uint32_t key) {
    if (key == TraceRow::no_key) return Arrival::unknown;
    if (params_.tasks.empty()) return key;
    while (task_of_key_.size() <= key) task_of_key_.push_back(names_.find(reader_->keys()[task_of_key_.size()]));
    const std::uint32_t task = task_of_key_[key];
    if (task == NameTable::none) {
      const std::string& name = reader_->keys()[key];
      throw SourceError("key " + quoted(name) + " is none of the tasks that may occur" + suggestion(name, params_.tasks) +
                        ": declare a map, such as stripe or zipf");
    }
    return task;
  }

  void give(const TraceRow& row, std::int64_t at_ns, Arrival& out) {
    given_ = row;
    fill(row, at_ns, task_of(row.key), out);
  }
  void fill(const TraceRow& row, std::int64_t at_ns, std::uint32_t task, Arrival& out) const {
    constexpr float least = 1e-6F, most = 1e6F;
    out = Arrival{};
    out.at = Time{Duration{at_ns}};
    out.task = task;
    out.tenant = row.key == TraceRow::no_key ? 0 : row.key;
    if (params_.work_mean > 0 && !std::isnan(row.work)) {
      const auto work = static_cast<float>(static_cast<double>(row.work) / params_.work_mean);
      if (work > most)
        throw SourceError("a query has work " + to_text(static_cast<double>(row.work)) + ", more than 1e6 times work_mean (" +
                          to_text(params_.work_mean) + "): is it right?");
      out.work = std::max(work, least);
    }
    if (!std::isnan(row.bytes)) out.payload_bytes = static_cast<std::uint32_t>(std::min(static_cast<double>(row.bytes), 4e9));
    if (!asks_.empty())
      if (const auto found = asks_.find(key_of(ask_of(row, params_.ask_step_s))); found != asks_.end()) out.asks = found->second;
  }
  static std::pair<std::int64_t, int> key_of(const Ask& a) { return {a.slo_ns, static_cast<int>(std::lround(a.accuracy * 1000))}; }

  std::unique_ptr<TraceReader> reader_;
  TraceParams params_;
  Stream stream_;
  TaskMap map_;
  std::int64_t from_ns_, to_ns_;
  std::vector<double> shares_, cumulated_;
  NameTable names_;
  std::map<std::pair<std::int64_t, int>, std::uint32_t> asks_;
  std::vector<std::uint32_t> task_of_key_;
  bool started_ = false, has_pending_ = false, ended_ = false;
  std::int64_t origin_ns_ = 0, start_ns_ = 0, length_ns_ = 0, at_ns_ = 0;
  TraceRow pending_, given_;
  std::uint64_t copies_ = 0, serial_ = 0;
  std::vector<Active> active_;
  std::size_t expected_task_ = std::numeric_limits<std::size_t>::max();
};

}  // namespace

Ask ask_of(const TraceRow& row, double step_s) {
  Ask out;
  if (row.slo_s > 0) {
    const double step_ns = step_s * 1e9;
    out.slo_ns = static_cast<std::int64_t>(std::max(1.0, std::round(static_cast<double>(row.slo_s) * 1e9 / step_ns)) * step_ns);
  }
  if (row.accuracy >= 0) {
    if (row.accuracy > 1)
      throw SourceError("a query asks for accuracy " + to_text(static_cast<double>(row.accuracy)) + ": expected 0 .. 1, not percent");
    out.accuracy = std::round(static_cast<double>(row.accuracy) * 1000) / 1000;
  }
  return out;
}

std::vector<Ask> asks_in(const OpenTrace& open, double step_s, std::size_t most) {
  std::vector<Ask> out;
  std::set<std::pair<std::int64_t, double>> known;
  const auto reader = open();
  for (TraceRow row; reader->next(row);) {
    const Ask ask = ask_of(row, step_s);
    if (ask == Ask{} || !known.emplace(ask.slo_ns, ask.accuracy).second) continue;
    if (out.size() == most)
      throw SourceError("its rows ask for more than " + std::to_string(most) +
                        " different things: a longer ask_step_s makes fewer of them");
    out.push_back(ask);
  }
  return out;
}

std::unique_ptr<TraceSource> shaped(std::unique_ptr<TraceReader> reader, const TraceParams& params, Stream stream) {
  return std::make_unique<Shaped>(std::move(reader), params, stream);
}

}  // namespace tideline

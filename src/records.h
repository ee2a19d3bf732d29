// What `--records` asks for: a row for each query, instance, batch and decision of a run, written as the run goes.
#pragma once

#include "sim/model/recorder.h"
#include "sim/policy/decision.h"
#include "sim/serving/controller.h"
#include "src/hdf5_file.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tideline {

/// What to record.
struct RecordWishes {
  bool queries = false, instances = false, decisions = false;
  bool any() const { return queries || instances || decisions; }
};
/// `none`, `all`, or a list as `queries,instances`. Throws InputError that names the nearest word.
RecordWishes parse_records(const std::string& text);

/// The coding of `accuracy` in `/queries`: less the accuracy of the row's variant, if it has one; so it is mostly 0.
inline constexpr const char* above_variant = "above variant";

/// Writes `/queries`: a row per measured query, in order of their ends. What follows from other columns is left out: readers add the four
/// parts of the latency to the arrival to get the finish.
class QueryRecorder final : public Recorder {
 public:
  QueryRecorder(ResultsFile& file, const World& world);
  Facts facts() const override { return {.arrivals = false, .batches = false}; }
  void ended(const Visit& v, const QueryEnd& end) override;

 private:
  const World& world_;
  ColumnGroup group_;
  Column<std::uint64_t>& serial_;
  Column<std::int64_t>& arrival_;
  Column<std::int64_t>& network_;
  Column<std::int64_t>& load_;
  Column<std::int64_t>& queue_;
  Column<std::int64_t>& service_;
  Column<std::uint32_t>& class_;
  Column<std::uint16_t>& tenant_;
  Column<std::int32_t>& variant_;
  Column<std::int32_t>& instance_;
  Column<std::uint8_t>& ending_;
  Column<std::uint8_t>& flags_;
  Column<std::uint8_t>& visits_;
  Column<std::uint32_t>& batch_;
  Column<double>& accuracy_;
  Column<std::uint8_t>& outcome_;
  Column<float>& score_;
  Column<float>& cost_;
};

/// Writes `/instances`, a row per instance when it is gone, and `/batches`, a row per batch when it is done or lost: of the whole run.
class InstanceRecorder final : public Recorder {
 public:
  InstanceRecorder(ResultsFile& file, const World& world);
  Facts facts() const override { return {.arrivals = false, .ends = false}; }
  void run_begins(const Cluster& cluster) override { cluster_ = &cluster; }
  void batch_done(InstanceId i, DeviceId d, VariantId v, std::uint32_t items, std::uint32_t wasted, Duration took, Time now) override;
  void batch_lost(InstanceId i, DeviceId d, VariantId v, std::uint32_t items, Duration took, Time now) override;
  void instance_started(InstanceId i, StartCause cause, Time now) override;
  void instance_warm(InstanceId i, Time now) override;
  void instance_draining(InstanceId i, Time now) override;
  void instance_stopped(InstanceId i, StopCause cause, Time now) override;
  /// Once the run has ended: rows of the instances that are left, in order of their starts.
  void finish();

 private:
  struct Life {
    InstanceId instance;  ///< none: the slot is free
    Time started{}, warm = never, draining = never;
    std::uint32_t batches = 0;
    std::uint64_t items = 0, visits = 0;
  };

  Life& life(InstanceId i);
  void write(Life& life, std::uint8_t stop_cause, Time stopped);
  void write_batch(InstanceId i, DeviceId d, VariantId v, std::uint32_t items, std::uint32_t wasted, Duration took, Time now, bool lost);

  const World& world_;
  const Cluster* cluster_ = nullptr;
  std::vector<std::vector<Life>> lives_;  // by site and slot
  ColumnGroup instances_, batches_;
  Column<std::uint32_t>& serial_;
  Column<std::uint32_t>& variant_;
  Column<std::uint32_t>& site_;
  Column<std::uint32_t>& device_;
  Column<std::int64_t>& started_;
  Column<std::int64_t>& warm_;
  Column<std::int64_t>& draining_;
  Column<std::int64_t>& stopped_;
  Column<std::uint8_t>& start_cause_;
  Column<std::uint8_t>& stop_cause_;
  Column<std::uint32_t>& batch_count_;
  Column<std::uint64_t>& item_count_;
  Column<std::uint64_t>& visit_count_;
  Column<std::int64_t>& memory_;
  Column<std::uint32_t>& cores_;
  Column<std::uint32_t>& batch_instance_;
  Column<std::uint32_t>& batch_device_;
  Column<std::uint32_t>& batch_variant_;
  Column<std::int64_t>& batch_began_;
  Column<std::int64_t>& batch_took_;
  Column<std::uint32_t>& batch_visits_;
  Column<std::uint32_t>& batch_items_;
  Column<std::uint32_t>& batch_wasted_;
  Column<std::uint8_t>& batch_lost_;
};

/// Writes `/decisions`: a row per answer of a policy, of the whole run.
class DecisionRecorder final : public Recorder {
 public:
  explicit DecisionRecorder(ResultsFile& file);
  Facts facts() const override { return {.arrivals = false, .batches = false, .ends = false, .decisions = true}; }
  void run_begins(const Cluster& cluster) override { cluster_ = &cluster; }
  void decided(ControllerId controller, const Decision& d, Time now) override;

 private:
  const Cluster* cluster_ = nullptr;
  std::uint64_t last_query_ = 0;
  ColumnGroup group_;
  Column<std::int64_t>& time_;
  Column<std::uint32_t>& controller_;
  Column<std::uint8_t>& answer_;
  Column<std::uint8_t>& reason_;
  Column<std::uint64_t>& query_;
  Column<std::int32_t>& chosen_;
  Column<std::int32_t>& runner_up_;
  Column<std::int64_t>& amount_;
};

/// The recorders of one run.
class Records {
 public:
  Records(ResultsFile& file, const World& world, RecordWishes wishes);
  std::vector<Recorder*> recorders();
  /// Writes `/run/names`: what numbers stand for in records, and the classes. Before the run, so that records can be read without its end.
  void write_names(std::span<const Controller> controllers);
  /// Once the run has ended.
  void finish();

 private:
  ResultsFile& file_;
  const World& world_;
  RecordWishes wishes_;
  std::optional<QueryRecorder> queries_;
  std::optional<InstanceRecorder> instances_;
  std::optional<DecisionRecorder> decisions_;
};

}  // namespace tideline

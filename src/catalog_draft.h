// Catalogs made of measurements: what importers read, as one kind of record, and the file that comes of it.
#pragma once

#include "src/json_document.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// One model on one hardware type, as a table says it. Numbers that it does not say are nothing, and are assumed.
struct MeasuredVariant {
  std::string task, model, base_model, hardware, framework, precision;
  std::uint32_t resolution = 0;
  std::optional<double> accuracy;                                     ///< 0 .. 1
  std::map<std::uint32_t, double> latency_s;                          ///< by items
  std::map<std::uint32_t, std::map<std::uint32_t, double>> by_cores;  ///< in place of it: by cores, then items
  bool only_these_batches = false;                                    ///< the sizes that were measured are the only ones that run
  bool derived_latency = false;                                       ///< from a throughput
  std::optional<double> artefact_bytes, memory_bytes, load_s;
  bool computed_artefact = false;  ///< from a number of parameters
  std::string suffix;              ///< of the name, where model, hardware and precision do not tell variants apart
};

struct DraftTask {
  std::string name, metric;
  bool hit_rate = true;
};

/// What was read and what was made of it.
struct DraftReport {
  std::size_t rows = 0, variants = 0, batched = 0, raised = 0;
  std::map<std::string, std::size_t> dropped;  ///< rows or variants, by reason
  std::vector<std::string> notes;
};

/// Accuracies of models from a table of their own: columns `model` and `accuracy` (0 .. 1) or `top1` (percent), and perhaps `precision`,
/// `img_size`. A model's name without what follows a point names it too, where it is the first of those names in the table.
class AccuracyTable {
 public:
  AccuracyTable() = default;
  /// Throws `InputError` with file and row, also where two rows of a model do not agree.
  AccuracyTable(std::istream& in, const std::string& name);
  /// Rows without a precision are of floating point ones only: fp32, fp16, amp, float, bf16. `resolution` 0: any.
  std::optional<double> of(const std::string& model, const std::string& precision, std::uint32_t resolution) const;
  bool empty() const { return rows_.empty(); }

 private:
  struct Row {
    double accuracy;
    std::uint32_t resolution;
    bool is_whole_name;  ///< and not the part of one before its point
  };
  std::map<std::pair<std::string, std::string>, std::vector<Row>> rows_;  // by model and precision
};

/// Whether accuracy measured in floating point says nothing of a precision.
bool is_quantised(const std::string& precision);

/// Hardware types by name, from a file such as scenarios/catalogs/hardware.json.
class HardwareTable {
 public:
  HardwareTable() = default;
  HardwareTable(const Json& file, const std::string& name);
  /// The entry, or one whose figures are all assumed; `kind` is that of such a one.
  Json of(const std::string& name, const std::string& kind) const;
  bool has(const std::string& name) const { return entries_.contains(name); }
  std::vector<std::string_view> names() const;

 private:
  std::map<std::string, Json> entries_;
};

/// Puts variants without an accuracy aside, and writes the rest: a catalog that `read_catalog` reads, an element a line. Throws `InputError`
/// where none is left, and where the rest is no catalog.
///
/// Latencies that fall from a batch to a larger one are raised to that of the smaller, and are no measured ones then. Where the smallest batch is not 1, sizes are fixed.
/// Memory that is not known is the artefact and 256 MiB, an artefact that is not known 100 MB, a load that is not known 1 s: all assumed.
/// `kind` is that of hardware that the table does not know.
std::string write_draft(const std::string& name, const std::string& about, const std::string& source, const std::vector<DraftTask>& tasks,
                        const std::vector<MeasuredVariant>& variants, const HardwareTable& hardware, const std::string& kind,
                        DraftReport& report);

/// Several lines for people.
std::string to_text(const DraftReport& report);

}  // namespace tideline

// Catalogs from the tables of YOLOBench (https://github.com/Deeplite/deeplite-torch-zoo, results/yolobench): object detectors at
// eleven resolutions on eight platforms, measured with single images.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// The data sets whose accuracies the table has. Each is a task of its own.
enum class YoloBenchTask : std::uint8_t { voc, sku, wider, coco };

struct YoloBenchOptions {
  std::vector<YoloBenchTask> tasks{YoloBenchTask::voc};
  std::string csv_name = "merged_results.csv";           ///< for messages
  std::string params_name = "COMPUTED_params_macs.csv";  ///< the same
  /// Price of a board by the hour: what it costs / its life, and its power x this tariff. All assumed.
  double lifetime_years = 3;
  double usd_per_kwh = 0.2;
  /// If set, batches follow l(b) = l(1) (share + (1 - share) b), assumed, instead of the derived tables; 0 .. 1.
  std::optional<double> affine_share;
  std::uint32_t affine_max_batch = 16;
  /// The wider table (below): accuracies in INT8 by model, and a table of latencies in seconds for platforms that it has not.
  std::map<std::string, double> int8_accuracies = {};
  std::istream* latencies = nullptr;
  std::string latencies_name = "YOLO_latency.csv";
};

/// What was read and what was made of it.
struct ImportReport {
  std::size_t rows = 0;  ///< of the table: a model at a resolution
  std::size_t architectures = 0;
  std::size_t columns = 0;  ///< of latencies: platforms with a framework
  std::size_t hardware_types = 0;
  std::size_t tasks = 0;
  std::size_t variants = 0;                    ///< written
  std::size_t batched_variants = 0;            ///< of them, those that take more than one item
  std::size_t raised_latencies = 0;            ///< derived entries raised to that of the batch before: more items are never faster
  std::size_t assumed_sizes = 0;               ///< variants whose weights have an assumed size, as no parameter count was given
  std::map<std::string, std::size_t> dropped;  ///< variants not written, by reason
  std::vector<std::string> notes;
};

/// Several lines for people.
std::string to_text(const ImportReport& report);

/// What a column of latencies of the table is in a catalog.
struct YoloBenchPlatform {
  std::string_view hardware, framework;
};
std::optional<YoloBenchPlatform> yolobench_platform(std::string_view column);

/// The task whose accuracies a column of the table has; empty: none has.
std::string_view yolobench_task(std::string_view column);

/// Reads the whole table, then writes a catalog that `read_catalog` reads. `params` (or null) is a table with `model_name` and
/// `params_deploy_computed`. Throws `InputError` with file and row where a table is wrong: nothing is written then. The caller
/// looks whether `out` took it all.
///
/// - Latency of one item: as measured, in ms. Of b items at resolution r: that of the same architecture at b r^2 pixels, interpolated
///   between its resolutions, beyond the largest R by the last slope, never past 2 R^2 pixels, and never below that of b - 1 items.
///   The largest batch is the largest power of two within that bound: 2 at 480 px, 4 at 320 px, 16 at 160 px. The NPUs' runtimes fix
///   the batch at 1.
/// - A variant is named `MODEL@HARDWARE`, with `-DATASET` behind the model for data sets other than VOC, and `-FRAMEWORK` behind the
///   hardware where a second framework was measured on it.
/// - The wider table, VOC_scratch_100epochs.csv, has 968 models trained from scratch and times in seconds; it is told by its columns, and has
///   task voc only. Its latencies in INT8 are left out where `int8_accuracies` says nothing: none was measured.
/// - Memory, load times, bandwidths, power and most prices are assumed: the table has none.
ImportReport import_yolobench(std::istream& csv, std::istream* params, std::ostream& out, const YoloBenchOptions& options = {});

}  // namespace tideline

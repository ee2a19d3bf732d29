// What runs networks for real: a backend loads a network with weights of its own and runs batches on it. What is measured is latency: the
// weights are random, so nothing here detects anything.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline::real {

enum class Precision : std::uint8_t { f32, bf16 };

/// A network in the shape of a YOLO: backbone, neck and head, by multiples of depth and width.
struct NetworkSpec {
  std::string network;             ///< name of the shape, e.g. "yolov5"
  double depth = 1;                ///< multiple of the repeats of a block, > 0
  double width = 1;                ///< multiple of the channels, > 0
  std::uint32_t resolution = 320;  ///< pixels of a square input's side, a multiple of 32
  Precision precision = Precision::f32;
  std::uint64_t seed = 1;  ///< of its weights

  bool operator==(const NetworkSpec&) const = default;
};

/// This machine cannot do what was asked: no such precision, no such device, too little memory. Says what to do.
struct CannotRun : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What the parts of a load took, in seconds.
struct LoadParts {
  double read_s = 0;       ///< weights to host memory
  double build_s = 0;      ///< kernels chosen and made
  double copy_s = 0;       ///< weights into the layout, or to the device, where they are used
  double first_run_s = 0;  ///< the first batch of one item
  double sum() const { return read_s + build_s + copy_s + first_run_s; }
};

/// A network in memory. Used by one thread at a time; different networks may be used by different threads at once. Destroying it frees
/// all its memory.
class Network {
 public:
  virtual ~Network() = default;
  /// Runs a batch of `items` (1 to the most that it was loaded for) on its buffered input with its threads; returns when all is done.
  /// Throws std::runtime_error where a kernel fails.
  virtual void run(std::uint32_t items) = 0;
  /// Input of one item as channels x rows x columns; written before `run` by who wants to see numbers. Otherwise it is random.
  virtual void set_input(std::uint32_t item, std::span<const float> values) = 0;
  /// Output of one item of the last batch: all heads, one after the other, channels x rows x columns each.
  virtual std::vector<float> output(std::uint32_t item) const = 0;
  virtual const LoadParts& load_parts() const = 0;
  virtual std::int64_t weight_bytes() const = 0;
  virtual std::int64_t resident_bytes() const = 0;    ///< host and device: weights, buffers and work space
  virtual std::string kernels() const { return {}; }  ///< names of the implementations that were chosen, where a library has several
};

/// Of a device with memory of its own, in bytes.
struct DeviceMemory {
  std::string device;  ///< what it is called, e.g. "NVIDIA H200"
  std::int64_t whole = 0, free = 0;
};

/// A library that runs networks on a kind of device.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;     ///< "cpu", "eigen", "cuda"
  virtual std::string version() const = 0;  ///< of the libraries and the instruction set, for results
  /// Throws CannotRun for a network that this machine cannot run, without loading it.
  virtual void check(const NetworkSpec& spec) const = 0;
  /// Loads a network for batches of up to `max_items`, run by `threads` threads. Throws CannotRun.
  virtual std::unique_ptr<Network> load(const NetworkSpec& spec, std::uint32_t max_items, unsigned threads) = 0;
  /// Of the one device that it runs on; nothing where that is the processor, and its memory the machine's.
  virtual std::optional<DeviceMemory> device_memory() const { return {}; }
};

/// Of the classes above: one more with each change of them, so that a module of another build is refused, not misunderstood.
inline constexpr std::int32_t backend_layout = 1;

/// Names of the backends of this build, e.g. {"cpu", "eigen", "cuda"}.
std::vector<std::string> backend_names();
/// Throws CannotRun for a name that is none of them, or one whose device is not there; the text says the nearest.
std::unique_ptr<Backend> make_backend(const std::string& name);

}  // namespace tideline::real

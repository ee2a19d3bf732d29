// Results files: HDF5 behind a few calls, written so that a full disk, an interruption or a kill leaves nothing misleading.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tideline {

/// Held around every HDF5 call of the process: the library is not thread-safe in every build, and where it is, it has one lock anyway.
/// The classes below take it themselves; only code that calls the C API directly needs it, and must not use those classes meanwhile.
/// Also stops HDF5 from printing its error stack on this thread.
[[nodiscard]] std::unique_lock<std::mutex> hdf5_lock();

/// What a column holds; in the file always little-endian.
enum class ColumnType : std::uint8_t { float64, float32, int64, uint64, int32, uint32, uint16, uint8 };

/// Rows of a column that are packed together.
inline constexpr std::size_t block_rows = 16384;

template <class T>
struct ColumnTypeOf;
template <>
struct ColumnTypeOf<double> : std::integral_constant<ColumnType, ColumnType::float64> {};
template <>
struct ColumnTypeOf<float> : std::integral_constant<ColumnType, ColumnType::float32> {};
template <>
struct ColumnTypeOf<std::int64_t> : std::integral_constant<ColumnType, ColumnType::int64> {};
template <>
struct ColumnTypeOf<std::uint64_t> : std::integral_constant<ColumnType, ColumnType::uint64> {};
template <>
struct ColumnTypeOf<std::int32_t> : std::integral_constant<ColumnType, ColumnType::int32> {};
template <>
struct ColumnTypeOf<std::uint32_t> : std::integral_constant<ColumnType, ColumnType::uint32> {};
template <>
struct ColumnTypeOf<std::uint16_t> : std::integral_constant<ColumnType, ColumnType::uint16> {};
template <>
struct ColumnTypeOf<std::uint8_t> : std::integral_constant<ColumnType, ColumnType::uint8> {};

/// One column of a ColumnGroup: a dataset `name` with the attributes `unit` ("ns", "1", ...) and `description`. The group's attribute
/// `columns` has their order.
struct ColumnSpec {
  std::string name;
  ColumnType type;
  std::string unit;
  std::string description;
  std::string names{};   ///< attribute: its values are rows of this table of `/run/names`; all others are none
  std::string coding{};  ///< attribute: how its values stand in the file, if not as they are; the caller puts them so
};

/// An HDF5 file in the making: `x.h5.part` until commit() renames it to `x.h5`, or commit_incomplete() to `x.incomplete.h5`.
///
/// A kill at any instant leaves the `.part` as the last flush left it: nothing that was flushed is written over except by the next flush,
/// which first leaves a copy of what it will write at the end of the file. Only if the kill came amid that is recover_results() needed.
/// A `.part` without the first bytes of an HDF5 file is that of a run killed before its first flush.
///
/// Paths of objects are absolute ("/series/load"); missing groups on the way are created. Equal content, written in the same order with
/// flushes between the same rows, gives equal bytes: so flush by rows or simulated time, never by a clock.
/// Used from one thread; blocks of columns are written by a thread of the file's own, started by the first full block. Every call below
/// first waits until that thread is idle, which keeps both the bytes and the library's calls in order.
/// Whatever cannot be written throws WorldError with path and reason, then or at the next call; after that nothing more can be written, and
/// the destructor removes the file. An older file under the final name stays until it is replaced whole.
/// A process limited by RLIMIT_FSIZE must ignore SIGXFSZ to see the error.
class ResultsFile {
 public:
  /// Creates the missing folders and `final_path` + ".part", which no other run may be writing.
  explicit ResultsFile(std::filesystem::path final_path);
  /// Without a commit, removes the unfinished file.
  ~ResultsFile();
  ResultsFile(const ResultsFile&) = delete;
  ResultsFile& operator=(const ResultsFile&) = delete;

  /// Makes all rows so far, and all else, survive a kill of the process (not a loss of power). Each flush amid a block costs the file up to
  /// one block per column, since flushed bytes are hardly ever used again. A flush also follows every fourth full block of a group; it
  /// takes the rows of other groups along only now and then.
  void flush();
  /// Finishes all column groups, closes the file and gives it its final name. The last call.
  void commit();
  /// As commit(), under the name that says that the run was interrupted.
  void commit_incomplete();

  /// Creates a group unless it exists.
  void group(const std::string& path);

  /// Sets an attribute of an existing group or dataset: UTF-8 string (under 60 KB, no NUL), number, or bool as uint8.
  template <class T>
  void attribute(const std::string& object, const std::string& name, const T& value) {
    if constexpr (std::convertible_to<const T&, std::string_view>) {
      string_attribute(object, name, value);
    } else if constexpr (std::same_as<T, bool>) {
      const std::uint8_t number = value ? 1 : 0;
      number_attribute(object, name, ColumnType::uint8, &number);
    } else if constexpr (std::floating_point<T>) {
      const double number = value;
      number_attribute(object, name, ColumnType::float64, &number);
    } else if constexpr (std::unsigned_integral<T>) {
      const std::uint64_t number = value;
      number_attribute(object, name, ColumnType::uint64, &number);
    } else {
      static_assert(std::signed_integral<T>, "an attribute is a string, a number or a bool");
      const std::int64_t number = value;
      number_attribute(object, name, ColumnType::int64, &number);
    }
  }

  /// Writes a scalar UTF-8 string of any size (no NUL), uncompressed.
  void text(const std::string& path, std::string_view content, std::string_view description);

  /// Writes a 1-D dataset of fixed size; compressed from 4 KiB on. Strings are UTF-8 of variable length, without NUL.
  void dataset(const std::string& path, std::span<const double> values, std::string_view unit, std::string_view description);
  void dataset(const std::string& path, std::span<const std::int64_t> values, std::string_view unit, std::string_view description);
  void dataset(const std::string& path, std::span<const std::uint64_t> values, std::string_view unit, std::string_view description);
  void dataset(const std::string& path, std::span<const std::uint32_t> values, std::string_view unit, std::string_view description);
  void dataset(const std::string& path, std::span<const std::uint16_t> values, std::string_view unit, std::string_view description);
  void dataset(const std::string& path, std::span<const std::uint8_t> values, std::string_view unit, std::string_view description);
  void dataset(const std::string& path, std::span<const std::string> values, std::string_view unit, std::string_view description);

  const std::filesystem::path& final_path() const;
  /// Where the bytes are until a commit.
  const std::filesystem::path& part_path() const;

 private:
  friend class ColumnGroup;
  struct State;

  void string_attribute(const std::string& object, const std::string& name, std::string_view value);
  void number_attribute(const std::string& object, const std::string& name, ColumnType type, const void* value);
  void commit_as(const std::filesystem::path& name);

  std::unique_ptr<State> state_;
};

/// Finishes a flush that a kill of its process cut short, from the copy at the end of `path`. False: there was none, the file is as it was.
/// Throws WorldError where it cannot be opened or written, or another run is writing it.
bool recover_results(const std::filesystem::path& path);

/// How far the block being filled is; `limit`: how far it may get.
struct BlockFill {
  std::size_t rows = 0;
  std::size_t limit = 0;
};

/// The buffers of one column, whatever its type: one being filled, one being written.
class ColumnBuffer {
 public:
  ColumnBuffer(const BlockFill& fill, std::size_t width) : fill_(&fill), width_(width) {}

  /// The size of a value in bytes.
  std::size_t width() const { return width_; }
  /// Whether exactly one value per complete row was pushed.
  bool complete() const { return static_cast<std::size_t>(next_ - filling_.get()) == fill_->rows * width_; }
  std::byte* filling() { return filling_.get(); }
  std::byte* writing() { return writing_.get(); }
  /// Turns the filled buffer into the one to write, and starts on the other.
  void swap();
  /// Copies what is filled so far to the buffer to write.
  void copy();
  /// Frees the memory.
  void release();

 protected:
  void grow();

  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;

 private:
  const BlockFill* fill_;
  std::size_t width_;
  std::unique_ptr<std::byte[]> filling_;
  std::unique_ptr<std::byte[]> writing_;
  std::size_t filling_bytes_ = 0;
  std::size_t writing_bytes_ = 0;
};

/// One typed column of a ColumnGroup; lives as long as the file.
template <class T>
class Column : public ColumnBuffer {
 public:
  explicit Column(const BlockFill& fill) : ColumnBuffer(fill, sizeof(T)) {}

  /// The column's value in the current row: exactly one per row, else std::logic_error at the end of the block.
  void push(T value) {
    if (next_ == end_) [[unlikely]] {
      grow();
    }
    std::memcpy(next_, &value, sizeof value);
    next_ += sizeof value;
  }
};

/// Columns of equal length that grow by rows: `for each row { a.push(...); b.push(...); group.end_row(); }`.
///
/// In the file integers take as many bits as the least and the largest of their block are apart (HDF5's filter scale-offset); floats stand
/// as they are, and blocks of zeros take no space.
/// Full blocks go to the file's writer thread, one being written while the next is filled; a group that never fills a block
/// nor is flushed is written once, at the end, without a thread. Buffers grow with the rows. The group belongs to the file: this handle may
/// go earlier, and a commit finishes the group.
class ColumnGroup {
 public:
  ColumnGroup(ResultsFile& file, const std::string& path, std::vector<ColumnSpec> columns);

  /// The column of that name; std::logic_error if there is none or it holds another type.
  template <class T>
  Column<T>& column(std::string_view name) {
    return static_cast<Column<T>&>(find(name, ColumnTypeOf<T>::value));
  }

  /// Completes a row. Throws WorldError if an earlier block could not be written.
  void end_row() {
    if (++fill_->rows >= fill_->limit) [[unlikely]] {
      hand_over();
    }
  }

  /// Writes what is left, waits for it and frees the buffers; no row may follow. Throws WorldError.
  void finish();
  /// Complete rows so far.
  std::uint64_t rows() const;

  struct State;

 private:
  ColumnBuffer& find(std::string_view name, ColumnType type);
  void hand_over();

  ResultsFile::State* file_;
  State* state_;
  BlockFill* fill_;
};

}  // namespace tideline

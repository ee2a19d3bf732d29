// Reads results files, also those that a killed or interrupted run left; what columns leave out is there again.
#pragma once

#include "src/hdf5_file.h"
#include "src/hdf5_id.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tideline {

/// A dataset of one dimension, as it stands in the file.
struct ColumnFacts {
  std::string name, type, unit, description, coding;
  std::string names;  ///< its values are rows of this table of `/run/names`
  std::uint64_t rows = 0;
  std::uint64_t stored = 0;  ///< bytes on disk
};

/// One results file. Not for several threads.
class ResultsReader {
 public:
  /// Throws WorldError where there is no such file or it cannot be read, InputError where it is not one of ours or of another version.
  explicit ResultsReader(const std::filesystem::path& path);
  ~ResultsReader();
  ResultsReader(const ResultsReader&) = delete;
  ResultsReader& operator=(const ResultsReader&) = delete;

  const std::filesystem::path& path() const { return path_; }
  bool has(const std::string& path) const;
  /// Groups (false) and datasets (true) in a group, by name.
  std::map<std::string, bool> members(const std::string& group) const;
  /// The datasets of one dimension in a group, in the order that it gives, or by name.
  std::vector<ColumnFacts> columns(const std::string& group) const;

  /// Attributes and whole datasets. Throw WorldError where there is none.
  std::string text_attribute(const std::string& object, const std::string& name) const;
  std::int64_t integer_attribute(const std::string& object, const std::string& name) const;
  std::string text(const std::string& path) const;
  std::vector<std::string> strings(const std::string& path) const;
  /// Values as they stand in the file, from row `begin` up to `end` or the last one. Integers beyond int64 become negative.
  std::vector<std::int64_t> integers(const std::string& path, std::uint64_t begin = 0, std::uint64_t end = ~std::uint64_t{0}) const;
  std::vector<double> doubles(const std::string& path, std::uint64_t begin = 0, std::uint64_t end = ~std::uint64_t{0}) const;

  /// What the rows of a table of `/run/names` are called; of devices `pool/node`, of groups `variant at site`.
  const std::vector<std::string>& names(const std::string& table) const;
  /// Throws WorldError: what the file holds cannot be.
  [[noreturn]] void damaged(const std::string& what) const { fail(what + ": the file is damaged"); }

 private:
  Hdf5Id open_object(const std::string& path) const;
  template <class T>
  std::vector<T> numbers(const std::string& path, hid_t type, std::uint64_t begin, std::uint64_t end) const;
  std::vector<std::string> make_names(const std::string& table) const;
  /// Values that are rows of a table of that size.
  std::vector<std::int64_t> checked_rows(const std::string& path, std::size_t size) const;
  [[noreturn]] void fail(const std::string& what) const;

  std::filesystem::path path_;
  Hdf5Id file_;
  mutable std::map<std::string, std::vector<std::string>> names_;
};

/// Whether the run ended, was interrupted or killed, as a text.
std::string state_text(const ResultsReader& reader);

/// A table of records, read block by block: memory for one block, whatever the number of rows.
class RecordTable {
 public:
  /// Of the group `/NAME`. Throws InputError that says what to record where it is not in the file.
  RecordTable(const ResultsReader& reader, const std::string& name);

  /// Complete rows: as many as the shortest column has.
  std::uint64_t rows() const { return rows_; }
  const std::vector<ColumnFacts>& columns() const { return columns_; }
  /// The position of a column; throws WorldError if there is none of that name.
  std::size_t column(std::string_view name) const;
  /// The same, of one that holds integers.
  std::size_t integer_column(std::string_view name) const;
  /// Makes `row` the present one. Cheap where rows ascend.
  void go_to(std::uint64_t row) {
    if (row < begin_ || row >= end_) read_block(row);
    at_ = row - begin_;
  }
  /// Values of the present row.
  std::int64_t integer(std::size_t column) const { return integers_[column][at_]; }
  double real(std::size_t column) const { return reals_[column][at_]; }
  bool is_real(std::size_t column) const { return columns_[column].type.starts_with("float"); }
  /// The row of its table that an integer of the present row names, which has to be there. For columns with `names`. Throws WorldError.
  std::size_t index(std::size_t column) const;
  /// What an integer of the present row stands for; empty: none. For columns with `names`. Throws WorldError where it is neither.
  std::string_view name(std::size_t column) const;

 private:
  void read_block(std::uint64_t row);

  const ResultsReader& reader_;
  std::string path_;
  std::vector<ColumnFacts> columns_;
  std::uint64_t rows_ = 0, begin_ = 0, end_ = 0, at_ = 0;
  std::vector<std::vector<std::int64_t>> integers_;  // by column
  std::vector<std::vector<double>> reals_;
  std::vector<double> accuracies_;  // by variant
};

/// What an answer in `/decisions` means.
class DecisionNames {
 public:
  explicit DecisionNames(const ResultsReader& reader);
  /// What `chosen` or `runner_up` is, e.g. a variant's name or `#12` for an instance; empty: nothing.
  /// All throw WorldError where there is no such answer.
  std::string subject(std::size_t answer, std::int64_t index) const;
  bool of_query(std::size_t answer) const { return of_query_[checked(answer)] != 0; }
  /// Empty: no particular one.
  std::string reason(std::int64_t controller, std::size_t answer, std::int64_t reason) const;

 private:
  std::size_t checked(std::size_t answer) const;

  const ResultsReader& reader_;
  std::vector<std::string> chosen_, kinds_;
  std::vector<std::int64_t> of_query_;
  std::map<std::string, std::string> reasons_;  // by "controller kind reason"
};

}  // namespace tideline

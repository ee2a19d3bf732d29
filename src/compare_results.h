// Two results files held against each other, value by value.
#pragma once

#include "src/json_document.h"
#include "src/results_reader.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tideline {

/// One value that two results files do not share.
struct ValueDifference {
  std::string dataset;
  std::string row;  ///< number, and name or time where the table has them
  std::string a, b;
};

struct ResultsComparison {
  std::optional<ValueDifference> first;     ///< of what both have: summary, audit, series
  std::vector<std::string> only_a, only_b;  ///< datasets that the other has not
};

/// Compares summary, audit and series bit by bit; values that are not there (NaN) are equal. The texts of the audit, which are for people,
/// are left out.
ResultsComparison compare_results(const ResultsReader& a, const ResultsReader& b);

/// One metric in two runs.
struct MetricDifference {
  std::string row;  ///< total, or class, task or variant with its name
  std::string metric, unit;
  std::optional<double> a, b;                ///< none: it has no value
  std::optional<double> difference() const;  ///< b - a; none where one has no value
  std::optional<double> relative() const;    ///< (b - a) / |a|; none where one has no value, or a is 0
};

/// The metrics of the summary that differ, largest relative difference first; before all those that have none. Rows that only one has are
/// left out.
std::vector<MetricDifference> metric_differences(const ResultsReader& a, const ResultsReader& b);

/// Where two JSON values differ: pointer, what each says (`-`: nothing), in order of the first. Elements of lists go by name.
struct JsonDifference {
  std::string pointer, a, b;
};
std::vector<JsonDifference> json_differences(const Json& a, const Json& b);

/// The shortest text that reads back as the same number; `-` for none.
std::string value_text(const std::optional<double>& value);

}  // namespace tideline

// Pareto fronts that were published beside a table, held against those of the catalog that was made of it.
#pragma once

#include "src/catalog_show.h"
#include "src/csv_table.h"

#include <string>
#include <vector>

namespace tideline {

/// A row of YOLOBench's pareto_indices.csv: `data` names the accuracy, `hardware` the column of latencies, `pareto_indices` rows of
/// merged_results.csv from 0.
struct PublishedFront {
  std::string data, column;
  int front = -1;              ///< index of the catalog's front of that task and hardware type; -1: it has none
  std::string not_comparable;  ///< why; empty: it can be compared
  bool equal = false;
  std::string difference;  ///< of one that can be compared and is not equal: what the two have that the other lacks
};

/// In the order of the table. The variants of a framework on a hardware type are taken to be the rows in their order: the fronts of a
/// catalog that has not all rows of the table differ. Throws `InputError` where the table is wrong.
std::vector<PublishedFront> compare_fronts(const Catalog& catalog, const std::vector<CatalogFront>& fronts, const CsvTable& published);

/// Several lines for people: how many are equal and differ, and which cannot be compared for what reason.
std::string to_text(const std::vector<PublishedFront>& published, const std::string& name);
Json to_json(const std::vector<PublishedFront>& published);

}  // namespace tideline

// What a catalog offers: Pareto fronts by task and hardware type, and where its figures come from.
#pragma once

#include "sim/model/catalog.h"
#include "src/json_document.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

class CsvTable;

/// Variants of one task on one hardware type.
struct CatalogFront {
  TaskId task;
  HardwareId hardware;
  std::size_t variants = 0;
  std::vector<std::string> doubts;  ///< why its variants cannot be held against each other, as they stand; empty: they can
  std::vector<VariantId> front;     ///< none of the others is at least as fast with at least its accuracy; by rising latency of one item
};

/// By task and hardware type in their order. Time is that of the smallest batch, per batch; of equals the first is on the front. `file` is
/// what the catalog was read from: it names the source of each variant, and which batches were measured. A front is in doubt where accuracies, or latencies, are of different
/// origins (measured, assumed, ...), variants of different sources or frameworks, or times of different batches.
std::vector<CatalogFront> fronts_of(const Catalog& catalog, const Json& file = {});

/// Figures by field and origin (measured, computed, derived, assumed). A latency is one for each batch size (and number of cores) of a
/// profile, once where several tasks have it; accuracy, artefact, load and memory are one for each variant.
struct OriginShares {
  static constexpr std::array<std::string_view, 5> fields{"latency", "accuracy", "artefact", "load", "memory"};
  std::array<std::array<std::size_t, 4>, fields.size()> counts{};
  std::size_t figures(std::size_t field) const;
  std::size_t figures() const;
  /// Share of all these figures that were measured.
  double measured() const;
};
/// Of the file of a catalog that `read_catalog` takes.
OriginShares origins_of(const Json& file);

/// Leaves only the variants of a framework in both. Throws `InputError` where there is none.
void keep_framework(const std::string& framework, Catalog& catalog, Json& file);

/// `published`: fronts to hold against these.
std::string show_text(const Catalog& catalog, const Json& file, const CsvTable* published = nullptr);
Json show_json(const Catalog& catalog, const Json& file, const CsvTable* published = nullptr);

}  // namespace tideline

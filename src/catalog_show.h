// What a catalog offers: Pareto fronts by task and hardware type, and where its figures come from.
#pragma once

#include "sim/model/catalog.h"
#include "src/json_document.h"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace tideline {

/// Variants of one task on one hardware type.
struct CatalogFront {
  TaskId task;
  HardwareId hardware;
  std::size_t variants = 0;
  std::vector<VariantId> front;  ///< none of the others is at least as fast with at least its accuracy; by rising latency of one item
};

/// By task and hardware type in their order. Time is that of the smallest batch, per batch; of equals the first is on the front.
std::vector<CatalogFront> fronts_of(const Catalog& catalog);

/// Variants by origin (measured, computed, derived, assumed) of latency, accuracy, load and memory.
struct OriginShares {
  std::array<std::array<std::size_t, 4>, 4> counts{};
  std::size_t variants = 0;
  /// Share of all these figures that were measured.
  double measured() const;
};
OriginShares origins_of(const Catalog& catalog);

std::string show_text(const Catalog& catalog);
Json show_json(const Catalog& catalog);

}  // namespace tideline

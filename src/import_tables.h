// Catalogs from tables that others publish, and from one's own measurements.
#pragma once

#include "src/catalog_draft.h"

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// A file of an import, open.
struct NamedStream {
  std::string name;
  std::istream* in = nullptr;
};

struct TableWishes {
  std::string task;      ///< name of the task; empty: that of the format
  std::string hardware;  ///< of all rows, where the table does not say; empty: none
  AccuracyTable accuracies;
  HardwareTable hardware_types;
};

/// A format of tables; where it comes from and what is odd about it stands at its function.
struct TableImporter {
  std::string_view name, help, source;
  std::string_view files;  ///< what they are
  std::string (*read)(std::span<const NamedStream> files, const TableWishes& wishes, DraftReport& report);
};

std::span<const TableImporter> table_importers();

}  // namespace tideline

// Any bytes as a catalog file.
#include "src/catalog_json.h"
#include "src/json_document.h"
#include "tests/fuzz/refused.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tideline;
  fuzz::may_refuse([&] {
    Problems problems;
    const JsonDocument document = parse_json({reinterpret_cast<const char*>(data), size}, "catalog.json", problems);
    Catalog catalog = read_catalog(document.root, "", problems);
    (void)render(problems, document);
  });
  return 0;
}

// The page of a report: its files, which are in src/report and which the build puts into the program, around the data.
#pragma once

#include "src/json_document.h"

#include <span>
#include <string>
#include <string_view>

namespace tideline {

/// A file that is in the program, in pieces that a compiler takes.
struct EmbeddedFile {
  std::string_view name;
  std::span<const std::string_view> parts;
};
std::span<const EmbeddedFile> embedded_files();

/// One HTML file that needs no other: style, scripts and data are in it. `data["title"]` is its title; `page.js` says what it makes of the
/// rest by `data["kind"]`.
std::string report_page(const Json& data);

}  // namespace tideline

// JSON files with comments, each value with its place in the file, so that every problem can be shown where it stands.
#pragma once

#include "sim/core/param.h"
#include "sim/core/problem.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tideline {

/// Objects keep the order of keys of their file.
using Json = nlohmann::ordered_json;

/// Where a value was written: a source of the document and, in a file, line and column from 1 (columns count characters, not bytes).
struct Place {
  std::uint32_t source = 0;
  std::uint32_t line = 0;  ///< of the value; 0: the source is no file but e.g. a command-line option
  std::uint32_t column = 0;
  std::uint32_t key_line = 0;  ///< of the value's key; same as the value's where it is no member of an object
  std::uint32_t key_column = 0;
};

/// A JSON value and where each part of it was written. Changing `root` directly leaves the places as they are: a part without a
/// place has that of its nearest container.
class JsonDocument {
 public:
  explicit JsonDocument(std::string file = "") : sources_{std::move(file)} { parts_.emplace_back().has_place = true; }

  Json root;

  /// Where exactly what `pointer` names was written, or null.
  const Place* find_place(std::string_view pointer) const;
  /// Where what `pointer` names was written; for a pointer that is not in the document, its nearest existing container.
  const Place& place(std::string_view pointer) const;
  /// The same as text: `FILE:LINE:COLUMN`, or the option that set the value. `at_key`: of the key instead of the value.
  std::string place_text(std::string_view pointer, bool at_key = false) const;
  /// The file, or the option, that a place of this document is in.
  const std::string& source(const Place& place) const { return sources_[place.source]; }
  /// The first source: the file that was read.
  const std::string& file() const { return sources_.front(); }

  /// All of them: files, and options as they stand on the command line.
  const std::vector<std::string>& sources() const { return sources_; }
  /// Adds a source (a file, `--set ...`) and gives its number.
  std::uint32_t add_source(std::string text);
  void set_place(std::string_view pointer, Place place);
  /// Forgets the places of what `pointer` names and of all below it.
  void forget_places(std::string_view pointer);
  /// Copies the places at and below `from_pointer` of another document to `to_pointer`, in place of those there; for merging files.
  void take_places(const JsonDocument& from, std::string_view from_pointer, std::string_view to_pointer);
  /// Copies that one place.
  void take_place(const JsonDocument& from, std::string_view from_pointer, std::string_view to_pointer);
  /// Removes what `pointer` names, a member or an element, with its places; elements behind it move up. Nothing where it is not there.
  void erase(std::string_view pointer);

  /// Number of a part of the document; the root is 0. For the parser, which knows where it is: it adds parts without a search.
  using Part = std::uint32_t;
  /// Adds a part that its container `of` does not have yet; `token` as in pointers, with its slash.
  Part add_part(Part of, std::string token, Place place);
  /// Sets the place of what `pointer` names and forgets those below it.
  Part renew_part(std::string_view pointer, Place place);
  const Place& place(Part part) const { return parts_[part].place; }
  const std::string& token(Part part) const { return parts_[part].token; }

 private:
  static constexpr Part no_part = ~Part{0};
  /// A tree as that of values, so that a file of many values takes little memory: tokens are short, pointers are not.
  struct Node {
    std::string token;
    Place place;
    bool has_place = false;
    Part first = no_part, last = no_part, next = no_part;  // children in order, and the next of the same container
  };
  Part find_child(Part of, std::string_view token) const;
  /// The part that `pointer` names; it is made where there is none.
  Part reach(std::string_view pointer);
  /// The part that `pointer` names, or none; `nearest` becomes the last one on the way that has a place.
  Part find(std::string_view pointer, Part& nearest) const;
  void copy_below(const JsonDocument& from, Part source, Part target, const std::vector<std::uint32_t>& sources);
  /// A place of another document as one of this.
  Place adopted(const JsonDocument& from, Place place);

  std::vector<std::string> sources_;
  std::deque<Node> parts_;
};

/// Containers nested deeper than this are refused: recursion over a document is then safe.
inline constexpr std::size_t max_json_depth = 100;

/// Reads a file. Comments (`//` and `/* */`) are allowed; duplicate keys are added to `problems`, and the last one wins.
/// Throws `WorldError` where the file cannot be read, and `InputError` with `FILE:LINE:COLUMN: message` where it is not JSON (syntax,
/// empty, not UTF-8, NaN, number too large, nested too deep, more text after the value).
JsonDocument read_json_file(const std::string& path, Problems& problems);
/// The value alone, of a file that a program wrote. Throws the same.
Json read_json(const std::string& path);
/// The same for a text; `name` stands for the file in messages.
JsonDocument parse_json(std::string_view text, const std::string& name, Problems& problems);

/// Numbers above the range of int64 become doubles. Not deeper than `max_json_depth`.
param::Value to_value(const Json& json);
/// NaN and infinity, which JSON has not, become null.
Json to_json(const param::Value& value);

/// One line for each problem, in order of place: `FILE:LINE:COLUMN: /pointer: message`. Each ends in a newline.
std::string render(const Problems& problems, const JsonDocument& document);

/// The name by which pointers and merging know an element of a list: its member `name`; without one, its `task`, which is the name
/// that an entry of a workload then has. Empty: it has none.
std::string_view name_of(const Json& element);

/// The value of an option: JSON where it parses as JSON, else a text. Nothing, and a message, for what no file could hold.
std::optional<Json> read_value(std::string_view text, std::string& message);

/// Sets one value, for `--set POINTER=VALUE`, the value read by `read_value`. A token that is not a number selects an element of an
/// array by its name. The container must exist; a missing last key of an object is created. The value's place is then the option.
/// Returns the pointer of what was set, with elements by number; empty, with a problem, where the pointer leads nowhere.
/// `added`: becomes true where the key was not there before.
std::string set_pointer(JsonDocument& document, std::string_view pointer, std::string_view value_text, Problems& problems,
                        bool* added = nullptr);

}  // namespace tideline

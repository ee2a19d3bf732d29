// What the readers of reports share: numbers as pages need them, and JSON files of the program's own whose form is checked as it is read.
#pragma once

#include "src/json_document.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// A number to so many significant digits: pages of many numbers stay small. What is not finite becomes null.
Json rounded(double x, int digits = 6);
Json rounded(const std::vector<double>& values, int digits = 6);

/// A part of a JSON file. What has not the form that is asked for is an InputError with file and pointer.
class JsonPart {
 public:
  /// The file and `root` outlive the part.
  JsonPart(const std::string& file, const Json& root) : file_(&file), json_(&root) {}

  const Json& json() const { return *json_; }
  bool has(std::string_view name) const { return json_->is_object() && json_->contains(name); }
  JsonPart member(std::string_view name) const;
  std::vector<JsonPart> elements() const;
  const std::string& text() const;
  double number() const;
  /// Null is NaN.
  double number_or_null() const;
  std::size_t count() const;
  [[noreturn]] void fail(const std::string& message) const;

 private:
  JsonPart below(std::string_view token, const Json& json) const;

  const std::string* file_;
  const Json* json_;
  std::string pointer_;
};

/// Reads a file that says of itself to be of this `format`. Throws WorldError where it cannot be read, InputError where it is not JSON, of
/// another format (`what` says in the message which one it should be) or of another version than this program reads.
Json read_own_json(const std::string& file, std::string_view format, std::string_view what, std::size_t version);

}  // namespace tideline

#include "src/report_json.h"

#include "src/errors.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace tideline {

Json rounded(double x, int digits) {
  if (!std::isfinite(x)) return nullptr;
  if (x == std::floor(x) && std::abs(x) < 1e15) return static_cast<std::int64_t>(x);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.*g", digits, x);
  return std::strtod(text.data(), nullptr);
}

Json rounded(const std::vector<double>& values, int digits) {
  Json out = Json::array();
  for (const double x : values) out.push_back(rounded(x, digits));
  return out;
}

JsonPart JsonPart::below(std::string_view token, const Json& json) const {
  JsonPart part(*file_, json);
  part.pointer_ = pointer_ + "/" + std::string(token);
  return part;
}

void JsonPart::fail(const std::string& message) const {
  throw InputError(*file_ + ": " + (pointer_.empty() ? "" : pointer_ + ": ") + message);
}

JsonPart JsonPart::member(std::string_view name) const {
  if (!json_->is_object()) fail("expected an object");
  const auto found = json_->find(name);
  if (found == json_->end()) fail("there is no \"" + std::string(name) + "\" in it");
  return below(name, *found);
}

std::vector<JsonPart> JsonPart::elements() const {
  if (!json_->is_array()) fail("expected a list");
  std::vector<JsonPart> out;
  for (std::size_t k = 0; k < json_->size(); ++k) out.push_back(below(std::to_string(k), (*json_)[k]));
  return out;
}

const std::string& JsonPart::text() const {
  if (!json_->is_string()) fail("expected a text");
  return json_->get_ref<const std::string&>();
}

double JsonPart::number() const {
  if (!json_->is_number()) fail("expected a number");
  return json_->get<double>();
}

double JsonPart::number_or_null() const { return json_->is_null() ? std::numeric_limits<double>::quiet_NaN() : number(); }

std::size_t JsonPart::count() const {
  if (!json_->is_number_unsigned()) fail("expected a whole number of 0 or more");
  return json_->get<std::size_t>();
}

Json read_own_json(const std::string& file, std::string_view format, std::string_view what, std::size_t version) {
  Problems problems;
  Json root = std::move(read_json_file(file, problems).root);
  const JsonPart part(file, root);
  const std::string other = "'" + file + "' is not " + std::string(what) + " of tideline";
  if (!part.has("format") || !root["format"].is_string()) throw InputError(other);
  if (root["format"] != format) throw InputError(other + ": its format is " + root["format"].get<std::string>());
  if (const std::size_t found = part.member("version").count(); found != version)
    throw InputError("'" + file + "' was written by " + (found > version ? "a newer" : "an older") + " tideline (version " +
                     std::to_string(found) + " of its format; this one reads " + std::to_string(version) + ")");
  return root;
}

}  // namespace tideline

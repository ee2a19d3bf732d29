#include "src/effective_text.h"

#include "sim/core/pointer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace tideline {

namespace {

constexpr std::size_t widest_on_one_line = 100, widest_before_comment = 72;

std::string scalar(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string on_one_line(const Json& value) {
  if (!value.is_structured() || value.empty()) return scalar(value);
  std::string out = value.is_object() ? "{ " : "[";
  bool first = true;
  for (const auto& [key, member] : value.items()) {
    if (!first) out += ", ";
    first = false;
    if (value.is_object()) out += scalar(key) + ": ";
    out += on_one_line(member);
  }
  return out + (value.is_object() ? " }" : "]");
}

class Writer {
 public:
  explicit Writer(const JsonDocument& document) : document_(document) {}

  /// Writes a value behind `lead`, which is its indentation and key, with `trail` behind it.
  void write(const Json& value, const std::string& pointer, const std::string& indent, const std::string& lead, const char* trail) {
    if (const auto layer = common_layer(value, pointer)) {
      std::string line = indent + lead + on_one_line(value) + trail;
      if (!value.is_structured() || line.size() <= widest_on_one_line) {
        lines_.emplace_back(std::move(line), *layer);
        return;
      }
    }
    const bool object = value.is_object();
    lines_.emplace_back(indent + lead + (object ? "{" : "["), "");
    std::size_t left = value.size();
    for (const auto& [key, member] : value.items())
      write(member, child(pointer, key), indent + "  ", object ? scalar(key) + ": " : "", --left > 0 ? "," : "");
    lines_.emplace_back(indent + (object ? "}" : "]") + trail, "");
  }

  std::string text() const {
    std::size_t width = 0;
    for (const auto& [line, layer] : lines_)
      if (!layer.empty() && line.size() <= widest_before_comment) width = std::max(width, line.size());
    std::string out;
    for (const auto& [line, layer] : lines_) {
      out += line;
      if (!layer.empty()) out += std::string(line.size() < width ? width - line.size() : 0, ' ') + "  // " + layer;
      out += '\n';
    }
    return out;
  }

 private:
  /// Who set a value, or all parts of it; nothing where several did.
  std::optional<std::string> common_layer(const Json& value, const std::string& pointer) const {
    if (!value.is_structured() || value.empty()) return layer_of(pointer);
    std::optional<std::string> common;
    for (const auto& [key, member] : value.items()) {
      const auto layer = common_layer(member, child(pointer, key));
      if (!layer || (common && *common != *layer)) return {};
      common = layer;
    }
    return common;
  }

  std::string layer_of(const std::string& pointer) const {
    if (!document_.root.contains(Json::json_pointer(pointer))) return "default";
    const Place& place = document_.place(pointer);
    std::string out = document_.source(place);
    if (place.line > 0) out += ":" + std::to_string(place.line);
    // A comment ends with its line.
    std::replace_if(
        out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    return out;
  }

  const JsonDocument& document_;
  std::vector<std::pair<std::string, std::string>> lines_;
};

}  // namespace

std::string effective_text(const Scenario& scenario) {
  Json effective = scenario.effective;
  for (const auto& [pointer, file] : scenario.paths) {
    std::error_code error;
    effective[Json::json_pointer(pointer)] = std::filesystem::absolute(file, error).lexically_normal().string();
  }
  Writer writer(scenario.document);
  writer.write(effective, "", "", "", "");
  return writer.text();
}

}  // namespace tideline

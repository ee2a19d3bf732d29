#include "src/report_page.h"

#include <stdexcept>

namespace tideline {

namespace {

std::string embedded(std::string_view name) {
  for (const EmbeddedFile& f : embedded_files()) {
    if (f.name != name) continue;
    std::string text;
    for (const std::string_view part : f.parts) text += part;
    return text;
  }
  throw std::logic_error("no file " + std::string(name) + " is in the program");
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else
      out += c;
  }
  return out;
}

/// JSON that can stand in a script element: no end tag and no comment can begin in it.
std::string json_text(const Json& data) {
  const std::string text = data.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string out;
  out.reserve(text.size() + text.size() / 64);
  for (const char c : text) {
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string report_page(const Json& data) {
  const std::string page = embedded("page.html");
  std::string out;
  // Places stand as {{NAME}}; what is put there is not searched again.
  for (std::size_t at = 0;;) {
    const std::size_t begin = page.find("{{", at);
    out.append(page, at, begin == std::string::npos ? begin : begin - at);
    if (begin == std::string::npos) return out;
    const std::size_t end = page.find("}}", begin);
    const std::string_view name = std::string_view(page).substr(begin + 2, end - begin - 2);
    if (name == "title")
      out += escaped(data.at("title").get<std::string>());
    else if (name == "data")
      out += json_text(data);
    else
      out += embedded(name);
    at = end + 2;
  }
}

}  // namespace tideline

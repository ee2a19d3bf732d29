#include "src/json_document.h"

#include "sim/core/nearest.h"
#include "sim/core/pointer.h"
#include "sim/core/text.h"
#include "src/errors.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <system_error>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace tideline {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::size_t start_of(std::string_view text) { return text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Behind blanks and comments. Stays at a comment that has no end.
std::size_t skip_blank(std::string_view text, std::size_t i) {
  while (i < text.size()) {
    if (is_blank(text[i])) {
      ++i;
    } else if (text.substr(i, 2) == "//") {
      i = std::min(text.find('\n', i), text.size());
    } else if (text.substr(i, 2) == "/*") {
      const auto end = text.find("*/", i + 2);
      if (end == std::string_view::npos) return i;
      i = end + 2;
    } else {
      return i;
    }
  }
  return i;
}

/// The end of the run of characters that begins at `i` and that a person would call one word; for showing a wrong token.
std::size_t token_end(std::string_view text, std::size_t i) {
  constexpr std::string_view single = "{}[],:";
  if (single.find(text[i]) != std::string_view::npos) return i + 1;
  if (text[i] == '"') {
    for (++i; i < text.size() && text[i] != '"' && text[i] != '\n'; ++i) {
      if (text[i] == '\\') ++i;
    }
    return std::min(i + 1, text.size());
  }
  constexpr std::string_view ends = "{}[],:\"/ \t\r\n";
  return std::min(text.find_first_of(ends, i + 1), text.size());
}

/// The end of a token at `i` that the parser has accepted. It may stop within a word: 01 is 0 and then 1.
std::size_t accepted_end(std::string_view text, std::size_t i) {
  const auto skip = [&](std::string_view set) {
    while (i < text.size() && set.find(text[i]) != std::string_view::npos) ++i;
  };
  constexpr std::string_view digits = "0123456789";
  switch (text[i]) {
    case 't':
    case 'n':
      return i + 4;
    case 'f':
      return i + 5;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
      if (text[i] == '-') ++i;
      if (text[i] == '0') {
        ++i;
      } else {
        skip(digits);
      }
      if (i < text.size() && text[i] == '.') {
        ++i;
        skip(digits);
      }
      if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        ++i;
        if (text[i] == '+' || text[i] == '-') ++i;
        skip(digits);
      }
      return i;
    default:
      return token_end(text, i);
  }
}

/// The offset of the first byte that is not UTF-8 (RFC 3629), or npos.
std::size_t first_invalid_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = byte(i);
    if (lead >= 0x80 && (lead < 0xC2 || lead > 0xF4)) return i;
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0U) != 0x80U) return i;
    }
    const unsigned second = byte(i + 1);
    const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    const bool surrogate = lead == 0xED && second >= 0xA0, beyond = lead == 0xF4 && second >= 0x90;
    if (overlong || surrogate || beyond) return i;
    i += length;
  }
  return std::string_view::npos;
}

/// Line and column of offsets that only grow: one pass over the text, also where all of it is one line.
class LineCounter {
 public:
  explicit LineCounter(std::string_view text) : text_(text), offset_(start_of(text)) {}
  Place at(std::size_t offset) {
    for (; offset_ < offset; ++offset_) {
      if (text_[offset_] == '\n') {
        ++line_;
        column_ = 1;
      } else if ((static_cast<unsigned char>(text_[offset_]) & 0xC0U) != 0x80U) {
        ++column_;
      }
    }
    return {0, line_, column_, line_, column_};
  }

 private:
  std::string_view text_;
  std::size_t offset_;
  std::uint32_t line_ = 1;
  std::uint32_t column_ = 1;
};

std::string line_and_column(std::uint32_t line, std::uint32_t column) {
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

struct Failure {
  Place place;
  std::string message;
  bool is_json = false;  ///< the syntax is right, yet we refuse it
};

/// Receives the values of the parser in order and finds the token of each again: the parser itself does not tell where it began.
class Builder {
 public:
  Builder(std::string_view text, JsonDocument& document, Problems& problems)
      : text_(text), document_(document), problems_(problems), counter_(text), next_(start_of(text)) {}

  std::optional<Failure> failure;

  // The interface that nlohmann::json calls. False stops the parser.
  bool null() { return scalar(nullptr); }
  bool boolean(bool x) { return scalar(x); }
  bool number_integer(Json::number_integer_t x) { return scalar(x); }
  bool number_unsigned(Json::number_unsigned_t x) { return scalar(x); }
  bool number_float(Json::number_float_t x, const std::string&) { return scalar(x); }
  bool string(std::string& x) {
    if (x.find('\0') == std::string::npos) return scalar(std::move(x));
    failure = Failure{token(), "a text with a NUL character", true};
    return false;
  }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(std::size_t) { return start(Json::object()); }
  bool start_array(std::size_t) { return start(Json::array()); }
  bool end_object() { return end(); }
  bool end_array() { return end(); }
  bool key(std::string& name) {
    key_ = name;
    key_place_ = token();
    return true;
  }
  template <class Exception>
  bool parse_error(std::size_t position, const std::string&, const Exception& error) {
    std::size_t begin = skip_blank(text_, next_), finish = begin;
    while (begin < text_.size()) {
      finish = token_end(text_, begin);
      // Only commas and colons pass the parser without a call to us; the first other token is the wrong one.
      if ((text_[begin] != ',' && text_[begin] != ':') || finish >= position) break;
      begin = skip_blank(text_, finish);
    }
    failure = Failure{counter_.at(begin), message_of(error.id, error.what(), text_.substr(begin, finish - begin))};
    if (begin >= text_.size() && !frames_.empty()) {
      const Place& open = document_.place(frames_.back().part);
      failure->message += std::string("; the ") + (frames_.back().container->is_object() ? "object" : "array") + " that begins at " +
                          line_and_column(open.line, open.column) + " is not closed";
    }
    return false;
  }

 private:
  struct Frame {
    Json* container;  // stays valid: while it is open, nothing is added to what holds it
    JsonDocument::Part part;
    std::unordered_set<std::string> names;  // of an object with many members
  };

  static std::string message_of(int id, std::string_view what, std::string_view token) {
    std::string lower;
    for (const char c : token.substr(0, 10)) {
      if (c != '-' && c != '+') lower += static_cast<char>(c | 0x20);
    }
    if (lower == "nan" || lower == "inf" || lower == "infinity") return in_quotes(token) + " is not a number that JSON has";
    if (id == 406) return "the number " + std::string(token.substr(0, 40)) + " is too large for a double";
    // "[json.exception...] parse error at line 1, column 6: syntax error while parsing value - invalid literal; last read: 'tru}'"
    if (const auto dash = what.find(" - "); dash != std::string_view::npos) what.remove_prefix(dash + 3);
    // What was read is left out: it may be long, and the place shows it.
    const auto read = what.find("; last read: "), expected = what.rfind("'; expected ");
    std::string out(what.substr(0, read));
    if (out == "invalid literal") out += " " + in_quotes(token);
    if (read != std::string_view::npos && expected != std::string_view::npos && expected > read) out += what.substr(expected + 1);
    return out;
  }

  /// The place of the token that the parser has just taken.
  Place token() {
    std::size_t begin = skip_blank(text_, next_);
    while (begin < text_.size() && (text_[begin] == ',' || text_[begin] == ':')) begin = skip_blank(text_, begin + 1);
    next_ = begin < text_.size() ? accepted_end(text_, begin) : begin;
    return counter_.at(begin);
  }

  template <class T>
  bool scalar(T&& x) {
    add(Json(std::forward<T>(x)), token());
    return true;
  }

  bool start(Json container) {
    const Place place = token();
    if (frames_.size() == max_json_depth) {
      failure = Failure{place, "nested deeper than " + std::to_string(max_json_depth), true};
      return false;
    }
    const auto [added, part] = add(std::move(container), place);
    frames_.push_back({added, part, {}});
    return true;
  }

  bool end() {
    token();
    frames_.pop_back();
    return true;
  }

  /// Puts the value into the open container.
  std::pair<Json*, JsonDocument::Part> add(Json value, Place place) {
    if (frames_.empty()) {
      document_.root = std::move(value);
      document_.renew_part("", place);
      return {&document_.root, 0};
    }
    Frame& frame = frames_.back();
    if (Json& container = *frame.container; container.is_array()) {
      container.push_back(std::move(value));
      return {&container.back(), document_.add_part(frame.part, '/' + std::to_string(container.size() - 1), place)};
    }
    place.key_line = key_place_.line;
    place.key_column = key_place_.column;
    auto& members = frame.container->get_ref<Json::object_t&>();
    if (!has_member(frame, members)) {
      members.emplace_back(key_, std::move(value));  // operator[] would search all members again
      return {&members.back().second, document_.add_part(frame.part, '/' + escape_token(key_), place)};
    }
    const std::string pointer = open_pointer() + '/' + escape_token(key_);
    const Place& before = *document_.find_place(pointer);
    problems_.add_key(pointer, "duplicate key " + in_quotes(key_) + ", also at " + line_and_column(before.key_line, before.key_column));
    Json& again = members[key_];
    again = std::move(value);
    return {&again, document_.renew_part(pointer, place)};
  }

  /// Whether the open object has a member of that name; it will have.
  bool has_member(Frame& frame, const Json::object_t& members) {
    constexpr std::size_t many = 32;  // below, a look at each is faster than a table
    if (members.size() < many) return std::any_of(members.begin(), members.end(), [&](const auto& m) { return m.first == key_; });
    if (frame.names.empty())
      for (const auto& m : members) frame.names.insert(m.first);
    return !frame.names.insert(key_).second;
  }

  std::string open_pointer() const {
    std::string out;
    for (const Frame& f : frames_) out += document_.token(f.part);
    return out;
  }

  std::string_view text_;
  JsonDocument& document_;
  Problems& problems_;
  LineCounter counter_;
  std::size_t next_;  // behind the last token taken
  std::vector<Frame> frames_;
  std::string key_;
  Place key_place_;
};

/// Fills `document` and returns nothing, or says what is wrong.
std::optional<Failure> parse(std::string_view text, bool comments, JsonDocument& document, Problems& problems) {
  const std::size_t invalid = std::min(first_invalid_utf8(text), text.find('\0'));
  if (invalid != std::string_view::npos) {
    constexpr char hex[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(text[invalid]);
    const std::string shown = std::string("byte 0x") + hex[byte >> 4] + hex[byte & 0xFU];
    return Failure{LineCounter(text).at(invalid), shown + " is not text in UTF-8", true};
  }
  const std::size_t begin = start_of(text);
  if (comments && skip_blank(text, begin) == text.size()) return Failure{LineCounter(text).at(begin), "the file is empty"};
  Builder builder(text, document, problems);
  Json::sax_parse(text.begin(), text.end(), &builder, nlohmann::detail::input_format_t::json, true, comments);
  return builder.failure;
}

/// Of a pointer that is not empty, with its slash.
std::string_view first_token(std::string_view pointer) { return pointer.substr(0, pointer.find('/', 1)); }

std::string kind_of(const Json& json) {
  if (json.is_object()) return "an object";
  if (json.is_array()) return "an array of " + std::to_string(json.size());
  return json.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80);
}

/// The number that a token is, or nothing.
std::optional<std::size_t> number_of(const std::string& token) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), number);
  if (error != std::errc{} || end != token.data() + token.size()) return {};
  return number;
}

/// The element of `array` that `token` names, by number or by its member `name`; nothing and a message where there is none.
std::optional<std::size_t> element(const Json& array, const std::string& token, std::string& message) {
  if (!token.empty() && token.find_first_not_of("0123456789") == std::string::npos) {
    const auto index = number_of(token);
    if (index && *index < array.size()) return index;
    message = "no element " + token + " in an array of " + std::to_string(array.size());
    return {};
  }
  std::vector<std::string_view> names;
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const std::string_view name = name_of(array[i]);
    if (name.empty()) continue;
    names.push_back(name);
    if (name != token) continue;
    if (found) {
      message = "two elements have the name " + in_quotes(token) + ": say which by its number, from 0";
      return {};
    }
    found = i;
  }
  if (!found) message = "no element with the name " + in_quotes(token) + suggestion(token, names);
  return found;
}

}  // namespace

JsonDocument::Part JsonDocument::find_child(Part of, std::string_view token) const {
  Part child = parts_[of].first;
  while (child != no_part && parts_[child].token != token) child = parts_[child].next;
  return child;
}

JsonDocument::Part JsonDocument::find(std::string_view pointer, Part& nearest) const {
  Part at = nearest = 0;
  while (!pointer.empty() && at != no_part) {
    const std::string_view token = first_token(pointer);
    pointer.remove_prefix(token.size());
    at = find_child(at, token);
    if (at != no_part && parts_[at].has_place) nearest = at;
  }
  return at;
}

const Place* JsonDocument::find_place(std::string_view pointer) const {
  Part nearest = 0;
  const Part found = find(pointer, nearest);
  return found != no_part && parts_[found].has_place ? &parts_[found].place : nullptr;
}

const Place& JsonDocument::place(std::string_view pointer) const {
  Part nearest = 0;
  find(pointer, nearest);
  return parts_[nearest].place;
}

std::string JsonDocument::place_text(std::string_view pointer, bool at_key) const {
  const Place& found = place(pointer);
  std::string out = sources_[found.source];
  if (found.line > 0) {
    out += ':' + std::to_string(at_key ? found.key_line : found.line);
    out += ':' + std::to_string(at_key ? found.key_column : found.column);
  }
  return out;
}

std::uint32_t JsonDocument::add_source(std::string text) {
  sources_.push_back(std::move(text));
  return static_cast<std::uint32_t>(sources_.size() - 1);
}

JsonDocument::Part JsonDocument::add_part(Part of, std::string token, Place place) {
  const auto part = static_cast<Part>(parts_.size());
  parts_.push_back({std::move(token), place, true, no_part, no_part, no_part});
  Node& container = parts_[of];
  (container.first == no_part ? container.first : parts_[container.last].next) = part;
  container.last = part;
  return part;
}

JsonDocument::Part JsonDocument::reach(std::string_view pointer) {
  Part at = 0;
  while (!pointer.empty()) {
    const std::string_view token = first_token(pointer);
    pointer.remove_prefix(token.size());
    Part child = find_child(at, token);
    if (child == no_part) {
      child = add_part(at, std::string(token), {});
      parts_[child].has_place = false;
    }
    at = child;
  }
  return at;
}

JsonDocument::Part JsonDocument::renew_part(std::string_view pointer, Place place) {
  const Part part = reach(pointer);
  parts_[part] = {std::move(parts_[part].token), place, true, no_part, no_part, parts_[part].next};
  return part;
}

void JsonDocument::set_place(std::string_view pointer, Place place) {
  Node& part = parts_[reach(pointer)];
  part.place = place;
  part.has_place = true;
}

void JsonDocument::forget_places(std::string_view pointer) {
  Part nearest = 0;
  const Part found = find(pointer, nearest);
  if (found == no_part) return;
  parts_[found].first = parts_[found].last = no_part;
  if (found != 0) parts_[found].has_place = false;  // the root always has a place
}

Place JsonDocument::adopted(const JsonDocument& from, Place place) {
  const std::string& source = from.sources_[place.source];
  const auto known = std::find(sources_.begin(), sources_.end(), source);
  place.source = known == sources_.end() ? add_source(source) : static_cast<std::uint32_t>(known - sources_.begin());
  return place;
}

void JsonDocument::take_place(const JsonDocument& from, std::string_view from_pointer, std::string_view to_pointer) {
  set_place(to_pointer, adopted(from, from.place(from_pointer)));
}

void JsonDocument::take_places(const JsonDocument& from, std::string_view from_pointer, std::string_view to_pointer) {
  std::vector<std::uint32_t> sources;
  for (const auto& source : from.sources_) {
    const auto known = std::find(sources_.begin(), sources_.end(), source);
    sources.push_back(known == sources_.end() ? add_source(source) : static_cast<std::uint32_t>(known - sources_.begin()));
  }
  Place place = from.place(from_pointer);
  place.source = sources[place.source];
  const Part target = renew_part(to_pointer, place);
  Part nearest = 0;
  if (const Part source = from.find(from_pointer, nearest); source != no_part) copy_below(from, source, target, sources);
}

void JsonDocument::copy_below(const JsonDocument& from, Part source, Part target, const std::vector<std::uint32_t>& sources) {
  for (Part k = from.parts_[source].first; k != no_part; k = from.parts_[k].next) {
    Place place = from.parts_[k].place;
    place.source = sources[place.source];
    const Part copy = add_part(target, from.parts_[k].token, place);
    parts_[copy].has_place = from.parts_[k].has_place;
    copy_below(from, k, copy, sources);
  }
}

void JsonDocument::erase(std::string_view pointer) {
  const std::vector<std::string> path = tokens(pointer);
  if (path.empty()) return;
  Json* container = &root;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const auto at = container->is_object() ? container->find(path[i]) : container->end();
    const auto index = container->is_array() ? number_of(path[i]) : std::nullopt;
    if (container->is_object() ? at == container->end() : !index || *index >= container->size()) return;
    container = index ? &(*container)[*index] : &*at;
  }
  if (container->is_object()) {
    container->erase(path.back());
    return forget_places(pointer);
  }
  const auto index = container->is_array() ? number_of(path.back()) : std::nullopt;
  if (!index || *index >= container->size()) return;
  container->erase(*index);
  const std::string list(parent(pointer));
  for (std::size_t i = *index; i < container->size(); ++i) take_places(*this, child(list, i + 1), child(list, i));
  forget_places(child(list, container->size()));
}

Json read_json(const std::string& path) {
  Problems ignored;
  return std::move(read_json_file(path, ignored).root);
}

JsonDocument parse_json(std::string_view text, const std::string& name, Problems& problems) {
  JsonDocument document(name);
  if (const auto failure = parse(text, true, document, problems)) {
    const Place& place = failure->place;
    throw InputError(name + ':' + std::to_string(place.line) + ':' + std::to_string(place.column) + ": " + failure->message);
  }
  return document;
}

JsonDocument read_json_file(const std::string& path, Problems& problems) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw WorldError("cannot read " + path + ": it is a folder");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw WorldError("cannot read " + path + ": " + std::generic_category().message(errno));
  std::ostringstream text;
  if (file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (file.bad()) throw WorldError("cannot read " + path + ": " + std::generic_category().message(errno));
  return parse_json(std::move(text).str(), path, problems);
}

param::Value to_value(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<std::int64_t>();
    case Json::value_t::number_unsigned: {
      const auto x = json.get<std::uint64_t>();
      if (x > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return static_cast<double>(x);
      return static_cast<std::int64_t>(x);
    }
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return json.get_ref<const std::string&>();
    case Json::value_t::array: {
      param::List out;
      out.reserve(json.size());
      for (const auto& element : json) out.push_back(to_value(element));
      return out;
    }
    case Json::value_t::object: {
      param::Object out;
      out.reserve(json.size());
      for (const auto& [key, element] : json.get_ref<const Json::object_t&>()) out.emplace_back(key, to_value(element));
      return out;
    }
    case Json::value_t::null:
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return {};
}

Json to_json(const param::Value& value) {
  return std::visit(
      [](const auto& x) -> Json {
        using T = std::decay_t<decltype(x)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<T, double>) {
          return std::isfinite(x) ? Json(x) : Json(nullptr);
        } else if constexpr (std::is_same_v<T, param::List>) {
          Json out = Json::array();
          for (const auto& element : x) out.push_back(to_json(element));
          return out;
        } else if constexpr (std::is_same_v<T, param::Object>) {
          Json out = Json::object();
          for (const auto& [key, element] : x) out[key] = to_json(element);
          return out;
        } else {
          return x;
        }
      },
      value.data);
}

std::string render(const Problems& problems, const JsonDocument& document) {
  using Rank = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;
  std::vector<std::pair<Rank, const Problem*>> order;
  for (const auto& problem : problems.list()) {
    const Place& place = document.place(problem.pointer);
    order.emplace_back(problem.at_key ? Rank(place.source, place.key_line, place.key_column) : Rank(place.source, place.line, place.column),
                       &problem);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out;
  for (const auto& [rank, problem] : order) {
    out += document.place_text(problem->pointer, problem->at_key) + ": ";
    if (problem->pointer.starts_with('/')) out += problem->pointer + ": ";
    out += problem->message + '\n';
  }
  return out;
}

std::string_view name_of(const Json& element) {
  if (!element.is_object()) return {};
  for (const char* key : {"name", "task"}) {
    const auto at = element.find(key);
    if (at != element.end() && at->is_string()) return at->get_ref<const std::string&>();
  }
  return {};
}

std::optional<Json> read_value(std::string_view text, std::string& message) {
  JsonDocument value;
  Problems found;
  const auto failure = parse(text, false, value, found);
  if (failure && failure->is_json) {
    message = failure->message;
    return {};
  }
  if (!found.empty()) {
    message = found.list().front().message;
    return {};
  }
  return failure ? Json(std::string(text)) : std::move(value.root);
}

std::string set_pointer(JsonDocument& document, std::string_view pointer, std::string_view value_text, Problems& problems, bool* added) {
  Place place;
  place.source = document.add_source("--set " + std::string(pointer) + '=' + std::string(value_text));
  const auto refuse = [&](std::string at, std::string message) {
    document.set_place(at, place);  // so that the problem is shown at the option, not at the nearest container of the file
    problems.add(std::move(at), std::move(message));
    return std::string();
  };
  if (!pointer.starts_with('/')) {
    return refuse("--set", "the pointer " + in_quotes(pointer) + " must begin with a slash, as in /load");
  }

  const std::vector<std::string> path = tokens(pointer);
  std::string reached;  // the pointer so far, elements by number
  Json* at = &document.root;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const std::string next = child(reached, path[i]);
    if (at->is_object()) {
      const auto found = at->find(path[i]);
      if (found != at->end()) {
        at = &*found;
      } else if (i + 1 == path.size()) {
        at = &(*at)[path[i]];
        if (added != nullptr) *added = true;
      } else {
        std::vector<std::string> keys;
        for (const auto& [key, value] : at->get_ref<const Json::object_t&>()) keys.push_back(key);
        return refuse(next, "no key " + in_quotes(path[i]) + suggestion(path[i], keys));
      }
      reached = next;
    } else if (at->is_array()) {
      std::string message;
      const auto index = element(*at, path[i], message);
      if (!index) return refuse(next, message);
      at = &(*at)[*index];
      reached = child(reached, *index);
    } else {
      return refuse(next, (reached.empty() ? "the document" : reached) + " is " + kind_of(*at) + ", which has no members");
    }
  }

  std::string message;
  auto value = read_value(value_text, message);
  if (!value) return refuse(reached, message);
  *at = std::move(*value);
  document.forget_places(reached);
  document.set_place(reached, place);
  return reached;
}

}  // namespace tideline

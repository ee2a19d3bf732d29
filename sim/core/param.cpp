#include "sim/core/param.h"

#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "sim/core/unit.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tideline::param {
namespace {

using detail::Spec;

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

/// How a message shows what it found.
std::string shown(const Value& value) {
  return std::visit(
      Overloaded{[](std::monostate) { return std::string("null"); }, [](bool x) { return std::string(x ? "true" : "false"); },
                 [](std::int64_t x) { return std::to_string(x); }, [](double x) { return std::isnan(x) ? "NaN" : tideline::to_text(x); },
                 [](const std::string& x) { return in_quotes(x); }, [](const List&) { return std::string("a list"); },
                 [](const Object&) { return std::string("an object"); }},
      value.data);
}

std::string expectation(std::string_view kind, const Dimension& dimension) {
  std::string out(kind);
  if (dimension.units.empty()) return out;
  out += " of ";
  out += dimension.name;
  out += ", or a text such as ";
  out += in_quotes(dimension.example);
  out += " with one of the units ";
  for (const auto& unit : dimension.units) {
    if (&unit != &dimension.units.front()) out += ", ";
    out += unit.text;
  }
  return out;
}

void wrong(const Value& value, const std::string& pointer, Problems& problems, const std::string& expected) {
  problems.add(pointer, "must be " + expected + ", is " + shown(value));
}

std::string bounds(const Range& range) {
  if (std::isinf(range.low)) return "at most " + tideline::to_text(range.high);
  if (std::isinf(range.high)) return "at least " + tideline::to_text(range.low);
  if (range.low == range.high) return tideline::to_text(range.low);
  return "between " + tideline::to_text(range.low) + " and " + tideline::to_text(range.high);
}

/// A finite number in the unit of the key and within `range`.
std::optional<double> number(const Value& value, const Spec& spec, const Range& range, std::string_view kind, const std::string& pointer,
                             Problems& problems) {
  const Dimension& dimension = dimension_of(detail::unit_of(spec.name));
  std::optional<double> x;
  std::string text;
  if (const auto* whole = std::get_if<std::int64_t>(&value.data)) {
    x = static_cast<double>(*whole);
  } else if (const auto* real = std::get_if<double>(&value.data); real && std::isfinite(*real)) {
    x = *real;
  } else if (const auto* written = std::get_if<std::string>(&value.data)) {
    x = measured(*written, dimension);
    if (x) text = tideline::to_text(*x) + " (" + in_quotes(*written) + ")";
  }
  if (!x) {
    wrong(value, pointer, problems, expectation(kind, dimension));
  } else if (*x < range.low || *x > range.high) {
    problems.add(pointer, "must be " + bounds(range) + ", is " + (text.empty() ? shown(value) : text));
    x.reset();
  }
  return x;
}

template <class T>
bool read_integer(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, T& out) {
  const auto x = number(value, spec, detail::range_of<T>(spec), "a whole number", pointer, problems);
  if (!x) return false;
  if (const auto* whole = std::get_if<std::int64_t>(&value.data)) {
    out = static_cast<T>(*whole);
    return true;
  }
  // 1e6 is a whole number too; beyond 2^53 a double no longer says which.
  if (*x != std::trunc(*x) || std::abs(*x) > 0x1p53) {
    const char* kind = std::abs(*x) > 0x1p53 ? "a whole number below 2^53 or without an exponent" : "a whole number";
    wrong(value, pointer, problems, expectation(kind, dimension_of(detail::unit_of(spec.name))));
    return false;
  }
  out = static_cast<T>(*x);
  return true;
}

template <class T>
bool read_list(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::vector<T>& out) {
  const auto* list = std::get_if<List>(&value.data);
  if (!list) {
    wrong(value, pointer, problems, "a list of " + std::string(detail::type_name<T>()) + "s");
    return false;
  }
  std::vector<T> elements(list->size());
  bool good = true;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    good = detail::read((*list)[i], spec, child(pointer, i), problems, elements[i]) && good;
  }
  if (good) out = std::move(elements);
  return good;
}

template <class T>
Value write_list(const std::vector<T>& list) {
  return List(list.begin(), list.end());
}

}  // namespace

// Not defaulted: Clang 14 crashes on the default here.
bool Value::operator==(const Value& other) const { return data == other.data; }

const Value* find(const Object& object, std::string_view name) {
  const auto found = std::find_if(object.rbegin(), object.rend(), [&](const auto& member) { return member.first == name; });
  return found == object.rend() ? nullptr : &found->second;
}

std::string to_text(const Value& value) {
  if (value.is_null()) return "none";
  std::string out;
  if (const auto* list = std::get_if<List>(&value.data)) {
    for (const auto& element : *list) out += (out.empty() ? "" : ", ") + to_text(element);
    return "[" + out + "]";
  }
  if (const auto* object = std::get_if<Object>(&value.data)) {
    for (const auto& [name, element] : *object) out += (out.empty() ? "" : ", ") + in_quotes(name) + ": " + to_text(element);
    return "{" + out + "}";
  }
  return shown(value);
}

namespace detail {

bool read(const Value& value, const Spec&, const std::string& pointer, Problems& problems, bool& out) {
  const auto* x = std::get_if<bool>(&value.data);
  if (x) {
    out = *x;
  } else {
    wrong(value, pointer, problems, "true or false");
  }
  return x != nullptr;
}

bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, double& out) {
  const auto x = number(value, spec, spec.range, "a number", pointer, problems);
  if (x) out = *x;
  return x.has_value();
}

bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, float& out) {
  const auto x = number(value, spec, range_of<float>(spec), "a number", pointer, problems);
  if (x) out = static_cast<float>(*x);
  return x.has_value();
}

bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::int64_t& out) {
  return read_integer(value, spec, pointer, problems, out);
}
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::int32_t& out) {
  return read_integer(value, spec, pointer, problems, out);
}
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::uint32_t& out) {
  return read_integer(value, spec, pointer, problems, out);
}

bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, Duration& out) {
  const auto x = number(value, spec, range_of<Duration>(spec), "a number", pointer, problems);
  if (x) out = from_seconds(*x);
  return x.has_value();
}

bool read(const Value& value, const Spec&, const std::string& pointer, Problems& problems, std::string& out) {
  const auto* x = std::get_if<std::string>(&value.data);
  if (x) {
    out = *x;
  } else {
    wrong(value, pointer, problems, "a text in quotes");
  }
  return x != nullptr;
}

bool read(const Value& value, const Spec&, const std::string&, Problems&, Value& out) {
  out = value;
  return true;
}

bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::vector<std::string>& out) {
  return read_list(value, spec, pointer, problems, out);
}
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::vector<double>& out) {
  return read_list(value, spec, pointer, problems, out);
}
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::vector<std::uint32_t>& out) {
  return read_list(value, spec, pointer, problems, out);
}

std::optional<std::size_t> read_choice(const Value& value, const std::string& pointer, Problems& problems,
                                       std::span<const std::string_view> names) {
  if (const auto* text = std::get_if<std::string>(&value.data)) {
    const auto found = std::find(names.begin(), names.end(), *text);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    problems.add(pointer, "unknown value " + in_quotes(*text) + suggestion(*text, names));
    return {};
  }
  std::string expected = "one of ";
  for (const auto& name : names) expected += (&name == &names.front() ? "" : ", ") + in_quotes(name);
  wrong(value, pointer, problems, expected);
  return {};
}

Value write(float x) {
  // Through its own shortest text: 0.1f is to read 0.1, not 0.10000000149.
  char buffer[32];
  double out = static_cast<double>(x);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, x).ptr;
  std::from_chars(buffer, end, out);
  return out;
}
Value write(Duration x) { return static_cast<double>(x.count()) / 1e9; }  // divided: 100 ms is then 0.1
Value write(const std::vector<std::string>& x) { return write_list(x); }
Value write(const std::vector<double>& x) { return write_list(x); }
Value write(const std::vector<std::uint32_t>& x) { return write_list(x); }

const Object* members(const Value& value, std::string_view pointer, Problems& problems) {
  static const Object none;
  if (value.is_null()) return &none;
  const auto* object = std::get_if<Object>(&value.data);
  if (!object) wrong(value, std::string(pointer), problems, "an object");
  return object;
}

const Value* member(const Object& object, const Spec& spec, std::string_view pointer, Problems& problems) {
  const Value* value = find(object, spec.name);
  if (!value && spec.presence == Presence::required) {
    problems.add(child(pointer, spec.name), "required key " + in_quotes(spec.name) + " is missing");
  }
  return value;
}

void report_unknown(const Object& object, std::span<const std::string_view> known, std::string_view pointer, Problems& problems) {
  for (const auto& [name, value] : object) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    problems.add_key(child(pointer, name), "unknown key " + in_quotes(name) + suggestion(name, known));
  }
}

std::string_view unit_of(std::string_view name) {
  if (name.ends_with("_bytes_per_s")) return "bytes_per_s";
  if (name.ends_with("_per_s")) return "";
  if (name.ends_with("_s")) return "s";
  if (name.ends_with("_bytes")) return "bytes";
  return "";
}

FieldInfo info(const Spec& spec, Value default_value) {
  FieldInfo out;
  out.name = spec.name;
  out.unit = unit_of(spec.name);
  out.help = spec.help;
  out.required = spec.presence == Presence::required;
  if (!out.required) {
    out.default_text = to_text(default_value);
    out.default_value = std::move(default_value);
  }
  return out;
}

}  // namespace detail
}  // namespace tideline::param

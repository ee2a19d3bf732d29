// Parameters declared once. A struct lists its members with name, help and range in `declare()`; its bound values, all problems of
// an input, listings, schema and the effective configuration are read from that list. Knows no file format: see `Value`.
//
//   struct Params {
//     double target = 0.7;
//     Duration interval = 10s;
//     Order order = Order::arrival;
//     static constexpr auto declare() {
//       return param::fields(
//           param::field("target", &Params::target, "Share of busy instances to hold.", {0.05, 1}),
//           param::field("interval_s", &Params::interval, "Time between two rounds.", {0.001, 86400}),
//           param::choice("order", &Params::order, "Order of a line.", {{"arrival", Order::arrival}, {"newest", Order::newest}}));
//     }
//   };
//
// The default is the member's initialiser. A key that ends in `_s`, `_bytes` or `_bytes_per_s` is in that unit and takes a text with
// another unit of the dimension too ("100ms", "4GiB", "1Gb/s").
#pragma once

#include "sim/core/pointer.h"
#include "sim/core/problem.h"
#include "sim/core/time.h"

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace tideline::param {

struct Value;
using List = std::vector<Value>;
using Object = std::vector<std::pair<std::string, Value>>;

/// What an input holds at one place: null, a scalar, a list, or an object whose members keep their order.
struct Value {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Object> data;

  Value() = default;
  Value(std::same_as<bool> auto x) : data(x) {}
  Value(std::signed_integral auto x) : data(static_cast<std::int64_t>(x)) {}
  Value(std::uint32_t x) : data(static_cast<std::int64_t>(x)) {}
  Value(std::floating_point auto x) : data(static_cast<double>(x)) {}
  Value(const char* x) : data(std::string(x)) {}
  Value(std::string_view x) : data(std::string(x)) {}
  Value(std::string x) : data(std::move(x)) {}
  Value(List x) : data(std::move(x)) {}
  Value(Object x) : data(std::move(x)) {}

  bool is_null() const { return data.index() == 0; }
  bool operator==(const Value&) const;
};

/// The last member of that name, or null.
const Value* find(const Object& object, std::string_view name);

/// One line for listings: texts quoted, lists in brackets, null as `none`.
std::string to_text(const Value& value);

/// Bounds of a number, both allowed; in the unit of the key.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  friend constexpr bool operator==(const Range&, const Range&) = default;
};

enum class Presence : std::uint8_t { defaulted, required };
/// Last argument of `field` or `choice`: leaving the key out is a problem.
inline constexpr Presence required = Presence::required;

/// What listings and schemas say about one field.
struct FieldInfo {
  std::string name;
  std::string type;  ///< bool, number, integer, duration, string, choice, value, or `list of` string, number, integer
  std::string unit;  ///< s, bytes, bytes_per_s, or empty
  Value default_value;
  std::string default_text;  ///< empty where the field is required
  Range range;               ///< of the number, or of each in a list, with the bounds of its type
  std::string help;
  std::vector<std::string> choices;
  bool required = false;
  bool optional = false;  ///< may be null, which means: not there
};

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
struct Scalar {
  using type = T;
};
template <class T>
struct Scalar<std::optional<T>> {
  using type = T;
};
template <class T>
struct Scalar<std::vector<T>> {
  using type = T;
};
template <class T>
using scalar_of = typename Scalar<T>::type;

template <class T, class... Others>
inline constexpr bool is_one_of = (std::is_same_v<T, Others> || ...);
template <class T>
inline constexpr bool is_number = is_one_of<T, double, float, std::int64_t, std::int32_t, std::uint32_t, Duration>;
template <class T>
inline constexpr bool is_supported =
    is_number<T> || is_one_of<T, bool, std::string, Value, std::vector<std::string>, std::vector<double>, std::vector<std::uint32_t>> ||
    (is_optional<T> && (is_number<scalar_of<T>> || is_one_of<scalar_of<T>, bool, std::string>));

/// The part of a field that does not depend on the struct.
struct Spec {
  std::string_view name;
  std::string_view help;
  Range range;
  Presence presence = Presence::defaulted;
};

constexpr void check(const Spec& spec) {
  // Thrown while a declaration is evaluated by the compiler: it stops there with the line.
  if (spec.name.empty()) throw "a parameter needs a name";
  if (!spec.help.ends_with('.')) throw "the help of a parameter is a sentence and ends in a full stop";
  if (!(spec.range.low <= spec.range.high)) throw "the range of a parameter is empty";
}

/// A range within the bounds of the member's type. A duration is never negative unless its range says so.
template <class T>
constexpr Range range_of(const Spec& spec) {
  Range range = spec.range;
  if constexpr (std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::uint32_t>) {
    constexpr auto least = static_cast<double>(std::numeric_limits<T>::min()), most = static_cast<double>(std::numeric_limits<T>::max());
    if (range.low < least) range.low = least;
    if (range.high > most) range.high = most;
  } else if constexpr (std::is_same_v<T, Duration>) {
    if (range.low == Range{}.low) range.low = 0;
    if (range.low < -9.2e9) range.low = -9.2e9;  // below this a 64-bit count of nanoseconds overflows
  } else if constexpr (std::is_same_v<T, float>) {
    constexpr auto most = static_cast<double>(std::numeric_limits<float>::max());
    if (range.low < -most) range.low = -most;
    if (range.high > most) range.high = most;
  }
  return range;
}

// Each reads `value`, checks it, and writes `out` only where it is right; otherwise adds to `problems` and returns false.
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, bool& out);
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, double& out);
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, float& out);
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::int64_t& out);
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::int32_t& out);
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::uint32_t& out);
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, Duration& out);
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::string& out);
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, Value& out);
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::vector<std::string>& out);
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::vector<double>& out);
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::vector<std::uint32_t>& out);
template <class T>
bool read(const Value& value, const Spec& spec, const std::string& pointer, Problems& problems, std::optional<T>& out) {
  T read_value{};
  if (value.is_null()) {
    out.reset();
  } else if (read(value, spec, pointer, problems, read_value)) {
    out = std::move(read_value);
  } else {
    return false;
  }
  return true;
}
/// The index of the name that `value` is, or nothing and a problem.
std::optional<std::size_t> read_choice(const Value& value, const std::string& pointer, Problems& problems,
                                       std::span<const std::string_view> names);

Value write(float x);
Value write(Duration x);
Value write(const std::vector<std::string>& x);
Value write(const std::vector<double>& x);
Value write(const std::vector<std::uint32_t>& x);
template <class T>
requires std::constructible_from<Value, T> Value write(const T& x) { return Value(x); }
template <class T>
Value write(const std::optional<T>& x) {
  return x ? write(*x) : Value{};
}

/// The members of `value`; null counts as an object without members. Anything else is a problem and gives null.
const Object* members(const Value& value, std::string_view pointer, Problems& problems);
/// The member that `spec` names, or null; a problem where it is required.
const Value* member(const Object& object, const Spec& spec, std::string_view pointer, Problems& problems);
void report_unknown(const Object& object, std::span<const std::string_view> known, std::string_view pointer, Problems& problems);

std::string_view unit_of(std::string_view name);
FieldInfo info(const Spec& spec, Value default_value);

template <class T>
constexpr std::string_view type_name() {
  if constexpr (std::is_same_v<T, bool>) return "bool";
  if constexpr (std::is_floating_point_v<T>) return "number";
  if constexpr (std::is_integral_v<T>) return "integer";
  if constexpr (std::is_same_v<T, Duration>) return "duration";
  if constexpr (std::is_same_v<T, std::string>) return "string";
  return "value";
}

}  // namespace detail

/// One declared member of `P`.
template <class P, class T>
struct Field {
  detail::Spec spec;
  T P::*member;

  void bind(const Object& object, std::string_view pointer, Problems& problems, P& out) const {
    if (const Value* value = detail::member(object, spec, pointer, problems)) {
      detail::read(*value, spec, child(pointer, spec.name), problems, out.*member);
    }
  }
  Value value(const P& p) const { return detail::write(p.*member); }
  FieldInfo describe(const P& defaults) const {
    using Scalar = detail::scalar_of<T>;
    FieldInfo out = detail::info(spec, value(defaults));
    constexpr bool is_list = !std::is_same_v<Scalar, T> && !detail::is_optional<T>;
    out.type = (is_list ? "list of " : "") + std::string(detail::type_name<Scalar>());
    out.range = detail::range_of<Scalar>(spec);
    out.optional = detail::is_optional<T>;
    return out;
  }
};

/// One declared member whose values have names.
template <class P, class T, std::size_t n>
struct ChoiceField {
  detail::Spec spec;
  T P::*member;
  std::array<std::string_view, n> names;
  std::array<detail::scalar_of<T>, n> values;

  void bind(const Object& object, std::string_view pointer, Problems& problems, P& out) const {
    const Value* value = detail::member(object, spec, pointer, problems);
    if (!value) return;
    if (detail::is_optional<T> && value->is_null()) {
      out.*member = T{};
    } else if (const auto index = detail::read_choice(*value, child(pointer, spec.name), problems, names)) {
      out.*member = values[*index];
    }
  }
  Value value(const P& p) const {
    for (std::size_t i = 0; i < n; ++i) {
      if (p.*member == values[i]) return names[i];
    }
    return {};
  }
  FieldInfo describe(const P& defaults) const {
    FieldInfo out = detail::info(spec, value(defaults));
    out.type = "choice";
    out.choices.assign(names.begin(), names.end());
    out.optional = detail::is_optional<T>;
    return out;
  }
};

/// A name for one value of an enum.
template <class E>
struct Option {
  std::string_view text;
  E value;
};

/// Declares a member. The name of a Duration ends in `_s`; `range` is for numbers, and holds for each number of a list.
/// A mistake in a declaration does not compile.
template <class P, class T>
constexpr Field<P, T> field(std::string_view name, T P::*member, std::string_view help, Range range = {},
                            Presence presence = Presence::defaulted) {
  static_assert(detail::is_supported<T>, "param::field does not support members of this type");
  using Scalar = detail::scalar_of<T>;
  const detail::Spec spec{name, help, range, presence};
  detail::check(spec);
  if (std::is_same_v<Scalar, Duration> && (!name.ends_with("_s") || name.ends_with("_per_s"))) throw "the name of a duration ends in _s";
  if (!detail::is_number<Scalar> && range != Range{}) throw "only numbers have a range";
  return {spec, member};
}
template <class P, class T>
constexpr Field<P, T> field(std::string_view name, T P::*member, std::string_view help, Presence presence) {
  return field(name, member, help, Range{}, presence);
}

/// Declares a member of an enum type (or an optional one) and the names of its values.
template <class P, class T, std::size_t n>
constexpr ChoiceField<P, T, n> choice(std::string_view name, T P::*member, std::string_view help,
                                      const Option<detail::scalar_of<T>> (&options)[n], Presence presence = Presence::defaulted) {
  const detail::Spec spec{name, help, {}, presence};
  detail::check(spec);
  ChoiceField<P, T, n> out{spec, member, {}, {}};
  for (std::size_t i = 0; i < n; ++i) {
    out.names[i] = options[i].text;
    out.values[i] = options[i].value;
    for (std::size_t j = 0; j < i; ++j) {
      if (out.names[i] == out.names[j]) throw "two choices have the same name";
    }
  }
  return out;
}

/// The list of fields that `declare()` returns.
template <class... Fields>
constexpr std::tuple<Fields...> fields(const Fields&... list) {
  const std::array<std::string_view, sizeof...(list)> names{list.spec.name...};
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (names[i] == names[j]) throw "two parameters have the same name";
    }
  }
  return {list...};
}

/// The fields of `P`, evaluated by the compiler so that a wrong declaration does not compile.
template <class P>
inline constexpr auto declaration = P::declare();

/// The parameters that `object` gives; members it leaves out keep their defaults, and null gives all defaults. `pointer` is where
/// the object stands in its file. Everything wrong is added to `problems` (the member then keeps its default): not an object,
/// unknown keys, missing required ones, wrong types, values out of range. Keys in `elsewhere` are left to the caller.
template <class P>
P bind(const Value& object, std::string_view pointer, Problems& problems, std::initializer_list<std::string_view> elsewhere = {}) {
  P out{};
  const Object* members = detail::members(object, pointer, problems);
  if (!members) return out;
  std::vector<std::string_view> known;
  std::apply(
      [&](const auto&... field) {
        (known.push_back(field.spec.name), ...);
        (field.bind(*members, pointer, problems, out), ...);
      },
      declaration<P>);
  known.insert(known.end(), elsewhere.begin(), elsewhere.end());
  detail::report_unknown(*members, known, pointer, problems);
  return out;
}

/// All fields in order of declaration, with the defaults of `P{}`.
template <class P>
std::vector<FieldInfo> describe() {
  const P defaults{};
  return std::apply([&](const auto&... field) { return std::vector<FieldInfo>{field.describe(defaults)...}; }, declaration<P>);
}

/// The values of `p` as an object that `bind` reads back; durations in seconds, an empty optional as null.
template <class P>
Value effective(const P& p) {
  Object out;
  std::apply([&](const auto&... field) { (out.emplace_back(std::string(field.spec.name), field.value(p)), ...); }, declaration<P>);
  return out;
}

}  // namespace tideline::param

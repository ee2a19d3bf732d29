#include "traces/timestamp.h"

#include "traces/nanoseconds.h"
#include "traces/text.h"

#include <algorithm>
#include <cstring>

namespace tideline {
namespace {

constexpr std::int64_t year_ns = 31'557'600 * second_ns, longest_ns = 50 * year_ns;
constexpr std::int64_t most_days = 106'000;  // 290 years: more days than nanoseconds can count

bool is_time_digit(char c) { return c >= '0' && c <= '9'; }

/// `digits` digits at the front of `text`, taken from it; -1 where there are fewer.
int take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int value = 0;
  for (std::size_t k = 0; k < digits; ++k) {
    if (!is_time_digit(text[k])) return -1;
    value = 10 * value + (text[k] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

int decimals_of(TraceUnit unit) { return unit == TraceUnit::ms ? 6 : unit == TraceUnit::us ? 3 : unit == TraceUnit::ns ? 0 : 9; }

}  // namespace

std::optional<std::int64_t> day_number(int year, int month, int day) {
  static constexpr int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (year < 1 || month < 1 || month > 12 || day < 1) return {};
  if (day > lengths[month - 1] + (month == 2 && leap)) return {};
  // Howard Hinnant, "chrono-compatible low-level date algorithms": years begin in March, so that the leap day is the last.
  const int y = year - (month <= 2);
  const int era = y / 400, of_era = y - era * 400;
  const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return std::int64_t{era} * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

std::optional<std::int64_t> TimeColumn::refuse(std::string text) {
  fault_ = std::move(text);
  return {};
}

std::optional<std::int64_t> TimeColumn::parse(std::string_view cell) {
  if (kind_ == Kind::number) return number(cell);
  const bool has_date = cell.size() >= 16 && cell[4] == '-' && cell[7] == '-';
  const bool has_month_day = cell.size() == 11 && cell[2] == '-' && cell[5] == '-' && cell[8] == '-';
  if (has_date || kind_ == Kind::date || kind_ == Kind::date_with_zone) return date(cell);
  if (has_month_day || kind_ == Kind::month_day) return month_day(cell);
  return number(cell);
}

std::optional<std::int64_t> TimeColumn::parse_length(std::string_view cell) {
  std::int64_t ns = 0;
  const NumberFault fault = parse_ns(cell, decimals_of(unit_), ns);
  if (fault == NumberFault::too_large || (fault == NumberFault::none && ns > longest_ns)) return refuse("is more than 50 years");
  if (fault != NumberFault::none) return refuse(std::string(describe(fault)));
  return ns;
}

bool TimeColumn::guess_unit(std::string_view cell) {
  if (unit_ != TraceUnit::automatic) return true;
  std::int64_t whole = 0;
  const NumberFault fault = parse_ns(cell, 0, whole);
  if (fault != NumberFault::none) return true;  // the parser says what is wrong
  // From 2001 on times since 1970 have these magnitudes, for 250 years.
  const auto say = [&](TraceUnit unit, const char* name) {
    unit_ = unit;
    assumption_ = std::string("times are ") + name + " since 1970, by their magnitude";
    return true;
  };
  constexpr std::int64_t since_1970_s = 1'000'000'000;
  if (whole >= since_1970_s && whole < since_1970_s * 10) return say(TraceUnit::s, "seconds");
  if (whole >= since_1970_s * 1000 && whole < since_1970_s * 10'000) return say(TraceUnit::ms, "milliseconds");
  if (whole >= since_1970_s * 1'000'000 && whole < since_1970_s * 10'000'000) return say(TraceUnit::us, "microseconds");
  if (whole >= since_1970_s * 1'000'000'000) return say(TraceUnit::ns, "nanoseconds");
  fault_ = "can be of any unit: declare the unit, one of s, ms, us, ns";
  return false;
}

std::optional<std::int64_t> TimeColumn::number(std::string_view cell) {
  if (decimals_ < 0) {
    if (!guess_unit(cell)) return {};
    decimals_ = decimals_of(unit_);
  }
  std::int64_t ns = 0;
  const NumberFault fault = parse_ns(cell, decimals_, ns);
  if (fault == NumberFault::too_large) return refuse("is beyond 292 years: is the unit right?");
  if (fault == NumberFault::not_a_number && kind_ == Kind::unknown && cell.size() >= 8)
    return refuse("is neither a number nor a date such as '2023-11-16 18:15:46'");
  if (fault == NumberFault::not_a_number && kind_ == Kind::number && cell.size() >= 16 && cell[4] == '-')
    return refuse("is a date, but the rows before have numbers");
  if (fault != NumberFault::none) return refuse(std::string(describe(fault)));
  if (kind_ == Kind::unknown) {
    kind_ = Kind::number;
    if (ns >= 30 * year_ns) {
      base_ns_ = ns - ns % day_ns;
      if (assumption_.empty()) assumption_ = "times are since 1970, by their magnitude";
    }
    first_ns_ = ns;
  }
  if (const std::int64_t apart = ns > first_ns_ ? ns - first_ns_ : first_ns_ - ns; apart > longest_ns)
    return refuse("is " + std::to_string(apart / year_ns) +
                  " years from the first row: is the unit right? Declare it, one of s, ms, us, ns");
  else
    furthest_ns_ = std::max(furthest_ns_, apart);
  return ns - base_ns_;
}

std::string TimeColumn::remark() const {
  if (zones_differ_) return "zones differ between rows: times are in UTC";
  if (kind_ != Kind::number || furthest_ns_ < 2 * year_ns) return {};
  const char* const unit = decimals_ == 9 ? "seconds" : decimals_ == 6 ? "milliseconds" : decimals_ == 3 ? "microseconds" : "nanoseconds";
  return "times go over " + std::to_string(furthest_ns_ / year_ns) + " years, taken as " + unit + ": is the unit right?";
}

std::optional<std::int64_t> TimeColumn::date(std::string_view cell) {
  std::string_view rest = cell;
  std::int64_t day = last_day_;
  if (rest.size() >= 10 && kind_ != Kind::unknown && std::memcmp(rest.data(), last_date_.data(), 10) == 0) {
    rest.remove_prefix(10);
  } else {
    const int year = take_number(rest, 4);
    const int month = take(rest, '-') ? take_number(rest, 2) : -1;
    const int of_month = take(rest, '-') ? take_number(rest, 2) : -1;
    const auto number = day_number(year, month, of_month);
    if (!number) return refuse("is no date such as '2023-11-16 18:15:46'");
    if (*number < -most_days || *number > most_days) return refuse("is too far from 1970");
    day = last_day_ = *number;
    std::memcpy(last_date_.data(), cell.data(), 10);
  }
  if (!take(rest, ' ') && !take(rest, 'T')) return refuse("is no date such as '2023-11-16 18:15:46'");
  const int hour = take_number(rest, 2);
  const int minute = take(rest, ':') ? take_number(rest, 2) : -1;
  const int second = take(rest, ':') ? take_number(rest, 2) : 0;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
    return refuse("has no time of day such as '18:15:46'");
  std::int64_t ns = hour * hour_ns + minute * minute_ns + second * second_ns;
  if (take(rest, '.')) {
    std::int64_t unit = second_ns;
    std::size_t digits = 0;
    bool up = false;
    for (; digits < rest.size() && is_time_digit(rest[digits]); ++digits) {
      if (digits == 9) up = rest[digits] >= '5';
      unit /= 10;
      ns += unit * (rest[digits] - '0');
    }
    if (digits == 0) return refuse("has no digits after the point of its seconds");
    ns += up;
    rest.remove_prefix(digits);
  }
  Kind kind = Kind::date;
  if (!rest.empty()) {
    std::int64_t zone = 0;
    kind = Kind::date_with_zone;
    if (!take(rest, 'Z')) {
      const bool west = rest[0] == '-';
      if (!take(rest, '+') && !take(rest, '-')) return refuse("ends in what is no zone such as '+00:00' or 'Z'");
      const int hours = take_number(rest, 2);
      take(rest, ':');
      const int minutes = rest.empty() ? 0 : take_number(rest, 2);
      if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59) return refuse("ends in what is no zone such as '+00:00' or 'Z'");
      zone = (west ? 1 : -1) * (hours * hour_ns + minutes * minute_ns);
      ns += zone;
    }
    if (kind_ == Kind::unknown) zone_ns_ = zone;
    zones_differ_ = zones_differ_ || zone != zone_ns_;
    if (!rest.empty()) return refuse("has text after its zone");
  }
  return since_midnight(day, ns, kind);
}

std::optional<std::int64_t> TimeColumn::month_day(std::string_view cell) {
  constexpr int year = 2019;  // the year of the traces that are written so
  std::string_view rest = cell;
  const int month = take_number(rest, 2);
  const int of_month = take(rest, '-') ? take_number(rest, 2) : -1;
  const int hour = take(rest, '-') ? take_number(rest, 2) : -1;
  const int minute = take(rest, '-') ? take_number(rest, 2) : -1;
  auto day = day_number(year + years_, month, of_month);
  if (day && kind_ == Kind::month_day) {
    // Where a day is nearer in another year, the year has turned, or a row of the old one comes late.
    constexpr std::int64_t half_a_year = 183;
    if (*day < last_day_ - half_a_year)
      day = day_number(year + ++years_, month, of_month);
    else if (*day > last_day_ + half_a_year && years_ > 0)
      day = day_number(year + years_ - 1, month, of_month);
  }
  if (day) last_day_ = std::max(last_day_, *day);
  if (!day || hour < 0 || hour > 23 || minute < 0 || minute > 59 || !rest.empty())
    return refuse("is no time such as '07-01-13-05' (month, day, hour, minute)");
  return since_midnight(*day, hour * hour_ns + minute * minute_ns, Kind::month_day);
}

std::optional<std::int64_t> TimeColumn::since_midnight(std::int64_t day, std::int64_t ns, Kind kind) {
  if (kind_ == Kind::unknown) {
    kind_ = kind;
    // In UTC the day may be the one before or after the written one.
    first_day_ = day + (ns < 0 ? -1 : ns >= day_ns ? 1 : 0);
  } else if (kind != kind_) {
    if (kind_ == Kind::month_day || kind == Kind::month_day) return refuse("is a date of another form than the rows before");
    return refuse(kind == Kind::date ? "has no zone, but the rows before have one" : "has a zone, but the rows before have none");
  }
  constexpr std::int64_t most_apart = 50 * 366;
  if (day - first_day_ > most_apart || first_day_ - day > most_apart) return refuse("is more than 50 years from the first row");
  return (day - first_day_) * day_ns + ns;
}

}  // namespace tideline

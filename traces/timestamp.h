// Times as traces write them: numbers of a unit, dates, with and without a zone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tideline {

/// What a number in a column of times counts; `automatic`: told by the first one, where its magnitude leaves no doubt.
enum class TraceUnit : std::uint8_t { automatic, s, ms, us, ns };

/// Parses one column of times, which are all of one kind:
///  - numbers >= 0 of a unit, with any number of digits; where the first is beyond 30 years, they are taken as times since 1970, and
///    their zero is the midnight (UTC) before it;
///  - dates "2023-11-16 18:15:46.6805900" ('T' in place of the blank, seconds and their fraction may be missing), with or without a zone
///    ("Z", "+00:00", "-0530"); their zero is the midnight before the first of them, as they are written, or in UTC where they have zones;
///  - "07-01-13-05", month, day, hour and minute, as the traces of MArk have; years are 2019.
class TimeColumn {
 public:
  explicit TimeColumn(TraceUnit unit) : unit_(unit) {}

  /// The time in `cell` as nanoseconds since the column's zero; below 0 for a date before the first one's day.
  /// Returns nothing, and sets `fault` to the end of a sentence, where it is none.
  /// A time more than 50 years from the first is none: the unit is wrong.
  std::optional<std::int64_t> parse(std::string_view cell);
  /// The same for a length of time, a number of the unit (seconds where that is automatic) of at most 50 years.
  std::optional<std::int64_t> parse_length(std::string_view cell);
  std::string_view fault() const { return fault_; }
  /// What was assumed about the column, or nothing: "times are milliseconds since 1970, by their magnitude".
  const std::string& assumption() const { return assumption_; }
  /// What is to be said of all times so far, or nothing: that numbers span years, or that zones differ.
  std::string remark() const;
  bool has_numbers() const { return kind_ == Kind::number; }

 private:
  enum class Kind : std::uint8_t { unknown, number, date, date_with_zone, month_day };
  std::optional<std::int64_t> number(std::string_view cell);
  std::optional<std::int64_t> date(std::string_view cell);
  std::optional<std::int64_t> month_day(std::string_view cell);
  std::optional<std::int64_t> since_midnight(std::int64_t day, std::int64_t ns, Kind kind);
  std::optional<std::int64_t> refuse(std::string text);
  bool guess_unit(std::string_view cell);

  TraceUnit unit_;
  Kind kind_ = Kind::unknown;
  int decimals_ = -1;
  std::int64_t base_ns_ = 0;      // of numbers: what their zero is at
  std::int64_t first_ns_ = 0;     // the first number
  std::int64_t furthest_ns_ = 0;  // from it
  std::int64_t zone_ns_ = 0;      // of the first date
  bool zones_differ_ = false;
  int years_ = 0;                     // since the first of the dates without a year
  std::int64_t first_day_ = 0;        // since 1970
  std::array<char, 10> last_date_{};  // text of the day of the row before, which mostly is this one's too
  std::int64_t last_day_ = 0;
  std::string fault_, assumption_;
};

/// Days since 1970-01-01 of a date of the Gregorian calendar; nothing where there is no such day.
std::optional<std::int64_t> day_number(int year, int month, int day);

}  // namespace tideline

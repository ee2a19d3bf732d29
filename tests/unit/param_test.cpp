#include "sim/core/param.h"

#include "sim/core/nearest.h"
#include "sim/core/text.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace tideline {
namespace {

enum class Order { arrival, deadline, newest };

struct Params {
  bool central = true;
  double margin = 0.05;
  float weight = 0.1F;
  std::int64_t budget_bytes = 4096;
  std::int32_t shift = -1;
  std::uint32_t depth = 3;
  Duration interval = 10s;
  std::string label = "plain";
  std::vector<std::string> tags = {"a", "b"};
  std::vector<double> steps = {0.5, 1};
  std::vector<std::uint32_t> sizes = {1, 2};
  std::optional<double> cap;
  std::optional<Duration> limit = 250ms;
  double link_bytes_per_s = 1e6;
  Order order = Order::deadline;
  std::optional<Order> second;
  static constexpr auto declare() {
    return param::fields(
        param::field("central", &Params::central, "One controller for all."),
        param::field("margin", &Params::margin, "Share of the SLO kept free.", {0, 0.5}),
        param::field("weight", &Params::weight, "Weight of the newest value.", {0, 1}),
        param::field("budget_bytes", &Params::budget_bytes, "Memory it may use.", {0}), param::field("shift", &Params::shift, "Hours."),
        param::field("depth", &Params::depth, "Visits.", {1, 16}),
        param::field("interval_s", &Params::interval, "Time between two rounds.", {0.001, 86400}),
        param::field("label", &Params::label, "Name in the output."), param::field("tags", &Params::tags, "Words."),
        param::field("steps", &Params::steps, "Steps.", {0, 10}), param::field("sizes", &Params::sizes, "Batch sizes.", {1, 64}),
        param::field("cap_usd", &Params::cap, "Cost cap.", {0}), param::field("limit_s", &Params::limit, "Longest wait."),
        param::field("link_bytes_per_s", &Params::link_bytes_per_s, "Bandwidth.", {1}),
        param::choice("order", &Params::order, "Order of a line.",
                      {{"arrival", Order::arrival}, {"deadline", Order::deadline}, {"newest", Order::newest}}),
        param::choice("second", &Params::second, "Order among equals.", {{"arrival", Order::arrival}, {"newest", Order::newest}}));
  }
};

struct Needs {
  std::string task;
  double rate = 0;
  static constexpr auto declare() {
    return param::fields(param::field("task", &Needs::task, "Task.", param::required),
                         param::field("rate", &Needs::rate, "Rate.", {0}, param::required));
  }
};

struct Bound {
  Params params;
  Problems problems;
  std::string only() const {
    if (problems.list().size() != 1) return std::to_string(problems.list().size()) + " problems";
    return problems.list()[0].pointer + ": " + problems.list()[0].message;
  }
};

Bound bind(const param::Object& object) {
  Bound out;
  out.params = param::bind<Params>(object, "/p", out.problems);
  return out;
}
std::string problem_of(const std::string& key, const param::Value& value) { return bind({{key, value}}).only(); }

TEST(Param, what_is_absent_keeps_its_default) {
  const auto [p, problems] = bind({});
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(p.margin, 0.05);
  EXPECT_EQ(p.interval, 10s);
  EXPECT_EQ(p.cap, std::nullopt);
  EXPECT_EQ(p.order, Order::deadline);
}

TEST(Param, null_in_place_of_the_object_gives_all_defaults) {
  Problems problems;
  EXPECT_EQ(param::bind<Params>(param::Value{}, "/p", problems).depth, 3U);
  EXPECT_TRUE(problems.empty());
}

TEST(Param, every_type_is_read) {
  const auto [p, problems] = bind({{"central", false},
                                   {"margin", 0.25},
                                   {"weight", 0.5},
                                   {"budget_bytes", std::int64_t{9007199254740993}},
                                   {"shift", -3},
                                   {"depth", 7},
                                   {"interval_s", 2},
                                   {"label", "x"},
                                   {"tags", param::List{"c"}},
                                   {"steps", param::List{1, 2.5}},
                                   {"sizes", param::List{}},
                                   {"cap_usd", 3},
                                   {"limit_s", param::Value{}},
                                   {"link_bytes_per_s", 5},
                                   {"order", "newest"},
                                   {"second", "arrival"}});
  EXPECT_TRUE(problems.empty());
  EXPECT_FALSE(p.central);
  EXPECT_EQ(p.margin, 0.25);
  EXPECT_EQ(p.weight, 0.5F);
  EXPECT_EQ(p.budget_bytes, 9007199254740993);  // would be ...992 by way of a double
  EXPECT_EQ(p.shift, -3);
  EXPECT_EQ(p.depth, 7U);
  EXPECT_EQ(p.interval, 2s);
  EXPECT_EQ(p.label, "x");
  EXPECT_EQ(p.tags, std::vector<std::string>{"c"});
  EXPECT_EQ(p.steps, (std::vector<double>{1, 2.5}));
  EXPECT_TRUE(p.sizes.empty());
  EXPECT_EQ(p.cap, 3.0);
  EXPECT_EQ(p.limit, std::nullopt);
  EXPECT_EQ(p.link_bytes_per_s, 5);
  EXPECT_EQ(p.order, Order::newest);
  EXPECT_EQ(p.second, Order::arrival);
}

TEST(Param, an_unknown_key_is_refused_with_the_nearest_name) {
  EXPECT_EQ(problem_of("margn", 0.1), "/p/margn: unknown key \"margn\"; did you mean \"margin\"?");
  EXPECT_TRUE(bind({{"margn", 0.1}}).problems.list()[0].at_key);
}

TEST(Param, an_unknown_key_far_from_all_lists_the_known_ones) {
  Problems problems;
  param::bind<Needs>(param::Object{{"task", "t"}, {"rate", 1}, {"zzzz", 1}}, "", problems);
  ASSERT_EQ(problems.list().size(), 1U);
  EXPECT_EQ(problems.list()[0].message, "unknown key \"zzzz\"; known: \"task\", \"rate\"");
}

TEST(Param, the_pointer_of_an_unknown_key_is_escaped) { EXPECT_EQ(bind({{"a/b~c", 1}}).problems.list()[0].pointer, "/p/a~1b~0c"); }

TEST(Param, keys_that_the_caller_reads_are_not_unknown) {
  Problems problems;
  param::bind<Params>(param::Object{{"classes", 1}}, "", problems, {"classes"});
  EXPECT_TRUE(problems.empty());
}

TEST(Param, wrong_types_are_refused) {
  EXPECT_EQ(problem_of("central", 1), "/p/central: must be true or false, is 1");
  EXPECT_EQ(problem_of("margin", true), "/p/margin: must be a number, is true");
  EXPECT_EQ(problem_of("margin", "0.1"), "/p/margin: must be a number, is \"0.1\"");
  EXPECT_EQ(problem_of("margin", param::Value{}), "/p/margin: must be a number, is null");
  EXPECT_EQ(problem_of("weight", param::List{}), "/p/weight: must be a number, is a list");
  EXPECT_EQ(problem_of("depth", param::Object{}), "/p/depth: must be a whole number, is an object");
  EXPECT_EQ(problem_of("label", 3), "/p/label: must be a text in quotes, is 3");
  EXPECT_EQ(problem_of("tags", "a"), "/p/tags: must be a list of strings, is \"a\"");
  EXPECT_EQ(problem_of("steps", 1), "/p/steps: must be a list of numbers, is 1");
  EXPECT_EQ(problem_of("order", 2), "/p/order: must be one of \"arrival\", \"deadline\", \"newest\", is 2");
}

TEST(Param, something_other_than_an_object_is_refused) {
  Problems problems;
  param::bind<Params>(3, "/p", problems);
  ASSERT_EQ(problems.list().size(), 1U);
  EXPECT_EQ(problems.list()[0].pointer, "/p");
  EXPECT_EQ(problems.list()[0].message, "must be an object, is 3");
}

TEST(Param, out_of_range_says_the_range) {
  EXPECT_EQ(problem_of("margin", 0.75), "/p/margin: must be between 0 and 0.5, is 0.75");
  EXPECT_EQ(problem_of("budget_bytes", -1), "/p/budget_bytes: must be at least 0, is -1");
  EXPECT_EQ(problem_of("depth", 17), "/p/depth: must be between 1 and 16, is 17");
  EXPECT_EQ(problem_of("shift", std::int64_t{1} << 40), "/p/shift: must be between -2147483648 and 2147483647, is 1099511627776");
  EXPECT_EQ(problem_of("interval_s", "2d"), "/p/interval_s: must be between 0.001 and 86400, is 172800 (\"2d\")");
  EXPECT_EQ(problem_of("limit_s", -0.5), "/p/limit_s: must be at least 0, is -0.5");
  EXPECT_EQ(problem_of("cap_usd", -2), "/p/cap_usd: must be at least 0, is -2");
  EXPECT_EQ(problem_of("steps", (param::List{1, 11})), "/p/steps/1: must be between 0 and 10, is 11");
}

TEST(Param, both_ends_of_a_range_are_allowed) {
  EXPECT_TRUE(bind({{"margin", 0}, {"depth", 1}}).problems.empty());
  EXPECT_TRUE(bind({{"margin", 0.5}, {"depth", 16}}).problems.empty());
}

TEST(Param, not_a_number_and_infinity_are_refused) {
  EXPECT_EQ(problem_of("margin", std::nan("")), "/p/margin: must be a number, is NaN");
  EXPECT_EQ(problem_of("link_bytes_per_s", HUGE_VAL).substr(0, 40), "/p/link_bytes_per_s: must be a number of");
  EXPECT_EQ(problem_of("interval_s", "nan s").substr(0, 30), "/p/interval_s: must be a numbe");
}

TEST(Param, whole_numbers_may_be_written_with_an_exponent_but_not_a_fraction) {
  EXPECT_EQ(bind({{"depth", 1e1}}).params.depth, 10U);
  EXPECT_EQ(problem_of("depth", 2.5), "/p/depth: must be a whole number, is 2.5");
  EXPECT_EQ(problem_of("sizes", (param::List{1, 2.5})), "/p/sizes/1: must be a whole number, is 2.5");
  EXPECT_EQ(problem_of("budget_bytes", 1e300).substr(0, 67), "/p/budget_bytes: must be a whole number below 2^53 or without an ex");
}

TEST(Param, an_unknown_choice_is_refused_with_the_nearest_one) {
  EXPECT_EQ(problem_of("order", "deadlin"), "/p/order: unknown value \"deadlin\"; did you mean \"deadline\"?");
  EXPECT_EQ(problem_of("order", "random"), "/p/order: unknown value \"random\"; known: \"arrival\", \"deadline\", \"newest\"");
}

TEST(Param, missing_required_keys_are_problems_at_the_key) {
  Problems problems;
  param::bind<Needs>(param::Value{}, "/workload/0", problems);
  ASSERT_EQ(problems.list().size(), 2U);
  EXPECT_EQ(problems.list()[0].pointer, "/workload/0/task");
  EXPECT_EQ(problems.list()[0].message, "required key \"task\" is missing");
  EXPECT_EQ(problems.list()[1].pointer, "/workload/0/rate");
}

TEST(Param, all_problems_are_reported_at_once_and_the_rest_is_bound) {
  const auto [p, problems] = bind({{"margin", 7}, {"depth", 5}, {"labl", "x"}, {"sizes", param::List{0, "x", 65}}});
  EXPECT_EQ(problems.list().size(), 5U);
  EXPECT_EQ(p.margin, 0.05);
  EXPECT_EQ(p.depth, 5U);
  EXPECT_EQ(p.sizes, (std::vector<std::uint32_t>{1, 2}));
}

TEST(Param, durations_take_every_unit_of_time) {
  const std::pair<const char*, Duration> cases[] = {{"1500us", 1500us}, {"100ms", 100ms}, {"30s", 30s},     {"1min", 60s},
                                                    {"2h", 7200s},      {"1d", 86400s},   {"2.5 s", 2500ms}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(bind({{"interval_s", text}}).params.interval, expected) << text;
  EXPECT_EQ(bind({{"limit_s", "5ns"}}).params.limit, 5ns);
}

TEST(Param, bytes_take_decimal_and_binary_units) {
  const std::pair<const char*, std::int64_t> cases[] = {{"4GiB", 4294967296},  {"512MiB", 536870912}, {"20kB", 20000},
                                                        {"1GB", 1000000000},   {"1.5KiB", 1536},      {"7B", 7},
                                                        {"4.22GB", 4220000000}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(bind({{"budget_bytes", text}}).params.budget_bytes, expected) << text;
}

TEST(Param, rates_take_bytes_and_bits) {
  const std::pair<const char*, double> cases[] = {{"100MB/s", 1e8}, {"1Gb/s", 1.25e8}, {"1GB/s", 1e9}, {"2KiB/s", 2048}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(bind({{"link_bytes_per_s", text}}).params.link_bytes_per_s, expected) << text;
}

TEST(Param, a_unit_of_another_dimension_is_refused_with_those_accepted) {
  EXPECT_EQ(problem_of("interval_s", "4GiB"),
            "/p/interval_s: must be a number of seconds, or a text such as \"100ms\" with one of the units ns, us, ms, s, min, h, d, "
            "is \"4GiB\"");
  EXPECT_EQ(problem_of("budget_bytes", "3s"),
            "/p/budget_bytes: must be a whole number of bytes, or a text such as \"4GiB\" with one of the units B, kB, MB, GB, TB, "
            "KiB, MiB, GiB, TiB, is \"3s\"");
  EXPECT_EQ(problem_of("link_bytes_per_s", "1Gb"),
            "/p/link_bytes_per_s: must be a number of bytes per second, or a text such as \"100MB/s\" with one of the units B/s, kB/s, "
            "MB/s, GB/s, TB/s, KiB/s, MiB/s, GiB/s, TiB/s, b/s, kb/s, Mb/s, Gb/s, Tb/s, is \"1Gb\"");
}

TEST(Param, a_text_without_a_unit_or_with_more_than_one_number_is_refused) {
  for (const char* text : {"", "5", "s", "5 s s", "1h30min", "+5s", "0x1s"}) {
    EXPECT_EQ(bind({{"interval_s", text}}).problems.list().size(), 1U) << text;
  }
}

TEST(Param, a_part_of_a_byte_is_refused) { EXPECT_EQ(bind({{"budget_bytes", "0.3B"}}).problems.list().size(), 1U); }

TEST(Param, effective_values_bind_back_to_themselves) {
  Bound b = bind({{"interval_s", "100ms"}, {"cap_usd", 2}, {"second", "newest"}});
  const param::Value first = param::effective(b.params);
  const Params again = param::bind<Params>(first, "", b.problems);
  EXPECT_TRUE(b.problems.empty());
  EXPECT_EQ(param::effective(again), first);
}

TEST(Param, effective_writes_seconds_names_and_null) {
  const param::Value value = param::effective(Params{});
  const auto& object = std::get<param::Object>(value.data);
  EXPECT_EQ(*param::find(object, "limit_s"), param::Value(0.25));
  EXPECT_EQ(*param::find(object, "weight"), param::Value(0.1));
  EXPECT_EQ(*param::find(object, "order"), param::Value("deadline"));
  EXPECT_EQ(*param::find(object, "sizes"), param::Value(param::List{1, 2}));
  EXPECT_TRUE(param::find(object, "cap_usd")->is_null());
  EXPECT_EQ(object.front().first, "central");
}

TEST(Param, a_duration_without_end_binds_back) {
  Params p;
  p.limit = forever;
  Problems problems;
  EXPECT_EQ(param::bind<Params>(param::effective(p), "", problems).limit, forever);
  EXPECT_TRUE(problems.empty());
}

TEST(Param, describe_tells_type_default_range_and_choices) {
  const auto list = param::describe<Params>();
  ASSERT_EQ(list.size(), 16U);
  const auto& interval = list[6];
  EXPECT_EQ(interval.name, "interval_s");
  EXPECT_EQ(interval.type, "duration");
  EXPECT_EQ(interval.unit, "s");
  EXPECT_EQ(interval.default_text, "10");
  EXPECT_EQ(interval.range, (param::Range{0.001, 86400}));
  EXPECT_EQ(interval.help, "Time between two rounds.");
  EXPECT_EQ(list[0].default_text, "true");
  EXPECT_EQ(list[4].range.low, -2147483648.0);
  EXPECT_EQ(list[7].default_text, "\"plain\"");
  EXPECT_EQ(list[8].type, "list of string");
  EXPECT_EQ(list[9].default_text, "[0.5, 1]");
  EXPECT_EQ(list[10].type, "list of integer");
  EXPECT_EQ(list[11].default_text, "none");
  EXPECT_TRUE(list[11].optional);
  EXPECT_EQ(list[13].unit, "bytes_per_s");
  EXPECT_EQ(list[14].type, "choice");
  EXPECT_EQ(list[14].choices, (std::vector<std::string>{"arrival", "deadline", "newest"}));
  EXPECT_EQ(list[14].default_text, "\"deadline\"");
  EXPECT_TRUE(list[15].optional);
  const auto needs = param::describe<Needs>();
  EXPECT_TRUE(needs[0].required);
  EXPECT_EQ(needs[0].default_text, "");
}

TEST(Nearest, finds_what_one_slip_turned_into_the_name) {
  const std::array<std::string_view, 3> names{"margin", "target", "interval_s"};
  EXPECT_EQ(nearest("margn", names), "margin");
  EXPECT_EQ(nearest("tagret", names), "target");
  EXPECT_EQ(nearest("INTERVAL_S", names), "interval_s");
  EXPECT_EQ(nearest("throughput", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest(std::string(1000000, 'x'), names), "");
}

TEST(Nearest, prefers_the_first_of_equals) {
  const std::vector<std::string> names{"cat", "car"};
  EXPECT_EQ(nearest("cap", names), "cat");
}

TEST(Text, numbers_are_short_and_names_stay_on_one_line) {
  EXPECT_EQ(to_text(100000), "100000");
  EXPECT_EQ(to_text(0.1), "0.1");
  EXPECT_EQ(to_text(1e300), "1e+300");
  EXPECT_EQ(in_quotes("a\"b\n"), "\"a\\\"b\\u000a\"");
  EXPECT_EQ(in_quotes(std::string(100, 'x')), "\"" + std::string(80, 'x') + "...\"");
}

TEST(Pointer, tokens_undo_what_child_escapes) {
  const std::string pointer = child(child("", "a/~b"), 3);
  EXPECT_EQ(pointer, "/a~1~0b/3");
  EXPECT_EQ(tokens(pointer), (std::vector<std::string>{"a/~b", "3"}));
  EXPECT_EQ(parent(pointer), "/a~1~0b");
  EXPECT_EQ(parent("/x"), "");
  EXPECT_EQ(tokens("/"), std::vector<std::string>{""});
}

}  // namespace
}  // namespace tideline

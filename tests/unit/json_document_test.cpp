#include "src/json_document.h"

#include "src/errors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace tideline {
namespace {

JsonDocument good(std::string_view text) {
  Problems problems;
  JsonDocument out = parse_json(text, "f.json", problems);
  EXPECT_TRUE(problems.empty());
  return out;
}

std::string refusal(std::string_view text) {
  Problems problems;
  try {
    parse_json(text, "f.json", problems);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

constexpr std::string_view sample = R"({
  // a comment, with "quotes" and { brackets
  "load": 1.5, /* another: [1, 2] */ "seed": 7,
  "cluster": {
    "pools": [
      { "name": "cameras", "count": 8 },
      {"name":"gpus","count":1}
    ]
  },
  "a/b~": [true, null, -2e3, "x\"},y"]
}
)";

TEST(JsonDocument, each_value_and_key_has_its_line_and_column) {
  const JsonDocument d = good(sample);
  EXPECT_EQ(d.place_text(""), "f.json:1:1");
  EXPECT_EQ(d.place_text("/load"), "f.json:3:11");
  EXPECT_EQ(d.place_text("/load", true), "f.json:3:3");
  EXPECT_EQ(d.place_text("/seed"), "f.json:3:46");
  EXPECT_EQ(d.place_text("/seed", true), "f.json:3:38");
  EXPECT_EQ(d.place_text("/cluster/pools"), "f.json:5:14");
  EXPECT_EQ(d.place_text("/cluster/pools/0"), "f.json:6:7");
  EXPECT_EQ(d.place_text("/cluster/pools/0", true), "f.json:6:7");
  EXPECT_EQ(d.place_text("/cluster/pools/1/count"), "f.json:7:30");
  EXPECT_EQ(d.place_text("/a~1b~0"), "f.json:10:11");
  EXPECT_EQ(d.place_text("/a~1b~0/2"), "f.json:10:24");
  EXPECT_EQ(d.place_text("/a~1b~0/3"), "f.json:10:30");
  EXPECT_EQ(d.file(), "f.json");
  EXPECT_EQ(d.root["a/b~"][3], "x\"},y");
}

TEST(JsonDocument, a_pointer_not_in_the_document_has_the_place_of_its_container) {
  const JsonDocument d = good(sample);
  EXPECT_EQ(d.place_text("/cluster/pools/1/hardware"), "f.json:7:7");
  EXPECT_EQ(d.place_text("/nothing/at/all"), "f.json:1:1");
}

TEST(JsonDocument, columns_count_characters_and_a_byte_order_mark_is_none) {
  const JsonDocument d = good("\xEF\xBB\xBF{\"\xC3\xA9\": \"\xE2\x82\xAC\", \"b\": 1}");
  EXPECT_EQ(d.place_text("/b"), "f.json:1:17");
  EXPECT_EQ(d.place_text("/\xC3\xA9"), "f.json:1:7");
}

TEST(JsonDocument, keys_keep_the_order_of_the_file) { EXPECT_EQ(good(R"({"z":1,"a":2,"m":3})").root.dump(), R"({"z":1,"a":2,"m":3})"); }

TEST(JsonDocument, a_scalar_alone_is_a_document) { EXPECT_EQ(good(" 3 // three").root, 3); }

TEST(JsonDocument, duplicate_keys_are_problems_and_the_last_wins) {
  Problems problems;
  const JsonDocument d = parse_json("{\"a\": {\"x\": 1},\n \"b\": 2,\n  \"a\": {\"x\": 3}}", "f.json", problems);
  EXPECT_EQ(render(problems, d), "f.json:3:3: /a: duplicate key \"a\", also at line 1, column 2\n");
  EXPECT_EQ(d.root["a"]["x"], 3);
  EXPECT_EQ(d.root.size(), 2U);
  EXPECT_EQ(d.place_text("/a/x"), "f.json:3:14");
}

TEST(JsonDocument, syntax_errors_name_the_place_and_what_was_expected) {
  EXPECT_EQ(refusal("{\"a\": 1,\n \"b\" 2}"), "f.json:2:6: unexpected number literal; expected ':'");
  EXPECT_EQ(refusal("{\"a\": 1\n \"b\": 2}"), "f.json:2:2: unexpected string literal; expected '}'");
  EXPECT_EQ(refusal("{\"a\": 1,\n}"), "f.json:2:1: unexpected '}'; expected string literal");
  EXPECT_EQ(refusal("[1,,2]"), "f.json:1:4: unexpected ','; expected '[', '{', or a literal");
  EXPECT_EQ(refusal("[1, tru]"), "f.json:1:5: invalid literal \"tru\"");
  EXPECT_EQ(refusal("{'a': 1}"), "f.json:1:2: invalid literal \"'a'\"; expected string literal");
  EXPECT_EQ(refusal("[01]"), "f.json:1:3: unexpected number literal; expected ']'");
  EXPECT_EQ(refusal("[-0.5e+1true]"), "f.json:1:9: unexpected true literal; expected ']'");
  EXPECT_EQ(refusal("[\"a; expected b\\q\"]"), "f.json:1:2: invalid string: forbidden character after backslash");
  EXPECT_EQ(refusal("[\"a\n\"]").substr(0, 27), "f.json:1:2: invalid string:");
  EXPECT_EQ(refusal("[\"abc"), "f.json:1:2: invalid string: missing closing quote");
  EXPECT_EQ(refusal("[1 /* x"), "f.json:1:4: invalid comment; missing closing '*/'; expected ']'");
}

TEST(JsonDocument, an_unclosed_container_is_named) {
  EXPECT_EQ(refusal("{\n \"a\": [1, 2\n"),
            "f.json:3:1: unexpected end of input; expected ']'; the array that begins at line 2, column 7 is not closed");
}

TEST(JsonDocument, text_after_the_value_is_refused) {
  EXPECT_EQ(refusal("{}\n{}"), "f.json:2:1: unexpected '{'; expected end of input");
  EXPECT_EQ(refusal("1 2"), "f.json:1:3: unexpected number literal; expected end of input");
}

TEST(JsonDocument, empty_files_are_refused) {
  EXPECT_EQ(refusal(""), "f.json:1:1: the file is empty");
  EXPECT_EQ(refusal(" \n// nothing\n"), "f.json:1:1: the file is empty");
}

TEST(JsonDocument, files_that_are_not_utf8_text_are_refused) {
  EXPECT_EQ(refusal("\x89HDF\r\n\x1a\n"), "f.json:1:1: byte 0x89 is not text in UTF-8");
  EXPECT_EQ(refusal("{\n \"a\": \"\xFF\"}"), "f.json:2:8: byte 0xff is not text in UTF-8");
  EXPECT_EQ(refusal("// \xC3(\n1"), "f.json:1:4: byte 0xc3 is not text in UTF-8");
  EXPECT_EQ(refusal("\"\xC0\xAF\""), "f.json:1:2: byte 0xc0 is not text in UTF-8");
  EXPECT_EQ(refusal("\"\xED\xA0\x80\""), "f.json:1:2: byte 0xed is not text in UTF-8");
  EXPECT_EQ(refusal("\"\xE2\x82"), "f.json:1:2: byte 0xe2 is not text in UTF-8");
  EXPECT_EQ(refusal(std::string_view("{}\0", 3)), "f.json:1:3: byte 0x00 is not text in UTF-8");
}

TEST(JsonDocument, numbers_that_are_none_are_refused) {
  EXPECT_EQ(refusal("{\"a\": NaN}"), "f.json:1:7: \"NaN\" is not a number that JSON has");
  EXPECT_EQ(refusal("[1, -Infinity]"), "f.json:1:5: \"-Infinity\" is not a number that JSON has");
  EXPECT_EQ(refusal("[1e999]"), "f.json:1:2: the number 1e999 is too large for a double");
}

TEST(JsonDocument, deep_nesting_is_refused_without_deep_recursion) {
  EXPECT_EQ(refusal(std::string(100000, '[')), "f.json:1:101: nested deeper than 100");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_EQ(refusal(objects), "f.json:1:501: nested deeper than 100");
  EXPECT_EQ(refusal(std::string(100, '[') + std::string(100, ']')), "accepted");
}

TEST(JsonDocument, one_long_line_and_many_keys_take_linear_time) {
  std::string text = "{";
  for (int i = 0; i < 50000; ++i) text += "\"key" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  text += "\"end\":[]}";
  const JsonDocument d = good(text);
  EXPECT_EQ(d.root.size(), 50001U);
  EXPECT_EQ(d.place_text("/end", true), "f.json:1:" + std::to_string(text.size() - 8));
}

TEST(JsonDocument, duplicate_keys_are_found_among_many) {
  std::string text = "{";
  for (int i = 0; i < 100; ++i) text += "\"key" + std::to_string(i) + "\":0,\n";
  text += "\"key3\":{\"below\":1},\n\"key99\":2}";
  Problems problems;
  const JsonDocument d = parse_json(text, "f.json", problems);
  EXPECT_EQ(render(problems, d),
            "f.json:101:1: /key3: duplicate key \"key3\", also at line 4, column 1\n"
            "f.json:102:1: /key99: duplicate key \"key99\", also at line 100, column 1\n");
  EXPECT_EQ(d.root.size(), 100U);
  EXPECT_EQ(d.place_text("/key3/below"), "f.json:101:17");
}

TEST(JsonDocument, a_missing_file_is_the_worlds_fault) {
  Problems problems;
  try {
    read_json_file("/nowhere/f.json", problems);
    FAIL();
  } catch (const WorldError& error) {
    EXPECT_STREQ(error.what(), "cannot read /nowhere/f.json: No such file or directory");
  }
  EXPECT_THROW(read_json_file("/", problems), WorldError);
}

TEST(JsonDocument, a_file_is_read_and_named) {
  const std::string path = testing::TempDir() + "json_document_test.json";
  std::ofstream(path) << "{\"a\": 1}\n";
  Problems problems;
  EXPECT_EQ(read_json_file(path, problems).place_text("/a"), path + ":1:7");
  std::remove(path.c_str());
}

TEST(JsonDocument, values_go_to_parameters_and_back) {
  const Json json = Json::parse(R"({"z":[1,-2,0.5,true,null,"x",{}],"a":9007199254740993})");
  const param::Value value = to_value(json);
  EXPECT_EQ(value, param::Value(param::Object{{"z", param::List{1, -2, 0.5, true, param::Value{}, "x", param::Object{}}},
                                              {"a", std::int64_t{9007199254740993}}}));
  EXPECT_EQ(to_json(value).dump(), json.dump());
  EXPECT_EQ(to_value(Json(18446744073709551615ULL)), param::Value(18446744073709551615.0));
  EXPECT_TRUE(to_json(param::Value(HUGE_VAL)).is_null());
}

TEST(JsonDocument, problems_are_rendered_in_order_of_place) {
  const JsonDocument d = good(sample);
  Problems problems;
  problems.add("/cluster/pools/1/count", "too few");
  problems.add("/cluster/pools/0/hardware", "required key \"hardware\" is missing");
  problems.add_key("/seed", "unknown key \"seed\"");
  problems.add("/load", "too much");
  problems.add("", "no workload");
  EXPECT_EQ(render(problems, d),
            "f.json:1:1: no workload\n"
            "f.json:3:11: /load: too much\n"
            "f.json:3:38: /seed: unknown key \"seed\"\n"
            "f.json:6:7: /cluster/pools/0/hardware: required key \"hardware\" is missing\n"
            "f.json:7:30: /cluster/pools/1/count: too few\n");
  EXPECT_EQ(render(Problems{}, d), "");
}

struct Set {
  JsonDocument document = good(sample);
  Problems problems;
  bool set(std::string_view pointer, std::string_view value) { return !set_pointer(document, pointer, value, problems).empty(); }
  std::string shown() const { return render(problems, document); }
};

TEST(SetPointer, replaces_a_value_and_its_place) {
  Set s;
  EXPECT_TRUE(s.set("/load", "2"));
  EXPECT_EQ(s.document.root["load"], 2);
  EXPECT_EQ(s.document.place_text("/load"), "--set /load=2");
  EXPECT_TRUE(s.problems.empty());
}

TEST(SetPointer, a_value_is_json_or_else_a_string) {
  Set s;
  EXPECT_TRUE(s.set("/load", R"({"x": [1, "y"]})"));
  EXPECT_EQ(s.document.root["load"]["x"][1], "y");
  EXPECT_EQ(s.document.place_text("/load/x/1"), R"(--set /load={"x": [1, "y"]})");
  for (const char* text : {"least_loaded", "100ms", "", "// x", "1 2", "NaN", "[1"}) {
    EXPECT_TRUE(s.set("/load", text)) << text;
    EXPECT_EQ(s.document.root["load"], text);
  }
  EXPECT_TRUE(s.set("/load", "null"));
  EXPECT_TRUE(s.document.root["load"].is_null());
}

TEST(SetPointer, a_missing_last_key_is_created) {
  Set s;
  EXPECT_TRUE(s.set("/cluster/pools/0/max", "9"));
  EXPECT_EQ(s.document.root["cluster"]["pools"][0]["max"], 9);
  EXPECT_EQ(s.document.place_text("/cluster/pools/0/max", true), "--set /cluster/pools/0/max=9");
}

TEST(SetPointer, a_name_selects_an_element_of_an_array) {
  Set s;
  EXPECT_TRUE(s.set("/cluster/pools/gpus/count", "4"));
  EXPECT_EQ(s.document.root["cluster"]["pools"][1]["count"], 4);
  EXPECT_EQ(s.document.place_text("/cluster/pools/1/count"), "--set /cluster/pools/gpus/count=4");
  EXPECT_EQ(s.document.place_text("/cluster/pools/1/name"), "f.json:7:15");
}

TEST(SetPointer, escaped_tokens_are_understood) {
  Set s;
  EXPECT_TRUE(s.set("/a~1b~0/0", "false"));
  EXPECT_EQ(s.document.root["a/b~"][0], false);
}

TEST(SetPointer, a_missing_container_is_refused_with_the_nearest_name) {
  Set s;
  EXPECT_FALSE(s.set("/clster/pools/gpus/count", "3"));
  EXPECT_EQ(s.shown(), "--set /clster/pools/gpus/count=3: /clster: no key \"clster\"; did you mean \"cluster\"?\n");
}

TEST(SetPointer, a_missing_element_is_refused) {
  Set s;
  EXPECT_FALSE(s.set("/cluster/pools/gpu/count", "3"));
  EXPECT_FALSE(s.set("/cluster/pools/2", "3"));
  EXPECT_FALSE(s.set("/cluster/pools/99999999999999999999", "3"));
  EXPECT_EQ(s.shown(),
            "--set /cluster/pools/gpu/count=3: /cluster/pools/gpu: no element with the name \"gpu\"; did you mean \"gpus\"?\n"
            "--set /cluster/pools/2=3: /cluster/pools/2: no element 2 in an array of 2\n"
            "--set /cluster/pools/99999999999999999999=3: /cluster/pools/99999999999999999999: no element 99999999999999999999 in an "
            "array of 2\n");
}

TEST(SetPointer, a_scalar_has_no_members) {
  Set s;
  EXPECT_FALSE(s.set("/load/x", "3"));
  EXPECT_EQ(s.shown(), "--set /load/x=3: /load/x: /load is 1.5, which has no members\n");
}

TEST(SetPointer, a_pointer_begins_with_a_slash) {
  Set s;
  EXPECT_FALSE(s.set("load", "3"));
  EXPECT_EQ(s.shown(), "--set load=3: the pointer \"load\" must begin with a slash, as in /load\n");
}

TEST(SetPointer, values_that_no_file_could_hold_are_refused) {
  Set s;
  EXPECT_FALSE(s.set("/load", std::string(200, '[') + std::string(200, ']')));
  EXPECT_FALSE(s.set("/load", "\xFF"));
  EXPECT_FALSE(s.set("/load", R"({"a":1,"a":2})"));
  ASSERT_EQ(s.problems.list().size(), 3U);
  EXPECT_EQ(s.problems.list()[0].message, "nested deeper than 100");
  EXPECT_EQ(s.problems.list()[1].message, "byte 0xff is not text in UTF-8");
  EXPECT_EQ(s.problems.list()[2].message, "duplicate key \"a\", also at line 1, column 2");
  EXPECT_EQ(s.document.root["load"], 1.5);
}

TEST(JsonDocument, places_of_a_part_move_to_another_document) {
  JsonDocument base = good(sample);
  Problems problems;
  const JsonDocument other = parse_json("{\n\"pools\": [\n{\"count\": 2}]}", "g.json", problems);
  base.take_places(other, "/pools/0", "/cluster/pools/1");
  EXPECT_EQ(base.place_text("/cluster/pools/1/count"), "g.json:3:11");
  EXPECT_EQ(base.place_text("/cluster/pools/1/name"), "g.json:3:1");
  EXPECT_EQ(base.place_text("/cluster/pools/0/count"), "f.json:6:37");
}

}  // namespace
}  // namespace tideline

#include "src/json_merge.h"

#include <gtest/gtest.h>

#include <string>

namespace tideline {
namespace {

/// What a layer on top of a document comes to, and what is said of it.
struct Merged {
  Merged(const char* below_text, const char* layer_text, const MergeRules& rules = {}) {
    document = parse_json(below_text, "below.json", parse_problems);
    const JsonDocument layer = parse_json(layer_text, "layer.json", parse_problems);
    merge(document, "", layer, "", rules, problems);
    said = render(problems, layer);
  }
  std::string text() const { return document.root.dump(); }
  std::string place(const char* pointer) const { return document.place_text(pointer); }

  Problems parse_problems, problems;
  JsonDocument document;
  std::string said;
};

struct Case {
  const char* name;
  const char* below;
  const char* layer;
  const char* merged;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Merge : public testing::TestWithParam<Case> {};

TEST_P(Merge, comes_to_what_is_expected) {
  const Merged m(GetParam().below, GetParam().layer);
  EXPECT_EQ(m.text(), GetParam().merged);
  EXPECT_EQ(m.said, "");
}

const Case cases[] = {
    {"objects_key_by_key", R"({"a":1,"b":{"c":2,"d":3}})", R"({"b":{"d":4,"e":5},"f":6})", R"({"a":1,"b":{"c":2,"d":4,"e":5},"f":6})"},
    {"an_object_over_a_number", R"({"a":1})", R"({"a":{"b":2}})", R"({"a":{"b":2}})"},
    {"a_text_over_an_object", R"({"a":{"b":2}})", R"({"a":"x"})", R"({"a":"x"})"},
    {"an_empty_object_over_an_object", R"({"a":{"b":2}})", R"({"a":{}})", R"({"a":{"b":2}})"},
    {"null_deletes", R"({"a":1,"b":{"c":2,"d":3}})", R"({"a":null,"b":{"c":null}})", R"({"b":{"d":3}})"},
    {"null_deletes_whole_objects", R"({"a":{"b":1},"c":2})", R"({"a":null})", R"({"c":2})"},
    {"null_for_what_is_not_there", R"({"a":1})", R"({"b":null})", R"({"a":1})"},
    {"null_in_what_is_new", "{}", R"({"a":{"b":null,"c":[{"d":null,"e":1}]}})", R"({"a":{"c":[{"e":1}]}})"},
    {"null_as_an_element", R"({"a":[1]})", R"({"a":[null]})", R"({"a":[null]})"},
    {"lists_of_numbers", R"({"a":[1,2,3]})", R"({"a":[4]})", R"({"a":[4]})"},
    {"lists_by_name", R"({"l":[{"name":"x","n":1,"m":7},{"name":"y","n":2}]})", R"({"l":[{"name":"z","n":4},{"name":"x","n":3}]})",
     R"({"l":[{"name":"x","n":3,"m":7},{"name":"y","n":2},{"name":"z","n":4}]})"},
    {"lists_within_lists", R"({"l":[{"name":"x","k":[{"name":"u","n":1},{"name":"v","n":2}]}]})",
     R"({"l":[{"name":"x","k":[{"name":"v","n":3}]}]})", R"({"l":[{"name":"x","k":[{"name":"u","n":1},{"name":"v","n":3}]}]})"},
    {"an_entry_goes_by_its_task", R"({"l":[{"task":"t","n":1}]})", R"({"l":[{"name":"t","m":2}]})",
     R"({"l":[{"task":"t","n":1,"name":"t","m":2}]})"},
    {"a_name_goes_before_a_task", R"({"l":[{"name":"x","task":"t"}]})", R"({"l":[{"task":"t","m":2}]})",
     R"({"l":[{"name":"x","task":"t"},{"task":"t","m":2}]})"},
    {"a_list_with_an_element_without_a_name", R"({"l":[{"name":"x","n":1}]})", R"({"l":[{"name":"x"},{"n":2}]})",
     R"({"l":[{"name":"x"},{"n":2}]})"},
    {"over_a_list_with_an_element_without_a_name", R"({"l":[{"name":"x","n":1},{}]})", R"({"l":[{"name":"x"}]})",
     R"({"l":[{"name":"x"}]})"},
    {"an_empty_list_empties", R"({"l":[{"name":"x","n":1}]})", R"({"l":[]})", R"({"l":[]})"},
    {"two_of_a_name_below_that_are_not_meant", R"({"l":[{"name":"x"},{"name":"x"},{"name":"y"}]})", R"({"l":[{"name":"y","n":1}]})",
     R"({"l":[{"name":"x"},{"name":"x"},{"name":"y","n":1}]})"},
};
INSTANTIATE_TEST_SUITE_P(, Merge, testing::ValuesIn(cases), [](const auto& one) { return std::string(one.param.name); });

TEST(Merging, keeps_the_place_of_each_value) {
  const Merged m("{\n\"a\": 1,\n\"l\": [{\"name\": \"x\", \"n\": 1}]}",
                 "{\n\n\n\"a\": 2,\n\"l\": [{\"name\": \"y\"},\n{\"name\": \"x\", \"m\": 3}]}");
  EXPECT_EQ(m.place("/a"), "layer.json:4:6");
  EXPECT_EQ(m.place("/l"), "below.json:3:6");
  EXPECT_EQ(m.place("/l/0/n"), "below.json:3:26");
  EXPECT_EQ(m.place("/l/0/m"), "layer.json:6:20");
  EXPECT_EQ(m.place("/l/1/name"), "layer.json:5:16");
}

TEST(Merging, keeps_the_place_of_what_deleted) {
  const Merged m(R"({"a": {"b": 1}})", "{\n\"a\": {\"b\": null}}");
  EXPECT_EQ(m.text(), R"({"a":{}})");
  EXPECT_EQ(m.place("/a/b"), "layer.json:2:12");
}

TEST(Merging, takes_null_for_a_value_where_it_is_one) {
  MergeRules rules;
  rules.null_values = {"/a/b"};
  EXPECT_EQ(Merged(R"({"a":{"b":1,"c":1}})", R"({"a":{"b":null,"c":null}})", rules).text(), R"({"a":{"b":null}})");
  EXPECT_EQ(Merged("{}", R"({"a":{"b":null,"c":null}})", rules).text(), R"({"a":{"b":null}})");
}

TEST(Merging, discards_what_a_rule_says) {
  MergeRules rules;
  rules.discards = [](std::string_view, const Json&, const Json& layer) {
    return layer.contains("kind") ? std::vector<std::string>{"old"} : std::vector<std::string>{};
  };
  const Merged m(R"({"a":{"kind":"x","old":1,"kept":2}})", "{\n\"a\":{\"kind\":\"x\"}}", rules);
  EXPECT_EQ(m.text(), R"({"a":{"kind":"x","kept":2}})");
  EXPECT_EQ(m.place("/a/old"), "layer.json:2:5") << "what is missing is missing there";
  EXPECT_EQ(Merged(R"({"a":{"old":1}})", R"({"a":{"kind":"x","old":2}})", rules).text(), R"({"a":{"kind":"x","old":2}})");
}

TEST(Merging, refuses_a_name_that_two_elements_have) {
  EXPECT_EQ(Merged(R"({"l":[{"name":"x"},{"name":"x"}]})", R"({"l":[{"name":"x","n":1}]})").said,
            "layer.json:1:7: /l/0: two elements of the list below have the name \"x\": it is not clear which is meant\n");
  EXPECT_EQ(Merged(R"({"l":[{"name":"x"}]})", R"({"l":[{"name":"x"},{"name":"x","n":1}]})").said,
            "layer.json:1:20: /l/1: two elements of this list have the name \"x\", by which they merge with those below\n");
}

TEST(Merging, of_parts_leaves_the_rest) {
  Problems problems;
  JsonDocument below = parse_json(R"({"a":{"x":1},"b":2})", "below.json", problems);
  const JsonDocument layer = parse_json(R"({"c":{"d":{"y":3}}})", "layer.json", problems);
  merge(below, "/a", layer, "/c/d", {}, problems);
  EXPECT_EQ(below.root.dump(), R"({"a":{"x":1,"y":3},"b":2})");
  EXPECT_EQ(below.place_text("/a/y"), "layer.json:1:16");
}

TEST(JsonDocument, erasing_moves_the_elements_behind_with_their_places) {
  Problems problems;
  JsonDocument d = parse_json("[{\"n\":0},\n{\"n\":1},\n{\"n\":2}]", "f.json", problems);
  d.erase("/1");
  EXPECT_EQ(d.root.dump(), R"([{"n":0},{"n":2}])");
  EXPECT_EQ(d.place_text("/1/n"), "f.json:3:6");
  EXPECT_EQ(d.find_place("/2/n"), nullptr);
  d.erase("/0/n");
  EXPECT_EQ(d.root.dump(), R"([{},{"n":2}])");
  for (const char* nowhere : {"", "/7", "/x", "/0/n", "/0/n/m", "/1/n/m"}) d.erase(nowhere);
  EXPECT_EQ(d.root.dump(), R"([{},{"n":2}])");
}

}  // namespace
}  // namespace tideline

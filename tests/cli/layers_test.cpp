// Layers of a scenario: files that extend others, partial files, systems and options, and what they come to.
#include "tests/support/program.h"
#include "tests/support/small_scenario.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace tideline {
namespace {

using namespace test;
using testing::HasSubstr;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

/// A folder with the small scenario, as s.json.
class Layers : public testing::Test {
 protected:
  Layers() {
    folder.write("s.json", small_scenario);
    folder.write("systems/random.json",
                 R"({ "about": "Without sense.", "policies": { "selection": { "name": "accuracy_max", "params": { "margin": 0.3 } },
  "dispatch": "random" }, "initial": "cold" })");
  }

  Outcome validate(Words words) const {
    words.insert(words.begin(), "validate");
    return tideline(folder, words);
  }
  /// The effective configuration of s.json, or of the file that comes first, with these options.
  std::string effective_text(Words words) const {
    if (words.empty() || words[0].starts_with("--")) words.insert(words.begin(), "s.json");
    words.insert(words.begin(), {"validate", "--effective"});
    const Outcome done = tideline(folder, words);
    EXPECT_EQ(done.code, 0) << done.err;
    return done.out;
  }
  Json effective(const Words& words) const { return Json::parse(effective_text(words), nullptr, false, true); }
  Json policies(const Words& words) const { return effective(words)["policies"]; }
  /// What is said of s.json with these options, which are wrong.
  std::string refusal(Words words, int code = 2) const {
    if (words.empty() || words[0].starts_with("--")) words.insert(words.begin(), "s.json");
    const Outcome done = validate(words);
    EXPECT_EQ(done.code, code) << done.err;
    EXPECT_EQ(done.out, "");
    return done.err;
  }

  const Folder folder;
};

// --- extends, --with ---

TEST_F(Layers, a_file_says_only_what_it_changes) {
  folder.write("more.json", R"({
  "extends": "s.json",
  "seed": 5,
  "cluster": { "pools": [ { "name": "cpus", "count": 3 }, { "name": "tpus", "site": "core", "hardware": "gpu" } ] },
  "workload": [ { "name": "finders", "params": { "rate_qps": 7 } }, { "name": "cameras", "classes": [ { "name": "good", "share": 0.9 } ] } ],
  "measure": { "warmup_s": null }
})");
  const Json e = effective({"more.json"}), base = effective({"s.json"});
  EXPECT_EQ(e["seed"], 5);
  EXPECT_FALSE(e.contains("extends"));
  ASSERT_EQ(e["cluster"]["pools"].size(), 3U);
  EXPECT_EQ(e["cluster"]["pools"][0], base["cluster"]["pools"][0]);
  EXPECT_EQ(e["cluster"]["pools"][1], Json::parse(R"({"name":"cpus","site":"edge","hardware":"cpu","count":3})"));
  EXPECT_EQ(e["workload"][1]["params"]["rate_qps"], 7);
  EXPECT_EQ(e["workload"][0]["params"], base["workload"][0]["params"]);
  EXPECT_EQ(e["workload"][0]["classes"][0], base["workload"][0]["classes"][0]);
  EXPECT_EQ(e["workload"][0]["classes"][1], Json::parse(R"({"name":"good","share":0.9,"latency_slo_s":0.5,"accuracy_floor":0.7})"));
  EXPECT_EQ(e["measure"]["warmup_s"], 0);
  EXPECT_EQ(e["measure"]["duration_s"], 30);
}

TEST_F(Layers, files_extend_each_other_from_their_own_folders) {
  folder.write("catalogs/c.json", Json::parse(small_scenario)["catalog"].dump());
  folder.write("a/one.json", R"({ "extends": "../s.json", "seed": 2, "load": 3, "catalog": "../catalogs/c.json" })");
  folder.write("b/two.json", R"({ "extends": "../a/one.json", "seed": 4 })");
  const Json e = effective({"b/two.json"});
  EXPECT_EQ(e["seed"], 4);
  EXPECT_EQ(e["load"], 3);
  EXPECT_EQ(e["catalog"], (folder / "catalogs/c.json").string()) << "relative to the file that names it";
  fs::create_directory(folder / "elsewhere");
  EXPECT_EQ(run_command(folder, {"/bin/sh", "-c", std::string("cd elsewhere && ") + TIDELINE_PROGRAM + " validate ../b/two.json"}).code, 0);
}

TEST_F(Layers, a_ring_of_files_is_named) {
  folder.write("a.json", "{ \"extends\": \"b.json\" }");
  folder.write("b.json", "{\n\"extends\": \"./c.json\" }");
  folder.write("c.json", "{ \"extends\": \"b.json\" }");
  EXPECT_EQ(refusal({"a.json"}),
            "tideline: c.json:1:14: /extends: files extend each other in a ring: b.json extends c.json extends b.json\n");
  folder.write("self.json", "{ \"extends\": \"self.json\" }");
  EXPECT_THAT(refusal({"self.json"}), HasSubstr("in a ring: self.json extends self.json"));
}

TEST_F(Layers, a_chain_of_files_has_an_end) {
  for (int k = 0; k < 40; ++k) folder.write("f" + std::to_string(k) + ".json", "{ \"extends\": \"f" + std::to_string(k + 1) + ".json\" }");
  EXPECT_THAT(refusal({"f0.json"}), HasSubstr("f31.json:1:14: /extends: more than 32 files extend each other"));
}

TEST_F(Layers, what_extends_names_must_be_there) {
  folder.write("a.json", "{ \"extends\": \"none.json\" }");
  EXPECT_EQ(refusal({"a.json"}, 3), "tideline: a.json:1:14: /extends: cannot read none.json: No such file or directory\n");
  folder.write("a.json", "{ \"extends\": \"systems\" }");
  EXPECT_EQ(refusal({"a.json"}, 3), "tideline: a.json:1:14: /extends: cannot read systems: it is a folder\n");
  folder.write("a.json", "{ \"extends\": 5 }");
  EXPECT_THAT(refusal({"a.json"}), HasSubstr("a.json:1:14: /extends: must be the path of a scenario file"));
  folder.write("a.json", "{ \"extends\": \"b.json\" }");
  folder.write("b.json", "{ \"seed\": }");
  EXPECT_THAT(refusal({"a.json"}), HasSubstr("b.json:1:11: "));
}

TEST_F(Layers, problems_are_shown_in_the_file_that_set_the_value) {
  folder.write(
      "a.json",
      "{ \"extends\": \"s.json\",\n  \"seed\": -1,\n  \"cluster\": { \"pools\": [ { \"name\": \"cpus\", \"hardware\": null } ] } }");
  folder.write("w.json", "{\n  \"measure\": { \"drain_s\": \"5MB\" }, \"sede\": 1, \"load\": 1, \"load\": 2 }");
  const std::string said = refusal({"a.json", "--with", "w.json", "--set", "/workload/cameras/origin=egde"});
  EXPECT_THAT(said, HasSubstr("a.json:2:11: /seed: must be between 0"));
  EXPECT_THAT(said, HasSubstr("a.json:3:57: /cluster/pools/1/hardware: required key \"hardware\" is missing"));
  EXPECT_THAT(said, HasSubstr("w.json:2:27: /measure/drain_s: "));
  EXPECT_THAT(said, HasSubstr("w.json:2:36: /sede: unknown key \"sede\"; did you mean \"seed\"?"));
  EXPECT_THAT(said, HasSubstr("w.json:2:58: /load: duplicate key \"load\""));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 5) << "the rest builds on the cluster: " << said;
}

TEST_F(Layers, partial_files_come_before_other_options_and_after_the_file) {
  folder.write("x.json", R"({ "seed": 7, "load": 2 })");
  folder.write("y.json", R"({ "seed": 8 })");
  const Json e = effective({"--set", "/load=3", "--with", "x.json", "--with", "y.json"});
  EXPECT_EQ(e["seed"], 8);
  EXPECT_EQ(e["load"], 3);
  EXPECT_EQ(effective({"--with", "y.json", "--with=x.json"})["seed"], 7);
  EXPECT_EQ(refusal({"--with", "none.json"}, 3), "tideline: --with none.json: cannot read none.json: No such file or directory\n");
  folder.write("list.json", "[]");
  EXPECT_THAT(refusal({"--with", "list.json"}), HasSubstr("list.json:1:1: a scenario is a JSON object"));
}

TEST_F(Layers, names_that_two_entries_have_are_refused) {
  std::string text = small_scenario;
  text.replace(text.find("\"finders\""), 9, "\"cameras\"");
  folder.write("twice.json", text);
  folder.write("x.json", R"({ "workload": [ { "name": "cameras", "tenant": 1 } ] })");
  EXPECT_THAT(refusal({"twice.json"}), HasSubstr("/workload/1/name: two entries of the workload are named \"cameras\""));
  EXPECT_THAT(refusal({"twice.json", "--with", "x.json"}),
              HasSubstr("x.json:1:17: /workload/0: two elements of the list below have the name"));
  EXPECT_THAT(refusal({"twice.json", "--set", "/workload/cameras/tenant=1"}), HasSubstr("two elements have the name \"cameras\""));
}

// --- naming a thing replaces it whole ---

TEST_F(Layers, naming_a_policy_discards_its_parameters_on_each_kind_of_layer) {
  // Below: cheapest_feasible with margin 0.1; accuracy_max has a margin too.
  ASSERT_EQ(policies({})["selection"]["params"]["margin"], 0.1);
  folder.write("a.json", R"({ "extends": "s.json", "policies": { "selection": "accuracy_max" } })");
  folder.write("w.json", R"({ "policies": { "selection": { "name": "accuracy_max" } } })");
  folder.write("o.json", R"({ "extends": "s.json", "policies": { "system": "random", "override": { "selection": "accuracy_max" } } })");
  const std::vector<Words> all{{"a.json"},
                               {"--with", "w.json"},
                               {"o.json"},
                               {"--policy", "selection=accuracy_max"},
                               {"--set", "/policies/selection=accuracy_max"},
                               {"--set", "/policies/selection/name=accuracy_max"}};
  const Json expected = policies({"--set", R"(/policies/selection={"name":"accuracy_max"})"})["selection"];
  ASSERT_EQ(expected["params"]["margin"], 0.05) << "the default";
  for (const Words& words : all) EXPECT_EQ(policies(words)["selection"], expected) << words.back();
  EXPECT_EQ(policies({"--policy", "selection=cheapest_feasible"})["selection"]["params"]["margin"], 0) << "the same name too";
}

TEST_F(Layers, parameters_without_a_name_change_the_policy_below) {
  folder.write("w.json",
               R"({ "policies": { "selection": { "params": { "phi": 0.25 } }, "placement": { "params": { "spread": false } } } })");
  const Json p = policies({"--with", "w.json"});
  EXPECT_EQ(p["selection"]["name"], "cheapest_feasible");
  EXPECT_EQ(p["selection"]["params"]["margin"], 0.1);
  EXPECT_EQ(p["selection"]["params"]["phi"], 0.25);
  EXPECT_EQ(p["placement"]["name"], "best_fit") << "one that nobody named is the default";
  EXPECT_EQ(p["placement"]["params"]["spread"], false);
  EXPECT_EQ(policies({"--set", "/policies/placement/params/spread=false"})["placement"], p["placement"]);
}

TEST_F(Layers, naming_a_source_discards_its_parameters_on_each_kind_of_layer) {
  folder.write("a.json",
               R"({ "extends": "s.json", "workload": [ { "name": "cameras", "source": "diurnal", "params": { "mean_qps": 2 } } ] })");
  folder.write("w.json", R"({ "workload": [ { "name": "cameras", "source": "diurnal", "params": { "mean_qps": 2 } } ] })");
  const std::vector<Words> all{
      {"a.json"}, {"--with", "w.json"}, {"--set", "/workload/cameras/source=diurnal", "--set", "/workload/cameras/params/mean_qps=2"}};
  for (const Words& words : all) {
    const Json entry = effective(words)["workload"][0];
    EXPECT_EQ(entry["params"], Json::parse(R"({"mean_qps": 2})")) << words.back();
    EXPECT_EQ(entry["classes"].size(), 2U) << "the rest of the entry stays";
  }
  folder.write("w.json", "{ \"workload\": [\n{ \"name\": \"cameras\", \"source\": \"diurnal\" } ] }");
  EXPECT_THAT(refusal({"--with", "w.json"}), HasSubstr("w.json:2:1: /workload/0/params/mean_qps: required key"));
  EXPECT_THAT(refusal({"--set", "/workload/0/source=diurnal"}), HasSubstr("--set /workload/0/source=diurnal: /workload/0/params/mean_qps"));
}

TEST_F(Layers, naming_a_system_discards_all_policies_on_each_kind_of_layer) {
  folder.write("a.json", R"({ "extends": "s.json", "policies": { "system": "random" } })");
  folder.write("w.json", R"({ "policies": { "system": "systems/random.json" } })");
  folder.write("t.json", R"({ "extends": "a.json", "policies": { "eviction": "greedy_dual_size_frequency" } })");
  const Json base = policies({});
  ASSERT_EQ(base["eviction"]["name"], "lru");
  const std::vector<Words> all{{"a.json"},
                               {"--with", "w.json"},
                               {"t.json", "--system", "random"},
                               {"--system", "random"},
                               {"--system", "systems/random.json"},
                               {"--policy", "eviction=lru", "--system", "random"},
                               {"--set", "/policies/system=random"},
                               {"--set", R"(/policies={"system":"random"})"}};
  const Json expected = policies(all[0]);
  EXPECT_EQ(expected["selection"]["name"], "accuracy_max");
  EXPECT_EQ(expected["selection"]["params"]["margin"], 0.3);
  EXPECT_EQ(expected["dispatch"]["name"], "random");
  EXPECT_EQ(expected["eviction"]["name"], "greedy_dual_size_frequency") << "the default";
  for (const Words& words : all) EXPECT_EQ(policies(words), expected) << words.back();
  EXPECT_EQ(effective({"t.json"})["policies"]["eviction"]["name"], "greedy_dual_size_frequency") << "a layer above changes it";
}

// --- systems ---

TEST_F(Layers, a_system_takes_changes) {
  folder.write("a.json", R"({ "extends": "s.json", "policies": { "system": "random", "override": {
    "selection": { "params": { "margin": 0.4 } }, "dispatch": null, "eviction": "lru" } }, "initial": "planned" })");
  const Json e = effective({"a.json", "--policy", "autoscaling=target_utilization"});
  EXPECT_EQ(e["policies"]["selection"]["name"], "accuracy_max");
  EXPECT_EQ(e["policies"]["selection"]["params"]["margin"], 0.4);
  EXPECT_EQ(e["policies"]["dispatch"], policies({"--set", "/policies/dispatch=null"})["dispatch"]);
  EXPECT_EQ(e["policies"]["eviction"]["name"], "lru");
  EXPECT_EQ(e["initial"], "planned") << "what the scenario says goes before what the system says";
  EXPECT_EQ(effective({"--system", "random"})["initial"], "cold") << "the option is above the scenario";
  folder.write("systems/silent.json", R"({ "policies": {} })");
  const Json listed = effective({})["initial"];
  ASSERT_TRUE(listed.is_array());
  EXPECT_EQ(effective({"--system", "silent"})["initial"], listed);
  folder.write("b.json", R"({ "extends": "s.json", "initial": "planned", "policies": { "system": "silent" } })");
  EXPECT_EQ(effective({"b.json", "--policy", "autoscaling=target_utilization", "--system", "random", "--system", "silent"})["initial"],
            "cold")
      << "what one system says of it goes with it";
}

TEST_F(Layers, a_system_can_build_on_another) {
  folder.write("systems/better.json", R"({ "policies": { "system": "random", "override": { "dispatch": "round_robin" } } })");
  const Json p = policies({"--system", "better"});
  EXPECT_EQ(p["dispatch"]["name"], "round_robin");
  EXPECT_EQ(p["selection"]["params"]["margin"], 0.3);
  folder.write("systems/a.json", R"({ "policies": { "system": "b" } })");
  folder.write("systems/b.json", R"({ "policies": { "system": "a" } })");
  EXPECT_EQ(refusal({"--system", "a"}),
            "tideline: systems/b.json:1:27: /policies/system: systems name each other in a ring, by systems/a.json\n");
}

TEST_F(Layers, a_system_is_found_from_the_file_that_names_it) {
  folder.write("proj/deep/a.json", R"({ "extends": "../../s.json", "policies": { "system": "own" } })");
  folder.write("proj/systems/own.json", R"({ "policies": { "dispatch": "round_robin" } })");
  EXPECT_EQ(policies({"proj/deep/a.json"})["dispatch"]["name"], "round_robin");
  EXPECT_EQ(policies({"proj/deep/a.json", "--system", "random"})["dispatch"]["name"], "random") << "in a folder around";
  EXPECT_THAT(refusal({"--system", "own"}), HasSubstr("unknown system \"own\""));
  EXPECT_EQ(policies({"--system", "infaas"})["selection"]["name"], "infaas") << "those that come with the program";
}

TEST_F(Layers, a_wrong_system_is_refused) {
  EXPECT_EQ(refusal({"--system", "randon"}),
            "tideline: --system randon: /policies/system: unknown system \"randon\"; did you mean \"random\"? (a path has a folder or ends "
            "in .json)\n");
  EXPECT_EQ(refusal({"--system", "x/none.json"}, 3),
            "tideline: --system x/none.json: /policies/system: cannot read x/none.json: No such file or directory\n");
  folder.write("a.json", "{ \"extends\": \"s.json\",\n \"policies\": { \"system\": 5 } }");
  EXPECT_THAT(refusal({"a.json"}), HasSubstr("a.json:2:26: /policies/system: must be the name of a system"));
  folder.write("a.json",
               "{ \"extends\": \"s.json\",\n \"policies\": { \"system\": \"random\", \"dispatch\": \"random\", \"override\": [] } }");
  EXPECT_THAT(refusal({"a.json"}), HasSubstr("a.json:2:36: /policies/dispatch: stands in \"override\""));
  EXPECT_THAT(refusal({"a.json"}), HasSubstr("a.json:2:70: /policies/override: expected an object"));
  folder.write("a.json", "{ \"extends\": \"s.json\",\n \"policies\": { \"override\": {} } }");
  EXPECT_THAT(refusal({"a.json"}), HasSubstr("a.json:2:16: /policies/override: stands beside \"system\""));
  folder.write("systems/wrong.json", "{ \"polices\": {},\n\"policies\": { \"dispatch\": \"randon\" } }");
  const std::string said = refusal({"--system", "wrong"});
  EXPECT_THAT(said, HasSubstr("systems/wrong.json:1:3: /polices: unknown key \"polices\"; did you mean \"policies\"?"));
  EXPECT_THAT(said, HasSubstr("systems/wrong.json:2:27: /policies/dispatch/name: unknown dispatch policy \"randon\""));
  folder.write("systems/wrong.json", "[]");
  EXPECT_THAT(refusal({"--system", "wrong"}), HasSubstr("systems/wrong.json:1:1: must be an object, is a list"));
  folder.write("systems/wrong.json", "{}");
  EXPECT_THAT(refusal({"--system", "wrong"}), HasSubstr("systems/wrong.json:1:1: /policies: required key \"policies\" is missing"));
}

TEST_F(Layers, every_shipped_system_serves_the_quickstart) {
  for (const auto& file : fs::directory_iterator(fs::path(TIDELINE_SOURCE_DIR) / "scenarios" / "systems")) {
    const std::string name = file.path().stem().string();
    Words words{"quickstart", "--system", name};
    if (name == "fixed_variant") words.insert(words.end(), {"--set", R"(/policies/selection/params/variants=["yolo7n_320@jetson_nano"])"});
    EXPECT_EQ(validate(words).code, 0) << name << validate(words).err;
  }
}

// --- options ---

TEST_F(Layers, options_act_in_the_order_in_which_they_are_given) {
  EXPECT_EQ(effective({"--load", "2", "--set", "/load=3"})["load"], 3);
  EXPECT_EQ(effective({"--set", "/load=3", "--load", "2"})["load"], 2);
  EXPECT_EQ(effective({"--seed=2", "--set", "/seed=3", "--seed", "4"})["seed"], 4);
  const Words policy{"--policy", "dispatch=round_robin"}, system{"--system", "random"};
  EXPECT_EQ(policies({policy[0], policy[1], system[0], system[1]})["dispatch"]["name"], "random");
  EXPECT_EQ(policies({system[0], system[1], policy[0], policy[1]})["dispatch"]["name"], "round_robin");
  EXPECT_EQ(policies({"--set", "/policies/selection/params/margin=0.2", "--policy",
                      "selection=cheapest_feasible"})["selection"]["params"]["margin"],
            0);
  EXPECT_EQ(policies({"--policy", "selection=cheapest_feasible", "--set",
                      "/policies/selection/params/margin=0.2"})["selection"]["params"]["margin"],
            0.2);
}

TEST_F(Layers, a_policy_takes_parameters) {
  const Json p = policies({"--policy", "coldstart=fixed_keep_alive,keep_alive_s=100ms", "--policy", "dispatch=power_of_d,d=3", "--policy",
                           R"(selection=fixed_variant,variants=["big","finder"])"});
  EXPECT_EQ(p["coldstart"]["params"]["keep_alive_s"], 0.1);
  EXPECT_EQ(p["dispatch"]["params"]["d"], 3);
  EXPECT_EQ(p["selection"]["params"]["variants"], Json::parse(R"(["big","finder"])"));
  EXPECT_EQ(policies({"--policy", "selection=infaas,fill=null"})["selection"]["params"]["fill"], nullptr) << "null is a value there";
  EXPECT_EQ(
      policies({"--policy", "selection=infaas,fill=null", "--set", "/policies/selection/params/fill=2"})["selection"]["params"]["fill"], 2);
  EXPECT_EQ(
      policies({"--policy", "selection=infaas,fill=2", "--set", "/policies/selection/params/fill=null"})["selection"]["params"]["fill"],
      nullptr);
}

TEST_F(Layers, null_on_a_key_that_nothing_says_is_refused) {
  EXPECT_THAT(refusal({"--set", "/workload/cameras/classes/fast/latency_slo=null"}),
              HasSubstr("nothing says \"latency_slo\"; did you mean \"latency_slo_s\"?"));
  EXPECT_THAT(refusal({"--set", "/nosuch=null"}), HasSubstr("nothing says \"nosuch\""));
  EXPECT_THAT(refusal({"--set", "/policies/coldstart/params/keep_alive=null"}), HasSubstr("keep_alive_s"));
}

TEST_F(Layers, null_deletes_what_is_below) {
  EXPECT_EQ(effective({"--set", "/seed=null"})["seed"], 1);
  EXPECT_EQ(policies({"--set", "/policies/selection/params/margin=null"})["selection"]["params"]["margin"], 0);
  EXPECT_EQ(policies({"--set", "/policies/selection=null"}), policies({"--set", "/policies/selection=cheapest_feasible"}));
  EXPECT_EQ(effective({"--set", "/measure=null", "--set", "/measure/duration_s=5"})["measure"]["duration_s"], 5);
  const Json e = effective({"--set", "/workload/cameras=null"});
  ASSERT_EQ(e["workload"].size(), 1U);
  EXPECT_EQ(e["workload"][0]["name"], "finders");
  EXPECT_FALSE(effective({"--set", "/workload/0/classes/fast/latency_slo_s=null"})["workload"][0]["classes"][0].contains("latency_slo_s"));
  EXPECT_THAT(refusal({"--set", "/catalog=null"}), HasSubstr("--set /catalog=null: /catalog: required key \"catalog\" is missing"));
  EXPECT_THAT(refusal({"--set", "/cluster/pools/cpus=null"}), HasSubstr("unknown pool \"cpus\""));
}

TEST_F(Layers, tokens_that_are_no_numbers_are_names) {
  EXPECT_EQ(effective({"--set", "/cluster/pools/cpus/count=4"})["cluster"]["pools"][1]["count"], 4);
  EXPECT_EQ(effective({"--set", "/workload/cameras/classes/good/share=3"})["workload"][0]["classes"][1]["share"], 3);
  EXPECT_EQ(effective({"--set", "/catalog/variants/big/accuracy=0.9"})["catalog"]["variants"][0]["accuracy"], 0.9);
  std::string text = small_scenario;
  const std::string name = "\"name\": \"cameras\", ";
  text.erase(text.find(name), name.size());
  folder.write("unnamed.json", text);
  folder.write("w.json", R"({ "workload": [ { "name": "see", "items": 2 } ] })");
  EXPECT_EQ(effective({"unnamed.json", "--set", "/workload/see/tenant=4"})["workload"][0]["tenant"], 4)
      << "the name of an entry is its task";
  EXPECT_EQ(effective({"unnamed.json", "--with", "w.json"})["workload"][0]["items"], 2);
}

TEST_F(Layers, values_of_a_catalog_that_is_named_by_its_path_can_be_set) {
  const Json whole = Json::parse(small_scenario, nullptr, true, true);
  Json named = whole;
  named["catalog"] = "catalogs/small.json";
  folder.write("catalogs/small.json", whole["catalog"].dump());
  folder.write("named.json", named.dump());
  const Json base = effective({"named.json"}), e = effective({"named.json", "--set", "/catalog/variants/big/accuracy=0.9"});
  EXPECT_THAT(base["catalog"].get<std::string>(), testing::EndsWith("catalogs/small.json"));
  EXPECT_EQ(e["catalog"], effective({"--set", "/catalog/variants/big/accuracy=0.9"})["catalog"]);
  EXPECT_EQ(effective({"--set", "/catalog=catalogs/small.json", "--set", "/catalog/variants/big/accuracy=0.9"})["catalog"], e["catalog"])
      << "a path on the command line is relative to where that is";
  EXPECT_THAT(refusal({"named.json", "--set", "/catalog/variants/bog/accuracy=0.9"}), HasSubstr("did you mean \"big\"?"));
  EXPECT_THAT(refusal({"named.json", "--set", "/catalog/variants/big/accuracy=2"}),
              HasSubstr("--set /catalog/variants/big/accuracy=2: /catalog/variants/"));
  named["catalog"] = "catalogs/none.json";
  folder.write("none.json", named.dump());
  EXPECT_THAT(refusal({"none.json", "--set", "/catalog/variants/big/accuracy=0.9"}, 3),
              HasSubstr("/catalog: cannot read catalogs/none.json"));
}

TEST_F(Layers, values_with_units_are_understood_everywhere) {
  EXPECT_EQ(effective({"--set", "/measure/drain_s=2min"})["measure"]["drain_s"], 120);
  EXPECT_EQ(policies({"--policy", "coldstart=fixed_keep_alive,keep_alive_s=1.5h"})["coldstart"]["params"]["keep_alive_s"], 5400);
  EXPECT_EQ(policies({"--policy", "selection=infaas,memory_reserve_bytes=2MiB"})["selection"]["params"]["memory_reserve_bytes"], 2097152);
  EXPECT_THAT(
      refusal({"--policy", "coldstart=fixed_keep_alive,keep_alive_s=5MB"}),
      HasSubstr(
          "--policy coldstart=fixed_keep_alive,keep_alive_s=5MB: /policies/coldstart/params/keep_alive_s: must be a number of seconds"));
  EXPECT_THAT(refusal({"--set", "/workload/0/payload_bytes=3s"}), HasSubstr("--set /workload/0/payload_bytes=3s: "));
  EXPECT_THAT(refusal({"--set", "/cluster/links/0/bandwidth_bytes_per_s=3MB"}), HasSubstr("must be a number of bytes per second"));
}

struct WrongOption {
  const char* name;
  Words words;
  std::string says;
};
void PrintTo(const WrongOption& w, std::ostream* out) { *out << w.name; }

class WrongLayer : public Layers, public testing::WithParamInterface<WrongOption> {};

TEST_P(WrongLayer, is_refused_by_run_and_validate_alike) {
  const std::string said = refusal(GetParam().words);
  EXPECT_THAT(said, HasSubstr(GetParam().says));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  Words run{"run", "s.json"};
  run.insert(run.end(), GetParam().words.begin(), GetParam().words.end());
  const Outcome done = tideline(folder, run);
  EXPECT_EQ(done.code, 2);
  EXPECT_EQ(done.err, said);
}

INSTANTIATE_TEST_SUITE_P(
    , WrongLayer,
    testing::Values(
        WrongOption{"policy_without_a_name", {"--policy", "dispatch"}, "--policy dispatch: expected KIND=NAME[,PARAM=VALUE]..."},
        WrongOption{"policy_with_an_empty_name", {"--policy", "dispatch="}, "--policy dispatch=: expected KIND=NAME"},
        WrongOption{"policy_with_a_parameter_without_a_value", {"--policy", "dispatch=random,d"}, "expected KIND=NAME"},
        WrongOption{"policy_with_a_parameter_twice", {"--policy", "dispatch=power_of_d,d=2,d=3"}, "the parameter \"d\" is given twice"},
        WrongOption{"unknown_kind",
                    {"--policy", "dispach=random"},
                    "/policies/dispach: unknown kind of policy \"dispach\"; did you mean \"dispatch\"?"},
        WrongOption{"unknown_kind_below",
                    {"--set", "/policies/dispach/params/d=2"},
                    "unknown kind of policy \"dispach\"; did you mean \"dispatch\"?"},
        WrongOption{"unknown_policy",
                    {"--policy", "dispatch=randon"},
                    "--policy dispatch=randon: /policies/dispatch/name: unknown dispatch policy \"randon\"; did you mean \"random\"?"},
        WrongOption{"unknown_parameter", {"--policy", "dispatch=power_of_d,dd=2"}, "/policies/dispatch/params/dd: unknown key \"dd\""},
        WrongOption{"parameter_out_of_range",
                    {"--policy", "selection=accuracy_max,margin=7"},
                    "--policy selection=accuracy_max,margin=7: /policies/selection/params/margin: must be"},
        WrongOption{"load_that_is_no_number", {"--load", "much"}, "--load much: /load: must be a number, is \"much\""},
        WrongOption{"load_below_zero", {"--load=-1"}, "--load -1: /load: must be between"},
        WrongOption{"text_that_no_file_holds", {"--policy", "dispatch=\xff"}, "byte 0xff is not text in UTF-8"},
        WrongOption{"extends_as_an_option", {"--set", "/extends=x.json"}, "--set /extends=x.json: \"extends\" is for files"},
        WrongOption{"trace_of_an_unknown_entry",
                    {"--trace", "camera=s.json"},
                    "--trace camera=s.json: unknown entry \"camera\"; did you mean \"cameras\"?"},
        WrongOption{"trace_of_no_entry",
                    {"--trace", "s.json"},
                    "--trace s.json: the workload has several entries: expected ENTRY=FILE; known: \"cameras\", \"finders\""},
        WrongOption{"trace_that_is_neither",
                    {"--trace", "cameras=s.json"},
                    "--trace cameras=s.json: s.json: its header has neither of the columns"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_F(Layers, problems_of_all_layers_are_reported_at_once) {
  const std::string said =
      refusal({"--system", "randon", "--load", "x", "--trace", "camera=t", "--set", "/seed=-1", "--policy", "dispatch"});
  for (const char* option : {"--system randon: ", "--load x: ", "--trace camera=t: ", "--set /seed=-1: ", "--policy dispatch: "})
    EXPECT_THAT(said, HasSubstr(option));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 5) << said;
}

// --- --trace ---

TEST_F(Layers, a_trace_replaces_the_source_of_an_entry) {
  folder.write("t/times.csv", "timestamp\n0\n1.5\n2\n");
  folder.write("t/counts.csv", "second,count\n0,4\n3,2\n");
  const Json e = effective({"--trace", "cameras=t/times.csv", "--trace", "finders=t/counts.csv"});
  EXPECT_EQ(e["workload"][0]["source"], "csv");
  EXPECT_EQ(e["workload"][0]["params"], Json({{"file", (folder / "t/times.csv").string()}})) << "relative to the current folder";
  EXPECT_EQ(e["workload"][1]["source"], "counts");
  const Outcome done = tideline(folder, {"run", "s.json", "--trace", "cameras=t/times.csv", "--trace", "finders=t/counts.csv", "--set",
                                         "/measure/warmup_s=0", "--summary", "json", "--no-results"});
  EXPECT_EQ(Json::parse(done.out)["total"]["queries_arrived"], 9) << done.err;
  EXPECT_THAT(refusal({"--trace", "cameras=t/counts.csv", "--load", "2"}),
              HasSubstr("--load 2: /load: a replayed trace cannot be scaled up"));
  EXPECT_EQ(refusal({"--trace", "cameras=none.csv", "--seed", "2"}, 3),
            "tideline: --trace cameras=none.csv: /workload/0/params/file: cannot read none.csv: No such file or directory\n");
}

TEST_F(Layers, a_trace_needs_no_entry_where_there_is_one) {
  folder.write("counts.txt", "3 4 5\n");
  folder.write("column.txt", "3\n4\n5\n");
  const Words one{"--set", "/workload/finders=null", "--trace"};
  EXPECT_EQ(effective({one[0], one[1], one[2], "counts.txt"})["workload"][0]["source"], "counts");
  EXPECT_THAT(
      refusal({one[0], one[1], one[2], "column.txt"}),
      HasSubstr("--trace column.txt: column.txt: a column of whole numbers that do not decrease can be times (source csv) or counts "
                "(source counts); set /workload/0/source and /workload/0/params/file instead"));
  EXPECT_EQ(validate({"s.json", one[0], one[1], "--set", "/workload/0/source=counts", "--set", "/workload/0/params/file=column.txt"}).code,
            0);
}

// --- relative SLOs and floors ---

TEST_F(Layers, an_slo_can_be_relative_to_the_fastest_variant) {
  const auto slo = [&](const std::string& value) {
    return effective({"--set", "/workload/cameras/classes/fast/latency_slo_s=" + value})["workload"][0]["classes"][0]["latency_slo_s"];
  };
  EXPECT_EQ(slo(R"({"times_fastest":2})"), 0.04) << "big takes 20 ms for one item, little 30";
  EXPECT_EQ(slo(R"({"times_fastest":1.5,"hardware":"cpu"})"), 0.045);
  EXPECT_EQ(slo(R"({"times_fastest":3,"hardware":"gpu"})"), 0.06);
  EXPECT_EQ(effective({"--set", "/workload/1/classes/0/latency_slo_s={\"times_fastest\":7}"})["workload"][1]["classes"][0]["latency_slo_s"],
            0.07);
  folder.write("w.json",
               R"({ "workload": [ { "name": "cameras", "classes": [ { "name": "fast", "latency_slo_s": { "times_fastest": 2 } } ] } ] })");
  EXPECT_EQ(effective({"--with", "w.json", "--set",
                       "/workload/0/classes/0/latency_slo_s/hardware=cpu"})["workload"][0]["classes"][0]["latency_slo_s"],
            0.06);
}

TEST_F(Layers, a_floor_can_be_relative_to_the_best_variant) {
  const auto floor = [&](const std::string& value) {
    return effective({"--set", "/workload/0/classes/0/accuracy_floor=" + value})["workload"][0]["classes"][0]["accuracy_floor"]
        .get<double>();
  };
  EXPECT_DOUBLE_EQ(floor(R"({"of_best":0.9})"), 0.72) << "big has 0.8";
  EXPECT_EQ(floor(R"({"of_best":1})"), 0.8);
}

TEST_F(Layers, what_is_relative_means_the_same_as_its_number) {
  const Words run{"run", "s.json", "--no-results", "--summary", "json", "--set"};
  const auto summary = [&](const std::string& slo, const std::string& floor) {
    Words words = run;
    words.insert(words.end(), {"/workload/0/classes/0/latency_slo_s=" + slo, "--set", "/workload/0/classes/1/accuracy_floor=" + floor});
    return tideline(folder, words).out;
  };
  const std::string relative = summary(R"({"times_fastest":2.5})", R"({"of_best":0.75})");
  EXPECT_EQ(relative, summary("0.05", "0.6000000000000001")) << "0.75 of 0.8";
  EXPECT_NE(relative, summary("0.06", "0.6000000000000001"));
}

TEST_F(Layers, a_class_of_several_tasks_is_relative_to_each) {
  folder.write("t.csv", "timestamp,task\n0,see\n0.5,find\n1,see\n");
  std::string text = small_scenario;
  const auto begin = text.find("\"workload\""), end = text.find("\"policies\"");
  text.replace(begin, end - begin, R"("workload": [ { "name": "both", "source": "csv", "params": { "file": "t.csv" },
    "classes": [ { "latency_slo_s": { "times_fastest": 2 }, "accuracy_floor": { "of_best": 0.5 } } ] } ],
  )");
  folder.write("both.json", text);
  const Json classes = effective({"both.json"})["workload"][0]["classes"];
  EXPECT_EQ(classes[0]["latency_slo_s"], Json::parse(R"({"times_fastest":2})")) << "one number cannot say it";
}

TEST_F(Layers, wrong_relative_values_are_refused) {
  const std::string slo = "/workload/0/classes/0/latency_slo_s", floor = "/workload/0/classes/0/accuracy_floor";
  const std::vector<std::pair<std::string, std::string>> cases{
      {slo + R"(={"times_fastest":2,"hardware":"cpuu"})", "/hardware: unknown hardware \"cpuu\"; did you mean \"cpu\"?"},
      {slo + R"(={"times_fastest":0})", "/times_fastest: must be between"},
      {slo + R"(={"hardware":"cpu"})", "/times_fastest: required key \"times_fastest\" is missing"},
      {slo + R"(={"times":2,"times_fastest":2})", "/times: unknown key \"times\""},
      {slo + R"(=[])", "must be a number of seconds"},
      {floor + R"(={"of_best":1.5})", "/of_best: must be between 0 and 1"},
      {floor + R"(={"of_bst":1,"of_best":1})", "/of_bst: unknown key \"of_bst\"; did you mean \"of_best\"?"},
      {"/workload/1/classes/0/latency_slo_s={\"times_fastest\":2,\"hardware\":\"cpu\"}",
       "no variant of task \"find\" is made for \"cpu\""}};
  for (const auto& [set, says] : cases) {
    const std::string said = refusal({"--set", set});
    EXPECT_THAT(said, HasSubstr("--set " + set + ": /workload/"));
    EXPECT_THAT(said, HasSubstr(says));
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  }
}

// --- --effective ---

TEST_F(Layers, the_effective_configuration_says_who_set_each_value) {
  folder.write("a.json", "{ \"extends\": \"s.json\",\n  \"policies\": { \"system\": \"random\" } }");
  const std::string text = effective_text({"a.json", "--load", "2", "--set", "/about=two\nlines", "--policy", "batching=timeout"});
  const auto line_of = [&](const std::string& start) {
    const auto at = text.find(start);
    return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
  };
  const std::string above = small_scenario;
  const std::string line =
      std::to_string(1 + std::count(above.begin(), above.begin() + static_cast<std::ptrdiff_t>(above.find("\"seed\"")), '\n'));
  EXPECT_THAT(line_of("\"schema\": 1"), testing::EndsWith("// s.json:2"));
  EXPECT_THAT(line_of("\"load\": 2.0"), testing::EndsWith("// --load 2"));
  EXPECT_THAT(line_of("\"about\": \"two\\nlines\""), testing::EndsWith("// --set /about=two lines"));
  EXPECT_THAT(line_of("\"name\": \"accuracy_max\""), testing::EndsWith("// systems/random.json:1"));
  EXPECT_THAT(line_of("\"margin\": 0.3"), testing::EndsWith("// systems/random.json:1"));
  EXPECT_THAT(line_of("\"on_lost\""), testing::EndsWith("// default"));
  EXPECT_THAT(line_of("\"name\": \"timeout\""), testing::EndsWith("// --policy batching=timeout"));
  EXPECT_THAT(line_of("\"eviction\""), testing::EndsWith("// default"));
  EXPECT_THAT(line_of("\"seed\": 1"), testing::EndsWith("// s.json:" + line));
}

TEST_F(Layers, the_effective_configuration_runs_as_the_layers_do) {
  folder.write("catalogs/c.json", Json::parse(small_scenario)["catalog"].dump());
  folder.write("t.csv", "second,count\n0,4\n3,20\n9,7\n");
  folder.write("a.json", R"({ "extends": "s.json", "catalog": "catalogs/c.json", "policies": { "system": "infaas" } })");
  const Words layers{"--policy", "selection=infaas,fill=null",
                     "--trace",  "finders=t.csv",
                     "--load",   "0.9",
                     "--set",    "/workload/cameras/classes/fast/latency_slo_s={\"times_fastest\":2.5}"};
  Words show{"a.json"}, run{"run", "a.json", "--no-results", "--summary", "json"};
  show.insert(show.end(), layers.begin(), layers.end());
  run.insert(run.end(), layers.begin(), layers.end());
  const std::string text = effective_text(show);
  folder.write("elsewhere/deep/e.json", text);
  const Outcome first = tideline(folder, run),
                again = tideline(folder, {"run", "elsewhere/deep/e.json", "--no-results", "--summary", "json"});
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(again.out, first.out);
  EXPECT_EQ(effective({"elsewhere/deep/e.json"}), Json::parse(text, nullptr, false, true)) << "it is its own effective configuration";
}

TEST_F(Layers, results_hold_the_configuration_and_list_the_layers) {
  folder.write("w.json", R"({ "seed": 3 })");
  const Outcome done = tideline(folder, {"run", "s.json", "--set", "/load=0.5", "--with", "w.json", "--system", "random", "--policy",
                                         "dispatch=power_of_d,d=3", "--seed", "7", "--out", "r.h5", "--quiet"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Outcome read = run_command(folder, {TIDELINE_PYTHON, "-c", R"(
import h5py, json
f = h5py.File('r.h5')
c = json.loads(f['run/configuration'][()])
print(f['run/overrides'][()].decode(), end='')
print(c['seed'], c['load'], c['policies']['dispatch']['params']['d'], c['policies']['selection']['name'])
)"});
  EXPECT_EQ(read.out, "--set /load=0.5\n--with w.json\n--system random\n--policy dispatch=power_of_d,d=3\n--seed 7\n7 0.5 3 accuracy_max\n")
      << read.err;
}

// --- names of scenarios ---

TEST_F(Layers, a_scenario_is_found_by_its_name) {
  folder.write("scenarios/deep/mine.json", small_scenario);
  folder.write("scenarios/catalogs/other.json", "{}");
  EXPECT_EQ(validate({"mine"}).out, "scenarios/deep/mine.json: fine: 3 variants, 3 devices, 3 classes\n");
  EXPECT_EQ(validate({"mm1"}).code, 0) << "those that come with the program";
  folder.write("scenarios/mm1.json", small_scenario);
  EXPECT_THAT(validate({"mm1"}).out, testing::StartsWith("scenarios/mm1.json: fine")) << "the current folder comes first";
  folder.write("scenarios/mine.json", small_scenario);
  EXPECT_EQ(refusal({"mine"}),
            "tideline: the scenario \"mine\" is one of several: scenarios/deep/mine.json scenarios/mine.json; say which by its path\n");
  EXPECT_THAT(refusal({"quickstrat"}), HasSubstr("unknown scenario \"quickstrat\"; did you mean \"quickstart\"?"));
  EXPECT_THAT(refusal({"other"}), HasSubstr("unknown scenario \"other\"")) << "a catalog is no scenario";
  EXPECT_THAT(refusal({"schema"}), HasSubstr("unknown scenario \"schema\""));
  EXPECT_EQ(refusal({"mine.json"}, 3), "tideline: cannot read mine.json: No such file or directory\n") << "that is a path";
}

TEST_F(Layers, the_variation_of_the_manual_works_as_written) {
  const fs::path source(TIDELINE_SOURCE_DIR);
  const std::string manual = read_file(source / "scenarios" / "README.md"), begin = "```jsonc\n";
  const auto at = manual.find(begin, manual.find("## Layers")) + begin.size();
  std::string variation = manual.substr(at, manual.find("```", at) - at);
  variation.replace(variation.find("quickstart.json"), 15, (source / "scenarios" / "quickstart.json").string());
  folder.write("variation.json", variation);
  const Json e = effective({"variation.json"});
  EXPECT_EQ(e["cluster"]["pools"][4]["count"], 2);
  EXPECT_EQ(e["workload"][1]["classes"][0]["accuracy_floor"], 0.7);
  EXPECT_TRUE(e["workload"][1]["classes"][0]["latency_slo_s"].is_number());
}

TEST_F(Layers, quickstarts_say_what_they_share_once) {
  const Json base = effective({"quickstart"});
  for (const char* name : {"quickstart_fixed", "quickstart_persist"}) {
    const Json e = effective({name});
    for (const char* key : {"catalog", "cluster", "workload", "measure", "billing", "seed"}) EXPECT_EQ(e[key], base[key]) << name << key;
    EXPECT_NE(e["policies"], base["policies"]);
  }
}

}  // namespace
}  // namespace tideline

#include "src/catalog_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace tideline {
namespace {

struct Case {
  Json json;
  Problems problems;

  /// The catalog at `/catalog`, as it stands in a scenario.
  Catalog read(bool extrapolated = false) {
    problems = {};
    return read_catalog(json, "/catalog", problems, extrapolated);
  }
  Catalog good(bool extrapolated = false) {
    Catalog out = read(extrapolated);
    for (const auto& p : problems.list()) ADD_FAILURE() << p.pointer << ": " << p.message;
    return out;
  }
  /// All problems, a line each.
  std::string wrong(bool extrapolated = false) {
    read(extrapolated);
    std::string out;
    for (const auto& p : problems.list()) out += (out.empty() ? "" : "\n") + p.pointer + ": " + p.message;
    return out;
  }
  Json& variant() { return json["variants"][0]; }
};

/// One variant of each sort of hardware, no more keys than needed.
Case small() {
  Case out;
  Problems none;
  out.json = parse_json(R"({
    "name": "small",
    "tasks": [ {"name": "detect", "metric": "mAP", "kind": "score"}, {"name": "classify", "kind": "hit_rate"} ],
    "hardware": [ {"name": "gpu", "kind": "gpu", "memory_bytes": "3GiB"},
                  {"name": "board", "sharing": "partitioned", "cores": 4, "interference": [1, 1.2]} ],
    "variants": [
      {"name": "a", "task": "detect", "hardware": "gpu", "accuracy": 0.55, "profile": {"latency_s": {"1": "20ms", "4": 0.05}}},
      {"name": "b", "task": "classify", "hardware": "board", "accuracy": 0.8,
       "profile": {"cores": {"4": {"1": 0.03}, "1": {"1": 0.08, "2": 0.15}}}} ]
  })",
                        "f", none)
                 .root;
  return out;
}

TEST(CatalogJson, a_catalog_is_read_with_its_defaults) {
  const Catalog c = small().good();
  EXPECT_EQ(c.name, "small");
  ASSERT_EQ(c.tasks.size(), 2U);
  EXPECT_FALSE(c.tasks[0].hit_rate);
  EXPECT_TRUE(c.tasks[1].hit_rate);
  EXPECT_EQ(c.tasks[0].variants, std::vector{VariantId{0}});
  EXPECT_EQ(c.tasks[1].best_accuracy, 0.8);
  ASSERT_EQ(c.hardware.size(), 2U);
  EXPECT_TRUE(c.hardware[0].accelerator);
  EXPECT_FALSE(c.hardware[1].accelerator);
  EXPECT_EQ(c.hardware[0].memory_bytes, std::int64_t{3} << 30);
  EXPECT_EQ(c.hardware[1].interference, (std::vector{1.0, 1.2}));
  ASSERT_EQ(c.variants.size(), 2U);
  const Variant& v = c.variants[0];
  EXPECT_EQ(v.model, "a");
  EXPECT_EQ(v.base_model, "a");
  EXPECT_EQ(v.transformation, "none");
  EXPECT_LT(v.energy_per_item_j, 0);
  EXPECT_TRUE(v.service.is_deterministic());
  EXPECT_EQ(v.origin_latency, Origin::assumed);
  EXPECT_NEAR(v.accuracy_quantile, 0.12566, 1e-5);
}

TEST(CatalogJson, everything_a_variant_may_say_is_kept) {
  Case c = small();
  c.variant().update(Json::parse(R"({
    "base_model": "yolo", "model": "yolo_320", "transformation": "early_exit", "framework": "trt", "precision": "fp16", "resolution": 320,
    "artefact_bytes": "10MB", "memory_bytes": 1000, "memory_per_item_bytes": 10, "energy_per_item_j": 2, "max_batch": 3,
    "service": {"law": "gamma", "cv2": 0.5},
    "load": {"build_s": 60, "runtime_init_s": 2, "first_run_s": "500ms", "law": "erlang", "k": 4},
    "origin": {"latency": "derived", "accuracy": "measured", "load": "computed"}, "source": "somewhere"})"));
  const Catalog catalog = c.good();
  const Variant& v = catalog.variants[0];
  EXPECT_EQ(v.base_model, "yolo");
  EXPECT_EQ(v.transformation, "early_exit");
  EXPECT_EQ(v.framework, "trt");
  EXPECT_EQ(v.precision, "fp16");
  EXPECT_EQ(v.resolution, 320U);
  EXPECT_EQ(v.artefact_bytes, 10'000'000);
  EXPECT_EQ(v.memory_for(3), 1030);
  EXPECT_EQ(v.energy_per_item_j, 2);
  EXPECT_EQ(v.max_batch, 3U);
  EXPECT_EQ(v.service.kind(), LawKind::gamma);
  EXPECT_DOUBLE_EQ(v.service.cv2(), 0.5);
  EXPECT_EQ(v.load.build, 60s);
  EXPECT_EQ(v.load.runtime_init, 2s);
  EXPECT_EQ(v.load.first_run, 500ms);
  EXPECT_DOUBLE_EQ(v.load.law.cv2(), 0.25);
  EXPECT_EQ(v.origin_latency, Origin::derived);
  EXPECT_EQ(v.origin_accuracy, Origin::measured);
  EXPECT_EQ(v.origin_load, Origin::computed);
  EXPECT_EQ(v.origin_memory, Origin::assumed);
}

TEST(CatalogJson, a_variant_names_the_network_that_stands_for_it) {
  Case c = small();
  EXPECT_FALSE(c.good().variants[0].kernel);
  c.variant()["kernel"] = Json::parse(R"({"depth": 0.33, "width": 0.25, "resolution": 320, "precision": "bf16", "threads": 2})");
  const auto kernel = c.good().variants[0].kernel;
  ASSERT_TRUE(kernel);
  EXPECT_EQ(kernel->network, "yolov5");
  EXPECT_EQ(kernel->depth, 0.33);
  EXPECT_EQ(kernel->width, 0.25);
  EXPECT_EQ(kernel->resolution, 320U);
  EXPECT_EQ(kernel->precision, "bf16");
  EXPECT_EQ(kernel->backend, "cpu");
  EXPECT_EQ(kernel->threads, 2U);
  EXPECT_EQ(kernel->seed, 1U);
}

TEST(CatalogJson, a_network_that_cannot_be_is_refused) {
  Case c = small();
  const auto wrong = [&](const char* kernel) {
    c.variant()["kernel"] = Json::parse(kernel);
    return c.wrong();
  };
  const std::string at = "/catalog/variants/0/kernel";
  EXPECT_EQ(wrong("{}"), at + "/resolution: required key \"resolution\" is missing");
  EXPECT_EQ(wrong(R"({"resolution": 330})"), at + "/resolution: must be a multiple of 32, is 330");
  EXPECT_EQ(wrong(R"({"resolution": 320, "backend": "cup"})"), at + "/backend: unknown value \"cup\"; did you mean \"cpu\"?");
  EXPECT_EQ(wrong(R"({"resolution": 320, "precison": "f32"})"), at + "/precison: unknown key \"precison\"; did you mean \"precision\"?");
  EXPECT_EQ(wrong(R"({"resolution": 320, "backend": "eigen", "threads": 2})"), at + "/threads: the backend \"eigen\" has one thread");
  EXPECT_EQ(wrong(R"({"resolution": 320, "backend": "eigen", "precision": "bf16"})"),
            at + "/precision: the backend \"eigen\" has f32 alone");
  c.variant()["resolution"] = 640;
  EXPECT_EQ(wrong(R"({"resolution": 320})"), at + "/resolution: must be the \"resolution\" of the variant, which is 640");
}

TEST(CatalogJson, batches_between_measured_ones_are_interpolated) {
  const Catalog c = small().good();
  const Profile& p = c.variants[0].profile;
  EXPECT_EQ(c.variants[0].max_batch, 4U);
  EXPECT_EQ(p.max_items(), 4U);
  EXPECT_EQ(p.latency(1), 20ms);
  EXPECT_EQ(p.latency(2), 30ms);
  EXPECT_EQ(p.latency(3), 40ms);
  EXPECT_EQ(p.latency(4), 50ms);
}

TEST(CatalogJson, core_tables_are_ascending_and_share_the_largest_batch_that_all_have) {
  const Catalog c = small().good();
  const Variant& v = c.variants[1];
  EXPECT_EQ(v.profile.cores(), (std::vector<std::uint32_t>{1, 4}));
  EXPECT_EQ(v.max_batch, 1U);
  EXPECT_EQ(v.profile.latency(1, 0), 80ms);
  EXPECT_EQ(v.profile.latency(1, 1), 30ms);
}

TEST(CatalogJson, a_smaller_batch_pays_for_padding_but_not_for_host_work_on_it) {
  Case c = small();
  c.variant()["batch_sizes"] = {2, 4};
  c.variant()["pre_s"] = "1ms";
  c.variant()["post_s"] = 0.002;
  const Catalog catalog = c.good();
  const Profile& p = catalog.variants[0].profile;
  EXPECT_EQ(p.latency(1), 33ms);  // as 2: 30, and 3 for the item
  EXPECT_EQ(p.latency(2), 36ms);
  EXPECT_EQ(p.latency(3), 59ms);  // as 4: 50
  EXPECT_EQ(p.latency(4), 62ms);
  EXPECT_EQ(catalog.variants[0].max_batch, 4U);
}

TEST(CatalogJson, an_engine_for_one_size_needs_no_time_of_a_single_item) {
  Case c = small();
  c.variant()["batch_sizes"] = {64};
  c.variant()["profile"]["latency_s"] = {{"64", 0.5}};
  const Catalog catalog = c.good();
  EXPECT_EQ(catalog.variants[0].profile.latency(1), 500ms);
  EXPECT_EQ(catalog.variants[0].max_batch, 64U);
}

TEST(CatalogJson, batches_beyond_the_table_are_refused_unless_the_scenario_extrapolates) {
  Case c = small();
  c.variant()["max_batch"] = 6;
  EXPECT_EQ(c.wrong(),
            "/catalog/variants/0/max_batch: 6 is beyond the largest batch of /catalog/variants/0/profile/latency_s, 4; only a "
            "scenario with \"extrapolated_batches\": true goes on with the last slope");
  const Catalog catalog = c.good(true);
  EXPECT_EQ(catalog.variants[0].profile.latency(6), 70ms);
  c.variant()["profile"]["latency_s"] = {{"1", 0.5}};
  EXPECT_EQ(c.wrong(true),
            "/catalog/variants/0/max_batch: 6 is beyond the largest batch of /catalog/variants/0/profile/latency_s, 1, and a "
            "table with one batch has no slope to go on with");
  c = small();
  c.variant()["batch_sizes"] = {1, 8};
  EXPECT_TRUE(c.wrong().starts_with("/catalog/variants/0/batch_sizes/1: 8 is beyond")) << c.wrong();
}

TEST(CatalogJson, an_affine_profile_is_a_line_up_to_the_largest_batch) {
  Case c = small();
  c.variant()["profile"] = Json::parse(R"({"affine": {"base_s": 0.01, "per_item_s": 0.002}})");
  EXPECT_EQ(c.wrong(), "/catalog/variants/0/profile/affine: an affine profile has no largest batch: give \"max_batch\" or \"batch_sizes\"");
  c.variant()["max_batch"] = 8;
  const Catalog catalog = c.good();
  EXPECT_EQ(catalog.variants[0].profile.latency(1), 12ms);
  EXPECT_EQ(catalog.variants[0].profile.latency(5), 20ms);
  EXPECT_EQ(catalog.variants[0].profile.latency(8), 26ms);
  c.variant()["origin"]["latency"] = "measured";
  EXPECT_TRUE(c.wrong().starts_with("/catalog/variants/0/origin/latency: an affine profile is \"assumed\"")) << c.wrong();
  c.variant().erase("origin");
  c.variant()["profile"]["affine"] = {{"base_s", 0}, {"per_item_s", 0}};
  EXPECT_TRUE(c.wrong().starts_with("/catalog/variants/0/profile/affine: a batch must take time")) << c.wrong();
}

TEST(CatalogJson, a_plain_table_says_how_many_cores_it_was_measured_with) {
  Case c = small();
  c.variant()["hardware"] = "board";
  c.variant()["instance_cores"] = 4;
  EXPECT_EQ(c.good().variants[0].profile.cores(), std::vector<std::uint32_t>{4});
  c.variant()["instance_cores"] = 5;
  EXPECT_EQ(c.wrong(), "/catalog/variants/0/instance_cores: is 5, but a device of \"board\" has 4");
  c.variant()["hardware"] = "gpu";
  EXPECT_EQ(c.wrong(), "/catalog/variants/0/instance_cores: instances hold no cores on exclusive hardware");
}

/// The problem of the small catalog after `change` has replaced or added what stands at `pointer` below it.
std::string problem(const std::string& pointer, const char* value) {
  Case c = small();
  c.json[Json::json_pointer(pointer)] = Json::parse(value);
  return c.wrong();
}

TEST(CatalogJson, unknown_keys_and_names_are_shown_with_the_nearest) {
  EXPECT_EQ(problem("/variant", "1"), "/catalog/variant: unknown key \"variant\"; did you mean \"variants\"?");
  EXPECT_EQ(problem("/tasks/0/metrik", "1"), "/catalog/tasks/0/metrik: unknown key \"metrik\"; did you mean \"metric\"?");
  EXPECT_EQ(problem("/hardware/0/core", "1"), "/catalog/hardware/0/core: unknown key \"core\"; did you mean \"cores\"?");
  EXPECT_EQ(problem("/variants/0/task", "\"detekt\""), "/catalog/variants/0/task: unknown task \"detekt\"; did you mean \"detect\"?");
  EXPECT_EQ(problem("/variants/0/hardware", "\"gpus\""), "/catalog/variants/0/hardware: unknown hardware \"gpus\"; did you mean \"gpu\"?");
  EXPECT_EQ(problem("/variants/0/profile/latency", "1"),
            "/catalog/variants/0/profile/latency: unknown key \"latency\"; did you mean \"latency_s\"?");
  EXPECT_EQ(problem("/variants/0/service/kv2", "1"), "/catalog/variants/0/service/kv2: unknown key \"kv2\"; did you mean \"cv2\"?");
  EXPECT_EQ(problem("/variants/0/load/first_s", "1"),
            "/catalog/variants/0/load/first_s: unknown key \"first_s\"; known: \"build_s\", \"runtime_init_s\", \"first_run_s\", \"law\", "
            "\"cv2\", \"k\", \"points\"");
  EXPECT_EQ(problem("/variants/0/origin/memori", "1"),
            "/catalog/variants/0/origin/memori: unknown key \"memori\"; did you mean \"memory\"?");
  EXPECT_TRUE(problem("/variants/0/transformation", "\"prune\"").ends_with("did you mean \"pruned\"?"));
  EXPECT_TRUE(problem("/tasks/0/kind", "\"scores\"").ends_with("did you mean \"score\"?"));
}

TEST(CatalogJson, names_are_given_once_and_not_empty) {
  EXPECT_EQ(problem("/variants/1/name", "\"a\""), "/catalog/variants/1/name: the name \"a\" is taken by /catalog/variants/0");
  EXPECT_TRUE(
      problem("/tasks/1/name", "\"detect\"").starts_with("/catalog/tasks/1/name: the name \"detect\" is taken by /catalog/tasks/0\n"));
  EXPECT_TRUE(problem("/hardware/1/name", "\"\"").starts_with("/catalog/hardware/1/name: must not be empty\n"));
  Case c = small();
  c.variant().erase("name");
  EXPECT_EQ(c.wrong(), "/catalog/variants/0/name: required key \"name\" is missing");
}

TEST(CatalogJson, what_must_be_there_is_asked_for) {
  Case c;
  c.json = Json::object();
  EXPECT_EQ(c.wrong(),
            "/catalog/tasks: required key \"tasks\" is missing\n/catalog/hardware: required key \"hardware\" is missing\n"
            "/catalog/variants: required key \"variants\" is missing");
  c.json = 3;
  EXPECT_EQ(c.wrong(), "/catalog: a catalog must be an object");
  EXPECT_EQ(problem("/variants", "[]"), "/catalog/variants: must have at least one variant");
  EXPECT_EQ(problem("/variants", "null"), "/catalog/variants: must be a list of objects");
  EXPECT_TRUE(problem("/tasks", "{}").starts_with("/catalog/tasks: must be a list of objects"));
  EXPECT_EQ(problem("/tasks/2", R"({"name": "x"})"), "/catalog/tasks/2: no variant answers this task");
  c = small();
  c.variant() = Json::object();
  EXPECT_EQ(c.wrong(),
            "/catalog/variants/0/name: required key \"name\" is missing\n/catalog/variants/0/task: required key \"task\" is missing\n"
            "/catalog/variants/0/hardware: required key \"hardware\" is missing\n"
            "/catalog/variants/0/accuracy: required key \"accuracy\" is missing\n"
            "/catalog/variants/0/profile: required key \"profile\" is missing");
}

TEST(CatalogJson, numbers_out_of_range_are_refused) {
  EXPECT_EQ(problem("/variants/0/accuracy", "55"), "/catalog/variants/0/accuracy: must be between 0 and 1, is 55");
  EXPECT_EQ(problem("/tasks/0/correlation", "-0.1"), "/catalog/tasks/0/correlation: must be between 0 and 1, is -0.1");
  EXPECT_EQ(problem("/tasks/0/information", "1"), "/catalog/tasks/0/information: must be between 0 and 0.9999, is 1");
  EXPECT_EQ(problem("/tasks/1/concentration", "5"), "/catalog/tasks/1/concentration: only a task of kind \"score\" has one");
  EXPECT_TRUE(problem("/variants/0/memory_bytes", "-1").starts_with("/catalog/variants/0/memory_bytes: must be between 0 and"));
  EXPECT_TRUE(
      problem("/variants/0/artefact_bytes", "\"1s\"").starts_with("/catalog/variants/0/artefact_bytes: must be a whole number of bytes"));
  EXPECT_TRUE(problem("/variants/0/max_batch", "0").starts_with("/catalog/variants/0/max_batch: must be between 1 and 65536"));
  EXPECT_TRUE(problem("/variants/0/load/first_run_s", "-1").starts_with("/catalog/variants/0/load/first_run_s: must be"));
  EXPECT_TRUE(problem("/variants/0/load", "[]").starts_with("/catalog/variants/0/load: must be an object"));
}

TEST(CatalogJson, hardware_says_nothing_that_its_sharing_passes_over) {
  EXPECT_EQ(problem("/hardware/1/concurrent_batches", "2"),
            "/catalog/hardware/1/concurrent_batches: only hardware with \"sharing\": \"exclusive\" or \"shared\" has it");
  EXPECT_EQ(problem("/hardware/0/sharing_exponent", "1"),
            "/catalog/hardware/0/sharing_exponent: only hardware with \"sharing\": \"shared\" has it");
  EXPECT_EQ(problem("/hardware/0/interference", "[1, 2]"),
            "/catalog/hardware/0/interference: only hardware with \"sharing\": \"partitioned\" has it");
  EXPECT_TRUE(problem("/hardware/1/interference", "[1.1]").starts_with("/catalog/hardware/1/interference/0: must be 1"));
  EXPECT_EQ(problem("/hardware/0/idle_watts", "9"), "/catalog/hardware/0/busy_watts: must be at least \"idle_watts\", which is 9");
  Case c = small();
  c.json["hardware"][0].update({{"unified_memory", true}, {"copy_bytes_per_s", 1}});
  EXPECT_EQ(c.wrong(), "/catalog/hardware/0/copy_bytes_per_s: nothing is copied where \"unified_memory\" is true");
}

TEST(CatalogJson, tables_are_checked_entry_by_entry) {
  const std::string table = "/catalog/variants/0/profile/latency_s";
  EXPECT_EQ(problem("/variants/0/profile/latency_s/1", "0"), table + "/1: must be above 0, at least a nanosecond");
  EXPECT_EQ(problem("/variants/0/profile/latency_s/4", "0.01"), table + "/4: must be at least the time of a batch of 1, 0.02 s");
  EXPECT_TRUE(problem("/variants/0/profile/latency_s/1", "\"20MB\"").starts_with(table + "/1: must be a number of seconds, or a text"));
  EXPECT_EQ(problem("/variants/0/profile/latency_s", "{\"1\": 1, \"02\": 1}"),
            table + "/02: must be a number of items from 1 to 65536, is \"02\"");
  EXPECT_TRUE(problem("/variants/0/profile/latency_s", "{\"0\": 1}").starts_with(table + "/0: must be a number of items"));
  EXPECT_EQ(problem("/variants/0/profile/latency_s", "{\"2\": 1}"),
            table + ": needs the time of a batch of 1, the smallest that runs; begins at 2");
  EXPECT_TRUE(problem("/variants/0/profile/latency_s", "{}").starts_with(table + ": must be an object"));
  EXPECT_TRUE(problem("/variants/0/profile/latency_s", "[1]").starts_with(table + ": must be an object"));
  EXPECT_EQ(problem("/variants/0/profile", "{}"),
            "/catalog/variants/0/profile: must have exactly one of \"latency_s\", \"cores\", \"affine\"");
  EXPECT_EQ(problem("/variants/0/profile/affine", "{}"),
            "/catalog/variants/0/profile: must have exactly one of \"latency_s\", \"cores\", \"affine\"");
  EXPECT_EQ(problem("/variants/0/profile", "null"), "/catalog/variants/0/profile: must be an object, is null");
  EXPECT_EQ(problem("/variants/0/batch_sizes", "[4, 2]"), "/catalog/variants/0/batch_sizes/1: batch sizes must be ascending; 2 follows 4");
  Case c = small();
  c.variant()["batch_sizes"] = {1, 2};
  c.variant()["max_batch"] = 4;
  EXPECT_EQ(c.wrong(), "/catalog/variants/0/max_batch: must be the largest of \"batch_sizes\", 2, or left out; is 4");
}

TEST(CatalogJson, core_tables_are_for_partitioned_hardware_and_its_cores) {
  EXPECT_EQ(problem("/variants/1/profile/cores/8", "{\"1\": 0.01}"),
            "/catalog/variants/1/profile/cores/8: must be a number of cores from 1 to 4, is \"8\"");
  EXPECT_EQ(problem("/variants/1/profile/cores/4/1", "-1"), "/catalog/variants/1/profile/cores/4/1: must be between 0 and 86400, is -1");
  EXPECT_EQ(problem("/variants/1/hardware", "\"gpu\""),
            "/catalog/variants/1/profile/cores: instances hold no cores on exclusive hardware; use \"latency_s\"");
  EXPECT_EQ(problem("/variants/1/instance_cores", "2"),
            "/catalog/variants/1/instance_cores: is said by the profile's \"cores\"; leave it out");
  EXPECT_TRUE(problem("/variants/1/profile/cores", "{}").starts_with("/catalog/variants/1/profile/cores: must be an object of tables"));
}

TEST(CatalogJson, a_law_has_its_parameters_and_no_others) {
  const auto law = [](const char* text) { return problem("/variants/0/service", text); };
  const std::string at = "/catalog/variants/0/service";
  for (const char* text : {"{}", "{\"law\": \"exponential\"}", "{\"law\": \"erlang\", \"k\": 3}", "{\"law\": \"lognormal\", \"cv2\": 0.1}",
                           "{\"law\": \"hyperexponential\", \"cv2\": 4}", "{\"law\": \"exponential\", \"cv2\": null}",
                           "{\"law\": \"quantiles\", \"points\": [[0, 0.8], [0.5, 1], [0.99, 1.4], [1, 2]]}"}) {
    EXPECT_EQ(law(text), "") << text;
  }
  EXPECT_TRUE(law("{\"law\": \"gama\"}").ends_with("did you mean \"gamma\"?"));
  EXPECT_EQ(law("{\"law\": \"gamma\"}"), at + "/cv2: is needed by the law \"gamma\"");
  EXPECT_EQ(law("{\"law\": \"erlang\"}"), at + "/k: is needed by the law \"erlang\"");
  EXPECT_EQ(law("{\"cv2\": 1}"), at + "/cv2: is no parameter of the law \"deterministic\"; leave it out, or null");
  EXPECT_EQ(law("{\"law\": \"gamma\", \"cv2\": 0}"), at + "/cv2: must be above 0 for this law, is 0");
  EXPECT_EQ(law("{\"law\": \"hyperexponential\", \"cv2\": 0.5}"), at + "/cv2: must be at least 1 for this law, is 0.5");
  EXPECT_TRUE(problem("/variants/0/load", "{\"law\": \"erlang\"}").starts_with("/catalog/variants/0/load/k: is needed"));
}

TEST(CatalogJson, quantiles_are_checked_point_by_point) {
  const auto points = [](const std::string& text) {
    return problem("/variants/0/service", ("{\"law\": \"quantiles\", \"points\": " + text + "}").c_str());
  };
  const std::string at = "/catalog/variants/0/service/points";
  EXPECT_TRUE(points("[[0, 1]]").starts_with(at + ": must be a list of at least two"));
  EXPECT_EQ(points("[[0, 1], 2]"), at + "/1: must be a pair [probability, factor]");
  EXPECT_EQ(points("[[0.1, 1], [1, 2]]"), at + "/0/0: the first probability must be 0");
  EXPECT_EQ(points("[[0, 1], [0.9, 2]]"), at + "/1/0: the last probability must be 1");
  EXPECT_EQ(points("[[0, 1], [0, 2], [1, 2]]"), at + "/1/0: probabilities must be ascending; is after 0");
  EXPECT_EQ(points("[[0, 2], [1, 1]]"), at + "/1/1: factors must not decrease; is after 2");
  EXPECT_EQ(points("[[0, 0], [1, 0]]"), at + ": factors must not all be 0");
  EXPECT_EQ(points("[[0, -1], [1, 1]]"), at + "/0/1: must be between 0 and 1000000000, is -1");
}

TEST(CatalogJson, duplicate_keys_of_a_file_are_reported_by_its_reader) {
  Problems problems;
  const JsonDocument d = parse_json(R"({"tasks": [], "tasks": []})", "f.json", problems);
  ASSERT_EQ(problems.list().size(), 1U);
  EXPECT_EQ(problems.list()[0].pointer, "/tasks");
}

TEST(CatalogJson, the_shipped_catalog_is_right) {
  Problems problems;
  const JsonDocument d = read_json_file(TIDELINE_SOURCE_DIR "/scenarios/catalogs/vision.json", problems);
  const Catalog c = read_catalog(d.root, "", problems);
  EXPECT_EQ(render(problems, d), "");
  ASSERT_EQ(c.tasks.size(), 2U);
  EXPECT_GE(c.variants.size(), 30U);
  EXPECT_LE(c.variants.size(), 45U);
  EXPECT_FALSE(c.tasks[0].hit_rate);
  EXPECT_TRUE(c.tasks[1].hit_rate);
  EXPECT_NEAR(c.tasks[0].best_accuracy, 0.72, 0.005);
  for (std::size_t i = 0; i < d.root["variants"].size(); ++i) {
    const Json& v = d.root["variants"][i];
    EXPECT_TRUE(v.contains("source") && v.contains("origin")) << v["name"];
    EXPECT_LE(c.variants[i].memory_for(c.variants[i].max_batch), c[c.variants[i].hardware].memory_bytes) << v["name"];
    for (char key : {'\\', '/'}) EXPECT_EQ(c.variants[i].name.find(key), std::string::npos) << "a pointer would have to escape it";
  }
}

}  // namespace
}  // namespace tideline

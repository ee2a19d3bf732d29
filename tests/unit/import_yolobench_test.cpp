#include "src/import_yolobench.h"

#include "src/catalog_json.h"
#include "src/errors.h"
#include "tests/support/published.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace tideline {
namespace {

constexpr const char* header =
    "mAP_0.5:0.95_voc,mAP_0.5:0.95_sku,mAP_0.5:0.95_wider,mAP_0.5:0.95_coco,nano_gpu_latency,openvino_latency,vim3_latency,"
    "raspi4_tflite_latency,orange_pi_latency,a40_trt_latency,pi5_ort_latency,pi4_ort_latency,model_name\n";

/// Pixels 10,000, 20,164 (142 px), 40,000, latencies of the Nano 10, 20, 30 ms; the A40 is faster at more pixels.
const std::string three_rows = std::string(header) +
                               "0.4,0.1,0.1,0.2,10,5,7,20,4,2,9,30,tiny_100\n"
                               "0.5,0.2,0.1,0.3,20,6,8,21,5,1.5,10,31,tiny_142\n"
                               "0.6,0.3,0.1,0.4,30,7,9,22,6,1,11,32,tiny_200\n";

struct Imported {
  ImportReport report;
  std::string text;
  Catalog catalog;

  const Variant& variant(std::string_view name) const {
    const auto found = std::find_if(catalog.variants.begin(), catalog.variants.end(), [&](const Variant& v) { return v.name == name; });
    if (found == catalog.variants.end()) throw std::out_of_range(std::string(name));
    return *found;
  }
};

Imported import(const std::string& csv, const char* params = nullptr, const YoloBenchOptions& options = {}) {
  std::istringstream table(csv), counts(params ? params : "");
  std::ostringstream out;
  Imported result;
  result.report = import_yolobench(table, params ? &counts : nullptr, out, options);
  result.text = out.str();
  Problems problems;
  const JsonDocument d = parse_json(result.text, "catalog.json", problems);
  result.catalog = read_catalog(d.root, "", problems);
  EXPECT_EQ(render(problems, d), "");
  return result;
}

std::string refusal(const std::string& csv, const char* params = nullptr) {
  std::istringstream table(csv), counts(params ? params : "");
  std::ostringstream out;
  try {
    import_yolobench(table, params ? &counts : nullptr, out);
  } catch (const InputError& error) {
    EXPECT_EQ(out.str(), "") << "something was written";
    return error.what();
  }
  return "accepted";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(ImportYoloBench, each_row_gives_a_variant_for_each_column) {
  const Imported i = import(three_rows);
  EXPECT_EQ(i.report.rows, 3U);
  EXPECT_EQ(i.report.architectures, 1U);
  EXPECT_EQ(i.report.columns, 8U);
  EXPECT_EQ(i.report.hardware_types, 7U);
  EXPECT_EQ(i.report.variants, 24U);
  EXPECT_EQ(i.catalog.hardware.size(), 7U);
  EXPECT_EQ(i.catalog.variants.size(), 24U);
  EXPECT_EQ(i.catalog.tasks.size(), 1U);
  const Variant& v = i.variant("tiny_142@raspberry_pi_4-tflite");
  EXPECT_EQ(v.framework, "tflite");
  EXPECT_EQ(v.hardware, i.variant("tiny_142@raspberry_pi_4-onnxruntime").hardware);
  EXPECT_EQ(v.base_model, "tiny");
  EXPECT_EQ(v.model, "tiny_142");
  EXPECT_EQ(v.resolution, 142U);
  EXPECT_EQ(v.accuracy, 0.5);
  EXPECT_EQ(v.profile.cores(), std::vector<std::uint32_t>{4});
  EXPECT_EQ(i.catalog[v.hardware].sharing, Sharing::partitioned);
  EXPECT_EQ(i.catalog[i.variant("tiny_142@jetson_nano").hardware].sharing, Sharing::exclusive);
}

TEST(ImportYoloBench, a_batch_takes_what_one_item_of_as_many_pixels_takes) {
  const Imported i = import(three_rows);
  const Variant& v = i.variant("tiny_100@jetson_nano");
  EXPECT_EQ(v.max_batch, 8U);  // 8 x 10,000 pixels are twice 40,000
  EXPECT_EQ(v.profile.latency(1), 10ms);
  EXPECT_EQ(v.profile.latency(2).count(), std::llround((10 + 10 * (20000.0 - 10000) / (20164 - 10000)) * 1e6));
  EXPECT_EQ(v.profile.latency(3).count(), std::llround((20 + 10 * (30000.0 - 20164) / (40000 - 20164)) * 1e6));
  EXPECT_EQ(v.profile.latency(4), 30ms);
  EXPECT_EQ(v.profile.latency(8).count(), std::llround((30 + 10 * 40000.0 / (40000 - 20164)) * 1e6));
  EXPECT_EQ(v.origin_latency, Origin::derived);
  EXPECT_EQ(i.variant("tiny_142@jetson_nano").max_batch, 2U);  // 3 would fit; 4 would not
  EXPECT_EQ(i.variant("tiny_200@jetson_nano").max_batch, 2U);
}

TEST(ImportYoloBench, more_items_are_never_faster) {
  const Imported i = import(three_rows);
  const Variant& v = i.variant("tiny_100@a40");
  for (std::uint32_t items = 1; items <= 8; ++items) EXPECT_EQ(v.profile.latency(items), 2ms);
  EXPECT_EQ(i.report.raised_latencies, 7U + 1U + 1U);
}

TEST(ImportYoloBench, npus_run_single_items) {
  const Imported i = import(three_rows);
  for (const char* name : {"tiny_100@vim3", "tiny_100@orange_pi_5"}) {
    EXPECT_EQ(i.variant(name).batch_sizes, std::vector<std::uint32_t>{1});
    EXPECT_EQ(i.variant(name).max_batch, 1U);
    EXPECT_EQ(i.variant(name).origin_latency, Origin::measured);
  }
}

TEST(ImportYoloBench, weights_follow_parameters_and_precision_where_counted) {
  const Imported i = import(three_rows, "model_name,architecture,params_deploy_computed\ntiny_100,tiny,1000000\n");
  EXPECT_EQ(i.variant("tiny_100@jetson_nano").artefact_bytes, 4'000'000);
  EXPECT_EQ(i.variant("tiny_100@vim3").artefact_bytes, 2'000'000);
  EXPECT_EQ(i.variant("tiny_142@jetson_nano").artefact_bytes, 32'000'000);
  EXPECT_EQ(i.report.assumed_sizes, 16U);
  EXPECT_EQ(i.variant("tiny_100@jetson_nano").memory_bytes, 4'000'000 + (256 << 20));
}

TEST(ImportYoloBench, other_data_sets_are_tasks_of_their_own) {
  YoloBenchOptions options;
  options.tasks = {YoloBenchTask::coco, YoloBenchTask::voc};
  const Imported i = import(three_rows, nullptr, options);
  ASSERT_EQ(i.catalog.tasks.size(), 2U);
  EXPECT_EQ(i.catalog.tasks[1].name, "detect-coco");
  EXPECT_EQ(i.variant("tiny_100-coco@vim3").accuracy, 0.2);
  EXPECT_EQ(i.variant("tiny_100@vim3").accuracy, 0.4);
  EXPECT_EQ(i.report.variants, 48U);
}

TEST(ImportYoloBench, an_affine_share_is_taken_as_an_assumption) {
  YoloBenchOptions options;
  options.affine_share = 0.25;
  const Imported i = import(three_rows, nullptr, options);
  const Variant& v = i.variant("tiny_200@jetson_nano");
  EXPECT_EQ(v.origin_latency, Origin::assumed);
  EXPECT_EQ(v.max_batch, 16U);
  EXPECT_EQ(v.profile.latency(1), 30ms);
  EXPECT_EQ(v.profile.latency(4), 97'500us);
  EXPECT_EQ(i.variant("tiny_200@vim3").max_batch, 1U);
}

TEST(ImportYoloBench, the_price_of_a_board_is_its_life_and_its_power) {
  YoloBenchOptions options;
  options.lifetime_years = 1;
  options.usd_per_kwh = 1;
  const Imported i = import(three_rows, nullptr, options);
  const auto price = [&](const char* variant) { return i.catalog[i.variant(variant).hardware].price_per_hour_usd; };
  EXPECT_NEAR(price("tiny_100@raspberry_pi_4-tflite"), 55.0 / 8760 + 0.008, 1e-6);
  EXPECT_EQ(price("tiny_100@a40"), 0.69);
}

TEST(ImportYoloBench, blanks_leave_out_what_needs_them) {
  const Imported i = import(replaced(three_rows, "0.5,0.2,0.1,0.3,20,", "0.5,0.2,0.1,0.3,,"));
  EXPECT_EQ(i.report.variants, 23U);
  EXPECT_EQ(i.report.dropped.at("no nano_gpu_latency"), 1U);
  EXPECT_EQ(i.variant("tiny_100@jetson_nano").profile.latency(4), 30ms);
  EXPECT_NE(to_text(i.report).find("1 no nano_gpu_latency"), std::string::npos);
  EXPECT_EQ(import(replaced(three_rows, "\n0.5,", "\n,")).report.dropped.at("no mAP_0.5:0.95_voc"), 8U);
}

TEST(ImportYoloBench, a_wrong_table_is_refused_with_its_row_and_column) {
  EXPECT_EQ(refusal(replaced(three_rows, "vim3_latency", "vim3_latenzy")),
            "merged_results.csv: row 1: there is no column \"vim3_latency\"; did you mean \"vim3_latenzy\"?");
  EXPECT_EQ(refusal(replaced(three_rows, ",20,6,", ",20ms,6,")),
            "merged_results.csv: row 3: column \"nano_gpu_latency\": \"20ms\" is not a number");
  EXPECT_EQ(refusal(replaced(three_rows, ",20,6,", ",nan,6,")),
            "merged_results.csv: row 3: column \"nano_gpu_latency\": \"nan\" is not a number");
  EXPECT_EQ(refusal(replaced(three_rows, ",20,6,", ",0,6,")),
            "merged_results.csv: row 3: column \"nano_gpu_latency\": \"0\" is no latency in milliseconds");
  EXPECT_EQ(refusal(replaced(three_rows, "\n0.5,", "\n50,")),
            "merged_results.csv: row 3: column \"mAP_0.5:0.95_voc\": \"50\" is not between 0 and 1");
  EXPECT_EQ(refusal(three_rows.substr(0, three_rows.size() - 20)),
            "merged_results.csv: row 4: has 8 cells; the first row names 13 columns");
  EXPECT_EQ(refusal(replaced(three_rows, "tiny_142", "tiny_100")),
            "merged_results.csv: row 3: column \"model_name\": \"tiny_100\" is in row 2 already");
  EXPECT_EQ(refusal(replaced(three_rows, "tiny_142", "tiny")),
            "merged_results.csv: row 3: column \"model_name\": \"tiny\" is not NAME_RESOLUTION");
  EXPECT_EQ(refusal(replaced(three_rows, "tiny_142", "\"tiny")), "merged_results.csv: row 3: a quote is not closed");
  EXPECT_EQ(refusal(""), "merged_results.csv: is empty; its first row must name the columns");
  EXPECT_EQ(refusal(header), "merged_results.csv: has no rows below the names of the columns");
  EXPECT_EQ(refusal(three_rows, "model_name,params\na,1\n"),
            "COMPUTED_params_macs.csv: row 1: there is no column \"params_deploy_computed\"; known: \"model_name\", \"params\"");
  EXPECT_EQ(refusal(three_rows, "model_name,params_deploy_computed\na,x\n"),
            "COMPUTED_params_macs.csv: row 2: column \"params_deploy_computed\": \"x\" is not a number");
}

TEST(ImportYoloBench, a_column_that_is_out_by_a_thousand_is_told) {
  EXPECT_TRUE(import(three_rows).report.notes.empty());
  std::string text = three_rows;
  for (const auto& [from, to] :
       {std::pair{",2,9,30,tiny_100", ",0.002,9,30,tiny_100"}, {",1.5,10,31,", ",0.0015,10,31,"}, {",1,11,32,", ",0.001,11,32,"}})
    text = replaced(text, from, to);
  const ImportReport report = import(text).report;
  ASSERT_EQ(report.notes.size(), 1U);
  EXPECT_NE(to_text(report).find("note: suspicious: the median of a40_trt_latency is 0.0015 ms; 0.86 .. 6.3 ms were published"),
            std::string::npos)
      << to_text(report);
}

TEST(ImportYoloBench, line_ends_of_other_systems_are_read) {
  std::string text = three_rows;
  for (std::size_t i = text.find('\n'); i != std::string::npos; i = text.find('\n', i + 2)) text.insert(i, "\r");
  EXPECT_EQ(import(text).text, import(three_rows).text);
}

/// The published tables, where they lie beside the sources.
class PublishedYoloBench : public testing::Test {
 protected:
  void SetUp() override {
    TIDELINE_NEEDS_PUBLISHED_PROFILES();
    const auto folder = test::published_profiles() / "yolobench";
    std::ifstream csv(folder / "merged_results.csv"), params(folder / "COMPUTED_params_macs.csv");
    ASSERT_TRUE(csv && params) << folder;
    std::ostringstream table, counts;
    table << csv.rdbuf();
    counts << params.rdbuf();
    imported_ = import(table.str(), counts.str().c_str());
  }
  Imported imported_;
};

TEST_F(PublishedYoloBench, all_of_it_is_read) {
  EXPECT_EQ(imported_.report.rows, 572U);
  EXPECT_EQ(imported_.report.architectures, 52U);
  EXPECT_EQ(imported_.report.variants, 4576U);
  EXPECT_EQ(imported_.catalog.variants.size(), 4576U);
  EXPECT_EQ(imported_.catalog.hardware.size(), 7U);
  EXPECT_EQ(imported_.report.batched_variants, 572U * 6);
  EXPECT_EQ(imported_.report.assumed_sizes, 0U);
  EXPECT_TRUE(imported_.report.dropped.empty());
  EXPECT_TRUE(imported_.report.notes.empty());
  std::cout << to_text(imported_.report);
}

TEST_F(PublishedYoloBench, single_items_are_as_published) {
  EXPECT_EQ(imported_.variant("yolo3d1w25_160@jetson_nano").profile.latency(1).count(), 22261956);
  EXPECT_EQ(imported_.variant("yolo7n_320@core_i7").profile.latency(1).count(), 5674495);
  EXPECT_EQ(imported_.variant("yolo7m_416@raspberry_pi_4-tflite").profile.latency(1).count(), 1675176667);
  EXPECT_EQ(imported_.variant("yolo3d1w25_160@vim3").accuracy, 0.45812);
  EXPECT_EQ(imported_.variant("yolo3d1w25_160@vim3").artefact_bytes, 4743464 * 2);
}

TEST_F(PublishedYoloBench, batches_reach_twice_the_measured_pixels) {
  const auto most = [&](const char* name) { return imported_.variant(name).max_batch; };
  EXPECT_EQ(most("yolo7n_160@jetson_nano"), 16U);
  EXPECT_EQ(most("yolo7n_224@jetson_nano"), 8U);
  EXPECT_EQ(most("yolo7n_320@jetson_nano"), 4U);
  EXPECT_EQ(most("yolo7n_480@jetson_nano"), 2U);
  EXPECT_EQ(most("yolo7n_320@vim3"), 1U);
  // Four items at 160 px are as many pixels as one at 320 px.
  EXPECT_EQ(imported_.variant("yolo7n_160@jetson_nano").profile.latency(4), imported_.variant("yolo7n_320@jetson_nano").profile.latency(1));
}

TEST_F(PublishedYoloBench, the_shipped_catalog_agrees_to_three_digits) {
  Problems problems;
  const Catalog shipped = read_catalog(read_json_file(TIDELINE_SOURCE_DIR "/scenarios/catalogs/vision.json", problems).root, "", problems);
  ASSERT_TRUE(problems.empty());
  std::size_t compared = 0;
  for (const auto& v : shipped.variants) {
    if (shipped[v.task].name != "detect-voc") continue;
    const bool has_two = shipped[v.hardware].name == "raspberry_pi_4";
    const Variant& full = imported_.variant(v.name + (has_two ? "-tflite" : ""));
    EXPECT_NEAR(v.accuracy, full.accuracy, 0.0005) << v.name;
    EXPECT_EQ(v.max_batch, full.max_batch) << v.name;
    for (std::uint32_t items = 1; items <= std::min(v.max_batch, full.max_batch); items *= 2) {
      EXPECT_NEAR(to_seconds(v.profile.latency(items)) / to_seconds(full.profile.latency(items)), 1, 0.005) << v.name << " " << items;
      ++compared;
    }
  }
  EXPECT_GE(compared, 60U);
}

}  // namespace
}  // namespace tideline

// Catalogs from tables of others: what is read, what is refused, and what is shown of it.
#include "src/catalog_draft.h"
#include "src/catalog_fit.h"
#include "src/catalog_json.h"
#include "src/catalog_show.h"
#include "src/csv_table.h"
#include "src/errors.h"
#include "src/import_tables.h"
#include "src/import_yolobench.h"
#include "tests/support/published.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace tideline {
namespace {

using testing::HasSubstr;

const std::filesystem::path shipped = std::filesystem::path(TIDELINE_SOURCE_DIR) / "scenarios" / "catalogs";

Catalog catalog_of(const Json& json) {
  Problems problems;
  Catalog out = read_catalog(json, "", problems);
  for (const Problem& p : problems.list()) ADD_FAILURE() << p.pointer << ": " << p.message;
  return out;
}

struct Imported {
  Catalog catalog;
  DraftReport report;
  Json file;
  /// What the file says of the figures of a variant.
  Json origin(const std::string& name) const {
    for (const Json& v : file["variants"])
      if (v["name"] == name) return v["origin"];
    return {};
  }
};

Imported import(std::string_view format, const std::vector<std::string>& texts, const std::string& accuracies = "",
                const std::string& hardware = "") {
  TableWishes wishes;
  wishes.hardware = hardware;
  wishes.hardware_types = HardwareTable(read_json((shipped / "hardware.json").string()), "hardware.json");
  if (!accuracies.empty()) {
    std::istringstream in(accuracies);
    wishes.accuracies = AccuracyTable(in, "accuracies.csv");
  }
  std::vector<std::istringstream> streams;
  for (const std::string& text : texts) streams.emplace_back(text);
  std::vector<NamedStream> files;
  for (auto& s : streams) files.push_back({"table-fp32-.csv", &s});
  for (const TableImporter& importer : table_importers())
    if (importer.name == format) {
      Imported out;
      Problems problems;
      const std::string text = importer.read(files, wishes, out.report);
      out.file = parse_json(text, "catalog", problems).root;
      out.catalog = catalog_of(out.file);
      return out;
    }
  throw InputError("no such format");
}

std::string refusal(std::string_view format, const std::vector<std::string>& texts, const std::string& accuracies = "",
                    const std::string& hardware = "") {
  try {
    (void)import(format, texts, accuracies, hardware);
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}

const Variant& variant(const Catalog& c, const std::string& name) {
  for (const Variant& v : c.variants)
    if (v.name == name) return v;
  throw InputError("no variant " + name + "; the first is " + c.variants.front().name);
}

/// Prices, power, boot times and all other figures: each is named in the text of its type, with what it is from or that it is assumed.
void expect_sources(const Json& file) {
  for (const Json& h : file["hardware"]) {
    const std::string source = h["source"];
    for (const auto& [key, value] : h.items()) {
      if (key == "name" || key == "kind" || key == "sharing" || key == "unified_memory" || key == "source") continue;
      const auto at = source.find(key + ": ");
      ASSERT_NE(at, std::string::npos) << h["name"] << ": " << key;
      EXPECT_GT(source.find(';', at) - at, key.size() + 4) << h["name"] << ": " << key;
    }
    for (const char* key : {"price_per_hour_usd", "idle_watts", "busy_watts", "boot_s"}) EXPECT_TRUE(h.contains(key)) << h["name"];
  }
}

TEST(ImportTimm, joins_accuracies_of_the_same_input_size) {
  const std::string table =
      "model,infer_img_size,infer_samples_per_sec,infer_step_time,infer_batch_size,param_count\n"
      "resnet50,224,1000,256,256,25.5\nresnet50,288,500,512,256,25.5\nother,224,1,10,1,3\n";
  const Imported i = import("timm", {table}, "model,img_size,top1\nresnet50.a1_in1k,224,80.2\nresnet50.a2,224,79\n", "rtx4090");
  EXPECT_EQ(i.report.variants, 1U);
  EXPECT_EQ(i.report.dropped.at("no accuracy"), 2U);
  const Variant& v = variant(i.catalog, "resnet50_224-fp32@rtx4090");
  EXPECT_DOUBLE_EQ(v.accuracy, 0.802);
  EXPECT_EQ(v.batch_sizes, std::vector<std::uint32_t>{256});
  EXPECT_EQ(v.profile.latency(256), 256ms);
  EXPECT_EQ(v.origin_latency, Origin::measured);
  EXPECT_EQ(v.artefact_bytes, 102000000);
  EXPECT_THAT(refusal("timm", {table}, "model,top1\nresnet50,80\n"), HasSubstr("give --hardware"));
  EXPECT_THAT(refusal("timm", {table}, "", "rtx4090"), HasSubstr("give --accuracy"));
  EXPECT_THAT(refusal("timm", {"model,infer_img_size\nx,1\n"}, "model,top1\nx,80\n", "a40"), HasSubstr("there is no column"));
}

TEST(ImportNvidia, has_the_batches_of_a_table_as_a_curve) {
  const std::string table =
      "model,section,subsection,batch_size,throughput_avg,latency_avg\n"
      "resnet50,1x V100 16GB,FP32 Inference Latency,1,96 img/s,10.4 ms\nresnet50,1x V100 16GB,FP32 Inference Latency,2,196 img/s,10.2 ms\n"
      "resnet50,NVIDIA T4,Mixed Precision Inference Latency,1,90 img/s,11 ms\n";
  const Imported i = import("nvidia", {table}, "model,accuracy\nresnet50,0.78\n");
  EXPECT_EQ(i.report.variants, 2U);
  EXPECT_EQ(i.report.raised, 1U);
  const Variant& v = variant(i.catalog, "resnet50-fp32@v100");
  EXPECT_EQ(v.profile.latency(1), 10400us);
  EXPECT_EQ(v.profile.latency(2), 10400us) << "more items are never faster";
  EXPECT_EQ(v.origin_latency, Origin::derived);
  EXPECT_EQ(i.origin("resnet50-fp32@v100")["measured_batches"], Json({1})) << "nobody measured 10.4 ms for two";
  EXPECT_EQ(i.origin("resnet50-amp@t4")["latency"], "measured");
  EXPECT_FALSE(i.origin("resnet50-amp@t4").contains("measured_batches"));
  EXPECT_THAT(i.report.notes, testing::Contains(HasSubstr("counts as derived: batches of resnet50-fp32@v100 (2)")));
  EXPECT_EQ(i.catalog[v.hardware].price_per_hour_usd, 3.06) << "of hardware.json";
  EXPECT_THAT(refusal("nvidia", {table}), HasSubstr("give --accuracy CSV with columns model, precision, accuracy"));
  EXPECT_THAT(refusal("nvidia", {"model,section,subsection,batch_size,latency_avg\nx,A1,FP32,1,1 ms\n"}, "model,accuracy\nx,1\n"),
              HasSubstr("names no GPU"));
}

TEST(ImportAccuracies, that_contradict_each_other_are_refused_by_row) {
  const std::string table = "model,section,subsection,batch_size,latency_avg\nresnet50,NVIDIA T4,FP32 Latency,1,11 ms\n";
  EXPECT_THAT(refusal("nvidia", {table}, "model,accuracy\nresnet50,0.78\nresnet50,0.76\n"),
              testing::AllOf(HasSubstr("row 3"), HasSubstr("of \"resnet50\": a row before says 0.78 of the same model")));
  EXPECT_EQ(import("nvidia", {table}, "model,accuracy\nresnet50,0.78\nresnet50,0.78\n").report.variants, 1U);
  EXPECT_EQ(import("nvidia", {table}, "model,precision,accuracy\nresnet50,fp32,0.78\nresnet50,amp,0.77\n").report.variants, 1U);
}

TEST(ImportHardware, that_is_misspelt_gets_the_nearest) {
  const Imported i = import("nvidia", {"model,section,subsection,batch_size,latency_avg\nx,NVIDIA T4,FP32 Latency,1,11 ms\n"},
                            "model,accuracy\nx,0.78\n", "rtx409");
  EXPECT_THAT(i.report.notes,
              testing::Contains("hardware \"rtx409\" is not known: all of its figures are assumed; did you mean \"rtx4090\"?"));
}

TEST(ImportHailo, takes_the_accuracy_on_the_chip_in_both_layouts) {
  const std::string header =
      "device,section,Network Name,float,Hardware Degradation,FPS (Batch Size=1),FPS (Batch Size=8),Input Resolution (HxWxC),Params "
      "(M),OPS "
      "(G),float mAP,Hardware mAP\n";
  const Imported i =
      import("hailo", {header + "HAILO8,COCO,one,26.4,1.4,400,800,512x512x3,14,31,,\nHAILO15H,,two,,,100,100,640x640x3,5,1,30.0,29.0\n"});
  const Variant& one = variant(i.catalog, "one_512-int8@hailo8");
  EXPECT_NEAR(one.accuracy, 0.25, 1e-12);
  EXPECT_EQ(one.profile.latency(1), 2500us);
  EXPECT_EQ(one.profile.latency(8), 10ms);
  EXPECT_EQ(one.batch_sizes, (std::vector<std::uint32_t>{1, 8}));
  EXPECT_EQ(one.origin_latency, Origin::derived) << "rates of a pipeline";
  EXPECT_NEAR(variant(i.catalog, "two_640-int8@hailo15h").accuracy, 0.29, 1e-12);
  EXPECT_FALSE(i.catalog[one.task].hit_rate);
}

TEST(ImportAihub, refuses_a_quantised_model_without_an_accuracy_of_its_own) {
  const std::string table =
      "model,precision,component,device,runtime,inference_time_ms,peak_mem_mb_min,peak_mem_mb_max\n"
      "net,float,Net,Galaxy S24,tflite,10,0,100\nnet,w8a8,Net,Galaxy S24,tflite,4,0,50\ntwo,float,Encoder,Galaxy S24,tflite,1,0,1\n"
      "two,float,Decoder,Galaxy S24,tflite,1,0,1\n";
  const std::string sizes = "model,field,value\nnet,Model size (float),100 MB\nnet,Model size (w8a8),25 MB\n";
  const Imported i = import("aihub", {table, sizes}, "model,accuracy\nnet,0.7\ntwo,0.6\n");
  ASSERT_EQ(i.report.variants, 1U);
  EXPECT_EQ(i.report.dropped.at("no accuracy in w8a8, and that of another precision is not its own"), 1U);
  EXPECT_EQ(i.report.dropped.at("a component of a model of several"), 2U);
  EXPECT_EQ(i.catalog.variants[0].artefact_bytes, 100000000);
  EXPECT_EQ(i.catalog.variants[0].memory_bytes, 100 << 20);
  EXPECT_EQ(i.catalog.variants[0].origin_memory, Origin::measured);
  EXPECT_EQ(import("aihub", {table, sizes}, "model,accuracy,precision\nnet,0.7,\nnet,0.65,w8a8\n").report.variants, 2U);
}

TEST(ImportNeuron, puts_the_rows_of_batch_sizes_together) {
  const std::string latency =
      "Model,Image Size,Inst. Type,Latency P50 (ms),Batch Size,Model Data Type\nresnet50,224x224,Inf2.xlarge,0.83,1,FP32\n";
  const std::string throughput =
      "Model,Image Size,Inst. Type,Latency P50 (ms),Batch Size,Model Data Type\nresnet50,224x224,Inf2.xlarge,7.283,8,FP32\n";
  const Imported i = import("neuron", {latency, throughput}, "model,accuracy\nresnet50,0.76\n");
  const Variant& v = variant(i.catalog, "resnet50_224-fp32@inf2_xlarge");
  EXPECT_EQ(v.batch_sizes, (std::vector<std::uint32_t>{1, 8}));
  EXPECT_EQ(v.profile.latency(8), 7283us);
}

TEST(ImportInfaas, reads_records_of_its_profiler) {
  const std::string record =
      "parname resnet50\nvarname resnet50_trt_16\nfilename f\ndataset imagenet\ntask classification\nframework tensorrt\ninputdim 224\n"
      "maxbatch 16\nloadlat 4000\ninflatb1 3\ninflatb4 5\ninflatb8 8\ninflatb16 14\ninflatb32 0\ninflatb64 0\naccuracy 75.3\ncompsize "
      "102000000\n"
      "peakmemory 700000000\n";
  const Imported i = import("infaas", {record}, "", "v100");
  const Variant& v = variant(i.catalog, "resnet50_trt_16@v100");
  EXPECT_EQ(v.base_model, "resnet50");
  EXPECT_DOUBLE_EQ(v.accuracy, 0.753);
  EXPECT_EQ(v.profile.latency(16), 14ms);
  EXPECT_EQ(v.max_batch, 16U);
  EXPECT_EQ(v.load.first_run, 4s);
  EXPECT_EQ(v.origin_load, Origin::measured);
  EXPECT_THAT(refusal("infaas", {"parname x\n"}, "", "v100"), HasSubstr("the record has no \"task\""));
  std::string wrong = record;
  wrong.replace(wrong.find("loadlat 4000"), 12, "loadlat slow");
  EXPECT_THAT(refusal("infaas", {wrong}, "", "v100"), HasSubstr("\"loadlat\": \"slow\" is no number"));
}

TEST(ImportMeasurements, reads_ones_own_table) {
  const std::string table =
      "task,model,hardware,accuracy,batch,latency_ms,cores,memory_mb,load_s,kind,metric\n"
      "look,net,raspberry_pi_4,0.7,1,100,1,50,2,score,mAP\nlook,net,raspberry_pi_4,0.7,1,60,2,50,2,score,mAP\nlook,big,a40,0.8,1,5,,,,"
      "score,mAP\n"
      "look,big,a40,0.8,4,9,,,,score,mAP\n";
  const Imported i = import("measurements", {table});
  const Variant& net = variant(i.catalog, "net@raspberry_pi_4");
  EXPECT_EQ(net.profile.cores(), (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(net.profile.latency(1, 1), 60ms);
  EXPECT_EQ(net.memory_bytes, 50000000);
  EXPECT_EQ(variant(i.catalog, "big@a40").profile.latency(4), 9ms);
  EXPECT_THAT(refusal("measurements", {"task,model,hardware,accuracy,batch,latency_ms\nlook,net,a40,70,1,5\n"}),
              HasSubstr("row 2: column \"accuracy\""));
  EXPECT_THAT(refusal("measurements", {"task,model,hardware,accuracy,batch,latency_ms\nlook,net,a40,0.7,1,-5\n"}),
              HasSubstr("is not above 0"));
  EXPECT_THAT(refusal("measurements", {"task,model,hardware,accuracy,batch,latency_ms\nl,n,a40,0.7,1,5\nl,n,a40,0.7,1,6\n"}),
              HasSubstr("has a row before"));
  EXPECT_THAT(refusal("measurements", {"task,model,hardware,accuracy,batch,latency_ms\nl,n,a40,0.7,1,5\nl,n,a40,0.8,2,6\n"}),
              HasSubstr("do not agree"));
  EXPECT_THAT(refusal("measurements", {"task,model,hardware,accuracy,batch,latency\n"}), HasSubstr("has no rows"));
}

TEST(ImportTables, say_which_accuracies_are_missing) {
  const std::string table =
      "model,section,subsection,batch_size,latency_avg\nnet,V100,FP32,1,10 ms\nnet,V100,Mixed Precision,1,8 ms\nother,V100,FP32,1,9 ms\n";
  EXPECT_THAT(
      refusal("nvidia", {table}, "model,accuracy\nfoo,0.7\n"),
      HasSubstr("no variant could be made; 3 left out: no accuracy; an accuracy is missing of net (fp32), net (amp), other (fp32)"));
  EXPECT_THAT(import("nvidia", {table}, "model,accuracy\nnet,0.7\n").report.notes, testing::ElementsAre("no accuracy of other (fp32)"));
  EXPECT_THAT(refusal("nvidia", {table}, "model,top1\nnet,0.76\n"),
              HasSubstr("row 2: column \"top1\": \"0.76\" is at most 1 percent, and looks like a share"));
  EXPECT_THAT(refusal("nvidia", {table}, "model,accuracy\nnet,76\n"), HasSubstr("percentages go into a column \"top1\""));
}

TEST(ImportNeuron, leaves_tables_of_prices_aside) {
  const Imported i = import("neuron",
                            {"Inst. Type,RI-Effective hourly rate\nInf2.xlarge,0.328\n",
                             "Model,Inst. Type,Latency P50 (ms),Batch Size\nnet,Inf2.xlarge,0.83,1\n"},
                            "model,accuracy\nnet,0.76\n");
  EXPECT_EQ(i.report.variants, 1U);
  EXPECT_THAT(i.report.notes, testing::ElementsAre(HasSubstr("prices of reserved instances are not read")));
}

TEST(ImportTables, make_no_catalog_that_cannot_be_read) {
  const std::string header = "task,model,hardware,accuracy,batch,latency_ms,cores\n";
  EXPECT_THAT(refusal("measurements", {header + "l,n,a40,0.7,1,5,2\n"}), HasSubstr("instances hold no cores on exclusive hardware"));
}

TEST(ImportMeasurements, takes_numbers_alone_and_says_which_columns_it_ignores) {
  const std::string header = "task,model,hardware,accuracy,batch,latency_ms\n";
  EXPECT_THAT(refusal("measurements", {header + "l,n,a40,0.7,1,5 s\n"}),
              HasSubstr("row 2: column \"latency_ms\": \"5 s\" is not a number"));
  EXPECT_THAT(refusal("measurements", {header + "l,n,a40,0.7,1,5ms\n"}), HasSubstr("is not a number"));
  const Imported i = import("measurements", {"task,model,hardware,accuracy,batch,latency_ms,power,core\nl,n,a40,0.7,1,5,9,1\n"});
  EXPECT_THAT(i.report.notes,
              testing::ElementsAre(HasSubstr("columns that are not looked at: \"power\", \"core\" (did you mean \"cores\"?)")));
}

TEST(ImportTables, refuse_another_unit_than_that_of_the_format) {
  const std::string nvidia = "model,section,subsection,batch_size,throughput_avg,latency_avg\n";
  EXPECT_THAT(refusal("nvidia", {nvidia + "net,V100,FP32,1,96 img/s,10.37 s\n"}, "model,accuracy\nnet,0.7\n"),
              HasSubstr("row 2: column \"latency_avg\": \"10.37 s\" is not in ms"));
  const std::string timm = "model,infer_img_size,infer_samples_per_sec,infer_step_time,infer_batch_size,param_count\n";
  EXPECT_THAT(refusal("timm", {timm + "net,224,4,256 us,1,25\n"}, "model,accuracy\nnet,0.7\n", "a40"),
              HasSubstr("\"256 us\" is not in ms"));
  EXPECT_THAT(refusal("timm", {timm + "net,224px,4,256,1,25\n"}, "model,accuracy\nnet,0.7\n", "a40"), HasSubstr("is no size of images"));
  const std::string hailo =
      "device,Network Name,float,Hardware Degradation,FPS (Batch Size=1),FPS (Batch Size=8),Input Resolution (HxWxC),Params (M),Hardware "
      "mAP\n";
  EXPECT_THAT(refusal("hailo", {hailo + "HAILO8,n,26,1,400k,800,512x512x3,14,25\n"}), HasSubstr("\"400k\" is not a number"));
  const std::string neuron = "Model,Inst. Type,Latency P50 (ms),Batch Size\n";
  EXPECT_THAT(refusal("neuron", {neuron + "net,Inf2.xlarge,0.8 s,1\n"}, "model,accuracy\nnet,0.7\n"), HasSubstr("\"0.8 s\" is not in ms"));
}

TEST(ImportTables, tell_of_times_that_are_out_by_a_thousand) {
  const std::string header = "task,model,hardware,accuracy,batch,latency_ms\n";
  const auto notes = [](const Imported& i) { return i.report.notes; };
  EXPECT_THAT(notes(import("measurements", {header + "l,a,a40,0.7,1,0.0009\nl,b,a40,0.8,1,0.003\n"})),
              testing::ElementsAre(
                  HasSubstr("suspicious: on \"a40\" the median of the smallest batches is 0.003 ms, less than any network takes")));
  EXPECT_THAT(notes(import("measurements", {header + "l,a,a40,0.7,1,9000\n"})), testing::ElementsAre(HasSubstr("of an item is 9 s")));
  EXPECT_THAT(notes(import("measurements", {header + "l,a,a40,0.7,1,0.9\nl,b,a40,0.8,64,9000\n"})), testing::IsEmpty());
  const std::string nvidia = "model,section,subsection,batch_size,throughput_avg,latency_avg\n";
  EXPECT_THAT(notes(import("nvidia", {nvidia + "net,V100,FP32,1,0.096 img/s,10.4 ms\n"}, "model,accuracy\nnet,0.7\n")),
              testing::ElementsAre(HasSubstr("the latency is far too short for the rate beside it")));
}

TEST(ImportAihub, reads_sizes_in_their_units) {
  const std::string table =
      "model,precision,component,device,runtime,inference_time_ms,peak_mem_mb_min,peak_mem_mb_max\nnet,float,Net,Galaxy "
      "S24,tflite,10,0,100\n";
  const auto size = [&](const std::string& text) {
    return import("aihub", {table, "model,field,value\nnet,Model size (float)," + text + "\n"}, "model,accuracy\nnet,0.7\n")
        .catalog.variants[0]
        .artefact_bytes;
  };
  EXPECT_EQ(size("100 MB"), 100000000);
  EXPECT_EQ(size("~5MB"), 5000000);
  EXPECT_EQ(size("812 KB"), 812000);
  EXPECT_THROW(size("3 parsecs"), InputError);
}

TEST(ImportTables, take_text_only) {
  const std::string header = "task,model,hardware,accuracy,batch,latency_ms\n";
  EXPECT_THAT(refusal("measurements", {header + "l,n\xd1\xd1,a40,0.7,1,5\n"}), HasSubstr("row 2: is not text in UTF-8"));
  EXPECT_THAT(refusal("measurements", {header + "l,n\x01,a40,0.7,1,5\n"}), HasSubstr("row 2: is not text in UTF-8"));
  EXPECT_THAT(refusal("infaas", {"parname \xff\n"}, "", "a40"), HasSubstr("row 1: is not text in UTF-8"));
  EXPECT_EQ(import("measurements", {header + "l,caf\xc3\xa9,a40,0.7,1,5\n"}).catalog.variants[0].model, "caf\xc3\xa9");
}

TEST(ImportYoloBench, the_wider_table_has_no_accuracy_in_int8) {
  const std::string table =
      "model_name,precision,recall,mAP_0.5,mAP_0.5:0.95,pi4_ort_latency,nano_gpu_latency,ov_latency,vim3_latency,pi4_tflite_fp32_latency,"
      "pi4_tflite_int8_latency\na_160,0,0,0.5,0.3,0.05,0.02,0.002,0.01,0.04,0.03\na_320,0,0,0.5,0.4,0.2,0.08,0.008,0.04,0.16,0.12\n";
  std::istringstream in(table);
  std::ostringstream out;
  const ImportReport report = import_yolobench(in, nullptr, out);
  EXPECT_EQ(report.variants, 10U);
  EXPECT_EQ(report.dropped.at("no accuracy was measured in INT8"), 2U);
  Problems problems;
  const Catalog c = catalog_of(parse_json(out.str(), "c", problems).root);
  EXPECT_EQ(variant(c, "a_160-scratch@jetson_nano").profile.latency(1), 20ms);
  std::istringstream again(table);
  std::ostringstream both;
  YoloBenchOptions options;
  options.int8_accuracies = {{"a_160", 0.28}};
  EXPECT_EQ(import_yolobench(again, nullptr, both, options).variants, 11U);
  options.tasks = {YoloBenchTask::coco};
  std::istringstream third(table);
  EXPECT_THROW(import_yolobench(third, nullptr, both, options), InputError);
}

TEST(ImportYoloBench, refuses_options_that_its_table_has_no_use_for) {
  const std::string table =
      "mAP_0.5:0.95_voc,nano_gpu_latency,openvino_latency,vim3_latency,raspi4_tflite_latency,orange_pi_latency,a40_trt_latency,"
      "pi5_ort_latency,pi4_ort_latency,model_name\n0.4,20,5,7,20,4,2,9,30,tiny_100\n";
  const auto refused = [&](const YoloBenchOptions& options) {
    std::istringstream in(table);
    std::ostringstream out;
    try {
      (void)import_yolobench(in, nullptr, out, options);
    } catch (const InputError& e) {
      return std::string(e.what());
    }
    Problems problems;
    expect_sources(parse_json(out.str(), "c", problems).root);
    return std::string();
  };
  EXPECT_EQ(refused({}), "");
  YoloBenchOptions options;
  options.int8_accuracies = {{"tiny_100", 0.3}};
  EXPECT_THAT(refused(options), HasSubstr("has no latencies in INT8"));
  std::istringstream latencies("model_name\n");
  options = {};
  options.latencies = &latencies;
  EXPECT_THAT(refused(options), HasSubstr("has the latencies of all platforms"));
}

TEST(CatalogShow, finds_the_front_and_counts_origins) {
  const Json file = Json::parse(R"({"tasks":[{"name":"t"}],"hardware":[{"name":"h","memory_bytes":1000}],"variants":[
    {"name":"slow","task":"t","hardware":"h","accuracy":0.7,"profile":{"latency_s":{"1":0.02}},"origin":{"latency":"measured","accuracy":"measured"}},
    {"name":"fast","task":"t","hardware":"h","accuracy":0.7,"profile":{"latency_s":{"1":0.01}},"origin":{"latency":"derived","artefact":"computed"}},
    {"name":"best","task":"t","hardware":"h","accuracy":0.9,"profile":{"latency_s":{"1":0.03}}},
    {"name":"worst","task":"t","hardware":"h","accuracy":0.1,"profile":{"latency_s":{"1":0.01}}}]})");
  const Catalog c = catalog_of(file);
  const auto fronts = fronts_of(c, file);
  ASSERT_EQ(fronts.size(), 1U);
  std::vector<std::string> names;
  for (const VariantId v : fronts[0].front) names.push_back(c[v].name);
  EXPECT_EQ(names, (std::vector<std::string>{"fast", "best"}));
  EXPECT_DOUBLE_EQ(origins_of(file).measured(), 2.0 / 20);
  EXPECT_EQ(origins_of(file).counts[2], (std::array<std::size_t, 4>{0, 1, 0, 3}));
  EXPECT_THAT(show_text(c, file), HasSubstr("t (accuracy) on h: 2 of 4 on the Pareto front"));
  EXPECT_EQ(show_json(c, file)["fronts"][0]["front"][1]["variant"], "best");
}

TEST(CatalogShow, counts_the_latencies_of_each_batch_by_their_own_origin) {
  Json file = Json::parse(R"({"tasks":[{"name":"t"},{"name":"u"}],"hardware":[{"name":"h","memory_bytes":1000}],"variants":[
    {"name":"a","base_model":"n","task":"t","hardware":"h","accuracy":0.7,"profile":{"latency_s":{"1":0.02,"2":0.03,"4":0.05}},"origin":{"latency":"derived","measured_batches":[1]}},
    {"name":"b","base_model":"n","task":"u","hardware":"h","accuracy":0.7,"profile":{"latency_s":{"1":0.02,"2":0.03,"4":0.05}},"origin":{"latency":"derived","measured_batches":[1]}},
    {"name":"c","task":"t","hardware":"h","accuracy":0.9,"profile":{"latency_s":{"1":0.06}},"origin":{"latency":"measured"}}]})");
  const Catalog c = catalog_of(file);
  EXPECT_EQ(origins_of(file).counts[0], (std::array<std::size_t, 4>{2, 0, 2, 0})) << "the times of a and b are one measurement";
  EXPECT_THAT(fronts_of(c, file)[0].doubts, testing::IsEmpty()) << "single items of both were measured";
  EXPECT_EQ(show_json(c, file)["fronts"][0]["front"][0]["latency_is"], "measured");
  file["variants"][0]["origin"]["measured_batches"] = Json::array({3});
  Problems problems;
  (void)read_catalog(file, "", problems);
  ASSERT_EQ(problems.list().size(), 1U);
  EXPECT_EQ(problems.list()[0].pointer, "/variants/0/origin/measured_batches/0");
}

TEST(CatalogShow, says_which_fronts_are_not_comparable) {
  const Json file = Json::parse(R"({"tasks":[{"name":"t","metric":"top-1"},{"name":"u","metric":"mAP"}],
    "hardware":[{"name":"h","memory_bytes":1000}],"variants":[
    {"name":"a","task":"t","hardware":"h","accuracy":0.7,"source":"One, a table","profile":{"latency_s":{"1":0.02}},"origin":{"accuracy":"measured"}},
    {"name":"b","task":"t","hardware":"h","accuracy":0.8,"source":"Two","profile":{"latency_s":{"8":0.01}},"batch_sizes":[8],"origin":{"accuracy":"assumed"}},
    {"name":"c","task":"u","hardware":"h","accuracy":0.8,"profile":{"latency_s":{"1":0.01}}}]})");
  const Catalog c = catalog_of(file);
  EXPECT_THAT(fronts_of(c, file)[0].doubts, testing::ElementsAre("accuracies are 1 assumed, 1 measured", "variants are 1 of One, 1 of Two",
                                                                 "latencies are 1 of batches of 1, 1 of batches of 8"));
  EXPECT_THAT(fronts_of(c, file)[1].doubts, testing::IsEmpty());
  EXPECT_THAT(show_text(c, file), testing::AllOf(HasSubstr("not comparable as they stand: accuracies are 1 assumed, 1 measured\n"),
                                                 HasSubstr("different metrics are not comparable: mAP, top-1.")));
  EXPECT_EQ(show_json(c, file)["fronts"][0]["not_comparable"].size(), 3U);
}

TEST(CatalogFit, finds_curves_again_and_refuses_what_was_not_measured) {
  std::vector<std::pair<double, double>> line, bend;
  for (const double b : {1.0, 2.0, 4.0, 8.0, 16.0, 32.0}) {
    line.emplace_back(b, 0.01 + 0.002 * b);
    bend.emplace_back(b, std::pow(std::pow(0.01, 4) + std::pow(0.001 * b, 4), 0.25));
  }
  const CurveFit a = fit_curve(line, false), z = fit_curve(bend, true);
  EXPECT_NEAR(a.base, 0.01, 1e-9);
  EXPECT_NEAR(a.slope, 0.002, 1e-9);
  EXPECT_NEAR(z.base, 0.01, 1e-5);
  EXPECT_NEAR(z.slope, 0.001, 1e-6);
  EXPECT_LT(z.rms, 1e-3);
  EXPECT_GT(fit_curve(bend, false).largest, 0.1);
  const Json catalog = Json::parse(R"({"variants":[
    {"name":"v","origin":{"latency":"measured"},"profile":{"latency_s":{"1":"10ms","2":0.011,"8":0.02}}},
    {"name":"few","origin":{"latency":"measured"},"profile":{"latency_s":{"1":0.01}}},
    {"name":"guess","profile":{"latency_s":{"1":0.01,"2":0.02,"3":0.03}}},
    {"name":"cores","origin":{"latency":"measured"},"profile":{"cores":{"1":{"1":0.11},"2":{"1":0.06},"10":{"1":0.02}}}}]})");
  const auto points = points_of(catalog);
  const Json j = fit_json(points, {});
  ASSERT_EQ(j.size(), 4U);
  EXPECT_TRUE(j[0].contains("line"));
  EXPECT_EQ(j[1]["no_curve"], "measured is batch 1 alone; a curve takes 3");
  EXPECT_EQ(j[2]["no_curve"], "no batch was measured: all are assumed");
  EXPECT_NEAR(j[3]["cores"]["base_s"].get<double>(), 0.01, 1e-6);
  EXPECT_NEAR(j[3]["cores"]["slope_s"].get<double>(), 0.1, 1e-6);
  const auto at = [&](std::size_t k, std::uint32_t items) { return fit_json({points[k]}, items); };
  EXPECT_EQ(at(0, 16)[0]["at"]["items"], 16);
  EXPECT_THROW(at(0, 17), InputError);
  EXPECT_THROW(fit_text({points[0]}, 17), InputError);
  EXPECT_THAT(fit_text(points, {}), testing::AllOf(HasSubstr("Amdahl"), HasSubstr("3 variants without a curve")));
}

TEST(CatalogFit, refuses_what_was_not_measured_of_variants_without_a_curve_too) {
  const auto points = points_of(Json::parse(R"({"variants":[
    {"name":"one","origin":{"latency":"measured"},"profile":{"latency_s":{"1":0.01}}},
    {"name":"iso","origin":{"latency":"derived","measured_batches":[1]},"profile":{"latency_s":{"1":0.01,"2":0.02,"4":0.04,"8":0.08}}},
    {"name":"rate","origin":{"latency":"derived"},"profile":{"latency_s":{"1":0.01,"8":0.08}}}]})"));
  const auto refused = [&](std::size_t k, std::uint32_t items) {
    try {
      EXPECT_FALSE(fit_json({points[k]}, items)[0].contains("line"));
    } catch (const InputError& e) {
      EXPECT_THROW(fit_text({points[k]}, items), InputError);
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_EQ(refused(0, 2), "");
  EXPECT_THAT(refused(0, 3), HasSubstr("variant \"one\": 3 items are beyond twice the largest batch that was measured, 1"));
  EXPECT_EQ(refused(1, 2), "");
  EXPECT_THAT(refused(1, 64), HasSubstr("variant \"iso\": 64 items are beyond twice the largest batch that was measured, 1"));
  EXPECT_THAT(refused(2, 1), HasSubstr("variant \"rate\": none of its batches was measured (derived)"));
  EXPECT_EQ(no_curve(points[1]), "measured is batch 1 alone, the others are derived; a curve takes 3");
  EXPECT_EQ(no_curve(points[2]), "no batch was measured: all are derived");
}

// The three orderings of figure 1 of the paper that scenarios/catalogs/resnet50_v100.json names.
TEST(ShippedCatalogs, batch_size_variants_keep_the_orderings_of_figure_1) {
  const Catalog c = catalog_of(read_json((shipped / "resnet50_v100.json").string()));
  ASSERT_EQ(c.variants.size(), 5U);
  struct Point {
    std::string name;
    double call_s, rate, memory;
  };
  const auto point = [&](const std::string& name) {
    const Variant& v = variant(c, name + "@v100");
    const std::uint32_t items = v.batch_sizes.empty() ? 1 : v.batch_sizes.front();  // the default serves single items
    const double s = to_seconds(v.profile.latency(items));
    return Point{name, s, items / s, static_cast<double>(v.memory_for(items))};
  };
  const Point caffe = point("resnet50-caffe2-fp32"), b1 = point("resnet50-trt-b1-fp32"), b1h = point("resnet50-trt-b1-fp16"),
              b64 = point("resnet50-trt-b64-fp32"), b64h = point("resnet50-trt-b64-fp16");
  for (const auto& [half, full] : {std::pair{b1h, b1}, {b64h, b64}}) {
    EXPECT_LT(half.call_s, full.call_s);
    EXPECT_GT(half.rate, full.rate);
  }
  for (const auto& [large, small] : {std::pair{b64, b1}, {b64h, b1h}}) {
    EXPECT_GT(large.rate, small.rate);
    EXPECT_GT(large.call_s, small.call_s);
    EXPECT_GT(large.memory, small.memory);
  }
  for (const Point& x : {caffe, b1, b1h, b64, b64h})
    for (const Point& y : {caffe, b1, b1h, b64, b64h})
      EXPECT_FALSE(x.name != y.name && x.call_s <= y.call_s && x.rate >= y.rate && x.memory <= y.memory)
          << x.name << " dominates " << y.name;
  std::set<double> accuracies;
  for (const Variant& v : c.variants) accuracies.insert(v.accuracy);
  EXPECT_EQ(accuracies.size(), 1U);
}

TEST(ShippedCatalogs, each_figure_of_hardware_has_a_source_or_is_marked_assumed) {
  const Json file = read_json((shipped / "hardware.json").string());
  EXPECT_GT(file["hardware"].size(), 20U);
  expect_sources(file);
}

TEST(PublishedYoloBenchCatalog, shows_as_many_measured_latencies_as_were_published) {
  TIDELINE_NEEDS_PUBLISHED_PROFILES();
  const auto folder = test::published_profiles() / "yolobench";
  std::ifstream table(folder / "merged_results.csv"), params(folder / "COMPUTED_params_macs.csv");
  ASSERT_TRUE(table && params) << folder;
  std::ostringstream out;
  YoloBenchOptions options;
  options.tasks = {YoloBenchTask::voc, YoloBenchTask::sku, YoloBenchTask::wider, YoloBenchTask::coco};
  (void)import_yolobench(table, &params, out, options);
  Problems problems;
  const Json file = parse_json(out.str(), "yolobench", problems).root;
  const Json origin = show_json(catalog_of(file), file)["origin"];
  EXPECT_EQ(origin["latency"]["measured"], 4576);
  EXPECT_GT(origin["latency"]["derived"], 4576);
  EXPECT_EQ(origin["latency"]["assumed"], 0);
  EXPECT_EQ(origin["accuracy"]["measured"], 4 * 572 * 5) << "those in FP32";
  EXPECT_EQ(origin["accuracy"]["assumed"], 4 * 572 * 3);
  EXPECT_EQ(origin["artefact"]["computed"], 4 * 4576);
  const std::vector<VariantPoints> points = points_of(file);
  EXPECT_EQ(fit_json(points, 2).size(), 4U * 4576);
  EXPECT_THROW(fit_json(points, 64), InputError);
}

/// The tables that others publish, as they are.
class PublishedTables : public testing::Test {
 protected:
  void SetUp() override { TIDELINE_NEEDS_PUBLISHED_PROFILES(); }
  static std::string text(const std::filesystem::path& name) {
    std::ifstream in(test::published_profiles() / name);
    EXPECT_TRUE(in) << name;
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  /// No figure of them looks like one in another unit.
  static void expect_no_suspicion(const std::vector<std::string>& notes) {
    for (const std::string& note : notes) EXPECT_THAT(note, testing::Not(HasSubstr("suspicious")));
  }
};

TEST_F(PublishedTables, of_yolobench_that_are_wider_have_968_models) {
  std::istringstream table(text("yolobench/VOC_scratch_100epochs.csv")), latencies(text("yolobench/YOLO_latency.csv"));
  std::ostringstream out;
  YoloBenchOptions options;
  options.latencies = &latencies;
  const ImportReport report = import_yolobench(table, nullptr, out, options);
  EXPECT_EQ(report.rows, 968U);
  EXPECT_EQ(report.dropped.at("no accuracy was measured in INT8"), 968U);
  EXPECT_EQ(report.variants, 968U * 7);
  expect_no_suspicion(report.notes);
}

TEST_F(PublishedTables, of_nvidia_have_twelve_curves_of_nine_batches) {
  const Imported i = import("nvidia", {text("nvidia_dle/convnets_inference.csv")},
                            "model,accuracy\nresnet50v1.5,0.76\nresnext101-32x4d,0.79\nse-resnext101-32x4d,0.8\n");
  EXPECT_EQ(i.report.rows, 108U);
  EXPECT_EQ(i.report.variants, 12U);
  EXPECT_EQ(i.report.batched, 12U);
  for (const Variant& v : i.catalog.variants) EXPECT_EQ(v.max_batch, 256U);
  expect_no_suspicion(i.report.notes);
}

TEST_F(PublishedTables, of_hailo_are_read_in_both_layouts) {
  const Imported i = import("hailo", {text("hailo/hailo_classification.csv"), text("hailo/hailo_object_detection.csv")});
  EXPECT_EQ(i.report.rows, 227U + 269U);
  EXPECT_EQ(i.report.variants, 496U);
  EXPECT_EQ(i.catalog.tasks.size(), 2U);
  expect_no_suspicion(i.report.notes);
}

TEST_F(PublishedTables, of_ai_hub_leave_out_what_has_no_accuracy_in_its_precision) {
  const Imported i = import("aihub", {text("aihub/qualcomm_aihub_perf.csv"), text("aihub/qualcomm_aihub_model_info.csv")},
                            "model,precision,accuracy\nresnet50,,0.76\n");
  EXPECT_EQ(i.report.rows, 2641U);
  EXPECT_EQ(i.report.variants, 27U);
  EXPECT_GT(i.report.dropped.at("no accuracy in w8a8, and that of another precision is not its own"), 700U);
  EXPECT_FALSE(i.report.dropped.contains("a variant of that name before it"));
  for (const Variant& v : i.catalog.variants) EXPECT_NEAR(static_cast<double>(v.artefact_bytes), 100e6, 10e6) << v.name;
  expect_no_suspicion(i.report.notes);
}

TEST_F(PublishedTables, of_aws_neuron_are_read_with_those_of_prices_among_them) {
  std::vector<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator(test::published_profiles() / "aws_neuron"))
    if (entry.path().extension() == ".csv") all.push_back(text(std::filesystem::relative(entry.path(), test::published_profiles())));
  EXPECT_EQ(all.size(), 9U);
  const Imported i = import("neuron", all, "model,accuracy\nresnet50,0.76\nvgg16,0.72\n");
  EXPECT_EQ(i.report.variants, 2U);
  for (const Variant& v : i.catalog.variants) EXPECT_GE(v.batch_sizes.size(), 2U) << v.name;
  EXPECT_EQ(std::count_if(i.report.notes.begin(), i.report.notes.end(), [](const std::string& n) { return n.find("prices") != n.npos; }),
            2);
  expect_no_suspicion(i.report.notes);
}

TEST_F(PublishedTables, of_timm_join_the_accuracies_of_imagenet) {
  const std::string accuracies = text("timm/results-imagenet.csv");
  for (const char* name : {"benchmark-infer-amp-nchw-pt240-cu124-rtx3090.csv", "benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv",
                           "benchmark-infer-amp-nchw-pt291-cu130-5090.csv", "benchmark-infer-fp32-nchw-pt240-cpu-i7_12700h-dynamo.csv",
                           "benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv"}) {
    const Imported i = import("timm", {text(std::filesystem::path("timm") / name)}, accuracies, "board");
    EXPECT_GT(i.report.variants, 700U) << name;
    EXPECT_LT(i.report.dropped.at("no accuracy"), i.report.rows / 2) << name;
    expect_no_suspicion(i.report.notes);
  }
}

// The table of upstream has fronts by four metrics on four data sets and eight platforms. What `show` prints is held against them: the
// fronts of mAP@0.5:0.95, but for the Raspberry Pi 4, which is one hardware type for two of their columns.
class PublishedFronts : public testing::Test {
 protected:
  void SetUp() override {
    TIDELINE_NEEDS_PUBLISHED_PROFILES();
    const auto folder = test::published_profiles() / "yolobench";
    std::ifstream table(folder / "merged_results.csv"), fronts(folder / "pareto_indices.csv");
    ASSERT_TRUE(table && fronts) << folder;
    std::ostringstream out;
    YoloBenchOptions options;
    options.tasks = {YoloBenchTask::voc, YoloBenchTask::sku, YoloBenchTask::wider, YoloBenchTask::coco};
    (void)import_yolobench(table, nullptr, out, options);
    Problems problems;
    file_ = parse_json(out.str(), "yolobench", problems).root;
    catalog_ = catalog_of(file_);
    published_.emplace(fronts, "pareto_indices.csv");
    // Rows of the table by their index, as upstream counts.
    std::ifstream again(folder / "merged_results.csv");
    const CsvTable rows(again, "merged_results.csv");
    for (std::size_t row = 0; row < rows.size(); ++row) models_.push_back(rows.cell(row, rows.column("model_name")));
  }

  /// Of JSON that `show` prints, without a look at how it compares: fronts whose models are those that the indices name, but for the
  /// hardware type that two columns share.
  int equal_by_name(const Json& shown) const {
    const std::map<std::string, std::string> suffixes{{"voc", ""}, {"sku", "-sku"}, {"wider", "-wider"}, {"coco", "-coco"}};
    int equal = 0;
    for (std::size_t row = 0; row < published_->size(); ++row) {
      const std::string data = published_->cell(row, published_->column("data"));
      if (!data.starts_with("mAP_0.5:0.95_")) continue;
      const std::string set = data.substr(13);
      std::vector<std::string> expected, found;
      std::istringstream list(published_->cell(row, published_->column("pareto_indices")));
      for (std::string index; std::getline(list, index, ',');)
        expected.push_back(models_.at(static_cast<std::size_t>(std::stoi(index))) + suffixes.at(set));
      const auto platform = yolobench_platform(published_->cell(row, published_->column("hardware")));
      if (platform->hardware == "raspberry_pi_4") continue;
      for (const Json& f : shown["fronts"])
        if (f["task"] == "detect-" + set && f["hardware"] == platform->hardware)
          for (const Json& v : f["front"]) found.push_back(v["model"]);
      if (found == expected) ++equal;
    }
    return equal;
  }

  Json file_;
  Catalog catalog_;
  std::optional<CsvTable> published_;
  std::vector<std::string> models_;
};

TEST_F(PublishedFronts, are_what_show_prints_where_they_can_be_compared) {
  const Json shown = show_json(catalog_, file_, &*published_);
  EXPECT_EQ(equal_by_name(shown), 4 * 6);
  std::map<std::string, int> compared;
  for (const Json& p : shown["published"]) ++compared[p.contains("equal") ? (p["equal"] == true ? "equal" : "differs") : "not comparable"];
  EXPECT_EQ(compared, (std::map<std::string, int>{{"equal", 24}, {"not comparable", 104}}));
  for (const Json& f : shown["fronts"])
    EXPECT_EQ(f["not_comparable"].size(), f["hardware"] == "raspberry_pi_4" ? 1U : 0U) << f["hardware"] << f["not_comparable"];
  EXPECT_THAT(show_text(catalog_, file_, &*published_),
              testing::AllOf(
                  HasSubstr("detect-voc (mAP@0.5:0.95) on raspberry_pi_4: "),
                  HasSubstr("not comparable as they stand: the front is of no framework alone (--framework shows one): variants are 572 of "
                            "onnxruntime, 572 of tflite\n"),
                  HasSubstr("mAP_0.5:0.95_voc raspi4_tflite_latency as published: not comparable, of tflite alone"),
                  HasSubstr("mAP_0.5:0.95_voc a40_trt_latency as published: equal\n"),
                  HasSubstr("Fronts of pareto_indices.csv: 24 equal, 0 differ, 104 not comparable\n"),
                  HasSubstr("  32 of precision, and tasks have the metric mAP@0.5:0.95\n")));
}

TEST_F(PublishedFronts, of_the_raspberry_pi_4_are_those_of_each_framework_alone) {
  for (const auto& [framework, column] : {std::pair{"tflite", "raspi4_tflite_latency"}, {"onnxruntime", "pi4_ort_latency"}}) {
    Catalog alone = catalog_;
    Json file = file_;
    keep_framework(framework, alone, file);
    const Json shown = show_json(alone, file, &*published_);
    int equal = 0;
    for (const Json& p : shown["published"])
      if (p["hardware"] == column && p.value("equal", false)) ++equal;
    EXPECT_EQ(equal, 4) << framework;
  }
  EXPECT_THROW(keep_framework("tflight", catalog_, file_), InputError);
}

TEST_F(PublishedFronts, differ_from_those_of_another_table) {
  std::swap(file_["variants"][0]["accuracy"], file_["variants"][33]["accuracy"]);
  const Json shown = show_json(catalog_of(file_), file_, &*published_);
  EXPECT_EQ(shown["published"][0]["equal"], false);
  EXPECT_THAT(shown["published"][0]["difference"].get<std::string>(), HasSubstr(" variants are on both, "));
}

}  // namespace
}  // namespace tideline

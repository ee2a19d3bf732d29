// The backend cuda, twice: on a GPU, where there is one, and on a stand-in on the processor (tests/support/cuda_stand_in.h), which checks the
// wiring wherever the headers of CUDA and cuDNN are. What cannot be run is skipped and says why.
#include "src/real/cores.h"
#include "src/real/shape.h"
#include "tests/support/cuda_stand_in.h"
#include "tests/support/networks.h"
#include "tests/support/program.h"
#include "tests/support/sanitized.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdlib>
#include <dlfcn.h>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tideline::real {
namespace {

using test::CudaStandIn;
using test::Folder;
using test::is_sanitized;
using test::Outcome;
using Json = nlohmann::json;
using testing::HasSubstr;

#ifdef TIDELINE_CUDA_STAND_IN
constexpr const char* stand_in_path = TIDELINE_CUDA_STAND_IN;
#else
constexpr const char* stand_in_path = nullptr;
#endif
#ifdef TIDELINE_CUDA_REAL
constexpr const char* real_path = TIDELINE_CUDA_REAL;
#else
constexpr const char* real_path = nullptr;
#endif

constexpr const char* no_headers = "the headers of CUDA and cuDNN were not there when the tests were built: no stand-in";
constexpr const char* variable = "TIDELINE_CUDA_MODULE";

/// What it says that throws CannotRun; empty where nothing is thrown.
template <class F>
std::string refusal(F f) {
  try {
    f();
  } catch (const CannotRun& e) {
    return e.what();
  }
  return {};
}

/// As it was before, at the end.
class Environment {
 public:
  explicit Environment(const char* value) {
    if (const char* before = std::getenv(variable)) before_ = before;
    if (value)
      setenv(variable, value, 1);
    else
      unsetenv(variable);
  }
  ~Environment() {
    if (before_.empty())
      unsetenv(variable);
    else
      setenv(variable, before_.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::string before_;
};

/// Of the stand-in, once it was opened.
CudaStandIn& stand_in() {
  static CudaStandIn* const state = [] {
    void* library = dlopen(stand_in_path, RTLD_NOW | RTLD_LOCAL);
    const auto function = library ? reinterpret_cast<test::CudaStandInFunction>(dlsym(library, test::cuda_stand_in_function)) : nullptr;
    return function ? function() : nullptr;
  }();
  if (state == nullptr) throw std::runtime_error("the stand-in cannot be opened");
  return *state;
}

/// The stand-in for a test, as it is at first and empty, and so again at the end.
class StandIn : public testing::Test {
 protected:
  void SetUp() override {
    if (!stand_in_path) GTEST_SKIP() << no_headers;
    environment_ = std::make_unique<Environment>(stand_in_path);
    s = &stand_in();
  }
  void TearDown() override {
    if (!s) return;
    EXPECT_TRUE(s->is_empty()) << s->device_bytes << " bytes, " << s->pinned_bytes << " pinned, " << s->objects << " objects";
    EXPECT_EQ(s->misuses, 0);
    s->memory = std::int64_t{1} << 30;
    s->devices = 1;
    s->driver = 99000;
    s->major = 9;
    s->minor = 0;
    s->has_winograd_nonfused_alone = s->has_no_algorithm = s->has_no_advice = false;
    s->fail_at = -1;
    s->misuses = 0;
  }
  CudaStandIn* s = nullptr;

 private:
  std::unique_ptr<Environment> environment_;
};

enum class Where : std::uint8_t { stand_in, gpu };
std::string name_of(Where w) { return w == Where::gpu ? "gpu" : "stand_in"; }
void PrintTo(Where w, std::ostream* out) { *out << name_of(w); }

/// The same test on both.
class Cuda : public testing::TestWithParam<Where> {
 protected:
  void SetUp() override {
    const bool on_gpu = GetParam() == Where::gpu;
    if (!on_gpu && !stand_in_path) GTEST_SKIP() << no_headers;
    environment_ = std::make_unique<Environment>(on_gpu ? real_path : stand_in_path);
    if (on_gpu) {
      // What this machine or build lacks is skipped; a module that cannot be opened, or a GPU that fails, is not.
      if (const std::string why = refusal([&] { backend = make_backend("cuda"); }); !why.empty()) {
        ASSERT_THAT(why, testing::AnyOf(HasSubstr("the backend cuda needs"), HasSubstr("this build has no backend cuda")));
        GTEST_SKIP() << why;
      }
    } else {
      backend = make_backend("cuda");
    }
  }
  void TearDown() override {
    if (GetParam() == Where::gpu || !stand_in_path) return;
    EXPECT_TRUE(stand_in().is_empty());
    EXPECT_EQ(stand_in().misuses, 0);
  }
  std::int64_t free_bytes() const { return backend->device_memory()->free; }
  std::unique_ptr<Backend> backend;

 private:
  std::unique_ptr<Environment> environment_;
};
INSTANTIATE_TEST_SUITE_P(, Cuda, testing::Values(Where::stand_in, Where::gpu),
                         [](const testing::TestParamInfo<Where>& at) { return name_of(at.param); });

struct Agreement {
  const char* name;
  std::uint32_t resolution, most, items;
};

void expect_agreement(Backend& backend, Precision precision, double most) {
  // Those of oneDNN's tests; the processor takes minutes for the larger ones where each access is checked.
  std::vector<Agreement> agreements{{"yolov5t", 64, 3, 3}, {"yolov5n", 96, 1, 1}};
  if (!is_sanitized)
    agreements.insert(agreements.end(), {{"yolov5n", 160, 4, 3}, {"yolov5n", 64, 8, 8}, {"yolov5s", 128, 2, 1}, {"yolov5m", 64, 1, 1}});
  for (const auto& [name, resolution, max_items, items] : agreements) {
    auto reference = make_backend("eigen")->load(model(name, resolution), max_items, 1);
    auto network = backend.load(model(name, resolution, precision), max_items, 1);
    reference->run(items);
    network->run(items);
    for (std::uint32_t item = 0; item < items; ++item)
      EXPECT_LT(relative_error(network->output(item), reference->output(item)), most) << name << " " << resolution << " item " << item;
    const std::int64_t values = static_cast<std::int64_t>(make_shape(model(name, resolution)).parameters());
    EXPECT_GE(network->weight_bytes(), values * (precision == Precision::bf16 ? 2 : 4));
    EXPECT_GT(network->resident_bytes(), network->weight_bytes());
    EXPECT_THAT(network->kernels(), HasSubstr("convolution "));
  }
}

TEST_P(Cuda, f32_agrees_with_eigen_within_1e_4) { expect_agreement(*backend, Precision::f32, 1e-4); }

TEST_P(Cuda, bf16_agrees_with_eigen_within_2e_2) {
  // The stand-in has bf16; a GPU may be one that has not.
  if (const std::string why = refusal([&] { backend->check(model("yolov5t", 32, Precision::bf16)); }); !why.empty()) {
    ASSERT_EQ(GetParam(), Where::gpu) << why;
    ASSERT_THAT(why, HasSubstr("this GPU has no bf16"));
    GTEST_SKIP() << why;
  }
  expect_agreement(*backend, Precision::bf16, 2e-2);
}

TEST_P(Cuda, inputs_and_batches_may_change_between_runs) {
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    const NetworkSpec spec = model("yolov5t", 64, precision);
    if (!refusal([&] { backend->check(spec); }).empty()) continue;
    auto reference = make_backend("eigen")->load(model("yolov5t", 64), 3, 1);
    auto network = backend->load(spec, 3, 1);
    for (const std::uint32_t items : {3U, 1U, 2U}) {
      for (std::uint32_t item = 0; item < items; ++item) {
        const auto input = random_input(make_shape(spec), item, 100 + items);
        reference->set_input(item, input);
        network->set_input(item, input);
      }
      reference->run(items);
      network->run(items);
      for (std::uint32_t item = 0; item < items; ++item)
        EXPECT_LT(relative_error(network->output(item), reference->output(item)), precision == Precision::f32 ? 1e-4 : 2e-2);
    }
  }
}

TEST_P(Cuda, networks_run_in_threads_of_their_own) {
  const NetworkSpec spec = model("yolov5t", 64);
  const auto wanted = backend->load(spec, 1, 1)->output(0);
  std::vector<std::unique_ptr<Network>> networks(3);
  networks[0] = backend->load(spec, 1, 1);  // and run by a thread that did not load it
  std::vector<std::thread> threads;
  for (auto& n : networks)
    threads.emplace_back([&] {
      if (!n) n = backend->load(spec, 1, 1);
      for (int k = 0; k < 10; ++k) n->run(1);
    });
  for (auto& t : threads) t.join();
  for (auto& n : networks) EXPECT_LT(relative_error(n->output(0), wanted), 1e-6);
}

TEST_P(Cuda, parts_of_a_load_are_measured) {
  for (int k = 0; k < 2; ++k) {
    const LoadParts parts = backend->load(model("yolov5n", 64), 2, 1)->load_parts();
    EXPECT_GT(parts.read_s, 0);
    EXPECT_GT(parts.build_s, 0);
    EXPECT_GT(parts.copy_s, 0);
    EXPECT_GT(parts.first_run_s, 0);
  }
}

TEST_P(Cuda, what_was_loaded_is_freed) {
  const NetworkSpec spec = model("yolov5n", 64);
  // Libraries keep what they made at their first use.
  for (int k = 0; k < 3; ++k) backend->load(spec, 4, 1);
  const std::int64_t before = free_bytes();
  std::int64_t least = before;
  for (int k = 0; k < (GetParam() == Where::gpu ? 100 : 10); ++k) {
    const auto network = backend->load(spec, 4, 1);
    least = std::min(least, free_bytes());
  }
  EXPECT_LE(least, before - static_cast<std::int64_t>(make_shape(spec).parameters() * sizeof(float)));
  // A GPU's memory is counted in pieces of 2 MiB; what is lost by each load would be a hundred times as much as one load takes.
  EXPECT_GE(free_bytes(), before - (GetParam() == Where::gpu ? 16 << 20 : 0));
}

TEST_P(Cuda, too_little_memory_is_refused_with_the_numbers_and_nothing_stays) {
  const std::int64_t before = free_bytes();
  // Outputs for 256 images of 16 million pixels: hundreds of gigabytes.
  const std::string why = refusal([&] { backend->load(model("yolov5s", 4096), 256, 1); });
  EXPECT_THAT(why, HasSubstr("the GPU has too little memory: "));
  EXPECT_THAT(why, HasSubstr("bytes are needed for the outputs of its layers, and "));
  EXPECT_GE(free_bytes(), before - (GetParam() == Where::gpu ? 16 << 20 : 0));
  EXPECT_EQ(backend->load(model("yolov5t", 32), 1, 1)->output(0).size(), make_shape(model("yolov5t", 32)).output_values());
}

TEST_P(Cuda, what_it_cannot_do_is_refused) {
  EXPECT_THAT(refusal([&] { backend->load(model("yolov5t", 64), 1, 2); }), HasSubstr("is run by one thread, not 2"));
  EXPECT_THAT(refusal([&] { backend->load(model("yolov5t", 64), 0, 1); }), HasSubstr("at least one item"));
  EXPECT_THAT(refusal([&] { backend->check(model("yolov5t", 100)); }), HasSubstr("multiple of 32"));
  auto network = backend->load(model("yolov5t", 64), 2, 1);
  EXPECT_THROW(network->run(3), std::runtime_error);
  EXPECT_THROW(network->run(0), std::runtime_error);
  EXPECT_THROW(network->set_input(0, std::vector<float>(3)), std::runtime_error);
  EXPECT_THROW(network->output(2), std::runtime_error);
}

TEST_P(Cuda, profiles_make_a_catalog_that_real_mode_runs) {
  TIDELINE_NEEDS_TWO_CORES();
  const Folder folder;
  const Outcome profile = test::tideline(folder, {"profile", "--backend", "cuda", "--models", "yolov5t-32", "--batches", "1,2", "--seconds",
                                                  "0.05", "--repetitions", "10", "--loads", "2", "--quiet", "--out", "gpu.json"});
  ASSERT_EQ(profile.code, 0) << profile.err;
  EXPECT_THAT(profile.out, HasSubstr("cuDNN"));
  const Json catalog = Json::parse(test::read_file(folder / "gpu.json"));
  const Json& hardware = catalog.at("hardware")[0];
  EXPECT_EQ(hardware.at("kind"), "gpu");
  EXPECT_GT(hardware.at("memory_bytes"), 0);
  EXPECT_FALSE(hardware.contains("price_per_hour_usd"));
  const Json& variant = catalog.at("variants")[0];
  EXPECT_EQ(variant.at("kernel").at("backend"), "cuda");
  EXPECT_EQ(variant.at("kernel").at("threads"), 1);
  EXPECT_EQ(variant.at("framework"), "cudnn");
  EXPECT_FALSE(variant.contains("energy_per_item_j"));
  EXPECT_THAT(variant.at("source").get<std::string>(), HasSubstr("convolution implicit GEMM"));

  Json s = Json::parse(R"({ "schema": 1, "catalog": "gpu.json",
    "cluster": { "sites": [ { "name": "core" } ], "pools": [ { "name": "gpus", "site": "core", "hardware": "host", "count": 1 } ] },
    "workload": [ { "name": "cameras", "task": "detect", "origin": "core", "source": "poisson", "params": { "rate_qps": 20 },
      "classes": [ { "name": "all", "latency_slo_s": 0.5 } ] } ],
    "policies": { "coldstart": { "name": "fixed_keep_alive", "params": { "keep_alive_s": 1000 } } },
    "initial": [ { "variant": "yolov5t-32@host", "pool": "gpus", "per_device": 1 } ],
    "measure": { "duration_s": 1, "drain_s": 5 } })");
  const auto run = [&] {
    folder.write("s.json", s.dump());
    return test::tideline(folder, {"run", "s.json", "--mode", "real", "--no-results", "--summary", "json"});
  };
  const Outcome done = run();
  ASSERT_EQ(done.code, 0) << done.err;
  const Json summary = Json::parse(done.out);
  EXPECT_EQ(summary.at("audit").at("passed"), true);
  EXPECT_GT(summary.at("total").at("queries_served"), 3);
  EXPECT_EQ(summary.at("real").at("failed_batches"), 0);
  EXPECT_THAT(summary.at("real").at("backends").at("cuda").get<std::string>(), HasSubstr("cuDNN"));

  s["cluster"]["pools"][0]["count"] = 2;
  s["initial"] = Json::array();
  const Outcome two = run();
  EXPECT_EQ(two.code, 3);
  EXPECT_THAT(two.err, HasSubstr("2 devices for the backend cuda, and it runs on one"));
  s["cluster"]["pools"][0]["count"] = 1;
  Json large = catalog;
  large["hardware"][0]["memory_bytes"] = 2e15 / 4;
  large["variants"][0]["memory_bytes"] = 1e14;
  s["catalog"] = large;
  const Outcome full = run();
  EXPECT_EQ(full.code, 3) << full.err;
  EXPECT_THAT(full.err, HasSubstr("variant 'yolov5t-32@host' needs 10000"));
}

// --- what only the stand-in can do ---

TEST_F(StandIn, every_call_that_fails_ends_a_load_and_nothing_stays) {
  auto backend = make_backend("cuda");
  const NetworkSpec spec = model("yolov5t", 32, Precision::bf16);
  s->calls = 0;
  backend->load(spec, 2, 1);
  const std::int64_t whole = s->calls;
  ASSERT_GT(whole, 500);
  // The first ones allocate and create each its own thing; the others repeat, layer by layer.
  for (std::int64_t k = 0; k < whole; k += k < 60 || k > whole - 10 ? 1 : is_sanitized ? 31 : 7) {
    s->fail_at = k;
    s->calls = 0;
    EXPECT_FALSE(refusal([&] { backend->load(spec, 2, 1); }).empty()) << "call " << k << " of " << whole;
    EXPECT_TRUE(s->is_empty()) << "call " << k << ": " << s->device_bytes << " bytes, " << s->pinned_bytes << " pinned, " << s->objects
                               << " objects";
    EXPECT_EQ(s->misuses, 0) << "call " << k;
  }
  s->fail_at = -1;
  EXPECT_GT(backend->load(spec, 2, 1)->output(0).size(), 0U);
}

TEST_F(StandIn, a_batch_that_fails_is_told_and_the_next_one_is_right) {
  auto backend = make_backend("cuda");
  const NetworkSpec spec = model("yolov5t", 32);
  auto network = backend->load(spec, 2, 1);
  network->run(2);
  const auto wanted = network->output(1);
  s->calls = 0;
  network->run(2);
  const std::int64_t whole = s->calls;
  for (std::int64_t k = 0; k < whole; k += 5) {
    s->fail_at = k;
    s->calls = 0;
    EXPECT_THROW(network->run(2), std::runtime_error) << "call " << k << " of " << whole;
    s->fail_at = -1;
    network->run(2);
    EXPECT_EQ(network->output(1), wanted);
  }
}

TEST_F(StandIn, memory_that_does_not_suffice_is_told_by_the_part_that_lacks_it) {
  auto backend = make_backend("cuda");
  const NetworkSpec spec = model("yolov5t", 32);
  const std::int64_t weights = backend->load(spec, 1, 1)->weight_bytes();
  s->memory = 1 << 20;
  EXPECT_THAT(refusal([&] { backend->load(spec, 1, 1); }),
              HasSubstr("bytes are needed for the weights of a network, and 1048576 of 1048576 are free"));
  s->memory = weights;
  EXPECT_EQ(backend->device_memory()->free, weights);
  EXPECT_THAT(refusal([&] { backend->load(spec, 1, 1); }), HasSubstr("for the outputs of its layers, and 0 of "));
}

TEST_F(StandIn, algorithms_that_do_not_work_or_round_too_much_are_passed_over) {
  auto backend = make_backend("cuda");
  const NetworkSpec spec = model("yolov5t", 32);
  EXPECT_EQ(backend->load(spec, 2, 1)->kernels(), "convolution implicit GEMM, convolution implicit GEMM, indices computed before");
  s->has_winograd_nonfused_alone = true;
  EXPECT_EQ(backend->load(spec, 2, 1)->kernels(), "convolution implicit GEMM, indices computed before");
  s->has_no_advice = true;
  EXPECT_EQ(backend->load(spec, 2, 1)->kernels(), "convolution implicit GEMM, indices computed before");
  s->has_no_algorithm = true;
  EXPECT_THAT(refusal([&] { backend->load(spec, 1, 1); }), HasSubstr("cuDNN has no algorithm on this GPU for layer 1 ("));
}

TEST_F(StandIn, a_machine_without_what_it_takes_is_told_what_is_missing) {
  const auto why = [] { return refusal([] { make_backend("cuda"); }); };
  s->driver = 0;
  EXPECT_THAT(why(), HasSubstr("no NVIDIA driver is installed here; the backend cuda needs an NVIDIA GPU and a driver for CUDA "));
  s->driver = 9020;
  EXPECT_THAT(why(), HasSubstr("the NVIDIA driver here is one for CUDA 9.2; "));
  s->driver = 99000;
  s->devices = 0;
  EXPECT_THAT(why(), HasSubstr("no GPU can be used here (no CUDA-capable device is detected); "));
  s->devices = 1;
  s->major = 7;
  EXPECT_THAT(why(), HasSubstr("needs a GPU of compute capability 7.5 or later, and stand-in on the processor, for tests has 7.0"));
  s->minor = 5;
  auto backend = make_backend("cuda");
  EXPECT_THAT(refusal([&] { backend->load(model("yolov5t", 32, Precision::bf16), 1, 1); }), HasSubstr("this GPU has no bf16 ("));
  EXPECT_GT(backend->load(model("yolov5t", 32), 1, 1)->weight_bytes(), 0);
  EXPECT_THAT(backend->version(), HasSubstr("driver for CUDA 99.0, cuDNN "));
  // Its properties, and then its memory, cannot be asked.
  for (int k = 0; k < 2; ++k) {
    s->fail_at = k;
    s->calls = 0;
    EXPECT_THAT(why(), HasSubstr("the GPU cannot be used: CUDA: ")) << k;
  }
}

// --- the module ---

TEST(CudaModule, one_that_is_missing_is_told_with_the_places) {
  const Environment environment("/no/such/module.so");
  EXPECT_THAT(refusal([] { make_backend("cuda"); }), HasSubstr("(looked for as /no/such/module.so)"));
  EXPECT_THAT(refusal([] { make_backend("cuda"); }), HasSubstr("TIDELINE_CUDA_MODULE"));
}

TEST(CudaModule, one_that_is_none_or_of_another_build_is_refused) {
  const Folder folder;
  folder.write("text.so", "no library");
  {
    const Environment environment((folder / "text.so").c_str());
    EXPECT_THAT(refusal([] { make_backend("cuda"); }), HasSubstr("cannot be opened"));
  }
  const Environment environment(TIDELINE_CUDA_OTHER);
  EXPECT_THAT(refusal([] { make_backend("cuda"); }), HasSubstr("is of version 9.9.9, layout "));
}

TEST(CudaModule, without_a_gpu_the_real_one_says_what_it_needs) {
  if (!real_path) GTEST_SKIP() << "this build has no module of the backend cuda";
  const Environment environment(real_path);
  const std::string why = refusal([] { make_backend("cuda"); });
  if (why.empty()) GTEST_SKIP() << "there is a GPU here";
  EXPECT_THAT(why, testing::AnyOf(HasSubstr("needs an NVIDIA GPU and a driver"), HasSubstr("needs cuDNN"))) << why;
  const Folder folder;
  const Outcome done = test::tideline(folder, {"profile", "--backend", "cuda", "--out", "gpu.json"});
  EXPECT_EQ(done.code, 3);
  EXPECT_THAT(done.err, HasSubstr(why));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "gpu.json"));
}

TEST(CudaModule, a_program_without_it_says_so_and_does_all_else) {
  const Folder folder;
  const Environment environment((folder / "none.so").c_str());
  const Outcome done = test::tideline(folder, {"profile", "--backend", "cuda", "--out", "gpu.json"});
  EXPECT_EQ(done.code, 3);
  EXPECT_THAT(done.err, HasSubstr("libtideline_cuda.so"));
  EXPECT_EQ(test::tideline(folder, {"profile", "--backend", "cuda", "--cores", "2", "--out", "gpu.json"}).code, 2);
}

}  // namespace
}  // namespace tideline::real

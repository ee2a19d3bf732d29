#include "tests/support/networks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace tideline::real {
namespace {

bool has_cpu() { return backend_names().front() == "cpu"; }

/// One layer by its definition, in double precision.
std::vector<double> directly(const Shape& shape, std::size_t i, const std::vector<std::vector<double>>& done, std::uint64_t seed) {
  const Layer& l = shape.layers[i];
  std::vector<double> out;
  if (l.op == Op::concatenate) {
    for (const std::size_t from : l.inputs) out.insert(out.end(), done[from].begin(), done[from].end());
    return out;
  }
  const Layer& from = shape.layers[l.inputs.front()];
  const auto& in = done[l.inputs.front()];
  const auto weights = l.op == Op::convolution ? random_weights(shape, i, seed) : std::vector<float>{};
  const int side = static_cast<int>(from.side), k = static_cast<int>(l.kernel);
  for (std::uint32_t c = 0; c < l.channels; ++c) {
    for (int y = 0; y < static_cast<int>(l.side); ++y) {
      for (int x = 0; x < static_cast<int>(l.side); ++x) {
        const auto at = [&](std::uint32_t channel, int row, int column) {
          return in[(std::size_t{channel} * from.side + static_cast<std::size_t>(row)) * from.side + static_cast<std::size_t>(column)];
        };
        double value = l.op == Op::max_pool ? -1e300 : l.op == Op::convolution ? double{weights[shape.weights(i) + c]} : 0;
        if (l.op == Op::add) value = at(c, y, x) + done[l.inputs[1]][out.size()];
        if (l.op == Op::upsample) value = at(c, y / 2, x / 2);
        for (int v = 0; v < k && (l.op == Op::max_pool || l.op == Op::convolution); ++v) {
          for (int u = 0; u < k; ++u) {
            const int row = y * static_cast<int>(l.stride) + v - static_cast<int>(l.padding);
            const int column = x * static_cast<int>(l.stride) + u - static_cast<int>(l.padding);
            if (row < 0 || row >= side || column < 0 || column >= side) continue;
            if (l.op == Op::max_pool) value = std::max(value, at(c, row, column));
            for (std::uint32_t d = 0; d < from.channels && l.op == Op::convolution; ++d)
              value += at(d, row, column) *
                       double{weights[((std::size_t{c} * from.channels + d) * l.kernel + static_cast<std::size_t>(v)) * l.kernel +
                                      static_cast<std::size_t>(u)]};
          }
        }
        out.push_back(l.silu ? value / (1 + std::exp(-value)) : value);
      }
    }
  }
  return out;
}

TEST(RealShapes, parameters_and_operations_are_those_published) {
  // README of ultralytics/yolov5: millions of parameters, 10^9 FLOPs at 640 pixels, to one decimal. Ours lack the batch norms, which are
  // folded into the convolutions, and count no operation but those of convolutions: up to 1 % less.
  struct Published {
    const char* name;
    double parameters, operations;
  };
  for (const auto& [name, parameters, operations] :
       {Published{"yolov5n", 1.9, 4.5}, Published{"yolov5s", 7.2, 16.5}, Published{"yolov5m", 21.2, 49.0},
        Published{"yolov5l", 46.5, 109.1}, Published{"yolov5x", 86.7, 205.7}}) {
    const Shape shape = make_shape(model(name, 640));
    EXPECT_NEAR(static_cast<double>(shape.parameters()) / 1e6, parameters, 0.05 + 0.001 * parameters) << name;
    EXPECT_NEAR(shape.operations() / 1e9, operations, 0.05 + 0.01 * operations) << name;
  }
}

TEST(RealShapes, heads_have_three_anchors_at_three_strides) {
  const Shape shape = make_shape(model("yolov5n", 320));
  ASSERT_EQ(shape.heads.size(), 3U);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(shape.layers[shape.heads[k]].channels, 255U);
    EXPECT_EQ(shape.layers[shape.heads[k]].side, 320U / (8U << k));
  }
}

TEST(RealShapes, what_lives_at_the_same_time_lies_apart) {
  const Shape shape = make_shape(model("yolov5s", 96));
  const Arena arena = plan_arena(shape, 16);
  std::size_t whole = 0;
  for (const Layer& l : shape.layers) whole += l.values();
  EXPECT_LT(arena.size, whole / 2);
  const std::size_t n = shape.layers.size();
  std::vector<std::size_t> last(n);
  for (std::size_t i = 0; i < n; ++i)
    for (const std::size_t from : shape.layers[i].inputs) last[from] = i;
  last[0] = n;
  for (const std::size_t h : shape.heads) last[h] = n;
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_EQ(arena.offset[i] % 16, 0U);
    EXPECT_LE(arena.offset[i] + shape.layers[i].values(), arena.size);
    for (std::size_t j = i + 1; j < n; ++j) {
      if (last[i] < j) continue;
      EXPECT_TRUE(arena.offset[i] + shape.layers[i].values() <= arena.offset[j] ||
                  arena.offset[j] + shape.layers[j].values() <= arena.offset[i])
          << i << " and " << j;
    }
  }
}

TEST(RealShapes, weights_are_those_of_their_seed_and_keep_activations_in_bounds) {
  const Shape shape = make_shape(model("yolov5t", 64));
  EXPECT_EQ(random_weights(shape, 1, 7), random_weights(shape, 1, 7));
  EXPECT_NE(random_weights(shape, 1, 7), random_weights(shape, 1, 8));
  for (const char* name : {"yolov5n", "yolov5s"}) {
    auto network = make_backend("eigen")->load(model(name, 160), 1, 1);
    const auto out = network->output(0);
    double square = 0;
    for (const float x : out) square += double{x} * x;
    const double rms = std::sqrt(square / static_cast<double>(out.size()));
    EXPECT_GT(rms, 0.05) << name;
    EXPECT_LT(rms, 20) << name;
  }
}

TEST(RealShapes, what_is_no_network_is_refused) {
  NetworkSpec spec = model("yolov5n", 320);
  spec.network = "yolo5";
  EXPECT_THROW(
      try { make_shape(spec); } catch (const CannotRun& e) {
        EXPECT_STREQ(e.what(), "unknown network 'yolo5'; did you mean \"yolov5\"?");
        throw;
      },
      CannotRun);
  EXPECT_THROW(make_shape(model("yolov5n", 100)), CannotRun);
  EXPECT_THROW(make_backend("cup"), CannotRun);
}

TEST(RealEigen, agrees_with_layers_by_their_definition) {
  for (const std::uint32_t side : {32U, 96U}) {
    const NetworkSpec spec = model("yolov5t", side);
    const Shape shape = make_shape(spec);
    auto network = make_backend("eigen")->load(spec, 2, 1);
    network->run(2);
    const auto input = random_input(shape, 1, spec.seed);
    std::vector<std::vector<double>> done{{input.begin(), input.end()}};
    for (std::size_t i = 1; i < shape.layers.size(); ++i) done.push_back(directly(shape, i, done, spec.seed));
    std::vector<float> wanted;
    for (const std::size_t h : shape.heads)
      for (const double x : done[h]) wanted.push_back(static_cast<float>(x));
    EXPECT_LT(relative_error(network->output(1), wanted), 1e-5) << side;
  }
}

TEST(RealEigen, an_input_decides_the_output_of_its_item_alone) {
  auto network = make_backend("eigen")->load(model("yolov5t", 64), 2, 1);
  network->run(2);
  const auto first = network->output(0), second = network->output(1);
  EXPECT_NE(first, second);
  network->set_input(1, random_input(make_shape(model("yolov5t", 64)), 0, 1));
  network->run(2);
  EXPECT_EQ(network->output(0), first);
  EXPECT_EQ(network->output(1), first);
}

TEST(RealEigen, what_it_cannot_do_is_refused) {
  auto eigen = make_backend("eigen");
  EXPECT_THROW(eigen->load(model("yolov5t", 64), 1, 2), CannotRun);
  EXPECT_THROW(eigen->load(model("yolov5t", 64, Precision::bf16), 1, 1), CannotRun);
  EXPECT_THROW(eigen->load(model("yolov5t", 64), 0, 1), CannotRun);
  auto network = eigen->load(model("yolov5t", 64), 2, 1);
  EXPECT_THROW(network->run(3), std::runtime_error);
  EXPECT_THROW(network->run(0), std::runtime_error);
  EXPECT_THROW(network->set_input(0, std::vector<float>(3)), std::runtime_error);
  EXPECT_THROW(network->output(2), std::runtime_error);
}

struct Agreement {
  const char* name;
  std::uint32_t resolution, most, items;
  unsigned threads;
};
/// Of shapes that differ in channels, sides, batch and threads.
const std::vector<Agreement> agreements{{"yolov5t", 64, 3, 3, 1}, {"yolov5n", 96, 1, 1, 1},  {"yolov5n", 160, 4, 3, 1},
                                        {"yolov5n", 64, 8, 8, 2}, {"yolov5s", 128, 2, 1, 1}, {"yolov5m", 64, 1, 1, 1}};

void expect_agreement(Precision precision, double most) {
  for (const auto& [name, resolution, max_items, items, threads] : agreements) {
    auto reference = make_backend("eigen")->load(model(name, resolution), max_items, 1);
    auto network = make_backend("cpu")->load(model(name, resolution, precision), max_items, threads);
    reference->run(items);
    network->run(items);
    for (std::uint32_t item = 0; item < items; ++item)
      EXPECT_LT(relative_error(network->output(item), reference->output(item)), most) << name << " " << resolution << " item " << item;
    EXPECT_GT(network->weight_bytes(), 0);
    EXPECT_GT(network->resident_bytes(), network->weight_bytes());
    EXPECT_EQ(network->kernels().find("ref"), std::string::npos) << network->kernels();
  }
}

TEST(RealOneDnn, f32_agrees_with_eigen_within_1e_4) {
  if (!has_cpu()) GTEST_SKIP() << "this build has no oneDNN";
  expect_agreement(Precision::f32, 1e-4);
}

TEST(RealOneDnn, bf16_agrees_with_eigen_within_2e_2) {
  if (!has_cpu()) GTEST_SKIP() << "this build has no oneDNN";
  try {
    make_backend("cpu")->load(model("yolov5t", 32, Precision::bf16), 1, 1);
  } catch (const CannotRun& e) {
    GTEST_SKIP() << e.what();
  }
  expect_agreement(Precision::bf16, 2e-2);
}

TEST(RealOneDnn, inputs_and_batches_may_change_between_runs) {
  if (!has_cpu()) GTEST_SKIP() << "this build has no oneDNN";
  const NetworkSpec spec = model("yolov5t", 64);
  auto reference = make_backend("eigen")->load(spec, 3, 1);
  auto network = make_backend("cpu")->load(spec, 3, 1);
  for (const std::uint32_t items : {3U, 1U, 2U}) {
    for (std::uint32_t item = 0; item < items; ++item) {
      const auto input = random_input(make_shape(spec), item, 100 + items);
      reference->set_input(item, input);
      network->set_input(item, input);
    }
    reference->run(items);
    network->run(items);
    for (std::uint32_t item = 0; item < items; ++item) EXPECT_LT(relative_error(network->output(item), reference->output(item)), 1e-4);
  }
  EXPECT_THROW(network->run(4), std::runtime_error);
}

TEST(RealOneDnn, networks_run_in_threads_of_their_own) {
  if (!has_cpu()) GTEST_SKIP() << "this build has no oneDNN";
  auto backend = make_backend("cpu");
  const NetworkSpec spec = model("yolov5t", 64);
  auto alone = backend->load(spec, 1, 1);
  const auto wanted = alone->output(0);
  std::vector<std::unique_ptr<Network>> networks;
  for (int k = 0; k < 2; ++k) networks.push_back(backend->load(spec, 1, 1));
  std::vector<std::thread> threads;
  for (auto& n : networks)
    threads.emplace_back([&n] {
      for (int k = 0; k < 20; ++k) n->run(1);
    });
  for (auto& t : threads) t.join();
  for (auto& n : networks) EXPECT_EQ(n->output(0), wanted);
}

TEST(RealOneDnn, parts_of_a_load_are_measured_and_each_load_pays_them) {
  if (!has_cpu()) GTEST_SKIP() << "this build has no oneDNN";
  auto backend = make_backend("cpu");
  for (int k = 0; k < 2; ++k) {
    const LoadParts parts = backend->load(model("yolov5n", 64), 1, 1)->load_parts();
    EXPECT_GT(parts.read_s, 0);
    // Kernels are generated anew: with oneDNN's cache a second load would take next to nothing.
    EXPECT_GT(parts.build_s, 2e-3);
    EXPECT_GT(parts.copy_s, 0);
    EXPECT_GT(parts.first_run_s, 0);
  }
}

}  // namespace
}  // namespace tideline::real

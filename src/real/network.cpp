#include "src/real/network.h"

#include "sim/core/nearest.h"
#include "sim/core/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tideline::real {

namespace {

/// Puts layers one after the other.
class Builder {
 public:
  Builder(double depth, double width, std::uint32_t side) : depth_(depth), width_(width) {
    Layer input;
    input.kind = LayerKind::input;
    input.channels = 3;
    input.side = side;
    shape.layers.push_back(input);
  }

  std::uint32_t convolution(std::uint32_t from, std::uint32_t channels, std::uint32_t kernel, std::uint32_t stride, bool swish = true) {
    Layer l;
    l.from = {from};
    l.channels = channels;
    l.kernel = kernel;
    l.stride = stride;
    l.swish = swish;
    l.side = (shape.layers[from].side + 2 * l.padding() - kernel) / stride + 1;
    return add(l);
  }
  std::uint32_t combine(LayerKind kind, std::vector<std::uint32_t> from) {
    Layer l;
    l.kind = kind;
    l.side = shape.layers[from[0]].side;
    for (const std::uint32_t f : from) l.channels += shape.layers[f].channels;
    if (kind == LayerKind::add) l.channels = shape.layers[from[0]].channels;
    l.from = std::move(from);
    return add(l);
  }
  std::uint32_t pool(std::uint32_t from, std::uint32_t kernel) {
    Layer l;
    l.kind = LayerKind::max_pool;
    l.from = {from};
    l.kernel = kernel;
    l.channels = shape.layers[from].channels;
    l.side = shape.layers[from].side;
    return add(l);
  }
  std::uint32_t upsample(std::uint32_t from) {
    Layer l;
    l.kind = LayerKind::upsample;
    l.from = {from};
    l.channels = shape.layers[from].channels;
    l.side = 2 * shape.layers[from].side;
    return add(l);
  }
  /// Three convolutions around a chain of bottlenecks.
  std::uint32_t c3(std::uint32_t from, std::uint32_t channels, std::uint32_t repeats, bool shortcut) {
    const std::uint32_t inner = channels / 2;
    std::uint32_t chain = convolution(from, inner, 1, 1);
    for (std::uint32_t k = 0; k < repeats; ++k) {
      const std::uint32_t out = convolution(convolution(chain, inner, 1, 1), inner, 3, 1);
      chain = shortcut ? combine(LayerKind::add, {chain, out}) : out;
    }
    const std::uint32_t beside = convolution(from, inner, 1, 1);
    return convolution(combine(LayerKind::concat, {chain, beside}), channels, 1, 1);
  }
  std::uint32_t sppf(std::uint32_t from, std::uint32_t channels) {
    const std::uint32_t first = convolution(from, shape.layers[from].channels / 2, 1, 1);
    const std::uint32_t a = pool(first, 5), b = pool(a, 5), c = pool(b, 5);
    return convolution(combine(LayerKind::concat, {first, a, b, c}), channels, 1, 1);
  }
  /// A multiple of 8 channels.
  std::uint32_t wide(std::uint32_t channels) const { return static_cast<std::uint32_t>(std::ceil(channels * width_ / 8)) * 8; }
  std::uint32_t deep(std::uint32_t repeats) const { return std::max(1U, static_cast<std::uint32_t>(std::lround(repeats * depth_))); }

  Shape shape;

 private:
  std::uint32_t add(Layer l) {
    shape.layers.push_back(std::move(l));
    return static_cast<std::uint32_t>(shape.layers.size() - 1);
  }
  double depth_, width_;
};

Shape yolov5(const NetworkSpec& spec) {
  Builder b(spec.depth, spec.width, spec.resolution);
  std::uint32_t x = b.convolution(0, b.wide(64), 6, 2);
  x = b.c3(b.convolution(x, b.wide(128), 3, 2), b.wide(128), b.deep(3), true);
  const std::uint32_t p3 = b.c3(b.convolution(x, b.wide(256), 3, 2), b.wide(256), b.deep(6), true);
  const std::uint32_t p4 = b.c3(b.convolution(p3, b.wide(512), 3, 2), b.wide(512), b.deep(9), true);
  x = b.c3(b.convolution(p4, b.wide(1024), 3, 2), b.wide(1024), b.deep(3), true);
  x = b.sppf(x, b.wide(1024));
  const std::uint32_t top = b.convolution(x, b.wide(512), 1, 1);
  x = b.c3(b.combine(LayerKind::concat, {b.upsample(top), p4}), b.wide(512), b.deep(3), false);
  const std::uint32_t middle = b.convolution(x, b.wide(256), 1, 1);
  const std::uint32_t n3 = b.c3(b.combine(LayerKind::concat, {b.upsample(middle), p3}), b.wide(256), b.deep(3), false);
  const std::uint32_t n4 =
      b.c3(b.combine(LayerKind::concat, {b.convolution(n3, b.wide(256), 3, 2), middle}), b.wide(512), b.deep(3), false);
  const std::uint32_t n5 = b.c3(b.combine(LayerKind::concat, {b.convolution(n4, b.wide(512), 3, 2), top}), b.wide(1024), b.deep(3), false);
  for (const std::uint32_t n : {n3, n4, n5}) b.shape.heads.push_back(b.convolution(n, 255, 1, 1, false));
  return std::move(b.shape);
}

}  // namespace

std::uint64_t Shape::parameters() const {
  std::uint64_t sum = 0;
  for (const Layer& l : layers)
    if (l.kind == LayerKind::convolution) sum += l.channels * (std::uint64_t{layers[l.from[0]].channels} * l.kernel * l.kernel + 1);
  return sum;
}

double Shape::flops() const {
  double sum = 0;
  for (const Layer& l : layers)
    if (l.kind == LayerKind::convolution) sum += 2.0 * static_cast<double>(l.values()) * layers[l.from[0]].channels * l.kernel * l.kernel;
  return sum;
}

const std::vector<std::string>& shape_names() {
  static const std::vector<std::string> names{"yolov5"};
  return names;
}

Shape shape_of(const NetworkSpec& spec) {
  const auto& names = shape_names();
  if (std::find(names.begin(), names.end(), spec.network) == names.end()) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    throw CannotRun("no network is named '" + spec.network + "'" + suggestion(spec.network, views));
  }
  if (spec.resolution == 0 || spec.resolution % 32 != 0)
    throw CannotRun("a network needs a resolution that is a multiple of 32, not " + std::to_string(spec.resolution));
  return yolov5(spec);
}

Weights weights_of(const Shape& shape, std::size_t k, std::uint64_t seed) {
  const Layer& l = shape.layers[k];
  const std::size_t fan_in = std::size_t{shape.layers[l.from[0]].channels} * l.kernel * l.kernel;
  Stream stream(seed, "weights", k);
  // He et al. (ICCV 2015, doi:10.1109/ICCV.2015.123); x * sigmoid(x) keeps a little less than max(x, 0).
  const double scale = std::sqrt(2.5 / static_cast<double>(fan_in));
  const auto normal = [&] {  // Box and Muller (1958)
    const double u = 1 - uniform01(stream), v = uniform01(stream);
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  };
  Weights w;
  w.weights.resize(l.channels * fan_in);
  for (float& x : w.weights) x = static_cast<float>(scale * normal());
  w.biases.resize(l.channels);
  for (float& x : w.biases) x = static_cast<float>(0.1 * normal());
  return w;
}

std::vector<float> random_input(const Shape& shape, std::uint64_t seed, std::uint32_t item) {
  Stream stream(seed, "input", item);
  std::vector<float> out(shape.layers[0].values());
  for (float& x : out) x = static_cast<float>(uniform01(stream));
  return out;
}

}  // namespace tideline::real

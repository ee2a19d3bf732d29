#include "src/real/shape.h"

#include "sim/core/nearest.h"
#include "sim/core/text.h"
#include "src/real/bf16.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

namespace tideline::real {
namespace {

/// Puts layers after each other; each call returns the number of the layer that it added.
class Builder {
 public:
  explicit Builder(const NetworkSpec& spec) : depth_(spec.depth), width_(spec.width) {
    out.layers.push_back({Op::input, {}, 3, spec.resolution, 1, 1, 0, false, 1.0 / 3});
  }

  /// Channels are multiples of 8.
  std::uint32_t width(double channels) const { return std::max(8U, static_cast<std::uint32_t>(std::ceil(channels * width_ / 8)) * 8); }

  std::size_t convolution(std::size_t from, std::uint32_t channels, std::uint32_t kernel, std::uint32_t stride, std::uint32_t padding,
                          bool silu = true) {
    const std::uint32_t side = (out.layers[from].side + 2 * padding - kernel) / stride + 1;
    return push({Op::convolution, {from}, channels, side, kernel, stride, padding, silu});
  }
  std::size_t point(std::size_t from, std::uint32_t channels) { return convolution(from, channels, 1, 1, 0); }
  std::size_t down(std::size_t from, std::uint32_t channels) { return convolution(from, channels, 3, 2, 1); }
  std::size_t concatenate(std::vector<std::size_t> from) {
    std::uint32_t channels = 0;
    for (const std::size_t i : from) channels += out.layers[i].channels;
    const std::uint32_t side = out.layers[from.front()].side;
    return push({Op::concatenate, std::move(from), channels, side, 1, 1, 0, false});
  }
  std::size_t upsample(std::size_t from) {
    return push({Op::upsample, {from}, out.layers[from].channels, out.layers[from].side * 2, 1, 1, 0, false});
  }

  /// Bottlenecks on half of the channels, beside a way past them.
  std::size_t c3(std::size_t from, std::uint32_t channels, int repeats, bool shortcut) {
    const std::uint32_t half = channels / 2;
    std::size_t x = point(from, half);
    const int n = std::max(1, static_cast<int>(std::lround(repeats * depth_)));
    for (int k = 0; k < n; ++k) {
      const std::size_t y = convolution(point(x, half), half, 3, 1, 1);
      x = shortcut ? push({Op::add, {x, y}, half, out.layers[x].side, 1, 1, 0, false}) : y;
    }
    const std::size_t past = point(from, half);
    return point(concatenate({x, past}), channels);
  }

  /// Pools of 5, 9 and 13 pixels, as one after the other.
  std::size_t sppf(std::size_t from, std::uint32_t channels) {
    std::vector<std::size_t> parts{point(from, out.layers[from].channels / 2)};
    for (int k = 0; k < 3; ++k) {
      const Layer& last = out.layers[parts.back()];
      parts.push_back(push({Op::max_pool, {parts.back()}, last.channels, last.side, 5, 1, 2, false}));
    }
    return point(concatenate(std::move(parts)), channels);
  }

  Shape out;

 private:
  std::size_t push(Layer layer) {
    const auto square_of = [&](std::size_t i) { return out.layers[i].square; };
    const std::size_t from = layer.inputs.front();
    switch (layer.op) {
      case Op::convolution:
        layer.square = layer.silu ? 0.356 : 1;
        break;  // E[silu(x)^2] of a standard normal x
      case Op::add:
        layer.square = square_of(from) + square_of(layer.inputs[1]) + 2 * 0.207 * 0.207;
        break;  // its mean is 0.207
      case Op::concatenate:
        for (const std::size_t i : layer.inputs) layer.square += square_of(i) * out.layers[i].channels / layer.channels;
        break;
      case Op::max_pool:
        layer.square = 2 * square_of(from);
        break;  // as seen; independent values would have more
      case Op::upsample:
        layer.square = square_of(from);
        break;
      case Op::input:
        break;
    }
    out.layers.push_back(std::move(layer));
    return out.layers.size() - 1;
  }
  double depth_, width_;
};

Shape yolov5(const NetworkSpec& spec) {
  Builder b(spec);
  const std::uint32_t c1 = b.width(64), c2 = b.width(128), c3 = b.width(256), c4 = b.width(512), c5 = b.width(1024);
  std::size_t x = b.convolution(0, c1, 6, 2, 2);
  x = b.c3(b.down(x, c2), c2, 3, true);
  const std::size_t p3 = x = b.c3(b.down(x, c3), c3, 6, true);
  const std::size_t p4 = x = b.c3(b.down(x, c4), c4, 9, true);
  x = b.sppf(b.c3(b.down(x, c5), c5, 3, true), c5);

  const std::size_t top = b.point(x, c4);
  x = b.c3(b.concatenate({b.upsample(top), p4}), c4, 3, false);
  const std::size_t middle = b.point(x, c3);
  const std::size_t h3 = b.c3(b.concatenate({b.upsample(middle), p3}), c3, 3, false);
  const std::size_t h4 = b.c3(b.concatenate({b.down(h3, c3), middle}), c4, 3, false);
  const std::size_t h5 = b.c3(b.concatenate({b.down(h4, c4), top}), c5, 3, false);
  for (const std::size_t h : {h3, h4, h5}) b.out.heads.push_back(b.convolution(h, 3 * 85, 1, 1, 0, false));
  return std::move(b.out);
}

/// The generator for one purpose; the purposes differ in `key`.
class Uniform {
 public:
  Uniform(std::uint64_t seed, std::uint64_t key) : state_(seed * 0x9e3779b97f4a7c15ULL ^ (key + 1) * 0xbf58476d1ce4e5b9ULL) {}
  /// From 0 to 1.
  float operator()() {
    // SplitMix64: a step costs about a nanosecond, and the largest networks have 87 million weights.
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<float>((z ^ (z >> 31)) >> 40) * 0x1p-24F;
  }

 private:
  std::uint64_t state_;
};

}  // namespace

std::size_t Shape::weights(std::size_t layer) const {
  const Layer& l = layers[layer];
  return l.op == Op::convolution ? std::size_t{l.channels} * input_channels(layer) * l.kernel * l.kernel : 0;
}

std::size_t Shape::parameters() const {
  std::size_t out = 0;
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (layers[i].op == Op::convolution) out += weights(i) + layers[i].channels;
  return out;
}

double Shape::operations() const {
  double out = 0;
  for (std::size_t i = 0; i < layers.size(); ++i)
    out += 2 * static_cast<double>(weights(i)) * static_cast<double>(layers[i].side) * static_cast<double>(layers[i].side);
  return out;
}

std::size_t Shape::output_values() const {
  std::size_t out = 0;
  for (const std::size_t h : heads) out += layers[h].values();
  return out;
}

const std::vector<NamedModel>& named_models() {
  static const std::vector<NamedModel> models{{"yolov5t", 0.33, 0.125, -1},  {"yolov5n", 0.33, 0.25, 0.280},
                                              {"yolov5s", 0.33, 0.5, 0.374}, {"yolov5m", 0.67, 0.75, 0.454},
                                              {"yolov5l", 1, 1, 0.490},      {"yolov5x", 1.33, 1.25, 0.507}};
  return models;
}

Shape make_shape(const NetworkSpec& spec) {
  constexpr std::array<std::string_view, 1> networks{"yolov5"};
  if (spec.network != networks[0]) throw CannotRun("unknown network '" + spec.network + "'" + suggestion(spec.network, networks));
  if (spec.resolution < 32 || spec.resolution % 32 != 0)
    throw CannotRun("a network's resolution must be a multiple of 32 pixels, is " + std::to_string(spec.resolution));
  if (!(spec.depth > 0 && spec.width > 0)) throw CannotRun("a network's depth and width must be above 0");
  return yolov5(spec);
}

std::vector<float> random_weights(const Shape& shape, std::size_t layer, std::uint64_t seed) {
  const Layer& l = shape.layers[layer];
  const std::size_t fan_in = std::size_t{shape.input_channels(layer)} * l.kernel * l.kernel;
  // A uniform of half width h has the variance h^2 / 3.
  const double square = shape.layers[l.inputs.front()].square;
  const auto half_width = static_cast<float>(std::sqrt(3 / (square * static_cast<double>(fan_in))));
  Uniform uniform(seed, layer);
  std::vector<float> out(shape.weights(layer) + l.channels);
  for (std::size_t i = 0; i < out.size(); ++i) {
    Bf16 value;
    put(value, (2 * uniform() - 1) * (i < shape.weights(layer) ? half_width : 0.1F));
    out[i] = get(value);
  }
  return out;
}

std::vector<float> random_input(const Shape& shape, std::uint32_t item, std::uint64_t seed) {
  Uniform uniform(seed, 0x1000000ULL + item);
  std::vector<float> out(shape.layers.front().values());
  for (float& x : out) x = uniform();
  return out;
}

Arena plan_arena(const Shape& shape, std::size_t alignment) {
  const std::size_t n = shape.layers.size();
  std::vector<std::size_t> last(n);
  for (std::size_t i = 0; i < n; ++i) {
    last[i] = i;
    for (const std::size_t from : shape.layers[i].inputs) last[from] = i;
  }
  last[0] = n;  // the next batch may have the same input
  for (const std::size_t h : shape.heads) last[h] = n;

  struct Piece {
    std::size_t begin, end, first, last;
  };
  const auto size_of = [&](std::size_t i) { return (shape.layers[i].values() + alignment - 1) / alignment * alignment; };
  // What lives to the end lies first, whenever it begins.
  std::vector<Piece> pieces;
  Arena out;
  out.offset.resize(n);
  for (const bool kept : {true, false}) {
    for (std::size_t i = 0; i < n; ++i) {
      if ((last[i] == n) != kept) continue;
      // The first gap between the pieces, by offset, that live when this one does.
      std::size_t at = 0;
      for (const Piece& p : pieces) {
        if (!kept && (p.last < i || p.first > last[i])) continue;
        if (p.begin >= at + size_of(i)) break;
        at = std::max(at, p.end);
      }
      const Piece piece{at, at + size_of(i), kept ? 0 : i, last[i]};
      pieces.insert(std::upper_bound(pieces.begin(), pieces.end(), piece, [](const Piece& a, const Piece& b) { return a.begin < b.begin; }),
                    piece);
      out.offset[i] = at;
      out.size = std::max(out.size, piece.end);
    }
  }
  return out;
}

}  // namespace tideline::real

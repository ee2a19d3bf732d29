#include "src/real/backends.h"
#include "src/real/shape.h"

#include <Eigen/Core>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <utility>

namespace tideline::real {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using In = Eigen::Map<const Matrix>;
using Out = Eigen::Map<Matrix>;

Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

/// Each patch that a kernel sees as a column: channels x kernel rows x kernel columns, by output pixel. What lies outside is 0.
void unfold(const float* image, const Layer& in, const Layer& l, float* columns) {
  const auto side = static_cast<std::ptrdiff_t>(in.side), padding = static_cast<std::ptrdiff_t>(l.padding);
  for (std::uint32_t c = 0; c < in.channels; ++c) {
    const float* plane = image + std::size_t{c} * in.side * in.side;
    for (std::uint32_t ky = 0; ky < l.kernel; ++ky) {
      for (std::uint32_t kx = 0; kx < l.kernel; ++kx) {
        for (std::uint32_t y = 0; y < l.side; ++y) {
          const std::ptrdiff_t row = std::ptrdiff_t{y} * l.stride + ky - padding;
          if (row < 0 || row >= side) {
            columns = std::fill_n(columns, l.side, 0.0F);
            continue;
          }
          for (std::uint32_t x = 0; x < l.side; ++x) {
            const std::ptrdiff_t column = std::ptrdiff_t{x} * l.stride + kx - padding;
            *columns++ = column < 0 || column >= side ? 0.0F : plane[row * side + column];
          }
        }
      }
    }
  }
}

void max_pool(const float* in, const Layer& l, float* out) {
  const auto side = static_cast<std::ptrdiff_t>(l.side), reach = static_cast<std::ptrdiff_t>(l.padding);
  for (std::uint32_t c = 0; c < l.channels; ++c, in += side * side) {
    for (std::ptrdiff_t y = 0; y < side; ++y) {
      for (std::ptrdiff_t x = 0; x < side; ++x) {
        float most = std::numeric_limits<float>::lowest();
        for (std::ptrdiff_t v = std::max<std::ptrdiff_t>(0, y - reach); v <= std::min(side - 1, y + reach); ++v)
          for (std::ptrdiff_t u = std::max<std::ptrdiff_t>(0, x - reach); u <= std::min(side - 1, x + reach); ++u)
            most = std::max(most, in[v * side + u]);
        *out++ = most;
      }
    }
  }
}

class EigenNetwork final : public Network {
 public:
  EigenNetwork(const NetworkSpec& spec, std::uint32_t max_items) : shape_(make_shape(spec)), max_items_(max_items) {
    Stopwatch watch;
    weights_.resize(shape_.layers.size());
    for (std::size_t i = 0; i < shape_.layers.size(); ++i)
      if (shape_.layers[i].op == Op::convolution) weights_[i] = random_weights(shape_, i, spec.seed);
    parts_.read_s = watch.lap();
    arena_ = plan_arena(shape_, 16);
    std::size_t largest = 0;
    for (std::size_t i = 0; i < shape_.layers.size(); ++i)
      if (unfolds(i)) largest = std::max(largest, patch(i) * shape_.layers[i].side * shape_.layers[i].side);
    columns_.resize(largest);
    parts_.build_s = watch.lap();
    values_.resize(arena_.size * max_items_);
    for (std::uint32_t item = 0; item < max_items_; ++item) set_input(item, random_input(shape_, item, spec.seed));
    parts_.copy_s = watch.lap();
    run(1);
    parts_.first_run_s = watch.lap();
  }

  void run(std::uint32_t items) override {
    check_items(items, max_items_);
    for (std::uint32_t item = 0; item < items; ++item)
      for (std::size_t i = 1; i < shape_.layers.size(); ++i) run_layer(i, item);
  }

  void set_input(std::uint32_t item, std::span<const float> values) override {
    check_input(item, max_items_, values.size(), shape_.layers[0].values());
    std::copy(values.begin(), values.end(), at(0, item));
  }

  std::vector<float> output(std::uint32_t item) const override {
    check_items(item + 1, max_items_);
    std::vector<float> out;
    for (const std::size_t h : shape_.heads) out.insert(out.end(), at(h, item), at(h, item) + shape_.layers[h].values());
    return out;
  }

  const LoadParts& load_parts() const override { return parts_; }
  std::int64_t weight_bytes() const override { return static_cast<std::int64_t>(shape_.parameters() * sizeof(float)); }
  std::int64_t resident_bytes() const override {
    return weight_bytes() + static_cast<std::int64_t>((values_.size() + columns_.size()) * sizeof(float));
  }

 private:
  const float* at(std::size_t layer, std::uint32_t item) const { return values_.data() + arena_.size * item + arena_.offset[layer]; }
  float* at(std::size_t layer, std::uint32_t item) { return values_.data() + arena_.size * item + arena_.offset[layer]; }
  bool unfolds(std::size_t i) const {
    const Layer& l = shape_.layers[i];
    return l.op == Op::convolution && (l.kernel > 1 || l.stride > 1);
  }
  std::size_t patch(std::size_t i) const {
    return std::size_t{shape_.input_channels(i)} * shape_.layers[i].kernel * shape_.layers[i].kernel;
  }

  void run_layer(std::size_t i, std::uint32_t item) {
    const Layer& l = shape_.layers[i];
    const Layer& from = shape_.layers[l.inputs.front()];
    const float* in = at(l.inputs.front(), item);
    float* out = at(i, item);
    switch (l.op) {
      case Op::convolution: {
        if (unfolds(i)) {
          unfold(in, from, l, columns_.data());
          in = columns_.data();
        }
        const Eigen::Index channels = index(l.channels), pixels = index(std::size_t{l.side} * l.side), k = index(patch(i));
        Out result(out, channels, pixels);
        result.noalias() = In(weights_[i].data(), channels, k) * In(in, k, pixels);
        result.colwise() += Eigen::Map<const Eigen::VectorXf>(weights_[i].data() + channels * k, channels);
        if (l.silu) result.array() /= 1.0F + (-result.array()).exp();
        break;
      }
      case Op::add: {
        const float* other = at(l.inputs[1], item);
        for (std::size_t k = 0; k < l.values(); ++k) out[k] = in[k] + other[k];
        break;
      }
      case Op::concatenate:
        for (const std::size_t part : l.inputs) out = std::copy_n(at(part, item), shape_.layers[part].values(), out);
        break;
      case Op::max_pool:
        max_pool(in, l, out);
        break;
      case Op::upsample:
        for (std::size_t row = 0; row < std::size_t{l.channels} * l.side; ++row)
          for (std::uint32_t x = 0; x < l.side; ++x) *out++ = in[row / 2 * from.side + x / 2];
        break;
      case Op::input:
        break;
    }
  }

  Shape shape_;
  std::uint32_t max_items_;
  Arena arena_;
  std::vector<std::vector<float>> weights_;
  std::vector<float> values_, columns_;
  LoadParts parts_;
};

class EigenBackend final : public Backend {
 public:
  std::string name() const override { return "eigen"; }
  std::string version() const override {
    return "Eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
           std::to_string(EIGEN_MINOR_VERSION) + ", " + Eigen::SimdInstructionSetsInUse();
  }
  void check(const NetworkSpec& spec) const override {
    if (spec.precision != Precision::f32) throw CannotRun("the backend eigen has f32 alone");
    (void)make_shape(spec);
  }
  std::unique_ptr<Network> load(const NetworkSpec& spec, std::uint32_t max_items, unsigned threads) override {
    if (max_items == 0) throw CannotRun("a network is loaded for at least one item");
    if (threads != 1) throw CannotRun("the backend eigen has one thread, not " + std::to_string(threads) + "; the backend cpu has more");
    check(spec);
    return std::make_unique<EigenNetwork>(spec, max_items);
  }
};

}  // namespace

std::unique_ptr<Backend> make_eigen_backend() { return std::make_unique<EigenBackend>(); }

}  // namespace tideline::real

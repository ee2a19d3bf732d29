// Convolutions as products of matrices (im2col) by Eigen, in one thread: what other backends are held against, and what runs where they are
// not. Items of a batch one after the other.
#include "src/real/backends.h"
#include "src/real/network.h"

#include <Eigen/Core>

#include <algorithm>
#include <chrono>

namespace tideline::real {

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

class EigenNetwork final : public Network {
 public:
  EigenNetwork(const NetworkSpec& spec, std::uint32_t max_items) : shape_(shape_of(spec)), outputs_(max_items) {
    auto from = Clock::now();
    const std::size_t n = shape_.layers.size();
    weights_.resize(n);
    for (std::size_t k = 0; k < n; ++k)
      if (shape_.layers[k].kind == LayerKind::convolution) weights_[k] = weights_of(shape_, k, spec.seed);
    for (std::uint32_t i = 0; i < max_items; ++i) inputs_.push_back(random_input(shape_, spec.seed, i));
    parts_.read_s = seconds_since(from);
    from = Clock::now();
    std::size_t largest = 0;
    for (const Layer& l : shape_.layers) {
      values_.emplace_back(l.channels, std::size_t{l.side} * l.side);
      if (l.kind == LayerKind::convolution && (l.kernel > 1 || l.stride > 1))
        largest = std::max(largest, std::size_t{shape_.layers[l.from[0]].channels} * l.kernel * l.kernel * l.side * l.side);
    }
    columns_.resize(largest);
    parts_.build_s = seconds_since(from);
    from = Clock::now();
    run(1);
    parts_.first_run_s = seconds_since(from);
  }

  void run(std::uint32_t items) override {
    if (items == 0 || items > inputs_.size())
      throw std::runtime_error("a batch of " + std::to_string(items) + " items is none of this network");
    for (std::uint32_t i = 0; i < items; ++i) {
      std::copy(inputs_[i].begin(), inputs_[i].end(), values_[0].data());
      for (std::size_t k = 1; k < shape_.layers.size(); ++k) compute(k);
      outputs_[i].clear();
      for (const std::uint32_t h : shape_.heads)
        outputs_[i].insert(outputs_[i].end(), values_[h].data(), values_[h].data() + values_[h].size());
    }
  }
  void set_input(std::uint32_t item, std::span<const float> values) override {
    if (values.size() != inputs_.at(item).size())
      throw std::invalid_argument("an input has " + std::to_string(inputs_[item].size()) + " values");
    inputs_[item].assign(values.begin(), values.end());
  }
  std::vector<float> output(std::uint32_t item) const override { return outputs_.at(item); }
  const LoadParts& load_parts() const override { return parts_; }
  std::int64_t weight_bytes() const override { return static_cast<std::int64_t>(shape_.parameters() * sizeof(float)); }
  std::int64_t resident_bytes() const override {
    std::size_t values = columns_.size() + shape_.parameters();
    for (const Matrix& m : values_) values += static_cast<std::size_t>(m.size());
    for (const auto& x : inputs_) values += x.size();
    for (const auto& x : outputs_) values += x.size();
    return static_cast<std::int64_t>(values * sizeof(float));
  }

 private:
  void compute(std::size_t k) {
    const Layer& l = shape_.layers[k];
    const Matrix& from = values_[l.from[0]];
    Matrix& out = values_[k];
    switch (l.kind) {
      case LayerKind::input:
        return;
      case LayerKind::convolution:
        return convolve(k);
      case LayerKind::add:
        out = from + values_[l.from[1]];
        return;
      case LayerKind::concat: {
        Eigen::Index row = 0;
        for (const std::uint32_t f : l.from) {
          out.middleRows(row, values_[f].rows()) = values_[f];
          row += values_[f].rows();
        }
        return;
      }
      case LayerKind::max_pool: {
        const auto side = static_cast<int>(l.side), reach = static_cast<int>(l.kernel / 2);
        for (Eigen::Index c = 0; c < out.rows(); ++c)
          for (int y = 0; y < side; ++y)
            for (int x = 0; x < side; ++x) {
              float most = from(c, y * side + x);
              for (int v = std::max(0, y - reach); v <= std::min(side - 1, y + reach); ++v)
                for (int u = std::max(0, x - reach); u <= std::min(side - 1, x + reach); ++u) most = std::max(most, from(c, v * side + u));
              out(c, y * side + x) = most;
            }
        return;
      }
      case LayerKind::upsample: {
        const auto side = static_cast<int>(l.side), half = side / 2;
        for (Eigen::Index c = 0; c < out.rows(); ++c)
          for (int y = 0; y < side; ++y)
            for (int x = 0; x < side; ++x) out(c, y * side + x) = from(c, y / 2 * half + x / 2);
        return;
      }
    }
  }

  void convolve(std::size_t k) {
    const Layer& l = shape_.layers[k];
    const Matrix& from = values_[l.from[0]];
    Matrix& out = values_[k];
    const auto fan_in = static_cast<Eigen::Index>(weights_[k].weights.size() / l.channels);
    const Eigen::Map<const Matrix> w(weights_[k].weights.data(), l.channels, fan_in);
    if (l.kernel == 1 && l.stride == 1) {
      out.noalias() = w * from;
    } else {
      Eigen::Map<Matrix> columns(columns_.data(), fan_in, out.cols());
      unfold(l, from, shape_.layers[l.from[0]].side, columns);
      out.noalias() = w * columns;
    }
    out.colwise() += Eigen::Map<const Eigen::VectorXf>(weights_[k].biases.data(), l.channels);
    if (l.swish) out.array() /= 1 + (-out.array()).exp();
  }

  /// A column for each place of the output: what the kernel sees there.
  static void unfold(const Layer& l, const Matrix& from, std::uint32_t from_side, Eigen::Map<Matrix>& columns) {
    const auto in = static_cast<int>(from_side), side = static_cast<int>(l.side), kernel = static_cast<int>(l.kernel);
    const int stride = static_cast<int>(l.stride), padding = static_cast<int>(l.padding());
    for (Eigen::Index c = 0; c < from.rows(); ++c)
      for (int v = 0; v < kernel; ++v)
        for (int u = 0; u < kernel; ++u) {
          float* row = &columns((c * kernel + v) * kernel + u, 0);
          for (int y = 0; y < side; ++y) {
            const int from_y = y * stride + v - padding;
            for (int x = 0; x < side; ++x) {
              const int from_x = x * stride + u - padding;
              *row++ = from_y < 0 || from_y >= in || from_x < 0 || from_x >= in ? 0 : from(c, from_y * in + from_x);
            }
          }
        }
  }

  Shape shape_;
  std::vector<Weights> weights_;                      // by layer
  std::vector<std::vector<float>> inputs_, outputs_;  // by item
  std::vector<Matrix> values_;                        // by layer: channels x places, of the present item
  std::vector<float> columns_;
  LoadParts parts_;
};

class EigenBackend final : public Backend {
 public:
  std::string name() const override { return "eigen"; }
  std::string version() const override {
    return "Eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
           std::to_string(EIGEN_MINOR_VERSION) + " (" + Eigen::SimdInstructionSetsInUse() + ")";
  }
  void check(const NetworkSpec& spec) const override {
    if (spec.precision != Precision::f32)
      throw CannotRun("the backend \"eigen\" has f32 alone; \"cpu\" has bf16 where the processor has it");
    (void)shape_of(spec);
  }
  std::unique_ptr<Network> load(const NetworkSpec& spec, std::uint32_t max_items, unsigned) override {
    check(spec);
    return std::make_unique<EigenNetwork>(spec, max_items);
  }
};

}  // namespace

std::unique_ptr<Backend> make_eigen_backend() { return std::make_unique<EigenBackend>(); }

}  // namespace tideline::real

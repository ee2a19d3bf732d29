#include "src/real/cuda/network.h"

#include "src/real/backends.h"
#include "src/real/bf16.h"
#include "src/real/cuda/device.h"
#include "src/real/cuda/kernels.h"
#include "src/real/shape.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tideline::real::cuda {
namespace {

const char* name_of(cudnnConvolutionFwdAlgo_t algorithm) {
  switch (algorithm) {
    case CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM:
      return "implicit GEMM";
    case CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM:
      return "implicit GEMM, indices computed before";
    case CUDNN_CONVOLUTION_FWD_ALGO_GEMM:
      return "GEMM";
    case CUDNN_CONVOLUTION_FWD_ALGO_DIRECT:
      return "direct";
    case CUDNN_CONVOLUTION_FWD_ALGO_FFT:
      return "FFT";
    case CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING:
      return "FFT of tiles";
    case CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD:
      return "Winograd";
    default:
      return "another algorithm";
  }
}

/// What a layer is on the GPU. In f32 channels come first, as weights and inputs are made; in bf16 they come last and are multiples of 8 (of
/// zeros where the network has fewer), which is what tensor cores take without a detour.
Shape stored_shape(Shape shape, Precision precision) {
  if (precision == Precision::bf16)
    for (Layer& l : shape.layers) l.channels = (l.channels + 7) / 8 * 8;
  return shape;
}

struct Convolution {
  /// For batches of one size.
  struct Plan {
    Owned<cudnnTensorDescriptor_t> in, out;
    cudnnConvolutionFwdAlgo_t algorithm{};
    std::size_t workspace = 0;
  };
  Owned<cudnnFilterDescriptor_t> filter;
  Owned<cudnnConvolutionDescriptor_t> convolution;
  std::vector<Plan> plans;              // by items, from 1
  std::size_t weights = 0, biases = 0;  // where they begin in the memory of all weights, in bytes
};

class CudaNetwork final : public Network {
 public:
  CudaNetwork(const NetworkSpec& spec, std::uint32_t max_items)
      : precision_(spec.precision), max_items_(max_items), shape_(make_shape(spec)), stored_(stored_shape(shape_, precision_)) {
    Stopwatch watch;
    const std::size_t n = shape_.layers.size();
    convolutions_.resize(n);
    std::size_t weight_bytes = 0;
    const auto place = [&](std::size_t bytes) {
      const std::size_t at = weight_bytes;
      weight_bytes += (bytes + alignment - 1) / alignment * alignment;
      return at;
    };
    for (std::size_t i = 0; i < n; ++i) {
      if (shape_.layers[i].op != Op::convolution) continue;
      convolutions_[i].weights = place(stored_.weights(i) * value_bytes());
      convolutions_[i].biases = place(stored_.layers[i].channels * sizeof(float));
    }
    std::vector<char> weights(weight_bytes);
    for (std::size_t i = 0; i < n; ++i)
      if (shape_.layers[i].op == Op::convolution) store_weights(i, random_weights(shape_, i, spec.seed), weights.data());
    parts_.read_s = watch.lap();

    stream_ = make_stream();
    library_ = make_owned<cudnnHandle_t>(cudnn().cudnnCreate, cudnn().cudnnDestroy, "a handle");
    check(cudnn().cudnnSetStream(library_.get(), stream_.get()), "the stream of a handle");
    arena_ = plan_arena(stored_, alignment / value_bytes());
    weights_ = DeviceBuffer(weight_bytes, "the weights of a network");
    values_ = DeviceBuffer(arena_.size * value_bytes() * max_items_, "the outputs of its layers");
    input_ = PinnedBuffer(stored_.layers[0].values() * value_bytes() * max_items_);
    output_ = PinnedBuffer(stored_.output_values() * value_bytes() * max_items_);
    std::size_t workspace = 0;
    for (std::size_t i = 0; i < n; ++i)
      if (shape_.layers[i].op == Op::convolution) workspace = std::max(workspace, plan_convolution(i));
    workspace_ = DeviceBuffer(workspace, "the work space of its convolutions");
    parts_.build_s = watch.lap();

    check(cudaMemcpyAsync(weights_.data(), weights.data(), weight_bytes, cudaMemcpyHostToDevice, stream_.get()), "weights to the GPU");
    check(cudaStreamSynchronize(stream_.get()), "weights to the GPU");
    for (std::uint32_t item = 0; item < max_items_; ++item) set_input(item, random_input(shape_, item, spec.seed));
    parts_.copy_s = watch.lap();
    run(1);
    parts_.first_run_s = watch.lap();
  }

  void run(std::uint32_t items) override {
    check_items(items, max_items_);
    try {
      check(
          cudaMemcpyAsync(at(0), input_.data(), items * stored_.layers[0].values() * value_bytes(), cudaMemcpyHostToDevice, stream_.get()),
          "input to the GPU");
      for (std::size_t i = 1; i < stored_.layers.size(); ++i) run_layer(i, items);
      std::size_t begin = 0;
      for (const std::size_t h : stored_.heads) {
        check(cudaMemcpyAsync(output_.data() + begin * max_items_, at(h), items * stored_.layers[h].values() * value_bytes(),
                              cudaMemcpyDeviceToHost, stream_.get()),
              "output from the GPU");
        begin += stored_.layers[h].values() * value_bytes();
      }
      check(cudaStreamSynchronize(stream_.get()), "a batch");
    } catch (const std::exception&) {
      // What was begun still writes; its own failure, if it has one, was told already or is told by the next batch.
      cudaStreamSynchronize(stream_.get());
      cudaGetLastError();
      throw;
    }
  }

  void set_input(std::uint32_t item, std::span<const float> values) override {
    check_input(item, max_items_, values.size(), shape_.layers[0].values());
    char* to = input_.data() + item * stored_.layers[0].values() * value_bytes();
    if (precision_ == Precision::f32) {
      std::memcpy(to, values.data(), values.size_bytes());
      return;
    }
    const std::size_t pixels = pixels_of(0);
    for (std::size_t c = 0; c < shape_.layers[0].channels; ++c)
      for (std::size_t p = 0; p < pixels; ++p) put(to, p * stored_.layers[0].channels + c, values[c * pixels + p]);
  }

  std::vector<float> output(std::uint32_t item) const override {
    check_items(item + 1, max_items_);
    std::vector<float> out;
    out.reserve(shape_.output_values());
    std::size_t begin = 0;
    for (const std::size_t h : shape_.heads) {
      const Layer& stored = stored_.layers[h];
      const std::size_t pixels = pixels_of(h);
      const char* from = output_.data() + (begin * max_items_ + item * stored.values()) * value_bytes();
      for (std::size_t c = 0; c < shape_.layers[h].channels; ++c)
        for (std::size_t p = 0; p < pixels; ++p)
          out.push_back(precision_ == Precision::f32 ? get(from, c * pixels + p) : get(from, p * stored.channels + c));
      begin += stored.values();
    }
    return out;
  }

  const LoadParts& load_parts() const override { return parts_; }
  std::int64_t weight_bytes() const override { return static_cast<std::int64_t>(weights_.bytes()); }
  std::int64_t resident_bytes() const override {
    return static_cast<std::int64_t>(weights_.bytes() + values_.bytes() + workspace_.bytes() + input_.bytes() + output_.bytes());
  }
  std::string kernels() const override {
    std::string out;
    for (const auto& name : kernels_) out += (out.empty() ? "convolution " : ", convolution ") + name;
    return out;
  }

 private:
  // What cudaMalloc aligns to, and more than any kernel asks for.
  static constexpr std::size_t alignment = 256;
  // Bytes. Algorithms by FFT may ask for gigabytes to be a little faster, of memory that instances share.
  static constexpr std::size_t most_workspace = std::size_t{256} << 20;

  bool channels_last() const { return precision_ == Precision::bf16; }
  std::size_t value_bytes() const { return precision_ == Precision::bf16 ? 2 : 4; }
  cudnnDataType_t type() const { return precision_ == Precision::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT; }
  cudnnTensorFormat_t format() const { return channels_last() ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW; }
  std::size_t pixels_of(std::size_t layer) const { return std::size_t{shape_.layers[layer].side} * shape_.layers[layer].side; }
  /// Where a layer's output begins: the items of a batch follow each other.
  char* at(std::size_t layer) const { return values_.data() + arena_.offset[layer] * max_items_ * value_bytes(); }
  Planes planes_of(std::size_t layer, std::uint32_t items) const {
    const Layer& l = stored_.layers[layer];
    return channels_last() ? Planes{items, l.side, l.channels} : Planes{std::size_t{items} * l.channels, l.side, 1};
  }

  void put(char* values, std::size_t i, float x) const {
    if (precision_ == Precision::f32) {
      std::memcpy(values + i * sizeof x, &x, sizeof x);
    } else {
      Bf16 half;
      real::put(half, x);
      std::memcpy(values + i * sizeof half, &half, sizeof half);
    }
  }
  float get(const char* values, std::size_t i) const {
    if (precision_ == Precision::f32) {
      float x = 0;
      std::memcpy(&x, values + i * sizeof x, sizeof x);
      return x;
    }
    Bf16 half;
    std::memcpy(&half, values + i * sizeof half, sizeof half);
    return real::get(half);
  }

  /// A layer's weights and biases, as random_weights makes them, to where they stand in `all`, which is zero.
  void store_weights(std::size_t i, const std::vector<float>& made, char* all) const {
    const Layer& l = shape_.layers[i];
    const std::size_t count = shape_.weights(i), inputs = shape_.input_channels(i), stored_inputs = stored_.input_channels(i);
    const std::size_t taps = std::size_t{l.kernel} * l.kernel;
    char* to = all + convolutions_[i].weights;
    if (!channels_last()) {
      std::memcpy(to, made.data(), count * sizeof(float));
    } else {
      for (std::size_t k = 0; k < l.channels; ++k)
        for (std::size_t c = 0; c < inputs; ++c)
          for (std::size_t t = 0; t < taps; ++t) put(to, (k * taps + t) * stored_inputs + c, made[(k * inputs + c) * taps + t]);
    }
    std::memcpy(all + convolutions_[i].biases, made.data() + count, l.channels * sizeof(float));
  }

  Owned<cudnnTensorDescriptor_t> tensor_of(std::size_t layer, std::uint32_t items) const {
    const Layer& l = stored_.layers[layer];
    auto out = make_owned<cudnnTensorDescriptor_t>(cudnn().cudnnCreateTensorDescriptor, cudnn().cudnnDestroyTensorDescriptor, "a tensor");
    const int side = static_cast<int>(l.side);
    check(
        cudnn().cudnnSetTensor4dDescriptor(out.get(), format(), type(), static_cast<int>(items), static_cast<int>(l.channels), side, side),
        "a tensor");
    return out;
  }

  /// For every batch size, so that no batch waits for a choice later. Returns the largest work space.
  std::size_t plan_convolution(std::size_t i) {
    const Layer& l = stored_.layers[i];
    Convolution& x = convolutions_[i];
    x.filter = make_owned<cudnnFilterDescriptor_t>(cudnn().cudnnCreateFilterDescriptor, cudnn().cudnnDestroyFilterDescriptor, "a filter");
    const int kernel = static_cast<int>(l.kernel), padding = static_cast<int>(l.padding), stride = static_cast<int>(l.stride);
    check(cudnn().cudnnSetFilter4dDescriptor(x.filter.get(), type(), format(), static_cast<int>(l.channels),
                                             static_cast<int>(stored_.input_channels(i)), kernel, kernel),
          "a filter");
    x.convolution = make_owned<cudnnConvolutionDescriptor_t>(cudnn().cudnnCreateConvolutionDescriptor,
                                                             cudnn().cudnnDestroyConvolutionDescriptor, "a convolution");
    // Frameworks do not flip kernels: what they call a convolution is a cross-correlation.
    check(cudnn().cudnnSetConvolution2dDescriptor(x.convolution.get(), padding, padding, stride, stride, 1, 1, CUDNN_CROSS_CORRELATION,
                                                  CUDNN_DATA_FLOAT),
          "a convolution");
    // f32 is f32: by default GPUs since Ampere round its factors to the 10 bits of TF32.
    check(cudnn().cudnnSetConvolutionMathType(x.convolution.get(), precision_ == Precision::bf16 ? CUDNN_TENSOR_OP_MATH : CUDNN_FMA_MATH),
          "a convolution");
    std::size_t most = 0;
    for (std::uint32_t items = 1; items <= max_items_; ++items) {
      Convolution::Plan plan;
      plan.in = tensor_of(l.inputs.front(), items);
      plan.out = tensor_of(i, items);
      choose(i, plan);
      most = std::max(most, plan.workspace);
      x.plans.push_back(std::move(plan));
    }
    return most;
  }

  /// The algorithm that cuDNN expects to be the fastest of those that work. Trying them all, as cudnnFindConvolutionForwardAlgorithm does,
  /// would take seconds for each network.
  void choose(std::size_t i, Convolution::Plan& plan) {
    const Convolution& x = convolutions_[i];
    std::array<cudnnConvolutionFwdAlgoPerf_t, CUDNN_CONVOLUTION_FWD_ALGO_COUNT> seen{};
    int count = 0;
    check(cudnn().cudnnGetConvolutionForwardAlgorithm_v7(library_.get(), plan.in.get(), x.filter.get(), x.convolution.get(), plan.out.get(),
                                                         static_cast<int>(seen.size()), &count, seen.data()),
          "the choice of an algorithm");
    std::vector<cudnnConvolutionFwdAlgo_t> candidates;
    for (int k = 0; k < count; ++k)
      if (const auto& p = seen[static_cast<std::size_t>(k)]; p.status == CUDNN_STATUS_SUCCESS) candidates.push_back(p.algo);
    candidates.push_back(CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM);
    candidates.push_back(CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM);
    for (const auto algorithm : candidates) {
      // Its tiles are large, and so are its rounding errors: layer by layer they could exceed what is promised of f32.
      if (algorithm == CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED) continue;
      if (cudnn().cudnnGetConvolutionForwardWorkspaceSize(library_.get(), plan.in.get(), x.filter.get(), x.convolution.get(),
                                                          plan.out.get(), algorithm, &plan.workspace) != CUDNN_STATUS_SUCCESS ||
          plan.workspace > most_workspace)
        continue;
      plan.algorithm = algorithm;
      kernels_.insert(name_of(algorithm));
      return;
    }
    const Layer& l = shape_.layers[i];
    throw CannotRun("cuDNN has no algorithm on this GPU for layer " + std::to_string(i) + " (" + std::to_string(l.channels) +
                    " channels, " + std::to_string(l.side) + " pixels, kernel of " + std::to_string(l.kernel) + ")");
  }

  void run_layer(std::size_t i, std::uint32_t items) {
    const Layer& l = stored_.layers[i];
    const std::size_t from = l.inputs.front(), count = items * l.values();
    const std::size_t pixels = pixels_of(i);
    cudaStream_t stream = stream_.get();
    switch (l.op) {
      case Op::convolution: {
        const Convolution& x = convolutions_[i];
        const Convolution::Plan& plan = x.plans[items - 1];
        const float one = 1, zero = 0;
        check(cudnn().cudnnConvolutionForward(library_.get(), &one, plan.in.get(), at(from), x.filter.get(), weights_.data() + x.weights,
                                              x.convolution.get(), plan.algorithm, workspace_.data(), plan.workspace, &zero, plan.out.get(),
                                              at(i)),
              "a convolution");
        // cuDNN's own fused bias knows no SiLU. The biases lie on an alignment of 256 bytes.
        const auto* biases = reinterpret_cast<const float*>(weights_.data() + x.biases);
        check(add_bias(precision_, at(i), count, biases, channels_last() ? 1U : static_cast<std::uint32_t>(pixels), l.channels, l.silu,
                       stream),
              "biases");
        break;
      }
      case Op::add:
        check(add(precision_, at(i), at(from), at(l.inputs[1]), count, stream), "a sum");
        break;
      case Op::concatenate: {
        // Channels last, each pixel of a part is a row of the whole; channels first, each item.
        std::size_t begin = 0;
        for (const std::size_t part : l.inputs) {
          const std::size_t width = channels_last() ? stored_.layers[part].channels : stored_.layers[part].values();
          check(copy_rows(precision_, at(i) + begin * value_bytes(), channels_last() ? l.channels : l.values(), at(part), width,
                          channels_last() ? items * pixels : items, stream),
                "a concatenation");
          begin += width;
        }
        break;
      }
      case Op::max_pool:
        check(max_pool(precision_, at(i), at(from), planes_of(i, items), l.padding, stream), "a pool");
        break;
      case Op::upsample:
        check(upsample(precision_, at(i), at(from), planes_of(i, items), stream), "an upsampling");
        break;
      case Op::input:
        break;
    }
  }

  Precision precision_;
  std::uint32_t max_items_;
  Shape shape_, stored_;  // as the network is, and as the GPU has it
  Arena arena_;
  Stream stream_;  // before what it works on, so that it goes last
  Owned<cudnnHandle_t> library_;
  DeviceBuffer weights_, values_, workspace_;
  PinnedBuffer input_, output_;
  std::vector<Convolution> convolutions_;  // by layer
  std::set<std::string> kernels_;
  LoadParts parts_;
};

}  // namespace

std::unique_ptr<Network> load_network(const NetworkSpec& spec, std::uint32_t max_items) {
  return std::make_unique<CudaNetwork>(spec, max_items);
}

}  // namespace tideline::real::cuda

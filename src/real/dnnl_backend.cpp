// The backend "cpu": oneDNN on the processor, channels last. Loading builds the kernels of every batch size up to the largest, so that no
// batch waits for one later, and keeps none of them for the next load: an instance that comes back pays what it paid first.
#ifdef TIDELINE_DNNL
#include "src/real/backends.h"
#include "src/real/shape.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.hpp>
#include <set>
#include <unordered_map>
#include <utility>

namespace tideline::real {
namespace {

using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;
using Arguments = std::unordered_map<int, dnnl::memory>;

/// Threads of what this thread runs next. Asked of the OpenMP that oneDNN was linked with: a compiler may bring another.
void set_threads(unsigned threads) {
  using Set = void (*)(int);
  static const Set set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  if (set)
    set(static_cast<int>(threads));
  else if (threads > 1)
    throw CannotRun("this oneDNN has no OpenMP: it cannot be told to run with " + std::to_string(threads) + " threads");
}

const char* isa_name() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "SSE4.1";
    case dnnl::cpu_isa::avx:
      return "AVX";
    case dnnl::cpu_isa::avx2:
      return "AVX2";
    case dnnl::cpu_isa::avx2_vnni:
      return "AVX2 with VNNI";
    case dnnl::cpu_isa::avx512_core:
      return "AVX512";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "AVX512 with VNNI";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "AVX512 with VNNI, BF16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "AVX512 with AMX";
    default:
      return "another instruction set";
  }
}

bool has_bf16() {
  const auto isa = dnnl::get_effective_cpu_isa();
  return isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
}

/// Memory that begins on a cache line and a vector.
class Buffer {
 public:
  explicit Buffer(std::size_t bytes = 0) : bytes_((bytes + 63) / 64 * 64), data_(bytes_ == 0 ? nullptr : std::aligned_alloc(64, bytes_)) {
    if (bytes_ > 0 && !data_) throw CannotRun("there is no memory for " + std::to_string(bytes_) + " bytes of a network");
    // Pages are really there from now on: the first batch is not to wait for them.
    if (data_) std::memset(data_.get(), 0, bytes_);
  }
  char* data() const { return static_cast<char*>(data_.get()); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::size_t bytes_;
  std::unique_ptr<void, Free> data_;
};

/// Weights of a layer as they lie for some batches: there is not always a fast implementation for all sizes that agree on it.
struct Weights {
  dnnl::memory::desc desc;
  Buffer values;
};

struct Step {
  dnnl::primitive primitive;
  Arguments arguments;
};

class DnnlNetwork final : public Network {
 public:
  DnnlNetwork(const NetworkSpec& spec, std::uint32_t max_items, unsigned threads)
      : shape_(make_shape(spec)),
        type_(spec.precision == Precision::bf16 ? Type::bf16 : Type::f32),
        max_items_(max_items),
        threads_(threads),
        engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_) {
    set_threads(threads_);
    Stopwatch watch;
    std::vector<std::vector<float>> weights(shape_.layers.size());
    for (std::size_t i = 0; i < shape_.layers.size(); ++i)
      if (shape_.layers[i].op == Op::convolution) weights[i] = random_weights(shape_, i, spec.seed);
    parts_.read_s = watch.lap();

    arena_ = plan_arena(shape_, 64 / value_bytes());
    values_ = Buffer(arena_.size * value_bytes() * max_items_);
    steps_.resize(max_items_);
    weights_.resize(shape_.layers.size());
    biases_.resize(shape_.layers.size());
    // The largest first: it chooses how weights lie, and the others follow where they can.
    for (std::uint32_t items = max_items_; items > 0; --items) build(items);
    scratch_ = Buffer(scratch_bytes_);
    for (auto& steps : steps_)
      for (Step& step : steps)
        if (const auto found = step.arguments.find(DNNL_ARG_SCRATCHPAD); found != step.arguments.end())
          found->second.set_data_handle(scratch_.data());
    parts_.build_s = watch.lap();

    for (std::size_t i = 0; i < shape_.layers.size(); ++i)
      if (shape_.layers[i].op == Op::convolution) fill(i, weights[i]);
    for (std::uint32_t item = 0; item < max_items_; ++item) set_input(item, random_input(shape_, item, spec.seed));
    parts_.copy_s = watch.lap();
    run(1);
    parts_.first_run_s = watch.lap();
  }

  void run(std::uint32_t items) override {
    check_items(items, max_items_);
    set_threads(threads_);
    try {
      for (const Step& step : steps_[items - 1]) step.primitive.execute(stream_, step.arguments);
      stream_.wait();
    } catch (const dnnl::error& e) {
      throw std::runtime_error(std::string("oneDNN: ") + e.what());
    }
  }

  void set_input(std::uint32_t item, std::span<const float> values) override {
    check_input(item, max_items_, values.size(), shape_.layers[0].values());
    std::vector<float> copy(values.begin(), values.end());
    const auto dims = dims_of(0, 1);
    dnnl::memory from({dims, Type::f32, Tag::nchw}, engine_, copy.data());
    dnnl::memory to({dims, type_, Tag::nhwc}, engine_, at(0, 0) + item * shape_.layers[0].values() * value_bytes());
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
  }

  std::vector<float> output(std::uint32_t item) const override {
    check_items(item + 1, max_items_);
    std::vector<float> out(shape_.output_values());
    std::size_t done = 0;
    dnnl::stream stream(engine_);
    for (const std::size_t h : shape_.heads) {
      const auto dims = dims_of(h, 1);
      dnnl::memory from({dims, type_, Tag::nhwc}, engine_, at(h, 0) + item * shape_.layers[h].values() * value_bytes());
      dnnl::memory to({dims, Type::f32, Tag::nchw}, engine_, out.data() + done);
      dnnl::reorder(from, to).execute(stream, from, to);
      stream.wait();
      done += shape_.layers[h].values();
    }
    return out;
  }

  const LoadParts& load_parts() const override { return parts_; }
  std::int64_t weight_bytes() const override {
    std::size_t out = 0;
    for (const auto& list : weights_)
      for (const Weights& w : list) out += w.values.bytes();
    for (const Buffer& b : biases_) out += b.bytes();
    return static_cast<std::int64_t>(out);
  }
  std::int64_t resident_bytes() const override { return weight_bytes() + static_cast<std::int64_t>(values_.bytes() + scratch_.bytes()); }
  std::string kernels() const override {
    std::string out;
    for (const auto& name : kernels_) out += (out.empty() ? "" : ", ") + name;
    return out;
  }

 private:
  std::size_t value_bytes() const { return type_ == Type::bf16 ? 2 : 4; }
  /// Where a layer's output begins: all items of a batch follow each other.
  char* at(std::size_t layer, std::size_t value) const {
    return values_.data() + (arena_.offset[layer] * max_items_ + value) * value_bytes();
  }
  dnnl::memory::dims dims_of(std::size_t layer, std::uint32_t items) const {
    const Layer& l = shape_.layers[layer];
    return {items, l.channels, l.side, l.side};
  }
  dnnl::memory::desc desc_of(std::size_t layer, std::uint32_t items) const { return {dims_of(layer, items), type_, Tag::nhwc}; }
  dnnl::memory memory_of(std::size_t layer, std::uint32_t items) const { return {desc_of(layer, items), engine_, at(layer, 0)}; }

  /// Goes on to the first implementation that is none of the slow reference ones; false: there is none.
  template <class Primitive>
  static bool is_fast(Primitive& p) {
    while (std::string(p.impl_info_str()).starts_with("ref"))
      if (!p.next_impl()) return false;
    return true;
  }
  template <class Primitive>
  void chosen(Primitive& p, std::size_t layer, const char* what) {
    if (!is_fast(p))
      throw CannotRun(std::string("oneDNN has only a reference implementation, which is many times slower, of the ") + what + " of layer " +
                      std::to_string(layer) + " (" + std::to_string(shape_.layers[layer].channels) + " channels, " +
                      std::to_string(shape_.layers[layer].side) + " pixels) on this processor (" + isa_name() + ")");
    kernels_.insert(std::string(what) + " " + p.impl_info_str());
  }

  template <class PrimitiveDesc>
  void add_step(std::uint32_t items, const PrimitiveDesc& p, const dnnl::primitive& primitive, Arguments arguments) {
    if (p.scratchpad_desc().get_size() > 0) {
      scratch_bytes_ = std::max(scratch_bytes_, p.scratchpad_desc().get_size());
      arguments.insert({DNNL_ARG_SCRATCHPAD, dnnl::memory(p.scratchpad_desc(), engine_, nullptr)});
    }
    steps_[items - 1].push_back({primitive, std::move(arguments)});
  }

  void build(std::uint32_t items) {
    dnnl::primitive_attr plain;
    plain.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    for (std::size_t i = 1; i < shape_.layers.size(); ++i) {
      const Layer& l = shape_.layers[i];
      const std::size_t from = l.inputs.front();
      switch (l.op) {
        case Op::convolution:
          build_convolution(items, i);
          break;
        case Op::add: {
          // A step of its own: as a post-operation after a convolution and its SiLU it would be a reference implementation with AVX2.
          dnnl::binary::primitive_desc p(
              {dnnl::algorithm::binary_add, desc_of(from, items), desc_of(l.inputs[1], items), desc_of(i, items)}, plain, engine_);
          chosen(p, i, "sum");
          add_step(items, p, dnnl::binary(p),
                   {{DNNL_ARG_SRC_0, memory_of(from, items)},
                    {DNNL_ARG_SRC_1, memory_of(l.inputs[1], items)},
                    {DNNL_ARG_DST, memory_of(i, items)}});
          break;
        }
        case Op::concatenate: {
          std::vector<dnnl::memory::desc> parts;
          Arguments arguments{{DNNL_ARG_DST, memory_of(i, items)}};
          for (const std::size_t part : l.inputs) {
            arguments.insert({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(parts.size()), memory_of(part, items)});
            parts.push_back(desc_of(part, items));
          }
          dnnl::concat::primitive_desc p(desc_of(i, items), 1, parts, engine_, plain);
          if (std::string name = p.impl_info_str(); name.starts_with("ref"))
            throw CannotRun("oneDNN has only a reference implementation of the concatenation of layer " + std::to_string(i));
          else
            kernels_.insert("concatenation " + name);
          add_step(items, p, dnnl::concat(p), std::move(arguments));
          break;
        }
        case Op::max_pool: {
          const dnnl::memory::dims stride{l.stride, l.stride}, kernel{l.kernel, l.kernel}, padding{l.padding, l.padding};
          dnnl::pooling_forward::primitive_desc p({dnnl::prop_kind::forward_inference, dnnl::algorithm::pooling_max, desc_of(from, items),
                                                   desc_of(i, items), stride, kernel, padding, padding},
                                                  plain, engine_);
          chosen(p, i, "pool");
          add_step(items, p, dnnl::pooling_forward(p), {{DNNL_ARG_SRC, memory_of(from, items)}, {DNNL_ARG_DST, memory_of(i, items)}});
          break;
        }
        case Op::upsample: {
          dnnl::resampling_forward::primitive_desc p(
              {dnnl::prop_kind::forward_inference, dnnl::algorithm::resampling_nearest, desc_of(from, items), desc_of(i, items)}, plain,
              engine_);
          chosen(p, i, "upsampling");
          add_step(items, p, dnnl::resampling_forward(p), {{DNNL_ARG_SRC, memory_of(from, items)}, {DNNL_ARG_DST, memory_of(i, items)}});
          break;
        }
        case Op::input:
          break;
      }
    }
  }

  void build_convolution(std::uint32_t items, std::size_t i) {
    const Layer& l = shape_.layers[i];
    const std::size_t from = l.inputs.front();
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (l.silu) {
      dnnl::post_ops after;
      after.append_eltwise(1.0F, dnnl::algorithm::eltwise_swish, 1.0F, 0.0F);
      attributes.set_post_ops(after);
    }
    const dnnl::memory::dims stride{l.stride, l.stride}, padding{l.padding, l.padding};
    const dnnl::memory::desc any({l.channels, shape_.input_channels(i), l.kernel, l.kernel}, type_, Tag::any);
    const dnnl::memory::desc bias({l.channels}, Type::f32, Tag::x);
    const auto with = [&](const dnnl::memory::desc& weights) {
      return dnnl::convolution_forward::primitive_desc({dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
                                                        desc_of(from, items), weights, bias, desc_of(i, items), stride, padding, padding},
                                                       attributes, engine_);
    };
    auto& known = weights_[i];
    std::size_t k = 0;
    auto p = with(known.empty() ? any : known[0].desc);
    while (!is_fast(p) && k < known.size()) p = with(++k < known.size() ? known[k].desc : any);
    chosen(p, i, "convolution");
    if (k == known.size()) known.push_back({p.weights_desc(), Buffer(p.weights_desc().get_size())});
    if (biases_[i].bytes() == 0) biases_[i] = Buffer(l.channels * sizeof(float));
    add_step(items, p, dnnl::convolution_forward(p),
             {{DNNL_ARG_SRC, memory_of(from, items)},
              {DNNL_ARG_WEIGHTS, dnnl::memory(p.weights_desc(), engine_, known[k].values.data())},
              {DNNL_ARG_BIAS, dnnl::memory(bias, engine_, biases_[i].data())},
              {DNNL_ARG_DST, memory_of(i, items)}});
  }

  void fill(std::size_t i, std::vector<float>& weights) {
    const Layer& l = shape_.layers[i];
    dnnl::memory from({{l.channels, shape_.input_channels(i), l.kernel, l.kernel}, Type::f32, Tag::oihw}, engine_, weights.data());
    for (const Weights& w : weights_[i]) {
      dnnl::memory to(w.desc, engine_, w.values.data());
      dnnl::reorder(from, to).execute(stream_, from, to);
      stream_.wait();
    }
    std::memcpy(biases_[i].data(), weights.data() + shape_.weights(i), l.channels * sizeof(float));
  }

  Shape shape_;
  Type type_;
  std::uint32_t max_items_;
  unsigned threads_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  Arena arena_;
  Buffer values_, scratch_;
  std::size_t scratch_bytes_ = 0;
  std::vector<std::vector<Weights>> weights_;  // by layer
  std::vector<Buffer> biases_;                 // by layer
  std::vector<std::vector<Step>> steps_;       // by items, from 1
  std::set<std::string> kernels_;
  LoadParts parts_;
};

class DnnlBackend final : public Backend {
 public:
  DnnlBackend() { dnnl::set_primitive_cache_capacity(0); }
  std::string name() const override { return "cpu"; }
  std::string version() const override {
    const dnnl_version_t* v = dnnl_version();
    return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch) + ", " + isa_name();
  }
  void check(const NetworkSpec& spec) const override {
    if (spec.precision == Precision::bf16 && !has_bf16())
      throw CannotRun(std::string("this processor has no bf16 (") + isa_name() + "); use f32");
    (void)make_shape(spec);
  }
  std::unique_ptr<Network> load(const NetworkSpec& spec, std::uint32_t max_items, unsigned threads) override {
    if (max_items == 0) throw CannotRun("a network is loaded for at least one item");
    if (threads == 0) throw CannotRun("a network runs with at least one thread");
    check(spec);
    try {
      return std::make_unique<DnnlNetwork>(spec, max_items, threads);
    } catch (const dnnl::error& e) {
      throw CannotRun(std::string("oneDNN cannot run this network: ") + e.what());
    }
  }
};

}  // namespace

std::unique_ptr<Backend> make_dnnl_backend() { return std::make_unique<DnnlBackend>(); }

}  // namespace tideline::real
#endif

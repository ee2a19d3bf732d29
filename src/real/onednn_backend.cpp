// Networks by oneDNN: values of layers in the order items x rows x columns x channels, weights in the layout that each kernel likes best.
#ifdef TIDELINE_ONEDNN

#include "src/real/backends.h"
#include "src/real/network.h"

#include <dnnl.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <new>
#include <unordered_map>

namespace tideline::real {

namespace {

using Clock = std::chrono::steady_clock;
using dnnl::memory;

double seconds_since(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

/// oneDNN runs on the OpenMP of the process; the number of threads belongs to the thread that asks.
void use_threads(unsigned threads) {
  using Set = void (*)(int);
  static const auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  if (set != nullptr) set(static_cast<int>(threads));
}

[[noreturn]] void cannot(const dnnl::error& e, const std::string& what) {
  throw CannotRun("oneDNN cannot " + what + ": " + e.what() + " (status " + std::to_string(static_cast<int>(e.status)) + ")");
}

/// Memory aligned for vectors, freed with its object.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t bytes) : bytes_(std::max<std::size_t>((bytes + 63) / 64 * 64, 64)), data_(std::aligned_alloc(64, bytes_)) {
    if (!data_) throw std::bad_alloc();
  }
  void* data() const { return data_.get(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::size_t bytes_ = 0;
  std::unique_ptr<void, Free> data_;
};

/// Where in one block of memory each layer's values of a batch lie: layers whose lives do not meet share places.
struct Arrangement {
  std::vector<std::size_t> offsets;  // by layer
  std::size_t bytes = 0;
};

Arrangement arrange(const Shape& shape, const std::vector<std::size_t>& sizes) {
  const std::size_t n = sizes.size();
  std::vector<std::size_t> last(n);
  for (std::size_t k = 0; k < n; ++k)
    for (const std::uint32_t f : shape.layers[k].from) last[f] = k;
  for (const std::uint32_t h : shape.heads) last[h] = n;
  struct Piece {
    std::size_t offset, bytes, until;
  };
  std::vector<Piece> live;
  Arrangement out;
  out.offsets.resize(n);
  for (std::size_t k = 0; k < n; ++k) {
    std::erase_if(live, [&](const Piece& p) { return p.until < k; });
    std::sort(live.begin(), live.end(), [](const Piece& a, const Piece& b) { return a.offset < b.offset; });
    std::size_t at = 0;
    for (const Piece& p : live) {
      if (p.offset >= at + sizes[k]) break;
      at = std::max(at, p.offset + p.bytes);
    }
    out.offsets[k] = at;
    out.bytes = std::max(out.bytes, at + sizes[k]);
    live.push_back({at, sizes[k], last[k]});
  }
  return out;
}

class OnednnNetwork final : public Network {
 public:
  OnednnNetwork(const NetworkSpec& spec, std::uint32_t max_items, unsigned threads)
      : shape_(shape_of(spec)),
        type_(spec.precision == Precision::bf16 ? memory::data_type::bf16 : memory::data_type::f32),
        threads_(threads) {
    try {
      use_threads(threads_);
      engine_ = dnnl::engine(dnnl::engine::kind::cpu, 0);
      stream_ = dnnl::stream(engine_);
      auto from = Clock::now();
      for (std::size_t k = 0; k < shape_.layers.size(); ++k)
        plain_.push_back(shape_.layers[k].kind == LayerKind::convolution ? weights_of(shape_, k, spec.seed) : Weights{});
      for (std::uint32_t i = 0; i < max_items; ++i) inputs_.push_back(random_input(shape_, spec.seed, i));
      parts_.read_s = seconds_since(from);
      // Kernels of the largest batch too: it says how much memory all batches need.
      arena_ = Buffer(arrangement(max_items).bytes);
      (void)plan(max_items);
      from = Clock::now();
      run(1);
      parts_.first_run_s = std::max(0.0, seconds_since(from) - building_s_);
      for (Weights& w : plain_) w = {};
      is_loaded_ = true;
    } catch (const dnnl::error& e) {
      cannot(e, "load this network");
    }
  }

  void run(std::uint32_t items) override {
    if (items == 0 || items > inputs_.size())
      throw std::runtime_error("a batch of " + std::to_string(items) + " items is none of this network");
    use_threads(threads_);
    try {
      building_s_ = 0;
      Plan& p = plan(items);
      float* into = static_cast<float*>(p.input.get_data_handle());
      for (std::uint32_t i = 0; i < items; ++i) std::copy(inputs_[i].begin(), inputs_[i].end(), into + i * inputs_[i].size());
      for (auto& [primitive, arguments] : p.steps) primitive.execute(stream_, arguments);
      stream_.wait();
    } catch (const dnnl::error& e) {
      cannot(e, "run a batch of " + std::to_string(items));
    }
    last_ = items;
  }
  void set_input(std::uint32_t item, std::span<const float> values) override {
    if (values.size() != inputs_.at(item).size())
      throw std::invalid_argument("an input has " + std::to_string(inputs_[item].size()) + " values");
    inputs_[item].assign(values.begin(), values.end());
  }
  std::vector<float> output(std::uint32_t item) const override {
    std::vector<float> out;
    if (item >= last_) throw std::out_of_range("the last batch had " + std::to_string(last_) + " items");
    const Plan& p = plans_.at(last_);
    for (std::size_t h = 0; h < shape_.heads.size(); ++h) {
      const std::size_t n = shape_.layers[shape_.heads[h]].values();
      const float* at = static_cast<const float*>(p.heads[h].get_data_handle()) + item * n;
      out.insert(out.end(), at, at + n);
    }
    return out;
  }
  const LoadParts& load_parts() const override { return parts_; }
  std::int64_t weight_bytes() const override {
    std::size_t sum = 0;
    for (const auto& [key, w] : weights_) sum += w.get_desc().get_size();
    return static_cast<std::int64_t>(sum);
  }
  std::int64_t resident_bytes() const override {
    std::size_t sum = arena_.bytes();
    for (const auto& [items, p] : plans_) {
      sum += p.input.get_desc().get_size();
      for (const memory& h : p.heads) sum += h.get_desc().get_size();
    }
    for (const auto& x : inputs_) sum += x.size() * sizeof(float);
    return static_cast<std::int64_t>(sum) + weight_bytes();
  }

 private:
  /// Kernels for batches of one size.
  struct Plan {
    memory input;  // as given: floats, channel by channel
    std::vector<std::pair<dnnl::primitive, std::unordered_map<int, memory>>> steps;
    std::vector<memory> heads;  // as floats, channel by channel
  };

  memory::desc desc_of(const Layer& l, std::uint32_t items) const {
    return {{items, l.channels, l.side, l.side}, type_, memory::format_tag::nhwc};
  }
  Arrangement arrangement(std::uint32_t items) const {
    std::vector<std::size_t> sizes;
    for (const Layer& l : shape_.layers) sizes.push_back((desc_of(l, items).get_size() + 63) / 64 * 64);
    return arrange(shape_, sizes);
  }

  Plan& plan(std::uint32_t items) {
    const auto at = plans_.find(items);
    if (at != plans_.end()) return at->second;
    const auto from = Clock::now();
    const double copied = parts_.copy_s;
    Plan p = make_plan(items);
    building_s_ = seconds_since(from);
    if (!is_loaded_) parts_.build_s += building_s_ - (parts_.copy_s - copied);
    return plans_.emplace(items, std::move(p)).first->second;
  }

  template <class Description>
  static void refuse_reference(const Description& d, const std::string& what) {
    if (std::string(d.impl_info_str()).starts_with("ref"))
      throw CannotRun("oneDNN has only a reference implementation (" + std::string(d.impl_info_str()) + ") for " + what +
                      " on this processor: what it takes would say nothing");
  }

  Plan make_plan(std::uint32_t items) {
    Plan p;
    const Arrangement places = arrangement(items);
    std::vector<memory> values;
    for (std::size_t k = 0; k < shape_.layers.size(); ++k)
      values.emplace_back(desc_of(shape_.layers[k], items), engine_, static_cast<char*>(arena_.data()) + places.offsets[k]);
    const auto plain = [&](const Layer& l) {
      return memory::desc({items, l.channels, l.side, l.side}, memory::data_type::f32, memory::format_tag::nchw);
    };
    const auto copy = [&](const memory& a, const memory& b) {
      p.steps.emplace_back(dnnl::reorder(a, b), std::unordered_map<int, memory>{{DNNL_ARG_FROM, a}, {DNNL_ARG_TO, b}});
    };
    p.input = memory(plain(shape_.layers[0]), engine_);
    copy(p.input, values[0]);
    for (std::size_t k = 1; k < shape_.layers.size(); ++k) add_layer(p, k, values);
    for (const std::uint32_t h : shape_.heads) {
      p.heads.emplace_back(plain(shape_.layers[h]), engine_);
      copy(values[h], p.heads.back());
    }
    return p;
  }

  void add_layer(Plan& p, std::size_t k, const std::vector<memory>& values) {
    const Layer& l = shape_.layers[k];
    const memory &from = values[l.from[0]], &to = values[k];
    switch (l.kind) {
      case LayerKind::input:
        return;
      case LayerKind::convolution: {
        const memory::dim in = shape_.layers[l.from[0]].channels, out = l.channels, kernel = l.kernel, stride = l.stride, pad = l.padding();
        const memory::desc any({out, in, kernel, kernel}, type_, memory::format_tag::any),
            bias({out}, memory::data_type::f32, memory::format_tag::x);
        // What is read behind the last row may be less than what lies before the first.
        const memory::dim right = (static_cast<memory::dim>(l.side) - 1) * stride + kernel - pad - shape_.layers[l.from[0]].side;
        const dnnl::convolution_forward::desc d(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, from.get_desc(),
                                                any, bias, to.get_desc(), {stride, stride}, {pad, pad}, {right, right});
        dnnl::primitive_attr attributes;
        if (l.swish) {
          dnnl::post_ops after;
          after.append_eltwise(1.0F, dnnl::algorithm::eltwise_swish, 1.0F, 0.0F);
          attributes.set_post_ops(after);
        }
        const dnnl::convolution_forward::primitive_desc chosen(d, attributes, engine_);
        refuse_reference(chosen, "a convolution of " + std::to_string(in) + " to " + std::to_string(out) + " channels");
        implementations_.try_emplace(chosen.impl_info_str(), 0).first->second += 1;
        p.steps.emplace_back(dnnl::convolution_forward(chosen),
                             std::unordered_map<int, memory>{{DNNL_ARG_SRC, from},
                                                             {DNNL_ARG_WEIGHTS, weights(k, chosen.weights_desc())},
                                                             {DNNL_ARG_BIAS, biases(k)},
                                                             {DNNL_ARG_DST, to}});
        return;
      }
      case LayerKind::add: {
        const memory& other = values[l.from[1]];
        const dnnl::binary::primitive_desc d({dnnl::algorithm::binary_add, from.get_desc(), other.get_desc(), to.get_desc()}, engine_);
        refuse_reference(d, "a sum of layers");
        p.steps.emplace_back(dnnl::binary(d),
                             std::unordered_map<int, memory>{{DNNL_ARG_SRC_0, from}, {DNNL_ARG_SRC_1, other}, {DNNL_ARG_DST, to}});
        return;
      }
      case LayerKind::concat: {
        std::vector<memory::desc> parts;
        std::unordered_map<int, memory> arguments{{DNNL_ARG_DST, to}};
        for (const std::uint32_t f : l.from) {
          arguments[DNNL_ARG_MULTIPLE_SRC + static_cast<int>(parts.size())] = values[f];
          parts.push_back(values[f].get_desc());
        }
        const dnnl::concat::primitive_desc d(to.get_desc(), 1, parts, engine_);
        refuse_reference(d, "a concatenation of layers");
        p.steps.emplace_back(dnnl::concat(d), std::move(arguments));
        return;
      }
      case LayerKind::max_pool: {
        const memory::dim kernel = l.kernel, pad = l.kernel / 2;
        const dnnl::pooling_forward::primitive_desc d({dnnl::prop_kind::forward_inference,
                                                       dnnl::algorithm::pooling_max,
                                                       from.get_desc(),
                                                       to.get_desc(),
                                                       {1, 1},
                                                       {kernel, kernel},
                                                       {pad, pad},
                                                       {pad, pad}},
                                                      engine_);
        refuse_reference(d, "a pooling");
        p.steps.emplace_back(dnnl::pooling_forward(d), std::unordered_map<int, memory>{{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
        return;
      }
      case LayerKind::upsample: {
        const dnnl::resampling_forward::primitive_desc d(
            {dnnl::prop_kind::forward_inference, dnnl::algorithm::resampling_nearest, from.get_desc(), to.get_desc()}, engine_);
        refuse_reference(d, "an upsampling");
        p.steps.emplace_back(dnnl::resampling_forward(d), std::unordered_map<int, memory>{{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
        return;
      }
    }
  }

  /// Batches of several sizes share weights where their kernels like the same layout.
  const memory& weights(std::size_t k, const memory::desc& wished) {
    const auto had =
        std::find_if(weights_.begin(), weights_.end(), [&](const auto& w) { return w.first == k && w.second.get_desc() == wished; });
    if (had != weights_.end()) return had->second;
    if (is_loaded_ && plain_[k].weights.empty()) {
      // The plain ones are gone: from a layout that is there.
      const auto other = std::find_if(weights_.begin(), weights_.end(), [&](const auto& w) { return w.first == k; });
      memory to(wished, engine_);
      dnnl::reorder(other->second, to).execute(stream_, const_cast<memory&>(other->second), to);
      stream_.wait();
      return weights_.emplace_back(k, to).second;
    }
    const auto from = Clock::now();
    const Layer& l = shape_.layers[k];
    const memory::dims dims{l.channels, shape_.layers[l.from[0]].channels, l.kernel, l.kernel};
    memory plain({dims, memory::data_type::f32, memory::format_tag::oihw}, engine_, plain_[k].weights.data());
    memory to(wished, engine_);
    dnnl::reorder(plain, to).execute(stream_, plain, to);
    stream_.wait();
    parts_.copy_s += seconds_since(from);
    return weights_.emplace_back(k, to).second;
  }
  const memory& biases(std::size_t k) {
    const auto [at, is_new] = biases_.try_emplace(k);
    if (is_new) {
      const memory::desc d({shape_.layers[k].channels}, memory::data_type::f32, memory::format_tag::x);
      at->second = memory(d, engine_);
      std::copy(plain_[k].biases.begin(), plain_[k].biases.end(), static_cast<float*>(at->second.get_data_handle()));
    }
    return at->second;
  }

  Shape shape_;
  memory::data_type type_;
  unsigned threads_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::vector<Weights> plain_;  // by layer, while it loads
  std::vector<std::vector<float>> inputs_;
  Buffer arena_;
  std::vector<std::pair<std::size_t, memory>> weights_;  // by layer, a layout each
  std::map<std::size_t, memory> biases_;
  std::map<std::uint32_t, Plan> plans_;  // by items
  std::map<std::string, int> implementations_;
  std::uint32_t last_ = 0;
  double building_s_ = 0;
  bool is_loaded_ = false;
  LoadParts parts_;
};

class OnednnBackend final : public Backend {
 public:
  std::string name() const override { return "cpu"; }
  std::string version() const override {
    const dnnl_version_t* v = dnnl_version();
    return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch) + " (" + isa() + ")";
  }
  void check(const NetworkSpec& spec) const override {
    (void)shape_of(spec);
    if (spec.precision == Precision::bf16 && !has_bf16())
      throw CannotRun("this processor has no bf16 (" + isa() + "; it needs avx512_core_bf16): use precision f32");
  }
  std::unique_ptr<Network> load(const NetworkSpec& spec, std::uint32_t max_items, unsigned threads) override {
    check(spec);
    return std::make_unique<OnednnNetwork>(spec, max_items, threads);
  }

 private:
  static bool has_bf16() {
    const auto i = static_cast<int>(dnnl::get_effective_cpu_isa());
    return i == static_cast<int>(dnnl::cpu_isa::avx512_core_bf16) || i == static_cast<int>(dnnl::cpu_isa::avx512_core_amx);
  }
  static std::string isa() {
    switch (dnnl::get_effective_cpu_isa()) {
      case dnnl::cpu_isa::sse41:
        return "sse41";
      case dnnl::cpu_isa::avx:
        return "avx";
      case dnnl::cpu_isa::avx2:
        return "avx2";
      case dnnl::cpu_isa::avx2_vnni:
        return "avx2_vnni";
      case dnnl::cpu_isa::avx512_core:
        return "avx512_core";
      case dnnl::cpu_isa::avx512_core_vnni:
        return "avx512_core_vnni";
      case dnnl::cpu_isa::avx512_core_bf16:
        return "avx512_core_bf16";
      case dnnl::cpu_isa::avx512_core_amx:
        return "avx512_core_amx";
      default:
        return "isa " + std::to_string(static_cast<int>(dnnl::get_effective_cpu_isa()));
    }
  }
};

}  // namespace

std::unique_ptr<Backend> make_onednn_backend() { return std::make_unique<OnednnBackend>(); }

}  // namespace tideline::real

#endif

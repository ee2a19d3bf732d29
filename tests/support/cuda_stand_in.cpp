#include "tests/support/cuda_stand_in.h"

#include "src/real/cuda/device.h"
#include "src/real/cuda/kernel_bodies.h"
#include "src/real/cuda/kernels.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

using tideline::test::CudaStandIn;

extern "C" __attribute__((visibility("default"))) CudaStandIn* tideline_cuda_stand_in();

CudaStandIn* tideline_cuda_stand_in() {
  static CudaStandIn state;
  return &state;
}

// --- what the handles of the libraries are here ---

/// Nothing is done before the stream is waited for: whoever reads too early sees that there is nothing yet.
struct CUstream_st {
  std::deque<std::function<cudaError_t()>> todo;
};
struct cudnnContext {
  cudaStream_t stream = nullptr;
};
struct cudnnTensorStruct {
  bool is_set = false, channels_last = false;
  cudnnDataType_t type{};
  std::size_t n = 0, c = 0, h = 0, w = 0;
};
struct cudnnFilterStruct {
  bool is_set = false, channels_last = false;
  cudnnDataType_t type{};
  std::size_t k = 0, c = 0, h = 0, w = 0;
};
struct cudnnConvolutionStruct {
  bool is_set = false;
  std::size_t padding = 0, stride = 1;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

namespace {

CudaStandIn& state() { return *tideline_cuda_stand_in(); }

bool fails() { return state().calls++ == state().fail_at; }

thread_local cudaError_t last_error = cudaSuccess;

cudaError_t told(cudaError_t e) {
  if (e != cudaSuccess) last_error = e;
  return e;
}

cudaError_t misuse() {
  ++state().misuses;
  return told(cudaErrorInvalidValue);
}
cudnnStatus_t cudnn_misuse() {
  ++state().misuses;
  return CUDNN_STATUS_BAD_PARAM;
}

// --- memory ---

struct Piece {
  std::size_t bytes;
  bool on_device;
};
std::mutex pieces_mutex;
std::map<std::uintptr_t, Piece> pieces;

std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

cudaError_t allocate(void** out, std::size_t bytes, bool on_device) {
  if (out == nullptr || bytes == 0) return misuse();
  if (fails()) return told(cudaErrorMemoryAllocation);
  auto& used = on_device ? state().device_bytes : state().pinned_bytes;
  const std::lock_guard lock(pieces_mutex);
  if (on_device && used + static_cast<std::int64_t>(bytes) > state().memory) return told(cudaErrorMemoryAllocation);
  void* p = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (p == nullptr) return told(cudaErrorMemoryAllocation);
  std::memset(p, 0xff, bytes);  // NaN in every precision: what was never written shows
  pieces[address(p)] = {bytes, on_device};
  used += static_cast<std::int64_t>(bytes);
  *out = p;
  return cudaSuccess;
}

cudaError_t free_piece(void* p, bool on_device) {
  if (p == nullptr) return cudaSuccess;
  const std::lock_guard lock(pieces_mutex);
  const auto at = pieces.find(address(p));
  if (at == pieces.end() || at->second.on_device != on_device) return misuse();
  (on_device ? state().device_bytes : state().pinned_bytes) -= static_cast<std::int64_t>(at->second.bytes);
  pieces.erase(at);
  std::free(p);
  return cudaSuccess;
}

/// Whether all of it is in one piece of that kind.
bool is_in(const void* p, std::size_t bytes, bool on_device) {
  const std::lock_guard lock(pieces_mutex);
  auto at = pieces.upper_bound(address(p));
  if (at == pieces.begin()) return false;
  --at;
  return at->second.on_device == on_device && address(p) - at->first + bytes <= at->second.bytes;
}
bool on_device(const void* p, std::size_t bytes) { return is_in(p, bytes, true); }

bool overlap(const void* a, std::size_t a_bytes, const void* b, std::size_t b_bytes) {
  return address(a) < address(b) + b_bytes && address(b) < address(a) + a_bytes;
}

cudaError_t enqueue(cudaStream_t stream, std::function<cudaError_t()> work) {
  if (stream == nullptr) return misuse();
  stream->todo.push_back(std::move(work));
  return cudaSuccess;
}

// --- convolutions ---

std::size_t bytes_of(cudnnDataType_t type) { return type == CUDNN_DATA_BFLOAT16 ? 2 : 4; }

float read(const char* values, std::size_t i, cudnnDataType_t type) {
  if (type == CUDNN_DATA_BFLOAT16) {
    tideline::real::Bf16 half;
    std::memcpy(&half, values + 2 * i, 2);
    return tideline::real::get(half);
  }
  float x = 0;
  std::memcpy(&x, values + 4 * i, 4);
  return x;
}

void write(char* values, std::size_t i, float x, cudnnDataType_t type) {
  if (type == CUDNN_DATA_BFLOAT16) {
    tideline::real::Bf16 half;
    tideline::real::put(half, x);
    std::memcpy(values + 2 * i, &half, 2);
  } else {
    std::memcpy(values + 4 * i, &x, 4);
  }
}

/// What TF32 leaves of a factor: f32 that is computed with it does not agree with the reference.
float as_tf32(float x) { return std::bit_cast<float>((std::bit_cast<std::uint32_t>(x) + 0x1000U) & 0xffffe000U); }

/// Whatever lies as channels-last or channels-first, as [outer][c][row][column] in f32.
std::vector<float> unpacked(const char* from, std::size_t outer, std::size_t c, std::size_t h, std::size_t w, bool channels_last,
                            cudnnDataType_t type, bool tf32) {
  std::vector<float> out(outer * c * h * w);
  std::size_t to = 0;
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t k = 0; k < c; ++k)
      for (std::size_t p = 0; p < h * w; ++p, ++to) {
        const float x = read(from, channels_last ? (o * h * w + p) * c + k : to, type);
        out[to] = tf32 ? as_tf32(x) : x;
      }
  return out;
}

struct Problem {
  cudnnTensorStruct x, y;
  cudnnFilterStruct w;
  cudnnConvolutionStruct c;
  const char *x_at, *w_at;
  char* y_at;
  void* workspace;
  std::size_t workspace_bytes;
};

std::size_t bytes_of(const cudnnTensorStruct& t) { return t.n * t.c * t.h * t.w * bytes_of(t.type); }
std::size_t bytes_of(const cudnnFilterStruct& f) { return f.k * f.c * f.h * f.w * bytes_of(f.type); }

bool agrees(const cudnnTensorStruct& x, const cudnnFilterStruct& w, const cudnnConvolutionStruct& c, const cudnnTensorStruct& y) {
  const auto side = [&](std::size_t in, std::size_t kernel) { return (in + 2 * c.padding - kernel) / c.stride + 1; };
  return x.is_set && w.is_set && c.is_set && y.is_set && x.type == w.type && x.type == y.type && x.channels_last == w.channels_last &&
         x.channels_last == y.channels_last && x.c == w.c && y.c == w.k && x.n == y.n && y.h == side(x.h, w.h) && y.w == side(x.w, w.w) &&
         // Tensor cores take channels in pieces of 16 bytes.
         (x.type != CUDNN_DATA_BFLOAT16 || (x.channels_last && x.c % 8 == 0 && y.c % 8 == 0));
}

cudaError_t convolve(const Problem& p) {
  if (!on_device(p.x_at, bytes_of(p.x)) || !on_device(p.w_at, bytes_of(p.w)) || !on_device(p.y_at, bytes_of(p.y)) ||
      (p.workspace_bytes > 0 && !on_device(p.workspace, p.workspace_bytes)))
    return misuse();
  if (overlap(p.y_at, bytes_of(p.y), p.x_at, bytes_of(p.x)) || overlap(p.y_at, bytes_of(p.y), p.w_at, bytes_of(p.w)) ||
      overlap(p.y_at, bytes_of(p.y), p.workspace, p.workspace_bytes))
    return misuse();
  if (p.workspace_bytes > 0) std::memset(p.workspace, 0xff, p.workspace_bytes);
  const bool tf32 = p.x.type == CUDNN_DATA_FLOAT && p.c.math != CUDNN_FMA_MATH;
  const auto x = unpacked(p.x_at, p.x.n, p.x.c, p.x.h, p.x.w, p.x.channels_last, p.x.type, tf32);
  const auto w = unpacked(p.w_at, p.w.k, p.w.c, p.w.h, p.w.w, p.w.channels_last, p.w.type, tf32);
  const auto padding = static_cast<std::ptrdiff_t>(p.c.padding), stride = static_cast<std::ptrdiff_t>(p.c.stride);
  const auto in_h = static_cast<std::ptrdiff_t>(p.x.h), in_w = static_cast<std::ptrdiff_t>(p.x.w);
  std::vector<float> sums(p.y.h * p.y.w);
  for (std::size_t n = 0; n < p.y.n; ++n) {
    for (std::size_t k = 0; k < p.y.c; ++k) {
      std::fill(sums.begin(), sums.end(), 0.0F);
      for (std::size_t c = 0; c < p.x.c; ++c) {
        const float* plane = x.data() + (n * p.x.c + c) * p.x.h * p.x.w;
        for (std::size_t r = 0; r < p.w.h; ++r) {
          for (std::size_t s = 0; s < p.w.w; ++s) {
            const float factor = w[((k * p.w.c + c) * p.w.h + r) * p.w.w + s];
            for (std::size_t v = 0; v < p.y.h; ++v) {
              const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(v) * stride + static_cast<std::ptrdiff_t>(r) - padding;
              if (row < 0 || row >= in_h) continue;
              const std::ptrdiff_t shift = static_cast<std::ptrdiff_t>(s) - padding;
              const std::ptrdiff_t begin = shift < 0 ? (-shift + stride - 1) / stride : 0;
              const std::ptrdiff_t end = std::min(static_cast<std::ptrdiff_t>(p.y.w), (in_w - 1 - shift) / stride + 1);
              float* to = sums.data() + v * p.y.w;
              const float* from = plane + row * in_w + shift;
              for (std::ptrdiff_t u = begin; u < end; ++u) to[u] += factor * from[u * stride];
            }
          }
        }
      }
      for (std::size_t q = 0; q < sums.size(); ++q)
        write(p.y_at, p.y.channels_last ? (n * sums.size() + q) * p.y.c + k : (n * p.y.c + k) * sums.size() + q, sums[q], p.y.type);
    }
  }
  return cudaSuccess;
}

template <class T>
cudnnStatus_t create(T** out) {
  if (fails()) return CUDNN_STATUS_INTERNAL_ERROR;
  *out = new T();
  ++state().objects;
  return CUDNN_STATUS_SUCCESS;
}
template <class T>
cudnnStatus_t destroy(T* p) {
  if (p == nullptr) return cudnn_misuse();
  delete p;
  --state().objects;
  return CUDNN_STATUS_SUCCESS;
}

std::size_t workspace_of(cudnnConvolutionFwdAlgo_t algorithm, const cudnnTensorStruct& x) {
  return algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM ? x.n * x.h * 64 : 0;
}

}  // namespace

// --- the runtime of CUDA ---

extern "C" {

cudaError_t CUDARTAPI cudaDriverGetVersion(int* out) {
  *out = state().driver;
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaRuntimeGetVersion(int* out) {
  *out = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaGetDeviceCount(int* out) {
  if (state().driver < CUDART_VERSION / 1000 * 1000) return told(cudaErrorInsufficientDriver);
  *out = state().devices;
  return state().devices == 0 ? told(cudaErrorNoDevice) : cudaSuccess;
}
cudaError_t CUDARTAPI cudaGetDeviceProperties(cudaDeviceProp* out, int device) {
  if (device < 0 || device >= state().devices) return misuse();
  if (fails()) return told(cudaErrorUnknown);
  *out = {};
  std::strcpy(out->name, "stand-in on the processor, for tests");
  out->major = state().major;
  out->minor = state().minor;
  return cudaSuccess;
}
const char* CUDARTAPI cudaGetErrorString(cudaError_t e) {
  return e == cudaErrorMemoryAllocation ? "out of memory"
         : e == cudaErrorNoDevice       ? "no CUDA-capable device is detected"
                                        : "stand-in failed";
}
cudaError_t CUDARTAPI cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
cudaError_t CUDARTAPI cudaMemGetInfo(std::size_t* free, std::size_t* whole) {
  if (fails()) return told(cudaErrorUnknown);
  *whole = static_cast<std::size_t>(state().memory);
  *free = static_cast<std::size_t>(state().memory - state().device_bytes);
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaMalloc(void** out, std::size_t bytes) { return allocate(out, bytes, true); }
cudaError_t CUDARTAPI cudaFree(void* p) { return free_piece(p, true); }
cudaError_t CUDARTAPI cudaMallocHost(void** out, std::size_t bytes) { return allocate(out, bytes, false); }
cudaError_t CUDARTAPI cudaFreeHost(void* p) { return free_piece(p, false); }

cudaError_t CUDARTAPI cudaStreamCreateWithFlags(cudaStream_t* out, unsigned) {
  if (fails()) return told(cudaErrorUnknown);
  *out = new CUstream_st();
  ++state().objects;
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaStreamDestroy(cudaStream_t stream) {
  if (stream == nullptr) return misuse();
  if (!stream->todo.empty()) ++state().misuses;  // the memory that it works on is gone
  delete stream;
  --state().objects;
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaStreamSynchronize(cudaStream_t stream) {
  if (stream == nullptr) return misuse();
  cudaError_t first = fails() ? cudaErrorUnknown : cudaSuccess;
  while (!stream->todo.empty()) {
    const auto work = std::move(stream->todo.front());
    stream->todo.pop_front();
    if (first == cudaSuccess) first = work();
  }
  return told(first);
}

cudaError_t CUDARTAPI cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (fails()) return told(cudaErrorUnknown);
  const bool up = kind == cudaMemcpyHostToDevice;
  if ((!up && kind != cudaMemcpyDeviceToHost) || !on_device(up ? to : from, bytes)) return misuse();
  if (up && !is_in(from, bytes, false)) {
    // Memory that is not pinned is read at once, into a buffer of the driver.
    std::vector<char> copy(bytes);
    std::memcpy(copy.data(), from, bytes);
    return enqueue(stream, [to, copy = std::move(copy)] {
      std::memcpy(to, copy.data(), copy.size());
      return cudaSuccess;
    });
  }
  if (!up && !is_in(to, bytes, false)) return misuse();  // would wait, which a batch is not to do amid its work
  return enqueue(stream, [=] {
    if (!is_in(to, bytes, up) || !is_in(from, bytes, !up)) return misuse();
    std::memcpy(to, from, bytes);
    return cudaSuccess;
  });
}

// --- cuDNN ---

std::size_t CUDNNWINAPI cudnnGetVersion() { return CUDNN_VERSION; }
const char* CUDNNWINAPI cudnnGetErrorString(cudnnStatus_t) { return "stand-in failed"; }
cudnnStatus_t CUDNNWINAPI cudnnCreate(cudnnHandle_t* out) { return create(out); }
cudnnStatus_t CUDNNWINAPI cudnnDestroy(cudnnHandle_t h) { return destroy(h); }
cudnnStatus_t CUDNNWINAPI cudnnSetStream(cudnnHandle_t h, cudaStream_t stream) {
  if (fails()) return CUDNN_STATUS_INTERNAL_ERROR;
  h->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t CUDNNWINAPI cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* out) { return create(out); }
cudnnStatus_t CUDNNWINAPI cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t t) { return destroy(t); }
cudnnStatus_t CUDNNWINAPI cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t t, cudnnTensorFormat_t format, cudnnDataType_t type, int n,
                                                     int c, int h, int w) {
  if (fails()) return CUDNN_STATUS_INTERNAL_ERROR;
  if (n < 1 || c < 1 || h < 1 || w < 1) return cudnn_misuse();
  *t = {true,
        format == CUDNN_TENSOR_NHWC,
        type,
        static_cast<std::size_t>(n),
        static_cast<std::size_t>(c),
        static_cast<std::size_t>(h),
        static_cast<std::size_t>(w)};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t CUDNNWINAPI cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* out) { return create(out); }
cudnnStatus_t CUDNNWINAPI cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t f) { return destroy(f); }
cudnnStatus_t CUDNNWINAPI cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t f, cudnnDataType_t type, cudnnTensorFormat_t format, int k,
                                                     int c, int h, int w) {
  if (fails()) return CUDNN_STATUS_INTERNAL_ERROR;
  if (k < 1 || c < 1 || h < 1 || w < 1) return cudnn_misuse();
  *f = {true,
        format == CUDNN_TENSOR_NHWC,
        type,
        static_cast<std::size_t>(k),
        static_cast<std::size_t>(c),
        static_cast<std::size_t>(h),
        static_cast<std::size_t>(w)};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t CUDNNWINAPI cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* out) { return create(out); }
cudnnStatus_t CUDNNWINAPI cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t c) { return destroy(c); }
cudnnStatus_t CUDNNWINAPI cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t c, int pad_h, int pad_w, int u, int v,
                                                          int dilation_h, int dilation_w, cudnnConvolutionMode_t mode,
                                                          cudnnDataType_t compute) {
  if (fails()) return CUDNN_STATUS_INTERNAL_ERROR;
  if (pad_h != pad_w || u != v || pad_h < 0 || u < 1 || dilation_h != 1 || dilation_w != 1 || mode != CUDNN_CROSS_CORRELATION ||
      compute != CUDNN_DATA_FLOAT)
    return cudnn_misuse();
  *c = {true, static_cast<std::size_t>(pad_h), static_cast<std::size_t>(u), CUDNN_DEFAULT_MATH};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t CUDNNWINAPI cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t c, cudnnMathType_t math) {
  if (fails()) return CUDNN_STATUS_INTERNAL_ERROR;
  c->math = math;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t CUDNNWINAPI cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t h, const cudnnTensorDescriptor_t x,
                                                                 const cudnnFilterDescriptor_t w, const cudnnConvolutionDescriptor_t c,
                                                                 const cudnnTensorDescriptor_t y, const int most, int* count,
                                                                 cudnnConvolutionFwdAlgoPerf_t* out) {
  if (fails()) return CUDNN_STATUS_INTERNAL_ERROR;
  if (h == nullptr || !agrees(*x, *w, *c, *y)) return cudnn_misuse();
  *count = 0;
  const auto add = [&](cudnnConvolutionFwdAlgo_t algorithm, cudnnStatus_t status) {
    if (*count == most) return;
    out[*count] = {};
    out[*count].algo = algorithm;
    out[*count].status = status;
    ++*count;
  };
  // The best first, as cuDNN has it; some do not work, and one is not to be used.
  add(CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED, CUDNN_STATUS_SUCCESS);
  add(CUDNN_CONVOLUTION_FWD_ALGO_FFT, CUDNN_STATUS_NOT_SUPPORTED);
  if (state().has_winograd_nonfused_alone) return CUDNN_STATUS_SUCCESS;
  add(CUDNN_CONVOLUTION_FWD_ALGO_GEMM, CUDNN_STATUS_SUCCESS);  // and then has no work space for it
  add(x->n % 2 == 0 ? CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM : CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, CUDNN_STATUS_SUCCESS);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t CUDNNWINAPI cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t h, const cudnnTensorDescriptor_t x,
                                                                  const cudnnFilterDescriptor_t w, const cudnnConvolutionDescriptor_t c,
                                                                  const cudnnTensorDescriptor_t y, cudnnConvolutionFwdAlgo_t algorithm,
                                                                  std::size_t* out) {
  if (h == nullptr || !agrees(*x, *w, *c, *y)) return cudnn_misuse();
  if (state().has_no_algorithm || algorithm == CUDNN_CONVOLUTION_FWD_ALGO_GEMM) return CUDNN_STATUS_NOT_SUPPORTED;
  *out = workspace_of(algorithm, *x);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t CUDNNWINAPI cudnnConvolutionForward(cudnnHandle_t h, const void* alpha, const cudnnTensorDescriptor_t x, const void* x_at,
                                                  const cudnnFilterDescriptor_t w, const void* w_at, const cudnnConvolutionDescriptor_t c,
                                                  cudnnConvolutionFwdAlgo_t algorithm, void* workspace, std::size_t workspace_bytes,
                                                  const void* beta, const cudnnTensorDescriptor_t y, void* y_at) {
  if (fails()) return CUDNN_STATUS_EXECUTION_FAILED;
  if (h == nullptr || !agrees(*x, *w, *c, *y) || *static_cast<const float*>(alpha) != 1 || *static_cast<const float*>(beta) != 0 ||
      (algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM && algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM) ||
      workspace_bytes < workspace_of(algorithm, *x))
    return cudnn_misuse();
  const Problem p{
      *x, *y, *w, *c, static_cast<const char*>(x_at), static_cast<const char*>(w_at), static_cast<char*>(y_at), workspace, workspace_bytes};
  return enqueue(h->stream, [p] { return convolve(p); }) == cudaSuccess ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
}

}  // extern "C"

// --- what the module looks up, and its kernels ---

namespace tideline::real::cuda {
namespace {

std::size_t bytes_of(Precision precision) { return precision == Precision::bf16 ? sizeof(Bf16) : sizeof(float); }

/// Every second launch has wide indices, so that both are run.
template <class F>
cudaError_t launch(std::size_t count, F f, cudaStream_t stream, std::function<bool()> is_valid) {
  static std::atomic<unsigned> launches{0};
  const bool wide = launches++ % 2 == 1;
  if (fails()) return told(cudaErrorLaunchOutOfResources);
  if (count == 0) return misuse();
  const cudaError_t status = enqueue(stream, [=] {
    if (!is_valid()) return misuse();
    if (wide)
      for (std::size_t i = 0; i < count; ++i) f(i);
    else
      for (std::uint32_t i = 0; i < count; ++i) f(i);
    return cudaSuccess;
  });
  return status == cudaSuccess ? cudaGetLastError() : status;
}

template <class F>
cudaError_t typed(Precision precision, void* values, F f) {
  return precision == Precision::bf16 ? f(static_cast<Bf16*>(values)) : f(static_cast<float*>(values));
}

}  // namespace

const Cudnn& cudnn() {
  static const Cudnn table = [] {
    Cudnn out;
#define TIDELINE_CUDNN_TAKE(name) out.name = &::name;
    TIDELINE_CUDNN_FUNCTIONS(TIDELINE_CUDNN_TAKE)
#undef TIDELINE_CUDNN_TAKE
    return out;
  }();
  return table;
}

cudaError_t add_bias(Precision precision, void* values, std::size_t count, const float* bias, std::uint32_t run, std::uint32_t channels,
                     bool silu, cudaStream_t stream) {
  const auto is_valid = [=] {
    return on_device(values, count * bytes_of(precision)) && on_device(bias, channels * sizeof(float)) &&
           count % (std::size_t{run} * channels) == 0;
  };
  return typed(precision, values, [&]<class T>(T* v) { return launch(count, AddBias<T>{v, bias, run, channels, silu}, stream, is_valid); });
}

cudaError_t add(Precision precision, void* to, const void* a, const void* b, std::size_t count, cudaStream_t stream) {
  const std::size_t bytes = count * bytes_of(precision);
  const auto is_valid = [=] { return on_device(to, bytes) && on_device(a, bytes) && on_device(b, bytes); };
  return typed(precision, to, [&]<class T>(T* t) {
    return launch(count, Add<T>{t, static_cast<const T*>(a), static_cast<const T*>(b)}, stream, is_valid);
  });
}

cudaError_t copy_rows(Precision precision, void* to, std::size_t pitch, const void* from, std::size_t width, std::size_t rows,
                      cudaStream_t stream) {
  const std::size_t size = bytes_of(precision), whole = ((rows - 1) * pitch + width) * size;
  const auto is_valid = [=] {
    return on_device(to, whole) && on_device(from, width * rows * size) && !overlap(to, whole, from, width * rows * size);
  };
  return typed(precision, to, [&]<class T>(T* t) {
    return launch(width * rows, CopyRows<T>{t, pitch, static_cast<const T*>(from), width}, stream, is_valid);
  });
}

cudaError_t max_pool(Precision precision, void* to, const void* from, Planes planes, std::uint32_t reach, cudaStream_t stream) {
  const std::size_t bytes = planes.values() * bytes_of(precision);
  const auto is_valid = [=] { return on_device(to, bytes) && on_device(from, bytes) && !overlap(to, bytes, from, bytes); };
  return typed(precision, to, [&]<class T>(T* t) {
    return launch(planes.values(), MaxPool<T>{t, static_cast<const T*>(from), planes.side, planes.inner, reach}, stream, is_valid);
  });
}

cudaError_t upsample(Precision precision, void* to, const void* from, Planes planes, cudaStream_t stream) {
  const std::size_t bytes = planes.values() * bytes_of(precision);
  const auto is_valid = [=] {
    return planes.side % 2 == 0 && on_device(to, bytes) && on_device(from, bytes / 4) && !overlap(to, bytes, from, bytes / 4);
  };
  return typed(precision, to, [&]<class T>(T* t) {
    return launch(planes.values(), Upsample<T>{t, static_cast<const T*>(from), planes.side, planes.inner}, stream, is_valid);
  });
}

}  // namespace tideline::real::cuda

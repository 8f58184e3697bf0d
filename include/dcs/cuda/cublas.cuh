// Matrix products of cuda::device by cuBLASLt, with shift, residual and ReLU in its epilogue. Our matrices are row-major: the library, which counts
// columns first, is asked for Cᵀ = Bᵀ · Aᵀ, where the epilogue's shift is what it calls a bias. When a thread first multiplies matrices of a shape,
// the algorithms that the library suggests are timed, and the fastest is kept for that thread.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/epilogue.cuh>
#include <dcs/cuda/gemm.cuh>
#include <dcs/cuda/library.cuh>

#include <algorithm>
#include <array>
#include <map>

#include <cublasLt.h>

DCS_EXACT_MATH
namespace dcs::cuda {

/// Throws dcs::error with cuBLASLt's message where a call failed.
inline void expect_success(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) fail("dcs::cuda: ", call, ": ", cublasLtGetStatusString(status));
}

namespace detail {

template <class T>
inline constexpr cudaDataType_t cuda_type = std::is_same_v<T, double>  ? CUDA_R_64F
                                            : std::is_same_v<T, float> ? CUDA_R_32F
                                                                       : CUDA_R_16BF;

// Descriptors of the library, destroyed at the end of their scope.
class product_descriptor {
 public:
  product_descriptor(cublasComputeType_t compute, cudaDataType_t scale) {
    expect_success(cublasLtMatmulDescCreate(&made_, compute, scale), "cublasLtMatmulDescCreate");
  }
  product_descriptor(const product_descriptor&) = delete;
  product_descriptor& operator=(const product_descriptor&) = delete;
  ~product_descriptor() { cublasLtMatmulDescDestroy(made_); }
  template <class V>
  void set(cublasLtMatmulDescAttributes_t what, const V& value) {
    expect_success(cublasLtMatmulDescSetAttribute(made_, what, &value, sizeof value), "cublasLtMatmulDescSetAttribute");
  }
  cublasLtMatmulDesc_t get() const { return made_; }

 private:
  cublasLtMatmulDesc_t made_ = nullptr;
};
class layout_descriptor {
 public:
  layout_descriptor(cudaDataType_t type, std::int64_t rows, std::int64_t columns, std::int64_t stride, std::int64_t batch) {
    expect_success(cublasLtMatrixLayoutCreate(&made_, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns), stride),
                   "cublasLtMatrixLayoutCreate");
    set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, static_cast<std::int32_t>(batch));
    set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, rows * columns);
  }
  layout_descriptor(const layout_descriptor&) = delete;
  layout_descriptor& operator=(const layout_descriptor&) = delete;
  ~layout_descriptor() { cublasLtMatrixLayoutDestroy(made_); }
  cublasLtMatrixLayout_t get() const { return made_; }

 private:
  template <class V>
  void set(cublasLtMatrixLayoutAttribute_t what, const V& value) {
    expect_success(cublasLtMatrixLayoutSetAttribute(made_, what, &value, sizeof value), "cublasLtMatrixLayoutSetAttribute");
  }
  cublasLtMatrixLayout_t made_ = nullptr;
};
class preference_descriptor {
 public:
  preference_descriptor() { expect_success(cublasLtMatmulPreferenceCreate(&made_), "cublasLtMatmulPreferenceCreate"); }
  preference_descriptor(const preference_descriptor&) = delete;
  preference_descriptor& operator=(const preference_descriptor&) = delete;
  ~preference_descriptor() { cublasLtMatmulPreferenceDestroy(made_); }
  template <class V>
  void set(cublasLtMatmulPreferenceAttributes_t what, const V& value) {
    expect_success(cublasLtMatmulPreferenceSetAttribute(made_, what, &value, sizeof value), "cublasLtMatmulPreferenceSetAttribute");
  }
  cublasLtMatmulPreference_t get() const { return made_; }

 private:
  cublasLtMatmulPreference_t made_ = nullptr;
};

inline cublasLtHandle_t cublas() {
  thread_local const cublasLtHandle_t handle = [] {
    cublasLtHandle_t made = nullptr;
    expect_success(cublasLtCreate(&made), "cublasLtCreate");
    return made;
  }();
  return handle;
}

// The alignment that all pointers share, at most 256.
template <class... P>
std::uint32_t common_alignment(const P*... p) {
  const std::uintptr_t all = (reinterpret_cast<std::uintptr_t>(p) | ... | std::uintptr_t{256});
  return static_cast<std::uint32_t>(all & (~all + 1));
}

// The key under which an algorithm is kept. An empty algorithm says that the library has none for the product.
using product_key = std::array<std::int64_t, 14>;
struct product_algorithm {
  bool found = false;
  cublasLtMatmulAlgo_t algorithm{};
  std::int64_t workspace = 0;
};

// c = act(a · b + shift + residual) where the library has an algorithm for it.
template <class T>
bool try_product(std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k, const cpu::matrix<T>& a, const cpu::matrix<T>& b, T* c,
                 const cpu::epilogue<T>& e) {
  using S = arithmetic_t<T>;
  const bool tf32 = library_options::get().tf32;
  const cublasComputeType_t compute = std::is_same_v<T, double>          ? CUBLAS_COMPUTE_64F
                                      : std::is_same_v<T, float> && tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                                         : CUBLAS_COMPUTE_32F;
  product_descriptor product(compute, cuda_type<S>);
  product.set(CUBLASLT_MATMUL_DESC_TRANSA, b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  product.set(CUBLASLT_MATMUL_DESC_TRANSB, a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  const int parts = (e.relu ? CUBLASLT_EPILOGUE_RELU : 0) | (e.shift ? CUBLASLT_EPILOGUE_BIAS : 0);
  product.set(CUBLASLT_MATMUL_DESC_EPILOGUE, static_cast<cublasLtEpilogue_t>(parts ? parts : CUBLASLT_EPILOGUE_DEFAULT));
  if (e.shift) product.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, e.shift);
  const auto type = cuda_type<T>;
  const layout_descriptor left(type, b.transposed ? k : n, b.transposed ? n : k, b.stride, batch);
  const layout_descriptor right(type, a.transposed ? m : k, a.transposed ? k : m, a.stride, batch);
  const layout_descriptor added(type, n, m, e.residual ? e.residual_stride : n, batch), result(type, n, m, n, batch);
  const T* residual = e.residual ? e.residual : c;
  const std::uint32_t alignment = common_alignment(a.data, b.data, c, residual, e.shift);

  thread_local std::map<product_key, product_algorithm> known;
  const product_key key{batch, m,         n,    k,   a.stride, b.stride, a.transposed, b.transposed, e.residual ? e.residual_stride : -1,
                        parts, alignment, type, tf32};
  const auto [at, is_new] = known.try_emplace(key);
  product_algorithm& chosen = at->second;
  const S one = 1, beta = e.residual ? 1 : 0;
  const auto run = [&](const product_algorithm& by) {
    return cublasLtMatmul(cublas(), product.get(), &one, b.data, left.get(), a.data, right.get(), &beta, residual, added.get(), c, result.get(),
                          &by.algorithm, library_workspace(by.workspace), static_cast<std::size_t>(by.workspace), stream());
  };
  if (is_new) {
    preference_descriptor preference;
    preference.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<std::size_t>(library_options::get().most_workspace));
    // Parts of a long sum are not rounded to 16 bits before they are added.
    preference.set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
    for (const auto what : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                            CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
      preference.set(what, alignment);
    // During a capture nothing runs, so nothing can be timed.
    const int most = capturing ? 1 : std::max(library_options::get().candidates, 1);
    std::vector<cublasLtMatmulHeuristicResult_t> candidates(static_cast<std::size_t>(most));
    int found = 0;
    const auto status = cublasLtMatmulAlgoGetHeuristic(cublas(), product.get(), left.get(), right.get(), added.get(), result.get(), preference.get(),
                                                       most, candidates.data(), &found);
    if (status != CUBLAS_STATUS_NOT_SUPPORTED) expect_success(status, "cublasLtMatmulAlgoGetHeuristic");
    candidates.resize(status == CUBLAS_STATUS_SUCCESS ? static_cast<std::size_t>(found) : 0);
    float best = 0;
    for (const auto& candidate : candidates) {
      if (candidate.state != CUBLAS_STATUS_SUCCESS) continue;
      const product_algorithm tried{true, candidate.algo, static_cast<std::int64_t>(candidate.workspaceSize)};
      float time = 0;
      if (most > 1 && !timed([&] { return run(tried) == CUBLAS_STATUS_SUCCESS; }, time)) continue;
      if (!chosen.found || time < best) chosen = tried, best = time;
      if (most == 1) break;
    }
  }
  if (!chosen.found) return false;
  expect_success(run(chosen), "cublasLtMatmul");
  return true;
}

}  // namespace detail

template <class T>
void gemm(device, std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k, const cpu::matrix<T>& a, const cpu::matrix<T>& b, T* c,
          const cpu::epilogue<T>& e = {}) {
  if (batch == 0 || m == 0 || n == 0) return;
  if (k == 0) {
    device::zero(c, batch * m * n * static_cast<std::int64_t>(sizeof(T)));
    return finish(device{}, batch * m, n, e, c);
  }
  if (!e.scale && detail::try_product(batch, m, n, k, a, b, c, e)) return;
  expect(detail::try_product(batch, m, n, k, a, b, c, cpu::epilogue<T>{}), "dcs::cuda: cuBLASLt has no algorithm for ", batch, " products of ", m,
         " × ", k, " and ", k, " × ", n);
  finish(device{}, batch * m, n, e, c);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>

// Times of kernels on a GPU beside a lower bound. Each run is timed by two events of its own, after 256 MiB have been overwritten, so that none of
// its inputs is in the cache and the time of the launch is hidden; the median of the runs is reported. A case states the bytes and operations that it
// needs at least. Its floor is the larger of bytes over the bandwidth of a copy and operations over the rate of mma.sync, both measured on this GPU.
#pragma once

#include <dcs/core/philox.hpp>
#include <dcs/cuda/device.cuh>
#include <dcs/expr/chain.cuh>
#include <dcs/expr/pointwise.hpp>
#include <dcs/grad/accumulate.cuh>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace gpu_bench {

using device = dcs::cuda::device;
using dcs::cuda::expect_success;

template <class T>
inline constexpr const char* type_name = sizeof(T) == 2 ? "bf16" : "f32";

/// Normal numbers on the GPU.
template <class T>
class buffer {
 public:
  explicit buffer(std::int64_t n) : size_(n), memory_(dcs::storage::allocate<device>(n * static_cast<std::int64_t>(sizeof(T)))) {
    std::vector<T> some(static_cast<std::size_t>(std::min<std::int64_t>(n, 1 << 20)));
    for (std::size_t i = 0; i < some.size(); ++i) some[i] = static_cast<T>(static_cast<float>(dcs::random_stream{1, 2}.normal(i)));
    for (std::int64_t at = 0; at < n; at += static_cast<std::int64_t>(some.size()))
      device::copy_from_host(data() + at, some.data(),
                             std::min(n - at, static_cast<std::int64_t>(some.size())) * static_cast<std::int64_t>(sizeof(T)));
    device::synchronize();
  }
  explicit buffer(const std::vector<T>& values)
      : size_(static_cast<std::int64_t>(values.size())), memory_(dcs::storage::allocate<device>(size_ * static_cast<std::int64_t>(sizeof(T)))) {
    device::copy_from_host(data(), values.data(), bytes());
    device::synchronize();
  }
  T* data() const { return static_cast<T*>(memory_.data()); }
  const dcs::storage& memory() const { return memory_; }
  std::int64_t size() const { return size_; }
  std::int64_t bytes() const { return size_ * static_cast<std::int64_t>(sizeof(T)); }

 private:
  std::int64_t size_;
  dcs::storage memory_;
};

/// Products of fragments in registers, to measure the peak rate of the matrix units; a product of floats is three of TF32.
template <class T>
struct rate_kernel {
  static constexpr const char* name = "matrix_rate";
  static constexpr int threads = 256, rounds = 4096, sums = 8;
  dcs::cuda::device_span<float> out;

  std::int64_t blocks() const { return out.size / threads; }
  std::int64_t shared_bytes() const { return 0; }
  double operations() const { return 2.0 * 16 * 8 * 16 * rounds * sums * static_cast<double>(out.size / dcs::cuda::warp_size); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    typename Block::template fragment_a<T> x;
    typename Block::template fragment_b<T> y;
    typename Block::template fragment_c<T> c[sums];
    DCS_DEVICE_UNROLL
    for (int p = 0; p < 4; ++p) x.set(p, static_cast<float>(b.lane()), 1.0f);
    for (int r = 0; r < rounds; ++r) {
      DCS_DEVICE_UNROLL
      for (int i = 0; i < sums; ++i) b.mma(c[i], x, y);
    }
    float sum = 0;
    DCS_DEVICE_UNROLL
    for (int i = 0; i < sums; ++i) sum += c[i].x[0] + c[i].x[3];
    b.global(out, "out").write(b.index(), sum);
  }
};

class meter {
 public:
  meter() : cold_(dcs::storage::allocate<device>(cold_bytes)) {
    expect_success(cudaEventCreate(&begin_), "cudaEventCreate");
    expect_success(cudaEventCreate(&end_), "cudaEventCreate");
    const buffer<float> from(64 << 20), to(64 << 20), sums(1 << 20);
    bandwidth_ = 2 * static_cast<double>(from.bytes()) / seconds([] {}, [&] { device::copy(to.data(), from.data(), from.bytes()); });
    const rate_kernel<float> exact{{sums.data(), sums.size()}};
    const rate_kernel<dcs::bf16> narrow{{sums.data(), sums.size()}};
    rate_f32_ = exact.operations() / seconds([] {}, [&] { dcs::cuda::launch(device{}, exact); });
    rate_bf16_ = narrow.operations() / seconds([] {}, [&] { dcs::cuda::launch(device{}, narrow); });
    cudaDeviceProp gpu{};
    int number = 0;
    expect_success(cudaGetDevice(&number), "cudaGetDevice");
    expect_success(cudaGetDeviceProperties(&gpu, number), "cudaGetDeviceProperties");
    std::printf("# %s: copy %.0f GB/s, products %.1f TFLOP/s bf16, %.1f to float's accuracy\n", gpu.name, bandwidth_ / 1e9, rate_bf16_ / 1e12,
                rate_f32_ / 1e12);
  }

  /// Prints "NAME/TYPE milliseconds floor". prepare() is not timed.
  template <class T, class Prepare, class F>
  void run(const std::string& name, double bytes, double operations, const Prepare& prepare, const F& f) {
    const double time = seconds(prepare, f), floor = std::max(bytes / bandwidth_, operations / (sizeof(T) == 2 ? rate_bf16_ : rate_f32_));
    std::printf("%s/%s %.4f %.4f\n", name.c_str(), type_name<T>, time * 1e3, floor * 1e3);
    std::fflush(stdout);
  }
  template <class T, class F>
  void run(const std::string& name, double bytes, double operations, const F& f) {
    run<T>(
        name, bytes, operations, [] {}, f);
  }

 private:
  static constexpr std::int64_t cold_bytes = 256 << 20;

  template <class Prepare, class F>
  double seconds(const Prepare& prepare, const F& f) {
    std::vector<float> times;
    for (int i = 0; i < 35; ++i) {
      prepare();
      device::zero(cold_.data(), cold_bytes);
      expect_success(cudaEventRecord(begin_, dcs::cuda::stream()), "cudaEventRecord");
      f();
      expect_success(cudaEventRecord(end_, dcs::cuda::stream()), "cudaEventRecord");
      expect_success(cudaEventSynchronize(end_), "cudaEventSynchronize");
      float milliseconds = 0;
      expect_success(cudaEventElapsedTime(&milliseconds, begin_, end_), "cudaEventElapsedTime");
      if (i >= 5) times.push_back(milliseconds);  // the first warm up
    }
    std::nth_element(times.begin(), times.begin() + 15, times.end());
    return static_cast<double>(times[15]) * 1e-3;
  }

  dcs::storage cold_;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  double bandwidth_ = 0, rate_f32_ = 0, rate_bf16_ = 0;
};

/// Normal numbers of a shape.
template <class T, class S>
dcs::tensor<T, S, device> numbers(const dcs::sizes<S::rank>& n) {
  return dcs::tensor<T, S, device>::adopt(buffer<T>(dcs::count(n)).memory(), n);
}

/// An op as networks call it: the forward pass on tensors, and the backward pass on a tape that is recorded, untimed, before every run. The bytes are
/// those that each of the two passes needs at least.
template <class T, class F, class... S>
void both_ways(meter& m, const std::string& name, double forward, double backward, const F& f, const dcs::tensor<T, S, device>&... x) {
  m.run<T>(name + "_forward", forward, 0, [&] { (void)dcs::eval(f(x...)); });
  const auto taped = [&] { return dcs::eval(f(dcs::var<T, S, device>::leaf(x)...)); };
  auto y = taped();
  using Y = typename decltype(y)::tensor_type;
  const auto gradient = numbers<typename Y::value_type, typename Y::shape_type>(y.sizes());
  m.run<T>(
      name + "_backward", backward, 0, [&] { y = taped(); }, [&] { dcs::backward(y, gradient); });
}

/// The cases of each file.
void attention_cases(meter& m);
void loss_cases(meter& m);
void map_cases(meter& m);
void move_cases(meter& m);
void pointwise_cases(meter& m);
void proposal_cases(meter& m);
void window_cases(meter& m);

}  // namespace gpu_bench

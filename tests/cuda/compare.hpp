// A kernel's results against the CPU op's: the op is applied to the same values on the host in double, and on the emulated device in double, float
// and bf16, in several orders of threads. Forward and every gradient must agree, relative to the norm of what is compared. Compiled by nvcc, the same
// tests run on the GPU, in float and bf16.
#pragma once

#if defined(__CUDACC__)
#include <dcs/cuda/device.cuh>
#else
#include <dcs/cuda/device.hpp>
#endif
#include <dcs/expr/gradcheck.hpp>
#include <dcs/grad/accumulate.cuh>

#include <doctest/doctest.h>

namespace kernel_test {

using dcs::extent_t;
#if defined(__CUDACC__)
using target = dcs::cuda::device;
inline constexpr bool on_gpu = true;
#else
using target = dcs::cuda::emulated;
inline constexpr bool on_gpu = false;
#endif

template <class T>
inline constexpr double tolerance = std::is_same_v<T, double>  ? 1e-12
                                    : std::is_same_v<T, float> ? 2e-6
                                                               : 1.5e-2;

template <class To, class T, class S>
dcs::tensor<To, S> rounded(const dcs::tensor<T, S>& x) {
  auto y = dcs::tensor<To, S>::empty(x.sizes());
  for (extent_t i = 0; i < x.size(); ++i) y.data()[i] = static_cast<To>(x.data()[i]);
  return y;
}

// n elements of the device's memory, and memory of the device with elements of the host.
template <class T>
std::vector<T> on_host(const T* at, std::int64_t n) {
  std::vector<T> v(static_cast<std::size_t>(n));
  target::copy_to_host(v.data(), at, n * static_cast<std::int64_t>(sizeof(T)));
  return v;
}
template <class T>
dcs::cuda::device_scratch<T, target> uploaded(const std::vector<T>& v) {
  return dcs::cuda::uploaded<target>(v);
}

template <class A, class B>
double difference(const A& measured, const B& wanted) {
  REQUIRE(measured.size() == wanted.size());
  double error = 0, norm = 1e-30;
  for (extent_t i = 0; i < wanted.size(); ++i) {
    const double w = static_cast<double>(wanted.data()[i]), d = static_cast<double>(measured.data()[i]) - w;
    error += d * d, norm += w * w;
  }
  return std::isfinite(error) ? std::sqrt(error / norm) : HUGE_VAL;
}

// f at leaves, and back from a random gradient: the result and the gradients of the inputs.
template <class D, class F, class T, class... S>
auto run(const F& f, const dcs::tensor<T, S>&... x) {
  const auto leaves = std::tuple(dcs::var<T, S, D>::leaf(dcs::to<D>(x).clone())...);
  return std::apply(
      [&](const auto&... v) {
        const auto y = dcs::eval(f(v...));
        using Y = typename std::remove_cvref_t<decltype(y)>::tensor_type;
        using R = typename Y::value_type;  // the result of a cast is of another type than T
        auto dy = rounded<R>(rounded<dcs::bf16>(dcs::random_normal<double, typename Y::shape_type>(y.sizes(), {77, 7})));
        dcs::backward(y, dcs::to<D>(dy));
        auto grad = [](const auto& leaf) {
          return leaf.has_grad() ? dcs::to<dcs::cpu_device>(leaf.grad())
                                 : rounded<T>(dcs::tensor<T, typename std::remove_cvref_t<decltype(leaf)>::shape_type>::zeros(leaf.sizes()));
        };
        return std::tuple(dcs::to<dcs::cpu_device>(y.value()).clone(), grad(v).clone()...);
      },
      leaves);
}

template <class T, class F, class... S>
void compare_in(const F& f, const dcs::tensor<double, S>&... x) {
  const auto wanted = run<dcs::cpu_device>(f, rounded<double>(rounded<T>(x))...);
  for (std::uint64_t seed = 1; seed <= (on_gpu ? 1 : 3); ++seed) {
    dcs::cuda::emulated::options().seed = seed;
    const auto measured = run<target>(f, rounded<T>(x)...);
    const auto check = [&]<std::size_t... I>(std::index_sequence<I...>) {
      (
          [&] {
            CAPTURE(I);
            CAPTURE(sizeof(T));
            CHECK(difference(std::get<I>(measured), std::get<I>(wanted)) < tolerance<T>);
          }(),
          ...);
    };
    check(std::make_index_sequence<1 + sizeof...(S)>{});
  }
}

/// f over operands, at inputs x: forward and backward on the device against the host, in three types.
template <class F, class... S>
void compare(const F& f, const dcs::tensor<double, S>&... x) {
  if constexpr (!on_gpu) compare_in<double>(f, x...);
  compare_in<float>(f, x...);
  compare_in<dcs::bf16>(f, x...);
}

/// The device's gradients against differences, in double; nothing to do on a GPU, whose memory the host cannot read.
template <class F, class... S>
double gradcheck(const F& f, const dcs::tensor<double, S>&... x) {
  if constexpr (on_gpu)
    return 0;
  else
    return dcs::gradcheck(f, {6, 6}, 8, dcs::to<target>(x).clone()...);
}

}  // namespace kernel_test

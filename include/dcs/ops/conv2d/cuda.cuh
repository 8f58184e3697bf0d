// Convolution on a GPU. Libraries compute all but depthwise convolutions: a 1 × 1 convolution is a matrix product with its epilogue
// (cuda/cublas.cuh), any other a graph of cuDNN (cudnn.cuh). These libraries expect weights as [out][height][width][in], so the weights are
// transposed first and multiplied by the epilogue's scale in the same pass; the library's epilogue is then shift, residual and ReLU. cuda::emulated
// uses the host's ops instead of a library.
//
// Depthwise convolutions are kernels (cuda_depthwise.cuh).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/epilogue.cuh>
#include <dcs/cuda/gemm.cuh>
#include <dcs/expr/chain.cuh>
#include <dcs/ops/conv2d/cpu.hpp>
#include <dcs/ops/conv2d/cuda_depthwise.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {
template <class A>
std::vector<A> turned_weights(const A* w, std::int64_t rows, std::int64_t columns) {
  std::vector<A> t(static_cast<std::size_t>(rows * columns));
  cpu::transposition(cpu_device{}, w, 1, rows, columns, t.data());
  return t;
}
}  // namespace detail

template <class T>
void library_convolution(emulated, const cpu::conv2d_geometry& g, const T* x, const T* w, const cpu::epilogue<T>& e, T* y) {
  using A = arithmetic_t<T>;
  const std::int64_t results = g.out_pixels() * g.out_c;
  const detail::widened<T> in(x, g.in_pixels() * g.in_c), weights(w, g.weights()), shift(e.shift, g.out_c), residual(e.residual, results);
  const auto turned = detail::turned_weights(weights.data(), g.out_c, g.weights() / g.out_c);
  detail::rounding(y, results, [&](A* out) {
    cpu::conv2d_forward<A>(g, in.data(), turned.data(), {nullptr, shift.data(), residual.data(), g.out_c, e.relu}, out);
  });
}
template <class T>
void library_data_gradient(emulated, const cpu::conv2d_geometry& g, const T* dy, const T* w, T* dx) {
  using A = arithmetic_t<T>;
  const detail::widened<T> gradient(dy, g.out_pixels() * g.out_c), weights(w, g.weights());
  const auto turned = detail::turned_weights(weights.data(), g.out_c, g.weights() / g.out_c);
  detail::rounding(dx, g.in_pixels() * g.in_c, [&](A* out) { cpu::conv2d_data_gradient<A>(g, gradient.data(), turned.data(), out); });
}
template <class T>
void library_weight_gradient(emulated, const cpu::conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  using A = arithmetic_t<T>;
  const detail::widened<T> in(x, g.in_pixels() * g.in_c), gradient(dy, g.out_pixels() * g.out_c);
  std::vector<A> plain(static_cast<std::size_t>(g.weights()));
  cpu::conv2d_weight_gradient<A>(g, in.data(), gradient.data(), plain.data());
  detail::rounding(dw, g.weights(), [&](A* out) { cpu::transposition(cpu_device{}, plain.data(), 1, g.weights() / g.out_c, g.out_c, out); });
}

// The entry points of a convolution.

namespace detail {
inline bool is_product(const cpu::conv2d_geometry& g) { return g.pointwise() && g.groups == 1; }
// Weights in the order of the libraries, each output channel times its scale where there is one.
template <class D, class T>
device_scratch<T, D> library_weights(const cpu::conv2d_geometry& g, const T* w, const T* scale) {
  device_scratch<T, D> turned(g.weights());
  transposition(D{}, w, 1, g.weights() / g.out_c, g.out_c, turned.data(), scale);
  return turned;
}
}  // namespace detail

template <class T, gpu D>
void relu_gradient(D, const T* y, const T* dy, T* out, std::int64_t n) {
  expr::chain_arguments<T, 1> a;
  a.in[0] = y, a.columns = n, a.inner[0] = 1;
  if (n > 0) chain_backward<expr::call<functions::relu, expr::leaf<0>>>(D{}, a, dy, &out);
}
template <class T, gpu D>
void sum_rows(D, const T* dy, std::int64_t rows, std::int64_t channels, T* out) {
  const std::int64_t size[2] = {rows, channels}, keep[2] = {0, 1};
  sum_to(D{}, out, channels, dy, size, 2, keep);
}
template <class T, gpu D>
void scaled_weights(D, const T* from, const T* scale, std::int64_t rows, std::int64_t channels, T* to) {
  const std::int64_t size[2] = {rows, channels}, strides[2][expr::max_rank] = {{channels, 1}, {0, 1}};
  expr::chain_arguments<T, 2> a;
  a.in[0] = from, a.in[1] = scale, a.out = to;
  a.lay_out(size, 2, strides);
  if (rows * channels > 0) chain_forward<expr::call<functions::mul, expr::leaf<0>, expr::leaf<1>>>(D{}, a);
}
template <class T, gpu D>
void conv2d_forward(D, const cpu::conv2d_geometry& g, const T* x, const T* w, const cpu::epilogue<T>& e, T* y) {
  if (g.out_pixels() == 0) return;
  if (g.depthwise()) return with_packets<T>(g.in_c, [&](auto v) { launch(D{}, depthwise_forward_kernel<T, decltype(v)::value>(g, x, w, e, y)); });
  const cpu::epilogue<T> rest{nullptr, e.shift, e.residual, e.residual_stride, e.relu};
  if (!detail::is_product(g)) {
    const auto turned = detail::library_weights<D>(g, w, e.scale);
    return library_convolution(D{}, g, x, static_cast<const T*>(turned.data()), rest, y);
  }
  const device_scratch<T, D> scaled(e.scale ? g.weights() : 0);
  if (e.scale) scaled_weights(D{}, w, e.scale, g.in_c, g.out_c, scaled.data());
  gemm<T>(D{}, 1, g.out_pixels(), g.out_c, g.in_c, cpu::matrix<T>{x, g.in_c}, cpu::matrix<T>{e.scale ? scaled.data() : w, g.out_c}, y, rest);
}

template <class T, gpu D>
void conv2d_data_gradient(D, const cpu::conv2d_geometry& g, const T* dy, const T* w, T* dx) {
  if (g.in_pixels() == 0) return;
  if (g.depthwise())
    with_packets<T>(g.in_c, [&](auto v) { launch(D{}, depthwise_data_gradient_kernel<T, decltype(v)::value>(g, dy, w, dx)); });
  else if (detail::is_product(g))
    gemm<T>(D{}, 1, g.out_pixels(), g.in_c, g.out_c, cpu::matrix<T>{dy, g.out_c}, cpu::matrix<T>{w, g.out_c, true}, dx);
  else
    library_data_gradient(D{}, g, dy, static_cast<const T*>(detail::library_weights<D, T>(g, w, nullptr).data()), dx);
}

namespace detail {
template <int V, class T, gpu D>
void depthwise_weight_gradient(D, const cpu::conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  using A = arithmetic_t<T>;
  const column_tiles tile(g.out_pixels(), g.in_c / V);
  const device_scratch<A, D> partial(g.weights() * tile.chunks);
  launch(D{}, depthwise_weight_gradient_kernel<T, V>(g, x, dy, partial.data(), tile));
  launch(D{}, sum_chunks_kernel<T, A>{{partial.data(), g.weights() * tile.chunks}, {dw, g.weights()}, tile.chunks, A(1)});
}
}  // namespace detail

template <class T, gpu D>
void conv2d_weight_gradient(D, const cpu::conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  if (g.out_pixels() == 0) return D::zero(dw, g.weights() * static_cast<std::int64_t>(sizeof(T)));
  if (g.depthwise()) {
    constexpr int most = packet_size<T> < 4 ? packet_size<T> : 4;  // the sums, nine packets, are in registers
    return g.in_c % most == 0 ? detail::depthwise_weight_gradient<most>(D{}, g, x, dy, dw) : detail::depthwise_weight_gradient<1>(D{}, g, x, dy, dw);
  }
  if (detail::is_product(g))
    return gemm<T>(D{}, 1, g.in_c, g.out_c, g.out_pixels(), cpu::matrix<T>{x, g.in_c, true}, cpu::matrix<T>{dy, g.out_c}, dw);
  const device_scratch<T, D> turned(g.weights());
  library_weight_gradient(D{}, g, x, dy, turned.data());
  transposition(D{}, static_cast<const T*>(turned.data()), 1, g.out_c, g.weights() / g.out_c, dw);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>

// Convolutions over volumes by the kernels of 2-D ones. The windows along depth are gathered beside each other in the channels (ops/unfold), and a
// 2-D convolution over the slices, whose kernel sees KD times the channels, does the rest: every instruction set, Winograd's algorithm and cuDNN
// serve volumes too. The gathered array is KD times the input. It lives while one pass runs, and is gathered again for the gradient of the weights.
// The weights lie as KH, KW, KD, In/Groups, Out, so that as KH, KW, KD · In/Groups, Out they are the 2-D kernel's. A transposed convolution is the
// same in the opposite direction: the 2-D data gradient, then the sum of the windows (fold). One-dimensional ones are volumes of height and width 1.
//
// These bodies know no shapes and are compiled once per element type.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/grad/var.hpp>
#include <dcs/ops/conv_transpose2d/cpu.hpp>
#include <dcs/ops/unfold/cpu.hpp>

DCS_EXACT_MATH
namespace dcs::detail {

/// The windows along depth, and the convolution over the slices that they make: its batch are images · windows, its channels KD · In.
struct conv3d_geometry {
  unfold_geometry depth;
  cpu::conv2d_geometry plane;
};

/// Maps and weights of one dimension as those of volumes.
constexpr sizes<5> as_volume(const sizes<3>& x) { return {x[0], x[1], 1, 1, x[2]}; }
constexpr sizes<5> as_volume(const sizes<5>& x) { return x; }
constexpr sizes<5> as_volume_kernel(const sizes<3>& w) { return {1, 1, w[0], w[1], w[2]}; }
constexpr sizes<5> as_volume_kernel(const sizes<5>& w) { return w; }

/// Stride, padding and dilation, of depth alone for a convolution of one dimension.
struct conv3d_steps {
  extent_t stride, padding, dilation, groups;
  bool depth_alone;

  extent_t plane_stride() const { return depth_alone ? 1 : stride; }
  extent_t plane_padding() const { return depth_alone ? 0 : padding; }
  extent_t plane_dilation() const { return depth_alone ? 1 : dilation; }
};

/// large: the convolution's input; small: its result, both N, D, H, W, C; w: KH, KW, KD, In / groups, Out.
inline conv3d_geometry conv3d_between(const char* op, const sizes<5>& large, const sizes<5>& small, const sizes<5>& w, const conv3d_steps& s) {
  (void)checked_product(op, {small[0], small[1], small[2], small[3], w[0], w[1], w[2], w[3], w[4]});  // the multiply-adds
  (void)checked_product(op, {large[0], small[1], large[2], large[3], w[2], large[4]});                // the gathered windows
  return {{large[0], large[1], small[1], large[2] * large[3], large[4], w[2], s.stride, s.padding, s.dilation, s.groups},
          {large[0] * small[1], large[2], large[3], w[2] * large[4], small[2], small[3], small[4], w[0], w[1], s.plane_stride(), s.plane_padding(),
           s.plane_dilation(), s.groups}};
}

/// The geometry of a convolution of x, N, D, H, W, C. Throws where x is smaller than the kernel.
[[gnu::noinline]] inline conv3d_geometry conv3d_geometry_of(const char* op, const sizes<5>& x, const sizes<5>& w, const conv3d_steps& s) {
  const sizes<5> y{x[0], windowed(x[1], w[2], s.stride, s.padding, s.dilation),
                   windowed(x[2], w[0], s.plane_stride(), s.plane_padding(), s.plane_dilation()),
                   windowed(x[3], w[1], s.plane_stride(), s.plane_padding(), s.plane_dilation()), w[4]};
  for (std::size_t i = 1; i < 4; ++i)
    expect(x[i] >= 1 && y[i] >= 1, op, ": a map of ", x[1], " × ", x[2], " × ", x[3], " is smaller than the ", w[2], " × ", w[0], " × ", w[1],
           " kernel");
  return conv3d_between(op, x, y, w, s);
}

/// That of the convolution whose transpose maps x to the result: the result is its input. Throws where nothing is left of x.
[[gnu::noinline]] inline conv3d_geometry conv_transpose3d_geometry_of(const char* op, const sizes<5>& x, const sizes<5>& w, const conv3d_steps& s,
                                                                      extent_t output_padding) {
  constexpr extent_t most = extent_t{1} << 50;
  const auto unwind = [&](extent_t e, extent_t k, extent_t stride, extent_t padding, extent_t more, extent_t dilation) {
    expect(e <= most / stride, op, ": an axis of ", e, " with stride ", stride, "; expected a smaller map");
    return unwindowed(e, k, stride, padding, more, dilation);
  };
  const extent_t more = s.depth_alone ? 0 : output_padding;
  const sizes<5> y{x[0], unwind(x[1], w[2], s.stride, s.padding, output_padding, s.dilation),
                   unwind(x[2], w[0], s.plane_stride(), s.plane_padding(), more, s.plane_dilation()),
                   unwind(x[3], w[1], s.plane_stride(), s.plane_padding(), more, s.plane_dilation()), w[3] * s.groups};
  for (std::size_t i = 1; i < 4; ++i)
    expect(x[i] >= 1 && y[i] >= 1, op, ": nothing is left of a map of ", x[1], " × ", x[2], " × ", x[3], " with a ", w[2], " × ", w[0], " × ", w[1],
           " kernel, stride ", s.stride, " and padding ", s.padding, "; expected less padding or a larger map");
  return conv3d_between(op, y, x, w, s);
}

/// The windows of x along depth; x itself where they are the same.
template <class T, class D>
storage depth_windows(const unfold_geometry& g, const storage& x) {
  if (g.identity()) return x;
  storage y = allocate_elements<T, D>("dcs::conv3d", {g.outputs()});
  if (g.outputs() > 0) unfold(D{}, g, static_cast<const T*>(x.data()), static_cast<T*>(y.data()));
  return y;
}
/// The sum of windows along depth + shift, if there is one.
template <class T, class D>
storage sum_of_windows(const unfold_geometry& g, storage windows, const T* shift) {
  if (g.identity() && !shift) return windows;
  storage x = allocate_elements<T, D>("dcs::conv3d", {g.inputs()});
  if (g.inputs() > 0) fold(D{}, g, static_cast<const T*>(windows.data()), shift, static_cast<T*>(x.data()));
  return x;
}
template <class T, class D>
storage sum_over_rows(const storage& dy, extent_t rows, extent_t channels) {
  storage sum = allocate_elements<T, D>("dcs::conv3d", {channels});
  sum_rows(D{}, static_cast<const T*>(dy.data()), rows, channels, static_cast<T*>(sum.data()));
  return sum;
}

/// conv(x, w) + b; no b where it has no memory.
template <class T, class D>
[[gnu::noinline]] untyped<T> run_conv3d(const conv3d_geometry& g, const untyped<T>& x, const untyped<T>& w, const untyped<T>& b) {
  storage y = allocate_elements<T, D>("dcs::conv3d", {g.plane.out_pixels(), g.plane.out_c});
  conv2d_forward<T>(D{}, g.plane, static_cast<const T*>(depth_windows<T, D>(g.depth, x.memory).data()), w.data(),
                    cpu::epilogue<T>{nullptr, b.data(), nullptr, 0, false}, static_cast<T*>(y.data()));
  return record_untyped<T>(std::move(y), {x.slot, w.slot, b.slot}, [g, x, w, b = untyped<T>{{}, b.slot}](const storage& dy) {
    const T* d = static_cast<const T*>(dy.data());
    if (w.wanted()) {
      storage dw = allocate_elements<T, D>("dcs::conv3d", {g.plane.weights()});
      const storage windows = depth_windows<T, D>(g.depth, x.memory);
      conv2d_weight_gradient<T>(D{}, g.plane, static_cast<const T*>(windows.data()), d, static_cast<T*>(dw.data()));
      w.template add<D>(std::move(dw));
    }
    if (x.wanted()) {
      storage windows = allocate_elements<T, D>("dcs::conv3d", {g.depth.outputs()});
      conv2d_data_gradient<T>(D{}, g.plane, d, w.data(), static_cast<T*>(windows.data()));
      x.template add<D>(sum_of_windows<T, D>(g.depth, std::move(windows), nullptr));
    }
    if (b.wanted()) b.template add<D>(sum_over_rows<T, D>(dy, g.plane.out_pixels(), g.plane.out_c));
  });
}

/// The transposed convolution of x + b, whose convolution back is that of the geometry.
template <class T, class D>
[[gnu::noinline]] untyped<T> run_conv_transpose3d(const conv3d_geometry& g, const untyped<T>& x, const untyped<T>& w, const untyped<T>& b) {
  storage windows = allocate_elements<T, D>("dcs::conv_transpose3d", {g.depth.outputs()});
  const T *from = x.data(), *weights = w.data(), *shift = b.data();
  conv_transpose2d_forward(D{}, g.plane, from, weights, static_cast<const T*>(nullptr), static_cast<T*>(windows.data()));
  storage y = sum_of_windows<T, D>(g.depth, std::move(windows), shift);
  return record_untyped<T>(std::move(y), {x.slot, w.slot, b.slot}, [g, x, w, b = untyped<T>{{}, b.slot}](const storage& dy) {
    const storage gathered = x.wanted() || w.wanted() ? depth_windows<T, D>(g.depth, dy) : storage();
    const T* d = static_cast<const T*>(gathered.data());
    if (x.wanted()) {
      storage dx = allocate_elements<T, D>("dcs::conv_transpose3d", {g.plane.out_pixels(), g.plane.out_c});
      conv2d_forward<T>(D{}, g.plane, d, w.data(), cpu::epilogue<T>{}, static_cast<T*>(dx.data()));
      x.template add<D>(std::move(dx));
    }
    if (w.wanted()) {
      storage dw = allocate_elements<T, D>("dcs::conv_transpose3d", {g.plane.weights()});
      conv2d_weight_gradient<T>(D{}, g.plane, d, x.data(), static_cast<T*>(dw.data()));
      w.template add<D>(std::move(dw));
    }
    if (b.wanted()) b.template add<D>(sum_over_rows<T, D>(dy, g.depth.batch * g.depth.in * g.depth.inner, g.depth.channels));
  });
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_CONV3D_CALL_ENTRIES(declare, T)                                                                                      \
  declare untyped<T> run_conv3d<T, cpu_device>(const conv3d_geometry&, const untyped<T>&, const untyped<T>&, const untyped<T>&); \
  declare untyped<T> run_conv_transpose3d<T, cpu_device>(const conv3d_geometry&, const untyped<T>&, const untyped<T>&, const untyped<T>&);
DCS_MAP_ENTRIES(DCS_CONV3D_CALL_ENTRIES)

}  // namespace dcs::detail

#include <dcs/core/header_end.inl>

// 3×3 convolutions with stride 1 and padding 1 by Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray, 2016, "Fast algorithms for convolutional
// neural networks"): 36 multiplications where the definition has 144. A tile of 4×4 outputs is Aᵀ [Σ over channels (G g Gᵀ) ⊙ (Bᵀ d B)] A of its 6×6
// inputs d; the sums are 36 matrix products, one per element of a transformed patch ("plane"), on the register tile of the matrix product. The data
// gradient is the same with the kernel rotated and inputs and outputs of the weights exchanged, the weight gradient its transpose. Channels that do
// not fill a vector are padded with zeros inside the transforms. Every sum is taken in an order that depends on the shape alone.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/gemm.hpp>
#include <dcs/ops/conv2d/geometry.hpp>

#include <type_traits>

DCS_EXACT_MATH
namespace dcs::cpu {

/// Images cut into tiles of 4 × 4 pixels, of which the last of a row or column may extend beyond the edge.
struct winograd_map {
  std::int64_t batch, height, width;
  std::int64_t tiles_down = (height + 3) / 4, tiles_across = (width + 3) / 4;

  std::int64_t pixels() const { return height * width; }
  std::int64_t tiles() const { return batch * tiles_down * tiles_across; }

  struct place {
    std::int64_t image, h, w;
  };
  /// The image of tile t and its first pixel.
  place tile(std::int64_t t) const {
    const std::int64_t row = t / tiles_across;
    return {row / tiles_down, row % tiles_down * 4, t % tiles_across * 4};
  }
};

/// Up to this many tiles the weights take more memory than the tiles, and panels of weights are the outer loop.
inline constexpr std::int64_t winograd_few_tiles = 128;

/// Tiles of a block of the weight gradient: more of them amortise the 36 sums that each block adds to, fewer keep both factors in cache.
constexpr std::int64_t winograd_gradient_tiles(std::int64_t depth, std::int64_t outputs) { return depth + outputs <= 256 ? 128 : 64; }

}  // namespace dcs::cpu

#define DCS_KERNELS <dcs/ops/conv2d/winograd_transform.inl>
#include <dcs/cpu/foreach_isa.inl>
#define DCS_KERNELS <dcs/ops/conv2d/winograd_forward.inl>
#include <dcs/cpu/foreach_isa.inl>
#define DCS_KERNELS <dcs/ops/conv2d/winograd_weight_gradient.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

/// Whether the shape is one that the algorithm computes: 3×3, stride, padding and dilation 1, one group.
constexpr bool winograd_fits(const conv2d_geometry& g) {
  return g.k_h == 3 && g.k_w == 3 && g.stride == 1 && g.padding == 1 && g.dilation == 1 && g.groups == 1;
}

/// Whether it is also the faster way. Only f32: f64 is for reference and gradient checks, which need the accuracy of the definition.
template <class T>
constexpr bool winograd_suits(const conv2d_geometry& g) {
  return std::is_same_v<T, float> && winograd_fits(g) && g.in_c >= 16 && g.out_c >= 16 && g.in_h >= 3 && g.in_w >= 3;
}

/// y = act(conv(x, w) · scale + shift + residual), NHWC and HWIO; the norm of the error in f32 is 4e-7 to 2.5e-6 of that of y.
template <class T>
void winograd_forward(const conv2d_geometry& g, const T* x, const T* w, const epilogue<T>& e, T* y) {
  const winograd_map m{g.batch, g.in_h, g.in_w};
  if (m.tiles() > 0) DCS_DISPATCH(winograd_convolution<T>, m, g.in_c, g.out_c, x, w, false, e, y);
}

/// dx from dy: overwritten.
template <class T>
void winograd_data_gradient(const conv2d_geometry& g, const T* dy, const T* w, T* dx) {
  const winograd_map m{g.batch, g.in_h, g.in_w};
  if (m.tiles() > 0) DCS_DISPATCH(winograd_convolution<T>, m, g.out_c, g.in_c, dy, w, true, epilogue<T>{}, dx);
}

/// dw from x and dy: overwritten.
template <class T>
void winograd_weight_gradient(const conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  const winograd_map m{g.batch, g.in_h, g.in_w};
  if (m.tiles() == 0) return std::fill(dw, dw + g.weights(), T{}), void();
  DCS_DISPATCH(winograd_weight_gradient<T>, m, g.in_c, g.out_c, x, dy, dw);
}

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>

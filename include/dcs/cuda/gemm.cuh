// Matrix products of a GPU. cuda::device uses cuBLASLt (cuda/cublas.cuh); cuda::emulated uses the products of the host, with 16-bit types in float,
// so that networks on it run on any machine. Transposition, which convolutions need for their weights and the library does not offer, is a kernel.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/gemm.hpp>
#include <dcs/cuda/device.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

/// y[b, j, i] = x[b, i, j] · scale[j]; without a scale where it is null. A block transposes tiles of 32 × 32 in shared memory.
template <class T>
struct transposition_kernel {
  static constexpr const char* name = "transposition";
  static constexpr int threads = 256, side = 32;
  using A = arithmetic_t<T>;
  device_span<const T> x, scale;
  device_span<T> y;
  std::int64_t batch, rows, columns;
  divider row_tiles, column_tiles;

  transposition_kernel(const T* from, const T* by, T* to, std::int64_t matrices, std::int64_t height, std::int64_t width)
      : x{from, matrices * height * width},
        scale{by, width},
        y{to, matrices * height * width},
        batch(matrices),
        rows(height),
        columns(width),
        row_tiles(ceil_div<std::int64_t>(height, side)),
        column_tiles(ceil_div<std::int64_t>(width, side)) {}
  std::int64_t blocks() const { return batch * row_tiles.divisor() * column_tiles.divisor(); }
  static constexpr std::int64_t shared_bytes() { return side * (side + 1) * static_cast<std::int64_t>(sizeof(A)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto in = b.global(x, "x"), factor = b.global(scale, "scale");
    const auto out = b.global(y, "y");
    const auto tile = b.template shared<A>(side * (side + 1), "tile");
    std::int64_t matrix = b.block();
    const std::int64_t column = column_tiles.split(matrix) * side, row = row_tiles.split(matrix) * side;
    const std::int64_t base = matrix * rows * columns;
    constexpr int step = threads / side;
    const int across = b.thread() % side, down = b.thread() / side;
    DCS_DEVICE_UNROLL
    for (int k = 0; k < side; k += step) {
      const std::int64_t i = row + down + k, j = column + across;
      if (i >= rows || j >= columns) continue;
      A v = in.read(base + i * columns + j);
      if (scale) v *= factor.read(j);
      tile.write((down + k) * (side + 1) + across, v);
    }
    b.barrier();
    DCS_DEVICE_UNROLL
    for (int k = 0; k < side; k += step) {
      const std::int64_t i = row + across, j = column + down + k;
      if (i < rows && j < columns) out.write(base + j * rows + i, tile.read(across * (side + 1) + down + k));
    }
  }
};

/// Transposes `batch` matrices of rows × columns; column j times scale[j] where that is not null.
template <class T, gpu D>
void transposition(D, const T* x, std::int64_t batch, std::int64_t rows, std::int64_t columns, T* y, const std::type_identity_t<T>* scale = nullptr) {
  launch(D{}, transposition_kernel<T>(x, scale, y, batch, rows, columns));
}

namespace detail {

// Memory of T in the type that the host computes in: the memory itself, or a converted copy.
template <class T>
class widened {
 public:
  using wide = arithmetic_t<T>;
  widened(const T* from, std::int64_t n) {
    if constexpr (std::is_same_v<wide, T>) {
      data_ = from;
    } else if (from) {
      copy_.resize(static_cast<std::size_t>(n));
      for (std::int64_t i = 0; i < n; ++i) copy_[static_cast<std::size_t>(i)] = static_cast<wide>(from[i]);
      data_ = copy_.data();
    }
  }
  const wide* data() const { return data_; }

 private:
  std::vector<wide> copy_;
  const wide* data_ = nullptr;
};
// Calls body with memory for n results of the type that the host computes in, and rounds them to T.
template <class T, class Body>
void rounding(T* to, std::int64_t n, const Body& body) {
  using wide = arithmetic_t<T>;
  if constexpr (std::is_same_v<wide, T>) {
    body(to);
  } else {
    std::vector<wide> y(static_cast<std::size_t>(n));
    body(y.data());
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(y[static_cast<std::size_t>(i)]);
  }
}

}  // namespace detail

template <class T>
void gemm(emulated, std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k, const cpu::matrix<T>& a, const cpu::matrix<T>& b, T* c,
          const cpu::epilogue<T>& e = {}) {
  using A = arithmetic_t<T>;
  const detail::widened<T> left(a.data, batch * m * k), right(b.data, batch * k * n), scale(e.scale, n), shift(e.shift, n),
      residual(e.residual, batch * m * n);
  detail::rounding(c, batch * m * n, [&](A* y) {
    cpu::gemm<A>(cpu_device{}, batch, m, n, k, cpu::matrix<A>{left.data(), a.stride, a.transposed},
                 cpu::matrix<A>{right.data(), b.stride, b.transposed}, y,
                 cpu::epilogue<A>{scale.data(), shift.data(), residual.data(), e.residual_stride, e.relu});
  });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>

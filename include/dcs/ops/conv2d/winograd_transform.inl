// The linear maps of Winograd's algorithm F(4×4, 3×3) on vectors of channels; see winograd.hpp. Each is a small matrix applied along rows and then
// along columns of a patch, written out by the symmetry of the points ±a and ±b.
namespace dcs::DCS_ISA {

// Interpolation points 0, ±3/4, ±3/2 and ∞: half the rounding error of 0, ±1, ±2, ∞, and every product of them is exact.
template <class T>
struct winograd_points {
  static constexpr T a = T(0.75), b = T(1.5);
  static constexpr T a2 = a * a, b2 = b * b, a3 = a2 * a, b3 = b2 * b, a2b2 = a2 * b2, sum = a2 + b2;
  static constexpr T na = 1 / (2 * a2 * (a2 - b2)), nb = 1 / (2 * b2 * (b2 - a2));  // half of 1 / Π (point − other points)
};

inline constexpr int winograd_tile = 4, winograd_patch = 6, winograd_planes = 36;

// Bᵀ: 6 inputs to 6.
template <class T, int In, int Out>
DCS_INLINE void input_map(const vec<T>* d, vec<T>* o) {
  using p = winograd_points<T>;
  const vec<T> u = d[4 * In] - p::b2 * d[2 * In], q = d[3 * In] - p::b2 * d[In];
  const vec<T> v = d[4 * In] - p::a2 * d[2 * In], e = d[3 * In] - p::a2 * d[In];
  o[0] = p::a2b2 * d[0] + (d[4 * In] - p::sum * d[2 * In]);
  o[Out] = u + p::a * q;
  o[2 * Out] = u - p::a * q;
  o[3 * Out] = v + p::b * e;
  o[4 * Out] = v - p::b * e;
  o[5 * Out] = p::a2b2 * d[In] + (d[5 * In] - p::sum * d[3 * In]);
}

// Aᵀ: 6 products to 4 outputs.
template <class T, int In, int Out>
DCS_INLINE void output_map(const vec<T>* d, vec<T>* o) {
  using p = winograd_points<T>;
  const vec<T> even_a = d[In] + d[2 * In], odd_a = d[In] - d[2 * In], even_b = d[3 * In] + d[4 * In], odd_b = d[3 * In] - d[4 * In];
  o[0] = d[0] + even_a + even_b;
  o[Out] = p::b * odd_b + p::a * odd_a;
  o[2 * Out] = p::b2 * even_b + p::a2 * even_a;
  o[3 * Out] = p::b3 * odd_b + (p::a3 * odd_a + d[5 * In]);
}

// A: 4 output gradients to 6.
template <class T, int In, int Out>
DCS_INLINE void output_gradient_map(const vec<T>* d, vec<T>* o) {
  using p = winograd_points<T>;
  const vec<T> even_a = d[0] + p::a2 * d[2 * In], odd_a = p::a * d[In] + p::a3 * d[3 * In];
  const vec<T> even_b = d[0] + p::b2 * d[2 * In], odd_b = p::b * d[In] + p::b3 * d[3 * In];
  o[0] = d[0];
  o[Out] = even_a + odd_a;
  o[2 * Out] = even_a - odd_a;
  o[3 * Out] = even_b + odd_b;
  o[4 * Out] = even_b - odd_b;
  o[5 * Out] = d[3 * In];
}

// G: 3 weights to 6.
template <class T, int In, int Out>
DCS_INLINE void weight_map(const vec<T>* d, vec<T>* o) {
  using p = winograd_points<T>;
  const vec<T> even_a = p::na * d[0] + (p::a2 * p::na) * d[2 * In], odd_a = (p::a * p::na) * d[In];
  const vec<T> even_b = p::nb * d[0] + (p::b2 * p::nb) * d[2 * In], odd_b = (p::b * p::nb) * d[In];
  o[0] = (1 / p::a2b2) * d[0];
  o[Out] = even_a + odd_a;
  o[2 * Out] = even_a - odd_a;
  o[3 * Out] = even_b + odd_b;
  o[4 * Out] = even_b - odd_b;
  o[5 * Out] = d[2 * In];
}

// Gᵀ: 6 to 3 weight gradients.
template <class T, int In, int Out>
DCS_INLINE void weight_gradient_map(const vec<T>* d, vec<T>* o) {
  using p = winograd_points<T>;
  const vec<T> even_a = d[In] + d[2 * In], odd_a = d[In] - d[2 * In], even_b = d[3 * In] + d[4 * In], odd_b = d[3 * In] - d[4 * In];
  o[0] = (1 / p::a2b2) * d[0] + (p::na * even_a + p::nb * even_b);
  o[Out] = (p::a * p::na) * odd_a + (p::b * p::nb) * odd_b;
  o[2 * Out] = (p::a2 * p::na) * even_a + ((p::b2 * p::nb) * even_b + d[5 * In]);
}

// Side × Side pixels of one vector of channels from (h0, w0) on, zero outside the image. `channels`: how many of the vector's channels exist.
template <class T, int Side>
DCS_INLINE void load_patch(const T* image, const cpu::winograd_map& m, std::int64_t pitch, std::int64_t h0, std::int64_t w0, std::int64_t channels,
                           vec<T>* d) {
  if (channels >= lanes<T> && h0 >= 0 && w0 >= 0 && h0 + Side <= m.height && w0 + Side <= m.width) {
    const T* from = image + (h0 * m.width + w0) * pitch;
    DCS_UNROLL
    for (int i = 0; i < Side; ++i) DCS_UNROLL
    for (int j = 0; j < Side; ++j) d[i * Side + j] = load(from + (i * m.width + j) * pitch);
    return;
  }
  for (int i = 0; i < Side; ++i)
    for (int j = 0; j < Side; ++j) {
      const std::int64_t h = h0 + i, w = w0 + j;
      const bool inside = h >= 0 && w >= 0 && h < m.height && w < m.width;
      const T* from = image + (h * m.width + w) * pitch;
      d[i * Side + j] = !inside ? vec<T>{} : channels >= lanes<T> ? load(from) : load_part(from, channels);
    }
}

// Bᵀ d B of tile t for channels [c, c + lanes) of `channels`: plane p goes to to[p · plane].
template <class T>
DCS_INLINE void transform_input(const T* x, const cpu::winograd_map& m, std::int64_t channels, std::int64_t t, std::int64_t c, T* to,
                                std::int64_t plane) {
  const auto at = m.tile(t);
  vec<T> d[winograd_planes], e[winograd_planes];
  load_patch<T, 6>(x + at.image * m.pixels() * channels + c, m, channels, at.h - 1, at.w - 1, channels - c, d);
  DCS_UNROLL
  for (int i = 0; i < 6; ++i) input_map<T, 1, 1>(d + i * 6, e + i * 6);
  DCS_UNROLL
  for (int j = 0; j < 6; ++j) input_map<T, 6, 6>(e + j, d + j);
  DCS_UNROLL
  for (int i = 0; i < winograd_planes; ++i) store(to + i * plane, d[i]);
}

// A dy Aᵀ, likewise.
template <class T>
DCS_INLINE void transform_output_gradient(const T* dy, const cpu::winograd_map& m, std::int64_t channels, std::int64_t t, std::int64_t c, T* to,
                                          std::int64_t plane) {
  const auto at = m.tile(t);
  vec<T> d[16], e[24], u[winograd_planes];
  load_patch<T, 4>(dy + at.image * m.pixels() * channels + c, m, channels, at.h, at.w, channels - c, d);
  DCS_UNROLL
  for (int i = 0; i < 4; ++i) output_gradient_map<T, 1, 1>(d + i * 4, e + i * 6);
  DCS_UNROLL
  for (int j = 0; j < 6; ++j) output_gradient_map<T, 6, 6>(e + j, u + j);
  DCS_UNROLL
  for (int i = 0; i < winograd_planes; ++i) store(to + i * plane, u[i]);
}

// Aᵀ m A of tile t for output channels [c, c + lanes) and the epilogue.
template <class T>
DCS_INLINE void transform_output(const T* from, std::int64_t plane, const cpu::winograd_map& m, std::int64_t channels, std::int64_t t, std::int64_t c,
                                 const cpu::epilogue<T>& e, T* y) {
  const auto at = m.tile(t);
  vec<T> d[winograd_planes], u[24], o[16];
  DCS_UNROLL
  for (int i = 0; i < winograd_planes; ++i) d[i] = load(from + i * plane);
  DCS_UNROLL
  for (int j = 0; j < 6; ++j) output_map<T, 6, 6>(d + j, u + j);
  DCS_UNROLL
  for (int i = 0; i < 4; ++i) output_map<T, 1, 1>(u + i * 6, o + i * 4);

  const std::int64_t exist = channels - c;
  const bool whole = exist >= lanes<T>;
  const std::int64_t pixel = (at.image * m.height + at.h) * m.width + at.w;
  const auto channel_values = [&](const T* p) DCS_TARGET __attribute__((always_inline)) { return whole ? load(p + c) : load_part(p + c, exist); };
  if (e.scale) {
    const vec<T> scale = channel_values(e.scale);
    DCS_UNROLL
    for (int i = 0; i < 16; ++i) o[i] *= scale;
  }
  if (e.shift) {
    const vec<T> shift = channel_values(e.shift);
    DCS_UNROLL
    for (int i = 0; i < 16; ++i) o[i] += shift;
  }
  const std::int64_t rows = std::min<std::int64_t>(4, m.height - at.h), columns = std::min<std::int64_t>(4, m.width - at.w);
  if (e.residual)
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) o[i * 4 + j] += channel_values(e.residual + (pixel + i * m.width + j) * e.residual_stride);
  if (e.relu) {
    DCS_UNROLL
    for (int i = 0; i < 16; ++i) o[i] = o[i] < vec<T>{} ? vec<T>{} : o[i];
  }
  T* to = y + pixel * channels + c;
  if (whole && rows == 4 && columns == 4) {
    DCS_UNROLL
    for (int i = 0; i < 4; ++i) DCS_UNROLL
    for (int j = 0; j < 4; ++j) store(to + (i * m.width + j) * channels, o[i * 4 + j]);
    return;
  }
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      T* q = to + (i * m.width + j) * channels;
      if (whole)
        store(q, o[i * 4 + j]);
      else
        store_part(q, o[i * 4 + j], exist);
    }
}

}  // namespace dcs::DCS_ISA

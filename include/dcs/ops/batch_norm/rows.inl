// Batch norm over rows of channels; see cpu.hpp.
namespace dcs::DCS_ISA {

// Loads a vector of channels of a row, of which `width` exist.
template <class T>
DCS_INLINE vec<T> norm_load(const T* p, std::int64_t width) {
  return width == lanes<T> ? load(p) : load_part(p, width);
}

// The same as doubles, as many as a vector holds.
template <class T>
DCS_INLINE vec<double> norm_load_wide(const T* p, std::int64_t width) {
  if constexpr (std::is_same_v<T, double>) {
    return norm_load(p, width);
  } else {
    typename cpu::vector_of<T, DCS_ISA_BYTES / 2>::type half{};
    if (width == lanes<double>)
      __builtin_memcpy(&half, p, sizeof half);
    else
      for (std::int64_t i = 0; i < width; ++i) half[i] = p[i];
    return __builtin_convertvector(half, vec<double>);
  }
}

// Mean and Σ (x − mean)² of rows [begin, end) of each channel, in double: an error of the mean shifts a whole channel, and is magnified where the
// deviation is small. The block is read from memory once and from cache the second time.
template <class T>
DCS_TARGET void norm_block_moments(const T* x, std::int64_t rows, std::int64_t channels, double* mean, double* m2) {
  for (std::int64_t c = 0; c < channels; c += lanes<double>) {
    const std::int64_t width = std::min<std::int64_t>(lanes<double>, channels - c);
    vec<double> sum{}, squares{};
    for (std::int64_t r = 0; r < rows; ++r) sum += norm_load_wide(x + r * channels + c, width);
    const vec<double> average = sum / static_cast<double>(rows);
    for (std::int64_t r = 0; r < rows; ++r) {
      const vec<double> d = norm_load_wide(x + r * channels + c, width) - average;
      squares += d * d;
    }
    for (int i = 0; i < width; ++i) mean[c + i] = average[i], m2[c + i] = squares[i];
  }
}

// y = act(x · a + b + residual).
template <class T>
DCS_TARGET void norm_apply(const T* x, const T* a, const T* b, const T* residual, bool relu, T* y, std::int64_t rows, std::int64_t channels) {
  for (std::int64_t r = 0; r < rows; ++r) {
    std::int64_t c = 0;
    for (; c + lanes<T> <= channels; c += lanes<T>) {
      vec<T> v = load(x + r * channels + c) * load(a + c) + load(b + c);
      if (residual) v += load(residual + r * channels + c);
      if (relu) v = v < vec<T>{} ? vec<T>{} : v;
      store(y + r * channels + c, v);
    }
    for (; c < channels; ++c) {
      T v = x[r * channels + c] * a[c] + b[c];
      if (residual) v += residual[r * channels + c];
      y[r * channels + c] = relu && v < T(0) ? T(0) : v;
    }
  }
}

// The number of rows that are summed in vectors of T before they are added to a sum in double: Σ g after a norm is small compared to Σ |g|, so that a
// long sum in T would lose accuracy.
inline constexpr std::int64_t norm_run = 32;

// Σ g and Σ g · (x − mean) of each channel, where g is dy under the mask of y > 0 (if y is given).
template <class T>
DCS_TARGET void norm_block_sums(const T* x, const T* y, const T* dy, const T* mean, std::int64_t rows, std::int64_t channels, double* sum,
                                double* product) {
  for (std::int64_t c = 0; c < channels; c += lanes<T>) {
    const std::int64_t width = std::min<std::int64_t>(lanes<T>, channels - c);
    const vec<T> m = norm_load(mean + c, width);
    double sums[lanes<T>] = {}, products[lanes<T>] = {};
    for (std::int64_t r0 = 0; r0 < rows; r0 += norm_run) {
      vec<T> s{}, p{};
      for (std::int64_t r = r0; r < std::min(rows, r0 + norm_run); ++r) {
        const std::int64_t at = r * channels + c;
        vec<T> g = norm_load(dy + at, width);
        if (y) g = norm_load(y + at, width) > vec<T>{} ? g : vec<T>{};
        s += g;
        p += g * (norm_load(x + at, width) - m);
      }
      for (int i = 0; i < lanes<T>; ++i) sums[i] += static_cast<double>(s[i]), products[i] += static_cast<double>(p[i]);
    }
    for (int i = 0; i < width; ++i) sum[c + i] = sums[i], product[c + i] = products[i];
  }
}

// dx = g · a − (x − mean) · b − c per channel; g itself to `residual` if given.
template <class T>
DCS_TARGET void norm_spread(const T* x, const T* y, const T* dy, const T* mean, const T* a, const T* b, const T* c0, T* dx, T* residual,
                            std::int64_t rows, std::int64_t channels) {
  for (std::int64_t r = 0; r < rows; ++r) {
    std::int64_t c = 0;
    for (; c + lanes<T> <= channels; c += lanes<T>) {
      const std::int64_t at = r * channels + c;
      vec<T> g = load(dy + at);
      if (y) g = load(y + at) > vec<T>{} ? g : vec<T>{};
      if (residual) store(residual + at, g);
      if (dx) store(dx + at, g * load(a + c) - (load(x + at) - load(mean + c)) * load(b + c) - load(c0 + c));
    }
    for (; c < channels; ++c) {
      const std::int64_t at = r * channels + c;
      const T g = !y || y[at] > T(0) ? dy[at] : T(0);
      if (residual) residual[at] = g;
      if (dx) dx[at] = g * a[c] - (x[at] - mean[c]) * b[c] - c0[c];
    }
  }
}

}  // namespace dcs::DCS_ISA

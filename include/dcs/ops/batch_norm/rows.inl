// Batch norm over rows of channels; see cpu.hpp.
namespace dcs::DCS_ISA {

// Mean and Σ (x − mean)² of rows [begin, end) of each channel; the block is read from memory once and from cache the second time.
template <class T>
DCS_TARGET void norm_block_moments(const T* x, std::int64_t rows, std::int64_t channels, double* mean, double* m2) {
  for (std::int64_t c = 0; c < channels; c += lanes<T>) {
    const std::int64_t width = std::min<std::int64_t>(lanes<T>, channels - c);
    vec<T> sum{}, squares{};
    for (std::int64_t r = 0; r < rows; ++r) sum += width == lanes<T> ? load(x + r * channels + c) : load_part(x + r * channels + c, width);
    const vec<T> average = sum / static_cast<T>(rows);
    for (std::int64_t r = 0; r < rows; ++r) {
      const vec<T> d = (width == lanes<T> ? load(x + r * channels + c) : load_part(x + r * channels + c, width)) - average;
      squares += d * d;
    }
    for (int i = 0; i < width; ++i) mean[c + i] = static_cast<double>(average[i]), m2[c + i] = static_cast<double>(squares[i]);
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

// Σ g and Σ g · (x − mean) of each channel, where g is dy under the mask of y > 0 (if y is given).
template <class T>
DCS_TARGET void norm_block_sums(const T* x, const T* y, const T* dy, const T* mean, std::int64_t rows, std::int64_t channels, double* sum, double* product) {
  for (std::int64_t c = 0; c < channels; c += lanes<T>) {
    const std::int64_t width = std::min<std::int64_t>(lanes<T>, channels - c);
    const bool whole = width == lanes<T>;
    const vec<T> m = whole ? load(mean + c) : load_part(mean + c, width);
    vec<T> s{}, p{};
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t at = r * channels + c;
      vec<T> g = whole ? load(dy + at) : load_part(dy + at, width);
      if (y) g = (whole ? load(y + at) : load_part(y + at, width)) > vec<T>{} ? g : vec<T>{};
      s += g;
      p += g * ((whole ? load(x + at) : load_part(x + at, width)) - m);
    }
    for (int i = 0; i < width; ++i) sum[c + i] = static_cast<double>(s[i]), product[c + i] = static_cast<double>(p[i]);
  }
}

// dx = g · a − (x − mean) · b − c per channel; g itself to `residual` if given.
template <class T>
DCS_TARGET void norm_spread(const T* x, const T* y, const T* dy, const T* mean, const T* a, const T* b, const T* c0, T* dx, T* residual, std::int64_t rows,
                            std::int64_t channels) {
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

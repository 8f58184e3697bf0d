// Pixel-adaptive fusion, pixel by pixel; see cpu.hpp.
namespace dcs::DCS_ISA {

template <class T, int K>
DCS_INLINE void pixel_weights(const T* logits, T* w) {
  T top = logits[0], sum = 0;
  for (int k = 1; k < K; ++k) top = std::max(top, logits[k]);
  for (int k = 0; k < K; ++k) sum += w[k] = std::exp(logits[k] - top);
  for (int k = 0; k < K; ++k) w[k] /= sum;
}

template <class T, int K>
DCS_TARGET void weighted_sum_forward(const T* logits, const T* const* maps, T* out, std::int64_t begin, std::int64_t end, std::int64_t channels) {
  for (std::int64_t p = begin; p < end; ++p) {
    T w[K];
    pixel_weights<T, K>(logits + p * K, w);
    std::int64_t c = 0;
    for (; c + lanes<T> <= channels; c += lanes<T>) {
      vec<T> sum = load(maps[0] + p * channels + c) * w[0];
      DCS_UNROLL
      for (int k = 1; k < K; ++k) sum += load(maps[k] + p * channels + c) * w[k];
      store(out + p * channels + c, sum);
    }
    for (; c < channels; ++c) {
      T sum = 0;
      for (int k = 0; k < K; ++k) sum += maps[k][p * channels + c] * w[k];
      out[p * channels + c] = sum;
    }
  }
}

// dmap_k = w_k · dy; dlogit_k = w_k · (s_k − Σ w_j s_j) with s_k = Σ_c dy · map_k.
template <class T, int K>
DCS_TARGET void weighted_sum_backward(const T* logits, const T* const* maps, const T* dy, T* dlogits, T* const* dmaps, std::int64_t begin,
                                      std::int64_t end, std::int64_t channels) {
  for (std::int64_t p = begin; p < end; ++p) {
    T w[K], s[K] = {};
    pixel_weights<T, K>(logits + p * K, w);
    vec<T> dots[K];
    for (int k = 0; k < K; ++k) dots[k] = vec<T>{};
    std::int64_t c = 0;
    for (; c + lanes<T> <= channels; c += lanes<T>) {
      const vec<T> g = load(dy + p * channels + c);
      DCS_UNROLL
      for (int k = 0; k < K; ++k) {
        dots[k] += g * load(maps[k] + p * channels + c);
        if (dmaps[k]) store(dmaps[k] + p * channels + c, g * w[k]);
      }
    }
    for (int k = 0; k < K; ++k) s[k] = sum<T>(dots[k]);
    for (; c < channels; ++c)
      for (int k = 0; k < K; ++k) {
        s[k] += dy[p * channels + c] * maps[k][p * channels + c];
        if (dmaps[k]) dmaps[k][p * channels + c] = dy[p * channels + c] * w[k];
      }
    T mean = 0;
    for (int k = 0; k < K; ++k) mean += w[k] * s[k];
    if (dlogits)
      for (int k = 0; k < K; ++k) dlogits[p * K + k] = w[k] * (s[k] - mean);
  }
}

}  // namespace dcs::DCS_ISA

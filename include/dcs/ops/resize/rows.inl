// Rows of a resized image; see resize.hpp.
namespace dcs::DCS_ISA {

// out (`to.count` pixels) (+)= weight · the row `from` resized by the taps of one axis.
template <class T>
DCS_TARGET void resize_row(const cpu::axis_taps<T>& to, std::int64_t channels, T weight, const T* from, T* out, bool add) {
  const std::int64_t *first = to.begin.data(), *source = to.source.data();
  const T* weights = to.weight.data();
  for (std::int64_t i = 0; i < to.count; ++i) {
    const std::int64_t begin = first[i], end = first[i + 1];
    T* pixel = out + i * channels;
    std::int64_t c = 0;
    for (; c + lanes<T> <= channels; c += lanes<T>) {
      vec<T> sum = add ? load(pixel + c) : vec<T>{};
      for (std::int64_t t = begin; t < end; ++t) sum += load(from + source[t] * channels + c) * (weights[t] * weight);
      store(pixel + c, sum);
    }
    for (; c < channels; ++c) {
      T sum = add ? pixel[c] : T(0);
      for (std::int64_t t = begin; t < end; ++t) sum += from[source[t] * channels + c] * (weights[t] * weight);
      pixel[c] = sum;
    }
  }
}

}  // namespace dcs::DCS_ISA

// Rows of channels times the mask of their image; see dropout.hpp.
namespace dcs::DCS_ISA {

// y[row] = x[row] · mask[row / inner] for rows [begin, end) of `channels`.
template <class T>
DCS_TARGET void dropout_rows(const T* x, T* y, extent_t begin, extent_t end, extent_t inner, extent_t channels, const T* mask) {
  for (extent_t row = begin; row < end; ++row) {
    const T *from = x + row * channels, *m = mask + row / inner * channels;
    T* to = y + row * channels;
    extent_t c = 0;
    for (; c + lanes<T> <= channels; c += lanes<T>) store(to + c, load(from + c) * load(m + c));
    for (; c < channels; ++c) to[c] = from[c] * m[c];
  }
}

}  // namespace dcs::DCS_ISA

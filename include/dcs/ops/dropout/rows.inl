// Rows of channels times the mask of their image; see dropout.hpp.
namespace dcs::DCS_ISA {

// y[row] = x[row] · mask[row / inner] for rows [begin, end) of `channels`.
template <class T>
DCS_TARGET void dropout_rows(const T* x, T* y, std::int64_t begin, std::int64_t end, std::int64_t inner, std::int64_t channels, const T* mask) {
  for (std::int64_t row = begin; row < end; ++row) {
    const T *from = x + row * channels, *m = mask + row / inner * channels;
    T* to = y + row * channels;
    std::int64_t c = 0;
    for (; c + lanes<T> <= channels; c += lanes<T>) store(to + c, load(from + c) * load(m + c));
    for (; c < channels; ++c) to[c] = from[c] * m[c];
  }
}

}  // namespace dcs::DCS_ISA

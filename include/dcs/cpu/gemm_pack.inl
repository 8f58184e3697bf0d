// What the matrix product packs: panels of B, and rows of A from a matrix as it lies in memory or transposed; see gemm.hpp and gemm_tile.inl.
namespace dcs::DCS_ISA {

// Rows of vectors to columns: log2(lanes) rounds of interleaving the first half of the rows with the second.
template <class T>
DCS_INLINE void transpose_rows(vec<T>* r) {
  constexpr int n = lanes<T>;
  vec<T> s[n];
  DCS_UNROLL
  for (int round = 1; round < n; round *= 2) {
    DCS_UNROLL
    for (int i = 0; i < n / 2; ++i) {
      s[2 * i] = interleave_front<T>(r[i], r[i + n / 2]);
      s[2 * i + 1] = interleave_back<T>(r[i], r[i + n / 2]);
    }
    DCS_UNROLL
    for (int i = 0; i < n; ++i) r[i] = s[i];
  }
}

// Pairs of a[i] and b[i] for `count` elements of two rows; b is null where k ends with a. Writes whole vectors.
DCS_INLINE void pair_rows(const bf16* a, const bf16* b, std::int64_t count, bf16* to) {
  for (std::int64_t i = 0; i < count; i += lanes<float>) {
    const vec<std::uint32_t> low = load_halves(a + i), high = b ? load_halves(b + i) : vec<std::uint32_t>{};
    const vec<std::uint32_t> pairs = low | high << 16;
    __builtin_memcpy(static_cast<void*>(to + 2 * i), &pairs, sizeof pairs);
  }
}
// `lanes` columns of a transposed B in pairs: what is contiguous in memory are the pairs of a column.
DCS_INLINE void pack_turned_pairs(const bf16* from, std::int64_t stride, std::int64_t kc, std::int64_t padded_k, bf16* to, std::int64_t pitch) {
  constexpr int n = lanes<float>;
  for (std::int64_t k = 0; k < padded_k; k += 2 * n) {
    vec<std::uint32_t> r[n];
    for (int i = 0; i < n; ++i) {
      r[i] = vec<std::uint32_t>{};
      const std::int64_t exist = std::min<std::int64_t>(2 * n, kc - k);
      if (exist == 2 * n)
        __builtin_memcpy(&r[i], from + i * stride + k, sizeof r[i]);
      else if (exist > 0)
        __builtin_memcpy(&r[i], from + i * stride + k, sizeof(bf16) * static_cast<std::size_t>(exist));
    }
    transpose_rows<std::uint32_t>(r);
    for (int i = 0; i < n; ++i) __builtin_memcpy(static_cast<void*>(to + (k / 2 + i) * pitch), &r[i], sizeof r[i]);
  }
}

// B (k × n, or its transpose) into panels of tile_columns, zeros beyond n and k.
template <class T>
requires std::is_same_v<T, bf16> DCS_TARGET void pack_panel(const cpu::matrix<T>& b, std::int64_t k0, std::int64_t kc, std::int64_t j0,
                                                            std::int64_t n, std::int64_t padded_k, T* to) {
  constexpr std::int64_t pitch = 2 * tile_columns<T>;  // of the pairs of one place in k
  const std::int64_t columns = std::min<std::int64_t>(tile_columns<T>, n - j0);
  if (columns == tile_columns<T> && b.transposed) {
    for (int v = 0; v < tile_vectors; ++v)
      pack_turned_pairs(b.data + (j0 + v * lanes<float>)*b.stride + k0, b.stride, kc, padded_k, to + v * 2 * lanes<float>, pitch);
    return;
  }
  std::fill(to + kc / 2 * pitch, to + padded_k / 2 * pitch, T{});
  if (columns == tile_columns<T>) {
    const T* from = b.data + k0 * b.stride + j0;
    for (std::int64_t k = 0; k < kc; k += 2, from += 2 * b.stride, to += pitch) pair_rows(from, k + 1 < kc ? from + b.stride : nullptr, columns, to);
    return;
  }
  for (std::int64_t k = 0; k < kc; ++k)
    for (std::int64_t j = 0; j < tile_columns<T>; ++j)
      to[k / 2 * pitch + 2 * j + k % 2] = j >= columns   ? T{}
                                          : b.transposed ? b.data[(j0 + j) * b.stride + k0 + k]
                                                         : b.data[(k0 + k) * b.stride + j0 + j];
}
template <class T>
DCS_TARGET void pack_panel(const cpu::matrix<T>& b, std::int64_t k0, std::int64_t kc, std::int64_t j0, std::int64_t n, std::int64_t padded_k, T* to) {
  const std::int64_t columns = std::min<std::int64_t>(tile_columns<T>, n - j0);
  if (!b.transposed && columns == tile_columns<T>) {
    const T* from = b.data + k0 * b.stride + j0;
    for (std::int64_t k = 0; k < kc; ++k, from += b.stride, to += tile_columns<T>) DCS_UNROLL
    for (int v = 0; v < tile_vectors; ++v) store(to + v * lanes<T>, load(from + v * lanes<T>));
    std::fill(to, to + (padded_k - kc) * tile_columns<T>, T{});
    return;
  }
  if (b.transposed && columns == tile_columns<T>) {
    constexpr int n = lanes<T>;
    for (std::int64_t k = 0; k < padded_k; k += n)
      for (int v = 0; v < tile_vectors; ++v) {
        vec<T> r[n];
        const T* from = b.data + (j0 + v * n) * b.stride + k0 + k;
        for (int i = 0; i < n; ++i) r[i] = kc - k >= n ? load(from + i * b.stride) : kc > k ? load_part(from + i * b.stride, kc - k) : vec<T>{};
        transpose_rows<T>(r);
        for (int i = 0; i < n; ++i) store(to + (k + i) * tile_columns<T> + v * n, r[i]);
      }
    return;
  }
  for (std::int64_t k = 0; k < padded_k; ++k, to += tile_columns<T>) {
    std::int64_t j = 0;
    if (k < kc) {
      if (!b.transposed) {
        const T* from = b.data + (k0 + k) * b.stride + j0;
        for (; j < columns; ++j) to[j] = from[j];
      } else {
        const T* from = b.data + j0 * b.stride + k0 + k;
        for (; j < columns; ++j) to[j] = from[j * b.stride];
      }
    }
    for (; j < tile_columns<T>; ++j) to[j] = T{};
  }
}

// Rows [i0, i0 + rows) of a plain A.
template <class T>
struct matrix_rows {
  static constexpr bool column_wise = false;
  cpu::matrix<T> a;

  DCS_TARGET void pack(std::int64_t i0, int rows, std::int64_t k0, std::int64_t kc, std::int64_t padded_k, T* to) const {
    // Row by row, as they lie in memory.
    const std::int64_t whole = kc / k_numbers<T> * k_numbers<T>;
    for (int i = 0; i < rows; ++i) {
      const T* from = a.data + (i0 + i) * a.stride + k0;
      T* out = to + i * k_numbers<T>;
      std::int64_t k = 0;
      for (; k < whole; k += k_numbers<T>, out += rows * k_numbers<T>) __builtin_memcpy(out, from + k, sizeof(T) * k_numbers<T>);
      if (k < padded_k)
        for (int kk = 0; kk < k_numbers<T>; ++kk) out[kk] = k + kk < kc ? from[k + kk] : T{};
    }
  }
};

// Rows of the transpose of a plain A: columns of what is stored.
template <class T>
struct matrix_columns {
  static constexpr bool column_wise = true;
  cpu::matrix<T> a;

  DCS_TARGET void pack(std::int64_t i0, int rows, std::int64_t k0, std::int64_t kc, std::int64_t padded_k, T* to) const {
    constexpr int n = lanes<packed_type<T>>, vectors = (tile_rows + n - 1) / n;
    const T* from = a.data + k0 * a.stride + i0;
    // Whole vectors, whose excess the next row overwrites; the last row must not read beyond the matrix.
    const std::int64_t whole = i0 + vectors * n <= a.stride ? kc - 1 : 0;
    std::int64_t k = 0;
    if constexpr (packed_numbers<T> == 2) {
      T* const end = to + padded_k * rows;
      for (; k + 1 < whole; k += 2, to += 2 * rows, from += 2 * a.stride) pair_rows(from, from + a.stride, rows, to);
      for (; k < kc; k += 2, to += 2 * rows, from += 2 * a.stride)
        for (int i = 0; i < rows; ++i) to[2 * i] = from[i], to[2 * i + 1] = k + 1 < kc ? from[a.stride + i] : T{};
      std::fill(to, end, T{});
    } else {
      for (; k < whole; ++k, to += rows, from += a.stride) DCS_UNROLL
      for (int v = 0; v < vectors; ++v) copy_vector(to + v * lanes<T>, from + v * lanes<T>);
      for (; k < kc; ++k, to += rows, from += a.stride)
        for (int i = 0; i < rows; ++i) to[i] = from[i];
      std::fill(to, to + (padded_k - kc) * rows, T{});
    }
  }
};

}  // namespace dcs::DCS_ISA

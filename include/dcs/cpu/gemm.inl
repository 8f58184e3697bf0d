// The matrix product's packing and register tile; see gemm.hpp.
namespace dcs::DCS_ISA {

// Rows and vectors of the register tile: as many accumulators as the set has registers to spare.
inline constexpr int tile_rows = DCS_ISA_BYTES == 64 ? 14 : 6;
inline constexpr int tile_vectors = 2;
template <class T>
inline constexpr int tile_columns = tile_vectors * lanes<T>;
inline constexpr int k_block = 16;
inline constexpr int pack_excess = 32;  // elements that packing may write behind the last row

// c[Rows][tile_columns] (+)= A · B over k in blocks of 16. A row-wise: block · (Rows · 16) + row · 16 + k; column-wise: k · Rows + row. B: k · tile_columns.
template <class T, int Rows, bool ColumnWise>
DCS_TARGET void register_tile(const T* a, const T* b, std::int64_t blocks, T* c, std::int64_t ldc, bool accumulate) {
  vec<T> acc[Rows][tile_vectors];
  DCS_UNROLL
  for (int i = 0; i < Rows; ++i)
    DCS_UNROLL
    for (int v = 0; v < tile_vectors; ++v) acc[i][v] = accumulate ? load(c + i * ldc + v * lanes<T>) : vec<T>{};
  for (std::int64_t block = 0; block < blocks; ++block) {
    for (int k = 0; k < k_block; ++k) {
      vec<T> bv[tile_vectors];
      DCS_UNROLL
      for (int v = 0; v < tile_vectors; ++v) bv[v] = load(b + v * lanes<T>);
      DCS_UNROLL
      for (int i = 0; i < Rows; ++i) {
        const vec<T> av = broadcast(ColumnWise ? a[i] : a[i * k_block]);
        DCS_UNROLL
        for (int v = 0; v < tile_vectors; ++v) acc[i][v] += av * bv[v];
      }
      b += tile_columns<T>;
      a += ColumnWise ? Rows : 1;
    }
    if constexpr (!ColumnWise) a += (Rows - 1) * k_block;
  }
  DCS_UNROLL
  for (int i = 0; i < Rows; ++i)
    DCS_UNROLL
    for (int v = 0; v < tile_vectors; ++v) store(c + i * ldc + v * lanes<T>, acc[i][v]);
}

template <class T>
using register_tile_function = void (*)(const T*, const T*, std::int64_t, T*, std::int64_t, bool);

template <class T, bool ColumnWise, int... I>
inline register_tile_function<T> choose_tile(int rows, std::integer_sequence<int, I...>) {
  static constexpr register_tile_function<T> table[] = {&register_tile<T, I + 1, ColumnWise>...};
  return table[rows - 1];
}
template <class T, bool ColumnWise>
inline register_tile_function<T> tile_of(int rows) {
  return choose_tile<T, ColumnWise>(rows, std::make_integer_sequence<int, tile_rows>{});
}

// Rows of vectors to columns: log2(lanes) rounds of interleaving the first half of the rows with the second.
template <class T, int... I>
DCS_INLINE void transpose_rows(vec<T>* r, std::integer_sequence<int, I...>) {
  constexpr int n = lanes<T>;
  vec<T> s[n];
  DCS_UNROLL
  for (int round = 1; round < n; round *= 2) {
    DCS_UNROLL
    for (int i = 0; i < n / 2; ++i) {
      s[2 * i] = __builtin_shufflevector(r[i], r[i + n / 2], (I % 2 * n + I / 2)...);
      s[2 * i + 1] = __builtin_shufflevector(r[i], r[i + n / 2], (I % 2 * n + n / 2 + I / 2)...);
    }
    DCS_UNROLL
    for (int i = 0; i < n; ++i) r[i] = s[i];
  }
}

// B (k × n, or its transpose) into panels of tile_columns, zeros beyond n and k.
template <class T>
DCS_TARGET void pack_panel(const cpu::matrix<T>& b, std::int64_t k0, std::int64_t kc, std::int64_t j0, std::int64_t n, std::int64_t padded_k, T* to) {
  const std::int64_t columns = std::min<std::int64_t>(tile_columns<T>, n - j0);
  if (!b.transposed && columns == tile_columns<T>) {
    const T* from = b.data + k0 * b.stride + j0;
    for (std::int64_t k = 0; k < kc; ++k, from += b.stride, to += tile_columns<T>)
      DCS_UNROLL
      for (int v = 0; v < tile_vectors; ++v) store(to + v * lanes<T>, load(from + v * lanes<T>));
    std::fill(to, to + (padded_k - kc) * tile_columns<T>, T(0));
    return;
  }
  if (b.transposed && columns == tile_columns<T>) {
    constexpr int n = lanes<T>;
    for (std::int64_t k = 0; k < padded_k; k += n)
      for (int v = 0; v < tile_vectors; ++v) {
        vec<T> r[n];
        const T* from = b.data + (j0 + v * n) * b.stride + k0 + k;
        for (int i = 0; i < n; ++i) r[i] = kc - k >= n ? load(from + i * b.stride) : kc > k ? load_part(from + i * b.stride, kc - k) : vec<T>{};
        transpose_rows<T>(r, std::make_integer_sequence<int, n>{});
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
    for (; j < tile_columns<T>; ++j) to[j] = T(0);
  }
}

// Rows [i0, i0 + rows) of a plain A.
template <class T>
struct matrix_rows {
  static constexpr bool column_wise = false;
  cpu::matrix<T> a;

  DCS_TARGET void pack(std::int64_t i0, int rows, std::int64_t k0, std::int64_t kc, std::int64_t padded_k, T* to) const {
    for (std::int64_t k = 0; k < padded_k; k += k_block)
      for (int i = 0; i < rows; ++i, to += k_block) {
        const T* from = a.data + (i0 + i) * a.stride + k0 + k;
        const std::int64_t n = kc - k;
        if (n >= k_block) {
          __builtin_memcpy(to, from, sizeof(T) * k_block);
        } else {
          for (int kk = 0; kk < k_block; ++kk) to[kk] = kk < n ? from[kk] : T(0);
        }
      }
  }
};

// Rows of the transpose of a plain A: columns of what is stored.
template <class T>
struct matrix_columns {
  static constexpr bool column_wise = true;
  cpu::matrix<T> a;

  DCS_TARGET void pack(std::int64_t i0, int rows, std::int64_t k0, std::int64_t kc, std::int64_t padded_k, T* to) const {
    constexpr int vectors = (tile_rows + lanes<T> - 1) / lanes<T>;
    const T* from = a.data + k0 * a.stride + i0;
    // Whole vectors, whose excess the next row overwrites; the last row must not read beyond the matrix.
    const std::int64_t whole = i0 + vectors * lanes<T> <= a.stride ? kc - 1 : 0;
    std::int64_t k = 0;
    for (; k < whole; ++k, to += rows, from += a.stride)
      DCS_UNROLL
      for (int v = 0; v < vectors; ++v) store(to + v * lanes<T>, load(from + v * lanes<T>));
    for (; k < kc; ++k, to += rows, from += a.stride)
      for (int i = 0; i < rows; ++i) to[i] = from[i];
    std::fill(to, to + (padded_k - kc) * rows, T(0));
  }
};

// What happens to finished rows: y = act(c · scale + shift + residual).
template <class T>
DCS_TARGET void finish_rows(const cpu::epilogue<T>& e, T* c, std::int64_t ldc, std::int64_t i0, std::int64_t rows, std::int64_t j0, std::int64_t columns) {
  for (std::int64_t i = 0; i < rows; ++i) {
    T* row = c + i * ldc;
    const T* residual = e.residual ? e.residual + (i0 + i) * e.residual_stride + j0 : nullptr;
    std::int64_t j = 0;
    for (; j + lanes<T> <= columns; j += lanes<T>) {
      vec<T> v = load(row + j);
      if (e.scale) v *= load(e.scale + j0 + j);
      if (e.shift) v += load(e.shift + j0 + j);
      if (residual) v += load(residual + j);
      if (e.relu) v = v < vec<T>{} ? vec<T>{} : v;
      store(row + j, v);
    }
    for (; j < columns; ++j) {
      T v = row[j];
      if (e.scale) v *= e.scale[j0 + j];
      if (e.shift) v += e.shift[j0 + j];
      if (residual) v += residual[j];
      if (e.relu && v < T(0)) v = T(0);
      row[j] = v;
    }
  }
}

// C = A · B with A packed by `source`. The split into tasks depends on m, n, k alone.
template <class T, class Source>
DCS_TARGET void gemm_blocked(std::int64_t m, std::int64_t n, std::int64_t k, const Source& source, const cpu::matrix<T>& b, T* c, std::int64_t ldc,
                             bool accumulate, const cpu::epilogue<T>& epilogue) {
  constexpr std::int64_t columns = tile_columns<T>;
  const std::int64_t k_step = cpu::gemm_depth(k);
  const std::int64_t panels = (n + columns - 1) / columns;
  const std::int64_t tiles = (m + tile_rows - 1) / tile_rows;
  const std::int64_t rows_per_tile = (m + tiles - 1) / tiles;
  // Blocks of rows keep A in L2; where there are few of them, panels are split as well.
  const std::int64_t tiles_per_block = std::clamp<std::int64_t>(tiles / 8, 1, 8);
  const std::int64_t row_blocks = (tiles + tiles_per_block - 1) / tiles_per_block;
  const std::int64_t column_blocks = row_blocks >= 16 ? 1 : std::min<std::int64_t>(panels, (16 + row_blocks - 1) / row_blocks);

  scratch<T> packed_b(panels * columns * ((std::min(k, k_step) + k_block - 1) / k_block * k_block));
  for (std::int64_t k0 = 0; k0 < k; k0 += k_step) {
    const std::int64_t kc = std::min(k_step, k - k0), padded_k = (kc + k_block - 1) / k_block * k_block;
    cpu::parallel_for(panels, [&](std::int64_t p) DCS_TARGET {
      pack_panel<T>(b, k0, kc, p * columns, n, padded_k, packed_b.data() + p * columns * padded_k);
    });
    const bool add = accumulate || k0 > 0, last = k0 + kc >= k;
    cpu::parallel_for(row_blocks * column_blocks, [&](std::int64_t task) DCS_TARGET {
      const std::int64_t rb = task / column_blocks, cb = task % column_blocks;
      const std::int64_t t0 = rb * tiles_per_block, t1 = std::min(tiles, t0 + tiles_per_block);
      const std::int64_t p0 = panels * cb / column_blocks, p1 = panels * (cb + 1) / column_blocks;
      scratch<T> packed_a((t1 - t0) * rows_per_tile * padded_k + pack_excess);
      for (std::int64_t t = t0; t < t1; ++t)
        if (const std::int64_t i0 = t * rows_per_tile; i0 < m)
          source.pack(i0, static_cast<int>(std::min(rows_per_tile, m - i0)), k0, kc, padded_k, packed_a.data() + (t - t0) * rows_per_tile * padded_k);
      alignas(64) T edge[tile_rows * tile_columns<T>];
      for (std::int64_t p = p0; p < p1; ++p) {
        const std::int64_t j0 = p * columns, width = std::min(columns, n - j0);
        for (std::int64_t t = t0; t < t1; ++t) {
          const std::int64_t i0 = t * rows_per_tile;
          if (i0 >= m) break;
          const int rows = static_cast<int>(std::min(rows_per_tile, m - i0));
          const auto tile = tile_of<T, Source::column_wise>(rows);
          const T* pa = packed_a.data() + (t - t0) * rows_per_tile * padded_k;
          const T* pb = packed_b.data() + p * columns * padded_k;
          T* out = c + i0 * ldc + j0;
          if (width == columns) {
            tile(pa, pb, padded_k / k_block, out, ldc, add);
          } else {
            if (add)
              for (int i = 0; i < rows; ++i)
                for (std::int64_t j = 0; j < columns; ++j) edge[i * columns + j] = j < width ? out[i * ldc + j] : T(0);
            tile(pa, pb, padded_k / k_block, edge, columns, add);
            for (int i = 0; i < rows; ++i)
              for (std::int64_t j = 0; j < width; ++j) out[i * ldc + j] = edge[i * columns + j];
          }
          if (last && epilogue.any()) finish_rows(epilogue, out, ldc, i0, rows, j0, width);
        }
      }
    });
  }
}

template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const cpu::matrix<T>& a, const cpu::matrix<T>& b, T* c, std::int64_t ldc, bool accumulate,
          const cpu::epilogue<T>& epilogue) {
  if (a.transposed) gemm_blocked(m, n, k, matrix_columns<T>{a}, b, c, ldc, accumulate, epilogue);
  else gemm_blocked(m, n, k, matrix_rows<T>{a}, b, c, ldc, accumulate, epilogue);
}

}  // namespace dcs::DCS_ISA

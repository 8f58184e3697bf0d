// The matrix product's packing and register tile; see gemm.hpp.
namespace dcs::DCS_ISA {

// Rows and vectors of the register tile: as many accumulators as the set has registers to spare.
inline constexpr int tile_rows = DCS_ISA_BYTES == 64 ? 14 : 6;
inline constexpr int tile_vectors = 2;
template <class T>
inline constexpr int tile_columns = tile_vectors* lanes<T>;
inline constexpr int k_block = 16;
inline constexpr int pack_excess = 32;  // elements that packing may write past the last row

// c[Rows][Vectors] (+)= A · B over k, then the epilogue where there is one. A has `packed` rows, of which these are the first Rows; row-wise it lies
// block · (packed · 16) + row · 16 + k, column-wise k · packed + row. B: k · tile_columns.
template <class T, int Rows, int Vectors, bool ColumnWise>
DCS_TARGET void register_tile(const T* a, std::int64_t packed, const T* b, std::int64_t k, T* c, std::int64_t ldc, bool accumulate,
                              const cpu::epilogue<T>* e) {
  vec<T> acc[Rows][Vectors];
  DCS_UNROLL
  for (int i = 0; i < Rows; ++i) DCS_UNROLL
  for (int v = 0; v < Vectors; ++v) acc[i][v] = vec<T>{};
  // Prefetches the elements of c, which are read and written at the end, while the sums are formed.
  DCS_UNROLL
  for (int i = 0; i < Rows; ++i) DCS_UNROLL
  for (int v = 0; v < Vectors; ++v) __builtin_prefetch(c + i * ldc + v * lanes<T>, 1);
  for (std::int64_t done = 0; done < k; done += k_block) {
    const int depth = static_cast<int>(std::min<std::int64_t>(k_block, k - done));
    for (int kk = 0; kk < depth; ++kk) {
      vec<T> bv[Vectors];
      DCS_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        bv[v] = load(b + v * lanes<T>);
        __builtin_prefetch(b + 16 * tile_columns<T> + v * lanes<T>);  // a panel of B and the rows of A do not fit L1 together
      }
      DCS_UNROLL
      for (int i = 0; i < Rows; ++i) {
        const vec<T> av = broadcast(ColumnWise ? a[i] : a[i * k_block]);
        DCS_UNROLL
        for (int v = 0; v < Vectors; ++v) acc[i][v] += av * bv[v];
      }
      b += tile_columns<T>;
      a += ColumnWise ? packed : 1;
    }
    if constexpr (!ColumnWise) a += (packed - 1) * k_block;
  }
  if (accumulate) DCS_UNROLL
  for (int i = 0; i < Rows; ++i) DCS_UNROLL
  for (int v = 0; v < Vectors; ++v) acc[i][v] += load(c + i * ldc + v * lanes<T>);
  if (!ColumnWise && e) {
    DCS_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      const vec<T> scale = e->scale ? load(e->scale + v * lanes<T>) : broadcast(T(1)), shift = e->shift ? load(e->shift + v * lanes<T>) : vec<T>{};
      DCS_UNROLL
      for (int i = 0; i < Rows; ++i) acc[i][v] = acc[i][v] * scale + shift;
    }
    if (e->residual) DCS_UNROLL
    for (int i = 0; i < Rows; ++i) DCS_UNROLL
    for (int v = 0; v < Vectors; ++v) acc[i][v] += load(e->residual + i * e->residual_stride + v * lanes<T>);
    if (e->relu) DCS_UNROLL
    for (int i = 0; i < Rows; ++i) DCS_UNROLL
    for (int v = 0; v < Vectors; ++v) acc[i][v] = acc[i][v] < vec<T>{} ? vec<T>{} : acc[i][v];
  }
  DCS_UNROLL
  for (int i = 0; i < Rows; ++i) DCS_UNROLL
  for (int v = 0; v < Vectors; ++v) store(c + i * ldc + v * lanes<T>, acc[i][v]);
}

// There is a tile of every height up to tile_rows in f32, in which networks compute. In f64 there are only the highest and the powers of two, and
// other heights are several tiles, to the same bits: a program in f32, whose small convolutions sum in f64 (ops/conv2d/widened.hpp), compiles fewer
// of them.
template <class T>
inline constexpr bool every_height = sizeof(T) < 8;
template <class T>
inline constexpr int tile_heights = every_height<T> ? tile_rows : 1 + std::bit_width(static_cast<unsigned>(tile_rows));
template <class T>
constexpr int tile_height(int index) {
  return every_height<T> ? index + 1 : index == 0 ? tile_rows : 1 << (index - 1);
}
// The index of the highest tile of at most `rows` rows.
template <class T>
constexpr int tile_index(std::int64_t rows) {
  return every_height<T> ? static_cast<int>(rows) - 1 : rows == tile_rows ? 0 : static_cast<int>(std::bit_width(static_cast<unsigned>(rows)));
}

template <class T>
using register_tile_function = void (*)(const T*, std::int64_t, const T*, std::int64_t, T*, std::int64_t, bool, const cpu::epilogue<T>*);

template <class T, int Vectors, bool ColumnWise, int... I>
inline register_tile_function<T> choose_tile(int index, std::integer_sequence<int, I...>) {
  static constexpr register_tile_function<T> table[] = {&register_tile<T, tile_height<T>(I), Vectors, ColumnWise>...};
  return table[index];
}
// c (+)= A · B for `rows` rows of A, at most tile_rows, which are packed as many together.
template <class T, bool ColumnWise, int Vectors = tile_vectors>
inline void multiply_rows(std::int64_t rows, const T* a, const T* b, std::int64_t k, T* c, std::int64_t ldc, bool accumulate,
                          const cpu::epilogue<T>* e) {
  constexpr std::make_integer_sequence<int, tile_heights<T>> heights{};
  if constexpr (every_height<T>) {
    choose_tile<T, Vectors, ColumnWise>(tile_index<T>(rows), heights)(a, rows, b, k, c, ldc, accumulate, e);
  } else {
    for (std::int64_t done = 0; done < rows;) {
      const int index = tile_index<T>(rows - done);
      const cpu::epilogue<T> rest = e ? e->part(done, 0) : cpu::epilogue<T>{};
      choose_tile<T, Vectors, ColumnWise>(index, heights)(a + done * (ColumnWise ? 1 : k_block), rows, b, k, c + done * ldc, ldc, accumulate,
                                                          e ? &rest : nullptr);
      done += tile_height<T>(index);
    }
  }
}

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

// B (k × n, or its transpose) into panels of tile_columns, zeros beyond n and k.
template <class T>
DCS_TARGET void pack_panel(const cpu::matrix<T>& b, std::int64_t k0, std::int64_t kc, std::int64_t j0, std::int64_t n, std::int64_t padded_k, T* to) {
  const std::int64_t columns = std::min<std::int64_t>(tile_columns<T>, n - j0);
  if (!b.transposed && columns == tile_columns<T>) {
    const T* from = b.data + k0 * b.stride + j0;
    for (std::int64_t k = 0; k < kc; ++k, from += b.stride, to += tile_columns<T>) DCS_UNROLL
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
    for (; j < tile_columns<T>; ++j) to[j] = T(0);
  }
}

// Rows [i0, i0 + rows) of a plain A.
template <class T>
struct matrix_rows {
  static constexpr bool column_wise = false;
  cpu::matrix<T> a;

  DCS_TARGET void pack(std::int64_t i0, int rows, std::int64_t k0, std::int64_t kc, std::int64_t padded_k, T* to) const {
    // Row by row, as they lie in memory.
    const std::int64_t whole = kc / k_block * k_block;
    for (int i = 0; i < rows; ++i) {
      const T* from = a.data + (i0 + i) * a.stride + k0;
      T* out = to + i * k_block;
      std::int64_t k = 0;
      for (; k < whole; k += k_block, out += rows * k_block) __builtin_memcpy(out, from + k, sizeof(T) * k_block);
      if (k < padded_k)
        for (int kk = 0; kk < k_block; ++kk) out[kk] = k + kk < kc ? from[k + kk] : T(0);
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
    for (; k < whole; ++k, to += rows, from += a.stride) DCS_UNROLL
    for (int v = 0; v < vectors; ++v) store(to + v * lanes<T>, load(from + v * lanes<T>));
    for (; k < kc; ++k, to += rows, from += a.stride)
      for (int i = 0; i < rows; ++i) to[i] = from[i];
    std::fill(to, to + (padded_k - kc) * rows, T(0));
  }
};

// The epilogue of finished rows: y = act(c · scale + shift + residual).
template <class T>
DCS_TARGET void finish_rows(const cpu::epilogue<T>& e, T* c, std::int64_t ldc, std::int64_t i0, std::int64_t rows, std::int64_t j0,
                            std::int64_t columns) {
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

// A tile at the right edge of C, of fewer columns than a register tile has: computed aside, then copied.
template <class T, bool ColumnWise>
DCS_TARGET void narrow_tile(const T* pa, const T* pb, std::int64_t k, int rows, std::int64_t width, T* out, std::int64_t ldc, bool add) {
  constexpr std::int64_t columns = tile_columns<T>;
  alignas(64) T edge[tile_rows * tile_columns<T>];
  auto multiply = &multiply_rows<T, ColumnWise>;
  if constexpr (!ColumnWise)
    if (width <= lanes<T>) multiply = &multiply_rows<T, false, 1>;
  if (add)
    for (int i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) edge[i * columns + j] = j < width ? out[i * ldc + j] : T(0);
  multiply(rows, pa, pb, k, edge, columns, add, nullptr);
  for (int i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < width; ++j) out[i * ldc + j] = edge[i * columns + j];
}

// C = A · B with A packed by `source`. The split into tasks depends on m, n, k alone.
template <class T, class Source>
DCS_TARGET void gemm_blocked(std::int64_t m, std::int64_t n, std::int64_t k, const Source& source, const cpu::matrix<T>& b, T* c, std::int64_t ldc,
                             bool accumulate, const cpu::epilogue<T>& epilogue) {
  constexpr std::int64_t columns = tile_columns<T>;
  const std::int64_t k_step = cpu::gemm_depth(k);
  const std::int64_t panels = (n + columns - 1) / columns;
  const std::int64_t tiles = (m + tile_rows - 1) / tile_rows;
  const std::int64_t height = every_height<T> ? (m + tiles - 1) / tiles : std::min<std::int64_t>(m, tile_rows);
  // Blocks of rows keep A in L2; where there are few of them, panels are split as well.
  const std::int64_t tiles_per_block = std::clamp<std::int64_t>(tiles / 16, 1, 8);
  const std::int64_t row_blocks = (tiles + tiles_per_block - 1) / tiles_per_block;
  const std::int64_t most = row_blocks < 8 ? panels : std::max<std::int64_t>(panels / 2, 1);
  const std::int64_t column_blocks = row_blocks >= 16 ? 1 : std::min<std::int64_t>(most, (16 + row_blocks - 1) / row_blocks);
  // As many passes over k at once as a packed B of some megabytes allows: a block of C then stays in the cache, and threads seldom wait for each
  // other.
  const std::int64_t b_pass = panels * columns * k_step, passes = (k + k_step - 1) / k_step;
  // Columns of A are read by every block of rows, so they have to stay in the cache too.
  const std::int64_t touched = Source::column_wise ? std::max(b_pass, 2 * m * k_step) : b_pass;
  const std::int64_t together = std::clamp<std::int64_t>((std::int64_t{1} << 20) / touched, 1, passes);

  scratch<T> packed_b(together * b_pass);
  for (std::int64_t pass0 = 0; pass0 < passes; pass0 += together) {
    const std::int64_t pass1 = std::min(passes, pass0 + together);
    cpu::parallel_for(panels * (pass1 - pass0), [&](std::int64_t task) DCS_TARGET {
      const std::int64_t p = task % panels, k0 = (pass0 + task / panels) * k_step;
      pack_panel<T>(b, k0, std::min(k_step, k - k0), p * columns, n, k_step, packed_b.data() + task * columns * k_step);
    });
    cpu::parallel_for(row_blocks * column_blocks, [&](std::int64_t task) DCS_TARGET {
      const std::int64_t rb = task / column_blocks, cb = task % column_blocks;
      const std::int64_t t0 = rb * tiles_per_block, t1 = std::min({tiles, t0 + tiles_per_block, (m + height - 1) / height});
      const std::int64_t p0 = panels * cb / column_blocks, p1 = panels * (cb + 1) / column_blocks;
      scratch<T> packed_a(tiles_per_block * height * k_step + pack_excess);
      for (std::int64_t pass = pass0; pass < pass1; ++pass) {
        const std::int64_t k0 = pass * k_step, kc = std::min(k_step, k - k0), padded_k = (kc + k_block - 1) / k_block * k_block;
        const bool add = accumulate || pass > 0, finish = pass + 1 == passes && epilogue.any();
        for (std::int64_t t = t0; t < t1; ++t)
          source.pack(t * height, static_cast<int>(std::min(height, m - t * height)), k0, kc, padded_k,
                      packed_a.data() + (t - t0) * height * padded_k);
        for (std::int64_t p = p0; p < p1; ++p) {
          const std::int64_t j0 = p * columns, width = std::min(columns, n - j0);
          const T* pb = packed_b.data() + ((pass - pass0) * panels + p) * columns * k_step;
          for (std::int64_t t = t0; t < t1; ++t) {
            const std::int64_t i0 = t * height;
            const int rows = static_cast<int>(std::min(height, m - i0));
            const T* pa = packed_a.data() + (t - t0) * height * padded_k;
            T* out = c + i0 * ldc + j0;
            if (width == columns) {
              const cpu::epilogue<T> part = epilogue.part(i0, j0);
              multiply_rows<T, Source::column_wise>(rows, pa, pb, kc, out, ldc, add, finish ? &part : nullptr);
            } else {
              narrow_tile<T, Source::column_wise>(pa, pb, kc, rows, width, out, ldc, add);
            }
            // Tiles that are narrow or read columns have no epilogue of their own, which saves code; they are rare.
            if (finish && (Source::column_wise || width < columns)) finish_rows(epilogue, out, ldc, i0, rows, j0, width);
          }
        }
      }
    });
  }
}

template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const cpu::matrix<T>& a, const cpu::matrix<T>& b, T* c, std::int64_t ldc, bool accumulate,
          const cpu::epilogue<T>& epilogue) {
  if (k == 0) {
    if (!accumulate)
      for (std::int64_t i = 0; i < m; ++i) std::fill(c + i * ldc, c + i * ldc + n, T(0));
    finish_rows(epilogue, c, ldc, 0, m, 0, n);
    return;
  }
  if (a.transposed)
    gemm_blocked(m, n, k, matrix_columns<T>{a}, b, c, ldc, accumulate, epilogue);
  else
    gemm_blocked(m, n, k, matrix_rows<T>{a}, b, c, ldc, accumulate, epilogue);
}

}  // namespace dcs::DCS_ISA

// The matrix product's packing and register tile; see gemm.hpp.
//
// bf16 is packed in pairs of two numbers that follow each other along k: a pair takes the place that a float has, so that the packed matrices, and
// the tile but for its one multiplication, are those of float. Its sums are in f32, in which the result is finished and then rounded once.
namespace dcs::DCS_ISA {

// Rows and vectors of the register tile: as many accumulators as the set has registers to spare.
inline constexpr int tile_rows = DCS_ISA_BYTES == 64 ? 14 : 6;
inline constexpr int tile_vectors = 2;
// What a matrix is packed as: the number itself; for bf16 a pair, the first of the two in the lower half.
template <class T>
using packed_type = std::conditional_t<std::is_same_v<T, bf16>, std::uint32_t, T>;
// Numbers of the packed type's place along k.
template <class T>
inline constexpr int packed_numbers = static_cast<int>(sizeof(packed_type<T>) / sizeof(T));
template <class T>
inline constexpr int tile_columns = tile_vectors* lanes<packed_type<T>>;
inline constexpr int k_block = 16;      // packed
inline constexpr int pack_excess = 32;  // elements that packing may write past the last row
template <class T>
inline constexpr int k_numbers = k_block* packed_numbers<T>;

// a[i][k] in every element. A pair is read as bytes, as packing wrote two numbers.
template <class P>
DCS_INLINE vec<P> broadcast_packed(const P* a) {
  P x;
  __builtin_memcpy(&x, a, sizeof x);
  return broadcast(x);
}
#if DCS_ISA_BYTES == 64
// Written as assembly, as the compilers' functions for it differ in their types from version to version. Numbers below 2⁻¹²⁶ count as zero.
DCS_INLINE void add_products_natively(vec<float>& sum, vec<std::uint32_t> a, vec<std::uint32_t> b) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
}
#endif
DCS_INLINE vec<float> as_floats(vec<std::uint32_t> bits) {
  vec<float> v;
  __builtin_memcpy(&v, &bits, sizeof v);
  return v;
}
// sum += a · b, of pairs the sum of both products.
template <bool Native, class S, class P>
DCS_INLINE void add_products(vec<S>& sum, vec<P> a, vec<P> b) {
  if constexpr (std::is_same_v<S, P>) {
    sum += a * b;
  } else {
#if DCS_ISA_BYTES == 64
    if constexpr (Native) return add_products_natively(sum, a, b);
#endif
    sum += as_floats(a & 0xFFFF0000u) * as_floats(b & 0xFFFF0000u);
    sum += as_floats(a << 16) * as_floats(b << 16);
  }
}

// c[Rows][Vectors] (+)= A · B over k, then the epilogue where there is one. P: what A and B are packed as. A has `packed` rows, of which these are
// the first Rows; row-wise it lies block · (packed · 16) + row · 16 + k, column-wise k · packed + row. B: k · tile_columns. k counts in P.
template <class P, class S, int Rows, int Vectors, bool ColumnWise, bool Native>
DCS_TARGET void register_tile(const P* a, std::int64_t packed, const P* b, std::int64_t k, S* c, std::int64_t ldc, bool accumulate,
                              const cpu::epilogue<S>* e) {
  constexpr int columns = tile_vectors * lanes<P>;
  vec<S> acc[Rows][Vectors];
  DCS_UNROLL
  for (int i = 0; i < Rows; ++i) DCS_UNROLL
  for (int v = 0; v < Vectors; ++v) acc[i][v] = vec<S>{};
  // Prefetches the elements of c, which are read and written at the end, while the sums are formed.
  DCS_UNROLL
  for (int i = 0; i < Rows; ++i) DCS_UNROLL
  for (int v = 0; v < Vectors; ++v) __builtin_prefetch(c + i * ldc + v * lanes<S>, 1);
  for (std::int64_t done = 0; done < k; done += k_block) {
    const int depth = static_cast<int>(std::min<std::int64_t>(k_block, k - done));
    for (int kk = 0; kk < depth; ++kk) {
      vec<P> bv[Vectors];
      DCS_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        bv[v] = load(b + v * lanes<P>);
        __builtin_prefetch(b + 16 * columns + v * lanes<P>);  // a panel of B and the rows of A do not fit L1 together
      }
      DCS_UNROLL
      for (int i = 0; i < Rows; ++i) {
        const vec<P> av = broadcast_packed(ColumnWise ? a + i : a + i * k_block);
        DCS_UNROLL
        for (int v = 0; v < Vectors; ++v) add_products<Native, S, P>(acc[i][v], av, bv[v]);
      }
      b += columns;
      a += ColumnWise ? packed : 1;
    }
    if constexpr (!ColumnWise) a += (packed - 1) * k_block;
  }
  if (accumulate) DCS_UNROLL
  for (int i = 0; i < Rows; ++i) DCS_UNROLL
  for (int v = 0; v < Vectors; ++v) acc[i][v] += load(c + i * ldc + v * lanes<S>);
  if (std::is_same_v<S, P> && !ColumnWise && e) {
    DCS_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      const vec<S> scale = e->scale ? load(e->scale + v * lanes<S>) : broadcast(S(1)), shift = e->shift ? load(e->shift + v * lanes<S>) : vec<S>{};
      DCS_UNROLL
      for (int i = 0; i < Rows; ++i) acc[i][v] = acc[i][v] * scale + shift;
    }
    if (e->residual) DCS_UNROLL
    for (int i = 0; i < Rows; ++i) DCS_UNROLL
    for (int v = 0; v < Vectors; ++v) acc[i][v] += load(e->residual + i * e->residual_stride + v * lanes<S>);
    if (e->relu) DCS_UNROLL
    for (int i = 0; i < Rows; ++i) DCS_UNROLL
    for (int v = 0; v < Vectors; ++v) acc[i][v] = acc[i][v] < vec<S>{} ? vec<S>{} : acc[i][v];
  }
  DCS_UNROLL
  for (int i = 0; i < Rows; ++i) DCS_UNROLL
  for (int v = 0; v < Vectors; ++v) store(c + i * ldc + v * lanes<S>, acc[i][v]);
}

// There is a tile of every height up to tile_rows in f32, in which networks compute. In f64 and bf16 there are only the highest and the powers of
// two, and other heights are several tiles, to the same bits: a program in f32, whose small convolutions sum in f64 (ops/conv2d/widened.hpp),
// compiles fewer of them.
template <class T>
inline constexpr bool every_height = std::is_same_v<T, float>;
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

template <class P, class S>
using register_tile_function = void (*)(const P*, std::int64_t, const P*, std::int64_t, S*, std::int64_t, bool, const cpu::epilogue<S>*);

template <class T, int Vectors, bool ColumnWise, bool Native, int... I>
inline register_tile_function<packed_type<T>, compute_type<T>> choose_tile(int index, std::integer_sequence<int, I...>) {
  static constexpr register_tile_function<packed_type<T>, compute_type<T>> table[] = {
      &register_tile<packed_type<T>, compute_type<T>, tile_height<T>(I), Vectors, ColumnWise, Native>...};
  return table[index];
}
template <class T, int Vectors, bool ColumnWise>
inline register_tile_function<packed_type<T>, compute_type<T>> tile_of(int index) {
  constexpr std::make_integer_sequence<int, tile_heights<T>> heights{};
#if DCS_ISA_BYTES == 64
  if constexpr (std::is_same_v<T, bf16>)
    if (cpu::current_isa() == cpu::isa::avx512_bf16) return choose_tile<T, Vectors, ColumnWise, true>(index, heights);
#endif
  return choose_tile<T, Vectors, ColumnWise, false>(index, heights);
}
// c (+)= A · B for `rows` rows of A, at most tile_rows, which are packed as many together.
template <class T, bool ColumnWise, int Vectors = tile_vectors>
inline void multiply_rows(std::int64_t rows, const T* a, const T* b, std::int64_t k, compute_type<T>* c, std::int64_t ldc, bool accumulate,
                          const cpu::epilogue<compute_type<T>>* e) {
  const auto *pa = reinterpret_cast<const packed_type<T>*>(a), *pb = reinterpret_cast<const packed_type<T>*>(b);
  const std::int64_t depth = (k + packed_numbers<T> - 1) / packed_numbers<T>;
  if constexpr (every_height<T>) {
    tile_of<T, Vectors, ColumnWise>(tile_index<T>(rows))(pa, rows, pb, depth, c, ldc, accumulate, e);
  } else {
    for (std::int64_t done = 0; done < rows;) {
      const int index = tile_index<T>(rows - done);
      const auto rest = e ? e->part(done, 0) : cpu::epilogue<compute_type<T>>{};
      tile_of<T, Vectors, ColumnWise>(index)(pa + done * (ColumnWise ? 1 : k_block), rows, pb, depth, c + done * ldc, ldc, accumulate,
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

// The epilogue of finished rows: y = act(c · scale + shift + residual). The sums, in S and `lds` apart, may be y itself; they are added to y where
// `accumulate` is set.
template <class T, class S>
DCS_TARGET void finish_rows(const cpu::epilogue<T>& e, const S* sums, std::int64_t lds, T* c, std::int64_t ldc, bool accumulate, std::int64_t i0,
                            std::int64_t rows, std::int64_t j0, std::int64_t columns) {
  for (std::int64_t i = 0; i < rows; ++i) {
    const S* from = sums + i * lds;
    T* row = c + i * ldc;
    const T* residual = e.residual ? e.residual + (i0 + i) * e.residual_stride + j0 : nullptr;
    std::int64_t j = 0;
    for (; j + lanes<S> <= columns; j += lanes<S>) {
      vec<S> v = load(from + j);
      if (accumulate) v += load_wide(row + j);
      if (e.scale) v *= load_wide(e.scale + j0 + j);
      if (e.shift) v += load_wide(e.shift + j0 + j);
      if (residual) v += load_wide(residual + j);
      if (e.relu) v = v < vec<S>{} ? vec<S>{} : v;
      store_wide(row + j, v);
    }
    for (; j < columns; ++j) {
      S v = from[j];
      if (accumulate) v += row[j];
      if (e.scale) v *= e.scale[j0 + j];
      if (e.shift) v += e.shift[j0 + j];
      if (residual) v += residual[j];
      if (e.relu && v < S(0)) v = S(0);
      row[j] = static_cast<T>(v);
    }
  }
}

// A tile at the right edge of C, of fewer columns than a register tile has: computed aside, then copied.
template <class T, bool ColumnWise>
DCS_TARGET void narrow_tile(const T* pa, const T* pb, std::int64_t k, int rows, std::int64_t width, compute_type<T>* out, std::int64_t ldc,
                            bool add) {
  using S = compute_type<T>;
  constexpr std::int64_t columns = tile_columns<T>;
  alignas(64) S edge[tile_rows * tile_columns<T>];
  auto multiply = &multiply_rows<T, ColumnWise>;
  if constexpr (!ColumnWise)
    if (width <= lanes<S>) multiply = &multiply_rows<T, false, 1>;
  if (add)
    for (int i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) edge[i * columns + j] = j < width ? out[i * ldc + j] : S(0);
  multiply(rows, pa, pb, k, edge, columns, add, nullptr);
  for (int i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < width; ++j) out[i * ldc + j] = edge[i * columns + j];
}

// C (+)= A · B with A packed by `source`, in R: T, or the type of its sums. The split into tasks depends on m, n, k alone.
template <class T, class Source, class R>
DCS_TARGET void gemm_blocked(std::int64_t m, std::int64_t n, std::int64_t k, const Source& source, const cpu::matrix<T>& b, R* c, std::int64_t ldc,
                             bool accumulate, const cpu::epilogue<R>& epilogue) {
  using S = compute_type<T>;
  constexpr bool rounds = !std::is_same_v<R, S>;
  constexpr std::int64_t columns = tile_columns<T>;
  const std::int64_t k_step = cpu::gemm_depth(k, k_numbers<T>);
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
  // Where a result is rounded, its sums are kept: those of a task until its last pass, or all where tasks do not make all passes at once.
  const bool keeps_all = rounds && together < passes;
  std::optional<scratch<S>> kept;
  if (keeps_all) kept.emplace(m * n);
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
      if (t0 >= t1 || p0 == p1) return;
      scratch<T> packed_a(tiles_per_block * height * k_step + pack_excess);
      // The task's part of the sums.
      std::optional<scratch<S>> block;
      S* sums = nullptr;
      std::int64_t lds = ldc;
      if constexpr (!rounds) {
        sums = c + t0 * height * ldc + p0 * columns;
      } else if (keeps_all) {
        sums = kept->data() + t0 * height * n + p0 * columns, lds = n;
      } else {
        lds = (p1 - p0) * columns;
        sums = block.emplace((t1 - t0) * height * lds).data();
      }
      for (std::int64_t pass = pass0; pass < pass1; ++pass) {
        const std::int64_t k0 = pass * k_step, kc = std::min(k_step, k - k0), padded_k = (kc + k_numbers<T> - 1) / k_numbers<T> * k_numbers<T>;
        const bool add = (!rounds && accumulate) || pass > 0, finish = !rounds && pass + 1 == passes && epilogue.any();
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
            S* out = sums + (t - t0) * height * lds + (p - p0) * columns;
            if (width < columns) {
              narrow_tile<T, Source::column_wise>(pa, pb, kc, rows, width, out, lds, add);
            } else if constexpr (rounds) {
              multiply_rows<T, Source::column_wise>(rows, pa, pb, kc, out, lds, add, nullptr);
            } else {
              const cpu::epilogue<R> part = epilogue.part(i0, j0);
              multiply_rows<T, Source::column_wise>(rows, pa, pb, kc, out, lds, add, finish && std::is_same_v<T, S> ? &part : nullptr);
            }
            // Tiles that are narrow or read columns have no epilogue of their own, which saves code; they are rare.
            if constexpr (!rounds)
              if (finish && (Source::column_wise || width < columns || !std::is_same_v<T, S>))
                finish_rows(epilogue, out, lds, out, lds, false, i0, rows, j0, width);
          }
        }
      }
      if constexpr (rounds)
        if (pass1 == passes) {
          const std::int64_t i0 = t0 * height, j0 = p0 * columns;
          finish_rows(epilogue, sums, lds, c + i0 * ldc + j0, ldc, accumulate, i0, std::min(m, t1 * height) - i0, j0, std::min(n, p1 * columns) - j0);
        }
    });
  }
}

template <class T>
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const cpu::matrix<T>& a, const cpu::matrix<T>& b, T* c, std::int64_t ldc, bool accumulate,
          const cpu::epilogue<T>& epilogue) {
  if (k == 0) {
    const scratch<compute_type<T>> zeros(n);
    std::fill(zeros.data(), zeros.data() + n, compute_type<T>(0));
    finish_rows(epilogue, zeros.data(), 0, c, ldc, accumulate, 0, m, 0, n);
    return;
  }
  if (a.transposed)
    gemm_blocked(m, n, k, matrix_columns<T>{a}, b, c, ldc, accumulate, epilogue);
  else
    gemm_blocked(m, n, k, matrix_rows<T>{a}, b, c, ldc, accumulate, epilogue);
}

}  // namespace dcs::DCS_ISA

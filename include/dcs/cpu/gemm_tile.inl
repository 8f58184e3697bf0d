// The matrix product's register tile; see gemm.hpp.
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

}  // namespace dcs::DCS_ISA

// The matrix product in blocks, and what finishes its rows; see gemm.hpp.
namespace dcs::DCS_ISA {

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

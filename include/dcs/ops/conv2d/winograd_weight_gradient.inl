// The weight gradient by the transposed algorithm, dW = Gᵀ [Σ over tiles (Bᵀ d B) (A dy Aᵀ)] G; see winograd.hpp.
namespace dcs::DCS_ISA {

inline constexpr int gradient_rows = DCS_ISA_BYTES == 64 ? 8 : 4;

// c[gradient_rows][tile_columns] (+)= Σ over `count` tiles of a[16 · t + row] · b[tile_columns · t + column]. The sum starts at zero and is added to
// c at the end: summing in two levels halves the rounding error.
template <class T>
DCS_TARGET void gradient_tile(const T* a, const T* b, std::int64_t count, T* c, bool accumulate) {
  vec<T> acc[gradient_rows][tile_vectors];
  DCS_UNROLL
  for (int i = 0; i < gradient_rows; ++i) DCS_UNROLL
  for (int v = 0; v < tile_vectors; ++v) acc[i][v] = vec<T>{};
  // Prefetches c, which is large (36 · channels²) and needed only at the end.
  DCS_UNROLL
  for (int i = 0; i < gradient_rows; ++i) DCS_UNROLL
  for (int v = 0; v < tile_vectors; ++v) __builtin_prefetch(c + i * tile_columns<T> + v * lanes<T>, 1);
  for (std::int64_t t = 0; t < count; ++t, a += k_block, b += tile_columns<T>) {
    vec<T> bv[tile_vectors];
    DCS_UNROLL
    for (int v = 0; v < tile_vectors; ++v) bv[v] = load(b + v * lanes<T>);
    DCS_UNROLL
    for (int i = 0; i < gradient_rows; ++i) {
      const vec<T> av = broadcast(a[i]);
      DCS_UNROLL
      for (int v = 0; v < tile_vectors; ++v) acc[i][v] += av * bv[v];
    }
  }
  DCS_UNROLL
  for (int i = 0; i < gradient_rows; ++i) DCS_UNROLL
  for (int v = 0; v < tile_vectors; ++v) {
    T* to = c + i * tile_columns<T> + v * lanes<T>;
    store(to, accumulate ? load(to) + acc[i][v] : acc[i][v]);
  }
}

// Gᵀ m G of one input channel and the outputs [o, o + lanes).
template <class T>
DCS_INLINE void transform_weight_gradient(const T* from, std::int64_t plane, std::int64_t depth, std::int64_t outputs, std::int64_t i, std::int64_t o,
                                          T* dw) {
  vec<T> d[winograd_planes], e[18], g[9];
  DCS_UNROLL
  for (int p = 0; p < winograd_planes; ++p) d[p] = load(from + p * plane);
  DCS_UNROLL
  for (int j = 0; j < 6; ++j) weight_gradient_map<T, 6, 6>(d + j, e + j);
  DCS_UNROLL
  for (int k = 0; k < 3; ++k) weight_gradient_map<T, 1, 1>(e + k * 6, g + k * 3);
  for (int s = 0; s < 9; ++s) {
    T* to = dw + (s * depth + i) * outputs + o;
    if (outputs - o >= lanes<T>)
      store(to, g[s]);
    else
      store_part(to, g[s], outputs - o);
  }
}

// Where all tiles of the image are one block: the gradient of k_block inputs (from i0) and a panel of outputs (from o0). The 36 products of a
// register tile stay in cache and are transformed back at once.
template <class T>
DCS_TARGET void weight_gradient_of_block(const T* v, std::int64_t v_plane, const T* d, std::int64_t d_plane, std::int64_t tiles, std::int64_t depth,
                                         std::int64_t outputs, std::int64_t i0, std::int64_t o0, T* dw) {
  constexpr std::int64_t columns = tile_columns<T>, plane = gradient_rows * columns + 16;
  alignas(64) T product[winograd_planes * plane];
  for (std::int64_t r = 0; r < k_block; r += gradient_rows) {
    for (int p = 0; p < winograd_planes; ++p) gradient_tile(v + p * v_plane + r, d + p * d_plane, tiles, product + p * plane, false);
    for (std::int64_t i = 0; i < std::min<std::int64_t>(gradient_rows, depth - i0 - r); ++i)
      for (std::int64_t o = o0; o < std::min(outputs, o0 + columns); o += lanes<T>)
        transform_weight_gradient(product + i * columns + o % columns, plane, depth, outputs, i0 + r + i, o, dw);
  }
}

template <class T>
DCS_TARGET void winograd_weight_gradient(const cpu::winograd_map& m, std::int64_t depth, std::int64_t outputs, const T* x, const T* dy, T* dw) {
  constexpr std::int64_t columns = tile_columns<T>;
  const std::int64_t deep = padded_depth(depth), panels = (outputs + columns - 1) / columns, tiles = m.tiles();
  const std::int64_t most = std::min(tiles, cpu::winograd_gradient_tiles(depth, outputs)),
                     pitch = most | 1;  // an odd pitch spreads the sets of the cache
  const std::int64_t v_plane = pitch * deep + winograd_gap, d_plane = pitch * panels * columns + winograd_gap;
  scratch<T> v(winograd_planes * v_plane), d(winograd_planes * d_plane);
  const bool one_block = tiles <= most;
  const std::int64_t sum_plane = deep * panels * columns + winograd_gap;
  scratch<T> sums(one_block ? 0 : winograd_planes * sum_plane);

  constexpr std::int64_t group = 64;  // channels of a transform task: whole lines of every pixel
  const std::int64_t v_groups = (deep + group - 1) / group, d_groups = (panels * columns + group - 1) / group;
  for (std::int64_t t0 = 0; t0 < tiles; t0 += most) {
    const std::int64_t count = std::min(most, tiles - t0);
    cpu::parallel_for((v_groups + d_groups) * 4, [&](std::int64_t task) DCS_TARGET {
      const std::int64_t part = task % 4, g = task / 4;
      const bool of_x = g < v_groups;
      const std::int64_t c0 = (of_x ? g : g - v_groups) * group, c1 = std::min(of_x ? deep : panels * columns, c0 + group),
                         channels = of_x ? depth : outputs;
      for (std::int64_t t = count * part / 4; t < count * (part + 1) / 4; ++t)
        for (std::int64_t c = c0; c < c1; c += lanes<T>) {
          T* to = of_x ? v.data() + (c / k_block * pitch + t) * k_block + c % k_block : d.data() + (c / columns * pitch + t) * columns + c % columns;
          const std::int64_t plane = of_x ? v_plane : d_plane;
          if (c >= channels)
            for (int p = 0; p < winograd_planes; ++p) store(to + p * plane, vec<T>{});
          else if (of_x)
            transform_input(x, m, depth, t0 + t, c, to, plane);
          else
            transform_output_gradient(dy, m, outputs, t0 + t, c, to, plane);
        }
    });
    if (one_block) {
      cpu::parallel_for(panels * (deep / k_block), [&](std::int64_t task) DCS_TARGET {
        const std::int64_t panel = task / (deep / k_block), block = task % (deep / k_block);
        weight_gradient_of_block(v.data() + block * pitch * k_block, v_plane, d.data() + panel * pitch * columns, d_plane, count, depth, outputs,
                                 block * k_block, panel * columns, dw);
      });
      return;
    }
    cpu::parallel_for(winograd_planes, [&](std::int64_t p) DCS_TARGET {
      for (std::int64_t panel = 0; panel < panels; ++panel)
        for (std::int64_t i = 0; i < deep; i += gradient_rows)
          gradient_tile(v.data() + p * v_plane + i / k_block * pitch * k_block + i % k_block, d.data() + p * d_plane + panel * pitch * columns, count,
                        sums.data() + p * sum_plane + (panel * deep + i) * columns, t0 > 0);
    });
  }
  cpu::parallel_for(panels * (deep / k_block), [&](std::int64_t task) DCS_TARGET {
    const std::int64_t panel = task / (deep / k_block), i0 = task % (deep / k_block) * k_block;
    for (std::int64_t i = i0; i < std::min(depth, i0 + k_block); ++i)
      for (std::int64_t o = panel * columns; o < std::min(outputs, (panel + 1) * columns); o += lanes<T>)
        transform_weight_gradient(sums.data() + (panel * deep + i) * columns + o % columns, sum_plane, depth, outputs, i, o, dw);
  });
}

}  // namespace dcs::DCS_ISA

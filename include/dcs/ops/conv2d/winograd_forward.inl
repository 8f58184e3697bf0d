// Winograd's algorithm forward (and, with rotated weights, for the data gradient); see winograd.hpp.
namespace dcs::DCS_ISA {

// Between two planes: their distance must not be a multiple of the cache's period, or all 36 fall into the same sets.
inline constexpr std::int64_t winograd_gap = 80;
// Tiles of a block: those of a register tile or two, so that a block's transforms stay in L2.
inline constexpr std::int64_t winograd_block = DCS_ISA_BYTES == 64 ? 14 : 12;

inline std::int64_t padded_depth(std::int64_t channels) { return (channels + k_block - 1) / k_block * k_block; }

// U = G g Gᵀ for depths [k0, k0 + 16) and the panel's tile_columns outputs, zeros beyond both: to[plane · p + k · tile_columns + column]. Turned: the
// weights of the data gradient, that is, inputs and outputs exchanged and the kernel rotated by 180°.
template <class T>
DCS_TARGET void transform_weights(const T* w, std::int64_t depth, std::int64_t outputs, bool turned, std::int64_t panel, std::int64_t k0, T* to,
                                  std::int64_t plane) {
  constexpr int n = lanes<T>;
  constexpr std::int64_t columns = tile_columns<T>;
  alignas(64) T taps[9 * k_block * columns];
  for (int s = 0; s < 9; ++s)
    for (int v = 0; v < tile_vectors; ++v) {
      const std::int64_t o0 = panel * columns + v * n;
      if (!turned) {
        for (int k = 0; k < k_block; ++k) {
          const T* from = w + (s * depth + k0 + k) * outputs + o0;
          const std::int64_t exist = k0 + k < depth ? outputs - o0 : 0;
          store(taps + (s * k_block + k) * columns + v * n, exist >= n ? load(from) : exist > 0 ? load_part(from, exist) : vec<T>{});
        }
        continue;
      }
      for (int k = 0; k < k_block; k += n) {
        vec<T> r[n];
        const std::int64_t exist = depth - k0 - k;
        for (int o = 0; o < n; ++o) {
          const T* from = w + (s * outputs + o0 + o) * depth + k0 + k;
          r[o] = o0 + o >= outputs || exist <= 0 ? vec<T>{} : exist >= n ? load(from) : load_part(from, exist);
        }
        transpose_rows<T>(r);
        for (int i = 0; i < n; ++i) store(taps + ((8 - s) * k_block + k + i) * columns + v * n, r[i]);
      }
    }
  for (int k = 0; k < k_block; ++k)
    for (int v = 0; v < tile_vectors; ++v) {
      const T* from = taps + k * columns + v * n;
      vec<T> g[9], e[18], u[winograd_planes];
      DCS_UNROLL
      for (int s = 0; s < 9; ++s) g[s] = load(from + s * k_block * columns);
      DCS_UNROLL
      for (int i = 0; i < 3; ++i) weight_map<T, 1, 1>(g + i * 3, e + i * 6);
      DCS_UNROLL
      for (int j = 0; j < 6; ++j) weight_map<T, 6, 6>(e + j, u + j);
      T* out = to + k * columns + v * n;
      DCS_UNROLL
      for (int i = 0; i < winograd_planes; ++i) store(out + i * plane, u[i]);
    }
}

// Rows [t0, t1) of tiles for depths [k0, k0 + kc): what register_tile reads row-wise, in sub-blocks of `rows` tiles, `sub` apart.
template <class T>
DCS_TARGET void transform_inputs(const T* x, const cpu::winograd_map& m, std::int64_t depth, std::int64_t t0, std::int64_t t1, std::int64_t rows,
                                 std::int64_t sub, std::int64_t k0, std::int64_t kc, T* v, std::int64_t plane) {
  for (std::int64_t t = t0; t < t1; ++t) {
    const std::int64_t s = (t - t0) / rows, row = (t - t0) % rows, height = std::min(rows, t1 - t0 - s * rows);
    T* to = v + s * sub + row * k_block;
    for (std::int64_t k = 0; k < kc; k += lanes<T>) {
      T* at = to + k / k_block * height * k_block + k % k_block;
      if (k0 + k < depth) {
        transform_input(x, m, depth, t, k0 + k, at, plane);
      } else {
        for (int p = 0; p < winograd_planes; ++p) store(at + p * plane, vec<T>{});
      }
    }
  }
}

// Many tiles: all weights are transformed first, and then one block of tiles after the other passes through L2.
template <class T>
DCS_TARGET void winograd_by_tiles(const cpu::winograd_map& m, std::int64_t depth, std::int64_t outputs, const T* x, const T* w, bool turned,
                                  const cpu::epilogue<T>& e, T* y) {
  constexpr std::int64_t columns = tile_columns<T>;
  const std::int64_t deep = padded_depth(depth), panels = (outputs + columns - 1) / columns, tiles = m.tiles();
  const std::int64_t u_plane = deep * panels * columns + winograd_gap;
  scratch<T> u(winograd_planes * u_plane);
  cpu::parallel_for(panels * (deep / k_block), [&](std::int64_t task) DCS_TARGET {
    const std::int64_t panel = task / (deep / k_block), k = task % (deep / k_block) * k_block;
    transform_weights(w, depth, outputs, turned, panel, k, u.data() + (panel * deep + k) * columns, u_plane);
  });

  // The number of blocks is a multiple of four, so that two or four threads end together.
  const std::int64_t blocks = std::min(tiles, ((tiles + winograd_block - 1) / winograd_block + 3) / 4 * 4);
  const std::int64_t most = (tiles + blocks - 1) / blocks, subs = (most + tile_rows - 1) / tile_rows, rows = (most + subs - 1) / subs;
  // Either V or M holds all channels, the other 256 or 128 at a time: where depths are processed in parts there is only one part of panels.
  const std::int64_t k_step = deep > 256 && outputs <= 256 ? 256 : deep, p_step = panels * columns > 128 && deep <= 256 ? 128 / columns : panels;
  const std::int64_t sub_v = rows * k_step, sub_m = rows * p_step * columns;
  const std::int64_t v_plane = subs * sub_v + winograd_gap, m_plane = subs * sub_m + winograd_gap;
  cpu::parallel_for(blocks, [&](std::int64_t block) DCS_TARGET {
    const std::int64_t t0 = tiles * block / blocks, t1 = tiles * (block + 1) / blocks, used = (t1 - t0 + rows - 1) / rows;
    scratch<T> v(winograd_planes * v_plane), product(winograd_planes * m_plane);
    for (std::int64_t p0 = 0; p0 < panels; p0 += p_step) {
      const std::int64_t p1 = std::min(panels, p0 + p_step);
      for (std::int64_t k0 = 0; k0 < deep; k0 += k_step) {
        const std::int64_t kc = std::min(k_step, deep - k0);
        if (p0 == 0) transform_inputs(x, m, depth, t0, t1, rows, sub_v, k0, kc, v.data(), v_plane);
        for (std::int64_t plane = 0; plane < winograd_planes; ++plane)
          for (std::int64_t p = p0; p < p1; ++p)
            for (std::int64_t s = 0; s < used; ++s) {
              const std::int64_t height = std::min(rows, t1 - t0 - s * rows);
              multiply_rows<T, false>(height, v.data() + plane * v_plane + s * sub_v, u.data() + plane * u_plane + (p * deep + k0) * columns, kc,
                                      product.data() + plane * m_plane + s * sub_m + (p - p0) * rows * columns, columns, k0 > 0, nullptr);
            }
      }
      for (std::int64_t t = t0; t < t1; ++t)
        for (std::int64_t c = p0 * columns; c < std::min(outputs, p1 * columns); c += lanes<T>) {
          const std::int64_t s = (t - t0) / rows, row = (t - t0) % rows;
          transform_output(product.data() + s * sub_m + (c / columns - p0) * rows * columns + row * columns + c % columns, m_plane, m, outputs, t, c,
                           e, y);
        }
    }
  });
}

// Few tiles: the weights are most of the memory. All tiles are transformed first; then each panel of outputs transforms its weights into L2, a part
// of the depth at a time, and uses them at once.
template <class T>
DCS_TARGET void winograd_by_panels(const cpu::winograd_map& m, std::int64_t depth, std::int64_t outputs, const T* x, const T* w, bool turned,
                                   const cpu::epilogue<T>& e, T* y) {
  constexpr std::int64_t columns = tile_columns<T>;
  const std::int64_t deep = padded_depth(depth), panels = (outputs + columns - 1) / columns, tiles = m.tiles();
  const std::int64_t subs = (tiles + tile_rows - 1) / tile_rows, rows = (tiles + subs - 1) / subs, used = (tiles + rows - 1) / rows;
  const std::int64_t k_step = std::min<std::int64_t>(deep, 128), sub_v = rows * deep, sub_m = rows * columns;
  const std::int64_t v_plane = subs * sub_v + winograd_gap, m_plane = subs * sub_m + winograd_gap, u_plane = k_step * columns + winograd_gap;
  scratch<T> v(winograd_planes * v_plane);
  cpu::parallel_for(used * (deep / k_block), [&](std::int64_t task) DCS_TARGET {
    const std::int64_t s = task / (deep / k_block), k = task % (deep / k_block) * k_block;
    const std::int64_t t0 = s * rows, t1 = std::min(tiles, t0 + rows);
    transform_inputs(x, m, depth, t0, t1, t1 - t0, sub_v, k, k_block, v.data() + s * sub_v + k * (t1 - t0), v_plane);
  });
  cpu::parallel_for(panels, [&](std::int64_t panel) DCS_TARGET {
    scratch<T> u(winograd_planes * u_plane), product(winograd_planes * m_plane);
    for (std::int64_t k0 = 0; k0 < deep; k0 += k_step) {
      const std::int64_t kc = std::min(k_step, deep - k0);
      for (std::int64_t k = 0; k < kc; k += k_block) transform_weights(w, depth, outputs, turned, panel, k0 + k, u.data() + k * columns, u_plane);
      for (std::int64_t plane = 0; plane < winograd_planes; ++plane)
        for (std::int64_t s = 0; s < used; ++s) {
          const std::int64_t height = std::min(rows, tiles - s * rows);
          multiply_rows<T, false>(height, v.data() + plane * v_plane + s * sub_v + k0 * height, u.data() + plane * u_plane, kc,
                                  product.data() + plane * m_plane + s * sub_m, columns, k0 > 0, nullptr);
        }
    }
    for (std::int64_t t = 0; t < tiles; ++t)
      for (std::int64_t c = panel * columns; c < std::min(outputs, (panel + 1) * columns); c += lanes<T>)
        transform_output(product.data() + t / rows * sub_m + t % rows * columns + c % columns, m_plane, m, outputs, t, c, e, y);
  });
}

template <class T>
DCS_TARGET void winograd_convolution(const cpu::winograd_map& m, std::int64_t depth, std::int64_t outputs, const T* x, const T* w, bool turned,
                                     const cpu::epilogue<T>& e, T* y) {
  if (m.tiles() <= cpu::winograd_few_tiles)
    winograd_by_panels(m, depth, outputs, x, w, turned, e, y);
  else
    winograd_by_tiles(m, depth, outputs, x, w, turned, e, y);
}

}  // namespace dcs::DCS_ISA

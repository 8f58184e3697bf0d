// The entry points of ops that are more than pointwise chains and copies: matrix products, convolutions, norms, pools, resizing, attention. dcs has
// channels last and ONNX channels first: a map is turned before such a node and back behind it, and the graph cancels what meets (graph.hpp).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/gemm.hpp>
#include <dcs/onnx/activations.hpp>
#include <dcs/onnx/copies.hpp>
#include <dcs/ops/attention/geometry.hpp>
#include <dcs/ops/conv2d/geometry.hpp>
#include <dcs/ops/gather/gather.hpp>
#include <dcs/ops/resize/geometry.hpp>
#include <dcs/ops/unfold/geometry.hpp>

DCS_EXACT_MATH
namespace dcs::onnx {

namespace detail {

inline const dims channels_first{0, 3, 1, 2}, channels_last{0, 2, 3, 1};

/// A map in memory as N,C,H,W.
template <class T>
id image(graph& g, const T* p, std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) {
  return g.transpose(at(p, {n, h, w, c}), channels_first);
}
inline void set_image(graph& g, const void* p, id made) { set(p, g.transpose(made, channels_last)); }

// The attributes of windows over an image.
inline std::vector<attribute> windows(const cpu::conv2d_geometry& g) {
  return {attribute::of("kernel_shape", dims{g.k_h, g.k_w}), attribute::of("strides", dims{g.stride, g.stride}),
          attribute::of("pads", dims{g.padding, g.padding, g.padding, g.padding})};
}
inline std::vector<attribute> convolution(const cpu::conv2d_geometry& g) {
  auto all = windows(g);
  all.push_back(attribute::of("dilations", dims{g.dilation, g.dilation}));
  all.push_back(attribute::of("group", g.groups));
  return all;
}

// What follows a product whose result is rows of `channels`: `made` with its channels as the last axis.
template <class T>
id finished(graph& g, id made, const cpu::epilogue<T>& e, std::int64_t channels) {
  if (e.scale) made = binary(g, "Mul", made, at(e.scale, {channels}));
  if (e.shift) made = binary(g, "Add", made, at(e.shift, {channels}));
  if (e.residual) made = binary(g, "Add", made, at(e.residual, g.extents(made)));
  return e.relu ? unary(g, "Relu", made) : made;
}

// A factor of a product as [rows, columns], or a batch of these; of one matrix that is not transposed the axes before the last are its own.
template <class T>
id factor(graph& g, const cpu::matrix<T>& x, std::int64_t batch, std::int64_t rows, std::int64_t columns, bool keeps_axes) {
  dims n{rows, columns}, order{1, 0};
  if (x.transposed) std::swap(n[0], n[1]);
  if (batch != 1) n.insert(n.begin(), batch), order = {0, 2, 1};
  if (x.transposed) return g.transpose(at(x.data, n), order);
  if (keeps_axes && batch == 1) {
    const id own = at(x.data);
    if (g.extents(own).size() > 1 && g.extents(own).back() == columns && !g.is_made_by("Transpose", own)) return own;
  }
  return at(x.data, n);
}

// Which axis of left · right is free: that of `left`, where it is not summed over. A batch and the axis that is summed over belong to both factors,
// so both have to be free in them: otherwise the extent that one has while it is traced would stand in the file.
inline int free_of_product(graph& g, id left, id right) {
  const int l = g[left].free, r = g[right].free, rank = static_cast<int>(g.extents(right).size());
  const bool summed = l == static_cast<int>(g.extents(left).size()) - 1, batch = rank > 2 && l == 0;
  expect(r == (batch    ? 0
               : summed ? rank - 2
                        : -1),
         "dcs::onnx: a product in which only one factor has the free extent; a value that does not come from the input has not its size");
  return summed ? -1 : l;
}

}  // namespace detail

template <class T>
void gemm(device, std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k, const cpu::matrix<T>& a, const cpu::matrix<T>& b, T* c,
          const cpu::epilogue<T>& e = {}) {
  auto& g = tracing::now().graph;
  const id left = detail::factor(g, a, batch, m, k, true), right = detail::factor(g, b, batch, k, n, false);
  dims extents = g.extents(left);
  extents.back() = n;
  set(c, detail::finished(g, g.add("MatMul", {left, right}, extents, detail::free_of_product(g, left, right)), e, n));
}

template <class T>
void conv2d_forward(device, const cpu::conv2d_geometry& n, const T* x, const T* w, const cpu::epilogue<T>& e, T* y) {
  auto& g = tracing::now().graph;
  id weights = g.transpose(at(w, {n.k_h, n.k_w, n.group_in(), n.out_c}), {3, 2, 0, 1});
  if (e.scale) weights = detail::binary(g, "Mul", weights, at(e.scale, {n.out_c, 1, 1, 1}));
  const id in = detail::image(g, x, n.batch, n.in_h, n.in_w, n.in_c);
  std::vector<id> operands{in, weights};
  if (e.shift) operands.push_back(at(e.shift, {n.out_c}));
  id made = g.add("Conv", operands, {n.batch, n.out_c, n.out_h, n.out_w}, g[in].free, detail::convolution(n));
  if (e.residual) made = detail::binary(g, "Add", made, detail::image(g, e.residual, n.batch, n.out_h, n.out_w, n.out_c));
  if (e.relu) made = detail::unary(g, "Relu", made);
  detail::set_image(g, y, made);
}

template <class T>
void conv_transpose2d_forward(device, const cpu::conv2d_geometry& n, const T* x, const T* w, const T* shift, T* y) {
  auto& g = tracing::now().graph;
  // `n` is the convolution back, whose input is the result.
  const id in = detail::image(g, x, n.batch, n.out_h, n.out_w, n.out_c);
  std::vector<id> operands{in, g.transpose(at(w, {n.k_h, n.k_w, n.group_in(), n.out_c}), {3, 2, 0, 1})};
  if (shift) operands.push_back(at(shift, {n.in_c}));
  const auto more = [&](std::int64_t size, std::int64_t from, std::int64_t kernel) {
    return size - ((from - 1) * n.stride - 2 * n.padding + n.dilation * (kernel - 1) + 1);
  };
  auto attributes = detail::convolution(n);
  attributes.push_back(attribute::of("output_padding", dims{more(n.in_h, n.out_h, n.k_h), more(n.in_w, n.out_w, n.k_w)}));
  detail::set_image(g, y, g.add("ConvTranspose", operands, {n.batch, n.in_c, n.in_h, n.in_w}, g[in].free, attributes));
}

/// The statistics of an inference as a scale and a shift of each channel.
template <class T>
void norm_inference(device, const T* gamma, const T* beta, const T* mean, const T* variance, double eps, std::int64_t channels, T* scale, T* shift) {
  auto& g = tracing::now().graph;
  const dims n{channels};
  const id deviation = detail::unary(g, "Sqrt", detail::binary(g, "Add", at(variance, n), g.number(eps)));
  const id s = detail::binary(g, "Div", at(gamma, n), deviation);
  set(scale, s);
  set(shift, detail::binary(g, "Sub", at(beta, n), detail::binary(g, "Mul", at(mean, n), s)));
}

template <class T>
void layer_norm_forward(device, const T* x, const T* residual, const T* gamma, const T* beta, double eps, T* sum, T* y, double*, std::int64_t rows,
                        std::int64_t n) {
  auto& g = tracing::now().graph;
  id in = at(x);
  if (g.extents(in).back() != n) in = at(x, {rows, n});
  if (residual) {
    in = detail::binary(g, "Add", in, at(residual, g.extents(in)));
    set(sum, in);
  }
  set(y, g.add("LayerNormalization", {in, at(gamma, {n}), at(beta, {n})}, g.extents(in), g[in].free,
               {attribute::of("axis", -1), attribute::real("epsilon", eps)}));
}

namespace detail {
// The softmax over an axis, in the order in which x was made.
inline id softmax(graph& g, id x, int axis) {
  const dims order = g.order_of(x);
  const id source = g.transpose(x, inverse(order));
  return g.transpose(g.add("Softmax", {source}, g.extents(source), g[source].free, {attribute::of("axis", order[static_cast<std::size_t>(axis)])}),
                     order);
}
}  // namespace detail

template <class T>
void softmax_forward(device, const T* x, T* y, std::int64_t outer, std::int64_t n, std::int64_t inner) {
  auto& g = tracing::now().graph;
  id in = at(x);
  int axis = detail::axis_behind(g.extents(in), outer, inner);
  if (axis < 0 || g.extents(in)[static_cast<std::size_t>(axis)] != n) in = g.reshape(in, {outer, n, inner}), axis = 1;
  set(y, detail::softmax(g, in, axis));
}

/// softmax(q · kᵀ · scale) · v
template <class T>
void attention_forward(device, const attention_geometry& n, const T* q, const T* k, const T* v, T* o, T*) {
  auto& g = tracing::now().graph;
  expect(n.dropout == 0, "dcs::onnx: attention with dropout: an export is of inference");
  const id queries = at(q, {n.heads, n.queries, n.depth}), keys = g.transpose(at(k, {n.heads, n.keys, n.depth}), {0, 2, 1});
  const id scores = g.add("MatMul", {queries, keys}, {n.heads, n.queries, n.keys}, detail::free_of_product(g, queries, keys));
  const id p = detail::softmax(g, detail::binary(g, "Mul", scores, g.number(n.scale)), 2), values = at(v, {n.heads, n.keys, n.depth});
  set(o, g.add("MatMul", {p, values}, {n.heads, n.queries, n.depth}, detail::free_of_product(g, p, values)));
}

template <class T>
void max_pool_forward(device, const cpu::conv2d_geometry& n, const T* x, T* y, T*) {
  auto& g = tracing::now().graph;
  const id in = detail::image(g, x, n.batch, n.in_h, n.in_w, n.in_c);
  detail::set_image(g, y, g.add("MaxPool", {in}, {n.batch, n.in_c, n.out_h, n.out_w}, g[in].free, detail::windows(n)));
}
template <class T>
void avg_pool_forward(device, const cpu::conv2d_geometry& n, const T* x, T* y) {
  auto& g = tracing::now().graph;
  const id in = detail::image(g, x, n.batch, n.in_h, n.in_w, n.in_c);
  auto attributes = detail::windows(n);
  attributes.push_back(attribute::of("count_include_pad", 0));
  detail::set_image(g, y, g.add("AveragePool", {in}, {n.batch, n.in_c, n.out_h, n.out_w}, g[in].free, attributes));
}

template <class T>
void resize_forward(device, const resize_geometry& n, const T* x, T* y) {
  auto& g = tracing::now().graph;
  const id in = detail::image(g, x, n.batch, n.in_h, n.in_w, n.channels);
  const dims to{n.batch, n.channels, n.out_h, n.out_w};
  id size = g.list(to);
  if (g[in].free >= 0) {  // the first two extents are those that the value has
    const id shape = g.add("Shape", {in}, {4}, -1, {}, element::i64);
    const id kept = g.add("Slice", {shape, g.list({0}), g.list({2})}, {2}, -1, {}, element::i64);
    size = g.add("Concat", {kept, g.list({n.out_h, n.out_w})}, {4}, -1, {attribute::of("axis", 0)}, element::i64);
  }
  const bool nearest = n.how == resampling::nearest;
  // ⌊i · in / out⌋ is asymmetric with floor.
  const char* where = nearest ? "asymmetric" : n.how == resampling::aligned ? "align_corners" : "half_pixel";
  std::vector<attribute> attributes{attribute::of("mode", nearest ? "nearest" : "linear"), attribute::of("coordinate_transformation_mode", where)};
  if (nearest) attributes.push_back(attribute::of("nearest_mode", "floor"));
  detail::set_image(g, y, g.add("Resize", {in, id::none, id::none, size}, to, g[in].free, attributes));
}

/// The taps of windows along an axis beside the channels: elements that lie outside are zeros, which a pad puts there.
template <class T>
void unfold(device, const unfold_geometry& n, const T* x, T* y) {
  auto& g = tracing::now().graph;
  const std::int64_t last = (n.out - 1) * n.stride + (n.kernel - 1) * n.dilation;  // in the padded axis
  const std::int64_t behind = std::max<std::int64_t>(0, last + 1 - n.padding - n.in);
  id in = at(x, {n.batch, n.in, n.inner * n.groups, n.run()});
  const int free = g[in].free;
  if (n.padding + behind > 0)
    in = g.add("Pad", {in, g.list({0, n.padding, 0, 0, 0, behind, 0, 0})}, {n.batch, n.in + n.padding + behind, n.inner * n.groups, n.run()}, free);
  dims taps;
  for (std::int64_t o = 0; o < n.out; ++o)
    for (std::int64_t k = 0; k < n.kernel; ++k) taps.push_back(o * n.stride + k * n.dilation);
  const id index = g.constant<std::int64_t>(element::i64, {n.out, n.kernel}, taps);
  const id windows = g.add("Gather", {in, index}, {n.batch, n.out, n.kernel, n.inner * n.groups, n.run()}, free, {attribute::of("axis", 1)});
  set(y, g.transpose(windows, {0, 1, 3, 2, 4}));
}
/// The inverse: a matrix of 0 and 1 adds the taps that were copied from an element.
template <class T>
void fold(device, const unfold_geometry& n, const T* y, const T* shift, T* x) {
  auto& g = tracing::now().graph;
  const std::int64_t width = n.inner * n.channels;
  std::vector<float> adds(static_cast<std::size_t>(n.in * n.out * n.kernel), 0.0f);
  for (std::int64_t o = 0; o < n.out; ++o)
    for (std::int64_t k = 0; k < n.kernel; ++k) {
      const std::int64_t i = o * n.stride - n.padding + k * n.dilation;
      if (i >= 0 && i < n.in) adds[static_cast<std::size_t>((i * n.out + o) * n.kernel + k)] = 1;
    }
  const id taps = g.transpose(at(y, {n.batch, n.out, n.inner * n.groups, n.kernel, n.run()}), {0, 1, 3, 2, 4});
  const id matrix = g.constant<float>(element::f32, {n.in, n.out * n.kernel}, adds);
  const id rows = g.reshape(taps, {n.batch, n.out * n.kernel, width});
  const id sum = g.reshape(g.add("MatMul", {matrix, rows}, {n.batch, n.in, width}, g[rows].free), {n.batch, n.in, n.inner, n.channels});
  set(x, shift ? detail::binary(g, "Add", sum, at(shift, {n.channels})) : sum);
}

/// Σ softmax(logits)_k · maps[k] over maps of pixels × channels.
template <int K, class T>
void weighted_sum_forward(device, const T* logits, const T* const* maps, T* out, std::int64_t pixels, std::int64_t channels) {
  auto& g = tracing::now().graph;
  dims extents = g.extents(at(maps[0]));
  if (extents.empty() || extents.back() != channels) extents = {pixels, channels};
  const dims order = g.order_of(at(maps[0], extents));
  const int last = static_cast<int>(extents.size()) - 1;
  extents.back() = K;
  const id weights = detail::softmax(g, at(logits, extents), last);
  extents.back() = channels;
  id sum = id::none;
  for (int k = 0; k < K; ++k) {
    const id weight = g.transpose(detail::sliced(g, weights, last, k, 1), inverse(order));
    const id term = detail::binary(g, "Mul", weight, g.transpose(at(maps[k], extents), inverse(order)));
    sum = k == 0 ? term : detail::binary(g, "Add", sum, term);
  }
  set(out, g.transpose(sum, order));
}

/// Row where[i] of the maps.
template <class T>
void gather_rows_forward(device, const std::vector<level_row>& where, const std::vector<const T*>& maps, std::int64_t width, T* out) {
  auto& g = tracing::now().graph;
  std::vector<id> rows;
  dims first, index;
  std::int64_t total = 0;
  for (const T* p : maps) {
    const std::int64_t n = count(g.extents(at(p))) / width;
    rows.push_back(at(p, {n, width}));
    expect(g[rows.back()].free < 0, "dcs::onnx: rows that are chosen from a free extent");
    first.push_back(total), total += n;
  }
  for (const auto& w : where) index.push_back(first[static_cast<std::size_t>(w.level)] + w.row);
  const id all = rows.size() == 1 ? rows[0] : g.add("Concat", rows, {total, width}, -1, {attribute::of("axis", 0)});
  set(out, g.add("Gather", {all, g.list(index)}, {static_cast<std::int64_t>(where.size()), width}, -1, {attribute::of("axis", 0)}));
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>

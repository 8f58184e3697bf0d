// Copies of rows and elements as nodes: slices, concatenations and pads, permutations, flips and expansions.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/onnx/pointwise.hpp>

#include <limits>

DCS_EXACT_MATH
namespace dcs::onnx {

namespace detail {

// The axis at which extents fall into `rows` and the rest; −1 where they do not.
inline int axis_behind(const dims& n, std::int64_t rows, std::int64_t inner_multiple) {
  std::int64_t p = 1;
  for (std::size_t i = 0; i < n.size(); ++i) {
    if (p == rows && n[i] != 1 && inner_multiple % product(n, i + 1, n.size()) == 0) return static_cast<int>(i);
    p *= n[i];
  }
  return -1;
}

// Elements begin, begin + step, ... of an axis, `length` of them.
inline id sliced(graph& g, id x, int axis, std::int64_t begin, std::int64_t length, std::int64_t step = 1) {
  const dims order = g.order_of(x);
  const id source = g.transpose(x, inverse(order));
  const auto there = static_cast<std::size_t>(order[static_cast<std::size_t>(axis)]);
  dims n = g.extents(source);
  expect(g[source].free != static_cast<int>(there), "dcs::onnx: a part of a free axis cannot be exported");
  n[there] = length;
  // Behind the first element backwards there is none with a number of its own.
  const std::int64_t end = step > 0 ? begin + length : begin - length < 0 ? std::numeric_limits<std::int64_t>::min() : begin - length;
  const id y =
      g.add("Slice", {source, g.list({begin}), g.list({end}), g.list({static_cast<std::int64_t>(there)}), g.list({step})}, n, g[source].free);
  return g.transpose(y, order);
}

// Columns [begin, begin + width) of every row of a value.
inline id columns(graph& g, id x, std::int64_t rows, std::int64_t begin, std::int64_t width) {
  const std::int64_t row = count(g.extents(x)) / rows;
  if (width == row) return x;
  int axis = axis_behind(g.extents(x), rows, std::gcd(begin, width));
  if (axis < 0) x = g.reshape(x, {rows, row}), axis = 1;
  const std::int64_t inner = product(g.extents(x), static_cast<std::size_t>(axis) + 1, g.extents(x).size());
  return sliced(g, x, axis, begin / inner, width / inner);
}

// Values of equal rows side by side.
inline id concatenated(graph& g, std::vector<id> parts, std::int64_t rows) {
  // The axis along which the parts differ, if they have their axes in common; else they become matrices.
  const dims first = g.extents(parts[0]);
  int axis = axis_behind(first, rows, 0);
  bool alike = axis >= 0;
  for (const id v : parts) {
    const dims& n = g.extents(v);
    alike = alike && n.size() == first.size();
    for (std::size_t i = 0; alike && i < n.size(); ++i) alike = n[i] == first[i] || static_cast<int>(i) == axis;
  }
  if (!alike) {
    for (id& v : parts) v = g.reshape(v, {rows, count(g.extents(v)) / rows});
    axis = 1;
  }
  dims order;
  for (const id v : parts)
    if (g.is_made_by("Transpose", v)) order = g.order_of(v);
  if (order.empty()) order = g.order_of(parts[0]);
  std::int64_t sum = 0;
  for (id& v : parts) sum += g.extents(v)[static_cast<std::size_t>(axis)], v = g.transpose(v, inverse(order));
  dims n = g.extents(parts[0]);
  const auto there = static_cast<std::size_t>(order[static_cast<std::size_t>(axis)]);
  n[there] = sum;
  const int free = g[parts[0]].free;
  for (const id v : parts)
    expect(g[v].free == free,
           "dcs::onnx: dcs::concat of a value with a free extent and one without; a value that does not come from the input has "
           "not its size");
  return g.transpose(g.add("Concat", parts, n, free, {attribute::of("axis", static_cast<std::int64_t>(there))}), order);
}

inline id joined(graph& g, const block& b, const void* data, std::size_t element_size) {
  auto parts = b.parts;
  std::sort(parts.begin(), parts.end(), [](const auto& x, const auto& y) { return x.begin < y.begin; });
  const std::int64_t row = b.bytes / static_cast<std::int64_t>(element_size) / b.rows;
  std::int64_t end = 0;
  bool gaps = false;
  for (const auto& p : parts) gaps = gaps || p.begin != end, end = p.begin + p.width;
  gaps = gaps || end != row;
  if (!gaps) {
    std::vector<id> values;
    for (const auto& p : parts) values.push_back(p.value);
    return parts.size() == 1 ? values[0] : concatenated(g, values, b.rows);
  }
  // One value within a number, which fills the memory.
  expect(parts.size() == 1 && b.is_data && element_size == sizeof(float), "dcs::onnx: a tensor of which a part was never written");
  float number;
  std::memcpy(&number, data, sizeof number);
  const id x = g.reshape(parts[0].value, {b.rows, parts[0].width});
  const dims around{0, parts[0].begin, 0, row - parts[0].begin - parts[0].width};
  return g.add("Pad", {x, g.list(around), g.number(static_cast<double>(number))}, {b.rows, row}, g[x].free);
}

// x with its axes permuted and repeated: strides[i] is that of axis i of the result in x, 0 where it repeats.
inline id restrided(graph& g, id x, const dims& n, const dims& strides) {
  std::vector<std::size_t> by_stride;
  for (std::size_t i = 0; i < n.size(); ++i)
    if (strides[i] != 0 && n[i] != 1) by_stride.push_back(i);
  std::stable_sort(by_stride.begin(), by_stride.end(), [&](std::size_t a, std::size_t b) { return std::abs(strides[a]) > std::abs(strides[b]); });
  dims source;
  for (const auto i : by_stride) source.push_back(n[i]);
  std::int64_t step = 1;
  for (std::size_t k = by_stride.size(); k-- > 0; step *= n[by_stride[k]])
    expect(std::abs(strides[by_stride[k]]) == step, "dcs::onnx: a copy with gaps between elements cannot be exported");
  expect(step == count(g.extents(x)), "dcs::onnx: a copy of a part of a tensor cannot be exported");
  // The axes of the source in the order of the result, then those that repeat as 1.
  x = g.reshape(x, source);
  dims order, spread;
  for (std::size_t i = 0; i < n.size(); ++i) {
    const auto it = std::find(by_stride.begin(), by_stride.end(), i);
    spread.push_back(it == by_stride.end() ? 1 : n[i]);
    if (it != by_stride.end()) order.push_back(it - by_stride.begin());
  }
  x = g.reshape(g.transpose(x, order), spread);
  for (std::size_t i = 0; i < n.size(); ++i)
    if (strides[i] < 0 && n[i] > 1) x = sliced(g, x, static_cast<int>(i), n[i] - 1, n[i], -1);
  if (spread == n) return x;
  dims to = n;
  if (const int free = g[x].free; free >= 0) to[static_cast<std::size_t>(free)] = 1;  // Expand keeps an extent where 1 is asked for
  return g.add("Expand", {x, g.list(to)}, n, g[x].free, {}, g[x].type);
}

}  // namespace detail

template <class T>
void copy_rows(device, T* to, std::int64_t to_stride, const T* from, std::int64_t, std::int64_t rows, std::int64_t width) {
  if (rows == 0 || width == 0) return;
  auto& t = tracing::now();
  const auto [source, skipped] = t.find(from);
  const auto [target, begin] = t.find(to);
  constexpr auto size = static_cast<std::int64_t>(sizeof(T));
  const id x = detail::value_of(t, *source, from - skipped / size);
  const id part = detail::columns(t.graph, x, rows, skipped / size, width);
  if (begin == 0 && target->bytes == rows * width * size) {
    target->value = part;
    return;
  }
  expect(target->value == id::none && (target->parts.empty() || target->rows == rows) && target->bytes == rows * to_stride * size,
         "dcs::onnx: rows are copied into a tensor that was read before");
  target->rows = rows;
  target->parts.push_back({begin / size, width, part});
}

template <class T>
void copy_strided(device, T* to, const T* from, const std::int64_t* n, const std::int64_t* strides, int rank) {
  const T* first = from;
  for (int i = 0; i < rank; ++i)
    if (strides[i] < 0) first += (n[i] - 1) * strides[i];
  set(to, detail::restrided(tracing::now().graph, at(first), {n, n + rank}, {strides, strides + rank}));
}

/// Rows and columns of each of `batch` matrices exchanged.
template <class T>
void transposition(device, const T* x, std::int64_t batch, std::int64_t rows, std::int64_t columns, T* y) {
  set(y, tracing::now().graph.transpose(at(x, {batch, rows, columns}), {0, 2, 1}));
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>

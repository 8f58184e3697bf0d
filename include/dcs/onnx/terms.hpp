// What a graph is described in: extents, types of elements, values by their numbers, attributes of nodes.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/onnx/protobuf.hpp>

#include <concepts>
#include <vector>

DCS_EXACT_MATH
namespace dcs::onnx {

/// Extents or axes.
using dims = std::vector<std::int64_t>;

/// Types of elements; the numbers are those of onnx.proto's TensorProto.DataType.
enum class element { f32 = 1, i64 = 7, boolean = 9, f64 = 11 };

/// What a free axis measures while a network is traced. A prime, so that no reshape mixes it up with an extent of the network by accident.
inline constexpr std::int64_t traced_extent = 7;

/// A value of a graph by its number there.
enum class id : int { none = -1 };

/// An attribute of a node, as its message.
struct attribute {
  message bytes;

  template <std::integral T>
  static attribute of(const char* name, T v) {
    return {message().text(1, name).integer(3, static_cast<std::int64_t>(v)).integer(20, 2)};
  }
  static attribute of(const char* name, const char* v) { return {message().text(1, name).text(4, v).integer(20, 3)}; }
  static attribute of(const char* name, const dims& v) {
    message m;
    m.text(1, name);
    for (const auto i : v) m.integer(8, i);
    return {m.integer(20, 7)};
  }
  static attribute real(const char* name, double v) { return {message().text(1, name).real(2, static_cast<float>(v)).integer(20, 1)}; }
};

inline std::int64_t product(const dims& n, std::size_t begin, std::size_t end) {
  std::int64_t p = 1;
  for (std::size_t i = begin; i < end; ++i) p *= n[i];
  return p;
}
inline std::int64_t count(const dims& n) { return product(n, 0, n.size()); }

/// order, such that transposing by both leaves everything where it was.
inline dims inverse(const dims& order) {
  dims back(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  return back;
}
inline dims reordered(const dims& n, const dims& order) {
  dims out;
  for (const auto axis : order) out.push_back(n[static_cast<std::size_t>(axis)]);
  return out;
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>

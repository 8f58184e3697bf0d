// onnx::device: the device on which an op computes nothing, but appends nodes to a graph. A tensor on it has memory, and its address stands for a
// value of the graph; what is copied to the device (parameters, RoIs) becomes an initialiser when an op reads it. The entry points of the ops for
// this device, conv2d_forward(device, ...) and so on, are found in this namespace as those of a GPU are in dcs::cuda; they take pointers and sizes,
// ask for the value at a pointer with `at`, and say with `set` which value memory holds from now on.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/tensor.hpp>
#include <dcs/onnx/graph.hpp>

#include <memory>

DCS_EXACT_MATH
namespace dcs::onnx {

/// A block of the device's memory: the value that it holds, or bytes from the host, or parts that values were copied to, over either.
struct block {
  /// Columns begin, ..., begin + width of every row of the block are columns of `value`, whose extents are its own: rows × width in all.
  struct part {
    std::int64_t begin, width;
    id value;
  };
  std::int64_t bytes = 0;
  id value = id::none;
  bool is_data = false;
  std::string name;  // of a parameter
  std::int64_t rows = 0;
  std::vector<part> parts;
};

/// An export that is under way on this thread: its graph, and the memory of its device. Tensors on the device belong to it.
class tracing {
 public:
  tracing() {
    expect(current_ == nullptr, "dcs::onnx: an export within an export");
    current_ = this;
  }
  tracing(const tracing&) = delete;
  tracing& operator=(const tracing&) = delete;
  ~tracing() { current_ = nullptr; }

  /// The export of this thread; a dcs::error where there is none.
  static tracing& now() {
    expect(current_ != nullptr, "dcs::onnx: tensors on onnx::device exist while onnx::save runs");
    return *current_;
  }
  static tracing* current() { return current_; }

  dcs::onnx::graph graph;

  void allocated(const void* p, std::int64_t bytes) { blocks_[static_cast<const std::byte*>(p)].bytes = bytes; }
  void freed(const void* p) { blocks_.erase(static_cast<const std::byte*>(p)); }

  /// The block that an address is in, and how many bytes after its begin.
  std::pair<block*, std::int64_t> find(const void* p) {
    const auto* at = static_cast<const std::byte*>(p);
    auto it = blocks_.upper_bound(at);
    expect(it != blocks_.begin(), "dcs::onnx: memory that is not of this export");
    --it;
    expect(at - it->first <= it->second.bytes, "dcs::onnx: memory that is not of this export");
    return {&it->second, at - it->first};
  }
  block& whole(const void* p) {
    const auto [b, offset] = find(p);
    expect(offset == 0, "dcs::onnx: an op that reads or writes from the middle of a tensor cannot be exported");
    return *b;
  }

 private:
  static inline thread_local tracing* current_ = nullptr;
  std::map<const std::byte*, block> blocks_;
};

/// The device of an export. See the head of this file.
struct device {
  using self = device;
  static constexpr const char* name = "onnx";
  static void* allocate(std::int64_t bytes) {
    // An address of its own for every tensor, an empty one too.
    auto& t = tracing::now();
    void* p = host_allocator::get().allocate(std::max<std::int64_t>(bytes, 1));
    t.allocated(p, bytes);
    return p;
  }
  static void deallocate(void* p, std::int64_t bytes) noexcept {
    if (auto* t = tracing::current()) t->freed(p);
    host_allocator::get().deallocate(p, std::max<std::int64_t>(bytes, 1));
  }
  static void zero(void* p, std::int64_t bytes) {
    cpu_device::zero(p, bytes);
    written_by_host(p);
  }
  template <class T>
  static void fill(T* p, T value, std::int64_t n) {
    std::fill_n(p, n, value);
    written_by_host(p);
  }
  static void copy(void* to, const void* from, std::int64_t bytes) {
    cpu_device::copy(to, from, bytes);
    auto& t = tracing::now();
    auto& b = t.whole(to);
    const auto& source = t.whole(from);
    expect(b.bytes == source.bytes && bytes == b.bytes, "dcs::onnx: a copy of a part of a tensor cannot be exported");
    b.value = source.value, b.is_data = source.is_data, b.parts = source.parts, b.rows = source.rows;
  }
  static void copy_from_host(void* to, const void* from, std::int64_t bytes) {
    cpu_device::copy(to, from, bytes);
    if (bytes > 0) written_by_host(to);
  }
  static void copy_to_host(void* to, const void* from, std::int64_t bytes) {
    const auto& b = tracing::now().whole(from);
    expect(b.is_data && b.value == id::none && b.parts.empty(),
           "dcs::onnx: the host looks at a value that is only known when the graph runs; a network whose host code chooses by values (boxes, counts) "
           "has an export of its own, as onnx/dcsnet.hpp");
    cpu_device::copy(to, from, bytes);
  }

 private:
  // Memory holds bytes of the host from now on, and no longer what an op has computed into it.
  static void written_by_host(void* p) {
    auto& b = tracing::now().whole(p);
    b.value = id::none, b.is_data = true, b.parts.clear(), b.rows = 0;
  }
};

template <class T>
inline constexpr element element_of = std::is_same_v<T, float>          ? element::f32
                                      : std::is_same_v<T, double>       ? element::f64
                                      : std::is_same_v<T, std::int64_t> ? element::i64
                                                                        : element::boolean;

namespace detail {

// The value of a block whose parts have been written one after the other: their concatenation, or, where one is surrounded by a number, a pad.
id joined(graph& g, const block& b, const void* data, std::size_t element_size);

template <class T>
id value_of(tracing& t, block& b, const T* data) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, std::int64_t>,
                "dcs::onnx: networks are exported in f32; try: convert<float>(net) first");
  if (b.value != id::none) return b.value;
  if (!b.parts.empty()) return b.value = joined(t.graph, b, data, sizeof(T));
  expect(b.is_data, "dcs::onnx: a value that no op has computed");
  const auto n = b.bytes / static_cast<std::int64_t>(sizeof(T));
  return b.value = t.graph.constant(element_of<T>, {n}, std::string(reinterpret_cast<const char*>(data), static_cast<std::size_t>(b.bytes)), b.name);
}

}  // namespace detail

/// The value in memory, with the extents that it was made with.
template <class T>
id at(const T* p) {
  auto& t = tracing::now();
  return detail::value_of(t, t.whole(p), p);
}
/// The value in memory, with these extents.
template <class T>
id at(const T* p, const dims& extents) {
  return tracing::now().graph.reshape(at(p), extents);
}
/// Memory holds this value from now on.
inline void set(const void* p, id value) {
  auto& b = tracing::now().whole(p);
  b.value = value, b.parts.clear();
}

/// A tensor of shape S that holds a value of these sizes. Whoever writes nodes by hand gives a module its argument so.
template <class S, class T = float>
tensor<T, S, device> tensor_of(id value, const sizes<S::rank>& n) {
  auto t = tensor<T, S, device>::empty(n);
  set(t.data(), tracing::now().graph.reshape(value, {n.begin(), n.end()}));
  return t;
}
/// The value of a tensor.
template <class T, class S>
id value_of(const tensor<T, S, device>& x) {
  return at(x.data(), {x.sizes().begin(), x.sizes().end()});
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>

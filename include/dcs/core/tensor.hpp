// tensor<T, Shape, Device>: a typed skin over a counted block of memory. The type carries the shape, the value is a handle: copying shares, clone()
// copies. Always dense and row-major; memory that is not, or that the library does not own, is accessed through view<T, Shape>. Tensors of static
// shape are on the heap too. Operations on a tensor record nothing for a backward pass, those on a var (grad/) do: "no gradient" is a type and not a
// flag.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/dtype.hpp>
#include <dcs/core/shape.hpp>
#include <dcs/core/storage.hpp>

#include <span>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct tensor_axis_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::tensor: no such axis; number of axes");
};
template <class Found, class Expected, class Axis>
struct as_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::as: the new shape must have the rank of the old one; reshape changes it; number of axes");
};

namespace detail {
// The bytes of an array: its sizes must fit the shape, and memory.
[[gnu::noinline]] inline std::int64_t bytes_of(const char* op, const extent* wanted, const extent_t* sizes, std::size_t rank, std::int64_t element) {
  expect_extents(op, wanted, sizes, rank);
  return checked_product(op, sizes, rank, element);
}
template <class T, class S>
std::int64_t bytes_of(const char* op, const sizes<S::rank>& s) {
  return bytes_of(op, extents_of<S>.data(), s.data(), s.size(), static_cast<std::int64_t>(sizeof(T)));
}
[[gnu::noinline]] inline void expect_bytes(std::int64_t bytes, std::int64_t wanted, std::int64_t element, const char* type) {
  expect(bytes == wanted, "dcs::tensor::adopt: ", bytes, " bytes for ", wanted / element, " elements of ", type);
}

// Memory for an array of these sizes, for kernels whose code does not depend on shapes.
template <class T, class Device>
storage allocate_elements(const char* op, std::initializer_list<extent_t> s) {
  return storage::allocate<Device>(checked_product(op, s, static_cast<extent_t>(sizeof(T))));
}

// Checks that extents of equal names have equal sizes in all operands.
template <class... X>
void expect_same_names(const char* op, const X&... x) {
  if constexpr (!(X::shape_type::is_static && ...))
    expect_names(op, {sized_extents{extents_of<typename X::shape_type>.data(), x.sizes().data(), x.sizes().size()}...});
}
}  // namespace detail

template <class T, class Shape, class Device = cpu_device>
class tensor {
 public:
  using self = tensor;
  using value_type = T;
  using shape_type = Shape;
  using device_type = Device;
  static constexpr int rank = Shape::rank;
  using sizes_type = dcs::sizes<rank>;
  static_assert(detail::static_product_fits(Shape::extents, static_cast<extent_t>(sizeof(T))),
                "dcs::tensor: the elements must have at most 2^60 bytes");

  /// No memory: defined() is false, and only assignment is allowed.
  constexpr tensor() = default;

  /// Uninitialised. Throws dcs::error where the sizes do not fit the shape or are more than 2^60 bytes.
  static tensor empty(const sizes_type& s) {
    tensor t;
    t.storage_ = storage::allocate<Device>(detail::bytes_of<T, Shape>("dcs::tensor", s));
    t.sizes_ = s;
    return t;
  }
  static tensor empty() requires(Shape::is_static) { return empty(Shape::extents); }
  static tensor zeros(const sizes_type& s) {
    tensor t = empty(s);
    t.zero();
    return t;
  }
  static tensor zeros() requires(Shape::is_static) { return zeros(Shape::extents); }
  static tensor full(const sizes_type& s, T value) {
    tensor t = empty(s);
    t.fill(value);
    return t;
  }
  static tensor full(T value) requires(Shape::is_static) { return full(Shape::extents, value); }
  /// A copy of `values`, whose number must be that of the sizes.
  static tensor from(std::span<const T> values, const sizes_type& s) {
    tensor t = empty(s);
    expect(static_cast<extent_t>(values.size()) == t.size(), "dcs::tensor::from: ", values.size(), " values for sizes ", to_string(s));
    Device::copy_from_host(t.data(), values.data(), t.bytes());
    return t;
  }
  static tensor from(std::span<const T> values) requires(Shape::is_static) { return from(values, Shape::extents); }
  /// The same memory under this shape; `s` must fit it and have as many elements.
  static tensor adopt(storage memory, const sizes_type& s) {
    detail::expect_bytes(memory.bytes(), detail::bytes_of<T, Shape>("dcs::tensor", s), static_cast<std::int64_t>(sizeof(T)), dcs::name(dtype_of<T>));
    tensor t;
    t.sizes_ = s;
    t.storage_ = std::move(memory);
    return t;
  }

  constexpr bool defined() const { return static_cast<bool>(storage_); }
  T* data() const { return static_cast<T*>(storage_.data()); }
  constexpr const sizes_type& sizes() const { return sizes_; }
  template <int Axis>
  constexpr extent_t size_of() const {
    verify(check_of<tensor_axis_mismatch<found<rank>, expected<axes_with(Axis, rank)>, axis<Axis>>>);
    constexpr auto e = extent_of<Shape, Axis>;
    if constexpr (is_static(e))
      return e;
    else
      return sizes_[static_cast<std::size_t>(Axis < 0 ? Axis + rank : Axis)];
  }
  constexpr extent_t size() const { return detail::product(sizes_, 0, sizes_.size()); }  // checked when the tensor was made
  std::int64_t bytes() const { return size() * static_cast<std::int64_t>(sizeof(T)); }
  const storage& memory() const { return storage_; }

  void zero() { Device::zero(data(), bytes()); }
  void fill(T value) {
    if constexpr (std::is_same_v<Device, cpu_device>)
      for (extent_t i = 0, n = size(); i < n; ++i) data()[i] = value;
    else
      Device::fill(data(), value, size());
  }
  tensor clone() const {
    tensor t = empty(sizes_);
    Device::copy(t.data(), data(), bytes());
    return t;
  }
  /// The one element of a tensor of size 1.
  T item() const {
    expect(size() == 1, "dcs::tensor::item: sizes ", to_string(sizes_), "; expected one element");
    T value;
    Device::copy_to_host(&value, data(), sizeof(T));
    return value;
  }
  /// The elements, on the host.
  std::span<T> values() const requires(std::is_same_v<Device, cpu_device>) { return {data(), static_cast<std::size_t>(size())}; }
  /// Element at the indices, unchecked, on the host.
  template <class... I>
  requires(sizeof...(I) == static_cast<std::size_t>(rank) && std::is_same_v<Device, cpu_device>) T& operator()(I... i) const {
    extent_t at = 0;
    std::size_t k = 0;
    ((at = at * sizes_[k++] + static_cast<extent_t>(i)), ...);
    return data()[at];
  }

 private:
  sizes_type sizes_{};
  storage storage_;
};

/// Memory that the library does not own, or that is not dense: pointer, sizes and strides in elements. Valid while its owner is.
template <class T, class Shape, class Device = cpu_device>
struct view {
  using value_type = T;
  using shape_type = Shape;
  using device_type = Device;
  static constexpr int rank = Shape::rank;

  T* pointer = nullptr;
  dcs::sizes<rank> extents{};
  dcs::sizes<rank> strides{};

  constexpr T* data() const { return pointer; }
  constexpr const dcs::sizes<rank>& sizes() const { return extents; }
  constexpr extent_t size() const { return count(extents); }
  constexpr bool dense() const {
    extent_t step = 1;
    for (int i = rank - 1; i >= 0; --i) {
      const auto k = static_cast<std::size_t>(i);
      if (extents[k] != 1 && strides[k] != step) return false;
      step *= extents[k];
    }
    return true;
  }
  template <class... I>
  requires(sizeof...(I) == static_cast<std::size_t>(rank)) T& operator()(I... i) const {
    extent_t at = 0;
    std::size_t k = 0;
    ((at += static_cast<extent_t>(i) * strides[k++]), ...);
    return pointer[at];
  }
};

template <std::size_t R>
constexpr std::array<extent_t, R> dense_strides(const std::array<extent_t, R>& s) {
  std::array<extent_t, R> strides{};
  extent_t step = 1;
  for (std::size_t i = R; i-- > 0;) {
    strides[i] = step;
    step *= s[i];
  }
  return strides;
}

/// Sees a tensor as a view.
template <class T, class S, class D>
view<T, S, D> as_view(const tensor<T, S, D>& t) {
  return {t.data(), t.sizes(), dense_strides(t.sizes())};
}
/// Sees dense foreign memory as a view. Throws dcs::error where the sizes do not fit the shape or are more than 2^60 bytes.
template <class Shape, class T>
view<T, Shape> as_view(T* data, const sizes<Shape::rank>& s) {
  (void)detail::bytes_of<T, Shape>("dcs::as_view", s);
  return {data, s, dense_strides(s)};
}
/// A dense copy of what a view shows.
template <class T, class S>
tensor<std::remove_const_t<T>, S> copy(const view<T, S, cpu_device>& v) {
  auto t = tensor<std::remove_const_t<T>, S>::empty(v.sizes());
  sizes<S::rank> at{};
  for (extent_t i = 0, n = t.size(); i < n; ++i) {
    extent_t from = 0;
    for (std::size_t k = 0; k < at.size(); ++k) from += at[k] * v.strides[k];
    t.data()[i] = v.pointer[from];
    for (std::size_t k = at.size(); k-- > 0;) {
      if (++at[k] < v.extents[k]) break;
      at[k] = 0;
    }
  }
  return t;
}

/// The same tensor under another shape of the same rank: static extents become dynamic, dynamic ones are checked. Throws dcs::error.
template <class NewShape, class T, class S, class D>
tensor<T, NewShape, D> as(const tensor<T, S, D>& t) {
  verify(check_of<as_rank_mismatch<found<NewShape::rank>, expected<S::rank>, axis<0>>>);
  return tensor<T, NewShape, D>::adopt(t.memory(), t.sizes());
}

/// The same values on another device. Between two kinds of device that are not the host, they are copied by way of the host.
template <class To, class T, class S, class D>
tensor<T, S, To> to(const tensor<T, S, D>& t) {
  if constexpr (std::is_same_v<To, D>) {
    return t;
  } else {
    auto out = tensor<T, S, To>::empty(t.sizes());
    if constexpr (std::is_same_v<D, cpu_device>) {
      To::copy_from_host(out.data(), t.data(), t.bytes());
    } else if constexpr (std::is_same_v<To, cpu_device>) {
      D::copy_to_host(out.data(), t.data(), t.bytes());
    } else {
      return to<To>(to<cpu_device>(t));
    }
    return out;
  }
}

/// A copy with elements of another type, each by convert_number.
template <class To, class T, class S>
tensor<To, S> cast(const tensor<T, S, cpu_device>& t) {
  if constexpr (std::is_same_v<To, T>) {
    return t;
  } else {
    detail::expect_inner("dcs::cast", t.sizes());
    auto out = tensor<To, S>::empty(t.sizes());
    for (extent_t i = 0, n = t.size(); i < n; ++i) out.data()[i] = convert_number<To>(t.data()[i]);
    return out;
  }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>

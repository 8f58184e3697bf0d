// Tensors and xtensor containers over the same memory, in both directions and without copies. Ranks are checked at compile time, extents at run time.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/tensor.hpp>

#include <xtensor/xadapt.hpp>

DCS_EXACT_MATH
namespace dcs {

/// A dense tensor on the host as an xtensor of the same rank. Valid while the tensor's memory lives.
template <class T, class S>
auto as_xtensor(const tensor<T, S, cpu_device>& t) {
  std::array<std::size_t, static_cast<std::size_t>(S::rank)> s{};
  for (std::size_t i = 0; i < s.size(); ++i) s[i] = static_cast<std::size_t>(t.sizes()[i]);
  return xt::adapt<xt::layout_type::row_major>(t.data(), static_cast<std::size_t>(t.size()), xt::no_ownership(), s);
}

/// An xtensor container, adaptor or strided view with memory of its own as a view of shape `Shape`. Throws dcs::error where rank or extents do not
/// fit. Valid while the container lives; a temporary does not compile.
template <class Shape, class Derived>
requires requires(Derived& d) {
  d.data();
  d.strides();
  d.data_offset();
}
auto as_view(xt::xexpression<Derived>& x) {
  auto& d = x.derived_cast();
  using element = std::remove_pointer_t<decltype(d.data())>;
  expect(d.dimension() == static_cast<std::size_t>(Shape::rank), "dcs::as_view of an xtensor: ", d.dimension(), " axes; expected ", Shape::rank);
  view<element, Shape> v;
  for (std::size_t i = 0; i < v.extents.size(); ++i)
    v.extents[i] = static_cast<extent_t>(d.shape()[i]), v.strides[i] = static_cast<extent_t>(d.strides()[i]);
  detail::expect_fits<Shape>("dcs::as_view of an xtensor", v.extents);
  v.pointer = d.data() + d.data_offset();
  return v;
}
template <class Shape, class Derived>
requires requires(const Derived& d) {
  d.data();
  d.strides();
  d.data_offset();
}
auto as_view(const xt::xexpression<Derived>& x) {
  const auto& d = x.derived_cast();
  using element = std::remove_pointer_t<decltype(d.data())>;
  expect(d.dimension() == static_cast<std::size_t>(Shape::rank), "dcs::as_view of an xtensor: ", d.dimension(), " axes; expected ", Shape::rank);
  view<element, Shape> v;
  for (std::size_t i = 0; i < v.extents.size(); ++i)
    v.extents[i] = static_cast<extent_t>(d.shape()[i]), v.strides[i] = static_cast<extent_t>(d.strides()[i]);
  detail::expect_fits<Shape>("dcs::as_view of an xtensor", v.extents);
  v.pointer = d.data() + d.data_offset();
  return v;
}
template <class Shape, class Derived>
void as_view(xt::xexpression<Derived>&& x) = delete;

}  // namespace dcs

#include <dcs/core/header_end.inl>

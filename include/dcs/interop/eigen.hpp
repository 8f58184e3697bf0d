// Tensors and Eigen matrices over the same memory, in both directions and without copies. A tensor becomes the matrix (all leading axes) × (last
// axis), which for feature maps is pixels × channels. The matrix type has dynamic extents even where the shape is static: Eigen keeps matrices of
// static size, such as the temporaries of an expression, on the stack.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/tensor.hpp>

#include <Eigen/Core>

DCS_EXACT_MATH
namespace dcs {

/// A row-major matrix of Eigen's; T may be const.
template <class T>
using eigen_matrix = Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A dense tensor on the host as an Eigen matrix, leading axes × last axis. Valid while the tensor's memory lives.
template <class T, class S>
requires(S::rank >= 1) Eigen::Map<eigen_matrix<T>> as_eigen(const tensor<T, S, cpu_device>& t) {
  const extent_t columns = t.sizes().back(), rows = count(t.sizes()) / (columns > 0 ? columns : 1);
  return {t.data(), static_cast<Eigen::Index>(columns > 0 ? rows : 0), static_cast<Eigen::Index>(columns)};
}

/// A view of two axes with any strides as an Eigen matrix. Valid while the viewed memory lives.
template <class T, class S>
requires(S::rank == 2) auto as_eigen(const view<T, S, cpu_device>& v) {
  using map = std::conditional_t<std::is_const_v<T>, const eigen_matrix<T>, eigen_matrix<T>>;
  return Eigen::Map<map, Eigen::Unaligned, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>(v.data(), v.sizes()[0], v.sizes()[1],
                                                                                          {v.strides[0], v.strides[1]});
}

/// An Eigen matrix, array, map or block, of either storage order, as a view of shape `Shape` (two axes). Throws dcs::error where its sizes do not
/// fit. Valid while the matrix lives; a temporary does not compile.
template <class Shape, class Derived>
requires(Shape::rank == 2 && (Eigen::internal::traits<Derived>::Flags & Eigen::DirectAccessBit) !=
                                 0) view<typename Derived::Scalar, Shape> as_view(Eigen::DenseBase<Derived>& m) {
  const sizes<2> s{m.rows(), m.cols()};
  detail::expect_fits<Shape>("dcs::as_view of an Eigen matrix", s);
  auto& d = m.derived();
  return {d.data(), s, Derived::IsRowMajor ? sizes<2>{d.outerStride(), d.innerStride()} : sizes<2>{d.innerStride(), d.outerStride()}};
}
template <class Shape, class Derived>
requires(Shape::rank == 2 && (Eigen::internal::traits<Derived>::Flags & Eigen::DirectAccessBit) !=
                                 0) view<const typename Derived::Scalar, Shape> as_view(const Eigen::DenseBase<Derived>& m) {
  const sizes<2> s{m.rows(), m.cols()};
  detail::expect_fits<Shape>("dcs::as_view of an Eigen matrix", s);
  const auto& d = m.derived();
  return {d.data(), s, Derived::IsRowMajor ? sizes<2>{d.outerStride(), d.innerStride()} : sizes<2>{d.innerStride(), d.outerStride()}};
}
template <class Shape, class Derived>
void as_view(Eigen::DenseBase<Derived>&& m) = delete;

}  // namespace dcs

#include <dcs/core/header_end.inl>

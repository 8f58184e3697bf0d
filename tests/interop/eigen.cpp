#include <dcs/interop/eigen.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {
template <class M>
concept viewable = requires(M&& m) {
  as_view<shape<2, 3>>(std::forward<M>(m));
};
// A matrix that is about to die is refused, and so is an expression without memory.
static_assert(viewable<Eigen::MatrixXf&> && viewable<const Eigen::MatrixXf&>);
static_assert(!viewable<Eigen::MatrixXf>);
static_assert(!viewable<decltype(std::declval<Eigen::MatrixXf&>() + std::declval<Eigen::MatrixXf&>())>);
}  // namespace

TEST_CASE("a tensor is Eigen's matrix of pixels × channels, over the same memory") {
  auto t = tensor<float, shape<dyn<"batch">, 2, 3, 4>>::zeros({2, 2, 3, 4});
  for (extent_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<float>(i);
  auto m = as_eigen(t);
  CHECK(m.rows() == 12);
  CHECK(m.cols() == 4);
  CHECK(m.data() == t.data());
  CHECK(m(11, 3) == 47);
  CHECK(m(5, 1) == t(0, 1, 2, 1));
  m.row(0) *= -1;
  m(0, 0) = 100;
  CHECK(t(0, 0, 0, 0) == 100);
  CHECK(t(0, 0, 0, 3) == -3);

  const auto vector = tensor<double, shape<3>>::from(std::vector<double>{1, 2, 3});
  CHECK(as_eigen(vector).rows() == 1);
  CHECK(as_eigen(vector).sum() == 6);
  const auto none = tensor<double, shape<dyn<"n">, 3>>::zeros({0, 3});
  CHECK(as_eigen(none).rows() == 0);
  CHECK(as_eigen(tensor<double, shape<3, dyn<"n">>>::zeros({3, 0})).size() == 0);
}

TEST_CASE("an Eigen matrix of either storage order becomes a view, and a view an Eigen matrix") {
  Eigen::MatrixXd columns(2, 3);  // column-major
  columns << 1, 2, 3, 4, 5, 6;
  const auto v = as_view<shape<2, 3>>(columns);
  CHECK(v.data() == columns.data());
  CHECK_FALSE(v.dense());
  CHECK(v(0, 2) == 3);
  CHECK(v(1, 0) == 4);
  v(1, 2) = 60;
  CHECK(columns(1, 2) == 60);
  const auto t = copy(v);
  CHECK(std::vector<double>(t.values().begin(), t.values().end()) == std::vector<double>{1, 2, 3, 4, 5, 60});
  CHECK(as_eigen(v) == columns);
  CHECK(as_eigen(v).data() == columns.data());

  eigen_matrix<float> rows = eigen_matrix<float>::Random(5, 4);
  CHECK(as_view<shape<dyn<"n">, 4>>(rows).dense());
  auto block = rows.block(1, 1, 3, 2);
  const auto b = as_view<shape<3, dyn<"m">>>(block);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 2; ++j) CHECK(b(i, j) == rows(i + 1, j + 1));

  const Eigen::MatrixXd& constant = columns;
  static_assert(std::is_same_v<decltype(as_view<shape<2, 3>>(constant)), view<const double, shape<2, 3>>>);
  CHECK(as_eigen(as_view<shape<2, 3>>(constant))(1, 1) == 5);
  CHECK_THROWS_WITH_AS((as_view<shape<2, 4>>(columns)), doctest::Contains("[2, 3] do not fit the shape [2, 4]"), error);
  CHECK_THROWS_AS((as_view<shape<dyn<"n">, dyn<"n">>>(columns)), error);
}

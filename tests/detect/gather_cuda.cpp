// The kernels of gathered rows against the CPU op.
#include <dcs/detect/gather.cuh>
#include <dcs/detect/gather.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

// Rows of two maps, some of them taken several times, some never.
template <int Width, class Body>
void over_samples(const Body& body) {
  using first = shape<2, 3, 3, 2 * Width>;  // 36 rows
  using second = shape<5, Width>;
  const auto a = random_normal<double, first>(first::extents, {1, 1});
  const auto b = random_normal<double, second>(second::extents, {1, 2});
  for (std::size_t n : std::initializer_list<std::size_t>{0, 1, 7, 90}) {
    std::vector<level_row> where;
    for (std::size_t i = 0; i < n; ++i) {
      const int level = static_cast<int>(random_stream{2, 2}.below(2 * i, 2));
      where.push_back({level, static_cast<extent_t>(random_stream{2, 2}.below(2 * i + 1, level == 0 ? 36 : 5))});
    }
    body([=](const auto& x, const auto& y) { return gather_rows<Width>(where, x, y); }, a, b);
  }
}

}  // namespace

TEST_CASE("kernel gather_rows_forward: rows of one element, of packets, of halves of them and of neither") {
  const auto compare = [](const auto& f, const auto& a, const auto& b) { kernel_test::compare(f, a, b); };
  over_samples<1>(compare);
  over_samples<3>(compare);
  over_samples<4>(compare);
  over_samples<16>(compare);
}

TEST_CASE("kernel gather_rows_backward: rows taken several times gather what was taken, in a fixed order; only what is wanted") {
  const auto check = [](const auto& f, const auto& a, const auto& b) { CHECK(kernel_test::gradcheck(f, a, b) < 1e-6); };
  over_samples<1>(check);
  over_samples<4>(check);
  over_samples<5>(check);
  using S = shape<6, 4>;
  const auto a = to<cuda::emulated>(random_normal<double, S>(S::extents, {1, 1}));
  const auto v = var<double, S, cuda::emulated>::leaf(a.clone());
  const auto y = gather_rows<4>({{0, 1}, {1, 5}, {0, 1}, {1, 5}, {1, 0}}, var<double, S, cuda::emulated>(a), v);
  using Y = shape<dyn<"sample">, 4>;
  backward(y, to<cuda::emulated>(tensor<double, Y>::full({5, 4}, 1.0)));
  CHECK(v.grad().data()[5 * 4 + 3] == 2);
  CHECK(v.grad().data()[0] == 1);
  CHECK(v.grad().data()[4] == 0);
}

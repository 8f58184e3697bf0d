// The kernels of non-maximum suppression against the CPU's.
#include <dcs/core/philox.hpp>
#include <dcs/ops/nms/cuda.cuh>
#include <dcs/ops/nms/nms.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;
using kernel_test::on_gpu;
using kernel_test::target;

namespace {

template <class T>
struct problem {
  std::vector<T> boxes, scores;
  std::vector<std::int64_t> group;
  std::int64_t size() const { return static_cast<std::int64_t>(scores.size()); }
  void add(double x, double y, double w, double h, double score, std::int64_t g = 0) {
    for (double v : {x, y, x + w, y + h}) boxes.push_back(static_cast<T>(static_cast<float>(v)));
    scores.push_back(static_cast<T>(static_cast<float>(score)));
    group.push_back(g);
  }
};

// Whether box i overlaps an earlier one by nearly `threshold`.
template <class T>
bool at_a_tie(const problem<T>& p, std::size_t i, double threshold) {
  const auto at = [&](std::size_t j, std::size_t k) { return static_cast<double>(p.boxes[4 * j + k]); };
  for (std::size_t j = 0; j < i; ++j) {
    const double w = std::min(at(i, 2), at(j, 2)) - std::max(at(i, 0), at(j, 0)), h = std::min(at(i, 3), at(j, 3)) - std::max(at(i, 1), at(j, 1));
    if (w <= 0 || h <= 0) continue;
    const double own = (at(i, 2) - at(i, 0)) * (at(i, 3) - at(i, 1)), other = (at(j, 2) - at(j, 0)) * (at(j, 3) - at(j, 1));
    if (std::abs(w * h / (own + other - w * h) - threshold) < 1e-5) return true;
  }
  return false;
}
// Boxes of which no two overlap by nearly the threshold: a GPU contracts a product and a sum into one rounding, so that its IoU may differ from the
// host's in the last bits; away from ties the indices must be equal all the same. The other problems have whole numbers, whose areas are exact.
template <class T>
problem<T> random_problem(std::int64_t n, double extent, double threshold) {
  problem<T> p;
  const random_stream r{static_cast<std::uint64_t>(n), 1};
  for (std::int64_t i = 0; p.size() < n; ++i) {
    const auto k = static_cast<std::uint64_t>(i) * 8;
    const double x = r.uniform(k) * extent, y = r.uniform(k + 1) * extent;
    p.add(x, y, r.below(k + 2, 8) == 0 ? 0 : 5 + r.uniform(k + 2) * 20.0, 5 + r.uniform(k + 3) * 20.0, static_cast<double>(r.below(k + 4, 40)) - 20,
          r.below(k + 5, 3));
    if (at_a_tie(p, p.scores.size() - 1, threshold)) p.boxes.resize(p.boxes.size() - 4), p.scores.pop_back(), p.group.pop_back();
  }
  return p;
}

template <class T>
std::vector<std::int64_t> on_device(const problem<T>& p, double threshold, bool grouped) {
  using kernel_test::uploaded;
  const auto boxes = uploaded(p.boxes), scores = uploaded(p.scores);
  const auto group = uploaded(p.group), where = uploaded(std::vector<std::int64_t>(p.scores.size(), 7)),
             number = uploaded(std::vector<std::int64_t>{-1});
  cuda::nms<T>(target{}, boxes.data(), scores.data(), p.size(), threshold, grouped ? group.data() : nullptr, where.data(), number.data());
  auto kept = kernel_test::on_host(where.data(), p.size());
  const std::int64_t count = kernel_test::on_host(number.data(), 1)[0];
  REQUIRE(count >= 0);
  REQUIRE(count <= p.size());
  for (std::int64_t i = count; i < p.size(); ++i) REQUIRE(kept[static_cast<std::size_t>(i)] == -1);
  kept.resize(static_cast<std::size_t>(count));
  return kept;
}

template <class T>
std::vector<std::int64_t> on_host(const problem<T>& p, double threshold, bool grouped) {
  using A = cuda::arithmetic_t<T>;
  std::vector<A> boxes, scores;
  for (const T& v : p.boxes) boxes.push_back(static_cast<A>(v));
  for (const T& v : p.scores) scores.push_back(static_cast<A>(v));
  return nms(boxes.data(), scores.data(), p.size(), threshold, grouped ? p.group.data() : nullptr);
}

template <class T>
void check(const problem<T>& p, double threshold) {
  for (std::uint64_t seed = 1; seed <= (on_gpu ? 1 : 3); ++seed) {
    cuda::emulated::options().seed = seed;
    for (bool grouped : {false, true}) CHECK(on_device(p, threshold, grouped) == on_host(p, threshold, grouped));
  }
}

template <class Body>
void in_three_types(const Body& body) {
  if constexpr (!on_gpu) body(double{});
  body(float{}), body(bf16{});
}

}  // namespace

TEST_CASE("kernel nms_rank: by falling score, equal scores and both zeros in their order; a box with a NaN score is ignored") {
  in_three_types([](auto t) {
    problem<decltype(t)> p;
    for (int i = 0; i < 300; ++i) p.add(100 * i, 0, 10, 10, i % 7 == 0 ? -0.0 : i % 7 == 1 ? 0.0 : i % 5 - 2.0);
    p.add(-50, 0, 1, 1, HUGE_VAL), p.add(-60, 0, 1, 1, -HUGE_VAL);
    check(p, 0.5);
    auto q = p;
    q.add(-70, 0, 1, 1, NAN);
    CHECK(on_device(q, 0.5, false) == on_host(p, 0.5, false));
  });
}

TEST_CASE("kernel nms_overlaps: random boxes, of no area too, in tiles that are not full; thresholds at an IoU") {
  in_three_types([](auto t) {
    using T = decltype(t);
    for (std::int64_t n : {0, 1, 2, 63, 64, 65, 330}) check(random_problem<T>(n, 60, 0.4), 0.4);
    check(random_problem<T>(100, 30, -0.5), -0.5);
    problem<T> p;
    p.add(0, 0, 10, 1, 2), p.add(0, 0, 3, 1, 1), p.add(0, 0, 5, 1, 0);
    check(p, 0.3), check(p, 0.5);
  });
}

TEST_CASE("kernel nms_survivors: one box that suppresses all others, chains in which every second box is kept, more tiles than are prefetched") {
  problem<float> same, chain;
  for (int i = 0; i < 200; ++i) same.add(3, 4, 5, 6, 1), chain.add(4 * i, 0, 10, 10, 500 - i);
  check(same, 0.5), check(chain, 0.4);
  CHECK(on_device(same, 0.5, false) == std::vector<std::int64_t>{0});
  CHECK(on_device(chain, 0.4, false).size() == 100);
  const auto many = random_problem<float>(4200, 900, 0.5);
  CHECK(on_device(many, 0.5, false) == on_host(many, 0.5, false));
}

// Proposals chosen by the kernels against the CPU's.
#include <dcs/detect/rpn.cuh>

#include "../cuda/compare.hpp"

using namespace dcs;
using kernel_test::on_gpu;
using kernel_test::target;

namespace {

template <class T, int Channels>
using map = tensor<T, shape<dyn<"n">, dyn<"h">, dyn<"w">, Channels>>;
template <class T>
using level_t = rpn_level<map<T, 3>, map<T, 12>>;

// The head's outputs in T, and in the type that kernels compute in.
template <class T>
struct heads {
  using A = cuda::arithmetic_t<T>;
  std::vector<level_t<T>> stored;
  std::vector<level_t<A>> host;

  // score: objectness of element i; offset: deviation of the deltas.
  template <class F>
  heads(extent_t images, const std::vector<std::pair<extent_t, extent_t>>& sizes, F score, double offset) {
    for (std::size_t l = 0; l < sizes.size(); ++l) {
      const auto [h, w] = sizes[l];
      auto s = level_t<T>{map<T, 3>::empty({images, h, w, 3}), map<T, 12>::empty({images, h, w, 12})};
      for (extent_t i = 0; i < s.objectness.size(); ++i)
        s.objectness.data()[i] = static_cast<T>(static_cast<float>(score(l, static_cast<std::uint64_t>(i))));
      for (extent_t i = 0; i < s.deltas.size(); ++i)
        s.deltas.data()[i] = static_cast<T>(static_cast<float>(offset * random_stream{3, l}.normal(static_cast<std::uint64_t>(i))));
      host.push_back({kernel_test::rounded<A>(s.objectness), kernel_test::rounded<A>(s.deltas)});
      stored.push_back(std::move(s));
    }
  }
};

template <class A>
struct chosen {
  std::vector<A> boxes;
  std::vector<std::int32_t> counts;
};
// By the kernels: `most` boxes of each image.
template <class T>
auto on_device(const std::vector<level_t<T>>& head, const rpn_options& o, bool training, extent_t height, extent_t width) {
  using A = cuda::arithmetic_t<T>;
  const extent_t images = head[0].objectness.sizes()[0], most = training ? o.after_nms_training : o.after_nms;
  std::vector<decltype(to<target>(head[0].objectness))> objectness;
  std::vector<decltype(to<target>(head[0].deltas))> deltas;
  std::vector<cuda::proposal_level<T>> levels;
  for (const auto& l : head) {
    objectness.push_back(to<target>(l.objectness)), deltas.push_back(to<target>(l.deltas));
    levels.push_back({objectness.back().data(), deltas.back().data(), l.objectness.sizes()[1], l.objectness.sizes()[2]});
  }
  const auto boxes = kernel_test::uploaded(std::vector<A>(static_cast<std::size_t>(images * most * 4), A(-1)));
  const auto counts = kernel_test::uploaded(std::vector<std::int32_t>(static_cast<std::size_t>(images), -1));
  cuda::propose(target{}, o, training, images, height, width, levels, boxes.data(), counts.data());
  return chosen<A>{kernel_test::on_host(boxes.data(), images * most * 4), kernel_test::on_host(counts.data(), images)};
}
template <class A>
std::vector<box<A>> on_cpu(const std::vector<level_t<A>>& l, const rpn_options& o, bool training, extent_t image, extent_t height, extent_t width) {
  const auto with = [&](const auto&... x) {
    return propose<A>(o, training, image, height, width, make_anchors<A>(o.anchors, height, width, x...), x...);
  };
  return l.size() == 1 ? with(l[0]) : l.size() == 2 ? with(l[0], l[1]) : with(l[0], l[1], l[2]);
}

template <class T>
void check(const heads<T>& h, const rpn_options& o, bool training, extent_t height, extent_t width) {
  using A = cuda::arithmetic_t<T>;
  const extent_t most = training ? o.after_nms_training : o.after_nms;
  const auto measured = on_device(h.stored, o, training, height, width);
  for (std::size_t n = 0; n < measured.counts.size(); ++n) {
    CAPTURE(n);
    const auto image = static_cast<extent_t>(n);
    const auto wanted = on_cpu(h.host, o, training, image, height, width);
    // A GPU rounds a power, and a product with a sum, otherwise than the host: it must choose the same where no choice depends on the last bits.
    for (double d : {-1.0, 1.0}) {
      rpn_options other = o;
      other.nms_threshold += 1e-5 * d, other.smallest_side += 2e-5 * d;
      REQUIRE(on_cpu(h.host, other, training, image, height, width) == wanted);
    }
    REQUIRE(measured.counts[n] == static_cast<std::int32_t>(wanted.size()));
    double apart = 0;
    for (extent_t i = 0; i < most; ++i) {
      const A* b = measured.boxes.data() + (image * most + i) * 4;
      const auto w = i < static_cast<extent_t>(wanted.size()) ? wanted[static_cast<std::size_t>(i)] : box<A>{};
      for (const A d : {b[0] - w.x1, b[1] - w.y1, b[2] - w.x2, b[3] - w.y2}) apart = std::max(apart, std::abs(static_cast<double>(d)));
    }
    CHECK(apart <= (on_gpu ? 2e-3 : 0));  // pixels; boxes were up to 2000 wide before they were clipped
  }
}

template <class Body>
void in_three_types(const Body& body) {
  if constexpr (!on_gpu) body(double{});
  body(float{}), body(bf16{});
}

const auto normal = [](std::size_t l, std::uint64_t i) { return -3 + 2 * random_stream{5, l}.normal(i); };

rpn_options limits(int before, int after) {
  rpn_options o;
  o.before_nms = before, o.after_nms = after, o.before_nms_training = 2 * before, o.after_nms_training = 2 * after;
  return o;
}

}  // namespace

TEST_CASE("kernel proposal_candidates: those of the CPU: scores random, equal, different in their last bits, sigmoids that are all 1") {
  in_three_types([](auto t) {
    using T = decltype(t);
    for (std::uint64_t seed = 1; seed <= (on_gpu ? 1 : 3); ++seed) {
      cuda::emulated::options().seed = seed;
      check(heads<T>(2, {{16, 16}, {5, 7}, {1, 1}}, normal, 0.2), limits(40, 30), false, 128, 128);
    }
    check(heads<T>(
              1, {{16, 16}, {3, 3}}, [](std::size_t, std::uint64_t) { return 0.25; }, 0.2),
          limits(50, 60), false, 128, 128);
    check(heads<T>(
              1, {{15, 15}}, [](std::size_t, std::uint64_t i) { return i % 3 == 0   ? -0.0
                                                                       : i % 3 == 1 ? 0.0
                                                                                    : -1.0; }, 0.2),
          limits(70, 60), true, 120, 120);
    check(heads<T>(
              1, {{16, 16}}, [](std::size_t, std::uint64_t i) { return 1 + static_cast<double>(i * 37 % 300) * 0x1p-22; }, 0.2),
          limits(100, 60), false, 128, 128);
    check(heads<T>(
              1, {{8, 8}, {8, 8}}, [](std::size_t, std::uint64_t i) { return 40 + static_cast<double>(i % 50); }, 0.2),
          limits(100, 60), false, 64, 64);
    // Far beyond the image and far too large: boxes are clipped, and very small ones dropped.
    check(heads<T>(1, {{16, 16}, {4, 4}}, normal, 4), limits(60, 60), false, 128, 96);
  });
  // More candidates than threads, more than one pass of the sort.
  check(heads<float>(1, {{32, 32}}, normal, 0.3), limits(1500, 1000), true, 256, 256);
}

TEST_CASE("kernel proposal_merge: levels in the order of their scores, fewer boxes than places and more, an empty batch") {
  for (int after : {0, 1, 7, 500}) check(heads<float>(2, {{8, 8}, {8, 8}, {2, 2}}, normal, 0.2), limits(64, after), false, 64, 64);
  check(heads<float>(
            2, {{8, 8}, {8, 8}, {8, 8}}, [](std::size_t l, std::uint64_t i) { return static_cast<double>((i + l) % 4); }, 0.2),
        limits(150, 90), false, 64, 64);
  CHECK(on_device(heads<float>(0, {{1, 1}}, normal, 0.2).stored, limits(5, 5), false, 32, 32).boxes.empty());
}

TEST_CASE("an anchor with a NaN score is never chosen; more candidates than the device sorts are an error") {
  heads<float> h(1, {{2, 2}}, normal, 0.1), rest(1, {{2, 2}}, normal, 0.1);
  h.stored[0].objectness.data()[5] = NAN;
  rest.stored[0].objectness.data()[5] = -HUGE_VALF;
  rpn_options o = limits(12, 12);
  o.nms_threshold = 1;
  const auto without = on_device(h.stored, o, false, 32, 32), last = on_device(rest.stored, o, false, 32, 32);
  CHECK(without.counts[0] == 11);
  CHECK(last.counts[0] == 12);
  for (std::size_t i = 0; i < 44; ++i) CHECK(without.boxes[i] == last.boxes[i]);
  CHECK_THROWS_WITH_AS(on_device(h.stored, limits(5000, 5), false, 32, 32), doctest::Contains("4096"), error);
}

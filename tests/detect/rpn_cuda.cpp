// Proposals chosen by the kernels against the CPU's.
#include <dcs/cuda/device.hpp>
#include <dcs/detect/rpn.cuh>

#include <doctest/doctest.h>

using namespace dcs;
using cuda::emulated;

namespace {

template <class T, int Channels>
using map = tensor<T, shape<dyn<"n">, dyn<"h">, dyn<"w">, Channels>>;
template <class T>
using level_t = rpn_level<map<T, 3>, map<T, 12>>;

// What the head says, as T holds it, and as what kernels compute in.
template <class T>
struct heads {
  using A = cuda::arithmetic_t<T>;
  std::vector<level_t<T>> device;
  std::vector<level_t<A>> host;

  // score: objectness of element i; offset: deviation of the deltas.
  template <class F>
  heads(extent_t images, const std::vector<std::pair<extent_t, extent_t>>& sizes, F score, double offset) {
    for (std::size_t l = 0; l < sizes.size(); ++l) {
      const auto [h, w] = sizes[l];
      auto d = level_t<T>{map<T, 3>::empty({images, h, w, 3}), map<T, 12>::empty({images, h, w, 12})};
      auto c = level_t<A>{map<A, 3>::empty({images, h, w, 3}), map<A, 12>::empty({images, h, w, 12})};
      for (extent_t i = 0; i < d.objectness.size(); ++i) {
        d.objectness.data()[i] = static_cast<T>(static_cast<float>(score(l, static_cast<std::uint64_t>(i))));
        c.objectness.data()[i] = static_cast<A>(d.objectness.data()[i]);
      }
      for (extent_t i = 0; i < d.deltas.size(); ++i) {
        d.deltas.data()[i] = static_cast<T>(static_cast<float>(offset * random_stream{3, l}.normal(static_cast<std::uint64_t>(i))));
        c.deltas.data()[i] = static_cast<A>(d.deltas.data()[i]);
      }
      device.push_back(d), host.push_back(c);
    }
  }
};

template <class T>
void check(const heads<T>& h, const rpn_options& o, bool training, extent_t height, extent_t width) {
  using A = cuda::arithmetic_t<T>;
  const extent_t images = h.host[0].objectness.sizes()[0], most = training ? o.after_nms_training : o.after_nms;
  std::vector<cuda::proposal_level<T>> levels;
  for (const auto& l : h.device) levels.push_back({l.objectness.data(), l.deltas.data(), l.objectness.sizes()[1], l.objectness.sizes()[2]});
  std::vector<A> boxes(static_cast<std::size_t>(images * most * 4), A(-1));
  std::vector<std::int32_t> counts(static_cast<std::size_t>(images), -1);
  cuda::propose(emulated{}, o, training, images, height, width, levels, boxes.data(), counts.data());
  for (extent_t n = 0; n < images; ++n) {
    CAPTURE(n);
    const auto wanted = [&] {
      const auto with = [&](const auto&... l) { return propose<A>(o, training, n, height, width, make_anchors<A>(height, width, l...), l...); };
      const auto& l = h.host;
      return l.size() == 1 ? with(l[0]) : l.size() == 2 ? with(l[0], l[1]) : with(l[0], l[1], l[2]);
    }();
    REQUIRE(counts[static_cast<std::size_t>(n)] == static_cast<std::int32_t>(wanted.size()));
    bool equal = true;
    for (extent_t i = 0; i < most; ++i) {
      const A* b = boxes.data() + (n * most + i) * 4;
      const auto w = i < static_cast<extent_t>(wanted.size()) ? wanted[static_cast<std::size_t>(i)] : box<A>{};
      equal = equal && b[0] == w.x1 && b[1] == w.y1 && b[2] == w.x2 && b[3] == w.y2;
    }
    CHECK(equal);
  }
}

template <class Body>
void in_three_types(const Body& body) {
  body(double{}), body(float{}), body(bf16{});
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
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      emulated::options().seed = seed;
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
    // Far beyond the image and far too large: clipped, slivers fall away.
    check(heads<T>(1, {{16, 16}, {4, 4}}, normal, 4), limits(60, 60), false, 128, 96);
  });
  // More candidates than threads, more than one pass of the sort.
  check(heads<float>(1, {{32, 32}}, normal, 0.3), limits(1500, 1000), true, 256, 256);
}

TEST_CASE("kernel proposal_merge: levels in the order of their scores, fewer boxes than wanted and more, of no image too") {
  for (int after : {0, 1, 7, 500}) check(heads<float>(2, {{8, 8}, {8, 8}, {2, 2}}, normal, 0.2), limits(64, after), false, 64, 64);
  check(heads<float>(
            2, {{8, 8}, {8, 8}, {8, 8}}, [](std::size_t l, std::uint64_t i) { return static_cast<double>((i + l) % 4); }, 0.2),
        limits(150, 90), false, 64, 64);
  std::int32_t none = 0;
  const float x[16] = {};
  cuda::propose(emulated{}, limits(5, 5), false, 0, 32, 32, std::vector<cuda::proposal_level<float>>{{x, x, 1, 1}}, static_cast<float*>(nullptr),
                &none);
}

TEST_CASE("an anchor without a score is never chosen; more than the device sorts is an error") {
  heads<float> h(1, {{2, 2}}, normal, 0.1), rest(1, {{2, 2}}, normal, 0.1);
  h.device[0].objectness.data()[5] = NAN;
  rest.host[0].objectness.data()[5] = -HUGE_VALF;
  std::vector<float> boxes(48), wanted(48);
  std::int32_t count = 0;
  rpn_options o = limits(12, 12);
  o.nms_threshold = 1;
  const auto of = [&](const level_t<float>& l) { return std::vector<cuda::proposal_level<float>>{{l.objectness.data(), l.deltas.data(), 2, 2}}; };
  cuda::propose(emulated{}, o, false, 1, 32, 32, of(h.device[0]), boxes.data(), &count);
  CHECK(count == 11);
  cuda::propose(emulated{}, o, false, 1, 32, 32, of(rest.host[0]), wanted.data(), &count);
  CHECK(count == 12);
  for (std::size_t i = 0; i < 44; ++i) CHECK(boxes[i] == wanted[i]);
  CHECK_THROWS_WITH_AS(cuda::propose(emulated{}, limits(5000, 5), false, 1, 32, 32, of(h.device[0]), boxes.data(), &count), doctest::Contains("4096"),
                       error);
}

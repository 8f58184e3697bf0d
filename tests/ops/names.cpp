// Equal names are equal sizes, one table of all ops of several operands: wherever two of them have one name, sizes that differ are an error that
// names the op, the extent and both numbers, 1 beside 3 as much as 4 beside 3. An extent of 1 in the type repeats.
#include <dcs/loss/detection.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/ops/attention/attention.hpp>
#include <dcs/ops/batch_norm/batch_norm.hpp>
#include <dcs/ops/conv2d/conv2d.hpp>
#include <dcs/ops/einsum/einsum.hpp>
#include <dcs/ops/layer_norm/layer_norm.hpp>
#include <dcs/ops/nms/nms.hpp>
#include <dcs/ops/roi_align/roi_align.hpp>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

constexpr extent n = dyn<"n">, h = dyn<"h">, w = dyn<"w">, c = dyn<"c">;

template <class S>
tensor<float, S> ones(const sizes<S::rank>& s) {
  return tensor<float, S>::full(s, 1);
}

// f(a, b) must be refused where axis `axis_a` of a and axis_b of b have one name and other sizes; sa and sb are sizes that fit.
template <class A, class B>
struct pair_of {
  const char* op;
  sizes<A::rank> sa;
  sizes<B::rank> sb;

  template <class F>
  void refused_at(std::size_t axis_a, std::size_t axis_b, const F& f) const {
    const std::string name = "(" + to_string(A::extents[axis_a]) + ")";
    REQUIRE(A::extents[axis_a] == B::extents[axis_b]);
    REQUIRE_NOTHROW(f(ones<A>(sa), ones<B>(sb)));
    for (const auto& [first, second] : {std::pair<extent_t, extent_t>{1, 3}, {3, 1}, {3, 4}}) {
      auto ra = sa;
      auto rb = sb;
      ra[axis_a] = first, rb[axis_b] = second;
      CAPTURE(to_string(ra));
      CAPTURE(to_string(rb));
      const auto says = [&](const auto& a, const auto& b) {
        try {
          f(a, b);
        } catch (const error& e) {
          return std::string(e.what());
        }
        return std::string("nothing");
      };
      using va = var<float, A>;
      using vb = var<float, B>;
      const auto a = ones<A>(ra);
      const auto b = ones<B>(rb);
      for (const auto& text : {says(a, b), says(va::leaf(a), vb::leaf(b))}) {
        CAPTURE(text);
        for (const auto& part : {std::string(op), name, std::to_string(first), std::to_string(second)}) CHECK(text.find(part) != text.npos);
      }
    }
  }
  // The same for every axis that has a name, which both have in the same place.
  template <class F>
  void refused(const F& f) const {
    for (std::size_t i = 0; i < sa.size(); ++i)
      if (is_dynamic(A::extents[i]) && A::extents[i] == B::extents[i]) refused_at(i, i, f);
  }
};

template <extent C>
using map = shape<n, h, w, C>;

}  // namespace

TEST_CASE("pointwise expressions") {
  const pair_of<map<2>, map<2>> maps{"dcs::broadcast", {3, 3, 3, 2}, {3, 3, 3, 2}};
  maps.refused([](const auto& a, const auto& b) { return eval(a + b); });
  maps.refused([](const auto& a, const auto& b) { return eval(relu(a * 2 + 1) - sigmoid(b) * a); });
  maps.refused([](const auto& a, const auto& b) { return eval(maximum(a, b)); });
  maps.refused([](const auto& a, const auto& b) { return eval(apply<functions::where>(b, exp(a))); });
  const pair_of<map<2>, shape<n, 1, w, 1>> gate{"dcs::broadcast", {3, 2, 3, 2}, {3, 1, 3, 1}};
  gate.refused([](const auto& a, const auto& b) { return eval(a * b); });
  const pair_of<map<2>, shape<w, 2>> columns{"dcs::broadcast", {2, 2, 3, 2}, {3, 2}};
  columns.refused_at(2, 0, [](const auto& a, const auto& b) { return eval(b + a); });
  const pair_of<shape<windowed(h, 3, 2, 1), 2>, shape<windowed(h, 1, 2, 0), 2>> halves{"dcs::broadcast", {3, 2}, {3, 2}};
  halves.refused([](const auto& a, const auto& b) { return eval(a / b); });
}

TEST_CASE("an extent of 1 in the type repeats along any other") {
  CHECK(eval(ones<map<2>>({3, 1, 4, 2}) + ones<shape<1, h, 1, 2>>({1, 1, 1, 2})).sizes() == sizes<4>{3, 1, 4, 2});
  CHECK(eval(ones<shape<n, 1>>({1, 1}) * ones<shape<1, h>>({1, 5})).sizes() == sizes<2>{1, 5});
  CHECK(eval(ones<shape<1, h>>({1, 5}) * ones<shape<n, 1>>({3, 1})).sizes() == sizes<2>{3, 5});
  const auto row = var<float, shape<1, 2>>::leaf(ones<shape<1, 2>>({1, 2}));
  backward(sum_all(row * ones<shape<n, 2>>({3, 2})));
  CHECK(row.grad()(0, 0) == 3);
  // A convolution beside one number for all channels is not one with a number for each.
  const auto x = ones<map<2>>({1, 3, 3, 2});
  const auto k = ones<shape<1, 1, 2, 3>>({1, 1, 2, 3});
  const auto y = eval(conv2d(x, k) * tensor<float, shape<1>>::full(5) + tensor<float, shape<1>>::full(2));
  CHECK((y(0, 0, 0, 0) == 12 && y(0, 2, 2, 2) == 12));
}

TEST_CASE("concat and matmul") {
  const pair_of<map<2>, map<5>> maps{"dcs::concat", {3, 3, 3, 2}, {3, 3, 3, 5}};
  maps.refused([](const auto& a, const auto& b) { return concat<channel>(a, b); });
  maps.refused([](const auto& a, const auto& b) { return concat<channel>(a, a, b); });

  const pair_of<shape<n, h, w>, shape<n, w, c>> product{"dcs::matmul", {3, 2, 3}, {3, 3, 2}};
  const auto multiply = [](const auto& a, const auto& b) { return eval(matmul(a, b)); };
  product.refused_at(0, 0, multiply);
  product.refused_at(2, 1, multiply);
  const pair_of<shape<n, h, w>, shape<n, c, w>> turned{"dcs::matmul", {3, 2, 3}, {3, 2, 3}};
  turned.refused([](const auto& a, const auto& b) { return eval(matmul(a, transpose(b))); });
  const pair_of<shape<h, w>, shape<w, windowed(h, 1, 4, 0)>> quarter{"dcs::matmul", {3, 3}, {3, 1}};
  quarter.refused_at(1, 0, multiply);
  CHECK_THROWS_WITH_AS(multiply(ones<shape<h, w>>({8, 3}), ones<shape<w, windowed(h, 1, 4, 0)>>({3, 3})), doctest::Contains("(h/4)"), error);
}

TEST_CASE("stack, expand and einsum") {
  const pair_of<map<2>, map<2>> maps{"dcs::stack", {3, 3, 3, 2}, {3, 3, 3, 2}};
  maps.refused([](const auto& a, const auto& b) { return stack<1>(a, b); });
  const pair_of<map<1>, map<5>> repeated{"dcs::expand", {3, 3, 3, 1}, {3, 3, 3, 5}};
  repeated.refused([](const auto& a, const auto& b) { return expand_as(a, b); });
  const pair_of<map<2>, map<5>> product{"dcs::einsum", {3, 3, 3, 2}, {3, 3, 3, 5}};
  product.refused([](const auto& a, const auto& b) { return einsum<"nhwc,nhwd->ndc">(a, b); });
  product.refused([](const auto& a, const auto& b) { return einsum<"nhwc,nhwd->nhwcd">(a, b); });
}

TEST_CASE("attention, by name and as an equation") {
  using Q = shape<n, dyn<"heads">, dyn<"query">, dyn<"depth">>;
  using K = shape<n, dyn<"heads">, dyn<"key">, dyn<"depth">>;
  const pair_of<Q, K> pair{"dcs::attention", {3, 3, 2, 3}, {3, 3, 4, 3}};
  pair.refused([](const auto& q, const auto& k) { return attention(q, k, k, 1.0); });
  const auto query = ones<Q>({3, 3, 2, 3});
  const pair_of<K, K> values{"dcs::attention", {3, 3, 3, 3}, {3, 3, 3, 3}};
  values.refused([=](const auto& k, const auto& v) { return attention(query, k, v, 1.0); });
  const pair_of<shape<n, 2, 4, 2>, shape<n, 2, 4, 2>> fixed{"dcs::matmul", {3, 2, 4, 2}, {3, 2, 4, 2}};
  fixed.refused([](const auto& q, const auto& k) { return eval(softmax<3>(matmul(q, transpose(k)) * 0.5)); });
}

TEST_CASE("residuals of norms and of convolutions") {
  const auto p = ones<shape<2>>({2});
  const pair_of<map<2>, map<2>> norm{"dcs::layer_norm", {3, 3, 3, 2}, {3, 3, 3, 2}};
  norm.refused([=](const auto& x, const auto& r) { return layer_norm(x, r, p, p); });
  const pair_of<map<2>, map<2>> batch{"dcs::batch_norm", {3, 3, 3, 2}, {3, 3, 3, 2}};
  batch.refused([=](const auto& x, const auto& r) { return eval(relu(batch_norm_training(x, p, p, p.clone(), p.clone()) + r)); });
  const pair_of<map<2>, map<2>> inference{"dcs::broadcast", {3, 3, 3, 2}, {3, 3, 3, 2}};
  inference.refused([=](const auto& x, const auto& r) { return eval(relu(batch_norm_inference(x, p, p, p, p) + r)); });
  const pair_of<map<2>, map<2>> conv{"dcs::conv2d", {3, 3, 3, 2}, {3, 3, 3, 2}};
  const auto kernel = ones<shape<3, 3, 2, 2>>({3, 3, 2, 2});
  conv.refused([=](const auto& x, const auto& r) { return eval(relu(conv2d<1, 1>(x, kernel, p) + r)); });
  conv.refused([=](const auto& x, const auto& r) { return eval(conv2d<1, 1>(x, kernel) * p + r); });
}

TEST_CASE("channels that have a name") {
  using W = shape<1, 1, c, dyn<"out">>;
  const pair_of<map<c>, W> channels{"dcs::conv2d", {1, 2, 2, 3}, {1, 1, 3, 2}};
  channels.refused_at(3, 2, [](const auto& x, const auto& k) { return eval(conv2d(x, k)); });
  const auto x = ones<map<c>>({1, 2, 2, 2});
  const pair_of<W, shape<dyn<"out">>> beside{"dcs::conv2d", {1, 1, 2, 3}, {3}};
  beside.refused_at(3, 0, [=](const auto& k, const auto& s) { return eval(conv2d(x, k) * s); });
  beside.refused_at(3, 0, [=](const auto& k, const auto& s) { return eval(relu(conv2d(x, k) + s)); });
}

TEST_CASE("weighted sums, by name and as an equation") {
  const pair_of<map<2>, map<5>> sum{"dcs::weighted_sum", {3, 3, 3, 2}, {3, 3, 3, 5}};
  sum.refused([](const auto& l, const auto& m) { return weighted_sum(l, m, m); });
  sum.refused([](const auto& l, const auto& m) {
    const auto weights = softmax<channel>(l);
    return eval(slice<channel, 0>(weights) * m + slice<channel, 1>(weights) * m);
  });
  const auto logits = ones<map<2>>({3, 3, 3, 2});
  const pair_of<map<5>, map<5>> maps{"dcs::weighted_sum", {3, 3, 3, 5}, {3, 3, 3, 5}};
  maps.refused([=](const auto& a, const auto& b) { return weighted_sum(logits, a, b); });
  // One row of weights for all images is an equation of its own, and no pattern.
  const auto weights = softmax<channel>(ones<shape<1, h, w, 2>>({1, 3, 3, 2}));
  const auto m = ones<map<5>>({4, 3, 3, 5});
  CHECK(eval(slice<channel, 0>(weights) * m + slice<channel, 1>(weights) * m)(3, 2, 2, 4) == doctest::Approx(1));
}

TEST_CASE("RoIs and levels") {
  using R = shape<dyn<"roi">, 5>;
  const auto none = [](extent_t k) { return tensor<float, R>::zeros({k, 5}); };
  const auto x = ones<map<2>>({1, 4, 4, 2});
  const auto level = [](extent_t k) { return tensor<std::int64_t, shape<dyn<"roi">>>::zeros({k}); };
  for (const auto& [rois, levels] : {std::pair<extent_t, extent_t>{1, 3}, {3, 1}, {3, 4}})
    CHECK_THROWS_WITH_AS((roi_align_levels<2>(none(rois), level(levels), {1.0}, 2, x)), doctest::Contains("dcs::roi_align"), error);
  const pair_of<shape<n, h, w, c>, shape<n, dyn<"h2">, dyn<"w2">, c>> maps{"dcs::roi_align", {3, 4, 4, 3}, {3, 2, 2, 3}};
  const auto pyramid = [=](const auto& a, const auto& b) { return roi_align_pyramid<2, 1>(std::tuple(a, b), none(2), {4, 8}); };
  maps.refused_at(0, 0, pyramid), maps.refused_at(3, 3, pyramid);
  const auto chosen = [=](const auto& a, const auto& b) { return roi_align_levels<2>(none(2), level(2), {0.25, 0.5}, 2, a, b); };
  maps.refused_at(0, 0, chosen), maps.refused_at(3, 3, chosen);
}

TEST_CASE("losses") {
  const pair_of<map<1>, map<1>> maps{"dcs::broadcast", {3, 4, 4, 1}, {3, 4, 4, 1}};
  const auto refused = [&](const auto& f) { maps.refused_at(0, 0, f), maps.refused_at(1, 1, f), maps.refused_at(2, 2, f); };
  refused([](const auto& x, const auto& t) { return loss::dice(x, t); });
  refused([](const auto& x, const auto& t) { return loss::binary_cross_entropy(x, t); });
  refused([](const auto& x, const auto& t) { return loss::focal(x, t); });
  refused([](const auto& x, const auto& t) { return loss::boundary(x, t); });
  refused([](const auto& x, const auto& t) { return loss::segmentation(x, t); });
  const pair_of<shape<dyn<"sample">, 4>, shape<dyn<"sample">, 4>> boxes{"dcs::broadcast", {3, 4}, {3, 4}};
  boxes.refused([](const auto& x, const auto& t) { return loss::smooth_l1_sum(x, t); });
  const auto scores = ones<shape<n, 2>>({3, 2});
  CHECK_THROWS_WITH_AS(loss::cross_entropy(scores, {1}), doctest::Contains("1 labels for 3 rows"), error);
  const auto target = ones<map<1>>({3, 4, 4, 1});
  for (extent_t k : {1, 4}) {
    const loss::valid_regions<n, float, cpu_device> live(ones<shape<n>>({k}));
    CHECK_THROWS_WITH_AS(eval(live.keep(target)), doctest::Contains("(n)"), error);
    CHECK_THROWS_WITH_AS(nms(ones<shape<n, 4>>({3, 4}), ones<shape<n>>({k}), 0.5), doctest::Contains("dcs::nms"), error);
  }
}

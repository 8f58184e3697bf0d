// Extents of 0, one table of all ops on maps N,H,W,C: of no images the result is empty; images without rows or columns are an error that names the op
// and the sizes; and so are images without channels, where the type allows them.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/attention/attention.hpp>
#include <dcs/ops/batch_norm/batch_norm.hpp>
#include <dcs/ops/cast/cast.hpp>
#include <dcs/ops/conv2d/conv2d.hpp>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>
#include <dcs/ops/dropout/dropout.hpp>
#include <dcs/ops/einsum/einsum.hpp>
#include <dcs/ops/layer_norm/layer_norm.hpp>
#include <dcs/ops/linear/linear.hpp>
#include <dcs/ops/matmul/matmul.hpp>
#include <dcs/ops/pad/pad.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>
#include <dcs/ops/reduce/reduce.hpp>
#include <dcs/ops/resize/resize.hpp>
#include <dcs/ops/roi_align/roi_align.hpp>
#include <dcs/ops/softmax/softmax.hpp>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

template <extent_t C>
using map = shape<dyn<"n">, dyn<"h">, dyn<"w">, C>;

template <class T, class S>
tensor<T, S> ones() {
  return tensor<T, S>::full(1);
}

// visit(words of the error, op) for every op that takes maps of any channels.
template <class Visit>
void for_each_op(const Visit& visit) {
  visit("dcs::eval", [](const auto& x) { return relu(x); });
  visit("dcs::eval", [](const auto& x) { return sigmoid(x) * x + 1; });
  visit("dcs::softmax", [](const auto& x) { return softmax<2>(x); });
  visit("dcs::softmax", [](const auto& x) { return softmax<channel>(x); });
  visit("dcs::permute", [](const auto& x) { return permute<0, 3, 1, 2>(x); });
  visit("dcs::transpose", [](const auto& x) { return transpose(x); });
  visit("dcs::matmul", [](const auto& x) { return matmul(x, transpose(x)); });
  visit("dcs::concat", [](const auto& x) { return concat<channel>(x, x); });
  visit("dcs::unsqueeze", [](const auto& x) { return unsqueeze<-1>(x); });
  visit("dcs::stack", [](const auto& x) { return stack<1>(x, x); });
  visit("dcs::expand", [](const auto& x) { return expand_as(x, x); });
  visit("dcs::flip", [](const auto& x) { return flip<1, channel>(x); });
  visit("dcs::roll", [](const auto& x) { return roll<2>(x, 3); });
  visit("dcs::pad", [](const auto& x) { return pad<1, 1, 1>(x); });
  visit("dcs::einsum", [](const auto& x) { return einsum<"nhwc,nhwc->nwh">(x, x); });
  visit("dcs::sum", [](const auto& x) { return sum<1, 2>(x); });
  visit("dcs::mean", [](const auto& x) { return mean<3>(x); });
  visit("dcs::dropout", [](const auto& x) { return dropout(x, 0.5, {1, 1}); });
  visit("dcs::dropout", [](const auto& x) { return channel_dropout(x, 0.5, {1, 1}); });
  visit("dcs::dropout", [](const auto& x) { return dropout(x, 0, {1, 1}); });
  visit("dcs::cast", [](const auto& x) { return cast<double>(x); });
  visit("dcs::pool", [](const auto& x) { return max_pool2d<2, 2, 1>(x); });
  visit("dcs::pool", [](const auto& x) { return max_pool2d<3, 2, 1>(x); });
  visit("dcs::pool", [](const auto& x) { return avg_pool2d<2, 1, 1>(x); });
  visit("dcs::mean", [](const auto& x) { return global_avg_pool(x); });
  visit("dcs::resize", [](const auto& x) { return resize_bilinear<corners::aligned, 5, 7>(x); });
  visit("dcs::resize", [](const auto& x) { return resize_bilinear<corners::half_pixel, 5, 7>(x); });
  visit("dcs::resize", [](const auto& x) { return resize_nearest_like(x, ones<float, shape<1, 5, 7, 1>>()); });
  const auto rois = tensor<float, shape<dyn<"roi">, 5>>::empty({0, 5});
  visit("dcs::roi_align", [=](const auto& x) { return roi_align<2>(x, rois, {}); });
  visit("dcs::roi_align", [=](const auto& x) { return std::get<1>(roi_align_pyramid<2, 1>(std::tuple(x, x), rois, {4, 8})); });
  visit("dcs::roi_align", [=](const auto& x) {
    return roi_align_levels<2>(rois, tensor<std::int64_t, shape<dyn<"roi">>>::empty({0}), {0.25, 0.5}, 2, x, x);
  });
  visit("dcs::attention", [](const auto& x) { return attention(x, x, x, 1.0); });
}

// The ops whose channels are part of a parameter's type.
template <class Visit>
void for_each_op_of_three_channels(const Visit& visit) {
  const auto p = ones<float, shape<3>>();
  visit("dcs::slice", [](const auto& x) { return slice<channel, 1>(x); });
  visit("dcs::pad", [](const auto& x) { return pad<channel, 2, 0, pad_mode::reflect>(x); });
  visit("dcs::reshape", [](const auto& x) { return reshape<shape<dyn<"n">, dyn<"pixel">, 3>>(x); });
  visit("dcs::eval", [=](const auto& x) { return x + p; });
  visit("dcs::linear", [=](const auto& x) { return linear(x, ones<float, shape<3, 2>>()); });
  visit("dcs::conv2d", [](const auto& x) { return conv2d<1, 2>(x, ones<float, shape<3, 3, 3, 2>>()); });
  visit("dcs::conv2d", [=](const auto& x) { return relu(conv2d<1, 2, 1, 3>(x, ones<float, shape<3, 3, 1, 3>>(), p)); });
  visit("dcs::conv_transpose2d", [](const auto& x) { return conv_transpose2d(x, ones<float, shape<3, 3, 2, 3>>()); });
  visit("dcs::batch_norm", [=](const auto& x) { return batch_norm_training(x, p, p, p.clone(), p.clone()); });
  visit("dcs::batch_norm", [=](const auto& x) { return relu(batch_norm_training(x, p, p, p.clone(), p.clone()) + x); });
  visit("dcs::batch_norm", [=](const auto& x) { return batch_norm_inference(x, p, p, p, p); });
  visit("dcs::layer_norm", [=](const auto& x) { return layer_norm(x, p, p); });
  visit("dcs::layer_norm", [=](const auto& x) { return layer_norm(x, x, p, p); });
  visit("dcs::weighted_sum", [](const auto& x) { return weighted_sum(x, x, x, x); });
  visit("dcs::weighted_sum", [](const auto& x) {
    const auto w = softmax<channel>(x);
    return slice<channel, 0>(w) * x + slice<channel, 1>(w) * x + slice<channel, 2>(w) * x;
  });
}

template <extent_t C>
void refused(const char* op, const tensor<float, map<C>>& x, const auto& f) {
  CAPTURE(std::string(op));
  CAPTURE(to_string(x.sizes()));
  CHECK_THROWS_WITH_AS(eval(f(x)), doctest::Contains(op), error);
  CHECK_THROWS_WITH_AS(eval(f(var<float, map<C>>::leaf(x))), doctest::Contains(op), error);
}

void check(const char* op, const auto& f) {
  CAPTURE(std::string(op));
  for (const auto& [h, w] : {std::pair<extent_t, extent_t>{0, 4}, {4, 0}}) refused<3>(op, tensor<float, map<3>>::empty({2, h, w, 3}), f);
  const auto none = tensor<float, map<3>>::empty({0, 4, 5, 3});
  CHECK(eval(f(none)).sizes()[0] == 0);
  const auto leaf = var<float, map<3>>::leaf(none);
  const auto y = eval(f(leaf));
  backward(y, std::remove_cvref_t<decltype(y.value())>::empty(y.sizes()));
  CHECK(leaf.grad().sizes() == none.sizes());
}

}  // namespace

TEST_CASE("every op maps an empty batch to an empty batch, its gradient too; images without rows or columns are errors") {
  const auto visit = [](const char* op, const auto& f) { check(op, f); };
  for_each_op(visit);
  for_each_op_of_three_channels(visit);
}

TEST_CASE("images without channels are errors too") {
  for_each_op([](const char* op, const auto& f) { refused<0>(op, tensor<float, map<0>>::empty({2, 4, 4, 0}), f); });
}

TEST_CASE("products, attention and resizes with an empty inner extent in either operand are errors") {
  using M = shape<dyn<"n">, dyn<"heads">, dyn<"rows">, dyn<"columns">>;
  using N = shape<dyn<"n">, dyn<"heads">, dyn<"columns">, dyn<"out">>;
  const auto product = [](const sizes<4>& a, const sizes<4>& b) { return eval(matmul(tensor<float, M>::empty(a), tensor<float, N>::empty(b))); };
  CHECK_THROWS_WITH_AS(product({2, 0, 3, 4}, {2, 0, 4, 5}), doctest::Contains("dcs::matmul: sizes [2, 0, 3, 4]"), error);
  CHECK_THROWS_WITH_AS(product({2, 1, 0, 4}, {2, 1, 4, 5}), doctest::Contains("dcs::matmul: sizes [2, 1, 0, 4]"), error);
  CHECK_THROWS_WITH_AS(product({2, 1, 3, 0}, {2, 1, 0, 5}), doctest::Contains("dcs::matmul: sizes [2, 1, 3, 0]"), error);
  CHECK_THROWS_WITH_AS(product({2, 1, 3, 4}, {2, 1, 4, 0}), doctest::Contains("dcs::matmul: sizes [2, 1, 4, 0]"), error);
  CHECK(product({0, 2, 3, 4}, {0, 2, 4, 5}).sizes() == sizes<4>{0, 2, 3, 5});

  const auto x = ones<float, shape<1, 4, 4, 3>>();
  const auto other = tensor<float, map<1>>::empty({1, 0, 4, 1});
  CHECK_THROWS_WITH_AS(resize_bilinear_like<corners::aligned>(x, other), doctest::Contains("dcs::resize: from 4 × 4 to 0 × 4"), error);
  CHECK_THROWS_WITH_AS(resize_bilinear_like<corners::half_pixel>(x, other), doctest::Contains("dcs::resize: from 4 × 4 to 0 × 4"), error);
  CHECK_THROWS_WITH_AS(resize_nearest_like(x, other), doctest::Contains("dcs::resize: from 4 × 4 to 0 × 4"), error);
  CHECK_THROWS_WITH_AS(eval(softmax<0>(tensor<float, shape<dyn<"n">>>::empty({0}))), doctest::Contains("dcs::softmax: axis 0 of sizes [0]"), error);
}

TEST_CASE("an extent that reshape computes for an empty batch is that for one image") {
  using In = shape<dyn<"n">, dyn<"h">, dyn<"w">, 2>;
  const auto none = tensor<float, In>::empty({0, 3, 4, 2});
  CHECK(reshape<shape<dyn<"n">, dyn<"pixel">, 2>>(none).sizes() == sizes<3>{0, 12, 2});
  CHECK(reshape<shape<dyn<"row">, dyn<"w">, 2>>(none).sizes() == sizes<3>{0, 4, 2});
  CHECK_THROWS_WITH_AS((reshape<shape<dyn<"n">, dyn<"part">, 5>>(none)), doctest::Contains("dcs::reshape: sizes [0, 3, 4, 2]"), error);
}

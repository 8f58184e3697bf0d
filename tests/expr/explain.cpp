// explain's text for each kind of node, and the reasons that the patterns give.

#include <dcs/dcs.hpp>
#include <dcs/expr/explain.hpp>

#include <doctest/doctest.h>
#include <sstream>

using namespace dcs;

namespace {
using map = tensor<float, shape<dyn<"n">, 6, 6, 4>>;
map make_map() { return map::full({2, 6, 6, 4}, 1); }

// A function of a user.
struct cube {
  template <class T>
  static T f(T x) {
    return x * x * x;
  }
  template <int I, class T>
  static T df(T, T x) {
    return 3 * x * x;
  }
};
}  // namespace

TEST_CASE("explain: a chain, with a number, a user's function and a leaf that is evaluated") {
  const auto x = make_map();
  const auto chain = relu(x * 2.5) + apply<cube>(softmax<3>(x));
  static_assert(expect_kernel<decltype(chain), kernels::pointwise_chain>::checked);
  CHECK(explain(chain) ==
        "add [n, 6, 6, 4]  kernel: pointwise_chain\n"
        "  relu [n, 6, 6, 4]  in the chain above\n"
        "    mul [n, 6, 6, 4]  in the chain above\n"
        "      tensor f32 [n, 6, 6, 4]\n"
        "      number 2.500000\n"
        "  cube [n, 6, 6, 4]  in the chain above\n"
        "    softmax [n, 6, 6, 4]  kernel: softmax\n"
        "      tensor f32 [n, 6, 6, 4]\n");
  std::ostringstream out;
  explain(out, chain);
  CHECK(out.str() == explain(chain));
}

TEST_CASE("explain: a convolution with its epilogue, and one that has been evaluated before") {
  const auto x = make_map();
  const auto w = var<float, shape<3, 3, 4, 4>>::leaf(tensor<float, shape<3, 3, 4, 4>>::full(1));
  const auto conv = conv2d<1, 1>(x, w);
  const auto block = relu(conv + x);
  static_assert(expect_kernel<decltype(block), kernels::convolution_epilogue>::checked);
  CHECK(explain(block) ==
        "relu [n, 6, 6, 4]  kernel: convolution_epilogue\n"
        "  add [n, 6, 6, 4]  by itself: convolution_epilogue\n"
        "    conv2d [n, 6, 6, 4]  by itself: convolution\n"
        "      tensor f32 [n, 6, 6, 4]\n"
        "      var f32 [3, 3, 4, 4]\n"
        "    tensor f32 [n, 6, 6, 4]\n");
  (void)eval(conv);
  CHECK(explain(conv).starts_with("conv2d [n, 6, 6, 4]  evaluated before\n"));
}

TEST_CASE("explain: a pattern that does not apply to the values says why") {
  const auto x = make_map();
  const auto a = softmax<3>(x), b = softmax<3>(x);
  const auto same = slice<3, 0>(a) * x + slice<3, 1>(a) * x + slice<3, 2>(a) * x + slice<3, 3>(a) * x;
  const auto mixed = slice<3, 0>(a) * x + slice<3, 1>(b) * x + slice<3, 2>(a) * x + slice<3, 3>(b) * x;
  static_assert(expect_kernel<decltype(mixed), kernels::weighted_sum>::checked);  // the types are the same
  CHECK(explain(same).starts_with("add [n, 6, 6, 4]  kernel: weighted_sum\n"));
  CHECK(explain(mixed).starts_with("add [n, 6, 6, 4]  kernel: pointwise_chain, not weighted_sum: its slices are of different softmax nodes\n"));

  const auto q = tensor<double, shape<1, 2, 5, 4>>::full(1);
  const auto scores = matmul(q, transpose(q));
  const auto attended = matmul(softmax<3>(scores), q);
  CHECK(explain(attended).starts_with("matmul [1, 2, 5, 4]  kernel: attention\n  softmax [1, 2, 5, 5]  by itself: softmax\n"));
  (void)eval(scores);
  CHECK(explain(attended).starts_with("matmul [1, 2, 5, 4]  kernel: matrix_product, not attention: its scores or probabilities have been"));
}

TEST_CASE("explain: a handle, and batch norm in training") {
  const auto x = var<float, shape<2, 3, 3, 4>>::leaf(tensor<float, shape<2, 3, 3, 4>>::full(1));
  CHECK(explain(x) == "var f32 [2, 3, 3, 4]\n");
  nn::batch_norm<4> norm;
  initialize(norm, 1);
  CHECK(explain(relu(norm(x))) ==
        "relu [2, 3, 3, 4]  kernel: batch_norm_relu\n"
        "  batch_norm [2, 3, 3, 4]  by itself: batch_norm\n"
        "    var f32 [2, 3, 3, 4]\n");
}

TEST_CASE("why_not: the reasons of the patterns") {
  using q = tensor<float, shape<1, 2, 5, 4>>;
  using x = tensor<float, shape<1, 6, 6, 4>>;
  using k = tensor<float, shape<3, 3, 4, 4>>;
  const auto reason = []<class Kernel, class Reason>(const auto& e, Kernel, Reason) {
    return std::is_same_v<typename why_not<Kernel, std::remove_cvref_t<decltype(e)>>::type, Reason>;
  };
  const auto c = conv2d<1, 1>(x::full(1), k::full(1));
  CHECK(reason(relu(q()), kernels::attention{}, reasons::outermost_is_no_matmul{}));
  CHECK(reason(matmul(softmax<2>(matmul(q(), transpose(q()))), q()), kernels::attention{}, reasons::left_of_the_matmul_is_no_softmax_over_axis_3{}));
  CHECK(reason(matmul(softmax<3>(tensor<float, shape<1, 2, 5, 5>>()), q()), kernels::attention{}, reasons::scores_are_no_matmul_with_a_transpose{}));
  CHECK(reason(x() + c, kernels::convolution_epilogue{}, reasons::no_convolution_is_leftmost{}));
  CHECK(reason(relu(relu(c)), kernels::convolution_epilogue{}, reasons::order_is_not_scale_shift_residual_relu{}));
  CHECK(reason(c + tensor<float, shape<6, 1>>(), kernels::convolution_epilogue{},
               reasons::an_operand_is_neither_per_channel_nor_of_the_results_shape{}));
  CHECK(reason(x() + x(), kernels::batch_norm_relu{}, reasons::outermost_is_no_relu{}));
  CHECK(reason(relu(x()), kernels::batch_norm_relu{}, reasons::no_batch_norm_of_a_var_is_leftmost{}));
  CHECK(reason(x() + x(), kernels::weighted_sum{}, reasons::no_sum_of_slices_of_a_softmax_over_axis_3_times_maps{}));
  CHECK(reason(x() + x(), kernels::softmax{}, reasons::another_form_than_the_kernels_pattern{}));
}

// Lesson 2. An equation builds a type and computes nothing; eval() runs it. Pointwise chains become one kernel, and a table of patterns maps the
// types of whole equations to fused kernels. Anyone may add a line to that table.
#include "check.hpp"

#include <dcs/dcs.hpp>
#include <dcs/expr/explain.hpp>

using namespace dcs;

// A function of one's own: f and its derivative, element by element. It fuses like the built-in ones.
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

// A pattern of one's own: sqrt(square(x)) is |x|. The specialisation names its kernel, and says how to run it.
struct absolute_value {};
template <class X>
using root_of_square = pointwise<functions::sqrt, pointwise<functions::square, X>>;
template <class X>
struct dcs::fused<root_of_square<X>> {
  using kernel = absolute_value;
  static constexpr bool always = true;
  static auto run(const root_of_square<X>& e) { return eval(abs(e.template argument<0>().template argument<0>())); }
};

int main() {
  const auto x = tensor<float, shape<2, 6, 6, 4>>::full(-2);
  const auto scale = tensor<float, shape<4>>::full(3);

  // One pass over memory, one new tensor, however long the chain is.
  const auto chain = relu(x * scale + 7.0) + apply<cube>(x) / 4;
  static_assert(std::is_same_v<kernel_of<decltype(chain)>, kernels::pointwise_chain>);
  host_allocator::get().reset_statistics();
  const auto y = eval(chain);
  check(host_allocator::get().statistics().allocations == 1, "a chain allocates its result and nothing else");
  check_near(y(1, 5, 5, 3), 1 - 2, "relu(-6 + 7) + (-8) / 4");

  // A convolution is a lazy node, so that what stands around it can join its kernel.
  const auto w = tensor<float, shape<3, 3, 4, 4>>::full(1);
  const auto block = relu(conv2d<1, 1>(x, w) * scale + scale + x);
  static_assert(std::is_same_v<kernel_of<decltype(block)>, kernels::convolution_epilogue>);
  check_near(eval(block)(0, 0, 0, 0), 0, "a negative sum is cut");

  // Where that matters, say so: expect_kernel fails to compile where another kernel is selected, and names that and the reason. With the residual
  // first, for example, the convolution is not leftmost: `x + conv2d<1, 1>(x, w)` is a convolution and a chain.
  static_assert(expect_kernel<decltype(block), kernels::convolution_epilogue>::checked);
  // explain() shows the tree, its shapes, and the kernel of each node that is run.
  const std::string tree = explain(x + conv2d<1, 1>(x, w));
  std::printf("%s", tree.c_str());
  check(tree ==
            "add [2, 6, 6, 4]  kernel: pointwise_chain\n"
            "  tensor f32 [2, 6, 6, 4]\n"
            "  conv2d [2, 6, 6, 4]  kernel: convolution\n"
            "    tensor f32 [2, 6, 6, 4]\n"
            "    tensor f32 [3, 3, 4, 4]\n",
        "a convolution, and an addition after it");

  // The paper's equations 8 and 9 as written: a softmax over the levels weighs four maps. Four slices of one softmax select one kernel.
  const auto logits = random_normal<float, shape<2, 6, 6, 4>>({2, 6, 6, 4}, {1, 1});
  const auto other_logits = random_normal<float, shape<2, 6, 6, 4>>({2, 6, 6, 4}, {1, 2});
  const auto weights = softmax<channel>(logits), other = softmax<channel>(other_logits);
  const auto sum = slice<channel, 0>(weights) * x + slice<channel, 1>(weights) * x + slice<channel, 2>(weights) * x + slice<channel, 3>(weights) * x;
  static_assert(std::is_same_v<kernel_of<decltype(sum)>, kernels::weighted_sum>);
  check_near(eval(sum)(0, 3, 3, 1), -2, "weights that sum to 1, of equal maps");

  // Slices of two different softmaxes have the same types. The pattern looks at the nodes, sees that they differ, and the result is right all the
  // same.
  const auto mixed = slice<channel, 0>(weights) * x + slice<channel, 1>(other) * x + slice<channel, 2>(weights) * x + slice<channel, 3>(other) * x;
  static_assert(std::is_same_v<decltype(mixed), decltype(sum)>);
  const auto v = eval(weights), u = eval(other);
  check_near(eval(mixed)(0, 3, 3, 1), -2 * (v(0, 3, 3, 0) + u(0, 3, 3, 1) + v(0, 3, 3, 2) + u(0, 3, 3, 3)), "mixed softmaxes fall back");

  // When is eval needed? Where a chain joins a larger one it is not: it costs no pass over memory of its own, however often it occurs. But a chain
  // keeps no value, so whoever evaluates it twice computes it twice, and in training records it twice: a value that is used twice is evaluated first.
  const auto runs = [](const auto& f) {
    const auto before = cpu::kernel_runs();
    f();
    return cpu::kernel_runs() - before;
  };
  const auto cut = relu(x * scale + 7.0);
  check(runs([&] { eval(cut * cut + cut); }) == 1, "a chain within a chain is a part of its kernel");
  check(runs([&] { eval(cut), eval(cut); }) == 2, "a chain is computed whenever it is evaluated");
  check(runs([&] { max_pool2d<2, 2, 0>(cut), max_pool2d<3, 3, 0>(cut); }) == 4, "an op evaluates its operand: twice a chain, twice a pool");
  const auto known = eval(cut);
  check(runs([&] { max_pool2d<2, 2, 0>(known), max_pool2d<3, 3, 0>(known), eval(known); }) == 2, "a value is there");

  // A costly node keeps its value: evaluated twice, it runs once. Within a fused kernel it has none, and the whole runs again.
  const auto node = conv2d<1, 1>(x, w);
  const auto alone = runs([&] { eval(node); });
  check(alone > 0 && runs([&] { eval(node); }) == 0, "a convolution runs once");
  const auto fresh = relu(conv2d<1, 1>(x, w) + scale);
  const auto once = runs([&] { eval(fresh); });
  check(once > 0 && runs([&] { eval(fresh); }) == once, "a fused kernel runs whenever it is evaluated");

  // Our own pattern, at the top of an expression and inside one.
  static_assert(std::is_same_v<kernel_of<decltype(sqrt(square(x)))>, absolute_value>);
  check_near(eval(sqrt(square(x)) + 1.0)(0, 0, 0, 0), 3, "|-2| + 1");
  return wrong;
}

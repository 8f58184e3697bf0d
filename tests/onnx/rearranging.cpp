// Ops that move elements as nodes. Values are compared by onnxruntime (compare.py).
#include "check_export.hpp"

using namespace check;
using onnx::input;

using map = shape<dyn<"batch">, 4, 5, 6>;

TEST_CASE("parts and their concatenation") {
  exported(
      "slice", [](const auto& x) { return slice<1, 1, 2>(x); }, input<map>("x"));
  exported(
      "slice_channels", [](const auto& x) { return slice<channel, 2, 3>(x); }, input<map>("x"));
  exported(
      "concat", [](const auto& a, const auto& b) { return concat<1>(a, b, a); }, input<map>("a"), input<shape<dyn<"batch">, 2, 5, 6>>("b"));
  exported(
      "concat_channels", [](const auto& a, const auto& b) { return concat<channel>(a, b); }, input<map>("a"),
      input<shape<dyn<"batch">, 4, 5, 1>>("b"));
  exported(
      "stack", [](const auto& a) { return stack<1>(a, eval(a * 2)); }, input<map>("a"));
  exported(
      "pad", [](const auto& x) { return pad<1, 1, 2>(x, 0.5); }, input<map>("x"));
  exported(
      "pad_channels", [](const auto& x) { return pad<3, 0, 2>(x); }, input<map>("x"));
  exported(
      "pad_reflect", [](const auto& x) { return pad<2, 2, 1, pad_mode::reflect>(x); }, input<map>("x"));
  exported(
      "pad_replicate", [](const auto& x) { return pad<1, 2, 1, pad_mode::replicate>(x); }, input<map>("x"));
}

TEST_CASE("orders and shapes") {
  exported(
      "permute", [](const auto& x) { return permute<0, 3, 1, 2>(x); }, input<map>("x"));
  exported(
      "permute_back", [](const auto& x) { return permute<2, 0, 3, 1>(x); }, input<map>("x"));
  exported(
      "flip", [](const auto& x) { return flip<1, 3>(x); }, input<map>("x"));
  exported(
      "roll", [](const auto& x) { return roll<2>(x, 2); }, input<map>("x"));
  exported(
      "expand", [](const auto& x) { return expand<shape<3, 4, 5>>(x); }, input<shape<4, 1>>("x"));
  exported(
      "reshape", [](const auto& x) { return reshape<shape<dyn<"batch">, 20, 3, 2>>(x); }, input<map>("x"));
  exported(
      "unfold", [](const auto& x) { return unfold<1, 3, 2, 1>(x); }, input<map>("x"));
  exported(
      "einsum", [](const auto& a, const auto& b) { return einsum<"nlc,mc->nlm">(a, b); }, input<shape<dyn<"batch">, 4, 3>>("a"),
      input<shape<5, 3>>("b"));
  // Nothing is left of two permutations that cancel.
  const auto none = exported(
      "permute_twice", [](const auto& x) { return permute<0, 2, 3, 1>(permute<0, 3, 1, 2>(x)); }, input<map>("x"));
  CHECK(none.operators == std::vector<std::string>{"Identity"});
}

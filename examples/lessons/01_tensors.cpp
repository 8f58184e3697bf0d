// Lesson 1. A tensor's shape is part of its type, so the compiler checks what other libraries check while they run.
#include "check.hpp"

#include <dcs/dcs.hpp>

#include <vector>

using namespace dcs;

// Feature maps are N, H, W, C: the channels are innermost and the last extent.
using map = tensor<float, shape<2, 4, 4, 3>>;
static_assert(map::shape_type::size() == 96);

// An extent that is known only at run time has a name of up to 19 letters, digits and underscores. Equal names are equal sizes: these two can be
// added without a check of the batch, whatever it is, and shape<dyn<"roi">, 8> cannot be added to them at all.
using rows = tensor<float, shape<dyn<"batch">, 8>>;
using more_rows = tensor<float, shape<dyn<"batch">, 8>>;
using boxes = tensor<float, shape<dyn<"roi">, 8>>;
template <class A, class B>
constexpr bool can_be_added = broadcastable<typename A::shape_type, typename B::shape_type>;
static_assert(can_be_added<rows, more_rows>);
static_assert(!can_be_added<rows, boxes>);
// Axes are aligned at the end and an extent of 1 repeats, as in NumPy.
static_assert(can_be_added<rows, tensor<float, shape<8>>>);
static_assert(can_be_added<rows, tensor<float, shape<dyn<"batch">, 1>>>);

// What an op does to a named extent becomes part of its type: a convolution of stride 2 halves an image whose height nobody knows yet.
using image = tensor<float, shape<1, dyn<"height">, dyn<"width">, 3>>;
using kernel = tensor<float, shape<3, 3, 3, 16>>;
using halved = decltype(eval(conv2d<2, 1>(image(), kernel())));

// Extents are constants of the type dcs::extent, and plus, minus, times and divided (rounded up) compute with them. Equal expressions are equal
// types, however they are written, and messages spell them: height*2, height/2-1, a+b.
constexpr extent height = dyn<"height">, tokens = dyn<"tokens">;
static_assert(plus(tokens, 1) == plus(1, tokens) && plus(tokens, tokens) == times(tokens, 2));
static_assert(divided(minus(times(height, 2), 2), 2) == minus(height, 1));
using with_class_token = tensor<float, shape<dyn<"batch">, plus(tokens, 1), 8>>;
// A transposed convolution of stride 2 doubles the height; a reshape is checked where the names of both shapes cancel.
using doubled = decltype(conv_transpose2d<2>(image(), tensor<float, shape<2, 2, 16, 3>>()));
static_assert(extent_of<doubled::shape_type, 1> == times(height, 2));

int main() {
  // A tensor is a handle: copying it shares the memory, clone() copies the elements.
  const auto a = map::full(1);
  const auto shared = a, copied = a.clone();
  a(1, 3, 3, 2) = 5;
  check(shared(1, 3, 3, 2) == 5, "copies of a handle share memory");
  check(copied(1, 3, 3, 2) == 1, "clone() has memory of its own");

  // The sizes of dynamic extents come with the value, and must fit what is static.
  const auto r = rows::from(std::vector<float>(24, 2.0f), {3, 8});
  check(r.size() == 24 && r.size_of<0>() == 3, "three rows of eight");
  static_assert(rows::rank == 2 && extent_of<rows::shape_type, 1> == 8);
  bool refused = false;
  try {
    (void)rows::zeros({3, 7});
  } catch (const error& e) {
    refused = true;
    std::printf("as it should be: %s\n", e.what());
  }
  check(refused, "sizes that do not fit the type are an error");

  // Between static and dynamic one converts explicitly, and the sizes are checked there and nowhere else.
  const auto three = as<shape<3, 8>>(r);
  static_assert(std::is_same_v<decltype(three), const tensor<float, shape<3, 8>>>);
  check(three.data() == r.data(), "as<> changes the type, not the memory");

  // The type of the result says height/2 (rounded up), the value says 5 of 9.
  const auto y = eval(conv2d<2, 1>(image::full({1, 9, 6, 3}, 1), kernel::full(1)));
  static_assert(std::is_same_v<decltype(y), const halved>);
  std::printf("height of a halved image: %s, of this one %lld\n", to_string(extent_of<halved::shape_type, 1>).c_str(),
              static_cast<long long>(y.size_of<1>()));
  check(y.size_of<1>() == 5 && y.size_of<2>() == 3, "nine rows become five, six columns three");
  check(y(0, 2, 1, 15) == 27, "a sum of 3 x 3 x 3 ones");

  // What is joined along named axes has their sum; values whose sizes do not add up to it are refused.
  const auto tokens_of = [](extent_t n) { return tensor<float, shape<dyn<"batch">, tokens, 8>>::full({2, n, 8}, 1); };
  const auto joined = concat<1>(tensor<float, shape<dyn<"batch">, 1, 8>>::full({2, 1, 8}, 0), tokens_of(5));
  static_assert(std::is_same_v<decltype(joined), const with_class_token>);
  check(joined.size_of<1>() == 6, "one token and five are six");
  const auto without = eval(slice<1, 1, tokens>(joined));  // all but the first
  check(without.size_of<1>() == 5 && sum_all(eval(without - tokens_of(5))).item() == 0, "the five tokens again");
  return wrong;
}

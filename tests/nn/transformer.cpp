// Multi-head attention and the encoder layer: gradients against differences, and both against torch.nn's (goldens/transformer.py).
#include <dcs/expr/gradcheck.hpp>
#include <dcs/nn/transformer.hpp>

#include "check_module.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

using tokens = shape<dyn<"n">, dyn<"l">, 12>;
using attention_type = nn::multi_head_attention<12, 3>;
using layer_type = nn::transformer_encoder_layer<12, 3, 20>;

template <class T, class Net>
void check_golden(const io::safetensors& file, const std::string& module) {
  // f32: gradients through norms and softmax are differences of larger terms. The keys' bias has no gradient but for rounding.
  test::check_module<T, Net, tokens>(file, module, 3, {"x"}, sizeof(T) == 8 ? test::tolerance<T> : 1e-5);
}

}  // namespace

TEST_CASE("multi-head attention and the encoder layer pass the gradient check") {
  attention_type attention;
  initialize<double>(attention, 1);
  layer_type layer;
  initialize<double>(layer, 2);
  const random_scope::off nothing_dropped;
  test::for_each_isa([&] {
    for (extent_t n : {0, 1, 2, 3})
      for (extent_t l : {1, 2, 5, 8, 17}) {
        CAPTURE(n);
        CAPTURE(l);
        const auto x = random_normal<double, tokens>({n, l, 12}, {1, 1});
        CHECK(gradcheck([&](const auto& a) { return attention(a); }, {2, 2}, 10, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return layer(a); }, {2, 3}, 10, x) < 1e-6);
      }
  });
}

TEST_CASE("sequences without tokens are an error") {
  attention_type attention;
  initialize<float>(attention, 1);
  const auto none = tensor<float, tokens>::empty({2, 0, 12});
  CHECK_THROWS_WITH_AS(attention(none), doctest::Contains("sizes [2, 0, 12] are 0 at axis 1"), error);
}

TEST_CASE_TEMPLATE("multi-head attention and the encoder layer equal PyTorch's, with the gradients of their weights", T, float, double) {
  const auto file = test::goldens("transformer");
  test::for_each_isa([&] {
    check_golden<T, attention_type>(file, "attention");
    check_golden<T, layer_type>(file, "layer");
  });
}

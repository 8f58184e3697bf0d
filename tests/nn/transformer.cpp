// Multi-head attention and the layers of the Transformer: gradients against differences, and all against torch.nn's (goldens/transformer.py,
// decoder.py).
#include <dcs/expr/gradcheck.hpp>
#include <dcs/nn/transformer.hpp>

#include "check_module.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

using tokens = shape<dyn<"n">, dyn<"l">, 12>;
using attention_type = nn::multi_head_attention<12, 3>;
using layer_type = nn::transformer_encoder_layer<12, 3, 20>;
using pre_type = nn::transformer_encoder_layer<12, 3, 20, nn::norm_order::pre>;
using decoder_type = nn::transformer_decoder_layer<12, 3, 20>;
using pre_decoder_type = nn::transformer_decoder_layer<12, 3, 20, nn::norm_order::pre>;
using keys = shape<dyn<"n">, dyn<"k">, 12>;

static_assert(parameters<pre_type> == parameters<layer_type>);
static_assert(parameters<decoder_type> == parameters<layer_type> + parameters<attention_type> + 2 * 12);

// A module whose self-attention sees no later token.
template <class Net>
struct causal {
  Net net;
  DCS_MEMBERS_AS((net, ""))

  template <class X, class... Memory>
  auto operator()(const X& x, const Memory&... memory) const {
    const extent_t l = x.sizes()[1];
    const auto mask = causal_mask<value_t<X>, shape<dyn<"l">, dyn<"l">>>({l, l});
    if constexpr (requires { net.masked(x, mask); })
      return net.masked(x, mask);
    else
      return net(x, memory..., mask);
  }
};

// The masks of decoder.py: of each sequence but the first two of three keys; query i sees the keys i to i + 2, of the last ones the last.
template <class T, class Keys>
auto padded(const Keys& memory) {
  const auto [n, k, channels] = memory.sizes();
  std::vector<extent_t> seen(static_cast<std::size_t>(n), std::max<extent_t>(1, 2 * k / 3));
  if (n > 0) seen[0] = k;
  return padding_mask<T, shape<dyn<"n">, 1, 1, extent_of<shape_t<Keys>, 1>>>(seen, {n, 1, 1, k});
}
template <class T>
auto banded(extent_t queries, extent_t keys) {
  auto mask = tensor<T, shape<dyn<"l">, dyn<"k">>>::zeros({queries, keys});
  for (extent_t i = 0; i < queries; ++i)
    for (extent_t j = 0; j < keys; ++j)
      if (const extent_t distance = j - std::min(i, keys - 1); distance < 0 || distance > 2) mask(i, j) = -std::numeric_limits<T>::infinity();
  return mask;
}

// A module whose attention to the memory, or to x where there is none, sees no padding.
template <class Net>
struct unpadded {
  Net net;
  DCS_MEMBERS_AS((net, ""))

  template <class X>
  auto operator()(const X& x) const {
    return net(x, padded<value_t<X>>(x));
  }
  template <class X, class Memory>
  auto operator()(const X& x, const Memory& memory) const {
    const auto mask = padded<value_t<X>>(memory);
    if constexpr (requires { net.multihead_attn; })
      return net(x, memory, nn::no_mask, mask);
    else
      return net(x, memory, mask);
  }
};
// A module whose attention to the memory is banded, and whose self-attention sees no later token.
template <class Net>
struct band {
  Net net;
  DCS_MEMBERS_AS((net, ""))

  template <class X, class Memory>
  auto operator()(const X& x, const Memory& memory) const {
    const extent_t l = x.sizes()[1];
    const auto mask = banded<value_t<X>>(l, memory.sizes()[1]);
    if constexpr (requires { net.multihead_attn; })
      return net(x, memory, causal_mask<value_t<X>, shape<dyn<"l">, dyn<"l">>>({l, l}), mask);
    else
      return net(x, memory, mask);
  }
};

template <class T, class Net>
void check_golden(const io::safetensors& file, const std::string& module) {
  // f32: gradients through norms and softmax are differences of larger terms. The keys' bias has no gradient but for rounding.
  test::check_module<T, Net, tokens>(file, module, 3, {"x"}, sizeof(T) == 8 ? test::tolerance<T> : 1e-5);
}
// At inputs of sizes S, and a memory of another length where there is one.
template <class T, class Net, class... S>
void check_small(const io::safetensors& file, const std::string& module) {
  constexpr std::array names{"x", "memory"};
  std::array<const char*, sizeof...(S)> inputs{};
  std::copy_n(names.begin(), inputs.size(), inputs.begin());
  test::check_module<T, Net, S...>(file, module, 2, inputs, sizeof(T) == 8 ? test::tolerance<T> : 1e-5);
}

// 20 batches and lengths, among them batches of 0 and lengths of 1; with a memory of another length where Cross is true.
template <bool Cross, class Net>
void check_gradients(std::uint64_t seed) {
  Net net;
  initialize<double>(net, seed);
  const random_scope::off nothing_dropped;
  for (extent_t n : {0, 1, 2, 3})
    for (extent_t l : {1, 2, 5, 8, 17}) {
      CAPTURE(n);
      CAPTURE(l);
      const auto x = random_normal<double, tokens>({n, l, 12}, {1, 1});
      const auto memory = random_normal<double, keys>({n, 18 - l, 12}, {1, 2});
      if constexpr (Cross)
        CHECK(gradcheck([&](const auto& a, const auto& b) { return net(a, b); }, {2, 2}, 10, x, memory) < 1e-6);
      else
        CHECK(gradcheck([&](const auto& a) { return net(a); }, {2, 3}, 10, x) < 1e-6);
    }
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

TEST_CASE("cross-attention, pre-norm layers, decoder layers and masked ones pass the gradient check") {
  test::for_each_isa([] {
    check_gradients<true, attention_type>(3);
    check_gradients<false, pre_type>(4), check_gradients<false, causal<layer_type>>(8);
    check_gradients<true, decoder_type>(5), check_gradients<true, pre_decoder_type>(6);
    check_gradients<true, causal<pre_decoder_type>>(7), check_gradients<true, band<pre_decoder_type>>(9);
  });
}

TEST_CASE("a token that sees no later one does not change with them") {
  causal<pre_type> layer;
  initialize<float>(layer, 1);
  const auto x = random_normal<float, tokens>({2, 6, 12}, {1, 1});
  const auto other = x.clone();
  for (extent_t c = 0; c < 12; ++c) other(0, 4, c) += static_cast<float>(c);
  const auto a = layer(x), b = layer(other);
  for (extent_t t = 0; t < 6; ++t) CHECK((a(0, t, 3) == b(0, t, 3)) == (t < 4));
  CHECK(a(1, 5, 3) == b(1, 5, 3));
}

TEST_CASE("a token does not change with padding of the memory; every mask is refused that leaves a sequence without a key") {
  unpadded<decoder_type> layer;
  initialize<float>(layer, 1);
  const auto x = random_normal<float, tokens>({2, 4, 12}, {1, 1});
  const auto memory = random_normal<float, keys>({2, 6, 12}, {1, 2}), other = memory.clone();
  for (extent_t i = 0; i < 2; ++i)
    for (extent_t c = 0; c < 12; ++c) other(i, 4, c) += static_cast<float>(c);
  const auto a = layer(x, memory), b = layer(x, other);
  for (extent_t t = 0; t < 4; ++t) CHECK((a(0, t, 3) != b(0, t, 3) && a(1, t, 3) == b(1, t, 3)));
  using mask = shape<2, 1, 1, 3>;
  CHECK_THROWS_WITH_AS((padding_mask<float, mask>({3})), "dcs::padding_mask: 1 numbers of tokens; expected one for each of 2 sequences", error);
  CHECK_THROWS_WITH_AS((padding_mask<float, mask>({3, 0})), "dcs::padding_mask: sequence 1 has 0 tokens; expected 1 to 3", error);
  CHECK_THROWS_WITH_AS((padding_mask<float, mask>({4, 3})), "dcs::padding_mask: sequence 0 has 4 tokens; expected 1 to 3", error);
  attention_type attention;
  initialize<float>(attention, 1);
  CHECK_THROWS_WITH_AS(attention(x, memory, banded<float>(4, 5)), doctest::Contains("(k)"), error);
}

TEST_CASE("dropout of a layer: as often as it says, the same for the same numbers; in a masked attention too") {
  const auto dropped = [](auto& net, const auto&... x) {
    initialize<float>(net, 1);
    const auto call = [&](std::uint64_t step) {
      const random_scope scope(7, step);
      return net(var(x)...).value();
    };
    const auto a = call(1), b = call(1), c = call(2);
    CHECK(std::equal(a.values().begin(), a.values().end(), b.values().begin()));
    CHECK(!std::equal(a.values().begin(), a.values().end(), c.values().begin()));
    const random_scope::off nothing;
    const auto whole = net(var(x)...).value(), inference = net(x...);
    double worst = 0;  // another kernel where the mask's probabilities are dropped: no more than rounding
    for (extent_t i = 0; i < whole.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(whole.data()[i] - inference.data()[i])));
    CHECK(worst < 1e-5);
  };
  const auto x = random_normal<float, tokens>({2, 6, 12}, {1, 1});
  const auto memory = random_normal<float, keys>({2, 3, 12}, {1, 2});
  decoder_type decoder;
  CHECK(decoder.self_attn.dropout == 0.2);
  decoder.set_dropout(0.4);
  CHECK((decoder.self_attn.dropout == 0.4 && decoder.multihead_attn.dropout == 0.4 && decoder.dropout.p == 0.4));
  dropped(decoder, x, memory);
  causal<attention_type> attention;
  attention.net.dropout = 0.3;
  dropped(attention, x);
  unpadded<attention_type> cross;
  cross.net.dropout = 0.3;
  dropped(cross, x, memory);
}

TEST_CASE("sequences without tokens are an error") {
  attention_type attention;
  initialize<float>(attention, 1);
  const auto none = tensor<float, tokens>::empty({2, 0, 12});
  CHECK_THROWS_WITH_AS(attention(none), doctest::Contains("sizes [2, 0, 12] are 0 at axis 1"), error);
  const auto x = tensor<float, tokens>::zeros({2, 3, 12});
  CHECK_THROWS_WITH_AS(attention(x, tensor<float, keys>::empty({2, 0, 12})), doctest::Contains("sizes [2, 0, 12] are 0 at axis 1"), error);
  CHECK_THROWS_WITH_AS(attention(x, tensor<float, keys>::zeros({1, 4, 12})),
                       doctest::Contains("axis 0 (n) of sizes [1, 3, 4, 4] is 1, but axis 0 (n) of sizes [2, 3, 3, 4] is 2"), error);
}

TEST_CASE_TEMPLATE("multi-head attention and the encoder layer equal PyTorch's, with the gradients of their weights", T, float, double) {
  const auto file = test::goldens("transformer");
  test::for_each_isa([&] {
    check_golden<T, attention_type>(file, "attention");
    check_golden<T, layer_type>(file, "layer");
  });
}

TEST_CASE_TEMPLATE("attention to other tokens, masked attention, pre-norm and decoder layers equal PyTorch's", T, float, double) {
  using x = shape<dyn<"n">, dyn<"l">, 6>;
  using memory = shape<dyn<"n">, dyn<"k">, 6>;
  using attention = nn::multi_head_attention<6, 2>;
  using post = nn::transformer_encoder_layer<6, 2, 5>;
  using pre = nn::transformer_encoder_layer<6, 2, 5, nn::norm_order::pre>;
  using pre_decoder = nn::transformer_decoder_layer<6, 2, 5, nn::norm_order::pre>;
  const auto file = test::goldens("decoder");
  test::for_each_isa([&] {
    check_small<T, attention, x, memory>(file, "cross");
    check_small<T, causal<attention>, x>(file, "causal");
    check_small<T, pre, x>(file, "pre");
    check_small<T, causal<post>, x>(file, "causal layer");
    check_small<T, causal<pre>, x>(file, "causal pre");
    check_small<T, nn::transformer_decoder_layer<6, 2, 5>, x, memory>(file, "decoder");
    check_small<T, pre_decoder, x, memory>(file, "decoder pre");
    check_small<T, causal<pre_decoder>, x, memory>(file, "causal decoder");
    check_small<T, band<attention>, x, memory>(file, "banded cross");
    check_small<T, unpadded<attention>, x, memory>(file, "padded cross");
    check_small<T, unpadded<post>, x>(file, "padded layer");
    check_small<T, unpadded<nn::transformer_decoder_layer<6, 2, 5>>, x, memory>(file, "padded decoder");
    check_small<T, band<pre_decoder>, x, memory>(file, "masked decoder");
  });
}

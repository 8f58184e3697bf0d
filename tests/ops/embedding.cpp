// Rows looked up by their numbers, against PyTorch's (goldens/embedding.py), and the layer.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/nn/embedding.hpp>
#include <dcs/ops/linear/linear.hpp>
#include <dcs/ops/reduce/reduce.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

using sentence = shape<dyn<"n">, dyn<"l">>;

template <class S>
tensor<std::int64_t, S> golden_ids(const io::safetensors& file, const std::string& name) {
  return test::golden_tensor<std::int64_t, S>(file, name + "/ids");
}
template <class T, class S, class W>
void check_golden(const io::safetensors& file, const std::string& name) {
  const auto ids = golden_ids<S>(file, name);
  test::check_op<T, W>(file, name, {"weight"}, [&](const auto& weight) { return embedding(ids, weight); });
}
tensor<std::int64_t, sentence> some_ids(extent_t n, extent_t l, std::uint32_t count) {
  auto ids = tensor<std::int64_t, sentence>::empty({n, l});
  for (extent_t i = 0; i < ids.size(); ++i) ids.data()[i] = random_stream{3, count}.below(static_cast<std::uint64_t>(i), count);
  return ids;
}

}  // namespace

TEST_CASE_TEMPLATE("an embedding is PyTorch's, with the gradient of the table", T, float, double) {
  const auto file = test::goldens("embedding");
  check_golden<T, sentence, shape<7, 5>>(file, "words");
  check_golden<T, shape<1>, shape<1, 1>>(file, "one");
  check_golden<T, shape<2, 3, 2>, shape<11, 32>>(file, "wide");
  check_golden<T, shape<dyn<"n">, 2>, shape<4, 3>>(file, "none");
}

TEST_CASE("an embedding passes the gradient check: rows taken often, once and never") {
  const auto weight = random_normal<double, shape<6, 3>>({6, 3}, {1, 1});
  for (extent_t n : {0, 1, 2, 5})
    for (extent_t l : {1, 2, 3, 7, 16}) {
      CAPTURE(n);
      CAPTURE(l);
      const auto ids = some_ids(n, l, 6);
      CHECK(gradcheck([&](const auto& w) { return embedding(ids, w); }, {2, 2}, 18, weight) < 1e-6);
    }
}

TEST_CASE("an id that is no row of the table is said, with its place") {
  const auto weight = tensor<float, shape<6, 3>>::zeros();
  auto ids = tensor<std::int64_t, shape<2, 2>>::zeros();
  ids(1, 0) = 6;
  CHECK_THROWS_WITH_AS(embedding(ids, weight), "dcs::embedding: id 6 at place 2 of the ids; expected 0 to 5, the rows of the table", error);
  ids(1, 0) = -1;
  CHECK_THROWS_WITH_AS(embedding(ids, weight), doctest::Contains("id -1 at place 2"), error);
}

namespace {
// A classifier of sentences' words.
struct tagger {
  nn::embedding<10, 4> words;
  parameter<shape<4, 2>, init::uniform_fan_in<4>> out;
  DCS_MEMBERS(words, out)
  template <operand Ids>
  constexpr auto operator()(const Ids& ids) const {
    const auto x = words(ids);
    return linear(x, out.as(x));
  }
};
static_assert(parameters<tagger> == 48 && macs<tagger, shape<2, 5>> == 2 * 5 * 4 * 2);
}  // namespace

TEST_CASE("the layer: a tensor of ids is inference, a var training; its weight is named and begins as PyTorch's") {
  tagger net;
  initialize(net, 1);
  CHECK(named_parameters(net)[0].name == "words.weight");
  const auto ids = some_ids(3, 5, 10);
  const auto y = net(ids);
  static_assert(std::is_same_v<decltype(y), const tensor<float, shape<dyn<"n">, dyn<"l">, 2>>>);
  const auto recorded = net(var(ids));
  CHECK(std::equal(y.values().begin(), y.values().end(), recorded.value().values().begin()));
  backward(sum_all(recorded));
  CHECK(net.words.weight.gradient());

  nn::embedding<2000, 8> wide;
  initialize<double>(wide, 5);
  double sum = 0, squares = 0;
  for (extent_t i = 0; i < wide.weight.size(); ++i) sum += wide.weight.data<double>()[i], squares += std::pow(wide.weight.data<double>()[i], 2);
  CHECK(std::abs(sum / 16000) < 0.03);
  CHECK(std::abs(squares / 16000 - 1) < 0.04);
  const auto like = tensor<double, shape<>>();
  CHECK(wide(ids, like)(1, 2, 3) == wide.weight.data<double>()[8 * ids(1, 2) + 3]);
}

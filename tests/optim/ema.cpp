// Averaged weights: the recursion by hand, their place in the network and back, and what a checkpoint says of them.
#include <dcs/nn/layers.hpp>
#include <dcs/optim/ema.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

struct net {
  nn::conv2d<2, 3, 1, 1, 0, 1, false> conv;
  nn::batch_norm<3> norm;
  DCS_MEMBERS(conv, norm)
};

template <class T>
std::vector<T> weights_of(net& n) {
  std::vector<T> all;
  for (const auto& p : named_parameters(n)) all.insert(all.end(), p.parameter->data<T>(), p.parameter->data<T>() + p.parameter->size());
  return all;
}
template <class T>
void set_weights(net& n, std::uint64_t k) {
  std::uint64_t at = 0;
  for (const auto& p : named_parameters(n))
    for (extent_t i = 0; i < p.parameter->size(); ++i) p.parameter->data<T>()[i] = static_cast<T>(random_stream{k, 1}.uniform(at++));
}
template <class T>
std::vector<T> averages_of(net& n, ema& e) {
  const averaged_weights<cpu_device> in_place(e);
  return weights_of<T>(n);
}

template <class T>
void check_recursion(double decay) {
  net n;
  initialize<T>(n, 5);
  ema e(named_parameters(n), decay);
  const auto first = weights_of<T>(n);
  CHECK(averages_of<T>(n, e) == first);
  std::vector<double> wanted(first.begin(), first.end());
  for (std::uint64_t k = 0; k < 30; ++k) {
    set_weights<T>(n, k);
    const auto now = weights_of<T>(n);
    e.update();
    const double kept = std::min(decay, (1 + static_cast<double>(k)) / (10 + static_cast<double>(k)));
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = kept * wanted[i] + (1 - kept) * static_cast<double>(now[i]);
    CHECK(weights_of<T>(n) == now);
  }
  CHECK(e.updates() == 30);
  const auto found = averages_of<T>(n, e);
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(std::abs(static_cast<double>(found[i]) - wanted[i]) < (sizeof(T) == 8 ? 1e-14 : 1e-6));
}

template <class Change>
void loading_says(const Change& change, const char* text) {
  net n;
  initialize(n, 5);
  ema e(named_parameters(n), 0.9);
  set_weights<float>(n, 1);
  e.update();
  io::safetensors file;
  e.save(file);
  const auto averages = averages_of<float>(n, e);
  change(file);
  CHECK_THROWS_WITH_AS(e.load(file), doctest::Contains(text), error);
  CHECK(averages_of<float>(n, e) == averages);  // as it was
  CHECK(e.updates() == 1);
}

}  // namespace

TEST_CASE("averages follow weights and running statistics; the first weights are forgotten quickly") {
  for (const double decay : {0.0, 0.5, 0.999}) check_recursion<double>(decay), check_recursion<float>(decay);
}

TEST_CASE("weights that stay are their own average, to the bit") {
  net n;
  initialize(n, 5);
  set_weights<float>(n, 2);
  ema e(named_parameters(n), 0.99);
  for (int k = 0; k < 20; ++k) e.update();
  CHECK(averages_of<float>(n, e) == weights_of<float>(n));
}

TEST_CASE("an evaluation with averages gives the weights back, where it fails too") {
  net n;
  initialize(n, 5);
  ema e(named_parameters(n), 0.9);
  set_weights<float>(n, 1);
  e.update();
  const auto before = weights_of<float>(n);
  const void* memory = n.conv.weight.memory().data();
  try {
    const averaged_weights<cpu_device> in_place(e);
    CHECK(weights_of<float>(n) != before);
    CHECK(n.conv.weight.memory().data() == memory);  // captured steps know it
    CHECK_THROWS_WITH_AS(e.update(), doctest::Contains("an update while averages stand in the network's place"), error);
    io::safetensors file;
    CHECK_THROWS_WITH_AS(e.save(file), doctest::Contains("saving while"), error);
    CHECK_THROWS_WITH_AS(averaged_weights<cpu_device>{e}, doctest::Contains("an evaluation while"), error);
    fail("an evaluation that fails");
  } catch (const error& x) {
    CHECK(std::string(x.what()) == "an evaluation that fails");
  }
  CHECK(weights_of<float>(n) == before);
  e.update();
}

TEST_CASE("saved averages go on to the same bits, in PyTorch's layouts") {
  net a, b;
  initialize(a, 5), initialize(b, 6);
  ema one(named_parameters(a), 0.9), other(named_parameters(b), 0.9);
  const auto step = [](net& n, ema& e, std::uint64_t k) { set_weights<float>(n, k), e.update(); };
  for (std::uint64_t k = 0; k < 3; ++k) step(a, one, k);
  io::safetensors file;
  one.save(file);
  CHECK(file.metadata.at("ema_updates") == "3");
  CHECK(file.at("ema/conv.weight").shape == std::vector<std::int64_t>{3, 2, 1, 1});
  CHECK(file.tensors.size() == named_parameters(a).size());
  other.load(file);
  step(a, one, 9), step(b, other, 9);
  CHECK(averages_of<float>(a, one) == averages_of<float>(b, other));
}

TEST_CASE("what a checkpoint says of averages is checked, and nothing changes where it is wrong") {
  loading_says([](io::safetensors& f) { f.metadata.erase("ema_updates"); }, "there are no averaged weights in the checkpoint");
  loading_says([](io::safetensors& f) { f.metadata["ema_updates"] = "-1"; }, "ema_updates is -1; expected a whole number from 0");
  loading_says([](io::safetensors& f) { f.tensors.erase("ema/norm.bias"); }, "the file lacks ema/norm.bias");
  const float one[] = {1, HUGE_VALF, 1}, negative[] = {1, -1, 1};
  loading_says([&](io::safetensors& f) { f.put("ema/other", {1}, one); }, "ema/other belongs to no parameter");
  loading_says([&](io::safetensors& f) { f.put("ema/norm.bias", {1}, one); }, "ema/norm.bias has shape [1]; expected [3]");
  loading_says([&](io::safetensors& f) { f.put("ema/norm.bias", {3}, one); }, "ema/norm.bias contains inf");
  loading_says([&](io::safetensors& f) { f.put("ema/norm.running_var", {3}, negative); }, "ema/norm.running_var contains -1");
}

TEST_CASE("a decay that is none, and a network without memory, are said") {
  net n;
  CHECK_THROWS_WITH_AS(ema(named_parameters(n), 0.9), doctest::Contains("does not lie on the device"), error);
  initialize(n, 1);
  CHECK_THROWS_WITH_AS(ema(named_parameters(n), 1.0), doctest::Contains("decay is 1"), error);
  CHECK_THROWS_WITH_AS(ema(named_parameters(n), -0.1), doctest::Contains("decay is -0.1"), error);
  CHECK_THROWS_WITH_AS(ema(named_parameters(n), std::nan("")), doctest::Contains("decay is nan"), error);
}

// Recording and backward passes on several threads: values passed between threads, independent networks, one network or leaves shared.
#include <dcs/dcs.hpp>
#include <dcs/expr/gradcheck.hpp>
#include <dcs/optim/adamw.hpp>

#include <doctest/doctest.h>

#include <thread>

using namespace dcs;

namespace {

using S = shape<dyn<"n">, 4>;
using leaf_type = var<float, S>;

leaf_type ones(extent_t n) { return leaf_type::leaf(tensor<float, S>::full({n, 4}, 1)); }

template <class Body>
void on_threads(int count, const Body& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  for (auto& t : threads) t.join();
}

struct net_type {
  nn::linear<8, 16> first;
  nn::batch_norm<16> norm;
  nn::channel_dropout dropout{0.3};
  nn::linear<16, 8> second;
  DCS_MEMBERS(first, norm, second)
  template <operand X>
  auto operator()(const X& x) const {
    return second(dropout(eval(relu(norm(first(x))))));
  }
};
using images = shape<dyn<"n">, 3, 3, 8>;

tensor<float, images> images_of(int i) { return random_normal<float, images>({5, 3, 3, 8}, {21, static_cast<std::uint64_t>(i)}); }
void send_back(const net_type& net, int i) {
  const random_scope scope(7, static_cast<std::uint64_t>(i));
  backward(sum_all(square(net(var<float, images>(images_of(i))))));
}
std::vector<float> numbers_of(const net_type& net) {
  std::vector<float> all;
  for_each_parameter(net, [&](const std::string&, const parameter_base& p) {
    const auto add = [&](const storage& s) {
      if (const auto* x = static_cast<const float*>(s.data())) all.insert(all.end(), x, x + p.size());
    };
    add(p.memory());
    if (p.has_gradient()) add(p.gradient());
  });
  return all;
}

}  // namespace

TEST_CASE("a record may begin on one thread and continue on others, started before or after it") {
  for (const int chain : {0, 1, 30}) {
    auto leaf = ones(3);
    auto x = eval(leaf * 2.0f);
    for (int i = 0; i < chain; ++i) x = eval(x * 1.0f);
    leaf_type y, z;
    std::thread([&] { y = eval(x * 3.0f + x); }).join();
    std::thread([&] { z = eval(y * 1.0f + leaf); }).join();
    const auto here = sum_all(z + x * 5.0f);
    std::thread([&] { backward(here); }).join();
    REQUIRE(leaf.has_grad());
    CHECK(leaf.grad()(1, 1) == 2 * (3 + 1 + 5) + 1);
  }
}

TEST_CASE("threads that share leaves lose no gradient, small or large") {
  constexpr int count = 4, times = 50;
  auto small = ones(1), large = ones(20'000);  // the large one's sums are loops of the pool
  on_threads(count, [&](int i) {
    for (int k = 0; k < times; ++k) {
      backward(sum_all(small * static_cast<float>(1 + i)));
      if (k % 10 == 0) backward(sum_all(large * static_cast<float>(1 + i) + large * large));
    }
  });
  for (extent_t j = 0; j < 4; ++j) CHECK(small.grad()(0, j) == times * (1 + 2 + 3 + 4));
  bool all = true;
  for (extent_t i = 0; i < large.size(); ++i) all = all && large.grad().data()[i] == times / 10 * (1 + 2 + 3 + 4 + 2 * count);
  CHECK(all);
}

TEST_CASE("tasks of a parallel loop may run backward passes into leaves that other threads share") {
  auto leaf = ones(20'000);
  std::thread beside([&] {
    for (int k = 0; k < 10; ++k) backward(sum_all(leaf * 2.0f));
  });
  cpu::parallel_for(8, [&](std::int64_t) { backward(sum_all(leaf * 3.0f)); });
  beside.join();
  CHECK(leaf.grad()(19'999, 3) == 2 * 10 + 3 * 8);
}

TEST_CASE("of passes on several threads that share a recorded value, one succeeds and the others throw") {
  for (int round = 0; round < 50; ++round) {
    auto leaf = ones(2);
    const auto shared = eval(leaf * 2.0f);
    std::atomic<int> errors{0}, others{0};
    std::atomic<int> ready{0};
    on_threads(3, [&](int) {
      const auto y = sum_all(shared * 3.0f);
      ++ready;
      while (ready < 3) std::this_thread::yield();
      try {
        backward(y);
      } catch (const error& e) {
        ++(std::string(e.what()).find("used up") != std::string::npos ? errors : others);
      }
    });
    CHECK(errors == 2);
    CHECK(others == 0);
    CHECK(leaf.grad()(1, 1) == 6);
  }
}

TEST_CASE("networks that are trained side by side have the bits of networks that are trained one after the other") {
  constexpr int count = 3, steps = 5;
  const auto train = [](net_type& net, int i) {
    adamw optimizer(named_parameters(net), {1e-2, 0.9, 0.999, 1e-8, 0, 0});
    for (int k = 0; k < steps; ++k) {
      optimizer.clear_gradients();
      send_back(net, 10 * i + k);
      optimizer.step();
    }
  };
  std::array<net_type, count> alone, together;
  for (int i = 0; i < count; ++i) {
    initialize(alone[static_cast<std::size_t>(i)], 3), initialize(together[static_cast<std::size_t>(i)], 3);
    train(alone[static_cast<std::size_t>(i)], i);
  }
  on_threads(count, [&](int i) { train(together[static_cast<std::size_t>(i)], i); });
  for (std::size_t i = 0; i < count; ++i) CHECK(numbers_of(together[i]) == numbers_of(alone[i]));
}

TEST_CASE("two threads that train one network add the gradients of both, with the same bits each time") {
  const auto gradients = [](bool at_once) {
    net_type net;
    initialize(net, 3);
    if (at_once)
      on_threads(2, [&](int i) { send_back(net, i); });
    else
      send_back(net, 0), send_back(net, 1);
    std::vector<float> all;
    for_each_parameter(net, [&](const std::string&, const parameter_base& p) {
      if (p.has_gradient()) {
        const auto* g = static_cast<const float*>(p.gradient().data());
        all.insert(all.end(), g, g + p.size());
      }
      if (p.is_buffer()) CHECK(std::all_of(p.data<float>(), p.data<float>() + p.size(), [](float x) { return std::isfinite(x); }));
    });
    return all;
  };
  const auto wanted = gradients(false);
  REQUIRE(!wanted.empty());
  for (int round = 0; round < 5; ++round) CHECK(gradients(true) == wanted);  // of two numbers, a + b is b + a
}

// A network of three parameters with gradients of its own choice, and an optimiser of it on a device against the host's.
#pragma once

#include <dcs/optim/basic_optimizer.hpp>

#include "../cuda/compare.hpp"

namespace optimiser_test {

using namespace dcs;
using kernel_test::target;

// Measured against wanted, relative to what is wanted whatever its size.
template <class T>
bool near(double measured, double wanted) {
  return std::abs(measured - wanted) <= (sizeof(T) == 8 ? 1e-12 : 1e-6) * std::abs(wanted);
}

struct net {
  parameter<shape<3, 5>, init::he_normal<3>> weight;
  parameter<shape<70>, init::normal<500>> bias, unused;
  DCS_MEMBERS(weight, bias, unused)
};

template <class D, class T>
void give_gradients(net& n, double scale) {
  const auto loss_of = [&](const auto& p) {
    using P = std::remove_cvref_t<decltype(p)>;
    using S = typename P::shape_type;
    const auto x = p.as(var<T, S, D>());
    backward(x, to<D>(random_normal<T, S>(S::extents, {7, static_cast<std::uint64_t>(S::rank)}, scale)));
  };
  loss_of(n.weight), loss_of(n.bias);
}

template <class D, class T, class P>
std::vector<T> host_values(const P& p) {
  std::vector<T> v(static_cast<std::size_t>(p.size()));
  D::copy_to_host(v.data(), p.memory().data(), p.size() * static_cast<extent_t>(sizeof(T)));
  return v;
}

template <class T>
void put_on_device(net& n, const net& from) {
  const auto put = [](auto& to, const auto& source) {
    to.template allocate<T, target>();
    target::copy_from_host(to.memory().data(), source.memory().data(), to.memory().bytes());
  };
  put(n.weight, from.weight), put(n.bias, from.bias), put(n.unused, from.unused);
}

// Five steps on both; the device's optimiser is saved and loaded on the way.
template <class Rule, class T>
void compare_optimisers(const typename Rule::options_type& options) {
  net host, other;
  initialize<T>(host, 5);
  put_on_device<T>(other, host);
  const auto before = host_values<cpu_device, T>(host.unused);
  basic_optimizer<Rule, cpu_device> a(named_parameters(host), options);
  auto b = std::make_unique<basic_optimizer<Rule, target>>(named_parameters(other), options);
  CHECK(b->gradient_norm() == 0);
  for (int step = 0; step < 5; ++step) {
    a.clear_gradients(), b->clear_gradients();
    const double scale = step % 2 == 0 ? 0.01 : 3;
    give_gradients<cpu_device, T>(host, scale), give_gradients<target, T>(other, scale);
    const double norm = a.step();
    CHECK(near<T>(b->step(), norm));
    if (step == 2) {
      io::safetensors file;
      b->save(file);
      b = std::make_unique<basic_optimizer<Rule, target>>(named_parameters(other), options);
      b->load(file);
    }
  }
  const double tolerance = sizeof(T) == 8 ? 1e-12 : 1e-6;
  const auto compare = [&](const auto& p, const auto& q) {
    const auto x = host_values<cpu_device, T>(p), y = host_values<target, T>(q);
    for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::abs(x[i] - y[i]) < tolerance);
  };
  compare(host.weight, other.weight), compare(host.bias, other.bias);
  CHECK(host_values<target, T>(other.unused) == before);
  CHECK(host_values<target, T>(other.bias) != before);
  a.clear_gradients(), b->clear_gradients();
  give_gradients<target, T>(other, HUGE_VAL);
  const auto still = host_values<target, T>(other.bias);
  CHECK_THROWS_WITH_AS(b->step(), doctest::Contains("norm"), error);
  CHECK(host_values<target, T>(other.bias) == still);
}

}  // namespace optimiser_test

// A training step of a network in double on a device, of any sizes or of fixed ones, against the host's.
#pragma once

#include "small.hpp"

#include <dcs/kernels.cuh>
#include <dcs/models/dcsnet/fixed_size.cuh>
#include <dcs/train/captured_step.hpp>

#include <doctest/doctest.h>

namespace device_step {

using namespace dcs;
using user::images, user::options, user::terms;
using emulated = cuda::emulated;

template <class D, class T>
std::vector<T> on_host(const storage& s) {
  std::vector<T> v(static_cast<std::size_t>(s.bytes()) / sizeof(T));
  D::copy_to_host(v.data(), s.data(), s.bytes());
  return v;
}
inline double norm(const std::vector<double>& v) {
  double squares = 0;
  for (double x : v) squares += x * x;
  return std::sqrt(squares);
}
/// Relative to what is wanted, or to `least` where that is less.
inline double difference(const std::vector<double>& measured, const std::vector<double>& wanted, double least = 1e-15) {
  REQUIRE(measured.size() == wanted.size());
  double error = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) error += std::pow(measured[i] - wanted[i], 2);
  return std::isfinite(error) ? std::sqrt(error) / std::max(norm(wanted), least) : HUGE_VAL;
}

/// A network on D in double, with the weights that the seed gives.
template <class Net, class D>
std::unique_ptr<Net> network() {
  auto net = std::make_unique<Net>();
  initialize<double>(*net, 3);
  if constexpr (!std::is_same_v<D, cpu_device>) to_device<D>(*net);
  return net;
}

struct step_result {
  std::vector<double> losses;
  std::map<std::string, std::vector<double>> gradients, values;
};
/// train_step, or with `Fixed` the step of fixed sizes.
template <class D, bool Fixed = false, class Net>
step_result step(Net& net) {
  step_result r;
  basic_adamw<D> optimizer(named_parameters(net));
  random_stream random{5, 1, 9};
  if constexpr (Fixed) {
    const auto shift = storage::allocate<D>(sizeof random.shift);
    D::copy_from_host(shift.data(), &random.shift, sizeof random.shift);
    random.shift = 0, random.shift_at = static_cast<const std::uint64_t*>(shift.data());
    fixed_batch<D, double> b(2, 64, 64, 3);
    fill(b, staged<double>(images(2), 3));
    fixed_losses<D, double, Net> losses;
    fixed_train_step(net, b, options(), random, losses);
    r.losses = terms(losses.read());
  } else {
    r.losses = terms(train_step<precision<D, double>>(net, images(2), options(), random));
  }
  for_each_parameter(net, [&](const std::string& name, const parameter_base& p) {
    if (p.has_gradient()) r.gradients[name] = on_host<D, double>(p.gradient());
  });
  r.losses.push_back(optimizer.step());
  for_each_parameter(net, [&](const std::string& name, const parameter_base& p) { r.values[name] = on_host<D, double>(p.memory()); });
  return r;
}

inline void check_equal(const step_result& measured, const step_result& wanted) {
  CHECK(wanted.losses[9] >= 2);  // regions, so that the head has learned
  for (std::size_t i = 0; i < wanted.losses.size(); ++i) {
    CAPTURE(i);
    CHECK(measured.losses[i] == doctest::Approx(wanted.losses[i]).epsilon(1e-6));
  }
  CHECK(wanted.gradients.size() == measured.gradients.size());
  CHECK(wanted.gradients.size() > 100);
  double all = 0;
  for (const auto& [name, gradient] : wanted.gradients) all = std::hypot(all, norm(gradient));
  for (const auto& entry : wanted.gradients) {
    const auto& name = entry.first;
    const auto& gradient = entry.second;
    CAPTURE(name);
    REQUIRE(measured.gradients.count(name) == 1);
    // A bias before a batch norm has no gradient but rounding: 1e-17 of all.
    CHECK(difference(measured.gradients.at(name), gradient, 1e-9 * all) < 1e-6);
  }
  for (const auto& entry : wanted.values) {
    CAPTURE(entry.first);
    CHECK(difference(measured.values.at(entry.first), entry.second) < 1e-6);
  }
}

}  // namespace device_step

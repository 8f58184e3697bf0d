// An op against its golden values and gradients: entries NAME/<input>, NAME/y, NAME/dy, NAME/d<input>, as the function `case` of goldens/write.py
// writes them.
#pragma once

#include <dcs/expr/pointwise.hpp>

#include "../every_isa.hpp"
#include "goldens.hpp"

#include <doctest/doctest.h>

namespace dcs::test {

/// An entry as a tensor of shape S, whose dynamic extents are the file's.
template <class T, class S>
tensor<T, S> golden_tensor(const io::safetensors& file, const std::string& name) {
  const auto& stored = file.at(name);
  expect(stored.shape.size() == static_cast<std::size_t>(S::rank), name, ": rank ", stored.shape.size(), "; expected ", S::rank);
  sizes<S::rank> n{};
  for (std::size_t i = 0; i < n.size(); ++i) n[i] = stored.shape[i];
  return tensor<T, S>::from(stored.as<T>(), n);
}

/// relative_error of a tensor against an entry; infinity if their sizes differ.
template <class T, class S>
double golden_error(const tensor<T, S>& found, const io::safetensors& file, const std::string& name) {
  const auto& wanted = file.at(name);
  if (!found.defined() || wanted.shape != std::vector<extent_t>(found.sizes().begin(), found.sizes().end())) return HUGE_VAL;
  return relative_error(std::vector<T>(found.data(), found.data() + found.size()), wanted.as<double>());
}

/// Checks f of the inputs (S: their shapes), once with tensors and once with vars: the value, and with vars the gradient of every input.
template <class T, class... S, class F>
void check_op(const io::safetensors& file, const std::string& name, const std::array<const char*, sizeof...(S)>& inputs, const F& f,
              double bound = tolerance<T>) {
  CAPTURE(name);
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto x = std::tuple(golden_tensor<T, S>(file, name + "/" + inputs[I])...);
    CHECK(golden_error(eval(f(std::get<I>(x)...)), file, name + "/y") < bound);
    const auto leaves = std::tuple(var<T, S>::leaf(std::get<I>(x))...);
    const auto y = eval(f(std::get<I>(leaves)...));
    CHECK(golden_error(y.value(), file, name + "/y") < bound);
    backward(y, golden_tensor<T, shape_t<decltype(y)>>(file, name + "/dy"));
    auto check_gradient = [&](const std::string& input, const auto& gradient) {
      CAPTURE(input);
      CHECK(golden_error(gradient, file, name + "/d" + input) < bound);
    };
    (check_gradient(inputs[I], std::get<I>(leaves).grad()), ...);
  }
  (std::index_sequence_for<S...>{});
}

}  // namespace dcs::test

// A network against PyTorch's values of it: what tests/goldens/networks.py writes, by the program compare_reference's own measure.
#pragma once

#include "../compare/outcome.hpp"
#include "../ops/goldens.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace network_test {

using namespace dcs;

/// Every entry of some groups of a file, each of which must have entries: f64 within 1e-6, f32 forward within 1e-4.
inline void check_values(const io::safetensors& file, const compare::variant& net, std::initializer_list<const char*> groups) {
  auto in_double = net.in_double(file), in_float = net.in_float(file);
  std::map<std::string, int> seen;
  for (const auto& c : compare::compare_entries(file, in_double, in_float)) {
    if (std::none_of(groups.begin(), groups.end(), [&](const char* group) { return compare::group_of(c.name) == group; })) continue;
    CAPTURE(c.name);
    CHECK(c.f64 <= 1e-6);
    if (!c.printed_only) CHECK(c.f32 <= (c.gradient ? 1e-2 : 1e-4));
    ++seen[compare::group_of(c.name)];
  }
  for (const char* group : groups) CHECK(seen[group] > 0);
  // A gradient that is off by a little more than is allowed is found, and one that is not there. The largest: that of a bias before a norm is 0.
  auto& largest = *std::max_element(in_double.begin(), in_double.end(), [](const auto& x, const auto& y) {
    const auto size = [](const auto& entry) { return entry.first.starts_with("grad/") ? compare::norm(entry.second) : -1; };
    return size(x) < size(y);
  });
  const std::string& name = largest.first;
  std::vector<double>& values = largest.second;
  const auto failures = [&] {
    const auto all = compare::compare_entries(file, in_double, in_float);
    return std::count_if(all.begin(), all.end(), [&](const auto& c) { return c.name == name && c.failed(); });
  };
  REQUIRE(file.contains(name));
  CHECK(failures() == 0);
  for (double& v : values) v *= 1 + 1.2e-6;
  CHECK(failures() == 1);
  values.pop_back();
  CHECK(failures() == 1);
}

/// The weights of a file are in `written` too, and no others: the same names, shapes and bytes.
inline void check_written(const io::safetensors& file, const io::safetensors& written) {
  std::size_t count = 0;
  for (const auto& entry : file.tensors) {
    const std::string& name = entry.first;
    const io::stored_tensor& t = entry.second;
    if (!name.starts_with("weight/")) continue;
    ++count;
    CAPTURE(name);
    REQUIRE(written.contains(name.substr(7)));
    const io::stored_tensor& w = written.at(name.substr(7));
    CHECK(w.shape == t.shape);
    CHECK(w.as<float>() == t.as<float>());
  }
  CHECK(count > 10);
  CHECK(written.tensors.size() == count);
}

/// A state dict that PyTorch wrote is loaded whole, and written back under the same names and in the same layouts.
template <class Net>
void check_state_dict(const io::safetensors& file) {
  auto net = std::make_unique<Net>();
  initialize(*net, 0);
  compare::load_weights(*net, file);
  io::safetensors written;
  save_state_dict(*net, written);
  check_written(file, written);
}

}  // namespace network_test

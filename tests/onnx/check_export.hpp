// What the tests of the export share: networks with numbers that show a mistake, a reader of the bytes, and cases for onnxruntime. Where the
// environment names a folder DCS_ONNX_CASES, each case is written there as NAME.onnx with its inputs and what dcs computes from them,
// NAME.in.INPUT.npy and NAME.out.OUTPUT.npy, which compare.py passes through onnxruntime.
#pragma once

#include <dcs/dcs.hpp>
#include <dcs/io/npy.hpp>
#include <dcs/nn/state_dict.hpp>
#include <dcs/onnx/export.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>

namespace check {

using namespace dcs;

/// For a call that uses no parameter.
struct nothing {
  template <class Visit>
  constexpr void members(Visit&&) const {}
};

/// Initialised, and with biases, norms and statistics that are nowhere 0 or 1 by construction.
template <class Net>
void randomize(Net& net) {
  initialize(net, 3);
  std::uint64_t stream = 1;
  for (const auto& p : named_parameters(net)) {
    const random_stream random{17, stream++};
    const bool variance = p.name.ends_with("running_var");
    if (p.parameter->description().stored.stored_rank != 1) continue;
    for (extent_t i = 0; i < p.parameter->size(); ++i) {
      float& x = p.parameter->template data<float>()[i];
      x += 0.1f * static_cast<float>(random.normal(static_cast<std::uint64_t>(i)));
      if (variance) x = std::abs(x) + 0.5f;
    }
  }
}

/// The fields of a message of protocol buffers: for each number the texts, or integers as decimal texts. Throws where the bytes are none.
inline std::multimap<int, std::string> fields(std::string_view bytes) {
  std::multimap<int, std::string> all;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t x = 0;
    for (int shift = 0;; shift += 7) {
      expect(at < bytes.size() && shift < 64, "the message ends within a number");
      const auto b = static_cast<unsigned char>(bytes[at++]);
      x |= static_cast<std::uint64_t>(b & 127) << shift;
      if (b < 128) return x;
    }
  };
  while (at < bytes.size()) {
    const std::uint64_t key = varint();
    const int number = static_cast<int>(key >> 3), type = static_cast<int>(key & 7);
    if (type == 0) {
      all.emplace(number, std::to_string(static_cast<std::int64_t>(varint())));
      continue;
    }
    expect(type == 2 || type == 5, "wire type ", type);
    const std::uint64_t length = type == 5 ? 4 : varint();
    expect(length <= bytes.size() - at, "the message ends within a field");
    all.emplace(number, std::string(bytes.substr(at, length)));
    at += length;
  }
  return all;
}
inline std::string field(std::string_view bytes, int number) {
  const auto all = fields(bytes);
  const auto it = all.find(number);
  expect(it != all.end(), "a message has no field ", number);
  return it->second;
}

/// A file that was read back: kinds of nodes in order, and names of inputs, outputs and initialisers.
struct contents {
  std::vector<std::string> operators, inputs, outputs, initialisers;
  std::map<std::string, std::string> data, dims;  // of initialisers; dims as "2 3 "
};
inline contents read(std::string_view model) {
  contents c;
  expect(field(model, 1) == "8" && field(field(model, 8), 2) == "17", "IR version and opset");
  std::map<std::string, int> made;
  for (const auto& [number, bytes] : fields(field(model, 7))) {
    if (number == 1) {
      c.operators.push_back(field(bytes, 4));
      const auto all = fields(bytes);
      for (auto [it, end] = all.equal_range(2); it != end; ++it) expect(made[it->second]++ == 0, "a value is made twice: ", it->second);
    } else if (number == 5) {
      const std::string name = field(bytes, 8);
      c.initialisers.push_back(name), c.data[name] = field(bytes, 9);
      const auto all = fields(bytes);
      for (auto [it, end] = all.equal_range(1); it != end; ++it) c.dims[name] += it->second + " ";
      expect(made[name]++ == 0, "an initialiser has the name of another value: ", name);
    } else if (number == 11 || number == 12) {
      (number == 11 ? c.inputs : c.outputs).push_back(field(bytes, 1));
    }
  }
  return c;
}
inline int times(const contents& c, const std::string& op) { return static_cast<int>(std::count(c.operators.begin(), c.operators.end(), op)); }

/// The folder and name that the files of a case begin with; empty where no cases are written.
inline std::string case_prefix(const std::string& name) {
  const char* folder = std::getenv("DCS_ONNX_CASES");
  return folder ? std::string(folder) + "/" + name : std::string();
}
template <class X>
void write_results(const std::string& prefix, const std::vector<std::string>& names, std::size_t& next, const X& x) {
  if constexpr (expression<X> || is_tensor_v<X>)
    io::write_npy(prefix + ".out." + names[next++] + ".npy", eval(x));
  else
    std::apply([&](const auto&... part) { (write_results(prefix, names, next, part), ...); }, x);
}
template <class S>
tensor<float, S> example(const std::string& name) {
  sizes<S::rank> n;
  for (std::size_t i = 0; i < n.size(); ++i) n[i] = is_static(S::extents[i]) ? static_cast<extent_t>(S::extents[i]) : 2;
  return random_normal<float, S>(n, {29, dcs::detail::label_of(name)});
}

/// Exports call(net, inputs...), reads the bytes back and returns what is in them. As a case for onnxruntime the inputs are random; a named first
/// extent is 2, which is not what it is while the network is traced.
template <class Net, class Call, class... S, class... T>
contents exported(const std::string& name, const Net& net, const Call& call, const std::vector<std::string>& outputs,
                  const onnx::input<S, T>&... in) {
  const std::string bytes = onnx::model_of(net, call, outputs, in...);
  if (const std::string prefix = case_prefix(name); !prefix.empty()) {
    io::write_bytes(prefix + ".onnx", "test", bytes);
    const std::tuple<tensor<float, S>...> x{example<S>(in.name)...};
    std::apply([&](const auto&... t) { (io::write_npy(prefix + ".in." + in.name + ".npy", t), ...); }, x);
    std::size_t next = 0;
    write_results(prefix, outputs, next, std::apply([&](const auto&... t) { return call(net, t...); }, x));
  }
  return read(bytes);
}
/// The same of a call without parameters and with one result.
template <class Call, class... S, class... T>
contents exported(const std::string& name, const Call& call, const onnx::input<S, T>&... in) {
  return exported(
      name, nothing{}, [&](const nothing&, const auto&... x) { return call(x...); }, {"result"}, in...);
}
template <class Net, class... S, class... T>
contents exported_network(const std::string& name, const Net& net, const std::vector<std::string>& outputs, const onnx::input<S, T>&... in) {
  return exported(
      name, net, [](const auto& n, const auto&... x) { return n(x...); }, outputs, in...);
}

}  // namespace check

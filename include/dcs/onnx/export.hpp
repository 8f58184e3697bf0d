// Export of any network to an ONNX file (opset 17), without a library:
//
//     #include <dcs/onnx/export.hpp>
//     onnx::save("unet.onnx", net, {"logits"}, onnx::input<shape<dyn<"batch">, 256, 256, 3>>("image"));
//
// How it works. A tensor's device is part of its type, and an op finds its kernel by it. onnx::device (device.hpp) is one more device, whose kernels
// compute nothing: each appends the nodes that compute what it would (pointwise.hpp, copies.hpp, ops.hpp), and the memory of a tensor stands for a
// value of the graph. So a module is exported by calling it with such tensors, and needs nothing for it; its own ops join by an entry point in
// namespace dcs::onnx, found as that of a GPU is. No graph of modules has to be understood, and an op that has no such entry point is a compile-time
// error.
//
// What the file has. Inputs and outputs are channels-last as dcs' tensors are; transpositions stand where ONNX wants channels first, and cancel
// between two such ops. Parameters are initialisers of f32 under the names of the state dict, in the layout that their node takes. Sizes are those of
// the inputs' shapes; the first extent of an input may have a name, and is then chosen when the graph runs. Every parameter that the call uses is
// written once, or, where nodes take it in two layouts, once in each: the second has a number behind the name. Values agree with dcs' up to the
// rounding of other kernels.
//
// A network whose host code chooses by values, as a detector chooses boxes, cannot be traced through that choice (a dcs::error says so). Such stages
// are written as nodes by hand: detection.hpp has those of a detector, dcsnet.hpp and mask_rcnn.hpp the whole networks.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/io/file.hpp>
#include <dcs/nn/module.hpp>
#include <dcs/onnx/ops.hpp>
#include <dcs/onnx/refused.hpp>

#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs::onnx {

/// In place of a size: any, chosen when the graph runs.
inline constexpr extent_t any_size = -1;

/// An input of the graph: a tensor of shape S under a name. Its extents are numbers, but the first may have a name, and is then of any size; or sizes
/// are passed for a shape of names, as those of image_shape, {1, 256, 256, 3}, of which the first may be any_size.
template <class S, class T = float>
struct input {
  std::string name;
  sizes<S::rank> size;
  explicit input(std::string n, const sizes<S::rank>& s = any()) : name(std::move(n)), size(s) {}

 private:
  static constexpr sizes<S::rank> any() {
    sizes<S::rank> s{};
    for (std::size_t i = 0; i < s.size(); ++i) s[i] = is_static(S::extents[i]) ? static_cast<extent_t>(S::extents[i]) : any_size;
    return s;
  }
};

namespace detail {

template <class S, class T>
tensor<T, S, device> add_input(graph& g, const input<S, T>& in) {
  sizes<S::rank> n = in.size;
  int free = -1;
  std::string free_name;
  for (std::size_t i = 0; i < n.size(); ++i) {
    if (n[i] != any_size) continue;
    expect(i == 0, "dcs::onnx: axis ", i, " of the input ", in.name, " is ", to_string(S::extents[i]),
           "; expected a number: only the first axis is chosen when the graph runs");
    n[i] = traced_extent, free = 0, free_name = to_string(S::extents[i]);
  }
  return tensor_of<S, T>(g.input(in.name, element_of<T>, {n.begin(), n.end()}, free, free_name), n);
}

template <class X>
void add_outputs(graph& g, const std::vector<std::string>& names, std::size_t& next, const X& x) {
  if constexpr (expression<X> || is_tensor_v<X>) {
    expect(next < names.size(), "dcs::onnx: more results than names of outputs, of which there are ", names.size());
    g.output(value_of(eval(x)), names[next++]);
  } else {
    std::apply([&](const auto&... part) { (add_outputs(g, names, next, part), ...); }, x);
  }
}

// Brings a copy of a network to the device; its parameters become initialisers of their names once they are used.
template <class Net>
void place(tracing& t, Net& net) {
  for (const named_parameter& p : named_parameters(net)) {
    expect(p.parameter->type() == dtype::f32, "dcs::onnx: ", p.name, " is of ", dcs::name(p.parameter->type()),
           "; networks are exported in f32; try: convert<float>(net) first");
  }
  to_device<device>(net);
  for (const named_parameter& p : named_parameters(net)) t.whole(p.parameter->memory().data()).name = p.name;
}

}  // namespace detail

/// The bytes of an ONNX file of `call(net, inputs...)`, whose result is a tensor or a tuple of tensors with one of the names `outputs` each. `net` is
/// on the host and in f32.
template <class Net, class Call, class... S, class... T>
std::string model_of(const Net& net, const Call& call, const std::vector<std::string>& outputs, const input<S, T>&... in) {
  tracing t;
  {
    Net placed = net;
    detail::place(t, placed);
    const std::tuple<tensor<T, S, device>...> arguments{detail::add_input(t.graph, in)...};
    std::size_t next = 0;
    detail::add_outputs(t.graph, outputs, next, std::apply([&](const auto&... x) { return call(static_cast<const Net&>(placed), x...); }, arguments));
    expect(next == outputs.size(), "dcs::onnx: ", outputs.size(), " names of outputs for ", next, " results");
  }
  return t.graph.model("dcs");
}

/// Writes `call(net, inputs...)` as an ONNX file, whole or not at all: for a part of a network, or a call with further arguments.
template <class Net, class Call, class... S, class... T>
void save_call(const std::string& path, const Net& net, const Call& call, const std::vector<std::string>& outputs, const input<S, T>&... in) {
  io::write_bytes(path, "dcs::onnx", model_of(net, call, outputs, in...));
}

/// Writes a network as an ONNX file: the graph of net(inputs...), in inference. Outputs get the names `outputs`, in order. Throws dcs::error for a
/// network that is not in f32 on the host, and for what cannot be exported.
template <class Net, class... S, class... T>
void save(const std::string& path, const Net& net, const std::vector<std::string>& outputs, const input<S, T>&... in) {
  save_call(
      path, net, [](const auto& n, const auto&... x) { return n(x...); }, outputs, in...);
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>

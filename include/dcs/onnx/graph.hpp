// The graph that an export fills: values, the nodes that compute them, and initialisers. A value has the extents that it has while the network is
// traced, and one axis of it may be free: its extent is chosen when the graph runs (a batch, the number of regions), and is a multiple of
// `traced_extent` while it is traced. Equal nodes are one node. Two reshapes or two transpositions behind each other are one, and none where they
// cancel; nodes that no output needs are not written. So a convolution may turn its input to ONNX's channels-first order and its result back to dcs'
// order, and between two convolutions nothing of that remains.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/onnx/terms.hpp>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

DCS_EXACT_MATH
namespace dcs::onnx {

/// See the head of this file.
class graph {
 public:
  struct value {
    std::string name{};
    element type = element::f32;
    dims extents{};
    int free = -1;       // the axis whose extent is chosen when the graph runs
    int node = -1;       // that it comes from; −1: it is an input or an initialiser
    std::string data{};  // of an initialiser, whose bytes these are
    bool is_input = false, is_parameter = false;
    std::string free_name{};  // of an input
  };

  const value& operator[](id v) const { return values_[static_cast<std::size_t>(v)]; }
  const dims& extents(id v) const { return (*this)[v].extents; }

  /// An input of the graph.
  id input(const std::string& name, element type, dims extents, int free, const std::string& free_name) {
    const id v = add_value({name, type, std::move(extents), free});
    values_.back().is_input = true, values_.back().free_name = free_name;
    inputs_.push_back(v);
    return v;
  }
  /// Makes a value an output under this name.
  void output(id v, const std::string& name) { outputs_.emplace_back(v, name); }

  /// An initialiser. Without a name it has one of its own, and equal ones are one.
  id constant(element type, dims extents, std::string data, const std::string& name = "") {
    std::string key;
    if (name.empty()) {
      key = std::to_string(static_cast<int>(type)) + spelled(extents) + data;
      if (const auto it = constants_.find(key); it != constants_.end()) return it->second;
    }
    const id v = add_value({name, type, std::move(extents)});
    values_.back().data = std::move(data), values_.back().is_parameter = !name.empty();
    constant_.push_back(v);
    if (name.empty()) constants_.emplace(std::move(key), v);
    return v;
  }
  template <class T>
  id constant(element type, dims extents, const std::vector<T>& numbers) {
    return constant(type, std::move(extents), std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)));
  }
  /// A list of whole numbers, and one number.
  id list(const dims& numbers) { return constant<std::int64_t>(element::i64, {static_cast<std::int64_t>(numbers.size())}, numbers); }
  id number(double x, element type = element::f32) {
    if (type == element::f64) return constant<double>(type, {}, {x});
    if (type == element::i64) return constant<std::int64_t>(type, {}, {static_cast<std::int64_t>(x)});
    return constant<float>(type, {}, {static_cast<float>(x)});
  }
  bool is_constant(id v) const { return (*this)[v].node < 0 && !(*this)[v].is_input; }

  /// A node of one output; `extents` and `free` are its result's.
  id add(const char* op, const std::vector<id>& in, dims extents, int free = -1, const std::vector<attribute>& attributes = {},
         element type = element::f32) {
    message rest;
    rest.text(4, op);
    for (const auto& a : attributes) rest.nested(5, a.bytes);
    std::string key = rest.bytes();
    for (const id v : in) key += " " + std::to_string(static_cast<int>(v));
    const auto [it, fresh] = known_.emplace(std::move(key), id::none);
    if (!fresh) return it->second;
    nodes_.push_back({op, std::move(rest), in, {}});
    const id v = add_value({"v" + std::to_string(values_.size()), type, std::move(extents), free, static_cast<int>(nodes_.size()) - 1});
    nodes_.back().out.push_back(v);
    return it->second = v;
  }
  /// The second output of the node that made v.
  id second(id v, dims extents, int free, element type) {
    const int n = (*this)[v].node;
    auto& out = nodes_[static_cast<std::size_t>(n)].out;
    if (out.size() == 1) out.push_back(add_value({"v" + std::to_string(values_.size()), type, std::move(extents), free, n}));
    return out[1];
  }

  /// Whether v comes from a node of this kind.
  bool is_made_by(const char* op, id v) const { return (*this)[v].node >= 0 && nodes_[static_cast<std::size_t>((*this)[v].node)].op == op; }
  id source(id v) const { return nodes_[static_cast<std::size_t>((*this)[v].node)].in[0]; }

  /// v with these extents.
  id reshape(id v, const dims& to) {
    while (is_made_by("Reshape", v) && extents(v) != to) v = source(v);
    if (extents(v) == to) return v;
    expect(count(extents(v)) == count(to), "dcs::onnx: a value of extents ", spelled(extents(v)), " as one of ", spelled(to));
    if (is_constant(v)) return other_form(v, {}, to);
    const int free = free_axis(v, to);
    dims written = to;
    if (free >= 0) written[static_cast<std::size_t>(free)] = -1;
    return add("Reshape", {v, list(written)}, to, free, {}, (*this)[v].type);
  }

  /// Axis i of the result is axis order[i] of v.
  id transpose(id v, dims order) {
    while (is_made_by("Transpose", v)) {
      const dims& first = orders_.at(v);
      for (auto& axis : order) axis = first[static_cast<std::size_t>(axis)];
      v = source(v);
    }
    const dims& n = extents(v);
    const dims to = reordered(n, order);
    dims moved, kept;  // the axes that have an extent, in both orders
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (n[i] != 1) kept.push_back(static_cast<std::int64_t>(i));
      if (to[i] != 1) moved.push_back(order[i]);
    }
    if (moved == kept) return reshape(v, to);
    if (is_constant(v)) return other_form(v, order, to);
    const int free = (*this)[v].free;
    const id y = add("Transpose", {v}, to, free < 0 ? -1 : static_cast<int>(inverse(order)[static_cast<std::size_t>(free)]),
                     {attribute::of("perm", order)}, (*this)[v].type);
    orders_[y] = order;
    return y;
  }
  /// The order of the transposition that made v; the identity where none did.
  dims order_of(id v) const {
    if (const auto it = orders_.find(v); it != orders_.end()) return it->second;
    dims same(extents(v).size());
    std::iota(same.begin(), same.end(), 0);
    return same;
  }

  /// The file: a ModelProto of IR version 8 and opset 17, which one may name.
  std::string model(const std::string& name) const;

  static std::string spelled(const dims& n) {
    std::string text = "[";
    for (std::size_t i = 0; i < n.size(); ++i) text += (i ? ", " : "") + std::to_string(n[i]);
    return text + "]";
  }

 private:
  struct node {
    std::string op;
    message rest;  // its kind and attributes
    std::vector<id> in, out;
  };

  id add_value(value v) {
    if (v.name.empty()) v.name = "constant_" + std::to_string(values_.size());
    values_.push_back(std::move(v));
    return static_cast<id>(values_.size() - 1);
  }
  const std::string& name_of(id v) const { return (*this)[v].name; }

  // Which axis of `to` is the free one of v: that before which the product of the extents is the same.
  int free_axis(id v, const dims& to) const {
    const int free = (*this)[v].free;
    if (free < 0) return -1;
    const dims& from = extents(v);
    const std::int64_t before = product(from, 0, static_cast<std::size_t>(free));
    for (std::size_t i = 0; i < to.size(); ++i)
      if (product(to, 0, i) == before && to[i] % traced_extent == 0) return static_cast<int>(i);
    fail("dcs::onnx: the free axis ", free, " of extents ", spelled(from), " is lost in extents ", spelled(to),
         "; a free extent must stay the first of what it is merged with");
  }

  // An initialiser with its axes in another order, or (without an order) under other extents. It keeps the name of a parameter: the form in which
  // that was is seldom written too, and then has a number behind its name.
  id other_form(id v, const dims& order, const dims& to) {
    std::string key = std::to_string(static_cast<int>(v)) + spelled(order) + spelled(to);
    if (const auto it = forms_.find(key); it != forms_.end()) return it->second;
    const element type = (*this)[v].type;
    std::string data = order.empty() ? (*this)[v].data : turned((*this)[v], order, to);
    const std::string name = (*this)[v].is_parameter ? (*this)[v].name : "";
    return forms_[std::move(key)] = constant(type, to, std::move(data), name);
  }
  static std::string turned(const value& from, const dims& order, const dims& to) {
    const std::size_t size = from.data.size() / static_cast<std::size_t>(std::max<std::int64_t>(count(to), 1));
    dims strides(to.size()), at(to.size(), 0);
    std::int64_t step = 1;
    for (std::size_t i = to.size(); i-- > 0; step *= from.extents[i]) strides[i] = step;
    std::string data;
    data.reserve(from.data.size());
    for (std::int64_t k = 0; k < count(to); ++k) {
      std::int64_t offset = 0;
      for (std::size_t i = 0; i < to.size(); ++i) offset += at[i] * strides[static_cast<std::size_t>(order[i])];
      data.append(from.data, static_cast<std::size_t>(offset) * size, size);
      for (std::size_t i = to.size(); i-- > 0;) {
        if (++at[i] < to[i]) break;
        at[i] = 0;
      }
    }
    return data;
  }

  std::vector<bool> wanted_nodes() const {
    std::vector<bool> wanted(nodes_.size(), false);
    std::vector<id> open;
    for (const auto& out : outputs_) open.push_back(out.first);
    while (!open.empty()) {
      const id v = open.back();
      open.pop_back();
      if (v == id::none || (*this)[v].node < 0) continue;
      const auto n = static_cast<std::size_t>((*this)[v].node);
      if (wanted[n]) continue;
      wanted[n] = true;
      open.insert(open.end(), nodes_[n].in.begin(), nodes_[n].in.end());
    }
    return wanted;
  }

  message description(id v, const std::string& name) const {
    const value& x = (*this)[v];
    message shape;
    for (std::size_t i = 0; i < x.extents.size(); ++i) {
      message extent;
      if (static_cast<int>(i) == x.free)
        extent.text(2, x.free_name.empty() ? name + "_" + std::to_string(i) : x.free_name);
      else
        extent.integer(1, x.extents[i]);
      shape.nested(1, extent);
    }
    const message tensor = message().integer(1, static_cast<int>(x.type)).nested(2, shape);
    return message().text(1, name).nested(2, message().nested(1, tensor));
  }
  message initialiser(id v, const std::string& name) const {
    const value& x = (*this)[v];
    message m;
    for (const auto e : x.extents) m.integer(1, e);
    return m.integer(2, static_cast<int>(x.type)).text(8, name).text(9, x.data);
  }

  std::vector<value> values_;
  std::vector<node> nodes_;
  std::vector<id> inputs_, constant_;
  std::vector<std::pair<id, std::string>> outputs_;
  std::map<std::string, id> constants_, known_, forms_;
  std::map<id, dims> orders_;  // of the values that a transposition made
};

inline std::string graph::model(const std::string& name) const {
  const auto wanted = wanted_nodes();
  std::vector<bool> used(values_.size(), false);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!wanted[i]) continue;
    for (const id v : nodes_[i].in)
      if (v != id::none) used[static_cast<std::size_t>(v)] = true;
    for (const id v : nodes_[i].out) used[static_cast<std::size_t>(v)] = true;  // the file names the outputs that nothing reads, too
  }
  for (const auto& out : outputs_) used[static_cast<std::size_t>(out.first)] = true;

  // A name is that of one value; forms of a parameter beside the first have a number behind it.
  std::vector<std::string> names(values_.size());
  std::map<std::string, int> taken;
  for (const auto& out : outputs_) expect(taken[out.second]++ == 0, "dcs::onnx: two outputs are called ", out.second);
  for (const id v : inputs_) expect(taken[name_of(v)]++ == 0, "dcs::onnx: an input has the name of another value: ", name_of(v));
  for (std::size_t i = 0; i < values_.size(); ++i) {
    names[i] = values_[i].name;
    if (!used[i] || values_[i].is_input) continue;
    for (int k = 1; taken[names[i]]++ > 0; ++k) names[i] = values_[i].name + "." + std::to_string(k);
  }

  message g;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!wanted[i]) continue;
    message m;
    for (const id v : nodes_[i].in) m.text(1, v == id::none ? std::string() : names[static_cast<std::size_t>(v)]);
    for (const id v : nodes_[i].out) m.text(2, names[static_cast<std::size_t>(v)]);
    g.text(1, m.bytes() + nodes_[i].rest.bytes());
  }
  for (const auto& [v, called] : outputs_)
    g.text(1, message().text(1, names[static_cast<std::size_t>(v)]).text(2, called).text(4, "Identity").bytes());
  g.text(2, name);
  for (const id v : constant_)
    if (used[static_cast<std::size_t>(v)]) g.nested(5, initialiser(v, names[static_cast<std::size_t>(v)]));
  for (const id v : inputs_) g.nested(11, description(v, name_of(v)));
  for (const auto& [v, called] : outputs_) g.nested(12, description(v, called));
  const std::string bytes = message().integer(1, 8).text(2, "dcs").nested(7, g).nested(8, message().text(1, "").integer(2, 17)).bytes();
  expect(bytes.size() < (std::size_t{1} << 31), "dcs::onnx: the file has ", bytes.size(), " bytes; an ONNX file is smaller than 2 GiB");
  return bytes;
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>

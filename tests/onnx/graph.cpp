// The wire format and the graph by themselves: what cancels, what is folded, what is written.
#include "check_export.hpp"

using namespace check;
using onnx::dims;
using onnx::element;

TEST_CASE("the wire format is that of the specification of protocol buffers") {
  const auto bytes = [](const onnx::message& m) { return m.bytes(); };
  CHECK(bytes(onnx::message().integer(1, 150)) == "\x08\x96\x01");
  CHECK(bytes(onnx::message().text(2, "testing")) == "\x12\x07testing");
  CHECK(bytes(onnx::message().nested(3, onnx::message().integer(1, 150))) == "\x1a\x03\x08\x96\x01");
  CHECK(bytes(onnx::message().integer(1, -2)) == "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  CHECK(bytes(onnx::message().real(4, 1.0f)) == std::string("\x25\x00\x00\x80\x3f", 5));
  CHECK(fields(bytes(onnx::message().integer(20, -2).text(5, "ab"))) == std::multimap<int, std::string>{{20, "-2"}, {5, "ab"}});
}

TEST_CASE("reshapes and transpositions that cancel are not in the graph") {
  onnx::graph g;
  const auto x = g.input("x", element::f32, {2, 3, 4}, -1, "");
  CHECK(g.reshape(g.reshape(x, {6, 4}), {2, 3, 4}) == x);
  CHECK(g.reshape(g.reshape(x, {6, 4}), {24}) == g.reshape(x, {24}));
  CHECK(g.transpose(g.transpose(x, {2, 0, 1}), {1, 2, 0}) == x);
  CHECK(g.transpose(g.transpose(x, {2, 0, 1}), {2, 0, 1}) == g.transpose(x, {1, 2, 0}));
  // An axis of extent 1 moves by a reshape.
  const auto y = g.reshape(x, {2, 1, 12});
  CHECK(g.transpose(y, {0, 2, 1}) == g.reshape(x, {2, 12, 1}));
  CHECK(g.extents(g.transpose(x, {2, 0, 1})) == dims{4, 2, 3});
  CHECK_THROWS_AS(g.reshape(x, {5}), error);
}

TEST_CASE("a free axis stays itself") {
  onnx::graph g;
  const auto n = onnx::traced_extent;
  const auto x = g.input("x", element::f32, {n, 2, 3}, 0, "batch");
  CHECK(g[g.reshape(x, {2 * n, 3})].free == 0);
  CHECK(g[g.transpose(x, {1, 0, 2})].free == 1);
  CHECK_THROWS_AS(g.reshape(g.transpose(x, {1, 0, 2}), {2 * n, 3}), error);
}

TEST_CASE("outputs may have any names, those of parameters and of the graph's own values too") {
  onnx::graph g;
  const auto x = g.input("x", element::f32, {2}, -1, "");
  const auto w = g.constant(element::f32, {2}, std::string(8, '\0'), "weight");
  const auto y = g.add("Two", {g.add("Add", {x, w}, {2})}, {2});
  const auto unread = g.second(y, {2}, -1, element::f32);
  g.output(y, "weight"), g.output(y, "weight.1"), g.output(y, g[unread].name);
  const auto file = read(g.model("test"));
  CHECK(file.outputs == std::vector<std::string>{"weight", "weight.1", g[unread].name});
  CHECK(file.initialisers == std::vector<std::string>{"weight.2"});
}

TEST_CASE("initialisers keep their names, equal nodes are one, what no output needs is not written") {
  onnx::graph g;
  const auto x = g.input("x", element::f32, {2, 2}, -1, "");
  const std::vector<float> numbers{1, 2, 3, 4};
  const auto w = g.constant(element::f32, {4}, std::string(reinterpret_cast<const char*>(numbers.data()), 16), "w");
  const auto turned = g.transpose(g.reshape(w, {2, 2}), {1, 0});
  const auto y = g.add("MatMul", {x, turned}, {2, 2});
  CHECK(g.add("MatMul", {x, turned}, {2, 2}) == y);
  const auto unused = g.add("Relu", {y}, {2, 2});
  CHECK(unused != y);
  g.output(g.add("Add", {y, g.reshape(w, {2, 2})}, {2, 2}), "z");
  const auto file = read(g.model("test"));
  CHECK(file.operators == std::vector<std::string>{"MatMul", "Add", "Identity"});
  CHECK(file.initialisers.size() == 2);
  const std::vector<float> expected{1, 3, 2, 4};
  std::map<std::string, int> forms;
  for (const auto& [name, data] : file.data) {
    CHECK(name.substr(0, 1) == "w");
    ++forms[data];
  }
  CHECK(file.data.contains("w"));
  CHECK(forms[std::string(reinterpret_cast<const char*>(expected.data()), 16)] == 1);
}

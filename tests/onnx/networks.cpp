// Networks as files: parameters under their names, transpositions that cancel, and the values, which onnxruntime compares (compare.py).
#include "check_export.hpp"

#include <dcs/models/unet/unet.hpp>
#include "../message.hpp"

using namespace check;
using onnx::input;

TEST_CASE("UNet: a batch of any size, no transposition between convolutions, parameters under the names of the state dict") {
  models::unet::network<4, 3> net;
  randomize(net);
  const auto file = exported_network("unet", net, {"logits"}, input<shape<dyn<"batch">, 16, 24, 3>>("image"));
  CHECK(times(file, "Conv") == 11);
  CHECK(times(file, "ConvTranspose") == 2);
  CHECK(times(file, "Transpose") == 1);  // of the image; one channel of logits is reshaped
  CHECK(file.inputs == std::vector<std::string>{"image"});
  CHECK(file.outputs == std::vector<std::string>{"logits"});
  std::vector<std::string> names;
  for (const auto& p : named_parameters(net)) names.push_back(p.name);
  for (const auto& name : names) CHECK_MESSAGE(file.data.contains(name), name);
  // A convolution's weight is as PyTorch has it, which is as ONNX wants it.
  CHECK(file.dims.at("enc.0.0.weight") == "4 3 3 3 ");
  const auto& p = *named_parameters(net)[0].parameter;
  const auto stored = to_stored_layout(p.description().stored, p.data<float>());
  CHECK(file.data.at("enc.0.0.weight") == std::string(reinterpret_cast<const char*>(stored.data()), stored.size() * sizeof(float)));
}

TEST_CASE("Transformer layers, with and without a mask") {
  nn::transformer_encoder_layer<16, 4, 32> encoder;
  randomize(encoder);
  exported_network("encoder_layer", encoder, {"y"}, input<shape<dyn<"batch">, 9, 16>>("x"));
  exported_network("encoder_layer_masked", encoder, {"y"}, input<shape<dyn<"batch">, 9, 16>>("x"), input<shape<9, 9>>("mask"));
  nn::transformer_decoder_layer<16, 4, 32, nn::norm_order::pre> decoder;
  randomize(decoder);
  exported_network("decoder_layer", decoder, {"y"}, input<shape<dyn<"batch">, 5, 16>>("x"), input<shape<dyn<"batch">, 9, 16>>("memory"));
}

TEST_CASE("a tensor that is filled after an op computed it holds the number") {
  const auto refilled = [](const auto& a, const auto& b) {
    auto y = eval(a + b);
    y.fill(2.0f);
    return eval(y * b);
  };
  const auto file = exported("refilled", refilled, input<shape<2, 3>>("a"), input<shape<2, 3>>("b"));
  CHECK(times(file, "Add") == 0);
  CHECK(times(file, "Mul") == 1);
}

// What an export refuses, and in which words.
TEST_CASE("what cannot be exported is a dcs::error") {
  nn::conv2d<3, 4, 3> net;
  initialize<double>(net, 1);
  const auto in = input<shape<1, 8, 8, 3>>("x");
  const auto plain = [](const auto& n, const auto& x) { return eval(n(x)); };
  CHECK(message_of([&] { onnx::model_of(net, plain, {"y"}, in); }).find("weight is of f64; networks are exported in f32") != std::string::npos);
  initialize(net, 1);
  CHECK(message_of([&] { onnx::model_of(net, plain, {}, in); }).find("more results than names") != std::string::npos);
  CHECK(message_of([&] { onnx::model_of(net, plain, {"x"}, in); }).find("the name of another value: x") != std::string::npos);
  CHECK(message_of([&] { onnx::model_of(net, plain, {"y", "z"}, in); }).find("2 names of outputs for 1 results") != std::string::npos);
  const auto looks = [](const auto& n, const auto& x) {
    const auto y = eval(n(x));
    expect(to<cpu_device>(y).data()[0] > -1e9f, "an impossible number");
    return y;
  };
  CHECK(message_of([&] { onnx::model_of(net, looks, {"y"}, in); }).find("only known when the graph runs") != std::string::npos);
  const auto named = input<shape<1, dyn<"height">, 8, 3>>("x");
  CHECK(message_of([&] { onnx::model_of(net, plain, {"y"}, named); }).find("axis 1 of the input x is height") != std::string::npos);
  // A batch of a fixed size does not meet one that is chosen when the graph runs.
  const auto joined = [](const auto&, const auto& a) {
    const auto other = tensor<float, shape<dyn<"batch">, 1>, device_t<decltype(a)>>::zeros({a.sizes()[0], 1});
    return concat<1>(a, other);
  };
  const auto batch = input<shape<dyn<"batch">, 3>>("a");
  CHECK(message_of([&] { onnx::model_of(nothing{}, joined, {"y"}, batch); }).find("a free extent and one without") != std::string::npos);
  // Nor does what does not come from the input in a product, be it a matrix or the keys of queries that are learned.
  const auto product = [](const auto&, const auto& a) {
    return eval(matmul(tensor<float, shape<4, 3>, device_t<decltype(a)>>::zeros({4, 3}), transpose(a)));
  };
  CHECK(message_of([&] { onnx::model_of(nothing{}, product, {"y"}, batch); }).find("only one factor has the free extent") != std::string::npos);
  const auto learned = [](const auto&, const auto& a) {
    const auto queries = tensor<float, shape<1, 2, 5, 3>, device_t<decltype(a)>>::zeros({1, 2, 5, 3});
    const auto expanded = expand<shape<dyn<"batch">, 2, 5, 3>>(queries, {a.sizes()[0], 2, 5, 3});
    return eval(matmul(softmax<3>(matmul(expanded, transpose(a)) * 0.5f), a));
  };
  const auto heads = input<shape<dyn<"batch">, 2, 4, 3>>("a");
  CHECK(message_of([&] { onnx::model_of(nothing{}, learned, {"y"}, heads); }).find("only one factor has the free extent") != std::string::npos);
  const auto within = [&](const auto& n, const auto& x) {
    onnx::model_of(
        nothing{}, [](const auto&, const auto& a) { return eval(relu(a)); }, {"y"}, in);
    return eval(n(x));
  };
  CHECK(message_of([&] { onnx::model_of(net, within, {"y"}, in); }).find("an export within an export") != std::string::npos);
  CHECK(message_of([] { tensor<float, shape<1>, onnx::device>::empty(); }).find("exist while onnx::save runs") != std::string::npos);
  // Nothing of an export that failed is left behind.
  CHECK(message_of([&] { onnx::model_of(net, plain, {"y"}, in); }).empty());
}

// Layers of rows and volumes against torch.nn's (goldens/volumes.py), with weights under PyTorch's names and layouts; and the layers and losses that
// take maps of any number of axes, over volumes.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/nn/layers_1d_3d.hpp>
#include <dcs/nn/sequential.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>

#include "check_module.hpp"

using namespace dcs;

namespace {

template <int C>
using rows = shape<dyn<"n">, dyn<"length">, C>;
template <int C>
using volume = shape<dyn<"n">, dyn<"depth">, dyn<"height">, dyn<"width">, C>;
constexpr extent halved(extent e) { return windowed(e, 2, 2, 0); }

// A step of a 3-D UNet.
struct block {
  nn::conv3d<2, 4, 3, 1, 1, 1, false> conv;
  nn::batch_norm<4> norm;
  nn::conv3d<4, 6, 3> deep;
  nn::conv_transpose3d<6, 4, 2, 2> up;
  nn::conv3d<8, 1, 1> head;
  DCS_MEMBERS(conv, norm, deep, up, head)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const auto skip = eval(relu(norm(conv(x))));
    const auto low = eval(relu(deep(max_pool3d<2>(skip))));
    return eval(head(concat<-1>(skip, up(low))));
  }
};

static_assert(parameters<nn::conv3d<3, 4, 3>> == 27 * 3 * 4 + 4 && parameters<nn::conv1d<6, 4, 3, 2, 1, 2>> == 3 * 3 * 4 + 4);
static_assert(parameters<block> == 27 * 2 * 4 + 8 + 27 * 4 * 6 + 6 + 8 * 6 * 4 + 4 + 8 + 1);

}  // namespace

TEST_CASE_TEMPLATE("layers of rows and volumes equal PyTorch's, with the gradients of their weights", T, float, double) {
  const auto file = test::goldens("volumes");
  constexpr double bound = test::tolerance<T>;
  test::check_module<T, nn::conv1d<6, 4, 3, 2, 1, 2>, rows<6>>(file, "rows", 1, {"x"}, bound);
  test::check_module<T, nn::conv_transpose1d<4, 6, 4, 2, 1, 0, 1, false>, shape<dyn<"n">, halved(dyn<"length">), 4>>(file, "rows up", 1, {"x"},
                                                                                                                     bound);
  test::check_module<T, nn::conv3d<3, 4, 3>, volume<3>>(file, "volumes", 1, {"x"}, bound);
  test::check_module<T, nn::conv3d<4, 6, 3, 1, 2, 2, false, init::zeros, init::zeros, 2>, volume<4>>(file, "volumes dilated", 1, {"x"}, bound);
  test::check_module<T, nn::conv_transpose3d<4, 6, 2, 2>, shape<dyn<"n">, halved(dyn<"depth">), halved(dyn<"height">), halved(dyn<"width">), 4>>(
      file, "volumes up", 1, {"x"}, bound);
}

TEST_CASE_TEMPLATE("a step of a 3-D UNet equals PyTorch's in training, its statistics and inference", T, float, double) {
  const auto file = test::goldens("volumes");
  block net;
  initialize<T>(net, 0);
  io::safetensors weights;
  for (const auto& [name, t] : file.tensors)
    if (name.rfind("trained/weight/", 0) == 0) weights.tensors[name.substr(15)] = t;
  load_state_dict(net, weights);
  const auto x = test::golden_tensor<T, volume<2>>(file, "trained/x");
  constexpr double bound = 4 * test::tolerance<T>;
  CHECK(test::golden_error(net(var(x)).value(), file, "trained/y") < bound);
  const auto statistics = [](const auto& p) { return std::vector<T>(p.template data<T>(), p.template data<T>() + p.size()); };
  CHECK(test::relative_error(statistics(net.norm.running_mean), file.at("trained/mean").as<double>()) < bound);
  CHECK(test::relative_error(statistics(net.norm.running_var), file.at("trained/var").as<double>()) < bound);
  CHECK(test::golden_error(net(x), file, "trained/inferred") < bound);
}

TEST_CASE("every gradient of a step of a 3-D UNet is PyTorch's") {
  const auto file = test::goldens("volumes");
  block net;
  initialize<double>(net, 0);
  io::safetensors weights;
  for (const auto& [name, t] : file.tensors)
    if (name.rfind("block/weight/", 0) == 0) weights.tensors[name.substr(13)] = t;
  load_state_dict(net, weights);
  const auto x = var<double, volume<2>>::leaf(test::golden_tensor<double, volume<2>>(file, "block.0/x"));
  const auto y = net(x);
  CHECK(test::golden_error(y.value(), file, "block.0/y") < 1e-12);
  backward(y, test::golden_tensor<double, shape_t<decltype(y)>>(file, "block.0/dy"));
  CHECK(test::golden_error(x.grad(), file, "block.0/dx") < 1e-12);
  for (const auto& entry : named_parameters(net)) {
    if (entry.parameter->is_buffer()) continue;
    CAPTURE(entry.name);
    const auto found = to_stored_layout(entry.parameter->description().stored, static_cast<const double*>(entry.parameter->gradient().data()));
    CHECK(test::relative_error(found, file.at("block.0/gradient/" + entry.name).as<double>()) < 1e-11);
  }
}

TEST_CASE("a state dict that was saved is loaded again, and its arrays have PyTorch's shapes") {
  block net, other;
  initialize<float>(net, 3);
  initialize<float>(other, 4);
  io::safetensors saved;
  save_state_dict(net, saved);
  CHECK(saved.at("conv.weight").shape == std::vector<std::int64_t>{4, 2, 3, 3, 3});
  CHECK(saved.at("up.weight").shape == std::vector<std::int64_t>{6, 4, 2, 2, 2});
  load_state_dict(other, saved);
  const auto x = random_normal<float, volume<2>>({1, 4, 4, 4, 2}, {5, 1});
  const auto a = net(x), b = other(x);
  CHECK(std::vector<float>(a.data(), a.data() + a.size()) == std::vector<float>(b.data(), b.data() + b.size()));
}

TEST_CASE("batch norm, dropout and losses take volumes, and pass the gradient check") {
  for (extent_t n : {1, 2})
    for (extent_t d : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
      const auto x = random_normal<double, volume<2>>({n, d, 3, 2, 2}, {6, static_cast<std::uint64_t>(d)});
      const auto g = random_normal<double, shape<2>>({2}, {6, 40}), b = random_normal<double, shape<2>>({2}, {6, 41});
      CHECK(gradcheck(
                [](const auto& a, const auto& s, const auto& h) {
                  return relu(batch_norm_training(a, s, h, tensor<double, shape<2>>::zeros(), tensor<double, shape<2>>::full(1)));
                },
                {6, 42}, 10, x, g, b) < 1e-5);
      CHECK(gradcheck([](const auto& a) { return dropout(a, 0.3, {7, 1}); }, {6, 43}, 10, x) < 1e-6);
      CHECK(gradcheck([](const auto& a) { return channel_dropout(a, 0.3, {7, 1}); }, {6, 44}, 10, x) < 1e-6);
      auto target = tensor<double, volume<2>>::zeros(x.sizes());
      for (extent_t i = 0; i < target.size(); i += 3) target.data()[i] = 1;
      CHECK(gradcheck([&](const auto& a) { return loss::segmentation(a, target, {.smoothing = 1e-2}); }, {6, 46}, 10, x) < 1e-5);
      CHECK(gradcheck([&](const auto& a) { return loss::binary_cross_entropy(a, target); }, {6, 47}, 10, x) < 1e-6);
    }
}

TEST_CASE("the weights of the layers begin within the bound that PyTorch gives them") {
  const auto check = [](auto layer, double bound) {
    initialize<double>(layer, 3);
    for (const auto& entry : named_parameters(layer)) {
      double largest = 0;
      for (extent_t i = 0; i < entry.parameter->size(); ++i) largest = std::max(largest, std::abs(entry.parameter->template data<double>()[i]));
      CHECK(largest <= bound);
      if (entry.parameter->size() > 100) CHECK(largest > 0.95 * bound);
    }
  };
  check(nn::conv1d<16, 8, 3>(), 1 / std::sqrt(48.0));
  check(nn::conv3d<4, 8, 3>(), 1 / std::sqrt(108.0));
  // PyTorch takes a transposed convolution's second axis for the inputs.
  check(nn::conv_transpose3d<16, 8, 2, 2>(), 1 / std::sqrt(64.0));
  check(nn::conv_transpose1d<32, 8, 4, 2>(), 1 / std::sqrt(32.0));
}

TEST_CASE("upsampling layers take the size of the other map") {
  const auto x = tensor<float, shape<1, 2, 2, 2, 3>>::full(1);
  const auto like = tensor<float, shape<1, 4, 5, 6, 1>>::zeros();
  static_assert(std::is_same_v<decltype(nn::upsample_trilinear()(x, like)), tensor<float, shape<1, 4, 5, 6, 3>>>);
  static_assert(std::is_same_v<decltype(nn::upsample_nearest()(x, like)), tensor<float, shape<1, 4, 5, 6, 3>>>);
  const auto y = nn::upsample_trilinear()(x, like);
  CHECK(*std::min_element(y.data(), y.data() + y.size()) == doctest::Approx(1));
  CHECK(nn::upsample_linear()(tensor<float, shape<1, 2, 3>>::full(1), tensor<float, shape<1, 5, 1>>::zeros()).sizes() == sizes<3>{1, 5, 3});
}

TEST_CASE("pools and resizes stand among layers, of rows and of volumes") {
  const auto same = [](const auto& a, const auto& b) {
    static_assert(std::is_same_v<decltype(a), decltype(b)>);
    return a.sizes() == b.sizes() && std::equal(a.values().begin(), a.values().end(), b.values().begin());
  };
  const auto x = random_normal<float, shape<dyn<"n">, dyn<"d">, dyn<"h">, 4, 3>>({2, 6, 5, 4, 3}, {1, 1});
  const nn::sequential<nn::max_pool3d<2, 1>, nn::upsample_trilinear_by<corners::half_pixel, 2>, nn::avg_pool3d<3, 2, 1>> volumes;
  CHECK(same(volumes(x), avg_pool3d<3, 2, 1>(resize_trilinear_by<corners::half_pixel, 2>(max_pool3d<2, 1>(x)))));
  CHECK(same(nn::sequential<nn::upsample_nearest_by<3>, nn::global_avg_pool>()(x), eval(global_avg_pool(resize_nearest_by<3>(x)))));
  const auto r = random_normal<float, shape<dyn<"n">, dyn<"l">, 3>>({2, 9, 3}, {1, 2});
  const nn::sequential<nn::max_pool1d<2>, nn::upsample_linear_by<corners::aligned, 3>, nn::avg_pool1d<3, 1, 1>> rows;
  CHECK(same(rows(r), avg_pool1d<3, 1, 1>(resize_linear_by<corners::aligned, 3>(max_pool1d<2>(r)))));
  const auto image = random_normal<float, shape<dyn<"n">, 3, 4, 2>>({2, 3, 4, 2}, {1, 3});
  CHECK(same(nn::upsample_bilinear_by<corners::aligned, 2>()(image), eval(resize_bilinear_by<corners::aligned, 2>(image))));
  // thop counts operations of each value of the result.
  static_assert(thop_macs<nn::sequential<nn::upsample_linear_by<corners::aligned, 3>>, shape<1, 4, 2>> == 5 * 24);
  static_assert(thop_macs<nn::sequential<nn::upsample_trilinear_by<corners::aligned, 2>>, shape<1, 2, 2, 2, 3>> == 31 * 192);
  static_assert(thop_macs<nn::sequential<nn::upsample_bilinear_by<corners::aligned, 2>>, shape<1, 2, 3, 2>> == 11 * 48);
  static_assert(thop_macs<nn::sequential<nn::upsample_nearest_by<2>>, shape<1, 2, 3, 2>> == 48);
}

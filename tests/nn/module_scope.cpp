// Errors say where in a network they arose: in a layer, beside the layers of a module that opens a scope, and under names of the state dict.
#include <dcs/core/warning.hpp>
#include <dcs/models/unet/unet.hpp>
#include <dcs/nn/state_dict.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>
#include <dcs/train/step.hpp>

#include <doctest/doctest.h>
#include "../message.hpp"

using namespace dcs;

namespace {

using map = shape<dyn<"n">, dyn<"height">, dyn<"width">, 3>;

// Pads nothing and strides, so that its second layer is handed a map that is too small where the image is.
struct shrinking {
  nn::conv2d<3, 4, 3, 3, 0> first;
  std::array<nn::conv2d<4, 4, 3, 1, 0>, 2> layers;
  DCS_MEMBERS(first, layers)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return eval(layers[1](eval(layers[0](eval(first(x))))));
  }
};
struct outer {
  std::tuple<nn::conv2d<3, 3, 1>, shrinking> stages;
  DCS_MEMBERS_AS((stages, "stage"))
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return std::get<1>(stages)(eval(std::get<0>(stages)(x)));
  }
};

// Two maps of one name and different sizes, added in the module and not in a layer.
template <bool Scope>
struct joining {
  nn::conv2d<3, 3, 1> left;
  nn::conv2d<3, 3, 1> right;
  DCS_MEMBERS(left, right)
  template <operand X>
  auto operator()(const X& x, const X& y) const {
    if constexpr (Scope) {
      const module_scope here(*this);
      return sum(x, y);
    } else {
      return sum(x, y);
    }
  }

 private:
  auto sum(const auto& x, const auto& y) const {
    const auto a = eval(left(x));
    return eval(a + eval(right(y)));
  }
};
template <bool Scope>
struct join_stage {
  std::array<joining<Scope>, 2> joins;
  DCS_MEMBERS(joins)
};

tensor<float, map> images(extent_t side) { return tensor<float, map>::full({1, side, side, 3}, 1); }

constexpr const char* in_layer = "stage.1.layers.0: dcs::conv2d: an image of 2 × 2 is smaller than the 3 × 3 kernel";

}  // namespace

TEST_CASE("an error in a layer names the layer, of a tensor, a var and after a copy, a move and a load") {
  outer net;
  CHECK(message_of([&] { net(images(8)); }).find("in a state dict, has no memory: initialize() or") != std::string::npos);
  initialize(net, 1);
  CHECK(message_of([&] { net(images(8)); }) == in_layer);
  CHECK(message_of([&] { net(var<float, map>(images(8))); }) == in_layer);
  const outer copy = net;
  CHECK(message_of([&] { copy(images(8)); }) == in_layer);
  const outer moved = std::move(net);
  CHECK(message_of([&] { moved(images(8)); }) == in_layer);
  outer assigned;
  assigned = copy;
  CHECK(message_of([&] { assigned(images(8)); }) == in_layer);
  CHECK(message_of([&] { moved(images(29)); }) == "");
  CHECK(message_of([] { fail("outside"); }) == "outside");  // no scope is left behind
}

TEST_CASE("names are those of the whole network, whichever part was walked since, and those of the larger network it became a part of") {
  outer net;
  initialize(net, 1);
  named_parameters(std::get<1>(net.stages));
  CHECK(message_of([&] { net(images(8)); }) == in_layer);
  shrinking part;
  initialize(part, 1);
  CHECK(message_of([&] { part(images(8)); }).starts_with("layers.0: dcs::conv2d: "));
  std::get<1>(net.stages) = part;
  CHECK(message_of([&] { net(images(8)); }) == in_layer);
  outer fresh;
  std::get<1>(fresh.stages) = std::move(part);
  initialize(fresh, 2);
  CHECK(message_of([&] { fresh(images(8)); }) == in_layer);
}

TEST_CASE("an error beside the layers names the module that has a scope and the layer that ran last, or nothing") {
  join_stage<true> scoped;
  initialize(scoped, 1);
  const auto small = images(4), large = images(5);
  const std::string wrong = message_of([&] { scoped.joins[1](small, large); });
  CHECK(wrong.starts_with("joins.1, after joins.1.right: dcs::broadcast: axis 1"));
  join_stage<false> plain;
  initialize(plain, 1);
  CHECK(message_of([&] { plain.joins[1](small, large); }).starts_with("dcs::broadcast: "));
  CHECK(message_of([&] {
          const module_scope whole;
          plain.joins[1](small, large);
        }).starts_with("after joins.1.right: dcs::broadcast: "));
  joining<true> alone;  // without names there is nothing to say
  CHECK(message_of([&] {
          const module_scope here(alone);
          fail("dcs::op: wrong");
        }) == "dcs::op: wrong");
}

TEST_CASE("a notice within a layer names the layer") {
  outer net;
  initialize(net, 1);
  const auto before = notice_handler();
  std::string text;
  notice_handler() = [&](const std::string& t) { text = t; };
  {
    const module_scope here(std::get<0>(net.stages).weight);
    notice("something else was done");
  }
  notice_handler() = before;
  CHECK(text == "stage.0: something else was done");
}

TEST_CASE("training, validation and prediction name the layer; each thread has its own") {
  models::unet::network<2, 3> net;
  initialize(net, 1);
  // 10 is no multiple of 4: the second level has 5 pixels, the third 2, and what comes up again 4.
  batch b{decltype(batch::images)::zeros({1, 10, 10, 3}), {}, {}, {}};
  CHECK(message_of([&] { net(b.images); }).starts_with("after up.1: dcs::concat: "));
  CHECK(message_of([&] { predict(net, b.images, {}); }).starts_with("after up.1: dcs::concat: "));
  b.masks = decltype(batch::masks)::zeros({1, 10, 10, 1});
  CHECK(message_of([&] { train_step(net, b, {}, {1, 1}); }).starts_with("after up.1: dcs::concat: "));
  CHECK(message_of([&] { validate_batch(net, b, {}); }).starts_with("after up.1: dcs::concat: "));
}

// Lesson 4. A module is a struct with named members and one templated call: no base class, nothing registered. Its size and its work are constants.
#include "check.hpp"

#include <dcs/dcs.hpp>
#include <dcs/nn/summary.hpp>
#include <dcs/optim/adamw.hpp>

using namespace dcs;

// Two convolutions with batch norm and a shortcut. `auto operator()` serves tensors, vars and the probes that count.
template <int C>
struct residual_block {
  nn::conv2d<C, C, 3, 1, 1, 1, false> conv1, conv2;
  nn::batch_norm<C> norm1, norm2;
  DCS_MEMBERS(conv1, norm1, conv2, norm2)

  template <operand X>
  constexpr auto operator()(const X& x_) const {
    const auto x = eval(x_);  // used twice
    return eval(relu(norm2(conv2(eval(relu(norm1(conv1(x)))))) + x));
  }
};

// A classifier of 16 × 16 images. A parameter of one's own stands beside the layers; the array's elements are called blocks.0, blocks.1.
struct classifier {
  nn::conv2d<1, 8, 3, 2> stem;
  std::array<residual_block<8>, 2> blocks;
  parameter<shape<8>, init::ones> gain;
  nn::linear<8, 2> project;
  DCS_MEMBERS(stem, blocks, gain, project)

  template <operand X>
  constexpr auto operator()(const X& images) const {
    const auto y = blocks[1](blocks[0](relu(stem(images))));
    return project(reshape<shape<extent_of<shape_t<X>, 0>, 8>>(eval(global_avg_pool(y) * gain.as(y))));
  }
};

static_assert(module<classifier>);
static_assert(parameters<classifier> == (9 * 8 + 8) + 2 * 2 * (9 * 8 * 8 + 16) + 8 + (8 * 2 + 2));
static_assert(macs<classifier, shape<1, 16, 16, 1>> == 64 * (9 * 8 + 4 * 9 * 8 * 8) + 8 * 2);

// Images of horizontal (0) or vertical (1) stripes, shifted and noisy.
using images_type = tensor<float, shape<dyn<"batch">, 16, 16, 1>>;
using classes_type = tensor<float, shape<dyn<"batch">, 2>>;
void draw(images_type images, classes_type classes, random_stream random) {
  for (extent_t n = 0; n < images.size_of<0>(); ++n) {
    const auto draw = random.child(static_cast<std::uint64_t>(n));
    const bool vertical = draw.below(0, 2) == 1;
    const extent_t shift = draw.below(1, 4);
    classes(n, 0) = !vertical, classes(n, 1) = vertical;
    for (extent_t i = 0; i < 16; ++i)
      for (extent_t j = 0; j < 16; ++j)
        images(n, i, j, 0) = static_cast<float>(((vertical ? j : i) + shift) / 2 % 2) +
                             0.5f * static_cast<float>(draw.child(2).normal(static_cast<std::uint64_t>(16 * i + j)));
  }
}

int main() {
  classifier net;
  initialize(net, 1);  // f32; the values are a function of the seed and each parameter's name
  adamw optimizer(named_parameters(net), {.rate = 1e-2});

  const auto images = images_type::zeros({32, 16, 16, 1});
  const auto classes = classes_type::zeros({32, 2});
  double first = 0, loss = 0;
  for (std::uint64_t step = 0; step < 40; ++step) {
    draw(images, classes, {2, step});
    const auto logits = net(var<float, images_type::shape_type>(images));  // a var: training, batch statistics
    const auto total = eval(-mean_all(log(softmax<1>(logits)) * classes) * 2);
    backward(total);
    optimizer.step();
    optimizer.clear_gradients();
    loss = total.item();
    if (step == 0) first = loss;
  }

  // A tensor: inference, running statistics, and batch norm folded into the convolutions. The same network, listened to while it runs.
  draw(images, classes, {3, 0});
  summary table(net);
  const auto logits = net(images);
  int right = 0;
  for (extent_t n = 0; n < 32; ++n) right += (logits(n, 1) > logits(n, 0)) == (classes(n, 1) > 0);
  std::printf("%sloss %.3f, then %.3f; %d of 32 right\n", table.text().c_str(), first, loss, right);
  check(loss < 0.2 * first, "the loss falls");
  check(right >= 30, "unseen stripes are told apart");
  check(table.total().multiply_adds == 32 * macs<classifier, shape<1, 16, 16, 1>>, "running does the work that the compiler counted");
  return wrong;
}

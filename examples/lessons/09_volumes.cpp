// Lesson 9. Volumes and rows: a map has as many axes between the batch and the channels as its data has dimensions, and every one of them may have a
// name. A 3-D UNet of any width and depth learns to find bright ellipsoids in noise; at the end, the same in one dimension.
#include "check.hpp"

#include <dcs/dcs.hpp>
#include <dcs/nn/summary.hpp>
#include <dcs/optim/adamw.hpp>

using namespace dcs;

// Two convolutions of 3 × 3 × 3 with batch norm: what changes from two dimensions to three is the layer's name.
template <int In, int Out>
struct double_conv {
  nn::conv3d<In, Out, 3, 1, 1, 1, false> conv1;
  nn::batch_norm<Out> norm1;
  nn::conv3d<Out, Out, 3, 1, 1, 1, false> conv2;
  nn::batch_norm<Out> norm2;
  DCS_MEMBERS(conv1, norm1, conv2, norm2)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return eval(relu(norm2(conv2(eval(relu(norm1(conv1(x))))))));
  }
};

// A UNet by recursion: a level is two convolutions, all levels below it on the pooled volume, and two convolutions of both. The lowest level is two
// convolutions.
template <int In, int Width, int Depth>
struct unet_level {
  double_conv<In, Width> down;
  unet_level<Width, 2 * Width, Depth - 1> below;
  nn::conv_transpose3d<2 * Width, Width, 2, 2> up;
  double_conv<2 * Width, Width> merge;
  DCS_MEMBERS(down, below, up, merge)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const auto skip = down(x);
    return merge(concat<-1>(skip, up(below(max_pool3d<2>(skip)))));
  }
};
template <int In, int Width>
struct unet_level<In, Width, 1> {
  double_conv<In, Width> conv;
  DCS_MEMBERS(conv)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return conv(x);
  }
};

// Logits, shape<N, D, H, W, 1>, of volumes, shape<N, D, H, W, 1>, whose sides are multiples of 2^(Depth − 1).
template <int Width, int Depth>
struct unet3d {
  unet_level<1, Width, Depth> levels;
  nn::conv3d<Width, 1, 1> head;
  DCS_MEMBERS(levels, head)
  template <operand X>
  constexpr auto operator()(const X& volumes) const {
    return head(levels(volumes));
  }
};

// Width 16 and four levels; parameters and multiply-adds are constants, as in lesson 4. We train a smaller one.
static_assert(parameters<unet3d<16, 4>> == 1'401'265);
static_assert(macs<nn::conv3d<1, 4, 3>, shape<1, 8, 8, 8, 1>> == 8 * 8 * 8 * 27 * 4);
using network = unet3d<6, 3>;

// Depth, height and width have names; a pool halves each of them, and the transposed convolution gives each its name back. So the type of the result
// is the type of the input, and an odd depth is a run-time error that names the sizes.
using volumes = shape<dyn<"batch">, dyn<"depth">, dyn<"height">, dyn<"width">, 1>;
static_assert(std::is_same_v<shape_t<decltype(std::declval<network>()(std::declval<tensor<float, volumes>>()))>, volumes>);
static_assert(extent_of<shape_t<decltype(max_pool3d<2>(std::declval<tensor<float, volumes>>()))>, 1> == windowed(dyn<"depth">, 2, 2, 0));

// One or two ellipsoids of brightness 1 in noise of deviation 0.8, and where they are. A function of the stream alone.
void draw(const tensor<float, volumes>& images, const tensor<float, volumes>& truth, random_stream random) {
  const auto& n = images.sizes();
  for (extent_t b = 0; b < n[0]; ++b) {
    const auto one = random.child(static_cast<std::uint64_t>(b));
    const auto between = [&](std::uint64_t i, double low, double high) { return low + (high - low) * static_cast<double>(one.uniform(i)); };
    const int ellipsoids = 1 + static_cast<int>(one.below(100, 2));
    for (extent_t d = 0; d < n[1]; ++d)
      for (extent_t h = 0; h < n[2]; ++h)
        for (extent_t w = 0; w < n[3]; ++w) {
          float inside = 0;
          for (int e = 0; e < ellipsoids; ++e) {
            const extent_t at[3] = {d, h, w};
            double distance = 0;
            for (int a = 0; a < 3; ++a) {
              const auto i = static_cast<std::uint64_t>(6 * e + 2 * a);
              const double side = static_cast<double>(n[static_cast<std::size_t>(a + 1)]);
              const double radius = between(i, 0.15, 0.3) * side, centre = between(i + 1, 0.3, 0.7) * side;
              const double away = (static_cast<double>(at[a]) - centre) / radius;
              distance += away * away;
            }
            if (distance < 1) inside = 1;
          }
          const auto voxel = static_cast<std::uint64_t>((d * n[2] + h) * n[3] + w);
          truth(b, d, h, w, 0) = inside;
          images(b, d, h, w, 0) = inside + 0.8f * static_cast<float>(one.child(7).normal(voxel));
        }
  }
}

// Dice of voxels above `threshold` against the truth: 2 |A ∩ B| / (|A| + |B|), over all volumes.
double dice(const tensor<float, volumes>& scores, const tensor<float, volumes>& truth, float threshold) {
  double both = 0, all = 0;
  for (extent_t i = 0; i < truth.size(); ++i) {
    const double found = scores.data()[i] > threshold, wanted = static_cast<double>(truth.data()[i]);
    both += found * wanted, all += found + wanted;
  }
  return 2 * both / all;
}

void train(network& net) {
  adamw optimizer(named_parameters(net), {.rate = 1e-2});
  const sizes<5> batch{2, 12, 16, 16, 1};
  const auto images = tensor<float, volumes>::zeros(batch), truth = tensor<float, volumes>::zeros(batch);
  for (std::uint64_t step = 0; step < 150; ++step) {
    draw(images, truth, {1, step});
    const auto logits = net(var<float, volumes>(images));
    const auto total = eval(loss::dice(sigmoid(logits), truth, 1.0) + loss::binary_cross_entropy(logits, truth));
    backward(total);
    optimizer.step();
    optimizer.clear_gradients();
    if (step % 30 == 0) std::printf("step %3d: loss %.3f\n", static_cast<int>(step), static_cast<double>(total.item()));
  }
}

int main() {
  network net;
  initialize(net, 1);
  train(net);

  // Volumes that were not seen in training, and of another size, which only arrives at run time. A threshold alone, even the best one, is no match
  // for what the network has learned of shapes.
  const sizes<5> unseen{6, 16, 20, 16, 1};
  const auto images = tensor<float, volumes>::zeros(unseen), truth = tensor<float, volumes>::zeros(unseen);
  draw(images, truth, {2, 0});
  const auto logits = net(images);
  double best_threshold = 0;
  for (float t = 0; t < 2; t += 0.1f) best_threshold = std::max(best_threshold, dice(images, truth, t));
  const double found = dice(logits, truth, 0);
  std::printf("Dice on unseen volumes: %.3f; of the best threshold: %.3f\n", found, best_threshold);
  check(logits.sizes() == unseen, "the result has the volumes' sizes");
  check(found > 0.85, "ellipsoids are found in unseen volumes");
  check(found > best_threshold + 0.2, "better than by a threshold");
  bool refused = false;
  try {
    (void)net(tensor<float, volumes>::zeros({1, 10, 16, 16, 1}));  // 10 is no multiple of 4
  } catch (const error& e) {
    std::printf("%s\n", e.what());
    refused = true;
  }
  check(refused, "a depth that is no multiple of 4 is an error");

  // Rows are maps with one axis between batch and channels: a signal, smoothed by a convolution, halved by a pool, and resized to its old length.
  const auto signal = tensor<float, shape<1, dyn<"time">, 1>>::from(std::vector<float>{0, 0, 4, 4, 0, 0, 8, 8}, {1, 8, 1});
  const auto mean_of_two = tensor<float, shape<2, 1, 1>>::full(0.5f);
  const auto smooth = conv1d<2>(signal, mean_of_two);
  static_assert(extent_of<shape_t<decltype(smooth)>, 1> == windowed(dyn<"time">, 2, 2, 0));  // time/2, rounded down
  const auto again = resize_linear_like<corners::aligned>(smooth, signal);
  static_assert(std::is_same_v<shape_t<decltype(again)>, shape<1, dyn<"time">, 1>>);
  check_near(static_cast<double>(smooth(0, 1, 0)), 4, "the second pair's mean");
  check_near(static_cast<double>(max_pool1d<4>(signal)(0, 1, 0)), 8, "the largest of the last four");
  check_near(static_cast<double>(again(0, 7, 0)), 8, "the last of the resized signal");
  return wrong;
}

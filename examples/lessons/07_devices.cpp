// Lesson 7. The device is a parameter of the tensor: the same network trains on the host and on a GPU with that argument changed and nothing else.
// `cuda::emulated` runs the GPU's kernels on the host, thread by thread, and checks every access: no GPU is needed to write for one. Compiled by
// nvcc, this lesson trains on the GPU as well.
#include "check.hpp"

#include <dcs/dcs.hpp>
#include <dcs/kernels.cuh>
#include <dcs/optim/adamw.hpp>

#include <vector>

using namespace dcs;

// Nothing in a module speaks of a device.
struct regressor {
  nn::conv2d<3, 8, 3, 2> stem;
  nn::batch_norm<8> norm;
  nn::linear<8, 1> head;
  DCS_MEMBERS(stem, norm, head)

  template <operand X>
  constexpr auto operator()(const X& images) const {
    const auto y = global_avg_pool(eval(relu(norm(stem(images)))));
    return head(reshape<shape<extent_of<shape_t<X>, 0>, 8>>(y));
  }
};

using images_shape = shape<dyn<"batch">, 12, 12, 3>;
using answers_shape = shape<dyn<"batch">, 1>;

// The losses of some steps on a device, and in `kernels` what the last step launched there.
template <class D>
std::vector<double> train(std::string& kernels) {
  regressor net;
  initialize(net, 1);
  to_device<D>(net);  // parameters are made on the host, and move
  basic_adamw<D> optimizer(named_parameters(net), {.rate = 1e-2});
  const auto images = to<D>(random_normal<float, images_shape>({8, 12, 12, 3}, {1, 1}));
  const auto answers = to<D>(random_normal<float, answers_shape>({8, 1}, {1, 2}));
  std::vector<double> losses;
  for (int step = 0; step < 5; ++step) {
    const cuda::launch_log log;
    const auto loss = eval(mean_all(square(net(var(images)) - answers)));
    backward(loss);
    optimizer.step();
    optimizer.clear_gradients();
    losses.push_back(static_cast<double>(to<cpu_device>(loss.value()).item()));  // to<D>: the one way between devices, never taken unasked
    kernels = log.kernels();
  }
  return losses;
}

int main() {
  std::string none, launched;
  const auto host = train<cpu_device>(none), emulated = train<cuda::emulated>(launched);
  std::printf("a step launches %s\n", launched.c_str());
  for (std::size_t i = 0; i < host.size(); ++i) check_near(emulated[i], host[i], "a loss on the emulated device", 1e-4);
  check(host.back() < host.front(), "the network learns");
  check(none.empty() && !launched.empty(), "the host launches no kernel");

  // Tensors of two devices do not meet: their types differ, and an equation of both does not compile.
  static_assert(!std::is_same_v<tensor<float, shape<3>>, tensor<float, shape<3>, cuda::emulated>>);
#if defined(__CUDACC__)
  const auto gpu = train<cuda::device>(launched);
  for (std::size_t i = 0; i < host.size(); ++i) check_near(gpu[i], host[i], "a loss on the GPU", 1e-4);
#endif
  return wrong;
}

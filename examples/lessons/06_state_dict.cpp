// Lesson 6. A network's parameters have names and, in files, PyTorch's layouts. A file is a safetensors file; nothing is loaded that does not fit.
#include "check.hpp"

#include <dcs/dcs.hpp>
#include <dcs/nn/state_dict.hpp>

using namespace dcs;

template <int Classes>
struct network {
  nn::conv2d<3, 8, 3> conv;
  nn::batch_norm<8> norm;
  nn::linear<8, Classes> project;
  DCS_MEMBERS_AS((conv, "features.0"), (norm, "features.1"), (project, "classifier"))
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return project(reshape<shape<extent_of<shape_t<X>, 0>, 8>>(global_avg_pool(relu(norm(conv(x))))));
  }
};

// The words of the error that f throws, or nothing.
template <class F>
std::string refusal(F f) {
  try {
    f();
    return "";
  } catch (const error& e) {
    std::printf("as it should be: %s\n", e.what());
    return e.what();
  }
}

int main() {
  const std::string path = "lesson_06.safetensors";
  network<4> net;
  initialize(net, 1);

  // Saving: parameters and buffers under the names of the members. Metadata are strings.
  io::safetensors file;
  save_state_dict(net, file);
  file.metadata["epoch"] = "12";
  io::write_safetensors(path, file);

  // A convolution's weight lies as height, width, in, out in memory and as out, in, height, width in files, as PyTorch has it.
  const auto stored = io::read_safetensors(path);
  const auto& weight = stored.at("features.0.weight");
  check(weight.shape == std::vector<std::int64_t>{8, 3, 3, 3}, "PyTorch's layout");
  const auto w = net.conv.weight.as(tensor<float, shape<1>>());
  check(weight.as<float>()[((5 * 3 + 2) * 3 + 1) * 3 + 0] == w(1, 0, 2, 5), "element (5, 2, 1, 0) there is (1, 0, 2, 5) here");
  check(stored.contains("features.1.running_mean") && stored.metadata.at("epoch") == "12", "buffers and metadata are kept");

  // Loading gives the same network, to the last bit.
  network<4> same;
  initialize(same, 2);
  const auto x = random_normal<float, shape<2, 8, 8, 3>>({2, 8, 8, 3}, {1, 1});
  check(net(x)(1, 3) != same(x)(1, 3), "two seeds, two networks");
  check(load_state_dict(same, stored) == 8, "eight tensors were loaded: two of each layer, four of the norm");
  check(net(x)(1, 3) == same(x)(1, 3), "the same bits");

  // What does not fit is an error that names the tensor: two classes instead of four, or a name that the file lacks.
  network<2> fewer;
  initialize(fewer, 3);
  check(refusal([&] { load_state_dict(fewer, stored); }).find("classifier.weight") != std::string::npos, "a wrong shape is refused by name");

  // For fine-tuning one takes a part: here everything but the classifier, which keeps its initial values.
  io::safetensors part = stored;
  part.tensors.erase("classifier.weight"), part.tensors.erase("classifier.bias");
  check(refusal([&] { load_state_dict(fewer, part); }).find("lacks classifier.weight") != std::string::npos, "a part is refused unless one says so");
  check(load_state_dict(fewer, part, "", true) == 6, "six tensors of a part");
  check(eval(fewer.conv(x))(0, 4, 4, 7) == eval(net.conv(x))(0, 4, 4, 7), "the loaded layers are those of the file");

  std::remove(path.c_str());
  return wrong;
}

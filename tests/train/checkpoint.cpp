// The contents of a checkpoint are checked: version, counts of the optimiser, weights and moments; with a network of one layer and a norm.
#include <dcs/dcs.hpp>
#include <dcs/optim/adamw.hpp>
#include <dcs/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include <filesystem>

using namespace dcs;

namespace {

struct small_net {
  nn::conv2d<2, 3, 1, 1, 0, 1, false> conv;
  nn::batch_norm<3> norm;
  DCS_MEMBERS(conv, norm)
};

const std::string path = (std::filesystem::temp_directory_path() / ("dcs_test_checkpoint_" + std::to_string(::getpid()))).string();

// A network and its optimiser after `steps` steps.
struct trained {
  small_net net;
  adamw optimizer;
  explicit trained(int steps = 2) : optimizer((initialize(net, 1), named_parameters(net))) {
    for (int i = 0; i < steps; ++i) step();
  }
  void step() {
    using images = tensor<float, shape<1, 2, 2, 2>>;
    const auto x = images::zeros();
    for (int i = 0; i < 8; ++i) x.data()[i] = static_cast<float>(i % 3);
    const auto y = eval(net.norm(net.conv(var<float, images::shape_type>(x))));
    backward(eval(mean_all(y * y * y)));
    optimizer.step();
    optimizer.clear_gradients();
  }
};

io::safetensors saved(int steps = 2) {
  trained t(steps);
  save_checkpoint(path, t.net, &t.optimizer, {{"epoch", "0"}});
  return io::read_safetensors(path);
}

// Loading a checkpoint that `change` has changed: the message of the error, "" where there is none.
template <class Change>
std::string loading(const Change& change, bool with_optimizer = true) {
  auto file = saved();
  change(file);
  io::write_safetensors(path, file);
  trained t(0);
  std::string message;
  try {
    load_checkpoint(path, t.net, with_optimizer ? &t.optimizer : nullptr);
  } catch (const error& e) {
    message = e.what();
    CHECK(message.find(path) != message.npos);
  }
  std::filesystem::remove(path);
  return message;
}
bool says(const std::string& message, const std::string& text) {
  CAPTURE(message);
  return message.find(text) != message.npos;
}

// Sets element `at` of a tensor of floats.
void set(io::safetensors& file, const std::string& name, std::size_t at, float value) {
  auto v = file.at(name).as<float>();
  v.at(at) = value;
  file.put(name, file.at(name).shape, v.data());
}

const float not_a_number = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("a checkpoint is read back, and contains its version and instruction set") {
  const auto file = saved();
  CHECK(file.metadata.at("format_version") == std::to_string(checkpoint_version));
  CHECK(file.metadata.at("instruction_set") == cpu::name(cpu::current_isa()));
  CHECK(file.metadata.at("optimizer_steps") == "2");
  CHECK(file.metadata.at("optimizer_moments") == "3");
  CHECK(loading([](io::safetensors&) {}) == "");
  // The loaded optimiser continues in the same way: one more step changes both networks alike.
  trained one(2), other(0);
  save_checkpoint(path, one.net, &one.optimizer, {});
  load_checkpoint(path, other.net, &other.optimizer);
  const auto weights = [](const trained& t) { return std::vector<float>(t.net.conv.weight.data<float>(), t.net.conv.weight.data<float>() + 6); };
  const auto before = weights(one);
  CHECK(weights(other) == before);
  one.step(), other.step();
  CHECK(weights(other) == weights(one));
  CHECK(weights(other) != before);
  std::filesystem::remove(path);
}

TEST_CASE("an optimiser before its first step has no moments, and loaded moments replace others") {
  trained fresh(0), used(2);
  save_checkpoint(path, fresh.net, &fresh.optimizer, {});
  CHECK(io::read_safetensors(path).metadata.at("optimizer_moments") == "0");
  load_checkpoint(path, used.net, &used.optimizer);
  io::safetensors again;
  used.optimizer.save(again);
  CHECK(again.metadata.at("optimizer_steps") == "0");
  CHECK(again.tensors.empty());
  std::filesystem::remove(path);
}

TEST_CASE("another version is an error of its own type; a file without a version may be read for its weights alone") {
  for (const char* version : {"2", "0", "-1", "1.0", "", " 1", "1x", "99999999999999999999"}) {
    CAPTURE(version);
    for (const bool with_optimizer : {true, false})
      CHECK(says(loading([&](io::safetensors& f) { f.metadata["format_version"] = version; }, with_optimizer),
                 std::string("format_version is ") + version + "; expected 1"));
  }
  const auto without = [](io::safetensors& f) { f.metadata.erase("format_version"); };
  CHECK(says(loading(without), "lacks format_version"));
  CHECK(loading(without, false) == "");
}

TEST_CASE("the optimiser's counts must be whole numbers that agree with the moments") {
  for (const char* key : {"optimizer_steps", "optimizer_moments"}) {
    CAPTURE(key);
    CHECK(says(loading([&](io::safetensors& f) { f.metadata.erase(key); }), std::string("lacks ") + key));
    for (const char* value : {"12abc", "", "-1", "1.5", "nan", "1e300", " 2", "+2", "2 ", "0x2", "99999999999999999999"}) {
      CAPTURE(value);
      CHECK(says(loading([&](io::safetensors& f) { f.metadata[key] = value; }), std::string(key) + " is " + value + "; expected a whole number"));
    }
  }
  CHECK(says(loading([](io::safetensors& f) { f.metadata["optimizer_steps"] = "0"; }), "optimizer_steps is 0"));
  CHECK(says(loading([](io::safetensors& f) { f.metadata["optimizer_moments"] = "2"; }), "moments of 3 parameters; expected 2"));
  // Loading weights alone ignores the moments.
  CHECK(loading([](io::safetensors& f) { f.metadata["optimizer_steps"] = "12abc"; }, false) == "");
}

TEST_CASE("moments: a missing one, one of no parameter, one of another size, and values that no moment can have are errors") {
  CHECK(says(loading([](io::safetensors& f) { f.tensors.erase("optimizer/conv.weight/m"); }), "optimizer/conv.weight/m"));
  CHECK(says(loading([](io::safetensors& f) { f.tensors.erase("optimizer/norm.bias/v"); }), "optimizer/norm.bias/v"));
  CHECK(says(loading([](io::safetensors& f) { f.tensors.erase("optimizer/norm.bias/m"), f.tensors.erase("optimizer/norm.bias/v"); }),
             "moments of 2 parameters; expected 3"));
  const float one[] = {1};
  for (const char* name : {"optimizer/nothing/m", "optimizer/norm.running_mean/v", "optimizer/conv.weight/x"})
    CHECK(says(loading([&](io::safetensors& f) { f.put(name, {1}, one); }), std::string(name) + " belongs to no parameter"));
  CHECK(says(loading([&](io::safetensors& f) { f.put("optimizer/norm.bias/m", {1}, one); }),
             "optimizer/norm.bias/m has 1 moments for a parameter of 3"));
  for (const float value : {not_a_number, infinity, -infinity})
    for (const char* name : {"optimizer/conv.weight/m", "optimizer/conv.weight/v"}) {
      CAPTURE(value);
      CHECK(says(loading([&](io::safetensors& f) { set(f, name, 5, value); }), std::string(name) + " contains"));
    }
  CHECK(loading([](io::safetensors& f) { set(f, "optimizer/conv.weight/m", 5, -1); }) == "");
  CHECK(says(loading([](io::safetensors& f) { set(f, "optimizer/conv.weight/v", 5, -1); }), "expected finite numbers from 0"));
}

TEST_CASE("weights and buffers must be finite in the network's element type") {
  for (const bool with_optimizer : {true, false}) {
    for (const float value : {not_a_number, infinity, -infinity})
      for (const char* name : {"conv.weight", "norm.bias", "norm.running_mean", "norm.running_var"}) {
        CAPTURE(value);
        CHECK(says(loading([&](io::safetensors& f) { set(f, name, 2, value); }, with_optimizer), std::string(name) + " contains"));
      }
    CHECK(says(loading([](io::safetensors& f) { set(f, "norm.running_var", 0, -1); }, with_optimizer), "norm.running_var contains"));
    const double wide[] = {1, 1e300, 1};
    CHECK(says(loading([&](io::safetensors& f) { f.put("norm.bias", {3}, wide); }, with_optimizer), "norm.bias"));
    CHECK(says(loading([](io::safetensors& f) { f.tensors.erase("norm.bias"); }, with_optimizer), "the file lacks norm.bias"));
  }
}

TEST_CASE("an optimiser that cannot be read is left as it was") {
  auto file = saved();
  set(file, "optimizer/norm.weight/v", 0, not_a_number);  // the last in order: everything before it is whole
  trained t(1);
  io::safetensors before, after;
  t.optimizer.save(before);
  CHECK_THROWS_AS(t.optimizer.load(file), error);
  t.optimizer.save(after);
  CHECK(before.metadata == after.metadata);
  for (const auto& [name, tensor] : before.tensors) CHECK(after.at(name).bytes == tensor.bytes);
  std::filesystem::remove(path);
}

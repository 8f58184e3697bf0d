// A loss that is not finite ends a run at that step: the error names the term and the images, and no file contains a number that is not finite.
#include "scratch.hpp"
#include "small_net.hpp"

using namespace dcs;

namespace {

run_config numbers() {
  run_config c;
  c.data = "discs", c.net = "small", c.side = 64, c.epochs = 4, c.batch = 2, c.rate = 1e-2, c.seed = 5, c.augment = false;
  return c;
}
// Discs, of which one has a pixel that is no number from its `spoiled`-th reading on.
struct spoiled_discs : user::discs {
  std::int64_t image = 3;
  int first = 0;
  mutable std::atomic<int> readings{0};
  sample load(std::int64_t i) const {
    sample s = discs::load(i);
    if (i == image && readings++ >= first) s.pixels.pixels[100] = std::numeric_limits<float>::quiet_NaN();
    return s;
  }
};
// Every checkpoint in a folder can be read, which checks each weight and moment.
int readable_checkpoints(const std::string& folder) {
  int n = 0;
  for (const auto& e : fs::directory_iterator(folder)) {
    CHECK(e.path().string().find("partial") == std::string::npos);
    if (e.path().extension() != ".safetensors") continue;
    user::small_net net;
    initialize(net, 1);
    (void)load_checkpoint(e.path().string(), net);
    for (const auto& [name, t] : io::read_safetensors(e.path().string()).tensors)
      for (const double x : t.as<double>()) REQUIRE(is_finite(x));
    ++n;
  }
  return n;
}

}  // namespace

TEST_CASE("a term that becomes NaN from an image ends the run, with the names of term and images; what was written stays") {
  const run_scratch scratch;
  const user::discs validation{2};
  spoiled_discs train_set;
  train_set.count = 5, train_set.first = 1;  // in the second epoch
  {
    user::small_net net;
    training_run run(net, scratch("run"), numbers());
    const auto m = message_of([&] { run.train(train_set, validation, {}, {.save_minutes = 1e-9}); });
    CHECK(says(m, "dcs::train_step: the loss is not finite: dice_loss is "));
    CHECK(says(m, "(epoch 2, step "));
    CHECK(says(m, "disc 3"));
    CHECK(m.find("disc") != m.rfind("disc"));  // and the other of its batch
    CHECK(readable_checkpoints(scratch("run")) == 3);
  }
  // The image repaired, the run goes on from the step before, to the bits of one that never failed.
  const auto finish = [&](const std::string& folder, bool resume) {
    user::small_net net;
    auto run = resume ? training_run(net, folder, resumed{}) : training_run(net, folder, numbers());
    run.train(user::discs{5}, validation, {});
  };
  finish(scratch("run"), true), finish(scratch("whole"), false);
  CHECK((scratch.text("run/last.safetensors") == scratch.text("whole/last.safetensors")));
}

TEST_CASE("an image of the validation is named too") {
  const run_scratch scratch;
  spoiled_discs validation;
  user::small_net net;
  training_run run(net, scratch("run"), numbers());
  const auto m = message_of([&] { run.train(user::discs{2}, validation, {}); });
  CHECK(says(m, "dcs::validate_batch: the loss is not finite: dice_loss is "));
  CHECK(says(m, "(in validation, images disc 2, disc 3)"));
  CHECK(readable_checkpoints(scratch("run")) == 0);
}

TEST_CASE("a rate that makes weights infinite ends the run, whether or not a checkpoint is due at that step") {
  for (const double minutes : {0.0, 1e-9})
    for (const char* optimizer : {"adamw", "sgd"}) {
      CAPTURE(optimizer);
      const run_scratch scratch;
      run_config c = numbers();
      c.rate = 1e38, c.optimizer = optimizer;
      user::small_net net;
      training_run run(net, scratch("run"), c);
      const auto m = message_of([&] { run.train(user::discs{5}, user::discs{2}, {}, {.save_minutes = minutes}); });
      CAPTURE(m);
      const bool in_a_step = m.find("(epoch 1, step 2, images disc ") != m.npos, at_a_checkpoint = m.find("is not written: ") != m.npos;
      CHECK((in_a_step || at_a_checkpoint));
      (void)readable_checkpoints(scratch("run"));
    }
}

TEST_CASE("a checkpoint of weights that are not finite is not written, and the one before stays") {
  const run_scratch scratch;
  user::small_net net;
  initialize(net, 1);
  save_checkpoint(scratch("a"), net, nullptr, {});
  const std::string before = scratch.text("a");
  for (const float wrong : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    named_parameters(net)[0].parameter->data<float>()[2] = wrong;
    CHECK(says(message_of([&] { save_checkpoint(scratch("a"), net, nullptr, {}); }), "a is not written: first.weight contains "));
    CHECK((scratch.text("a") == before));
    CHECK(scratch.names() == "a ");
  }
}

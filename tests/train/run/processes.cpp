// A run of several processes, which here are threads: the same folder as one process writes, to the bit, with any number of them and in any number of
// parts; stops on which they agree, and errors that are everybody's.
#include "scratch.hpp"
#include "small_net.hpp"

#include <dcs/train/communicator/threads.hpp>

#include <atomic>

using namespace dcs;

namespace {

run_config numbers() {
  run_config c;
  c.data = "discs", c.net = "small", c.side = 64, c.epochs = 2, c.batch = 4, c.rate = 1e-2, c.seed = 5, c.ema = 0.9, c.shards = 4;
  return c;
}
// Of a run that goes on: as many epochs as before.
run_config keep_epochs() {
  run_config c;
  c.epochs = 0;
  return c;
}
const user::discs train_set{7}, validation{5};  // the last of two batches is smaller

std::string bytes(const std::string& path) { return io::read_bytes(path, "test", 1 << 24); }
// The rows of results.csv without their seconds.
std::string rows(const std::string& folder) {
  std::istringstream lines(bytes(folder + "/results.csv"));
  std::string all;
  for (std::string line; std::getline(lines, line);) {
    const auto second = line.find(',', line.find(',') + 1);
    all += line.substr(0, second) + line.substr(line.find(',', second + 1)) + "\n";
  }
  return all;
}
void check_same(const std::string& a, const std::string& b) {
  CHECK(rows(a) == rows(b));
  for (const char* file : {"/last.safetensors", "/best.safetensors", "/config.json"}) CHECK((bytes(a + file) == bytes(b + file)));
}

// Trains in a folder with so many processes until step `last`, counted through all epochs: there process `asked` alone is asked to stop.
void train(const std::string& folder, int processes, std::int64_t last = 0, int asked = 0) {
  on_threads(processes, [&](const any_communicator& c) {
    user::small_net net;
    const bool resume = fs::exists(folder + "/config.json");
    if (c.size() > 1) any_communicator(c).barrier();
    training_run<user::small_net> run(net, folder, resume ? keep_epochs() : numbers(), resume, {}, true, c);
    stop_request stop;
    const auto after = [&](const step_report& s) {
      if ((s.epoch - 1) * s.steps + s.step == last && c.rank() == asked) stop.ask(7);
    };
    const bool ended = run.train(train_set, validation, {}, {.stop = &stop, .after_step = after});
    expect(ended == (last == 0) && run.processes().stop_reason() == (last == 0 ? 0 : 7), "the processes have not agreed");
  });
}

}  // namespace

TEST_CASE("a run writes the same folder with any number of processes, in any number of parts") {
  const run_scratch scratch;
  train(scratch("one"), 1);
  CHECK(rows(scratch("one")).find("\n2,") != std::string::npos);
  for (const int processes : {2, 3, 4}) {
    CAPTURE(processes);
    train(scratch(std::to_string(processes)), processes);
    check_same(scratch(std::to_string(processes)), scratch("one"));
  }
  train(scratch("parts"), 3, 1, 2);
  train(scratch("parts"), 1, 2);
  train(scratch("parts"), 2, 3, 1);
  train(scratch("parts"), 4);
  check_same(scratch("parts"), scratch("one"));
  CHECK(warnings.empty());
}

TEST_CASE("validation that is shared out has the figures of one process") {
  user::small_net net;
  initialize(net, 3);
  epoch_options<user::small_net::options> o;
  o.batch = 2;
  const auto expected = validate(net, validation, o);  // clang 14 does not capture a structured binding
  const step_losses& losses = expected.first;
  const mean_metrics& measures = expected.second;
  std::atomic<int> same = 0;
  on_threads(4, [&](const any_communicator& c) {
    const auto found = validate(net, validation, o, {}, c);
    same += found.first.total == losses.total && found.first.terms == losses.terms && found.second.dice == measures.dice &&
            found.second.hd95 == measures.hd95 && found.second.images == measures.images;
  });
  CHECK(measures.images == 5);
  CHECK(same == 4);
  // One that leaves takes the others along.
  std::atomic<int> left = 0;
  on_threads(3, [&](const any_communicator& c) {
    try {
      (void)validate(
          net, validation, o,
          [&](auto...) {
            if (c.rank() == 1) throw validation_left();
          },
          c);
    } catch (const validation_left&) {
      ++left;
    }
  });
  CHECK(left == 3);
}

TEST_CASE("what is wrong with a folder or a configuration is every process's error, and nothing changes") {
  const run_scratch scratch;
  const auto begin = [&](const std::string& folder, int processes, run_config c, bool resume) {
    std::string first;
    std::atomic<int> same = 0;
    std::mutex mutex;
    on_threads(processes, [&](const any_communicator& ranks) {
      user::small_net net;
      const auto m = message_of([&] { training_run<user::small_net>(net, folder, c, resume, {}, true, ranks); });
      const std::lock_guard lock(mutex);
      if (first.empty()) first = m;
      same += m == first && !m.empty();
    });
    CHECK(same == processes);
    return first;
  };
  run_config c = numbers();
  c.shards = 5;
  CHECK(says(begin(scratch("new"), 2, c, false), "shards is 5; expected 1 to the 4 images of a batch, or 0"));
  train(scratch("run"), 1);
  CHECK(says(begin(scratch("run"), 3, numbers(), false), "holds a run already"));
  CHECK(says(begin(scratch("none"), 3, numbers(), true), "none/config.json"));
  scratch.put("run/last.safetensors", "damaged"), scratch.put("run/previous.safetensors", "damaged too");
  CHECK(says(begin(scratch("run"), 2, keep_epochs(), true), "nor can the one before be used"));

  {
    user::small_net net;
    c = numbers(), c.shards = 0;
    training_run whole(net, scratch("whole"), c);
    (void)whole.train(train_set, validation, {});
  }
  CHECK(says(begin(scratch("whole"), 2, keep_epochs(), true), "batches that are not cut into shards, so that 2 processes cannot go on with it"));
}

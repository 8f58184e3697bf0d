// A run that is stopped within an epoch, at any step, goes on to the bits of one that was not: weights, moments, averages, results. A signal asks for
// it, and a clock writes checkpoints without stopping.
#include "scratch.hpp"
#include "small_net.hpp"

#include <sys/wait.h>

using namespace dcs;

namespace {

constexpr std::int64_t images = 5, steps_of_epoch = 3;  // the last batch is smaller

run_config numbers() {
  run_config c;
  c.data = "discs", c.net = "small", c.side = 64, c.epochs = 3, c.batch = 2, c.rate = 1e-2, c.seed = 5, c.ema = 0.9;
  c.rate_schedule = "cosine", c.warmup = 1;
  c.oversample_small = 0.5, c.copy_paste = 0.5;
  return c;
}
const user::discs train_set{images}, validation{3};

// The rows of results.csv without their seconds.
std::string rows(const std::string& folder) {
  std::istringstream lines(io::read_bytes(folder + "/results.csv", "test", 1 << 20));
  std::string all;
  for (std::string line; std::getline(lines, line);) {
    const auto second = line.find(',', line.find(',') + 1);
    all += line.substr(0, second) + line.substr(line.find(',', second + 1)) + "\n";
  }
  return all;
}
std::string bytes(const std::string& path) { return io::read_bytes(path, "test", 1 << 24); }

// Trains in a folder until step `last`, counted through all epochs, and stops there; whether the run has ended.
bool train_until(const std::string& folder, std::int64_t last, double save_minutes = 0) {
  user::small_net net;
  auto run = fs::exists(folder) ? training_run(net, folder, resumed{}) : training_run(net, folder, numbers());
  stop_request stop;
  const auto after = [&](const step_report& s) {
    CHECK(s.epochs == 3);
    CHECK(s.steps == steps_of_epoch);
    if ((s.epoch - 1) * s.steps + s.step == last) stop.ask();
  };
  return run.train(train_set, validation, {}, {.stop = &stop, .save_minutes = save_minutes, .after_step = after});
}
void check_same(const std::string& a, const std::string& b) {
  CHECK(rows(a) == rows(b));
  CHECK((bytes(a + "/last.safetensors") == bytes(b + "/last.safetensors")));
  CHECK((bytes(a + "/best.safetensors") == bytes(b + "/best.safetensors")));
}

}  // namespace

TEST_CASE("a run that is stopped after any step goes on to the same bits") {
  const run_scratch scratch;
  REQUIRE(train_until(scratch("whole"), 0));
  for (std::int64_t stop = 1; stop <= 3 * steps_of_epoch; ++stop) {
    CAPTURE(stop);
    const std::string folder = scratch("parts" + std::to_string(stop));
    CHECK(!train_until(folder, stop));
    {
      user::small_net net;
      const training_run run(net, folder, resumed{});
      CHECK(run.epochs_done() == (stop - 1) / steps_of_epoch);
      CHECK(run.steps_done() == (stop - 1) % steps_of_epoch + 1);
    }
    CHECK(train_until(folder, 0));
    check_same(scratch("whole"), folder);
  }
  CHECK(warnings.empty());
}

TEST_CASE("oversampling and copy-paste each change what a run is trained on") {
  const run_scratch scratch;
  std::set<std::string> losses;
  for (const auto& [small, paste] : {std::pair(0.0, 0.0), std::pair(2.0, 0.0), std::pair(0.0, 1.0)}) {
    const std::string folder = scratch("run" + std::to_string(losses.size()));
    run_config c = numbers();
    c.epochs = 1, c.warmup = 0, c.oversample_small = small, c.copy_paste = paste;
    user::small_net net;
    CHECK(training_run(net, folder, c).train(train_set, validation, {}));
    losses.insert(rows(folder));
  }
  CHECK(losses.size() == 3);
}

TEST_CASE("a run that is stopped again and again, at random steps, comes to the same bits") {
  const run_scratch scratch;
  REQUIRE(train_until(scratch("whole"), 0));
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    const std::string folder = scratch("parts" + std::to_string(seed));
    std::int64_t at = 0;
    for (std::uint64_t k = 0; at < 3 * steps_of_epoch; ++k) {
      at += 1 + random_stream{seed, 0}.below(k, 4);
      const bool ended = train_until(folder, at);
      CHECK(ended == (at > 3 * steps_of_epoch));
    }
    train_until(folder, 0);
    check_same(scratch("whole"), folder);
  }
}

TEST_CASE("a checkpoint by the clock does not stop the run, and what came after it is done again after a kill") {
  const run_scratch scratch;
  REQUIRE(train_until(scratch("whole"), 0));
  CHECK(train_until(scratch("often"), 0, 1e-9));  // after every step
  check_same(scratch("whole"), scratch("often"));
  for (const bool damaged : {false, true}) {
    const std::string folder = scratch(damaged ? "damaged" : "killed");
    {
      user::small_net net;
      training_run run(net, folder, numbers());
      const auto kill = [](const step_report& s) { expect(s.epoch < 2 || s.step < 3, "killed"); };
      CHECK(says(message_of([&] { run.train(train_set, validation, {}, {.save_minutes = 1e-9, .after_step = kill}); }), "killed"));
    }
    if (damaged) io::write_bytes(folder + "/last.safetensors", "test", "damage");
    user::small_net net;
    training_run run(net, folder, resumed{});
    CHECK(run.epochs_done() == 1);
    CHECK(run.steps_done() == (damaged ? 1 : 2));
    CHECK(run.train(train_set, validation, {}));
    check_same(scratch("whole"), folder);
    CHECK(warnings.size() == (damaged ? 1 : 0));
  }
}

TEST_CASE("a state within an epoch is read back to the same bits, and checked") {
  run_config c = numbers();
  run_state s(c);
  s.epochs = 2, s.plateau.best = 0.5, s.plateau.since_best = s.plateau.since_change = 1;
  s.part = {7, {1.0 / 3, {0.1, 2.0 / 7}, {11}}}, s.seconds = 12.5;
  const auto m = s.metadata(c);
  const auto r = run_state::of(m, c, "");
  CHECK(r.epochs == 2);
  CHECK(r.seconds == 12.5);
  CHECK(r.part.steps == 7);
  CHECK(r.part.sums.total == s.part.sums.total);
  CHECK(r.part.sums.terms == s.part.sums.terms);
  CHECK(r.part.sums.counts == s.part.sums.counts);
  CHECK(m.count("epoch") == 0);  // what an earlier version would go on from
  const std::pair<const char*, std::vector<const char*>> wrong[] = {
      {"epochs_done", {"-1", "", "1.5"}},
      {"steps", {"0", "-3", "x", "1e3"}},
      {"seconds", {"", "x", "nan", "inf", "-5"}},
      {"losses",
       {"", "[]", "{}", R"({"total":1,"terms":[],"counts":[]})", R"({"total":"nan","terms":[],"counts":[]})",
        R"({"total":"1","terms":["x"],"counts":[]})"}}};
  for (const auto& [name, values] : wrong)
    for (const char* value : values) {
      const std::string key = name;
      CAPTURE(key);
      CAPTURE(value);
      auto changed = m;
      changed[key] = value;
      CHECK(says(message_of([&] { run_state::of(changed, c, "last.safetensors"); }), "last.safetensors: "));
    }
}

TEST_CASE("steps of an epoch that the data does not have, and losses of another network, are errors") {
  const run_scratch scratch;
  CHECK(!train_until(scratch("run"), 3));
  user::small_net net;
  training_run run(net, scratch("run"), resumed{});
  CHECK(says(message_of([&] { run.train(user::discs{2}, validation, {}); }), "3 steps of the epoch are done, but it has 1"));
  const std::string last = scratch("other") + "/last.safetensors";
  CHECK(!train_until(scratch("other"), 1));
  auto file = io::read_safetensors(last);
  file.metadata["losses"] = R"({"total":"1","terms":["1","2","3","4","5"],"counts":[]})";
  io::write_safetensors(last, file);
  user::small_net another;
  CHECK(says(message_of([&] { training_run(another, scratch("other"), resumed{}); }), "losses are of 5 terms and 0 counts; expected "));
}

TEST_CASE("nobody reads the output: a run that catches signals goes on, and afterwards SIGPIPE is what it was") {
  struct sigaction before {
  }, after{};
  ::sigaction(SIGPIPE, nullptr, &before);
  REQUIRE((before.sa_handler == SIG_DFL));
  {
    stop_request stop;
    const stop_on_signals handled(stop);
    std::raise(SIGPIPE);
    CHECK(!stop);
  }
  ::sigaction(SIGPIPE, nullptr, &after);
  CHECK((after.sa_handler == SIG_DFL));
}

TEST_CASE("the first signal asks, the second is ignored, the third kills; what was ignored stays ignored") {
  for (const int number : {SIGINT, SIGTERM}) {
    stop_request stop;
    {
      const stop_on_signals handled(stop);
      CHECK(!stop);
      std::raise(number);
      CHECK(stop.reason() == number);
      std::raise(SIGTERM);
      CHECK(stop.reason() == number);
      const pid_t child = ::fork();
      if (child == 0) {
        std::raise(SIGTERM);
        ::_exit(0);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM));
    }
    std::signal(number, SIG_IGN);
    stop_request other;
    {
      const stop_on_signals handled(other);
      std::raise(number);
      CHECK(!other);
    }
    struct sigaction after {};
    ::sigaction(number, nullptr, &after);
    CHECK((after.sa_handler == SIG_IGN));
    std::signal(number, SIG_DFL);
  }
}

// Every call of the system that reading and writing of files makes is made to fail, one after the other; so is the start of a thread.
#include "failing_calls.hpp"

#include <dcs/data/prefetch.hpp>
#include <dcs/io/npy.hpp>
#include <dcs/io/safetensors.hpp>

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <thread>

using namespace dcs;
namespace fs = std::filesystem;

namespace {

struct folder {
  fs::path path = fs::temp_directory_path() / ("dcs_failing_" + std::to_string(::getpid()));
  folder() {
    fs::create_directories(path);
    count_below(path.c_str());
  }
  ~folder() {
    fail_call("", 0, 0, false);
    fs::remove_all(path);
  }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

io::safetensors checkpoint(float value) {
  io::safetensors s;
  for (const char* name : {"a", "b", "c"}) s.put(name, {1}, &value);
  s.metadata["epoch"] = std::to_string(value);
  return s;
}

std::vector<std::string> names_in(const fs::path& p) {
  std::vector<std::string> names;
  for (const auto& e : fs::directory_iterator(p)) names.push_back(e.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// Runs `work` without a failure; then once for each call of this name, which fails. Checks that each failure is an error with the system's message,
// after which `unharmed` holds. Returns the number of calls.
long fail_each(const std::string& name, int error, const std::function<void()>& prepare, const std::function<void()>& work,
               const std::function<void()>& unharmed) {
  prepare();
  fail_call(name.c_str(), 0, 0, false);
  work();
  const long calls = calls_counted(name.c_str());
  for (const bool onwards : {false, true})
    for (long at = 1; at <= calls; ++at) {
      prepare();
      CAPTURE(name);
      CAPTURE(at);
      CAPTURE(onwards);
      fail_call(name.c_str(), at, error, onwards);
      std::string said;
      try {
        work();
      } catch (const dcs::error& e) {
        said = e.what();
      }
      fail_call("", 0, 0, false);
      CAPTURE(said);
      CHECK(said.find(std::generic_category().message(error)) != std::string::npos);
      CHECK(said.find('\n') == std::string::npos);
      unharmed();
    }
  return calls;
}

}  // namespace

TEST_CASE("a file is written whole or not at all, whichever call fails") {
  const folder f;
  const std::string path = f / "checkpoint";
  const auto prepare = [&] {
    fs::remove_all(f.path);
    fs::create_directories(f.path);
    io::write_safetensors(path, checkpoint(1));
  };
  const auto write = [&] { io::write_safetensors(path, checkpoint(2)); };
  // Nothing is left beside it; what is there is the old file or, where only its folder could not be synced, the new one.
  const auto whole = [&] {
    CHECK(names_in(f.path) == std::vector<std::string>{"checkpoint"});
    const float value = io::read_safetensors(path).at("c").as<float>().at(0);
    CHECK((value == 1 || value == 2));
  };
  CHECK(fail_each("open_write", EACCES, prepare, write, whole) == 1);
  CHECK(fail_each("write", ENOSPC, prepare, write, whole) == 4);
  CHECK(fail_each("fsync", EIO, prepare, write, whole) == 2);
  CHECK(fail_each("close_write", EIO, prepare, write, whole) == 1);
  CHECK(fail_each("rename", EIO, prepare, write, whole) == 1);
  CHECK(fail_each("open_read", EMFILE, prepare, write, whole) == 1);  // of the folder
}

TEST_CASE("a file that cannot be read is an error, whichever call fails") {
  const folder f;
  const std::string path = f / "checkpoint", array = f / "array.npy";
  io::write_safetensors(path, checkpoint(1));
  io::write_npy(array, tensor<double, shape<3>>::full(1.5));
  const auto nothing = [] {};
  const auto read = [&] { (void)io::read_safetensors(path); };
  CHECK(fail_each("open_read", ENOENT, nothing, read, nothing) == 1);
  CHECK(fail_each("fstat", EIO, nothing, read, nothing) == 1);
  CHECK(fail_each("read", EIO, nothing, read, nothing) == 5);
  const auto read_array = [&] { (void)io::read_npy<double, shape<3>>(array); };
  CHECK(fail_each("read", EIO, nothing, read_array, nothing) == 3);
}

TEST_CASE("a folder that cannot be created is an error") {
  const folder f;
  const auto prepare = [&] { fs::remove_all(f.path / "x"); };
  const auto make = [&] { io::create_folders(f / "x/y/z", "test"); };
  const auto nothing = [] {};
  CHECK(fail_each("mkdir", ENOSPC, prepare, make, nothing) == 3);
  CHECK(fail_each("fsync", EIO, prepare, make, nothing) == 3);
}

TEST_CASE("a call that a signal interrupted is made again") {
  const folder f;
  const std::string path = f / "checkpoint";
  for (const std::string name : {"open_write", "write", "fsync", "open_read", "read"}) {
    CAPTURE(name);
    fail_call(name.c_str(), 1, EINTR, false);
    io::write_safetensors(path, checkpoint(3));
    CHECK(io::read_safetensors(path).at("a").as<float>().at(0) == 3);
    CHECK(calls_counted(name.c_str()) > 1);
  }
  fail_call("close_write", 1, EINTR, false);  // has closed, as Linux has it
  io::write_safetensors(path, checkpoint(4));
  CHECK(io::read_safetensors(path).at("a").as<float>().at(0) == 4);
}

TEST_CASE("memory that cannot be allocated is an exception") {
  const folder f;
  const std::string path = f / "checkpoint";
  io::write_safetensors(path, checkpoint(1));
  const auto work = [&] {
    auto s = io::read_safetensors(path);
    s.metadata["a key that is longer than a string's own memory"] = "and a text that is longer than it too";
    io::write_safetensors(path, s);
  };
  fail_call("malloc", 0, 0, false);
  work();
  const long calls = calls_counted("malloc");
  REQUIRE(calls > 20);
  for (long at = 1; at <= calls; ++at) {
    fail_call("malloc", at, ENOMEM, false);
    bool thrown = false;
    try {
      work();
    } catch (const std::bad_alloc&) {
      thrown = true;
    }
    const bool reached = calls_counted("malloc") >= at;
    fail_call("", 0, 0, false);
    CAPTURE(at);
    CHECK(thrown == reached);
    CHECK(io::read_safetensors(path).tensors.size() == 3);
    CHECK(names_in(f.path) == std::vector<std::string>{"checkpoint"});
  }
}

TEST_CASE("work is done without a thread that cannot be started") {
  const folder f;
  io::write_bytes(f / "file", "test", "threads count from the first file on");
  using value = std::pair<std::int64_t, std::thread::id>;
  const auto here = [](std::int64_t k) {
    if (k == 3) fail("no image");
    return value(k + 1, std::this_thread::get_id());
  };
  for (const int error : {EAGAIN, ENOMEM})
    for (const int started : {0, 1}) {
      CAPTURE(started);
      fail_call("pthread_create", started + 1, error, true);
      prefetched<value> values(5, here, 3, 3);
      CHECK(calls_counted("pthread_create") == started + 1);
      for (std::int64_t k = 0; k < 5; ++k) {
        if (k == 3) {
          CHECK_THROWS_WITH_AS((void)values.next(), "no image", dcs::error);
          continue;
        }
        const auto v = values.next();
        REQUIRE(v);
        CHECK(v->first == k + 1);
        CHECK((v->second == std::this_thread::get_id()) == (started == 0));
      }
      CHECK_FALSE(values.next());
    }
}

// Lack of memory is told from other errors, and the batch that is said to fit does.
#include "scratch.hpp"
#include "small_net.hpp"

#include <fstream>

#include <sys/resource.h>
#include <sys/wait.h>

using namespace dcs;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DCS_WITHOUT_LIMITS  // sanitizers take address space for themselves
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DCS_WITHOUT_LIMITS
#endif
#endif

TEST_CASE("the refusals of allocators are lack of memory, other errors are none") {
  const auto lacking = [](const auto& f) {
    try {
      f();
    } catch (const std::exception& e) {
      return is_lack_of_memory(e);
    }
    FAIL("nothing was thrown");
    return false;
  };
  CHECK(lacking([] { (void)host_allocator::get().allocate(std::int64_t{1} << 61); }));
  CHECK(lacking([] { throw std::bad_alloc(); }));
  CHECK(!lacking([] { (void)host_allocator::get().allocate(-1); }));
  CHECK(!lacking([] { fail("dcs::load: the file lacks a"); }));
}

#if !defined(DCS_WITHOUT_LIMITS)

namespace {

// The address space of this process in bytes.
std::int64_t address_space() {
  std::ifstream status("/proc/self/statm");
  std::int64_t pages = 0;
  status >> pages;
  return pages * ::sysconf(_SC_PAGESIZE);
}
run_config numbers(int batch) {
  run_config c;
  c.data = "discs", c.net = "small", c.side = 64, c.epochs = 1, c.batch = batch, c.augment = false;
  return c;
}
// What a process says that may take 60 MB more than it has: 0: a batch of `wanted` fits; otherwise the batch that is said to fit instead.
int fitting_of(const std::string& folder, int wanted) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto most = static_cast<rlim_t>(address_space() + 60'000'000);
    const rlimit limit{most, most};
    ::setrlimit(RLIMIT_AS, &limit);
    int answer = 255;
    const user::discs train_set{200};
    user::small_net net;
    training_run run(net, folder, numbers(wanted));
    try {
      run.train(train_set, user::discs{2}, {});
      answer = 0;
    } catch (const std::exception& e) {
      if (is_lack_of_memory(e)) answer = run.fitting_batch(train_set);
    }
    ::_exit(answer);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("the batch that fits is found, and no file is left that is not whole") {
  const run_scratch scratch;
  const int fits = fitting_of(scratch("large"), 200);
  CHECK((fits > 5 && fits < 200));
  for (const auto& e : fs::directory_iterator(scratch("large"))) {
    const std::string name = e.path().filename().string();
    CHECK((name == "config.json" || name == "results.csv" || name == ".lock"));
  }
  CHECK(fitting_of(scratch("fitting"), fits * 3 / 4) == 0);
  CHECK(fs::exists(scratch("fitting/last.safetensors")));
}

#endif

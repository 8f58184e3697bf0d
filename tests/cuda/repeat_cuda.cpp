// Work that is captured once and repeated, and batches that arrive meanwhile: on the GPU a graph and a stream, on the host calls and copies.
#include "compare.hpp"

#if defined(__CUDACC__)
#include <dcs/cuda/graph.cuh>
#endif
#include <dcs/cuda/repeat.hpp>
#include <dcs/expr/chain.cuh>
#include <dcs/ops/dropout/cuda.cuh>
#include <dcs/ops/dropout/dropout.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <thread>

using namespace dcs;
using kernel_test::target;

namespace {
using map = shape<6, 20>;
tensor<float, map> numbers(std::uint64_t stream) { return kernel_test::rounded<float>(random_normal<double, map>(map::extents, {3, stream})); }
template <class T>
void to_device(const storage& to, const T& v) {
  target::copy_from_host(to.data(), &v, sizeof v);
}
}  // namespace

TEST_CASE("repeated work reads memory at each launch: its inputs, and the shift of its random numbers") {
  auto x = to<target>(numbers(1)).clone();
  auto y = to<target>(numbers(2)).clone();
  const storage shift = storage::allocate<target>(sizeof(std::uint64_t));
  random_stream random{5, 6};
  random.shift_at = static_cast<const std::uint64_t*>(shift.data());
  const double scale = 3;
  const cuda::repeated_work<target> work([&] {
    const auto dropped = eval(dropout(x, 0.4, random.child(2)) * scale);  // allocated and freed within
    target::copy(y.data(), dropped.data(), y.bytes());
  });
  for (const std::uint64_t k : {1u, 7u}) {
    const auto in = numbers(10 + k);
    target::copy_from_host(x.data(), in.data(), in.bytes());
    to_device(shift, k);
    work.launch();
    const auto wanted = eval(dropout(in, 0.4, random_stream{5, 6, k}.child(2)) * scale);
    CHECK(kernel_test::difference(to<cpu_device>(y), wanted) < 1e-6);
    CHECK(kernel_test::difference(eval(dropout(in, 0.4, random_stream{5, 6}.child(2)) * scale), wanted) >
          0.1);  // another shift gives other random numbers
  }
}

TEST_CASE("batches arrive in the order that they were sent; one of another size is an error") {
  cuda::arrivals<target> way;
  auto a = to<target>(numbers(1)).clone(), b = to<target>(numbers(2)).clone();
  for (std::uint64_t k = 1; k <= 4; ++k) {
    auto first = numbers(20 + k), second = numbers(30 + k);
    const auto wanted_first = first.clone(), wanted_second = second.clone();
    way.send(first.data(), first.bytes());
    way.send(second.data(), second.bytes());
    first.fill(0), second.fill(0);  // the sender may overwrite what it has sent
    way.close();
    way.receive(a.data(), a.bytes());
    way.receive(b.data(), b.bytes());
    way.done();
    CHECK(kernel_test::difference(to<cpu_device>(a), wanted_first) == 0);
    CHECK(kernel_test::difference(to<cpu_device>(b), wanted_second) == 0);
  }
  const auto x = numbers(1);
  way.send(x.data(), x.bytes());
  way.close();
  CHECK_THROWS_WITH_AS(way.receive(a.data(), 8), doctest::Contains("8 bytes are to be received"), error);
}

#if defined(__CUDACC__)
TEST_CASE("a capture keeps copies of host data, refuses calls that would wait, and a failed one leaves the stream usable") {
  auto y = to<target>(numbers(1)).clone();
  const auto in = numbers(4);
  std::optional<cuda::repeated_work<target>> work;
  {
    const auto passing = in.clone();
    work.emplace([&] { target::copy_from_host(y.data(), passing.data(), passing.bytes()); });
  }
  work->launch();
  CHECK(kernel_test::difference(to<cpu_device>(y), in) == 0);
  const auto waits = [&] { cuda::repeated_work<target> bad([&] { (void)to<cpu_device>(y); }); };
  CHECK_THROWS_WITH_AS(waits(), doctest::Contains("while a graph is captured"), error);
  y.zero();
  work->launch();
  CHECK(kernel_test::difference(to<cpu_device>(y), in) == 0);
}

TEST_CASE("a capture's constants are filled at once, and stay valid for the graph when their owner replaces them") {
  auto y = to<target>(numbers(1)).clone();
  const auto in = numbers(4), others = numbers(5);
  storage table = cuda::constant(target{}, others.data(), others.bytes());
  std::optional<cuda::repeated_work<target>> work;
  {
    const auto passing = in.clone();
    work.emplace([&] {
      cuda::keep(target{}, table);
      table = cuda::constant(target{}, passing.data(), passing.bytes());
      cuda::keep(target{}, table);
      target::copy(y.data(), table.data(), y.bytes());
    });
  }
  target::copy(y.data(), table.data(), y.bytes());  // before any launch
  CHECK(kernel_test::difference(to<cpu_device>(y), in) == 0);
  table = cuda::constant(target{}, others.data(), others.bytes());
  y.zero();
  work->launch();
  CHECK(kernel_test::difference(to<cpu_device>(y), in) == 0);
}

TEST_CASE("older memory that a capture frees serves its graph on; what a capture allocates may be held longer than the graph") {
  auto y = to<target>(numbers(1)).clone();
  const auto in = numbers(4), other = numbers(5);
  const auto wanted = eval(in * 2.0);
  using on_target = tensor<float, map, target>;
  std::optional<on_target> older = to<target>(in).clone(), held;
  std::optional<cuda::repeated_work<target>> work;
  work.emplace([&] {
    held = eval(*older * 2.0);
    older.reset();
    target::copy(y.data(), held->data(), y.bytes());
  });
  for (int k = 0; k < 3; ++k) {
    const auto elsewhere = to<target>(other).clone();
    y.zero();
    work->launch();
    CHECK(kernel_test::difference(to<cpu_device>(y), wanted) == 0);
    CHECK(kernel_test::difference(to<cpu_device>(*held), wanted) == 0);
    CHECK(kernel_test::difference(to<cpu_device>(elsewhere), other) == 0);
  }
  work.reset();
  CHECK(kernel_test::difference(to<cpu_device>(*held), wanted) == 0);
  held.reset();
  CHECK(kernel_test::difference(to<cpu_device>(eval(y * 1.0)), wanted) == 0);
}

TEST_CASE("threads share the stream, so that one may free what another has allocated; while one captures the others may not work") {
  const cudaStream_t here = cuda::stream();
  std::string said;
  const auto work_elsewhere = [&] {
    std::thread([&] {
      try {
        const cudaStream_t there = cuda::stream();
        CHECK(there == here);
        const auto passing = to<target>(numbers(2)).clone();
      } catch (const error& e) {
        said = e.what();
      }
    }).join();
  };
  work_elsewhere();
  CHECK(said.empty());
  const cuda::repeated_work<target> work([&] { work_elsewhere(); });
  CHECK(said.find("another thread captures a graph") != std::string::npos);
}
#endif

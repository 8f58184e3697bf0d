// Every operation of a communicator once, for tests of each transport.
#pragma once

#include <dcs/train/communicator/communicator.hpp>

#include <numeric>
#include <vector>

namespace {

// r + 1 numbers that rank r alone has.
std::vector<int> numbers_of(int r) {
  std::vector<int> n(static_cast<std::size_t>(r) + 1);
  std::iota(n.begin(), n.end(), 100 * r);
  return n;
}
std::int64_t bytes_of(std::size_t ints) { return static_cast<std::int64_t>(ints * sizeof(int)); }

// Every operation once. Failures are counted, as doctest's checks are not for threads that have just begun.
template <dcs::communicator C>
int wrong_results(C c) {
  int wrong = 0;
  int value = c.rank() == c.size() - 1 ? 42 : 0;
  c.broadcast(&value, sizeof value, c.size() - 1);
  wrong += value != 42;

  const auto all = dcs::gathered(c, numbers_of(c.rank()));
  wrong += all.size() != static_cast<std::size_t>(c.size());
  for (int r = 0; r < c.size(); ++r) wrong += all[static_cast<std::size_t>(r)] != numbers_of(r);

  // Rank a sends b + 1 numbers to rank b, all of them 10 a + b.
  std::vector<int> send, expected;
  std::vector<std::int64_t> to, from;
  for (int r = 0; r < c.size(); ++r) {
    send.insert(send.end(), static_cast<std::size_t>(r) + 1, 10 * c.rank() + r);
    expected.insert(expected.end(), static_cast<std::size_t>(c.rank()) + 1, 10 * r + c.rank());
    to.push_back(bytes_of(static_cast<std::size_t>(r) + 1)), from.push_back(bytes_of(static_cast<std::size_t>(c.rank()) + 1));
  }
  std::vector<int> received(expected.size());
  c.all_to_all(send.data(), to, received.data(), from);
  wrong += received != expected;

  float f[2] = {1, static_cast<float>(c.rank())};
  double d = 0.5;
  c.all_reduce(f, 2), c.all_reduce(&d, 1);
  wrong += f[0] != static_cast<float>(c.size()) || f[1] != static_cast<float>(c.size() * (c.size() - 1) / 2) || d != 0.5 * c.size();
  c.barrier();
  return wrong;
}

}  // namespace

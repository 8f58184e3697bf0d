// Run by mpirun with several processes (tests/CMakeLists.txt): MPI delivers what every communicator delivers, and the tree's sum over its processes
// has the bits of one.
#include "../train/communicator/operations.hpp"

#include <dcs/core/philox.hpp>
#include <dcs/interop/mpi.hpp>
#include <dcs/train/shards/tree.hpp>

#include <cstdio>

namespace {

std::vector<std::vector<float>> elements(dcs::index_range shards) {
  std::vector<std::vector<float>> all;
  for (std::int64_t s = shards.first; s < shards.last; ++s) {
    all.emplace_back();
    for (std::uint64_t i = 0; i < 1001; ++i) all.back().push_back(dcs::random_stream{3, static_cast<std::uint64_t>(s)}.uniform(i) - 0.5f);
  }
  return all;
}

}  // namespace

int main(int, char** argv) {
  if (!dcs::mpi_session::launched()) return std::fprintf(stderr, "%s: expected to be started by mpirun\n", argv[0]), 1;
  const dcs::mpi_session session;
  dcs::mpi_communicator c;
  int wrong = c.size() < 2;
  for (int k = 0; k < 20; ++k) wrong += wrong_results(c) + wrong_results(dcs::any_communicator(c));
  for (const std::int64_t shards : {1, 5, 8}) {
    dcs::serial alone;
    const auto expected = dcs::tree_sum(alone, shards, elements({0, shards}), 1001);
    wrong += dcs::tree_sum(c, shards, elements(dcs::part_of(shards, c.size(), c.rank())), 1001) != expected;
  }
  if (wrong != 0) std::fprintf(stderr, "process %d of %d: %d results are wrong\n", c.rank(), c.size(), wrong);
  return wrong == 0 ? 0 : 1;
}

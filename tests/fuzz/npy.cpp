// io/npy.hpp: an array of two axes, of each type that tensors have.
#include "target.hpp"

#include <dcs/io/npy.hpp>

DCS_FUZZ_TARGET(npy) {
  static const fuzz::memory_file file;
  const std::string path = file.with(bytes);
  using shape = dcs::shape<dcs::dyn<"rows">, dcs::dyn<"columns">>;
  fuzz::accepts([&] { dcs::io::read_npy<float, shape>(path); });
  fuzz::accepts([&] { dcs::io::read_npy<double, shape>(path); });
  fuzz::accepts([&] { dcs::io::read_npy<std::int64_t, shape>(path); });
}

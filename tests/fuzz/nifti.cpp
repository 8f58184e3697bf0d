// io/nifti.hpp: headers and volumes of at most a million voxels, with gzip and without.
#include "target.hpp"

#include <dcs/io/nifti.hpp>

DCS_FUZZ_TARGET(nifti) {
  static const fuzz::memory_file file;
  const std::string path = file.with(bytes);
  constexpr std::int64_t most = 1 << 20;
  const bool header = fuzz::accepts([&] { dcs::io::read_nifti_header(path, most); });
  fuzz::accepts([&] {
    const dcs::io::volume v = dcs::io::read_nifti(path, most);
    fuzz::check(header, "a volume has a header");
    for (const float x : v.values) fuzz::check(dcs::is_finite(x), "voxels are finite");
  });
}

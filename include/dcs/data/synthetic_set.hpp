// A data set of synthetic images (data/synthesize.hpp) as files, in the folders that folder_dataset reads: what dcs_synthesize writes.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/synthesize.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/png.hpp>

#include <cstdio>
#include <filesystem>
#include <string>

DCS_EXACT_MATH
namespace dcs {

/// How many images each split of a set has.
struct split_sizes {
  int train = 0, val = 0, test = 0;
};

/// What was written: how many images, and the mean share of an image's pixels that a lesion covers (0..1).
struct synthetic_summary {
  std::int64_t images = 0;
  double lesion_share = 0;
};

/// Writes SET/{train,val,test}/{images,masks}/NNNNNN.png: images of side × side pixels (at least 64), numbered through all splits, so that no two are
/// the same. A split of no images gets no folder. The images are a function of kind, side and seed. Throws dcs::error where a split's folder exists
/// already, or a file cannot be written.
inline synthetic_summary write_synthetic_set(const std::string& set, modality kind, std::int64_t side, std::uint64_t seed, const split_sizes& sizes) {
  namespace fs = std::filesystem;
  for (const char* split : {"train", "val", "test"})
    expect(!fs::exists(fs::path(set) / split), set, " holds a set already; another folder takes a new one");
  synthetic_summary written;
  for (const auto& [split, count] : {std::pair("train", sizes.train), std::pair("val", sizes.val), std::pair("test", sizes.test)}) {
    const fs::path images = fs::path(set) / split / "images", masks = fs::path(set) / split / "masks";
    if (count > 0) io::create_folders(images.string(), "dcs::synthesize"), io::create_folders(masks.string(), "dcs::synthesize");
    for (int i = 0; i < count; ++i, ++written.images) {
      const synthetic s = synthesize(kind, side, seed, static_cast<std::uint64_t>(written.images));
      char name[32];
      std::snprintf(name, sizeof name, "%06lld.png", static_cast<long long>(written.images));
      io::write_png((images / name).string(), s.pixels);
      io::write_mask((masks / name).string(), s.truth);
      written.lesion_share += static_cast<double>(s.truth.count()) / static_cast<double>(side * side);
    }
  }
  if (written.images > 0) written.lesion_share /= static_cast<double>(written.images);
  return written;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>

// From other layouts to the folder layout: a source names its images and reads one at a time; convert() splits them and writes SET.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/parallel.hpp>
#include <dcs/data/spacing.hpp>
#include <dcs/data/split.hpp>
#include <dcs/image/image.hpp>
#include <dcs/io/image.hpp>

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// An image of a source with its objects, numbered from 1, and its pixels' size where it is known. Its pixels are either in memory or in a file.
struct converted_image {
  image pixels{};                          ///< written as PNG; not asked where there is a file
  std::string file{};                      ///< an image file, which is copied byte for byte; empty: there is none
  label_map objects{};                     ///< of the image's size as read_image gives it
  std::optional<pixel_spacing> spacing{};  ///< in mm
};

/// A data set in another layout.
class conversion_source {
 public:
  virtual ~conversion_source() = default;
  /// The images: names without extension, each once, and the series that they are slices of.
  virtual const std::vector<split_image>& images() const = 0;
  /// Image `i`; called by several threads. Throws dcs::error where it cannot be read.
  virtual converted_image read(std::size_t i) const = 0;
};

struct conversion_options {
  split_options split;
  int folds = 0;           ///< 0: one set; otherwise OUT/fold0 to OUT/fold<folds − 1>
  bool instances = false;  ///< masks number their objects, for --instances; otherwise 0 and 255
};

struct conversion_summary {
  std::int64_t train = 0, val = 0, test = 0;  ///< of the first set
  std::int64_t empty = 0;                     ///< images without lesion
  bool linked = true;                         ///< files of several folds are one file on disk (hard links), not copies
};

namespace detail {

// A mask as PNG: 0 and 255, or the objects' numbers, in grey up to 255 of them and as colours beyond.
inline image mask_picture(const label_map& objects, bool instances) {
  const int channels = instances && objects.objects() > 255 ? 3 : 1;
  image out{objects.height, objects.width, channels, {}};
  out.pixels.reserve(objects.pixels.size() * static_cast<std::size_t>(channels));
  for (const std::int32_t k : objects.pixels)
    for (int c = 0; c < channels; ++c)
      out.pixels.push_back(static_cast<std::uint8_t>(instances ? k >> 8 * (channels - 1 - c) & 255 : k != 0 ? 255 : 0));
  return out;
}

// Whether a name can be a file's in a set: no folder, not hidden, and all of it is printable.
inline void check_name(const std::string& name) {
  expect(!name.empty() && name.front() != '.' && name.find('/') == name.npos && name.size() <= 200 && printable(name) == name,
         "dcs::convert: an image named '", printable(name),
         "'; expected a name of a file, without folder and control characters, of at most 200 bytes");
}

// A folder that becomes OUT when all is written, and is removed where anything fails.
class staged_folder {
 public:
  explicit staged_folder(const std::string& out) : out_(std::filesystem::path(out).lexically_normal()) {
    if (!out_.has_filename()) out_ = out_.parent_path();
    expect(!std::filesystem::exists(std::filesystem::symlink_status(out_)), "dcs::convert: ", printable(out),
           " exists already; expected a new folder");
    partial_ = out_.string() + ".partial";
    expect(!std::filesystem::exists(std::filesystem::symlink_status(partial_)), "dcs::convert: ", printable(partial_.string()),
           " exists, as a conversion that was interrupted leaves it; remove it first");
    io::create_folders(partial_.string(), "dcs::convert");
  }
  staged_folder(const staged_folder&) = delete;
  ~staged_folder() {
    std::error_code ignored;
    if (!partial_.empty()) std::filesystem::remove_all(partial_, ignored);
  }
  const std::filesystem::path& path() const { return partial_; }
  void commit() {
    std::error_code failed;
    std::filesystem::rename(partial_, out_, failed);
    expect(!failed, "dcs::convert: cannot rename ", printable(partial_.string()), ": ", failed.message());
    partial_.clear();
  }

 private:
  std::filesystem::path out_, partial_;
};

// A second name of a file, or, where the file system has no links, a copy; whether it is a link.
inline bool link_or_copy(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code failed;
  std::filesystem::create_hard_link(from, to, failed);
  if (!failed) return true;
  io::write_bytes(to.string(), "dcs::convert", io::read_bytes(from.string(), "dcs::convert", std::int64_t{1} << 31));
  return false;
}

// Writes one image with its mask into its split of each set, the first as files, the others as links.
inline bool write_converted(const converted_image& c, const std::string& name, const std::vector<std::filesystem::path>& splits, bool instances) {
  namespace fs = std::filesystem;
  const std::string image_name = name + (c.file.empty() ? std::string(".png") : fs::path(c.file).extension().string()), mask_name = name + ".png";
  const fs::path image_path = splits[0] / "images" / image_name, mask_path = splits[0] / "masks" / mask_name;
  if (c.file.empty())
    io::write_png(image_path.string(), c.pixels);
  else
    io::write_bytes(image_path.string(), "dcs::convert", io::read_bytes(c.file, "dcs::convert", std::int64_t{1} << 31));
  io::write_png(mask_path.string(), mask_picture(c.objects, instances));
  bool linked = true;
  for (std::size_t s = 1; s < splits.size(); ++s) {
    linked &= link_or_copy(image_path, splits[s] / "images" / image_name);
    linked &= link_or_copy(mask_path, splits[s] / "masks" / mask_name);
  }
  return linked;
}

}  // namespace detail

/// Writes a source as SET/{train,val,test}/{images,masks}/NAME in the new folder `out`, with SET/spacing.csv where pixels' sizes are known; with
/// folds as OUT/fold0, OUT/fold1, ..., each a whole set, whose files are hard links of each other. All is written under OUT.partial and renamed at
/// the end, so that nothing is left of a conversion that fails. Throws dcs::error where `out` exists, the images cannot be split (data/split.hpp),
/// two have one name, or one cannot be read or written.
inline conversion_summary convert(const conversion_source& source, const std::string& out, const conversion_options& o) {
  namespace fs = std::filesystem;
  const auto& images = source.images();
  expect(!images.empty(), "dcs::convert: the source holds no image");
  std::map<std::string, int> names;
  for (const auto& i : images) {
    detail::check_name(i.name);
    expect(++names[i.name] == 1, "dcs::convert: two images are named ", printable(i.name), "; expected names that differ before their extension");
  }
  const auto sets = o.folds > 0 ? split_in_folds(images, o.folds, o.split) : std::vector<std::vector<split_part>>(1, split_by_share(images, o.split));
  detail::staged_folder staged(out);
  const auto root = [&](std::size_t s) { return o.folds > 0 ? staged.path() / ("fold" + std::to_string(s)) : staged.path(); };
  for (std::size_t s = 0; s < sets.size(); ++s)
    for (const split_part part : sets[s])
      for (const char* kind : {"images", "masks"})
        if (const fs::path folder = root(s) / name_of(part) / kind; !fs::exists(folder)) io::create_folders(folder.string(), "dcs::convert");
  conversion_summary summary;
  spacing_table spacings;
  std::mutex counting;
  cpu::parallel_for(static_cast<std::int64_t>(images.size()), [&](std::int64_t i) {
    const auto k = static_cast<std::size_t>(i);
    const converted_image c = source.read(k);
    std::vector<fs::path> splits;
    for (std::size_t s = 0; s < sets.size(); ++s) splits.push_back(root(s) / name_of(sets[s][k]));
    const bool linked = detail::write_converted(c, images[k].name, splits, o.instances);
    const std::lock_guard lock(counting);
    summary.linked &= linked, summary.empty += c.objects.objects() == 0;
    if (c.spacing) spacings[images[k].name] = *c.spacing;
  });
  for (const split_part part : sets[0]) ++(part == split_part::train ? summary.train : part == split_part::val ? summary.val : summary.test);
  for (std::size_t s = 0; s < sets.size() && !spacings.empty(); ++s) write_spacing(root(s).string(), spacings);
  staged.commit();
  return summary;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>

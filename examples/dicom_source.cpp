// DICOM series with the masks of DICOM segmentations, or of a parallel folder of mask files: a series is a volume, whose slices are in the order of
// their positions.
#include "conversion_sources.hpp"
#include "dicom_files.hpp"

#include <dcs/core/warning.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

namespace programs {

namespace {

constexpr const char* who = "dcs::dicom: ";

// Where a slice lies along the normal of its plane, in mm; nothing where the file does not say.
std::optional<double> height_of(const dicom_image& i) {
  if (!i.position || !i.orientation) return std::nullopt;
  const auto& o = *i.orientation;
  const auto& p = *i.position;
  return (o[1] * o[5] - o[2] * o[4]) * p[0] + (o[2] * o[3] - o[0] * o[5]) * p[1] + (o[0] * o[4] - o[1] * o[3]) * p[2];
}

// Images of a series in the order of their positions, those of one position by their InstanceNumber; by that alone where a position is missing.
void sort_slices(std::vector<dicom_image>& slices) {
  const bool placed = std::all_of(slices.begin(), slices.end(), [](const auto& s) { return height_of(s).has_value(); });
  std::stable_sort(slices.begin(), slices.end(), [&](const dicom_image& a, const dicom_image& b) {
    const double at = placed ? *height_of(a) : 0, other = placed ? *height_of(b) : 0;
    return at != other ? at < other : a.number < b.number;
  });
}

// Slices of one volume are alike in all but their position.
void check_series(const std::vector<dicom_image>& slices) {
  const dicom_image& first = slices[0];
  const auto near = [](double a, double b) { return std::abs(a - b) <= 1e-3; };
  for (const auto& s : slices) {
    dcs::expect(s.rows == first.rows && s.columns == first.columns, who, dcs::printable(s.path), " is ", s.rows, " × ", s.columns, ", ",
                dcs::printable(first.path), " of its series ", first.rows, " × ", first.columns);
    const bool parallel = s.orientation.has_value() == first.orientation.has_value() &&
                          (!s.orientation || std::equal(s.orientation->begin(), s.orientation->end(), first.orientation->begin(), near));
    dcs::expect(parallel && s.inverted == first.inverted, who, dcs::printable(s.path), " lies in another plane than ", dcs::printable(first.path),
                " of its series, or is inverted where that is not; expected the slices of one volume");
  }
}

// The distance of slices, where all are the same to a hundredth of it; 0 where not.
double distance_of(const std::vector<dicom_image>& slices) {
  double distance = 0;
  for (std::size_t k = 1; k < slices.size(); ++k) {
    const auto at = height_of(slices[k]), before = height_of(slices[k - 1]);
    if (!at || !before) return 0;
    if (k == 1) distance = *at - *before;
    if (std::abs(*at - *before - distance) > 0.01 * distance) return 0;
  }
  return distance;
}

// A frame of a segmentation file, by their numbers.
struct mask_frame {
  std::size_t file, frame;
};

class dicom_source final : public dcs::volume_source {
 public:
  explicit dicom_source(const source_request& r) : volume_source(r.volume, {}), request_(r) {
    begin_dicom();
    read_headers();
    read_segmentations();
    std::size_t left_out = 0;
    for (auto& [id, slices] : found_) {
      const bool has_masks = !segmented() || std::any_of(slices.begin(), slices.end(), [&](const auto& s) { return frames_.contains(s.instance); });
      if (!has_masks)
        ++left_out;
      else
        series_.push_back(std::move(slices));
    }
    dcs::expect(!series_.empty(), who, "no segmentation in ", dcs::printable(r.annotations), " refers to an image in ", dcs::printable(r.images));
    if (left_out > 0) dcs::notice(std::to_string(left_out) + " series without a segment that is asked for are left out");
    std::map<std::string, int> numbers;  // series of a name so far
    for (auto& slices : series_) {
      sort_slices(slices), check_series(slices);
      const dicom_image& first = slices[0];
      dcs::expect(r.volume.axis == 2 || distance_of(slices) > 0, who, "the slices of ", dcs::printable(first.path),
                  "'s series are not at equal distances; expected --axis 2, the slices as they are");
      std::string name = name_of_patient(first.patient);
      if (const int number = ++numbers[name]; number > 1) name += "_series" + std::to_string(number);
      add_volume(name, first.patient.empty() ? first.study + "/" + first.series : first.patient,
                 {first.columns, first.rows, static_cast<std::int64_t>(slices.size())});
    }
  }

 private:
  bool segmented() const { return !segmentations_.empty(); }

  // A patient's identifier as a name of files: letters, digits and -.
  static std::string name_of_patient(const std::string& id) {
    std::string name = id.substr(0, 100);
    for (char& c : name) c = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ? c : '-';
    return name.empty() ? "patient" : name;
  }

  void read_headers() {
    std::map<std::string, std::string> paths;  // of an instance
    for (const auto& path : dicom_files(request_.images)) {
      const auto image = read_dicom_image(path, request_.limits);
      if (!image) continue;
      const auto [at, is_new] = paths.emplace(image->instance, path);
      dcs::expect(is_new, who, dcs::printable(path), " and ", dcs::printable(at->second), " are one image (SOPInstanceUID)");
      found_[image->series].push_back(*image);
    }
    dcs::expect(!found_.empty(), who, dcs::printable(request_.images), " holds no DICOM image");
  }

  void read_segmentations() {
    for (const auto& path : dicom_files(request_.annotations)) {
      auto s = read_dicom_segmentation(path, request_.classes);
      if (!s) continue;
      for (std::size_t f = 0; f < s->frames.size(); ++f)
        if (!s->frames[f].instance.empty()) frames_[s->frames[f].instance].push_back({segmentations_.size(), f});
      segmentations_.push_back(std::move(*s));
    }
    dcs::expect(segmented() || request_.classes.empty(), who, "--classes chooses segments of DICOM segmentations, of which ",
                dcs::printable(request_.annotations), " holds none");
  }

  dcs::labelled_volume read_volume(std::size_t number) const override {
    const auto& slices = series_[number];
    const dicom_image& first = slices[0];
    const auto spacing = first.spacing.value_or(std::array{0.0, 0.0});
    const std::array<std::int64_t, 3> extents{first.columns, first.rows, static_cast<std::int64_t>(slices.size())};
    dcs::labelled_volume v{{extents, {spacing[1], spacing[0], distance_of(slices)}, {}}, {extents, {}, {}}, {}};
    for (const auto& s : slices) {
      const auto pixels = read_dicom_pixels(s);
      v.values.values.insert(v.values.values.end(), pixels.begin(), pixels.end());
    }
    if (segmented())
      add_segments(slices, v.labels);
    else
      for (const auto& s : slices) add_mask(s, v.labels);
    v.range = range_of_series(slices, v.values);
    if (first.inverted) {
      // The least value is white: the grey of −value in the mirrored range.
      for (float& x : v.values.values) x = -x;
      v.range = {-v.range.high, -v.range.low};
    }
    return v;
  }

  // --window or --percentiles, or the window that the file of the middle slice states, so that all slices of a series have one.
  dcs::value_range range_of_series(const std::vector<dicom_image>& slices, const dcs::io::volume& values) const {
    dcs::volume_options o = options();
    if (const auto& stated = slices[slices.size() / 2].window; o.window.empty() && !request_.percentiles_given && stated)
      o.window = {(*stated)[0], (*stated)[1]};
    return dcs::range_of(values, o);
  }

  // Objects are numbered from 1 by file and segment; where segments overlap, the later one stays.
  void add_segments(const std::vector<dicom_image>& slices, dcs::io::volume& labels) const {
    const std::int64_t pixels = labels.extents[0] * labels.extents[1];
    labels.values.assign(static_cast<std::size_t>(pixels) * slices.size(), 0.0f);
    std::map<std::pair<std::size_t, std::int64_t>, float> numbers;
    std::map<std::size_t, std::vector<std::uint8_t>> bits;
    for (const auto& slice : slices)
      if (const auto at = frames_.find(slice.instance); at != frames_.end())
        for (const auto& [file, frame] : at->second) numbers[{file, segmentations_[file].frames[frame].segment}] = 0, bits[file];
    float next = 1;
    for (auto& entry : numbers) entry.second = next++;
    for (auto& entry : bits) entry.second = read_dicom_bits(segmentations_[entry.first]);
    for (std::size_t k = 0; k < slices.size(); ++k) {
      const auto at = frames_.find(slices[k].instance);
      if (at == frames_.end()) continue;
      for (const auto& [file, frame] : at->second) {
        const dicom_segmentation& s = segmentations_[file];
        dcs::expect(s.rows == slices[k].rows && s.columns == slices[k].columns, who, dcs::printable(s.path), " is ", s.rows, " × ", s.columns,
                    ", its image ", dcs::printable(slices[k].path), " ", slices[k].rows, " × ", slices[k].columns);
        const auto first = static_cast<std::int64_t>(frame) * pixels;
        const float number = numbers.at({file, s.frames[frame].segment});
        for (std::int64_t p = 0; p < pixels; ++p)
          if (bits[file][static_cast<std::size_t>((first + p) / 8)] >> ((first + p) % 8) & 1)
            labels.values[static_cast<std::size_t>(static_cast<std::int64_t>(k) * pixels + p)] = number;
      }
    }
  }

  // The mask of a slice in the parallel folder: the image's path below --images, or its name where --images is a file; .png in place of .dcm. Names
  // of DICOM files often end in a number behind a dot, which is no extension.
  void add_mask(const dicom_image& slice, dcs::io::volume& labels) const {
    namespace fs = std::filesystem;
    const fs::path image(slice.path);
    fs::path path = fs::path(request_.annotations);
    path /= fs::is_directory(request_.images) ? image.lexically_relative(request_.images) : image.filename();
    if (path.extension() == ".dcm") path.replace_extension();
    path += ".png";
    dcs::expect(fs::exists(path), who, dcs::printable(slice.path), " has no mask: there is no ", dcs::printable(path.string()),
                " and no DICOM segmentation");
    const dcs::label_map objects = dcs::io::read_labels(path.string(), request_.limits);
    dcs::expect(objects.height == slice.rows && objects.width == slice.columns, who, dcs::printable(path.string()), " is ", objects.height, " × ",
                objects.width, ", its image ", slice.rows, " × ", slice.columns);
    for (const std::int32_t k : objects.pixels) labels.values.push_back(static_cast<float>(request_.instances ? k : k != 0));
  }

  source_request request_;
  std::map<std::string, std::vector<dicom_image>> found_;  // by series
  std::vector<std::vector<dicom_image>> series_;           // those that are converted
  std::vector<dicom_segmentation> segmentations_;
  std::map<std::string, std::vector<mask_frame>> frames_;  // by instance
};

}  // namespace

std::unique_ptr<dcs::conversion_source> make_dicom(const source_request& r) { return std::make_unique<dicom_source>(r); }

}  // namespace programs

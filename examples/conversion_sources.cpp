#include "conversion_sources.hpp"

#include <dcs/data/coco.hpp>
#include <dcs/data/folder_source.hpp>
#include <dcs/data/yolo.hpp>

namespace programs {

namespace {

std::set<std::int64_t> numbers_of(const source_request& r) {
  std::set<std::int64_t> numbers;
  for (const auto& text : r.classes) {
    const auto number = dcs::parse_whole(text);
    dcs::expect(number.has_value(), "--classes ", text, ": expected numbers with --from ", r.format);
    numbers.insert(*number);
  }
  return numbers;
}
void expect_annotations(const source_request& r, const char* what) {
  dcs::expect(!r.annotations.empty(), "--from ", r.format, " needs --annotations, ", what);
}
void expect_no_classes(const source_request& r) { dcs::expect(r.classes.empty(), "--from ", r.format, " has no classes; --classes is not for it"); }

std::unique_ptr<dcs::conversion_source> make_coco(const source_request& r) {
  expect_annotations(r, "the JSON file");
  return std::make_unique<dcs::coco_source>(r.images, r.annotations, r.classes, r.limits);
}
std::unique_ptr<dcs::conversion_source> make_yolo(const source_request& r) {
  expect_annotations(r, "the folder of text files");
  return std::make_unique<dcs::yolo_source>(r.images, r.annotations, numbers_of(r), r.limits);
}
std::unique_ptr<dcs::conversion_source> make_folder(const source_request& r) {
  expect_no_classes(r);
  return std::make_unique<dcs::folder_source>(r.images, r.instances, r.limits);
}
std::unique_ptr<dcs::conversion_source> make_nifti(const source_request& r) {
  expect_annotations(r, "the volume of labels, or the folder of them");
  return std::make_unique<dcs::nifti_source>(r.images, r.annotations, r.volume, numbers_of(r));
}

#if defined(DCS_HDF5)
std::unique_ptr<dcs::conversion_source> checked_mat(const source_request& r) {
  expect_no_classes(r);
  return make_mat(r);
}
#else
std::unique_ptr<dcs::conversion_source> checked_mat(const source_request&) {
  dcs::fail("--from mat: these programs were built without HDF5 (Debian: libhdf5-dev)");
}
#endif
#if defined(DCS_DCMTK)
std::unique_ptr<dcs::conversion_source> checked_dicom(const source_request& r) {
  expect_annotations(r, "DICOM segmentations, or a folder of masks with the paths of the images");
  return make_dicom(r);
}
#else
std::unique_ptr<dcs::conversion_source> checked_dicom(const source_request&) {
  dcs::fail("--from dicom: these programs were built without DCMTK (Debian: libdcmtk-dev)");
}
#endif
struct format {
  const char *name, *text;
  std::unique_ptr<dcs::conversion_source> (*make)(const source_request&);
};
const std::vector<format>& formats() {
  static const std::vector<format> all{
      {"coco", "COCO's instances, polygons and runs", &make_coco},
      {"yolo", "YOLO's text files of segments", &make_yolo},
      {"kvasir", "Kvasir-SEG, or any folders images/ and masks/ without splits", &make_folder},
      {"nifti", "volumes .nii and .nii.gz", &make_nifti},
      {"dicom", "series of DICOM images, with DICOM segmentations or masks", &checked_dicom},
      {"mat", "the brain tumours of Cheng et al. (figshare) in MATLAB's files", &checked_mat},
  };
  return all;
}

}  // namespace

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const auto& f : formats()) names.emplace_back(f.name);
  return names;
}
std::string formats_text() {
  std::string text;
  for (const auto& f : formats()) text += (text.empty() ? "" : "; ") + std::string(f.name) + ": " + f.text;
  return text;
}

std::unique_ptr<dcs::conversion_source> make_source(const source_request& r) {
  for (const auto& f : formats())
    if (r.format == f.name) return f.make(r);
  dcs::fail("--from ", r.format, ": no such format");
}

}  // namespace programs

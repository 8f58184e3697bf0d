// The formats that dcs_convert reads.
#pragma once

#include <dcs/data/conversion.hpp>
#include <dcs/data/volumes.hpp>

#include <memory>
#include <string>
#include <vector>

namespace programs {

struct source_request {
  std::string format, images, annotations;
  std::vector<std::string> classes;
  dcs::volume_options volume;
  bool percentiles_given = false;  // before the window that a DICOM file states
  bool instances = false;
  dcs::io::image_limits limits;
};

/// Names for --from, and what they are.
std::vector<std::string> format_names();
std::string formats_text();

/// The source of a request; throws dcs::error where the format's library was not found when the programs were built, or what it needs was not passed.
std::unique_ptr<dcs::conversion_source> make_source(const source_request& r);

/// The source that needs HDF5 (mat_source.cpp), where the programs are built with it.
std::unique_ptr<dcs::conversion_source> make_mat(const source_request& r);
/// The source that needs DCMTK (dicom_source.cpp), likewise.
std::unique_ptr<dcs::conversion_source> make_dicom(const source_request& r);

}  // namespace programs

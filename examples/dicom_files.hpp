// DICOM files, read with DCMTK: images of one slice and binary segmentations. Attributes are those of DICOM PS3.3 by their keywords.
#pragma once

#include <dcs/io/image_limits.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace programs {

/// What the header of an image says. Identifiers are UIDs, as text.
struct dicom_image {
  std::string path, instance, series, study, patient;
  std::int64_t rows = 0, columns = 0;
  std::int64_t number = 0;                           ///< InstanceNumber; 0 where there is none
  bool inverted = false;                             ///< MONOCHROME1: the least value is white
  std::optional<std::array<double, 2>> spacing;      ///< mm between rows, and between columns
  std::optional<std::array<double, 3>> position;     ///< of the first pixel's centre, in mm
  std::optional<std::array<double, 6>> orientation;  ///< directions along a row and down a column
  std::optional<std::array<double, 2>> window;       ///< centre and width, of rescaled values
};

/// A frame of a segmentation: where the segment is in one slice of an image.
struct dicom_frame {
  std::string instance;  ///< the image's SOPInstanceUID
  std::int64_t segment;  ///< from 1
};

/// What the header of a binary segmentation (DICOM SEG) says.
struct dicom_segmentation {
  std::string path;
  std::int64_t rows = 0, columns = 0;
  std::vector<dicom_frame> frames;  ///< in the order of their bits
};

/// Switches DCMTK's own messages off and its decoders on (RLE, JPEG, JPEG-LS); call it before the functions below.
void begin_dicom();

/// All files below a folder that are DICOM, or the file that is one, by path. Files of other kinds and DICOMDIRs are passed over; a file that is
/// called .dcm and is none is an error.
std::vector<std::string> dicom_files(const std::string& path);

/// The header of a file that is an image; nothing where it is a DICOM object of another kind (a report, a segmentation). Throws dcs::error where it
/// is damaged, has several frames or colours, or more pixels than `limits` allow.
std::optional<dicom_image> read_dicom_image(const std::string& path, const dcs::io::image_limits& limits);

/// An image's pixels, row by row, in the unit of the modality: RescaleSlope · stored + RescaleIntercept; what is no finite f32 is 0. Throws
/// dcs::error where pixels are missing, or compressed in a way that DCMTK does not decode.
std::vector<float> read_dicom_pixels(const dicom_image& image);

/// The header of a file that is a segmentation; nothing where it is another object. Of its segments those whose number or label is among `wanted`,
/// or all where that is empty. Throws dcs::error where it is not binary, or a frame does not name the one image that it belongs to.
std::optional<dicom_segmentation> read_dicom_segmentation(const std::string& path, const std::vector<std::string>& wanted);

/// The bytes of a segmentation's frames: pixel p of frame f is bit (f · rows · columns + p), the lowest bit of a byte first. Throws dcs::error where
/// there are fewer.
std::vector<std::uint8_t> read_dicom_bits(const dicom_segmentation& segmentation);

}  // namespace programs

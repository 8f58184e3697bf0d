#include "dicom_files.hpp"

#include <dcs/core/error.hpp>
#include <dcs/core/printable.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/nifti.hpp>

#include <algorithm>
#include <filesystem>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>

namespace programs {

namespace {

constexpr const char* who = "dcs::dicom: ";

std::string text_of(DcmItem& item, const DcmTagKey& key) {
  OFString text;
  return item.findAndGetOFString(key, text).good() ? std::string(text.c_str()) : std::string();
}
std::int64_t whole_of(DcmItem& item, const DcmTagKey& key, std::int64_t otherwise) {
  long number = 0;
  return item.findAndGetLongInt(key, number).good() ? number : otherwise;
}
// The first N numbers of an attribute, where it has so many and they are finite.
template <std::size_t N>
std::optional<std::array<double, N>> numbers_of(DcmItem& item, const DcmTagKey& key) {
  std::array<double, N> numbers{};
  for (std::size_t k = 0; k < N; ++k)
    if (item.findAndGetFloat64(key, numbers[k], static_cast<unsigned long>(k)).bad() || !dcs::is_finite(numbers[k])) return std::nullopt;
  return numbers;
}

// Whether a regular file has DICOM's preamble.
bool has_preamble(const std::string& path) {
  dcs::io::input_file file(path, "dcs::dicom");
  std::array<char, 132> head{};
  return file.read_some(head.data(), head.size()) == 132 && std::string_view(head.data() + 128, 4) == "DICM";
}

// How deep items of sequences lie in each other in a file's bytes, at most: an upper bound, as what looks like an item may be a value.
std::size_t nesting(std::string_view bytes, bool little_endian) {
  constexpr std::uint32_t item = 0xFFFEE000, item_end = 0xFFFEE00D, undefined = 0xFFFFFFFF;
  const auto number = [&](std::size_t at, std::size_t k) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + k])); };
  const std::string_view group = little_endian ? "\xFE\xFF" : "\xFF\xFE";
  std::vector<std::size_t> ends;  // of the items that are open
  std::size_t deepest = 0;
  for (std::size_t at = bytes.find(group); at != bytes.npos && at + 8 <= bytes.size(); at = bytes.find(group, at + 1)) {
    const std::uint32_t element = little_endian ? number(at, 3) << 8 | number(at, 2) : number(at, 2) << 8 | number(at, 3);
    const std::uint32_t tag = 0xFFFE0000 | element;
    if (tag != item && tag != item_end) continue;
    while (!ends.empty() && ends.back() <= at) ends.pop_back();  // items that state their length have no end of their own
    if (tag == item_end) {
      if (!ends.empty()) ends.pop_back();
      continue;
    }
    std::uint32_t length = 0;
    for (std::size_t k = 0; k < 4; ++k) length = length << 8 | number(at, little_endian ? 7 - k : 4 + k);
    ends.push_back(length == undefined ? bytes.npos : at + 8 + length);
    deepest = std::max(deepest, ends.size());
  }
  return deepest;
}

// DCMTK reads items within items by recursion, and a file of a few hundred kilobytes can state more than the stack holds. What is compressed as a
// whole (deflated) hides its items, and is refused.
void check_nesting(const std::string& path) {
  constexpr std::size_t most = 100;
  const std::string bytes = dcs::io::read_bytes(path, "dcs::dicom", std::int64_t{1} << 31);
  dcs::expect(std::max(nesting(bytes, true), nesting(bytes, false)) <= most, who, dcs::printable(path), ": more than ", most,
              " sequences lie in each other");
  DcmFileFormat head;
  const OFCondition read = head.loadFile(path.c_str(), EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_metaOnly);
  dcs::expect(read.good(), who, dcs::printable(path), " is damaged or cut off: ", read.text());
  dcs::expect(text_of(*head.getMetaInfo(), DCM_TransferSyntaxUID) != UID_DeflatedExplicitVRLittleEndianTransferSyntax, who, dcs::printable(path),
              " is deflated as a whole; expected another transfer syntax");
}

// Loads a file: all of it, or what stands before the attribute `end`.
void load(DcmFileFormat& file, const std::string& path, const DcmTagKey& end = DCM_UndefinedTagKey) {
  check_nesting(path);
  const OFCondition read = file.loadFileUntilTag(path.c_str(), EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_fileOnly, end);
  dcs::expect(read.good(), who, dcs::printable(path), " is damaged or cut off: ", read.text());
}

// PixelData as it is without compression.
DcmElement& plain_pixels(DcmDataset& data, const std::string& path) {
  const DcmXfer syntax(data.getOriginalXfer());
  const OFCondition decoded = data.chooseRepresentation(EXS_LittleEndianExplicit, nullptr);
  dcs::expect(decoded.good() && data.canWriteXfer(EXS_LittleEndianExplicit), who, dcs::printable(path), ": its pixels (", syntax.getXferName(),
              ") cannot be decoded", decoded.bad() ? ": " : "", decoded.bad() ? decoded.text() : "",
              "; expected no compression, RLE, JPEG or JPEG-LS");
  DcmElement* pixels = nullptr;
  dcs::expect(data.findAndGetElement(DCM_PixelData, pixels).good() && pixels != nullptr, who, dcs::printable(path), " has no pixels");
  return *pixels;
}

// How a stored number lies in its 8 or 16 bits.
struct stored_bits {
  int allocated, used, high;
  bool is_signed;

  double value(unsigned raw) const {
    const unsigned v = raw >> (high + 1 - used) & ((1u << used) - 1);
    return is_signed && v >> (used - 1) != 0 ? static_cast<double>(v) - static_cast<double>(1u << used) : static_cast<double>(v);
  }
};
stored_bits bits_of(DcmItem& data, const std::string& path) {
  const auto number = [&](const DcmTagKey& key, std::int64_t otherwise) {
    return static_cast<int>(std::clamp<std::int64_t>(whole_of(data, key, otherwise), -1, 1000));
  };
  stored_bits b{};
  b.allocated = number(DCM_BitsAllocated, -1), b.used = number(DCM_BitsStored, b.allocated), b.high = number(DCM_HighBit, b.used - 1);
  b.is_signed = number(DCM_PixelRepresentation, 0) == 1;
  dcs::expect((b.allocated == 8 || b.allocated == 16) && b.used >= 1 && b.high < b.allocated && b.high + 1 >= b.used, who, dcs::printable(path), ": ",
              b.used, " bits of ", b.allocated, ", the highest ", b.high, "; expected numbers of 8 or 16 bits");
  return b;
}

void check_image(DcmItem& data, const dicom_image& image, const dcs::io::image_limits& limits) {
  const std::string path = dcs::printable(image.path), colours = text_of(data, DCM_PhotometricInterpretation);
  dcs::expect(image.rows >= 1 && image.columns >= 1, who, path, ": ", image.rows, " × ", image.columns, " pixels; expected at least one");
  dcs::io::detail::check_image_size(path, image.rows, image.columns, 0, 0, limits);
  const auto frames = whole_of(data, DCM_NumberOfFrames, 1);
  dcs::expect(frames == 1, who, path, " has ", frames, " frames; expected a file for each slice");
  dcs::expect(colours.starts_with("MONOCHROME"), who, path, " is ", dcs::printable(colours),
              "; expected an image in grey, MONOCHROME1 or MONOCHROME2");
  dcs::expect(!data.tagExists(DCM_ModalityLUTSequence), who, path,
              ": its values are a table's (ModalityLUTSequence); expected RescaleSlope and RescaleIntercept");
  dcs::expect(!image.instance.empty() && !image.series.empty(), who, path, " has no SOPInstanceUID or no SeriesInstanceUID");
}

// The segments whose number or label is wanted; all where nothing is.
std::vector<std::int64_t> wanted_segments(DcmItem& data, const std::vector<std::string>& wanted) {
  std::vector<std::int64_t> numbers;
  DcmItem* segment = nullptr;
  for (long k = 0; data.findAndGetSequenceItem(DCM_SegmentSequence, segment, k).good(); ++k) {
    const std::int64_t number = whole_of(*segment, DCM_SegmentNumber, 0);
    const auto is = [&](const std::string& word) { return word == std::to_string(number) || word == text_of(*segment, DCM_SegmentLabel); };
    if (wanted.empty() || std::any_of(wanted.begin(), wanted.end(), is)) numbers.push_back(number);
  }
  return numbers;
}

// The image that a frame belongs to, by the sequences of PS3.3 A.51.
std::string image_of_frame(DcmItem& frame, const std::string& path, std::int64_t number) {
  DcmItem *derivation = nullptr, *source = nullptr, *second = nullptr;
  const bool named = frame.findAndGetSequenceItem(DCM_DerivationImageSequence, derivation).good() &&
                     derivation->findAndGetSequenceItem(DCM_SourceImageSequence, source).good() &&
                     derivation->findAndGetSequenceItem(DCM_SourceImageSequence, second, 1).bad();
  const std::string instance = named ? text_of(*source, DCM_ReferencedSOPInstanceUID) : std::string();
  dcs::expect(!instance.empty(), who, dcs::printable(path), ": frame ", number,
              " does not name the one image that it belongs to (SourceImageSequence)");
  return instance;
}

}  // namespace

void begin_dicom() {
  OFLog::configure(OFLogger::OFF_LOG_LEVEL);
  DcmRLEDecoderRegistration::registerCodecs();
  DJDecoderRegistration::registerCodecs();
  DJLSDecoderRegistration::registerCodecs();
}

std::vector<std::string> dicom_files(const std::string& path) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  const auto consider = [&](const fs::path& file) {
    if (has_preamble(file.string()))
      files.push_back(file.string());
    else
      dcs::expect(file.extension() != ".dcm", who, dcs::printable(file.string()), " is no DICOM file (it has no preamble)");
  };
  std::error_code failed;
  if (!fs::is_directory(path)) {
    consider(path);
    return files;
  }
  for (auto entry = fs::recursive_directory_iterator(path, failed); !failed && entry != fs::recursive_directory_iterator(); entry.increment(failed))
    if (entry->is_regular_file() && entry->path().filename().string().front() != '.') consider(entry->path());
  dcs::expect(!failed, who, "cannot list ", dcs::printable(path), ": ", failed.message());
  std::sort(files.begin(), files.end());
  return files;
}

std::optional<dicom_image> read_dicom_image(const std::string& path, const dcs::io::image_limits& limits) {
  DcmFileFormat file;
  load(file, path, DCM_PixelData);
  DcmItem& data = *file.getDataset();
  const std::string kind = text_of(data, DCM_SOPClassUID);
  if (!data.tagExists(DCM_Rows) || kind == UID_SegmentationStorage) return std::nullopt;
  dicom_image image;
  image.path = path, image.instance = text_of(data, DCM_SOPInstanceUID), image.series = text_of(data, DCM_SeriesInstanceUID);
  image.study = text_of(data, DCM_StudyInstanceUID), image.patient = text_of(data, DCM_PatientID);
  image.rows = whole_of(data, DCM_Rows, 0), image.columns = whole_of(data, DCM_Columns, 0), image.number = whole_of(data, DCM_InstanceNumber, 0);
  check_image(data, image, limits);
  image.inverted = text_of(data, DCM_PhotometricInterpretation) == "MONOCHROME1";
  image.spacing = numbers_of<2>(data, DCM_PixelSpacing);
  image.position = numbers_of<3>(data, DCM_ImagePositionPatient), image.orientation = numbers_of<6>(data, DCM_ImageOrientationPatient);
  const auto centre = numbers_of<1>(data, DCM_WindowCenter), width = numbers_of<1>(data, DCM_WindowWidth);
  if (centre && width && (*width)[0] > 0) image.window = {(*centre)[0], (*width)[0]};
  return image;
}

std::vector<float> read_dicom_pixels(const dicom_image& image) {
  DcmFileFormat file;
  load(file, image.path);
  DcmDataset& data = *file.getDataset();
  const stored_bits bits = bits_of(data, image.path);
  const double slope = numbers_of<1>(data, DCM_RescaleSlope).value_or(std::array{1.0})[0];
  const double intercept = numbers_of<1>(data, DCM_RescaleIntercept).value_or(std::array{0.0})[0];
  DcmElement& element = plain_pixels(data, image.path);
  const std::int64_t count = image.rows * image.columns, bytes = count * (bits.allocated / 8);
  dcs::expect(static_cast<std::int64_t>(element.getLength()) >= bytes, who, dcs::printable(image.path), " has ", element.getLength(),
              " bytes of pixels; expected ", bytes);
  Uint8* narrow = nullptr;
  Uint16* wide = nullptr;
  const OFCondition got = bits.allocated == 8 ? element.getUint8Array(narrow) : element.getUint16Array(wide);
  dcs::expect(got.good() && (narrow != nullptr || wide != nullptr), who, dcs::printable(image.path), ": its pixels cannot be read: ", got.text());
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t p = 0; p < values.size(); ++p)
    values[p] = dcs::io::finite_float(slope * bits.value(narrow != nullptr ? narrow[p] : wide[p]) + intercept);
  return values;
}

std::optional<dicom_segmentation> read_dicom_segmentation(const std::string& path, const std::vector<std::string>& wanted) {
  DcmFileFormat file;
  load(file, path, DCM_PixelData);
  DcmItem& data = *file.getDataset();
  if (text_of(data, DCM_SOPClassUID) != UID_SegmentationStorage) return std::nullopt;
  const std::string kind = text_of(data, DCM_SegmentationType);
  dcs::expect(kind == "BINARY" && whole_of(data, DCM_BitsAllocated, 0) == 1, who, dcs::printable(path), ": a segmentation of type ",
              dcs::printable(kind), "; expected BINARY, of one bit a pixel");
  dicom_segmentation s{path, whole_of(data, DCM_Rows, 0), whole_of(data, DCM_Columns, 0), {}};
  const std::vector<std::int64_t> segments = wanted_segments(data, wanted);
  const std::int64_t frames = whole_of(data, DCM_NumberOfFrames, 0);
  DcmItem *frame = nullptr, *segment = nullptr;
  for (long k = 0; data.findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, frame, k).good(); ++k) {
    const bool known = frame->findAndGetSequenceItem(DCM_SegmentIdentificationSequence, segment).good();
    const std::int64_t number = known ? whole_of(*segment, DCM_ReferencedSegmentNumber, 0) : 0;
    dcs::expect(number >= 1, who, dcs::printable(path), ": frame ", k + 1, " names no segment");
    // A frame that is not wanted keeps its place, as the bits follow each other.
    const bool is_wanted = std::find(segments.begin(), segments.end(), number) != segments.end();
    s.frames.push_back({is_wanted ? image_of_frame(*frame, path, k + 1) : std::string(), number});
  }
  dcs::expect(static_cast<std::int64_t>(s.frames.size()) == frames, who, dcs::printable(path), " states ", frames, " frames and describes ",
              s.frames.size());
  return s;
}

std::vector<std::uint8_t> read_dicom_bits(const dicom_segmentation& s) {
  DcmFileFormat file;
  load(file, s.path);
  DcmElement& element = plain_pixels(*file.getDataset(), s.path);
  const auto frames = static_cast<std::int64_t>(s.frames.size());
  const std::int64_t bytes = (frames * s.rows * s.columns + 7) / 8;
  Uint8* bits = nullptr;
  dcs::expect(static_cast<std::int64_t>(element.getLength()) >= bytes && element.getUint8Array(bits).good() && bits != nullptr, who,
              dcs::printable(s.path), " has ", element.getLength(), " bytes of masks; expected ", bytes);
  return {bits, bits + bytes};
}

}  // namespace programs

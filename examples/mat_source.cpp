// The brain tumours of Cheng et al. (figshare 1512427) as they are published: a MATLAB file of version 7.3, which is HDF5, for each slice, with a
// structure cjdata of image, tumorMask and PID, the patient.
#include "conversion_sources.hpp"

#include <dcs/data/folder_files.hpp>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <hdf5.h>

namespace programs {

namespace {

// An object of HDF5, closed at the end of its scope.
class handle {
 public:
  handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;
  ~handle() {
    if (id_ >= 0) close_(id_);
  }
  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

// A matrix of a file, columns one after the other as MATLAB stores them: value (row, column) at row + rows · column.
struct matrix {
  std::int64_t rows = 0, columns = 0;
  std::vector<double> values;
};

// HDF5 converts every type of number. Its own memory limits do not know what a file's claim may cost: the extents are checked before.
matrix read_matrix(const handle& file, const std::string& path, const char* name, std::int64_t most) {
  const std::string what = dcs::printable(path) + ": " + name;
  const handle data(H5Dopen2(file.get(), name, H5P_DEFAULT), &H5Dclose);
  dcs::expect(data.valid(), "dcs::mat: ", what, " is missing");
  const handle space(H5Dget_space(data.get()), &H5Sclose), type(H5Dget_type(data.get()), &H5Tclose);
  const H5T_class_t kind = H5Tget_class(type.get());
  dcs::expect(kind == H5T_INTEGER || kind == H5T_FLOAT, "dcs::mat: ", what, " holds no numbers");
  hsize_t extents[2] = {};
  dcs::expect(H5Sget_simple_extent_ndims(space.get()) == 2 && H5Sget_simple_extent_dims(space.get(), extents, nullptr) == 2, "dcs::mat: ", what,
              " is no matrix");
  const auto fits = static_cast<hsize_t>(most);
  dcs::expect(extents[0] >= 1 && extents[1] >= 1 && extents[0] <= fits && extents[1] <= fits / extents[0], "dcs::mat: ", what, " is ", extents[1],
              " × ", extents[0], "; expected 1 to ", most, " numbers (--most-pixels)");
  // A chunk is read as a whole: one that states more than the matrix would take memory for nothing.
  const handle properties(H5Dget_create_plist(data.get()), &H5Pclose);
  if (H5Pget_layout(properties.get()) == H5D_CHUNKED) {
    hsize_t chunk[2] = {};
    dcs::expect(H5Pget_chunk(properties.get(), 2, chunk) == 2 && chunk[0] <= extents[0] && chunk[1] <= extents[1], "dcs::mat: ", what,
                " lies in pieces larger than it is");
  }
  matrix m{static_cast<std::int64_t>(extents[1]), static_cast<std::int64_t>(extents[0]), std::vector<double>(extents[0] * extents[1])};
  dcs::expect(H5Dread(data.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, m.values.data()) >= 0, "dcs::mat: ", what, " cannot be read");
  return m;
}

handle open_file(const std::string& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors are ours to word
  { dcs::io::input_file regular(path, "dcs::mat"); }
  return {H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), &H5Fclose};
}

class mat_source final : public dcs::conversion_source {
 public:
  explicit mat_source(const source_request& r) : request_(r) {
    for (const auto& [stem, path] : slices_of(r.images)) {
      const handle file = open_file(path);
      dcs::expect(file.valid(), "dcs::mat: ", dcs::printable(path), " is no MATLAB file of version 7.3 (HDF5)");
      // The patient's name, a character a number.
      std::string patient;
      for (const double c : read_matrix(file, path, "/cjdata/PID", 256).values) patient += static_cast<char>(c >= 32 && c < 127 ? c : '?');
      images_.push_back({stem, patient}), files_.push_back(path);
    }
    dcs::expect(!files_.empty(), "dcs::mat: ", dcs::printable(r.images), " holds no file .mat");
  }
  const std::vector<dcs::split_image>& images() const override { return images_; }

  dcs::converted_image read(std::size_t i) const override {
    const std::lock_guard lock(reading_);  // the C library of Debian is not safe for threads
    const handle file = open_file(files_[i]);
    dcs::expect(file.valid(), "dcs::mat: ", dcs::printable(files_[i]), " cannot be opened");
    const matrix pixels = read_matrix(file, files_[i], "/cjdata/image", request_.limits.pixels),
                 labels = read_matrix(file, files_[i], "/cjdata/tumorMask", request_.limits.pixels);
    dcs::expect(pixels.rows == labels.rows && pixels.columns == labels.columns, "dcs::mat: ", dcs::printable(files_[i]), ": tumorMask is ",
                labels.rows, " × ", labels.columns, ", image ", pixels.rows, " × ", pixels.columns);
    // One slice of a volume, whose first axis goes down the rows.
    dcs::io::volume slice{{pixels.rows, pixels.columns, 1}, {}, {}}, truth = slice;
    for (const double v : pixels.values) slice.values.push_back(dcs::io::finite_float(v));
    for (const double v : labels.values) truth.values.push_back(v != 0 ? 1.0f : 0.0f);
    dcs::converted_image c;
    c.pixels = turned(dcs::grey_slice(slice, 2, 0, dcs::range_of(slice, request_.volume)), transposed);
    c.objects = turned(dcs::label_slice(truth, 2, 0, {}), transposed);
    return c;
  }

 private:
  // Names and paths of the files .mat, in the order of the slices: names are numbers without leading zeros, so that 2 stands before 10. Other files
  // are passed over; what is called .mat and is no file is an error.
  static std::vector<std::pair<std::string, std::string>> slices_of(const std::string& folder) {
    const auto is_mat = [](const std::string& path) { return std::filesystem::path(path).extension() == ".mat"; };
    std::vector<dcs::file_fault> faults;
    std::vector<std::pair<std::string, std::string>> slices;
    for (const auto& [stem, paths] : dcs::detail::files_by_stem(folder, faults))
      for (const auto& path : paths)
        if (is_mat(path)) slices.emplace_back(stem, path);
    for (const auto& fault : faults)
      if (is_mat(fault.path)) dcs::fail("dcs::mat: ", fault.text());
    const auto rank = [](const auto& slice) { return std::pair(slice.first.size(), slice.first); };
    std::sort(slices.begin(), slices.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    return slices;
  }

  static constexpr int transposed = 5;  // image/orientation.hpp: a slice's rows are the axis that MATLAB's columns are

  source_request request_;
  std::vector<dcs::split_image> images_;
  std::vector<std::string> files_;
  mutable std::mutex reading_;
};

}  // namespace

std::unique_ptr<dcs::conversion_source> make_mat(const source_request& r) { return std::make_unique<mat_source>(r); }

}  // namespace programs
